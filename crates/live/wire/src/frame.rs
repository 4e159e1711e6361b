//! The header, and frames read back.

use crate::error::WireError;
use crate::topics::{CellType, Row, Topic, padding};

/// "VTW1" as a little-endian number.
pub const MAGIC: u32 = 0x3157_5456;
/// The version of the format.
pub const VERSION: u8 = 1;
/// Bytes of a header.
pub const HEADER_BYTES: usize = 40;

/// Bits of the `flags` columns.
pub mod flags {
    /// Station: it has a connection to us.
    pub const ONLINE: u8 = 1;
    /// Station, vehicle: an open alarm is not acknowledged.
    pub const ALARM_UNACKNOWLEDGED: u8 = 1 << 1;
    /// Station: new firmware is on its way into it.
    pub const FIRMWARE_UPDATE: u8 = 1 << 2;
    /// Station: it collects diagnostics.
    pub const DIAGNOSTICS: u8 = 1 << 3;
    /// Station, vehicle: the twin of this row is gone.
    pub const DELETED: u8 = 1 << 7;
}

/// What a frame does to the reader's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// All rows: forget what was there.
    Snapshot = 1,
    /// New values of the rows named.
    Delta = 2,
    /// New rows after those known.
    Append = 3,
}

impl FrameKind {
    /// The kind behind a header byte.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Snapshot),
            2 => Some(Self::Delta),
            3 => Some(Self::Append),
            _ => None,
        }
    }

    /// Its name in the reader.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Delta => "delta",
            Self::Append => "append",
        }
    }
}

/// The moment of a frame: what its header says besides its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Changes when row numbers do.
    pub epoch: u32,
    /// +1 per frame of the topic on this connection; a gap means resync.
    pub sequence: u32,
    /// The journal sequence that the frame reflects.
    pub journal_seq: u64,
    /// Server time in microseconds UTC.
    pub server_time_us: i64,
}

/// The first 40 bytes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it does.
    pub kind: FrameKind,
    /// What it is about.
    pub topic: Topic,
    /// Rows in this frame.
    pub rows: u32,
    /// The first row of an append; otherwise 0.
    pub base: u32,
    /// When, and after what.
    pub stamp: Stamp,
}

impl Header {
    /// Appends the 40 bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC.to_le_bytes());
        out.extend_from_slice(&[VERSION, self.kind as u8, self.topic.code(), 0]);
        for word in [self.stamp.epoch, self.rows, self.base, self.stamp.sequence] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.stamp.journal_seq.to_le_bytes());
        out.extend_from_slice(&self.stamp.server_time_us.to_le_bytes());
    }

    /// Reads the 40 bytes at the start of `bytes`.
    ///
    /// # Errors
    /// [`WireError`] when they are too few or one of them is not of this format.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(WireError::Length { expected: HEADER_BYTES as u64, actual: bytes.len() as u64 });
        };
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if word(0) != MAGIC {
            return Err(WireError::Magic { found: word(0) });
        }
        if head[4] != VERSION {
            return Err(WireError::Version { found: head[4] });
        }
        let kind = FrameKind::from_code(head[5]).ok_or(WireError::Kind { found: head[5] })?;
        let topic = Topic::from_code(head[6]).ok_or(WireError::Topic { found: head[6] })?;
        if head[7] != 0 {
            return Err(WireError::Flags { found: head[7] });
        }
        let (rows, base) = (word(12), word(16));
        let fits = match kind {
            FrameKind::Append => base.checked_add(rows).is_some(),
            FrameKind::Snapshot | FrameKind::Delta => base == 0,
        };
        if !fits {
            return Err(WireError::Base { base, rows });
        }
        let stamp = Stamp {
            epoch: word(8),
            sequence: word(20),
            journal_seq: long(24),
            server_time_us: long(32).cast_signed(),
        };
        Ok(Self { kind, topic, rows, base, stamp })
    }
}

/// A frame read back, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its header.
    pub header: Header,
    /// The row that each entry of the columns belongs to.
    pub rows: Vec<u32>,
    /// The cells, widened, in the order of [`Topic::columns`].
    pub columns: Vec<Vec<i64>>,
    /// The ids of the rows; empty for a delta.
    pub ids: Vec<String>,
}

impl Frame {
    /// The rows as structs of topic `R`; `None` when the frame is of another topic.
    #[must_use]
    pub fn typed<R: Row>(&self) -> Option<Vec<R>> {
        if self.header.topic != R::TOPIC {
            return None;
        }
        let mut cells = vec![0; self.columns.len()];
        (0..self.rows.len())
            .map(|row| {
                for (cell, column) in cells.iter_mut().zip(&self.columns) {
                    *cell = *column.get(row)?;
                }
                R::from_cells(&cells)
            })
            .collect()
    }
}

/// Reads one frame. Every length is checked before anything is allocated for it.
///
/// # Errors
/// [`WireError`] when the bytes are not exactly one frame of this format.
pub fn decode(bytes: &[u8]) -> Result<Frame, WireError> {
    let header = Header::read(bytes)?;
    let rows = u64::from(header.rows);
    let delta = header.kind == FrameKind::Delta;
    let cells: u64 =
        header.topic.columns().iter().map(|column| padded(rows * column.cell.width() as u64)).sum();
    let fixed = HEADER_BYTES as u64 + cells + if delta { rows * 4 } else { (rows + 1) * 4 };
    let actual = bytes.len() as u64;
    if actual < fixed || (delta && actual > fixed) {
        return Err(WireError::Length { expected: fixed, actual });
    }
    let mut reader = Reader { rest: &bytes[HEADER_BYTES..], rows: header.rows as usize };
    let numbers = if delta {
        reader.column(CellType::U32, "row")?.into_iter().map(|row| row as u32).collect()
    } else {
        (header.base..header.base + header.rows).collect()
    };
    let columns = header.topic.columns().iter().map(|column| reader.column(column.cell, column.name));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let ids = if delta { Vec::new() } else { reader.ids(fixed)? };
    Ok(Frame { header, rows: numbers, columns, ids })
}

const fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(4)
}

/// Walks over a body whose fixed part is known to be there.
struct Reader<'b> {
    rest: &'b [u8],
    rows: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, bytes: usize, what: &'static str) -> Result<&'b [u8], WireError> {
        let missing = WireError::Length { expected: bytes as u64, actual: self.rest.len() as u64 };
        let (part, rest) = self.rest.split_at_checked(bytes).ok_or(missing.clone())?;
        let (zeros, rest) = rest.split_at_checked(padding(bytes)).ok_or(missing)?;
        if zeros.iter().any(|zero| *zero != 0) {
            return Err(WireError::Padding { column: what });
        }
        self.rest = rest;
        Ok(part)
    }

    fn column(&mut self, cell: CellType, name: &'static str) -> Result<Vec<i64>, WireError> {
        let bytes = self.take(self.rows * cell.width(), name)?;
        Ok(cells(bytes, cell))
    }

    /// `fixed` is the length of the frame up to the bytes of the ids.
    fn ids(&mut self, fixed: u64) -> Result<Vec<String>, WireError> {
        let offsets = cells(self.take((self.rows + 1) * 4, "offsets")?, CellType::U32);
        let total = offsets.last().copied().unwrap_or(0) as u64;
        let (expected, actual) = (fixed + padded(total), fixed + self.rest.len() as u64);
        if expected != actual {
            return Err(WireError::Length { expected, actual });
        }
        if offsets.first() != Some(&0) {
            return Err(WireError::Offsets { row: 0 });
        }
        let bytes = self.take(total as usize, "ids")?;
        let id = |(row, ends): (usize, &[i64])| {
            let bytes = bytes.get(ends[0] as usize..ends[1] as usize).ok_or(WireError::Offsets { row })?;
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| WireError::Utf8 { row })
        };
        offsets.windows(2).enumerate().map(id).collect()
    }
}

fn cells(bytes: &[u8], cell: CellType) -> Vec<i64> {
    let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let half = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
    let chunks = bytes.chunks_exact(cell.width());
    match cell {
        CellType::U32 => chunks.map(|b| i64::from(word(b))).collect(),
        CellType::I32 => chunks.map(|b| i64::from(word(b).cast_signed())).collect(),
        CellType::U16 => chunks.map(|b| i64::from(half(b))).collect(),
        CellType::I16 => chunks.map(|b| i64::from(half(b).cast_signed())).collect(),
        CellType::U8 => bytes.iter().map(|b| i64::from(*b)).collect(),
    }
}
