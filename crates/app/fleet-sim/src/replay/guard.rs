//! Reads at most so much, in lines of at most so much, without NUL bytes.

use std::io::{self, Read};

use super::{MAX_BYTES, MAX_LINE_BYTES, ReplayError};

/// Largest JSON file: its items are held in memory while it is read.
const MAX_JSON_BYTES: u64 = 256 << 20;

#[derive(Debug)]
pub(super) struct Guard<R> {
    inner: R,
    bytes: u64,
    bytes_max: u64,
    line: u64,
    line_bytes: u64,
    line_max: u64,
}

/// What the guard objects to, wrapped in an I/O error on its way through the parsers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("line {line}: {detail}")]
struct Objection {
    line: u64,
    detail: String,
}

impl<R: Read> Guard<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, bytes: 0, bytes_max: MAX_BYTES, line: 1, line_bytes: 0, line_max: MAX_LINE_BYTES }
    }

    /// JSON may stand on one line.
    pub(super) fn allow_long_lines(&mut self) {
        self.bytes_max = MAX_JSON_BYTES;
        self.line_max = MAX_JSON_BYTES;
    }

    fn object(&self, detail: String) -> io::Error {
        io::Error::other(Objection { line: self.line, detail })
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            if piece.contains(&0) {
                return Err(self.object("a NUL byte; this is not a text file".into()));
            }
            self.line_bytes += piece.len() as u64;
            if self.line_bytes > self.line_max {
                return Err(self.object(format!("the line is longer than {} bytes", self.line_max)));
            }
            if piece.ends_with(b"\n") {
                self.line += 1;
                self.line_bytes = 0;
            }
        }
        if self.bytes > self.bytes_max {
            return Err(self.object(format!("the file is larger than {} bytes unpacked", self.bytes_max)));
        }
        Ok(count)
    }
}

/// The error of a read: the guard's objection, or what the system or the unpacking said.
pub(super) fn explain(error: io::Error) -> ReplayError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Objection>()) {
        Some(objection) => ReplayError::Line { line: objection.line, detail: objection.detail.clone() },
        None => ReplayError::Read { path: String::new(), source: error },
    }
}
