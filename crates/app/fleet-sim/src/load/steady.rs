//! Many stations that send one message after the other, in closed loop or at a rate.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use voltwin_core::TransactionPhase;

use super::Crowd;
use super::caller::{Caller, wait_alive};
use super::histogram::Histogram;
use crate::FleetError;

/// How much load.
#[derive(Clone)]
pub struct LoadConfig {
    /// Who sends.
    pub crowd: Crowd,
    /// Messages per second of all stations together; 0 = as fast as answers come.
    pub rate: f64,
    /// How long, from the moment all are connected; zero = until cancelled.
    pub duration: Duration,
    /// Most stations that connect at the same time.
    pub connecting: usize,
    /// False: the meter values belong to a transaction that each station has started.
    pub outside_transactions: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LoadReport {
    /// Stations whose boot was accepted.
    pub connected: usize,
    /// Seconds until all had tried.
    pub connect_s: f64,
    /// Messages sent.
    pub sent: u64,
    /// Messages answered.
    pub acked: u64,
    /// Connections, boots and messages that failed.
    pub errors: u64,
    /// Messages answered per second.
    pub rate: f64,
    /// Half of the answers took at most this, in ms.
    pub p50_ms: f64,
    /// 95 of 100 took at most this, in ms.
    pub p95_ms: f64,
    /// 99 of 100 took at most this, in ms.
    pub p99_ms: f64,
    /// The longest, in ms, to within 2 %.
    pub max_ms: f64,
}

struct Tally {
    connected: bool,
    sent: u64,
    acked: u64,
    errors: u64,
    times: Histogram,
}

/// Connects all stations, boots them, runs one transaction on each (unless the values stand outside transactions) and
/// sends meter values until `duration` has passed: OCPP 1.6 `MeterValues`, 2.x `TransactionEvent` in a transaction and
/// `MeterValues` outside. One call at a time per station, as OCPP asks.
///
/// # Errors
/// [`FleetError`] when the configuration cannot work; what fails on the way is counted instead.
pub async fn run_load(config: &LoadConfig, cancel: CancellationToken) -> Result<LoadReport, FleetError> {
    if !(0.0..=1e7).contains(&config.rate) {
        return Err(FleetError::Setting {
            field: "rate",
            value: config.rate.to_string(),
            rule: "0 to 10000000",
        });
    }
    let targets = config.crowd.targets()?;
    let count = targets.len();
    let gate = Arc::new(tokio::sync::Semaphore::new(config.connecting.clamp(1, 1_000)));
    let ready = Arc::new(tokio::sync::Barrier::new(count + 1));
    let (tallies, mut results) = mpsc::channel(count);
    let pace = (config.rate > 0.0).then(|| Duration::from_secs_f64(count as f64 / config.rate));
    let begun = Instant::now();
    for (number, target) in targets.into_iter().enumerate() {
        let (gate, ready, tallies, cancel) =
            (Arc::clone(&gate), Arc::clone(&ready), tallies.clone(), cancel.clone());
        let (version, duration, outside) =
            (config.crowd.version, config.duration, config.outside_transactions);
        let offset = pace.map(|p| p.mul_f64(number as f64 / count as f64));
        tokio::spawn(async move {
            let mut opened = {
                let _turn = gate.acquire().await;
                open(&target, version, outside).await
            };
            wait_alive(&ready, opened.as_mut().ok()).await;
            let begin = Instant::now() + offset.unwrap_or_default();
            let mut tally = Tally { connected: false, sent: 0, acked: 0, errors: 0, times: Histogram::new() };
            match opened {
                Ok(mut caller) => {
                    tally.connected = true;
                    tokio::select! {
                        () = cancel.cancelled() => {}
                        () = drive(&mut caller, &mut tally, (begin, duration, pace), outside) => {}
                    }
                    caller.close().await;
                }
                Err(error) => {
                    tracing::debug!(error, "a station did not get in");
                    tally.errors += 1;
                }
            }
            let _ = tallies.send(tally).await;
        });
    }
    drop(tallies);
    ready.wait().await;
    let connect_s = begun.elapsed().as_secs_f64();
    let started = Instant::now();
    let mut report = LoadReport { connect_s, ..LoadReport::default() };
    let mut times = Histogram::new();
    while let Some(tally) = results.recv().await {
        report.connected += usize::from(tally.connected);
        report.sent += tally.sent;
        report.acked += tally.acked;
        report.errors += tally.errors;
        times.merge(&tally.times);
    }
    report.rate = report.acked as f64 / started.elapsed().as_secs_f64().max(1e-3);
    [report.p50_ms, report.p95_ms, report.p99_ms, report.max_ms] =
        [0.5, 0.95, 0.99, 1.0].map(|share| times.quantile_ms(share));
    Ok(report)
}

async fn open(
    target: &crate::station::Target,
    version: voltwin_ocpp::Version,
    outside: bool,
) -> Result<Caller, String> {
    let mut caller = Caller::connect(target, version).await?;
    if caller.boot().await? != voltwin_ocpp::BootStatus::Accepted {
        return Err("the boot was not accepted".to_owned());
    }
    if !outside {
        caller.start_transaction().await?;
    }
    Ok(caller)
}

async fn drive(
    caller: &mut Caller,
    tally: &mut Tally,
    (begin, duration, pace): (Instant, Duration, Option<Duration>),
    outside: bool,
) {
    let end = (!duration.is_zero()).then(|| begin + duration);
    let mut due = begin;
    while end.is_none_or(|end| Instant::now() < end) {
        if let Some(pace) = pace {
            // at a low rate a station's turn may come after the end
            let turn = end.map_or(due, |end| due.min(end));
            tokio::select! {
                () = sleep_until(turn) => {}
                // a connection that has ended shows with the next message
                () = caller.listen() => sleep_until(turn).await,
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                break;
            }
            // One that is late sends at once and does not try to catch up in a burst.
            due = (due + pace).max(Instant::now());
        }
        let message = if outside { caller.meter_values() } else { caller.event(TransactionPhase::Updated) };
        let sent_at = Instant::now();
        tally.sent += 1;
        match caller.call(&message).await {
            Ok(_) => {
                tally.acked += 1;
                tally.times.add(sent_at.elapsed());
            }
            Err(error) => {
                tracing::debug!(error, "a message failed");
                tally.errors += 1;
                return;
            }
        }
    }
    if !outside && caller.call_event(TransactionPhase::Ended).await.is_err() {
        tally.errors += 1;
    }
}
