//! Ways to hand an event over.

mod file;
mod mqtt;
mod nats;
mod webhook;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use voltwin_routes::{CloudEvent, Kind};
use voltwin_security::Secret;

use crate::endpoint::{Settings, Target};
use crate::outside::Outside;

pub(crate) use webhook::validate;

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SendError {
    /// What happened.
    pub(crate) text: String,
    /// Whether it would happen again in the same way.
    pub(crate) is_final: bool,
    /// When the endpoint wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
}

impl SendError {
    pub(crate) fn again(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_final: false, retry_after: None }
    }
}

pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

/// One way. An event is handed over when the answer is a yes; until then it may have arrived or not.
pub(crate) trait Sink: Send + Sync {
    fn send<'a>(&'a self, event: &'a CloudEvent) -> Sending<'a>;
}

/// What sinks are made with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) outside: Outside,
    /// Authorities that are believed beside those of the machine.
    pub(crate) authorities: Arc<Vec<CertificateDer<'static>>>,
}

impl Means {
    /// TLS that believes the authorities of this machine and the named ones.
    fn tls(&self) -> Result<ClientConfig, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.authorities.iter().cloned());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| error.to_string())?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A topic or subject in which `{twin}` and `{type}` stand for those of the event, so written that they hold no
/// separator and no wildcard.
fn topic(template: &str, event: &CloudEvent) -> String {
    let part = |text: &str| -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_:@=,!()'$".contains(&b);
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    template.replace("{twin}", &part(twin(event))).replace("{type}", &part(&event.kind))
}

/// The twin that an event is of.
pub(crate) fn twin(event: &CloudEvent) -> &str {
    let graph = event.subject.as_deref().filter(|_| event.kind != Kind::Telemetry.name());
    match graph {
        Some(subject) => subject.split_once("/relationships/").map_or(subject, |(twin, _)| twin),
        // telemetry names its twin at the end of its source
        None => event.source.rsplit_once('/').map_or(event.source.as_str(), |(_, twin)| twin),
    }
}

/// The sink of an endpoint. `folder` is where an endpoint of files writes.
pub(crate) fn sink(
    settings: &Settings,
    secret: Option<&Secret>,
    means: &Means,
    folder: &Path,
) -> Arc<dyn Sink> {
    match &settings.target {
        Target::Webhook(webhook) => {
            Arc::new(webhook::WebhookSink::new(webhook.clone(), secret.cloned(), means.clone()))
        }
        Target::Mqtt(mqtt) => Arc::new(mqtt::MqttSink::new(mqtt.clone(), secret.cloned(), means.clone())),
        Target::Nats(nats) => Arc::new(nats::NatsSink::new(nats.clone(), secret.cloned(), means.clone())),
        Target::File {} => Arc::new(file::FileSink::new(folder.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_topics_hold_no_separator_and_no_wildcard() {
        let event = CloudEvent {
            id: String::new(),
            source: "demo.voltwin".into(),
            kind: Kind::TwinUpdate.name().into(),
            subject: Some("ST+1.#*/relationships/x".into()),
            time: None,
            dataschema: None,
            traceparent: None,
            sequence: 1,
            data: serde_json::Value::Null,
        };
        let written = topic("v/{twin}/{type}", &event);
        assert_eq!(written, "v/ST%2B1%2E%23%2A/Microsoft%2EDigitalTwins%2ETwin%2EUpdate");
    }
}
