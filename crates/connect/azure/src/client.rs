//! Requests to one end: authorised, within its budgets, and again where that may help.

use std::time::Duration;

use parking_lot::Mutex;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value as Json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use voltwin_core::Timestamp;

use crate::budget::{Budgets, Rate, Rates};
use crate::credential::{Credential, Source, is_private};
use crate::progress::Progress;
use crate::{Side, SyncError};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The pause after a first failure; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The longest `Retry-After` that is obeyed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// How an end is reached.
#[derive(Debug, Clone)]
pub struct EndSettings {
    /// Its address; of Voltwin also with `/t/TENANT`.
    pub url: String,
    /// Who we are there.
    pub source: Source,
    /// What tokens are for.
    pub audience: String,
    /// What may be asked in a second.
    pub rates: Rates,
    /// Attempts of one request.
    pub attempts: u32,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// A refusal: Azure's code, and its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP {} {}: {}", self.status, self.code, self.message)
    }
}

/// Why there is no answer to use.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The end refuses this request; others may do.
    Refused(Refusal),
    /// Nothing goes on.
    Sync(SyncError),
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        Self::Sync(error)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn etag(&self) -> Option<String> {
        self.headers.get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

/// One request, which can be made again.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) rate: Option<Rate>,
    /// The twin whose writes it counts among.
    pub(crate) writes: Option<String>,
    /// Beyond the usual, as what is asked for waits.
    pub(crate) patience: Duration,
}

/// What asks an end.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) side: Side,
    base: Url,
    http: reqwest::Client,
    credential: Credential,
    budgets: Budgets,
    attempts: u32,
    timeout: Duration,
    /// When the end wants to be asked again.
    not_before: Mutex<Instant>,
    cancel: CancellationToken,
    progress: Progress,
}

impl Client {
    pub(crate) fn new(
        side: Side,
        settings: EndSettings,
        progress: Progress,
        cancel: CancellationToken,
    ) -> Result<Self, SyncError> {
        let option = format!("--{}-url", side.name());
        let wrong = |reason: &str| SyncError::Setting(format!("{option} `{}` {reason}", settings.url));
        let base = Url::parse(settings.url.trim_end_matches('/'))
            .map_err(|error| wrong(&format!("is no address: {error}")))?;
        if !base.username().is_empty() || base.password().is_some() {
            // not said again, as it may hold a password
            return Err(SyncError::Setting(format!("{option} must be an address without a user")));
        }
        if !matches!(base.scheme(), "https" | "http") || !base.has_host() {
            return Err(wrong("must be an http:// or https:// address"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("must end with its path"));
        }
        if !is_private(&base) {
            return Err(wrong(
                "must be https://, as what proves who we are goes there (http:// is for this machine)",
            ));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SyncError::Setting(error.to_string()))?;
        Ok(Self {
            side,
            base,
            http,
            credential: Credential::new(settings.source, &settings.audience)?,
            budgets: Budgets::new(settings.rates),
            attempts: settings.attempts.max(1),
            timeout: settings.timeout,
            not_before: Mutex::new(Instant::now()),
            cancel,
            progress,
        })
    }

    /// The end as it is named for people and in the state.
    pub(crate) fn name(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// An address within the instance.
    pub(crate) fn address(&self, path: &str) -> Result<Url, SyncError> {
        let whole = format!("{}{path}", self.name());
        Url::parse(&whole).map_err(|error| self.nonsense(format!("`{path}` leads nowhere: {error}")))
    }

    /// An address at the root of the server, wherever in it the instance is.
    pub(crate) fn root(&self, path_and_query: &str) -> Result<Url, SyncError> {
        let joined = self.base.join(path_and_query);
        joined.map_err(|error| self.nonsense(format!("`{path_and_query}` leads nowhere: {error}")))
    }

    /// Where the next page is. What proves who we are goes nowhere else.
    pub(crate) fn next_page(&self, link: &str) -> Result<Url, SyncError> {
        let url = if link.starts_with('/') { self.address(link)? } else { self.root(link)? };
        if url.origin() != self.base.origin() {
            return Err(self.nonsense("the link to its next page leads to another host"));
        }
        Ok(url)
    }

    pub(crate) fn nonsense(&self, reason: impl Into<String>) -> SyncError {
        SyncError::Nonsense { end: self.side.name(), reason: reason.into() }
    }

    /// Waits until queries that were answered are paid for.
    pub(crate) async fn settle_queries(&self) {
        self.budgets.settle(Rate::QueryUnits).await;
    }

    pub(crate) fn charge_query(&self, reply: &Reply) {
        let charge = reply.headers.get("query-charge").and_then(|value| value.to_str().ok()?.parse().ok());
        self.budgets.charge(Rate::QueryUnits, charge.unwrap_or(0.0));
    }

    /// Asks, and asks again where that may help: 429, 5xx, a connection that broke, no answer in time.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<Reply, Failure> {
        let mut renewed = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let again = match self.attempt(ask).await? {
                Attempt::Done(reply) => return Ok(reply),
                Attempt::Refused(refusal) => return Err(self.judge(refusal)),
                Attempt::Unknown if !renewed => {
                    renewed = true;
                    continue;
                }
                Attempt::Unknown => {
                    let reason = "401: what proves who we are is not believed".to_owned();
                    return Err(SyncError::Refused { end: self.side.name(), reason }.into());
                }
                Attempt::Again(again) => again,
            };
            self.progress.retried(self.side, again.throttled);
            if attempt >= self.attempts {
                let reason = format!("{} (after {attempt} attempts)", again.reason);
                return Err(SyncError::Unreachable { end: self.side.name(), reason }.into());
            }
            let wait = pause(attempt, again.wait, chance());
            tracing::debug!(end = self.side.name(), attempt, reason = again.reason, ?wait, "asking again");
            if again.throttled && again.wait.is_some() {
                let mut not_before = self.not_before.lock();
                *not_before = (*not_before).max(Instant::now() + wait);
            }
            self.sleep(wait).await?;
        }
    }

    async fn sleep(&self, wait: Duration) -> Result<(), SyncError> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(SyncError::Stopped),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    async fn attempt(&self, ask: &Ask) -> Result<Attempt, SyncError> {
        let wait = self.not_before.lock().saturating_duration_since(Instant::now());
        self.sleep(wait).await?;
        if let Some(rate) = ask.rate {
            self.budgets.take(rate).await;
        }
        if let Some(twin) = &ask.writes {
            self.budgets.write(twin).await;
        }
        let token = self.credential.token().await?;
        let mut request = self.http.request(ask.method.clone(), ask.url.clone());
        request = request.timeout(self.timeout + ask.patience);
        request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &ask.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let broken = |reason: String| Attempt::Again(Again { reason, wait: None, throttled: false });
        let mut answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Ok(broken(said(error))),
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = match body(&mut answer, ANSWER_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(broken(reason)),
        };
        if status.is_success() {
            return Ok(Attempt::Done(Reply { headers, bytes }));
        }
        if status == StatusCode::UNAUTHORIZED && self.credential.forget(&token) {
            return Ok(Attempt::Unknown);
        }
        let refusal = refusal(status, &headers, &bytes);
        let throttled = status == StatusCode::TOO_MANY_REQUESTS;
        let passing = throttled || status == StatusCode::REQUEST_TIMEOUT || status.is_server_error();
        // a disk that is full, and what is not built, do not pass by waiting
        if !passing || matches!(status.as_u16(), 501 | 507) {
            return Ok(Attempt::Refused(refusal));
        }
        let reason = format!("HTTP {} {}", refusal.status, refusal.code);
        Ok(Attempt::Again(Again { reason, wait: retry_after(&headers), throttled }))
    }

    /// What refuses one request, and what refuses us.
    fn judge(&self, refusal: Refusal) -> Failure {
        let whole = refusal.to_string();
        let found = ["DigitalTwinNotFound", "RelationshipNotFound", "ModelNotFound", "TargetTwinNotFound"];
        match refusal.status {
            // a wrong address must never look like an empty instance
            404 if !found.contains(&refusal.code.as_str()) => {
                let reason = format!("there is no instance of ours at {} ({whole})", self.name());
                SyncError::Refused { end: self.side.name(), reason }.into()
            }
            300..=399 | 401 | 403 | 405 | 507 => {
                SyncError::Refused { end: self.side.name(), reason: whole }.into()
            }
            _ => Failure::Refused(refusal),
        }
    }
}

enum Attempt {
    Done(Reply),
    Refused(Refusal),
    /// The token was not believed, and there may be another.
    Unknown,
    Again(Again),
}

struct Again {
    reason: String,
    wait: Option<Duration>,
    throttled: bool,
}

/// What went wrong with a request, with the cause that the library hides, and without the address.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn refusal(status: StatusCode, headers: &HeaderMap, bytes: &[u8]) -> Refusal {
    let document: Json = serde_json::from_slice(bytes).unwrap_or_default();
    let told = |pointer: &str| document.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    let header = || Some(headers.get("x-ms-error-code")?.to_str().ok()?.to_owned());
    let code = told("/error/code").or_else(header).unwrap_or_else(|| "without a code".to_owned());
    let message = told("/error/message").or_else(|| told("/detail")).unwrap_or_default();
    Refusal { status: status.as_u16(), code, message: message.chars().take(400).collect() }
}

/// Reads a body that must not be larger than a limit.
pub(crate) async fn body(answer: &mut reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(said)? {
        if bytes.len() + chunk.len() > limit {
            return Err(format!("its answer has more than {limit} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse::<f64>().ok().filter(|seconds| !seconds.is_nan()).or_else(|| {
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(at.as_second() as f64 - now_s())
    })?;
    Some(Duration::from_secs_f64(seconds.clamp(0.0, RETRY_AFTER_MAX.as_secs_f64())))
}

/// Doubled each time, by a random half of itself shorter, and never shorter than the end asks for: then a little longer,
/// so that not all come back at one moment.
fn pause(attempt: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let longest = PAUSE.saturating_mul(1 << (attempt - 1).min(16)).min(PAUSE_MAX);
    match asked {
        Some(asked) => asked + PAUSE.mul_f64(chance),
        None => longest.mul_f64(0.5 + 0.5 * chance),
    }
}

fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX)
}

/// Seconds since 1970, by this machine's clock.
pub(crate) fn now_s() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis((now_s() * 1_000.0) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_obey_the_end() {
        for (attempt, longest_ms) in [(1, 250), (2, 500), (5, 4_000), (12, 30_000), (90, 30_000)] {
            let range = pause(attempt, None, 0.0)..=pause(attempt, None, 1.0);
            assert_eq!(range, Duration::from_millis(longest_ms / 2)..=Duration::from_millis(longest_ms));
        }
        let asked = Some(Duration::from_secs(7));
        assert_eq!(pause(1, asked, 0.0), Duration::from_secs(7));
        assert!(pause(1, asked, 1.0) > Duration::from_secs(7));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        let read = |text: &str| retry_after(&[(RETRY_AFTER, text.parse().unwrap())].into_iter().collect());
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read("86400"), Some(RETRY_AFTER_MAX));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(read("Wed, 06 Nov 2999 08:49:37 GMT"), Some(RETRY_AFTER_MAX));
        assert_eq!((read("soon"), read("nan"), read("-1")), (None, None, Some(Duration::ZERO)));
    }
}
