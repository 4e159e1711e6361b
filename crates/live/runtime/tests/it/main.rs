//! The runtime over a real store: order, durability, resumption, preconditions.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod documents;
mod past;
mod unreadable;

use std::path::Path;

use voltwin_core::{Event, EventBody, PropertyName, Seq, TenantId, TwinId, Value};
use voltwin_runtime::{Precondition, Runtime, RuntimeConfig, RuntimeError};
use voltwin_store::Store;

const VEHICLE: &str = "dtmi:voltwin:Vehicle;1";

async fn start(folder: &Path, config: RuntimeConfig) -> Runtime {
    Runtime::start(Store::open(folder).await.unwrap(), config).await.unwrap()
}

async fn stop(runtime: Runtime) {
    runtime.stop().await;
    runtime.store().close().await;
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn event(runtime: &Runtime, twin: &str, body: EventBody) -> Event {
    let now = runtime.now();
    Event::new(tenant(), TwinId::new(twin).unwrap(), now, now, body)
}

fn created(name: &str) -> EventBody {
    EventBody::Created {
        model: VEHICLE.parse().unwrap(),
        properties: [(PropertyName::new("name").unwrap(), Value::from(name))].into(),
    }
}

fn odometer(runtime: &Runtime, twin: &str) -> Option<f64> {
    runtime.read(&tenant(), |graph| graph.twin(twin)?.get("odometer_m")?.as_f64())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_every_event_once_and_in_journal_order_whatever_the_shards() {
    let folder = tempfile::tempdir().unwrap();
    // a memory of 16 events makes the reader go to the journal most of the time
    let config = RuntimeConfig { shards: 5, feed: 16, ..RuntimeConfig::default() };
    let runtime = start(folder.path(), config).await;
    let mut reader = runtime.feed(Seq(0));
    let writers = (0..8).map(|writer| {
        let runtime = runtime.clone();
        tokio::spawn(async move {
            let twin = format!("V-{writer}");
            runtime.submit(event(&runtime, &twin, created("x"))).await.unwrap();
            for step in 1..=50 {
                let body = EventBody::patch([("odometer_m", Value::from(f64::from(step)))]);
                runtime.submit(event(&runtime, &twin, body)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut seen: Vec<u64> = Vec::new();
    while seen.len() < 8 * 51 {
        seen.extend(reader.next().await.unwrap().iter().map(|sequenced| sequenced.seq.0));
    }
    assert_eq!(seen, (1..=8 * 51).collect::<Vec<u64>>());
    assert_eq!((runtime.head(), reader.lag()), (Seq(8 * 51), 0));
    assert_eq!(odometer(&runtime, "V-3"), Some(50.0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_restart_gives_the_same_graph_from_the_snapshot_and_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = start(folder.path(), RuntimeConfig::default()).await;
    runtime.submit(event(&runtime, "V-1", created("one"))).await.unwrap();
    let patch = EventBody::patch([("odometer_m", Value::from(12.5))]);
    runtime.submit(event(&runtime, "V-1", patch)).await.unwrap();
    let etag = runtime.read(&tenant(), |graph| graph.twin("V-1").unwrap().etag());
    stop(runtime).await;
    let snapshot = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("snapshot-");
    let mut snapshots: Vec<_> = std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok).collect();
    snapshots.retain(snapshot);
    assert_eq!(snapshots.len(), 1);
    for with_snapshot in [true, false] {
        if !with_snapshot {
            for entry in std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok).filter(snapshot) {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        let runtime = start(folder.path(), RuntimeConfig::default()).await;
        assert_eq!(odometer(&runtime, "V-1"), Some(12.5));
        assert_eq!(runtime.read(&tenant(), |graph| graph.twin("V-1").unwrap().etag()), etag);
        assert_eq!(runtime.head(), Seq(2));
        stop(runtime).await;
    }
}

#[tokio::test]
async fn a_stale_etag_is_refused_and_the_twin_keeps_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = start(folder.path(), RuntimeConfig::default()).await;
    let make = || event(&runtime, "V-1", created("one"));
    runtime.submit_if(make(), Precondition::NoneExists).await.unwrap();
    let again = runtime.submit_if(make(), Precondition::NoneExists).await.unwrap_err();
    assert!(matches!(again, RuntimeError::PreconditionFailed { .. }), "{again}");
    let etag = runtime.read(&tenant(), |graph| graph.twin("V-1").unwrap().etag());
    let set = |m: f64| event(&runtime, "V-1", EventBody::patch([("odometer_m", Value::from(m))]));
    // two writers that read the same ETag: exactly one wins
    let (first, second) = tokio::join!(
        runtime.submit_if(set(1.0), Precondition::Match(etag.clone())),
        runtime.submit_if(set(2.0), Precondition::Match(etag.clone()))
    );
    assert!(first.is_ok() && second.is_err(), "{first:?} {second:?}");
    assert_eq!(odometer(&runtime, "V-1"), Some(1.0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_bad_event_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = start(folder.path(), RuntimeConfig::default()).await;
    let results = runtime
        .submit_all(vec![
            event(&runtime, "V-1", created("one")),
            event(&runtime, "V-1", EventBody::patch([("odometer_m", Value::from("far"))])),
            event(&runtime, "V-1", EventBody::patch([("odometer_m", Value::from(7.0))])),
            event(&runtime, "V-2", EventBody::patch([("odometer_m", Value::from(7.0))])),
        ])
        .await;
    let ok: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, false, true, false], "{results:?}");
    let wrong = results[1].as_ref().unwrap_err().to_string();
    assert!(wrong.contains("odometer_m") && wrong.contains("double"), "{wrong}");
    assert_eq!(odometer(&runtime, "V-1"), Some(7.0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_full_disk_fails_the_submission_and_shows_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let runtime = Runtime::start(store.clone(), RuntimeConfig::default()).await.unwrap();
    runtime.submit(event(&runtime, "V-1", created("one"))).await.unwrap();
    store.set_database_bytes_max(Some(4096)).await;
    let long = "x".repeat(3_000);
    let mut failed = None;
    for step in 0..400 {
        let values = [("name", Value::from(long.as_str())), ("odometer_m", Value::from(f64::from(step)))];
        if let Err(error) = runtime.submit(event(&runtime, "V-1", EventBody::patch(values))).await {
            failed = Some((step, error));
            break;
        }
    }
    let (step, error) = failed.expect("the limit was never reached");
    assert!(error.to_string().contains("full"), "{error}");
    assert!(!runtime.ready());
    assert_eq!(odometer(&runtime, "V-1"), (step > 0).then(|| f64::from(step - 1)));
    store.set_database_bytes_max(None).await;
    let patch = EventBody::patch([("odometer_m", Value::from(5_000.0))]);
    runtime.submit(event(&runtime, "V-1", patch)).await.unwrap();
    assert!(runtime.ready());
    stop(runtime).await;
}

/// What waits in a batch counts: a limit holds and a target is found also where nothing is recorded yet.
#[tokio::test]
async fn relationships_of_one_batch_are_judged_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let config = RuntimeConfig { shards: 1, ..RuntimeConfig::default() };
    let runtime = start(folder.path(), config).await;
    let twin = |model: &str| EventBody::Created {
        model: format!("dtmi:voltwin:{model};1").parse().unwrap(),
        properties: voltwin_core::PropertyMap::new(),
    };
    let plug = |id: &str, target: &str| EventBody::Linked {
        id: id.parse().unwrap(),
        name: "pluggedInto".parse().unwrap(),
        target: target.parse().unwrap(),
        properties: voltwin_core::PropertyMap::new(),
    };
    runtime.submit(event(&runtime, "V", twin("Vehicle"))).await.unwrap();
    let results = runtime
        .submit_all(vec![
            event(&runtime, "C", twin("Connector")),
            event(&runtime, "D", twin("Connector")),
            event(&runtime, "V", plug("a", "C")),
            event(&runtime, "V", plug("b", "D")),
            event(&runtime, "V", plug("a", "D")),
        ])
        .await;
    let ok: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, true, true, false, true], "a vehicle has one plug: {results:?}");
    let target =
        runtime.read(&tenant(), |graph| graph.twin("V").unwrap().link("a").unwrap().target.to_string());
    assert_eq!(target, "D");
    stop(runtime).await;
}
