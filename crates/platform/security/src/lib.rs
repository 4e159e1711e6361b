//! Secrets, passwords, keys, roles and permissions.
//!
//! Three kinds of proof exist. A **password** is chosen by a person or a station operator, so it is stored as a
//! slow argon2id [`PasswordHash`]; one that we drew ourselves gets a quick one. An [`ApiKey`] and a [`SessionToken`] are 256 random bits of ours, so a fast
//! SHA-256 [`TokenHash`] is enough. What a caller may do follows from its [`Role`] through one table,
//! [`Role::may`].
//!
//! # Invariants
//! - A [`Secret`] never shows in `Debug` or `Display`, cannot be serialised, and is overwritten when dropped.
//! - Comparisons of secrets take the same time wherever the first difference is.
//! - Password hashing runs on the blocking pool, two at a time, and at most [`MAX_WAITING`] callers wait.
//! - Randomness comes from the operating system only; when it has none the call fails.
//!
//! # Example
//! ```
//! use voltwin_security::{ApiKey, Permission, Role};
//!
//! let key = ApiKey::generate()?;
//! let stored = key.hash(); // goes to the store, together with key.public_id()
//! let presented = ApiKey::parse(key.reveal().expose())?;
//! assert!(stored == presented.hash());
//! assert!(Role::Operator.may(Permission::CommandStations));
//! # Ok::<(), voltwin_security::SecurityError>(())
//! ```

mod error;
mod network;
mod password;
mod random;
mod role;
mod secret;
mod token;

pub use error::SecurityError;
pub use network::is_public;
pub use password::{MAX_PASSWORD_BYTES, MAX_WAITING, PasswordHash};
pub use random::generate_password;
pub use role::{Permission, Role};
pub use secret::Secret;
pub use token::{ApiKey, PartnerToken, SessionToken, TokenHash};
