//! Load for benchmarks: many stations that send one message after the other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use voltwin_core::{Decimal, TransactionPhase};
use voltwin_ocpp::station::{StationAnswer, StationMessage, StationTransaction, read_answer};
use voltwin_ocpp::{BootStatus, Version, envelope};

use crate::FleetError;
use crate::station::{Link, Passwords, Reading, StationConfig, Target, exact_frame, samples, wall_clock};

/// How much load.
#[derive(Clone)]
pub struct LoadConfig {
    /// Endpoint of the central system.
    pub url: String,
    /// Tenant to name in the path; absent when the credentials decide.
    pub tenant: Option<String>,
    /// Version that all speak.
    pub version: Version,
    /// Identities of the stations, 1 to 20,000.
    pub stations: Vec<String>,
    /// Password of a station by its identity.
    pub password: Passwords,
    /// Messages per second of all stations together; 0 = as fast as answers come.
    pub rate: f64,
    /// How long, from the moment all are connected.
    pub duration: Duration,
    /// Most stations that connect at the same time.
    pub connecting: usize,
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
}

/// Counts times in buckets that grow by 2 %, from 10 µs to about 10 minutes.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

const GROWTH: f64 = 1.02;
const SMALLEST_S: f64 = 1e-5;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; 910], count: 0 }
    }

    pub(crate) fn add(&mut self, time: Duration) {
        let place = (time.as_secs_f64().max(SMALLEST_S) / SMALLEST_S).ln() / GROWTH.ln();
        let place = (place as usize).min(self.buckets.len() - 1);
        self.buckets[place] += 1;
        self.count += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
    }

    /// The time that `share` of all stay below, in ms, to within 2 %; 0 when there is none.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return 1e3 * SMALLEST_S * GROWTH.powi(place as i32 + 1);
            }
        }
        0.0
    }
}

struct Tally {
    connected: bool,
    sent: u64,
    acked: u64,
    errors: u64,
    times: Histogram,
}

/// Connects all stations, boots them, runs one transaction on each and sends its meter values until `duration` has
/// passed: OCPP 1.6 `MeterValues`, 2.x `TransactionEvent`. One call at a time per station, as OCPP asks.
///
/// # Errors
/// [`FleetError`] when the configuration cannot work; what fails on the way is counted instead.
pub async fn run_load(config: &LoadConfig, cancel: CancellationToken) -> Result<LoadReport, FleetError> {
    if !(1..=20_000).contains(&config.stations.len()) {
        let value = config.stations.len().to_string();
        return Err(FleetError::Setting { field: "stations", value, rule: "1 to 20000" });
    }
    if !(0.0..=1e7).contains(&config.rate) {
        return Err(FleetError::Setting {
            field: "rate",
            value: config.rate.to_string(),
            rule: "0 to 10000000",
        });
    }
    let gate = Arc::new(tokio::sync::Semaphore::new(config.connecting.clamp(1, 1_000)));
    let ready = Arc::new(tokio::sync::Barrier::new(config.stations.len() + 1));
    let (tallies, mut results) = mpsc::channel(config.stations.len());
    let pace =
        (config.rate > 0.0).then(|| Duration::from_secs_f64(config.stations.len() as f64 / config.rate));
    let begun = Instant::now();
    for (number, identity) in config.stations.iter().enumerate() {
        let mut station = StationConfig::new(&config.url, identity, config.version);
        station.tenant.clone_from(&config.tenant);
        station.password = (config.password)(identity);
        let target = Target::new(&station)?;
        let (gate, ready, tallies, cancel) =
            (Arc::clone(&gate), Arc::clone(&ready), tallies.clone(), cancel.clone());
        let (version, duration) = (config.version, config.duration);
        let offset = pace.map(|p| p.mul_f64(number as f64 / config.stations.len() as f64));
        tokio::spawn(async move {
            let opened = {
                let _turn = gate.acquire().await;
                Caller::open(&target, version).await
            };
            ready.wait().await;
            let begin = Instant::now() + offset.unwrap_or_default();
            let mut tally = Tally { connected: false, sent: 0, acked: 0, errors: 0, times: Histogram::new() };
            match opened {
                Ok(mut caller) => {
                    tally.connected = true;
                    tokio::select! {
                        () = cancel.cancelled() => {}
                        () = caller.drive(&mut tally, begin, duration, pace) => {}
                    }
                    caller.link.close().await;
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
    [report.p50_ms, report.p95_ms, report.p99_ms] = [0.5, 0.95, 0.99].map(|share| times.quantile_ms(share));
    Ok(report)
}

/// A station reduced to calls and answers.
struct Caller {
    link: Link,
    version: Version,
    next: u64,
    transaction_id: String,
    seq_no: u64,
}

impl Caller {
    async fn open(target: &Target, version: Version) -> Result<Self, String> {
        let link = Link::open(target).await.map_err(|e| e.to_string())?;
        let transaction_id =
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{target:?}{}", wall_clock()).as_bytes());
        let mut caller =
            Self { link, version, next: 0, transaction_id: transaction_id.to_string(), seq_no: 0 };
        let boot = StationMessage::Boot {
            vendor: "Voltwin".into(),
            model: "Load".into(),
            serial_number: None,
            firmware_version: None,
            reason: None,
        };
        match caller.call(&boot).await? {
            StationAnswer::Boot(result) if result.status == BootStatus::Accepted => {}
            other => return Err(format!("the boot was answered with {other:?}")),
        }
        let started = caller.event(TransactionPhase::Started);
        if let StationAnswer::Transaction { transaction_id: Some(id), .. } = caller.call(&started).await? {
            caller.transaction_id = id;
        }
        Ok(caller)
    }

    async fn drive(&mut self, tally: &mut Tally, begin: Instant, duration: Duration, pace: Option<Duration>) {
        let end = begin + duration;
        let mut due = begin;
        while Instant::now() < end {
            if let Some(pace) = pace {
                sleep_until(due).await;
                // One that is late sends at once and does not try to catch up in a burst.
                due = (due + pace).max(Instant::now());
            }
            let message = self.event(TransactionPhase::Updated);
            let sent_at = Instant::now();
            tally.sent += 1;
            match self.call(&message).await {
                Ok(_) => {
                    tally.acked += 1;
                    tally.times.add(sent_at.elapsed());
                }
                Err(_) => {
                    tally.errors += 1;
                    return;
                }
            }
        }
        let ended = self.event(TransactionPhase::Ended);
        if self.call(&ended).await.is_err() {
            tally.errors += 1;
        }
    }

    fn event(&mut self, phase: TransactionPhase) -> StationMessage {
        let at = wall_clock();
        let seq_no = self.seq_no;
        self.seq_no += 1;
        let meter_wh = Decimal::from(1_000 + 20 * seq_no);
        let reading = Reading {
            energy_wh: meter_wh,
            power_w: 22_000.0,
            current_a: Some(32.0),
            voltage_v: Some(230.0),
            soc: Some(0.5),
        };
        let values = if phase == TransactionPhase::Updated {
            samples(&reading, at, "Sample.Periodic")
        } else {
            Vec::new()
        };
        StationMessage::Transaction(StationTransaction {
            phase,
            transaction_id: self.transaction_id.clone(),
            seq_no,
            evse: 1,
            connector: 1,
            id_token: (phase != TransactionPhase::Updated).then(|| "LOAD".to_owned()),
            token_type: None,
            at,
            meter_wh,
            trigger: None,
            stopped_reason: (phase == TransactionPhase::Ended).then(|| "Local".to_owned()),
            charging_state: None,
            offline: false,
            remote_start_id: None,
            samples: values,
        })
    }

    async fn call(&mut self, message: &StationMessage) -> Result<StationAnswer, String> {
        let (action, payload) = message.to_call(self.version).map_err(|v| v.to_string())?;
        self.next += 1;
        let wanted = format!("{:x}", self.next);
        self.link.send(exact_frame(&wanted, action, payload, message)).await.map_err(|e| e.to_string())?;
        let answer = async {
            loop {
                let text = self.link.receive().await.map_err(|e| e.to_string())?;
                match envelope::parse(&text, self.version, crate::station::FRAME_MAX) {
                    Ok(envelope::Frame::Result { id, payload }) if id == wanted => {
                        let payload: Value =
                            serde_json::from_str(payload.get()).map_err(|e| e.to_string())?;
                        return read_answer(self.version, action, &payload).map_err(|v| v.to_string());
                    }
                    Ok(envelope::Frame::Error { id, code, .. }) if id == wanted => return Err(code),
                    _ => {}
                }
            }
        };
        timeout(Duration::from_secs(30), answer).await.map_err(|_| "timed out".to_owned())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_two_percent() {
        let mut histogram = Histogram::new();
        for ms in 1..=1_000 {
            histogram.add(Duration::from_millis(ms));
        }
        for (share, ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let got = histogram.quantile_ms(share);
            assert!((got / ms - 1.0).abs() < 0.025, "{share}: {got}");
        }
        assert_eq!(Histogram::new().quantile_ms(0.5), 0.0);
    }
}
