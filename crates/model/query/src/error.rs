use std::fmt;

use thiserror::Error;

/// A place in the text of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

impl Position {
    /// The place of a byte of `text`; one past its end is its end.
    pub(crate) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a query cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is not of the language.
    #[error("{at}: expected {expected}, found {found}")]
    Syntax {
        /// Where it goes wrong.
        at: Position,
        /// What could stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The text is of the language and means nothing, or something that the dialect does not have.
    #[error("{at}: {reason}")]
    Meaning {
        /// Where.
        at: Position,
        /// What is wrong with it.
        reason: String,
    },
    /// There is too much of something in the text.
    #[error("{at}: {count} {what} are more than {limit}")]
    Limit {
        /// Where the limit is passed.
        at: Position,
        /// Of what there is too much, in the plural.
        what: &'static str,
        /// How much there is.
        count: usize,
        /// How much may be.
        limit: usize,
    },
    /// The token is none of ours, or is damaged.
    #[error("continuation token: {reason}")]
    Token {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The answer takes more steps than the budget has.
    #[error("the query takes more than {limit} steps: fix a $dtId or a model, or follow fewer hops")]
    Budget {
        /// The steps that it had.
        limit: u64,
    },
    /// The caller stopped it.
    #[error("the query was stopped before it was done")]
    Stopped,
    /// There are more rows to put in order, or more groups, than are held.
    #[error("more than {limit} {what}: narrow the query")]
    TooMany {
        /// Of what there are too many, in the plural.
        what: &'static str,
        /// How many are held.
        limit: usize,
    },
}

impl QueryError {
    /// The code that Azure Digital Twins gives such an error.
    #[must_use]
    pub fn azure_code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } | Self::Meaning { .. } | Self::Limit { .. } | Self::TooMany { .. } => {
                "SqlQueryError"
            }
            Self::Token { .. } => "BadRequest",
            Self::Budget { .. } | Self::Stopped => "TimeoutError",
        }
    }

    /// Where in the text it is, where it is of the text.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Syntax { at, .. } | Self::Meaning { at, .. } | Self::Limit { at, .. } => Some(*at),
            Self::Token { .. } | Self::Budget { .. } | Self::Stopped | Self::TooMany { .. } => None,
        }
    }
}
