//! Demand from logged arrivals: the profile of the form, and how well it fits.

use serde::Serialize;
use voltwin_des::special::{chi_square_tail, kolmogorov_tail};

use crate::{error::SwapError, scenario::Demand};

/// One logged arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Seconds since midnight of day 0.
    pub at_s: f64,
    /// Identity of the station; empty where the log has one station only.
    pub station: String,
}

/// How the counts of one hour of the day spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HourTest {
    /// Hour of the day.
    pub hour: usize,
    /// Mean count of a station and day.
    pub mean: f64,
    /// Variance over mean: 1 for a Poisson process of this rate.
    pub dispersion: f64,
}

/// A fitted demand.
#[derive(Debug, Clone, Serialize)]
pub struct Fit {
    /// For the scenario.
    pub demand: Demand,
    /// Identity and `demand_scale` of each station; their mean is 1.
    pub scales: Vec<(String, f64)>,
    /// Whole days in the log.
    pub days: usize,
    /// Arrivals used.
    pub arrivals: usize,
    /// Spread of each hour about the fitted rates.
    pub hours: Vec<HourTest>,
    /// Chance of so large a deviation of the counts by hour and weekday if the product of profile, weekday and scale held
    /// (chi-square, with the fitted over-dispersion).
    pub p_rates: f64,
    /// Chance of so large a deviation of the gaps within hours from a Poisson process (Kolmogorov, arrivals given their number
    /// are even within an hour).
    pub p_gaps: f64,
    /// What it means, in sentences.
    pub verdict: Vec<String>,
}

/// Fits profile, weekdays, scales and over-dispersion (by hour and by day, by moments) to a log of whole days.
///
/// # Errors
/// [`SwapError::Question`] for a log shorter than a day, with fewer than 50 arrivals, or with times that are negative.
pub fn fit(arrivals: &[Arrival], days: usize) -> Result<Fit, SwapError> {
    let fail = |what: String| Err(SwapError::Question { what });
    if let Some(bad) = arrivals.iter().find(|arrival| arrival.at_s.is_nan() || arrival.at_s < 0.0) {
        return fail(format!("an arrival at {} s: times begin at 0, midnight of day 0", bad.at_s));
    }
    if days == 0 || days > 4_000 {
        return fail(format!("{days} whole days, 1 to 4000 are wanted"));
    }
    let mut ids: Vec<&str> = arrivals.iter().map(|arrival| arrival.station.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let counts = Counts::new(arrivals, &ids, days);
    if counts.total < 50.0 {
        return fail(format!("{} arrivals in whole days, 50 or more are wanted", counts.total));
    }
    let rates = Rates::of(&counts);
    let (hour_cv, day_cv) = dispersion(&counts, &rates);
    let hours = (0..24).map(|hour| hour_test(&counts, &rates, hour)).collect::<Vec<_>>();
    let p_rates = rates_test(&counts, &rates, hour_cv, day_cv);
    let p_gaps = gaps_test(arrivals, days);
    let say = |p: f64, good: &str, bad: &str| {
        if p >= 0.01 { format!("{good} (p {p:.3}).") } else { format!("{bad} (p {p:.2e}).") }
    };
    let verdict = vec![
        say(
            p_rates,
            "rates by hour, weekday and station explain the counts",
            "rates by hour, weekday and station do not explain the counts; look for holidays or a trend",
        ),
        say(
            p_gaps,
            "within an hour arrivals are as random as a Poisson process",
            "within an hour arrivals are not a Poisson process",
        ),
        format!("over-dispersion: {hour_cv:.3} by station and hour, {day_cv:.3} by day."),
    ];
    Ok(Fit {
        demand: Demand {
            profile_per_h: rates.profile.to_vec(),
            dow: rates.dow.to_vec(),
            rate_jitter_cv: hour_cv.min(3.0),
            arrival_jitter_s: 0.0,
            day_jitter_cv: day_cv.min(3.0),
        },
        scales: ids.iter().map(|id| (*id).to_owned()).zip(rates.scale).collect(),
        days,
        arrivals: counts.total as usize,
        hours,
        p_rates,
        p_gaps,
        verdict,
    })
}

/// Arrivals of each station, day and hour.
struct Counts {
    stations: usize,
    days: usize,
    total: f64,
    cells: Vec<f64>,
}

impl Counts {
    fn new(arrivals: &[Arrival], ids: &[&str], days: usize) -> Self {
        let mut cells = vec![0.0; ids.len() * days * 24];
        let mut total = 0.0;
        for arrival in arrivals {
            let hour = (arrival.at_s / 3_600.0) as usize;
            let Ok(station) = ids.binary_search(&arrival.station.as_str()) else { continue };
            if hour < days * 24 {
                cells[station * days * 24 + hour] += 1.0;
                total += 1.0;
            }
        }
        Self { stations: ids.len(), days, total, cells }
    }

    fn at(&self, station: usize, day: usize, hour: usize) -> f64 {
        self.cells[(station * self.days + day) * 24 + hour]
    }

    fn sum(&self, keep: impl Fn(usize, usize, usize) -> bool) -> f64 {
        let mut sum = 0.0;
        for station in 0..self.stations {
            for day in 0..self.days {
                for hour in 0..24 {
                    if keep(station, day, hour) {
                        sum += self.at(station, day, hour);
                    }
                }
            }
        }
        sum
    }
}

/// The product form: profile by hour, factor by weekday, factor by station.
struct Rates {
    profile: [f64; 24],
    dow: [f64; 7],
    scale: Vec<f64>,
}

impl Rates {
    /// Marginal sums: the maximum likelihood of the product form where every weekday is logged equally often, and close to it
    /// elsewhere.
    fn of(counts: &Counts) -> Self {
        let (stations, days) = (counts.stations as f64, counts.days as f64);
        let per_day = counts.total / days;
        let mut dow = [1.0; 7];
        for (weekday, factor) in dow.iter_mut().enumerate() {
            let logged = (0..counts.days).filter(|day| day % 7 == weekday).count() as f64;
            if logged > 0.0 {
                *factor = counts.sum(|_, day, _| day % 7 == weekday) / logged / per_day;
            }
        }
        let mut profile = [0.0; 24];
        for (hour, rate) in profile.iter_mut().enumerate() {
            *rate = counts.sum(|_, _, h| h == hour) / days / stations;
        }
        let scale = (0..counts.stations)
            .map(|station| counts.sum(|s, _, _| s == station) / (counts.total / stations))
            .collect();
        Self { profile, dow, scale }
    }

    fn at(&self, station: usize, day: usize, hour: usize) -> f64 {
        self.profile[hour] * self.dow[day % 7] * self.scale[station]
    }
}

/// Coefficients of variation of a factor by station and hour, and of one by day, from the variance that Poisson counts would
/// not have.
fn dispersion(counts: &Counts, rates: &Rates) -> (f64, f64) {
    let (mut extra, mut weight) = (0.0, 0.0);
    let (mut day_extra, mut day_weight) = (0.0, 0.0);
    for day in 0..counts.days {
        let (mut got, mut expected, mut squares) = (0.0, 0.0, 0.0);
        for station in 0..counts.stations {
            for hour in 0..24 {
                let rate = rates.at(station, day, hour);
                let count = counts.at(station, day, hour);
                extra += (count - rate).powi(2) - rate;
                weight += rate * rate;
                got += count;
                expected += rate;
                squares += rate * rate;
            }
        }
        day_extra += (got - expected).powi(2) - expected;
        day_weight += expected * expected - squares;
    }
    let cell = (extra / weight).max(0.0);
    // sum over a day: day^2 (E^2) + hour^2 (sum of squares); a cell: about day^2 + hour^2
    let (e2, s2) = (day_weight + weight, weight);
    let day = ((day_extra - cell * s2) / (e2 - s2)).clamp(0.0, cell.max(0.0));
    ((cell - day).max(0.0).sqrt(), day.sqrt())
}

fn hour_test(counts: &Counts, rates: &Rates, hour: usize) -> HourTest {
    let (mut chi, mut sum, mut n) = (0.0, 0.0, 0.0);
    for station in 0..counts.stations {
        for day in 0..counts.days {
            let rate = rates.at(station, day, hour);
            if rate > 0.0 {
                let count = counts.at(station, day, hour);
                chi += (count - rate).powi(2) / rate;
                sum += count;
                n += 1.0;
            }
        }
    }
    HourTest { hour, mean: sum / f64::max(n, 1.0), dispersion: chi / f64::max(n, 1.0) }
}

/// Counts by hour and weekday, all stations together, against the product form.
fn rates_test(counts: &Counts, rates: &Rates, hour_cv: f64, day_cv: f64) -> f64 {
    let (mut chi, mut cells) = (0.0, 0.0);
    for weekday in 0..7.min(counts.days) {
        for hour in 0..24 {
            let (mut expected, mut variance) = (0.0, 0.0);
            for day in (weekday..counts.days).step_by(7) {
                let (mut sum, mut squares) = (0.0, 0.0);
                for station in 0..counts.stations {
                    let rate = rates.at(station, day, hour);
                    sum += rate;
                    squares += rate * rate;
                }
                expected += sum;
                variance += sum + hour_cv.powi(2) * squares + day_cv.powi(2) * sum * sum;
            }
            if expected >= 5.0 {
                let got = counts.sum(|_, day, h| h == hour && day % 7 == weekday);
                chi += (got - expected).powi(2) / variance;
                cells += 1.0;
            }
        }
    }
    let freedom = cells - 24.0 - 6.0;
    if freedom < 1.0 { f64::NAN } else { chi_square_tail(chi, freedom) }
}

/// Places of arrivals within their hours, which are even for a Poisson process.
fn gaps_test(arrivals: &[Arrival], days: usize) -> f64 {
    let end = days as f64 * 86_400.0;
    let mut places: Vec<f64> = arrivals
        .iter()
        .filter(|arrival| arrival.at_s < end)
        .map(|arrival| (arrival.at_s / 3_600.0).fract())
        .collect();
    places.sort_by(f64::total_cmp);
    let n = places.len() as f64;
    let distance = places
        .iter()
        .enumerate()
        .map(|(rank, place)| (place - rank as f64 / n).max((rank + 1) as f64 / n - place))
        .fold(0.0, f64::max);
    kolmogorov_tail(distance, n)
}
