//! The balance of the electrodes: which stoichiometries an empty and a full cell have.

use super::ParameterSet;
use crate::CellError;

/// Lithium in the particles over its maximum, of both electrodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stoichiometry {
    /// Of the negative electrode: high when charged.
    pub negative: f64,
    /// Of the positive electrode: low when charged.
    pub positive: f64,
}

/// The stoichiometries between which a cell is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// At 0 %.
    pub empty: Stoichiometry,
    /// At 100 %.
    pub full: Stoichiometry,
    /// Charge between them, Ah.
    pub capacity_ah: f64,
}

impl Window {
    /// Solves `U_p(y) - U_n(x) = V` at both voltage limits, the lithium of both electrodes together held.
    pub(super) fn of(set: &ParameterSet) -> Result<Self, CellError> {
        let (negative, positive) = (&set.negative, &set.positive);
        let capacity_negative = negative.capacity_ah(set.cell.area_m2);
        let capacity_positive = positive.capacity_ah(set.cell.area_m2);
        let share = |electrode: &super::Electrode| {
            electrode.concentration_initial_mol_m3 / electrode.concentration_max_mol_m3
        };
        let lithium_ah = capacity_negative * share(negative) + capacity_positive * share(positive);
        let balance = |x: f64| Stoichiometry {
            negative: x,
            positive: (lithium_ah - capacity_negative * x) / capacity_positive,
        };
        let reference = set.cell.reference_temperature_k;
        let voltage = |x: f64| {
            let at = balance(x);
            positive.ocp(at.positive, reference, reference).0
                - negative.ocp(at.negative, reference, reference).0
        };
        // the wall of the potentials lets neither electrode leave 0..1 by more than this
        const BEYOND: f64 = 0.01;
        let low = (-BEYOND).max((lithium_ah - capacity_positive * (1.0 + BEYOND)) / capacity_negative);
        let high = (1.0 + BEYOND).min((lithium_ah + capacity_positive * BEYOND) / capacity_negative);
        let solve = |field: &'static str, target: f64| {
            let (mut a, mut b) = (low, high);
            if !(voltage(a) <= target && voltage(b) >= target) {
                let rule = "a voltage that the electrodes can reach";
                return Err(CellError::Parameter { field, value: target, rule });
            }
            // the voltage rises with x; 60 halvings leave less than 1e-17
            for _ in 0..60 {
                let middle = 0.5 * (a + b);
                if voltage(middle) < target { a = middle } else { b = middle }
            }
            Ok(balance(0.5 * (a + b)))
        };
        let empty = solve("cell.voltage_min_v", set.cell.voltage_min_v)?;
        let full = solve("cell.voltage_max_v", set.cell.voltage_max_v)?;
        Ok(Self { empty, full, capacity_ah: capacity_negative * (full.negative - empty.negative) })
    }

    /// Linear between empty and full.
    #[must_use]
    pub fn at(&self, soc: f64) -> Stoichiometry {
        let between = |empty: f64, full: f64| empty + soc * (full - empty);
        Stoichiometry {
            negative: between(self.empty.negative, self.full.negative),
            positive: between(self.empty.positive, self.full.positive),
        }
    }

    /// State of charge that a mean stoichiometry of the negative electrode stands for.
    #[must_use]
    pub fn soc(&self, negative: f64) -> f64 {
        (negative - self.empty.negative) / (self.full.negative - self.empty.negative)
    }
}

/// A wall of potential at both ends of stoichiometry, V, and its slope: 1 mV at 0.001, 1 V at 0, odd about ½.
///
/// Fits of open-circuit potentials end before 0 and 1; without a wall a model can run out of lithium unnoticed.
#[inline]
#[must_use]
pub fn asymptote(x: f64) -> (f64, f64) {
    // beyond this the wall is under 1e-24 V
    if x > 0.01 && x < 0.99 {
        return (0.0, 0.0);
    }
    let (left, left_slope) = wall(x);
    let (right, right_slope) = wall(1.0 - x);
    (left - right, left_slope + right_slope)
}

/// A softplus towards 0, straight where its exponential is all that counts.
fn wall(x: f64) -> (f64, f64) {
    const HEIGHT: f64 = 205.056_862_193_748_4;
    const STEEPNESS: f64 = 6_910.192_179_565_431;
    const FOOT: f64 = -7.7e-4;
    let z = -STEEPNESS * (x - FOOT);
    if z > 36.7 {
        return (HEIGHT * z, -HEIGHT * STEEPNESS);
    }
    let e = z.exp();
    (HEIGHT * e.ln_1p(), -HEIGHT * STEEPNESS * e / (1.0 + e))
}
