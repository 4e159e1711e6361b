//! Reading a request: the same as axum's extractors, but every refusal is a problem document.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use voltwin_core::CoreError;

use super::Problem;

/// The largest body where a route sets no other limit.
pub(crate) const BODY_LIMIT_BYTES: usize = 256 * 1024;

/// How large a body this route takes, for the message of its refusal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// Reads a field that may be null and must be there: leaving it out is a mistake where null takes something back.
pub(crate) fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

/// A JSON body, in or out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !(essence == "application/json" || essence.ends_with("+json")) {
            return Err(Problem::media_type("the body must be `application/json`"));
        }
        let limit = request.extensions().get::<BodyLimit>().map_or(BODY_LIMIT_BYTES, |limit| limit.0);
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(
                axum::extract::rejection::FailedToBufferBody::LengthLimitError(_),
            ) => Problem::too_large(limit),
            other => Problem::invalid(other.body_text()),
        })?;
        json_body(&bytes).map(Self)
    }
}

/// Reads a JSON text; the problem names the path of the field at fault.
pub(crate) fn json_body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.inner().to_string();
        match field_of(&path, &cause) {
            Some(field) => Problem::field(field, plain(&cause)),
            None if bytes.is_empty() => Problem::invalid("the body is empty; it must be JSON"),
            None => Problem::invalid(plain(&cause)),
        }
    })?;
    deserializer.end().map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(value)
}

/// The field at fault: the path to the value, and the name in backticks where a field is missing or unknown.
fn field_of(path: &str, cause: &str) -> Option<String> {
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| cause.strip_prefix(start)?.split('`').next())
        .filter(|name| !name.is_empty());
    match (path, named) {
        ("." | "?", None) => None,
        ("." | "?", Some(name)) => Some(name.to_owned()),
        (path, Some(name)) if !path.ends_with(name) => Some(format!("{path}.{name}")),
        (path, _) => Some(path.to_owned()),
    }
}

/// What the reader says in words of Rust, in words of JSON.
fn plain(cause: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        (
            "a Decimal type representing a fixed-point number",
            "a decimal number, in JSON as a text such as \"0.45\"",
        ),
        ("expected f64", "expected a number"),
        ("invalid float literal", "expected a number"),
        ("expected i64", "expected a whole number"),
        ("invalid digit found in string", "expected a whole number in digits only"),
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number from 0 on"),
        ("expected usize", "expected a whole number from 0 on"),
    ];
    match cause.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected an object with named fields"),
        None => WORDS.iter().fold(cause.to_owned(), |cause, (rust, json)| cause.replace(rust, json)),
    }
}

/// The query parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|query| Self(query.0)).map_err(|rejection: QueryRejection| {
            let text = rejection.body_text();
            let cause = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            let (path, cause) = match cause.split_once(": ") {
                Some((path, rest)) if !path.contains(' ') => (path, rest),
                _ => (".", cause),
            };
            match field_of(path, cause) {
                Some(field) => Problem::field(&field, format!("query parameter `{field}`: {}", plain(cause))),
                None => Problem::invalid(format!("query: {}", plain(cause))),
            }
        })
    }
}

/// The identifier that is the one parameter of the path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: FromStr<Err = CoreError>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection: PathRejection| Problem::field("id", rejection.body_text()))?;
        text.parse().map(Self).map_err(|error: CoreError| Problem::field("id", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "power_w")]
        _power_w: f64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(rename = "items")]
        _items: Vec<Inner>,
    }

    fn check(input: &str, field: Option<&str>) {
        let problem = json_body::<Body>(input.as_bytes()).unwrap_err();
        assert_eq!(problem.field.as_deref(), field, "{input}: {}", problem.detail);
    }

    #[test]
    fn a_refusal_names_the_field() {
        check(r#"{"items":[{"power_w":"x"}]}"#, Some("items[0].power_w"));
        check(r#"{"items":[{}]}"#, Some("items[0].power_w"));
        check(r#"{"items":[{"power_w":1,"zzz":2}]}"#, Some("items[0].zzz"));
        check(r#"{}"#, Some("items"));
        check(r#"{"other":1}"#, Some("other"));
        check(r#"{"items":[]} x"#, None);
        check("", None);
    }

    #[test]
    fn a_refusal_speaks_of_json() {
        for (input, part) in [
            (r#"{"items":[{"power_w":"x"}]}"#, "expected a number"),
            (r#"{"items":[3]}"#, "expected an object"),
            ("", "the body is empty"),
        ] {
            let problem = json_body::<Body>(input.as_bytes()).unwrap_err();
            assert!(problem.detail.contains(part), "{input}: {}", problem.detail);
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params {
        #[serde(rename = "limit")]
        _limit: Option<u32>,
    }

    #[tokio::test]
    async fn a_query_refusal_names_the_parameter() {
        for (uri, field) in [("/?limit=x", "limit"), ("/?other=1", "other")] {
            let (mut parts, ()) = axum::http::Request::builder().uri(uri).body(()).unwrap().into_parts();
            let problem = Query::<Params>::from_request_parts(&mut parts, &()).await.unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{}", problem.detail);
        }
    }
}
