//! One vehicle: how it moves and what that costs.

use voltwin_battery::{ChargeCommand, Pack, Stream};

use super::roads::{Place, Roads};
use super::sensors::Sensors;

/// What a vehicle is doing; the words of the twin's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VehicleStatus {
    /// On the road.
    Driving,
    /// Waiting for a free connector.
    Queuing,
    /// Plugged in, no power yet or no more.
    PluggedIn,
    /// Plugged in and taking power.
    Charging,
    /// Standing somewhere.
    Parked,
    /// Plugged into a connector that broke.
    Faulted,
}

impl VehicleStatus {
    /// The word of the twin's property.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Driving => "Driving",
            Self::Queuing => "Queuing",
            Self::PluggedIn => "PluggedIn",
            Self::Charging => "Charging",
            Self::Parked => "Parked",
            Self::Faulted => "Faulted",
        }
    }
}

/// Where the vehicle is in its day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Activity {
    /// Following its way; with a station when it goes there to charge.
    Drive {
        to_station: Option<usize>,
    },
    Queue {
        station: usize,
    },
    /// Plugged in; power flows when `starts_in_s` has passed.
    Plugged {
        station: usize,
        evse: usize,
        connector: usize,
        starts_in_s: f64,
    },
    /// Charging is over; it leaves when the time has passed.
    Finishing {
        station: usize,
        evse: usize,
        connector: usize,
        leaves_in_s: f64,
    },
    Park {
        left_s: f64,
    },
    Broken {
        station: usize,
        evse: usize,
        connector: usize,
        leaves_in_s: f64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Body {
    pub(crate) mass_kg: f64,
    pub(crate) drag_area_m2: f64,
    pub(crate) max_ac_power_w: f64,
    pub(crate) max_dc_power_w: f64,
    pub(crate) capacity_wh: f64,
    pub(crate) plugs: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Vehicle {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) body: Body,
    /// Absent for a vehicle that only drives.
    pub(crate) pack: Option<Box<Pack>>,
    pub(crate) pack_id: Option<String>,
    /// What it says of its pack.
    pub(crate) sensors: Option<Box<Sensors>>,
    /// The true state of charge.
    pub(crate) soc: f64,
    pub(crate) power_w: f64,
    pub(crate) activity: Activity,
    pub(crate) place: Place,
    pub(crate) heading_deg: f64,
    pub(crate) speed_mps: f64,
    pub(crate) odometer_m: f64,
    /// The node it left last, and the way still to go, next node last.
    pub(crate) node: usize,
    pub(crate) way: Vec<usize>,
    pub(crate) along_m: f64,
    pub(crate) low_soc: f64,
    pub(crate) target_soc: f64,
    pub(crate) stream: Stream,
}

const GRAVITY_MPS2: f64 = 9.81;
const AIR_KG_M3: f64 = 1.2;
const ROLLING: f64 = 0.01;
const DRIVETRAIN: f64 = 0.9;
const REGENERATION: f64 = 0.6;
const AUXILIARY_W: f64 = 500.0;
const ACCELERATION_MPS2: f64 = 1.5;
const BRAKING_MPS2: f64 = 2.0;
/// Speed through a crossing.
const CROSSING_MPS: f64 = 4.5;

impl Vehicle {
    pub(crate) fn status(&self) -> VehicleStatus {
        match self.activity {
            Activity::Drive { .. } => VehicleStatus::Driving,
            Activity::Queue { .. } => VehicleStatus::Queuing,
            Activity::Plugged { starts_in_s, .. } if starts_in_s <= 0.0 => VehicleStatus::Charging,
            Activity::Plugged { .. } | Activity::Finishing { .. } => VehicleStatus::PluggedIn,
            Activity::Park { .. } => VehicleStatus::Parked,
            Activity::Broken { .. } => VehicleStatus::Faulted,
        }
    }

    /// The connector of the EVSE that it is plugged into, from 0.
    pub(crate) fn connector(&self) -> Option<usize> {
        match self.activity {
            Activity::Plugged { connector, .. }
            | Activity::Finishing { connector, .. }
            | Activity::Broken { connector, .. } => Some(connector),
            _ => None,
        }
    }

    /// The state of charge that it shows and tells.
    pub(crate) fn shown_soc(&self) -> f64 {
        self.sensors.as_ref().map_or(self.soc, |sensors| sensors.soc(self.soc))
    }

    /// Moves along its way for `dt_s`. True when the way is at its end.
    ///
    /// Road load: F = m·a + m·g·c_r + ½·ρ·c_d·A·v²; power at the battery is F·v over the drivetrain's efficiency, or
    /// times the share that braking brings back, and the auxiliaries.
    pub(crate) fn drive(&mut self, roads: &Roads, dt_s: f64) -> bool {
        let before_mps = self.speed_mps;
        let arrived = self.advance(roads, dt_s);
        let v = 0.5 * (before_mps + self.speed_mps);
        let acceleration = if dt_s > 0.0 { (self.speed_mps - before_mps) / dt_s } else { 0.0 };
        let force = self.body.mass_kg
            * (acceleration + GRAVITY_MPS2 * ROLLING * f64::from(u8::from(v > 0.1)))
            + 0.5 * AIR_KG_M3 * self.body.drag_area_m2 * v * v;
        let wheel_w = force * v;
        let drive_w = if wheel_w > 0.0 { wheel_w / DRIVETRAIN } else { wheel_w * REGENERATION };
        self.consume(drive_w + AUXILIARY_W, dt_s);
        arrived
    }

    fn advance(&mut self, roads: &Roads, dt_s: f64) -> bool {
        let Some(mut road) = self.way.last().and_then(|next| roads.road(self.node, *next)) else {
            self.way.clear();
            self.speed_mps = 0.0;
            return true;
        };
        let left_m = road.length_m - self.along_m;
        let end_mps = if self.way.len() > 1 { CROSSING_MPS } else { 1.0 };
        let brake_mps = (end_mps * end_mps + 2.0 * BRAKING_MPS2 * left_m.max(0.0)).sqrt();
        let wanted_mps = road.speed_mps.min(brake_mps);
        let change = (wanted_mps - self.speed_mps).clamp(-3.0 * dt_s, ACCELERATION_MPS2 * dt_s);
        self.speed_mps = (self.speed_mps + change).max(0.5);
        let mut step_m = self.speed_mps * dt_s;
        self.odometer_m += step_m;
        // A long step may pass several crossings.
        while self.along_m + step_m >= road.length_m {
            step_m -= road.length_m - self.along_m;
            self.along_m = 0.0;
            self.node = road.to;
            self.way.pop();
            match self.way.last().and_then(|next| roads.road(self.node, *next)) {
                Some(next) => road = next,
                None => {
                    self.way.clear();
                    self.place = roads.nodes[self.node];
                    self.speed_mps = 0.0;
                    return true;
                }
            }
        }
        self.along_m += step_m;
        let (from, to) = (roads.nodes[self.node], roads.nodes[road.to]);
        self.place = from.towards(to, self.along_m / road.length_m);
        self.heading_deg = from.heading_deg(to);
        false
    }

    /// Takes (or, when negative, gives back) electric power while driving.
    fn consume(&mut self, out_w: f64, dt_s: f64) {
        match &mut self.pack {
            Some(pack) => {
                let command = if out_w >= 0.0 {
                    ChargeCommand::Discharge { power_w: out_w }
                } else {
                    ChargeCommand::Charge { max_power_w: -out_w, max_current_a: f64::INFINITY }
                };
                let state = pack.step(dt_s, command);
                self.soc = state.soc;
                self.power_w = state.power_w;
            }
            None => {
                self.power_w = -out_w;
                self.soc = (self.soc - out_w * dt_s / 3_600.0 / self.body.capacity_wh).clamp(0.0, 1.0);
            }
        }
    }

    /// Stands still for `dt_s`.
    pub(crate) fn rest(&mut self, dt_s: f64) {
        self.speed_mps = 0.0;
        self.power_w = 0.0;
        if let Some(pack) = &mut self.pack {
            self.soc = pack.step(dt_s, ChargeCommand::Rest).soc;
        }
    }
}
