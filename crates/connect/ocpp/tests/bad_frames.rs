//! What a broken frame is answered with: one row a case, the exact id and error code that go back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use voltwin_core::Timestamp;
use voltwin_ocpp::{
    Answer, BootStatus, Effect, Session, SessionConfig,
    Version::{self, V16, V21, V201},
};

/// What a frame must lead to.
enum Want {
    /// A CALLERROR with this id and code, whose description holds this text.
    Error(&'static str, &'static str, &'static str),
    /// No frame at all.
    Silence,
    /// The connection is closed with this code.
    Close(u16),
    /// The fact is handed out for a decision.
    Ask,
}
use Want::{Ask, Close, Error, Silence};

struct Row {
    name: &'static str,
    version: Version,
    input: String,
    want: Want,
}

fn row(name: &'static str, version: Version, input: impl Into<String>, want: Want) -> Row {
    Row { name, version, input: input.into(), want }
}

const BOOT16: &str = r#"{"chargePointVendor":"V","chargePointModel":"M"}"#;
const BOOT2: &str = r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#;

fn not_a_message() -> Vec<Row> {
    let mut rows = Vec::new();
    for (version, code) in
        [(V16, "FormationViolation"), (V201, "RpcFrameworkError"), (V21, "RpcFrameworkError")]
    {
        let error = |id, detail| Error(id, code, detail);
        rows.extend([
            row("empty", version, "", error("-1", "not a JSON array")),
            row("not JSON", version, "hello", error("-1", "not a JSON array")),
            row("an object", version, "{}", error("-1", "not a JSON array")),
            row("cut off", version, r#"[2,"1","Heartbeat",{"#, error("-1", "not a JSON array")),
            row("two arrays", version, r#"[2,"1","Heartbeat",{}][]"#, error("-1", "not one JSON array")),
            row("empty array", version, "[]", error("-1", "type number")),
            row("type as text", version, r#"["2","1","Heartbeat",{}]"#, error("-1", "type number")),
            row("type as fraction", version, r#"[2.0,"1","Heartbeat",{}]"#, error("-1", "type number")),
            row("id as number", version, r#"[2,1,"Heartbeat",{}]"#, error("-1", "message id")),
            row("id empty", version, r#"[2,"","Heartbeat",{}]"#, error("-1", "message id")),
            row("id null", version, r#"[2,null,"Heartbeat",{}]"#, error("-1", "message id")),
            row(
                "id too long",
                version,
                format!(r#"[2,"{}","Heartbeat",{{}}]"#, "x".repeat(37)),
                error("-1", "36"),
            ),
            row(
                "no payload",
                version,
                r#"[2,"1","Heartbeat"]"#,
                Error("1", "ProtocolError", "payload is missing"),
            ),
            row("one too many", version, r#"[2,"1","Heartbeat",{},1]"#, error("1", "elements")),
            row(
                "a thousand too many",
                version,
                format!(r#"[2,"1","Heartbeat",{{}}{}]"#, ",1".repeat(1000)),
                error("1", "1004"),
            ),
            row("action as number", version, r#"[2,"1",7,{}]"#, error("1", "action")),
        ]);
        let code = if version == V16 { "FormationViolation" } else { "FormatViolation" };
        let error = |id, detail| Error(id, code, detail);
        let deep = |n: usize| {
            format!(r#"[2,"1","DataTransfer",{{"vendorId":"v","x":{}{}}}]"#, "[".repeat(n), "]".repeat(n))
        };
        rows.extend([
            row("payload null", version, r#"[2,"1","Heartbeat",null]"#, error("1", "object")),
            row("payload a list", version, r#"[2,"1","Heartbeat",[]]"#, error("1", "object")),
            row("nested too deep", version, deep(32), error("1", "deeper than 32")),
            row("nested far too deep", version, deep(20_000), error("1", "deeper than 32")),
            // one level less is read, and then found to hold a property that the protocol does not know
            row("nested deep enough", version, deep(31), error("1", "no such property")),
            row(
                "a key twice",
                version,
                r#"[2,"1","DataTransfer",{"vendorId":"a","vendorId":"b"}]"#,
                error("1", "duplicate field"),
            ),
            row(
                "an unknown key twice",
                version,
                r#"[2,"1","DataTransfer",{"vendorId":"a","x":1,"x":2}]"#,
                error("1", "no such property"),
            ),
            row(
                "over 64 KiB",
                version,
                format!(r#"[2,"1","DataTransfer",{{"vendorId":"{}"}}]"#, "x".repeat(65_536)),
                Close(1009),
            ),
            row(
                "over 64 KiB, an answer that nobody asked for",
                version,
                format!(r#"[3,"1",{{"status":"{}"}}]"#, "x".repeat(65_536)),
                Close(1009),
            ),
            row("id of 36", version, format!(r#"[2,"{}","Heartbeat",{{}}]"#, "x".repeat(36)), Ask),
        ]);
    }
    rows
}

fn wrong_version() -> Vec<Row> {
    vec![
        row("type 9 in 1.6", V16, r#"[9,"1","Heartbeat",{}]"#, Silence),
        row("SEND in 1.6", V16, r#"[6,"1","NotifyPeriodicEventStream",{}]"#, Silence),
        row(
            "type 9 in 2.0.1",
            V201,
            r#"[9,"1","Heartbeat",{}]"#,
            Error("1", "MessageTypeNotSupported", "type 9"),
        ),
        row(
            "SEND in 2.0.1",
            V201,
            r#"[6,"7","NotifyEvent",{}]"#,
            Error("7", "MessageTypeNotSupported", "type 6"),
        ),
        row(
            "type 5 in 2.0.1",
            V201,
            r#"[5,"7","GenericError","",{}]"#,
            Error("7", "MessageTypeNotSupported", ""),
        ),
        row("type 9 without id", V21, "[9]", Error("-1", "MessageTypeNotSupported", "type 9")),
        row("2.x action in 1.6", V16, r#"[2,"1","TransactionEvent",{}]"#, Error("1", "NotImplemented", "")),
        row(
            "1.6 action in 2.0.1",
            V201,
            r#"[2,"1","StartTransaction",{}]"#,
            Error("1", "NotImplemented", ""),
        ),
        row("2.1 action in 2.0.1", V201, r#"[2,"1","BatterySwap",{}]"#, Error("1", "NotImplemented", "")),
        row("no such action", V21, r#"[2,"1","Boom",{}]"#, Error("1", "NotImplemented", "Boom")),
        row("case matters", V16, r#"[2,"1","heartbeat",{}]"#, Error("1", "NotImplemented", "")),
        row(
            "a call of ours",
            V16,
            r#"[2,"1","Reset",{"type":"Soft"}]"#,
            Error("1", "NotSupported", "other way"),
        ),
        row(
            "2.x payload in 1.6",
            V16,
            format!(r#"[2,"1","BootNotification",{BOOT2}]"#),
            Error("1", "OccurenceConstraintViolation", "chargePointModel"),
        ),
        row(
            "1.6 payload in 2.x",
            V201,
            format!(r#"[2,"1","BootNotification",{BOOT16}]"#),
            Error("1", "OccurrenceConstraintViolation", "chargingStation"),
        ),
        row("SEND is never answered", V21, r#"[6,"1","NotifyPeriodicEventStream",{}]"#, Silence),
        row("an unknown SEND neither", V21, r#"[6,"1","Heartbeat",{}]"#, Silence),
        row("a broken SEND neither", V21, r#"[6,"1"]"#, Silence),
        row("an answer nobody asked", V16, r#"[3,"1",{}]"#, Silence),
        row("an error nobody asked", V21, r#"[4,"1","GenericError","",{}]"#, Silence),
        row("a result error nobody asked", V21, r#"[5,"1","GenericError","",{}]"#, Silence),
        row("a broken answer", V201, r#"[3,"1"]"#, Silence),
        row("a broken error", V16, r#"[4,"1"]"#, Silence),
        row("an answer without id", V21, "[3,1,{}]", Silence),
    ]
}

fn wrong_payload() -> Vec<Row> {
    let status = |fields: &str| format!(r#"[2,"1","StatusNotification",{{{fields}}}]"#);
    let meter16 = |value: &str| {
        format!(
            r#"[2,"1","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{value}]}}]}}]"#
        )
    };
    let meter2 = |value: &str| meter16(value).replace("connectorId", "evseId");
    let event = |seq: &str, evse: &str| {
        format!(
            r#"[2,"1","TransactionEvent",{{"eventType":"Started","timestamp":"2026-01-01T00:00:00Z","triggerReason":"Authorized","seqNo":{seq},"evse":{{"id":{evse}}},"transactionInfo":{{"transactionId":"t"}}}}]"#
        )
    };
    let value = "meterValue[0].sampledValue[0].value";
    let over_long = "x".repeat(21);
    vec![
        row(
            "missing field",
            V16,
            r#"[2,"1","Authorize",{}]"#,
            Error("1", "OccurenceConstraintViolation", "idTag"),
        ),
        row(
            "missing field",
            V201,
            r#"[2,"1","Authorize",{}]"#,
            Error("1", "OccurrenceConstraintViolation", "idToken"),
        ),
        row(
            "missing inner field",
            V21,
            r#"[2,"1","Authorize",{"idToken":{"idToken":"x"}}]"#,
            Error("1", "OccurrenceConstraintViolation", "idToken.type"),
        ),
        row(
            "wrong type",
            V16,
            r#"[2,"1","Authorize",{"idTag":12}]"#,
            Error("1", "TypeConstraintViolation", "idTag"),
        ),
        row(
            "wrong type",
            V21,
            r#"[2,"1","Authorize",{"idToken":"x"}]"#,
            Error("1", "TypeConstraintViolation", "idToken"),
        ),
        row(
            "over-long",
            V16,
            format!(r#"[2,"1","Authorize",{{"idTag":"{over_long}"}}]"#),
            Error("1", "PropertyConstraintViolation", "idTag"),
        ),
        row(
            "unknown word",
            V16,
            status(r#""connectorId":1,"errorCode":"Boom","status":"Available""#),
            Error("1", "PropertyConstraintViolation", "errorCode"),
        ),
        row(
            "status of 2.x",
            V16,
            status(r#""connectorId":1,"errorCode":"NoError","status":"Occupied""#),
            Error("1", "PropertyConstraintViolation", "status"),
        ),
        row(
            "status of 1.6",
            V201,
            status(
                r#""evseId":1,"connectorId":1,"timestamp":"2026-01-01T00:00:00Z","connectorStatus":"Charging""#,
            ),
            Error("1", "PropertyConstraintViolation", "connectorStatus"),
        ),
        row(
            "bad time",
            V201,
            status(r#""evseId":1,"connectorId":1,"timestamp":"noon","connectorStatus":"Available""#),
            Error("1", "TypeConstraintViolation", "timestamp"),
        ),
        row(
            "fraction for integer",
            V16,
            status(r#""connectorId":1.5,"errorCode":"NoError","status":"Available""#),
            Error("1", "TypeConstraintViolation", "connectorId"),
        ),
        row(
            "absurd connector",
            V16,
            status(r#""connectorId":1634030126,"errorCode":"NoError","status":"Available""#),
            Error("1", "PropertyConstraintViolation", "connectorId"),
        ),
        row(
            "negative connector",
            V16,
            status(r#""connectorId":-1,"errorCode":"NoError","status":"Available""#),
            Error("1", "PropertyConstraintViolation", "connectorId"),
        ),
        row(
            "start at connector 0",
            V16,
            r#"[2,"1","StartTransaction",{"connectorId":0,"idTag":"a","meterStart":0,"timestamp":"2026-01-01T00:00:00Z"}]"#,
            Error("1", "PropertyConstraintViolation", "connectorId"),
        ),
        row("no number", V16, meter16(r#"{"value":"twelve"}"#), Error("1", "TypeConstraintViolation", value)),
        row("number for text", V16, meter16(r#"{"value":12}"#), Error("1", "TypeConstraintViolation", value)),
        row("signed data is no number", V16, meter16(r#"{"value":"OCMF|{}","format":"SignedData"}"#), Ask),
        row(
            "text for number",
            V201,
            meter2(r#"{"value":"12"}"#),
            Error("1", "TypeConstraintViolation", value),
        ),
        row(
            "number out of range",
            V21,
            meter2(r#"{"value":1e999}"#),
            Error("1", "TypeConstraintViolation", value),
        ),
        row(
            "number beyond a decimal",
            V21,
            meter2(r#"{"value":1e40}"#),
            Error("1", "TypeConstraintViolation", value),
        ),
        row(
            "multiplier out of range",
            V201,
            meter2(r#"{"value":1,"unitOfMeasure":{"multiplier":99}}"#),
            Error("1", "PropertyConstraintViolation", value),
        ),
        row(
            "no samples",
            V201,
            meter2(""),
            Error("1", "OccurrenceConstraintViolation", "meterValue[0].sampledValue"),
        ),
        row("negative sequence", V21, event("-1", "1"), Error("1", "PropertyConstraintViolation", "seqNo")),
        row("absurd EVSE", V201, event("1", "99999"), Error("1", "PropertyConstraintViolation", "evse.id")),
        row("a good one", V201, event("0", "1"), Ask),
        row(
            "too many samples",
            V16,
            meter16(&vec![r#"{"value":"1"}"#; 1001].join(",")),
            Error("1", "OccurenceConstraintViolation", "1000"),
        ),
    ]
}

fn session(version: Version, boot_accepted: bool) -> Session {
    Session::new(SessionConfig { boot_accepted, ..SessionConfig::new(version) }, Timestamp::default())
}

fn sent(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|e| if let Effect::Send(text) = e { Some(text.as_str()) } else { None })
        .collect()
}

fn check(row: &Row, boot_accepted: bool) {
    let mut session = session(row.version, boot_accepted);
    let effects = session.on_text(&row.input, Timestamp::default());
    let case = format!("{} in {}: {effects:?}", row.name, row.version);
    let case: String = case.chars().take(1500).collect();
    let frames = sent(&effects);
    let asks = effects.iter().filter(|e| matches!(e, Effect::Ask { .. })).count();
    assert!(effects.iter().any(|e| matches!(e, Effect::Log(_))), "not logged: {case}");
    match row.want {
        Ask => assert_eq!((asks, frames.len()), (1, 0), "{case}"),
        Silence => assert_eq!((asks, frames.len()), (0, 0), "{case}"),
        Close(code) => {
            assert!(
                effects.iter().any(|e| matches!(e, Effect::Close { code: c, .. } if *c == code)),
                "{case}"
            );
            assert_eq!((asks, frames.len()), (0, 0), "{case}");
        }
        Error(id, code, detail) => {
            assert_eq!((asks, frames.len()), (0, 1), "{case}");
            let frame: serde_json::Value = serde_json::from_str(frames[0]).unwrap();
            assert_eq!(
                (&frame[0], frame[1].as_str(), frame[2].as_str()),
                (&4.into(), Some(id), Some(code)),
                "{case}"
            );
            assert!(frame[3].as_str().unwrap().contains(detail), "`{detail}` not in {case}");
            assert_eq!(frame[4], serde_json::json!({}), "{case}");
            assert!(effects.iter().any(|e| matches!(e, Effect::Violation(_))), "{case}");
        }
    }
}

#[test]
fn broken_frames_get_exactly_their_answer() {
    for row in not_a_message().iter().chain(&wrong_version()).chain(&wrong_payload()) {
        check(row, true);
    }
}

#[test]
fn before_the_boot_is_accepted_only_a_boot_is_heard() {
    for version in [V16, V201, V21] {
        let boot = if version == V16 { BOOT16 } else { BOOT2 };
        check(
            &row(
                "heartbeat before boot",
                version,
                r#"[2,"1","Heartbeat",{}]"#,
                Error("1", "SecurityError", "boot"),
            ),
            false,
        );
        check(&row("boot", version, format!(r#"[2,"1","BootNotification",{boot}]"#), Ask), false);
        // A bad payload is told as such: the station is not helped by hearing of its boot first.
        check(
            &row("no such action", version, r#"[2,"1","Boom",{}]"#, Error("1", "NotImplemented", "")),
            false,
        );

        let mut session = session(version, false);
        let now = Timestamp::default();
        for (status, heard) in
            [(BootStatus::Pending, false), (BootStatus::Rejected, false), (BootStatus::Accepted, true)]
        {
            let effects = session.on_text(&format!(r#"[2,"b","BootNotification",{boot}]"#), now);
            let Some(Effect::Ask { ticket, .. }) = effects.last() else { panic!("{effects:?}") };
            let effects = session.answer(*ticket, Answer::Boot { status, interval_s: 60, now }, now);
            assert!(sent(&effects)[0].contains(status.as_str()), "{effects:?}");
            let effects = session.on_text(r#"[2,"h","Heartbeat",{}]"#, now);
            assert_eq!(effects.iter().any(|e| matches!(e, Effect::Ask { .. })), heard, "{status}");
        }
    }
}

#[test]
fn a_binary_frame_closes_the_connection() {
    let mut session = session(V16, true);
    let effects = session.on_binary(Timestamp::default());
    assert!(effects.iter().any(|e| matches!(e, Effect::Close { code: 1003, .. })));
    assert!(session.on_text(r#"[2,"1","Heartbeat",{}]"#, Timestamp::default()).is_empty());
}
