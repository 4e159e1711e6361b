//! How the energy of a recorded session plausibly came about.

use voltwin_core::{Decimal, Timestamp};

use super::RecordedSession;

/// Most points between start and end.
const POINTS_MAX: i64 = 100;
/// Time between points where the session is short enough.
const SPACING_US: i64 = 900 * 1_000_000;
/// Rated power of the recorded kind of charger (208 V, 32 A).
const RATED_W: f64 = 6_656.0;

/// One reading of the meter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfilePoint {
    /// When.
    pub at: Timestamp,
    /// Energy since the start in Wh, exact.
    pub energy_wh: Decimal,
    /// Power then in W.
    pub power_w: f64,
}

/// Readings from plugging in to the end of the current: constant power over four fifths of the time, then falling to a
/// tenth. Energies are exact decimals that never fall, and the last is the recorded energy itself.
#[derive(Debug, Clone, PartialEq)]
pub struct EnergyProfile {
    points: Vec<ProfilePoint>,
}

/// Share of the energy that has flowed after `ppm` millionths of the time, in millionths; whole numbers throughout.
fn share_ppm(ppm: i64) -> i64 {
    const KNEE: i64 = 800_000;
    const END: i64 = 1_000_000;
    // Area under the power: 1 up to the knee, then 1 − 0.9·(x−knee)/(end−knee).
    let area = |x: i64| {
        let past = (x - KNEE).max(0);
        x - past * past * 9 / (10 * 2 * (END - KNEE))
    };
    area(ppm.clamp(0, END)) * END / area(END)
}

impl EnergyProfile {
    /// The profile of a session. The current ends when recorded, else when a 6.7 kW charger would be done, or at the
    /// departure.
    #[must_use]
    pub fn of(session: &RecordedSession) -> Self {
        let begin = session.arrival;
        let stay_us = session.departure.as_micros() - begin.as_micros();
        let energy_wh: f64 = session.energy_wh.try_into().unwrap_or(0.0);
        let length_us = match session.done_charging {
            Some(done) => done.as_micros() - begin.as_micros(),
            None => ((energy_wh / (0.91 * RATED_W) * 3.6e9) as i64).max(60_000_000),
        };
        let length_us = length_us.clamp(1, stay_us);
        let count = (length_us / SPACING_US).clamp(1, POINTS_MAX);
        let mean_w = energy_wh * 3.6e9 / length_us as f64;
        let point = |k: i64| {
            let ppm = k * 1_000_000 / count;
            let power_share =
                if ppm <= 800_000 { 1.0 } else { 1.0 - 0.9 * (ppm - 800_000) as f64 / 200_000.0 };
            let part = session.energy_wh * Decimal::new(share_ppm(ppm), 6);
            ProfilePoint {
                at: Timestamp::from_micros(begin.as_micros() + length_us / count * k),
                energy_wh: part.round_dp_with_strategy(3, rust_decimal::RoundingStrategy::ToZero),
                power_w: mean_w / 0.91 * power_share,
            }
        };
        let mut points: Vec<ProfilePoint> = (1..count).map(point).collect();
        points.push(ProfilePoint {
            at: Timestamp::from_micros(begin.as_micros() + length_us),
            energy_wh: session.energy_wh,
            power_w: 0.0,
        });
        Self { points }
    }

    /// The readings after the start, in order; the last is the end of the current.
    #[must_use]
    pub fn points(&self) -> &[ProfilePoint] {
        &self.points
    }
}
