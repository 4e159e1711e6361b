//! Models of the tenant's own, and what becomes of their twins.

use proptest::prelude::*;
use serde_json::json;
use voltwin_core::{Event, EventBody, MODELS_TWIN, ModelDocument, ModelsFact, Seq, Value};
use voltwin_ontology::{Ontology, OntologyError};

use super::{Journal, Oracle, at, created, event, is_consistent, linked, map};
use crate::{Applied, Graph, GraphError, Limits};

fn model(name: &str, properties: &[&str]) -> String {
    extending(name, &[], properties)
}

fn extending(name: &str, bases: &[&str], properties: &[&str]) -> String {
    let property = |text: &&str| {
        let (name, schema) = text.split_once(':').unwrap_or((text, "double"));
        match schema.strip_prefix("dtmi") {
            Some(_) => json!({"@type": "Component", "name": name, "schema": schema}),
            None => json!({"@type": "Property", "name": name, "schema": schema}),
        }
    };
    let contents: Vec<serde_json::Value> = properties.iter().map(property).collect();
    let bases: Vec<String> = bases.iter().map(|base| format!("dtmi:example:{base};1")).collect();
    json!({"@context": "dtmi:dtdl:context;3", "@id": format!("dtmi:example:{name};1"), "@type": "Interface",
           "extends": bases, "contents": contents})
    .to_string()
}

fn added(texts: &[String]) -> EventBody {
    let document =
        |text: &String| ModelDocument { id: "dtmi:any;1".parse().unwrap(), text: text.as_str().into() };
    EventBody::Models(ModelsFact::Added { models: texts.iter().map(document).collect() })
}

fn deleted(name: &str) -> EventBody {
    EventBody::Models(ModelsFact::Deleted { model: format!("dtmi:example:{name};1").parse().unwrap() })
}

fn decommissioned(name: &str, decommissioned: bool) -> EventBody {
    let model = format!("dtmi:example:{name};1").parse().unwrap();
    EventBody::Models(ModelsFact::Decommissioned { model, decommissioned })
}

fn example(name: &str, values: &[(&str, Value)]) -> EventBody {
    EventBody::Created { model: format!("dtmi:example:{name};1").parse().unwrap(), properties: map(values) }
}

/// As an operator does it, and not a device.
fn decide(j: &mut Journal, twin: &str, seconds: i64, body: EventBody) -> Result<Applied, GraphError> {
    let mut event = event(twin, seconds, body);
    event.decided = true;
    let checked = j.graph.check(&event)?;
    j.next += 1;
    Ok(j.graph.apply(&checked, Seq(j.next - 1)))
}

fn reread(graph: &Graph) -> Graph {
    let read = Graph::from_snapshot(Ontology::built_in(), &graph.snapshot_bytes()).unwrap();
    assert_eq!((Oracle::of(&read), read.ontology()), (Oracle::of(graph), graph.ontology()));
    read
}

#[test]
fn models_type_twins_from_the_event_that_brings_them() {
    let mut j = Journal::new();
    assert!(matches!(j.refuse("P", example("Pump", &[])), GraphError::UnknownModel { .. }));
    j.put(
        MODELS_TWIN,
        0,
        added(&[model("Pump", &["flow", "motor:dtmi:example:Motor;1"]), model("Motor", &["speed:integer"])]),
    );
    assert!(matches!(
        j.refuse(MODELS_TWIN, added(&[model("Pump", &[])])),
        GraphError::Models(OntologyError::Exists { .. })
    ));
    j.put("P", 1, example("Pump", &[("flow", 1.5.into()), ("motor.speed", Value::Int(50))]));
    j.put("P", 2, EventBody::patch([("motor.speed", Value::Int(60))]));
    let pump = j.graph.twin("P").unwrap();
    assert_eq!((pump.i64("motor.speed"), pump.times("motor.speed")), (Some(60), Some((at(2), at(3)))));
    assert!(matches!(
        j.refuse("P", EventBody::patch([("motor.heat", 1.0.into())])),
        GraphError::UnknownProperty { .. }
    ));
    j.put(MODELS_TWIN, 3, decommissioned("Pump", true));
    assert!(matches!(j.refuse("Q", example("Pump", &[])), GraphError::Decommissioned { .. }));
    assert!(
        j.graph.check(&event("P", 4, example("Pump", &[]))).is_ok(),
        "twins that are there can be replaced"
    );
    j.graph = reread(&j.graph);
    j.put(MODELS_TWIN, 4, decommissioned("Pump", false));
    j.put("Q", 5, example("Pump", &[]));
    assert!(matches!(j.refuse(MODELS_TWIN, created("Hub", &[])), GraphError::Reserved { .. }));
}

#[test]
fn twins_outlive_their_model() {
    let mut j = Journal::new();
    j.put(MODELS_TWIN, 0, added(&[model("Motor", &["speed:integer"]), model("Base", &["b"])]));
    j.put(
        MODELS_TWIN,
        0,
        added(&[extending("Pump", &["Base"], &["flow", "motor:dtmi:example:Motor;1", "gone"])]),
    );
    let values =
        [("flow", 1.5.into()), ("motor.speed", Value::Int(50)), ("gone", 2.0.into()), ("b", 3.0.into())];
    j.put("P", 1, example("Pump", &values));
    j.put("S", 1, created("Site", &[]));
    for name in ["Pump", "Base", "Motor"] {
        j.put(MODELS_TWIN, 2, deleted(name));
    }
    assert_eq!(j.graph.ontology().models().count(), Ontology::built_in().models().count());
    j.graph = reread(&j.graph);
    let pump = j.graph.twin("P").unwrap();
    assert_eq!((pump.f64("flow"), pump.is_a("dtmi:example:Base;1")), (Some(1.5), true));
    assert!(matches!(
        j.refuse("P", EventBody::patch([("flow", 2.0.into())])),
        GraphError::UnknownModel { .. }
    ));
    assert!(matches!(j.refuse("Q", example("Pump", &[])), GraphError::UnknownModel { .. }));
    // The same id comes back with another meaning: what still fits stays.
    j.put(MODELS_TWIN, 3, added(&[model("Motor", &["speed:string"])]));
    j.put(
        MODELS_TWIN,
        3,
        added(&[model("Pump", &["flow", "b", "motor:dtmi:example:Motor;1", "extra:boolean"])]),
    );
    let pump = j.graph.twin("P").unwrap();
    let names: Vec<String> = pump.properties().map(|p| p.name.to_string()).collect();
    assert_eq!((names.join(" "), pump.times("flow")), ("b flow".to_owned(), Some((at(1), at(2)))));
    j.put("P", 4, EventBody::patch([("extra", true.into()), ("motor.speed", "fast".into())]));
    j.graph = reread(&j.graph);
    j.put(MODELS_TWIN, 5, deleted("Pump"));
    j.put("P", 6, EventBody::Deleted);
    assert_eq!(j.graph.ontology().own().count(), 1, "nothing is kept of a deleted model without twins");
    let tables = j.graph.table_count();
    j.put(MODELS_TWIN, 7, added(&[model("Other", &["z"])]));
    j.put("O", 8, example("Other", &[("z", 1.0.into())]));
    assert_eq!(j.graph.table_count(), tables, "its table serves another model");
    reread(&j.graph);
}

#[test]
fn a_decision_may_change_the_model_of_a_twin() {
    let mut j = Journal::new();
    j.put(
        MODELS_TWIN,
        0,
        added(&[model("A", &["x", "y"]), model("B", &["x", "z"]), model("C", &["x:string"])]),
    );
    j.put("T", 1, example("A", &[("x", 1.0.into()), ("y", 2.0.into())]));
    j.put("T", 9, EventBody::patch([("x", 3.0.into())]));
    let retyped = |model: &str, values: &[(&str, Option<Value>)]| EventBody::Retyped {
        model: format!("dtmi:example:{model};1").parse().unwrap(),
        values: values.iter().map(|(name, value)| (name.parse().unwrap(), value.clone())).collect(),
    };
    let refused = decide(&mut j, "T", 10, retyped("B", &[])).unwrap_err();
    assert_eq!(refused.to_string(), "y: `dtmi:example:B;1` has no such property");
    assert!(matches!(decide(&mut j, "T", 10, retyped("C", &[("y", None)])), Err(GraphError::Value { .. })));
    decide(&mut j, "T", 10, retyped("B", &[("y", None), ("z", Some(4.0.into()))])).unwrap();
    let twin = j.graph.twin("T").unwrap();
    assert_eq!(
        (twin.model().as_str(), twin.f64("x"), twin.f64("z")),
        ("dtmi:example:B;1", Some(3.0), Some(4.0))
    );
    assert_eq!((twin.times("x"), twin.times("z")), (Some((at(9), at(10))), Some((at(10), at(11)))));
    assert_eq!((j.graph.len(), j.graph.count_of("dtmi:example:A;1")), (1, 0));
    is_consistent(&reread(&j.graph));
    assert!(matches!(j.refuse("T", example("A", &[])), GraphError::OtherModel { .. }), "a device cannot");
    decide(&mut j, "T", 11, example("A", &[("y", 5.0.into())])).unwrap();
    let twin = j.graph.twin("T").unwrap();
    assert_eq!((twin.f64("x"), twin.f64("y"), j.graph.len()), (None, Some(5.0), 1));
}

#[test]
fn a_decision_holds_whatever_the_source_times() {
    let mut j = Journal::new();
    j.put("V", 0, created("Vehicle", &[]));
    j.put("V", 100, EventBody::patch([("soc", 0.9.into())]));
    assert_eq!(j.put("V", 50, EventBody::patch([("soc", 0.1.into())])), Applied::Unchanged);
    let mut decision = event("V", 60, EventBody::patch([("soc", 0.2.into()), ("speed_mps", 3.0.into())]));
    (decision.decided, decision.sources) = (true, vec![("soc".parse().unwrap(), at(40))]);
    assert_eq!(j.graph.apply(&decision, Seq(9)), Applied::Changed);
    let twin = j.graph.twin("V").unwrap();
    assert_eq!(
        (twin.f64("soc"), twin.times("soc"), twin.times("speed_mps")),
        (Some(0.2), Some((at(40), at(61))), Some((at(60), at(61))))
    );
}

#[test]
fn limits_can_be_lowered() {
    let mut j = Journal::new();
    let limits = Limits {
        twins: 3,
        outgoing: 2,
        incoming: 1,
        models: 2,
        models_at_once: 1,
        model_bytes: 300,
        ..Limits::AZURE
    };
    j.graph = Graph::new(Ontology::built_in()).with_limits(limits);
    for id in ["A", "B", "C"] {
        j.put(id, 0, created(if id == "A" { "ChargingStation" } else { "EVSE" }, &[]));
    }
    assert_eq!(j.refuse("D", created("EVSE", &[])), GraphError::TooManyTwins { limit: 3 });
    assert!(j.graph.check(&event("B", 0, created("EVSE", &[]))).is_ok(), "it replaces");
    j.put("A", 0, linked("b", "hasEvse", "B"));
    let full = j.refuse("A", linked("b2", "hasEvse", "B"));
    assert_eq!((full.field(), full.limit()), (Some("target"), Some(1)));
    assert!(j.graph.check(&event("A", 0, linked("b", "hasEvse", "B"))).is_ok(), "it replaces");
    j.put("A", 0, linked("c", "hasEvse", "C"));
    let full = j.refuse("A", linked("d", "hasEvse", "C"));
    assert_eq!((full.field(), full.limit()), (Some("source"), Some(2)));
    let said = |body: EventBody| j.refuse(MODELS_TWIN, body).to_string();
    assert_eq!(said(added(&[model("A", &[]), model("B", &[])])), "models: 2 models at once are more than 1");
    let long = model("A", &[&"x".repeat(400)]);
    assert!(said(added(&[long])).contains("bytes of one model are more than 300"));
}

/// Changes of models, twins and relationships as they come, whether they fit or not.
fn any_change() -> impl Strategy<Value = (Event, bool)> {
    let name = || prop::sample::select(vec!["A", "B", "C"]);
    let twin = || prop::sample::select(vec!["p", "q", "r"]);
    let property = prop::sample::select(vec!["x", "y", "part.x", "part.y"]);
    let value = prop_oneof![
        (-9i64..9).prop_map(|n| Value::Double(n as f64)),
        Just(Value::from("text")),
        Just(Value::Bool(true)),
    ];
    let values = prop::collection::vec((property, prop::option::weighted(0.8, value)), 0..4);
    let schema = || prop::sample::select(vec!["double", "string", "boolean"]);
    let texts = (name(), schema(), schema(), any::<bool>()).prop_map(|(name, x, y, whole)| {
        // B may be a component of A, and the base of C.
        let part = if name == "A" && whole { "part:dtmi:example:B;1" } else { "part:double" };
        let bases: &[&str] = if name == "C" && whole { &["B"] } else { &[] };
        match bases {
            [] => extending(name, bases, &[&format!("x:{x}"), &format!("y:{y}"), part]),
            _ => extending(name, bases, &["z"]),
        }
    });
    let patch = values.prop_map(|values| {
        values.into_iter().map(|(name, value)| (name.parse().unwrap(), value)).collect::<Vec<_>>()
    });
    let body = prop_oneof![
        3 => texts.prop_map(|text| added(&[text])),
        2 => name().prop_map(deleted),
        1 => (name(), any::<bool>()).prop_map(|(name, on)| decommissioned(name, on)),
        4 => (name(), patch.clone()).prop_map(|(model, values)| EventBody::Created {
            model: format!("dtmi:example:{model};1").parse().unwrap(),
            properties: values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        }),
        4 => patch.clone().prop_map(|values| EventBody::Patched { values }),
        2 => (name(), patch).prop_map(|(model, values)| EventBody::Retyped {
            model: format!("dtmi:example:{model};1").parse().unwrap(),
            values,
        }),
        1 => Just(EventBody::Deleted),
    ];
    (twin(), 0i64..6, body, any::<bool>(), any::<bool>()).prop_map(
        |(twin, seconds, body, decided, checked)| {
            let twin = if matches!(body, EventBody::Models(_)) { MODELS_TWIN } else { twin };
            let mut event = event(twin, seconds, body);
            event.decided = decided;
            (event, checked)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    /// The same events give the same graph, whatever snapshots were taken between, checked or not.
    #[test]
    fn snapshot_and_replay_are_the_fold(
        changes in prop::collection::vec(any_change(), 0..60),
        cut in 0usize..60,
    ) {
        let mut graph = Graph::new(Ontology::built_in());
        let mut resumed = None;
        for (index, ((event, checked), seq)) in changes.iter().zip(1..).enumerate() {
            if index == cut {
                resumed = Some(reread(&graph));
            }
            let event = match graph.check(event) {
                Ok(event) => event,
                Err(_) if *checked => continue,
                Err(_) => event.clone(),
            };
            let applied = graph.apply(&event, Seq(seq));
            if let Some(resumed) = &mut resumed {
                prop_assert_eq!(resumed.apply(&event, Seq(seq)), applied);
            }
        }
        is_consistent(&graph);
        let again = reread(&graph);
        is_consistent(&again);
        if let Some(resumed) = resumed {
            prop_assert_eq!(Oracle::of(&resumed), Oracle::of(&graph));
            prop_assert_eq!(resumed.ontology(), graph.ontology());
        }
        for model in graph.ontology().own().filter(|model| model.deleted) {
            prop_assert!(graph.count_of(model.id.as_str()) > 0, "{} is kept for nothing", model.id);
        }
    }
}
