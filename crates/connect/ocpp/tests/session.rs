//! The state machine: order, limits, lateness.

use serde_json::json;
use voltwin_core::{CommandId, Timestamp};
use voltwin_ocpp::{
    Answer, BootStatus, CallOutcome, Command, CommandError, Effect, ErrorCode, Fact, INBOX_LIMIT,
    OUTBOX_LIMIT, ResetKind, Session, SessionConfig, Ticket, Validation, Version,
};

const NOW: i64 = 1_767_225_600_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

fn session(version: Version) -> Session {
    Session::new(SessionConfig { boot_accepted: true, ..SessionConfig::new(version) }, now())
}

fn id(n: u128) -> CommandId {
    CommandId(uuid::Uuid::from_u128(n))
}

fn sent(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .filter_map(|e| if let Effect::Send(text) = e { Some(text.clone()) } else { None })
        .collect()
}

fn asked(effects: &[Effect]) -> Vec<(Ticket, Fact)> {
    let ask = |e: &Effect| {
        if let Effect::Ask { ticket, fact, .. } = e { Some((*ticket, fact.clone())) } else { None }
    };
    effects.iter().filter_map(ask).collect()
}

fn done(effects: &[Effect]) -> Vec<(CommandId, CallOutcome)> {
    let done = |e: &Effect| {
        if let Effect::CallDone { id, outcome } = e { Some((*id, outcome.clone())) } else { None }
    };
    effects.iter().filter_map(done).collect()
}

fn reset() -> Command {
    Command::Reset { kind: ResetKind::Soft, evse: None }
}

#[test]
fn calls_of_the_station_are_decided_one_at_a_time_and_in_order() {
    let mut session = session(Version::V16);
    let first = asked(&session.on_text(r#"[2,"a","Heartbeat",{}]"#, now()));
    assert_eq!(first.len(), 1);
    for n in 0..INBOX_LIMIT {
        assert!(sent(&session.on_text(&format!(r#"[2,"q{n}","Heartbeat",{{}}]"#), now())).is_empty());
    }
    let over = sent(&session.on_text(r#"[2,"over","Heartbeat",{}]"#, now()));
    assert!(over[0].starts_with(r#"[4,"over","GenericError""#), "{over:?}");
    // A repeated id is neither asked nor answered twice.
    let again = session.on_text(r#"[2,"a","Heartbeat",{}]"#, now());
    assert!(asked(&again).is_empty() && sent(&again).is_empty());

    let mut ticket = first[0].0;
    for n in 0..=INBOX_LIMIT {
        let effects = session.answer(ticket, Answer::Heartbeat { now: now() }, now());
        let want = if n == 0 { "a".to_owned() } else { format!("q{}", n - 1) };
        assert_eq!(sent(&effects), [format!(r#"[3,"{want}",{{"currentTime":"2026-01-01T00:00:00Z"}}]"#)]);
        match asked(&effects).first() {
            Some((next, _)) => ticket = *next,
            None => assert_eq!(n, INBOX_LIMIT),
        }
    }
    assert!(session.answer(ticket, Answer::Status, now()).is_empty(), "a ticket answers once");
}

#[test]
fn commands_go_one_at_a_time_and_the_queue_has_an_end() {
    let mut session = session(Version::V201);
    let first = sent(&session.call(id(1), &reset(), now()).unwrap());
    assert_eq!(first, [format!(r#"[2,"{}","Reset",{{"type":"OnIdle"}}]"#, id(1))]);
    assert!(matches!(session.call(id(1), &reset(), now()), Err(CommandError::Duplicate { .. })));
    for n in 0..OUTBOX_LIMIT {
        assert!(session.call(id(2 + n as u128), &reset(), now()).unwrap().is_empty());
    }
    assert_eq!(session.call(id(99), &reset(), now()), Err(CommandError::Busy { limit: OUTBOX_LIMIT }));

    let effects = session.on_text(&format!(r#"[3,"{}",{{"status":"Accepted"}}]"#, id(1)), now());
    assert_eq!(done(&effects), [(id(1), CallOutcome::Answer(json!({"status": "Accepted"})))]);
    assert_eq!(sent(&effects).len(), 1, "the next one goes out");
    let effects = session.on_text(&format!(r#"[4,"{}","NotSupported","no",{{}}]"#, id(2)), now());
    let error = CallOutcome::Error { code: "NotSupported".into(), description: "no".into() };
    assert_eq!(done(&effects), [(id(2), error)]);
    let ended = session.closed();
    assert_eq!(done(&ended).len(), OUTBOX_LIMIT - 1);
    assert!(done(&ended).iter().all(|(_, outcome)| *outcome == CallOutcome::Disconnected));
    assert_eq!(session.call(id(100), &reset(), now()), Err(CommandError::Closed));
}

#[test]
fn a_late_answer_is_counted_and_ignored() {
    let mut session = session(Version::V16);
    session.call(id(1), &reset(), now()).unwrap();
    session.call(id(2), &reset(), now()).unwrap();
    assert!(session.tick(now().plus_seconds(29.0)).is_empty());
    let effects = session.tick(now().plus_seconds(30.0));
    assert_eq!(done(&effects), [(id(1), CallOutcome::Timeout)]);
    assert_eq!(sent(&effects).len(), 1);
    let effects =
        session.on_text(&format!(r#"[3,"{}",{{"status":"Accepted"}}]"#, id(1)), now().plus_seconds(31.0));
    assert!(done(&effects).is_empty() && sent(&effects).is_empty());
    assert!(matches!(&effects[0], Effect::Log(log) if log.outcome == "late"), "{effects:?}");
    let effects = session.on_text(r#"[3,"never",{}]"#, now());
    assert!(matches!(&effects[0], Effect::Log(log) if log.outcome == "unknown id"), "{effects:?}");
    assert_eq!(session.unknown_answers(), 2);
}

#[test]
fn a_bad_answer_still_ends_its_command_and_2_1_says_so() {
    for (version, told) in [(Version::V16, 0), (Version::V201, 0), (Version::V21, 1)] {
        let mut session = session(version);
        session.call(id(1), &reset(), now()).unwrap();
        let effects = session.on_text(&format!(r#"[3,"{}",{{"status":"Perhaps"}}]"#, id(1)), now());
        assert_eq!(done(&effects), [(id(1), CallOutcome::Answer(json!({"status": "Perhaps"})))]);
        assert!(
            effects.iter().any(|e| matches!(e, Effect::Violation(v) if v.field == "status")),
            "{effects:?}"
        );
        assert_eq!(sent(&effects).len(), told);
        assert!(sent(&effects).iter().all(|f| f.starts_with(&format!(r#"[5,"{}","Property"#, id(1)))));

        session.call(id(2), &reset(), now()).unwrap();
        let effects = session.on_text(&format!(r#"[3,"{}",7]"#, id(2)), now());
        assert!(matches!(done(&effects)[0].1, CallOutcome::Error { .. }), "{effects:?}");
    }
}

#[test]
fn an_answer_that_does_not_fit_is_an_internal_error_and_not_silence() {
    let mut session = session(Version::V16);
    let start = r#"[2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":"2026-01-01T00:00:00Z"}]"#;
    let (ticket, _) = asked(&session.on_text(start, now())).remove(0);
    let effects = session.answer(
        ticket,
        Answer::Transaction { transaction_id: None, token: None, total_cost: None },
        now(),
    );
    assert!(sent(&effects)[0].starts_with(r#"[4,"1","InternalError""#));
    let (ticket, _) = asked(&session.on_text(start, now())).remove(0);
    let refused = Answer::Refused { code: ErrorCode::InternalError, detail: "the disk is full".into() };
    assert!(sent(&session.answer(ticket, refused, now()))[0].contains("the disk is full"));
}

#[test]
fn while_pending_the_station_may_say_what_it_was_asked_for() {
    let mut session = Session::new(SessionConfig::new(Version::V201), now());
    let boot =
        r#"[2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]"#;
    let (ticket, _) = asked(&session.on_text(boot, now())).remove(0);
    session.answer(ticket, Answer::Boot { status: BootStatus::Pending, interval_s: 10, now: now() }, now());
    let status = r#"[2,"s","StatusNotification",{"evseId":1,"connectorId":1,"connectorStatus":"Available","timestamp":"2026-01-01T00:00:00Z"}]"#;
    assert!(asked(&session.on_text(status, now())).is_empty());
    assert!(matches!(session.call(id(1), &reset(), now()), Err(CommandError::NotBooted { .. })));
    let trigger = Command::Trigger { message: "StatusNotification".into(), evse: Some(1) };
    assert_eq!(sent(&session.call(id(2), &trigger, now()).unwrap()).len(), 1);
    assert_eq!(asked(&session.on_text(status, now())).len(), 1);
}

#[test]
fn lenient_keeps_the_fact_and_lists_what_was_wrong() {
    let config = SessionConfig {
        boot_accepted: true,
        validation: Validation::Lenient,
        ..SessionConfig::new(Version::V16)
    };
    for (input, field) in [
        (
            r#"[2,"1","StatusNotification",{"connectorId":1,"errorCode":"VendorBoom","status":"Faulted"}]"#,
            "errorCode",
        ),
        (r#"[2,"1","Authorize",{"idTag":"a-token-of-more-than-twenty"}]"#, "idTag"),
        (
            r#"[2,"1","BootNotification",{"chargePointVendor":"a vendor with a very long name","chargePointModel":"M"}]"#,
            "chargePointVendor",
        ),
        (
            r#"[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","firmwareVersion":7}]"#,
            "firmwareVersion",
        ),
        (
            r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00","sampledValue":[{"value":"1"}]}]}]"#,
            "meterValue[0].timestamp",
        ),
        (
            r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{"value":"x"},{"value":"2"}]}]}]"#,
            "meterValue[0].sampledValue[0].value",
        ),
        (
            r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{"value":"2","measurand":"Vendor.Thing"}]}]}]"#,
            "meterValue[0].sampledValue[0].measurand",
        ),
    ] {
        let mut session = Session::new(config, now());
        let effects = session.on_text(input, now());
        let violations = effects
            .iter()
            .find_map(|e| if let Effect::Ask { violations, .. } = e { Some(violations) } else { None })
            .unwrap_or_else(|| panic!("{input}: {effects:?}"));
        assert!(violations.iter().any(|v| v.field == field), "{field}: {violations:?}");
    }
    for hopeless in [
        r#"[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Sleeping"}]"#,
        r#"[2,"1","Authorize",{"idTag":7}]"#,
        r#"[2,"1","Authorize",{"idTag":"a","idTag":"b"}]"#,
        r#"[2,"1","StopTransaction",{"transactionId":1,"timestamp":"2026-01-01T00:00:00Z"}]"#,
    ] {
        let mut session = Session::new(config, now());
        assert!(sent(&session.on_text(hopeless, now()))[0].starts_with(r#"[4,"1""#), "{hopeless}");
    }
}
