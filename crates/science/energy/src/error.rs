use thiserror::Error;
use voltwin_optimise::OptimiseError;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EnergyError {
    /// A field holds what it may not hold.
    #[error("{field}: {value} is not {expected}")]
    Value {
        /// The field, with its index.
        field: String,
        /// What stands there.
        value: String,
        /// What may stand there.
        expected: String,
    },
    /// A series has not one value for each slot.
    #[error("{field} has {found} values, {expected} are needed")]
    Length {
        /// The field.
        field: String,
        /// How many values it has.
        found: usize,
        /// How many it needs.
        expected: usize,
    },
    /// No price is known at all.
    #[error("{field} holds no number, so nothing can be planned by it")]
    NoPrices {
        /// The field.
        field: String,
    },
    /// The program that was made of the input is wrong.
    #[error(transparent)]
    Optimise(#[from] OptimiseError),
}
