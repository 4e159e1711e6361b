//! The web app, built into the binary, and everything that is no route of ours.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::Problem;

/// What `npm run build` makes; empty where it was not run before the build.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../../web/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";

/// Paths whose unknown parts are errors of a program, not pages of the web app.
const PROGRAMS: [&str; 3] = ["api", "live", "ocpp"];

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Voltwin</title>\
    <body style=\"font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem\">\
    <h1>Voltwin is running</h1><p>The control room was not built into this binary. Build it with \
    <code>cd web &amp;&amp; npm ci &amp;&amp; npm run build</code>, then build the binary again.</p>\
    <p>The API is at <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p></body></html>";

/// Answers whatever no route answers.
pub(crate) async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if PROGRAMS.contains(&first) {
        return Problem::not_found(format!("there is no path {}", uri.path())).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return crate::http::wrong_method(method, uri).await;
    }
    if let Some(file) = Dist::get(if path.is_empty() { INDEX } else { path }) {
        return send(path, file, &headers);
    }
    // a file that is not there is an error; the names of stations, which stand in the paths of pages, may hold a dot
    if path.starts_with("assets/") || (!path.contains('/') && path.contains('.')) {
        return Problem::not_found(format!("there is no file {}", uri.path())).into_response();
    }
    match Dist::get(INDEX) {
        Some(index) => send(INDEX, index, &headers),
        None => Html(NOT_BUILT).into_response(),
    }
}

fn send(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let path = if path.is_empty() { INDEX } else { path };
    let mut etag = String::with_capacity(66);
    etag.push('"');
    for byte in file.metadata.sha256_hash() {
        // writing to a string cannot fail
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fresh =
        known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        ([(header::CONTENT_TYPE, kind.as_ref().to_owned())], Body::from(bytes)).into_response()
    };
    // names under assets/ hold a hash of their content
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
