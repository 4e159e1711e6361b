//! CloudEvents 1.0, in structured JSON and as HTTP headers.

use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value as Json, json};
use uuid::Uuid;
use voltwin_core::{TenantId, Timestamp, TraceId};

use crate::{Change, ChangeKind, ModelChange, Telemetry};

/// Names the space in which ids of events are derived.
const NAMESPACE: Uuid = Uuid::from_u128(0x3b1d_8e57_0c6a_4d24_9f18_72a5_e04c_61bd);

/// The kinds of events, with the names that Azure Digital Twins gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A twin came to be.
    TwinCreate,
    /// A twin changed.
    TwinUpdate,
    /// A twin is gone.
    TwinDelete,
    /// A relationship came to be.
    RelationshipCreate,
    /// A relationship changed.
    RelationshipUpdate,
    /// A relationship is gone.
    RelationshipDelete,
    /// A twin said something.
    Telemetry,
    /// A model came; Azure tells nobody of models.
    ModelCreate,
    /// A model was decommissioned, or is in use again.
    ModelUpdate,
    /// A model is gone.
    ModelDelete,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::TwinCreate,
        Self::TwinUpdate,
        Self::TwinDelete,
        Self::RelationshipCreate,
        Self::RelationshipUpdate,
        Self::RelationshipDelete,
        Self::Telemetry,
        Self::ModelCreate,
        Self::ModelUpdate,
        Self::ModelDelete,
    ];

    /// What stands in `type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TwinCreate => "Microsoft.DigitalTwins.Twin.Create",
            Self::TwinUpdate => "Microsoft.DigitalTwins.Twin.Update",
            Self::TwinDelete => "Microsoft.DigitalTwins.Twin.Delete",
            Self::RelationshipCreate => "Microsoft.DigitalTwins.Relationship.Create",
            Self::RelationshipUpdate => "Microsoft.DigitalTwins.Relationship.Update",
            Self::RelationshipDelete => "Microsoft.DigitalTwins.Relationship.Delete",
            Self::Telemetry => "microsoft.iot.telemetry",
            Self::ModelCreate => "Voltwin.DigitalTwins.Model.Create",
            Self::ModelUpdate => "Voltwin.DigitalTwins.Model.Update",
            Self::ModelDelete => "Voltwin.DigitalTwins.Model.Delete",
        }
    }
}

/// One event as it leaves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Structured")]
pub struct CloudEvent {
    /// The same for every delivery of the same event.
    pub id: String,
    /// Where it comes from: the host name of the tenant, of telemetry followed by the twin.
    pub source: String,
    /// One of [`Kind::name`].
    pub kind: String,
    /// The twin, `TWIN/relationships/ID`, or the model; of telemetry the component.
    pub subject: Option<String>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// Of telemetry, the model of what said it.
    pub dataschema: Option<String>,
    /// The W3C trace context.
    pub traceparent: Option<String>,
    /// Its place in the event log of the tenant.
    pub sequence: u64,
    /// What happened.
    pub data: Json,
}

/// The event as JSON has it.
#[derive(Deserialize)]
struct Structured {
    id: String,
    source: String,
    r#type: String,
    subject: Option<String>,
    time: Option<Timestamp>,
    dataschema: Option<String>,
    traceparent: Option<String>,
    /// The extension of CloudEvents for sequences: decimal digits.
    sequence: String,
    data: Json,
}

/// Attributes stand in the order in which people read them.
impl Serialize for CloudEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", Self::SPEC_VERSION)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("type", &self.kind)?;
        if let Some(subject) = &self.subject {
            map.serialize_entry("subject", subject)?;
        }
        if let Some(time) = &self.time {
            map.serialize_entry("time", time)?;
        }
        map.serialize_entry("datacontenttype", Self::CONTENT_TYPE)?;
        if let Some(dataschema) = &self.dataschema {
            map.serialize_entry("dataschema", dataschema)?;
        }
        if let Some(traceparent) = &self.traceparent {
            map.serialize_entry("traceparent", traceparent)?;
        }
        map.serialize_entry("sequence", &self.sequence.to_string())?;
        map.serialize_entry("data", &self.data)?;
        map.end()
    }
}

impl From<Structured> for CloudEvent {
    fn from(event: Structured) -> Self {
        Self {
            id: event.id,
            source: event.source,
            kind: event.r#type,
            subject: event.subject,
            time: event.time,
            dataschema: event.dataschema,
            traceparent: event.traceparent,
            sequence: event.sequence.parse().unwrap_or(0),
            data: event.data,
        }
    }
}

impl CloudEvent {
    /// The version of CloudEvents.
    pub const SPEC_VERSION: &'static str = "1.0";
    /// What `data` is.
    pub const CONTENT_TYPE: &'static str = "application/json";
    /// The content type of one event in structured mode.
    pub const STRUCTURED: &'static str = "application/cloudevents+json; charset=utf-8";

    /// The event of a change. `source` is the host name of the tenant.
    #[must_use]
    pub fn of_change(change: Change, tenant: &TenantId, source: &str, sequence: u64) -> Self {
        let named = match &change.kind {
            // one deleted twin may take several relationships along, and models come together
            ChangeKind::LinkDeleted { link, .. } => format!("{tenant}/{}/{}", change.seq, link.id),
            ChangeKind::Model { id, .. } => format!("{tenant}/{}/{id}", change.seq),
            _ => format!("{tenant}/{}", change.seq),
        };
        let twin = change.twin.as_str();
        let related = |id: &str| format!("{twin}/relationships/{id}");
        let updated = |model: Option<voltwin_core::Dtmi>, patch| match model {
            Some(model) => json!({"modelId": model.as_str(), "patch": patch}),
            None => json!({"patch": patch}),
        };
        let (kind, subject, data) = match change.kind {
            ChangeKind::TwinCreated { body, .. } => (Kind::TwinCreate, twin.to_owned(), body),
            ChangeKind::TwinUpdated { model, patch } => {
                (Kind::TwinUpdate, twin.to_owned(), updated(model, json!(patch)))
            }
            ChangeKind::TwinDeleted { body, .. } => (Kind::TwinDelete, twin.to_owned(), body),
            ChangeKind::LinkCreated { link, body } => {
                (Kind::RelationshipCreate, related(link.id.as_str()), body)
            }
            ChangeKind::LinkUpdated { link, model, patch } => {
                (Kind::RelationshipUpdate, related(link.id.as_str()), updated(model, json!(patch)))
            }
            ChangeKind::LinkDeleted { link, body } => {
                (Kind::RelationshipDelete, related(link.id.as_str()), body)
            }
            ChangeKind::Model { id, change } => {
                let subject = id.as_str().to_owned();
                match change {
                    ModelChange::Created(document) => (Kind::ModelCreate, subject, document),
                    ModelChange::Decommissioned(value) => {
                        let patch = json!([{"op": "replace", "path": "/decommissioned", "value": value}]);
                        (Kind::ModelUpdate, subject, updated(Some(id), patch))
                    }
                    ModelChange::Deleted => (Kind::ModelDelete, subject, json!({"@id": id.as_str()})),
                }
            }
        };
        Self {
            id: Uuid::new_v5(&NAMESPACE, named.as_bytes()).to_string(),
            source: source.to_owned(),
            kind: kind.name().to_owned(),
            subject: Some(subject),
            time: Some(change.received),
            dataschema: None,
            traceparent: Some(traceparent(change.trace, &named)),
            sequence,
            data,
        }
    }

    /// The event of telemetry, whose id is that of its sender.
    #[must_use]
    pub fn of_telemetry(telemetry: Telemetry, tenant: &TenantId, source: &str, sequence: u64) -> Self {
        let named = format!("{tenant}/{}/{}", telemetry.twin, telemetry.id);
        Self {
            source: format!("{source}/{}", telemetry.twin),
            kind: Kind::Telemetry.name().to_owned(),
            subject: telemetry.component,
            time: Some(telemetry.at),
            dataschema: telemetry.model.map(|model| model.as_str().to_owned()),
            traceparent: Some(traceparent(telemetry.trace, &named)),
            sequence,
            data: telemetry.data,
            id: telemetry.id,
        }
    }

    /// The event in structured mode: one JSON text.
    #[must_use]
    pub fn structured(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The event in binary mode: attributes as headers of HTTP, the body beside them. Values are percent-encoded where
    /// headers cannot hold them.
    #[must_use]
    pub fn binary(&self) -> (Vec<(&'static str, String)>, String) {
        let mut headers = vec![
            ("ce-specversion", Self::SPEC_VERSION.to_owned()),
            ("ce-id", header_value(&self.id)),
            ("ce-source", header_value(&self.source)),
            ("ce-type", header_value(&self.kind)),
            ("ce-sequence", self.sequence.to_string()),
        ];
        let optional = [
            ("ce-subject", self.subject.as_deref().map(header_value)),
            ("ce-time", self.time.map(|time| time.to_string())),
            ("ce-dataschema", self.dataschema.as_deref().map(header_value)),
            ("ce-traceparent", self.traceparent.clone()),
        ];
        headers.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        headers.push(("content-type", Self::CONTENT_TYPE.to_owned()));
        (headers, self.data.to_string())
    }
}

/// Printable ASCII without space, quote and percent stays; the rest is percent-encoded UTF-8, as the HTTP binding of
/// CloudEvents wants it.
fn header_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'%' | 0..=b' ' | 0x7f.. => value.push_str(&format!("%{byte:02X}")),
            plain => value.push(char::from(plain)),
        }
    }
    value
}

/// The trace that the request came with, or one of the event's own.
fn traceparent(trace: Option<TraceId>, named: &str) -> String {
    let own = Uuid::new_v5(&NAMESPACE, format!("trace/{named}").as_bytes()).as_u128();
    let trace = trace.filter(|trace| trace.0 != 0).map_or(own, |trace| trace.0);
    // neither part may be all zeros
    let span = (own as u64) | 1;
    format!("00-{trace:032x}-{span:016x}-01")
}
