//! Whoever delivers events: the registry of their routes, and where telemetry goes.

use std::pin::Pin;

use serde_json::Value as Json;
use voltwin_core::{Dtmi, TenantId, Timestamp, TraceId, TwinId};

use crate::error::{AdtError, Code};

/// A route: which events go to which endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its id.
    pub id: String,
    /// The endpoint by its name.
    pub endpoint: String,
    /// Which events.
    pub filter: String,
}

/// One page of routes in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutePage {
    /// The routes.
    pub routes: Vec<Route>,
    /// Whether there are more.
    pub more: bool,
}

/// Why a route is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteError {
    /// Its id is none.
    Id(String),
    /// Its endpoint does not exist.
    Endpoint(String),
    /// Its filter is none.
    Filter(String),
    /// There are as many as there may be.
    Limit(String),
    /// It cannot be done at the moment.
    Failed(String),
}

/// Something that a twin or one of its components said, and that is no property.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The sender's id of the message.
    pub id: String,
    /// The twin.
    pub twin: TwinId,
    /// The component, where it is not of the twin itself.
    pub component: Option<String>,
    /// The model of the twin.
    pub model: Dtmi,
    /// When the source says that it was so, else when it came.
    pub at: Timestamp,
    /// The trace of the request.
    pub trace: Option<TraceId>,
    /// What was said.
    pub data: Json,
}

/// What an outlet answers.
pub type OutletAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, RouteError>> + Send + 'a>>;

/// Whoever delivers events.
pub trait Outlet: Send + Sync {
    /// Makes or replaces a route; a tenant may have `limit` of them, and `by` is for the audit.
    fn put_route<'a>(
        &'a self,
        tenant: &'a TenantId,
        route: Route,
        limit: u64,
        by: &'a str,
    ) -> OutletAnswer<'a, ()>;
    /// One route.
    fn route<'a>(&'a self, tenant: &'a TenantId, id: &'a str) -> OutletAnswer<'a, Option<Route>>;
    /// The routes after an id, in the order of their ids.
    fn routes<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<&'a str>,
        limit: usize,
    ) -> OutletAnswer<'a, RoutePage>;
    /// Removes a route; tells whether there was one.
    fn remove_route<'a>(&'a self, tenant: &'a TenantId, id: &'a str, by: &'a str) -> OutletAnswer<'a, bool>;
    /// Takes telemetry; where nobody listens it is gone.
    fn telemetry<'a>(&'a self, tenant: &'a TenantId, message: Message) -> OutletAnswer<'a, ()>;
}

/// Where nobody delivers events: there are no endpoints, so it takes no routes, and nobody listens to telemetry.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOutlet;

impl Outlet for NoOutlet {
    fn put_route<'a>(&'a self, _: &'a TenantId, route: Route, _: u64, _: &'a str) -> OutletAnswer<'a, ()> {
        Box::pin(
            async move { Err(RouteError::Endpoint(format!("there is no endpoint `{}`", route.endpoint))) },
        )
    }

    fn route<'a>(&'a self, _: &'a TenantId, _: &'a str) -> OutletAnswer<'a, Option<Route>> {
        Box::pin(async { Ok(None) })
    }

    fn routes<'a>(&'a self, _: &'a TenantId, _: Option<&'a str>, _: usize) -> OutletAnswer<'a, RoutePage> {
        Box::pin(async { Ok(RoutePage::default()) })
    }

    fn remove_route<'a>(&'a self, _: &'a TenantId, _: &'a str, _: &'a str) -> OutletAnswer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn telemetry<'a>(&'a self, _: &'a TenantId, _: Message) -> OutletAnswer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl From<RouteError> for AdtError {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::Id(why) => Self::new(Code::EventRouteIdInvalid, why),
            RouteError::Endpoint(why) => Self::new(Code::EventRouteEndpointInvalid, why),
            RouteError::Filter(why) => Self::new(Code::EventRouteFilterInvalid, why),
            RouteError::Limit(why) => Self::new(Code::LimitExceeded, why),
            RouteError::Failed(why) => {
                tracing::error!(why, "the delivery of events failed");
                Self::new(
                    Code::InternalServerError,
                    "the delivery of events failed; the cause is in the server's log",
                )
            }
        }
    }
}
