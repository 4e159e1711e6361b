//! What one tick of the live stream costs for one client.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use voltwin_wire::{Stamp, TopicTable, VehicleRow, decode};

fn fleet(rows: usize) -> TopicTable<VehicleRow> {
    let mut table = TopicTable::new();
    for n in 0..rows {
        let row = VehicleRow { at_ms: n as u32, lat_e7: n as i32, ..VehicleRow::default() };
        table.push(&format!("EV-{n:06}"), row);
    }
    table
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("vehicle frames");
    for rows in [10_000usize, 100_000] {
        let mut table = fleet(rows);
        let mut out = Vec::new();
        table.encode_delta(0, |_| true, Stamp::default(), &mut out);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("delta, every row changed", rows), |b| {
            b.iter(|| {
                out.clear();
                black_box(table.encode_delta(0, |_| true, Stamp::default(), &mut out))
            });
        });
        group.bench_function(BenchmarkId::new("decode of that delta", rows), |b| {
            b.iter(|| decode(&out).map(|frame| frame.rows.len()));
        });
        group.bench_function(BenchmarkId::new("snapshot", rows), |b| {
            let mut out = Vec::new();
            b.iter(|| {
                out.clear();
                black_box(table.encode_snapshot(Stamp::default(), &mut out))
            });
        });
        let since = table.version();
        for row in (0..rows).step_by(100) {
            table.set(row, VehicleRow { soc_e4: 1, ..VehicleRow::default() });
        }
        group.bench_function(BenchmarkId::new("delta, one row in 100 changed", rows), |b| {
            let mut out = Vec::new();
            b.iter(|| {
                out.clear();
                black_box(table.encode_delta(since, |_| true, Stamp::default(), &mut out))
            });
        });
        let idle = table.version();
        group.bench_function(BenchmarkId::new("delta, nothing changed", rows), |b| {
            let mut out = Vec::new();
            b.iter(|| black_box(table.encode_delta(idle, |_| true, Stamp::default(), &mut out)));
        });
    }
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
