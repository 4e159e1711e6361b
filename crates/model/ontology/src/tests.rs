#![expect(clippy::needless_pass_by_value, reason = "json literals are handed over")]

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use voltwin_core::Value;

use super::*;

fn interface(id: &str, extends: &[&str], contents: Json) -> String {
    json!({"@context": "dtmi:dtdl:context;3", "@id": id, "@type": "Interface", "extends": extends,
           "contents": contents})
    .to_string()
}

fn property(name: &str, schema: Json) -> Json {
    json!([{"@type": "Property", "name": name, "schema": schema}])
}

fn error(files: &[(&str, &str)]) -> OntologyError {
    Ontology::parse(files.iter().copied()).unwrap_err()
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    fn walk(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), found);
            } else if name.ends_with(".json") {
                found.insert(name);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ontology"), "", &mut found);
    let listed: BTreeSet<String> = built_in::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}

/// The table of twins in the architecture document, word by word.
const CONTRACT: &[(&str, &str)] = &[
    ("Zone", "name boundary roads"),
    ("Site", "name address city postal_code country lat_deg lon_deg time_zone"),
    ("Hub", "name levels lat_deg lon_deg"),
    ("GridConnection", "name max_power_w power_w"),
    (
        "ChargingStation",
        "name vendor model serial_number firmware_version ocpp_version online boot_status status firmware_status \
         diagnostics_status maintenance last_seen lat_deg \
         lon_deg level max_power_w power_w",
    ),
    ("EVSE", "evse_id max_power_w power_w status"),
    (
        "Connector",
        "evse_id connector_id type status error_code max_power_w max_voltage_v max_current_a power_w energy_wh \
         current_a voltage_v soc temp_c transaction_id id_token",
    ),
    ("Vehicle", "name lat_deg lon_deg heading_deg speed_mps soc status power_w odometer_m connector"),
    (
        "BatteryPack",
        "chemistry capacity_wh soc soh voltage_v current_a temp_c cell_voltage_v cell_temp_c cell_soc",
    ),
    ("ChargingTransaction", "transaction_id id_token started_at energy_wh power_w soc charging_state"),
];

#[test]
fn the_models_are_those_of_the_contract() {
    let ontology = Ontology::built_in();
    for (name, properties) in CONTRACT {
        let model = ontology.model(&format!("dtmi:voltwin:{name};1")).unwrap();
        let inherited: BTreeSet<&str> = model
            .bases
            .iter()
            .flat_map(|base| ontology.model(base.as_str()).unwrap().properties.keys().map(AsRef::as_ref))
            .collect();
        let own: BTreeSet<&str> =
            model.properties.keys().map(AsRef::as_ref).filter(|name| !inherited.contains(name)).collect();
        assert_eq!(own, properties.split_whitespace().collect(), "{name}");
        assert!(own.iter().all(|property| model.properties[*property].writable), "{name}");
        assert!(!model.description.is_empty() && !model.display_name.is_empty(), "{name}");
    }
}

#[test]
fn units_in_names_and_in_types_agree() {
    let suffixes = [
        ("_w", "Power", "watt"),
        ("_wh", "Energy", "wattHour"),
        ("_a", "Current", "ampere"),
        ("_v", "Voltage", "volt"),
        ("_c", "Temperature", "degreeCelsius"),
        ("lat_deg", "Latitude", "degreeOfArc"),
        ("lon_deg", "Longitude", "degreeOfArc"),
        ("heading_deg", "Angle", "degreeOfArc"),
        ("_mps", "Velocity", "metrePerSecond"),
        ("_m", "Distance", "metre"),
    ];
    for model in Ontology::built_in().models() {
        for (name, spec) in model.properties.iter().filter(|(_, spec)| spec.schema.is_numeric()) {
            let expected = suffixes.iter().find(|(suffix, ..)| name.as_str().ends_with(suffix));
            let unit = spec.semantic_type.as_deref().zip(spec.unit.as_deref());
            assert_eq!(unit, expected.map(|(_, kind, unit)| (*kind, *unit)), "{} {name}", model.id);
        }
    }
}

#[test]
fn relationships_point_where_the_contract_says() {
    let ontology = Ontology::built_in();
    let edges = [
        ("Zone", "contains", "Site"),
        ("Zone", "contains", "Vehicle"),
        ("Site", "contains", "Hub"),
        ("Site", "contains", "ChargingStation"),
        ("Site", "suppliedBy", "GridConnection"),
        ("Hub", "contains", "ChargingStation"),
        ("ChargingStation", "hasEvse", "EVSE"),
        ("EVSE", "hasConnector", "Connector"),
        ("Vehicle", "hasPack", "BatteryPack"),
        ("Vehicle", "pluggedInto", "Connector"),
        ("ChargingTransaction", "atConnector", "Connector"),
    ];
    for (source, name, target) in edges {
        let model = ontology.model(&format!("dtmi:voltwin:{source};1")).unwrap();
        let wanted = model.relationships[name].target.as_ref().unwrap();
        assert!(
            ontology.is_a(&format!("dtmi:voltwin:{target};1"), wanted.as_str()),
            "{source} {name} {target}"
        );
    }
    assert!(!ontology.is_a("dtmi:voltwin:EVSE;1", "dtmi:voltwin:ZoneMember;1"));
}

#[test]
fn bases_are_flattened_once_however_often_they_are_reached() {
    let root = interface("dtmi:a:Root;1", &[], property("x", json!("double")));
    let left = interface("dtmi:a:Left;1", &["dtmi:a:Root;1"], property("l", json!("string")));
    let right = interface("dtmi:a:Right;1", &["dtmi:a:Root;1"], json!([]));
    let leaf = interface("dtmi:a:Leaf;1", &["dtmi:a:Left;1", "dtmi:a:Right;1"], property("y", json!("long")));
    let files = [("leaf", leaf.as_str()), ("left", &left), ("right", &right), ("root", &root)];
    let ontology = Ontology::parse(files).unwrap();
    let leaf = ontology.model("dtmi:a:Leaf;1").unwrap();
    let bases: Vec<&str> = leaf.bases.iter().map(AsRef::as_ref).collect();
    assert_eq!(bases, ["dtmi:a:Left;1", "dtmi:a:Right;1", "dtmi:a:Root;1"]);
    assert_eq!(leaf.properties.keys().map(AsRef::as_ref).collect::<Vec<&str>>(), ["l", "x", "y"]);
}

#[test]
fn errors_name_file_element_and_rule() {
    let plain = |id: &str| interface(id, &[], json!([]));
    let a = plain("dtmi:a:A;1");
    assert!(matches!(error(&[("f", "{")]), OntologyError::Json { .. }));
    assert!(matches!(error(&[("f", &a), ("g", &a)]), OntologyError::DuplicateModel { .. }));
    let v9 = a.replace("context;3", "context;9");
    assert!(error(&[("f", &v9)]).to_string().starts_with("f: `dtmi:a:A;1`: unknown @context"));
    let extension = a.replace("\"dtmi:dtdl:context;3\"", "[\"dtmi:dtdl:context;3\",\"dtmi:x:y;1\"]");
    assert!(matches!(error(&[("f", &extension)]), OntologyError::Context { .. }));
    assert!(matches!(error(&[("f", &plain("dtmi:a:A"))]), OntologyError::Identifier { .. }));
    let wrong = interface("dtmi:a:A;1", &[], property("x", json!("quaternion")));
    assert_eq!(error(&[("f", &wrong)]).to_string(), "f: `dtmi:a:A;1/x`: unknown schema `quaternion`");
    let name = interface("dtmi:a:A;1", &[], property("9x", json!("double")));
    assert!(matches!(error(&[("f", &name)]), OntologyError::Identifier { .. }));
    let lost = interface("dtmi:a:B;1", &["dtmi:a:A;1"], json!([]));
    assert!(matches!(error(&[("f", &lost)]), OntologyError::MissingBase { .. }));
    let x = interface("dtmi:a:A;1", &[], property("x", json!("double")));
    let again = interface("dtmi:a:B;1", &["dtmi:a:A;1"], property("x", json!("double")));
    let text = error(&[("f", &x), ("g", &again)]).to_string();
    assert_eq!(text, "g: `dtmi:a:B;1`: name `x` is already used by `dtmi:a:A;1`");
    let older = again.replace("context;3", "context;2");
    assert!(matches!(error(&[("f", &x), ("g", &older)]), OntologyError::Element { .. }));
    let unit = json!([{"@type": "Property", "name": "x", "schema": "string", "unit": "watt"}]);
    assert!(matches!(error(&[("f", &interface("dtmi:a:A;1", &[], unit))]), OntologyError::Element { .. }));
}

#[test]
fn cycles_and_deep_chains_are_refused() {
    let a = interface("dtmi:a:A;1", &["dtmi:a:B;1"], json!([]));
    let b = interface("dtmi:a:B;1", &["dtmi:a:A;1"], json!([]));
    assert!(matches!(error(&[("a", &a), ("b", &b)]), OntologyError::Cycle { .. }));
    let chain = |length: usize| -> Vec<String> {
        let link = |n: usize| {
            let base = format!("dtmi:a:N{};1", n - 1);
            let bases = if n == 0 { vec![] } else { vec![base.as_str()] };
            interface(&format!("dtmi:a:N{n};1"), &bases, json!([]))
        };
        (0..=length)
            .map(|n| if n == 0 { interface("dtmi:a:N0;1", &[], json!([])) } else { link(n) })
            .collect()
    };
    let load = |texts: &[String]| Ontology::parse(texts.iter().map(|text| ("f", text.as_str())));
    assert!(load(&chain(10)).is_ok());
    assert!(matches!(load(&chain(11)), Err(OntologyError::Depth { limit: 10, .. })));
}

fn schema_of(schema: Json) -> Schema {
    let text = interface("dtmi:a:A;1", &[], property("x", schema));
    let ontology = Ontology::parse([("f", text.as_str())]).unwrap();
    ontology.model("dtmi:a:A;1").unwrap().properties["x"].schema.clone()
}

#[test]
fn values_are_coerced_or_refused() {
    let ok = |schema: Json, value: Value| schema_of(schema).check(&value).unwrap();
    let no = |schema: Json, value: Value| schema_of(schema).check(&value).unwrap_err().to_string();
    assert_eq!(ok(json!("double"), Value::Int(7)), Value::Double(7.0));
    assert_eq!(ok(json!("integer"), Value::Double(7.0)), Value::Int(7));
    assert_eq!(no(json!("integer"), Value::Double(7.5)), "expected integer, found 7.5");
    assert!(no(json!("integer"), Value::Int(1 << 31)).contains("outside -2147483648 to 2147483647"));
    assert_eq!(ok(json!("long"), Value::Int(i64::MIN)), Value::Int(i64::MIN));
    assert!(no(json!("long"), Value::Double(2f64.powi(63))).contains("expected long"));
    assert!(no(json!("double"), Value::Double(f64::NAN)).contains("not a finite number"));
    assert!(no(json!("double"), Value::Double(f64::INFINITY)).contains("not a finite number"));
    assert!(no(json!("float"), Value::Double(1e39)).contains("of float"));
    assert_eq!(no(json!("double"), Value::from("7")), "expected double, found \"7\"");
    assert_eq!(no(json!("boolean"), Value::Int(1)), "expected boolean, found 1");
    assert_eq!(ok(json!("dateTime"), Value::from("2026-11-21T08:00:00+01:00")).as_str().unwrap().len(), 25);
    assert!(no(json!("dateTime"), Value::from("2026-11-21")).contains("RFC 3339"));
    assert!(no(json!("duration"), Value::from("15 min")).contains("expected duration"));
    assert_eq!(ok(json!("string"), Value::Json(json!("a").into())), Value::from("a"));
    let status = json!({"@type": "Enum", "valueSchema": "string",
                        "enumValues": [{"name": "on", "enumValue": "On"}, {"name": "off", "enumValue": "Off"}]});
    assert_eq!(ok(status.clone(), Value::from("On")), Value::from("On"));
    assert_eq!(no(status, Value::from("on")), "\"on\" is none of \"On\", \"Off\"");
    let list = json!({"@type": "Array", "elementSchema": "double"});
    assert!(schema_of(list.clone()).check(&Value::from(json!([1, 2.5]))).is_ok());
    assert_eq!(no(list.clone(), Value::from(json!([1, "a"]))), "element 1: expected double, found \"a\"");
    assert_eq!(no(list, Value::from(json!([null]))), "element 0: expected double, found null");
    let object = json!({"@type": "Object", "fields": [{"name": "a", "schema": "long"}]});
    assert!(schema_of(object.clone()).check(&Value::from(json!({"a": 1}))).is_ok());
    assert_eq!(no(object, Value::from(json!({"b": 1}))), "there is no field `b`");
    let map = json!({"@type": "Map", "mapKey": {"name": "k", "schema": "string"},
                     "mapValue": {"name": "v", "schema": "boolean"}});
    assert_eq!(no(map, Value::from(json!({"b": 1}))), "key `b`: expected boolean, found 1");
}

#[test]
fn geometries_are_checked() {
    let polygon = schema_of(json!("polygon"));
    let ring = |ring: Json| polygon.check(&Value::from(json!({"type": "Polygon", "coordinates": [ring]})));
    assert!(ring(json!([[0, 0], [1, 0], [1, 1], [0, 0]])).is_ok());
    assert_eq!(
        ring(json!([[0, 0], [1, 0], [1, 1], [0, 1]])).unwrap_err().to_string(),
        "a ring must end where it begins"
    );
    assert!(ring(json!([[0, 0], [1, 0], [0, 0]])).unwrap_err().to_string().contains("at least 4"));
    assert!(ring(json!([[0, 0], [1, 91], [1, 1], [0, 0]])).unwrap_err().to_string().contains("outside"));
    let point = schema_of(json!("dtmi:standard:schema:geospatial:point;2"));
    assert!(point.check(&Value::from(json!({"type": "Point", "coordinates": [8.5, 47.4]}))).is_ok());
    assert!(point.check(&Value::from(json!({"type": "Polygon", "coordinates": []}))).is_err());
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[a-zA-Z:;@]{0,12}".prop_map(Json::from),
        Just(Json::from("Property")),
        Just(Json::from("dtmi:dtdl:context;3")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let key = prop_oneof!["@id", "@type", "@context", "contents", "schema", "name", "extends", "type"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((key, inner), 0..4).prop_map(|items| items.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(json in any_json()) {
        let _ = Ontology::parse([("f", json.to_string().as_str())]);
    }

    #[test]
    fn a_checked_value_passes_again_unchanged(json in any_json()) {
        let value = Value::from(json);
        for model in Ontology::built_in().models() {
            for spec in model.properties.values() {
                if let Ok(checked) = spec.schema.check(&value) {
                    prop_assert_eq!(spec.schema.check(&checked), Ok(checked.clone()));
                }
            }
        }
    }
}
