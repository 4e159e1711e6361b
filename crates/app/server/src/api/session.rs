//! Signing in and out.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::TenantId;
use voltwin_security::{ApiKey, PasswordHash, Permission, Secret, SessionToken};

use crate::auth::{Address, COOKIE, Guard, Principal, cookie_token, public};
use crate::http::{Json, Problem};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(public(routes!(sign_in)))
        .routes(Guard::needs(Permission::Read).on(routes!(who_am_i)))
        .routes(public(routes!(sign_out)))
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Session {
    #[schema(example = "demo")]
    tenant: String,
    /// The user, or the public id of the key.
    #[schema(example = "olu")]
    user: String,
    /// `viewer` reads, `operator` also runs the network, `admin` also decides who may do what.
    #[schema(example = "operator")]
    role: &'static str,
}

impl From<Principal> for Session {
    fn from(principal: Principal) -> Self {
        Self { tenant: principal.tenant.to_string(), user: principal.name, role: principal.role.as_str() }
    }
}

/// An API key, or a user's name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// An API key, alone.
    #[schema(value_type = Option<String>, format = Password)]
    key: Option<Secret>,
    /// The tenant of the user.
    tenant: Option<String>,
    /// The user's name.
    user: Option<String>,
    /// The user's password, 1 to 1024 bytes.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
}

/// Sign in: sets the session cookie.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = Session), (status = 401, body = Problem, description = "Not known.",
        content_type = "application/problem+json"), (status = 429, body = Problem,
        content_type = "application/problem+json", description = "Too many failed attempts.")))]
async fn sign_in(
    State(state): State<AppState>,
    address: Address,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let mut keys = vec![format!("address {}", address.0)];
    if let (Some(tenant), Some(user)) = (&body.tenant, &body.user) {
        keys.push(format!("user {}/{}", clip(tenant), clip(user)));
    }
    let now = state.runtime.now();
    let wait_s = keys.iter().filter_map(|key| state.throttle.lock().wait_s(key, now)).max();
    if let Some(wait_s) = wait_s {
        metrics::counter!("voltwin_sign_ins_total", "outcome" => "throttled").increment(1);
        return Err(Problem::throttled(format!("too many failed attempts; wait {wait_s} s"), wait_s));
    }
    let principal = match judge(&state, body).await {
        Ok(principal) => principal,
        Err(problem) => {
            if problem.status == StatusCode::UNAUTHORIZED.as_u16() {
                metrics::counter!("voltwin_sign_ins_total", "outcome" => "refused").increment(1);
                let mut throttle = state.throttle.lock();
                keys.into_iter().for_each(|key| throttle.fail(key, now));
            }
            return Err(problem);
        }
    };
    // only the user's own count: an address may hold one who knows a password and guesses others
    if let Some(user) = keys.get(1) {
        state.throttle.lock().forget(user);
    }
    metrics::counter!("voltwin_sign_ins_total", "outcome" => "accepted").increment(1);
    begin(&state, principal).await
}

async fn judge(state: &AppState, body: SignIn) -> Result<Principal, Problem> {
    match body {
        SignIn { key: Some(key), tenant: None, user: None, password: None } => {
            let key = ApiKey::parse(key.expose())
                .map_err(|_| Problem::unauthorized("the key is not known or was revoked"))?;
            state.key_holder(&key).await
        }
        SignIn { key: None, tenant: Some(tenant), user: Some(user), password: Some(password) } => {
            check_password(state, &tenant, user, &password).await
        }
        _ => Err(Problem::invalid("give either `key`, or `tenant`, `user` and `password`")),
    }
}

/// An unknown tenant or user takes as long as a wrong password and gets the same answer.
async fn check_password(
    state: &AppState,
    tenant: &str,
    user: String,
    password: &Secret,
) -> Result<Principal, Problem> {
    let tenant = TenantId::new(tenant).ok();
    let found = match &tenant {
        Some(tenant) if state.runtime.store().tenant_exists(tenant).await? => {
            state.registry(tenant).find_user(&user).await?
        }
        _ => None,
    };
    if let (Some(tenant), Some(record)) = (tenant, found) {
        if record.password_hash.verify(password).await? {
            return Ok(Principal { tenant, name: record.name, role: record.role });
        }
    } else {
        PasswordHash::verify_unknown().await?;
    }
    Err(Problem::unauthorized("the tenant, the user or the password is not right"))
}

async fn begin(state: &AppState, principal: Principal) -> Result<Response, Problem> {
    let token = SessionToken::generate()?;
    let expires_at = state.runtime.now() + state.config.session;
    let registry = state.registry(&principal.tenant);
    registry.add_session(&token.hash(), &principal.name, principal.role, expires_at).await?;
    let seconds = state.config.session.as_secs();
    let cookie = set_cookie(state, token.reveal().expose(), seconds)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Session::from(principal))).into_response())
}

fn set_cookie(state: &AppState, value: &str, seconds: u64) -> Result<HeaderValue, Problem> {
    let secure = if state.config.secure_cookies { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut cookie = HeaderValue::from_str(&text).map_err(|error| Problem::internal(&error))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Who am I?
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Session)))]
async fn who_am_i(principal: Principal) -> Json<Session> {
    Json(principal.into())
}

/// Sign out: ends the session of the cookie, if there is one.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
async fn sign_out(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = cookie_token(&headers) {
        if !headers.contains_key("x-voltwin") {
            return Err(Problem::forbidden("signing out needs the header `X-Voltwin: 1`"));
        }
        let hash = token.hash();
        if let Some(session) = state.runtime.store().find_session(&hash).await? {
            state.registry(&session.tenant).drop_session(&hash).await?;
        }
    }
    let cookie = set_cookie(&state, "", 0)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Names are kept in memory, so their length is bounded.
fn clip(text: &str) -> &str {
    let end = text.char_indices().nth(80).map_or(text.len(), |(end, _)| end);
    &text[..end]
}
