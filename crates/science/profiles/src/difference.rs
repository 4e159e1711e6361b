//! Where two schedules part.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Slot;

/// A stretch of time over which two schedules allow different things.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// From this second of the window.
    pub from_s: u32,
    /// Up to this one.
    pub to_s: u32,
    /// The limit of the first schedule.
    pub ours: Option<f64>,
    /// The limit of the second.
    pub theirs: Option<f64>,
}

/// Where the limits of two schedules of one window and unit differ by more than `tolerance` (a share of the greater
/// one, such as 0.01). What a schedule says before its first slot is nothing.
#[must_use]
pub fn differences(ours: &[Slot], theirs: &[Slot], duration_s: u32, tolerance: f64) -> Vec<Difference> {
    let starts = ours.iter().chain(theirs).map(|slot| slot.start_s);
    let edges: BTreeSet<u32> = starts.chain([0]).filter(|second| *second < duration_s).collect();
    let ends = edges.iter().skip(1).copied().chain([duration_s]);
    let mut found: Vec<Difference> = Vec::new();
    for (from_s, to_s) in edges.iter().copied().zip(ends) {
        let (ours, theirs) = (limit_at(ours, from_s), limit_at(theirs, from_s));
        if same(ours, theirs, tolerance) {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.to_s == from_s && (last.ours, last.theirs) == (ours, theirs) => {
                last.to_s = to_s;
            }
            _ => found.push(Difference { from_s, to_s, ours, theirs }),
        }
    }
    found
}

fn limit_at(slots: &[Slot], second: u32) -> Option<f64> {
    slots.iter().take_while(|slot| slot.start_s <= second).last()?.limit
}

fn same(a: Option<f64>, b: Option<f64>, tolerance: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= tolerance * a.abs().max(b.abs()),
        (None, None) => true,
        _ => false,
    }
}
