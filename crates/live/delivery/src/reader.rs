//! Readers of an event log, each with its own place.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio::sync::watch;
use voltwin_routes::CloudEvent;

use crate::EventsError;
use crate::log::{Entry, EventLog};
use crate::tail::{Following, Taken};

/// Bytes of one line at most; a longer one is damage.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One reader with its own place.
#[derive(Debug)]
pub struct LogReader {
    log: EventLog,
    head: watch::Receiver<u64>,
    place: u64,
    lost: u64,
    gap: Option<Gap>,
    open: Option<Open>,
    /// The subject that it is about, and once it has everything so far, what comes of it.
    subject: Option<String>,
    following: Option<Following>,
}

/// Events that were gone before they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The number of the first.
    pub from: u64,
    /// The number of the last.
    pub to: u64,
    /// How many they are: all from the first to the last, unless there was more than one gap without a wanted event between.
    pub events: u64,
}

impl Gap {
    /// The type of [`Gap::event`].
    pub const KIND: &str = "Voltwin.EventLog.Gap";

    /// What is told of it: `from`, `to`, `events` and why.
    #[must_use]
    pub fn data(&self) -> Json {
        let Self { from, to, events } = self;
        json!({"from": from, "to": to, "events": events, "reason": "the log no longer keeps them"})
    }

    /// The event that stands in place of those that are gone, and has the number of the last of them.
    #[must_use]
    pub fn event(&self, source: &str) -> CloudEvent {
        CloudEvent {
            id: format!("gap/{}-{}", self.from, self.to),
            source: source.to_owned(),
            kind: Self::KIND.to_owned(),
            subject: None,
            time: None,
            dataschema: None,
            traceparent: None,
            sequence: self.to,
            data: self.data(),
        }
    }
}

/// A file in the middle of being read.
#[derive(Debug)]
struct Open {
    file: BufReader<File>,
    /// The number of the next line.
    next: u64,
}

impl LogReader {
    pub(crate) fn new(log: EventLog, head: watch::Receiver<u64>, place: u64) -> Self {
        Self { log, head, place, lost: 0, gap: None, open: None, subject: None, following: None }
    }

    /// Of one subject only. Such a reader is woken for its own events and costs nothing for others.
    #[must_use]
    pub fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), following: None, ..self }
    }

    /// The next events in order, 1 to `limit` of them; waits while there are none. Events that the log no longer keeps
    /// are passed over and counted. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// [`EventsError::File`], [`EventsError::Stopped`] when the log is gone.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Arc<Entry>>, EventsError> {
        self.next_where(limit, |_| true).await
    }

    /// As [`LogReader::next`], of the events that are wanted; those that are not are passed over at next to no cost, so
    /// that many can each wait for a few of all events.
    ///
    /// # Errors
    /// Those of [`LogReader::next`].
    pub async fn next_where(
        &mut self,
        limit: usize,
        wanted: impl Fn(&CloudEvent) -> bool + Sync,
    ) -> Result<Vec<Arc<Entry>>, EventsError> {
        loop {
            if let Some(following) = &self.following {
                let head = self.log.head();
                match following.take(limit) {
                    Taken::Entries(mut entries) => {
                        self.place = entries.last().map_or(self.place, |last| last.event.sequence);
                        entries.retain(|entry| wanted(&entry.event));
                        if !entries.is_empty() {
                            return Ok(entries);
                        }
                    }
                    Taken::Nothing => {
                        self.place = self.place.max(head);
                        following.woken().await;
                    }
                    // back to the log, from the first on that found no room
                    Taken::Missed(first) => {
                        self.place = first - 1;
                        self.following = None;
                    }
                }
                continue;
            }
            self.head.mark_unchanged();
            let entries = self.ready_where(limit, &wanted).await?;
            if !entries.is_empty() {
                return Ok(entries);
            }
            match &self.subject {
                Some(subject) => self.following = self.log.follow(subject, self.place),
                None => self.head.changed().await.map_err(|_| EventsError::Stopped)?,
            }
        }
    }

    /// The next events in order, at most `limit` of those that are there already; none when the reader has them all.
    /// May be dropped like [`LogReader::next`].
    ///
    /// # Errors
    /// [`EventsError::File`], [`EventsError::Stopped`] when the log is gone.
    pub async fn ready(&mut self, limit: usize) -> Result<Vec<Arc<Entry>>, EventsError> {
        self.ready_where(limit, |_| true).await
    }

    /// Of what the log has, beside what a subject is followed by.
    async fn ready_where(
        &mut self,
        limit: usize,
        wanted: impl Fn(&CloudEvent) -> bool + Sync,
    ) -> Result<Vec<Arc<Entry>>, EventsError> {
        let subject = self.subject.clone();
        let wanted = |event: &CloudEvent| {
            subject.as_deref().is_none_or(|subject| event.subject.as_deref() == Some(subject))
                && wanted(event)
        };
        while self.place < self.log.head() {
            let first = self.log.first();
            if self.place + 1 < first {
                let gap = Gap { from: self.place + 1, to: first - 1, events: first - 1 - self.place };
                self.gap = Some(self.gap.map_or(gap, |before| Gap {
                    from: before.from,
                    events: before.events + gap.events,
                    ..gap
                }));
                self.lost += gap.events;
                self.place = gap.to;
                self.open = None;
                continue;
            }
            let (entries, place) = match self.log.recent(self.place, limit, wanted) {
                Some(found) => found,
                None => {
                    let mut entries = self.read(limit).await?;
                    let place = entries.last().map_or(self.place, |last| last.event.sequence);
                    entries.retain(|entry| wanted(&entry.event));
                    (entries, place)
                }
            };
            self.place = place;
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }

    /// The number to go on from: that of the last event handed out, or of a later one where none between is wanted.
    #[must_use]
    pub fn place(&self) -> u64 {
        let head = self.log.head();
        match &self.following {
            Some(following) if following.is_empty() => self.place.max(head),
            _ => self.place,
        }
    }

    /// The events that were gone since this was asked last.
    pub fn take_gap(&mut self) -> Option<Gap> {
        self.gap.take()
    }

    /// How many events were gone before they were read.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    async fn read(&mut self, limit: usize) -> Result<Vec<Arc<Entry>>, EventsError> {
        let wanted = self.place + 1;
        let open = self.open.take().filter(|open| open.next == wanted);
        let log = self.log.clone();
        let work = tokio::task::spawn_blocking(move || read_lines(&log, open, wanted, limit));
        let (entries, open) = work.await.map_err(|_| EventsError::Stopped)??;
        self.open = open;
        Ok(entries)
    }
}

type Lines = (Vec<Arc<Entry>>, Option<Open>);

fn read_lines(log: &EventLog, open: Option<Open>, wanted: u64, limit: usize) -> Result<Lines, EventsError> {
    let Some(found) = log.file_of(wanted) else { return Ok((Vec::new(), None)) };
    let fresh = open.is_none();
    let mut open = match open {
        Some(open) => open,
        None => match File::open(&found.path) {
            Ok(file) => Open { file: BufReader::new(file), next: found.first },
            // pruned since
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
            Err(error) => return Err(EventsError::file("open", &found.path)(error)),
        },
    };
    let head = log.head();
    let mut entries = Vec::new();
    let mut line = Vec::new();
    // beyond the head a line may be half written
    while entries.len() < limit && open.next <= head {
        line.clear();
        let read = open.file.read_until(b'\n', &mut line).map_err(EventsError::file("read", &found.path))?;
        if read == 0 {
            // the end of this file: the next number stands in the next one
            return match fresh && entries.is_empty() {
                true => {
                    Err(EventsError::file("read", &found.path)(std::io::Error::other("lines are missing")))
                }
                false => Ok((entries, None)),
            };
        }
        if open.next >= wanted {
            if line.len() > LINE_BYTES_MAX {
                return Err(EventsError::file("read", &found.path)(std::io::Error::other(
                    "a line is too long",
                )));
            }
            let entry = serde_json::from_slice(&line).map_err(std::io::Error::other);
            entries.push(Arc::new(entry.map_err(EventsError::file("read", &found.path))?));
        }
        open.next += 1;
    }
    Ok((entries, Some(open)))
}
