//! How fast the history takes points, seals them and finds one series again.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first error")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use voltwin_core::{Seq, Timestamp};
use voltwin_history::{History, Point};

const BATCH: usize = 10_000;
const SERIES: usize = 2_000;
const START_MS: i64 = 1_795_000_000_000;

/// Series in turn, in order of time.
fn points(round: u64) -> Vec<Point> {
    let (tenant, property) = ("demo".parse().unwrap(), "power_w".parse().unwrap());
    let point = |n: usize| Point {
        tenant: Clone::clone(&tenant),
        twin: format!("ST-{}", n % SERIES).parse().unwrap(),
        property: Clone::clone(&property),
        at: Timestamp::from_millis(START_MS + i64::try_from(round).unwrap() * 10_000 + n as i64),
        value: n as f64,
    };
    (0..BATCH).map(point).collect()
}

fn history(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let history = runtime.block_on(History::open(dir.path())).unwrap();
    let mut group = c.benchmark_group("history");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(10);
    let mut round = 0;
    let mut next = || {
        round += 1;
        (points(round), Seq(round))
    };
    group.bench_function("append 10000", |b| {
        let append =
            |(points, seq): (Vec<Point>, Seq)| runtime.block_on(history.append(&points, seq)).unwrap();
        b.iter_batched(&mut next, append, BatchSize::PerIteration);
    });
    let end = Timestamp::from_millis(START_MS).plus_seconds(1e9);
    group.bench_function("append and seal 10000", |b| {
        let append_and_seal = |(points, seq): (Vec<Point>, Seq)| {
            runtime.block_on(async {
                history.append(&points, seq).await.unwrap();
                history.seal(end).await.unwrap()
            })
        };
        b.iter_batched(&mut next, append_and_seal, BatchSize::PerIteration);
    });
    group.finish();
    let (tenant, twin, property) =
        ("demo".parse().unwrap(), "ST-7".parse().unwrap(), "power_w".parse().unwrap());
    let from = Timestamp::from_millis(START_MS);
    c.bench_function("history/one series of all", |b| {
        b.iter(|| runtime.block_on(history.range(&tenant, &twin, &property, from, end, 100_000)).unwrap());
    });
}

criterion_group!(benches, history);
criterion_main!(benches);
