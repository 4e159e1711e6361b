use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;

const DEMO: &str = include_str!("../../../../../scenarios/demo-city.json");

fn demo() -> City {
    City::load(DEMO).unwrap()
}

#[test]
fn the_demonstration_has_the_promised_size() {
    let city = demo();
    assert_eq!((city.station_ids().count(), city.vehicle_count()), (10, 25));
    let mut models: BTreeMap<String, usize> = BTreeMap::new();
    for twin in city.twins() {
        *models.entry(twin.model).or_default() += 1;
    }
    let count = |kind: &str| models.get(&format!("dtmi:voltwin:{kind};1")).copied().unwrap_or(0);
    assert_eq!((count("Zone"), count("Hub"), count("BatteryPack")), (5, 1, 25));
    assert!(count("Site") >= 5 && count("GridConnection") == count("Site"));
    assert!(count("Connector") >= count("EVSE") && count("EVSE") > 20);
    let versions: HashSet<_> = city.station_configs().into_iter().map(|s| s.version).collect();
    assert_eq!(versions.len(), 3);
}

#[test]
fn every_link_joins_twins_that_exist() {
    let mut city = demo();
    city.scale(60);
    let twins = city.twins();
    let ids: HashSet<&str> = twins.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids.len(), twins.len());
    let links = city.links();
    for link in &links {
        assert!(ids.contains(link.source.as_str()) && ids.contains(link.target.as_str()), "{link:?}");
        assert!(voltwin_core::RelationshipId::new(&link.id).is_ok(), "{link:?}");
    }
    let contained: HashSet<&str> =
        links.iter().filter(|l| l.name == "contains").map(|l| l.target.as_str()).collect();
    for vehicle in (0..60).filter_map(|v| city.vehicle_id(v)) {
        assert!(contained.contains(vehicle), "{vehicle} is in no zone");
    }
}

#[test]
fn equal_seeds_give_equal_cities_and_others_do_not() {
    let run = |seed| {
        let mut city = demo().with_seed(seed).unwrap();
        let events: Vec<CityEvent> = (0..200).flat_map(|_| city.step(1.0)).collect();
        (events, city.twins())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).1, run(2).1);
}

#[test]
fn two_hours_of_the_city_are_believable() {
    let mut city = demo();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    let mut register = BTreeMap::new();
    let mut charged = false;
    for _ in 0..3_600 {
        for event in city.step(2.0) {
            let name = match event {
                CityEvent::PluggedIn { .. } => "plugged",
                CityEvent::Finished { .. } => "finished",
                CityEvent::Unplugged { .. } => "unplugged",
                CityEvent::Broke { .. } => "broke",
                CityEvent::Repaired { .. } => "repaired",
            };
            *count.entry(name).or_default() += 1;
        }
        for station in 0..10 {
            let mut power_w = 0.0;
            for evse in 0..4 {
                let Some(flow) = city.flow(station, evse) else { break };
                let before = register.insert((station, evse), flow.energy_wh).unwrap_or(0.0);
                assert!(flow.energy_wh >= before, "a register fell at {station}:{evse}");
                power_w += flow.power_w;
                charged |= flow.power_w > 3_000.0;
            }
            assert!(power_w <= city.scenario.stations[station].max_power_w * 1.001, "{station}: {power_w}");
        }
        for vehicle in &city.vehicles {
            assert!(vehicle.speed_mps < 22.0 && (0.0..360.0).contains(&vehicle.heading_deg));
            assert!((vehicle.place.lat_deg - 52.0).abs() < 0.05, "{}", vehicle.id);
        }
    }
    let of = |name: &str| count.get(name).copied().unwrap_or(0);
    assert!(charged && of("plugged") >= 10, "{count:?}");
    assert!(of("finished") >= 3 && of("broke") >= 1 && of("repaired") >= 1, "{count:?}");
    assert!(of("unplugged") <= of("plugged"));
}

#[test]
fn stopping_blocking_and_summoning_are_obeyed() {
    let mut city = demo();
    let plugged = (0..7_200).find_map(|_| {
        city.step(1.0).into_iter().find_map(|event| match event {
            CityEvent::PluggedIn { station, evse, vehicle, .. } => Some((station, evse, vehicle)),
            _ => None,
        })
    });
    let (station, evse, vehicle) = plugged.unwrap();
    city.step(10.0);
    assert_eq!(city.vehicle_status(vehicle), Some(VehicleStatus::Charging));
    city.set_blocked(station, evse, true);
    city.stop_charging(station, evse);
    let events: Vec<CityEvent> = (0..20).flat_map(|_| city.step(1.0)).collect();
    assert!(events.contains(&CityEvent::Unplugged { station, evse }), "{events:?}");
    let summoned = city.summon(9).unwrap();
    // It goes there, and waits its turn when others were first.
    let arrived = (0..3_600).any(|_| {
        city.step(1.0);
        city.vehicle_status(summoned).is_some_and(|s| s != VehicleStatus::Driving)
    });
    assert!(arrived);
}

#[test]
fn errors_name_field_value_and_rule() {
    let table: [(&str, &str, &[&str]); 10] = [
        (r#""zone": "zone-harbour""#, r#""zone": "nowhere""#, &["sites[1].zone", "nowhere"]),
        (r#""id": "ST-02""#, r#""id": "ST-01""#, &["stations[1].id", "ST-01", "another part"]),
        (r#""id": "ST-02""#, r#""id": "S:2""#, &["stations[1].id", "S:2"]),
        (r#""soc": 0.22"#, r#""soc": 1.22"#, &["vehicles[0].soc", "1.22", "0 to 1"]),
        (r#""type": "cType2""#, r#""type": "plug""#, &["stations[0].evses[0].connectors[0].type", "cCCS2"]),
        (r#""protocol": "1.6""#, r#""protocol": "1.5""#, &["line", "column", "1.5"]),
        (r#""level": 3"#, r#""level": 4"#, &["stations[3].level", "0 to 3"]),
        (r#""cells_series": 96"#, r#""cells_series": 0"#, &["vehicles[0].pack", "cells_series is 0"]),
        (
            r#""cells_series": 96"#,
            r#""fault": {"kind": "soft-short", "cell": 97, "resistance_ohm": 3}, "cells_series": 96"#,
            &["vehicles[0].pack", "fault.cell is 97"],
        ),
        (
            r#""cells_series": 96"#,
            r#""sensor_fault": {"kind": "current-bias", "bias_a": 1e6}, "cells_series": 96"#,
            &["vehicles[0].pack.sensor_fault.bias_a", "1000000", "-1000 to 1000"],
        ),
    ];
    for (from, to, words) in table {
        let error = City::load(&DEMO.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{to}: {error}");
    }
    assert!(City::load("").is_err() && City::load("{}").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_damaged_scenario_never_panics(at in 0..24_000_usize, byte in 32_u8..127) {
        let mut text = DEMO.as_bytes().to_vec();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        if let Ok(text) = String::from_utf8(text) && let Ok(mut city) = City::load(&text) {
            city.step(2.0);
        }
    }
}
