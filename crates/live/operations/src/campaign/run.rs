//! The task of one campaign.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use voltwin_core::{CommandState, TenantId, Timestamp, TwinId};
use voltwin_csms::CsmsError;
use voltwin_runtime::RuntimeError;
use voltwin_store::{Command, Job, JobStation, JobStep, TenantStore};

use super::follow::{Report, Seen, Step, follow, holds, is_over, state};
use super::plan::CampaignPlan;
use super::{CAMPAIGN, CampaignOrder, Order};
use crate::{OperationError, Operations};

/// How often it looks at its stations.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long it waits for a station's answer; what comes later is found in the records.
const WAIT: Duration = Duration::from_secs(60);
/// Where the central system keeps what stations report of their firmware.
const TOPIC: &str = "firmware";
const LATEST: &str = "latest";

/// A station of the campaign.
struct Row {
    at: JobStation,
    id: Option<TwinId>,
    /// Its answer to the request is awaited.
    sending: bool,
    /// Differs from what is stored.
    dirty: bool,
    report: Option<Report>,
    /// The newest change that `report` knows of; `None`: look again.
    looked: Option<Timestamp>,
}

/// What came of asking one station: its place, which attempt it was, and the answer.
type Asked = (usize, u32, Result<Command, CsmsError>);

pub(super) struct Runner {
    operations: Operations,
    registry: TenantStore,
    tenant: TenantId,
    id: String,
    by: String,
    plan: CampaignPlan,
    state: String,
    rows: Vec<Row>,
    asking: FuturesUnordered<BoxFuture<'static, Asked>>,
    /// How orders reach it.
    reach: mpsc::Sender<Order>,
}

/// Puts those that failed back to the beginning, and returns them.
pub(super) fn again(rows: &mut [JobStation], now: Timestamp) -> Vec<JobStation> {
    let failed = rows.iter_mut().filter(|row| matches!(row.state.as_str(), state::FAILED | state::GIVEN_UP));
    let reset = |row: &mut JobStation| {
        row.state = state::PENDING.to_owned();
        row.attempts = 0;
        row.changed_at = now;
        row.clone()
    };
    failed.map(reset).collect()
}

impl Runner {
    pub(super) fn new(
        operations: Operations,
        tenant: &TenantId,
        job: &Job,
        plan: CampaignPlan,
        rows: Vec<JobStation>,
        reach: mpsc::Sender<Order>,
    ) -> Self {
        let row = |at: JobStation| Row {
            id: at.station.parse().ok(),
            at,
            sending: false,
            dirty: false,
            report: None,
            looked: None,
        };
        Self {
            registry: operations.inner.runtime.store().tenant(tenant),
            operations,
            tenant: tenant.clone(),
            id: job.id.clone(),
            by: job.created_by.clone(),
            plan,
            state: job.state.clone(),
            rows: rows.into_iter().map(row).collect(),
            asking: FuturesUnordered::new(),
            reach,
        }
    }

    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let stopping = self.operations.inner.runtime.stopping();
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                Some(Order { order, by, done }) = orders.recv() => {
                    let _ = done.send(self.obey(order, &by).await);
                }
                Some((place, attempt, outcome)) = self.asking.next(), if !self.asking.is_empty() => {
                    self.answered((place, attempt), outcome).await;
                }
                _ = tick.tick() => {}
            }
            match self.work().await {
                Ok(false) => {}
                Ok(true) => break,
                Err(error) => tracing::warn!(job = %self.id, %error, "a campaign could not move on"),
            }
        }
    }

    /// One round; tells whether the campaign has ended.
    async fn work(&mut self) -> Result<bool, OperationError> {
        let now = self.operations.inner.runtime.now();
        let seen = self.look();
        self.follow(&seen, now).await?;
        self.save().await?;
        if self.rows.iter().all(|row| is_over(&row.at)) {
            return self.end(now).await;
        }
        if self.state == "running" {
            let open = self.open_wave(&seen, now);
            if let Some(reason) = self.too_many_failures(open) {
                return self.step("paused", Some(&reason), "voltwin").await.map(|()| false);
            }
            self.ask_next(&seen, open, now).await?;
        }
        Ok(false)
    }

    fn look(&self) -> Vec<Option<Seen>> {
        self.operations.inner.runtime.read(&self.tenant, |graph| {
            let look = |row: &Row| if is_over(&row.at) { None } else { Seen::of(graph, &row.at.station) };
            self.rows.iter().map(look).collect()
        })
    }

    /// Moves on who is at work, by what they reported.
    async fn follow(&mut self, seen: &[Option<Seen>], now: Timestamp) -> Result<(), OperationError> {
        let cancelling = self.state == "cancelling";
        for (place, seen) in seen.iter().enumerate() {
            let at_work = state::AT_WORK.contains(&self.rows[place].at.state.as_str());
            let Some(seen) = seen else {
                if !is_over(&self.rows[place].at) {
                    self.fail(place, "there is no such station any more", true, now);
                }
                continue;
            };
            if !at_work {
                continue;
            }
            // an answer changes the record, and not always the twin
            let asked = self.rows[place].at.state == state::ASKED;
            let looked = self.rows[place].looked;
            if asked || looked.is_none() || looked != seen.touched {
                let report = Self::report_of(&self.registry, &self.rows[place].at).await?;
                self.rows[place].report = report;
                self.rows[place].looked = seen.touched;
            }
            let row = &self.rows[place];
            let how = (row.sending, cancelling);
            match follow(&self.plan, &row.at, (seen, row.report.as_ref()), how, now) {
                None => {}
                Some(Step::To(next)) => self.set(place, next, None, now),
                Some(Step::Installed) => self.set(place, state::INSTALLED, None, now),
                Some(Step::NeverSent) => {
                    self.take_back(place, "it was not sent; the station is offline", now);
                }
                Some(Step::Failed(why, last)) => self.fail(place, &why, last, now),
            }
        }
        Ok(())
    }

    /// What the station reported of its last attempt. An unsigned update of OCPP 1.6 has no number: it is the newest
    /// one, when that is not older than the attempt.
    async fn report_of(registry: &TenantStore, row: &JobStation) -> Result<Option<Report>, OperationError> {
        let key = row.request_id.map_or_else(|| LATEST.to_owned(), |id| id.to_string());
        let Some(record) = registry.record(&row.station, TOPIC, &key).await? else { return Ok(None) };
        let asked_at = record.value.get("asked_at").and_then(|at| at.as_str()?.parse::<Timestamp>().ok());
        let older = row.request_id.is_none() && asked_at < row.asked_at;
        Ok((!older).then(|| Report::of(&record.value)))
    }

    fn set(&mut self, place: usize, next: &str, detail: Option<String>, now: Timestamp) {
        let row = &mut self.rows[place];
        row.at.state = next.to_owned();
        row.at.detail = detail;
        row.at.changed_at = now;
        row.dirty = true;
        if is_over(&row.at) {
            metrics::counter!("voltwin_campaign_stations_total", "state" => next.to_owned()).increment(1);
        }
    }

    /// The attempt does not count: the station never got it.
    fn take_back(&mut self, place: usize, why: &str, now: Timestamp) {
        let row = &mut self.rows[place];
        row.at.attempts = row.at.attempts.saturating_sub(1);
        row.sending = false;
        let next = if self.state == "cancelling" { state::CANCELLED } else { state::PENDING };
        self.set(place, next, Some(why.to_owned()), now);
    }

    fn fail(&mut self, place: usize, why: &str, last: bool, now: Timestamp) {
        let attempts = self.rows[place].at.attempts;
        self.rows[place].sending = false;
        let over = last || attempts >= self.plan.attempts || self.state == "cancelling";
        let next = if over { state::FAILED } else { state::PENDING };
        self.set(place, next, Some(format!("attempt {attempts}: {why}")), now);
    }

    async fn save(&mut self) -> Result<(), OperationError> {
        let dirty: Vec<JobStation> =
            self.rows.iter().filter(|row| row.dirty).map(|row| row.at.clone()).collect();
        if !dirty.is_empty() {
            self.registry.set_job_stations(&self.id, &dirty).await?;
            self.rows.iter_mut().for_each(|row| row.dirty = false);
        }
        Ok(())
    }

    /// The newest wave whose stations may be asked. One that has begun stays open.
    fn open_wave(&self, seen: &[Option<Seen>], now: Timestamp) -> u32 {
        let begun = |row: &&Row| row.at.attempts > 0 || is_over(&row.at);
        let last = self.rows.iter().map(|row| row.at.wave).max().unwrap_or(0);
        let mut open = self.rows.iter().filter(begun).map(|row| row.at.wave).max().unwrap_or(0);
        while open < last {
            let of_wave = || self.rows.iter().zip(seen).filter(|(row, _)| row.at.wave == open);
            let held = of_wave().any(|(row, seen)| holds(&self.plan, &row.at, seen.as_ref(), now));
            let proven = of_wave().any(|(row, _)| is_over(&row.at));
            // a canary that nobody of has tried proves nothing; later waves need no proof, and an empty one is through
            let needs_proof = open == 0 && of_wave().next().is_some();
            if held || (needs_proof && !proven) {
                break;
            }
            open += 1;
        }
        open
    }

    fn too_many_failures(&self, open: u32) -> Option<String> {
        (0..=open).find_map(|wave| {
            let of_wave = || self.rows.iter().filter(|row| row.at.wave == wave);
            let total = of_wave().count();
            let failed = of_wave().filter(|row| row.at.state == state::FAILED).count();
            let share = failed as f64 / total.max(1) as f64;
            (failed > 0 && share > self.plan.waves.pause_above).then(|| {
                let percent = self.plan.waves.pause_above * 100.0;
                format!("in wave {wave}, {failed} of {total} stations failed: more than {percent} %")
            })
        })
    }

    /// Asks as many stations as may be at work. Each is written down before it is asked.
    async fn ask_next(
        &mut self,
        seen: &[Option<Seen>],
        open: u32,
        now: Timestamp,
    ) -> Result<(), OperationError> {
        let at_work = self
            .rows
            .iter()
            .zip(seen)
            .filter(|(row, seen)| state::AT_WORK.contains(&row.at.state.as_str()) && online(seen))
            .count();
        let mut room = (self.plan.at_once as usize).saturating_sub(at_work);
        let mut next = Vec::new();
        for (place, seen) in seen.iter().enumerate() {
            let (row, Some(seen)) = (&self.rows[place], seen) else { continue };
            if row.at.state != state::PENDING || row.at.wave > open {
                continue;
            }
            match self.obstacle(&row.at, seen, now) {
                Some(Obstacle::HasIt) => {
                    self.set(place, state::INSTALLED, Some("it had this version already".to_owned()), now);
                }
                Some(Obstacle::Waits(why)) => self.explain(place, why),
                None if room == 0 => self.explain(place, "it waits until fewer stations are at work"),
                None => {
                    room -= 1;
                    next.push(place);
                }
            }
        }
        let request = self.plan.request();
        for place in next.iter().copied() {
            let Some(station) = self.rows[place].id.clone() else { continue };
            let number = self.operations.inner.csms.firmware_number(&self.tenant, &station, &request).await?;
            let row = &mut self.rows[place];
            row.at.attempts += 1;
            row.at.request_id = number;
            row.at.command = None;
            row.at.asked_at = Some(now);
            row.sending = true;
            (row.report, row.looked) = (None, None);
            self.set(place, state::ASKED, None, now);
        }
        if let Err(error) = self.save().await {
            for place in next {
                self.take_back(place, "it could not be written down", now);
            }
            return Err(error);
        }
        for place in next {
            self.ask(place);
        }
        Ok(())
    }

    /// Why a station is not asked now.
    fn obstacle(&self, row: &JobStation, seen: &Seen, now: Timestamp) -> Option<Obstacle> {
        if seen.version.as_deref() == Some(self.plan.version.as_str()) {
            return Some(Obstacle::HasIt);
        }
        if !seen.online {
            return Some(Obstacle::Waits("it is offline; it is asked at its next boot"));
        }
        if !seen.booted {
            return Some(Obstacle::Waits("its boot has not been accepted"));
        }
        let again = row.changed_at.plus_seconds(f64::from(self.plan.retry_after_s));
        if row.attempts > 0 && now < again {
            // the reason of the last failure stays to be seen
            return Some(Obstacle::Waits(""));
        }
        let window = self.plan.window.as_ref();
        if window.is_some_and(|window| !window.is_open(seen.zone.as_deref(), now)) {
            return Some(Obstacle::Waits("it is not the time of the day"));
        }
        (self.plan.only_idle && seen.in_use).then_some(Obstacle::Waits("it is in use"))
    }

    fn explain(&mut self, place: usize, why: &str) {
        let row = &mut self.rows[place];
        if !why.is_empty() && row.at.attempts == 0 && row.at.detail.as_deref() != Some(why) {
            row.at.detail = Some(why.to_owned());
            row.dirty = true;
        }
    }

    fn ask(&mut self, place: usize) {
        let row = &self.rows[place];
        let Some(station) = row.id.clone() else { return };
        let (csms, tenant, by) = (self.operations.inner.csms.clone(), self.tenant.clone(), self.by.clone());
        let (request, base, number) = (self.plan.request(), self.plan.base.clone(), row.at.request_id);
        // a task of its own: it must go on while this one waits for the database, whose lock it may hold
        let asked = tokio::spawn(async move {
            let to = (&tenant, &station);
            csms.update_firmware_as(number, to, &request, &base, &by, WAIT).await
        });
        let attempt = row.at.attempts;
        self.asking.push(Box::pin(async move {
            (place, attempt, asked.await.unwrap_or(Err(CsmsError::Runtime(RuntimeError::Stopped))))
        }));
    }

    /// The station's answer is in the records by now; what stands here only is that it got no question at all.
    async fn answered(&mut self, (place, attempt): (usize, u32), outcome: Result<Command, CsmsError>) {
        let now = self.operations.inner.runtime.now();
        // the records may have said that an attempt failed before its answer is here, and another has begun
        if !self.rows[place].sending || self.rows[place].at.attempts != attempt {
            return;
        }
        self.rows[place].sending = false;
        self.rows[place].looked = None;
        match outcome {
            Ok(command) => {
                let row = &mut self.rows[place];
                row.at.command = Some(command.id.to_string());
                row.at.detail = command.reason.filter(|_| command.state == CommandState::Failed);
                row.dirty = true;
            }
            Err(CsmsError::Missing { detail, .. }) => {
                self.take_back(place, &detail, now);
                if self.state == "running"
                    && let Err(error) = self.step("paused", Some(&detail), "voltwin").await
                {
                    tracing::warn!(job = %self.id, %error, "a campaign could not be paused");
                }
            }
            Err(error) => self.fail(place, &error.to_string(), false, now),
        }
    }

    async fn obey(&mut self, order: CampaignOrder, by: &str) -> Result<(), OperationError> {
        let fits = match order {
            CampaignOrder::Pause => self.state == "running",
            CampaignOrder::Resume { .. } => self.state == "paused",
            CampaignOrder::Retry => matches!(self.state.as_str(), "running" | "paused"),
            CampaignOrder::Cancel => self.state != "cancelling",
        };
        if !fits {
            let what = format!("firmware campaign {}", self.id);
            return Err(OperationError::State { what, state: self.state.clone() });
        }
        let now = self.operations.inner.runtime.now();
        match order {
            CampaignOrder::Pause => self.step("paused", Some("paused by a person"), by).await,
            CampaignOrder::Resume { retry_failed } => {
                self.take_up(retry_failed, now);
                self.save().await?;
                self.step("running", None, by).await
            }
            CampaignOrder::Retry => {
                self.take_up(true, now);
                self.save().await?;
                let state = self.state.clone();
                self.step(&state, Some("what failed is tried again"), by).await
            }
            CampaignOrder::Cancel => {
                self.step("cancelling", Some("cancelled by a person"), by).await?;
                for place in 0..self.rows.len() {
                    if self.rows[place].at.state == state::PENDING {
                        self.set(place, state::CANCELLED, None, now);
                    }
                }
                self.save().await
            }
        }
    }

    /// What failed is asked again from the beginning, or given up.
    fn take_up(&mut self, retry: bool, now: Timestamp) {
        for place in 0..self.rows.len() {
            let row = &mut self.rows[place];
            match row.at.state.as_str() {
                state::FAILED | state::GIVEN_UP if retry => {
                    row.at.attempts = 0;
                    let detail = row.at.detail.clone();
                    self.set(place, state::PENDING, detail, now);
                }
                state::FAILED => {
                    let detail = row.at.detail.clone();
                    self.set(place, state::GIVEN_UP, detail, now);
                }
                _ => {}
            }
        }
    }

    async fn end(&mut self, now: Timestamp) -> Result<bool, OperationError> {
        let count = |state: &str| self.rows.iter().filter(|row| row.at.state == state).count();
        let failed = count(state::FAILED) + count(state::GIVEN_UP);
        let reason = format!("{} installed, {failed} failed", count(state::INSTALLED));
        let cancelled = self.state == "cancelling";
        let state = if cancelled { "cancelled" } else { "done" };
        let step = JobStep { state, reason: Some(&reason), finished: true, by: "voltwin", at: now };
        // out of reach before its end is told, so that whoever sees the end can let it go on
        let key = (self.tenant.clone(), self.id.clone());
        self.operations.inner.campaigns.lock().remove(&key);
        if let Err(error) = self.registry.step_job(CAMPAIGN, &self.id, step).await {
            self.operations.inner.campaigns.lock().insert(key, self.reach.clone());
            return Err(error.into());
        }
        Ok(true)
    }

    async fn step(&mut self, state: &str, reason: Option<&str>, by: &str) -> Result<(), OperationError> {
        let at = self.operations.inner.runtime.now();
        let step = JobStep { state, reason, finished: false, by, at };
        self.registry.step_job(CAMPAIGN, &self.id, step).await?;
        self.state = state.to_owned();
        Ok(())
    }
}

/// Why a station is not asked.
enum Obstacle {
    /// It has the version.
    HasIt,
    /// It will be, later.
    Waits(&'static str),
}

fn online(seen: &Option<Seen>) -> bool {
    seen.as_ref().is_some_and(|seen| seen.online)
}
