//! What a device said.
//!
//! Source of the names of properties: "Create and read IoT Hub messages", Microsoft Learn, the table of names by endpoint.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json};
use voltwin_core::Timestamp;

use crate::error::{IotHubError, clip};

/// The largest message of a device that a hub takes, with its properties.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// An application property in which a device says when it measured.
pub(crate) const CREATED: &str = "iothub-creation-time-utc";

/// What a device said, with what the hub stamped on it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceMessage {
    /// Who sent it, as the hub knows it.
    pub device: String,
    /// The module of the device.
    pub module: Option<String>,
    /// The component of the twin that it is about (`dt-subject`).
    pub component: Option<String>,
    /// The model that the device announced when it connected (`dt-dataschema`).
    pub model: Option<String>,
    /// The device's own number of it.
    pub message_id: Option<String>,
    /// What it is an answer to.
    pub correlation_id: Option<String>,
    /// When the hub took it.
    pub enqueued_at: Option<Timestamp>,
    /// When the device measured, where it says so.
    pub created_at: Option<Timestamp>,
    /// Such as `application/json`.
    pub content_type: Option<String>,
    /// Such as `utf-8`.
    pub content_encoding: Option<String>,
    /// Application properties.
    pub properties: BTreeMap<String, String>,
    /// What it says.
    pub body: Body,
}

/// The body of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// JSON in UTF-8, which the device declared as such.
    Json(Json),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl DeviceMessage {
    /// A message without any property.
    #[must_use]
    pub fn new(device: impl Into<String>, body: Body) -> Self {
        Self {
            device: device.into(),
            module: None,
            component: None,
            model: None,
            message_id: None,
            correlation_id: None,
            enqueued_at: None,
            created_at: None,
            content_type: None,
            content_encoding: None,
            properties: BTreeMap::new(),
            body,
        }
    }

    /// A message that a hub routed to Event Hubs or Service Bus, or that is read at its built-in endpoint: the body
    /// with the two sets of properties.
    ///
    /// # Errors
    /// The property that is missing or wrong.
    pub fn routed(
        body: &[u8],
        system: &Map<String, Json>,
        application: &Map<String, Json>,
    ) -> Result<Self, IotHubError> {
        if body.len() > MESSAGE_BYTES_MAX {
            let length = body.len();
            let reason = format!("has {length} bytes, {MESSAGE_BYTES_MAX} at most");
            return Err(IotHubError::field("body", reason));
        }
        let mut message = Self::stamped(system, application)?;
        message.body = if message.says_json() {
            let json = serde_json::from_slice(body);
            Body::Json(json.map_err(|error| IotHubError::field("body", format!("is no JSON: {error}")))?)
        } else {
            Body::Bytes(body.to_vec())
        };
        Ok(message)
    }

    /// A line of a blob, as a hub writes them when it routes to storage.
    ///
    /// # Errors
    /// The property that is missing or wrong.
    pub fn stored(line: &[u8]) -> Result<Self, IotHubError> {
        let line: Map<String, Json> =
            serde_json::from_slice(line).map_err(|error| IotHubError::Body(error.to_string()))?;
        let mut message = Self::inside(&line, "SystemProperties", "Properties", "Body")?;
        if message.enqueued_at.is_none() {
            message.enqueued_at = time(&line, &["EnqueuedTimeUtc"])?;
        }
        Ok(message)
    }

    /// A message as part of JSON: its body is JSON where it was declared as such, and base64 of the bytes otherwise.
    pub(crate) fn inside(
        outer: &Map<String, Json>,
        system: &str,
        application: &str,
        body: &str,
    ) -> Result<Self, IotHubError> {
        let part = |name: &str| match outer.get(name) {
            None | Some(Json::Null) => Ok(Map::new()),
            Some(Json::Object(part)) => Ok(part.clone()),
            Some(_) => Err(IotHubError::field(name, "must be an object")),
        };
        let mut message = Self::stamped(&part(system)?, &part(application)?)?;
        let found = outer.get(body).ok_or_else(|| IotHubError::field(body, "is missing"))?;
        message.body = match found {
            // a hub writes base64 where the device did not declare JSON in UTF-8
            Json::String(text) if !message.says_json() => {
                let bytes = STANDARD.decode(text);
                Body::Bytes(
                    bytes.map_err(|error| IotHubError::field(body, format!("is no base64: {error}")))?,
                )
            }
            other => Body::Json(other.clone()),
        };
        Ok(message)
    }

    fn stamped(system: &Map<String, Json>, application: &Map<String, Json>) -> Result<Self, IotHubError> {
        let device = text(system, &["iothub-connection-device-id", "connectionDeviceId"])?
            .ok_or_else(|| IotHubError::field("iothub-connection-device-id", "is missing"))?;
        check_id("iothub-connection-device-id", &device)?;
        let module = text(system, &["iothub-connection-module-id", "connectionModuleId"])?;
        if let Some(module) = &module {
            check_id("iothub-connection-module-id", module)?;
        }
        let mut properties = BTreeMap::new();
        for (name, value) in application {
            let value = match value {
                Json::String(value) => value.clone(),
                Json::Null => String::new(),
                Json::Number(_) | Json::Bool(_) => value.to_string(),
                Json::Array(_) | Json::Object(_) => {
                    return Err(IotHubError::field(format!("properties.{}", clip(name)), "must be a text"));
                }
            };
            properties.insert(name.clone(), value);
        }
        let created =
            ["iothub-creation-time-utc", "iothub-app-iothub-creation-time-utc", "creation-time-utc"];
        let created_at = match time(system, &created)? {
            Some(at) => Some(at),
            None => time(application, &created)?,
        };
        properties.remove(CREATED);
        Ok(Self {
            device,
            module,
            component: text(system, &["dt-subject"])?,
            model: text(system, &["dt-dataschema"])?,
            message_id: text(system, &["message-id", "messageId", "MessageId"])?,
            correlation_id: text(system, &["correlation-id", "correlationId", "CorrelationId"])?,
            enqueued_at: time(system, &["iothub-enqueuedtime", "enqueuedTime"])?,
            created_at,
            content_type: text(
                system,
                &["iothub-content-type", "content-type", "contentType", "ContentType"],
            )?,
            content_encoding: text(
                system,
                &["iothub-content-encoding", "content-encoding", "contentEncoding", "ContentEncoding"],
            )?,
            properties,
            body: Body::Bytes(Vec::new()),
        })
    }

    /// Whether the device declared its body as JSON in UTF-8, by both properties or by the charset in one.
    pub(crate) fn says_json(&self) -> bool {
        let Some(kind) = &self.content_type else { return false };
        let mut parts = kind.split(';').map(|part| part.trim().to_ascii_lowercase());
        let json = parts.next().is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
        let charset = parts.find_map(|part| part.strip_prefix("charset=").map(str::to_owned));
        let encoding =
            charset.or_else(|| self.content_encoding.as_ref().map(|kind| kind.to_ascii_lowercase()));
        json && encoding.is_some_and(|kind| kind == "utf-8" || kind == "utf8")
    }

    /// The telemetry of the twin: an object whose members are the model's telemetry by name. A body that was not
    /// declared as JSON is read as such all the same.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn telemetry(&self) -> Result<Map<String, Json>, IotHubError> {
        let wrong = |reason| IotHubError::NoTelemetry { device: self.device.clone(), reason };
        match &self.body {
            Body::Json(Json::Object(members)) => Ok(members.clone()),
            Body::Json(_) => Err(wrong("is JSON, and no object")),
            Body::Bytes(bytes) => serde_json::from_slice(bytes).map_err(|_| wrong("is no JSON object")),
        }
    }

    /// When it was measured: as the device says, else as the hub does.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        self.created_at.or(self.enqueued_at)
    }
}

/// A device's or module's id: case-sensitive, 1 to 128 characters.
pub(crate) fn check_id(field: &str, id: &str) -> Result<(), IotHubError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-:.+%_#*?!(),=@;$'".contains(c);
    if (1..=128).contains(&id.len()) && id.chars().all(fits) {
        return Ok(());
    }
    let rule = "must be 1 to 128 letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '";
    Err(IotHubError::field(field, format!("{rule}, not {:?}", clip(id))))
}

fn text(from: &Map<String, Json>, names: &[&str]) -> Result<Option<String>, IotHubError> {
    for name in names {
        match from.get(*name) {
            None | Some(Json::Null) => {}
            Some(Json::String(text)) => return Ok(Some(text.clone())),
            Some(_) => return Err(IotHubError::field(*name, "must be a text")),
        }
    }
    Ok(None)
}

fn time(from: &Map<String, Json>, names: &[&str]) -> Result<Option<Timestamp>, IotHubError> {
    for name in names {
        match from.get(*name) {
            None | Some(Json::Null) => {}
            Some(Json::String(text)) => {
                let at = text
                    .parse()
                    .map_err(|error| IotHubError::field(*name, format!("is no time: {error}")))?;
                return Ok(Some(at));
            }
            Some(_) => return Err(IotHubError::field(*name, "must be a text with a time in UTC")),
        }
    }
    Ok(None)
}
