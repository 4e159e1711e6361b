//! Transport laws of the electrolyte, functions of salt concentration and temperature.

use serde::{Deserialize, Serialize};

use crate::constants::arrhenius;

/// Below this the laws are held: they are fits that end near 100 mol/m³.
pub const CONCENTRATION_MIN_MOL_M3: f64 = 10.0;

/// A salt diffusivity (m²/s) or an ionic conductivity (S/m). `m` is the concentration in mol/l.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "law", rename_all = "snake_case", deny_unknown_fields)]
pub enum TransportLaw {
    /// `Arrhenius(E) Σ a m^p exp(-θ/T)`; each term is `[a, p, θ in K]`. Powers are multiples of ½ from 0 to 4.
    PowerSum {
        /// `[a, p, θ]`.
        terms: Vec<[f64; 3]>,
        /// `E` in J/mol about 298.15 K.
        #[serde(default)]
        activation_j_mol: f64,
    },
    /// `Arrhenius(E) a exp(b m)`.
    Exponential {
        /// Value of the empty solvent.
        a: f64,
        /// Per mol/l.
        b: f64,
        /// `E` in J/mol about 298.15 K.
        #[serde(default)]
        activation_j_mol: f64,
    },
    /// Landesfeind and Gasteiger 2019, diffusivity: `1e-10 p1 exp(p2 m) exp(p3/T) exp(p4 m/T)`.
    LandesfeindDiffusivity {
        /// `p1 … p4`.
        p: [f64; 4],
    },
    /// Landesfeind and Gasteiger 2019, conductivity.
    LandesfeindConductivity {
        /// `p1 … p6`.
        p: [f64; 6],
    },
    /// Valøen and Reimers 2005, diffusivity: `1e-4 · 10^(-4.43 - 54/(T - 229 - 5 m) - 0.22 m)`.
    ValoenDiffusivity,
    /// Valøen and Reimers 2005, conductivity.
    ValoenConductivity,
}

impl TransportLaw {
    /// Value at a concentration and a temperature.
    #[must_use]
    pub fn value(&self, concentration_mol_m3: f64, temperature_k: f64) -> f64 {
        self.at(temperature_k).value(concentration_mol_m3)
    }

    /// The law at one temperature, for many concentrations.
    #[must_use]
    pub fn at(&self, t: f64) -> TransportAt {
        match self {
            Self::PowerSum { terms, activation_j_mol } => {
                let factor = arrhenius(*activation_j_mol, 298.15, t);
                let mut halves = [0.0; 9];
                for [a, power, theta] in terms {
                    let half = (2.0 * power).round().clamp(0.0, 8.0) as usize;
                    halves[half] += factor * a * (-theta / t).exp();
                }
                let whole = [halves[0], halves[2], halves[4], halves[6], halves[8]];
                TransportAt::Powers { whole, half: [halves[1], halves[3], halves[5], halves[7]] }
            }
            Self::Exponential { a, b, activation_j_mol } => {
                TransportAt::Exponential { a: a * arrhenius(*activation_j_mol, 298.15, t), b: *b }
            }
            Self::LandesfeindDiffusivity { p: [p1, p2, p3, p4] } => {
                TransportAt::Exponential { a: 1e-10 * p1 * (p3 / t).exp(), b: p2 + p4 / t }
            }
            Self::LandesfeindConductivity { p: [p1, p2, p3, p4, p5, p6] } => {
                let warm = (1000.0 / t).exp();
                TransportAt::Ratio {
                    a: 0.1 * p1 * (1.0 + (t - p2)),
                    b: [*p3, p4 * (1.0 + p5 * warm)],
                    c: p6 * warm,
                }
            }
            Self::ValoenDiffusivity => TransportAt::ValoenDiffusivity { t },
            Self::ValoenConductivity => TransportAt::Square {
                roots: [
                    -10.5 + 0.0740 * t - 6.96e-5 * t * t,
                    0.668 - 0.0178 * t + 2.80e-5 * t * t,
                    0.494 - 8.86e-4 * t,
                ],
            },
        }
    }
}

/// A [`TransportLaw`] at one temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TransportAt {
    /// `Σ whole[i] m^i + Σ half[i] m^(i+½)`.
    Powers {
        /// Of `1, m, m², m³, m⁴`.
        whole: [f64; 5],
        /// Of `m^½, m^1½, m^2½, m^3½`.
        half: [f64; 4],
    },
    /// `a exp(b m)`.
    Exponential {
        /// At no salt.
        a: f64,
        /// Per mol/l.
        b: f64,
    },
    /// `a m (1 + b0 √m + b1 m) / (1 + c m⁴)`.
    Ratio {
        /// Of the whole.
        a: f64,
        /// Of `√m` and `m`.
        b: [f64; 2],
        /// Of `m⁴`.
        c: f64,
    },
    /// `0.1 m (r0 + r1 m + r2 m²)²`.
    Square {
        /// `r0, r1, r2`.
        roots: [f64; 3],
    },
    /// See [`TransportLaw::ValoenDiffusivity`].
    ValoenDiffusivity {
        /// Temperature in K.
        t: f64,
    },
}

impl TransportAt {
    /// Value at a concentration.
    #[inline]
    #[must_use]
    pub fn value(&self, concentration_mol_m3: f64) -> f64 {
        let m = concentration_mol_m3.max(CONCENTRATION_MIN_MOL_M3) * 1e-3;
        match self {
            Self::Powers { whole: [a, b, c, d, e], half } => {
                let smooth = a + m * (b + m * (c + m * (d + m * e)));
                if *half == [0.0; 4] {
                    return smooth;
                }
                smooth + m.sqrt() * (half[0] + m * (half[1] + m * (half[2] + m * half[3])))
            }
            Self::Exponential { a, b } => a * (b * m).exp(),
            Self::Ratio { a, b, c } => {
                let m2 = m * m;
                a * m * (1.0 + b[0] * m.sqrt() + b[1] * m) / (1.0 + c * m2 * m2)
            }
            Self::Square { roots: [r0, r1, r2] } => {
                let root = r0 + m * (r1 + m * r2);
                0.1 * m * root * root
            }
            Self::ValoenDiffusivity { t } => {
                1e-4 * 10_f64.powf(-4.43 - 54.0 / (t - 229.0 - 5.0 * m) - 0.22 * m)
            }
        }
    }
}

/// A number without unit over concentration and temperature: the transference number, the thermodynamic factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Factor {
    /// The same everywhere.
    Constant(f64),
    /// `p1 + p2 m + p3 T + p4 m² + p5 m T + p6 T² + p7 m³ + p8 m² T + p9 m T²` (Landesfeind and Gasteiger 2019).
    Surface([f64; 9]),
}

impl Factor {
    /// As a cubic in mol/l at one temperature.
    #[must_use]
    pub fn at(&self, t: f64) -> [f64; 4] {
        match self {
            Self::Constant(value) => [*value, 0.0, 0.0, 0.0],
            Self::Surface([p1, p2, p3, p4, p5, p6, p7, p8, p9]) => {
                [p1 + p3 * t + p6 * t * t, p2 + p5 * t + p9 * t * t, p4 + p8 * t, *p7]
            }
        }
    }

    /// Value at a concentration and a temperature.
    #[must_use]
    pub fn value(&self, concentration_mol_m3: f64, temperature_k: f64) -> f64 {
        cubic(&self.at(temperature_k), concentration_mol_m3)
    }

    /// Whether it depends on the concentration.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

/// The cubic of [`Factor::at`] at a concentration.
#[inline]
#[must_use]
pub fn cubic([a, b, c, d]: &[f64; 4], concentration_mol_m3: f64) -> f64 {
    let m = concentration_mol_m3 * 1e-3;
    a + m * (b + m * (c + m * d))
}
