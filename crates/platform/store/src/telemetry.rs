//! Property changes in the journal: one row for those of one commit.
//!
//! They are most of what happens, each is worth little, and all of them are removed again; a row for each would cost
//! more than all the rest of its way. Within a row they stand in a binary form (postcard), compressed: as JSON, times and
//! numbers cost more to write and to read than everything else that is done with them.

use std::io::Read as _;

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use voltwin_core::{
    CoreError, Event, EventBody, PropertyName, Seq, Sequenced, TenantId, Timestamp, TraceId, TwinId, Value,
};

use crate::StoreError;
use crate::journal::signed;
use crate::row::{Fields, bad};

/// Events and bytes after which a row is full.
const EVENTS_MAX: i64 = 4_096;
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// No row is longer than this: a full one and one event.
const UNPACKED_MAX: u64 = 64 * 1024 * 1024;
/// Fast, and still a fraction of the bytes: neighbours say nearly the same.
const LEVEL: i32 = 1;
/// The first byte of a row. Rows of a former release begin with that of zstd (0x28) and hold JSON.
const FORMAT: u8 = 2;
/// Names that are remembered while a row is read, so that its events share them.
const NAMES_MAX: usize = 32;

/// One event.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    seq: u64,
    tenant: &'a str,
    twin: &'a str,
    at_us: i64,
    received_us: i64,
    trace: Option<u128>,
    decided: bool,
    #[serde(borrow)]
    sources: Vec<(&'a str, i64)>,
    #[serde(borrow)]
    values: Vec<(&'a str, Option<Held<'a>>)>,
}

/// A value.
#[derive(Serialize, Deserialize)]
enum Held<'a> {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
    /// Its text.
    Json(String),
}

impl<'a> Held<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(n) => Self::Int(*n),
            Value::Double(x) => Self::Double(*x),
            Value::Text(text) => Self::Text(text),
            Value::Json(json) => Self::Json(json.to_string()),
        }
    }

    fn value(self) -> Result<Value, StoreError> {
        Ok(match self {
            Self::Bool(b) => Value::Bool(b),
            Self::Int(n) => Value::Int(n),
            Self::Double(x) => Value::from(x),
            Self::Text(text) => Value::from(text),
            Self::Json(text) => Value::Json(serde_json::from_str(&text).map_err(bad("events"))?),
        })
    }
}

/// A row while it is gathered.
#[derive(Default)]
pub(crate) struct Batch {
    last: Seq,
    count: i64,
    received: Timestamp,
    bytes: Vec<u8>,
}

impl Batch {
    pub(crate) fn push(
        &mut self,
        seq: Seq,
        event: &Event,
        values: &[(PropertyName, Option<Value>)],
    ) -> Result<(), StoreError> {
        let line = Line {
            seq: seq.0,
            tenant: event.tenant.as_str(),
            twin: event.twin.as_str(),
            at_us: event.at.as_micros(),
            received_us: event.received.as_micros(),
            trace: event.trace.map(|trace| trace.0),
            decided: event.decided,
            sources: event.sources.iter().map(|(name, at)| (name.as_str(), at.as_micros())).collect(),
            values: values
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_ref().map(Held::of)))
                .collect(),
        };
        self.bytes = postcard::to_extend(&line, std::mem::take(&mut self.bytes)).map_err(bad("event"))?;
        self.last = seq;
        self.count += 1;
        self.received = self.received.max(event.received);
        Ok(())
    }

    pub(crate) fn full(&self) -> bool {
        self.count >= EVENTS_MAX || self.bytes.len() >= BYTES_MAX
    }

    pub(crate) async fn flush(&mut self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.count == 0 {
            return Ok(());
        }
        let Self { last, count, received, bytes } = std::mem::take(self);
        let mut packed = zstd::bulk::compress(&bytes, LEVEL).map_err(bad("events"))?;
        packed.insert(0, FORMAT);
        sqlx::query("INSERT INTO telemetry (last, count, received_us, events) VALUES (?, ?, ?, ?)")
            .bind(signed(last))
            .bind(count)
            .bind(received.as_micros())
            .bind(packed)
            .execute(conn)
            .await
            .map_err(StoreError::database("append to the journal"))?;
        Ok(())
    }
}

/// The events of a row.
pub(crate) fn unpack(row: &SqliteRow) -> Result<Vec<Sequenced>, StoreError> {
    let packed: Vec<u8> = Fields(row).get("events")?;
    let (is_json, packed) = match packed.split_first() {
        Some((&FORMAT, packed)) => (false, packed),
        _ => (true, packed.as_slice()),
    };
    let mut bytes = Vec::new();
    let reader = zstd::Decoder::new(packed).map_err(bad("events"))?;
    reader.take(UNPACKED_MAX).read_to_end(&mut bytes).map_err(bad("events"))?;
    if is_json {
        let events: Vec<(Seq, Event)> = serde_json::from_slice(&bytes).map_err(bad("events"))?;
        return Ok(events.into_iter().map(|(seq, event)| Sequenced { seq, event }).collect());
    }
    lines(&bytes)
}

fn lines(mut bytes: &[u8]) -> Result<Vec<Sequenced>, StoreError> {
    let (mut tenants, mut names) = (Known::new(TenantId::new), Known::new(PropertyName::new));
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let (line, rest) = postcard::take_from_bytes::<Line<'_>>(bytes).map_err(bad("events"))?;
        bytes = rest;
        let mut sources = Vec::with_capacity(line.sources.len());
        for (name, us) in line.sources {
            sources.push((names.get(name)?, Timestamp::from_micros(us)));
        }
        let mut values = Vec::with_capacity(line.values.len());
        for (name, value) in line.values {
            values.push((names.get(name)?, value.map(Held::value).transpose()?));
        }
        let event = Event {
            tenant: tenants.get(line.tenant)?,
            twin: TwinId::new(line.twin).map_err(bad("events"))?,
            at: Timestamp::from_micros(line.at_us),
            received: Timestamp::from_micros(line.received_us),
            trace: line.trace.map(TraceId),
            sources,
            decided: line.decided,
            body: EventBody::Patched { values },
        };
        events.push(Sequenced { seq: Seq(line.seq), event });
    }
    Ok(events)
}

/// Names that came lately, which those that come share.
struct Known<T> {
    names: Vec<T>,
    make: fn(&str) -> Result<T, CoreError>,
}

impl<T: AsRef<str> + Clone> Known<T> {
    fn new(make: fn(&str) -> Result<T, CoreError>) -> Self {
        Self { names: Vec::new(), make }
    }

    fn get(&mut self, text: &str) -> Result<T, StoreError> {
        if let Some(known) = self.names.iter().find(|name| name.as_ref() == text) {
            return Ok(known.clone());
        }
        let name = (self.make)(text).map_err(bad("events"))?;
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        self.names.push(name.clone());
        Ok(name)
    }
}
