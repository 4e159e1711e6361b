//! What a valid model tells, and which rule an invalid one breaks.

use serde_json::{Value, json};
use voltwin_dtdl::{Error, Kind, Model, Options, Rule, UndefinedExtensions, parse};

fn model(texts: &[&str]) -> Model {
    parse(texts, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn rules(model: &Value, options: &Options) -> Vec<Rule> {
    match parse(&[&model.to_string()], options) {
        Ok(_) => Vec::new(),
        Err(error) => error.violations().iter().map(|violation| violation.rule).collect(),
    }
}

const STATION: &str = r#"{
    "@context": ["dtmi:dtdl:context;4", "dtmi:dtdl:extension:quantitativeTypes;2"],
    "@id": "dtmi:example:Station;1",
    "@type": "Interface",
    "extends": "dtmi:example:Asset;1",
    "contents": [
        { "@type": ["Property", "Power"], "name": "max_power_w", "schema": "double", "unit": "watt", "writable": true },
        { "@type": "Property", "name": "place", "schema": {
            "@type": "Object", "fields": [
                { "name": "lat", "schema": "double" },
                { "name": "tags", "schema": { "@type": "Array", "elementSchema": "string" } }
            ] } },
        { "@type": "Component", "name": "modem", "schema": "dtmi:example:Asset;1" },
        { "@type": "Relationship", "name": "site", "target": "dtmi:example:Site;1", "maxMultiplicity": 1 },
        { "@type": "Command", "name": "reset", "request": { "name": "hard", "schema": "boolean", "nullable": true } }
    ]
}"#;

const ASSET: &str = r#"{
    "@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Asset;1", "@type": "Interface",
    "contents": [{ "@type": "Property", "name": "serial", "schema": "string" }]
}"#;

#[test]
fn a_model_tells_what_its_texts_say() {
    let model = model(&[STATION, ASSET]);
    assert_eq!(model.interfaces().count(), 2);
    let station = model.get("dtmi:example:Station;1").unwrap();
    assert_eq!((station.version(), station.kind()), (4, Kind::Interface));
    assert_eq!(station.values("contents").count(), 6, "five of its own, one inherited");
    let power = station.content("max_power_w").unwrap();
    assert!(power.writable());
    assert_eq!(power.id(), "dtmi:example:Station:_contents:__max_power_w;1");
    assert_eq!(power.types().collect::<Vec<_>>(), ["dtmi:dtdl:extension:quantitativeTypes:v2:class:Power"]);
    let serial = station.content("serial").unwrap();
    assert_eq!((serial.version(), serial.schema().unwrap().kind()), (3, Kind::String));
    let site = station.content("site").unwrap();
    assert_eq!((site.target(), site.multiplicity_max()), (Some("dtmi:example:Site;1"), Some(1)));
    let request = station.content("reset").unwrap().values("request").next().unwrap();
    assert!(request.nullable());
    assert!(station.content("none").is_none());
}

/// `en` is the language of what names none; a map and tagged values say others.
#[test]
fn a_model_tells_what_it_says_to_people() {
    let text = r#"{
        "@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Lamp;1", "@type": "Interface",
        "displayName": { "en": "Lamp", "de": "Lampe" },
        "description": [{ "@value": "Lit", "@language": "en" }, { "@value": "Leuchtet", "@language": "de" }],
        "contents": [{ "@type": "Property", "name": "colour", "displayName": "Colour", "schema": {
            "@type": "Enum", "valueSchema": "integer", "enumValues": [{ "name": "red", "enumValue": 7 }]
        } }]
    }"#;
    let model = model(&[text]);
    let lamp = model.get("dtmi:example:Lamp;1").unwrap();
    assert_eq!(lamp.display_name().collect::<Vec<_>>(), [("en", "Lamp"), ("de", "Lampe")]);
    assert_eq!(lamp.description().collect::<Vec<_>>(), [("en", "Lit"), ("de", "Leuchtet")]);
    let colour = lamp.content("colour").unwrap();
    assert_eq!(colour.display_name().collect::<Vec<_>>(), [("en", "Colour")]);
    let red = colour.schema().unwrap().values("enumValues").next().unwrap();
    assert_eq!((red.name(), red.literal()), (Some("red"), Some(json!(7))));
    assert_eq!(red.literal().as_ref().and_then(Value::as_i64), Some(7));
}

#[test]
fn a_twin_is_held_to_its_interface() {
    let model = model(&[STATION, ASSET]);
    let check = |twin: Value| model.check_twin("dtmi:example:Station;1", &twin);
    let good = json!({
        "$dtId": "s1", "serial": "A1", "max_power_w": 11e3,
        "place": { "lat": 52.5, "tags": ["north"] }, "modem": { "$metadata": {}, "serial": "B2" }
    });
    assert_eq!(check(good), Ok(()));
    assert_eq!(check(json!({})), Ok(()));
    let wrong = check(json!({
        "serial": 7, "place": { "tags": ["north", 1], "lon": 1.0 }, "modem": { "site": 1 }, "colour": "red", "site": "x"
    }))
    .unwrap_err();
    assert_eq!(wrong.len(), 6, "{wrong:?}");
    assert!(wrong.iter().any(|line| line.starts_with("serial must be a string")), "{wrong:?}");
    assert!(wrong.iter().any(|line| line.starts_with("modem.site")), "{wrong:?}");
    assert!(wrong.iter().any(|line| line.contains("tags") && line.contains('1')), "{wrong:?}");
    assert!(check(json!([])).is_err());
    assert!(model.check_twin("dtmi:example:none;1", &json!({})).is_err());
    assert!(model.check_value("dtmi:example:Station;1", &json!({})).is_err(), "no schema");
}

#[test]
fn what_is_not_there_is_named() {
    let error = parse(&[STATION], &Options::default()).unwrap_err();
    assert_eq!(error, Error::Unresolved(vec!["dtmi:example:Asset;1".to_owned()]));
}

#[test]
fn a_breach_names_its_place() {
    let text = ASSET.replace("\"serial\"", "\"serial_\"");
    let Err(Error::Invalid(violations)) = parse(&[STATION, &text], &Options::default()) else { panic!() };
    let [violation] = &violations[..] else { panic!("{violations:?}") };
    assert_eq!(violation.rule, Rule::StringInvalid);
    assert_eq!(violation.element.as_deref(), Some("dtmi:example:Asset:_contents:__serial_;1"));
    assert_eq!((violation.property.as_deref(), violation.place), (Some("name"), Some((1, 3))));
}

/// The rules of `@context`, which the official parser breaks off at as well.
#[test]
fn contexts_stand_in_their_order() {
    let rules = |context: Value| {
        let model = json!({ "@context": context, "@id": "dtmi:example:A;1", "@type": "Interface" });
        rules(&model, &Options::default())
    };
    for good in [
        json!("dtmi:dtdl:context;2"),
        json!("dtmi:dtdl:context;4.1"),
        json!(["dtmi:dtdl:context;2", "dtmi:example:unknown;1"]),
        json!(["dtmi:iotcentral:context;2", "dtmi:dtdl:context;2"]),
        json!(["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:context;4#limits"]),
        json!(["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:limits:onvif;1", "dtmi:dtdl:extension:mqtt;4"]),
    ] {
        assert_eq!(rules(good.clone()), [], "{good}");
    }
    for (bad, rule) in [
        (json!("dtmi:dtdl:context;5"), Rule::UnrecognizedContextVersion),
        (json!("dtmi:dtdl:context;2.1"), Rule::InvalidContextSpecifierForVersion),
        (json!("dtmi:dtdl:context;4#"), Rule::InvalidContextFragment),
        (json!("dtmi:dtdl:context;3#limitless"), Rule::DisallowedContextFragment),
        (json!("dtmi:dtdl:context;4#limitless"), Rule::MissingLimitContext),
        (json!("dtmi:dtdl:context;4#limits"), Rule::MisplacedLimitContext),
        (json!(["dtmi:dtdl:context;4", "dtmi:dtdl:limits:aio;1"]), Rule::MisplacedLimitContext),
        (json!(["dtmi:dtdl:context;3", "dtmi:example:unknown;1"]), Rule::UnresolvableContextSpecifier),
        (
            json!(["dtmi:dtdl:context;3", "dtmi:dtdl:extension:historization;9"]),
            Rule::UnresolvableContextVersion,
        ),
        (json!(["dtmi:dtdl:context;3", { "a": "dtmi:example:a;1" }]), Rule::DisallowedLocalContext),
        (json!(["dtmi:dtdl:extension:mqtt;4", "dtmi:dtdl:context;4"]), Rule::MissingDtdlContext),
        (json!([]), Rule::EmptyContext),
    ] {
        assert_eq!(rules(bad.clone()), [rule], "{bad}");
    }
}

#[test]
fn options_decide_about_extensions_versions_and_limits() {
    let unknown = json!({
        "@context": ["dtmi:dtdl:context;3", "dtmi:example:unknown;1"], "@id": "dtmi:example:A;1",
        "@type": ["Interface", "New"], "fresh": 1
    });
    let with = |undefined_extensions| Options { undefined_extensions, ..Options::default() };
    assert_eq!(rules(&unknown, &with(UndefinedExtensions::Allow)), []);
    assert_eq!(rules(&unknown, &with(UndefinedExtensions::Deny)), [Rule::UnresolvableContextSpecifier]);
    let old = Options { version_max: 2, ..Options::default() };
    assert_eq!(rules(&unknown, &old), [Rule::DisallowedContextVersion]);
    let limits = json!({
        "@context": ["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:limits:onvif;1"], "@id": "dtmi:example:A;1",
        "@type": "Interface"
    });
    let accept =
        |context: &str| Options { limit_contexts: Some(vec![context.to_owned()]), ..Options::default() };
    assert_eq!(rules(&limits, &accept("dtmi:dtdl:limits:onvif")), []);
    assert_eq!(rules(&limits, &accept("dtmi:dtdl:limits:aio")), [Rule::DisallowedLimitContext]);
}

/// `Fragmented` of MQTT 4 stands on a property, or on a field that is the value of one.
#[test]
fn a_type_may_stand_beside_its_alternative() {
    let map = json!({
        "@type": "Map", "mapKey": { "name": "k", "schema": "string" }, "mapValue": { "name": "v", "schema": "integer" }
    });
    let with = |types: &[&str]| {
        let result = json!({
            "@id": "dtmi:example:Result;1", "@type": ["Object", "PropertyResult"],
            "fields": [{ "@type": types, "name": "values", "schema": map }]
        });
        let model = json!({
            "@context": ["dtmi:dtdl:context;4", "dtmi:dtdl:extension:mqtt;4"], "@id": "dtmi:example:A;1",
            "@type": "Interface", "schemas": [result]
        });
        rules(&model, &Options::default())
    };
    assert_eq!(with(&["Field", "PropertyValue", "Fragmented"]), []);
    assert!(with(&["Field", "Fragmented"]).contains(&Rule::InvalidCotype));
}
