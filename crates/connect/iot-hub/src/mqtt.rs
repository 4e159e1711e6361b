//! Messages of a device as MQTT: the properties stand in the topic.
//!
//! Source: "Communicate with an IoT hub using the MQTT protocol", Microsoft Learn.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    error::{IotHubError, clip},
    message::{Body, CREATED, DeviceMessage, MESSAGE_BYTES_MAX, check_id},
};

/// What may stand in a topic as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl DeviceMessage {
    /// The topic and the payload with which a device says this. When the hub took it is the hub's to say, and is left
    /// out; so is the model, which a device names when it connects.
    ///
    /// # Errors
    /// When a hub would not take it.
    pub fn to_mqtt(&self) -> Result<(String, Vec<u8>), IotHubError> {
        check_mqtt_id("device", &self.device)?;
        let mut topic = format!("devices/{}", self.device);
        if let Some(module) = &self.module {
            check_mqtt_id("module", module)?;
            topic.push_str("/modules/");
            topic.push_str(module);
        }
        topic.push_str("/messages/events/");
        let payload = match &self.body {
            Body::Json(json) => json.to_string().into_bytes(),
            Body::Bytes(bytes) => bytes.clone(),
        };
        let created = self.created_at.map(|at| at.to_string());
        let system = [
            ("$.mid", &self.message_id),
            ("$.cid", &self.correlation_id),
            ("$.ct", &self.content_type),
            ("$.ce", &self.content_encoding),
            ("$.sub", &self.component),
        ];
        let system = system.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let created = created.as_deref().map(|at| (CREATED, at));
        let application = self.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut bytes = payload.len();
        let mut bag = Vec::new();
        for (name, value) in system.chain(created).chain(application) {
            bytes += name.len() + value.len();
            bag.push(format!("{}={}", escaped(name), escaped(value)));
        }
        if bytes > MESSAGE_BYTES_MAX {
            let reason = format!("has {bytes} bytes with its properties, {MESSAGE_BYTES_MAX} at most");
            return Err(IotHubError::field("message", reason));
        }
        topic.push_str(&bag.join("&"));
        if topic.len() > usize::from(u16::MAX) {
            let reason = format!("fill a topic of {} bytes, {} at most", topic.len(), u16::MAX);
            return Err(IotHubError::field("properties", reason));
        }
        Ok((topic, payload))
    }

    /// Reads what a device published.
    ///
    /// # Errors
    /// When the topic is none of telemetry, or a property of it is wrong.
    pub fn from_mqtt(topic: &str, payload: &[u8]) -> Result<Self, IotHubError> {
        let wrong = || {
            let rule = "must be devices/{device}/messages/events/{properties}";
            IotHubError::field("topic", format!("{rule}, not {:?}", clip(topic)))
        };
        let parts: Vec<&str> = topic.split('/').collect();
        let (device, module, bag) = match parts.as_slice() {
            ["devices", device, "messages", "events"] => (device, None, ""),
            ["devices", device, "messages", "events", bag] => (device, None, *bag),
            ["devices", device, "modules", module, "messages", "events"] => (device, Some(module), ""),
            ["devices", device, "modules", module, "messages", "events", bag] => (device, Some(module), *bag),
            _ => return Err(wrong()),
        };
        if payload.len() > MESSAGE_BYTES_MAX {
            let reason = format!("has {} bytes, {MESSAGE_BYTES_MAX} at most", payload.len());
            return Err(IotHubError::field("body", reason));
        }
        check_mqtt_id("device", device)?;
        let mut message = Self::new(*device, Body::Bytes(Vec::new()));
        if let Some(module) = module {
            check_mqtt_id("module", module)?;
            message.module = Some((*module).to_owned());
        }
        for pair in bag.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = plain("topic", name)?;
            let value = plain(&name, value)?;
            match name.as_str() {
                "$.mid" => message.message_id = Some(value),
                "$.cid" => message.correlation_id = Some(value),
                "$.ct" => message.content_type = Some(value),
                "$.ce" => message.content_encoding = Some(value),
                "$.sub" => message.component = Some(value),
                CREATED | "$.ctime" => {
                    let at = value.parse();
                    message.created_at =
                        Some(at.map_err(|error| IotHubError::field(name, format!("is no time: {error}")))?);
                }
                _ => {
                    message.properties.insert(name, value);
                }
            }
        }
        message.body = match serde_json::from_slice(payload) {
            Ok(json) if message.says_json() => Body::Json(json),
            Err(error) if message.says_json() => {
                return Err(IotHubError::field("body", format!("is no JSON: {error}")));
            }
            _ => Body::Bytes(payload.to_vec()),
        };
        Ok(message)
    }
}

/// An id stands in a topic as it is, where two of its characters would be wildcards.
fn check_mqtt_id(field: &str, id: &str) -> Result<(), IotHubError> {
    check_id(field, id)?;
    if id.contains(['+', '#']) {
        let reason = format!("cannot speak MQTT, whose topics have no + and #: {:?}", clip(id));
        return Err(IotHubError::field(field, reason));
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

fn plain(field: &str, text: &str) -> Result<String, IotHubError> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text
        .map_err(|_| IotHubError::field(clip(field), "is no UTF-8 behind its percent signs"))?
        .into_owned())
}
