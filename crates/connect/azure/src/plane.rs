//! The operations of the data plane that a synchronisation needs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use std::time::Duration;
use voltwin_core::Timestamp;

use crate::budget::Rate;
use crate::client::{Ask, Client, Failure, Refusal, Reply};
use crate::content::{Content, Key, Seen};
use crate::{Side, SyncError};

const VERSION: &str = "api-version=2023-10-31";
/// What stands in a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Bytes of a body that Azure takes, but for models.
const AZURE_BODY_BYTES_MAX: usize = 32 * 1024;
/// Models with their text in one page: each may have a megabyte.
const MODELS_A_PAGE: &str = "20";
const ROWS_A_PAGE: &str = "100";

/// What became of a write.
#[derive(Debug)]
pub(crate) enum Written {
    /// Done; the ETag of what is there now.
    Done(Option<String>),
    /// Something else was there than was read: read and merge again.
    Overtaken,
    /// A relationship whose twin is not there yet.
    TwinMissing,
    /// A twin that relationships hold.
    Held,
    /// Not taken, and it will not be.
    Refused(Refusal),
}

/// A twin or relationship in a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) key: Key,
    pub(crate) etag: Option<String>,
}

/// A model in a list.
#[derive(Debug, Clone)]
pub(crate) struct ModelData {
    pub(crate) id: String,
    pub(crate) decommissioned: bool,
    /// Whether somebody brought it: what a server has by itself was never uploaded.
    pub(crate) uploaded: bool,
    /// The DTDL, where it was asked for.
    pub(crate) definition: Option<Json>,
}

impl ModelData {
    fn read(item: &Json) -> Option<Self> {
        Some(Self {
            id: item.get("id")?.as_str()?.to_owned(),
            decommissioned: item.get("decommissioned").and_then(Json::as_bool).unwrap_or(false),
            uploaded: item.get("uploadTime").is_some_and(|time| !time.is_null()),
            definition: item.get("model").filter(|model| !model.is_null()).cloned(),
        })
    }
}

fn part(id: &str) -> impl std::fmt::Display {
    utf8_percent_encode(id, PLAIN)
}

fn path(key: &Key) -> String {
    match key {
        Key::Twin(id) => format!("/digitaltwins/{}", part(id)),
        Key::Relationship(source, id) => format!("/digitaltwins/{}/relationships/{}", part(source), part(id)),
    }
}

impl Client {
    fn to(&self, method: Method, path_and_query: &str, rate: Rate) -> Result<Ask, SyncError> {
        let joint = if path_and_query.contains('?') { '&' } else { '?' };
        let url = self.address(&format!("{path_and_query}{joint}{VERSION}"))?;
        Ok(self.at(method, url, rate))
    }

    fn at(&self, method: Method, url: Url, rate: Rate) -> Ask {
        let patience = Duration::ZERO;
        Ask { method, url, headers: Vec::new(), body: None, rate: Some(rate), writes: None, patience }
    }

    /// A refusal that says that something is not there is an answer; any other is none that a read may have.
    fn absent<T>(&self, outcome: Result<T, Failure>) -> Result<Option<T>, SyncError> {
        match outcome {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(Failure::Refused(refusal)) => Err(self.nonsense(refusal.to_string())),
            Err(Failure::Sync(error)) => Err(error),
        }
    }

    fn read<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, SyncError> {
        serde_json::from_slice(&reply.bytes).map_err(|error| self.nonsense(error.to_string()))
    }

    /// What is there under a key.
    pub(crate) async fn seen(&self, key: &Key) -> Result<Option<Seen>, SyncError> {
        let ask = self.to(Method::GET, &path(key), Rate::Reads)?;
        let Some(reply) = self.absent(self.ask(&ask).await)? else { return Ok(None) };
        let document: Json = self.read(&reply)?;
        let seen = match key {
            Key::Twin(_) => Seen::twin(&document),
            Key::Relationship(..) => Seen::relationship(&document),
        };
        seen.map(Some).map_err(|reason| self.nonsense(format!("{} {key}: {reason}", key.kind())))
    }

    /// Makes what is there under a key into what is wanted, on the condition that there is what was read.
    pub(crate) async fn write(
        &self,
        key: &Key,
        want: Option<&Content>,
        there: Option<&Seen>,
    ) -> Result<Written, SyncError> {
        let (ask, makes) = match (want, there) {
            (None, None) => return Ok(Written::Done(None)),
            (Some(want), None) => {
                let mut ask = self.to(Method::PUT, &path(key), Rate::Lives)?;
                ask.headers.push(("if-none-match", "*".to_owned()));
                ask.body = Some(want.document().to_string().into_bytes());
                (ask, true)
            }
            (None, Some(there)) => {
                let mut ask = self.to(Method::DELETE, &path(key), Rate::Lives)?;
                ask.headers.push(("if-match", there.etag.clone()));
                (ask, false)
            }
            (Some(want), Some(there)) => {
                let mut ask = self.to(Method::PATCH, &path(key), Rate::Patches)?;
                ask.headers.push(("if-match", there.etag.clone()));
                ask.body = Some(want.patch_from(&there.content).to_string().into_bytes());
                (ask, false)
            }
        };
        let ask = Ask { writes: Some(key.twin().to_owned()), ..ask };
        let bytes = ask.body.as_ref().map_or(0, Vec::len);
        if self.side == Side::Azure && bytes > AZURE_BODY_BYTES_MAX {
            let message = format!("it has {bytes} bytes, and Azure takes {AZURE_BODY_BYTES_MAX}");
            return Ok(Written::Refused(Refusal {
                status: 413,
                code: "RequestBodyTooLarge".to_owned(),
                message,
            }));
        }
        match self.ask(&ask).await {
            Ok(reply) => Ok(Written::Done(reply.etag())),
            Err(Failure::Sync(error)) => Err(error),
            Err(Failure::Refused(refusal)) => Ok(match (refusal.status, refusal.code.as_str()) {
                (412, _) | (409, "RelationshipAlreadyExists") => Written::Overtaken,
                (404, _) if makes => Written::TwinMissing,
                (404, _) => Written::Overtaken,
                (400, "RelationshipsNotDeleted") => Written::Held,
                _ => Written::Refused(refusal),
            }),
        }
    }

    /// All pages of a list.
    async fn pages(&self, first: Ask) -> Result<Option<Vec<Json>>, SyncError> {
        let (mut ask, mut items) = (first, Vec::new());
        loop {
            let Some(reply) = self.absent(self.ask(&ask).await)? else { return Ok(None) };
            let mut page: Json = self.read(&reply)?;
            if let Some(Json::Array(more)) = page.get_mut("value").map(Json::take) {
                items.extend(more);
            }
            match page.get("nextLink").and_then(Json::as_str) {
                Some(link) => ask.url = self.next_page(link)?,
                None => return Ok(Some(items)),
            }
        }
    }

    /// All rows of a query, a page at a time.
    async fn query(&self, text: &str, mut row: impl FnMut(&Json)) -> Result<(), SyncError> {
        let mut body = json!({ "query": text });
        loop {
            self.settle_queries().await;
            let mut ask = self.to(Method::POST, "/query", Rate::Queries)?;
            ask.headers.push(("max-items-per-page", ROWS_A_PAGE.to_owned()));
            ask.body = Some(body.to_string().into_bytes());
            let reply = match self.ask(&ask).await {
                Ok(reply) => reply,
                Err(Failure::Sync(error)) => return Err(error),
                Err(Failure::Refused(refusal)) => return Err(self.nonsense(refusal.to_string())),
            };
            self.charge_query(&reply);
            let page: Json = self.read(&reply)?;
            page.get("value").and_then(Json::as_array).into_iter().flatten().for_each(&mut row);
            match page.get("continuationToken").and_then(Json::as_str) {
                Some(token) => body = json!({ "continuationToken": token }),
                None => return Ok(()),
            }
        }
    }

    /// The twins, of a condition if there is one: their ids and ETags. A query may lag behind writes.
    pub(crate) async fn twins(&self, condition: Option<&str>) -> Result<Vec<Listed>, SyncError> {
        let condition = condition.map_or_else(String::new, |condition| format!(" WHERE {condition}"));
        let mut found = Vec::new();
        let text = format!("SELECT T.$dtId, T.$etag FROM DIGITALTWINS T{condition}");
        self.query(&text, |row| {
            if let Some(id) = row.get("$dtId").and_then(Json::as_str) {
                let etag = row.get("$etag").and_then(Json::as_str).map(str::to_owned);
                found.push(Listed { key: Key::Twin(id.to_owned()), etag });
            }
        })
        .await?;
        Ok(found)
    }

    /// The condition of twins that were written since a moment.
    pub(crate) fn since(at: Timestamp) -> String {
        format!("T.$metadata.$lastUpdateTime >= '{}'", voltwin_document::instant(at))
    }

    /// All relationships.
    pub(crate) async fn relationships(&self) -> Result<Vec<Listed>, SyncError> {
        let mut found = Vec::new();
        self.query("SELECT * FROM RELATIONSHIPS", |row| {
            let text = |name: &str| row.get(name).and_then(Json::as_str).map(str::to_owned);
            if let (Some(source), Some(id)) = (text("$sourceId"), text("$relationshipId")) {
                found.push(Listed { key: Key::Relationship(source, id), etag: text("$etag") });
            }
        })
        .await?;
        Ok(found)
    }

    /// The relationships that begin or end at a twin, at this moment.
    pub(crate) async fn relationships_of(&self, twin: &str) -> Result<Vec<Key>, SyncError> {
        let mut keys = Vec::new();
        for list in ["relationships", "incomingrelationships"] {
            let ask = self.to(Method::GET, &format!("/digitaltwins/{}/{list}", part(twin)), Rate::Reads)?;
            for item in self.pages(ask).await?.into_iter().flatten() {
                let text = |name: &str| item.get(name).and_then(Json::as_str).map(str::to_owned);
                if let (Some(source), Some(id)) = (text("$sourceId"), text("$relationshipId")) {
                    keys.push(Key::Relationship(source, id));
                }
            }
        }
        Ok(keys)
    }

    /// All models, without their texts.
    pub(crate) async fn models(&self) -> Result<Vec<ModelData>, SyncError> {
        let ask = self.to(Method::GET, "/models", Rate::Models)?;
        let items = self.pages(ask).await?.unwrap_or_default();
        Ok(items.iter().filter_map(ModelData::read).collect())
    }

    /// One model with its text.
    pub(crate) async fn model(&self, id: &str) -> Result<Option<ModelData>, SyncError> {
        let ask =
            self.to(Method::GET, &format!("/models/{}?includeModelDefinition=true", part(id)), Rate::Models)?;
        let Some(reply) = self.absent(self.ask(&ask).await)? else { return Ok(None) };
        let item: Json = self.read(&reply)?;
        Ok(ModelData::read(&item))
    }

    /// A model and all that it needs, with their texts. `None` where it is not there.
    pub(crate) async fn model_with_needs(&self, id: &str) -> Result<Option<Vec<ModelData>>, SyncError> {
        let path = format!("/models?dependenciesFor={}&includeModelDefinition=true", part(id));
        let mut ask = self.to(Method::GET, &path, Rate::Models)?;
        ask.headers.push(("max-items-per-page", MODELS_A_PAGE.to_owned()));
        let items = self.pages(ask).await?;
        Ok(items.map(|items| items.iter().filter_map(ModelData::read).collect()))
    }

    /// Uploads models, all or none.
    pub(crate) async fn add_models(&self, models: &[Json]) -> Result<Written, SyncError> {
        let mut ask = self.to(Method::POST, "/models", Rate::Models)?;
        ask.body = Some(Json::from(models.to_vec()).to_string().into_bytes());
        self.of_models(&ask).await
    }

    pub(crate) async fn decommission(&self, id: &str, decommissioned: bool) -> Result<Written, SyncError> {
        let mut ask = self.to(Method::PATCH, &format!("/models/{}", part(id)), Rate::Models)?;
        let patch = json!([{ "op": "replace", "path": "/decommissioned", "value": decommissioned }]);
        ask.body = Some(patch.to_string().into_bytes());
        self.of_models(&ask).await
    }

    pub(crate) async fn delete_model(&self, id: &str) -> Result<Written, SyncError> {
        let ask = self.to(Method::DELETE, &format!("/models/{}", part(id)), Rate::Models)?;
        self.of_models(&ask).await
    }

    async fn of_models(&self, ask: &Ask) -> Result<Written, SyncError> {
        match self.ask(ask).await {
            Ok(_) => Ok(Written::Done(None)),
            Err(Failure::Sync(error)) => Err(error),
            Err(Failure::Refused(refusal)) => Ok(match (refusal.status, refusal.code.as_str()) {
                (409, "ModelAlreadyExists") | (404, _) => Written::Overtaken,
                _ => Written::Refused(refusal),
            }),
        }
    }

    /// Events of Voltwin after a number, waiting for the first, and the number to go on from. Without a number: none, and
    /// where the log stands. `None` where the log is not the one of that number.
    pub(crate) async fn events(
        &self,
        after: Option<u64>,
        wait: Duration,
    ) -> Result<Option<(Vec<Json>, u64)>, SyncError> {
        let path = match after {
            Some(after) => format!("/api/v1/events?after={after}&limit=1000&wait_s={}", wait.as_secs()),
            None => "/api/v1/events?wait_s=0".to_owned(),
        };
        let ask = Ask {
            headers: vec![("accept", "application/x-ndjson".to_owned())],
            rate: None,
            patience: wait,
            ..self.at(Method::GET, self.root(&path)?, Rate::Reads)
        };
        let reply = match self.ask(&ask).await {
            Ok(reply) => reply,
            Err(Failure::Sync(error)) => return Err(error),
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 422) && after.is_some() => {
                return Ok(None);
            }
            Err(Failure::Refused(refusal)) => return Err(self.nonsense(refusal.to_string())),
        };
        let next = reply.headers.get("x-voltwin-next").and_then(|value| value.to_str().ok()?.parse().ok());
        let next = next.ok_or_else(|| self.nonsense("its events have no number to go on from"))?;
        let lines = reply.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let events: Result<Vec<Json>, _> = lines.map(serde_json::from_slice).collect();
        Ok(Some((events.map_err(|error| self.nonsense(error.to_string()))?, next)))
    }
}
