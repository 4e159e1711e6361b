//! The facts of OCPP 2.0.1 and 2.1, which agree in all that is read here.

use serde::Deserialize;
use serde_json::value::RawValue;
use voltwin_core::{Timestamp, TransactionPhase};

use super::{Raw, Reader, Samples, missing, need, need_int, need_number, need_text, wrong_type};
use crate::{
    ConnectorStatus, ContractProof, ErrorCode, Fact, SignedReading, TransactionReport, Violation,
    meter::{self, RawSample},
    version::clip,
};

/// The longest chain of a contract's certificate, in characters, and the most hashes: those of 2.1.
const CONTRACT_CHARS_MAX: usize = 10_000;
const HASHES_MAX: usize = 4;

pub(super) fn fact(reader: &mut Reader, action: &'static str, json: &str) -> Result<Fact, Violation> {
    match action {
        "BootNotification" => boot(reader, json),
        "Heartbeat" => Ok(Fact::Heartbeat),
        "StatusNotification" => status(reader, json),
        "Authorize" => {
            let fields: Authorize = reader.object(json, "")?;
            let (id_token, token_type) = token(reader, need(fields.id_token, "idToken")?)?;
            let certificate = reader.text(fields.certificate, "certificate", CONTRACT_CHARS_MAX);
            let hashes: Vec<serde_json::Value> = reader
                .plain(fields.iso15118_certificate_hash_data, "iso15118CertificateHashData", "a list")
                .unwrap_or_default();
            let proof = ContractProof { certificate, hashes: hashes.into_iter().take(HASHES_MAX).collect() };
            let contract = (proof != ContractProof::default()).then(|| Box::new(proof));
            Ok(Fact::Authorize { id_token, token_type, contract })
        }
        "TransactionEvent" => transaction(reader, json),
        "MeterValues" => {
            let fields: MeterValues = reader.object(json, "")?;
            let evse = need_number(fields.evse_id, "evseId")?;
            let mut samples = Samples::default();
            read_samples(reader, &mut samples, need(fields.meter_value, "meterValue")?)?;
            Ok(Fact::MeterValues { evse, connector: 0, samples: samples.plain, signed: samples.signed })
        }
        other => Ok(Fact::Other { action: other, payload: reader.object(json, "")? }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorize<'a> {
    #[serde(borrow)]
    id_token: Raw<'a>,
    #[serde(borrow)]
    certificate: Raw<'a>,
    #[serde(borrow)]
    iso15118_certificate_hash_data: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token<'a> {
    #[serde(borrow)]
    id_token: Raw<'a>,
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
}

fn token(reader: &mut Reader, raw: &RawValue) -> Result<(String, Option<String>), Violation> {
    let fields: Token = reader.object(raw.get(), "idToken")?;
    Ok((need_text(fields.id_token, "idToken.idToken")?, reader.text(fields.kind, "idToken.type", 50)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Boot<'a> {
    #[serde(borrow)]
    charging_station: Raw<'a>,
    #[serde(borrow)]
    reason: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Station<'a> {
    #[serde(borrow)]
    vendor_name: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
    #[serde(borrow)]
    serial_number: Raw<'a>,
    #[serde(borrow)]
    firmware_version: Raw<'a>,
}

fn boot(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: Boot = reader.object(json, "")?;
    let station: Station =
        reader.object(need(fields.charging_station, "chargingStation")?.get(), "chargingStation")?;
    Ok(Fact::Boot {
        vendor: need_text(station.vendor_name, "chargingStation.vendorName")?,
        model: need_text(station.model, "chargingStation.model")?,
        serial_number: reader.text(station.serial_number, "chargingStation.serialNumber", 25),
        firmware_version: reader.text(station.firmware_version, "chargingStation.firmwareVersion", 50),
        reason: reader.text(fields.reason, "reason", 50),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    evse_id: Raw<'a>,
    #[serde(borrow)]
    connector_id: Raw<'a>,
    #[serde(borrow)]
    connector_status: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
}

fn status(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: Status = reader.object(json, "")?;
    let word = need_text(fields.connector_status, "connectorStatus")?;
    let status: ConnectorStatus = word.parse().map_err(|_| {
        let detail = format!("`{}` is not a connector status", clip(&word));
        Violation::new(ErrorCode::PropertyConstraintViolation, "connectorStatus", detail)
    })?;
    Ok(Fact::Status {
        evse: need_number(fields.evse_id, "evseId")?,
        connector: need_number(fields.connector_id, "connectorId")?,
        status,
        error_code: None,
        info: None,
        at: reader.time(fields.timestamp, "timestamp"),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransactionEvent<'a> {
    #[serde(borrow)]
    event_type: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    trigger_reason: Raw<'a>,
    #[serde(borrow)]
    seq_no: Raw<'a>,
    #[serde(borrow)]
    offline: Raw<'a>,
    #[serde(borrow)]
    evse: Raw<'a>,
    #[serde(borrow)]
    id_token: Raw<'a>,
    #[serde(borrow)]
    transaction_info: Raw<'a>,
    #[serde(borrow)]
    meter_value: Raw<'a>,
    #[serde(borrow)]
    reservation_id: Raw<'a>,
    #[serde(borrow)]
    cost_details: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    #[serde(borrow)]
    transaction_id: Raw<'a>,
    #[serde(borrow)]
    charging_state: Raw<'a>,
    #[serde(borrow)]
    stopped_reason: Raw<'a>,
    #[serde(borrow)]
    remote_start_id: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evse<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    connector_id: Raw<'a>,
}

fn transaction(reader: &mut Reader, json: &str) -> Result<Fact, Violation> {
    let fields: TransactionEvent = reader.object(json, "")?;
    let (phase, context) = match need_text(fields.event_type, "eventType")?.as_str() {
        "Started" => (TransactionPhase::Started, Some("Transaction.Begin")),
        "Updated" => (TransactionPhase::Updated, None),
        "Ended" => (TransactionPhase::Ended, Some("Transaction.End")),
        other => {
            let detail = format!("`{}` is not Started, Updated or Ended", clip(other));
            return Err(Violation::new(ErrorCode::PropertyConstraintViolation, "eventType", detail));
        }
    };
    let info: Info =
        reader.object(need(fields.transaction_info, "transactionInfo")?.get(), "transactionInfo")?;
    let transaction_id = need_text(info.transaction_id, "transactionInfo.transactionId")?;
    let seq_no = need_int(fields.seq_no, "seqNo")?;
    let seq_no = u64::try_from(seq_no).map_err(|_| {
        let detail = format!("expected at least 0, got {seq_no}");
        Violation::new(ErrorCode::PropertyConstraintViolation, "seqNo", detail)
    })?;
    let at = reader.need_time(fields.timestamp, "timestamp")?;
    let (evse, connector) = place(reader, fields.evse)?;
    // A token that cannot be read must not cost the transaction.
    let (id_token, token_type) = match fields.id_token.map(|raw| token(reader, raw)) {
        Some(Ok((id_token, token_type))) => (Some(id_token), token_type),
        Some(Err(violation)) => {
            reader.note(violation);
            (None, None)
        }
        None => (None, None),
    };
    let mut samples = Samples::default();
    if let Some(list) = fields.meter_value {
        read_samples(reader, &mut samples, list)?;
    }
    let mut word = |raw, field: &str| reader.text(raw, field, 50);
    Ok(Fact::Transaction(Box::new(TransactionReport {
        transaction_id: Some(transaction_id),
        phase,
        seq_no,
        start_key: None,
        evse,
        connector,
        id_token,
        token_type,
        at,
        meter_wh: meter::register_wh(&samples.plain, context),
        trigger: word(fields.trigger_reason, "triggerReason"),
        stopped_reason: word(info.stopped_reason, "transactionInfo.stoppedReason"),
        charging_state: word(info.charging_state, "transactionInfo.chargingState"),
        offline: reader.plain(fields.offline, "offline", "true or false").unwrap_or(false),
        remote_start_id: reader.plain(info.remote_start_id, "transactionInfo.remoteStartId", "an integer"),
        reservation_id: reader.plain(fields.reservation_id, "reservationId", "an integer"),
        samples: samples.plain,
        signed: samples.signed,
        cost_details: reader.plain(fields.cost_details, "costDetails", "an object"),
    })))
}

fn place(reader: &mut Reader, evse: Raw<'_>) -> Result<(Option<u32>, Option<u32>), Violation> {
    let Some(raw) = evse else { return Ok((None, None)) };
    let fields: Evse = reader.object(raw.get(), "evse")?;
    let id = need_number(fields.id, "evse.id")?;
    let connector = match fields.connector_id {
        Some(raw) => Some(need_number(Some(raw), "evse.connectorId")?),
        None => None,
    };
    Ok((Some(id), connector))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MeterValues<'a> {
    #[serde(borrow)]
    evse_id: Raw<'a>,
    #[serde(borrow)]
    meter_value: Raw<'a>,
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
#[serde(rename_all = "camelCase")]
struct Sampled<'a> {
    #[serde(borrow)]
    value: Raw<'a>,
    #[serde(borrow)]
    context: Raw<'a>,
    #[serde(borrow)]
    measurand: Raw<'a>,
    #[serde(borrow)]
    phase: Raw<'a>,
    #[serde(borrow)]
    location: Raw<'a>,
    #[serde(borrow)]
    unit_of_measure: Raw<'a>,
    #[serde(borrow)]
    signed_meter_value: Raw<'a>,
}

#[derive(Deserialize, Default)]
struct Unit<'a> {
    #[serde(borrow)]
    unit: Raw<'a>,
    #[serde(borrow)]
    multiplier: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed<'a> {
    #[serde(borrow)]
    signed_meter_data: Raw<'a>,
    #[serde(borrow)]
    signing_method: Raw<'a>,
    #[serde(borrow)]
    encoding_method: Raw<'a>,
    #[serde(borrow)]
    public_key: Raw<'a>,
}

fn read_samples(reader: &mut Reader, into: &mut Samples, list: &RawValue) -> Result<(), Violation> {
    let list: Vec<&RawValue> =
        serde_json::from_str(list.get()).map_err(|_| wrong_type("meterValue", "a list"))?;
    for (i, element) in list.into_iter().enumerate() {
        let field = format!("meterValue[{i}]");
        let value: MeterValue = reader.object(element.get(), &field)?;
        let at = reader.need_time(value.timestamp, &format!("{field}.timestamp"))?;
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
    Ok(())
}

fn read_sample(
    reader: &mut Reader,
    into: &mut Samples,
    element: &RawValue,
    at: Timestamp,
    field: &str,
) -> Result<(), Violation> {
    let fields: Sampled = reader.object(element.get(), field)?;
    let unit: Unit = match fields.unit_of_measure {
        Some(raw) => reader.object(raw.get(), &format!("{field}.unitOfMeasure"))?,
        None => Unit::default(),
    };
    // A wrong multiplier would be a wrong bill, so it is not one of the fields that may be dropped.
    let multiplier = match unit.multiplier {
        Some(raw) => need_int(Some(raw), &format!("{field}.unitOfMeasure.multiplier"))?,
        None => 0,
    };
    let mut text = |raw, name: &str| reader.text(raw, &format!("{field}.{name}"), 50);
    let measurand = text(fields.measurand, "measurand");
    let context = text(fields.context, "context");
    let (phase, location, unit) = (
        text(fields.phase, "phase"),
        text(fields.location, "location"),
        text(unit.unit, "unitOfMeasure.unit"),
    );
    if let Some(raw) = fields.signed_meter_value {
        let signed: Signed = reader.object(raw.get(), &format!("{field}.signedMeterValue"))?;
        let mut text =
            |raw, name: &str| reader.text(raw, &format!("{field}.signedMeterValue.{name}"), 32_768);
        if let Some(data) = text(signed.signed_meter_data, "signedMeterData") {
            into.signed.push(SignedReading {
                at,
                measurand: measurand.clone().unwrap_or_else(|| meter::REGISTER.to_owned()),
                context: context.clone(),
                data,
                encoding: text(signed.encoding_method, "encodingMethod"),
                signing_method: text(signed.signing_method, "signingMethod"),
                public_key: text(signed.public_key, "publicKey"),
            });
        }
    }
    let at_value = format!("{field}.value");
    let value = need(fields.value, &at_value)?.get();
    let sample = RawSample { at, value, measurand, unit, multiplier, phase, location, context };
    into.plain.push(sample.normalise(&at_value)?);
    Ok(())
}
