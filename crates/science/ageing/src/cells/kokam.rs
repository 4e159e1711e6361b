//! Kokam 75 Ah, NMC111: lithium loss by time and by charge moved, and loss of active material that takes over at the
//! knee. Smith et al., ACC 2017, constants of BLAST-Lite 1.1.1.
//!
//! Its published resistance part grows to 3 to 28 times within the reference decade and is left out.

use super::Rates;
use crate::{graphite::tabled_v, history::Stress, law::Law};

/// Sites for lithium of a new cell, relative to its lithium.
pub(super) const SPARE_SITES: f64 = 1.01;

pub(super) fn rates(stress: &Stress) -> Rates {
    let depth = stress.depth;
    let calendar = stress.mean(|node| {
        let temperature = node.temp_k / 308.15;
        let potential = tabled_v(node.soc) / 0.123;
        2.66e7 * ((-17.8 - 5.21 * potential) / temperature).exp()
    });
    let cycle = 3.80e3
        * stress.mean(|node| (-18.4 * 308.15 / node.temp_k).exp())
        * (1.04 * (depth * depth).exp()).exp();
    // full cycles to the middle of the collapse; deep cycles in the cold bring it near
    let collapse =
        1e4 + 153.0 * (stress.mean(|node| node.temp_k) - 273.15 - 55.0) * depth * (stress.mean_soc / 0.6);
    Rates {
        calendar: Law::Power { k: calendar, p: 0.357 },
        cycle: Law::Power { k: cycle, p: 0.778 },
        material: Law::Sigmoid { y_inf: 1.0, x0: collapse.max(1.0), p: 10.0 },
        ..Rates::default()
    }
}
