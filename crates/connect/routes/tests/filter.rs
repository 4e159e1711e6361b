//! Filters against an evaluator that shares nothing with the one under test, and against arbitrary texts.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use voltwin_routes::{CloudEvent, FILTER_BYTES_MAX, FILTER_DEPTH_MAX, Filter, Kind};

fn event(kind: &str, subject: Option<&str>, data: Json) -> CloudEvent {
    CloudEvent {
        id: "1".into(),
        source: "demo.voltwin".into(),
        kind: kind.into(),
        subject: subject.map(Into::into),
        time: None,
        dataschema: None,
        traceparent: None,
        sequence: 1,
        data,
    }
}

/// A filter as a tree, to be written down and to be judged by the plainest means.
#[derive(Debug, Clone)]
enum Tree {
    Constant(bool),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    Compare(Leaf, &'static str, Leaf),
    Function(&'static str, Leaf, Leaf),
}

#[derive(Debug, Clone)]
enum Leaf {
    Attribute(&'static str),
    Body(Vec<&'static str>),
    Literal(Json),
}

fn write_leaf(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Attribute(name) => (*name).to_owned(),
        Leaf::Body(path) => path.iter().fold("$body".to_owned(), |text, name| {
            if name.contains(' ') { format!("{text}.[['{name}']]") } else { format!("{text}.{name}") }
        }),
        Leaf::Literal(Json::String(text)) => {
            format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
        }
        Leaf::Literal(other) => other.to_string(),
    }
}

fn write(tree: &Tree, spaces: &str) -> String {
    let inner = |tree: &Tree| format!("({})", write(tree, spaces));
    match tree {
        Tree::Constant(value) => value.to_string(),
        Tree::Not(a) => format!("NOT{spaces}{}", inner(a)),
        Tree::And(a, b) => format!("{}{spaces}AND{spaces}{}", inner(a), inner(b)),
        Tree::Or(a, b) => format!("{}{spaces}or{spaces}{}", inner(a), inner(b)),
        Tree::Compare(a, sign, b) => format!("{}{spaces}{sign}{spaces}{}", write_leaf(a), write_leaf(b)),
        Tree::Function(name, a, b) => format!("{name}({},{spaces}{})", write_leaf(a), write_leaf(b)),
    }
}

fn value(leaf: &Leaf, event: &Json) -> Json {
    match leaf {
        Leaf::Literal(value) => value.clone(),
        Leaf::Attribute(name) => event.get(name).cloned().unwrap_or(Json::Null),
        Leaf::Body(path) => {
            let mut at = event["data"].clone();
            for name in path {
                at = match at {
                    Json::Object(mut fields) => fields.remove(*name).unwrap_or(Json::Null),
                    _ => Json::Null,
                };
            }
            at
        }
    }
}

/// Reads the event in the JSON in which it leaves, so that attributes are judged by what receivers see.
fn naive(tree: &Tree, event: &Json) -> bool {
    match tree {
        Tree::Constant(value) => *value,
        Tree::Not(a) => !naive(a, event),
        Tree::And(a, b) => naive(a, event) & naive(b, event),
        Tree::Or(a, b) => naive(a, event) | naive(b, event),
        Tree::Compare(a, sign, b) => {
            let (a, b) = (value(a, event), value(b, event));
            let scalar = |v: &Json| !v.is_array() && !v.is_object();
            let same = match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => scalar(&a) && scalar(&b) && a == b,
            };
            let before = |a: &Json, b: &Json| match (a, b) {
                (Json::String(a), Json::String(b)) => a < b,
                _ => matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a < b),
            };
            let ordered = a.is_string() || a.is_number();
            match *sign {
                "=" => same,
                "!=" => !same,
                "<" => before(&a, &b),
                ">" => before(&b, &a),
                "<=" => before(&a, &b) || (ordered && same),
                _ => before(&b, &a) || (ordered && same),
            }
        }
        Tree::Function(name, a, b) => match (value(a, event), value(b, event)) {
            (Json::String(a), Json::String(b)) => match *name {
                "STARTS_WITH" => a.find(&b) == Some(0),
                "contains" => a.contains(&b),
                _ => a.len() >= b.len() && a.as_bytes()[a.len() - b.len()..] == *b.as_bytes(),
            },
            _ => false,
        },
    }
}

fn literal() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3i64..4).prop_map(Json::from),
        (-6i32..7).prop_map(|n| Json::from(f64::from(n) / 2.0)),
        "[ab'\\\\]{0,3}".prop_map(Json::from),
        proptest::sample::select(Kind::ALL.to_vec()).prop_map(|kind| Json::from(kind.name())),
    ]
}

const NAMES: [&str; 5] = ["a", "b", "$metadata", "$model", "two words"];

fn leaf() -> impl Strategy<Value = Leaf> {
    let attributes = ["type", "source", "subject", "dataschema", "datacontenttype", "specversion"];
    prop_oneof![
        proptest::sample::select(attributes.to_vec()).prop_map(Leaf::Attribute),
        proptest::collection::vec(proptest::sample::select(NAMES.to_vec()), 1..3).prop_map(Leaf::Body),
        literal().prop_map(Leaf::Literal),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let signs = proptest::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let functions = proptest::sample::select(vec!["STARTS_WITH", "Ends_With", "contains"]);
    let ends = prop_oneof![
        any::<bool>().prop_map(Tree::Constant),
        (leaf(), signs, leaf()).prop_map(|(a, sign, b)| Tree::Compare(a, sign, b)),
        (functions, leaf(), leaf()).prop_map(|(name, a, b)| Tree::Function(name, a, b)),
    ];
    ends.prop_recursive(4, 24, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|a| Tree::Not(Box::new(a))),
            pair.clone().prop_map(|(a, b)| Tree::And(Box::new(a), Box::new(b))),
            pair.prop_map(|(a, b)| Tree::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn data() -> impl Strategy<Value = Json> {
    let name = || proptest::sample::select(NAMES.to_vec());
    let deeper = prop_oneof![
        literal(),
        proptest::collection::btree_map(name(), literal(), 0..3).prop_map(|fields| json!(fields)),
        proptest::collection::vec(literal(), 0..2).prop_map(Json::from),
    ];
    proptest::collection::btree_map(name(), deeper, 0..5).prop_map(|fields| json!(fields))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, ..ProptestConfig::default() })]

    #[test]
    fn every_filter_judges_as_the_plain_evaluator_does(
        tree in tree(),
        kind in proptest::sample::select(Kind::ALL.to_vec()),
        subject in proptest::option::of("[ab]{0,3}"),
        data in data(),
        spaces in "[ \t\n]{1,3}",
    ) {
        let text = write(&tree, &spaces);
        let event = event(kind.name(), subject.as_deref(), data);
        let seen: Json = serde_json::from_str(&event.structured()).unwrap();
        let filter = Filter::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(filter.matches(&event), naive(&tree, &seen), "{} on {}", text, seen);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{}: {}", text, error);
        }
    }

    #[test]
    fn no_broken_filter_makes_the_parser_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "type", "$body", "$body.", ".[['", "']]", "=", "!=", "<", "(", ")", ",", "AND", "OR", "NOT", "'", "'a'",
                "\\", "1", "-", "1e400", "true", "null", "STARTS_WITH", "$", "ä", "\u{1f600}",
            ]),
            0..16,
        ),
        gap in "[ ]{0,1}",
    ) {
        let text = words.join(&gap);
        if let Err(error) = Filter::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{}: {}", text, error);
        }
    }
}

#[test]
fn the_documented_examples_do_what_they_say() {
    let update = event(
        Kind::TwinUpdate.name(),
        Some("thermostat-7"),
        json!({"modelId": "dtmi:example:Thermostat;1", "patch": []}),
    );
    let created = event(
        Kind::TwinCreate.name(),
        Some("GasMeter-1"),
        json!({"$metadata": {"$model": "dtmi:example:GasMeter;1"}, "temperature": 5.5, "errorCode": 201, "on": true}),
    );
    let table = [
        ("true", true, true),
        ("false", false, false),
        ("type = 'Microsoft.DigitalTwins.Twin.Update'", true, false),
        ("source = 'demo.voltwin'", true, true),
        ("subject = 'thermostat-7'", true, false),
        ("dataschema = null", true, true),
        ("datacontenttype = 'application/json' AND specversion = '1.0'", true, true),
        ("$body.modelId = 'dtmi:example:Thermostat;1'", true, false),
        (
            "STARTS_WITH($body.$metadata.$model, 'dtmi:example:Gas') OR CONTAINS(subject, 'mostat')",
            true,
            true,
        ),
        ("ENDS_WITH($body.$metadata.$model, 'Meter;1')", false, true),
        ("$body.errorCode > 200 AND $body.temperature <= 5.5 AND $body.on = true", false, true),
        ("$body.on != null", false, true),
        (
            "(type != 'microsoft.iot.telemetry' OR datacontenttype = 'x') AND NOT subject = 'thermostat-7'",
            false,
            true,
        ),
        // AND binds closer than OR
        ("true OR false AND false", true, true),
        ("$body.patch = null", false, true),
    ];
    for (text, of_update, of_created) in table {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((filter.matches(&update), filter.matches(&created)), (of_update, of_created), "{text}");
    }
}

#[test]
fn an_error_names_its_column() {
    let table = [
        ("", 1),
        ("type", 5),
        ("type = ", 8),
        ("type = 'x", 8),
        ("type = x", 8),
        ("type == 'x'", 7),
        ("type = \"x\"", 8),
        ("body.x = 1", 1),
        ("$twin.x = 1", 1),
        ("$body.patch[0] = 1", 12),
        ("$body. = 1", 7),
        ("(true", 6),
        ("true)", 5),
        ("true AND", 9),
        ("'ä' = 'ä' AND ?", 15),
        ("CONTAINS(subject)", 17),
        ("CONTAINS subject", 10),
        ("$body.x > 1.2.3", 11),
        ("$body.x IN ('a')", 9),
        ("'a\\n' = 'b'", 3),
    ];
    for (text, column) in table {
        let error = Filter::parse(text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.to_string().contains(&format!("column {column}")));
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let nested = |levels: usize| format!("{}true{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Filter::parse(&nested(FILTER_DEPTH_MAX)).is_ok());
    let error = Filter::parse(&nested(FILTER_DEPTH_MAX + 1)).unwrap_err();
    assert!(error.reason.contains("64"), "{error}");
    assert!(Filter::parse(&"NOT ".repeat(FILTER_DEPTH_MAX + 1)).is_err());
    let long = format!("subject = '{}'", "ä".repeat(FILTER_BYTES_MAX));
    assert!(Filter::parse(&long).unwrap_err().reason.contains("4096"));
}

#[test]
fn a_filter_knows_the_one_subject_that_it_asks_for() {
    let cases = [
        ("subject = 'EV-1'", Some("EV-1")),
        ("'EV-1' = subject", Some("EV-1")),
        ("type = 'x' AND (subject = 'it\\'s' AND source != 's')", Some("it's")),
        ("subject = 'a' OR subject = 'b'", None),
        ("NOT subject = 'a'", None),
        ("subject != 'a'", None),
        ("subject = null", None),
        ("$body.subject = 'a'", None),
        ("true", None),
    ];
    for (text, subject) in cases {
        assert_eq!(Filter::parse(text).unwrap().subject(), subject, "{text}");
    }
}
