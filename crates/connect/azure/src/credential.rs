//! Who we are: where bearer tokens come from. They are asked for anew before they end, and are never shown.

use std::path::PathBuf;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::time::Instant;
use voltwin_security::Secret;

use crate::SyncError;
use crate::client::{body, now_s};

/// What tokens are for.
pub const AUDIENCE: &str = "https://digitaltwins.azure.net";
/// How long before its end a token is renewed, and how long a failed renewal is not tried again while it still holds.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// How long one of Azure's token services may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long the metadata service of a machine is waited for where it may not be there at all.
const LOOK_FOR_IMDS: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 5;
const ANSWER_BYTES_MAX: usize = 256 * 1024;
const IMDS: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const AUTHORITY: &str = "https://login.microsoftonline.com/";

/// Where tokens come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// One text that holds for good, such as a key of Voltwin.
    Fixed(Secret),
    /// The identity endpoint of App Service and Container Apps.
    Endpoint {
        /// `IDENTITY_ENDPOINT`.
        url: String,
        /// `IDENTITY_HEADER`.
        header: Secret,
        /// `AZURE_CLIENT_ID`, of an identity that the user assigned.
        client_id: Option<String>,
    },
    /// The metadata service of a virtual machine.
    Imds {
        /// `AZURE_CLIENT_ID`, of an identity that the user assigned.
        client_id: Option<String>,
    },
    /// An application of the directory.
    Application {
        /// `AZURE_AUTHORITY_HOST`.
        authority: String,
        /// `AZURE_TENANT_ID`.
        directory: String,
        /// `AZURE_CLIENT_ID`.
        client_id: String,
        /// How it proves that it is that.
        proof: Proof,
    },
}

/// How an application proves what it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// `AZURE_CLIENT_SECRET`.
    Secret(Secret),
    /// `AZURE_FEDERATED_TOKEN_FILE`: a token of another issuer, which is read each time, as it is written anew.
    Federated(PathBuf),
}

/// Which source to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The first of the others that the environment speaks of; the metadata service where it speaks of none.
    Auto,
    /// An application with its secret.
    ClientSecret,
    /// An application with a token of another issuer.
    Workload,
    /// A managed identity.
    ManagedIdentity,
}

impl Source {
    /// From the environment, by the names that Azure's own libraries use.
    ///
    /// # Errors
    /// [`SyncError::Setting`] naming the variable that is missing.
    pub fn from_environment(
        method: Method,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SyncError> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let need =
            |name: &str| get(name).ok_or_else(|| SyncError::Setting(format!("the environment lacks {name}")));
        let application = |proof: Proof| {
            let authority = get("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned());
            let secure = Url::parse(&authority).is_ok_and(|url| is_private(&url));
            if !secure {
                let reason = format!("AZURE_AUTHORITY_HOST `{authority}` must be an https:// address");
                return Err(SyncError::Setting(reason));
            }
            let (directory, client_id) = (need("AZURE_TENANT_ID")?, need("AZURE_CLIENT_ID")?);
            Ok(Self::Application { authority, directory, client_id, proof })
        };
        match method {
            Method::ClientSecret => application(Proof::Secret(Secret::new(need("AZURE_CLIENT_SECRET")?))),
            Method::Workload => application(Proof::Federated(need("AZURE_FEDERATED_TOKEN_FILE")?.into())),
            Method::ManagedIdentity => {
                let client_id = get("AZURE_CLIENT_ID");
                let Some(url) = get("IDENTITY_ENDPOINT") else { return Ok(Self::Imds { client_id }) };
                let header = Secret::new(need("IDENTITY_HEADER")?);
                Ok(Self::Endpoint { url, header, client_id })
            }
            Method::Auto => {
                let method = if get("AZURE_CLIENT_SECRET").is_some() {
                    Method::ClientSecret
                } else if get("AZURE_FEDERATED_TOKEN_FILE").is_some() {
                    Method::Workload
                } else {
                    Method::ManagedIdentity
                };
                Self::from_environment(method, variable)
            }
        }
    }
}

/// Whether what is sent there is seen by nobody on the way: https, or this machine.
pub(crate) fn is_private(url: &Url) -> bool {
    let local = match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some("localhost") => true,
        Some(host) => host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && local)
}

#[derive(Debug, Clone)]
struct Token {
    text: Secret,
    ends: Instant,
}

/// Hands out a token that holds.
#[derive(Debug)]
pub(crate) struct Credential {
    source: Source,
    client: Client,
    audience: String,
    token: Mutex<Option<Token>>,
    /// Held while a token is asked for, so that a thousand requests ask once.
    asking: tokio::sync::Mutex<Option<Instant>>,
}

impl Credential {
    pub(crate) fn new(source: Source, audience: &str) -> Result<Self, SyncError> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SyncError::Setting(error.to_string()))?;
        let audience = audience.trim_end_matches('/').to_owned();
        Ok(Self { source, client, audience, token: Mutex::default(), asking: tokio::sync::Mutex::default() })
    }

    /// A token; the same one until shortly before its end.
    pub(crate) async fn token(&self) -> Result<Secret, SyncError> {
        if let Source::Fixed(key) = &self.source {
            return Ok(key.clone());
        }
        if let Some(token) = self.held(RENEW_BEFORE) {
            return Ok(token);
        }
        let mut failed = self.asking.lock().await;
        if let Some(token) = self.held(RENEW_BEFORE) {
            return Ok(token);
        }
        // one that ends soon still does, and its issuer is not pressed
        let held = self.held(Duration::from_secs(5));
        if let Some(token) = &held
            && failed.is_some_and(|at| at.elapsed() < TRY_AGAIN)
        {
            return Ok(token.clone());
        }
        match self.renew().await {
            Ok(token) => {
                let text = token.text.clone();
                (*self.token.lock(), *failed) = (Some(token), None);
                Ok(text)
            }
            Err(reason) => {
                *failed = Some(Instant::now());
                tracing::warn!(reason, "no new token");
                held.ok_or(SyncError::Token(reason))
            }
        }
    }

    /// Forgets a token that was not believed. A fixed one cannot be had anew.
    pub(crate) fn forget(&self, refused: &Secret) -> bool {
        let mut token = self.token.lock();
        if token.as_ref().is_some_and(|token| token.text.same_as(refused)) {
            *token = None;
        }
        !matches!(self.source, Source::Fixed(_))
    }

    fn held(&self, at_least: Duration) -> Option<Secret> {
        let token = self.token.lock();
        let token = token.as_ref().filter(|token| token.ends > Instant::now() + at_least)?;
        Some(token.text.clone())
    }

    async fn renew(&self) -> Result<Token, String> {
        let attempts = if matches!(self.source, Source::Imds { .. }) { 3 } else { ATTEMPTS };
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.ask().await {
                Ok(token) => return Ok(token),
                Err((reason, passing)) if !passing || attempt == attempts => return Err(reason),
                Err(_) => tokio::time::sleep(Duration::from_millis(400 << attempt)).await,
            }
        }
    }

    /// One attempt; a failure says whether it may pass.
    async fn ask(&self) -> Result<Token, (String, bool)> {
        let request = self.request().await.map_err(|reason| (reason, false))?;
        let unreachable = |error: reqwest::Error| (error.without_url().to_string(), true);
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let bytes = body(&mut answer, ANSWER_BYTES_MAX).await.map_err(|reason| (reason, true))?;
        if !status.is_success() {
            let said: Json = serde_json::from_slice(&bytes).unwrap_or_default();
            // the code alone: a description may repeat what was sent
            let code = said.get("error").and_then(Json::as_str).unwrap_or("no reason");
            let code: String = code.chars().take(80).collect();
            let passing = status.is_server_error() || matches!(status.as_u16(), 404 | 408 | 410 | 429);
            return Err((format!("its source answers HTTP {}: {code}", status.as_u16()), passing));
        }
        let granted: Granted = serde_json::from_slice(&bytes)
            .map_err(|error| (format!("its source answers no token: {error}"), false))?;
        let lasts_s = granted.lasts_s(now_s());
        if lasts_s <= 0.0 {
            return Err(("its source answers a token that has ended".to_owned(), false));
        }
        let ends = Instant::now() + Duration::from_secs_f64(lasts_s.min(86_400.0));
        Ok(Token { text: granted.access_token, ends })
    }

    async fn request(&self) -> Result<RequestBuilder, String> {
        let get = |url: &str, version: &str, client_id: Option<&str>| {
            let mut url =
                Url::parse(url).map_err(|error| format!("IDENTITY_ENDPOINT is no address: {error}"))?;
            url.query_pairs_mut().append_pair("resource", &self.audience).append_pair("api-version", version);
            if let Some(client_id) = client_id {
                url.query_pairs_mut().append_pair("client_id", client_id);
            }
            Ok::<_, String>(self.client.get(url))
        };
        match &self.source {
            Source::Fixed(_) => Err("a key is not asked for".to_owned()),
            Source::Endpoint { url, header, client_id } => {
                let request = get(url, "2019-08-01", client_id.as_deref())?;
                Ok(request.header("x-identity-header", header.expose()))
            }
            Source::Imds { client_id } => {
                let request = get(IMDS, "2018-02-01", client_id.as_deref())?;
                Ok(request.header("metadata", "true").timeout(LOOK_FOR_IMDS))
            }
            Source::Application { authority, directory, client_id, proof } => {
                let scope = format!("{}/.default", self.audience);
                let mut form = vec![
                    ("grant_type", "client_credentials".to_owned()),
                    ("client_id", client_id.clone()),
                    ("scope", scope),
                ];
                match proof {
                    Proof::Secret(secret) => form.push(("client_secret", secret.expose().to_owned())),
                    Proof::Federated(path) => {
                        let token = tokio::fs::read_to_string(path).await;
                        let token = token
                            .map_err(|e| format!("AZURE_FEDERATED_TOKEN_FILE {}: {e}", path.display()))?;
                        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                        form.push(("client_assertion_type", kind.to_owned()));
                        form.push(("client_assertion", token.trim().to_owned()));
                    }
                }
                let url = format!("{}/{directory}/oauth2/v2.0/token", authority.trim_end_matches('/'));
                // an address writes its query as forms are written
                let mut written = Url::parse("http://form").map_err(|error| error.to_string())?;
                written.query_pairs_mut().extend_pairs(form);
                let request = self.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                Ok(request.body(written.query().unwrap_or_default().to_owned()))
            }
        }
    }
}

/// A token as all sources answer it; numbers are texts with some of them.
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    #[serde(default)]
    expires_on: Json,
    #[serde(default)]
    expires_in: Json,
}

impl Granted {
    fn lasts_s(&self, now_s: f64) -> f64 {
        let number = |value: &Json| match value {
            Json::Number(number) => number.as_f64(),
            Json::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let until = number(&self.expires_on).map(|at| at - now_s);
        until.or_else(|| number(&self.expires_in)).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn from(method: Method, known: &[(&str, &str)]) -> Result<Source, String> {
        let known: HashMap<&str, &str> = known.iter().copied().collect();
        Source::from_environment(method, |name| known.get(name).map(|value| (*value).to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_says_which_source() {
        let app = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
        let with = |more: &[(&'static str, &'static str)]| [&app, more].concat();
        let secret = from(Method::Auto, &with(&[("AZURE_CLIENT_SECRET", "s3cret")])).unwrap();
        assert!(matches!(secret, Source::Application { proof: Proof::Secret(_), .. }));
        assert!(!format!("{secret:?}").contains("s3cret"));
        let workload = from(Method::Auto, &with(&[("AZURE_FEDERATED_TOKEN_FILE", "/f")])).unwrap();
        assert!(matches!(workload, Source::Application { proof: Proof::Federated(_), .. }));
        let endpoint = from(Method::Auto, &[("IDENTITY_ENDPOINT", "http://x"), ("IDENTITY_HEADER", "h")]);
        assert!(matches!(endpoint.unwrap(), Source::Endpoint { client_id: None, .. }));
        assert!(matches!(from(Method::Auto, &[]).unwrap(), Source::Imds { client_id: None }));
        for (method, known, missing) in [
            (Method::Workload, &app[..], "AZURE_FEDERATED_TOKEN_FILE"),
            (Method::ClientSecret, &[("AZURE_CLIENT_SECRET", "x")], "AZURE_TENANT_ID"),
            (Method::ManagedIdentity, &[("IDENTITY_ENDPOINT", "http://x")], "IDENTITY_HEADER"),
        ] {
            assert!(from(method, known).unwrap_err().contains(missing));
        }
        let plain = with(&[("AZURE_CLIENT_SECRET", "s"), ("AZURE_AUTHORITY_HOST", "http://login.example")]);
        assert!(from(Method::Auto, &plain).unwrap_err().contains("https://"));
    }

    #[test]
    fn proofs_travel_unseen() {
        for (url, private) in [
            ("https://a.example", true),
            ("http://a.example", false),
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://localhost.evil", false),
            ("ftp://127.0.0.1", false),
        ] {
            assert_eq!(is_private(&Url::parse(url).unwrap()), private, "{url}");
        }
    }

    /// A token service of this machine: answers what it is told, one request a connection, and tells what it was asked.
    async fn service(answers: Vec<(u16, String)>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut asked = Vec::new();
            for (status, body) in answers {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut text = vec![0; 8_192];
                let read = socket.read(&mut text).await.unwrap();
                asked.push(String::from_utf8_lossy(&text[..read]).into_owned());
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                socket.write_all((head + &body).as_bytes()).await.unwrap();
            }
            asked
        });
        (url, task)
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_and_again_before_it_ends() {
        let soon = format!(r#"{{"access_token":"one","expires_on":"{}"}}"#, now_s() + 200.0);
        let late = r#"{"access_token":"two","expires_in":3600}"#.to_owned();
        let (url, asked) = service(vec![(500, "{}".into()), (200, soon), (200, late)]).await;
        let source = Source::Endpoint { url, header: Secret::new("h34der"), client_id: Some("me".into()) };
        let credential = Credential::new(source, AUDIENCE).unwrap();
        assert_eq!(credential.token().await.unwrap().expose(), "one");
        // it ends within the time in which tokens are renewed
        assert_eq!(credential.token().await.unwrap().expose(), "two");
        assert_eq!(credential.token().await.unwrap().expose(), "two");
        let asked = asked.await.unwrap();
        assert_eq!(asked.len(), 3);
        assert!(
            asked[0].contains("resource=https%3A%2F%2Fdigitaltwins.azure.net")
                && asked[0].contains("client_id=me")
        );
        assert!(asked[0].to_lowercase().contains("x-identity-header: h34der"));
    }

    #[tokio::test]
    async fn a_workload_proves_itself_by_the_file_of_the_moment() {
        let granted = r#"{"access_token":"t","expires_in":"3600"}"#.to_owned();
        let refused = r#"{"error":"invalid_client","error_description":"secret things"}"#.to_owned();
        let (url, asked) = service(vec![(200, granted), (400, refused)]).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first.jwt\n").unwrap();
        let path = file.path().to_str().unwrap();
        let source = from(
            Method::Workload,
            &[
                ("AZURE_AUTHORITY_HOST", &url),
                ("AZURE_TENANT_ID", "dir"),
                ("AZURE_CLIENT_ID", "app"),
                ("AZURE_FEDERATED_TOKEN_FILE", path),
            ],
        );
        let credential = Credential::new(source.unwrap(), AUDIENCE).unwrap();
        let token = credential.token().await.unwrap();
        assert_eq!(token.expose(), "t");
        std::fs::write(file.path(), "second.jwt").unwrap();
        assert!(credential.forget(&token));
        let error = credential.token().await.unwrap_err().to_string();
        assert!(error.contains("invalid_client") && !error.contains("secret things"), "{error}");
        let asked = asked.await.unwrap();
        assert!(asked[0].starts_with("POST /dir/oauth2/v2.0/token "));
        assert!(
            asked[0].contains("client_assertion=first.jwt")
                && asked[1].contains("client_assertion=second.jwt")
        );
        assert!(asked[0].contains("scope=https%3A%2F%2Fdigitaltwins.azure.net%2F.default"));
    }
}
