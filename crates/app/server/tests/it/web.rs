//! The web app, health and metrics.

use reqwest::Method;
use serde_json::json;
use voltwin_server::ServerConfig;

use crate::world::{Answer, World};

#[tokio::test(flavor = "multi_thread")]
async fn any_page_is_the_web_app_with_headers_that_protect_it() {
    let world = World::start().await;
    for path in ["/", "/stations/ST-1", "/stations/ST-2.0.1"] {
        let response = world.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers().clone();
        assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'self'"),
            "{policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        if let Some(etag) = headers.get("etag") {
            let again = world.request(Method::GET, path).header("if-none-match", etag).send().await.unwrap();
            assert_eq!(again.status(), 304);
        }
    }
    for path in ["/nothing.js", "/assets/nothing.js", "/api", "/api/v2/x", "/ocpp", "/live/x"] {
        Answer::of(world.request(Method::GET, path).send().await.unwrap()).await.problem(404);
    }
    Answer::of(world.request(Method::POST, "/page").send().await.unwrap()).await.problem(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_how_it_fares() {
    let world = World::start().await;
    for (path, status) in [("/healthz", "up"), ("/readyz", "ready")] {
        let answer = Answer::of(world.request(Method::GET, path).send().await.unwrap()).await;
        assert_eq!(answer.ok(), json!({"status": status}));
    }
    world.get(&world.north.viewer, "/stations/NO-SUCH").await.problem(404);
    let text = world.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let route = "path=\"/api/v1/stations/{id}\",status=\"404\"";
    let counted = |line: &str| line.starts_with("voltwin_http_request_seconds_count") && line.contains(route);
    assert!(text.lines().any(counted), "{text}");
    assert!(!text.contains("NO-SUCH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_finishes_and_is_not_ready() {
    let world = World::start().await;
    world.runtime.stop().await;
    let answer = Answer::of(world.request(Method::GET, "/readyz").send().await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (503, &json!("not ready")));
    world.stop();
    for _ in 0..100 {
        if world.request(Method::GET, "/healthz").send().await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it still listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_allowed_are_refused_at_once() {
    let world = World::with(ServerConfig { requests_max: 0, ..ServerConfig::default() }).await;
    let answer = world.get(&world.north.viewer, "/overview").await;
    answer.problem(503);
    assert!(answer.headers.contains_key("retry-after"));
}
