use serde::{Deserialize, Serialize};

use crate::CellError;

/// What a lumped thermal model needs of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thermal {
    /// Where the numbers come from.
    pub source: String,
    /// Surface that gives heat to the surroundings, m².
    pub cooling_area_m2: f64,
    /// Volume of the cell, m³.
    pub volume_m3: f64,
    /// Heat transfer coefficient when nothing else is said, W/(m² K).
    pub heat_transfer_w_m2_k: f64,
    /// The layers from one current collector to the other; their mean is the cell's.
    pub layers: Vec<Layer>,
}

/// One layer of the winding or stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What it is.
    pub name: String,
    /// m.
    pub thickness_m: f64,
    /// kg/m³.
    pub density_kg_m3: f64,
    /// Coefficients of `1, T, T², …` in K, giving J/(kg K).
    pub specific_heat_j_kg_k: Vec<f64>,
}

impl Thermal {
    /// Heat capacity of the cell in J/K at a temperature: the layers' thickness-weighted mean over the cell's volume.
    #[must_use]
    pub fn heat_capacity_j_k(&self, temperature_k: f64) -> f64 {
        let (mut heat, mut thickness) = (0.0, 0.0);
        for layer in &self.layers {
            let specific =
                layer.specific_heat_j_kg_k.iter().rev().fold(0.0, |sum, c| sum * temperature_k + c);
            heat += layer.thickness_m * layer.density_kg_m3 * specific;
            thickness += layer.thickness_m;
        }
        self.volume_m3 * heat / thickness
    }

    pub(super) fn validate(&self) -> Result<(), CellError> {
        let positive = "above 0";
        let check = |field, value: f64| CellError::check(field, value, value > 0.0, positive);
        check("thermal.cooling_area_m2", self.cooling_area_m2)?;
        check("thermal.volume_m3", self.volume_m3)?;
        let h = self.heat_transfer_w_m2_k;
        CellError::check("thermal.heat_transfer_w_m2_k", h, h >= 0.0, "0 or more")?;
        if self.layers.is_empty() {
            return Err(CellError::Form("thermal.layers is empty".to_owned()));
        }
        for layer in &self.layers {
            check("thermal.layers.thickness_m", layer.thickness_m)?;
            check("thermal.layers.density_kg_m3", layer.density_kg_m3)?;
        }
        for temperature_k in [233.15, 298.15, 353.15] {
            check("thermal.layers.specific_heat_j_kg_k", self.heat_capacity_j_k(temperature_k))?;
        }
        Ok(())
    }
}
