//! Twins and relationships as JSON, in the form in which Azure Digital Twins answers them.

use serde_json::{Map, Value as Json, json};
use voltwin_core::{Dtmi, PropertyName, RelationshipId, Seq, Timestamp, TwinId, Value};
use voltwin_graph::{Link, TwinRef};

/// A twin as it is.
#[must_use]
pub fn twin_body(twin: TwinRef<'_>) -> Json {
    let properties = twin.properties().map(|p| (p.name.clone(), p.value, p.source, p.received));
    twin_json(twin.id(), twin.model(), twin.changed_seq(), twin.updated(), properties)
}

/// A relationship as it is.
#[must_use]
pub fn relationship_body(link: Link<'_>) -> Json {
    let properties = link.properties.iter();
    relationship_json(link.id, link.name, (link.source, link.target), link.changed, properties)
}

pub(crate) fn twin_json(
    id: &TwinId,
    model: &Dtmi,
    changed: Seq,
    updated: Timestamp,
    properties: impl Iterator<Item = (PropertyName, Value, Timestamp, Timestamp)>,
) -> Json {
    let mut body = Map::new();
    body.insert("$dtId".into(), id.as_str().into());
    body.insert("$etag".into(), etag(changed).into());
    let mut metadata = Map::new();
    metadata.insert("$model".into(), model.as_str().into());
    metadata.insert("$lastUpdateTime".into(), updated.to_string().into());
    for (name, value, source, received) in properties {
        let mut told = json!({"lastUpdateTime": received.to_string()});
        if source != received {
            told["sourceTime"] = source.to_string().into();
        }
        metadata.insert(name.as_str().to_owned(), told);
        body.insert(name.as_str().to_owned(), value.to_json());
    }
    body.insert("$metadata".into(), metadata.into());
    body.into()
}

pub(crate) fn relationship_json<'a>(
    id: &RelationshipId,
    name: &PropertyName,
    (source, target): (&TwinId, &TwinId),
    changed: Seq,
    properties: impl Iterator<Item = (&'a PropertyName, &'a Value)>,
) -> Json {
    let mut body = Map::new();
    body.insert("$relationshipId".into(), id.as_str().into());
    body.insert("$etag".into(), etag(changed).into());
    body.insert("$sourceId".into(), source.as_str().into());
    body.insert("$relationshipName".into(), name.as_str().into());
    body.insert("$targetId".into(), target.as_str().into());
    body.extend(properties.map(|(name, value)| (name.as_str().to_owned(), value.to_json())));
    body.into()
}

/// The entity tag that the graph gives what changed at `seq`.
fn etag(seq: Seq) -> String {
    format!("W/\"{:x}\"", seq.0)
}
