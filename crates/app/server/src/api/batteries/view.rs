//! A battery as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;
use voltwin_batteries::{Active, Battery as Known, Facts, PackKind, SensorState, Status, TypeSource};
use voltwin_core::{Severity, Timestamp};
use voltwin_graph::TwinRef;

use super::figures::Bounds;
use crate::network::text;

/// A warning that holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatteryWarning {
    /// `soft-short`, `weak-cell`, `cell-spread`, `thermal`, `current-bias`, `sensor-stuck` or `sensor-implausible`.
    #[schema(value_type = String, example = "soft-short")]
    pub(super) cause: &'static str,
    #[schema(value_type = String, example = "critical")]
    severity: Severity,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The cell, from 1, where it is about one.
    cell: Option<u32>,
    /// The signal over its limit.
    strength: f64,
    message: String,
}

impl From<&Active> for BatteryWarning {
    fn from(active: &Active) -> Self {
        Self {
            cause: active.cause.as_str(),
            severity: active.cause.severity(),
            since: active.since,
            cell: active.cell,
            strength: active.strength,
            message: active.message.clone(),
        }
    }
}

/// A battery beside its pack.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Battery {
    pub(super) id: String,
    /// What it is part of: a vehicle, a storage, a slot of a swap station.
    pub(super) vehicle: Option<String>,
    pub(super) vehicle_name: Option<String>,
    #[schema(example = "NMC")]
    pub(super) chemistry: Option<String>,
    pub(super) capacity_wh: Option<f64>,
    cells_in_series: Option<u32>,
    /// `unknown`, `starting`, `synchronised`, `recovering`, `drifting`, `implausible` or `stale`.
    #[schema(example = "synchronised")]
    pub(super) status: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    status_since: Option<Timestamp>,
    status_reason: Option<String>,
    /// State of charge.
    pub(super) soc: Option<Bounds>,
    /// Capacity over capacity when new.
    pub(super) soh: Option<Bounds>,
    /// Resistance over that of the type when new.
    pub(super) resistance_ratio: Option<Bounds>,
    pub(super) temp_c: Option<Bounds>,
    voltage_v: Option<f64>,
    /// Into the pack.
    current_a: Option<f64>,
    power_w: Option<f64>,
    /// What the pack says of its own charge.
    reported_soc: Option<f64>,
    /// Measured less predicted voltage of a cell.
    pub(super) residual_v: Option<f64>,
    residual_rms_v: Option<f64>,
    /// Reported less estimated charge.
    soc_residual: Option<f64>,
    /// Measured less expected temperature.
    excess_temp_k: Option<f64>,
    /// How much it asks to be looked at.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub(super) risk: f64,
    pub(super) warnings: Vec<BatteryWarning>,
    /// When it last said something.
    #[schema(value_type = Option<String>, format = DateTime)]
    observed_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

pub(super) fn status_word(status: Status) -> String {
    status.as_str().to_ascii_lowercase()
}

impl Battery {
    pub(super) fn of(twin: TwinRef<'_>, known: &Known) -> Self {
        let live = &known.live;
        let facts = Facts::of(twin);
        let owner = ["hasPack", "holds"].into_iter().find_map(|name| twin.related_from(name).next());
        let reason = match (&facts, live.estimate) {
            (Err(reason), _) => Some(reason.clone()),
            (Ok(_), None) => Some("nothing has been read of it yet".to_owned()),
            _ => live.reason.clone(),
        };
        let estimate = live.estimate.as_ref();
        let measured = &live.measured;
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        Self {
            id: twin.id().to_string(),
            vehicle: owner.map(|owner| owner.id().to_string()),
            vehicle_name: owner.and_then(|owner| text(&owner, "name")),
            chemistry: facts
                .as_ref()
                .ok()
                .map(|facts| facts.chemistry.clone())
                .or_else(|| text(&twin, "chemistry")),
            capacity_wh: facts.as_ref().ok().map(|facts| facts.capacity_wh),
            cells_in_series: facts.as_ref().ok().map(|facts| facts.series),
            status: status_word(if estimate.is_some() { live.status } else { Status::Unknown }),
            status_since: live.status_since,
            status_reason: reason,
            soc: estimate.map(|estimate| estimate.soc.into()),
            soh: estimate.map(|estimate| estimate.soh.into()),
            resistance_ratio: estimate.map(|estimate| estimate.resistance_factor.into()),
            temp_c: estimate.map(|estimate| estimate.temp_c.into()),
            voltage_v: finite(measured.voltage_v),
            current_a: finite(measured.current_a),
            power_w: finite(measured.voltage_v.zip(measured.current_a).map(|(v, a)| v * a)),
            reported_soc: finite(measured.soc),
            residual_v: estimate.map(|estimate| estimate.residual_v),
            residual_rms_v: estimate.map(|estimate| estimate.residual_rms_v),
            soc_residual: finite(live.soc_residual()),
            excess_temp_k: finite(live.excess_temp_k()),
            risk: live.risk(),
            warnings: live.warnings.iter().map(BatteryWarning::from).collect(),
            observed_at: live.at,
            updated_at: twin.updated(),
        }
    }
}

/// What is thought of its sensors: `silent`, `ok`, `stuck`, `implausible` or `biased`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatterySensors {
    #[schema(value_type = String, example = "ok")]
    voltage: SensorState,
    #[schema(value_type = String, example = "biased")]
    current: SensorState,
    #[schema(value_type = String, example = "ok")]
    temperature: SensorState,
    /// What the current sensor shows that does not flow.
    current_bias_a: Option<Bounds>,
    /// Readings that came after newer ones and were not used.
    late_readings: u64,
}

/// What it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatteryType {
    /// Where this comes from: `pack`, `model` or `chemistry`.
    #[schema(example = "pack")]
    source: String,
    cell_capacity_ah: f64,
    cell_resistance_ohm: f64,
    cell_voltage_min_v: f64,
    cell_voltage_max_v: f64,
    /// The parameter set of its physics.
    #[schema(example = "Chen2020")]
    set: String,
    /// The cell whose ageing stands for it.
    ageing_cell: String,
}

/// Its cells, in series.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatteryCells {
    voltage_v: Vec<f64>,
    temp_c: Vec<f64>,
    /// From the voltages, where the current is small enough to tell.
    soc: Vec<f64>,
}

/// All that is known of a battery.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatteryDetail {
    #[serde(flatten)]
    pub(super) battery: Battery,
    sensors: BatterySensors,
    #[serde(rename = "type")]
    kind: Option<BatteryType>,
    cells: BatteryCells,
}

impl BatteryDetail {
    pub(super) fn of(twin: TwinRef<'_>, known: &Known) -> Self {
        let live = &known.live;
        let kind = match &known.kind {
            Some(kind) => kind.clone().ok(),
            None => Facts::of(twin).and_then(PackKind::new).ok(),
        };
        Self {
            battery: Battery::of(twin, known),
            sensors: BatterySensors {
                voltage: live.sensors.voltage,
                current: live.sensors.current,
                temperature: live.sensors.temperature,
                current_bias_a: live.estimate.map(|estimate| estimate.current_bias_a.into()),
                late_readings: live.late,
            },
            cells: BatteryCells {
                voltage_v: live.measured.cell_v.clone(),
                temp_c: live.measured.cell_temp_c.clone(),
                soc: kind.as_ref().map(|kind| live.cell_soc(kind)).unwrap_or_default(),
            },
            kind: kind.map(|kind| {
                let source = match kind.facts.source {
                    TypeSource::Pack => "pack",
                    TypeSource::Model => "model",
                    TypeSource::Chemistry => "chemistry",
                };
                BatteryType {
                    source: source.to_owned(),
                    cell_capacity_ah: kind.cell_capacity_ah,
                    cell_resistance_ohm: kind.cell_resistance_ohm,
                    cell_voltage_min_v: kind.cell_limits_v[0],
                    cell_voltage_max_v: kind.cell_limits_v[1],
                    set: kind.set.to_owned(),
                    ageing_cell: kind.ageing.facts().name.to_owned(),
                }
            }),
        }
    }
}
