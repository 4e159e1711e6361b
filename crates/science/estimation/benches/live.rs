//! Packs that one core follows per second of telemetry.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use voltwin_battery::ecm::{EcmModel, EcmParameters, Surface, Thermal, VoltagePair};
use voltwin_estimation::live::{Estimator, LiveConfig, Reading};

fn estimator() -> Estimator {
    let pair =
        |ohm: f64, tau_s: f64| VoltagePair { r_ohm: Surface::constant(ohm), tau_s: Surface::constant(tau_s) };
    let parameters = EcmParameters {
        name: "bench".to_owned(),
        capacity_ah: 5.0,
        ocv_soc: (0..=100).map(|k| f64::from(k) / 100.0).collect(),
        ocv_v: (0..=100).map(|k| 3.2 + 0.01 * f64::from(k)).collect(),
        reference_c: 25.0,
        entropic_v_per_k: vec![],
        r0_ohm: Surface::arrhenius(vec![0.0, 0.2, 1.0], vec![0.04, 0.025, 0.02], 25.0, 20_000.0),
        pairs: vec![pair(0.01, 20.0), pair(0.012, 400.0)],
        diffusion: vec![],
        exchange_a: None,
        hysteresis: None,
        thermal: Thermal { heat_capacity_j_per_k: 70.0, conductance_w_per_k: 0.1 },
        limits_v: [2.5, 4.2],
        valid_c: [-20.0, 60.0],
    };
    let model = EcmModel::new(parameters).unwrap_or_else(|error| panic!("{error}"));
    Estimator::new(Arc::new(model), LiveConfig::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn updates(c: &mut Criterion) {
    let estimator = estimator();
    let count = 10_000_usize;
    let mut group = c.benchmark_group("live_estimator");
    group.throughput(Throughput::Elements(count as u64)).sample_size(20);
    for (name, dt_s) in [("every_10_s", 10.0), ("odd_cadence", 7.3)] {
        let mut packs = vec![estimator.start(Some((0.5, 0.1))); count];
        let mut t_s = 0.0;
        let mut sign = 1.0;
        group.bench_function(name, |b| {
            b.iter(|| {
                t_s += dt_s;
                sign = -sign;
                for pack in &mut packs {
                    let reading = Reading {
                        t_s,
                        current_a: Some(sign),
                        voltage_v: Some(3.7 + 0.03 * sign),
                        temp_c: Some(25.0),
                        ..Reading::default()
                    };
                    black_box(estimator.update(pack, &reading));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, updates);
criterion_main!(benches);
