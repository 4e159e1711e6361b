//! What becomes of a battery, from its live state on.

use thiserror::Error;
use voltwin_ageing::{
    Ageing, AgeingError, Anchor, Cell, PackValue, Profile, Sample, Scales, State, Stress, days_until,
};
use voltwin_estimation::live::Bounded;
use voltwin_prognosis::{Advice, HORIZONS_DAYS, Interval, Lever, Pack, PackPrior, PrognosisError, advise};

use crate::habit::UsualDay;

/// Deviations between which 90 % lie.
const NINETY_SD: f64 = 1.645;
/// Farther than this nobody looks, days.
const FAR_DAYS: f64 = 7_305.0;
/// A month, over which the laws of ageing are stepped at once.
const MONTH_DAYS: f64 = 30.4;
/// Hours over which what was fed back is charged again.
const REFILL_H: f64 = 5.0;
/// A pack is not fed back below this charge.
const RESERVE_SOC: f64 = 0.1;

/// What an outlook cannot say.
#[derive(Debug, Error)]
pub enum OutlookError {
    /// The ageing model refuses.
    #[error(transparent)]
    Ageing(#[from] AgeingError),
    /// The forecast refuses.
    #[error(transparent)]
    Prognosis(#[from] PrognosisError),
}

/// A battery and its future.
#[derive(Debug, Clone)]
pub struct Outlook {
    cell: Cell,
    pack: Pack,
    stress: Stress,
    /// Its usual day.
    pub day: UsualDay,
    /// Days of its usual use that would have brought it where it is.
    pub age_days: f64,
    /// Deviation of the present health where the age is taken from it: then nothing else says how healthy it is, and no
    /// forecast is surer than that.
    unsure_sd: f64,
}

/// A habit that is changed; nothing set changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Change {
    /// Charge so that it ends at departure.
    pub charge_late: bool,
    /// Highest state of charge.
    pub charge_to_soc: Option<f64>,
    /// Highest charge rate, 1/h.
    pub max_charge_c_rate: Option<f64>,
    /// Highest temperature while charging, °C.
    pub cool_to_c: Option<f64>,
    /// A climate that is warmer by this, K.
    pub warmer_k: f64,
    /// Feeding back to the grid.
    pub v2g: Option<V2g>,
}

/// Feeding back once a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct V2g {
    /// Share of the capacity that is fed back.
    pub soc_share: f64,
    /// From this hour of the UTC day.
    pub from_hour: f64,
    /// To this one.
    pub to_hour: f64,
}

/// A life of one habit: mean, and the slow and the fast end of 90 % of packs like this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Days from now and the health then.
    pub points: Vec<(f64, Bounded)>,
    /// Days until its first life is over; `None` beyond 20 years or the horizon, whichever is more.
    pub end_days: Option<f64>,
    /// What of the habit is outside the experiments behind the model.
    pub outside: Vec<&'static str>,
}

/// How a habit compares with the present one.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// Its life.
    pub course: Course,
    /// Health at the horizon less that of the present habit, percentage points.
    pub points: Bounded,
    /// The same in money.
    pub money: Bounded,
}

/// The losses by mechanism, percentage points of health.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Life {
    /// The state that explains the present health.
    pub state: State,
    /// The speed factors and their spread: `(value, low, high)` of calendar, cycle and knee.
    pub scales: [Bounded; 3],
}

impl Outlook {
    /// The outlook of a pack of such cells and such a day whose health is known with bounds. Its age is taken as given, or
    /// else as the one that its health shows under its usual day.
    ///
    /// # Errors
    /// What the ageing model refuses.
    pub fn new(cell: Cell, soh: Bounded, day: UsualDay, age_days: Option<f64>) -> Result<Self, OutlookError> {
        let stress = Stress::of(day.profile.samples())?;
        let health = soh.value.clamp(0.1, 1.0);
        let sd = ((soh.high - soh.low) / 3.92).clamp(1e-3, 0.5);
        let unsure_sd = if age_days.is_some() { 0.0 } else { sd };
        let age_days = match age_days {
            Some(days) => days,
            None => days_until(&Ageing::new(cell), &day.profile, health, 3.0 * FAR_DAYS)?.unwrap_or(FAR_DAYS),
        };
        let mut pack = Pack::new(cell, PackPrior::default())?;
        pack.live(&stress, age_days)?;
        pack.measure(health, sd)?;
        Ok(Self { cell, pack, stress, day, age_days, unsure_sd })
    }

    /// The cell whose ageing stands for it.
    #[must_use]
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// Health with 90 % bounds at an hour, a day, a week and a month from now.
    ///
    /// # Errors
    /// What the ageing model refuses.
    pub fn horizons(&self) -> Result<[(f64, Bounded); 4], OutlookError> {
        let mut horizons = HORIZONS_DAYS.map(|days| (days, Bounded { value: 0.0, low: 0.0, high: 0.0 }));
        for (days, bounds) in &mut horizons {
            *bounds = self.health(*days)?;
        }
        Ok(horizons)
    }

    /// Health at `count` moments from now to `days` ahead.
    ///
    /// # Errors
    /// What the ageing model refuses.
    pub fn curve(&self, days: f64, count: u32) -> Result<Vec<(f64, Bounded)>, OutlookError> {
        let step = days / f64::from(count.max(1));
        (0..=count).map(|k| f64::from(k) * step).map(|days| Ok((days, self.health(days)?))).collect()
    }

    /// Days until the health is `end`, of 90 % of packs like this one; what is beyond 20 years is infinite.
    ///
    /// # Errors
    /// An end outside 0.1..=1, or what the ageing model refuses.
    pub fn end_of_life(&self, end: f64) -> Result<Interval, OutlookError> {
        let known = self.pack.end_of_life(&self.day.profile, end, NINETY_SD, FAR_DAYS)?;
        if self.unsure_sd == 0.0 {
            return Ok(known);
        }
        let low = self.crossing(end, |health| health.low)?.min(known.low);
        Ok(Interval { low, high: self.crossing(end, |health| health.high)?.max(known.high), ..known })
    }

    /// Days until a bound of the health is down to `end`; infinite beyond 20 years. Bounds fall with time.
    fn crossing(&self, end: f64, bound: impl Fn(Bounded) -> f64) -> Result<f64, OutlookError> {
        if bound(self.health(FAR_DAYS)?) > end {
            return Ok(f64::INFINITY);
        }
        let (mut before, mut after) = (0.0, FAR_DAYS);
        if bound(self.health(before)?) <= end {
            return Ok(0.0);
        }
        while after - before > 1.0 {
            let middle = 0.5 * (before + after);
            *(if bound(self.health(middle)?) > end { &mut before } else { &mut after }) = middle;
        }
        Ok(after)
    }

    fn health(&self, days: f64) -> Result<Bounded, OutlookError> {
        let belief = self.pack.forecast(&self.day.profile, days)?;
        let reach = NINETY_SD * belief.sd.hypot(self.unsure_sd);
        let hold = |x: f64| x.clamp(0.0, 1.2);
        Ok(Bounded {
            value: hold(belief.mean),
            low: hold(belief.mean - reach),
            high: hold(belief.mean + reach),
        })
    }

    /// What of the usual day is outside the experiments behind the model.
    #[must_use]
    pub fn outside(&self) -> Vec<&'static str> {
        outside(&mut Ageing::new(self.cell), &self.stress)
    }

    /// Where its health went.
    ///
    /// # Errors
    /// What the ageing model refuses.
    pub fn life(&self) -> Result<Life, OutlookError> {
        let belief = self.pack.belief();
        let scales = std::array::from_fn(|i| {
            let sd = belief.covariance[i][i].max(0.0).sqrt();
            let at = |by: f64| (belief.mean[i] + by * sd).exp();
            Bounded { value: at(0.0), low: at(-NINETY_SD), high: at(NINETY_SD) }
        });
        Ok(Life { state: self.pack.ageing()?.state(), scales })
    }

    /// The effect of each lever over `days`, most useful first.
    ///
    /// # Errors
    /// What the ageing model refuses.
    pub fn advice(&self, value: PackValue, days: f64) -> Result<Vec<Advice>, OutlookError> {
        let samples = self.day.profile.samples();
        let fastest = self.stress.charge_c_rate;
        let warmest = samples.iter().map(|sample| sample.temp_c).fold(f64::NEG_INFINITY, f64::max);
        let levers = [
            Lever::ChargeLate,
            Lever::ChargeUpTo { soc: 0.8 },
            Lever::CoolFirst { temp_c: (warmest - 10.0).clamp(15.0, 25.0) },
            Lever::ChargeSlower { c_rate: (0.5 * fastest).clamp(0.05, 1.0) },
        ];
        Ok(advise(&self.pack, &self.day.profile, &levers, value, days)?)
    }

    /// The life of the present habit, and of others beside it, `days` far.
    ///
    /// # Errors
    /// A change outside its range, or what the ageing model refuses.
    pub fn what_if(
        &self,
        changes: &[Change],
        value: PackValue,
        days: f64,
    ) -> Result<(Course, Vec<WhatIf>), OutlookError> {
        let (present, ends) = self.course(&self.day.profile, value.end_capacity, days)?;
        let beside = changes
            .iter()
            .map(|change| {
                let profile = change.apply(&self.day.profile)?;
                let (course, others) = self.course(&profile, value.end_capacity, days)?;
                let gains: [f64; 3] = std::array::from_fn(|i| others[i] - ends[i]);
                let low = gains.iter().copied().fold(f64::INFINITY, f64::min);
                let high = gains.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let times = |factor: f64| Bounded {
                    value: factor * gains[0],
                    low: factor * low,
                    high: factor * high,
                };
                Ok(WhatIf { course, points: times(100.0), money: times(value.per_capacity()) })
            })
            .collect::<Result<_, OutlookError>>()?;
        Ok((present, beside))
    }

    /// A life of equal days and its end by mean, slow and fast scales.
    fn course(&self, profile: &Profile, end: f64, days: f64) -> Result<(Course, [f64; 3]), OutlookError> {
        const POINTS: u32 = 24;
        let belief = self.pack.belief();
        let mut lives = [0.0, -NINETY_SD, NINETY_SD]
            .map(|by| {
                let at = |i: usize| {
                    (belief.mean[i] + by * belief.covariance[i][i].max(0.0).sqrt()).clamp(-4.0, 4.0).exp()
                };
                Scales { calendar: at(0), cycle: at(1), knee: at(2) }
            })
            .map(|scales| Ageing::resume(self.cell, scales, State::default()));
        let mut ageing = Vec::with_capacity(3);
        for life in &mut lives {
            let mut life = std::mem::replace(life, Ok(Ageing::new(self.cell)))?;
            life.advance_times(&self.stress, self.age_days);
            ageing.push(life);
        }
        let outside = outside(&mut Ageing::new(self.cell), &Stress::of(profile.samples())?);
        let at = |ageing: &[Ageing]| {
            let capacities: Vec<f64> = ageing.iter().map(Ageing::capacity).collect();
            let low = capacities.iter().copied().fold(f64::INFINITY, f64::min);
            let high = capacities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Bounded { value: capacities[0], low, high }
        };
        let step = days / f64::from(POINTS);
        let mut points = vec![(0.0, at(&ageing))];
        for k in 1..=POINTS {
            for life in &mut ageing {
                lead(life, profile, step)?;
            }
            points.push((f64::from(k) * step, at(&ageing)));
        }
        let ends = [ageing[0].capacity(), ageing[1].capacity(), ageing[2].capacity()];
        let mut end_days = crossing(&points, end);
        let mut reached = days;
        while end_days.is_none() && reached < FAR_DAYS {
            let before = ageing[0].capacity();
            lead(&mut ageing[0], profile, MONTH_DAYS)?;
            let after = ageing[0].capacity();
            if after <= end {
                let share = if before > after { (before - end) / (before - after) } else { 0.0 };
                end_days = Some(reached + share.clamp(0.0, 1.0) * MONTH_DAYS);
            }
            reached += MONTH_DAYS;
        }
        Ok((Course { points, end_days, outside }, ends))
    }
}

/// Where a falling curve passes a value.
fn crossing(points: &[(f64, Bounded)], end: f64) -> Option<f64> {
    if points.first()?.1.value <= end {
        return Some(0.0);
    }
    points.windows(2).find_map(|pair| {
        let ((a, high), (b, low)) = (pair[0], pair[1]);
        (low.value <= end).then(|| a + (b - a) * (high.value - end) / (high.value - low.value).max(1e-12))
    })
}

/// Goes ahead by equal days, a month of them at once.
fn lead(ageing: &mut Ageing, usual: &Profile, days: f64) -> Result<(), OutlookError> {
    let length = usual.duration_days();
    let mut left = days / length;
    while left > 1e-9 && ageing.capacity() > 0.1 {
        let times = left.min(MONTH_DAYS / length);
        let asked = usual.for_capacity(ageing.capacity().min(2.0), usual.still(Anchor::Mean, 0))?;
        ageing.advance_times(&Stress::of(asked.samples())?, times);
        left -= times;
    }
    Ok(())
}

fn outside(ageing: &mut Ageing, stress: &Stress) -> Vec<&'static str> {
    let flags = ageing.advance(stress);
    let named = [
        ("temperature", flags.temperature),
        ("depth", flags.depth),
        ("soc", flags.soc),
        ("charge", flags.charge),
        ("discharge", flags.discharge),
    ];
    named.into_iter().filter_map(|(name, flag)| flag.then_some(name)).collect()
}

impl Change {
    /// The day with this habit.
    fn apply(&self, usual: &Profile) -> Result<Profile, OutlookError> {
        let mut day = usual.clone();
        if self.warmer_k != 0.0 {
            day = day.warmer(self.warmer_k)?;
        }
        let levers = [
            self.charge_to_soc.map(|soc| Lever::ChargeUpTo { soc }),
            self.max_charge_c_rate.map(|c_rate| Lever::ChargeSlower { c_rate }),
            self.charge_late.then_some(Lever::ChargeLate),
            self.cool_to_c.map(|temp_c| Lever::CoolFirst { temp_c }),
        ];
        for lever in levers.into_iter().flatten() {
            day = lever.apply(&day)?;
        }
        match self.v2g {
            Some(v2g) => v2g.apply(&day),
            None => Ok(day),
        }
    }
}

impl V2g {
    /// Takes a share of the charge out between two hours and puts it back over the hours that follow.
    fn apply(self, usual: &Profile) -> Result<Profile, OutlookError> {
        let length_h = (self.to_hour - self.from_hour).rem_euclid(24.0).max(0.25);
        let out = |hour: f64| {
            let since_h = (hour - self.from_hour).rem_euclid(24.0);
            let share = if since_h <= length_h {
                since_h / length_h
            } else {
                (1.0 - (since_h - length_h) / REFILL_H).max(0.0)
            };
            self.soc_share * share
        };
        let first_s = usual.samples()[0].t_s;
        let length_s = usual.duration_days() * 86_400.0;
        let pieces = (length_s / 900.0).ceil().clamp(2.0, 2_000.0) as u32;
        let sample = |k: u32| {
            let t_s = first_s + length_s * f64::from(k) / f64::from(pieces);
            let sample = usual.at(t_s);
            let reserve = RESERVE_SOC.min(sample.soc);
            Sample { soc: (sample.soc - out(t_s / 3_600.0)).max(reserve), ..sample }
        };
        Ok(Profile::new((0..=pieces).map(sample).collect())?)
    }
}
