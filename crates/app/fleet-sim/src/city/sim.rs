//! The city in motion: a pure function of scenario, seed, steps and inputs.

use std::collections::VecDeque;

use voltwin_battery::{ChargeCommand, Phase, Stream};

use super::{
    City,
    scenario::is_direct_current,
    vehicle::{Activity, Vehicle, VehicleStatus},
};

/// What happened in a step, for the stations to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CityEvent {
    /// A vehicle was plugged in; power starts a few seconds later.
    PluggedIn {
        /// Index of the station.
        station: usize,
        /// EVSE, from 0.
        evse: usize,
        /// Connector of the EVSE, from 0.
        connector: usize,
        /// Index of the vehicle.
        vehicle: usize,
    },
    /// The vehicle takes no more power, and stays for a moment.
    Finished {
        /// Index of the station.
        station: usize,
        /// EVSE, from 0.
        evse: usize,
    },
    /// The vehicle left.
    Unplugged {
        /// Index of the station.
        station: usize,
        /// EVSE, from 0.
        evse: usize,
    },
    /// The EVSE broke.
    Broke {
        /// Index of the station.
        station: usize,
        /// EVSE, from 0.
        evse: usize,
    },
    /// The EVSE works again.
    Repaired {
        /// Index of the station.
        station: usize,
        /// EVSE, from 0.
        evse: usize,
    },
}

/// What flows through an EVSE now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Flow {
    /// Power out of the EVSE in W, at least 0.
    pub power_w: f64,
    /// Current in A; of one phase for alternating current.
    pub current_a: f64,
    /// Voltage in V; of one phase for alternating current.
    pub voltage_v: f64,
    /// State of charge that the vehicle tells, `0..=1`, when one is plugged in.
    pub soc: Option<f64>,
    /// Temperature of the connector in °C.
    pub temp_c: f64,
    /// Energy register in Wh; never falls.
    pub energy_wh: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct Evse {
    pub(crate) vehicle: Option<usize>,
    pub(crate) flow: Flow,
    /// Whether the central system took it out of service.
    pub(crate) blocked: bool,
    broken_left_s: f64,
    breaks_in_s: f64,
    stream: Stream,
}

#[derive(Debug, Clone)]
pub(crate) struct Stand {
    pub(crate) evses: Vec<Evse>,
    pub(crate) queue: VecDeque<usize>,
}

/// Efficiency of the on-board charger that makes direct current of alternating current.
const ON_BOARD: f64 = 0.92;
/// Longest piece that physics advances by; a longer step is cut.
const PIECE_S: f64 = 5.0;

impl City {
    /// Lets `dt_s` seconds pass (clamped to `0..=3600`) and answers with what happened, in order.
    pub fn step(&mut self, dt_s: f64) -> Vec<CityEvent> {
        let dt_s = if dt_s.is_nan() { 0.0 } else { dt_s.clamp(0.0, 3_600.0) };
        let pieces = (dt_s / PIECE_S).ceil().max(1.0);
        let mut events = Vec::new();
        for _ in 0..pieces as usize {
            self.piece(dt_s / pieces, &mut events);
        }
        events
    }

    /// Ends the charge at an EVSE, as the central system asked.
    pub fn stop_charging(&mut self, station: usize, evse: usize) {
        let Some(vehicle) = self.stand(station, evse).and_then(|e| e.vehicle) else { return };
        if let Activity::Plugged { connector, .. } = self.vehicles[vehicle].activity {
            let leaves_in_s = 10.0;
            self.vehicles[vehicle].activity = Activity::Finishing { station, evse, connector, leaves_in_s };
        }
    }

    /// Takes an EVSE out of service, or puts it back.
    pub fn set_blocked(&mut self, station: usize, evse: usize, blocked: bool) {
        if let Some(evse) = self.stands.get_mut(station).and_then(|s| s.evses.get_mut(evse)) {
            evse.blocked = blocked;
        }
    }

    /// Sends the nearest vehicle that is free and fits to a station to charge. `None` when there is none.
    pub fn summon(&mut self, station: usize) -> Option<usize> {
        let place = self.roads.nodes[*self.station_nodes.get(station)?];
        let chosen = (0..self.vehicles.len())
            .filter(|&v| {
                let vehicle = &self.vehicles[v];
                let free =
                    matches!(vehicle.activity, Activity::Drive { to_station: None } | Activity::Park { .. });
                free && vehicle.pack.is_some() && self.fits(v, station)
            })
            .min_by(|a, b| {
                let distance = |v: &usize| self.vehicles[*v].place.distance_m(place);
                distance(a).total_cmp(&distance(b))
            })?;
        self.send_to(chosen, station);
        Some(chosen)
    }

    /// What flows through an EVSE now.
    #[must_use]
    pub fn flow(&self, station: usize, evse: usize) -> Option<Flow> {
        self.stand(station, evse).map(|e| e.flow)
    }

    fn stand(&self, station: usize, evse: usize) -> Option<&Evse> {
        self.stands.get(station)?.evses.get(evse)
    }

    fn piece(&mut self, dt_s: f64, events: &mut Vec<CityEvent>) {
        self.elapsed_s += dt_s;
        self.age_connectors(dt_s, events);
        for vehicle in 0..self.vehicles.len() {
            self.live(vehicle, dt_s, events);
        }
        self.charge(dt_s, events);
        self.serve_queues(events);
    }

    fn age_connectors(&mut self, dt_s: f64, events: &mut Vec<CityEvent>) {
        let faults = &self.scenario.faults;
        for (station, stand) in self.stands.iter_mut().enumerate() {
            for (number, evse) in stand.evses.iter_mut().enumerate() {
                if evse.broken_left_s > 0.0 {
                    evse.broken_left_s -= dt_s;
                    if evse.broken_left_s <= 0.0 {
                        evse.breaks_in_s = evse.stream.exponential(faults.mean_between_s);
                        events.push(CityEvent::Repaired { station, evse: number });
                    }
                    continue;
                }
                evse.breaks_in_s -= dt_s;
                if evse.breaks_in_s <= 0.0 {
                    evse.broken_left_s = evse.stream.exponential(faults.mean_repair_s).max(20.0);
                    events.push(CityEvent::Broke { station, evse: number });
                    if let Some(vehicle) = evse.vehicle.map(|v| &mut self.vehicles[v]) {
                        let connector = vehicle.connector().unwrap_or_default();
                        let leaves_in_s = 30.0;
                        vehicle.activity = Activity::Broken { station, evse: number, connector, leaves_in_s };
                    }
                }
            }
        }
    }

    fn live(&mut self, index: usize, dt_s: f64, events: &mut Vec<CityEvent>) {
        let vehicle = &mut self.vehicles[index];
        if let (Some(sensors), Some(pack)) = (&mut vehicle.sensors, &mut vehicle.pack) {
            sensors.age(pack, self.elapsed_s);
        }
        match &mut vehicle.activity {
            Activity::Drive { to_station } => {
                let to_station = *to_station;
                if vehicle.drive(&self.roads, dt_s) {
                    match to_station {
                        Some(station) => {
                            vehicle.activity = Activity::Queue { station };
                            self.stands[station].queue.push_back(index);
                        }
                        None => self.next_trip(index),
                    }
                }
            }
            Activity::Park { left_s } => {
                *left_s -= dt_s;
                let over = *left_s <= 0.0;
                vehicle.rest(dt_s);
                if vehicle.pack.is_none() {
                    // A vehicle that only drives fills up at home, off this network.
                    vehicle.soc =
                        (vehicle.soc + 11_000.0 * dt_s / 3_600.0 / vehicle.body.capacity_wh).min(1.0);
                }
                if over {
                    self.next_trip(index);
                }
            }
            Activity::Queue { .. } => vehicle.rest(dt_s),
            Activity::Plugged { starts_in_s, .. } => *starts_in_s -= dt_s,
            Activity::Finishing { station, evse, leaves_in_s, .. }
            | Activity::Broken { station, evse, leaves_in_s, .. } => {
                *leaves_in_s -= dt_s;
                let (station, evse, over) = (*station, *evse, *leaves_in_s <= 0.0);
                vehicle.rest(dt_s);
                if over {
                    let slot = &mut self.stands[station].evses[evse];
                    slot.vehicle = None;
                    events.push(CityEvent::Unplugged { station, evse });
                    self.next_trip(index);
                }
            }
        }
    }

    /// Chooses what a vehicle does next: charge when low, else rest or drive somewhere.
    fn next_trip(&mut self, index: usize) {
        let vehicle = &self.vehicles[index];
        if vehicle.soc < vehicle.low_soc {
            if vehicle.pack.is_none() {
                let left_s = 3_600.0 * 0.6 * vehicle.body.capacity_wh / 11_000.0;
                self.vehicles[index].activity = Activity::Park { left_s };
                return;
            }
            if let Some(station) = self.best_station(index) {
                self.send_to(index, station);
                return;
            }
        }
        let nodes = self.scenario.roads.nodes.len();
        let vehicle = &mut self.vehicles[index];
        if vehicle.stream.uniform() < 0.15 && !matches!(vehicle.activity, Activity::Park { .. }) {
            vehicle.activity = Activity::Park { left_s: vehicle.stream.between(20.0, 180.0) };
            return;
        }
        // A vehicle that only drives takes the next road, which costs no search over the graph.
        let way = if vehicle.pack.is_none() && !self.roads.leaving[vehicle.node].is_empty() {
            let roads = &self.roads.leaving[vehicle.node];
            let to = roads[vehicle.stream.below(roads.len())].to;
            vec![if to < nodes { to } else { roads[0].to }]
        } else {
            let to = vehicle.stream.below(nodes);
            self.roads.way(vehicle.node, to).unwrap_or_default()
        };
        vehicle.way = way;
        vehicle.along_m = 0.0;
        vehicle.activity = Activity::Drive { to_station: None };
    }

    fn send_to(&mut self, index: usize, station: usize) {
        let target = self.station_nodes[station];
        let vehicle = &mut self.vehicles[index];
        // Between two nodes it first ends the road it is on.
        let begun = vehicle.way.last().copied().filter(|_| vehicle.along_m > 0.0);
        let from = begun.unwrap_or(vehicle.node);
        let mut way = self.roads.way(from, target).unwrap_or_default();
        way.extend(begun);
        if begun.is_none() {
            vehicle.along_m = 0.0;
        }
        vehicle.way = way;
        vehicle.activity = Activity::Drive { to_station: Some(station) };
    }

    /// The station where the vehicle would be done first: driving, waiting and charging time together.
    fn best_station(&self, index: usize) -> Option<usize> {
        let vehicle = &self.vehicles[index];
        let unhurried = Stream::named(self.seed, "unhurried", &vehicle.id).uniform() < 0.45;
        let slow_cost = if unhurried { 0.05 } else { 0.4 };
        let cost_s = |station: usize| {
            let stand = &self.stands[station];
            let busy = stand.evses.iter().filter(|e| e.vehicle.is_some() || !e.usable()).count();
            let coming = self
                .vehicles
                .iter()
                .filter(|v| v.activity == Activity::Drive { to_station: Some(station) })
                .count();
            let free = stand.evses.len() as f64 - (busy + coming + stand.queue.len()) as f64;
            let power_w = self.offered_w(index, station);
            let need_wh = (vehicle.target_soc - vehicle.soc).max(0.05) * vehicle.body.capacity_wh;
            let charge_s = 3_600.0 * need_wh / power_w.max(1_000.0);
            let wait_s = if free >= 1.0 { 0.0 } else { (1.0 - free) * charge_s * 0.7 };
            // Slow points are where people park anyway: an hour there costs some of them as little as minutes elsewhere.
            let patience = if power_w < 30_000.0 { slow_cost } else { 1.0 };
            let place = self.roads.nodes[self.station_nodes[station]];
            vehicle.place.distance_m(place) / 9.0 + wait_s + patience * charge_s
        };
        (0..self.stands.len())
            .filter(|&station| self.fits(index, station))
            .min_by(|a, b| cost_s(*a).total_cmp(&cost_s(*b)))
    }

    fn fits(&self, vehicle: usize, station: usize) -> bool {
        self.offered_w(vehicle, station) > 0.0
    }

    /// The most power that the vehicle could draw at this station.
    fn offered_w(&self, vehicle: usize, station: usize) -> f64 {
        (0..self.scenario.stations[station].evses.len())
            .filter_map(|evse| self.connector_for(vehicle, station, evse))
            .map(|(_, power_w)| power_w)
            .fold(0.0, f64::max)
    }

    /// The connector of an EVSE that gives the vehicle most, and how much.
    fn connector_for(&self, vehicle: usize, station: usize, evse: usize) -> Option<(usize, f64)> {
        let body = &self.vehicles[vehicle].body;
        let spec = &self.scenario.stations[station].evses[evse];
        let usable = spec.connectors.iter().enumerate().filter(|(_, c)| body.plugs.contains(&c.kind));
        usable
            .map(|(number, connector)| {
                let most_w = if is_direct_current(&connector.kind) {
                    body.max_dc_power_w
                } else {
                    body.max_ac_power_w
                };
                (number, most_w.min(connector.max_power_w).min(spec.max_power_w))
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn charge(&mut self, dt_s: f64, events: &mut Vec<CityEvent>) {
        for station in 0..self.stands.len() {
            let demands: Vec<f64> =
                (0..self.stands[station].evses.len()).map(|evse| self.demand_w(station, evse)).collect();
            // The station shares its power in proportion to what each connector could give.
            let most_w = self.scenario.stations[station].max_power_w;
            let share = (most_w / demands.iter().sum::<f64>().max(1.0)).min(1.0);
            for (evse, demand_w) in demands.into_iter().enumerate() {
                self.charge_one(station, evse, demand_w * share, dt_s, events);
            }
        }
    }

    fn demand_w(&self, station: usize, evse: usize) -> f64 {
        let Some(vehicle) = self.stands[station].evses[evse].vehicle else { return 0.0 };
        if self.vehicles[vehicle].status() != VehicleStatus::Charging {
            return 0.0;
        }
        self.connector_for(vehicle, station, evse).map_or(0.0, |(_, power_w)| power_w)
    }

    fn charge_one(
        &mut self,
        station: usize,
        evse: usize,
        limit_w: f64,
        dt_s: f64,
        events: &mut Vec<CityEvent>,
    ) {
        let slot = &mut self.stands[station].evses[evse];
        let energy_wh = slot.flow.energy_wh;
        // The connector warms with its current and cools in about five minutes.
        let warm_c = 20.0 + 35.0 * (slot.flow.power_w / 150_000.0).min(1.0);
        let temp_c = slot.flow.temp_c + (warm_c - slot.flow.temp_c) * (1.0 - (-dt_s / 300.0).exp());
        slot.flow = Flow { energy_wh, temp_c, ..Flow::default() };
        let Some(index) = slot.vehicle else { return };
        let vehicle: &mut Vehicle = &mut self.vehicles[index];
        slot.flow.soc = Some(vehicle.shown_soc());
        let (true, Some(pack)) = (limit_w > 0.0, vehicle.pack.as_mut()) else {
            if let Activity::Plugged { .. } = vehicle.activity {
                vehicle.rest(dt_s);
            }
            return;
        };
        let kinds = &self.scenario.stations[station].evses[evse].connectors;
        let Activity::Plugged { connector, .. } = vehicle.activity else { return };
        let direct = kinds.get(connector).is_some_and(|c| is_direct_current(&c.kind));
        let efficiency = if direct { 1.0 } else { ON_BOARD };
        let command =
            ChargeCommand::Charge { max_power_w: limit_w * efficiency, max_current_a: f64::INFINITY };
        let state = pack.step(dt_s, command);
        (vehicle.soc, vehicle.power_w) = (state.soc, state.power_w);
        let power_w = state.power_w / efficiency;
        slot.flow.power_w = power_w;
        slot.flow.energy_wh += power_w * dt_s / 3_600.0;
        (slot.flow.voltage_v, slot.flow.current_a) =
            if direct { (state.voltage_v, state.current_a) } else { (230.0, power_w / (3.0 * 230.0)) };
        let full = state.phase == Phase::Full || state.soc >= vehicle.target_soc;
        slot.flow.soc = Some(vehicle.shown_soc());
        if full {
            vehicle.activity = Activity::Finishing { station, evse, connector, leaves_in_s: 15.0 };
            events.push(CityEvent::Finished { station, evse });
        }
    }

    fn serve_queues(&mut self, events: &mut Vec<CityEvent>) {
        for station in 0..self.stands.len() {
            let waiting: Vec<usize> = self.stands[station].queue.iter().copied().collect();
            for index in waiting {
                let free = (0..self.stands[station].evses.len())
                    .filter(|&e| self.stands[station].evses[e].is_free())
                    .filter_map(|e| self.connector_for(index, station, e).map(|(c, w)| (e, c, w)))
                    .max_by(|a, b| a.2.total_cmp(&b.2).then(b.0.cmp(&a.0)));
                let Some((evse, connector, _)) = free else { continue };
                self.stands[station].queue.retain(|v| *v != index);
                self.stands[station].evses[evse].vehicle = Some(index);
                let vehicle = &mut self.vehicles[index];
                vehicle.activity = Activity::Plugged { station, evse, connector, starts_in_s: 4.0 };
                vehicle.place = self.roads.nodes[self.station_nodes[station]];
                events.push(CityEvent::PluggedIn { station, evse, connector, vehicle: index });
            }
        }
    }
}

impl Evse {
    pub(crate) fn new(energy_wh: f64, mean_between_s: f64, mut stream: Stream) -> Self {
        let breaks_in_s = stream.exponential(mean_between_s);
        let flow = Flow { energy_wh, temp_c: 20.0, ..Flow::default() };
        Self { vehicle: None, flow, blocked: false, broken_left_s: 0.0, breaks_in_s, stream }
    }

    fn usable(&self) -> bool {
        !self.blocked && self.broken_left_s <= 0.0
    }

    fn is_free(&self) -> bool {
        self.vehicle.is_none() && self.usable()
    }
}
