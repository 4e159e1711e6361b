//! Events over NATS: core, or JetStream with its acknowledgement.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, HeaderMap, ServerAddr};
use voltwin_routes::CloudEvent;
use voltwin_security::Secret;

use super::{Means, SendError, Sending, Sink, topic};
use crate::endpoint::{Nats, address};

const CONNECT: Duration = Duration::from_secs(5);
/// How long JetStream may take to acknowledge.
const ACKNOWLEDGE: Duration = Duration::from_secs(10);

/// Publishes each event.
pub(crate) struct NatsSink {
    nats: Nats,
    secret: Option<Secret>,
    means: Means,
    client: tokio::sync::Mutex<Option<Client>>,
}

impl NatsSink {
    pub(crate) fn new(nats: Nats, secret: Option<Secret>, means: Means) -> Self {
        Self { nats, secret, means, client: tokio::sync::Mutex::default() }
    }

    async fn client(&self) -> Result<Client, SendError> {
        let mut known = self.client.lock().await;
        if let Some(client) = &*known
            && client.connection_state() == async_nats::connection::State::Connected
        {
            return Ok(client.clone());
        }
        let client = self.connect().await?;
        *known = Some(client.clone());
        Ok(client)
    }

    async fn connect(&self) -> Result<Client, SendError> {
        let wrong = |error: crate::EventsError| SendError::again(error.to_string());
        let url = address("url", &self.nats.url, &["nats", "tls"]).map_err(wrong)?;
        let secure = url.scheme() == "tls";
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or(4222);
        let places = self.means.outside.places(&host, port).await.map_err(SendError::again)?;
        // with TLS the name must stay, since the certificate is judged by it
        let place = if secure { format!("tls://{host}:{port}") } else { format!("nats://{}", places[0]) };
        let place = place.parse::<ServerAddr>().map_err(|error| SendError::again(error.to_string()))?;
        let mut options = ConnectOptions::new()
            .name("voltwin")
            .connection_timeout(CONNECT)
            .require_tls(secure)
            // a server must not lead us to its neighbours
            .ignore_discovered_servers()
            // a lost connection is made anew by the next attempt, which looks at the address again
            .max_reconnects(1);
        if secure {
            options = options.tls_client_config(self.means.tls().map_err(SendError::again)?);
        }
        let secret = self.secret.as_ref().map(|secret| secret.expose().to_owned());
        options = match (&self.nats.user, secret) {
            (Some(user), secret) => options.user_and_password(user.clone(), secret.unwrap_or_default()),
            (None, Some(token)) => options.token(token),
            (None, None) => options,
        };
        options.connect(place).await.map_err(|error| SendError::again(format!("NATS: {error}")))
    }

    async fn publish(&self, event: &CloudEvent) -> Result<(), SendError> {
        let client = self.client().await?;
        let subject = topic(&self.nats.subject, event);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", CloudEvent::STRUCTURED);
        // JetStream drops what it has already
        let id: String = event.id.chars().filter(char::is_ascii_graphic).collect();
        headers.insert("Nats-Msg-Id", id.as_str());
        let body = event.structured().into();
        let failed = |text: String| SendError::again(format!("NATS: {text}"));
        if self.nats.jetstream {
            let context: Context = jetstream::new(client);
            let sent = context.publish_with_headers(subject, headers, body).await;
            let acknowledged = sent.map_err(|error| failed(error.to_string()))?;
            let answer = tokio::time::timeout(ACKNOWLEDGE, acknowledged.into_future()).await;
            let answer = answer.map_err(|_| failed("no acknowledgement in time".to_owned()))?;
            answer.map_err(|error| failed(error.to_string()))?;
            return Ok(());
        }
        client
            .publish_with_headers(subject, headers, body)
            .await
            .map_err(|error| failed(error.to_string()))?;
        client.flush().await.map_err(|error| failed(error.to_string()))
    }
}

impl Sink for NatsSink {
    fn send<'a>(&'a self, event: &'a CloudEvent) -> Sending<'a> {
        Box::pin(self.publish(event))
    }
}
