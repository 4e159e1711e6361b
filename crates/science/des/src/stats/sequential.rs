//! How many replications are enough.

use serde::Serialize;

use super::sample::{Summary, t_value};

/// When to stop: each watched figure known to a share of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// Half width over mean, in (0, 1).
    pub relative: f64,
    /// Joint confidence of all watched figures, in (0, 1); shared out by Bonferroni.
    pub level: f64,
    /// Replications before the first look; at least 10 are made.
    pub n_min: usize,
    /// Replications at which it stops whatever the precision.
    pub n_max: usize,
}

impl Default for Precision {
    fn default() -> Self {
        Self { relative: 0.05, level: 0.95, n_min: 10, n_max: 10_000 }
    }
}

/// Where a sequential run stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Progress {
    /// Replications so far.
    pub n: usize,
    /// The worst half width over mean of the watched figures.
    pub relative: f64,
    /// Whether every watched figure is precise enough.
    pub precise: bool,
    /// A guess of the replications that will be enough, within the limit; from the present spread.
    pub n_wanted: usize,
}

impl Precision {
    /// Looks at the figures so far (Law 2015, section 9.4.1: stop at half width <= g / (1 + g) |mean|, which makes the true
    /// relative error at most g at the level). A figure that is 0 in every replication counts as known.
    #[must_use]
    pub fn look(&self, figures: &[Summary]) -> Progress {
        let n = figures.iter().map(|figure| figure.n).min().unwrap_or(0);
        let level = 1.0 - (1.0 - self.level) / figures.len().max(1) as f64;
        let goal = self.relative / (1.0 + self.relative);
        let mut worst = 0.0_f64;
        for figure in figures {
            let share = if figure.n < 2 {
                f64::INFINITY
            } else if figure.sd == 0.0 {
                0.0
            } else {
                t_value(level, figure.n - 1) * figure.standard_error() / figure.mean.abs()
            };
            worst = worst.max(share);
        }
        let enough = n >= self.n_min.max(10);
        let factor = worst / goal;
        let guess = if factor.is_finite() { (n as f64 * factor * factor).ceil() } else { f64::INFINITY };
        let guess = if guess < self.n_max as f64 { guess as usize } else { self.n_max };
        Progress {
            n,
            relative: worst,
            precise: enough && worst <= goal,
            n_wanted: guess.max(self.n_min.max(10)).min(self.n_max.max(10)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_when_every_figure_is_known() {
        let precision = Precision { relative: 0.1, ..Precision::default() };
        let known = Summary { mean: 100.0, sd: 1.0, n: 20 };
        let vague = Summary { mean: 1.0, sd: 1.0, n: 20 };
        assert!(precision.look(&[known]).precise);
        let both = precision.look(&[known, vague]);
        assert!(!both.precise && both.n_wanted > 400 && both.n_wanted < 1_000, "{both:?}");
        assert!(!precision.look(&[Summary { n: 9, ..known }]).precise, "ten at least");
        assert!(precision.look(&[Summary { mean: 0.0, sd: 0.0, n: 10 }]).precise);
    }
}
