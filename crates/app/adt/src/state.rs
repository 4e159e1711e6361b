//! What the operations share, and the router over it.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;
use voltwin_core::{TenantId, Timestamp};
use voltwin_graph::Limits;
use voltwin_runtime::Runtime;

use crate::access::Doorkeeper;
use crate::error::{AdtError, Code};
use crate::jobs::{self, Blobs, Jobs};
use crate::limits::Buckets;
use crate::outlet::Outlet;
use crate::{call, event_routes, models, query, relationships, telemetry, twins};

/// How long it is believed whether a tenant is strict: its registry is not asked for each request.
const DIALECT_FOR_S: f64 = 2.0;

/// What whoever mounts the data plane says.
pub struct AdtConfig {
    /// Finds out who asks.
    pub doorkeeper: Arc<dyn Doorkeeper>,
    /// Delivers events.
    pub outlet: Arc<dyn Outlet>,
    /// Hosts of blobs that may be reached though they are not on the public network, each as `host` or `host:port`.
    pub blob_hosts: Vec<String>,
    /// How long one page of a query may take.
    pub query_within: Duration,
    /// Steps that one page of a query may take: twins and relationships looked at.
    pub query_steps: u64,
    /// Bytes of one file to import.
    pub import_bytes_max: u64,
}

impl AdtConfig {
    /// With limits that suit one node.
    #[must_use]
    pub fn new(doorkeeper: Arc<dyn Doorkeeper>, outlet: Arc<dyn Outlet>) -> Self {
        Self {
            doorkeeper,
            outlet,
            blob_hosts: Vec::new(),
            query_within: Duration::from_secs(30),
            query_steps: 100_000_000,
            import_bytes_max: 16 * 1024 * 1024 * 1024,
        }
    }
}

/// Whether a request came over TLS; an extension of the request, for addresses that must be told whole.
#[derive(Debug, Clone, Copy)]
pub struct Secure(pub bool);

/// The data plane. Cheap to clone.
#[derive(Clone)]
pub struct Adt(Plane);

impl Adt {
    /// Takes up the jobs that a restart interrupted. Must be called within a tokio runtime; the jobs end, to be taken up
    /// again, when `runtime` stops.
    #[must_use]
    pub fn start(config: AdtConfig, runtime: Runtime) -> Self {
        let blobs = Blobs::new(config.blob_hosts.clone());
        let plane = Plane(Arc::new(Shared {
            config,
            runtime,
            buckets: Mutex::default(),
            jobs: Jobs::default(),
            blobs,
            tasks: TaskTracker::new(),
            dialects: Mutex::default(),
        }));
        plane.tasks.spawn(jobs::resume(plane.clone()));
        Self(plane)
    }

    /// Waits for the jobs, which stop when the runtime does.
    pub async fn finish(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// The operations, for requests whose address is within an instance.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/models", get(models::list).post(models::add))
            .route("/models/{id}", get(models::get).patch(models::update).delete(models::delete))
            .route(
                "/digitaltwins/{id}",
                get(twins::get).put(twins::put).patch(twins::patch).delete(twins::delete),
            )
            .route(
                "/digitaltwins/{id}/components/{component}",
                get(twins::get_component).patch(twins::patch_component),
            )
            .route("/digitaltwins/{id}/telemetry", post(telemetry::of_twin))
            .route("/digitaltwins/{id}/components/{component}/telemetry", post(telemetry::of_component))
            .route("/digitaltwins/{id}/relationships", get(relationships::list))
            .route("/digitaltwins/{id}/incomingrelationships", get(relationships::incoming))
            .route(
                "/digitaltwins/{id}/relationships/{relationship}",
                get(relationships::get)
                    .put(relationships::put)
                    .patch(relationships::patch)
                    .delete(relationships::delete),
            )
            .route("/query", post(query::ask))
            .route("/eventroutes", get(event_routes::list))
            .route(
                "/eventroutes/{id}",
                get(event_routes::get).put(event_routes::put).delete(event_routes::delete),
            )
            .route("/jobs/imports", get(jobs::imports::list))
            .route(
                "/jobs/imports/{id}",
                get(jobs::imports::get).put(jobs::imports::add).delete(jobs::imports::delete),
            )
            .route("/jobs/imports/{id}/cancel", post(jobs::imports::cancel))
            .route("/jobs/imports/{id}/log", get(jobs::imports::log))
            .route("/jobs/uploads/{name}", put(jobs::uploads::put).delete(jobs::uploads::delete))
            .merge(deletions("/jobs/deletions"))
            // as one published description spells it
            .merge(deletions("/jobs/delete"))
            .fallback(no_path)
            .method_not_allowed_fallback(no_method)
            .layer(from_fn_with_state(self.0.clone(), enter))
            .with_state(self.0.clone())
    }
}

/// What every operation can reach.
#[derive(Clone)]
pub(crate) struct Plane(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) config: AdtConfig,
    pub(crate) runtime: Runtime,
    pub(crate) buckets: Mutex<Buckets>,
    pub(crate) jobs: Jobs,
    pub(crate) blobs: Blobs,
    pub(crate) tasks: TaskTracker,
    dialects: Mutex<HashMap<TenantId, (bool, Timestamp)>>,
}

impl Deref for Plane {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Plane {
    pub(crate) fn now(&self) -> Timestamp {
        self.runtime.now()
    }

    /// Whether a tenant holds to Azure's language, limits and rates.
    pub(crate) async fn is_strict(&self, tenant: &TenantId) -> Result<bool, AdtError> {
        let now = self.now();
        if let Some((strict, at)) = self.dialects.lock().get(tenant).copied()
            && now.seconds_since(at).abs() < DIALECT_FOR_S
        {
            return Ok(strict);
        }
        let strict = self.runtime.store().tenant(tenant).is_strict().await?;
        self.runtime.hold(tenant, strict.then_some(Limits::AZURE));
        self.dialects.lock().insert(tenant.clone(), (strict, now));
        Ok(strict)
    }
}

fn deletions(path: &str) -> Router<Plane> {
    Router::new()
        .route(path, get(jobs::deletions::list).post(jobs::deletions::add))
        .route(&format!("{path}/{{id}}"), get(jobs::deletions::get))
}

async fn enter(plane: axum::extract::State<Plane>, request: Request, next: Next) -> Response {
    call::enter(plane.0, request, next).await
}

async fn no_path(uri: Uri) -> AdtError {
    AdtError::new(Code::NotFound, format!("there is no path {}", uri.path()))
}

async fn no_method(method: Method, uri: Uri) -> AdtError {
    AdtError::new(Code::MethodNotAllowed, format!("{} does not take {method}", uri.path()))
}
