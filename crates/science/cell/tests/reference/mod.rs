//! Reference curves (PyBaMM 26.10 on refined meshes, see docs/battery.md) and the comparison with them.

use std::path::PathBuf;

use voltwin_cell::{CellError, ParameterSet, Protocol, Run, SingleParticle, Stage, Surroundings, Trace, set};

/// Where the reference data lie: `VOLTWIN_SHARED`, or the first `shared` beside a folder above this crate.
pub(crate) fn folder() -> Option<PathBuf> {
    let shared = match std::env::var_os("VOLTWIN_SHARED") {
        Some(path) => PathBuf::from(path),
        None => {
            let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            here.ancestors()
                .map(|folder| folder.join("../shared"))
                .find(|path| path.join("reference").is_dir())?
        }
    };
    Some(shared.join("reference/battery_curves"))
}

/// One published run.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) model: String,
    pub(crate) set: String,
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) rate: f64,
    pub(crate) soc: f64,
    pub(crate) temperature_k: f64,
    pub(crate) heat_transfer_w_m2_k: Option<f64>,
    pub(crate) mode: String,
}

/// The cases of an index of curves.
pub(crate) fn cases(index: &PathBuf) -> Vec<Case> {
    let text = std::fs::read_to_string(index).unwrap();
    let folder = index.parent().unwrap();
    let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .iter()
        .map(|entry| {
            let mode = entry["mode"].as_str().unwrap_or("discharge").to_owned();
            Case {
                model: word(&entry["model"]),
                set: word(&entry["params"]),
                name: word(&entry["case"]),
                file: folder.join(word(&entry["file"])),
                rate: entry["C"].as_f64().unwrap_or(0.0),
                soc: entry["soc"].as_f64().unwrap_or(1.0),
                temperature_k: entry["T"].as_f64().unwrap_or(298.15),
                heat_transfer_w_m2_k: entry["h"].as_f64(),
                mode,
            }
        })
        .collect()
}

/// `t, current (discharge positive), voltage, temperature`.
pub(crate) fn curve(case: &Case) -> Vec<[f64; 4]> {
    let text = std::fs::read_to_string(&case.file).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            [cells[0], cells[1], cells[2], cells[3]]
        })
        .collect()
}

/// What is done in a case.
pub(crate) fn protocol(case: &Case, set: &ParameterSet) -> Protocol {
    let one_c = set.one_c_a();
    match case.mode.as_str() {
        "hppc" => {
            let times = if case.set == "Prada2013" { 6 } else { 8 };
            let cycle = [(-2.0, 10.0), (0.0, 40.0), (0.75, 10.0), (0.0, 40.0), (-1.0, 360.0), (0.0, 600.0)];
            let stages =
                (0..times).flat_map(|_| cycle.map(|(rate, s)| Stage::current_for(rate * one_c, s))).collect();
            Protocol { stages, ends_at_limits: false }
        }
        "profile" => {
            let mut seed: u64 = 20_261_120;
            let stages = (0..90)
                .map(|step| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let u = (seed >> 33) as f64 / 2_f64.powi(31);
                    let discharge = ((-0.8 + 3.0 * u) * one_c * 1e4).round() / 1e4;
                    let current = if step % 10 == 9 { 0.0 } else { -discharge };
                    Stage::current_for(current, 20.0)
                })
                .collect();
            Protocol { stages, ends_at_limits: false }
        }
        "pulses" => {
            let steps = [(-1.5, 30.0), (0.0, 60.0), (0.5, 120.0), (-0.7, 600.0), (0.0, 300.0)];
            let stages = steps.map(|(rate, s)| Stage::current_for(rate * one_c, s)).to_vec();
            Protocol { stages, ends_at_limits: false }
        }
        "cccv" => Protocol::cc_cv(case.rate * one_c, set.cell.voltage_max_v, one_c / 20.0),
        _ => Protocol::discharge(case.rate * one_c, set.cell.voltage_min_v),
    }
}

/// How far a run is from its curve.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Distance {
    pub(crate) rms_mv: f64,
    pub(crate) max_mv: f64,
    pub(crate) end_percent: f64,
    pub(crate) temperature_k: f64,
    pub(crate) rows: usize,
}

/// Runs a single-particle model through a case, with rows at the times of the curve.
pub(crate) fn simulate(case: &Case, times: &[f64], step_max_s: f64) -> Result<Trace, CellError> {
    let set = set::named(&case.set)?;
    let surroundings = match case.heat_transfer_w_m2_k {
        Some(h) => Surroundings::Lumped { ambient_k: case.temperature_k, heat_transfer_w_m2_k: Some(h) },
        None => Surroundings::Isothermal,
    };
    let protocol = protocol(case, &set);
    let mut model = if case.model == "SPM" {
        SingleParticle::spm(&set, surroundings)?
    } else {
        SingleParticle::spme(&set, surroundings)?
    };
    let mut at_s = times.to_vec();
    at_s.sort_by(f64::total_cmp);
    let run = Run { soc: case.soc, temperature_k: case.temperature_k, step_max_s, at_s, ..Run::default() };
    run.of(&mut model, &protocol)
}

/// Compares at the instants of the curve. At a jump the row of the same current counts.
pub(crate) fn distance(trace: &Trace, curve: &[[f64; 4]]) -> Distance {
    let mut squares = 0.0;
    let mut distance = Distance::default();
    let mut first = 0;
    for [t, discharge_a, v, k] in curve {
        while first < trace.rows.len() && trace.rows[first].time_s < t - 1e-6 {
            first += 1;
        }
        let best = trace.rows[first..]
            .iter()
            .take_while(|row| row.time_s <= t + 1e-6)
            .min_by(|a, b| (a.current_a + discharge_a).abs().total_cmp(&(b.current_a + discharge_a).abs()));
        let Some(row) = best else { continue };
        let error_mv = 1e3 * (row.voltage_v - v).abs();
        squares += error_mv * error_mv;
        distance.max_mv = distance.max_mv.max(error_mv);
        distance.temperature_k = distance.temperature_k.max((row.temperature_k - k).abs());
        distance.rows += 1;
    }
    distance.rms_mv = (squares / distance.rows.max(1) as f64).sqrt();
    let end = curve.last().map_or(0.0, |row| row[0]);
    distance.end_percent = 100.0 * (trace.end_s() - end).abs() / end;
    distance
}

/// What the published figures must stay under: rms and largest error in mV.
pub(crate) fn limits(case: &Case) -> (f64, f64) {
    match (case.model.as_str(), case.mode.as_str()) {
        _ if case.set == "ORegan2022" => (5.0, 25.0),
        ("SPM", "hppc" | "profile" | "pulses") => (0.3, 2.0),
        ("SPM", _) => (0.2, 2.0),
        (_, "hppc" | "profile" | "pulses") => (2.0, 8.0),
        _ => (1.0, 8.0),
    }
}
