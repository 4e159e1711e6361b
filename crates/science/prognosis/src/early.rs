//! Cycle life from the first hundred cycles.
//!
//! Features of the discharge curves after Severson et al., Nature Energy 4 (2019) 383: how the charge over voltage
//! moved between early cycles says how a cell will age long before its capacity does. A ridge regression of the
//! logarithm of life on standardised features; each feature is held inside the range that training saw, because a
//! power of a variance runs away outside it.

use crate::{
    Belief, Interval, PrognosisError, Promise,
    error::within,
    statistics::{median, slope},
};

/// What is known of a cell after its first hundred cycles.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyRecord {
    /// Charge in Ah over a fixed grid of falling voltages at cycle 10.
    pub charge_at_10: Vec<f64>,
    /// The same at cycle 50.
    pub charge_at_50: Vec<f64>,
    /// The same at cycle 100.
    pub charge_at_100: Vec<f64>,
    /// Discharge capacity in Ah of cycles 2 to 100; what was not measured is NaN.
    pub capacities: Vec<f64>,
    /// Nominal capacity in Ah.
    pub nominal_ah: f64,
}

/// Number of features.
pub const FEATURES: usize = 12;

/// Capacities outside this share of nominal are glitches of the cycler.
const PLAUSIBLE: std::ops::Range<f64> = 0.73..1.18;

impl EarlyRecord {
    /// Logarithms of variance, minimum and mean of the change of charge over voltage, its skewness and kurtosis, the
    /// variance again by halves, and capacity early, late, at most and its slopes.
    ///
    /// # Errors
    /// Curves of different or no length, or fewer than ten plausible capacities.
    pub fn features(&self) -> Result<[f64; FEATURES], PrognosisError> {
        within("nominal_ah", self.nominal_ah, 1e-3, 1e4)?;
        let whole = change("charge_at_10", &self.charge_at_100, &self.charge_at_10)?;
        let late = change("charge_at_50", &self.charge_at_100, &self.charge_at_50)?;
        let early = change("charge_at_10", &self.charge_at_50, &self.charge_at_10)?;
        let shape = Moments::of(&whole);
        let seen: Vec<(f64, f64)> = self
            .capacities
            .iter()
            .enumerate()
            .map(|(place, capacity)| (place as f64 + 2.0, capacity / self.nominal_ah))
            .filter(|(_, capacity)| PLAUSIBLE.contains(capacity))
            .collect();
        if seen.len() < 10 {
            return Err(PrognosisError::TooFew { what: "plausible capacities", least: 10, got: seen.len() });
        }
        let values: Vec<f64> = seen.iter().map(|point| point.1).collect();
        let first = median(&values[..5]);
        let highest = values.iter().copied().fold(f64::MIN, f64::max);
        Ok([
            log10(shape.variance),
            log10(whole.iter().copied().fold(f64::INFINITY, f64::min).abs()),
            log10(shape.mean.abs()),
            shape.skewness,
            shape.kurtosis,
            first,
            highest - first,
            slope(&seen[seen.len() - 10..]),
            slope(&seen),
            log10(Moments::of(&late).variance),
            log10(Moments::of(&early).variance),
            median(&values[values.len() - 5..]),
        ])
    }
}

fn change(what: &'static str, after: &[f64], before: &[f64]) -> Result<Vec<f64>, PrognosisError> {
    if after.is_empty() || after.len() != before.len() {
        return Err(PrognosisError::Shape { what, got: before.len(), expected: after.len().max(1) });
    }
    for value in after.iter().chain(before) {
        within(what, *value, -1e4, 1e4)?;
    }
    Ok(after.iter().zip(before).map(|(after, before)| after - before).collect())
}

fn log10(value: f64) -> f64 {
    value.max(1e-12).log10()
}

struct Moments {
    mean: f64,
    variance: f64,
    skewness: f64,
    kurtosis: f64,
}

impl Moments {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let central = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / n;
        let variance = central(2);
        let spread = variance.max(1e-300);
        Self {
            mean,
            variance,
            skewness: central(3) / spread.powf(1.5),
            kurtosis: central(4) / (spread * spread) - 3.0,
        }
    }
}

/// A trained model of cycle life.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyLife {
    ridge: Ridge,
    penalty: f64,
    error_sd: f64,
    promise: Promise,
}

impl EarlyLife {
    /// Trains on cells of known life in cycles. The penalty is the one that forecasts left-out training cells best,
    /// and so is the width of the intervals of that coverage.
    ///
    /// # Errors
    /// Fewer than 15 cells, a life outside 1..=1e6, or a record without features.
    pub fn train(cells: &[(EarlyRecord, f64)], coverage: f64) -> Result<Self, PrognosisError> {
        if cells.len() < 15 {
            return Err(PrognosisError::TooFew { what: "training", least: 15, got: cells.len() });
        }
        let mut rows = Vec::with_capacity(cells.len());
        let mut lives = Vec::with_capacity(cells.len());
        for (record, life) in cells {
            rows.push(record.features()?);
            lives.push(within("life", *life, 1.0, 1e6)?.log10());
        }
        let left_out = |penalty: f64| -> Vec<f64> {
            (0..rows.len())
                .map(|out| {
                    let keep = |place: usize| place != out;
                    let x: Vec<_> = (0..rows.len()).filter(|&i| keep(i)).map(|i| rows[i]).collect();
                    let y: Vec<_> = (0..rows.len()).filter(|&i| keep(i)).map(|i| lives[i]).collect();
                    Ridge::fit(&x, &y, penalty).predict(&rows[out]) - lives[out]
                })
                .collect()
        };
        let square =
            |errors: &[f64]| errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
        let (penalty, errors) = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0]
            .into_iter()
            .map(|penalty| (penalty, left_out(penalty)))
            .min_by(|a, b| square(&a.1).total_cmp(&square(&b.1)))
            .unwrap_or((1.0, Vec::new()));
        let error_sd = square(&errors).sqrt().max(1e-9);
        let scores: Vec<f64> = errors.iter().map(|error| error.abs() / error_sd).collect();
        Ok(Self {
            ridge: Ridge::fit(&rows, &lives, penalty),
            penalty,
            error_sd,
            promise: Promise::from_fleet(&scores, coverage, 0.0)?,
        })
    }

    /// Life in cycles with its interval.
    ///
    /// # Errors
    /// As [`EarlyRecord::features`].
    pub fn life(&self, record: &EarlyRecord) -> Result<Interval, PrognosisError> {
        let mean = self.ridge.predict(&record.features()?);
        let Interval { low, mean, high } = self.promise.interval(Belief { mean, sd: self.error_sd });
        let [low, mean, high] = [low, mean, high].map(|log| 10_f64.powf(log));
        Ok(Interval { low, mean, high })
    }

    /// The penalty that was chosen.
    #[must_use]
    pub fn penalty(&self) -> f64 {
        self.penalty
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Ridge {
    centre: [f64; FEATURES],
    scale: [f64; FEATURES],
    range: [(f64, f64); FEATURES],
    weights: [f64; FEATURES],
    intercept: f64,
}

impl Ridge {
    fn fit(rows: &[[f64; FEATURES]], targets: &[f64], penalty: f64) -> Self {
        let n = rows.len() as f64;
        let column = |j: usize| rows.iter().map(move |row| row[j]);
        let centre: [f64; FEATURES] = std::array::from_fn(|j| column(j).sum::<f64>() / n);
        let scale: [f64; FEATURES] = std::array::from_fn(|j| {
            let variance = column(j).map(|value| (value - centre[j]).powi(2)).sum::<f64>() / n;
            variance.sqrt().max(1e-12)
        });
        let range = std::array::from_fn(|j| {
            column(j).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
        });
        let intercept = targets.iter().sum::<f64>() / n;
        let mut normal = [[0.0; FEATURES]; FEATURES];
        let mut right = [0.0; FEATURES];
        for (row, target) in rows.iter().zip(targets) {
            let z: [f64; FEATURES] = std::array::from_fn(|j| (row[j] - centre[j]) / scale[j]);
            for i in 0..FEATURES {
                right[i] += z[i] * (target - intercept);
                for j in 0..FEATURES {
                    normal[i][j] += z[i] * z[j];
                }
            }
        }
        for (i, row) in normal.iter_mut().enumerate() {
            row[i] += penalty;
        }
        Self { centre, scale, range, weights: solve(normal, right), intercept }
    }

    fn predict(&self, row: &[f64; FEATURES]) -> f64 {
        let part = |j: usize| {
            let held = row[j].clamp(self.range[j].0, self.range[j].1);
            self.weights[j] * (held - self.centre[j]) / self.scale[j]
        };
        self.intercept + (0..FEATURES).map(part).sum::<f64>()
    }
}

/// Solution of a symmetric positive definite system by elimination, which then needs no pivots.
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> [f64; N] {
    for i in 0..N {
        let (pivot, right) = (a[i], b[i]);
        for (row, value) in a.iter_mut().zip(&mut b).skip(i + 1) {
            let factor = row[i] / pivot[i];
            for (entry, above) in row.iter_mut().zip(pivot) {
                *entry -= factor * above;
            }
            *value -= factor * right;
        }
    }
    for i in (0..N).rev() {
        let known: f64 = a[i].iter().zip(b).skip(i + 1).map(|(entry, value)| entry * value).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    b
}
