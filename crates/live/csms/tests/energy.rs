//! Charging profiles, reservations, batteries, grid controls and streams, without a socket.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use voltwin_core::{CommandState, TenantId, Timestamp, TwinId};
use voltwin_csms::{
    Admission, CentralSystem, CommandRequest, CompositeRequest, CsmsConfig, CsmsError, Link, Outgoing,
    ReservationRequest, ReservationState,
};
use voltwin_ocpp::Version;
use voltwin_profiles::{Supply, Unit};
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_store::{NoteFilter, Store, TokenPolicy};

const WAIT: Duration = Duration::from_secs(10);

struct World {
    _folder: TempDir,
    runtime: Runtime,
    csms: CentralSystem,
    tenant: TenantId,
    station: TwinId,
    link: Link,
}

impl World {
    async fn new(version: Version) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let tenant = TenantId::new("t").unwrap();
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
        let station = TwinId::new("ST-1").unwrap();
        let who = Admission { tenant: tenant.clone(), station: station.clone() };
        let link = csms.link(who, version).await.unwrap();
        let mut world = Self { _folder: folder, runtime, csms, tenant, station, link };
        let boot = if version == Version::V16 {
            json!({"chargePointVendor": "V", "chargePointModel": "M"})
        } else {
            json!({"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}})
        };
        assert_eq!(world.call("BootNotification", boot).await["status"], "Accepted");
        world
    }

    /// A call of the station, and the payload of its answer.
    async fn call(&mut self, action: &str, payload: Json) -> Json {
        let out = self.link.on_text(&json!([2, "m", action, payload]).to_string()).await;
        let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
        let answer: Json = serde_json::from_str(text).unwrap();
        assert_eq!(answer[0], 3, "{action}: {answer}");
        answer[2].clone()
    }

    /// The station answers the next command that reaches it.
    async fn obey(link: &mut Link, answer: Json) -> Json {
        loop {
            for out in link.next().await {
                let Outgoing::Text(text) = out else { continue };
                let frame: Json = serde_json::from_str(&text).unwrap();
                link.on_text(&json!([3, frame[1], answer]).to_string()).await;
                return frame[3].clone();
            }
        }
    }

    async fn raw(&mut self, action: &str, payload: Json, answer: Json) {
        let wish = CommandRequest::Raw { action: action.into(), payload };
        let (csms, tenant, station) = (self.csms.clone(), self.tenant.clone(), self.station.clone());
        let command = async move { csms.command(&tenant, &station, wish, "ann", WAIT).await };
        let (command, _) = tokio::join!(command, Self::obey(&mut self.link, answer));
        assert_eq!(command.unwrap().state, CommandState::Accepted, "{action}");
    }

    async fn records(&self, topic: &str) -> Vec<(String, Json)> {
        let store = self.runtime.store().tenant(&self.tenant);
        let page = store.records("ST-1", topic, None, 100).await.unwrap();
        page.items.into_iter().map(|record| (record.key, record.value)).collect()
    }

    async fn keys(&self, topic: &str) -> Vec<String> {
        self.records(topic).await.into_iter().map(|(key, _)| key).collect()
    }

    async fn notes(&self, topic: &str) -> Vec<Json> {
        let filter = NoteFilter { topic: topic.into(), twin: Some("ST-1".into()) };
        let store = self.runtime.store().tenant(&self.tenant);
        store.notes(&filter, None, 100).await.unwrap().items.into_iter().map(|note| note.detail).collect()
    }
}

fn profile_16(id: i64, level: i64, limit: f64) -> Json {
    json!({"connectorId": 1, "csChargingProfiles": {
        "chargingProfileId": id, "stackLevel": level, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}}})
}

fn profile_2(id: i64, level: i64, purpose: &str, limit: f64) -> Json {
    json!({"id": id, "stackLevel": level, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative",
        "chargingSchedule": [{"id": 1, "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}]})
}

#[tokio::test]
async fn profiles_of_1_6_replace_each_other_and_are_cleared() {
    let mut world = World::new(Version::V16).await;
    let yes = json!({"status": "Accepted"});
    world.raw("SetChargingProfile", profile_16(1, 0, 16.0), yes.clone()).await;
    world.raw("SetChargingProfile", profile_16(2, 1, 10.0), yes.clone()).await;
    assert_eq!(world.keys("charging_profile").await, ["1", "2"]);
    world.raw("SetChargingProfile", profile_16(3, 1, 12.0), yes.clone()).await;
    assert_eq!(world.keys("charging_profile").await, ["1", "3"], "same purpose, level and connector");
    world.raw("ClearChargingProfile", json!({"stackLevel": 1}), yes.clone()).await;
    assert_eq!(world.keys("charging_profile").await, ["1"]);
    world.raw("ClearChargingProfile", json!({"id": 1}), yes).await;
    assert!(world.keys("charging_profile").await.is_empty());
}

#[tokio::test]
async fn a_report_in_parts_replaces_what_was_believed() {
    let mut world = World::new(Version::V201).await;
    let set = json!({"evseId": 1, "chargingProfile": profile_2(1, 0, "TxDefaultProfile", 5_000.0)});
    world.raw("SetChargingProfile", set, json!({"status": "Accepted"})).await;
    let ask = json!({"requestId": 7, "chargingProfile": {}});
    world.raw("GetChargingProfiles", ask, json!({"status": "Accepted"})).await;
    let part = |id, tbc| {
        json!({"requestId": 7, "chargingLimitSource": "CSO", "evseId": 1, "tbc": tbc,
            "chargingProfile": [profile_2(id, id, "TxDefaultProfile", 4_000.0)]})
    };
    world.call("ReportChargingProfiles", part(2, true)).await;
    assert_eq!(world.keys("charging_profile").await, ["1", "2"], "not complete yet");
    world.call("ReportChargingProfiles", part(3, false)).await;
    assert_eq!(world.keys("charging_profile").await, ["2", "3"]);
    assert!(world.keys("charging_profile_request").await.is_empty());
}

#[tokio::test]
async fn our_composite_schedule_is_compared_with_that_of_the_station() {
    let mut world = World::new(Version::V16).await;
    world.raw("SetChargingProfile", profile_16(1, 0, 16.0), json!({"status": "Accepted"})).await;
    let request = CompositeRequest {
        evse: 1,
        duration_s: 600,
        unit: Unit::Ampere,
        supply: Supply { voltage_v: 230.0, phases: 3 },
        ask_station: true,
    };
    let now = world.runtime.now();
    let answer = json!({"status": "Accepted", "connectorId": 1, "scheduleStart": now.to_string(),
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod":
            [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 300, "limit": 8.0}]}});
    let csms = world.csms.clone();
    let ours = csms.composite_schedule(&world.tenant, &world.station, &request, "ann", WAIT);
    let (composite, asked) = tokio::join!(ours, World::obey(&mut world.link, answer));
    let composite = composite.unwrap();
    assert_eq!(asked, json!({"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}));
    assert_eq!((composite.ours.len(), composite.ours[0].limit), (1, Some(16.0)));
    let found = composite.differences.unwrap();
    assert_eq!((found.len(), found[0].from_s, found[0].to_s, found[0].theirs), (1, 300, 600, Some(8.0)));
}

#[tokio::test]
async fn a_reservation_is_held_refused_in_conflict_and_used() {
    let mut world = World::new(Version::V16).await;
    let request = ReservationRequest {
        evse: Some(1),
        id_token: "TAG".into(),
        group: None,
        expires_at: world.runtime.now().plus_seconds(600.0),
    };
    let csms = world.csms.clone();
    let (tenant, station) = (world.tenant.clone(), world.station.clone());
    let ask = csms.reserve(&tenant, &station, request.clone(), "ann", WAIT);
    let (made, _) = tokio::join!(ask, World::obey(&mut world.link, json!({"status": "Accepted"})));
    let made = made.unwrap().0.unwrap();
    assert_eq!(made.state, ReservationState::Active);
    let again = csms.reserve(&tenant, &station, request.clone(), "ann", WAIT).await;
    assert!(matches!(again, Err(CsmsError::Conflict(_))), "{again:?}");
    let past = ReservationRequest { expires_at: Timestamp::from_micros(1), ..request.clone() };
    assert!(matches!(
        csms.reserve(&tenant, &station, past, "ann", WAIT).await,
        Err(CsmsError::Missing { .. })
    ));
    // what is held at a connector that nobody knows leaves the second one free
    let known = json!({"connectorId": 2, "errorCode": "NoError", "status": "Available"});
    world.call("StatusNotification", known).await;
    for evse in [Some(9), None] {
        let ask =
            csms.reserve(&tenant, &station, ReservationRequest { evse, ..request.clone() }, "ann", WAIT);
        let (made, _) = tokio::join!(ask, World::obey(&mut world.link, json!({"status": "Accepted"})));
        assert_eq!(made.unwrap().0.unwrap().state, ReservationState::Active);
    }
    let full = ReservationRequest { evse: None, ..request };
    let full = csms.reserve(&tenant, &station, full, "ann", WAIT).await;
    assert!(matches!(full, Err(CsmsError::Conflict(_))), "{full:?}");
    let start = json!({"connectorId": 1, "idTag": "OTHER", "meterStart": 0, "reservationId": made.id,
        "timestamp": world.runtime.now().to_string()});
    world.call("StartTransaction", start).await;
    let listed = csms.reservations(&tenant, None, 10).await.unwrap().items;
    let used = listed.iter().find(|listed| listed.id == made.id).unwrap();
    assert_eq!((used.state, used.transaction_id.is_some()), (ReservationState::Used, true));
}

#[tokio::test]
async fn batteries_controls_and_streams_of_2_1() {
    let mut world = World::new(Version::V21).await;
    let swap = |event: &str| {
        json!({"eventType": event, "requestId": 1, "idToken": {"idToken": "TAG", "type": "ISO14443"},
            "batteryData": [{"evseId": 3, "serialNumber": "B-1", "soC": 80.0, "soH": 95.0}]})
    };
    world.call("BatterySwap", swap("BatteryIn")).await;
    let held = world.records("battery").await;
    assert_eq!((held[0].0.as_str(), &held[0].1["soc"]), ("3", &json!(0.8)));
    world.call("BatterySwap", swap("BatteryOut")).await;
    assert!(world.records("battery").await.is_empty());
    assert_eq!(world.notes("battery_swap").await.len(), 2);

    let alarm = |ended: bool| {
        json!({"controlType": "HVMustTrip", "gridEventFault": "OverVoltage", "alarmEnded": ended,
            "timestamp": "2026-11-26T10:00:00Z"})
    };
    world.call("NotifyDERAlarm", alarm(false)).await;
    let store = world.runtime.store().tenant(&world.tenant);
    assert!(store.open_alarm("ST-1", "DerOverVoltage").await.unwrap().is_some());
    world.call("NotifyDERAlarm", alarm(true)).await;
    assert!(store.open_alarm("ST-1", "DerOverVoltage").await.unwrap().is_none());

    let open =
        json!({"constantStreamData": {"id": 5, "variableMonitoringId": 9, "params": {"interval": 10}}});
    assert_eq!(world.call("OpenPeriodicEventStream", open).await["status"], "Accepted");
    for id in [5, 6] {
        let values = json!({"id": id, "pending": 0, "basetime": "2026-11-26T10:00:00Z",
            "data": [{"t": 1.5, "v": "42"}]});
        let send = json!([6, "s", "NotifyPeriodicEventStream", values]).to_string();
        assert!(world.link.on_text(&send).await.is_empty(), "a SEND is never answered");
    }
    let notes = world.notes("stream_values").await;
    assert_eq!(notes.len(), 1, "nobody opened stream 6");
    assert_eq!(notes[0]["values"][0], json!({"at": "2026-11-26T10:00:01.5Z", "value": "42"}));
    let error = json!([5, "m", "FormatViolation", "no", {}]).to_string();
    world.link.on_text(&error).await;
    assert_eq!(world.notes("answer_rejected").await[0]["action"], "OpenPeriodicEventStream");
}
