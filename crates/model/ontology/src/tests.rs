#![expect(clippy::needless_pass_by_value, reason = "json literals are handed over")]

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use voltwin_core::{PropertyName, Timestamp, Value};

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

/// What the program itself writes.
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
        "chemistry capacity_wh cells_in_series soc soh voltage_v current_a temp_c cell_voltage_v cell_temp_c cell_soc \
         estimated_soc estimated_soc_low estimated_soc_high estimated_soh estimated_soh_low estimated_soh_high \
         estimated_resistance estimated_resistance_low estimated_resistance_high estimated_temp_c estimated_temp_low_c \
         estimated_temp_high_c residual_v excess_temp_k sync_status sync_reason warnings",
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
        assert!(!model.description().is_empty() && !model.display_name().is_empty(), "{name}");
    }
}

/// Endings of names, and what a number of that name is.
const UNITS: &[(&str, &str, &str)] = &[
    ("lat_deg", "Latitude", "degreeOfArc"),
    ("lon_deg", "Longitude", "degreeOfArc"),
    ("odometer_m", "Distance", "metre"),
    ("_a", "Current", "ampere"),
    ("_ah", "ElectricCharge", "ampereHour"),
    ("_c", "Temperature", "degreeCelsius"),
    ("_deg", "Angle", "degreeOfArc"),
    ("_hz", "Frequency", "hertz"),
    ("_kg", "Mass", "kilogram"),
    ("_m", "Length", "metre"),
    ("_m2", "Area", "squareMetre"),
    ("_mps", "Velocity", "metrePerSecond"),
    ("_mps2", "Acceleration", "metrePerSecondSquared"),
    ("_nm", "Torque", "newtonMetre"),
    ("_ohm", "Resistance", "ohm"),
    ("_radps", "AngularVelocity", "radianPerSecond"),
    ("_s", "TimeSpan", "second"),
    ("_v", "Voltage", "volt"),
    ("_va", "ApparentPower", "voltAmpere"),
    ("_var", "ReactivePower", "voltAmpereReactive"),
    ("_w", "Power", "watt"),
    ("_wh", "Energy", "wattHour"),
    ("_wpm2", "Irradiance", "wattPerSquareMetre"),
];

fn ours(ontology: &Ontology) -> impl Iterator<Item = (&Arc<Model>, Json)> {
    let models = ontology.models().filter(|model| model.id.as_str().starts_with("dtmi:voltwin:"));
    models.map(|model| (model, serde_json::from_str(&model.document).unwrap()))
}

/// Every object below a value, itself first.
fn objects(value: &Json) -> Vec<&Json> {
    let inner: Vec<&Json> = match value {
        Json::Array(items) => items.iter().collect(),
        Json::Object(members) => members.values().collect(),
        _ => Vec::new(),
    };
    let own = value.is_object().then_some(value);
    own.into_iter().chain(inner.into_iter().flat_map(objects)).collect()
}

/// Properties, telemetry, and fields of objects alike.
#[test]
fn units_in_names_and_in_types_agree() {
    let numbers = ["double", "float", "integer", "long"];
    for (model, document) in ours(&Ontology::built_in()) {
        for element in objects(&document).into_iter().filter(|element| element["name"].is_string()) {
            let name = element["name"].as_str().unwrap();
            let is_number = element["schema"].as_str().is_some_and(|schema| numbers.contains(&schema));
            let expected = UNITS.iter().find(|(ending, ..)| is_number && name.ends_with(ending));
            let quantity = element["@type"].as_array().map(|types| types[1].as_str().unwrap());
            let unit = quantity.zip(element["unit"].as_str());
            assert_eq!(unit, expected.map(|(_, kind, unit)| (*kind, *unit)), "{} {name}", model.id);
        }
    }
}

#[test]
fn every_kind_and_content_is_told_of_in_the_form_of_the_house() {
    let snake = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let is_property = |content: &Json| content["@type"] == "Property" || content["@type"][0] == "Property";
    let camel = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric());
    for (model, document) in ours(&Ontology::built_in()) {
        let id = &model.id;
        assert_eq!(document["@context"][0], "dtmi:dtdl:context;3", "{id}");
        assert_eq!(model.display_names.len() + model.descriptions.len(), 2, "{id}");
        for content in document["contents"].as_array().unwrap() {
            let name = content["name"].as_str().unwrap();
            let told = |key: &str| content[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(told("displayName") && told("description"), "{id} {name}");
            assert!(content["description"].as_str().unwrap().ends_with('.'), "{id} {name}");
            let is_relationship = content["@type"] == "Relationship";
            assert!(if is_relationship { camel(name) } else { snake(name) }, "{id} {name}");
            assert!(!is_property(content) || content["writable"] == true, "{id} {name}");
        }
    }
}

/// A relationship of a built-in kind leads to a kind that there is; one of two kinds of target leads to their common base.
#[test]
fn every_target_is_there_and_has_those_that_can_be_one() {
    let ontology = Ontology::built_in();
    for (model, _) in ours(&ontology) {
        let own = model.relationships.values().filter_map(|relationship| relationship.target.as_ref());
        for target in own.filter(|target| target.as_str().starts_with("dtmi:voltwin:")) {
            let target = ontology.model(target.as_str()).unwrap_or_else(|| panic!("{}: {target}", model.id));
            let extending = ontology.models().filter(|other| other.bases.contains(&target.id)).count();
            assert!(target.contents() > 0 || extending > 1, "{}: nothing can be a {}", model.id, target.id);
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
        ("Site", "contains", "SwapStation"),
        ("Site", "contains", "ProductionLine"),
        ("GridNode", "feeds", "Transformer"),
        ("Feeder", "feeds", "GridConnection"),
        ("StationaryStorage", "connectedTo", "GridConnection"),
        ("ProductionLine", "contains", "Buffer"),
        ("WorkOrder", "concerns", "Connector"),
        ("WorkOrder", "concerns", "BatteryPack"),
        ("WorkOrder", "assignedTo", "Crew"),
        ("Part", "becomes", "BatteryPack"),
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

/// The rule that DTDL names a breach by.
fn rule(files: &[(&str, &str)]) -> &'static str {
    match error(files) {
        OntologyError::Dtdl(Dtdl { error, .. }) => {
            error.violations().first().map_or("", |breach| breach.rule.id())
        }
        other => panic!("{other}"),
    }
}

#[test]
fn errors_name_file_element_and_rule() {
    let plain = |id: &str| interface(id, &[], json!([]));
    let a = plain("dtmi:a:A;1");
    assert_eq!(rule(&[("f", "{")]), "dtmi:dtdl:parsingError:invalidJson");
    assert_eq!(rule(&[("f", &a), ("g", &a)]), "dtmi:dtdl:parsingError:duplicateDefinition");
    let v9 = a.replace("context;3", "context;9");
    assert!(error(&[("f", &v9)]).to_string().starts_with("f, line 1: DTDL has no such version"));
    let wrong = interface("dtmi:a:A;1", &[], property("x", json!("quaternion")));
    let text = error(&[("e", &plain("dtmi:a:E;1")), ("f", &wrong)]).to_string();
    assert!(text.starts_with("f, line 1: ") && text.contains("quaternion"), "{text}");
    let lost = interface("dtmi:a:B;1", &["dtmi:a:A;1"], json!([]));
    assert!(error(&[("f", &lost)]).to_string().contains("nothing defines dtmi:a:A;1"));
    let x = interface("dtmi:a:A;1", &[], property("x", json!("double")));
    let again = interface("dtmi:a:B;1", &["dtmi:a:A;1"], property("x", json!("double")));
    assert_eq!(rule(&[("f", &x), ("g", &again)]), "dtmi:dtdl:parsingError:nonUniqueImportedPropertyValue");
}

const CONTEXT: &str = "\"@context\": \"dtmi:dtdl:context;4\", \"@type\": \"Interface\"";

#[test]
fn what_the_graph_has_no_place_for_is_refused() {
    let long = format!("dtmi:{};1", "a".repeat(200));
    let aio = interface(&long, &[], json!([]))
        .replace("\"dtmi:dtdl:context;3\"", r#"["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:limits:aio;1"]"#);
    assert!(matches!(error(&[("f", &aio)]), OntologyError::Identifier { .. }), "{}", error(&[("f", &aio)]));
    let tree = format!(
        r#"{{ {CONTEXT}, "@id": "dtmi:a:A;1", "schemas": [{{ "@id": "dtmi:a:tree;1", "@type": "Object",
               "fields": [{{ "name": "left", "schema": "dtmi:a:tree;1" }}] }}],
            "contents": [{{ "@type": "Property", "name": "root", "schema": "dtmi:a:tree;1" }}] }}"#
    );
    assert!(
        matches!(error(&[("f", &tree)]), OntologyError::Unsupported { .. }),
        "{}",
        error(&[("f", &tree)])
    );
}

/// What is inherited counts where it is inherited: a few long texts must not become millions of contents.
#[test]
fn what_many_inherit_is_bounded() {
    let contents: Vec<Json> = (0..18_000)
        .map(|n| json!({"@type": "Property", "name": format!("p{n}"), "schema": "double"}))
        .collect();
    let mut texts = vec![interface("dtmi:a:Base;1", &[], contents.into())];
    texts.extend((0..55).map(|n| interface(&format!("dtmi:a:H{n};1"), &["dtmi:a:Base;1"], json!([]))));
    let many: Vec<(&str, &str)> = texts.iter().map(|text| ("f", text.as_str())).collect();
    let error = error(&many).to_string();
    assert!(error.ends_with("more than 1000000"), "{error}");
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A pump with a motor as its component, telemetry, and a relationship that has a property.
const PUMP: &str = r#"{
    "@context": "dtmi:dtdl:context;2", "@id": "dtmi:example:Pump;1", "@type": "Interface",
    "displayName": { "de": "Pumpe", "en": "Pump" }, "extends": "dtmi:example:Asset;1",
    "contents": [
        { "@type": ["Property", "VolumeFlowRate"], "name": "flow", "schema": "double", "unit": "litrePerSecond" },
        { "@type": "Telemetry", "name": "vibration", "schema": "double" },
        { "@type": "Component", "name": "motor", "schema": "dtmi:example:Motor;1" },
        { "@type": "Relationship", "name": "feeds", "target": "dtmi:example:Pump;1", "maxMultiplicity": 2,
          "properties": [{ "@type": "Property", "name": "diameter_m", "schema": "double", "writable": true }] }
    ]
}"#;
const ASSET: &str = r#"{
    "@context": "dtmi:dtdl:context;2", "@id": "dtmi:example:Asset;1", "@type": "Interface",
    "contents": [{ "@type": "Property", "name": "serial", "schema": "string" }]
}"#;
const MOTOR: &str = r#"{
    "@context": "dtmi:dtdl:context;2", "@id": "dtmi:example:Motor;1", "@type": "Interface", "extends": "dtmi:example:Asset;1",
    "contents": [{ "@type": "Property", "name": "speed", "schema": "integer" },
                 { "@type": "Telemetry", "name": "heat", "schema": "double" }]
}"#;

#[test]
fn models_hold_what_their_components_have() {
    let (ontology, documents) =
        Ontology::built_in().with(&[PUMP, MOTOR, ASSET].map(Arc::from), at("2026-11-21T08:00:00Z")).unwrap();
    assert_eq!(documents.iter().map(|d| d.id.as_str()).collect::<Vec<_>>().len(), 3);
    assert_eq!(ontology.models().count(), Ontology::built_in().models().count() + 3);
    let pump = ontology.model("dtmi:example:Pump;1").unwrap();
    let names =
        |names: Vec<&PropertyName>| names.into_iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
    assert_eq!(names(pump.properties.keys().collect()), "flow motor.serial motor.speed serial");
    assert_eq!(names(pump.telemetry.keys().collect()), "motor.heat vibration");
    assert_eq!(pump.components["motor"].as_str(), "dtmi:example:Motor;1");
    assert_eq!((pump.display_name(), pump.display_names["de"].as_str()), ("Pump", "Pumpe"));
    let flow = &pump.properties["flow"];
    assert_eq!(
        (flow.semantic_type.as_deref(), flow.unit.as_deref()),
        (Some("VolumeFlowRate"), Some("litrePerSecond"))
    );
    let feeds = &pump.relationships["feeds"];
    assert_eq!((feeds.max, feeds.properties["diameter_m"].writable), (Some(2), true));
    assert_eq!(pump.references.len(), 2);
    assert_eq!(ontology.closure("dtmi:example:Pump;1").len(), 3);
    assert_eq!(pump.document.as_ref(), PUMP);
}

#[test]
fn models_come_and_go_in_the_order_of_their_references() {
    let id = |text: &str| Dtmi::new(text).unwrap();
    let (asset, motor, pump) =
        (id("dtmi:example:Asset;1"), id("dtmi:example:Motor;1"), id("dtmi:example:Pump;1"));
    let empty = Ontology::built_in();
    let noon = at("2026-11-21T12:00:00Z");
    assert!(matches!(empty.with(&[MOTOR.into()], noon), Err(OntologyError::Dtdl(_))), "its base is missing");
    let (some, _) = empty.with(&[ASSET.into()], noon).unwrap();
    let (more, _) = some.with(&[MOTOR.into()], noon).unwrap();
    let (all, _) = more.with(&[PUMP.into()], noon).unwrap();
    assert_eq!(all.with(&[ASSET.into()], noon).unwrap_err(), OntologyError::Exists { model: asset.clone() });
    let built_in = id("dtmi:voltwin:Vehicle;1");
    assert_eq!(all.delete(&built_in).unwrap_err(), OntologyError::BuiltIn { model: built_in.clone() });
    assert_eq!(all.decommission(&built_in, true).unwrap_err(), OntologyError::BuiltIn { model: built_in });
    assert!(matches!(all.delete(&motor).unwrap_err(), OntologyError::Referenced { by, .. } if by == pump));
    assert!(
        matches!(all.decommission(&motor, true).unwrap_err(), OntologyError::ReferencedInUse { by, .. } if by == pump)
    );
    let all = all.decommission(&pump, true).unwrap().decommission(&motor, true).unwrap();
    assert!(all.model(pump.as_str()).unwrap().decommissioned);
    let all = all.delete(&pump).unwrap();
    assert!(all.model(pump.as_str()).unwrap().deleted && !all.models().any(|model| model.id == pump));
    assert_eq!(all.delete(&pump).unwrap_err(), OntologyError::Unknown { model: pump.clone() });
    assert_eq!(empty.restore(all.stored().collect()), Ok(all.clone()), "written down and read again");
    let (again, _) = all.with(&[PUMP.into()], noon).unwrap();
    assert!(!again.model(pump.as_str()).unwrap().deleted);
    let unused = all.without(pump.as_str()).delete(&motor).unwrap().without(motor.as_str());
    assert_eq!(unused.delete(&asset).unwrap().without(asset.as_str()), *empty);
    let orphan = all.delete(&motor).unwrap().without(motor.as_str());
    let changed = MOTOR.replace("speed", "torque");
    let (orphan, _) = orphan.with(&[changed.into()], noon).unwrap();
    assert!(orphan.model(pump.as_str()).unwrap().properties.contains_key("motor.speed"), "as it was");
    assert_eq!(empty.restore(orphan.stored().collect()), Ok(orphan));
    let ours = PUMP.replace("dtmi:example:Pump", "dtmi:voltwin:Pump");
    assert!(matches!(all.with(&[ours.into()], noon), Err(OntologyError::Reserved { .. })));
}

/// A release may give contents to what it builds in that tenants had given to models that extend it.
#[test]
fn what_is_built_in_yields_to_models_that_were_there_before() {
    let noon = "2026-11-21T12:00:00Z".parse().unwrap();
    let base = |contents: Json| interface("dtmi:a:Base;1", &[], contents);
    let number = |name: &str| property(name, json!("double"));
    let before = Ontology::parse([("f", base(number("x")).as_str())]).unwrap();
    let content = |name: &str, schema: &str| json!({"@type": "Property", "name": name, "schema": schema});
    let since = json!([content("x", "double"), content("y", "string"), content("z", "string")]);
    let after = Ontology::parse([("f", base(since).as_str())]).unwrap();
    let texts = [
        interface("dtmi:b:One;1", &["dtmi:a:Base;1"], number("y")),
        interface("dtmi:b:Two;1", &["dtmi:b:One;1"], number("w")),
        interface("dtmi:b:Other;1", &[], number("y")),
    ]
    .map(|text| text.into());
    let (had, _) = before.with(&texts, noon).unwrap();
    assert!(after.with(&texts, noon).is_err(), "a new one may not have it");
    let again = after.with_again(&texts, noon).unwrap();
    assert_eq!(after.restore(had.stored().collect()), Ok(again.clone()));
    for id in ["dtmi:b:One;1", "dtmi:b:Two;1"] {
        let model = again.model(id).unwrap();
        assert_eq!(model.properties["y"].schema, Schema::Double, "{id}");
        assert!(model.properties.contains_key("x") && model.properties.contains_key("z"), "{id}");
        assert_eq!(model.document, had.model(id).unwrap().document);
    }
    assert_eq!(again.model("dtmi:a:Base;1").unwrap().properties["y"].schema, Schema::String);
    // A new one may extend those, by what is right about itself.
    let new = |id: &str, bases: &[&str], contents: Json| [interface(id, bases, contents).into()];
    let late = new("dtmi:b:Late;1", &["dtmi:b:Two;1", "dtmi:a:Base;1"], number("v"));
    let (with_late, _) = again.with(&late, noon).unwrap();
    let model = with_late.model("dtmi:b:Late;1").unwrap();
    assert_eq!(model.properties["y"].schema, Schema::Double);
    assert!(["x", "z", "w", "v"].iter().all(|name| model.properties.contains_key(*name)));
    assert_eq!(after.restore(with_late.stored().collect()), Ok(with_late));
    for (name, taken) in [("z", "what is built in has it"), ("w", "its base has it"), ("y", "both have it")] {
        let refused = again.with(&new("dtmi:b:Late;1", &["dtmi:b:Two;1"], number(name)), noon);
        let message = refused.unwrap_err().to_string();
        assert!(message.contains(name) && message.contains("dtmi:b:Late;1"), "{taken}: {message}");
    }
    let gone = again.delete(&Dtmi::new("dtmi:b:Two;1").unwrap()).unwrap();
    assert_eq!(after.restore(gone.stored().collect()), Ok(gone));
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
