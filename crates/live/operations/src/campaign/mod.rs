//! Firmware campaigns: one firmware for many stations, wave by wave.
//!
//! A task for each campaign owns its rows and is the only one that writes them; orders of people reach it by a channel.
//! A row is written before its station is asked, so a crash can never ask twice in one attempt: what was written and
//! is unknown to the central system afterwards was never sent, everything else is followed.

mod follow;
mod plan;
mod run;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use voltwin_core::{TenantId, TwinId};
use voltwin_store::{Job, JobStation, JobStep};

use crate::bulk::STATIONS_MAX;
use crate::{OperationError, Operations};
use follow::state;
use run::Runner;

pub use plan::{AT_ONCE_MAX, ATTEMPTS_MAX, CampaignPlan, WAIT_S_MAX, WaveSize, Waves, Window};

/// The kind of these jobs.
pub const CAMPAIGN: &str = "firmware_campaign";
/// Campaigns of one tenant that have not ended.
pub const CAMPAIGNS_AT_ONCE: usize = 16;

/// What a person may order of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CampaignOrder {
    /// Ask nobody any more; who is at work goes on and is followed.
    Pause,
    /// Go on. What failed is given up, or asked again.
    Resume {
        /// Ask again where it failed.
        retry_failed: bool,
    },
    /// Ask again where it failed or was given up, with all its attempts; also after the campaign has ended.
    Retry,
    /// Ask nobody any more, ever. It ends when who is at work has come to an end.
    Cancel,
}

/// An order on its way to the campaign's task.
pub(crate) struct Order {
    order: CampaignOrder,
    by: String,
    done: oneshot::Sender<Result<(), OperationError>>,
}

impl Operations {
    /// Files a campaign and begins it. Returns its record at once.
    ///
    /// # Errors
    /// [`OperationError::Invalid`] for a bound that is broken, [`OperationError::Taken`] for a station that is in
    /// another campaign, [`OperationError::Busy`], [`OperationError::Store`].
    pub async fn start_campaign(
        &self,
        tenant: &TenantId,
        plan: CampaignPlan,
        stations: &[TwinId],
        spec: serde_json::Value,
        by: &str,
    ) -> Result<Job, OperationError> {
        plan.check()?;
        if !(1..=STATIONS_MAX).contains(&stations.len()) {
            let rule = format!("1 to {STATIONS_MAX} stations");
            return Err(OperationError::invalid("filter", &format!("{} stations", stations.len()), rule));
        }
        let registry = self.inner.runtime.store().tenant(tenant);
        // one at a time, so that two that name the same station cannot both begin
        let _turn = self.inner.starting.lock().await;
        if registry.unfinished_jobs(CAMPAIGN).await?.len() >= CAMPAIGNS_AT_ONCE {
            return Err(OperationError::Busy { limit: CAMPAIGNS_AT_ONCE });
        }
        let names: Vec<String> = stations.iter().map(ToString::to_string).collect();
        if let Some((station, job)) = registry.station_in_job(CAMPAIGN, &names).await? {
            return Err(OperationError::Taken { station, job });
        }
        let now = self.inner.runtime.now();
        let job = Job {
            id: Uuid::now_v7().to_string(),
            kind: CAMPAIGN.to_owned(),
            state: "running".to_owned(),
            spec: serde_json::json!({"plan": plan, "shown": spec}),
            reason: None,
            created_by: by.to_owned(),
            created_at: now,
            finished_at: None,
        };
        let row = |(station, wave): (&String, u32)| JobStation {
            station: station.clone(),
            state: state::PENDING.to_owned(),
            wave,
            attempts: 0,
            request_id: None,
            command: None,
            asked_at: None,
            detail: None,
            changed_at: now,
        };
        let rows: Vec<JobStation> = names.iter().zip(plan.waves.of(names.len())).map(row).collect();
        let detail = format!("firmware {} to {} stations", plan.version, rows.len());
        registry.add_job(&job, &rows, &detail).await?;
        self.run_campaign(tenant, &job, plan, rows);
        Ok(job)
    }

    /// Gives an order to a campaign and returns its record afterwards.
    ///
    /// # Errors
    /// [`OperationError::NoJob`], [`OperationError::State`] when it cannot do that where it stands,
    /// [`OperationError::Store`].
    pub async fn order_campaign(
        &self,
        tenant: &TenantId,
        id: &str,
        order: CampaignOrder,
        by: &str,
    ) -> Result<Job, OperationError> {
        let registry = self.inner.runtime.store().tenant(tenant);
        let missing = || OperationError::NoJob { kind: "firmware campaign", id: id.to_owned() };
        let job = registry.job(CAMPAIGN, id).await?.ok_or_else(missing)?;
        let known = self.inner.campaigns.lock().get(&(tenant.clone(), id.to_owned())).cloned();
        let refused =
            |job: Job| OperationError::State { what: format!("firmware campaign {id}"), state: job.state };
        match known {
            Some(orders) => {
                let (done, outcome) = oneshot::channel();
                let sent = orders.send(Order { order, by: by.to_owned(), done }).await;
                match (sent, outcome.await) {
                    (Ok(()), Ok(outcome)) => outcome?,
                    // it ended meanwhile
                    _ => return Err(refused(job)),
                }
            }
            None if order == CampaignOrder::Retry && job.state == "done" => {
                self.reopen_campaign(tenant, job, by).await?;
            }
            None => return Err(refused(job)),
        }
        registry.job(CAMPAIGN, id).await?.ok_or_else(missing)
    }

    async fn reopen_campaign(&self, tenant: &TenantId, job: Job, by: &str) -> Result<(), OperationError> {
        let registry = self.inner.runtime.store().tenant(tenant);
        let _turn = self.inner.starting.lock().await;
        if registry.unfinished_jobs(CAMPAIGN).await?.len() >= CAMPAIGNS_AT_ONCE {
            return Err(OperationError::Busy { limit: CAMPAIGNS_AT_ONCE });
        }
        let now = self.inner.runtime.now();
        let mut rows = self.campaign_rows(tenant, &job.id).await?;
        let again = run::again(&mut rows, now);
        let names: Vec<String> = again.iter().map(|row| row.station.clone()).collect();
        if names.is_empty() {
            let rule = "a campaign in which a station failed";
            return Err(OperationError::invalid("id", &job.id, rule));
        }
        if let Some((station, job)) = registry.station_in_job(CAMPAIGN, &names).await? {
            return Err(OperationError::Taken { station, job });
        }
        let plan = plan_of(&job)?;
        registry.set_job_stations(&job.id, &again).await?;
        let step = JobStep { state: "running", reason: None, finished: false, by, at: now };
        registry.reopen_job(CAMPAIGN, &job.id, step).await?;
        self.run_campaign(tenant, &Job { state: "running".to_owned(), ..job }, plan, rows);
        Ok(())
    }

    /// Goes on with the campaigns of an earlier run.
    pub(crate) async fn resume_campaigns(&self, tenant: &TenantId) -> Result<(), OperationError> {
        let registry = self.inner.runtime.store().tenant(tenant);
        for job in registry.unfinished_jobs(CAMPAIGN).await? {
            let known = self.inner.campaigns.lock().contains_key(&(tenant.clone(), job.id.clone()));
            if known {
                continue;
            }
            match plan_of(&job) {
                Ok(plan) => {
                    let rows = self.campaign_rows(tenant, &job.id).await?;
                    self.run_campaign(tenant, &job, plan, rows);
                }
                Err(error) => tracing::error!(job = %job.id, %error, "a campaign cannot go on"),
            }
        }
        Ok(())
    }

    async fn campaign_rows(&self, tenant: &TenantId, id: &str) -> Result<Vec<JobStation>, OperationError> {
        let registry = self.inner.runtime.store().tenant(tenant);
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = registry.job_stations(id, None, cursor.as_deref(), 500).await?;
            rows.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    fn run_campaign(&self, tenant: &TenantId, job: &Job, plan: CampaignPlan, rows: Vec<JobStation>) {
        let (sender, orders) = mpsc::channel(8);
        self.inner.campaigns.lock().insert((tenant.clone(), job.id.clone()), sender.clone());
        let runner = Runner::new(self.clone(), tenant, job, plan, rows, sender);
        self.inner.tasks.spawn(runner.run(orders));
    }
}

fn plan_of(job: &Job) -> Result<CampaignPlan, OperationError> {
    let plan = job.spec.get("plan").cloned().unwrap_or_default();
    serde_json::from_value(plan).map_err(|error| OperationError::invalid("spec", &error, "a campaign"))
}
