//! `scenarios/example-city.ndjson`, taken by an import job as anybody would have it taken.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::world::{Answer, World};

const VERSION: &str = "api-version=2023-10-31";

/// The query that docs/ontology/README.md shows.
fn query_of_the_docs(root: &Path) -> String {
    let page = std::fs::read_to_string(root.join("docs/ontology/README.md")).unwrap();
    let (_, after) = page.split_once("```sql\n").unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn the_example_city_is_imported_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let file = std::fs::read_to_string(root.join("scenarios/example-city.ndjson")).unwrap();
    let lines: Vec<Json> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |key: &str| lines.iter().filter(|line| line[key].is_string()).count();
    let (twins, relationships) = (of("$dtId"), of("$relationshipId"));

    let world = World::start().await;
    let key = &world.north.admin;
    let send = async |method: Method, path: &str, body: String| {
        let request = world.request(method, &format!("{path}?{VERSION}")).bearer_auth(key).body(body);
        Answer::of(request.send().await.unwrap()).await.ok()
    };
    send(Method::PUT, "/jobs/uploads/city", file).await;
    let spec = json!({ "inputBlobUri": "upload:city" }).to_string();
    send(Method::PUT, "/jobs/imports/city", spec).await;
    let mut job = Json::Null;
    for _ in 0..600 {
        job = send(Method::GET, "/jobs/imports/city", String::new()).await;
        if !job["finishedDateTime"].is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = send(Method::GET, "/jobs/imports/city/log", String::new()).await;
    assert_eq!(job["status"], "succeeded", "{job:#}\n{log}");
    let taken = |section: &str| job["progress"][section]["taken"].as_u64();
    assert_eq!(taken("models"), Some(1));
    assert_eq!(taken("twins"), Some(twins as u64));
    assert_eq!(taken("relationships"), Some(relationships as u64));

    let ask = async |query: &str| send(Method::POST, "/query", json!({ "query": query }).to_string()).await;
    let found = ask(&query_of_the_docs(&root)).await;
    let row = json!({ "site": "Harbour Gate", "asset": "swap-harbour", "title": "Check the lock and its torque",
        "priority": "Medium" });
    assert_eq!(found["value"], json!([row]));
    let assets = ask("SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:voltwin:Asset;1')").await;
    assert!(assets["value"][0]["COUNT"].as_u64().unwrap() > 40, "{assets}");
    let oil =
        ask("SELECT T.gearbox.oil_temp_c FROM DIGITALTWINS T WHERE T.$dtId = 'van-01:drivetrain'").await;
    assert_eq!(oil["value"][0]["oil_temp_c"], 46.0);
}
