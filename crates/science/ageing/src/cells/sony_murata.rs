//! Sony-Murata 3 Ah, LFP, as symbolic regression found it in Naumann's experiments: Gasper et al., J. Electrochem.
//! Soc. 169 (2022) 080518, constants of BLAST-Lite 1.1.1. Resistance after Naumann.

use super::{Rates, naumann};
use crate::{graphite::tabled_v, history::Stress, law::Law};

/// Full cycles a day from which the break-in of hard laboratory cycling shows.
const BREAK_IN_CYCLES_PER_DAY: f64 = 3.0;

pub(super) fn rates(stress: &Stress, c_rate: f64, capacity: f64) -> Rates {
    let (mut limit, mut shape) = (0.0, 0.0);
    for node in &stress.nodes {
        let (t, u) = (node.temp_k, tabled_v(node.soc));
        let root = u.sqrt();
        let (cube, fourth) = (u.cbrt(), root.sqrt());
        limit += node.share
            * 0.989_687_151_293_590
            * ((-2_881_067.560_193_24 / t + 8_742.063_091_572_61) / t * root).exp();
        shape += node.share
            * 0.000_332_850_281_062_177
            * (cube * (734_553_185_711.369 / t - 3_284_991_315.451_21) / (t * t * t)
                + fourth * t * t * (-2.821_615_756_207_80e-6 * t + 0.001_272_275_936_572_90))
                .exp();
    }
    let depth = stress.depth;
    let cycle = (-6.812_605_793_728_75e-6
        + 2.596_159_731_608_44e-5 * depth
        + 2.115_597_103_072_95e-6 * (depth * depth * c_rate.powi(3)).exp())
    .abs();
    let (resistance_calendar, resistance_cycle) = naumann::resistance(stress, c_rate);
    let p_cycle = 1.128_477_593_343_55;
    Rates {
        calendar: Law::Sigmoid { y_inf: limit, x0: 1.0 / 0.000_130_510_034_211_874, p: shape },
        cycle: Law::Power { k: cycle.powf(p_cycle), p: p_cycle },
        break_in: break_in(stress, capacity),
        resistance_calendar,
        resistance_cycle,
        ..Rates::default()
    }
}

fn break_in(stress: &Stress, capacity: f64) -> Law {
    if stress.full_cycles * capacity <= BREAK_IN_CYCLES_PER_DAY * stress.duration_days {
        return Law::none();
    }
    let depth = stress.depth;
    let limit = 0.582_258_029_148_225
        * stress.mean(|node| skewed_normal(node.soc, 0.058_312_890_696_548_4, 0.208_738_181_522_897))
        * skewed_normal(depth, -3.807_443_331_295_64, 1.161_262_604_282_1)
        * (25.413_080_459_860_2 * depth / 2.0).tanh();
    Law::Sigmoid { y_inf: limit.abs(), x0: 1.0 / 0.003_035_538_716_310_28, p: 1.437_521_629_479_37 }
}

/// Density of the skewed normal distribution around 0.5, of unit width scale.
fn skewed_normal(x: f64, skew: f64, width: f64) -> f64 {
    let z = (x - 0.5) / width;
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    density * (1.0 + error_function(skew * z / std::f64::consts::SQRT_2))
}

/// Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
fn error_function(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    (1.0 - poly * (-x * x).exp()).copysign(x)
}
