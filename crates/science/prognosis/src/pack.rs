//! A pack with the ageing model of its chemistry and a character that it reveals by measurements.

use serde::{Deserialize, Serialize};
use voltwin_ageing::{Ageing, Anchor, Cell, Profile, Scales, State, Stress};

use crate::{Belief, Interval, PrognosisError, error::within};

/// Horizons of a forecast in days: an hour, a day, a week, a month.
pub const HORIZONS_DAYS: [f64; 4] = [1.0 / 24.0, 1.0, 7.0, 30.4];

/// How packs of one type differ, before anything is measured: medians are 1, spreads are of the logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PackPrior {
    /// Spread of the calendar scale.
    pub calendar_sd: f64,
    /// Spread of the cycle scale.
    pub cycle_sd: f64,
    /// Spread of the scale of the knee, used only where the cell's model has one.
    pub knee_sd: f64,
    /// What the ageing model itself misses, standard deviation relative to the loss.
    pub model_sd: f64,
}

impl Default for PackPrior {
    /// Cells of one chemistry class end a decade between 55 and 92 % under one use: a factor of two either way.
    fn default() -> Self {
        Self { calendar_sd: 0.35, cycle_sd: 0.5, knee_sd: 0.2, model_sd: 0.05 }
    }
}

/// What is believed of a pack's scales: mean and covariance of the logarithms of calendar, cycle and knee.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScaleBelief {
    /// Means of the logarithms.
    pub mean: [f64; 3],
    /// Covariance of the logarithms.
    pub covariance: [[f64; 3]; 3],
}

impl ScaleBelief {
    fn scales(&self, offset: [f64; 3]) -> Scales {
        let at = |i: usize| (self.mean[i] + offset[i]).clamp(-4.0, 4.0).exp();
        Scales { calendar: at(0), cycle: at(1), knee: at(2) }
    }
}

/// A pack under observation.
///
/// The history is kept as stresses, equal ones counted, so that an update asks what the *whole* past would have done to a
/// pack of other scales.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    cell: Cell,
    prior: PackPrior,
    belief: ScaleBelief,
    history: Vec<(Stress, f64)>,
}

/// Half the distance between the lives on either side of the mean, in standard deviations of the belief.
const SIDE_SD: f64 = 0.7;

impl Pack {
    /// A new pack.
    ///
    /// # Errors
    /// A prior whose spreads are outside 0.001..=2.
    pub fn new(cell: Cell, prior: PackPrior) -> Result<Self, PrognosisError> {
        for (field, value) in [
            ("calendar_sd", prior.calendar_sd),
            ("cycle_sd", prior.cycle_sd),
            ("knee_sd", prior.knee_sd),
            ("model_sd", prior.model_sd),
        ] {
            within(field, value, 0.001, 2.0)?;
        }
        let mut covariance = [[0.0; 3]; 3];
        for (i, sd) in [prior.calendar_sd, prior.cycle_sd, prior.knee_sd].into_iter().enumerate() {
            covariance[i][i] = sd * sd;
        }
        Ok(Self { cell, prior, belief: ScaleBelief { mean: [0.0; 3], covariance }, history: Vec::new() })
    }

    /// Lives through a stretch `times` times.
    ///
    /// # Errors
    /// A number of times outside 0..=100,000.
    pub fn live(&mut self, stress: &Stress, times: f64) -> Result<(), PrognosisError> {
        within("times", times, 0.0, 100_000.0)?;
        match self.history.last_mut() {
            Some((last, count)) if last == stress => *count += times,
            _ => self.history.push((stress.clone(), times)),
        }
        Ok(())
    }

    /// Learns from a measured capacity, relative to new, of that standard deviation: Gauss-Newton steps to the
    /// maximum of the posterior given this measurement, the rest of the past standing in the belief.
    ///
    /// # Errors
    /// A capacity outside 0.05..=1.5 or a deviation outside 1e-5..=0.5.
    pub fn measure(&mut self, capacity: f64, sd: f64) -> Result<(), PrognosisError> {
        within("capacity", capacity, 0.05, 1.5)?;
        within("sd", sd, 1e-5, 0.5)?;
        let before = self.belief;
        let mut point = before.mean;
        for _ in 0..4 {
            let at = ScaleBelief { mean: point, ..before };
            let (value, slope) = self.linearise(&at, &[], None)?;
            let model = self.prior.model_sd * (1.0 - value).abs();
            let shared = times(&before.covariance, slope);
            let variance = dot(slope, shared) + sd * sd + model * model;
            let offset: [f64; 3] = std::array::from_fn(|i| before.mean[i] - point[i]);
            let innovation = capacity - value - dot(slope, offset);
            point = std::array::from_fn(|i| before.mean[i] + shared[i] / variance * innovation);
            self.belief.mean = point;
            self.belief.covariance = std::array::from_fn(|i| {
                std::array::from_fn(|j| before.covariance[i][j] - shared[i] * shared[j] / variance)
            });
        }
        Ok(())
    }

    /// What is believed of this pack's scales.
    #[must_use]
    pub fn belief(&self) -> ScaleBelief {
        self.belief
    }

    /// The pack's most likely present state.
    ///
    /// # Errors
    /// As the ageing model.
    pub fn ageing(&self) -> Result<Ageing, PrognosisError> {
        self.replay(self.belief.scales([0.0; 3]))
    }

    /// Capacity `days` ahead when every day is like `usual`.
    ///
    /// # Errors
    /// Days outside 0..=40,000.
    pub fn forecast(&self, usual: &Profile, days: f64) -> Result<Belief, PrognosisError> {
        within("days", days, 0.0, 40_000.0)?;
        let (mean, slope) = self.linearise(&self.belief, &[days], Some(usual))?;
        let spread = dot(slope, times(&self.belief.covariance, slope)).max(0.0);
        let model = self.prior.model_sd * (1.0 - mean).abs();
        Ok(Belief { mean, sd: (spread + model * model).sqrt() })
    }

    /// Capacity `days` ahead with the habit `other` less that with `usual`. It is one pack either way: what is not known
    /// of its scales, and what the model misses of its loss, moves both lives, so that the difference is better known
    /// than either of them.
    ///
    /// # Errors
    /// Days outside 0..=40,000.
    pub fn difference(&self, usual: &Profile, other: &Profile, days: f64) -> Result<Belief, PrognosisError> {
        within("days", days, 0.0, 40_000.0)?;
        let (left, left_slope) = self.linearise(&self.belief, &[days], Some(usual))?;
        let (right, right_slope) = self.linearise(&self.belief, &[days], Some(other))?;
        let mean = right - left;
        let slope = std::array::from_fn(|i| right_slope[i] - left_slope[i]);
        let spread = dot(slope, times(&self.belief.covariance, slope)).max(0.0);
        Ok(Belief { mean, sd: spread.sqrt().hypot(self.prior.model_sd * mean) })
    }

    /// Days until the capacity falls to `end`, from the lives at the mean and `width_sd` deviations of capacity to
    /// either side; what lies beyond `max_days` is infinite.
    ///
    /// # Errors
    /// An end outside 0.1..=1, a width outside 0..=5, or more than 40,000 days.
    pub fn end_of_life(
        &self,
        usual: &Profile,
        end: f64,
        width_sd: f64,
        max_days: f64,
    ) -> Result<Interval, PrognosisError> {
        within("end", end, 0.1, 1.0)?;
        within("width_sd", width_sd, 0.0, 5.0)?;
        within("max_days", max_days, 1.0, 40_000.0)?;
        let step = (max_days / 60.0).max(usual.duration_days());
        let (mut low, mut mean, mut high) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
        let mut days = 0.0;
        while days <= max_days {
            let belief = self.forecast(usual, days)?;
            for (first, offset) in [(&mut low, -width_sd), (&mut mean, 0.0), (&mut high, width_sd)] {
                if first.is_infinite() && belief.mean + offset * belief.sd <= end {
                    *first = days;
                }
            }
            if high.is_finite() {
                break;
            }
            days += step;
        }
        Ok(Interval { low, mean, high })
    }

    /// Capacity at the mean of a belief and its slope over the logarithms of the scales, by central differences.
    fn linearise(
        &self,
        belief: &ScaleBelief,
        ahead: &[f64],
        usual: Option<&Profile>,
    ) -> Result<(f64, [f64; 3]), PrognosisError> {
        let value = |offset: [f64; 3]| -> Result<f64, PrognosisError> {
            let mut ageing = self.replay(belief.scales(offset))?;
            if let (Some(&days), Some(usual)) = (ahead.first(), usual) {
                lead(&mut ageing, usual, days)?;
            }
            Ok(ageing.capacity())
        };
        let mean = value([0.0; 3])?;
        let mut slope = [0.0; 3];
        for i in 0..3 {
            let side = SIDE_SD * belief.covariance[i][i].max(1e-6).sqrt();
            let mut offset = [0.0; 3];
            offset[i] = side;
            let above = value(offset)?;
            offset[i] = -side;
            slope[i] = (above - value(offset)?) / (2.0 * side);
        }
        Ok((mean, slope))
    }

    /// Scales at the mean of the belief, moved by so many standard deviations each.
    pub(crate) fn scales(&self, by_sd: [f64; 3]) -> Scales {
        self.belief.scales(std::array::from_fn(|i| by_sd[i] * self.belief.covariance[i][i].max(0.0).sqrt()))
    }

    pub(crate) fn replay(&self, scales: Scales) -> Result<Ageing, PrognosisError> {
        let mut ageing = Ageing::resume(self.cell, scales, State::default())?;
        for (stress, times) in &self.history {
            ageing.advance_times(stress, *times);
        }
        Ok(ageing)
    }
}

/// Goes ahead by equal days, a month of them at once: the laws are exact over it, only the swing of the fading pack
/// waits for the next month.
fn lead(ageing: &mut Ageing, usual: &Profile, days: f64) -> Result<(), PrognosisError> {
    let length = usual.duration_days();
    let mut left = days / length;
    while left > 0.0 && ageing.capacity() > 0.1 {
        let times = left.min((30.0 / length).max(1.0));
        let asked = usual.for_capacity(ageing.capacity().min(2.0), usual.still(Anchor::Mean, 0))?;
        ageing.advance_times(&Stress::of(asked.samples())?, times);
        left -= times;
    }
    Ok(())
}

fn times(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| dot(matrix[i], vector))
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
