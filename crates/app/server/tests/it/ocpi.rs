//! Partners by OCPI: what people manage, and what a token opens. The whole protocol is played by a provider that this
//! project did not write, in `tests/clients/partners.py`.

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, World};

fn settings() -> serde_json::Value {
    json!({"country_code": "DE", "party_id": "VOL", "name": "Volt", "website": null, "currency": "EUR",
           "url": "http://cpo.example/"})
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_and_belong_to_one_tenant() {
    let world = World::start().await;
    let (admin, operator) = (&world.north.admin, &world.north.operator);
    world.get(admin, "/ocpi/settings").await.problem(404);
    world.post(admin, "/ocpi/parties", json!({"name": "P"})).await.problem(404);
    world.put(operator, "/ocpi/settings", settings()).await.problem(403);
    for (field, value) in [
        ("country_code", json!("de")),
        ("party_id", json!("VOLT")),
        ("currency", json!("euro")),
        ("name", json!(" ")),
        ("url", json!("ftp://x")),
        ("url", json!("https://x/path")),
        ("website", json!("x")),
    ] {
        let mut body = settings();
        body[field] = value;
        assert_eq!(world.put(admin, "/ocpi/settings", body).await.problem(400).as_deref(), Some(field));
    }
    let made = world.put(admin, "/ocpi/settings", settings()).await.ok();
    assert_eq!(made["url"], "http://cpo.example");
    assert_eq!(world.get(&world.north.viewer, "/ocpi/settings").await.ok(), made);
    world.get(&world.south.admin, "/ocpi/settings").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_opens_the_versions_and_nothing_else() {
    let world = World::start().await;
    let admin = &world.north.admin;
    world.put(admin, "/ocpi/settings", settings()).await.ok();
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "P", "url": "http://x/"}), "token"),
        (json!({"name": "P", "token": "x"}), "url"),
        (json!({"name": "P", "url": "file:///x", "token": "x"}), "url"),
    ] {
        assert_eq!(world.post(admin, "/ocpi/parties", body).await.problem(400).as_deref(), Some(field));
    }
    let added = world.post(admin, "/ocpi/parties", json!({"name": "P"})).await.ok();
    let (id, token) = (added["id"].as_str().unwrap(), added["token"].as_str().unwrap().to_owned());
    let ask = async |path: &str, token: &str| {
        let header = voltwin_ocpi::authorization(token);
        let request =
            world.request(Method::GET, path).header("authorization", header).header("x-request-id", "r-1");
        Answer::of(request.send().await.unwrap()).await
    };
    let versions = ask("/ocpi/versions", &token).await;
    assert_eq!(versions.headers["x-request-id"], "r-1");
    assert_eq!(versions.ok()["data"][0]["url"], "http://cpo.example/ocpi/2.2.1");
    assert_eq!(ask("/ocpi/2.2.1", &token).await.ok()["data"]["endpoints"].as_array().unwrap().len(), 9);
    for (path, token) in [("/ocpi/2.2.1/locations", token.as_str()), ("/ocpi/versions", "nobody's")] {
        let refused = ask(path, token).await;
        assert_eq!((refused.status.as_u16(), &refused.body["status_code"]), (401, &json!(2000)), "{path}");
    }
    // the key of a person opens nothing here, and a partner's token nothing there
    assert_eq!(ask("/ocpi/versions", admin).await.status.as_u16(), 401);
    world.get(&token, "/ocpi/parties").await.problem(401);

    assert_eq!(world.get(admin, "/ocpi/parties").await.ok()["items"][0]["state"], "invited");
    assert!(!world.get(admin, "/ocpi/parties").await.body.to_string().contains(&token));
    world.get(&world.south.admin, &format!("/ocpi/parties/{id}")).await.problem(404);
    world.call(&world.south.admin, Method::DELETE, &format!("/ocpi/parties/{id}"), None).await.problem(404);
    world.call(admin, Method::DELETE, &format!("/ocpi/parties/{id}"), None).await.ok();
    assert_eq!(ask("/ocpi/versions", &token).await.status.as_u16(), 401);
    assert_eq!(world.get(admin, &format!("/ocpi/parties/{id}")).await.ok()["state"], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_tells_who_is_connected_to_it_and_nobody_else_may() {
    let world = World::start().await;
    let admin = &world.north.admin;
    world.put(admin, "/ocpi/settings", settings()).await.ok();
    let role = |role: &str| json!([{"role": role, "party_id": "HUB", "country_code": "NL", "business_details": {"name": "Hub"}}]);
    let registry = world.runtime.store().tenant(&world.north.tenant);
    let mut tokens = Vec::new();
    for kind in ["HUB", "EMSP"] {
        let added = world.post(admin, "/ocpi/parties", json!({"name": kind})).await.ok();
        let id = added["id"].as_str().unwrap().to_owned();
        let mut party = registry.ocpi_party(&id).await.unwrap().unwrap();
        party.state = voltwin_store::OcpiPartyState::Registered;
        party.roles = role(kind);
        registry.put_ocpi_party(&party, ("test", "ocpi.party.register")).await.unwrap();
        tokens.push((id, added["token"].as_str().unwrap().to_owned()));
    }
    let [(hub, hub_token), (provider, provider_token)] = tokens.try_into().unwrap();
    let ask = async |method: Method, path: &str, token: &str, body: Option<serde_json::Value>| {
        let path = format!("/ocpi/2.2.1/hubclientinfo/{path}");
        let mut request =
            world.request(method, &path).header("authorization", voltwin_ocpi::authorization(token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        (answer.status.as_u16(), answer.body)
    };
    let client = |party: &str, status: &str| {
        json!({"party_id": party, "country_code": "DE", "role": "CPO", "status": status,
               "last_updated": "2026-11-21T08:00:00Z"})
    };
    for (party, status) in [("ABC", "PLANNED"), ("XYZ", "CONNECTED"), ("ABC", "SUSPENDED")] {
        let said = ask(Method::PUT, &format!("DE/{party}"), &hub_token, Some(client(party, status))).await;
        assert_eq!((said.0, &said.1["status_code"]), (200, &json!(1000)), "{said:?}");
    }
    let (_, found) = ask(Method::GET, "de/abc", &hub_token, None).await;
    assert_eq!(found["data"], client("ABC", "SUSPENDED"));
    let wrong = ask(Method::PUT, "DE/ABC", &hub_token, Some(client("XYZ", "OFFLINE"))).await;
    assert_eq!((wrong.0, &wrong.1["status_code"]), (400, &json!(2001)), "another party in the body");
    let stranger = ask(Method::PUT, "DE/ABC", &provider_token, Some(client("ABC", "OFFLINE"))).await;
    assert_eq!((stranger.0, &stranger.1["status_code"]), (400, &json!(2001)), "no hub");
    assert_eq!(ask(Method::GET, "DE/ABC", &provider_token, None).await.0, 404, "what another was told");
    let listed = world.get(&world.north.viewer, &format!("/ocpi/parties/{hub}/clients")).await.ok();
    let seen: Vec<_> =
        listed.as_array().unwrap().iter().map(|one| (&one["party_id"], &one["status"])).collect();
    assert_eq!(seen, [(&json!("ABC"), &json!("SUSPENDED")), (&json!("XYZ"), &json!("CONNECTED"))]);
    assert_eq!(world.get(admin, &format!("/ocpi/parties/{provider}/clients")).await.ok(), json!([]));
    world.get(&world.south.admin, &format!("/ocpi/parties/{hub}/clients")).await.problem(404);
}
