//! Optional parts of a scenario, beyond the rules that all scenarios share. Each is off where it is missing.

use serde::{Deserialize, Serialize};

/// Opening hours of each day. A vehicle that comes while the station is closed is refused (`closed`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Hour of opening, 0 to 24.
    pub open_h: f64,
    /// Hour of closing, 0 to 24; below `open_h` it is on the next day.
    pub close_h: f64,
}

impl Hours {
    pub(crate) fn is_open(self, at_s: f64) -> bool {
        let hour = (at_s / 3_600.0) % 24.0;
        if self.open_h <= self.close_h {
            (self.open_h..self.close_h).contains(&hour)
        } else {
            hour >= self.open_h || hour < self.close_h
        }
    }
}

/// Less power in heat or cold: the power of a charge is `p_max_kw` times the factor at the ambient temperature of the hour
/// in which it is admitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derating {
    /// 24 temperatures, one an hour; -60 to 80.
    pub ambient_c: Vec<f64>,
    /// Points `[temperature, factor]` with rising temperatures, factors in (0, 1]; linear between, level outside.
    pub factor: Vec<(f64, f64)>,
}

impl Derating {
    pub(crate) fn at(&self, at_s: f64) -> f64 {
        let hour = ((at_s / 3_600.0) as usize) % 24;
        let temp_c = self.ambient_c.get(hour).copied().unwrap_or(20.0);
        let after = self.factor.partition_point(|point| point.0 <= temp_c);
        match (after.checked_sub(1).and_then(|at| self.factor.get(at)), self.factor.get(after)) {
            (Some(below), Some(above)) => {
                below.1 + (temp_c - below.0) / (above.0 - below.0) * (above.1 - below.1)
            }
            (Some(only), None) | (None, Some(only)) => only.1,
            (None, None) => 1.0,
        }
    }
}

/// Failures and repair. What fails finishes what it is doing, and is then out of order for the time of its repair.
/// Times are exponential, each unit has its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failures {
    /// Chargers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charger: Option<Reliability>,
    /// Bays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bay: Option<Reliability>,
}

/// How often a unit fails.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// Mean time between the end of a repair and the next failure; above 0.
    pub mtbf_h: f64,
    /// Mean time of a repair; above 0.
    pub mttr_h: f64,
}

/// Prices and costs, in one currency of the planner's choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Economics {
    /// Price of a swap.
    #[serde(default)]
    pub swap_price: f64,
    /// Price of energy by the hour of the day, per kWh: 24 values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy_per_kwh: Vec<f64>,
    /// Price of the highest 15-minute power of the network, per kW and 30 days.
    #[serde(default)]
    pub peak_per_kw_month: f64,
    /// What building costs.
    #[serde(default)]
    pub capital: Capital,
    /// Years over which it is written off, evenly; above 0.
    #[serde(default = "ten")]
    pub life_years: f64,
}

/// What building costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capital {
    /// A station without what follows.
    #[serde(default)]
    pub station: f64,
    /// A bay.
    #[serde(default)]
    pub bay: f64,
    /// A pack.
    #[serde(default)]
    pub battery: f64,
    /// A charger.
    #[serde(default)]
    pub charger: f64,
    /// A kW of connection, where the connection has a limit.
    #[serde(default)]
    pub grid_kw: f64,
}

const fn ten() -> f64 {
    10.0
}

impl Economics {
    /// Price of a kWh at an instant.
    pub(crate) fn energy_price(&self, at_s: f64) -> f64 {
        self.energy_per_kwh.get(((at_s / 3_600.0) as usize) % 24).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_span_midnight() {
        let day = Hours { open_h: 6.0, close_h: 22.5 };
        assert!(day.is_open(6.0 * 3_600.0) && !day.is_open(22.5 * 3_600.0) && !day.is_open(0.0));
        let night = Hours { open_h: 22.0, close_h: 6.0 };
        assert!(night.is_open(86_400.0) && night.is_open(23.0 * 3_600.0) && !night.is_open(6.0 * 3_600.0));
    }

    #[test]
    fn power_falls_between_points() {
        let derating =
            Derating { ambient_c: vec![35.0; 24], factor: vec![(30.0, 1.0), (40.0, 0.5), (50.0, 0.2)] };
        assert!((derating.at(0.0) - 0.75).abs() < 1e-12);
        let cold = Derating { ambient_c: vec![-5.0; 24], ..derating.clone() };
        assert_eq!(cold.at(0.0), 1.0);
        let hot = Derating { ambient_c: vec![60.0; 24], ..derating };
        assert_eq!(hot.at(0.0), 0.2);
    }
}
