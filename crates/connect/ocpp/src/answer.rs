//! What the central system answers, freed of the version in which it is said.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use voltwin_core::{Decimal, Timestamp};

use crate::{ErrorCode, OcppError, version::clip};

/// What the central system decided on one [`crate::Fact`]. An answer that does not fit the fact it answers
/// is sent as `InternalError`, so that a station is never left waiting.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`crate::Fact::Boot`].
    Boot {
        /// Whether the station may go on.
        status: BootStatus,
        /// The heartbeat interval when accepted, else how long to wait before the next boot, in seconds.
        interval_s: u32,
        /// Our clock.
        now: Timestamp,
    },
    /// To [`crate::Fact::Heartbeat`].
    Heartbeat {
        /// Our clock.
        now: Timestamp,
    },
    /// To [`crate::Fact::Status`].
    Status,
    /// To [`crate::Fact::Authorize`].
    Authorize {
        /// What we think of the token.
        token: TokenInfo,
        /// What we think of the contract's certificate, where one was shown (2.x).
        certificate: Option<ContractStatus>,
        /// The tariff of whoever shows it, as `TariffType` of 2.1, which alone can say it: its type is not checked here.
        tariff: Option<Box<serde_json::Value>>,
    },
    /// To [`crate::Fact::Transaction`].
    Transaction {
        /// The id given to a 1.6 start, above 0; ignored otherwise.
        transaction_id: Option<i64>,
        /// What we think of the token; required by a 1.6 start (absent = `Accepted`).
        token: Option<TokenInfo>,
        /// What it costs with tax in the currency of the station: in the end, or so far (2.1); only 2.x can say it.
        total_cost: Option<Decimal>,
    },
    /// To [`crate::Fact::MeterValues`].
    MeterValues,
    /// To [`crate::Fact::Other`]: the smallest valid answer, or `NotSupported` where there is none.
    Other,
    /// This payload, which is checked against the type of the answer before it is sent; one that does not fit
    /// becomes `InternalError`.
    Payload(serde_json::Value),
    /// An error frame instead of an answer.
    Refused {
        /// The code.
        code: ErrorCode,
        /// What went wrong, without secrets; at most 255 characters are sent.
        detail: String,
    },
}

/// Whether a station may take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BootStatus {
    /// It may.
    Accepted,
    /// Not yet: it waits for a person or for configuration.
    Pending,
    /// It may not.
    Rejected,
}

impl BootStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Pending => "Pending",
            Self::Rejected => "Rejected",
        }
    }
}

impl fmt::Display for BootStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BootStatus {
    type Err = OcppError;
    fn from_str(text: &str) -> Result<Self, OcppError> {
        [Self::Accepted, Self::Pending, Self::Rejected]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| OcppError::Word { what: "boot status", text: clip(text) })
    }
}

/// What we tell a station of a token; what a version cannot say is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Whether it may charge.
    pub status: TokenStatus,
    /// Until when a station may believe this (1.6 `expiryDate`, 2.x `cacheExpiryDateTime`).
    pub expires_at: Option<Timestamp>,
    /// Who belongs together (1.6 `parentIdTag`, 2.x `groupIdToken`): what one of them began, another may end.
    pub parent: Option<String>,
    /// The language to speak to the driver in (2.x `language1`), as BCP 47 writes it, at most 8 characters.
    pub language: Option<String>,
    /// The only EVSEs of this station where it is good; empty = all (2.x `evseId`).
    pub evses: Vec<u32>,
}

impl From<TokenStatus> for TokenInfo {
    fn from(status: TokenStatus) -> Self {
        Self { status, expires_at: None, parent: None, language: None, evses: Vec::new() }
    }
}

/// What we think of the certificate of a contract (2.x `AuthorizeCertificateStatusEnumType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContractStatus {
    /// It counts.
    Accepted,
    /// A signature in its chain is wrong.
    SignatureError,
    /// Its time is over.
    CertificateExpired,
    /// It was taken back.
    CertificateRevoked,
    /// There is nothing to judge it by.
    NoCertificateAvailable,
    /// Its chain ends nowhere that is known, or is not this contract's.
    CertChainError,
    /// Its contract has ended.
    ContractCancelled,
}

impl ContractStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::SignatureError,
        Self::CertificateExpired,
        Self::CertificateRevoked,
        Self::NoCertificateAvailable,
        Self::CertChainError,
        Self::ContractCancelled,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::SignatureError => "SignatureError",
            Self::CertificateExpired => "CertificateExpired",
            Self::CertificateRevoked => "CertificateRevoked",
            Self::NoCertificateAvailable => "NoCertificateAvailable",
            Self::CertChainError => "CertChainError",
            Self::ContractCancelled => "ContractCancelled",
        }
    }
}

/// What we think of a token (2.x `AuthorizationStatusEnumType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TokenStatus {
    /// May charge.
    Accepted,
    /// Blocked.
    Blocked,
    /// Charging elsewhere already.
    ConcurrentTx,
    /// Expired.
    Expired,
    /// Not known, or not valid.
    Invalid,
    /// No credit left.
    NoCredit,
    /// Not at this kind of EVSE.
    NotAllowedTypeEVSE,
    /// Not here.
    NotAtThisLocation,
    /// Not now.
    NotAtThisTime,
    /// Not known.
    Unknown,
}

impl TokenStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Blocked,
        Self::ConcurrentTx,
        Self::Expired,
        Self::Invalid,
        Self::NoCredit,
        Self::NotAllowedTypeEVSE,
        Self::NotAtThisLocation,
        Self::NotAtThisTime,
        Self::Unknown,
    ];

    /// The word of 2.x.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Blocked => "Blocked",
            Self::ConcurrentTx => "ConcurrentTx",
            Self::Expired => "Expired",
            Self::Invalid => "Invalid",
            Self::NoCredit => "NoCredit",
            Self::NotAllowedTypeEVSE => "NotAllowedTypeEVSE",
            Self::NotAtThisLocation => "NotAtThisLocation",
            Self::NotAtThisTime => "NotAtThisTime",
            Self::Unknown => "Unknown",
        }
    }

    /// The nearest word of 1.6, which knows five of them.
    #[must_use]
    pub fn as_v16(self) -> &'static str {
        match self {
            Self::Accepted | Self::Blocked | Self::ConcurrentTx | Self::Expired | Self::Invalid => {
                self.as_str()
            }
            Self::NoCredit => "Blocked",
            Self::NotAllowedTypeEVSE | Self::NotAtThisLocation | Self::NotAtThisTime | Self::Unknown => {
                "Invalid"
            }
        }
    }
}

impl FromStr for TokenStatus {
    type Err = OcppError;
    fn from_str(text: &str) -> Result<Self, OcppError> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| OcppError::Word { what: "token status", text: clip(text) })
    }
}
