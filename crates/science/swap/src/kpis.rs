//! The figures of a run, `swap-kpis/1`.

use serde::{Serialize, Serializer, ser::SerializeMap};
use voltwin_des::Summary;

macro_rules! kpis {
    ($($(#[$doc:meta])* $variant:ident => $name:literal),+ $(,)?) => {
        /// A figure of a replication.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kpi {
            $($(#[$doc])* $variant,)+
        }

        impl Kpi {
            /// All, in the order of the form.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in the form.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

kpis! {
    /// Counting vehicles that arrived.
    Arrivals => "arrivals",
    /// Counting vehicles whose swap began.
    Served => "served",
    /// Counting vehicles that were refused for good.
    Lost => "lost",
    /// Counting vehicles that still waited or travelled at the horizon.
    PendingEnd => "pending_end",
    /// `lost` over `arrivals`.
    LossRate => "loss_rate",
    /// Journeys of counting vehicles to another station.
    Reroutes => "reroutes",
    /// Mean wait at the serving station.
    WaitMeanS => "wait_mean_s",
    /// Type-7 quantile of the waits of all stations.
    WaitP95S => "wait_p95_s",
    /// Longest wait.
    WaitMaxS => "wait_max_s",
    /// Served after at most 300 s, over arrivals.
    Within300s => "within_300s",
    /// Share of bays in use.
    BayUtil => "bay_util",
    /// Share of chargers that deliver power.
    ChargerUtil => "charger_util",
    /// Share of chargers with a pack.
    ChargerOccupancy => "charger_occupancy",
    /// Vehicles in queues.
    QueueMean => "queue_mean",
    /// Batteries ready.
    ReadyMean => "ready_mean",
    /// Energy from the grid.
    EnergyKwh => "energy_kwh",
    /// Highest 15-minute mean of the network's power.
    Peak15Kw => "peak15_kw",
    /// Highest power of a station right after the start of a charge.
    PeakInstStationKw => "peak_inst_station_kw",
    /// Charges ended in the whole run.
    Cycles => "cycles",
    /// Mean health of all packs at the end.
    SohMean => "soh_mean",
}

impl Kpi {
    /// The figure of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kpi| kpi.name() == name)
    }
}

const COUNT: usize = Kpi::ALL.len();

/// The figures of one replication; NaN for what has no value (the wait of nobody).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KpiRow([f64; COUNT]);

impl Default for KpiRow {
    fn default() -> Self {
        Self([f64::NAN; COUNT])
    }
}

impl KpiRow {
    /// One figure.
    #[must_use]
    pub const fn get(&self, kpi: Kpi) -> f64 {
        self.0[kpi as usize]
    }

    pub(crate) const fn values(&self) -> [f64; COUNT] {
        self.0
    }

    pub(crate) const fn from_values(values: [f64; COUNT]) -> Self {
        Self(values)
    }

    pub(crate) const fn set(&mut self, kpi: Kpi, value: f64) {
        self.0[kpi as usize] = value;
    }
}

/// One figure over replications, as the form has it: `null` for what has no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure(pub Summary);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let some = |value: f64| value.is_finite().then_some(value);
        let (low, high) = self.0.interval(0.95);
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("mean", &some(self.0.mean))?;
        map.serialize_entry("sd", &some(self.0.sd))?;
        map.serialize_entry("n", &self.0.n)?;
        map.serialize_entry("ci95", &[some(low), some(high)])?;
        map.end()
    }
}
