//! What is done to a cell: stages of current, voltage or power, each with exact ends.

use crate::{CellError, ParameterSet};

/// What is held during a stage. Charging is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// A.
    Current(f64),
    /// V.
    Voltage(f64),
    /// W at the terminals.
    Power(f64),
}

/// What ends a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stop {
    /// s since the stage began.
    After(f64),
    /// The voltage falls to this, V.
    VoltageBelow(f64),
    /// The voltage rises to this, V.
    VoltageAbove(f64),
    /// The current's magnitude falls to this, A.
    CurrentBelow(f64),
    /// The temperature rises to this, K.
    TemperatureAbove(f64),
}

/// One load until the first of its stops.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What is held.
    pub load: Load,
    /// What ends it; at least one.
    pub stops: Vec<Stop>,
}

impl Stage {
    /// A current for a time.
    #[must_use]
    pub fn current_for(current_a: f64, duration_s: f64) -> Self {
        Self { load: Load::Current(current_a), stops: vec![Stop::After(duration_s)] }
    }

    /// No current for a time.
    #[must_use]
    pub fn rest(duration_s: f64) -> Self {
        Self::current_for(0.0, duration_s)
    }

    /// A power for a time.
    #[must_use]
    pub fn power_for(power_w: f64, duration_s: f64) -> Self {
        Self { load: Load::Power(power_w), stops: vec![Stop::After(duration_s)] }
    }

    /// A voltage until the current has fallen to a magnitude.
    #[must_use]
    pub fn hold(voltage_v: f64, current_below_a: f64) -> Self {
        Self { load: Load::Voltage(voltage_v), stops: vec![Stop::CurrentBelow(current_below_a)] }
    }
}

/// Stages one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// In their order.
    pub stages: Vec<Stage>,
    /// Whether the whole ends when the cell reaches one of its voltage limits.
    pub ends_at_limits: bool,
}

/// The longest protocol that is read from a table, rows.
const ROWS_MAX: usize = 10_000_000;

impl Protocol {
    /// One of the named protocols: `dis<x>C`, a discharge at `x` C to the lower limit; `cccv<x>C`, a charge at `x` C
    /// to the upper limit, held until C/20.
    ///
    /// # Errors
    /// When the name is none of them, or its rate is not in `0..=20`.
    pub fn named(name: &str, set: &ParameterSet) -> Result<Self, CellError> {
        let rate = |prefix: &str| name.strip_prefix(prefix)?.strip_suffix('C')?.parse::<f64>().ok();
        let checked = |rate: f64| {
            CellError::check("C rate", rate, rate > 0.0 && rate <= 20.0, "above 0 and at most 20")
                .map(|()| rate)
        };
        let one_c_a = set.one_c_a();
        if let Some(rate) = rate("dis") {
            return Ok(Self::discharge(checked(rate)? * one_c_a, set.cell.voltage_min_v));
        }
        if let Some(rate) = rate("cccv") {
            let current_a = checked(rate)? * one_c_a;
            return Ok(Self::cc_cv(current_a, set.cell.voltage_max_v, one_c_a / 20.0));
        }
        Err(CellError::Protocol(format!(
            "{name:?} is neither dis<x>C nor cccv<x>C, for example dis1C or cccv0.5C"
        )))
    }

    /// A constant discharge current (given as a magnitude) down to a voltage.
    #[must_use]
    pub fn discharge(current_a: f64, voltage_min_v: f64) -> Self {
        let stops = vec![Stop::VoltageBelow(voltage_min_v)];
        Self { stages: vec![Stage { load: Load::Current(-current_a), stops }], ends_at_limits: false }
    }

    /// A charge current up to a voltage, which is held until the current has fallen.
    #[must_use]
    pub fn cc_cv(current_a: f64, voltage_max_v: f64, current_end_a: f64) -> Self {
        let stops = vec![Stop::VoltageAbove(voltage_max_v)];
        let charge = Stage { load: Load::Current(current_a), stops };
        Self { stages: vec![charge, Stage::hold(voltage_max_v, current_end_a)], ends_at_limits: false }
    }

    /// A drive cycle in the form `t_s,current_a`, **discharge positive in this form**.
    ///
    /// The current of a row holds until the time of the next one; the last row gives the end. Two rows with the same
    /// time are a jump. The run ends early when the cell reaches one of its voltage limits.
    ///
    /// # Errors
    /// Names the line that is wrong.
    pub fn from_csv(text: &str) -> Result<Self, CellError> {
        let wrong = |line: usize, what: &str| CellError::Protocol(format!("line {}: {what}", line + 1));
        let mut rows: Vec<(f64, f64)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim().trim_start_matches('\u{feff}');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut cells = line.split(',').map(str::trim);
            let (first, second) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            if rows.is_empty() && first.eq_ignore_ascii_case("t_s") {
                if !second.eq_ignore_ascii_case("current_a") {
                    return Err(wrong(number, "the columns must be t_s,current_a"));
                }
                continue;
            }
            let (Ok(time_s), Ok(discharge_a)) = (first.parse::<f64>(), second.parse::<f64>()) else {
                return Err(wrong(number, "expected two numbers, t_s,current_a"));
            };
            if !time_s.is_finite() || !discharge_a.is_finite() {
                return Err(wrong(number, "both numbers must be finite"));
            }
            if rows.last().is_some_and(|(before, _)| time_s < *before) {
                return Err(wrong(number, "t_s must not fall"));
            }
            if rows.len() == ROWS_MAX {
                return Err(wrong(number, "more than 10000000 rows"));
            }
            rows.push((time_s, 0.0 - discharge_a));
        }
        let mut stages: Vec<Stage> = Vec::new();
        for pair in rows.windows(2) {
            let ((start_s, current_a), (end_s, _)) = (pair[0], pair[1]);
            if end_s > start_s {
                stages.push(Stage::current_for(current_a, end_s - start_s));
            }
        }
        if stages.is_empty() {
            return Err(CellError::Protocol("a table needs two rows with different times".to_owned()));
        }
        Ok(Self { stages, ends_at_limits: true })
    }
}
