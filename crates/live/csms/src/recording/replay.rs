//! A recording played again into a fresh copy: the same code, the recorded times.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use voltwin_core::{CommandId, Event, EventBody, RecordFact, TenantId, Timestamp, TwinId, Value};
use voltwin_ocpp::Version;
use voltwin_runtime::{Clock, Runtime, RuntimeConfig};
use voltwin_store::{IdToken, Store, TransactionFilter};

use super::format::{Header, Line, RecordingError, read};
use crate::log::shown;
use crate::{Admission, CentralSystem, CommandRequest, CsmsConfig, CsmsError, Link, Outgoing};

/// Who did everything in a replay.
const BY: &str = "replay";
/// Differences that are told; more are counted.
const DIFFERENCES_MAX: usize = 200;
/// How far the recorded `currentTime` of an answer may lie from the one now: it was written a moment after its frame.
const MOMENT_S: f64 = 5.0;
/// How long the copy may take for one step; a machine under load, not a station, is what is waited for.
const STEP: Duration = Duration::from_secs(60);

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
    /// The station.
    pub station: String,
    /// Frames of the station that were played.
    pub frames_in: u64,
    /// Frames that were compared with the recorded ones.
    pub compared: u64,
    /// How many were not the same.
    pub different: u64,
    /// The first 200 of them.
    pub differences: Vec<Difference>,
    /// Whether the recording ended in order and lost no line.
    pub complete: bool,
    /// The twins as they are in the end, by id.
    pub twins: BTreeMap<String, Json>,
    /// What is known of the station beyond properties, by topic and key.
    pub records: BTreeMap<String, Json>,
    /// The transactions of the station.
    pub transactions: Vec<Json>,
    /// The answers given now, in order.
    #[serde(skip)]
    pub answers: Vec<String>,
    /// SHA-256 over twins, records, transactions and answers.
    pub digest: String,
}

/// A frame that is not what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The line of the recording.
    pub line: usize,
    /// What was recorded; empty when nothing was.
    pub recorded: String,
    /// What is said now; empty when nothing is.
    pub now: String,
}

/// A clock that stands where it was put.
struct Recorded(AtomicI64);

impl Clock for Recorded {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Plays a recording up to `until` into the data folder `dir`, which must be empty.
///
/// The result depends on the recording alone: times, message ids and transaction numbers come from it, one shard
/// orders all events, and each frame is played after all that follows from the one before is durable.
///
/// # Errors
/// [`CsmsError::Recording`] with the number of a line that is not what was recorded; whatever else stands in the way.
pub async fn replay(
    source: impl BufRead,
    until: Option<Timestamp>,
    dir: &Path,
) -> Result<Replayed, CsmsError> {
    let (header, lines) = read(source)?;
    let clock = Arc::new(Recorded(AtomicI64::new(header.at.as_micros())));
    let store = Store::open(dir).await?;
    let tenant = TenantId::new(BY)?;
    store.add_tenant(&tenant, header.unknown_tokens, BY, header.at).await?;
    let config = RuntimeConfig { shards: 1, clock: clock.clone(), ..RuntimeConfig::default() };
    let runtime = Runtime::start(store, config).await?;
    let config = CsmsConfig {
        heartbeat_s: header.heartbeat_s,
        call_timeout_s: header.call_timeout_s,
        max_frame_bytes: header.max_frame_bytes,
        max_report_bytes: header.max_report_bytes,
        validation: header.validation,
        return_check_s: None,
        ..CsmsConfig::default()
    };
    let csms = CentralSystem::start(runtime.clone(), config).await?;
    let mut stage = Stage {
        tenant,
        station: header.station.clone(),
        csms,
        clock,
        link: None,
        pending: HashMap::new(),
        said: VecDeque::new(),
        found: Replayed {
            station: header.station.to_string(),
            frames_in: 0,
            compared: 0,
            different: 0,
            differences: Vec::new(),
            complete: false,
            twins: BTreeMap::new(),
            records: BTreeMap::new(),
            transactions: Vec::new(),
            answers: Vec::new(),
            digest: String::new(),
        },
    };
    let played = stage.play(header, lines, until).await;
    let csms = stage.csms.clone();
    let found = match played {
        Ok(()) => stage.finish().await,
        Err(error) => Err(error),
    };
    runtime.stop().await;
    csms.finish().await;
    runtime.store().close().await;
    found
}

struct Stage {
    tenant: TenantId,
    station: TwinId,
    csms: CentralSystem,
    clock: Arc<Recorded>,
    link: Option<Link>,
    /// Commands that the station has not answered yet, by message id.
    pending: HashMap<String, JoinHandle<()>>,
    /// What we said and the recording has not come to yet.
    said: VecDeque<String>,
    found: Replayed,
}

impl Stage {
    async fn play(
        &mut self,
        header: Header,
        lines: Vec<Line>,
        until: Option<Timestamp>,
    ) -> Result<(), CsmsError> {
        let version = header.version.clone();
        self.set_up(header).await?;
        if let Some(version) = version {
            self.open(&version, 1).await?;
        }
        let numbers = transaction_numbers(&lines);
        let mut last = 1;
        for (index, line) in lines.into_iter().enumerate() {
            let number = index + 2;
            if until.is_some_and(|until| line.at() > until) {
                break;
            }
            last = number;
            self.clock.0.fetch_max(line.at().as_micros(), Ordering::Relaxed);
            if let Some(link) = &mut self.link {
                let outgoing = link.pass_time().await;
                self.hear(outgoing);
            }
            match line {
                Line::Open { version, .. } => self.open(&version, number).await?,
                Line::Close { .. } => self.close().await,
                Line::Token { token, status, terms, .. } => {
                    let registry = self.csms.inner.runtime.store().tenant(&self.tenant);
                    let alone = || IdToken { token, status, concurrent_allowed: true, ..IdToken::default() };
                    let known = terms.map_or_else(alone, |terms| *terms);
                    registry.set_id_token(&known, BY, self.csms.inner.runtime.now()).await?;
                }
                Line::Frame { direction, text, .. } if direction == "in" => {
                    if let Some(known) = numbers.get(&number) {
                        self.csms.inner.runtime.store().continue_transaction_numbers(*known).await;
                    }
                    self.frame(&text, number).await?;
                }
                Line::Frame { kind, action, id, text, .. } => {
                    if kind == "call" {
                        self.command(action, id, &text, number).await?;
                    }
                    self.compare(&text, number);
                }
                Line::End { dropped, .. } => self.found.complete = dropped == 0,
            }
        }
        while let Some(now) = self.said.pop_front() {
            self.differ(last, String::new(), now);
        }
        Ok(())
    }

    /// The state that the recording began with.
    async fn set_up(&mut self, header: Header) -> Result<(), CsmsError> {
        let now = header.at;
        let event =
            |twin: &TwinId, at: Timestamp, body| Event::new(self.tenant.clone(), twin.clone(), at, now, body);
        let mut events = Vec::new();
        for (at, fact) in header.transactions {
            events.push(event(&self.station, at, EventBody::Transaction(fact.into())));
        }
        for twin in &header.twins {
            let properties = voltwin_core::PropertyMap::new();
            let model = voltwin_core::Dtmi::new(&twin.model)?;
            events.push(event(&twin.id, now, EventBody::Created { model, properties }));
            for (name, value, at) in &twin.properties {
                let value: Option<Value> = serde_json::from_value(value.clone()).ok();
                let values = vec![(name.clone(), value)];
                events.push(event(&twin.id, *at, EventBody::Patched { values }));
            }
        }
        for twin in &header.twins {
            for (id, name, target) in &twin.links {
                let (id, name, target) = (id.clone(), name.clone(), target.clone());
                let properties = voltwin_core::PropertyMap::new();
                events.push(event(&twin.id, now, EventBody::Linked { id, name, target, properties }));
            }
        }
        for (twin, topic, key, value) in header.records {
            let fact = RecordFact { topic, key, value: Some(value) };
            events.push(event(&twin, now, EventBody::Record(fact)));
        }
        // one after the other: a link needs its target
        for event in events {
            if let Err(error) = self.csms.inner.runtime.submit(event).await {
                let detail = format!("the state at the start does not fit this version: {error}");
                return Err(RecordingError::Line { line: 1, detail }.into());
            }
        }
        Ok(())
    }

    async fn open(&mut self, version: &str, line: usize) -> Result<(), CsmsError> {
        let wrong = |error: voltwin_ocpp::OcppError| RecordingError::Line { line, detail: error.to_string() };
        let version: Version = version.parse().map_err(wrong)?;
        let older = self.link.take();
        let who = Admission { tenant: self.tenant.clone(), station: self.station.clone() };
        self.link = Some(self.csms.link(who, version).await?);
        if let Some(older) = older {
            older.close().await;
        }
        self.settle().await;
        Ok(())
    }

    async fn close(&mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.settle().await;
    }

    /// Waits for commands whose connection is gone.
    async fn settle(&mut self) {
        for (_, command) in self.pending.drain() {
            let _ = tokio::time::timeout(STEP, command).await;
        }
    }

    async fn frame(&mut self, text: &str, line: usize) -> Result<(), CsmsError> {
        let Some(link) = &mut self.link else {
            let detail = "a frame of the station, but no connection is open".to_owned();
            return Err(RecordingError::Line { line, detail }.into());
        };
        let outgoing = link.on_text(text).await;
        self.found.frames_in += 1;
        self.hear(outgoing);
        let answered = serde_json::from_str::<Json>(text).ok().and_then(|frame| {
            matches!(frame[0].as_u64(), Some(3 | 4)).then(|| frame[1].as_str().map(str::to_owned))?
        });
        if let Some(command) = answered.and_then(|id| self.pending.remove(&id)) {
            let _ = tokio::time::timeout(STEP, command).await;
        }
        Ok(())
    }

    /// Gives the command again that was given then, under its own id.
    async fn command(
        &mut self,
        action: Option<String>,
        id: Option<String>,
        text: &str,
        line: usize,
    ) -> Result<(), CsmsError> {
        // a command that waited for the one before it is said already
        let sent = |said: &String| message_id(said) == id && id.is_some();
        if self.said.iter().any(sent) {
            return Ok(());
        }
        let wrong = |detail: &str| RecordingError::Line { line, detail: detail.to_owned() };
        let frame: Json = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
        let id = id.ok_or_else(|| wrong("a command without a message id"))?;
        let action = action.ok_or_else(|| wrong("a command without an action"))?;
        let number: CommandId = id.parse().map_err(|_| wrong("a command whose id is not ours"))?;
        let Some(link) = &mut self.link else {
            return Err(wrong("a command, but no connection is open").into());
        };
        let request = CommandRequest::Raw { action, payload: frame[3].clone() };
        let (csms, tenant, station) = (self.csms.clone(), self.tenant.clone(), self.station.clone());
        let mut command = tokio::spawn(async move {
            let wait = Duration::from_secs(24 * 3_600);
            if let Err(error) = csms.command_as(number, (&tenant, &station), request, BY, wait).await {
                tracing::warn!(%error, "a recorded command could not be given");
            }
        });
        let due = tokio::time::Instant::now() + STEP;
        let mut outgoing = Vec::new();
        while outgoing.is_empty() {
            tokio::select! {
                said = link.next() => outgoing = said,
                // it could not be given now; the comparison tells
                _ = &mut command => return Ok(()),
                () = tokio::time::sleep_until(due) => break,
            }
        }
        self.pending.insert(id, command);
        self.hear(outgoing);
        Ok(())
    }

    fn hear(&mut self, outgoing: Vec<Outgoing>) {
        for item in outgoing {
            if let Outgoing::Text(text) = item {
                let text = shown(&text).into_owned();
                self.found.answers.push(text.clone());
                self.said.push_back(text);
            }
        }
    }

    fn compare(&mut self, recorded: &str, line: usize) {
        // the one with the same message id; others come in their turn
        let id = message_id(recorded);
        let place = self.said.iter().position(|said| message_id(said) == id);
        let now = place.and_then(|place| self.said.remove(place)).unwrap_or_default();
        self.found.compared += 1;
        if !same(recorded, &now) {
            self.differ(line, recorded.to_owned(), now);
        }
    }

    fn differ(&mut self, line: usize, recorded: String, now: String) {
        self.found.different += 1;
        if self.found.differences.len() < DIFFERENCES_MAX {
            self.found.differences.push(Difference { line, recorded, now });
        }
    }

    async fn finish(mut self) -> Result<Replayed, CsmsError> {
        let runtime = self.csms.inner.runtime.clone();
        let registry = runtime.store().tenant(&self.tenant);
        self.found.twins = runtime.read(&self.tenant, |graph| {
            let render = |twin: voltwin_graph::TwinRef<'_>| {
                let properties: BTreeMap<String, Json> =
                    twin.properties().map(|p| (p.name.to_string(), p.value.to_json())).collect();
                let mut links: Vec<(String, String)> =
                    twin.outgoing().map(|link| (link.name.to_string(), link.target.to_string())).collect();
                links.sort();
                let body =
                    json!({"model": twin.model().as_str(), "properties": properties, "relationships": links});
                (twin.id().to_string(), body)
            };
            graph.twins().map(render).collect()
        });
        let station = self.station.as_str();
        for record in registry.records_of_twin(station, 100_000).await? {
            self.found.records.insert(format!("{}/{}", record.topic, record.key), record.value);
        }
        let filter = TransactionFilter { station: Some(station.to_owned()), ..TransactionFilter::default() };
        for transaction in registry.transactions(&filter, None, 500).await?.items {
            let mut body = serde_json::to_value(&transaction).unwrap_or_default();
            if let Some(fields) = body.as_object_mut() {
                fields.remove("number");
            }
            self.found.transactions.push(body);
        }
        let found = &self.found;
        let parts = json!([found.twins, found.records, found.transactions, found.answers]).to_string();
        let digest: String =
            Sha256::digest(parts.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        self.found.digest = digest;
        // the connection is still open at the end of most recordings
        self.close().await;
        Ok(self.found)
    }
}

/// The transaction number that each start of OCPP 1.6 was answered with, by the line of the start.
fn transaction_numbers(lines: &[Line]) -> HashMap<usize, i64> {
    let mut starts: HashMap<String, usize> = HashMap::new();
    let mut numbers = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        let Line::Frame { direction, action, id: Some(id), text, .. } = line else { continue };
        if action.as_deref() != Some("StartTransaction") {
            continue;
        }
        if direction == "in" {
            starts.insert(id.clone(), index + 2);
        } else if let Some(start) = starts.remove(id) {
            let answer: Json = serde_json::from_str(text).unwrap_or_default();
            numbers.extend(answer[2]["transactionId"].as_i64().map(|number| (start, number)));
        }
    }
    numbers
}

fn message_id(frame: &str) -> Option<String> {
    let frame: Json = serde_json::from_str(frame).ok()?;
    frame.get(1)?.as_str().map(str::to_owned)
}

/// Whether two frames say the same; the time that an answer tells may be off by a moment.
fn same(recorded: &str, now: &str) -> bool {
    let (Ok(recorded), Ok(now)) = (serde_json::from_str(recorded), serde_json::from_str(now)) else {
        return recorded == now;
    };
    alike(&recorded, &now)
}

fn alike(recorded: &Json, now: &Json) -> bool {
    match (recorded, now) {
        (Json::Object(a), Json::Object(b)) => {
            let field = |(name, value): (&String, &Json)| match (name.as_str(), b.get(name)) {
                (_, None) => false,
                ("currentTime", Some(other)) => moment(value, other),
                (_, Some(other)) => alike(value, other),
            };
            a.len() == b.len() && a.iter().all(field)
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        _ => recorded == now,
    }
}

fn moment(a: &Json, b: &Json) -> bool {
    let time = |json: &Json| json.as_str()?.parse::<Timestamp>().ok();
    match (time(a), time(b)) {
        (Some(a), Some(b)) => a.seconds_since(b).abs() <= MOMENT_S,
        _ => a == b,
    }
}
