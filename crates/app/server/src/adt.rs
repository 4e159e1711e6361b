//! The data plane of Azure Digital Twins, beside the API: who is let in, and which requests are meant for it.

mod outlet;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;
use voltwin_adt::{Admission, Adt, AdtConfig, Caller, Doorkeeper, Refusal, Secure, claim};
use voltwin_core::TenantId;
use voltwin_csms::Peer;
use voltwin_identity::{Holder, IdentityError};
use voltwin_security::Permission;
use voltwin_store::InstanceRole;

use self::outlet::Delivered;
use crate::auth::{Principal, identify};
use crate::http::{Problem, Trace};
use crate::state::AppState;

/// The roles of Azure Digital Twins as tokens name them: as the built-in roles are called, or as roles of an application.
const OWNER: [&str; 3] = ["Azure Digital Twins Data Owner", "Data Owner", "DigitalTwins.DataOwner"];
const READER: [&str; 3] = ["Azure Digital Twins Data Reader", "Data Reader", "DigitalTwins.DataReader"];

pub(crate) fn start(state: &AppState) -> Adt {
    let doors = Arc::new(Doors { state: state.clone() });
    let outlet = Delivered { events: state.events.clone(), store: state.runtime.store().clone() };
    let config =
        AdtConfig { blob_hosts: state.config.blob_hosts.clone(), ..AdtConfig::new(doors, Arc::new(outlet)) };
    Adt::start(config, state.runtime.clone())
}

/// Puts the data plane before the routes of `router`.
pub(crate) fn mount(router: Router, state: &AppState, adt: &Adt) -> Router {
    let mounted = Mounted { state: state.clone(), plane: adt.router() };
    router.layer(from_fn_with_state(mounted, dispatch))
}

#[derive(Clone)]
struct Mounted {
    state: AppState,
    plane: Router,
}

async fn dispatch(State(mounted): State<Mounted>, mut request: Request, next: Next) -> Response {
    let config = &mounted.state.config;
    let domain = config.tenant_domain.as_deref();
    let Some(claimed) = claim(request.method(), request.uri(), request.headers(), domain) else {
        return next.run(request).await;
    };
    let Ok(_place) = mounted.state.requests.try_acquire() else {
        let why = format!("{} requests are being worked on already", config.requests_max);
        return Refusal::Unavailable(why).into_response();
    };
    let secure = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);
    let trace = request.extensions().get::<Trace>().map(|trace| trace.0);
    request.uri_mut().clone_from(&claimed.uri);
    let extensions = request.extensions_mut();
    extensions.insert(claimed);
    extensions.insert(Secure(secure));
    if let Some(trace) = trace {
        extensions.insert(trace);
    }
    mounted.plane.oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// Lets in who has a key or a session of ours, or a token of an issuer that is believed.
struct Doors {
    state: AppState,
}

impl Doorkeeper for Doors {
    fn admit<'a>(
        &'a self,
        headers: &'a HeaderMap,
        safe: bool,
        instance: Option<&'a TenantId>,
    ) -> Admission<'a> {
        Box::pin(async move {
            let issuers = &self.state.config.issuers;
            match bearer(headers).filter(|token| issuers.any() && issuers.is_token(token)) {
                Some(token) => self.by_token(token, instance).await,
                None => self.by_key(headers, safe, instance).await,
            }
        })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Doors {
    async fn by_key(
        &self,
        headers: &HeaderMap,
        safe: bool,
        instance: Option<&TenantId>,
    ) -> Result<Caller, Refusal> {
        let Principal { tenant, name, role } = identify(&self.state, headers, safe).await.map_err(refusal)?;
        if instance.is_some_and(|instance| *instance != tenant) {
            return Err(Refusal::NoInstance(String::new()));
        }
        let (may_write, may_send) = (role.may(Permission::WriteTwins), role.may(Permission::IngestTelemetry));
        Ok(Caller { tenant, name, may_write, may_send })
    }

    async fn by_token(&self, token: &str, instance: Option<&TenantId>) -> Result<Caller, Refusal> {
        let verified = self.state.config.issuers.verify(token, self.state.runtime.now()).await;
        let holder = verified.map_err(|error| match error {
            IdentityError::Unreachable { .. } => Refusal::Unavailable(error.to_string()),
            _ => Refusal::Unauthenticated(error.to_string()),
        })?;
        let tenant = self.tenant_of(&holder, instance).await?;
        let may_write = match role_of(&holder.roles) {
            Some(InstanceRole::Owner) => true,
            given => {
                let assigned = self.state.registry(&tenant).assigned(&holder.principal).await;
                match (assigned.map_err(|error| refusal(error.into()))?, given) {
                    (Some(InstanceRole::Owner), _) => true,
                    (Some(InstanceRole::Reader), _) | (None, Some(_)) => false,
                    (None, None) => {
                        let why = "the principal has neither of the roles Azure Digital Twins Data Owner and Data Reader";
                        return Err(Refusal::Forbidden(why.to_owned()));
                    }
                }
            }
        };
        Ok(Caller { tenant, name: holder.name, may_write, may_send: may_write })
    }

    /// The tenant that lets the holder's directory in, and that the address names where it names one.
    async fn tenant_of(&self, holder: &Holder, instance: Option<&TenantId>) -> Result<TenantId, Refusal> {
        let open = self.state.runtime.store().tenants_of_directory(&holder.directory).await;
        let open = open.map_err(|error| refusal(error.into()))?;
        match (instance, open.as_slice()) {
            (Some(instance), open) if open.contains(instance) => Ok(instance.clone()),
            (None, [only]) => Ok(only.clone()),
            (None, [_, ..]) => {
                let why = "the directory of the token has more than one instance; name it by /t/{tenant} or by its host";
                Err(Refusal::NoInstance(why.to_owned()))
            }
            _ => Err(Refusal::NoInstance(String::new())),
        }
    }
}

/// The strongest role that a token names.
fn role_of(roles: &[String]) -> Option<InstanceRole> {
    let has =
        |names: &[&str]| roles.iter().any(|role| names.iter().any(|name| name.eq_ignore_ascii_case(role)));
    if has(&OWNER) {
        return Some(InstanceRole::Owner);
    }
    has(&READER).then_some(InstanceRole::Reader)
}

fn refusal(problem: Problem) -> Refusal {
    match problem.status {
        401 => Refusal::Unauthenticated(problem.detail),
        403 => Refusal::Forbidden(problem.detail),
        _ => Refusal::Unavailable(problem.detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_role_of_a_token_counts() {
        let role = |roles: &[&str]| role_of(&roles.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>());
        assert_eq!(role(&["Azure Digital Twins Data Reader"]), Some(InstanceRole::Reader));
        assert_eq!(role(&["data reader", "DigitalTwins.DataOwner"]), Some(InstanceRole::Owner));
        for none in [&[][..], &["Owner"], &["Azure Digital Twins Data Owner "], &["admin"]] {
            assert_eq!(role(none), None, "{none:?}");
        }
    }
}
