//! One WebSocket: what it has seen, and the pace at which it sees more.
//!
//! How far a client has read is told by its pongs: a ping follows the frames of each tick, and no more ticks are on
//! their way than those of a second. So what waits in buffers between us is never much older than that, however
//! large these are.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket, close_code};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};
use voltwin_wire::{ConnectorRow, Row, Stamp, StationRow, Topic, VehicleColumns, VehicleRow};

use super::focus::Focus;
use super::hub::Place;
use super::protocol::{Bounds, Message, Request, period, topic};
use super::tables::{Tables, TopicRows};
use crate::auth::Standing;
use crate::state::AppState;

/// A client whose socket takes nothing for this long is closed.
const STALL: Duration = Duration::from_secs(30);
const STALLED: &str = "the client took nothing for 30 s";
const PING_PERIOD: Duration = Duration::from_secs(20);
/// A client that answers no ping is gone.
const SILENCE: Duration = Duration::from_secs(70);
/// How often it is seen whether the client's key or session still holds.
const STANDING_PERIOD: Duration = Duration::from_secs(5);
const FOCUS_PERIOD: Duration = Duration::from_millis(250);

/// What a client has seen of one topic.
#[derive(Debug, Default)]
struct Seen {
    subscribed: bool,
    /// A snapshot is due, whatever was seen.
    fresh: bool,
    version: u64,
    rows: usize,
    /// The sequence of the next frame.
    sequence: u32,
}

/// Why a connection ends.
enum End {
    /// The client went, or its socket broke.
    Gone,
    /// We close it.
    Close(u16, &'static str),
}

struct Client {
    socket: WebSocket,
    state: AppState,
    place: Place,
    standing: Standing,
    epoch: Option<u32>,
    seen: [Seen; 3],
    /// The part of the world that it looks at, and the vehicles that it knows to be there.
    view: Option<Bounds>,
    inside: RefCell<Vec<bool>>,
    focus: Focus,
    heard: Instant,
    flight: Flight,
}

/// The ticks that are on their way.
struct Flight {
    /// Number of the last ping that was sent, and of the last one that was answered.
    sent: u32,
    answered: u32,
    /// When it was last seen that the client reads.
    moved: Instant,
    /// How many may be on their way.
    window: u32,
}

impl Flight {
    fn new(period: Duration) -> Self {
        Self { sent: 0, answered: 0, moved: Instant::now(), window: Self::window(period) }
    }

    fn window(period: Duration) -> u32 {
        (1.0 / period.as_secs_f64()).ceil().max(2.0) as u32
    }

    /// Whether the client is too far behind for more.
    fn full(&self) -> bool {
        self.sent.wrapping_sub(self.answered) >= self.window
    }

    /// The payload of the ping after the frames of a tick.
    fn send(&mut self) -> Bytes {
        if self.sent == self.answered {
            self.moved = Instant::now();
        }
        self.sent = self.sent.wrapping_add(1);
        Bytes::copy_from_slice(&self.sent.to_le_bytes())
    }

    fn answer(&mut self, payload: &[u8]) {
        let Ok(number) = payload.try_into().map(u32::from_le_bytes) else { return };
        // an answer to nothing that is on its way says nothing
        if self.sent.wrapping_sub(number) < self.sent.wrapping_sub(self.answered) {
            self.answered = number;
            self.moved = Instant::now();
        }
    }

    fn stalled(&self) -> bool {
        self.sent != self.answered && self.moved.elapsed() > STALL
    }
}

/// Serves one client until it goes or the server stops.
pub(super) async fn run(socket: WebSocket, state: AppState, place: Place, standing: Standing) {
    let mut client = Client {
        socket,
        state,
        place,
        standing,
        epoch: None,
        seen: Default::default(),
        view: None,
        inside: RefCell::default(),
        focus: Focus::default(),
        heard: Instant::now(),
        flight: Flight::new(period(None)),
    };
    if let Err(End::Close(code, reason)) = client.serve().await {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let closing = client.socket.send(Frame::Close(Some(frame)));
        // it is closed either way
        let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
    }
}

fn lazy(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

impl Client {
    async fn serve(&mut self) -> Result<(), End> {
        let hub = self.place.hub.clone();
        let (mut messages, mut kpi) = (hub.messages.subscribe(), hub.kpi.subscribe());
        kpi.mark_changed();
        let (mut tick, mut focus, mut ping) = (lazy(period(None)), lazy(FOCUS_PERIOD), lazy(PING_PERIOD));
        let mut standing = lazy(STANDING_PERIOD);
        let closing = self.state.closing.clone();
        self.say_hello().await?;
        loop {
            tokio::select! {
                () = closing.cancelled() => return Err(End::Close(close_code::AWAY, "the server is stopping")),
                received = self.socket.recv() => match received {
                    Some(Ok(frame)) => {
                        self.heard = Instant::now();
                        if let Some(period) = self.receive(frame).await? {
                            tick = lazy(period);
                            self.flight.window = Flight::window(period);
                        }
                    }
                    Some(Err(_)) | None => return Err(End::Gone),
                },
                _ = tick.tick() => self.send_frames().await?,
                _ = focus.tick(), if !self.focus.is_empty() => self.send_focus().await?,
                _ = ping.tick() => {
                    if self.heard.elapsed() > SILENCE {
                        return Err(End::Close(close_code::POLICY, "no answer to pings"));
                    }
                    let payload = self.flight.send();
                    self.send(Frame::Ping(payload)).await?;
                }
                _ = standing.tick() => {
                    if !self.standing.holds(&self.state).await {
                        return Err(End::Close(close_code::POLICY, "the key or session has ended"));
                    }
                }
                changed = kpi.changed() => {
                    changed.map_err(|_| End::Gone)?;
                    let text = kpi.borrow_and_update().clone();
                    if !text.is_empty() {
                        self.send(Frame::Text(text)).await?;
                    }
                }
                message = messages.recv() => match message {
                    Ok(text) => self.send(Frame::Text(text)).await?,
                    Err(RecvError::Lagged(missed)) => {
                        metrics::counter!("voltwin_live_messages_missed_total").increment(missed);
                        let detail = format!("{missed} records were not sent because you read too slowly; load the lists again");
                        self.say(&Message::Error { detail }).await?;
                    }
                    Err(RecvError::Closed) => return Err(End::Gone),
                },
            }
        }
    }

    async fn send(&mut self, frame: Frame) -> Result<(), End> {
        match tokio::time::timeout(STALL, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => {
                metrics::counter!("voltwin_live_stalled_total").increment(1);
                Err(End::Close(close_code::POLICY, STALLED))
            }
        }
    }

    async fn say(&mut self, message: &Message<'_>) -> Result<(), End> {
        self.send(Frame::Text(message.text().into())).await
    }

    /// Says what the columns to come count from.
    async fn say_hello(&mut self) -> Result<(), End> {
        let hub = self.place.hub.clone();
        let (epoch, epoch_ms, journal_seq) = {
            let tables = hub.tables.read();
            (tables.epoch, tables.epoch_ms, tables.journal_seq)
        };
        self.epoch = Some(epoch);
        self.seen.iter_mut().for_each(|seen| seen.fresh = true);
        let server_time_ms = self.state.runtime.now().as_millis();
        let tenant = hub.tenant.as_str();
        self.say(&Message::Hello { protocol: 1, tenant, epoch_ms, server_time_ms, journal_seq }).await
    }

    /// Does what the client asks for; answers the new time between ticks where it sets one.
    async fn receive(&mut self, frame: Frame) -> Result<Option<Duration>, End> {
        let text = match frame {
            Frame::Text(text) => text,
            Frame::Close(_) => return Err(End::Gone),
            Frame::Binary(_) => {
                self.say(&Message::Error { detail: "messages to the server are text".to_owned() }).await?;
                return Ok(None);
            }
            Frame::Pong(payload) => {
                self.flight.answer(&payload);
                return Ok(None);
            }
            Frame::Ping(_) => return Ok(None),
        };
        match Request::read(&text) {
            Ok(Request::Subscribe { topics, hz, view }) => {
                let wanted: Vec<Topic> = topics.iter().filter_map(|name| topic(name).ok()).collect();
                for (topic, seen) in Topic::ALL.iter().zip(&mut self.seen) {
                    seen.subscribed = wanted.contains(topic);
                    seen.fresh = true;
                }
                self.view = view.map(|view| view.bounds());
                return Ok(Some(period(hz)));
            }
            Ok(Request::View { view }) => {
                self.view = view.map(|view| view.bounds());
                self.seen_of(Topic::Vehicle).fresh = true;
            }
            Ok(Request::Focus { twins }) => self.focus.set(&twins, &self.place.hub.traces),
            Ok(Request::Resync { topic: name }) => {
                if let Ok(topic) = topic(&name) {
                    self.seen_of(topic).fresh = true;
                }
            }
            Ok(Request::Ping { t }) => self.say(&Message::Pong { t }).await?,
            Err(detail) => self.say(&Message::Error { detail }).await?,
        }
        Ok(None)
    }

    fn seen_of(&mut self, topic: Topic) -> &mut Seen {
        &mut self.seen[topic as usize - 1]
    }

    async fn send_frames(&mut self) -> Result<(), End> {
        if self.flight.stalled() {
            metrics::counter!("voltwin_live_stalled_total").increment(1);
            return Err(End::Close(close_code::POLICY, STALLED));
        }
        if self.flight.full() || self.seen.iter().all(|seen| !seen.subscribed) {
            return Ok(());
        }
        let hub = self.place.hub.clone();
        let moved = self.epoch != Some(hub.tables.read().epoch);
        if moved {
            self.say_hello().await?;
        }
        let frames = self.encode(&hub.tables.read());
        if frames.is_empty() {
            return Ok(());
        }
        for frame in frames {
            metrics::counter!("voltwin_live_bytes_total").increment(frame.len() as u64);
            self.send(Frame::Binary(frame)).await?;
        }
        let payload = self.flight.send();
        self.send(Frame::Ping(payload)).await
    }

    /// Everything that changed since the last frames; the lock on the columns is held for no longer than this.
    fn encode(&mut self, tables: &Tables) -> Vec<Bytes> {
        if self.epoch != Some(tables.epoch) {
            // it began anew this very moment; the next tick says hello
            return Vec::new();
        }
        let stamp = Stamp {
            epoch: tables.epoch,
            sequence: 0,
            journal_seq: tables.journal_seq,
            server_time_us: self.state.runtime.now().as_micros(),
        };
        let mut frames = Vec::new();
        let [station, connector, vehicle] = &mut self.seen;
        advance::<StationRow>(&tables.station, station, stamp, |_| true, &mut frames);
        advance::<ConnectorRow>(&tables.connector, connector, stamp, |_| true, &mut frames);
        match self.view {
            None => advance::<VehicleRow>(&tables.vehicle, vehicle, stamp, |_| true, &mut frames),
            Some(view) => {
                let columns = tables.vehicle.table.columns();
                if vehicle.fresh {
                    let mut inside = self.inside.borrow_mut();
                    inside.clear();
                    inside.extend((0..tables.vehicle.table.len()).map(|row| holds(view, columns, row)));
                }
                self.inside.borrow_mut().resize(tables.vehicle.table.len(), true);
                let passes = |row: usize| {
                    let now = holds(view, columns, row);
                    self.inside
                        .borrow_mut()
                        .get_mut(row)
                        .is_none_or(|inside| std::mem::replace(inside, now) || now)
                };
                advance::<VehicleRow>(&tables.vehicle, vehicle, stamp, passes, &mut frames);
            }
        }
        frames
    }

    async fn send_focus(&mut self) -> Result<(), End> {
        let tenant = self.place.hub.tenant.clone();
        let messages = self.state.runtime.read(&tenant, |graph| self.focus.changes(graph));
        for text in messages {
            self.send(Frame::Text(text.into())).await?;
        }
        Ok(())
    }
}

fn holds(view: Bounds, columns: &VehicleColumns, row: usize) -> bool {
    match (columns.lat_e7.get(row), columns.lon_e7.get(row)) {
        (Some(lat), Some(lon)) => view.hold(*lat, *lon),
        _ => false,
    }
}

/// Adds the frames that bring a client from what it has seen of a topic to what there is.
fn advance<R: Row>(
    topic: &TopicRows<R>,
    seen: &mut Seen,
    stamp: Stamp,
    passes: impl Fn(usize) -> bool,
    frames: &mut Vec<Bytes>,
) {
    if !seen.subscribed {
        return;
    }
    let table = &topic.table;
    let mut add = |sequence: &mut u32, encode: &dyn Fn(Stamp, &mut Vec<u8>) -> usize| {
        let mut bytes = Vec::new();
        if encode(Stamp { sequence: *sequence, ..stamp }, &mut bytes) > 0 || !bytes.is_empty() {
            *sequence = sequence.wrapping_add(1);
            frames.push(bytes.into());
        }
    };
    if std::mem::take(&mut seen.fresh) {
        add(&mut seen.sequence, &|stamp, bytes| table.encode_snapshot(stamp, bytes));
    } else {
        let (known, since) = (seen.rows, seen.version);
        if table.len() > known {
            add(&mut seen.sequence, &|stamp, bytes| table.encode_append(known, stamp, bytes));
        }
        if table.version() > since {
            let filter = |row: usize| row < known && passes(row);
            add(&mut seen.sequence, &|stamp, bytes| table.encode_delta(since, filter, stamp, bytes));
        }
    }
    seen.rows = table.len();
    seen.version = table.version();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_ticks_are_on_their_way_than_those_of_a_second() {
        let mut flight = Flight::new(Duration::from_millis(200));
        let sent: Vec<Bytes> = (0..5).map(|_| flight.send()).collect();
        assert!(flight.full());
        flight.answer(&sent[1]);
        assert_eq!((flight.full(), flight.answered), (false, 2));
        // old, foreign and future answers change nothing
        for payload in [&sent[0][..], b"", b"xyz", &99_u32.to_le_bytes()] {
            flight.answer(payload);
            assert_eq!(flight.answered, 2);
        }
        flight.answer(&sent[4]);
        assert!(!flight.full() && !flight.stalled());
    }
}
