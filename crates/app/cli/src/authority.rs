//! `voltwin admin ca`: the built-in certificate authority.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use voltwin_core::{Timestamp, TwinId};
use voltwin_pki::{Authority, Certificate, Purpose, Validity, check_request};
use voltwin_runtime::{Clock, SystemClock};
use voltwin_store::CertificateRecord;

use crate::admin::{BY, Folder, Printer, Scope, open_tenant};
use crate::error::CliError;

/// How long the authority itself lasts, in days.
const AUTHORITY_DAYS: u32 = 3_650;

#[derive(Subcommand)]
pub(crate) enum Ca {
    /// Make the authority of the data folder: its key (mode 0600) and its certificate, under `ca/`.
    Init {
        #[command(flatten)]
        folder: Folder,
        /// Its name.
        #[arg(long, default_value = "Voltwin")]
        name: String,
    },
    /// Print the authority's certificate, which stations must be given.
    Show {
        #[command(flatten)]
        folder: Folder,
    },
    /// Issue a certificate for us, to be named by `serve --tls-cert`: writes NAME.pem and NAME.key.
    Server {
        /// The host name or address that stations dial.
        host: String,
        #[command(flatten)]
        folder: Folder,
        /// Where to write to.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
        /// Days that it lasts.
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// Issue a certificate for a station: for a signing request (prints the chain), or with a new key (writes
    /// STATION.pem and STATION.key).
    Issue {
        /// The station's OCPP identity.
        station: TwinId,
        #[command(flatten)]
        scope: Scope,
        /// The signing request (PEM).
        #[arg(long, value_name = "FILE")]
        csr: Option<PathBuf>,
        /// Where to write to.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
        /// Days that it lasts.
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// Take a certificate back, by its serial number or SHA-256 fingerprint. Counts at once, also for a running server.
    Revoke {
        /// Serial number or fingerprint, hexadecimal.
        which: String,
        #[command(flatten)]
        scope: Scope,
    },
    /// List the issued certificates.
    List {
        #[command(flatten)]
        scope: Scope,
    },
}

pub(crate) async fn run(ca: Ca, printer: &Printer) -> Result<(), CliError> {
    let now = SystemClock.now();
    let now_s = now.as_micros() / 1_000_000;
    match ca {
        Ca::Init { folder, name } => {
            let made = Authority::init(&folder.data, &name, Validity::days_from(now_s, AUTHORITY_DAYS));
            made.map_err(|error| CliError::input(error.to_string()))?;
            let path = folder.data.join("ca/ca.pem");
            let text = format!("authority `{name}` made; stations need {}", path.display());
            printer.line(&text, &json!({"certificate": path}));
        }
        Ca::Show { folder } => {
            let authority = open(&folder)?;
            let text = authority.certificate_pem().trim_end();
            printer.line(text, &json!({"certificate": text}));
        }
        Ca::Server { host, folder, out, days } => {
            let validity = Validity::days_from(now_s, days);
            let issued = open(&folder)?
                .issue_new(&host, "Voltwin", Purpose::Server, validity)
                .map_err(CliError::failure)?;
            write(&out, &host, &issued, printer)?;
        }
        Ca::Issue { station, scope, csr, out, days } => {
            let request = csr.map(|csr| read(&csr)).transpose()?;
            issue(&station, &scope, request.as_deref(), &out, Validity::days_from(now_s, days), printer)
                .await?;
        }
        Ca::Revoke { which, scope } => {
            let store = open_tenant(&scope).await?;
            let which = which.to_ascii_lowercase().replace(':', "");
            let count = store.tenant(&scope.tenant).revoke_certificate(&which, BY, now).await?;
            printer.line(&format!("{count} certificate revoked"), &json!({"revoked": which}));
            store.close().await;
        }
        Ca::List { scope } => list(&scope, printer).await?,
    }
    Ok(())
}

async fn issue(
    station: &TwinId,
    scope: &Scope,
    request: Option<&str>,
    out: &std::path::Path,
    validity: Validity,
    printer: &Printer,
) -> Result<(), CliError> {
    let authority = open(&scope.folder)?;
    let store = open_tenant(scope).await?;
    let (name, tenant) = (station.as_str(), scope.tenant.as_str());
    let issued = match request {
        Some(request) => check_request(request, name, tenant)
            .and_then(|request| authority.issue_for(&request, name, tenant, validity)),
        None => authority.issue_new(name, tenant, Purpose::Station, validity),
    };
    let issued = issued.map_err(|error| CliError::input(error.to_string()))?;
    let certificate = Certificate::from_pem(&issued.chain_pem).map_err(CliError::failure)?;
    let at = SystemClock.now();
    let record = CertificateRecord {
        fingerprint: certificate.fingerprint,
        station: station.to_string(),
        serial: certificate.serial,
        not_after: Timestamp::from_micros(certificate.not_after_s.saturating_mul(1_000_000)),
        issued_at: at,
        issued_by: BY.to_owned(),
        revoked_at: None,
    };
    store.tenant(&scope.tenant).add_certificate(&record, at).await?;
    store.close().await;
    if issued.key_pem.is_some() {
        return write(out, name, &issued, printer);
    }
    let text = issued.chain_pem.trim_end();
    printer.line(text, &json!({"chain": text, "serial": record.serial, "fingerprint": record.fingerprint}));
    Ok(())
}

async fn list(scope: &Scope, printer: &Printer) -> Result<(), CliError> {
    let store = open_tenant(scope).await?;
    let mut cursor = None;
    loop {
        let page = store.tenant(&scope.tenant).certificates(None, cursor.as_deref(), 500).await?;
        for certificate in page.items {
            let state = if certificate.revoked_at.is_some() { "revoked" } else { "valid" };
            let line = format!(
                "{}  {}  {state}  until {}",
                certificate.station, certificate.serial, certificate.not_after
            );
            printer.line(&line, &json!(certificate));
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    store.close().await;
    Ok(())
}

fn open(folder: &Folder) -> Result<Authority, CliError> {
    Authority::open(&folder.data).map_err(|error| CliError::input(error.to_string()))
}

fn read(path: &std::path::Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| CliError::input(format!("{}: {error}", path.display())))
}

/// Writes certificate and key side by side; a key that lies there already is not touched.
fn write(
    out: &std::path::Path,
    name: &str,
    issued: &voltwin_pki::Issued,
    printer: &Printer,
) -> Result<(), CliError> {
    // an identity may hold what a file name should not
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    let (certificate, key) = (out.join(format!("{name}.pem")), out.join(format!("{name}.key")));
    issued.write(&certificate, &key).map_err(|error| CliError::input(error.to_string()))?;
    let text = format!("{} and {} written", certificate.display(), key.display());
    printer.line(&text, &json!({"certificate": certificate, "key": key}));
    Ok(())
}
