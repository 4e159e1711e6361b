//! Events over HTTP.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use reqwest::{Certificate, Method, Response, Url, redirect};
use uuid::Uuid;
use voltwin_core::Timestamp;
use voltwin_routes::CloudEvent;
use voltwin_routes::handshake::{self, Allowed};
use voltwin_security::Secret;

use super::{Means, SendError, Sending, Sink};
use crate::EventsError;
use crate::endpoint::{Mode, Validation, Webhook, address};

/// How long what a name was found to be holds; connections are kept as long.
const FOUND_FOR: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a validation request may take.
const VALIDATE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The longest `Retry-After` that is obeyed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Posts each event.
pub(crate) struct WebhookSink {
    webhook: Webhook,
    secret: Option<Secret>,
    means: Means,
    client: Mutex<Option<(reqwest::Client, Instant)>>,
    /// When the next call is allowed.
    next: Mutex<Instant>,
}

impl WebhookSink {
    pub(crate) fn new(webhook: Webhook, secret: Option<Secret>, means: Means) -> Self {
        Self { webhook, secret, means, client: Mutex::default(), next: Mutex::new(Instant::now()) }
    }

    /// A client that connects to where the host was found, and nowhere else.
    async fn client(&self, url: &Url) -> Result<reqwest::Client, SendError> {
        if let Some((client, until)) = &*self.client.lock()
            && Instant::now() < *until
        {
            return Ok(client.clone());
        }
        let client = client(url, &self.means).await.map_err(SendError::again)?;
        *self.client.lock() = Some((client.clone(), Instant::now() + FOUND_FOR));
        Ok(client)
    }

    /// Waits for the next moment at which the webhook allows a call.
    async fn turn(&self) {
        let Some(calls) = self.webhook.calls_a_minute else { return };
        let turn = {
            let mut next = self.next.lock();
            let turn = (*next).max(Instant::now());
            *next = turn + Duration::from_secs(60) / calls.max(1);
            turn
        };
        tokio::time::sleep_until(turn.into()).await;
    }

    async fn post(&self, event: &CloudEvent) -> Result<(), SendError> {
        let url = address("url", &self.webhook.url, &["http", "https"]);
        let url = url.map_err(|error| SendError::again(error.to_string()))?;
        let client = self.client(&url).await?;
        self.turn().await;
        let mut request = client.post(url);
        request = match self.webhook.mode {
            Mode::Structured => {
                request.header("content-type", CloudEvent::STRUCTURED).body(event.structured())
            }
            Mode::Binary => {
                let (headers, body) = event.binary();
                headers
                    .into_iter()
                    .fold(request, |request, (name, value)| request.header(name, value))
                    .body(body)
            }
        };
        if let Some(secret) = &self.secret {
            request = request.header(self.webhook.secret_header.as_str(), secret.expose());
        }
        let answer = request.send().await.map_err(|error| {
            // the next attempt looks the name up again
            *self.client.lock() = None;
            SendError::again(unreachable(error))
        })?;
        judge(&answer)
    }
}

impl Sink for WebhookSink {
    fn send<'a>(&'a self, event: &'a CloudEvent) -> Sending<'a> {
        Box::pin(self.post(event))
    }
}

fn judge(answer: &Response) -> Result<(), SendError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let seconds =
        answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Err(SendError {
        text: format!("HTTP {}", status.as_u16()),
        // the event itself is refused; anything else may change at the receiver
        is_final: matches!(status.as_u16(), 400 | 413 | 415 | 422),
        retry_after: seconds.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX)),
    })
}

async fn client(url: &Url, means: &Means) -> Result<reqwest::Client, String> {
    let host = url.host_str().ok_or("the address names no host")?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or("the address names no port")?;
    let places = means.outside.places(&host, port).await?;
    let more: Vec<Certificate> =
        means.authorities.iter().filter_map(|authority| Certificate::from_der(authority).ok()).collect();
    let builder = || {
        reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_idle_timeout(FOUND_FOR)
            .resolve_to_addrs(&host, &places)
            .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
    };
    let built = builder().tls_certs_merge(more.clone()).build();
    // as in a container without any authorities: those that are named are enough
    built.or_else(|_| builder().tls_certs_only(more).build()).map_err(|error| error.to_string())
}

/// What happened and why, down to the first cause.
fn unreachable(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        source = cause.source();
    }
    told
}

/// Asks a webhook whether it wants events from `origin`.
pub(crate) async fn validate(
    webhook: &Webhook,
    secret: Option<&Secret>,
    means: &Means,
    origin: &str,
    now: Timestamp,
) -> Result<Allowed, EventsError> {
    let url = address("target.url", &webhook.url, &["http", "https"])?;
    let endpoint = |text: String| EventsError::Endpoint(text);
    let client = client(&url, means).await.map_err(endpoint)?;
    if webhook.validation == Validation::None {
        return Ok(Allowed { calls_a_minute: webhook.calls_a_minute });
    }
    let code = Uuid::now_v7().to_string();
    let mut request = match webhook.validation {
        Validation::EventGrid => {
            let (name, value) = handshake::EVENT_GRID_HEADER;
            client.post(url).header(name, value).json(&handshake::event_grid_request(&code, origin, now))
        }
        _ => handshake::request_headers(origin)
            .into_iter()
            .fold(client.request(Method::OPTIONS, url), |request, (name, value)| request.header(name, value)),
    };
    if let Some(secret) = secret {
        request = request.header(webhook.secret_header.as_str(), secret.expose());
    }
    let mut answer = request.timeout(VALIDATE).send().await.map_err(|error| endpoint(unreachable(error)))?;
    let status = answer.status().as_u16();
    if webhook.validation == Validation::CloudEvents {
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let (allowed, rate) = (header("webhook-allowed-origin"), header("webhook-allowed-rate"));
        return Ok(handshake::judge(origin, status, allowed, rate)?);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| endpoint(unreachable(error)))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(endpoint(format!("its answer has more than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(handshake::judge_event_grid(&code, status, &body)?)
}
