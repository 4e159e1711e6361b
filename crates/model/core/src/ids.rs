//! One type per kind of identifier, so that they cannot be mixed up.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::text::Text;
use crate::{CoreError, error::clip};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text::new(Self::new))
            }
        }

        impl $name {
            #[doc = concat!("Checks `text` and makes a ", $what, " of it: ", $rule, ".")]
            ///
            /// # Errors
            /// [`CoreError::Identifier`] when the rule is broken.
            pub fn new(text: &str) -> Result<Self, CoreError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(CoreError::Identifier { what: $what, text: clip(text), rule: $rule })
                }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = CoreError;
            fn from_str(text: &str) -> Result<Self, CoreError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = CoreError;
            fn try_from(text: String) -> Result<Self, CoreError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

text_id!(
    /// A customer of one Voltwin installation. Every stored row and every query belongs to exactly one.
    TenantId,
    "tenant",
    "1 to 48 characters of a-z, 0-9 and -, starting with a letter or digit",
    |text| {
        (1..=48).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);

text_id!(
    /// A twin within its tenant. The alphabet is that of Azure Digital Twins, so that graphs move unchanged.
    TwinId,
    "twin id",
    "1 to 128 characters of letters, digits and - . + % _ # * ? ! ( ) , = @ $ ' :",
    |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+%_#*?!(),=@$':".contains(&b))
    }
);

text_id!(
    /// A relationship within its source twin.
    RelationshipId,
    "relationship id",
    "1 to 128 characters of letters, digits and - . + % _ # * ? ! ( ) , = @ $ ' :",
    |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+%_#*?!(),=@$':".contains(&b))
    }
);

text_id!(
    /// The name of a property or relationship as DTDL spells names; that of a property of a component follows the name
    /// of the component and a dot.
    PropertyName,
    "property name",
    "1 to 512 characters of letters, digits and _, starting with a letter, or two such names with a dot between",
    |text| {
        let name = |name: &str| {
            name.len() <= 512
                && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        match text.split_once('.') {
            Some((component, property)) => name(component) && name(property),
            None => name(text),
        }
    }
);

impl PropertyName {
    /// The name of a property within a component.
    #[must_use]
    pub fn within(&self, component: &Self) -> Self {
        Self(format!("{component}.{self}").into())
    }

    /// The component, where there is one, and the name within it.
    #[must_use]
    pub fn parts(&self) -> (Option<&str>, &str) {
        match self.0.split_once('.') {
            Some((component, property)) => (Some(component), property),
            None => (None, &self.0),
        }
    }
}

text_id!(
    /// A digital twin model identifier, such as `dtmi:voltwin:Vehicle;1`.
    Dtmi,
    "model id",
    "`dtmi:`, then segments joined by `:`, then, where it has one, `;` and a version, 128 characters at most",
    |text| {
        let Some(rest) = text.strip_prefix("dtmi:") else { return false };
        let (path, version) = rest.split_once(';').map_or((rest, None), |(path, version)| (path, Some(version)));
        let segment = |s: &str| {
            s.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
                && !s.ends_with('_')
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let number = |s: &str| {
            (1..=9).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit()) && !(s.len() > 1 && s.starts_with('0'))
        };
        let version_ok = version.is_none_or(|version| match version.split_once('.') {
            Some((major, minor)) => number(major) && number(minor),
            None => number(version),
        });
        text.len() <= 128 && version_ok && path.split(':').all(segment)
    }
);

impl Dtmi {
    /// The last path segment, without the version: `Vehicle` of `dtmi:voltwin:Vehicle;1`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        let path = self.0.split_once(';').map_or(&*self.0, |(path, _)| path);
        path.rsplit(':').next().unwrap_or(path)
    }
}

/// The place of an event in the journal: starts at 1, grows by one, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = CoreError;
            fn from_str(text: &str) -> Result<Self, CoreError> {
                text.parse().map(Self).map_err(|_| CoreError::Identifier {
                    what: $what,
                    text: clip(text),
                    rule: "a UUID",
                })
            }
        }
    };
}

uuid_id!(
    /// A command that somebody or something gave to a station.
    CommandId,
    "command id"
);
uuid_id!(
    /// One raising of an alarm.
    AlarmId,
    "alarm id"
);

/// Follows one frame from the socket to the screen; shown as 32 hexadecimal digits (W3C trace-id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<TraceId> for String {
    fn from(id: TraceId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for TraceId {
    type Error = CoreError;
    fn try_from(text: String) -> Result<Self, CoreError> {
        let valid = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        u128::from_str_radix(&text, 16).ok().filter(|_| valid).map(Self).ok_or_else(|| {
            CoreError::Identifier { what: "trace id", text: clip(&text), rule: "32 hexadecimal digits" }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_hold_to_their_alphabets() {
        for good in ["dtmi:voltwin:Vehicle;1", "dtmi:a:b_c:D9;12.3", "dtmi:a"] {
            assert!(Dtmi::new(good).is_ok(), "{good}");
        }
        for bad in ["", "dtmi:", "dtmi:a;", "dtmi:a;01", "dtmi:_a;1", "dtmi:a_;1", "dtmi:a::b;1", "x:a;1"] {
            assert!(Dtmi::new(bad).is_err(), "{bad}");
        }
        assert!(TenantId::new("north-grid").is_ok());
        for bad in ["", "-a", "Upper", "a b", &"x".repeat(49)] {
            assert!(TenantId::new(bad).is_err(), "{bad}");
        }
        for good in ["soc", "a_1", "modem.serial", &"x".repeat(512)] {
            assert!(PropertyName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "a-b", ".a", "a.", "a.b.c", &"x".repeat(513)] {
            assert!(PropertyName::new(bad).is_err(), "{bad}");
        }
        let serial = PropertyName::new("serial").unwrap().within(&PropertyName::new("modem").unwrap());
        assert_eq!((serial.as_str(), serial.parts()), ("modem.serial", (Some("modem"), "serial")));
        assert!(TwinId::new("ST-01:1:2").is_ok());
        assert!(TwinId::new("a/b").is_err());
        assert!(TwinId::new("ä").is_err());
        assert_eq!(
            Dtmi::new("dtmi:voltwin:Vehicle;1").map(|d| d.short_name().to_owned()),
            Ok("Vehicle".into())
        );
    }

    #[test]
    fn an_error_names_the_kind_the_text_and_the_rule() {
        let error = TenantId::new("No Such").unwrap_err().to_string();
        assert!(error.contains("tenant `No Such`") && error.contains("1 to 48 characters"), "{error}");
    }

    #[test]
    fn a_trace_id_survives_text() {
        let id = TraceId(0x00ab_cdef);
        assert_eq!(TraceId::try_from(String::from(id)), Ok(id));
        assert!(TraceId::try_from("+1".to_owned()).is_err());
    }
}
