use std::fs;

use voltwin_core::{EventBody, PropertyMap, Seq, TransactionPhase, Value};
use voltwin_store::{Store, StoreError, StoreOptions, TransactionFilter};

use crate::{event, fact, fresh, power, tenant};

#[tokio::test]
async fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let error = Store::open(dir.path()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Locked { .. }));
    assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
    store.close().await;
    Store::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_database_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("voltwin.db"), b"hello, this is certainly no database file at all".repeat(99))
        .unwrap();
    let text = Store::open(dir.path()).await.unwrap_err().to_string();
    assert!(text.contains("voltwin.db is damaged") && text.contains("not a SQLite database"), "{text}");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let text = Store::open(&file).await.unwrap_err().to_string();
    assert!(text.contains("cannot create") && text.contains("file"), "{text}");
}

#[tokio::test]
async fn a_damaged_page_is_found_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let events: Vec<_> = (0..4000).map(|i| power("S:1", i)).collect();
    store.journal().commit(&events).await.unwrap();
    store.close().await;
    let path = dir.path().join("voltwin.db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 2048].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert!(matches!(Store::open(dir.path()).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
    let dir = tempfile::tempdir().unwrap();
    fresh(&dir).await.close().await;
    let path = dir.path().join("voltwin.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut conn = options.connect().await.unwrap();
    conn.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'later', TRUE, x'00', 0)",
    )
    .await
    .unwrap();
    conn.close().await.unwrap();
    let text = Store::open(dir.path()).await.unwrap_err().to_string();
    assert!(text.contains("schema 99, newer than the "), "{text}");
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let limit = StoreOptions { database_bytes_max: Some(4 * 1024 * 1024), ..StoreOptions::default() };
    let store = Store::open_with(dir.path(), &limit).await.unwrap();
    let journal = store.journal();
    let started = |id: i64| {
        event(
            "a",
            "S",
            id,
            EventBody::Transaction(fact(&id.to_string(), TransactionPhase::Started, 0, Some(1)).into()),
        )
    };
    let big = |n: i64| {
        let properties = PropertyMap::from([("name".parse().unwrap(), Value::from("x".repeat(1000)))]);
        let body = EventBody::Created { model: "dtmi:voltwin:Vehicle;1".parse().unwrap(), properties };
        let created = (0..100).map(|_| event("a", "V", n, body.clone()));
        std::iter::once(started(n)).chain(created).collect::<Vec<_>>()
    };
    let mut kept = 0;
    let error = loop {
        match journal.commit(&big(kept)).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 200, "the limit does not bite");
    };
    assert!(matches!(error, StoreError::DiskFull), "{error}");
    assert_eq!(error.to_string(), "the data folder is full");
    for _ in 0..3 {
        assert!(matches!(journal.commit(&big(kept)).await, Err(StoreError::DiskFull)));
    }
    // Nothing of the refused batches is there, and reading goes on.
    assert_eq!(journal.head().await.unwrap(), Seq(kept as u64 * 101));
    let list =
        store.tenant(&tenant("a")).transactions(&TransactionFilter::default(), None, 500).await.unwrap();
    assert_eq!(list.items.len(), usize::try_from(kept).unwrap());
    store.set_database_bytes_max(None).await;
    journal.commit(&big(kept)).await.unwrap();
    assert_eq!(journal.head().await.unwrap(), Seq((kept as u64 + 1) * 101));
    let read = journal.read_after(Seq(kept as u64 * 101), 1).await.unwrap();
    assert_eq!(read[0].event, started(kept));
}

#[tokio::test]
async fn a_torn_last_write_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let journal = store.journal();
    journal.commit(&(0..50).map(|i| power("S:1", i)).collect::<Vec<_>>()).await.unwrap();
    let wal = dir.path().join("voltwin.db-wal");
    let whole = fs::metadata(&wal).unwrap().len();
    journal.commit(&(0..50).map(|i| power("S:1", i)).collect::<Vec<_>>()).await.unwrap();
    let grown = fs::metadata(&wal).unwrap().len();
    assert!(grown > whole);
    // What a power cut in the middle of the second commit would have left.
    let copy = tempfile::tempdir().unwrap();
    for cut in [whole + 1, whole + 24, whole + 24 + 2000, grown - 1] {
        fs::copy(dir.path().join("voltwin.db"), copy.path().join("voltwin.db")).unwrap();
        fs::write(copy.path().join("voltwin.db-wal"), &fs::read(&wal).unwrap()[..cut as usize]).unwrap();
        let _ = fs::remove_file(copy.path().join("voltwin.db-shm"));
        let torn = Store::open(copy.path()).await.unwrap();
        assert_eq!(torn.journal().head().await.unwrap(), Seq(50), "cut at {cut}");
        torn.journal().commit(&[power("S:1", 1)]).await.unwrap();
        torn.close().await;
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_open_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let events: Vec<_> = (0..4000).map(|i| power("S:1", i)).collect();
    for ms in [0, 1, 2, 5, 10, 20] {
        let journal = store.journal();
        let commit = journal.commit(&events);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(ms), commit).await;
    }
    let head = store.journal().head().await.unwrap().0;
    store.journal().commit(&[power("S:1", 1)]).await.unwrap();
    let after = store.journal().head().await.unwrap().0;
    assert!(after > head && (after - 1) % 4000 == 0, "batches are there whole or not at all: {after}");
}
