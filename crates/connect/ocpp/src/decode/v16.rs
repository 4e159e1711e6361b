//! The facts of OCPP 1.6.

use serde::Deserialize;
use serde_json::value::RawValue;
use voltwin_core::{Decimal, SEQ_NO_OF_STOP, Timestamp, TransactionPhase, seq_no_of_report};

use super::{Raw, Reader, Samples, missing, need_int, need_number, need_text, wrong_type};
use crate::{
    ConnectorStatus, ErrorCode, Fact, SignedReading, TransactionReport, Violation,
    meter::{self, RawSample},
    version::clip,
};

pub(super) fn fact(reader: &mut Reader, action: &'static str, json: &str) -> Result<Fact, Violation> {
    match action {
        "BootNotification" => boot(reader, json),
        "Heartbeat" => Ok(Fact::Heartbeat),
        "StatusNotification" => status(reader, json),
        "Authorize" => {
            let fields: Authorize = reader.object(json, "")?;
            Ok(Fact::Authorize {
                id_token: need_text(fields.id_tag, "idTag")?,
                token_type: None,
                contract: None,
            })
        }
        "StartTransaction" => start(reader, json),
        "StopTransaction" => stop(reader, json),
        "MeterValues" => meter_values(reader, json),
        other => Ok(Fact::Other { action: other, payload: reader.object(json, "")? }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorize<'a> {
    #[serde(borrow)]
    id_tag: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Boot<'a> {
    #[serde(borrow)]
    charge_point_vendor: Raw<'a>,
    #[serde(borrow)]
    charge_point_model: Raw<'a>,
    #[serde(borrow)]
    charge_point_serial_number: Raw<'a>,
    #[serde(borrow)]
    charge_box_serial_number: Raw<'a>,
    #[serde(borrow)]
    firmware_version: Raw<'a>,
}

fn boot(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: Boot = reader.object(json, "")?;
    let own = reader.text(fields.charge_point_serial_number, "chargePointSerialNumber", 25);
    let of_box = reader.text(fields.charge_box_serial_number, "chargeBoxSerialNumber", 25);
    Ok(Fact::Boot {
        vendor: need_text(fields.charge_point_vendor, "chargePointVendor")?,
        model: need_text(fields.charge_point_model, "chargePointModel")?,
        serial_number: own.or(of_box),
        firmware_version: reader.text(fields.firmware_version, "firmwareVersion", 50),
        reason: None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    connector_id: Raw<'a>,
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    error_code: Raw<'a>,
    #[serde(borrow)]
    info: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
}

fn status(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: Status = reader.object(json, "")?;
    let (evse, connector) = place(need_number(fields.connector_id, "connectorId")?);
    let word = need_text(fields.status, "status")?;
    // `Occupied` is of 2.x and of 1.5, whose firmware still says it under 1.6.
    let status: ConnectorStatus = word.parse().map_err(|_| {
        let detail = format!("`{}` is not a connector status", clip(&word));
        Violation::new(ErrorCode::PropertyConstraintViolation, "status", detail)
    })?;
    Ok(Fact::Status {
        evse,
        connector,
        status,
        error_code: reader.text(fields.error_code, "errorCode", 50).filter(|code| code != "NoError"),
        info: reader.text(fields.info, "info", 50),
        at: reader.time(fields.timestamp, "timestamp"),
    })
}

/// Connector *n* of 1.6 is EVSE *n*, connector 1; 0 is the station.
fn place(connector: u32) -> (u32, u32) {
    (connector, connector.min(1))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    #[serde(borrow)]
    connector_id: Raw<'a>,
    #[serde(borrow)]
    id_tag: Raw<'a>,
    #[serde(borrow)]
    meter_start: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    reservation_id: Raw<'a>,
}

fn start(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: Start = reader.object(json, "")?;
    let (evse, connector) = place(need_number(fields.connector_id, "connectorId")?);
    if evse == 0 {
        let detail = "a transaction needs a connector from 1";
        return Err(Violation::new(ErrorCode::PropertyConstraintViolation, "connectorId", detail));
    }
    let id_tag = need_text(fields.id_tag, "idTag")?;
    let meter_start = need_int(fields.meter_start, "meterStart")?;
    let at = reader.need_time(fields.timestamp, "timestamp")?;
    Ok(Fact::Transaction(Box::new(TransactionReport {
        start_key: Some(format!("{evse}|{at}|{meter_start}|{id_tag}")),
        evse: Some(evse),
        connector: Some(connector),
        id_token: Some(id_tag),
        meter_wh: Some(Decimal::from(meter_start)),
        reservation_id: reader.plain(fields.reservation_id, "reservationId", "an integer"),
        ..blank(TransactionPhase::Started, at)
    })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stop<'a> {
    #[serde(borrow)]
    transaction_id: Raw<'a>,
    #[serde(borrow)]
    id_tag: Raw<'a>,
    #[serde(borrow)]
    meter_stop: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    transaction_data: Raw<'a>,
}

fn stop(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: Stop = reader.object(json, "")?;
    let transaction_id = need_int(fields.transaction_id, "transactionId")?;
    let whole = Decimal::from(need_int(fields.meter_stop, "meterStop")?);
    let at = reader.need_time(fields.timestamp, "timestamp")?;
    let mut samples = Samples::default();
    if let Some(data) = fields.transaction_data {
        read_samples(reader, &mut samples, data, "transactionData")?;
    }
    // The stop rounds to whole watt-hours; a sample of the same reading has the rest of it.
    let finer = samples
        .plain
        .iter()
        .any(|s| s.context.as_deref() == Some("Transaction.End"))
        .then(|| meter::register_wh(&samples.plain, Some("Transaction.End")))
        .flatten()
        .filter(|fine| (*fine - whole).abs() < Decimal::ONE);
    Ok(Fact::Transaction(Box::new(TransactionReport {
        transaction_id: Some(transaction_id.to_string()),
        seq_no: SEQ_NO_OF_STOP,
        id_token: reader.text(fields.id_tag, "idTag", 255),
        meter_wh: Some(finer.unwrap_or(whole)),
        // The default of the specification: absent means that it ended as it should.
        stopped_reason: Some(reader.text(fields.reason, "reason", 50).unwrap_or_else(|| "Local".into())),
        samples: samples.plain,
        signed: samples.signed,
        ..blank(TransactionPhase::Ended, at)
    })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MeterValues<'a> {
    #[serde(borrow)]
    connector_id: Raw<'a>,
    #[serde(borrow)]
    transaction_id: Raw<'a>,
    #[serde(borrow)]
    meter_value: Raw<'a>,
}

fn meter_values(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: MeterValues = reader.object(json, "")?;
    let (evse, connector) = place(need_number(fields.connector_id, "connectorId")?);
    let transaction: Option<i64> = reader.plain(fields.transaction_id, "transactionId", "an integer");
    let mut samples = Samples::default();
    let values = fields.meter_value.ok_or_else(|| missing("meterValue"))?;
    let newest = read_samples(reader, &mut samples, values, "meterValue")?;
    let Samples { plain, signed } = samples;
    // Stations send 0 or -1 for "no transaction"; ids that we give start at 1.
    match (transaction.filter(|id| *id > 0), newest) {
        (Some(id), Some(at)) => Ok(Fact::Transaction(Box::new(TransactionReport {
            transaction_id: Some(id.to_string()),
            seq_no: seq_no_of_report(at, values.get()),
            evse: (evse > 0).then_some(evse),
            connector: (evse > 0).then_some(connector),
            meter_wh: meter::register_wh(&plain, None),
            samples: plain,
            signed,
            ..blank(TransactionPhase::Updated, at)
        }))),
        _ => Ok(Fact::MeterValues { evse, connector, samples: plain, signed }),
    }
}

fn blank(phase: TransactionPhase, at: Timestamp) -> TransactionReport {
    TransactionReport {
        transaction_id: None,
        phase,
        seq_no: 0,
        start_key: None,
        evse: None,
        connector: None,
        id_token: None,
        token_type: None,
        at,
        meter_wh: None,
        trigger: None,
        stopped_reason: None,
        charging_state: None,
        offline: false,
        remote_start_id: None,
        reservation_id: None,
        samples: Vec::new(),
        signed: Vec::new(),
        cost_details: None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MeterValue<'a> {
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    sampled_value: Raw<'a>,
}

#[derive(Deserialize)]
struct Sampled<'a> {
    #[serde(borrow)]
    value: Raw<'a>,
    #[serde(borrow)]
    context: Raw<'a>,
    #[serde(borrow)]
    format: Raw<'a>,
    #[serde(borrow)]
    measurand: Raw<'a>,
    #[serde(borrow)]
    phase: Raw<'a>,
    #[serde(borrow)]
    location: Raw<'a>,
    #[serde(borrow)]
    unit: Raw<'a>,
}

/// Reads a list of meter values; returns the newest time among them.
fn read_samples(
    reader: &mut Reader,
    into: &mut Samples,
    list: &RawValue,
    field: &str,
) -> Result<Option<Timestamp>, Violation> {
    let list: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| wrong_type(field, "a list"))?;
    let mut newest = None;
    for (i, element) in list.into_iter().enumerate() {
        let field = format!("{field}[{i}]");
        let value: MeterValue = reader.object(element.get(), &field)?;
        let at = reader.need_time(value.timestamp, &format!("{field}.timestamp"))?;
        newest = newest.max(Some(at));
        let sampled = value.sampled_value.ok_or_else(|| missing(&format!("{field}.sampledValue")))?;
        let sampled: Vec<&RawValue> = serde_json::from_str(sampled.get())
            .map_err(|_| wrong_type(&format!("{field}.sampledValue"), "a list"))?;
        let first = into.plain.len();
        for (j, element) in sampled.into_iter().enumerate() {
            let field = format!("{field}.sampledValue[{j}]");
            into.room(&field)?;
            if let Err(violation) = read_sample(reader, into, element, at, &field) {
                reader.note(violation);
            }
        }
        meter::add_phase_totals(&mut into.plain, first);
    }
    Ok(newest)
}

fn read_sample(
    reader: &mut Reader,
    into: &mut Samples,
    element: &RawValue,
    at: Timestamp,
    field: &str,
) -> Result<(), Violation> {
    let fields: Sampled = reader.object(element.get(), field)?;
    let mut text = |raw, name: &str| reader.text(raw, &format!("{field}.{name}"), 50);
    let measurand = text(fields.measurand, "measurand");
    let context = text(fields.context, "context");
    let signed = text(fields.format, "format").as_deref() == Some("SignedData");
    let (phase, location, unit) =
        (text(fields.phase, "phase"), text(fields.location, "location"), text(fields.unit, "unit"));
    let at_value = format!("{field}.value");
    let value: std::borrow::Cow<'_, str> = match fields.value {
        None => return Err(missing(&at_value)),
        // A number where a string belongs has been noted by the type check and is as good.
        Some(raw) if !raw.get().starts_with('"') => raw.get().into(),
        Some(raw) => {
            serde_json::from_str::<String>(raw.get()).map_err(|_| wrong_type(&at_value, "a string"))?.into()
        }
    };
    if signed {
        let measurand = measurand.unwrap_or_else(|| meter::REGISTER.to_owned());
        into.signed.push(SignedReading {
            at,
            measurand,
            context,
            data: value.into_owned(),
            encoding: None,
            signing_method: None,
            public_key: None,
        });
        return Ok(());
    }
    let sample = RawSample { at, value: &value, measurand, unit, multiplier: 0, phase, location, context };
    into.plain.push(sample.normalise(&at_value)?);
    Ok(())
}
