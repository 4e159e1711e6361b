//! The model from outside: exact cases, chance, bad input, decisions.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod blocks;
mod cases;
mod chance;
mod decisions;
mod extras;
mod input;

use serde_json::{Value, json};
use voltwin_swap::{Control, Model, Runs, Scenario};

/// A station that loses some of its vehicles, over a day.
fn day() -> Value {
    json!({
        "schema": "swap-scenario/1", "horizon_s": 86_400, "warmup_s": 0, "meter_s": 900, "seed": 7, "replications": 100,
        "battery": {
            "capacity_kwh": 75.0, "soh0": {"dist": "uniform", "lo": 0.88, "hi": 1.0},
            "fade_per_efc": 6.5e-5, "swap_min_soc": 0.95
        },
        "charge": {"p_max_kw": 60.0, "soc_cv": 0.8, "target_soc": 0.99, "efficiency": 0.95, "cooldown_s": 60.0},
        "grid": {"policy": "admission"},
        "swap": 90.0,
        "arrival_soc": {"dist": "truncnorm", "mean": 0.2, "sd": 0.08, "lo": 0.05, "hi": 0.5},
        "service": {"on_stockout": "lost"},
        "demand": {
            "profile_per_h": [2.1, 1.5, 1.2, 1.0, 1.4, 3.0, 6.4, 11.5, 14.9, 12.4, 9.8, 9.4, 10.2, 9.8, 9.0, 9.4, 11.5,
                              14.9, 17.5, 15.8, 12.4, 9.0, 6.4, 4.3],
            "dow": [1, 1, 1, 1, 1, 1, 1], "rate_jitter_cv": 0.0, "arrival_jitter_s": 0.0
        },
        "stations": [{"id": "S0", "lat": 25.04, "lon": 121.53, "bays": 1, "batteries": 28, "chargers": 22,
                      "grid_kw": 1200.0, "demand_scale": 1.0}]
    })
}

/// Six stations over a day, with rerouting, waiting and jitter of every kind.
fn city(policy: &str) -> Value {
    let mut form = day();
    form["grid"]["policy"] = json!(policy);
    form["service"] = json!({
        "on_stockout": "wait", "patience": {"dist": "exp", "mean": 600.0}, "queue_cap": 4,
        "reroute": {"prob": 0.6, "max_hops": 2, "speed_kmh": 25.0, "detour": 1.4}
    });
    form["demand"]["rate_jitter_cv"] = json!(0.25);
    form["demand"]["day_jitter_cv"] = json!(0.1);
    form["demand"]["arrival_jitter_s"] = json!(120.0);
    let stations: Vec<Value> = (0..6)
        .map(|k| {
            json!({"id": format!("S{k}"), "lat": 25.0 + 0.01 * f64::from(k), "lon": 121.5, "bays": 1 + k % 2,
                   "batteries": 14 + k, "chargers": 12, "grid_kw": 500.0, "demand_scale": 0.8})
        })
        .collect();
    form["stations"] = json!(stations);
    form
}

fn read(form: &Value) -> Scenario {
    Scenario::from_json(&form.to_string()).unwrap()
}

fn run(form: &Value, reps: u64) -> Runs {
    Model::new(&read(form)).run(0..reps, &Control::default()).unwrap()
}
