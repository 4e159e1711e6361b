//! What the equations need to know of a cell, in SI units, with slopes for the Jacobian.

use voltwin_cell::{
    HermiteTable, ParameterSet,
    set::{CONCENTRATION_MIN_MOL_M3, TransportAt, asymptote, regularised_power},
};

use crate::DfnError;

pub(crate) use voltwin_cell::constants::{FARADAY_C_MOL as FARADAY, GAS_J_MOL_K as GAS, arrhenius};

/// A value and its slope.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sloped {
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

/// Transport in the free electrolyte at one concentration and temperature; slopes over mol/m3.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Transport {
    /// m2/s.
    pub(crate) diffusivity: Sloped,
    /// S/m.
    pub(crate) conductivity: Sloped,
    /// (1 - t+) times the thermodynamic factor.
    pub(crate) chi: Sloped,
    /// t+ of the cation.
    pub(crate) transference: Sloped,
}

/// Exchange current density and the slopes of its logarithm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    /// A/m2.
    pub(crate) current: f64,
    /// d ln i0 / d c_e, m3/mol.
    pub(crate) by_electrolyte: f64,
    /// d ln i0 / d x.
    pub(crate) by_stoichiometry: f64,
}

/// One porous layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) thickness_m: f64,
    pub(crate) porosity: f64,
    /// Effective over free transport in the pores (Bruggeman).
    pub(crate) efficiency: f64,
}

/// One electrode.
#[derive(Debug, Clone)]
pub(crate) struct Electrode {
    /// Particle surface per volume, 1/m.
    pub(crate) area_per_volume: f64,
    pub(crate) radius_m: f64,
    /// mol/m3.
    pub(crate) max_concentration: f64,
    /// V over stoichiometry at the reference temperature, without the wall at its ends.
    ocp: HermiteTable,
    /// V/K over stoichiometry, if not nil.
    entropic: Option<HermiteTable>,
    /// Exponent of the stoichiometry in the exchange current.
    alpha: f64,
    /// mol/m3.
    exchange_concentration: f64,
}

/// The cell.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    pub(crate) set: ParameterSet,
    /// Negative electrode, separator, positive electrode.
    pub(crate) layers: [Layer; 3],
    pub(crate) electrodes: [Electrode; 2],
    pub(crate) area_m2: f64,
    /// mol/m3 at rest.
    pub(crate) electrolyte: f64,
}

/// What depends on temperature alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Climate {
    pub(crate) temp_k: f64,
    /// 2 R T / F, V.
    pub(crate) thermal_v: f64,
    diffusivity: TransportAt,
    conductivity: TransportAt,
    transference: [f64; 4],
    thermodynamic: [f64; 4],
    /// A/m2.
    exchange: [f64; 2],
    /// Factor of the solid diffusivity against its curve.
    pub(crate) solid_diffusion: [f64; 2],
    /// Of the porous solid, S/m.
    pub(crate) solid_conductivity: [f64; 2],
}

/// Pieces of the tables over stoichiometry: an exponential that decays within a 150th is met to 1e-8 V.
const PIECES: usize = 2048;

impl Material {
    pub(crate) fn new(set: &ParameterSet) -> Result<Self, DfnError> {
        set.validate()?;
        let sides = [&set.negative, &set.positive];
        let layer = |electrode: &voltwin_cell::set::Electrode| Layer {
            thickness_m: electrode.thickness_m,
            porosity: electrode.porosity,
            efficiency: electrode.transport_efficiency(),
        };
        let separator = Layer {
            thickness_m: set.separator.thickness_m,
            porosity: set.separator.porosity,
            efficiency: set.separator.transport_efficiency(),
        };
        let electrode = |side: &voltwin_cell::set::Electrode| -> Result<Electrode, DfnError> {
            let table = |curve: &voltwin_cell::set::Curve| {
                HermiteTable::sample((0.0, 1.0), PIECES, |x| {
                    curve.value_and_slope(x.clamp(1e-10, 1.0 - 1e-10))
                })
            };
            let flat = side.entropic_v_k.is_constant() && side.entropic_v_k.value(0.5) == 0.0;
            Ok(Electrode {
                area_per_volume: side.surface_per_volume_m(),
                radius_m: side.particle_radius_m,
                max_concentration: side.concentration_max_mol_m3,
                ocp: table(&side.ocp_v)?,
                entropic: if flat { None } else { Some(table(&side.entropic_v_k)?) },
                alpha: side.exchange.alpha,
                exchange_concentration: side.exchange.concentration_ref_mol_m3,
            })
        };
        Ok(Self {
            layers: [layer(sides[0]), separator, layer(sides[1])],
            electrodes: [electrode(sides[0])?, electrode(sides[1])?],
            area_m2: set.cell.area_m2,
            electrolyte: set.electrolyte.concentration_mol_m3,
            set: set.clone(),
        })
    }

    pub(crate) fn side(&self, side: usize) -> &voltwin_cell::set::Electrode {
        if side == 0 { &self.set.negative } else { &self.set.positive }
    }

    pub(crate) fn climate(&self, temp_k: f64) -> Climate {
        let electrolyte = &self.set.electrolyte;
        let of = |side: usize| {
            let electrode = self.side(side);
            let kinetics = &electrode.exchange;
            let exchange =
                kinetics.i_ref_a_m2 * arrhenius(kinetics.activation_j_mol, kinetics.reference_k, temp_k);
            // the solid between the pores leads, whether it takes up lithium or not
            let conductivity = electrode.conductivity_s_m
                * arrhenius(electrode.conductivity_activation_j_mol, 298.15, temp_k)
                * (1.0 - electrode.porosity).powf(electrode.bruggeman_electrode);
            (exchange, electrode.diffusivity.warmth(temp_k), conductivity)
        };
        let (negative, positive) = (of(0), of(1));
        Climate {
            temp_k,
            thermal_v: 2.0 * GAS * temp_k / FARADAY,
            diffusivity: electrolyte.diffusivity.at(temp_k),
            conductivity: electrolyte.conductivity.at(temp_k),
            transference: electrolyte.transference.at(temp_k),
            thermodynamic: electrolyte.thermodynamic_factor.at(temp_k),
            exchange: [negative.0, positive.0],
            solid_diffusion: [negative.1, positive.1],
            solid_conductivity: [negative.2, positive.2],
        }
    }
}

impl Electrode {
    /// Open-circuit potential at stoichiometry `x` and its slope, V; and the entropic coefficient, V/K.
    pub(crate) fn potential(&self, x: f64, warmth_k: f64) -> (f64, f64, f64) {
        let (ocp, slope) = self.ocp.value_and_slope(x);
        let (wall, wall_slope) = asymptote(x);
        let (entropic, entropic_slope) =
            self.entropic.as_ref().map_or((0.0, 0.0), |table| table.value_and_slope(x));
        (ocp + warmth_k * entropic + wall, slope + warmth_k * entropic_slope + wall_slope, entropic)
    }
}

impl Climate {
    /// Electrolyte at concentration `c`, mol/m3.
    pub(crate) fn transport(&self, c: f64) -> Transport {
        let transference = cubic(&self.transference, c);
        let thermodynamic = cubic(&self.thermodynamic, c);
        let anion = 1.0 - transference.value;
        Transport {
            diffusivity: law(&self.diffusivity, c),
            conductivity: law(&self.conductivity, c),
            chi: Sloped {
                value: anion * thermodynamic.value,
                slope: anion * thermodynamic.slope - transference.slope * thermodynamic.value,
            },
            transference,
        }
    }

    /// Kinetics of one side at surface stoichiometry `x`.
    pub(crate) fn exchange(&self, side: usize, electrode: &Electrode, c: f64, x: f64) -> Exchange {
        let share = c.max(0.0) / electrode.exchange_concentration;
        let (salt, by_share) = power(share, 1.0 - electrode.alpha);
        let (full, by_x) = power(x, electrode.alpha);
        let (empty, by_empty) = power(1.0 - x, 1.0 - electrode.alpha);
        Exchange {
            current: self.exchange[side] * salt * full * empty,
            by_electrolyte: by_share / electrode.exchange_concentration,
            by_stoichiometry: by_x - by_empty,
        }
    }
}

/// [`regularised_power`] and the slope of its logarithm.
fn power(x: f64, a: f64) -> (f64, f64) {
    let value = regularised_power(x, a);
    (value, 1.0 / x + (a - 1.0) * x / (x * x + 1e-6))
}

/// A cubic in mol/l.
fn cubic([a, b, c, d]: &[f64; 4], concentration: f64) -> Sloped {
    let m = concentration * 1e-3;
    Sloped { value: a + m * (b + m * (c + m * d)), slope: 1e-3 * (b + m * (2.0 * c + m * 3.0 * d)) }
}

/// Value and slope of a law of transport; the forms are those of [`TransportAt`].
fn law(law: &TransportAt, concentration: f64) -> Sloped {
    let value = law.value(concentration);
    if concentration <= CONCENTRATION_MIN_MOL_M3 {
        return Sloped { value, slope: 0.0 };
    }
    let m = concentration * 1e-3;
    let by_m = match law {
        TransportAt::Powers { whole: [_, b, c, d, e], half: [p, q, r, s] } => {
            let smooth = b + m * (2.0 * c + m * (3.0 * d + m * 4.0 * e));
            if [p, q, r, s].iter().all(|h| **h == 0.0) {
                smooth
            } else {
                let root = m.sqrt();
                smooth + 0.5 * p / root + root * (1.5 * q + m * (2.5 * r + m * 3.5 * s))
            }
        }
        TransportAt::Exponential { b, .. } => b * value,
        TransportAt::Ratio { a, b, c } => {
            let m3 = m * m * m;
            let below = 1.0 + c * m3 * m;
            (a * (1.0 + 1.5 * b[0] * m.sqrt() + 2.0 * b[1] * m) - value * 4.0 * c * m3) / below
        }
        TransportAt::Square { roots: [r0, r1, r2] } => {
            let root = r0 + m * (r1 + m * r2);
            0.1 * root * (root + 2.0 * m * (r1 + 2.0 * m * r2))
        }
        TransportAt::ValoenDiffusivity { t } => {
            let room = t - 229.0 - 5.0 * m;
            value * std::f64::consts::LN_10 * (-270.0 / (room * room) - 0.22)
        }
    };
    Sloped { value, slope: 1e-3 * by_m }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every law of every set that is shipped, against central differences.
    #[test]
    fn the_slopes_of_transport_and_kinetics_are_slopes() {
        for name in voltwin_cell::set::names() {
            let set = voltwin_cell::set::named(name).expect("a set of the library");
            let material = Material::new(&set).expect("a set of the library");
            for temp_k in [268.15, 298.15, 318.15] {
                let climate = material.climate(temp_k);
                for c in [120.0, 700.0, 1000.0, 1900.0] {
                    let step = 1e-3 * c;
                    let (low, here, high) =
                        (climate.transport(c - step), climate.transport(c), climate.transport(c + step));
                    for pick in [
                        |t: &Transport| t.diffusivity,
                        |t: &Transport| t.conductivity,
                        |t: &Transport| t.chi,
                        |t: &Transport| t.transference,
                    ] {
                        let slope = (pick(&high).value - pick(&low).value) / (2.0 * step);
                        let size = pick(&here).value.abs() / c;
                        assert!(
                            (slope - pick(&here).slope).abs() < 1e-4 * size.max(slope.abs()),
                            "{name} at {c}"
                        );
                    }
                    for side in 0..2 {
                        let electrode = &material.electrodes[side];
                        for x in [0.01, 0.3, 0.9] {
                            let at = |c: f64, x: f64| climate.exchange(side, electrode, c, x).current.ln();
                            let have = climate.exchange(side, electrode, c, x);
                            let by_c = (at(c + step, x) - at(c - step, x)) / (2.0 * step);
                            let by_x = (at(c, x + 1e-5) - at(c, x - 1e-5)) / 2e-5;
                            assert!((by_c - have.by_electrolyte).abs() < 1e-4 * by_c.abs());
                            assert!((by_x - have.by_stoichiometry).abs() < 1e-4 * (by_x.abs() + 1.0));
                        }
                    }
                }
            }
        }
    }
}
