//! One battery beside its pack.

use serde::{Deserialize, Serialize};
use voltwin_core::{EventBody, PropertyName, Timestamp, Value};
use voltwin_estimation::live::{Bounded, Estimate, PackMemory, Reading, SensorFault, Sync};

use crate::cells::CellFit;
use crate::habit::Habit;
use crate::kind::PackKind;
use crate::warning::{Active, Cause, Found};

/// A reading may be so far ahead of when we heard of it; beyond that the clock of its source is wrong, s.
const AHEAD_S: f64 = 5.0;
/// Without a reading for so long the twin is stale, s.
pub(crate) const STALE_S: f64 = 300.0;
/// Between two looks at the warnings, s.
const JUDGE_S: f64 = 30.0;
/// Between two changes of the twin, s.
const PUBLISH_S: f64 = 5.0;
/// A value that cannot be counts against its sensor for so long, s.
const IMPLAUSIBLE_S: f64 = 60.0;
/// The pack is this much warmer than its twin, K, for so long, s.
const HOT_K: f64 = 8.0;
const HOT_S: f64 = 60.0;
/// One cell is this much warmer than the others, K.
const HOT_CELL_K: f64 = 8.0;
/// A bias of the current sensor that is told, in capacities per hour.
const BIAS_C: f64 = 0.01;
/// How fast the surroundings may be found to have warmed: the time constant of their temperature, s.
const AMBIENT_S: f64 = 43_200.0;
/// What a vehicle says of its charge at the start is believed to within this.
const REPORTED_SD: f64 = 0.05;

/// Whether a twin follows its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Status {
    /// Nothing was read yet, or its type is not known.
    #[default]
    Unknown,
    /// Too little was seen: the charge may be off by more than 5 %.
    Starting,
    /// Residuals are as large as they should be.
    Synchronised,
    /// The charge is being found again after a gap.
    Recovering,
    /// Readings and model have disagreed for a while.
    Drifting,
    /// A sensor is not believed.
    Implausible,
    /// No reading for five minutes.
    Stale,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 7] = [
        Status::Unknown,
        Status::Starting,
        Status::Synchronised,
        Status::Recovering,
        Status::Drifting,
        Status::Implausible,
        Status::Stale,
    ];

    /// The word of the twin's property.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Starting => "Starting",
            Self::Synchronised => "Synchronised",
            Self::Recovering => "Recovering",
            Self::Drifting => "Drifting",
            Self::Implausible => "Implausible",
            Self::Stale => "Stale",
        }
    }
}

/// What a pack said last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Pack voltage, V.
    pub voltage_v: Option<f64>,
    /// Pack current, A, charging positive.
    pub current_a: Option<f64>,
    /// Temperature, °C.
    pub temp_c: Option<f64>,
    /// Its own opinion of its charge.
    pub soc: Option<f64>,
    /// Voltage of every cell, V.
    pub cell_v: Vec<f64>,
    /// Temperature of every cell, °C.
    pub cell_temp_c: Vec<f64>,
}

impl Measured {
    /// What of a change is a reading of a pack; `None` where nothing is.
    pub(crate) fn of(body: &EventBody) -> Option<Self> {
        let mut read = Self::default();
        let mut any = false;
        let mut take = |name: &PropertyName, value: Option<&Value>| {
            let Some(value) = value else { return };
            let place = match name.as_str() {
                "voltage_v" => &mut read.voltage_v,
                "current_a" => &mut read.current_a,
                "temp_c" => &mut read.temp_c,
                "soc" => &mut read.soc,
                "cell_voltage_v" => return read.cell_v = numbers(value),
                "cell_temp_c" => return read.cell_temp_c = numbers(value),
                _ => return,
            };
            *place = value.as_f64();
            any |= place.is_some();
        };
        match body {
            EventBody::Patched { values } | EventBody::Retyped { values, .. } => {
                values.iter().for_each(|(name, value)| take(name, value.as_ref()));
            }
            EventBody::Created { properties, .. } => {
                properties.iter().for_each(|(name, value)| take(name, Some(value)));
            }
            _ => {}
        }
        (any || !read.cell_v.is_empty()).then_some(read)
    }

    fn keep(&mut self, newer: Self) {
        self.voltage_v = newer.voltage_v.or(self.voltage_v);
        self.current_a = newer.current_a.or(self.current_a);
        self.temp_c = newer.temp_c.or(self.temp_c);
        self.soc = newer.soc.or(self.soc);
        if !newer.cell_v.is_empty() {
            self.cell_v = newer.cell_v;
        }
        if !newer.cell_temp_c.is_empty() {
            self.cell_temp_c = newer.cell_temp_c;
        }
    }
}

/// A list of numbers; empty where one is none.
fn numbers(value: &Value) -> Vec<f64> {
    let Value::Json(json) = value else { return Vec::new() };
    let list = json.as_array().filter(|list| list.len() <= 2_000);
    list.and_then(|list| list.iter().map(serde_json::Value::as_f64).collect()).unwrap_or_default()
}

/// What is thought of one sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorState {
    /// Nothing was heard of it.
    #[default]
    Silent,
    /// It is believed.
    Ok,
    /// It shows the same though it must move.
    Stuck,
    /// It shows what cannot be.
    Implausible,
    /// It is off by a constant, which is taken out.
    Biased,
}

/// What is thought of a pack's sensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sensors {
    /// Voltage.
    pub voltage: SensorState,
    /// Current.
    pub current: SensorState,
    /// Temperature.
    pub temperature: SensorState,
}

/// Why a reading was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// It is older than what was seen.
    Older,
}

/// All that is known of one battery.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Live {
    memory: Option<PackMemory>,
    /// What is known of its state.
    pub estimate: Option<Estimate>,
    /// What it said last.
    pub measured: Measured,
    /// When it said so.
    pub at: Option<Timestamp>,
    /// Readings that came after newer ones.
    pub late: u64,
    /// Whether the twin follows its pack.
    pub status: Status,
    /// Since when that is so.
    pub status_since: Option<Timestamp>,
    /// Why, where it does not.
    pub reason: Option<String>,
    /// Warnings that hold, sorted by cause.
    pub warnings: Vec<Active>,
    /// Its usual day.
    pub habit: Habit,
    expected_c: Option<f64>,
    ambient_c: Option<f64>,
    hot_s: f64,
    cells: CellFit,
    implausible: Option<(Timestamp, String)>,
    judged: Option<Timestamp>,
    published: Option<Timestamp>,
    /// What is thought of its sensors.
    pub sensors: Sensors,
}

impl Live {
    /// Takes what the pack said at `at`, of which we heard at `received`.
    ///
    /// # Errors
    /// Where it is not used, why.
    pub fn read(
        &mut self,
        kind: &PackKind,
        at: Timestamp,
        received: Timestamp,
        read: Measured,
    ) -> Result<(), Late> {
        let at = if at.seconds_since(received) > AHEAD_S { received } else { at };
        if self.at.is_some_and(|last| at < last) {
            self.late = self.late.saturating_add(1);
            return Err(Late::Older);
        }
        let dt_s = self.at.map_or(0.0, |last| at.seconds_since(last));
        let estimator = kind.estimator();
        let starting = self.memory.is_none();
        let memory =
            self.memory.get_or_insert_with(|| estimator.start(read.soc.map(|soc| (soc, REPORTED_SD))));
        // its own opinion is one look at the charge and not one a second: it is asked again after a gap only
        let asked = !starting && dt_s > estimator.config().hold_s;
        let reading = Reading {
            t_s: seconds(at),
            current_a: read.current_a,
            voltage_v: read.voltage_v,
            temp_c: read.temp_c,
            ambient_c: None,
            soc: read.soc.filter(|_| asked),
        };
        let estimate = estimator.update(memory, &reading);
        self.at = Some(at);
        self.note_sensors(kind, at, &read, estimate);
        self.warm(kind, &read, estimate.resistance_factor.value, dt_s);
        if !read.cell_v.is_empty()
            && let Some(current_a) = read.current_a.or(self.measured.current_a)
        {
            let biased_a = current_a - estimate.current_bias_a.value;
            self.cells.look(kind, seconds(at), biased_a, estimate.soc.value, &read.cell_v);
        }
        self.habit.note(at, estimate.soc.value, estimate.temp_c.value.clamp(-40.0, 80.0));
        self.measured.keep(read);
        self.estimate = Some(estimate);
        self.judge(kind, at);
        Ok(())
    }

    /// Measured less expected temperature, K.
    #[must_use]
    pub fn excess_temp_k(&self) -> Option<f64> {
        Some(self.measured.temp_c.filter(|c| c.is_finite())? - self.expected_c?)
    }

    /// Reported less estimated charge.
    #[must_use]
    pub fn soc_residual(&self) -> Option<f64> {
        Some(self.measured.soc? - self.estimate?.soc.value)
    }

    /// How much it asks to be looked at, 0 to 1: warnings, lost health, heat, and a twin that does not follow.
    #[must_use]
    pub fn risk(&self) -> f64 {
        let mut safe: f64 = self.warnings.iter().map(|warning| 1.0 - warning.cause.weight()).product();
        if let Some(estimate) = &self.estimate {
            safe *= 1.0 - 0.5 * (1.0 - estimate.soh.value).clamp(0.0, 1.0);
            safe *= 1.0 - ((estimate.temp_c.value - 35.0) / 40.0).clamp(0.0, 0.5);
        }
        let lost = matches!(self.status, Status::Drifting | Status::Implausible);
        1.0 - safe * if lost { 0.9 } else { 1.0 }
    }

    /// Its charge by cell, where the current is small enough to tell.
    #[must_use]
    pub fn cell_soc(&self, kind: &PackKind) -> Vec<f64> {
        let Some(current_a) = self.measured.current_a else { return Vec::new() };
        if current_a.abs() > 0.5 * kind.cell_capacity_ah {
            return Vec::new();
        }
        let rest = |v: &f64| kind.soc_at_rest(v - current_a * kind.cell_resistance_ohm).0;
        self.measured.cell_v.iter().map(rest).collect()
    }

    fn note_sensors(&mut self, kind: &PackKind, at: Timestamp, read: &Measured, estimate: Estimate) {
        let heard = |value: Option<f64>, before: SensorState| match (value, before) {
            (Some(_), _) => SensorState::Ok,
            (None, before) => before,
        };
        let mut sensors = Sensors {
            voltage: heard(read.voltage_v, self.sensors.voltage),
            current: heard(read.current_a, self.sensors.current),
            temperature: heard(read.temp_c, self.sensors.temperature),
        };
        match estimate.fault {
            Some(SensorFault::Implausible) => {
                let (name, value) = kind.impossible(read).unwrap_or(("a reading", f64::NAN));
                self.implausible = Some((at, format!("`{name}` was {value}, which such a pack cannot have")));
                match name {
                    "voltage_v" => sensors.voltage = SensorState::Implausible,
                    "current_a" => sensors.current = SensorState::Implausible,
                    "temp_c" => sensors.temperature = SensorState::Implausible,
                    _ => {}
                }
            }
            Some(SensorFault::VoltageStuck) => sensors.voltage = SensorState::Stuck,
            Some(SensorFault::CurrentStuck) => sensors.current = SensorState::Stuck,
            Some(SensorFault::TemperatureStuck) => sensors.temperature = SensorState::Stuck,
            None => {}
        }
        if self.implausible.as_ref().is_some_and(|(since, _)| at.seconds_since(*since) > IMPLAUSIBLE_S) {
            self.implausible = None;
        }
        if sensors.current == SensorState::Ok
            && biased(kind, estimate.current_bias_a, self.open(Cause::CurrentBias))
        {
            sensors.current = SensorState::Biased;
        }
        self.sensors = sensors;
        let (status, reason) = if let Some((_, reason)) = &self.implausible {
            (Status::Implausible, Some(reason.clone()))
        } else if let Some(fault) = estimate.fault {
            let sensor = match fault {
                SensorFault::VoltageStuck => "voltage",
                SensorFault::CurrentStuck => "current",
                _ => "temperature",
            };
            (
                Status::Implausible,
                Some(format!("the {sensor} has shown the same value though it must have moved")),
            )
        } else {
            match estimate.sync {
                Sync::Starting => (Status::Starting, None),
                Sync::Synchronised => (Status::Synchronised, None),
                Sync::Recovering => (Status::Recovering, Some("there was a gap in the readings".to_owned())),
                Sync::Degraded => {
                    let millivolts = 1e3 * estimate.residual_rms_v;
                    (Status::Drifting, Some(format!("the voltage has been off by {millivolts:.0} mV a cell")))
                }
            }
        };
        self.become_status(at, status, reason);
    }

    pub(crate) fn become_status(&mut self, at: Timestamp, status: Status, reason: Option<String>) {
        if self.status != status || self.status_since.is_none() {
            self.status = status;
            self.status_since = Some(at);
            self.published = None;
        }
        self.reason = reason;
    }

    /// Where the temperature should be: the losses warm the pack, the surroundings cool it.
    fn warm(&mut self, kind: &PackKind, read: &Measured, resistance_ratio: f64, dt_s: f64) {
        let believed = self.sensors.temperature == SensorState::Ok;
        let Some(temp_c) = read.temp_c.filter(|_| believed) else { return };
        let before_c = self.ambient_c.unwrap_or(temp_c);
        // nothing cools a pack below its surroundings, so they are no warmer than it; they warm slowly
        let rise_c = (temp_c - before_c) * (1.0 - (-dt_s / AMBIENT_S).exp());
        let ambient_c = temp_c.min(before_c + rise_c.max(0.0));
        self.ambient_c = Some(ambient_c);
        let current_a = read.current_a.or(self.measured.current_a).unwrap_or(0.0);
        let expected_c = self.expected_c.unwrap_or(temp_c);
        let expected_c = kind.warmed(expected_c, ambient_c, current_a, resistance_ratio, dt_s);
        self.expected_c = Some(expected_c);
        let limit_k = if self.open(Cause::Thermal) { 0.6 * HOT_K } else { HOT_K };
        self.hot_s = if temp_c - expected_c > limit_k { self.hot_s + dt_s } else { 0.0 };
    }

    fn open(&self, cause: Cause) -> bool {
        self.warnings.iter().any(|warning| warning.cause == cause)
    }

    fn judge(&mut self, kind: &PackKind, at: Timestamp) {
        if self.judged.is_some_and(|last| at.seconds_since(last) < JUDGE_S) {
            return;
        }
        self.judged = Some(at);
        let Some(estimate) = self.estimate else { return };
        let mut found = self.cells.judge(estimate.soc.value, |cause| self.open(cause));
        found.extend(self.hot());
        if self.sensors.current == SensorState::Biased {
            let bias_a = estimate.current_bias_a;
            let message = format!("the current sensor shows {:.1} A that do not flow", bias_a.value);
            let strength = bias_a.value.abs() / (BIAS_C * kind.cell_capacity_ah);
            found.push(Found { cause: Cause::CurrentBias, cell: None, strength, message });
        }
        if self.status == Status::Implausible {
            let cause =
                if self.implausible.is_some() { Cause::SensorImplausible } else { Cause::SensorStuck };
            let message = self.reason.clone().unwrap_or_default();
            found.push(Found { cause, cell: None, strength: 1.0, message });
        }
        found.sort_by_key(|found| found.cause);
        let before = std::mem::take(&mut self.warnings);
        self.warnings = found
            .into_iter()
            .map(|found| {
                let known = before.iter().find(|warning| warning.cause == found.cause);
                let Found { cause, cell, strength, message } = found;
                Active { cause, since: known.map_or(at, |warning| warning.since), cell, strength, message }
            })
            .collect();
        if !before.iter().map(|w| w.cause).eq(self.warnings.iter().map(|w| w.cause)) {
            self.published = None;
        }
    }

    fn hot(&self) -> Option<Found> {
        if self.hot_s >= HOT_S {
            let excess_k = self.excess_temp_k()?;
            let message = format!("the pack is {excess_k:.0} K warmer than its losses explain");
            return Some(Found { cause: Cause::Thermal, cell: None, strength: excess_k / HOT_K, message });
        }
        let cells = &self.measured.cell_temp_c;
        let mut sorted = cells.clone();
        sorted.sort_by(f64::total_cmp);
        let middle_c = *sorted.get(sorted.len() / 2)?;
        let (hottest, temp_c) = cells.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        let excess_k = temp_c - middle_c;
        let limit_k = if self.open(Cause::Thermal) { 0.6 * HOT_CELL_K } else { HOT_CELL_K };
        (excess_k > limit_k && (-50.0..150.0).contains(temp_c)).then(|| Found {
            cause: Cause::Thermal,
            cell: Some(hottest as u32 + 1),
            strength: excess_k / HOT_CELL_K,
            message: format!("cell {} is {excess_k:.0} K warmer than the others", hottest + 1),
        })
    }

    /// What the twin is told now; `None` where it was told a moment ago and nothing but digits has changed.
    pub(crate) fn tell(&mut self, at: Timestamp) -> Option<Vec<(&'static str, Value)>> {
        if self.published.is_some_and(|last| at.seconds_since(last) < PUBLISH_S) {
            return None;
        }
        self.published = Some(at);
        let mut values: Vec<(&'static str, Value)> = Vec::new();
        if let Some(estimate) = &self.estimate {
            let bounded: [([&'static str; 3], Bounded, i32); 4] = [
                (["estimated_soc", "estimated_soc_low", "estimated_soc_high"], estimate.soc, 4),
                (["estimated_soh", "estimated_soh_low", "estimated_soh_high"], estimate.soh, 4),
                (
                    ["estimated_resistance", "estimated_resistance_low", "estimated_resistance_high"],
                    estimate.resistance_factor,
                    3,
                ),
                (["estimated_temp_c", "estimated_temp_low_c", "estimated_temp_high_c"], estimate.temp_c, 2),
            ];
            for (names, bound, digits) in bounded {
                let numbers = [bound.value, bound.low, bound.high];
                values.extend(names.into_iter().zip(numbers.map(|x| rounded(x, digits))));
            }
            values.push(("residual_v", rounded(estimate.residual_v, 4)));
        }
        if let Some(excess_k) = self.excess_temp_k() {
            values.push(("excess_temp_k", rounded(excess_k, 2)));
        }
        values.push(("sync_status", self.status.as_str().into()));
        values.push(("sync_reason", self.reason.clone().unwrap_or_default().into()));
        let causes: Vec<&str> = self.warnings.iter().map(|warning| warning.cause.as_str()).collect();
        values.push(("warnings", Value::from(serde_json::json!(causes))));
        Some(values)
    }
}

impl PackKind {
    /// The first value of a reading that such a pack cannot have.
    fn impossible(&self, read: &Measured) -> Option<(&'static str, f64)> {
        let series = f64::from(self.facts.series);
        let [low_v, high_v] = self.estimator().model().parameters().limits_v;
        let most_a = self.estimator().model().current_max_a();
        let limits = [
            ("voltage_v", read.voltage_v, series * (low_v - 0.7), series * (high_v + 0.5)),
            ("current_a", read.current_a, -most_a, most_a),
            ("temp_c", read.temp_c, -50.0, 110.0),
            ("soc", read.soc, 0.0, 1.0),
        ];
        limits.into_iter().find_map(|(name, value, low, high)| {
            value.filter(|value| !(low..=high).contains(value)).map(|value| (name, value))
        })
    }
}

fn biased(kind: &PackKind, bias_a: Bounded, open: bool) -> bool {
    let limit_a = BIAS_C * kind.cell_capacity_ah * if open { 0.6 } else { 1.0 };
    bias_a.low > limit_a || bias_a.high < -limit_a
}

fn seconds(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}

fn rounded(value: f64, digits: i32) -> Value {
    let scale = 10_f64.powi(digits);
    let value = (value * scale).round() / scale;
    Value::from(if value.is_finite() { value } else { 0.0 })
}
