use voltwin_battery::ecm::{CellFactors, EcmModel, EcmParameters, EcmState, Thermal, ZERO_CELSIUS_K};
use voltwin_cell::{
    CellError, CellModel, Load, ParameterSet, Protocol, Ramp, Run, SingleParticle, Stage, Stop, Surroundings,
};

use crate::{
    EstimationError, Record,
    identify::{CircuitForm, OpenCircuit, Weights, identify},
    least_squares::Limits,
};

/// The circuit of a parameter set, driven by the protocols of `voltwin_cell` like any other model of a cell.
///
/// It is identified from simulated tests of the single-particle model with electrolyte: discharges and pulses at up to
/// three temperatures around the set's reference. A ramp of current is taken at its mean.
#[derive(Debug, Clone)]
pub struct CircuitCell {
    model: EcmModel,
    set: ParameterSet,
    surroundings: Surroundings,
}

/// Held so firmly to its surroundings that it keeps their temperature.
const ISOTHERMAL: Thermal = Thermal { heat_capacity_j_per_k: 1e6, conductance_w_per_k: 1e4 };

impl CircuitCell {
    /// Identifies the circuit of `set`.
    ///
    /// # Errors
    /// When the set cannot be simulated or no circuit fits it.
    pub fn of(set: &ParameterSet, surroundings: Surroundings) -> Result<Self, EstimationError> {
        let mut parameters = Self::identified(set)?;
        if let Surroundings::Lumped { heat_transfer_w_m2_k, .. } = surroundings {
            let missing = CellError::Lacks { set: set.name.clone(), missing: "thermal" };
            let thermal = set.thermal.as_ref().ok_or(missing)?;
            let transfer = heat_transfer_w_m2_k.unwrap_or(thermal.heat_transfer_w_m2_k);
            parameters.thermal = Thermal {
                heat_capacity_j_per_k: thermal.heat_capacity_j_k(set.cell.reference_temperature_k),
                conductance_w_per_k: transfer * thermal.cooling_area_m2,
            };
        }
        Ok(Self { model: EcmModel::new(parameters)?, set: set.clone(), surroundings })
    }

    /// The circuit.
    #[must_use]
    pub fn model(&self) -> &EcmModel {
        &self.model
    }

    fn identified(set: &ParameterSet) -> Result<EcmParameters, EstimationError> {
        let reference_k = set.cell.reference_temperature_k;
        let (low_k, high_k) = (set.validity.temperature_min_k, set.validity.temperature_max_k);
        let mut model = SingleParticle::spme(set, Surroundings::Isothermal)?;
        let soc: Vec<f64> = (0..=200).map(|k| f64::from(k) / 200.0).collect();
        let voltage_v = soc
            .iter()
            .map(|soc| {
                let state = model.rest(*soc, reference_k)?;
                model.voltage_v(&state, 0.0)
            })
            .collect::<Result<Vec<_>, CellError>>()?;
        let open = OpenCircuit { soc, voltage_v, current_a: 0.0, temp_c: reference_k - ZERO_CELSIUS_K };
        let capacity_ah = capacity_ah(&mut model, reference_k)?;

        let mut records = Vec::new();
        for kelvin in [0.0, -15.0, 15.0] {
            let temperature_k = reference_k + kelvin;
            if temperature_k >= low_k && temperature_k <= high_k {
                tests(&mut model, temperature_k, &mut records)?;
            }
        }
        let form = CircuitForm {
            soc: vec![0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0],
            ocv_soc: Vec::new(),
            temperatures: records.iter().any(|r| r.ambient_c != records[0].ambient_c),
            thermal: Some(ISOTHERMAL),
            limits_v: [set.cell.voltage_min_v, set.cell.voltage_max_v],
            valid_c: [(low_k - ZERO_CELSIUS_K).max(-40.0), (high_k - ZERO_CELSIUS_K).min(90.0)],
            ..CircuitForm::new(capacity_ah)
        };
        let weights = Weights { above_v: set.cell.voltage_min_v, ..Weights::default() };
        let limits = Limits { iterations: 15, relative_cost: 1e-3 };
        Ok(identify(&set.name, form, open, &records, weights, limits)?.parameters)
    }
}

/// Charge between the limits at rest: what a small current moves per change of the state of charge.
fn capacity_ah(model: &mut SingleParticle, temperature_k: f64) -> Result<f64, CellError> {
    let from = model.rest(0.6, temperature_k)?;
    let mut to = from.clone();
    let current_a = 0.1 * model.set().one_c_a();
    model.advance(&from, &mut to, Ramp::constant(-current_a), 3_600.0)?;
    Ok(current_a / (model.soc(&from) - model.soc(&to)))
}

/// Discharges and pulses at one temperature.
fn tests(model: &mut SingleParticle, temperature_k: f64, records: &mut Vec<Record>) -> Result<(), CellError> {
    let (one_c_a, low_v) = (model.set().one_c_a(), model.set().cell.voltage_min_v);
    // Rests and currents in both directions, down to empty.
    let rates = [-1.0, 0.0, 0.5, -2.0, 0.0, -0.5, 1.0, -1.5, -0.3];
    let stages = (0..120)
        .map(|k| Stage {
            load: Load::Current(rates[k % rates.len()] * one_c_a),
            stops: vec![Stop::After(90.0), Stop::VoltageBelow(low_v)],
        })
        .collect();
    let pulses = Protocol { stages, ends_at_limits: true };
    let trials = [
        (pulses, 0.95, 5.0),
        (Protocol::discharge(one_c_a, low_v), 1.0, 20.0),
        (Protocol::discharge(0.3 * one_c_a, low_v), 1.0, 60.0),
    ];
    for (protocol, soc, step_max_s) in trials {
        let run = Run { soc, temperature_k, step_max_s, ..Run::default() };
        let trace = run.of(model, &protocol)?;
        let column = |read: fn(&voltwin_cell::Row) -> f64| trace.rows.iter().map(read).collect::<Vec<f64>>();
        records.push(Record {
            name: format!("simulated at {temperature_k} K"),
            t_s: column(|row| row.time_s),
            current_a: column(|row| row.current_a),
            voltage_v: column(|row| row.voltage_v),
            temp_c: Vec::new(),
            soc,
            ambient_c: temperature_k - ZERO_CELSIUS_K,
        });
    }
    Ok(())
}

impl CellModel for CircuitCell {
    type State = EcmState;

    fn set(&self) -> &ParameterSet {
        &self.set
    }

    fn rest(&self, soc: f64, temperature_k: f64) -> Result<EcmState, CellError> {
        self.set.check_temperature("temperature_k", temperature_k)?;
        self.set.stoichiometry(soc)?;
        Ok(EcmState::resting(soc, temperature_k - ZERO_CELSIUS_K))
    }

    fn advance(
        &mut self,
        from: &EcmState,
        to: &mut EcmState,
        current: Ramp,
        step_s: f64,
    ) -> Result<(), CellError> {
        self.set.check_current(current.mean_a())?;
        let ambient_c = match self.surroundings {
            Surroundings::Isothermal => from.temp_c,
            Surroundings::Lumped { ambient_k, .. } => ambient_k - ZERO_CELSIUS_K,
        };
        *to = *from;
        self.model
            .step_table(step_s)
            .and_then(|step| self.model.step(&step, to, CellFactors::default(), ambient_c, current.mean_a()))
            .map_err(|error| CellError::Protocol(error.to_string()))?;
        if self.surroundings == Surroundings::Isothermal {
            to.temp_c = from.temp_c;
        }
        Ok(())
    }

    fn voltage_v(&mut self, state: &EcmState, current_a: f64) -> Result<f64, CellError> {
        self.set.check_current(current_a)?;
        let mut still = *state;
        self.model
            .step_table(0.0)
            .and_then(|step| {
                self.model.step(&step, &mut still, CellFactors::default(), state.temp_c, current_a)
            })
            .map(|output| output.voltage_v)
            .map_err(|error| CellError::Protocol(error.to_string()))
    }

    fn temperature_k(&self, state: &EcmState) -> f64 {
        state.temp_c + ZERO_CELSIUS_K
    }

    fn soc(&self, state: &EcmState) -> f64 {
        state.soc
    }

    fn step_s(&self, since_jump_s: f64) -> f64 {
        // Exact for any step but for the tables, which are read once per step.
        (0.2 * since_jump_s).clamp(0.5, 20.0)
    }
}
