//! The audit trail: who did what. Rows are only ever added, in the transaction of the deed.

use sqlx::SqliteConnection;
use voltwin_core::{TenantId, Timestamp};

use crate::StoreError;

/// One deed to be written down.
pub(crate) struct Deed<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) at: Timestamp,
    pub(crate) by: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) detail: &'a str,
}

impl Deed<'_> {
    pub(crate) async fn write(&self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit (tenant, id, at_us, by, action, subject, detail)
             VALUES (?1, 1 + coalesce((SELECT max(id) FROM audit WHERE tenant = ?1), 0), ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(self.tenant.as_str())
        .bind(self.at.as_micros())
        .bind(self.by)
        .bind(self.action)
        .bind(self.subject)
        .bind(self.detail)
        .execute(conn)
        .await
        .map_err(StoreError::database("write the audit trail"))?;
        Ok(())
    }
}
