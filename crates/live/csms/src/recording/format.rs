//! The lines of a recording, and the check that each carries.

use std::io::{BufRead, Read as _};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use voltwin_core::{PropertyName, RelationshipId, Timestamp, TransactionFact, TwinId};
use voltwin_ocpp::Validation;
use voltwin_store::{IdToken, TokenPolicy, TokenStatus};

/// The newest format that is understood.
pub(super) const FORMAT: u32 = 1;
/// The longest line: a header with the device model of a large station.
const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most lines that are read.
const LINES_MAX: usize = 400_000;
/// What stands before the check of a line.
const CHECK: &str = ",\"check\":\"";
/// Hexadecimal digits of a check.
const CHECK_DIGITS: usize = 16;

/// Why a recording cannot be made, found, read or played.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// A line is not what was written.
    #[error("line {line}: {detail}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// There is none of this id.
    #[error("there is no recording `{0}`")]
    Missing(String),
    /// It cannot be done now.
    #[error("{0}")]
    Refused(String),
    /// A file cannot be read or written.
    #[error("the file of a recording failed: {0}")]
    Io(#[from] std::io::Error),
}

/// The first line: what there was when the recording began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The format, 1.
    pub(crate) voltwin_recording: u32,
    /// The version of this library that wrote it.
    pub(crate) library: String,
    /// When it began.
    pub(crate) at: Timestamp,
    /// The station's identity.
    pub(crate) station: TwinId,
    /// The OCPP version of its connection, when it had one.
    pub(crate) version: Option<String>,
    /// How strictly it was held to the protocol.
    pub(crate) validation: Validation,
    /// Seconds between heartbeats that it is told.
    pub(crate) heartbeat_s: u32,
    /// Seconds that it may take to answer.
    pub(crate) call_timeout_s: u32,
    /// The largest frame in bytes.
    pub(crate) max_frame_bytes: usize,
    /// The largest frame of a message that may be long, in bytes.
    #[serde(default)]
    pub(crate) max_report_bytes: usize,
    /// What happens with id tokens that are not listed.
    pub(crate) unknown_tokens: TokenPolicy,
    /// The station's twins.
    pub(crate) twins: Vec<RecordedTwin>,
    /// What was known of them beyond properties: twin, topic, key, value.
    pub(crate) records: Vec<(TwinId, String, String, Json)>,
    /// The events of the transactions that ran.
    pub(crate) transactions: Vec<(Timestamp, TransactionFact)>,
}

/// One twin as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedTwin {
    /// Its id.
    pub(crate) id: TwinId,
    /// Its model.
    pub(crate) model: String,
    /// Its properties: name, value, and when it took it.
    pub(crate) properties: Vec<(PropertyName, Json, Timestamp)>,
    /// Its relationships: id, name, target.
    pub(crate) links: Vec<(RelationshipId, PropertyName, TwinId)>,
}

/// A further line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(crate) enum Line {
    /// A connection opened.
    Open {
        /// When.
        at: Timestamp,
        /// The OCPP version.
        version: String,
    },
    /// It closed.
    Close {
        /// When.
        at: Timestamp,
    },
    /// What the tenant's list says of a token that the next frame names.
    Token {
        /// When it was looked up.
        at: Timestamp,
        /// The token.
        token: String,
        /// What it may do.
        status: TokenStatus,
        /// All that was decided of it, without the note; recordings of an earlier version have the status alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<Box<IdToken>>,
    },
    /// A frame passed.
    Frame {
        /// When.
        at: Timestamp,
        /// `in` from the station, `out` to it.
        direction: String,
        /// `call`, `result`, `error`, `send` or `malformed`.
        kind: String,
        /// Its action.
        action: Option<String>,
        /// Its message id.
        id: Option<String>,
        /// The frame, secrets masked.
        text: String,
    },
    /// The recording ended in order.
    End {
        /// When.
        at: Timestamp,
        /// Frames in it.
        frames: u64,
        /// Lines that were lost.
        dropped: u64,
    },
}

impl Line {
    /// When it happened.
    #[must_use]
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Self::Open { at, .. }
            | Self::Close { at }
            | Self::Token { at, .. }
            | Self::Frame { at, .. }
            | Self::End { at, .. } => *at,
        }
    }
}

/// Chains the checks of lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    last: String,
}

impl Chain {
    /// The line as it is written, with its check and a line break.
    pub(super) fn seal(&mut self, line: &impl Serialize) -> Result<String, serde_json::Error> {
        let json = serde_json::to_string(line)?;
        let check = self.next(&json);
        let open = json.strip_suffix('}').unwrap_or(&json);
        Ok(format!("{open}{CHECK}{check}\"}}\n"))
    }

    /// The line without its check, if it is the one that was written here.
    fn open(&mut self, text: &str) -> Result<String, String> {
        let cut = || "it is cut short or carries no check".to_owned();
        let (open, rest) = text.rsplit_once(CHECK).ok_or_else(cut)?;
        let check = rest.strip_suffix("\"}").filter(|check| check.len() == CHECK_DIGITS).ok_or_else(cut)?;
        let json = format!("{open}}}");
        if self.next(&json) != check {
            return Err(
                "it or a line before it is not what was recorded: the check does not match".to_owned()
            );
        }
        Ok(json)
    }

    fn next(&mut self, json: &str) -> String {
        let mut digest = Sha256::new();
        digest.update(self.last.as_bytes());
        digest.update(json.as_bytes());
        let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.last = hex[..CHECK_DIGITS].to_owned();
        self.last.clone()
    }
}

/// Reads a recording whole.
pub(super) fn read(mut source: impl BufRead) -> Result<(Header, Vec<Line>), RecordingError> {
    let mut chain = Chain::default();
    let first = next_line(&mut source, 1)?
        .ok_or_else(|| RecordingError::Line { line: 1, detail: "the file is empty".to_owned() })?;
    let header: Header = parse(&mut chain, &first, 1)?;
    if header.voltwin_recording != FORMAT {
        let detail = format!("format {} is not known here; {FORMAT} is", header.voltwin_recording);
        return Err(RecordingError::Line { line: 1, detail });
    }
    let mut lines = Vec::new();
    let mut last = header.at;
    while let Some(text) = next_line(&mut source, lines.len() + 2)? {
        let number = lines.len() + 2;
        if number > LINES_MAX {
            let detail = format!("more than {LINES_MAX} lines");
            return Err(RecordingError::Line { line: number, detail });
        }
        let line: Line = parse(&mut chain, &text, number)?;
        // the clock that is played is never turned back
        last = last.max(line.at());
        lines.push(line);
    }
    Ok((header, lines))
}

fn parse<T: serde::de::DeserializeOwned>(
    chain: &mut Chain,
    text: &str,
    line: usize,
) -> Result<T, RecordingError> {
    let json = chain.open(text).map_err(|detail| RecordingError::Line { line, detail })?;
    serde_json::from_str(&json).map_err(|error| RecordingError::Line { line, detail: error.to_string() })
}

fn next_line(source: &mut impl BufRead, line: usize) -> Result<Option<String>, RecordingError> {
    let mut bytes = Vec::new();
    let limit = LINE_BYTES_MAX as u64 + 1;
    source.by_ref().take(limit).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() > LINE_BYTES_MAX {
        let detail = format!("it has more than {LINE_BYTES_MAX} bytes");
        return Err(RecordingError::Line { line, detail });
    }
    if bytes.pop() != Some(b'\n') {
        let detail = "it is cut short: the line break is missing".to_owned();
        return Err(RecordingError::Line { line, detail });
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| RecordingError::Line { line, detail: "it is not UTF-8".to_owned() })
}
