use thiserror::Error;

/// What is wrong with one field of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field, as `stations[2].bays`.
    pub field: String,
    /// What it is and what it must be.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.field, self.what)
    }
}

/// Why something could not be simulated or decided.
#[derive(Debug, Error)]
pub enum SwapError {
    /// The text is no scenario: broken JSON, a field that is missing, unknown or of another type.
    #[error("{field}: {what}")]
    Form {
        /// Path of the field; `.` for the whole.
        field: String,
        /// What was found and expected.
        what: String,
    },
    /// Fields out of range or in contradiction, all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fields(Vec<Problem>),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Arguments of a decision out of their limits.
    #[error("{what}")]
    Question {
        /// What is wrong, and its limit.
        what: String,
    },
}
