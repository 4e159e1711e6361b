//! The journal: order, places, and what does not stay in it.

use serde_json::json;
use voltwin_core::{Event, EventBody, PropertyMap, Seq, TraceId, Value};

use crate::{at, event, fresh, power, tenant};

fn created(twin: &str, seconds: i64) -> Event {
    let model = "dtmi:voltwin:EVSE;1".parse().unwrap();
    event("b", twin, seconds, EventBody::Created { model, properties: PropertyMap::new() })
}

/// What stays and what does not stand in tables of their own: read together, they are in the order of their places.
#[tokio::test]
async fn what_stays_and_what_does_not_are_read_in_one_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let journal = store.journal();
    let mut written = Vec::new();
    for round in 0..30i64 {
        // Runs of either kind, of one event and of some thousands.
        let length = if round == 7 { 9_000 } else { round % 5 + 1 };
        let events: Vec<Event> = (0..length)
            .map(|n| if (n + round) % 7 < 4 { power("S:1", round * 10_000 + n) } else { created("E", round) })
            .collect();
        journal.commit(&events).await.unwrap();
        written.extend(events);
    }
    for limit in [1, 3, 1_000, 10_000] {
        let (mut read, mut after) = (0, Seq(0));
        // Small steps look at the beginning, which has runs of either kind.
        while read < written.len() && (limit >= 100 || read < 150) {
            let batch = journal.read_after(after, limit).await.unwrap();
            assert!((1..=limit).contains(&batch.len()), "limit {limit}: {}", batch.len());
            for sequenced in &batch {
                assert_eq!(sequenced.seq, Seq(read as u64 + 1), "limit {limit}");
                assert_eq!(sequenced.event, written[read], "limit {limit}");
                read += 1;
            }
            after = Seq(read as u64);
        }
        assert!(!journal.read_after(after, limit).await.unwrap().is_empty() || read == written.len());
    }
    let (mut of_b, mut after) = (Vec::new(), Seq(0));
    loop {
        let batch = journal.read_tenant_after(&tenant("b"), after, 100).await.unwrap();
        let Some(last) = batch.last() else { break };
        after = last.seq;
        of_b.extend(batch.into_iter().map(|sequenced| sequenced.event));
    }
    let wanted: Vec<Event> = written.iter().filter(|event| event.tenant.as_str() == "b").cloned().collect();
    assert_eq!(of_b, wanted);
    let telemetry = written.len() - wanted.len();
    let all = Seq(written.len() as u64);
    assert_eq!(journal.pruned().await.unwrap(), Seq(0));
    assert_eq!(journal.prune_telemetry(all, at(1_000_000)).await.unwrap(), telemetry as u64);
    assert!(journal.pruned().await.unwrap() > Seq(0));
    assert_eq!(journal.read_after(Seq(0), 10_000).await.unwrap().len(), wanted.len());
    assert_eq!(journal.head().await.unwrap(), all);
}

#[tokio::test]
async fn property_changes_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let journal = fresh(&dir).await.journal();
    let values = [
        ("a", Value::from(true)),
        ("b", Value::from(i64::MIN)),
        ("c", Value::Double(-0.0)),
        ("d", Value::from(5e-324)),
        ("part.text", Value::from("naïve \u{1f50b}")),
        ("f", Value::from(json!({"cells": [3.7, null, {"x": u64::MAX}]}))),
    ];
    let EventBody::Patched { mut values } = EventBody::patch(values) else { unreachable!() };
    values.push(("gone".parse().unwrap(), None));
    let mut rich = event("b", "T", 5, EventBody::Patched { values });
    rich.sources = vec![("c".parse().unwrap(), at(2)), ("gone".parse().unwrap(), at(0))];
    (rich.decided, rich.at) = (true, at(1));
    let written = [power("S:1", 4), rich.clone().traced(TraceId(u128::MAX)), rich, power("S:2", 6)];
    journal.commit(&written).await.unwrap();
    let read = journal.read_after(Seq(0), 10).await.unwrap();
    assert_eq!(
        read.iter().map(|sequenced| &sequenced.event).collect::<Vec<_>>(),
        written.iter().collect::<Vec<_>>()
    );
    let EventBody::Patched { values } = &read[1].event.body else { unreachable!() };
    assert!(matches!(values[2].1, Some(Value::Double(x)) if x.is_sign_negative()));
}

/// A former release kept the property changes of a commit as compressed JSON.
#[tokio::test]
async fn rows_of_json_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let journal = fresh(&dir).await.journal();
    let former: Vec<(Seq, Event)> = (1..=3).map(|n| (Seq(n), power("S:1", n.cast_signed()))).collect();
    let packed = zstd::bulk::compress(&serde_json::to_vec(&former).unwrap(), 1).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("voltwin.db"));
    let mut db = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("INSERT INTO telemetry (last, count, received_us, events) VALUES (3, 3, ?, ?)")
        .bind(at(3).as_micros())
        .bind(packed)
        .execute(&mut db)
        .await
        .unwrap();
    journal.commit(&[power("S:1", 4)]).await.unwrap();
    let read: Vec<(Seq, Event)> =
        journal.read_after(Seq(0), 10).await.unwrap().into_iter().map(|one| (one.seq, one.event)).collect();
    assert_eq!((read.len(), &read[..3]), (4, &former[..]));
    assert_eq!(read[3].0, Seq(4));
}

/// A former release kept property changes among the rows that stay.
#[tokio::test]
async fn property_changes_of_a_former_release_are_read_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let journal = store.journal();
    journal.commit(&[created("E", 1)]).await.unwrap();
    let path = dir.path().join("voltwin.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut db = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let former = power("S:1", 2);
    sqlx::query("INSERT INTO journal (event) VALUES (?)")
        .bind(serde_json::to_string(&former).unwrap())
        .execute(&mut db)
        .await
        .unwrap();
    journal.commit(&[power("S:1", 3), created("F", 4)]).await.unwrap();
    let read = journal.read_after(Seq(0), 10).await.unwrap();
    assert_eq!(read.iter().map(|sequenced| sequenced.seq.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(read[1].event, former);
    assert_eq!(journal.prune_telemetry(Seq(4), at(1_000_000)).await.unwrap(), 2);
    let left = journal.read_after(Seq(0), 10).await.unwrap();
    assert_eq!(left.iter().map(|sequenced| sequenced.seq.0).collect::<Vec<_>>(), [1, 4]);
}
