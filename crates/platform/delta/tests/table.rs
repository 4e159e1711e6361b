//! Tables across crashes, repeated work and time. That other programs read them is shown in `tests/clients/delta.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use voltwin_delta::{Column, DeltaError, Kind, Table};

const COLUMNS: [Column; 2] = [
    Column { name: "TimeStamp", kind: Kind::Instant, nullable: false },
    Column { name: "Value", kind: Kind::Text, nullable: true },
];

fn open(folder: &Path) -> Table {
    Table::open(folder, "t", &COLUMNS, 0).unwrap()
}

fn rows(table: &Table, values: &[Option<&str>]) -> RecordBatch {
    let times =
        TimestampMicrosecondArray::from(vec![1_795_000_000_000_000; values.len()]).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![Arc::new(times), Arc::new(StringArray::from(values.to_vec()))];
    RecordBatch::try_new(table.schema(), columns).unwrap()
}

fn parts(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_str().unwrap().starts_with("part-")).count()
}

#[test]
fn an_append_is_made_once_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = open(folder.path());
    let batch = rows(&table, &[Some("1"), None]);
    assert!(table.append(&batch, ("a", 5), 1).unwrap());
    assert!(!table.append(&batch, ("a", 5), 1).unwrap());
    assert!(!table.append(&batch, ("a", 4), 1).unwrap());
    assert!(table.append(&batch, ("b", 1), 1).unwrap(), "another application counts for itself");
    let table = open(folder.path());
    assert_eq!((table.rows(), table.version_of("a"), table.version_of("c")), (4, Some(5), None));
}

#[test]
fn what_a_crash_left_is_removed_and_nothing_of_it_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = open(folder.path());
    let batch = rows(&table, &[Some("1")]);
    table.append(&batch, ("a", 1), 1).unwrap();
    fs::write(folder.path().join("part-torn.zstd.parquet"), b"PAR1").unwrap();
    fs::write(folder.path().join("_delta_log/.x.tmp"), b"{\"add\"").unwrap();
    let mut table = open(folder.path());
    assert_eq!((table.rows(), parts(folder.path())), (1, 1));
    assert!(!folder.path().join("_delta_log/.x.tmp").exists());
    assert!(table.append(&batch, ("a", 2), 2).unwrap());
    assert_eq!(open(folder.path()).rows(), 2);
}

#[test]
fn two_writers_never_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (open(folder.path()), open(folder.path()));
    let batch = rows(&one, &[Some("1")]);
    one.append(&batch, ("a", 1), 1).unwrap();
    let refused = other.append(&batch, ("b", 1), 1).unwrap_err();
    assert!(matches!(refused, DeltaError::Taken { version: 1, .. }), "{refused}");
    assert_eq!(open(folder.path()).rows(), 1);
}

#[test]
fn old_files_leave_the_table_at_once_and_the_disk_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = open(folder.path());
    let batch = rows(&table, &[Some("1")]);
    for version in 1..=4 {
        table.append(&batch, ("a", version), version * 1_000).unwrap();
    }
    assert_eq!(table.expire(2_000, u64::MAX, 10_000).unwrap(), 1);
    assert_eq!((table.rows(), parts(folder.path())), (3, 4));
    let one = table.bytes() / 3;
    assert_eq!(table.expire(0, one * 2, 11_000).unwrap(), 1, "the oldest above the bytes");
    let mut table = open(folder.path());
    assert_eq!((table.rows(), table.version_of("a")), (2, Some(4)));
    assert_eq!(table.expire(0, u64::MAX, 11_000 + 3_600_000).unwrap(), 0);
    assert_eq!(parts(folder.path()), 2);
}

/// The commits that a checkpoint stands for may go, or the checkpoint may be damaged.
#[test]
fn a_long_table_is_opened_from_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("_delta_log");
    let mut table = open(folder.path());
    let batch = rows(&table, &[Some("1"), None]);
    for version in 1..=120 {
        table.append(&batch, ("a", version), version).unwrap();
        if version == 40 {
            assert_eq!(table.expire(11, u64::MAX, 1_000).unwrap(), 10);
        }
    }
    let checkpoint = logs.join(format!("{:020}.checkpoint.parquet", 120));
    let pointer: serde_json::Value =
        serde_json::from_slice(&fs::read(logs.join("_last_checkpoint")).unwrap()).unwrap();
    // 40 appends, one expiry, which took out ten, and 79 appends more
    assert_eq!((pointer["version"].as_u64(), pointer["numOfAddFiles"].as_u64()), (Some(120), Some(109)));
    let state = |table: &Table| (table.rows(), table.bytes(), table.version_of("a"));
    let whole = state(&table);
    assert_eq!((whole.0, whole.2), (220, Some(120)));
    // damaged: the commits are all there
    let bytes = fs::read(&checkpoint).unwrap();
    fs::write(&checkpoint, "PAR1").unwrap();
    assert_eq!(state(&open(folder.path())), whole);
    fs::write(&checkpoint, bytes).unwrap();
    for version in 0..120 {
        fs::remove_file(logs.join(format!("{version:020}.json"))).unwrap();
    }
    fs::rename(&checkpoint, folder.path().join("aside")).unwrap();
    let lost = Table::open(folder.path(), "t", &COLUMNS, 0).unwrap_err().to_string();
    assert!(lost.contains("first commits are gone"), "{lost}");
    fs::rename(folder.path().join("aside"), &checkpoint).unwrap();
    let mut table = open(folder.path());
    assert_eq!((state(&table), parts(folder.path())), (whole, 120));
    assert!(!table.append(&batch, ("a", 120), 121).unwrap(), "what was written is known");
    assert_eq!(table.expire(0, u64::MAX, 1_000 + 3_600_000).unwrap(), 0);
    assert_eq!(parts(folder.path()), 110, "what was taken out before the checkpoint goes when it is due");
    assert!(table.append(&batch, ("a", 121), 121).unwrap());
    assert_eq!(open(folder.path()).rows(), 222);
    let other = Table::open(folder.path(), "t", &COLUMNS[..1], 0);
    assert!(other.is_err(), "its columns are known");
}

#[test]
fn a_table_of_other_columns_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path());
    let refused = Table::open(folder.path(), "t", &COLUMNS[..1], 0).unwrap_err().to_string();
    assert!(refused.contains("columns"), "{refused}");
}
