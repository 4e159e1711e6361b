//! Messages, events and tokens against what others wrote: the examples of Microsoft's pages, and what the official
//! client for Python makes (`azure-iot-device` 2.14.0; `tests/clients/azure_deploy.py` signs the tokens once more).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use voltwin_core::Timestamp;
use voltwin_iot_hub::{
    Body, DeviceMessage, EVENTS_MAX, Happening, Incoming, IotHubError, MESSAGE_BYTES_MAX, device_resource,
    events, sas_token, validation_answer,
};

fn official() -> Json {
    serde_json::from_str(include_str!("official_client.json")).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn topics_are_those_of_the_official_client() {
    let vectors = official();
    let vectors = vectors["topics"].as_array().unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let said = |name: &str| vector[name].as_str().map(str::to_owned);
        let mut message = DeviceMessage::new(said("device").unwrap(), Body::Json(json!({})));
        message.module = said("module");
        message.message_id = said("message_id");
        message.correlation_id = said("correlation_id");
        message.content_type = said("content_type");
        message.content_encoding = said("content_encoding");
        message.properties = serde_json::from_value(vector["properties"].clone()).unwrap();
        let (topic, payload) = message.to_mqtt().unwrap();
        assert_eq!(topic, said("topic").unwrap());
        let back = DeviceMessage::from_mqtt(&topic, &payload).unwrap();
        assert_eq!((&back.properties, &back.message_id), (&message.properties, &message.message_id));
        assert_eq!(back.telemetry().unwrap().len(), 0);
    }
}

#[test]
fn tokens_are_those_of_the_official_client() {
    for vector in official()["tokens"].as_array().unwrap() {
        let said = |name: &str| vector[name].as_str().unwrap();
        let end_s = vector["end_s"].as_i64().unwrap();
        let now = Timestamp::from_micros((end_s - 3_600) * 1_000_000 + 999_999);
        let token = sas_token(said("resource"), said("key"), vector["policy"].as_str(), now, 3_600).unwrap();
        assert_eq!(token, said("token"));
    }
    assert_eq!(
        device_resource("acme.azure-devices.net", "station:1").unwrap(),
        official()["tokens"][1]["resource"].as_str().unwrap()
    );
}

#[test]
fn a_token_needs_a_key_and_an_end() {
    let now = at("2026-11-21T08:00:00Z");
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for (key, valid_s, wanted) in [
        (key, 0, "`valid_s` must be 1 to 31536000, not 0"),
        (key, 31_536_001, "`valid_s` must be 1 to 31536000, not 31536001"),
        ("no base64!", 60, "`key` must be base64 of 16 to 64 bytes"),
        ("AAEC", 60, "`key` must be base64 of 16 to 64 bytes"),
    ] {
        assert_eq!(sas_token("x", key, None, now, valid_s).unwrap_err().to_string(), wanted);
    }
    assert!(device_resource("acme/azure", "d").is_err());
    assert!(device_resource("acme.azure-devices.net", "a b").is_err());
}

/// "Azure IoT Hub as an Event Grid source", both schemas.
#[test]
fn events_of_the_documentation_are_read() {
    let data = json!({
        "body": {"Weather": {"Temperature": 900}, "Location": "USA"},
        "properties": {"Status": "Active"},
        "systemProperties": {
            "iothub-content-type": "application/json",
            "iothub-content-encoding": "utf-8",
            "iothub-connection-device-id": "d1",
            "iothub-connection-auth-method":
                "{\"scope\":\"device\",\"type\":\"sas\",\"issuer\":\"iothub\",\"acceptingIpFilterRule\":null}",
            "iothub-connection-auth-generation-id": "123455432199234570",
            "iothub-enqueuedtime": "2019-01-07T20:58:30.48Z",
            "iothub-message-source": "Telemetry",
        },
    });
    let topic = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/EGTESTHUB1";
    let (id, subject) = ("9af86784-8d40-fe2g-8b2a-bab65e106785", "devices/LogicAppTestDevice");
    let grid = json!([{"id": id, "topic": topic, "subject": subject, "eventType": "Microsoft.Devices.DeviceTelemetry",
        "eventTime": "2019-01-07T20:58:30.48Z", "data": data, "dataVersion": "", "metadataVersion": "1"}]);
    let cloud = json!({"id": id, "source": topic, "subject": subject, "type": "Microsoft.Devices.DeviceTelemetry",
        "time": "2019-01-07T20:58:30.48Z", "data": data, "specversion": "1.0"});
    let read = events(grid.to_string().as_bytes()).unwrap();
    assert_eq!(read, events(cloud.to_string().as_bytes()).unwrap());
    let Incoming::Events { found, .. } = read else { panic!() };
    let event = &found[0];
    assert_eq!((event.hub.as_str(), event.device.as_str()), ("EGTESTHUB1", "d1"));
    let Happening::Telemetry(message) = &event.happening else { panic!() };
    assert_eq!(message.at(), Some(at("2019-01-07T20:58:30.48Z")));
    assert_eq!(message.properties, BTreeMap::from([("Status".to_owned(), "Active".to_owned())]));
    assert_eq!(message.telemetry().unwrap()["Weather"]["Temperature"], 900);

    let sequence = "000000000000000001D4132452F67CE200000002000000000000000000000001";
    let connected = json!([{"id": "f6bbf8f4-d365-520d-a878-17bf7238abd8", "topic": topic, "subject": subject,
        "eventType": "Microsoft.Devices.DeviceConnected", "eventTime": "2018-06-02T19:17:44.4383997Z",
        "data": {"deviceConnectionStateEventInfo": {"sequenceNumber": sequence}, "hubName": "egtesthub1",
            "deviceId": "LogicAppTestDevice", "moduleId": "DeviceModuleID"},
        "dataVersion": "1", "metadataVersion": "1"}]);
    let Incoming::Events { found, .. } = events(connected.to_string().as_bytes()).unwrap() else { panic!() };
    assert_eq!((found[0].hub.as_str(), found[0].module.as_deref()), ("egtesthub1", Some("DeviceModuleID")));
    assert_eq!(found[0].happening, Happening::Connected { sequence: sequence.to_owned() });
    assert_eq!(found[0].at, at("2018-06-02T19:17:44.438399Z"));

    let created = json!([{"id": "56afc886", "topic": topic, "subject": subject,
        "eventType": "Microsoft.Devices.DeviceCreated", "eventTime": "2018-01-02T19:17:44.4383997Z",
        "data": {"twin": {"deviceId": "LogicAppTestDevice", "status": "enabled", "version": 2},
            "hubName": "egtesthub1", "deviceId": "LogicAppTestDevice"}}]);
    let Incoming::Events { found, .. } = events(created.to_string().as_bytes()).unwrap() else { panic!() };
    let Happening::Created(twin) = &found[0].happening else { panic!() };
    assert_eq!(twin["status"], "enabled");
}

#[test]
fn a_validation_is_answered_and_strangers_are_passed_over() {
    let asked = json!([{"id": "1", "topic": "t", "subject": "", "eventTime": "2018-01-25T22:12:19.4556811Z",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "dataVersion": "1",
        "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://x"}}]);
    let Incoming::Validation { code } = events(asked.to_string().as_bytes()).unwrap() else { panic!() };
    assert_eq!(
        validation_answer(&code),
        json!({"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"})
    );
    for other in ["Microsoft.Storage.BlobCreated", "Microsoft.Devices.DeviceTwinChanged"] {
        let other = json!([{"id": "1", "eventType": other, "eventTime": "2018-01-25T22:12:19Z", "topic": "t", "data": {}}]);
        let nothing = Incoming::Events { found: vec![], rejected: vec![] };
        assert_eq!(events(other.to_string().as_bytes()).unwrap(), nothing);
    }
}

/// What a device says in a property of its own must not cost others their messages.
#[test]
fn each_event_is_judged_by_itself() {
    let event = |device: &str, created: &str| {
        json!({"id": "1", "topic": "a/b", "eventType": "Microsoft.Devices.DeviceTelemetry",
            "eventTime": "2019-01-07T20:58:30.48Z", "data": {"body": "e30=", "properties": {
            "iothub-creation-time-utc": created}, "systemProperties": {"iothub-connection-device-id": device}}})
    };
    let now = "2019-01-07T20:58:30Z";
    let delivery = json!([event("d1", "yesterday"), event("d2", now), event("a b", now)]);
    let Incoming::Events { found, rejected } = events(delivery.to_string().as_bytes()).unwrap() else {
        panic!()
    };
    assert_eq!((found.len(), found[0].device.as_str(), found[0].place), (1, "d2", 1));
    assert_eq!(rejected.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 2]);
    assert!(rejected[0].1.to_string().starts_with("`iothub-creation-time-utc` is no time"), "{rejected:?}");
}

#[test]
fn a_body_without_a_declaration_is_base64() {
    let event = |kind: Json, body: &str| {
        json!([{"id": "1", "topic": "a/b", "eventType": "Microsoft.Devices.DeviceTelemetry",
            "eventTime": "2019-01-07T20:58:30.48Z",
            "data": {"body": body, "systemProperties": {"iothub-connection-device-id": "d1",
                "iothub-content-type": kind}}}])
        .to_string()
    };
    let Incoming::Events { found, .. } = events(event(Json::Null, "eyJzb2MiOjAuNX0=").as_bytes()).unwrap()
    else {
        panic!()
    };
    let Happening::Telemetry(message) = &found[0].happening else { panic!() };
    assert_eq!(message.body, Body::Bytes(br#"{"soc":0.5}"#.to_vec()));
    assert_eq!(message.telemetry().unwrap()["soc"], 0.5);
    let Incoming::Events { rejected, .. } = events(event(Json::Null, "{}").as_bytes()).unwrap() else {
        panic!()
    };
    assert!(rejected[0].1.to_string().starts_with("`body` is no base64"), "{rejected:?}");
    // a declared JSON text is a text
    let text = event(json!("application/json; charset=utf-8"), "on");
    let Incoming::Events { found, .. } = events(text.as_bytes()).unwrap() else { panic!() };
    let Happening::Telemetry(message) = &found[0].happening else { panic!() };
    assert_eq!(message.body, Body::Json(json!("on")));
    assert_eq!(
        message.telemetry().unwrap_err(),
        IotHubError::NoTelemetry { device: "d1".into(), reason: "is JSON, and no object" }
    );
}

#[test]
fn routed_messages_keep_their_stamps() {
    let system = json!({"iothub-connection-device-id": "EV-1", "iothub-connection-module-id": "gateway",
        "iothub-enqueuedtime": "2026-11-21T08:00:00Z", "content-type": "application/json", "content-encoding": "UTF-8",
        "message-id": "m", "dt-subject": "battery", "dt-dataschema": "dtmi:acme:Van;1"});
    let application = json!({"line": "2", "iothub-creation-time-utc": "2026-11-21T07:59:58Z"});
    let (system, application) = (system.as_object().unwrap(), application.as_object().unwrap());
    let message = DeviceMessage::routed(br#"{"soc": 0.5}"#, system, application).unwrap();
    assert_eq!(
        (message.component.as_deref(), message.model.as_deref()),
        (Some("battery"), Some("dtmi:acme:Van;1"))
    );
    assert_eq!(message.at(), Some(at("2026-11-21T07:59:58Z")), "the device's own time counts");
    assert_eq!(message.properties.len(), 1);
    let wrong = DeviceMessage::routed(b"{", system, application).unwrap_err().to_string();
    assert!(wrong.starts_with("`body` is no JSON"), "{wrong}");
    let long = vec![b' '; MESSAGE_BYTES_MAX + 1];
    let wrong = DeviceMessage::routed(&long, system, application).unwrap_err().to_string();
    assert_eq!(wrong, "`body` has 262145 bytes, 262144 at most");
}

#[test]
fn what_is_wrong_is_named() {
    let nobody = br#"{"Body": {}, "SystemProperties": {}}"#;
    for (line, wanted) in [
        (nobody.as_slice(), "`iothub-connection-device-id` is missing"),
        (br#"{"Body": {}, "SystemProperties": {"connectionDeviceId": "a b"}}"#, "must be 1 to 128 letters"),
        (br#"{"Body": {}, "SystemProperties": {"connectionDeviceId": 1}}"#, "must be a text"),
        (br#"{"SystemProperties": {"connectionDeviceId": "d"}}"#, "`Body` is missing"),
        (br#"{"Body": {}, "SystemProperties": []}"#, "`SystemProperties` must be an object"),
        (br#"{"Body": "e30=", "EnqueuedTimeUtc": "soon", "SystemProperties": {"connectionDeviceId": "d"}}"#,
            "`EnqueuedTimeUtc` is no time"),
        (b"[", "the body cannot be read"),
    ] {
        let found = DeviceMessage::stored(line).unwrap_err().to_string();
        assert!(found.contains(wanted), "{found}");
    }
    for (topic, wanted) in [
        ("devices/d/messages/devicebound/", "`topic` must be devices/"),
        ("devices//messages/events/", "`device` must be 1 to 128"),
        ("devices/a+b/messages/events/", "`device` cannot speak MQTT"),
        ("devices/d/messages/events/a=%ff", "`a` is no UTF-8"),
        ("devices/d/messages/events/iothub-creation-time-utc=now", "is no time"),
    ] {
        let found = DeviceMessage::from_mqtt(topic, b"{}").unwrap_err().to_string();
        assert!(found.contains(wanted), "{found}");
    }
    let many = format!("[{}]", vec!["{}"; EVENTS_MAX + 1].join(","));
    assert!(events(many.as_bytes()).unwrap_err().to_string().contains("5001 events, 5000 at most"));
    for body in ["1", "[1]", "[{\"eventType\": 1}]", "[{}]"] {
        assert!(events(body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn what_goes_out_as_mqtt_comes_back(
        device in "[A-Za-z0-9.:_%*?!(),=@;$'-]{1,20}",
        names in proptest::collection::btree_map("[^$]{1,8}", ".{0,8}", 0..4),
        id in proptest::option::of(".{0,8}"),
        created_us in proptest::option::of(0_i64..4_000_000_000_000_000),
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut message = DeviceMessage::new(device, Body::Bytes(bytes));
        message.properties = names;
        message.properties.remove("iothub-creation-time-utc");
        message.message_id = id;
        message.created_at = created_us.map(Timestamp::from_micros);
        let (topic, payload) = message.to_mqtt().unwrap();
        prop_assert!(!topic.contains(['+', '#', '\0']) || message.device.contains(['+', '#']));
        prop_assert_eq!(DeviceMessage::from_mqtt(&topic, &payload).unwrap(), message);
    }

    #[test]
    fn nothing_from_outside_panics(body in proptest::collection::vec(any::<u8>(), 0..200), topic in ".{0,80}") {
        let _ = events(&body);
        let _ = DeviceMessage::stored(&body);
        let _ = DeviceMessage::from_mqtt(&topic, &body);
        let _ = DeviceMessage::from_mqtt(&format!("devices/d/messages/events/{topic}"), &body);
    }
}
