//! More ways to read a payload, for blocks about energy.

use serde_json::Value as Json;

pub(super) use super::payload::{list, number as whole, text, time};

/// An EVSE or connector number.
pub(super) fn place(payload: &Json, field: &str) -> Option<u32> {
    payload.get(field)?.as_u64()?.try_into().ok()
}

/// A truth value; false when absent.
pub(super) fn yes(payload: &Json, field: &str) -> bool {
    payload.get(field).and_then(Json::as_bool).unwrap_or(false)
}

/// Whether an answer's `status` is this word.
pub(super) fn is(answer: &Json, status: &str) -> bool {
    text(answer, "status") == Some(status)
}
