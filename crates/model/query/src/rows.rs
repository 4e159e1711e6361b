//! Twins and relationships as Azure Digital Twins shapes them.

use serde_json::{Map, Value as Json};
use voltwin_core::Timestamp;
use voltwin_graph::{Link, TwinRef};

/// A twin: `$dtId`, `$etag`, `$metadata`, and its properties.
///
/// `$metadata` holds `$model`, `$lastUpdateTime`, and for every property the time when we heard of its value
/// (`lastUpdateTime`) and the time when its source says that it came to be (`sourceTime`).
#[must_use]
pub fn twin(twin: TwinRef<'_>) -> Json {
    let mut row = Map::new();
    row.insert("$dtId".to_owned(), twin.id().as_str().into());
    row.insert("$etag".to_owned(), twin.etag().into());
    row.insert("$metadata".to_owned(), metadata(twin).into());
    for property in twin.properties() {
        row.insert(property.name.to_string(), property.value.to_json());
    }
    row.into()
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

pub(crate) fn metadata(twin: TwinRef<'_>) -> Map<String, Json> {
    let mut metadata = Map::new();
    metadata.insert("$model".to_owned(), twin.model().as_str().into());
    metadata.insert("$lastUpdateTime".to_owned(), instant(twin.updated()).into());
    for property in twin.properties() {
        metadata.insert(property.name.to_string(), times(property.source, property.received).into());
    }
    metadata
}

pub(crate) fn times(source: Timestamp, received: Timestamp) -> Map<String, Json> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_seven_decimals() {
        let text = |us| instant(Timestamp::from_micros(us));
        assert_eq!(text(0), "1970-01-01T00:00:00.0000000Z");
        assert_eq!(text(1_795_000_000_123_456), "2026-11-18T11:06:40.1234560Z");
        assert!(text(1_000_000) < text(1_000_001) && text(999_999) < text(1_000_000));
    }
}
