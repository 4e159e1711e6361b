use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use crate::{Secret, SecurityError, generate_password, random};

/// The longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// How many callers may wait for one of the two places at which passwords are hashed.
pub const MAX_WAITING: usize = 1024;

/// OWASP password storage: argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// A stored hash names its own cost; this much is still believed.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;

/// How the hash of a password that we drew begins; salt and digest follow, as in PHC form.
const DRAWN: &str = "$sha256$v=1$";

/// Each hash holds a core and 19 MiB for tens of milliseconds: two at once leave the machine to the others.
static PLACES: Semaphore = Semaphore::const_new(2);
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// The hash of a password: argon2id in PHC form (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`), or, of a password that
/// we drew ourselves, one salted SHA-256 (`$sha256$v=1$salt$hash`). Slowness protects what can be guessed; nobody
/// guesses 190 random bits, and ten thousand stations that return after a restart are checked within a moment.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes a password with a new random salt, on the blocking pool.
    ///
    /// # Errors
    /// [`SecurityError::PasswordLength`], [`SecurityError::Busy`], [`SecurityError::Hashing`].
    pub async fn hash(password: &Secret) -> Result<Self, SecurityError> {
        check_length(password)?;
        let password = password.clone();
        on_a_place(move || {
            let hash: phc::PasswordHash =
                hasher()?.hash_password(password.expose().as_bytes()).map_err(failed)?;
            Ok(Self(hash.to_string()))
        })
        .await
    }

    /// Draws a password and makes the hash that is quick to check. Only here, so that no password which somebody
    /// chose gets one.
    ///
    /// # Errors
    /// [`SecurityError::Randomness`].
    pub fn generate() -> Result<(Secret, Self), SecurityError> {
        Self::of_drawn(generate_password()?)
    }

    /// As [`PasswordHash::generate`], but an `AuthorizationKey` of OCPP 1.6: 20 random bytes in lower-case
    /// hexadecimal. The bytes are never UTF-8, so that a station which sends them decoded is told from one that sends
    /// the digits.
    ///
    /// # Errors
    /// [`SecurityError::Randomness`].
    pub fn generate_key() -> Result<(Secret, Self), SecurityError> {
        let mut key = random::bytes::<20>()?;
        // no byte of UTF-8 begins so
        key[0] |= 0xf8;
        Self::of_drawn(Secret::new(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
    }

    fn of_drawn(password: Secret) -> Result<(Secret, Self), SecurityError> {
        let salt = STANDARD_NO_PAD.encode(random::bytes::<16>()?);
        let digest = STANDARD_NO_PAD.encode(drawn_digest(&salt, &password));
        Ok((password, Self(format!("{DRAWN}{salt}${digest}"))))
    }

    /// Whether checking it costs next to nothing.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.0.starts_with(DRAWN)
    }

    /// Whether `password` is the one that was hashed; constant-time, a slow hash on the blocking pool.
    ///
    /// # Errors
    /// [`SecurityError::Busy`], [`SecurityError::Hashing`]; a wrong password is `Ok(false)`.
    pub async fn verify(&self, password: &Secret) -> Result<bool, SecurityError> {
        if check_length(password).is_err() {
            return Ok(false);
        }
        if let Some((salt, digest)) = drawn_parts(&self.0) {
            return Ok(drawn_digest(salt, password).ct_eq(&digest).into());
        }
        let (hash, password) = (self.clone(), password.clone());
        on_a_place(move || {
            let hash = parse(&hash.0)?;
            match hasher()?.verify_password(password.expose().as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(failed(error)),
            }
        })
        .await
    }

    /// Spends the time of one check on a password that nothing is known about, so that an unknown name takes as
    /// long as a wrong password.
    ///
    /// # Errors
    /// As [`PasswordHash::hash`].
    pub async fn verify_unknown() -> Result<(), SecurityError> {
        Self::hash(&generate_password()?).await.map(drop)
    }

    /// The hash as it is stored.
    ///
    /// # Errors
    /// [`SecurityError::HashFormat`].
    pub fn from_phc(text: &str) -> Result<Self, SecurityError> {
        if drawn_parts(text).is_none() {
            parse(text)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The PHC text, to be stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// Salt and digest of the hash of a password that we drew; `None` when it is of another kind.
fn drawn_parts(text: &str) -> Option<(&str, [u8; 32])> {
    let (salt, digest) = text.strip_prefix(DRAWN)?.split_once('$')?;
    let digest = STANDARD_NO_PAD.decode(digest).ok()?.try_into().ok()?;
    (salt.len() == 22).then_some((salt, digest))
}

fn drawn_digest(salt: &str, password: &Secret) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update([0]).chain_update(password.expose()).finalize().into()
}

fn check_length(password: &Secret) -> Result<(), SecurityError> {
    let bytes = password.expose().len();
    if (1..=MAX_PASSWORD_BYTES).contains(&bytes) {
        Ok(())
    } else {
        Err(SecurityError::PasswordLength { bytes, limit: MAX_PASSWORD_BYTES })
    }
}

fn parse(text: &str) -> Result<phc::PasswordHash, SecurityError> {
    let hash = phc::PasswordHash::new(text).map_err(|_| SecurityError::HashFormat)?;
    let params = Params::try_from(&hash).map_err(|_| SecurityError::HashFormat)?;
    let known = hash.algorithm.as_str() == "argon2id" && params.m_cost() <= MAX_MEMORY_KIB;
    if known && hash.hash.is_some() { Ok(hash) } else { Err(SecurityError::HashFormat) }
}

fn hasher() -> Result<Argon2<'static>, SecurityError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|e| SecurityError::Hashing { reason: e.to_string() })?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: argon2::password_hash::Error) -> SecurityError {
    SecurityError::Hashing { reason: error.to_string() }
}

/// Counts itself among the waiting until dropped, also when the caller goes away.
struct Waiting;

impl Waiting {
    fn enter() -> Result<Self, SecurityError> {
        let waiting = Self;
        if WAITING.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(SecurityError::Busy { limit: MAX_WAITING });
        }
        Ok(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn on_a_place<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SecurityError> + Send + 'static,
) -> Result<T, SecurityError> {
    let waiting = Waiting::enter()?;
    let lost = |reason: String| SecurityError::Hashing { reason };
    let place = PLACES.acquire().await.map_err(|e| lost(e.to_string()))?;
    drop(waiting);
    // The place goes with the work: a caller that gives up does not free it early.
    tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    })
    .await
    .map_err(|e| lost(e.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_passes_and_others_do_not() {
        let hash = PasswordHash::hash(&Secret::new("correct horse")).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        let stored = PasswordHash::from_phc(hash.as_str()).unwrap();
        assert!(stored.verify(&Secret::new("correct horse")).await.unwrap());
        assert!(!stored.verify(&Secret::new("correct Horse")).await.unwrap());
        assert!(!stored.verify(&Secret::new("")).await.unwrap());
        assert!(!format!("{hash:?}").contains("argon2"));
        assert_ne!(hash, PasswordHash::hash(&Secret::new("correct horse")).await.unwrap(), "salt");
    }

    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_is_understood() {
        // `argon2 somesalt -id -t 2 -k 65536 -p 1` of "password", a test vector of the reference code
        let known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
                     CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = PasswordHash::from_phc(known).unwrap();
        assert!(hash.verify(&Secret::new("password")).await.unwrap());
        assert!(!hash.verify(&Secret::new("passwore")).await.unwrap());
    }

    #[tokio::test]
    async fn a_password_of_ours_is_quick_to_check_and_still_needs_every_character() {
        let (password, hash) = PasswordHash::generate().unwrap();
        let stored = PasswordHash::from_phc(hash.as_str()).unwrap();
        assert!(stored.is_quick() && !hash.as_str().contains(password.expose()));
        assert!(stored.verify(&password).await.unwrap());
        let mut wrong = password.expose().to_owned();
        wrong.pop();
        assert!(!stored.verify(&Secret::new(wrong)).await.unwrap());
        assert!(!PasswordHash::hash(&password).await.unwrap().is_quick(), "only where we draw");
        let (key, hash) = PasswordHash::generate_key().unwrap();
        assert!(hash.is_quick() && hash.verify(&key).await.unwrap());
        let digits = key.expose().as_bytes();
        assert!(digits.len() == 40 && digits[0] == b'f' && digits.iter().all(u8::is_ascii_hexdigit));
        // SHA-256 of 22 A, a zero byte and "x", worked out with coreutils
        let known = "$sha256$v=1$AAAAAAAAAAAAAAAAAAAAAA$oXkb8RXnH0ZfhZjY2sGOoorZBckxr5yeu0XJxCALxEs";
        assert!(PasswordHash::from_phc(known).unwrap().verify(&Secret::new("x")).await.unwrap());
        for bad in ["$sha256$v=1$", "$sha256$v=1$AA$AA", "$sha256$v=2$AAAAAAAAAAAAAAAAAAAAAA$AA"] {
            assert!(PasswordHash::from_phc(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn limits_are_named() {
        let long = Secret::new("x".repeat(MAX_PASSWORD_BYTES + 1));
        let error = PasswordHash::hash(&long).await.unwrap_err().to_string();
        assert!(error.contains("1025") && error.contains("1024"), "{error}");
        assert!(PasswordHash::hash(&Secret::new("")).await.is_err());
        for bad in
            ["", "x", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"]
        {
            assert_eq!(PasswordHash::from_phc(bad), Err(SecurityError::HashFormat), "{bad}");
        }
    }
}
