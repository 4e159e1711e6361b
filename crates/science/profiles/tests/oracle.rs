//! The composer against a slow one that knows nothing of edges: every profile is painted onto every second, from the
//! lowest rank to the highest, and the purposes are combined second by second.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;
use voltwin_core::Timestamp;
use voltwin_profiles::{
    Charging, Kind, Period, Profile, Purpose, Question, Schedule, Slot, Supply, Target, Unit, Window, compose,
};

const WINDOW: i64 = 1_795_651_200;
const SPAN: u32 = 4_000;

fn second(s: i64) -> Timestamp {
    Timestamp::from_millis(s * 1_000)
}

fn seconds(at: Timestamp) -> i64 {
    at.as_millis() / 1_000
}

/// What one profile says on each second of the window.
fn paint<'a>(profile: &'a Profile, session: i64, canvas: &mut [Option<(&'a Profile, Period)>]) {
    let plan = &profile.schedule;
    for (k, cell) in canvas.iter_mut().enumerate() {
        let now = WINDOW + k as i64;
        if profile.valid_from.is_some_and(|from| now < seconds(from)) {
            continue;
        }
        if profile.valid_to.is_some_and(|to| now >= seconds(to)) {
            continue;
        }
        let origin = match profile.kind {
            Kind::Relative => session,
            _ => plan.start.map_or(session, seconds),
        };
        let round = match profile.kind {
            Kind::Daily => 86_400,
            Kind::Weekly => 604_800,
            _ => i64::MAX,
        };
        if profile.kind == Kind::Dynamic {
            *cell = plan.periods.first().map(|period| (profile, *period)).or(*cell);
            continue;
        }
        if now < origin {
            continue;
        }
        let into = (now - origin) % round;
        if plan.duration_s.is_some_and(|duration| into >= i64::from(duration)) {
            continue;
        }
        let mut said = None;
        for period in &plan.periods {
            if i64::from(period.start_s) <= into {
                said = Some(*period);
            }
        }
        if let Some(period) = said {
            *cell = Some((profile, period));
        }
    }
}

type Canvas<'a> = Vec<Option<(&'a Profile, Period)>>;

fn layer<'a>(profiles: &'a [Profile], session: i64, wanted: impl Fn(&Profile) -> bool) -> Canvas<'a> {
    let mut chosen: Vec<&Profile> = profiles.iter().filter(|profile| wanted(profile)).collect();
    chosen.sort_by_key(|profile| (profile.stack_level, profile.evse, profile.id));
    let mut canvas = vec![None; SPAN as usize];
    chosen.into_iter().for_each(|profile| paint(profile, session, &mut canvas));
    canvas
}

/// The limit of EVSE `evse` in watts or amperes on every second, and the fewest phases.
fn slow(profiles: &[Profile], question: &Question) -> Vec<(Option<f64>, Option<u8>)> {
    let Target::Evse(evse, charging) = &question.target else { panic!("one EVSE") };
    let evse = *evse;
    let session = charging.started.map_or(WINDOW, seconds);
    let of = |purpose: Purpose, places: Vec<u32>| {
        layer(profiles, session, move |p| p.purpose == purpose && places.contains(&p.evse))
    };
    let own = layer(profiles, session, |p| {
        let same = match &p.transaction_id {
            None => p.evse == evse,
            id => *id == charging.transaction_id,
        };
        p.purpose == Purpose::Tx && charging.transaction_id.is_some() && same
    });
    let prior = of(Purpose::PriorityCharging, vec![0, evse]);
    let default = of(Purpose::TxDefault, vec![0, evse]);
    let generation = of(Purpose::LocalGeneration, vec![0, evse]);
    let station = [of(Purpose::StationMax, vec![0]), of(Purpose::StationMax, vec![evse])];
    let external = [of(Purpose::ExternalConstraints, vec![0]), of(Purpose::ExternalConstraints, vec![evse])];
    let mut limits = Vec::new();
    for k in 0..SPAN as usize {
        let mut session = default[k];
        if charging.transaction_id.is_some() {
            if own[k].is_some() {
                session = own[k];
            }
            if charging.priority && prior[k].is_some() {
                session = prior[k];
            }
        }
        let parts: Vec<_> = [session, station[0][k], station[1][k], external[0][k], external[1][k]]
            .into_iter()
            .flatten()
            .collect();
        let phases = parts.iter().filter_map(|(_, period)| period.phases).min();
        let volts = question.supply.voltage_v * f64::from(phases.unwrap_or(question.supply.phases));
        let express = |profile: &Profile, limit: f64| match (profile.schedule.unit, question.unit) {
            (Unit::Ampere, Unit::Watt) => limit * volts,
            (Unit::Watt, Unit::Ampere) => limit / volts,
            _ => limit,
        };
        let mut lowest: Option<f64> = None;
        for (profile, period) in parts {
            let Some(limit) = period.limit else { continue };
            let mut limit = express(profile, limit);
            if profile.purpose == Purpose::ExternalConstraints
                && let Some((source, Period { limit: Some(more), .. })) = generation[k]
            {
                limit += express(source, more);
            }
            lowest = Some(lowest.map_or(limit, |lowest| lowest.min(limit)));
        }
        limits.push((lowest, phases));
    }
    limits
}

fn period() -> impl Strategy<Value = Period> {
    let limit = prop_oneof![Just(None), (0u32..40).prop_map(|n| Some(f64::from(n)))];
    let phases = prop_oneof![Just(None), (1u8..=3).prop_map(Some)];
    (0u32..2_000, limit, phases).prop_map(|(start_s, limit, phases)| Period {
        start_s,
        limit,
        phases,
        ..Period::default()
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    use Purpose as P;
    let purpose = prop::sample::select(vec![
        P::StationMax,
        P::ExternalConstraints,
        P::TxDefault,
        P::Tx,
        P::PriorityCharging,
        P::LocalGeneration,
    ]);
    let kind =
        prop::sample::select(vec![Kind::Absolute, Kind::Daily, Kind::Weekly, Kind::Relative, Kind::Dynamic]);
    let near = |low: i64, high: i64| {
        prop_oneof![Just(None), (low..high).prop_map(|s| Some(second(WINDOW + s)))].boxed()
    };
    let start = prop_oneof![
        near(-5_000, 5_000),
        (1i64..9, -4_000i64..4_000).prop_map(|(days, s)| Some(second(WINDOW - days * 86_400 + s))),
    ];
    let duration = prop_oneof![Just(None), (0u32..5_000).prop_map(Some)];
    let unit = prop::sample::select(vec![Unit::Watt, Unit::Ampere]);
    let periods = prop::collection::vec(period(), 0..5).prop_map(|mut periods| {
        periods.sort_by_key(|period| period.start_s);
        periods.dedup_by_key(|period| period.start_s);
        periods
    });
    let id = prop::sample::select(vec![None, Some("tx".to_owned()), Some("other".to_owned())]);
    let head = (0i64..100, 0u32..3, purpose, 0u32..4, kind);
    (head, near(-2_000, 5_000), near(-2_000, 5_000), id, (unit, start, duration, periods)).prop_map(
        |((id, evse, purpose, stack_level, kind), valid_from, valid_to, transaction_id, plan)| Profile {
            id,
            evse,
            purpose,
            stack_level,
            kind,
            valid_from,
            valid_to,
            transaction_id,
            schedule: Schedule {
                unit: plan.0,
                start: plan.1,
                duration_s: plan.2,
                min_rate: None,
                periods: plan.3,
            },
        },
    )
}

fn question() -> impl Strategy<Value = Question> {
    let started = prop_oneof![Just(None), (-3_000i64..3_000).prop_map(|s| Some(second(WINDOW + s)))];
    let transaction = prop::sample::select(vec![None, Some("tx".to_owned())]);
    let unit = prop::sample::select(vec![Unit::Watt, Unit::Ampere]);
    (started, transaction, any::<bool>(), unit, 1u8..=3).prop_map(
        |(started, transaction_id, priority, unit, phases)| Question {
            window: Window { start: second(WINDOW), duration_s: SPAN },
            unit,
            supply: Supply { voltage_v: 230.0, phases },
            target: Target::Evse(1, Charging { transaction_id, started, priority }),
        },
    )
}

fn at(slots: &[Slot], second: u32) -> Slot {
    *slots.iter().take_while(|slot| slot.start_s <= second).last().unwrap()
}

/// Profiles of one rank would make the answer depend on nothing.
fn distinct(mut profiles: Vec<Profile>) -> Vec<Profile> {
    profiles.iter_mut().zip(0..).for_each(|(profile, id)| profile.id = id);
    profiles
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_second_is_as_the_slow_way_says(
        profiles in prop::collection::vec(profile(), 0..10).prop_map(distinct),
        question in question(),
    ) {
        let slots = compose(&profiles, &question).unwrap();
        let slow = slow(&profiles, &question);
        for (k, (limit, phases)) in slow.iter().enumerate() {
            let slot = at(&slots, k as u32);
            let near = match (slot.limit, *limit) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
                (a, b) => a == b,
            };
            prop_assert!(near, "second {k}: {:?} instead of {limit:?}", slot.limit);
            prop_assert_eq!(slot.phases, *phases, "phases at second {}", k);
        }
    }

    /// A further profile never allows more, except power that is made on site or a change of who leads.
    #[test]
    fn a_limit_of_the_station_never_allows_more(
        profiles in prop::collection::vec(profile(), 0..8).prop_map(distinct),
        limit in 0u32..40,
        question in question(),
    ) {
        let cap = Profile {
            id: 99,
            evse: 0,
            purpose: Purpose::StationMax,
            stack_level: 99,
            kind: Kind::Dynamic,
            valid_from: None,
            valid_to: None,
            transaction_id: None,
            schedule: Schedule {
                unit: question.unit,
                start: None,
                duration_s: None,
                min_rate: None,
                periods: vec![Period { limit: Some(f64::from(limit)), ..Period::default() }],
            },
        };
        let with: Vec<Profile> = profiles.iter().cloned().chain([cap]).collect();
        for slot in compose(&with, &question).unwrap() {
            prop_assert!(slot.limit.unwrap() <= f64::from(limit));
        }
    }

    /// The station as a whole may draw what its only EVSE may.
    #[test]
    fn a_station_of_one_evse_is_that_evse(
        profiles in prop::collection::vec(profile(), 0..8).prop_map(distinct),
        question in question(),
    ) {
        // phases of separate limits are not known to each other across the sum, so all use three
        let profiles: Vec<Profile> = profiles
            .into_iter()
            .filter(|profile| profile.purpose != Purpose::LocalGeneration)
            .map(|mut profile| {
                profile.schedule.periods.iter_mut().for_each(|period| period.phases = None);
                if profile.kind == Kind::Relative || profile.schedule.start.is_none() {
                    profile.kind = Kind::Dynamic;
                }
                profile
            })
            .collect();
        let one = compose(&profiles, &question).unwrap();
        let Target::Evse(evse, charging) = question.target.clone() else { unreachable!() };
        let whole = Question { target: Target::Station(vec![(evse, charging)]), ..question };
        let all = compose(&profiles, &whole).unwrap();
        for k in 0..SPAN {
            prop_assert_eq!(at(&one, k).limit, at(&all, k).limit, "second {}", k);
        }
    }
}
