//! What each vehicle does when, its cost, and the way from any wish to something that no limit forbids.

use serde::Serialize;

use crate::instance::{Ev, Instance};

/// What one vehicle does, over all slots of the instance.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct EvSchedule {
    /// Charging power, kW.
    pub charge_kw: Vec<f64>,
    /// Discharging power, positive, kW.
    pub discharge_kw: Vec<f64>,
    /// Energy at the end of each slot, kWh.
    pub energy_kwh: Vec<f64>,
    /// What lacks at departure, kWh.
    pub unmet_kwh: f64,
}

/// What a fleet does.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Schedule {
    /// Power from the grid in each slot, kW.
    pub import_kw: Vec<f64>,
    /// Power to the grid in each slot, positive, kW.
    pub export_kw: Vec<f64>,
    /// Highest import, kW.
    pub peak_kw: f64,
    /// Generation that must be cut to keep the export limit, kW.
    pub curtailed_kw: Vec<f64>,
    /// Load beside the fleet that no plan can bring below the import limit, kW.
    pub overload_kw: Vec<f64>,
    /// By vehicle, in the order of the instance.
    pub evs: Vec<EvSchedule>,
}

/// Prices of an instance without holes.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// Cost of an imported kWh, with fee.
    pub import: Vec<f64>,
    /// Pay for an exported kWh.
    pub export: Vec<f64>,
}

/// Bounds of the energy at the end of a slot of the stay, as far as a vehicle that came with too little or too much
/// can reach them.
#[must_use]
pub fn energy_bounds(ev: &Ev, dt_h: f64, eta: f64, stayed: usize) -> (f64, f64) {
    let steps = (stayed + 1) as f64;
    let reachable = ev.e0 + dt_h * eta * ev.pc * steps;
    let least = ev.e0 - dt_h / eta * ev.pd * steps;
    // strictly inside, so that there is room to plan in
    let lower = if ev.e0 < ev.emin { ev.emin.min(reachable - 1e-9 * reachable.abs()) } else { ev.emin };
    let upper = if ev.e0 > ev.cap { ev.cap.max(least + 1e-9 * least.abs()) } else { ev.cap };
    (lower.min(upper), upper)
}

/// Base load of a slot: load less generation, kW.
#[must_use]
pub fn base_kw(instance: &Instance, slot: usize) -> f64 {
    instance.load.get(slot).copied().unwrap_or(0.0) - instance.pv.get(slot).copied().unwrap_or(0.0)
}

/// Brings wishes within all limits, slot by slot: power and energy of vehicles, then import and export of the site.
///
/// What is wished beyond a limit is cut, in proportion where many share it. Charging and discharging at once becomes the
/// one of them that moves the same energy.
#[must_use]
pub fn make_safe(instance: &Instance, wish: impl Fn(usize, usize) -> (f64, f64)) -> Schedule {
    let slots = instance.slots();
    let count = instance.evs.len();
    let mut schedule = Schedule {
        import_kw: vec![0.0; slots],
        export_kw: vec![0.0; slots],
        peak_kw: instance.peak_paid,
        curtailed_kw: vec![0.0; slots],
        overload_kw: vec![0.0; slots],
        evs: instance
            .evs
            .iter()
            .map(|ev| EvSchedule {
                charge_kw: vec![0.0; slots],
                discharge_kw: vec![0.0; slots],
                energy_kwh: vec![ev.e0; slots],
                unmet_kwh: 0.0,
            })
            .collect(),
    };
    let (gain, loss) = (instance.dt * instance.eta, instance.dt / instance.eta);
    let mut energy: Vec<f64> = instance.evs.iter().map(|ev| ev.e0).collect();
    let mut present: Vec<(usize, f64, f64)> = Vec::with_capacity(count);
    for slot in 0..slots {
        present.clear();
        for (index, ev) in instance.evs.iter().enumerate() {
            if slot < ev.a || slot >= ev.d {
                continue;
            }
            let (charge, discharge) = wish(index, slot);
            let (charge, discharge) = net(charge.clamp(0.0, ev.pc), discharge.clamp(0.0, ev.pd), gain, loss);
            let (least, most) = energy_bounds(ev, instance.dt, instance.eta, slot - ev.a);
            let charge = charge.min(((most - energy[index]) / gain).max(0.0));
            let discharge = discharge.min(((energy[index] - least) / loss).max(0.0));
            present.push((index, charge, discharge));
        }
        keep_limits(instance, slot, &mut present, &mut schedule);
        for (index, charge, discharge) in &present {
            energy[*index] += gain * charge - loss * discharge;
            let ev = &mut schedule.evs[*index];
            ev.charge_kw[slot] = *charge;
            ev.discharge_kw[slot] = *discharge;
        }
        for (ev, energy) in schedule.evs.iter_mut().zip(&energy) {
            ev.energy_kwh[slot] = *energy;
        }
    }
    for (ev, (own, energy)) in schedule.evs.iter_mut().zip(instance.evs.iter().zip(&energy)) {
        ev.unmet_kwh = (own.et - energy).max(0.0);
    }
    schedule
}

/// One direction that moves the same energy as both.
fn net(charge: f64, discharge: f64, gain: f64, loss: f64) -> (f64, f64) {
    if charge == 0.0 || discharge == 0.0 {
        return (charge, discharge);
    }
    let moved = gain * charge - loss * discharge;
    if moved >= 0.0 { (moved / gain, 0.0) } else { (0.0, -moved / loss) }
}

fn keep_limits(instance: &Instance, slot: usize, present: &mut [(usize, f64, f64)], schedule: &mut Schedule) {
    let base = base_kw(instance, slot);
    let charging: f64 = present.iter().map(|(_, charge, _)| charge).sum();
    let discharging: f64 = present.iter().map(|(_, _, discharge)| discharge).sum();
    let mut flow = base + charging - discharging;
    if flow > instance.cap {
        let kept = ((charging - (flow - instance.cap)) / charging).clamp(0.0, 1.0);
        for (_, charge, _) in present.iter_mut() {
            *charge *= if charging > 0.0 { kept } else { 1.0 };
        }
    } else if flow < -instance.exp {
        let kept = ((discharging - (-instance.exp - flow)) / discharging).clamp(0.0, 1.0);
        for (_, _, discharge) in present.iter_mut() {
            *discharge *= if discharging > 0.0 { kept } else { 1.0 };
        }
    }
    flow = base + present.iter().map(|(_, charge, discharge)| charge - discharge).sum::<f64>();
    // what remains beyond a limit by more than rounding is not the fleet's doing
    let rounding = 1e-9 * (1.0 + instance.cap.max(instance.exp));
    schedule.overload_kw[slot] = above(flow - instance.cap, rounding);
    schedule.curtailed_kw[slot] = above(-instance.exp - flow, rounding);
    let flow = flow - schedule.overload_kw[slot] + schedule.curtailed_kw[slot];
    schedule.import_kw[slot] = flow.clamp(0.0, instance.cap);
    schedule.export_kw[slot] = (-flow).clamp(0.0, instance.exp);
    schedule.peak_kw = schedule.peak_kw.max(schedule.import_kw[slot]);
}

fn above(value: f64, rounding: f64) -> f64 {
    if value > rounding { value } else { 0.0 }
}

/// What a schedule costs.
#[must_use]
pub fn cost(instance: &Instance, prices: &Prices, schedule: &Schedule) -> f64 {
    let dt = instance.dt;
    let mut total = instance.peak * schedule.peak_kw;
    for slot in 0..instance.slots() {
        total += dt * prices.import[slot] * schedule.import_kw[slot];
        total -= dt * prices.export[slot] * schedule.export_kw[slot];
    }
    for ev in &schedule.evs {
        total += instance.wear * dt * ev.discharge_kw.iter().sum::<f64>() + instance.slack * ev.unmet_kwh;
        if instance.rho > 0.0 {
            let squares = |series: &[f64]| series.iter().map(|power| power * power).sum::<f64>();
            total += 0.5 * instance.rho * (squares(&ev.charge_kw) + squares(&ev.discharge_kw));
        }
    }
    total
}
