//! What a graph holds, as JSON.

use serde_json::{Map, Value as Json};
use voltwin_core::Timestamp;
use voltwin_graph::{Link, Property, TwinRef};

/// A twin: `$dtId`, `$etag`, `$metadata`, its properties, and its components with their own `$metadata`.
///
/// `$metadata` holds `$model`, `$lastUpdateTime`, and for every property the time when we heard of its value
/// (`lastUpdateTime`) and the time when its source says that it came to be (`sourceTime`).
#[must_use]
pub fn twin(twin: TwinRef<'_>) -> Json {
    let mut row = Map::new();
    row.insert("$dtId".to_owned(), twin.id().as_str().into());
    row.insert("$etag".to_owned(), twin.etag().into());
    row.insert("$metadata".to_owned(), metadata(twin).into());
    for name in components(twin) {
        row.extend(component(twin, name).map(|component| (name.to_owned(), component)));
    }
    for property in twin.properties() {
        if let (None, name) = property.name.parts() {
            row.insert(name.to_owned(), property.value.to_json());
        }
    }
    row.into()
}

/// `$metadata` of a twin, that of its components left out.
#[must_use]
pub fn metadata(twin: TwinRef<'_>) -> Map<String, Json> {
    let mut metadata = Map::new();
    metadata.insert("$model".to_owned(), twin.model().as_str().into());
    metadata.insert("$lastUpdateTime".to_owned(), instant(twin.updated()).into());
    for property in twin.properties() {
        if let (None, name) = property.name.parts() {
            metadata.insert(name.to_owned(), times(property.source, property.received).into());
        }
    }
    metadata
}

/// One component of a twin: `$metadata` and its properties. `None` where its model has no such component.
#[must_use]
pub fn component(twin: TwinRef<'_>, name: &str) -> Option<Json> {
    components(twin).find(|known| *known == name)?;
    let mut metadata = Map::new();
    let mut row = Map::new();
    let within = |property: &Property<'_>| property.name.parts().0 == Some(name);
    let latest = twin.properties().filter(within).map(|property| property.received).max();
    metadata.extend(latest.map(|at| ("$lastUpdateTime".to_owned(), instant(at).into())));
    for property in twin.properties().filter(within) {
        let (_, name) = property.name.parts();
        metadata.insert(name.to_owned(), times(property.source, property.received).into());
        row.insert(name.to_owned(), property.value.to_json());
    }
    row.insert("$metadata".to_owned(), metadata.into());
    Some(row.into())
}

fn components(twin: TwinRef<'_>) -> impl Iterator<Item = &str> {
    twin.kind().into_iter().flat_map(|model| model.components.keys()).map(AsRef::as_ref)
}

/// A relationship: `$relationshipId`, `$sourceId`, `$targetId`, `$relationshipName`, `$etag`, and its properties.
#[must_use]
pub fn link(link: &Link<'_>) -> Json {
    let mut row = Map::new();
    row.insert("$relationshipId".to_owned(), link.id.as_str().into());
    row.insert("$sourceId".to_owned(), link.source.as_str().into());
    row.insert("$targetId".to_owned(), link.target.as_str().into());
    row.insert("$relationshipName".to_owned(), link.name.as_str().into());
    row.insert("$etag".to_owned(), link.etag().into());
    for (name, value) in link.properties {
        row.insert(name.to_string(), value.to_json());
    }
    row.into()
}

/// A relationship as the twin that it points to lists it.
#[must_use]
pub fn incoming(link: &Link<'_>) -> Json {
    let mut row = Map::new();
    row.insert("$relationshipId".to_owned(), link.id.as_str().into());
    row.insert("$sourceId".to_owned(), link.source.as_str().into());
    row.insert("$relationshipName".to_owned(), link.name.as_str().into());
    let address =
        format!("/digitaltwins/{}/relationships/{}", part(link.source.as_str()), part(link.id.as_str()));
    row.insert("$relationshipLink".to_owned(), address.into());
    row.into()
}

/// An id as a part of a path; ids are ASCII.
fn part(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let written = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    id.bytes().map(written).collect()
}

/// The times of a value: `lastUpdateTime` and `sourceTime`.
#[must_use]
pub fn times(source: Timestamp, received: Timestamp) -> Map<String, Json> {
    let mut times = Map::new();
    times.insert("lastUpdateTime".to_owned(), instant(received).into());
    times.insert("sourceTime".to_owned(), instant(source).into());
    times
}

/// An instant with seven decimals, as Azure writes it: so the order of texts is the order of instants.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    let us = at.as_micros();
    let second = Timestamp::from_micros(us - us.rem_euclid(1_000_000)).to_string();
    format!("{}.{:06}0Z", second.trim_end_matches('Z'), us.rem_euclid(1_000_000))
}
