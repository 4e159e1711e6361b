//! Asking partners.

use std::time::Duration;

use reqwest::{Certificate, Method, redirect};
use rustls::CertificateError;
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use uuid::Uuid;
use voltwin_ocpi::{Envelope, OcpiError, Operator, StatusCode, authorization, read};
use voltwin_security::Secret;

/// Seconds that a partner may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a partner answered instead of what we wanted.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The HTTP status, when there was an answer.
    pub(crate) http: Option<u16>,
    /// The status of OCPI, when there was one.
    pub(crate) code: Option<StatusCode>,
    /// What happened.
    pub(crate) text: String,
}

impl Failure {
    /// Whether it would fail again in the same way. A token that is refused may be accepted again: it changes hands.
    pub(super) fn is_final(&self) -> bool {
        let http = self
            .http
            .is_some_and(|http| (400..500).contains(&http) && ![401, 403, 408, 425, 429].contains(&http));
        http || self.code.is_some_and(|code| (2000..3000).contains(&code.0))
    }

    /// Whether the partner does not know the object.
    pub(super) fn is_unknown(&self) -> bool {
        self.http == Some(404) || self.code == Some(StatusCode::UNKNOWN_LOCATION)
    }

    fn of(text: impl Into<String>) -> Self {
        Self { http: None, code: None, text: text.into() }
    }
}

impl From<OcpiError> for Failure {
    fn from(error: OcpiError) -> Self {
        Self::of(format!("the answer cannot be read: {error}"))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// From whom to whom a message goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) from: &'a Operator,
    pub(super) to: (&'a str, &'a str),
}

/// Asks partners; follows no redirects and no proxy, so that a token goes where it was meant to and nowhere else.
#[derive(Clone)]
pub(crate) struct Client(Option<reqwest::Client>);

impl Client {
    /// One that believes the authorities of this machine and these.
    pub(crate) fn new(authorities: &[CertificateDer<'static>]) -> Self {
        let more: Vec<Certificate> =
            authorities.iter().filter_map(|authority| Certificate::from_der(authority).ok()).collect();
        let builder = || {
            reqwest::Client::builder()
                .timeout(TIMEOUT)
                .connect_timeout(TIMEOUT)
                .redirect(redirect::Policy::none())
                .no_proxy()
                .user_agent(concat!("voltwin/", env!("CARGO_PKG_VERSION")))
        };
        let built = builder().tls_certs_merge(more.clone()).build().or_else(|error| {
            // as in a container without any: partners by http and those of our own authorities can be asked all the same
            tracing::warn!(error = chain(&error), "the authorities of this machine cannot be used");
            builder().tls_certs_only(more).build()
        });
        if let Err(error) = &built {
            tracing::error!(error = chain(error), "partners cannot be asked");
        }
        Self(built.ok())
    }

    /// Reads something.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: &str, token: &Secret) -> Result<T, Failure> {
        let answer = self.send(Method::GET, url, token, None, None::<&()>).await?;
        needed(answer)
    }

    /// Sends a request and takes the envelope apart.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        token: &Secret,
        route: Option<Route<'_>>,
        body: Option<&impl Serialize>,
    ) -> Result<Option<Json>, Failure> {
        let client = self.0.as_ref().ok_or_else(|| Failure::of("there is no HTTP client"))?;
        let mut request = client
            .request(method, url)
            .header("authorization", authorization(token.expose()))
            .header("x-request-id", Uuid::now_v7().to_string())
            .header("x-correlation-id", Uuid::now_v7().to_string());
        if let Some(Route { from, to }) = route {
            request = request
                .header("ocpi-from-country-code", from.country_code.as_str())
                .header("ocpi-from-party-id", from.party_id.as_str())
                .header("ocpi-to-country-code", to.0)
                .header("ocpi-to-party-id", to.1);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable = |error: reqwest::Error| {
            let error = error.without_url();
            Failure::of(certificate(&error).unwrap_or_else(|| chain(&error)))
        };
        let mut answer = request.send().await.map_err(unreachable)?;
        let http = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Failure::of(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let envelope = read::<Envelope<Json>>(&bytes);
        let said = |code: u16, message: Option<&str>| {
            let message: String = message.unwrap_or_default().chars().take(200).collect();
            format!("HTTP {} with status {code} {message}", http.as_u16()).trim().to_owned()
        };
        match envelope {
            Ok(envelope) if http.is_success() && StatusCode(envelope.status_code).is_success() => {
                Ok(envelope.data)
            }
            Ok(envelope) => Err(Failure {
                http: Some(http.as_u16()),
                code: Some(StatusCode(envelope.status_code)),
                text: said(envelope.status_code, envelope.status_message.as_deref()),
            }),
            Err(error) => Err(Failure {
                http: Some(http.as_u16()),
                code: None,
                text: format!("HTTP {} without an OCPI envelope ({error})", http.as_u16()),
            }),
        }
    }
}

/// What happened and why, down to the first cause: the error itself says little more than that something failed.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !told.contains(&cause_text) {
            told = format!("{told}: {cause_text}");
        }
        source = cause.source();
    }
    told
}

/// What is wrong with the partner's certificate, where that is why it was not asked.
fn certificate(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut source = Some(error);
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(wrong)) = tls.or_else(|| cause.downcast_ref()) {
            return Some(format!("the certificate of the partner is not accepted: {}", in_words(wrong)));
        }
        source = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

fn in_words(wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::BadSignature => "its signature is not that of its issuer".to_owned(),
        CertificateError::UnknownIssuer => {
            "nobody known here issued it (`--ocpi-ca` makes an authority known)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    }
}

/// The data of an answer, which some partners put into a list of one.
pub(super) fn needed<T: DeserializeOwned>(data: Option<Json>) -> Result<T, Failure> {
    let data = data.ok_or_else(|| Failure::of("the answer has no data"))?;
    match read::<T>(data.to_string().as_bytes()) {
        Ok(value) => Ok(value),
        Err(error) => match data {
            Json::Array(mut list) if list.len() == 1 => Ok(read(list.swap_remove(0).to_string().as_bytes())?),
            _ => Err(error.into()),
        },
    }
}
