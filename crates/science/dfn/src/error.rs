use thiserror::Error;

/// Why a cell cannot be made or taken further.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DfnError {
    /// The parameter set says no.
    #[error(transparent)]
    Cell(#[from] voltwin_cell::CellError),
    /// An option, a demand or a state outside its limits.
    #[error("{field} is {value}, and must be {rule}")]
    Value {
        /// What it is, with its unit.
        field: &'static str,
        /// What it was.
        value: f64,
        /// The limits.
        rule: &'static str,
    },
    /// The equations have no solution that a step of any length reaches: the cell cannot do what is asked of it.
    #[error("at {time_s:.3} s the cell cannot give what is asked of it: {state}")]
    Infeasible {
        /// Seconds since the start.
        time_s: f64,
        /// Which limit of the cell is near.
        state: &'static str,
    },
}

impl DfnError {
    pub(crate) fn check(
        field: &'static str,
        value: f64,
        holds: bool,
        rule: &'static str,
    ) -> Result<(), Self> {
        if value.is_finite() && holds { Ok(()) } else { Err(Self::Value { field, value, rule }) }
    }
}
