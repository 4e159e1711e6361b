//! The energy meter: energy by period, exact for level and for decaying power.

use libm::exp;

/// Energy in the periods of `[0, horizon)`, in kW s. What lies behind the horizon is not counted.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    period_s: f64,
    cells: Vec<f64>,
}

impl Meter {
    pub(crate) fn new(horizon_s: f64, period_s: f64) -> Self {
        Self { period_s, cells: vec![0.0; (horizon_s / period_s).round() as usize] }
    }

    /// Level power of `kw` over `[from, to)`.
    pub(crate) fn level(&mut self, from: f64, to: f64, kw: f64) {
        let mut at = from;
        let mut cell = (from / self.period_s) as usize;
        while at < to && cell < self.cells.len() {
            let end = (self.period_s * (cell + 1) as f64).min(to);
            self.cells[cell] += kw * (end - at);
            at = end;
            cell += 1;
        }
    }

    /// Power of `kw` at `from` that decays with `tau`, until `to`.
    pub(crate) fn decay(&mut self, from: f64, to: f64, kw: f64, tau: f64) {
        let mut cell = (from / self.period_s) as usize;
        if cell >= self.cells.len() || to <= from {
            return;
        }
        let mut weight = 1.0;
        let mut end = self.period_s * (cell + 1) as f64;
        // from one whole period to the next the weight falls by the same factor
        let mut per_period = None;
        let mut first = true;
        while end < to && cell < self.cells.len() {
            let next = if first {
                exp((from - end) / tau)
            } else {
                weight * *per_period.get_or_insert_with(|| exp(-self.period_s / tau))
            };
            self.cells[cell] += kw * tau * (weight - next);
            (weight, first) = (next, false);
            cell += 1;
            end += self.period_s;
        }
        if let Some(last) = self.cells.get_mut(cell) {
            *last += kw * tau * (weight - exp((from - to) / tau));
        }
    }

    /// Adds energy that all lies in the period of `at`.
    pub(crate) fn within(&mut self, at: f64, kws: f64) {
        if let Some(cell) = self.cells.get_mut((at / self.period_s) as usize) {
            *cell += kws;
        }
    }

    /// The end of the period that `at` lies in.
    pub(crate) fn period_end(&self, at: f64) -> f64 {
        let end = self.period_s * ((at / self.period_s).floor() + 1.0);
        // of a period that is no whole number, the quotient may be rounded down
        if end > at { end } else { end + self.period_s }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            *cell += more;
        }
    }

    /// Energy of each period from `warmup_s` on, kWh, with the instant at which it begins.
    pub(crate) fn kwh_from(&self, warmup_s: f64) -> impl Iterator<Item = (f64, f64)> + '_ {
        let first = (warmup_s / self.period_s).round() as usize;
        self.cells[first..]
            .iter()
            .enumerate()
            .map(move |(cell, kws)| (self.period_s * (first + cell) as f64, kws / 3_600.0))
    }

    /// The highest mean power over 15 minutes from `warmup_s` on, kW. Periods that do not make up a quarter of an hour count
    /// as they are.
    pub(crate) fn peak15_kw(&self, warmup_s: f64) -> f64 {
        let joined = (900.0 / self.period_s).floor().max(1.0) as usize;
        let first = (warmup_s / self.period_s).round() as usize;
        self.cells[first..]
            .chunks(joined)
            .map(|cells| cells.iter().sum::<f64>() / (self.period_s * cells.len() as f64))
            .fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decay_fills_periods_as_its_integral_says() {
        let (from, to, kw, tau) = (450.0, 4_000.0, 60.0, 700.0);
        let mut meter = Meter::new(3_600.0, 900.0);
        meter.decay(from, to, kw, tau);
        let integral = |a: f64, b: f64| kw * tau * (exp((from - a) / tau) - exp((from - b) / tau));
        for (at, kwh) in meter.kwh_from(0.0) {
            let expected = integral(at.max(from), at + 900.0) / 3_600.0;
            assert!((kwh - expected).abs() < 1e-12, "{at}: {kwh} is not {expected}");
        }
        let mut short = Meter::new(3_600.0, 900.0);
        short.decay(1_000.0, 1_100.0, kw, tau);
        let sum: f64 = short.kwh_from(900.0).map(|cell| cell.1).sum();
        assert!((sum - kw * tau * (1.0 - exp(-100.0 / tau)) / 3_600.0).abs() < 1e-12);
    }

    #[test]
    fn level_power_is_cut_at_the_horizon() {
        let mut meter = Meter::new(1_800.0, 900.0);
        meter.level(450.0, 9_000.0, 10.0);
        assert_eq!(meter.kwh_from(0.0).collect::<Vec<_>>(), [(0.0, 1.25), (900.0, 2.5)]);
        assert_eq!(meter.peak15_kw(0.0), 10.0);
        assert_eq!(meter.period_end(900.0), 1_800.0);
    }
}
