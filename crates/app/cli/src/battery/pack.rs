//! A pack as files tell of it: its cell, its habit, and what check-ups found.

use std::path::{Path, PathBuf};

use voltwin_ageing::{Cell, Chemistry, Profile, Sample, Stress, TEMP_C_LIMITS};
use voltwin_prognosis::{Belief, Interval, Pack, PackPrior, PrognosisError};

use super::table::{self, Column};
use crate::error::CliError;

/// Deviations between which 90 % of a normal belief lie.
pub(super) const NINETY_SD: f64 = 1.645;

/// Capacity relative to new, found at an age.
#[derive(Clone, Copy)]
pub(super) struct CheckUp {
    pub day: f64,
    pub capacity: f64,
    pub sd: f64,
}

/// A cell of the ageing models by name, or the one that stands for a chemistry.
pub(super) fn cell(name: &str) -> Result<Cell, String> {
    let chemistry = match name {
        "lfp" => Some(Chemistry::Lfp),
        "nmc" => Some(Chemistry::Nmc),
        "nca" => Some(Chemistry::Nca),
        "lmo" => Some(Chemistry::Lmo),
        _ => None,
    };
    chemistry
        .map(Cell::typical)
        .or_else(|| Cell::ALL.into_iter().find(|cell| slug(*cell) == name))
        .ok_or_else(|| format!("none of lfp, nmc, nca, lmo, {}", Cell::ALL.map(slug).join(", ")))
}

fn slug(cell: Cell) -> String {
    let parts = cell.facts().name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// A stretch that repeats: `t_s,soc,temp_c`.
pub(super) fn habit(path: &Path) -> Result<Profile, CliError> {
    let (low, high) = TEMP_C_LIMITS;
    let rows = table::read(
        path,
        &[
            Column { name: "t_s", low: 0.0, high: 366.0 * 86_400.0, otherwise: None },
            Column { name: "soc", low: 0.0, high: 1.0, otherwise: None },
            Column { name: "temp_c", low, high, otherwise: None },
        ],
    )?;
    let samples = rows.into_iter().map(|[t_s, soc, temp_c]| Sample { t_s, soc, temp_c }).collect();
    Profile::new(samples).map_err(|error| CliError::input(format!("{}: {error}", path.display())))
}

/// Check-ups: `day,capacity` and perhaps `sd`.
pub(super) fn check_ups(path: &Path) -> Result<Vec<CheckUp>, CliError> {
    let rows = table::read(
        path,
        &[
            Column { name: "day", low: 0.0, high: 40_000.0, otherwise: None },
            Column { name: "capacity", low: 0.05, high: 1.5, otherwise: None },
            Column { name: "sd", low: 1e-5, high: 0.5, otherwise: Some(0.01) },
        ],
    )?;
    Ok(rows.into_iter().map(|[day, capacity, sd]| CheckUp { day, capacity, sd }).collect())
}

/// The pack that lived `habit` and showed this at its check-ups.
pub(super) fn pack(cell: Cell, habit: &Profile, history: &[CheckUp]) -> Result<Pack, CliError> {
    let mut pack = Pack::new(cell, PackPrior::default()).map_err(judged)?;
    let mut day = 0.0;
    for check_up in history {
        let stress = Stress::of(habit.samples()).map_err(judged)?;
        pack.live(&stress, (check_up.day - day) / habit.duration_days()).map_err(judged)?;
        pack.measure(check_up.capacity, check_up.sd).map_err(judged)?;
        day = check_up.day;
    }
    Ok(pack)
}

pub(super) fn history(path: Option<&PathBuf>) -> Result<Vec<CheckUp>, CliError> {
    path.map_or_else(|| Ok(Vec::new()), |path| check_ups(path))
}

/// The 90 % interval of a belief.
pub(super) fn ninety(belief: Belief) -> Interval {
    let reach = NINETY_SD * belief.sd;
    Interval { low: belief.mean - reach, mean: belief.mean, high: belief.mean + reach }
}

/// Days until the end of life to within a day; beyond `max_days` it is infinite.
pub(super) fn end_of_life(
    pack: &Pack,
    plan: &Profile,
    end: f64,
    max_days: f64,
) -> Result<Interval, PrognosisError> {
    let found = pack.end_of_life(plan, end, NINETY_SD, max_days)?;
    let refine = |later: f64, offset: f64| -> Result<f64, PrognosisError> {
        if !later.is_finite() {
            return Ok(later);
        }
        let (mut before, mut after) = (0.0, later);
        while after - before > 1.0 {
            let middle = 0.5 * (before + after);
            let belief = pack.forecast(plan, middle)?;
            if belief.mean + offset * belief.sd <= end { after = middle } else { before = middle }
        }
        Ok(after)
    };
    Ok(Interval {
        low: refine(found.low, -NINETY_SD)?,
        mean: refine(found.mean, 0.0)?,
        high: refine(found.high, NINETY_SD)?,
    })
}

/// Days as people read them; what lies beyond the search as such.
pub(super) fn years(days: f64, max_days: f64) -> String {
    if days.is_finite() { format!("{:.1}", days / 365.25) } else { format!("over {:.0}", max_days / 365.25) }
}

/// What a model refuses came from a file or an option.
pub(super) fn judged(error: impl Into<PrognosisError>) -> CliError {
    CliError::input(error.into().to_string())
}
