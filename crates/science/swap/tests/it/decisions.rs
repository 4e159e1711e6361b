//! What is decided with the model.

use serde_json::json;
use voltwin_des::{Name, Precision};
use voltwin_swap::{Arrival, Control, Kpi, Model, Search, SwapError, compare, fit, optimise, sensitivity};

use super::{city, day, read};

#[test]
fn more_batteries_are_told_in_words() {
    let mut more = day();
    more["stations"][0]["batteries"] = json!(32);
    let names = ["now".to_owned(), "more".to_owned()];
    let found = compare(&[read(&day()), read(&more)], &names, 200, &Control::default()).unwrap();
    assert!(found.verdict[0].starts_with("more loses "), "{:?}", found.verdict);
    assert!(found.verdict[0].ends_with("fewer swaps a day than now (95 % interval)."), "{:?}", found.verdict);
    let loss = found.differences.iter().find(|entry| entry.figure == "loss_rate").unwrap();
    assert!(loss.differs && loss.ci95.1 < 0.0);
    let same = compare(&[read(&day()), read(&day())], &names, 50, &Control::default()).unwrap();
    assert!(same.differences.iter().all(|entry| !entry.differs));
    let mut other = day();
    other["horizon_s"] = json!(172_800);
    assert!(compare(&[read(&day()), read(&other)], &names, 50, &Control::default()).is_err());
}

#[test]
fn demand_moves_losses_most() {
    let (base, swings) = sensitivity(&read(&day()), Kpi::LossRate, 0.1, 100, &Control::default()).unwrap();
    assert!(base.mean > 0.0);
    let place = |name: &str| swings.iter().position(|swing| swing.parameter == name);
    assert!(place("demand") < place("cooldown_s"));
    assert_eq!(place("patience"), None);
}

#[test]
fn a_run_stops_when_it_is_precise() {
    let model = Model::new(&read(&day()));
    let precision = Precision { relative: 0.1, ..Precision::default() };
    let (runs, progress) = model.run_until(precision, &[Kpi::EnergyKwh], &Control::default()).unwrap();
    assert!(progress.precise && runs.len() < 50, "{progress:?}");
    let stopped = Control { stop: &|| true, ..Control::default() };
    assert!(matches!(model.run(0..5, &stopped), Err(SwapError::Cancelled)));
}

/// A budget buys service: the frontier falls, keeps to the budget, and the plan is better than what was there.
#[test]
fn a_budget_buys_service() {
    let mut form = city("admission");
    form["economics"] = json!({"capital": {"battery": 10.0, "charger": 20.0, "bay": 100.0, "grid_kw": 0.5}});
    let scenario = read(&form);
    let search = Search { budget: 5_000.0, reps: 2, final_reps: 40, ..Search::default() };
    let plan = optimise(&scenario, &search, &Control::default()).unwrap();
    assert!(plan.cost <= 5_000.0 && plan.frontier.len() > 3);
    assert!(
        plan.frontier
            .windows(2)
            .all(|pair| pair[0].cost < pair[1].cost && pair[0].loss_rate > pair[1].loss_rate)
    );
    let before = Model::new(&scenario).run(0..20, &Control::default()).unwrap().summary(Kpi::LossRate);
    assert!(plan.runs.summary(Kpi::LossRate).mean < before.mean);
    let poor = Search { budget: 10.0, ..search };
    assert!(matches!(optimise(&scenario, &poor, &Control::default()), Err(SwapError::Question { .. })));
}

/// Arrivals drawn from a known demand give that demand back, and the tests of fit do not complain; a clock-bound demand does.
#[test]
fn a_log_gives_its_demand_back() {
    let mut arrivals = Vec::new();
    for (station, scale) in [("a", 0.5), ("b", 1.5)] {
        for hour in 0..24 * 28_u32 {
            let rate = if hour % 24 < 8 { 2.0 } else { 10.0 } * scale;
            let mut stream = Name::of_seed(9).word(station).number(u64::from(hour)).stream();
            let mut at = stream.exponential() / rate;
            while at < 1.0 {
                arrivals
                    .push(Arrival { at_s: (f64::from(hour) + at) * 3_600.0, station: station.to_owned() });
                at += stream.exponential() / rate;
            }
        }
    }
    let found = fit(&arrivals, 28).unwrap();
    // rates of about 56 and 280 draws an hour: 4 standard errors
    for (hour, rate) in found.demand.profile_per_h.iter().enumerate() {
        let exact = if hour < 8 { 2.0 } else { 10.0 };
        assert!((rate - exact).abs() < 4.0 * f64::sqrt(exact / 56.0), "{hour}: {rate}");
    }
    assert!((found.scales[0].1 - 0.5).abs() < 0.03 && (found.scales[1].1 - 1.5).abs() < 0.03);
    assert!(found.p_rates > 0.001 && found.p_gaps > 0.001, "{found:?}");
    assert!(found.demand.rate_jitter_cv < 0.1 && found.demand.day_jitter_cv < 0.1);
    for arrival in &mut arrivals {
        arrival.at_s = (arrival.at_s / 3_600.0).floor() * 3_600.0 + 60.0;
    }
    assert!(fit(&arrivals, 28).unwrap().p_gaps < 1e-6);
    assert!(fit(&arrivals[..10], 28).is_err() && fit(&arrivals, 0).is_err());
}
