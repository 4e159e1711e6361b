//! A vehicle charges at 6 A or more, or not at all (IEC 61851-1): rounding with what is left carried on.

use crate::build::{Allowed, Exceptions};
use crate::instance::Instance;
use crate::schedule::{Schedule, base_kw, energy_bounds};

/// Says for each vehicle and slot whether it charges at the least power or above, or pauses.
///
/// What a vehicle did not get in a slot is carried to the next; half of the least power is enough to go on. Those with the
/// most carried go first, and none where `limit_kw` of import has no room for its least power.
pub(crate) fn round(instance: &Instance, schedule: &Schedule, limit_kw: f64) -> Exceptions {
    let slots = instance.slots();
    let gain = instance.dt * instance.eta;
    let loss = instance.dt / instance.eta;
    let mut carried = vec![0.0; instance.evs.len()];
    let mut energy: Vec<f64> = instance.evs.iter().map(|ev| ev.e0).collect();
    let mut exceptions: Exceptions = instance
        .evs
        .iter()
        .map(|ev| (instance.pmin > 0.0).then(|| vec![Allowed::Pause; ev.d - ev.a]))
        .collect();
    for slot in 0..slots {
        let present = |index: usize| instance.evs[index].a <= slot && slot < instance.evs[index].d;
        let mut order: Vec<usize> = (0..instance.evs.len()).filter(|index| present(*index)).collect();
        let wanted = |index: usize, carried: &[f64]| schedule.evs[index].charge_kw[slot] + carried[index];
        order.sort_by(|a, b| wanted(*b, &carried).total_cmp(&wanted(*a, &carried)).then(a.cmp(b)));
        let mut room = limit_kw - base_kw(instance, slot);
        room += order.iter().map(|index| schedule.evs[*index].discharge_kw[slot]).sum::<f64>();
        for index in order {
            let ev = &instance.evs[index];
            let want = wanted(index, &carried);
            let least = instance.pmin.min(ev.pc);
            let (_, full) = energy_bounds(ev, instance.dt, instance.eta, slot - ev.a);
            let fits = least <= room + 1e-9 && energy[index] + gain * least <= full + 1e-9;
            let discharging = schedule.evs[index].discharge_kw[slot];
            let goes = discharging <= 0.0 && want >= 0.5 * least && want > 1e-6 && fits && least > 0.0;
            let power = if goes { want.clamp(least, ev.pc).min(room.max(least)) } else { 0.0 };
            if goes && let Some(own) = &mut exceptions[index] {
                own[slot - ev.a] = Allowed::AtLeast;
            }
            carried[index] = want - power;
            energy[index] += gain * power - loss * discharging;
            room -= power;
        }
    }
    exceptions
}
