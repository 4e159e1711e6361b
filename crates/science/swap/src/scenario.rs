//! The form `swap-scenario/1`: what a planner writes. Units stand in the names; SoC and SoH are in 0..1.

use serde::{Deserialize, Serialize};
use voltwin_des::Law;

use crate::{
    error::SwapError,
    extras::{Derating, Economics, Failures, Hours},
    validate,
};

/// The name of the form.
pub const SCHEMA: &str = "swap-scenario/1";

/// A network of swap stations, its demand, and how long to watch it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// `swap-scenario/1`.
    pub schema: String,
    /// A name for people.
    #[serde(default)]
    pub name: String,
    /// The run is `[0, horizon_s)`; above 0, at most ten years, a multiple of `meter_s`.
    pub horizon_s: f64,
    /// Figures are over `[warmup_s, horizon_s)`; 0 or more, below the horizon, a multiple of `meter_s`.
    pub warmup_s: f64,
    /// Period of the energy meter; 60 to 86,400.
    pub meter_s: f64,
    /// The seed: replication r of a seed is one fixed sample path.
    pub seed: u64,
    /// How many replications; 1 to 1,000,000.
    pub replications: u32,
    /// The packs.
    pub battery: Battery,
    /// How they charge.
    pub charge: Charge,
    /// How stations share their connection.
    pub grid: Grid,
    /// Duration of a swap, s.
    pub swap: Law,
    /// SoC of the pack that a vehicle brings.
    pub arrival_soc: Law,
    /// What happens to vehicles.
    pub service: Service,
    /// When they come.
    pub demand: Demand,
    /// Where they come; 1 to 10,000.
    pub stations: Vec<Station>,
    /// Prices and costs; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub economics: Option<Economics>,
    /// Failures and repair of chargers and bays; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Failures>,
}

/// The packs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// Capacity of a new pack; above 0, at most 10,000.
    pub capacity_kwh: f64,
    /// Health of each pack at the start, above 0.1 and at most 1.
    pub soh0: Law,
    /// SoH lost per equivalent full cycle; 0 to 0.01.
    pub fade_per_efc: f64,
    /// A check only: `charge.target_soc` must be above it.
    pub swap_min_soc: f64,
}

/// How packs charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Power into the pack in the constant-current phase; above 0, at most 10,000.
    pub p_max_kw: f64,
    /// SoC at which constant voltage begins, in (0, 1).
    pub soc_cv: f64,
    /// SoC at which a charge ends, in (`soc_cv`, 1).
    pub target_soc: f64,
    /// Energy into the pack over energy from the grid, in (0.1, 1].
    pub efficiency: f64,
    /// Rest between plug-in (or admission) and power; 0 to 86,400.
    pub cooldown_s: f64,
    /// Less power in heat or cold; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derating: Option<Derating>,
}

/// How chargers share a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// A charge begins when its full power is free.
    Admission,
    /// All charge at the same fraction of what they want.
    Share,
}

/// The grid side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// The rule.
    pub policy: Policy,
}

/// What happens where no battery is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnStockout {
    /// The vehicle is refused.
    Lost,
    /// It waits as long as its patience.
    Wait,
}

/// What happens to vehicles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Refuse or wait.
    pub on_stockout: OnStockout,
    /// How long a vehicle waits, s; for ever where it is missing. With `wait` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<Law>,
    /// Vehicles that may queue at a station; no limit where it is missing.
    #[serde(default)]
    pub queue_cap: Option<u32>,
    /// Whether refused vehicles try elsewhere.
    #[serde(default)]
    pub reroute: Option<Reroute>,
}

/// How refused vehicles try elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reroute {
    /// Share of vehicles that do, in 0..=1.
    pub prob: f64,
    /// How often; 0 to 20.
    pub max_hops: u32,
    /// Speed on the way; above 0, at most 500.
    pub speed_kmh: f64,
    /// Length of the road over the great circle; 1 to 10.
    pub detour: f64,
}

/// When vehicles come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// 24 rates, vehicles per hour at `demand_scale` 1; 0 to 10,000.
    pub profile_per_h: Vec<f64>,
    /// 7 factors, day 0 first; 0 to 100.
    pub dow: Vec<f64>,
    /// Coefficient of variation of the factor of each station and hour; 0 to 3.
    pub rate_jitter_cv: f64,
    /// Each vehicle comes up to this much later; 0 to 86,400.
    pub arrival_jitter_s: f64,
    /// Coefficient of variation of a factor of each day that all stations share (weather, holidays); 0 to 3, 0 by default.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub day_jitter_cv: f64,
}

/// A station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    /// Its identity, unique, not empty.
    pub id: String,
    /// Latitude, degrees north.
    pub lat: f64,
    /// Longitude, degrees east.
    pub lon: f64,
    /// Vehicles that swap at a time; 1 to 1,000.
    pub bays: u32,
    /// Packs that it owns; 1 to 100,000.
    pub batteries: u32,
    /// Chargers; 1 to 100,000.
    pub chargers: u32,
    /// Limit on the grid side; none where it is missing.
    #[serde(default)]
    pub grid_kw: Option<f64>,
    /// Factor on the demand; 0 to 1,000.
    pub demand_scale: f64,
    /// Known arrivals instead of drawn ones: `[t, soc, patience or null, u_reroute]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<TraceRow>>,
    /// Opening hours of each day; always open by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
}

/// One known vehicle: instant of arrival, SoC it brings, patience in s (`null`: for ever), and the number in 0..=1 that
/// decides whether it tries elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TraceRow(pub f64, pub f64, pub Option<f64>, pub f64);

// serde hands a reference
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Scenario {
    /// Reads a scenario and checks every field.
    ///
    /// # Errors
    /// [`SwapError::Form`] where the text is no scenario, [`SwapError::Fields`] with every field out of its limits.
    pub fn from_json(text: &str) -> Result<Self, SwapError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let scenario: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            SwapError::Form { field: error.path().to_string(), what: error.inner().to_string() }
        })?;
        reader.end().map_err(|error| SwapError::Form { field: ".".to_owned(), what: error.to_string() })?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Vehicles that a replication may expect: those drawn on average, and those of traces.
    #[must_use]
    pub fn expected_arrivals(&self) -> f64 {
        let week = self.demand.dow.iter().sum::<f64>() / 7.0;
        let days = self.horizon_s / 86_400.0;
        let per_scale = self.demand.profile_per_h.iter().sum::<f64>() * week * days;
        let of = |station: &Station| {
            station.trace.as_ref().map_or(per_scale * station.demand_scale, |trace| trace.len() as f64)
        };
        self.stations.iter().map(of).sum()
    }

    /// A copy of everything but the stations, which may be many.
    pub(crate) fn clone_without_stations(&self) -> Self {
        Self {
            schema: self.schema.clone(),
            name: self.name.clone(),
            battery: self.battery.clone(),
            charge: self.charge.clone(),
            grid: self.grid.clone(),
            service: self.service.clone(),
            demand: self.demand.clone(),
            economics: self.economics.clone(),
            stations: Vec::new(),
            ..*self
        }
    }

    /// Checks every field against its limits and the others.
    ///
    /// # Errors
    /// [`SwapError::Fields`] with all problems.
    pub fn check(&self) -> Result<(), SwapError> {
        let problems = validate::problems(self);
        if problems.is_empty() { Ok(()) } else { Err(SwapError::Fields(problems)) }
    }
}
