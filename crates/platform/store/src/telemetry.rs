//! Property changes in the journal: one row for those of one commit.
//!
//! They are most of what happens, each is worth little, and all of them are removed again; a row for each would cost
//! more than all the rest of its way.

use std::io::Read as _;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use voltwin_core::{Event, Seq, Sequenced, Timestamp};

use crate::StoreError;
use crate::journal::signed;
use crate::row::{Fields, bad};

/// Events and bytes after which a row is full.
const EVENTS_MAX: i64 = 4_096;
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// No row is longer than this: a full one and one event.
const UNPACKED_MAX: u64 = 64 * 1024 * 1024;
/// Fast, and still a tenth of the bytes: neighbours say nearly the same.
const LEVEL: i32 = 1;

/// A row while it is gathered.
#[derive(Default)]
pub(crate) struct Batch {
    last: Seq,
    count: i64,
    received: Timestamp,
    json: Vec<u8>,
}

impl Batch {
    pub(crate) fn push(&mut self, seq: Seq, event: &Event) -> Result<(), StoreError> {
        self.json.push(if self.count == 0 { b'[' } else { b',' });
        serde_json::to_writer(&mut self.json, &(seq, event)).map_err(bad("event"))?;
        self.last = seq;
        self.count += 1;
        self.received = self.received.max(event.received);
        Ok(())
    }

    pub(crate) fn full(&self) -> bool {
        self.count >= EVENTS_MAX || self.json.len() >= BYTES_MAX
    }

    pub(crate) async fn flush(&mut self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.count == 0 {
            return Ok(());
        }
        let Self { last, count, received, mut json } = std::mem::take(self);
        json.push(b']');
        let packed = zstd::bulk::compress(&json, LEVEL).map_err(bad("events"))?;
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
    let mut json = Vec::new();
    let reader = zstd::Decoder::new(packed.as_slice()).map_err(bad("events"))?;
    reader.take(UNPACKED_MAX).read_to_end(&mut json).map_err(bad("events"))?;
    let events: Vec<(Seq, Event)> = serde_json::from_slice(&json).map_err(bad("events"))?;
    Ok(events.into_iter().map(|(seq, event)| Sequenced { seq, event }).collect())
}
