use thiserror::Error;

/// What is wrong with something that a partner sent, or with something that we wanted to send.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OcpiError {
    /// A field breaks a rule.
    #[error("`{field}`: {reason}")]
    Field {
        /// The path of the field, such as `roles[0].party_id`.
        field: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// The body is no JSON of the expected kind.
    #[error("the body cannot be read: {0}")]
    Body(String),
    /// The `Authorization` header is not `Token …`.
    #[error("the Authorization header must be `Token` and the base64 of the token")]
    Authorization,
    /// A text breaks the rule of its type.
    #[error("{what} must be {rule}, not {text:?}")]
    Text {
        /// Which type.
        what: &'static str,
        /// The rule.
        rule: String,
        /// The text, cut to 80 characters.
        text: String,
    },
}

impl OcpiError {
    /// A rule of one field is broken.
    #[must_use]
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field { field: field.into(), reason: reason.into() }
    }

    pub(crate) fn text(what: &'static str, rule: impl Into<String>, text: &str) -> Self {
        Self::Text { what, rule: rule.into(), text: clip(text) }
    }
}

pub(crate) fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
