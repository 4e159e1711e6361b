//! Batteries as their live twins know them, from telemetry to outlook.

use serde_json::{Value as Json, json};

use crate::world::{Answer, World};
use reqwest::Method;

/// A pack in a vehicle that has told twenty minutes of a drive.
async fn driven(world: &World, id: &str, soc: f64) {
    let pack = json!({"chemistry": "NMC", "capacity_wh": 64_000.0, "cells_in_series": 96});
    world.twin(id, "BatteryPack", pack).await;
    let vehicle = format!("V-{id}");
    world.twin(&vehicle, "Vehicle", json!({"name": format!("Car {id}")})).await;
    world.link(&vehicle, "hasPack", id).await;
    let now = world.runtime.now();
    let ocv = voltwin_battery::Chemistry::Nmc.ocv();
    let items: Vec<Json> = (0..120)
        .map(|k| {
            let current_a = if k % 12 < 8 { -40.0 } else { 10.0 };
            let charge = soc - 0.00006 * f64::from(k);
            let volts = 96.0 * (ocv.voltage_v(charge) + current_a * 0.00063);
            let at = now.plus_seconds(f64::from(k - 120) * 10.0);
            json!({"twin": id, "at": at.to_string(), "values": {"voltage_v": volts, "current_a": current_a,
                "temp_c": 24.0 + 0.01 * f64::from(k), "soc": (charge * 100.0).round() / 100.0}})
        })
        .collect();
    for item in items {
        world.post(&world.north.operator, "/telemetry", json!({"items": [item]})).await.ok();
    }
    seen(world, id).await;
}

/// Waits until all of it has come through the feed.
async fn seen(world: &World, id: &str) -> Json {
    let known = async {
        loop {
            let battery = world.get(&world.north.viewer, &format!("/batteries/{id}")).await.ok();
            let shown = battery["observed_at"].as_str().map(str::to_owned);
            let twin = world.get(&world.north.viewer, &format!("/twins/{id}")).await.ok();
            if shown.is_some()
                && twin.to_string().contains("estimated_soc")
                && battery["status"] != "starting"
            {
                return battery;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), known).await.expect("it is followed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_battery_is_followed_from_its_telemetry_and_shown_with_bounds() {
    let world = World::start().await;
    driven(&world, "B-1", 0.7).await;
    world.twin("B-2", "BatteryPack", json!({"chemistry": "LFP", "capacity_wh": 50_000.0})).await;
    let key = &world.north.viewer;
    let battery = seen(&world, "B-1").await;
    let soc = battery["soc"]["value"].as_f64().unwrap();
    assert!((soc - 0.69).abs() < 0.05, "{battery}");
    assert!(
        battery["soc"]["low"].as_f64().unwrap() <= soc && soc <= battery["soc"]["high"].as_f64().unwrap()
    );
    assert_eq!((&battery["vehicle"], &battery["vehicle_name"]), (&json!("V-B-1"), &json!("Car B-1")));
    assert_eq!((&battery["sensors"]["voltage"], &battery["type"]["set"]), (&json!("ok"), &json!("Chen2020")));
    let other = world.get(key, "/batteries/B-2").await.ok();
    assert_eq!((&other["status"], &other["soc"]), (&json!("unknown"), &json!(null)));
    assert!(other["status_reason"].as_str().unwrap().contains("cells_in_series"), "{other}");

    let page = world.get(key, "/batteries?sort=soc&chemistry=nmc").await.ok();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let page = world.get(key, "/batteries?limit=1").await.ok();
    let next =
        world.get(key, &format!("/batteries?limit=1&cursor={}", page["next"].as_str().unwrap())).await.ok();
    assert_eq!((&page["items"][0]["id"], &next["items"][0]["id"]), (&json!("B-1"), &json!("B-2")));
    assert_eq!(next["next"], json!(null));
    assert_eq!(world.get(key, "/batteries?q=car").await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(key, "/batteries?warning=any").await.ok()["items"], json!([]));

    let overview = world.get(key, "/batteries/overview").await.ok();
    assert_eq!((&overview["count"], &overview["by_chemistry"]), (&json!(2), &json!({"LFP": 1, "NMC": 1})));
    let counted: u64 =
        overview["soh_histogram"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, 1);

    let twin = world.get(key, "/twins/B-1").await.ok();
    assert!(twin.to_string().contains("sync_status"), "{twin}");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_outlook_has_bounds_and_other_habits_stand_beside_it() {
    let world = World::start().await;
    driven(&world, "B-1", 0.7).await;
    let key = &world.north.viewer;
    let forecast = world.get(key, "/batteries/B-1/forecast").await.ok();
    assert_eq!(forecast["horizons"].as_array().unwrap().len(), 4);
    for point in forecast["horizons"].as_array().unwrap().iter().chain(forecast["curve"].as_array().unwrap())
    {
        let figure = |name: &str| point["soh"][name].as_f64().unwrap();
        assert!(figure("low") <= figure("value") && figure("value") <= figure("high"), "{point}");
    }
    let ageing = world.get(key, "/batteries/B-1/ageing").await.ok();
    assert_eq!(ageing["habit_kind"], "assumed");
    assert!(ageing["loss_points"]["calendar"].as_f64().unwrap() >= 0.0);
    let advice = world.get(key, "/batteries/B-1/advice?days=3650&price_per_kwh=100").await.ok();
    assert_eq!(advice["items"].as_array().unwrap().len(), 4);
    let section = world.get(key, "/batteries/B-1/section").await.ok();
    assert_eq!(section["set"], "Chen2020");
    assert!(section["electrolyte"]["concentration_mol_m3"].as_array().unwrap().len() > 10);

    let request = json!({"batteries": ["B-1"], "scenarios": [{"name": "as now"},
        {"name": "cooler", "warmer_k": -8.0}, {"name": "v2g",
         "v2g": {"soc_share": 0.2, "from_hour": 18.0, "to_hour": 20.0}}]});
    let answer = world.post(key, "/batteries/what-if", request.clone()).await.ok();
    let scenarios = &answer["batteries"][0]["scenarios"];
    assert_eq!(scenarios[0]["points"]["value"], 0.0);
    assert!(scenarios[1]["points"]["value"].as_f64().unwrap() > 0.0, "{answer}");
    let again = world.post(key, "/batteries/what-if", request).await.ok();
    assert_eq!(answer["batteries"], again["batteries"]);

    driven(&world, "B-3", 0.5).await;
    let both = world.get(key, "/batteries/compare?a=B-1&b=B-3").await.ok();
    assert!(both["difference"]["soc"].as_f64().unwrap() > 0.1, "{both}");
    let series = world.get(key, "/batteries/B-1/history?points=20").await.ok();
    assert!(series["series"]["voltage_v"].is_array());
}

async fn predict(world: &World, body: &Json) -> Answer {
    let request = world.request(Method::POST, "/api/ml/battery/predict").bearer_auth(&world.north.viewer);
    Answer::of(request.json(body).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_battery_without_a_twin_is_judged_from_what_is_sent() {
    let world = World::start().await;
    let rows: Vec<Json> = (0..60)
        .map(|k| json!({"t_s": 10 * k, "voltage_v": 96.0 * 3.85, "current_a": 0.0, "temp_c": 22.0}))
        .collect();
    let good = json!({"chemistry": "NMC", "capacity_wh": 64_000, "cells_in_series": 96, "telemetry": rows});
    let answer = predict(&world, &good).await.ok();
    assert!((answer["soc"]["value"].as_f64().unwrap() - 0.64).abs() < 0.05, "{answer}");
    assert_eq!(answer["models"]["life"], "NMC111 Kokam 75 Ah");
    let wrong = [
        (json!({"chemistry": "Zinc"}), "chemistry"),
        (json!({"capacity_wh": 0.5}), "capacity_wh"),
        (json!({"telemetry": []}), "telemetry"),
        (json!({"telemetry": [{"t_s": 5}, {"t_s": 1}]}), "telemetry[1].t_s"),
        (
            json!({"usual_day": [{"hour": 0, "soc": 2, "temp_c": 20}, {"hour": 24, "soc": 0.5, "temp_c": 20}]}),
            "usual_day[0].soc",
        ),
    ];
    for (change, field) in wrong {
        let mut body = good.clone();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        assert_eq!(predict(&world, &body).await.problem(400).as_deref(), Some(field));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named_and_tenants_do_not_see_one_another() {
    let world = World::start().await;
    driven(&world, "B-1", 0.7).await;
    let key = &world.north.viewer;
    for (path, field) in [
        ("/batteries?sort=colour", "sort"),
        ("/batteries?order=up", "order"),
        ("/batteries?status=fine", "status"),
        ("/batteries?warning=bad", "warning"),
        ("/batteries?limit=501", "limit"),
        ("/batteries?cursor=x", "cursor"),
        ("/batteries/B-1/history?points=0", "points"),
        ("/batteries/B-1/forecast?end_soh=0.2", "end_soh"),
        ("/batteries/B-1/advice?days=0", "days"),
    ] {
        assert_eq!(world.get(key, path).await.problem(400).as_deref(), Some(field), "{path}");
    }
    for (body, field) in [
        (json!({"batteries": ["B-1"], "scenarios": []}), "scenarios"),
        (json!({"batteries": [], "scenarios": [{"name": "a"}]}), "batteries"),
        (json!({"batteries": ["B-1"], "scenarios": [{"name": ""}]}), "scenarios[0].name"),
        (
            json!({"batteries": ["B-1"], "scenarios": [{"name": "a", "warmer_k": 90}]}),
            "scenarios[0].warmer_k",
        ),
        (json!({"batteries": ["B-1"], "days": 9e9, "scenarios": [{"name": "a"}]}), "days"),
    ] {
        let answer = world.post(key, "/batteries/what-if", body.clone()).await;
        assert_eq!(answer.problem(400).as_deref(), Some(field), "{body}");
    }
    world.get(key, "/batteries/V-B-1").await.problem(404);
    world.get(key, "/batteries/nothing/forecast").await.problem(404);
    world.twin("B-9", "BatteryPack", json!({})).await;
    world.get(key, "/batteries/B-9/forecast").await.problem(409);
    let south = &world.south.viewer;
    assert_eq!(world.get(south, "/batteries").await.ok()["items"], json!([]));
    assert_eq!(world.get(south, "/batteries/overview").await.ok()["count"], 0);
    for path in ["", "/history", "/forecast", "/ageing", "/advice", "/section"] {
        world.get(south, &format!("/batteries/B-1{path}")).await.problem(404);
    }
    world.get(south, "/batteries/compare?a=B-1&b=B-1").await.problem(404);
    let stolen = json!({"batteries": ["B-1"], "scenarios": [{"name": "a"}]});
    world.post(south, "/batteries/what-if", stolen).await.problem(404);
}
