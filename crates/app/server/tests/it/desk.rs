//! What the desk is run from: the message log, commands to many stations.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::task::JoinHandle;
use voltwin_csms::{Admission, Link, Outgoing};
use voltwin_ocpp::Version;
use voltwin_store::StatusChange;

use crate::world::World;

/// A connected station of OCPP 1.6 whose boot was accepted.
pub(crate) async fn connected(world: &World, id: &str) -> Link {
    let who = Admission { tenant: world.north.tenant.clone(), station: id.parse().unwrap() };
    let mut link = world.csms.link(who, Version::V16).await.unwrap();
    say(
        &mut link,
        "boot",
        "BootNotification",
        json!({"chargePointVendor": "ACME", "chargePointModel": "M1", "firmwareVersion": "1.0"}),
    )
    .await;
    link
}

/// Sends one call and returns the payload of its answer.
pub(crate) async fn say(link: &mut Link, id: &str, action: &str, payload: Json) -> Json {
    let out = link.on_text(&json!([2, id, action, payload]).to_string()).await;
    let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
    let answer: Json = serde_json::from_str(text).unwrap();
    assert_eq!((&answer[0], &answer[1]), (&json!(3), &json!(id)), "{action}: {answer}");
    answer[2].clone()
}

/// Answers every command with `status` until the task is aborted.
pub(crate) fn obedient(mut link: Link, status: &'static str) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            for outgoing in link.next().await {
                let Outgoing::Text(text) = outgoing else { return };
                let call: Json = serde_json::from_str(&text).unwrap();
                link.on_text(&json!([3, call[1], {"status": status}]).to_string()).await;
            }
        }
    })
}

async fn until(world: &World, path: &str, done: impl Fn(&Json) -> bool) -> Json {
    for _ in 0..200 {
        let body = world.get(&world.north.viewer, path).await.ok();
        if done(&body) {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} did not come to what was waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_log_is_searched() {
    let world = World::start().await;
    world.station("ST-1").await;
    world.station("ST-2").await;
    let mut one = connected(&world, "ST-1").await;
    let mut two = connected(&world, "ST-2").await;
    say(&mut one, "h1", "Heartbeat", json!({})).await;
    one.on_text(r#"[2,"bad","StatusNotification",{"connectorId":"one"}]"#).await;
    say(&mut two, "d1", "DataTransfer", json!({"vendorId": "com.example", "data": "needle 100%"})).await;
    let key = &world.north.viewer;
    let found = async |query: &str| world.get(key, query).await.ok()["items"].as_array().unwrap().clone();
    let all = found("/messages").await;
    // two boots, a heartbeat, a bad frame and a data transfer, each with its answer
    assert_eq!(all.len(), 10, "{all:?}");
    assert!(all.windows(2).all(|pair| pair[0]["number"].as_i64() > pair[1]["number"].as_i64()));
    assert_eq!(all[0]["payload"][0], 3);
    let heartbeat = found("/messages?station=ST-1&action=Heartbeat&direction=in").await;
    assert_eq!(heartbeat.len(), 1);
    assert_eq!(heartbeat[0]["payload"], json!([2, "h1", "Heartbeat", {}]));
    assert_eq!(heartbeat[0]["trace"].as_str().unwrap().len(), 32);
    assert_eq!(heartbeat[0]["outcome"], json!(null));
    let wrong = found("/messages?outcome=wrong").await;
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert_eq!(found("/messages?outcome=TypeConstraintViolation&kind=error").await.len(), 1);
    assert_eq!(found("/messages?text=NEEDLE%20100%25").await[0]["id"], "d1");
    assert_eq!(found("/messages?id=h1").await.len(), 2);
    assert_eq!(found("/stations/ST-2/messages").await.len(), 4);
    assert_eq!(found(&format!("/messages?from={}", world.runtime.now())).await.len(), 0);
    let page = world.get(key, "/messages?limit=3").await.ok();
    let rest = found(&format!("/messages?limit=100&cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!((page["items"].as_array().unwrap().len(), rest.len()), (3, 7));
    for (query, field) in [
        ("/messages?kind=x", "kind"),
        ("/messages?direction=up", "direction"),
        ("/messages?cursor=x", "cursor"),
        ("/messages?from=x", "from"),
        ("/stations/ST-1/messages?station=ST-2", "station"),
    ] {
        assert_eq!(world.get(key, query).await.problem(400).as_deref(), Some(field), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_command_reaches_whom_its_filter_holds() {
    let world = World::start().await;
    for id in ["ST-1", "ST-2", "ST-3", "ST-4"] {
        world.station(id).await;
    }
    let yes = obedient(connected(&world, "ST-1").await, "Accepted");
    let no = obedient(connected(&world, "ST-2").await, "Rejected");
    connected(&world, "ST-3").await.close().await;
    let (viewer, operator) = (&world.north.viewer, &world.north.operator);
    let dry = json!({"filter": {"vendor": "ACME"}, "command": "reset", "dry_run": true});
    let dry = world.post(operator, "/bulk-commands", dry).await;
    assert_eq!(dry.status, 200);
    let dry = dry.ok();
    assert_eq!(
        (&dry["matched"], &dry["online"], &dry["by_version"]),
        (&json!(3), &json!(2), &json!({"1.6": 3}))
    );
    assert_eq!(dry["stations"], json!(["ST-1", "ST-2", "ST-3"]));
    let dry = json!({"filter": {"all": true}, "action": "SetVariables", "payload": {}, "dry_run": true});
    let dry = world.post(operator, "/bulk-commands", dry).await.ok();
    assert!(dry["problems"]["1.6"].as_str().unwrap().contains("SetVariables"), "{dry}");
    assert_eq!(world.get(viewer, "/bulk-commands").await.ok()["items"], json!([]));

    let action = json!({"filter": {"vendor": "ACME"}, "action": "ChangeConfiguration", "concurrency": 2,
        "payload": {"key": "AuthorizationKey", "value": "0123456789abcdef"}});
    let job = world.post(operator, "/bulk-commands", action).await;
    assert_eq!(job.status, 202);
    let job = job.ok();
    assert_eq!(job["request"]["payload"]["value"], "***");
    let path = format!("/bulk-commands/{}", job["id"].as_str().unwrap());
    let done = until(&world, &path, |job| job["state"] == "done").await;
    assert_eq!((&done["total"], &done["finished"]), (&json!(3), &json!(3)));
    assert_eq!(done["by_state"], json!({"accepted": 1, "rejected": 1, "failed": 1}));
    let stations = world.get(viewer, &format!("{path}/stations")).await.ok()["items"].clone();
    let states: Vec<&str> = (0..3).map(|n| stations[n]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["accepted", "rejected", "failed"]);
    assert!(stations[2]["detail"].as_str().unwrap().contains("offline"), "{stations}");
    // each is a command like any other
    let command = format!("/commands/{}", stations[0]["command"].as_str().unwrap());
    assert_eq!(world.get(viewer, &command).await.ok()["state"], "accepted");
    let refused = world.get(viewer, &format!("{path}/stations?state=rejected")).await.ok();
    assert_eq!(refused["items"].as_array().unwrap().len(), 1);
    world.post(operator, &format!("{path}/cancel"), json!({})).await.problem(409);
    let audit = world.get(&world.north.admin, "/audit").await.ok().to_string();
    assert!(audit.contains("bulk_command.add") && audit.contains("bulk_command.done"), "{audit}");

    for (body, field) in [
        (json!({"filter": {}, "command": "reset"}), "filter"),
        (json!({"filter": {"vendor": "Nobody"}, "command": "reset"}), "filter"),
        (json!({"filter": {"stations": ["ST-9"]}, "command": "reset"}), "filter.stations"),
        (json!({"filter": {"colour": "red"}, "command": "reset"}), "filter.colour"),
        (json!({"filter": {"all": true}, "command": "reset", "concurrency": 0}), "concurrency"),
        (json!({"filter": {"all": true}, "command": "dance"}), "command"),
        (json!({"filter": {"all": true}, "command": "reset", "when": 1}), "when"),
        (json!({"command": "reset"}), "filter"),
    ] {
        let answer = world.post(operator, "/bulk-commands", body.clone()).await;
        assert_eq!(answer.problem(400).as_deref(), Some(field), "{body}");
    }
    yes.abort();
    no.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_bulk_command_sends_no_more() {
    let world = World::start().await;
    let mut links = Vec::new();
    for n in 0..4 {
        let id = format!("ST-{n}");
        world.station(&id).await;
        links.push(connected(&world, &id).await);
    }
    let operator = &world.north.operator;
    let body = json!({"filter": {"online": true}, "command": "reset", "concurrency": 1});
    let job = world.post(operator, "/bulk-commands", body).await.ok();
    let path = format!("/bulk-commands/{}", job["id"].as_str().unwrap());
    until(&world, &path, |job| job["by_state"]["running"] == 1).await;
    let answer = world.call(operator, Method::POST, &format!("{path}/cancel"), None).await.ok();
    assert_eq!(answer["state"], "cancelling");
    // the one that was asked still answers
    let first = obedient(links.remove(0), "Accepted");
    let ended = until(&world, &path, |job| job["state"] == "cancelled").await;
    assert_eq!(ended["by_state"], json!({"accepted": 1, "not_sent": 3}));
    first.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn uptime_is_the_rule_applied_to_what_was_written_down() {
    let world = World::start().await;
    let to = world.runtime.now();
    let ago = |hours: f64| to.plus_seconds(-3_600.0 * hours);
    world.station("ST-1").await;
    let tenant = &world.north.tenant;
    let change = |twin: &str, hours: f64, state: &str| {
        (tenant.clone(), StatusChange { twin: twin.into(), at: ago(hours), state: state.into() })
    };
    let changes = [
        change("ST-1", 240.0, "online"),
        change("ST-1:1:1", 240.0, "up"),
        change("ST-1:1:1", 120.0, "Faulted"),
        change("ST-1:1:1", 114.0, "up"),
        change("ST-1", 48.0, "offline"),
        change("ST-1", 36.0, "online"),
    ];
    world.runtime.store().add_status_changes(&changes, world.runtime.head(), to).await.unwrap();
    let (viewer, operator) = (&world.north.viewer, &world.north.operator);
    let window = format!("from={}&to={to}", ago(192.0));
    // 18 of 192 hours out
    let before = world.get(viewer, &format!("/uptime?{window}")).await.ok();
    let figures = |page: &Json| page["items"][0]["connectors"][0].clone();
    let near = |value: &Json, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1e-6;
    assert!(near(&figures(&before)["uptime_percent"], 174.0 / 192.0 * 100.0), "{before}");
    assert_eq!(figures(&before)["meets_97"], false);
    assert_eq!((&before["twelve_months"], &figures(&before)["whole_window"]), (&json!(false), &json!(true)));

    let exclusion = json!({"scope": "ST-1", "from": ago(118.0), "to": ago(115.0), "cause": "vandalism", "note": "cable cut"});
    let exclusion = world.post(operator, "/uptime-exclusions", exclusion).await;
    assert_eq!(exclusion.status, 201);
    let exclusion = exclusion.ok()["id"].clone();
    let after = world.get(viewer, &format!("/uptime/ST-1:1:1?{window}")).await.ok();
    assert!(near(&after["uptime_percent"], 177.0 / 192.0 * 100.0), "{after}");
    assert!(near(&after["outage_s"], 18.0 * 3_600.0) && near(&after["excluded_s"], 3.0 * 3_600.0), "{after}");
    let causes: Vec<(&str, bool)> = after["intervals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|outage| (outage["cause"].as_str().unwrap(), outage["excluded_by"] == exclusion))
        .collect();
    assert_eq!(causes, [("offline", false), ("faulted", false), ("faulted", true), ("faulted", false)]);
    // a year is asked for by default, of which ten days were watched
    let year = world.get(viewer, "/uptime").await.ok();
    assert_eq!((&year["twelve_months"], &figures(&year)["whole_window"]), (&json!(true), &json!(false)));
    let since = figures(&year)["since"].as_str().unwrap().to_owned();
    assert_eq!(since, ago(240.0).to_string());

    // one fault in eight days of one connector
    let efficiency = world.get(viewer, &format!("/network/efficiency?{window}")).await.ok();
    assert!(near(&efficiency["network"]["mean_time_between_faults_h"], 192.0), "{efficiency}");

    let bad = |field: &str, value: Json| {
        let mut body = json!({"scope": "*", "from": ago(2.0), "to": ago(1.0), "cause": "vandalism"});
        body[field] = value;
        body
    };
    for (field, value) in [
        ("scope", json!("ST-9")),
        ("cause", json!("bad luck")),
        ("to", json!(ago(3.0))),
        ("note", json!("x".repeat(1_001))),
    ] {
        let answer = world.post(operator, "/uptime-exclusions", bad(field, value)).await;
        assert_eq!(answer.problem(400).as_deref(), Some(field));
    }
    let path = format!("/uptime-exclusions/{exclusion}");
    world.call(&world.south.operator, Method::DELETE, &path, None).await.problem(404);
    assert_eq!(world.call(operator, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(world.get(viewer, "/uptime-exclusions").await.ok()["items"], json!([]));
    world.get(&world.south.viewer, "/uptime/ST-1").await.problem(404);
    assert_eq!(
        world.get(viewer, "/uptime?from=2999-01-01T00:00:00Z").await.problem(400).as_deref(),
        Some("from")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_station_says_of_its_connector_becomes_its_uptime() {
    let world = World::start().await;
    world.station("ST-1").await;
    let mut link = connected(&world, "ST-1").await;
    let fault = json!({"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"});
    say(&mut link, "1", "StatusNotification", fault).await;
    until(&world, "/uptime/ST-1:1:1", |found| found["intervals"][0]["cause"] == "faulted").await;
    let well = json!({"connectorId": 1, "errorCode": "NoError", "status": "Charging"});
    say(&mut link, "2", "StatusNotification", well).await;
    link.close().await;
    let found = until(&world, "/uptime/ST-1:1:1", |found| found["intervals"][0]["cause"] == "offline").await;
    let causes: Vec<&str> = found["intervals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|outage| outage["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes[..2], ["offline", "faulted"]);
    assert!(found["uptime_percent"].as_f64().unwrap() < 100.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn efficiency_adds_up_what_connectors_did() {
    let world = World::start().await;
    world.twin("SITE-1", "Site", json!({"name": "Harbour"})).await;
    for id in ["ST-1", "ST-2"] {
        world.station(id).await;
        world.link("SITE-1", "contains", id).await;
    }
    let now = world.runtime.now();
    let at = |minutes: f64| now.plus_seconds(60.0 * minutes).to_string();
    let mut link = connected(&world, "ST-1").await;
    for (n, wh) in [(0, 5_000), (1, 0)] {
        let from = -120.0 + 50.0 * f64::from(n);
        let start = json!({"connectorId": 1, "idTag": "TAG", "meterStart": 1_000, "timestamp": at(from)});
        let id =
            say(&mut link, &format!("start{n}"), "StartTransaction", start).await["transactionId"].clone();
        let stop = json!({"transactionId": id, "meterStop": 1_000 + wh, "timestamp": at(from + 30.0)});
        say(&mut link, &format!("stop{n}"), "StopTransaction", stop).await;
    }
    let viewer = &world.north.viewer;
    let window = format!("from={}&to={now}", now.plus_seconds(-86_400.0));
    let found = world.get(viewer, &format!("/network/efficiency?{window}")).await.ok();
    let site = &found["sites"][0];
    assert_eq!(
        (&site["id"], &site["connectors"], &site["sessions"]),
        (&json!("SITE-1"), &json!(2), &json!(2))
    );
    let near = |value: &Json, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1e-6;
    // an hour of two connector-days
    assert!(near(&site["utilisation"], 1.0 / 48.0), "{site}");
    assert!(near(&site["energy_per_connector_day_wh"], 2_500.0), "{site}");
    assert!(near(&site["failed_start_rate"], 0.5) && near(&site["balance"]["gini"], 0.5), "{site}");
    assert!(near(&site["balance"]["peak_to_mean"], 2.0), "{site}");
    let one = world.get(viewer, &format!("/network/efficiency/connectors?station=ST-1&{window}")).await.ok();
    assert!(near(&one["items"][0]["energy_wh"], 5_000.0), "{one}");
    let sessions = |evse: u32| format!("/transactions?station=ST-1&evse={evse}&connector=1");
    assert_eq!(world.get(viewer, &sessions(1)).await.ok()["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(viewer, &sessions(2)).await.ok()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_is_brought_in_and_followed_until_it_works() {
    let world = World::start().await;
    let registry = world.runtime.store().tenant(&world.north.tenant);
    registry.record_claim("ST-9", "10.0.0.9", "ocpp1.6", None, world.runtime.now()).await.unwrap();
    let admin = &world.north.admin;
    let begun = world.post(admin, "/onboarding", json!({"id": "ST-9", "name": "Ninth"})).await;
    assert_eq!(begun.status, 201);
    let begun = begun.ok();
    assert_eq!((&begun["stage"], &begun["has_password"]), (&json!("waiting"), &json!(true)));
    assert!(begun["password"].as_str().unwrap().len() >= 16);
    assert_eq!(begun["url"], json!(format!("ws://{}/ocpp/north/ST-9", world.address)));
    // the claim asks for nothing any more
    assert_eq!(world.get(admin, "/claims").await.ok()["items"], json!([]));
    world.post(admin, "/onboarding", json!({"id": "ST-9"})).await.problem(409);
    world.post(admin, "/onboarding", json!({"id": "ST-8", "password": "short"})).await.problem(400);
    let viewer = &world.north.viewer;
    let stage = async || {
        let found = world.get(viewer, "/stations/ST-9/onboarding").await.ok();
        assert_eq!(found["password"], json!(null));
        found["stage"].as_str().unwrap().to_owned()
    };
    assert_eq!(stage().await, "waiting");
    let who = Admission { tenant: world.north.tenant.clone(), station: "ST-9".parse().unwrap() };
    let mut link = world.csms.link(who, Version::V16).await.unwrap();
    assert_eq!(stage().await, "connected");
    say(&mut link, "1", "BootNotification", json!({"chargePointVendor": "V", "chargePointModel": "M"})).await;
    assert_eq!(stage().await, "booted");
    let status = json!({"connectorId": 1, "errorCode": "NoError", "status": "Available"});
    say(&mut link, "2", "StatusNotification", status).await;
    assert_eq!(stage().await, "ready");
    world.get(&world.south.viewer, "/stations/ST-9/onboarding").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wire_of_a_station_is_recorded_and_handed_out() {
    let world = World::start().await;
    world.station("ST-1").await;
    let mut link = connected(&world, "ST-1").await;
    let operator = &world.north.operator;
    let begun = world.post(operator, "/stations/ST-1/recordings", json!({"max_s": 60})).await;
    assert_eq!(begun.status, 201);
    let begun = begun.ok();
    let path = format!("/recordings/{}", begun["id"].as_str().unwrap());
    world.post(operator, "/stations/ST-1/recordings", json!({})).await.problem(409);
    say(&mut link, "h1", "Heartbeat", json!({})).await;
    world.call(operator, Method::DELETE, &path, None).await.problem(409);
    let ended = world.call(operator, Method::POST, &format!("{path}/stop"), None).await.ok();
    assert_eq!((&ended["state"], &ended["frames"]), (&json!("stopped"), &json!(2)));
    assert_eq!(world.get(operator, "/recordings?station=ST-1").await.ok()["items"], json!([ended]));
    assert_eq!(world.get(operator, "/recordings?station=ST-2").await.ok()["items"], json!([]));
    let file = world.get(operator, &format!("{path}/file")).await;
    assert_eq!(file.headers["content-type"], "application/x-ndjson");
    let text = file.ok().as_str().unwrap().to_owned();
    assert!(!text.contains("north") && text.lines().count() == 4, "{text}");
    let folder = tempfile::tempdir().unwrap();
    let played = voltwin_csms::replay(text.as_bytes(), None, folder.path()).await.unwrap();
    assert_eq!((played.compared, played.different), (1, 0), "{played:?}");
    world.get(&world.north.viewer, &format!("{path}/file")).await.problem(403);
    for (method, path) in
        [(Method::GET, path.clone()), (Method::POST, format!("{path}/stop")), (Method::DELETE, path.clone())]
    {
        world.call(&world.south.admin, method, &path, None).await.problem(404);
    }
    world.post(operator, "/stations/ST-9/recordings", json!({})).await.problem(404);
    let wrong = world.post(operator, "/stations/ST-1/recordings", json!({"max_frames": 0})).await;
    assert_eq!(wrong.problem(400).as_deref(), Some("max_frames"));
    assert_eq!(world.call(operator, Method::DELETE, &path, None).await.status, 204);
}
