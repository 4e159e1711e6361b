use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::PkiError;
use crate::certificate::{common_name, organisation};

/// The longest signing request, in bytes of PEM: what OCPP takes.
const REQUEST_BYTES_MAX: usize = 5_500;
/// The smallest RSA key, and the smallest of an elliptic curve, in bits: what the security specification of OCPP asks.
const RSA_BITS_MIN: usize = 2_048;
const EC_BITS_MIN: usize = 224;

/// A signing request that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    /// The request itself.
    pub der: Vec<u8>,
    /// Its public key, as DER.
    pub public_key: Vec<u8>,
}

/// Judges the signing request of the station `identity`: it proves its key, the key is long enough, it is for this
/// station, and the organisation, if it names one, is `organisation`.
///
/// # Errors
/// [`PkiError::Request`] with the rule that it breaks, [`PkiError::Format`].
pub fn check_request(text: &str, identity: &str, ours: &str) -> Result<SigningRequest, PkiError> {
    let refuse = |reason: String| Err(PkiError::Request { reason });
    if text.len() > REQUEST_BYTES_MAX {
        return refuse(format!("it has {} bytes; at most {REQUEST_BYTES_MAX} are taken", text.len()));
    }
    let what = "the signing request";
    let der = CertificateSigningRequestDer::from_pem_slice(text.as_bytes())
        .map_err(|e| PkiError::format(what, format!("{e:?}")))?;
    let (_, request) = X509CertificationRequest::from_der(&der).map_err(|e| PkiError::format(what, e))?;
    if request.verify_signature().is_err() {
        return refuse("its signature is not by its own key".to_owned());
    }
    let info = &request.certification_request_info;
    if common_name(&info.subject).as_deref() != Some(identity) {
        return refuse(format!("its common name is not `{identity}`"));
    }
    if organisation(&info.subject).is_some_and(|named| named != ours) {
        return refuse(format!("its organisation is not `{ours}`"));
    }
    match info.subject_pki.parsed().map_err(|e| PkiError::format("the public key", e))? {
        PublicKey::RSA(key) if key.key_size() >= RSA_BITS_MIN => {}
        PublicKey::EC(point) if point.key_size() >= EC_BITS_MIN => {}
        PublicKey::RSA(_) => return refuse(format!("its RSA key has less than {RSA_BITS_MIN} bits")),
        PublicKey::EC(_) => return refuse(format!("its curve has less than {EC_BITS_MIN} bits")),
        _ => return refuse("its key is neither RSA nor of an elliptic curve".to_owned()),
    }
    Ok(SigningRequest { public_key: info.subject_pki.raw.to_vec(), der: der.to_vec() })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn request(name: &str, organisation: Option<&str>) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(organisation) = organisation {
            params.distinguished_name.push(DnType::OrganizationName, organisation);
        }
        params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap()
    }

    #[test]
    fn a_request_must_be_the_stations_own() {
        assert!(check_request(&request("ST-1", Some("north")), "ST-1", "north").is_ok());
        assert!(check_request(&request("ST-1", None), "ST-1", "north").is_ok());
        let refused = |text: &str| check_request(text, "ST-1", "north").unwrap_err().to_string();
        assert!(refused(&request("ST-2", None)).contains("common name"));
        assert!(refused(&request("ST-1", Some("south"))).contains("organisation"));
        assert!(
            refused("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")
                .contains("cannot be read")
        );
        assert!(refused("").contains("cannot be read"));
        assert!(refused(&"x".repeat(6_000)).contains("5500"));
    }

    #[test]
    fn a_request_with_a_foreign_signature_is_refused() {
        let text = request("ST-1", None);
        let der = CertificateSigningRequestDer::from_pem_slice(text.as_bytes()).unwrap();
        let mut bytes = der.to_vec();
        // the last byte belongs to the signature
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        let broken = crate::pem("CERTIFICATE REQUEST", &bytes);
        assert!(check_request(&broken, "ST-1", "north").unwrap_err().to_string().contains("signature"));
    }
}
