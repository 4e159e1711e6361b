//! The optional parts.

use serde_json::json;
use voltwin_swap::{EventKind, Everything, Kpi, Network, Outcome, replication};

use super::{day, read, run};

#[test]
fn a_closed_station_refuses() {
    let mut form = day();
    form["stations"][0]["hours"] = json!({"open_h": 6, "close_h": 22});
    let mut seen = Everything::default();
    replication(&Network::new(&read(&form)), 0, &mut seen, &|| false).unwrap();
    for row in &seen.vehicles {
        let hour = row.first_arrival_s / 3_600.0;
        let open = (6.0..22.0).contains(&hour);
        assert_eq!(row.outcome == Outcome::Closed, !open, "{row:?}");
    }
    assert!(seen.vehicles.iter().any(|row| row.outcome == Outcome::Closed));
}

/// A charger that is up 90 h and 10 h in repair is up 90 % of the time: charges are spread over what is there.
#[test]
fn units_fail_and_are_repaired() {
    let mut form = day();
    form["horizon_s"] = json!(86_400 * 60);
    form["failures"] = json!({"charger": {"mtbf_h": 90, "mttr_h": 10}, "bay": {"mtbf_h": 200, "mttr_h": 5}});
    let mut seen = Everything::default();
    let broken = replication(&Network::new(&read(&form)), 0, &mut seen, &|| false).unwrap();
    let count =
        |kind: EventKind| seen.events.kind.iter().filter(|found| **found == kind as u8).count() as f64;
    // 22 chargers for 1,440 h a renewal of 100 h each, and 1 bay of 205 h; within 4 standard deviations of a Poisson number
    let expected = 22.0 * 14.4 + 1_440.0 / 205.0;
    let failures = count(EventKind::Failure);
    assert!((failures - expected).abs() < 4.0 * expected.sqrt(), "{failures} is not {expected}");
    assert!(failures - count(EventKind::Repaired) < 23.0);
    form["failures"] = json!(null);
    let whole = replication(&Network::new(&read(&form)), 0, &mut (), &|| false).unwrap();
    assert!(broken.kpis.get(Kpi::LossRate) > whole.kpis.get(Kpi::LossRate));
}

/// Half the power at every temperature is half the power of the charger.
#[test]
fn heat_takes_power() {
    let mut hot = day();
    hot["charge"]["derating"] = json!({"ambient_c": vec![35.0; 24], "factor": [[20.0, 0.5]]});
    let mut weak = day();
    weak["charge"]["p_max_kw"] = json!(30.0);
    let (hot, weak) = (run(&hot, 10), run(&weak, 10));
    assert_eq!(hot.values(Kpi::LossRate), weak.values(Kpi::LossRate));
}

/// Money is counted from what happened: revenue over served, energy at one price, capital by the day.
#[test]
fn money_adds_up() {
    let mut form = day();
    form["economics"] = json!({
        "swap_price": 10.0, "energy_per_kwh": vec![0.2; 24], "peak_per_kw_month": 3.0,
        "capital": {"station": 36525.0, "battery": 0.0}, "life_years": 10.0
    });
    let runs = run(&form, 5);
    let money = runs.money().unwrap();
    let get = |name: &str| money.iter().find(|entry| entry.0 == name).unwrap().1.mean;
    assert!((get("revenue") - 10.0 * runs.summary(Kpi::Served).mean).abs() < 1e-9);
    assert!((get("lost_revenue") - 10.0 * runs.summary(Kpi::Lost).mean).abs() < 1e-9);
    assert!((get("energy_cost") - 0.2 * runs.summary(Kpi::EnergyKwh).mean).abs() < 1e-6);
    assert!((get("peak_cost") - 0.1 * runs.summary(Kpi::Peak15Kw).mean).abs() < 1e-9);
    assert!((get("capital_cost") - 10.0).abs() < 1e-12);
    let sum = get("revenue") - get("energy_cost") - get("peak_cost") - get("capital_cost");
    assert!((get("profit") - sum).abs() < 1e-9);
}

/// The record of a run tells the same as its counters.
#[test]
fn the_record_agrees_with_the_figures() {
    for policy in ["admission", "share"] {
        let network = Network::new(&read(&super::city(policy)));
        let mut seen = Everything::default();
        let done = replication(&network, 0, &mut seen, &|| false).unwrap();
        let count =
            |kind: EventKind| seen.events.kind.iter().filter(|found| **found == kind as u8).count() as f64;
        assert_eq!(count(EventKind::SwapStart), done.kpis.get(Kpi::Served));
        assert_eq!(count(EventKind::ChargeEnd), done.kpis.get(Kpi::Cycles));
        assert_eq!(count(EventKind::Reroute), done.kpis.get(Kpi::Reroutes));
        assert_eq!(seen.vehicles.len() as f64, done.kpis.get(Kpi::Arrivals));
        let unseen = replication(&network, 0, &mut (), &|| false).unwrap();
        assert_eq!(unseen.kpis.get(Kpi::EnergyKwh).to_bits(), done.kpis.get(Kpi::EnergyKwh).to_bits());
    }
}
