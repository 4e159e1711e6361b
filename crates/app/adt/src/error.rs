//! What is answered where something is refused: Azure's codes, statuses and error documents. The sentences are ours.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};
use voltwin_core::CoreError;
use voltwin_document::DocumentError;
use voltwin_graph::GraphError;
use voltwin_ontology::OntologyError;
use voltwin_query::QueryError;
use voltwin_runtime::RuntimeError;
use voltwin_store::StoreError;

/// The header that names the code again.
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
/// Details of one refusal at most.
const DETAILS_MAX: usize = 100;

macro_rules! codes {
    ($($status:literal: $($code:ident),+;)+) => {
        /// The codes, each with its one status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $($($code,)+)+ }

        impl Code {
            pub(crate) fn text(self) -> &'static str {
                match self { $($(Self::$code => stringify!($code),)+)+ }
            }

            fn status(self) -> u16 {
                match self { $($(Self::$code)|+ => $status,)+ }
            }
        }
    };
}

codes! {
    400: BadRequest, DTDLParserError, EventRouteEndpointInvalid, EventRouteFilterInvalid, EventRouteIdInvalid,
        InvalidArgument, InvalidRelationship, JobLimitReached, JsonPatchInvalid, LimitExceeded, MissingApiVersionParameter,
        ModelDecommissioned, ModelVersionNotSupported, OperationNotAllowed, RelationshipsNotDeleted,
        SqlQueryError, TimeoutError, TwinLimitReached, UnsupportedApiVersionValue, ValidationFailed;
    401: AuthenticationFailed;
    403: AuthorizationFailed;
    404: ComponentNotFound, DeleteJobNotFound, DigitalTwinNotFound, EventRouteNotFound, ImportJobNotFound,
        ModelNotFound, NotFound, RelationshipNotFound, SubDomainNotFound, TargetTwinNotFound;
    405: MethodNotAllowed;
    409: ModelAlreadyExists, ModelReferencesNotDecommissioned, ModelReferencesNotDeleted, RelationshipAlreadyExists;
    412: PreconditionFailed;
    413: RequestBodyTooLarge;
    415: UnsupportedMediaType;
    429: QuotaReachedError, TooManyRequests;
    500: InternalServerError;
    503: ServiceUnavailable;
    507: InsufficientStorage;
}

/// A refusal.
#[derive(Debug, Clone)]
pub(crate) struct AdtError {
    pub(crate) code: Code,
    message: String,
    details: Vec<(String, String)>,
    retry_after_s: Option<u32>,
}

impl AdtError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new(), retry_after_s: None }
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    fn with_details(mut self, details: impl Iterator<Item = (String, String)>) -> Self {
        self.details = details.take(DETAILS_MAX).collect();
        self
    }

    /// A failure of ours: the cause goes to the log.
    fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "a request of the data plane failed");
        Self::new(
            Code::InternalServerError,
            "the cause is in the server's log under the trace of this request",
        )
    }

    /// What stands in `error`, also in that of a job.
    pub(crate) fn document(&self) -> Json {
        let mut error = json!({ "code": self.code.text(), "message": self.message });
        if !self.details.is_empty() {
            let detail = |(code, message): &(String, String)| json!({ "code": code, "message": message });
            error["details"] = self.details.iter().map(detail).collect();
        }
        error
    }

    /// A refusal by the models' own routes, where an unknown model is what was asked for.
    pub(crate) fn of_models(error: RuntimeError) -> Self {
        match &error {
            RuntimeError::Rejected(reason) => match &**reason {
                GraphError::UnknownModel { .. } => Self::new(Code::ModelNotFound, reason.to_string()),
                _ => error.into(),
            },
            _ => error.into(),
        }
    }
}

impl std::fmt::Display for AdtError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.text(), self.message)
    }
}

impl IntoResponse for AdtError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({ "error": self.document() });
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(ERROR_CODE, HeaderValue::from_static(self.code.text()));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = "Bearer realm=\"voltwin\", resource_id=\"https://digitaltwins.azure.net\"";
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<CoreError> for AdtError {
    fn from(error: CoreError) -> Self {
        Self::argument(error.to_string())
    }
}

impl From<&GraphError> for AdtError {
    fn from(error: &GraphError) -> Self {
        use GraphError as E;
        let code = match error {
            E::Models(cause) => return Self::from(cause),
            E::UnknownTwin { .. } => Code::DigitalTwinNotFound,
            E::UnknownLink { .. } => Code::RelationshipNotFound,
            E::MissingTarget { .. } => Code::TargetTwinNotFound,
            E::Decommissioned { .. } => Code::ModelDecommissioned,
            E::SelfLink { .. } => Code::OperationNotAllowed,
            E::TooManyTwins { .. } => Code::TwinLimitReached,
            E::TooManyModels { .. } => Code::LimitExceeded,
            E::UnknownRelationship { .. }
            | E::WrongTarget { .. }
            | E::TooManyLinks { .. }
            | E::TooManyRelationships { .. } => Code::InvalidRelationship,
            E::Reserved { .. } | E::Record(_) => Code::InvalidArgument,
            _ => Code::ValidationFailed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<&OntologyError> for AdtError {
    fn from(error: &OntologyError) -> Self {
        use OntologyError as E;
        let code = match error {
            E::Dtdl(cause) => {
                let broken = cause.error.violations().iter();
                let details = broken.map(|breach| (breach.rule.id().to_owned(), breach.what().to_string()));
                return Self::new(Code::DTDLParserError, error.to_string()).with_details(details);
            }
            E::Exists { .. } => Code::ModelAlreadyExists,
            E::Unknown { .. } => Code::ModelNotFound,
            E::BuiltIn { .. } | E::Reserved { .. } => Code::OperationNotAllowed,
            E::Referenced { .. } => Code::ModelReferencesNotDeleted,
            E::ReferencedInUse { .. } => Code::ModelReferencesNotDecommissioned,
            _ => Code::DTDLParserError,
        };
        Self::new(code, error.to_string())
    }
}

impl From<&DocumentError> for AdtError {
    fn from(error: &DocumentError) -> Self {
        use DocumentError as E;
        let code = match error {
            E::Graph(cause) => return Self::from(cause),
            E::Patch { .. } => Code::JsonPatchInvalid,
            E::UnknownComponent { .. } => Code::ComponentNotFound,
            E::LinkExists { .. } => Code::RelationshipAlreadyExists,
            E::HasRelationships { .. } => Code::RelationshipsNotDeleted,
            _ => Code::InvalidArgument,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RuntimeError> for AdtError {
    fn from(error: RuntimeError) -> Self {
        match &error {
            RuntimeError::Rejected(reason) => Self::from(&**reason),
            RuntimeError::Document(reason) => Self::from(&**reason),
            RuntimeError::PreconditionFailed { .. } => Self::new(Code::PreconditionFailed, error.to_string()),
            RuntimeError::NotYet { .. } => Self::new(Code::SqlQueryError, error.to_string()),
            RuntimeError::Overtaken { .. } | RuntimeError::Stopped => {
                Self::new(Code::ServiceUnavailable, error.to_string()).retry_after(1)
            }
            // not soon: another release must be started
            RuntimeError::Unreadable { .. } => {
                Self::new(Code::ServiceUnavailable, error.to_string()).retry_after(60)
            }
            RuntimeError::Store(cause) => Self::from(&**cause),
        }
    }
}

impl From<&StoreError> for AdtError {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::new(Code::InsufficientStorage, error.to_string()),
            StoreError::Limit { .. } => Self::new(Code::LimitExceeded, error.to_string()),
            StoreError::Invalid { .. } => Self::argument(error.to_string()),
            _ => Self::internal(error),
        }
    }
}

impl From<StoreError> for AdtError {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<QueryError> for AdtError {
    fn from(error: QueryError) -> Self {
        let code = match &error {
            QueryError::Token { .. } => Code::BadRequest,
            QueryError::Budget { .. } | QueryError::Stopped => Code::TimeoutError,
            _ => Code::SqlQueryError,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_names_its_code_in_body_and_header() {
        let error =
            AdtError::new(Code::DTDLParserError, "no").with_details([("r".into(), "m".into())].into_iter());
        let response = error.into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["x-ms-error-code"], "DTDLParserError");
        let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        let body: Json = serde_json::from_slice(&body).unwrap();
        let expected = json!({ "code": "DTDLParserError", "message": "no", "details": [{ "code": "r", "message": "m" }] });
        assert_eq!(body["error"], expected);
        let throttled = AdtError::new(Code::QuotaReachedError, "slow").retry_after(1).into_response();
        assert_eq!(
            (throttled.status().as_u16(), &throttled.headers()["retry-after"]),
            (429, &"1".parse().unwrap())
        );
        let challenge = AdtError::new(Code::AuthenticationFailed, "who").into_response();
        assert!(challenge.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer "));
    }
}
