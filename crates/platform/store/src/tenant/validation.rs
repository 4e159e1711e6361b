use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use voltwin_core::Timestamp;

use super::TenantStore;
use crate::StoreError;
use crate::row::{Fields, limit_plus_one};

/// Rules that a tenant may have.
const RULES_MAX: i64 = 10_000;

/// Which stations a rule is about; an empty word stands for any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ValidationScope {
    /// One station; the other parts are empty then.
    pub station: String,
    /// As the station says in its boot.
    pub vendor: String,
    /// The same; only with a vendor.
    pub model: String,
    /// The same; only with a model.
    pub firmware: String,
}

/// How strictly some stations are held to the protocol.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidationRule {
    /// Which stations.
    pub scope: ValidationScope,
    /// `strict`, `lenient` or `quarantine`.
    pub policy: String,
    /// Who decided so.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

/// How often stations of one make broke the protocol in one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViolationCount {
    /// As the stations say.
    pub vendor: String,
    /// The same.
    pub model: String,
    /// The same.
    pub firmware: String,
    /// The error code, or what else was wrong.
    pub code: String,
    /// The action; empty where none of the protocol was named.
    pub action: String,
    /// How often.
    pub count: i64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// The station of the last time.
    pub last_station: String,
}

impl TenantStore {
    /// Every rule, the most general first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn validation_rules(&self) -> Result<Vec<ValidationRule>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM validation_policies WHERE tenant = ? ORDER BY station, vendor, model, firmware",
        )
        .bind(self.tenant.as_str())
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list validation rules"))?;
        rows.iter().map(rule).collect()
    }

    /// Sets the policy of some stations, or with `None` takes it back.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] beyond 10,000 rules, [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn set_validation_rule(
        &self,
        scope: &ValidationScope,
        policy: Option<&str>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("set a validation rule").await?;
        let query = match policy {
            Some(policy) => sqlx::query(
                "INSERT INTO validation_policies
                     (tenant, station, vendor, model, firmware, policy, set_by, set_at_us)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
                 WHERE (SELECT count(*) FROM validation_policies WHERE tenant = ?1) < ?9
                     OR EXISTS (SELECT 1 FROM validation_policies WHERE tenant = ?1 AND station = ?2
                         AND vendor = ?3 AND model = ?4 AND firmware = ?5)
                 ON CONFLICT DO UPDATE SET policy = excluded.policy, set_by = excluded.set_by,
                     set_at_us = excluded.set_at_us",
            )
            .bind(self.tenant.as_str())
            .bind(&scope.station)
            .bind(&scope.vendor)
            .bind(&scope.model)
            .bind(&scope.firmware)
            .bind(policy)
            .bind(by)
            .bind(at.as_micros())
            .bind(RULES_MAX),
            None => sqlx::query(
                "DELETE FROM validation_policies
                 WHERE tenant = ? AND station = ? AND vendor = ? AND model = ? AND firmware = ?",
            )
            .bind(self.tenant.as_str())
            .bind(&scope.station)
            .bind(&scope.vendor)
            .bind(&scope.model)
            .bind(&scope.firmware),
        };
        let done = query.execute(tx.conn()).await.map_err(self.unknown_tenant("set a validation rule"))?;
        if policy.is_some() && done.rows_affected() == 0 {
            let value = policy.unwrap_or_default().to_owned();
            return Err(StoreError::Invalid {
                field: "policy",
                value,
                rule: "a tenant has at most 10,000 validation rules",
            });
        }
        let subject = [&scope.station, &scope.vendor, &scope.model, &scope.firmware]
            .map(String::as_str)
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        self.commit_as(tx, (by, at), ("validation.set", &subject, policy.unwrap_or("default"))).await
    }

    /// How often which make of station broke the protocol in which way, the most frequent first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn violation_counts(&self, limit: usize) -> Result<Vec<ViolationCount>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM violation_counts WHERE tenant = ? ORDER BY count DESC, vendor, model, firmware,
                 code, action LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(limit_plus_one(limit) - 1)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("count violations"))?;
        rows.iter().map(count).collect()
    }
}

fn rule(row: &SqliteRow) -> Result<ValidationRule, StoreError> {
    let fields = Fields(row);
    Ok(ValidationRule {
        scope: ValidationScope {
            station: fields.text("station")?,
            vendor: fields.text("vendor")?,
            model: fields.text("model")?,
            firmware: fields.text("firmware")?,
        },
        policy: fields.text("policy")?,
        set_by: fields.text("set_by")?,
        set_at: fields.time("set_at_us")?,
    })
}

fn count(row: &SqliteRow) -> Result<ViolationCount, StoreError> {
    let fields = Fields(row);
    Ok(ViolationCount {
        vendor: fields.text("vendor")?,
        model: fields.text("model")?,
        firmware: fields.text("firmware")?,
        code: fields.text("code")?,
        action: fields.text("action")?,
        count: fields.get("count")?,
        first: fields.time("first_us")?,
        last: fields.time("last_us")?,
        last_station: fields.text("last_twin")?,
    })
}
