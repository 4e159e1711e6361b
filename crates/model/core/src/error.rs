use thiserror::Error;

/// Why a value from outside is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CoreError {
    /// A text is not a valid identifier of its kind.
    #[error("{what} `{text}` is not valid: {rule}")]
    Identifier {
        /// The kind of identifier, as a user would name it.
        what: &'static str,
        /// The offending text, cut to 80 characters.
        text: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A text is not an RFC 3339 instant within the years 1970 to 9999.
    #[error("`{text}` is not an RFC 3339 date and time: {reason}")]
    Timestamp {
        /// The offending text, cut to 80 characters.
        text: String,
        /// What the parser objected to.
        reason: String,
    },
    /// A part of a record or note is too long.
    #[error("{part}: {bytes} bytes are more than {limit}")]
    Record {
        /// The part.
        part: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

pub(crate) fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
