//! What an endpoint is, as it is set up.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::EventsError;

/// Seconds of the longest pause between two attempts that can be set.
const PAUSE_MAX_S: u32 = 3_600;
/// Seconds of the longest time to live that can be set: a week.
const TTL_MAX_S: u32 = 7 * 86_400;
/// Bytes of an address or topic at most.
const TEXT_BYTES_MAX: usize = 2_048;

/// How an endpoint is reached and how hard it is tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What it is.
    pub target: Target,
    /// How hard it is tried.
    #[serde(default)]
    pub retry: Retry,
    /// The endpoint that gets what is given up; without it a folder of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_endpoint: Option<String>,
}

/// What an endpoint is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// An HTTP server that takes a POST an event.
    Webhook(Webhook),
    /// A broker that speaks MQTT.
    Mqtt(Mqtt),
    /// A NATS server.
    Nats(Nats),
    /// Files of this server: NDJSON in its data folder, below `events/TENANT/out/ENDPOINT`.
    File {},
}

/// An HTTP server that takes events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where: `https://…` or `http://…`.
    pub url: String,
    /// How events are written down.
    #[serde(default)]
    pub mode: Mode,
    /// How it is asked whether it wants them.
    #[serde(default)]
    pub validation: Validation,
    /// The header that holds the secret, where there is one.
    #[serde(default = "authorization")]
    pub secret_header: String,
    /// Calls a minute that it allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_a_minute: Option<u32>,
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// A broker that takes events, each acknowledged (QoS 1). The secret is the password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    /// Where: `mqtt://host:1883` or `mqtts://host:8883`.
    pub url: String,
    /// The topic; `{twin}` and `{type}` stand for those of the event.
    pub topic: String,
    /// Which MQTT.
    #[serde(default)]
    pub version: MqttVersion,
    /// What we call ourselves; made up when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The user, where the broker wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// Which MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MqttVersion {
    /// 3.1.1.
    #[serde(rename = "3.1.1")]
    V3,
    /// 5.
    #[default]
    #[serde(rename = "5")]
    V5,
}

/// A NATS server that takes events. The secret is the password of the user, or a token where there is no user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nats {
    /// Where: `nats://host:4222` or `tls://host:4222`.
    pub url: String,
    /// The subject; `{twin}` and `{type}` stand for those of the event.
    pub subject: String,
    /// Whether a stream of JetStream must acknowledge each. Without it NATS itself keeps nothing.
    #[serde(default)]
    pub jetstream: bool,
    /// The user, where the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// How events are written down in HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The whole event as JSON.
    #[default]
    Structured,
    /// Attributes as headers, the data as the body.
    Binary,
}

/// How a webhook is asked whether it wants events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// By `OPTIONS`, as CloudEvents says.
    #[default]
    CloudEvents,
    /// By an event with a code, as Azure Event Grid does it.
    EventGrid,
    /// Not at all.
    None,
}

/// How hard an endpoint is tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Attempts until an event is given up, 1 to 1,000.
    pub attempts_max: u32,
    /// Seconds after which an event is given up, from 1 to a week.
    pub ttl_s: u32,
    /// Seconds that one attempt may take, 1 to 60.
    pub timeout_s: u32,
    /// Seconds of the first pause, 0.05 to 60; each further one is twice as long.
    pub pause_s: f64,
    /// Seconds of the longest pause, to 3,600.
    pub pause_max_s: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts_max: 30, ttl_s: 86_400, timeout_s: 10, pause_s: 1.0, pause_max_s: 300 }
    }
}

impl Settings {
    /// Reads settings as the registry and the API hold them.
    ///
    /// # Errors
    /// [`EventsError::Invalid`] with the field at fault.
    pub fn read(json: &Json) -> Result<Self, EventsError> {
        let settings: Self = serde_path_to_error::deserialize(json)
            .map_err(|error| EventsError::invalid(error.path().to_string(), error.inner().to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// As the registry and the API hold them.
    #[must_use]
    pub fn write(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn check(&self) -> Result<(), EventsError> {
        let rule = |field: &str, fits: bool, rule: &str| {
            if fits { Ok(()) } else { Err(EventsError::invalid(field, format!("must be {rule}"))) }
        };
        let retry = &self.retry;
        rule("retry.attempts_max", (1..=1_000).contains(&retry.attempts_max), "1 to 1000")?;
        rule("retry.ttl_s", (1..=TTL_MAX_S).contains(&retry.ttl_s), "1 to 604800 (a week)")?;
        rule("retry.timeout_s", (1..=60).contains(&retry.timeout_s), "1 to 60")?;
        rule("retry.pause_s", (0.05..=60.0).contains(&retry.pause_s), "0.05 to 60")?;
        rule("retry.pause_max_s", (1..=PAUSE_MAX_S).contains(&retry.pause_max_s), "1 to 3600")?;
        match &self.target {
            Target::Webhook(webhook) => {
                address("target.url", &webhook.url, &["http", "https"])?;
                let header = &webhook.secret_header;
                let token = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
                let named = (1..=64).contains(&header.len()) && header.bytes().all(token);
                rule(
                    "target.secret_header",
                    named,
                    "the name of a header, 1 to 64 letters, digits, - and _",
                )?;
                let ours = header.to_ascii_lowercase();
                let free = !ours.starts_with("ce-")
                    && !["content-type", "content-length", "host", "transfer-encoding", "connection"]
                        .contains(&ours.as_str());
                rule("target.secret_header", free, "a header that events do not use themselves")?;
                rule(
                    "target.calls_a_minute",
                    webhook.calls_a_minute != Some(0),
                    "from 1, or left out where there is no limit",
                )
            }
            Target::Mqtt(mqtt) => {
                address("target.url", &mqtt.url, &["mqtt", "mqtts"])?;
                let name = |text: &str| (1..=512).contains(&text.len()) && !text.contains(char::is_control);
                let topic = name(&mqtt.topic) && !mqtt.topic.contains(['+', '#']);
                rule("target.topic", topic, "1 to 512 bytes without + and #")?;
                let plain =
                    |id: &str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
                let named = mqtt.client_id.as_deref().is_none_or(plain);
                rule("target.client_id", named, "1 to 128 printable characters without spaces")?;
                rule("target.user", mqtt.user.as_deref().is_none_or(name), "1 to 512 bytes")
            }
            Target::Nats(nats) => {
                address("target.url", &nats.url, &["nats", "tls"])?;
                let tokens = nats.subject.split('.').all(|token| {
                    !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic() && b != b'*' && b != b'>')
                });
                rule(
                    "target.subject",
                    nats.subject.len() <= 512 && tokens,
                    "words with dots between, 512 bytes at most, without * and >",
                )?;
                let name = |text: &str| (1..=512).contains(&text.len()) && !text.contains(char::is_control);
                rule("target.user", nats.user.as_deref().is_none_or(name), "1 to 512 bytes")
            }
            Target::File {} => Ok(()),
        }
    }
}

/// An absolute address of one of these schemes, without credentials in it.
pub(crate) fn address(field: &str, text: &str, schemes: &[&str]) -> Result<reqwest::Url, EventsError> {
    let wrong = |reason: String| EventsError::invalid(field, reason);
    if text.len() > TEXT_BYTES_MAX {
        return Err(wrong(format!("must have {TEXT_BYTES_MAX} bytes at most")));
    }
    let url = reqwest::Url::parse(text).map_err(|error| wrong(format!("is no address: {error}")))?;
    if !schemes.contains(&url.scheme()) {
        return Err(wrong(format!("must begin with {}://", schemes.join(":// or "))));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must hold no user and no password; secrets go into `secret`".to_owned()));
    }
    // the parser looks for a host behind any number of slashes
    if url.host_str().is_none_or(str::is_empty) || text.contains(":///") {
        return Err(wrong("names no host".to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings =
            Settings::read(&json!({"target": {"kind": "webhook", "url": "https://hook.example/x"}})).unwrap();
        assert_eq!(settings.retry, Retry::default());
        let Target::Webhook(webhook) = &settings.target else { panic!("{settings:?}") };
        assert_eq!((webhook.mode, webhook.validation), (Mode::Structured, Validation::CloudEvents));
        assert_eq!(Settings::read(&settings.write()).unwrap(), settings);
    }

    #[test]
    fn an_error_names_its_field() {
        let field = |json: Json| match Settings::read(&json).unwrap_err() {
            EventsError::Invalid { field, .. } => field,
            other => panic!("{other}"),
        };
        let hook = |url: &str| json!({"target": {"kind": "webhook", "url": url}});
        for url in ["ftp://x.example", "nonsense", "https://user:word@x.example", "http:///x"] {
            assert_eq!(field(hook(url)), "target.url", "{url}");
        }
        let mut late = hook("https://x.example");
        late["retry"] = json!({"timeout_s": 61});
        assert_eq!(field(late), "retry.timeout_s");
        let mut taken = hook("https://x.example");
        taken["target"]["secret_header"] = "ce-id".into();
        assert_eq!(field(taken), "target.secret_header");
        assert_eq!(field(json!({"target": {"kind": "pigeon"}})), "target.kind");
        let mqtt =
            |topic: &str| json!({"target": {"kind": "mqtt", "url": "mqtt://b.example", "topic": topic}});
        assert!(Settings::read(&mqtt("v/{twin}")).is_ok());
        assert_eq!(field(mqtt("v/#")), "target.topic");
        let nats = |subject: &str| json!({"target": {"kind": "nats", "url": "nats://n.example", "subject": subject}});
        assert!(Settings::read(&nats("v.{twin}")).is_ok());
        for subject in ["", "v..x", "v.>", "v x"] {
            assert_eq!(field(nats(subject)), "target.subject", "{subject}");
        }
    }
}
