use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::PropertyName;

/// The properties of one twin, in the order of their names.
pub type PropertyMap = BTreeMap<PropertyName, Value>;

/// What a property can hold. On the wire it is plain JSON; which variant a JSON value becomes is decided by
/// the property's DTDL schema where one is known ([`Value::Json`] holds arrays, objects and maps).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// DTDL `boolean`.
    Bool(bool),
    /// DTDL `integer` and `long`.
    Int(i64),
    /// DTDL `double` and `float`; always finite.
    Double(f64),
    /// DTDL `string`, `dateTime`, `duration` and string enumerations.
    Text(Arc<str>),
    /// DTDL `Array`, `Object`, `Map` and geospatial schemas.
    Json(Arc<serde_json::Value>),
}

impl Value {
    /// The number behind an integer or double.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Double(x) => Some(*x),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(b) => (*b).into(),
            Self::Int(n) => (*n).into(),
            Self::Double(x) => (*x).into(),
            Self::Text(text) => text.as_ref().into(),
            Self::Json(json) => json.as_ref().clone(),
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<f64> for Value {
    /// A value that is not finite has no place in JSON and becomes 0; callers check before.
    fn from(x: f64) -> Self {
        debug_assert!(x.is_finite(), "a property value must be finite");
        Self::Double(if x.is_finite() { x } else { 0.0 })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Bool(b) => Self::Bool(b),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Double(n.as_f64().unwrap_or(0.0)),
            },
            serde_json::Value::String(text) => Self::Text(text.into()),
            other => Self::Json(Arc::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_round_trips() {
        for json in ["true", "7", "7.5", "\"Available\"", "[3.7,3.71]", "{\"a\":1}"] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }
}
