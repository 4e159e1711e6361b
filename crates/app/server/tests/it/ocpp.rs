//! The protocol, described over the API.

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
