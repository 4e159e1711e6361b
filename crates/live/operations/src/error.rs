use thiserror::Error;
use voltwin_csms::CsmsError;
use voltwin_store::StoreError;

/// Why a job over many stations could not be started or changed.
#[derive(Debug, Error)]
pub enum OperationError {
    /// There is no such job for this tenant.
    #[error("there is no {kind} `{id}`")]
    NoJob {
        /// What kind of job.
        kind: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// It cannot do that in the state that it is in.
    #[error("{what} is {state}")]
    State {
        /// Which job.
        what: String,
        /// Where it stands.
        state: String,
    },
    /// A value is out of its range.
    #[error("`{field}` is {value}; it must be {rule}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        rule: String,
    },
    /// A station is in another job that does not suffer a second one.
    #[error("station `{station}` is in the firmware campaign {job}, which has not ended")]
    Taken {
        /// The station.
        station: String,
        /// The other job.
        job: String,
    },
    /// Too many jobs run already.
    #[error("{limit} jobs of this kind are running already")]
    Busy {
        /// How many may.
        limit: usize,
    },
    /// It could not be recorded.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The central system could not be asked.
    #[error("{0}")]
    Csms(#[from] CsmsError),
}

impl OperationError {
    pub(crate) fn invalid(field: &'static str, value: &dyn ToString, rule: impl Into<String>) -> Self {
        Self::Invalid { field, value: value.to_string(), rule: rule.into() }
    }
}
