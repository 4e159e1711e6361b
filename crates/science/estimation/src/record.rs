use voltwin_battery::ecm::{CellFactors, EcmModel, EcmState, StepTable};

use crate::EstimationError;

/// One test of one cell. The current of a sample flowed since the sample before.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What people call it.
    pub name: String,
    /// Time in s, never falling.
    pub t_s: Vec<f64>,
    /// Current in A, charging positive.
    pub current_a: Vec<f64>,
    /// Terminal voltage in V.
    pub voltage_v: Vec<f64>,
    /// Temperature of the cell in °C; empty when it was not measured.
    pub temp_c: Vec<f64>,
    /// State of charge at the first sample, at rest.
    pub soc: f64,
    /// Temperature of the surroundings in °C.
    pub ambient_c: f64,
}

/// What a model says of a record, sample by sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// State of charge.
    pub soc: Vec<f64>,
    /// Terminal voltage in V.
    pub voltage_v: Vec<f64>,
    /// Temperature in °C.
    pub temp_c: Vec<f64>,
}

impl Record {
    /// # Errors
    /// Names the first sample that breaks the rules of the fields.
    pub fn check(&self) -> Result<(), EstimationError> {
        let count = self.t_s.len();
        let same = |other: usize| other == count;
        if count < 2 || !same(self.current_a.len()) || !same(self.voltage_v.len()) {
            return Err(self.lacks("have at least two samples, each with time, current and voltage"));
        }
        if !self.temp_c.is_empty() && !same(self.temp_c.len()) {
            return Err(self.lacks("have a temperature for every sample or for none"));
        }
        let bad = |field, column: &[f64], low: f64, high: f64, rule| {
            column.iter().position(|v| !(low..=high).contains(v)).map_or(Ok(()), |index| {
                Err(EstimationError::Sample {
                    record: self.name.clone(),
                    field,
                    index,
                    value: column[index],
                    rule,
                })
            })
        };
        bad("t_s", &self.t_s, -1e10, 1e10, "finite")?;
        if let Some(index) = self.t_s.windows(2).position(|pair| pair[1] < pair[0]) {
            let (record, value) = (self.name.clone(), self.t_s[index + 1]);
            return Err(EstimationError::Sample {
                record,
                field: "t_s",
                index: index + 1,
                value,
                rule: "never falling",
            });
        }
        bad("current_a", &self.current_a, -1e5, 1e5, "-100000 to 100000 A")?;
        bad("voltage_v", &self.voltage_v, 0.0, 2_000.0, "0 to 2000 V")?;
        bad("temp_c", &self.temp_c, -80.0, 200.0, "-80 to 200 °C")?;
        bad("soc", &[self.soc], 0.0, 1.0, "0 to 1")?;
        bad("ambient_c", &[self.ambient_c], -60.0, 100.0, "-60 to 100 °C")
    }

    fn lacks(&self, rule: &'static str) -> EstimationError {
        EstimationError::Record { record: self.name.clone(), rule }
    }

    /// Runs `model` along the currents of this record, from rest at its first temperature.
    ///
    /// # Errors
    /// [`EstimationError::Model`] when a gap between samples is longer than a step may be.
    pub fn simulate(&self, model: &EcmModel, factors: CellFactors) -> Result<Trace, EstimationError> {
        let start_c = self.temp_c.first().copied().unwrap_or(self.ambient_c);
        let mut state = EcmState::resting(self.soc, start_c);
        let mut trace = Trace::default();
        let mut steps = Steps::default();
        let mut before_s = self.t_s.first().copied().unwrap_or(0.0);
        for (t_s, current_a) in self.t_s.iter().zip(&self.current_a) {
            let step = steps.of(model, t_s - before_s)?;
            before_s = *t_s;
            let output = model.step_clamped(step, &mut state, factors, self.ambient_c, *current_a);
            trace.soc.push(state.soc);
            trace.voltage_v.push(output.voltage_v);
            trace.temp_c.push(state.temp_c);
        }
        Ok(trace)
    }
}

/// The last few prepared steps: most records have an even cadence.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    known: Vec<StepTable>,
}

impl Steps {
    pub(crate) fn of(&mut self, model: &EcmModel, dt_s: f64) -> Result<&StepTable, EstimationError> {
        let place = match self.known.iter().position(|step| step.dt_s().to_bits() == dt_s.to_bits()) {
            Some(place) => place,
            None => {
                if self.known.len() >= 8 {
                    self.known.remove(0);
                }
                self.known.push(model.step_table(dt_s)?);
                self.known.len() - 1
            }
        };
        Ok(&self.known[place])
    }
}
