//! Every error that leaves the server, as an RFC 9457 problem document.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use voltwin_core::CoreError;
use voltwin_csms::{CsmsError, RecordingError};
use voltwin_graph::GraphError;
use voltwin_history::HistoryError;
use voltwin_messages::MessageLogError;
use voltwin_operations::OperationError;
use voltwin_runtime::RuntimeError;
use voltwin_security::SecurityError;
use voltwin_store::StoreError;

/// What is wrong with one field of the input.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// Its path.
    #[schema(example = "stations[2].bays")]
    pub(crate) field: String,
    /// What it is, and its limit.
    #[schema(example = "0 is not within 1 to 1000")]
    pub(crate) what: String,
}

/// An error as the API answers it (`application/problem+json`).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind of problem; stable, to be compared with.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "urn:voltwin:problem:invalid-input")]
    pub(crate) kind: &'static str,
    /// The kind of problem, for a person.
    #[schema(value_type = String, example = "the input is not valid")]
    pub(crate) title: &'static str,
    /// The HTTP status.
    #[schema(example = 400, minimum = 400, maximum = 599)]
    pub(crate) status: u16,
    /// What is wrong this time.
    #[schema(example = "`limit` is 501; it must be 1 to 500")]
    pub(crate) detail: String,
    /// The input at fault, where there is one: a field of the body, a query parameter, a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "limit")]
    pub(crate) field: Option<String>,
    /// The bound that was broken, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 500)]
    pub(crate) limit: Option<Box<serde_json::Value>>,
    /// All that is wrong, where the input breaks several rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Fault>>)]
    pub(crate) problems: Option<Box<[Fault]>>,
    /// Seconds to wait before the next attempt; also in the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_s: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            limit: None,
            problems: None,
            retry_after_s: None,
        }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:invalid-input";
        Self::new(StatusCode::BAD_REQUEST, kind, "the input is not valid", detail)
    }

    /// Input that breaks a rule of one field.
    pub(crate) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::invalid(detail) }
    }

    /// Input that breaks several rules, each told; none is no problem.
    pub(crate) fn faults(faults: Vec<Fault>) -> Result<(), Self> {
        let Some(first) = faults.first() else { return Ok(()) };
        let detail = match faults.len() {
            1 => format!("`{}`: {}", first.field, first.what),
            n => format!("{n} fields are wrong; the first is `{}`: {}", first.field, first.what),
        };
        let field = Self::field(&first.field, detail);
        Err(Self { problems: Some(faults.into()), ..field })
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:unauthorized";
        Self::new(StatusCode::UNAUTHORIZED, kind, "sign in first", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:forbidden";
        Self::new(StatusCode::FORBIDDEN, kind, "this is not allowed", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:voltwin:problem:not-found", "there is no such thing", detail)
    }

    pub(crate) fn method_not_allowed(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:method-not-allowed";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, kind, "this path has no such method", detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:conflict";
        Self::new(StatusCode::CONFLICT, kind, "it does not fit what is there", detail)
    }

    pub(crate) fn precondition_failed(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:precondition-failed";
        let problem = Self::new(StatusCode::PRECONDITION_FAILED, kind, "somebody changed it before", detail);
        Self { field: Some("If-Match".to_owned()), ..problem }
    }

    pub(crate) fn too_large(limit_bytes: usize) -> Self {
        let kind = "urn:voltwin:problem:too-large";
        let detail = format!("the body has more than {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, kind, "the request is too large", detail).limit(limit_bytes)
    }

    pub(crate) fn media_type(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:media-type";
        let problem =
            Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, kind, "the body is of another type", detail);
        Self { field: Some("Content-Type".to_owned()), ..problem }
    }

    pub(crate) fn throttled(detail: impl Into<String>, retry_after_s: u32) -> Self {
        let kind = "urn:voltwin:problem:throttled";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, kind, "too many attempts", detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    pub(crate) fn timeout(limit_s: u64) -> Self {
        let kind = "urn:voltwin:problem:timeout";
        let detail = format!("the request took longer than {limit_s} s");
        Self::new(StatusCode::GATEWAY_TIMEOUT, kind, "it took too long", detail).limit(limit_s)
    }

    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:busy";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, "too much at once", detail);
        Self { retry_after_s: Some(1), ..problem }
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:unavailable";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, "not possible at the moment", detail)
    }

    /// What is stored of the tenant does not fit this release.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:tenant-unreadable";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, "this release cannot read the tenant", detail)
    }

    pub(crate) fn disk_full(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:disk-full";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, kind, "the disk is full", detail)
    }

    /// There is no room left in what the tenant may take.
    pub(crate) fn over_quota(detail: impl Into<String>) -> Self {
        let kind = "urn:voltwin:problem:over-quota";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, kind, "there is no room for more", detail)
    }

    /// A failure of ours: the cause goes to the log, the client learns only that there was one.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "a request failed");
        let kind = "urn:voltwin:problem:internal";
        let detail = "the cause is in the server's log under the trace of this request";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, kind, "the server failed", detail)
    }

    /// The same problem with the bound that was broken.
    pub(crate) fn limit(self, limit: impl Into<serde_json::Value>) -> Self {
        Self { limit: Some(Box::new(limit.into())), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = self.retry_after_s;
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"voltwin\""));
        }
        response
    }
}

impl From<CoreError> for Problem {
    fn from(error: CoreError) -> Self {
        match &error {
            CoreError::Identifier { what, .. } => Self::field(*what, error.to_string()),
            CoreError::Timestamp { .. } => Self::invalid(error.to_string()),
            CoreError::Record { part, limit, .. } => {
                Self::field(*part, error.to_string()).limit(*limit as u64)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::DiskFull => Self::disk_full(error.to_string()),
            StoreError::Limit { limit, .. } => Self::over_quota(error.to_string()).limit(*limit),
            StoreError::Conflict { .. } => Self::conflict(error.to_string()),
            StoreError::NotFound { .. } => Self::not_found(error.to_string()),
            StoreError::Invalid { field, .. } => Self::field(*field, error.to_string()),
            _ => Self::internal(&error),
        }
    }
}

impl From<&GraphError> for Problem {
    fn from(error: &GraphError) -> Self {
        let text = error.to_string();
        if let GraphError::UnknownTwin { .. } = error {
            return Self::not_found(text);
        }
        // the graph begins its messages with the property or part at fault, where there is one
        let field =
            text.split_once(": ").map(|(field, _)| field.to_owned()).filter(|field| !field.contains(' '));
        Self { field, ..Self::invalid(text) }
    }
}

impl From<RuntimeError> for Problem {
    fn from(error: RuntimeError) -> Self {
        match &error {
            RuntimeError::Rejected(reason) => Self::from(&**reason),
            RuntimeError::Document(_) | RuntimeError::NotYet { .. } => Self::invalid(error.to_string()),
            RuntimeError::PreconditionFailed { .. } => Self::precondition_failed(error.to_string()),
            RuntimeError::Overtaken { .. } => Self::conflict(error.to_string()),
            RuntimeError::Store(cause) if matches!(**cause, StoreError::DiskFull) => {
                Self::disk_full(cause.to_string())
            }
            RuntimeError::Unreadable { .. } => Self::unreadable(error.to_string()),
            RuntimeError::Stopped => Self::unavailable(error.to_string()),
            RuntimeError::Store(_) => Self::internal(&error),
        }
    }
}

impl From<CsmsError> for Problem {
    fn from(error: CsmsError) -> Self {
        match error {
            CsmsError::NoStation(_) => Self::not_found(error.to_string()),
            CsmsError::Command(_) => Self::field("payload", error.to_string()),
            CsmsError::Missing { field, .. } => Self::field(field, error.to_string()),
            CsmsError::Conflict(_) => Self::conflict(error.to_string()),
            CsmsError::Profile(_) => Self::invalid(error.to_string()),
            CsmsError::Identifier(inner) => inner.into(),
            CsmsError::Runtime(inner) => inner.into(),
            CsmsError::Store(inner) => inner.into(),
            CsmsError::Messages(inner) => inner.into(),
            CsmsError::Recording(inner) => match &inner {
                RecordingError::Missing(_) => Self::not_found(inner.to_string()),
                RecordingError::Refused(_) => Self::conflict(inner.to_string()),
                RecordingError::Line { .. } => Self::invalid(inner.to_string()),
                RecordingError::Io(_) => Self::internal(&inner),
            },
            CsmsError::Security(inner) => inner.into(),
            CsmsError::Price(_) => Self::conflict(error.to_string()),
        }
    }
}

impl From<MessageLogError> for Problem {
    fn from(error: MessageLogError) -> Self {
        match &error {
            MessageLogError::Invalid { field, .. } => Self::field(*field, error.to_string()),
            _ => Self::internal(&error),
        }
    }
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::NoJob { .. } => Self::not_found(error.to_string()),
            OperationError::State { .. } | OperationError::Taken { .. } => Self::conflict(error.to_string()),
            OperationError::Invalid { field, .. } => Self::field(field, error.to_string()),
            OperationError::Busy { limit } => Self::busy(error.to_string()).limit(limit),
            OperationError::Store(inner) => inner.into(),
            OperationError::Csms(inner) => inner.into(),
        }
    }
}

impl From<SecurityError> for Problem {
    fn from(error: SecurityError) -> Self {
        match &error {
            SecurityError::Busy { limit } => Self::busy(error.to_string()).limit(*limit),
            SecurityError::PasswordLength { limit, .. } => {
                Self::field("password", error.to_string()).limit(*limit)
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        match &error {
            HistoryError::DiskFull => Self::disk_full(error.to_string()),
            HistoryError::Invalid { field, .. } => Self::field(*field, error.to_string()),
            _ => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_field_and_limit_and_leaves_out_what_does_not_apply() {
        let problem = Problem::field("limit", "`limit` is 501; it must be 1 to 500").limit(500);
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["field"], "limit");
        assert_eq!(json["limit"], 500);
        assert_eq!(json["status"], 400);
        assert!(json.get("retry_after_s").is_none());
    }

    #[test]
    fn a_response_carries_the_headers_of_its_status() {
        let response = Problem::throttled("wait", 60).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "60");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(Problem::unauthorized("x").into_response().headers().contains_key("www-authenticate"));
    }
}
