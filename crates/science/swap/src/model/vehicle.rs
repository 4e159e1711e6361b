//! Vehicles and what becomes of them.

use serde::Serialize;

/// A vehicle on its way through the network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vehicle {
    pub first_arrival: f64,
    /// Station of the first arrival, by number.
    pub home: u32,
    /// Number among the vehicles of its home.
    pub number: u32,
    pub soc: f64,
    pub patience_s: f64,
    pub swap_s: f64,
    pub u_reroute: f64,
    pub hops: u32,
}

/// What became of a vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Its swap began.
    Served,
    /// Refused: the queue was full.
    Balked,
    /// Refused: every ready battery was spoken for.
    Stockout,
    /// It left the queue when its patience ended.
    Reneged,
    /// Refused: the station was closed.
    Closed,
    /// It still waited or travelled at the horizon.
    Pending,
}

/// The end of a vehicle's story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VehicleRow {
    /// Instant of its first arrival, s.
    pub first_arrival_s: f64,
    /// Number of the station of its first arrival.
    pub home: u32,
    /// Number of the station of its outcome.
    pub station: u32,
    /// Instant of the outcome: begin of the swap, or of the last refusal; NaN where it is pending.
    pub outcome_s: f64,
    /// What became of it.
    pub outcome: Outcome,
    /// Wait at the serving station, s; NaN unless served.
    pub wait_s: f64,
    /// How many other stations it tried.
    pub hops: u32,
}

/// Kinds of event in a record, by their numbers there. In brackets: subject, value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    /// A vehicle comes (vehicle, SoC that it brings).
    Arrival = 0,
    /// A swap begins (vehicle, wait in s).
    SwapStart = 1,
    /// A swap ends (battery, SoC returned).
    SwapEnd = 2,
    /// A pack is plugged in (battery, health).
    PlugIn = 3,
    /// A pack may charge: cooldown begins (battery, none).
    Admitted = 4,
    /// Power begins (battery, kW wanted).
    PowerOn = 5,
    /// A charge ends (battery, health).
    ChargeEnd = 6,
    /// A vehicle is refused or gives up (vehicle, the outcome: 0 balked, 1 stockout, 2 reneged, 3 closed).
    Refused = 7,
    /// A refused vehicle sets out for another station (vehicle, number of that station).
    Reroute = 8,
    /// A charger or bay goes out of order (0 charger or 1 bay, none).
    Failure = 9,
    /// A charger or bay is repaired (0 charger or 1 bay, none).
    Repaired = 10,
}

/// Who looks on while a network runs. All of it is free where nothing is done.
pub trait Watch: Send {
    /// Whether [`Watch::event`] wants to be told; where not, events cost nothing.
    const EVENTS: bool;
    /// One event.
    fn event(&mut self, at: f64, kind: EventKind, station: u32, subject: u32, value: f64);
    /// The end of a vehicle's story.
    fn vehicle(&mut self, row: VehicleRow);
    /// A watcher like this one, for a part of the network that runs by itself.
    #[must_use]
    fn part(&self) -> Self;
    /// Takes in what a part has seen; parts come in the order of their stations.
    fn join(&mut self, part: Self);
}

/// Nobody looks on.
impl Watch for () {
    const EVENTS: bool = false;
    fn event(&mut self, _: f64, _: EventKind, _: u32, _: u32, _: f64) {}
    fn vehicle(&mut self, _: VehicleRow) {}
    fn part(&self) -> Self {}
    fn join(&mut self, (): Self) {}
}

/// Every vehicle.
#[derive(Debug, Clone, Default)]
pub struct Vehicles(pub Vec<VehicleRow>);

impl Watch for Vehicles {
    const EVENTS: bool = false;
    fn event(&mut self, _: f64, _: EventKind, _: u32, _: u32, _: f64) {}
    fn vehicle(&mut self, row: VehicleRow) {
        self.0.push(row);
    }
    fn part(&self) -> Self {
        Self::default()
    }
    fn join(&mut self, mut part: Self) {
        self.0.append(&mut part.0);
    }
}

/// Every event and every vehicle.
#[derive(Debug, Clone, Default)]
pub struct Everything {
    /// Events; without rerouting those of each station together, else in the order of time.
    pub events: voltwin_des::Record,
    /// Vehicles.
    pub vehicles: Vec<VehicleRow>,
}

impl Watch for Everything {
    const EVENTS: bool = true;
    fn event(&mut self, at: f64, kind: EventKind, station: u32, subject: u32, value: f64) {
        self.events.push(at, kind as u8, station, subject, value);
    }
    fn vehicle(&mut self, row: VehicleRow) {
        self.vehicles.push(row);
    }
    fn part(&self) -> Self {
        Self::default()
    }
    fn join(&mut self, mut part: Self) {
        self.events.append(part.events);
        self.vehicles.append(&mut part.vehicles);
    }
}
