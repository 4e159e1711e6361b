//! What meter samples say of a connector, in the properties of its twin.

use rust_decimal::prelude::ToPrimitive;
use voltwin_core::{MeterSample, Timestamp, Value};

/// The newest state of a connector that a message's samples describe.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Reading {
    pub(crate) at: Option<Timestamp>,
    pub(crate) power_w: Option<f64>,
    pub(crate) energy_wh: Option<f64>,
    pub(crate) current_a: Option<f64>,
    pub(crate) voltage_v: Option<f64>,
    pub(crate) soc: Option<f64>,
    pub(crate) temp_c: Option<f64>,
}

impl Reading {
    /// Reads the samples of the newest instant for each measurand. Import is positive, export negative. A value of
    /// the whole outlet beats values per phase; of the latter, power is summed, current takes the largest phase
    /// and voltage the mean of phase to neutral.
    pub(crate) fn of(samples: &[MeterSample]) -> Self {
        let import_w = value(samples, "Power.Active.Import", Phases::Sum);
        let export_w = value(samples, "Power.Active.Export", Phases::Sum);
        let import_a = value(samples, "Current.Import", Phases::Largest);
        let export_a = value(samples, "Current.Export", Phases::Largest);
        Self {
            at: samples.iter().map(|sample| sample.at).max(),
            power_w: net(import_w, export_w),
            energy_wh: value(samples, "Energy.Active.Import.Register", Phases::Sum),
            current_a: net(import_a, export_a),
            voltage_v: value(samples, "Voltage", Phases::Mean),
            soc: value(samples, "SoC", Phases::Largest).map(|percent| (percent / 100.0).clamp(0.0, 1.0)),
            temp_c: value(samples, "Temperature", Phases::Largest),
        }
    }

    /// Fills the power in from the energy since an earlier register value, for meters that do not report power.
    /// Gaps under a second or over an hour say nothing about the power now.
    pub(crate) fn derive_power(&mut self, earlier: Option<(Timestamp, f64)>) {
        let (None, Some(at), Some(energy_wh), Some((before, before_wh))) =
            (self.power_w, self.at, self.energy_wh, earlier)
        else {
            return;
        };
        let elapsed_s = at.seconds_since(before);
        if (1.0..=3_600.0).contains(&elapsed_s) && energy_wh >= before_wh {
            self.power_w = Some((energy_wh - before_wh) * 3_600.0 / elapsed_s);
        }
    }

    /// The reading as property values.
    pub(crate) fn values(&self) -> Vec<(&'static str, Value)> {
        [
            ("power_w", self.power_w),
            ("energy_wh", self.energy_wh),
            ("current_a", self.current_a),
            ("voltage_v", self.voltage_v),
            ("soc", self.soc),
            ("temp_c", self.temp_c),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, Value::from(value.filter(|value| value.is_finite())?))))
        .collect()
    }
}

fn net(import: Option<f64>, export: Option<f64>) -> Option<f64> {
    match (import, export) {
        (None, None) => None,
        (import, export) => Some(import.unwrap_or(0.0) - export.unwrap_or(0.0)),
    }
}

#[derive(Clone, Copy)]
enum Phases {
    Sum,
    Largest,
    Mean,
}

fn value(samples: &[MeterSample], measurand: &str, phases: Phases) -> Option<f64> {
    let outlet = |sample: &&MeterSample| {
        sample.measurand == measurand && sample.location.as_deref().is_none_or(|place| place != "Inlet")
    };
    let newest = samples.iter().filter(outlet).map(|sample| sample.at).max()?;
    let of_newest = || samples.iter().filter(outlet).filter(|sample| sample.at == newest);
    if let Some(total) = of_newest().find(|sample| sample.phase.is_none()) {
        return total.value.to_f64();
    }
    let per_phase: Vec<f64> = of_newest()
        .filter(|sample| {
            matches!(sample.phase.as_deref(), Some("L1" | "L2" | "L3" | "L1-N" | "L2-N" | "L3-N"))
        })
        .filter_map(|sample| sample.value.to_f64())
        .collect();
    if per_phase.is_empty() {
        return None;
    }
    let sum: f64 = per_phase.iter().sum();
    Some(match phases {
        Phases::Sum => sum,
        Phases::Largest => per_phase.iter().copied().fold(f64::MIN, f64::max),
        Phases::Mean => sum / per_phase.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use voltwin_core::Decimal;

    fn sample(at_s: i64, measurand: &str, phase: Option<&str>, value: &str) -> MeterSample {
        MeterSample {
            at: Timestamp::from_micros(at_s * 1_000_000),
            measurand: measurand.into(),
            phase: phase.map(str::to_owned),
            location: None,
            context: None,
            value: value.parse::<Decimal>().unwrap(),
            unit: String::new(),
        }
    }

    #[test]
    fn phases_add_up_unless_a_total_is_given() {
        let mut samples = vec![
            sample(1, "Power.Active.Import", Some("L1"), "1000"),
            sample(1, "Power.Active.Import", Some("L2"), "1100"),
            sample(1, "Voltage", Some("L1-N"), "229"),
            sample(1, "Voltage", Some("L2-N"), "231"),
            sample(1, "SoC", None, "47.5"),
        ];
        let reading = Reading::of(&samples);
        assert_eq!(
            (reading.power_w, reading.voltage_v, reading.soc),
            (Some(2100.0), Some(230.0), Some(0.475))
        );
        samples.push(sample(1, "Power.Active.Import", None, "2150"));
        assert_eq!(Reading::of(&samples).power_w, Some(2150.0));
    }

    #[test]
    fn the_newest_instant_counts_and_export_is_negative() {
        let samples = [
            sample(1, "Power.Active.Import", None, "5000"),
            sample(9, "Power.Active.Import", None, "0"),
            sample(9, "Power.Active.Export", None, "3000"),
        ];
        let reading = Reading::of(&samples);
        assert_eq!(reading.power_w, Some(-3000.0));
        assert_eq!(reading.at, Some(Timestamp::from_micros(9_000_000)));
    }

    #[test]
    fn power_follows_from_energy_when_the_meter_is_silent_about_it() {
        let mut reading = Reading::of(&[sample(60, "Energy.Active.Import.Register", None, "1100")]);
        reading.derive_power(Some((Timestamp::from_micros(0), 1000.0)));
        // 100 Wh in 60 s
        assert_eq!(reading.power_w, Some(6000.0));
    }
}
