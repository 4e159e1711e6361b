//! Times and numbers, as the basic types of OCPI.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use voltwin_core::Timestamp;

use crate::OcpiError;

/// Decimal places of a number in OCPI.
const PLACES: u32 = 4;

/// An instant in UTC, written to the millisecond (at most 25 characters). Without a zone it is read as UTC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct DateTime(pub Timestamp);

impl DateTime {
    /// The instant, cut to the millisecond, as it will be read back.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(Timestamp::from_millis(at.as_millis()))
    }
}

impl FromStr for DateTime {
    type Err = OcpiError;
    fn from_str(text: &str) -> Result<Self, OcpiError> {
        let read = text.parse::<Timestamp>().or_else(|error| match text.len() {
            19..=30 => format!("{text}Z").parse().map_err(|_| error),
            _ => Err(error),
        });
        read.map(Self).map_err(|_| OcpiError::text("a DateTime", "RFC 3339 in UTC", text))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Timestamp::from_millis(self.0.as_millis()).fmt(f)
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A number of at most four decimal places, exact below 10^11.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Number(Decimal);

impl Number {
    /// Rounds half away from zero to four places.
    #[must_use]
    pub fn of(value: Decimal) -> Self {
        Self(value.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero).normalize())
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(whole) = i64::try_from(self.0)
            && self.0.is_integer()
        {
            return serializer.serialize_i64(whole);
        }
        // the shortest text of the nearest double is the decimal itself: it has at most 15 digits
        let near: f64 = self.0.to_string().parse().map_err(serde::ser::Error::custom)?;
        serializer.serialize_f64(near)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value.into()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value.into()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
                let text = value.to_string();
                text.parse()
                    .map(Number::of)
                    .map_err(|_| E::custom(format!("the number {value:e} is too great")))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_utc_with_or_without_saying_so() {
        let at: DateTime = "2026-11-21T08:00:00".parse().unwrap();
        assert_eq!(at, "2026-11-21T08:00:00Z".parse().unwrap());
        assert_eq!(
            "2026-11-21T08:00:00.123456Z".parse::<DateTime>().unwrap().to_string(),
            "2026-11-21T08:00:00.123Z"
        );
        assert_eq!("2026-11-21T09:00:00+01:00".parse::<DateTime>().unwrap(), at);
        for bad in ["", "tomorrow", "2026-11-21", "2026-13-21T08:00:00Z"] {
            assert!(bad.parse::<DateTime>().is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_written_as_decimals() {
        for (text, json) in [("15.1234", "15.1234"), ("0.00005", "0.0001"), ("-2.50", "-2.5"), ("7.0", "7")] {
            let number = Number::of(text.parse().unwrap());
            assert_eq!(serde_json::to_string(&number).unwrap(), json);
        }
        assert!(serde_json::from_str::<Number>("1e300").is_err());
        assert!(serde_json::from_str::<Number>("\"1\"").is_err());
    }

    proptest! {
        #[test]
        fn a_number_survives_json(units in -999_999_999_999_999i64..=999_999_999_999_999) {
            let number = Number::of(Decimal::new(units, 4));
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<Number>(&json).unwrap(), number);
            prop_assert_eq!(json.parse::<Decimal>().unwrap(), number.get());
        }

        #[test]
        fn any_text_is_judged(text in ".{0,40}") {
            let _ = text.parse::<DateTime>();
        }
    }
}
