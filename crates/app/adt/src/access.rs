//! Who asks, and what an operation needs of them.

use std::pin::Pin;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use voltwin_core::TenantId;

use crate::error::{AdtError, Code};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose instance they ask for, and may.
    pub tenant: TenantId,
    /// What the audit calls them.
    pub name: String,
    /// Whether they may change models, twins, relationships, routes and start jobs: Data Owner.
    pub may_write: bool,
    /// Whether they may send telemetry, which a Data Owner may too.
    pub may_send: bool,
}

/// What an operation needs. Who is let in at all may read: Data Reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Reads and queries.
    Read,
    /// Telemetry.
    Send,
    /// Everything else.
    Write,
}

impl Need {
    /// What a request needs.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::POST if path == "/query" => Self::Read,
            Method::POST if path.starts_with("/digitaltwins/") => Self::Send,
            _ => Self::Write,
        }
    }

    pub(crate) fn check(self, caller: &Caller) -> Result<(), AdtError> {
        let allowed = match self {
            Self::Read => true,
            Self::Send => caller.may_send || caller.may_write,
            Self::Write => caller.may_write,
        };
        if allowed {
            return Ok(());
        }
        let message = "this takes the role Azure Digital Twins Data Owner, or a key of the role admin";
        Err(AdtError::new(Code::AuthorizationFailed, message))
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no proof, or it is not believed.
    Unauthenticated(String),
    /// They are known and have no role here.
    Forbidden(String),
    /// There is no such instance for them: whether there is one for others is not told.
    NoInstance(String),
    /// It cannot be found out at the moment.
    Unavailable(String),
}

impl From<Refusal> for AdtError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthenticated(why) => Self::new(Code::AuthenticationFailed, why),
            Refusal::Forbidden(why) => Self::new(Code::AuthorizationFailed, why),
            Refusal::NoInstance(why) => {
                let more = if why.is_empty() { String::new() } else { format!(": {why}") };
                Self::new(Code::SubDomainNotFound, format!("Sub-Domain not found{more}"))
            }
            Refusal::Unavailable(why) => Self::new(Code::ServiceUnavailable, why).retry_after(5),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        AdtError::from(self).into_response()
    }
}

/// What a [`Doorkeeper`] answers.
pub type Admission<'a> = Pin<Box<dyn Future<Output = Result<Caller, Refusal>> + Send + 'a>>;

/// Finds out who asks.
pub trait Doorkeeper: Send + Sync {
    /// Who sends these headers; `instance` is the tenant that the address names, `safe` whether the request changes
    /// nothing.
    fn admit<'a>(
        &'a self,
        headers: &'a HeaderMap,
        safe: bool,
        instance: Option<&'a TenantId>,
    ) -> Admission<'a>;
}

/// Whether a request changes nothing, as [`Doorkeeper::admit`] wants to know it: a query by POST does not.
pub(crate) fn is_safe(parts: &Parts) -> bool {
    parts.method.is_safe()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_reads_and_queries_and_nothing_else() {
        let caller = |may_write, may_send| Caller {
            tenant: "a".parse().unwrap(),
            name: String::new(),
            may_write,
            may_send,
        };
        let requests = [
            (Method::GET, "/models", [true, true, true]),
            (Method::POST, "/query", [true, true, true]),
            (Method::POST, "/digitaltwins/a/telemetry", [false, true, true]),
            (Method::POST, "/digitaltwins/a/components/b/telemetry", [false, true, true]),
            (Method::POST, "/models", [false, false, true]),
            (Method::PATCH, "/models/a", [false, false, true]),
            (Method::PUT, "/digitaltwins/a", [false, false, true]),
            (Method::DELETE, "/digitaltwins/a/relationships/b", [false, false, true]),
            (Method::PUT, "/eventroutes/a", [false, false, true]),
            (Method::POST, "/jobs/imports/a/cancel", [false, false, true]),
            (Method::POST, "/jobs/deletions", [false, false, true]),
        ];
        for (method, path, expected) in requests {
            let need = Need::of(&method, path);
            let found = [(false, false), (false, true), (true, false)]
                .map(|(may_write, may_send)| need.check(&caller(may_write, may_send)).is_ok());
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
