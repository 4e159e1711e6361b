//! Warnings that name their cause.
//!
//! Each cause has one signal, standardised by what the pack itself showed while it was young, and a one-sided
//! cumulative sum (Page, 1954) that forgives noise and remembers drift; for the knee it is the difference of two slopes
//! in standard errors. Thresholds come from a healthy fleet and the
//! share of false alarms that one accepts, and from nothing else.

use serde::{Deserialize, Serialize};

use crate::{
    PrognosisError,
    error::within,
    statistics::{Line, median},
};

/// Why a pack is in danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Lithium plates on the negative electrode while charging: the margin is used up.
    Plating,
    /// One cell loses charge at rest.
    SoftShort,
    /// Cells drift apart.
    CellSpread,
    /// The pack gets warmer than its twin.
    Thermal,
    /// Capacity begins to fall faster.
    Knee,
}

impl Cause {
    /// Every cause, in the order of arrays by cause.
    pub const ALL: [Cause; 5] =
        [Cause::Plating, Cause::SoftShort, Cause::CellSpread, Cause::Thermal, Cause::Knee];
}

/// What a pack shows once a day, or after each charge; what was not seen is `None` or empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PackSample<'a> {
    /// Time in s.
    pub t_s: f64,
    /// Smallest margin to plating during the last charge in V: negative electrode against lithium.
    pub plating_margin_v: Option<f64>,
    /// Cell voltages in V at the start of a rest.
    pub rest_start_v: &'a [f64],
    /// Cell voltages in V at its end.
    pub rest_end_v: &'a [f64],
    /// Length of the rest in h.
    pub rest_h: f64,
    /// Measured less expected temperature in K, the largest since the last sample.
    pub excess_temp_k: Option<f64>,
    /// Capacity relative to new.
    pub capacity: Option<f64>,
}

/// Thresholds of the signals by cause, in standard deviations of a young pack.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    thresholds: [f64; 5],
}

impl Sensitivity {
    /// No warning at all: for packs that are known to be healthy and are to teach.
    #[must_use]
    pub fn silent() -> Self {
        Self { thresholds: [f64::INFINITY; 5] }
    }

    /// From the highest sums of healthy packs ([`Watch::peaks`]) such that a share of `false_alarms` of them would warn
    /// of each cause.
    ///
    /// # Errors
    /// Fewer than 20 packs or a share outside 0.001..=0.5.
    pub fn from_healthy(peaks: &[[f64; 5]], false_alarms: f64) -> Result<Self, PrognosisError> {
        within("false_alarms", false_alarms, 0.001, 0.5)?;
        if peaks.len() < 20 {
            return Err(PrognosisError::TooFew { what: "healthy packs", least: 20, got: peaks.len() });
        }
        let thresholds = std::array::from_fn(|cause| {
            let mut sorted: Vec<f64> = peaks.iter().map(|peaks| peaks[cause]).collect();
            sorted.sort_by(f64::total_cmp);
            let rank = ((sorted.len() as f64 + 1.0) * (1.0 - false_alarms)).ceil() as usize;
            // a margin that no healthy pack uses up must still be used up for some time
            sorted[rank.clamp(1, sorted.len()) - 1].max(1.0)
        });
        Ok(Self { thresholds })
    }

    /// Threshold of a cause.
    #[must_use]
    pub fn threshold(&self, cause: Cause) -> f64 {
        self.thresholds[cause as usize]
    }
}

/// A warning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// Why.
    pub cause: Cause,
    /// Since when, in s.
    pub t_s: f64,
    /// The cell it is about, where it is about one.
    pub cell: Option<usize>,
    /// The sum relative to its threshold.
    pub strength: f64,
}

/// Samples from which a pack learns what is normal for it.
const YOUNG: u32 = 30;
/// Drift in standard deviations that is forgiven with every sample.
const FORGIVEN: f64 = 0.5;
/// Scale of a plating margin that is used up, in V.
const MARGIN_V: f64 = 0.005;
/// Capacities over which the late slope of a knee is taken.
const SLOPE_SAMPLES: usize = 30;
/// Capacities that must be known before a knee can be told from noise.
pub const KNEE_SAMPLES: usize = 2 * SLOPE_SAMPLES;

/// Watches one pack.
#[derive(Debug, Clone)]
pub struct Watch {
    sensitivity: Sensitivity,
    short: Vec<Drift>,
    spread: Drift,
    thermal: Drift,
    capacities: Vec<(f64, f64)>,
    plating: f64,
    peaks: [f64; 5],
    raised: [bool; 5],
}

impl Watch {
    /// A watch on a pack of so many cells in series.
    ///
    /// # Errors
    /// Fewer than 2 or more than 10,000 cells.
    pub fn new(cells: usize, sensitivity: Sensitivity) -> Result<Self, PrognosisError> {
        within("cells", cells as f64, 2.0, 10_000.0)?;
        Ok(Self {
            sensitivity,
            short: vec![Drift::default(); cells],
            spread: Drift::default(),
            thermal: Drift::default(),
            capacities: Vec::new(),
            plating: 0.0,
            peaks: [0.0; 5],
            raised: [false; 5],
        })
    }

    /// Highest sums so far, by cause: what a healthy pack teaches.
    #[must_use]
    pub fn peaks(&self) -> [f64; 5] {
        self.peaks
    }

    /// Takes a sample and gives the warnings that it raises, each cause once.
    ///
    /// # Errors
    /// Voltages of another number of cells, or values that are not finite; the watch is then as before.
    pub fn look(&mut self, sample: &PackSample) -> Result<Vec<Warning>, PrognosisError> {
        self.check(sample)?;
        let mut warnings = Vec::new();
        if let Some(margin_v) = sample.plating_margin_v {
            self.plating = (self.plating - margin_v / MARGIN_V).max(0.0);
            self.report(Cause::Plating, self.plating, None, sample.t_s, &mut warnings);
        }
        if !sample.rest_end_v.is_empty() {
            self.look_at_cells(sample, &mut warnings);
        }
        if let Some(excess_k) = sample.excess_temp_k {
            let sum = self.thermal.add(excess_k, 0.1);
            self.report(Cause::Thermal, sum, None, sample.t_s, &mut warnings);
        }
        if let Some(bend) = sample.capacity.and_then(|capacity| self.bend(sample.t_s, capacity)) {
            self.report(Cause::Knee, bend, None, sample.t_s, &mut warnings);
        }
        Ok(warnings)
    }

    fn look_at_cells(&mut self, sample: &PackSample, warnings: &mut Vec<Warning>) {
        let middle_start = median(sample.rest_start_v);
        let middle_end = median(sample.rest_end_v);
        let mut worst = (0.0, None);
        for (cell, drift) in self.short.iter_mut().enumerate() {
            // a cell that leaks falls against the others while nothing flows
            let fall_v = (middle_end - sample.rest_end_v[cell]) - (middle_start - sample.rest_start_v[cell]);
            let sum = drift.add(fall_v / sample.rest_h.max(0.1), 1e-6);
            if sum > worst.0 {
                worst = (sum, Some(cell));
            }
        }
        self.report(Cause::SoftShort, worst.0, worst.1, sample.t_s, warnings);
        // the beginning of the rest: what has opened by its end is the leak's and not the cells'
        let volts = sample.rest_start_v;
        let far = volts
            .iter()
            .enumerate()
            .max_by(|a, b| (a.1 - middle_start).abs().total_cmp(&(b.1 - middle_start).abs()));
        let n = volts.len() as f64;
        let mean = volts.iter().sum::<f64>() / n;
        let spread = (volts.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        let sum = self.spread.add(spread, 1e-5);
        self.report(Cause::CellSpread, sum, far.map(|(cell, _)| cell), sample.t_s, warnings);
    }

    /// How much faster capacity falls over the last samples than over those before, in standard errors.
    fn bend(&mut self, t_s: f64, capacity: f64) -> Option<f64> {
        self.capacities.push((t_s / 86_400.0, capacity));
        if self.capacities.len() > 5 * SLOPE_SAMPLES {
            self.capacities.remove(0);
        }
        if self.capacities.len() < KNEE_SAMPLES {
            return None;
        }
        let (before, late) = self.capacities.split_at(self.capacities.len() - SLOPE_SAMPLES);
        let (before, late) = (Line::through(before), Line::through(late));
        let error = (before.slope_variance + late.slope_variance).sqrt();
        (error > 0.0).then(|| (before.slope - late.slope) / error)
    }

    fn report(&mut self, cause: Cause, sum: f64, cell: Option<usize>, t_s: f64, warnings: &mut Vec<Warning>) {
        let place = cause as usize;
        self.peaks[place] = self.peaks[place].max(sum);
        let threshold = self.sensitivity.thresholds[place];
        if sum > threshold && !self.raised[place] {
            self.raised[place] = true;
            warnings.push(Warning { cause, t_s, cell, strength: sum / threshold });
        }
    }

    fn check(&self, sample: &PackSample) -> Result<(), PrognosisError> {
        let expected = self.short.len();
        for (what, row) in [("rest_start_v", sample.rest_start_v), ("rest_end_v", sample.rest_end_v)] {
            if !row.is_empty() && row.len() != expected || row.is_empty() != sample.rest_end_v.is_empty() {
                return Err(PrognosisError::Shape { what, got: row.len(), expected });
            }
            for voltage in row {
                within(what, *voltage, -10.0, 10.0)?;
            }
        }
        within("t_s", sample.t_s, -1e12, 1e12)?;
        within("rest_h", sample.rest_h, 0.0, 1e5)?;
        within("plating_margin_v", sample.plating_margin_v.unwrap_or(0.0), -5.0, 5.0)?;
        within("excess_temp_k", sample.excess_temp_k.unwrap_or(0.0), -200.0, 500.0)?;
        within("capacity", sample.capacity.unwrap_or(1.0), 0.0, 2.0).map(|_| ())
    }
}

/// Standardises by a pack's youth and sums what is above.
#[derive(Debug, Clone, Copy, Default)]
struct Drift {
    seen: u32,
    mean: f64,
    squares: f64,
    sum: f64,
}

impl Drift {
    /// `least_sd` keeps a signal that stood still while young from alarming at its first digit.
    fn add(&mut self, value: f64, least_sd: f64) -> f64 {
        if self.seen < YOUNG {
            self.seen += 1;
            let step = value - self.mean;
            self.mean += step / f64::from(self.seen);
            self.squares += step * (value - self.mean);
            return 0.0;
        }
        let sd = (self.squares / f64::from(YOUNG - 1)).sqrt().max(least_sd);
        let z = ((value - self.mean) / sd).min(10.0);
        self.sum = (self.sum + z - FORGIVEN).max(0.0);
        self.sum
    }
}
