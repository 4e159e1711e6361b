//! Around every request: a trace, a span, figures for the metrics, and headers that browsers heed.

use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::Instrument;
use uuid::Uuid;
use voltwin_core::TraceId;

use super::{BODY_LIMIT_BYTES, Problem};

/// The trace of a request: from its `traceparent` header, or new.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace(pub(crate) TraceId);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Trace {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_else(Self::fresh))
    }
}

impl Trace {
    fn fresh() -> Self {
        Self(TraceId(Uuid::now_v7().as_u128()))
    }

    /// Reads a W3C `traceparent`: `version-traceid-parentid-flags`, of which the all-zero trace id is invalid.
    fn read(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let known = version.len() == 2 && version != "ff" && parts.next()?.len() == 16;
        let trace = TraceId::try_from(trace.to_ascii_lowercase()).ok()?;
        (known && trace.0 != 0).then_some(Self(trace))
    }
}

/// Everything that the web app loads comes from here; styles that React and three.js set on elements are inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
    worker-src 'self' blob:; connect-src 'self' blob:; object-src 'none'; base-uri 'self'; \
    form-action 'self'; frame-ancestors 'self'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Puts everything around the routes of `router`.
pub(crate) fn layers(router: Router) -> Router {
    let router = router.layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES)).layer(from_fn(observe));
    HEADERS.into_iter().fold(router, |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)))
    })
}

async fn observe(mut request: Request, next: Next) -> Response {
    let header = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let trace = header.and_then(Trace::read).unwrap_or_else(Trace::fresh);
    request.extensions_mut().insert(trace);
    let method = request.method().clone();
    // the pattern, not the path: label values must not grow with the number of stations
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |p| p.as_str().to_owned());
    let span = tracing::info_span!("http", trace = %trace.0, %method, path);
    let begun = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, seconds, "answered"));
    let labels = [("method", method.to_string()), ("path", path), ("status", status.to_string())];
    metrics::histogram!("voltwin_http_request_seconds", &labels).record(seconds);
    if let Ok(value) = HeaderValue::from_str(&trace.0.to_string()) {
        // an answer to a partner repeats the partner's own
        response.headers_mut().entry(HeaderName::from_static("x-request-id")).or_insert(value);
    }
    response
}

/// The answer to a known path with a method that it does not have.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Response {
    Problem::method_not_allowed(format!("{} does not take {method}", uri.path())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_over_when_it_is_one() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(Trace::read(good).unwrap().0.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0-01",
        ] {
            assert!(Trace::read(bad).is_none(), "{bad}");
        }
    }
}
