use sqlx::sqlite::SqliteRow;
use voltwin_core::Timestamp;
use voltwin_security::PasswordHash;

use super::TenantStore;
use super::stations::check_text;
use crate::row::{Fields, limit_plus_one, number_cursor, page};
use crate::{Claim, Page, StoreError};

/// Claims of one tenant; the one not seen for longest gives way to a new one.
const CLAIMS_MAX: i64 = 1000;

impl TenantStore {
    /// Writes down that an unknown station knocked; the same station again counts as another attempt. A tenant has
    /// at most 1,000 claims: the one not seen for longest gives way, and a station that is real knocks again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist, [`StoreError::Invalid`] for a station of none or
    /// more than 200 characters.
    pub async fn record_claim(
        &self,
        station: &str,
        address: &str,
        protocol: &str,
        password: Option<&PasswordHash>,
        at: Timestamp,
    ) -> Result<Claim, StoreError> {
        check_text("station", station)?;
        let mut tx = self.db.begin("record a claim").await?;
        let row = sqlx::query(
            "INSERT INTO claims (tenant, id, station, address, protocol, password_hash, first_seen_us,
                 last_seen_us, attempts)
             VALUES (?1, 1 + coalesce((SELECT max(id) FROM claims WHERE tenant = ?1), 0), ?2, ?3, ?4, ?5, ?6, ?6, 1)
             ON CONFLICT (tenant, station) DO UPDATE SET address = excluded.address,
                 protocol = excluded.protocol, password_hash = excluded.password_hash,
                 last_seen_us = excluded.last_seen_us, attempts = attempts + 1
             RETURNING *",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(address)
        .bind(protocol)
        .bind(password.map(PasswordHash::as_str))
        .bind(at.as_micros())
        .fetch_one(tx.conn())
        .await
        .map_err(self.unknown_tenant("record a claim"))?;
        let recorded = claim(&row)?;
        sqlx::query(
            "DELETE FROM claims WHERE tenant = ?1 AND id IN (
                 SELECT id FROM claims WHERE tenant = ?1 AND id <> ?2
                 ORDER BY last_seen_us DESC, id DESC LIMIT -1 OFFSET ?3)",
        )
        .bind(self.tenant.as_str())
        .bind(recorded.id)
        .bind(CLAIMS_MAX - 1)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("record a claim"))?;
        tx.commit().await?;
        Ok(recorded)
    }

    /// The claims, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn claims(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Claim>, StoreError> {
        let rows = sqlx::query("SELECT * FROM claims WHERE tenant = ? AND id < ? ORDER BY id DESC LIMIT ?")
            .bind(self.tenant.as_str())
            .bind(number_cursor(cursor, i64::MAX)?)
            .bind(limit_plus_one(limit))
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("list claims"))?;
        let items = rows.iter().map(claim).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.to_string()))
    }

    /// One claim, with the hash of the password that the station brought.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn claim(&self, id: i64) -> Result<Option<Claim>, StoreError> {
        let row = sqlx::query("SELECT * FROM claims WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a claim"))?;
        row.as_ref().map(claim).transpose()
    }

    /// Forgets a claim, accepted or refused.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_claim(&self, id: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin("remove a claim").await?;
        let done = sqlx::query("DELETE FROM claims WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("remove a claim"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "claim", id: id.to_string() });
        }
        tx.commit().await
    }
}

fn claim(row: &SqliteRow) -> Result<Claim, StoreError> {
    let fields = Fields(row);
    let password_hash = fields.password_hash()?;
    Ok(Claim {
        id: fields.get("id")?,
        station: fields.text("station")?,
        address: fields.text("address")?,
        protocol: fields.text("protocol")?,
        first_seen: fields.time("first_seen_us")?,
        last_seen: fields.time("last_seen_us")?,
        attempts: fields.get("attempts")?,
        has_password: password_hash.is_some(),
        password_hash,
    })
}
