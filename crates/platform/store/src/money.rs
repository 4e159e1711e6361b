//! What the registry holds of tariffs, who gets which, and what transactions cost. Tariffs and receipts are JSON here:
//! their forms are those of the crates that price.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use voltwin_core::{Decimal, SignedReading, Timestamp, TransactionPhase};

use crate::Transaction;

/// One version of a tariff. It never changes; a change is a new version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TariffRecord {
    /// Its id within the tenant.
    pub id: String,
    /// Its version, from 1.
    pub version: i64,
    /// What people call it.
    pub name: String,
    /// The tariff.
    pub tariff: Json,
    /// Since when there is this version; transactions that start from then on are priced by it.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Whether it is not to be assigned any more.
    pub retired: bool,
}

/// What a tariff is assigned to; the narrower wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TariffScope {
    /// One transaction.
    Transaction,
    /// One EVSE, by its twin.
    Evse,
    /// One station.
    Station,
    /// All stations of a site, by its twin.
    Site,
    /// All that nothing narrower is said of.
    Default,
}

/// From a time on, a scope is priced by a tariff. It never changes; a later one takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TariffAssignment {
    /// Its number within the tenant, from 1.
    pub number: i64,
    /// What kind of thing it is of.
    pub scope: TariffScope,
    /// Which: a twin's id, empty for the default.
    pub target: String,
    /// For tokens of this group only.
    pub token_group: Option<String>,
    /// From when on.
    pub from: Timestamp,
    /// The tariff; `None` ends an earlier assignment.
    pub tariff: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
}

/// A new assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTariffAssignment {
    /// What kind of thing it is of.
    pub scope: TariffScope,
    /// Which: a twin's id, empty for the default.
    pub target: String,
    /// For tokens of this group only.
    pub token_group: Option<String>,
    /// From when on.
    pub from: Timestamp,
    /// The tariff; `None` ends an earlier assignment.
    pub tariff: Option<String>,
}

/// A token and its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenGroup {
    /// The token.
    pub token: String,
    /// Its group.
    pub group: String,
}

/// One revision of what an ended transaction costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReceiptRecord {
    /// The transaction, by our number.
    pub number: i64,
    /// From 1; the greatest holds.
    pub revision: i64,
    /// Why there is this revision: `ended`, `events`, `tariff`.
    pub reason: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The receipt.
    pub receipt: Json,
}

/// What a transaction was rated to.
#[derive(Debug, Clone, PartialEq)]
pub struct Rated {
    /// The transaction, by our number.
    pub number: i64,
    /// How many events it had when it was rated; it stays due when it has others by now.
    pub events: u64,
    /// The receipt; `None` where no tariff applies.
    pub receipt: Option<Json>,
    /// Whether the station works out another cost.
    pub cost_differs: bool,
}

/// An ended transaction and its newest receipt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cdr {
    /// The transaction.
    pub transaction: Transaction,
    /// The receipt, where one was made.
    pub receipt: Option<ReceiptRecord>,
}

/// A signed reading and the event that brought it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedRecord {
    /// Where in its life the transaction stood.
    pub phase: TransactionPhase,
    /// The sequence number of the event.
    pub seq_no: u64,
    /// The reading, byte for byte.
    #[serde(flatten)]
    pub reading: SignedReading,
}

/// How a transaction drew its energy: steps from event to event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Usage {
    /// The transaction.
    pub transaction: Transaction,
    /// Its steps in order; their energies add up to that of the transaction.
    pub steps: Vec<UsageStep>,
}

/// What happened between two events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsageStep {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Energy that the ledger bills for it, in Wh.
    pub energy_wh: Decimal,
    /// Whether the register was read at its end.
    pub metered: bool,
    /// OCPP 2.x `chargingState` during it, when told.
    pub charging_state: Option<String>,
}
