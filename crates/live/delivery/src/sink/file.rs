//! Events as lines of files in the data folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use voltwin_routes::CloudEvent;

use super::{SendError, Sending, Sink};

/// A file is followed by the next when it is this large.
const FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Files kept; the oldest goes first.
const FILES_MAX: usize = 16;

/// Writes NDJSON files, `FIRST.ndjson` after the number of the first event in each.
pub(crate) struct FileSink {
    folder: PathBuf,
    open: Arc<Mutex<Option<(File, u64)>>>,
}

impl FileSink {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, open: Arc::default() }
    }
}

impl Sink for FileSink {
    fn send<'a>(&'a self, event: &'a CloudEvent) -> Sending<'a> {
        let (folder, open) = (self.folder.clone(), self.open.clone());
        let (first, mut line) = (event.sequence, event.structured());
        line.push('\n');
        Box::pin(async move {
            let work = tokio::task::spawn_blocking(move || write(&folder, &mut open.lock(), first, &line));
            let written = work.await.map_err(|error| SendError::again(error.to_string()))?;
            written.map_err(|error| SendError::again(format!("the file cannot be written: {error}")))
        })
    }
}

fn write(folder: &Path, open: &mut Option<(File, u64)>, first: u64, line: &str) -> io::Result<()> {
    let (mut file, bytes) = match open.take().filter(|(_, bytes)| *bytes < FILE_BYTES) {
        Some(known) => known,
        None => {
            fs::create_dir_all(folder)?;
            let file = File::create(folder.join(format!("{first:020}.ndjson")))?;
            prune(folder)?;
            (file, 0)
        }
    };
    file.write_all(line.as_bytes())?;
    file.sync_data()?;
    *open = Some((file, bytes + line.len() as u64));
    Ok(())
}

fn prune(folder: &Path) -> io::Result<()> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "ndjson"));
    files.sort();
    let surplus = files.len().saturating_sub(FILES_MAX);
    files.iter().take(surplus).try_for_each(fs::remove_file)
}
