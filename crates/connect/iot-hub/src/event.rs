//! Events of a hub by Event Grid, in its own schema and as CloudEvents.
//!
//! Source: "Azure IoT Hub as an Event Grid source", and "Webhook event delivery", Microsoft Learn.

use serde_json::{Map, Value as Json, json};
use voltwin_core::Timestamp;

use crate::{
    error::IotHubError,
    message::{DeviceMessage, check_id},
};

/// How many events one delivery may have; Event Grid sends up to 5,000.
pub const EVENTS_MAX: usize = 5_000;

const VALIDATION: &str = "Microsoft.EventGrid.SubscriptionValidationEvent";

/// What Event Grid delivers.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// It asks whether we want events; [`validation_answer`] says yes.
    Validation {
        /// What must be sent back.
        code: String,
    },
    /// Events, in the order in which they stand.
    Events {
        /// Those that can be read.
        found: Vec<HubEvent>,
        /// The others, by their place in the delivery: a device that says nonsense must not take the events of others along.
        rejected: Vec<(usize, IotHubError)>,
    },
}

/// One event of a hub.
#[derive(Debug, Clone, PartialEq)]
pub struct HubEvent {
    /// Its place in the delivery, from 0.
    pub place: usize,
    /// The same when it is delivered again.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// The hub, where the event says so; else the last part of its resource id.
    pub hub: String,
    /// The device.
    pub device: String,
    /// Its module.
    pub module: Option<String>,
    /// What happened.
    pub happening: Happening,
}

/// What happened to a device.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// It said something.
    Telemetry(Box<DeviceMessage>),
    /// It was registered; the hub's document of it.
    Created(Json),
    /// It was removed; the hub's document of it.
    Deleted(Json),
    /// It came. Of two, the one with the greater number is the later one; they come out of order.
    Connected {
        /// Hexadecimal digits, strictly increasing for a device.
        sequence: String,
    },
    /// It left.
    Disconnected {
        /// As of [`Happening::Connected`].
        sequence: String,
    },
}

/// The body of the answer to a validation.
#[must_use]
pub fn validation_answer(code: &str) -> Json {
    json!({"validationResponse": code})
}

/// Reads a delivery: one event or an array of them. Events of other sources and kinds are passed over.
///
/// # Errors
/// What makes it no delivery: no JSON, too many, or an entry that is no event at all, by its place.
pub fn events(body: &[u8]) -> Result<Incoming, IotHubError> {
    let read: Json = serde_json::from_slice(body).map_err(|error| IotHubError::Body(error.to_string()))?;
    let items = match read {
        Json::Array(items) => items,
        one @ Json::Object(_) => vec![one],
        _ => return Err(IotHubError::Body("it must be an event or an array of events".into())),
    };
    if items.len() > EVENTS_MAX {
        return Err(IotHubError::Body(format!("it has {} events, {EVENTS_MAX} at most", items.len())));
    }
    let (mut found, mut rejected) = (Vec::with_capacity(items.len()), Vec::new());
    for (place, item) in items.iter().enumerate() {
        let Json::Object(item) = item else {
            return Err(IotHubError::field(format!("[{place}]"), "must be an object"));
        };
        if item.get("eventType").and_then(Json::as_str) == Some(VALIDATION) {
            let code = item.get("data").and_then(|data| data.get("validationCode")).and_then(Json::as_str);
            let code = code.filter(|code| code.len() <= 1_024);
            let code = code.ok_or_else(|| IotHubError::field("data.validationCode", "must be a text"))?;
            return Ok(Incoming::Validation { code: code.to_owned() });
        }
        let cloud = item.contains_key("specversion");
        let names = if cloud { ["type", "time", "source"] } else { ["eventType", "eventTime", "topic"] };
        let kind = text(item, names[0]).map_err(|error| at_place(place, error))?;
        let Some(kind) = kind.strip_prefix("Microsoft.Devices.") else { continue };
        match event(place, kind, names, item) {
            Ok(event) => found.extend(event),
            Err(error) => rejected.push((place, error)),
        }
    }
    Ok(Incoming::Events { found, rejected })
}

fn at_place(place: usize, error: IotHubError) -> IotHubError {
    match error {
        IotHubError::Field { field, reason } => {
            IotHubError::Field { field: format!("[{place}].{field}"), reason }
        }
        other => other,
    }
}

/// One event of a kind that begins with `Microsoft.Devices.`; `names` are those of the kind, the time and the source.
fn event(
    place: usize,
    kind: &str,
    names: [&str; 3],
    item: &Map<String, Json>,
) -> Result<Option<HubEvent>, IotHubError> {
    let [_, time, source] = names;
    let at = text(item, time)?;
    let at = at.parse().map_err(|error| IotHubError::field(time, format!("is no time: {error}")))?;
    let empty = Map::new();
    let data = match item.get("data") {
        Some(Json::Object(data)) => data,
        None => &empty,
        Some(_) => return Err(IotHubError::field("data", "must be an object")),
    };
    let said = |name: &str| data.get(name).and_then(Json::as_str).map(str::to_owned);
    let sequence = || {
        let info = data.get("deviceConnectionStateEventInfo");
        let sequence = info.and_then(|info| info.get("sequenceNumber")).and_then(Json::as_str);
        let sequence = sequence.filter(|digits| (1..=128).contains(&digits.len()));
        let sequence = sequence.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let field = "data.deviceConnectionStateEventInfo.sequenceNumber";
        sequence.map(str::to_owned).ok_or_else(|| IotHubError::field(field, "must be hexadecimal digits"))
    };
    let twin = || data.get("twin").cloned().unwrap_or(Json::Null);
    let happening = match kind {
        "DeviceTelemetry" => Happening::Telemetry(Box::new(DeviceMessage::inside(
            data,
            "systemProperties",
            "properties",
            "body",
        )?)),
        "DeviceCreated" => Happening::Created(twin()),
        "DeviceDeleted" => Happening::Deleted(twin()),
        "DeviceConnected" => Happening::Connected { sequence: sequence()? },
        "DeviceDisconnected" => Happening::Disconnected { sequence: sequence()? },
        _ => return Ok(None),
    };
    let (device, module) = match &happening {
        Happening::Telemetry(message) => (message.device.clone(), message.module.clone()),
        _ => {
            let device = said("deviceId").ok_or_else(|| IotHubError::field("data.deviceId", "is missing"))?;
            check_id("data.deviceId", &device)?;
            (device, said("moduleId"))
        }
    };
    let source = text(item, source)?;
    let hub = said("hubName").unwrap_or_else(|| source.rsplit('/').next().unwrap_or_default().to_owned());
    Ok(Some(HubEvent { place, id: text(item, "id")?.to_owned(), at, hub, device, module, happening }))
}

fn text<'a>(from: &'a Map<String, Json>, name: &str) -> Result<&'a str, IotHubError> {
    let found = from.get(name).and_then(Json::as_str);
    found.ok_or_else(|| IotHubError::field(name, "must be a text"))
}
