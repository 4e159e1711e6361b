//! What stands around every operation: who asks for which instance, by which version, within which rates; and the
//! reading of bodies and headers.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::Value as Json;
use voltwin_core::{AuditFact, Event, EventBody, TenantId, TraceId, TwinId};
use voltwin_document::azure;
use voltwin_runtime::{Origin, Precondition};

use crate::access::{Caller, Need, Refusal, is_safe};
use crate::error::{AdtError, Code};
use crate::limits::Rate;
use crate::mount::Claimed;
use crate::paging::{PageAsked, parameters};
use crate::state::{Plane, Secure};

/// The versions of the data plane that there are.
const VERSIONS: [&str; 4] = ["2020-10-31", "2022-05-31", "2023-06-30", "2023-10-31"];
/// Bytes of a body at most, in the strict dialect and otherwise.
const BODY_STRICT: usize = azure::BODY_BYTES;
const BODY_MAX: usize = 1024 * 1024;
/// Bytes of a body that is too large and is read to its end all the same.
const DRAINED_MAX: usize = 8 * 1024 * 1024;
/// Entity tags of one `If-Match` at most.
const TAGS_MAX: usize = 100;

/// One request that was let in.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) adt: Plane,
    pub(crate) caller: Arc<Caller>,
    pub(crate) strict: bool,
    pub(crate) trace: Option<TraceId>,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    secure: bool,
    prefix: String,
}

/// Lets a request in, or says why not; and writes down how long it took.
pub(crate) async fn enter(adt: Plane, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (mut parts, body) = request.into_parts();
    let path = parts.extensions.get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let trace = parts.extensions.get::<TraceId>().copied();
    let method = parts.method.to_string();
    let mut response = match admit(&adt, &parts, trace).await {
        Ok(call) => {
            parts.extensions.insert(call);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    };
    let status = response.status().as_u16().to_string();
    let labels = [("method", method), ("path", path), ("status", status)];
    metrics::histogram!("voltwin_adt_request_seconds", &labels).record(begun.elapsed().as_secs_f64());
    if let Some(trace) = trace {
        let span = trace.0 as u64;
        let headers = response.headers_mut();
        for (name, value) in
            [("traceresponse", format!("00-{trace}-{span:016x}-01")), ("x-ms-request-id", trace.to_string())]
        {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    response
}

async fn admit(adt: &Plane, parts: &Parts, trace: Option<TraceId>) -> Result<Call, AdtError> {
    let claimed = parts.extensions.get::<Claimed>();
    let named =
        claimed.and_then(|claimed| claimed.instance.as_deref()).map(str::parse::<TenantId>).transpose();
    let named = named.map_err(|_| Refusal::NoInstance(String::new()))?;
    let caller = adt.config.doorkeeper.admit(&parts.headers, is_safe(parts), named.as_ref()).await?;
    adt.runtime.readable(&caller.tenant)?;
    check_version(&parts.uri)?;
    Need::of(&parts.method, parts.uri.path()).check(&caller)?;
    let strict = adt.is_strict(&caller.tenant).await?;
    Ok(Call {
        adt: adt.clone(),
        caller: Arc::new(caller),
        strict,
        trace,
        uri: parts.uri.clone(),
        headers: parts.headers.clone(),
        secure: parts.extensions.get::<Secure>().is_some_and(|secure| secure.0),
        prefix: claimed.map(|claimed| claimed.prefix.clone()).unwrap_or_default(),
    })
}

fn check_version(uri: &Uri) -> Result<(), AdtError> {
    let given = parameters(uri).remove("api-version").unwrap_or_default();
    match given.first().map(String::as_str) {
        None | Some("") => {
            let message = "every request names its version: ?api-version=2023-10-31";
            Err(AdtError::new(Code::MissingApiVersionParameter, message))
        }
        Some(version) if VERSIONS.contains(&version) && given.len() == 1 => Ok(()),
        Some(version) => {
            let shown: String = version.chars().take(40).collect();
            let message = format!("api-version `{shown}` is not one of {}", VERSIONS.join(", "));
            Err(AdtError::new(Code::UnsupportedApiVersionValue, message))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Call {
    type Rejection = AdtError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AdtError> {
        let call = parts.extensions.get::<Self>().cloned();
        call.ok_or_else(|| AdtError::new(Code::AuthenticationFailed, "nobody was let in"))
    }
}

impl Call {
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.caller.tenant
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { trace: self.trace }
    }

    /// Counts this request against the rates of a strict tenant.
    pub(crate) fn spend(&self, rate: Rate) -> Result<(), AdtError> {
        if !self.strict {
            return Ok(());
        }
        self.adt.buckets.lock().take(self.tenant(), rate, self.adt.now())
    }

    /// Counts a write to one twin against the rates of a strict tenant.
    pub(crate) fn spend_write(&self, rate: Rate, twin: &str) -> Result<(), AdtError> {
        if !self.strict {
            return Ok(());
        }
        let (now, mut buckets) = (self.adt.now(), self.adt.buckets.lock());
        buckets.write(self.tenant(), twin, now)?;
        buckets.take(self.tenant(), rate, now)
    }

    pub(crate) fn page(&self) -> Result<PageAsked, AdtError> {
        PageAsked::read(&self.headers, &self.uri, self.strict)
    }

    /// A query parameter; its last value where it is given more often.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        parameters(&self.uri).remove(name).and_then(|mut values| values.pop())
    }

    /// A query parameter that is `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, AdtError> {
        match self.parameter(name).as_deref() {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(AdtError::argument(format!("the parameter {name} must be true or false"))),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Result<Option<&str>, AdtError> {
        let value = self.headers.get(name).map(HeaderValue::to_str).transpose();
        value.map_err(|_| AdtError::argument(format!("the header {name} is no ASCII text")))
    }

    /// The body of a request that must have one.
    pub(crate) async fn body(&self, body: Body) -> Result<Bytes, AdtError> {
        self.body_within(body, if self.strict { BODY_STRICT } else { BODY_MAX }).await
    }

    pub(crate) async fn body_within(&self, body: Body, limit: usize) -> Result<Bytes, AdtError> {
        let content_type = self.header("content-type")?.unwrap_or("application/json");
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !(essence == "application/json" || essence.ends_with("+json")) {
            return Err(AdtError::new(Code::UnsupportedMediaType, "the body must be application/json"));
        }
        let too_large =
            || AdtError::new(Code::RequestBodyTooLarge, format!("the body has more than {limit} bytes"));
        let announced = self.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if let Some(length) = announced.and_then(|text| text.parse::<usize>().ok())
            && length > limit
        {
            if length <= DRAINED_MAX {
                drain(body).await;
            }
            return Err(too_large());
        }
        to_bytes(body, limit).await.map_err(|error| {
            let cause = std::error::Error::source(&error);
            if cause.is_some_and(|cause| cause.to_string().contains("length limit")) {
                too_large()
            } else {
                AdtError::argument("the body ended early")
            }
        })
    }

    /// A JSON body; `wrong` is the code of one that is not.
    pub(crate) async fn json(&self, body: Body, wrong: Code) -> Result<Json, AdtError> {
        let bytes = self.body(body).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| AdtError::new(wrong, format!("the body is no JSON: {error}")))
    }

    /// The precondition of a change to something that is there; `now` tells its entity tag.
    pub(crate) fn if_match(&self, now: impl FnOnce() -> Option<String>) -> Result<Precondition, AdtError> {
        let Some(text) = self.header("if-match")? else { return Ok(Precondition::Any) };
        let wrong = || AdtError::argument("the header If-Match must be `*` or an ETag");
        if text.trim() == "*" {
            return Ok(Precondition::Any);
        }
        let tags: Vec<String> = text
            .split(',')
            .take(TAGS_MAX)
            .map(|tag| etag(tag.trim()))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let current = if tags.len() > 1 { now() } else { None };
        let chosen = tags.iter().find(|tag| Some(*tag) == current.as_ref()).or(tags.first());
        chosen.cloned().map(Precondition::Match).ok_or_else(wrong)
    }

    /// The precondition of a PUT: `If-None-Match: *` makes and never replaces.
    pub(crate) fn if_none_match(&self) -> Result<Precondition, AdtError> {
        match self.header("if-none-match")?.map(str::trim) {
            None => self.if_match(|| None),
            Some("*") => Ok(Precondition::NoneExists),
            Some(_) => Err(AdtError::argument("the header If-None-Match must be `*`")),
        }
    }

    /// Writes down who changed a twin, in the commit that others wait for too. Patches and telemetry are not written
    /// down: they come in thousands a second, and each is in the journal with its trace.
    pub(crate) async fn note(&self, action: &str, twin: &TwinId, detail: &str) -> Result<(), AdtError> {
        let fact =
            AuditFact { by: self.caller.name.clone(), action: action.to_owned(), detail: detail.to_owned() };
        let now = self.adt.now();
        let event = Event::new(self.tenant().clone(), twin.clone(), now, now, EventBody::Audit(fact));
        self.adt.runtime.submit(event).await?;
        Ok(())
    }

    /// Writes down who changed what is no twin.
    pub(crate) async fn note_deed(&self, action: &str, subject: &str) -> Result<(), AdtError> {
        let registry = self.adt.runtime.store().tenant(self.tenant());
        Ok(registry.note_deed(&self.caller.name, self.adt.now(), (action, subject, "")).await?)
    }

    /// The whole address of something within this instance.
    pub(crate) fn address(&self, path: &str) -> String {
        let forwarded = self.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        let secure = self.secure || forwarded == Some("https");
        let host =
            self.headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
        format!("{}://{host}{}{path}", if secure { "https" } else { "http" }, self.prefix)
    }
}

/// An entity tag as we write it: weak. `None` where the text is none.
fn etag(text: &str) -> Option<String> {
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.is_empty() && !inner.contains('"')).then(|| format!("W/\"{inner}\""))
}

/// An answer with an entity tag.
pub(crate) fn tagged(status: StatusCode, etag: &str, body: Option<Json>) -> Response {
    let mut response = match body {
        Some(body) => (status, axum::Json(body)).into_response(),
        None => status.into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// Reads a body and keeps nothing of it: a client that writes to the end before it reads would find the connection closed
/// in the place of the answer.
async fn drain(body: Body) {
    let mut chunks = body.into_data_stream();
    while let Some(Ok(_)) = chunks.next().await {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_that_azure_has() {
        let code = |uri: &str| check_version(&uri.parse().unwrap()).map_err(|error| error.code);
        for version in VERSIONS {
            assert_eq!(code(&format!("/models?api-version={version}")), Ok(()));
        }
        for missing in ["/models", "/models?api-version=", "/models?API-VERSION=2023-10-31"] {
            assert_eq!(code(missing), Err(Code::MissingApiVersionParameter), "{missing}");
        }
        for unknown in ["2021-06-30-preview", "2099-01-01", "x", "2023-10-31&api-version=2020-10-31"] {
            assert_eq!(code(&format!("/query?api-version={unknown}")), Err(Code::UnsupportedApiVersionValue));
        }
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        assert_eq!(etag("W/\"2f\"").as_deref(), Some("W/\"2f\""));
        assert_eq!(etag("\"2f\"").as_deref(), Some("W/\"2f\""));
        for bad in ["", "2f", "foo", "W/2f", "\"", "\"\"", "W/\"a\"b\""] {
            assert_eq!(etag(bad), None, "{bad}");
        }
    }
}
