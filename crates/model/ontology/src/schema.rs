//! What a property can hold, and the check of a value against it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use thiserror::Error;
use voltwin_core::{PropertyName, Timestamp, Value};
use voltwin_dtdl::{Kind, wanted};

use crate::geo;

/// A DTDL schema.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Schema {
    /// `boolean`.
    Boolean,
    /// `integer`, `long` and the other whole numbers, each in its range. Of `unsignedLong` the lower half.
    Whole {
        /// The name that DTDL gives the schema.
        name: &'static str,
        /// The smallest.
        low: i64,
        /// The largest.
        high: i64,
    },
    /// `float`: within the range of 32-bit floating point.
    Float,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `dateTime`: RFC 3339.
    DateTime,
    /// Texts of a form: `date`, `time`, `duration`, `decimal`, `uuid`, `bytes`.
    Form(Kind),
    /// `Enum`: one of these values, all texts or all integers.
    Enum(Vec<EnumValue>),
    /// `Array` of elements.
    Array(Box<Schema>),
    /// `Object`: fields by name, each optional.
    Object(BTreeMap<PropertyName, Schema>),
    /// `Map` from texts to values.
    Map(Box<Schema>),
    /// A GeoJSON geometry.
    Geo(Geometry),
}

/// One value of an enumeration.
#[derive(Debug, Clone, PartialEq)]
pub struct EnumValue {
    /// Its name in the model.
    pub name: String,
    /// The text or integer that a property holds.
    pub value: Value,
}

/// The GeoJSON geometries of DTDL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Geometry {
    /// `point`.
    Point,
    /// `multiPoint`.
    MultiPoint,
    /// `lineString`.
    LineString,
    /// `multiLineString`.
    MultiLineString,
    /// `polygon`.
    Polygon,
    /// `multiPolygon`.
    MultiPolygon,
}

/// Why a value does not fit a schema, for a person: what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Mismatch(pub(crate) String);

impl Schema {
    /// Checks a value and answers it in the variant that the schema calls for: an integer for `double` becomes
    /// [`Value::Double`], a whole double for `integer` becomes [`Value::Int`]. Texts of enumerations come back
    /// sharing the memory of the schema.
    ///
    /// # Errors
    /// [`Mismatch`] naming what was expected and what was found. A number that is not finite fits no schema.
    pub fn check(&self, value: &Value) -> Result<Value, Mismatch> {
        if let Value::Json(json) = value
            && !matches!(self, Self::Array(_) | Self::Object(_) | Self::Map(_) | Self::Geo(_))
        {
            return match json.as_ref() {
                Json::Array(_) | Json::Object(_) | Json::Null => Err(self.unlike(value)),
                scalar => self.check(&Value::from(scalar.clone())),
            };
        }
        match (self, value) {
            (Self::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (Self::Whole { low, high, .. }, _) => self.within(value, *low, *high),
            (Self::Float | Self::Double, _) => self.number(value),
            (Self::Enum(values), _) => self.choice(values, value),
            (Self::String, Value::Text(_)) => Ok(value.clone()),
            (Self::DateTime | Self::Form(_), Value::Text(text)) => {
                self.moment(text)?;
                Ok(value.clone())
            }
            (Self::Array(_) | Self::Object(_) | Self::Map(_) | Self::Geo(_), Value::Json(json)) => {
                self.check_json(json)?;
                Ok(value.clone())
            }
            _ => Err(self.unlike(value)),
        }
    }

    /// The name that DTDL gives the schema.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Whole { name, .. } => name,
            Self::Float => "float",
            Self::Double => "double",
            Self::String => "string",
            Self::DateTime => "dateTime",
            Self::Form(Kind::Date) => "date",
            Self::Form(Kind::Time) => "time",
            Self::Form(Kind::Duration) => "duration",
            Self::Form(Kind::Decimal) => "decimal",
            Self::Form(Kind::Uuid) => "uuid",
            Self::Form(Kind::Bytes) => "bytes",
            Self::Form(other) => other.name(),
            Self::Enum(_) => "Enum",
            Self::Array(_) => "Array",
            Self::Object(_) => "Object",
            Self::Map(_) => "Map",
            Self::Geo(geometry) => geometry.name(),
        }
    }

    /// Whether values are numbers.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Whole { .. } | Self::Float | Self::Double)
    }

    /// The schema of a kind of whole numbers.
    pub(crate) fn whole(kind: Kind) -> Option<Self> {
        let (name, low, high) = match kind {
            Kind::Byte => ("byte", i64::from(i8::MIN), i64::from(i8::MAX)),
            Kind::Short => ("short", i64::from(i16::MIN), i64::from(i16::MAX)),
            Kind::Integer => ("integer", i64::from(i32::MIN), i64::from(i32::MAX)),
            Kind::Long => ("long", i64::MIN, i64::MAX),
            Kind::UnsignedByte => ("unsignedByte", 0, i64::from(u8::MAX)),
            Kind::UnsignedShort => ("unsignedShort", 0, i64::from(u16::MAX)),
            Kind::UnsignedInteger => ("unsignedInteger", 0, i64::from(u32::MAX)),
            Kind::UnsignedLong => ("unsignedLong", 0, i64::MAX),
            _ => return None,
        };
        Some(Self::Whole { name, low, high })
    }

    fn within(&self, value: &Value, low: i64, high: i64) -> Result<Value, Mismatch> {
        let whole = match value {
            Value::Int(n) => *n,
            // 2^63 is the first double past the range of i64, and every smaller whole one converts exactly.
            Value::Double(x) if x.fract() == 0.0 && (-(2f64.powi(63))..2f64.powi(63)).contains(x) => {
                *x as i64
            }
            Value::Double(x) => return Err(Mismatch(format!("expected {}, found {x}", self.name()))),
            _ => return Err(self.unlike(value)),
        };
        if (low..=high).contains(&whole) {
            Ok(Value::Int(whole))
        } else {
            Err(Mismatch(format!("{whole} is outside {low} to {high} of {}", self.name())))
        }
    }

    fn number(&self, value: &Value) -> Result<Value, Mismatch> {
        let number = value.as_f64().ok_or_else(|| self.unlike(value))?;
        if !number.is_finite() {
            return Err(Mismatch(format!("{number} is not a finite number")));
        }
        if *self == Self::Float && number.abs() > f64::from(f32::MAX) {
            return Err(Mismatch(format!("{number:e} is outside ±{:e} of float", f32::MAX)));
        }
        Ok(Value::Double(number))
    }

    fn choice(&self, values: &[EnumValue], value: &Value) -> Result<Value, Mismatch> {
        let whole = match value {
            Value::Double(_) => &self.within(value, i64::MIN, i64::MAX)?,
            _ => value,
        };
        if let Some(found) = values.iter().find(|choice| choice.value == *whole) {
            return Ok(found.value.clone());
        }
        let names: Vec<String> = values.iter().map(|choice| choice.value.to_json().to_string()).collect();
        let found: String = value.to_json().to_string().chars().take(80).collect();
        Err(Mismatch(format!("{found} is none of {}", names.join(", "))))
    }

    fn moment(&self, found: &Arc<str>) -> Result<(), Mismatch> {
        let text = Json::from(found.as_ref());
        match self {
            Self::Form(kind) if wanted(*kind, &text).is_none() => Ok(()),
            // Instants before the year 1970 are values like others, though no event can be of that time.
            Self::DateTime if wanted(Kind::DateTime, &text).is_none() => Ok(()),
            Self::DateTime => found.parse::<Timestamp>().map(drop).map_err(|e| Mismatch(e.to_string())),
            _ => Err(self.unlike(&Value::Text(found.clone()))),
        }
    }

    fn check_json(&self, json: &Json) -> Result<(), Mismatch> {
        match (self, json) {
            (Self::Array(element), Json::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    element.check_json(item).map_err(|e| Mismatch(format!("element {index}: {e}")))?;
                }
                Ok(())
            }
            (Self::Object(fields), Json::Object(items)) => {
                for (name, item) in items {
                    let field = fields.get(name.as_str());
                    let field = field.ok_or_else(|| Mismatch(format!("there is no field `{name}`")))?;
                    field.check_json(item).map_err(|e| Mismatch(format!("field `{name}`: {e}")))?;
                }
                Ok(())
            }
            (Self::Map(value), Json::Object(items)) => {
                for (key, item) in items {
                    value.check_json(item).map_err(|e| Mismatch(format!("key `{key}`: {e}")))?;
                }
                Ok(())
            }
            (Self::Geo(geometry), Json::Object(_)) => geo::check(*geometry, json).map_err(Mismatch),
            (Self::Array(_) | Self::Object(_) | Self::Map(_) | Self::Geo(_), _) | (_, Json::Null) => {
                Err(self.unlike(&Value::Json(Arc::new(json.clone()))))
            }
            _ => self.check(&Value::from(json.clone())).map(drop),
        }
    }

    fn unlike(&self, value: &Value) -> Mismatch {
        let found: String = value.to_json().to_string().chars().take(80).collect();
        Mismatch(format!("expected {}, found {found}", self.name()))
    }
}

impl Geometry {
    /// The name that DTDL gives the schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::MultiPoint => "multiPoint",
            Self::LineString => "lineString",
            Self::MultiLineString => "multiLineString",
            Self::Polygon => "polygon",
            Self::MultiPolygon => "multiPolygon",
        }
    }
}
