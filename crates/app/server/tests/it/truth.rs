//! What the network shows is what is known: stations that are away, gone, or spoken for by others.

use reqwest::Method;
use serde_json::json;
use voltwin_core::EventBody;

use crate::desk::{connected, say};
use crate::world::World;

#[tokio::test]
async fn a_station_that_is_away_counts_for_nothing_that_is_live() {
    let world = World::start().await;
    let mut link = connected(&world, "ST-1").await;
    let status = json!({"connectorId": 1, "status": "Charging", "errorCode": "NoError"});
    say(&mut link, "s1", "StatusNotification", status).await;
    let start =
        json!({"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2026-11-21T08:00:00Z"});
    let transaction = say(&mut link, "t1", "StartTransaction", start).await["transactionId"].clone();
    let values = json!({"connectorId": 1, "transactionId": transaction, "meterValue": [{
        "timestamp": world.runtime.now().to_string(),
        "sampledValue": [{"value": "22000", "measurand": "Power.Active.Import", "unit": "W"}],
    }]});
    say(&mut link, "m1", "MeterValues", values).await;
    let overview = world.get(&world.north.viewer, "/overview").await.ok();
    assert_eq!(
        (&overview["power_w"], &overview["connectors"]["by_status"]),
        (&json!(22_000.0), &json!({"Charging": 1}))
    );

    link.close().await;
    let away = async || loop {
        let overview = world.get(&world.north.viewer, "/overview").await.ok();
        if overview["stations"]["online"] == 0 {
            return overview;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let overview =
        tokio::time::timeout(std::time::Duration::from_secs(20), away()).await.expect("it goes offline");
    assert_eq!(overview["power_w"], 0.0);
    assert_eq!(overview["connectors"], json!({"total": 1, "by_status": {"Offline": 1}}));

    // it restarted: its connector is free, so that nothing flows, although the transaction was never ended
    let mut link = connected(&world, "ST-1").await;
    let status = json!({"connectorId": 1, "status": "Available", "errorCode": "NoError"});
    say(&mut link, "s2", "StatusNotification", status).await;
    let station = world.get(&world.north.viewer, "/stations/ST-1").await.ok();
    let connector = &station["evses"][0]["connectors"][0];
    assert_eq!((&station["power_w"], &connector["power_w"]), (&json!(0.0), &json!(0.0)), "{station}");
    assert_eq!((&connector["status"], &connector["transaction_id"]), (&json!("Available"), &json!(null)));
}

#[tokio::test]
async fn only_administrators_say_what_there_is_and_it_is_written_down() {
    let world = World::start().await;
    world.station("ST-1").await;
    let (operator, admin) = (&world.north.operator, &world.north.admin);
    let patch = json!({"properties": {"name": "Gate"}});
    world.call(operator, Method::PATCH, "/twins/ST-1", Some(&patch)).await.problem(403);
    world.call(operator, Method::DELETE, "/twins/ST-1", None).await.problem(403);
    world.call(operator, Method::DELETE, "/stations/ST-1", None).await.problem(403);
    world.call(admin, Method::PATCH, "/twins/ST-1", Some(&patch)).await.ok();
    world.call(admin, Method::DELETE, "/twins/ST-1", None).await.problem(409);
    let audit = world.get(admin, "/audit").await.ok();
    let newest = &audit["items"][0];
    assert_eq!((&newest["action"], &newest["subject"]), (&json!("twin.change"), &json!("ST-1")), "{audit}");

    // telemetry cannot speak for a station, and may add to what it says
    let items = json!({"items": [
        {"twin": "ST-1", "values": {"online": true}},
        {"twin": "ST-1:1:1", "values": {"power_w": 999.0}},
        {"twin": "ST-1:1:1", "values": {"temp_c": 31.5}},
    ]});
    let body = json!({"model": "dtmi:voltwin:Vehicle;1", "properties": {"soc": 7}});
    let answer = world.put(admin, "/twins/V-9", body).await;
    assert_eq!(answer.problem(400).as_deref(), Some("properties.soc"));
    let answer = world.post(operator, "/telemetry", items).await.ok();
    assert_eq!(answer["accepted"], 1, "{answer}");
    let rejected: Vec<_> =
        answer["rejected"].as_array().unwrap().iter().map(|one| one["index"].clone()).collect();
    assert_eq!(rejected, [json!(0), json!(1)], "{answer}");
}

#[tokio::test]
async fn a_station_that_is_removed_is_gone_until_it_is_added_again() {
    let world = World::start().await;
    world.station("ST-1").await;
    let mut link = connected(&world, "ST-1").await;
    let admin = &world.north.admin;
    assert_eq!(world.call(admin, Method::DELETE, "/stations/ST-1", None).await.status, 204);
    // the connection is told to end
    let ended = async {
        while !link.next().await.iter().any(|out| !matches!(out, voltwin_csms::Outgoing::Text(_))) {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), ended).await.expect("the connection ends");
    drop(link);
    world.get(admin, "/stations/ST-1").await.problem(404);
    for twin in ["ST-1", "ST-1:1", "ST-1:1:1"] {
        world.get(admin, &format!("/twins/{twin}")).await.problem(404);
    }
    world.call(admin, Method::DELETE, "/stations/ST-1", None).await.problem(404);
    world.post(admin, "/stations", json!({"id": "ST-1"})).await.ok();
    world.get(admin, "/stations/ST-1").await.ok();
}

#[tokio::test]
async fn what_somebody_beside_us_does_to_the_registry_is_seen() {
    let world = World::start().await;
    let registry = world.runtime.store().tenant(&world.north.tenant);
    let now = world.runtime.now();
    registry.add_station("ST-CLI", "By hand", None, "command line", now).await.unwrap();
    let shown = async |expected: u16| loop {
        if world.get(&world.north.viewer, "/stations/ST-CLI").await.status == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    let within = std::time::Duration::from_secs(20);
    tokio::time::timeout(within, shown(200)).await.expect("the station comes");
    registry.remove_station("ST-CLI", "command line", now).await.unwrap();
    tokio::time::timeout(within, shown(404)).await.expect("the station goes");
}

#[tokio::test]
async fn an_identity_under_which_nobody_can_connect_is_refused() {
    let world = World::start().await;
    for id in ["A:B".to_owned(), "x".repeat(49)] {
        for path in ["/stations", "/onboarding"] {
            let answer = world.post(&world.north.admin, path, json!({"id": id})).await;
            assert_eq!(answer.problem(400).as_deref(), Some("id"), "{path} {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_property_that_a_twin_cannot_have_has_no_history() {
    let world = World::start().await;
    world.station("ST-1").await;
    world.happen("ST-1", EventBody::patch([("power_w", 1.0.into())])).await;
    let answer = world.get(&world.north.viewer, "/twins/ST-1/history?property=nope").await;
    assert_eq!(answer.problem(400).as_deref(), Some("property"));
    world.get(&world.north.viewer, "/twins/ST-1/history?property=power_w").await.ok();
}
