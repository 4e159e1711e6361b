//! The shape of a message, learned from its type.
//!
//! The types of the protocol can be read from JSON and nothing more. But what they would read can be recorded: a
//! deserializer that has no input, hands out a placeholder for whatever is asked of it, and writes down what that
//! was. So the names of all properties, which of them must be there, and the words of each enumeration are known
//! without a second description of the protocol that could drift from the first.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::{Value, json};

/// The form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 3339.
    DateTime,
    /// `YYYY-MM-DD`.
    Date,
    /// `HH:MM`.
    TimeOfDay,
}

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Anything at all.
    Any,
    /// `customData` of 2.x: an object that names its vendor and holds what that vendor likes.
    Custom,
    /// True or false.
    Bool,
    /// A whole number.
    Integer(Bounds),
    /// A number.
    Number(Bounds),
    /// A text of at most `max` characters.
    Text { max: Option<usize>, format: Option<Format> },
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list.
    List { item: Box<Shape>, min: Option<usize>, max: Option<usize> },
    /// An object with these properties and no others; `name` is that of its type, which is unique in a version.
    Object { name: &'static str, fields: Vec<Field> },
}

/// The limits of a number.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Bounds {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) step: Option<f64>,
}

/// One property of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

/// The longest `vendorId` of `customData`.
pub(crate) const VENDOR_ID_MAX: usize = 255;

impl Shape {
    /// The shape of `T`. Limits that stand in no type ([`Bounds`], some lengths) are not in it.
    pub(crate) fn of<'de, T: Deserialize<'de>>() -> Self {
        let mut slot = Slot::default();
        // A type that refuses every placeholder is described as far as it was read.
        let _ = T::deserialize(Tracer(&mut slot));
        slot.shape
    }

    /// As JSON Schema says it.
    pub(crate) fn to_schema(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Custom => json!({
                "type": "object",
                "properties": {"vendorId": {"type": "string", "maxLength": VENDOR_ID_MAX}},
                "required": ["vendorId"],
            }),
            Self::Bool => json!({"type": "boolean"}),
            Self::Integer(bounds) => bounds.to_schema("integer"),
            Self::Number(bounds) => bounds.to_schema("number"),
            Self::Text { max, format } => {
                let mut schema = json!({"type": "string"});
                if let Some(max) = max {
                    schema["maxLength"] = json!(max);
                }
                match format {
                    Some(Format::DateTime) => schema["format"] = json!("date-time"),
                    Some(Format::Date) => schema["format"] = json!("date"),
                    // what JSON Schema calls a time carries seconds and an offset, which this must not
                    Some(Format::TimeOfDay) => schema["pattern"] = json!("^([01][0-9]|2[0-3]):[0-5][0-9]$"),
                    None => {}
                }
                schema
            }
            Self::Words(words) => json!({"type": "string", "enum": words}),
            Self::List { item, min, max } => {
                let mut schema = json!({"type": "array", "items": item.to_schema()});
                if let Some(min) = min {
                    schema["minItems"] = json!(min);
                }
                if let Some(max) = max {
                    schema["maxItems"] = json!(max);
                }
                schema
            }
            Self::Object { fields, .. } => {
                let properties: serde_json::Map<String, Value> =
                    fields.iter().map(|field| (field.name.to_owned(), field.shape.to_schema())).collect();
                let required: Vec<&str> =
                    fields.iter().filter(|field| field.required).map(|field| field.name).collect();
                let mut schema = json!({"type": "object", "properties": properties});
                if !required.is_empty() {
                    schema["required"] = json!(required);
                }
                schema["additionalProperties"] = json!(false);
                schema
            }
        }
    }
}

impl Bounds {
    fn to_schema(self, kind: &str) -> Value {
        let mut schema = json!({"type": kind});
        for (name, bound) in [("minimum", self.min), ("maximum", self.max), ("multipleOf", self.step)] {
            if let Some(bound) = bound {
                schema[name] = plain(bound);
            }
        }
        schema
    }
}

/// A bound as a person would write it: 1 and not 1.0.
pub(crate) fn plain(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "tested to be a small whole number")]
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

/// Where a deserializer without input writes down what it was asked for.
#[derive(Debug)]
struct Slot {
    shape: Shape,
    optional: bool,
}

impl Default for Slot {
    fn default() -> Self {
        Self { shape: Shape::Any, optional: false }
    }
}

/// A type would not take a placeholder.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the placeholder was refused")
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The deserializer without input.
struct Tracer<'s>(&'s mut Slot);

impl Tracer<'_> {
    /// A visitor of texts tells in its message what it wants.
    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let wanted = (&visitor as &dyn Expected).to_string();
        let (format, placeholder) = if wanted.contains("RFC 3339") {
            (Some(Format::DateTime), "2026-01-01T00:00:00Z")
        } else if wanted.contains("YYYY-MM-DD") {
            (Some(Format::Date), "2026-01-01")
        } else if wanted.contains("HH:MM") {
            (Some(Format::TimeOfDay), "12:00")
        } else {
            (None, "a")
        };
        let limit = wanted.strip_prefix("a string no more than ").and_then(|rest| rest.split(' ').next());
        self.0.shape = Shape::Text { max: limit.and_then(|number| number.parse().ok()), format };
        visitor.visit_str(placeholder)
    }

    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.0.shape = Shape::Integer(Bounds::default());
        visitor.visit_i64(1)
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.0.shape = Shape::Number(Bounds::default());
        visitor.visit_f64(1.0)
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let mut item = Slot::default();
        let value = visitor.visit_seq(One(Some(&mut item)));
        self.0.shape = Shape::List { item: Box::new(item.shape), min: None, max: None };
        value
    }
}

/// Methods of the deserializer that do the same for several types.
macro_rules! all {
    ($($method:ident)* => $done:ident) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> { self.$done(visitor) })*
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.0.shape = Shape::Any;
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.0.shape = Shape::Bool;
        visitor.visit_bool(true)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.0.optional = true;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    /// The only free object of the protocol is `customData`.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.0.shape = Shape::Custom;
        visitor.visit_map(Walk { left: [].iter(), name: "", known: &mut Vec::new() })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let mut known = Vec::with_capacity(fields.len());
        let value = visitor.visit_map(Walk { left: fields.iter(), name: "", known: &mut known });
        self.0.shape = Shape::Object { name, fields: known };
        value
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.0.shape = Shape::Words(variants);
        let first: StrDeserializer<'_, Refused> =
            variants.first().copied().unwrap_or_default().into_deserializer();
        visitor.visit_enum(first)
    }

    all! { deserialize_str deserialize_string deserialize_char deserialize_identifier => text }
    all! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 => integer
    }
    all! { deserialize_f32 deserialize_f64 => number }
    all! { deserialize_seq => list }
    all! { deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_ignored_any => deserialize_any }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refused> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.list(visitor)
    }
}

/// Hands out the properties of an object, one after the other, and keeps what each is.
struct Walk<'s> {
    left: std::slice::Iter<'static, &'static str>,
    name: &'static str,
    known: &'s mut Vec<Field>,
}

impl<'de> MapAccess<'de> for Walk<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        let Some(name) = self.left.next() else { return Ok(None) };
        self.name = name;
        let name: StrDeserializer<'_, Refused> = self.name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        let mut slot = Slot::default();
        let value = seed.deserialize(Tracer(&mut slot));
        self.known.push(Field { name: self.name, required: !slot.optional, shape: slot.shape });
        value
    }
}

/// A list of one item.
struct One<'s>(Option<&'s mut Slot>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        self.0.take().map(|slot| seed.deserialize(Tracer(slot))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocpp_types::{v16, v21};

    #[test]
    fn a_type_tells_its_properties_words_and_lengths() {
        let schema = Shape::of::<v16::StatusNotificationRequest>().to_schema();
        assert_eq!(schema["required"], json!(["connectorId", "errorCode", "status"]));
        assert_eq!(schema["properties"]["info"], json!({"type": "string", "maxLength": 50}));
        assert_eq!(schema["properties"]["timestamp"]["format"], "date-time");
        let words = schema["properties"]["status"]["enum"].as_array().unwrap();
        assert!(words.contains(&json!("SuspendedEVSE")) && words.len() == 9);
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn newtypes_nested_objects_and_times_are_followed() {
        let schema = Shape::of::<v16::AuthorizeRequest>().to_schema();
        assert_eq!(schema["properties"]["idTag"]["maxLength"], 20);
        let schema = Shape::of::<v21::SetDefaultTariffRequest>().to_schema();
        let conditions = &schema["properties"]["tariff"]["properties"]["energy"]["properties"]["prices"]["items"]
            ["properties"]["conditions"]["properties"];
        assert!(conditions["startTimeOfDay"]["pattern"].is_string(), "{conditions}");
        assert_eq!(conditions["validFromDate"]["format"], "date");
        assert_eq!(conditions["customData"]["required"], json!(["vendorId"]));
    }
}
