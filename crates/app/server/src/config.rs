use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use voltwin_identity::Issuers;

/// How the server treats its clients.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Whether cookies are for HTTPS only; true wherever TLS is spoken, by us or by a proxy before us.
    pub secure_cookies: bool,
    /// How long a sign-in lasts.
    pub session: Duration,
    /// Requests that are worked on at once; more are answered 503. WebSockets do not count.
    pub requests_max: usize,
    /// Live streams that one tenant may have open at once, and event streams of all; more are answered 503.
    pub live_clients_max: usize,
    /// Where stations reach us, such as `https://csms.example`; without it, as whoever asks for a log or an update
    /// reaches us.
    pub public_url: Option<String>,
    /// How often a station is pinged; two pings without any sign of life end its connection.
    pub ping_every: Duration,
    /// Bytes of one log that a station sends.
    pub log_bytes_max: u64,
    /// Bytes of one firmware.
    pub firmware_bytes_max: u64,
    /// Bytes of all files of one tenant.
    pub files_bytes_max: u64,
    /// Authorities whose partners (OCPI) are believed, beside those of the machine.
    pub partner_authorities: Vec<CertificateDer<'static>>,
    /// OCSP responders and places of revocation lists that are asked though they are not on the public network, each
    /// as `host` or `host:port`.
    pub responders: Vec<String>,
    /// Whose bearer tokens are believed at the data plane of Azure Digital Twins.
    pub issuers: Arc<Issuers>,
    /// The domain whose hosts name tenants: `north.twins.example` is the tenant `north` where this is `twins.example`.
    pub tenant_domain: Option<String>,
    /// Hosts of blobs that imports may reach though they are not on the public network, each as `host` or `host:port`.
    pub blob_hosts: Vec<String>,
    /// `host` or `host:port` that events may be sent to though they are not on the public network.
    pub event_hosts: Vec<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            secure_cookies: false,
            session: Duration::from_secs(12 * 3_600),
            requests_max: 1_024,
            live_clients_max: 256,
            public_url: None,
            ping_every: Duration::from_secs(30),
            log_bytes_max: 64 * 1024 * 1024,
            firmware_bytes_max: 256 * 1024 * 1024,
            files_bytes_max: 2 * 1024 * 1024 * 1024,
            partner_authorities: Vec::new(),
            responders: Vec::new(),
            issuers: Arc::default(),
            tenant_domain: None,
            blob_hosts: Vec::new(),
            event_hosts: Vec::new(),
        }
    }
}
