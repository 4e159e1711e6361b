//! Intervals that keep their promise.

use serde::{Deserialize, Serialize};

use crate::{Belief, PrognosisError, error::within};

/// An interval around a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Forecast.
    pub mean: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies inside.
    #[must_use]
    pub fn covers(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Turns beliefs into intervals of a promised coverage.
///
/// It starts from what a fleet showed (split conformal prediction: the quantile of error over believed deviation on
/// units that were not fitted) and then follows its own unit: an interval that missed widens the next, one that held
/// narrows it a little, in the ratio of the promise (quantile tracking after Gibbs and Candes, 2021). So coverage holds
/// in the long run even for a unit unlike its fleet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    coverage: f64,
    width_sd: f64,
    pace: f64,
}

impl Promise {
    /// From errors over believed deviations of a fleet. `pace` is how fast a unit's own misses count, 0 for never.
    ///
    /// # Errors
    /// No scores, a coverage outside 0.5..=0.99 or a pace outside 0..=1.
    pub fn from_fleet(scores: &[f64], coverage: f64, pace: f64) -> Result<Self, PrognosisError> {
        within("coverage", coverage, 0.5, 0.99)?;
        within("pace", pace, 0.0, 1.0)?;
        let mut sorted: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
        if sorted.is_empty() {
            return Err(PrognosisError::TooFew { what: "a promise", least: 1, got: 0 });
        }
        sorted.sort_by(f64::total_cmp);
        // the finite-sample rank of split conformal prediction
        let rank = ((sorted.len() as f64 + 1.0) * coverage).ceil() as usize;
        Ok(Self { coverage, width_sd: sorted[rank.clamp(1, sorted.len()) - 1], pace })
    }

    /// The interval around a belief.
    #[must_use]
    pub fn interval(&self, belief: Belief) -> Interval {
        let reach = self.width_sd * belief.sd;
        Interval { low: belief.mean - reach, mean: belief.mean, high: belief.mean + reach }
    }

    /// Takes in whether an interval held.
    pub fn saw(&mut self, held: bool) {
        let miss = if held { 0.0 } else { 1.0 };
        self.width_sd *= (self.pace * (miss - (1.0 - self.coverage))).exp();
    }

    /// Half width in believed standard deviations.
    #[must_use]
    pub fn width_sd(&self) -> f64 {
        self.width_sd
    }
}
