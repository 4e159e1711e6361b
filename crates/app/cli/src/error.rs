use std::process::ExitCode;

use thiserror::Error;
use voltwin_store::StoreError;

/// Why a command ended without success.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    /// The user's arguments or files are wrong.
    #[error("{0}")]
    Input(String),
    /// What was compared differs; the outcome is on standard output.
    #[error("{0}")]
    Differences(String),
    /// Something went wrong while doing what was asked.
    #[error("{0}")]
    Failure(#[from] anyhow::Error),
}

impl CliError {
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::Input(message.into())
    }

    pub(crate) fn failure(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failure(anyhow::Error::new(error))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Input(_) | Self::Differences(_) => 2,
            Self::Failure(_) => 1,
        })
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::failure(error)
    }
}

impl From<StoreError> for CliError {
    /// What the user can mend by naming something else is bad input; the rest is a failure.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. }
            | StoreError::NotFound { .. }
            | StoreError::Invalid { .. }
            | StoreError::Folder { .. }
            | StoreError::Locked { .. } => Self::Input(error.to_string()),
            other => Self::failure(other),
        }
    }
}
