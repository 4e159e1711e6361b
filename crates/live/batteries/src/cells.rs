//! What single cells do beside the others: a regression per cell that tells a leak from a small capacity.
//!
//! The charge of a cell less the median of all is explained by a constant, the time, and the charge of the pack. A cell
//! that leaks falls with time, whatever the pack does; one of small capacity swings wider than the others and comes back.
//! All cells share the regressors and so the normal matrix; the past is forgotten over half a day.

use serde::{Deserialize, Serialize};

use crate::kind::PackKind;
use crate::warning::{Cause, Found};

/// Below this slope of the open-circuit curve a millivolt of noise is too much charge, V per unit.
const STEEP_V: f64 = 0.25;
/// Above this rate the resistance of a cell matters more than its charge, in capacities per hour.
const RATE_MAX: f64 = 0.5;
/// Between two looks, s.
const LOOK_S: f64 = 5.0;
/// The past counts by `exp(-t/FORGET_S)`.
const FORGET_S: f64 = 43_200.0;
/// Fewer looks say nothing.
const LEAST: f64 = 60.0;
/// A slope counts beyond so many of its standard errors.
const SURE: f64 = 6.0;
/// A leak in capacities per hour that is a soft short.
const LEAK_PER_H: f64 = 0.002;
/// Capacity missing that makes a weak cell.
const MISSING: f64 = 0.05;
/// Difference between the fullest and the emptiest cell that makes a spread.
const SPREAD: f64 = 0.08;
/// Least time and least swing of the pack over which slopes are taken.
const SPAN_H: f64 = 1.0 / 6.0;
const SWING: f64 = 0.08;

/// Least squares of every cell with shared regressors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CellFit {
    /// When it began, s since 1970.
    begun_s: f64,
    last_s: f64,
    /// Normal matrix of (1, hours, pack charge), upper half by rows.
    normal: [f64; 6],
    /// By cell: sums of y times each regressor, and of y².
    sums: Vec<[f64; 4]>,
    low_soc: f64,
    high_soc: f64,
}

impl CellFit {
    /// Takes the voltages of all cells under a current.
    pub(crate) fn look(&mut self, kind: &PackKind, t_s: f64, current_a: f64, soc: f64, volts: &[f64]) {
        let most_a = RATE_MAX * kind.cell_capacity_ah;
        let plausible = |v: &f64| (0.5..6.0).contains(v);
        if volts.len() < 3 || volts.len() > 2_000 || current_a.abs() > most_a || !volts.iter().all(plausible)
        {
            return;
        }
        if self.sums.len() != volts.len() {
            *self =
                Self { begun_s: t_s, last_s: t_s - LOOK_S, low_soc: soc, high_soc: soc, ..Self::default() };
            self.sums.resize(volts.len(), [0.0; 4]);
        }
        let dt_s = t_s - self.last_s;
        if dt_s < LOOK_S {
            return;
        }
        let rest = |v: &f64| kind.soc_at_rest(v - current_a * kind.cell_resistance_ohm).0;
        let charges: Vec<f64> = volts.iter().map(rest).collect();
        let mut sorted = charges.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted[sorted.len() / 2];
        if kind.soc_at_rest(kind.ocv.voltage_v(middle)).1 < STEEP_V {
            return;
        }
        self.last_s = t_s;
        self.low_soc = self.low_soc.min(soc);
        self.high_soc = self.high_soc.max(soc);
        let keep = (-dt_s / FORGET_S).exp();
        let x = [1.0, (t_s - self.begun_s) / 3_600.0, soc];
        let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
        for (entry, (i, j)) in self.normal.iter_mut().zip(pairs) {
            *entry = *entry * keep + x[i] * x[j];
        }
        for (sums, charge) in self.sums.iter_mut().zip(&charges) {
            let y = charge - middle;
            for (sum, factor) in sums.iter_mut().zip([x[0], x[1], x[2], y]) {
                *sum = *sum * keep + factor * y;
            }
        }
    }

    /// What is wrong with cells, the worst of each cause. `open` are the causes that hold already, which end lower.
    pub(crate) fn judge(&self, soc: f64, open: impl Fn(Cause) -> bool) -> Vec<Found> {
        let hours = (self.last_s - self.begun_s) / 3_600.0;
        let Some(inverse) = (self.normal[0] >= LEAST && hours >= SPAN_H).then(|| self.inverse()).flatten()
        else {
            return Vec::new();
        };
        let mut leak = (0.0, 0);
        let mut weak = (0.0, 0);
        let (mut low, mut high) = ((f64::INFINITY, 0), f64::NEG_INFINITY);
        for (cell, sums) in self.sums.iter().enumerate() {
            let b: [f64; 3] = std::array::from_fn(|i| (0..3).map(|j| inverse[i][j] * sums[j]).sum());
            let explained: f64 = (0..3).map(|j| b[j] * sums[j]).sum();
            // a ten-thousandth of the capacity is the last digit of a reading
            let variance = ((sums[3] - explained) / (self.normal[0] - 3.0)).max(1e-8);
            let error = |i: usize| (variance * inverse[i][i].max(0.0)).sqrt();
            if -b[1] > SURE * error(1) && -b[1] > leak.0 {
                leak = (-b[1], cell);
            }
            if self.high_soc - self.low_soc >= SWING && b[2] > SURE * error(2) && b[2] > weak.0 {
                weak = (b[2], cell);
            }
            let now = b[0] + b[1] * hours + b[2] * soc;
            if now < low.0 {
                low = (now, cell);
            }
            high = high.max(now);
        }
        let spread = high - low.0;
        let mut found = Vec::new();
        let mut judge = |cause, value: f64, limit: f64, cell: usize, message: String| {
            let limit = if open(cause) { 0.6 * limit } else { limit };
            if value > limit {
                found.push(Found { cause, cell: Some(cell as u32 + 1), strength: value / limit, message });
            }
        };
        let (rate, cell) = leak;
        judge(
            Cause::SoftShort,
            rate,
            LEAK_PER_H,
            cell,
            format!("cell {} loses {:.2} % of its charge an hour against the others", cell + 1, 100.0 * rate),
        );
        let (swing, cell) = weak;
        // y = soc_i - soc = soc (1/(1-m) - 1) + …
        let missing = swing / (1.0 + swing);
        judge(
            Cause::WeakCell,
            missing,
            MISSING,
            cell,
            format!("cell {} has {:.0} % less capacity than the others", cell + 1, 100.0 * missing),
        );
        judge(
            Cause::CellSpread,
            spread,
            SPREAD,
            low.1,
            format!(
                "the cells are {:.1} % of charge apart; cell {} is the emptiest",
                100.0 * spread,
                low.1 + 1
            ),
        );
        found
    }

    /// Inverse of the normal matrix; `None` while it is singular.
    fn inverse(&self) -> Option<[[f64; 3]; 3]> {
        let [a, b, c, d, e, f] = self.normal;
        // a resting pack's charge does not move: a trace on its diagonal keeps it solvable and its slope at zero
        let (d, f) = (d + 1e-6 * a, f + 1e-6 * a);
        let cofactors = [d * f - e * e, c * e - b * f, b * e - c * d];
        let determinant = a * cofactors[0] + b * cofactors[1] + c * cofactors[2];
        if !(determinant.is_finite() && determinant > 1e-12) {
            return None;
        }
        let inner = [
            [cofactors[0], cofactors[1], cofactors[2]],
            [cofactors[1], a * f - c * c, b * c - a * e],
            [cofactors[2], b * c - a * e, a * d - b * b],
        ];
        Some(inner.map(|row| row.map(|value| value / determinant)))
    }
}
