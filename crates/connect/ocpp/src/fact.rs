//! What a station says, freed of the version in which it says it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use voltwin_core::{Decimal, MeterSample, SignedReading, Timestamp, TransactionFact, TransactionPhase};

use crate::{OcppError, version::clip};

/// The most samples that one message may hold.
pub const MAX_SAMPLES: usize = 1_000;
/// The highest EVSE or connector number that is believed.
pub const MAX_CONNECTOR: u32 = 1_000;

/// One thing that a station states.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It has started and says what it is.
    Boot {
        /// The maker, at most 50 characters.
        vendor: String,
        /// The model, at most 50 characters.
        model: String,
        /// The serial number of the station (1.6: of the charge point, else of the charge box).
        serial_number: Option<String>,
        /// The firmware version.
        firmware_version: Option<String>,
        /// Why it started (2.x only), such as `PowerUp`.
        reason: Option<String>,
    },
    /// It is alive.
    Heartbeat,
    /// A connector's status.
    Status {
        /// EVSE number from 1, in 1.6 the connector number; 0 = the whole station.
        evse: u32,
        /// Connector of the EVSE from 1, in 1.6 always 1; 0 = the whole station.
        connector: u32,
        /// The status.
        status: ConnectorStatus,
        /// The error code of 1.6, absent when it is `NoError`.
        error_code: Option<String>,
        /// More from the maker (1.6).
        info: Option<String>,
        /// When, if it says so.
        at: Option<Timestamp>,
    },
    /// It asks whether somebody may charge.
    Authorize {
        /// The token.
        id_token: String,
        /// The kind of token (2.x only), such as `ISO14443`.
        token_type: Option<String>,
        /// What the vehicle shows for its contract (2.x only, ISO 15118).
        contract: Option<Box<ContractProof>>,
    },
    /// A transaction moved on.
    Transaction(Box<TransactionReport>),
    /// Meter values outside a transaction.
    MeterValues {
        /// EVSE number, 0 = the main meter of the station.
        evse: u32,
        /// Connector number; 0 when it does not say (2.x never does).
        connector: u32,
        /// The values, in the order of the message.
        samples: Vec<MeterSample>,
        /// Signed readings that came with them, as sent.
        signed: Vec<SignedReading>,
    },
    /// A message that no variant above stands for, with its payload as it came.
    Other {
        /// The action.
        action: &'static str,
        /// The payload, checked against its type (under lenient validation, an object at least).
        payload: serde_json::Value,
    },
}

/// What a vehicle shows beside the id of its contract.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContractProof {
    /// The chain of the contract's certificate, PEM.
    pub certificate: Option<String>,
    /// The certificates of the chain by their hashes, at most 4 `OCSPRequestDataType`.
    pub hashes: Vec<serde_json::Value>,
}

/// The alphabet of connector status: 1.6 plus `Occupied` of 2.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConnectorStatus {
    /// Free.
    Available,
    /// Plugged in or presented, not charging yet.
    Preparing,
    /// Power flows.
    Charging,
    /// The EVSE withholds power.
    SuspendedEVSE,
    /// The vehicle takes none.
    SuspendedEV,
    /// The transaction ended, the vehicle is still there.
    Finishing,
    /// In use (2.x, which tells no more here).
    Occupied,
    /// Held for somebody.
    Reserved,
    /// Out of service.
    Unavailable,
    /// Broken.
    Faulted,
}

impl ConnectorStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Available,
        Self::Preparing,
        Self::Charging,
        Self::SuspendedEVSE,
        Self::SuspendedEV,
        Self::Finishing,
        Self::Occupied,
        Self::Reserved,
        Self::Unavailable,
        Self::Faulted,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Preparing => "Preparing",
            Self::Charging => "Charging",
            Self::SuspendedEVSE => "SuspendedEVSE",
            Self::SuspendedEV => "SuspendedEV",
            Self::Finishing => "Finishing",
            Self::Occupied => "Occupied",
            Self::Reserved => "Reserved",
            Self::Unavailable => "Unavailable",
            Self::Faulted => "Faulted",
        }
    }
}

impl fmt::Display for ConnectorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConnectorStatus {
    type Err = OcppError;
    fn from_str(text: &str) -> Result<Self, OcppError> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| OcppError::Word { what: "connector status", text: clip(text) })
    }
}

/// What a station says of a transaction; a [`TransactionFact`] except that an OCPP 1.6 start has no
/// transaction id yet.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionReport {
    /// The shared id; `None` in a 1.6 start, whose id the central system gives. A 1.6 stop may carry an id
    /// that we never gave, such as `-1` or `0`: it is passed on as sent.
    pub transaction_id: Option<String>,
    /// Where in its life it stands. 1.6 meter values with a transaction id are `Updated`.
    pub phase: TransactionPhase,
    /// The station's sequence number, or in 1.6 the stand-in described at [`TransactionFact`].
    pub seq_no: u64,
    /// 1.6 start only: `connector|timestamp|meterStart|idTag`, the timestamp in UTC.
    pub start_key: Option<String>,
    /// EVSE number, from 1.
    pub evse: Option<u32>,
    /// Connector of the EVSE, from 1; in 1.6 always 1.
    pub connector: Option<u32>,
    /// Who charges.
    pub id_token: Option<String>,
    /// The kind of token (2.x only).
    pub token_type: Option<String>,
    /// When the station says that it happened.
    pub at: Timestamp,
    /// The energy register at this event, in watt-hours, exact.
    pub meter_wh: Option<Decimal>,
    /// Why this event was sent (2.x).
    pub trigger: Option<String>,
    /// Why the transaction ended.
    pub stopped_reason: Option<String>,
    /// 2.x `chargingState`.
    pub charging_state: Option<String>,
    /// True when the station says that it could not reach us at the time (2.x).
    pub offline: bool,
    /// The remote start that this answers (2.x).
    pub remote_start_id: Option<i64>,
    /// The reservation that it takes up, when said (1.6 start, 2.x).
    pub reservation_id: Option<i64>,
    /// The values that came with it.
    pub samples: Vec<MeterSample>,
    /// Signed readings that came with it, as sent.
    pub signed: Vec<SignedReading>,
    /// What the station works out that it costs, as sent (2.1).
    pub cost_details: Option<serde_json::Value>,
}

impl TransactionReport {
    /// The fact for the journal, once the id is known.
    #[must_use]
    pub fn into_fact(self, transaction_id: String) -> TransactionFact {
        TransactionFact {
            transaction_id,
            phase: self.phase,
            seq_no: self.seq_no,
            start_key: self.start_key,
            evse: self.evse,
            connector: self.connector,
            id_token: self.id_token,
            meter_wh: self.meter_wh,
            trigger: self.trigger,
            stopped_reason: self.stopped_reason,
            charging_state: self.charging_state,
            offline: self.offline,
            clock_ahead_ms: None,
            samples: self.samples,
            signed: self.signed,
            station_cost: None,
            reserved_from: None,
            quarantined: false,
        }
    }
}
