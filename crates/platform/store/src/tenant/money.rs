use serde_json::Value as Json;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use voltwin_core::{Decimal, Timestamp, TransactionPhase};

use super::TenantStore;
use super::transactions::transaction;
use crate::bill::{Bill, Recorded};
use crate::money::{
    Cdr, NewTariffAssignment, Rated, ReceiptRecord, SignedRecord, TariffAssignment, TariffRecord,
    TariffScope, TokenGroup, Usage, UsageStep,
};
use crate::row::{Fields, limit_plus_one, number_cursor, page, time_cursor, word};
use crate::{Page, StoreError};

/// Signed readings that are shown of one transaction.
const SIGNED_MAX: i64 = 5_000;
/// Events of one transaction that are priced one by one; more are merged by the caller's limit on spans.
const EVENTS_MAX: i64 = 100_000;

impl TenantStore {
    /// Adds a tariff, or a version of one that exists, and returns the version.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::NotFound`] for a tenant that is not there.
    pub async fn add_tariff(
        &self,
        id: &str,
        name: &str,
        tariff: &Json,
        by: &str,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.db.begin("add a tariff").await?;
        let version: i64 = sqlx::query_scalar(
            "INSERT INTO tariffs (tenant, id, version, name, tariff, created_at_us, created_by)
             VALUES (?1, ?2, 1 + coalesce((SELECT max(version) FROM tariffs WHERE tenant = ?1 AND id = ?2), 0),
                 ?3, ?4, ?5, ?6) RETURNING version",
        )
        .bind(self.tenant.as_str())
        .bind(id)
        .bind(name)
        .bind(tariff.to_string())
        .bind(at.as_micros())
        .bind(by)
        .fetch_one(tx.conn())
        .await
        .map_err(self.unknown_tenant("add a tariff"))?;
        self.commit_as(tx, (by, at), ("tariff.write", id, &format!("version {version}"))).await?;
        Ok(version)
    }

    /// Tariffs by id, each in its newest version.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tariffs(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<TariffRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM tariffs t WHERE tenant = ?1 AND id > ?2 AND version =
                 (SELECT max(version) FROM tariffs n WHERE n.tenant = ?1 AND n.id = t.id)
             ORDER BY id LIMIT ?3",
        )
        .bind(self.tenant.as_str())
        .bind(cursor.unwrap_or_default())
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list tariffs"))?;
        let items = rows.iter().map(tariff).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.clone()))
    }

    /// Versions of a tariff, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn tariff_versions(
        &self,
        id: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<TariffRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM tariffs WHERE tenant = ? AND id = ? AND version < ? ORDER BY version DESC LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(id)
        .bind(number_cursor(cursor, i64::MAX)?)
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list versions of a tariff"))?;
        let items = rows.iter().map(tariff).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.version.to_string()))
    }

    /// The version of a tariff that holds at a time: the newest made by then.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tariff_at(&self, id: &str, at: Timestamp) -> Result<Option<TariffRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM tariffs WHERE tenant = ? AND id = ? AND created_at_us <= ?
             ORDER BY version DESC LIMIT 1",
        )
        .bind(self.tenant.as_str())
        .bind(id)
        .bind(at.as_micros())
        .fetch_optional(self.db.readers())
        .await
        .map_err(StoreError::database("read a tariff"))?;
        row.as_ref().map(tariff).transpose()
    }

    /// Takes a tariff out of use: it cannot be assigned any more. What it priced stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn retire_tariff(&self, id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("retire a tariff").await?;
        let done = sqlx::query("UPDATE tariffs SET retired = 1 WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("retire a tariff"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "tariff", id: id.to_owned() });
        }
        self.commit_as(tx, (by, at), ("tariff.retire", id, "")).await
    }

    /// Assigns a tariff, and returns the number of the assignment.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a tariff that is not there or retired, [`StoreError::Database`].
    pub async fn assign_tariff(
        &self,
        new: &NewTariffAssignment,
        by: &str,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.db.begin("assign a tariff").await?;
        if let Some(id) = &new.tariff {
            let known: Option<i64> = sqlx::query_scalar(
                "SELECT 1 FROM tariffs WHERE tenant = ? AND id = ? AND retired = 0 LIMIT 1",
            )
            .bind(self.tenant.as_str())
            .bind(id)
            .fetch_optional(tx.conn())
            .await
            .map_err(StoreError::database("read a tariff"))?;
            if known.is_none() {
                return Err(StoreError::NotFound { what: "tariff", id: id.clone() });
            }
        }
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO tariff_assignments (tenant, number, scope, target, token_group, from_us, tariff,
                 created_at_us, created_by)
             VALUES (?1, 1 + coalesce((SELECT max(number) FROM tariff_assignments WHERE tenant = ?1), 0),
                 ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING number",
        )
        .bind(self.tenant.as_str())
        .bind(word(&new.scope))
        .bind(&new.target)
        .bind(new.token_group.as_deref().unwrap_or_default())
        .bind(new.from.as_micros())
        .bind(&new.tariff)
        .bind(at.as_micros())
        .bind(by)
        .fetch_one(tx.conn())
        .await
        .map_err(self.unknown_tenant("assign a tariff"))?;
        let detail =
            format!("{} {}: {}", word(&new.scope), new.target, new.tariff.as_deref().unwrap_or("none"));
        self.commit_as(tx, (by, at), ("tariff.assign", &number.to_string(), &detail)).await?;
        Ok(number)
    }

    /// Assignments, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn tariff_assignments(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<TariffAssignment>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM tariff_assignments WHERE tenant = ? AND number < ? ORDER BY number DESC LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(number_cursor(cursor, i64::MAX)?)
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list assignments"))?;
        let items = rows.iter().map(assignment).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.number.to_string()))
    }

    /// Whether anything of the tenant is priced at all.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn prices_anything(&self) -> Result<bool, StoreError> {
        let recall = &self.db.recall;
        let of = (self.tenant.clone(), String::new());
        recall.prices.get(&recall.writes, of, self.read_whether_priced()).await
    }

    async fn read_whether_priced(&self) -> Result<bool, StoreError> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM tariff_assignments WHERE tenant = ? LIMIT 1")
                .bind(self.tenant.as_str())
                .fetch_optional(self.db.readers())
                .await
                .map_err(StoreError::database("look for an assignment"))?;
        Ok(found.is_some())
    }

    /// The tariff ids assigned at a time to the first of these scopes that has any, the most special first: those of
    /// the token's group before those for all, each from the narrowest scope to the widest.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn assigned_tariffs(
        &self,
        scopes: &[(TariffScope, String)],
        id_token: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let group: Option<String> = match id_token {
            Some(token) => {
                sqlx::query_scalar("SELECT token_group FROM token_groups WHERE tenant = ? AND token = ?")
                    .bind(self.tenant.as_str())
                    .bind(token)
                    .fetch_optional(self.db.readers())
                    .await
                    .map_err(StoreError::database("read a token's group"))?
            }
            None => None,
        };
        let mut found = Vec::new();
        for group in group.into_iter().chain([String::new()]) {
            for (scope, target) in scopes {
                let tariff: Option<Option<String>> = sqlx::query_scalar(
                    "SELECT tariff FROM tariff_assignments
                     WHERE tenant = ? AND scope = ? AND target = ? AND token_group = ? AND from_us <= ?
                     ORDER BY from_us DESC, number DESC LIMIT 1",
                )
                .bind(self.tenant.as_str())
                .bind(word(scope))
                .bind(target)
                .bind(&group)
                .bind(at.as_micros())
                .fetch_optional(self.db.readers())
                .await
                .map_err(StoreError::database("look for an assignment"))?;
                found.extend(tariff.flatten());
            }
        }
        Ok(found)
    }

    /// What took the place of the tariff of a transaction while it ran, after `after`, in the order of its times. `target` is
    /// that of the assignments.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tariff_changes(
        &self,
        target: &str,
        after: Timestamp,
        limit: usize,
    ) -> Result<Vec<TariffAssignment>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM tariff_assignments WHERE tenant = ? AND scope = ? AND target = ? AND token_group = ''
                 AND from_us > ? ORDER BY from_us, number LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(word(&TariffScope::Transaction))
        .bind(target)
        .bind(after.as_micros())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("look for changes of a tariff"))?;
        rows.iter().map(assignment).collect()
    }

    /// Puts a token into a group, or takes it out of its group.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::NotFound`] for a tenant that is not there.
    pub async fn set_token_group(
        &self,
        token: &str,
        group: Option<&str>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("group a token").await?;
        let query = match group {
            Some(group) => sqlx::query(
                "INSERT INTO token_groups (tenant, token, token_group) VALUES (?, ?, ?)
                 ON CONFLICT (tenant, token) DO UPDATE SET token_group = excluded.token_group",
            )
            .bind(self.tenant.as_str())
            .bind(token)
            .bind(group),
            None => sqlx::query("DELETE FROM token_groups WHERE tenant = ? AND token = ?")
                .bind(self.tenant.as_str())
                .bind(token),
        };
        query.execute(tx.conn()).await.map_err(self.unknown_tenant("group a token"))?;
        self.commit_as(tx, (by, at), ("token.group", token, group.unwrap_or_default())).await
    }

    /// Tokens that are in a group, by token.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn token_groups(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<TokenGroup>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM token_groups WHERE tenant = ? AND token > ? ORDER BY token LIMIT ?")
                .bind(self.tenant.as_str())
                .bind(cursor.unwrap_or_default())
                .bind(limit_plus_one(limit))
                .fetch_all(self.db.readers())
                .await
                .map_err(StoreError::database("list token groups"))?;
        let read = |row: &SqliteRow| {
            let fields = Fields(row);
            Ok(TokenGroup { token: fields.text("token")?, group: fields.text("token_group")? })
        };
        let items = rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(page(items, limit, |item| item.token.clone()))
    }

    /// How a transaction drew its energy, step by step.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn usage(&self, number: i64) -> Result<Option<Usage>, StoreError> {
        let Some(transaction) = self.transaction(number).await? else { return Ok(None) };
        let rows = sqlx::query(
            "SELECT at_us, fact FROM transaction_events WHERE tenant = ? AND station = ? AND transaction_id = ?
             LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(&transaction.station)
        .bind(&transaction.transaction_id)
        .bind(EVENTS_MAX)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read a transaction"))?;
        let read = |row| Ok(Recorded { at: Fields(row).time("at_us")?, fact: Fields(row).json("fact")? });
        let events = rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Some(Usage { transaction, steps: steps(events) }))
    }

    /// Ended transactions that are to be rated, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rating_due(&self, limit: usize) -> Result<Vec<i64>, StoreError> {
        sqlx::query_scalar("SELECT number FROM rating_due WHERE tenant = ? ORDER BY number LIMIT ?")
            .bind(self.tenant.as_str())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("look for what is to be rated"))
    }

    /// Writes what transactions were rated to. A receipt that is the newest already makes no new revision.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn write_receipts(&self, rated: &[Rated], at: Timestamp) -> Result<(), StoreError> {
        let fail = StoreError::database("write receipts");
        let mut tx = self.db.begin("write receipts").await?;
        for rated in rated {
            let newest: Option<(i64, String)> = sqlx::query_as(
                "SELECT revision, receipt FROM receipts WHERE tenant = ? AND number = ?
                 ORDER BY revision DESC LIMIT 1",
            )
            .bind(self.tenant.as_str())
            .bind(rated.number)
            .fetch_optional(tx.conn())
            .await
            .map_err(&fail)?;
            // One that is not priced any more after it was has a receipt that says so.
            let receipt = match (&rated.receipt, &newest) {
                (Some(receipt), _) => Some(receipt.clone()),
                (None, Some(_)) => Some(Json::Null),
                (None, None) => None,
            };
            let known = newest.as_ref().and_then(|(_, text)| serde_json::from_str::<Json>(text).ok());
            if let Some(receipt) = receipt.filter(|receipt| known.as_ref() != Some(receipt)) {
                let tariff = |json: &Json| json.get("tariff").cloned();
                let reason = match &known {
                    None => "ended",
                    Some(known) if tariff(known) != tariff(&receipt) => "tariff",
                    Some(_) => "events",
                };
                sqlx::query(
                    "INSERT INTO receipts (tenant, number, revision, reason, created_at_us, receipt)
                     VALUES (?, ?, ?, ?, ?, ?)",
                )
                .bind(self.tenant.as_str())
                .bind(rated.number)
                .bind(newest.map_or(0, |(revision, _)| revision) + 1)
                .bind(reason)
                .bind(at.as_micros())
                .bind(receipt.to_string())
                .execute(tx.conn())
                .await
                .map_err(&fail)?;
            }
            sqlx::query("UPDATE transactions SET cost_differs = ?3 WHERE tenant = ?1 AND number = ?2 AND cost_differs <> ?3")
                .bind(self.tenant.as_str())
                .bind(rated.number)
                .bind(i64::from(rated.cost_differs))
                .execute(tx.conn())
                .await
                .map_err(&fail)?;
            sqlx::query(
                "DELETE FROM rating_due WHERE tenant = ?1 AND number = ?2 AND (SELECT bill ->> '$.events'
                     FROM transactions WHERE tenant = ?1 AND number = ?2) = ?3",
            )
            .bind(self.tenant.as_str())
            .bind(rated.number)
            .bind(i64::try_from(rated.events).unwrap_or(i64::MAX))
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        }
        tx.commit().await
    }

    /// Receipts of a transaction, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn receipts(&self, number: i64) -> Result<Vec<ReceiptRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM receipts WHERE tenant = ? AND number = ? ORDER BY revision DESC LIMIT 100",
        )
        .bind(self.tenant.as_str())
        .bind(number)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read receipts"))?;
        rows.iter().map(receipt).collect()
    }

    /// Transactions that ended from `from` up to but not at `to`, in the order of their ends, with what they cost.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn cdrs(
        &self,
        from: Timestamp,
        to: Timestamp,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Cdr>, StoreError> {
        let (after_us, after) = match cursor {
            None => (i64::MIN, -1),
            Some(_) => {
                let (us, number) = time_cursor(cursor)?;
                (us, number_cursor(Some(number), 0)?)
            }
        };
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT t.number, t.station, t.transaction_id, t.energy_wh, t.cost_differs, t.bill, r.revision, r.reason,
                 r.created_at_us, r.receipt
             FROM transactions t LEFT JOIN receipts r ON r.tenant = t.tenant AND r.number = t.number
                 AND r.revision = (SELECT max(revision) FROM receipts n
                     WHERE n.tenant = t.tenant AND n.number = t.number)
             WHERE t.tenant = ",
        );
        query.push_bind(self.tenant.as_str());
        query.push(" AND t.ended_at_us IS NOT NULL AND t.ended_at_us >= ").push_bind(from.as_micros());
        query.push(" AND t.ended_at_us < ").push_bind(to.as_micros());
        query.push(" AND (t.ended_at_us, t.number) > (").push_bind(after_us);
        query.push(", ").push_bind(after).push(")");
        query.push(" ORDER BY t.ended_at_us, t.number LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list charge detail records"))?;
        let read = |row: &SqliteRow| {
            let priced = Fields(row).get::<Option<i64>>("revision")?.is_some();
            let receipt = if priced { Some(receipt(row)?) } else { None };
            Ok(Cdr { transaction: transaction(row)?, receipt })
        };
        let items = rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(page(items, limit, |cdr: &Cdr| {
            let ended = cdr.transaction.ended_at.unwrap_or_default();
            format!("{}.{}", ended.as_micros(), cdr.transaction.number)
        }))
    }

    /// The signed readings of a transaction in the order of its events.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn signed_readings(&self, number: i64) -> Result<Vec<SignedRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.seq_no, s.phase, s.reading FROM transactions t JOIN signed_readings s
                 ON s.tenant = t.tenant AND s.station = t.station AND s.transaction_id = t.transaction_id
             WHERE t.tenant = ? AND t.number = ? ORDER BY s.seq_no, s.phase, s.position LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(number)
        .bind(SIGNED_MAX)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read signed readings"))?;
        let read = |row: &SqliteRow| {
            let fields = Fields(row);
            let phase = match fields.get::<i64>("phase")? {
                0 => TransactionPhase::Started,
                1 => TransactionPhase::Updated,
                _ => TransactionPhase::Ended,
            };
            let seq_no = fields.get::<i64>("seq_no")?.unsigned_abs();
            Ok(SignedRecord { phase, seq_no, reading: fields.json("reading")? })
        };
        rows.iter().map(read).collect()
    }
}

/// Folds the events once more, and looks at what each adds.
fn steps(mut events: Vec<Recorded>) -> Vec<UsageStep> {
    events.sort_by_key(crate::bill::order);
    let mut bill = Bill::new();
    let mut steps: Vec<UsageStep> = Vec::new();
    let mut from: Option<Timestamp> = None;
    let mut state: Option<String> = None;
    for event in &events {
        if bill.ended_at.is_some() {
            break;
        }
        let (before, started) = (bill.energy_wh(), bill.started_at.is_some());
        bill.push(event);
        if !started && bill.started_at.is_some() {
            // The ledger begins with the start.
            steps.clear();
            from = Some(event.at);
        }
        let since = from.unwrap_or(event.at);
        let to = event.at.max(since);
        let energy_wh = (bill.energy_wh() - before).max(Decimal::ZERO);
        let metered = event.fact.meter_wh.is_some();
        if to > since || !energy_wh.is_zero() {
            steps.push(UsageStep { from: since, to, energy_wh, metered, charging_state: state.clone() });
        }
        from = Some(to);
        if event.fact.charging_state.is_some() {
            state.clone_from(&event.fact.charging_state);
        }
    }
    steps
}

fn tariff(row: &SqliteRow) -> Result<TariffRecord, StoreError> {
    let fields = Fields(row);
    Ok(TariffRecord {
        id: fields.text("id")?,
        version: fields.get("version")?,
        name: fields.text("name")?,
        tariff: fields.json("tariff")?,
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
        retired: fields.get::<i64>("retired")? != 0,
    })
}

fn assignment(row: &SqliteRow) -> Result<TariffAssignment, StoreError> {
    let fields = Fields(row);
    Ok(TariffAssignment {
        number: fields.get("number")?,
        scope: fields.word("scope")?,
        target: fields.text("target")?,
        token_group: Some(fields.text("token_group")?).filter(|group| !group.is_empty()),
        from: fields.time("from_us")?,
        tariff: fields.get("tariff")?,
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
    })
}

fn receipt(row: &SqliteRow) -> Result<ReceiptRecord, StoreError> {
    let fields = Fields(row);
    Ok(ReceiptRecord {
        number: fields.get("number")?,
        revision: fields.get("revision")?,
        reason: fields.text("reason")?,
        created_at: fields.time("created_at_us")?,
        receipt: fields.json("receipt")?,
    })
}
