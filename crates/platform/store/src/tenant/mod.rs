//! What belongs to one tenant. Every query here names the tenant first.

mod access;
mod alarms;
mod availability;
mod claims;
mod commands;
mod files;
mod id_tokens;
mod jobs;
mod local_lists;
mod money;
mod ocpi;
mod records;
mod replay;
mod security;
mod stations;
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
pub(crate) use files::file_record;
pub use jobs::{Job, JobStation, JobStep};
pub(crate) use ocpi::party as ocpi_party;
pub(crate) use stations::station_credential;
pub use validation::{ValidationRule, ValidationScope, ViolationCount};

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
