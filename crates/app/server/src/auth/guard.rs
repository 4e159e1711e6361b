//! The permission of a route, written beside the route.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder, SecurityRequirement};
use utoipa_axum::router::UtoipaMethodRouter;
use voltwin_security::Permission;

use super::Principal;
use crate::http::{BodyLimit, Problem};
use crate::state::AppState;

/// How long a request may take where a route says nothing else.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a route asks of a request before its handler runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    permission: Option<Permission>,
    timeout: Duration,
    body_limit_bytes: Option<usize>,
    at_once: Option<usize>,
}

impl Guard {
    /// Only for those who have `permission`.
    pub(crate) fn needs(permission: Permission) -> Self {
        Self { permission: Some(permission), timeout: TIMEOUT, body_limit_bytes: None, at_once: None }
    }

    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(crate) fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit_bytes: Some(bytes), ..self }
    }

    /// How many requests of this route are worked on at once; more wait with their bodies unread.
    pub(crate) fn at_once(self, requests: usize) -> Self {
        Self { at_once: Some(requests), ..self }
    }

    /// Puts the guard before the handlers of `routes`, and into their description.
    pub(crate) fn on(self, routes: UtoipaMethodRouter<AppState>) -> UtoipaMethodRouter<AppState> {
        let (schemas, mut paths, mut router) = routes;
        for item in paths.paths.values_mut() {
            operations(item).for_each(|operation| self.describe(operation));
        }
        let places = self.at_once.map(|requests| Arc::new(Semaphore::new(requests)));
        router = router.route_layer(from_fn(move |request, next| self.check(request, next, places.clone())));
        if let Some(bytes) = self.body_limit_bytes {
            router = router
                .route_layer(DefaultBodyLimit::max(bytes))
                .route_layer(axum::Extension(BodyLimit(bytes)));
        }
        (schemas, paths, router)
    }

    async fn check(self, request: Request, next: Next, places: Option<Arc<Semaphore>>) -> Response {
        let (mut parts, body) = request.into_parts();
        if let Some(permission) = self.permission {
            let principal = Principal::from_request_parts(&mut parts, &()).await;
            if let Err(problem) = principal.and_then(|principal| principal.require(permission)) {
                return problem.into_response();
            }
        }
        let answer = async {
            let _place = match &places {
                Some(places) => places.acquire().await.ok(),
                None => None,
            };
            next.run(Request::from_parts(parts, body)).await
        };
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(response) => response,
            Err(_) => Problem::timeout(self.timeout.as_secs()).into_response(),
        }
    }

    fn describe(self, operation: &mut Operation) {
        let problem = |what: &str| {
            let schema = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            ResponseBuilder::new().description(what).content("application/problem+json", content).build()
        };
        let responses = &mut operation.responses.responses;
        responses.insert("400".to_owned(), problem("The input is not valid.").into());
        if let Some(permission) = self.permission {
            responses.insert("401".to_owned(), problem("No valid key or session.").into());
            responses.insert("403".to_owned(), problem("The role does not allow it.").into());
            let extensions = ExtensionsBuilder::new().add("x-permission", format!("{permission:?}")).build();
            operation.extensions.get_or_insert_default().merge(extensions);
            let none: [&str; 0] = [];
            operation.security =
                Some(vec![SecurityRequirement::new("key", none), SecurityRequirement::new("session", none)]);
        }
    }
}

/// A route that anybody may use.
pub(crate) fn public(routes: UtoipaMethodRouter<AppState>) -> UtoipaMethodRouter<AppState> {
    Guard { permission: None, timeout: TIMEOUT, body_limit_bytes: None, at_once: None }.on(routes)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}
