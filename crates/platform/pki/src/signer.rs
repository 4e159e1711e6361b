use std::path::PathBuf;
use std::sync::Arc;

use crate::{Authority, PkiError, SigningRequest, Validity, certificates_of, outside, pem};

/// The longest chain.
pub(crate) const CHAIN_MAX: usize = 8;

/// Who signs for stations.
#[derive(Debug, Clone)]
pub enum Signer {
    /// Our own authority, for so many days.
    Authority(Arc<Authority>, u32),
    /// A command that reads the request (PEM) and prints the chain (PEM). The environment names the station
    /// (`VOLTWIN_STATION`) and the tenant (`VOLTWIN_TENANT`).
    Command(PathBuf),
}

impl Signer {
    /// The chain, PEM, for a request that was found good.
    ///
    /// # Errors
    /// [`PkiError::Signing`] or [`PkiError::Command`] when nobody signed, [`PkiError::Format`] when what was printed is no chain, or is not
    /// for this station or not for its key.
    pub async fn sign(
        &self,
        request: &SigningRequest,
        station: &str,
        tenant: &str,
        now_s: i64,
    ) -> Result<String, PkiError> {
        match self {
            Self::Authority(authority, days) => {
                let validity = Validity::days_from(now_s, *days);
                Ok(authority.issue_for(request, station, tenant, validity)?.chain_pem)
            }
            Self::Command(command) => {
                let text = pem("CERTIFICATE REQUEST", &request.der);
                let chain = outside::ask(command, text.as_bytes(), station, tenant).await?;
                let what = "the chain that the command printed";
                let certificates = certificates_of(&chain, CHAIN_MAX)?;
                let first = certificates.first().ok_or_else(|| PkiError::format(what, "it is empty"))?;
                if !first.names(station) {
                    return Err(PkiError::format(what, format!("it is not for `{station}`")));
                }
                let (_, parsed) = x509_parser::parse_x509_certificate(&first.der)
                    .map_err(|error| PkiError::format(what, error))?;
                if parsed.public_key().raw != request.public_key {
                    return Err(PkiError::format(what, "it is not for the key of the request"));
                }
                Ok(chain)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;
    use crate::{Purpose, check_request};

    fn request() -> SigningRequest {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "ST-1");
        let text = params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap();
        check_request(&text, "ST-1", "north").unwrap()
    }

    fn script(folder: &std::path::Path, text: &str) -> Signer {
        let path = folder.join("sign.sh");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Signer::Command(path)
    }

    #[tokio::test]
    async fn a_command_signs_only_for_the_station_and_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let validity = Validity::days_from(1_800_000_000, 9);
        let authority = Authority::init(folder.path(), "Roads", validity).unwrap();
        let asked = request();
        let right = authority.issue_for(&asked, "ST-1", "north", validity).unwrap().chain_pem;
        let other_key = authority.issue_new("ST-1", "north", Purpose::Station, validity).unwrap().chain_pem;
        let other = authority.issue_for(&asked, "ST-2", "north", validity).unwrap().chain_pem;
        let try_with = async |text: &str| {
            script(folder.path(), text).sign(&asked, "ST-1", "north", 0).await.map_err(|e| e.to_string())
        };
        for (chain, verdict) in [(&right, None), (&other_key, Some("key")), (&other, Some("ST-1"))] {
            fs::write(folder.path().join("chain.pem"), chain).unwrap();
            let print = format!("grep -q BEGIN && cat {}", folder.path().join("chain.pem").display());
            match (try_with(&print).await, verdict) {
                (Ok(printed), None) => assert_eq!(&printed, chain),
                (Err(error), Some(word)) => assert!(error.contains(word), "{error}"),
                (found, verdict) => panic!("{found:?} {verdict:?}"),
            }
        }
        assert!(try_with("exit 3").await.unwrap_err().contains("3"));
        assert!(try_with("echo nothing").await.unwrap_err().contains("no certificate"));
        assert!(Signer::Command("/no/such".into()).sign(&asked, "ST-1", "north", 0).await.is_err());
    }
}
