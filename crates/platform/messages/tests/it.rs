//! The log against a plain list of the same frames.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_messages::{Filter, Frame, Limits, Logged, MessageLog, MessageLogError, Outcome};

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn station(n: usize) -> TwinId {
    TwinId::new(&format!("ST-{n}")).unwrap()
}

/// Frame number `n` of a fixed story: stations, actions and outcomes in turn, one a second.
fn frame(n: usize) -> Frame {
    Frame {
        at: Timestamp::from_millis(1_795_000_000_000 + 1_000 * n as i64),
        direction: if n.is_multiple_of(2) { "in" } else { "out" },
        kind: if n.is_multiple_of(2) { "call" } else { "result" },
        action: Some(["Heartbeat", "StatusNotification", "MeterValues"][n / 2 % 3].to_owned()),
        id: Some((n / 2).to_string()),
        payload: format!("[2,\"{}\",{{\"reading\":\"{n}_Wh\"}}]", n / 2),
        outcome: n.is_multiple_of(7).then(|| "late".to_owned()),
        ..Frame::of(&tenant(if n.is_multiple_of(5) { "south" } else { "north" }), &station(n % 3))
    }
}

/// Whether a frame of the plain list is held.
type Oracle = Box<dyn Fn(&Frame) -> bool>;

async fn all(log: &MessageLog, who: &str, filter: &Filter, limit: usize) -> Vec<Logged> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = log.search(&tenant(who), filter, cursor.as_deref(), limit).await.unwrap();
        assert!(page.items.len() <= limit);
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return items;
        }
    }
}

#[tokio::test]
async fn every_filter_finds_what_a_plain_list_holds() {
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), Limits::default()).await.unwrap();
    let frames: Vec<Frame> = (0..1_000).map(frame).collect();
    frames.iter().cloned().for_each(|frame| log.push(frame));
    let at = |n: i64| Some(Timestamp::from_millis(1_795_000_000_000 + 1_000 * n));
    let some = |text: &str| Some(text.to_owned());
    let cases: Vec<(Filter, Oracle)> = vec![
        (Filter::default(), Box::new(|_| true)),
        (Filter { station: some("ST-1"), ..Filter::default() }, Box::new(|f| f.station.as_str() == "ST-1")),
        (Filter { action: some("MeterValues"), ..Filter::default() }, {
            Box::new(|f| f.action.as_deref() == Some("MeterValues"))
        }),
        (Filter { direction: some("out"), kind: some("result"), ..Filter::default() }, {
            Box::new(|f| f.direction == "out")
        }),
        (Filter { outcome: Some(Outcome::Ok), ..Filter::default() }, Box::new(|f| f.outcome.is_none())),
        (Filter { outcome: Some(Outcome::Wrong), ..Filter::default() }, Box::new(|f| f.outcome.is_some())),
        (Filter { outcome: Some(Outcome::Is("late".into())), ..Filter::default() }, {
            Box::new(|f| f.outcome.as_deref() == Some("late"))
        }),
        // an underscore is an underscore, and letters are sought without regard to case
        (Filter { text: some("99_wh"), ..Filter::default() }, Box::new(|f| f.payload.contains("99_Wh"))),
        (Filter { id: some("17"), ..Filter::default() }, Box::new(|f| f.id.as_deref() == Some("17"))),
        (Filter { from: at(100), to: at(200), ..Filter::default() }, {
            let (from, to) = (at(100).unwrap(), at(200).unwrap());
            Box::new(move |f| f.at >= from && f.at < to)
        }),
    ];
    for (filter, holds) in cases {
        let found = all(&log, "north", &filter, 37).await;
        let wanted: Vec<&Frame> =
            frames.iter().rev().filter(|f| f.tenant == tenant("north") && holds(f)).collect();
        let found: Vec<_> = found.iter().map(|f| (f.at, f.station.as_str(), f.payload.as_str())).collect();
        let wanted: Vec<_> = wanted.iter().map(|f| (f.at, f.station.as_str(), f.payload.as_str())).collect();
        assert!(!wanted.is_empty(), "{filter:?}");
        assert_eq!(found, wanted, "{filter:?}");
    }
    assert!(all(&log, "west", &Filter::default(), 10).await.is_empty());
    let wrong = log.search(&tenant("north"), &Filter::default(), Some("x"), 10).await.unwrap_err();
    assert!(matches!(wrong, MessageLogError::Invalid { field: "cursor", .. }), "{wrong}");
    log.close().await;
}

#[tokio::test]
async fn what_was_filed_is_there_after_a_restart_and_stations_keep_their_newest() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { per_station: 40, per_tenant: 100_000, days: 30 };
    let log = MessageLog::open(dir.path(), limits).await.unwrap();
    for n in 0..3_000 {
        log.push(frame(n));
        if n % 100 == 0 {
            log.flush().await;
        }
    }
    log.close().await;
    let log = MessageLog::open(dir.path(), limits).await.unwrap();
    let found = all(&log, "north", &Filter { station: Some("ST-2".into()), ..Filter::default() }, 100).await;
    // a quarter more for a while
    assert!((40..=50 + 34).contains(&found.len()), "{}", found.len());
    let newest: Vec<_> = (0..3_000)
        .rev()
        .map(frame)
        .filter(|f| f.tenant == tenant("north") && f.station == station(2))
        .collect();
    let same = found.iter().zip(&newest).all(|(found, frame)| found.payload == frame.payload);
    assert!(same);
    log.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_log_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("messages.db"),
        "not a database, and longer than its header would be".repeat(40),
    )
    .unwrap();
    let error = MessageLog::open(dir.path(), Limits::default()).await.unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}
