//! Continuation tokens: the query itself and where its answer stands, so that a server keeps nothing between pages.
//!
//! A token says nothing that its holder could not ask for, so it is checked for damage and not for forgery; what it
//! holds is read as any query is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::QueryError;
use crate::dialect::Dialect;
use crate::plan::{Access, Start};
use crate::walk::{Candidate, Standing};

const VERSION: u8 = 1;
/// Bytes of the checksum at the end.
const SUM_BYTES: usize = 8;
/// Characters of a token at most: those of the longest query, all of four bytes, and the numbers.
const TOKEN_MAX: usize = 4 * 4 * 32_000 / 3 + 128;

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Where the walk stands; `None` for ordered and grouped answers, which are walked anew.
    pub(crate) standing: Option<Standing>,
    /// Rows given so far.
    pub(crate) rows: u64,
}

/// The token of a query.
pub(crate) fn write(text: &str, dialect: Dialect, progress: &Progress) -> String {
    let mut bytes = vec![VERSION, u8::from(dialect.is_strict())];
    bytes.extend(progress.rows.to_le_bytes());
    match progress.standing {
        None => bytes.push(0),
        Some(Standing { start, candidate, given }) => {
            let access = Access::ALL.iter().position(|access| *access == start.access).unwrap_or_default();
            bytes.push(access as u8 + 1);
            bytes.push(start.slot as u8);
            bytes.extend(candidate.list.to_le_bytes());
            bytes.extend(candidate.place.to_le_bytes());
            bytes.extend(given.to_le_bytes());
        }
    }
    bytes.extend(text.as_bytes());
    bytes.extend(sum(&bytes).to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The query of a token, its dialect, and how far its answer has come.
pub(crate) fn read(token: &str) -> Result<(String, Dialect, Progress), QueryError> {
    if token.len() > TOKEN_MAX {
        return Err(wrong("it is too long"));
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong("it is not base64url"))?;
    let (body, checksum) = bytes.split_last_chunk::<SUM_BYTES>().ok_or_else(|| wrong("it is cut short"))?;
    if sum(body).to_le_bytes() != *checksum {
        return Err(wrong("it is damaged"));
    }
    let mut reader = Reader(body);
    let [version, strict] = reader.take()?;
    if version != VERSION {
        return Err(wrong("it is of another version"));
    }
    let dialect = if strict == 1 { Dialect::StrictAdt } else { Dialect::Superset };
    let rows = u64::from_le_bytes(reader.take()?);
    let standing = match reader.take::<1>()?[0] {
        0 => None,
        access => {
            let access = Access::ALL.get(usize::from(access) - 1).copied();
            let access = access.ok_or_else(|| wrong("it begins nowhere"))?;
            let start = Start { slot: usize::from(reader.take::<1>()?[0]), access };
            let candidate = Candidate {
                list: u32::from_le_bytes(reader.take()?),
                place: u32::from_le_bytes(reader.take()?),
            };
            Some(Standing { start, candidate, given: u64::from_le_bytes(reader.take()?) })
        }
    };
    let text = std::str::from_utf8(reader.0).map_err(|_| wrong("its query is no text"))?;
    Ok((text.to_owned(), dialect, Progress { standing, rows }))
}

pub(crate) fn wrong(reason: &'static str) -> QueryError {
    QueryError::Token { reason }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], QueryError> {
        let (head, rest) = self.0.split_first_chunk().ok_or_else(|| wrong("it is cut short"))?;
        self.0 = rest;
        Ok(*head)
    }
}

/// FNV-1a: enough against damage.
fn sum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
