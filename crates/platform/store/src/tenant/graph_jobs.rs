//! Jobs over a whole graph: imports and deletions.

use serde_json::Value as Json;
use sqlx::sqlite::SqliteRow;
use voltwin_core::{TenantId, Timestamp};

use super::TenantStore;
use crate::row::{Fields, limit_plus_one, page};
use crate::{Page, Store, StoreError};

/// A job over a whole graph.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphJob {
    /// Its id among those of its kind.
    pub id: String,
    /// `import` or `deletion`.
    pub kind: String,
    /// How far it has come, a word of its kind.
    pub status: String,
    /// What was asked for.
    pub spec: Json,
    /// Where it stands, for going on after a restart.
    pub progress: Json,
    /// Why it failed.
    pub error: Option<Json>,
    /// Who asked for it.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it moved last.
    pub acted_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl TenantStore {
    /// Files a job and the deed; those of its kind that ended before `forget_before` are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is taken, [`StoreError::Limit`] when `unfinished_max` of its kind have not
    /// ended yet, [`StoreError::NotFound`] for an unknown tenant.
    pub async fn add_graph_job(
        &self,
        job: &GraphJob,
        unfinished_max: u64,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        let fail = StoreError::database("file a job");
        let mut tx = self.db.begin("file a job").await?;
        sqlx::query("DELETE FROM graph_jobs WHERE tenant = ? AND kind = ? AND finished_at_us < ?")
            .bind(self.tenant.as_str())
            .bind(&job.kind)
            .bind(forget_before.as_micros())
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        let unfinished: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM graph_jobs WHERE tenant = ? AND kind = ? AND finished_at_us IS NULL",
        )
        .bind(self.tenant.as_str())
        .bind(&job.kind)
        .fetch_one(tx.conn())
        .await
        .map_err(&fail)?;
        if unfinished.unsigned_abs() >= unfinished_max {
            return Err(StoreError::Limit { what: "unfinished jobs", limit: unfinished_max });
        }
        let done = sqlx::query(
            "INSERT INTO graph_jobs (tenant, kind, id, status, spec, progress, error, created_by, created_at_us,
                 acted_at_us, finished_at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(self.tenant.as_str())
        .bind(&job.kind)
        .bind(&job.id)
        .bind(&job.status)
        .bind(job.spec.to_string())
        .bind(job.progress.to_string())
        .bind(job.error.as_ref().map(Json::to_string))
        .bind(&job.created_by)
        .bind(job.created_at.as_micros())
        .bind(job.acted_at.as_micros())
        .bind(job.finished_at.map(Timestamp::as_micros))
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("file a job"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "job", id: job.id.clone() });
        }
        let action = format!("graph.{}", job.kind);
        self.commit_as(tx, (&job.created_by, job.created_at), (&action, &job.id, "")).await
    }

    /// Writes where a job stands. One that has ended stays as it ended, and one whose status is `unless` stays too;
    /// tells whether it was written.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn move_graph_job(&self, job: &GraphJob, unless: Option<&str>) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("move a job on").await?;
        let done = sqlx::query(
            "UPDATE graph_jobs SET status = ?, progress = ?, error = ?, acted_at_us = ?, finished_at_us = ?
             WHERE tenant = ? AND kind = ? AND id = ? AND finished_at_us IS NULL AND status IS NOT ?",
        )
        .bind(&job.status)
        .bind(job.progress.to_string())
        .bind(job.error.as_ref().map(Json::to_string))
        .bind(job.acted_at.as_micros())
        .bind(job.finished_at.map(Timestamp::as_micros))
        .bind(self.tenant.as_str())
        .bind(&job.kind)
        .bind(&job.id)
        .bind(unless)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("move a job on"))?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets a job that has ended; tells whether there was one.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn delete_graph_job(
        &self,
        kind: &str,
        id: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("forget a job").await?;
        let done = sqlx::query(
            "DELETE FROM graph_jobs WHERE tenant = ? AND kind = ? AND id = ? AND finished_at_us IS NOT NULL",
        )
        .bind(self.tenant.as_str())
        .bind(kind)
        .bind(id)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("forget a job"))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_as(tx, (by, at), (&format!("graph.{kind}.forget"), id, "")).await?;
        Ok(true)
    }

    /// One job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn graph_job(&self, kind: &str, id: &str) -> Result<Option<GraphJob>, StoreError> {
        let row = sqlx::query("SELECT * FROM graph_jobs WHERE tenant = ? AND kind = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(kind)
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a job"))?;
        row.as_ref().map(graph_job).transpose()
    }

    /// Jobs of a kind in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn graph_jobs(
        &self,
        kind: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<GraphJob>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM graph_jobs WHERE tenant = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(kind)
        .bind(cursor.unwrap_or_default())
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list jobs"))?;
        let items = rows.iter().map(graph_job).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.clone()))
    }
}

impl Store {
    /// The jobs of all tenants that have not ended, oldest first, at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn unfinished_graph_jobs(&self) -> Result<Vec<(TenantId, GraphJob)>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM graph_jobs WHERE finished_at_us IS NULL ORDER BY created_at_us LIMIT 10000",
        )
        .fetch_all(self.db().readers())
        .await
        .map_err(StoreError::database("list jobs"))?;
        rows.iter().map(|row| Ok((Fields(row).tenant()?, graph_job(row)?))).collect()
    }
}

fn graph_job(row: &SqliteRow) -> Result<GraphJob, StoreError> {
    let fields = Fields(row);
    Ok(GraphJob {
        id: fields.text("id")?,
        kind: fields.text("kind")?,
        status: fields.text("status")?,
        spec: fields.json("spec")?,
        progress: fields.json("progress")?,
        error: fields.json_opt("error")?,
        created_by: fields.text("created_by")?,
        created_at: fields.time("created_at_us")?,
        acted_at: fields.time("acted_at_us")?,
        finished_at: fields.time_opt("finished_at_us")?,
    })
}
