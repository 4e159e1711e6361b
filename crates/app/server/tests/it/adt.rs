//! The data plane of Azure Digital Twins beside the web app: whose request it is, for which tenant, and what concurrent
//! writers may rely on.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::world::{Answer, World};

const VERSION: &str = "api-version=2023-10-31";
const ZONE: &str = "dtmi:voltwin:Zone;1";

impl World {
    async fn plane(&self, key: &str, method: Method, path: &str, body: Option<&Json>) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut request = self.request(method, &format!("{path}{joint}{VERSION}")).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    async fn zone(&self, id: &str) {
        let zone = json!({ "$metadata": { "$model": ZONE }, "name": id });
        self.plane(&self.north.admin, Method::PUT, &format!("/digitaltwins/{id}"), Some(&zone)).await.ok();
    }
}

impl Answer {
    /// Asserts a refusal of the data plane: the code stands in body and header.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.body["error"]["code"], code, "{self:?}");
        assert_eq!(self.headers["x-ms-error-code"], code, "{self:?}");
    }
}

#[tokio::test]
async fn pages_stay_pages_and_programs_are_answered() {
    let world = World::start().await;
    let ask = async |path: &str, accept: &str| {
        Answer::of(world.request(Method::GET, path).header("accept", accept).send().await.unwrap()).await
    };
    for path in ["/models", "/query", "/digitaltwins/Z-1", "/jobs/imports", "/eventroutes"] {
        let page = ask(path, "text/html,*/*;q=0.8").await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        ask(path, "application/json").await.refused(401, "AuthenticationFailed");
    }
    ask(&format!("/models?{VERSION}"), "text/html").await.refused(401, "AuthenticationFailed");
    ask("/t/north/models", "text/html").await.refused(401, "AuthenticationFailed");
    assert!(
        ask("/t/north/nothing", "text/html").await.headers["content-type"].to_str().unwrap().contains("html")
    );
    let answer = world.plane(&world.north.viewer, Method::GET, "/models", None).await;
    assert!(answer.headers.contains_key("traceresponse") && answer.headers.contains_key("x-ms-request-id"));
    assert!(answer.ok()["value"].as_array().unwrap().iter().any(|model| model["id"] == ZONE));
}

#[tokio::test]
async fn an_instance_is_ones_own() {
    let world = World::start().await;
    world.zone("Z-1").await;
    let north = &world.north.viewer;
    for path in ["/digitaltwins/Z-1", "/t/north/digitaltwins/Z-1"] {
        assert_eq!(world.plane(north, Method::GET, path, None).await.ok()["$dtId"], "Z-1");
    }
    let south = &world.south.admin;
    world.plane(south, Method::GET, "/digitaltwins/Z-1", None).await.refused(404, "DigitalTwinNotFound");
    for path in ["/t/north/digitaltwins/Z-1", "/t/nobody/digitaltwins/Z-1", "/t/-/models"] {
        world.plane(south, Method::GET, path, None).await.refused(404, "SubDomainNotFound");
    }
    let by_host = world.request(Method::GET, &format!("/digitaltwins/Z-1?{VERSION}")).bearer_auth(north);
    let by_host = by_host.header("host", "south.localhost").send().await.unwrap();
    Answer::of(by_host).await.refused(404, "SubDomainNotFound");
}

#[tokio::test]
async fn roles_read_send_and_write() {
    let world = World::start().await;
    world.zone("Z-1").await;
    let patch = json!([{ "op": "replace", "path": "/name", "value": "Harbour" }]);
    let query = json!({ "query": "SELECT T.name FROM DIGITALTWINS T" });
    for (key, may) in
        [(&world.north.viewer, false), (&world.north.operator, false), (&world.north.admin, true)]
    {
        world.plane(key, Method::POST, "/query", Some(&query)).await.ok();
        let answer = world.plane(key, Method::PATCH, "/digitaltwins/Z-1", Some(&patch)).await;
        if may {
            assert_eq!(answer.status, 204);
            assert!(answer.headers["etag"].to_str().unwrap().starts_with("W/\""));
        } else {
            answer.refused(403, "AuthorizationFailed");
        }
    }
    let answer = world.plane(&world.north.viewer, Method::POST, "/query", Some(&query)).await;
    assert!(answer.headers["query-charge"].to_str().unwrap().parse::<f64>().unwrap() > 1.0);
    assert_eq!(answer.body["value"], json!([{ "name": "Harbour" }]));
    let audit = world.get(&world.north.admin, "/audit").await.ok();
    assert!(audit["items"].as_array().unwrap().iter().any(|deed| deed["action"] == "twin.put"), "{audit}");
}

/// Sixty-four writers add one to the same number twice each, by what they read; none of it may be lost.
#[tokio::test(flavor = "multi_thread")]
async fn writers_with_if_match_end_in_the_exact_count() {
    const WRITERS: u64 = 64;
    const EACH: u64 = 2;
    let world = World::start().await;
    let vehicle = json!({ "$metadata": { "$model": "dtmi:voltwin:Vehicle;1" }, "odometer_m": 0 });
    world.plane(&world.north.admin, Method::PUT, "/digitaltwins/EV-1", Some(&vehicle)).await.ok();
    let path = format!("/digitaltwins/EV-1?{VERSION}");
    let writers = (0..WRITERS).map(|_| {
        let (world, path) = (&world, &path);
        async move {
            for _ in 0..EACH {
                loop {
                    let read = world.plane(&world.north.admin, Method::GET, "/digitaltwins/EV-1", None).await;
                    let (etag, found) = (read.headers["etag"].clone(), read.ok());
                    assert_eq!(found["$etag"].as_str().unwrap(), etag.to_str().unwrap());
                    let next = found["odometer_m"].as_f64().unwrap() + 1.0;
                    let patch = json!([{ "op": "replace", "path": "/odometer_m", "value": next }]);
                    let request = world.request(Method::PATCH, path).bearer_auth(&world.north.admin);
                    let request = request.header("if-match", etag).json(&patch);
                    match Answer::of(request.send().await.unwrap()).await {
                        answer if answer.status == 204 => break,
                        answer => answer.refused(412, "PreconditionFailed"),
                    }
                }
            }
        }
    });
    futures_util::future::join_all(writers).await;
    let end = world.plane(&world.north.viewer, Method::GET, "/digitaltwins/EV-1", None).await.ok();
    assert_eq!(end["odometer_m"].as_f64().unwrap(), (WRITERS * EACH) as f64);
}
