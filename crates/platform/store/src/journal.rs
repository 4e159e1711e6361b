use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqliteConnection};
use voltwin_core::{Event, EventBody, Seq, Sequenced, TenantId, Timestamp};

use crate::db::Db;
use crate::fold::{self, Told};
use crate::row::{Fields, bad};
use crate::telemetry::{self, Batch};
use crate::{StoreError, registry};

/// The most events that one [`Journal::read_after`] returns.
const READ_MAX: usize = 10_000;
/// Rows that one insert statement carries; the last is the most.
const INSERT_SIZES: [usize; 4] = [8, 64, 512, INSERT_ROWS_MAX];
const INSERT_ROWS_MAX: usize = 2048;
/// The most JSON that one insert statement carries, but for a single event.
const INSERT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Rows removed per transaction, so that pruning never holds up a commit for long.
const PRUNE_ROWS: i64 = 10_000;
/// The cursor up to which telemetry has been removed, and up to which it was looked for among the rows.
const PRUNED: &str = "journal:pruned";
const PRUNED_ROWS: &str = "journal:pruned:rows";
/// The cursor of a place up to which all were given, though nothing may be left of the last ones.
const HEAD: &str = "journal:head";
/// Rows of telemetry read at once, and removed at once.
const BATCHES_AT_ONCE: i64 = 4;
const PRUNE_BATCHES: i64 = 200;
/// Beyond every place.
const END: Seq = Seq(u64::MAX);

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
        let mut batch = Batch::default();
        let mut outcome = Vec::with_capacity(events.len());
        let told: Vec<Told<'_>> = events.iter().filter_map(Told::of).collect();
        let mut known = fold::fold(tx.conn(), &told).await?.into_iter();
        for event in events {
            if matches!(event.body, EventBody::Transaction(_)) {
                if let Some(Some(transaction_id)) = known.next() {
                    outcome.push(Committed::Duplicate { transaction_id: Some(transaction_id) });
                    continue;
                }
            } else if registry::is_meant(&event.body) {
                registry::apply(tx.conn(), event).await?;
            }
            if let EventBody::Patched { values } = &event.body {
                let seq = rows.skip();
                batch.push(seq, event, values)?;
                outcome.push(Committed::New(seq));
            } else {
                outcome.push(Committed::New(rows.push(event)?));
            }
            if rows.full() {
                rows.flush(tx.conn()).await?;
            }
            if batch.full() {
                batch.flush(tx.conn()).await?;
            }
        }
        rows.flush(tx.conn()).await?;
        batch.flush(tx.conn()).await?;
        let done = tx.commit_events().await;
        // also when it failed: it may be on the disk all the same
        self.db.recall.topics.committed(events);
        done.map(|()| outcome)
    }

    /// The events after `after`, in order, at most `limit` and 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`], also when an event cannot be read back.
    pub async fn read_after(&self, after: Seq, limit: usize) -> Result<Vec<Sequenced>, StoreError> {
        self.read(None, after, limit).await
    }

    /// As [`Journal::read_after`], of one tenant: there may be fewer although more follow, and none only at the end.
    ///
    /// # Errors
    /// As [`Journal::read_after`].
    pub async fn read_tenant_after(
        &self,
        tenant: &TenantId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Sequenced>, StoreError> {
        self.read(Some(tenant), after, limit).await
    }

    /// Rows of both tables, merged up to the place up to which both were read.
    async fn read(
        &self,
        tenant: Option<&TenantId>,
        mut after: Seq,
        limit: usize,
    ) -> Result<Vec<Sequenced>, StoreError> {
        let limit = limit.min(READ_MAX);
        // Of what is committed while the two are read, one might show what the other did not.
        let head = self.head().await?;
        loop {
            let (rows, end) = self.read_rows(tenant, after, limit).await?;
            let (batches, batches_end) = self.read_telemetry(tenant, after, limit).await?;
            let end = end.min(batches_end);
            let mut events: Vec<Sequenced> =
                rows.into_iter().chain(batches).filter(|e| e.seq <= end.min(head)).collect();
            events.sort_unstable_by_key(|event| event.seq);
            events.truncate(limit);
            // Nothing of the tenant in what was read is not yet nothing of the tenant.
            if !events.is_empty() || end == END || limit == 0 {
                return Ok(events);
            }
            after = end;
        }
    }

    /// Rows of what stays, and the place up to which there are no others.
    async fn read_rows(
        &self,
        tenant: Option<&TenantId>,
        after: Seq,
        limit: usize,
    ) -> Result<(Vec<Sequenced>, Seq), StoreError> {
        let rows = sqlx::query(
            "SELECT seq, event FROM journal WHERE seq > ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY seq LIMIT ?3",
        )
        .bind(signed(after))
        .bind(tenant.map(TenantId::as_str))
        .bind(i64::try_from(limit).unwrap_or(0))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read the journal"))?;
        let events = rows.iter().map(sequenced).collect::<Result<Vec<_>, _>>()?;
        let end = if events.len() == limit { events.last().map_or(END, |event| event.seq) } else { END };
        Ok((events, end))
    }

    /// Property changes, and the place up to which there are no others.
    async fn read_telemetry(
        &self,
        tenant: Option<&TenantId>,
        after: Seq,
        limit: usize,
    ) -> Result<(Vec<Sequenced>, Seq), StoreError> {
        let (mut events, mut end) = (Vec::new(), after);
        while events.len() < limit {
            let rows = sqlx::query("SELECT last, events FROM telemetry WHERE last > ? ORDER BY last LIMIT ?")
                .bind(signed(end))
                .bind(BATCHES_AT_ONCE)
                .fetch_all(self.db.readers())
                .await
                .map_err(StoreError::database("read the journal"))?;
            for row in &rows {
                if events.len() < limit {
                    let of = |event: &Sequenced| tenant.is_none_or(|tenant| event.event.tenant == *tenant);
                    let batch = telemetry::unpack(row)?.into_iter();
                    events.extend(batch.filter(|event| event.seq > after && of(event)));
                    end = Seq(Fields(row).get::<i64>("last")?.unsigned_abs());
                }
            }
            if rows.is_empty() {
                return Ok((events, END));
            }
        }
        Ok((events, end))
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
        let mut removed = self.prune_rows(covered, before).await?;
        loop {
            let mut tx = self.db.begin("prune the journal").await?;
            let old: Vec<(i64, i64)> = sqlx::query_as(
                "SELECT last, count FROM telemetry WHERE last <= ? AND received_us < ? ORDER BY last LIMIT ?",
            )
            .bind(signed(covered))
            .bind(before.as_micros())
            .bind(PRUNE_BATCHES)
            .fetch_all(tx.conn())
            .await
            .map_err(StoreError::database("prune the journal"))?;
            let Some((to, _)) = old.last() else {
                tx.commit().await?;
                return Ok(removed);
            };
            // The newest of all may be among them: its place must not be given again.
            let head = signed(head(tx.conn()).await?);
            removed += old.iter().map(|(_, count)| count.unsigned_abs()).sum::<u64>();
            sqlx::query("DELETE FROM telemetry WHERE last <= ? AND received_us < ?")
                .bind(to)
                .bind(before.as_micros())
                .execute(tx.conn())
                .await
                .map_err(StoreError::database("prune the journal"))?;
            advance(tx.conn(), HEAD, head).await?;
            advance(tx.conn(), PRUNED, *to).await?;
            tx.commit().await?;
        }
    }

    /// As [`Journal::prune_telemetry`], of what a former release wrote.
    async fn prune_rows(&self, covered: Seq, before: Timestamp) -> Result<u64, StoreError> {
        let fail = StoreError::database("prune the journal");
        let mut removed = 0;
        loop {
            let mut tx = self.db.begin("prune the journal").await?;
            let from = cursor(tx.conn(), PRUNED_ROWS).await?;
            let from = if from == 0 { cursor(tx.conn(), PRUNED).await? } else { from };
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
            advance(tx.conn(), PRUNED_ROWS, to).await?;
            if done.rows_affected() > 0 {
                advance(tx.conn(), PRUNED, to).await?;
            }
            tx.commit().await?;
            removed += done.rows_affected();
        }
    }
}

async fn cursor(conn: &mut SqliteConnection, name: &str) -> Result<i64, StoreError> {
    let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM cursors WHERE name = ?")
        .bind(name)
        .fetch_optional(conn)
        .await
        .map_err(StoreError::database("read a cursor"))?;
    Ok(seq.unwrap_or(0))
}

async fn advance(conn: &mut SqliteConnection, name: &str, seq: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO cursors (name, seq) VALUES (?, ?)
         ON CONFLICT (name) DO UPDATE SET seq = max(seq, excluded.seq)",
    )
    .bind(name)
    .bind(seq)
    .execute(conn)
    .await
    .map_err(StoreError::database("save a cursor"))?;
    Ok(())
}

fn sequenced(row: &SqliteRow) -> Result<Sequenced, StoreError> {
    let fields = Fields(row);
    let seq = fields.get::<i64>("seq")?;
    Ok(Sequenced { seq: Seq(seq.unsigned_abs()), event: fields.json("event")? })
}

/// SQLite keeps the greatest place ever used in a table, whatever has been removed; of telemetry we do.
async fn head(conn: &mut SqliteConnection) -> Result<Seq, StoreError> {
    let seq: Option<i64> = sqlx::query_scalar(
        "SELECT max(seq) FROM (SELECT seq FROM sqlite_sequence WHERE name = 'journal'
                               UNION ALL SELECT max(last) FROM telemetry
                               UNION ALL SELECT seq FROM cursors WHERE name = ?)",
    )
    .bind(HEAD)
    .fetch_one(conn)
    .await
    .map_err(StoreError::database("read the journal"))?;
    Ok(Seq(seq.unwrap_or(0).unsigned_abs()))
}

pub(crate) fn signed(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// Journal rows while they are gathered: a batch is one statement.
struct Rows {
    /// The place given last, to a row or to what stands elsewhere.
    last: u64,
    rows: Vec<(i64, String)>,
    bytes: usize,
}

impl Rows {
    fn after(head: Seq) -> Self {
        Self { last: head.0, rows: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, event: &Event) -> Result<Seq, StoreError> {
        let seq = self.skip();
        let text = serde_json::to_string(event).map_err(bad("event"))?;
        self.bytes += text.len();
        self.rows.push((signed(seq), text));
        Ok(seq)
    }

    /// Takes a place for an event that stands elsewhere.
    fn skip(&mut self) -> Seq {
        self.last += 1;
        Seq(self.last)
    }

    fn full(&self) -> bool {
        self.rows.len() >= INSERT_ROWS_MAX || self.bytes >= INSERT_BYTES_MAX
    }

    async fn flush(&mut self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        let Some(size) =
            INSERT_SIZES.into_iter().find(|size| *size >= rows.len()).filter(|_| !rows.is_empty())
        else {
            return Ok(());
        };
        // few different statements are ever prepared; what is left over of one is null
        let sql = format!(
            "INSERT INTO journal (seq, event) SELECT column1, column2 FROM (VALUES (?,?){}) WHERE column1 IS NOT NULL",
            ",(?,?)".repeat(size - 1)
        );
        let left_over = size - rows.len();
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (seq, text) in rows {
            query = query.bind(seq).bind(text);
        }
        for _ in 0..left_over {
            query = query.bind(None::<i64>).bind(None::<String>);
        }
        query.execute(conn).await.map_err(StoreError::database("append to the journal"))?;
        Ok(())
    }
}
