use proptest::prelude::*;
use voltwin_battery::{
    Stream,
    ecm::{CellFactors, EcmParameters, Surface, Thermal, VoltagePair},
};

use super::*;

/// An NMC-like cell of 5 Ah with a curve that is nowhere flat.
fn model() -> Arc<EcmModel> {
    let ocv_soc: Vec<f64> = (0..=20).map(|k| f64::from(k) / 20.0).collect();
    let parameters = EcmParameters {
        name: "test cell".to_owned(),
        capacity_ah: 5.0,
        ocv_v: ocv_soc
            .iter()
            .map(|s| 3.3 + 0.9 * s - 0.4 * (-25.0 * s).exp() + 0.05 * (6.0 * s).sin())
            .collect(),
        ocv_soc,
        reference_c: 25.0,
        entropic_v_per_k: vec![],
        r0_ohm: Surface::arrhenius(vec![0.0, 0.2, 1.0], vec![0.04, 0.025, 0.02], 25.0, 20_000.0),
        pairs: vec![
            VoltagePair { r_ohm: Surface::constant(0.01), tau_s: Surface::constant(20.0) },
            VoltagePair { r_ohm: Surface::constant(0.012), tau_s: Surface::constant(500.0) },
        ],
        diffusion: vec![],
        exchange_a: None,
        hysteresis: None,
        thermal: Thermal { heat_capacity_j_per_k: 70.0, conductance_w_per_k: 0.1 },
        limits_v: [2.5, 4.3],
        valid_c: [-20.0, 70.0],
    };
    Arc::new(EcmModel::new(parameters).unwrap())
}

/// A simulated pack of 10s2p with sensors of its own.
struct Pack {
    model: Arc<EcmModel>,
    state: EcmState,
    factors: CellFactors,
    bias_a: f64,
    noise: Stream,
    t_s: f64,
}

const CONFIG: LiveConfig = LiveConfig { cells_series: 10, cells_parallel: 2, ..LiveConfig::USUAL };

impl Pack {
    fn new(model: &Arc<EcmModel>, seed: u64, soc: f64) -> Self {
        let mut noise = Stream::named(seed, "pack", "");
        let factors =
            CellFactors { capacity: (0.007 * noise.bell()).exp(), resistance: (0.1 * noise.bell()).exp() };
        let bias_a = 2.0 * 0.015 * 5.0 * noise.bell();
        Self {
            model: Arc::clone(model),
            state: EcmState::resting(soc, 25.0),
            factors,
            bias_a,
            noise,
            t_s: 0.0,
        }
    }

    /// Lets `pack_a` flow for `dt_s` and reads the sensors.
    fn go(&mut self, dt_s: f64, pack_a: f64) -> Reading {
        let step = self.model.step_table(dt_s).unwrap();
        let output = self.model.step(&step, &mut self.state, self.factors, 25.0, pack_a / 2.0).unwrap();
        self.t_s += dt_s;
        Reading {
            t_s: self.t_s,
            current_a: Some(pack_a + self.bias_a),
            voltage_v: Some(10.0 * (output.voltage_v + 0.002 * self.noise.bell())),
            temp_c: Some(self.state.temp_c + 0.5 * self.noise.bell()),
            ..Reading::default()
        }
    }

    /// A current that changes every two minutes, discharging on the whole.
    fn drive(&mut self, estimator: &Estimator, memory: &mut PackMemory, readings: usize) -> Estimate {
        let mut pack_a = 0.0;
        let mut last = estimator.estimate_of(memory);
        for k in 0..readings {
            if k % 12 == 0 {
                pack_a = self.noise.between(-12.0, 3.0);
            }
            last = estimator.update(memory, &self.go(10.0, pack_a));
        }
        last
    }
}

#[test]
fn a_cold_start_finds_the_state_and_the_bounds_hold_it() {
    let model = model();
    let estimator = Estimator::new(Arc::clone(&model), CONFIG).unwrap();
    let (mut inside, mut all, mut squares) = (0, 0, 0.0);
    for seed in 0..60 {
        let mut pack = Pack::new(&model, seed, 0.9);
        let mut memory = estimator.start(None);
        for part in 0..6 {
            let estimate = pack.drive(&estimator, &mut memory, 50);
            if part == 0 {
                continue;
            }
            let off = estimate.soc.value - pack.state.soc;
            squares += off * off;
            all += 1;
            inside += usize::from(estimate.soc.low <= pack.state.soc && pack.state.soc <= estimate.soc.high);
        }
    }
    let share = inside as f64 / f64::from(all);
    // Here the circuit has no error beside its factors, so the bounds, which allow for one, may only be too wide.
    assert!(share > 0.93, "{share}");
    let rms = (squares / f64::from(all)).sqrt();
    assert!(rms < 0.0075, "{rms}");
}

#[test]
fn health_is_found_over_cycles() {
    let model = model();
    let config = LiveConfig { capacity_spread: 0.1, ..CONFIG };
    let estimator = Estimator::new(Arc::clone(&model), config).unwrap();
    let mut pack = Pack::new(&model, 3, 0.9);
    pack.factors = CellFactors { capacity: 0.85, resistance: 1.3 };
    pack.bias_a = 0.0;
    let mut memory = estimator.start(None);
    let start = estimator.update(&mut memory, &pack.go(10.0, 0.0));
    let mut last = start;
    for _ in 0..8 {
        for pack_a in [-5.0, 5.0] {
            for k in 0..360 {
                last = estimator.update(&mut memory, &pack.go(10.0, if k < 300 { pack_a } else { 0.0 }));
            }
        }
    }
    assert!(
        (last.soh.value - 0.85).abs() < 0.03 && last.soh.low < 0.85 && last.soh.high > 0.85,
        "{:?}",
        last.soh
    );
    assert!((last.resistance_factor.value / 1.3 - 1.0).abs() < 0.08, "{:?}", last.resistance_factor);
    assert!(last.soh.high - last.soh.low < 0.5 * (start.soh.high - start.soh.low));
}

#[test]
fn a_gap_widens_the_bounds_and_a_reading_closes_them() {
    let model = model();
    let estimator = Estimator::new(Arc::clone(&model), CONFIG).unwrap();
    let mut pack = Pack::new(&model, 5, 0.8);
    let mut memory = estimator.start(None);
    let before = pack.drive(&estimator, &mut memory, 60);
    assert_eq!(before.sync, Sync::Synchronised, "{before:?}");
    // Ten hours without a word, while the pack loses a third of its charge.
    pack.go(36_000.0, -10.0 / 3.0 / 10.0);
    let silent = Reading { t_s: pack.t_s, ..Reading::default() };
    let gap = estimator.update(&mut memory.clone(), &silent);
    assert_eq!(gap.sync, Sync::Recovering);
    assert!(gap.soc.high - gap.soc.low > 0.5);
    let after = pack.drive(&estimator, &mut memory, 60);
    assert_eq!(after.sync, Sync::Synchronised, "{after:?}");
    assert!((after.soc.value - pack.state.soc).abs() < 0.02);
}

#[test]
fn stuck_and_impossible_sensors_are_named_and_not_believed() {
    let model = model();
    let estimator = Estimator::new(Arc::clone(&model), CONFIG).unwrap();
    let mut pack = Pack::new(&model, 7, 0.9);
    let mut memory = estimator.start(None);
    pack.drive(&estimator, &mut memory, 60);
    let stuck_v = pack.go(10.0, -5.0).voltage_v;
    let mut last = estimator.estimate_of(&memory);
    for k in 0..240 {
        let mut reading = pack.go(10.0, if k % 24 < 12 { -10.0 } else { 0.0 });
        reading.voltage_v = stuck_v;
        last = estimator.update(&mut memory, &reading);
    }
    assert_eq!((last.fault, last.sync), (Some(SensorFault::VoltageStuck), Sync::Degraded));
    assert!((last.soc.value - pack.state.soc).abs() < 0.03, "{} {}", last.soc.value, pack.state.soc);
    let mut reading = pack.go(10.0, 0.0);
    reading.voltage_v = Some(f64::INFINITY);
    assert_eq!(estimator.update(&mut memory, &reading).fault, Some(SensorFault::Implausible));
}

#[test]
fn memory_written_down_goes_on_with_the_same_bits() {
    let model = model();
    let estimator = Estimator::new(Arc::clone(&model), CONFIG).unwrap();
    let mut pack = Pack::new(&model, 9, 0.7);
    let mut memory = estimator.start(Some((0.5, 0.3)));
    pack.drive(&estimator, &mut memory, 30);
    let text = serde_json::to_string(&memory).unwrap();
    let mut read: PackMemory = serde_json::from_str(&text).unwrap();
    assert_eq!(read, memory);
    let reading = pack.go(10.0, -3.0);
    assert_eq!(estimator.update(&mut read, &reading), estimator.update(&mut memory, &reading));
    assert_eq!(read, memory);
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let maybe = || prop::option::of(prop_oneof![prop::num::f64::ANY, -60.0..60.0_f64]);
    (
        prop_oneof![prop::num::f64::ANY, 0.0..1e6_f64],
        maybe(),
        maybe(),
        maybe(),
        maybe(),
        prop::option::of(-0.5..1.5_f64),
    )
        .prop_map(|(t_s, current_a, voltage_v, temp_c, ambient_c, soc)| Reading {
            t_s,
            current_a,
            voltage_v,
            temp_c,
            ambient_c,
            soc,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_reading_breaks_the_memory(readings in prop::collection::vec(any_reading(), 1..40)) {
        let estimator = Estimator::new(model(), CONFIG).unwrap();
        let mut memory = estimator.start(None);
        for reading in readings {
            let e = estimator.update(&mut memory, &reading);
            for bounded in [e.soc, e.soh, e.resistance_ohm, e.resistance_factor, e.temp_c, e.current_bias_a] {
                prop_assert!(bounded.value.is_finite() && bounded.low <= bounded.value && bounded.value <= bounded.high, "{e:?}");
            }
            prop_assert!(e.residual_v.is_finite() && e.residual_rms_v.is_finite());
            prop_assert!((0.0..=1.0).contains(&e.soc.low) && (0.0..=1.0).contains(&e.soc.high));
        }
    }
}
