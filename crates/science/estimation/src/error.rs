use thiserror::Error;
use voltwin_battery::BatteryError;

/// Why nothing was estimated.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EstimationError {
    /// A series cannot be used.
    #[error("record {record}: {field} at sample {index} is {value}, and must be {rule}")]
    Sample {
        /// Which record.
        record: String,
        /// Which column.
        field: &'static str,
        /// Which sample, from 0.
        index: usize,
        /// What it is.
        value: f64,
        /// What is allowed.
        rule: &'static str,
    },
    /// A record or a set of them lacks something.
    #[error("record {record} must {rule}")]
    Record {
        /// Which record.
        record: String,
        /// What it must do.
        rule: &'static str,
    },
    /// A setting is outside of its range.
    #[error("{field} is {value}, and must be {rule}")]
    Setting {
        /// Which setting.
        field: &'static str,
        /// What it is.
        value: f64,
        /// What is allowed.
        rule: &'static str,
    },
    /// The data do not determine the parameters.
    #[error("the fit failed: {0}")]
    Fit(&'static str),
    /// The model refuses what was found or given.
    #[error(transparent)]
    Model(#[from] BatteryError),
    /// The cell that the circuit should stand for cannot be simulated.
    #[error(transparent)]
    Cell(#[from] voltwin_cell::CellError),
}
