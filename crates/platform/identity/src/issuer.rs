//! One issuer: where its keys are, and when to ask for them again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use voltwin_core::Timestamp;

use crate::claims::Claims;
use crate::keys::{Document, Key};
use crate::{IdentityError, trimmed};

/// How long an issuer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long keys are used without asking again.
const FRESH: Duration = Duration::from_secs(3_600);
/// How soon an issuer is asked again, at the earliest.
pub const RETRY_MIN: Duration = Duration::from_secs(30);
/// How long it is left alone at most, after many failures.
pub const RETRY_MAX: Duration = Duration::from_secs(600);
/// Bytes of a document at most.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// What stands for the directory in the name of an issuer that serves many.
const DIRECTORY: &str = "{tenantid}";

#[derive(Debug)]
pub(crate) struct Issuer {
    /// As it names itself, without a slash at the end.
    name: String,
    client: reqwest::Client,
    known: RwLock<Known>,
    /// Held while the issuer is asked, so that a thousand tokens ask once.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Arc<Key>>,
    fetched: Option<Timestamp>,
    asked: Option<Timestamp>,
    failures: u32,
    last_failure: String,
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched.is_some_and(|at| now.seconds_since(at) < FRESH.as_secs_f64())
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        let doubled = RETRY_MIN.saturating_mul(1 << self.failures.saturating_sub(1).min(16));
        let wait = doubled.clamp(RETRY_MIN, RETRY_MAX);
        self.asked.is_none_or(|at| now.seconds_since(at) >= wait.as_secs_f64())
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuer {
    pub(crate) fn new(url: &str) -> Result<Self, IdentityError> {
        let name = trimmed(url.trim()).to_owned();
        let parsed = reqwest::Url::parse(&name).ok();
        let usable = parsed.filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        if usable.is_none() {
            let reason = format!("the issuer `{name}` is no http:// or https:// address");
            return Err(IdentityError::Setting { reason });
        }
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| IdentityError::Setting { reason: error.to_string() })?;
        Ok(Self { name, client, known: RwLock::default(), asking: tokio::sync::Mutex::new(()) })
    }

    /// Whether this issuer issued the token, by what the token says.
    pub(crate) fn names(&self, claims: &Claims) -> bool {
        let said = trimmed(claims.issuer());
        if !self.name.contains(DIRECTORY) {
            return said == self.name;
        }
        // a directory is a name of one part; nothing else may stand in its place
        let plain = |tid: &&str| tid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        claims.directory().filter(plain).is_some_and(|tid| said == self.name.replace(DIRECTORY, tid))
    }

    /// The key of this id; a token without one is checked by the only key, where there is only one.
    pub(crate) async fn key(&self, kid: Option<&str>, now: Timestamp) -> Result<Arc<Key>, IdentityError> {
        if let (Some(key), true) = self.find(kid, now) {
            return Ok(key);
        }
        let _asking = self.asking.lock().await;
        let found = self.find(kid, now);
        if let (Some(key), true) = found {
            return Ok(key);
        }
        if self.known.read().may_ask(now) {
            self.refresh(now).await;
        }
        match self.find(kid, now).0 {
            Some(key) => Ok(key),
            None => Err(self.missing(kid)),
        }
    }

    fn find(&self, kid: Option<&str>, now: Timestamp) -> (Option<Arc<Key>>, bool) {
        let known = self.known.read();
        let key = match kid {
            Some(kid) => known.keys.get(kid),
            None if known.keys.len() == 1 => known.keys.values().next(),
            None => None,
        };
        (key.cloned(), known.is_fresh(now))
    }

    fn missing(&self, kid: Option<&str>) -> IdentityError {
        let known = self.known.read();
        if known.fetched.is_none() {
            return IdentityError::Unreachable { reason: known.last_failure.clone() };
        }
        IdentityError::UnknownKey { kid: kid.unwrap_or_default().chars().take(80).collect() }
    }

    async fn refresh(&self, now: Timestamp) {
        self.known.write().asked = Some(now);
        let fetched = self.fetch().await;
        let mut known = self.known.write();
        match fetched {
            Ok(keys) => {
                (known.keys, known.fetched, known.failures) = (keys, Some(now), 0);
            }
            Err(reason) => {
                tracing::warn!(issuer = self.name, reason, "cannot get the keys of an issuer");
                known.failures = known.failures.saturating_add(1);
                known.last_failure = reason;
            }
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<Key>>, String> {
        // the directories of one service share its keys
        let base = self.name.replace(DIRECTORY, "common");
        let discovery: Discovery = self.get(&format!("{base}/.well-known/openid-configuration")).await?;
        if trimmed(&discovery.issuer) != self.name {
            return Err(format!("the discovery document is of `{}`", discovery.issuer));
        }
        let secure = self.name.starts_with("https://");
        if secure && !discovery.jwks_uri.starts_with("https://") {
            return Err("its keys are not behind https://".to_owned());
        }
        let document: Document = self.get(&discovery.jwks_uri).await?;
        let keys = document.read();
        if keys.is_empty() { Err("it has no key for RS256 or ES256".to_owned()) } else { Ok(keys) }
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let unreachable = |error: reqwest::Error| error.without_url().to_string();
        let mut answer = self.client.get(url).send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(format!("it answers HTTP {}", answer.status().as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > DOCUMENT_BYTES_MAX {
                return Err(format!("its document has more than {DOCUMENT_BYTES_MAX} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("its document is not as it must be: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_fails_is_asked_less_and_less() {
        let at = |s: f64| Timestamp::from_micros(0).plus_seconds(s);
        let mut known = Known { asked: Some(at(0.0)), ..Known::default() };
        let mut waits = Vec::new();
        for failures in 1..=7 {
            known.failures = failures;
            let wait = (1..).find(|s| known.may_ask(at(f64::from(*s)))).unwrap();
            waits.push(wait);
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
    }
}
