//! The central system against frames as stations send them, without a socket.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::task::{Context, Waker};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use voltwin_core::{CommandState, Decimal, TenantId, Timestamp, TwinId};
use voltwin_csms::{
    Admission, CentralSystem, CommandRequest, CsmsConfig, Link, Outgoing, Peer, Refusal, VIOLATION_ALARM,
};
use voltwin_ocpp::{Validation, Version};
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_security::{PasswordHash, Secret};
use voltwin_store::{
    AlarmFilter, NoteFilter, Store, TokenPolicy, Transaction, TransactionFilter, TransactionState,
    ValidationScope,
};

struct World {
    _folder: TempDir,
    runtime: Runtime,
    csms: CentralSystem,
    tenant: TenantId,
    station: TwinId,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let tenant = TenantId::new("t").unwrap();
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        let hash = PasswordHash::hash(&Secret::new("correct horse battery")).await.unwrap();
        let now = Timestamp::from_micros(1);
        store.tenant(&tenant).add_station("ST-1", "one", Some(&hash), "test", now).await.unwrap();
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
        Self { _folder: folder, runtime, csms, tenant, station: TwinId::new("ST-1").unwrap() }
    }

    async fn connect(&self, version: Version) -> Link {
        let who = Admission { tenant: self.tenant.clone(), station: self.station.clone() };
        self.csms.link(who, version).await.unwrap()
    }

    async fn admit(&self, station: &str, password: Option<&str>) -> Result<Admission, Refusal> {
        let password = password.map(Secret::new);
        let peer = Peer::plain("127.0.0.1".parse().unwrap());
        self.csms.admit(None, &TwinId::new(station).unwrap(), password.as_ref(), &peer, "1.6").await
    }

    async fn transactions(&self) -> Vec<Transaction> {
        let store = self.runtime.store().tenant(&self.tenant);
        store.transactions(&TransactionFilter::default(), None, 100).await.unwrap().items
    }

    fn property(&self, twin: &str, name: &str) -> Option<Json> {
        self.runtime.read(&self.tenant, |graph| Some(graph.twin(twin)?.get(name)?.to_json()))
    }
}

/// Sends one call and returns the payload of its result.
async fn call(link: &mut Link, id: &str, action: &str, payload: Json) -> Json {
    let out = link.on_text(&json!([2, id, action, payload]).to_string()).await;
    let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
    let answer: Json = serde_json::from_str(text).unwrap();
    assert_eq!((&answer[0], &answer[1]), (&json!(3), &json!(id)), "{action}: {answer}");
    answer[2].clone()
}

async fn boot_16(link: &mut Link) {
    let payload = json!({"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1.0"});
    let answer = call(link, "boot", "BootNotification", payload).await;
    assert_eq!(answer["status"], "Accepted");
}

#[tokio::test]
async fn a_session_of_1_6_is_billed_to_the_watt_hour() {
    let world = World::new().await;
    let mut link = world.connect(Version::V16).await;
    boot_16(&mut link).await;
    assert_eq!(world.property("ST-1", "vendor"), Some(json!("V")));
    let status = json!({"connectorId": 1, "errorCode": "NoError", "status": "Preparing"});
    call(&mut link, "s", "StatusNotification", status).await;
    assert_eq!(world.property("ST-1:1:1", "status"), Some(json!("Preparing")));
    assert_eq!(world.property("ST-1", "status"), Some(json!("Occupied")));

    let start =
        json!({"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": "2026-11-21T08:00:00Z"});
    let started = call(&mut link, "1", "StartTransaction", start.clone()).await;
    let id = started["transactionId"].as_i64().unwrap();
    assert!(id > 0);
    let values = json!({"connectorId": 1, "transactionId": id, "meterValue": [{"timestamp": "2026-11-21T08:10:00Z",
        "sampledValue": [{"value": "1500.5", "unit": "Wh"},
                         {"value": "7.4", "measurand": "Power.Active.Import", "unit": "kW"}]}]});
    call(&mut link, "2", "MeterValues", values).await;
    assert_eq!(world.property("ST-1:1:1", "power_w"), Some(json!(7400.0)));
    assert_eq!(world.property("ST-1", "power_w"), Some(json!(7400.0)));
    assert_eq!(world.property("ST-1:1:1", "id_token"), Some(json!("TAG")));

    let stop = json!({"transactionId": id, "meterStop": 3345, "timestamp": "2026-11-21T09:00:00Z", "reason": "Local"});
    call(&mut link, "3", "StopTransaction", stop.clone()).await;
    // a station that missed the answers sends both again
    let again = call(&mut link, "4", "StartTransaction", start).await;
    assert_eq!(again["transactionId"], json!(id));
    call(&mut link, "5", "StopTransaction", stop).await;

    let transactions = world.transactions().await;
    assert_eq!(transactions.len(), 1);
    let bill = &transactions[0];
    assert_eq!(bill.state, TransactionState::Ended);
    assert_eq!(bill.energy_wh, Decimal::from(2345));
    assert_eq!(bill.duration_s, Some(3600.0));
    assert_eq!((bill.evse, bill.connector), (Some(1), Some(1)));
    assert_eq!(world.property("ST-1:1:1", "power_w"), Some(json!(0.0)));
    assert_eq!(world.property("ST-1:1:1", "transaction_id"), None);
    world.runtime.stop().await;
}

#[tokio::test]
async fn meter_values_of_1_6_of_one_moment_are_told_apart_by_what_they_say() {
    let world = World::new().await;
    let mut link = world.connect(Version::V16).await;
    boot_16(&mut link).await;
    let start =
        json!({"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": "2026-11-21T08:00:00Z"});
    let id = call(&mut link, "1", "StartTransaction", start).await["transactionId"].as_i64().unwrap();
    let values = |sampled: Json| {
        json!({"connectorId": 1, "transactionId": id,
            "meterValue": [{"timestamp": "2026-11-21T08:15:00Z", "sampledValue": sampled}]})
    };
    // a quarter of an hour by the clock, a period, and what the meter signed: three messages of one moment
    let told = [
        values(json!([{"value": "1500", "context": "Sample.Clock", "unit": "Wh"}])),
        values(json!([{"value": "1500", "context": "Sample.Periodic", "unit": "Wh"}])),
        values(json!([{"value": "AQID", "format": "SignedData", "context": "Sample.Clock"}])),
    ];
    for (number, payload) in told.iter().chain(&told).enumerate() {
        call(&mut link, &format!("v{number}"), "MeterValues", payload.clone()).await;
    }
    let stop = json!({"transactionId": id, "meterStop": 2000, "timestamp": "2026-11-21T08:30:00Z"});
    call(&mut link, "2", "StopTransaction", stop).await;
    let bill = world.transactions().await.remove(0);
    assert_eq!((bill.events, bill.flags.len(), bill.energy_wh), (5, 0, Decimal::from(1000)));
    let signed = world.runtime.store().tenant(&world.tenant).signed_readings(bill.number).await.unwrap();
    let signed: Vec<&str> = signed.iter().map(|record| record.reading.data.as_str()).collect();
    assert_eq!(signed, ["AQID"]);
    world.runtime.stop().await;
}

#[tokio::test]
async fn events_of_2_0_1_may_come_twice_and_in_any_order() {
    let world = World::new().await;
    let mut link = world.connect(Version::V201).await;
    let boot = json!({"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}});
    assert_eq!(call(&mut link, "b", "BootNotification", boot).await["status"], "Accepted");
    let event = |kind: &str, seq: u32, minute: u32, wh: f64, state: &str| {
        json!({"eventType": kind, "timestamp": format!("2026-11-21T08:{minute:02}:00Z"),
            "triggerReason": "Authorized", "seqNo": seq,
            "transactionInfo": {"transactionId": "tx-1", "chargingState": state},
            "evse": {"id": 2, "connectorId": 1}, "idToken": {"idToken": "EV-1", "type": "Central"},
            "meterValue": [{"timestamp": format!("2026-11-21T08:{minute:02}:00Z"),
                "sampledValue": [{"value": wh}]}]})
    };
    let started = event("Started", 0, 0, 100.0, "Charging");
    let ended = event("Ended", 2, 30, 900.25, "EVConnected");
    call(&mut link, "1", "TransactionEvent", started.clone()).await;
    assert_eq!(world.property("ST-1:2:1", "status"), Some(json!("Charging")));
    call(&mut link, "2", "TransactionEvent", ended.clone()).await;
    call(&mut link, "3", "TransactionEvent", event("Updated", 1, 10, 400.0, "Charging")).await;
    call(&mut link, "4", "TransactionEvent", ended).await;
    call(&mut link, "5", "TransactionEvent", started).await;
    let transactions = world.transactions().await;
    assert_eq!(transactions.len(), 1);
    assert_eq!(transactions[0].energy_wh, "800.25".parse::<Decimal>().unwrap());
    assert_eq!((transactions[0].events, transactions[0].state), (3, TransactionState::Ended));
    assert_eq!(world.property("ST-1:2:1", "transaction_id"), None);
    world.runtime.stop().await;
}

#[tokio::test]
async fn stops_of_transactions_that_nobody_started_are_kept_apart_and_bill_nothing() {
    let world = World::new().await;
    let mut link = world.connect(Version::V16).await;
    boot_16(&mut link).await;
    let stop = |id: i64, meter: u32, minute: u32| json!({"transactionId": id, "meterStop": meter, "timestamp": format!("2026-11-21T08:{minute:02}:00Z")});
    for (n, payload) in
        [stop(-1, 100, 1), stop(-1, 200, 2), stop(-1, 100, 1), stop(77, 5, 3)].into_iter().enumerate()
    {
        call(&mut link, &n.to_string(), "StopTransaction", payload).await;
    }
    let transactions = world.transactions().await;
    assert_eq!(transactions.len(), 3);
    for orphan in transactions {
        assert_eq!((orphan.state, orphan.energy_wh), (TransactionState::Orphan, Decimal::ZERO), "{orphan:?}");
    }
    world.runtime.stop().await;
}

#[tokio::test]
async fn only_a_known_station_with_its_password_is_let_in() {
    let world = World::new().await;
    assert_eq!(world.admit("ST-1", Some("correct horse battery")).await.unwrap().tenant, world.tenant);
    assert!(matches!(world.admit("ST-1", Some("wrong")).await, Err(Refusal::Unauthorized)));
    assert!(matches!(world.admit("ST-1", None).await, Err(Refusal::Unauthorized)));
    assert!(matches!(world.admit("ST-9", Some("anything at all")).await, Err(Refusal::Unauthorized)));
    let claims = world.runtime.store().tenant(&world.tenant).claims(None, 10).await.unwrap().items;
    assert_eq!(claims.len(), 1);
    assert_eq!((claims[0].station.as_str(), claims[0].has_password), ("ST-9", true));
    world.runtime.stop().await;
}

#[tokio::test]
async fn the_newest_connection_gets_the_commands_and_the_old_one_cannot_mark_it_offline() {
    let world = World::new().await;
    let mut old = world.connect(Version::V16).await;
    boot_16(&mut old).await;
    let mut new = world.connect(Version::V16).await;
    let told = old.next().await;
    assert!(matches!(told.as_slice(), [Outgoing::Close { code: 1008, .. }]), "{told:?}");
    old.close().await;
    assert_eq!(world.property("ST-1", "online"), Some(json!(true)));
    assert_eq!(world.csms.online_count(), 1);

    let csms = world.csms.clone();
    let (tenant, station) = (world.tenant.clone(), world.station.clone());
    let asked = tokio::spawn(async move {
        let reset = CommandRequest::Reset { immediate: false, evse: None };
        csms.command(&tenant, &station, reset, "ann", Duration::from_secs(10)).await
    });
    let frame = loop {
        if let Some(Outgoing::Text(text)) = new.next().await.into_iter().next() {
            break serde_json::from_str::<Json>(&text).unwrap();
        }
    };
    assert_eq!((&frame[2], &frame[3]), (&json!("Reset"), &json!({"type": "Soft"})));
    new.on_text(&json!([3, frame[1], {"status": "Rejected"}]).to_string()).await;
    let record = asked.await.unwrap().unwrap();
    assert_eq!((record.state, record.answer), (CommandState::Rejected, Some(json!({"status": "Rejected"}))));
    assert_eq!(record.requested_by, "ann");

    new.close().await;
    assert_eq!(world.property("ST-1", "online"), Some(json!(false)));
    let reset = CommandRequest::Reset { immediate: true, evse: None };
    let wait = Duration::from_secs(5);
    let offline = world.csms.command(&world.tenant, &world.station, reset, "ann", wait).await.unwrap();
    assert_eq!(offline.state, CommandState::Failed);
    assert_eq!(offline.reason.as_deref(), Some("the station is offline"));
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_raw_command_is_held_to_its_schema() {
    let world = World::new().await;
    let mut link = world.connect(Version::V16).await;
    boot_16(&mut link).await;
    let raw = |action: &str, payload: Json| CommandRequest::Raw { action: action.to_owned(), payload };
    let wait = Duration::from_millis(10);
    for (request, fragment) in [
        (raw("Reset", json!({"type": "Sideways"})), "type"),
        (raw("Reset", json!({})), "type"),
        (raw("MakeCoffee", json!({})), "MakeCoffee"),
        (raw("TransactionEvent", json!({})), "TransactionEvent"),
    ] {
        let error =
            world.csms.command(&world.tenant, &world.station, request, "ann", wait).await.unwrap_err();
        assert!(error.to_string().contains(fragment), "{error}");
    }
    let nobody = TwinId::new("ST-7").unwrap();
    let request = raw("Reset", json!({"type": "Soft"}));
    assert!(world.csms.command(&world.tenant, &nobody, request, "ann", wait).await.is_err());
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_the_twins_and_tells_that_nothing_is_connected() {
    let folder = tempfile::tempdir().unwrap();
    let tenant = TenantId::new("t").unwrap();
    let who = || Admission { tenant: TenantId::new("t").unwrap(), station: TwinId::new("ST-1").unwrap() };
    for round in 0..2 {
        let store = Store::open(folder.path()).await.unwrap();
        if round == 0 {
            store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        }
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
        if round == 0 {
            let mut link = csms.link(who(), Version::V16).await.unwrap();
            boot_16(&mut link).await;
            let status = json!({"connectorId": 2, "errorCode": "NoError", "status": "Charging"});
            call(&mut link, "s", "StatusNotification", status).await;
        } else {
            let read = |twin: &str, name: &str| {
                runtime.read(&tenant, |graph| graph.twin(twin).and_then(|twin| twin.get(name)))
            };
            assert_eq!(read("ST-1", "online"), Some(false.into()));
            assert_eq!(read("ST-1:2:1", "status"), Some("Charging".into()));
        }
        runtime.stop().await;
        runtime.store().close().await;
    }
}

#[tokio::test]
async fn a_station_that_returns_while_its_old_connection_ends_is_online() {
    let world = World::new().await;
    for _ in 0..20 {
        let old = world.connect(Version::V16).await;
        let (new, ()) = tokio::join!(world.connect(Version::V16), old.close());
        assert_eq!(world.property("ST-1", "online"), Some(json!(true)));
        let old = new;
        let ((), new) = tokio::join!(old.close(), world.connect(Version::V16));
        assert_eq!(world.property("ST-1", "online"), Some(json!(true)));
        new.close().await;
        assert_eq!(world.property("ST-1", "online"), Some(json!(false)));
    }
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_password_that_a_command_sets_is_recorded_nowhere() {
    let world = World::new().await;
    let mut link = world.connect(Version::V16).await;
    boot_16(&mut link).await;
    let payload = json!({"key": "AuthorizationKey", "value": "0123456789abcdef"});
    let request = CommandRequest::Raw { action: "ChangeConfiguration".to_owned(), payload };
    let command =
        world.csms.command(&world.tenant, &world.station, request, "tester", Duration::from_secs(5));
    let station = async {
        let out: Json = loop {
            if let Some(Outgoing::Text(text)) = link.next().await.into_iter().next() {
                break serde_json::from_str(&text).unwrap();
            }
        };
        assert_eq!(out[3]["value"], "0123456789abcdef");
        link.on_text(&json!([3, out[1], {"status": "Accepted"}]).to_string()).await;
    };
    let (record, ()) = tokio::join!(command, station);
    assert_eq!(record.unwrap().payload, json!({"key": "AuthorizationKey", "value": "***"}));
    let frames = {
        let log = world.csms.messages();
        let page = log.search(&world.tenant, &voltwin_messages::Filter::default(), None, 100).await.unwrap();
        format!("{:?}", page.items)
    };
    assert!(!frames.contains("0123456789abcdef"));
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_restart_says_again_that_a_station_is_gone() {
    let world = World::new().await;
    world.connect(Version::V16).await.close().await;
    let head = world.runtime.head();
    CentralSystem::start(world.runtime.clone(), CsmsConfig::default()).await.unwrap();
    let events = world.runtime.feed(head).next().await.unwrap();
    assert!(format!("{events:?}").contains("online"), "{events:?}");
    world.runtime.stop().await;
}

#[tokio::test]
async fn strangers_at_an_address_do_not_keep_its_stations_out() {
    let world = World::new().await;
    let right = Some("correct horse battery");
    world.admit("ST-1", right).await.unwrap();
    for n in 0..100 {
        assert!(matches!(world.admit(&format!("X-{n}"), None).await, Err(Refusal::Unauthorized)), "{n}");
    }
    assert!(matches!(world.admit("X-100", None).await, Err(Refusal::Throttled { .. })));
    world.admit("ST-1", right).await.unwrap();
    // guesses are still counted, and then the right one waits as well
    for _ in 0..10 {
        assert!(matches!(world.admit("ST-1", Some("guess")).await, Err(Refusal::Throttled { .. })));
    }
    assert!(matches!(world.admit("ST-1", right).await, Err(Refusal::Throttled { .. })));
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_command_ends_also_when_nobody_waits_for_it() {
    let world = World::new().await;
    let request = CommandRequest::Raw { action: "ClearCache".to_owned(), payload: json!({}) };
    let command =
        world.csms.command(&world.tenant, &world.station, request, "tester", Duration::from_secs(5));
    let mut command = Box::pin(command);
    assert!(command.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(command);
    let ended = async {
        loop {
            let store = world.runtime.store().tenant(&world.tenant);
            let page = store.commands(None, None, 10).await.unwrap();
            if page.items.first().is_some_and(|command| command.state == CommandState::Failed) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_policy_counts_from_the_next_frame_and_breaches_are_filed() {
    let world = World::new().await;
    let mut link = world.connect(Version::V16).await;
    boot_16(&mut link).await;
    let status = |word: &str| {
        json!({"connectorId": 1, "errorCode": "NoError", "status": word, "colour": "red"}).to_string()
    };
    let frame = format!(r#"[2,"s1","StatusNotification",{}]"#, status("Available"));
    let strict = link.on_text(&frame).await;
    assert!(
        matches!(&strict[..], [Outgoing::Text(text)] if text.contains("FormationViolation")),
        "{strict:?}"
    );
    let scope = |station: &str| ValidationScope { station: station.to_owned(), ..ValidationScope::default() };
    let set = |policy| world.csms.set_validation(&world.tenant, scope("ST-1"), Some(policy), "test");
    set(Validation::Lenient).await.unwrap();
    call(&mut link, "s2", "StatusNotification", serde_json::from_str(&status("Available")).unwrap()).await;
    assert_eq!(world.property("ST-1:1:1", "status"), Some(json!("Available")));
    set(Validation::Quarantine).await.unwrap();
    call(&mut link, "s3", "StatusNotification", serde_json::from_str(&status("Faulted")).unwrap()).await;
    assert_eq!(world.property("ST-1:1:1", "status"), Some(json!("Available")), "not believed");
    let start = json!({"connectorId": 2, "idTag": "A", "meterStart": 5, "timestamp": "2026-11-21T08:00:00Z"});
    let number = call(&mut link, "t1", "StartTransaction", start).await["transactionId"].clone();
    let stop = json!({"transactionId": number, "meterStop": 105, "timestamp": "2026-11-21T09:00:00Z"});
    call(&mut link, "t2", "StopTransaction", stop).await;
    let transactions = world.transactions().await;
    assert_eq!(
        (transactions.len(), transactions[0].energy_wh),
        (1, Decimal::from(100)),
        "billed all the same"
    );
    assert_eq!(transactions[0].flags, ["quarantined"]);
    assert_eq!(world.property("ST-1:2:1", "status"), None, "no twin came of it");
    let store = world.runtime.store().tenant(&world.tenant);
    let filter = NoteFilter { topic: "violation".to_owned(), twin: Some("ST-1".to_owned()) };
    let notes = store.notes(&filter, None, 100).await.unwrap().items;
    let of = |code: &str| notes.iter().filter(|note| note.detail["code"] == code).count();
    assert_eq!((of("FormatViolation"), of("Quarantined")), (3, 3), "{notes:?}");
    let about = &notes.last().unwrap().detail;
    assert_eq!((&about["field"], &about["firmware"]), (&json!("colour"), &json!("1.0")));
    let counts = store.violation_counts(100).await.unwrap();
    assert!(
        counts.iter().any(|c| c.code == "FormatViolation" && c.count == 3 && c.vendor == "V"),
        "{counts:?}"
    );
}

#[tokio::test]
async fn a_firmware_that_was_clean_and_sends_bad_frames_raises_an_alarm() {
    let world = World::new().await;
    let mut link = world.connect(Version::V16).await;
    boot_16(&mut link).await;
    let open = async || {
        let store = world.runtime.store().tenant(&world.tenant);
        let alarms = store.alarms(AlarmFilter::Open, None, 10).await.unwrap().items;
        alarms.into_iter().filter(|alarm| alarm.code == VIOLATION_ALARM).collect::<Vec<_>>()
    };
    // too early to say that it was clean
    for frame in ["{", r#"[2,"a","Heartbeat",[]]"#, r#"[2,"b","Heartbeat",{"colour":"red"}]"#] {
        link.on_text(frame).await;
    }
    assert!(open().await.is_empty());
    let mut other = boot_as(&world, "2.0").await;
    for n in 0..20 {
        call(&mut other, &format!("h{n}"), "Heartbeat", json!({})).await;
    }
    assert!(open().await.is_empty());
    for n in 0..3 {
        let bad = json!([2, format!("s{n}"), "StatusNotification", {"connectorId": "one", "errorCode": 7}]);
        let answer = other.on_text(&bad.to_string()).await;
        assert!(matches!(&answer[..], [Outgoing::Text(text)] if text.starts_with("[4,")), "{answer:?}");
    }
    let alarms = open().await;
    assert_eq!(alarms.len(), 1, "once, however often it goes on: {alarms:?}");
    assert_eq!((alarms[0].twin.as_str(), alarms[0].cleared_at), ("ST-1", None));
    assert!(alarms[0].message.contains("firmware 2.0 of V M"), "{}", alarms[0].message);
    let filter = NoteFilter { topic: "violation".to_owned(), twin: Some("ST-1".to_owned()) };
    let notes = world.runtime.store().tenant(&world.tenant).notes(&filter, None, 100).await.unwrap().items;
    assert!(
        notes
            .iter()
            .any(|note| note.detail["firmware"] == "2.0" && note.detail["action"] == "StatusNotification")
    );
    world.runtime.stop().await;
}

/// The station again, with another firmware.
async fn boot_as(world: &World, firmware: &str) -> Link {
    let mut link = world.connect(Version::V16).await;
    let payload = json!({"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": firmware});
    assert_eq!(call(&mut link, "boot", "BootNotification", payload).await["status"], "Accepted");
    link
}
