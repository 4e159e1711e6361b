//! What was given up: lines of NDJSON, one folder an endpoint.
//!
//! A letter has a number of its own. The newest file is written to; when it is full it becomes the older one, and what
//! was the older one goes, so that an endpoint that nobody repairs fills no disk.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;
use voltwin_routes::CloudEvent;

use crate::EventsError;

/// A file is followed by the next when it is this large; two are kept.
const FILE_BYTES: u64 = 16 * 1024 * 1024;
const NEWER: &str = "dead.ndjson";
const OLDER: &str = "dead.older.ndjson";

/// One event that an endpoint did not take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The number of the event in the log.
    pub sequence: u64,
    /// When it was given up.
    pub at: Timestamp,
    /// Attempts that were made.
    pub attempts: u32,
    /// Why the last one failed.
    pub reason: String,
    /// The event.
    pub event: CloudEvent,
}

/// The letters of one endpoint.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    folder: PathBuf,
    /// One writer at a time.
    turn: Mutex<()>,
}

impl DeadLetters {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, turn: Mutex::new(()) }
    }

    /// Adds one; durable when this returns. Blocks.
    pub(crate) fn add(&self, letter: &DeadLetter) -> Result<(), EventsError> {
        let _turn = self.turn.lock();
        let path = self.folder.join(NEWER);
        let mut line = serde_json::to_vec(letter)
            .map_err(|error| EventsError::file("write", &path)(std::io::Error::other(error)))?;
        line.push(b'\n');
        let write = || {
            fs::create_dir_all(&self.folder)?;
            if fs::metadata(&path).is_ok_and(|known| known.len() >= FILE_BYTES) {
                fs::rename(&path, self.folder.join(OLDER))?;
            }
            let mut file = File::options().append(true).create(true).open(&path)?;
            file.write_all(&line)?;
            file.sync_data()
        };
        write().map_err(EventsError::file("write", &path))
    }

    /// The letters with a number above `after`, in the order of numbers, at most `limit`. Blocks.
    pub(crate) fn list(&self, after: u64, limit: usize) -> Result<Vec<DeadLetter>, EventsError> {
        let _turn = self.turn.lock();
        let mut letters = self.read(OLDER)?;
        letters.extend(self.read(NEWER)?);
        letters.retain(|letter| letter.sequence > after);
        letters.sort_by_key(|letter| letter.sequence);
        letters.dedup_by_key(|letter| letter.sequence);
        letters.truncate(limit);
        Ok(letters)
    }

    /// How many bytes of letters there are.
    pub(crate) fn bytes(&self) -> u64 {
        [OLDER, NEWER].iter().filter_map(|name| Some(fs::metadata(self.folder.join(name)).ok()?.len())).sum()
    }

    /// Takes the letters with these numbers away. Blocks.
    pub(crate) fn remove(&self, numbers: &[u64]) -> Result<(), EventsError> {
        let _turn = self.turn.lock();
        for name in [OLDER, NEWER] {
            let letters = self.read(name)?;
            if letters.iter().any(|letter| numbers.contains(&letter.sequence)) {
                self.rewrite(name, letters.iter().filter(|letter| !numbers.contains(&letter.sequence)))?;
            }
        }
        Ok(())
    }

    fn rewrite<'a>(
        &self,
        name: &str,
        letters: impl Iterator<Item = &'a DeadLetter>,
    ) -> Result<(), EventsError> {
        let (path, draft) = (self.folder.join(name), self.folder.join("dead.tmp"));
        let write = |draft: &Path| {
            let mut file = File::create(draft)?;
            for letter in letters {
                serde_json::to_writer(&mut file, letter)?;
                file.write_all(b"\n")?;
            }
            file.sync_all()?;
            fs::rename(draft, &path)
        };
        write(&draft).map_err(EventsError::file("write", &path))
    }

    /// A line that a crash left half written is passed over.
    fn read(&self, name: &str) -> Result<Vec<DeadLetter>, EventsError> {
        let path = self.folder.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(EventsError::file("read", &path)(error)),
        };
        let lines: Result<Vec<Vec<u8>>, _> = BufReader::new(file).split(b'\n').collect();
        let lines = lines.map_err(EventsError::file("read", &path))?;
        Ok(lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(sequence: u64) -> DeadLetter {
        let event = serde_json::json!({"specversion": "1.0", "id": "x", "source": "s", "type": "t",
            "datacontenttype": "application/json", "sequence": sequence.to_string(), "data": {}});
        DeadLetter {
            sequence,
            at: Timestamp::from_micros(0),
            attempts: 3,
            reason: "HTTP 500".into(),
            event: serde_json::from_value(event).unwrap(),
        }
    }

    #[test]
    fn letters_are_listed_and_taken_away_and_survive_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters::new(folder.path().join("hook"));
        assert!(letters.list(0, 10).unwrap().is_empty());
        for sequence in [3, 1, 2, 2] {
            letters.add(&letter(sequence)).unwrap();
        }
        let numbers = |after, limit| -> Vec<u64> {
            letters.list(after, limit).unwrap().iter().map(|letter| letter.sequence).collect()
        };
        assert_eq!(numbers(0, 10), [1, 2, 3]);
        assert_eq!(numbers(1, 1), [2]);
        let mut file = File::options().append(true).open(folder.path().join("hook/dead.ndjson")).unwrap();
        file.write_all(b"{\"sequence\":9,").unwrap();
        letters.remove(&[2]).unwrap();
        assert_eq!(numbers(0, 10), [1, 3]);
        letters.add(&letter(4)).unwrap();
        assert_eq!(numbers(0, 10), [1, 3, 4]);
    }
}
