//! Meter values: defaults, units and exact decimals.
//!
//! The defaults are those of the protocol: a sample without measurand is `Energy.Active.Import.Register`, an
//! energy without unit is in Wh. Kilo-units and `unitOfMeasure.multiplier` are multiplied out, Fahrenheit and
//! kelvin become Celsius. A number is taken from its text, never through a float.

use std::str::FromStr;

use voltwin_core::{Decimal, MeterSample, Timestamp};

use crate::{ErrorCode, Violation};

/// The energy register of a charging session.
pub(crate) const REGISTER: &str = "Energy.Active.Import.Register";

/// One sampled value as the message gives it.
pub(crate) struct RawSample<'a> {
    pub(crate) at: Timestamp,
    pub(crate) value: &'a str,
    pub(crate) measurand: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) multiplier: i64,
    pub(crate) phase: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) context: Option<String>,
}

impl RawSample<'_> {
    /// The sample in our units; `field` is the path for the violation.
    pub(crate) fn normalise(self, field: &str) -> Result<MeterSample, Violation> {
        let measurand = self.measurand.unwrap_or_else(|| REGISTER.to_owned());
        let number = decimal(self.value, field)?;
        let stated = self.unit.unwrap_or_else(|| default_unit(&measurand).to_owned());
        let (value, unit) = scale(number, self.multiplier, &stated).ok_or_else(|| {
            let detail = format!("{number} {stated} × 10^{} is out of range", self.multiplier);
            Violation::new(ErrorCode::PropertyConstraintViolation, field, detail)
        })?;
        Ok(MeterSample {
            at: self.at,
            measurand,
            phase: self.phase,
            location: self.location,
            context: self.context,
            value: value.normalize(),
            unit,
        })
    }
}

/// The exact number that `text` writes, as JSON and OCPP 1.6 write numbers. Digits beyond the 28th decimal
/// place are rounded.
pub(crate) fn decimal(text: &str, field: &str) -> Result<Decimal, Violation> {
    let text = text.trim();
    let parsed = if text.len() > 64 {
        None
    } else if text.bytes().any(|b| matches!(b, b'e' | b'E')) {
        Decimal::from_scientific(text).ok()
    } else if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+')) {
        Decimal::from_str(text).ok()
    } else {
        None
    };
    parsed.map(|d| d.normalize()).ok_or_else(|| {
        let shown = crate::version::clip(text);
        Violation::new(
            ErrorCode::TypeConstraintViolation,
            field,
            format!("`{shown}` is not a decimal number"),
        )
    })
}

fn default_unit(measurand: &str) -> &'static str {
    match measurand {
        m if m.starts_with("Energy.Reactive") => "varh",
        m if m.starts_with("Energy.Apparent") => "VAh",
        m if m.starts_with("Power.Factor") => "",
        m if m.starts_with("Power.Reactive") => "var",
        m if m.starts_with("Power.Apparent") => "VA",
        m if m.starts_with("Power") => "W",
        m if m.starts_with("Current") => "A",
        m if m.starts_with("Voltage") => "V",
        "SoC" => "Percent",
        "Temperature" => "Celsius",
        "Frequency" => "Hertz",
        "RPM" => "",
        _ => "Wh",
    }
}

/// The value and unit in our terms; `None` when the arithmetic overflows.
fn scale(value: Decimal, multiplier: i64, unit: &str) -> Option<(Decimal, String)> {
    let value = value.checked_mul(power_of_ten(multiplier)?)?;
    // Units are free text in 2.x, and stations write `KWh` as well as `kWh`.
    let kilo = ["Wh", "W", "varh", "var", "VAh", "VA", "A", "V", "Hz"].into_iter().find(|base| {
        unit.split_at_checked(1)
            .is_some_and(|(kilo, rest)| kilo.eq_ignore_ascii_case("k") && rest.eq_ignore_ascii_case(base))
    });
    if let Some(base) = kilo {
        return Some((value.checked_mul(Decimal::ONE_THOUSAND)?, name(base).to_owned()));
    }
    let (value, unit) = match unit {
        "Fahrenheit" => (
            (value.checked_sub(Decimal::from(32))?.checked_mul(Decimal::from(5))? / Decimal::from(9))
                .round_dp(6),
            "Celsius",
        ),
        "K" => (value.checked_sub(Decimal::new(27_315, 2))?, "Celsius"),
        "Celcius" => (value, "Celsius"),
        other => (value, name(other)),
    };
    Some((value, unit.to_owned()))
}

fn name(unit: &str) -> &str {
    if unit.eq_ignore_ascii_case("hz") { "Hertz" } else { unit }
}

fn power_of_ten(exponent: i64) -> Option<Decimal> {
    let digits = u32::try_from(exponent.unsigned_abs()).ok().filter(|n| *n <= 12)?;
    if exponent < 0 {
        Decimal::try_from_i128_with_scale(1, digits).ok()
    } else {
        Some(Decimal::from(10_i64.pow(digits)))
    }
}

/// Adds the total of measurands that a station gives by phase only: power and energy add up over the phases.
/// Works on the samples of one instant.
pub(crate) fn add_phase_totals(samples: &mut Vec<MeterSample>, from: usize) {
    let mut totals: Vec<MeterSample> = Vec::new();
    for sample in &samples[from..] {
        let adds_up = matches!(
            sample.measurand.as_str(),
            "Power.Active.Import" | "Power.Active.Export" | REGISTER | "Energy.Active.Export.Register"
        );
        let single = matches!(sample.phase.as_deref(), Some("L1" | "L2" | "L3" | "L1-N" | "L2-N" | "L3-N"));
        if !adds_up || !single {
            continue;
        }
        let same = |other: &MeterSample| {
            other.phase.is_none()
                && other.measurand == sample.measurand
                && other.unit == sample.unit
                && other.location == sample.location
                && other.context == sample.context
        };
        if samples[from..].iter().any(same) {
            continue;
        }
        match totals.iter_mut().find(|total| same(total)) {
            Some(total) => total.value = total.value.saturating_add(sample.value),
            None => totals.push(MeterSample { phase: None, ..sample.clone() }),
        }
    }
    samples.extend(totals);
}

/// The energy register among `samples` in watt-hours: the one with `context` if there is one, else the newest.
pub(crate) fn register_wh(samples: &[MeterSample], context: Option<&str>) -> Option<Decimal> {
    let registers = || {
        samples.iter().filter(|s| {
            s.measurand == REGISTER
                && s.unit == "Wh"
                && s.phase.is_none()
                && matches!(s.location.as_deref(), None | Some("Outlet"))
        })
    };
    context
        .and_then(|wanted| registers().rfind(|s| s.context.as_deref() == Some(wanted)))
        .or_else(|| registers().max_by_key(|s| s.at))
        .map(|s| s.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw<'a>(
        value: &'a str,
        measurand: Option<&str>,
        unit: Option<&str>,
        multiplier: i64,
    ) -> RawSample<'a> {
        RawSample {
            at: Timestamp::from_millis(0),
            value,
            measurand: measurand.map(Into::into),
            unit: unit.map(Into::into),
            multiplier,
            phase: None,
            location: None,
            context: None,
        }
    }

    #[test]
    fn units_and_defaults() {
        for (value, measurand, unit, multiplier, want, want_unit) in [
            ("12.345", None, None, 0, "12.345", "Wh"),
            ("12.345", None, Some("kWh"), 0, "12345", "Wh"),
            ("7.4", Some("Power.Active.Import"), Some("kW"), 0, "7400", "W"),
            ("7.4", Some("Power.Active.Import"), Some("KW"), 0, "7400", "W"),
            ("74", Some("Power.Active.Import"), Some("W"), 2, "7400", "W"),
            ("7400000", Some("Power.Active.Import"), None, -3, "7400", "W"),
            ("212", Some("Temperature"), Some("Fahrenheit"), 0, "100", "Celsius"),
            ("300.15", Some("Temperature"), Some("K"), 0, "27", "Celsius"),
            ("21", Some("Temperature"), Some("Celcius"), 0, "21", "Celsius"),
            ("80", Some("SoC"), None, 0, "80", "Percent"),
            ("50", Some("Frequency"), Some("Hz"), 0, "50", "Hertz"),
            ("1.5e3", None, Some("Wh"), 0, "1500", "Wh"),
            ("0.1", None, Some("KWH"), 0, "100", "Wh"),
            // found by fuzzing: as long in bytes as `kW`, and no `k` to cut off
            ("1", None, Some("λ"), 0, "1", "λ"),
            ("1", None, Some("éW"), 0, "1", "éW"),
        ] {
            let sample = raw(value, measurand, unit, multiplier).normalise("v").unwrap();
            assert_eq!(
                (sample.value.to_string().as_str(), sample.unit.as_str()),
                (want, want_unit),
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused_by_name() {
        for bad in ["", "NaN", "inf", "1,5", "0x1", "1.2.3", "--1", "1e999999999", &"9".repeat(40)] {
            let violation = decimal(bad, "value").unwrap_err();
            assert_eq!(
                (violation.code, violation.field.as_str()),
                (ErrorCode::TypeConstraintViolation, "value"),
                "{bad}"
            );
        }
        assert!(raw("1", None, None, 400).normalise("v").is_err());
        assert!(raw(&"9".repeat(28), None, None, 12).normalise("v").is_err());
    }

    #[test]
    fn phases_add_up_only_without_a_total() {
        let one = |phase: Option<&str>, value: i64| MeterSample {
            at: Timestamp::from_millis(0),
            measurand: "Power.Active.Import".into(),
            phase: phase.map(Into::into),
            location: None,
            context: None,
            value: Decimal::from(value),
            unit: "W".into(),
        };
        let mut samples = vec![one(Some("L1"), 100), one(Some("L2"), 200), one(Some("L3"), 300)];
        add_phase_totals(&mut samples, 0);
        assert_eq!((samples.len(), samples[3].value, &samples[3].phase), (4, Decimal::from(600), &None));
        let mut samples = vec![one(None, 1), one(Some("L1"), 100)];
        add_phase_totals(&mut samples, 0);
        assert_eq!(samples.len(), 2);
    }

    proptest! {
        /// Against text arithmetic: moving the decimal point by three places is what kWh → Wh means.
        #[test]
        fn kilowatt_hours_are_exact(whole in 0u64..1_000_000_000_000, fraction in 0u32..1_000_000) {
            let sample = raw(&format!("{whole}.{fraction:06}"), None, Some("kWh"), 0).normalise("v").unwrap();
            let moved = format!("{whole}{:03}.{:03}", fraction / 1000, fraction % 1000);
            prop_assert_eq!(sample.value, Decimal::from_str(&moved).unwrap());
        }

        #[test]
        fn any_text_is_survived(text in ".*", multiplier in any::<i64>(), unit in ".*") {
            let _ = raw(&text, None, Some(&unit), multiplier).normalise("v");
        }
    }
}
