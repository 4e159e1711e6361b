//! One WebSocket to the central system.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, header},
        protocol::WebSocketConfig,
    },
};
use voltwin_ocpp::Version;

use super::StationConfig;
use super::wire::{Trust, Wire};
use crate::FleetError;

/// Connecting and each write must be done within this.
const WITHIN: Duration = Duration::from_secs(10);
/// Largest frame that is read.
pub(crate) const FRAME_MAX: usize = 256 * 1024;

/// Why a connection was not made or is gone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("no connection to {address}: {detail}")]
    Connect { address: String, detail: String },
    #[error("the central system refused the handshake: {detail}")]
    Handshake { detail: String },
    #[error("the central system did not choose {wanted}")]
    Protocol { wanted: &'static str },
    #[error("the connection is closed: {detail}")]
    Closed { detail: String },
}

/// Where and how to connect.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    url: String,
    address: String,
    version: Version,
    authorization: Option<String>,
    trust: Option<Trust>,
}

impl Target {
    /// Over TLS, where there is somebody to trust.
    pub(crate) fn new(config: &StationConfig) -> Result<Self, FleetError> {
        let trust = config.trust.as_ref();
        let bad = |reason| FleetError::Address { text: config.url.clone(), reason };
        let (scheme, expected) = match trust {
            None => (
                "ws://",
                "it must begin with ws://, or with wss:// where authorities to believe are given (--ca)",
            ),
            Some(_) => ("wss://", "it must begin with wss://"),
        };
        let rest = config.url.strip_prefix(scheme).ok_or_else(|| bad(expected))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = if trust.is_some() { 443 } else { 80 };
        let address = host_and_port(authority, port).ok_or_else(|| bad("it must name a host"))?;
        let mut url = format!("{scheme}{authority}");
        let tenant = config.tenant.as_deref().map(escape);
        let segments = path.split('/').map(str::to_owned).chain(tenant).chain([escape(&config.identity)]);
        for segment in segments.filter(|s| !s.is_empty()) {
            url.push('/');
            url.push_str(&segment);
        }
        if url.as_str().into_client_request().is_err() {
            return Err(bad("it is not an address"));
        }
        let authorization = config.password.as_ref().map(|password| basic(&config.identity, password));
        Ok(Self { url, address, version: config.version, authorization, trust: trust.cloned() })
    }

    /// From the next connection on the station comes with this password.
    pub(super) fn set_password(&mut self, identity: &str, password: &str) {
        self.authorization = Some(basic(identity, password));
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The host alone, as it stands in certificates.
    fn host(&self) -> &str {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The opening handshake as text, for a client that does not mean to keep to it.
    pub(crate) fn handshake(&self) -> String {
        let rest = self.url.strip_prefix("ws://").unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authorization =
            self.authorization.as_ref().map_or_else(String::new, |text| format!("Authorization: {text}\r\n"));
        format!(
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {}\r\n{authorization}\r\n",
            self.version.subprotocol()
        )
    }
}

fn basic(identity: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{identity}:{password}")))
}

/// `host:port` of the authority of an URL, with `port` when it names none.
pub(crate) fn host_and_port(authority: &str, port: u16) -> Option<String> {
    let authority = authority.rsplit('@').next()?;
    let has_port = authority.rsplit_once(':').is_some_and(|(host, port)| {
        !port.is_empty()
            && port.bytes().all(|b| b.is_ascii_digit())
            && (!host.contains(':') || host.ends_with(']'))
    });
    match authority {
        "" => None,
        _ if has_port => Some(authority.to_owned()),
        _ => Some(format!("{authority}:{port}")),
    }
}

/// Percent-encodes what a path segment may not hold.
fn escape(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$'()*+,=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// An open connection.
pub(crate) struct Link {
    socket: WebSocketStream<Wire>,
}

impl Link {
    pub(crate) async fn open(target: &Target) -> Result<Self, LinkError> {
        let connect = |detail: String| LinkError::Connect { address: target.address.clone(), detail };
        let stream = timeout(WITHIN, TcpStream::connect(&target.address))
            .await
            .map_err(|_| connect("timed out".into()))?
            .map_err(|e| connect(e.to_string()))?;
        stream.set_nodelay(true).map_err(|e| connect(e.to_string()))?;
        let handshake = |detail: String| LinkError::Handshake { detail };
        let stream = match &target.trust {
            None => Wire::Plain(stream),
            Some(trust) => timeout(WITHIN, trust.secure(stream, target.host()))
                .await
                .map_err(|_| handshake("TLS timed out".into()))?
                .map_err(|e| handshake(format!("TLS: {e}")))?,
        };
        let mut request = target.url.as_str().into_client_request().map_err(|e| handshake(e.to_string()))?;
        let headers = request.headers_mut();
        let subprotocol = target.version.subprotocol();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
        if let Some(text) = &target.authorization {
            let mut value = HeaderValue::from_str(text).map_err(|e| handshake(e.to_string()))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        // Small buffers: a load test holds ten thousand of these.
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * FRAME_MAX)
            .max_message_size(Some(FRAME_MAX))
            .max_frame_size(Some(FRAME_MAX));
        let (socket, response) = timeout(WITHIN, client_async_with_config(request, stream, Some(config)))
            .await
            .map_err(|_| handshake("timed out".into()))?
            .map_err(|e| handshake(e.to_string()))?;
        let chosen = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|v| v.to_str().ok());
        if chosen.is_none_or(|chosen| !chosen.eq_ignore_ascii_case(subprotocol)) {
            return Err(LinkError::Protocol { wanted: subprotocol });
        }
        Ok(Self { socket })
    }

    /// Sends one text frame.
    pub(crate) async fn send(&mut self, text: String) -> Result<(), LinkError> {
        match timeout(WITHIN, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(LinkError::Closed { detail: error.to_string() }),
            Err(_) => Err(LinkError::Closed { detail: "a write took too long".into() }),
        }
    }

    /// The next text frame. Safe to drop while it waits.
    pub(crate) async fn receive(&mut self) -> Result<String, LinkError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    let detail = frame.map_or("no reason".into(), |f| format!("{} {}", f.code, f.reason));
                    return Err(LinkError::Closed { detail });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(LinkError::Closed { detail: error.to_string() }),
                None => return Err(LinkError::Closed { detail: "end of stream".into() }),
            }
        }
    }

    /// Ends the connection at once, with a reset, as a power cut does.
    pub(crate) fn abort(self) {
        let _ = self.socket.get_ref().tcp().set_zero_linger();
    }

    pub(crate) async fn close(mut self) {
        let _ = timeout(Duration::from_secs(1), self.socket.close(None)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_built_and_bad_ones_refused() {
        let mut config = StationConfig::new("ws://h:1/ocpp/", "ST#1", Version::V16);
        config.tenant = Some("demo".into());
        let target = Target::new(&config).unwrap();
        assert_eq!((target.url.as_str(), target.address.as_str()), ("ws://h:1/ocpp/demo/ST%231", "h:1"));
        for bad in ["wss://h/ocpp", "http://h", "ws:///x", "ws://"] {
            config.url = bad.into();
            assert!(Target::new(&config).is_err(), "{bad}");
        }
        assert_eq!(host_and_port("[::1]:9", 80).as_deref(), Some("[::1]:9"));
        assert_eq!(host_and_port("[::1]", 80).as_deref(), Some("[::1]:80"));
        assert_eq!(host_and_port("example", 443).as_deref(), Some("example:443"));
    }
}
