//! Certificates: our own authority, what a certificate says, and whether it still counts.
//!
//! [`Certificate`] reads what a certificate says of its holder, [`check_request`] judges a signing request of a
//! station, [`Authority`] signs with a key in the data folder, [`Signer`] is that or a command of the operator, and
//! [`ocsp`] and [`crl`] read what is said of revoked ones, in bytes. [`VehicleAuthorities`] judges the certificates of the
//! vehicle side (ISO 15118), and [`ContractService`] is a command of the operator that makes contract certificates.
//!
//! # Invariants
//! - The key of the authority is written with mode 0600 and never logged.
//! - What a signing request *asks* to be in its certificate is never copied: identity and organisation come from the
//!   caller, only the public key from the request.
//! - Nothing here opens a socket.
//!
//! # Example
//! ```
//! use voltwin_pki::{Authority, Certificate, Purpose, Validity};
//! # let folder = tempfile::tempdir()?;
//! let authority = Authority::init(folder.path(), "Example roads", Validity::days_from(1_700_000_000, 3_650))?;
//! let holder = authority.issue_new("ST-1", "north", Purpose::Station, Validity::days_from(1_700_000_000, 90))?;
//! let certificate = Certificate::from_pem(&holder.chain_pem)?;
//! assert!(certificate.names("ST-1") && certificate.organisation.as_deref() == Some("north"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authority;
mod certificate;
mod contract;
mod error;
mod outside;
mod request;
mod signer;

pub mod crl;
pub mod ocsp;

pub use authority::{Authority, Issued, Purpose, Validity};
pub use certificate::{Certificate, certificates_of, pem};
pub use contract::{ChainFault, ContractService, VehicleAuthorities};
pub use error::PkiError;
pub use request::{SigningRequest, check_request};
pub use signer::Signer;
