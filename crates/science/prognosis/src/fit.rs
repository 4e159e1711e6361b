//! Learning a fleet's character from its series.

use crate::{PrognosisError, Track, TrackCharacter};

/// Forecasts before this many cycles are of nobody's use and are not scored.
pub const WARM_UP_CYCLES: usize = 5;

/// Forecasts of a series at every cycle after the warm-up: `(belief, truth)`.
///
/// # Errors
/// As [`Track::begin`].
pub fn backtest(
    character: TrackCharacter,
    series: &[f64],
    ahead: u32,
) -> Result<Vec<(crate::Belief, f64)>, PrognosisError> {
    let Some(first) = series.first() else { return Ok(Vec::new()) };
    let mut track = Track::begin(character, *first)?;
    let mut scored = Vec::new();
    for (now, capacity) in series.iter().enumerate() {
        if now > 0 {
            track.cycle(Some(*capacity))?;
        }
        if now < WARM_UP_CYCLES {
            continue;
        }
        if let Some(truth) = series.get(now + ahead as usize) {
            scored.push((track.forecast(ahead), *truth));
        }
    }
    Ok(scored)
}

/// The character that forecasts these series best at these horizons, by mean absolute error relative to persistence,
/// held near the default where the data say nothing. Deterministic.
///
/// # Errors
/// No series that is long enough for the shortest horizon.
pub fn fit_character(series: &[&[f64]], horizons: &[u32]) -> Result<TrackCharacter, PrognosisError> {
    let persistence: Vec<f64> = horizons
        .iter()
        .map(|&ahead| mean_error(series, ahead, |history, _| history[history.len() - 1]))
        .collect();
    if !persistence.iter().any(|error| *error > 0.0) {
        return Err(PrognosisError::TooFew { what: "a fit", least: WARM_UP_CYCLES + 2, got: 0 });
    }
    let start = encode(TrackCharacter::default());
    let loss = |point: &[f64; 8]| {
        let character = decode(point);
        let mut total = 0.0;
        for (&ahead, &scale) in horizons.iter().zip(&persistence) {
            if scale > 0.0 {
                let errors: Vec<f64> = series
                    .iter()
                    .filter_map(|series| backtest(character, series, ahead).ok())
                    .flatten()
                    .map(|(belief, truth)| (belief.mean - truth).abs())
                    .collect();
                total += errors.iter().sum::<f64>() / errors.len().max(1) as f64 / scale;
            }
        }
        let away: f64 = point.iter().zip(&start).map(|(a, b)| (a - b) * (a - b)).sum();
        if total.is_finite() { total + 0.01 * away / 8.0 } else { f64::INFINITY }
    };
    Ok(decode(&simplex(start, 0.7, 400, loss)))
}

/// Mean absolute error of a rule `(history, ahead) -> forecast` over all series, zero where none is long enough.
pub fn mean_error(series: &[&[f64]], ahead: u32, rule: impl Fn(&[f64], u32) -> f64) -> f64 {
    let (mut total, mut count) = (0.0, 0_u32);
    for series in series {
        for now in WARM_UP_CYCLES..series.len().saturating_sub(ahead as usize) {
            total += (rule(&series[..=now], ahead) - series[now + ahead as usize]).abs();
            count += 1;
        }
    }
    if count > 0 { total / f64::from(count) } else { 0.0 }
}

fn encode(c: TrackCharacter) -> [f64; 8] {
    let odds = |share: f64| (share / (1.0 - share)).ln();
    [
        c.measurement_sd.ln(),
        c.level_sd.ln(),
        c.slope_sd.ln(),
        c.recovery_sd.ln(),
        odds(c.recovery_memory),
        c.fleet_slope * 1e3,
        c.fleet_slope_sd.ln(),
        odds(c.slope_persistence),
    ]
}

fn decode(point: &[f64; 8]) -> TrackCharacter {
    let share = |odds: f64| (1.0 / (1.0 + (-odds).exp())).clamp(0.0, 0.9999);
    let sd = |log: f64| log.exp().clamp(1e-6, 1.0);
    TrackCharacter {
        measurement_sd: sd(point[0]),
        level_sd: sd(point[1]),
        slope_sd: sd(point[2]),
        recovery_sd: sd(point[3]),
        recovery_memory: share(point[4]),
        fleet_slope: (point[5] / 1e3).clamp(-1.0, 1.0),
        fleet_slope_sd: sd(point[6]),
        slope_persistence: share(point[7]),
    }
}

/// Nelder and Mead's simplex, without randomness.
fn simplex<const N: usize>(
    start: [f64; N],
    step: f64,
    evaluations: usize,
    loss: impl Fn(&[f64; N]) -> f64,
) -> [f64; N] {
    let mut corners: Vec<([f64; N], f64)> = (0..=N)
        .map(|corner| {
            let mut point = start;
            if corner > 0 {
                point[corner - 1] += step;
            }
            (point, loss(&point))
        })
        .collect();
    let mut asked = N + 1;
    while asked < evaluations {
        corners.sort_by(|a, b| a.1.total_cmp(&b.1));
        let worst = corners[N];
        let mut centre = [0.0; N];
        for corner in &corners[..N] {
            for (sum, value) in centre.iter_mut().zip(corner.0) {
                *sum += value / N as f64;
            }
        }
        let along = |factor: f64| {
            let mut point = centre;
            for (value, far) in point.iter_mut().zip(worst.0) {
                *value += factor * (far - *value);
            }
            (point, loss(&point))
        };
        let reflected = along(-1.0);
        asked += 1;
        let replacement = if reflected.1 < corners[0].1 {
            asked += 1;
            let further = along(-2.0);
            if further.1 < reflected.1 { further } else { reflected }
        } else if reflected.1 < corners[N - 1].1 {
            reflected
        } else {
            asked += 1;
            let inside = along(if reflected.1 < worst.1 { -0.5 } else { 0.5 });
            if inside.1 < worst.1.min(reflected.1) {
                inside
            } else {
                let best = corners[0].0;
                for corner in &mut corners[1..] {
                    for (value, good) in corner.0.iter_mut().zip(best) {
                        *value = 0.5 * (*value + good);
                    }
                    corner.1 = loss(&corner.0);
                }
                asked += N;
                continue;
            }
        };
        corners[N] = replacement;
    }
    corners.sort_by(|a, b| a.1.total_cmp(&b.1));
    corners[0].0
}
