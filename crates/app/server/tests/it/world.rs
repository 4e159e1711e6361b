//! A server with two tenants, on a port of its own.

use std::net::SocketAddr;

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use voltwin_core::{Event, EventBody, TenantId, Timestamp};
use voltwin_csms::{CentralSystem, CsmsConfig};
use voltwin_history::History;
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_security::{ApiKey, Role};
use voltwin_server::{Server, ServerConfig};
use voltwin_store::{Store, TokenPolicy};

pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) csms: CentralSystem,
    pub(crate) address: SocketAddr,
    pub(crate) north: Keys,
    pub(crate) south: Keys,
    client: reqwest::Client,
    cancel: CancellationToken,
    _folder: tempfile::TempDir,
}

/// One key a role.
pub(crate) struct Keys {
    pub(crate) tenant: TenantId,
    pub(crate) viewer: String,
    pub(crate) operator: String,
    pub(crate) admin: String,
}

impl Keys {
    async fn make(store: &Store, name: &str) -> Self {
        let tenant: TenantId = name.parse().unwrap();
        let at = Timestamp::from_micros(1);
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", at).await.unwrap();
        let mut keys = Vec::new();
        for role in Role::ALL {
            let key = ApiKey::generate().unwrap();
            let registry = store.tenant(&tenant);
            registry.add_key(key.public_id(), &key.hash(), role, "test", "test", at).await.unwrap();
            keys.push(key.reveal().expose().to_owned());
        }
        let [viewer, operator, admin] = keys.try_into().unwrap();
        Self { tenant, viewer, operator, admin }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Json,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Json::String(text));
        Self { status, headers, body }
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Json {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// Asserts that this is a problem document with this status, and answers its field.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Option<String> {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
        self.body["field"].as_str().map(str::to_owned)
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(ServerConfig::default()).await
    }

    pub(crate) async fn with(config: ServerConfig) -> Self {
        Self::over(config, async |_, _| {}).await
    }

    /// One whose journal holds something before the server starts: what is written gets the store and the northern tenant.
    pub(crate) async fn over(config: ServerConfig, write: impl AsyncFnOnce(&Store, &TenantId)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let (north, south) = (Keys::make(&store, "north").await, Keys::make(&store, "south").await);
        write(&store, &north.tenant).await;
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
        let history = History::open(folder.path()).await.unwrap();
        let server = Server::new(config, runtime.clone(), csms.clone(), history);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cancel = CancellationToken::new();
        let closing = cancel.clone();
        tokio::spawn(async move { server.serve(listener, closing).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { runtime, csms, address, north, south, client, cancel, _folder: folder }
    }

    /// A request to any path.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn call(&self, key: &str, method: Method, path: &str, body: Option<&Json>) -> Answer {
        let mut request = self.request(method, &format!("/api/v1{path}")).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Answer {
        self.call(key, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: Json) -> Answer {
        self.call(key, Method::POST, path, Some(&body)).await
    }

    pub(crate) async fn put(&self, key: &str, path: &str, body: Json) -> Answer {
        self.call(key, Method::PUT, path, Some(&body)).await
    }

    /// A twin of the northern tenant.
    pub(crate) async fn twin(&self, id: &str, model: &str, properties: Json) {
        let body = json!({"model": format!("dtmi:voltwin:{model};1"), "properties": properties});
        self.put(&self.north.admin, &format!("/twins/{id}"), body).await.ok();
    }

    /// A relationship between twins of the northern tenant.
    pub(crate) async fn link(&self, source: &str, name: &str, target: &str) {
        let body = json!({"relationships": [{"name": name, "target": target}]});
        self.call(&self.north.admin, Method::PATCH, &format!("/twins/{source}"), Some(&body)).await.ok();
    }

    /// A station with one connector for the northern tenant.
    pub(crate) async fn station(&self, id: &str) {
        self.post(&self.north.admin, "/stations", json!({"id": id, "lat_deg": 52.5, "lon_deg": 13.4}))
            .await
            .ok();
        self.twin(&format!("{id}:1"), "EVSE", json!({"evse_id": 1})).await;
        let connector = json!({"evse_id": 1, "connector_id": 1, "status": "Available", "type": "cCCS2"});
        self.twin(&format!("{id}:1:1"), "Connector", connector).await;
        self.link(&format!("{id}:1"), "hasConnector", &format!("{id}:1:1")).await;
        self.link(id, "hasEvse", &format!("{id}:1")).await;
    }

    /// Records what happened to a twin of the northern tenant.
    pub(crate) async fn happen(&self, twin: &str, body: EventBody) {
        let now = self.runtime.now();
        let event = Event::new(self.north.tenant.clone(), twin.parse().unwrap(), now, now, body);
        self.runtime.submit(event).await.unwrap();
    }

    pub(crate) fn stop(&self) {
        self.cancel.cancel();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
