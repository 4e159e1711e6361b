//! Id tokens, local lists, reservations and composite schedules over the API.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_added_changed_found_and_forgotten() {
    let world = World::start().await;
    let admin = &world.north.admin;
    world.station("ST-1").await;
    let new = json!({"id_token": "04AB", "type": "ISO14443", "parent": "FLEET", "group": "staff",
        "expires_at": "2099-01-01T00:00:00Z", "language": "de", "note": "the red card", "only_at": ["ST-1", "ST-1:9"]});
    let made = world.post(admin, "/id-tokens", new.clone()).await;
    assert_eq!(made.status.as_u16(), 201);
    let made = made.ok();
    assert_eq!((&made["status"], &made["concurrent_allowed"]), (&json!("accepted"), &json!(false)));
    world.post(admin, "/id-tokens", json!({"id_token": "04ab"})).await.problem(409);
    world.post(&world.north.operator, "/id-tokens", json!({"id_token": "X"})).await.problem(403);
    for (body, field) in [
        (json!({"type": "x"}), "id_token"),
        (json!({"id_token": "x".repeat(256)}), "id_token"),
        (json!({"id_token": " x"}), "id_token"),
        (json!({"id_token": "x", "language": "much-too-long"}), "language"),
        (json!({"id_token": "x", "only_at": [""]}), "only_at"),
        (json!({"id_token": "x", "only_at": ["ST-1", "ST-2"]}), "only_at"),
        (json!({"id_token": "x", "only_at": ["ST-1:x"]}), "only_at"),
        (json!({"id_token": "x", "status": "Accepted"}), "status"),
        (json!({"id_token": "x", "unknown": 1}), "unknown"),
    ] {
        assert_eq!(world.post(admin, "/id-tokens", body).await.problem(400).as_deref(), Some(field));
    }
    let one = world.get(&world.north.viewer, "/id-tokens/04ab").await.ok();
    assert_eq!(
        (&one["id_token"], &one["group"], &one["uses"]),
        (&json!("04AB"), &json!("staff"), &json!([]))
    );
    assert_eq!(world.get(admin, "/token-groups").await.ok()["items"][0]["group"], "staff");
    world.get(&world.south.admin, "/id-tokens/04AB").await.problem(404);

    let barred = world.put(admin, "/id-tokens/04AB", json!({"status": "blocked"})).await.ok();
    assert_eq!((&barred["status"], &barred["parent"]), (&json!("blocked"), &Json::Null));
    assert_eq!(world.get(admin, "/token-groups").await.ok()["items"], json!([]));
    let renamed = world.put(admin, "/id-tokens/04AB", json!({"id_token": "05"})).await;
    assert_eq!(renamed.problem(400).as_deref(), Some("id_token"));
    world.put(admin, "/id-tokens/NONE", json!({})).await.problem(404);

    let file = "id_token,status,parent,note\n04AB,accepted,,\nB-1,blocked,FLEET,\nB-2,,FLEET,blue\n";
    let import = |key: &str, text: &'static str| {
        let sent = world.request(Method::POST, "/api/v1/id-token-imports").bearer_auth(key);
        async move { crate::world::Answer::of(sent.body(text).send().await.unwrap()).await }
    };
    assert_eq!(import(admin, file).await.ok(), json!({"added": 2, "changed": 1}));
    assert_eq!(import(admin, "id_token\nC-1\nC-1\n").await.problem(400).as_deref(), Some("line 3"));
    let elsewhere = import(admin, "id_token,only_at\nC-1,ST-1 ST-2\n").await;
    assert_eq!(elsewhere.problem(400).as_deref(), Some("only_at"));
    import(&world.north.operator, file).await.problem(403);
    let reader = &world;
    let found = |query: &'static str| async move {
        let page = reader.get(admin, &format!("/id-tokens{query}")).await.ok();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["id_token"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["04AB", "B-1", "B-2"], "nothing of a bad file was taken over");
    assert_eq!(found("?text=BLUE").await, ["B-2"]);
    assert_eq!(found("?parent=fleet&status=blocked").await, ["B-1"]);
    assert_eq!(world.call(admin, Method::DELETE, "/id-tokens/b-1", None).await.status.as_u16(), 204);
    world.call(admin, Method::DELETE, "/id-tokens/b-1", None).await.problem(404);

    let default = json!({"unknown_tokens": "accept", "master_group": null});
    assert_eq!(world.get(admin, "/id-token-settings").await.ok(), default);
    let closed = json!({"unknown_tokens": "reject", "master_group": "MASTER"});
    assert_eq!(world.put(admin, "/id-token-settings", closed.clone()).await.ok(), closed);
    world.put(&world.north.operator, "/id-token-settings", closed).await.problem(403);
    assert_eq!(world.get(&world.south.admin, "/id-token-settings").await.ok(), default);

    let audit = world.get(admin, "/audit").await.ok();
    let deeds: Vec<&str> =
        audit["items"].as_array().unwrap().iter().filter_map(|deed| deed["action"].as_str()).collect();
    for deed in ["token.add", "token.change", "token.import", "token.delete", "token.settings"] {
        assert!(deeds.contains(&deed), "{deed} in {deeds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_station_is_asked_for_is_checked_before_it_is_asked() {
    let world = World::start().await;
    world.station("ST-1").await;
    let (admin, viewer) = (&world.north.admin, &world.north.viewer);

    let off = world.get(viewer, "/stations/ST-1/local-list").await.ok();
    assert_eq!(
        (&off["wanted"]["mode"], &off["state"], &off["pending"]),
        (&json!("off"), &json!("unknown"), &json!(0))
    );
    world.post(admin, "/id-tokens", json!({"id_token": "A"})).await.ok();
    world.post(admin, "/id-tokens", json!({"id_token": "B", "parent": "FLEET"})).await.ok();
    let chosen = json!({"mode": "chosen", "parents": ["fleet"]});
    let list = world.put(admin, "/stations/ST-1/local-list", chosen).await.ok();
    assert_eq!((&list["pending"], &list["wanted"]["parents"]), (&json!(1), &json!(["fleet"])));
    let bad = world.put(admin, "/stations/ST-1/local-list", json!({"mode": "all", "tokens": ["A"]})).await;
    assert_eq!(bad.problem(400).as_deref(), Some("tokens"));
    world.put(viewer, "/stations/ST-1/local-list", json!({"mode": "all"})).await.problem(403);
    world.post(admin, "/stations/ST-1/local-list/sync", json!({})).await.problem(409);
    world.get(&world.south.admin, "/stations/ST-1/local-list").await.problem(404);

    let reservations = "/stations/ST-1/reservations";
    for (body, field) in [
        (json!({"id_token": "A", "expires_at": "2001-01-01T00:00:00Z"}), "expires_at"),
        (json!({"id_token": "A", "evse": 0, "expires_at": "2099-01-01T00:00:00Z"}), "evse"),
        (json!({"id_token": "", "expires_at": "2099-01-01T00:00:00Z"}), "id_token"),
    ] {
        assert_eq!(world.post(admin, reservations, body).await.problem(400).as_deref(), Some(field));
    }
    let good = json!({"id_token": "A", "evse": 1, "expires_at": "2099-01-01T00:00:00Z"});
    world.post(viewer, reservations, good.clone()).await.problem(403);
    let offline = world.post(admin, reservations, good).await.ok();
    assert_eq!((&offline["reservation"], &offline["command"]["state"]), (&Json::Null, &json!("failed")));
    world.call(admin, Method::DELETE, "/stations/ST-1/reservations/7", None).await.problem(404);
    world.call(admin, Method::DELETE, "/stations/ST-1/reservations/x", None).await.problem(400);
    for path in [reservations, "/reservations"] {
        assert_eq!(world.get(viewer, path).await.ok()["items"], json!([]));
    }

    let composite = "/stations/ST-1/composite-schedule";
    let ours = world.get(viewer, &format!("{composite}?evse=1&duration_s=600&unit=A")).await.ok();
    assert_eq!(
        (&ours["unit"], &ours["duration_s"], &ours["station"]),
        (&json!("A"), &json!(600), &Json::Null)
    );
    assert_eq!((&ours["ours"][0]["limit"], &ours["greatest_difference"]), (&Json::Null, &Json::Null));
    let asked = world.get(admin, &format!("{composite}?compare=true&wait_s=1")).await.ok();
    assert_eq!(asked["command"]["state"], "failed", "it is offline");
    world.get(viewer, &format!("{composite}?compare=true")).await.problem(403);
    let long = world.get(viewer, &format!("{composite}?duration_s=99999999")).await;
    assert_eq!(long.problem(400).as_deref(), Some("duration_s"));
    let volts = world.get(viewer, &format!("{composite}?voltage_v=0")).await;
    volts.problem(400);
    assert_eq!(world.get(viewer, "/stations/ST-1/charging-profiles").await.ok()["items"], json!([]));
    world.get(viewer, "/stations/ST-9/charging-profiles").await.problem(404);
}
