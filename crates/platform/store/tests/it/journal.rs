//! The journal: order, places, and what does not stay in it.

use voltwin_core::{Event, EventBody, PropertyMap, Seq};

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
