//! What belongs to one tenant. Every query here names the tenant first.

mod access;
mod alarms;
mod availability;
mod claims;
mod commands;
mod events;
mod files;
mod graph_jobs;
mod id_tokens;
mod instances;
mod jobs;
mod local_lists;
mod money;
mod ocpi;
mod records;
mod replay;
mod security;
mod stations;
mod swap;
mod transactions;
mod validation;

use std::sync::Arc;

use voltwin_core::{TenantId, Timestamp};

use crate::audit::Deed;
use crate::db::{Db, WriteTx};
use crate::row::{Fields, limit_plus_one, number_cursor, page};
use crate::{AuditRecord, Page, StoreError};

pub(crate) use access::key_record;
pub use availability::{ConnectorUse, Exclusion, StatusChange};
pub(crate) use events::event_log;
pub(crate) use files::file_record;
pub use graph_jobs::GraphJob;
pub use instances::InstanceRole;
pub use jobs::{Job, JobStation, JobStep};
pub(crate) use ocpi::party as ocpi_party;
pub(crate) use stations::station_credential;
pub use swap::{SwapBlock, SwapRun, SwapScenario};
pub use validation::{ValidationRule, ValidationScope, ViolationCount};

/// Deeds that one call of [`TenantStore::station_deeds`] answers at most.
pub const STATION_DEEDS_MAX: usize = 500;

/// A station that somebody added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationDeed {
    /// The number of the deed in the audit trail.
    pub id: i64,
    /// Added, or else removed.
    pub added: bool,
    /// Which.
    pub station: String,
    /// What people call it; empty when removed.
    pub name: String,
}

/// The data of one tenant: the only way to read or change it. Lists are cut to 500 items a page.
#[derive(Debug, Clone)]
pub struct TenantStore {
    pub(crate) db: Arc<Db>,
    pub(crate) tenant: TenantId,
}

impl TenantStore {
    /// Whose data it is.
    #[must_use]
    pub fn id(&self) -> &TenantId {
        &self.tenant
    }

    /// Who did what, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn audit(&self, cursor: Option<&str>, limit: usize) -> Result<Page<AuditRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM audit WHERE tenant = ? AND id < ? ORDER BY id DESC LIMIT ?")
            .bind(self.tenant.as_str())
            .bind(number_cursor(cursor, i64::MAX)?)
            .bind(limit_plus_one(limit))
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("read the audit trail"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(AuditRecord {
                id: fields.get("id")?,
                at: fields.time("at_us")?,
                by: fields.text("by")?,
                action: fields.text("action")?,
                subject: fields.text("subject")?,
                detail: fields.text("detail")?,
            })
        };
        let items = rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(page(items, limit, |item| item.id.to_string()))
    }

    /// Writes down a deed that changed nothing in the registry.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_deed(
        &self,
        by: &str,
        at: Timestamp,
        (action, subject, detail): (&str, &str, &str),
    ) -> Result<(), StoreError> {
        let tx = self.db.begin("write the audit trail").await?;
        self.commit_as(tx, (by, at), (action, subject, detail)).await
    }

    /// The number of the newest deed, zero when there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn newest_deed(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM audit WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_one(self.db.readers())
            .await
            .map_err(StoreError::database("read the audit trail"))
    }

    /// Stations that were added or removed after the deed `after` and up to the deed `until`, oldest first, at most
    /// [`STATION_DEEDS_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn station_deeds(&self, after: i64, until: i64) -> Result<Vec<StationDeed>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, action, subject, detail FROM audit WHERE tenant = ? AND id > ? AND id <= ?
             AND action IN ('station.add', 'station.remove') ORDER BY id LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(after)
        .bind(until)
        .bind(STATION_DEEDS_MAX as i64)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read the audit trail"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(StationDeed {
                id: fields.get("id")?,
                added: fields.text("action")? == "station.add",
                station: fields.text("subject")?,
                name: fields.text("detail")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Writes down a deed and commits it together with what was done.
    async fn commit_as(
        &self,
        mut tx: WriteTx<'_>,
        (by, at): (&str, Timestamp),
        (action, subject, detail): (&str, &str, &str),
    ) -> Result<(), StoreError> {
        let deed = Deed { tenant: &self.tenant, at, by, action, subject, detail };
        deed.write(tx.conn()).await?;
        tx.commit().await
    }

    /// Turns a broken reference to the tenants table into a clear error.
    fn unknown_tenant(&self, operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
        let id = self.tenant.to_string();
        move |error| match error.as_database_error() {
            Some(db) if db.is_foreign_key_violation() => {
                StoreError::NotFound { what: "tenant", id: id.clone() }
            }
            _ => StoreError::database(operation)(error),
        }
    }
}
