//! The circuit of a parameter set against the physics that it was identified from, on protocols that it never saw.
#![allow(clippy::unwrap_used, reason = "a test")]

use voltwin_cell::{CellModel as _, Load, Protocol, Run, SingleParticle, Stage, Surroundings, set};
use voltwin_estimation::CircuitCell;

/// Root mean square and largest difference in V between circuit and SPMe.
fn differences(circuit: &mut CircuitCell, protocol: &Protocol, soc: f64) -> (f64, f64) {
    let set = circuit.set().clone();
    let run =
        Run { soc, step_max_s: 5.0, at_s: (1..400).map(|k| 10.0 * f64::from(k)).collect(), ..Run::default() };
    let circuit = run.of(circuit, protocol).unwrap();
    let physics =
        run.of(&mut SingleParticle::spme(&set, Surroundings::Isothermal).unwrap(), protocol).unwrap();
    let at = |rows: &[voltwin_cell::Row], t_s: f64| {
        rows.iter().rfind(|r| (r.time_s - t_s).abs() < 1e-6).map(|r| r.voltage_v)
    };
    let both: Vec<f64> =
        run.at_s.iter().filter_map(|t_s| Some(at(&circuit.rows, *t_s)? - at(&physics.rows, *t_s)?)).collect();
    assert!(both.len() > 50, "only {} common times", both.len());
    let rms = (both.iter().map(|d| d * d).sum::<f64>() / both.len() as f64).sqrt();
    (rms, both.iter().fold(0.0, |most, d| most.max(d.abs())))
}

#[test]
fn a_circuit_stands_for_its_set() {
    let mut circuit = CircuitCell::of(&set::named("chen2020").unwrap(), Surroundings::Isothermal).unwrap();
    // A new current in a new order, and a 0.7C discharge. One surface stands for two electrodes and the salt: a circuit
    // of this kind is good to about a fiftieth of a volt, where the single-particle model is 58 mV from the full one.
    let steps = [-0.7, 0.4, -1.2, 0.0, -0.2];
    let stages = (0..40).map(|k| Stage::current_for(5.0 * steps[k % 5], 70.0)).collect();
    let drive = Protocol { stages, ends_at_limits: true };
    let (rms, most) = differences(&mut circuit, &drive, 0.8);
    assert!(rms < 0.025 && most < 0.08, "drive: {rms} {most}");
    let discharge = Protocol {
        stages: vec![Stage { load: Load::Current(-3.5), stops: vec![voltwin_cell::Stop::After(3_600.0)] }],
        ends_at_limits: true,
    };
    let (rms, most) = differences(&mut circuit, &discharge, 0.95);
    assert!(rms < 0.025 && most < 0.08, "discharge: {rms} {most}");
}
