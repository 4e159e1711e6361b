//! The writer: batches in, and what is over the limits out.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::{Connection as _, Executor as _, QueryBuilder, Sqlite, SqliteConnection};
use tokio::sync::mpsc;
use tokio::time::Instant;
use voltwin_core::{TenantId, Timestamp, TwinId};

use crate::read::place_at;
use crate::{Frame, Job, Limits, MessageLogError};

/// Frames of one transaction at most, and how long the first of them may wait for company.
const BATCH: usize = 2_048;
const GATHER: Duration = Duration::from_millis(200);
/// Rows of one insert statement, greatest first, so that few different statements are ever prepared.
const CHUNKS: [usize; 3] = [256, 32, 1];
/// How often the old is looked for.
const AGE_PERIOD: Duration = Duration::from_secs(300);
/// Rows removed per statement, so that a search never waits long.
const PRUNE_ROWS: i64 = 5_000;

pub(crate) async fn run(mut db: SqliteConnection, mut queue: mpsc::Receiver<Job>, limits: Limits) {
    let mut growth = Growth::default();
    let mut aged = Instant::now();
    while let Some(first) = queue.recv().await {
        let (frames, waiting, closing) = gather(first, &mut queue).await;
        if !frames.is_empty() {
            file(&mut db, &frames).await;
            growth.count(&frames);
        }
        for done in waiting {
            let _ = done.send(());
        }
        if let Some(done) = closing {
            if let Err(error) = db.close().await {
                tracing::warn!(%error, "closing the message log failed");
            }
            let _ = done.send(());
            return;
        }
        let newest = frames.last().map(|frame| frame.at);
        let due = aged.elapsed() >= AGE_PERIOD;
        if due {
            aged = Instant::now();
        }
        if let Err(error) = prune(&mut db, &mut growth, limits, newest.filter(|_| due)).await {
            tracing::warn!(%error, "the message log could not be cut to its limits");
        }
    }
}

type Waiting = Vec<tokio::sync::oneshot::Sender<()>>;

async fn gather(
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
) -> (Vec<Frame>, Waiting, Option<tokio::sync::oneshot::Sender<()>>) {
    let (mut frames, mut waiting) = (Vec::new(), Vec::new());
    let due = Instant::now() + GATHER;
    let mut next = Some(first);
    while let Some(job) = next.take() {
        match job {
            Job::File(frame) => frames.push(*frame),
            Job::Flush(done) => waiting.push(done),
            Job::Close(done) => return (frames, waiting, Some(done)),
        }
        if frames.len() < BATCH {
            next = match waiting.is_empty() {
                true => tokio::time::timeout_at(due, queue.recv()).await.ok().flatten(),
                // somebody waits: only what is there already
                false => queue.try_recv().ok(),
            };
        }
    }
    (frames, waiting, None)
}

/// Writes a batch; one that cannot be written is dropped and counted, so that memory stays bounded.
async fn file(db: &mut SqliteConnection, frames: &[Frame]) {
    if let Err(error) = insert(db, frames).await {
        metrics::counter!("voltwin_message_log_dropped_total").increment(frames.len() as u64);
        tracing::warn!(%error, frames = frames.len(), "frames could not be filed in the message log");
    } else {
        metrics::counter!("voltwin_message_log_filed_total").increment(frames.len() as u64);
    }
}

async fn insert(db: &mut SqliteConnection, frames: &[Frame]) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    let mut rest = frames;
    while let Some(size) = CHUNKS.into_iter().find(|size| *size <= rest.len()) {
        let (now, later) = rest.split_at(size);
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO messages (tenant, station, at_us, direction, kind, action, message_id, payload, outcome, trace) ",
        );
        query.push_values(now, |mut row, frame| {
            row.push_bind(frame.tenant.as_str())
                .push_bind(frame.station.as_str())
                .push_bind(frame.at.as_micros())
                .push_bind(frame.direction)
                .push_bind(frame.kind)
                .push_bind(frame.action.as_deref())
                .push_bind(frame.id.as_deref())
                .push_bind(frame.payload.as_str())
                .push_bind(frame.outcome.as_deref())
                .push_bind(frame.trace.map(|trace| trace.to_string()));
        });
        query.build().execute(&mut *tx).await?;
        rest = later;
    }
    tx.commit().await
}

/// Frames filed since the limits were last held against a station or tenant.
#[derive(Default)]
struct Growth {
    stations: HashMap<(TenantId, TwinId), u32>,
    tenants: HashMap<TenantId, u32>,
}

impl Growth {
    fn count(&mut self, frames: &[Frame]) {
        for frame in frames {
            *self.stations.entry((frame.tenant.clone(), frame.station.clone())).or_default() += 1;
            *self.tenants.entry(frame.tenant.clone()).or_default() += 1;
        }
    }
}

async fn prune(
    db: &mut SqliteConnection,
    growth: &mut Growth,
    limits: Limits,
    now: Option<Timestamp>,
) -> Result<(), MessageLogError> {
    let grown = |since: u32, limit: u32| since > limit / 4;
    let stations: Vec<_> = growth
        .stations
        .iter()
        .filter(|(_, n)| grown(**n, limits.per_station))
        .map(|(k, _)| k.clone())
        .collect();
    for key in stations {
        growth.stations.remove(&key);
        let over = sqlx::query_scalar(
            "SELECT id FROM messages WHERE tenant = ? AND station = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
        );
        let over: Option<i64> = over
            .bind(key.0.as_str())
            .bind(key.1.as_str())
            .bind(limits.per_station)
            .fetch_optional(&mut *db)
            .await
            .map_err(MessageLogError::database("prune"))?;
        let Some(over) = over else { continue };
        let which = "tenant = ? AND station = ? AND id <= ?";
        remove(db, which, &[key.0.as_str(), key.1.as_str()], over).await?;
    }
    let tenants: Vec<_> = growth
        .tenants
        .iter()
        .filter(|(_, n)| grown(**n, limits.per_tenant))
        .map(|(k, _)| k.clone())
        .collect();
    for tenant in tenants {
        growth.tenants.remove(&tenant);
        let over = "SELECT id FROM messages WHERE tenant = ? ORDER BY id DESC LIMIT 1 OFFSET ?";
        let over: Option<i64> = sqlx::query_scalar(over)
            .bind(tenant.as_str())
            .bind(limits.per_tenant)
            .fetch_optional(&mut *db)
            .await
            .map_err(MessageLogError::database("prune"))?;
        if let Some(over) = over {
            remove(db, "tenant = ? AND id <= ?", &[tenant.as_str()], over).await?;
        }
    }
    if let Some(now) = now {
        let oldest = now.plus_seconds(-f64::from(limits.days) * 86_400.0);
        let place = place_at(db, oldest).await?;
        remove(db, "id < ?", &[], place).await?;
    }
    Ok(())
}

/// Removes in steps. `which` is one of the texts above; the last parameter is the place.
async fn remove(
    db: &mut SqliteConnection,
    which: &'static str,
    names: &[&str],
    place: i64,
) -> Result<(), MessageLogError> {
    loop {
        let sql = format!(
            "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE {which} ORDER BY id LIMIT {PRUNE_ROWS})"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for name in names {
            query = query.bind((*name).to_owned());
        }
        let done = db.execute(query.bind(place)).await.map_err(MessageLogError::database("prune"))?;
        if done.rows_affected() < PRUNE_ROWS.unsigned_abs() {
            return Ok(());
        }
    }
}
