use thiserror::Error;
use voltwin_ageing::AgeingError;

/// What cannot be forecast.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PrognosisError {
    /// A value outside its range.
    #[error("{field} is {value}, allowed is {low}..={high}")]
    Value {
        /// Name of the value.
        field: &'static str,
        /// The value found.
        value: f64,
        /// Lowest value allowed.
        low: f64,
        /// Highest value allowed.
        high: f64,
    },
    /// Too little to learn from.
    #[error("{what} needs at least {least}, got {got}")]
    TooFew {
        /// What is missing.
        what: &'static str,
        /// How many are needed.
        least: usize,
        /// How many there are.
        got: usize,
    },
    /// Rows of different width.
    #[error("{what} has {got} values, expected are {expected}")]
    Shape {
        /// Which row.
        what: &'static str,
        /// Its width.
        got: usize,
        /// The width of the others.
        expected: usize,
    },
    /// The ageing model refused.
    #[error(transparent)]
    Ageing(#[from] AgeingError),
}

/// `value` where it is finite and within the limits.
pub(crate) fn within(field: &'static str, value: f64, low: f64, high: f64) -> Result<f64, PrognosisError> {
    if value.is_finite() && (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(PrognosisError::Value { field, value, low, high })
    }
}
