use thiserror::Error;

/// What is wrong with a message, an event or a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IotHubError {
    /// A property breaks a rule.
    #[error("`{field}` {reason}")]
    Field {
        /// Which one, as the hub names it.
        field: String,
        /// The rule, and what there was instead.
        reason: String,
    },
    /// The whole is no JSON of the expected form.
    #[error("the body cannot be read: {0}")]
    Body(String),
    /// The body is none of telemetry.
    #[error("the message of `{device}` is no telemetry: its body {reason}")]
    NoTelemetry {
        /// Who sent it.
        device: String,
        /// What it is instead.
        reason: &'static str,
    },
}

impl IotHubError {
    pub(crate) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field { field: field.into(), reason: reason.into() }
    }
}

pub(crate) fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
