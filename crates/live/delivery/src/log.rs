//! The event log of one tenant: everything that programs outside are told, in order, in files.
//!
//! Events are numbered from 1 without gaps. A file, `FIRST.ndjson`, holds one JSON text a line, so that the line of a
//! number is found by counting. What [`EventLog::append`] has returned is on the disk. Of a file whose end was torn off
//! by a crash the last line is cut: it was never acknowledged, and the feed is read again from before it.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use voltwin_core::Seq;
use voltwin_routes::CloudEvent;
use voltwin_routes::history::Row;

use crate::EventsError;

/// A file is followed by the next when it is this large or this old.
const FILE_BYTES: u64 = 8 * 1024 * 1024;
const FILE_AGE: Duration = Duration::from_secs(3_600);
/// Events kept in memory for readers that are close behind.
const RECENT: usize = 1_024;
/// Bytes of one line at most; a longer one is damage.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One event of the log. Its number is the `sequence` of the event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The place in the journal of what it tells.
    pub journal: Seq,
    /// The event as it is sent.
    pub event: CloudEvent,
    /// Its rows in the tables of data history, where the tenant keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
}

/// The log of one tenant. Clones share it.
#[derive(Debug, Clone)]
pub struct EventLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    head: watch::Sender<u64>,
    state: Mutex<State>,
    /// The newest events. Many readers look through them at once.
    recent: RwLock<VecDeque<Arc<Entry>>>,
}

#[derive(Debug)]
struct State {
    files: VecDeque<LogFile>,
    open: Option<File>,
    known: Known,
}

/// The place in the journal of the newest event, and how many events in a row are of it. Before it, nothing is of
/// concern.
type Known = (Seq, usize);

#[derive(Debug, Clone)]
struct LogFile {
    first: u64,
    bytes: u64,
    begun: SystemTime,
    path: PathBuf,
}

impl EventLog {
    /// Opens the log in a folder, which is made when there is none. Events from before `journal` are not its concern.
    ///
    /// # Errors
    /// [`EventsError::File`].
    pub fn open(dir: &Path, journal: Seq) -> Result<Self, EventsError> {
        fs::create_dir_all(dir).map_err(EventsError::file("create", dir))?;
        let mut files = VecDeque::from(list(dir)?);
        // of that place itself everything is told
        let (mut head, mut known) = (0, (journal, usize::MAX));
        while let Some(last) = files.back_mut() {
            if let Some((count, newest)) = mend(last)? {
                (head, known) = (last.first + count - 1, newest);
                break;
            }
            // nothing in it survived; its first number is that of the next event
            head = last.first - 1;
            let empty = files.len() > 1;
            if !empty {
                break;
            }
            files.pop_back();
        }
        let shared = Shared {
            dir: dir.to_owned(),
            head: watch::Sender::new(head),
            state: Mutex::new(State { files, open: None, known }),
            recent: RwLock::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub fn head(&self) -> u64 {
        *self.shared.head.borrow()
    }

    /// The number of the oldest event that can still be read; one after the head where there is none.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.shared.state.lock().files.front().map_or(self.head() + 1, |file| file.first)
    }

    pub(crate) fn known(&self) -> Known {
        self.shared.state.lock().known
    }

    /// Adds events, whose numbers must follow the head. Blocks while the disk writes.
    ///
    /// # Errors
    /// [`EventsError::File`]; the log is then as it was before.
    pub fn append(&self, entries: Vec<Entry>) -> Result<(), EventsError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let head = last.event.sequence;
        let mut bytes = Vec::new();
        for entry in &entries {
            let written = serde_json::to_writer(&mut bytes, entry).map_err(std::io::Error::other);
            written.map_err(EventsError::file("write", &self.shared.dir))?;
            bytes.push(b'\n');
        }
        let mut state = self.shared.state.lock();
        state.write(&self.shared.dir, self.head() + 1, &bytes)?;
        state.known = entries.iter().fold(state.known, follow);
        let mut recent = self.shared.recent.write();
        recent.extend(entries.into_iter().map(Arc::new));
        let surplus = recent.len().saturating_sub(RECENT);
        recent.drain(..surplus);
        drop((recent, state));
        self.shared.head.send_replace(head);
        Ok(())
    }

    /// Removes whole files that are older than `keep` or above `bytes_max` in all, the oldest first, and never the one
    /// that is written to.
    ///
    /// # Errors
    /// [`EventsError::File`].
    pub fn prune(&self, keep: Duration, bytes_max: u64) -> Result<(), EventsError> {
        let mut state = self.shared.state.lock();
        loop {
            let total: u64 = state.files.iter().map(|file| file.bytes).sum();
            // the events of a file are older than the next file
            let old = state
                .files
                .get(1)
                .is_some_and(|next| next.begun.elapsed().is_ok_and(|age| age > keep) || total > bytes_max);
            let Some(file) = state.files.front().filter(|_| old) else { return Ok(()) };
            fs::remove_file(&file.path).map_err(EventsError::file("remove", &file.path))?;
            state.files.pop_front();
        }
    }

    /// A reader of everything after `place`.
    #[must_use]
    pub fn reader(&self, place: u64) -> LogReader {
        LogReader { log: self.clone(), head: self.shared.head.subscribe(), place, lost: 0, open: None }
    }

    /// Of the events in memory the next that are wanted, and up to which number there are no others; `None` where the next
    /// event is not in memory.
    fn recent(
        &self,
        after: u64,
        limit: usize,
        wanted: impl Fn(&CloudEvent) -> bool,
    ) -> Option<(Vec<Arc<Entry>>, u64)> {
        let recent = self.shared.recent.read();
        let first = recent.front()?.event.sequence;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        let (mut found, mut place) = (Vec::new(), after);
        for entry in recent.iter().skip(skip) {
            place = entry.event.sequence;
            if wanted(&entry.event) {
                found.push(entry.clone());
                if found.len() == limit {
                    break;
                }
            }
        }
        Some((found, place))
    }

    fn file_of(&self, sequence: u64) -> Option<LogFile> {
        let state = self.shared.state.lock();
        state.files.iter().rev().find(|file| file.first <= sequence).cloned()
    }
}

fn follow((journal, count): Known, entry: &Entry) -> Known {
    if entry.journal == journal { (journal, count.saturating_add(1)) } else { (entry.journal, 1) }
}

impl State {
    fn write(&mut self, dir: &Path, first: u64, bytes: &[u8]) -> Result<(), EventsError> {
        let full = |file: &LogFile| {
            file.bytes >= FILE_BYTES || file.begun.elapsed().is_ok_and(|age| age >= FILE_AGE)
        };
        if self.files.back().is_none_or(full) {
            let path = dir.join(format!("{first:020}.ndjson"));
            let file = File::create(&path).map_err(EventsError::file("create", &path))?;
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(EventsError::file("write", dir))?;
            self.open = Some(file);
            self.files.push_back(LogFile { first, bytes: 0, begun: SystemTime::now(), path });
        }
        let Some(last) = self.files.back_mut() else { return Ok(()) };
        let mut file = match self.open.take() {
            Some(file) => file,
            None => File::options()
                .append(true)
                .open(&last.path)
                .map_err(EventsError::file("open", &last.path))?,
        };
        let written = file.seek(SeekFrom::Start(last.bytes)).and_then(|_| file.write_all(bytes));
        if let Err(error) = written.and_then(|()| file.sync_data()) {
            // what was half written would otherwise stand before the next line
            let _ = file.set_len(last.bytes);
            return Err(EventsError::file("write", &last.path)(error));
        }
        last.bytes += bytes.len() as u64;
        self.open = Some(file);
        Ok(())
    }
}

fn list(dir: &Path) -> Result<Vec<LogFile>, EventsError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(EventsError::file("read", dir))? {
        let path = entry.map_err(EventsError::file("read", dir))?.path();
        let name =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".ndjson"));
        let Some(first) = name.and_then(|name| name.parse().ok()) else { continue };
        let known = fs::metadata(&path).map_err(EventsError::file("read", &path))?;
        let begun = known.created().or_else(|_| known.modified()).unwrap_or_else(|_| SystemTime::now());
        files.push(LogFile { first, bytes: known.len(), begun, path });
    }
    files.sort_by_key(|file| file.first);
    Ok(files)
}

/// Cuts what a crash left half written, and says how many events there are and what is known of the last.
fn mend(file: &mut LogFile) -> Result<Option<(u64, Known)>, EventsError> {
    let opened = File::open(&file.path).map_err(EventsError::file("open", &file.path))?;
    let mut reader = BufReader::new(opened);
    let (mut count, mut good, mut newest) = (0, 0, None);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(EventsError::file("read", &file.path))?;
        let entry = serde_json::from_slice::<Entry>(&line).ok().filter(|_| line.last() == Some(&b'\n'));
        let Some(entry) = entry.filter(|entry| entry.event.sequence == file.first + count) else { break };
        count += 1;
        good += read as u64;
        newest = Some(newest.map_or((entry.journal, 1), |known| follow(known, &entry)));
    }
    if good < file.bytes {
        tracing::warn!(path = %file.path.display(), bytes = file.bytes - good, "cut the end of an event log");
        let opened = File::options().write(true).open(&file.path);
        let cut = opened.and_then(|opened| opened.set_len(good).and_then(|()| opened.sync_all()));
        cut.map_err(EventsError::file("mend", &file.path))?;
        file.bytes = good;
    }
    Ok(newest.map(|newest| (count, newest)))
}

/// One reader with its own place.
#[derive(Debug)]
pub struct LogReader {
    log: EventLog,
    head: watch::Receiver<u64>,
    place: u64,
    lost: u64,
    open: Option<Open>,
}

/// A file in the middle of being read.
#[derive(Debug)]
struct Open {
    file: BufReader<File>,
    /// The number of the next line.
    next: u64,
}

impl LogReader {
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
            self.head.mark_unchanged();
            let entries = self.ready_where(limit, &wanted).await?;
            if !entries.is_empty() {
                return Ok(entries);
            }
            self.head.changed().await.map_err(|_| EventsError::Stopped)?;
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

    async fn ready_where(
        &mut self,
        limit: usize,
        wanted: impl Fn(&CloudEvent) -> bool + Sync,
    ) -> Result<Vec<Arc<Entry>>, EventsError> {
        while self.place < self.log.head() {
            let first = self.log.first();
            if self.place + 1 < first {
                self.lost += first - 1 - self.place;
                self.place = first - 1;
                self.open = None;
                continue;
            }
            let (entries, place) = match self.log.recent(self.place, limit, &wanted) {
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

    /// The number of the last event handed out.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.place
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64) -> Entry {
        let event = serde_json::json!({"specversion": "1.0", "id": "x", "source": "s", "type": "t",
            "datacontenttype": "application/json", "sequence": sequence.to_string(), "data": {"n": sequence}});
        Entry { journal: Seq(sequence * 10), event: serde_json::from_value(event).unwrap(), rows: Vec::new() }
    }

    fn add(log: &EventLog, numbers: std::ops::RangeInclusive<u64>) {
        log.append(numbers.map(entry).collect()).unwrap();
    }

    async fn read(reader: &mut LogReader, upto: u64) -> Vec<u64> {
        let mut numbers = Vec::new();
        while reader.place() < upto {
            let batch = reader.next(7).await.unwrap();
            assert!(batch.len() <= 7);
            numbers.extend(batch.iter().map(|entry| entry.event.sequence));
        }
        numbers
    }

    fn newest(folder: &Path) -> PathBuf {
        list(folder).unwrap().pop().unwrap().path
    }

    #[tokio::test]
    async fn what_is_behind_memory_is_read_from_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path(), Seq(0)).unwrap();
        let total = RECENT as u64 * 2 + 5;
        for first in (1..=total).step_by(100) {
            add(&log, first..=(first + 99).min(total));
        }
        let mut reader = log.reader(3);
        assert_eq!(read(&mut reader, total).await, (4..=total).collect::<Vec<_>>());
        assert_eq!(reader.lost(), 0);
        let log = EventLog::open(folder.path(), Seq(0)).unwrap();
        assert_eq!((log.head(), log.known(), log.first()), (total, (Seq(total * 10), 1), 1));
        assert_eq!(read(&mut log.reader(0), total).await.len() as u64, total);
    }

    #[tokio::test]
    async fn what_is_not_wanted_is_passed_over_in_memory_and_in_files() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path(), Seq(0)).unwrap();
        let total = RECENT as u64 * 2;
        for first in (1..=total).step_by(100) {
            add(&log, first..=(first + 99).min(total));
        }
        let (mut reader, mut found) = (log.reader(0), Vec::new());
        while found.len() < 3 {
            let batch = reader.next_where(7, |event| event.sequence % 700 == 1).await.unwrap();
            found.extend(batch.iter().map(|entry| entry.event.sequence));
        }
        assert_eq!(found, [1, 701, 1_401]);
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, reader.next_where(7, |_| false)).await.is_err());
        assert_eq!((reader.place(), reader.lost()), (total, 0));
    }

    #[tokio::test]
    async fn a_reader_waits_and_is_woken() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path(), Seq(0)).unwrap();
        let mut reader = log.reader(0);
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, reader.next(5)).await.is_err());
        add(&log, 1..=2);
        assert_eq!(read(&mut reader, 2).await, [1, 2]);
    }

    #[tokio::test]
    async fn a_torn_end_is_cut_and_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path(), Seq(0)).unwrap();
        add(&log, 1..=3);
        drop(log);
        let path = newest(folder.path());
        let whole = fs::metadata(&path).unwrap().len();
        for cut in 1..60 {
            let file = File::options().write(true).open(&path).unwrap();
            file.set_len(whole - cut).unwrap();
            drop(file);
            let log = EventLog::open(folder.path(), Seq(0)).unwrap();
            assert_eq!((log.head(), log.known()), (2, (Seq(20), 1)), "{cut}");
            add(&log, 3..=3);
            assert_eq!(read(&mut log.reader(0), 3).await, [1, 2, 3]);
        }
    }

    #[tokio::test]
    async fn old_files_go_and_a_late_reader_is_told_how_many_it_lost() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=3u64 {
            let lines: Vec<u8> = (number * 10 - 9..=number * 10)
                .flat_map(|n| serde_json::to_vec(&entry(n)).unwrap().into_iter().chain([b'\n']))
                .collect();
            fs::write(folder.path().join(format!("{:020}.ndjson", number * 10 - 9)), lines).unwrap();
        }
        let log = EventLog::open(folder.path(), Seq(0)).unwrap();
        assert_eq!((log.first(), log.head()), (1, 30));
        log.prune(Duration::from_secs(3_600), u64::MAX).unwrap();
        assert_eq!(log.first(), 1, "young and small");
        log.prune(Duration::ZERO, u64::MAX).unwrap();
        assert_eq!((log.first(), log.head()), (21, 30), "never the one that is written to");
        let mut reader = log.reader(5);
        assert_eq!(read(&mut reader, 30).await, (21..=30).collect::<Vec<_>>());
        assert_eq!(reader.lost(), 15);
    }
}
