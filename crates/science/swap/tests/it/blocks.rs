//! Replications that are kept and read again.

use serde_json::json;
use voltwin_swap::{Block, BlockError, Control, Key, Model, Runs, kpis_json};

use super::{city, read};

fn priced() -> voltwin_swap::Scenario {
    let mut form = city("share");
    form["economics"] = json!({
        "swap_price": 4.0, "energy_per_kwh": vec![0.1; 24], "peak_per_kw_month": 10.0,
        "capital": {"station": 1e5, "bay": 1e4, "battery": 8e3, "charger": 5e3, "grid_kw": 100.0}, "life_years": 10.0
    });
    read(&form)
}

/// Blocks of any size, kept and read, come to the form of one run in one piece, to the last digit.
#[test]
fn figures_do_not_depend_on_where_a_run_was_stopped() {
    let scenario = priced();
    let (model, key) = (Model::new(&scenario), Key::of(&scenario));
    let whole = model.run(0..7, &Control::default()).unwrap();
    let mut runs = Runs::default();
    for range in [0..1, 1..4, 4..7] {
        let kept = model.block(range.clone(), &Control::default()).unwrap().to_bytes(&key);
        let read = Block::from_bytes(&kept, &key).unwrap();
        assert_eq!(read.first(), range.start);
        runs.extend(read.rows());
    }
    let text = |runs: &Runs| kpis_json("x", &model.network, runs).to_string();
    assert!(runs.money().is_some());
    assert_eq!(text(&runs), text(&whole));
}

/// Cut anywhere, with any byte changed, or of another scenario, bytes are refused.
#[test]
fn what_is_torn_changed_or_foreign_is_refused() {
    let scenario = priced();
    let key = Key::of(&scenario);
    let kept = Model::new(&scenario).block(0..1, &Control::default()).unwrap().to_bytes(&key);
    for length in 0..kept.len() {
        assert_eq!(Block::from_bytes(&kept[..length], &key).unwrap_err(), BlockError::Torn);
    }
    for place in 0..kept.len() {
        let mut changed = kept.clone();
        changed[place] ^= 1;
        assert_eq!(Block::from_bytes(&changed, &key).unwrap_err(), BlockError::Torn);
    }
    let mut other = scenario.clone();
    other.seed += 1;
    assert_eq!(Block::from_bytes(&kept, &Key::of(&other)).unwrap_err(), BlockError::Foreign);
    other = scenario.clone();
    other.stations[0].bays += 1;
    assert_eq!(Block::from_bytes(&kept, &Key::of(&other)).unwrap_err(), BlockError::Foreign);
    // neither decides the figures of a replication
    other = scenario;
    (other.name, other.replications) = ("renamed".to_owned(), 9_999);
    assert!(Block::from_bytes(&kept, &Key::of(&other)).is_ok());
}
