//! Plans that need no optimiser.

use std::cell::RefCell;

use crate::instance::Instance;
use crate::schedule::{Schedule, base_kw, make_safe};

/// Those with the least time to spare charge first, at full power, up to the import limit.
#[must_use]
pub fn least_laxity(instance: &Instance) -> Schedule {
    by_share(instance, |laxity, room, wants| {
        let mut order: Vec<usize> = (0..wants.len()).collect();
        order.sort_by(|a, b| laxity[*a].total_cmp(&laxity[*b]).then(a.cmp(b)));
        let mut left = room;
        let mut given = vec![0.0; wants.len()];
        for index in order {
            given[index] = wants[index].min(left);
            left -= given[index];
        }
        given
    })
}

/// Each gets the same part of the import limit, and what one does not need goes to the others.
#[must_use]
pub fn equal_share(instance: &Instance) -> Schedule {
    by_share(instance, |_, room, wants| water_fill(room, wants))
}

/// Splits `room` so that the least served get as much as there is.
#[must_use]
pub fn water_fill(room: f64, wants: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by(|a, b| wants[*a].total_cmp(&wants[*b]).then(a.cmp(b)));
    let mut given = vec![0.0; wants.len()];
    let mut left = room.max(0.0);
    for (place, index) in order.iter().enumerate() {
        let share = left / (order.len() - place) as f64;
        given[*index] = wants[*index].max(0.0).min(share);
        left -= given[*index];
    }
    given
}

/// Charges until the wanted energy is there; `split` shares what a slot has to give among wishes with their laxities.
fn by_share(instance: &Instance, split: impl Fn(&[f64], f64, &[f64]) -> Vec<f64>) -> Schedule {
    let gain = instance.dt * instance.eta;
    let energy: RefCell<Vec<f64>> = RefCell::new(instance.evs.iter().map(|ev| ev.e0).collect());
    let decided: RefCell<(Option<usize>, Vec<f64>)> = RefCell::new((None, vec![0.0; instance.evs.len()]));
    make_safe(instance, |index, slot| {
        let mut decided = decided.borrow_mut();
        if decided.0 != Some(slot) {
            let mut energy = energy.borrow_mut();
            let count = instance.evs.len();
            let mut wants = vec![0.0; count];
            let mut laxity = vec![f64::INFINITY; count];
            for (index, ev) in instance.evs.iter().enumerate() {
                if slot >= ev.a && slot < ev.d {
                    let lacks = (ev.et.min(ev.cap) - energy[index]).max(0.0);
                    wants[index] = ev.pc.min(lacks / gain);
                    laxity[index] =
                        (ev.d - slot) as f64 - if ev.pc > 0.0 { lacks / (gain * ev.pc) } else { 0.0 };
                }
            }
            let given = split(&laxity, (instance.cap - base_kw(instance, slot)).max(0.0), &wants);
            for (energy, power) in energy.iter_mut().zip(&given) {
                *energy += gain * power;
            }
            *decided = (Some(slot), given);
        }
        (decided.1[index], 0.0)
    })
}
