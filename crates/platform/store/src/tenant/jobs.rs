use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use voltwin_core::Timestamp;

use super::TenantStore;
use crate::row::{Fields, bad, limit_plus_one, page, time_cursor};
use crate::{Page, StoreError};

/// Finished jobs of one kind that a tenant keeps; the oldest go first.
const JOBS_KEPT: i64 = 1_000;

/// One thing asked of many stations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What kind of job, such as `bulk`.
    pub kind: String,
    /// Where it stands, in the words of its kind.
    pub state: String,
    /// What is asked, in the shape of its kind.
    pub spec: Json,
    /// Why it stands there, for a person.
    pub reason: Option<String>,
    /// Who asked.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What became of one station in a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobStation {
    /// The station.
    pub station: String,
    /// Where it stands, in the words of the job's kind.
    pub state: String,
    /// The wave that it belongs to, from 0.
    pub wave: u32,
    /// How often it was asked.
    pub attempts: u32,
    /// The number that ties the station's own reports to the last attempt.
    pub request_id: Option<i64>,
    /// The last command that it was given.
    pub command: Option<String>,
    /// When the last attempt began, where its kind keeps that.
    pub asked_at: Option<Timestamp>,
    /// Why it stands there, for a person.
    pub detail: Option<String>,
    /// When that changed last.
    pub changed_at: Timestamp,
}

/// How a job moves on.
#[derive(Debug, Clone, Copy)]
pub struct JobStep<'a> {
    /// Its new state.
    pub state: &'a str,
    /// Why, for a person.
    pub reason: Option<&'a str>,
    /// Whether that is its end.
    pub finished: bool,
    /// Who caused it.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

impl TenantStore {
    /// Files a job with its stations, and the deed. The oldest finished jobs beyond 1,000 of the kind are forgotten.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown tenant, [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn add_job(&self, job: &Job, stations: &[JobStation], detail: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin("file a job").await?;
        sqlx::query(
            "INSERT INTO jobs (tenant, id, kind, state, spec, reason, created_by, created_at_us, finished_at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.tenant.as_str())
        .bind(&job.id)
        .bind(&job.kind)
        .bind(&job.state)
        .bind(job.spec.to_string())
        .bind(&job.reason)
        .bind(&job.created_by)
        .bind(job.created_at.as_micros())
        .bind(job.finished_at.map(Timestamp::as_micros))
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("file a job"))?;
        upsert(tx.conn(), self.tenant.as_str(), &job.id, stations).await?;
        for table in ["job_stations WHERE job", "jobs WHERE id"] {
            let sql = format!(
                "DELETE FROM {table} IN (SELECT id FROM jobs WHERE tenant = ?1 AND kind = ?2
                     AND finished_at_us IS NOT NULL ORDER BY created_at_us DESC, id DESC LIMIT -1 OFFSET {JOBS_KEPT})
                 AND tenant = ?1"
            );
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(self.tenant.as_str())
                .bind(&job.kind)
                .execute(tx.conn())
                .await
                .map_err(StoreError::database("forget old jobs"))?;
        }
        let action = format!("{}.add", job.kind);
        self.commit_as(tx, (&job.created_by, job.created_at), (&action, &job.id, detail)).await
    }

    /// Moves a job on and writes the deed down. One that has ended stays as it ended; tells whether it moved.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn step_job(&self, kind: &str, id: &str, step: JobStep<'_>) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("move a job on").await?;
        let done = sqlx::query(
            "UPDATE jobs SET state = ?, reason = ?, finished_at_us = ?
             WHERE tenant = ? AND id = ? AND kind = ? AND finished_at_us IS NULL",
        )
        .bind(step.state)
        .bind(step.reason)
        .bind(step.finished.then(|| step.at.as_micros()))
        .bind(self.tenant.as_str())
        .bind(id)
        .bind(kind)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("move a job on"))?;
        if done.rows_affected() == 0 {
            tx.commit().await?;
            return Ok(false);
        }
        let action = format!("{kind}.{}", step.state);
        self.commit_as(tx, (step.by, step.at), (&action, id, step.reason.unwrap_or_default())).await?;
        Ok(true)
    }

    /// Lets a job that has ended go on, and writes the deed down; tells whether it did.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn reopen_job(&self, kind: &str, id: &str, step: JobStep<'_>) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("reopen a job").await?;
        let done = sqlx::query(
            "UPDATE jobs SET state = ?, reason = ?, finished_at_us = NULL
             WHERE tenant = ? AND id = ? AND kind = ? AND finished_at_us IS NOT NULL",
        )
        .bind(step.state)
        .bind(step.reason)
        .bind(self.tenant.as_str())
        .bind(id)
        .bind(kind)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("reopen a job"))?;
        if done.rows_affected() == 0 {
            tx.commit().await?;
            return Ok(false);
        }
        let action = format!("{kind}.reopen");
        self.commit_as(tx, (step.by, step.at), (&action, id, step.reason.unwrap_or_default())).await?;
        Ok(true)
    }

    /// The first of these stations that is part of a job of the kind that has not ended, with that job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn station_in_job(
        &self,
        kind: &str,
        stations: &[String],
    ) -> Result<Option<(String, String)>, StoreError> {
        let named = Json::from(stations).to_string();
        sqlx::query_as(
            "SELECT s.station, s.job FROM jobs j JOIN job_stations s ON s.tenant = j.tenant AND s.job = j.id
             WHERE j.tenant = ?1 AND j.kind = ?2 AND j.finished_at_us IS NULL
                 AND s.station IN (SELECT value FROM json_each(?3)) ORDER BY s.station LIMIT 1",
        )
        .bind(self.tenant.as_str())
        .bind(kind)
        .bind(named)
        .fetch_optional(self.db.readers())
        .await
        .map_err(StoreError::database("look for a station in jobs"))
    }

    /// Writes where stations of a job stand.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn set_job_stations(&self, job: &str, stations: &[JobStation]) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write the stations of a job").await?;
        upsert(tx.conn(), self.tenant.as_str(), job, stations).await?;
        tx.commit().await
    }

    /// Moves all stations of a job that stand in one of the states `from` to `to`.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn move_job_stations(
        &self,
        job: &str,
        from: &[&str],
        to: &str,
        detail: &str,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = self.db.begin("write the stations of a job").await?;
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE job_stations SET state = ");
        query.push_bind(to).push(", detail = ").push_bind(detail);
        query.push(", changed_at_us = ").push_bind(at.as_micros());
        query.push(" WHERE tenant = ").push_bind(self.tenant.as_str()).push(" AND job = ").push_bind(job);
        query.push(" AND state IN (");
        let mut states = query.separated(", ");
        for state in from {
            states.push_bind(*state);
        }
        query.push(")");
        let done = query.build().execute(tx.conn()).await;
        let done = done.map_err(StoreError::database("write the stations of a job"))?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// One job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn job(&self, kind: &str, id: &str) -> Result<Option<Job>, StoreError> {
        let row = sqlx::query("SELECT * FROM jobs WHERE tenant = ? AND id = ? AND kind = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .bind(kind)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a job"))?;
        row.as_ref().map(job).transpose()
    }

    /// Jobs of a kind, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn jobs(
        &self,
        kind: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Job>, StoreError> {
        let (before_us, before_id) = time_cursor(cursor)?;
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE tenant = ? AND kind = ? AND (created_at_us, id) < (?, ?)
             ORDER BY created_at_us DESC, id DESC LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(kind)
        .bind(before_us)
        .bind(before_id)
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list jobs"))?;
        let items = rows.iter().map(job).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| format!("{}.{}", item.created_at.as_micros(), item.id)))
    }

    /// Jobs of a kind that have not ended, oldest first, at most 500.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn unfinished_jobs(&self, kind: &str) -> Result<Vec<Job>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE tenant = ? AND kind = ? AND finished_at_us IS NULL
             ORDER BY created_at_us LIMIT 500",
        )
        .bind(self.tenant.as_str())
        .bind(kind)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list jobs"))?;
        rows.iter().map(job).collect()
    }

    /// The stations of a job by id, in one state or all.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn job_stations(
        &self,
        job: &str,
        state: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobStation>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM job_stations WHERE tenant = ");
        query.push_bind(self.tenant.as_str()).push(" AND job = ").push_bind(job);
        if let Some(state) = state {
            query.push(" AND state = ").push_bind(state);
        }
        query.push(" AND station > ").push_bind(cursor.unwrap_or_default());
        query.push(" ORDER BY station LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list the stations of a job"))?;
        let items = rows.iter().map(job_station).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.station.clone()))
    }

    /// How many stations of each wave of a job stand in each state.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn job_waves(&self, job: &str) -> Result<Vec<(u32, String, u64)>, StoreError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT wave, state, count(*) FROM job_stations WHERE tenant = ? AND job = ?
             GROUP BY wave, state ORDER BY wave, state",
        )
        .bind(self.tenant.as_str())
        .bind(job)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("count the stations of a job"))?;
        let row = |(wave, state, count): (i64, String, i64)| {
            Ok((u32::try_from(wave).map_err(bad("wave"))?, state, count.unsigned_abs()))
        };
        rows.into_iter().map(row).collect()
    }

    /// How many stations of a job stand in each state.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn job_counts(&self, job: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT state, count(*) FROM job_stations WHERE tenant = ? AND job = ? GROUP BY state ORDER BY state",
        )
        .bind(self.tenant.as_str())
        .bind(job)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("count the stations of a job"))?;
        Ok(rows.into_iter().map(|(state, count)| (state, count.unsigned_abs())).collect())
    }
}

/// One statement and one parameter for all of them, as in the journal.
async fn upsert(
    conn: &mut sqlx::SqliteConnection,
    tenant: &str,
    job: &str,
    stations: &[JobStation],
) -> Result<(), StoreError> {
    let row = |s: &JobStation| {
        serde_json::json!([
            s.station,
            s.state,
            s.wave,
            s.attempts,
            s.request_id,
            s.command,
            s.detail,
            s.changed_at.as_micros(),
            s.asked_at.map(Timestamp::as_micros)
        ])
    };
    let rows = Json::from(stations.iter().map(row).collect::<Vec<_>>()).to_string();
    sqlx::query(
        "INSERT INTO job_stations
             (tenant, job, station, state, wave, attempts, request_id, command, detail, changed_at_us, asked_at_us)
         SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
             value ->> 7, value ->> 8
         FROM json_each(?3) WHERE true
         ON CONFLICT DO UPDATE SET state = excluded.state, wave = excluded.wave, attempts = excluded.attempts,
             request_id = excluded.request_id, command = excluded.command, detail = excluded.detail,
             changed_at_us = excluded.changed_at_us, asked_at_us = excluded.asked_at_us",
    )
    .bind(tenant)
    .bind(job)
    .bind(rows)
    .execute(conn)
    .await
    .map_err(StoreError::database("write the stations of a job"))?;
    Ok(())
}

fn job(row: &SqliteRow) -> Result<Job, StoreError> {
    let fields = Fields(row);
    Ok(Job {
        id: fields.text("id")?,
        kind: fields.text("kind")?,
        state: fields.text("state")?,
        spec: fields.json("spec")?,
        reason: fields.get("reason")?,
        created_by: fields.text("created_by")?,
        created_at: fields.time("created_at_us")?,
        finished_at: fields.time_opt("finished_at_us")?,
    })
}

fn job_station(row: &SqliteRow) -> Result<JobStation, StoreError> {
    let fields = Fields(row);
    let number = |column| {
        let value: i64 = fields.get(column)?;
        u32::try_from(value).map_err(bad(column))
    };
    Ok(JobStation {
        station: fields.text("station")?,
        state: fields.text("state")?,
        wave: number("wave")?,
        attempts: number("attempts")?,
        request_id: fields.get("request_id")?,
        command: fields.get("command")?,
        detail: fields.get("detail")?,
        asked_at: fields.time_opt("asked_at_us")?,
        changed_at: fields.time("changed_at_us")?,
    })
}
