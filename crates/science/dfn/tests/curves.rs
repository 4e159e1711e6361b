//! Against curves of the same equations on refined meshes (x 20/12/20; 100 volumes per particle, or 64 graded ones for
//! pulses), solved by a public package at tolerances of 1e-6.
//!
//! Tolerances: 2 mV rms, 12 mV at most, 0.1 % of the end time, 0.15 K. Most of what is left is the curves' own: their
//! voltage misses the ohmic drop over half a volume at the positive collector, 0.5 mV per C for Chen2020, which shrinks
//! when their mesh is refined.

mod support;

use support::{Case, judge};

#[test]
fn constant_current() {
    for (set, ends) in
        [("Chen2020", ["dis0.2C", "dis1C", "dis2C"]), ("Prada2013", ["dis0.2C", "dis1C", "dis2C"])]
    {
        for name in ends {
            judge(&Case { set, name, ..Case::default() }, 2.0, 12.0);
        }
    }
}

#[test]
fn charge_with_a_hold() {
    for set in ["Chen2020", "Prada2013"] {
        judge(&Case { set, name: "cccv0.5C", soc: 0.05, ..Case::default() }, 2.0, 12.0);
    }
}

#[test]
fn pulses() {
    for set in ["Chen2020", "Prada2013"] {
        judge(&Case { set, name: "hppc", soc: 0.85, ..Case::default() }, 2.0, 12.0);
    }
}

#[test]
fn a_drive_profile() {
    for set in ["Chen2020", "Prada2013"] {
        judge(&Case { set, name: "profileA", soc: 0.8, ..Case::default() }, 2.0, 12.0);
    }
}

#[test]
fn one_temperature_that_moves() {
    for name in ["dis1C_lumped_T25", "dis2C_lumped_T25"] {
        judge(&Case { name, lumped_w_m2_k: Some(10.0), ..Case::default() }, 2.0, 12.0);
    }
}
