use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SubjectPublicKeyInfo, date_time_ymd,
};

use crate::{PkiError, SigningRequest};

/// Where the authority lies in a data folder.
const FOLDER: &str = "ca";
const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
/// A clock that is a little behind must not refuse a new certificate.
const BACKDATED_S: i64 = 300;

/// From when to when a certificate counts, seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The start.
    pub from_s: i64,
    /// The end.
    pub to_s: i64,
}

impl Validity {
    /// So many days from `now_s`, begun five minutes early.
    #[must_use]
    pub fn days_from(now_s: i64, days: u32) -> Self {
        Self { from_s: now_s - BACKDATED_S, to_s: now_s + i64::from(days) * 86_400 }
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A station shows who it is to us.
    Station,
    /// We show who we are.
    Server,
}

/// A new certificate.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate followed by what signed it, PEM.
    pub chain_pem: String,
    /// The key, PEM, where we made it.
    pub key_pem: Option<String>,
}

impl Issued {
    /// Writes certificate and key to files; the key with mode 0600, and never over another.
    ///
    /// # Errors
    /// [`PkiError::File`].
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), PkiError> {
        if let Some(key_pem) = &self.key_pem {
            write_private(key, key_pem.as_bytes())?;
        }
        fs::write(certificate, &self.chain_pem).map_err(file("write", certificate))
    }
}

/// Our own authority: one key pair in the data folder that signs for stations and for us.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes the authority of the data folder `data`.
    ///
    /// # Errors
    /// [`PkiError::Authority`] when there is one, [`PkiError::File`], [`PkiError::Signing`].
    pub fn init(data: &Path, name: &str, validity: Validity) -> Result<Self, PkiError> {
        let folder = data.join(FOLDER);
        if folder.join(CERTIFICATE).exists() || folder.join(KEY).exists() {
            return Err(PkiError::Authority { reason: "there is an authority already", path: folder });
        }
        let key = KeyPair::generate().map_err(PkiError::signing)?;
        let mut params = params(validity);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(PkiError::signing)?;
        fs::create_dir_all(&folder).map_err(file("make", &folder))?;
        write_private(&folder.join(KEY), key.serialize_pem().as_bytes())?;
        let path = folder.join(CERTIFICATE);
        fs::write(&path, certificate.pem()).map_err(file("write", &path))?;
        Self::open(data)
    }

    /// The file that holds its certificate, if the data folder `data` has an authority.
    #[must_use]
    pub fn certificate_file(data: &Path) -> Option<PathBuf> {
        Some(data.join(FOLDER).join(CERTIFICATE)).filter(|path| path.exists())
    }

    /// The authority of the data folder `data`.
    ///
    /// # Errors
    /// [`PkiError::Authority`] when there is none, [`PkiError::File`], [`PkiError::Format`].
    pub fn open(data: &Path) -> Result<Self, PkiError> {
        let folder = data.join(FOLDER);
        let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
        if !certificate.exists() {
            return Err(PkiError::Authority { reason: "there is no authority yet", path: folder });
        }
        let certificate_pem = fs::read_to_string(&certificate).map_err(file("read", &certificate))?;
        let key = fs::read_to_string(&key).map_err(file("read", &key))?;
        let key = KeyPair::from_pem(&key).map_err(|e| PkiError::format("the authority's key", e))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)
            .map_err(|e| PkiError::format("the authority's certificate", e))?;
        Ok(Self { certificate_pem, issuer })
    }

    /// Its own certificate, PEM: what whoever is to believe it must be given.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Signs for the key of a request that was found good.
    ///
    /// # Errors
    /// [`PkiError::Signing`].
    pub fn issue_for(
        &self,
        request: &SigningRequest,
        name: &str,
        organisation: &str,
        validity: Validity,
    ) -> Result<Issued, PkiError> {
        let key = SubjectPublicKeyInfo::from_der(&request.public_key)
            .map_err(|e| PkiError::format("the public key", e))?;
        let chain_pem = self.sign(&key, name, organisation, Purpose::Station, validity)?;
        Ok(Issued { chain_pem, key_pem: None })
    }

    /// Makes a key and signs for it.
    ///
    /// # Errors
    /// [`PkiError::Signing`].
    pub fn issue_new(
        &self,
        name: &str,
        organisation: &str,
        purpose: Purpose,
        validity: Validity,
    ) -> Result<Issued, PkiError> {
        let key = KeyPair::generate().map_err(PkiError::signing)?;
        let chain_pem = self.sign(&key, name, organisation, purpose, validity)?;
        Ok(Issued { chain_pem, key_pem: Some(key.serialize_pem()) })
    }

    fn sign(
        &self,
        key: &impl PublicKeyData,
        name: &str,
        organisation: &str,
        purpose: Purpose,
        validity: Validity,
    ) -> Result<String, PkiError> {
        let mut params = params(validity);
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![match purpose {
            Purpose::Station => ExtendedKeyUsagePurpose::ClientAuth,
            Purpose::Server => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        if purpose == Purpose::Server {
            params.subject_alt_names.push(match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(Ia5String::try_from(name).map_err(PkiError::signing)?),
            });
        }
        let certificate = params.signed_by(key, &self.issuer).map_err(PkiError::signing)?;
        Ok(certificate.pem() + &self.certificate_pem)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(***)")
    }
}

fn params(validity: Validity) -> CertificateParams {
    // the last second that a certificate can name
    const END_S: u64 = 253_402_300_799;
    let after_1970 = |s: i64| Duration::from_secs(u64::try_from(s).unwrap_or(0).min(END_S));
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(1970, 1, 1) + after_1970(validity.from_s);
    params.not_after = date_time_ymd(1970, 1, 1) + after_1970(validity.to_s);
    params.distinguished_name = DistinguishedName::new();
    params
}

/// Writes a file that only its owner may read; one that exists is not touched.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), PkiError> {
    let open = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut written = open.map_err(file("make", path))?;
    written.write_all(bytes).and_then(|()| written.sync_all()).map_err(file("write", path))
}

fn file(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PkiError {
    let path: PathBuf = path.to_owned();
    move |source| PkiError::File { operation, path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::Certificate;

    const NOW_S: i64 = 1_800_000_000;

    #[test]
    fn the_authority_lives_in_the_folder_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Authority::open(folder.path()), Err(PkiError::Authority { .. })));
        let made = Authority::init(folder.path(), "Roads", Validity::days_from(NOW_S, 3_650)).unwrap();
        let mode = fs::metadata(folder.path().join("ca/ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let opened = Authority::open(folder.path()).unwrap();
        assert_eq!(made.certificate_pem(), opened.certificate_pem());
        let again = Authority::init(folder.path(), "Roads", Validity::days_from(NOW_S, 1));
        assert!(matches!(again, Err(PkiError::Authority { .. })), "a key is never replaced");
    }

    #[test]
    fn a_certificate_says_who_and_when() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::init(folder.path(), "Roads", Validity::days_from(NOW_S, 3_650)).unwrap();
        let validity = Validity::days_from(NOW_S, 90);
        let issued = authority.issue_new("ST-1", "north", Purpose::Station, validity).unwrap();
        let chain = crate::certificates_of(&issued.chain_pem, 4).unwrap();
        let [station, root] = chain.as_slice() else { panic!("{chain:?}") };
        assert!(station.names("ST-1") && !station.names("ST-2") && !station.names("north"));
        assert_eq!(station.organisation.as_deref(), Some("north"));
        assert_eq!((station.not_before_s, station.not_after_s), (NOW_S - 300, NOW_S + 90 * 86_400));
        assert_eq!(root.common_name.as_deref(), Some("Roads"));
        assert!(station.issuer.contains("Roads"));
        let server = authority.issue_new("127.0.0.1", "north", Purpose::Server, validity).unwrap();
        assert_ne!(Certificate::from_pem(&server.chain_pem).unwrap().serial, station.serial);
    }

    #[test]
    fn a_request_gets_the_name_that_we_say_and_keeps_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::init(folder.path(), "Roads", Validity::days_from(NOW_S, 3_650)).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut asked = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
        asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        asked.distinguished_name.push(DnType::CommonName, "ST-1");
        let text = asked.serialize_request(&key).unwrap().pem().unwrap();
        let request = crate::check_request(&text, "ST-1", "north").unwrap();
        let issued = authority.issue_for(&request, "ST-1", "north", Validity::days_from(NOW_S, 90)).unwrap();
        let certificate = Certificate::from_pem(&issued.chain_pem).unwrap();
        assert!(!certificate.names("evil.example"), "what a request asks for is not copied");
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate.der).unwrap();
        assert!(!parsed.is_ca());
        assert_eq!(parsed.public_key().raw, key.subject_public_key_info());
    }
}
