//! Tariffs, receipts and charge detail records over HTTP.

use reqwest::Method;
use serde_json::{Value as Json, json};
use voltwin_core::{EventBody, SignedReading, StationCost, TransactionFact, TransactionPhase};

use crate::world::World;

fn tariff(price: &str) -> Json {
    json!({"currency": "EUR", "elements": [{"components": [
        {"kind": "energy", "price": price, "tax_percent": "19"}, {"kind": "flat", "price": "0.50", "tax_percent": "19"}
    ]}]})
}

fn fact(id: &str, phase: TransactionPhase, seq_no: u64, wh: i64) -> TransactionFact {
    TransactionFact {
        transaction_id: id.into(),
        phase,
        seq_no,
        start_key: None,
        evse: Some(1),
        connector: Some(1),
        id_token: Some("=TAG,<1>".into()),
        meter_wh: Some(wh.into()),
        trigger: None,
        stopped_reason: None,
        charging_state: None,
        offline: false,
        clock_ahead_ms: None,
        samples: Vec::new(),
        signed: Vec::new(),
        station_cost: None,
        reserved_from: None,
        quarantined: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_priced_from_tariff_to_receipt() {
    let world = World::start().await;
    world.station("ST-N").await;
    let admin = &world.north.admin;
    let get = async |path: &str| world.get(admin, path).await;
    let made =
        world.post(admin, "/tariffs", json!({"id": "day", "name": "Day", "tariff": tariff("0.40")})).await;
    assert_eq!(made.ok()["version"], 1);
    world
        .post(admin, "/tariffs", json!({"id": "day", "name": "Day", "tariff": tariff("0.40")}))
        .await
        .problem(409);
    let changed = json!({"name": "Day", "tariff": tariff("0.50")});
    assert_eq!(world.put(admin, "/tariffs/day", changed).await.ok()["version"], 2);
    assert_eq!(get("/tariffs/day/versions").await.ok()["items"].as_array().unwrap().len(), 2);
    // 20 kWh at 0.50 and a flat fee of 0.50; 19 % of 10.00 and of 0.50 by line
    let preview = get("/tariffs/day/preview?energy_wh=20000&duration_s=3600").await.ok();
    assert_eq!(
        (&preview["net"], &preview["tax"], &preview["gross"]),
        (&json!("10.50"), &json!("2.00"), &json!("12.50"))
    );
    // the same without saving it
    let draft = "/tariff-previews?energy_wh=20000&duration_s=3600";
    assert_eq!(world.post(admin, draft, tariff("0.50")).await.ok()["gross"], "12.50");
    // at most 32 A and nobody measured: unknown, so no element holds; at 16 A it does
    let mut weak = tariff("0.50");
    weak["elements"][0]["restrictions"] = json!({"max_current_a": "32"});
    assert_eq!(world.post(admin, draft, weak.clone()).await.ok()["gross"], "0");
    let measured = format!("{draft}&current_a=16");
    assert_eq!(world.post(admin, &measured, weak).await.ok()["gross"], "12.50");
    let assigned = world.post(
        admin,
        "/tariff-assignments",
        json!({"scope": "station", "target": "ST-N", "tariff": "day"}),
    );
    assert_eq!(assigned.await.ok()["number"], 1);

    world.happen("ST-N", EventBody::Transaction(fact("t", TransactionPhase::Started, 0, 100))).await;
    world.happen("ST-N", EventBody::Transaction(fact("t", TransactionPhase::Updated, 1, 10_100))).await;
    let running = get("/transactions/1/receipt").await.ok();
    assert_eq!((&running["final"], &running["cost"]["net"]), (&json!(false), &json!("5.50")));
    let mut end = fact("t", TransactionPhase::Ended, 3, 20_100);
    let signed = SignedReading {
        at: world.runtime.now(),
        measurand: "Energy.Active.Import.Register".into(),
        context: None,
        data: "OCMF|{}|{\"SD\":\"00\"}".into(),
        encoding: Some("OCMF".into()),
        signing_method: None,
        public_key: None,
    };
    end.signed.push(signed);
    world.happen("ST-N", EventBody::Transaction(end)).await;
    let ended = get("/transactions/1/receipt").await.ok();
    assert_eq!(
        (&ended["final"], &ended["revision"], &ended["reason"]),
        (&json!(true), &json!(1), &json!("ended"))
    );
    assert_eq!((&ended["cost"]["gross"], &ended["tariff_version"]), (&json!("12.50"), &json!(2)));
    let page = get("/transactions/1/receipt?format=html").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let page = page.ok();
    let page = page.as_str().unwrap();
    assert!(
        page.contains("Total 12.50 EUR") && page.contains("=TAG,&lt;1&gt;") && !page.contains("<1>"),
        "{page}"
    );
    assert_eq!(get("/transactions/1/signed").await.ok()["items"][0]["data"], "OCMF|{}|{\"SD\":\"00\"}");
    assert_eq!(get("/transactions/1").await.ok()["segments"][0]["kind"], "metered");

    let cdrs = get("/cdrs?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").await.ok();
    assert_eq!(cdrs["items"][0]["receipt"]["cost"]["gross"], "12.50");
    let csv = get("/cdrs?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&format=csv").await.ok();
    let lines: Vec<&str> = csv.as_str().unwrap().lines().collect();
    assert_eq!(lines.len(), 2, "{csv}");
    assert!(lines[1].starts_with("1,ST-N,1,1,t,\"'=TAG,<1>\",ended,"), "{}", lines[1]);
    assert!(lines[1].ends_with(",day,2,EUR,10.50,2.00,12.50,1"), "{}", lines[1]);
    for path in ["/tariffs/day", "/transactions/1/receipt", "/transactions/1/signed"] {
        world.get(&world.south.admin, path).await.problem(404);
    }
    let other =
        world.get(&world.south.admin, "/cdrs?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").await.ok();
    assert_eq!(other["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tariffs_and_assignments_name_the_field() {
    let world = World::start().await;
    world.station("ST-N").await;
    let admin = &world.north.admin;
    let post = async |path: &str, body: Json| world.post(admin, path, body).await;
    let with = |tariff: Json| json!({"id": "t", "name": "T", "tariff": tariff});
    let mut bad = tariff("-1");
    assert_eq!(
        post("/tariffs", with(bad.clone())).await.problem(400).as_deref(),
        Some("tariff.elements[0].components[0].price")
    );
    let field = post("/tariff-previews?energy_wh=1&duration_s=1", bad.clone()).await.problem(400);
    assert_eq!(field.as_deref(), Some("tariff.elements[0].components[0].price"));
    bad["elements"][0]["components"][0]["kind"] = "fuel".into();
    let field = post("/tariffs", with(bad)).await.problem(400).unwrap();
    assert!(field.starts_with("tariff.elements[0].components[0]"), "{field}");
    post("/tariffs", json!({"id": "a b", "name": "T", "tariff": tariff("1")})).await.problem(400);
    post("/tariffs", with(tariff("1"))).await.ok();
    let assign = async |body: Json| post("/tariff-assignments", body).await;
    assign(json!({"scope": "default", "tariff": "none"})).await.problem(404);
    assert_eq!(
        assign(json!({"scope": "station", "target": "X", "tariff": "t"})).await.problem(400).as_deref(),
        Some("target")
    );
    let station = json!({"scope": "evse", "target": "ST-N", "tariff": "t"});
    assert_eq!(assign(station).await.problem(400).as_deref(), Some("target"), "a station is no EVSE");
    let nobody = json!({"scope": "station", "tariff": "t"});
    assert_eq!(assign(nobody).await.problem(400).as_deref(), Some("target"));
    let silent = json!({"scope": "default"});
    let field = assign(silent).await.problem(400);
    assert_eq!(field.as_deref(), Some("tariff"), "only a null that is said ends an assignment");
    let past = json!({"scope": "default", "tariff": "t", "from": "2020-01-01T00:00:00Z"});
    assert_eq!(assign(past).await.problem(400).as_deref(), Some("from"));
    let group = world.put(admin, "/token-groups/TAG", json!({"group": "staff"})).await.ok();
    assert_eq!(group["group"], "staff");
    assert_eq!(world.get(admin, "/token-groups").await.ok()["items"].as_array().unwrap().len(), 1);
    world.call(admin, Method::DELETE, "/token-groups/TAG", None).await.ok();
    world.call(admin, Method::DELETE, "/tariffs/t", None).await.ok();
    assign(json!({"scope": "default", "tariff": "t"})).await.problem(404);
    world.get(admin, "/tariffs/t/preview?energy_wh=1&duration_s=1&time_zone=Mars/Base").await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_transaction_gets_another_tariff_and_its_receipt_tells_the_difference() {
    let world = World::start().await;
    world.station("ST-N").await;
    let admin = &world.north.admin;
    for (id, price) in [("day", "0.50"), ("night", "0.10")] {
        let body = json!({"id": id, "name": id.to_uppercase(), "tariff": tariff(price)});
        world.post(admin, "/tariffs", body).await.ok();
    }
    world.post(admin, "/tariff-assignments", json!({"scope": "default", "tariff": "day"})).await.ok();
    let wish = |tariff: &str| json!({"tariff": tariff});
    let path = "/transactions/1/tariff";
    world.put(admin, path, wish("night")).await.problem(404);
    world.happen("ST-N", EventBody::Transaction(fact("t", TransactionPhase::Started, 0, 0))).await;
    world.happen("ST-N", EventBody::Transaction(fact("t", TransactionPhase::Updated, 1, 10_000))).await;
    world.put(&world.north.operator, path, wish("night")).await.problem(403);
    world.put(&world.south.admin, path, wish("night")).await.problem(404);
    assert_eq!(world.put(admin, path, wish("dusk")).await.problem(400).as_deref(), Some("tariff"));
    world.put(admin, path, json!({"tariff": "night", "from": "2020-01-01T00:00:00Z"})).await.problem(400);
    let running = world.get(admin, "/transactions/1/receipt").await.ok();
    assert_eq!((&running["tariff_changes"], &running["unchanged"]), (&json!([]), &Json::Null));

    let changed = world.put(admin, path, wish("night")).await.ok();
    assert_eq!(
        (&changed["number"], &changed["tariff_id"], &changed["command"]),
        (&json!(1), &json!("night:1"), &Json::Null)
    );
    assert!(changed["from"].is_string(), "{changed}");
    let mut end = fact("t", TransactionPhase::Ended, 2, 20_000);
    end.quarantined = true;
    end.station_cost =
        Some(StationCost { currency: Some("EUR".into()), net: None, gross: Some("99".parse().unwrap()) });
    world.happen("ST-N", EventBody::Transaction(end)).await;
    let ended = world.get(admin, "/transactions/1/receipt").await.ok();
    assert_eq!((&ended["tariff"], &ended["tariff_changes"][0]["tariff"]), (&json!("day"), &json!("night")));
    assert_eq!(ended["tariff_changes"][0]["from"], changed["from"]);
    // 20 kWh at 0.50 and the fee, with 19 % tax
    assert_eq!(ended["unchanged"]["gross"], "12.50");
    let gross = |value: &Json| value.as_str().unwrap().parse::<f64>().unwrap();
    let difference = gross(&ended["cost"]["gross"]) - gross(&ended["unchanged"]["gross"]);
    assert!(
        (difference - gross(&ended["unchanged"]["difference"])).abs() < 1e-9 && difference < 0.0,
        "{ended}"
    );
    assert_eq!((&ended["quarantined"], &ended["station_cost"]["agrees"]), (&json!(true), &json!(false)));
    let transaction = world.get(admin, "/transactions/1").await.ok();
    assert_eq!(transaction["flags"], json!(["quarantined", "cost_differs"]));
    let page = world.get(admin, "/transactions/1/receipt?format=html").await.ok();
    let page = page.as_str().unwrap();
    assert!(page.contains("NIGHT (night, version 1)") && page.contains("quarantine"), "{page}");
    world.put(admin, path, wish("day")).await.problem(409);
    let deeds = world.get(admin, "/audit").await.ok();
    assert!(deeds.to_string().contains("ST-N:tx:t: night"), "{deeds}");
}
