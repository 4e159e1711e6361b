//! Forecasts against real cells that were not fitted, and coverage against seeded packs.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::{nasa, packs, severson};
use voltwin_ageing::{Ageing, Cell, Profile, Stress, days_until};
use voltwin_prognosis::{EarlyLife, HORIZONS_DAYS, Pack, PackPrior, Track, TrackCharacter};

#[test]
fn capacity_of_unseen_nasa_cells_is_forecast_better_than_by_persistence_or_a_line() {
    let Some(cells) = nasa::series() else { return };
    assert!(cells.len() >= 7);
    for score in nasa::scores(&cells) {
        println!("{score:?}");
        let best = score.persistence.min(score.linear);
        assert!(score.held_out <= 0.9 * best, "{score:?}");
        assert!((0.85..=0.95).contains(&score.coverage), "{score:?}");
    }
}

#[test]
fn life_of_fast_charged_cells_is_told_from_a_hundred_cycles_better_than_by_one_variance() {
    let Some(train) = severson::cells("train") else { return };
    let model = EarlyLife::train(&train, 0.9).unwrap();
    // the baselines as published: train 103.6 cycles and 14.1 %
    let one = severson::variance_model(&train, &train);
    println!("penalty {} train {:?} one {one:?}", model.penalty(), severson::errors(&model, &train));
    assert!((one.0 - 103.6).abs() < 2.0 && (one.1 - 14.1).abs() < 0.3, "{one:?}");
    for (set, cycles, percent) in [("test1", 137.9, 14.7), ("test2", 195.9, 11.4)] {
        let Some(test) = severson::cells(set) else { continue };
        let (rms, relative, inside) = severson::errors(&model, &test);
        println!("{set}: {rms:.1} cycles, {relative:.1} %, {inside:.2} inside");
        assert!(rms < cycles && relative < percent, "{set}: {rms:.1} cycles, {relative:.1} %");
    }
}

#[test]
fn packs_reveal_their_scales_and_their_intervals_hold() {
    for cell in [Cell::LfpPrismatic250Ah, Cell::NcaPanasonic3Ah] {
        let horizons = [HORIZONS_DAYS[3], 365.0, 1825.0];
        for (days, score) in horizons.iter().zip(packs::score(cell, 80, &horizons)) {
            println!("{cell:?} {days}: {score:?}");
            // 80 packs: two standard errors of a share of 0.9 are 0.07
            assert!(score.coverage >= 0.83, "{cell:?} after {days} days: {score:?}");
            assert!(score.error < 0.6 * score.prior_error, "{cell:?} after {days} days: {score:?}");
        }
    }
}

#[test]
fn the_end_of_life_of_a_fitted_pack_is_that_of_its_model() {
    let day = Profile::day(&packs::COMMUTE, 25.0).unwrap();
    let mut pack = Pack::new(Cell::NcaPanasonic3Ah, PackPrior::default()).unwrap();
    pack.live(&Stress::of(day.samples()).unwrap(), 1.0).unwrap();
    let end = pack.end_of_life(&day, 0.85, 1.645, 9000.0).unwrap();
    let exact = days_until(&Ageing::new(Cell::NcaPanasonic3Ah), &day, 0.85, 9000.0).unwrap().unwrap();
    // sought in sixtieths of nine thousand days
    assert!((end.mean - exact).abs() <= 160.0, "{end:?} for {exact}");
    assert!(end.low < end.mean && end.high > end.mean);
}

#[test]
fn the_difference_of_two_habits_is_better_known_than_either_life() {
    let day = Profile::day(&packs::COMMUTE, 25.0).unwrap();
    let cooler = day.warmer(-8.0).unwrap();
    let mut pack = Pack::new(Cell::NcaPanasonic3Ah, PackPrior::default()).unwrap();
    pack.live(&Stress::of(day.samples()).unwrap(), 365.0).unwrap();
    let (usual, other) = (pack.forecast(&day, 1825.0).unwrap(), pack.forecast(&cooler, 1825.0).unwrap());
    let difference = pack.difference(&day, &cooler, 1825.0).unwrap();
    assert!((difference.mean - (other.mean - usual.mean)).abs() < 1e-12 && difference.mean > 0.0);
    assert!(difference.sd > 0.0 && difference.sd < usual.sd.hypot(other.sd), "{difference:?}");
    let back = pack.difference(&cooler, &day, 1825.0).unwrap();
    assert!((back.mean + difference.mean).abs() < 1e-12 && (back.sd - difference.sd).abs() < 1e-12);
    let none = pack.difference(&day, &day, 1825.0).unwrap();
    assert_eq!((none.mean, none.sd), (0.0, 0.0));
    assert!(pack.difference(&day, &cooler, -1.0).is_err());
}

#[test]
fn broken_values_are_refused_and_change_nothing() {
    let mut track = Track::begin(TrackCharacter::default(), 0.95).unwrap();
    let before = track.clone();
    assert!(track.cycle(Some(f64::NAN)).is_err() && track.cycle(Some(0.0)).is_err());
    assert_eq!(track, before);
    track.cycle(None).unwrap();
    assert!(track.forecast(30).sd > track.forecast(1).sd);
    assert!(Track::begin(TrackCharacter { recovery_memory: 1.0, ..TrackCharacter::default() }, 1.0).is_err());
}
