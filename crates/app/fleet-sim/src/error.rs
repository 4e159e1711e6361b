use thiserror::Error;

/// Why a virtual fleet cannot do what it was asked.
#[derive(Debug, Error)]
pub enum FleetError {
    /// An address is not one that we can connect to.
    #[error("address `{text}` is refused: {reason}")]
    Address {
        /// What was given.
        text: String,
        /// What is allowed.
        reason: &'static str,
    },
    /// A setting is out of range.
    #[error("{field} is {value}, and must be {rule}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// The station has no such EVSE.
    #[error("station {station} has no EVSE {evse}; it has 1 to {evses}")]
    NoEvse {
        /// The station.
        station: String,
        /// What was asked for.
        evse: u32,
        /// How many there are.
        evses: usize,
    },
    /// The EVSE is not in the state that the request needs.
    #[error("EVSE {station}:{evse} is {status}: {reason}")]
    Busy {
        /// The station.
        station: String,
        /// The EVSE.
        evse: u32,
        /// Its status.
        status: String,
        /// What it would have to be.
        reason: &'static str,
    },
    /// The queue of messages that wait for an answer is full.
    #[error("station {station} has {limit} messages waiting already")]
    QueueFull {
        /// The station.
        station: String,
        /// How many may wait.
        limit: usize,
    },
    /// The station has ended.
    #[error("station {station} has ended")]
    Ended {
        /// The station.
        station: String,
    },
    /// The recorded sessions cannot be replayed.
    #[error(transparent)]
    Replay(#[from] crate::replay::ReplayError),
}
