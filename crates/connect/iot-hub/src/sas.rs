//! Shared access signatures: what a device shows to a hub in place of its key.
//!
//! Source: "Control access to IoT Hub by using shared access signatures", Microsoft Learn.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use voltwin_core::Timestamp;

use crate::{error::IotHubError, message::check_id};

/// How long a token may be good for, in seconds: a year, as a hub allows it.
pub const MAX_VALID_S: u32 = 365 * 86_400;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a token for one device opens: `HUB.azure-devices.net/devices/DEVICE`.
///
/// # Errors
/// When one of the two breaks its rule.
pub fn device_resource(hub_host: &str, device: &str) -> Result<String, IotHubError> {
    check_id("device", device)?;
    let host = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if !(4..=253).contains(&hub_host.len()) || !hub_host.chars().all(host) {
        return Err(IotHubError::field("hub", "must be a host name, such as acme.azure-devices.net"));
    }
    Ok(format!("{hub_host}/devices/{device}"))
}

/// A token that opens a resource until `now` + `valid_s`, signed with a key in base64. `policy` names the key where it is
/// not that of a device.
///
/// # Errors
/// When the key is no base64, or the time is none or longer than [`MAX_VALID_S`]. No error repeats the key.
pub fn sas_token(
    resource: &str,
    key: &str,
    policy: Option<&str>,
    now: Timestamp,
    valid_s: u32,
) -> Result<String, IotHubError> {
    if !(1..=MAX_VALID_S).contains(&valid_s) {
        return Err(IotHubError::field("valid_s", format!("must be 1 to {MAX_VALID_S}, not {valid_s}")));
    }
    let bad = || IotHubError::field("key", "must be base64 of 16 to 64 bytes");
    let key = STANDARD.decode(key.trim()).map_err(|_| bad())?;
    if !(16..=64).contains(&key.len()) {
        return Err(bad());
    }
    let end_s = now.as_micros() / 1_000_000 + i64::from(valid_s);
    let resource = utf8_percent_encode(resource, UNRESERVED).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| bad())?;
    mac.update(format!("{resource}\n{end_s}").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let signature = utf8_percent_encode(&signature, UNRESERVED);
    let policy = policy.map_or_else(String::new, |policy| format!("&skn={policy}"));
    Ok(format!("SharedAccessSignature sr={resource}&sig={signature}&se={end_s}{policy}"))
}
