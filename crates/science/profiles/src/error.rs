use thiserror::Error;

/// Why no composite schedule can be worked out.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ProfileError {
    /// A value is not in its range.
    #[error("{field} is {value}; it must be {rule}")]
    Value {
        /// The field at fault.
        field: &'static str,
        /// What it is.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// There is more of something than is worked with.
    #[error("{count} {what}; at most {limit} are worked with")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The bound.
        limit: usize,
    },
}
