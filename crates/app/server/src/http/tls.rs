//! TLS: which files make up our side of it, and their new contents when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::RwLock;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use crate::ServerError;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// From when on it is said that our own certificate ends.
const ENDS_SOON_DAYS: i64 = 14;

/// The files, all PEM.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// Our certificate, followed by what signed it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Authorities whose client certificates are believed. Without any, no client certificate is asked for.
    pub client_authorities: Vec<PathBuf>,
    /// Lists of client certificates that were taken back. With lists, an authority without one is not held against
    /// its certificates.
    pub revocations: Vec<PathBuf>,
}

impl TlsFiles {
    fn all(&self) -> impl Iterator<Item = &Path> {
        let ours = [&self.certificate, &self.key];
        let lists = self.client_authorities.iter().chain(&self.revocations);
        ours.into_iter().chain(lists).map(PathBuf::as_path)
    }

    /// What tells one state of the files from the next.
    fn stamp(&self) -> Vec<Option<(SystemTime, u64)>> {
        let stamp = |path: &Path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        self.all().map(stamp).collect()
    }
}

/// Our side of TLS 1.2 and 1.3, kept fresh. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`ServerError::Tls`] with the file and what is wrong with it.
    pub fn load(files: TlsFiles) -> Result<Self, ServerError> {
        let config = RwLock::new(Arc::new(configure(&files)?));
        Ok(Self(Arc::new(Shared { files, config })))
    }

    /// What new connections get.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.0.config.read().clone()
    }

    /// Reads the files again when they change. What cannot be read is said, and the old contents stay in force.
    pub(crate) async fn watch(&self, stop: CancellationToken) {
        let mut known = self.0.files.stamp();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let found = self.0.files.stamp();
            if found == known {
                continue;
            }
            match configure(&self.0.files) {
                Ok(config) => {
                    *self.0.config.write() = Arc::new(config);
                    tracing::info!("certificates were read again");
                    known = found;
                }
                // half of the files may be written: looked at again, said once for each state of them
                Err(error) => {
                    tracing::warn!(%error, "changed certificates cannot be used; the old ones stay in force");
                    known = found;
                }
            }
        }
    }
}

fn configure(files: &TlsFiles) -> Result<ServerConfig, ServerError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = certificates(&files.certificate)?;
    watch_end(&files.certificate, chain.first());
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| tls(&files.key, pem_reason(&error)))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| tls(&files.certificate, error))?
        .with_client_cert_verifier(verifier(files)?)
        .with_single_cert(chain, key)
        .map_err(|error| tls(&files.certificate, error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // a resumed session would count without a look at its certificate, and the tickets cost memory
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Says when our own certificate ends: without a new one every station stays outside.
fn watch_end(path: &Path, certificate: Option<&CertificateDer<'_>>) {
    let Some(Ok(own)) = certificate.map(|der| voltwin_pki::Certificate::from_der(der)) else { return };
    metrics::gauge!("voltwin_tls_certificate_not_after_seconds").set(own.not_after_s as f64);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left_days = (own.not_after_s - i64::try_from(now.as_secs()).unwrap_or(i64::MAX)) / 86_400;
    if left_days < ENDS_SOON_DAYS {
        tracing::warn!(path = %path.display(), left_days, "our own TLS certificate ends soon");
    }
}

/// A client certificate is optional at the handshake: the station's profile decides whether it must be there. One
/// that is shown must be good.
fn verifier(files: &TlsFiles) -> Result<Arc<dyn ClientCertVerifier>, ServerError> {
    if files.client_authorities.is_empty() {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    for path in &files.client_authorities {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| tls(path, error))?;
        }
    }
    let mut revocations = Vec::new();
    for path in &files.revocations {
        let lists = CertificateRevocationListDer::pem_file_iter(path);
        for list in lists.map_err(|error| tls(path, pem_reason(&error)))? {
            revocations.push(list.map_err(|error| tls(path, pem_reason(&error)))?);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(revocations)
        .allow_unknown_revocation_status()
        .only_check_end_entity_revocation()
        .allow_unauthenticated()
        .build()
        .map_err(|error| tls(&files.client_authorities[0], error))
}

/// The authorities in these files (PEM).
///
/// # Errors
/// [`ServerError::Tls`] with the file and what is wrong with it.
pub fn authorities(files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let mut found = Vec::new();
    for path in files {
        for certificate in certificates(path)? {
            let mut alone = RootCertStore::empty();
            alone.add(certificate.clone()).map_err(|error| tls(path, error))?;
            found.push(certificate);
        }
    }
    Ok(found)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| tls(path, pem_reason(&error)))?;
    let found: Result<Vec<_>, _> = found.collect();
    let found = found.map_err(|error| tls(path, pem_reason(&error)))?;
    if found.is_empty() { Err(tls(path, "no certificate in it")) } else { Ok(found) }
}

/// What is wrong with a PEM file, for people: the library's own text is that of its types.
fn pem_reason(error: &rustls_pki_types::pem::Error) -> String {
    use rustls_pki_types::pem::Error;
    match error {
        Error::Io(error) => error.to_string(),
        Error::NoItemsFound => "there is none in it".to_owned(),
        Error::MissingSectionEnd { .. } => "a section of it has no end".to_owned(),
        Error::IllegalSectionStart { .. } => "a section of it has no proper beginning".to_owned(),
        Error::Base64Decode(_) => "what it holds is not Base64".to_owned(),
        _ => "it is not PEM".to_owned(),
    }
}

fn tls(path: &Path, reason: impl std::fmt::Display) -> ServerError {
    let error = io::Error::new(io::ErrorKind::InvalidData, reason.to_string());
    ServerError::Tls { path: path.to_owned(), source: error }
}
