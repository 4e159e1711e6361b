//! What a station sends: messages and replies.

use serde_json::{Map, Number, Value, json};
use voltwin_core::{Decimal, MeterSample, Timestamp, TransactionPhase};

use super::{StationMessage, StationReply, StationTransaction};
use crate::{
    ConnectorStatus, ErrorCode, Version, Violation, envelope,
    messages::{self, Origin},
    meter::REGISTER,
};

impl StationMessage {
    /// The action and payload in `version`, checked against the type of the action.
    ///
    /// # Errors
    /// The [`Violation`] that the central system would answer with, such as a text that is too long.
    pub fn to_call(&self, version: Version) -> Result<(&'static str, Value), Violation> {
        let (action, payload) = match version {
            Version::V16 => self.v16()?,
            Version::V201 | Version::V21 => self.v2(),
        };
        let origins = [Origin::Station, Origin::Both];
        let action = messages::check_request(version, action, &payload.to_string(), &origins)?;
        Ok((action, payload))
    }

    fn v16(&self) -> Result<(&'static str, Value), Violation> {
        Ok(match self {
            Self::Boot { vendor, model, serial_number, firmware_version, .. } => (
                "BootNotification",
                object([
                    ("chargePointVendor", Some(json!(vendor))),
                    ("chargePointModel", Some(json!(model))),
                    ("chargePointSerialNumber", text(serial_number)),
                    ("firmwareVersion", text(firmware_version)),
                ]),
            ),
            Self::Heartbeat => ("Heartbeat", json!({})),
            Self::Status { evse, status, error_code, info, at, .. } => (
                "StatusNotification",
                object([
                    ("connectorId", Some(json!(evse))),
                    ("status", Some(json!(status_v16(*status)))),
                    ("errorCode", Some(json!(error_code.as_deref().unwrap_or("NoError")))),
                    ("info", text(info)),
                    ("timestamp", Some(time(*at))),
                ]),
            ),
            Self::Authorize { id_token, .. } => ("Authorize", json!({"idTag": id_token})),
            Self::MeterValues { evse, samples } => {
                ("MeterValues", json!({"connectorId": evse, "meterValue": groups(samples, Version::V16)}))
            }
            Self::Transaction(event) => event.v16()?,
        })
    }

    fn v2(&self) -> (&'static str, Value) {
        match self {
            Self::Boot { vendor, model, serial_number, firmware_version, reason } => {
                let station = object([
                    ("vendorName", Some(json!(vendor))),
                    ("model", Some(json!(model))),
                    ("serialNumber", text(serial_number)),
                    ("firmwareVersion", text(firmware_version)),
                ]);
                let reason = reason.as_deref().unwrap_or("PowerUp");
                ("BootNotification", json!({"chargingStation": station, "reason": reason}))
            }
            Self::Heartbeat => ("Heartbeat", json!({})),
            Self::Status { evse, connector, status, at, .. } => (
                "StatusNotification",
                json!({
                    "evseId": evse,
                    "connectorId": connector,
                    "connectorStatus": status_v2(*status),
                    "timestamp": time(*at),
                }),
            ),
            Self::Authorize { id_token, token_type } => {
                ("Authorize", json!({"idToken": token(id_token, token_type)}))
            }
            Self::MeterValues { evse, samples } => {
                ("MeterValues", json!({"evseId": evse, "meterValue": groups(samples, Version::V201)}))
            }
            Self::Transaction(event) => ("TransactionEvent", event.v2()),
        }
    }
}

impl StationTransaction {
    fn v16(&self) -> Result<(&'static str, Value), Violation> {
        let whole = whole_wh(self.meter_wh);
        Ok(match self.phase {
            TransactionPhase::Started => (
                "StartTransaction",
                json!({
                    "connectorId": self.evse,
                    "idTag": self.id_token.as_deref().unwrap_or_default(),
                    "meterStart": whole,
                    "timestamp": time(self.at),
                }),
            ),
            TransactionPhase::Updated => (
                "MeterValues",
                json!({
                    "connectorId": self.evse,
                    "transactionId": self.number()?,
                    "meterValue": groups(&self.with_register("Sample.Periodic"), Version::V16),
                }),
            ),
            TransactionPhase::Ended => (
                "StopTransaction",
                object([
                    ("transactionId", Some(json!(self.number()?))),
                    ("idTag", text(&self.id_token)),
                    ("meterStop", Some(json!(whole))),
                    ("timestamp", Some(time(self.at))),
                    ("reason", text(&self.stopped_reason)),
                    ("transactionData", Some(groups(&self.with_register("Transaction.End"), Version::V16))),
                ]),
            ),
        })
    }

    fn v2(&self) -> Value {
        let (event, trigger, context) = match self.phase {
            TransactionPhase::Started => ("Started", "Authorized", "Transaction.Begin"),
            TransactionPhase::Updated => ("Updated", "MeterValuePeriodic", "Sample.Periodic"),
            TransactionPhase::Ended => ("Ended", "StopAuthorized", "Transaction.End"),
        };
        let info = object([
            ("transactionId", Some(json!(self.transaction_id))),
            ("chargingState", text(&self.charging_state)),
            ("stoppedReason", text(&self.stopped_reason)),
            ("remoteStartId", self.remote_start_id.map(Value::from)),
        ]);
        object([
            ("eventType", Some(json!(event))),
            ("timestamp", Some(time(self.at))),
            ("triggerReason", Some(json!(self.trigger.as_deref().unwrap_or(trigger)))),
            ("seqNo", Some(json!(self.seq_no))),
            ("offline", self.offline.then_some(Value::Bool(true))),
            ("transactionInfo", Some(info)),
            ("evse", Some(json!({"id": self.evse, "connectorId": self.connector}))),
            ("idToken", self.id_token.as_ref().map(|id| token(id, &self.token_type))),
            ("meterValue", Some(groups(&self.with_register(context), Version::V201))),
        ])
    }

    /// The samples, with the energy register first unless it is among them.
    fn with_register(&self, context: &str) -> Vec<MeterSample> {
        let mut samples = Vec::with_capacity(self.samples.len() + 1);
        if !self.samples.iter().any(|s| s.measurand == REGISTER && s.phase.is_none()) {
            samples.push(MeterSample {
                at: self.at,
                measurand: REGISTER.to_owned(),
                phase: None,
                location: None,
                context: Some(context.to_owned()),
                value: self.meter_wh,
                unit: "Wh".to_owned(),
            });
        }
        samples.extend(self.samples.iter().cloned());
        samples
    }

    fn number(&self) -> Result<i64, Violation> {
        self.transaction_id.parse().map_err(|_| {
            let detail = format!("`{}` is not a whole number", self.transaction_id);
            Violation::new(ErrorCode::TypeConstraintViolation, "transactionId", detail)
        })
    }
}

/// Writes the reply to a call of the central system.
#[must_use]
pub fn write_reply(version: Version, message_id: &str, reply: &StationReply) -> String {
    match reply {
        StationReply::Status(status) => envelope::result(message_id, &json!({"status": status})),
        StationReply::Payload(payload) => envelope::result(message_id, payload),
        StationReply::Error { code, detail } => envelope::error(version, message_id, *code, detail),
    }
}

/// Samples of one instant, side by side in the list, share one `meterValue`. A measurand that the version
/// has no word for is left out: 2.x knows no temperature in meter values, 1.6 none of the newer ones.
fn groups(samples: &[MeterSample], version: Version) -> Value {
    let known: Vec<&MeterSample> = samples.iter().filter(|s| has_word(version, &s.measurand)).collect();
    let group = |samples: &[&MeterSample]| {
        let sampled: Vec<Value> = samples
            .iter()
            .map(|s| if version == Version::V16 { sample_v16(s) } else { sample_v2(s) })
            .collect();
        json!({"timestamp": samples.first().map(|s| time(s.at)), "sampledValue": sampled})
    };
    known.chunk_by(|a, b| a.at == b.at).map(group).collect()
}

fn has_word(version: Version, measurand: &str) -> bool {
    if version.is_v2() {
        return !matches!(measurand, "Temperature" | "RPM");
    }
    let energy =
        |rest: &str| matches!(rest.split_once('.'), Some(("Export" | "Import", "Register" | "Interval")));
    match measurand {
        "Power.Factor" | "Power.Offered" | "Power.Active.Export" | "Power.Active.Import" => true,
        "Power.Reactive.Export" | "Power.Reactive.Import" => true,
        "Current.Export" | "Current.Import" | "Current.Offered" | "Voltage" => true,
        "Frequency" | "Temperature" | "SoC" | "RPM" => true,
        other => other
            .strip_prefix("Energy.Active.")
            .or_else(|| other.strip_prefix("Energy.Reactive."))
            .is_some_and(energy),
    }
}

fn sample_v16(sample: &MeterSample) -> Value {
    // 1.6 lists its units: what it has no word for is sent without one.
    let unit = match sample.unit.as_str() {
        unit @ ("Wh" | "varh" | "W" | "VA" | "var" | "A" | "V" | "Celsius" | "K" | "Percent") => {
            Some(json!(unit))
        }
        _ => None,
    };
    object([
        ("value", Some(json!(sample.value.normalize().to_string()))),
        ("context", text(&sample.context)),
        ("measurand", Some(json!(sample.measurand))),
        ("phase", text(&sample.phase)),
        ("location", text(&sample.location)),
        ("unit", unit),
    ])
}

fn sample_v2(sample: &MeterSample) -> Value {
    let unit = (!sample.unit.is_empty()).then(|| json!({"unit": sample.unit}));
    object([
        ("value", Some(number(sample.value))),
        ("context", text(&sample.context)),
        ("measurand", Some(json!(sample.measurand))),
        ("phase", text(&sample.phase)),
        ("location", text(&sample.location)),
        ("unitOfMeasure", unit),
    ])
}

/// A decimal as a JSON number: the nearest double, whose shortest form has the same digits up to 15 of them.
fn number(value: Decimal) -> Value {
    let value = value.normalize();
    if let (0, Ok(whole)) = (value.scale(), i64::try_from(value)) {
        return whole.into();
    }
    value.to_string().parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

fn whole_wh(value: Decimal) -> i64 {
    i64::try_from(value.round()).unwrap_or(if value.is_sign_negative() { i64::MIN } else { i64::MAX })
}

/// 1.6 has no `Occupied`; a vehicle that is plugged in and does not charge is `Preparing`.
fn status_v16(status: ConnectorStatus) -> &'static str {
    match status {
        ConnectorStatus::Occupied => ConnectorStatus::Preparing.as_str(),
        other => other.as_str(),
    }
}

/// 2.x tells only whether the connector is in use; the rest is in the transaction.
fn status_v2(status: ConnectorStatus) -> &'static str {
    match status {
        ConnectorStatus::Preparing
        | ConnectorStatus::Charging
        | ConnectorStatus::SuspendedEVSE
        | ConnectorStatus::SuspendedEV
        | ConnectorStatus::Finishing => ConnectorStatus::Occupied.as_str(),
        other => other.as_str(),
    }
}

fn token(id_token: &str, token_type: &Option<String>) -> Value {
    json!({"idToken": id_token, "type": token_type.as_deref().unwrap_or("ISO14443")})
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

fn text(value: &Option<String>) -> Option<Value> {
    value.as_ref().map(|text| text.as_str().into())
}

fn time(at: Timestamp) -> Value {
    Timestamp::from_millis(at.as_millis()).to_string().into()
}
