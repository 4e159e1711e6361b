use thiserror::Error;

/// Why a cell cannot be made or simulated.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CellError {
    /// A number is outside of what makes sense.
    #[error("{field} is {value}, and must be {rule}")]
    Parameter {
        /// Its name, as a user writes it.
        field: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed.
        rule: &'static str,
    },
    /// A parameter set is not in the form that is read.
    #[error("parameter set: {0}")]
    Form(String),
    /// No parameter set has this name.
    #[error("no parameter set is named {name:?}; there are {known}")]
    UnknownSet {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// A protocol's name or table is not understood.
    #[error("protocol: {0}")]
    Protocol(String),
    /// The set does not say what the model needs.
    #[error("parameter set {set} lacks {missing}")]
    Lacks {
        /// The set's name.
        set: String,
        /// What is absent.
        missing: &'static str,
    },
    /// The state left the range in which the model says anything.
    #[error("at {time_s:.3} s {field} is {value:.6}: {rule}")]
    OutOfRange {
        /// Since the start of the protocol.
        time_s: f64,
        /// What left its range.
        field: &'static str,
        /// Its value there.
        value: f64,
        /// Its limits.
        rule: &'static str,
    },
    /// A nonlinear system was not solved.
    #[error("at {time_s:.3} s {solver} did not converge after {iterations} iterations")]
    NoConvergence {
        /// Since the start of the protocol.
        time_s: f64,
        /// Which solver.
        solver: &'static str,
        /// How often it tried.
        iterations: usize,
    },
}

impl CellError {
    /// Checks a number of a user: finite, and what `holds` says.
    pub(crate) fn check(
        field: &'static str,
        value: f64,
        holds: bool,
        rule: &'static str,
    ) -> Result<(), Self> {
        if value.is_finite() && holds { Ok(()) } else { Err(Self::Parameter { field, value, rule }) }
    }
}
