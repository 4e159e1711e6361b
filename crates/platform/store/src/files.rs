//! The bytes of files: written beside the database, whole or not at all.
//!
//! `files/{tenant}/{id}`, where the id is ours: no name that anybody gave ever reaches the file system. A file is
//! written under `{id}.part`, synced, and renamed before the registry calls it stored; what a crash left half-way is
//! swept at the next start.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;
use voltwin_core::{TenantId, Timestamp};
use voltwin_security::TokenHash;

use crate::row::Fields;
use crate::tenant::file_record;
use crate::{Store, StoreError, TenantStore};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// What a station tells of itself: diagnostics, a security log.
    Log,
    /// A firmware image that stations fetch.
    Firmware,
}

/// Whether its bytes are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It is to come.
    Expected,
    /// It is here, in full.
    Stored,
}

/// What a token lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilePurpose {
    /// Send the file, once.
    Send,
    /// Fetch the file.
    Fetch,
}

/// A file that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its id: a version 7 UUID, so that later ones are greater.
    pub id: String,
    /// What it is.
    pub kind: FileKind,
    /// The station that it is of.
    pub station: Option<String>,
    /// What people see it called.
    pub name: String,
    /// The request that it answers.
    pub request_id: Option<i64>,
}

/// A file as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: FileKind,
    /// Whether its bytes are here.
    pub state: FileState,
    /// The station that it is of.
    pub station: Option<String>,
    /// What people see it called.
    pub name: String,
    /// The request that it answers.
    pub request_id: Option<i64>,
    /// Its size; 0 while it is to come.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// When it was asked for or sent.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was here in full.
    pub stored_at: Option<Timestamp>,
}

/// Which files to list.
#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    /// Of this station.
    pub station: Option<String>,
    /// Of this kind.
    pub kind: Option<FileKind>,
}

/// What the holder of a token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrant {
    /// Whose file it is.
    pub tenant: TenantId,
    /// The file.
    pub file: FileRecord,
    /// Send or fetch.
    pub purpose: FilePurpose,
}

impl Store {
    /// What the holder of this token may do at `now`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn file_grant(
        &self,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<FileGrant>, StoreError> {
        let row = sqlx::query(
            "SELECT files.*, file_tokens.purpose FROM file_tokens
             JOIN files ON files.tenant = file_tokens.tenant AND files.id = file_tokens.file
             WHERE file_tokens.hash = ? AND file_tokens.expires_at_us > ?",
        )
        .bind(token.as_bytes().as_slice())
        .bind(now.as_micros())
        .fetch_optional(self.db().readers())
        .await
        .map_err(StoreError::database("look for a file"))?;
        let Some(row) = row else { return Ok(None) };
        let fields = Fields(&row);
        Ok(Some(FileGrant {
            tenant: fields.tenant()?,
            file: file_record(&row)?,
            purpose: fields.word("purpose")?,
        }))
    }
}

impl TenantStore {
    fn folder(&self) -> PathBuf {
        self.db.dir.join("files").join(self.tenant.as_str())
    }

    fn path(&self, id: &str) -> Result<PathBuf, StoreError> {
        let ours = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if ours {
            Ok(self.folder().join(id))
        } else {
            Err(StoreError::invalid("file", id, "the id of a file"))
        }
    }

    /// Begins to write the bytes of an expected file, of which there may be `bytes_max`.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::DiskFull`].
    pub async fn write_file(&self, id: &str, bytes_max: u64) -> Result<FileWriter, StoreError> {
        let path = self.path(id)?;
        let folder = self.folder();
        fs::create_dir_all(&folder).await.map_err(StoreError::folder("create", &folder))?;
        let part = path.with_extension("part");
        let file = File::create(&part).await.map_err(StoreError::folder("create", &part))?;
        Ok(FileWriter { file, part: Some(part), path, folder, hash: Sha256::new(), bytes: 0, bytes_max })
    }

    /// Opens the bytes of a stored file.
    ///
    /// # Errors
    /// [`StoreError::Folder`] when they are not there.
    pub async fn open_file(&self, id: &str) -> Result<File, StoreError> {
        let path = self.path(id)?;
        File::open(&path).await.map_err(StoreError::folder("open", &path))
    }

    pub(crate) async fn unlink_file(&self, id: &str) -> Result<(), StoreError> {
        let path = self.path(id)?;
        match fs::remove_file(&path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::folder("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes what a crash left: half-written bytes, and bytes that the registry does not know. To be called before
    /// anybody writes.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Database`].
    pub async fn sweep_files(&self) -> Result<(), StoreError> {
        let folder = self.folder();
        let Ok(mut entries) = fs::read_dir(&folder).await else { return Ok(()) };
        while let Some(entry) = entries.next_entry().await.map_err(StoreError::folder("read", &folder))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let known = self.file(&name).await?.is_some_and(|file| file.state == FileState::Stored);
            if !known {
                let path = entry.path();
                fs::remove_file(&path).await.map_err(StoreError::folder("remove", &path))?;
                tracing::info!(path = %path.display(), "removed a file that was never complete");
            }
        }
        Ok(())
    }
}

/// The bytes of a file on their way to the disk. Dropped before [`FileWriter::finish`], it leaves nothing.
#[derive(Debug)]
pub struct FileWriter {
    file: File,
    part: Option<PathBuf>,
    path: PathBuf,
    folder: PathBuf,
    hash: Sha256,
    bytes: u64,
    bytes_max: u64,
}

impl FileWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when there are too many, [`StoreError::DiskFull`], [`StoreError::Folder`].
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), StoreError> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(StoreError::Limit { what: "bytes of one file", limit: self.bytes_max });
        }
        self.hash.update(chunk);
        self.file.write_all(chunk).await.map_err(StoreError::folder("write", &self.path))
    }

    /// Makes the bytes durable under their name; their number and SHA-256.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Folder`].
    pub async fn finish(mut self) -> Result<(u64, String), StoreError> {
        self.file.flush().await.map_err(StoreError::folder("write", &self.path))?;
        self.file.sync_all().await.map_err(StoreError::folder("sync", &self.path))?;
        if let Some(part) = &self.part {
            fs::rename(part, &self.path).await.map_err(StoreError::folder("rename", part))?;
        }
        self.part = None;
        let folder = File::open(&self.folder).await.map_err(StoreError::folder("open", &self.folder))?;
        folder.sync_all().await.map_err(StoreError::folder("sync", &self.folder))?;
        let digest = std::mem::take(&mut self.hash).finalize();
        Ok((self.bytes, digest.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if let Some(part) = self.part.take() {
            let _ = std::fs::remove_file(part);
        }
    }
}
