//! What is to be solved: storages, the meters that they share, and what everything costs.

use crate::error::OptimiseError;

/// A value for each slot, stored once where it is the same for all.
#[derive(Debug, Clone, PartialEq)]
pub enum Profile {
    /// The same in each slot.
    Flat(f64),
    /// One value a slot.
    Slots(Vec<f64>),
}

impl Profile {
    /// The value of slot `slot`, counted from the begin of the series; zero outside of it.
    #[must_use]
    pub fn at(&self, slot: usize) -> f64 {
        match self {
            Self::Flat(value) => *value,
            Self::Slots(values) => values.get(slot).copied().unwrap_or(0.0),
        }
    }

    /// Puts `value` into one slot of a series of `slots`.
    pub fn set(&mut self, slot: usize, slots: usize, value: f64) {
        if let Self::Flat(flat) = *self {
            *self = Self::Slots(vec![flat; slots]);
        }
        if let Self::Slots(values) = self
            && let Some(place) = values.get_mut(slot)
        {
            *place = value;
        }
    }

    fn check(
        &self,
        place: &dyn Fn() -> String,
        slots: usize,
        expected: &'static str,
        good: impl Fn(f64) -> bool,
    ) -> Result<(), OptimiseError> {
        if let Self::Slots(values) = self
            && values.len() != slots
        {
            return Err(OptimiseError::Length { place: place(), found: values.len(), expected: slots });
        }
        let bad = match self {
            Self::Flat(value) => (!good(*value)).then_some((None, *value)),
            Self::Slots(values) => {
                values.iter().position(|value| !good(*value)).map(|slot| (Some(slot), values[slot]))
            }
        };
        match bad {
            None => Ok(()),
            Some((slot, value)) => Err(OptimiseError::Number {
                place: slot.map_or_else(place, |slot| format!("{}[{slot}]", place())),
                value,
                expected,
            }),
        }
    }
}

impl From<f64> for Profile {
    fn from(value: f64) -> Self {
        Self::Flat(value)
    }
}

impl From<Vec<f64>> for Profile {
    fn from(values: Vec<f64>) -> Self {
        Self::Slots(values)
    }
}

/// Energy that should be in a storage at the end of a slot; what lacks costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// Slot of the storage's window at whose end it is judged.
    pub slot: usize,
    /// Energy that should be there.
    pub energy: f64,
    /// Cost of one unit that lacks.
    pub cost: f64,
    /// Cost that grows with the lack: `½·curvature·lack²`; spreads a shortage evenly over storages.
    pub curvature: f64,
}

/// A vehicle or battery while it is connected.
///
/// `energy[t] = energy[t-1] + charge_gain·charge[t] − discharge_loss·discharge[t]`, in each slot of the window.
/// Units are free but must agree: with kW and kWh, `charge_gain` is slot length times efficiency.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// First slot of the window.
    pub start: usize,
    /// Slots in the window; a storage of none can only lack energy.
    pub slots: usize,
    /// Share of its power that each meter sees, such as a third for each phase.
    pub meters: Vec<(usize, f64)>,
    /// Energy at the begin.
    pub energy_start: f64,
    /// Energy that a unit of charging power adds in a slot.
    pub charge_gain: f64,
    /// Energy that a unit of discharging power takes in a slot.
    pub discharge_loss: f64,
    /// Least charging power, such as 6 A where a vehicle must charge at all.
    pub charge_min: Profile,
    /// Largest charging power.
    pub charge_max: Profile,
    /// Largest discharging power, positive.
    pub discharge_max: Profile,
    /// Least energy at the end of each slot.
    pub energy_min: Profile,
    /// Most energy at the end of each slot.
    pub energy_max: Profile,
    /// Cost of a unit of charging power in a slot, beside what its meters ask.
    pub charge_cost: Profile,
    /// Cost of a unit of discharging power in a slot, such as wear.
    pub discharge_cost: Profile,
    /// Cost of a unit of energy held at the end of a slot, such as calendar ageing.
    pub energy_cost: Profile,
    /// `½·curvature·power²` of charging and discharging each.
    pub power_curvature: f64,
    /// `½·curvature·energy²` of the energy at the end of each slot.
    pub energy_curvature: f64,
    /// What should be in it when.
    pub floors: Vec<Floor>,
}

/// A charge on the highest power that a meter takes in some slots.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// Cost of a unit of the highest power.
    pub price: f64,
    /// Highest power that is paid for already.
    pub paid: f64,
    /// Slots that count; none means all.
    pub slots: Vec<usize>,
}

/// A point where power is limited or costs: a site, a zone, a phase, a feeder.
///
/// What flows through it is `base + Σ share·(charge − discharge) + Σ flows of meters below + spill − shed`, and is
/// split into what comes in and what goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Meter {
    /// The meter above, which must stand later in the list; none at the grid.
    pub parent: Option<usize>,
    /// Power that flows anyway: load less generation.
    pub base: Profile,
    /// Most that may come in.
    pub in_max: Profile,
    /// Most that may go out, positive.
    pub out_max: Profile,
    /// Cost of a unit that comes in for a slot.
    pub in_cost: Profile,
    /// Cost of a unit that goes out for a slot; negative where it is paid for.
    pub out_cost: Profile,
    /// `½·curvature·power²` of what comes in.
    pub in_curvature: f64,
    /// Generation that may be cut, and what a unit of it costs.
    pub spill: Option<(Profile, Profile)>,
    /// Load that may be left out, and what a unit of it costs.
    pub shed: Option<(Profile, Profile)>,
    /// Charges on the highest power.
    pub demands: Vec<Demand>,
}

/// Storages behind meters over a number of slots.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// How many slots there are.
    pub slots: usize,
    /// The storages.
    pub storages: Vec<Storage>,
    /// The meters; each stands before its parent.
    pub meters: Vec<Meter>,
}

const FINITE: &str = "a finite number";
const NOT_NEGATIVE: &str = "a finite number of at least 0";

fn finite(value: f64) -> bool {
    value.is_finite()
}

fn not_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl Program {
    /// Says what is wrong with the program, if anything is.
    ///
    /// # Errors
    /// Names the field and what it may hold.
    pub fn check(&self) -> Result<(), OptimiseError> {
        for (index, storage) in self.storages.iter().enumerate() {
            self.check_storage(index, storage)?;
        }
        for (index, meter) in self.meters.iter().enumerate() {
            self.check_meter(index, meter)?;
        }
        Ok(())
    }

    fn check_storage(&self, index: usize, storage: &Storage) -> Result<(), OptimiseError> {
        let place = |field: &str| format!("storages[{index}].{field}");
        if storage.start + storage.slots > self.slots {
            return Err(OptimiseError::Structure {
                place: place("slots"),
                why: "the window ends after the last slot",
            });
        }
        for (meter, share) in &storage.meters {
            if *meter >= self.meters.len() {
                return Err(OptimiseError::Structure { place: place("meters"), why: "no such meter" });
            }
            if !finite(*share) {
                return Err(OptimiseError::Number {
                    place: place("meters"),
                    value: *share,
                    expected: FINITE,
                });
            }
        }
        let single = |field: &str, value: f64, expected, good: fn(f64) -> bool| {
            Profile::Flat(value).check(&|| place(field), storage.slots, expected, good)
        };
        single("energy_start", storage.energy_start, FINITE, finite)?;
        single("charge_gain", storage.charge_gain, NOT_NEGATIVE, not_negative)?;
        single("discharge_loss", storage.discharge_loss, NOT_NEGATIVE, not_negative)?;
        single("power_curvature", storage.power_curvature, NOT_NEGATIVE, not_negative)?;
        single("energy_curvature", storage.energy_curvature, NOT_NEGATIVE, not_negative)?;
        let series = |field: &str, value: &Profile, expected, good: fn(f64) -> bool| {
            value.check(&|| place(field), storage.slots, expected, good)
        };
        series("charge_min", &storage.charge_min, NOT_NEGATIVE, not_negative)?;
        series("charge_max", &storage.charge_max, NOT_NEGATIVE, not_negative)?;
        series("discharge_max", &storage.discharge_max, NOT_NEGATIVE, not_negative)?;
        series("energy_min", &storage.energy_min, FINITE, finite)?;
        series("energy_max", &storage.energy_max, FINITE, finite)?;
        series("charge_cost", &storage.charge_cost, FINITE, finite)?;
        series("discharge_cost", &storage.discharge_cost, FINITE, finite)?;
        series("energy_cost", &storage.energy_cost, FINITE, finite)?;
        if let Some(slot) =
            (0..storage.slots).find(|slot| storage.charge_min.at(*slot) > storage.charge_max.at(*slot))
        {
            return Err(OptimiseError::Number {
                place: place(&format!("charge_min[{slot}]")),
                value: storage.charge_min.at(slot),
                expected: "at most charge_max",
            });
        }
        for floor in &storage.floors {
            if floor.slot >= storage.slots.max(1) {
                return Err(OptimiseError::Structure { place: place("floors"), why: "outside the window" });
            }
            single("floors.energy", floor.energy, FINITE, finite)?;
            single("floors.cost", floor.cost, NOT_NEGATIVE, not_negative)?;
            single("floors.curvature", floor.curvature, NOT_NEGATIVE, not_negative)?;
        }
        Ok(())
    }

    fn check_meter(&self, index: usize, meter: &Meter) -> Result<(), OptimiseError> {
        let place = |field: &str| format!("meters[{index}].{field}");
        if meter.parent.is_some_and(|parent| parent <= index || parent >= self.meters.len()) {
            return Err(OptimiseError::Structure {
                place: place("parent"),
                why: "a parent stands after its children",
            });
        }
        let series = |field: &str, value: &Profile, expected, good: fn(f64) -> bool| {
            value.check(&|| place(field), self.slots, expected, good)
        };
        series("base", &meter.base, FINITE, finite)?;
        series("in_max", &meter.in_max, NOT_NEGATIVE, not_negative)?;
        series("out_max", &meter.out_max, NOT_NEGATIVE, not_negative)?;
        series("in_cost", &meter.in_cost, FINITE, finite)?;
        series("out_cost", &meter.out_cost, FINITE, finite)?;
        Profile::Flat(meter.in_curvature).check(&|| place("in_curvature"), 1, NOT_NEGATIVE, not_negative)?;
        for (name, relief) in [("spill", &meter.spill), ("shed", &meter.shed)] {
            if let Some((most, cost)) = relief {
                series(name, most, NOT_NEGATIVE, not_negative)?;
                series(name, cost, FINITE, finite)?;
            }
        }
        for demand in &meter.demands {
            for (field, value) in [("demands.price", demand.price), ("demands.paid", demand.paid)] {
                Profile::Flat(value).check(&|| place(field), 1, NOT_NEGATIVE, not_negative)?;
            }
            if demand.slots.iter().any(|slot| *slot >= self.slots) {
                return Err(OptimiseError::Structure { place: place("demands.slots"), why: "no such slot" });
            }
        }
        Ok(())
    }
}
