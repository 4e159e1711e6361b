use std::fmt::Write as _;

/// One instant of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Since the start, s.
    pub time_s: f64,
    /// Into the cell, A: charging is positive.
    pub current_a: f64,
    /// At the terminals, V.
    pub voltage_v: f64,
    /// Mean of the cell, K.
    pub temperature_k: f64,
    /// Of the lithium that can cycle, 0 to 1.
    pub soc: f64,
    /// Which stage of the protocol, from 0.
    pub stage: usize,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All stages came to their end.
    Complete,
    /// The cell reached its lower voltage limit first.
    VoltageMin,
    /// The cell reached its upper voltage limit first.
    VoltageMax,
}

impl Ending {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::VoltageMin => "lower voltage limit",
            Self::VoltageMax => "upper voltage limit",
        }
    }
}

/// What a run gives. At a jump of the current two rows have the same time: before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// In the order of time.
    pub rows: Vec<Row>,
    /// Why it ended.
    pub ending: Ending,
    /// Steps of the model, tries included.
    pub steps: usize,
}

impl Trace {
    /// When the run ended, s.
    #[must_use]
    pub fn end_s(&self) -> f64 {
        self.rows.last().map_or(0.0, |row| row.time_s)
    }

    /// `t_s,current_A,voltage_V,temperature_K`; **discharge is positive in this form**, as battery data are published.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("t_s,current_A,voltage_V,temperature_K\n");
        for row in &self.rows {
            // a negated zero would print its sign
            let discharge_a = 0.0 - row.current_a;
            let (t, v, k) = (row.time_s, row.voltage_v, row.temperature_k);
            // writing to a string cannot fail
            let _ = writeln!(text, "{t:.6},{discharge_a:.9},{v:.9},{k:.6}");
        }
        text
    }
}
