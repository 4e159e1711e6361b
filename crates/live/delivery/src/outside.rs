//! Which addresses events may be sent to.
//!
//! An endpoint is set up over the API, so its address is the word of a tenant, who must not make this server knock at
//! its neighbours' doors. Only addresses of the public network are called, and those that the operator names
//! (`--event-host`). A name is looked up once, and what it was found to be is what is connected to.

use std::net::SocketAddr;
use std::time::Duration;

use voltwin_security::is_public;

/// How long looking up a name may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside {
    /// `host` or `host:port` that may be called wherever they are.
    named: Vec<String>,
}

impl Outside {
    pub(crate) fn new(named: Vec<String>) -> Self {
        Self { named }
    }

    fn is_named(&self, host: &str, port: u16) -> bool {
        let whole = format!("{host}:{port}");
        self.named.iter().any(|named| named.eq_ignore_ascii_case(host) || named.eq_ignore_ascii_case(&whole))
    }

    /// Where a host is, when it may be called.
    pub(crate) async fn places(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let host = host.trim_matches(['[', ']']);
        let found = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((host, port))).await;
        let found: Vec<SocketAddr> = found
            .map_err(|_| format!("the name `{host}` was not found in time"))?
            .map_err(|error| format!("the name `{host}` was not found: {error}"))?
            .collect();
        if !self.is_named(host, port) && !found.iter().all(|place| is_public(place.ip())) {
            return Err(format!(
                "`{host}` is not on the public network (`--event-host` allows it all the same)"
            ));
        }
        if found.is_empty() {
            return Err(format!("the name `{host}` has no address"));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_neighbour_is_called_only_when_the_operator_names_it() {
        let outside = Outside::new(vec!["127.0.0.1:2560".to_owned(), "::1".to_owned()]);
        assert!(outside.places("127.0.0.1", 2560).await.is_ok());
        assert!(outside.places("[::1]", 80).await.is_ok());
        for (host, port) in
            [("127.0.0.1", 2561), ("10.0.0.1", 80), ("169.254.169.254", 80), ("localhost", 80)]
        {
            let refused = outside.places(host, port).await.unwrap_err();
            assert!(refused.contains("--event-host"), "{refused}");
        }
    }
}
