//! Seeded packs whose true scales nobody is told.

use voltwin_ageing::{Ageing, Cell, Profile, Scales, State, Stress};
use voltwin_prognosis::{Pack, PackPrior};

use super::Random;

pub(crate) const COMMUTE: [(f64, f64); 7] =
    [(0.0, 0.9), (7.0, 0.9), (8.0, 0.7), (17.0, 0.7), (18.0, 0.5), (22.0, 0.5), (24.0, 0.9)];

/// Standard deviation of a capacity measurement in the field.
pub(crate) const MEASUREMENT_SD: f64 = 0.01;

/// Coverage of 90 % intervals and mean absolute error in points at a horizon, with the error of the prior alone.
#[derive(Debug, Default)]
pub(crate) struct PackScore {
    pub(crate) coverage: f64,
    pub(crate) error: f64,
    pub(crate) prior_error: f64,
}

/// Packs observed for two years, a measurement a month, then forecast.
pub(crate) fn score(cell: Cell, packs: u64, horizons_days: &[f64]) -> Vec<PackScore> {
    let prior = PackPrior { model_sd: 0.02, ..PackPrior::default() };
    let mut scores: Vec<PackScore> = horizons_days.iter().map(|_| PackScore::default()).collect();
    for seed in 0..packs {
        let mut random = Random::new(0x9ac0 + seed);
        let scales = Scales {
            calendar: (prior.calendar_sd * random.normal()).exp(),
            cycle: (prior.cycle_sd * random.normal()).exp(),
            knee: 1.0,
        };
        let day = Profile::day(&COMMUTE, random.between(15.0, 30.0)).unwrap();
        let stress = Stress::of(day.samples()).unwrap();
        let mut truth = Ageing::resume(cell, scales, State::default()).unwrap();
        let mut pack = Pack::new(cell, prior).unwrap();
        for _ in 0..24 {
            truth.advance_times(&stress, 30.4);
            pack.live(&stress, 30.4).unwrap();
            let seen = truth.capacity() + MEASUREMENT_SD * random.normal();
            pack.measure(seen.clamp(0.05, 1.5), MEASUREMENT_SD).unwrap();
        }
        let mut untaught = Pack::new(cell, prior).unwrap();
        untaught.live(&stress, 24.0 * 30.4).unwrap();
        for (score, &days) in scores.iter_mut().zip(horizons_days) {
            let belief = pack.forecast(&day, days).unwrap();
            let before = untaught.forecast(&day, days).unwrap();
            let mut future = truth.clone();
            let mut left = days;
            while left > 0.0 {
                let asked = day.for_capacity(future.capacity(), 0.7).unwrap();
                future.advance_times(&Stress::of(asked.samples()).unwrap(), left.min(30.0));
                left -= 30.0;
            }
            let error = (belief.mean - future.capacity()).abs();
            let n = packs as f64;
            score.coverage += f64::from(u8::from(error <= 1.645 * belief.sd)) / n;
            score.error += 100.0 * error / n;
            score.prior_error += 100.0 * (before.mean - future.capacity()).abs() / n;
        }
    }
    scores
}
