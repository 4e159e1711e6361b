//! The protocol, described over the API.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use voltwin_ocpp::{Origin, Version, describe_actions};
use voltwin_server::ServerConfig;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_action_that_can_be_sent_is_described_for_a_form() {
    let world = World::start().await;
    let viewer = &world.north.viewer;
    let all = world.get(viewer, "/ocpp/actions?version=2.0.1").await.ok();
    assert_eq!(all["version"], "2.0.1");
    let names: Vec<&str> =
        all["actions"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.len() == 40, "{names:?}");
    assert!(names.contains(&"DataTransfer") && !names.contains(&"Heartbeat"));
    let one = world.get(viewer, "/ocpp/actions?version=1.6&action=ChangeAvailability").await.ok();
    let request = &one["actions"][0]["request"];
    assert_eq!(request["required"], serde_json::json!(["connectorId", "type"]));
    assert_eq!(request["properties"]["connectorId"]["type"], "integer");
    assert_eq!(request["properties"]["type"]["enum"], serde_json::json!(["Inoperative", "Operative"]));
    let answer = &one["actions"][0]["answer"]["properties"]["status"]["enum"];
    assert_eq!(answer.as_array().unwrap().len(), 3);
    let refused = world.get(viewer, "/ocpp/actions?version=3").await;
    assert_eq!(refused.problem(400).as_deref(), Some("version"));
    let refused = world.get(viewer, "/ocpp/actions?version=2.1&action=Heartbeat").await;
    assert_eq!(refused.problem(400).as_deref(), Some("action"));
}

/// Writes anew with `VOLTWIN_BLESS=1`: what the forms of the web application are tested with.
#[test]
fn the_committed_schemas_of_the_forms_are_fresh() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../web/src/ocpp-form/actions.generated.json");
    let generated = schemas();
    if std::env::var_os("VOLTWIN_BLESS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = committed.lines().zip(generated.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
    assert!(
        committed == generated,
        "web/src/ocpp-form/actions.generated.json is stale at line {line}: bless it with VOLTWIN_BLESS=1"
    );
}

/// The schema of every action that can be sent, by version; a line an action, so that a change can be read.
fn schemas() -> String {
    let of = |version: Version| {
        let sent = describe_actions(version).iter().filter(|one| one.origin != Origin::Station);
        let lines: Vec<String> = sent.map(|one| format!("  {:?}:{}", one.action, one.request)).collect();
        format!("\"{version}\":{{\n{}\n}}", lines.join(",\n"))
    };
    let versions: Vec<String> = [Version::V16, Version::V201, Version::V21].map(of).into();
    format!("{{\n{}\n}}\n", versions.join(",\n"))
}

/// A station that never reads what it is sent cannot answer a ping: its own library would do so while it reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_answers_no_ping_is_dropped_and_one_that_does_stays() {
    let config = ServerConfig { ping_every: Duration::from_secs(1), ..ServerConfig::default() };
    let world = World::with(config).await;
    let mut live = connect(&world, "ALIVE").await;
    let reading = tokio::spawn(async move {
        let mut pings = 0;
        while let Some(Ok(message)) = live.next().await {
            pings += usize::from(message.is_ping());
        }
        pings
    });
    let dead = connect(&world, "DEAD").await;
    let online = |station: &str| world.csms.is_online(&world.north.tenant, &station.parse().unwrap());
    // the handshake is answered before the connection is known by its station
    let come = async {
        while !online("DEAD") || !online("ALIVE") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), come).await.unwrap();
    let gone = async {
        while online("DEAD") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // two pings missed, and two seconds at most for a goodbye that nobody hears
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(online("ALIVE"), "it has answered several pings meanwhile");
    drop(dead);
    world.stop();
    assert!(reading.await.unwrap() > 2);
}

async fn connect(
    world: &World,
    station: &str,
) -> tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>> {
    let password = "correct-horse-battery";
    let body = serde_json::json!({"id": station, "password": password});
    world.post(&world.north.admin, "/stations", body).await.ok();
    let mut request = format!("ws://{}/ocpp/{station}", world.address).into_client_request().unwrap();
    let basic = BASE64_STANDARD.encode(format!("{station}:{password}"));
    request.headers_mut().insert("authorization", format!("Basic {basic}").parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", "ocpp1.6".parse().unwrap());
    tokio_tungstenite::connect_async(request).await.unwrap().0
}
