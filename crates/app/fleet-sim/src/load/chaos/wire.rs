//! Events as OCPP-J frames, built as text so that every decimal is what it is.

use voltwin_core::{Decimal, Timestamp, TransactionPhase};
use voltwin_ocpp::Version;

use super::plan::{Planned, Step};

/// Who charges, where and in which words.
pub(super) struct Told<'a> {
    pub(super) version: Version,
    pub(super) planned: &'a Planned,
    /// The id that both sides share; absent before the start of OCPP 1.6 is answered.
    pub(super) id: &'a str,
    pub(super) token: &'a str,
    /// By the station's clock.
    pub(super) at: Timestamp,
}

impl Told<'_> {
    /// Action and payload.
    pub(super) fn call(&self, step: &Step) -> (&'static str, String) {
        match (self.version, step.phase) {
            (Version::V16, TransactionPhase::Started) => ("StartTransaction", self.start(step)),
            (Version::V16, TransactionPhase::Updated) => ("MeterValues", self.values(step)),
            (Version::V16, TransactionPhase::Ended) => ("StopTransaction", self.stop(step)),
            (_, phase) => ("TransactionEvent", self.event(step, phase)),
        }
    }

    fn start(&self, step: &Step) -> String {
        let Self { token, at, .. } = self;
        format!(
            r#"{{"connectorId":1,"idTag":"{token}","meterStart":{},"timestamp":"{at}"}}"#,
            step.told_wh.trunc()
        )
    }

    fn values(&self, step: &Step) -> String {
        let Self { id, at, .. } = self;
        let sample = sample_16(*at, step.told_wh, "Sample.Periodic");
        format!(r#"{{"connectorId":1,"transactionId":{id},"meterValue":[{sample}]}}"#)
    }

    fn stop(&self, step: &Step) -> String {
        let Self { id, at, .. } = self;
        let whole = step.told_wh.trunc();
        let finer = if self.planned.whole_stop || whole == step.told_wh {
            String::new()
        } else {
            format!(r#","transactionData":[{}]"#, sample_16(*at, step.told_wh, "Transaction.End"))
        };
        format!(r#"{{"transactionId":{id},"meterStop":{whole},"timestamp":"{at}"{finer}}}"#)
    }

    fn event(&self, step: &Step, phase: TransactionPhase) -> String {
        let Self { id, token, at, .. } = self;
        let (kind, trigger, context) = match phase {
            TransactionPhase::Started => ("Started", "CablePluggedIn", "Transaction.Begin"),
            TransactionPhase::Updated => ("Updated", "MeterValuePeriodic", "Sample.Periodic"),
            TransactionPhase::Ended => ("Ended", "EVDeparted", "Transaction.End"),
        };
        let token = match phase {
            TransactionPhase::Started => format!(r#","idToken":{{"idToken":"{token}","type":"ISO14443"}}"#),
            _ => String::new(),
        };
        let offline = if self.planned.late { r#","offline":true"# } else { "" };
        format!(
            r#"{{"eventType":"{kind}","timestamp":"{at}","triggerReason":"{trigger}","seqNo":{},"transactionInfo":{{"transactionId":"{id}"}},"evse":{{"id":1,"connectorId":1}}{token}{offline},"meterValue":[{{"timestamp":"{at}","sampledValue":[{{"value":{},"context":"{context}","measurand":"Energy.Active.Import.Register","unitOfMeasure":{{"unit":"Wh"}}}}]}}]}}"#,
            step.seq_no, step.told_wh,
        )
    }
}

fn sample_16(at: Timestamp, wh: Decimal, context: &str) -> String {
    format!(
        r#"{{"timestamp":"{at}","sampledValue":[{{"value":"{wh}","context":"{context}","measurand":"Energy.Active.Import.Register","unit":"Wh"}}]}}"#
    )
}

/// The boot of a station.
pub(super) fn boot(version: Version) -> &'static str {
    match version {
        Version::V16 => r#"{"chargePointVendor":"Voltwin","chargePointModel":"Chaos"}"#,
        _ => r#"{"reason":"PowerUp","chargingStation":{"vendorName":"Voltwin","model":"Chaos"}}"#,
    }
}

/// The status of its one connector.
pub(super) fn status(version: Version, at: Timestamp) -> String {
    match version {
        Version::V16 => {
            format!(r#"{{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"{at}"}}"#)
        }
        _ => format!(r#"{{"timestamp":"{at}","connectorStatus":"Available","evseId":1,"connectorId":1}}"#),
    }
}

#[cfg(test)]
mod tests {
    use voltwin_battery::Stream;

    use super::*;
    use crate::load::chaos::plan::Anomaly;

    #[test]
    fn every_frame_is_what_its_version_allows() {
        for version in [Version::V16, Version::V201, Version::V21] {
            let v16 = version == Version::V16;
            let mut dice = Stream::named(1, "test", "wire");
            for anomaly in [Anomaly::None, Anomaly::WrongUnit, Anomaly::NoStart] {
                let planned = Planned::drawn(&mut dice, v16, anomaly);
                let at = Timestamp::from_millis(1_795_000_000_123);
                let told = Told { version, planned: &planned, id: "17", token: "T-1", at };
                for step in &planned.steps {
                    let (action, payload) = told.call(step);
                    let payload: serde_json::Value = serde_json::from_str(&payload).unwrap();
                    let text = payload.to_string();
                    assert!(text.contains("2026-11-18T"), "{action}: {text}");
                    let told_wh = step.told_wh.normalize().to_string();
                    assert!(v16 || text.contains(&told_wh), "{told_wh}: {text}");
                }
            }
        }
    }
}
