//! What a vehicle says of its pack: the truth through sensors, and through a gauge for the driver.
//!
//! Sensors of production vehicles, as standard deviations over vehicles: current to 0.3 A and 0.3 %, pack voltage to
//! 0.05 %, cell voltages to 1 mV, temperatures to 0.5 K, all with noise; the state of charge that a vehicle shows is off
//! by one to two points. A moment that is read twice reads the same.

use serde::Deserialize;
use voltwin_battery::{Pack, PackFault, Stream};

use super::scenario::PackSpec;

/// What goes wrong with a sensor while the pack itself is sound.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SensorFault {
    /// The current sensor shows so much more, in A.
    CurrentBias { bias_a: f64 },
    /// The temperature sensors say this for ever, in °C.
    StuckTemperature { temp_c: f64 },
}

/// What a pack really is; kept in the simulator, for tests of those who estimate it.
#[derive(Debug, Clone, PartialEq)]
pub struct PackTruth {
    /// Mean state of charge, `0..=1`.
    pub soc: f64,
    /// State of charge of each series group, `0..=1`.
    pub cell_soc: Vec<f64>,
    /// Capacity now over capacity when new, without a weak cell.
    pub soh: f64,
    /// Mean temperature in °C.
    pub temp_c: f64,
    /// Current into it in A.
    pub current_a: f64,
    /// Whether something is wrong with it or its sensors by now.
    pub faulty: bool,
}

/// What the vehicle says of its pack at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) soc: f64,
    pub(crate) voltage_v: f64,
    pub(crate) current_a: f64,
    pub(crate) temp_c: f64,
    pub(crate) cell_voltage_v: Vec<f64>,
    pub(crate) cell_temp_c: Vec<f64>,
    pub(crate) cell_soc: Vec<f64>,
}

/// The sensors of one pack, each with errors of its own that last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sensors {
    seed: u64,
    pack: String,
    current_offset_a: f64,
    current_gain: f64,
    voltage_gain: f64,
    temp_offset_k: f64,
    cell_offset_v: Vec<f64>,
    soc_offset: f64,
    soc_gain: f64,
    soh: f64,
    /// What goes wrong with the pack and with its sensors, and when.
    defect: Option<PackFault>,
    broken: Option<SensorFault>,
    after_s: f64,
    begun: bool,
}

impl Sensors {
    pub(crate) fn new(spec: &PackSpec, seed: u64) -> Self {
        let mut stream = Stream::named(seed, "sensors", &spec.id);
        Self {
            seed,
            pack: spec.id.clone(),
            current_offset_a: 0.3 * stream.bell(),
            current_gain: 1.0 + 0.003 * stream.bell(),
            voltage_gain: 1.0 + 0.0005 * stream.bell(),
            temp_offset_k: 0.5 * stream.bell(),
            soc_offset: 0.01 * stream.bell(),
            soc_gain: 0.03 * stream.bell(),
            soh: (spec.soh + 0.015 * stream.bell()).clamp(0.3, 1.0),
            cell_offset_v: (0..spec.cells_series).map(|_| 0.001 * stream.bell()).collect(),
            defect: spec.fault,
            broken: spec.sensor_fault,
            after_s: spec.fault_after_s,
            begun: false,
        }
    }

    /// Lets faults begin when their time has come, once.
    pub(crate) fn age(&mut self, pack: &mut Pack, elapsed_s: f64) {
        if self.begun || elapsed_s < self.after_s {
            return;
        }
        self.begun = true;
        // the scenario was checked with the number of cells of this pack
        if let Some(Err(error)) = self.defect.map(|defect| pack.break_down(defect)) {
            tracing::warn!(pack = self.pack, %error, "a fault could not begin");
        }
    }

    /// Whether something is wrong by now.
    pub(crate) fn faulty(&self) -> bool {
        self.begun && (self.defect.is_some() || self.broken.is_some())
    }

    /// The state of charge as the vehicle shows it, in steps of half a percent.
    pub(crate) fn soc(&self, soc: f64) -> f64 {
        let shown = soc + self.soc_offset + self.soc_gain * (soc - 0.5);
        (200.0 * shown.clamp(0.0, 1.0)).round() / 200.0
    }

    /// The state of health that the vehicle claims, in percent steps.
    pub(crate) fn soh(&self) -> f64 {
        (100.0 * self.soh).round() / 100.0
    }

    /// Reads everything at one moment.
    pub(crate) fn read(&self, pack: &Pack, elapsed_s: f64) -> Said {
        let mut noise = Stream::named(self.seed ^ elapsed_s.to_bits(), "noise", &self.pack);
        let state = pack.state();
        let broken = self.broken.filter(|_| self.begun);
        let bias_a = match broken {
            Some(SensorFault::CurrentBias { bias_a }) => bias_a,
            _ => 0.0,
        };
        let current_a =
            self.current_gain * state.current_a + self.current_offset_a + bias_a + 0.1 * noise.bell();
        let voltage_v = self.voltage_gain * state.voltage_v + 0.1 * noise.bell();
        let stuck = match broken {
            Some(SensorFault::StuckTemperature { temp_c }) => Some(temp_c),
            _ => None,
        };
        let mut warmth = |temp_c: f64| {
            let said_c = temp_c + self.temp_offset_k + 0.1 * noise.bell();
            stuck.unwrap_or(said_c)
        };
        let temp_c = warmth(state.temp_c);
        let cell_temp_c = pack.cell_temp_c().into_iter().map(&mut warmth).collect();
        let cells = pack.cell_voltage_v().into_iter().zip(&self.cell_offset_v);
        let cell_voltage_v = cells.map(|(v, offset_v)| v + offset_v + 0.001 * noise.bell()).collect();
        let cell_soc = pack.cell_soc().into_iter().map(|soc| self.soc(soc)).collect();
        Said { soc: self.soc(state.soc), voltage_v, current_a, temp_c, cell_voltage_v, cell_temp_c, cell_soc }
    }
}
