use thiserror::Error;

/// Why a pack cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BatteryError {
    /// A parameter is outside of what makes sense.
    #[error("{field} is {value}, and must be {rule}")]
    Parameter {
        /// The parameter's name.
        field: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed.
        rule: &'static str,
    },
    /// An open-circuit voltage curve is not a rising curve over `0..=1`.
    #[error("open-circuit voltage point {index} is ({soc}, {voltage_v} V): {rule}")]
    Curve {
        /// Which point, from 0.
        index: usize,
        /// Its state of charge.
        soc: f64,
        /// Its voltage.
        voltage_v: f64,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A table does not have the form that it must have.
    #[error("{field} must be {rule}")]
    Shape {
        /// The table's name.
        field: &'static str,
        /// What its form must be.
        rule: &'static str,
    },
    /// A step leaves what the model describes; the state is as before.
    #[error("{field} is {value}, outside of {low} to {high} where the model holds")]
    Outside {
        /// The quantity.
        field: &'static str,
        /// What it is or would be.
        value: f64,
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}
