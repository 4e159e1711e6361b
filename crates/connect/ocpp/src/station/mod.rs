//! The other end of the wire: what a virtual charging station says and understands.

mod read;
mod write;

pub use read::{read_answer, read_call};
pub use write::write_reply;

use serde_json::Value;
use voltwin_core::{Decimal, MeterSample, Timestamp, TransactionPhase};

use crate::{BootStatus, ConnectorStatus, ErrorCode, ResetKind, TokenStatus};

/// What a station says; `to_call` puts it into a version.
#[derive(Debug, Clone, PartialEq)]
pub enum StationMessage {
    /// It has started.
    Boot {
        /// The maker; at most 20 characters in 1.6, 50 in 2.x.
        vendor: String,
        /// The model; at most 20 characters.
        model: String,
        /// The serial number; at most 25 characters.
        serial_number: Option<String>,
        /// The firmware; at most 50 characters.
        firmware_version: Option<String>,
        /// 2.x `BootReasonEnumType`; absent = `PowerUp`.
        reason: Option<String>,
    },
    /// It is alive.
    Heartbeat,
    /// A connector's status; what 2.x has no word for becomes `Occupied`, and `Occupied` is 1.6 `Preparing`.
    Status {
        /// EVSE from 1 (1.6: connector), 0 = the whole station (1.6 only).
        evse: u32,
        /// Connector from 1; ignored in 1.6.
        connector: u32,
        /// The status.
        status: ConnectorStatus,
        /// 1.6 error code; absent = `NoError`.
        error_code: Option<String>,
        /// 1.6 free text, at most 50 characters.
        info: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// May they charge?
    Authorize {
        /// The token; at most 20 characters in 1.6, 36 in 2.0.1.
        id_token: String,
        /// 2.x kind; absent = `ISO14443`.
        token_type: Option<String>,
    },
    /// A transaction moved on.
    Transaction(StationTransaction),
    /// Meter values outside a transaction.
    MeterValues {
        /// EVSE from 1 (1.6: connector), 0 = the main meter.
        evse: u32,
        /// The values; at least one.
        samples: Vec<MeterSample>,
    },
}

/// One event of a transaction as its station tells it. In 1.6 it becomes `StartTransaction`, `MeterValues`
/// or `StopTransaction`, in 2.x `TransactionEvent`.
#[derive(Debug, Clone, PartialEq)]
pub struct StationTransaction {
    /// Where in its life it stands.
    pub phase: TransactionPhase,
    /// The shared id: in 2.x the station's own (at most 36 characters); in 1.6 the number that the answer to
    /// the start gave, ignored in the start itself.
    pub transaction_id: String,
    /// Counts from 0 (2.x).
    pub seq_no: u64,
    /// EVSE from 1 (1.6: connector).
    pub evse: u32,
    /// Connector from 1 (2.x).
    pub connector: u32,
    /// Who charges.
    pub id_token: Option<String>,
    /// 2.x kind; absent = `ISO14443`.
    pub token_type: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// The energy register in watt-hours. 1.6 sends it rounded to whole watt-hours, and a stop adds the
    /// exact reading as a sample.
    pub meter_wh: Decimal,
    /// 2.x `triggerReason`; absent = one that fits the phase.
    pub trigger: Option<String>,
    /// Why it ended: 1.6 `reason`, 2.x `stoppedReason`.
    pub stopped_reason: Option<String>,
    /// 2.x `chargingState`.
    pub charging_state: Option<String>,
    /// True for an event that is told late.
    pub offline: bool,
    /// The remote start that it answers (2.x).
    pub remote_start_id: Option<i64>,
    /// Values to send along; the register need not be among them.
    pub samples: Vec<MeterSample>,
}

/// What the central system answered to a [`StationMessage`].
#[derive(Debug, Clone, PartialEq)]
pub enum StationAnswer {
    /// To a boot.
    Boot(BootResult),
    /// To a heartbeat.
    Heartbeat {
        /// The central system's clock.
        now: Timestamp,
    },
    /// To an authorize.
    Authorize {
        /// Whether they may charge.
        status: TokenStatus,
    },
    /// To a transaction event.
    Transaction {
        /// The id that a 1.6 start was given, as a decimal number.
        transaction_id: Option<String>,
        /// What it thinks of the token, when it says so.
        token: Option<TokenStatus>,
    },
    /// To anything else.
    Empty,
}

/// The answer to a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootResult {
    /// Whether the station may go on.
    pub status: BootStatus,
    /// The heartbeat interval, or the wait before the next boot, in seconds; 0 = the station chooses.
    pub interval_s: u32,
    /// The central system's clock.
    pub now: Timestamp,
}

/// What the central system asks of a station.
#[derive(Debug, Clone, PartialEq)]
pub enum StationCall {
    /// Start a transaction.
    RemoteStart {
        /// EVSE (1.6: connector), when it says.
        evse: Option<u32>,
        /// Who charges.
        id_token: String,
        /// 2.x kind of token.
        token_type: Option<String>,
        /// To be repeated in the first event (2.x).
        remote_start_id: Option<i64>,
    },
    /// Stop a transaction.
    RemoteStop {
        /// The shared id.
        transaction_id: String,
    },
    /// Restart.
    Reset {
        /// How.
        kind: ResetKind,
        /// One EVSE only (2.x).
        evse: Option<u32>,
    },
    /// Say something again.
    Trigger {
        /// The message.
        message: String,
        /// Of which EVSE (1.6: connector).
        evse: Option<u32>,
    },
    /// Follow a charging profile.
    SetChargingProfile {
        /// EVSE (1.6: connector), 0 = the whole station.
        evse: u32,
        /// The profile as sent (`csChargingProfiles`, 2.x `chargingProfile`).
        profile: Value,
    },
    /// Any other valid call.
    Other {
        /// The action.
        action: String,
        /// Its payload.
        payload: Value,
    },
}

/// What a station answers to a [`StationCall`].
#[derive(Debug, Clone, PartialEq)]
pub enum StationReply {
    /// `{"status": …}` with a word of the action, such as `Accepted` or `Rejected`.
    Status(String),
    /// Any payload.
    Payload(Value),
    /// An error frame.
    Error {
        /// The code.
        code: ErrorCode,
        /// Why.
        detail: String,
    },
}
