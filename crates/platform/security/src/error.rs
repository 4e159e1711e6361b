use thiserror::Error;

/// Why a secret could not be made, read or checked. No variant holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecurityError {
    /// The text is not an API key of ours.
    #[error("the key is not of the form vk_<8 letters or digits>_<43 characters of base64url>")]
    KeyFormat,
    /// The text is not a session token of ours.
    #[error("the session token is not 43 characters of base64url")]
    TokenFormat,
    /// A stored hash is not one this version can check.
    #[error(
        "the stored password hash is neither argon2id in PHC form with at most 1 GiB of memory nor of ours"
    )]
    HashFormat,
    /// A password is empty or too long.
    #[error("the password has {bytes} bytes; it must have 1 to {limit}")]
    PasswordLength {
        /// Its length in bytes.
        bytes: usize,
        /// The most that is accepted.
        limit: usize,
    },
    /// A text is none of the roles.
    #[error("role `{text}` is not one of viewer, operator, admin")]
    Role {
        /// The text, cut to 40 characters.
        text: String,
    },
    /// More callers than the limit wait for a password check.
    #[error("{limit} password checks are waiting already")]
    Busy {
        /// The most that may wait.
        limit: usize,
    },
    /// The operating system gave no randomness.
    #[error("the operating system has no randomness: {reason}")]
    Randomness {
        /// What it said.
        reason: String,
    },
    /// The hash function itself failed, for example for want of memory.
    #[error("hashing the password failed: {reason}")]
    Hashing {
        /// What it said.
        reason: String,
    },
}
