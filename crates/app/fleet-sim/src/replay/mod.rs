//! Recorded charging sessions, told again by virtual stations over real sockets.

mod acn;
mod guard;
mod profile;
mod run;
mod table;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use jiff::civil::Date;
use voltwin_core::{Decimal, Timestamp};

use guard::Guard;
pub use profile::{EnergyProfile, ProfilePoint};
pub use run::{Replay, ReplayConfig, ReplayProgress, ReplayProtocol, ReplayReport, SessionReport};

/// Largest file after decompression, in bytes.
pub const MAX_BYTES: u64 = 1 << 30;
/// Longest line of a CSV file, in bytes.
pub const MAX_LINE_BYTES: u64 = 1 << 20;
/// Most sessions in a file.
pub const MAX_ROWS: usize = 5_000_000;
/// Most energy of one session in kWh.
pub const MAX_ENERGY_KWH: u32 = 10_000;

/// One charging session as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedSession {
    /// Its id, unique in the file.
    pub session_id: String,
    /// Where it was.
    pub station_id: String,
    /// When the vehicle was plugged in.
    pub arrival: Timestamp,
    /// When it left; after `arrival`.
    pub departure: Timestamp,
    /// When the current ended, if recorded; within the stay.
    pub done_charging: Option<Timestamp>,
    /// Energy delivered in Wh, exactly as recorded.
    pub energy_wh: Decimal,
    /// The local date of the arrival.
    pub day: Date,
    /// Where it stands in the file: the line of a CSV file, the number of the item (from 1) of a JSON file.
    pub line: u64,
}

/// Why a file or a selection of sessions cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("session file {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is empty.
    #[error("session file holds no sessions: {detail}")]
    Empty {
        /// What is missing.
        detail: &'static str,
    },
    /// A limit is exceeded or the text is not text.
    #[error("session file line {line}: {detail}")]
    Line {
        /// Line, from 1.
        line: u64,
        /// What is wrong, with the limit.
        detail: String,
    },
    /// The header line lacks a column or has one twice.
    #[error("session file line 1, column `{column}`: {detail}")]
    Header {
        /// The column.
        column: String,
        /// What is wrong.
        detail: &'static str,
    },
    /// A value cannot be used.
    #[error("session file {place} {line}, column `{column}`: `{value}` {detail}")]
    Value {
        /// `line` or `item`.
        place: &'static str,
        /// Which, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there, cut to 80 characters.
        value: String,
        /// What is wrong, with the limit.
        detail: String,
    },
    /// Two sessions use one station at one time.
    #[error(
        "sessions `{first}` and `{second}` overlap on station {station}: the second begins at {begins}, before the first ends at {ends}"
    )]
    Overlap {
        /// The station.
        station: String,
        /// The session that began first.
        first: String,
        /// The session that began before its end.
        second: String,
        /// When the second begins.
        begins: Timestamp,
        /// When the first ends.
        ends: Timestamp,
    },
    /// A setting is out of range, or nothing is left to replay.
    #[error("{field} is {value}: {rule}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        rule: String,
    },
}

/// Reads recorded sessions in the order of the file: CSV with the columns `arrival`, `departure`, `station_id`,
/// `session_id` and `delivered_energy (kWh)`, or the JSON of the ACN-Data interface; either may be gzipped. The whole
/// file is checked before anything is answered.
///
/// # Errors
/// [`ReplayError`] names line (in JSON: item) and column of the first thing that is wrong.
pub fn read_sessions(path: impl AsRef<Path>) -> Result<Vec<RecordedSession>, ReplayError> {
    let path = path.as_ref();
    let fail = |source| ReplayError::Read { path: path.display().to_string(), source };
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
    let zipped = file.fill_buf().map_err(fail)?.starts_with(&[0x1f, 0x8b]);
    let result = if zipped { parse_sessions(MultiGzDecoder::new(file)) } else { parse_sessions(file) };
    result.map_err(|error| match error {
        ReplayError::Read { source, .. } => fail(source),
        other => other,
    })
}

/// Reads recorded sessions from text already unpacked.
///
/// # Errors
/// As [`read_sessions`].
pub fn parse_sessions(input: impl Read) -> Result<Vec<RecordedSession>, ReplayError> {
    let mut input = BufReader::new(Guard::new(input));
    let read = |source| guard::explain(source);
    let mut first = input.fill_buf().map_err(read)?;
    if first.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
        first = input.fill_buf().map_err(read)?;
    }
    let begins = first.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    let sessions = match begins {
        None => return Err(ReplayError::Empty { detail: "it is empty" }),
        // ACN-Sim saves its event queue so: a JSON string that holds a registry of Python objects
        Some(b'"') => {
            let detail =
                "it is JSON, and neither ACN-Data (an object with `_items`, or a list of sessions) nor CSV";
            return Err(ReplayError::Empty { detail });
        }
        Some(b'{' | b'[') => {
            input.get_mut().allow_long_lines();
            acn::parse(input)?
        }
        Some(_) => table::parse(input)?,
    };
    if sessions.is_empty() {
        return Err(ReplayError::Empty { detail: "there is none in it" });
    }
    let mut seen = std::collections::HashMap::with_capacity(sessions.len());
    for session in &sessions {
        if let Some(line) = seen.insert(session.session_id.as_str(), session.line) {
            let detail = format!("stands at {line} already; a session id must be unique");
            return Err(bad("line", session.line, "session_id", &session.session_id, detail));
        }
    }
    Ok(sessions)
}

fn bad(
    place: &'static str,
    line: u64,
    column: &'static str,
    value: &str,
    detail: impl Into<String>,
) -> ReplayError {
    let value = value.chars().take(80).collect();
    ReplayError::Value { place, line, column, value, detail: detail.into() }
}

/// Energy as text in kWh, exactly in Wh.
fn energy_wh(text: &str) -> Result<Decimal, String> {
    let parsed = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text)
    } else {
        Decimal::from_str_exact(text)
    };
    let energy_kwh = parsed.map_err(|_| "is not a number with at most 18 decimals".to_owned())?;
    if energy_kwh.scale() > 18 {
        return Err("is not a number with at most 18 decimals".into());
    }
    if energy_kwh.is_sign_negative() && !energy_kwh.is_zero() {
        return Err("is negative".into());
    }
    if energy_kwh > Decimal::from(MAX_ENERGY_KWH) {
        return Err(format!("is above {MAX_ENERGY_KWH} kWh"));
    }
    energy_kwh.checked_mul(Decimal::ONE_THOUSAND).ok_or_else(|| "has too many digits".to_owned())
}

fn check_station(id: &str) -> Result<(), &'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.+%_#*?!(),=@$'".contains(&b);
    if (1..=40).contains(&id.len()) && id.bytes().all(allowed) {
        Ok(())
    } else {
        Err("is not 1 to 40 characters of letters, digits and - . + % _ # * ? ! ( ) , = @ $ '")
    }
}

fn check_session(id: &str) -> Result<(), &'static str> {
    if (1..=255).contains(&id.chars().count()) && !id.chars().any(char::is_control) {
        Ok(())
    } else {
        Err("is not 1 to 255 printable characters")
    }
}
