use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use voltwin_core::{Event, EventBody, PropertyName, Seq, TenantId, Timestamp, TwinId};
use voltwin_graph::{Graph, GraphError};
use voltwin_ontology::Ontology;

use super::*;

const MODELS: &str = r#"[
    { "@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Pump;1", "@type": "Interface", "contents": [
        { "@type": "Property", "name": "flow", "schema": "double" },
        { "@type": "Property", "name": "tags", "schema": { "@type": "Array", "elementSchema": "string" } },
        { "@type": "Property", "name": "place", "schema": { "@type": "Object", "fields": [
            { "name": "city", "schema": "string" },
            { "name": "names", "schema": { "@type": "Map", "mapKey": { "name": "k", "schema": "string" },
                                           "mapValue": { "name": "v", "schema": "string" } } } ] } },
        { "@type": "Component", "name": "motor", "schema": "dtmi:example:Motor;1" },
        { "@type": "Telemetry", "name": "vibration", "schema": "double" },
        { "@type": "Relationship", "name": "feeds", "properties": [
            { "@type": "Property", "name": "diameter_m", "schema": "double" } ] } ] },
    { "@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Motor;1", "@type": "Interface", "contents": [
        { "@type": "Property", "name": "speed", "schema": "integer" },
        { "@type": "Property", "name": "maker", "schema": "string" },
        { "@type": "Telemetry", "name": "heat", "schema": "double" } ] },
    { "@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Valve;1", "@type": "Interface", "contents": [
        { "@type": "Property", "name": "flow", "schema": "double" },
        { "@type": "Property", "name": "open", "schema": "boolean" } ] }
]"#;

struct World {
    graph: Graph,
    seq: u64,
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + seconds as i64 * 1_000)
}

fn id(text: &str) -> TwinId {
    text.parse().unwrap()
}

impl World {
    fn new() -> Self {
        let ontology = Ontology::parse([("models", MODELS)]).unwrap();
        Self { graph: Graph::new(Arc::new(ontology)), seq: 0 }
    }

    /// The event is of as many seconds as its place in the journal.
    fn record(&mut self, twin: &str, draft: Draft) -> Result<(), GraphError> {
        let tenant: TenantId = "demo".parse().unwrap();
        self.seq += 1;
        let event = self.graph.check(&draft.into_event(tenant, id(twin), at(self.seq)))?;
        self.graph.apply(&event, Seq(self.seq));
        Ok(())
    }

    fn put(&mut self, twin: &str, document: &Json) -> Result<(), DocumentError> {
        let draft = created(&self.graph, &id(twin), document)?;
        Ok(self.record(twin, draft)?)
    }

    fn patch(&mut self, twin: &str, patch: &Json) -> Result<(), DocumentError> {
        let draft = patched(self.graph.twin(twin).unwrap(), patch)?;
        draft.map_or(Ok(()), |draft| Ok(self.record(twin, draft)?))
    }

    fn document(&self, twin: &str) -> Json {
        super::twin(self.graph.twin(twin).unwrap())
    }
}

fn pump() -> Json {
    json!({ "$metadata": { "$model": "dtmi:example:Pump;1", "flow": { "sourceTime": "2026-11-01T00:00:00Z" } },
            "flow": 1.5, "place": { "city": "Bern", "names": { "de": "Bern" } }, "tags": ["a", "b"],
            "motor": { "$metadata": {}, "speed": 50 } })
}

fn reason(result: Result<(), DocumentError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_twin_is_written_as_azure_writes_it() {
    let mut world = World::new();
    world.put("P", &pump()).unwrap();
    let first = "2026-11-18T11:06:41.0000000Z";
    let times = json!({ "lastUpdateTime": first, "sourceTime": first });
    assert_eq!(
        world.document("P"),
        json!({
            "$dtId": "P", "$etag": "W/\"1\"", "flow": 1.5, "place": { "city": "Bern", "names": { "de": "Bern" } },
            "tags": ["a", "b"],
            "motor": { "$metadata": { "$lastUpdateTime": first, "speed": times }, "speed": 50 },
            "$metadata": { "$model": "dtmi:example:Pump;1", "$lastUpdateTime": first,
                "flow": { "lastUpdateTime": first, "sourceTime": "2026-11-01T00:00:00.0000000Z" },
                "place": times, "tags": times }
        })
    );
    world.put("E", &json!({ "$metadata": { "$model": "dtmi:example:Pump;1" } })).unwrap();
    assert_eq!(world.document("E")["motor"], json!({ "$metadata": {} }), "a component is always there");
    assert_eq!(component(world.graph.twin("P").unwrap(), "motor").unwrap()["speed"], 50);
    assert_eq!(component(world.graph.twin("P").unwrap(), "flow"), None);
    assert_eq!(instant(Timestamp::from_micros(1_795_000_000_123_456)), "2026-11-18T11:06:40.1234560Z");
    assert!(instant(Timestamp::from_micros(999_999)) < instant(Timestamp::from_micros(1_000_000)));
}

#[test]
fn what_was_read_can_be_sent_back() {
    let mut world = World::new();
    world.put("P", &pump()).unwrap();
    let before = world.document("P");
    world.put("P", &before).unwrap();
    let after = world.document("P");
    for name in ["flow", "place", "tags"] {
        assert_eq!(after[name], before[name]);
        assert_eq!(after["$metadata"][name]["sourceTime"], before["$metadata"][name]["sourceTime"]);
    }
    assert_eq!(after["motor"]["speed"], 50);
    assert_ne!(after["$etag"], before["$etag"]);
}

#[test]
fn documents_of_the_wrong_form_are_named() {
    let mut world = World::new();
    let mut put = |document: Json| reason(world.put("P", &document));
    let with = |name: &str, value: Json| {
        let mut document = pump();
        document[name] = value;
        document
    };
    assert_eq!(put(json!([])), ": expected an object, found []");
    assert_eq!(put(json!({})), "/$metadata: expected an object, found null");
    assert_eq!(put(json!({ "$metadata": {} })), "/$metadata/$model: the id of a model must stand here");
    assert!(put(with("$dtId", json!("Q"))).starts_with("/$dtId: expected `P`"));
    assert!(put(with("$metadata", json!({ "$model": "Pump" }))).starts_with("/$metadata/$model: "));
    let unknown = json!({ "$model": "dtmi:example:Boat;1" });
    assert_eq!(put(with("$metadata", unknown)), "model: there is no model `dtmi:example:Boat;1`");
    assert_eq!(
        put(with("motor", json!({ "speed": 1 }))),
        "/motor/$metadata: a component must have it, if only as `{}`"
    );
    assert_eq!(put(with("motor", json!(7))), "/motor: a component must be an object");
    assert_eq!(put(with("flow", json!(null))), "flow: expected double, found null");
    assert!(put(with("motor", json!({ "$metadata": {}, "speed": "fast" }))).starts_with("motor.speed: "));
    assert!(put(with("motor.speed", json!(1))).contains("no dot"));
    let late = json!({ "$model": "dtmi:example:Pump;1", "flow": { "sourceTime": "now" } });
    assert!(put(with("$metadata", late)).starts_with("/$metadata/flow/sourceTime: "));
}

#[test]
fn patches_reach_into_properties_and_components() {
    let mut world = World::new();
    world.put("P", &pump()).unwrap();
    let patch = json!([
        { "op": "replace", "path": "/place/city", "value": "Basel" },
        { "op": "add", "path": "/place/names/a~1b", "value": "x" },
        { "op": "remove", "path": "/place/names/de" },
        { "op": "add", "path": "/tags/-", "value": "c" },
        { "op": "remove", "path": "/tags/0" },
        { "op": "replace", "path": "/motor/speed", "value": 60 },
        { "op": "add", "path": "/motor/maker", "value": "M" },
        { "op": "remove", "path": "/flow" },
    ]);
    world.patch("P", &patch).unwrap();
    let document = world.document("P");
    assert_eq!(document["place"], json!({ "city": "Basel", "names": { "a/b": "x" } }));
    assert_eq!(document["tags"], json!(["b", "c"]));
    assert_eq!((&document["motor"]["speed"], &document["motor"]["maker"]), (&json!(60), &json!("M")));
    assert_eq!(document.get("flow"), None);
    world
        .patch("P", &json!([{ "op": "add", "path": "/motor", "value": { "$metadata": {}, "maker": "N" } }]))
        .unwrap();
    assert_eq!(world.document("P")["motor"].get("speed"), None, "what a component does not name is removed");
    let draft = component_patched(
        world.graph.twin("P").unwrap(),
        "motor",
        &json!([{ "op": "add", "path": "/speed", "value": 1 }]),
    );
    world.record("P", draft.unwrap().unwrap()).unwrap();
    assert_eq!(world.document("P")["motor"]["speed"], 1);
    assert_eq!(world.document("P")["$etag"], "W/\"4\"");
    assert_eq!(patched(world.graph.twin("P").unwrap(), &json!([])), Ok(None));
    let unknown = component_patched(world.graph.twin("P").unwrap(), "flow", &json!([])).unwrap_err();
    assert_eq!(unknown.to_string(), "twin `P` has no component `flow`");
}

#[test]
fn patches_change_models_and_source_times() {
    let mut world = World::new();
    world.put("P", &pump()).unwrap();
    let source =
        |value: &str| json!([{ "op": "replace", "path": "/$metadata/flow/sourceTime", "value": value }]);
    world.patch("P", &source("2026-11-02T00:00:00Z")).unwrap();
    assert_eq!(world.document("P")["$metadata"]["flow"]["sourceTime"], "2026-11-02T00:00:00.0000000Z");
    assert_eq!(world.document("P")["flow"], 1.5);
    let times = json!([
        { "op": "replace", "path": "/motor/speed", "value": 9 },
        { "op": "add", "path": "/motor/$metadata/speed/sourceTime", "value": "2026-11-03T00:00:00Z" },
    ]);
    world.patch("P", &times).unwrap();
    assert_eq!(
        world.document("P")["motor"]["$metadata"]["speed"]["sourceTime"],
        "2026-11-03T00:00:00.0000000Z"
    );
    let retype = |rest: Json| {
        let mut patch =
            vec![json!({ "op": "replace", "path": "/$metadata/$model", "value": "dtmi:example:Valve;1" })];
        patch.extend(rest.as_array().unwrap().iter().cloned());
        Json::from(patch)
    };
    let error = world.patch("P", &retype(json!([]))).unwrap_err();
    assert!(matches!(error, DocumentError::Graph(GraphError::UnknownProperty { .. })), "{error}");
    let rest = json!([
        { "op": "remove", "path": "/motor" }, { "op": "remove", "path": "/place" }, { "op": "remove", "path": "/tags" },
        { "op": "add", "path": "/open", "value": true },
    ]);
    world.patch("P", &retype(rest)).unwrap();
    let valve = world.document("P");
    assert_eq!(
        (&valve["$metadata"]["$model"], &valve["open"], &valve["flow"]),
        (&json!("dtmi:example:Valve;1"), &json!(true), &json!(1.5))
    );
    assert_eq!(valve["$metadata"]["flow"]["sourceTime"], "2026-11-02T00:00:00.0000000Z");
}

#[test]
fn patches_that_cannot_be_done_do_nothing() {
    let mut world = World::new();
    world.put("P", &pump()).unwrap();
    let before = world.document("P");
    let mut refused = |operation: Json| {
        let fine = json!({ "op": "add", "path": "/flow", "value": 9.0 });
        reason(world.patch("P", &json!([fine, operation])))
    };
    assert_eq!(refused(json!({})), "operation 1, ``: `op` must be add, replace or remove");
    assert_eq!(
        refused(json!({ "op": "move", "from": "/a", "path": "/b" })),
        "operation 1, `/b`: `op` must be add, replace or remove"
    );
    assert_eq!(
        refused(json!({ "op": "add", "path": "flow", "value": 1 })),
        "operation 1, `flow`: `path` must be a JSON pointer such as `/name`"
    );
    assert_eq!(refused(json!({ "op": "add", "path": "/flow" })), "operation 1, `/flow`: `value` is missing");
    for path in ["/$dtId", "/$etag"] {
        let text = refused(json!({ "op": "replace", "path": path, "value": "x" }));
        assert!(text.ends_with("cannot be changed"), "{text}");
    }
    for path in ["/motor/maker", "/place/street", "/tags/7", "/place/names/en"] {
        assert!(
            refused(json!({ "op": "replace", "path": path, "value": "x" })).starts_with("operation 1, "),
            "{path}"
        );
        assert!(refused(json!({ "op": "remove", "path": path })).starts_with("operation 1, "), "{path}");
    }
    assert!(refused(json!({ "op": "add", "path": "/flow/x", "value": 1 })).contains("no object or array"));
    assert!(refused(json!({ "op": "add", "path": "/tags/01", "value": "x" })).contains("elements"));
    assert!(refused(json!({ "op": "remove", "path": "/motor" })).contains("cannot be removed"));
    assert!(
        refused(json!({ "op": "replace", "path": "/motor", "value": { "speed": 1 } }))
            .contains("`$metadata`")
    );
    assert!(
        refused(json!({ "op": "replace", "path": "/$metadata/$lastUpdateTime", "value": "x" }))
            .contains("only `$model`")
    );
    assert!(
        refused(
            json!({ "op": "replace", "path": "/$metadata/wings/sourceTime", "value": "2026-11-02T00:00:00Z" })
        )
        .contains("no such value")
    );
    assert!(refused(json!({ "op": "remove", "path": "/$metadata/$model" })).contains("must have a model"));
    assert!(refused(json!({ "op": "add", "path": "/", "value": 1 })).contains("property name"));
    assert_eq!(
        refused(json!({ "op": "add", "path": "/wings", "value": 1 })),
        "wings: `dtmi:example:Pump;1` has no such property"
    );
    assert!(reason(world.patch("P", &json!({}))).contains("array of operations"));
    assert_eq!(world.document("P"), before);
}

#[test]
fn relationships_are_read_written_and_patched() {
    let mut world = World::new();
    for name in ["P", "Q", "R"] {
        world.put(name, &pump()).unwrap();
    }
    let document = json!({ "$targetId": "Q", "$relationshipName": "feeds", "diameter_m": 0.1 });
    let link = |world: &World, document: &Json| {
        linked(world.graph.twin("P").unwrap(), &"f".parse().unwrap(), document)
    };
    let draft = link(&world, &document).unwrap();
    world.record("P", draft).unwrap();
    let written = super::link(&world.graph.twin("P").unwrap().link("f").unwrap());
    assert_eq!(
        written,
        json!({ "$relationshipId": "f", "$sourceId": "P", "$targetId": "Q", "$relationshipName": "feeds",
                "$etag": "W/\"4\"", "diameter_m": 0.1 })
    );
    assert!(link(&world, &written).is_ok(), "what was read can be sent back");
    let elsewhere = json!({ "$targetId": "R", "$relationshipName": "feeds" });
    assert!(matches!(link(&world, &elsewhere), Err(DocumentError::LinkExists { .. })));
    assert_eq!(link(&world, &json!({})).unwrap_err().to_string(), "/$targetId: a text must stand here");
    assert!(
        link(&world, &json!({ "$targetId": "Q", "$relationshipName": "feeds", "$sourceId": "Q" })).is_err()
    );
    let patch =
        |world: &World, patch: Json| link_patched(&world.graph.twin("P").unwrap().link("f").unwrap(), &patch);
    let draft =
        patch(&world, json!([{ "op": "replace", "path": "/diameter_m", "value": 0.2 }])).unwrap().unwrap();
    world.record("P", draft).unwrap();
    let twin = world.graph.twin("P").unwrap();
    assert_eq!(super::link(&twin.link("f").unwrap())["diameter_m"], 0.2);
    assert_eq!(incoming(&twin.link("f").unwrap())["$relationshipLink"], "/digitaltwins/P/relationships/f");
    assert!(patch(&world, json!([{ "op": "replace", "path": "/$targetId", "value": "R" }])).is_err());
    assert_eq!(patch(&world, json!([])), Ok(None));
    assert!(matches!(deleted(twin), Err(DocumentError::HasRelationships { .. })));
    assert!(deleted(world.graph.twin("Q").unwrap()).is_err(), "nor while one points to it");
    assert_eq!(deleted(world.graph.twin("R").unwrap()).unwrap().body, EventBody::Deleted);
}

#[test]
fn telemetry_is_what_the_model_says() {
    let mut world = World::new();
    world.put("P", &pump()).unwrap();
    let check = |component: Option<&str>, payload: Json| {
        check_telemetry(world.graph.twin("P").unwrap(), component, &payload).map_err(|e| e.to_string())
    };
    assert_eq!(check(None, json!({ "vibration": 0.5 })), Ok(()));
    assert_eq!(check(Some("motor"), json!({ "heat": 7 })), Ok(()));
    assert_eq!(
        check(None, json!({ "flow": 1 })),
        Err("/flow: `dtmi:example:Pump;1` has no such telemetry".into())
    );
    assert!(
        check(None, json!({ "vibration": "much" })).unwrap_err().starts_with("/vibration: expected double")
    );
    assert!(check(Some("wing"), json!({})).unwrap_err().contains("no component"));
    assert!(check(None, json!(7)).is_err());
}

/// RFC 6902 on plain JSON, for what it says of one level of a map.
fn oracle(
    mut fields: serde_json::Map<String, Json>,
    patch: &[(&str, &str, i64)],
) -> Option<serde_json::Map<String, Json>> {
    for (verb, name, value) in patch {
        match (*verb, fields.contains_key(*name)) {
            ("add", _) | ("replace", true) => {
                fields.insert((*name).to_owned(), value.to_string().into());
            }
            ("remove", true) => drop(fields.remove(*name)),
            _ => return None,
        }
    }
    Some(fields)
}

proptest! {
    #[test]
    fn nested_patches_are_those_of_the_standard(
        patch in prop::collection::vec(
            (prop::sample::select(vec!["add", "replace", "remove"]), prop::sample::select(vec!["a", "b", "c"]), 0i64..9),
            0..8,
        ),
    ) {
        let mut world = World::new();
        let names = json!({ "a": "1", "b": "2" });
        let mut document = pump();
        document["place"]["names"] = names.clone();
        world.put("P", &document).unwrap();
        let operations: Vec<Json> = patch
            .iter()
            .map(|(op, name, value)| json!({ "op": op, "path": format!("/place/names/{name}"), "value": value.to_string() }))
            .collect();
        let expected = oracle(names.as_object().unwrap().clone(), &patch);
        let outcome = world.patch("P", &operations.into());
        prop_assert_eq!(outcome.is_ok(), expected.is_some());
        let after = expected.map_or(names, Json::from);
        prop_assert_eq!(&world.document("P")["place"]["names"], &after);
    }

    #[test]
    fn any_patch_is_done_or_refused(
        parts in prop::collection::vec(
            prop::collection::vec(prop::sample::select(vec![
                "$metadata", "$model", "sourceTime", "flow", "motor", "speed", "place", "names", "tags", "0", "-", "x", "",
            ]), 1..4),
            0..5,
        ),
        values in prop::collection::vec(prop::sample::select(vec![
            json!(1), json!("2026-11-02T00:00:00Z"), json!({}), json!({ "$metadata": {}, "speed": 3 }), json!(["a"]),
            json!("dtmi:example:Valve;1"), json!(null),
        ]), 5),
        verbs in prop::collection::vec(prop::sample::select(vec!["add", "replace", "remove"]), 5),
    ) {
        let mut world = World::new();
        world.put("P", &pump()).unwrap();
        let before = world.document("P");
        let operations: Vec<Json> = parts.iter().zip(&values).zip(&verbs)
            .map(|((path, value), verb)| json!({ "op": verb, "path": format!("/{}", path.join("/")), "value": value }))
            .collect();
        if world.patch("P", &operations.into()).is_err() {
            prop_assert_eq!(world.document("P"), before);
        }
        let again = Graph::from_snapshot(world.graph.ontology().clone(), &world.graph.snapshot_bytes()).unwrap();
        prop_assert_eq!(super::twin(again.twin("P").unwrap()), world.document("P"));
    }
}

#[test]
fn an_event_says_that_it_was_decided() {
    let draft = Draft { body: EventBody::Deleted, sources: vec![(PropertyName::new("x").unwrap(), at(1))] };
    let event: Event = draft.into_event("demo".parse().unwrap(), id("P"), at(2));
    assert!(
        event.decided
            && event.at == event.received
            && event.source_of("x") == at(1)
            && event.source_of("y") == at(2)
    );
}
