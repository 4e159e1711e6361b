//! The replay itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use voltwin_battery::Stream;
use voltwin_core::{Decimal, Timestamp};
use voltwin_ocpp::Version;

use super::{EnergyProfile, RecordedSession, ReplayError};
use crate::FleetError;
use crate::station::{
    Passwords, PlugIn, Reading, SessionOutcome, StationConfig, StationHandle, Trust, VirtualStation,
};

/// Which version each virtual station speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayProtocol {
    /// All the same.
    Only(Version),
    /// 1.6, 2.0.1 and 2.1 in turn, in the order of the station ids.
    Mixed,
}

/// How to replay.
#[derive(Clone)]
pub struct ReplayConfig {
    /// Endpoint of the central system, such as `ws://127.0.0.1:8080/ocpp`.
    pub url: String,
    /// Tenant to name in the path; absent when the credentials decide.
    pub tenant: Option<String>,
    /// Only sessions that arrived on this local day; absent = all.
    pub day: Option<Date>,
    /// Recorded seconds per second, 1 to 100 000.
    pub speed: f64,
    /// Versions of the stations.
    pub protocol: ReplayProtocol,
    /// Password of a station by its OCPP identity.
    pub password: Passwords,
    /// Put before each recorded station id to make the OCPP identity.
    pub station_prefix: String,
    /// How long the last answers may take after the last session has ended.
    pub settle: Duration,
    /// Seed of reconnect jitter.
    pub seed: u64,
    /// Whose certificates the stations believe; with it the address begins with `wss://`.
    pub trust: Option<Trust>,
}

impl ReplayConfig {
    /// All sessions at 1000 times real time, OCPP 2.0.1, one password for all.
    #[must_use]
    pub fn new(url: &str, password: Option<String>) -> Self {
        Self {
            url: url.into(),
            tenant: None,
            day: None,
            speed: 1_000.0,
            protocol: ReplayProtocol::Only(Version::V201),
            password: Arc::new(move |_| password.clone()),
            station_prefix: String::new(),
            settle: Duration::from_secs(120),
            seed: 0,
            trust: None,
        }
    }
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayProgress {
    /// Sessions selected.
    pub sessions: usize,
    /// Sessions begun.
    pub started: usize,
    /// Sessions whose end was sent or queued.
    pub ended: usize,
    /// Sessions whose end was answered.
    pub acked: usize,
}

/// What became of one recorded session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionReport {
    /// Id in the file.
    pub session_id: String,
    /// OCPP identity of the station.
    pub station: String,
    /// The token it was told under: the session id, or a hash of it where OCPP does not allow that text.
    pub id_token: String,
    /// Version it was told in.
    pub protocol: Version,
    /// The id that station and central system share; `None` when the start was never answered.
    pub transaction_id: Option<String>,
    /// Register at the end less register at the start in Wh, exact.
    pub energy_wh: Decimal,
    /// Whether start and end were answered without error.
    pub acked: bool,
    /// Why it was not told to its end, when it was not.
    pub problem: Option<String>,
}

/// What became of a replay.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplayReport {
    /// Every selected session in the order of arrival.
    pub sessions: Vec<SessionReport>,
    /// How many were answered to the end.
    pub acked: usize,
    /// Sum of the energy of those in Wh, exact.
    pub acked_energy_wh: Decimal,
}

/// Replays recorded sessions; see [`Replay::run`].
#[derive(Debug)]
pub struct Replay;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    // In this order at one instant: a vehicle leaves before the next arrives.
    Leave,
    Arrive,
    Point(usize),
}

struct Stop {
    identity: String,
    handle: StationHandle,
    version: Version,
    register_wh: Decimal,
}

impl Replay {
    /// Replays `sessions`: one virtual station per recorded station, one transaction per session, in the order of
    /// recorded time, with the recorded times in the messages. Waits until every end was answered, `settle` has passed
    /// or `cancel`.
    ///
    /// The energy register of a station goes on from session to session; each session begins at a whole watt-hour
    /// (rounded up from the end before), because the start of an OCPP 1.6 transaction can tell no other, and ends at
    /// exactly that plus the recorded energy. Tokens and transaction ids depend on the sessions alone, so replaying a
    /// file twice tells the same transactions twice.
    ///
    /// # Errors
    /// [`FleetError::Replay`] when nothing is selected, a setting is out of range, or two sessions overlap on one
    /// station: a connector serves one vehicle at a time, and moving either would change the record.
    pub async fn run(
        sessions: &[RecordedSession],
        config: &ReplayConfig,
        cancel: CancellationToken,
        mut progress: impl FnMut(ReplayProgress) + Send,
    ) -> Result<ReplayReport, FleetError> {
        let chosen = select(sessions, config)?;
        let stop_all = cancel.child_token();
        let mut stations = open_stations(&chosen, config, &stop_all)?;
        let mut told = ReplayProgress { sessions: chosen.len(), ..ReplayProgress::default() };
        let mut running = Running::new(&chosen);
        let origin = chosen.first().map_or_else(Timestamp::default, |s| s.arrival);
        let clock = Instant::now();
        for (at, step, index) in timeline(&chosen) {
            let due = clock + Duration::from_secs_f64(at.seconds_since(origin).max(0.0) / config.speed);
            tokio::select! {
                () = cancel.cancelled() => break,
                () = sleep_until(due) => {}
            }
            let session = chosen[index];
            let Some(stop) = stations.get_mut(&session.station_id) else { continue };
            tokio::select! {
                () = cancel.cancelled() => break,
                result = running.tell(index, session, step, at, stop) => {
                    if let Err(error) = result {
                        running.reports[index].problem.get_or_insert(error.to_string());
                    }
                }
            }
            match step {
                Step::Arrive => told.started += 1,
                Step::Leave => told.ended += 1,
                Step::Point(_) => {}
            }
            progress(told);
        }
        running.settle(config.settle, &cancel, &mut told, &mut progress).await;
        stop_all.cancel();
        Ok(running.report())
    }
}

fn select<'a>(
    sessions: &'a [RecordedSession],
    config: &ReplayConfig,
) -> Result<Vec<&'a RecordedSession>, ReplayError> {
    if !(1.0..=100_000.0).contains(&config.speed) {
        let rule = "it must be 1 to 100000".into();
        return Err(ReplayError::Setting { field: "speed", value: config.speed.to_string(), rule });
    }
    let mut chosen: Vec<&RecordedSession> =
        sessions.iter().filter(|s| config.day.is_none_or(|day| s.day == day)).collect();
    if chosen.is_empty() {
        let days = sessions.iter().map(|s| s.day);
        let rule = match (days.clone().min(), days.max()) {
            (Some(first), Some(last)) => {
                format!("the file has sessions from {first} to {last} and none then")
            }
            _ => "there are no sessions".into(),
        };
        let value = config.day.map_or("any".into(), |day| day.to_string());
        return Err(ReplayError::Setting { field: "day", value, rule });
    }
    chosen.sort_by(|a, b| (a.arrival, &a.session_id).cmp(&(b.arrival, &b.session_id)));
    let mut last: HashMap<&str, &RecordedSession> = HashMap::new();
    for session in &chosen {
        if let Some(before) = last.insert(&session.station_id, session)
            && session.arrival < before.departure
        {
            return Err(ReplayError::Overlap {
                station: session.station_id.clone(),
                first: before.session_id.clone(),
                second: session.session_id.clone(),
                begins: session.arrival,
                ends: before.departure,
            });
        }
    }
    Ok(chosen)
}

fn open_stations(
    chosen: &[&RecordedSession],
    config: &ReplayConfig,
    cancel: &CancellationToken,
) -> Result<BTreeMap<String, Stop>, FleetError> {
    let mut stations = BTreeMap::new();
    let names: std::collections::BTreeSet<&str> = chosen.iter().map(|s| s.station_id.as_str()).collect();
    for (number, name) in names.into_iter().enumerate() {
        let identity = format!("{}{name}", config.station_prefix);
        let version = match config.protocol {
            ReplayProtocol::Only(version) => version,
            ReplayProtocol::Mixed => [Version::V16, Version::V201, Version::V21][number % 3],
        };
        let mut station = StationConfig::new(&config.url, &identity, version);
        station.tenant.clone_from(&config.tenant);
        station.password = (config.password)(&identity);
        station.meter_interval = None;
        // The record says that they charged, whatever is thought of their token today.
        station.stop_on_invalid_id = false;
        station.seed = config.seed;
        station.trust.clone_from(&config.trust);
        let handle = VirtualStation::spawn(station, cancel.child_token())?;
        // Meters of real stations do not begin at nought; a fixed figure per station keeps replays equal.
        let register_wh = Decimal::from(Stream::named(0, "register", &identity).at(0) % 5_000_000);
        stations.insert(name.to_owned(), Stop { identity, handle, version, register_wh });
    }
    Ok(stations)
}

/// Everything that happens, in the order of recorded time.
fn timeline(chosen: &[&RecordedSession]) -> Vec<(Timestamp, Step, usize)> {
    let mut steps = Vec::new();
    for (index, session) in chosen.iter().enumerate() {
        steps.push((session.arrival, Step::Arrive, index));
        steps.push((session.departure, Step::Leave, index));
        let points = EnergyProfile::of(session);
        steps.extend(points.points().iter().enumerate().map(|(k, point)| (point.at, Step::Point(k), index)));
    }
    // A reading at the moment of departure comes before it: the departure repeats it.
    steps.retain(|(at, step, index)| !matches!(step, Step::Point(_)) || *at < chosen[*index].departure);
    steps.sort();
    steps
}

struct Running {
    reports: Vec<SessionReport>,
    begin_wh: Vec<Decimal>,
    waiting: Vec<Option<oneshot::Receiver<SessionOutcome>>>,
}

impl Running {
    fn new(chosen: &[&RecordedSession]) -> Self {
        let report = |session: &&RecordedSession| SessionReport {
            session_id: session.session_id.clone(),
            station: session.station_id.clone(),
            id_token: String::new(),
            protocol: Version::V201,
            transaction_id: None,
            energy_wh: Decimal::ZERO,
            acked: false,
            problem: None,
        };
        Self {
            reports: chosen.iter().map(report).collect(),
            begin_wh: vec![Decimal::ZERO; chosen.len()],
            waiting: chosen.iter().map(|_| None).collect(),
        }
    }

    async fn tell(
        &mut self,
        index: usize,
        session: &RecordedSession,
        step: Step,
        at: Timestamp,
        stop: &mut Stop,
    ) -> Result<(), FleetError> {
        match step {
            Step::Arrive => self.arrive(index, session, at, stop).await,
            Step::Point(number) => {
                let profile = EnergyProfile::of(session);
                let Some(point) = profile.points().get(number) else { return Ok(()) };
                let energy_wh = self.begin_wh[index] + point.energy_wh;
                let voltage_v = Some(208.0);
                let current_a = Some(point.power_w / 208.0);
                let reading = Reading { energy_wh, power_w: point.power_w, current_a, voltage_v, soc: None };
                stop.handle.sample(1, at, reading).await?;
                if point.power_w == 0.0 {
                    stop.handle.suspend(1, Some(at)).await?;
                }
                Ok(())
            }
            Step::Leave => {
                let energy_wh = self.begin_wh[index] + session.energy_wh;
                let reading = Reading { energy_wh, ..Reading::default() };
                stop.handle.set_power(1, reading).await?;
                stop.register_wh = energy_wh;
                self.waiting[index] = stop.handle.unplug(1, Some(at), "EVDisconnected").await?;
                self.reports[index].energy_wh = energy_wh - self.begin_wh[index];
                Ok(())
            }
        }
    }

    async fn arrive(
        &mut self,
        index: usize,
        session: &RecordedSession,
        at: Timestamp,
        stop: &mut Stop,
    ) -> Result<(), FleetError> {
        self.begin_wh[index] = stop.register_wh.ceil();
        let report = &mut self.reports[index];
        report.station.clone_from(&stop.identity);
        report.protocol = stop.version;
        report.id_token = token_of(&session.session_id, stop.version);
        let name = format!("{}|{}", stop.identity, session.session_id);
        let plug = PlugIn {
            evse: 1,
            connector: 1,
            id_token: report.id_token.clone(),
            at: Some(at),
            reading: Reading { energy_wh: self.begin_wh[index], ..Reading::default() },
            transaction_id: Some(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()),
        };
        // A full queue holds the replay up: it waits for the central system rather than losing a session.
        loop {
            match stop.handle.plug_in(plug.clone()).await {
                Err(FleetError::QueueFull { .. }) => sleep(Duration::from_millis(50)).await,
                other => return other.map(drop),
            }
        }
    }

    async fn settle(
        &mut self,
        within: Duration,
        cancel: &CancellationToken,
        told: &mut ReplayProgress,
        progress: &mut (impl FnMut(ReplayProgress) + Send),
    ) {
        let deadline = Instant::now() + within;
        for (index, waiting) in self.waiting.iter_mut().enumerate() {
            let Some(receiver) = waiting.take() else { continue };
            let left = deadline.saturating_duration_since(Instant::now());
            let outcome = tokio::select! {
                () = cancel.cancelled() => None,
                outcome = timeout(left, receiver) => outcome.ok().and_then(Result::ok),
            };
            let report = &mut self.reports[index];
            match outcome {
                Some(outcome) => {
                    report.transaction_id = outcome.transaction_id;
                    report.acked = outcome.acked;
                    if outcome.acked {
                        told.acked += 1;
                        progress(*told);
                    } else {
                        report.problem.get_or_insert("the central system answered with an error".into());
                    }
                }
                None => {
                    report.problem.get_or_insert("its end was not answered in time".into());
                }
            }
        }
    }

    fn report(self) -> ReplayReport {
        let acked = self.reports.iter().filter(|r| r.acked);
        ReplayReport {
            acked: acked.clone().count(),
            acked_energy_wh: acked.map(|r| r.energy_wh).sum(),
            sessions: self.reports,
        }
    }
}

/// The token for a session id: itself where OCPP allows the text (1.6: 20 characters, 2.x: 36, of letters, digits and
/// `* - _ = : + | @ .`), else the first 20 or all 32 hexadecimal digits of its UUID version 5.
pub(super) fn token_of(session_id: &str, version: Version) -> String {
    let most = if version == Version::V16 { 20 } else { 36 };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"*-_=:+|@.".contains(&b);
    if session_id.len() <= most && session_id.bytes().all(allowed) {
        return session_id.to_owned();
    }
    let mut hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, session_id.as_bytes()).simple().to_string();
    hash.truncate(most);
    hash
}
