use thiserror::Error;

/// Why a token is not believed. No variant holds the token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The settings name no usable issuer.
    #[error("{reason}")]
    Setting {
        /// What is wrong.
        reason: String,
    },
    /// The token is too long.
    #[error("the token has {bytes} bytes, more than {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The most that is read.
        limit: usize,
    },
    /// It is no JSON Web Token.
    #[error("the token is no signed JSON Web Token by RS256 or ES256")]
    Form,
    /// The algorithm is not that of the key.
    #[error("the token is signed by {found}, and the key is for {wanted}")]
    Algorithm {
        /// What the token says.
        found: String,
        /// What the key is for.
        wanted: &'static str,
    },
    /// The issuer has no such key.
    #[error("the issuer has no key `{kid}`")]
    UnknownKey {
        /// The id of the key.
        kid: String,
    },
    /// The signature does not fit.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It is over.
    #[error("the token has expired")]
    Expired,
    /// It does not hold yet.
    #[error("the token does not hold yet")]
    NotYet,
    /// It is for somebody else.
    #[error("the token is not for this server, but for `{found}`")]
    Audience {
        /// For whom.
        found: String,
    },
    /// Nobody whom we believe issued it.
    #[error("the issuer `{found}` is not believed here")]
    Issuer {
        /// Who issued it.
        found: String,
    },
    /// The issuer cannot be asked for its keys.
    #[error("the issuer cannot be asked for its keys: {reason}")]
    Unreachable {
        /// What happened.
        reason: String,
    },
}
