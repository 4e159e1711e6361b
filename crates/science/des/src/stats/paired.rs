//! Two designs that met the same chance.

use serde::Serialize;

use super::sample::Summary;
use crate::special::student_cdf;

/// The difference of two designs over paired replications.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Paired {
    /// Of `b - a`.
    pub difference: Summary,
    /// Correlation of the pairs; NaN where one side does not vary.
    pub rho: f64,
    /// How many times the variance would be larger with independent replications: (var a + var b) / var(b - a).
    pub variance_ratio: f64,
    /// Two-sided p of the t test that there is no difference.
    pub p: f64,
}

/// Compares by pairs; pairs in which one is no number are left out. The longer side is cut.
#[must_use]
pub fn paired(a: &[f64], b: &[f64]) -> Paired {
    let pairs: Vec<(f64, f64)> =
        a.iter().copied().zip(b.iter().copied()).filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
    let left = Summary::of(pairs.iter().map(|pair| pair.0));
    let right = Summary::of(pairs.iter().map(|pair| pair.1));
    let difference = Summary::of(pairs.iter().map(|pair| pair.1 - pair.0));
    let products: f64 = pairs.iter().map(|pair| (pair.0 - left.mean) * (pair.1 - right.mean)).sum();
    let rho = products / (pairs.len().saturating_sub(1) as f64 * left.sd * right.sd);
    let apart = left.sd * left.sd + right.sd * right.sd;
    let p = if difference.n < 2 {
        f64::NAN
    } else if difference.sd > 0.0 {
        let t = difference.mean / difference.standard_error();
        2.0 * student_cdf(-t.abs(), (difference.n - 1) as f64)
    } else if difference.mean == 0.0 {
        1.0
    } else {
        0.0
    };
    Paired { difference, rho, variance_ratio: apart / (difference.sd * difference.sd), p }
}

/// Which of several hypotheses fall at a joint risk of `alpha` (Holm 1979), in the order given. A p that is no number
/// never falls.
#[must_use]
pub fn holm(p: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p.len()).filter(|place| !p[*place].is_nan()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut falls = vec![false; p.len()];
    for (rank, place) in order.iter().enumerate() {
        if p[*place] > alpha / (p.len() - rank) as f64 {
            break;
        }
        falls[*place] = true;
    }
    falls
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.ttest_rel([3, 5, 4, 6], [1, 2, 3, 3])`: t = 4.700..., p = 0.01819...
    #[test]
    fn pairs_are_tested_as_scipy_does() {
        let got = paired(&[1.0, 2.0, 3.0, 3.0], &[3.0, 5.0, 4.0, 6.0]);
        assert_eq!(got.difference.mean, 2.25);
        assert!((got.p - 0.018_194).abs() < 1e-4, "{}", got.p);
        assert!((got.rho - 0.674_2).abs() < 1e-4, "{}", got.rho);
        let same = paired(&[1.0, 2.0], &[1.0, 2.0]);
        assert_eq!(same.p, 1.0);
    }

    #[test]
    fn many_questions_share_one_risk() {
        assert_eq!(holm(&[0.04, 0.01, 0.03], 0.05), [false, true, false]);
        assert_eq!(holm(&[0.02, 0.01, f64::NAN, 0.001], 0.05), [true, true, false, true]);
    }
}
