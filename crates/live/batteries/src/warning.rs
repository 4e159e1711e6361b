//! Why a pack is in danger, or why its twin is not to be believed.

use serde::{Deserialize, Serialize};
use voltwin_core::{Severity, Timestamp};

/// A named cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// One cell loses charge against the others with time.
    SoftShort,
    /// One cell has less capacity than the others.
    WeakCell,
    /// The fullest and the emptiest cell are far apart.
    CellSpread,
    /// The pack, or one cell, is warmer than it should be.
    Thermal,
    /// The current sensor shows a current that does not flow.
    CurrentBias,
    /// A sensor shows the same value though it must move.
    SensorStuck,
    /// A sensor shows values that such a pack cannot have.
    SensorImplausible,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Cause; 7] = [
        Cause::SoftShort,
        Cause::WeakCell,
        Cause::CellSpread,
        Cause::Thermal,
        Cause::CurrentBias,
        Cause::SensorStuck,
        Cause::SensorImplausible,
    ];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SoftShort => "soft-short",
            Self::WeakCell => "weak-cell",
            Self::CellSpread => "cell-spread",
            Self::Thermal => "thermal",
            Self::CurrentBias => "current-bias",
            Self::SensorStuck => "sensor-stuck",
            Self::SensorImplausible => "sensor-implausible",
        }
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::SoftShort | Self::Thermal => Severity::Critical,
            Self::WeakCell => Severity::Major,
            Self::CellSpread | Self::CurrentBias | Self::SensorStuck | Self::SensorImplausible => {
                Severity::Minor
            }
        }
    }

    /// How much it adds to a pack's risk, a probability-like number.
    pub(crate) fn weight(self) -> f64 {
        match self.severity() {
            Severity::Critical => 0.8,
            Severity::Major => 0.5,
            _ => 0.2,
        }
    }
}

/// What a look found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Why.
    pub cause: Cause,
    /// The cell, from 1, where it is about one.
    pub cell: Option<u32>,
    /// Over its limit.
    pub strength: f64,
    /// For a person.
    pub message: String,
}

/// A warning that holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Active {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
    /// The cell, from 1, where it is about one.
    pub cell: Option<u32>,
    /// Over its limit.
    pub strength: f64,
    /// For a person.
    pub message: String,
}
