//! Graphs for tests, each with its twins and relationships as plain JSON documents that were made beside the graph
//! and not read from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use voltwin_core::{Event, EventBody, PropertyMap, Seq, Timestamp, Value};
use voltwin_graph::{Applied, Graph};
use voltwin_ontology::Ontology;

/// `code` is a text in one model and a number in another; `Room;2` is a later version of `Room;1`, and no base of it.
const MODELS: &str = r#"[
  {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Thing;1", "@type": "Interface", "contents": [
    {"@type": "Property", "name": "name", "schema": "string"},
    {"@type": "Property", "name": "size", "schema": "double"},
    {"@type": "Property", "name": "amount", "schema": "long"},
    {"@type": "Property", "name": "on", "schema": "boolean"},
    {"@type": "Property", "name": "tags", "schema": {"@type": "Array", "elementSchema": "string"}},
    {"@type": "Property", "name": "marks", "schema": {"@type": "Array", "elementSchema": "integer"}},
    {"@type": "Property", "name": "Group", "schema": "string"},
    {"@type": "Property", "name": "info", "schema": {"@type": "Object", "fields": [
      {"name": "city", "schema": "string"}, {"name": "level", "schema": "integer"}]}},
    {"@type": "Relationship", "name": "holds"},
    {"@type": "Relationship", "name": "near", "properties": [
      {"@type": "Property", "name": "weight", "schema": "double"},
      {"@type": "Property", "name": "kind", "schema": "string"},
      {"@type": "Property", "name": "tags", "schema": {"@type": "Array", "elementSchema": "string"}}]}]},
  {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Room;1", "@type": "Interface",
   "extends": "dtmi:test:Thing;1", "contents": [{"@type": "Property", "name": "code", "schema": "string"}]},
  {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Room;2", "@type": "Interface",
   "extends": "dtmi:test:Thing;1", "contents": [{"@type": "Property", "name": "code", "schema": "long"}]},
  {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Hall;1", "@type": "Interface",
   "extends": "dtmi:test:Room;2", "contents": [
    {"@type": "Component", "name": "part", "schema": "dtmi:test:Part;1"}]},
  {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Part;1", "@type": "Interface", "contents": [
    {"@type": "Property", "name": "level", "schema": "integer"},
    {"@type": "Property", "name": "info", "schema": {"@type": "Object", "fields": [
      {"name": "city", "schema": "string"}]}}]}
]"#;

/// What each model extends, all the way up.
pub(crate) const BASES: [(&str, &[&str]); 4] = [
    ("dtmi:test:Thing;1", &[]),
    ("dtmi:test:Room;1", &["dtmi:test:Thing;1"]),
    ("dtmi:test:Room;2", &["dtmi:test:Thing;1"]),
    ("dtmi:test:Hall;1", &["dtmi:test:Room;2", "dtmi:test:Thing;1"]),
];

/// A graph and its documents.
pub(crate) struct World {
    pub(crate) graph: Graph,
    /// By `$dtId`.
    pub(crate) twins: BTreeMap<String, Json>,
    /// By `$sourceId` and `$relationshipId`.
    pub(crate) links: BTreeMap<(String, String), Json>,
    seq: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let ontology = Arc::new(Ontology::parse([("models", MODELS)]).unwrap());
        Self { graph: Graph::new(ontology), twins: BTreeMap::new(), links: BTreeMap::new(), seq: 0 }
    }

    fn put(&mut self, twin: &str, body: EventBody) -> (Timestamp, Timestamp) {
        self.seq += 1;
        let at = Timestamp::from_micros(1_795_000_000_000_000 + self.seq as i64 * 1_234_567);
        let received = Timestamp::from_micros(at.as_micros() + 250_000);
        let event = Event::new("test".parse().unwrap(), twin.parse().unwrap(), at, received, body);
        let checked = self.graph.check(&event).unwrap();
        assert_eq!(self.graph.apply(&checked, Seq(self.seq)), Applied::Changed);
        (at, received)
    }

    fn etag(&self) -> Json {
        format!("W/\"{:x}\"", self.seq).into()
    }

    /// Creates a twin, or replaces it.
    pub(crate) fn twin(&mut self, id: &str, model: &str, properties: &Json) {
        let mut document = properties.as_object().unwrap().clone();
        let mut part = document.remove("part").and_then(|part| part.as_object().cloned()).unwrap_or_default();
        let mut flat = document.clone();
        flat.extend(part.iter().map(|(name, value)| (format!("part.{name}"), value.clone())));
        let body = EventBody::Created { model: model.parse().unwrap(), properties: map(&flat.into()) };
        let (at, received) = self.put(id, body);
        let mut metadata = Map::new();
        for name in document.keys() {
            metadata.insert(name.clone(), times(at, received));
        }
        if model == "dtmi:test:Hall;1" {
            let mut times: Map<String, Json> =
                part.keys().map(|name| (name.clone(), times(at, received))).collect();
            if !times.is_empty() {
                times.insert("$lastUpdateTime".into(), stamp(received).into());
            }
            part.insert("$metadata".into(), times.into());
            document.insert("part".into(), part.into());
        }
        metadata.insert("$model".into(), model.into());
        metadata.insert("$lastUpdateTime".into(), stamp(received).into());
        document.insert("$dtId".into(), id.into());
        document.insert("$etag".into(), self.etag());
        document.insert("$metadata".into(), metadata.into());
        self.twins.insert(id.to_owned(), document.into());
    }

    /// Sets a property, or removes it.
    pub(crate) fn patch(&mut self, id: &str, name: &str, value: Option<Json>) {
        let values = vec![(name.parse().unwrap(), value.clone().map(Value::from))];
        let (at, received) = self.put(id, EventBody::Patched { values });
        let etag = self.etag();
        let document = self.twins.get_mut(id).unwrap();
        document["$etag"] = etag;
        document["$metadata"]["$lastUpdateTime"] = stamp(received).into();
        match value {
            Some(value) => {
                document[name] = value;
                document["$metadata"][name] = times(at, received);
            }
            None => {
                document.as_object_mut().unwrap().remove(name);
                document["$metadata"].as_object_mut().unwrap().remove(name);
            }
        }
    }

    /// Deletes a twin with its relationships; those that point to it stay.
    pub(crate) fn delete(&mut self, id: &str) {
        self.put(id, EventBody::Deleted);
        self.twins.remove(id);
        self.links.retain(|(source, _), _| source != id);
    }

    pub(crate) fn link(&mut self, source: &str, id: &str, name: &str, target: &str, properties: &Json) {
        let body = EventBody::Linked {
            id: id.parse().unwrap(),
            name: name.parse().unwrap(),
            target: target.parse().unwrap(),
            properties: map(properties),
        };
        self.put(source, body);
        let mut document = properties.as_object().unwrap().clone();
        let etag = self.etag();
        for (name, value) in [
            ("$relationshipId", id.into()),
            ("$relationshipName", name.into()),
            ("$sourceId", source.into()),
            ("$targetId", target.into()),
            ("$etag", etag),
        ] {
            document.insert(name.into(), value);
        }
        self.links.insert((source.to_owned(), id.to_owned()), document.into());
    }

    /// 20 to 40 twins of all models, 40 to 80 relationships, with gaps and loose ends.
    pub(crate) fn random(dice: &mut Dice) -> Self {
        let mut world = Self::new();
        let count = 20 + dice.below(21);
        let id = |number: usize| format!("t{number}");
        for number in 0..count {
            let model = dice.pick(&BASES).0;
            let properties = random_properties(dice, model);
            world.twin(&id(number), model, &properties);
        }
        for number in 0..40 + dice.below(41) {
            let (source, target) = (dice.below(count), dice.below(count));
            if source == target {
                continue;
            }
            let name = *dice.pick(&["holds", "near", "near"]);
            let properties = if name == "near" { random_link(dice) } else { json!({}) };
            world.link(&id(source), &format!("r{number}"), name, &id(target), &properties);
        }
        for _ in 0..8 {
            let id = id(dice.below(count));
            match dice.below(4) {
                0 if world.twins.contains_key(&id) => world.delete(&id),
                1 if world.twins.contains_key(&id) => world.patch(&id, "name", None),
                _ if world.twins.contains_key(&id) => {
                    let size = dice.below(8) as f64 * 0.5;
                    world.patch(&id, "size", Some(json!(size)));
                }
                _ => world.twin(&id, "dtmi:test:Room;1", &random_properties(dice, "dtmi:test:Room;1")),
            }
        }
        world
    }
}

fn random_properties(dice: &mut Dice, model: &str) -> Json {
    let mut properties = Map::new();
    let mut maybe = |dice: &mut Dice, name: &str, value: Json| {
        if dice.below(4) > 0 {
            properties.insert(name.to_owned(), value);
        }
    };
    let name = *dice.pick(&["alpha", "beta", "Alpha", "alphabet", ""]);
    maybe(dice, "name", name.into());
    let size = dice.below(9) as f64 * 0.5 - 1.0;
    maybe(dice, "size", size.into());
    let amount = dice.below(6) as i64 - 2;
    maybe(dice, "amount", amount.into());
    let on = dice.below(2) == 0;
    maybe(dice, "on", on.into());
    let tags: Vec<&str> = (0..dice.below(3)).map(|_| *dice.pick(&["red", "blue", "alpha"])).collect();
    maybe(dice, "tags", json!(tags));
    let marks: Vec<i64> = (0..dice.below(4)).map(|_| dice.below(4) as i64).collect();
    maybe(dice, "marks", json!(marks));
    let group = *dice.pick(&["A", "B"]);
    maybe(dice, "Group", group.into());
    let mut info = Map::new();
    if dice.below(3) > 0 {
        info.insert("city".into(), (*dice.pick(&["Rome", "Oslo"])).into());
    }
    if dice.below(3) > 0 {
        info.insert("level".into(), (dice.below(3) as i64).into());
    }
    maybe(dice, "info", info.into());
    if model == "dtmi:test:Hall;1" {
        let mut part = Map::new();
        if dice.below(3) > 0 {
            part.insert("level".into(), (dice.below(3) as i64).into());
        }
        if dice.below(3) > 0 {
            part.insert("info".into(), json!({ "city": *dice.pick(&["Rome", "Oslo"]) }));
        }
        maybe(dice, "part", part.into());
    }
    let number = dice.below(4) as i64;
    match model {
        "dtmi:test:Room;1" => maybe(dice, "code", number.to_string().into()),
        "dtmi:test:Thing;1" => {}
        _ => maybe(dice, "code", number.into()),
    }
    properties.into()
}

fn random_link(dice: &mut Dice) -> Json {
    let mut properties = Map::new();
    if dice.below(3) > 0 {
        properties.insert("weight".into(), json!(dice.below(5) as f64 * 0.25));
    }
    if dice.below(3) > 0 {
        properties.insert("kind".into(), (*dice.pick(&["road", "path"])).into());
    }
    if dice.below(3) > 0 {
        properties.insert("tags".into(), json!([*dice.pick(&["red", "blue"])]));
    }
    properties.into()
}

fn map(properties: &Json) -> PropertyMap {
    let one = |(name, value): (&String, &Json)| (name.parse().unwrap(), Value::from(value.clone()));
    properties.as_object().unwrap().iter().map(one).collect()
}

fn times(at: Timestamp, received: Timestamp) -> Json {
    json!({ "lastUpdateTime": stamp(received), "sourceTime": stamp(at) })
}

/// Written by hand: the days of November 2026 are all that the tests reach.
pub(crate) fn stamp(at: Timestamp) -> String {
    let us = at.as_micros();
    let (second, fraction) = (us / 1_000_000, us % 1_000_000);
    // 2026-11-01T00:00:00Z.
    let in_month = second - 1_793_491_200;
    let (day, clock) = (in_month / 86_400 + 1, in_month % 86_400);
    let (hour, minute) = (clock / 3_600, clock / 60 % 60);
    format!("2026-11-{day:02}T{hour:02}:{minute:02}:{:02}.{fraction:06}0Z", clock % 60)
}

/// Random numbers that are the same everywhere (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
