//! Events over MQTT 3.1.1 and 5, each with the acknowledgement of the broker (QoS 1).

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rumqttc::{Outgoing, QoS, Transport, v5};
use rustls_pki_types::ServerName;
use tokio::net::{TcpStream, UnixListener};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use uuid::Uuid;
use voltwin_routes::CloudEvent;
use voltwin_security::Secret;

use super::{Means, SendError, Sending, Sink, topic};
use crate::endpoint::{Mqtt, MqttVersion, address};

const KEEP_ALIVE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
/// Events that are on their way at most.
const INFLIGHT: usize = 16;
/// Bytes of one packet at most.
const PACKET_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Publishes each event.
pub(crate) struct MqttSink {
    mqtt: Mqtt,
    password: Option<Secret>,
    means: Means,
    link: tokio::sync::Mutex<Option<Link>>,
}

impl MqttSink {
    pub(crate) fn new(mqtt: Mqtt, password: Option<Secret>, means: Means) -> Self {
        Self { mqtt, password, means, link: tokio::sync::Mutex::default() }
    }

    async fn publish(&self, event: &CloudEvent) -> Result<(), SendError> {
        let topic = topic(&self.mqtt.topic, event);
        let acknowledged = {
            // one at a time, so that what is queued stands in the order in which it leaves
            let mut link = self.link.lock().await;
            if link.as_ref().is_none_or(|link| link.task.is_finished()) {
                *link = Some(self.connect().await?);
            }
            let Some(link) = link.as_ref() else { return Err(SendError::again("there is no connection")) };
            link.publish(topic, event.structured()).await?
        };
        acknowledged.await.unwrap_or_else(|_| Err(SendError::again("the connection to the broker was lost")))
    }

    async fn connect(&self) -> Result<Link, SendError> {
        let wrong = |error: crate::EventsError| SendError::again(error.to_string());
        let url = address("url", &self.mqtt.url, &["mqtt", "mqtts"]).map_err(wrong)?;
        let secure = url.scheme() == "mqtts";
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or(if secure { 8883 } else { 1883 });
        let places = self.means.outside.places(&host, port).await.map_err(SendError::again)?;
        let place = match secure {
            true => tunnel(&self.means, host, places[0]).await.map_err(SendError::again)?,
            false => places[0].ip().to_string(),
        };
        let id = match &self.mqtt.client_id {
            Some(id) => id.clone(),
            None => format!("voltwin-{}", Uuid::now_v7().simple()),
        };
        let login = self.mqtt.user.as_ref().map(|user| {
            (
                user.clone(),
                self.password.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default(),
            )
        });
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        Ok(match self.mqtt.version {
            MqttVersion::V3 => {
                let mut options = rumqttc::MqttOptions::new(id, place, port);
                options.set_keep_alive(KEEP_ALIVE).set_clean_session(true).set_inflight(INFLIGHT as u16);
                options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
                if secure {
                    options.set_transport(Transport::unix());
                }
                if let Some((user, password)) = login {
                    options.set_credentials(user, password);
                }
                let (client, events) = rumqttc::AsyncClient::new(options, INFLIGHT);
                let task = tokio::spawn(follow_v3(events, waiting.clone()));
                Link { client: Client::V3(client), waiting, task }
            }
            MqttVersion::V5 => {
                let mut options = v5::MqttOptions::new(id, place, port);
                options.set_keep_alive(KEEP_ALIVE).set_clean_start(true);
                options.set_outgoing_inflight_upper_limit(INFLIGHT as u16);
                options.set_max_packet_size(Some(PACKET_BYTES_MAX as u32));
                if secure {
                    options.set_transport(Transport::unix());
                }
                if let Some((user, password)) = login {
                    options.set_credentials(user, password);
                }
                let (client, events) = v5::AsyncClient::new(options, INFLIGHT);
                let task = tokio::spawn(follow_v5(events, waiting.clone()));
                Link { client: Client::V5(client), waiting, task }
            }
        })
    }
}

impl Sink for MqttSink {
    fn send<'a>(&'a self, event: &'a CloudEvent) -> Sending<'a> {
        Box::pin(self.publish(event))
    }
}

/// Speaks TLS with the broker, and lets one connection through to it at the path that is answered: the TLS of the MQTT
/// library would bring a second provider of cryptography. Nobody but us can reach the path.
async fn tunnel(means: &Means, host: String, place: SocketAddr) -> Result<String, String> {
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let connect = async {
        let plain = TcpStream::connect(place).await?;
        TlsConnector::from(Arc::new(means.tls().map_err(std::io::Error::other)?)).connect(name, plain).await
    };
    let connected = tokio::time::timeout(CONNECT, connect).await;
    let mut broker = connected
        .map_err(|_| format!("the broker does not answer within {} s", CONNECT.as_secs()))?
        .map_err(|error| format!("the broker: {error}"))?;
    let folder = std::env::temp_dir().join(format!("voltwin-{}", Uuid::now_v7().simple()));
    let path = folder.join("mqtt");
    let listen = || {
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&folder)?;
        UnixListener::bind(&path)
    };
    let listener = listen().map_err(|error| format!("no socket can be made: {error}"))?;
    tokio::spawn(async move {
        let accepted = tokio::time::timeout(CONNECT, listener.accept()).await;
        let _ = std::fs::remove_dir_all(&folder);
        if let Ok(Ok((mut near, _))) = accepted {
            // either end may go at any time; the other learns it by its own end
            let _ = tokio::io::copy_bidirectional(&mut near, &mut broker).await;
        }
    });
    Ok(path.to_string_lossy().into_owned())
}

enum Client {
    V3(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

/// One connection; it is given up at its first failure, and what waits on it is sent again on the next.
struct Link {
    client: Client,
    waiting: Arc<Mutex<Waiting>>,
    task: JoinHandle<()>,
}

type Told = oneshot::Sender<Result<(), SendError>>;

/// Who waits for an acknowledgement: first in the order of publishing, then by the number of the packet.
#[derive(Default)]
struct Waiting {
    queued: VecDeque<Told>,
    sent: HashMap<u16, Told>,
    ended: Option<String>,
}

impl Waiting {
    fn left(&mut self, packet: u16) {
        if let Some(told) = self.queued.pop_front() {
            self.sent.insert(packet, told);
        }
    }

    fn acknowledged(&mut self, packet: u16, outcome: Result<(), SendError>) {
        if let Some(told) = self.sent.remove(&packet) {
            // whoever gave up waiting sends again
            let _ = told.send(outcome);
        }
    }

    fn fail(&mut self, text: &str) {
        self.ended = Some(text.to_owned());
        for told in self.queued.drain(..).chain(self.sent.drain().map(|(_, told)| told)) {
            let _ = told.send(Err(SendError::again(text)));
        }
    }
}

impl Link {
    async fn publish(
        &self,
        topic: String,
        body: String,
    ) -> Result<oneshot::Receiver<Result<(), SendError>>, SendError> {
        let (told, acknowledged) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            if let Some(text) = &waiting.ended {
                return Err(SendError::again(text.clone()));
            }
            waiting.queued.push_back(told);
        }
        let sent = match &self.client {
            Client::V3(client) => client.publish(topic, QoS::AtLeastOnce, false, body).await.is_ok(),
            Client::V5(client) => {
                let properties = v5::mqttbytes::v5::PublishProperties {
                    payload_format_indicator: Some(1),
                    content_type: Some(CloudEvent::STRUCTURED.to_owned()),
                    ..Default::default()
                };
                let qos = v5::mqttbytes::QoS::AtLeastOnce;
                client.publish_with_properties(topic, qos, false, body, properties).await.is_ok()
            }
        };
        if sent {
            return Ok(acknowledged);
        }
        // it never left, so nothing will ever acknowledge it
        self.waiting.lock().queued.pop_back();
        Err(SendError::again("the connection to the broker was lost, or the topic cannot be published to"))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow_v3(mut events: rumqttc::EventLoop, waiting: Arc<Mutex<Waiting>>) {
    loop {
        match events.poll().await {
            Ok(rumqttc::Event::Outgoing(Outgoing::Publish(packet))) => waiting.lock().left(packet),
            Ok(rumqttc::Event::Incoming(rumqttc::Packet::PubAck(ack))) => {
                waiting.lock().acknowledged(ack.pkid, Ok(()));
            }
            Ok(_) => {}
            Err(error) => return waiting.lock().fail(&format!("the broker: {error}")),
        }
    }
}

async fn follow_v5(mut events: v5::EventLoop, waiting: Arc<Mutex<Waiting>>) {
    use v5::mqttbytes::v5::{Packet, PubAckReason};
    loop {
        match events.poll().await {
            Ok(v5::Event::Outgoing(Outgoing::Publish(packet))) => waiting.lock().left(packet),
            Ok(v5::Event::Incoming(Packet::PubAck(ack))) => {
                let outcome = match ack.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                    reason => Err(SendError::again(format!("the broker: {reason:?}"))),
                };
                waiting.lock().acknowledged(ack.pkid, outcome);
            }
            Ok(_) => {}
            Err(error) => return waiting.lock().fail(&format!("the broker: {error}")),
        }
    }
}
