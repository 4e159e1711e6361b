//! Who may do what.

use reqwest::Method;
use serde_json::{Value as Json, json};
use voltwin_core::{AlarmChange, AlarmFact, AlarmId, EventBody, Severity, TransactionFact, TransactionPhase};
use voltwin_security::{PasswordHash, Role, Secret};

use crate::world::{Answer, World};

/// What computes from what it is sent and changes nothing, though it is a POST.
const COMPUTES: [&str; 2] = ["/api/v1/batteries/what-if", "/api/ml/battery/predict"];

/// Every operation: method, path with parameters filled in, and the permission that it names.
fn operations() -> Vec<(Method, String, Option<String>)> {
    let document: Json = serde_json::from_str(&voltwin_server::openapi_json().unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path.replace("{id}", "1").replace("{number}", "1");
            let permission = operation["x-permission"].as_str().map(str::to_owned);
            operations.push((method.to_uppercase().parse().unwrap(), path, permission));
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_who_and_what() {
    let world = World::start().await;
    let (mut guarded, mut public) = (0, Vec::new());
    for (method, path, permission) in operations() {
        let Some(permission) = permission else {
            public.push(format!("{method} {path}"));
            continue;
        };
        guarded += 1;
        let answer = Answer::of(world.request(method.clone(), &path).send().await.unwrap()).await;
        answer.problem(401);
        assert!(answer.headers.contains_key("www-authenticate"));
        let ask = async |key: &str| {
            Answer::of(world.request(method.clone(), &path).bearer_auth(key).send().await.unwrap()).await
        };
        ask("vk_AAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await.problem(401);
        let least = match permission.as_str() {
            "Read" => Role::Viewer,
            "AcknowledgeAlarms" | "CommandStations" | "IngestTelemetry" => Role::Operator,
            "WriteTwins" | "ManageStations" | "ManageTariffs" | "ManageAccess" | "ReadAudit" => Role::Admin,
            other => panic!("{method} {path} names `{other}`"),
        };
        let changes = !method.is_safe() && !COMPUTES.contains(&path.as_str());
        assert!(!changes || least > Role::Viewer, "{method} {path} changes something as a viewer");
        for (role, key) in [(Role::Viewer, &world.north.viewer), (Role::Operator, &world.north.operator)] {
            if path == "/api/v1/events" && role >= least {
                // it tells on and on
                let stream = world.request(method.clone(), &path).bearer_auth(key).send().await.unwrap();
                assert_eq!(stream.status(), 200, "{method} {path} {role}");
                continue;
            }
            let answer = ask(key).await;
            if role < least {
                answer.problem(403);
            } else {
                assert!(answer.status != 401 && answer.status != 403, "{method} {path} {role}: {answer:?}");
            }
        }
    }
    public.sort();
    assert_eq!(public, ["DELETE /api/v1/session", "POST /api/v1/session"]);
    assert!(guarded >= 27, "{guarded}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_tenant_do_not_exist() {
    let world = World::start().await;
    world.station("ST-N").await;
    world.twin("V-N", "Vehicle", json!({"soc": 0.5})).await;
    let alarm = AlarmId(uuid::Uuid::from_u128(7));
    let change = AlarmChange::Raised { code: "C".into(), severity: Severity::Major, message: "m".into() };
    world.happen("ST-N:1:1", EventBody::Alarm(AlarmFact { id: alarm, change })).await;
    world.happen("ST-N", EventBody::Transaction(started().into())).await;
    let registry = world.runtime.store().tenant(&world.north.tenant);
    let now = world.runtime.now();
    registry.record_claim("ST-X", "10.0.0.1", "ocpp1.6", None, now).await.unwrap();
    let north = &world.north;
    let first = |list: Json| list["items"][0].clone();
    let number = first(world.get(&north.admin, "/transactions").await.ok())["number"].to_string();
    let claim = first(world.get(&north.admin, "/claims").await.ok())["id"].as_str().unwrap().to_owned();
    let command =
        world.post(&north.admin, "/stations/ST-N/commands?wait_s=0", json!({"command": "reset"})).await;
    let command = command.ok()["id"].as_str().unwrap().to_owned();
    let bulk = json!({"filter": {"all": true}, "command": "reset"});
    let bulk = world.post(&north.admin, "/bulk-commands", bulk).await.ok()["id"].as_str().unwrap().to_owned();
    let reset = json!({"command": "reset"});
    let telemetry = json!({"items": [{"twin": "V-N", "values": {"soc": 0.1}}]});
    let calls: Vec<(Method, String, Option<Json>)> = vec![
        (Method::GET, "/stations/ST-N".into(), None),
        (Method::GET, "/stations/ST-N/messages".into(), None),
        (Method::GET, format!("/bulk-commands/{bulk}"), None),
        (Method::GET, format!("/bulk-commands/{bulk}/stations"), None),
        (Method::POST, format!("/bulk-commands/{bulk}/cancel"), None),
        (Method::POST, "/stations/ST-N/credentials".into(), None),
        (Method::POST, "/stations/ST-N/commands".into(), Some(reset)),
        (Method::GET, format!("/commands/{command}"), None),
        (Method::GET, format!("/transactions/{number}"), None),
        (Method::POST, format!("/alarms/{alarm}/acknowledge"), None),
        (Method::GET, "/vehicles/V-N".into(), None),
        (Method::GET, "/twins/V-N".into(), None),
        (Method::PATCH, "/twins/V-N".into(), Some(json!({"properties": {"soc": 0.1}}))),
        (Method::DELETE, "/twins/V-N".into(), None),
        (Method::GET, "/twins/V-N/history?property=soc".into(), None),
        (Method::POST, format!("/claims/{claim}/accept"), Some(json!({}))),
        (Method::DELETE, format!("/claims/{claim}"), None),
    ];
    for (method, path, body) in calls {
        let answer = world.call(&world.south.admin, method.clone(), &path, body.as_ref()).await;
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        answer.problem(404);
    }
    let answer = world.post(&world.south.admin, "/telemetry", telemetry).await.ok();
    assert_eq!((&answer["accepted"], answer["rejected"].as_array().unwrap().len()), (&json!(0), 1));
    for list in [
        "/stations",
        "/commands",
        "/messages",
        "/bulk-commands",
        "/transactions",
        "/alarms?state=all",
        "/vehicles",
        "/twins",
        "/claims",
    ] {
        let answer = world.get(&world.south.admin, list).await.ok();
        assert_eq!(answer["items"], json!([]), "{list}");
    }
    assert_eq!(world.get(&world.south.admin, "/search?q=ST-N").await.ok()["items"], json!([]));
    assert_eq!(world.get(&north.admin, "/vehicles/V-N").await.ok()["soc"], 0.5);
}

fn started() -> TransactionFact {
    TransactionFact {
        transaction_id: "T-1".into(),
        phase: TransactionPhase::Started,
        seq_no: 0,
        start_key: None,
        evse: Some(1),
        connector: Some(1),
        id_token: Some("TAG".into()),
        meter_wh: Some(100.into()),
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
async fn a_session_lives_from_sign_in_to_sign_out() {
    let world = World::start().await;
    let answer = world.request(Method::POST, "/api/v1/session").json(&json!({"key": world.north.operator}));
    let answer = Answer::of(answer.send().await.unwrap()).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert_eq!(answer.ok()["role"], "operator");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let call = async |method: Method, path: &str, voltwin: bool| {
        let mut request = world.request(method, path).header("cookie", &cookie).json(&json!({}));
        if voltwin {
            request = request.header("x-voltwin", "1");
        }
        Answer::of(request.send().await.unwrap()).await
    };
    let me = call(Method::GET, "/api/v1/session", false).await.ok();
    assert_eq!((&me["tenant"], &me["role"]), (&json!("north"), &json!("operator")));
    // a page elsewhere can make a browser send the cookie, but not the header
    call(Method::POST, "/api/v1/telemetry", false).await.problem(403);
    call(Method::POST, "/api/v1/telemetry", true).await.problem(400);
    call(Method::DELETE, "/api/v1/session", false).await.problem(403);
    assert_eq!(call(Method::DELETE, "/api/v1/session", true).await.status, 204);
    call(Method::GET, "/api/v1/session", false).await.problem(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_session_and_guesses_are_slowed_down() {
    let world = World::start().await;
    let registry = world.runtime.store().tenant(&world.north.tenant);
    let hash = PasswordHash::hash(&Secret::new("correct horse")).await.unwrap();
    registry.add_user("olu", &hash, Role::Viewer, "test", world.runtime.now()).await.unwrap();
    let sign_in = async |tenant: &str, user: &str, password: &str| {
        let body = json!({"tenant": tenant, "user": user, "password": password});
        Answer::of(world.request(Method::POST, "/api/v1/session").json(&body).send().await.unwrap()).await
    };
    assert_eq!(sign_in("north", "olu", "correct horse").await.ok()["user"], "olu");
    for (tenant, user) in [("north", "nobody"), ("nowhere", "olu"), ("south", "olu"), ("No Such", "olu")] {
        sign_in(tenant, user, "correct horse").await.problem(401);
    }
    for _ in 0..6 {
        sign_in("north", "olu", "wrong").await.problem(401);
    }
    let refused = sign_in("north", "olu", "correct horse").await;
    refused.problem(429);
    let seconds: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_either_a_key_or_a_password() {
    let world = World::start().await;
    for (body, status) in [
        (json!({}), 400),
        (json!({"key": world.north.admin, "user": "x"}), 400),
        (json!({"key": "vk_wrong"}), 401),
        (json!({"token": "x"}), 400),
    ] {
        let sent = world.request(Method::POST, "/api/v1/session").json(&body).send().await.unwrap();
        Answer::of(sent).await.problem(status);
    }
}
