//! What must hold whatever the numbers are.

use proptest::prelude::*;
use voltwin_cell::{Load, Protocol, Run, Stage, Stop, Surroundings, set};
use voltwin_dfn::{Dfn, DfnError, Mesh, Output, Tolerance};

const FARADAY: f64 = 96_485.332_12;

fn cell(name: &str, mesh: &Mesh, tightness: f64) -> Dfn {
    let set = set::named(name).expect("a set of the library");
    let base = Tolerance::default();
    let tolerance = Tolerance {
        voltage_v: base.voltage_v * tightness,
        stoichiometry: base.stoichiometry * tightness,
        salt: base.salt * tightness,
        temperature_k: base.temperature_k * tightness,
    };
    Dfn::new(&set, Surroundings::Isothermal, mesh, &tolerance).expect("a cell")
}

fn stages(stages: Vec<Stage>) -> Protocol {
    Protocol { stages, ends_at_limits: false }
}

/// Every particle and volume gives what its neighbour takes, so only rounding is left: 1e-12 of the whole.
#[test]
fn lithium_and_charge_are_kept() {
    for name in ["Chen2020", "Prada2013", "ORegan2022"] {
        let mesh = Mesh { volumes: 30, ..Mesh::default() };
        let mut cell = cell(name, &mesh, 1.0);
        cell.reset(0.6, 298.15).expect("a state");
        let before = cell.lithium();
        let one_c_a = set::named(name).expect("a set").one_c_a();
        let protocol = stages(vec![
            Stage::current_for(-2.0 * one_c_a, 30.0),
            Stage::rest(60.0),
            Stage::current_for(0.7 * one_c_a, 200.0),
            Stage::power_for(-2.5 * one_c_a, 100.0),
            Stage { load: Load::Voltage(cell.terminal_v()), stops: vec![Stop::After(50.0)] },
        ]);
        let run = Run::default();
        cell.resume(&protocol, &run, &Output::Steps).unwrap_or_else(|error| panic!("{name}: {error}"));
        let after = cell.lithium();
        let whole = before.negative_mol + before.positive_mol;
        let moved = after.negative_mol - before.negative_mol;
        assert!(moved.abs() > 1e-4 * whole);
        assert!((moved + after.positive_mol - before.positive_mol).abs() < 1e-12 * whole, "{name}");
        assert!(
            (after.electrolyte_mol - before.electrolyte_mol).abs() < 1e-12 * before.electrolyte_mol,
            "{name}: salt"
        );
        assert!(
            (moved * FARADAY / 3600.0 - cell.charge_ah()).abs() < 1e-10 * cell.charge_ah().abs().max(1.0),
            "{name}"
        );
    }
}

/// Constant current: the charge is current times time.
#[test]
fn charge_is_current_times_time() {
    let mut cell = cell("Chen2020", &Mesh::default(), 1.0);
    cell.reset(0.8, 298.15).expect("a state");
    cell.resume(&stages(vec![Stage::current_for(-3.7, 777.7)]), &Run::default(), &Output::Steps)
        .expect("a run");
    assert!((cell.charge_ah() + 3.7 * 777.7 / 3600.0).abs() < 1e-12);
    let window = set::named("Chen2020").expect("a set").window().expect("a window");
    let soc = 0.8 - 3.7 * 777.7 / 3600.0 / window.capacity_ah;
    assert!((cell.soc() - soc).abs() < 1e-12);
}

/// A cell that nothing is asked of stays where it is, at the difference of the open-circuit potentials.
#[test]
fn rest_is_the_open_circuit_voltage() {
    for name in set::names() {
        let set = set::named(name).expect("a set");
        let mut cell = cell(name, &Mesh { volumes: 20, ..Mesh::default() }, 1.0);
        for soc in [0.1, 0.5, 0.95] {
            cell.reset(soc, 298.15).expect("a state");
            let x = set.stoichiometry(soc).expect("stoichiometries");
            let reference = set.cell.reference_temperature_k;
            let ocv = set.positive.ocp(x.positive, 298.15, reference).0
                - set.negative.ocp(x.negative, 298.15, reference).0;
            let trace = cell.resume(&stages(vec![Stage::rest(3600.0)]), &Run::default(), &Output::Steps);
            for row in trace.expect("a run").rows {
                // 1e-6 V is what the tables of the potentials leave
                assert!((row.voltage_v - ocv).abs() < 1e-6, "{name} at {soc}: {} for {ocv}", row.voltage_v);
            }
        }
    }
}

#[test]
fn a_held_voltage_and_a_held_power_are_held() {
    let mut cell = cell("Chen2020", &Mesh::default(), 1.0);
    cell.reset(0.5, 298.15).expect("a state");
    let protocol = stages(vec![
        Stage { load: Load::Voltage(4.0), stops: vec![Stop::CurrentBelow(0.5)] },
        Stage::power_for(-15.0, 300.0),
    ]);
    let trace = cell.resume(&protocol, &Run::default(), &Output::Every(7.0)).expect("a run");
    for row in &trace.rows {
        if row.stage == 0 {
            // 0.1 mV is asked for
            assert!((row.voltage_v - 4.0).abs() < 1e-5, "{} V at {} s", row.voltage_v, row.time_s);
        } else {
            let power_w = row.voltage_v * row.current_a;
            assert!((power_w + 15.0).abs() < 1e-4, "{power_w} W at {} s", row.time_s);
        }
    }
    let hold = trace.rows.iter().rfind(|row| row.stage == 0).expect("a row");
    assert!((hold.current_a - 0.5).abs() < 1e-6);
}

fn voltages(name: &str, mesh: &Mesh, tightness: f64) -> Vec<f64> {
    let mut cell = cell(name, mesh, tightness);
    let one_c_a = set::named(name).expect("a set").one_c_a();
    let times = Output::At(vec![60.0, 300.0, 900.0, 1200.0]);
    let protocol = stages(vec![Stage::current_for(-1.5 * one_c_a, 1200.0)]);
    let trace = cell.run(&protocol, &Run::default(), &times).expect("a run");
    trace.rows.iter().filter(|row| row.time_s > 0.0).map(|row| row.voltage_v).collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Two-point fluxes on equal volumes are of order 2: halving the width leaves a quarter of the error, less what the
/// distance of the finest mesh from the limit hides.
#[test]
fn the_mesh_converges_with_order_two() {
    let mesh = |times: usize| Mesh {
        negative: 10 * times,
        separator: 3 * times,
        positive: 8 * times,
        ..Mesh::default()
    };
    let finest = voltages("Chen2020", &mesh(12), 0.1);
    let errors: Vec<f64> =
        [1, 2, 4].iter().map(|times| distance(&voltages("Chen2020", &mesh(*times), 0.1), &finest)).collect();
    assert!(errors[0] / errors[1] > 3.2 && errors[1] / errors[2] > 3.2, "{errors:?}");
}

/// A pair of orders 4 and 3 with the error of the lower one held: the error falls about with the tolerance. Dense
/// output of order 3 sets the floor.
#[test]
fn the_steps_converge() {
    let exact = voltages("Chen2020", &Mesh::default(), 1e-5);
    let errors: Vec<f64> = [1.0, 1e-1, 1e-2, 1e-3]
        .iter()
        .map(|t| distance(&voltages("Chen2020", &Mesh::default(), *t), &exact))
        .collect();
    assert!(errors[0] < 2e-4, "{errors:?}");
    assert!(errors[2] < 0.1 * errors[0] && errors[3] < 1e-6, "{errors:?}");
}

/// Particles with modes and with volumes solve the same equation.
#[test]
fn modes_and_volumes_agree() {
    let mut set = set::named("Chen2020").expect("a set");
    let constant = Dfn::new(&set, Surroundings::Isothermal, &Mesh::default(), &Tolerance::default());
    // a diffusivity that is constant but not known to be
    for electrode in [&mut set.negative, &mut set.positive] {
        electrode.diffusivity.curve.tanh = vec![[1e-30, 1.0, 0.5]];
    }
    let mesh = Mesh { volumes: 200, ..Mesh::default() };
    let varied = Dfn::new(&set, Surroundings::Isothermal, &mesh, &Tolerance::default());
    let run = |cell: Result<Dfn, DfnError>| -> Vec<f64> {
        let times = Output::At((0..=40).map(|at| 20.0 * f64::from(at)).collect());
        let protocol = stages(vec![Stage::current_for(-7.5, 600.0), Stage::rest(200.0)]);
        let trace = cell.expect("a cell").run(&protocol, &Run::default(), &times).expect("a run");
        // right after a jump the flow through the outermost volume, not diffusion, decides
        let settled = trace.rows.iter().filter(|row| row.time_s > 0.0 && row.time_s != 600.0);
        settled.map(|row| row.voltage_v).collect()
    };
    // the volumes' error of second order, 0.1 mV with 200 of them
    let apart = distance(&run(constant), &run(varied));
    assert!(apart < 3e-4, "{apart}");
}

#[test]
fn the_same_run_gives_the_same_bits() {
    let set = set::named("Chen2020").expect("a set");
    let protocol = Protocol::named("cccv1C", &set).expect("a protocol");
    let run = Run { soc: 0.2, ..Run::default() };
    let mut first = cell("Chen2020", &Mesh::default(), 1.0);
    let mut second = cell("Chen2020", &Mesh::default(), 1.0);
    second
        .run(&Protocol::named("dis2C", &set).expect("a protocol"), &Run::default(), &Output::Steps)
        .expect("a run");
    let output = Output::Every(60.0);
    assert_eq!(
        first.run(&protocol, &run, &output).expect("a run"),
        second.run(&protocol, &run, &output).expect("a run")
    );
}

/// Newman and Thomas-Alyea: the more current the lower the potential of the negative electrode in charge.
#[test]
fn the_plating_margin_falls_with_the_charge_current() {
    let mut margins = Vec::new();
    for rate in [0.1, 0.5, 1.0, 2.0] {
        let mut cell = cell("Chen2020", &Mesh::default(), 1.0);
        cell.reset(0.6, 278.15).expect("a state");
        cell.resume(&stages(vec![Stage::current_for(5.0 * rate, 120.0)]), &Run::default(), &Output::Steps)
            .expect("a run");
        let profile = cell.profile();
        // where lithium leaves the electrolyte into graphite the reaction current is negative
        assert!(profile.negative.reaction_a_m2.iter().all(|reaction| *reaction < 0.0));
        assert!(profile.electrolyte_v.iter().chain(&profile.salt_mol_m3).all(|value| value.is_finite()));
        let particle = cell.particle(false, 0.5, 21);
        assert!(particle.first().expect("a point").1 < particle.last().expect("a point").1);
        margins.push(profile.plating_margin_v);
    }
    assert!(margins.windows(2).all(|pair| pair[1] < pair[0]), "{margins:?}");
    assert!(margins[0] > 0.0 && margins[3] < 0.0, "{margins:?}");
}

#[test]
fn what_is_out_of_range_is_named() {
    let mut cell = cell("Chen2020", &Mesh::default(), 1.0);
    assert!(matches!(cell.reset(1.5, 298.15), Err(DfnError::Value { field: "state of charge", .. })));
    assert!(matches!(cell.reset(0.5, 1000.0), Err(DfnError::Value { field: "temperature in K", .. })));
    let absurd = stages(vec![Stage::current_for(-1e9, 1.0)]);
    assert!(matches!(
        cell.run(&absurd, &Run::default(), &Output::Steps),
        Err(DfnError::Value { field: "current in A", .. })
    ));
    // a cell that is discharged past its end says so
    let past = stages(vec![Stage::current_for(-5.0, 7200.0)]);
    assert!(matches!(
        cell.run(&past, &Run::default(), &Output::Steps),
        Err(DfnError::Infeasible { .. } | DfnError::Value { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// A run gives finite numbers or an error, for anything that is asked.
    #[test]
    fn nothing_makes_it_say_nonsense(
        name in 0_usize..4,
        soc in prop_oneof![4 => 0.0..1.0_f64, 1 => prop::num::f64::ANY],
        celsius in prop_oneof![4 => -30.0..60.0_f64, 1 => prop::num::f64::ANY],
        loads in prop::collection::vec((0_u8..3, prop_oneof![8 => -6.0..6.0_f64, 1 => prop::num::f64::ANY], prop_oneof![8 => 0.0..300.0_f64, 1 => prop::num::f64::ANY]), 1..4),
        nodes in 2_usize..12,
    ) {
        let name = ["Chen2020", "Prada2013", "ORegan2022", "NCA_Kim2011"][name];
        let set = set::named(name).expect("a set");
        let mesh = Mesh { negative: nodes, separator: 2, positive: nodes, modes: 6, volumes: 12 };
        let around = if set.thermal.is_some() && nodes % 2 == 0 {
            Surroundings::Lumped { ambient_k: 290.0, heat_transfer_w_m2_k: None }
        } else {
            Surroundings::Isothermal
        };
        let mut cell = Dfn::new(&set, around, &mesh, &Tolerance::default()).expect("a cell");
        let one_c_a = set.one_c_a();
        let protocol = Protocol {
            stages: loads
                .iter()
                .map(|(kind, value, time_s)| {
                    let load = match kind {
                        0 => Load::Current(value * one_c_a),
                        1 => Load::Voltage(3.5 + 0.2 * value),
                        _ => Load::Power(3.5 * value * one_c_a),
                    };
                    Stage { load, stops: vec![Stop::After(*time_s)] }
                })
                .collect(),
            ends_at_limits: nodes % 3 == 0,
        };
        let run = Run { soc, temperature_k: celsius + 273.15, ..Run::default() };
        if let Ok(trace) = cell.run(&protocol, &run, &Output::Every(100.0)) {
            for row in trace.rows {
                prop_assert!(row.voltage_v.is_finite() && row.current_a.is_finite() && row.temperature_k.is_finite());
                prop_assert!(row.soc.is_finite() && row.time_s.is_finite());
            }
        }
    }
}
