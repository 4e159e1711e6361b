//! Jobs over a whole graph: imports and deletions. They stand in the registry, run one at a time in each tenant, and go
//! on after a restart.

mod blob;
pub(crate) mod deletions;
mod import;
pub(crate) mod imports;
mod ndjson;
mod report;
pub(crate) mod uploads;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use voltwin_core::{TenantId, Timestamp};
use voltwin_store::{GraphJob, StoreError};

pub(crate) use blob::Blobs;

use crate::call::Call;
use crate::error::{AdtError, Code};
use crate::state::Plane;

/// Jobs of a kind that may stand in line in one tenant.
const UNFINISHED_MAX: u64 = 10;
/// How long a job that has ended is kept.
const KEPT_S: f64 = 30.0 * 86_400.0;
/// How long to wait where the registry cannot be written.
const RETRY: Duration = Duration::from_secs(2);
/// Characters of the id of a job at most.
const ID_CHARS_MAX: usize = 128;

/// How far a job has come, in Azure's words.
pub(crate) mod status {
    pub(crate) const NOT_STARTED: &str = "notstarted";
    pub(crate) const RUNNING: &str = "running";
    pub(crate) const FAILED: &str = "failed";
    pub(crate) const SUCCEEDED: &str = "succeeded";
    pub(crate) const CANCELLING: &str = "cancelling";
    pub(crate) const CANCELLED: &str = "cancelled";
}

/// The jobs of this process.
#[derive(Default)]
pub(crate) struct Jobs {
    /// One place a tenant.
    places: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    /// How to stop each.
    stops: Mutex<HashMap<(TenantId, String, String), CancellationToken>>,
}

impl Jobs {
    fn place(&self, tenant: &TenantId) -> Arc<tokio::sync::Mutex<()>> {
        self.places.lock().entry(tenant.clone()).or_default().clone()
    }
}

/// How a job ended.
pub(crate) enum Outcome {
    Succeeded,
    Failed(Json),
    Cancelled,
    /// The server stops: it goes on at the next start.
    Interrupted,
}

/// A job while it runs.
pub(crate) struct Running {
    pub(crate) adt: Plane,
    pub(crate) tenant: TenantId,
    pub(crate) job: GraphJob,
    stop: CancellationToken,
}

impl Running {
    /// Why it should not go on, if so.
    pub(crate) fn ended(&self) -> Option<Outcome> {
        if self.adt.runtime.stopping().is_cancelled() {
            Some(Outcome::Interrupted)
        } else {
            self.stop.is_cancelled().then_some(Outcome::Cancelled)
        }
    }

    /// What a part of it needs that runs beside the rest.
    fn handles(&self) -> (Plane, TenantId, CancellationToken) {
        (self.adt.clone(), self.tenant.clone(), self.stop.clone())
    }

    /// Ends when it should not go on.
    pub(crate) async fn stopped(&self) -> Outcome {
        let stopping = self.adt.runtime.stopping();
        tokio::select! {
            () = stopping.cancelled() => Outcome::Interrupted,
            () = self.stop.cancelled() => Outcome::Cancelled,
        }
    }

    /// Writes down where it stands.
    pub(crate) async fn checkpoint(&mut self, progress: Json) -> Result<(), StoreError> {
        (self.job.progress, self.job.acted_at) = (progress, self.adt.now());
        let registry = self.adt.runtime.store().tenant(&self.tenant);
        // one that is being cancelled keeps that status
        registry.move_graph_job(&self.job, Some(status::CANCELLING)).await.map(drop)
    }

    async fn finish(&mut self, outcome: Outcome) {
        let (word, error) = match outcome {
            Outcome::Interrupted => return,
            Outcome::Succeeded => (status::SUCCEEDED, None),
            Outcome::Cancelled => (status::CANCELLED, None),
            Outcome::Failed(error) => (status::FAILED, Some(error)),
        };
        let now = self.adt.now();
        (self.job.error, self.job.acted_at, self.job.finished_at) = (error, now, Some(now));
        word.clone_into(&mut self.job.status);
        let registry = self.adt.runtime.store().tenant(&self.tenant);
        while let Err(error) = registry.move_graph_job(&self.job, None).await {
            tracing::warn!(job = self.job.id, %error, "the end of a job cannot be written; trying again");
            let stopping = self.adt.runtime.stopping();
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        tracing::info!(job = self.job.id, kind = self.job.kind, status = word, "a job has ended");
    }
}

/// Takes up what a restart interrupted.
pub(crate) async fn resume(adt: Plane) {
    let jobs = adt.runtime.store().unfinished_graph_jobs().await;
    match jobs {
        Ok(jobs) => {
            // those of a tenant that cannot be read wait for a release that can
            let readable = jobs.into_iter().filter(|(tenant, _)| adt.runtime.readable(tenant).is_ok());
            readable.for_each(|(tenant, job)| start(&adt, tenant, job));
        }
        Err(error) => tracing::error!(%error, "the jobs that a restart interrupted cannot be read"),
    }
}

/// Puts a job in line.
fn start(adt: &Plane, tenant: TenantId, job: GraphJob) {
    let key = (tenant.clone(), job.kind.clone(), job.id.clone());
    let stop = CancellationToken::new();
    if job.status == status::CANCELLING {
        stop.cancel();
    }
    adt.jobs.stops.lock().insert(key.clone(), stop.clone());
    let mut running = Running { adt: adt.clone(), tenant, job, stop };
    adt.tasks.spawn(async move {
        let place = running.adt.jobs.place(&running.tenant);
        let outcome = tokio::select! {
            _place = place.lock() => run(&mut running).await,
            outcome = wait(&running) => outcome,
        };
        running.finish(outcome).await;
        running.adt.jobs.stops.lock().remove(&key);
    });
}

async fn wait(running: &Running) -> Outcome {
    running.stopped().await
}

async fn run(running: &mut Running) -> Outcome {
    running.job.status = status::RUNNING.to_owned();
    let progress = running.job.progress.clone();
    if let Err(error) = running.checkpoint(progress).await {
        return Outcome::Failed(AdtError::from(error).document());
    }
    if let Some(outcome) = running.ended() {
        return outcome;
    }
    match running.job.kind.as_str() {
        imports::KIND => import::run(running).await,
        _ => deletions::run(running).await,
    }
}

/// The id of a job, which is part of the name of a file.
fn check_id(id: &str) -> Result<(), AdtError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(plain) {
        return Ok(());
    }
    let message = format!("the id of a job has 1 to {ID_CHARS_MAX} letters, digits and - _ .");
    Err(AdtError::new(Code::ValidationFailed, message))
}

/// Files a job and puts it in line.
async fn file(call: &Call, kind: &str, id: String, spec: Json) -> Result<GraphJob, AdtError> {
    let now = call.adt.now();
    let job = GraphJob {
        id,
        kind: kind.to_owned(),
        status: status::NOT_STARTED.to_owned(),
        spec,
        progress: Json::Null,
        error: None,
        created_by: call.caller.name.clone(),
        created_at: now,
        acted_at: now,
        finished_at: None,
    };
    let registry = call.adt.runtime.store().tenant(call.tenant());
    let unfinished = if call.strict { 1 } else { UNFINISHED_MAX };
    let filed = registry.add_graph_job(&job, unfinished, now.plus_seconds(-KEPT_S)).await;
    filed.map_err(|error| match &error {
        StoreError::Conflict { .. } => {
            AdtError::new(Code::ValidationFailed, format!("there is a job `{}` already", job.id))
        }
        StoreError::Limit { .. } => AdtError::new(Code::JobLimitReached, error.to_string()),
        _ => error.into(),
    })?;
    start(&call.adt, call.tenant().clone(), job.clone());
    Ok(job)
}

async fn find(call: &Call, kind: &str, id: &str, missing: Code) -> Result<GraphJob, AdtError> {
    let registry = call.adt.runtime.store().tenant(call.tenant());
    let job = registry.graph_job(kind, id).await?;
    job.ok_or_else(|| {
        let shown: String = id.chars().take(80).collect();
        AdtError::new(missing, format!("there is no job `{shown}`"))
    })
}

async fn page_of(
    call: &Call,
    kind: &str,
    show: impl Fn(&GraphJob) -> Json,
) -> Result<axum::Json<Json>, AdtError> {
    let page = call.page()?;
    let registry = call.adt.runtime.store().tenant(call.tenant());
    let found = registry.graph_jobs(kind, page.after.as_deref(), page.limit).await?;
    let items = found.items.iter().map(|job| (job.id.clone(), show(job))).collect();
    Ok(axum::Json(page.render_known(&call.uri, items, found.next.is_some())))
}

/// What all jobs show.
fn document(job: &GraphJob) -> Json {
    let time = |at: Timestamp| voltwin_document::instant(at);
    let mut document = serde_json::json!({
        "id": job.id,
        "status": job.status,
        "createdDateTime": time(job.created_at),
        "finishedDateTime": job.finished_at.map(time),
        "purgeDateTime": job.finished_at.map(|at| time(at.plus_seconds(KEPT_S))),
    });
    if let Some(error) = &job.error {
        document["error"] = error.clone();
    }
    if !job.progress.is_null() {
        document["progress"] = job.progress.clone();
    }
    document
}
