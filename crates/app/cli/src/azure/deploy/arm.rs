//! Azure Resource Manager over HTTP: tokens, patience, and its errors in words.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use anyhow::anyhow;
use reqwest::{Client, Method, Response, StatusCode, Url, header::HeaderMap};
use serde_json::Value as Json;
use tokio::time::sleep;
use voltwin_security::Secret;

use super::token::Tokens;
use crate::error::CliError;

/// The largest answer that is read: what a change would be has the whole of every resource in it.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How often one request is tried.
const ATTEMPTS_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The longest that a `Retry-After` is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
const LIMIT: Duration = Duration::from_secs(120);

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
    /// Whether an attempt before this one may have reached its end without us hearing of it.
    pub(crate) uncertain: bool,
}

impl Answer {
    /// The error that it is, in a line for each part.
    pub(crate) fn error(&self) -> String {
        match self.body.get("error") {
            Some(error) => told(error),
            None => format!("HTTP {}", self.status.as_u16()),
        }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.body.get("error")?.get("code")?.as_str()
    }

    /// How long to wait before the next question.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }
}

/// One subscription's manager.
#[derive(Debug)]
pub(crate) struct Arm {
    client: Client,
    url: Url,
    tokens: Tokens,
    token: Secret,
}

impl Arm {
    pub(crate) async fn new(url: &str, tokens: Tokens) -> Result<Self, CliError> {
        let url = check_url("--arm-url", url)?;
        let client = Client::builder()
            .timeout(LIMIT)
            .connect_timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(CliError::failure)?;
        let token = tokens.token().await?;
        Ok(Self { client, url, tokens, token })
    }

    /// Asks until there is an answer that is neither "later" nor a fault on the way.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        place: &str,
        body: Option<&Json>,
    ) -> Result<Answer, CliError> {
        let url = self.place(place)?;
        let (mut pause, mut renewed, mut uncertain, mut attempts) = (PAUSE, false, false, 0);
        loop {
            attempts += 1;
            let mut request =
                self.client.request(method.clone(), url.clone()).bearer_auth(self.token.expose());
            if let Some(body) = body {
                request = request.json(body);
            } else if method == Method::POST {
                request = request.header("content-length", "0");
            }
            let outcome = match request.send().await {
                Ok(answer) => read(answer, uncertain).await,
                Err(error) => Err(cause(&error)),
            };
            let (what, wait) = match outcome {
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && !renewed => {
                    // tokens last for an hour and a deployment may take longer
                    renewed = true;
                    self.token = self.tokens.token().await?;
                    continue;
                }
                Ok(answer) if later(answer.status) => (answer.error(), answer.retry_after()),
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    uncertain = true;
                    (error, None)
                }
            };
            let host = url.host_str().unwrap_or_default();
            if attempts >= ATTEMPTS_MAX {
                return Err(anyhow!("{host} does not answer after {ATTEMPTS_MAX} attempts: {what}").into());
            }
            let wait = wait.unwrap_or(pause);
            tracing::info!(%what, wait_s = wait.as_secs(), "{host} is asked again");
            sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Where to: a path, or a link that an answer gave, which must lead to the same host because the token goes with it.
    fn place(&self, place: &str) -> Result<Url, CliError> {
        let url = self
            .url
            .join(place)
            .map_err(|error| CliError::from(anyhow!("{place:?} is no address: {error}")))?;
        if url.origin() == self.url.origin() {
            return Ok(url);
        }
        Err(anyhow!("an answer leads to {}, which the token is not for", url.host_str().unwrap_or("nowhere"))
            .into())
    }
}

fn later(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

async fn read(answer: Response, uncertain: bool) -> Result<Answer, String> {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = body(answer).await.map_err(|error| error.to_string())?;
    let body = if text.is_empty() { Json::Null } else { serde_json::from_slice(&text).unwrap_or_default() };
    Ok(Answer { status, headers, body, uncertain })
}

/// The whole body, of bounded length.
pub(crate) async fn body(mut answer: Response) -> Result<Vec<u8>, anyhow::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| anyhow!(cause(&error)))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(anyhow!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `https`, or this machine.
pub(crate) fn check_url(option: &str, url: &str) -> Result<Url, CliError> {
    let wrong = |why: &str| CliError::input(format!("{option} `{url}`: {why}"));
    let parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
    let near = parsed.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if near => Ok(parsed),
        _ => Err(wrong("it must begin with https://, since tokens go there")),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// An error of Azure: code, target and message, and below it those that it is made of.
pub(crate) fn told(error: &Json) -> String {
    let mut lines = String::new();
    tell(error, 0, &mut lines);
    lines
}

fn tell(error: &Json, depth: usize, lines: &mut String) {
    let said = |name: &str| error.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    if depth > 0 {
        let _ = write!(lines, "\n{}", "  ".repeat(depth));
    }
    lines.push_str(said("code").unwrap_or("an error without a code"));
    if let Some(target) = said("target") {
        let _ = write!(lines, " ({target})");
    }
    if let Some(message) = said("message") {
        // some messages are the whole error of another service, once more as JSON
        let inner = serde_json::from_str::<Json>(message).ok();
        match inner.as_ref().map(|inner| inner.get("error").unwrap_or(inner)) {
            Some(inner) if inner.get("code").is_some() && depth < 8 => tell(inner, depth + 1, lines),
            _ => {
                let message: Vec<&str> = message.split_whitespace().collect();
                let message: String = message.join(" ").chars().take(1_000).collect();
                let _ = write!(lines, ": {message}");
            }
        }
    }
    let details = error.get("details").and_then(Json::as_array);
    for detail in details.into_iter().flatten().take(20).filter(|_| depth < 8) {
        tell(detail, depth + 1, lines);
    }
}

/// Why a request did not arrive, without its address, which may hold a query.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    if error.source().is_none() { "the request failed".to_owned() } else { deepest.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_told_with_their_parts() {
        let error = json!({"code": "DeploymentFailed", "target": "/subscriptions/s", "message": "At least one failed.",
        "details": [
            {"code": "BadRequest", "message": "{\"error\": {\"code\": \"SkuNotAvailable\", \"message\": \"Not\\nhere.\"}}"},
            {"code": "Conflict", "message": "taken", "details": []},
        ]});
        assert_eq!(
            told(&error),
            "DeploymentFailed (/subscriptions/s): At least one failed.\n  BadRequest\n    SkuNotAvailable: Not here.\n  Conflict: taken"
        );
        assert_eq!(told(&json!(null)), "an error without a code");
    }

    #[test]
    fn tokens_go_over_tls_or_stay_here() {
        for good in ["https://management.azure.com", "http://127.0.0.1:8080", "http://localhost:1"] {
            assert!(check_url("--arm-url", good).is_ok(), "{good}");
        }
        for bad in ["http://management.azure.com", "ftp://127.0.0.1", "management.azure.com"] {
            assert!(check_url("--arm-url", bad).is_err(), "{bad}");
        }
    }
}
