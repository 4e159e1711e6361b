//! What a person should look at afterwards: conflicts with both values, and what an end does not take. NDJSON.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use crate::client::now;
use crate::content::Key;
use crate::merge::Conflict;
use crate::{Side, SyncError};

/// Bytes of the file; then it becomes `FILE.1`, and what that was is gone.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Problems that are remembered, so that each is told once.
const PROBLEMS_MAX: usize = 10_000;

/// The file, and what is wrong at the moment.
#[derive(Debug)]
pub(crate) struct Report {
    path: Option<PathBuf>,
    file: Mutex<Option<File>>,
    problems: Mutex<BTreeMap<String, String>>,
}

impl Report {
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, SyncError> {
        let report =
            Self { path: path.map(Path::to_owned), file: Mutex::default(), problems: Mutex::default() };
        if let Some(path) = path {
            let file = open(path);
            let file =
                file.map_err(|error| SyncError::Setting(format!("--report {}: {error}", path.display())))?;
            *report.file.lock() = Some(file);
        }
        Ok(report)
    }

    pub(crate) fn conflicts(&self, key: &Key, conflicts: &[Conflict]) {
        for conflict in conflicts {
            let line = json!({
                "time": now().to_string(), "what": "conflict", "kind": key.kind(), "id": key.to_string(),
                "place": conflict.place, "azure": conflict.values[0], "voltwin": conflict.values[1],
                "holds": conflict.winner.name(),
            });
            tracing::info!(id = %key, place = conflict.place, holds = conflict.winner.name(), "both ends changed it");
            self.write(&line);
        }
    }

    /// Notes that an end does not take something. It is told once for as long as it stays so.
    pub(crate) fn problem(&self, side: Side, kind: &str, id: &str, reason: &str) {
        let mut problems = self.problems.lock();
        let name = format!("{kind} {id}");
        if problems.get(&name).is_some_and(|known| known == reason) {
            return;
        }
        if problems.len() < PROBLEMS_MAX || problems.contains_key(&name) {
            problems.insert(name, reason.to_owned());
        }
        drop(problems);
        tracing::warn!(end = side.name(), kind, id, reason, "not taken");
        let time = now().to_string();
        self.write(&json!({
            "time": time, "what": "problem", "end": side.name(), "kind": kind, "id": id, "reason": reason,
        }));
    }

    pub(crate) fn solved(&self, kind: &str, id: &str) {
        let mut problems = self.problems.lock();
        if !problems.is_empty() {
            problems.remove(&format!("{kind} {id}"));
        }
    }

    /// What is not taken at the moment.
    pub(crate) fn problems(&self) -> usize {
        self.problems.lock().len()
    }

    fn write(&self, line: &Json) {
        let Some(path) = &self.path else { return };
        let mut file = self.file.lock();
        let full =
            file.as_ref().and_then(|file| file.metadata().ok()).is_some_and(|file| file.len() > BYTES_MAX);
        if full {
            let mut old = path.as_os_str().to_owned();
            old.push(".1");
            *file = std::fs::rename(path, old).and_then(|()| open(path)).ok();
        }
        let written = file.as_mut().map(|file| writeln!(file, "{line}"));
        if !matches!(written, Some(Ok(()))) {
            tracing::warn!(path = %path.display(), "the report cannot be written");
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
