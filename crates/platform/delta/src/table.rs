use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::DeltaError;
use crate::checkpoint;
use crate::log::{self, Action, Add, MetaData, Remove, Txn};

/// Files that were taken out stay this long for readers who are at work, in milliseconds.
const LINGER_MS: i64 = 3_600_000;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An instant in UTC, in microseconds.
    Instant,
}

impl Kind {
    fn delta(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Instant => "timestamp",
        }
    }

    fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// One table, open for writing.
#[derive(Debug)]
pub struct Table {
    folder: PathBuf,
    schema: SchemaRef,
    /// The number of the next commit.
    next: u64,
    files: BTreeMap<String, Add>,
    removed: BTreeMap<String, Remove>,
    versions: HashMap<String, Txn>,
    meta: Option<MetaData>,
}

impl Table {
    /// Opens a table and makes it when there is none. `now_ms` is the time, in milliseconds since the epoch.
    ///
    /// # Errors
    /// [`DeltaError::File`]; [`DeltaError::Foreign`] when there is a table with other columns.
    pub fn open(folder: &Path, name: &str, columns: &[Column], now_ms: i64) -> Result<Self, DeltaError> {
        let logs = folder.join("_delta_log");
        fs::create_dir_all(&logs).map_err(DeltaError::file("create", &logs))?;
        let fields =
            columns.iter().map(|column| Field::new(column.name, column.kind.arrow(), column.nullable));
        let mut table = Self {
            folder: folder.to_owned(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            next: 0,
            files: BTreeMap::new(),
            removed: BTreeMap::new(),
            versions: HashMap::new(),
            meta: None,
        };
        let wanted = schema_string(columns);
        if let Some((version, actions)) = checkpoint::newest(&logs) {
            for action in actions {
                table.take(action, &wanted)?;
            }
            table.next = version + 1;
        }
        while let Some(actions) = log::read(&logs, table.next)? {
            for action in actions {
                table.take(action, &wanted)?;
            }
            table.next += 1;
        }
        if table.next == 0 && checkpoint::is_begun(&logs)? {
            // a new table here would take the rows of the old one for what a crash left
            let reason = "its first commits are gone, and its newest checkpoint cannot be read".to_owned();
            return Err(DeltaError::Foreign { path: table.folder, reason });
        }
        if table.next == 0 {
            let meta = MetaData {
                id: Uuid::now_v7().to_string(),
                name: name.to_owned(),
                format: json!({"provider": "parquet", "options": {}}),
                schema_string: wanted,
                partition_columns: Vec::new(),
                configuration: BTreeMap::new(),
                created_time: now_ms,
            };
            let created = log::commit_info("CREATE TABLE", now_ms);
            table.commit(vec![created, log::protocol(), Action::MetaData(meta)])?;
        }
        table.sweep(&logs)?;
        Ok(table)
    }

    /// The columns as Arrow has them.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.values().map(Add::rows).sum()
    }

    /// How many bytes the files of the newest version have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }

    /// How far an application has come; `None` before its first append.
    #[must_use]
    pub fn version_of(&self, application: &str) -> Option<i64> {
        self.versions.get(application).map(|txn| txn.version)
    }

    /// Adds rows as one file in one commit, when the application's version is above its last; says whether it was.
    ///
    /// # Errors
    /// [`DeltaError::Parquet`] for rows of other columns, [`DeltaError::File`], [`DeltaError::Taken`].
    pub fn append(
        &mut self,
        batch: &RecordBatch,
        (application, version): (&str, i64),
        now_ms: i64,
    ) -> Result<bool, DeltaError> {
        if self.version_of(application).is_some_and(|last| version <= last) {
            return Ok(false);
        }
        let name = format!("part-{}.zstd.parquet", Uuid::now_v7());
        let path = self.folder.join(&name);
        let size = self.write(&path, batch).inspect_err(|_| {
            // what is left of it is worth nothing and may be what fills the disk
            let _ = fs::remove_file(&path);
        })?;
        let add = Add {
            path: name,
            partition_values: BTreeMap::new(),
            size,
            modification_time: now_ms,
            data_change: true,
            stats: json!({"numRecords": batch.num_rows()}).to_string(),
        };
        let txn = Txn { app_id: application.to_owned(), version, last_updated: now_ms };
        self.commit(vec![log::commit_info("WRITE", now_ms), Action::Txn(txn), Action::Add(add)])?;
        Ok(true)
    }

    fn write(&self, path: &Path, batch: &RecordBatch) -> Result<u64, DeltaError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by(concat!("voltwin ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = File::create_new(path).map_err(DeltaError::file("create", path))?;
        let mut writer = ArrowWriter::try_new(file, self.schema.clone(), Some(properties))?;
        writer.write(batch)?;
        let file = writer.into_inner()?;
        file.sync_all().map_err(DeltaError::file("write", path))?;
        Ok(file.metadata().map_err(DeltaError::file("read", path))?.len())
    }

    /// Takes files out that were written before `before_ms`, and the oldest ones above `bytes_max`; they are deleted an
    /// hour after. Answers how many were taken out.
    ///
    /// # Errors
    /// [`DeltaError::File`], [`DeltaError::Taken`].
    pub fn expire(&mut self, before_ms: i64, bytes_max: u64, now_ms: i64) -> Result<usize, DeltaError> {
        let mut left = self.bytes();
        let mut oldest: Vec<Add> = self.files.values().cloned().collect();
        oldest.sort_by_key(|file| file.modification_time);
        let mut actions = vec![log::commit_info("DELETE", now_ms)];
        for file in oldest {
            if file.modification_time >= before_ms && left <= bytes_max {
                break;
            }
            left -= file.size;
            actions.push(Action::Remove(Remove {
                path: file.path,
                deletion_timestamp: now_ms,
                data_change: true,
                extended_file_metadata: true,
                partition_values: BTreeMap::new(),
                size: file.size,
            }));
        }
        let count = actions.len() - 1;
        if count > 0 {
            self.commit(actions)?;
        }
        let due: Vec<String> = self
            .removed
            .iter()
            .filter(|(_, remove)| remove.deletion_timestamp + LINGER_MS <= now_ms)
            .map(|(path, _)| path.clone())
            .collect();
        for name in due {
            let path = self.folder.join(&name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(DeltaError::file("remove", &path)(error));
                }
                _ => self.removed.remove(&name),
            };
        }
        Ok(count)
    }

    fn commit(&mut self, actions: Vec<Action>) -> Result<(), DeltaError> {
        log::write(&self.folder.join("_delta_log"), self.next, &actions)?;
        let version = self.next;
        self.next += 1;
        actions.into_iter().try_for_each(|action| self.take(action, ""))?;
        if version > 0 && version.is_multiple_of(checkpoint::EVERY) {
            let written = checkpoint::write(&self.folder.join("_delta_log"), version, &self.actions());
            if let Err(error) = written {
                // the commit stands, and the next checkpoint has all of it
                tracing::warn!(version, %error, "a checkpoint could not be written");
            }
        }
        Ok(())
    }

    /// What the table amounts to.
    fn actions(&self) -> Vec<Action> {
        let mut actions = vec![log::protocol()];
        actions.extend(self.meta.clone().map(Action::MetaData));
        actions.extend(self.versions.values().cloned().map(Action::Txn));
        actions.extend(self.files.values().cloned().map(Action::Add));
        actions.extend(self.removed.values().cloned().map(Action::Remove));
        actions
    }

    /// Makes an action of the log true here.
    fn take(&mut self, action: Action, wanted_schema: &str) -> Result<(), DeltaError> {
        match action {
            Action::Add(add) => {
                self.files.insert(add.path.clone(), add);
            }
            Action::Remove(remove) => {
                self.files.remove(&remove.path);
                self.removed.insert(remove.path.clone(), remove);
            }
            Action::Txn(txn) => {
                self.versions.insert(txn.app_id.clone(), txn);
            }
            Action::MetaData(meta) => {
                let parsed = |text: &str| serde_json::from_str::<Json>(text).ok();
                if !wanted_schema.is_empty() && parsed(&meta.schema_string) != parsed(wanted_schema) {
                    let reason = "its columns are others".to_owned();
                    return Err(DeltaError::Foreign { path: self.folder.clone(), reason });
                }
                self.meta = Some(meta);
            }
            Action::CommitInfo(_) | Action::Protocol(_) => {}
        }
        Ok(())
    }

    /// Removes what a crash left: files that no commit names, and drafts of commits.
    fn sweep(&self, logs: &Path) -> Result<(), DeltaError> {
        let ours = |name: &str| {
            name.starts_with("part-") && !self.files.contains_key(name) && !self.removed.contains_key(name)
        };
        let drafts = |name: &str| name.starts_with('.') && name.ends_with(".tmp");
        sweep_folder(&self.folder, ours)?;
        sweep_folder(logs, drafts)
    }
}

fn sweep_folder(folder: &Path, stray: impl Fn(&str) -> bool) -> Result<(), DeltaError> {
    for entry in fs::read_dir(folder).map_err(DeltaError::file("read", folder))? {
        let entry = entry.map_err(DeltaError::file("read", folder))?;
        if entry.file_name().to_str().is_some_and(&stray) {
            tracing::info!(path = %entry.path().display(), "removing what an append left unfinished");
            fs::remove_file(entry.path()).map_err(DeltaError::file("remove", &entry.path()))?;
        }
    }
    Ok(())
}

/// The columns as the log has them.
fn schema_string(columns: &[Column]) -> String {
    let fields: Vec<Json> = columns
        .iter()
        .map(|column| {
            json!({"name": column.name, "type": column.kind.delta(), "nullable": column.nullable, "metadata": {}})
        })
        .collect();
    json!({"type": "struct", "fields": fields}).to_string()
}
