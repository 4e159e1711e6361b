//! Samples of independent values.

use serde::Serialize;

use crate::special::student_quantile;

/// Mean, spread and interval of independent values.
///
/// ```
/// use voltwin_des::Summary;
///
/// let summary = Summary::of([9.0, 10.0, 11.0]);
/// assert_eq!((summary.mean, summary.sd, summary.n), (10.0, 1.0, 3));
/// let (low, high) = summary.interval(0.95);
/// assert!((low - 7.516).abs() < 1e-3 && (high - 12.484).abs() < 1e-3);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Mean; NaN of none.
    pub mean: f64,
    /// Standard deviation (n - 1); NaN below two values.
    pub sd: f64,
    /// How many values.
    pub n: usize,
}

impl Summary {
    /// Of values in a fixed order; what is no number is left out.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        // Welford 1962: one pass, and stable where the spread is small beside the mean
        let (mut n, mut mean, mut squares) = (0_usize, 0.0, 0.0);
        for value in values.into_iter().filter(|value| !value.is_nan()) {
            n += 1;
            let from_old = value - mean;
            mean += from_old / n as f64;
            squares += from_old * (value - mean);
        }
        Self {
            mean: if n == 0 { f64::NAN } else { mean },
            sd: if n < 2 { f64::NAN } else { libm::sqrt(squares / (n - 1) as f64) },
            n,
        }
    }

    /// Half the width of the two-sided t interval of the mean at `level` in (0, 1); NaN below two values.
    #[must_use]
    pub fn half_width(&self, level: f64) -> f64 {
        if self.n < 2 {
            return f64::NAN;
        }
        t_value(level, self.n - 1) * self.standard_error()
    }

    /// The two-sided t interval of the mean.
    #[must_use]
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let half = self.half_width(level);
        (self.mean - half, self.mean + half)
    }

    /// Standard error of the mean.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.sd / libm::sqrt(self.n as f64)
    }
}

/// Student's t for a two-sided interval at `level` with `freedom` degrees.
#[must_use]
pub fn t_value(level: f64, freedom: usize) -> f64 {
    student_quantile(0.5 + level / 2.0, freedom as f64)
}

/// The type-7 quantile (Hyndman and Fan 1996; linear between order statistics, the default of R and `NumPy`) at `p` in
/// 0..=1; NaN of nothing.
#[must_use]
pub fn quantile(values: &[f64], p: f64) -> f64 {
    quantile_in_place(&mut values.to_vec(), p)
}

/// As [`quantile`], changing the order of the values instead of copying them.
pub fn quantile_in_place(values: &mut [f64], p: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let place = p.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let below = place.floor() as usize;
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let share = place - below as f64;
    if share <= 0.0 {
        return low;
    }
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    low + share * (high - low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `numpy.quantile([1, 2, 4, 8, 16], [0.3, 0.95])`.
    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = [16.0, 1.0, 8.0, 2.0, 4.0];
        assert!((quantile(&values, 0.3) - 2.4).abs() < 1e-12);
        assert!((quantile(&values, 0.95) - 14.4).abs() < 1e-12);
        assert!(quantile(&[], 0.5).is_nan());
        assert_eq!(quantile(&[3.0], 0.95), 3.0);
        assert_eq!(quantile(&values, 1.0), 16.0);
    }

    #[test]
    fn what_is_no_number_is_no_value() {
        let summary = Summary::of([1.0, f64::NAN, 3.0]);
        assert_eq!((summary.mean, summary.n), (2.0, 2));
        assert!(Summary::of([1.0]).half_width(0.95).is_nan());
    }

    proptest! {
        #[test]
        fn selection_agrees_with_sorting(
            values in prop::collection::vec(-1e6_f64..1e6, 1..50),
            p in 0.0_f64..=1.0,
        ) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let place = p * (sorted.len() - 1) as f64;
            let (below, above) = (place.floor() as usize, place.ceil() as usize);
            let expected = sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below]);
            prop_assert!((quantile(&values, p) - expected).abs() <= 1e-9);
        }
    }
}
