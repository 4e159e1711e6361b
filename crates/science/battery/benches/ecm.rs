//! Cost of one step of one cell: scalar, in a batch that stays in cache, and for a million packs.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use voltwin_battery::ecm::{
    CellFactors, EcmBatch, EcmModel, EcmParameters, EcmState, Surface, Thermal, VoltagePair,
};

/// Two RC pairs and one temperature, tables over state of charge and temperature.
fn model() -> Arc<EcmModel> {
    let pair = |ohm: f64, tau_s: f64| VoltagePair {
        r_ohm: Surface::arrhenius(vec![0.0, 0.2, 1.0], vec![2.0 * ohm, ohm, ohm], 25.0, 30_000.0),
        tau_s: Surface::constant(tau_s),
    };
    let parameters = EcmParameters {
        name: "bench".to_owned(),
        capacity_ah: 5.0,
        ocv_soc: (0..=100).map(|k| f64::from(k) / 100.0).collect(),
        ocv_v: (0..=100).map(|k| 3.2 + 0.01 * f64::from(k)).collect(),
        reference_c: 25.0,
        entropic_v_per_k: vec![1e-4; 101],
        r0_ohm: Surface::arrhenius(vec![0.0, 0.2, 1.0], vec![0.04, 0.025, 0.02], 25.0, 20_000.0),
        pairs: vec![pair(0.01, 20.0), pair(0.012, 400.0)],
        diffusion: vec![],
        exchange_a: None,
        hysteresis: None,
        thermal: Thermal { heat_capacity_j_per_k: 70.0, conductance_w_per_k: 0.1 },
        limits_v: [2.5, 4.2],
        valid_c: [-20.0, 60.0],
    };
    Arc::new(EcmModel::new(parameters).unwrap_or_else(|error| panic!("{error}")))
}

fn steps(c: &mut Criterion) {
    let model = model();
    let mut group = c.benchmark_group("ecm_2rc_thermal");
    for (name, count) in [("cache", 4_096_usize), ("million", 1_000_000)] {
        let cells: Vec<_> = (0..count)
            .map(|k| {
                let x = k as f64 / count as f64;
                let state = EcmState::resting(0.2 + 0.6 * x, 15.0 + 20.0 * (7.0 * x).fract());
                (state, CellFactors { capacity: 0.9 + 0.1 * x, resistance: 1.0 + x })
            })
            .collect();
        let current_a: Vec<f64> = (0..count).map(|k| (k % 11) as f64 - 5.0).collect();
        let ambient_c = vec![25.0; count];
        let mut batch = EcmBatch::new(Arc::clone(&model), &cells).unwrap_or_else(|error| panic!("{error}"));
        group.throughput(Throughput::Elements(count as u64));
        group.sample_size(20);
        group.bench_function(name, |b| {
            b.iter(|| {
                batch.step(1.0, black_box(&current_a), &ambient_c).unwrap_or_else(|error| panic!("{error}"));
            });
        });
    }
    let step = model.step_table(1.0).unwrap_or_else(|error| panic!("{error}"));
    let mut state = EcmState::resting(0.5, 25.0);
    let mut sign = 1.0;
    group.throughput(Throughput::Elements(1));
    group.bench_function("scalar", |b| {
        b.iter(|| {
            sign = -sign;
            model.step(&step, &mut state, CellFactors::default(), 25.0, black_box(sign))
        });
    });
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
