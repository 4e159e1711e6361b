//! A tenant as an instance of Azure Digital Twins: its language and limits, and whose tokens it lets in.

use serde::{Deserialize, Serialize};
use voltwin_core::{TenantId, Timestamp};

use super::TenantStore;
use crate::row::{Fields, word};
use crate::{Store, StoreError};

/// Characters of a directory or principal at most.
const NAME_CHARS_MAX: usize = 200;
/// Directories and principals of one tenant at most.
const ENTRIES_MAX: i64 = 10_000;

/// What a token may do, where the registry and not its issuer says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstanceRole {
    /// Reads and writes: Azure Digital Twins Data Owner.
    Owner,
    /// Reads: Azure Digital Twins Data Reader.
    Reader,
}

impl TenantStore {
    /// Whether the tenant holds to Azure's language and limits.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_strict(&self) -> Result<bool, StoreError> {
        let strict: Option<i64> = sqlx::query_scalar("SELECT strict FROM instances WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read an instance"))?;
        Ok(strict == Some(1))
    }

    /// Says whether the tenant holds to Azure's language and limits.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown tenant.
    pub async fn set_strict(&self, strict: bool, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("change an instance").await?;
        sqlx::query(
            "INSERT INTO instances (tenant, strict) VALUES (?, ?)
             ON CONFLICT DO UPDATE SET strict = excluded.strict",
        )
        .bind(self.tenant.as_str())
        .bind(i64::from(strict))
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("change an instance"))?;
        let detail = if strict { "strict-adt" } else { "superset" };
        self.commit_as(tx, (by, at), ("instance.dialect", self.tenant.as_str(), detail)).await
    }

    /// Lets the principals of a directory in; doing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown tenant, [`StoreError::Limit`], [`StoreError::Invalid`].
    pub async fn add_directory(&self, directory: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        check_name("directory", directory)?;
        let mut tx = self.db.begin("let a directory in").await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM instance_directories WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_one(tx.conn())
            .await
            .map_err(StoreError::database("let a directory in"))?;
        if count >= ENTRIES_MAX {
            return Err(StoreError::Limit { what: "directories", limit: ENTRIES_MAX.unsigned_abs() });
        }
        sqlx::query(
            "INSERT INTO instance_directories (directory, tenant) VALUES (?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(directory)
        .bind(self.tenant.as_str())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("let a directory in"))?;
        self.commit_as(tx, (by, at), ("instance.directory.add", directory, "")).await
    }

    /// Lets the principals of a directory in no more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_directory(&self, directory: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("shut a directory out").await?;
        let done = sqlx::query("DELETE FROM instance_directories WHERE directory = ? AND tenant = ?")
            .bind(directory)
            .bind(self.tenant.as_str())
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("shut a directory out"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "directory", id: directory.to_owned() });
        }
        self.commit_as(tx, (by, at), ("instance.directory.remove", directory, "")).await
    }

    /// The directories that are let in, at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn directories(&self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT directory FROM instance_directories WHERE tenant = ? ORDER BY directory")
            .bind(self.tenant.as_str())
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("list directories"))
    }

    /// Gives a principal a role, or takes it away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown tenant, [`StoreError::Limit`], [`StoreError::Invalid`].
    pub async fn assign(
        &self,
        principal: &str,
        role: Option<InstanceRole>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        check_name("principal", principal)?;
        let mut tx = self.db.begin("assign a role").await?;
        let fail = self.unknown_tenant("assign a role");
        let detail = role.map(|role| word(&role)).unwrap_or_default();
        if role.is_some() {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM instance_roles WHERE tenant = ?")
                .bind(self.tenant.as_str())
                .fetch_one(tx.conn())
                .await
                .map_err(&fail)?;
            if count >= ENTRIES_MAX {
                return Err(StoreError::Limit { what: "principals", limit: ENTRIES_MAX.unsigned_abs() });
            }
            sqlx::query(
                "INSERT INTO instance_roles (tenant, principal, role) VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET role = excluded.role",
            )
            .bind(self.tenant.as_str())
            .bind(principal)
            .bind(&detail)
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        } else {
            sqlx::query("DELETE FROM instance_roles WHERE tenant = ? AND principal = ?")
                .bind(self.tenant.as_str())
                .bind(principal)
                .execute(tx.conn())
                .await
                .map_err(&fail)?;
        }
        self.commit_as(tx, (by, at), ("instance.role", principal, &detail)).await
    }

    /// The role of a principal, where the registry gives one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn assigned(&self, principal: &str) -> Result<Option<InstanceRole>, StoreError> {
        let row = sqlx::query("SELECT role FROM instance_roles WHERE tenant = ? AND principal = ?")
            .bind(self.tenant.as_str())
            .bind(principal)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a role"))?;
        row.as_ref().map(|row| Fields(row).word("role")).transpose()
    }
}

impl Store {
    /// The tenants that let the principals of a directory in, by name, at most 1,000.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tenants_of_directory(&self, directory: &str) -> Result<Vec<TenantId>, StoreError> {
        let rows = sqlx::query(
            "SELECT tenant FROM instance_directories WHERE directory = ? ORDER BY tenant LIMIT 1000",
        )
        .bind(directory)
        .fetch_all(self.db().readers())
        .await
        .map_err(StoreError::database("look for a directory"))?;
        rows.iter().map(|row| Fields(row).tenant()).collect()
    }
}

fn check_name(field: &'static str, text: &str) -> Result<(), StoreError> {
    let rule = "1 to 200 characters without spaces";
    let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_whitespace);
    if fits { Ok(()) } else { Err(StoreError::invalid(field, text, rule)) }
}
