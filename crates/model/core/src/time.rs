use std::{fmt, ops, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::Text;
use crate::{CoreError, error::clip};

/// A UTC instant in microseconds since 1970-01-01T00:00:00Z, from the year 1970 to 9999.
///
/// Texts are RFC 3339; an offset is accepted and folded into UTC, and `Z` is always written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text::new(str::parse))
    }
}

impl Timestamp {
    /// 9999-12-31T23:59:59Z.
    const MAX_US: i64 = 253_402_300_799_000_000;

    /// From microseconds since the epoch, clamped to the years 1970 to 9999.
    #[must_use]
    pub fn from_micros(us: i64) -> Self {
        Self(us.clamp(0, Self::MAX_US))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// From milliseconds since the epoch, clamped likewise.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        Self::from_micros(ms.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch, rounded down.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The time from `earlier` to `self` in seconds; negative when `earlier` is later.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1e6
    }

    /// `self` moved by `seconds`, clamped to the years 1970 to 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: f64) -> Self {
        Self::from_micros(self.0.saturating_add((seconds * 1e6) as i64))
    }
}

impl ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl FromStr for Timestamp {
    type Err = CoreError;
    fn from_str(text: &str) -> Result<Self, CoreError> {
        let bad = |reason: String| CoreError::Timestamp { text: clip(text), reason };
        let instant: jiff::Timestamp = text.parse().map_err(|e: jiff::Error| bad(e.to_string()))?;
        let us = instant.as_microsecond();
        if (0..=Self::MAX_US).contains(&us) {
            Ok(Self(us))
        } else {
            Err(bad("the year must be 1970 to 9999".into()))
        }
    }
}

impl TryFrom<String> for Timestamp {
    type Error = CoreError;
    fn try_from(text: String) -> Result<Self, CoreError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_fold_into_utc() {
        let text: Timestamp = "2019-05-01T01:18:45-07:00".parse().unwrap();
        assert_eq!(text.to_string(), "2019-05-01T08:18:45Z");
    }

    #[test]
    fn years_out_of_range_are_refused() {
        assert!("1969-12-31T23:59:59Z".parse::<Timestamp>().is_err());
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    proptest! {
        #[test]
        fn text_keeps_every_microsecond(us in 0i64..=Timestamp::MAX_US) {
            let at = Timestamp::from_micros(us);
            prop_assert_eq!(at.to_string().parse::<Timestamp>(), Ok(at));
        }
    }
}
