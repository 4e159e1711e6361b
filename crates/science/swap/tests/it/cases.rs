//! Six whole-model cases whose answers are known in closed form; the rule of the tolerance stands in their file.

use std::path::Path;

use serde_json::Value;
use voltwin_swap::{Kpi, Network};

use super::{read, run};

fn cases() -> std::path::PathBuf {
    let shared = std::env::var_os("VOLTWIN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"),
        std::path::PathBuf::from,
    );
    shared.join("reference/swap_cases")
}

fn form(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// |mean - exact| <= 3 sd / sqrt(100) and relative error <= 2 %, over 100 replications of 30 days.
#[test]
fn exact_cases_are_met() {
    let folder = cases();
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: {} is not there; set VOLTWIN_SHARED to the folder of reference data",
            folder.display()
        );
        return;
    }
    let expected = form(&folder.join("expected.json"));
    for (name, figures) in expected["cases"].as_object().unwrap() {
        let runs = run(&form(&folder.join(format!("{name}.json"))), 100);
        for (figure, exact) in figures.as_object().unwrap().iter().filter(|(figure, _)| *figure != "why") {
            let exact = exact.as_f64().unwrap();
            let summary = runs.summary(Kpi::by_name(figure).unwrap());
            let apart = (summary.mean - exact).abs();
            let mean = summary.mean;
            assert!(apart <= 3.0 * summary.standard_error(), "{name} {figure}: {mean} is not {exact}");
            assert!(apart <= 0.02 * exact, "{name} {figure}: {mean} is not {exact}");
        }
    }
}

/// Every scenario of the reference is read, also the large ones.
#[test]
fn reference_scenarios_are_read() {
    let folder = cases();
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: {} is not there; set VOLTWIN_SHARED to the folder of reference data",
            folder.display()
        );
        return;
    }
    for (name, stations) in [("a_station_day", 1), ("b_city_week", 20), ("d_size_200x30", 200)] {
        let scenario = read(&form(&folder.join(format!("{name}.json"))));
        assert_eq!(Network::new(&scenario).len(), stations);
    }
}
