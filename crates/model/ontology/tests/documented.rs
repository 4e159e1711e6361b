//! What the documentation shows works as it stands there.

use std::sync::Arc;

use voltwin_ontology::Ontology;

const DTDL: &str = include_str!("../../../../docs/dtdl.md");

#[test]
fn the_models_that_extend_ours_are_taken_and_are_what_they_extend() {
    let (_, section) = DTDL.split_once("## Models of your own").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let texts: Vec<Arc<str>> =
        section.split("```json\n").skip(1).map(|block| block.split_once("```").unwrap().0.into()).collect();
    assert_eq!(texts.len(), 3);
    let (own, _) = Ontology::built_in().with(&texts, "2026-11-21T08:00:00Z".parse().unwrap()).unwrap();
    let van = own.model("dtmi:example:DeliveryVan;1").unwrap();
    assert!(own.is_a(van.id.as_str(), "dtmi:voltwin:Vehicle;1"));
    for property in ["soc", "load_kg", "cold_chain", "cooler.setpoint_c"] {
        assert!(van.properties.contains_key(property), "{property}: {:?}", van.properties.keys());
    }
}
