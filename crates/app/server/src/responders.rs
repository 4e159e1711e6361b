//! Carries questions about certificates to the addresses that certificates name.
//!
//! Those addresses are a stranger's word. So only addresses of the public network are asked, and those that the
//! operator names (`--ocsp-host`): nobody can make this server knock at its neighbours' doors. The name is looked up
//! once, and what it was found to be is what is connected to.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, Url, redirect};
use voltwin_csms::{ResponderAnswer, Responders};
use voltwin_security::is_public;

/// How long a responder may take; the station waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of a response, and of a list.
const RESPONSE_BYTES_MAX: usize = 64 * 1024;
const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Asks over HTTP.
pub(crate) struct HttpResponders {
    /// `host:port` that may be asked wherever they are.
    named: Vec<String>,
}

impl HttpResponders {
    /// One that also asks these, each as `host:port` or `host`.
    pub(crate) fn new(named: Vec<String>) -> Self {
        Self { named }
    }

    fn is_named(&self, host: &str, port: u16) -> bool {
        let whole = format!("{host}:{port}");
        self.named.iter().any(|named| named.eq_ignore_ascii_case(host) || named.eq_ignore_ascii_case(&whole))
    }

    /// Where the address leads, when it may be asked.
    async fn places(&self, url: &Url) -> Result<(String, Vec<SocketAddr>), String> {
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() {
            return Err("the address of the responder is not http:// or https://".to_owned());
        }
        let host = url.host_str().ok_or("the address of the responder names no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or("the address of the responder names no port")?;
        let found = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((host.as_str(), port))).await;
        let found: Vec<SocketAddr> = found
            .map_err(|_| "the name of the responder was not found in time".to_owned())?
            .map_err(|error| format!("the name of the responder was not found: {error}"))?
            .collect();
        if !self.is_named(&host, port) && !found.iter().all(|place| is_public(place.ip())) {
            return Err(format!(
                "the responder `{host}` is not on the public network (`--ocsp-host` allows it all the same)"
            ));
        }
        Ok((host, found))
    }

    async fn bring(&self, url: &str, body: Option<Vec<u8>>, limit: usize) -> Result<Vec<u8>, String> {
        let url =
            Url::parse(url).map_err(|error| format!("the address of the responder is none: {error}"))?;
        let (host, places) = self.places(&url).await?;
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .resolve_to_addrs(&host, &places)
            .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        let request = match body {
            Some(body) => client
                .request(Method::POST, url)
                .header("content-type", "application/ocsp-request")
                .header("accept", "application/ocsp-response")
                .body(body),
            None => client.request(Method::GET, url),
        };
        let unreachable =
            |error: reqwest::Error| format!("the responder cannot be reached: {}", error.without_url());
        let mut answer = request.send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(format!("the responder answers HTTP {}", answer.status().as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > limit {
                return Err(format!("the responder sends more than {limit} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl Responders for HttpResponders {
    fn ocsp<'a>(&'a self, url: &'a str, request: Vec<u8>) -> ResponderAnswer<'a> {
        Box::pin(self.bring(url, Some(request), RESPONSE_BYTES_MAX))
    }

    fn list<'a>(&'a self, url: &'a str) -> ResponderAnswer<'a> {
        Box::pin(self.bring(url, None, LIST_BYTES_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_neighbour_is_asked_only_when_the_operator_names_it() {
        let url = |text: &str| Url::parse(text).unwrap();
        let asks = HttpResponders::new(vec!["127.0.0.1:2560".to_owned()]);
        assert!(asks.places(&url("http://127.0.0.1:2560/x")).await.is_ok());
        let refused = asks.places(&url("http://127.0.0.1:2561/")).await.unwrap_err();
        assert!(refused.contains("--ocsp-host"), "{refused}");
        assert!(asks.places(&url("http://[::1]:2560/")).await.is_err());
        assert!(asks.places(&url("file:///etc/passwd")).await.is_err());
        assert!(asks.places(&url("http://user@127.0.0.1:2560/")).await.is_err());
    }
}
