//! Cells of makers "A" and "B": fits over normalised temperature and graphite potential, J. Energy Storage 73 (2023)
//! 109042, constants of BLAST-Lite 1.1.1.

use super::Rates;
use crate::{
    graphite::tabled_v,
    history::{Node, Stress},
    law::Law,
};

/// Temperature relative to 35 degrees Celsius.
fn temperature(node: &Node) -> f64 {
    node.temp_k / 308.15
}

/// Graphite potential relative to that at half charge.
fn potential(node: &Node) -> f64 {
    tabled_v(node.soc) / 0.123
}

/// A power law whose abscissa is counted in `unit`s.
fn power(k: f64, p: f64, unit: f64) -> Law {
    Law::Power { k: k * unit.powf(-p), p }
}

pub(super) fn maker_a(stress: &Stress, c_rate: f64) -> Rates {
    let depth = stress.depth;
    let calendar =
        stress.mean(|node| 8.71e-7 * (10.0 * temperature(node).powi(3) / potential(node).cbrt()).exp());
    let cycle = stress.mean(|node| {
        let t = temperature(node);
        (0.0267 + 1.64 * t.powi(3) * depth.sqrt() + 0.011 * (c_rate * c_rate / t.sqrt()).exp()
            - 0.44 * (depth.sqrt() * t * t * c_rate.sqrt()).exp())
        .abs()
    });
    Rates { calendar: power(calendar, 0.578, 1e3), cycle: power(cycle, 1.11, 1e4), ..Rates::default() }
}

pub(super) fn maker_b_first(stress: &Stress, c_rate: f64) -> Rates {
    let depth = stress.depth;
    let calendar =
        stress.mean(|node| 36.2 * (-4.4 / temperature(node).powi(3) * potential(node).cbrt()).exp());
    let cycle =
        stress.mean(|node| 0.844 * (depth * depth * temperature(node).powi(3) * c_rate.sqrt()).powf(0.458));
    Rates { calendar: power(calendar, 0.708, 1e4), cycle: power(cycle, 0.467, 1e5), ..Rates::default() }
}

pub(super) fn maker_b_second(stress: &Stress, c_rate: f64) -> Rates {
    let depth = stress.depth;
    let calendar =
        stress.mean(|node| 12.0 * (-3.91 / temperature(node).powi(3) * potential(node).cbrt()).exp());
    let cycle = stress.mean(|node| {
        let t = temperature(node);
        let swing = depth * c_rate.sqrt();
        2.2e9
            * (swing / t.powi(3)).powf(11.9)
            * (-35.7 * swing / (t * t) + 13.7 * depth * depth * c_rate / t.powi(3)).exp()
    });
    Rates { calendar: power(calendar, 0.584, 1e4), cycle: power(cycle, 0.907, 1e4), ..Rates::default() }
}
