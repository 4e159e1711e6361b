//! Data history: three Delta tables a tenant, filled from the event log.
//!
//! Each table knows, in its own log, up to which event its rows go, so that rows which are read again after a crash are
//! written once. The place that is kept in the store only says where reading may begin.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use voltwin_core::{Seq, TenantId, Timestamp};
use voltwin_delta::{Column, DeltaError, Kind, Table};
use voltwin_routes::history::Row;

use crate::reader::LogReader;
use crate::{EventsError, Inner, Tenant};

/// How often rows are written, and when they are written sooner.
const FLUSH_EVERY: Duration = Duration::from_secs(10);
const ROWS_MAX: usize = 20_000;
/// Events read at once.
const BATCH: usize = 512;
/// How often old files are looked for, how long rows are kept, and bytes of one table at most.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);
const KEEP_MS: i64 = 400 * 86_400_000;
const TABLE_BYTES_MAX: u64 = 20 * 1024 * 1024 * 1024;
/// Under this name the tables know how far we have come.
const APPLICATION: &str = "voltwin";

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text, nullable: false }
}

const fn optional(name: &'static str) -> Column {
    Column { name, kind: Kind::Text, nullable: true }
}

const fn instant(name: &'static str) -> Column {
    Column { name, kind: Kind::Instant, nullable: false }
}

const PROPERTIES: [Column; 9] = [
    instant("TimeStamp"),
    instant("SourceTimeStamp"),
    text("ServiceId"),
    text("Id"),
    text("ModelId"),
    text("Key"),
    // JSON text: Delta has no type for what may be anything
    optional("Value"),
    optional("RelationshipId"),
    optional("RelationshipTarget"),
];
const TWINS: [Column; 5] =
    [text("TwinId"), instant("TimeStamp"), text("ServiceId"), text("Action"), text("ModelId")];
const RELATIONSHIPS: [Column; 7] = [
    text("RelationshipId"),
    text("Name"),
    instant("TimeStamp"),
    text("ServiceId"),
    text("Action"),
    text("Source"),
    text("Target"),
];
const TABLES: [(&str, &[Column]); 3] =
    [("property_updates", &PROPERTIES), ("twin_events", &TWINS), ("relationship_events", &RELATIONSHIPS)];

/// A table of data history, as it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryTable {
    /// Its name, which is that of its folder too.
    pub name: &'static str,
    /// Bytes of the files of its newest version.
    pub bytes: u64,
}

/// Where the tables of a tenant are, within the data folder.
#[must_use]
pub fn history_folder(tenant: &TenantId) -> String {
    format!("events/{tenant}/history")
}

/// One tenant's tables in the order of [`TABLES`], and its place in the log.
struct History {
    tables: Vec<Table>,
    reader: LogReader,
    rows: Vec<(u64, Row)>,
    saved: u64,
    expired: Instant,
}

/// Writes until `written` says that the logs are complete, and then what is left.
pub(crate) async fn run(inner: Arc<Inner>, written: CancellationToken) {
    let mut histories: HashMap<TenantId, History> = HashMap::new();
    loop {
        let ending = tokio::select! {
            () = written.cancelled() => true,
            () = tokio::time::sleep(FLUSH_EVERY) => false,
        };
        let tenants: Vec<(TenantId, Tenant)> = {
            let tenants = inner.tenants.read();
            let kept = tenants.iter().filter(|(_, tenant)| tenant.history);
            kept.map(|(id, tenant)| (id.clone(), tenant.clone())).collect()
        };
        for (id, tenant) in tenants {
            let known = histories.remove(&id);
            match step(&inner, &id, &tenant, known).await {
                Ok(history) => {
                    inner.histories.write().insert(id.clone(), sizes(&history.tables));
                    histories.insert(id, history);
                }
                // opened anew the next time, at the place that was saved
                Err(error) => tracing::error!(tenant = %id, %error, "data history could not be written"),
            }
        }
        if ending {
            return;
        }
    }
}

fn sizes(tables: &[Table]) -> Vec<HistoryTable> {
    let named = TABLES.iter().zip(tables);
    named.map(|((name, _), table)| HistoryTable { name, bytes: table.bytes() }).collect()
}

fn cursor(id: &TenantId) -> String {
    format!("events:history:{id}")
}

async fn step(
    inner: &Inner,
    id: &TenantId,
    tenant: &Tenant,
    known: Option<History>,
) -> Result<History, EventsError> {
    let store = inner.runtime.store();
    let mut history = match known {
        Some(history) => history,
        None => {
            let place = store.cursor(&cursor(id)).await?.map_or(0, |place| place.0);
            let (folder, now_ms) = (inner.folder(id).join("history"), inner.runtime.now().as_millis());
            let tables = blocking(move || open(&folder, now_ms)).await?;
            let reader = tenant.log.reader(place);
            History { tables, reader, rows: Vec::new(), saved: place, expired: Instant::now() }
        }
    };
    while history.reader.place() < tenant.log.head() {
        for entry in history.reader.next(BATCH).await? {
            let sequence = entry.event.sequence;
            history.rows.extend(entry.rows.iter().map(|row| (sequence, row.clone())));
        }
        if history.rows.len() >= ROWS_MAX {
            history = flush(inner, id, history).await?;
        }
    }
    history = flush(inner, id, history).await?;
    if history.reader.place() > history.saved {
        store.save_cursor(&cursor(id), Seq(history.reader.place())).await?;
        history.saved = history.reader.place();
    }
    if history.expired.elapsed() >= EXPIRE_EVERY {
        let now_ms = inner.runtime.now().as_millis();
        let mut tables = std::mem::take(&mut history.tables);
        let expire = move || {
            tables
                .iter_mut()
                .try_for_each(|table| table.expire(now_ms - KEEP_MS, TABLE_BYTES_MAX, now_ms).map(|_| ()))?;
            Ok(tables)
        };
        history.tables = blocking(expire).await?;
        history.expired = Instant::now();
    }
    Ok(history)
}

fn open(folder: &Path, now_ms: i64) -> Result<Vec<Table>, DeltaError> {
    TABLES.iter().map(|(name, columns)| Table::open(&folder.join(name), name, columns, now_ms)).collect()
}

async fn flush(inner: &Inner, id: &TenantId, mut history: History) -> Result<History, EventsError> {
    if history.rows.is_empty() {
        return Ok(history);
    }
    let (rows, mut tables) = (std::mem::take(&mut history.rows), std::mem::take(&mut history.tables));
    let (service, now_ms) = (inner.source(id), inner.runtime.now().as_millis());
    let place = history.reader.place();
    let work = move || {
        for (number, table) in tables.iter_mut().enumerate() {
            append(table, number, &rows, &service, place, now_ms)?;
        }
        Ok(tables)
    };
    history.tables = blocking(work).await?;
    Ok(history)
}

fn append(
    table: &mut Table,
    number: usize,
    rows: &[(u64, Row)],
    service: &str,
    place: u64,
    now_ms: i64,
) -> Result<(), DeltaError> {
    let known = table.version_of(APPLICATION).map_or(0, i64::unsigned_abs);
    let own = rows.iter().filter(|(sequence, row)| *sequence > known && table_of(row) == number);
    let own: Vec<&Row> = own.map(|(_, row)| row).collect();
    if own.is_empty() {
        return Ok(());
    }
    let batch = RecordBatch::try_new(table.schema(), columns(&own, service));
    let batch = batch.map_err(parquet_error)?;
    let version = i64::try_from(place).unwrap_or(i64::MAX);
    table.append(&batch, (APPLICATION, version), now_ms)?;
    metrics::counter!("voltwin_event_history_rows_total").increment(own.len() as u64);
    Ok(())
}

fn parquet_error(error: arrow_schema::ArrowError) -> DeltaError {
    DeltaError::Parquet(error.into())
}

fn table_of(row: &Row) -> usize {
    match row {
        Row::Property { .. } => 0,
        Row::Twin { .. } => 1,
        Row::Relationship { .. } => 2,
    }
}

/// The columns of rows that are all of one table.
fn columns(rows: &[&Row], service: &str) -> Vec<ArrayRef> {
    match rows.first() {
        None => Vec::new(),
        Some(Row::Property { .. }) => {
            let mut cells = Cells::default();
            let mut source_times = Vec::new();
            for row in rows {
                let Row::Property { time, source_time, twin, model, key, value, relationship } = row else {
                    continue;
                };
                cells.times.push(time.as_micros());
                source_times.push(source_time.as_micros());
                let (link, target) = relationship.clone().unzip();
                let value = value.as_ref().map(ToString::to_string);
                let own = [Some(twin.clone()), Some(model.clone()), Some(key.clone()), value, link, target];
                cells.texts.push(own.to_vec());
            }
            let mut columns = vec![cells.time(), times(source_times), same(service, rows.len())];
            columns.extend((0..6).map(|place| cells.text(place)));
            columns
        }
        Some(Row::Twin { .. }) => {
            let mut cells = Cells::default();
            for row in rows {
                let Row::Twin { twin, time, action, model } = row else { continue };
                cells.add(*time, &[twin, action.as_str(), model]);
            }
            vec![cells.text(0), cells.time(), same(service, rows.len()), cells.text(1), cells.text(2)]
        }
        Some(Row::Relationship { .. }) => {
            let mut cells = Cells::default();
            for row in rows {
                let Row::Relationship { id, name, time, action, source, target } = row else { continue };
                cells.add(*time, &[id, name, action.as_str(), source, target]);
            }
            let (service, time) = (same(service, rows.len()), cells.time());
            let mut columns = vec![cells.text(0), cells.text(1), time, service];
            columns.extend((2..5).map(|place| cells.text(place)));
            columns
        }
    }
}

/// The times and texts of rows.
#[derive(Default)]
struct Cells {
    times: Vec<i64>,
    texts: Vec<Vec<Option<String>>>,
}

impl Cells {
    fn add(&mut self, time: Timestamp, texts: &[&str]) {
        self.times.push(time.as_micros());
        self.texts.push(texts.iter().map(|text| Some((*text).to_owned())).collect());
    }

    fn time(&self) -> ArrayRef {
        times(self.times.clone())
    }

    fn text(&self, place: usize) -> ArrayRef {
        Arc::new(StringArray::from_iter(self.texts.iter().map(|row| row[place].as_deref())))
    }
}

fn times(micros: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
}

fn same(text: &str, count: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, count)))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DeltaError> + Send + 'static,
) -> Result<T, EventsError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| EventsError::Stopped)?;
    Ok(done?)
}
