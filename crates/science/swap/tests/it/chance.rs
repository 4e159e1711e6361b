//! What chance must and must not change.

use serde_json::json;
use voltwin_des::paired;
use voltwin_swap::{Control, Kpi, Model, Network, Outcome, Vehicles, replication};

use super::{city, day, read, run};

fn bits(runs: &voltwin_swap::Runs) -> Vec<u64> {
    Kpi::ALL.iter().flat_map(|kpi| runs.values(*kpi)).map(f64::to_bits).collect()
}

/// Alone and together, in both policies.
#[test]
fn results_are_the_same_bits_at_any_number_of_threads() {
    for policy in ["admission", "share"] {
        for reroute in [true, false] {
            let mut form = city(policy);
            if !reroute {
                form["service"]["reroute"] = json!(null);
            }
            let model = Model::new(&read(&form));
            let with = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                bits(&pool.install(|| model.run(0..12, &Control::default())).unwrap())
            };
            assert_eq!(with(1), with(4));
            // one replication spreads its stations over the threads instead
            let parts = model.run(3..4, &Control::default()).unwrap();
            let whole = model.run(0..12, &Control::default()).unwrap();
            assert_eq!(parts.values(Kpi::EnergyKwh)[0].to_bits(), whole.values(Kpi::EnergyKwh)[3].to_bits());
        }
    }
}

/// Two more batteries: common chance makes the variance of the loss difference at least 10 times smaller.
#[test]
fn common_chance_makes_differences_sharp() {
    let a = run(&day(), 1_000);
    let mut more = day();
    more["stations"][0]["batteries"] = json!(30);
    let b = run(&more, 1_000);
    let found = paired(&a.values(Kpi::LossRate), &b.values(Kpi::LossRate));
    assert!(found.difference.mean < 0.0);
    assert!(found.variance_ratio >= 10.0, "{}", found.variance_ratio);
    // 5 % more demand adds vehicles and moves none, so the same holds there
    let mut demand = day();
    demand["stations"][0]["demand_scale"] = json!(1.05);
    let c = run(&demand, 1_000);
    let found = paired(&a.values(Kpi::LossRate), &c.values(Kpi::LossRate));
    assert!(found.difference.mean > 0.0);
    assert!(found.variance_ratio >= 5.0, "{}", found.variance_ratio);
}

/// Everybody who comes at one demand comes at a higher one, at the same instant; a station that is added changes nobody.
#[test]
fn vehicles_keep_their_chance() {
    let first = |form: &serde_json::Value| {
        let mut seen = Vehicles::default();
        replication(&Network::new(&read(form)), 0, &mut seen, &|| false).unwrap();
        let mut rows: Vec<(u32, u64)> =
            seen.0.iter().map(|row| (row.home, row.first_arrival_s.to_bits())).collect();
        rows.sort_unstable();
        rows
    };
    let base = first(&city("admission"));
    let mut more = city("admission");
    for station in more["stations"].as_array_mut().unwrap() {
        station["demand_scale"] = json!(1.1);
    }
    let higher = first(&more);
    assert!(higher.len() > base.len());
    assert!(base.iter().all(|vehicle| higher.binary_search(vehicle).is_ok()));
    let mut wider = city("admission");
    let mut new = wider["stations"][0].clone();
    new["id"] = json!("new");
    wider["stations"].as_array_mut().unwrap().push(new);
    let with_new = first(&wider);
    assert!(base.iter().all(|vehicle| with_new.binary_search(vehicle).is_ok()));
}

/// Rule 2: the number of vehicles of a day is Poisson; jitter of the rate adds its part of variance.
#[test]
fn demand_has_its_mean_and_spread() {
    let runs = run(&day(), 2_000);
    let arrivals = runs.summary(Kpi::Arrivals);
    let exact: f64 =
        day()["demand"]["profile_per_h"].as_array().unwrap().iter().map(|r| r.as_f64().unwrap()).sum();
    // 4 standard errors of a mean and of a variance
    assert!((arrivals.mean - exact).abs() < 4.0 * (exact / 2_000.0).sqrt());
    let variance = arrivals.sd.powi(2) / exact;
    assert!((variance - 1.0).abs() < 4.0 * (2.0_f64 / 2_000.0).sqrt(), "{variance}");
    let mut form = day();
    form["demand"]["day_jitter_cv"] = json!(0.3);
    let wide = run(&form, 2_000).summary(Kpi::Arrivals);
    let expected = exact + (0.3 * exact).powi(2);
    assert!((wide.sd.powi(2) / expected - 1.0).abs() < 0.2, "{} is not {expected}", wide.sd.powi(2));
}

/// Little's law for the queue of a station: vehicles in the queue are the rate of joining times the wait, up to those who are
/// still there. Here nobody is: the demand ends before the horizon.
#[test]
fn little_holds_for_the_queue() {
    let mut form = day();
    form["service"] = json!({"on_stockout": "wait"});
    for hour in 20..24 {
        form["demand"]["profile_per_h"][hour] = json!(0.0);
    }
    let mut seen = Vehicles::default();
    let done = replication(&Network::new(&read(&form)), 0, &mut seen, &|| false).unwrap();
    assert!(seen.0.iter().all(|row| row.outcome == Outcome::Served));
    let waited: f64 = seen.0.iter().map(|row| row.wait_s).sum();
    assert!(waited > 0.0);
    let apart = (done.kpis.get(Kpi::QueueMean) - waited / 86_400.0).abs();
    assert!(apart < 1e-9 * waited, "{apart}");
}

/// Each pack is ready, in a swap, waiting for a charger or in one; energy is what the charges took.
#[test]
fn packs_and_energy_are_conserved() {
    let mut form = day();
    form["battery"]["soh0"] = json!(1.0);
    form["battery"]["fade_per_efc"] = json!(0.0);
    form["arrival_soc"] = json!(0.2);
    for hour in 18..24 {
        form["demand"]["profile_per_h"][hour] = json!(0.0);
    }
    for policy in ["admission", "share"] {
        form["grid"]["policy"] = json!(policy);
        let runs = run(&form, 20);
        for (energy, cycles) in runs.values(Kpi::EnergyKwh).iter().zip(runs.values(Kpi::Cycles)) {
            let expected = cycles * 75.0 * 0.79 / 0.95;
            assert!((energy / expected - 1.0).abs() < 1e-9, "{policy}: {energy} is not {expected}");
        }
    }
}
