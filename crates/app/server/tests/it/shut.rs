//! A tenant that this release cannot read, as its clients and its neighbours see it.

use reqwest::{Method, StatusCode};
use serde_json::json;
use voltwin_core::{Event, EventBody, ModelDocument, ModelsFact, Timestamp};
use voltwin_server::ServerConfig;

use crate::world::{Answer, World};

/// A model that extends one that nothing built in knows, as a later release may have had.
const LATER: &str = r#"{ "@context": "dtmi:dtdl:context;3", "@id": "dtmi:later:Own;1", "@type": "Interface",
    "extends": "dtmi:voltwin:OfALaterRelease;1" }"#;

async fn world() -> World {
    World::over(ServerConfig::default(), async |store, tenant| {
        let at = Timestamp::from_micros(2);
        let models = vec![ModelDocument { id: "dtmi:later:Own;1".parse().unwrap(), text: LATER.into() }];
        let body = EventBody::Models(ModelsFact::Added { models });
        let event = Event::new(tenant.clone(), "models".parse().unwrap(), at, at, body);
        store.journal().commit(&[event]).await.unwrap();
    })
    .await
}

#[tokio::test]
async fn it_is_told_so_with_every_write_and_its_neighbours_notice_nothing() {
    let world = world().await;
    let vehicle = json!({"model": "dtmi:voltwin:Vehicle;1", "properties": {"soc": 0.5}});
    let refused = world.put(&world.north.admin, "/twins/V-1", vehicle.clone()).await;
    refused.problem(503);
    assert_eq!(refused.body["type"], "urn:voltwin:problem:tenant-unreadable");
    let why = refused.body["detail"].as_str().unwrap();
    assert!(why.contains("dtmi:voltwin:OfALaterRelease;1"), "{why}");

    let azure = world.request(Method::PUT, "/digitaltwins/V-1?api-version=2023-10-31");
    let body = json!({"$metadata": {"$model": "dtmi:voltwin:Vehicle;1"}});
    let refused = Answer::of(azure.bearer_auth(&world.north.admin).json(&body).send().await.unwrap()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
    assert!(refused.body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{refused:?}");

    world.put(&world.south.admin, "/twins/V-1", vehicle).await.ok();
    let read = world.get(&world.south.viewer, "/twins/V-1").await.ok();
    assert_eq!(read["properties"]["soc"], 0.5);

    let ready = Answer::of(world.request(Method::GET, "/readyz").send().await.unwrap()).await;
    assert_eq!(ready.status, StatusCode::OK, "one tenant is no reason to take the server away: {ready:?}");
    assert_eq!(ready.body["unreadable_tenants"][0]["tenant"], "north");
}
