//! Bearer tokens of outside issuers (OpenID Connect).
//!
//! An [`Issuers`] believes the issuers that the operator names. It asks each for its discovery document and its keys,
//! keeps them for a while, and says of a token who holds it ([`Holder`]) or why it is not believed
//! ([`IdentityError`]). Which tenant and role that means is decided by whoever asks.
//!
//! # Invariants
//! - A token is believed only when its signature is one of its own issuer's keys, by the algorithm of that key: RS256
//!   or ES256. The token never chooses between an asymmetric key and a shared secret, and `none` is no algorithm.
//! - Issuer, audience and times are checked on every token; a token without `exp` is refused.
//! - Documents, keys and tokens are bounded in size and number. An unknown key id asks the issuer again at most once in
//!   [`RETRY_MIN`], longer after each failure; known keys go on being used while the issuer cannot be reached.
//!
//! # Example
//! ```
//! use voltwin_identity::{Issuers, Settings};
//!
//! let issuers = Issuers::new(Settings {
//!     issuers: vec!["https://login.example/tenant/v2.0".to_owned()],
//!     audiences: vec!["https://digitaltwins.azure.net".to_owned()],
//! })?;
//! assert!(issuers.is_token("eyJhbGciOiJSUzI1NiJ9.e30.c2ln"));
//! assert!(!issuers.is_token("vk_12345678_secret"));
//! assert!(Issuers::new(Settings { issuers: vec!["ftp://x".to_owned()], audiences: Vec::new() }).is_err());
//! # Ok::<(), voltwin_identity::IdentityError>(())
//! ```

mod claims;
mod error;
mod issuer;
mod keys;

use voltwin_core::Timestamp;

pub use claims::Holder;
pub use error::IdentityError;
pub use issuer::{RETRY_MAX, RETRY_MIN};

use claims::Claims;
use issuer::Issuer;

/// Bytes of a token at most.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// By how much clocks may differ, in seconds.
pub const LEEWAY_S: f64 = 60.0;
/// The audiences of Azure Digital Twins: its resource by name, and by the id of its application.
pub const AZURE_AUDIENCES: [&str; 2] =
    ["https://digitaltwins.azure.net", "0b07f429-9f4b-4714-9392-cc5e8e80c8b0"];
/// Issuers at most.
const ISSUERS_MAX: usize = 16;

/// Who is believed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The issuers, as they name themselves; `{tenantid}` stands for the directory of a token.
    pub issuers: Vec<String>,
    /// What tokens may be meant for.
    pub audiences: Vec<String>,
}

/// The issuers that are believed; none by default.
#[derive(Debug, Default)]
pub struct Issuers {
    issuers: Vec<Issuer>,
    audiences: Vec<String>,
}

impl Issuers {
    /// Asks nobody yet: the first token of an issuer does.
    ///
    /// # Errors
    /// [`IdentityError::Setting`] when an issuer is no address or there are too many.
    pub fn new(settings: Settings) -> Result<Self, IdentityError> {
        if settings.issuers.len() > ISSUERS_MAX {
            let reason = format!("{} issuers are more than {ISSUERS_MAX}", settings.issuers.len());
            return Err(IdentityError::Setting { reason });
        }
        let issuers = settings.issuers.iter().map(|url| Issuer::new(url)).collect::<Result<_, _>>()?;
        let audiences =
            settings.audiences.into_iter().map(|audience| trimmed(&audience).to_owned()).collect();
        Ok(Self { issuers, audiences })
    }

    /// Whether anybody is believed.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Whether a text has the form of a token: three parts of base64url.
    #[must_use]
    pub fn is_token(&self, text: &str) -> bool {
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b))
        };
        let mut parts = text.split('.');
        // the signature of `none` is empty; such a token is one, and is refused as one
        parts.next().is_some_and(part) && parts.next().is_some_and(part) && parts.count() == 1
    }

    /// Who holds the token.
    ///
    /// # Errors
    /// [`IdentityError`]; [`IdentityError::Unreachable`] alone is not the token's fault.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Holder, IdentityError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(IdentityError::TooLong { bytes: token.len(), limit: TOKEN_BYTES_MAX });
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| IdentityError::Form)?;
        // read before it is believed, to know whose key to ask for; all of it is checked again below
        let said = Claims::unchecked(token)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.names(&said));
        let issuer = issuer.ok_or_else(|| IdentityError::Issuer { found: said.issuer_clipped() })?;
        let key = issuer.key(header.kid.as_deref(), now).await?;
        let claims = key.check(token, header.alg)?;
        if !issuer.names(&claims) {
            return Err(IdentityError::Issuer { found: claims.issuer_clipped() });
        }
        claims.check_times(now)?;
        claims.check_audience(&self.audiences)?;
        Ok(claims.into_holder())
    }
}

/// Audiences and issuers are compared without the slash that some write at their end.
fn trimmed(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}
