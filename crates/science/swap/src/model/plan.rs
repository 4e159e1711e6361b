//! A scenario made ready: everything that all replications share.

use voltwin_des::{Name, Sampler};

use super::{curve::CurveRule, geo, vehicle::Vehicle};
use crate::{
    extras::{Derating, Failures, Hours},
    scenario::{Policy, Scenario},
};

/// What all stations share.
#[derive(Debug)]
pub(crate) struct Rules {
    pub horizon_s: f64,
    pub warmup_s: f64,
    pub meter_s: f64,
    pub capacity_kwh: f64,
    pub fade_per_efc: f64,
    pub target_soc: f64,
    pub cooldown_s: f64,
    pub curve: CurveRule,
    pub derating: Option<Derating>,
    pub share: bool,
    pub waits: bool,
    pub queue_cap: Option<usize>,
    pub failures: Option<Failures>,
    pub soh0: Sampler,
    pub swap: Sampler,
    pub arrival_soc: Sampler,
    pub patience: Option<Sampler>,
    pub profile_per_h: Vec<f64>,
    pub dow: Vec<f64>,
    pub rate_jitter_cv: f64,
    pub day_jitter_cv: f64,
    pub arrival_jitter_s: f64,
    pub seed: u64,
}

/// One station.
#[derive(Debug)]
pub(crate) struct StationPlan {
    pub id: String,
    pub bays: u32,
    pub batteries: u32,
    pub chargers: u32,
    pub grid_kw: Option<f64>,
    pub demand_scale: f64,
    /// Known arrivals in the order of time; their swap times are drawn.
    pub trace: Option<Vec<Vehicle>>,
    pub hours: Option<Hours>,
    /// Where a refused vehicle of this home goes next, hop by hop, with the time of travel.
    pub path: Vec<(u32, f64)>,
}

/// A network made ready to run.
#[derive(Debug)]
pub struct Network {
    pub(crate) rules: Rules,
    pub(crate) stations: Vec<StationPlan>,
    /// Share of vehicles that try elsewhere, where any do.
    pub(crate) reroute: Option<f64>,
}

impl Network {
    /// Makes a scenario ready. It is taken to have passed [`Scenario::check`].
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let reroute = scenario
            .service
            .reroute
            .as_ref()
            .filter(|rule| rule.prob > 0.0 && rule.max_hops > 0 && scenario.stations.len() > 1);
        let paths = match reroute {
            Some(rule) => geo::paths(&scenario.stations, rule),
            None => vec![Vec::new(); scenario.stations.len()],
        };
        let stations = scenario.stations.iter().zip(paths).enumerate().map(|(home, (station, path))| {
            let trace = station.trace.as_ref().map(|rows| {
                let mut vehicles: Vec<Vehicle> = rows
                    .iter()
                    .filter(|row| row.0 < scenario.horizon_s)
                    .enumerate()
                    .map(|(number, row)| Vehicle {
                        first_arrival: row.0,
                        home: home as u32,
                        number: number as u32,
                        soc: row.1,
                        patience_s: row.2.unwrap_or(f64::INFINITY),
                        swap_s: 0.0,
                        u_reroute: row.3,
                        hops: 0,
                    })
                    .collect();
                vehicles.sort_by(|a, b| a.first_arrival.total_cmp(&b.first_arrival));
                vehicles
            });
            StationPlan {
                id: station.id.clone(),
                bays: station.bays,
                batteries: station.batteries,
                chargers: station.chargers,
                grid_kw: station.grid_kw,
                demand_scale: station.demand_scale,
                trace,
                hours: station.hours,
                path,
            }
        });
        Self { rules: rules(scenario), stations: stations.collect(), reroute: reroute.map(|rule| rule.prob) }
    }

    /// How many stations it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stations.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stations.is_empty()
    }

    /// The identity of a station.
    #[must_use]
    pub fn id(&self, station: u32) -> &str {
        self.stations.get(station as usize).map_or("", |plan| plan.id.as_str())
    }

    /// The seed of the scenario.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.rules.seed
    }

    /// Whether stations depend on each other.
    #[must_use]
    pub const fn is_coupled(&self) -> bool {
        self.reroute.is_some()
    }

    /// The name of all chance of a replication.
    pub(crate) const fn name(&self, replication: u64) -> Name {
        Name::of_seed(self.rules.seed).number(replication)
    }
}

fn rules(scenario: &Scenario) -> Rules {
    let (battery, charge, demand) = (&scenario.battery, &scenario.charge, &scenario.demand);
    let waits = scenario.service.on_stockout == crate::scenario::OnStockout::Wait;
    Rules {
        horizon_s: scenario.horizon_s,
        warmup_s: scenario.warmup_s,
        meter_s: scenario.meter_s,
        capacity_kwh: battery.capacity_kwh,
        fade_per_efc: battery.fade_per_efc,
        target_soc: charge.target_soc,
        cooldown_s: charge.cooldown_s,
        curve: CurveRule::new(charge),
        derating: charge.derating.clone(),
        share: scenario.grid.policy == Policy::Share,
        waits,
        queue_cap: scenario.service.queue_cap.map(|cap| cap as usize),
        failures: scenario.failures,
        soh0: battery.soh0.sampler(),
        swap: scenario.swap.sampler(),
        arrival_soc: scenario.arrival_soc.sampler(),
        patience: scenario.service.patience.filter(|_| waits).map(|law| law.sampler()),
        profile_per_h: demand.profile_per_h.clone(),
        dow: demand.dow.clone(),
        rate_jitter_cv: demand.rate_jitter_cv,
        day_jitter_cv: demand.day_jitter_cv,
        arrival_jitter_s: demand.arrival_jitter_s,
        seed: scenario.seed,
    }
}
