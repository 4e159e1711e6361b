//! What the central system asks of a station, freed of the version in which it is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing asked of a station.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start a transaction.
    RemoteStart {
        /// EVSE number from 1 (1.6: connector number); absent = the station chooses.
        evse: Option<u32>,
        /// Connector of the EVSE; no version carries it, so it serves the caller's records only.
        connector: Option<u32>,
        /// Who charges; at most 20 characters in 1.6.
        id_token: String,
        /// Ties the station's report to this command (2.x).
        remote_start_id: i64,
    },
    /// Stop a transaction.
    RemoteStop {
        /// The shared id; a whole number in 1.6.
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
        /// The message, such as `StatusNotification`.
        message: String,
        /// Of which EVSE (1.6: connector).
        evse: Option<u32>,
    },
    /// Any action that a central system may send in the station's version.
    Raw {
        /// The action.
        action: String,
        /// Its payload.
        payload: Value,
    },
}

/// How to restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResetKind {
    /// Stop transactions in good order first (1.6 `Soft`; 2.x `OnIdle`: when no transaction is left).
    Soft,
    /// At once (1.6 `Hard`; 2.x `Immediate`).
    Hard,
}
