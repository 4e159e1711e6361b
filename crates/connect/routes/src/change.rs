//! What an event did, with what was there before.

use serde::Serialize;
use serde_json::{Value as Json, json};
use voltwin_core::{
    Dtmi, Event, EventBody, ModelsFact, PropertyMap, PropertyName, RelationshipId, Seq, Sequenced, Timestamp,
    TraceId, TwinId, Value,
};
use voltwin_document as document;
use voltwin_graph::{Graph, Link};

/// What an event found and what it made, so far as its [`Change`] needs them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    /// The model of the twin, where it existed.
    model: Option<Dtmi>,
    /// Of a patch: whether each of its properties had a value.
    had: Vec<bool>,
    /// Of a created or deleted twin: what it was.
    twin: Option<(Json, PropertyMap)>,
    /// Of a relationship: what it was. Of a deleted twin: the relationships that end with it, by id.
    links: Vec<LinkBefore>,
    /// Of a created twin or relationship: what it is now.
    now: Option<Json>,
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
            body: document::link(&link),
        };
        let mut before = Self { model: found.map(|twin| twin.model().clone()), ..Self::default() };
        match &event.body {
            EventBody::Patched { values } | EventBody::Retyped { values, .. } => {
                let has = |name: &PropertyName| found.is_some_and(|twin| twin.times(name.as_str()).is_some());
                before.had = values.iter().map(|(name, _)| has(name)).collect();
            }
            EventBody::Created { .. } | EventBody::Deleted => {
                before.twin = found.map(|twin| {
                    let properties = twin.properties().map(|p| (p.name.clone(), p.value)).collect();
                    (document::twin(twin), properties)
                });
                if event.body == EventBody::Deleted {
                    before.links = found.into_iter().flat_map(|twin| twin.outgoing()).map(seen).collect();
                    before.links.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
                }
            }
            EventBody::Linked { id, .. } | EventBody::Unlinked { id } => {
                before.links.extend(found.and_then(|twin| twin.link(id.as_str())).map(seen));
            }
            EventBody::Models(_) => {}
            _ => return None,
        }
        Some(before)
    }

    /// Looks at the graph as it is after the event.
    #[must_use]
    pub fn then(mut self, graph: &Graph, event: &Event) -> Self {
        let found = graph.twin(event.twin.as_str());
        self.now = match &event.body {
            EventBody::Created { .. } => found.map(document::twin),
            EventBody::Linked { id, .. } => {
                found.and_then(|twin| twin.link(id.as_str())).as_ref().map(document::link)
            }
            _ => None,
        };
        self
    }

    /// What is known of an event that nobody watched: what the graph, long after it, says.
    #[must_use]
    pub fn later(graph: &Graph, event: &Event) -> Self {
        let model = graph.twin(event.twin.as_str()).map(|twin| twin.model().clone());
        Self { model, ..Self::default() }.then(graph, event)
    }
}

/// One change as programs outside are told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The twin, or the source of the relationship.
    pub twin: TwinId,
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
    /// The models changed.
    Model {
        /// Which.
        id: Dtmi,
        /// How.
        change: ModelChange,
    },
}

/// What happened to a model.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelChange {
    /// It came.
    Created(Json),
    /// No new twins may be made of it, or they may again.
    Decommissioned(bool),
    /// It is gone.
    Deleted,
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
    /// When the source says that it was so.
    #[serde(skip)]
    pub at: Timestamp,
}

impl Operation {
    fn new(event: &Event, name: &str, value: Option<&Value>, had: bool) -> Self {
        let op = match (value, had) {
            (None, _) => "remove",
            (Some(_), true) => "replace",
            (Some(_), false) => "add",
        };
        // a property of a component is named `component.property`
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1").replace('.', "/"));
        Self { op, path, value: value.map(Value::to_json), at: event.source_of(name) }
    }

    fn replace(event: &Event, path: &str, value: &str) -> Self {
        Self { op: "replace", path: path.to_owned(), value: Some(value.into()), at: event.at }
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
/// A deleted twin takes the relationships that begin at it along.
#[must_use]
pub fn changes(sequenced: &Sequenced, before: &Before) -> Vec<Change> {
    let kinds = match &sequenced.event.body {
        EventBody::Deleted => deleted(&sequenced.event, before),
        EventBody::Models(fact) => models(fact),
        _ => change(&sequenced.event, before).into_iter().collect(),
    };
    let event = &sequenced.event;
    let told = |kind| Change {
        twin: event.twin.clone(),
        received: event.received,
        seq: sequenced.seq,
        trace: event.trace,
        kind,
    };
    kinds.into_iter().map(told).collect()
}

fn change(event: &Event, before: &Before) -> Option<ChangeKind> {
    let model = before.model.clone();
    Some(match &event.body {
        EventBody::Created { model, properties } => return created(event, before, model, properties),
        EventBody::Patched { values } => {
            let patch = patch(event, before, values);
            if patch.is_empty() {
                return None;
            }
            ChangeKind::TwinUpdated { model, patch }
        }
        EventBody::Retyped { model, values } => {
            let mut all = vec![Operation::replace(event, "/$metadata/$model", model.as_str())];
            all.extend(patch(event, before, values));
            ChangeKind::TwinUpdated { model: Some(model.clone()), patch: all }
        }
        EventBody::Linked { id, name, target, properties } => {
            let link = LinkKey { id: id.clone(), name: Some(name.clone()), target: Some(target.clone()) };
            match before.links.first().filter(|old| old.name == *name) {
                Some(old) => {
                    let mut patch = difference(event, &old.properties, properties);
                    if old.target != *target {
                        patch.push(Operation::replace(event, "/$targetId", target.as_str()));
                    }
                    if patch.is_empty() {
                        return None;
                    }
                    ChangeKind::LinkUpdated { link, model, patch }
                }
                None => ChangeKind::LinkCreated {
                    body: before.now.clone().unwrap_or_else(|| key_body(event, id)),
                    link,
                },
            }
        }
        EventBody::Unlinked { id } => {
            let old = before.links.first();
            let link = LinkKey {
                id: id.clone(),
                name: old.map(|old| old.name.clone()),
                target: old.map(|old| old.target.clone()),
            };
            ChangeKind::LinkDeleted {
                link,
                body: old.map_or_else(|| key_body(event, id), |old| old.body.clone()),
            }
        }
        _ => return None,
    })
}

/// All that is known of a relationship of which nothing is known.
fn key_body(event: &Event, id: &RelationshipId) -> Json {
    json!({"$relationshipId": id.as_str(), "$sourceId": event.twin.as_str()})
}

fn patch(event: &Event, before: &Before, values: &[(PropertyName, Option<Value>)]) -> Vec<Operation> {
    let operation = |(index, (name, value)): (usize, &(PropertyName, Option<Value>))| {
        let had = before.had.get(index).copied().unwrap_or(true);
        // what was not there cannot be taken away
        (had || value.is_some()).then(|| Operation::new(event, name.as_str(), value.as_ref(), had))
    };
    values.iter().enumerate().filter_map(operation).collect()
}

/// A twin that is written whole over one that was there is an update of what differs.
fn created(event: &Event, before: &Before, model: &Dtmi, properties: &PropertyMap) -> Option<ChangeKind> {
    let Some((_, old)) = &before.twin else {
        let known = || json!({"$dtId": event.twin.as_str(), "$metadata": {"$model": model.as_str()}});
        let body = before.now.clone().unwrap_or_else(known);
        return Some(ChangeKind::TwinCreated { model: model.clone(), body });
    };
    let mut patch = difference(event, old, properties);
    if before.model.as_ref() != Some(model) {
        patch.push(Operation::replace(event, "/$metadata/$model", model.as_str()));
    }
    (!patch.is_empty()).then(|| ChangeKind::TwinUpdated { model: Some(model.clone()), patch })
}

fn deleted(event: &Event, before: &Before) -> Vec<ChangeKind> {
    let gone = |old: &LinkBefore| {
        let link =
            LinkKey { id: old.id.clone(), name: Some(old.name.clone()), target: Some(old.target.clone()) };
        ChangeKind::LinkDeleted { link, body: old.body.clone() }
    };
    let mut kinds: Vec<ChangeKind> = before.links.iter().map(gone).collect();
    let known = before.twin.as_ref().map(|(body, _)| body.clone());
    let body = known.unwrap_or_else(|| json!({"$dtId": event.twin.as_str()}));
    kinds.push(ChangeKind::TwinDeleted { model: before.model.clone(), body });
    kinds
}

fn models(fact: &ModelsFact) -> Vec<ChangeKind> {
    let one = |id: &Dtmi, change| vec![ChangeKind::Model { id: id.clone(), change }];
    match fact {
        ModelsFact::Added { models } => {
            let document = |text: &str| serde_json::from_str(text).unwrap_or(Json::Null);
            let added = models.iter().map(|model| ChangeKind::Model {
                id: model.id.clone(),
                change: ModelChange::Created(document(&model.text)),
            });
            added.collect()
        }
        ModelsFact::Decommissioned { model, decommissioned } => {
            one(model, ModelChange::Decommissioned(*decommissioned))
        }
        ModelsFact::Deleted { model } => one(model, ModelChange::Deleted),
    }
}

/// What makes `new` of `old`, by name.
fn difference(event: &Event, old: &PropertyMap, new: &PropertyMap) -> Vec<Operation> {
    let gone = old.keys().filter(|name| !new.contains_key(name.as_str()));
    let gone = gone.map(|name| Operation::new(event, name.as_str(), None, true));
    let changed = new.iter().filter(|(name, value)| old.get(name.as_str()) != Some(value));
    let changed = changed.map(|(name, value)| {
        Operation::new(event, name.as_str(), Some(value), old.contains_key(name.as_str()))
    });
    gone.chain(changed).collect()
}
