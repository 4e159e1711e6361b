//! Bad input: each field is named with its limit.

use serde_json::{Value, json};
use voltwin_swap::Scenario;

use super::day;

fn complaint(change: impl Fn(&mut Value)) -> String {
    let mut form = day();
    change(&mut form);
    Scenario::from_json(&form.to_string()).unwrap_err().to_string()
}

#[test]
fn fields_out_of_range_are_named_with_their_limit() {
    let cases: &[(&str, Value, &[&str])] = &[
        ("/schema", json!("swap-scenario/2"), &["schema", "swap-scenario/1"]),
        ("/horizon_s", json!(-1), &["horizon_s", "above 0"]),
        ("/horizon_s", json!(86_401), &["horizon_s", "multiple of meter_s"]),
        ("/warmup_s", json!(86_400), &["warmup_s", "below horizon_s 86400"]),
        ("/meter_s", json!(0), &["meter_s", "60 to 86400"]),
        ("/replications", json!(0), &["replications", "1 to 1000000"]),
        ("/battery/capacity_kwh", json!(0), &["battery.capacity_kwh", "above 0"]),
        ("/battery/soh0", json!(1.2), &["battery.soh0", "1 is the most"]),
        ("/battery/fade_per_efc", json!(0.5), &["battery.fade_per_efc", "0 to 0.01"]),
        ("/charge/soc_cv", json!(1.0), &["charge.soc_cv", "below 1"]),
        ("/charge/target_soc", json!(0.5), &["charge.target_soc", "above soc_cv 0.8"]),
        ("/charge/target_soc", json!(0.9), &["charge.target_soc", "swap_min_soc 0.95"]),
        ("/charge/efficiency", json!(1.1), &["charge.efficiency", "at most 1"]),
        ("/charge/p_max_kw", json!(2_000), &["stations[0].grid_kw", "power of one charger"]),
        ("/swap", json!({"dist": "exp", "mean": -3}), &["swap.mean", "above 0"]),
        ("/swap", json!(-5), &["swap", "0 is the least"]),
        ("/arrival_soc", json!({"dist": "exp", "mean": 0.2}), &["arrival_soc", "0.8 is the most"]),
        ("/arrival_soc", json!(0.8), &["arrival_soc", "below charge.soc_cv 0.8"]),
        ("/demand/profile_per_h", json!([1, 2]), &["demand.profile_per_h", "2 values, 24"]),
        ("/demand/profile_per_h/3", json!(-1), &["demand.profile_per_h[3]", "0 to 10000"]),
        ("/demand/dow", json!([1]), &["demand.dow", "7 are wanted"]),
        ("/stations", json!([]), &["stations", "1 to 10000"]),
        ("/stations/0/bays", json!(0), &["stations[0].bays", "1 to 1000"]),
        ("/stations/0/lat", json!(91), &["stations[0].lat", "-90 to 90"]),
        ("/stations/0/grid_kw", json!(0), &["stations[0].grid_kw", "above 0"]),
        ("/stations/0/trace", json!([[0, 0.9, null, 0.5]]), &["stations[0].trace[0][1]", "soc_cv 0.8"]),
        ("/stations/0/trace", json!([[-1, 0.2, null, 0.5]]), &["stations[0].trace[0][0]", "before 0"]),
        ("/stations/0/demand_scale", json!(1000), &["demand", "vehicles a replication"]),
    ];
    for (field, value, words) in cases {
        let told = complaint(|form| {
            form["stations"][0]["trace"] = json!(null);
            *form.pointer_mut(field).unwrap_or_else(|| panic!("{field}")) = value.clone();
            if field.ends_with("demand_scale") {
                form["horizon_s"] = json!(86_400 * 3_600);
                form["demand"]["profile_per_h"] = json!(vec![100.0; 24]);
            }
        });
        for word in *words {
            assert!(told.contains(word), "{field}: `{told}` does not say `{word}`");
        }
    }
}

#[test]
fn fields_that_are_missing_or_unknown_are_named() {
    for (field, place) in
        [("horizon_s", ""), ("soc_cv", "/charge"), ("bays", "/stations/0"), ("dow", "/demand")]
    {
        let told = complaint(|form| {
            form.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
        });
        assert!(told.contains("missing field") && told.contains(field), "{told}");
    }
    for place in ["", "/battery", "/charge", "/grid", "/service", "/demand", "/stations/0"] {
        let told = complaint(|form| form.pointer_mut(place).unwrap()["surplus"] = json!(1));
        assert!(told.contains("unknown field `surplus`"), "{place}: {told}");
    }
    let told = complaint(|form| form["stations"][0]["chargers"] = json!("many"));
    assert!(told.contains("stations[0].chargers"), "{told}");
    assert!(Scenario::from_json("{").is_err());
    assert!(Scenario::from_json(&format!("{} x", day())).is_err());
}

#[test]
fn every_problem_is_told_at_once() {
    let told = complaint(|form| {
        form["stations"][0]["bays"] = json!(0);
        form["stations"][0]["chargers"] = json!(0);
        form["charge"]["cooldown_s"] = json!(-1);
    });
    for field in ["stations[0].bays", "stations[0].chargers", "charge.cooldown_s"] {
        assert!(told.contains(field), "{told}");
    }
    let twins = complaint(|form| {
        let station = form["stations"][0].clone();
        form["stations"].as_array_mut().unwrap().push(station);
    });
    assert!(twins.contains("stations[1].id") && twins.contains("another station"), "{twins}");
}

#[test]
fn a_scenario_survives_writing_and_reading() {
    let scenario = super::read(&super::city("share"));
    let text = serde_json::to_string(&scenario).unwrap();
    assert_eq!(Scenario::from_json(&text).unwrap(), scenario);
}
