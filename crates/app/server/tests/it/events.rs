//! Events for programs: endpoints and routes by the API, and the stream. Delivery under faults is played in
//! `tests/clients/events.py`.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::world::World;

fn file() -> Json {
    json!({"settings": {"target": {"kind": "file"}}})
}

async fn lines(world: &World, key: &str, query: &str) -> (Vec<Json>, u64) {
    let request = world.request(Method::GET, &format!("/api/v1/events{query}"));
    let answer = request.bearer_auth(key).header("accept", "application/x-ndjson").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let next = answer.headers()["x-voltwin-next"].to_str().unwrap().parse().unwrap();
    let text = answer.text().await.unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), next)
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_and_routes_come_and_go() {
    let world = World::start().await;
    let (admin, viewer) = (&world.north.admin, &world.north.viewer);
    world.put(viewer, "/event-endpoints/files", file()).await.problem(403);
    let made = world.put(admin, "/event-endpoints/files", file()).await;
    assert_eq!(made.status, 201);
    assert_eq!(world.put(admin, "/event-endpoints/files", file()).await.status, 200);
    let mut wrong = file();
    wrong["settings"]["retry"] = json!({"attempts_max": 0});
    let field = world.put(admin, "/event-endpoints/files", wrong).await.problem(400);
    assert_eq!(field.as_deref(), Some("settings.retry.attempts_max"));
    let mut wrong = file();
    wrong["secret"] = json!("line\nbreak");
    assert_eq!(
        world.put(admin, "/event-endpoints/files", wrong).await.problem(400).as_deref(),
        Some("secret")
    );
    let near = json!({"settings": {"target": {"kind": "webhook", "url": "http://127.0.0.1:1/"}}});
    let refused = world.put(admin, "/event-endpoints/near", near).await;
    refused.problem(409);
    assert!(refused.body["detail"].as_str().unwrap().contains("--event-host"), "{refused:?}");

    let route = json!({"endpoint": "files", "filter": "type == 'x'"});
    let refused = world.put(admin, "/event-routes/all", route).await;
    assert_eq!(refused.problem(400).as_deref(), Some("filter"));
    assert!(refused.body["detail"].as_str().unwrap().contains("column 7"), "{refused:?}");
    world.put(admin, "/event-routes/all", json!({"endpoint": "none"})).await.problem(404);
    assert_eq!(world.put(admin, "/event-routes/all", json!({"endpoint": "files"})).await.status, 201);
    assert_eq!(world.get(viewer, "/event-routes/all").await.ok()["filter"], "true");
    world.call(admin, Method::DELETE, "/event-endpoints/files", None).await.problem(409);
    assert!(world.call(admin, Method::DELETE, "/event-routes/all", None).await.status.is_success());
    world.call(admin, Method::DELETE, "/event-routes/all", None).await.problem(404);
    world.get(&world.south.admin, "/event-endpoints/files").await.problem(404);
    world.post(&world.south.admin, "/event-endpoints/files/test", json!({})).await.problem(404);
    assert!(world.call(admin, Method::DELETE, "/event-endpoints/files", None).await.status.is_success());
    world.get(admin, "/event-endpoints/files").await.problem(404);
    world.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_read_from_any_number_on_by_one_tenant() {
    let world = World::start().await;
    let viewer = &world.north.viewer;
    world.get(viewer, "/event-log").await.problem(404);
    assert_eq!(lines(&world, viewer, "?after=0").await, (Vec::new(), 0));
    for twin in ["EV-1", "EV-2"] {
        world.twin(twin, "Vehicle", json!({"soc": 0.5})).await;
    }
    let (first, next) = lines(&world, viewer, "?after=0&wait_s=10&limit=1").await;
    assert_eq!((first[0]["subject"].as_str(), next), (Some("EV-1"), 1));
    let (second, next) = lines(&world, viewer, "?after=1&wait_s=10").await;
    assert_eq!((second[0]["subject"].as_str(), next), (Some("EV-2"), 2));
    let filter = "?after=0&filter=subject%20%3D%20%27EV-2%27";
    let (chosen, next) = lines(&world, viewer, filter).await;
    assert_eq!((chosen.len(), &chosen[0], next), (1, &second[0], 2));
    assert_eq!(lines(&world, &world.south.viewer, "?after=0").await, (Vec::new(), 0));
    for (query, field) in
        [("?after=9", "after"), ("?filter=x", "filter"), ("?limit=x", "limit"), ("?other=1", "other")]
    {
        assert_eq!(world.get(viewer, &format!("/events{query}")).await.problem(400).as_deref(), Some(field));
    }
    let log =
        world.put(&world.north.admin, "/event-log", json!({"keep_s": 7_200, "history": true})).await.ok();
    assert_eq!(
        (&log["head"], &log["first"], &log["source"]),
        (&json!(2), &json!(1), &json!("north.voltwin"))
    );
    assert_eq!(log["history_folder"], "events/north/history");
    let short = world.put(&world.north.admin, "/event-log", json!({"keep_s": 1})).await;
    assert_eq!(short.problem(400).as_deref(), Some("keep_s"));
    world.put(viewer, "/event-log", json!({})).await.problem(403);
    world.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_from_the_last_number_and_says_why_it_ends() {
    let world = World::start().await;
    let open = async |last: &str| {
        let request = world.request(Method::GET, "/api/v1/events").bearer_auth(&world.north.viewer);
        request.header("last-event-id", last).send().await.unwrap()
    };
    let mut stream = open("0").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    world.twin("EV-1", "Vehicle", json!({"soc": 0.5})).await;
    world.twin("EV-2", "Vehicle", json!({"soc": 0.5})).await;
    let until = async |stream: &mut reqwest::Response, mark: &str| {
        let mut text = String::new();
        let read = async {
            while !text.contains(mark) {
                match stream.chunk().await.unwrap() {
                    Some(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                    None => break,
                }
            }
            text.clone()
        };
        tokio::time::timeout(Duration::from_secs(20), read).await.unwrap_or_else(|_| panic!("no {mark}"))
    };
    let text = until(&mut stream, "id: 2\n").await;
    assert!(text.contains("id: 1\ndata: {\"specversion\":\"1.0\""), "{text}");
    drop(stream);
    let mut stream = open("1").await;
    let text = until(&mut stream, "EV-2").await;
    assert!(!text.contains("EV-1"), "{text}");
    assert_eq!(open("x").await.status(), 400);
    world.stop();
    let text = until(&mut stream, "event: end").await;
    assert!(text.contains("the server is stopping"), "{text}");
}
