use thiserror::Error;

/// Why a program cannot be solved as it stands.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum OptimiseError {
    /// A number is not one, or lies outside what the field allows.
    #[error("{place}: {value} is not {expected}")]
    Number {
        /// Which field, with the index of its storage or meter.
        place: String,
        /// What stands there.
        value: f64,
        /// What may stand there.
        expected: &'static str,
    },
    /// A series has not one value for each slot.
    #[error("{place} has {found} values, {expected} are needed")]
    Length {
        /// Which field, with the index of its storage or meter.
        place: String,
        /// How many values it has.
        found: usize,
        /// How many it needs.
        expected: usize,
    },
    /// A storage or meter refers to something that is not there, or stands in the wrong order.
    #[error("{place}: {why}")]
    Structure {
        /// Which field, with the index of its storage or meter.
        place: String,
        /// What is wrong with it.
        why: &'static str,
    },
}
