//! A cell's parameters from its tests, with their uncertainty, and how well they do on tests that were left out.

mod form;

use serde::{Deserialize, Serialize};
use voltwin_battery::ecm::{CellFactors, EcmModel, EcmParameters};

use form::Layout;
pub use form::{CircuitForm, OpenCircuit};

use crate::least_squares::{self, Limits};
use crate::{EstimationError, Record};

/// What the misfit is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// One unit of misfit in voltage, in V.
    pub voltage_v: f64,
    /// One unit of misfit in temperature, in K.
    pub temp_k: f64,
    /// Voltages below are not fitted and not counted, in V.
    pub above_v: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { voltage_v: 0.01, temp_k: 1.0, above_v: 2.8 }
    }
}

/// A parameter as found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its name, with the state of charge behind `@`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its standard deviation.
    pub deviation: f64,
}

/// Misfit of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Misfit {
    /// The record.
    pub record: String,
    /// Samples counted.
    pub samples: usize,
    /// Root mean square of simulated less measured voltage in V.
    pub voltage_rms_v: f64,
    /// Largest magnitude in V.
    pub voltage_max_v: f64,
    /// Simulated less measured highest temperature in K; 0 without a measured temperature.
    pub peak_temp_k: f64,
    /// Root mean square of the temperature misfit in K.
    pub temp_rms_k: f64,
}

/// The result of [`identify`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identification {
    /// The circuit, ready for use.
    pub parameters: EcmParameters,
    /// Every sought number with its uncertainty.
    pub found: Vec<Found>,
    /// Misfit of the records that were fitted.
    pub fit: Vec<Misfit>,
    /// Jacobians computed.
    pub iterations: usize,
    /// Whether the search ended by itself.
    pub converged: bool,
}

/// Fits a circuit of `form` around the open-circuit curve to `records`.
///
/// The covariance is `(JᵀJ)⁻¹` times the misfit's variance, counted over independent samples only: a series whose
/// misfit has a correlation `r` from sample to sample is worth `(1 - r)/(1 + r)` of its length.
///
/// # Errors
/// Bad records, settings out of range, and data that do not determine the parameters.
pub fn identify(
    name: &str,
    form: CircuitForm,
    open: OpenCircuit,
    records: &[Record],
    weights: Weights,
    limits: Limits,
) -> Result<Identification, EstimationError> {
    records.iter().try_for_each(Record::check)?;
    if records.is_empty() {
        return Err(EstimationError::Fit("there is no record to fit"));
    }
    let layout = Layout::new(form, open)?;
    let mut residuals = |x: &[f64]| residuals(&layout, records, weights, x);
    let start = vec![0.0; layout.unknowns.len()];
    let bounds: Vec<(f64, f64)> = layout.unknowns.iter().map(|unknown| unknown.bounds).collect();
    let minimum = least_squares::minimise(&mut residuals, &start, &bounds, limits)?;

    let parameters = layout.circuit(name, &minimum.at);
    let model = EcmModel::new(parameters.clone())?;
    let inflation = misfit_variance(&model, records, weights)?;
    let found = layout
        .unknowns
        .iter()
        .zip(&minimum.at)
        .enumerate()
        .map(|(index, (unknown, x))| Found {
            name: unknown.name.clone(),
            value: unknown.value(*x),
            deviation: unknown.deviation(*x, (minimum.covariance[index][index] * inflation).sqrt()),
        })
        .collect();
    Ok(Identification {
        parameters,
        found,
        fit: misfits(&model, records, weights)?,
        iterations: minimum.iterations,
        converged: minimum.converged,
    })
}

/// How far `model` is from each record.
///
/// # Errors
/// Bad records.
pub fn misfits(
    model: &EcmModel,
    records: &[Record],
    weights: Weights,
) -> Result<Vec<Misfit>, EstimationError> {
    records
        .iter()
        .map(|record| {
            record.check()?;
            let trace = record.simulate(model, CellFactors::default())?;
            let off_v: Vec<f64> = (0..record.t_s.len())
                .filter(|k| record.voltage_v[*k] > weights.above_v)
                .map(|k| trace.voltage_v[k] - record.voltage_v[k])
                .collect();
            let off_k: Vec<f64> = trace.temp_c.iter().zip(&record.temp_c).map(|(a, b)| a - b).collect();
            let peak = |series: &[f64]| series.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let measured = !record.temp_c.is_empty();
            Ok(Misfit {
                record: record.name.clone(),
                samples: off_v.len(),
                voltage_rms_v: rms(&off_v),
                voltage_max_v: off_v.iter().fold(0.0, |most: f64, v| most.max(v.abs())),
                peak_temp_k: if measured { peak(&trace.temp_c) - peak(&record.temp_c) } else { 0.0 },
                temp_rms_k: rms(&off_k),
            })
        })
        .collect()
}

/// Root mean square over all counted samples of several records in V.
#[must_use]
pub fn overall_rms_v(misfits: &[Misfit]) -> f64 {
    let samples: usize = misfits.iter().map(|m| m.samples).sum();
    let squares: f64 = misfits.iter().map(|m| m.voltage_rms_v.powi(2) * m.samples as f64).sum();
    if samples == 0 { 0.0 } else { (squares / samples as f64).sqrt() }
}

fn rms(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt()
    }
}

fn residuals(
    layout: &Layout,
    records: &[Record],
    weights: Weights,
    x: &[f64],
) -> Result<Vec<f64>, EstimationError> {
    let model = layout.model(x)?;
    let mut out = Vec::new();
    for record in records {
        let trace = record.simulate(&model, CellFactors::default())?;
        for k in 0..record.t_s.len() {
            // A fixed count of residuals at any x: what is not fitted counts as fitting.
            let counted = record.voltage_v[k] > weights.above_v;
            out.push(if counted {
                (trace.voltage_v[k] - record.voltage_v[k]) / weights.voltage_v
            } else {
                0.0
            });
        }
        for (simulated, measured) in trace.temp_c.iter().zip(&record.temp_c) {
            out.push((simulated - measured) / weights.temp_k);
        }
    }
    out.extend(layout.unknowns.iter().zip(x).map(|(unknown, x)| x / unknown.spread));
    for run in &layout.runs {
        let nodes = &x[run.clone()];
        out.extend(nodes.windows(2).map(|pair| (pair[1] - pair[0]) / 0.5));
    }
    Ok(out)
}

/// Mean square misfit in units of the weights, times how many samples stand for one independent one.
fn misfit_variance(model: &EcmModel, records: &[Record], weights: Weights) -> Result<f64, EstimationError> {
    let (mut squares, mut neighbours, mut samples) = (0.0, 0.0, 0.0);
    for record in records {
        let trace = record.simulate(model, CellFactors::default())?;
        let off: Vec<f64> = (0..record.t_s.len())
            .filter(|k| record.voltage_v[*k] > weights.above_v)
            .map(|k| (trace.voltage_v[k] - record.voltage_v[k]) / weights.voltage_v)
            .collect();
        squares += off.iter().map(|v| v * v).sum::<f64>();
        neighbours += off.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        samples += off.len() as f64;
    }
    if samples == 0.0 || squares == 0.0 {
        return Ok(1.0);
    }
    let correlation = (neighbours / squares).clamp(0.0, 0.999);
    Ok(squares / samples * (1.0 + correlation) / (1.0 - correlation))
}
