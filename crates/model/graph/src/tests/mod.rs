use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use voltwin_core::{
    AuditFact, Dtmi, Event, EventBody, PropertyMap, PropertyName, Seq, TenantId, Timestamp, TwinId, Value,
};
use voltwin_ontology::Ontology;

use crate::{Applied, Cells, Graph, GraphError, ValueRef, Way};

mod models;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + seconds * 1_000)
}

fn event(twin: &str, seconds: i64, body: EventBody) -> Event {
    let tenant: TenantId = "demo".parse().unwrap();
    Event::new(tenant, twin.parse().unwrap(), at(seconds), at(seconds + 1), body)
}

fn map(values: &[(&str, Value)]) -> PropertyMap {
    values.iter().map(|(name, value)| (name.parse().unwrap(), value.clone())).collect()
}

fn created(model: &str, values: &[(&str, Value)]) -> EventBody {
    EventBody::Created { model: format!("dtmi:voltwin:{model};1").parse().unwrap(), properties: map(values) }
}

fn linked(id: &str, name: &str, target: &str) -> EventBody {
    EventBody::Linked {
        id: id.parse().unwrap(),
        name: name.parse().unwrap(),
        target: target.parse().unwrap(),
        properties: PropertyMap::new(),
    }
}

fn unlinked(id: &str) -> EventBody {
    EventBody::Unlinked { id: id.parse().unwrap() }
}

struct Journal {
    graph: Graph,
    next: u64,
}

impl Journal {
    fn new() -> Self {
        Self { graph: Graph::new(Ontology::built_in()), next: 1 }
    }

    fn put(&mut self, twin: &str, seconds: i64, body: EventBody) -> Applied {
        let checked = self.graph.check(&event(twin, seconds, body)).unwrap();
        let applied = self.graph.apply(&checked, Seq(self.next));
        self.next += 1;
        applied
    }

    fn refuse(&self, twin: &str, body: EventBody) -> GraphError {
        self.graph.check(&event(twin, 0, body)).unwrap_err()
    }
}

#[test]
fn a_twin_is_created_patched_replaced_and_deleted() {
    let mut j = Journal::new();
    j.put("V", 0, created("Vehicle", &[("name", "one".into()), ("soc", Value::Int(1))]));
    let twin = j.graph.twin("V").unwrap();
    assert_eq!((twin.f64("soc"), twin.text("name"), twin.get("speed_mps")), (Some(1.0), Some("one"), None));
    assert_eq!((twin.etag().as_str(), twin.changed_seq(), twin.updated()), ("W/\"1\"", Seq(1), at(1)));
    j.put("V", 5, EventBody::patch([("soc", Value::from(0.5)), ("status", "Driving".into())]));
    let twin = j.graph.twin("V").unwrap();
    assert_eq!(twin.times("soc"), Some((at(5), at(6))));
    assert_eq!(twin.times("name"), Some((at(0), at(1))));
    let names: Vec<&str> = twin.properties().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["name", "soc", "status"]);
    j.put("V", 6, created("Vehicle", &[("soc", 0.9.into())]));
    let twin = j.graph.twin("V").unwrap();
    assert_eq!((twin.get("name"), twin.f64("soc")), (None, Some(0.9)));
    j.put("V", 7, EventBody::Deleted);
    assert!(j.graph.is_empty() && j.graph.twin("V").is_none());
}

#[test]
fn late_telemetry_does_not_overwrite() {
    let mut j = Journal::new();
    j.put("V", 100, created("Vehicle", &[("soc", 0.1.into())]));
    assert_eq!(j.put("V", 10, EventBody::patch([("soc", 0.2.into())])), Applied::Changed, "creation is open");
    j.put("V", 20, EventBody::patch([("soc", 0.3.into())]));
    assert_eq!(j.put("V", 19, EventBody::patch([("soc", 0.4.into())])), Applied::Unchanged);
    assert_eq!(j.graph.twin("V").unwrap().changed_seq(), Seq(3), "an unchanged twin keeps its tag");
    let mixed = EventBody::patch([("soc", 0.4.into()), ("speed_mps", 3.0.into())]);
    assert_eq!(j.put("V", 19, mixed), Applied::Changed);
    let twin = j.graph.twin("V").unwrap();
    assert_eq!((twin.f64("soc"), twin.f64("speed_mps")), (Some(0.3), Some(3.0)));
    assert_eq!(
        j.put("V", 20, EventBody::patch([("soc", 0.5.into())])),
        Applied::Changed,
        "same time, later word"
    );
    let removal = EventBody::Patched { values: vec![("soc".parse().unwrap(), None)] };
    assert_eq!(j.put("V", 30, removal), Applied::Changed);
    assert_eq!(j.put("V", 25, EventBody::patch([("soc", 0.6.into())])), Applied::Unchanged);
    assert_eq!(j.graph.twin("V").unwrap().get("soc"), None);
    assert_eq!(j.put("V", 1, created("Vehicle", &[("soc", 0.7.into())])), Applied::Changed);
    assert_eq!(j.graph.twin("V").unwrap().f64("soc"), Some(0.7));
}

#[test]
fn relationships_are_seen_from_both_ends_and_dangle() {
    let mut j = Journal::new();
    for (id, model) in [("S", "ChargingStation"), ("S:1", "EVSE"), ("S:2", "EVSE")] {
        j.put(id, 0, created(model, &[]));
    }
    j.put("S", 0, linked("e1", "hasEvse", "S:1"));
    j.put("S", 0, linked("e2", "hasEvse", "S:2"));
    let ids =
        |g: &Graph, id: &str| g.twin(id).unwrap().related("hasEvse").map(|t| t.id().to_string()).collect();
    let both: Vec<String> = ids(&j.graph, "S");
    assert_eq!(both, ["S:1", "S:2"]);
    assert_eq!(j.graph.twin("S:2").unwrap().incoming().next().unwrap().source.as_str(), "S");
    assert_eq!(j.graph.twin("S:2").unwrap().related_from("hasEvse").count(), 1);
    assert_eq!(j.graph.twin("S").unwrap().changed_seq(), Seq(1), "relationships have their own tags");
    assert_eq!(j.graph.twin("S").unwrap().link("e2").unwrap().etag(), "W/\"5\"");
    j.put("S:1", 1, EventBody::Deleted);
    assert_eq!(ids(&j.graph, "S"), ["S:2"]);
    assert_eq!(j.graph.twin("S").unwrap().outgoing().count(), 2, "one of them dangles");
    j.put("S:1", 2, created("EVSE", &[]));
    assert_eq!(j.graph.twin("S:1").unwrap().incoming().count(), 1, "and holds again");
    j.put("S", 3, linked("e1", "hasEvse", "S:2"));
    assert_eq!(j.graph.twin("S:1").unwrap().incoming().count(), 0, "the same id replaces");
    j.put("S", 4, unlinked("e1"));
    j.put("S", 5, EventBody::Deleted);
    assert_eq!((j.graph.link_count(), j.graph.twin("S:2").unwrap().incoming().count()), (0, 0));
}

#[test]
fn twins_of_a_model_include_those_that_extend_it() {
    let mut j = Journal::new();
    j.put("V", 0, created("Vehicle", &[]));
    j.put("S", 0, created("Site", &[]));
    j.put("H", 0, created("Hub", &[]));
    assert_eq!(j.graph.count_of("dtmi:voltwin:ZoneMember;1"), 2);
    assert_eq!(j.graph.count_of("dtmi:digitaltwins:ngsi_ld:cim:energy:ElectricVehicle;1"), 1);
    let mut ids: Vec<&str> = j.graph.twins_of("dtmi:voltwin:ZoneMember;1").map(|t| t.id().as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["S", "V"]);
    assert_eq!(j.graph.twins().count(), 3);
    assert_eq!(j.graph.count_of("dtmi:voltwin:None;1"), 0);
}

#[test]
fn what_does_not_fit_is_named() {
    let mut j = Journal::new();
    j.put("V", 0, created("Vehicle", &[]));
    j.put("B", 0, created("BatteryPack", &[]));
    j.put("C", 0, created("Connector", &[]));
    j.put("D", 0, created("Connector", &[]));
    j.put("V", 0, linked("p", "pluggedInto", "C"));
    let said = |error: GraphError| (error.to_string(), error.field().map(str::to_owned), error.limit());
    let patch = |name: &str, value: Value| EventBody::Patched {
        values: vec![(PropertyName::new(name).unwrap(), Some(value))],
    };
    let cases = [
        (j.refuse("X", EventBody::Deleted), "there is no twin `X`", None),
        (
            j.refuse("X", created("Boat", &[])),
            "model: there is no model `dtmi:voltwin:Boat;1`",
            Some("model"),
        ),
        (
            j.refuse("V", created("Hub", &[])),
            "model: twin `V` is a `dtmi:voltwin:Vehicle;1` and cannot become a `dtmi:voltwin:Hub;1`",
            Some("model"),
        ),
        (
            j.refuse("V", patch("wings", 1.into())),
            "wings: `dtmi:voltwin:Vehicle;1` has no such property",
            Some("wings"),
        ),
        (j.refuse("V", patch("soc", "full".into())), "soc: expected double, found \"full\"", Some("soc")),
        (
            j.refuse("V", patch("soc", Value::Double(f64::NAN))),
            "soc: NaN is not a finite number",
            Some("soc"),
        ),
        (
            j.refuse("V", linked("x", "owns", "B")),
            "name: `dtmi:voltwin:Vehicle;1` has no relationship `owns`",
            Some("name"),
        ),
        (j.refuse("V", linked("x", "hasPack", "Y")), "target: there is no twin `Y`", Some("target")),
        (
            j.refuse("V", linked("x", "hasPack", "C")),
            "target: `C` is a `dtmi:voltwin:Connector;1`, but `hasPack` takes a `dtmi:voltwin:BatteryPack;1`",
            Some("target"),
        ),
        (
            j.refuse("V", linked("x", "hasPack", "V")),
            "target: `V` cannot be related to itself",
            Some("target"),
        ),
        (j.refuse("V", unlinked("x")), "id: twin `V` has no relationship `x`", Some("id")),
    ];
    for (error, text, field) in cases {
        assert_eq!(said(error), (text.to_owned(), field.map(str::to_owned), None));
    }
    let error = j.refuse("V", linked("q", "pluggedInto", "D"));
    assert_eq!(error.limit(), Some(1), "{error}");
    assert!(
        j.graph.check(&event("V", 0, linked("p", "pluggedInto", "D"))).is_ok(),
        "replacing keeps the number"
    );
}

#[test]
fn limits_hold() {
    let mut j = Journal::new();
    j.put("V", 0, created("Vehicle", &[]));
    j.put("B", 0, created("BatteryPack", &[]));
    j.put("Z", 0, created("Zone", &[]));
    let text = |n: usize| Value::from("x".repeat(n));
    assert!(j.graph.check(&event("V", 0, EventBody::patch([("name", text(4096))]))).is_ok());
    let error = j.refuse("V", EventBody::patch([("name", text(4097))]));
    assert_eq!(error.to_string(), "name: a text of 4097 bytes is longer than 4096");
    let cells = |n: usize| Value::from(json!(vec![3.7; n]));
    j.put("B", 0, EventBody::patch([("cell_voltage_v", cells(1_200)), ("cell_soc", cells(1_200))]));
    let error = j.refuse("B", EventBody::patch([("cell_temp_c", cells(1_200))]));
    assert_eq!(error.limit(), Some(32 * 1024), "{error}");
    assert!(
        j.graph.check(&event("B", 0, EventBody::patch([("cell_soc", cells(1_200))]))).is_ok(),
        "it replaces"
    );
    let many = (0..1_001).map(|_| ("soc".parse().unwrap(), None)).collect();
    assert_eq!(j.refuse("V", EventBody::Patched { values: many }).limit(), Some(1_000));
}

#[test]
fn facts_that_the_graph_does_not_hold_only_move_its_sequence() {
    let mut graph = Graph::new(Ontology::built_in());
    let audit = AuditFact { by: "a".into(), action: "b".into(), detail: String::new() };
    let event = event("X", 0, EventBody::Audit(audit));
    assert_eq!(graph.check(&event).unwrap(), event);
    assert_eq!(graph.apply(&event, Seq(9)), Applied::Unchanged);
    assert_eq!(graph.apply(&event, Seq(9)), Applied::Known);
    assert_eq!(graph.seq(), Seq(9));
}

#[test]
fn rows_are_given_back() {
    let mut j = Journal::new();
    for round in 0..50 {
        j.put("S", round, created("ChargingStation", &[]));
        j.put("E", round, created("EVSE", &[("evse_id", Value::Int(1))]));
        j.put("S", round, linked("e", "hasEvse", "E"));
        j.put("E", round, EventBody::Deleted);
        j.put("S", round, EventBody::Deleted);
    }
    assert!(j.graph.is_empty());
    assert_eq!(j.graph.rows.len(), 2);
    j.put("E", 100, created("EVSE", &[]));
    assert_eq!(j.graph.twin("E").unwrap().get("evse_id"), None, "nothing of the former twin is left");
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut j = Journal::new();
    j.put("V", 0, created("Vehicle", &[("name", "one".into()), ("soc", 0.5.into())]));
    let bytes = j.graph.snapshot_bytes();
    let read = |bytes: &[u8]| Graph::from_snapshot(Ontology::built_in(), bytes);
    assert!(read(&bytes).is_ok());
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end}");
    }
    assert!(read(&[&bytes[..], &[0]].concat()).is_err());
    let mut newer = bytes.clone();
    newer[4] = 3;
    assert_eq!(read(&newer).unwrap_err().to_string(), "snapshot: its version is 3, not 1 to 2");
    let other = Ontology::parse([]).unwrap();
    let error = Graph::from_snapshot(other.into(), &bytes).unwrap_err().to_string();
    assert_eq!(error, "snapshot: the ontology has no model `dtmi:voltwin:Vehicle;1` any more");
}

/// Written by the release that wrote version 1: a vehicle, a pack, a station, and a relationship to a twin that is gone.
const VERSION_1: &str = include_str!("snapshot-1.hex");

#[test]
fn snapshots_of_the_first_version_are_read() {
    let digits = VERSION_1.trim().as_bytes().chunks(2);
    let bytes: Vec<u8> =
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let graph = Graph::from_snapshot(Ontology::built_in(), &bytes).unwrap();
    is_consistent(&graph);
    let (vehicle, pack) = (graph.twin("V").unwrap(), graph.twin("B").unwrap());
    assert_eq!((graph.len(), graph.seq(), vehicle.changed_seq()), (3, Seq(8), Seq(4)));
    assert_eq!(
        (vehicle.f64("soc"), vehicle.get("name"), vehicle.text("status")),
        (Some(0.625), None, Some("Driving"))
    );
    assert_eq!(vehicle.times("soc"), Some((at(3), at(4))));
    assert_eq!(pack.json("cell_soc"), Some(&json!([0.25, 0.75])));
    assert_eq!(
        (graph.twin("S").unwrap().bool("online"), graph.twin("S").unwrap().i64("level")),
        (Some(true), Some(-2))
    );
    assert_eq!((vehicle.outgoing().count(), vehicle.link("p").unwrap().changed), (2, Seq(5)));
    let again = Graph::from_snapshot(Ontology::built_in(), &graph.snapshot_bytes()).unwrap();
    assert_eq!(Oracle::of(&again), Oracle::of(&graph));
}

/// The graph again, as plain maps: what the fold means, without rows, columns or free lists.
#[derive(Debug, Default, Clone, PartialEq)]
struct Oracle {
    twins: BTreeMap<TwinId, Twin>,
    links: BTreeMap<(TwinId, String), (String, TwinId, u64)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Twin {
    model: Dtmi,
    /// Value, source time, time of arrival.
    values: BTreeMap<String, (Option<Value>, Timestamp, Timestamp)>,
    /// Names that any patch may write.
    open: std::collections::BTreeSet<String>,
    changed: u64,
    updated: Timestamp,
}

impl Oracle {
    /// Events are known to fit.
    fn apply(&mut self, event: &Event, seq: u64) {
        match &event.body {
            EventBody::Created { model, properties } => {
                let values = properties
                    .iter()
                    .map(|(name, value)| (name.to_string(), (Some(value.clone()), event.at, event.received)));
                let twin = Twin {
                    model: model.clone(),
                    values: values.collect(),
                    open: properties.keys().map(ToString::to_string).collect(),
                    changed: seq,
                    updated: event.received,
                };
                self.twins.insert(event.twin.clone(), twin);
            }
            EventBody::Patched { values } => {
                let twin = self.twins.get_mut(&event.twin).unwrap();
                for (name, value) in values {
                    let name = name.to_string();
                    let held = twin.values.get(&name).map(|(_, source, _)| *source);
                    if held.is_some_and(|held| held > event.at) && !twin.open.contains(&name) {
                        continue;
                    }
                    twin.open.remove(&name);
                    twin.values.insert(name, (value.clone(), event.at, event.received));
                    (twin.changed, twin.updated) = (seq, event.received);
                }
            }
            EventBody::Deleted => {
                self.twins.remove(&event.twin);
                self.links.retain(|(source, _), _| *source != event.twin);
            }
            EventBody::Linked { id, name, target, .. } => {
                let link = (name.to_string(), target.clone(), seq);
                self.links.insert((event.twin.clone(), id.to_string()), link);
            }
            EventBody::Unlinked { id } => {
                self.links.remove(&(event.twin.clone(), id.to_string()));
            }
            _ => {}
        }
    }

    /// What the graph says of itself, from the source side of relationships.
    fn of(graph: &Graph) -> Self {
        let mut seen = Self::default();
        for twin in graph.twins() {
            let values =
                twin.properties().map(|p| (p.name.to_string(), (Some(p.value), p.source, p.received)));
            let entry = Twin {
                model: twin.model().clone(),
                values: values.collect(),
                open: std::collections::BTreeSet::new(),
                changed: twin.changed_seq().0,
                updated: twin.updated(),
            };
            seen.twins.insert(twin.id().clone(), entry);
            for link in twin.outgoing() {
                let key = (link.source.clone(), link.id.to_string());
                seen.links.insert(key, (link.name.to_string(), link.target.clone(), link.changed.0));
            }
        }
        seen
    }

    /// Without what the graph keeps to itself.
    fn visible(mut self) -> Self {
        for twin in self.twins.values_mut() {
            twin.values.retain(|_, (value, ..)| value.is_some());
            twin.open.clear();
        }
        self
    }
}

/// Both sides of every relationship agree, and lookups agree with lists.
fn is_consistent(graph: &Graph) {
    assert_eq!(graph.twins().count(), graph.len());
    let mut outgoing = 0;
    for twin in graph.twins() {
        assert_eq!(graph.twin(twin.id().as_str()).unwrap().row(), twin.row());
        for link in twin.outgoing() {
            outgoing += 1;
            assert_eq!(twin.link(link.id.as_str()), Some(link));
            if let Some(target) = graph.twin(link.target.as_str()) {
                assert_eq!(target.incoming().filter(|other| *other == link).count(), 1);
            }
        }
        for link in twin.incoming() {
            let source = graph.twin(link.source.as_str()).unwrap();
            assert_eq!(source.outgoing().filter(|other| *other == link).count(), 1);
        }
    }
    assert_eq!(outgoing, graph.link_count());
}

fn any_event() -> impl Strategy<Value = Event> {
    let twin = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let model = prop::sample::select(vec!["Zone", "Vehicle", "Connector", "BatteryPack", "Site"]);
    let value = prop_oneof![
        prop_oneof![Just(0.0), Just(-1.5), any::<f64>().prop_filter("finite", |x| x.is_finite())]
            .prop_map(Value::Double),
        (-3i64..3).prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        prop::sample::select(vec!["Charging", "Driving", "Parked", "text", "Ω"]).prop_map(Value::from),
        prop::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 0..4)
            .prop_map(|cells| Value::from(json!(cells))),
    ];
    let name = prop::sample::select(vec![
        "name",
        "soc",
        "status",
        "evse_id",
        "cell_soc",
        "connector",
        "lat_deg",
        "time_zone",
        "power_w",
    ]);
    let values = prop::collection::vec((name, prop::option::weighted(0.85, value)), 0..5);
    let link = prop::sample::select(vec!["x", "y"]);
    let relation = prop::sample::select(vec!["contains", "pluggedInto", "hasPack"]);
    let body = prop_oneof![
        3 => (model, values.clone()).prop_map(|(model, values)| {
            let values: Vec<(&str, Value)> =
                values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            created(model, &values)
        }),
        5 => values.prop_map(|values| EventBody::Patched {
            values: values.into_iter().map(|(name, value)| (name.parse().unwrap(), value)).collect(),
        }),
        1 => Just(EventBody::Deleted),
        3 => (link.clone(), relation, twin.clone()).prop_map(|(id, name, to)| linked(id, name, to)),
        1 => link.prop_map(unlinked),
    ];
    (twin, 0i64..6, body).prop_map(|(twin, seconds, body)| event(twin, seconds, body))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_fold_is_what_plain_maps_say(events in prop::collection::vec(any_event(), 0..120), cut in 0usize..120) {
        let mut graph = Graph::new(Ontology::built_in());
        let mut resumed = None;
        let mut oracle = Oracle::default();
        for (index, (event, seq)) in events.iter().zip(1..).enumerate() {
            if index == cut {
                resumed = Some(Graph::from_snapshot(Ontology::built_in(), &graph.snapshot_bytes()).unwrap());
            }
            let Ok(checked) = graph.check(event) else { continue };
            prop_assert_eq!(graph.check(&checked), Ok(checked.clone()));
            prop_assert!(!matches!(graph.apply(&checked, Seq(seq)), Applied::Known | Applied::Inapplicable(_)));
            prop_assert_eq!(graph.apply(&checked, Seq(seq)), Applied::Known);
            oracle.apply(&checked, seq);
            if let Some(resumed) = &mut resumed {
                resumed.apply(&checked, Seq(seq));
            }
        }
        is_consistent(&graph);
        prop_assert_eq!(Oracle::of(&graph), oracle.clone().visible());
        let restored = Graph::from_snapshot(Ontology::built_in(), &graph.snapshot_bytes()).unwrap();
        is_consistent(&restored);
        prop_assert_eq!(restored.seq(), graph.seq());
        prop_assert_eq!(Oracle::of(&restored), oracle.clone().visible());
        if let Some(resumed) = resumed {
            is_consistent(&resumed);
            prop_assert_eq!(Oracle::of(&resumed), oracle.visible());
        }
    }

    #[test]
    fn events_that_nobody_checked_do_no_harm(events in prop::collection::vec(any_event(), 0..120)) {
        let mut graph = Graph::new(Ontology::built_in());
        for (event, seq) in events.iter().zip(1..) {
            graph.apply(event, Seq(seq));
        }
        is_consistent(&graph);
        let restored = Graph::from_snapshot(Ontology::built_in(), &graph.snapshot_bytes()).unwrap();
        prop_assert_eq!(Oracle::of(&restored), Oracle::of(&graph));
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        events in prop::collection::vec(any_event(), 0..30),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut graph = Graph::new(Ontology::built_in());
        for (event, seq) in events.iter().zip(1..) {
            graph.apply(event, Seq(seq));
        }
        let mut bytes = graph.snapshot_bytes();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(graph) = Graph::from_snapshot(Ontology::built_in(), &bytes) {
            is_consistent(&graph);
        }
    }
}

#[test]
fn columns_say_what_twins_say() {
    let mut j = Journal::new();
    let cells = Value::from(json!([0.5, 0.25]));
    j.put("V", 0, created("Vehicle", &[("name", "one".into()), ("soc", 0.5.into())]));
    j.put("W", 1, created("Vehicle", &[("soc", 0.75.into())]));
    j.put("B", 2, created("BatteryPack", &[("cell_soc", cells)]));
    j.put("C", 3, created("Connector", &[("evse_id", Value::Int(2))]));
    j.put("S", 4, created("ChargingStation", &[("online", Value::Bool(true))]));
    j.put("V", 5, EventBody::Deleted);
    for twin in j.graph.twins() {
        let place = twin.place();
        let table = j.graph.table(place.table).unwrap();
        assert_eq!((table.model(), table.row(place.line)), (twin.model(), Some(twin.row())));
        for property in twin.properties() {
            let found = table.column(property.name.as_str()).unwrap().get(place.line);
            assert_eq!(found, twin.value(property.name.as_str()));
            let same = match found.unwrap() {
                ValueRef::Bool(b) => Value::Bool(b),
                ValueRef::Int(n) => Value::Int(n),
                ValueRef::Double(x) => Value::Double(x),
                ValueRef::Text(text) => text.into(),
                ValueRef::Json(json) => Value::from(json.clone()),
            };
            assert_eq!(same, property.value);
        }
    }
    let vehicles = j.graph.tables().find(|table| table.model().short_name() == "Vehicle").unwrap();
    assert_eq!((vehicles.number(), vehicles.len(), vehicles.lines(), vehicles.row(0)), (0, 1, 2, None));
    assert!(!vehicles.is_empty() && vehicles.column("wings").is_none());
    assert_eq!(vehicles.taken(0, 9).collect::<Vec<_>>(), [false, true]);
    assert_eq!(vehicles.taken(7, 9).count(), 0);
    let Cells::Double(soc) = vehicles.column("soc").unwrap().cells() else { panic!("soc is a double") };
    assert_eq!(soc.from(0, 9).collect::<Vec<_>>(), [None, Some(&0.75)]);
    assert_eq!((soc.from(1, 1).count(), soc.from(2, 9).count(), soc.get(7)), (1, 0, None));
    assert_eq!((j.graph.table_count(), j.graph.table(9).is_none()), (4, true));
}

#[test]
fn hops_name_the_other_end() {
    let mut j = Journal::new();
    for (id, model) in [("S", "ChargingStation"), ("E", "EVSE"), ("F", "EVSE")] {
        j.put(id, 0, created(model, &[]));
    }
    j.put("S", 1, linked("e", "hasEvse", "E"));
    j.put("S", 2, linked("f", "hasEvse", "F"));
    j.put("S", 3, unlinked("e"));
    let name = j.graph.link_name("hasEvse");
    assert!(name.is_some() && j.graph.link_name("contains").is_none());
    let (station, evse) = (j.graph.row("S").unwrap(), j.graph.row("F").unwrap());
    let out = j.graph.hops(station, Way::Out);
    assert_eq!((out.len(), out[0].to, Some(out[0].name)), (1, evse, name));
    let back = j.graph.hops(evse, Way::In);
    assert_eq!((back.len(), back[0].to, back[0].link), (1, station, out[0].link));
    assert_eq!(j.graph.link_at(out[0].link), j.graph.twin("S").unwrap().link("f"));
    let alive = j.graph.link_numbers().filter(|number| j.graph.link_at(*number).is_some());
    assert_eq!(alive.collect::<Vec<_>>(), [out[0].link]);
    assert!(j.graph.hops(99, Way::In).is_empty() && j.graph.link_at(99).is_none());
}
