//! Lists of revoked certificates (RFC 5280, section 5).

use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use crate::certificate::hex;
use crate::{Certificate, PkiError};

/// The most certificates on one list.
const REVOKED_MAX: usize = 100_000;

/// A list that its issuer signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// Serial numbers, lower-case hexadecimal without leading zeros, sorted.
    serials: Vec<String>,
    /// Since when this is so, seconds since 1970.
    pub this_update_s: i64,
    /// When the next list comes, seconds since 1970.
    pub next_update_s: Option<i64>,
}

impl RevocationList {
    /// Reads a list (DER) of `issuer`.
    ///
    /// # Errors
    /// [`PkiError::Format`] when it is none, or not signed by `issuer`, or names more than 100,000 certificates.
    pub fn read(der: &[u8], issuer: &Certificate) -> Result<Self, PkiError> {
        let bad = |reason: &str| PkiError::format("the revocation list", reason);
        let (_, list) = CertificateRevocationList::from_der(der).map_err(|error| bad(&error.to_string()))?;
        let (_, issuer) = X509Certificate::from_der(&issuer.der).map_err(|error| bad(&error.to_string()))?;
        if list.issuer() != issuer.subject() || list.verify_signature(issuer.public_key()).is_err() {
            return Err(bad("it is not signed by the issuer of the certificate"));
        }
        let mut serials: Vec<String> = list
            .iter_revoked_certificates()
            .take(REVOKED_MAX + 1)
            .map(|revoked| plain(&hex(revoked.raw_serial())))
            .collect();
        if serials.len() > REVOKED_MAX {
            return Err(bad(&format!("it names more than {REVOKED_MAX} certificates")));
        }
        serials.sort_unstable();
        Ok(Self {
            serials,
            this_update_s: list.last_update().timestamp(),
            next_update_s: list.next_update().map(|time| time.timestamp()),
        })
    }

    /// Whether the certificate with this serial number (hexadecimal) stands on it.
    #[must_use]
    pub fn names(&self, serial_number: &str) -> bool {
        self.serials.binary_search(&plain(&serial_number.to_ascii_lowercase())).is_ok()
    }
}

fn plain(serial: &str) -> String {
    serial.trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod,
        KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    };

    use super::*;

    fn authority() -> (Certificate, Issuer<'static, KeyPair>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        (Certificate::from_der(certificate.der()).unwrap(), Issuer::new(params, key))
    }

    #[test]
    fn a_list_names_what_is_revoked_and_must_be_the_issuers() {
        let (issuer, signer) = authority();
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[0x00, 0xab, 0x01]),
            revocation_time: rcgen::date_time_ymd(2026, 1, 2),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 1),
            next_update: rcgen::date_time_ymd(2026, 1, 2),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&signer).unwrap();
        let read = RevocationList::read(list.der(), &issuer).unwrap();
        assert!(read.names("AB01") && read.names("00ab01") && !read.names("ab02"));
        // 2026-01-01 and a day later
        assert_eq!((read.this_update_s, read.next_update_s), (1_767_225_600, Some(1_767_312_000)));
        let (other, _) = authority();
        assert!(RevocationList::read(list.der(), &other).is_err());
        for end in 0..list.der().len() {
            assert!(RevocationList::read(&list.der()[..end], &issuer).is_err());
        }
    }
}
