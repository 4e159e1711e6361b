//! The columns of a topic as the server keeps them, with a version a row.

use crate::frame::{FrameKind, Header, Stamp};
use crate::topics::{Columns, Row, padding};

/// Rows that share one "newest version", so that a delta skips what has not changed.
const BLOCK: usize = 256;

/// All rows of one topic of one tenant: a vector a column, the ids, and for each row the version of its last
/// change. The version of the table grows with every change; a reader keeps the version of its last frame and
/// asks for what came after it, so any number of readers share one table.
///
/// Row numbers never change. A row whose twin is gone is marked by its deleted flag and may be taken over by
/// nobody: begin a new table with a new epoch to close the gaps.
#[derive(Debug, Clone)]
pub struct TopicTable<R: Row> {
    columns: R::Columns,
    id_ends: Vec<u32>,
    id_bytes: String,
    versions: Vec<u64>,
    block_versions: Vec<u64>,
    version: u64,
}

impl<R: Row> Default for TopicTable<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Row> TopicTable<R> {
    /// An empty table at version 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            columns: R::Columns::default(),
            id_ends: Vec::new(),
            id_bytes: String::new(),
            versions: Vec::new(),
            block_versions: Vec::new(),
            version: 0,
        }
    }

    /// Number of rows, deleted ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The version of the newest change; 0 before the first.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The version of the newest change of one row.
    #[must_use]
    pub fn row_version(&self, row: usize) -> Option<u64> {
        self.versions.get(row).copied()
    }

    /// The columns, for reading.
    #[must_use]
    pub fn columns(&self) -> &R::Columns {
        &self.columns
    }

    /// One row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<R> {
        self.columns.get(row)
    }

    /// The id of one row.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<&str> {
        let end = *self.id_ends.get(row)? as usize;
        let start = if row == 0 { 0 } else { self.id_ends[row - 1] as usize };
        self.id_bytes.get(start..end)
    }

    /// Appends a row and answers its number; `None` when the table is full (2³² − 1 rows or 4 GiB of ids).
    pub fn push(&mut self, id: &str, row: R) -> Option<u32> {
        let number = u32::try_from(self.len()).ok().filter(|n| *n != crate::NO_ROW)?;
        let end = u32::try_from(self.id_bytes.len() + id.len()).ok()?;
        self.id_bytes.push_str(id);
        self.id_ends.push(end);
        self.columns.push(row);
        self.versions.push(0);
        if self.versions.len() > self.block_versions.len() * BLOCK {
            self.block_versions.push(0);
        }
        self.touch(number as usize);
        Some(number)
    }

    /// Overwrites a row. False when nothing changed or there is no such row.
    pub fn set(&mut self, row: usize, value: R) -> bool {
        match self.columns.get(row) {
            Some(old) if old != value => {
                self.columns.put(row, value);
                self.touch(row);
                true
            }
            _ => false,
        }
    }

    fn touch(&mut self, row: usize) {
        self.version += 1;
        self.versions[row] = self.version;
        self.block_versions[row / BLOCK] = self.version;
    }

    /// Appends a snapshot frame of all rows to `out` and answers their number.
    pub fn encode_snapshot(&self, stamp: Stamp, out: &mut Vec<u8>) -> usize {
        self.encode_tail(FrameKind::Snapshot, 0, stamp, out)
    }

    /// Appends an append frame of the rows from `base` on to `out` and answers their number; writes nothing when
    /// there is none.
    pub fn encode_append(&self, base: usize, stamp: Stamp, out: &mut Vec<u8>) -> usize {
        if base >= self.len() {
            return 0;
        }
        self.encode_tail(FrameKind::Append, base, stamp, out)
    }

    /// Appends a delta frame to `out` of the rows that changed after version `since` and pass `filter`, and
    /// answers their number; writes nothing when there is none. Rows appended after `since` are among them:
    /// restrict the filter to rows that the reader knows, or send the append frame first.
    pub fn encode_delta(
        &self,
        since: u64,
        filter: impl Fn(usize) -> bool,
        stamp: Stamp,
        out: &mut Vec<u8>,
    ) -> usize {
        let rows = self.changed(since, filter);
        if rows.is_empty() {
            return 0;
        }
        header::<R>(FrameKind::Delta, rows.len(), 0, stamp).write(out);
        for row in &rows {
            out.extend_from_slice(&row.to_le_bytes());
        }
        self.columns.write_rows(rows.iter().map(|row| *row as usize), out);
        rows.len()
    }

    fn changed(&self, since: u64, filter: impl Fn(usize) -> bool) -> Vec<u32> {
        let mut rows = Vec::new();
        for (block, versions) in self.versions.chunks(BLOCK).enumerate() {
            if self.block_versions[block] <= since {
                continue;
            }
            let numbered = versions.iter().zip(block * BLOCK..);
            let fresh = numbered.filter(|(version, row)| **version > since && filter(*row));
            rows.extend(fresh.map(|(_, row)| row as u32));
        }
        rows
    }

    fn encode_tail(&self, kind: FrameKind, base: usize, stamp: Stamp, out: &mut Vec<u8>) -> usize {
        let rows = self.len() - base;
        header::<R>(kind, rows, base, stamp).write(out);
        self.columns.write_rows(base..self.len(), out);
        let start = if base == 0 { 0 } else { self.id_ends[base - 1] };
        out.extend_from_slice(&0u32.to_le_bytes());
        for end in &self.id_ends[base..] {
            out.extend_from_slice(&(end - start).to_le_bytes());
        }
        let ids = &self.id_bytes.as_bytes()[start as usize..];
        out.extend_from_slice(ids);
        out.resize(out.len() + padding(ids.len()), 0);
        rows
    }
}

fn header<R: Row>(kind: FrameKind, rows: usize, base: usize, stamp: Stamp) -> Header {
    // Both fit: `push` keeps the number of rows below 2³².
    Header { kind, topic: R::TOPIC, rows: rows as u32, base: base as u32, stamp }
}
