//! How long things took, to within 2 %.

use std::time::Duration;

/// Counts times in buckets that grow by 2 %, from 10 µs to about 10 minutes.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

const GROWTH: f64 = 1.02;
const SMALLEST_S: f64 = 1e-5;

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; 910], count: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn add(&mut self, time: Duration) {
        let place = (time.as_secs_f64().max(SMALLEST_S) / SMALLEST_S).ln() / GROWTH.ln();
        let place = (place as usize).min(self.buckets.len() - 1);
        self.buckets[place] += 1;
        self.count += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
    }

    /// The time that `share` of all stay below, in ms, to within 2 %; 0 when there is none.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return 1e3 * SMALLEST_S * GROWTH.powi(place as i32 + 1);
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_two_percent() {
        let mut histogram = Histogram::new();
        for ms in 1..=1_000 {
            histogram.add(Duration::from_millis(ms));
        }
        for (share, ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let got = histogram.quantile_ms(share);
            assert!((got / ms - 1.0).abs() < 0.025, "{share}: {got}");
        }
        assert_eq!(Histogram::new().quantile_ms(0.5), 0.0);
    }
}
