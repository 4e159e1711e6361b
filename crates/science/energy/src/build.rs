//! From an instance to the program of the optimiser.

use voltwin_optimise::{Demand, Floor, Meter, Profile, Program, Storage};

use crate::instance::{Ev, Instance};
use crate::schedule::{Prices, base_kw, energy_bounds};

/// What a vehicle may do in a slot beyond what its instance says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Allowed {
    /// Both directions.
    #[default]
    Both,
    /// Charging only.
    Charge,
    /// Discharging only.
    Discharge,
    /// Charging, and at least at the least power.
    AtLeast,
    /// Neither charging below the least power nor above: a pause. Discharging stays allowed.
    Pause,
}

/// What vehicles may do, for those with an exception: by vehicle, then by slot of the stay.
pub(crate) type Exceptions = Vec<Option<Vec<Allowed>>>;

/// Program of an instance. With `relief`, limits of the site may be broken at that price a kW and slot.
pub(crate) fn program(
    instance: &Instance,
    prices: &Prices,
    exceptions: &Exceptions,
    relief: Option<f64>,
) -> Program {
    let slots = instance.slots();
    let each = |of: &dyn Fn(usize) -> f64| Profile::Slots((0..slots).map(of).collect());
    let dt = instance.dt;
    let highest = (0..slots).map(|slot| base_kw(instance, slot).abs()).fold(0.0, f64::max)
        + instance.evs.iter().map(|ev| ev.pc + ev.pd).sum::<f64>();
    let help = relief.map(|price| (Profile::Flat(highest), Profile::Flat(price)));
    let mut demands = Vec::new();
    if instance.peak > 0.0 {
        demands.push(Demand { price: instance.peak, paid: instance.peak_paid, slots: Vec::new() });
    }
    let meter = Meter {
        parent: None,
        base: each(&|slot| base_kw(instance, slot)),
        // a limit that nothing can reach only blurs the numbers
        in_max: instance.cap.min(2.0 * highest + 1.0).into(),
        out_max: instance.exp.min(2.0 * highest + 1.0).into(),
        in_cost: each(&|slot| dt * prices.import[slot]),
        out_cost: each(&|slot| -dt * prices.export[slot]),
        in_curvature: 0.0,
        spill: help.clone(),
        shed: help,
        demands,
    };
    let storages = instance
        .evs
        .iter()
        .enumerate()
        .map(|(index, ev)| storage(instance, ev, exceptions.get(index).and_then(Option::as_ref)))
        .collect();
    Program { slots, storages, meters: vec![meter] }
}

fn storage(instance: &Instance, ev: &Ev, exceptions: Option<&Vec<Allowed>>) -> Storage {
    let slots = ev.d - ev.a;
    let bounds = |slot: usize| energy_bounds(ev, instance.dt, instance.eta, slot);
    let usual = ev.emin <= ev.e0 && ev.e0 <= ev.cap;
    let series = |usual_value: f64, of: &dyn Fn(usize) -> f64| {
        if usual { Profile::Flat(usual_value) } else { Profile::Slots((0..slots).map(of).collect()) }
    };
    let mut storage = Storage {
        start: ev.a,
        slots,
        meters: vec![(0, 1.0)],
        energy_start: ev.e0,
        charge_gain: instance.dt * instance.eta,
        discharge_loss: instance.dt / instance.eta,
        charge_min: 0.0.into(),
        charge_max: ev.pc.into(),
        discharge_max: ev.pd.into(),
        energy_min: series(ev.emin, &|slot| bounds(slot).0),
        energy_max: series(ev.cap, &|slot| bounds(slot).1),
        charge_cost: 0.0.into(),
        discharge_cost: (instance.dt * instance.wear).into(),
        energy_cost: 0.0.into(),
        power_curvature: instance.rho,
        energy_curvature: 0.0,
        floors: vec![Floor {
            slot: slots.saturating_sub(1),
            energy: ev.et,
            cost: instance.slack,
            curvature: 0.0,
        }],
    };
    for (slot, allowed) in exceptions.into_iter().flatten().enumerate() {
        match allowed {
            Allowed::Both => {}
            Allowed::Charge => storage.discharge_max.set(slot, slots, 0.0),
            Allowed::Discharge | Allowed::Pause => storage.charge_max.set(slot, slots, 0.0),
            Allowed::AtLeast => {
                storage.discharge_max.set(slot, slots, 0.0);
                storage.charge_min.set(slot, slots, instance.pmin.min(ev.pc));
            }
        }
    }
    storage
}
