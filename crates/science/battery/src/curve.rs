use crate::{BatteryError, ChargeCommand, Pack, PackConfig, Phase};

/// Charging power over state of charge of one pack at one charger: what a driver sees as the charging curve.
#[derive(Debug, Clone, PartialEq)]
pub struct ChargingCurve {
    points: Vec<(f64, f64)>,
}

impl ChargingCurve {
    /// Charges a pack of `config` without spread from empty to full under the charger's limits (W, A), starting at
    /// ambient temperature, and notes the power every ten seconds.
    ///
    /// # Errors
    /// [`BatteryError::Parameter`] when `config` is out of range or the charger gives no power.
    pub fn of(config: &PackConfig, max_power_w: f64, max_current_a: f64) -> Result<Self, BatteryError> {
        for (field, value) in [("max_power_w", max_power_w), ("max_current_a", max_current_a)] {
            if value.is_nan() || value <= 0.0 {
                return Err(BatteryError::Parameter { field, value, rule: "above 0" });
            }
        }
        let even = PackConfig { spread: 0.0, ..config.clone() };
        let mut pack = Pack::new(&even, 0.0, 0)?;
        let mut points: Vec<(f64, f64)> = Vec::new();
        // Ten seconds a piece: the bound of ten days is never met by a charger worth the name.
        for _ in 0..86_400 {
            let before = pack.state().soc;
            let state = pack.step(10.0, ChargeCommand::Charge { max_power_w, max_current_a });
            points.push((0.5 * (before + state.soc), state.power_w));
            if state.phase == Phase::Full {
                break;
            }
        }
        Ok(Self { points })
    }

    /// Power in W at `soc`, linear between the noted points.
    #[must_use]
    pub fn power_w(&self, soc: f64) -> f64 {
        let upper = self.points.partition_point(|p| p.0 < soc);
        match (upper.checked_sub(1).and_then(|i| self.points.get(i)), self.points.get(upper)) {
            (Some(a), Some(b)) if b.0 > a.0 => a.1 + (b.1 - a.1) * (soc - a.0) / (b.0 - a.0),
            (Some(end), _) | (None, Some(end)) => end.1,
            (None, None) => 0.0,
        }
    }

    /// The noted points `(soc, power in W)` in order.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chemistry;

    #[test]
    fn the_curve_is_flat_and_then_tapers() {
        let config = PackConfig::new(Chemistry::Nmc, 96, 3, 75_000.0);
        let curve = ChargingCurve::of(&config, 50_000.0, 150.0).unwrap();
        assert!((curve.power_w(0.5) - 50_000.0).abs() < 600.0, "{}", curve.power_w(0.5));
        assert!(curve.power_w(0.99) < 0.6 * curve.power_w(0.5));
        let tail: Vec<f64> = (92..100).map(|p| curve.power_w(f64::from(p) / 100.0)).collect();
        assert!(tail.windows(2).all(|w| w[1] <= w[0] * 1.001), "{tail:?}");
        assert!(ChargingCurve::of(&config, 0.0, 150.0).is_err());
    }
}
