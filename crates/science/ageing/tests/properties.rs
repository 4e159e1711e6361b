//! What holds for any history.
#![allow(missing_docs, clippy::unwrap_used)]

use proptest::prelude::*;
use voltwin_ageing::{
    Ageing, AgeingError, Cell, PackValue, Profile, Sample, Scales, State, Stress, WearCurve, WearHabit,
    marginal_wear,
};

fn histories() -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec((60.0..20_000.0_f64, 0.0..=1.0_f64, -40.0..=80.0_f64), 2..40).prop_map(|steps| {
        let mut t_s = 0.0;
        steps
            .into_iter()
            .map(|(dt_s, soc, temp_c)| {
                t_s += dt_s;
                Sample { t_s, soc, temp_c }
            })
            .collect()
    })
}

fn cells() -> impl Strategy<Value = Cell> {
    prop::sample::select(Cell::ALL.to_vec())
}

proptest! {
    #[test]
    fn losses_are_finite_and_never_shrink(cell in cells(), history in histories(), times in 1_u32..50) {
        let stress = Stress::of(&history).unwrap();
        let mut ageing = Ageing::new(cell);
        let mut before = (ageing.capacity(), 1.0);
        for _ in 0..times {
            ageing.advance(&stress);
            let now = (ageing.capacity(), ageing.resistance().unwrap_or(1.0));
            prop_assert!(now.0.is_finite() && now.1.is_finite());
            prop_assert!(now.0 <= before.0 && now.1 >= before.1 && now.0 >= 0.0);
            before = now;
        }
    }

    #[test]
    fn storage_is_the_same_in_one_step_and_in_many(cell in cells(), soc in 0.0..=1.0_f64, temp_c in 0.0..=45.0_f64, parts in 2_u32..200) {
        let store = |days: f64| {
            Stress::of(&[Sample { t_s: 0.0, soc, temp_c }, Sample { t_s: days * 86_400.0, soc, temp_c }]).unwrap()
        };
        let mut once = Ageing::new(cell);
        once.advance(&store(1000.0));
        let mut often = Ageing::new(cell);
        for _ in 0..parts {
            often.advance(&store(1000.0 / f64::from(parts)));
        }
        let mut times = Ageing::new(cell);
        times.advance_times(&store(1000.0 / f64::from(parts)), f64::from(parts));
        // rounding of a few hundred powers
        prop_assert!((once.capacity() - often.capacity()).abs() < 1e-10);
        prop_assert!((once.capacity() - times.capacity()).abs() < 1e-10);
    }

    #[test]
    fn broken_samples_are_refused(value in prop::sample::select(vec![f64::NAN, f64::INFINITY, -0.1, 1.1]), place in 0_usize..3) {
        let mut samples = [0.0, 1.0, 2.0].map(|t_s| Sample { t_s, soc: 0.5, temp_c: 25.0 });
        samples[place].soc = value;
        let refused = matches!(Stress::of(&samples), Err(AgeingError::Sample { index, field: "soc", .. }) if index == place);
        prop_assert!(refused);
        samples[place].soc = 0.5;
        samples[2].t_s = 1.0;
        let refused = matches!(Stress::of(&samples), Err(AgeingError::TimeOrder { index: 2, .. }));
        prop_assert!(refused);
    }
}

#[test]
fn what_experiments_did_not_cover_is_flagged_or_refused() {
    let commute = Profile::day(&[(0.0, 0.9), (8.0, 0.5), (24.0, 0.9)], 5.0).unwrap();
    let stress = Stress::of(commute.samples()).unwrap();
    let mut cell = Ageing::new(Cell::LfpPrismatic250Ah);
    let outside = cell.advance(&stress);
    assert!(outside.temperature && outside.depth && !outside.charge && !outside.soc);
    let before = cell.state();
    let error = cell.advance_within(&stress).unwrap_err();
    assert_eq!(error.to_string(), "LFP prismatic 250 Ah was measured with temp_c within 10..=45, asked is 5");
    assert_eq!(cell.state(), before);
    let inside = Profile::day(&[(0.0, 0.95), (8.0, 0.1), (24.0, 0.95)], 25.0).unwrap();
    cell.advance_within(&Stress::of(inside.samples()).unwrap()).unwrap();
    assert!(
        Ageing::resume(
            Cell::LfpPrismatic250Ah,
            Scales { cycle: -1.0, ..Scales::default() },
            State::default()
        )
        .is_err()
    );
}

/// A car that is at home from 18 h to 7 h and charged at four in the morning.
fn usual() -> Profile {
    Profile::day(
        &[(0.0, 0.7), (4.0, 0.7), (6.0, 0.9), (7.0, 0.9), (8.0, 0.8), (17.0, 0.8), (18.0, 0.7), (24.0, 0.7)],
        25.0,
    )
    .unwrap()
}

const HABIT: WearHabit =
    WearHabit { discharge_hour: 18.5, recharge_hour: 21.5, power_kw: 11.0, horizon_days: 365.0 };
const PACK: PackValue = PackValue { energy_kwh: 60.0, price_per_kwh: 120.0, end_capacity: 0.8 };

#[test]
fn the_cost_of_giving_back_is_convex_for_every_cell() {
    for cell in Cell::ALL {
        let mut ageing = Ageing::new(cell);
        ageing.advance_times(&Stress::of(usual().samples()).unwrap(), 700.0);
        let curve = WearCurve::of(&ageing, &usual(), HABIT, PACK, 24.0, 12).unwrap();
        for pair in curve.segments.windows(2) {
            assert!(
                pair[1].points_per_kwh >= pair[0].points_per_kwh && pair[1].until_kwh > pair[0].until_kwh
            );
        }
        let costs: Vec<f64> = (0..=24).map(|kwh| curve.cost(f64::from(kwh))).collect();
        for three in costs.windows(3) {
            assert!(three[2] - three[1] >= three[1] - three[0] - 1e-9, "{cell:?} {costs:?}");
        }
        assert!((costs[0]).abs() < 1e-12 && costs.iter().all(|cost| cost.is_finite()));
        assert!(curve.convexity_gap_points >= 0.0);
    }
}

#[test]
fn wear_is_what_two_lives_differ_by() {
    // day by day for a year, not by the closed form of the function under test
    let ageing = Ageing::new(Cell::NcaPanasonic3Ah);
    let deeper = Profile::day(
        &[
            (0.0, 0.7),
            (4.0, 0.7),
            (6.0, 0.9),
            (7.0, 0.9),
            (8.0, 0.8),
            (17.0, 0.8),
            (18.0, 0.7),
            (19.0, 0.5),
            (20.0, 0.5),
            (21.0, 0.7),
            (24.0, 0.7),
        ],
        25.0,
    )
    .unwrap();
    let (mut left, mut given) = (ageing.clone(), ageing.clone());
    for _ in 0..365 {
        left.advance(&Stress::of(usual().samples()).unwrap());
        given.advance(&Stress::of(deeper.samples()).unwrap());
    }
    let energy_kwh = 12.0;
    let by_hand = (left.capacity() - given.capacity()) * 100.0 / (365.0 * energy_kwh);
    let wear = marginal_wear(&ageing, &usual(), &deeper, energy_kwh, 365.0).unwrap();
    // the closed form takes the charge moved at the capacity of the first day: 3 % over a year
    assert!(wear > 0.0 && (wear / by_hand - 1.0).abs() < 0.05, "{wear} for {by_hand}");
    assert!(marginal_wear(&ageing, &usual(), &deeper, 0.0, 365.0).is_err());
}
