//! The central system: station facts become events, commands become calls.
//!
//! # The idea
//! `connect/ocpp` says *what* a station stated ([`Fact`](voltwin_ocpp::Fact)); this crate decides *what follows*:
//! which events to record, and what to answer. Its four doors:
//! - [`CentralSystem::admit`] — may this station connect? (credentials, throttling, the claim queue);
//! - [`CentralSystem::link`] — one connection, as an object that a socket task drives: text in, text out;
//! - [`CentralSystem::command`] — a person's command to a station, recorded from request to outcome;
//! - [`CentralSystem::messages`] — the log of all frames, with secrets masked.
//!
//! # Invariants
//! - A station is answered after the events of its message are durable; when they cannot be made durable it gets
//!   an error frame and will send the message again.
//! - The newest authenticated connection of a station wins; an older one can neither receive commands nor mark the
//!   station offline.
//! - A command ends in exactly one of accepted, rejected or failed, also across a restart.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let store = voltwin_store::Store::open(folder.path()).await?;
//! use voltwin_csms::{CentralSystem, CsmsConfig};
//! use voltwin_runtime::{Runtime, RuntimeConfig};
//!
//! let runtime = Runtime::start(store, RuntimeConfig::default()).await?;
//! let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await?;
//! assert_eq!(csms.online_count(), 0);
//! runtime.stop().await;
//! # Ok(())
//! # }
//! ```

mod admission;
mod blocks;
mod boots;
mod clock;
mod commands;
mod decide;
mod directory;
mod error;
mod expiry;
mod link;
mod log;
mod meter;
mod money;
mod partners;
mod recording;
mod registry;
mod returning;
mod revocation;
mod rotation;
mod running;
mod stations;
mod tokens;
mod transactions;
mod turns;
mod upgrade;
mod uses;
mod validation;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use voltwin_core::{Event, EventBody, TenantId, Timestamp, TraceId, TwinId};
use voltwin_messages::MessageLog;
use voltwin_ocpp::Validation;
use voltwin_runtime::Runtime;

pub use admission::{Admission, Peer, Refusal};
pub use blocks::{
    Composite, CompositeRequest, CustomerInformation, FirmwareImage, FirmwareRequest, LOCAL_LIST_CHOSEN_MAX,
    LocalList, LocalListMode, LocalListState, LocalListStatus, LocalListWish, LogRequest, Reservation,
    ReservationRequest, ReservationState, StationSchedule, StationTariff, StationTariffs, TransactionTariff,
    VARIABLES_MAX, Variable, VariableName, VariableWish, WantedTariff, ends_when_seen,
};
pub use boots::Arrival;
pub use commands::CommandRequest;
pub use error::CsmsError;
pub use expiry::EXPIRY_ALARM;
pub use link::{Link, Outgoing};
pub use log::recordable as without_secrets;
pub use money::{ComparedCost, Receipt, TariffChange, Total, preview, station_tariff, station_tariff_id};
pub use partners::{PartnerAnswer, PartnerTokens};
pub use recording::{
    Difference, RECORDING_BYTES_MAX, RECORDING_FRAMES_MAX, RECORDING_S_MAX, RECORDINGS_AT_ONCE,
    RECORDINGS_MAX, Recording, RecordingError, Replayed, replay,
};
pub use revocation::{ResponderAnswer, Responders};
pub use rotation::Rotation;
pub use upgrade::{Upgrade, UpgradeRequest};
pub use validation::{FILED_PER_MINUTE, VIOLATION_ALARM, VIOLATION_TOPIC};

/// How the central system treats stations.
#[derive(Debug, Clone)]
pub struct CsmsConfig {
    /// Seconds between heartbeats that a station is told, 1 to 86 400.
    pub heartbeat_s: u32,
    /// Seconds that a station may take to answer a call.
    pub call_timeout_s: u32,
    /// The largest frame in bytes; a larger one closes the connection with 1009.
    pub max_frame_bytes: usize,
    /// The same for messages that may be long: reports, and what carries the meter values of a whole transaction.
    pub max_report_bytes: usize,
    /// How strictly messages are held to their schema where no rule of the tenant says otherwise.
    pub validation: Validation,
    /// Admits registered stations that have no password without any proof. For closed networks only.
    pub allow_unauthenticated: bool,
    /// Who signs certificates for stations; without one their requests are rejected.
    pub signer: Option<voltwin_pki::Signer>,
    /// Who is believed of the vehicle side (ISO 15118); without any, no contract certificate is.
    pub vehicle_authorities: Option<voltwin_pki::VehicleAuthorities>,
    /// Who makes contract certificates for vehicles; without one their requests fail.
    pub contract_service: Option<voltwin_pki::ContractService>,
    /// How much the message log keeps.
    pub message_log: voltwin_messages::Limits,
    /// Within how many seconds after its boot a station whose device model is not known is asked for it, each at a
    /// time of its own; `None` asks nobody.
    pub first_report_s: Option<(u32, u32)>,
    /// Within how many seconds after it has connected a station is asked what may have been lost meanwhile (open
    /// transactions, the local list), each at a time of its own; `None` asks nobody.
    pub return_check_s: Option<(u32, u32)>,
    /// Seconds between two tellings of what a running transaction costs, at least.
    pub cost_every_s: u32,
}

impl Default for CsmsConfig {
    fn default() -> Self {
        Self {
            heartbeat_s: 60,
            call_timeout_s: 30,
            max_frame_bytes: voltwin_ocpp::DEFAULT_MAX_BYTES,
            max_report_bytes: voltwin_ocpp::REPORT_MAX_BYTES,
            validation: Validation::Strict,
            allow_unauthenticated: false,
            signer: None,
            vehicle_authorities: None,
            contract_service: None,
            message_log: voltwin_messages::Limits::default(),
            first_report_s: Some((20, 140)),
            return_check_s: Some((5, 35)),
            cost_every_s: 60,
        }
    }
}

/// The central system of one installation. Cheap to clone.
#[derive(Clone)]
pub struct CentralSystem {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) runtime: Runtime,
    pub(crate) config: CsmsConfig,
    pub(crate) directory: directory::Directory,
    pub(crate) clocks: clock::Clocks,
    pub(crate) running: running::Running,
    pub(crate) messages: MessageLog,
    pub(crate) money: money::Money,
    pub(crate) recordings: recording::Recordings,
    pub(crate) throttle: Mutex<admission::Throttle>,
    pub(crate) verified: Mutex<admission::Verified>,
    pub(crate) boots: boots::Boots,
    pub(crate) transactions: Semaphore,
    pub(crate) generation: AtomicU64,
    /// Stations that will be asked for their first report.
    pub(crate) planned: Mutex<HashSet<(TenantId, TwinId)>>,
    pub(crate) customers: Mutex<blocks::Customers>,
    pub(crate) local_lists: blocks::LocalLists,
    /// Stations that have come back and are looked at soon.
    pub(crate) returning: Mutex<HashSet<(TenantId, TwinId)>>,
    pub(crate) policies: validation::Policies,
    pub(crate) turns: turns::Turns,
    pub(crate) reports: blocks::OpenReports,
    pub(crate) partners: OnceLock<Arc<dyn partners::PartnerTokens>>,
    pub(crate) revocations: revocation::Revocations,
    /// Stations that were asked to renew their certificate, and when.
    pub(crate) renewals: Mutex<HashMap<(TenantId, TwinId), Timestamp>>,
}

impl CentralSystem {
    /// Takes over from an earlier run: stations that were online are not any more, commands without an outcome have
    /// failed, and stations that were registered while nothing ran get their twins.
    ///
    /// # Errors
    /// When the store cannot be read or written, or the message log cannot be opened.
    pub async fn start(runtime: Runtime, config: CsmsConfig) -> Result<Self, CsmsError> {
        let inner = Inner {
            messages: MessageLog::open(runtime.store().dir(), config.message_log).await?,
            recordings: recording::Recordings::default(),
            runtime,
            config,
            directory: directory::Directory::default(),
            clocks: clock::Clocks::default(),
            running: running::Running::default(),
            money: money::Money::default(),
            throttle: Mutex::default(),
            boots: boots::Boots::default(),
            transactions: Semaphore::new(decide::TRANSACTIONS_AT_ONCE),
            verified: Mutex::new(admission::Verified::new(
                voltwin_security::generate_password()?.expose().to_owned(),
            )),
            generation: AtomicU64::new(1),
            planned: Mutex::default(),
            customers: Mutex::default(),
            local_lists: blocks::LocalLists::default(),
            returning: Mutex::default(),
            policies: validation::Policies::default(),
            turns: turns::Turns::default(),
            reports: blocks::OpenReports::default(),
            partners: OnceLock::new(),
            revocations: revocation::Revocations::default(),
            renewals: Mutex::default(),
        };
        let csms = Self { inner: Arc::new(inner) };
        let mut seen = HashMap::new();
        for tenant in csms.inner.runtime.store().tenants().await? {
            if csms.inner.runtime.readable(&tenant.tenant).is_err() {
                continue;
            }
            let newest = csms.inner.runtime.store().tenant(&tenant.tenant).newest_deed().await?;
            seen.insert(tenant.tenant.clone(), newest);
            csms.load_validation(&tenant.tenant).await?;
            csms.load_reports(&tenant.tenant).await?;
            csms.load_customer_information(&tenant.tenant).await?;
            csms.mark_all_offline(&tenant.tenant).await;
            csms.ensure_registered_stations(&tenant.tenant).await?;
            csms.inner.runtime.store().tenant(&tenant.tenant).sweep_files().await?;
            csms.fail_unfinished_commands(&tenant.tenant).await?;
        }
        csms.start_rating();
        csms.follow_registry(seen);
        csms.end_silent_reports().await?;
        csms.watch_reports();
        csms.start_tariffs();
        csms.watch_certificates();
        Ok(csms)
    }

    /// Stations connected now, of all tenants.
    #[must_use]
    pub fn online_count(&self) -> usize {
        self.inner.directory.len()
    }

    /// Whether a station is connected now.
    #[must_use]
    pub fn is_online(&self, tenant: &TenantId, station: &TwinId) -> bool {
        self.inner.directory.get(tenant, station).is_some()
    }

    /// The log of all frames.
    #[must_use]
    pub fn messages(&self) -> &MessageLog {
        &self.inner.messages
    }

    /// Files what the message log still holds in memory; to be called when all connections have ended.
    pub async fn finish(&self) {
        self.inner.messages.close().await;
    }

    /// An event of `twin` that happens now.
    pub(crate) fn event(&self, tenant: &TenantId, twin: &TwinId, body: EventBody) -> Event {
        let now = self.inner.runtime.now();
        Event::new(tenant.clone(), twin.clone(), now, now, body)
    }

    /// A fresh trace for one frame or request.
    pub(crate) fn trace() -> TraceId {
        TraceId(uuid::Uuid::now_v7().as_u128())
    }
}
