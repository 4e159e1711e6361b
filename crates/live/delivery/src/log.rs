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
use crate::reader::LogReader;
use crate::tail::{Following, Tails};

/// A file is followed by the next when it is this large or this old.
const FILE_BYTES: u64 = 8 * 1024 * 1024;
const FILE_AGE: Duration = Duration::from_secs(3_600);
/// Events kept in memory for readers that are close behind.
const RECENT: usize = 1_024;

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
    /// Readers that have everything and wait for what concerns one subject.
    tails: Tails,
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
pub(crate) struct LogFile {
    pub(crate) first: u64,
    bytes: u64,
    begun: SystemTime,
    pub(crate) path: PathBuf,
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
            tails: Tails::default(),
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
    pub fn append(&self, entries: &[Arc<Entry>]) -> Result<(), EventsError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let head = last.event.sequence;
        let mut bytes = Vec::new();
        for entry in entries {
            let written = serde_json::to_writer(&mut bytes, &**entry).map_err(std::io::Error::other);
            written.map_err(EventsError::file("write", &self.shared.dir))?;
            bytes.push(b'\n');
        }
        let mut state = self.shared.state.lock();
        state.write(&self.shared.dir, self.head() + 1, &bytes)?;
        state.known = entries.iter().fold(state.known, |known, entry| follow(known, entry));
        let mut recent = self.shared.recent.write();
        recent.extend(entries.iter().cloned());
        let surplus = recent.len().saturating_sub(RECENT);
        recent.drain(..surplus);
        drop(recent);
        self.shared.tails.push(entries);
        // with the state still held: whoever follows a subject from the head on misses nothing
        self.shared.head.send_replace(head);
        drop(state);
        Ok(())
    }

    /// What comes after `place` about a subject; `None` where `place` is not the head.
    pub(crate) fn follow(&self, subject: &str, place: u64) -> Option<Following> {
        let _state = self.shared.state.lock();
        (self.head() == place).then(|| self.shared.tails.follow(subject))
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
        LogReader::new(self.clone(), self.shared.head.subscribe(), place)
    }

    /// Of the events in memory the next that are wanted, and up to which number there are no others; `None` where the next
    /// event is not in memory.
    pub(crate) fn recent(
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

    pub(crate) fn file_of(&self, sequence: u64) -> Option<LogFile> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Gap;

    fn entry(sequence: u64) -> Entry {
        let event = serde_json::json!({"specversion": "1.0", "id": "x", "source": "s", "type": "t",
            "subject": format!("T-{}", sequence % 3), "datacontenttype": "application/json",
            "sequence": sequence.to_string(), "data": {"n": sequence}});
        Entry { journal: Seq(sequence * 10), event: serde_json::from_value(event).unwrap(), rows: Vec::new() }
    }

    fn add(log: &EventLog, numbers: std::ops::RangeInclusive<u64>) {
        log.append(&numbers.map(entry).map(Arc::new).collect::<Vec<_>>()).unwrap();
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

    /// A reader about one subject gets all of it, once and in order, however its reading falls between the writing: close
    /// behind, behind its own queue, and behind memory.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_about_a_subject_gets_all_of_it_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open(folder.path(), Seq(0)).unwrap();
        let total = RECENT as u64 * 12;
        let writer = {
            let log = log.clone();
            tokio::task::spawn_blocking(move || {
                for first in (1..=total).step_by(64) {
                    add(&log, first..=(first + 63).min(total));
                }
            })
        };
        let readers: tokio::task::JoinSet<u64> = (0..9u64)
            .map(|number| {
                let mut reader = log.reader(0).about(&format!("T-{}", number % 3));
                async move {
                    let wanted: Vec<u64> = (1..=total).filter(|n| n % 3 == number % 3).collect();
                    let mut found = Vec::new();
                    while found.len() < wanted.len() {
                        let batch = reader.next_where(7, |_| true).await.unwrap();
                        found.extend(batch.iter().map(|entry| entry.event.sequence));
                        if found.len() as u64 % 1_000 < number * 7 {
                            tokio::time::sleep(Duration::from_millis(number)).await;
                        }
                    }
                    assert_eq!(found, wanted);
                    reader.place()
                }
            })
            .collect();
        writer.await.unwrap();
        assert!(readers.join_all().await.iter().all(|place| *place + 3 > total));
        let mut reader = log.reader(total).about("T-1");
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, reader.next_where(7, |_| true)).await.is_err());
        add(&log, total + 1..=total + 2);
        assert_eq!(reader.place(), total, "what waits for it is not read");
        let batch = reader.next_where(7, |_| true).await.unwrap();
        assert_eq!(batch.len(), 1);
        add(&log, total + 3..=total + 3);
        assert!(tokio::time::timeout(soon, reader.next_where(7, |_| true)).await.is_err());
        assert_eq!((reader.place(), reader.lost()), (total + 3, 0), "it has seen that nothing is about it");
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
        let gap = Gap { from: 6, to: 20, events: 15 };
        assert_eq!(reader.take_gap(), Some(gap));
        let event: serde_json::Value =
            serde_json::from_str(&gap.event("north.voltwin").structured()).unwrap();
        assert_eq!((&event["type"], &event["sequence"]), (&"Voltwin.EventLog.Gap".into(), &"20".into()));
        assert_eq!((&event["data"]["from"], &event["data"]["to"]), (&6.into(), &20.into()));
        assert_eq!(reader.take_gap(), None, "told once");
    }
}
