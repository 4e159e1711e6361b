//! The log of an import: JSON line by line, in the form that Azure writes.

use std::path::Path;

use serde_json::{Value as Json, json};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};
use voltwin_core::Timestamp;

/// Errors that are written out; more are counted only.
const ERRORS_MAX: u64 = 100_000;

pub(crate) struct Report {
    file: BufWriter<File>,
    job: String,
    bytes: u64,
    errors: u64,
}

impl Report {
    /// Opens the log, which goes on after its first `bytes`: what a restart lost the place of is told again.
    pub(crate) async fn open(path: &Path, job: &str, bytes: u64) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path).await?;
        let bytes = bytes.min(file.metadata().await?.len());
        file.set_len(bytes).await?;
        file.seek(std::io::SeekFrom::Start(bytes)).await?;
        Ok(Self { file: BufWriter::new(file), job: job.to_owned(), bytes, errors: 0 })
    }

    pub(crate) async fn info(&mut self, at: Timestamp, details: Json) -> std::io::Result<()> {
        self.line(at, "Info", details).await
    }

    /// Writes down an entry that was not taken.
    pub(crate) async fn refused(&mut self, at: Timestamp, details: Json) -> std::io::Result<()> {
        self.errors += 1;
        if self.errors > ERRORS_MAX {
            return Ok(());
        }
        self.line(at, "Error", details).await
    }

    async fn line(&mut self, at: Timestamp, kind: &str, details: Json) -> std::io::Result<()> {
        let line = json!({
            "timestamp": voltwin_document::instant(at),
            "jobId": self.job,
            "jobType": "Import",
            "logType": kind,
            "details": details,
        });
        let text = format!("{line}\n");
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes()).await
    }

    /// Puts what was written on the disk and tells how much there is.
    pub(crate) async fn sync(&mut self) -> std::io::Result<u64> {
        self.file.flush().await?;
        Ok(self.bytes)
    }
}
