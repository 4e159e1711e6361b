//! One long run: where its warm-up ends, and how sure its mean is.

use serde::Serialize;

use super::sample::Summary;

/// The number of leading values to cut by MSER-5 (White 1997): the cut in blocks of five that makes the standard error
/// of the mean of the rest least. Only cuts in the first half are looked at; `None` where the series is shorter than
/// ten, or where the best cut is the last one looked at, which means that the run is too short to tell.
///
/// ```
/// let mut series = vec![50.0; 20];
/// series.extend((0..400).map(|i| f64::from(i % 5)));
/// assert_eq!(voltwin_des::mser5(&series), Some(20));
/// ```
#[must_use]
pub fn mser5(series: &[f64]) -> Option<usize> {
    let blocks: Vec<f64> = series.chunks_exact(5).map(|block| block.iter().sum::<f64>() / 5.0).collect();
    if blocks.len() < 2 {
        return None;
    }
    let last = blocks.len() / 2;
    let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    // from the end, so that each rest is one block more than the one before
    for start in (0..blocks.len()).rev() {
        n += 1.0;
        let from_old = blocks[start] - mean;
        mean += from_old / n;
        squares += from_old * (blocks[start] - mean);
        let error = squares / (n * n);
        if start <= last && error <= best.0 {
            best = (error, start);
        }
    }
    (best.1 < last).then_some(5 * best.1)
}

/// The mean of one long run from the means of its batches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BatchMeans {
    /// Over the batch means.
    pub summary: Summary,
    /// Correlation of neighbouring batch means; NaN below three.
    pub lag1: f64,
    /// Whether the batches may pass as independent: the correlation is below its 95 % bound under independence.
    pub independent: bool,
}

/// Cuts a series into batches of `size` values (a cyclic process is cut at its cycle: one day) and looks at their means.
/// A rest shorter than a batch is left out.
#[must_use]
pub fn batch_means(series: &[f64], size: usize) -> BatchMeans {
    let means: Vec<f64> = series
        .chunks_exact(size.max(1))
        .map(|batch| batch.iter().sum::<f64>() / batch.len() as f64)
        .collect();
    let summary = Summary::of(means.iter().copied());
    let squares: f64 = means.iter().map(|mean| (mean - summary.mean).powi(2)).sum();
    let products: f64 =
        means.windows(2).map(|pair| (pair[0] - summary.mean) * (pair[1] - summary.mean)).sum();
    let lag1 = if means.len() < 3 { f64::NAN } else { products / squares };
    // one-sided: batches that repel each other make the interval too wide and not too narrow
    let bound = 1.645 / libm::sqrt(means.len() as f64);
    BatchMeans { summary, lag1, independent: lag1 < bound }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Name;

    #[test]
    fn a_run_that_never_settles_has_no_cut() {
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(mser5(&rising), None);
        assert_eq!(mser5(&[1.0; 9]), None);
    }

    /// An autoregression of coefficient 0.9: the variance of the mean is sigma^2 (1 + a) / (1 - a) / n = 19 times that of
    /// independent values; batches of 500 must see it (within 25 %, about 3 standard errors of a variance of 400 batches).
    #[test]
    fn batches_see_the_correlation_of_a_run() {
        let mut stream = Name::of_seed(5).stream();
        let mut x = 0.0;
        let series: Vec<f64> = (0..200_000)
            .map(|_| {
                x = 0.9 * x + stream.normal();
                x
            })
            .collect();
        let sigma2 = 1.0 / (1.0 - 0.81);
        let expected = sigma2 * 19.0 / 200_000.0;
        let got = batch_means(&series, 500);
        assert!((got.summary.standard_error().powi(2) / expected - 1.0).abs() < 0.25);
        assert!(got.independent);
        assert!(!batch_means(&series, 5).independent);
    }
}
