//! A twin or a relationship as the synchronisation compares it: what it is, and its properties by their places.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use voltwin_core::Timestamp;

/// A twin, or a relationship of a twin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// By its id.
    Twin(String),
    /// By the id of its source and its own.
    Relationship(String, String),
}

impl Key {
    /// `twin` or `relationship`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Twin(_) => "twin",
            Self::Relationship(..) => "relationship",
        }
    }

    /// The twin whose writes it counts among.
    #[must_use]
    pub fn twin(&self) -> &str {
        match self {
            Self::Twin(id) | Self::Relationship(id, _) => id,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Twin(id) => f.write_str(id),
            Self::Relationship(source, id) => write!(f, "{source}/relationships/{id}"),
        }
    }
}

/// What cannot change without it becoming something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Nature {
    /// The model of a twin.
    Model(String),
    /// The name and the target of a relationship.
    Link(String, String),
}

/// All of a twin or relationship that is carried over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) nature: Nature,
    /// The components of a twin.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) parts: BTreeSet<String>,
    /// Properties by their JSON pointers: `/soc`, `/motor/speed`.
    pub(crate) values: BTreeMap<String, Json>,
}

/// What one end shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) content: Content,
    pub(crate) etag: String,
    /// When each value was last written, where the end says so.
    pub(crate) times: BTreeMap<String, Timestamp>,
}

/// What an end shows that is none of what it must show.
pub(crate) type Malformed = String;

impl Seen {
    /// A twin from its document.
    pub(crate) fn twin(document: &Json) -> Result<Self, Malformed> {
        let document = document.as_object().ok_or("a twin is no object")?;
        let metadata =
            document.get("$metadata").and_then(Json::as_object).ok_or("a twin has no $metadata")?;
        let model = text(metadata, "$model")?;
        let mut seen = Self {
            content: Content {
                nature: Nature::Model(model),
                parts: BTreeSet::new(),
                values: BTreeMap::new(),
            },
            etag: text(document, "$etag")?,
            times: BTreeMap::new(),
        };
        seen.members("", document);
        for (name, value) in document {
            if let Some(part) = value.as_object().filter(|part| part.contains_key("$metadata"))
                && !name.starts_with('$')
            {
                seen.content.parts.insert(name.clone());
                seen.members(&pointer("", name), part);
            }
        }
        Ok(seen)
    }

    fn members(&mut self, place: &str, document: &Map<String, Json>) {
        for (name, value) in document {
            let is_part = value.as_object().is_some_and(|value| value.contains_key("$metadata"));
            if !name.starts_with('$') && !value.is_null() && !is_part {
                self.content.values.insert(pointer(place, name), value.clone());
            }
        }
        for (name, times) in document.get("$metadata").and_then(Json::as_object).into_iter().flatten() {
            let time = times.get("lastUpdateTime").and_then(Json::as_str).and_then(|time| time.parse().ok());
            if let Some(time) = time {
                self.times.insert(pointer(place, name), time);
            }
        }
    }

    /// A relationship from its document.
    pub(crate) fn relationship(document: &Json) -> Result<Self, Malformed> {
        let document = document.as_object().ok_or("a relationship is no object")?;
        let nature = Nature::Link(text(document, "$relationshipName")?, text(document, "$targetId")?);
        let kept = document.iter().filter(|(name, value)| !name.starts_with('$') && !value.is_null());
        let values = kept.map(|(name, value)| (pointer("", name), value.clone())).collect();
        let content = Content { nature, parts: BTreeSet::new(), values };
        Ok(Self { content, etag: text(document, "$etag")?, times: BTreeMap::new() })
    }
}

fn text(document: &Map<String, Json>, name: &str) -> Result<String, Malformed> {
    let found = document.get(name).and_then(Json::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("it has no {name}"))
}

impl Content {
    /// The document that makes it.
    pub(crate) fn document(&self) -> Json {
        let mut document = Map::new();
        match &self.nature {
            Nature::Model(model) => {
                document.insert("$metadata".to_owned(), json!({ "$model": model }));
            }
            Nature::Link(name, target) => {
                document.insert("$relationshipName".to_owned(), name.clone().into());
                document.insert("$targetId".to_owned(), target.clone().into());
            }
        }
        for part in &self.parts {
            document.insert(part.clone(), self.part(part));
        }
        for (place, value) in &self.values {
            if let (None, name) = self.place(place) {
                document.insert(name, value.clone());
            }
        }
        document.into()
    }

    /// One component as it is written.
    fn part(&self, part: &str) -> Json {
        let mut members = Map::new();
        members.insert("$metadata".to_owned(), json!({}));
        for (place, value) in &self.values {
            if let (Some(within), name) = self.place(place)
                && within == part
            {
                members.insert(name, value.clone());
            }
        }
        members.into()
    }

    /// The component and the name that a pointer says.
    fn place(&self, pointer: &str) -> (Option<String>, String) {
        let mut names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
        match (names.next(), names.next()) {
            (Some(part), Some(name)) => (Some(part), name),
            (name, _) => (None, name.unwrap_or_default()),
        }
    }

    /// The JSON Patch that makes `self` of what is there. It is exact, so it needs the ETag of what is there.
    pub(crate) fn patch_from(&self, there: &Self) -> Json {
        let mut operations = Vec::new();
        if let Nature::Model(model) = &self.nature
            && self.nature != there.nature
        {
            operations.push(json!({ "op": "replace", "path": "/$metadata/$model", "value": model }));
        }
        let (gone, new): (Vec<_>, Vec<_>) =
            (there.parts.difference(&self.parts).collect(), self.parts.difference(&there.parts).collect());
        operations.extend(gone.iter().map(|part| json!({ "op": "remove", "path": pointer("", part) })));
        for part in &new {
            operations.push(json!({ "op": "add", "path": pointer("", part), "value": self.part(part) }));
        }
        let within = |content: &Self, place: &str, parts: &[&String]| {
            content.place(place).0.is_some_and(|part| parts.iter().any(|known| **known == part))
        };
        for place in there.values.keys().filter(|place| !self.values.contains_key(*place)) {
            if !within(there, place, &gone) {
                operations.push(json!({ "op": "remove", "path": place }));
            }
        }
        for (place, value) in &self.values {
            let held = there.values.get(place);
            if held.is_none_or(|held| !same(held, value)) && !within(self, place, &new) {
                let verb = if held.is_some() { "replace" } else { "add" };
                operations.push(json!({ "op": verb, "path": place, "value": value }));
            }
        }
        operations.into()
    }

    /// Whether both say the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.nature == other.nature
            && self.parts == other.parts
            && self.values.len() == other.values.len()
            && self.values.iter().all(|(place, value)| same_as(Some(value), other.values.get(place)))
    }
}

/// A JSON pointer to a member.
fn pointer(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Whether two values are the same; 7 is 7.0, as the two ends may write a number differently.
pub(crate) fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(a), Json::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

pub(crate) fn same_as(one: Option<&Json>, other: Option<&Json>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => same(one, other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pump() -> Json {
        json!({
            "$dtId": "pump", "$etag": "W/\"1\"", "flow": 2.5, "tags": {"a/b": 1}, "gone": null,
            "motor": {"$metadata": {"speed": {"lastUpdateTime": "2026-11-21T08:00:01.0000000Z"}}, "speed": 7},
            "$metadata": {"$model": "dtmi:a:Pump;1", "$lastUpdateTime": "2026-11-21T08:00:01.0000000Z",
                          "flow": {"lastUpdateTime": "2026-11-21T08:00:00.0000000Z"}},
        })
    }

    #[test]
    fn a_twin_is_read_and_written_as_the_same() {
        let seen = Seen::twin(&pump()).unwrap();
        assert_eq!(seen.content.nature, Nature::Model("dtmi:a:Pump;1".into()));
        let places: Vec<&str> = seen.content.values.keys().map(String::as_str).collect();
        assert_eq!(places, ["/flow", "/motor/speed", "/tags"]);
        assert!(seen.times["/motor/speed"] > seen.times["/flow"]);
        let mut again = seen.content.document();
        assert_eq!(again["motor"], json!({"$metadata": {}, "speed": 7}));
        again["$etag"] = "x".into();
        assert!(Seen::twin(&again).unwrap().content.same(&seen.content));
        for bad in [
            json!(1),
            json!({}),
            json!({"$metadata": {"$model": "m"}}),
            json!({"$metadata": {}, "$etag": "x"}),
        ] {
            assert!(Seen::twin(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_patch_says_what_differs_and_nothing_else() {
        let there = Seen::twin(&pump()).unwrap().content;
        assert_eq!(there.patch_from(&there), json!([]));
        let mut want = there.clone();
        want.values.remove("/tags");
        want.values.insert("/motor/speed".into(), json!(7.0));
        want.values.insert("/flow".into(), json!(3));
        want.values.insert("/name".into(), json!("x"));
        assert_eq!(
            want.patch_from(&there),
            json!([
                {"op": "remove", "path": "/tags"},
                {"op": "replace", "path": "/flow", "value": 3},
                {"op": "add", "path": "/name", "value": "x"},
            ])
        );
        want.nature = Nature::Model("dtmi:a:Pump;2".into());
        want.parts = ["valve".to_owned()].into();
        want.values.remove("/motor/speed");
        want.values.insert("/valve/open".into(), json!(true));
        let patch = want.patch_from(&there);
        assert_eq!(patch[0], json!({"op": "replace", "path": "/$metadata/$model", "value": "dtmi:a:Pump;2"}));
        assert_eq!(patch[1], json!({"op": "remove", "path": "/motor"}));
        assert_eq!(
            patch[2],
            json!({"op": "add", "path": "/valve", "value": {"$metadata": {}, "open": true}})
        );
        assert_eq!(patch.as_array().unwrap().len(), 6, "{patch}");
    }

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        assert!(same(&json!({"a": [1, 2.0]}), &json!({"a": [1.0, 2]})));
        assert!(!same(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
        assert!(!same(&json!([1]), &json!([1, 2])));
    }
}
