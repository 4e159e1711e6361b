//! Which parameter moves a figure most: one at a time, down and up, with the same chance.

use serde::Serialize;
use voltwin_des::{Summary, paired};

use crate::{
    error::SwapError,
    kpis::Kpi,
    runs::{Control, Model},
    scenario::Scenario,
};

/// What a parameter does to a figure.
#[derive(Debug, Clone, Serialize)]
pub struct Swing {
    /// The parameter.
    pub parameter: &'static str,
    /// Change of the figure where the parameter is lower by the share.
    pub down: Option<Summary>,
    /// Change of the figure where it is higher.
    pub up: Option<Summary>,
    /// The larger of both changes, without sign.
    pub size: f64,
}

type Change = fn(&mut Scenario, f64);

fn counts(value: &mut u32, factor: f64) {
    let wanted = f64::from(*value) * factor;
    // a share of a small number must still be one more or one less
    let moved = if factor > 1.0 { wanted.ceil() } else { wanted.floor() };
    *value = (moved as u32).max(1);
}

const PARAMETERS: &[(&str, Change)] = &[
    ("demand", |scenario, factor| scenario.stations.iter_mut().for_each(|s| s.demand_scale *= factor)),
    ("batteries", |scenario, factor| {
        scenario.stations.iter_mut().for_each(|s| counts(&mut s.batteries, factor));
    }),
    ("chargers", |scenario, factor| {
        scenario.stations.iter_mut().for_each(|s| counts(&mut s.chargers, factor));
    }),
    ("bays", |scenario, factor| scenario.stations.iter_mut().for_each(|s| counts(&mut s.bays, factor))),
    ("grid_kw", |scenario, factor| {
        for station in &mut scenario.stations {
            station.grid_kw = station.grid_kw.map(|kw| kw * factor);
        }
    }),
    ("p_max_kw", |scenario, factor| scenario.charge.p_max_kw *= factor),
    ("capacity_kwh", |scenario, factor| scenario.battery.capacity_kwh *= factor),
    ("cooldown_s", |scenario, factor| scenario.charge.cooldown_s *= factor),
    ("swap", |scenario, factor| scenario.swap = stretched(scenario.swap, factor)),
    ("patience", |scenario, factor| {
        scenario.service.patience = scenario.service.patience.map(|law| stretched(law, factor));
    }),
];

fn stretched(law: voltwin_des::Law, factor: f64) -> voltwin_des::Law {
    use voltwin_des::Law;
    match law {
        Law::Const { value } => Law::Const { value: value * factor },
        Law::Uniform { lo, hi } => Law::Uniform { lo: lo * factor, hi: hi * factor },
        Law::Exp { mean } => Law::Exp { mean: mean * factor },
        Law::Lognormal { mean, cv } => Law::Lognormal { mean: mean * factor, cv },
        Law::Truncnorm { mean, sd, lo, hi } => {
            Law::Truncnorm { mean: mean * factor, sd: sd * factor, lo: lo * factor, hi: hi * factor }
        }
    }
}

/// Moves each parameter by `share` (in (0, 1)) down and up; the largest swing first. A parameter that the scenario does not
/// have, or whose change would break a limit, has no value on that side.
///
/// # Errors
/// [`SwapError::Question`] for a share out of range or fewer than two replications; [`SwapError::Cancelled`].
pub fn sensitivity(
    scenario: &Scenario,
    kpi: Kpi,
    share: f64,
    reps: u64,
    control: &Control<'_>,
) -> Result<(Summary, Vec<Swing>), SwapError> {
    if !(share > 0.0 && share < 1.0) || reps < 2 {
        let what = format!("share {share} must be within 0 and 1, and replications ({reps}) 2 or more");
        return Err(SwapError::Question { what });
    }
    let base = Model::new(scenario).run(0..reps, control)?;
    let values = base.values(kpi);
    let mut swings = Vec::new();
    for (parameter, change) in PARAMETERS {
        let side = |factor: f64| {
            let mut changed = scenario.clone();
            change(&mut changed, factor);
            if changed == *scenario || changed.check().is_err() {
                return Ok(None);
            }
            let runs = Model::new(&changed).run(0..reps, control)?;
            Ok(Some(paired(&values, &runs.values(kpi)).difference))
        };
        let (down, up) = (side(1.0 - share)?, side(1.0 + share)?);
        let size = [down, up].iter().flatten().map(|change| change.mean.abs()).fold(0.0, f64::max);
        if down.is_some() || up.is_some() {
            swings.push(Swing { parameter, down, up, size });
        }
    }
    swings.sort_by(|a, b| b.size.total_cmp(&a.size));
    Ok((base.summary(kpi), swings))
}
