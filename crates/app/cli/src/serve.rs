//! `voltwin serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use voltwin_csms::CsmsConfig;

use voltwin_identity::{AZURE_AUDIENCES, Issuers, Settings};
use voltwin_ocpp::Validation;
use voltwin_pki::{Authority, ContractService, Signer, VehicleAuthorities};
use voltwin_server::{Listeners, ServerConfig, Tls, TlsFiles};

use crate::error::CliError;
use crate::node::Node;
use crate::print_line;

const LISTEN: &str = "127.0.0.1:8080";
const LISTEN_TLS: &str = "127.0.0.1:8443";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The data folder; made when missing.
    #[arg(long, value_name = "DIR", env = "VOLTWIN_DATA")]
    data: PathBuf,
    /// Address and port to listen on, with TLS when there is a --tls-cert; port 0 takes a free one. [default:
    /// 127.0.0.1:8080, with TLS 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR", env = "VOLTWIN_LISTEN")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    tls: TlsArgs,
    /// Let registered stations that have no password connect without any proof. For closed networks only.
    #[arg(long)]
    allow_unauthenticated: bool,
    /// A command that signs for stations instead of our own authority: it reads a signing request (PEM) and prints
    /// the chain (PEM).
    #[arg(long, value_name = "FILE", env = "VOLTWIN_CA_COMMAND")]
    ca_command: Option<PathBuf>,
    /// Days that a station's certificate lasts, where our own authority signs it.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    ca_days: u32,
    /// How strictly stations are held to the protocol where no rule says otherwise: strict, lenient or quarantine.
    #[arg(long, value_name = "POLICY", env = "VOLTWIN_VALIDATION", default_value_t = Validation::Strict)]
    validation: Validation,
    /// Where stations reach this server, for the addresses to which they send logs and from which they fetch firmware;
    /// without it, as whoever asks reaches it.
    #[arg(long, value_name = "URL", env = "VOLTWIN_PUBLIC_URL")]
    public_url: Option<String>,
    /// An authority that partners by OCPI and endpoints of events may have their certificates from, beside those of this
    /// machine (PEM).
    #[arg(long, value_name = "FILE")]
    ocpi_ca: Vec<PathBuf>,
    /// An authority of the vehicle side, root or below (PEM): contract certificates are judged by them, and answers about
    /// revoked certificates.
    #[arg(long, value_name = "FILE")]
    v2g_ca: Vec<PathBuf>,
    /// A command that makes contract certificates for vehicles: it reads the station's request
    /// (Get15118EVCertificate, JSON) and prints the answer.
    #[arg(long, value_name = "FILE", env = "VOLTWIN_CONTRACT_COMMAND")]
    contract_command: Option<PathBuf>,
    /// An OCSP responder or place of revocation lists that may be asked though it is not on the public network: HOST or
    /// HOST:PORT.
    #[arg(long, value_name = "HOST")]
    ocsp_host: Vec<String>,
    /// An issuer of bearer tokens (OpenID Connect) that is believed at the data plane of Azure Digital Twins, as it names
    /// itself; `{tenantid}` in it stands for any directory. `voltwin admin instance directory` says whom each tenant
    /// lets in.
    #[arg(long, value_name = "URL", env = "VOLTWIN_OIDC_ISSUER", value_delimiter = ',')]
    oidc_issuer: Vec<String>,
    /// What such tokens may be meant for. [default: the resource of Azure Digital Twins, by name and by id]
    #[arg(long, value_name = "AUDIENCE", env = "VOLTWIN_OIDC_AUDIENCE", value_delimiter = ',')]
    oidc_audience: Vec<String>,
    /// The domain whose hosts name tenants: with `twins.example`, `north.twins.example` is the tenant `north`.
    #[arg(long, value_name = "DOMAIN", env = "VOLTWIN_TENANT_DOMAIN")]
    tenant_domain: Option<String>,
    /// A host of blobs that imports may reach though it is not on the public network: HOST or HOST:PORT.
    #[arg(long, value_name = "HOST")]
    blob_host: Vec<String>,
    /// Where events may be sent though it is not on the public network: HOST or HOST:PORT.
    #[arg(long, value_name = "HOST")]
    event_host: Vec<String>,
    /// Live streams that one tenant may have open at once, and event streams of all; 1 to 10000.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    streams: u32,
    /// Seconds between two tellings of what a running transaction costs, at least.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    cost_every: u32,
    /// Does not ask a new station by itself for everything that it is.
    #[arg(long)]
    no_first_report: bool,
}

#[derive(clap::Args)]
struct TlsArgs {
    /// Our certificate followed by what signed it (PEM); with it, TLS is spoken. Read again when it changes.
    #[arg(long, value_name = "FILE", env = "VOLTWIN_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of our certificate (PEM).
    #[arg(long, value_name = "FILE", env = "VOLTWIN_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen here as well, without TLS: for stations of security profile 1.
    #[arg(long, value_name = "ADDR", env = "VOLTWIN_LISTEN_PLAIN", requires = "tls_cert")]
    listen_plain: Option<SocketAddr>,
    /// Authorities whose client certificates stations may show (PEM), beside the one of `voltwin admin ca init`.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Vec<PathBuf>,
    /// A list of client certificates that were taken back (CRL, PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_crl: Vec<PathBuf>,
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    let listeners = listeners(&args).await?;
    if let Some(url) = &args.public_url
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        return Err(CliError::input(format!("--public-url {url}: it must begin with http:// or https://")));
    }
    let mut csms = CsmsConfig {
        allow_unauthenticated: args.allow_unauthenticated,
        signer: signer(&args)?,
        vehicle_authorities: vehicle_authorities(&args.v2g_ca)?,
        contract_service: args.contract_command.as_deref().map(ContractService::new),
        validation: args.validation,
        cost_every_s: args.cost_every,
        ..CsmsConfig::default()
    };
    if args.no_first_report {
        csms.first_report_s = None;
    }
    // where no page is ever served in plain text, no cookie ever has to travel so
    let server = ServerConfig {
        secure_cookies: listeners.plain.is_none(),
        public_url: args.public_url,
        partner_authorities: voltwin_server::authorities(&args.ocpi_ca)
            .map_err(|error| CliError::input(format!("--ocpi-ca: {error}")))?,
        responders: args.ocsp_host,
        issuers: Arc::new(issuers(args.oidc_issuer, args.oidc_audience)?),
        tenant_domain: args.tenant_domain.map(|domain| domain.to_ascii_lowercase()),
        blob_hosts: args.blob_host,
        event_hosts: args.event_host,
        live_clients_max: args.streams as usize,
        ..ServerConfig::default()
    };
    let node = Node::start_with(&args.data, csms, server).await?;
    if let Some(listener) = &listeners.plain {
        print_line(&format!("listening http://{}", listener.local_addr()?));
    }
    if let Some((listener, _)) = &listeners.tls {
        print_line(&format!("listening https://{}", listener.local_addr()?));
    }
    node.serve_all(listeners, cancel).await
}

fn issuers(issuers: Vec<String>, mut audiences: Vec<String>) -> Result<Issuers, CliError> {
    if audiences.is_empty() {
        audiences = AZURE_AUDIENCES.map(str::to_owned).to_vec();
    }
    let settings = Settings { issuers, audiences };
    Issuers::new(settings).map_err(|error| CliError::input(format!("--oidc-issuer: {error}")))
}

async fn listeners(args: &Args) -> Result<Listeners, CliError> {
    let address = |text: &str| text.parse::<SocketAddr>().map_err(|error| CliError::input(error.to_string()));
    let (Some(certificate), Some(key)) = (&args.tls.tls_cert, &args.tls.tls_key) else {
        let plain = bind(args.listen.map_or_else(|| address(LISTEN), Ok)?).await?;
        return Ok(Listeners { plain: Some(plain), tls: None });
    };
    let mut client_authorities = args.tls.client_ca.clone();
    client_authorities.extend(Authority::certificate_file(&args.data));
    let files = TlsFiles {
        certificate: certificate.clone(),
        key: key.clone(),
        client_authorities,
        revocations: args.tls.client_crl.clone(),
    };
    let tls = Tls::load(files).map_err(|error| CliError::input(error.to_string()))?;
    let secure = bind(args.listen.map_or_else(|| address(LISTEN_TLS), Ok)?).await?;
    let plain = match args.tls.listen_plain {
        Some(listen) => Some(bind(listen).await?),
        None => None,
    };
    Ok(Listeners { plain, tls: Some((secure, tls)) })
}

fn vehicle_authorities(paths: &[PathBuf]) -> Result<Option<VehicleAuthorities>, CliError> {
    if paths.is_empty() {
        return Ok(None);
    }
    let read = VehicleAuthorities::read(paths);
    read.map(Some).map_err(|error| CliError::input(format!("--v2g-ca: {error}")))
}

/// The operator's command, else our own authority if there is one.
fn signer(args: &Args) -> Result<Option<Signer>, CliError> {
    if let Some(command) = &args.ca_command {
        return Ok(Some(Signer::Command(command.clone())));
    }
    own_signer(&args.data, args.ca_days)
}

fn own_signer(data: &Path, days: u32) -> Result<Option<Signer>, CliError> {
    if Authority::certificate_file(data).is_none() {
        return Ok(None);
    }
    let authority = Authority::open(data).map_err(CliError::failure)?;
    Ok(Some(Signer::Authority(Arc::new(authority), days)))
}

/// Binds first, so that a taken port is told before the data folder is touched.
pub(crate) async fn bind(listen: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(listen)
        .await
        .map_err(|error| CliError::input(format!("cannot listen on {listen}: {error}")))
}
