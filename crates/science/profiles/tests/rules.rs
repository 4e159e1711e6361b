//! The rules of the standard, each by an example that can be worked out by hand.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use voltwin_core::Timestamp;
use voltwin_profiles::{
    Charging, Kind, Period, Profile, ProfileError, Purpose, Question, Schedule, Slot, Supply, Target, Unit,
    Window, compose, differences,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn periods(limits: &[(u32, f64)]) -> Vec<Period> {
    let period = |(start_s, limit): &(u32, f64)| Period {
        start_s: *start_s,
        limit: Some(*limit),
        ..Period::default()
    };
    limits.iter().map(period).collect()
}

fn profile(id: i64, evse: u32, purpose: Purpose, stack_level: u32, limits: &[(u32, f64)]) -> Profile {
    Profile {
        id,
        evse,
        purpose,
        stack_level,
        kind: Kind::Absolute,
        valid_from: None,
        valid_to: None,
        transaction_id: None,
        schedule: Schedule {
            unit: Unit::Watt,
            start: Some(at("2026-03-28T12:00:00Z")),
            duration_s: None,
            min_rate: None,
            periods: periods(limits),
        },
    }
}

fn ask(target: Target) -> Question {
    Question {
        window: Window { start: at("2026-03-28T12:00:00Z"), duration_s: 3_600 },
        unit: Unit::Watt,
        supply: Supply { voltage_v: 230.0, phases: 3 },
        target,
    }
}

fn free(evse: u32) -> Target {
    Target::Evse(evse, Charging::default())
}

fn charging(evse: u32, transaction: &str) -> Target {
    let started = Some(at("2026-03-28T11:59:00Z"));
    Target::Evse(evse, Charging { transaction_id: Some(transaction.into()), started, priority: false })
}

fn limits(profiles: &[Profile], question: &Question) -> Vec<(u32, Option<f64>)> {
    compose(profiles, question).unwrap().iter().map(|slot| (slot.start_s, slot.limit)).collect()
}

#[test]
fn without_a_profile_nothing_is_limited() {
    assert_eq!(compose(&[], &ask(free(1))).unwrap(), [Slot::default()]);
}

#[test]
fn a_higher_stack_level_leads_for_as_long_as_it_says_something() {
    let low = profile(1, 1, Purpose::TxDefault, 0, &[(0, 11_000.0)]);
    let mut high = profile(2, 1, Purpose::TxDefault, 5, &[(0, 22_000.0), (600, 3_000.0)]);
    high.schedule.duration_s = Some(1_200);
    let want = [(0, Some(22_000.0)), (600, Some(3_000.0)), (1_200, Some(11_000.0))];
    assert_eq!(limits(&[low, high], &ask(free(1))), want);
}

#[test]
fn the_default_of_the_station_holds_on_each_evse_unless_it_has_its_own() {
    let all = profile(1, 0, Purpose::TxDefault, 1, &[(0, 11_000.0)]);
    let second = profile(2, 2, Purpose::TxDefault, 1, &[(0, 7_000.0)]);
    let profiles = [all, second];
    assert_eq!(limits(&profiles, &ask(free(1))), [(0, Some(11_000.0))]);
    assert_eq!(limits(&profiles, &ask(free(2))), [(0, Some(7_000.0))]);
}

#[test]
fn the_profile_of_a_transaction_takes_the_place_of_the_default_and_ends_with_it() {
    let default = profile(1, 0, Purpose::TxDefault, 9, &[(0, 4_000.0)]);
    let mut own = profile(2, 1, Purpose::Tx, 0, &[(0, 20_000.0)]);
    own.transaction_id = Some("A".into());
    own.schedule.duration_s = Some(900);
    let profiles = [default, own];
    assert_eq!(limits(&profiles, &ask(charging(1, "A"))), [(0, Some(20_000.0)), (900, Some(4_000.0))]);
    assert_eq!(limits(&profiles, &ask(charging(1, "B"))), [(0, Some(4_000.0))]);
    assert_eq!(limits(&profiles, &ask(free(1))), [(0, Some(4_000.0))]);
}

#[test]
fn the_lowest_of_transaction_station_and_outside_limit_holds() {
    let profiles = [
        profile(1, 0, Purpose::TxDefault, 0, &[(0, 11_000.0), (1_800, 5_000.0)]),
        profile(2, 0, Purpose::StationMax, 0, &[(0, 9_000.0)]),
        profile(3, 0, Purpose::ExternalConstraints, 0, &[(0, 50_000.0), (600, 8_000.0)]),
    ];
    let want = [(0, Some(9_000.0)), (600, Some(8_000.0)), (1_800, Some(5_000.0))];
    assert_eq!(limits(&profiles, &ask(free(1))), want);
}

#[test]
fn amperes_become_watts_on_the_phases_that_may_be_used() {
    let mut default = profile(1, 0, Purpose::TxDefault, 0, &[(0, 16.0)]);
    default.schedule.unit = Unit::Ampere;
    let mut single = profile(2, 0, Purpose::StationMax, 0, &[(0, 50_000.0)]);
    assert_eq!(limits(&[default.clone(), single.clone()], &ask(free(1))), [(0, Some(16.0 * 230.0 * 3.0))]);
    single.schedule.periods[0].phases = Some(1);
    single.schedule.periods[0].phase_to_use = Some(2);
    let slots = compose(&[default, single], &ask(free(1))).unwrap();
    assert_eq!((slots[0].limit, slots[0].phases, slots[0].phase_to_use), (Some(3_680.0), Some(1), Some(2)));
    let amperes = Question { unit: Unit::Ampere, ..ask(free(1)) };
    let only_watts = compose(&[profile(3, 0, Purpose::StationMax, 0, &[(0, 6_900.0)])], &amperes).unwrap();
    assert_eq!(only_watts[0].limit, Some(10.0));
}

#[test]
fn a_day_is_24_hours_also_when_clocks_change() {
    // on 29 March 2026 the clocks of Europe go forward at 01:00 UTC
    let mut nightly = profile(1, 0, Purpose::TxDefault, 0, &[(0, 11_000.0)]);
    nightly.kind = Kind::Daily;
    nightly.schedule.start = Some(at("2026-03-20T22:00:00Z"));
    nightly.schedule.duration_s = Some(8 * 3_600);
    let window = Window { start: at("2026-03-28T12:00:00Z"), duration_s: 48 * 3_600 };
    let want = [
        (0, None),
        (10 * 3_600, Some(11_000.0)),
        (18 * 3_600, None),
        (34 * 3_600, Some(11_000.0)),
        (42 * 3_600, None),
    ];
    assert_eq!(limits(&[nightly.clone()], &Question { window, ..ask(free(1)) }), want);
    nightly.kind = Kind::Weekly;
    let week = Window { start: at("2026-03-27T00:00:00Z"), duration_s: 86_400 };
    let want = [(0, None), (22 * 3_600, Some(11_000.0))];
    assert_eq!(limits(&[nightly], &Question { window: week, ..ask(free(1)) }), want);
}

#[test]
fn relative_counts_from_the_start_of_the_session() {
    let mut relative = profile(1, 0, Purpose::TxDefault, 0, &[(0, 11_000.0), (120, 6_000.0)]);
    relative.kind = Kind::Relative;
    assert_eq!(
        limits(&[relative.clone()], &ask(charging(1, "A"))),
        [(0, Some(11_000.0)), (60, Some(6_000.0))],
        "it began a minute before the window"
    );
    assert_eq!(limits(&[relative], &ask(free(1))), [(0, Some(11_000.0)), (120, Some(6_000.0))]);
}

#[test]
fn validity_cuts_and_its_end_is_not_included() {
    let mut short = profile(1, 0, Purpose::TxDefault, 0, &[(0, 6_000.0)]);
    short.valid_from = Some(at("2026-03-28T12:10:00Z"));
    short.valid_to = Some(at("2026-03-28T12:20:00Z"));
    assert_eq!(limits(&[short], &ask(free(1))), [(0, None), (600, Some(6_000.0)), (1_200, None)]);
}

#[test]
fn priority_takes_over_while_it_lasts_and_local_generation_raises_the_outside_limit_only() {
    let mut own = profile(1, 1, Purpose::Tx, 0, &[(0, 5_000.0)]);
    own.transaction_id = Some("A".into());
    let mut profiles = vec![
        own,
        profile(2, 0, Purpose::PriorityCharging, 0, &[(0, 22_000.0)]),
        profile(3, 0, Purpose::ExternalConstraints, 0, &[(0, 10_000.0)]),
    ];
    let prior = |priority| {
        let charging = Charging { transaction_id: Some("A".into()), started: None, priority };
        ask(Target::Evse(1, charging))
    };
    assert_eq!(limits(&profiles, &prior(false)), [(0, Some(5_000.0))]);
    assert_eq!(limits(&profiles, &prior(true)), [(0, Some(10_000.0))]);
    profiles.push(profile(4, 0, Purpose::LocalGeneration, 0, &[(0, 4_000.0)]));
    assert_eq!(limits(&profiles, &prior(true)), [(0, Some(14_000.0))]);
    profiles.push(profile(5, 0, Purpose::StationMax, 0, &[(0, 12_000.0)]));
    assert_eq!(limits(&profiles, &prior(true)), [(0, Some(12_000.0))]);
}

#[test]
fn discharging_is_limited_towards_zero_and_the_setpoint_stays_within() {
    let mut own = profile(1, 1, Purpose::Tx, 0, &[(0, 11_000.0)]);
    own.transaction_id = Some("A".into());
    own.schedule.periods[0].discharge_limit = Some(-10_000.0);
    own.schedule.periods[0].setpoint = Some(-9_000.0);
    let mut outside = profile(2, 0, Purpose::ExternalConstraints, 0, &[(0, 50_000.0)]);
    outside.schedule.periods[0].discharge_limit = Some(-6_000.0);
    let slots = compose(&[own, outside], &ask(charging(1, "A"))).unwrap();
    assert_eq!((slots[0].limit, slots[0].discharge_limit), (Some(11_000.0), Some(-6_000.0)));
    assert_eq!(slots[0].setpoint, Some(-6_000.0));
}

#[test]
fn the_whole_station_may_draw_what_its_evses_may_and_no_more_than_its_own_limit() {
    let profiles = [
        profile(1, 1, Purpose::TxDefault, 0, &[(0, 11_000.0)]),
        profile(2, 2, Purpose::TxDefault, 0, &[(0, 7_000.0), (600, 3_000.0)]),
        profile(3, 0, Purpose::StationMax, 0, &[(0, 15_000.0)]),
    ];
    let both = Target::Station(vec![(1, Charging::default()), (2, Charging::default())]);
    assert_eq!(limits(&profiles, &ask(both.clone())), [(0, Some(15_000.0)), (600, Some(14_000.0))]);
    assert_eq!(limits(&profiles[..1], &ask(both)), [(0, None)], "EVSE 2 has no limit");
}

type Change = fn(&mut Profile, &mut Question);

#[test]
fn what_is_out_of_range_is_refused_with_its_name() {
    let wrong = |change: Change| {
        let (mut profile, mut question) = (profile(1, 0, Purpose::TxDefault, 0, &[(0, 1.0)]), ask(free(1)));
        change(&mut profile, &mut question);
        compose(&[profile], &question).unwrap_err()
    };
    let field = |error| match error {
        ProfileError::Value { field, .. } => field,
        ProfileError::TooMany { what, .. } => what,
    };
    assert_eq!(field(wrong(|p, _| p.schedule.periods[0].limit = Some(-1.0))), "limit");
    assert_eq!(field(wrong(|p, _| p.schedule.periods[0].limit = Some(f64::NAN))), "limit");
    assert_eq!(field(wrong(|p, _| p.schedule.periods[0].phases = Some(4))), "phases");
    assert_eq!(field(wrong(|p, _| p.schedule.periods.push(Period::default()))), "start_s");
    assert_eq!(field(wrong(|_, q| q.supply.voltage_v = 0.0)), "voltage_v");
    assert_eq!(field(wrong(|_, q| q.window.duration_s = 0)), "duration_s");
    let many = |p: &mut Profile, q: &mut Question| {
        p.kind = Kind::Daily;
        p.schedule.periods = (0..1_024).map(|n| Period { start_s: n * 80, ..Period::default() }).collect();
        q.window.duration_s = 31 * 86_400;
    };
    assert_eq!(field(wrong(many)), "changes");
}

#[test]
fn differences_name_the_stretch_and_both_limits() {
    let slot = |start_s, limit| Slot { start_s, limit: Some(limit), ..Slot::default() };
    let ours = [slot(0, 11_000.0), slot(600, 7_000.0)];
    let theirs = [slot(0, 11_050.0), slot(700, 7_000.0), slot(900, 6_000.0)];
    let found = differences(&ours, &theirs, 1_200, 0.01);
    let shown: Vec<_> = found.iter().map(|d| (d.from_s, d.to_s, d.ours, d.theirs)).collect();
    let want = [(600, 700, Some(7_000.0), Some(11_050.0)), (900, 1_200, Some(7_000.0), Some(6_000.0))];
    assert_eq!(shown, want);
    assert!(differences(&ours, &ours, 1_200, 0.0).is_empty());
}
