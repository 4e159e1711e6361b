//! What it costs a battery to give energy back, against the same car left at its usual charge.

use crate::{Ageing, AgeingError, Profile, Sample, Stress, error::within};

/// What a battery is worth, so that lost capacity becomes money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PackValue {
    /// Energy of the new pack in kWh.
    pub energy_kwh: f64,
    /// Price of a new pack less what the old one fetches, in money per kWh.
    pub price_per_kwh: f64,
    /// Relative capacity at which the pack is replaced.
    pub end_capacity: f64,
}

impl PackValue {
    /// Money per unit of relative capacity lost: the price spread over the capacity that may go.
    #[must_use]
    pub fn per_capacity(&self) -> f64 {
        self.energy_kwh * self.price_per_kwh / (1.0 - self.end_capacity)
    }

    fn check(&self) -> Result<(), AgeingError> {
        within("energy_kwh", self.energy_kwh, 0.1, 1e5)?;
        within("price_per_kwh", self.price_per_kwh, 0.0, 1e6)?;
        within("end_capacity", self.end_capacity, 0.0, 0.99).map(|_| ())
    }
}

/// When a car gives back: it discharges from its usual charge in one stretch and is charged again in another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WearHabit {
    /// Hour of the profile at which discharging begins.
    pub discharge_hour: f64,
    /// Hour at which charging back begins, after the discharge.
    pub recharge_hour: f64,
    /// Power both ways in kW.
    pub power_kw: f64,
    /// Days over which the wear is averaged: because of the square-root laws the first day of a new cell says little.
    pub horizon_days: f64,
}

/// One straight piece of a convex cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Energy given back until here, in kWh a day.
    pub until_kwh: f64,
    /// Percentage points of capacity per kWh on this piece.
    pub points_per_kwh: f64,
    /// Money per kWh on this piece.
    pub cost_per_kwh: f64,
}

/// Convex cost of energy given back, as an optimiser wants it: slopes never fall.
#[derive(Debug, Clone, PartialEq)]
pub struct WearCurve {
    /// Pieces by rising energy.
    pub segments: Vec<Segment>,
    /// Largest distance in percentage points a day between the model and the convex curve under it.
    pub convexity_gap_points: f64,
}

impl WearCurve {
    /// Money for `energy_kwh` in one day; beyond the last piece its slope goes on.
    #[must_use]
    pub fn cost(&self, energy_kwh: f64) -> f64 {
        let mut from = 0.0;
        let mut cost = 0.0;
        for (place, segment) in self.segments.iter().enumerate() {
            let last = place + 1 == self.segments.len();
            let until = if last { energy_kwh } else { segment.until_kwh.min(energy_kwh) };
            cost += (until - from).max(0.0) * segment.cost_per_kwh;
            from = segment.until_kwh;
            if until >= energy_kwh {
                break;
            }
        }
        cost
    }
}

/// Percentage points of capacity per kWh that `candidate` costs more than `usual`, over `horizon_days` from now.
///
/// Both lives start from the same cell. `energy_kwh` is what the candidate gives back in one repetition. Negative
/// means that the candidate is kinder, for instance because it rests at a lower charge.
///
/// # Errors
/// Profiles of different length, an energy that is not positive, or a horizon outside 1..=10,000 days.
pub fn marginal_wear(
    ageing: &Ageing,
    usual: &Profile,
    candidate: &Profile,
    energy_kwh: f64,
    horizon_days: f64,
) -> Result<f64, AgeingError> {
    within("energy_kwh", energy_kwh, 1e-9, 1e6)?;
    within("horizon_days", horizon_days, 1.0, 10_000.0)?;
    let length = usual.duration_days();
    within(
        "candidate.duration_days",
        candidate.duration_days(),
        length * (1.0 - 1e-9),
        length * (1.0 + 1e-9),
    )?;
    let times = horizon_days / length;
    let after = |profile: &Profile| -> Result<f64, AgeingError> {
        let mut cell = ageing.clone();
        cell.advance_times(&Stress::of(profile.samples())?, times);
        Ok(cell.capacity())
    };
    Ok((after(usual)? - after(candidate)?) * 100.0 / (energy_kwh * times))
}

impl WearCurve {
    /// The curve of a cell that lives `usual` days, for up to `max_kwh` given back a day.
    ///
    /// The model is asked at `pieces` energies; the greatest convex function below the answers is kept, so that a
    /// linear program may take its pieces in any order. The pack gives no more than its charge above empty.
    ///
    /// # Errors
    /// Values outside their range, a recharge that does not fit into the profile, or no energy that can be given.
    pub fn of(
        ageing: &Ageing,
        usual: &Profile,
        habit: WearHabit,
        value: PackValue,
        max_kwh: f64,
        pieces: usize,
    ) -> Result<Self, AgeingError> {
        value.check()?;
        within("max_kwh", max_kwh, 1e-3, 1e5)?;
        within("pieces", pieces as f64, 1.0, 1000.0)?;
        within("power_kw", habit.power_kw, 1e-3, 1e5)?;
        let present_kwh = value.energy_kwh * ageing.capacity();
        let mut points = vec![(0.0, 0.0)];
        for piece in 1..=pieces {
            let energy_kwh = max_kwh * piece as f64 / pieces as f64;
            let day = give_back(usual, habit, energy_kwh, present_kwh)?;
            let per_kwh = marginal_wear(ageing, usual, &day, energy_kwh, habit.horizon_days)?;
            points.push((energy_kwh, per_kwh * energy_kwh));
        }
        let hull = convex_below(&points);
        let gap = points.iter().map(|&(x, y)| y - at(&hull, x)).fold(0.0, f64::max);
        let per_point = value.per_capacity() / 100.0;
        let segments = hull
            .windows(2)
            .map(|pair| {
                let slope = (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0);
                Segment { until_kwh: pair[1].0, points_per_kwh: slope, cost_per_kwh: slope * per_point }
            })
            .collect();
        Ok(Self { segments, convexity_gap_points: gap })
    }
}

/// The usual day with a discharge and a recharge in it, both straight.
fn give_back(
    usual: &Profile,
    habit: WearHabit,
    energy_kwh: f64,
    present_kwh: f64,
) -> Result<Profile, AgeingError> {
    let samples = usual.samples();
    let origin_s = samples[0].t_s;
    let end_s = samples[samples.len() - 1].t_s;
    let hours = energy_kwh / habit.power_kw;
    let swing = energy_kwh / present_kwh;
    let out = (origin_s + habit.discharge_hour * 3600.0, origin_s + (habit.discharge_hour + hours) * 3600.0);
    let back = (origin_s + habit.recharge_hour * 3600.0, origin_s + (habit.recharge_hour + hours) * 3600.0);
    within("discharge_hour", habit.discharge_hour, 0.0, habit.recharge_hour - hours)?;
    within("recharge_hour", habit.recharge_hour, 0.0, (end_s - origin_s) / 3600.0 - hours)?;
    let taken = |t_s: f64| {
        let ramp = |(from, to): (f64, f64)| ((t_s - from) / (to - from)).clamp(0.0, 1.0);
        swing * (ramp(out) - ramp(back))
    };
    let mut moments: Vec<f64> = samples.iter().map(|sample| sample.t_s).collect();
    moments.extend([out.0, out.1, back.0, back.1]);
    moments.sort_by(f64::total_cmp);
    moments.dedup_by(|a, b| *a - *b < 1e-6);
    Profile::new(
        moments
            .into_iter()
            .map(|t_s| {
                let before = usual.at(t_s);
                let soc = before.soc - taken(t_s);
                // rounding must not leave the battery a hair below empty
                Sample { soc: if soc.abs() < 1e-12 { 0.0 } else { soc }, ..before }
            })
            .collect(),
    )
}

/// Lower convex hull of points sorted by their abscissa.
fn convex_below(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut hull: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for &point in points {
        while let [.., a, b] = hull[..] {
            if (b.1 - a.1) * (point.0 - a.0) < (point.1 - a.1) * (b.0 - a.0) {
                break;
            }
            hull.pop();
        }
        hull.push(point);
    }
    hull
}

fn at(hull: &[(f64, f64)], x: f64) -> f64 {
    let after = hull.partition_point(|point| point.0 < x).clamp(1, hull.len() - 1);
    let (a, b) = (hull[after - 1], hull[after]);
    a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0)
}
