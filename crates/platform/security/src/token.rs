use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::{Secret, SecurityError, random};

/// SHA-256 of 256 random bits: what the store keeps of a key or session. Comparison is constant-time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    fn of(secret: &[u8; 32]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The hash as it is stored; `None` when there are not exactly 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(***)")
    }
}

/// A key of a program: `vk_<public id>_<secret>`. The public id (8 letters or digits) finds the stored row, the
/// secret (256 bits) proves it.
#[derive(Clone)]
pub struct ApiKey {
    public_id: String,
    secret: [u8; 32],
}

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    /// [`SecurityError::Randomness`].
    pub fn generate() -> Result<Self, SecurityError> {
        Ok(Self { public_id: random::alphanumeric(8)?, secret: random::bytes()? })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`SecurityError::KeyFormat`].
    pub fn parse(text: &str) -> Result<Self, SecurityError> {
        let rest = text.strip_prefix("vk_").ok_or(SecurityError::KeyFormat)?;
        let (public_id, secret) = rest.split_once('_').ok_or(SecurityError::KeyFormat)?;
        let named = public_id.len() == 8 && public_id.bytes().all(|b| b.is_ascii_alphanumeric());
        let secret = decode(secret).filter(|_| named).ok_or(SecurityError::KeyFormat)?;
        Ok(Self { public_id: public_id.to_owned(), secret })
    }

    /// The part that may be shown and logged.
    #[must_use]
    pub fn public_id(&self) -> &str {
        &self.public_id
    }

    /// What to store of the secret, and what to compare with it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.secret)
    }

    /// Whether this key is the one that `stored` was made of; constant-time.
    #[must_use]
    pub fn matches(&self, stored: &TokenHash) -> bool {
        self.hash() == *stored
    }

    /// The text form, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("vk_{}_{}", self.public_id, URL_SAFE_NO_PAD.encode(self.secret)))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey(vk_{}_***)", self.public_id)
    }
}

/// Proof of a signed-in person: 256 random bits in a cookie, 43 characters of base64url.
#[derive(Clone)]
pub struct SessionToken([u8; 32]);

impl SessionToken {
    /// A new token.
    ///
    /// # Errors
    /// [`SecurityError::Randomness`].
    pub fn generate() -> Result<Self, SecurityError> {
        random::bytes().map(Self)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`SecurityError::TokenFormat`].
    pub fn parse(text: &str) -> Result<Self, SecurityError> {
        decode(text).map(Self).ok_or(SecurityError::TokenFormat)
    }

    /// What to store, and what to find the session by.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// The text form, for the cookie.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(***)")
    }
}

/// What a partner system presents to us: 256 random bits, 43 characters of base64url.
#[derive(Clone)]
pub struct PartnerToken([u8; 32]);

impl PartnerToken {
    /// A new token.
    ///
    /// # Errors
    /// [`SecurityError::Randomness`].
    pub fn generate() -> Result<Self, SecurityError> {
        random::bytes().map(Self)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`SecurityError::TokenFormat`].
    pub fn parse(text: &str) -> Result<Self, SecurityError> {
        decode(text).map(Self).ok_or(SecurityError::TokenFormat)
    }

    /// What to store, and what to find the partner by.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// The text form, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PartnerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartnerToken(***)")
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() != 43 {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text() {
        let key = ApiKey::generate().unwrap();
        let text = key.reveal();
        assert_eq!(text.expose().len(), 3 + 8 + 1 + 43);
        let read = ApiKey::parse(text.expose()).unwrap();
        assert_eq!(read.public_id(), key.public_id());
        assert!(read.matches(&key.hash()));
        assert!(!read.matches(&ApiKey::generate().unwrap().hash()));
        assert!(!format!("{key:?}").contains(&text.expose()[12..]));
    }

    #[test]
    fn the_stored_form_is_plain_sha256_of_the_secret_bytes() {
        let zeros = format!("vk_AAAAAAAA_{}", "A".repeat(43));
        let hash = ApiKey::parse(&zeros).unwrap().hash();
        let hex: String = hash.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        // sha256 of 32 zero bytes, as `head -c 32 /dev/zero | sha256sum` prints it
        assert_eq!(hex, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
    }

    #[test]
    fn other_texts_are_refused() {
        let secret = "A".repeat(43);
        for bad in [
            String::new(),
            format!("vk_short_{secret}"),
            format!("vk_AAAAAAA-_{secret}"),
            format!("vk_AAAAAAAA_{secret}A"),
            format!("vk_AAAAAAAA_{}", "=".repeat(43)),
            format!("xk_AAAAAAAA_{secret}"),
            format!("vk_AAAAAAAA{secret}"),
        ] {
            assert_eq!(ApiKey::parse(&bad).err(), Some(SecurityError::KeyFormat), "{bad}");
        }
        assert!(SessionToken::parse("x").is_err());
        let token = SessionToken::generate().unwrap();
        assert!(SessionToken::parse(token.reveal().expose()).unwrap().hash() == token.hash());
    }
}
