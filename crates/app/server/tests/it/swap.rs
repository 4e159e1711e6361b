//! Battery-swap networks over the API.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use voltwin_core::Timestamp;
use voltwin_server::ServerConfig;
use voltwin_store::{SwapBlock, SwapRun};
use voltwin_swap::{Control, Key, Model, Runs, Scenario, kpis_json};

use crate::world::World;

async fn preset(world: &World, id: &str) -> Json {
    let presets = world.get(&world.north.viewer, "/swap/presets").await.ok();
    let items = presets["items"].as_array().unwrap();
    items.iter().find(|item| item["id"] == id).unwrap()["scenario"].clone()
}

async fn ended(world: &World, key: &str, id: &Json) -> Json {
    let path = format!("/swap/runs/{}", id.as_str().unwrap());
    loop {
        let run = world.get(key, &path).await.ok();
        if !run["ended_at"].is_null() {
            return run;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn runs(scenario: &Scenario, replications: u64) -> Json {
    let model = Model::new(scenario);
    let runs: Runs = model.run(0..replications, &Control::default()).unwrap();
    kpis_json(&scenario.name, &model.network, &runs)
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_are_checked_kept_and_of_one_tenant() {
    let world = World::start().await;
    let (operator, viewer) = (&world.north.operator, &world.north.viewer);
    let good = preset(&world, "commuters").await;
    assert_eq!(world.post(operator, "/swap/check", good.clone()).await.ok()["ok"], true);
    let mut bad = good.clone();
    (bad["stations"][2]["bays"], bad["charge"]["efficiency"]) = (json!(0), json!(2));
    let told = world.post(operator, "/swap/check", bad.clone()).await.ok();
    let fields: Vec<_> = told["problems"].as_array().unwrap().iter().map(|p| p["field"].clone()).collect();
    assert_eq!(fields, ["charge.efficiency", "stations[2].bays"]);
    assert!(told["problems"][1]["what"].as_str().unwrap().contains("1000"), "{told}");
    let refused = world.put(operator, "/swap/scenarios/north", bad).await;
    assert_eq!(refused.problem(400).as_deref(), Some("charge.efficiency"));
    assert_eq!(refused.body["problems"], told["problems"]);
    let no_form = world.post(operator, "/swap/check", json!({"schema": "swap-scenario/1"})).await;
    no_form.problem(400);
    let name = world.put(operator, "/swap/scenarios/North", good.clone()).await;
    assert_eq!(name.problem(400).as_deref(), Some("name"));
    world.put(viewer, "/swap/scenarios/north", good.clone()).await.problem(403);
    let first = world.put(operator, "/swap/scenarios/north", good.clone()).await;
    assert_eq!((first.status.as_u16(), first.ok()), (201, json!({"name": "north", "version": 1})));
    let again = |version: &'static str| {
        let request = world.request(Method::PUT, "/api/v1/swap/scenarios/north").bearer_auth(operator);
        request.header("if-match", version).json(&good).send()
    };
    assert_eq!(again("\"1\"").await.unwrap().status(), 200);
    assert_eq!(again("\"1\"").await.unwrap().status(), 412);
    assert_eq!(again("x").await.unwrap().status(), 400);
    let listed = world.get(viewer, "/swap/scenarios").await.ok();
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["stations"]), (&json!("north"), &json!(6)));
    let kept = world.get(viewer, "/swap/scenarios/north").await.ok();
    let text = |of: &Json| Scenario::from_json(&of.to_string()).map(|s| serde_json::to_value(s).unwrap());
    assert_eq!(text(&kept["scenario"]).unwrap(), text(&good).unwrap());
    let south = &world.south.admin;
    world.get(south, "/swap/scenarios/north").await.problem(404);
    world.call(south, Method::DELETE, "/swap/scenarios/north", None).await.problem(404);
    assert_eq!(world.get(south, "/swap/scenarios").await.ok()["items"], json!([]));
    assert_eq!(world.call(operator, Method::DELETE, "/swap/scenarios/north", None).await.status, 204);
    world.get(viewer, "/swap/scenarios/north").await.problem(404);
    let deeds = world.get(&world.north.admin, "/audit").await.ok();
    assert_eq!(deeds["items"][0]["action"], "swap.scenario.delete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gives_the_figures_of_the_model_to_the_bit() {
    let world = World::start().await;
    let (operator, south) = (&world.north.operator, &world.south.admin);
    let form = preset(&world, "highway").await;
    let asked = json!({"kind": "run", "scenario": form, "replications": 12, "label": "as it is"});
    world.post(&world.north.viewer, "/swap/runs", asked.clone()).await.problem(403);
    let begun = world.post(operator, "/swap/runs", asked).await;
    let place = begun.headers["location"].to_str().unwrap().to_owned();
    let begun = begun.ok();
    assert_eq!((&begun["state"], &begun["wanted"]), (&json!("queued"), &json!(12)));
    let path = place.strip_prefix("/api/v1").unwrap();
    world.get(south, path).await.problem(404);
    world.post(south, &format!("{path}/cancel"), json!({})).await.problem(404);
    let run = ended(&world, operator, &begun["id"]).await;
    assert_eq!(
        (&run["state"], &run["done"], &run["label"]),
        (&json!("done"), &json!(12), &json!("as it is"))
    );
    let scenario = Scenario::from_json(&form.to_string()).unwrap();
    assert_eq!(run["result"], runs(&scenario, 12));
    world.post(operator, &format!("{path}/cancel"), json!({})).await.problem(409);
    assert_eq!(world.get(south, "/swap/runs").await.ok()["items"], json!([]));
    assert_eq!(world.call(operator, Method::DELETE, path, None).await.status, 204);
    world.get(operator, path).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn designs_are_compared_with_a_verdict() {
    let world = World::start().await;
    let operator = &world.north.operator;
    let a = preset(&world, "urban-plateau").await;
    let mut b = a.clone();
    (b["stations"][0]["bays"], b["seed"]) = (json!(3), json!(99));
    world.put(operator, "/swap/scenarios/more-bays", b.clone()).await.ok();
    let asked = json!({"kind": "compare", "scenarios": [a, {"name": "more-bays"}], "replications": 6});
    let begun = world.post(operator, "/swap/runs", asked).await.ok();
    let run = ended(&world, operator, &begun["id"]).await;
    let result = &run["result"];
    assert_eq!((&run["done"], &result["names"][1]), (&json!(12), &json!("more-bays")), "{run}");
    let (first, mut second) =
        (Scenario::from_json(&a.to_string()).unwrap(), Scenario::from_json(&b.to_string()).unwrap());
    second.seed = first.seed;
    let names = [result["names"][0].as_str().unwrap().to_owned(), "more-bays".to_owned()];
    let expected =
        voltwin_swap::compare(&[first.clone(), second.clone()], &names, 6, &Control::default()).unwrap();
    assert_eq!(result["verdict"], json!(expected.verdict));
    assert_eq!(result["differences"], json!(expected.differences));
    assert_eq!(result["runs"], json!([runs(&first, 6), runs(&second, 6)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_refused_by_field() {
    let world = World::start().await;
    let operator = &world.north.operator;
    let form = preset(&world, "highway").await;
    let mut broken = form.clone();
    broken["stations"][0]["bays"] = json!(0);
    let mut longer = form.clone();
    longer["warmup_s"] = json!(86_400);
    for (body, field) in [
        (json!({"kind": "run"}), "scenario"),
        (json!({"kind": "run", "scenario": form, "replications": 0}), "replications"),
        (json!({"kind": "run", "scenario": form, "replications": 10_001}), "replications"),
        (json!({"kind": "run", "scenario": broken}), "scenario.stations[0].bays"),
        (json!({"kind": "run", "scenario": form, "label": "x".repeat(121)}), "label"),
        (json!({"kind": "compare", "scenarios": [form]}), "scenarios"),
        (json!({"kind": "compare", "scenarios": [form, form], "replications": 1}), "scenarios"),
        (json!({"kind": "compare", "scenarios": [form, longer]}), "scenarios"),
    ] {
        assert_eq!(world.post(operator, "/swap/runs", body).await.problem(400).as_deref(), Some(field));
    }
    let missing = json!({"kind": "run", "scenario": {"name": "nowhere"}});
    world.post(operator, "/swap/runs", missing).await.problem(404);
    assert_eq!(world.get(operator, "/swap/runs").await.ok()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_when_asked_and_a_tenant_has_eight_at_once() {
    let world = World::start().await;
    let operator = &world.north.operator;
    let mut form = preset(&world, "commuters").await;
    form["horizon_s"] = json!(86_400 * 300);
    let asked = json!({"kind": "run", "scenario": form, "replications": 100});
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(world.post(operator, "/swap/runs", asked.clone()).await.ok()["id"].clone());
    }
    let ninth = world.post(operator, "/swap/runs", asked).await;
    ninth.problem(429);
    assert!(ninth.headers.contains_key("retry-after"));
    for id in &ids {
        let path = format!("/swap/runs/{}", id.as_str().unwrap());
        world.call(operator, Method::DELETE, &path, None).await.problem(409);
        world.post(operator, &format!("{path}/cancel"), json!({})).await.ok();
    }
    for id in &ids {
        assert_eq!(ended(&world, operator, id).await["state"], "cancelled");
    }
}

/// What a server leaves that was killed: a run with five replications kept, and after them a block that is torn.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_interrupted_goes_on_from_what_is_kept() {
    let text = include_str!("../../../../../scenarios/swap/highway.json");
    let scenario = Scenario::from_json(text).unwrap();
    let id = "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a";
    let at = Timestamp::from_micros(2);
    let run = SwapRun {
        id: id.to_owned(),
        kind: "run".to_owned(),
        label: String::new(),
        state: "queued".to_owned(),
        wanted: 14,
        done: 0,
        error: None,
        created_by: "test".to_owned(),
        created_at: at,
        started_at: None,
        ended_at: None,
    };
    let spec = json!({"designs": [{"name": "highway", "scenario": scenario}], "replications": 14});
    let model = Model::new(&scenario);
    let bytes = |range| model.block(range, &Control::default()).unwrap().to_bytes(&Key::of(&scenario));
    let kept = SwapBlock { design: 0, first: 0, bytes: bytes(0..5) };
    let mut torn = SwapBlock { design: 0, first: 5, bytes: bytes(5..9) };
    torn.bytes[100] ^= 1;
    let world = World::over(ServerConfig::default(), async |store, tenant| {
        let registry = store.tenant(tenant);
        registry.add_swap_run(&run, &spec.to_string(), (8, 200)).await.unwrap();
        assert!(registry.keep_swap_block(id, &kept, 5, at).await.unwrap());
        assert!(registry.keep_swap_block(id, &torn, 9, at).await.unwrap());
    })
    .await;
    let found = ended(&world, &world.north.viewer, &json!(id)).await;
    assert_eq!((&found["state"], &found["done"]), (&json!("done"), &json!(14)));
    assert_eq!(found["result"], runs(&scenario, 14));
    let blocks = world.runtime.store().tenant(&world.north.tenant).swap_blocks(id).await.unwrap();
    assert_eq!((&blocks[0], blocks[1].first), (&kept, 5), "what was kept is not simulated again");
}
