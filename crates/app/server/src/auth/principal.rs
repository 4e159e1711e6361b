use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use voltwin_core::TenantId;
use voltwin_security::{ApiKey, Permission, Role, SessionToken};

use crate::http::Problem;
use crate::state::AppState;

/// The name of the session cookie.
pub(crate) const COOKIE: &str = "voltwin_session";

/// Who asks: a person with a session or a program with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// Whose data they may see.
    pub(crate) tenant: TenantId,
    /// The user, or the public id of the key.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
}

impl Principal {
    /// # Errors
    /// 403 when the role does not have the permission.
    pub(crate) fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.role.may(permission) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("a {} may not do this (it takes `{permission:?}`)", self.role)))
    }
}

/// What [`authenticate`] found out.
#[derive(Debug, Clone)]
struct Identity(Result<Principal, Problem>);

/// How somebody proves who they are.
enum Proof {
    Key(ApiKey),
    Session(SessionToken),
}

impl Proof {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let text = value.to_str().unwrap_or_default();
            let key = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let Some((_, key)) = key else {
                return Err(Problem::unauthorized("the Authorization header must be `Bearer KEY`"));
            };
            return ApiKey::parse(key.trim()).map(Self::Key).map_err(|_| unknown_key());
        }
        match cookie_token(headers) {
            Some(token) => Ok(Self::Session(token)),
            None => {
                Err(Problem::unauthorized("there is neither an Authorization header nor a session cookie"))
            }
        }
    }
}

fn unknown_key() -> Problem {
    Problem::unauthorized("the key is not known or was revoked")
}

/// The session token of the cookie, if there is a well-formed one.
pub(crate) fn cookie_token(headers: &HeaderMap) -> Option<SessionToken> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .find_map(|(_, value)| SessionToken::parse(value).ok())
}

/// Finds out who asks and leaves it with the request; judges nothing.
pub(crate) async fn authenticate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let identity = identify(&state, &parts.headers, parts.method.is_safe()).await;
    parts.extensions.insert(Identity(identity));
    next.run(Request::from_parts(parts, body)).await
}

/// Who shows these credentials; with a session a request that is not `safe` must come from a page of ours. Nobody is let
/// in to a tenant that this release cannot read.
pub(crate) async fn identify(
    state: &AppState,
    headers: &HeaderMap,
    safe: bool,
) -> Result<Principal, Problem> {
    let principal = holder(state, headers, safe).await?;
    state.runtime.readable(&principal.tenant)?;
    Ok(principal)
}

async fn holder(state: &AppState, headers: &HeaderMap, safe: bool) -> Result<Principal, Problem> {
    match Proof::read(headers)? {
        Proof::Key(key) => state.key_holder(&key).await,
        Proof::Session(token) => {
            let session = state.runtime.store().find_session(&token.hash()).await?;
            let live = session.filter(|session| session.expires_at > state.runtime.now());
            let Some(session) = live else {
                return Err(Problem::unauthorized("the session has ended; sign in again"));
            };
            if !safe && !headers.contains_key("x-voltwin") {
                return Err(Problem::forbidden(
                    "a change with the session cookie needs the header `X-Voltwin: 1`",
                ));
            }
            Ok(Principal { tenant: session.tenant, name: session.user, role: session.role })
        }
    }
}

impl AppState {
    /// Who holds an API key.
    pub(crate) async fn key_holder(&self, key: &ApiKey) -> Result<Principal, Problem> {
        let found = self.runtime.store().find_key(key.public_id()).await?;
        match found {
            Some((tenant, record)) if key.matches(&record.hash) && record.revoked_at.is_none() => {
                Ok(Principal { tenant, name: record.public_id, role: record.role })
            }
            _ => Err(unknown_key()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Identity>() {
            Some(Identity(result)) => result.clone(),
            None => Err(Problem::unauthorized("this path takes no credentials")),
        }
    }
}

/// What somebody who stays for long has shown, to see later whether it still holds.
pub(crate) struct Standing {
    headers: HeaderMap,
    principal: Principal,
}

impl Standing {
    pub(crate) fn new(request: &HeaderMap, principal: Principal) -> Self {
        let mut headers = HeaderMap::new();
        for name in [header::AUTHORIZATION, header::COOKIE] {
            for value in request.get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
        Self { headers, principal }
    }

    /// Whether the same principal would still be let in; a registry that cannot be read changes nothing.
    pub(crate) async fn holds(&self, state: &AppState) -> bool {
        match identify(state, &self.headers, true).await {
            Ok(principal) => principal == self.principal,
            Err(problem) => problem.status != 401,
        }
    }
}

/// Where a request comes from.
pub(crate) struct Address(pub(crate) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip().to_canonical())))
    }
}

/// Whether a WebSocket handshake comes from a page of ours or from a program: browsers always send `Origin`, and
/// the same-origin policy does not cover WebSockets.
pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let token = SessionToken::generate().unwrap();
        let text = token.reveal();
        let line = format!("theme=dark; {COOKIE}={}; x=y", text.expose());
        assert!(cookie_token(&headers(&[("cookie", &line)])).unwrap().hash() == token.hash());
        for bad in ["", "voltwin_session=", "voltwin_session=x", "other=1"] {
            assert!(cookie_token(&headers(&[("cookie", bad)])).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_foreign_page_cannot_open_a_stream() {
        assert!(same_origin(&headers(&[("host", "twin.example:8080")])));
        assert!(same_origin(&headers(&[("host", "twin.example"), ("origin", "https://twin.example")])));
        assert!(!same_origin(&headers(&[("host", "twin.example"), ("origin", "https://evil.example")])));
        assert!(!same_origin(&headers(&[("host", "twin.example"), ("origin", "null")])));
    }
}
