use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::PropertyName;

/// The properties of one twin, in the order of their names.
pub type PropertyMap = BTreeMap<PropertyName, Value>;

/// What a property can hold. On the wire it is plain JSON; which variant a JSON value becomes is decided by
/// the property's DTDL schema where one is known ([`Value::Json`] holds arrays, objects and maps).
#[derive(Debug, Clone, PartialEq, Serialize)]
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

/// Takes what stands there as what it is. One variant tried after the other would cost an error for each that it is not, and
/// a journal has millions of values.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsItStands)
    }
}

struct AsItStands;

impl<'de> Visitor<'de> for AsItStands {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of a property")
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(i64::try_from(n).map_or(Value::Double(n as f64), Value::Int))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Value, E> {
        Ok(Value::Double(x))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Json(Arc::new(serde_json::Value::Null)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value, A::Error> {
        let json = serde_json::Value::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(Value::Json(Arc::new(json)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let json = serde_json::Value::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Value::Json(Arc::new(json)))
    }
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

    #[test]
    fn what_stands_there_is_read_as_what_it_is() {
        let json = |text: &str| Value::Json(Arc::new(serde_json::from_str(text).unwrap()));
        for (text, value) in [
            ("true", Value::Bool(true)),
            ("-7", Value::Int(-7)),
            ("9223372036854775807", Value::Int(i64::MAX)),
            ("18446744073709551615", Value::Double(u64::MAX as f64)),
            ("1.0", Value::Double(1.0)),
            (r#""a\u00e4""#, Value::from("a\u{e4}")),
            ("null", json("null")),
            (r#"[1,{"a":[]}]"#, json(r#"[1,{"a":[]}]"#)),
            (r#"{"a":{"b":1.5}}"#, json(r#"{"a":{"b":1.5}}"#)),
        ] {
            let read: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read, value, "{text}");
            // also out of what was read already, as in an event whose kind is told by a member
            let kept: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::from_value::<Value>(kept).unwrap(), value, "{text}");
        }
    }
}
