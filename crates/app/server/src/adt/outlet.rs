//! Event routes and telemetry of the data plane, handed to the delivery of events.

use voltwin_adt::{Message, Outlet, OutletAnswer, Route, RouteError, RoutePage};
use voltwin_core::TenantId;
use voltwin_delivery::{Events, EventsError};
use voltwin_routes::Telemetry;
use voltwin_store::{EventRoute, Store, StoreError};

pub(super) struct Delivered {
    pub(super) events: Events,
    pub(super) store: Store,
}

impl Outlet for Delivered {
    fn put_route<'a>(
        &'a self,
        tenant: &'a TenantId,
        route: Route,
        limit: u64,
        by: &'a str,
    ) -> OutletAnswer<'a, ()> {
        Box::pin(async move {
            // where more is wrong than one thing, Azure names the endpoint first
            let endpoint = self.store.tenant(tenant).event_endpoint(&route.endpoint).await;
            if endpoint.map_err(|error| refusal(&error.into()))?.is_none() {
                return Err(RouteError::Endpoint(format!("there is no endpoint `{:.80}`", route.endpoint)));
            }
            let parts = (route.id.as_str(), route.endpoint.as_str(), route.filter.as_str());
            self.events.put_route(tenant, parts, limit, by).await.map(drop).map_err(|error| refusal(&error))
        })
    }

    fn route<'a>(&'a self, tenant: &'a TenantId, id: &'a str) -> OutletAnswer<'a, Option<Route>> {
        Box::pin(async move {
            let found = self.store.tenant(tenant).event_route(id).await;
            Ok(found.map_err(|error| refusal(&error.into()))?.map(shown))
        })
    }

    fn routes<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<&'a str>,
        limit: usize,
    ) -> OutletAnswer<'a, RoutePage> {
        Box::pin(async move {
            let page = self.store.tenant(tenant).event_routes(after, limit).await;
            let page = page.map_err(|error| refusal(&error.into()))?;
            let more = page.next.is_some();
            Ok(RoutePage { routes: page.items.into_iter().map(shown).collect(), more })
        })
    }

    fn remove_route<'a>(&'a self, tenant: &'a TenantId, id: &'a str, by: &'a str) -> OutletAnswer<'a, bool> {
        Box::pin(
            async move { self.events.remove_route(tenant, id, by).await.map_err(|error| refusal(&error)) },
        )
    }

    fn telemetry<'a>(&'a self, tenant: &'a TenantId, message: Message) -> OutletAnswer<'a, ()> {
        let Message { id, twin, component, model, at, trace, data } = message;
        let telemetry = Telemetry { id, twin, component, model: Some(model), at, trace, data };
        Box::pin(
            async move { self.events.telemetry(tenant, telemetry).await.map_err(|error| refusal(&error)) },
        )
    }
}

fn shown(route: EventRoute) -> Route {
    Route { id: route.id, endpoint: route.endpoint, filter: route.filter }
}

fn refusal(error: &EventsError) -> RouteError {
    let text = error.to_string();
    match error {
        EventsError::Filter(_) => RouteError::Filter(text),
        EventsError::Store(StoreError::Invalid { .. }) => RouteError::Id(text),
        EventsError::Store(StoreError::NotFound { .. }) => RouteError::Endpoint(text),
        EventsError::Store(StoreError::Limit { .. }) => RouteError::Limit(text),
        _ => RouteError::Failed(text),
    }
}
