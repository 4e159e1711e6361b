//! The station's end against the central system's end, through the frames between them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::Value;
use voltwin_core::{CommandId, Decimal, MeterSample, Timestamp, TransactionPhase};
use voltwin_ocpp::{
    Answer, BootStatus, Call, CallOutcome, Command, ConnectorStatus, Effect, Fact, ResetKind, Session,
    SessionConfig, TokenStatus, Validation, Version, accepted, decode_call,
    envelope::{self, Frame},
    station::{self, StationAnswer, StationCall, StationMessage, StationReply, StationTransaction},
};

const VERSIONS: [Version; 3] = Version::PREFERRED;

fn session(version: Version) -> Session {
    Session::new(SessionConfig { boot_accepted: true, ..SessionConfig::new(version) }, Timestamp::default())
}

fn decode(version: Version, message: &StationMessage) -> Call {
    let (action, payload) = message.to_call(version).unwrap_or_else(|v| panic!("{version} {message:?}: {v}"));
    let raw = serde_json::value::to_raw_value(&payload).unwrap();
    decode_call(version, action, &raw, Validation::Strict)
        .unwrap_or_else(|v| panic!("{version} {payload}: {v}"))
}

/// Sends a message through a session, answers it, and reads the answer at the station.
fn exchange(version: Version, message: &StationMessage, answer: Answer) -> (Fact, StationAnswer) {
    let mut session = session(version);
    let now = Timestamp::default();
    let (action, payload) = message.to_call(version).unwrap();
    let mut effects = session.on_text(&envelope::call("m-1", action, &payload), now);
    let Some(Effect::Ask { ticket, fact, violations, .. }) = effects.pop() else { panic!("{effects:?}") };
    assert!(violations.is_empty());
    let effects = session.answer(ticket, answer, now);
    let Some(Effect::Send(text)) = effects.last() else { panic!("{effects:?}") };
    let Ok(Frame::Result { id, payload }) = envelope::parse(text, version, 65_536) else { panic!("{text}") };
    assert_eq!(id, "m-1");
    let payload: Value = serde_json::from_str(payload.get()).unwrap();
    (fact, station::read_answer(version, action, &payload).unwrap())
}

#[test]
fn every_answer_is_understood_at_the_station() {
    let now: Timestamp = "2026-11-21T08:00:00.250Z".parse().unwrap();
    let boot = StationMessage::Boot {
        vendor: "Voltwin".into(),
        model: "Virtual 22".into(),
        serial_number: Some("S-1".into()),
        firmware_version: Some("1.0".into()),
        reason: None,
    };
    for version in VERSIONS {
        let (fact, answer) =
            exchange(version, &boot, Answer::Boot { status: BootStatus::Pending, interval_s: 30, now });
        assert!(matches!(fact, Fact::Boot { vendor, serial_number: Some(_), .. } if vendor == "Voltwin"));
        let StationAnswer::Boot(result) = answer else { panic!("{answer:?}") };
        assert_eq!((result.status, result.interval_s, result.now), (BootStatus::Pending, 30, now));

        let (_, answer) = exchange(version, &StationMessage::Heartbeat, Answer::Heartbeat { now });
        assert_eq!(answer, StationAnswer::Heartbeat { now });

        let authorize = StationMessage::Authorize { id_token: "TAG".into(), token_type: None };
        for status in TokenStatus::ALL {
            let answer = Answer::Authorize { token: status.into(), certificate: None, tariff: None };
            let (_, answer) = exchange(version, &authorize, answer);
            let StationAnswer::Authorize { status: heard } = answer else { panic!("{answer:?}") };
            assert_eq!(heard == TokenStatus::Accepted, status == TokenStatus::Accepted);
            assert!(version == Version::V16 || heard == status);
        }
        let start = StationMessage::Transaction(event(TransactionPhase::Started, "0", 0));
        let (transaction_id, token) = (Some(42), Some(TokenStatus::Accepted.into()));
        let answer = Answer::Transaction { transaction_id, token, total_cost: None };
        let (_, answer) = exchange(version, &start, answer);
        let given = (version == Version::V16).then(|| "42".to_owned());
        let token = Some(TokenStatus::Accepted);
        assert_eq!(answer, StationAnswer::Transaction { transaction_id: given, token });
    }
}

#[test]
fn every_command_is_understood_and_its_reply_comes_back() {
    let commands = |version: Version| {
        let transaction_id = if version == Version::V16 { "42" } else { "tx-42" }.to_owned();
        [
            Command::RemoteStart {
                evse: Some(2),
                connector: None,
                id_token: "TAG".into(),
                remote_start_id: 9,
            },
            Command::RemoteStop { transaction_id },
            Command::Reset { kind: ResetKind::Hard, evse: None },
            Command::Trigger { message: "MeterValues".into(), evse: Some(1) },
        ]
    };
    for version in VERSIONS {
        for (n, command) in commands(version).into_iter().enumerate() {
            let mut session = session(version);
            let id = CommandId(uuid::Uuid::from_u128(n as u128));
            let effects = session.call(id, &command, Timestamp::default()).unwrap();
            let Some(Effect::Send(text)) = effects.last() else { panic!("{effects:?}") };
            let Ok(Frame::Call { id: wire_id, action, payload }) = envelope::parse(text, version, 65_536)
            else {
                panic!("{text}")
            };
            let payload: Value = serde_json::from_str(payload.get()).unwrap();
            let call = station::read_call(version, &action, &payload).unwrap();
            match (&command, &call) {
                (
                    Command::RemoteStart { .. },
                    StationCall::RemoteStart { evse, id_token, remote_start_id, .. },
                ) => {
                    assert_eq!((*evse, id_token.as_str()), (Some(2), "TAG"));
                    assert_eq!(*remote_start_id, version.is_v2().then_some(9));
                }
                (
                    Command::RemoteStop { transaction_id: a },
                    StationCall::RemoteStop { transaction_id: b },
                ) => {
                    assert_eq!(a, b);
                }
                (Command::Reset { kind: a, .. }, StationCall::Reset { kind: b, .. }) => assert_eq!(a, b),
                (Command::Trigger { message: a, .. }, StationCall::Trigger { message: b, evse }) => {
                    assert_eq!((a, *evse), (b, Some(1)));
                }
                other => panic!("{other:?}"),
            }
            let reply = station::write_reply(version, &wire_id, &StationReply::Status("Accepted".into()));
            let effects = session.on_text(&reply, Timestamp::default());
            let outcome = effects.iter().find_map(|e| match e {
                Effect::CallDone { outcome: CallOutcome::Answer(answer), .. } => Some(answer),
                _ => None,
            });
            assert_eq!(
                outcome.and_then(|answer| accepted(version, &action, answer)),
                Some(true),
                "{effects:?}"
            );
            assert!(!effects.iter().any(|e| matches!(e, Effect::Violation(_))), "{effects:?}");
        }
    }
}

#[test]
fn a_stop_of_1_6_keeps_the_fraction_of_its_last_sample() {
    let mut stop = event(TransactionPhase::Ended, "42", 9);
    stop.meter_wh = "10234.567".parse().unwrap();
    let call = decode(Version::V16, &StationMessage::Transaction(stop));
    let Fact::Transaction(report) = call.fact else { panic!("{:?}", call.fact) };
    assert_eq!(report.meter_wh, Some("10234.567".parse().unwrap()));
    assert_eq!((report.transaction_id.as_deref(), report.seq_no), (Some("42"), u64::MAX >> 1));
}

#[test]
fn a_repeated_start_of_1_6_has_the_same_key() {
    let text =
        |time: &str| format!(r#"{{"connectorId":2,"idTag":"T","meterStart":17,"timestamp":"{time}"}}"#);
    let key = |time: &str| {
        let raw = serde_json::value::RawValue::from_string(text(time)).unwrap();
        match decode_call(Version::V16, "StartTransaction", &raw, Validation::Strict).unwrap().fact {
            Fact::Transaction(report) => report.start_key.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(key("2026-01-01T00:00:00Z"), "2|2026-01-01T00:00:00Z|17|T");
    assert_eq!(key("2026-01-01T01:00:00+01:00"), key("2026-01-01T00:00:00.000Z"));
}

#[test]
fn numbers_of_2_x_keep_every_digit_of_their_text() {
    for (text, want) in [
        ("12345678901234567.123", "12345678901234567.123"),
        ("0.1", "0.1"),
        ("1.10e2", "110"),
        ("-0.30000000000000004", "-0.30000000000000004"),
    ] {
        let payload = format!(
            r#"{{"evseId":1,"meterValue":[{{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{{"value":{text}}}]}}]}}"#
        );
        let raw = serde_json::value::RawValue::from_string(payload).unwrap();
        for version in [Version::V201, Version::V21] {
            let call = decode_call(version, "MeterValues", &raw, Validation::Strict).unwrap();
            let Fact::MeterValues { samples, .. } = call.fact else { panic!() };
            assert_eq!(samples[0].value.to_string(), want);
        }
    }
}

#[test]
fn a_measurand_without_a_word_is_left_out() {
    let sample = |measurand: &str, unit: &str| MeterSample {
        at: Timestamp::from_millis(1_000),
        measurand: measurand.into(),
        phase: None,
        location: None,
        context: None,
        value: Decimal::from(30),
        unit: unit.into(),
    };
    let samples = vec![sample("Temperature", "Celsius"), sample("SoC", "Percent")];
    for (version, kept) in [(Version::V16, 2), (Version::V201, 1), (Version::V21, 1)] {
        let message = StationMessage::MeterValues { evse: 1, samples: samples.clone() };
        let Fact::MeterValues { samples, .. } = decode(version, &message).fact else { panic!() };
        assert_eq!(samples.len(), kept, "{version}");
    }
}

fn event(phase: TransactionPhase, transaction_id: &str, seq_no: u64) -> StationTransaction {
    StationTransaction {
        phase,
        transaction_id: transaction_id.to_owned(),
        seq_no,
        evse: 1,
        connector: 1,
        id_token: Some("TAG".into()),
        token_type: None,
        at: "2026-11-21T08:00:00Z".parse().unwrap(),
        meter_wh: Decimal::from(10_000),
        trigger: None,
        stopped_reason: None,
        charging_state: None,
        offline: false,
        remote_start_id: None,
        samples: Vec::new(),
    }
}

fn sample() -> impl Strategy<Value = MeterSample> {
    let kind = prop::sample::select(vec![
        ("Power.Active.Import", "W"),
        ("Current.Import", "A"),
        ("Voltage", "V"),
        ("SoC", "Percent"),
        ("Power.Reactive.Import", "var"),
        ("Energy.Active.Import.Interval", "Wh"),
    ]);
    (kind, 0i64..4_000_000_000_000, -1_000_000_000i64..1_000_000_000).prop_map(
        |((measurand, unit), ms, milli)| MeterSample {
            at: Timestamp::from_millis(ms),
            measurand: measurand.into(),
            phase: None,
            location: Some("Outlet".into()),
            context: Some("Sample.Periodic".into()),
            value: Decimal::new(milli, 3).normalize(),
            unit: unit.into(),
        },
    )
}

fn phase() -> impl Strategy<Value = TransactionPhase> {
    prop::sample::select(vec![TransactionPhase::Started, TransactionPhase::Updated, TransactionPhase::Ended])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever text arrives, the session answers or stays silent; it does not panic.
    #[test]
    fn any_text_is_survived(text in ".{0,200}", booted in any::<bool>()) {
        for version in VERSIONS {
            let mut session = Session::new(SessionConfig { boot_accepted: booted, ..SessionConfig::new(version) }, Timestamp::default());
            session.on_text(&text, Timestamp::default());
        }
    }

    /// Frames that look right and hold anything: a real action with a broken payload.
    #[test]
    fn any_payload_is_survived(
        kind in 0u8..8,
        action in prop::sample::select(vec!["MeterValues", "TransactionEvent", "StatusNotification", "StartTransaction", "StopTransaction", "BootNotification", "DataTransfer"]),
        key in prop::sample::select(vec!["meterValue", "timestamp", "transactionInfo", "evse", "connectorId", "idToken", "chargingStation"]),
        value in prop_oneof!["[0-9eE.+-]{1,12}", r#""[ -~]{0,30}""#, r"[\[\]{},:]{0,10}", Just("null".to_owned()), Just("[{}]".to_owned())],
        lenient in any::<bool>(),
    ) {
        let text = format!(r#"[{kind},"1","{action}",{{"{key}":{value}}}]"#);
        let validation = if lenient { Validation::Lenient } else { Validation::Strict };
        for version in VERSIONS {
            let mut session = Session::new(SessionConfig { boot_accepted: true, validation, ..SessionConfig::new(version) }, Timestamp::default());
            session.on_text(&text, Timestamp::default());
        }
    }

    /// What the station writes decodes strictly and says the same, in every version.
    #[test]
    fn transactions_arrive_as_they_were_told(
        phase in phase(),
        number in 1i64..1_000_000_000,
        seq_no in 0u64..1_000_000,
        milli_wh in 0i64..100_000_000_000,
        offline in any::<bool>(),
        samples in prop::collection::vec(sample(), 0..6),
    ) {
        let told = StationTransaction {
            meter_wh: Decimal::new(milli_wh, 3).normalize(),
            offline,
            samples,
            stopped_reason: (phase == TransactionPhase::Ended).then(|| "Remote".to_owned()),
            ..event(phase, &number.to_string(), seq_no)
        };
        for version in VERSIONS {
            let Fact::Transaction(heard) = decode(version, &StationMessage::Transaction(told.clone())).fact else {
                return Err(TestCaseError::fail("not a transaction"));
            };
            prop_assert_eq!(heard.phase, phase);
            let start16 = version == Version::V16 && phase == TransactionPhase::Started;
            let id = (!start16).then(|| number.to_string());
            prop_assert_eq!(&heard.transaction_id, &id);
            let meter = if start16 { told.meter_wh.round() } else { told.meter_wh };
            prop_assert_eq!(heard.meter_wh, Some(meter));
            if version.is_v2() {
                prop_assert_eq!((heard.seq_no, heard.offline), (seq_no, offline));
            }
            if !start16 {
                for sample in &told.samples {
                    prop_assert!(heard.samples.contains(sample), "{:?} not in {:?}", sample, heard.samples);
                }
            }
        }
    }

    #[test]
    fn statuses_and_meter_values_arrive(
        evse in 1u32..1000,
        status in prop::sample::select(ConnectorStatus::ALL.to_vec()),
        samples in prop::collection::vec(sample(), 1..6),
    ) {
        for version in VERSIONS {
            let at = Timestamp::from_millis(1_000);
            let message = StationMessage::Status { evse, connector: 1, status, error_code: None, info: None, at };
            let Fact::Status { evse: heard_evse, connector, status: heard, at: heard_at, .. } = decode(version, &message).fact else {
                return Err(TestCaseError::fail("not a status"));
            };
            prop_assert_eq!((heard_evse, connector, heard_at), (evse, 1, Some(at)));
            prop_assert_eq!(heard == ConnectorStatus::Faulted, status == ConnectorStatus::Faulted);
            let message = StationMessage::MeterValues { evse, samples: samples.clone() };
            let Fact::MeterValues { samples: heard, .. } = decode(version, &message).fact else {
                return Err(TestCaseError::fail("not meter values"));
            };
            prop_assert_eq!(&heard, &samples);
        }
    }
}
