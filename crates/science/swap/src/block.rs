//! Replications kept between two runs of a program, so that a run that was stopped or killed goes on where it was.
//!
//! A block is a few replications that follow one another, as bytes: whose they are ([`Key`]), which they are, every figure as
//! it was to the bit, and a digest. What is torn, changed, of another scenario or of another sampler is refused and never
//! taken for figures.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{
    economics::Money,
    error::SwapError,
    kpis::{Kpi, KpiRow},
    model::StationFigures,
    runs::{Control, Model, RunRow},
    scenario::Scenario,
};

const MAGIC: &[u8; 8] = b"swapblk1";
const KEY_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + KEY_BYTES + 8 + 4 + 4 + 4;
const DIGEST_BYTES: usize = 32;

/// Stands for all that decides the figures of a replication: the scenario with its seed, and the sampler. Its name and its
/// number of replications are not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

impl Key {
    /// The key of a scenario.
    ///
    /// # Panics
    /// Never: a scenario has a form in JSON.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let plain = Scenario { name: String::new(), replications: 1, ..scenario.clone() };
        let mut digest = Sha256::new();
        digest.update(crate::SAMPLER.to_le_bytes());
        #[expect(clippy::expect_used, reason = "its maps have texts for keys")]
        digest.update(serde_json::to_vec(&plain).expect("a scenario has a form in JSON"));
        Self(digest.finalize().into())
    }
}

/// Why bytes are no block of this scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Not of this form, torn or changed.
    #[error("the bytes are no whole block")]
    Torn,
    /// A block of another scenario, seed or sampler.
    #[error("the block belongs to another scenario, seed or sampler")]
    Foreign,
}

/// Replications that follow one another.
#[derive(Debug, Clone)]
pub struct Block {
    first: u64,
    rows: Vec<RunRow>,
}

impl Model {
    /// Replications `range` as a block to keep.
    ///
    /// # Errors
    /// [`SwapError::Cancelled`].
    pub fn block(&self, range: std::ops::Range<u64>, control: &Control<'_>) -> Result<Block, SwapError> {
        Ok(Block { first: range.start, rows: self.rows(range, control)? })
    }
}

impl Block {
    /// Number of its first replication.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Its replications, in order.
    #[must_use]
    pub fn rows(&self) -> &[RunRow] {
        &self.rows
    }

    /// The bytes to keep.
    #[must_use]
    pub fn to_bytes(&self, key: &Key) -> Vec<u8> {
        let stations = self.rows.first().map_or(0, |row| row.stations.len());
        let money = self.rows.first().is_some_and(|row| row.money.is_some());
        let mut bytes =
            Vec::with_capacity(HEAD_BYTES + self.rows.len() * row_bytes(stations, money) + DIGEST_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(key.0);
        bytes.extend(self.first.to_le_bytes());
        for count in [self.rows.len() as u32, stations as u32, u32::from(money)] {
            bytes.extend(count.to_le_bytes());
        }
        let mut put = |value: f64| bytes.extend(value.to_bits().to_le_bytes());
        for row in &self.rows {
            row.kpis.values().into_iter().for_each(&mut put);
            row.money.iter().flat_map(Money::values).for_each(&mut put);
            row.stations.iter().flat_map(StationFigures::values).for_each(&mut put);
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        bytes
    }

    /// Reads a block of the scenario with this key.
    ///
    /// # Errors
    /// [`BlockError`].
    pub fn from_bytes(bytes: &[u8], key: &Key) -> Result<Self, BlockError> {
        let body = bytes.len().checked_sub(DIGEST_BYTES).ok_or(BlockError::Torn)?;
        let (body, digest) = bytes.split_at(body);
        let mut head = Cursor(body);
        if head.take::<8>()? != *MAGIC || Sha256::digest(body)[..] != *digest {
            return Err(BlockError::Torn);
        }
        if head.take::<KEY_BYTES>()? != key.0 {
            return Err(BlockError::Foreign);
        }
        let first = u64::from_le_bytes(head.take()?);
        let mut count = || head.take().map(u32::from_le_bytes);
        let (rows, stations, money) = (count()? as usize, count()? as usize, count()? == 1);
        // what the head says must be what is there, before anything is set aside for it
        let wanted = row_bytes(stations, money).checked_mul(rows);
        if wanted != Some(head.0.len()) {
            return Err(BlockError::Torn);
        }
        let rows = (0..rows).map(|_| row(&mut head, stations, money)).collect::<Result<_, _>>()?;
        Ok(Self { first, rows })
    }
}

const fn row_bytes(stations: usize, money: bool) -> usize {
    let money = if money { Money::COUNT } else { 0 };
    (Kpi::ALL.len() + money + stations * StationFigures::COUNT) * 8
}

fn row(cursor: &mut Cursor<'_>, stations: usize, money: bool) -> Result<RunRow, BlockError> {
    Ok(RunRow {
        kpis: KpiRow::from_values(cursor.values()?),
        money: money.then(|| cursor.values().map(Money::from_values)).transpose()?,
        stations: (0..stations)
            .map(|_| cursor.values().map(StationFigures::from_values))
            .collect::<Result<_, _>>()?,
    })
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlockError> {
        let (part, rest) = self.0.split_first_chunk().ok_or(BlockError::Torn)?;
        self.0 = rest;
        Ok(*part)
    }

    fn values<const N: usize>(&mut self) -> Result<[f64; N], BlockError> {
        let mut values = [0.0; N];
        for value in &mut values {
            *value = f64::from_bits(u64::from_le_bytes(self.take()?));
        }
        Ok(values)
    }
}
