//! Files of others: blobs behind an address with its own proof (SAS), read and written over HTTP.
//!
//! An address is a caller's word. So only the public network is reached, and the hosts that the operator names: nobody
//! can make this server knock at its neighbours' doors. The name is looked up once, and what it was found to be is what
//! is connected to.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, TryStreamExt as _, try_unfold};
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::{Client, Url, redirect};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use voltwin_security::is_public;

/// How long a connection, and each part of a file, may take.
const STEP: Duration = Duration::from_secs(30);
/// How long a whole file may take.
const WHOLE: Duration = Duration::from_secs(6 * 3_600);
/// Bytes of a file that are read at once.
const PART_BYTES: usize = 64 * 1024;
/// The version of Azure's blob service that is spoken.
const SERVICE_VERSION: &str = "2021-12-02";

/// Reaches blobs.
#[derive(Debug)]
pub(crate) struct Blobs {
    /// `host` or `host:port` that may be reached wherever they are.
    named: Vec<String>,
}

impl Blobs {
    pub(crate) fn new(named: Vec<String>) -> Self {
        Self { named }
    }

    /// Whether an address may be that of a blob at all; the network is not asked.
    pub(crate) fn check(address: &str) -> Result<Url, String> {
        let url = Url::parse(address).map_err(|error| format!("it is no address: {error}"))?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
        let usable = plain && url.password().is_none() && url.has_host();
        if usable { Ok(url) } else { Err("it must be an http:// or https:// address".to_owned()) }
    }

    fn is_named(&self, host: &str, port: u16) -> bool {
        let whole = format!("{host}:{port}");
        self.named.iter().any(|named| named.eq_ignore_ascii_case(host) || named.eq_ignore_ascii_case(&whole))
    }

    async fn client(&self, url: &Url) -> Result<Client, String> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or("it names no port")?;
        let found = tokio::time::timeout(STEP, tokio::net::lookup_host((host.as_str(), port))).await;
        let found: Vec<SocketAddr> = found
            .map_err(|_| "its host was not found in time".to_owned())?
            .map_err(|error| format!("its host was not found: {error}"))?
            .collect();
        if !self.is_named(&host, port) && !found.iter().all(|place| is_public(place.ip())) {
            return Err(format!(
                "`{host}` is not on the public network (`--blob-host` allows it all the same)"
            ));
        }
        Client::builder()
            .connect_timeout(STEP)
            .read_timeout(STEP)
            .timeout(WHOLE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .resolve_to_addrs(&host, &found)
            .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())
    }

    /// Reads a blob into a file.
    pub(crate) async fn fetch(&self, address: &str, into: &Path, limit: u64) -> Result<u64, String> {
        let url = Self::check(address)?;
        let request = self.client(&url).await?.get(url).header("x-ms-version", SERVICE_VERSION);
        let mut answer = request.send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(format!("its host answers HTTP {}", answer.status().as_u16()));
        }
        let lost = |error: io::Error| format!("it cannot be kept: {error}");
        let mut file = File::create(into).await.map_err(lost)?;
        let mut bytes: u64 = 0;
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            bytes += chunk.len() as u64;
            if bytes > limit {
                return Err(format!("it has more than {limit} bytes"));
            }
            file.write_all(&chunk).await.map_err(lost)?;
        }
        file.sync_all().await.map_err(lost)?;
        Ok(bytes)
    }

    /// Writes a file as a blob.
    pub(crate) async fn store(&self, address: &str, from: &Path) -> Result<(), String> {
        let url = Self::check(address)?;
        let client = self.client(&url).await?;
        let lost = |error: io::Error| format!("the log cannot be read: {error}");
        let file = File::open(from).await.map_err(lost)?;
        let bytes = file.metadata().await.map_err(lost)?.len();
        let request = client
            .put(url)
            .header("x-ms-version", SERVICE_VERSION)
            .header("x-ms-blob-type", "BlockBlob")
            .header("content-type", "application/x-ndjson")
            .header("content-length", bytes)
            .body(reqwest::Body::wrap(StreamBody::new(parts(file).map_ok(Frame::data))));
        let answer = request.send().await.map_err(unreachable)?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(format!("its host answers HTTP {}", answer.status().as_u16()))
    }
}

/// The bytes of a file, part by part.
pub(super) fn parts(file: File) -> impl Stream<Item = io::Result<Bytes>> {
    try_unfold(file, |mut file| async move {
        let mut part = vec![0; PART_BYTES];
        let read = file.read(&mut part).await?;
        part.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(part), file)))
    })
}

/// Without the address: it holds the proof.
fn unreachable(error: reqwest::Error) -> String {
    format!("its host cannot be reached: {}", error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_public_network_and_named_hosts_are_reached() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(vec!["127.0.0.1:9".to_owned()]);
        let into = folder.path().join("x");
        let why = |address: &'static str| {
            let (blobs, into) = (&blobs, &into);
            async move { blobs.fetch(address, into, 10).await.unwrap_err() }
        };
        assert!(why("http://127.0.0.1:10/x?sig=secret").await.contains("--blob-host"));
        assert!(why("http://[::1]:9/x").await.contains("--blob-host"));
        assert!(why("http://169.254.169.254/metadata").await.contains("--blob-host"));
        let reached = why("http://127.0.0.1:9/x?sig=secret").await;
        assert!(reached.contains("cannot be reached") && !reached.contains("secret"), "{reached}");
        for bad in ["file:///etc/passwd", "x", "http://user:pw@blob.example/x", "https://"] {
            assert!(Blobs::check(bad).is_err(), "{bad}");
        }
    }
}
