//! The resources, from request to answer.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use voltwin_core::{AlarmChange, AlarmFact, AlarmId, EventBody, Severity};

use crate::world::{Answer, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_station_is_added_shown_and_given_a_new_password() {
    let world = World::start().await;
    let admin = &world.north.admin;
    let added = world
        .post(admin, "/stations", json!({"id": "ST-1", "name": "Harbour", "lat_deg": 1.5, "lon_deg": 2}))
        .await;
    assert_eq!(added.status, 201);
    let first = added.ok()["password"].as_str().unwrap().to_owned();
    assert!((16..=40).contains(&first.len()));
    world.post(admin, "/stations", json!({"id": "ST-1"})).await.problem(409);
    let station = world.get(&world.north.viewer, "/stations/ST-1").await.ok();
    assert_eq!((&station["name"], &station["status"]), (&json!("Harbour"), &json!("Offline")));
    assert_eq!(
        (&station["online"], &station["lat_deg"], &station["evses"]),
        (&json!(false), &json!(1.5), &json!([]))
    );
    assert!(station.get("password").is_none());
    let renewed = world.post(admin, "/stations/ST-1/credentials", json!({})).await.ok();
    assert_ne!(renewed["password"], json!(first));
    world.post(admin, "/stations/ST-2/credentials", json!({})).await.problem(404);
    assert_eq!(world.get(admin, "/stations/ST-1/messages").await.ok(), json!({"items": [], "next": null}));
    let audit = world.get(admin, "/audit").await.ok();
    assert!(audit["items"].as_array().unwrap().iter().any(|entry| entry["subject"] == "ST-1"), "{audit}");
    assert!(!audit.to_string().contains(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_item_once_and_in_order() {
    let world = World::start().await;
    let ids: Vec<String> = (0..23).map(|n| format!("V-{:02}", (n * 7) % 23)).collect();
    for id in &ids {
        world.twin(id, "Vehicle", json!({})).await;
    }
    for path in ["/vehicles", "/twins"] {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let more = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = world.get(&world.north.viewer, &format!("{path}?limit=5{more}")).await.ok();
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
            );
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        let mut sorted = ids.clone();
        sorted.sort();
        assert_eq!(seen, sorted, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_field_and_the_limit() {
    let world = World::start().await;
    world.twin("V-1", "Vehicle", json!({})).await;
    let long = "x".repeat(201);
    let gets = [
        ("/stations?limit=0", "limit"),
        ("/stations?limit=501", "limit"),
        ("/stations?limit=x", "limit"),
        ("/stations?colour=red", "colour"),
        ("/transactions?state=gone", "state"),
        ("/twins?model=Vehicle", "model"),
        ("/twins/V-1/history", "property"),
        ("/twins/V-1/history?property=soc&points=2001", "points"),
        ("/twins/V-1/history?property=soc&from=yesterday", "from"),
        ("/twins/V-1/history?property=soc&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("/twins/%2F", "id"),
        ("/search?q=", "q"),
        ("/commands/x", "id"),
        ("/transactions/x", "number"),
    ];
    for (path, field) in gets {
        assert_eq!(world.get(&world.north.admin, path).await.problem(400).as_deref(), Some(field), "{path}");
    }
    let posts = [
        ("/stations", json!({}), "id"),
        ("/stations", json!({"id": "a b"}), "id"),
        ("/stations", json!({"id": "A", "name": long}), "name"),
        ("/stations", json!({"id": "A", "password": "short"}), "password"),
        ("/stations", json!({"id": "A", "lat_deg": 90.1}), "lat_deg"),
        ("/stations", json!({"id": "A", "lon_deg": "west"}), "lon_deg"),
        ("/stations", json!({"id": "A", "lat_deg": 1.5}), "lon_deg"),
        ("/telemetry", json!({"items": []}), "items"),
        ("/telemetry", json!({"items": [{"values": {}}]}), "items[0].twin"),
        ("/stations/V-1/commands?wait_s=121", json!({"command": "reset"}), "wait_s"),
    ];
    for (path, body, field) in posts {
        let answer = world.post(&world.north.admin, path, body.clone()).await;
        assert_eq!(answer.problem(400).as_deref(), Some(field), "{path} {body}");
    }
    let answer = world.get(&world.north.admin, "/stations?limit=501").await;
    assert_eq!(answer.body["limit"], 500);
    let plain = world.request(Method::POST, "/api/v1/stations").bearer_auth(&world.north.admin).body("{}");
    assert_eq!(Answer::of(plain.send().await.unwrap()).await.problem(415).as_deref(), Some("Content-Type"));
    let broken = world.request(Method::POST, "/api/v1/stations").bearer_auth(&world.north.admin);
    let broken = broken.header("content-type", "application/json").body("{\"id\":").send().await.unwrap();
    Answer::of(broken).await.problem(400);
    let huge = json!({"id": "A", "name": "x".repeat(300_000)});
    let answer = world.post(&world.north.admin, "/stations", huge).await;
    answer.problem(413);
    assert_eq!(answer.body["limit"], 256 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_do_not_exist_say_so() {
    let world = World::start().await;
    for path in ["/nothing", "/stations/a/b/c"] {
        world.get(&world.north.admin, path).await.problem(404);
    }
    world.call(&world.north.admin, Method::PUT, "/overview", None).await.problem(405);
    world.call(&world.north.admin, Method::DELETE, "/stations", None).await.problem(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_is_written_only_over_the_one_that_was_read() {
    let world = World::start().await;
    let key = &world.north.admin;
    let put = async |header: Option<(&str, &str)>, body: Json| {
        let mut request = world.request(Method::PUT, "/api/v1/twins/V-1").bearer_auth(key).json(&body);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        Answer::of(request.send().await.unwrap()).await
    };
    let vehicle = json!({"model": "dtmi:voltwin:Vehicle;1", "properties": {"soc": 0.4}});
    let made = put(Some(("if-none-match", "*")), vehicle.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let etag = made.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(made.body["etag"], json!(etag));
    put(Some(("if-none-match", "*")), vehicle.clone()).await.problem(412);
    assert_eq!(put(Some(("if-match", &etag)), vehicle.clone()).await.status, 200);
    assert_eq!(
        put(Some(("if-match", &etag)), vehicle.clone()).await.problem(412).as_deref(),
        Some("If-Match")
    );
    world.twin("P-1", "BatteryPack", json!({})).await;
    let patch = json!({"properties": {"soc": null, "name": "Van"}, "relationships": [{"name": "hasPack", "target": "P-1"}]});
    let twin = world.call(key, Method::PATCH, "/twins/V-1", Some(&patch)).await.ok();
    assert_eq!(
        (&twin["properties"], &twin["metadata"]["name"]["source_time"].is_string()),
        (&json!({"name": "Van"}), &true)
    );
    assert_eq!(twin["relationships"], json!([{"id": "hasPack-P-1", "name": "hasPack", "target": "P-1"}]));
    let pack = world.get(key, "/twins/P-1").await.ok();
    assert_eq!(pack["incoming"][0]["source"], "V-1");
    assert_eq!(world.get(key, "/vehicles/V-1").await.ok()["pack"], "P-1");
    let none = json!({"model": "dtmi:voltwin:Vehicle;1", "relationships": []});
    assert_eq!(put(None, none).await.ok()["relationships"], json!([]));
    for (body, field) in [
        (json!({"model": "dtmi:voltwin:Nothing;1"}), "model"),
        (json!({"model": "dtmi:voltwin:Vehicle;1", "properties": {"soc": "full"}}), "soc"),
        (json!({"model": "dtmi:voltwin:Vehicle;1", "properties": {"colour": "red"}}), "colour"),
    ] {
        assert_eq!(put(None, body.clone()).await.problem(400).as_deref(), Some(field), "{body}");
    }
    assert_eq!(world.call(key, Method::DELETE, "/twins/V-1", None).await.status, 204);
    world.call(key, Method::DELETE, "/twins/V-1", None).await.problem(404);
    world.call(key, Method::PATCH, "/twins/V-1", Some(&json!({}))).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn telemetry_is_judged_item_by_item_and_becomes_history() {
    let world = World::start().await;
    world.twin("V-1", "Vehicle", json!({})).await;
    let (key, now) = (&world.north.operator, world.runtime.now());
    let at = |ago_s: f64| now.plus_seconds(-ago_s).to_string();
    let body = json!({"items": [
        {"twin": "V-1", "at": at(30.0), "values": {"soc": 0.5, "speed_mps": 3}},
        {"twin": "V-2", "values": {"soc": 0.5}},
        {"twin": "V-1", "at": at(20.0), "values": {"soc": 0.4}},
        {"twin": "a b", "values": {"soc": 0.5}},
        {"twin": "V-1", "at": at(-3_600.0), "values": {"soc": 0.5}},
        {"twin": "V-1", "values": {"soc": 2.5, "colour": "red"}},
        {"twin": "V-1", "values": {}},
    ]});
    let answer = world.post(key, "/telemetry", body).await;
    assert_eq!(answer.status, 202);
    let answer = answer.ok();
    let rejected: Vec<u64> =
        answer["rejected"].as_array().unwrap().iter().map(|item| item["index"].as_u64().unwrap()).collect();
    assert_eq!((&answer["accepted"], rejected), (&json!(2), vec![1, 3, 4, 5, 6]), "{answer}");
    assert_eq!(world.get(key, "/vehicles/V-1").await.ok()["soc"], 0.4);
    let path = format!("/twins/V-1/history?property=soc&from={}&to={}&points=1", at(60.0), at(0.0));
    let points = loop {
        let history = world.get(key, &path).await.ok();
        if history["points"][0][4] == json!(2) {
            break history["points"][0].clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // of 0.5 and 0.4: least, mean, greatest
    let figures: Vec<f64> = (1..4).map(|n| points[n].as_f64().unwrap()).collect();
    assert!(figures.iter().zip([0.4, 0.45, 0.5]).all(|(a, b)| (a - b).abs() < 1e-9), "{figures:?}");
    let many: Vec<Json> = (0..10_001).map(|_| json!({"twin": "V-1", "values": {"soc": 0.5}})).collect();
    let answer = world.post(key, "/telemetry", json!({"items": many})).await;
    assert_eq!((answer.problem(400).as_deref(), &answer.body["limit"]), (Some("items"), &json!(10_000)));
    let huge = json!({"items": [{"twin": "V-1", "values": {"name": "x".repeat(9 << 20)}}]});
    assert_eq!(world.post(key, "/telemetry", huge).await.body["limit"], 8 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_devices_of_an_iot_hub_say_becomes_values() {
    let world = World::start().await;
    world.twin("V-1", "Vehicle", json!({})).await;
    let (key, at) = (&world.north.operator, world.runtime.now().plus_seconds(-30.0).to_string());
    let validation = json!([{"id": "1", "topic": "t", "subject": "", "eventTime": at, "dataVersion": "2",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}]);
    let ask = world
        .request(Method::OPTIONS, "/api/v1/iot-hub/events")
        .header("WebHook-Request-Origin", "eventgrid.azure.net");
    let answer = ask.header("WebHook-Request-Rate", "120").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let told = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(told("webhook-allowed-origin").as_deref(), Some("eventgrid.azure.net"));
    assert_eq!(told("webhook-allowed-rate").as_deref(), Some("*"));
    let nobody = world.request(Method::OPTIONS, "/api/v1/iot-hub/events").send().await.unwrap();
    assert_eq!(nobody.status(), 400);
    let answer = world.post(key, "/iot-hub/events", validation.clone()).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &json!({"validationResponse": "512d38b6"})));
    world.post(&world.north.viewer, "/iot-hub/events", validation).await.problem(403);
    let event = |kind: &str, device: &str, content: &str, body: Json| {
        json!({"id": "1", "topic": "/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/ACME", "subject": "s", "eventTime": at,
            "eventType": format!("Microsoft.{kind}"), "data": {"hubName": "acme", "deviceId": device, "body": body,
            "deviceConnectionStateEventInfo": {"sequenceNumber": "01"}, "systemProperties": {
            "iothub-connection-device-id": device, "iothub-content-type": content, "iothub-content-encoding": "utf-8"}}})
    };
    let kind = "application/json";
    let delivery = json!([
        event("Devices.DeviceConnected", "V-1", kind, Json::Null),
        event("Devices.DeviceTelemetry", "V-1", kind, json!({"soc": 0.5})),
        // {"speed_mps":3}, which was not declared as JSON
        event("Devices.DeviceTelemetry", "V-1", "", json!("eyJzcGVlZF9tcHMiOjN9")),
        event("Devices.DeviceTelemetry", "V-2", kind, json!({"soc": 0.5})),
        event("Devices.DeviceTelemetry", "V-1", kind, json!([1])),
        event("Storage.BlobCreated", "V-1", kind, Json::Null),
        event("Devices.DeviceTelemetry", "V-1", kind, json!({"soc": 2})),
        event("Devices.DeviceTelemetry", "a b", kind, json!({})),
        event("Devices.DeviceTwinChanged", "V-1", kind, json!({})),
    ]);
    let answer = world.post(key, "/iot-hub/events", delivery).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let rejected: Vec<&Json> =
        answer.body["rejected"].as_array().unwrap().iter().map(|item| &item["index"]).collect();
    assert_eq!(
        (&answer.body["accepted"], rejected),
        (&json!(2), vec![&json!(3), &json!(4), &json!(6), &json!(7)])
    );
    let vehicle = world.get(key, "/vehicles/V-1").await.ok();
    assert_eq!((&vehicle["soc"], &vehicle["speed_mps"]), (&json!(0.5), &json!(3.0)));
    let answer = world.post(key, "/iot-hub/events", json!([{}])).await;
    assert_eq!(answer.problem(400).as_deref(), Some("[0].eventType"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_seen_on_its_station_and_acknowledged_once() {
    let world = World::start().await;
    world.station("ST-1").await;
    let id = AlarmId(uuid::Uuid::from_u128(1));
    let change = AlarmChange::Raised { code: "C".into(), severity: Severity::Major, message: "hot".into() };
    world.happen("ST-1:1:1", EventBody::Alarm(AlarmFact { id, change })).await;
    let key = &world.north.operator;
    assert_eq!(world.get(key, "/stations/ST-1").await.ok()["alarm"], "major");
    assert_eq!(world.get(key, "/search?q=HOT").await.ok()["items"][0]["kind"], "alarm");
    let path = format!("/alarms/{id}/acknowledge");
    let first = world.post(key, &path, json!({})).await.ok();
    assert!(first["acknowledged_at"].is_string());
    let again = world.post(&world.north.admin, &path, json!({})).await.ok();
    assert_eq!(again["acknowledged_by"], first["acknowledged_by"]);
    world.happen("ST-1:1:1", EventBody::Alarm(AlarmFact { id, change: AlarmChange::Cleared })).await;
    assert_eq!(world.get(key, "/alarms").await.ok()["items"], json!([]));
    assert_eq!(world.get(key, "/alarms?state=all").await.ok()["items"][0]["id"], json!(id.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scene_and_the_overview_agree_on_what_stands_where() {
    let world = World::start().await;
    let ring = json!([[13.0, 52.0], [14.0, 52.0], [14.0, 53.0], [13.0, 53.0], [13.0, 52.0]]);
    let boundary = json!({"type": "Polygon", "coordinates": [ring]});
    world.twin("Z-1", "Zone", json!({"name": "Centre", "boundary": boundary})).await;
    world.twin("SITE-1", "Site", json!({"name": "Harbour", "lat_deg": 52.5, "lon_deg": 13.5})).await;
    world.twin("H-1", "Hub", json!({"name": "Hub", "levels": 3, "lat_deg": 52.5, "lon_deg": 13.5})).await;
    world.link("Z-1", "contains", "SITE-1").await;
    world.link("SITE-1", "contains", "H-1").await;
    world.station("ST-1").await;
    world.link("H-1", "contains", "ST-1").await;
    world.twin("V-1", "Vehicle", json!({"lat_deg": 52.1, "lon_deg": 13.1, "status": "Driving"})).await;
    world.twin("V-2", "Vehicle", json!({"lat_deg": 51.0, "lon_deg": 13.1, "status": "Parked"})).await;
    world.happen("ST-1", EventBody::patch([("online", true.into())])).await;
    world.happen("ST-1:1:1", EventBody::patch([("status", "Charging".into())])).await;
    let key = &world.north.viewer;
    let scene = world.get(key, "/scene").await.ok();
    assert_eq!(scene["zones"][0]["boundary"], ring);
    let station = &scene["stations"][0];
    let place = ["zone", "site", "hub"].map(|field| station[field].as_str().unwrap().to_owned());
    assert_eq!(place, ["Z-1", "SITE-1", "H-1"]);
    assert_eq!(station["connectors"][0]["type"], "cCCS2");
    let overview = world.get(key, "/overview").await.ok();
    assert_eq!(
        overview["vehicles"],
        json!({"total": 2, "driving": 1, "queuing": 0, "charging": 0, "faulted": 0})
    );
    assert_eq!(overview["connectors"], json!({"total": 1, "by_status": {"Charging": 1}}));
    let zone = &overview["zones"][0];
    let figures = ["vehicles", "stations", "connectors", "in_use"].map(|field| zone[field].as_u64().unwrap());
    assert_eq!((figures, &zone["utilisation"]), ([1, 1, 1, 1], &json!(1.0)));
    assert_eq!(world.get(key, "/vehicles/V-1").await.ok()["zone"], "Z-1");
    assert_eq!(world.get(key, "/vehicles/V-2").await.ok()["zone"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_becomes_a_station() {
    let world = World::start().await;
    let registry = world.runtime.store().tenant(&world.north.tenant);
    registry.record_claim("ST-9", "10.0.0.9", "ocpp2.0.1", None, world.runtime.now()).await.unwrap();
    let admin = &world.north.admin;
    let claim = world.get(admin, "/claims").await.ok()["items"][0].clone();
    assert_eq!((&claim["station"], &claim["has_password"]), (&json!("ST-9"), &json!(false)));
    let path = format!("/claims/{}/accept", claim["id"].as_str().unwrap());
    let station = world.post(admin, &path, json!({"name": "Ninth"})).await.ok();
    assert!(station["password"].is_string() && station["name"] == "Ninth", "{station}");
    world.post(admin, &path, json!({})).await.problem(404);
    assert_eq!(world.get(admin, "/overview").await.ok()["claims"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_to_a_station_that_is_away_fails_on_the_record() {
    let world = World::start().await;
    world.station("ST-1").await;
    let key = &world.north.operator;
    let command = world.post(key, "/stations/ST-1/commands?wait_s=5", json!({"command": "reset"})).await.ok();
    assert_eq!((&command["state"], &command["station"]), (&json!("failed"), &json!("ST-1")), "{command}");
    assert!(command["reason"].as_str().unwrap().contains("offline"));
    let path = format!("/commands/{}", command["id"].as_str().unwrap());
    assert_eq!(world.get(key, &path).await.ok(), command);
    assert_eq!(world.get(key, "/commands?station=ST-1").await.ok()["items"][0], command);
    world.post(key, "/stations/ST-1/commands", json!({"action": "NoSuchAction"})).await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_carries_its_trace() {
    let world = World::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = world.request(Method::GET, "/api/v1/overview").bearer_auth(&world.north.viewer);
    let answer =
        request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")).send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], trace);
    assert_eq!(world.get(&world.north.viewer, "/scene").await.headers["x-request-id"].len(), 32);
}
