//! Where the data lie, and what the evidence is made of; shared by the tests and the tables.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod fleet;
pub(crate) mod nasa;
pub(crate) mod packs;
pub(crate) mod severson;

use std::path::{Path, PathBuf};

/// The folder of data beside the repository, or the one that `VOLTWIN_SHARED` names.
#[allow(clippy::print_stderr, reason = "a skipped comparison must be seen")]
pub(crate) fn shared(inside: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("VOLTWIN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"), PathBuf::from);
    let path = folder.join(inside);
    if !path.exists() {
        eprintln!("skipped: {} is not there (set VOLTWIN_SHARED)", path.display());
        return None;
    }
    Some(path)
}

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `low..high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.between(f64::MIN_POSITIVE, 1.0).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.between(0.0, 1.0)).cos()
    }
}

/// Root mean square and mean absolute value.
pub(crate) fn rms_and_mean(errors: &[f64]) -> (f64, f64) {
    let n = errors.len().max(1) as f64;
    let square: f64 = errors.iter().map(|error| error * error).sum();
    ((square / n).sqrt(), errors.iter().map(|error| error.abs()).sum::<f64>() / n)
}
