use std::path::Path;
use std::sync::Arc;

use voltwin_core::{Seq, TenantId, Timestamp};
use voltwin_security::TokenHash;

use crate::audit::Deed;
use crate::db::Db;
use crate::journal::signed;
use crate::row::{Fields, word};
use crate::snapshot::SnapshotInfo;
use crate::tenant::{event_log, key_record, ocpi_party, station_credential};
use crate::{
    EventLogSettings, Journal, KeyRecord, OcpiParty, SessionRecord, StationCredential, StoreError,
    TenantRecord, TenantStore, TokenPolicy, snapshot,
};

/// Transaction numbers are set aside this many at a time.
const NUMBER_BLOCK: i64 = 100;
/// The most tenants that may share a station name for [`Store::stations_named`].
const SAME_NAME_MAX: i64 = 8;

/// What can be chosen when a data folder is opened.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// The most bytes that the database file may take, 4 MiB or more; without it the disk is the limit. When it is
    /// reached, writes fail with [`StoreError::DiskFull`].
    pub database_bytes_max: Option<u64>,
    /// Goes on beside a process that holds the folder, for short registry work such as adding a key. Never for a
    /// process that commits to the journal.
    pub beside: bool,
}

/// One data folder, held exclusively. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Arc<Db>,
    numbers: Arc<tokio::sync::Mutex<std::ops::Range<i64>>>,
}

impl Store {
    /// Opens the data folder, and makes it when there is none: locks it, checks the database and brings its schema
    /// up to date.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Folder`], [`StoreError::Corrupt`], [`StoreError::NewerSchema`],
    /// [`StoreError::DiskFull`].
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, &StoreOptions::default()).await
    }

    /// [`Store::open`] with options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(dir: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let db = Db::open(dir, options).await?;
        Ok(Self { db: Arc::new(db), numbers: Arc::default() })
    }

    /// Changes the limit of [`StoreOptions::database_bytes_max`].
    pub async fn set_database_bytes_max(&self, bytes_max: Option<u64>) {
        self.db.set_bytes_max(bytes_max).await;
    }

    /// Closes the database and lets go of the folder; later calls on any clone fail.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// The data folder, for files that stand beside the database.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.db.dir
    }

    /// The data of one tenant. Whether it exists is not checked here; see [`Store::tenant_exists`].
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> TenantStore {
        TenantStore { db: Arc::clone(&self.db), tenant: tenant.clone() }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The journal of all tenants.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal { db: Arc::clone(&self.db) }
    }

    /// Adds a tenant.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists.
    pub async fn add_tenant(
        &self,
        tenant: &TenantId,
        unknown_tokens: TokenPolicy,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("add a tenant").await?;
        let done = sqlx::query(
            "INSERT INTO tenants (tenant, unknown_tokens, created_at_us, created_by) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(word(&unknown_tokens))
        .bind(at.as_micros())
        .bind(by)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("add a tenant"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "tenant", id: tenant.to_string() });
        }
        let deed = Deed { tenant, at, by, action: "tenant.add", subject: tenant.as_str(), detail: "" };
        deed.write(tx.conn()).await?;
        tx.commit().await
    }

    /// All tenants, by name, at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tenants(&self) -> Result<Vec<TenantRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM tenants ORDER BY tenant LIMIT 10000")
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("list tenants"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(TenantRecord {
                tenant: fields.tenant()?,
                unknown_tokens: fields.word("unknown_tokens")?,
                created_at: fields.time("created_at_us")?,
                created_by: fields.text("created_by")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The tenants that keep an event log, at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn event_logs(&self) -> Result<Vec<EventLogSettings>, StoreError> {
        let rows = sqlx::query("SELECT * FROM event_logs ORDER BY tenant LIMIT 10000")
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("list event logs"))?;
        rows.iter().map(event_log).collect()
    }

    /// Whether there is such a tenant.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tenant_exists(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM tenants WHERE tenant = ?)")
            .bind(tenant.as_str())
            .fetch_one(self.db.readers())
            .await
            .map_err(StoreError::database("look for a tenant"))
    }

    /// The API key with this public id, revoked or not, and whose it is.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn find_key(&self, public_id: &str) -> Result<Option<(TenantId, KeyRecord)>, StoreError> {
        let recall = &self.db.recall;
        recall.keys.get(&recall.writes, public_id.to_owned(), self.read_key(public_id)).await
    }

    async fn read_key(&self, public_id: &str) -> Result<Option<(TenantId, KeyRecord)>, StoreError> {
        let row = sqlx::query("SELECT * FROM api_keys WHERE public_id = ?")
            .bind(public_id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a key"))?;
        row.as_ref().map(|row| Ok((Fields(row).tenant()?, key_record(row)?))).transpose()
    }

    /// The partner who presents this token, and whose partner it is.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn find_ocpi_party(
        &self,
        token: &TokenHash,
    ) -> Result<Option<(TenantId, OcpiParty)>, StoreError> {
        let row = sqlx::query("SELECT * FROM ocpi_parties WHERE token_in = ?")
            .bind(token.as_bytes().as_slice())
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a partner"))?;
        row.as_ref().map(|row| Ok((Fields(row).tenant()?, ocpi_party(row)?))).transpose()
    }

    /// The session with this token, expired or not.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn find_session(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM sessions WHERE hash = ?")
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a session"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(SessionRecord {
                tenant: fields.tenant()?,
                user: fields.text("user")?,
                role: fields.word("role")?,
                expires_at: fields.time("expires_at_us")?,
            })
        };
        row.as_ref().map(read).transpose()
    }

    /// The stations of this name in all tenants, at most 8, for a socket whose path names no tenant.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn stations_named(
        &self,
        station: &str,
    ) -> Result<Vec<(TenantId, StationCredential)>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.tenant, s.station, s.password_hash, y.profile, y.next_password_hash, y.next_since_us,
                    y.next_profile
             FROM stations s LEFT JOIN station_security y ON y.tenant = s.tenant AND y.station = s.station
             WHERE s.station = ? ORDER BY s.tenant LIMIT ?",
        )
        .bind(station)
        .bind(SAME_NAME_MAX)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("look for a station"))?;
        rows.iter().map(|row| Ok((Fields(row).tenant()?, station_credential(row)?))).collect()
    }

    /// Remembers how far a reader of the journal has come.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn save_cursor(&self, name: &str, seq: Seq) -> Result<(), StoreError> {
        let mut tx = self.db.begin("save a cursor").await?;
        sqlx::query(
            "INSERT INTO cursors (name, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
        )
        .bind(name)
        .bind(signed(seq))
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("save a cursor"))?;
        tx.commit().await
    }

    /// How far a reader of the journal has come; `None` when it has never said.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn cursor(&self, name: &str) -> Result<Option<Seq>, StoreError> {
        let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM cursors WHERE name = ?")
            .bind(name)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a cursor"))?;
        Ok(seq.map(|seq| Seq(seq.unsigned_abs())))
    }

    /// Writes the state of the graph, whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Folder`].
    pub async fn save_snapshot(&self, info: SnapshotInfo, bytes: Vec<u8>) -> Result<(), StoreError> {
        let dir = self.db.dir.clone();
        blocking(&self.db.dir, move || snapshot::save(&dir, info, &bytes)).await
    }

    /// The snapshots that there are, newest first.
    ///
    /// # Errors
    /// [`StoreError::Folder`].
    pub async fn snapshots(&self) -> Result<Vec<SnapshotInfo>, StoreError> {
        let dir = self.db.dir.clone();
        blocking(&self.db.dir, move || snapshot::infos(&dir)).await
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// [`StoreError::Folder`].
    pub async fn remove_snapshot(&self, seq: Seq) -> Result<(), StoreError> {
        let dir = self.db.dir.clone();
        blocking(&self.db.dir, move || snapshot::remove(&dir, seq)).await
    }

    /// One snapshot; `None` where it is gone or damaged.
    ///
    /// # Errors
    /// [`StoreError::Folder`] when the work is given up.
    pub async fn load_snapshot(&self, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        let dir = self.db.dir.clone();
        blocking(&self.db.dir, move || Ok(snapshot::load(&dir, seq))).await
    }

    /// Makes `number` the next one, for a replay that must give the numbers that were given then. Never for a data
    /// folder that is in use.
    pub async fn continue_transaction_numbers(&self, number: i64) {
        *self.numbers.lock().await = number..number.saturating_add(1);
    }

    /// A number for an OCPP 1.6 transaction: from 1, never given twice, also not after a crash. After a restart up
    /// to 99 numbers are skipped.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn next_transaction_number(&self) -> Result<i64, StoreError> {
        let mut numbers = self.numbers.lock().await;
        if numbers.is_empty() {
            let mut tx = self.db.begin("set transaction numbers aside").await?;
            let end: i64 = sqlx::query_scalar(
                "INSERT INTO counters (name, next) VALUES ('transaction', 1 + ?1)
                 ON CONFLICT DO UPDATE SET next = next + ?1 RETURNING next",
            )
            .bind(NUMBER_BLOCK)
            .fetch_one(tx.conn())
            .await
            .map_err(StoreError::database("set transaction numbers aside"))?;
            tx.commit().await?;
            *numbers = end - NUMBER_BLOCK..end;
        }
        let number = numbers.start;
        numbers.start += 1;
        Ok(number)
    }
}

async fn blocking<T: Send + 'static>(
    dir: &Path,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::folder("work in", dir)(std::io::Error::other(error))))
}
