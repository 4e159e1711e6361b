//! What a screen sees.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use voltwin_core::{AlarmChange, AlarmFact, AlarmId, Event, EventBody, Severity, TraceId, Value};
use voltwin_server::ServerConfig;
use voltwin_wire::{ConnectorRow, FrameKind, NO_ROW, StationRow, Topic, VehicleRow, flags};

use crate::stream::Stream;
use crate::world::World;

fn subscribe(topics: &[&str]) -> Json {
    json!({"op": "subscribe", "topics": topics, "hz": 20})
}

async fn drive(world: &World, id: &str, lat_deg: f64, lon_deg: f64) {
    world
        .happen(id, EventBody::patch([("lat_deg", Value::from(lat_deg)), ("lon_deg", Value::from(lon_deg))]))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_what_there_is_and_then_what_changes() {
    let world = World::start().await;
    world.station("ST-1").await;
    for id in ["V-1", "V-2"] {
        world
            .twin(id, "Vehicle", json!({"lat_deg": 52.0, "lon_deg": 13.0, "soc": 0.5, "status": "Driving"}))
            .await;
    }
    let (mut stream, hello) = Stream::open(&world, &world.north.viewer).await;
    assert_eq!((&hello["protocol"], &hello["tenant"]), (&json!(1), &json!("north")));
    stream.say(subscribe(&["station", "connector", "vehicle"])).await;
    let frames = [stream.frame().await, stream.frame().await, stream.frame().await];
    assert!(frames.iter().all(|frame| frame.header.kind == FrameKind::Snapshot));
    let station = frames[0].typed::<StationRow>().unwrap()[0];
    assert_eq!((frames[0].ids[0].as_str(), station.lat_e7, station.connectors), ("ST-1", 525_000_000, 1));
    let connector = frames[1].typed::<ConnectorRow>().unwrap()[0];
    assert_eq!((frames[1].ids[0].as_str(), connector.station, connector.kind), ("ST-1:1:1", 0, 3));
    let row = frames[2].ids.iter().position(|id| id == "V-2").unwrap() as u32;
    assert_eq!(frames[2].typed::<VehicleRow>().unwrap()[0].connector, NO_ROW);

    drive(&world, "V-2", 52.25, 13.5).await;
    let delta = stream.frame().await;
    assert_eq!(
        (delta.header.kind, delta.header.topic, &delta.rows),
        (FrameKind::Delta, Topic::Vehicle, &vec![row])
    );
    let vehicle = delta.typed::<VehicleRow>().unwrap()[0];
    assert_eq!(
        (vehicle.lat_e7, vehicle.lon_e7, vehicle.soc_e4, vehicle.status),
        (522_500_000, 135_000_000, 5_000, 1)
    );
    assert_eq!(delta.header.stamp.sequence, frames[2].header.stamp.sequence + 1);
    assert!(delta.header.stamp.journal_seq > hello["journal_seq"].as_u64().unwrap());
    // the source time of the row, counted from the hello
    let at_ms = hello["epoch_ms"].as_i64().unwrap() + i64::from(vehicle.at_ms);
    assert!((world.runtime.now().as_millis() - at_ms).abs() < 10_000);

    world.twin("V-3", "Vehicle", json!({"connector": "ST-1:1:1"})).await;
    let append = stream.frame().await;
    assert_eq!(
        (append.header.kind, append.header.base, append.ids[0].as_str()),
        (FrameKind::Append, 2, "V-3")
    );
    assert_eq!(append.typed::<VehicleRow>().unwrap()[0].connector, 0);

    world
        .happen("ST-1:1:1", EventBody::patch([("status", "Charging".into()), ("power_w", Value::from(50e3))]))
        .await;
    let (station, connector) = (stream.frame().await, stream.frame().await);
    assert_eq!(station.typed::<StationRow>().unwrap()[0].in_use, 1);
    let row = connector.typed::<ConnectorRow>().unwrap()[0];
    assert_eq!((row.power_w, row.status), (50_000, 3));

    world.happen("V-2", EventBody::Deleted).await;
    let gone = stream.frame().await.typed::<VehicleRow>().unwrap()[0];
    assert_eq!(gone.flags & flags::DELETED, flags::DELETED);

    stream.say(json!({"op": "resync", "topic": "vehicle"})).await;
    let snapshot = stream.frame().await;
    assert_eq!((snapshot.header.kind, snapshot.rows.len()), (FrameKind::Snapshot, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_hides_what_is_outside_and_shows_what_leaves() {
    let world = World::start().await;
    world.twin("IN", "Vehicle", json!({"lat_deg": 1.0, "lon_deg": 1.0})).await;
    world.twin("OUT", "Vehicle", json!({"lat_deg": 9.0, "lon_deg": 9.0})).await;
    let (mut stream, _) = Stream::open(&world, &world.north.viewer).await;
    stream.say(subscribe(&["vehicle"])).await;
    assert_eq!(stream.frame().await.rows.len(), 2);
    stream.say(json!({"op": "view", "view": {"south": 0, "west": 0, "north": 2, "east": 2}})).await;
    let snapshot = stream.frame().await;
    assert_eq!((snapshot.header.kind, snapshot.rows.len()), (FrameKind::Snapshot, 2));
    let (inside, outside) = if snapshot.ids[0] == "IN" { (0, 1) } else { (1, 0) };
    drive(&world, "OUT", 8.0, 8.0).await;
    drive(&world, "IN", 1.5, 1.5).await;
    assert_eq!(stream.frame().await.rows, [inside]);
    // it leaves, and is shown once more
    drive(&world, "IN", 5.0, 5.0).await;
    let left = stream.frame().await;
    assert_eq!((&left.rows, left.typed::<VehicleRow>().unwrap()[0].lat_e7), (&vec![inside], 50_000_000));
    drive(&world, "IN", 6.0, 6.0).await;
    drive(&world, "OUT", 1.0, 1.0).await;
    assert_eq!(stream.frame().await.rows, [outside]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_figures_and_followed_twins_arrive_as_they_change() {
    let world = World::start().await;
    world.station("ST-1").await;
    world.twin("P-1", "Vehicle", json!({"soc": 0.5})).await;
    let (mut stream, _) = Stream::open(&world, &world.north.viewer).await;
    let kpi = stream.json("kpi").await;
    assert_eq!(kpi["stations"]["total"], 1);
    stream.say(json!({"op": "ping", "t": 42})).await;
    assert_eq!(stream.json("pong").await["t"], 42);
    stream.say(json!({"op": "dance"})).await;
    assert!(stream.json("error").await["detail"].as_str().unwrap().contains("dance"));
    stream.say(json!({"op": "focus", "twins": ["P-1", "NO-SUCH"]})).await;
    assert_eq!(stream.json("focus").await["values"], json!({"soc": 0.5}));
    world.happen("P-1", EventBody::patch([("odometer_m", Value::from(31.5))])).await;
    let focus = stream.json("focus").await;
    assert_eq!((&focus["twin"], &focus["values"]), (&json!("P-1"), &json!({"odometer_m": 31.5})));

    stream.say(subscribe(&["station"])).await;
    assert_eq!(stream.frame().await.typed::<StationRow>().unwrap()[0].alarm, 0);
    let id = AlarmId(uuid::Uuid::from_u128(5));
    let change = AlarmChange::Raised { code: "C".into(), severity: Severity::Critical, message: "m".into() };
    world.happen("ST-1:1:1", EventBody::Alarm(AlarmFact { id, change })).await;
    let alarm = stream.json("alarm").await;
    assert_eq!((&alarm["id"], &alarm["severity"]), (&json!(id.to_string()), &json!("critical")));
    let path = format!("/alarms/{id}/acknowledge");
    world.post(&world.north.operator, &path, json!({})).await.ok();
    assert!(stream.json("alarm").await["acknowledged_at"].is_string());
    world
        .post(&world.north.operator, "/stations/ST-1/commands?wait_s=2", json!({"command": "reset"}))
        .await
        .ok();
    while stream.json("command").await["state"] != "failed" {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_closely_tells_the_frame_that_brought_it() {
    let world = World::start().await;
    world.station("ST-1").await;
    world.twin("P-1", "Vehicle", json!({"soc": 0.5})).await;
    let traced = |twin: &str, body: EventBody, trace: u128| {
        let now = world.runtime.now();
        let event = Event::new(world.north.tenant.clone(), twin.parse().unwrap(), now, now, body);
        world.runtime.submit(event.traced(TraceId(trace)))
    };
    let (mut stream, _) = Stream::open(&world, &world.north.viewer).await;
    stream.say(json!({"op": "focus", "twins": ["P-1"]})).await;
    assert_eq!(stream.json("focus").await["trace"], Json::Null, "it was there before anybody looked");
    for (soc, trace) in [(0.6, 0xa1), (0.7, 0xa2)] {
        traced("P-1", EventBody::patch([("soc", Value::from(soc))]), trace).await.unwrap();
        let focus = stream.json("focus").await;
        assert_eq!(focus["values"], json!({"soc": soc}));
        assert_eq!(focus["trace"], json!(TraceId(trace).to_string()));
    }
    let id = AlarmId(uuid::Uuid::from_u128(6));
    let change = AlarmChange::Raised { code: "C".into(), severity: Severity::Minor, message: "m".into() };
    traced("ST-1", EventBody::Alarm(AlarmFact { id, change }), 0xa3).await.unwrap();
    let alarm = stream.json("alarm").await;
    assert_eq!((&alarm["id"], &alarm["trace"]), (&json!(id.to_string()), &json!(TraceId(0xa3).to_string())));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_twins_never_show() {
    let world = World::start().await;
    world.twin("V-1", "Vehicle", json!({})).await;
    let (mut stream, hello) = Stream::open(&world, &world.south.admin).await;
    assert_eq!(hello["tenant"], "south");
    stream.say(subscribe(&["vehicle"])).await;
    assert_eq!(stream.frame().await.rows.len(), 0);
    stream.say(json!({"op": "focus", "twins": ["V-1"]})).await;
    drive(&world, "V-1", 1.0, 1.0).await;
    assert_eq!(stream.json("kpi").await["vehicles"]["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_needs_a_key_a_page_of_ours_and_a_place() {
    let world = World::with(ServerConfig { live_clients_max: 1, ..ServerConfig::default() }).await;
    assert_eq!(Stream::try_open(&world, &[]).await.err(), Some(401));
    let bearer = format!("Bearer {}", world.north.viewer);
    let foreign = [("authorization", bearer.as_str()), ("origin", "https://elsewhere.example")];
    assert_eq!(Stream::try_open(&world, &foreign).await.err(), Some(403));
    let first = Stream::try_open(&world, &[("authorization", &bearer)]).await.ok();
    assert!(first.is_some());
    assert_eq!(Stream::try_open(&world, &[("authorization", &bearer)]).await.err(), Some(503));
    drop(first);
    let begun = Instant::now();
    while Stream::try_open(&world, &[("authorization", &bearer)]).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the place was not freed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_key() {
    let world = World::start().await;
    let (mut stream, _) = Stream::open(&world, &world.north.viewer).await;
    let key = voltwin_security::ApiKey::parse(&world.north.viewer).unwrap();
    let registry = world.runtime.store().tenant(&world.north.tenant);
    registry.revoke_key(key.public_id(), "test", world.runtime.now()).await.unwrap();
    assert_eq!(stream.closed().await, Some(1008));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_goodbye() {
    let world = World::start().await;
    let (mut stream, _) = Stream::open(&world, &world.north.viewer).await;
    world.stop();
    assert_eq!(stream.closed().await, Some(1001));
}

/// A reader that pauses gets the newest values of the rows, not every value that they had.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_newer_frames_and_no_backlog() {
    const VEHICLES: usize = 500;
    const ROUNDS: usize = 40;
    let world = World::start().await;
    let tenant = world.north.tenant.clone();
    let event = |n: usize, body: EventBody| {
        let now = world.runtime.now();
        Event::new(tenant.clone(), format!("V-{n}").parse().unwrap(), now, now, body)
    };
    let created =
        || EventBody::Created { model: "dtmi:voltwin:Vehicle;1".parse().unwrap(), properties: [].into() };
    world.runtime.submit_all((0..VEHICLES).map(|n| event(n, created())).collect()).await;
    let (mut stream, _) = Stream::open(&world, &world.north.viewer).await;
    stream.say(json!({"op": "subscribe", "topics": ["vehicle"], "hz": 5})).await;
    let snapshot = stream.frame().await;
    assert_eq!(snapshot.rows.len(), VEHICLES);
    let mut last_seq = 0;
    for round in 1..=ROUNDS {
        let moved = |n| event(n, EventBody::patch([("lat_deg", Value::from(round as f64))]));
        for receipt in world.runtime.submit_all((0..VEHICLES).map(moved).collect()).await {
            last_seq = receipt.unwrap().seq.0.max(last_seq);
        }
    }
    let mut rows = vec![0_i32; VEHICLES];
    // long enough for 15 ticks
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut frames = 0;
    loop {
        let frame = stream.frame().await;
        frames += 1;
        for (row, vehicle) in frame.rows.iter().zip(frame.typed::<VehicleRow>().unwrap()) {
            rows[*row as usize] = vehicle.lat_e7;
        }
        if frame.header.stamp.journal_seq >= last_seq {
            break;
        }
    }
    assert!(rows.iter().all(|lat| *lat == ROUNDS as i32 * 10_000_000), "every row is at its newest value");
    // those of a second were on their way, then what was newest
    assert!(frames <= 7, "{frames} frames");
}
