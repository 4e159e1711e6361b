//! How fast the journal takes batches of property changes, and of transaction events with their fold.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first error")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use voltwin_core::{Event, EventBody, Timestamp, TransactionFact, TransactionPhase, Value};
use voltwin_store::Store;

const BATCH: usize = 1000;

fn patched() -> Vec<Event> {
    let at = Timestamp::from_millis(1_795_000_000_000);
    let event = |n: usize| {
        let body = EventBody::patch([("power_w", Value::from(n as f64)), ("soc", Value::from(0.5))]);
        Event::new("demo".parse().unwrap(), format!("ST-{n}:1").parse().unwrap(), at, at, body)
    };
    (0..BATCH).map(event).collect()
}

/// One event each of as many transactions; `round` moves them on.
fn transactions(round: u64) -> Vec<Event> {
    let at = Timestamp::from_millis(1_795_000_000_000).plus_seconds(round as f64 * 60.0);
    let event = |n: usize| {
        let fact = TransactionFact {
            transaction_id: n.to_string(),
            phase: if round == 0 { TransactionPhase::Started } else { TransactionPhase::Updated },
            seq_no: round,
            start_key: None,
            evse: Some(1),
            connector: Some(1),
            id_token: Some("TAG".into()),
            meter_wh: Some((round * 100).into()),
            trigger: None,
            stopped_reason: None,
            charging_state: None,
            offline: false,
            clock_ahead_ms: None,
            samples: Vec::new(),
            signed: Vec::new(),
            station_cost: None,
            reserved_from: None,
            quarantined: false,
        };
        let body = EventBody::Transaction(fact.into());
        Event::new("demo".parse().unwrap(), format!("ST-{n}").parse().unwrap(), at, at, body)
    };
    (0..BATCH).map(event).collect()
}

fn journal(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let journal = runtime.block_on(Store::open(dir.path())).unwrap().journal();
    let mut group = c.benchmark_group("journal");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    let events = patched();
    group.bench_function("commit 1000 patched", |b| {
        b.iter(|| runtime.block_on(journal.commit(&events)).unwrap());
    });
    let mut round = 0;
    let mut next = || {
        round += 1;
        transactions(round - 1)
    };
    group.bench_function("commit 1000 transaction events", |b| {
        b.iter_batched(
            &mut next,
            |events| runtime.block_on(journal.commit(&events)).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, journal);
criterion_main!(benches);
