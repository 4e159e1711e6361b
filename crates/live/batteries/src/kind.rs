//! What a pack is: the circuit of its cells, their number, and the cell whose ageing stands for it.

use std::sync::Arc;

use voltwin_ageing::Cell;
use voltwin_battery::ecm::{EcmModel, EcmParameters, Surface, Thermal};
use voltwin_battery::{Chemistry, OcvCurve};
use voltwin_cell::{CellModel, SingleParticle, Surroundings, set};
use voltwin_estimation::live::{Estimator, LiveConfig};
use voltwin_graph::TwinRef;

/// Loss at one capacity per hour where nobody says the resistance, a fraction of the mean voltage.
const LOSS_AT_1C: f64 = 0.03;
/// Heat capacity of a cell in J/K per Wh: 200 Wh/kg with 1000 J/(kg K).
const HEAT_J_PER_K_WH: f64 = 5.0;
/// Time constant of cooling in s.
const COOLING_S: f64 = 1_800.0;
/// A cell is not discharged below its empty voltage by more than this, in V.
const BELOW_EMPTY_V: f64 = 0.4;

/// What the estimator is told of a pack in the field: sensors of a vehicle, and a history that nobody knows.
const FIELD: LiveConfig = LiveConfig {
    voltage_noise_v: 0.003,
    model_error_v: 0.008,
    current_bias_c: 0.03,
    current_gain: 0.01,
    resistance_spread: 0.25,
    capacity_spread: 0.12,
    resistance_walk: 0.003,
    capacity_walk: 0.002,
    ..LiveConfig::USUAL
};

/// From where the type of a pack is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeSource {
    /// The twin's own properties.
    Pack,
    /// The twin of its type of battery.
    Model,
    /// The twin of its type of cell, with an open-circuit curve of its own.
    Chemistry,
}

/// What the graph says of a pack's type.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// As the twin spells it.
    pub chemistry: String,
    /// Energy when new and full, Wh.
    pub capacity_wh: f64,
    /// Groups in series.
    pub series: u32,
    /// Open-circuit curve, where the type has one of its own.
    pub ocv: Option<Vec<(f64, f64)>>,
    /// Where this comes from.
    pub source: TypeSource,
}

impl Facts {
    /// Reads them from a pack's twin, its type of battery and its type of cell.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn of(twin: TwinRef<'_>) -> Result<Self, String> {
        let model = twin.related("ofModel").next();
        let cell = model.and_then(|model| model.related("ofChemistry").next());
        let named = twin.text("chemistry").filter(|name| !name.is_empty());
        let chemistry = named.or_else(|| cell.and_then(|cell| cell.text("positive_electrode")));
        let chemistry = chemistry.ok_or("its `chemistry` is not known")?.chars().take(64).collect();
        let capacity = twin.f64("capacity_wh").or_else(|| model.and_then(|model| model.f64("capacity_wh")));
        let capacity_wh = capacity.filter(|wh| (1.0..=1e7).contains(wh));
        let capacity_wh = capacity_wh.ok_or("its `capacity_wh` is not known or not 1 to 10000000 Wh")?;
        let own = twin.i64("cells_in_series");
        let typed = || model.and_then(|model| model.i64("cells_in_series"));
        let counted = || Some(twin.json("cell_voltage_v")?.as_array()?.len() as i64);
        let series = own.or_else(typed).or_else(counted).and_then(|count| u32::try_from(count).ok());
        let series = series.filter(|count| (1..=2_000).contains(count));
        let series = series.ok_or("its `cells_in_series` is not known or not 1 to 2000")?;
        let ocv = cell.and_then(|cell| {
            let column = |name| -> Option<Vec<f64>> {
                cell.json(name)?.as_array()?.iter().map(serde_json::Value::as_f64).collect()
            };
            let (soc, volts) = (column("ocv_soc")?, column("ocv_v")?);
            let points: Vec<(f64, f64)> = soc.iter().copied().zip(volts.iter().copied()).collect();
            (soc.len() == volts.len() && OcvCurve::new(&points).is_ok()).then_some(points)
        });
        let source = match (&ocv, model) {
            (Some(_), _) => TypeSource::Chemistry,
            (None, Some(_)) if own.is_none() => TypeSource::Model,
            _ => TypeSource::Pack,
        };
        Ok(Self { chemistry, capacity_wh, series, ocv, source })
    }
}

/// The cell whose ageing stands for a chemistry; `None` where none is known.
#[must_use]
pub fn ageing_cell(chemistry: &str) -> Option<Cell> {
    use voltwin_ageing::Chemistry::{Lfp, Lmo, Nca, Nmc};
    let name = chemistry.to_ascii_uppercase();
    let typical = |chemistry| Some(Cell::typical(chemistry));
    match name.as_str() {
        "NMC811" => Some(Cell::Nmc811LgMj1),
        name if name.starts_with("NMC") => typical(Nmc),
        name if name.starts_with("LFP") => typical(Lfp),
        name if name.starts_with("NCA") => typical(Nca),
        name if name.starts_with("LMO") => typical(Lmo),
        _ => None,
    }
}

/// A type of pack, ready to estimate with.
#[derive(Debug)]
pub struct PackKind {
    /// What it was made of.
    pub facts: Facts,
    /// Open-circuit voltage of a cell.
    pub ocv: OcvCurve,
    /// Capacity of a group of parallel cells when new, Ah.
    pub cell_capacity_ah: f64,
    /// Resistance of one when new, Ω.
    pub cell_resistance_ohm: f64,
    /// Voltages at which a cell is empty and full.
    pub cell_limits_v: [f64; 2],
    /// Parameter set of the physics of such a cell.
    pub set: &'static str,
    /// The cell whose ageing stands for it.
    pub ageing: Cell,
    pub(crate) estimator: Estimator,
}

impl PackKind {
    /// Builds the estimator of a type.
    ///
    /// # Errors
    /// What of the type cannot be used, in words.
    pub fn new(facts: Facts) -> Result<Arc<Self>, String> {
        let name = facts.chemistry.to_ascii_uppercase();
        let unknown = || format!("no cell is known for the chemistry `{}`", facts.chemistry);
        let ageing = ageing_cell(&name).ok_or_else(unknown)?;
        let (known, full_v, set) = if name.starts_with("NMC") {
            (Chemistry::Nmc.ocv(), Chemistry::Nmc.limit_v(), "Chen2020")
        } else if name.starts_with("LFP") {
            (Chemistry::Lfp.ocv(), Chemistry::Lfp.limit_v(), "Prada2013")
        } else if name.starts_with("NCA") {
            let (ocv, full_v) = resting("NCA_Kim2011").map_err(|error| error.to_string())?;
            (ocv, full_v, "NCA_Kim2011")
        } else {
            return Err(unknown());
        };
        let (ocv, full_v) = match &facts.ocv {
            Some(points) => {
                let ocv = OcvCurve::new(points).map_err(|error| error.to_string())?;
                let full_v = ocv.voltage_v(1.0).max(full_v);
                (ocv, full_v)
            }
            None => (known, full_v),
        };
        let mean_v = ocv.mean_v();
        let cell_capacity_ah = facts.capacity_wh / (f64::from(facts.series) * mean_v);
        let cell_resistance_ohm = LOSS_AT_1C * mean_v / cell_capacity_ah;
        let heat_capacity_j_per_k = HEAT_J_PER_K_WH * facts.capacity_wh / f64::from(facts.series);
        let ocv_soc: Vec<f64> = (0..=100).map(|k| f64::from(k) / 100.0).collect();
        let empty_v = ocv.voltage_v(0.0);
        let parameters = EcmParameters {
            name: facts.chemistry.clone(),
            capacity_ah: cell_capacity_ah,
            ocv_v: ocv_soc.iter().map(|soc| ocv.voltage_v(*soc)).collect(),
            ocv_soc,
            reference_c: 25.0,
            entropic_v_per_k: Vec::new(),
            r0_ohm: Surface::constant(cell_resistance_ohm),
            pairs: Vec::new(),
            diffusion: Vec::new(),
            exchange_a: None,
            hysteresis: None,
            thermal: Thermal {
                heat_capacity_j_per_k,
                conductance_w_per_k: heat_capacity_j_per_k / COOLING_S,
            },
            limits_v: [empty_v - BELOW_EMPTY_V, full_v],
            valid_c: [-40.0, 80.0],
        };
        let model = Arc::new(EcmModel::new(parameters).map_err(|error| error.to_string())?);
        let config = LiveConfig { cells_series: facts.series, cells_parallel: 1, ..FIELD };
        let estimator = Estimator::new(model, config).map_err(|error| error.to_string())?;
        let cell_limits_v = [empty_v, full_v];
        Ok(Arc::new(Self {
            facts,
            ocv,
            cell_capacity_ah,
            cell_resistance_ohm,
            cell_limits_v,
            set,
            ageing,
            estimator,
        }))
    }

    /// The estimator of its packs.
    #[must_use]
    pub fn estimator(&self) -> &Estimator {
        &self.estimator
    }

    /// Charge of a cell at rest at a voltage, and how steep the curve is there in V per unit of charge.
    #[must_use]
    pub fn soc_at_rest(&self, voltage_v: f64) -> (f64, f64) {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..30 {
            let middle = 0.5 * (low + high);
            if self.ocv.voltage_v(middle) < voltage_v { low = middle } else { high = middle }
        }
        let soc: f64 = 0.5 * (low + high);
        let (a, b) = ((soc - 0.01).max(0.0), (soc + 0.01).min(1.0));
        (soc, (self.ocv.voltage_v(b) - self.ocv.voltage_v(a)) / (b - a))
    }

    /// How far a pack's temperature moves in `dt_s` towards that of its surroundings under a current, °C.
    #[must_use]
    pub(crate) fn warmed(
        &self,
        temp_c: f64,
        ambient_c: f64,
        current_a: f64,
        resistance_ratio: f64,
        dt_s: f64,
    ) -> f64 {
        let series = f64::from(self.facts.series);
        let heat_w = current_a * current_a * self.cell_resistance_ohm * resistance_ratio * series;
        let stationary_c = ambient_c + heat_w * COOLING_S / (HEAT_J_PER_K_WH * self.facts.capacity_wh);
        stationary_c + (temp_c - stationary_c) * (-dt_s / COOLING_S).exp()
    }
}

/// The open-circuit curve of a parameter set and its upper voltage.
fn resting(name: &str) -> Result<(OcvCurve, f64), Box<dyn std::error::Error>> {
    let set = set::named(name)?;
    let mut model = SingleParticle::spme(&set, Surroundings::Isothermal)?;
    let points = (0..=40)
        .map(|k| {
            let soc = f64::from(k) / 40.0;
            let state = model.rest(soc, set.cell.reference_temperature_k)?;
            Ok((soc, model.voltage_v(&state, 0.0)?))
        })
        .collect::<Result<Vec<_>, voltwin_cell::CellError>>()?;
    Ok((OcvCurve::new(&points)?, set.cell.voltage_max_v))
}
