use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::signer::CHAIN_MAX;
use crate::{Certificate, PkiError, certificates_of, outside};

/// The most authorities of the vehicle side.
const AUTHORITIES_MAX: usize = 200;

/// The authorities of the vehicle side (V2G and mobility-operator roots, and what they signed): who contract
/// certificates and answers about revocation are believed by.
#[derive(Clone)]
pub struct VehicleAuthorities {
    all: Vec<Certificate>,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Why a contract's chain is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainFault {
    /// Its time is over, or has not come.
    Time,
    /// A signature in it is wrong.
    Signature,
    /// It does not end at an authority that is known here, or is no chain.
    Chain(String),
}

impl VehicleAuthorities {
    /// Those of a PEM text; the self-signed ones are the roots.
    ///
    /// # Errors
    /// [`PkiError::Format`] when one cannot be read, none is a root, or there are more than 200.
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        let what = "the authorities of the vehicle side";
        let all = certificates_of(text, AUTHORITIES_MAX)?;
        let mut roots = RootCertStore::empty();
        for root in all.iter().filter(|authority| authority.is_signed_by(authority)) {
            roots.add(root.der.clone().into()).map_err(|error| PkiError::format(what, error))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| PkiError::format(what, error))?;
        Ok(Self { all, verifier })
    }

    /// As [`VehicleAuthorities::from_pem`], of several files.
    ///
    /// # Errors
    /// Those, and [`PkiError::File`].
    pub fn read(paths: &[PathBuf]) -> Result<Self, PkiError> {
        let mut text = String::new();
        for path in paths {
            let file = |source| PkiError::File { operation: "read", path: path.clone(), source };
            text.push_str(&std::fs::read_to_string(path).map_err(file)?);
            text.push('\n');
        }
        Self::from_pem(&text)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Certificate] {
        &self.all
    }

    /// The chain of a contract (PEM, the contract's own certificate first), when its signatures and times are right at
    /// `now_s` and it ends at one of the roots. Whether it was revoked is for others to say.
    ///
    /// # Errors
    /// The [`ChainFault`].
    pub fn judge(&self, chain_pem: &str, now_s: i64) -> Result<Vec<Certificate>, ChainFault> {
        let chain =
            certificates_of(chain_pem, CHAIN_MAX).map_err(|error| ChainFault::Chain(error.to_string()))?;
        let [contract, rest @ ..] = chain.as_slice() else {
            return Err(ChainFault::Chain("it is empty".to_owned()));
        };
        let der = |certificate: &Certificate| CertificateDer::from(certificate.der.clone());
        // what signed it may be left out where it is known here
        let between: Vec<_> = rest.iter().chain(&self.all).map(der).collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now_s).unwrap_or(0)));
        match self.verifier.verify_client_cert(&der(contract), &between, now) {
            Ok(_) => Ok(chain),
            Err(rustls::Error::InvalidCertificate(wrong)) => Err(match wrong {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => ChainFault::Time,
                CertificateError::BadSignature => ChainFault::Signature,
                other => ChainFault::Chain(other.to_string()),
            }),
            Err(other) => Err(ChainFault::Chain(other.to_string())),
        }
    }

    /// Who signed `certificate`, of these and of `more`.
    #[must_use]
    pub fn issuer_of<'a>(
        &'a self,
        certificate: &Certificate,
        more: &'a [Certificate],
    ) -> Option<&'a Certificate> {
        more.iter().chain(&self.all).find(|other| certificate.is_signed_by(other))
    }
}

impl fmt::Debug for VehicleAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VehicleAuthorities({})", self.all.len())
    }
}

/// Whoever makes contract certificates for vehicles: a command of the operator, which speaks to the pool of contract
/// certificates of a mobility operator or of a clearing house.
#[derive(Debug, Clone)]
pub struct ContractService(PathBuf);

impl ContractService {
    /// The command at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Hands it a request (one JSON object) and gives what it prints.
    ///
    /// # Errors
    /// [`PkiError::Command`] when it cannot be run, takes more than a minute, or ends with a failure.
    pub async fn ask(&self, request: &[u8], station: &str, tenant: &str) -> Result<String, PkiError> {
        outside::ask(&self.0, request, station, tenant).await
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

    use super::*;
    use crate::ocsp::CertificateId;

    fn params(name: &str, is_ca: bool, years: (i32, i32)) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        } else {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }
        params
    }

    struct Chain {
        root: String,
        between: String,
        contract: String,
    }

    fn chain(years: (i32, i32)) -> Chain {
        let (root_key, between_key, key) =
            (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = params("Root", true, (2020, 2040));
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let root = Issuer::new(root, root_key);
        let between = params("Between", true, (2020, 2040));
        let between_pem = between.signed_by(&between_key, &root).unwrap().pem();
        let between = Issuer::new(between, between_key);
        let contract = params("DEABCC123456789", false, years).signed_by(&key, &between).unwrap().pem();
        Chain { root: root_pem, between: between_pem, contract }
    }

    const NOW_S: i64 = 1_800_000_000; // January 2027

    #[test]
    fn a_contract_counts_when_its_chain_does() {
        let good = chain((2026, 2028));
        let known = VehicleAuthorities::from_pem(&good.root).unwrap();
        let whole = format!("{}{}", good.contract, good.between);
        let judged = known.judge(&whole, NOW_S).unwrap();
        assert_eq!(judged[0].common_name.as_deref(), Some("DEABCC123456789"));
        assert!(matches!(known.judge(&good.contract, NOW_S), Err(ChainFault::Chain(_))), "a link is missing");
        let both = VehicleAuthorities::from_pem(&format!("{}{}", good.root, good.between)).unwrap();
        assert!(both.judge(&good.contract, NOW_S).is_ok(), "the link is known");
        assert_eq!(known.judge(&whole, NOW_S + 100_000_000).unwrap_err(), ChainFault::Time);
        let other = VehicleAuthorities::from_pem(&chain((2026, 2028)).root).unwrap();
        let stranger = other.judge(&whole, NOW_S).unwrap_err();
        assert!(matches!(stranger, ChainFault::Chain(_) | ChainFault::Signature), "{stranger:?}");
        assert!(matches!(known.judge("", NOW_S), Err(ChainFault::Chain(_))));
        assert!(VehicleAuthorities::from_pem(&good.between).is_err(), "there must be a root");
    }

    #[test]
    fn an_issuer_is_known_by_its_hashes() {
        let good = chain((2026, 2028));
        let known = VehicleAuthorities::from_pem(&format!("{}{}", good.root, good.between)).unwrap();
        let contract = Certificate::from_pem(&good.contract).unwrap();
        let issuer = known.issuer_of(&contract, &[]).unwrap();
        assert_eq!(issuer.common_name.as_deref(), Some("Between"));
        let id = CertificateId::of(&contract, issuer).unwrap();
        assert!(id.is_issued_by(issuer) && !id.is_issued_by(&known.all()[0]));
    }
}
