//! Why a plan is as it is: what binds, what a little more room would be worth, why energy lacks.

use serde::Serialize;
use voltwin_optimise::Solution;

use crate::instance::{Ev, Instance};
use crate::schedule::{Prices, Schedule, energy_bounds};

/// Reasons in words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reasons {
    /// What binds at the site, and what is odd about the input.
    pub notes: Vec<String>,
    /// Why vehicles lack energy or do what they do: index of the vehicle and the reason.
    pub vehicles: Vec<(usize, String)>,
}

const NEAR: f64 = 1e-6;

pub(crate) fn explain(
    instance: &Instance,
    prices: &Prices,
    schedule: &Schedule,
    solution: Option<&Solution>,
) -> Reasons {
    let mut reasons = Reasons::default();
    site(instance, schedule, solution, &mut reasons.notes);
    let negative: Vec<usize> =
        prices.import.iter().enumerate().filter(|(_, price)| **price < 0.0).map(|(slot, _)| slot).collect();
    if !negative.is_empty() {
        reasons.notes.push(format!(
            "imported energy is paid for in slots {}: no vehicle charges and discharges at once to burn it",
            ranges(&negative)
        ));
    }
    for (index, ev) in instance.evs.iter().enumerate() {
        if let Some(why) = vehicle(instance, ev, index, schedule, solution) {
            reasons.vehicles.push((index, why));
        }
    }
    reasons
}

fn site(instance: &Instance, schedule: &Schedule, solution: Option<&Solution>, notes: &mut Vec<String>) {
    let at = |of: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (0..instance.slots()).filter(|slot| of(*slot)).collect()
    };
    let binding = at(&|slot| schedule.import_kw[slot] > instance.cap - NEAR * (1.0 + instance.cap));
    if !binding.is_empty() {
        let worth = solution.and_then(|solution| solution.meters.first()).map(|flow| {
            binding.iter().map(|slot| flow.in_max_value.get(*slot).copied().unwrap_or(0.0)).sum::<f64>()
        });
        let worth = worth.map_or(String::new(), |worth| format!(": one kW more would save {worth:.4}"));
        notes.push(format!(
            "the import limit of {} kW binds in slots {}{worth}",
            instance.cap,
            ranges(&binding)
        ));
    }
    let binding = at(&|slot| {
        instance.exp > 0.0 && schedule.export_kw[slot] > instance.exp - NEAR * (1.0 + instance.exp)
    });
    if !binding.is_empty() {
        notes.push(format!("the export limit of {} kW binds in slots {}", instance.exp, ranges(&binding)));
    }
    if instance.peak > 0.0 && schedule.peak_kw > 0.0 {
        let top = at(&|slot| schedule.import_kw[slot] > schedule.peak_kw * (1.0 - NEAR));
        notes.push(if top.is_empty() {
            format!("the highest import stays at {:.3} kW, which is paid for already", schedule.peak_kw)
        } else {
            format!("the highest import of {:.3} kW is reached in slots {}", schedule.peak_kw, ranges(&top))
        });
    }
    let over = at(&|slot| schedule.overload_kw[slot] > 0.0);
    if !over.is_empty() {
        let most = schedule.overload_kw.iter().copied().fold(0.0, f64::max);
        notes.push(format!(
            "load beside the fleet alone is above `cap` in slots {}, by up to {most:.3} kW: no plan can help",
            ranges(&over)
        ));
    }
    let cut = at(&|slot| schedule.curtailed_kw[slot] > 0.0);
    if !cut.is_empty() {
        let most = schedule.curtailed_kw.iter().copied().fold(0.0, f64::max);
        notes.push(format!(
            "generation must be cut to keep `exp` in slots {}, by up to {most:.3} kW",
            ranges(&cut)
        ));
    }
}

fn vehicle(
    instance: &Instance,
    ev: &Ev,
    index: usize,
    schedule: &Schedule,
    solution: Option<&Solution>,
) -> Option<String> {
    let own = &schedule.evs[index];
    if own.unmet_kwh > 1e-6 {
        let stay = ev.d - ev.a;
        let most = ev.e0 + instance.dt * instance.eta * ev.pc * stay as f64;
        let reachable = if stay == 0 {
            ev.e0
        } else {
            most.min(energy_bounds(ev, instance.dt, instance.eta, stay - 1).1)
        };
        let lacks = own.unmet_kwh;
        if ev.et > ev.cap + NEAR {
            return Some(format!(
                "lacks {lacks:.3} kWh: `et` {:.3} is more than its capacity of {:.3} kWh",
                ev.et, ev.cap
            ));
        }
        if reachable < ev.et - NEAR {
            return Some(format!(
                "lacks {lacks:.3} kWh: at {} kW its stay of {stay} slots brings it to {reachable:.3} of {:.3} kWh",
                ev.pc, ev.et
            ));
        }
        let binds = (ev.a..ev.d)
            .filter(|slot| schedule.import_kw[*slot] > instance.cap - NEAR * (1.0 + instance.cap))
            .count();
        if binds > 0 {
            return Some(format!(
                "lacks {lacks:.3} kWh: the import limit binds in {binds} of the {stay} slots of its stay"
            ));
        }
        return Some(format!(
            "lacks {lacks:.3} kWh: to charge it would cost more than {} a kWh, which is what `slack` allows",
            instance.slack
        ));
    }
    if ev.e0 < ev.emin {
        return Some(format!("came with {:.3} kWh, below `emin` of {:.3} kWh", ev.e0, ev.emin));
    }
    if ev.e0 > ev.cap {
        return Some(format!("came with {:.3} kWh, above its capacity of {:.3} kWh", ev.e0, ev.cap));
    }
    let discharged: f64 = own.discharge_kw.iter().sum::<f64>() * instance.dt;
    if discharged > 0.01 {
        let value = solution?.storages.get(index)?.energy_value.first()?;
        return Some(format!(
            "gives back {discharged:.2} kWh where a kWh earns more than the {value:.4} it is worth in the battery and the wear of {}",
            instance.wear
        ));
    }
    None
}

/// Slots as ranges: `3-5, 9`.
pub(crate) fn ranges(slots: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for slot in slots {
        match parts.last_mut() {
            Some((_, end)) if *end + 1 == *slot => *end = *slot,
            _ => parts.push((*slot, *slot)),
        }
    }
    let shown =
        parts.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") });
    shown.collect::<Vec<_>>().join(", ")
}
