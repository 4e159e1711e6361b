//! One replication: stations that run by themselves, or together where vehicles go from one to the next.

use rayon::prelude::*;
use serde::Serialize;
use voltwin_des::{Agenda, Name, quantile_in_place};

use super::{
    arrivals::day_factors,
    meter::Meter,
    plan::Network,
    station::{Refused, Station},
    vehicle::{EventKind, Outcome, Watch},
};
use crate::{
    error::SwapError,
    kpis::{Kpi, KpiRow},
};

/// Stations that are added up together, whatever the number of threads: the order of a sum of rounded numbers must not
/// depend on it.
const CHUNK: usize = 16;

/// Events between two looks at whether to stop.
const LOOK_EVENTS: u32 = 4_096;

/// Figures of one station in one replication. Shares and means are over `[warmup, horizon)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct StationFigures {
    /// Counting vehicles whose first arrival was here.
    pub arrivals: f64,
    /// Counting vehicles served here.
    pub served: f64,
    /// Counting vehicles lost here.
    pub lost: f64,
    /// Counting vehicles that left for another station.
    pub reroutes: f64,
    /// Sum of the waits of those served; over `served` it is the mean.
    pub wait_sum_s: f64,
    /// Share of bays in use.
    pub bay_util: f64,
    /// Share of chargers that deliver power.
    pub charger_util: f64,
    /// Vehicles in the queue.
    pub queue_mean: f64,
    /// Batteries ready.
    pub ready_mean: f64,
    /// Energy from the grid.
    pub energy_kwh: f64,
    /// Highest power right after the start of a charge.
    pub peak_inst_kw: f64,
}

impl StationFigures {
    /// How many figures it has.
    pub(crate) const COUNT: usize = 11;

    /// All figures, in the order of the fields.
    pub(crate) const fn values(&self) -> [f64; Self::COUNT] {
        let Self {
            arrivals,
            served,
            lost,
            reroutes,
            wait_sum_s,
            bay_util,
            charger_util,
            queue_mean,
            ready_mean,
            energy_kwh,
            peak_inst_kw,
        } = *self;
        [
            arrivals,
            served,
            lost,
            reroutes,
            wait_sum_s,
            bay_util,
            charger_util,
            queue_mean,
            ready_mean,
            energy_kwh,
            peak_inst_kw,
        ]
    }

    /// The other way round.
    pub(crate) const fn from_values(values: [f64; Self::COUNT]) -> Self {
        let [
            arrivals,
            served,
            lost,
            reroutes,
            wait_sum_s,
            bay_util,
            charger_util,
            queue_mean,
            ready_mean,
            energy_kwh,
            peak_inst_kw,
        ] = values;
        Self {
            arrivals,
            served,
            lost,
            reroutes,
            wait_sum_s,
            bay_util,
            charger_util,
            queue_mean,
            ready_mean,
            energy_kwh,
            peak_inst_kw,
        }
    }

    /// Adds another replication's, figure by figure.
    pub(crate) fn add(&mut self, other: &Self) {
        self.arrivals += other.arrivals;
        self.served += other.served;
        self.lost += other.lost;
        self.reroutes += other.reroutes;
        self.wait_sum_s += other.wait_sum_s;
        self.bay_util += other.bay_util;
        self.charger_util += other.charger_util;
        self.queue_mean += other.queue_mean;
        self.ready_mean += other.ready_mean;
        self.energy_kwh += other.energy_kwh;
        self.peak_inst_kw += other.peak_inst_kw;
    }

    /// Each figure over `n`.
    pub(crate) fn over(&self, n: f64) -> Self {
        Self {
            arrivals: self.arrivals / n,
            served: self.served / n,
            lost: self.lost / n,
            reroutes: self.reroutes / n,
            wait_sum_s: self.wait_sum_s / n,
            bay_util: self.bay_util / n,
            charger_util: self.charger_util / n,
            queue_mean: self.queue_mean / n,
            ready_mean: self.ready_mean / n,
            energy_kwh: self.energy_kwh / n,
            peak_inst_kw: self.peak_inst_kw / n,
        }
    }
}

/// What one replication came to.
#[derive(Debug, Clone)]
pub struct Replication {
    /// Figures of the network.
    pub kpis: KpiRow,
    /// Figures of each station, in their order.
    pub stations: Vec<StationFigures>,
    /// Energy of each meter period from the warm-up on: its begin in s, kWh.
    pub energy: Vec<(f64, f64)>,
}

/// Sums over stations, in their order.
struct Sum {
    meter: Meter,
    waits: Vec<f64>,
    wait_sum_s: f64,
    within_300s: u64,
    bay_s: f64,
    power_s: f64,
    plugged_s: f64,
    cycles: u64,
    soh: f64,
    stations: Vec<StationFigures>,
}

impl Sum {
    fn new(network: &Network) -> Self {
        Self {
            meter: Meter::new(network.rules.horizon_s, network.rules.meter_s),
            waits: Vec::new(),
            wait_sum_s: 0.0,
            within_300s: 0,
            bay_s: 0.0,
            power_s: 0.0,
            plugged_s: 0.0,
            cycles: 0,
            soh: 0.0,
            stations: Vec::new(),
        }
    }

    fn add(&mut self, network: &Network, number: usize, station: &mut Station<'_>) {
        let (rules, plan) = (&network.rules, &network.stations[number]);
        let window_s = rules.horizon_s - rules.warmup_s;
        let (cycles, soh) = station.wear();
        let tally = &mut station.tally;
        self.waits.append(&mut tally.waits);
        self.wait_sum_s += tally.wait_sum_s;
        self.within_300s += tally.within_300s;
        self.bay_s += tally.bay_s;
        self.power_s += tally.power_s;
        self.plugged_s += tally.plugged_s;
        self.cycles += cycles;
        self.soh += soh;
        self.stations.push(StationFigures {
            arrivals: tally.arrivals as f64,
            served: tally.served as f64,
            lost: tally.lost as f64,
            reroutes: tally.reroutes as f64,
            wait_sum_s: tally.wait_sum_s,
            bay_util: tally.bay_s / (window_s * f64::from(plan.bays)),
            charger_util: tally.power_s / (window_s * f64::from(plan.chargers)),
            queue_mean: tally.queue_s / window_s,
            ready_mean: tally.ready_s / window_s,
            energy_kwh: station.meter.kwh_from(rules.warmup_s).map(|cell| cell.1).sum(),
            peak_inst_kw: station.peak_inst_kw(),
        });
        self.meter.add(&station.meter);
    }

    fn join(&mut self, mut other: Self) {
        self.meter.add(&other.meter);
        self.waits.append(&mut other.waits);
        self.wait_sum_s += other.wait_sum_s;
        self.within_300s += other.within_300s;
        self.bay_s += other.bay_s;
        self.power_s += other.power_s;
        self.plugged_s += other.plugged_s;
        self.cycles += other.cycles;
        self.soh += other.soh;
        self.stations.append(&mut other.stations);
    }

    fn finish(mut self, network: &Network) -> Replication {
        let rules = &network.rules;
        let window_s = rules.horizon_s - rules.warmup_s;
        let count = |of: fn(&super::plan::StationPlan) -> u32| {
            network.stations.iter().map(|plan| f64::from(of(plan))).sum::<f64>()
        };
        let sum = |of: fn(&StationFigures) -> f64| self.stations.iter().map(of).sum::<f64>();
        let (arrivals, served, lost) = (sum(|s| s.arrivals), sum(|s| s.served), sum(|s| s.lost));
        let chargers = count(|plan| plan.chargers);
        let energy: Vec<(f64, f64)> = self.meter.kwh_from(rules.warmup_s).collect();
        let mut kpis = KpiRow::default();
        kpis.set(Kpi::Arrivals, arrivals);
        kpis.set(Kpi::Served, served);
        kpis.set(Kpi::Lost, lost);
        kpis.set(Kpi::PendingEnd, arrivals - served - lost);
        kpis.set(Kpi::LossRate, lost / arrivals);
        kpis.set(Kpi::Reroutes, sum(|s| s.reroutes));
        kpis.set(Kpi::WaitMeanS, self.wait_sum_s / served);
        kpis.set(Kpi::WaitMaxS, self.waits.iter().copied().fold(f64::NAN, f64::max));
        kpis.set(Kpi::WaitP95S, quantile_in_place(&mut self.waits, 0.95));
        kpis.set(Kpi::Within300s, self.within_300s as f64 / arrivals);
        kpis.set(Kpi::BayUtil, self.bay_s / (window_s * count(|plan| plan.bays)));
        kpis.set(Kpi::ChargerUtil, self.power_s / (window_s * chargers));
        kpis.set(Kpi::ChargerOccupancy, self.plugged_s / (window_s * chargers));
        kpis.set(Kpi::QueueMean, sum(|s| s.queue_mean));
        kpis.set(Kpi::ReadyMean, sum(|s| s.ready_mean));
        kpis.set(Kpi::EnergyKwh, energy.iter().map(|cell| cell.1).sum());
        kpis.set(Kpi::Peak15Kw, self.meter.peak15_kw(rules.warmup_s));
        kpis.set(Kpi::PeakInstStationKw, self.stations.iter().map(|s| s.peak_inst_kw).fold(0.0, f64::max));
        kpis.set(Kpi::Cycles, self.cycles as f64);
        kpis.set(Kpi::SohMean, self.soh / count(|plan| plan.batteries));
        Replication { kpis, stations: self.stations, energy }
    }
}

/// Runs replication `r` of a network. `stop` is asked now and then, and ends it early.
///
/// Stations that do not exchange vehicles run on all threads of the current rayon pool; the result does not depend on how
/// many there are.
///
/// # Errors
/// [`SwapError::Cancelled`] where `stop` said so.
pub fn replication<W: Watch>(
    network: &Network,
    r: u64,
    watch: &mut W,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Replication, SwapError> {
    let name = network.name(r);
    let days = day_factors(&network.rules, name);
    if network.is_coupled() {
        return together(network, name, &days, watch, stop);
    }
    let chunks: Vec<usize> = (0..network.stations.len()).step_by(CHUNK).collect();
    let run = |first: usize, mut watch: W| {
        let mut sum = Sum::new(network);
        for number in first..network.stations.len().min(first + CHUNK) {
            alone(network, number, name, &days, &mut watch, stop, &mut sum)?;
        }
        Ok::<_, SwapError>((sum, watch))
    };
    let mut total = Sum::new(network);
    // so many chunks at a time that memory does not grow with the network
    for group in chunks.chunks(64) {
        let parts: Vec<(usize, W)> = group.iter().map(|first| (*first, watch.part())).collect();
        let parts: Vec<_> = if parts.len() == 1 {
            parts.into_iter().map(|(first, watch)| run(first, watch)).collect()
        } else {
            parts.into_par_iter().map(|(first, watch)| run(first, watch)).collect()
        };
        for part in parts {
            let (sum, seen) = part?;
            total.join(sum);
            watch.join(seen);
        }
    }
    Ok(total.finish(network))
}

fn alone<W: Watch>(
    network: &Network,
    number: usize,
    name: Name,
    days: &[f64],
    watch: &mut W,
    stop: &(dyn Fn() -> bool + Sync),
    sum: &mut Sum,
) -> Result<(), SwapError> {
    let plan = &network.stations[number];
    let mut station = Station::new(&network.rules, plan, number as u32, name.word(&plan.id), days, false);
    let mut events = 0_u32;
    while station.next_time().is_some() {
        if let Some(refused) = station.step(watch) {
            lose(network, &mut station, &refused, watch);
        }
        events += 1;
        if events.is_multiple_of(LOOK_EVENTS) && stop() {
            return Err(SwapError::Cancelled);
        }
    }
    station.finish(watch);
    sum.add(network, number, &mut station);
    Ok(())
}

/// Rule 6, for a vehicle that goes nowhere else.
fn lose<W: Watch>(network: &Network, station: &mut Station<'_>, refused: &Refused, watch: &mut W) {
    let vehicle = &refused.vehicle;
    tell(station, refused, watch);
    if vehicle.first_arrival >= network.rules.warmup_s {
        station.tally.lost += 1;
    }
    watch.vehicle(station.row(vehicle, refused.at, refused.why, f64::NAN));
}

fn tell<W: Watch>(station: &Station<'_>, refused: &Refused, watch: &mut W) {
    if W::EVENTS {
        let why = match refused.why {
            Outcome::Balked => 0.0,
            Outcome::Stockout => 1.0,
            Outcome::Reneged => 2.0,
            _ => 3.0,
        };
        watch.event(refused.at, EventKind::Refused, station.number(), refused.vehicle.number, why);
    }
}

/// All stations on one clock.
fn together<W: Watch>(
    network: &Network,
    name: Name,
    days: &[f64],
    watch: &mut W,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Replication, SwapError> {
    let mut stations: Vec<Station<'_>> = network
        .stations
        .iter()
        .enumerate()
        .map(|(number, plan)| {
            Station::new(&network.rules, plan, number as u32, name.word(&plan.id), days, true)
        })
        .collect();
    // Each station stands here with the instant of its next event; an entry whose instant has changed is stale.
    let mut clock = Agenda::new();
    for (number, station) in stations.iter_mut().enumerate() {
        if let Some(at) = station.next_time() {
            clock.schedule(at, 0, number);
        }
    }
    let mut events = 0_u32;
    let mut on_the_way: Vec<Travel> = Vec::new();
    while let Some((now, number)) = clock.pop() {
        if stations[number].next_time() != Some(now) {
            continue;
        }
        if let Some(refused) = stations[number].step(watch) {
            match onward(network, &refused) {
                Some((next, travel_s)) => {
                    tell(&stations[number], &refused, watch);
                    let mut vehicle = refused.vehicle;
                    vehicle.hops += 1;
                    if W::EVENTS {
                        let kind = EventKind::Reroute;
                        watch.event(now, kind, number as u32, vehicle.number, f64::from(next));
                    }
                    if vehicle.first_arrival >= network.rules.warmup_s {
                        stations[number].tally.reroutes += 1;
                    }
                    let at = now + travel_s;
                    let station = &mut stations[next as usize];
                    if at < network.rules.horizon_s {
                        let before = station.next_time();
                        station.expect(at, vehicle);
                        if before.is_none_or(|before| at < before) {
                            clock.schedule(at, 0, next as usize);
                        }
                    } else {
                        on_the_way.push(Travel { to: next, vehicle });
                    }
                }
                None => lose(network, &mut stations[number], &refused, watch),
            }
        }
        if let Some(at) = stations[number].next_time() {
            clock.schedule(at, 0, number);
        }
        events = events.wrapping_add(1);
        if events.is_multiple_of(LOOK_EVENTS) && stop() {
            return Err(SwapError::Cancelled);
        }
    }
    for travel in &on_the_way {
        let row = stations[travel.to as usize].row(&travel.vehicle, f64::NAN, Outcome::Pending, f64::NAN);
        watch.vehicle(row);
    }
    let mut sum = Sum::new(network);
    for (number, station) in stations.iter_mut().enumerate() {
        station.finish(watch);
        sum.add(network, number, station);
    }
    Ok(sum.finish(network))
}

struct Travel {
    to: u32,
    vehicle: super::vehicle::Vehicle,
}

/// Where a refused vehicle goes next, and how long that takes.
fn onward(network: &Network, refused: &Refused) -> Option<(u32, f64)> {
    let vehicle = &refused.vehicle;
    if vehicle.u_reroute >= network.reroute? {
        return None;
    }
    network.stations[vehicle.home as usize].path.get(vehicle.hops as usize).copied()
}
