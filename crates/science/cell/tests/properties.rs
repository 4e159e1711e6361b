//! What holds for every set, model and current: conservation, order, limits, no NaN.

#![allow(clippy::unwrap_used, reason = "a helper that fails ends the test")]

use proptest::prelude::*;
use voltwin_cell::{
    CellError, CellModel, Load, Protocol, Ramp, Run, SingleParticle, Stage, Stop, Surroundings,
    constants::FARADAY_C_MOL, set,
};

fn models(surroundings: Surroundings) -> Vec<SingleParticle> {
    let both = |name: &str| {
        let set = set::named(name).unwrap();
        [SingleParticle::spm(&set, surroundings).unwrap(), SingleParticle::spme(&set, surroundings).unwrap()]
    };
    set::names().flat_map(both).collect()
}

const LUMPED: Surroundings = Surroundings::Lumped { ambient_k: 293.15, heat_transfer_w_m2_k: None };

#[test]
fn lithium_and_salt_are_conserved() {
    for surroundings in [Surroundings::Isothermal, LUMPED] {
        for mut model in models(surroundings) {
            let one_c = model.set().one_c_a();
            let state = model.rest(0.6, 298.15).unwrap();
            let before = model.lithium_mol(&state);
            let stages = [0.7, -1.3, 0.0, -0.4].map(|rate| Stage::current_for(rate * one_c, 200.0)).to_vec();
            let protocol = Protocol { stages, ends_at_limits: false };
            let (_, end) = Run::default().from_state(&mut model, &protocol, state).unwrap();
            let after = model.lithium_mol(&end);
            let name = &model.set().name;
            assert!((after.0 / before.0 - 1.0).abs() < 1e-12, "{name}: lithium {before:?} {after:?}");
            if before.1 > 0.0 {
                assert!((after.1 / before.1 - 1.0).abs() < 1e-12, "{name}: salt {before:?} {after:?}");
            }
        }
    }
}

#[test]
fn state_of_charge_is_the_charge_that_flowed() {
    for mut model in models(Surroundings::Isothermal) {
        let current_a = -0.5 * model.set().one_c_a();
        let capacity_ah = model.set().window().unwrap().capacity_ah;
        let stages = vec![Stage::current_for(current_a, 1800.0)];
        let run = Run { soc: 0.8, ..Run::default() };
        let trace = run.of(&mut model, &Protocol { stages, ends_at_limits: false }).unwrap();
        let soc = trace.rows.last().unwrap().soc;
        let expected = 0.8 + current_a * 0.5 / capacity_ah;
        // the mean of the shells is a sum of a hundred numbers
        assert!((soc - expected).abs() < 1e-11, "{}: {soc} {expected}", model.set().name);
    }
}

#[test]
fn heat_that_is_made_warms_the_cell_or_leaves_it() {
    for name in ["Chen2020", "ORegan2022"] {
        let set = set::named(name).unwrap();
        let mut model = SingleParticle::spme(&set, LUMPED).unwrap();
        let thermal = set.thermal.as_ref().unwrap();
        let cooling_w_k = thermal.heat_transfer_w_m2_k * thermal.cooling_area_m2;
        let current_a = -set.one_c_a();
        let (mut state, mut next) = (model.rest(0.9, 298.15).unwrap(), model.rest(0.9, 298.15).unwrap());
        let (mut made_j, mut left_j, mut stored_j) = (0.0, 0.0, 0.0);
        for _ in 0..1200 {
            let start_w = model.heat_w(&state, current_a);
            model.advance(&state, &mut next, Ramp::constant(current_a), 1.0).unwrap();
            let end_w = model.heat_w(&next, current_a);
            let (start_k, end_k) = (model.temperature_k(&state), model.temperature_k(&next));
            made_j += 0.5 * (start_w + end_w);
            left_j += cooling_w_k * (0.5 * (start_k + end_k) - 293.15);
            stored_j += thermal.heat_capacity_j_k(0.5 * (start_k + end_k)) * (end_k - start_k);
            std::mem::swap(&mut state, &mut next);
        }
        // the trapezoidal rule of 1 s steps
        assert!((made_j - left_j - stored_j).abs() < 1e-5 * made_j, "{name}: {made_j} {left_j} {stored_j}");
    }
}

#[test]
fn halving_the_step_quarters_the_error() {
    // a smooth current, so that the order of the method shows
    let set = set::named("Chen2020").unwrap();
    let end = |steps: usize| {
        let mut model = SingleParticle::spme(&set, LUMPED).unwrap();
        let step_s = 1200.0 / steps as f64;
        let current = |i: usize| -4.0 * (std::f64::consts::PI * i as f64 / steps as f64).sin().powi(2);
        let (mut state, mut next) = (model.rest(0.9, 298.15).unwrap(), model.rest(0.9, 298.15).unwrap());
        for i in 0..steps {
            let ramp = Ramp { from_a: current(i), to_a: current(i + 1) };
            model.advance(&state, &mut next, ramp, step_s).unwrap();
            std::mem::swap(&mut state, &mut next);
        }
        (model.voltage_v(&state, 0.0).unwrap(), model.temperature_k(&state))
    };
    let exact = end(4096);
    let (coarse, fine) = (end(64), end(128));
    for (coarse, fine) in [(coarse.0 - exact.0, fine.0 - exact.0), (coarse.1 - exact.1, fine.1 - exact.1)] {
        let order = (coarse / fine).abs().log2();
        assert!((1.7..2.6).contains(&order), "order {order}: {coarse} {fine}");
    }
}

#[test]
fn a_held_voltage_is_held_and_the_charge_ends_at_its_current() {
    for surroundings in [Surroundings::Isothermal, LUMPED] {
        for mut model in models(surroundings) {
            let set = model.set().clone();
            let protocol = Protocol::named("cccv1C", &set).unwrap();
            let run = Run { soc: 0.3, ..Run::default() };
            let trace = run.of(&mut model, &protocol).unwrap();
            for row in trace.rows.iter().filter(|row| row.stage == 1) {
                assert!((row.voltage_v - set.cell.voltage_max_v).abs() < 1e-4, "{}: {row:?}", set.name);
            }
            let last = trace.rows.last().unwrap();
            // a hold to 1e-6 V leaves the current this free
            assert!((last.current_a / set.one_c_a() - 0.05).abs() < 1e-4, "{}: {last:?}", set.name);
        }
    }
}

#[test]
fn more_current_gives_less_capacity() {
    for name in set::names() {
        let set = set::named(name).unwrap();
        for electrolyte in [false, true] {
            let mut last_ah = f64::INFINITY;
            for rate in [0.1, 0.5, 1.0, 1.5] {
                let make = if electrolyte { SingleParticle::spme } else { SingleParticle::spm };
                let mut model = make(&set, Surroundings::Isothermal).unwrap();
                let protocol = Protocol::discharge(rate * set.one_c_a(), set.cell.voltage_min_v);
                let trace = Run::default().of(&mut model, &protocol).unwrap();
                let ah = rate * set.one_c_a() * trace.end_s() / 3600.0;
                assert!(ah < last_ah && ah > 0.0, "{name} {rate}C: {ah} after {last_ah}");
                let end_v = trace.rows.last().unwrap().voltage_v;
                assert!((end_v - set.cell.voltage_min_v).abs() < 1e-6, "{name} {rate}C ends at {end_v}");
                last_ah = ah;
            }
        }
    }
}

#[test]
fn power_and_temperature_stops_are_met() {
    let set = set::named("Chen2020").unwrap();
    let mut model = SingleParticle::spme(&set, LUMPED).unwrap();
    let stages = vec![
        Stage::power_for(-12.0, 300.0),
        Stage { load: Load::Power(10.0), stops: vec![Stop::TemperatureAbove(296.0), Stop::After(4000.0)] },
    ];
    let run = Run { soc: 0.5, temperature_k: 293.15, ..Run::default() };
    let trace = run.of(&mut model, &Protocol { stages, ends_at_limits: true }).unwrap();
    for row in &trace.rows {
        let power_w = if row.stage == 0 { -12.0 } else { 10.0 };
        assert!((row.voltage_v * row.current_a - power_w).abs() < 1e-5, "{row:?}");
    }
    let last = trace.rows.last().unwrap();
    assert!((last.temperature_k - 296.0).abs() < 1e-6 || last.time_s >= 4299.0, "{last:?}");
}

#[test]
fn a_table_is_read_as_it_says_and_wrong_lines_are_named() {
    let protocol = Protocol::from_csv("t_s,current_a\n0,5\n10,5\n10,-2.5\n30,0\n").unwrap();
    let expected = [Stage::current_for(-5.0, 10.0), Stage::current_for(2.5, 20.0)];
    assert_eq!(protocol.stages, expected);
    for (text, message) in [
        ("t_s,current_a\n0,5\nx,1\n", "line 3"),
        ("t_s,current_a\n5,5\n1,1\n", "line 3: t_s must not fall"),
        ("t_s,amps\n0,5\n", "the columns must be"),
        ("t_s,current_a\n0,inf\n9,1\n", "finite"),
        ("t_s,current_a\n0,1\n", "two rows"),
    ] {
        let error = Protocol::from_csv(text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let set = set::named("Chen2020").unwrap();
    for name in ["dis0C", "disC", "dis1", "cccv-1C", "disNaNC", "dis1e9C", "hppc"] {
        assert!(Protocol::named(name, &set).is_err(), "{name}");
    }
}

#[test]
fn outside_of_the_validity_there_is_an_error_that_says_so() {
    let set = set::named("Chen2020").unwrap();
    let model = SingleParticle::spme(&set, Surroundings::Isothermal).unwrap();
    assert!(model.rest(1.5, 298.15).unwrap_err().to_string().contains("soc is 1.5"));
    assert!(model.rest(0.5, 25.0).unwrap_err().to_string().contains("temperature_k is 25"));
    assert!(model.rest(f64::NAN, 298.15).is_err());
    let mut model = model;
    let state = model.rest(0.5, 298.15).unwrap();
    let error = model.voltage_v(&state, 1e4).unwrap_err().to_string();
    assert!(error.contains("current_a is 10000"), "{error}");
    // a discharge far beyond empty, with nothing to end it
    let stages = vec![Stage::current_for(-5.0, 10_000.0)];
    let run = Run { soc: 0.1, ..Run::default() };
    let error = run.of(&mut model, &Protocol { stages, ends_at_limits: false }).unwrap_err();
    assert!(matches!(error, CellError::OutOfRange { time_s, .. } if time_s > 300.0), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_finite_input_gives_a_nan(
        which in 0_usize..6,
        electrolyte: bool,
        heat: bool,
        soc in 0.0..=1.0,
        kelvin in 230.0..380.0,
        steps in prop::collection::vec((prop::num::f64::NORMAL | prop::num::f64::ZERO, -3.0..3.0, 1e-6..2e3), 1..12),
    ) {
        let name = set::names().nth(which).unwrap();
        let set = set::named(name).unwrap();
        let surroundings = if heat { LUMPED } else { Surroundings::Isothermal };
        let make = if electrolyte { SingleParticle::spme } else { SingleParticle::spm };
        let mut model = make(&set, surroundings).unwrap();
        let Ok(mut state) = model.rest(soc, kelvin) else { return Ok(()) };
        let mut next = state.clone();
        for (number, (wild, rate, step_s)) in steps.into_iter().enumerate() {
            // most currents are those of a cell, some are anything
            let current_a = if number % 5 == 4 { wild } else { rate * set.one_c_a() };
            if model.advance(&state, &mut next, Ramp::constant(current_a), step_s).is_err() {
                break;
            }
            prop_assert!(model.voltage_v(&next, current_a).is_ok_and(f64::is_finite));
            prop_assert!(model.temperature_k(&next).is_finite());
            std::mem::swap(&mut state, &mut next);
        }
    }

    #[test]
    fn charge_is_the_same_by_any_way(rates in prop::collection::vec(-1.0..1.0, 1..20)) {
        let set = set::named("Prada2013").unwrap();
        let mut model = SingleParticle::spm(&set, Surroundings::Isothermal).unwrap();
        let mut state = model.rest(0.5, 298.15).unwrap();
        let (mut next, mut charge_c) = (state.clone(), 0.0);
        let start = model.soc(&state);
        for rate in rates {
            let current_a = rate * set.one_c_a();
            model.advance(&state, &mut next, Ramp::constant(current_a), 30.0).unwrap();
            charge_c += 30.0 * current_a;
            std::mem::swap(&mut state, &mut next);
        }
        let moved = (model.soc(&state) - start) * set.window().unwrap().capacity_ah * 3600.0;
        prop_assert!((moved - charge_c).abs() <= 1e-12 * FARADAY_C_MOL, "{moved} {charge_c}");
    }
}
