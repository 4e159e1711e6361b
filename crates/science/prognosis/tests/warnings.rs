//! Warnings on seeded fleets: what they miss, what they cry, how early they come.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::{fleet, packs::COMMUTE};
use voltwin_ageing::{Ageing, Anchor, Cell, PackValue, Profile, Stress, live};
use voltwin_prognosis::{Lever, Pack, PackPrior, PackSample, Sensitivity, Watch, advise};

#[test]
fn every_cause_is_named_weeks_before_harm_at_the_false_alarm_rate_that_was_set() {
    let (false_alarms, scores) = fleet::scores(0.01);
    println!("false alarms {false_alarms} {scores:?}");
    // five causes at 1 % each; 400 packs give 2 points of standard error for 5 %
    assert!(false_alarms <= 0.09, "{false_alarms}");
    for score in scores {
        assert!(score.told >= 0.9 && score.lead_days >= 20.0, "{score:?}");
    }
}

#[test]
fn a_watch_refuses_what_it_cannot_read() {
    let mut watch = Watch::new(3, Sensitivity::silent()).unwrap();
    let sample = PackSample {
        t_s: 0.0,
        plating_margin_v: None,
        rest_start_v: &[3.8, 3.8],
        rest_end_v: &[3.8, 3.8],
        rest_h: 5.0,
        excess_temp_k: None,
        capacity: None,
    };
    let error = watch.look(&sample).unwrap_err();
    assert_eq!(error.to_string(), "rest_start_v has 2 values, expected are 3");
    assert!(Watch::new(1, Sensitivity::silent()).is_err());
    assert!(Sensitivity::from_healthy(&[[0.0; 5]; 5], 0.01).is_err());
}

const VALUE: PackValue = PackValue { energy_kwh: 60.0, price_per_kwh: 120.0, end_capacity: 0.7 };

#[test]
fn charging_late_and_lower_spares_what_ages_by_charge() {
    // charged at once after the last drive, which is what charging late is to change
    let usual = Profile::day(
        &[(0.0, 0.9), (7.0, 0.9), (8.0, 0.7), (17.0, 0.7), (18.0, 0.5), (20.0, 0.9), (24.0, 0.9)],
        30.0,
    )
    .unwrap();
    let pack = Pack::new(Cell::NcaPanasonic3Ah, PackPrior::default()).unwrap();
    let levers = [
        Lever::ChargeLate,
        Lever::ChargeUpTo { soc: 0.7 },
        Lever::CoolFirst { temp_c: 20.0 },
        Lever::ChargeSlower { c_rate: 0.05 },
    ];
    let advice = advise(&pack, &usual, &levers, VALUE, 3650.0).unwrap();
    let of = |lever: Lever| advice.iter().find(|advice| advice.lever == lever).unwrap();
    for lever in [levers[0], levers[1], levers[2]] {
        assert!(of(lever).applies && of(lever).points.mean > 0.1, "{:?}", of(lever));
    }
    for pair in advice.windows(2) {
        assert!(pair[0].points.mean >= pair[1].points.mean);
    }
    // the effect is the difference of two lives, lived here by hand
    let lower = Profile::day(
        &[(0.0, 0.7), (7.0, 0.7), (8.0, 0.5), (17.0, 0.5), (18.0, 0.3), (20.0, 0.7), (24.0, 0.7)],
        30.0,
    )
    .unwrap();
    let end = |profile: &Profile| {
        let mut ageing = Ageing::new(Cell::NcaPanasonic3Ah);
        live(&mut ageing, profile, Anchor::default(), 3650.0, |_| {}).unwrap();
        ageing.capacity()
    };
    let by_hand = 100.0 * (end(&lower) - end(&usual));
    let given = of(levers[1]);
    assert!((given.points.mean - by_hand).abs() < 1e-9, "{given:?} for {by_hand}");
    assert!((given.money.mean - by_hand / 100.0 * 60.0 * 120.0 / 0.3).abs() < 1e-6);
    assert!(given.points.low <= given.points.mean && given.points.mean <= given.points.high);
}

#[test]
fn a_lever_moves_no_energy() {
    let usual = Profile::day(&COMMUTE, 25.0).unwrap();
    let moved = |profile: &Profile| Stress::of(profile.samples()).unwrap().full_cycles;
    for lever in [
        Lever::ChargeLate,
        Lever::ChargeUpTo { soc: 0.6 },
        Lever::CoolFirst { temp_c: 10.0 },
        Lever::ChargeSlower { c_rate: 0.06 },
    ] {
        let changed = lever.apply(&usual).unwrap();
        assert!((moved(&changed) - moved(&usual)).abs() < 1e-9, "{lever:?}");
        assert!((changed.duration_days() - 1.0).abs() < 1e-4, "{lever:?}: {}", changed.duration_days());
    }
    let late = Lever::ChargeLate.apply(&usual).unwrap();
    assert!(late.still(Anchor::Mean, 0) < usual.still(Anchor::Mean, 0) - 0.05);
}
