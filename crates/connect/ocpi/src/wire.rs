//! Envelopes, tokens of the Authorization header, and pages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

use crate::{DateTime, OcpiError};

/// The version that is spoken here.
pub const VERSION: &str = "2.2.1";

/// Items of a page when the partner does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Items of a page at most.
pub const PAGE_MAX: u32 = 100;
/// Items that a partner may skip at most.
pub const OFFSET_MAX: u32 = 10_000_000;

/// What an answer says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// All is well.
    pub const SUCCESS: Self = Self(1000);
    /// The client did something wrong.
    pub const CLIENT: Self = Self(2000);
    /// A parameter is missing or breaks a rule.
    pub const INVALID: Self = Self(2001);
    /// There is not enough to go on.
    pub const NOT_ENOUGH: Self = Self(2002);
    /// There is no such location, EVSE, connector or other object.
    pub const UNKNOWN_LOCATION: Self = Self(2003);
    /// There is no such token.
    pub const UNKNOWN_TOKEN: Self = Self(2004);
    /// We failed.
    pub const SERVER: Self = Self(3000);
    /// The partner's own interface did not answer as it should.
    pub const CLIENT_API: Self = Self(3001);
    /// The partner speaks no version that we speak.
    pub const VERSION: Self = Self(3002);
    /// Endpoints that we need are missing.
    pub const ENDPOINTS: Self = Self(3003);

    /// 1000 to 1999.
    #[must_use]
    pub fn is_success(self) -> bool {
        (1000..2000).contains(&self.0)
    }
}

/// What every answer is wrapped in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// What was asked for.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
    /// How it went.
    pub status_code: u16,
    /// More, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// When it was written.
    pub timestamp: DateTime,
}

fn none<T>() -> Option<T> {
    None
}

impl<T> Envelope<T> {
    /// An answer that went well.
    pub fn success(data: T, now: Timestamp) -> Self {
        let status_code = StatusCode::SUCCESS.0;
        Self { data: Some(data), status_code, status_message: None, timestamp: DateTime::of(now) }
    }

    /// An answer that did not.
    pub fn failure(code: StatusCode, message: impl Into<String>, now: Timestamp) -> Self {
        let status_message = Some(message.into());
        Self { data: None, status_code: code.0, status_message, timestamp: DateTime::of(now) }
    }
}

/// Reads a body; an error names the path of the field at fault. Fields that OCPI 2.2.1 does not have are ignored.
///
/// # Errors
/// [`OcpiError::Field`], or [`OcpiError::Body`] where no field is at fault.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, OcpiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (path, cause) = (error.path().to_string(), error.inner().to_string());
        let missing = cause.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        match (path.as_str(), missing) {
            ("." | "?", None) => OcpiError::Body(cause),
            ("." | "?", Some(name)) => OcpiError::field(name, "is missing"),
            (path, Some(name)) => OcpiError::field(format!("{path}.{name}"), "is missing"),
            (path, None) => OcpiError::field(path, cause),
        }
    })?;
    deserializer.end().map_err(|error| OcpiError::Body(error.to_string()))?;
    Ok(value)
}

/// The `Authorization` header of a token, base64 as 2.2.1 wants it.
#[must_use]
pub fn authorization(token: &str) -> String {
    format!("Token {}", STANDARD.encode(token))
}

/// The tokens that an `Authorization` header may mean: the decoded one first, then the text as it stands, which is
/// what partners send who learnt from 2.1.1 and 2.2.
///
/// # Errors
/// [`OcpiError::Authorization`] when the header is of another kind.
pub fn tokens_of(header: &str) -> Result<Vec<String>, OcpiError> {
    let (scheme, rest) = header.trim().split_once(' ').ok_or(OcpiError::Authorization)?;
    let rest = rest.trim();
    if !scheme.eq_ignore_ascii_case("token") || rest.is_empty() || rest.len() > 1_024 {
        return Err(OcpiError::Authorization);
    }
    let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(decoded.into_iter().chain([rest.to_owned()]).collect())
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageQuery {
    /// Only what changed at or after this.
    pub from: Option<DateTime>,
    /// Only what changed before this.
    pub to: Option<DateTime>,
    /// How many to skip.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}

impl PageQuery {
    /// Reads the query parameters; others are ignored. A limit above [`PAGE_MAX`] becomes [`PAGE_MAX`], as OCPI
    /// allows and the answer's `X-Limit` tells.
    ///
    /// # Errors
    /// [`OcpiError::Field`] naming the parameter.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, OcpiError> {
        let mut page = Self { limit: PAGE_DEFAULT, ..Self::default() };
        for (name, value) in pairs {
            let time =
                || value.parse().map(Some).map_err(|e: OcpiError| OcpiError::field(name, e.to_string()));
            let number = |max: u32| match value.parse::<u32>() {
                Ok(number) if number <= max => Ok(number),
                _ => Err(OcpiError::field(name, format!("must be a whole number from 0 to {max}"))),
            };
            match name {
                "date_from" => page.from = time()?,
                "date_to" => page.to = time()?,
                "offset" => page.offset = number(OFFSET_MAX)?,
                "limit" => page.limit = number(u32::MAX)?.min(PAGE_MAX),
                _ => {}
            }
        }
        if page.limit == 0 {
            return Err(OcpiError::field("limit", "must be at least 1"));
        }
        Ok(page)
    }

    /// The value of the `Link` header that leads to the next page, when there is one.
    #[must_use]
    pub fn link(&self, url: &str, total: u64) -> Option<String> {
        let next = u64::from(self.offset) + u64::from(self.limit);
        if next >= total {
            return None;
        }
        let time =
            |name: &str, at: Option<DateTime>| at.map(|at| format!("{name}={at}&")).unwrap_or_default();
        let (from, to) = (time("date_from", self.from), time("date_to", self.to));
        Some(format!("<{url}?{from}{to}offset={next}&limit={}>; rel=\"next\"", self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_goes_and_comes_as_base64() {
        assert_eq!(authorization("example-token"), "Token ZXhhbXBsZS10b2tlbg==");
        assert_eq!(tokens_of("Token ZXhhbXBsZS10b2tlbg==").unwrap()[0], "example-token");
        assert_eq!(tokens_of("token plain!").unwrap(), ["plain!"]);
        for bad in ["", "Token", "Token ", "Bearer x", "Basic x"] {
            assert!(tokens_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pages_are_bounded_and_lead_on() {
        let page = PageQuery::read([("limit", "1000"), ("offset", "100"), ("x", "y")]).unwrap();
        assert_eq!((page.limit, page.offset), (PAGE_MAX, 100));
        assert_eq!(
            page.link("https://a/l", 201).unwrap(),
            "<https://a/l?offset=200&limit=100>; rel=\"next\""
        );
        assert_eq!(page.link("https://a/l", 200), None);
        for (name, value) in
            [("limit", "0"), ("limit", "x"), ("offset", "-1"), ("date_from", "x"), ("date_to", "")]
        {
            let error = PageQuery::read([(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}`")), "{error}");
        }
        let page = PageQuery::read([("date_from", "2026-01-01T00:00:00"), ("limit", "1")]).unwrap();
        let link = page.link("u", 9).unwrap();
        assert_eq!(link, "<u?date_from=2026-01-01T00:00:00Z&offset=1&limit=1>; rel=\"next\"");
    }

    proptest! {
        #[test]
        fn any_header_is_judged(header in ".{0,60}") {
            let _ = tokens_of(&header);
        }
    }
}
