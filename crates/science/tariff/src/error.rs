use thiserror::Error;

/// Why a tariff is none, or a session cannot be priced.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TariffError {
    /// A field of the tariff is outside of what makes sense.
    #[error("`{field}` is `{value}`, and must be {rule}")]
    Field {
        /// Where, such as `elements[0].components[1].price`.
        field: String,
        /// What was given.
        value: String,
        /// What is allowed.
        rule: String,
    },
    /// A currency code is none of ISO 4217.
    #[error("`{0}` is no currency of ISO 4217, such as EUR")]
    Currency(String),
    /// A time of day is not `HH:MM`.
    #[error("`{0}` is no time of day from 00:00 to 23:59")]
    LocalTime(String),
    /// The session cannot be priced.
    #[error("span {index} of the session: {rule}")]
    Span {
        /// Which span, from 0.
        index: usize,
        /// What is wrong with it.
        rule: String,
    },
    /// The tariff of the session cannot have changed so.
    #[error("change {index} of the session's tariff: {rule}")]
    Changes {
        /// Which change, from 0.
        index: usize,
        /// What is wrong with it.
        rule: String,
    },
    /// A sum is beyond what decimals of 28 digits hold.
    #[error("the cost is beyond what 28 digits hold")]
    Overflow,
}
