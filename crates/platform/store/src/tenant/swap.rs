//! Scenarios of battery-swap networks, and the runs that simulate them.

use sqlx::sqlite::SqliteRow;
use voltwin_core::{TenantId, Timestamp};

use super::TenantStore;
use crate::row::{Fields, limit_plus_one, page};
use crate::{Page, Store, StoreError};

/// A scenario of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapScenario {
    /// Its name in the tenant.
    pub name: String,
    /// How often it was written.
    pub version: i64,
    /// Stations in it.
    pub stations: i64,
    /// Who wrote it last.
    pub updated_by: String,
    /// When.
    pub updated_at: Timestamp,
}

/// A run of one scenario or of several side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapRun {
    /// Its id; later ones are greater.
    pub id: String,
    /// A word of its kind.
    pub kind: String,
    /// What people call it.
    pub label: String,
    /// How far it has come.
    pub state: String,
    /// Replications of all its scenarios together.
    pub wanted: i64,
    /// How many are done.
    pub done: i64,
    /// Why it failed.
    pub error: Option<String>,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Replications that are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapBlock {
    /// Number of the scenario in the run.
    pub design: i64,
    /// Number of the first replication.
    pub first: i64,
    /// In the form of the simulation.
    pub bytes: Vec<u8>,
}

/// Everything of a run but its scenarios, which are large.
const RUN: &str = "SELECT tenant, id, kind, label, state, wanted, done, error, created_by, created_at_us, started_at_us, \
                   ended_at_us FROM swap_runs";

impl TenantStore {
    /// Writes a scenario, if there is still the version `expected` where one is expected; answers the new version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for another version, [`StoreError::Limit`] when there are `max` others,
    /// [`StoreError::NotFound`] for an unknown tenant, [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn put_swap_scenario(
        &self,
        name: &str,
        (scenario, stations): (&str, usize),
        (expected, max): (Option<i64>, u64),
        (by, at): (&str, Timestamp),
    ) -> Result<i64, StoreError> {
        let fail = StoreError::database("write a swap scenario");
        let mut tx = self.db.begin("write a swap scenario").await?;
        let before: Option<i64> =
            sqlx::query_scalar("SELECT version FROM swap_scenarios WHERE tenant = ? AND name = ?")
                .bind(self.tenant.as_str())
                .bind(name)
                .fetch_optional(tx.conn())
                .await
                .map_err(&fail)?;
        if expected.is_some_and(|expected| before != Some(expected)) {
            return Err(StoreError::Conflict { what: "version of the swap scenario", id: name.to_owned() });
        }
        if before.is_none() {
            let there: i64 = sqlx::query_scalar("SELECT count(*) FROM swap_scenarios WHERE tenant = ?")
                .bind(self.tenant.as_str())
                .fetch_one(tx.conn())
                .await
                .map_err(&fail)?;
            if there.unsigned_abs() >= max {
                return Err(StoreError::Limit { what: "swap scenarios", limit: max });
            }
        }
        let version = before.unwrap_or(0) + 1;
        sqlx::query(
            "INSERT INTO swap_scenarios (tenant, name, version, stations, scenario, updated_by, updated_at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET version = excluded.version, stations = excluded.stations,
                 scenario = excluded.scenario, updated_by = excluded.updated_by, updated_at_us = excluded.updated_at_us",
        )
        .bind(self.tenant.as_str())
        .bind(name)
        .bind(version)
        .bind(stations as i64)
        .bind(scenario)
        .bind(by)
        .bind(at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("write a swap scenario"))?;
        self.commit_as(tx, (by, at), ("swap.scenario.put", name, &version.to_string())).await?;
        Ok(version)
    }

    /// Scenarios in the order of their names.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn swap_scenarios(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<SwapScenario>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, version, stations, updated_by, updated_at_us FROM swap_scenarios
             WHERE tenant = ? AND name > ? ORDER BY name LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(cursor.unwrap_or_default())
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list swap scenarios"))?;
        let items = rows.iter().map(scenario).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.name.clone()))
    }

    /// A scenario and its text.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn swap_scenario(&self, name: &str) -> Result<Option<(SwapScenario, String)>, StoreError> {
        let row = sqlx::query("SELECT * FROM swap_scenarios WHERE tenant = ? AND name = ?")
            .bind(self.tenant.as_str())
            .bind(name)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a swap scenario"))?;
        row.as_ref().map(|row| Ok((scenario(row)?, Fields(row).text("scenario")?))).transpose()
    }

    /// Forgets a scenario; tells whether there was one.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn delete_swap_scenario(
        &self,
        name: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("delete a swap scenario").await?;
        let done = sqlx::query("DELETE FROM swap_scenarios WHERE tenant = ? AND name = ?")
            .bind(self.tenant.as_str())
            .bind(name)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("delete a swap scenario"))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_as(tx, (by, at), ("swap.scenario.delete", name, "")).await?;
        Ok(true)
    }

    /// Files a run with its scenarios; of those that have ended the newest `kept_max` stay.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when `unfinished_max` have not ended yet, [`StoreError::NotFound`] for an unknown tenant,
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn add_swap_run(
        &self,
        run: &SwapRun,
        spec: &str,
        (unfinished_max, kept_max): (u64, u64),
    ) -> Result<(), StoreError> {
        let fail = StoreError::database("file a swap run");
        let mut tx = self.db.begin("file a swap run").await?;
        let unfinished: i64 =
            sqlx::query_scalar("SELECT count(*) FROM swap_runs WHERE tenant = ? AND ended_at_us IS NULL")
                .bind(self.tenant.as_str())
                .fetch_one(tx.conn())
                .await
                .map_err(&fail)?;
        if unfinished.unsigned_abs() >= unfinished_max {
            return Err(StoreError::Limit { what: "unfinished swap runs", limit: unfinished_max });
        }
        sqlx::query(
            "DELETE FROM swap_runs WHERE tenant = ?1 AND id IN (SELECT id FROM swap_runs
                 WHERE tenant = ?1 AND ended_at_us IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?2)",
        )
        .bind(self.tenant.as_str())
        .bind(kept_max as i64)
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        sqlx::query(
            "INSERT INTO swap_runs (tenant, id, kind, label, state, wanted, done, created_by, created_at_us, spec)
             VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
        )
        .bind(self.tenant.as_str())
        .bind(&run.id)
        .bind(&run.kind)
        .bind(&run.label)
        .bind(&run.state)
        .bind(run.wanted)
        .bind(&run.created_by)
        .bind(run.created_at.as_micros())
        .bind(spec)
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("file a swap run"))?;
        self.commit_as(tx, (&run.created_by, run.created_at), ("swap.run.start", &run.id, &run.label)).await
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn swap_runs(&self, cursor: Option<&str>, limit: usize) -> Result<Page<SwapRun>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{RUN} WHERE tenant = ? AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?"
        )))
        .bind(self.tenant.as_str())
        .bind(cursor)
        .bind(cursor)
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list swap runs"))?;
        let items = rows.iter().map(run).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.clone()))
    }

    /// One run.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn swap_run(&self, id: &str) -> Result<Option<SwapRun>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RUN} WHERE tenant = ? AND id = ?")))
            .bind(self.tenant.as_str())
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a swap run"))?;
        row.as_ref().map(run).transpose()
    }

    /// The scenarios of a run as they were filed.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn swap_run_spec(&self, id: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT spec FROM swap_runs WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a swap run"))
    }

    /// The replications of a run that are done, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn swap_blocks(&self, id: &str) -> Result<Vec<SwapBlock>, StoreError> {
        let rows = sqlx::query(
            "SELECT design, first, bytes FROM swap_blocks WHERE tenant = ? AND run = ? ORDER BY design, first",
        )
        .bind(self.tenant.as_str())
        .bind(id)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read a swap run"))?;
        let read = |row| {
            let fields = Fields(row);
            let (design, first) = (fields.get("design")?, fields.get("first")?);
            Ok(SwapBlock { design, first, bytes: fields.get("bytes")? })
        };
        rows.iter().map(read).collect()
    }

    /// Keeps replications of a run that has not ended, and how many are done with them. What was kept of the same scenario
    /// from there on is replaced. Tells whether the run is still there.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn keep_swap_block(
        &self,
        id: &str,
        block: &SwapBlock,
        done: i64,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let fail = StoreError::database("keep replications");
        let mut tx = self.db.begin("keep replications").await?;
        let moved = sqlx::query(
            "UPDATE swap_runs SET done = ?, started_at_us = coalesce(started_at_us, ?),
                 state = iif(state = 'queued', 'running', state)
             WHERE tenant = ? AND id = ? AND ended_at_us IS NULL",
        )
        .bind(done)
        .bind(at.as_micros())
        .bind(self.tenant.as_str())
        .bind(id)
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM swap_blocks WHERE tenant = ? AND run = ? AND design = ? AND first >= ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .bind(block.design)
            .bind(block.first)
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        sqlx::query("INSERT INTO swap_blocks (tenant, run, design, first, bytes) VALUES (?, ?, ?, ?, ?)")
            .bind(self.tenant.as_str())
            .bind(id)
            .bind(block.design)
            .bind(block.first)
            .bind(&block.bytes)
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        tx.commit().await?;
        Ok(true)
    }

    /// Asks a run to stop; tells whether it had not ended.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn cancel_swap_run(&self, id: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("cancel a swap run").await?;
        let done = sqlx::query(
            "UPDATE swap_runs SET state = 'cancelling' WHERE tenant = ? AND id = ? AND ended_at_us IS NULL",
        )
        .bind(self.tenant.as_str())
        .bind(id)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("cancel a swap run"))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_as(tx, (by, at), ("swap.run.cancel", id, "")).await?;
        Ok(true)
    }

    /// Writes how a run ended.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn end_swap_run(
        &self,
        id: &str,
        (state, error): (&str, Option<&str>),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("end a swap run").await?;
        sqlx::query(
            "UPDATE swap_runs SET state = ?, error = ?, ended_at_us = ?
             WHERE tenant = ? AND id = ? AND ended_at_us IS NULL",
        )
        .bind(state)
        .bind(error)
        .bind(at.as_micros())
        .bind(self.tenant.as_str())
        .bind(id)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("end a swap run"))?;
        tx.commit().await
    }

    /// Forgets a run that has ended, with its replications; tells whether there was one.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn delete_swap_run(&self, id: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("delete a swap run").await?;
        let done =
            sqlx::query("DELETE FROM swap_runs WHERE tenant = ? AND id = ? AND ended_at_us IS NOT NULL")
                .bind(self.tenant.as_str())
                .bind(id)
                .execute(tx.conn())
                .await
                .map_err(StoreError::database("delete a swap run"))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_as(tx, (by, at), ("swap.run.delete", id, "")).await?;
        Ok(true)
    }
}

impl Store {
    /// The runs of all tenants that have not ended, oldest first, at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn unfinished_swap_runs(&self) -> Result<Vec<(TenantId, SwapRun)>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{RUN} WHERE ended_at_us IS NULL ORDER BY created_at_us LIMIT 10000"
        )))
        .fetch_all(self.db().readers())
        .await
        .map_err(StoreError::database("list swap runs"))?;
        rows.iter().map(|row| Ok((Fields(row).tenant()?, run(row)?))).collect()
    }
}

fn scenario(row: &SqliteRow) -> Result<SwapScenario, StoreError> {
    let fields = Fields(row);
    Ok(SwapScenario {
        name: fields.text("name")?,
        version: fields.get("version")?,
        stations: fields.get("stations")?,
        updated_by: fields.text("updated_by")?,
        updated_at: fields.time("updated_at_us")?,
    })
}

fn run(row: &SqliteRow) -> Result<SwapRun, StoreError> {
    let fields = Fields(row);
    Ok(SwapRun {
        id: fields.text("id")?,
        kind: fields.text("kind")?,
        label: fields.text("label")?,
        state: fields.text("state")?,
        wanted: fields.get("wanted")?,
        done: fields.get("done")?,
        error: fields.get("error")?,
        created_by: fields.text("created_by")?,
        created_at: fields.time("created_at_us")?,
        started_at: fields.time_opt("started_at_us")?,
        ended_at: fields.time_opt("ended_at_us")?,
    })
}
