//! Reference curves and how far a model is from them.

use std::path::{Path, PathBuf};

use voltwin_cell::{ParameterSet, Protocol, Run, Stage, Surroundings, set};
use voltwin_dfn::{Dfn, Mesh, Output, Tolerance};

/// One curve.
pub(crate) struct Case {
    pub(crate) set: &'static str,
    pub(crate) name: &'static str,
    pub(crate) soc: f64,
    pub(crate) temperature_k: f64,
    pub(crate) lumped_w_m2_k: Option<f64>,
}

impl Default for Case {
    fn default() -> Self {
        Self { set: "Chen2020", name: "", soc: 1.0, temperature_k: 298.15, lumped_w_m2_k: None }
    }
}

/// Data that the repository does not hold: `VOLTWIN_SHARED`, or `shared` beside the checkout.
fn shared() -> PathBuf {
    let given = std::env::var_os("VOLTWIN_SHARED").map(PathBuf::from);
    let found = given
        .into_iter()
        .chain(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared")));
    found
        .into_iter()
        .find(|folder| folder.join("reference/battery_curves").is_dir())
        .expect("reference curves: set VOLTWIN_SHARED to the folder that holds reference/battery_curves")
}

/// Rows of time, discharge current, voltage, temperature.
fn curve(case: &Case) -> Vec<[f64; 4]> {
    let name = format!("reference/battery_curves/open/{}_DFN_{}.csv", case.set, case.name);
    let text =
        std::fs::read_to_string(shared().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
            [cells[0], cells[1], cells[2], cells[3]]
        })
        .collect()
}

fn protocol(case: &Case, set: &ParameterSet) -> Protocol {
    let one_c_a = set.one_c_a();
    match case.name {
        "hppc" => {
            let count = if case.set == "Prada2013" { 6 } else { 8 };
            let pulse = [(-2.0, 10.0), (0.0, 40.0), (0.75, 10.0), (0.0, 40.0), (-1.0, 360.0), (0.0, 600.0)];
            let stages = (0..count).flat_map(|_| pulse);
            let stages = stages.map(|(rate, time_s)| Stage::current_for(rate * one_c_a, time_s)).collect();
            Protocol { stages, ends_at_limits: false }
        }
        "profileA" => {
            let mut seed = 20_261_120_u64;
            let stages = (0..90).map(|step| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let unit = (seed >> 33) as f64 / 2.0_f64.powi(31);
                let current_a = ((-0.8 + 3.0 * unit) * one_c_a * 1e4).round() / 1e4;
                Stage::current_for(if step % 10 == 9 { 0.0 } else { -current_a }, 20.0)
            });
            Protocol { stages: stages.collect(), ends_at_limits: false }
        }
        name => {
            let name = name.split('_').next().expect("a first part");
            Protocol::named(name, set).expect("a named protocol")
        }
    }
}

/// Runs the case and fails beyond `rms_mv` or `max_mv`, 0.1 % of the end time or 0.15 K.
#[expect(clippy::print_stdout, reason = "the table of docs/battery.md is what this prints")]
pub(crate) fn judge(case: &Case, rms_mv: f64, max_mv: f64) {
    let set = set::named(case.set).expect("a set of the library");
    let rows = curve(case);
    let end_s = rows.last().expect("a row")[0];
    let surroundings = match case.lumped_w_m2_k {
        None => Surroundings::Isothermal,
        Some(h) => Surroundings::Lumped { ambient_k: case.temperature_k, heat_transfer_w_m2_k: Some(h) },
    };
    let mut cell = Dfn::new(&set, surroundings, &Mesh::default(), &Tolerance::default()).expect("a cell");
    let run = Run { soc: case.soc, temperature_k: case.temperature_k, ..Run::default() };
    let times = Output::At(rows.iter().map(|row| row[0]).collect());
    let trace = cell.run(&protocol(case, &set), &run, &times).expect("a run");

    // at a jump both have two rows of one time, or the row after it: the current tells which is meant
    let (mut sum, mut worst, mut at, mut count, mut hottest) = (0.0, 0.0_f64, 0.0, 0, 0.0_f64);
    let mut from = 0;
    for [time_s, discharge_a, voltage_v, temperature_k] in &rows {
        let near = |time: f64| (time - time_s).abs() < 2e-3;
        while from + 1 < trace.rows.len() && trace.rows[from].time_s < time_s - 2e-3 {
            from += 1;
        }
        let same = trace.rows[from..]
            .iter()
            .take_while(|row| row.time_s < time_s + 2e-3)
            .filter(|row| near(row.time_s))
            .min_by(|a, b| {
                let miss = |current_a: f64| (current_a + discharge_a).abs();
                miss(a.current_a).total_cmp(&miss(b.current_a))
            });
        let Some(row) = same else { continue };
        let error = row.voltage_v - voltage_v;
        sum += error * error;
        count += 1;
        if error.abs() > worst.abs() {
            (worst, at) = (error, *time_s);
        }
        hottest = hottest.max((row.temperature_k - temperature_k).abs());
    }
    let rms = 1e3 * (sum / f64::from(count)).sqrt();
    let worst = 1e3 * worst;
    let name = format!("{} {}", case.set, case.name);
    let late = trace.end_s() / end_s - 1.0;
    println!(
        "{name:28} rms {rms:.3} mV, worst {worst:+.2} mV at {at:.1} s, end {:+.4} %, {hottest:.3} K, {count} of {} rows, {} steps",
        100.0 * late,
        rows.len(),
        trace.steps
    );
    assert!(count as usize + 1 >= rows.len(), "{name}: only {count} of {} rows compared", rows.len());
    assert!(rms <= rms_mv, "{name}: {rms} mV rms");
    assert!(worst.abs() <= max_mv, "{name}: {worst} mV at {at} s");
    assert!(late.abs() <= 1e-3, "{name}: ends at {} s for {end_s} s", trace.end_s());
    assert!(hottest <= 0.15, "{name}: {hottest} K");
}
