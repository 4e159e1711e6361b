use thiserror::Error;
use voltwin_core::CoreError;
use voltwin_ocpp::CommandError;
use voltwin_runtime::RuntimeError;
use voltwin_store::StoreError;

/// Why the central system could not do what was asked.
#[derive(Debug, Error)]
pub enum CsmsError {
    /// There is no such station for this tenant.
    #[error("there is no station `{0}`")]
    NoStation(String),
    /// The command does not fit the station's version or its schema.
    #[error("{0}")]
    Command(#[from] CommandError),
    /// The request leaves out what is needed, or names what cannot be.
    #[error("`{field}`: {detail}")]
    Missing {
        /// The field of the request.
        field: &'static str,
        /// What is needed.
        detail: String,
    },
    /// What is asked for does not go with what is known.
    #[error("{0}")]
    Conflict(String),
    /// A composite schedule cannot be worked out.
    #[error("{0}")]
    Profile(#[from] voltwin_profiles::ProfileError),
    /// An identifier is not one.
    #[error("{0}")]
    Identifier(#[from] CoreError),
    /// It could not be recorded.
    #[error("{0}")]
    Runtime(#[from] RuntimeError),
    /// The registry could not be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The message log could not be opened or read.
    #[error("{0}")]
    Messages(#[from] voltwin_messages::MessageLogError),
    /// The wire could not be recorded or played.
    #[error("{0}")]
    Recording(#[from] crate::recording::RecordingError),
    /// A secret could not be hashed or drawn.
    #[error("{0}")]
    Security(#[from] voltwin_security::SecurityError),
    /// A session cannot be priced.
    #[error("{0}")]
    Price(voltwin_tariff::TariffError),
}
