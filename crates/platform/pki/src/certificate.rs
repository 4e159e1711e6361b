use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_OCSP;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::X509Name;

use crate::PkiError;

/// What a certificate says of its holder, and when. Reading it proves nothing: whoever accepts a certificate has
/// checked its chain before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Common name of the subject.
    pub common_name: Option<String>,
    /// Organisation of the subject.
    pub organisation: Option<String>,
    /// The DNS and URI names of the holder.
    pub alternative_names: Vec<String>,
    /// Serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// SHA-256 of the whole certificate, lower-case hexadecimal.
    pub fingerprint: String,
    /// Issuer as text.
    pub issuer: String,
    /// Start of its life, seconds since 1970.
    pub not_before_s: i64,
    /// End of its life, seconds since 1970.
    pub not_after_s: i64,
    /// The certificate itself.
    pub der: Vec<u8>,
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// [`PkiError::Format`].
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let what = "the certificate";
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|e| PkiError::format(what, e))?;
        if !rest.is_empty() {
            return Err(PkiError::format(what, "bytes follow its end"));
        }
        let names = parsed.subject_alternative_name().map_err(|e| PkiError::format(what, e))?;
        let alternative_names = names.map_or_else(Vec::new, |names| {
            let text = |name: &GeneralName<'_>| match name {
                GeneralName::DNSName(text) | GeneralName::URI(text) => Some((*text).to_owned()),
                _ => None,
            };
            names.value.general_names.iter().filter_map(text).collect()
        });
        Ok(Self {
            common_name: common_name(parsed.subject()),
            organisation: organisation(parsed.subject()),
            alternative_names,
            serial: hex(parsed.raw_serial()).trim_start_matches('0').to_owned(),
            fingerprint: hex(&Sha256::digest(der)),
            issuer: parsed.issuer().to_string(),
            not_before_s: parsed.validity().not_before.timestamp(),
            not_after_s: parsed.validity().not_after.timestamp(),
            der: der.to_vec(),
        })
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// [`PkiError::Format`].
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        let der = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|e| PkiError::format("the certificate", format!("{e:?}")))?;
        Self::from_der(&der)
    }

    /// Where it says that an OCSP responder answers for it (RFC 5280, section 4.2.2.1).
    #[must_use]
    pub fn ocsp_url(&self) -> Option<String> {
        let (_, parsed) = X509Certificate::from_der(&self.der).ok()?;
        let access = parsed.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => Some(access),
            _ => None,
        })?;
        access.accessdescs.iter().find_map(|description| match &description.access_location {
            GeneralName::URI(url) if description.access_method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP => {
                Some((*url).to_owned())
            }
            _ => None,
        })
    }

    /// Whether `issuer` signed it.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Ok((_, own)), Ok((_, other))) =
            (X509Certificate::from_der(&self.der), X509Certificate::from_der(&issuer.der))
        else {
            return false;
        };
        own.issuer() == other.subject() && own.verify_signature(Some(other.public_key())).is_ok()
    }

    /// Whether its holder is `identity`: by common name, or by a DNS or URI name.
    #[must_use]
    pub fn names(&self, identity: &str) -> bool {
        self.common_name.as_deref() == Some(identity)
            || self.alternative_names.iter().any(|name| name == identity)
    }
}

/// All certificates of a PEM text, at most `limit`.
///
/// # Errors
/// [`PkiError::Format`] when one cannot be read, there is none, or there are more.
pub fn certificates_of(text: &str, limit: usize) -> Result<Vec<Certificate>, PkiError> {
    let what = "the chain of certificates";
    let mut found = Vec::new();
    for der in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let der = der.map_err(|e| PkiError::format(what, format!("{e:?}")))?;
        if found.len() == limit {
            return Err(PkiError::format(what, format!("more than {limit} certificates")));
        }
        found.push(Certificate::from_der(&der)?);
    }
    if found.is_empty() { Err(PkiError::format(what, "no certificate in it")) } else { Ok(found) }
}

/// PEM of some DER.
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded = BASE64_STANDARD.encode(der);
    for start in (0..encoded.len()).step_by(64) {
        text.push_str(&encoded[start..encoded.len().min(start + 64)]);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

pub(crate) fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().next().and_then(|value| value.as_str().ok()).map(str::to_owned)
}

pub(crate) fn organisation(name: &X509Name<'_>) -> Option<String> {
    name.iter_organization().next().and_then(|value| value.as_str().ok()).map(str::to_owned)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
