//! How strictly stations are held to the protocol, over the API.

use reqwest::Method;
use serde_json::json;
use voltwin_core::{EventBody, NoteFact};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_set_by_station_and_make_and_taken_back() {
    let world = World::start().await;
    world.station("ST-1").await;
    let admin = &world.north.admin;
    let of_station = || world.get(admin, "/stations/ST-1/validation");
    assert_eq!(of_station().await.ok(), json!({"station": "ST-1", "policy": "strict", "own": null}));
    world
        .call(admin, Method::PATCH, "/twins/ST-1", Some(&json!({"properties": {"vendor": "Acme"}})))
        .await
        .ok();
    let rules = world.put(admin, "/validation", json!({"vendor": "Acme", "policy": "lenient"})).await.ok();
    assert_eq!((&rules["default"], &rules["items"][0]["policy"]), (&json!("strict"), &json!("lenient")));
    assert_eq!(of_station().await.ok()["policy"], "lenient");
    let own = world.put(admin, "/stations/ST-1/validation", json!({"policy": "quarantine"})).await.ok();
    assert_eq!((&own["policy"], &own["own"]), (&json!("quarantine"), &json!("quarantine")));
    let own = &world.get(admin, "/validation").await.ok()["stations"];
    assert_eq!((&own[0]["station"], &own[0]["policy"]), (&json!("ST-1"), &json!("quarantine")));
    for path in ["/stations/ST-1/validation", "/validation"] {
        let body = if path == "/validation" { json!({"vendor": "Acme"}) } else { json!({}) };
        assert_eq!(world.put(admin, path, body).await.problem(400).as_deref(), Some("policy"));
    }
    world.put(admin, "/stations/ST-1/validation", json!({"policy": null})).await.ok();
    assert_eq!(world.get(admin, "/validation").await.ok()["stations"], json!([]));
    assert_eq!(of_station().await.ok()["policy"], "lenient");
    let bad =
        world.put(admin, "/validation", json!({"vendor": "A", "firmware_version": "1", "policy": null}));
    assert_eq!(bad.await.problem(400).as_deref(), Some("model"));
    world.put(admin, "/stations/ST-2/validation", json!({"policy": "strict"})).await.problem(404);
    world
        .put(&world.south.admin, "/stations/ST-1/validation", json!({"policy": "strict"}))
        .await
        .problem(404);
    assert_eq!(world.get(&world.south.admin, "/validation").await.ok()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn breaches_are_listed_and_counted_by_make() {
    let world = World::start().await;
    world.station("ST-1").await;
    for (code, count) in
        [("TypeConstraintViolation", None), ("TypeConstraintViolation", None), ("NotFiled", Some(70))]
    {
        let mut detail =
            json!({"code": code, "vendor": "Acme", "model": "M", "firmware": "1.2", "action": "Boot"});
        if let Some(count) = count {
            detail["count"] = json!(count);
        }
        world.happen("ST-1", EventBody::Note(NoteFact { topic: "violation".to_owned(), detail })).await;
    }
    let viewer = &world.north.viewer;
    let listed = world.get(viewer, "/violations?station=ST-1").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    let summary = world.get(viewer, "/violations/summary").await.ok();
    let counts: Vec<_> =
        summary["items"].as_array().unwrap().iter().map(|i| (&i["code"], &i["count"])).collect();
    assert_eq!(counts, [(&json!("NotFiled"), &json!(70)), (&json!("TypeConstraintViolation"), &json!(2))]);
    assert_eq!(world.get(&world.south.viewer, "/violations/summary").await.ok()["items"], json!([]));
}
