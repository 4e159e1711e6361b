//! Parameter sets beside tables of PyBaMM's values of the same sets (26.10), read from the shared reference data.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper that fails ends the test; a skip is loud"
)]

use std::path::PathBuf;

use serde_json::Value;
use voltwin_cell::set::{self, ParameterSet};

/// Where the reference data lie: `VOLTWIN_SHARED`, or the first `shared` beside a folder above this crate.
fn shared() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("VOLTWIN_SHARED") {
        return Some(PathBuf::from(path));
    }
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|folder| folder.join("../shared")).find(|path| path.join("reference").is_dir())
}

fn reference(name: &str) -> Option<Value> {
    let path = shared()?.join(format!("reference/battery_curves/parameters_{name}.json"));
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn check(
    name: &str,
    function: &str,
    argument: &str,
    relative: f64,
    ours: impl Fn(&ParameterSet, f64) -> f64,
) {
    let Some(reference) = reference(name) else {
        eprintln!("SKIPPED: no reference data; set VOLTWIN_SHARED");
        return;
    };
    let set = set::named(name).unwrap();
    let table = &reference["functions"][function];
    let (x, y) = (numbers(&table[argument]), numbers(&table["y"]));
    for (x, y) in x.into_iter().zip(y) {
        let own = ours(&set, x);
        assert!((own - y).abs() <= relative * y.abs() + 1e-20, "{name} {function} at {x}: {own} beside {y}");
    }
}

/// The tables are printed with eight digits.
const PRINTED: f64 = 1e-7;

#[test]
fn functions_are_those_of_the_published_sets() {
    for name in ["Chen2020", "ORegan2022", "Prada2013"] {
        check(name, "Negative electrode OCP [V]", "x", PRINTED, |set, x| set.negative.ocp_v.value(x));
        check(name, "Positive electrode OCP [V]", "x", PRINTED, |set, x| set.positive.ocp_v.value(x));
        check(name, "Electrolyte conductivity [S.m-1]", "c_e", PRINTED, |set, c| {
            set.electrolyte.conductivity.value(c, 298.15)
        });
    }
    for name in ["Chen2020", "ORegan2022"] {
        check(name, "Electrolyte diffusivity [m2.s-1]", "c_e", PRINTED, |set, c| {
            set.electrolyte.diffusivity.value(c, 298.15)
        });
    }
    let name = "ORegan2022";
    check(name, "Negative particle diffusivity [m2.s-1]", "x", PRINTED, |set, x| {
        set.negative.diffusivity.value(x, 298.15)
    });
    check(name, "Positive particle diffusivity [m2.s-1]", "x", PRINTED, |set, x| {
        set.positive.diffusivity.value(x, 298.15)
    });
    check(name, "Positive electrode OCP entropic change [V.K-1]", "x", PRINTED, |set, x| {
        set.positive.entropic_v_k.value(x)
    });
}

#[test]
fn the_balance_of_the_electrodes_is_that_of_the_published_sets() {
    for name in ["Chen2020", "ORegan2022", "Prada2013"] {
        let Some(reference) = reference(name) else {
            eprintln!("SKIPPED: no reference data; set VOLTWIN_SHARED");
            return;
        };
        let window = set::named(name).unwrap().window().unwrap();
        let limits = &reference["stoichiometry_limits"];
        let pairs = [
            ("x0", window.empty.negative),
            ("x100", window.full.negative),
            ("y0", window.empty.positive),
            ("y100", window.full.positive),
        ];
        for (key, own) in pairs {
            let theirs = limits[key].as_f64().unwrap();
            // the reference solver stops at 1e-6 V
            assert!((own - theirs).abs() < 1e-6, "{name} {key}: {own} beside {theirs}");
        }
    }
}

#[test]
fn every_set_is_sound_and_knows_its_name() {
    for name in set::names() {
        let set = set::named(name).unwrap();
        assert_eq!(set.name, name);
        let window = set.window().unwrap();
        let share = window.capacity_ah / set.cell.nominal_capacity_ah;
        assert!((0.9..1.35).contains(&share), "{name}: {share} of the nominal capacity");
        assert!(set.thermal.as_ref().is_some_and(|thermal| thermal.heat_capacity_j_k(298.15) > 0.0));
    }
    let message = set::named("Chen2021").unwrap_err().to_string();
    assert!(message.contains("Chen2020"), "{message}");
}

#[test]
fn a_set_that_makes_no_sense_is_refused_with_the_field() {
    let text = include_str!("../sets/Chen2020.toml");
    let wrong = text.replacen("porosity = 0.25", "porosity = 1.25", 1);
    let message = ParameterSet::from_toml(&wrong).unwrap_err().to_string();
    assert!(message.contains("electrode.porosity is 1.25"), "{message}");
    let wrong = text.replacen("porosity = 0.25", "porosities = 0.25", 1);
    let message = ParameterSet::from_toml(&wrong).unwrap_err().to_string();
    assert!(message.contains("porosities"), "{message}");
}
