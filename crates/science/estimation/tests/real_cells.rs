//! Measured cells (DMEGC INR18650; see docs/battery-estimation.md): a circuit of one cell, judged by another.
//!
//! The data are not in this repository: without them (`VOLTWIN_SHARED`, or `../shared` beside the checkout) the test
//! says so and passes.
#![allow(
    clippy::needless_range_loop,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that reads columns and tells when it is skipped"
)]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use voltwin_battery::ecm::EcmModel;
use voltwin_estimation::{
    Record,
    identify::{CircuitForm, OpenCircuit, Weights, identify, misfits, overall_rms_v},
    least_squares::Limits,
    live::{Estimator, LiveConfig, Reading},
};

fn folder() -> Option<PathBuf> {
    let from_env = std::env::var_os("VOLTWIN_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared");
    from_env
        .into_iter()
        .chain([beside])
        .map(|shared| shared.join("data/battery"))
        .find(|folder| folder.is_dir())
}

/// The wanted tests of a cell: current is discharge-positive in the file.
fn tests(folder: &Path, cell: &str, wanted: &[&str]) -> Vec<Record> {
    let mut reader = csv::Reader::from_path(folder.join(format!("dmegc18650_{cell}.csv"))).unwrap();
    let mut records: Vec<Record> = Vec::new();
    for row in reader.records() {
        let row = row.unwrap();
        let name = format!("{} {}", &row[0], &row[1]);
        if !wanted.contains(&name.as_str()) {
            continue;
        }
        let number = |place: usize| row[place].parse::<f64>().unwrap();
        if records.last().is_none_or(|record| record.name != name) {
            records.push(Record {
                name,
                t_s: vec![],
                current_a: vec![],
                voltage_v: vec![],
                temp_c: vec![],
                soc: 1.0,
                ambient_c: number(5),
            });
        }
        let record = records.last_mut().unwrap();
        record.t_s.push(number(2));
        record.current_a.push(-number(3));
        record.voltage_v.push(number(4));
        record.temp_c.push(number(5));
    }
    records
}

#[test]
fn one_cell_tells_of_another() {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: no measured cells; set VOLTWIN_SHARED");
        return;
    };
    let slow = &tests(&folder, "R1", &["ocv_C20 1"])[0];
    let (open, capacity_ah) = OpenCircuit::from_slow_discharge(slow, 201).unwrap();
    assert!((capacity_ah - 2.75).abs() < 0.02, "{capacity_ah}");
    let fitted = tests(&folder, "R1", &["random 1", "random 13", "random 25", "random 37"]);
    let limits = Limits { iterations: 8, relative_cost: 1e-3 };
    let found =
        identify("DMEGC", CircuitForm::new(capacity_ah), open, &fitted, Weights::default(), limits).unwrap();
    assert!(found.found.iter().all(|f| f.value.is_finite() && f.deviation > 0.0));
    let model = EcmModel::new(found.parameters).unwrap();

    let others =
        tests(&folder, "R2", &["random 2", "random 9", "random 16", "random 23", "random 30", "random 44"]);
    let misfits = misfits(&model, &others, Weights::default()).unwrap();
    // What a two-pair circuit of one cell reaches on its sisters in the literature is 17 to 20 mV.
    assert!(overall_rms_v(&misfits) < 0.017, "{misfits:?}");
    assert!(misfits.iter().all(|m| m.peak_temp_k.abs() < 4.0), "{misfits:?}");

    let estimator = Estimator::new(Arc::new(model), LiveConfig::default()).unwrap();
    let (mut squares, mut most, mut inside, mut count) = (0.0, 0.0_f64, 0.0, 0.0);
    for record in &others {
        let mut memory = estimator.start(Some((0.5, 0.3)));
        let mut moved_as = 0.0;
        for k in 0..record.t_s.len() {
            moved_as += if k == 0 { 0.0 } else { record.current_a[k] * (record.t_s[k] - record.t_s[k - 1]) };
            let estimate = estimator.update(
                &mut memory,
                &Reading {
                    t_s: record.t_s[k],
                    current_a: Some(record.current_a[k] - 0.05),
                    voltage_v: Some(record.voltage_v[k]),
                    temp_c: Some(record.temp_c[k]),
                    ..Reading::default()
                },
            );
            if record.t_s[k] >= 600.0 {
                let truth = 1.0 + moved_as / (3_600.0 * capacity_ah);
                let off = estimate.soc.value - truth;
                squares += off * off;
                most = most.max(off.abs());
                inside += f64::from(u8::from(estimate.soc.low <= truth && truth <= estimate.soc.high));
                count += 1.0;
            }
        }
    }
    // The goals for a wrong start and a sensor that is 50 mA off.
    assert!((squares / count).sqrt() < 0.0075 && most < 0.05, "{} {most}", (squares / count).sqrt());
    assert!(inside / count > 0.9, "{}", inside / count);
}
