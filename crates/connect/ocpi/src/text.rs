//! Texts of bounded length, as the basic types of OCPI.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::OcpiError;

/// `CiString(N)`: 1 to `N` printable ASCII characters; upper and lower case are the same.
#[derive(Clone, PartialOrd, Ord)]
pub struct CiText<const N: usize>(String);

impl<const N: usize> CiText<N> {
    /// Checks the text.
    ///
    /// # Errors
    /// [`OcpiError::Text`] when it is empty, too long, or not printable ASCII.
    pub fn new(text: &str) -> Result<Self, OcpiError> {
        let fits = (1..=N).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(OcpiError::text("a CiString", format!("1 to {N} printable ASCII characters"), text))
    }

    /// A text of one character, for where none can be missing.
    pub(crate) fn fallback() -> Self {
        Self("-".to_owned())
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the same but for upper and lower case.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl<const N: usize> PartialEq for CiText<N> {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl<const N: usize> Eq for CiText<N> {}

impl<const N: usize> Hash for CiText<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
    }
}

/// `string(N)`: at most `N` characters without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const N: usize>(String);

impl<const N: usize> Text<N> {
    /// Checks the text.
    ///
    /// # Errors
    /// [`OcpiError::Text`] when it is too long or has control characters.
    pub fn new(text: &str) -> Result<Self, OcpiError> {
        if text.chars().count() <= N && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(OcpiError::text("a string", format!("at most {N} printable characters"), text))
    }

    /// Makes any text fit: control characters become spaces, what is too long is cut.
    #[must_use]
    pub fn fitted(text: &str) -> Self {
        Self(text.chars().take(N).map(|c| if c.is_control() { ' ' } else { c }).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address on the web: `http://` or `https://`, at most 255 characters, with a host and no credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(String);

impl Url {
    /// Checks the text.
    ///
    /// # Errors
    /// [`OcpiError::Text`] when it is anything else.
    pub fn new(text: &str) -> Result<Self, OcpiError> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        let plain = text.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
        if plain && text.len() <= 255 && !authority.is_empty() && !authority.contains('@') {
            return Ok(Self(text.to_owned()));
        }
        let rule = "an http:// or https:// address of at most 255 characters without credentials";
        Err(OcpiError::text("a URL", rule, text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of something below this one; each segment is percent-encoded.
    #[must_use]
    pub fn below(&self, segments: &[&str]) -> String {
        let mut url = self.0.trim_end_matches('/').to_owned();
        for segment in segments {
            url.push('/');
            url.push_str(&encode_segment(segment));
        }
        url
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
#[must_use]
pub fn encode_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

macro_rules! plain_text {
    ($($name:ty, [$($generic:tt)*];)*) => {$(
        impl<$($generic)*> fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<$($generic)*> fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl<$($generic)*> Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de, $($generic)*> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }

        impl<$($generic)*> std::str::FromStr for $name {
            type Err = OcpiError;
            fn from_str(text: &str) -> Result<Self, OcpiError> {
                Self::new(text)
            }
        }
    )*};
}

plain_text! {
    CiText<N>, [const N: usize];
    Text<N>, [const N: usize];
    Url, [];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_alphabets_are_held() {
        assert!(CiText::<3>::new("abc").unwrap() == CiText::new("ABC").unwrap());
        for bad in ["", "abcd", "ä", "a\n"] {
            assert!(CiText::<3>::new(bad).is_err(), "{bad:?}");
        }
        assert!(Text::<3>::new("äöü").is_ok() && Text::<3>::new("äöüß").is_err());
        assert_eq!(Text::<4>::fitted("a\nbcdef").as_str(), "a bc");
    }

    #[test]
    fn only_web_addresses_are_addresses() {
        for good in ["https://a.example/x?y=1", "http://127.0.0.1:80"] {
            assert!(Url::new(good).is_ok(), "{good}");
        }
        for bad in
            ["ftp://a", "file:///etc/passwd", "https://", "https://u:p@host/", "//host", "http://a b", ""]
        {
            assert!(Url::new(bad).is_err(), "{bad}");
        }
        let long = format!("https://{}", "a".repeat(255));
        assert!(Url::new(&long).is_err());
        assert_eq!(Url::new("https://a/x/").unwrap().below(&["b c", "ST:1"]), "https://a/x/b%20c/ST%3A1");
    }
}
