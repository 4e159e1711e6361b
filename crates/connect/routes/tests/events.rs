//! Events of changes, held to bodies written by hand in the form in which Azure Digital Twins documents them.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use voltwin_core::{Event, EventBody, PropertyName, Seq, Sequenced, Timestamp, TraceId, Value};
use voltwin_document as document;
use voltwin_graph::Graph;
use voltwin_ontology::Ontology;
use voltwin_routes::history::{Action, Row, rows};
use voltwin_routes::{Before, Change, CloudEvent, Telemetry, changes};

const SOURCE: &str = "demo.voltwin";

/// A graph in which things happen one after the other.
struct World {
    graph: Graph,
    seq: u64,
}

impl World {
    fn new() -> Self {
        Self { graph: Graph::new(Ontology::built_in()), seq: 0 }
    }

    fn happen(&mut self, twin: &str, body: EventBody) -> Option<Change> {
        self.all(twin, body).pop()
    }

    fn all(&mut self, twin: &str, body: EventBody) -> Vec<Change> {
        self.seq += 1;
        let received: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let received = received.plus_seconds(self.seq as f64);
        let event = Event::new("demo".parse().unwrap(), twin.parse().unwrap(), received, received, body)
            .traced(TraceId(0x18f4_e34b_3e4a_784a_adf5_9139_1753_7e7d));
        let event = self.graph.check(&event).unwrap();
        let before = Before::of(&self.graph, &event).unwrap_or_default();
        self.graph.apply(&event, Seq(self.seq));
        let before = before.then(&self.graph, &event);
        changes(&Sequenced { seq: Seq(self.seq), event }, &before)
    }

    fn event(&mut self, twin: &str, body: EventBody) -> Json {
        let change = self.happen(twin, body).expect("a change");
        told(&CloudEvent::of_change(change, &"demo".parse().unwrap(), SOURCE, 40 + self.seq))
    }
}

fn told(event: &CloudEvent) -> Json {
    let json: Json = serde_json::from_str(&event.structured()).unwrap();
    let back: CloudEvent = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(back, *event);
    json
}

fn named<const N: usize>(values: [(&str, Value); N]) -> BTreeMap<PropertyName, Value> {
    values.into_iter().map(|(name, value)| (PropertyName::new(name).unwrap(), value)).collect()
}

fn vehicle(properties: BTreeMap<PropertyName, Value>) -> EventBody {
    EventBody::Created { model: "dtmi:voltwin:Vehicle;1".parse().unwrap(), properties }
}

/// Everything but what is derived and therefore looks random.
fn plain(mut event: Json) -> Json {
    let fields = event.as_object_mut().unwrap();
    let id = fields.remove("id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 36);
    let trace = fields.remove("traceparent").unwrap();
    let parts: Vec<&str> = trace.as_str().unwrap().split('-').collect();
    assert_eq!(parts[..2], ["00", "18f4e34b3e4a784aadf5913917537e7d"]);
    assert!(parts[2].len() == 16 && parts[2] != "0000000000000000" && parts[3] == "01");
    event
}

#[test]
fn the_life_of_a_twin() {
    let mut world = World::new();
    let created = world.event("EV-1", vehicle(named([("soc", 0.5.into()), ("name", "Van".into())])));
    assert_eq!(
        plain(created),
        json!({
            "specversion": "1.0", "type": "Microsoft.DigitalTwins.Twin.Create", "source": "demo.voltwin",
            "subject": "EV-1", "time": "2026-11-21T08:00:01Z", "datacontenttype": "application/json",
            "sequence": "41",
            "data": {
                "$dtId": "EV-1", "$etag": "W/\"1\"", "soc": 0.5, "name": "Van",
                "$metadata": {
                    "$model": "dtmi:voltwin:Vehicle;1", "$lastUpdateTime": "2026-11-21T08:00:01.0000000Z",
                    "soc": {"lastUpdateTime": "2026-11-21T08:00:01.0000000Z",
                        "sourceTime": "2026-11-21T08:00:01.0000000Z"},
                    "name": {"lastUpdateTime": "2026-11-21T08:00:01.0000000Z",
                        "sourceTime": "2026-11-21T08:00:01.0000000Z"},
                },
            },
        })
    );
    let patch = EventBody::Patched {
        values: vec![
            (PropertyName::new("soc").unwrap(), Some(0.6.into())),
            (PropertyName::new("speed_mps").unwrap(), Some(3.0.into())),
            (PropertyName::new("name").unwrap(), None),
        ],
    };
    let updated = world.event("EV-1", patch);
    assert_eq!(
        plain(updated),
        json!({
            "specversion": "1.0", "type": "Microsoft.DigitalTwins.Twin.Update", "source": "demo.voltwin",
            "subject": "EV-1", "time": "2026-11-21T08:00:02Z", "datacontenttype": "application/json",
            "sequence": "42",
            "data": {
                "modelId": "dtmi:voltwin:Vehicle;1",
                "patch": [
                    {"op": "replace", "path": "/soc", "value": 0.6},
                    {"op": "add", "path": "/speed_mps", "value": 3.0},
                    {"op": "remove", "path": "/name"},
                ],
            },
        })
    );
    let replaced = world.event("EV-1", vehicle(named([("soc", 0.7.into()), ("status", "Parked".into())])));
    assert_eq!(replaced["type"], "Microsoft.DigitalTwins.Twin.Update");
    assert_eq!(
        replaced["data"]["patch"],
        json!([
            {"op": "remove", "path": "/speed_mps"},
            {"op": "replace", "path": "/soc", "value": 0.7},
            {"op": "add", "path": "/status", "value": "Parked"},
        ])
    );
    let last = world.graph.twin("EV-1").map(document::twin).unwrap();
    let deleted = world.event("EV-1", EventBody::Deleted);
    assert_eq!(deleted["type"], "Microsoft.DigitalTwins.Twin.Delete");
    assert_eq!(deleted["data"], last);
    assert_eq!(deleted["data"]["$etag"], "W/\"3\"");
}

fn pack() -> EventBody {
    let model = "dtmi:voltwin:BatteryPack;1".parse().unwrap();
    EventBody::Created { model, properties: BTreeMap::new() }
}

#[test]
fn the_life_of_a_relationship() {
    let mut world = World::new();
    world.happen("EV-1", vehicle(BTreeMap::new()));
    world.happen("P-1", pack());
    world.happen("P-2", pack());
    let link = |target: &str| EventBody::Linked {
        id: "has".parse().unwrap(),
        name: PropertyName::new("hasPack").unwrap(),
        target: target.parse().unwrap(),
        properties: BTreeMap::new(),
    };
    let created = world.event("EV-1", link("P-1"));
    assert_eq!(created["type"], "Microsoft.DigitalTwins.Relationship.Create");
    assert_eq!(created["subject"], "EV-1/relationships/has");
    let body = json!({
        "$relationshipId": "has", "$etag": "W/\"4\"", "$sourceId": "EV-1", "$relationshipName": "hasPack",
        "$targetId": "P-1",
    });
    assert_eq!(created["data"], body);
    assert!(world.happen("EV-1", link("P-1")).is_none(), "nothing changed");
    let updated = world.event("EV-1", link("P-2"));
    assert_eq!(updated["type"], "Microsoft.DigitalTwins.Relationship.Update");
    assert_eq!(
        updated["data"],
        json!({"modelId": "dtmi:voltwin:Vehicle;1",
            "patch": [{"op": "replace", "path": "/$targetId", "value": "P-2"}]})
    );
    let last = document::link(&world.graph.twin("EV-1").unwrap().link("has").unwrap());
    let deleted = world.event("EV-1", EventBody::Unlinked { id: "has".parse().unwrap() });
    assert_eq!(deleted["type"], "Microsoft.DigitalTwins.Relationship.Delete");
    assert_eq!(deleted["data"], last);
    assert_eq!(deleted["data"]["$targetId"], "P-2");
}

#[test]
fn a_deleted_twin_takes_its_relationships_along() {
    let mut world = World::new();
    world.happen("EV-1", vehicle(BTreeMap::new()));
    for (id, target) in [("b", "P-2"), ("a", "P-1")] {
        world.happen(target, pack());
        let link = EventBody::Linked {
            id: id.parse().unwrap(),
            name: PropertyName::new("hasPack").unwrap(),
            target: target.parse().unwrap(),
            properties: BTreeMap::new(),
        };
        world.happen("EV-1", link);
    }
    let gone = world.all("EV-1", EventBody::Deleted);
    let tenant = "demo".parse().unwrap();
    let events: Vec<CloudEvent> =
        gone.into_iter().map(|change| CloudEvent::of_change(change, &tenant, SOURCE, 1)).collect();
    let told: Vec<(&str, Option<&str>)> = events
        .iter()
        .map(|event| (event.kind.rsplit_once('.').unwrap().0, event.subject.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("Microsoft.DigitalTwins.Relationship", Some("EV-1/relationships/a")),
            ("Microsoft.DigitalTwins.Relationship", Some("EV-1/relationships/b")),
            ("Microsoft.DigitalTwins.Twin", Some("EV-1")),
        ]
    );
    assert_eq!(events[0].data["$targetId"], "P-1");
    assert!(events[0].id != events[1].id && events[1].id != events[2].id);
}

#[test]
fn models_and_changes_of_a_model_are_told() {
    let mut world = World::new();
    let text = r#"{"@id":"dtmi:demo:Bus;1","@type":"Interface","@context":"dtmi:dtdl:context;3","extends":"dtmi:voltwin:Vehicle;1"}"#;
    let bus: voltwin_core::Dtmi = "dtmi:demo:Bus;1".parse().unwrap();
    let added = voltwin_core::ModelsFact::Added {
        models: vec![voltwin_core::ModelDocument { id: bus.clone(), text: text.into() }],
    };
    let created = world.event("$models", EventBody::Models(added));
    assert_eq!(created["type"], "Voltwin.DigitalTwins.Model.Create");
    assert_eq!(
        (&created["subject"], &created["data"]["@id"]),
        (&json!("dtmi:demo:Bus;1"), &json!("dtmi:demo:Bus;1"))
    );
    world.happen("EV-1", vehicle(named([("soc", 0.5.into())])));
    let values = vec![(PropertyName::new("soc").unwrap(), Some(0.6.into()))];
    let retyped = world.event("EV-1", EventBody::Retyped { model: bus.clone(), values });
    assert_eq!(
        retyped["data"],
        json!({"modelId": "dtmi:demo:Bus;1", "patch": [
            {"op": "replace", "path": "/$metadata/$model", "value": "dtmi:demo:Bus;1"},
            {"op": "replace", "path": "/soc", "value": 0.6},
        ]})
    );
    let out = voltwin_core::ModelsFact::Decommissioned { model: bus, decommissioned: true };
    let updated = world.event("$models", EventBody::Models(out));
    assert_eq!(updated["type"], "Voltwin.DigitalTwins.Model.Update");
    assert_eq!(
        updated["data"],
        json!({"modelId": "dtmi:demo:Bus;1",
            "patch": [{"op": "replace", "path": "/decommissioned", "value": true}]})
    );
}

#[test]
fn telemetry_keeps_the_id_of_its_sender() {
    let telemetry = Telemetry {
        id: "m-1".into(),
        twin: "EV-1".parse().unwrap(),
        component: Some("pack".into()),
        model: Some("dtmi:voltwin:Vehicle;1".parse().unwrap()),
        at: "2026-11-21T08:00:00Z".parse().unwrap(),
        trace: Some(TraceId(0x18f4_e34b_3e4a_784a_adf5_9139_1753_7e7d)),
        data: json!({"Temperature": 10}),
    };
    let mut event = told(&CloudEvent::of_telemetry(telemetry, &"demo".parse().unwrap(), SOURCE, 7));
    assert_eq!(event["id"], "m-1");
    event["id"] = "0".repeat(36).into();
    assert_eq!(
        plain(event),
        json!({
            "specversion": "1.0", "type": "microsoft.iot.telemetry", "source": "demo.voltwin/EV-1", "subject": "pack",
            "time": "2026-11-21T08:00:00Z", "datacontenttype": "application/json",
            "dataschema": "dtmi:voltwin:Vehicle;1", "sequence": "7", "data": {"Temperature": 10},
        })
    );
}

#[test]
fn the_same_event_has_the_same_id_and_another_another() {
    let id = |tenant: &str, seq: u64| {
        let event = Event::new(
            tenant.parse().unwrap(),
            "EV-1".parse().unwrap(),
            Timestamp::from_micros(0),
            Timestamp::from_micros(0),
            EventBody::patch([("soc", 0.5.into())]),
        );
        let change = changes(&Sequenced { seq: Seq(seq), event }, &Before::default()).pop().unwrap();
        CloudEvent::of_change(change, &tenant.parse().unwrap(), SOURCE, seq).id
    };
    assert_eq!(id("a", 1), id("a", 1));
    assert_ne!(id("a", 1), id("a", 2));
    assert_ne!(id("a", 1), id("b", 1));
}

#[test]
fn binary_mode_has_attributes_in_headers() {
    let event = CloudEvent {
        id: "m 1".into(),
        source: SOURCE.into(),
        kind: "microsoft.iot.telemetry".into(),
        subject: Some("Zoë \"%".into()),
        time: Some("2026-11-21T08:00:00Z".parse().unwrap()),
        dataschema: None,
        traceparent: None,
        sequence: 9,
        data: json!({"a": 1}),
    };
    let (headers, body) = event.binary();
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
    assert_eq!(body, r#"{"a":1}"#);
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("ce-specversion"), Some("1.0"));
    assert_eq!(header("ce-id"), Some("m%201"));
    assert_eq!(header("ce-subject"), Some("Zo%C3%AB%20%22%25"));
    assert_eq!(header("ce-sequence"), Some("9"));
    assert_eq!(header("ce-dataschema"), None);
    assert!(headers.iter().all(|(_, value)| value.bytes().all(|b| (0x21..0x7f).contains(&b) || b == b' ')));
}

#[test]
fn what_is_no_change_of_the_graph_is_told_to_nobody() {
    let mut world = World::new();
    world.happen("EV-1", vehicle(named([("soc", 0.5.into())])));
    let again = vehicle(named([("soc", 0.5.into())]));
    assert!(world.happen("EV-1", again).is_none());
    let nothing = EventBody::Patched { values: vec![(PropertyName::new("name").unwrap(), None)] };
    assert!(world.happen("EV-1", nothing).is_none(), "what was not there cannot be taken away");
    let note = voltwin_core::NoteFact { topic: "x".into(), detail: json!({}) };
    assert!(world.happen("EV-1", EventBody::Note(note)).is_none());
}

#[test]
fn rows_of_the_three_tables() {
    let mut world = World::new();
    let at = |second: u32| -> Timestamp { format!("2026-11-21T08:00:0{second}Z").parse().unwrap() };
    let created = rows(&world.happen("EV-1", vehicle(named([("soc", 0.5.into())]))).unwrap());
    let (twin, model) = ("EV-1".to_owned(), "dtmi:voltwin:Vehicle;1".to_owned());
    let expected =
        Row::Twin { twin: twin.clone(), time: at(1), action: Action::Create, model: model.clone() };
    assert_eq!(created, [expected]);
    let cells = Value::Json(Arc::new(json!({"roll": 20})));
    let patch = EventBody::patch([("soc", 0.6.into()), ("name", "Van".into())]);
    let updated = rows(&world.happen("EV-1", patch).unwrap());
    let row = |key: &str, value: Json| Row::Property {
        time: at(2),
        source_time: at(2),
        twin: twin.clone(),
        model: model.clone(),
        key: key.into(),
        value: Some(value),
        relationship: None,
    };
    assert_eq!(updated, [row("soc", json!(0.6)), row("name", json!("Van"))]);
    assert_eq!(cells.to_json()["roll"], 20);
    let deleted = rows(&world.happen("EV-1", EventBody::Deleted).unwrap());
    assert_eq!(deleted, [Row::Twin { twin, time: at(3), action: Action::Delete, model }]);
}
