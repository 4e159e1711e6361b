//! OCPP-J frames: the JSON array around every message.
//!
//! The shape is held to strictly: an array of exactly the elements of its type, an integer type number, a
//! string id of 1 to 36 characters, an object as payload. What is decided here beyond the specification:
//!
//! - A frame whose id cannot be read is answered with the id `"-1"`, as OCPP 2.x asks; 1.6 says nothing of
//!   such frames, and the same `"-1"` (which no station of ours uses) tells a developer more than silence.
//! - Only what claims to be a CALL (or claims nothing readable) is ever answered with an error, so that two
//!   confused peers cannot keep each other busy for ever.
//! - An unknown type number is answered in 2.x (`MessageTypeNotSupported`) and ignored in 1.6, as each asks.
//! - A payload nested deeper than [`MAX_DEPTH`] is refused. A key that repeats is refused where the field is
//!   one of the protocol's, because readers disagree on which one counts.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{ErrorCode, Version};

/// The default limit of one frame, in bytes.
pub const DEFAULT_MAX_BYTES: usize = 64 * 1024;
/// The default limit of the frame of a message that may be long, in bytes.
pub const REPORT_MAX_BYTES: usize = 1024 * 1024;
/// How deep arrays and objects of a payload may nest. The deepest message of 2.1 nests 12.
pub const MAX_DEPTH: usize = 32;
/// The longest message id, in characters.
pub const MAX_ID_CHARS: usize = 36;
/// Stands for an id that could not be read.
pub const UNKNOWN_ID: &str = "-1";

/// One well-formed frame.
#[derive(Debug, Clone)]
pub enum Frame<'a> {
    /// Type 2: a question.
    Call {
        /// Its id.
        id: String,
        /// The action.
        action: String,
        /// The payload, an object.
        payload: &'a RawValue,
    },
    /// Type 3: an answer.
    Result {
        /// The id of the call.
        id: String,
        /// The payload, an object.
        payload: &'a RawValue,
    },
    /// Type 4: an error instead of an answer.
    Error {
        /// The id of the call.
        id: String,
        /// The code as sent.
        code: String,
        /// The description as sent.
        description: String,
    },
    /// Type 5 (2.1): our answer could not be processed.
    ResultError {
        /// The id of the call.
        id: String,
        /// The code as sent.
        code: String,
        /// The description as sent.
        description: String,
    },
    /// Type 6 (2.1): a message that takes no answer.
    Send {
        /// Its id.
        id: String,
        /// The action.
        action: String,
        /// The payload, an object.
        payload: &'a RawValue,
    },
}

/// Why a frame was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FrameError {
    /// The code that answers it.
    pub code: ErrorCode,
    /// The type number, when it could be read.
    pub kind: Option<i64>,
    /// The message id, when it could be read.
    pub message_id: Option<String>,
    /// Whether the other side is to be told.
    pub answer: bool,
    /// True when the frame is over the size limit and was not read at all.
    pub too_big: bool,
    /// What is wrong.
    pub detail: String,
}

impl FrameError {
    /// The frame is over its limit.
    pub(crate) fn too_big(bytes: usize, limit: usize) -> Self {
        Self {
            code: ErrorCode::RpcFrameworkError,
            kind: None,
            message_id: None,
            answer: false,
            too_big: true,
            detail: format!("the frame has {bytes} bytes, the limit is {limit}"),
        }
    }
}

/// Reads one frame of at most `max_bytes` bytes.
///
/// # Errors
/// [`FrameError`] with what to answer, if anything.
pub fn parse(text: &str, version: Version, max_bytes: usize) -> Result<Frame<'_>, FrameError> {
    let fail = |code, detail: String| FrameError {
        code,
        kind: None,
        message_id: None,
        answer: true,
        too_big: false,
        detail,
    };
    if text.len() > max_bytes {
        return Err(FrameError::too_big(text.len(), max_bytes));
    }
    let items = items(text).map_err(|detail| fail(ErrorCode::RpcFrameworkError, detail))?;
    let kind = items.at(0).and_then(|raw| raw.get().parse::<i64>().ok());
    let Some(kind) = kind else {
        return Err(fail(ErrorCode::RpcFrameworkError, "the message type number is not an integer".into()));
    };
    let id = items.at(1).and_then(string).filter(|id| (1..=MAX_ID_CHARS).contains(&id.chars().count()));
    let fail = |code, detail: &str| FrameError {
        code,
        kind: Some(kind),
        message_id: id.clone(),
        answer: kind == 2,
        too_big: false,
        detail: detail.to_owned(),
    };
    let known = matches!(kind, 2..=4) || (matches!(kind, 5 | 6) && version == Version::V21);
    if !known {
        let detail = format!("OCPP {version} has no message type {kind}");
        let answer = version.is_v2();
        return Err(FrameError { answer, ..fail(ErrorCode::MessageTypeNotSupported, &detail) });
    }
    let Some(id) = id.clone() else {
        return Err(fail(
            ErrorCode::RpcFrameworkError,
            "the message id must be a string of 1 to 36 characters",
        ));
    };
    // A station that leaves out the (always empty) details of an error is forgiven: nothing is lost.
    let wanted = match kind {
        3 => 3..=3,
        2 | 6 => 4..=4,
        _ => 3..=5,
    };
    if kind == 2 && items.count == 3 {
        return Err(fail(ErrorCode::ProtocolError, "the payload is missing: message type 2 has 4 elements"));
    }
    if !wanted.contains(&items.count) {
        let detail =
            format!("message type {kind} has {} elements, this frame has {}", wanted.end(), items.count);
        return Err(fail(ErrorCode::RpcFrameworkError, &detail));
    }
    if matches!(kind, 4 | 5) {
        let (Some(code), Some(description)) =
            (items.at(2).and_then(string), items.at(3).map_or(Some(String::new()), string))
        else {
            return Err(fail(ErrorCode::RpcFrameworkError, "error code and description must be strings"));
        };
        return Ok(match kind {
            4 => Frame::Error { id, code, description },
            _ => Frame::ResultError { id, code, description },
        });
    }
    let action = match kind {
        3 => String::new(),
        _ => items
            .at(2)
            .and_then(string)
            .ok_or_else(|| fail(ErrorCode::RpcFrameworkError, "the action must be a string"))?,
    };
    let payload = items.at(if kind == 3 { 2 } else { 3 }).filter(|raw| raw.get().starts_with('{'));
    let Some(payload) = payload else {
        return Err(fail(ErrorCode::FormatViolation, "the payload must be an object"));
    };
    if depth(payload.get()) > MAX_DEPTH {
        let detail = format!("the payload nests deeper than {MAX_DEPTH}");
        return Err(fail(ErrorCode::FormatViolation, &detail));
    }
    Ok(match kind {
        2 => Frame::Call { id, action, payload },
        3 => Frame::Result { id, payload },
        _ => Frame::Send { id, action, payload },
    })
}

/// Writes a CALL.
#[must_use]
pub fn call(id: &str, action: &str, payload: &serde_json::Value) -> String {
    format!("[2,{},{},{payload}]", quote(id), quote(action))
}

/// Writes a CALLRESULT.
#[must_use]
pub fn result(id: &str, payload: &serde_json::Value) -> String {
    format!("[3,{},{payload}]", quote(id))
}

/// Writes a CALLERROR; the description is cut to the 255 characters that OCPP allows.
#[must_use]
pub fn error(version: Version, id: &str, code: ErrorCode, description: &str) -> String {
    error_frame(4, version, id, code, description)
}

/// Writes a CALLRESULTERROR, which only OCPP 2.1 has.
#[must_use]
pub fn result_error(version: Version, id: &str, code: ErrorCode, description: &str) -> String {
    error_frame(5, version, id, code, description)
}

fn error_frame(kind: u8, version: Version, id: &str, code: ErrorCode, description: &str) -> String {
    let short: String = description.chars().take(255).collect();
    format!("[{kind},{},\"{}\",{},{{}}]", quote(id), code.as_str(version), quote(&short))
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// How deep `json` nests; it must be well formed.
fn depth(json: &str) -> usize {
    let (mut deepest, mut now, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The first five elements of the outer array, and how many there are.
struct Items<'a> {
    first: [Option<&'a RawValue>; 5],
    count: usize,
}

impl<'a> Items<'a> {
    fn at(&self, index: usize) -> Option<&'a RawValue> {
        self.first.get(index).copied().flatten()
    }
}

fn items(text: &str) -> Result<Items<'_>, String> {
    struct Outer;
    impl<'de> Visitor<'de> for Outer {
        type Value = Items<'de>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
            let mut items = Items { first: [None; 5], count: 0 };
            for slot in &mut items.first {
                let Some(raw) = seq.next_element()? else { return Ok(items) };
                *slot = Some(raw);
                items.count += 1;
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {
                items.count += 1;
            }
            Ok(items)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let items = reader.deserialize_seq(Outer).map_err(|e| format!("the frame is not a JSON array: {e}"))?;
    reader.end().map_err(|e| format!("the frame is not one JSON array: {e}"))?;
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_back() {
        for version in Version::PREFERRED {
            let text = call("a\"b", "Heartbeat", &json!({}));
            match parse(&text, version, 1000).unwrap() {
                Frame::Call { id, action, payload } => {
                    assert_eq!((id.as_str(), action.as_str(), payload.get()), ("a\"b", "Heartbeat", "{}"));
                }
                other => panic!("{other:?}"),
            }
            let text = error(version, "x", ErrorCode::FormatViolation, &"ä".repeat(300));
            match parse(&text, version, 1000).unwrap() {
                Frame::Error { description, .. } => assert_eq!(description.chars().count(), 255),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn depth_ignores_brackets_in_strings() {
        assert_eq!(depth(r#"{"a":"[[[{\"","b":[[1]]}"#), 3);
    }

    #[test]
    fn a_hundred_thousand_brackets_are_refused_without_recursion() {
        let bomb = format!("[2,\"1\",\"Heartbeat\",{{\"a\":{}{}}}]", "[".repeat(50_000), "]".repeat(50_000));
        let error = parse(&bomb, Version::V16, 1 << 20).unwrap_err();
        assert_eq!((error.code, error.message_id.as_deref()), (ErrorCode::FormatViolation, Some("1")));
    }
}
