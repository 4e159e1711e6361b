use std::sync::Arc;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use voltwin_core::{Event, EventBody, Seq, Sequenced, TenantId, Timestamp};

use crate::db::Db;
use crate::fold::{self, Told};
use crate::row::{Fields, bad};
use crate::{StoreError, registry};

/// The most events that one [`Journal::read_after`] returns.
const READ_MAX: usize = 10_000;
/// The most rows that one insert statement carries.
const INSERT_ROWS_MAX: usize = 4096;
/// The most JSON that one insert statement carries, but for a single event.
const INSERT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Rows removed per transaction, so that pruning never holds up a commit for long.
const PRUNE_ROWS: i64 = 10_000;
/// The cursor up to which telemetry has been pruned.
const PRUNED: &str = "journal:pruned";

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It has this place in the journal.
    New(Seq),
    /// A transaction event that was recorded before; it is not appended again.
    Duplicate {
        /// The transaction that it belongs to. For a repeated OCPP 1.6 start, the id given the first time.
        transaction_id: Option<String>,
    },
}

/// Everything that happened, in order.
#[derive(Debug, Clone)]
pub struct Journal {
    pub(crate) db: Arc<Db>,
}

impl Journal {
    /// Writes the events and what they mean for the registry in one transaction, in their order. When this
    /// returns they are on the disk; when it fails nothing is.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn commit(&self, events: &[Event]) -> Result<Vec<Committed>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin("commit events").await?;
        let mut rows = Rows::after(head(tx.conn()).await?);
        let mut outcome = Vec::with_capacity(events.len());
        let told: Vec<Told<'_>> = events.iter().filter_map(Told::of).collect();
        let mut known = fold::fold(tx.conn(), &told).await?.into_iter();
        for event in events {
            if matches!(event.body, EventBody::Transaction(_)) {
                if let Some(Some(transaction_id)) = known.next() {
                    outcome.push(Committed::Duplicate { transaction_id: Some(transaction_id) });
                    continue;
                }
            } else {
                registry::apply(tx.conn(), event).await?;
            }
            outcome.push(Committed::New(rows.push(event)?));
            if rows.full() {
                rows.flush(tx.conn()).await?;
            }
        }
        rows.flush(tx.conn()).await?;
        tx.commit_events().await?;
        self.db.recall.topics.committed(events);
        Ok(outcome)
    }

    /// The events after `after`, in order, at most `limit` and 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`], also when an event cannot be read back.
    pub async fn read_after(&self, after: Seq, limit: usize) -> Result<Vec<Sequenced>, StoreError> {
        let rows = sqlx::query("SELECT seq, event FROM journal WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(signed(after))
            .bind(i64::try_from(limit.min(READ_MAX)).unwrap_or(0))
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("read the journal"))?;
        rows.iter().map(sequenced).collect()
    }

    /// As [`Journal::read_after`], of one tenant.
    ///
    /// # Errors
    /// As [`Journal::read_after`].
    pub async fn read_tenant_after(
        &self,
        tenant: &TenantId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Sequenced>, StoreError> {
        let rows =
            sqlx::query("SELECT seq, event FROM journal WHERE seq > ? AND tenant = ? ORDER BY seq LIMIT ?")
                .bind(signed(after))
                .bind(tenant.as_str())
                .bind(i64::try_from(limit.min(READ_MAX)).unwrap_or(0))
                .fetch_all(self.db.readers())
                .await
                .map_err(StoreError::database("read the journal"))?;
        rows.iter().map(sequenced).collect()
    }

    /// The place up to which telemetry has been removed; 0 where none has.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn pruned(&self) -> Result<Seq, StoreError> {
        let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM cursors WHERE name = ?")
            .bind(PRUNED)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a cursor"))?;
        Ok(Seq(seq.unwrap_or(0).unsigned_abs()))
    }

    /// The place of the newest event; 0 when there has never been one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn head(&self) -> Result<Seq, StoreError> {
        let mut conn = self.db.readers().acquire().await.map_err(StoreError::database("read the journal"))?;
        head(&mut conn).await
    }

    /// Removes telemetry (`patched` events) up to `covered` that was received before `before`, and returns how many
    /// there were. Everything else stays for good, and places are not used again.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn prune_telemetry(&self, covered: Seq, before: Timestamp) -> Result<u64, StoreError> {
        let fail = StoreError::database("prune the journal");
        let mut removed = 0;
        loop {
            let mut tx = self.db.begin("prune the journal").await?;
            let from: i64 = sqlx::query_scalar("SELECT seq FROM cursors WHERE name = ?")
                .bind(PRUNED)
                .fetch_optional(tx.conn())
                .await
                .map_err(&fail)?
                .unwrap_or(0);
            let window: Option<(i64, String)> = sqlx::query_as(
                "SELECT seq, event ->> '$.received' FROM
                   (SELECT seq, event FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?)
                 ORDER BY seq DESC LIMIT 1",
            )
            .bind(from)
            .bind(signed(covered))
            .bind(PRUNE_ROWS)
            .fetch_optional(tx.conn())
            .await
            .map_err(&fail)?;
            let old = |received: &str| received.parse::<Timestamp>().is_ok_and(|received| received < before);
            let Some((to, _)) = window.filter(|(_, received)| old(received)) else {
                tx.commit().await?;
                return Ok(removed);
            };
            let done = sqlx::query("DELETE FROM journal WHERE seq > ? AND seq <= ? AND kind = 'patched'")
                .bind(from)
                .bind(to)
                .execute(tx.conn())
                .await
                .map_err(&fail)?;
            sqlx::query("INSERT INTO cursors (name, seq) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq")
                .bind(PRUNED)
                .bind(to)
                .execute(tx.conn())
                .await
                .map_err(&fail)?;
            tx.commit().await?;
            removed += done.rows_affected();
        }
    }
}

fn sequenced(row: &SqliteRow) -> Result<Sequenced, StoreError> {
    let fields = Fields(row);
    let seq = fields.get::<i64>("seq")?;
    Ok(Sequenced { seq: Seq(seq.unsigned_abs()), event: fields.json("event")? })
}

/// SQLite keeps the greatest place ever used, whatever has been pruned.
async fn head(conn: &mut SqliteConnection) -> Result<Seq, StoreError> {
    let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")
        .fetch_optional(conn)
        .await
        .map_err(StoreError::database("read the journal"))?;
    Ok(Seq(seq.unwrap_or(0).unsigned_abs()))
}

pub(crate) fn signed(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// Journal rows gathered as one JSON array, so that a batch is one statement and one parameter.
struct Rows {
    /// The place before the first row in `json`.
    base: u64,
    count: u64,
    json: Vec<u8>,
}

impl Rows {
    fn after(head: Seq) -> Self {
        Self { base: head.0, count: 0, json: Vec::new() }
    }

    fn push(&mut self, event: &Event) -> Result<Seq, StoreError> {
        self.json.push(if self.count == 0 { b'[' } else { b',' });
        serde_json::to_writer(&mut self.json, event).map_err(bad("event"))?;
        self.count += 1;
        Ok(Seq(self.base + self.count))
    }

    fn full(&self) -> bool {
        self.count >= INSERT_ROWS_MAX as u64 || self.json.len() >= INSERT_BYTES_MAX
    }

    async fn flush(&mut self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.count == 0 {
            return Ok(());
        }
        self.json.push(b']');
        let json = String::from_utf8(std::mem::take(&mut self.json)).map_err(bad("event"))?;
        sqlx::query("INSERT INTO journal (seq, event) SELECT ?1 + 1 + key, value FROM json_each(?2)")
            .bind(signed(Seq(self.base)))
            .bind(json)
            .execute(conn)
            .await
            .map_err(StoreError::database("append to the journal"))?;
        self.base += self.count;
        self.count = 0;
        Ok(())
    }
}
