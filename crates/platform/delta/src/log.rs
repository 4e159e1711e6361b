//! The actions of a commit, and commits as files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::DeltaError;

/// One line of a commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    CommitInfo(Json),
    Protocol(Json),
    MetaData(MetaData),
    Txn(Txn),
    Add(Add),
    Remove(Remove),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetaData {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) format: Json,
    pub(crate) schema_string: String,
    pub(crate) partition_columns: Vec<String>,
    pub(crate) configuration: BTreeMap<String, String>,
    pub(crate) created_time: i64,
}

/// How far an application has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub(crate) app_id: String,
    pub(crate) version: i64,
    pub(crate) last_updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    pub(crate) path: String,
    pub(crate) partition_values: BTreeMap<String, String>,
    pub(crate) size: u64,
    pub(crate) modification_time: i64,
    pub(crate) data_change: bool,
    pub(crate) stats: String,
}

impl Add {
    pub(crate) fn rows(&self) -> u64 {
        let stats: Option<Json> = serde_json::from_str(&self.stats).ok();
        stats.and_then(|stats| stats["numRecords"].as_u64()).unwrap_or(0)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    pub(crate) deletion_timestamp: i64,
    pub(crate) data_change: bool,
    pub(crate) extended_file_metadata: bool,
    pub(crate) partition_values: BTreeMap<String, String>,
    pub(crate) size: u64,
}

/// What the log says of itself, for people.
pub(crate) fn commit_info(operation: &str, at_ms: i64) -> Action {
    Action::CommitInfo(json!({
        "timestamp": at_ms,
        "operation": operation,
        "operationParameters": {},
        "engineInfo": concat!("voltwin/", env!("CARGO_PKG_VERSION")),
    }))
}

/// What a reader and a writer must know: nothing but the first version of Delta.
pub(crate) fn protocol() -> Action {
    Action::Protocol(json!({"minReaderVersion": 1, "minWriterVersion": 2}))
}

pub(crate) fn path(log: &Path, version: u64) -> PathBuf {
    log.join(format!("{version:020}.json"))
}

/// Reads a commit; `None` when there is none of this number.
pub(crate) fn read(log: &Path, version: u64) -> Result<Option<Vec<Action>>, DeltaError> {
    let path = path(log, version);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DeltaError::file("read", &path)(error)),
    };
    let actions = text.lines().filter(|line| !line.is_empty()).map(serde_json::from_str);
    let actions: Result<Vec<Action>, _> = actions.collect();
    let foreign =
        |error: serde_json::Error| DeltaError::Foreign { path: path.clone(), reason: error.to_string() };
    Ok(Some(actions.map_err(foreign)?))
}

/// Makes a commit: whole and durable, or not at all.
pub(crate) fn write(log: &Path, version: u64, actions: &[Action]) -> Result<(), DeltaError> {
    let target = path(log, version);
    let draft = log.join(format!(".{}.tmp", Uuid::now_v7()));
    let written = (|| {
        let mut file = File::create(&draft)?;
        for action in actions {
            serde_json::to_writer(&mut file, action)?;
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        fs::hard_link(&draft, &target)?;
        File::open(log)?.sync_all()
    })();
    // its name has gone to the commit, or it is worth nothing
    let _ = fs::remove_file(&draft);
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => DeltaError::Taken { path: log.to_owned(), version },
        _ => DeltaError::file("write", &target)(error),
    })
}
