//! TLS and security profiles: who is let in, and that everybody else is refused before the first OCPP frame.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber};
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::sync::CancellationToken;
use voltwin_core::{TenantId, Timestamp};
use voltwin_csms::{CentralSystem, CsmsConfig};
use voltwin_history::History;
use voltwin_pki::{Authority, Certificate, Issued, Purpose, Validity};
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_security::{PasswordHash, Secret};
use voltwin_server::{Listeners, Server, ServerConfig, Tls, TlsFiles};
use voltwin_store::{CertificateRecord, NoteFilter, Store, TokenPolicy};

const PASSWORD: &str = "correct horse battery staple";

struct Secure {
    authority: Authority,
    runtime: Runtime,
    tls: SocketAddr,
    plain: SocketAddr,
    cancel: CancellationToken,
    folder: tempfile::TempDir,
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn valid() -> Validity {
    Validity::days_from(now_s(), 30)
}

fn revocations(folder: &Path, serial: Option<&str>) {
    let key = KeyPair::from_pem(&std::fs::read_to_string(folder.join("ca/ca.key")).unwrap()).unwrap();
    let certificate = std::fs::read_to_string(folder.join("ca/ca.pem")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&certificate, key).unwrap();
    let day = |year| rcgen::date_time_ymd(year, 1, 1);
    let revoked = serial.map(|serial| {
        let even = if serial.len() % 2 == 1 { format!("0{serial}") } else { serial.to_owned() };
        let byte = |at: usize| u8::from_str_radix(&even[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..even.len()).step_by(2).map(byte).collect();
        RevokedCertParams {
            serial_number: SerialNumber::from_slice(&bytes),
            revocation_time: day(2024),
            reason_code: None,
            invalidity_date: None,
        }
    });
    let list = CertificateRevocationListParams {
        this_update: day(2024),
        next_update: day(2090),
        crl_number: SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs: revoked.into_iter().collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    std::fs::write(folder.join("crl.pem"), list.signed_by(&issuer).unwrap().pem().unwrap()).unwrap();
}

impl Secure {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let store = Store::open(path).await.unwrap();
        for name in ["north", "south"] {
            let tenant: TenantId = name.parse().unwrap();
            store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        }
        let north = store.tenant(&"north".parse().unwrap());
        let hash = PasswordHash::hash(&Secret::new(PASSWORD)).await.unwrap();
        for profile in 0..=3_u8 {
            let (id, at) = (format!("P{profile}"), Timestamp::from_micros(1));
            let password = Some(&hash).filter(|_| profile > 0);
            north.add_station(&id, &id, password, "test", at).await.unwrap();
            north.set_station_profile(&id, profile, "test", at).await.unwrap();
        }
        let authority = Authority::init(path, "Test roads", valid()).unwrap();
        let server = authority.issue_new("localhost", "Voltwin", Purpose::Server, valid()).unwrap();
        server.write(&path.join("server.pem"), &path.join("server.key")).unwrap();
        revocations(path, None);
        let tls = Tls::load(TlsFiles {
            certificate: path.join("server.pem"),
            key: path.join("server.key"),
            client_authorities: vec![path.join("ca/ca.pem")],
            revocations: vec![path.join("crl.pem")],
        })
        .unwrap();
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
        let history = History::open(path).await.unwrap();
        let server = Server::new(ServerConfig::default(), runtime.clone(), csms, history);
        let (open, secure) = (listener().await, listener().await);
        let addresses = (open.local_addr().unwrap(), secure.local_addr().unwrap());
        let cancel = CancellationToken::new();
        let closing = cancel.clone();
        let listeners = Listeners { plain: Some(open), tls: Some((secure, tls)) };
        tokio::spawn(async move { server.serve_all(listeners, closing).await });
        Self { authority, runtime, tls: addresses.1, plain: addresses.0, cancel, folder }
    }

    /// A station's own certificate, remembered as ours are.
    async fn certificate(&self, station: &str, validity: Validity) -> (Issued, CertificateRecord) {
        let issued = self.authority.issue_new(station, "north", Purpose::Station, validity).unwrap();
        let certificate = Certificate::from_pem(&issued.chain_pem).unwrap();
        let record = CertificateRecord {
            fingerprint: certificate.fingerprint,
            station: station.to_owned(),
            serial: certificate.serial,
            not_after: Timestamp::from_micros(certificate.not_after_s * 1_000_000),
            issued_at: Timestamp::from_micros(1),
            issued_by: "test".to_owned(),
            revoked_at: None,
        };
        let store = self.runtime.store().tenant(&"north".parse().unwrap());
        store.add_certificate(&record, Timestamp::from_micros(1)).await.unwrap();
        (issued, record)
    }

    /// What becomes of a station that knocks: `in`, the status of the refusal, or `no handshake`.
    async fn knock(&self, path: &str, password: Option<&str>, shown: Option<&Issued>) -> String {
        let socket = TcpStream::connect(self.tls).await.unwrap();
        let config = client(&self.authority, shown);
        let name = ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        match connector.connect(name, socket).await {
            Ok(stream) => upgrade(stream, path, password).await,
            Err(_) => "no handshake".to_owned(),
        }
    }

    async fn knock_plain(&self, path: &str, password: Option<&str>) -> String {
        upgrade(TcpStream::connect(self.plain).await.unwrap(), path, password).await
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn client(authority: &Authority, shown: Option<&Issued>) -> rustls::ClientConfig {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let Some(shown) = shown else { return builder.with_no_client_auth() };
    let chain = CertificateDer::pem_slice_iter(shown.chain_pem.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(shown.key_pem.as_ref().unwrap().as_bytes()).unwrap();
    builder.with_client_auth_cert(chain, key).unwrap()
}

async fn upgrade<S>(stream: S, path: &str, password: Option<&str>) -> String
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    use base64::Engine as _;
    let station = path.rsplit('/').next().unwrap();
    let mut request = format!("ws://localhost/ocpp/{path}").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", "ocpp1.6".parse().unwrap());
    if let Some(password) = password {
        let login = base64::prelude::BASE64_STANDARD.encode(format!("{station}:{password}"));
        headers.insert("authorization", format!("Basic {login}").parse().unwrap());
    }
    match tokio_tungstenite::client_async(request, stream).await {
        Ok(_) => "in".to_owned(),
        Err(tungstenite::Error::Http(response)) => response.status().as_u16().to_string(),
        Err(_) => "no handshake".to_owned(),
    }
}

#[tokio::test]
async fn every_profile_lets_in_who_proves_enough_and_nobody_else() {
    let world = Secure::start().await;
    let foreign = tempfile::tempdir().unwrap();
    let foreign = Authority::init(foreign.path(), "Test roads", valid()).unwrap();
    let day = |days: i64| now_s() + days * 86_400;
    let (wrong, right) = (Some("not the right password"), Some(PASSWORD));
    for profile in 1..=3_u8 {
        let station = format!("P{profile}");
        let with_password = |found: &'static str| if profile < 3 { "in" } else { found };
        let (good, _) = world.certificate(&station, valid()).await;
        let strange = foreign.issue_new(&station, "north", Purpose::Station, valid()).unwrap();
        let (late, _) = world.certificate(&station, Validity { from_s: day(-9), to_s: day(-1) }).await;
        let (early, _) = world.certificate(&station, Validity { from_s: day(1), to_s: day(9) }).await;
        let (other, _) = world.certificate("P9", valid()).await;
        let (gone, record) = world.certificate(&station, valid()).await;
        let store = world.runtime.store().tenant(&"north".parse().unwrap());
        store.revoke_certificate(&record.serial, "test", Timestamp::from_micros(2)).await.unwrap();
        let alone = if profile == 3 { "in" } else { "401" };
        let cases: [(&str, Option<&str>, Option<&Issued>, &str); 12] = [
            ("good", right, Some(&good), "in"),
            ("certificate alone", None, Some(&good), alone),
            ("wrong password", wrong, None, "401"),
            ("no certificate", right, None, with_password("403")),
            ("nothing at all", None, None, "401"),
            ("foreign authority", right, Some(&strange), "no handshake"),
            ("expired", right, Some(&late), "no handshake"),
            ("not yet valid", right, Some(&early), "no handshake"),
            ("revoked", right, Some(&gone), with_password("403")),
            ("revoked, no password", None, Some(&gone), "401"),
            ("for another station", right, Some(&other), with_password("403")),
            ("for another station, no password", None, Some(&other), "401"),
        ];
        for (name, password, shown, expected) in cases {
            assert_eq!(world.knock(&station, password, shown).await, expected, "profile {profile}: {name}");
        }
        // a certificate of this tenant's station opens nothing of another tenant
        assert_eq!(world.knock(&format!("south/{station}"), right, Some(&good)).await, "401");
    }
    assert_eq!(world.knock("P0", None, None).await, "in", "profile 0 was asked for");
    assert_eq!(world.knock("P7", None, None).await, "401", "a stranger");
}

#[tokio::test]
async fn a_profile_is_never_lowered_on_the_plain_port() {
    let world = Secure::start().await;
    let right = Some(PASSWORD);
    assert_eq!(world.knock_plain("P1", right).await, "in");
    assert_eq!(world.knock_plain("P2", right).await, "403");
    assert_eq!(world.knock_plain("P3", right).await, "403");
    // who does not know the password is told nothing of the profile
    assert_eq!(world.knock_plain("P3", None).await, "401");
    assert_eq!(world.knock_plain("P3", Some("not the right password")).await, "401");
    let store = world.runtime.store().tenant(&"north".parse().unwrap());
    let filter = NoteFilter { topic: "security_event".to_owned(), twin: Some("P3".to_owned()) };
    let notes = store.notes(&filter, None, 10).await.unwrap().items;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].detail["type"], "ConnectionBelowSecurityProfile");
}

#[tokio::test]
async fn changed_files_count_within_a_second_and_open_connections_stay() {
    let world = Secure::start().await;
    let (good, record) = world.certificate("P3", valid()).await;
    let socket = TcpStream::connect(world.tls).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client(&world.authority, Some(&good))));
    let mut open = connector.connect(name.clone(), socket).await.unwrap();
    let before = open.get_ref().1.peer_certificates().unwrap()[0].clone();

    let renewed = world.authority.issue_new("localhost", "Voltwin", Purpose::Server, valid()).unwrap();
    let path = world.folder.path();
    std::fs::remove_file(path.join("server.key")).unwrap();
    renewed.write(&path.join("server.pem"), &path.join("server.key")).unwrap();
    revocations(path, Some(&record.serial));
    tokio::time::sleep(Duration::from_secs(1)).await;

    let socket = TcpStream::connect(world.tls).await.unwrap();
    let plain = tokio_rustls::TlsConnector::from(Arc::new(client(&world.authority, None)));
    let fresh = plain.connect(name, socket).await.unwrap();
    assert_ne!(
        fresh.get_ref().1.peer_certificates().unwrap()[0],
        before,
        "new handshakes see the new certificate"
    );
    assert_eq!(
        world.knock("P3", None, Some(&good)).await,
        "no handshake",
        "it is on the list of revocations now"
    );
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    open.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn half_open_handshakes_and_slow_heads_keep_nobody_out() {
    let world = Secure::start().await;
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(TcpStream::connect(world.tls).await.unwrap());
        let mut slow = TcpStream::connect(world.plain).await.unwrap();
        slow.write_all(b"GET /oc").await.unwrap();
        held.push(slow);
    }
    let begun = std::time::Instant::now();
    assert_eq!(world.knock("P2", Some(PASSWORD), None).await, "in");
    assert_eq!(world.knock_plain("P1", Some(PASSWORD)).await, "in");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // the server hangs up on them by itself
    let hung_up = async {
        for mut socket in held {
            while !matches!(socket.read(&mut [0; 512]).await, Ok(0) | Err(_)) {}
        }
    };
    tokio::time::timeout(Duration::from_secs(15), hung_up).await.unwrap();
}
