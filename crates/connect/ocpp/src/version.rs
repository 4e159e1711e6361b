//! Protocol versions, their sub-protocol names, and who is calling.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use voltwin_core::TwinId;

use crate::OcppError;

/// A version of OCPP-J that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    /// OCPP 1.6, with the messages of the security whitepaper.
    #[serde(rename = "1.6")]
    V16,
    /// OCPP 2.0.1.
    #[serde(rename = "2.0.1")]
    V201,
    /// OCPP 2.1.
    #[serde(rename = "2.1")]
    V21,
}

impl Version {
    /// Every version, the one we prefer first.
    pub const PREFERRED: [Self; 3] = [Self::V21, Self::V201, Self::V16];

    /// The WebSocket sub-protocol name, such as `ocpp1.6`.
    #[must_use]
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::V16 => "ocpp1.6",
            Self::V201 => "ocpp2.0.1",
            Self::V21 => "ocpp2.1",
        }
    }

    /// The number alone: `1.6`, `2.0.1` or `2.1`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V16 => "1.6",
            Self::V201 => "2.0.1",
            Self::V21 => "2.1",
        }
    }

    /// The version of a sub-protocol name; names are compared without regard to case.
    #[must_use]
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        Self::PREFERRED.into_iter().find(|v| v.subprotocol().eq_ignore_ascii_case(name.trim()))
    }

    /// True for 2.0.1 and 2.1.
    #[must_use]
    pub fn is_v2(self) -> bool {
        self != Self::V16
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Version {
    type Err = OcppError;

    /// Accepts the number (`2.0.1`) or the sub-protocol name (`ocpp2.0.1`).
    fn from_str(text: &str) -> Result<Self, OcppError> {
        Self::PREFERRED
            .into_iter()
            .find(|v| v.as_str() == text || v.subprotocol() == text)
            .ok_or_else(|| OcppError::Version { text: clip(text) })
    }
}

/// Chooses out of the sub-protocols that a station offers: the newest that we speak, whatever the order of
/// the offer. `None` when there is none in common.
pub fn negotiate<'a>(offer: impl Iterator<Item = &'a str>) -> Option<Version> {
    offer.filter_map(Version::from_subprotocol).max()
}

/// The identity under which a station connects: the last segment of its URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StationIdentity(TwinId);

impl StationIdentity {
    /// The longest identity that OCPP allows, in characters.
    pub const MAX_CHARS: usize = 48;

    /// Percent-decodes one URL path segment and checks it: 1 to 48 characters out of the alphabet of
    /// [`TwinId`] without `:`, which would be read as the end of the user name in Basic authentication.
    ///
    /// # Errors
    /// [`OcppError::Identity`] with the rule that was broken.
    pub fn from_path_segment(segment: &str) -> Result<Self, OcppError> {
        let bad = |reason: &'static str| OcppError::Identity { text: clip(segment), reason };
        let text = percent_decode_str(segment).decode_utf8().map_err(|_| bad("it is not UTF-8"))?;
        Self::new(&text)
    }

    /// Checks an identity as it is, without percent-encoding; the rule is that of
    /// [`StationIdentity::from_path_segment`].
    ///
    /// # Errors
    /// [`OcppError::Identity`] with the rule that was broken.
    pub fn new(text: &str) -> Result<Self, OcppError> {
        let bad = |reason: &'static str| OcppError::Identity { text: clip(text), reason };
        let chars = text.chars().count();
        if !(1..=Self::MAX_CHARS).contains(&chars) {
            return Err(bad("it must have 1 to 48 characters"));
        }
        if text.contains(':') {
            return Err(bad("it must not contain `:`"));
        }
        if text.chars().any(char::is_control) {
            return Err(bad("it must not contain control characters"));
        }
        TwinId::new(text)
            .map(Self)
            .map_err(|_| bad("it may hold letters, digits and - . + % _ # * ? ! ( ) , = @ $ ' only"))
    }

    /// The identity as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The twin of the station, which has the same name.
    #[must_use]
    pub fn twin_id(&self) -> &TwinId {
        &self.0
    }
}

impl fmt::Display for StationIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// At most 80 characters of a text from outside, for messages.
pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_wins_whatever_the_order() {
        assert_eq!(negotiate(["ocpp1.6", "ocpp2.0.1"].into_iter()), Some(Version::V201));
        assert_eq!(negotiate(["ocpp2.1", "ocpp1.6"].into_iter()), Some(Version::V21));
        assert_eq!(negotiate([" OCPP1.6 ", "mqtt"].into_iter()), Some(Version::V16));
        assert_eq!(negotiate(["ocpp1.5", "ocpp2.0"].into_iter()), None);
        assert_eq!(negotiate(std::iter::empty()), None);
    }

    #[test]
    fn identities_hold_to_the_rule() {
        assert_eq!(StationIdentity::from_path_segment("ST%2D01").unwrap().as_str(), "ST-01");
        assert_eq!(StationIdentity::from_path_segment(&"x".repeat(48)).unwrap().as_str().len(), 48);
        for (bad, why) in [
            ("", "1 to 48"),
            ("%", "1 to 48"),
            ("a%3Ab", "`:`"),
            ("a%00", "control"),
            ("a%2Fb", "letters"),
            ("%ff", "UTF-8"),
            ("a%20b", "letters"),
        ] {
            // A lone `%` is not an escape: it decodes to itself and is a good identity.
            match StationIdentity::from_path_segment(bad) {
                Ok(id) => assert_eq!((bad, id.as_str()), ("%", "%")),
                Err(e) => assert!(e.to_string().contains(why), "{bad}: {e}"),
            }
        }
        assert!(StationIdentity::from_path_segment(&"x".repeat(49)).is_err());
        assert_eq!(StationIdentity::new("a%2Db").unwrap().as_str(), "a%2Db");
        assert!(StationIdentity::new("a:b").is_err() && StationIdentity::new(&"x".repeat(49)).is_err());
    }
}
