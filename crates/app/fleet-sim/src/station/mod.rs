//! Virtual charging stations: one task each, a real WebSocket, OCPP 1.6, 2.0.1 or 2.1.
//!
//! Transaction messages wait in one queue in the order in which they happened and leave it only when the central
//! system has answered them; a lost connection, a timeout or an error frame sends them again. When the queue is full
//! the oldest meter values between start and end of a transaction are dropped and counted; a start or an end never is:
//! plugging in is then refused. Statuses are not queued over an outage: the newest ones are told after the next boot.

mod actor;
mod calls;
mod link;
mod outbox;
mod session;
mod tell;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use voltwin_core::{Decimal, Timestamp};
use voltwin_ocpp::{BootStatus, ConnectorStatus, Version};

pub(crate) use actor::wall_clock;
pub(crate) use link::{FRAME_MAX, Link, LinkError, Target, host_and_port};
pub(crate) use session::samples;
pub(crate) use tell::exact_frame;
pub use wire::Trust;

use crate::FleetError;

/// Gives the password of a station by its OCPP identity; `None` for a station that sends none.
pub type Passwords = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a virtual station is.
#[derive(Debug, Clone, PartialEq)]
pub struct StationConfig {
    /// Endpoint of the central system, such as `ws://127.0.0.1:8080/ocpp`; tenant and identity are appended.
    pub url: String,
    /// OCPP identity.
    pub identity: String,
    /// Tenant to name in the path; absent when the credentials decide.
    pub tenant: Option<String>,
    /// Password of Basic authentication; absent sends none.
    pub password: Option<String>,
    /// Version that it offers and insists on.
    pub version: Version,
    /// What it has, EVSE 1 first; at least one.
    pub evses: Vec<EvseConfig>,
    /// Told at boot.
    pub vendor: String,
    /// Told at boot.
    pub model: String,
    /// Told at boot.
    pub serial_number: String,
    /// Told at boot.
    pub firmware_version: String,
    /// Time between meter values of a running transaction; `None` sends only those given with
    /// [`StationHandle::sample`].
    pub meter_interval: Option<Duration>,
    /// Whether a token that the central system refuses ends the transaction.
    pub stop_on_invalid_id: bool,
    /// Whether a remote start finds a vehicle at the cable at once; else it waits for [`StationHandle::plug_in`].
    pub plug_on_remote_start: bool,
    /// How long a remote start waits for a vehicle.
    pub connection_timeout: Duration,
    /// How long an answer may take before the connection counts as lost.
    pub call_timeout: Duration,
    /// Wait before the first reconnect; it doubles with each failure, with up to half of it taken off at random.
    pub backoff_min: Duration,
    /// Longest wait before a reconnect.
    pub backoff_max: Duration,
    /// Most messages that wait for an answer.
    pub outbox_limit: usize,
    /// Seed of jitter and transaction ids.
    pub seed: u64,
    /// Whose certificates it believes; with it it speaks TLS, and the address begins with `wss://`.
    pub trust: Option<Trust>,
}

/// One EVSE.
#[derive(Debug, Clone, PartialEq)]
pub struct EvseConfig {
    /// Its connectors, number 1 first; OCPP 1.6 tells of the first only.
    pub connectors: Vec<ConnectorConfig>,
}

/// One connector.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorConfig {
    /// The plug, in the spelling of OCPP `ConnectorEnumType`.
    pub kind: String,
    /// Rated power in W.
    pub max_power_w: f64,
}

impl StationConfig {
    /// A station with one 22 kW EVSE and the usual times.
    #[must_use]
    pub fn new(url: &str, identity: &str, version: Version) -> Self {
        let connector = ConnectorConfig { kind: "cType2".into(), max_power_w: 22_000.0 };
        Self {
            url: url.into(),
            identity: identity.into(),
            tenant: None,
            password: None,
            version,
            evses: vec![EvseConfig { connectors: vec![connector] }],
            vendor: "Voltwin".into(),
            model: "Virtual".into(),
            serial_number: format!("VS-{identity}").chars().take(25).collect(),
            firmware_version: env!("CARGO_PKG_VERSION").into(),
            meter_interval: Some(Duration::from_secs(10)),
            stop_on_invalid_id: true,
            plug_on_remote_start: false,
            connection_timeout: Duration::from_secs(120),
            call_timeout: Duration::from_secs(30),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            outbox_limit: 10_000,
            seed: 0,
            trust: None,
        }
    }

    fn check(&self) -> Result<(), FleetError> {
        let setting = |field, value: String, rule| Err(FleetError::Setting { field, value, rule });
        if voltwin_ocpp::StationIdentity::from_path_segment(&self.identity).is_err() {
            let rule = "1 to 48 characters of letters, digits and - . + _ # * ? ! ( ) , = @ $ '";
            return setting("identity", self.identity.clone(), rule);
        }
        if !(1..=100).contains(&self.evses.len()) {
            return setting("evses", self.evses.len().to_string(), "1 to 100 entries");
        }
        if self.evses.iter().any(|e| !(1..=8).contains(&e.connectors.len())) {
            return setting("connectors", "an EVSE without".into(), "1 to 8 connectors an EVSE");
        }
        if !(4..=1_000_000).contains(&self.outbox_limit) {
            return setting("outbox_limit", self.outbox_limit.to_string(), "4 to 1000000");
        }
        Ok(())
    }
}

/// What a meter shows, and what the vehicle tells.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Energy register in Wh.
    pub energy_wh: Decimal,
    /// Power out of the EVSE in W.
    pub power_w: f64,
    /// Current in A.
    pub current_a: Option<f64>,
    /// Voltage in V.
    pub voltage_v: Option<f64>,
    /// State of charge of the vehicle, `0..=1`.
    pub soc: Option<f64>,
}

/// A vehicle being plugged in.
#[derive(Debug, Clone, PartialEq)]
pub struct PlugIn {
    /// EVSE, from 1.
    pub evse: u32,
    /// Connector of the EVSE, from 1.
    pub connector: u32,
    /// Who charges.
    pub id_token: String,
    /// When; absent = now.
    pub at: Option<Timestamp>,
    /// The meter at that moment.
    pub reading: Reading,
    /// Transaction id of OCPP 2.x; absent lets the station make one.
    pub transaction_id: Option<String>,
}

/// A transaction on this station, for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// What became of a transaction, told when its end was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionOutcome {
    /// The transaction.
    pub session: SessionId,
    /// The id that station and central system share, when there is one.
    pub transaction_id: Option<String>,
    /// True when start and end were answered without error.
    pub acked: bool,
    /// The energy register at the end in Wh.
    pub energy_wh: Decimal,
}

/// What a station tells its owner. A reader that lags loses the oldest.
#[derive(Debug, Clone, PartialEq)]
pub enum StationEvent {
    /// The socket is open.
    Connected,
    /// The socket is closed.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// The boot was answered.
    Booted {
        /// The answer.
        status: BootStatus,
    },
    /// The central system asked to start; accepted.
    RemoteStart {
        /// EVSE, from 1.
        evse: u32,
        /// Who charges.
        id_token: String,
        /// The transaction, when a vehicle was there already.
        session: Option<SessionId>,
    },
    /// A start was answered.
    Started {
        /// EVSE, from 1.
        evse: u32,
        /// The transaction.
        session: SessionId,
        /// The shared id.
        transaction_id: String,
    },
    /// The station ended a transaction by itself: remote stop, reset, fault, refused token.
    Stopped {
        /// EVSE, from 1.
        evse: u32,
        /// The transaction.
        session: SessionId,
        /// OCPP reason, such as `Remote`.
        reason: String,
    },
    /// The end of a transaction was answered.
    Ended(SessionOutcome),
    /// The central system took an EVSE out of service or put it back.
    Availability {
        /// EVSE, from 1.
        evse: u32,
        /// Whether it works.
        operative: bool,
    },
    /// The central system asked for a restart; accepted.
    Reset,
}

/// A station at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StationState {
    /// Whether the socket is open and the boot accepted.
    pub online: bool,
    /// Messages waiting for an answer.
    pub queued: usize,
    /// Meter values dropped because the queue was full.
    pub dropped: u64,
    /// Messages given up after three error frames.
    pub refused: u64,
    /// Status of each EVSE.
    pub evses: Vec<ConnectorStatus>,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, FleetError>>;

pub(crate) enum Request {
    PlugIn(PlugIn, Reply<SessionId>),
    Reading {
        evse: u32,
        reading: Reading,
    },
    Sample {
        evse: u32,
        at: Timestamp,
        reading: Reading,
        reply: Reply<()>,
    },
    Suspend {
        evse: u32,
        at: Option<Timestamp>,
        reply: Reply<()>,
    },
    Unplug {
        evse: u32,
        at: Option<Timestamp>,
        reason: String,
        reply: Reply<Option<oneshot::Receiver<SessionOutcome>>>,
    },
    Fault {
        evse: u32,
        code: String,
        info: String,
        reply: Reply<()>,
    },
    ClearFault {
        evse: u32,
        reply: Reply<()>,
    },
    State(oneshot::Sender<StationState>),
}

/// A virtual station; see the module.
#[derive(Debug)]
pub struct VirtualStation;

impl VirtualStation {
    /// Starts a station. It connects, and reconnects until `cancel`.
    ///
    /// # Errors
    /// [`FleetError::Address`] or [`FleetError::Setting`] when the configuration cannot work.
    pub fn spawn(config: StationConfig, cancel: CancellationToken) -> Result<StationHandle, FleetError> {
        config.check()?;
        let target = link::Target::new(&config)?;
        let (requests, inbox) = mpsc::channel(256);
        let (events, _) = broadcast::channel(1_024);
        let handle = StationHandle { identity: config.identity.clone(), requests, events: events.clone() };
        tokio::spawn(actor::Actor::new(config, target, inbox, events).run(cancel));
        Ok(handle)
    }
}

/// Speaks to one running station. All methods wait while the station is busy and fail when it has ended.
#[derive(Debug, Clone)]
pub struct StationHandle {
    identity: String,
    requests: mpsc::Sender<Request>,
    events: broadcast::Sender<StationEvent>,
}

impl StationHandle {
    /// The station's OCPP identity.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<StationEvent> {
        self.events.subscribe()
    }

    /// Plugs a vehicle in and starts a transaction. A remote start that waits for this EVSE gives its token.
    ///
    /// # Errors
    /// When there is no such EVSE, it is not free, or the queue is full.
    pub async fn plug_in(&self, plug: PlugIn) -> Result<SessionId, FleetError> {
        self.ask(|reply| Request::PlugIn(plug, reply)).await
    }

    /// What the meter of an EVSE shows from now on.
    ///
    /// # Errors
    /// When the station has ended.
    pub async fn set_power(&self, evse: u32, reading: Reading) -> Result<(), FleetError> {
        self.requests.send(Request::Reading { evse, reading }).await.map_err(|_| self.ended())
    }

    /// Sends meter values of a running transaction as taken at `at`.
    ///
    /// # Errors
    /// When there is no such EVSE, or it has no transaction.
    pub async fn sample(&self, evse: u32, at: Timestamp, reading: Reading) -> Result<(), FleetError> {
        self.ask(|reply| Request::Sample { evse, at, reading, reply }).await
    }

    /// The vehicle takes no more power but stays.
    ///
    /// # Errors
    /// When there is no such EVSE, or it has no transaction.
    pub async fn suspend(&self, evse: u32, at: Option<Timestamp>) -> Result<(), FleetError> {
        self.ask(|reply| Request::Suspend { evse, at, reply }).await
    }

    /// Unplugs the vehicle and ends its transaction with an OCPP `reason` such as `EVDisconnected`. The receiver tells
    /// when the end was answered; `None` when the transaction had ended before.
    ///
    /// # Errors
    /// When there is no such EVSE, or nothing is plugged in.
    pub async fn unplug(
        &self,
        evse: u32,
        at: Option<Timestamp>,
        reason: &str,
    ) -> Result<Option<oneshot::Receiver<SessionOutcome>>, FleetError> {
        self.ask(|reply| Request::Unplug { evse, at, reason: reason.to_owned(), reply }).await
    }

    /// Breaks an EVSE; a running transaction ends. `code` is an OCPP 1.6 error code such as `GroundFailure`.
    ///
    /// # Errors
    /// When there is no such EVSE.
    pub async fn fault(&self, evse: u32, code: &str, info: &str) -> Result<(), FleetError> {
        let (code, info) = (code.to_owned(), info.to_owned());
        self.ask(|reply| Request::Fault { evse, code, info, reply }).await
    }

    /// Repairs an EVSE.
    ///
    /// # Errors
    /// When there is no such EVSE.
    pub async fn clear_fault(&self, evse: u32) -> Result<(), FleetError> {
        self.ask(|reply| Request::ClearFault { evse, reply }).await
    }

    /// How the station stands.
    ///
    /// # Errors
    /// When the station has ended.
    pub async fn state(&self) -> Result<StationState, FleetError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::State(reply)).await.map_err(|_| self.ended())?;
        answer.await.map_err(|_| self.ended())
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, FleetError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| self.ended())?;
        answer.await.map_err(|_| self.ended())?
    }

    fn ended(&self) -> FleetError {
        FleetError::Ended { station: self.identity.clone() }
    }
}
