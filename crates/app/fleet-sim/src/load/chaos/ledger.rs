//! What was sent and acknowledged, one line of JSON a transaction.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::FleetError;

/// Lines that may wait to be written before stations wait.
const QUEUE: usize = 1_024;

/// A transaction that was acknowledged in full.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Line {
    pub(super) station: String,
    pub(super) version: String,
    /// As the central system should know it; of a stop of OCPP 1.6 without an id, null.
    pub(super) transaction_id: Option<String>,
    pub(super) anomaly: &'static str,
    /// `ended` or `orphan`.
    pub(super) state: &'static str,
    /// What went through the meter.
    pub(super) energy_wh: String,
    /// The register at the end, as told.
    pub(super) meter_stop_wh: String,
    /// How many different events were acknowledged.
    pub(super) events: usize,
    /// How many messages that took.
    pub(super) messages: u64,
    /// What a person should be told of it, in alphabetical order.
    pub(super) flags: Vec<&'static str>,
    /// Whether it said of itself that it was told late.
    pub(super) offline: bool,
}

/// The file, written by a thread of its own.
pub(super) struct Ledger {
    pub(super) lines: mpsc::Sender<Line>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl Ledger {
    pub(super) fn create(path: &Path) -> Result<Self, FleetError> {
        let cannot = |error: std::io::Error| FleetError::Setting {
            field: "ledger",
            value: format!("{} ({error})", path.display()),
            rule: "a file that can be written",
        };
        let mut file = File::create(path).map_err(cannot)?;
        let (lines, mut queue) = mpsc::channel::<Line>(QUEUE);
        let writer = tokio::task::spawn_blocking(move || {
            while let Some(line) = queue.blocking_recv() {
                let mut text = serde_json::to_string(&line)?;
                text.push('\n');
                file.write_all(text.as_bytes())?;
            }
            file.sync_all()
        });
        Ok(Self { lines, writer })
    }

    /// Waits until all is written.
    pub(super) async fn close(self) -> Result<(), FleetError> {
        drop(self.lines);
        let written = self.writer.await.map_err(std::io::Error::other).and_then(|written| written);
        written.map_err(|error| FleetError::Setting {
            field: "ledger",
            value: error.to_string(),
            rule: "a file that can be written",
        })
    }
}
