//! What the local authorisation lists of stations hold, as far as they have confirmed it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::TenantStore;
use crate::StoreError;
use crate::row::{Fields, bad};

/// Entries of one station that are kept.
const ENTRIES_MAX: i64 = 100_000;

impl TenantStore {
    /// The entries of a station's list, by token.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn local_list(&self, station: &str) -> Result<BTreeMap<String, Json>, StoreError> {
        let rows = sqlx::query(
            "SELECT token, entry FROM local_list_entries WHERE tenant = ? AND station = ? LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(ENTRIES_MAX)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read a local list"))?;
        let read = |row| Ok((Fields(row).text("token")?, Fields(row).json("entry")?));
        rows.iter().map(read).collect()
    }

    /// Takes down what a station has taken: entries to put, and tokens to forget (`None`). `anew`: these are all.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist, [`StoreError::Database`].
    pub async fn local_list_taken(
        &self,
        station: &str,
        entries: &[(String, Option<Json>)],
        anew: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write a local list").await?;
        let fail = StoreError::database("write a local list");
        if anew {
            sqlx::query("DELETE FROM local_list_entries WHERE tenant = ? AND station = ?")
                .bind(self.tenant.as_str())
                .bind(station)
                .execute(tx.conn())
                .await
                .map_err(&fail)?;
        }
        let gone: Vec<&str> =
            entries.iter().filter(|(_, entry)| entry.is_none()).map(|(token, _)| token.as_str()).collect();
        if !gone.is_empty() {
            sqlx::query(
                "DELETE FROM local_list_entries WHERE tenant = ? AND station = ?
                 AND token IN (SELECT value FROM json_each(?))",
            )
            .bind(self.tenant.as_str())
            .bind(station)
            .bind(json!(gone).to_string())
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        }
        let mut rows = Vec::new();
        for (token, entry) in entries {
            if let Some(entry) = entry {
                rows.push(json!([token, serde_json::to_string(entry).map_err(bad("entry"))?]));
            }
        }
        sqlx::query(
            "INSERT INTO local_list_entries (tenant, station, token, entry)
             SELECT ?, ?, value ->> 0, value ->> 1 FROM json_each(?) WHERE TRUE
             ON CONFLICT DO UPDATE SET entry = excluded.entry",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(Json::from(rows).to_string())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("write a local list"))?;
        tx.commit().await
    }
}
