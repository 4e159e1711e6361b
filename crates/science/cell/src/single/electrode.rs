use crate::{
    CellError, HermiteTable,
    constants::{FARADAY_C_MOL, arrhenius},
    particle::Particle,
    set::{Electrode, Exchange, ParameterSet, asymptote, regularised_power},
};

/// Pieces of the tables of potentials: their error stays under 1 µV away from the walls.
const PIECES: usize = 2048;
/// Stoichiometries of a potential's table; beyond, the walls rule.
const RANGE: (f64, f64) = (0.0, 1.0);

/// One electrode, ready to be stepped.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    pub(super) particle: Particle,
    ocp: HermiteTable,
    entropic: Option<HermiteTable>,
    exchange: Exchange,
    diffusivity: crate::set::Diffusivity,
    reference_k: f64,
    /// Flux over the maximum concentration, m/s, of 1 A/m² of the cell that is drawn from the electrode.
    pub(super) flux_per_a_m2: f64,
    /// Interfacial current density over that of the cell, of the same sign as the flux.
    interface: f64,
    /// `L / (3 σ)` at 298.15 K, Ω m², and the activation energy of `σ`.
    solid_ohm_m2: f64,
    solid_activation_j_mol: f64,
}

/// What of an electrode depends on temperature alone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Warm {
    pub(super) diffusion: f64,
    exchange: f64,
    pub(super) solid_ohm_m2: f64,
}

/// Potential and its change with temperature at the surface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Potential {
    pub(super) ocp_v: f64,
    pub(super) entropic_v_k: f64,
}

impl Kernel {
    /// `sign` is 1 for the electrode that gives its lithium away in discharge, -1 for the other.
    pub(super) fn new(
        set: &ParameterSet,
        electrode: &Electrode,
        sign: f64,
        (modes, volumes): (usize, usize),
    ) -> Result<Self, CellError> {
        let edge = |x: f64| x.clamp(1e-10, 1.0 - 1e-10);
        let ocp = HermiteTable::sample(RANGE, PIECES, |x| electrode.ocp_v.value_and_slope(edge(x)))?;
        let entropic = if electrode.entropic_v_k.is_constant() && electrode.entropic_v_k.value(0.5) == 0.0 {
            None
        } else {
            let sample = |x| electrode.entropic_v_k.value_and_slope(edge(x));
            Some(HermiteTable::sample(RANGE, PIECES, sample)?)
        };
        let surface_m = electrode.surface_per_volume_m() * electrode.thickness_m;
        Ok(Self {
            particle: Particle::of(electrode, modes, volumes)?,
            ocp,
            entropic,
            exchange: electrode.exchange.clone(),
            diffusivity: electrode.diffusivity.clone(),
            reference_k: set.cell.reference_temperature_k,
            flux_per_a_m2: sign / (FARADAY_C_MOL * surface_m * electrode.concentration_max_mol_m3),
            interface: sign / surface_m,
            solid_ohm_m2: electrode.thickness_m / (3.0 * electrode.effective_conductivity_s_m(298.15)),
            solid_activation_j_mol: electrode.conductivity_activation_j_mol,
        })
    }

    pub(super) fn warm(&self, temperature_k: f64) -> Warm {
        let exchange = &self.exchange;
        let solid = arrhenius(self.solid_activation_j_mol, 298.15, temperature_k);
        Warm {
            diffusion: self.diffusivity.warmth(temperature_k),
            exchange: arrhenius(exchange.activation_j_mol, exchange.reference_k, temperature_k),
            solid_ohm_m2: self.solid_ohm_m2 / solid,
        }
    }

    /// Potential at a surface stoichiometry.
    #[inline]
    pub(super) fn potential(&self, x: f64, temperature_k: f64) -> Potential {
        let inside = x.clamp(0.0, 1.0);
        let entropic_v_k = self.entropic.as_ref().map_or(0.0, |table| table.value(inside));
        let warmer = temperature_k - self.reference_k;
        Potential { ocp_v: self.ocp.value(inside) + warmer * entropic_v_k + asymptote(x).0, entropic_v_k }
    }

    /// `asinh` of the interfacial current over twice the exchange current, with the salt at rest or the mean over the
    /// salt of `nodes`.
    #[inline]
    pub(super) fn asinh(&self, x: f64, drawn_a_m2: f64, warm: &Warm, nodes: Option<&[f64]>) -> f64 {
        let exchange = &self.exchange;
        let x = x.clamp(0.0, 1.0);
        let full = exchange.i_ref_a_m2
            * warm.exchange
            * regularised_power(x, exchange.alpha)
            * regularised_power(1.0 - x, 1.0 - exchange.alpha);
        let drawn = self.interface * drawn_a_m2;
        // a bare surface has no exchange; the voltage is then out of all limits, but finite
        let ratio = 0.5 * drawn.abs() / full.max(1e-30);
        let factor = |z: f64| z + (z * z + 1.0).sqrt();
        let value = match nodes {
            None => factor(ratio).ln(),
            Some(nodes) => {
                // the mean of logarithms is one logarithm of a product
                let scale = 1.0 / exchange.concentration_ref_mol_m3;
                let mut sum = 0.0;
                for chunk in nodes.chunks(8) {
                    let mut product = 1.0;
                    for c in chunk {
                        let salt = regularised_power((c * scale).max(1e-12), 1.0 - exchange.alpha);
                        product *= factor(ratio / salt);
                    }
                    sum += product.ln();
                }
                sum / nodes.len() as f64
            }
        };
        if drawn < 0.0 { -value } else { value }
    }

    /// The salt at rest counts in [`Kernel::asinh`] without nodes only when it is the reference concentration.
    pub(super) fn rest_nodes(&self, concentration_mol_m3: f64) -> Option<[f64; 1]> {
        (concentration_mol_m3 != self.exchange.concentration_ref_mol_m3).then_some([concentration_mol_m3])
    }
}
