use serde_json::json;
use uuid::Uuid;
use voltwin_core::{
    AlarmChange, AlarmFact, AlarmId, AuditFact, CommandFact, CommandId, CommandState, EventBody, NoteFact,
    RecordFact, Seq, Severity,
};
use voltwin_security::{ApiKey, PasswordHash, Role, SessionToken};
use voltwin_store::{
    AlarmFilter, Committed, Counts, Journal, NoteFilter, Store, StoreError, TenantStore, TokenPolicy,
    TokenStatus,
};

use crate::{at, event, fresh, power, tenant};

const PHC: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

#[test]
fn futures_can_move_between_threads() {
    fn send<T: Send>(_: impl FnOnce(&Store, &TenantStore, &Journal) -> T) {}
    send(|store, _, _| store.clone().tenants_owned());
    send(|_, tenant, _| {
        let tenant = tenant.clone();
        async move { tenant.record_claim("S", "1.2.3.4", "ocpp1.6", None, at(0)).await }
    });
    send(|_, _, journal| {
        let journal = journal.clone();
        async move { journal.commit(&[]).await }
    });
}

trait Owned {
    fn tenants_owned(self) -> impl Future<Output = usize> + Send;
}

impl Owned for Store {
    async fn tenants_owned(self) -> usize {
        self.tenants().await.map_or(0, |tenants| tenants.len())
    }
}

#[tokio::test]
async fn the_journal_keeps_order_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let journal = store.journal();
    assert_eq!(journal.head().await.unwrap(), Seq(0));
    assert_eq!(journal.commit(&[]).await.unwrap(), []);
    let events: Vec<_> = (0..5000).map(|i| power("S:1", i)).collect();
    let committed = journal.commit(&events).await.unwrap();
    assert_eq!(committed, (1..=5000).map(|i| Committed::New(Seq(i))).collect::<Vec<_>>());
    let read = journal.read_after(Seq(4096), 10).await.unwrap();
    assert_eq!(read.len(), 10);
    assert_eq!((read[0].seq, &read[0].event), (Seq(4097), &events[4096]));
    assert_eq!(journal.prune_telemetry(Seq(5000), at(0)).await.unwrap(), 0, "too young");
    assert_eq!(journal.prune_telemetry(Seq(5000), at(10_000)).await.unwrap(), 5000);
    assert_eq!(journal.head().await.unwrap(), Seq(5000));
    store.close().await;
    drop(store);
    let journal = Store::open(dir.path()).await.unwrap().journal();
    assert_eq!(journal.commit(&[power("S:1", 1)]).await.unwrap(), [Committed::New(Seq(5001))]);
}

#[tokio::test]
async fn a_command_goes_forward_only_and_is_audited() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (journal, a) = (store.journal(), store.tenant(&tenant("a")));
    let id = CommandId(Uuid::from_u128(7));
    let step = |state, seconds, answer: Option<serde_json::Value>| {
        let fact = CommandFact {
            id,
            state,
            action: "Reset".into(),
            payload: Some(json!({"type": "Soft"})),
            by: "ann".into(),
            answer,
            reason: None,
        };
        event("a", "S", seconds, EventBody::Command(Box::new(fact)))
    };
    journal
        .commit(&[step(CommandState::Requested, 1, None), step(CommandState::Sent, 2, None)])
        .await
        .unwrap();
    assert_eq!(a.unfinished_commands(10).await.unwrap().len(), 1);
    let accepted = step(CommandState::Accepted, 3, Some(json!({"status": "Accepted"})));
    journal
        .commit(&[accepted, step(CommandState::Sent, 4, None), step(CommandState::Failed, 5, None)])
        .await
        .unwrap();
    let command = a.command(id).await.unwrap().unwrap();
    assert_eq!((command.state, command.finished_at), (CommandState::Accepted, Some(at(3))));
    assert_eq!(command.answer, Some(json!({"status": "Accepted"})));
    assert_eq!((command.payload, command.requested_at), (json!({"type": "Soft"}), at(1)));
    assert!(a.unfinished_commands(10).await.unwrap().is_empty());
    let audit = a.audit(None, 10).await.unwrap().items;
    assert_eq!((audit[0].action.as_str(), audit[0].by.as_str()), ("command.Reset", "ann"));
    assert!(store.tenant(&tenant("b")).command(id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_record_is_the_latest_statement_and_notes_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (journal, a) = (store.journal(), store.tenant(&tenant("a")));
    let record = |key: &str, seconds, value: Option<i64>| {
        let fact = RecordFact { topic: "variable".into(), key: key.into(), value: value.map(Into::into) };
        event("a", "S", seconds, EventBody::Record(fact))
    };
    journal
        .commit(&[
            record("b", 5, Some(1)),
            record("a", 5, Some(2)),
            record("b", 9, Some(3)),
            record("b", 7, Some(4)),
        ])
        .await
        .unwrap();
    let listed = |page: voltwin_store::Page<voltwin_store::Record>| {
        page.items.into_iter().map(|r| (r.key, r.value)).collect::<Vec<_>>()
    };
    let both = vec![("a".to_owned(), json!(2)), ("b".to_owned(), json!(3))];
    assert_eq!(listed(a.records("S", "variable", None, 10).await.unwrap()), both);
    assert_eq!(listed(a.records_of_topic("variable", Some("S\na"), 10).await.unwrap()), both[1..]);
    assert!(a.records("S", "other", None, 10).await.unwrap().items.is_empty());
    assert!(store.tenant(&tenant("b")).record("S", "variable", "b").await.unwrap().is_none());
    // gone, but not by a statement older than the one that stands
    journal.commit(&[record("a", 4, None), record("b", 9, None)]).await.unwrap();
    assert!(a.record("S", "variable", "a").await.unwrap().is_some());
    assert!(a.record("S", "variable", "b").await.unwrap().is_none());

    let note = |n: i64| {
        event("a", "S", n, EventBody::Note(NoteFact { topic: "violation".into(), detail: json!(n) }))
    };
    for batch in 0..45 {
        let notes: Vec<_> = (0..50).map(|n| note(batch * 50 + n)).collect();
        journal.commit(&notes).await.unwrap();
    }
    let filter = NoteFilter { topic: "violation".into(), twin: Some("S".into()) };
    let newest = a.notes(&filter, None, 2).await.unwrap();
    assert_eq!(newest.items.iter().map(|n| n.detail.clone()).collect::<Vec<_>>(), [json!(2249), json!(2248)]);
    let after = a.notes(&filter, newest.next.as_deref(), 1).await.unwrap();
    assert_eq!(after.items[0].detail, json!(2247));
    let mut kept = 0;
    let mut cursor = None;
    loop {
        let page = a.notes(&filter, cursor.as_deref(), 500).await.unwrap();
        kept += page.items.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!((2_000..2_064).contains(&kept), "{kept}");
}

#[tokio::test]
async fn an_alarm_is_open_once_per_twin_and_code() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (journal, a) = (store.journal(), store.tenant(&tenant("a")));
    a.add_station("S", "S", None, "ann", at(0)).await.unwrap();
    let change = |n, change| {
        event(
            "a",
            "S:1:1",
            n,
            EventBody::Alarm(AlarmFact { id: AlarmId(Uuid::from_u128(n as u128)), change }),
        )
    };
    let raised = || AlarmChange::Raised {
        code: "ConnectorFaulted".into(),
        severity: Severity::Major,
        message: "ground failure".into(),
    };
    journal.commit(&[change(1, raised()), change(2, raised())]).await.unwrap();
    let open = a.alarms(AlarmFilter::Open, None, 10).await.unwrap().items;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].id.0.as_u128(), open[0].station.as_deref()), (1, Some("S")));
    let counts = Counts { major: 1, unacknowledged: 1, ..Counts::default() };
    assert_eq!(a.counts().await.unwrap(), counts);
    let acknowledged = change(1, AlarmChange::Acknowledged { by: "ann".into() });
    journal.commit(&[acknowledged, change(1, AlarmChange::Cleared), change(3, raised())]).await.unwrap();
    assert_eq!(a.open_alarm("S:1:1", "ConnectorFaulted").await.unwrap().unwrap().id.0.as_u128(), 3);
    let old = a.alarm(AlarmId(Uuid::from_u128(1))).await.unwrap().unwrap();
    assert_eq!(old.acknowledged_by.as_deref(), Some("ann"));
    assert_eq!(a.audit(None, 1).await.unwrap().items[0].action, "alarm.acknowledge");
    let first = a.alarms(AlarmFilter::All, None, 1).await.unwrap();
    let second = a.alarms(AlarmFilter::All, first.next.as_deref(), 1).await.unwrap();
    assert_eq!((first.items[0].id.0.as_u128(), second.items[0].id.0.as_u128(), second.next), (3, 1, None));
    assert!(matches!(a.alarms(AlarmFilter::All, Some("x"), 1).await, Err(StoreError::Invalid { .. })));
}

#[tokio::test]
async fn access_is_found_by_what_is_presented_and_belongs_to_one_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (a, b) = (store.tenant(&tenant("a")), store.tenant(&tenant("b")));
    let hash = PasswordHash::from_phc(PHC).unwrap();
    a.add_station("S", "south gate", Some(&hash), "ann", at(1)).await.unwrap();
    b.add_station("S", "S", None, "bob", at(1)).await.unwrap();
    assert!(matches!(
        a.add_station("S", "again", None, "ann", at(2)).await,
        Err(StoreError::Conflict { what: "station", .. })
    ));
    let named = store.stations_named("S").await.unwrap();
    assert_eq!(named.iter().map(|n| n.1.password_hash.is_some()).collect::<Vec<_>>(), [true, false]);
    b.set_station_password_hash("S", Some(&hash), "bob", at(3)).await.unwrap();
    assert!(b.station("S").await.unwrap().unwrap().has_password);
    b.remove_station("S", "bob", at(4)).await.unwrap();
    assert!(matches!(b.remove_station("S", "bob", at(4)).await, Err(StoreError::NotFound { .. })));
    assert!(a.station("S").await.unwrap().is_some());

    let key = ApiKey::generate().unwrap();
    a.add_key(key.public_id(), &key.hash(), Role::Operator, "ingest", "ann", at(1)).await.unwrap();
    let (owner, found) = store.find_key(key.public_id()).await.unwrap().unwrap();
    assert!(owner == tenant("a") && key.matches(&found.hash) && found.revoked_at.is_none());
    assert!(matches!(b.revoke_key(key.public_id(), "bob", at(2)).await, Err(StoreError::NotFound { .. })));
    a.revoke_key(key.public_id(), "ann", at(2)).await.unwrap();
    assert_eq!(store.find_key(key.public_id()).await.unwrap().unwrap().1.revoked_at, Some(at(2)));
    assert!(!serde_json::to_string(&a.keys(None, 10).await.unwrap()).unwrap().contains("hash"));

    a.add_user("ann", &hash, Role::Admin, "setup", at(1)).await.unwrap();
    assert_eq!(a.find_user("ann").await.unwrap().unwrap().role, Role::Admin);
    assert!(b.find_user("ann").await.unwrap().is_none());
    let token = SessionToken::generate().unwrap();
    a.add_session(&token.hash(), "ann", Role::Admin, at(100)).await.unwrap();
    let session = store.find_session(&token.hash()).await.unwrap().unwrap();
    assert_eq!((session.tenant, session.user, session.expires_at), (tenant("a"), "ann".into(), at(100)));
    b.drop_session(&token.hash()).await.unwrap();
    assert!(store.find_session(&token.hash()).await.unwrap().is_some());
    a.drop_session(&token.hash()).await.unwrap();
    assert!(store.find_session(&token.hash()).await.unwrap().is_none());

    a.set_token("Tag1", TokenStatus::Blocked, "ann", at(1)).await.unwrap();
    assert_eq!(a.token("TAG1").await.unwrap().unwrap().token.status, TokenStatus::Blocked);
    assert_eq!(b.token("TAG1").await.unwrap(), None);
    assert_eq!(b.token_policy().await.unwrap(), TokenPolicy::Accept);
    let nobody = store.tenant(&tenant("nobody"));
    assert!(matches!(nobody.token_policy().await, Err(StoreError::NotFound { what: "tenant", .. })));
    assert!(matches!(
        nobody.add_station("S", "S", None, "x", at(1)).await,
        Err(StoreError::NotFound { what: "tenant", .. })
    ));
    let again = store.add_tenant(&tenant("a"), TokenPolicy::Reject, "x", at(9)).await;
    assert!(matches!(again, Err(StoreError::Conflict { what: "tenant", .. })));
    assert_eq!(store.tenants().await.unwrap().len(), 2);
}

#[tokio::test]
async fn claims_are_counted_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    let first = a.record_claim("S", "10.0.0.1", "ocpp1.6", None, at(1)).await.unwrap();
    let again = a.record_claim("S", "10.0.0.2", "ocpp2.0.1", None, at(5)).await.unwrap();
    assert_eq!((again.id, again.attempts, again.first_seen, again.last_seen), (first.id, 2, at(1), at(5)));
    for n in 0..1000 {
        a.record_claim(&format!("X{n}"), "10.0.0.3", "ocpp1.6", None, at(10 + n)).await.unwrap();
    }
    assert_eq!(a.counts().await.unwrap().claims, 1000);
    assert!(a.claim(first.id).await.unwrap().is_none(), "the one not seen for longest gave way");
    let newest = &a.claims(None, 1).await.unwrap().items[0];
    assert_eq!(newest.station, "X999");
    a.remove_claim(newest.id).await.unwrap();
    assert!(matches!(a.remove_claim(newest.id).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn cursors_numbers_and_deeds_last() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    assert_eq!(store.cursor("history").await.unwrap(), None);
    store.save_cursor("history", Seq(41)).await.unwrap();
    let info = voltwin_store::SnapshotInfo { seq: Seq(7), taken: None };
    store.save_snapshot(info, vec![1, 2, 3]).await.unwrap();
    assert_eq!(store.next_transaction_number().await.unwrap(), 1);
    assert_eq!(store.next_transaction_number().await.unwrap(), 2);
    let deed = AuditFact { by: "ann".into(), action: "twin.delete".into(), detail: "x".into() };
    store.journal().commit(&[event("a", "V", 1, EventBody::Audit(deed))]).await.unwrap();
    store.close().await;
    drop(store);
    let store = Store::open(dir.path()).await.unwrap();
    assert_eq!(store.cursor("history").await.unwrap(), Some(Seq(41)));
    assert_eq!(store.snapshots().await.unwrap(), [info]);
    assert_eq!(store.load_snapshot(Seq(7)).await.unwrap(), Some(vec![1, 2, 3]));
    store.remove_snapshot(Seq(7)).await.unwrap();
    assert_eq!(store.load_snapshot(Seq(7)).await.unwrap(), None);
    assert_eq!(store.next_transaction_number().await.unwrap(), 101);
    let a = store.tenant(&tenant("a"));
    let audit = a.audit(None, 10).await.unwrap().items;
    assert_eq!((audit[0].action.as_str(), audit[0].subject.as_str()), ("twin.delete", "V"));
    assert_eq!(audit.len(), 2, "that of tenant b is not here");
}

#[tokio::test]
async fn a_second_password_counts_until_it_is_the_only_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    let (_, first) = PasswordHash::generate().unwrap();
    let (_, next) = PasswordHash::generate().unwrap();
    a.add_station("S", "gate", Some(&first), "ann", at(1)).await.unwrap();
    assert_eq!(a.station_security("S").await.unwrap().profile, 1, "where nothing was said");
    a.set_station_profile("S", 3, "ann", at(2)).await.unwrap();
    a.set_next_password("S", Some(&next), "ann", at(3)).await.unwrap();
    let [(_, credential)] = store.stations_named("S").await.unwrap().try_into().unwrap();
    assert_eq!(credential.security.profile, 3);
    assert_eq!(credential.security.next_password_hash.as_ref(), Some(&next));
    assert_eq!(credential.security.next_since, Some(at(3)));
    a.take_next_password("S", &first, at(4)).await.unwrap();
    assert_eq!(a.station("S").await.unwrap().unwrap().password_hash, Some(first), "that one does not wait");
    a.take_next_password("S", &next, at(5)).await.unwrap();
    assert_eq!(a.station("S").await.unwrap().unwrap().password_hash, Some(next));
    assert_eq!(a.station_security("S").await.unwrap().next_password_hash, None);
    assert!(matches!(a.set_station_profile("S", 4, "ann", at(6)).await, Err(StoreError::Invalid { .. })));
    let stranger = store.tenant(&tenant("b"));
    assert!(matches!(
        stranger.set_station_profile("S", 2, "bob", at(6)).await,
        Err(StoreError::NotFound { .. })
    ));
    a.remove_station("S", "ann", at(7)).await.unwrap();
    assert_eq!(a.station_security("S").await.unwrap().profile, 1, "goes with the station");
}

#[tokio::test]
async fn a_certificate_is_taken_back_by_its_own_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (a, b) = (store.tenant(&tenant("a")), store.tenant(&tenant("b")));
    let certificate = voltwin_store::CertificateRecord {
        fingerprint: "ab".repeat(32),
        station: "S".to_owned(),
        serial: "9f".to_owned(),
        not_after: at(900),
        issued_at: at(1),
        issued_by: "ann".to_owned(),
        revoked_at: None,
    };
    a.add_certificate(&certificate, at(1)).await.unwrap();
    assert!(matches!(a.add_certificate(&certificate, at(1)).await, Err(StoreError::Conflict { .. })));
    assert_eq!(a.certificates(Some("S"), None, 10).await.unwrap().items, std::slice::from_ref(&certificate));
    assert!(b.certificates(None, None, 10).await.unwrap().items.is_empty());
    assert!(matches!(b.revoke_certificate("9f", "bob", at(2)).await, Err(StoreError::NotFound { .. })));
    assert_eq!(a.revoke_certificate("9f", "ann", at(2)).await.unwrap(), 1);
    a.revoke_certificate(&certificate.fingerprint, "ann", at(3)).await.unwrap();
    let found = a.certificate(&certificate.fingerprint).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(at(2)), "the first time counts");
}
