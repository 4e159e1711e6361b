//! The section of a cell agrees with what the model says by other ways.
#![allow(missing_docs, clippy::unwrap_used)]

use voltwin_cell::{CellModel, ParticleSection, Ramp, SingleParticle, Surroundings, set};

/// Mean over a sphere, by the trapezoidal rule over many points.
fn mean(particle: &ParticleSection) -> f64 {
    let radius_m = particle.r_m[particle.r_m.len() - 1];
    let weigh = |i: usize| particle.concentration_mol_m3[i] * (particle.r_m[i] / radius_m).powi(2);
    let strip =
        |i: usize| 0.5 * (weigh(i - 1) + weigh(i)) * (particle.r_m[i] - particle.r_m[i - 1]) / radius_m;
    3.0 * (1..particle.r_m.len()).map(strip).sum::<f64>()
}

#[test]
fn a_section_holds_the_lithium_that_went_in() {
    // one set with constant diffusivity, and one whose depends on the lithium
    for name in ["Chen2020", "ORegan2022"] {
        let set = set::named(name).unwrap();
        let mut model = SingleParticle::spme(&set, Surroundings::Isothermal).unwrap();
        let mut state = model.rest(0.5, 298.15).unwrap();
        let before = model.section(&state, 0.0, 500);
        let current_a = 0.8 * set.cell.nominal_capacity_ah;
        let mut next = state.clone();
        for _ in 0..60 {
            model.advance(&state, &mut next, Ramp::constant(current_a), 10.0).unwrap();
            std::mem::swap(&mut state, &mut next);
        }
        let after = model.section(&state, current_a, 500);
        let volume_m3 = set.cell.area_m2 * set.negative.thickness_m * set.negative.active_fraction;
        let gained_mol = volume_m3 * (mean(&after.negative) - mean(&before.negative));
        let charged_mol = current_a * 600.0 / 96_485.332_12;
        assert!((gained_mol / charged_mol - 1.0).abs() < 2e-3, "{name}: {gained_mol} of {charged_mol} mol");
        let negative = &after.negative.concentration_mol_m3;
        assert!(negative[499] > negative[0], "{name}: charging fills it from the surface");
        let positive = &after.positive.concentration_mol_m3;
        assert!(positive[499] < positive[0], "{name}");
        // charging takes salt from the negative side
        let salt = &after.salt_mol_m3;
        assert!(salt[0] < salt[salt.len() - 1], "{name}");
        assert!(after.plating_margin_v < before.plating_margin_v, "{name}");
    }
}
