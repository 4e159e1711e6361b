//! Where stations reach us, for the addresses that they are given.

use axum::extract::FromRequestParts;
use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use voltwin_csms::Peer;

use super::Problem;
use crate::state::AppState;

/// Our address without a slash at its end: as configured, else as whoever asks reaches us. A server may have a port
/// with TLS and one without, so it is the connection of the request that says which this is.
#[derive(Debug)]
pub(crate) struct Reached(String);

impl Reached {
    /// Over HTTP.
    pub(crate) fn http(&self) -> &str {
        &self.0
    }

    /// The OCPP endpoint of a tenant.
    pub(crate) fn ocpp(&self, tenant: impl std::fmt::Display) -> String {
        let rest = self.0.strip_prefix("http").unwrap_or(&self.0);
        format!("ws{rest}/ocpp/{tenant}")
    }
}

impl FromRequestParts<AppState> for Reached {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let tls = state.config.secure_cookies || parts.extensions.get::<Peer>().is_some_and(|peer| peer.tls);
        match &state.config.public_url {
            Some(url) => Ok(Self(url.trim_end_matches('/').to_owned())),
            None => seen(parts, tls).map(Self),
        }
    }
}

fn seen(parts: &Parts, tls: bool) -> Result<String, Problem> {
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).ok_or_else(|| Problem::field("Host", "the header `Host` is missing"))?;
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte)) {
        return Err(Problem::field("Host", "the header `Host` must be a host name or address and a port"));
    }
    let secure = tls || text(HeaderName::from_static("x-forwarded-proto")) == Some("https");
    Ok(format!("{}://{host}", if secure { "https" } else { "http" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    #[test]
    fn the_connection_says_how_we_are_reached() {
        let parts = |headers: &[(&str, &str)]| {
            let request = Request::builder().uri("/");
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            request.body(()).unwrap().into_parts().0
        };
        let host = parts(&[("host", "[::1]:8443")]);
        assert_eq!(seen(&host, true).unwrap(), "https://[::1]:8443");
        assert_eq!(seen(&host, false).unwrap(), "http://[::1]:8443");
        let proxied = parts(&[("host", "csms.example"), ("x-forwarded-proto", "https")]);
        let proxied = Reached(seen(&proxied, false).unwrap());
        assert_eq!(proxied.http(), "https://csms.example");
        assert_eq!(proxied.ocpp("north"), "wss://csms.example/ocpp/north");
        assert!(seen(&parts(&[("host", "a/b@c")]), false).is_err());
        assert!(seen(&parts(&[]), false).is_err());
    }
}
