//! What another habit would change, by living both.

use voltwin_ageing::{Anchor, PackValue, Profile, Sample, live};

use crate::{Interval, Pack, PrognosisError, error::within};

/// A habit that can be changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lever {
    /// Charge so that it ends at departure, and rest at the lower charge before.
    ChargeLate,
    /// Charge no higher than this; the same energy is used from lower down, as far as the pack has it.
    ChargeUpTo {
        /// Highest state of charge, 0..=1.
        soc: f64,
    },
    /// Cool the pack to this before and while it charges.
    CoolFirst {
        /// Highest temperature in degrees Celsius while charging.
        temp_c: f64,
    },
    /// Charge no faster than this, for instance where the plating margin runs out.
    ChargeSlower {
        /// Highest charge rate in 1/h.
        c_rate: f64,
    },
}

/// A lever and its effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advice {
    /// What to change.
    pub lever: Lever,
    /// Capacity gained at the horizon in percentage points, with the spread of this pack's scales; negative is a loss.
    pub points: Interval,
    /// The same in the money of the pack's value.
    pub money: Interval,
    /// Whether the lever changed the profile at all.
    pub applies: bool,
}

/// Deviations of the scales between which 90 % of packs like this one lie.
const NINETY_SD: f64 = 1.645;

/// The effect of each lever on a pack that lives `usual` days for `days` more, most useful first.
///
/// # Errors
/// Days outside 1..=20,000, a lever outside its range, or what the ageing model refuses.
pub fn advise(
    pack: &Pack,
    usual: &Profile,
    levers: &[Lever],
    value: PackValue,
    days: f64,
) -> Result<Vec<Advice>, PrognosisError> {
    within("days", days, 1.0, 20_000.0)?;
    let corners = [[0.0; 3], [-NINETY_SD; 3], [NINETY_SD; 3]];
    let ends = |profile: &Profile| -> Result<[f64; 3], PrognosisError> {
        let mut ends = [0.0; 3];
        for (end, by_sd) in ends.iter_mut().zip(corners) {
            let mut ageing = pack.replay(pack.scales(by_sd))?;
            live(&mut ageing, profile, Anchor::default(), days, |_| {})?;
            *end = ageing.capacity();
        }
        Ok(ends)
    };
    let left = ends(usual)?;
    let mut advice = Vec::with_capacity(levers.len());
    for &lever in levers {
        let changed = lever.apply(usual)?;
        let applies = changed != *usual;
        let gains = if applies { ends(&changed)? } else { left };
        let gains: [f64; 3] = std::array::from_fn(|i| gains[i] - left[i]);
        let low = gains.iter().copied().fold(f64::INFINITY, f64::min);
        let high = gains.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let times =
            |factor: f64| Interval { low: low * factor, mean: gains[0] * factor, high: high * factor };
        advice.push(Advice { lever, points: times(100.0), money: times(value.per_capacity()), applies });
    }
    advice.sort_by(|a, b| b.points.mean.total_cmp(&a.points.mean));
    Ok(advice)
}

impl Lever {
    /// The profile with this habit.
    ///
    /// # Errors
    /// A lever outside its range.
    pub fn apply(self, usual: &Profile) -> Result<Profile, PrognosisError> {
        let samples = usual.samples();
        match self {
            Lever::ChargeLate => shift_charging(usual, None),
            Lever::ChargeSlower { c_rate } => {
                shift_charging(usual, Some(within("c_rate", c_rate, 0.01, 20.0)?))
            }
            Lever::ChargeUpTo { soc } => {
                within("soc", soc, 0.1, 1.0)?;
                let highest = samples.iter().map(|sample| sample.soc).fold(0.0, f64::max);
                let lowest = samples.iter().map(|sample| sample.soc).fold(1.0, f64::min);
                let down = (highest - soc).clamp(0.0, lowest);
                if down == 0.0 {
                    return Ok(usual.clone());
                }
                let lower = |sample: &Sample| Sample { soc: sample.soc - down, ..*sample };
                Ok(Profile::new(samples.iter().map(lower).collect())?)
            }
            Lever::CoolFirst { temp_c } => {
                within("temp_c", temp_c, -20.0, 60.0)?;
                let charging = |place: usize| {
                    let rises = |a: usize, b: usize| {
                        samples.get(a).zip(samples.get(b)).is_some_and(|(a, b)| b.soc > a.soc)
                    };
                    rises(place, place + 1) || (place > 0 && rises(place - 1, place))
                };
                let cooled = |(place, sample): (usize, &Sample)| Sample {
                    temp_c: if charging(place) { sample.temp_c.min(temp_c) } else { sample.temp_c },
                    ..*sample
                };
                Ok(Profile::new(samples.iter().enumerate().map(cooled).collect())?)
            }
        }
    }
}

/// The profile begun at a departure, so that no charge is cut in two by midnight.
fn from_departure(usual: &Profile) -> Vec<Sample> {
    let samples = usual.samples();
    let last = samples.len() - 1;
    let departure = (0..last)
        .find(|&place| {
            samples[place + 1].soc < samples[place].soc
                && (place == 0 || samples[place].soc >= samples[place - 1].soc)
        })
        .unwrap_or(0);
    let length_s = samples[last].t_s - samples[0].t_s;
    let mut turned: Vec<Sample> = samples[departure..].to_vec();
    if departure > 0 {
        // the end of the day and its beginning are one moment
        let skip = usize::from((samples[0].soc - samples[last].soc).abs() < 1e-9);
        turned.extend(samples[skip..=departure].iter().map(|sample| Sample {
            t_s: sample.t_s + length_s + if skip == 0 { 1.0 } else { 0.0 },
            ..*sample
        }));
    }
    turned
}

/// Charges as late as the car stands, or as slowly as allowed; temperatures stay with the clock.
fn shift_charging(usual: &Profile, slowest: Option<f64>) -> Result<Profile, PrognosisError> {
    let turned = Profile::new(from_departure(usual))?;
    let samples = turned.samples();
    let mut charge: Vec<(f64, f64)> = Vec::new();
    let mut place = 0;
    let mut changed = false;
    while place < samples.len() {
        let start = samples[place];
        charge.push((start.t_s, start.soc));
        let mut full = place;
        while full + 1 < samples.len() && samples[full + 1].soc > samples[full].soc {
            full += 1;
        }
        if full == place {
            place += 1;
            continue;
        }
        let mut leave = full;
        while leave + 1 < samples.len() && samples[leave + 1].soc == samples[full].soc {
            leave += 1;
        }
        let hours = (samples[full].t_s - start.t_s) / 3600.0;
        let gain = samples[full].soc - start.soc;
        let stands = (samples[leave].t_s - start.t_s) / 3600.0;
        let (begin_s, end_s) = match slowest {
            None => (samples[leave].t_s - hours * 3600.0, samples[leave].t_s),
            Some(c_rate) => (start.t_s, start.t_s + hours.max(gain / c_rate).min(stands) * 3600.0),
        };
        changed |= (begin_s - start.t_s).abs() > 1.0 || (end_s - samples[full].t_s).abs() > 1.0;
        if begin_s > start.t_s + 1.0 {
            charge.push((begin_s, start.soc));
        }
        charge.push((end_s, samples[full].soc));
        if samples[leave].t_s > end_s + 1.0 {
            charge.push((samples[leave].t_s, samples[full].soc));
        }
        place = leave + 1;
    }
    if !changed {
        return Ok(usual.clone());
    }
    let mut moments: Vec<f64> = samples.iter().map(|sample| sample.t_s).collect();
    moments.extend(charge.iter().map(|point| point.0));
    moments.sort_by(f64::total_cmp);
    moments.dedup_by(|a, b| *a - *b < 1e-6);
    let soc_at = |t_s: f64| {
        let after = charge.partition_point(|point| point.0 < t_s).clamp(1, charge.len() - 1);
        let (a, b) = (charge[after - 1], charge[after]);
        a.1 + (b.1 - a.1) * ((t_s - a.0) / (b.0 - a.0)).clamp(0.0, 1.0)
    };
    let sample = |t_s: f64| Sample { soc: soc_at(t_s), ..turned.at(t_s) };
    Ok(Profile::new(moments.into_iter().map(sample).collect())?)
}
