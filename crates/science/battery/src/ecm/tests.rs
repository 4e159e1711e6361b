use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::BatteryError;

/// Straight open-circuit curve 3 V + 1 V·soc, constant resistances: every answer has a closed form.
fn straight() -> EcmParameters {
    EcmParameters {
        name: "straight".to_owned(),
        capacity_ah: 5.0,
        ocv_soc: vec![0.0, 1.0],
        ocv_v: vec![3.0, 4.0],
        reference_c: 25.0,
        entropic_v_per_k: vec![],
        r0_ohm: Surface::constant(0.03),
        pairs: vec![
            VoltagePair { r_ohm: Surface::constant(0.01), tau_s: Surface::constant(20.0) },
            VoltagePair { r_ohm: Surface::constant(0.02), tau_s: Surface::constant(400.0) },
        ],
        diffusion: vec![],
        exchange_a: None,
        hysteresis: None,
        thermal: Thermal { heat_capacity_j_per_k: 70.0, conductance_w_per_k: 0.1 },
        limits_v: [2.5, 4.2],
        valid_c: [-20.0, 60.0],
    }
}

/// A circuit that uses every part, with `pairs` and `diffusion` pairs.
fn full(pairs: usize, diffusion: usize) -> EcmParameters {
    let mut parameters = straight();
    let nodes = || vec![0.0, 0.3, 1.0];
    parameters.entropic_v_per_k = vec![-2e-4, 1e-4];
    parameters.r0_ohm = Surface {
        soc: nodes(),
        temp_c: vec![0.0, 25.0],
        value: vec![vec![0.09, 0.06, 0.05], vec![0.05, 0.03, 0.025]],
        activation_j_per_mol: 20_000.0,
    };
    parameters.pairs = (0..pairs)
        .map(|pair| VoltagePair {
            r_ohm: Surface::arrhenius(nodes(), vec![0.02, 0.01, 0.012], 25.0, 30_000.0),
            tau_s: Surface::constant(10.0 * (1 + pair) as f64),
        })
        .collect();
    parameters.diffusion = (0..diffusion)
        .map(|pair| DiffusionPair {
            gain_s: Surface::arrhenius(vec![0.5], vec![60.0 / (1 + pair) as f64], 25.0, 30_000.0),
            tau_s: Surface::arrhenius(vec![0.5], vec![90.0 / (1 + pair) as f64], 25.0, 30_000.0),
        })
        .collect();
    parameters.exchange_a = Some(Surface::arrhenius(vec![0.5], vec![4.0], 25.0, -40_000.0));
    parameters.hysteresis = Some(Hysteresis { magnitude_v: Surface::constant(0.01), rate: 80.0 });
    parameters
}

fn run(model: &EcmModel, state: &mut EcmState, dt_s: f64, steps: usize, current_a: f64) -> EcmOutput {
    let step = model.step_table(dt_s).unwrap();
    let mut last = None;
    for _ in 0..steps {
        last = Some(model.step(&step, state, CellFactors::default(), 25.0, current_a).unwrap());
    }
    last.unwrap()
}

#[test]
fn voltage_is_the_closed_form_at_any_step() {
    let model = EcmModel::new(straight()).unwrap();
    for (dt_s, steps) in [(600.0, 1), (60.0, 10), (1.0, 600), (0.1, 6000)] {
        let mut state = EcmState::resting(0.2, 25.0);
        let output = run(&model, &mut state, dt_s, steps, 5.0);
        let exact_v = 3.0
            + 0.2
            + 600.0 / 3600.0
            + 5.0 * (0.03 + 0.01 * (1.0 - (-30.0_f64).exp()) + 0.02 * (1.0 - (-1.5_f64).exp()));
        // Rounding of at most 6000 additions.
        assert!((output.voltage_v - exact_v).abs() < 1e-11, "dt {dt_s}: {}", output.voltage_v - exact_v);
        assert!((state.soc - (0.2 + 600.0 / 3600.0)).abs() < 1e-12);
    }
}

#[test]
fn a_sphere_lags_by_a_fifteenth_of_its_diffusion_time() {
    // The sum of 2/3 R²/(D l²) over all modes is R²/(15 D); here one mode carries it all.
    let mut parameters = straight();
    parameters.pairs.clear();
    parameters.diffusion = vec![DiffusionPair {
        gain_s: Surface::constant(1500.0 / 15.0),
        tau_s: Surface::constant(1500.0 / 20.19),
    }];
    let model = EcmModel::new(parameters).unwrap();
    let mut state = EcmState::resting(0.2, 25.0);
    let output = run(&model, &mut state, 1.0, 1200, 5.0);
    let lag = 100.0 * 5.0 / (5.0 * 3600.0);
    assert!((state.lag[0] - lag).abs() < 1e-7);
    assert!((output.voltage_v - (3.0 + state.soc + lag + 0.15)).abs() < 1e-7);
    // At rest the lag is forgotten and the mean is kept.
    let soc = state.soc;
    let output = run(&model, &mut state, 10.0, 400, 0.0);
    assert!((output.voltage_v - (3.0 + soc)).abs() < 1e-9 && (state.soc - soc).abs() < 1e-15);
}

#[test]
fn charge_transfer_is_ohmic_for_small_and_logarithmic_for_large_currents() {
    let mut parameters = straight();
    parameters.pairs.clear();
    parameters.exchange_a = Some(Surface::constant(2.0));
    let model = EcmModel::new(parameters).unwrap();
    let over_v = |current_a: f64| {
        let mut state = EcmState::resting(0.5, 25.0);
        run(&model, &mut state, 1e-9, 1, current_a).voltage_v - 3.5 - 0.03 * current_a
    };
    let thermal_v = GAS_CONSTANT * 298.15 / FARADAY;
    assert!((over_v(1e-3) / (thermal_v * 1e-3 / 2.0) - 1.0).abs() < 1e-4);
    assert!((over_v(400.0) / (2.0 * thermal_v * (400.0_f64 / 2.0).ln()) - 1.0).abs() < 1e-4);
}

#[test]
fn heat_goes_into_the_cell_or_out_of_it() {
    // Without diffusion lag the pairs settle: 5 A through 0.06 Ω is 1.5 W; over 0.1 W/K that is 15 K.
    let model = EcmModel::new(straight()).unwrap();
    let mut state = EcmState::resting(0.1, 25.0);
    let mut balance_j = 0.0;
    let step = model.step_table(1.0).unwrap();
    for _ in 0..3000 {
        let before_c = state.temp_c;
        let heat_w = model.step(&step, &mut state, CellFactors::default(), 25.0, 5.0).unwrap().heat_w;
        balance_j +=
            heat_w - 70.0 * (state.temp_c - before_c) - 0.1 * (0.5 * (before_c + state.temp_c) - 25.0);
    }
    // The trapezium of the cooling is off by dt²/12 of its second derivative, below 1e-5 of 4.5 kJ.
    assert!(balance_j.abs() < 0.05, "{balance_j} J");
    let expected_k = 15.0 * (1.0 - (-3000.0_f64 * 0.1 / 70.0).exp());
    assert!((state.temp_c - 25.0 - expected_k).abs() < 0.3, "{}", state.temp_c);
}

#[test]
fn hysteresis_ends_on_the_side_of_the_current() {
    let mut parameters = straight();
    parameters.hysteresis = Some(Hysteresis { magnitude_v: Surface::constant(0.02), rate: 50.0 });
    let model = EcmModel::new(parameters).unwrap();
    let mut state = EcmState::resting(0.3, 25.0);
    run(&model, &mut state, 1.0, 720, 5.0);
    assert!((state.hysteresis - (1.0 - (-50.0_f64 * 0.2).exp())).abs() < 1e-12);
    let rested_v = run(&model, &mut state, 1e6, 1, 0.0).voltage_v;
    assert!((rested_v - (3.5 + 0.02)).abs() < 1e-5);
}

#[test]
fn both_forms_give_the_same_bits() {
    for (pairs, diffusion) in [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 2), (2, 1), (2, 3), (3, 3)] {
        let model = Arc::new(EcmModel::new(full(pairs, diffusion)).unwrap());
        let mut cells: Vec<(EcmState, CellFactors)> = (0..37)
            .map(|k| {
                let x = f64::from(k) / 37.0;
                (
                    EcmState::resting(0.2 + 0.6 * x, 5.0 + 40.0 * x),
                    CellFactors { capacity: 0.9 + 0.1 * x, resistance: 1.0 + x },
                )
            })
            .collect();
        let mut batch = EcmBatch::new(Arc::clone(&model), &cells).unwrap();
        for round in 0..50_i32 {
            let dt_s = if round % 7 == 0 { 3.0 } else { 1.0 };
            let current_a: Vec<f64> = (0..37).map(|k| f64::from((k * 7 + round * 3) % 21 - 10)).collect();
            let ambient_c: Vec<f64> = (0..37).map(|k| f64::from(k) - 5.0).collect();
            batch.step(dt_s, &current_a, &ambient_c).unwrap();
            let step = model.step_table(dt_s).unwrap();
            for (k, (state, factors)) in cells.iter_mut().enumerate() {
                let output = model.step(&step, state, *factors, ambient_c[k], current_a[k]).unwrap();
                assert_eq!(output.voltage_v.to_bits(), batch.voltage_v()[k].to_bits());
                assert_eq!(Some(*state), batch.state(k));
            }
        }
    }
}

#[test]
fn surfaces_follow_arrhenius_between_and_beyond_their_rows() {
    let at = |t: f64| 0.05 * (20_000.0 / GAS_CONSTANT * (1.0 / (t + 273.15) - 1.0 / 298.15)).exp();
    let two_rows = Surface {
        soc: vec![0.5],
        temp_c: vec![10.0, 25.0],
        value: vec![vec![at(10.0)], vec![at(25.0)]],
        activation_j_per_mol: 20_000.0,
    };
    for temp_c in [-10.0, 10.0, 17.0, 25.0, 45.0] {
        assert!((two_rows.at(0.3, temp_c) / at(temp_c) - 1.0).abs() < 1e-12, "{temp_c}");
    }
}

#[test]
fn what_is_outside_is_named_and_moves_nothing() {
    let model = EcmModel::new(straight()).unwrap();
    let step = model.step_table(3_600.0).unwrap();
    let mut state = EcmState::resting(0.5, 25.0);
    let before = state;
    for (current_a, field) in [(5.0, "soc"), (501.0, "current_a"), (f64::NAN, "current_a")] {
        let error = model.step(&step, &mut state, CellFactors::default(), 25.0, current_a).unwrap_err();
        assert!(matches!(error, BatteryError::Outside { field: named, .. } if named == field), "{error}");
        assert_eq!(state, before);
    }
    assert!(model.step(&step, &mut state, CellFactors::default(), 99.0, 0.0).is_err());
    assert!(model.step_table(-1.0).is_err());
    let mut parameters = straight();
    parameters.pairs[0].tau_s = Surface::constant(0.0);
    assert_eq!(
        EcmModel::new(parameters).unwrap_err().to_string(),
        "pairs.tau_s is 0, and must be above 0 and at most 1e9"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_input_makes_a_number_that_is_none(
        steps in prop::collection::vec((0.0..1e7, prop::num::f64::ANY, prop::num::f64::ANY), 1..20),
        soc in 0.0..=1.0, temp_c in -20.0..60.0
    ) {
        let model = EcmModel::new(full(2, 3)).unwrap();
        let mut state = EcmState::resting(soc, temp_c);
        for (dt_s, current_a, ambient_c) in steps {
            let step = model.step_table(dt_s).unwrap();
            let output = model.step_clamped(&step, &mut state, CellFactors::default(), ambient_c, current_a);
            prop_assert!(output.voltage_v.is_finite() && output.heat_w.is_finite());
            prop_assert!((-0.05..=1.05).contains(&state.soc) && (-20.0..=60.0).contains(&state.temp_c));
            prop_assert!(state.lag.iter().chain(&state.pair_v).all(|v| v.is_finite()));
        }
    }
}
