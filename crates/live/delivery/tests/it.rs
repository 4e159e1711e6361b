//! Delivery to a receiver of our own that answers as it is told to.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tokio_util::task::TaskTracker;
use voltwin_core::{Event, EventBody, TenantId, Timestamp};
use voltwin_delivery::{Events, EventsConfig, EventsError};
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_store::{Store, TokenPolicy};

/// How a receiver behaves.
#[derive(Default)]
struct Mood {
    /// Of 100 requests, how many fail, each in another way.
    failing: AtomicU32,
    /// Who may call; nobody when empty.
    allowed: Mutex<String>,
    calls: AtomicU32,
    taken: Mutex<Vec<(HeaderMap, Json)>>,
}

struct Receiver {
    address: SocketAddr,
    mood: Arc<Mood>,
}

impl Receiver {
    async fn start(allowed: &str) -> Self {
        let mood = Arc::new(Mood::default());
        *mood.allowed.lock() = allowed.to_owned();
        let router = Router::new().fallback(answer).with_state(mood.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, mood }
    }

    fn settings(&self, more: &Json) -> Json {
        let mut settings = json!({"target": {"kind": "webhook", "url": format!("http://{}/in", self.address)},
            "retry": {"pause_s": 0.05, "pause_max_s": 1, "timeout_s": 1}});
        merge(&mut settings, more);
        settings
    }

    fn bodies(&self) -> Vec<Json> {
        self.mood.taken.lock().iter().map(|(_, body)| body.clone()).collect()
    }
}

fn merge(into: &mut Json, more: &Json) {
    match (into, more) {
        (Json::Object(into), Json::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name.clone()).or_insert(Json::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

async fn answer(State(mood): State<Arc<Mood>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        let allowed = mood.allowed.lock().clone();
        return match allowed.is_empty() {
            true => StatusCode::OK.into_response(),
            false => [("webhook-allowed-origin", allowed)].into_response(),
        };
    }
    let number = mood.calls.fetch_add(1, Ordering::Relaxed);
    // a walk through 0..100 that looks random and is the same each time
    let chance = number.wrapping_mul(2_654_435_761) % 100;
    if chance < mood.failing.load(Ordering::Relaxed) {
        return match chance % 4 {
            0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            1 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
            2 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => {
                // longer than an attempt may take: the event arrives, and its answer does not
                take(&mood, parts.headers, body).await;
                tokio::time::sleep(Duration::from_millis(1_200)).await;
                StatusCode::OK.into_response()
            }
        };
    }
    take(&mood, parts.headers, body).await;
    StatusCode::NO_CONTENT.into_response()
}

async fn take(mood: &Mood, headers: HeaderMap, body: axum::body::Body) {
    let bytes: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    mood.taken.lock().push((headers, serde_json::from_slice(&bytes).unwrap()));
}

struct World {
    runtime: Runtime,
    events: Events,
    tasks: TaskTracker,
    tenant: TenantId,
}

impl World {
    async fn open(folder: &Path) -> Self {
        let store = Store::open(folder).await.unwrap();
        let tenant: TenantId = "demo".parse().unwrap();
        if !store.tenant_exists(&tenant).await.unwrap() {
            let at = Timestamp::from_micros(1);
            store.add_tenant(&tenant, TokenPolicy::Accept, "test", at).await.unwrap();
        }
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let tasks = TaskTracker::new();
        let config = EventsConfig { hosts: vec!["127.0.0.1".to_owned()], ..EventsConfig::default() };
        let events = Events::start(runtime.clone(), config, &tasks);
        Self { runtime, events, tasks, tenant }
    }

    async fn close(self) {
        self.runtime.stop().await;
        self.tasks.close();
        self.tasks.wait().await;
        self.runtime.store().close().await;
    }

    async fn happen(&self, twin: &str, body: EventBody) {
        let now = self.runtime.now();
        let event = Event::new(self.tenant.clone(), twin.parse().unwrap(), now, now, body);
        self.runtime.submit(event).await.unwrap();
    }

    async fn vehicle(&self, twin: &str) {
        let model = "dtmi:voltwin:Vehicle;1".parse().unwrap();
        self.happen(twin, EventBody::Created { model, properties: BTreeMap::new() }).await;
    }

    async fn soc(&self, twin: &str, soc: f64) {
        self.happen(twin, EventBody::patch([("soc", soc.into())])).await;
    }

    async fn endpoint(&self, name: &str, settings: &Json) -> Result<(), EventsError> {
        self.events.put_endpoint(&self.tenant, name, settings, None, true, "me").await.map(|_| ())
    }

    async fn route(&self, id: &str, endpoint: &str, filter: &str) {
        self.events.put_route(&self.tenant, (id, endpoint, filter), 6, "me").await.unwrap();
    }

    /// Waits until the log has `total` events and the endpoint has nothing left to do.
    async fn settled(&self, name: &str, total: u64) {
        for _ in 0..600 {
            let endpoint =
                self.runtime.store().tenant(&self.tenant).event_endpoint(name).await.unwrap().unwrap();
            let (status, _) = self.events.status(&self.tenant, &endpoint);
            if status.place >= total {
                assert_eq!(self.events.open_log(&self.tenant).unwrap().head(), total);
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the endpoint does not come to an end");
    }
}

fn sequence(event: &Json) -> u64 {
    event["sequence"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_called_only_when_it_says_that_it_wants_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let silent = Receiver::start("").await;
    let refused = world.endpoint("hook", &silent.settings(&json!({}))).await.unwrap_err();
    assert!(matches!(refused, EventsError::Handshake(_)), "{refused}");
    let other = Receiver::start("else.example").await;
    assert!(world.endpoint("hook", &other.settings(&json!({}))).await.is_err());
    let willing = Receiver::start("demo.voltwin").await;
    world.endpoint("hook", &willing.settings(&json!({}))).await.unwrap();
    world.events.test(&world.tenant, "hook").await.unwrap();
    assert_eq!(willing.bodies()[0]["type"], voltwin_delivery::TEST_KIND);
    // a neighbour that the operator did not name
    let url = format!("http://localhost:{}/", willing.address.port());
    let refused = world.endpoint("near", &willing.settings(&json!({"target": {"url": url}}))).await;
    assert!(refused.unwrap_err().to_string().contains("--event-host"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_in_the_order_of_its_twin_at_a_receiver_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let receiver = Receiver::start("*").await;
    receiver.mood.failing.store(25, Ordering::Relaxed);
    world.endpoint("hook", &receiver.settings(&json!({}))).await.unwrap();
    world.route("all", "hook", "true").await;
    for twin in 0..10 {
        world.vehicle(&format!("EV-{twin}")).await;
    }
    for round in 0..20 {
        for twin in 0..10 {
            world.soc(&format!("EV-{twin}"), f64::from(round) / 100.0).await;
        }
    }
    world.settled("hook", 210).await;
    let mut first: HashMap<String, Vec<u64>> = HashMap::new();
    let mut ids = HashMap::new();
    for event in receiver.bodies() {
        let number = sequence(&event);
        let id = ids.entry(number).or_insert_with(|| event["id"].clone());
        assert_eq!(*id, event["id"], "sent again it is the same event");
        let seen = first.entry(event["subject"].as_str().unwrap().to_owned()).or_default();
        if !seen.contains(&number) {
            seen.push(number);
        }
    }
    assert_eq!(ids.len(), 210, "none is missing");
    assert!(first.values().all(|numbers| numbers.len() == 21 && numbers.is_sorted()), "{first:?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_choose_and_binary_mode_and_the_secret_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let receiver = Receiver::start("*").await;
    let settings = receiver.settings(&json!({"target": {"mode": "binary", "secret_header": "x-key"}}));
    let secret = Some(voltwin_security::Secret::new("swordfish"));
    world.events.put_endpoint(&world.tenant, "hook", &settings, secret, true, "me").await.unwrap();
    world.vehicle("EV-0").await;
    world.route("deletes", "hook", "type = 'Microsoft.DigitalTwins.Twin.Delete' AND subject = 'EV-1'").await;
    for twin in ["EV-1", "EV-2"] {
        world.vehicle(twin).await;
        world.soc(twin, 0.5).await;
        world.happen(twin, EventBody::Deleted).await;
    }
    world.settled("hook", 7).await;
    let taken = receiver.mood.taken.lock().clone();
    assert_eq!(taken.len(), 1, "{taken:?}");
    let (headers, body) = &taken[0];
    assert_eq!(headers["ce-type"], "Microsoft.DigitalTwins.Twin.Delete");
    assert_eq!(headers["ce-subject"], "EV-1");
    assert_eq!(headers["ce-source"], "demo.voltwin");
    assert_eq!(headers["x-key"], "swordfish");
    assert_eq!((&body["$dtId"], &body["soc"]), (&json!("EV-1"), &json!(0.5)), "the twin as it was");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_a_dead_letter_and_can_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let receiver = Receiver::start("*").await;
    receiver.mood.failing.store(100, Ordering::Relaxed);
    let settings = receiver.settings(&json!({"retry": {"attempts_max": 2}}));
    world.endpoint("hook", &settings).await.unwrap();
    world.route("all", "hook", "true").await;
    world.vehicle("EV-1").await;
    world.soc("EV-1", 0.5).await;
    world.settled("hook", 2).await;
    let letters = world.events.dead_letters(&world.tenant, "hook", 0, 10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.sequence).collect::<Vec<_>>(), [1, 2]);
    assert!(letters.iter().all(|letter| letter.attempts == 2 && !letter.reason.is_empty()));
    assert!(world.events.redeliver(&world.tenant, "hook", Some(&[2])).await.is_err());
    receiver.mood.failing.store(0, Ordering::Relaxed);
    receiver.mood.taken.lock().clear();
    assert_eq!(world.events.redeliver(&world.tenant, "hook", None).await.unwrap(), 2);
    assert_eq!(receiver.bodies().iter().map(sequence).collect::<Vec<_>>(), [1, 2]);
    assert!(world.events.dead_letters(&world.tenant, "hook", 0, 10).await.unwrap().is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_for_dead_letters_gets_them_instead_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let (receiver, graveyard) = (Receiver::start("*").await, Receiver::start("*").await);
    receiver.mood.failing.store(100, Ordering::Relaxed);
    world.endpoint("dead", &graveyard.settings(&json!({}))).await.unwrap();
    let missing = receiver.settings(&json!({"dead_letter_endpoint": "nowhere"}));
    assert!(matches!(world.endpoint("hook", &missing).await, Err(EventsError::NotFound { .. })));
    let settings = receiver.settings(&json!({"dead_letter_endpoint": "dead", "retry": {"attempts_max": 1}}));
    world.endpoint("hook", &settings).await.unwrap();
    world.route("all", "hook", "true").await;
    world.vehicle("EV-1").await;
    world.settled("hook", 1).await;
    assert_eq!(graveyard.bodies().iter().map(sequence).collect::<Vec<_>>(), [1]);
    assert!(world.events.dead_letters(&world.tenant, "hook", 0, 10).await.unwrap().is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_an_endpoint_was_away_is_told_after_a_restart_with_its_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start("*").await;
    let settings = receiver.settings(&json!({}));
    let world = World::open(folder.path()).await;
    world.endpoint("hook", &settings).await.unwrap();
    world.route("all", "hook", "true").await;
    world.events.put_endpoint(&world.tenant, "hook", &settings, None, false, "me").await.unwrap();
    world.vehicle("EV-1").await;
    world.soc("EV-1", 0.25).await;
    world.happen("EV-1", EventBody::Deleted).await;
    world.close().await;
    assert!(receiver.bodies().is_empty());
    let world = World::open(folder.path()).await;
    world.vehicle("EV-2").await;
    world.endpoint("hook", &settings).await.unwrap();
    world.settled("hook", 4).await;
    let mut told = receiver.bodies();
    // each twin in its order, and twins beside one another
    let of_the_first: Vec<_> = told.iter().map(sequence).filter(|sequence| *sequence != 4).collect();
    assert_eq!(of_the_first, [1, 2, 3]);
    told.sort_by_key(sequence);
    assert_eq!(told.iter().map(sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(told[1]["data"]["modelId"], "dtmi:voltwin:Vehicle;1");
    assert_eq!(told[1]["data"]["patch"], json!([{"op": "add", "path": "/soc", "value": 0.25}]));
    assert_eq!(told[2]["data"]["soc"], 0.25);
    assert_eq!(told[3]["subject"], "EV-2");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_files_gets_lines() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    world.endpoint("files", &json!({"target": {"kind": "file"}})).await.unwrap();
    world.route("all", "files", "true").await;
    world.vehicle("EV-1").await;
    world.soc("EV-1", 0.5).await;
    world.settled("files", 2).await;
    let out = folder.path().join("events/demo/out/files");
    let text: String = std::fs::read_dir(out)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(sequence).collect::<Vec<_>>(), [1, 2]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_and_endpoints_hold_to_their_rules() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let file = json!({"target": {"kind": "file"}});
    for name in ["", "x", "-ab", "ab-", "12", "a_b", &"a".repeat(50)] {
        assert!(world.endpoint(name, &file).await.unwrap_err().to_string().starts_with("name"), "{name}");
    }
    world.endpoint("files", &file).await.unwrap();
    let put = async |id: &str, endpoint: &str, filter: &str| {
        world.events.put_route(&world.tenant, (id, endpoint, filter), 2, "me").await
    };
    assert!(matches!(put("a", "files", "type =").await, Err(EventsError::Filter(_))));
    assert!(put("a b", "files", "true").await.unwrap_err().to_string().starts_with("id"));
    assert!(put("a", "none", "true").await.unwrap_err().to_string().contains("event endpoint"));
    assert!(put("a", "files", "true").await.unwrap());
    assert!(!put("a", "files", "false").await.unwrap());
    assert!(put("b", "files", "true").await.unwrap());
    assert!(put("c", "files", "true").await.unwrap_err().to_string().contains("at most 2"));
    let conflict = world.events.remove_endpoint(&world.tenant, "files", "me").await.unwrap_err();
    assert!(conflict.to_string().contains("route"), "{conflict}");
    for id in ["a", "b"] {
        assert!(world.events.remove_route(&world.tenant, id, "me").await.unwrap());
    }
    assert!(world.events.end_log(&world.tenant, "me").await.is_err(), "the endpoint needs the log");
    assert!(world.events.remove_endpoint(&world.tenant, "files", "me").await.unwrap());
    assert!(!world.events.remove_endpoint(&world.tenant, "files", "me").await.unwrap());
    assert!(world.events.end_log(&world.tenant, "me").await.unwrap());
    world.close().await;
}
