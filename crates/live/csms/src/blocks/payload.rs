//! Reading a payload that has been checked, or under lenient validation may still lack anything.

use serde_json::Value as Json;
use voltwin_core::Timestamp;

/// A text field.
pub(crate) fn text<'a>(json: &'a Json, field: &str) -> Option<&'a str> {
    json.get(field).and_then(Json::as_str)
}

/// A whole-number field.
pub(crate) fn number(json: &Json, field: &str) -> Option<i64> {
    json.get(field).and_then(Json::as_i64)
}

/// A list field; empty when it is not there.
pub(crate) fn list<'a>(json: &'a Json, field: &str) -> &'a [Json] {
    json.get(field).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// A time field.
pub(crate) fn time(json: &Json, field: &str) -> Option<Timestamp> {
    text(json, field)?.parse().ok()
}

/// At most `max` characters of a text.
pub(crate) fn clip(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// The payload without members that only say what is known anyway.
pub(crate) fn without(payload: &Json, fields: &[&str]) -> Json {
    let mut payload = payload.clone();
    if let Some(object) = payload.as_object_mut() {
        for field in fields {
            object.remove(*field);
        }
    }
    payload
}
