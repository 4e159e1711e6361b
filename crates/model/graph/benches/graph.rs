//! How fast events fold into a graph of 100,000 vehicles, and what a snapshot and a read cost.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use voltwin_core::{Event, EventBody, PropertyMap, Seq, TenantId, Timestamp, TwinId, Value};
use voltwin_graph::Graph;
use voltwin_ontology::Ontology;

const VEHICLES: usize = 100_000;
const START_MS: i64 = 1_795_000_000_000;

fn tenant() -> TenantId {
    TenantId::new("bench").expect("a valid tenant")
}

fn ids() -> Vec<TwinId> {
    (0..VEHICLES).map(|n| TwinId::new(&format!("EV-{n:06}")).expect("a valid id")).collect()
}

fn fleet(ids: &[TwinId]) -> Graph {
    let mut graph = Graph::new(Ontology::built_in());
    let at = Timestamp::from_millis(START_MS);
    let model: voltwin_core::Dtmi = "dtmi:voltwin:Vehicle;1".parse().expect("a valid model");
    for (id, seq) in ids.iter().zip(1..) {
        let body = EventBody::Created { model: model.clone(), properties: PropertyMap::new() };
        graph.apply(&Event::new(tenant(), id.clone(), at, at, body), Seq(seq));
    }
    graph
}

/// One round of telemetry: every vehicle reports once. `stride` scatters them over memory when it is not 1.
fn round(ids: &[TwinId], second: i64, stride: usize) -> Vec<Event> {
    let at = Timestamp::from_millis(START_MS + second * 1_000);
    let report = |n: usize| {
        let drift = n as f64 * 1e-6 + second as f64 * 1e-5;
        let values = [
            ("lat_deg", Value::from(48.1 + drift)),
            ("lon_deg", Value::from(11.5 + drift)),
            ("heading_deg", Value::from((n % 360) as f64)),
            ("speed_mps", Value::from(13.9)),
            ("soc", Value::from(0.6)),
        ];
        Event::new(tenant(), ids[n].clone(), at, at, EventBody::patch(values))
    };
    (0..ids.len()).map(|n| report(n * stride % ids.len())).collect()
}

fn apply(c: &mut Criterion) {
    let ids = ids();
    let mut group = c.benchmark_group("patched, 5 values each, 100k vehicles");
    group.throughput(Throughput::Elements(VEHICLES as u64)).sample_size(20);
    for (name, stride) in [("apply in order", 1), ("apply scattered", 7_919)] {
        let mut graph = fleet(&ids);
        let rounds: Vec<Vec<Event>> = (1..4).map(|second| round(&ids, second, stride)).collect();
        let mut seq = graph.seq().0;
        let mut turn = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                // Later rounds are not late: equal or newer times only, as the values of one round repeat.
                let events = &rounds[turn.min(rounds.len() - 1)];
                turn += 1;
                for event in events {
                    seq += 1;
                    black_box(graph.apply(event, Seq(seq)));
                }
            });
        });
    }
    let graph = fleet(&ids);
    let events = round(&ids, 1, 1);
    group.bench_function("check", |b| {
        b.iter(|| events.iter().filter(|event| graph.check(event).is_ok()).count());
    });
    group.finish();
}

fn snapshot(c: &mut Criterion) {
    let ids = ids();
    let mut graph = fleet(&ids);
    for event in round(&ids, 1, 1) {
        graph.apply(&event, Seq(graph.seq().0 + 1));
    }
    let bytes = graph.snapshot_bytes();
    let mut group = c.benchmark_group("snapshot, 100k vehicles");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(10);
    group.bench_function("write", |b| b.iter(|| graph.snapshot_bytes().len()));
    group.bench_function("read", |b| {
        b.iter_batched(
            || bytes.clone(),
            |bytes| Graph::from_snapshot(Ontology::built_in(), &bytes).map(|graph| graph.len()),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn read(c: &mut Criterion) {
    let ids = ids();
    let mut graph = fleet(&ids);
    for event in round(&ids, 1, 1) {
        graph.apply(&event, Seq(graph.seq().0 + 1));
    }
    c.bench_function("sum of one property over 100k vehicles", |b| {
        b.iter(|| graph.twins_of("dtmi:voltwin:Vehicle;1").filter_map(|v| v.f64("soc")).sum::<f64>());
    });
}

criterion_group!(benches, apply, snapshot, read);
criterion_main!(benches);
