use sqlx::sqlite::SqliteRow;
use voltwin_core::Timestamp;
use voltwin_security::PasswordHash;

use super::TenantStore;
use crate::audit::Deed;
use crate::db::WriteTx;
use crate::row::{Fields, limit_plus_one, page};
use crate::{Page, StationCredential, StationRecord, StoreError};

impl TenantStore {
    /// The known stations by id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn stations(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<StationRecord>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM stations WHERE tenant = ? AND station > ? ORDER BY station LIMIT ?")
                .bind(self.tenant.as_str())
                .bind(cursor.unwrap_or_default())
                .bind(limit_plus_one(limit))
                .fetch_all(self.db.readers())
                .await
                .map_err(StoreError::database("list stations"))?;
        let items = rows.iter().map(station_record).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.station.clone()))
    }

    /// One station.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn station(&self, station: &str) -> Result<Option<StationRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM stations WHERE tenant = ? AND station = ?")
            .bind(self.tenant.as_str())
            .bind(station)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a station"))?;
        row.as_ref().map(station_record).transpose()
    }

    /// Adds a station; without a password it can only connect where none is asked for.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists, [`StoreError::NotFound`] when the tenant does not,
    /// [`StoreError::Invalid`] for a name of none or more than 200 characters.
    pub async fn add_station(
        &self,
        station: &str,
        name: &str,
        password: Option<&PasswordHash>,
        by: &str,
        at: Timestamp,
    ) -> Result<StationRecord, StoreError> {
        let mut tx = self.db.begin("add a station").await?;
        self.insert_station(&mut tx, (station, name, password), (by, at)).await?;
        tx.commit().await?;
        Ok(StationRecord {
            station: station.to_owned(),
            name: name.to_owned(),
            password_hash: password.cloned(),
            has_password: password.is_some(),
            created_at: at,
            created_by: by.to_owned(),
        })
    }

    /// Adds many stations (identity, name, password), all or none of them.
    ///
    /// # Errors
    /// Those of [`TenantStore::add_station`], for the first station that cannot be added.
    pub async fn add_stations(
        &self,
        stations: &[(String, String, Option<PasswordHash>)],
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("add stations").await?;
        for (station, name, password) in stations {
            self.insert_station(&mut tx, (station, name, password.as_ref()), (by, at)).await?;
        }
        tx.commit().await
    }

    async fn insert_station(
        &self,
        tx: &mut WriteTx<'_>,
        (station, name, password): (&str, &str, Option<&PasswordHash>),
        (by, at): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        check_text("station", station)?;
        check_text("name", name)?;
        let done = sqlx::query(
            "INSERT INTO stations (tenant, station, name, password_hash, created_at_us, created_by)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(name)
        .bind(password.map(PasswordHash::as_str))
        .bind(at.as_micros())
        .bind(by)
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("add a station"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "station", id: station.to_owned() });
        }
        let (tenant, action, subject, detail) = (&self.tenant, "station.add", station, name);
        Deed { tenant, at, by, action, subject, detail }.write(tx.conn()).await
    }

    /// Gives a station a new password, or takes it away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_station_password_hash(
        &self,
        station: &str,
        password: Option<&PasswordHash>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("set a station's password").await?;
        let done = sqlx::query("UPDATE stations SET password_hash = ? WHERE tenant = ? AND station = ?")
            .bind(password.map(PasswordHash::as_str))
            .bind(self.tenant.as_str())
            .bind(station)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("set a station's password"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "station", id: station.to_owned() });
        }
        self.commit_as(tx, (by, at), ("station.credentials.set", station, "")).await
    }

    /// Forgets a station; its transactions, commands and alarms stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_station(&self, station: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("remove a station").await?;
        let done = sqlx::query("DELETE FROM stations WHERE tenant = ? AND station = ?")
            .bind(self.tenant.as_str())
            .bind(station)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("remove a station"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "station", id: station.to_owned() });
        }
        self.commit_as(tx, (by, at), ("station.remove", station, "")).await
    }
}

/// 1 to 200 characters.
pub(crate) fn check_text(field: &'static str, text: &str) -> Result<(), StoreError> {
    if (1..=200).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(StoreError::invalid(field, text, "1 to 200 characters"))
    }
}

pub(crate) fn station_credential(row: &SqliteRow) -> Result<StationCredential, StoreError> {
    Ok(StationCredential {
        station: Fields(row).text("station")?,
        password_hash: Fields(row).password_hash()?,
        security: super::security::station_security(row)?,
    })
}

fn station_record(row: &SqliteRow) -> Result<StationRecord, StoreError> {
    let fields = Fields(row);
    let password_hash = fields.password_hash()?;
    Ok(StationRecord {
        station: fields.text("station")?,
        name: fields.text("name")?,
        has_password: password_hash.is_some(),
        password_hash,
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
    })
}
