//! Bulk commands: one command to many stations.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use voltwin_core::{CommandState, TenantId, Timestamp, TwinId};
use voltwin_csms::{CommandRequest, CsmsError};
use voltwin_runtime::RuntimeError;
use voltwin_store::{Job, JobStation, JobStep, TenantStore};

use crate::{OperationError, Operations};

/// The kind of these jobs.
pub const BULK: &str = "bulk_command";
/// The most stations of one job.
pub const STATIONS_MAX: usize = 20_000;
/// The most stations that one job asks at once.
pub const CONCURRENCY_MAX: u32 = 256;
/// The most jobs of one tenant that run at once.
pub const JOBS_AT_ONCE: usize = 8;

/// How long one station may take; after that its command goes on, and the job does not wait for it.
const WAIT: Duration = Duration::from_secs(120);
/// Outcomes that are written together, and how long the first of them may wait for company.
const BATCH: usize = 256;
const GATHER: Duration = Duration::from_millis(250);

/// What is asked of whom.
#[derive(Debug, Clone)]
pub struct BulkRequest {
    /// The command.
    pub command: CommandRequest,
    /// The stations, each once, 1 to [`STATIONS_MAX`].
    pub stations: Vec<TwinId>,
    /// How many are asked at once, 1 to [`CONCURRENCY_MAX`].
    pub concurrency: u32,
    /// What was asked, as it is to be shown; without secrets.
    pub spec: Json,
}

impl Operations {
    /// Files the job and begins it. Returns its record at once.
    ///
    /// # Errors
    /// [`OperationError::Invalid`] for a bound that is broken, [`OperationError::Busy`],
    /// [`OperationError::Store`].
    pub async fn bulk(
        &self,
        tenant: &TenantId,
        request: BulkRequest,
        by: &str,
    ) -> Result<Job, OperationError> {
        if !(1..=STATIONS_MAX).contains(&request.stations.len()) {
            let rule = format!("1 to {STATIONS_MAX} stations");
            return Err(OperationError::invalid(
                "filter",
                &format!("{} stations", request.stations.len()),
                rule,
            ));
        }
        if !(1..=CONCURRENCY_MAX).contains(&request.concurrency) {
            let rule = format!("1 to {CONCURRENCY_MAX}");
            return Err(OperationError::invalid("concurrency", &request.concurrency, rule));
        }
        let now = self.inner.runtime.now();
        let job = Job {
            id: Uuid::now_v7().to_string(),
            kind: BULK.to_owned(),
            state: "running".to_owned(),
            spec: request.spec.clone(),
            reason: None,
            created_by: by.to_owned(),
            created_at: now,
            finished_at: None,
        };
        let cancel = self.enter(tenant, &job.id)?;
        let pending = |station: &TwinId| JobStation {
            station: station.to_string(),
            state: "pending".to_owned(),
            wave: 0,
            attempts: 0,
            request_id: None,
            command: None,
            asked_at: None,
            detail: None,
            changed_at: now,
        };
        let stations: Vec<JobStation> = request.stations.iter().map(pending).collect();
        let detail = format!("{} to {} stations", action_of(&request.spec), stations.len());
        let registry = self.inner.runtime.store().tenant(tenant);
        if let Err(error) = registry.add_job(&job, &stations, &detail).await {
            self.leave(tenant, &job.id);
            return Err(error.into());
        }
        let work = Work {
            operations: self.clone(),
            registry,
            tenant: tenant.clone(),
            id: job.id.clone(),
            by: by.to_owned(),
        };
        self.inner.tasks.spawn(work.run(request, stations, cancel));
        Ok(job)
    }

    /// Ends a job early: stations that were not asked yet are left alone, answers that are under way are still
    /// awaited.
    ///
    /// # Errors
    /// [`OperationError::NoJob`], [`OperationError::State`] when it has ended.
    pub async fn cancel_bulk(&self, tenant: &TenantId, id: &str, by: &str) -> Result<Job, OperationError> {
        let registry = self.inner.runtime.store().tenant(tenant);
        let missing = || OperationError::NoJob { kind: "bulk command", id: id.to_owned() };
        let job = registry.job(BULK, id).await?.ok_or_else(missing)?;
        let running = self.inner.running.lock().get(&(tenant.clone(), id.to_owned())).cloned();
        let Some(running) = running.filter(|_| job.finished_at.is_none()) else {
            return Err(OperationError::State { what: format!("bulk command {id}"), state: job.state });
        };
        let step = JobStep {
            state: "cancelling",
            reason: Some("cancelled by a person"),
            finished: false,
            by,
            at: self.inner.runtime.now(),
        };
        registry.step_job(BULK, id, step).await?;
        running.cancel();
        registry.job(BULK, id).await?.ok_or_else(missing)
    }

    /// Jobs that an earlier run left unfinished have ended with it.
    pub(crate) async fn interrupt_bulk(
        &self,
        tenant: &TenantId,
        started: Timestamp,
    ) -> Result<(), OperationError> {
        let registry = self.inner.runtime.store().tenant(tenant);
        let at = self.inner.runtime.now();
        let unfinished = registry.unfinished_jobs(BULK).await?;
        for job in unfinished.into_iter().filter(|job| job.created_at < started) {
            let restarted = "the server was restarted before the station answered";
            registry.move_job_stations(&job.id, &["running"], "failed", restarted, at).await?;
            let unsent = "the server was restarted before it was sent";
            registry.move_job_stations(&job.id, &["pending"], "not_sent", unsent, at).await?;
            let reason = Some("the server was restarted");
            let step = JobStep { state: "interrupted", reason, finished: true, by: "voltwin", at };
            registry.step_job(BULK, &job.id, step).await?;
        }
        Ok(())
    }

    fn enter(&self, tenant: &TenantId, id: &str) -> Result<CancellationToken, OperationError> {
        let mut running = self.inner.running.lock();
        if running.keys().filter(|(owner, _)| owner == tenant).count() >= JOBS_AT_ONCE {
            return Err(OperationError::Busy { limit: JOBS_AT_ONCE });
        }
        let cancel = CancellationToken::new();
        running.insert((tenant.clone(), id.to_owned()), cancel.clone());
        Ok(cancel)
    }

    fn leave(&self, tenant: &TenantId, id: &str) {
        self.inner.running.lock().remove(&(tenant.clone(), id.to_owned()));
    }
}

/// One job at work.
struct Work {
    operations: Operations,
    registry: TenantStore,
    tenant: TenantId,
    id: String,
    by: String,
}

impl Work {
    async fn run(self, request: BulkRequest, stations: Vec<JobStation>, cancel: CancellationToken) {
        let stopping = self.operations.inner.runtime.stopping();
        let mut waiting = stations.into_iter().zip(request.stations.iter());
        let mut asked = FuturesUnordered::new();
        let mut done: Vec<JobStation> = Vec::new();
        let mut due: Option<tokio::time::Instant> = None;
        let concurrency = request.concurrency as usize;
        loop {
            if !cancel.is_cancelled() && !stopping.is_cancelled() {
                let next: Vec<_> = waiting.by_ref().take(concurrency - asked.len()).collect();
                // told before they are asked, so that a crash cannot pass for never having asked
                done.extend(
                    next.iter().map(|(row, _)| JobStation { state: "running".into(), ..row.clone() }),
                );
                if !next.is_empty() {
                    self.write(&mut done).await;
                    due = None;
                }
                asked.extend(
                    next.into_iter().map(|(row, station)| self.ask(row, station, request.command.clone())),
                );
            }
            let flush = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(row) = asked.next() => {
                    due = due.or_else(|| Some(tokio::time::Instant::now() + GATHER));
                    done.push(row);
                }
                () = flush => {}
                // what is under way is failed at the next start
                () = stopping.cancelled() => break,
                else => break,
            }
            if done.len() >= BATCH || due.is_some_and(|due| due <= tokio::time::Instant::now()) {
                self.write(&mut done).await;
                due = None;
            }
            if asked.is_empty() && (cancel.is_cancelled() || waiting.len() == 0) {
                break;
            }
        }
        self.write(&mut done).await;
        if !stopping.is_cancelled() {
            self.end(cancel.is_cancelled()).await;
        }
        self.operations.leave(&self.tenant, &self.id);
    }

    async fn ask(&self, mut row: JobStation, station: &TwinId, command: CommandRequest) -> JobStation {
        row.attempts = 1;
        let (csms, tenant, by) = (self.operations.inner.csms.clone(), self.tenant.clone(), self.by.clone());
        let station = station.clone();
        // a task of its own: it must go on while this one waits for the database, whose lock it may hold
        let asking = tokio::spawn(async move { csms.command(&tenant, &station, command, &by, WAIT).await });
        match asking.await.unwrap_or(Err(CsmsError::Runtime(RuntimeError::Stopped))) {
            Ok(record) => {
                row.state = match record.state {
                    CommandState::Accepted => "accepted",
                    CommandState::Rejected => "rejected",
                    CommandState::Failed => "failed",
                    CommandState::Requested | CommandState::Sent => "unanswered",
                }
                .to_owned();
                row.command = Some(record.id.to_string());
                row.detail = record.reason;
            }
            Err(error) => {
                row.state = "invalid".to_owned();
                row.detail = Some(error.to_string());
            }
        }
        metrics::counter!("voltwin_bulk_stations_total", "state" => row.state.clone()).increment(1);
        row.changed_at = self.operations.inner.runtime.now();
        row
    }

    async fn write(&self, done: &mut Vec<JobStation>) {
        if done.is_empty() {
            return;
        }
        if let Err(error) = self.registry.set_job_stations(&self.id, done).await {
            // the commands themselves are on record
            tracing::error!(job = %self.id, %error, "could not record outcomes of a bulk command");
        }
        done.clear();
    }

    async fn end(&self, cancelled: bool) {
        let at = self.operations.inner.runtime.now();
        let ended = async {
            if cancelled {
                let detail = "the bulk command was cancelled before it was sent";
                self.registry.move_job_stations(&self.id, &["pending"], "not_sent", detail, at).await?;
            }
            let state = if cancelled { "cancelled" } else { "done" };
            let reason = cancelled.then_some("cancelled by a person");
            let step = JobStep { state, reason, finished: true, by: &self.by, at };
            self.registry.step_job(BULK, &self.id, step).await
        };
        if let Err(error) = ended.await {
            tracing::error!(job = %self.id, %error, "could not record the end of a bulk command");
        }
    }
}

/// What is asked, in a word.
fn action_of(spec: &Json) -> &str {
    let word = |name: &str| spec.get(name).and_then(Json::as_str);
    word("action").or_else(|| word("command")).unwrap_or("command")
}
