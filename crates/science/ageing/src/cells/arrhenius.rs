//! The form that most fits share: Arrhenius calendar part, cycle part linear in depth and current.

use super::Rates;
use crate::{graphite::tabled_v, history::Stress, law::Law};

/// `k_cal = a exp(b/T) exp(c x/T)`, days to the power `p_cal`;
/// `k_cyc = (d + e C + f depth)(exp(g/T) + exp(h/T))`, full cycles to the power `p_cyc`.
pub(super) struct Arrhenius {
    a: f64,
    b: f64,
    c: f64,
    /// `x` is the graphite potential instead of the state of charge.
    graphite: bool,
    p_cal: f64,
    d: f64,
    e: f64,
    f: f64,
    g: f64,
    h: f64,
    p_cyc: f64,
}

pub(super) const LFP_PRISMATIC: Arrhenius = Arrhenius {
    a: 8.37e4,
    b: -5.21e3,
    c: -3.56e3,
    graphite: true,
    p_cal: 0.526,
    d: 4.38e-8,
    e: 1.68e-7,
    f: 1.55e-8,
    g: 2.19e3,
    h: -1.55e5,
    p_cyc: 0.828,
};

/// The temperature terms of the cycle part are 1 to eleven digits: the experiments showed no dependence.
pub(super) const NCA_PANASONIC: Arrhenius = Arrhenius {
    a: 75.4,
    b: -3.34e3,
    c: 353.0,
    graphite: false,
    p_cal: 0.512,
    d: 1.86e-6,
    e: 4.74e-11,
    f: 1.77e-4,
    g: 3.34e-11,
    h: -2.81e-9,
    p_cyc: 0.699,
};

pub(super) const LG_MJ1: Arrhenius = Arrhenius {
    a: 0.0353,
    b: -1.03e3,
    c: 57.7,
    graphite: false,
    p_cal: 0.743,
    d: 1.77e-7,
    e: 8.08e-13,
    f: 2.21e-7,
    g: 2.25e3,
    h: -1.14e4,
    p_cyc: 0.695,
};

/// Cycle part without any dependence: `7.58e-5 N^1.08`, here as the constant term times `exp(0) + exp(-inf)`.
pub(super) const NISSAN_LEAF: Arrhenius = Arrhenius {
    a: 3.25e8,
    b: -7.58e3,
    c: 162.0,
    graphite: false,
    p_cal: 0.464,
    d: 7.58e-5,
    e: 0.0,
    f: 0.0,
    g: 0.0,
    h: f64::NEG_INFINITY,
    p_cyc: 1.08,
};

impl Arrhenius {
    pub(super) fn rates(&self, stress: &Stress, c_rate: f64) -> Rates {
        let calendar = stress.mean(|node| {
            let x = if self.graphite { tabled_v(node.soc) } else { node.soc };
            self.a * ((self.b + self.c * x) / node.temp_k).exp()
        });
        let thermal = stress.mean(|node| (self.g / node.temp_k).exp() + (self.h / node.temp_k).exp());
        let cycle = (self.d + self.e * c_rate + self.f * stress.depth) * thermal;
        Rates {
            calendar: Law::Power { k: calendar, p: self.p_cal },
            cycle: Law::Power { k: cycle, p: self.p_cyc },
            ..Rates::default()
        }
    }
}
