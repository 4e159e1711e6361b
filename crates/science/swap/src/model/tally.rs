//! What a station counts.

/// Counters and time integrals of one station over `[warmup, horizon)`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub warmup_s: f64,
    pub horizon_s: f64,
    /// Counting vehicles whose first arrival was here.
    pub arrivals: u64,
    /// Counting vehicles whose swap began here.
    pub served: u64,
    pub within_300s: u64,
    /// Counting vehicles that were lost here.
    pub lost: u64,
    /// Counting vehicles that left here for another station.
    pub reroutes: u64,
    /// Waits of the counting vehicles served here.
    pub waits: Vec<f64>,
    pub wait_sum_s: f64,
    pub bay_s: f64,
    pub power_s: f64,
    pub plugged_s: f64,
    pub queue_s: f64,
    pub ready_s: f64,
}

impl Tally {
    /// The part of `[from, to)` that counts.
    #[inline]
    pub(crate) fn part(&self, from: f64, to: f64) -> f64 {
        (to.min(self.horizon_s) - from.max(self.warmup_s)).max(0.0)
    }
}
