//! Check and decode of the two messages that a busy system reads most.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::value::RawValue;
use voltwin_core::Timestamp;
use voltwin_ocpp::{Answer, Effect, Session, SessionConfig, Validation, Version, decode_call};

const METER_VALUES: &str = r#"{"connectorId":1,"transactionId":17,"meterValue":[{"timestamp":"2026-11-21T08:00:00Z","sampledValue":[{"value":"12345.678","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},{"value":"7.36","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"kW"},{"value":"16.0","context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","unit":"A"},{"value":"54","context":"Sample.Periodic","measurand":"SoC","unit":"Percent"}]}]}"#;
const TRANSACTION_EVENT: &str = r#"{"eventType":"Updated","timestamp":"2026-11-21T08:00:00Z","triggerReason":"MeterValuePeriodic","seqNo":7,"evse":{"id":1,"connectorId":1},"transactionInfo":{"transactionId":"5b1f2c6e-7a30-4c6a-9f57-0a3c1f6f2f11","chargingState":"Charging"},"meterValue":[{"timestamp":"2026-11-21T08:00:00Z","sampledValue":[{"value":12345.678,"context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},{"value":7.36,"context":"Sample.Periodic","measurand":"Power.Active.Import","unitOfMeasure":{"unit":"kW"}},{"value":54,"measurand":"SoC","unitOfMeasure":{"unit":"Percent"}}]}]}"#;

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for (version, action, text) in [
        (Version::V16, "MeterValues", METER_VALUES),
        (Version::V201, "TransactionEvent", TRANSACTION_EVENT),
        (Version::V21, "TransactionEvent", TRANSACTION_EVENT),
    ] {
        let Ok(payload) = RawValue::from_string(text.to_owned()) else { return };
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("{action} {version}"), |b| {
            b.iter(|| decode_call(version, action, &payload, Validation::Strict));
        });
    }
    group.finish();
}

fn session(c: &mut Criterion) {
    let frame = format!(r#"[2,"17","MeterValues",{METER_VALUES}]"#);
    let now = Timestamp::from_millis(1_767_225_600_000);
    let config = SessionConfig { boot_accepted: true, ..SessionConfig::new(Version::V16) };
    let mut session = Session::new(config, now);
    c.bench_function("frame in, answer out", |b| {
        b.iter(|| {
            for effect in session.on_text(&frame, now) {
                if let Effect::Ask { ticket, .. } = effect {
                    let answer = Answer::Transaction { transaction_id: None, token: None, total_cost: None };
                    std::hint::black_box(session.answer(ticket, answer, now));
                }
            }
        });
    });
}

criterion_group!(benches, decode, session);
criterion_main!(benches);
