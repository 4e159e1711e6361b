//! What an event did, with what was there before.

use serde::Serialize;
use serde_json::Value as Json;
use voltwin_core::{
    Dtmi, Event, EventBody, PropertyMap, PropertyName, RelationshipId, Seq, Sequenced, Timestamp, TraceId,
    TwinId, Value,
};
use voltwin_graph::{Graph, Link};

use crate::image::{relationship_body, relationship_json, twin_body, twin_json};

/// What an event found, so far as its [`Change`] needs it. Taken before the event is folded into the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// The model of the twin, where it existed.
    model: Option<Dtmi>,
    /// Of a patch: whether each of its properties had a value.
    had: Vec<bool>,
    /// Of a created or deleted twin: what it was.
    twin: Option<(Json, PropertyMap)>,
    /// Of a relationship: what it was. Of a deleted twin: the relationships that end with it, by id.
    links: Vec<LinkBefore>,
}

#[derive(Debug, Clone, PartialEq)]
struct LinkBefore {
    id: RelationshipId,
    name: PropertyName,
    target: TwinId,
    properties: PropertyMap,
    body: Json,
}

impl Before {
    /// Looks at the graph as it is before `event`; `None` where the event changes no twin and no relationship.
    #[must_use]
    pub fn of(graph: &Graph, event: &Event) -> Option<Self> {
        let found = graph.twin(event.twin.as_str());
        let seen = |link: Link<'_>| LinkBefore {
            id: link.id.clone(),
            name: link.name.clone(),
            target: link.target.clone(),
            properties: link.properties.clone(),
            body: relationship_body(link),
        };
        let mut before = Self::later(found.map(|twin| twin.model().clone()));
        match &event.body {
            EventBody::Patched { values } => {
                let has = |name: &PropertyName| found.is_some_and(|twin| twin.times(name.as_str()).is_some());
                before.had = values.iter().map(|(name, _)| has(name)).collect();
            }
            EventBody::Created { .. } | EventBody::Deleted => {
                before.twin = found.map(|twin| {
                    let properties = twin.properties().map(|p| (p.name.clone(), p.value)).collect();
                    (twin_body(twin), properties)
                });
                if event.body == EventBody::Deleted {
                    before.links = found.into_iter().flat_map(|twin| twin.outgoing()).map(seen).collect();
                    before.links.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
                }
            }
            EventBody::Linked { id, .. } | EventBody::Unlinked { id } => {
                before.links.extend(found.and_then(|twin| twin.link(id.as_str())).map(seen));
            }
            _ => return None,
        }
        Some(before)
    }
}

impl Before {
    /// What is known of an event that nobody watched: the model that the twin has now.
    #[must_use]
    pub fn later(model: Option<Dtmi>) -> Self {
        Self { model, had: Vec::new(), twin: None, links: Vec::new() }
    }
}

/// One change as programs outside are told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The twin, or the source of the relationship.
    pub twin: TwinId,
    /// When the source says that it happened.
    pub at: Timestamp,
    /// When we heard of it.
    pub received: Timestamp,
    /// Its place in the journal.
    pub seq: Seq,
    /// The trace of the request that brought it.
    pub trace: Option<TraceId>,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeKind {
    /// A twin came to be.
    TwinCreated {
        /// Its model.
        model: Dtmi,
        /// The twin.
        body: Json,
    },
    /// Properties of a twin changed.
    TwinUpdated {
        /// Its model, where it is known.
        model: Option<Dtmi>,
        /// What changed.
        patch: Vec<Operation>,
    },
    /// A twin is gone.
    TwinDeleted {
        /// Its model, where it is known.
        model: Option<Dtmi>,
        /// The twin as it was.
        body: Json,
    },
    /// A relationship came to be.
    LinkCreated {
        /// Which.
        link: LinkKey,
        /// The relationship.
        body: Json,
    },
    /// Properties or the target of a relationship changed.
    LinkUpdated {
        /// Which.
        link: LinkKey,
        /// The model of the twin that it begins at, where it is known.
        model: Option<Dtmi>,
        /// What changed.
        patch: Vec<Operation>,
    },
    /// A relationship is gone.
    LinkDeleted {
        /// Which.
        link: LinkKey,
        /// The relationship as it was.
        body: Json,
    },
}

/// Which relationship of its source twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkKey {
    /// Its id.
    pub id: RelationshipId,
    /// Its name, where it is known.
    pub name: Option<PropertyName>,
    /// Where it points, where that is known.
    pub target: Option<TwinId>,
}

/// One operation of a JSON Patch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    /// `add`, `replace` or `remove`.
    pub op: &'static str,
    /// A JSON Pointer.
    pub path: String,
    /// The new value, except for `remove`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
}

impl Operation {
    fn new(name: &str, value: Option<&Value>, had: bool) -> Self {
        let op = match (value, had) {
            (None, _) => "remove",
            (Some(_), true) => "replace",
            (Some(_), false) => "add",
        };
        // a property of a component is named `component.property`
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1").replace('.', "/"));
        Self { op, path, value: value.map(Value::to_json) }
    }

    /// The name of the property, the parts of a path joined by dots.
    #[must_use]
    pub fn key(&self) -> String {
        let part = |part: &str| part.replace("~1", "/").replace("~0", "~");
        self.path.split('/').skip(1).map(part).collect::<Vec<_>>().join(".")
    }
}

/// Something that a twin or one of its components said, and that is no property.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// The sender's id of the message.
    pub id: String,
    /// The twin.
    pub twin: TwinId,
    /// The path of the component, such as `comp1`.
    pub component: Option<String>,
    /// The model of the twin or component.
    pub model: Option<Dtmi>,
    /// When the source says that it was so, or when we heard of it.
    pub at: Timestamp,
    /// The trace of the request that brought it.
    pub trace: Option<TraceId>,
    /// What was said.
    pub data: Json,
}

/// What `event` changed for programs outside, in order: mostly one thing, and nothing where they are told of nothing.
/// A deleted twin takes the relationships that begin at it along. Without `before`, as for events from before anybody
/// asked, bodies hold what the event itself says.
#[must_use]
pub fn changes(sequenced: &Sequenced, before: Option<&Before>) -> Vec<Change> {
    let links = match (&sequenced.event.body, before) {
        (EventBody::Deleted, Some(before)) => before.links.as_slice(),
        _ => &[],
    };
    let gone = links.iter().map(|old| {
        let link =
            LinkKey { id: old.id.clone(), name: Some(old.name.clone()), target: Some(old.target.clone()) };
        of(sequenced, ChangeKind::LinkDeleted { link, body: old.body.clone() })
    });
    gone.chain(change(sequenced, before)).collect()
}

fn of(sequenced: &Sequenced, kind: ChangeKind) -> Change {
    let event = &sequenced.event;
    Change {
        twin: event.twin.clone(),
        at: event.at,
        received: event.received,
        seq: sequenced.seq,
        trace: event.trace,
        kind,
    }
}

fn change(sequenced: &Sequenced, before: Option<&Before>) -> Option<Change> {
    let event = &sequenced.event;
    let model = before.and_then(|before| before.model.clone());
    let kind = match &event.body {
        EventBody::Created { model, properties } => created(sequenced, before, model, properties)?,
        EventBody::Patched { values } => {
            let had =
                |index: usize| before.is_none_or(|before| before.had.get(index).copied().unwrap_or(true));
            let operation = |(index, (name, value)): (usize, &(PropertyName, Option<Value>))| {
                let had = had(index);
                // what was not there cannot be taken away
                (had || value.is_some()).then(|| Operation::new(name.as_str(), value.as_ref(), had))
            };
            let patch: Vec<Operation> = values.iter().enumerate().filter_map(operation).collect();
            if patch.is_empty() {
                return None;
            }
            ChangeKind::TwinUpdated { model, patch }
        }
        EventBody::Deleted => {
            let known = before.and_then(|before| before.twin.as_ref()).map(|(body, _)| body.clone());
            let body = known.unwrap_or_else(|| serde_json::json!({"$dtId": event.twin.as_str()}));
            ChangeKind::TwinDeleted { model, body }
        }
        EventBody::Linked { id, name, target, properties } => {
            let ends = (&event.twin, target);
            let link = LinkKey { id: id.clone(), name: Some(name.clone()), target: Some(target.clone()) };
            let body = || relationship_json(id, name, ends, sequenced.seq, properties.iter());
            match before.and_then(|before| before.links.first()) {
                Some(old) if old.name == *name => {
                    let mut patch = difference(&old.properties, properties);
                    if old.target != *target {
                        let value = Some(Json::from(target.as_str()));
                        patch.push(Operation { op: "replace", path: "/$targetId".into(), value });
                    }
                    if patch.is_empty() {
                        return None;
                    }
                    ChangeKind::LinkUpdated { link, model, patch }
                }
                _ => ChangeKind::LinkCreated { link, body: body() },
            }
        }
        EventBody::Unlinked { id } => {
            let old = before.and_then(|before| before.links.first());
            let link = LinkKey {
                id: id.clone(),
                name: old.map(|old| old.name.clone()),
                target: old.map(|old| old.target.clone()),
            };
            let body = old.map(|old| old.body.clone()).unwrap_or_else(
                || serde_json::json!({"$relationshipId": id.as_str(), "$sourceId": event.twin.as_str()}),
            );
            ChangeKind::LinkDeleted { link, body }
        }
        _ => return None,
    };
    Some(of(sequenced, kind))
}

/// A twin that is written whole over one that was there is an update of what differs.
fn created(
    sequenced: &Sequenced,
    before: Option<&Before>,
    model: &Dtmi,
    properties: &PropertyMap,
) -> Option<ChangeKind> {
    let event = &sequenced.event;
    let Some((_, old)) = before.and_then(|before| before.twin.as_ref()) else {
        let values = properties.iter().map(|(n, v)| (n.clone(), v.clone(), event.at, event.received));
        let body = twin_json(&event.twin, model, sequenced.seq, event.received, values);
        return Some(ChangeKind::TwinCreated { model: model.clone(), body });
    };
    let mut patch = difference(old, properties);
    if before.and_then(|before| before.model.as_ref()) != Some(model) {
        let value = Some(Json::from(model.as_str()));
        patch.push(Operation { op: "replace", path: "/$metadata/$model".into(), value });
    }
    (!patch.is_empty()).then(|| ChangeKind::TwinUpdated { model: Some(model.clone()), patch })
}

/// What makes `new` of `old`, by name.
fn difference(old: &PropertyMap, new: &PropertyMap) -> Vec<Operation> {
    let gone = old.keys().filter(|name| !new.contains_key(name.as_str()));
    let gone = gone.map(|name| Operation::new(name.as_str(), None, true));
    let changed = new.iter().filter(|(name, value)| old.get(name.as_str()) != Some(value));
    let changed = changed
        .map(|(name, value)| Operation::new(name.as_str(), Some(value), old.contains_key(name.as_str())));
    gone.chain(changed).collect()
}
