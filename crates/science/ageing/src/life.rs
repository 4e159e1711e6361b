//! A life of equal days.

use crate::{Ageing, AgeingError, Anchor, Profile, Stress, error::within};

/// A moment of a life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Age in days.
    pub age_days: f64,
    /// Full equivalent cycles of the nominal capacity.
    pub full_cycles: f64,
    /// Capacity relative to new.
    pub capacity: f64,
    /// Resistance relative to new, where the cell's fit covers it.
    pub resistance: Option<f64>,
}

impl Point {
    /// Where a cell stands.
    #[must_use]
    pub fn of(ageing: &Ageing) -> Self {
        let state = ageing.state();
        Self {
            age_days: state.age_days,
            full_cycles: state.full_cycles,
            capacity: ageing.capacity(),
            resistance: ageing.resistance(),
        }
    }
}

/// Below this the cell is dead and the same energy cannot be asked of it any more.
const DEAD: f64 = 0.05;

/// Lives `days` of the profile, which asks the same energy of the fading cell each time, and shows the cell after
/// every repetition.
///
/// # Errors
/// Days outside 0..=100,000.
pub fn live(
    ageing: &mut Ageing,
    profile: &Profile,
    anchor: Anchor,
    days: f64,
    mut seen: impl FnMut(&Ageing),
) -> Result<(), AgeingError> {
    within("days", days, 0.0, 100_000.0)?;
    let repetitions = (days / profile.duration_days()).round() as u32;
    for repetition in 0..repetitions {
        if ageing.capacity() <= DEAD {
            break;
        }
        ageing.advance(&asked(profile, anchor, repetition, ageing.capacity())?);
        seen(ageing);
    }
    Ok(())
}

/// What a repetition asks of a cell of that capacity.
fn asked(profile: &Profile, anchor: Anchor, repetition: u32, capacity: f64) -> Result<Stress, AgeingError> {
    let swung = profile.for_capacity(capacity.min(2.0), profile.still(anchor, repetition))?;
    Stress::of(swung.samples())
}

/// Days until capacity falls to `end`, or `None` where that takes more than `max_days`.
///
/// # Errors
/// An end outside 0.06..=1 or more than 100,000 days.
pub fn days_until(
    ageing: &Ageing,
    profile: &Profile,
    end: f64,
    max_days: f64,
) -> Result<Option<f64>, AgeingError> {
    within("end", end, DEAD + 0.01, 1.0)?;
    within("max_days", max_days, 0.0, 100_000.0)?;
    let mut cell = ageing.clone();
    let born = cell.state().age_days;
    for repetition in 0.. {
        if cell.state().age_days - born >= max_days {
            break;
        }
        if cell.capacity() <= end {
            return Ok(Some(cell.state().age_days - born));
        }
        cell.advance(&asked(profile, Anchor::default(), repetition, cell.capacity())?);
    }
    Ok(None)
}
