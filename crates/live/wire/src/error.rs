use thiserror::Error;

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The first four bytes are not those of a frame.
    #[error("magic is {found:#010x}, not 0x31575456")]
    Magic {
        /// What they are.
        found: u32,
    },
    /// Another version of the format.
    #[error("version is {found}, not 1")]
    Version {
        /// The version.
        found: u8,
    },
    /// A frame kind that the format does not have.
    #[error("kind {found} is none of 1 to 3")]
    Kind {
        /// The kind.
        found: u8,
    },
    /// A topic that the format does not have.
    #[error("topic {found} is not known")]
    Topic {
        /// The topic.
        found: u8,
    },
    /// Header flags are reserved.
    #[error("header flags are {found}, not 0")]
    Flags {
        /// The flags.
        found: u8,
    },
    /// Only an append has a base row, and its rows end below 2³².
    #[error("base row {base} does not go with {rows} rows of this kind")]
    Base {
        /// The base row.
        base: u32,
        /// Rows in the frame.
        rows: u32,
    },
    /// Too few or too many bytes.
    #[error("frame has {actual} bytes, not {expected}")]
    Length {
        /// The bytes that its header calls for.
        expected: u64,
        /// The bytes that are there.
        actual: u64,
    },
    /// Bytes that fill a column up are zeros.
    #[error("padding of column `{column}` is not zero")]
    Padding {
        /// The column.
        column: &'static str,
    },
    /// The offsets of the ids start at 0 and never fall.
    #[error("id offsets of row {row} are out of order")]
    Offsets {
        /// The row, from 0 in this frame.
        row: usize,
    },
    /// An id is not UTF-8.
    #[error("id of row {row} is not utf-8")]
    Utf8 {
        /// The row, from 0 in this frame.
        row: usize,
    },
}

impl WireError {
    /// A stable short name, the same in the TypeScript reader.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Magic { .. } => "magic",
            Self::Version { .. } => "version",
            Self::Kind { .. } => "kind",
            Self::Topic { .. } => "topic",
            Self::Flags { .. } => "flags",
            Self::Base { .. } => "base",
            Self::Length { .. } => "length",
            Self::Padding { .. } => "padding",
            Self::Offsets { .. } => "offsets",
            Self::Utf8 { .. } => "utf8",
        }
    }
}
