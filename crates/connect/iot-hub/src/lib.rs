//! How a device and Azure IoT Hub speak, and what a hub tells of it afterwards.
//!
//! A [`DeviceMessage`] is what a device said, however it comes: routed to Event Hubs or Service Bus
//! ([`DeviceMessage::routed`]), kept as a line in a blob ([`DeviceMessage::stored`]), inside an event of Event Grid
//! ([`events`]), or as an MQTT topic with a payload ([`DeviceMessage::from_mqtt`]). [`DeviceMessage::to_mqtt`] goes the
//! other way, and [`sas_token`] makes what a device shows at the door. All of it is without I/O, clock and randomness.
//!
//! # Invariants
//! - Nothing from outside panics; an error names the property and its rule.
//! - What a hub stamps on a message (`iothub-connection-device-id`) says who sent it; a body never does.
//! - A message that went out as MQTT comes back the same.
//!
//! # Example
//! ```
//! use voltwin_iot_hub::{Body, DeviceMessage};
//!
//! let line = br#"{"EnqueuedTimeUtc": "2026-11-21T08:00:00.5Z", "Properties": {"line": "2"},
//!     "SystemProperties": {"connectionDeviceId": "EV-1", "contentType": "application/json", "contentEncoding": "utf-8"},
//!     "Body": {"soc": 0.6}}"#;
//! let message = DeviceMessage::stored(line)?;
//! assert_eq!((message.device.as_str(), message.properties["line"].as_str()), ("EV-1", "2"));
//! assert_eq!(message.telemetry()?["soc"], 0.6);
//! let (topic, payload) = message.to_mqtt()?;
//! assert!(topic.starts_with("devices/EV-1/messages/events/"));
//! assert_eq!(payload, br#"{"soc":0.6}"#);
//! # Ok::<(), voltwin_iot_hub::IotHubError>(())
//! ```

mod error;
mod event;
mod message;
mod mqtt;
mod sas;

pub use error::IotHubError;
pub use event::{EVENTS_MAX, Happening, HubEvent, Incoming, events, validation_answer};
pub use message::{Body, DeviceMessage, MESSAGE_BYTES_MAX};
pub use sas::{MAX_VALID_S, device_resource, sas_token};
