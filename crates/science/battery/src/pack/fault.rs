//! What goes wrong inside of a pack.

use serde::{Deserialize, Serialize};

use super::Pack;
use crate::BatteryError;

/// A defect of a [`Pack`]; cells (series groups) count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PackFault {
    /// A cell discharges itself through a resistance inside of it.
    SoftShort {
        /// Which.
        cell: usize,
        /// The resistance in Ω, 0.01 to 1 million.
        resistance_ohm: f64,
    },
    /// A cell holds less and resists more than the others.
    WeakCell {
        /// Which.
        cell: usize,
        /// Its capacity over what it was, 0.3 to 1.
        capacity: f64,
        /// Its resistance over what it was, 1 to 20.
        resistance: f64,
    },
    /// Something beside the cells heats the pack, such as a heater that does not switch off.
    StrayHeat {
        /// How much, in W: 0 to 50,000.
        heat_w: f64,
    },
}

impl PackFault {
    /// Whether a pack of so many cells in series can have it.
    ///
    /// # Errors
    /// [`BatteryError::Parameter`] names the field and its range.
    pub fn check(&self, cells_series: usize) -> Result<(), BatteryError> {
        let within = |field, value: f64, low: f64, high: f64, rule| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(BatteryError::Parameter { field, value, rule })
            }
        };
        let known = |cell: usize| {
            within("fault.cell", cell as f64, 1.0, cells_series as f64, "1 to the cells in series")
        };
        match *self {
            Self::SoftShort { cell, resistance_ohm } => {
                known(cell)?;
                within("fault.resistance_ohm", resistance_ohm, 0.01, 1e6, "0.01 to 1000000 Ω")
            }
            Self::WeakCell { cell, capacity, resistance } => {
                known(cell)?;
                within("fault.capacity", capacity, 0.3, 1.0, "0.3 to 1")?;
                within("fault.resistance", resistance, 1.0, 20.0, "1 to 20")
            }
            Self::StrayHeat { heat_w } => within("fault.heat_w", heat_w, 0.0, 50_000.0, "0 to 50000 W"),
        }
    }
}

impl Pack {
    /// Lets a defect begin now. A weak cell keeps its state of charge.
    ///
    /// # Errors
    /// As [`PackFault::check`]; the pack is then as before.
    pub fn break_down(&mut self, fault: PackFault) -> Result<(), BatteryError> {
        fault.check(self.cells.len())?;
        match fault {
            PackFault::SoftShort { cell, resistance_ohm } => {
                self.cells[cell - 1].leak_s = 1.0 / resistance_ohm;
            }
            PackFault::WeakCell { cell, capacity, resistance } => {
                self.cells[cell - 1].capacity_as *= capacity;
                self.cells[cell - 1].resistance_ohm *= resistance;
            }
            PackFault::StrayHeat { heat_w } => self.stray_heat_w = heat_w,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChargeCommand, Chemistry, PackConfig};

    fn pack() -> (Pack, PackConfig) {
        let mut config = PackConfig::new(Chemistry::Nmc, 10, 1, 6_000.0);
        config.spread = 0.0;
        (Pack::new(&config, 0.5, 1).unwrap(), config)
    }

    #[test]
    fn a_soft_short_takes_the_charge_that_ohms_law_says_from_its_cell_alone() {
        let (mut leaky, config) = pack();
        let sound = leaky.clone();
        leaky.break_down(PackFault::SoftShort { cell: 4, resistance_ohm: 5.0 }).unwrap();
        leaky.step(3_600.0, ChargeCommand::Rest);
        let capacity_ah = config.capacity_wh / (10.0 * Chemistry::Nmc.ocv().mean_v());
        let fell = 0.5 - leaky.cell_soc()[3];
        let expected = Chemistry::Nmc.ocv().voltage_v(0.5) / 5.0 / capacity_ah;
        assert!((fell / expected - 1.0).abs() < 0.01, "{fell} {expected}");
        assert!(leaky.cell_soc().iter().enumerate().all(|(k, soc)| k == 3 || *soc == sound.cell_soc()[k]));
    }

    #[test]
    fn what_leaks_is_heat_and_the_balance_of_energy_holds() {
        let (mut pack, _) = pack();
        pack.break_down(PackFault::SoftShort { cell: 1, resistance_ohm: 0.05 }).unwrap();
        let state = pack.step(3_600.0, ChargeCommand::Rest);
        // 3.6 V across 50 mΩ is some 260 W while it lasts; nothing comes through the terminals.
        assert!(state.heat_w > 50.0 && state.power_w.abs() < 1e-6, "{state:?}");
        pack.step(600_000.0, ChargeCommand::Rest);
        assert!(pack.cell_soc()[0].abs() < 1e-9 && pack.state().temp_c.is_finite());
    }

    #[test]
    fn a_weak_cell_moves_more_and_stray_heat_warms() {
        let (mut weak, _) = pack();
        weak.break_down(PackFault::WeakCell { cell: 2, capacity: 0.5, resistance: 2.0 }).unwrap();
        weak.step(600.0, ChargeCommand::Charge { max_power_w: 1_000.0, max_current_a: 1e9 });
        let soc = weak.cell_soc();
        assert!(((soc[1] - 0.5) / (soc[0] - 0.5) - 2.0).abs() < 1e-9);
        let (mut hot, config) = pack();
        hot.break_down(PackFault::StrayHeat { heat_w: 100.0 }).unwrap();
        hot.step(100_000.0, ChargeCommand::Rest);
        let rise = 100.0 * config.cooling_s / (config.heat_capacity_j_per_k_wh * config.capacity_wh);
        assert!((hot.state().temp_c - config.ambient_c - rise).abs() < 1e-6);
    }

    #[test]
    fn errors_name_field_and_range() {
        let (mut pack, _) = pack();
        for (fault, field) in [
            (PackFault::SoftShort { cell: 0, resistance_ohm: 1.0 }, "fault.cell"),
            (PackFault::SoftShort { cell: 11, resistance_ohm: 1.0 }, "fault.cell"),
            (PackFault::SoftShort { cell: 1, resistance_ohm: f64::NAN }, "fault.resistance_ohm"),
            (PackFault::WeakCell { cell: 1, capacity: 0.0, resistance: 1.0 }, "fault.capacity"),
            (PackFault::WeakCell { cell: 1, capacity: 1.0, resistance: 0.5 }, "fault.resistance"),
            (PackFault::StrayHeat { heat_w: -1.0 }, "fault.heat_w"),
        ] {
            let before = pack.clone();
            let error = pack.break_down(fault).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
            assert_eq!(pack, before);
        }
    }
}
