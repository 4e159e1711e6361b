//! The charge curve in closed form: constant current, then constant voltage.

use crate::scenario::Charge;

/// One charge: level power, then a decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Curve {
    /// Power in the level phase, grid side, kW.
    pub kw: f64,
    /// Length of the level phase, s.
    pub level_s: f64,
    /// Time constant of the decay, s.
    pub tau_s: f64,
    /// Length of the decay, s.
    pub decay_s: f64,
}

/// What all charges of a scenario share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CurveRule {
    p_max_kw: f64,
    efficiency: f64,
    soc_cv: f64,
    /// ln((1 - soc_cv) / (1 - target)): the decay in time constants.
    decay_taus: f64,
}

impl CurveRule {
    pub(crate) fn new(charge: &Charge) -> Self {
        let gap = (1.0 - charge.soc_cv) / (1.0 - charge.target_soc);
        Self {
            p_max_kw: charge.p_max_kw,
            efficiency: charge.efficiency,
            soc_cv: charge.soc_cv,
            decay_taus: libm::log(gap),
        }
    }

    /// The charge of a pack of `energy_kwh` (capacity times health) from `soc`, at `factor` of the power.
    pub(crate) fn of(&self, energy_kwh: f64, soc: f64, factor: f64) -> Curve {
        let battery_kw = self.p_max_kw * factor;
        let full_s = energy_kwh / battery_kw * 3_600.0;
        let tau_s = (1.0 - self.soc_cv) * full_s;
        Curve {
            kw: battery_kw / self.efficiency,
            level_s: (self.soc_cv - soc) * full_s,
            tau_s,
            decay_s: tau_s * self.decay_taus,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 75 kWh at 60 kW from 20 % to 99 %: 45.0 and 44.9 minutes, 62.4 kWh from the grid.
    #[test]
    fn a_charge_takes_as_long_as_the_published_example() {
        let charge = Charge {
            p_max_kw: 60.0,
            soc_cv: 0.8,
            target_soc: 0.99,
            efficiency: 0.95,
            cooldown_s: 60.0,
            derating: None,
        };
        let curve = CurveRule::new(&charge).of(75.0, 0.2, 1.0);
        assert!((curve.level_s / 60.0 - 45.0).abs() < 1e-9);
        assert!((curve.decay_s / 60.0 - 44.936).abs() < 1e-3);
        let end = libm::exp(-curve.decay_s / curve.tau_s);
        assert!((end - 0.05).abs() < 1e-12, "5 % of the power at the end");
        let kwh = curve.kw * (curve.level_s + curve.tau_s * (1.0 - end)) / 3_600.0;
        assert!((kwh - 75.0 * 0.79 / 0.95).abs() < 1e-9, "{kwh}");
    }
}
