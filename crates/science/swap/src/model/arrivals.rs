//! Where vehicles come from: a Poisson process of changing rate, or a trace.
//!
//! The process is thinned from points that are even over time and rate: a vehicle exists where its point lies below the rate
//! of its hour. Points are drawn in layers of rate, 0-1, 1-2, 2-4, 4-8 ... a hour, each layer of each hour with a stream of its own.
//! So five per cent more demand adds vehicles and moves none, and whoever exists in two designs has the same SoC, patience and swap.

use voltwin_des::{Name, unit_of};

use super::{
    plan::{Rules, StationPlan},
    vehicle::Vehicle,
};

const HOUR_S: f64 = 3_600.0;

/// The purposes that a vehicle's own chance serves.
mod draw {
    pub(super) const SOC: u64 = 0;
    pub(super) const PATIENCE: u64 = 1;
    pub(super) const REROUTE: u64 = 2;
    pub(super) const JITTER: u64 = 3;
    pub(super) const SWAP: u64 = 4;
}

/// Vehicles of one station in the order of their arrival.
pub(crate) struct Arrivals<'a> {
    rules: &'a Rules,
    station: &'a StationPlan,
    home: u32,
    name: Name,
    days: &'a [f64],
    rerouting: bool,
    /// Hours drawn so far, and in all.
    hour: u32,
    hours: u32,
    /// Vehicles to come, the next one last.
    pool: Vec<Vehicle>,
    /// No vehicle that is still to be drawn comes before this.
    settled_s: f64,
    traced: usize,
    number: u32,
}

impl<'a> Arrivals<'a> {
    /// `days` are the factors of the days, `name` is the station's.
    pub(crate) fn new(
        rules: &'a Rules,
        station: &'a StationPlan,
        home: u32,
        name: Name,
        days: &'a [f64],
        rerouting: bool,
    ) -> Self {
        let hours = if station.trace.is_some() { 0 } else { (rules.horizon_s / HOUR_S).ceil() as u32 };
        Self {
            rules,
            station,
            home,
            name: name.word("arrivals"),
            days,
            rerouting,
            hour: 0,
            hours,
            pool: Vec::new(),
            settled_s: 0.0,
            traced: 0,
            number: 0,
        }
    }

    /// The next vehicle that comes before the horizon.
    pub(crate) fn next(&mut self) -> Option<Vehicle> {
        if let Some(trace) = &self.station.trace {
            let mut vehicle = *trace.get(self.traced)?;
            let own = self.name.number(u64::from(vehicle.number));
            vehicle.swap_s = self.rules.swap.at(own.unit_at(draw::SWAP));
            if !self.rules.waits {
                vehicle.patience_s = f64::INFINITY;
            }
            self.traced += 1;
            return Some(vehicle);
        }
        loop {
            match self.pool.last() {
                Some(next) if next.first_arrival < self.settled_s || self.hour >= self.hours => break,
                None if self.hour >= self.hours => return None,
                _ => self.draw_hour(),
            }
        }
        let mut vehicle = self.pool.pop()?;
        vehicle.number = self.number;
        self.number += 1;
        Some(vehicle)
    }

    fn draw_hour(&mut self) {
        let hour = self.hour;
        let begin = f64::from(hour) * HOUR_S;
        self.hour += 1;
        self.settled_s = begin + HOUR_S;
        let rate = self.rate_per_h(hour);
        let name = self.name.number(u64::from(hour));
        let before = self.pool.len();
        let (mut low, mut high, mut layer) = (0.0, 1.0, 0_u64);
        while low < rate {
            self.draw_layer(name.number(layer), begin, low, high, rate);
            (low, high, layer) = (high, 2.0 * high, layer + 1);
        }
        if self.pool.len() > before {
            self.pool.sort_unstable_by(|a, b| b.first_arrival.total_cmp(&a.first_arrival));
        }
    }

    fn rate_per_h(&self, hour: u32) -> f64 {
        let rules = self.rules;
        let day = (hour / 24) as usize;
        let mut rate = rules.profile_per_h[(hour % 24) as usize]
            * self.station.demand_scale
            * rules.dow[day % 7]
            * self.days.get(day).copied().unwrap_or(1.0);
        if rules.rate_jitter_cv > 0.0 && rate > 0.0 {
            rate *= mean_one(self.name.word("rate").number(u64::from(hour)), rules.rate_jitter_cv);
        }
        rate
    }

    /// Points of one layer of an hour: candidate `k` has the numbers 2 k and 2 k + 1 of the layer's stream.
    fn draw_layer(&mut self, layer: Name, begin: f64, low: f64, high: f64, rate: f64) {
        let mean_gap_s = HOUR_S / (high - low);
        let mut at = begin;
        for k in 0_u64.. {
            at -= mean_gap_s * libm::log(unit_of(layer.at(2 * k)));
            if at >= self.settled_s || at >= self.rules.horizon_s {
                return;
            }
            if high <= rate || low + (high - low) * unit_of(layer.at(2 * k + 1)) < rate {
                self.admit(at, layer.number(k));
            }
        }
    }

    fn admit(&mut self, at: f64, own: Name) {
        let rules = self.rules;
        let mut first_arrival = at;
        if rules.arrival_jitter_s > 0.0 {
            first_arrival += rules.arrival_jitter_s * own.unit_at(draw::JITTER);
            if first_arrival >= rules.horizon_s {
                return;
            }
        }
        self.pool.push(Vehicle {
            first_arrival,
            home: self.home,
            number: 0,
            soc: rules.arrival_soc.at(own.unit_at(draw::SOC)),
            patience_s: rules.patience.map_or(f64::INFINITY, |law| law.at(own.unit_at(draw::PATIENCE))),
            swap_s: rules.swap.at(own.unit_at(draw::SWAP)),
            u_reroute: if self.rerouting { own.unit_at(draw::REROUTE) } else { 1.0 },
            hops: 0,
        });
    }
}

/// A Gamma factor of mean 1.
pub(crate) fn mean_one(name: Name, cv: f64) -> f64 {
    let shape = 1.0 / (cv * cv);
    name.stream().gamma(shape) / shape
}

/// The factors of all days of a replication, which all stations share.
pub(crate) fn day_factors(rules: &Rules, replication: Name) -> Vec<f64> {
    if rules.day_jitter_cv <= 0.0 {
        return Vec::new();
    }
    let days = (rules.horizon_s / 86_400.0).ceil() as u64;
    let name = replication.word("days");
    (0..days).map(|day| mean_one(name.number(day), rules.day_jitter_cv)).collect()
}
