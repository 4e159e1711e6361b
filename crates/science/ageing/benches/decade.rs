//! What a decade of daily steps costs, per cell.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use voltwin_ageing::{Ageing, Anchor, Cell, Profile, live};

fn decade(criterion: &mut Criterion) {
    let day = Profile::day(
        &[(0.0, 0.9), (7.0, 0.9), (8.0, 0.7), (17.0, 0.7), (18.0, 0.5), (22.0, 0.5), (24.0, 0.9)],
        25.0,
    )
    .unwrap();
    let hourly = Profile::new(
        (0..=24)
            .map(|hour| {
                let t_s = f64::from(hour) * 3600.0;
                let samples = day.samples();
                let after = samples.partition_point(|sample| sample.t_s < t_s).max(1);
                let (a, b) = (samples[after - 1], samples[after]);
                let soc = a.soc + (b.soc - a.soc) * (t_s - a.t_s) / (b.t_s - a.t_s);
                voltwin_ageing::Sample { t_s, soc, temp_c: 25.0 + f64::from(hour % 12) * 0.1 }
            })
            .collect(),
    )
    .unwrap();
    for (name, profile) in [("day of 7 points", &day), ("day of 25 samples, changing temperature", &hourly)] {
        let mut group = criterion.benchmark_group(format!("decade, {name}"));
        for cell in Cell::ALL {
            group.bench_function(cell.facts().name, |bencher| {
                bencher.iter(|| {
                    let mut ageing = Ageing::new(cell);
                    live(&mut ageing, black_box(profile), Anchor::default(), 3650.0, |_| {}).unwrap();
                    ageing.capacity()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, decade);
criterion_main!(benches);
