//! Answers to partners, and the headers around them.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode as Http, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp as Now;
use serde::Serialize;
use uuid::Uuid;
use voltwin_core::{CoreError, Timestamp};
use voltwin_ocpi::{Envelope, OcpiError, StatusCode};
use voltwin_store::StoreError;

/// Headers that an answer repeats.
const REPEATED: [&str; 2] = ["x-request-id", "x-correlation-id"];
/// Headers that change sides: whom a request is for is whom the answer is from.
const TURNED: [(&str, &str); 4] = [
    ("ocpi-to-country-code", "ocpi-from-country-code"),
    ("ocpi-to-party-id", "ocpi-from-party-id"),
    ("ocpi-from-country-code", "ocpi-to-country-code"),
    ("ocpi-from-party-id", "ocpi-to-party-id"),
];

fn now() -> Timestamp {
    Timestamp::from_micros(Now::now().as_microsecond())
}

/// An answer that went well.
pub(super) struct Success<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        Json(Envelope::success(self.0, now())).into_response()
    }
}

/// Why a partner does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    http: Http,
    code: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(http: Http, code: StatusCode, message: impl Into<String>) -> Self {
        Self { http, code, message: message.into() }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(Http::UNAUTHORIZED, StatusCode::CLIENT, "the token is not known or was revoked")
    }

    /// There is no such object.
    pub(super) fn missing(what: &str, id: &str) -> Self {
        let code = if what == "token" { StatusCode::UNKNOWN_TOKEN } else { StatusCode::UNKNOWN_LOCATION };
        Self::new(Http::NOT_FOUND, code, format!("there is no {what} `{id}`"))
    }

    pub(super) fn method(message: &str) -> Self {
        Self::new(Http::METHOD_NOT_ALLOWED, StatusCode::CLIENT, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.http, Json(Envelope::<()>::failure(self.code, self.message, now()))).into_response()
    }
}

impl From<OcpiError> for Refusal {
    fn from(error: OcpiError) -> Self {
        match error {
            OcpiError::Authorization => Self::unauthorized(),
            error => Self::new(Http::BAD_REQUEST, StatusCode::INVALID, error.to_string()),
        }
    }
}

impl From<CoreError> for Refusal {
    fn from(error: CoreError) -> Self {
        Self::new(Http::BAD_REQUEST, StatusCode::INVALID, error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a partner could not be served");
        let http = match error {
            StoreError::DiskFull => Http::SERVICE_UNAVAILABLE,
            _ => Http::INTERNAL_SERVER_ERROR,
        };
        Self::new(http, StatusCode::SERVER, "this cannot be done at the moment")
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "an object cannot be written as JSON");
        Self::new(Http::INTERNAL_SERVER_ERROR, StatusCode::SERVER, "this cannot be done at the moment")
    }
}

/// The body of a request, bounded by the layer around the routes.
pub(super) struct Body(pub(super) axum::body::Bytes);

impl<S: Send + Sync> axum::extract::FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let read = axum::body::Bytes::from_request(request, state).await;
        read.map(Self).map_err(|rejection| {
            let http = rejection.into_response().status();
            let limit = super::BODY_BYTES_MAX;
            Refusal::new(
                http,
                StatusCode::INVALID,
                format!("the body has more than {limit} bytes or broke off"),
            )
        })
    }
}

/// A path that OCPI 2.2.1 has and we do not, or that nobody has.
pub(super) async fn unknown() -> Refusal {
    Refusal::new(Http::NOT_FOUND, StatusCode::CLIENT, "there is no such endpoint here")
}

/// Repeats the ids of the request and turns its routing headers.
pub(super) async fn route(request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for name in REPEATED {
        if let Some(value) = asked.get(name).cloned().or_else(fresh_id) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    for (from, to) in TURNED {
        if let Some(value) = asked.get(from) {
            headers.insert(HeaderName::from_static(to), value.clone());
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn fresh_id() -> Option<HeaderValue> {
    HeaderValue::from_str(&Uuid::now_v7().to_string()).ok()
}

/// The value of a header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
