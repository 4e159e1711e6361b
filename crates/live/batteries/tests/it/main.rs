//! Batteries beside packs whose truth is known to the test alone.
#![allow(missing_docs, clippy::unwrap_used)]

mod world;

use voltwin_batteries::{Cause, Change, Outlook, SensorState, Status, UsualDay, V2g};
use voltwin_core::{EventBody, Value};
use voltwin_runtime::Processor;
use world::{Truth, World, Wrong, at};

const DAY_S: u64 = 86_400;

fn always(_: u64, _: &mut Vec<(&'static str, Value)>) -> bool {
    true
}

fn causes(world: &World) -> Vec<Cause> {
    world.battery().live.warnings.iter().map(|warning| warning.cause).collect()
}

#[test]
fn a_battery_is_found_from_nowhere_and_its_bounds_hold_the_truth() {
    let mut world = World::new();
    let mut truth = Truth::new(0.9, 0.62, Wrong::default());
    let (mut looks, mut held, mut worst) = (0.0, 0.0, 0.0_f64);
    for hour in 0..24 {
        world.live(&mut truth, hour * 3_600..(hour + 1) * 3_600, 10, always);
        let estimate = world.battery().live.estimate.unwrap();
        let soc = truth.pack.state().soc;
        looks += 1.0;
        held += f64::from(u8::from((estimate.soc.low..=estimate.soc.high).contains(&soc)));
        if hour > 1 {
            worst = worst.max((estimate.soc.value - soc).abs());
        }
    }
    let battery = world.battery();
    let estimate = battery.live.estimate.unwrap();
    assert!(worst < 0.03, "{worst}");
    assert!(held / looks >= 0.9, "{held} of {looks}");
    assert!((estimate.soh.low..=estimate.soh.high).contains(&0.9), "{:?}", estimate.soh);
    assert!((estimate.soh.value - 0.9).abs() < 0.03, "{:?}", estimate.soh);
    assert_eq!(battery.live.status, Status::Synchronised, "{:?}", battery.live.reason);
    assert_eq!(causes(&world), [], "{:?}", battery.live.warnings);
    // it writes what the ontology knows, and not more often than every five seconds
    assert!(world.answers.len() as u64 <= DAY_S / 5, "{}", world.answers.len());
}

#[test]
fn a_restart_at_any_moment_changes_nothing() {
    let run = |restarts: &[u64]| {
        let mut world = World::new();
        let mut truth = Truth::new(0.85, 0.7, Wrong { leak_per_h: 0.02, ..Wrong::default() });
        for minute in 0..240 {
            if restarts.contains(&minute) {
                world.restart(minute as f64 * 60.0);
            }
            world.live(&mut truth, minute * 60..(minute + 1) * 60, 5, always);
        }
        let told: Vec<_> =
            world.answers.iter().map(|event| (event.at, format!("{:?}", event.body))).collect();
        (told, world.battery().live)
    };
    let through = run(&[]);
    assert_eq!(run(&[1, 77, 78, 200]), through);
}

#[test]
fn each_fault_is_named_and_a_healthy_pack_is_left_alone() {
    let faults = [
        (Wrong { leak_per_h: 0.01, ..Wrong::default() }, Cause::SoftShort),
        (Wrong { missing: 0.15, ..Wrong::default() }, Cause::WeakCell),
        (Wrong { heat_k_per_h: 6.0, ..Wrong::default() }, Cause::Thermal),
        (Wrong { bias_a: 12.0, ..Wrong::default() }, Cause::CurrentBias),
    ];
    for (wrong, cause) in faults {
        let mut world = World::new();
        let mut truth = Truth::new(0.95, 0.8, wrong);
        world.live(&mut truth, 0..6 * 3_600, 10, always);
        let named = causes(&world);
        assert!(
            named.contains(&cause),
            "{wrong:?}: {:?} {:?}",
            world.battery().live.warnings,
            world.battery().live.estimate
        );
        let others: Vec<&Cause> = named.iter().filter(|c| ![cause, Cause::CellSpread].contains(c)).collect();
        assert!(others.is_empty(), "{wrong:?}: {:?}", world.battery().live.warnings);
        let cell = world.battery().live.warnings.iter().find(|w| w.cause == cause).unwrap().cell;
        if matches!(cause, Cause::SoftShort | Cause::WeakCell) {
            assert_eq!(cell, Some(5));
        }
    }
}

#[test]
fn a_biased_current_sensor_does_not_move_the_charge() {
    let mut world = World::new();
    let mut truth = Truth::new(0.95, 0.8, Wrong { bias_a: 12.0, ..Wrong::default() });
    world.live(&mut truth, 0..12 * 3_600, 10, always);
    let estimate = world.battery().live.estimate.unwrap();
    let soc = truth.pack.state().soc;
    assert!((estimate.soc.value - soc).abs() < 0.05, "{:?} for {soc}", estimate.soc);
    assert_eq!(world.battery().live.sensors.current, SensorState::Biased);
}

#[test]
fn gaps_late_and_wrong_values_are_lived_with() {
    let mut world = World::new();
    let mut truth = Truth::new(0.9, 0.7, Wrong::default());
    world.live(&mut truth, 0..7_200, 10, always);
    // an hour nobody hears of, then it is found again
    world.live(&mut truth, 7_200..10_800, 10, |_, _| false);
    let tick = world.processor.on_tick(at(10_000.0));
    assert_eq!(world.battery().live.status, Status::Stale);
    assert!(!tick.is_empty());
    world.live(&mut truth, 10_800..10_820, 10, always);
    let after = world.battery().live;
    assert!(after.estimate.unwrap().soc.high - after.estimate.unwrap().soc.low > 0.02, "{after:?}");
    world.live(&mut truth, 10_820..18_000, 10, always);
    assert_eq!(world.battery().live.status, Status::Synchronised, "{:?}", world.battery().live.estimate);
    // one from before the newest is counted and not used
    let before = world.battery().live.estimate;
    world.tell(15_000.0, vec![("voltage_v", 60.0.into()), ("current_a", 0.0.into())]);
    assert_eq!((world.battery().live.estimate, world.battery().live.late), (before, 1));
    // one that cannot be is excluded, with its reason, and the rest goes on
    world.tell(18_010.0, vec![("voltage_v", 1e6.into()), ("current_a", 3.0.into()), ("temp_c", 25.0.into())]);
    let live = world.battery().live;
    assert_eq!(live.status, Status::Implausible);
    assert!(live.reason.as_deref().is_some_and(|reason| reason.contains("voltage_v")), "{:?}", live.reason);
    assert_eq!(live.sensors.voltage, SensorState::Implausible);
    let estimate = live.estimate.unwrap();
    assert!((estimate.soc.value - truth.pack.state().soc).abs() < 0.05, "{:?}", estimate.soc);
    world.live(&mut truth, 18_020..18_400, 10, always);
    assert_eq!(world.battery().live.status, Status::Synchronised);
}

#[test]
fn a_stuck_voltage_is_excluded_with_its_reason() {
    let mut world = World::new();
    let mut truth = Truth::new(0.9, 0.8, Wrong::default());
    world.live(&mut truth, 0..3_600, 10, always);
    let mut stuck = None;
    world.live(&mut truth, 3_600..7_200, 10, |_, told| {
        let shown = stuck.get_or_insert_with(|| told[0].1.clone());
        told[0].1 = shown.clone();
        true
    });
    let live = world.battery().live;
    assert_eq!(live.sensors.voltage, SensorState::Stuck, "{:?} {:?}", live.status, live.estimate);
    assert_eq!(causes(&world), [Cause::SensorStuck]);
    let soc = truth.pack.state().soc;
    assert!((live.estimate.unwrap().soc.value - soc).abs() < 0.05, "{:?} for {soc}", live.estimate);
}

#[test]
fn what_it_says_of_its_type_is_needed_and_taken_when_it_comes() {
    let mut world = World::new();
    let odd = vec![("chemistry", "Sodium".into())];
    world.tell(1.0, odd);
    world.tell(2.0, vec![("voltage_v", 88.0.into())]);
    let battery = world.battery();
    assert_eq!(battery.live.status, Status::Unknown);
    assert!(battery.kind.unwrap().unwrap_err().contains("Sodium"));
    world.tell(3.0, vec![("chemistry", "NMC".into()), ("voltage_v", 88.0.into())]);
    assert_eq!(world.battery().live.status, Status::Starting);
    world.happen(4.0, EventBody::Deleted);
    assert!(world.batteries.get(&"t".parse().unwrap(), &"B-1".parse().unwrap()).is_none());
}

#[test]
fn an_outlook_falls_and_its_habits_order_as_they_must() {
    let day = voltwin_batteries::Habit::default().day().unwrap();
    let health = voltwin_estimation::live::Bounded { value: 0.92, low: 0.9, high: 0.94 };
    let outlook = Outlook::new(voltwin_ageing::Cell::NcaPanasonic3Ah, health, day, None).unwrap();
    let now = outlook.curve(0.0, 1).unwrap()[0].1;
    assert!((now.value - 0.92).abs() < 0.01, "{now:?}");
    let horizons = outlook.horizons().unwrap();
    for pair in horizons.windows(2) {
        assert!(pair[1].1.value <= pair[0].1.value && pair[1].1.low <= pair[1].1.value);
    }
    let end = outlook.end_of_life(0.7).unwrap();
    assert!(end.low <= end.mean && end.mean <= end.high && end.mean > 365.0, "{end:?}");
    let value = voltwin_ageing::PackValue { energy_kwh: 60.0, price_per_kwh: 120.0, end_capacity: 0.7 };
    let changes = [
        Change::default(),
        Change { charge_to_soc: Some(0.6), ..Change::default() },
        Change { warmer_k: 10.0, ..Change::default() },
        Change { v2g: Some(V2g { soc_share: 0.2, from_hour: 18.0, to_hour: 20.0 }), ..Change::default() },
    ];
    let (present, beside) = outlook.what_if(&changes, value, 3_650.0).unwrap();
    assert_eq!(beside[0].points.value, 0.0);
    assert_eq!(beside[0].course, present);
    assert!(beside[1].points.value > 0.1 && beside[1].money.value > 0.0, "{:?}", beside[1].points);
    assert!(beside[2].points.value < -0.1, "{:?}", beside[2].points);
    assert_eq!(outlook.what_if(&changes, value, 3_650.0).unwrap().1, beside);
    let UsualDay { observed, .. } = outlook.day;
    assert!(!observed);
}
