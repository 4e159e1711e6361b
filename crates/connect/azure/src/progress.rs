//! What was done so far, for whoever watches.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::Side;

/// Counts that a synchronisation keeps while it runs.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<Counts>>);

/// The counts of a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// What is done at the moment.
    pub doing: String,
    /// Things that were looked at, and how many there are to look at in this round.
    pub looked_at: u64,
    /// See [`Counts::looked_at`].
    pub to_look_at: u64,
    /// Writes, or with a plan those that there would be, by end, deed and kind.
    pub writes: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Things that both ends changed.
    pub conflicts: u64,
    /// What an end does not take.
    pub problems: u64,
    /// Requests that were made again, Azure's and Voltwin's.
    pub retries: [u64; 2],
    /// Of these, those after 429.
    pub throttled: [u64; 2],
}

impl Counts {
    /// All writes together.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.writes.values().sum()
    }
}

impl Progress {
    /// The counts now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.lock().clone()
    }

    pub(crate) fn retried(&self, side: Side, throttled: bool) {
        let mut counts = self.0.lock();
        counts.retries[side as usize] += 1;
        counts.throttled[side as usize] += u64::from(throttled);
    }

    pub(crate) fn begin(&self, doing: &str, to_look_at: usize) {
        let mut counts = self.0.lock();
        (counts.doing, counts.looked_at, counts.to_look_at) = (doing.to_owned(), 0, to_look_at as u64);
    }

    pub(crate) fn looked(&self) {
        self.0.lock().looked_at += 1;
    }

    pub(crate) fn wrote(&self, side: Side, deed: &'static str, kind: &'static str) {
        *self.0.lock().writes.entry((side.name(), deed, kind)).or_default() += 1;
    }

    pub(crate) fn conflicts(&self, count: usize) {
        self.0.lock().conflicts += count as u64;
    }

    pub(crate) fn problem(&self) {
        self.0.lock().problems += 1;
    }
}
