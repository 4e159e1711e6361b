//! Snapshot files: `snapshot-<seq>.bin`, written whole or not at all, checked when read.
//!
//! Layout, little-endian: magic `VTSNAP\r\n`, version u32, reserved u32, journal sequence u64, payload length u64,
//! SHA-256 of the payload (32 bytes), payload.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use voltwin_core::Seq;

use crate::StoreError;

const MAGIC: &[u8; 8] = b"VTSNAP\r\n";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const KEPT: usize = 2;

pub(crate) fn save(dir: &Path, seq: Seq, payload: &[u8]) -> Result<(), StoreError> {
    let path = dir.join(format!("snapshot-{seq}.bin"));
    let tmp = dir.join(format!("snapshot-{seq}.tmp"));
    let written = write(&tmp, seq, payload)
        .and_then(|()| fs::rename(&tmp, &path))
        .and_then(|()| File::open(dir)?.sync_all());
    if let Err(error) = written {
        // What is left of it is worth nothing and may be what fills the disk.
        let _ = fs::remove_file(&tmp);
        return Err(StoreError::folder("write", path)(error));
    }
    for (_, old) in list(dir)?.into_iter().skip(KEPT) {
        fs::remove_file(&old).map_err(StoreError::folder("remove", old))?;
    }
    Ok(())
}

fn write(path: &Path, seq: Seq, payload: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&VERSION.to_le_bytes())?;
    file.write_all(&[0; 4])?;
    file.write_all(&seq.0.to_le_bytes())?;
    file.write_all(&(payload.len() as u64).to_le_bytes())?;
    file.write_all(&Sha256::digest(payload))?;
    file.write_all(payload)?;
    file.sync_all()
}

/// The newest good one; damaged ones are passed over with a warning.
pub(crate) fn load(dir: &Path) -> Result<Option<(Seq, Vec<u8>)>, StoreError> {
    for (seq, path) in list(dir)? {
        match read(&path, seq) {
            Ok(payload) => return Ok(Some((seq, payload))),
            Err(reason) => tracing::warn!(path = %path.display(), %reason, "passing over a damaged snapshot"),
        }
    }
    Ok(None)
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
    fn the_two_newest_are_kept_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap(), None);
        for seq in [5, 9, 12] {
            save(dir.path(), Seq(seq), format!("graph at {seq}").as_bytes()).unwrap();
        }
        assert!(!dir.path().join("snapshot-5.bin").exists());
        assert_eq!(load(dir.path()).unwrap(), Some((Seq(12), b"graph at 12".to_vec())));
        let newest = dir.path().join("snapshot-12.bin");
        let good = fs::read(&newest).unwrap();
        for at in [0, 8, 16, 24, 32, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&newest, bytes).unwrap();
            assert_eq!(load(dir.path()).unwrap(), Some((Seq(9), b"graph at 9".to_vec())), "byte {at}");
        }
        fs::write(&newest, &good[..40]).unwrap();
        assert_eq!(load(dir.path()).unwrap().map(|s| s.0), Some(Seq(9)));
    }
}
