//! The blocks that look after a station: device model, firmware, logs, security events, data transfer, display.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use voltwin_core::{CommandState, TenantId, Timestamp, TwinId};
use voltwin_csms::{
    Admission, CentralSystem, CommandRequest, CsmsConfig, Link, Outgoing, VariableName, VariableWish,
};
use voltwin_ocpp::Version;
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_store::{AlarmFilter, Command, Note, NoteFilter, Record, Store, TokenPolicy};

const ALL: [Version; 3] = [Version::V16, Version::V201, Version::V21];
const NEWER: [Version; 2] = [Version::V201, Version::V21];

struct World {
    _folder: TempDir,
    runtime: Runtime,
    csms: CentralSystem,
    tenant: TenantId,
    station: TwinId,
    link: Link,
    next: u64,
}

impl World {
    /// A station that has booted; nothing is asked of it by itself.
    async fn new(version: Version) -> Self {
        Self::with(version, CsmsConfig { first_report_s: None, ..CsmsConfig::default() }).await
    }

    async fn with(version: Version, config: CsmsConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let tenant = TenantId::new("t").unwrap();
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let csms = CentralSystem::start(runtime.clone(), config).await.unwrap();
        let station = TwinId::new("ST-1").unwrap();
        let who = Admission { tenant: tenant.clone(), station: station.clone() };
        let link = csms.link(who, version).await.unwrap();
        let mut world = Self { _folder: folder, runtime, csms, tenant, station, link, next: 0 };
        world.boot(version, "1.0").await;
        world
    }

    async fn boot(&mut self, version: Version, firmware: &str) {
        let payload = match version {
            Version::V16 => {
                json!({"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": firmware})
            }
            _ => json!({"reason": "PowerUp",
                "chargingStation": {"vendorName": "V", "model": "M", "firmwareVersion": firmware}}),
        };
        assert_eq!(self.call("BootNotification", payload).await["status"], "Accepted");
    }

    /// Sends one call and returns the payload of its result.
    async fn call(&mut self, action: &str, payload: Json) -> Json {
        self.next += 1;
        let id = format!("m{}", self.next);
        let out = self.link.on_text(&json!([2, id, action, payload]).to_string()).await;
        let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
        let answer: Json = serde_json::from_str(text).unwrap();
        assert_eq!((&answer[0], &answer[1]), (&json!(3), &json!(id)), "{action}: {answer}");
        answer[2].clone()
    }

    /// Gives a command, lets the station answer with `answer`, and returns the command's record.
    async fn command(&mut self, action: &str, payload: Json, answer: Json) -> Command {
        self.command_with(action, payload, |id| json!([3, id, answer])).await
    }

    async fn command_with(&mut self, action: &str, payload: Json, frame: impl Fn(&Json) -> Json) -> Command {
        let (csms, tenant, station) = (self.csms.clone(), self.tenant.clone(), self.station.clone());
        let request = CommandRequest::Raw { action: action.to_owned(), payload };
        let asked = tokio::spawn(async move {
            csms.command(&tenant, &station, request, "ann", Duration::from_secs(10)).await.unwrap()
        });
        let sent = self.sent().await;
        assert_eq!(sent[2], *action);
        self.link.on_text(&frame(&sent[1]).to_string()).await;
        asked.await.unwrap()
    }

    /// The next frame that the central system sends by itself.
    async fn sent(&mut self) -> Json {
        let next = async {
            loop {
                if let Some(Outgoing::Text(text)) = self.link.next().await.into_iter().next() {
                    return serde_json::from_str(&text).unwrap();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), next).await.unwrap()
    }

    async fn records(&self, topic: &str) -> Vec<Record> {
        let store = self.runtime.store().tenant(&self.tenant);
        store.records("ST-1", topic, None, 500).await.unwrap().items
    }

    async fn record(&self, topic: &str, key: &str) -> Option<Json> {
        let store = self.runtime.store().tenant(&self.tenant);
        store.record("ST-1", topic, key).await.unwrap().map(|record| record.value)
    }

    async fn keys(&self, topic: &str) -> Vec<String> {
        self.records(topic).await.into_iter().map(|record| record.key).collect()
    }

    async fn notes(&self, topic: &str) -> Vec<Note> {
        let filter = NoteFilter { topic: topic.to_owned(), twin: Some("ST-1".to_owned()) };
        self.runtime.store().tenant(&self.tenant).notes(&filter, None, 500).await.unwrap().items
    }

    fn property(&self, twin: &str, name: &str) -> Option<Json> {
        self.runtime.read(&self.tenant, |graph| Some(graph.twin(twin)?.get(name)?.to_json()))
    }
}

fn variable(component: &str, name: &str, value: &str) -> Json {
    json!({"component": {"name": component}, "variable": {"name": name},
        "variableAttribute": [{"type": "Actual", "value": value, "mutability": "ReadWrite"}],
        "variableCharacteristics": {"dataType": "integer", "unit": "s", "minLimit": 1, "maxLimit": 600,
            "supportsMonitoring": false}})
}

fn report(request_id: i64, seq: u32, tbc: bool, data: &[Json]) -> Json {
    json!({"requestId": request_id, "generatedAt": "2026-11-21T08:00:00Z", "seqNo": seq, "tbc": tbc,
        "reportData": data})
}

#[tokio::test]
async fn a_report_in_parts_is_whole_in_any_order_and_takes_back_what_is_gone() {
    for version in NEWER {
        let mut world = World::new(version).await;
        let old = report(1, 0, false, &[variable("Old", "Gone", "1"), variable("A", "V0", "old")]);
        world.call("NotifyReport", old).await;
        let base = json!({"requestId": 7, "reportBase": "FullInventory"});
        let command = world.command("GetBaseReport", base, json!({"status": "Accepted"})).await;
        assert_eq!(command.state, CommandState::Accepted);
        let part = |seq: u32| report(7, seq, seq < 3, &[variable("A", &format!("V{seq}"), "5")]);
        for seq in [2, 0, 3, 0, 2] {
            world.call("NotifyReport", part(seq)).await;
            assert_eq!(world.record("report", "inventory/7").await.unwrap()["state"], "receiving");
        }
        assert!(world.keys("variable").await.contains(&"Old/Gone/Actual".to_owned()), "not before the end");
        world.call("NotifyReport", part(1)).await;
        let done = world.record("report", "inventory/7").await.unwrap();
        assert_eq!((&done["state"], &done["items"]), (&json!("complete"), &json!(4)), "{version} {done}");
        assert_eq!(
            world.keys("variable").await,
            ["A/V0/Actual", "A/V1/Actual", "A/V2/Actual", "A/V3/Actual"],
            "{version}"
        );
        let known = world.record("variable", "A/V0/Actual").await.unwrap();
        assert_eq!(
            (&known["value"], &known["read_only"], &known["unit"], &known["min"], &known["max"]),
            (&json!("5"), &json!(false), &json!("s"), &json!(1.0), &json!(600.0))
        );
        let inventory = world.record("inventory", "report").await.unwrap();
        assert_eq!(
            (&inventory["state"], &inventory["firmware_version"]),
            (&json!("complete"), &json!("1.0"))
        );
        // a part that comes once more does not undo what was set since
        let data = json!({"setVariableData": [{"attributeValue": "60", "component": {"name": "A"},
            "variable": {"name": "V1"}}]});
        let answer = json!({"setVariableResult": [{"attributeStatus": "Accepted", "component": {"name": "A"},
            "variable": {"name": "V1"}}]});
        world.command("SetVariables", data, answer).await;
        world.call("NotifyReport", part(1)).await;
        let known = world.record("variable", "A/V1/Actual").await.unwrap();
        assert_eq!((&known["value"], &known["max"]), (&json!("60"), &json!(600.0)));
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_report_that_only_names_a_part_takes_nothing_back() {
    let mut world = World::new(Version::V201).await;
    world.call("NotifyReport", report(1, 0, false, &[variable("A", "V0", "1")])).await;
    let asked = json!({"requestId": 2, "reportBase": "ConfigurationInventory"});
    world.command("GetBaseReport", asked, json!({"status": "Accepted"})).await;
    world.call("NotifyReport", report(2, 0, false, &[variable("B", "V0", "1")])).await;
    assert_eq!(world.keys("variable").await, ["A/V0/Actual", "B/V0/Actual"]);
    assert_eq!(world.record("report", "inventory/2").await.unwrap()["state"], "complete");
    world.runtime.stop().await;
}

#[tokio::test]
async fn configuration_keys_of_1_6_are_variables_too() {
    let mut world = World::new(Version::V16).await;
    let answer = json!({"configurationKey": [
        {"key": "HeartbeatInterval", "readonly": false, "value": "300"},
        {"key": "NumberOfConnectors", "readonly": true, "value": "1634030126"},
        {"key": "AuthorizationKey", "readonly": false, "value": "0123456789abcdef"}]});
    world.command("GetConfiguration", json!({}), answer).await;
    let known = world.record("variable", "Configuration/HeartbeatInterval/Actual").await.unwrap();
    assert_eq!((&known["value"], &known["read_only"]), (&json!("300"), &json!(false)));
    assert!(
        world.record("variable", "Configuration/NumberOfConnectors/Actual").await.unwrap()["doubt"]
            .is_string()
    );
    assert_eq!(world.property("ST-1:1:1", "status"), None, "a count makes no connectors");
    assert!(!format!("{:?}", world.records("variable").await).contains("0123456789abcdef"));

    let change = json!({"key": "HeartbeatInterval", "value": "60"});
    world.command("ChangeConfiguration", change.clone(), json!({"status": "Rejected"})).await;
    let read = async |world: &World| {
        world.record("variable", "Configuration/HeartbeatInterval/Actual").await.unwrap()
    };
    assert_eq!(read(&world).await["value"], "300");
    world.command("ChangeConfiguration", change, json!({"status": "RebootRequired"})).await;
    let known = read(&world).await;
    assert_eq!(
        (&known["value"], &known["reboot_required"], &known["read_only"]),
        (&json!("60"), &json!(true), &json!(false))
    );
    let secret = json!({"key": "AuthorizationKey", "value": "fedcba9876543210"});
    world.command("ChangeConfiguration", secret, json!({"status": "Accepted"})).await;
    assert!(!format!("{:?}", world.records("variable").await).contains("fedcba9876543210"));

    let again = json!({"configurationKey": [{"key": "HeartbeatInterval", "readonly": false, "value": "60"}]});
    world.command("GetConfiguration", json!({"key": ["HeartbeatInterval"]}), again.clone()).await;
    assert_eq!(world.keys("variable").await.len(), 3, "a question about one key says nothing about others");
    world.command("GetConfiguration", json!({}), again).await;
    assert_eq!(world.keys("variable").await, ["Configuration/HeartbeatInterval/Actual"]);
    world.runtime.stop().await;
}

#[tokio::test]
async fn many_variables_are_asked_for_in_messages_that_the_station_takes() {
    let mut world = World::new(Version::V21).await;
    let limit = json!({"component": {"name": "DeviceDataCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "GetVariables"},
        "variableAttribute": [{"value": "2", "mutability": "ReadOnly"}]});
    world.call("NotifyReport", report(1, 0, false, &[limit])).await;
    let wishes: Vec<VariableWish> = (0..5)
        .map(|n| VariableWish {
            name: VariableName {
                component: "A".to_owned(),
                evse: Some(1),
                variable: format!("V{n}"),
                ..VariableName::default()
            },
            kind: None,
            value: None,
        })
        .collect();
    let (csms, tenant, station) = (world.csms.clone(), world.tenant.clone(), world.station.clone());
    let asked = tokio::spawn(async move {
        csms.variables(&tenant, &station, &wishes, "ann", Duration::from_secs(10)).await.unwrap()
    });
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let sent = world.sent().await;
        let data = sent[3]["getVariableData"].as_array().unwrap().clone();
        sizes.push(data.len());
        let result = |data: &Json| {
            json!({"attributeStatus": "Accepted", "attributeValue": "x",
            "component": data["component"], "variable": data["variable"]})
        };
        let answer = json!({"getVariableResult": data.iter().map(result).collect::<Vec<_>>()});
        world.link.on_text(&json!([3, sent[1], answer]).to_string()).await;
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(asked.await.unwrap().len(), 3);
    assert_eq!(world.record("variable", "A/1/V4/Actual").await.unwrap()["value"], "x");
    world.runtime.stop().await;
}

#[tokio::test]
async fn monitors_and_their_events_are_kept() {
    for version in NEWER {
        let mut world = World::new(version).await;
        let place = json!({"component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
            "variable": {"name": "Temperature"}});
        let with = |more: Json| {
            let mut all = place.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let ask = json!({"setMonitoringData": [with(json!({"value": 60.0, "type": "UpperThreshold", "severity": 3}))]});
        let set = json!({"setMonitoringResult":
            [with(json!({"id": 12, "status": "Accepted", "type": "UpperThreshold", "severity": 3}))]});
        world.command("SetVariableMonitoring", ask, set).await;
        let monitor = world.record("monitor", "12").await.unwrap();
        assert_eq!(
            (&monitor["value"], &monitor["custom"], &monitor["evse"]),
            (&json!(60.0), &json!(true), &json!(1))
        );

        let event = with(json!({"eventId": 1, "timestamp": "2026-11-21T08:00:00Z", "trigger": "Alerting",
            "actualValue": "71.5", "techCode": "E7", "techInfo": "fan", "cleared": false,
            "variableMonitoringId": 12, "eventNotificationType": "CustomMonitor", "transactionId": "T1"}));
        let message = json!({"generatedAt": "2026-11-21T08:00:00Z", "seqNo": 0, "eventData": [event]});
        world.call("NotifyEvent", message).await;
        let notes = world.notes("monitor_event").await;
        let detail = &notes[0].detail;
        for (field, value) in
            [("techCode", "E7"), ("techInfo", "fan"), ("actualValue", "71.5"), ("transactionId", "T1")]
        {
            assert_eq!(detail[field], value);
        }
        assert_eq!(notes[0].at, "2026-11-21T08:00:00Z".parse().unwrap());

        // OCPP 2.1 tells the state of a connector this way
        let state = json!({"eventId": 2, "timestamp": "2026-11-21T08:00:01Z", "trigger": "Delta",
            "actualValue": "Unavailable", "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"}});
        let message = json!({"generatedAt": "2026-11-21T08:00:01Z", "seqNo": 0, "eventData": [state]});
        world.call("NotifyEvent", message).await;
        assert_eq!(world.property("ST-1:1:1", "status"), Some(json!("Unavailable")));

        let asked = json!({"requestId": 3});
        world.command("GetMonitoringReport", asked, json!({"status": "Accepted"})).await;
        let monitors = [with(json!({"variableMonitoring": [
            {"id": 4, "transaction": false, "value": 5.0, "type": "Delta", "severity": 8,
             "eventNotificationType": "CustomMonitor"}]}))];
        let mut part =
            json!({"requestId": 3, "seqNo": 0, "generatedAt": "2026-11-21T08:00:00Z", "monitor": monitors});
        if version == Version::V201 {
            part["monitor"][0]["variableMonitoring"][0]
                .as_object_mut()
                .unwrap()
                .remove("eventNotificationType");
        }
        world.call("NotifyMonitoringReport", part).await;
        assert_eq!(world.keys("monitor").await, ["4"], "the whole report names what there is");
        let cleared = json!({"clearMonitoringResult": [{"id": 4, "status": "Accepted"}]});
        world.command("ClearVariableMonitoring", json!({"id": [4]}), cleared).await;
        assert!(world.keys("monitor").await.is_empty());
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_new_station_is_asked_once_for_all_that_it_is() {
    for version in ALL {
        let config = CsmsConfig { first_report_s: Some((0, 0)), ..CsmsConfig::default() };
        let mut world = World::with(version, config).await;
        let sent = world.sent().await;
        let refuse = version == Version::V201;
        match version {
            Version::V16 => {
                assert_eq!((&sent[2], &sent[3]), (&json!("GetConfiguration"), &json!({})));
                let answer = json!({"configurationKey": [{"key": "K", "readonly": true, "value": "1"}]});
                world.link.on_text(&json!([3, sent[1], answer]).to_string()).await;
            }
            _ => {
                assert_eq!(
                    (&sent[2], &sent[3]["reportBase"]),
                    (&json!("GetBaseReport"), &json!("FullInventory"))
                );
                if refuse {
                    let error = json!([4, sent[1], "NotImplemented", "", {}]);
                    world.link.on_text(&error.to_string()).await;
                } else {
                    world.link.on_text(&json!([3, sent[1], {"status": "Accepted"}]).to_string()).await;
                    let id = sent[3]["requestId"].as_i64().unwrap();
                    world.call("NotifyReport", report(id, 0, false, &[variable("A", "V0", "1")])).await;
                }
            }
        }
        let wanted = if refuse { "refused" } else { "complete" };
        let settled = async {
            while world.record("inventory", "report").await.is_none_or(|known| known["state"] != wanted) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), settled).await.unwrap();
        // neither the same firmware again nor a refusal makes it ask again, another firmware does
        world.boot(version, "1.0").await;
        let quiet = tokio::time::timeout(Duration::from_millis(300), async {
            loop {
                let out = world.link.next().await;
                assert!(out.is_empty(), "{version}: {out:?}");
            }
        });
        assert!(quiet.await.is_err());
        world.boot(version, "2.0").await;
        assert_eq!(world.sent().await[2], sent[2]);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_firmware_update_is_followed_to_its_end() {
    for version in ALL {
        let mut world = World::new(version).await;
        let (action, payload, request_id) = match version {
            Version::V16 => (
                "UpdateFirmware",
                json!({"location": "http://h/fw", "retrieveDate": "2026-11-21T08:00:00Z"}),
                None,
            ),
            _ => (
                "UpdateFirmware",
                json!({"requestId": 5, "firmware": {"location": "http://h/fw", "retrieveDateTime": "2026-11-21T08:00:00Z"}}),
                Some(5),
            ),
        };
        let answer = if version == Version::V16 { json!({}) } else { json!({"status": "Accepted"}) };
        world.command(action, payload, answer).await;
        assert_eq!(world.record("firmware", "latest").await.unwrap()["status"], "Accepted");
        let status = |word: &str| match request_id {
            Some(id) => json!({"status": word, "requestId": id}),
            None => json!({"status": word}),
        };
        for (word, maintenance) in [("Downloading", "FirmwareUpdate"), ("Installing", "FirmwareUpdate")] {
            world.call("FirmwareStatusNotification", status(word)).await;
            assert_eq!(world.property("ST-1", "maintenance"), Some(json!(maintenance)));
            assert_eq!(world.property("ST-1", "firmware_status"), Some(json!(word)));
        }
        // this station restarts with its new firmware and never says that it is installed
        world.boot(version, "2.0").await;
        let latest = world.record("firmware", "latest").await.unwrap();
        assert_eq!((&latest["status"], &latest["request_id"]), (&json!("Installed"), &json!(request_id)));
        if let Some(id) = request_id {
            assert_eq!(world.record("firmware", &id.to_string()).await.unwrap()["status"], "Installed");
        }
        assert_eq!(world.property("ST-1", "maintenance"), Some(json!("None")));
        assert_eq!(world.property("ST-1", "firmware_version"), Some(json!("2.0")));
        let words: Vec<Json> = world
            .notes("firmware")
            .await
            .into_iter()
            .rev()
            .map(|note| note.detail["status"].clone())
            .collect();
        assert_eq!(words, ["Requested", "Accepted", "Downloading", "Installing", "Installed"], "{version}");
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_signed_update_that_is_refused_says_so_under_its_request() {
    let mut world = World::new(Version::V16).await;
    let payload = json!({"requestId": 9, "firmware": {"location": "http://h/fw", "retrieveDateTime": "2026-11-21T08:00:00Z",
        "signingCertificate": "-----BEGIN CERTIFICATE-----", "signature": "AAAA"}});
    let answer = json!({"status": "InvalidCertificate"});
    let command = world.command("SignedUpdateFirmware", payload, answer).await;
    assert_eq!(command.state, CommandState::Rejected);
    assert_eq!(world.record("firmware", "9").await.unwrap()["status"], "InvalidCertificate");
    let status = json!({"status": "InvalidSignature", "requestId": 10});
    world.call("SignedFirmwareStatusNotification", status).await;
    assert_eq!(world.record("firmware", "10").await.unwrap()["status"], "InvalidSignature");
    assert_eq!(world.record("firmware", "9").await.unwrap()["status"], "InvalidCertificate");
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_local_controller_publishes_a_firmware() {
    for version in NEWER {
        let mut world = World::new(version).await;
        let checksum = "0123456789abcdef0123456789abcdef";
        let ask = json!({"requestId": 3, "location": "http://h/fw", "checksum": checksum});
        world.command("PublishFirmware", ask, json!({"status": "Accepted"})).await;
        let status = json!({"requestId": 3, "status": "Published", "location": ["http://lc/fw"]});
        world.call("PublishFirmwareStatusNotification", status).await;
        let known = world.record("published_firmware", "3").await.unwrap();
        assert_eq!((&known["status"], &known["checksum"]), (&json!("Published"), &json!(checksum)));
        world
            .command("UnpublishFirmware", json!({"checksum": checksum}), json!({"status": "Unpublished"}))
            .await;
        assert_eq!(world.record("published_firmware", "3").await, None);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_log_is_followed_to_its_end() {
    for version in ALL {
        let mut world = World::new(version).await;
        let log =
            json!({"logType": "DiagnosticsLog", "requestId": 4, "log": {"remoteLocation": "http://h/up"}});
        let answer = json!({"status": "Accepted", "filename": "d.zip"});
        world.command("GetLog", log, answer).await;
        assert_eq!(world.record("log", "4").await.unwrap()["filename"], "d.zip");
        world.call("LogStatusNotification", json!({"status": "Uploading", "requestId": 4})).await;
        assert_eq!(world.property("ST-1", "maintenance"), Some(json!("Diagnostics")));
        world.call("LogStatusNotification", json!({"status": "Uploaded", "requestId": 4})).await;
        assert_eq!(world.property("ST-1", "maintenance"), Some(json!("None")));
        assert_eq!(world.property("ST-1", "diagnostics_status"), Some(json!("Uploaded")));
        let known = world.record("log", "4").await.unwrap();
        assert_eq!((&known["status"], &known["filename"]), (&json!("Uploaded"), &json!("d.zip")));
        if version == Version::V16 {
            let answer = json!({"fileName": "old.zip"});
            world.command("GetDiagnostics", json!({"location": "http://h/up"}), answer).await;
            world.call("DiagnosticsStatusNotification", json!({"status": "UploadFailed"})).await;
            let known = world.record("log", "diagnostics").await.unwrap();
            assert_eq!((&known["status"], &known["filename"]), (&json!("UploadFailed"), &json!("old.zip")));
        }
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_security_event_is_noted_and_the_grave_ones_alarm() {
    for version in ALL {
        let mut world = World::new(version).await;
        for kind in [
            "StartupOfTheDevice",
            "TamperDetectionActivated",
            "TamperDetectionActivated",
            "SomethingOfTheVendor",
        ] {
            let event = json!({"type": kind, "timestamp": "2026-11-21T08:00:00Z", "techInfo": "lid"});
            assert_eq!(world.call("SecurityEventNotification", event).await, json!({}));
        }
        let notes = world.notes("security_event").await;
        assert_eq!((notes.len(), &notes[0].detail["type"]), (4, &json!("SomethingOfTheVendor")));
        let store = world.runtime.store().tenant(&world.tenant);
        let alarms = store.alarms(AlarmFilter::Open, None, 10).await.unwrap().items;
        assert_eq!(alarms.len(), 1);
        assert_eq!(alarms[0].code, "SecurityTamperDetectionActivated");
        assert!(alarms[0].message.contains("lid"), "{}", alarms[0].message);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn data_is_transferred_both_ways() {
    for version in ALL {
        let mut world = World::new(version).await;
        let ask =
            |vendor: &str, message: &str| json!({"vendorId": vendor, "messageId": message, "data": "d"});
        let unknown = world.call("DataTransfer", ask("com.example", "X")).await;
        assert_eq!(unknown["status"], "UnknownVendorId");
        assert_eq!(world.call("DataTransfer", ask("org.voltwin", "X")).await["status"], "UnknownMessageId");
        let echo = world.call("DataTransfer", ask("org.voltwin", "Echo")).await;
        assert_eq!(echo, json!({"status": "Accepted", "data": "d"}));
        let answer = json!({"status": "Accepted", "data": "back"});
        world.command("DataTransfer", ask("com.example", "Y"), answer).await;
        let notes = world.notes("data_transfer").await;
        let told: Vec<_> =
            notes.iter().rev().map(|n| (&n.detail["direction"], &n.detail["status"])).collect();
        let (inward, outward) = (json!("in"), json!("out"));
        let words = [json!("UnknownVendorId"), json!("UnknownMessageId"), json!("Accepted")];
        assert_eq!(
            told,
            [(&inward, &words[0]), (&inward, &words[1]), (&inward, &words[2]), (&outward, &words[2])]
        );
        assert_eq!(notes[0].detail["answer"], "back");
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn the_display_is_known() {
    for version in NEWER {
        let mut world = World::new(version).await;
        let message = |id: i64, text: &str| {
            json!({"id": id, "priority": "NormalCycle",
            "message": {"format": "UTF8", "content": text}})
        };
        world
            .command(
                "SetDisplayMessage",
                json!({"message": message(1, "one")}),
                json!({"status": "Accepted"}),
            )
            .await;
        world
            .command(
                "SetDisplayMessage",
                json!({"message": message(2, "two")}),
                json!({"status": "Rejected"}),
            )
            .await;
        assert_eq!(world.keys("display_message").await, ["1"]);
        world.command("GetDisplayMessages", json!({"requestId": 6}), json!({"status": "Accepted"})).await;
        let part =
            |id: i64, tbc: bool| json!({"requestId": 6, "tbc": tbc, "messageInfo": [message(id, "listed")]});
        world.call("NotifyDisplayMessages", part(8, true)).await;
        world.call("NotifyDisplayMessages", part(9, false)).await;
        assert_eq!(world.keys("display_message").await, ["8", "9"], "what is not listed is not shown");
        world.command("ClearDisplayMessage", json!({"id": 8}), json!({"status": "Accepted"})).await;
        assert_eq!(world.keys("display_message").await, ["9"]);
        world.command("GetDisplayMessages", json!({"requestId": 7}), json!({"status": "Unknown"})).await;
        assert!(world.keys("display_message").await.is_empty());
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn what_is_known_of_a_customer_is_told_and_not_kept() {
    for version in NEWER {
        let mut world = World::new(version).await;
        let part = |seq: i64, tbc: bool, data: &str| {
            json!({"requestId": 8, "seqNo": seq, "tbc": tbc,
            "generatedAt": "2026-11-21T08:00:00Z", "data": data})
        };
        world.call("NotifyCustomerInformation", part(0, false, "nobody asked for jane")).await;
        assert_eq!(world.csms.customer_information(&world.tenant, &world.station, 8), None);
        let ask = json!({"requestId": 8, "report": true, "clear": false, "customerIdentifier": "c"});
        world.command("CustomerInformation", ask, json!({"status": "Accepted"})).await;
        world.call("NotifyCustomerInformation", part(1, false, "doe")).await;
        world.call("NotifyCustomerInformation", part(0, true, "jane ")).await;
        let told = world.csms.customer_information(&world.tenant, &world.station, 8).unwrap();
        assert_eq!((told.data.as_str(), told.complete), ("jane doe", true));
        assert_eq!(world.record("customer_information", "8").await.unwrap()["state"], "complete");
        let log = world.csms.messages();
        let page = log.search(&world.tenant, &voltwin_messages::Filter::default(), None, 500).await.unwrap();
        let frames = format!("{page:?}");
        assert!(frames.contains("NotifyCustomerInformation"), "{frames}");
        assert!(!frames.contains("jane"), "{frames}");
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn payments_at_the_station_are_noted() {
    let mut world = World::new(Version::V21).await;
    world.command("NotifyWebPaymentStarted", json!({"evseId": 1, "timeout": 60}), json!({})).await;
    assert_eq!(world.notes("web_payment").await[0].detail["evse"], 1);
    let settlement = json!({"pspRef": "p-1", "status": "Settled", "settlementAmount": 12.34,
        "settlementTime": "2026-11-21T08:00:00Z", "transactionId": "T1"});
    world.call("NotifySettlement", settlement).await;
    assert_eq!(world.notes("settlement").await[0].detail["settlementAmount"], 12.34);
    let answer = world.call("VatNumberValidation", json!({"vatNumber": "DE123456789", "evseId": 2})).await;
    assert_eq!((&answer["status"], &answer["evseId"]), (&json!("Rejected"), &json!(2)));
    world.runtime.stop().await;
}
