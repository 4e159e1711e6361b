//! The graph as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use voltwin_core::{EventBody, Timestamp, Value};
use voltwin_runtime::{Clock, Past, Runtime, RuntimeConfig, RuntimeError};

use super::{created, event, start, stop, tenant};

/// A clock that a test sets, in seconds.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::Relaxed))
    }
}

impl Hands {
    fn set(&self, second: i64) {
        self.0.store(second, Ordering::Relaxed);
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + second * 1_000)
}

async fn patch(runtime: &Runtime, value: f64) {
    let body = EventBody::patch([("odometer_m", Value::from(value))]);
    runtime.submit(event(runtime, "V", body)).await.unwrap();
}

fn odometer(past: &Past) -> Option<f64> {
    past.graph.twin("V").and_then(|twin| twin.f64("odometer_m"))
}

/// The newest snapshot is damaged, and the one before it still does, because telemetry is kept behind both.
#[tokio::test]
async fn a_damaged_snapshot_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Hands::default();
    let config = || RuntimeConfig { clock: Arc::new(hands.clone()), ..RuntimeConfig::default() };
    for step in 1..=3 {
        let runtime = start(folder.path(), config()).await;
        hands.set(step * 100);
        if step == 1 {
            runtime.submit(event(&runtime, "V", created("one"))).await.unwrap();
        }
        patch(&runtime, step as f64).await;
        stop(runtime).await;
    }
    let mut snapshots: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .collect();
    snapshots.sort();
    std::fs::write(snapshots.last().unwrap(), "not a snapshot").unwrap();
    let runtime = start(folder.path(), config()).await;
    let value = runtime.read(&tenant(), |graph| graph.twin("V").and_then(|twin| twin.f64("odometer_m")));
    assert_eq!((value, runtime.head().0), (Some(3.0), 4));
    stop(runtime).await;
}

/// A value each 100 seconds, and a restart, which writes a snapshot, each 1,000.
#[tokio::test]
async fn every_moment_that_is_kept_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Hands::default();
    let config = || RuntimeConfig {
        clock: Arc::new(hands.clone()),
        telemetry_keep_s: 3_600.0,
        ..RuntimeConfig::default()
    };
    let mut runtime = start(folder.path(), config()).await;
    hands.set(1);
    runtime.submit(event(&runtime, "V", created("one"))).await.unwrap();
    for step in 1..=100 {
        hands.set(step * 100);
        patch(&runtime, step as f64).await;
        if step % 10 == 0 {
            hands.set(step * 100 + 50);
            stop(runtime).await;
            runtime = start(folder.path(), config()).await;
        }
    }
    assert!(runtime.as_of(&tenant(), at(0)).await.unwrap().graph.is_empty());
    for second in [10_000, 9_999, 9_100, 8_950, 7_777, 6_500, 6_450] {
        let past = runtime.as_of(&tenant(), at(second)).await.unwrap();
        assert!(past.whole, "second {second}");
        assert_eq!(odometer(&past), Some((second / 100) as f64), "second {second}");
    }
    let old = runtime.as_of(&tenant(), at(2_500)).await.unwrap();
    assert!(!old.whole, "patches of then are removed");
    assert_eq!(old.graph.twin("V").unwrap().text("name"), Some("one"), "but the twin was there");
    assert!(odometer(&old).is_none_or(|value| value <= 25.0), "and nothing of later is");
    let first = runtime.as_of(&tenant(), at(7_777)).await.unwrap();
    let again = runtime.as_of(&tenant(), at(7_777)).await.unwrap();
    assert!(Arc::ptr_eq(&first.graph, &again.graph), "it is remembered");
    assert!(matches!(runtime.as_of(&tenant(), at(20_000)).await, Err(RuntimeError::NotYet { .. })));
    let other = runtime.as_of(&"other".parse().unwrap(), at(9_000)).await.unwrap();
    assert!(other.graph.is_empty());
    stop(runtime).await;
}
