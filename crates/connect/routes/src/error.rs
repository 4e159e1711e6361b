use thiserror::Error;

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the filter is not valid at column {column}: {reason}")]
pub struct FilterError {
    /// The character at fault, from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
}
