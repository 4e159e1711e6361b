//! Texts that nobody would write: no panic, no endless work, and the right word for each.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use voltwin_dtdl::{Error, Options, Rule, UndefinedExtensions, VIOLATIONS_MAX, parse};

/// Far above what any of these takes, also in a debug build on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

fn interface(id: &str, rest: Value) -> Value {
    let mut interface = json!({ "@context": "dtmi:dtdl:context;3", "@id": id, "@type": "Interface" });
    let (Value::Object(all), Value::Object(more)) = (&mut interface, rest) else { panic!() };
    all.extend(more);
    interface
}

fn rules(model: &Value) -> Vec<Rule> {
    let start = Instant::now();
    let outcome = parse(&[&model.to_string()], &Options::default());
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    let mut rules: Vec<_> = match outcome {
        Ok(_) => Vec::new(),
        Err(error) => error.violations().iter().map(|violation| violation.rule).collect(),
    };
    rules.dedup();
    rules
}

#[test]
fn a_ladder_of_diamonds_is_walked_once() {
    // 2^40 paths lead down
    let step = |at: usize, name: &str| format!("dtmi:t:{name}{at};1");
    let mut model = Vec::new();
    for at in 0..40 {
        let below = json!({ "extends": [step(at + 1, "l"), step(at + 1, "r")] });
        model.push(interface(&step(at, "l"), below.clone()));
        model.push(interface(&step(at, "r"), below));
    }
    model.push(interface(&step(40, "l"), json!({})));
    model.push(interface(&step(40, "r"), json!({})));
    let found = rules(&Value::from(model));
    assert!(found.contains(&Rule::ExcessiveDepthNarrow), "{found:?}");
}

#[test]
fn a_long_chain_and_a_large_circle_end() {
    let link = |at: usize, to: usize| {
        interface(&format!("dtmi:t:i{at};1"), json!({ "extends": format!("dtmi:t:i{to};1") }))
    };
    let mut chain: Vec<_> = (0..20_000).map(|at| link(at, at + 1)).collect();
    chain.push(interface("dtmi:t:i20000;1", json!({})));
    assert!(rules(&Value::from(chain)).contains(&Rule::ExcessiveDepthNarrow));
    let circle: Vec<_> = (0..20_000).map(|at| link(at, (at + 1) % 20_000)).collect();
    assert!(rules(&Value::from(circle)).contains(&Rule::RecursiveStructureNarrow));
}

#[test]
fn schemas_that_share_each_other_are_walked_once() {
    let schema = |at: usize| format!("dtmi:t:s{at};1");
    let object = |at: usize| {
        let field = |name: &str| json!({ "name": name, "schema": schema(at + 1) });
        json!({ "@id": schema(at), "@type": "Object", "fields": [field("a"), field("b")] })
    };
    let mut schemas: Vec<_> = (0..60).map(object).collect();
    schemas.push(json!({ "@id": schema(60), "@type": "Array", "elementSchema": "double" }));
    let found = rules(&interface("dtmi:t:i;1", json!({ "schemas": schemas })));
    assert!(found.contains(&Rule::ExcessiveDepthWide), "{found:?}");
}

#[test]
fn an_identifier_around_many_elements_does_not_fill_the_memory() {
    let fields: Vec<_> =
        (0..20_000).map(|at| json!({ "name": format!("f{at}"), "schema": "double" })).collect();
    let mut schema = json!({ "@type": "Object", "fields": fields });
    for _ in 0..15 {
        schema = json!({ "@type": "Object", "fields": [{ "name": "n".repeat(4_000), "schema": schema }] });
    }
    let property = json!({ "@type": "Property", "name": "p", "schema": schema });
    let found = rules(&interface("dtmi:t:i;1", json!({ "contents": [property] })));
    assert!(found.contains(&Rule::IdTooLong), "{found:?}");
}

#[test]
fn many_that_share_much_cost_the_sum_and_not_the_product() {
    let telemetry = |at: usize| json!({ "@type": "Telemetry", "name": format!("t{at}"), "schema": "double" });
    let contents: Vec<_> = (0..10_000).map(telemetry).collect();
    let part = interface("dtmi:t:part;1", json!({ "contents": contents }));
    let component =
        |at: usize| json!({ "@type": "Component", "name": format!("c{at}"), "schema": "dtmi:t:part;1" });
    let components: Vec<_> = (0..10_000).map(component).collect();
    let whole = interface("dtmi:t:whole;1", json!({ "contents": components }));
    assert!(rules(&json!([whole, part])).contains(&Rule::ExcessiveCount));

    let contents: Vec<_> = (0..300).map(telemetry).collect();
    let mut heirs = vec![interface("dtmi:t:base;1", json!({ "contents": contents }))];
    heirs.extend(
        (0..10_000).map(|at| interface(&format!("dtmi:t:i{at};1"), json!({ "extends": "dtmi:t:base;1" }))),
    );
    assert!(rules(&Value::from(heirs)).contains(&Rule::ExcessiveCount));

    let mut keywords = interface("dtmi:t:i;1", json!({}));
    for at in 0..20_000 {
        keywords[format!("@k{at}")] = json!(0);
    }
    assert_eq!(rules(&keywords), [Rule::InvalidJson]);
}

#[test]
fn breaches_are_listed_up_to_a_bound() {
    let contents: Vec<_> =
        (0..5_000).map(|at| json!({ "@type": "Property", "name": format!("p{at}_") })).collect();
    let text = interface("dtmi:t:i;1", json!({ "contents": contents })).to_string();
    let Err(Error::Invalid(violations)) = parse(&[&text], &Options::default()) else { panic!() };
    assert_eq!(violations.len(), VIOLATIONS_MAX);
}

#[test]
fn nesting_ends() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"@type\":", "}"), ("{\"@graph\":", "}")] {
        let text = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let Err(Error::Invalid(violations)) = parse(&[&text], &Options::default()) else { panic!() };
        assert_eq!(violations[0].rule, Rule::InvalidJson);
    }
}

/// A model that touches every class and some extensions, to be cut up.
const SEED: &str = r#"[{"@context":["dtmi:dtdl:context;4","dtmi:dtdl:extension:quantitativeTypes;2","dtmi:dtdl:extension:historization;2"],"@id":"dtmi:t:i;1","@type":"Interface","displayName":{"en":"x","de":"y"},"extends":"dtmi:t:j;1","contents":[{"@type":["Property","Temperature","Historized"],"name":"a","schema":"double","unit":"degreeCelsius","writable":true},{"@type":"Telemetry","name":"b","schema":{"@type":"Object","fields":[{"name":"c","schema":{"@type":"Enum","valueSchema":"integer","enumValues":[{"name":"d","enumValue":1}]}}]}},{"@type":"Command","name":"e","request":{"name":"f","schema":{"@type":"Map","mapKey":{"name":"k","schema":"string"},"mapValue":{"name":"v","schema":{"@type":"Array","elementSchema":"dtmi:t:s;1"}}},"nullable":true}},{"@type":"Relationship","name":"g","maxMultiplicity":2,"target":"dtmi:t:j;1","properties":[{"@type":"Property","name":"h","schema":"string"}]},{"@type":"Component","name":"l","schema":"dtmi:t:j;1"}],"schemas":[{"@id":"dtmi:t:s;1","@type":"Array","elementSchema":"point"}]},{"@context":"dtmi:dtdl:context;3","@id":"dtmi:t:j;1","@type":"Interface"}]"#;

/// One change of a text: what stands from `at` on for `cut` bytes becomes `piece`, which is from the text itself.
fn changed(text: &str, (at, cut, from, length): (usize, usize, usize, usize)) -> String {
    let bytes = text.as_bytes();
    let end = |start: usize, length: usize| (start + length).min(bytes.len());
    let (at, from) = (at % (bytes.len() + 1), from % (bytes.len() + 1));
    let pieces = [&bytes[..at], &bytes[from..end(from, length)], &bytes[end(at, cut)..]];
    String::from_utf8_lossy(&pieces.concat()).into_owned()
}

/// Swaps one JSON value of the model for another, so that the text stays JSON.
fn grafted(mut model: Value, (to, from): (usize, usize)) -> Value {
    fn pointers(value: &Value, path: &str, found: &mut Vec<String>) {
        found.push(path.to_owned());
        match value {
            Value::Array(values) => {
                values
                    .iter()
                    .enumerate()
                    .for_each(|(at, value)| pointers(value, &format!("{path}/{at}"), found));
            }
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| pointers(value, &format!("{path}/{name}"), found));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    pointers(&model, "", &mut all);
    let value = model.pointer(&all[from % all.len()]).cloned();
    if let (Some(value), Some(to)) = (value, model.pointer_mut(&all[to % all.len()])) {
        *to = value;
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_change_of_a_text_is_survived(
        changes in prop::collection::vec((0_usize..4_000, 0_usize..40, 0_usize..4_000, 0_usize..40), 1..4),
    ) {
        let text = changes.into_iter().fold(SEED.to_owned(), |text, change| changed(&text, change));
        for undefined_extensions in [UndefinedExtensions::Allow, UndefinedExtensions::Deny] {
            let _ = parse(&[&text], &Options { undefined_extensions, ..Options::default() });
        }
    }

    #[test]
    fn any_graft_is_survived_and_judged_the_same_again(
        grafts in prop::collection::vec((0_usize..500, 0_usize..500), 1..4),
    ) {
        let seed: Value = serde_json::from_str(SEED).unwrap();
        let model = grafts.into_iter().fold(seed, grafted).to_string();
        let judge = || parse(&[&model], &Options::default()).map(|model| model.elements().count());
        prop_assert_eq!(judge(), judge());
    }
}

#[test]
fn the_seed_is_valid() {
    assert_eq!(parse(&[SEED], &Options::default()).unwrap().interfaces().count(), 2);
}
