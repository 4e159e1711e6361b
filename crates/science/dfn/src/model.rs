//! The model as its users hold it.

use voltwin_cell::{CellError, ParameterSet, Surroundings as Around, set::Window};

use crate::{
    DfnError, Mesh, Tolerance,
    material::Material,
    stepper::{Snapshot, Stepper, Surroundings},
};

/// The Doyle-Fuller-Newman model of one cell, with its present state.
#[derive(Debug)]
pub struct Dfn {
    pub(crate) set: ParameterSet,
    pub(crate) window: Window,
    pub(crate) stepper: Stepper,
}

/// Lithium in the cell, mol over the whole electrode area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lithium {
    /// In the negative electrode's particles.
    pub negative_mol: f64,
    /// In the positive electrode's particles.
    pub positive_mol: f64,
    /// In the electrolyte.
    pub electrolyte_mol: f64,
}

impl Dfn {
    /// A cell at rest, full, at the reference temperature of its set.
    ///
    /// # Errors
    /// When the set makes no sense, lacks what a lumped temperature needs, or the mesh or the tolerance are out of
    /// range.
    pub fn new(
        set: &ParameterSet,
        around: Around,
        mesh: &Mesh,
        tolerance: &Tolerance,
    ) -> Result<Self, DfnError> {
        mesh.check()?;
        tolerance.check()?;
        let material = Material::new(set)?;
        let surroundings = match around {
            Around::Isothermal => None,
            Around::Lumped { ambient_k, heat_transfer_w_m2_k } => {
                let Some(thermal) = &set.thermal else {
                    let missing = "its thermal part";
                    return Err(CellError::Lacks { set: set.name.clone(), missing }.into());
                };
                let (coldest, warmest) = (set.validity.temperature_min_k, set.validity.temperature_max_k);
                let rule = "within the temperatures for which the parameter set is valid";
                let holds = ambient_k >= coldest && ambient_k <= warmest;
                DfnError::check("ambient temperature in K", ambient_k, holds, rule)?;
                let h = heat_transfer_w_m2_k.unwrap_or(thermal.heat_transfer_w_m2_k);
                DfnError::check("heat transfer in W/m2/K", h, (0.0..=1e6).contains(&h), "in 0..=1e6")?;
                Some(Surroundings { ambient_k, w_per_k: h * thermal.cooling_area_m2 })
            }
        };
        let window = set.window()?;
        let stepper = Stepper::new(material, mesh, *tolerance, surroundings)?;
        let mut cell = Self { set: set.clone(), window, stepper };
        cell.reset(1.0, set.cell.reference_temperature_k)?;
        Ok(cell)
    }

    /// Back to rest at a state of charge in 0..=1 and a temperature in K; the clock starts anew.
    ///
    /// # Errors
    /// Outside the set's validity.
    pub fn reset(&mut self, soc: f64, temperature_k: f64) -> Result<(), DfnError> {
        let snapshot = self.rested(soc, temperature_k)?;
        self.stepper.restore(&snapshot);
        Ok(())
    }

    fn rested(&self, soc: f64, temperature_k: f64) -> Result<Snapshot, DfnError> {
        DfnError::check("state of charge", soc, (0.0..=1.0).contains(&soc), "in 0..=1")?;
        let validity = &self.set.validity;
        let holds =
            temperature_k >= validity.temperature_min_k && temperature_k <= validity.temperature_max_k;
        let rule = "within the temperatures for which the parameter set is valid";
        DfnError::check("temperature in K", temperature_k, holds, rule)?;
        let x = self.window.at(soc);
        Ok(self.stepper.rest([x.negative, x.positive], temperature_k))
    }

    /// State of charge of the lithium that can cycle, from the mean stoichiometry of the negative electrode.
    #[must_use]
    pub fn soc(&self) -> f64 {
        self.window.soc(self.stepper.mean_stoichiometry()[0])
    }

    /// Voltage at the terminals, V.
    #[must_use]
    pub fn terminal_v(&self) -> f64 {
        self.stepper.reading().voltage
    }

    /// Current into the cell, A; charging is positive.
    #[must_use]
    pub fn current_a(&self) -> f64 {
        0.0 - self.stepper.reading().current * self.set.cell.area_m2
    }

    /// Temperature of the cell, K.
    #[must_use]
    pub fn temp_k(&self) -> f64 {
        self.stepper.reading().temp_k
    }

    /// Charge into the cell since the last reset, Ah.
    #[must_use]
    pub fn charge_ah(&self) -> f64 {
        0.0 - self.stepper.charge() * self.set.cell.area_m2 / 3600.0
    }

    /// Energy into the cell at its terminals since the last reset, Wh.
    #[must_use]
    pub fn energy_wh(&self) -> f64 {
        0.0 - self.stepper.energy() * self.set.cell.area_m2 / 3600.0
    }

    /// Where the lithium is.
    #[must_use]
    pub fn lithium(&self) -> Lithium {
        let [negative, positive, electrolyte] = self.stepper.lithium().map(|per| per * self.set.cell.area_m2);
        Lithium { negative_mol: negative, positive_mol: positive, electrolyte_mol: electrolyte }
    }
}
