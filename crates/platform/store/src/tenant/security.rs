//! How stations must come, passwords in rotation, and issued certificates.

use sqlx::sqlite::SqliteRow;
use voltwin_core::Timestamp;
use voltwin_security::PasswordHash;

use super::TenantStore;
use crate::row::{Fields, bad, limit_plus_one, page};
use crate::{CertificateRecord, Page, StationSecurity, StoreError};

impl TenantStore {
    /// How a station must come; the default where nothing was said.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn station_security(&self, station: &str) -> Result<StationSecurity, StoreError> {
        let row = sqlx::query("SELECT * FROM station_security WHERE tenant = ? AND station = ?")
            .bind(self.tenant.as_str())
            .bind(station)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read how a station must come"))?;
        row.as_ref().map_or_else(|| Ok(StationSecurity::default()), station_security)
    }

    /// Says how a station must come, from 0 to 3.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the station is not known, [`StoreError::Invalid`] for another number.
    pub async fn set_station_profile(
        &self,
        station: &str,
        profile: u8,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if profile > 3 {
            return Err(StoreError::invalid("profile", &profile.to_string(), "0 to 3"));
        }
        let mut tx = self.db.begin("say how a station must come").await?;
        sqlx::query(
            "INSERT INTO station_security (tenant, station, profile) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET profile = excluded.profile",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(i64::from(profile))
        .execute(tx.conn())
        .await
        .map_err(unknown_station(station))?;
        self.commit_as(tx, (by, at), ("station.profile", station, &profile.to_string())).await
    }

    /// Lets the profile 2 or 3 take over once the station has come with it; `None` gives that up.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the station is not known, [`StoreError::Invalid`] for another number.
    pub async fn set_next_profile(
        &self,
        station: &str,
        profile: Option<u8>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(profile) = profile.filter(|profile| !(2..=3).contains(profile)) {
            return Err(StoreError::invalid("profile", &profile.to_string(), "2 or 3"));
        }
        let mut tx = self.db.begin("say how a station is to come").await?;
        sqlx::query(
            "INSERT INTO station_security (tenant, station, profile, next_profile) VALUES (?, ?, 1, ?)
             ON CONFLICT DO UPDATE SET next_profile = excluded.next_profile",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(profile.map(i64::from))
        .execute(tx.conn())
        .await
        .map_err(unknown_station(station))?;
        let detail = profile.map_or_else(|| "given up".to_owned(), |profile| profile.to_string());
        self.commit_as(tx, (by, at), ("station.profile.upgrade", station, &detail)).await
    }

    /// The station has come with the profile that waits: it is held to it from now on. Nothing happens when another
    /// one waits by now.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::DiskFull`].
    pub async fn take_next_profile(
        &self,
        station: &str,
        profile: u8,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("say how a station must come").await?;
        let taken = sqlx::query(
            "UPDATE station_security SET profile = max(profile, next_profile), next_profile = NULL
             WHERE tenant = ? AND station = ? AND next_profile = ?",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(i64::from(profile))
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("say how a station must come"))?;
        if taken.rows_affected() == 0 {
            return Ok(());
        }
        self.commit_as(tx, (station, at), ("station.profile", station, &profile.to_string())).await
    }

    /// Lets a second password count beside the first until [`TenantStore::take_next_password`]; `None` gives it up.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the station is not known.
    pub async fn set_next_password(
        &self,
        station: &str,
        password: Option<&PasswordHash>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("begin to change a station's password").await?;
        sqlx::query(
            "INSERT INTO station_security (tenant, station, profile, next_password_hash, next_since_us)
             VALUES (?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET
             next_password_hash = excluded.next_password_hash, next_since_us = excluded.next_since_us",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(password.map(PasswordHash::as_str))
        .bind(password.map(|_| at.as_micros()))
        .execute(tx.conn())
        .await
        .map_err(unknown_station(station))?;
        let action =
            if password.is_some() { "station.credentials.rotate" } else { "station.credentials.keep" };
        self.commit_as(tx, (by, at), (action, station, "")).await
    }

    /// The station has come with the second password `next`: it is the only one from now on. Nothing happens when
    /// another one waits by now.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::DiskFull`].
    pub async fn take_next_password(
        &self,
        station: &str,
        next: &PasswordHash,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("change a station's password").await?;
        let waiting = sqlx::query(
            "UPDATE station_security SET next_password_hash = NULL, next_since_us = NULL
             WHERE tenant = ? AND station = ? AND next_password_hash = ?",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(next.as_str())
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("change a station's password"))?;
        if waiting.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query("UPDATE stations SET password_hash = ? WHERE tenant = ? AND station = ?")
            .bind(next.as_str())
            .bind(self.tenant.as_str())
            .bind(station)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("change a station's password"))?;
        self.commit_as(tx, (station, at), ("station.credentials.rotated", station, "")).await
    }

    /// Remembers a certificate that was issued for a station.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant is not known, [`StoreError::Conflict`] when it is remembered already.
    pub async fn add_certificate(
        &self,
        certificate: &CertificateRecord,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("remember a certificate").await?;
        let done = sqlx::query(
            "INSERT INTO certificates (tenant, fingerprint, station, serial, not_after_us, issued_at_us, issued_by)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(self.tenant.as_str())
        .bind(&certificate.fingerprint)
        .bind(&certificate.station)
        .bind(&certificate.serial)
        .bind(certificate.not_after.as_micros())
        .bind(certificate.issued_at.as_micros())
        .bind(&certificate.issued_by)
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("remember a certificate"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "certificate", id: certificate.fingerprint.clone() });
        }
        let (by, station) = (certificate.issued_by.as_str(), certificate.station.as_str());
        self.commit_as(tx, (by, at), ("certificate.issue", station, &certificate.fingerprint)).await
    }

    /// Takes back the certificates whose serial number or fingerprint is `which`; tells how many.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn revoke_certificate(&self, which: &str, by: &str, at: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.db.begin("revoke a certificate").await?;
        let done = sqlx::query(
            "UPDATE certificates SET revoked_at_us = coalesce(revoked_at_us, ?1)
             WHERE tenant = ?2 AND (serial = ?3 OR fingerprint = ?3)",
        )
        .bind(at.as_micros())
        .bind(self.tenant.as_str())
        .bind(which)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("revoke a certificate"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "certificate", id: which.to_owned() });
        }
        self.commit_as(tx, (by, at), ("certificate.revoke", which, "")).await?;
        Ok(done.rows_affected())
    }

    /// What is remembered of a certificate.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn certificate(&self, fingerprint: &str) -> Result<Option<CertificateRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM certificates WHERE tenant = ? AND fingerprint = ?")
            .bind(self.tenant.as_str())
            .bind(fingerprint)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a certificate"))?;
        row.as_ref().map(certificate).transpose()
    }

    /// The newest certificate of each station that must come with one (security profile 3, or on its way there), where
    /// it ends before `before` and was not taken back; soonest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn certificates_ending(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.* FROM certificates c JOIN station_security s USING (tenant, station)
             WHERE (s.profile = 3 OR s.next_profile = 3) AND c.tenant = ?1 AND c.revoked_at_us IS NULL AND c.not_after_us < ?2 AND NOT EXISTS (
                 SELECT 1 FROM certificates later WHERE later.tenant = c.tenant AND later.station = c.station
                 AND later.revoked_at_us IS NULL
                 AND (later.not_after_us, later.fingerprint) > (c.not_after_us, c.fingerprint))
             ORDER BY c.not_after_us, c.fingerprint LIMIT ?3",
        )
        .bind(self.tenant.as_str())
        .bind(before.as_micros())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list certificates"))?;
        rows.iter().map(certificate).collect()
    }

    /// Certificates by fingerprint, of one station or of all.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn certificates(
        &self,
        station: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<CertificateRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM certificates WHERE tenant = ?1 AND (?2 IS NULL OR station = ?2) AND fingerprint > ?3
             ORDER BY fingerprint LIMIT ?4",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(cursor.unwrap_or_default())
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list certificates"))?;
        let items = rows.iter().map(certificate).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.fingerprint.clone()))
    }
}

/// Turns a broken reference to the stations table into a clear error.
fn unknown_station(station: &str) -> impl Fn(sqlx::Error) -> StoreError {
    let id = station.to_owned();
    move |error| match error.as_database_error() {
        Some(db) if db.is_foreign_key_violation() => StoreError::NotFound { what: "station", id: id.clone() },
        _ => StoreError::database("say how a station must come")(error),
    }
}

pub(crate) fn station_security(row: &SqliteRow) -> Result<StationSecurity, StoreError> {
    let fields = Fields(row);
    let profile: Option<i64> = fields.get("profile")?;
    let next: Option<String> = fields.get("next_password_hash")?;
    Ok(StationSecurity {
        profile: profile.and_then(|profile| u8::try_from(profile).ok()).unwrap_or(1),
        next_password_hash: next
            .map(|text| PasswordHash::from_phc(&text))
            .transpose()
            .map_err(bad("next_password_hash"))?,
        next_since: fields.get::<Option<i64>>("next_since_us")?.map(Timestamp::from_micros),
        next_profile: fields
            .get::<Option<i64>>("next_profile")?
            .and_then(|profile| u8::try_from(profile).ok()),
    })
}

fn certificate(row: &SqliteRow) -> Result<CertificateRecord, StoreError> {
    let fields = Fields(row);
    Ok(CertificateRecord {
        fingerprint: fields.text("fingerprint")?,
        station: fields.text("station")?,
        serial: fields.text("serial")?,
        not_after: fields.time("not_after_us")?,
        issued_at: fields.time("issued_at_us")?,
        issued_by: fields.text("issued_by")?,
        revoked_at: fields.get::<Option<i64>>("revoked_at_us")?.map(Timestamp::from_micros),
    })
}
