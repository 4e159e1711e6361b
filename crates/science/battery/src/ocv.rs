use crate::BatteryError;

/// Open-circuit voltage of one cell over state of charge, rising, linear between its points.
#[derive(Debug, Clone, PartialEq)]
pub struct OcvCurve {
    points: Vec<(f64, f64)>,
    /// Integral of the voltage from 0 to each point.
    integrals: Vec<f64>,
}

impl OcvCurve {
    /// A curve through `(soc, voltage in volts)`: at least two points, the first at 0, the last at 1, both columns
    /// rising strictly.
    ///
    /// # Errors
    /// [`BatteryError::Curve`] names the first point that breaks this.
    pub fn new(points: &[(f64, f64)]) -> Result<Self, BatteryError> {
        let fail = |index: usize, rule| {
            let (soc, voltage_v) = points.get(index).copied().unwrap_or((f64::NAN, f64::NAN));
            Err(BatteryError::Curve { index, soc, voltage_v, rule })
        };
        if points.len() < 2 {
            return fail(0, "a curve needs at least two points");
        }
        for (index, (soc, voltage_v)) in points.iter().enumerate() {
            if !soc.is_finite() || !voltage_v.is_finite() || *voltage_v <= 0.0 {
                return fail(index, "values must be finite and the voltage positive");
            }
            if index > 0 && (points[index - 1].0 >= *soc || points[index - 1].1 >= *voltage_v) {
                return fail(index, "state of charge and voltage must rise");
            }
        }
        if points[0].0 != 0.0 {
            return fail(0, "the first point must be at state of charge 0");
        }
        if points[points.len() - 1].0 != 1.0 {
            return fail(points.len() - 1, "the last point must be at state of charge 1");
        }
        Ok(Self::fixed(points))
    }

    pub(crate) fn fixed(points: &[(f64, f64)]) -> Self {
        let mut integrals = vec![0.0];
        let mut sum = 0.0;
        for pair in points.windows(2) {
            sum += (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0;
            integrals.push(sum);
        }
        Self { points: points.to_vec(), integrals }
    }

    /// The voltage at `soc` in volts; outside of `0..=1` that of the nearer end.
    #[must_use]
    pub fn voltage_v(&self, soc: f64) -> f64 {
        let (_, (s0, v0), (s1, v1)) = self.segment(soc);
        v0 + (v1 - v0) * ((soc.clamp(0.0, 1.0) - s0) / (s1 - s0))
    }

    /// The mean voltage from empty to full, which is the energy per unit of charge.
    #[must_use]
    pub fn mean_v(&self) -> f64 {
        self.integral_v(1.0)
    }

    /// The integral of the voltage from empty to `soc`, exact: energy per unit of charge capacity.
    #[must_use]
    pub fn integral_v(&self, soc: f64) -> f64 {
        let soc = soc.clamp(0.0, 1.0);
        let (lower, (s0, v0), _) = self.segment(soc);
        self.integrals[lower] + (soc - s0) * 0.5 * (v0 + self.voltage_v(soc))
    }

    fn segment(&self, soc: f64) -> (usize, (f64, f64), (f64, f64)) {
        let upper = self.points.partition_point(|point| point.0 <= soc).clamp(1, self.points.len() - 1);
        (upper - 1, self.points[upper - 1], self.points[upper])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_and_holds_the_ends() {
        let curve = OcvCurve::new(&[(0.0, 3.0), (0.5, 3.6), (1.0, 4.2)]).unwrap();
        for (soc, voltage_v) in
            [(0.0, 3.0), (0.25, 3.3), (0.5, 3.6), (0.75, 3.9), (1.0, 4.2), (-1.0, 3.0), (2.0, 4.2)]
        {
            assert!((curve.voltage_v(soc) - voltage_v).abs() < 1e-12, "{soc}");
        }
        assert!((curve.mean_v() - 3.6).abs() < 1e-12);
    }

    #[test]
    fn refuses_what_is_not_a_rising_curve() {
        let table: [(&[(f64, f64)], &str); 6] = [
            (&[], "two points"),
            (&[(0.0, 3.0)], "two points"),
            (&[(0.1, 3.0), (1.0, 4.0)], "first point"),
            (&[(0.0, 3.0), (0.9, 4.0)], "last point"),
            (&[(0.0, 3.0), (0.5, 2.9), (1.0, 4.0)], "must rise"),
            (&[(0.0, f64::NAN), (1.0, 4.0)], "finite"),
        ];
        for (points, rule) in table {
            let error = OcvCurve::new(points).unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
        }
    }
}
