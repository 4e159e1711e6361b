//! Snapshot files: `snapshot-<seq>.bin`, written whole or not at all, checked when read.
//!
//! Layout, little-endian: magic `VTSNAP\r\n`, version u32, seconds since 1970 u32 (0 where it is not known), journal
//! sequence u64, payload length u64, SHA-256 of the payload (32 bytes), payload.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use voltwin_core::{Seq, Timestamp};

use crate::StoreError;

const MAGIC: &[u8; 8] = b"VTSNAP\r\n";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;

/// A snapshot file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// It holds every event up to this place, and perhaps some that follow.
    pub seq: Seq,
    /// Everything that it holds had been received by then; `None` for those of a release that did not say.
    pub taken: Option<Timestamp>,
}

pub(crate) fn save(dir: &Path, info: SnapshotInfo, payload: &[u8]) -> Result<(), StoreError> {
    let seq = info.seq;
    let path = dir.join(format!("snapshot-{seq}.bin"));
    let tmp = dir.join(format!("snapshot-{seq}.tmp"));
    let written = write(&tmp, info, payload)
        .and_then(|()| fs::rename(&tmp, &path))
        .and_then(|()| File::open(dir)?.sync_all());
    if let Err(error) = written {
        // What is left of it is worth nothing and may be what fills the disk.
        let _ = fs::remove_file(&tmp);
        return Err(StoreError::folder("write", path)(error));
    }
    Ok(())
}

/// Removes a snapshot that is not needed any more.
pub(crate) fn remove(dir: &Path, seq: Seq) -> Result<(), StoreError> {
    let path = dir.join(format!("snapshot-{seq}.bin"));
    fs::remove_file(&path).map_err(StoreError::folder("remove", path))
}

/// All snapshots, newest first; files that are none are passed over.
pub(crate) fn infos(dir: &Path) -> Result<Vec<SnapshotInfo>, StoreError> {
    let info = |(seq, path): (Seq, PathBuf)| {
        let mut header = [0; HEADER_BYTES];
        File::open(path).and_then(|mut file| file.read_exact(&mut header)).ok()?;
        let seconds = u32::from_le_bytes(std::array::from_fn(|i| header[12 + i]));
        let taken = (seconds > 0).then(|| Timestamp::from_millis(i64::from(seconds) * 1_000));
        Some(SnapshotInfo { seq, taken })
    };
    Ok(list(dir)?.into_iter().filter_map(info).collect())
}

/// One snapshot; `None` where it is gone or damaged.
pub(crate) fn load(dir: &Path, seq: Seq) -> Option<Vec<u8>> {
    let path = dir.join(format!("snapshot-{seq}.bin"));
    let read = read(&path, seq);
    read.inspect_err(|reason| tracing::warn!(path = %path.display(), %reason, "cannot read a snapshot")).ok()
}

fn write(path: &Path, info: SnapshotInfo, payload: &[u8]) -> io::Result<()> {
    // Rounded up: what it holds was there by then.
    let seconds = info.taken.map_or(0, |taken| taken.as_micros().div_euclid(1_000_000) + 1);
    let mut file = File::create(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&VERSION.to_le_bytes())?;
    file.write_all(&u32::try_from(seconds).unwrap_or(0).to_le_bytes())?;
    file.write_all(&info.seq.0.to_le_bytes())?;
    file.write_all(&(payload.len() as u64).to_le_bytes())?;
    file.write_all(&Sha256::digest(payload))?;
    file.write_all(payload)?;
    file.sync_all()
}

fn read(path: &Path, seq: Seq) -> io::Result<Vec<u8>> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut file = File::open(path)?;
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header)?;
    let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| header[at + i]));
    if &header[..8] != MAGIC {
        return Err(bad("not a snapshot"));
    }
    if header[8..12] != VERSION.to_le_bytes() {
        return Err(bad("another format version"));
    }
    if u64_at(16) != seq.0 {
        return Err(bad("the sequence in the file is not that of its name"));
    }
    // The length is believed only where the file has it: no allocation on the word of a damaged header.
    if file.metadata()?.len() != u64_at(24).saturating_add(HEADER_BYTES as u64) {
        return Err(bad("not as long as it says"));
    }
    let mut payload = Vec::new();
    file.read_to_end(&mut payload)?;
    if Sha256::digest(&payload).as_slice() != &header[32..] {
        return Err(bad("checksum differs"));
    }
    Ok(payload)
}

/// All snapshot files, newest first.
fn list(dir: &Path) -> Result<Vec<(Seq, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(StoreError::folder("read", dir))? {
        let path = entry.map_err(StoreError::folder("read", dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("snapshot-").and_then(|rest| rest.strip_suffix(".bin"));
        if let Some(seq) = number.and_then(|number| number.parse().ok()) {
            found.push((Seq(seq), path));
        }
    }
    found.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_say_when_they_were_taken_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(infos(dir.path()).unwrap(), []);
        let taken = Some(Timestamp::from_micros(1_795_000_000_000_001));
        for seq in [5, 9, 12] {
            let info = SnapshotInfo { seq: Seq(seq), taken: taken.filter(|_| seq > 5) };
            save(dir.path(), info, format!("graph at {seq}").as_bytes()).unwrap();
        }
        let rounded = Some(Timestamp::from_micros(1_795_000_001_000_000));
        let info = |seq: u64, taken| SnapshotInfo { seq: Seq(seq), taken };
        assert_eq!(infos(dir.path()).unwrap(), [info(12, rounded), info(9, rounded), info(5, None)]);
        remove(dir.path(), Seq(5)).unwrap();
        assert_eq!(
            (load(dir.path(), Seq(5)), load(dir.path(), Seq(9))),
            (None, Some(b"graph at 9".to_vec()))
        );
        let newest = dir.path().join("snapshot-12.bin");
        let good = fs::read(&newest).unwrap();
        for at in [0, 8, 16, 24, 32, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&newest, bytes).unwrap();
            assert_eq!(load(dir.path(), Seq(12)), None, "byte {at}");
        }
        fs::write(&newest, &good[..40]).unwrap();
        assert_eq!((load(dir.path(), Seq(12)), infos(dir.path()).unwrap().len()), (None, 1));
    }
}
