use thiserror::Error;

/// What an ageing model cannot be asked.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AgeingError {
    /// Too few samples to span any time.
    #[error("a history needs at least 2 samples, got {count}")]
    TooShort {
        /// Samples given.
        count: usize,
    },
    /// A sample that no battery can have.
    #[error("sample {index}: {field} is {value}, allowed is {low}..={high}")]
    Sample {
        /// Place of the sample in the history, from zero.
        index: usize,
        /// Name of the field.
        field: &'static str,
        /// The value found.
        value: f64,
        /// Lowest value allowed.
        low: f64,
        /// Highest value allowed.
        high: f64,
    },
    /// Time stands still or runs backwards.
    #[error("sample {index}: t_s is {t_s}, which is not after {before_s}")]
    TimeOrder {
        /// Place of the sample in the history, from zero.
        index: usize,
        /// Its time in seconds.
        t_s: f64,
        /// The time before it in seconds.
        before_s: f64,
    },
    /// Conditions that the cell's experiments did not cover.
    #[error("{cell} was measured with {field} within {low}..={high}, asked is {value}")]
    OutsideExperiment {
        /// The cell.
        cell: &'static str,
        /// What is outside.
        field: &'static str,
        /// The value asked for.
        value: f64,
        /// Lowest value measured.
        low: f64,
        /// Highest value measured.
        high: f64,
    },
    /// A parameter without meaning.
    #[error("{field} is {value}, allowed is {low}..={high}")]
    Parameter {
        /// Name of the parameter.
        field: &'static str,
        /// The value found.
        value: f64,
        /// Lowest value allowed.
        low: f64,
        /// Highest value allowed.
        high: f64,
    },
}

/// `value` where it is finite and within the limits.
pub(crate) fn within(field: &'static str, value: f64, low: f64, high: f64) -> Result<f64, AgeingError> {
    if value.is_finite() && (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(AgeingError::Parameter { field, value, low, high })
    }
}
