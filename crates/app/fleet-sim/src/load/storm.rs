//! An outage: all connections break at once, the same identities come back within a moment, round after round.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Barrier, Semaphore, mpsc};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use voltwin_ocpp::{BootStatus, ConnectorStatus};

use super::caller::{Caller, wait_alive};
use super::histogram::Histogram;
use super::{Crowd, fraction};
use crate::FleetError;
use crate::station::Target;

/// What an outage looks like.
#[derive(Clone)]
pub struct StormConfig {
    /// Who comes back.
    pub crowd: Crowd,
    /// How often, 1 to 100.
    pub rounds: u32,
    /// Within this time after the break all of them try again.
    pub within: Duration,
    /// Connectors whose status each reports after its boot.
    pub connectors: u32,
    /// Transactions that each tells late, after its status.
    pub queued: u32,
    /// A round takes no longer than this.
    pub limit: Duration,
    /// Most stations that connect at the same time before the first round.
    pub connecting: usize,
}

/// What came of all rounds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StormReport {
    /// Stations that were accepted before the first round.
    pub connected: usize,
    /// Seconds until they were.
    pub connect_s: f64,
    /// Each round.
    pub rounds: Vec<StormRound>,
}

/// What came of one round.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StormRound {
    /// Stations that were accepted again.
    pub accepted: usize,
    /// Seconds from the break until the last of them was.
    pub all_back_s: f64,
    /// Seconds from the break until the last had also told its status and its late transactions.
    pub all_told_s: f64,
    /// From the break to acceptance, half of the stations, in ms.
    pub back_p50_ms: f64,
    /// Half of the boots were answered within this, in ms.
    pub boot_p50_ms: f64,
    /// 99 of 100 boots, in ms.
    pub boot_p99_ms: f64,
    /// The longest, in ms.
    pub boot_max_ms: f64,
    /// Connections that were refused or failed, and boots that were told to wait.
    pub retries: u64,
    /// Messages that failed after the acceptance.
    pub errors: u64,
}

struct Back {
    accepted: Option<Duration>,
    told: Option<Duration>,
    boots: Histogram,
    retries: u64,
    errors: u64,
}

/// Breaks and mends all connections of the crowd `rounds` times.
///
/// # Errors
/// [`FleetError`] when the configuration cannot work; what fails on the way is counted instead.
pub async fn run_storm(config: &StormConfig, cancel: CancellationToken) -> Result<StormReport, FleetError> {
    if !(1..=100).contains(&config.rounds) {
        let value = config.rounds.to_string();
        return Err(FleetError::Setting { field: "rounds", value, rule: "1 to 100" });
    }
    let targets = config.crowd.targets()?;
    let count = targets.len();
    let gate = Arc::new(Semaphore::new(config.connecting.clamp(1, 1_000)));
    let start = Arc::new(Barrier::new(count + 1));
    let (sender, mut results) = mpsc::channel(count);
    let config = Arc::new(config.clone());
    let begun = Instant::now();
    for (identity, target) in config.crowd.stations.iter().cloned().zip(targets) {
        let station = Station { identity, target, config: config.clone(), start: start.clone() };
        let (gate, sender, cancel) = (gate.clone(), sender.clone(), cancel.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = station.live(&gate, &sender) => {}
            }
        });
    }
    drop(sender);
    let mut report = StormReport::default();
    let (first, _) = gather(&mut results, count).await;
    report.connected = first.accepted;
    report.connect_s = begun.elapsed().as_secs_f64();
    for _ in 0..config.rounds {
        tokio::select! {
            () = cancel.cancelled() => break,
            _ = start.wait() => {}
        }
        let (round, heard) = gather(&mut results, count).await;
        report.rounds.push(round);
        if heard < count {
            break;
        }
    }
    Ok(report)
}

async fn gather(results: &mut mpsc::Receiver<Back>, count: usize) -> (StormRound, usize) {
    let mut round = StormRound::default();
    let (mut boots, mut back) = (Histogram::new(), Histogram::new());
    let mut heard = 0;
    while heard < count {
        let Some(one) = results.recv().await else { break };
        heard += 1;
        if let Some(accepted) = one.accepted {
            round.accepted += 1;
            back.add(accepted);
            round.all_back_s = round.all_back_s.max(accepted.as_secs_f64());
        }
        round.all_told_s = round.all_told_s.max(one.told.unwrap_or_default().as_secs_f64());
        round.retries += one.retries;
        round.errors += one.errors;
        boots.merge(&one.boots);
    }
    round.back_p50_ms = back.quantile_ms(0.5);
    [round.boot_p50_ms, round.boot_p99_ms, round.boot_max_ms] =
        [0.5, 0.99, 1.0].map(|share| boots.quantile_ms(share));
    (round, heard)
}

struct Station {
    identity: String,
    target: Target,
    config: Arc<StormConfig>,
    start: Arc<Barrier>,
}

impl Station {
    async fn live(self, gate: &Semaphore, results: &mpsc::Sender<Back>) {
        let mut held = {
            let _turn = gate.acquire().await;
            let (caller, back) = self.come(0, Duration::ZERO, 0).await;
            if results.send(back).await.is_err() {
                return;
            }
            caller
        };
        for round in 1..=u64::from(self.config.rounds) {
            wait_alive(&self.start, held.as_mut()).await;
            if let Some(caller) = held.take() {
                caller.abort();
            }
            let wait = self.config.within.mul_f64(fraction(&self.identity, "wait", round));
            let (caller, back) = self.come(round, wait, self.config.queued).await;
            if results.send(back).await.is_err() {
                return;
            }
            held = caller;
        }
        if let Some(caller) = held {
            caller.close().await;
        }
    }

    /// Connects, boots until accepted, tells its status and what it has kept.
    async fn come(&self, round: u64, wait: Duration, queued: u32) -> (Option<Caller>, Back) {
        let begun = Instant::now();
        let mut back = Back { accepted: None, told: None, boots: Histogram::new(), retries: 0, errors: 0 };
        sleep(wait).await;
        let Some(mut caller) = self.accepted(round, begun, &mut back).await else { return (None, back) };
        back.accepted = Some(begun.elapsed());
        let told = async {
            for evse in 1..=self.config.connectors {
                caller.status(evse, ConnectorStatus::Available).await?;
            }
            for _ in 0..queued {
                caller.offline_transaction().await?;
            }
            Ok::<_, String>(())
        };
        if let Err(error) = told.await {
            tracing::debug!(error, station = self.identity, "a message after the boot failed");
            back.errors += 1;
        }
        back.told = Some(begun.elapsed());
        (Some(caller), back)
    }

    async fn accepted(&self, round: u64, begun: Instant, back: &mut Back) -> Option<Caller> {
        let mut pause_s = 0.5;
        while begun.elapsed() < self.config.limit {
            match Caller::connect(&self.target, self.config.crowd.version).await {
                Ok(mut caller) => match self.boot(&mut caller, begun, back).await {
                    Ok(()) => return Some(caller),
                    Err(error) => tracing::debug!(error, station = self.identity, "a boot failed"),
                },
                Err(error) => tracing::debug!(error, station = self.identity, "a connection failed"),
            }
            back.retries += 1;
            let jitter = 0.5 + fraction(&self.identity, "retry", round * 1_000 + back.retries);
            sleep(Duration::from_secs_f64(pause_s * jitter)).await;
            pause_s = (pause_s * 2.0).min(8.0);
        }
        None
    }

    /// Boots again, after as long as it is told to wait, until it is accepted.
    async fn boot(&self, caller: &mut Caller, begun: Instant, back: &mut Back) -> Result<(), String> {
        loop {
            let asked = Instant::now();
            let result = caller.boot_result().await?;
            back.boots.add(asked.elapsed());
            if result.status == BootStatus::Accepted {
                return Ok(());
            }
            back.retries += 1;
            let wait = Duration::from_secs(u64::from(result.interval_s.max(1)));
            if begun.elapsed() + wait > self.config.limit {
                return Err("told to wait beyond the end of the round".to_owned());
            }
            sleep(wait).await;
        }
    }
}
