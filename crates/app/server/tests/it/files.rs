//! The file receiver against stations and against those who are none.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use voltwin_core::Timestamp;
use voltwin_csms::{Link, Outgoing};
use voltwin_security::SessionToken;
use voltwin_server::ServerConfig;
use voltwin_store::{FileKind, FilePurpose, NewFile};

use crate::desk::{connected, say};
use crate::world::{Answer, World};

/// Waits for the next call that is sent to a station.
async fn sent(link: &mut Link) -> Json {
    let next = async {
        loop {
            if let Some(Outgoing::Text(text)) = link.next().await.into_iter().next() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), next).await.unwrap()
}

/// Posts `body` to `path` while the station answers the command with `answer`; the reply, and what was sent.
async fn ask(world: &World, link: &mut Link, path: &str, body: Json, answer: Json) -> (Json, Json) {
    let station = async {
        let call = sent(link).await;
        link.on_text(&json!([3, call[1], answer]).to_string()).await;
        call
    };
    let (reply, call) = tokio::join!(world.post(&world.north.operator, path, body), station);
    (reply.ok(), call)
}

/// An address to send a log to, good until `until`.
async fn address(world: &World, until: Timestamp) -> (String, String) {
    let registry = world.runtime.store().tenant(&world.north.tenant);
    let id = uuid::Uuid::now_v7().to_string();
    let file = NewFile {
        id: id.clone(),
        kind: FileKind::Log,
        station: Some("ST-1".to_owned()),
        name: "DiagnosticsLog".to_owned(),
        request_id: None,
    };
    registry.expect_file(&file, "test", world.runtime.now()).await.unwrap();
    let token = SessionToken::generate().unwrap();
    registry.grant_file(&id, FilePurpose::Send, &token.hash(), until).await.unwrap();
    (id, format!("/files/{}", token.reveal().expose()))
}

async fn put(world: &World, path: &str, body: Vec<u8>) -> Answer {
    Answer::of(world.request(Method::PUT, path).body(body).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_comes_from_the_station_to_whoever_asked() {
    let world = World::start().await;
    world.station("ST-1").await;
    let mut link = connected(&world, "ST-1").await;
    let answer = json!({"fileName": "d.zip"});
    let (asked, call) = ask(&world, &mut link, "/stations/ST-1/logs", json!({}), answer).await;
    assert_eq!(call[2], "GetDiagnostics");
    let location = call[3]["location"].as_str().unwrap();
    let path = location.strip_prefix(&format!("http://{}", world.address)).unwrap();
    let token = path.strip_prefix("/files/").unwrap();
    assert!(!asked.to_string().contains(token), "the token is the station's alone");
    let id = asked["file"]["id"].as_str().unwrap().to_owned();
    let viewer = &world.north.viewer;
    assert_eq!(world.get(viewer, &format!("/files/{id}")).await.ok()["state"], "expected");
    world.get(viewer, &format!("/files/{id}/content")).await.problem(404);

    // stations append the name of the file, and that name is no path
    let sent = put(&world, &format!("{path}/..%2F..%2Fetc%2Fd%201.zip"), b"hello log".to_vec()).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{sent:?}");
    assert_eq!(sent.body["bytes"], 9);
    put(&world, path, b"again".to_vec()).await.problem(404);
    let file = world.get(viewer, &format!("/files/{id}")).await.ok();
    assert_eq!(
        (&file["state"], &file["name"], &file["bytes"]),
        (&json!("stored"), &json!("d 1.zip"), &json!(9))
    );
    let whole = world.get(viewer, &format!("/files/{id}/content")).await;
    assert_eq!((whole.status, whole.body), (StatusCode::OK, json!("hello log")));
    let range = world.request(Method::GET, &format!("/api/v1/files/{id}/content"));
    let range = range.bearer_auth(viewer).header("range", "bytes=6-").send().await.unwrap();
    assert_eq!((range.status(), range.text().await.unwrap().as_str()), (StatusCode::PARTIAL_CONTENT, "log"));
    let listed = world.get(viewer, "/stations/ST-1/files").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let notes = world.get(viewer, "/twins/ST-1/notes?topic=file").await.ok();
    assert_eq!(notes["items"][0]["detail"]["id"], id);

    // another tenant has no such file
    for (method, path) in [
        (Method::GET, format!("/files/{id}")),
        (Method::GET, format!("/files/{id}/content")),
        (Method::DELETE, format!("/files/{id}")),
        (Method::GET, "/stations/ST-1/files".to_owned()),
    ] {
        world.call(&world.south.admin, method, &path, None).await.problem(404);
    }
    assert_eq!(world.get(&world.south.admin, "/files").await.ok()["items"], json!([]));
    world.call(&world.north.admin, Method::DELETE, &format!("/files/{id}"), None).await;
    world.get(viewer, &format!("/files/{id}")).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_that_refuses_leaves_no_file() {
    let world = World::start().await;
    world.station("ST-1").await;
    let mut link = connected(&world, "ST-1").await;
    let body = json!({"log_type": "SecurityLog"});
    let answer = json!({"status": "Rejected"});
    let (asked, call) = ask(&world, &mut link, "/stations/ST-1/logs", body, answer).await;
    assert_eq!((&call[2], &call[3]["logType"]), (&json!("GetLog"), &json!("SecurityLog")));
    assert_eq!((&asked["file"], &asked["command"]["state"]), (&Json::Null, &json!("rejected")));
    assert_eq!(world.get(&world.north.viewer, "/files").await.ok()["items"], json!([]));
    let place = call[3]["log"]["remoteLocation"].as_str().unwrap();
    let path = place.strip_prefix(&format!("http://{}", world.address)).unwrap();
    put(&world, path, b"late".to_vec()).await.problem(404);
    world
        .post(&world.north.operator, "/stations/ST-1/logs", json!({"log_type": "Coffee"}))
        .await
        .problem(400);
    assert_eq!(world.get(&world.north.viewer, "/files").await.ok()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_big_too_late_or_not_asked_for_is_refused() {
    let config = ServerConfig { log_bytes_max: 100, files_bytes_max: 150, ..ServerConfig::default() };
    let world = World::with(config).await;
    world.station("ST-1").await;
    let (now, later) = (world.runtime.now(), world.runtime.now().plus_seconds(60.0));
    for stranger in
        ["/files/x", "/files/../voltwin.db", &format!("/files/{}", "A".repeat(43)), "/files/..%2Fvoltwin.db"]
    {
        let answer = put(&world, stranger, b"x".to_vec()).await;
        assert!(!answer.status.is_success(), "{stranger}: {answer:?}");
    }
    let (_, over) = address(&world, now).await;
    put(&world, &over, b"x".to_vec()).await.problem(404);

    let (id, path) = address(&world, later).await;
    put(&world, &path, vec![b'x'; 101]).await.problem(413);
    // the same without an announced length, which is only found out on the way
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
    let body = "a\r\nxxxxxxxxxx\r\n".repeat(20) + "0\r\n\r\n";
    let mut socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    socket.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 413");
    put(&world, &path, Vec::new()).await.problem(400);
    // a token to send is none to fetch
    Answer::of(world.request(Method::GET, &path).send().await.unwrap()).await.problem(404);
    // none of that used the token up, and a form is as good as a body
    let form = "--B\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--B\r\ncontent-disposition: form-data; \
                name=\"f\"; filename=\"C:\\\\x\\\\log.txt\"\r\n\r\nfrom a form\r\n--B--\r\n";
    let form = world
        .request(Method::POST, &path)
        .header("content-type", "multipart/form-data; boundary=B")
        .body(form);
    assert_eq!(form.send().await.unwrap().status(), StatusCode::CREATED);
    let file = world.get(&world.north.viewer, &format!("/files/{id}")).await.ok();
    assert_eq!((&file["name"], &file["bytes"]), (&json!("log.txt"), &json!(11)));

    // the tenant's room is bounded
    let (_, path) = address(&world, later).await;
    assert_eq!(put(&world, &path, vec![b'x'; 99]).await.status, StatusCode::CREATED);
    let (_, path) = address(&world, later).await;
    put(&world, &path, vec![b'x'; 90]).await.problem(507);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firmware_is_uploaded_and_fetched_by_its_station() {
    let world = World::start().await;
    world.station("ST-1").await;
    let upload = |key: &str, bytes: usize| {
        let request = world.request(Method::POST, "/api/v1/files?name=fw-2.0.bin");
        request.bearer_auth(key).body(vec![7_u8; bytes]).send()
    };
    // a small one: who is refused before a large body was sent may find the connection closed instead
    Answer::of(upload(&world.north.operator, 10).await.unwrap()).await.problem(403);
    let file = Answer::of(upload(&world.north.admin, 200_000).await.unwrap()).await.ok();
    assert_eq!(
        (&file["kind"], &file["bytes"], &file["state"]),
        (&json!("firmware"), &json!(200_000), &json!("stored"))
    );

    let mut link = connected(&world, "ST-1").await;
    let body = json!({"file": file["id"]});
    let (asked, call) = ask(&world, &mut link, "/stations/ST-1/firmware", body, json!({})).await;
    assert_eq!((&call[2], &asked["request_id"]), (&json!("UpdateFirmware"), &Json::Null));
    let location = call[3]["location"].as_str().unwrap();
    let path = location.strip_prefix(&format!("http://{}", world.address)).unwrap();
    for _ in 0..2 {
        let image = world.request(Method::GET, path).send().await.unwrap();
        assert_eq!(image.headers()["content-length"], "200000");
        assert_eq!(image.bytes().await.unwrap(), vec![7_u8; 200_000]);
    }
    let rest = world.request(Method::GET, path).header("range", "bytes=199990-").send().await.unwrap();
    assert_eq!((rest.status(), rest.bytes().await.unwrap().len()), (StatusCode::PARTIAL_CONTENT, 10));
    put(&world, path, b"x".to_vec()).await.problem(404);

    say(&mut link, "f1", "FirmwareStatusNotification", json!({"status": "InstallationFailed"})).await;
    let told = world.get(&world.north.viewer, "/stations/ST-1/firmware").await.ok();
    assert_eq!((&told["version"], &told["latest"]["status"]), (&json!("1.0"), &json!("InstallationFailed")));
    assert!(!told.to_string().contains(path), "the address is the station's alone: {told}");
    let missing = json!({"file": "0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a"});
    world.post(&world.north.operator, "/stations/ST-1/firmware", missing).await.problem(400);
    world.post(&world.north.operator, "/stations/ST-1/firmware", json!({})).await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_asked_for_and_found() {
    let world = World::start().await;
    world.station("ST-1").await;
    let mut link = connected(&world, "ST-1").await;
    let body = json!({"items": [{"component": "Configuration", "variable": "HeartbeatInterval"}]});
    let answer = json!({"configurationKey": [
        {"key": "HeartbeatInterval", "readonly": false, "value": "60"},
        {"key": "MeterValueSampleInterval", "readonly": false, "value": "30"}]});
    let (asked, call) = ask(&world, &mut link, "/stations/ST-1/variables", body, answer).await;
    assert_eq!(call[3], json!({"key": ["HeartbeatInterval"]}));
    assert_eq!(asked["commands"][0]["state"], "accepted");
    let viewer = &world.north.viewer;
    let found = async |query: &str| {
        let page = world.get(viewer, &format!("/stations/ST-1/variables{query}")).await.ok();
        let keys = page["items"].as_array().unwrap().iter().map(|item| item["value"]["variable"].clone());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["HeartbeatInterval", "MeterValueSampleInterval"]);
    assert_eq!(found("?variable=HeartbeatInterval").await, ["HeartbeatInterval"]);
    assert_eq!(found("?component=Configuration&text=SAMPLE").await, ["MeterValueSampleInterval"]);
    assert!(found("?component=Other").await.is_empty() && found("?type=Target").await.is_empty());
    let page = world.get(viewer, "/stations/ST-1/variables?limit=1").await.ok();
    let next = format!("/stations/ST-1/variables?limit=1&cursor={}", page["next"].as_str().unwrap());
    assert_eq!(world.get(viewer, &next).await.ok()["items"][0]["value"]["value"], "30");

    let operator = &world.north.operator;
    for bad in [
        json!({"items": []}),
        json!({"items": [{"component": "X", "variable": "Y"}]}),
        json!({"items": [{"component": "Configuration", "variable": "A", "value": "1"},
                         {"component": "Configuration", "variable": "B"}]}),
    ] {
        world.post(operator, "/stations/ST-1/variables", bad).await.problem(400);
    }
    for path in ["/stations/ST-1/monitors", "/stations/ST-1/security-events"] {
        assert_eq!(world.get(viewer, path).await.ok()["items"], json!([]));
        world.get(&world.south.admin, path).await.problem(404);
    }
    world.get(operator, "/stations/ST-1/customer-information/7").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_alarm_ends_when_somebody_has_seen_it() {
    let world = World::start().await;
    world.station("ST-1").await;
    let mut link = connected(&world, "ST-1").await;
    let event = json!({"type": "TamperDetectionActivated", "timestamp": "2026-11-21T08:00:00Z"});
    say(&mut link, "s1", "SecurityEventNotification", event).await;
    let alarms = world.get(&world.north.viewer, "/alarms").await.ok();
    let id = alarms["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(alarms["items"][0]["severity"], "critical");
    let seen = world.post(&world.north.operator, &format!("/alarms/{id}/acknowledge"), json!({})).await.ok();
    assert!(seen["cleared_at"].is_string(), "{seen}");
    assert_eq!(world.get(&world.north.viewer, "/alarms").await.ok()["items"], json!([]));
}
