//! What a query may say, and how much of it.

/// Which language a query is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// All that this crate knows.
    #[default]
    Superset,
    /// What Azure Digital Twins takes, with its limits. What it takes means the same in both.
    StrictAdt,
}

/// Parentheses and `NOT` nest at most this deep.
pub const DEPTH_MAX: usize = 64;
/// Rows that are put in order at most; how far an ordered answer can be paged.
pub const ORDERED_ROWS_MAX: usize = 100_000;
/// Groups of a `GROUP BY` at most.
pub const GROUPS_MAX: usize = 10_000;

/// How much a query may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Characters of the text.
    pub characters: usize,
    /// `AND` and `OR` together.
    pub logic: usize,
    /// Values of one `IN` or `NIN`.
    pub list: usize,
    /// `JOIN`s.
    pub joins: usize,
    /// Relationships of a `MATCH` pattern.
    pub edges: usize,
    /// Hops of a `MATCH` pattern, those of its relationships added up.
    pub hops: usize,
    /// Columns of `SELECT`, `GROUP BY` and `ORDER BY` each.
    pub columns: usize,
    /// Rows of a page; more than that are given as that many.
    pub page_rows: usize,
}

impl Dialect {
    /// How much a query of this dialect may hold.
    ///
    /// Those of Azure are documented as its service limits. Its pages differ on `IN` (50 or 100 values): the larger
    /// number is taken.
    #[must_use]
    pub fn limits(self) -> Limits {
        match self {
            Self::StrictAdt => Limits {
                characters: 8_000,
                logic: 50,
                list: 100,
                joins: 5,
                edges: 10,
                hops: 10,
                columns: 100,
                page_rows: 100,
            },
            // Collections are bits of a `u64`: joins and edges bring two each.
            Self::Superset => Limits {
                characters: 32_000,
                logic: 1_000,
                list: 5_000,
                joins: 12,
                edges: 16,
                hops: 32,
                columns: 100,
                page_rows: 1_000,
            },
        }
    }

    pub(crate) fn is_strict(self) -> bool {
        self == Self::StrictAdt
    }
}
