//! The task that writes one recording.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::fs::{self, File};
use tokio::io::{AsyncWriteExt as _, BufWriter};
use tokio::sync::mpsc;
use voltwin_core::{TenantId, TwinId};
use voltwin_store::IdToken;

use super::format::{Chain, Header, Line};
use super::{Job, RECORDING_BYTES_MAX, Recording, RecordingError};
use crate::{CentralSystem, CsmsError};

/// Tokens of one recording that are looked up.
const TOKENS_MAX: usize = 10_000;

pub(super) struct Writer {
    csms: CentralSystem,
    tenant: TenantId,
    station: TwinId,
    recording: Recording,
    chain: Chain,
    file: BufWriter<File>,
    description: PathBuf,
    tokens: HashSet<String>,
}

impl Writer {
    /// Makes the files and writes the header.
    pub(super) async fn begin(
        csms: CentralSystem,
        tenant: &TenantId,
        station: &TwinId,
        recording: Recording,
        header: &Header,
    ) -> Result<Self, CsmsError> {
        let dir = csms.recordings_dir(tenant);
        fs::create_dir_all(&dir).await.map_err(RecordingError::Io)?;
        let path = dir.join(format!("{}.ndjson", recording.id));
        let file = File::create(&path).await.map_err(RecordingError::Io)?;
        let description = dir.join(format!("{}.json", recording.id));
        let mut writer = Self {
            csms,
            tenant: tenant.clone(),
            station: station.clone(),
            recording,
            chain: Chain::default(),
            file: BufWriter::new(file),
            description,
            tokens: HashSet::new(),
        };
        let first = writer.chain.seal(header).map_err(|error| RecordingError::Io(error.into()))?;
        writer.write(&first).await?;
        writer.describe().await?;
        Ok(writer)
    }

    /// Writes until it is stopped, full, or everything ends.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let due = tokio::time::Instant::now() + Duration::from_secs(u64::from(self.recording.max_s));
        let stopping = self.csms.inner.runtime.stopping();
        let ended = loop {
            let job = tokio::select! {
                biased;
                job = queue.recv() => job,
                () = tokio::time::sleep_until(due) => break "full",
                () = stopping.cancelled() => break "stopped",
            };
            let Some(Job::Line(line)) = job else { break "stopped" };
            if let Err(error) = self.add(&line).await {
                tracing::warn!(recording = %self.recording.id, %error, "a recording could not be written");
                break "interrupted";
            }
            let full = self.recording.frames >= u64::from(self.recording.max_frames)
                || self.recording.bytes >= RECORDING_BYTES_MAX;
            if full {
                break "full";
            }
        };
        self.recording.dropped = self.csms.inner.recordings.dropped(&self.tenant, &self.station);
        if let Err(error) = self.end(ended).await {
            tracing::warn!(recording = %self.recording.id, %error, "the end of a recording could not be written");
        }
        // only now: one that nobody writes and that has no end passes for interrupted
        self.csms.inner.recordings.leave(&self.tenant, &self.station);
    }

    async fn add(&mut self, line: &Line) -> Result<(), CsmsError> {
        if let Line::Frame { text, direction, .. } = line
            && direction == "in"
        {
            for token in tokens(text) {
                self.token(token, line).await?;
            }
        }
        if matches!(line, Line::Frame { .. }) {
            self.recording.frames += 1;
        }
        self.line(line).await
    }

    /// Says once what the tenant's list says of a token; of one that is not listed the policy says enough.
    async fn token(&mut self, token: String, before: &Line) -> Result<(), CsmsError> {
        if self.tokens.len() >= TOKENS_MAX || !self.tokens.insert(token.clone()) {
            return Ok(());
        }
        let registry = self.csms.inner.runtime.store().tenant(&self.tenant);
        if let Some(record) = registry.token(&token).await? {
            let status = record.token.status;
            let terms = Some(Box::new(IdToken { note: String::new(), ..record.token }));
            self.line(&Line::Token { at: before.at(), token, status, terms }).await?;
        }
        Ok(())
    }

    async fn line(&mut self, line: &Line) -> Result<(), CsmsError> {
        let text = self.chain.seal(line).map_err(|error| RecordingError::Io(error.into()))?;
        self.write(&text).await
    }

    async fn write(&mut self, text: &str) -> Result<(), CsmsError> {
        self.file.write_all(text.as_bytes()).await.map_err(RecordingError::Io)?;
        self.recording.bytes += text.len() as u64;
        Ok(())
    }

    async fn end(&mut self, state: &str) -> Result<(), CsmsError> {
        let at = self.csms.inner.runtime.now();
        let (frames, dropped) = (self.recording.frames, self.recording.dropped);
        self.line(&Line::End { at, frames, dropped }).await?;
        self.file.flush().await.map_err(RecordingError::Io)?;
        self.file.get_ref().sync_all().await.map_err(RecordingError::Io)?;
        self.recording.state = state.to_owned();
        self.recording.ended_at = Some(at);
        self.describe().await
    }

    async fn describe(&self) -> Result<(), CsmsError> {
        let text = serde_json::to_vec(&self.recording).map_err(|error| RecordingError::Io(error.into()))?;
        Ok(fs::write(&self.description, text).await.map_err(RecordingError::Io)?)
    }
}

/// The id tokens that a frame names.
fn tokens(frame: &str) -> Vec<String> {
    fn gather(json: &Json, found: &mut Vec<String>) {
        match json {
            Json::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Json::String(token) if matches!(name.as_str(), "idTag" | "idToken") => {
                            found.push(token.clone());
                        }
                        other => gather(other, found),
                    }
                }
            }
            Json::Array(items) => items.iter().for_each(|item| gather(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if (frame.contains("idTag") || frame.contains("idToken"))
        && let Ok(json) = serde_json::from_str(frame)
    {
        gather(&json, &mut found);
    }
    found
}
