use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use voltwin_core::Timestamp;
use voltwin_security::TokenHash;

use super::TenantStore;
use crate::row::{Fields, limit_plus_one, page, word};
use crate::{FileFilter, FilePurpose, FileRecord, FileState, NewFile, Page, StoreError};

/// Seconds after which a file that never came is forgotten.
const EXPECTED_S: f64 = 7.0 * 86_400.0;
/// Files that one tenant may have or expect.
const FILES_MAX: i64 = 10_000;

impl TenantStore {
    /// Notes that a file is to come, and forgets those that never came.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the tenant has too many files, [`StoreError::NotFound`] when there is no such
    /// tenant.
    pub async fn expect_file(
        &self,
        file: &NewFile,
        by: &str,
        at: Timestamp,
    ) -> Result<FileRecord, StoreError> {
        let fail = StoreError::database("expect a file");
        let mut tx = self.db.begin("expect a file").await?;
        sqlx::query("DELETE FROM file_tokens WHERE tenant = ? AND expires_at_us <= ?")
            .bind(self.tenant.as_str())
            .bind(at.as_micros())
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        sqlx::query("DELETE FROM files WHERE tenant = ? AND state = ? AND created_at_us < ?")
            .bind(self.tenant.as_str())
            .bind(word(&FileState::Expected))
            .bind(at.plus_seconds(-EXPECTED_S).as_micros())
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM files WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_one(&mut *tx.conn())
            .await
            .map_err(&fail)?;
        if count >= FILES_MAX {
            return Err(StoreError::Limit { what: "files of this tenant", limit: FILES_MAX.unsigned_abs() });
        }
        sqlx::query(
            "INSERT INTO files (tenant, id, kind, state, station, name, request_id, bytes, created_at_us, created_by)
             VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
        )
        .bind(self.tenant.as_str())
        .bind(&file.id)
        .bind(word(&file.kind))
        .bind(word(&FileState::Expected))
        .bind(&file.station)
        .bind(&file.name)
        .bind(file.request_id)
        .bind(at.as_micros())
        .bind(by)
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("expect a file"))?;
        tx.commit().await?;
        self.file(&file.id).await?.ok_or_else(|| missing(&file.id))
    }

    /// Lets whoever holds the token send or fetch a file until `expires_at`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn grant_file(
        &self,
        id: &str,
        purpose: FilePurpose,
        token: &TokenHash,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("grant a file").await?;
        sqlx::query(
            "INSERT INTO file_tokens (hash, tenant, file, purpose, expires_at_us) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(token.as_bytes().as_slice())
        .bind(self.tenant.as_str())
        .bind(id)
        .bind(word(&purpose))
        .bind(expires_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("grant a file"))?;
        tx.commit().await
    }

    /// Notes that a file has come in full; the tokens to send it are worth nothing any more.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the files of the tenant would take more than `bytes_max`,
    /// [`StoreError::NotFound`] when it is not expected (any more).
    pub async fn file_stored(
        &self,
        id: &str,
        name: Option<&str>,
        (bytes, sha256): (u64, &str),
        bytes_max: u64,
        at: Timestamp,
    ) -> Result<FileRecord, StoreError> {
        let fail = StoreError::database("store a file");
        let mut tx = self.db.begin("store a file").await?;
        let used: i64 = sqlx::query_scalar("SELECT coalesce(sum(bytes), 0) FROM files WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_one(&mut *tx.conn())
            .await
            .map_err(&fail)?;
        if used.unsigned_abs().saturating_add(bytes) > bytes_max {
            return Err(StoreError::Limit { what: "bytes of files of this tenant", limit: bytes_max });
        }
        let done = sqlx::query(
            "UPDATE files SET state = ?, name = coalesce(?, name), bytes = ?, sha256 = ?, stored_at_us = ?
             WHERE tenant = ? AND id = ? AND state = ?",
        )
        .bind(word(&FileState::Stored))
        .bind(name)
        .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
        .bind(sha256)
        .bind(at.as_micros())
        .bind(self.tenant.as_str())
        .bind(id)
        .bind(word(&FileState::Expected))
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        if done.rows_affected() == 0 {
            return Err(missing(id));
        }
        sqlx::query("DELETE FROM file_tokens WHERE tenant = ? AND file = ? AND purpose = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .bind(word(&FilePurpose::Send))
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        tx.commit().await?;
        self.file(id).await?.ok_or_else(|| missing(id))
    }

    /// Files, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn files(
        &self,
        filter: &FileFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<FileRecord>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM files WHERE tenant = ");
        query.push_bind(self.tenant.as_str());
        if let Some(station) = &filter.station {
            query.push(" AND station = ").push_bind(station);
        }
        if let Some(kind) = filter.kind {
            query.push(" AND kind = ").push_bind(word(&kind));
        }
        if let Some(cursor) = cursor {
            query.push(" AND id < ").push_bind(cursor);
        }
        // ids begin with their time
        query.push(" ORDER BY id DESC LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list files"))?;
        let items = rows.iter().map(file_record).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.clone()))
    }

    /// One file.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn file(&self, id: &str) -> Result<Option<FileRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM files WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a file"))?;
        row.as_ref().map(file_record).transpose()
    }

    /// Bytes that the files of the tenant take.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn file_bytes(&self) -> Result<u64, StoreError> {
        let used: i64 = sqlx::query_scalar("SELECT coalesce(sum(bytes), 0) FROM files WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_one(self.db.readers())
            .await
            .map_err(StoreError::database("measure files"))?;
        Ok(used.unsigned_abs())
    }

    /// Removes a file and its tokens; its bytes go with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_file(&self, id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let fail = StoreError::database("remove a file");
        let mut tx = self.db.begin("remove a file").await?;
        let done = sqlx::query("DELETE FROM files WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        if done.rows_affected() == 0 {
            return Err(missing(id));
        }
        sqlx::query("DELETE FROM file_tokens WHERE tenant = ? AND file = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        self.commit_as(tx, (by, at), ("file.remove", id, "")).await?;
        self.unlink_file(id).await
    }
}

fn missing(id: &str) -> StoreError {
    StoreError::NotFound { what: "file", id: id.chars().take(80).collect() }
}

pub(crate) fn file_record(row: &SqliteRow) -> Result<FileRecord, StoreError> {
    let fields = Fields(row);
    Ok(FileRecord {
        id: fields.text("id")?,
        kind: fields.word("kind")?,
        state: fields.word("state")?,
        station: fields.get("station")?,
        name: fields.text("name")?,
        request_id: fields.get("request_id")?,
        bytes: fields.get::<i64>("bytes")?.unsigned_abs(),
        sha256: fields.get("sha256")?,
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
        stored_at: fields.time_opt("stored_at_us")?,
    })
}
