//! The wire of a station, recorded from a known state and played again into a copy.
//!
//! A recording is a file of lines (NDJSON). The first holds what the station's twins were when it began; each further
//! one is a frame with the time at which it passed, or that a connection opened or closed, or what the tenant's list
//! says of an id token that the frames name. Each line carries a check over itself and all before it, so that a line
//! that was changed, lost or cut is found with its number. No tenant is named in it and secrets are masked.
//!
//! A recording is written by a task of its own behind a bounded queue; lines that find it full are counted in the
//! last line, and whoever replays is told.

mod format;
mod replay;
mod start;
mod write;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_ocpp::{Direction, FrameLog, Version};

use crate::log::shown;
use crate::{CentralSystem, CsmsError};

pub(crate) use format::Line;
pub use format::RecordingError;
pub use replay::{Difference, Replayed, replay};

/// The longest that a recording runs, in seconds.
pub const RECORDING_S_MAX: u32 = 86_400;
/// The most frames of one recording.
pub const RECORDING_FRAMES_MAX: u32 = 100_000;
/// The most bytes of one recording.
pub const RECORDING_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Recordings that one tenant keeps; an old one must be deleted before a new one begins.
pub const RECORDINGS_MAX: usize = 100;
/// Recordings of one tenant that run at once.
pub const RECORDINGS_AT_ONCE: usize = 8;
/// Lines that may wait to be written.
const QUEUE: usize = 4_096;

/// What a recording is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Its id.
    pub id: String,
    /// The station.
    pub station: String,
    /// `recording`, `stopped`, `full` or `interrupted`.
    pub state: String,
    /// Who began it.
    pub by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The longest that it runs, in seconds.
    pub max_s: u32,
    /// The most frames that it takes.
    pub max_frames: u32,
    /// Frames in it.
    pub frames: u64,
    /// Bytes of its file.
    pub bytes: u64,
    /// Lines that were lost because the disk was too slow.
    pub dropped: u64,
}

/// What the writer is given.
pub(crate) enum Job {
    Line(Line),
    Stop,
}

struct Active {
    id: String,
    jobs: mpsc::Sender<Job>,
    dropped: u64,
}

/// The recordings that run.
#[derive(Default)]
pub(crate) struct Recordings {
    active: Mutex<HashMap<(TenantId, TwinId), Active>>,
    /// How many, so that a station that nobody records costs one look.
    count: AtomicUsize,
}

impl Recordings {
    /// Adds a line to the recording of a station, if there is one.
    pub(crate) fn add(&self, tenant: &TenantId, station: &TwinId, line: impl FnOnce() -> Line) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        if let Some(active) = self.active.lock().get_mut(&(tenant.clone(), station.clone()))
            && active.jobs.try_send(Job::Line(line())).is_err()
        {
            active.dropped += 1;
        }
    }

    pub(crate) fn frame(&self, (tenant, station): (&TenantId, &TwinId), at: Timestamp, frame: &FrameLog) {
        self.add(tenant, station, || Line::Frame {
            at,
            direction: if frame.direction == Direction::In { "in" } else { "out" }.to_owned(),
            kind: frame.kind.as_str().to_owned(),
            action: frame.action.clone(),
            id: frame.message_id.clone(),
            text: shown(&frame.text).into_owned(),
        });
    }

    pub(crate) fn opened(&self, tenant: &TenantId, station: &TwinId, at: Timestamp, version: Version) {
        self.add(tenant, station, || Line::Open { at, version: version.to_string() });
    }

    pub(crate) fn closed(&self, tenant: &TenantId, station: &TwinId, at: Timestamp) {
        self.add(tenant, station, || Line::Close { at });
    }

    fn enter(&self, tenant: &TenantId, station: &TwinId, id: &str) -> Result<mpsc::Receiver<Job>, CsmsError> {
        let mut active = self.active.lock();
        let refused = |detail: String| CsmsError::Recording(RecordingError::Refused(detail));
        if active.contains_key(&(tenant.clone(), station.clone())) {
            return Err(refused(format!("station `{station}` is being recorded already")));
        }
        if active.keys().filter(|(owner, _)| owner == tenant).count() >= RECORDINGS_AT_ONCE {
            return Err(refused(format!("{RECORDINGS_AT_ONCE} stations are being recorded already")));
        }
        let (jobs, queue) = mpsc::channel(QUEUE);
        active.insert((tenant.clone(), station.clone()), Active { id: id.to_owned(), jobs, dropped: 0 });
        self.count.store(active.len(), Ordering::Relaxed);
        Ok(queue)
    }

    /// How many lines were lost so far.
    fn dropped(&self, tenant: &TenantId, station: &TwinId) -> u64 {
        let active = self.active.lock();
        active.get(&(tenant.clone(), station.clone())).map_or(0, |active| active.dropped)
    }

    /// Takes no more lines of a station.
    fn leave(&self, tenant: &TenantId, station: &TwinId) {
        let mut active = self.active.lock();
        active.remove(&(tenant.clone(), station.clone()));
        self.count.store(active.len(), Ordering::Relaxed);
    }

    fn running(&self, tenant: &TenantId, id: &str) -> Option<mpsc::Sender<Job>> {
        let active = self.active.lock();
        active
            .iter()
            .find(|((owner, _), active)| owner == tenant && active.id == id)
            .map(|(_, active)| active.jobs.clone())
    }
}

impl CentralSystem {
    /// Begins to record the wire of a station.
    ///
    /// # Errors
    /// [`CsmsError::NoStation`], [`CsmsError::Recording`] for a bound that is broken or when its file cannot be made.
    pub async fn record_wire(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        (max_s, max_frames): (u32, u32),
        by: &str,
    ) -> Result<Recording, CsmsError> {
        if !(1..=RECORDING_S_MAX).contains(&max_s) || !(1..=RECORDING_FRAMES_MAX).contains(&max_frames) {
            let detail =
                format!("a recording takes 1 to {RECORDING_S_MAX} s and 1 to {RECORDING_FRAMES_MAX} frames");
            return Err(RecordingError::Refused(detail).into());
        }
        if !self.inner.runtime.read(tenant, |graph| graph.twin(station.as_str()).is_some()) {
            return Err(CsmsError::NoStation(station.to_string()));
        }
        if self.recordings(tenant).await?.len() >= RECORDINGS_MAX {
            let detail = format!("{RECORDINGS_MAX} recordings are kept already; delete one first");
            return Err(RecordingError::Refused(detail).into());
        }
        let recording = Recording {
            id: Uuid::now_v7().to_string(),
            station: station.to_string(),
            state: "recording".to_owned(),
            by: by.to_owned(),
            started_at: self.inner.runtime.now(),
            ended_at: None,
            max_s,
            max_frames,
            frames: 0,
            bytes: 0,
            dropped: 0,
        };
        // lines wait from here on, so that none is missed while the state is read
        let queue = self.inner.recordings.enter(tenant, station, &recording.id)?;
        let begun = async {
            let header = self.recording_header(tenant, station).await?;
            write::Writer::begin(self.clone(), tenant, station, recording.clone(), &header).await
        };
        match begun.await {
            Ok(writer) => {
                tokio::spawn(writer.run(queue));
                Ok(recording)
            }
            Err(error) => {
                self.inner.recordings.leave(tenant, station);
                Err(error)
            }
        }
    }

    /// Ends a recording; one that has ended already stays as it is.
    ///
    /// # Errors
    /// [`CsmsError::Recording`] when there is none.
    pub async fn stop_recording(&self, tenant: &TenantId, id: &str) -> Result<Recording, CsmsError> {
        if let Some(jobs) = self.inner.recordings.running(tenant, id) {
            let _ = jobs.send(Job::Stop).await;
            jobs.closed().await;
        }
        self.recording(tenant, id).await
    }

    /// One recording.
    ///
    /// # Errors
    /// [`CsmsError::Recording`] when there is none or it cannot be read.
    pub async fn recording(&self, tenant: &TenantId, id: &str) -> Result<Recording, CsmsError> {
        let missing = || RecordingError::Missing(id.chars().take(64).collect());
        if id.parse::<Uuid>().is_err() {
            return Err(missing().into());
        }
        let path = self.recordings_dir(tenant).join(format!("{id}.json"));
        let text = tokio::fs::read(&path).await.map_err(|_| missing())?;
        let recording: Recording = serde_json::from_slice(&text).map_err(|_| missing())?;
        Ok(self.as_it_is(tenant, recording))
    }

    /// The recordings of a tenant, newest first.
    ///
    /// # Errors
    /// [`CsmsError::Recording`] when the folder cannot be read.
    pub async fn recordings(&self, tenant: &TenantId) -> Result<Vec<Recording>, CsmsError> {
        let dir = self.recordings_dir(tenant);
        let read = tokio::task::spawn_blocking(move || {
            let entries = match fs::read_dir(&dir) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(RecordingError::Io(error)),
            };
            let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
            let described = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
            let read = |path: PathBuf| serde_json::from_slice::<Recording>(&fs::read(path).ok()?).ok();
            Ok(described.filter_map(read).collect::<Vec<_>>())
        });
        let read = read.await.map_err(|error| RecordingError::Io(std::io::Error::other(error)))??;
        let mut recordings: Vec<Recording> =
            read.into_iter().map(|recording| self.as_it_is(tenant, recording)).collect();
        recordings.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(recordings)
    }

    /// The file of a recording.
    ///
    /// # Errors
    /// As [`CentralSystem::recording`].
    pub async fn recording_file(&self, tenant: &TenantId, id: &str) -> Result<PathBuf, CsmsError> {
        let recording = self.recording(tenant, id).await?;
        Ok(self.recordings_dir(tenant).join(format!("{}.ndjson", recording.id)))
    }

    /// Removes a recording that has ended.
    ///
    /// # Errors
    /// [`CsmsError::Recording`] when there is none, it runs, or its file cannot be removed.
    pub async fn delete_recording(&self, tenant: &TenantId, id: &str) -> Result<(), CsmsError> {
        let recording = self.recording(tenant, id).await?;
        if recording.state == "recording" {
            return Err(RecordingError::Refused(format!("recording {id} is running; stop it first")).into());
        }
        let dir = self.recordings_dir(tenant);
        for ending in ["ndjson", "json"] {
            let removed = tokio::fs::remove_file(dir.join(format!("{}.{ending}", recording.id))).await;
            removed.map_err(RecordingError::Io)?;
        }
        Ok(())
    }

    fn recordings_dir(&self, tenant: &TenantId) -> PathBuf {
        self.inner.runtime.store().dir().join("recordings").join(tenant.as_str())
    }

    /// One that nobody writes any more was cut off by the end of the process.
    fn as_it_is(&self, tenant: &TenantId, mut recording: Recording) -> Recording {
        if recording.state == "recording" && self.inner.recordings.running(tenant, &recording.id).is_none() {
            recording.state = "interrupted".to_owned();
        }
        recording
    }
}
