//! The cells whose ageing is known, one module per functional form.

mod arrhenius;
mod kokam;
mod naumann;
mod normalised;
mod sanyo;
mod sony_murata;

use serde::{Deserialize, Serialize};

use crate::{history::Stress, law::Law};

/// Positive electrode of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chemistry {
    /// Lithium iron phosphate.
    Lfp,
    /// Nickel manganese cobalt oxide.
    Nmc,
    /// Nickel cobalt aluminium oxide.
    Nca,
    /// Lithium manganese oxide.
    Lmo,
}

/// A cell type with an ageing model that was fitted to published experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cell {
    /// Sony-Murata 3 Ah, LFP; the fit of Gasper et al. to Naumann's experiments.
    LfpSonyMurata3Ah,
    /// The same cell in the form of Naumann et al. themselves.
    LfpSonyMurata3AhNaumann,
    /// A large prismatic LFP cell of more than 250 Ah, low power.
    LfpPrismatic250Ah,
    /// Kokam 75 Ah pouch, NMC111: lithium loss and, later, loss of active material (a knee).
    Nmc111Kokam75Ah,
    /// Sanyo UR18650E of 2014, NMC111: an old cell whose cycling part weighs most.
    Nmc111Sanyo2Ah,
    /// Panasonic NCR18650B, NCA.
    NcaPanasonic3Ah,
    /// LG MJ1, NMC811 with silicon in graphite.
    Nmc811LgMj1,
    /// Nissan Leaf of the first generation, LMO blend, cells taken from cars at about 70 % of their capacity.
    LmoNissanLeaf66Ah,
    /// A 75 Ah NMC pouch of a large maker ("A").
    NmcA75Ah,
    /// A 50 Ah NMC cell of a large maker ("B", first test).
    NmcB50AhFirst,
    /// The 50 Ah NMC cell of maker "B", second test.
    NmcB50AhSecond,
}

/// What the experiments behind a model covered; outside it is extrapolation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validity {
    /// Temperature in degrees Celsius while cycling.
    pub temp_c: (f64, f64),
    /// Depth of the cycles.
    pub depth: (f64, f64),
    /// State of charge.
    pub soc: (f64, f64),
    /// Fastest charge in 1/h.
    pub charge_c_rate: f64,
    /// Fastest discharge in 1/h.
    pub discharge_c_rate: f64,
}

/// What is known of a cell beside its rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Name for people.
    pub name: &'static str,
    /// Positive electrode.
    pub chemistry: Chemistry,
    /// Nominal capacity in Ah.
    pub capacity_ah: f64,
    /// Range of the experiments.
    pub validity: Validity,
    /// Where experiments and fit are published.
    pub source: &'static str,
    /// Whether the fit covers resistance too.
    pub resistance: bool,
}

/// The laws of a stretch. Abscissae: days for the two calendar laws, full cycles of the *nominal* capacity for others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rates {
    pub calendar: Law,
    pub cycle: Law,
    pub break_in: Law,
    pub material: Law,
    pub resistance_calendar: Law,
    pub resistance_cycle: Law,
}

impl Default for Rates {
    fn default() -> Self {
        let none = Law::none();
        Self {
            calendar: none,
            cycle: none,
            break_in: none,
            material: none,
            resistance_calendar: none,
            resistance_cycle: none,
        }
    }
}

/// Gas constant in J/(mol K).
pub(crate) const GAS_CONSTANT: f64 = 8.3145;

const fn facts(
    name: &'static str,
    chemistry: Chemistry,
    capacity_ah: f64,
    validity: Validity,
    source: &'static str,
) -> Facts {
    Facts { name, chemistry, capacity_ah, validity, source, resistance: false }
}

const fn valid(temp_c: (f64, f64), depth: (f64, f64), charge_c_rate: f64, discharge_c_rate: f64) -> Validity {
    Validity { temp_c, depth, soc: (0.0, 1.0), charge_c_rate, discharge_c_rate }
}

impl Cell {
    /// Every cell.
    pub const ALL: [Cell; 11] = [
        Cell::LfpSonyMurata3Ah,
        Cell::LfpSonyMurata3AhNaumann,
        Cell::LfpPrismatic250Ah,
        Cell::Nmc111Kokam75Ah,
        Cell::Nmc111Sanyo2Ah,
        Cell::NcaPanasonic3Ah,
        Cell::Nmc811LgMj1,
        Cell::LmoNissanLeaf66Ah,
        Cell::NmcA75Ah,
        Cell::NmcB50AhFirst,
        Cell::NmcB50AhSecond,
    ];

    /// The cell that stands for a chemistry where no better one is known. They are lab cells: the spread inside a
    /// chemistry is larger than the detail of any of these models.
    #[must_use]
    pub fn typical(chemistry: Chemistry) -> Self {
        match chemistry {
            Chemistry::Lfp => Cell::LfpPrismatic250Ah,
            Chemistry::Nmc => Cell::Nmc111Kokam75Ah,
            Chemistry::Nca => Cell::NcaPanasonic3Ah,
            Chemistry::Lmo => Cell::LmoNissanLeaf66Ah,
        }
    }

    /// Name, range and source.
    #[must_use]
    pub fn facts(self) -> Facts {
        use Chemistry::{Lfp, Lmo, Nca, Nmc};
        match self {
            Cell::LfpSonyMurata3Ah => Facts {
                resistance: true,
                ..facts(
                    "LFP Sony-Murata 3 Ah",
                    Lfp,
                    3.0,
                    valid((20.0, 40.0), (0.8, 1.0), 1.0, 2.0),
                    "Gasper et al., J. Electrochem. Soc. 169 (2022) 080518, BLAST-Lite 1.1.1 (BSD-3-Clause)",
                )
            },
            Cell::LfpSonyMurata3AhNaumann => Facts {
                resistance: true,
                ..facts(
                    "LFP Sony-Murata 3 Ah (Naumann)",
                    Lfp,
                    3.0,
                    valid((0.0, 60.0), (0.05, 1.0), 1.0, 2.0),
                    "Naumann et al., J. Energy Storage 17 (2018) 153 and J. Power Sources 451 (2020) 227666",
                )
            },
            Cell::LfpPrismatic250Ah => facts(
                "LFP prismatic 250 Ah",
                Lfp,
                250.0,
                valid((10.0, 45.0), (0.8, 1.0), 0.65, 1.0),
                "J. Energy Storage 73 (2023) 109042, BLAST-Lite 1.1.1 (BSD-3-Clause)",
            ),
            Cell::Nmc111Kokam75Ah => facts(
                "NMC111 Kokam 75 Ah",
                Nmc,
                75.0,
                valid((0.0, 45.0), (0.8, 1.0), 1.0, 1.0),
                "Smith et al., American Control Conference 2017, BLAST-Lite 1.1.1 (BSD-3-Clause)",
            ),
            Cell::Nmc111Sanyo2Ah => Facts {
                resistance: true,
                ..facts(
                    "NMC111 Sanyo 2 Ah",
                    Nmc,
                    2.15,
                    valid((20.0, 40.0), (0.0, 1.0), 1.0, 1.0),
                    "Schmalstieg et al., J. Power Sources 257 (2014) 325",
                )
            },
            Cell::NcaPanasonic3Ah => facts(
                "NCA Panasonic 3 Ah",
                Nca,
                3.2,
                valid((15.0, 35.0), (0.8, 1.0), 0.5, 2.0),
                "Keil et al., J. Electrochem. Soc. 163 (2016) A1872; Preger et al., 167 (2020) 120532; BLAST-Lite 1.1.1",
            ),
            Cell::Nmc811LgMj1 => facts(
                "NMC811 LG MJ1",
                Nmc,
                3.5,
                Validity { soc: (0.1, 0.9), ..valid((0.0, 50.0), (0.2, 0.8), 1.0, 3.0) },
                "EVERLASTING project, report D2.3 (2020), BLAST-Lite 1.1.1 (BSD-3-Clause)",
            ),
            Cell::LmoNissanLeaf66Ah => facts(
                "LMO Nissan Leaf 66 Ah, second life",
                Lmo,
                66.0,
                valid((20.0, 30.0), (0.8, 1.0), 1.0, 1.0),
                "Braco et al., J. Energy Storage 32 (2020) 101695, BLAST-Lite 1.1.1 (BSD-3-Clause)",
            ),
            Cell::NmcA75Ah => facts(
                "NMC maker A 75 Ah",
                Nmc,
                75.0,
                valid((10.0, 45.0), (0.8, 1.0), 2.0, 2.0),
                "J. Energy Storage 73 (2023) 109042, BLAST-Lite 1.1.1 (BSD-3-Clause)",
            ),
            Cell::NmcB50AhFirst | Cell::NmcB50AhSecond => facts(
                if self == Cell::NmcB50AhFirst { "NMC maker B1 50 Ah" } else { "NMC maker B2 50 Ah" },
                Nmc,
                50.0,
                valid((10.0, 45.0), (0.8, 1.0), 1.75, 1.75),
                "J. Energy Storage 73 (2023) 109042, BLAST-Lite 1.1.1 (BSD-3-Clause)",
            ),
        }
    }

    /// The laws under a stress of a cell of relative capacity `capacity`.
    pub(crate) fn rates(self, stress: &Stress, capacity: f64) -> Rates {
        // experiments knew currents of the new cell, profiles know the present one
        let c_rate = stress.mean_c_rate * capacity;
        match self {
            Cell::LfpSonyMurata3Ah => sony_murata::rates(stress, c_rate, capacity),
            Cell::LfpSonyMurata3AhNaumann => naumann::rates(stress, c_rate),
            Cell::LfpPrismatic250Ah => arrhenius::LFP_PRISMATIC.rates(stress, c_rate),
            Cell::Nmc111Kokam75Ah => kokam::rates(stress),
            Cell::Nmc111Sanyo2Ah => sanyo::rates(stress, self.facts().capacity_ah),
            Cell::NcaPanasonic3Ah => arrhenius::NCA_PANASONIC.rates(stress, c_rate),
            Cell::Nmc811LgMj1 => arrhenius::LG_MJ1.rates(stress, c_rate),
            Cell::LmoNissanLeaf66Ah => arrhenius::NISSAN_LEAF.rates(stress, c_rate),
            Cell::NmcA75Ah => normalised::maker_a(stress, c_rate),
            Cell::NmcB50AhFirst => normalised::maker_b_first(stress, c_rate),
            Cell::NmcB50AhSecond => normalised::maker_b_second(stress, c_rate),
        }
    }

    /// Relative capacity from the losses of its mechanisms.
    pub(crate) fn capacity(self, lithium_loss: f64, material_loss: f64) -> f64 {
        let lithium = 1.0 - lithium_loss;
        match self {
            // the smaller of lithium and sites limits; new cells have 1 % more sites than lithium
            Cell::Nmc111Kokam75Ah => lithium.min(kokam::SPARE_SITES - material_loss),
            _ => lithium - material_loss,
        }
    }
}
