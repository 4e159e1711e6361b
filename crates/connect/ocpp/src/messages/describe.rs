//! Every action of a version, described for machines: forms are built from it, and payloads can be prepared with it.
//!
//! [`Shape::of`] learns the properties from the type. Limits that no type holds (ranges, sizes of long texts and
//! lists) are found out by asking the judge itself: one value of a complete payload at a time is made far too long,
//! too great, too small or too many, and the violation that comes back names the limit. So the description cannot
//! promise what the check refuses.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::shape::{Bounds, Field, Format, Shape};
use super::{Check, Origin, table};
use crate::{Version, Violation};

/// Longer than every limit of a text in the protocol.
const LONG_TEXT: usize = 40_000;
/// More than every list whose limit stands in its type, and more than any other list may have.
const MANY: [usize; 2] = [18, 1_100];
/// Beyond every range of the protocol, and still a whole number that a double holds exactly.
const FAR: f64 = 1e15;
/// A payload is made acceptable by as many corrections at most.
const CORRECTIONS: usize = 256;

/// One action, described.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionDescription {
    /// The action.
    pub action: &'static str,
    /// Who may send it.
    pub origin: Origin,
    /// JSON Schema of the payload of the call: `type`, `properties`, `required`, `enum`, `items`, the limits, and
    /// nothing else of that language.
    pub request: Value,
    /// The same of the payload of the answer.
    pub answer: Value,
}

/// All actions of `version` in the order of their names. The first call of a version takes some tens of
/// milliseconds, the others nothing.
pub fn describe_actions(version: Version) -> &'static [ActionDescription] {
    static DESCRIBED: [OnceLock<Vec<ActionDescription>>; 3] = [const { OnceLock::new() }; 3];
    let place = match version {
        Version::V16 => 0,
        Version::V201 => 1,
        Version::V21 => 2,
    };
    DESCRIBED[place].get_or_init(|| {
        let mut known = Known::new();
        let mut describe = |shape: fn() -> Shape, check: Check| {
            let mut shape = shape();
            find_limits(&mut shape, check, &mut known);
            shape.to_schema()
        };
        let mut actions: Vec<ActionDescription> = table(version)
            .iter()
            .map(|entry| ActionDescription {
                action: entry.action,
                origin: entry.origin,
                request: describe(entry.request_shape, entry.request),
                answer: describe(entry.answer_shape, entry.answer),
            })
            .collect();
        actions.sort_by_key(|described| described.action);
        actions
    })
}

/// Objects whose limits have been found, by the name of their type: most occur in many messages.
type Known = HashMap<&'static str, Vec<Field>>;

/// Fills in the limits that `check` holds payloads of this shape to.
fn find_limits(shape: &mut Shape, check: Check, known: &mut Known) {
    adopt(shape, known);
    let mut payload = example(shape, true);
    for _ in 0..CORRECTIONS {
        let Err(violation) = check(&payload.to_string()) else { break };
        if !learn(shape, &violation) {
            break;
        }
        payload = example(shape, true);
    }
    let mut probes = Vec::new();
    collect_probes(shape, "", known, &mut probes);
    for (path, probe) in probes {
        if matches!(at(shape, &path), Some(Shape::List { max: Some(_), .. }))
            && matches!(probe, Probe::Many(..))
        {
            continue;
        }
        let Some(place) = payload.pointer_mut(&pointer(&path)) else { continue };
        let Some(value) = probe.value(place) else { continue };
        let kept = std::mem::replace(place, value);
        if let Err(violation) = check(&payload.to_string())
            && violation.field == path
        {
            learn(shape, &violation);
        }
        if let Some(place) = payload.pointer_mut(&pointer(&path)) {
            *place = kept;
        }
    }
    remember(shape, known);
}

/// Takes over what is known of the objects in a shape.
fn adopt(shape: &mut Shape, known: &Known) {
    match shape {
        Shape::List { item, .. } => adopt(item, known),
        Shape::Object { name, fields } => match known.get(name) {
            Some(found) => fields.clone_from(found),
            None => fields.iter_mut().for_each(|field| adopt(&mut field.shape, known)),
        },
        _ => {}
    }
}

fn remember(shape: &Shape, known: &mut Known) {
    match shape {
        Shape::List { item, .. } => remember(item, known),
        Shape::Object { name, fields } => {
            fields.iter().for_each(|field| remember(&field.shape, known));
            known.insert(name, fields.clone());
        }
        _ => {}
    }
}

/// A payload within the limits that are known: with every property once, or with those alone that must be there.
fn example(shape: &Shape, full: bool) -> Value {
    let number = |bounds: &Bounds| {
        let least = bounds.min.unwrap_or(1.0).max(1.0);
        super::shape::plain(bounds.max.map_or(least, |max| least.min(max)))
    };
    match shape {
        Shape::Any => Value::Null,
        Shape::Custom => json!({"vendorId": "a"}),
        Shape::Bool => json!(true),
        Shape::Integer(bounds) | Shape::Number(bounds) => number(bounds),
        Shape::Text { format, .. } => match format {
            Some(Format::DateTime) => json!("2026-01-01T00:00:00Z"),
            Some(Format::Date) => json!("2026-01-01"),
            Some(Format::TimeOfDay) => json!("12:00"),
            None => json!("a"),
        },
        Shape::Words(words) => json!(words.first()),
        Shape::List { item, min, .. } => Value::Array(vec![example(item, full); min.unwrap_or(1).max(1)]),
        Shape::Object { fields, .. } => {
            let wanted = fields.iter().filter(|field| full || field.required);
            wanted.map(|field| (field.name.to_owned(), example(&field.shape, full))).collect()
        }
    }
}

/// A value that must break a limit, if there is one.
#[derive(Debug, Clone)]
enum Probe {
    LongText,
    Least,
    Greatest,
    Between,
    Empty,
    Many(usize, Value),
}

impl Probe {
    fn value(self, kept: &Value) -> Option<Value> {
        Some(match self {
            Self::LongText => json!("a".repeat(LONG_TEXT)),
            Self::Least => super::shape::plain(-FAR / 10.0),
            Self::Greatest => super::shape::plain(FAR / 10.0),
            Self::Between => json!(kept.as_f64()? + 0.012_345),
            Self::Empty => json!([]),
            Self::Many(count, item) => Value::Array(vec![item; count]),
        })
    }
}

/// What to try at which path.
fn collect_probes(shape: &Shape, path: &str, known: &Known, probes: &mut Vec<(String, Probe)>) {
    let mut probe = |probe| probes.push((path.to_owned(), probe));
    match shape {
        Shape::Text { max: None, format: None } => probe(Probe::LongText),
        Shape::Integer(_) => [Probe::Least, Probe::Greatest].into_iter().for_each(probe),
        Shape::Number(_) => [Probe::Least, Probe::Greatest, Probe::Between].into_iter().for_each(probe),
        Shape::List { item, .. } => {
            let many = MANY.map(|count| Probe::Many(count, example(item, false)));
            [Probe::Empty].into_iter().chain(many).for_each(probe);
            collect_probes(item, &format!("{path}[0]"), known, probes);
        }
        Shape::Object { name, fields } if !known.contains_key(name) => {
            for Field { name, shape, .. } in fields {
                let path = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
                collect_probes(shape, &path, known, probes);
            }
        }
        _ => {}
    }
}

/// Takes the limit that a violation names into the shape. False when it names none.
fn learn(shape: &mut Shape, violation: &Violation) -> bool {
    let detail = violation.detail.as_str();
    let number = |start: &str| {
        let rest = detail.strip_prefix(start)?;
        rest.split([' ', ',']).next()?.parse::<f64>().ok()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count that the check wrote as a whole number"
    )]
    let count = |number: f64| Some(number as usize);
    let (least, most) = (number("expected at least "), number("expected at most "));
    let step = number("expected a multiple of ");
    // a list of fixed capacity reports the first item that does not fit
    let overflow = number("invalid length ").map(|length| length - 1.0);
    match at(shape, &violation.field) {
        Some(Shape::Text { max, .. }) if most.is_some() => *max = most.and_then(count),
        Some(Shape::List { min, .. }) if least.is_some() => *min = least.and_then(count),
        Some(Shape::List { max, .. }) if most.or(overflow).is_some() => {
            *max = most.or(overflow).and_then(count);
        }
        Some(Shape::Integer(bounds) | Shape::Number(bounds)) => {
            bounds.min = least.or(bounds.min);
            bounds.max = most.or(bounds.max);
            bounds.step = step.or(bounds.step);
            return least.or(most).or(step).is_some();
        }
        _ => return false,
    }
    true
}

/// The steps of a path such as `a.b[0].c`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty())
}

fn pointer(path: &str) -> String {
    steps(path).flat_map(|step| ["/", step]).collect()
}

fn at<'s>(shape: &'s mut Shape, path: &str) -> Option<&'s mut Shape> {
    steps(path).try_fold(shape, |shape, step| match shape {
        Shape::Object { fields, .. } => {
            fields.iter_mut().find(|field| field.name == step).map(|field| &mut field.shape)
        }
        Shape::List { item, .. } => Some(&mut **item),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(version: Version, action: &str) -> &'static ActionDescription {
        describe_actions(version).iter().find(|one| one.action == action).unwrap()
    }

    /// A payload made by the description alone, with all properties or with none that may be left out.
    fn made(schema: &Value, full: bool) -> Value {
        if let Some(words) = schema["enum"].as_array() {
            return words[0].clone();
        }
        match schema["type"].as_str() {
            Some("object") => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let properties = schema["properties"].as_object().unwrap();
                let wanted = properties.iter().filter(|(name, _)| full || required.contains(&json!(name)));
                wanted.map(|(name, schema)| (name.clone(), made(schema, full))).collect()
            }
            Some("array") => {
                let (min, max) = (schema["minItems"].as_u64().unwrap_or(1), schema["maxItems"].as_u64());
                let count = if full { max.unwrap_or(min) } else { min };
                Value::Array(vec![made(&schema["items"], false); usize::try_from(count).unwrap()])
            }
            Some("string") => match schema["format"].as_str() {
                Some("date-time") => json!("2026-11-21T08:00:00.000+01:00"),
                Some("date") => json!("2026-11-21"),
                _ if schema["pattern"].is_string() => json!("23:59"),
                _ => {
                    let max = schema["maxLength"].as_u64().unwrap_or(10);
                    json!("x".repeat(if full { usize::try_from(max).unwrap() } else { 1 }))
                }
            },
            Some("boolean") => json!(false),
            Some("integer" | "number") => {
                let bound = if full { "maximum" } else { "minimum" };
                schema.get(bound).cloned().unwrap_or(json!(7))
            }
            _ => json!({"anything": [1, "two", null]}),
        }
    }

    #[test]
    fn what_a_description_allows_is_allowed() {
        let mut seen = 0;
        for version in Version::PREFERRED {
            for entry in table(version) {
                let described = described(version, entry.action);
                for full in [false, true] {
                    let payload = made(&described.request, full).to_string();
                    (entry.request)(&payload).unwrap_or_else(|v| panic!("{version} {}: {v}", entry.action));
                    let payload = made(&described.answer, full).to_string();
                    (entry.answer)(&payload).unwrap_or_else(|v| panic!("{version} {}: {v}", entry.action));
                    seen += 2;
                }
            }
        }
        assert!(seen > 700, "{seen}");
    }

    /// The figures are those of the published messages, looked up by hand.
    #[test]
    fn limits_that_stand_in_no_type_are_found() {
        let profile =
            &described(Version::V16, "SetChargingProfile").request["properties"]["csChargingProfiles"];
        let schedule = &profile["properties"]["chargingSchedule"]["properties"];
        assert_eq!(schedule["minChargingRate"]["multipleOf"], json!(0.1));
        let variables = &described(Version::V201, "SetVariables").request["properties"]["setVariableData"];
        assert_eq!(variables["minItems"], 1);
        assert_eq!(variables["items"]["properties"]["attributeValue"]["maxLength"], 1000);
        let schedule = &described(Version::V201, "SetChargingProfile").request["properties"]["chargingProfile"]
            ["properties"]["chargingSchedule"];
        assert_eq!((&schedule["minItems"], &schedule["maxItems"]), (&json!(1), &json!(3)));
        let periods = &schedule["items"]["properties"]["chargingSchedulePeriod"];
        assert_eq!(periods["maxItems"], 1024);
        let boot = &described(Version::V21, "SetDERControl").request["properties"]["isDefault"];
        assert_eq!(boot["type"], "boolean");
        let data = &described(Version::V21, "DataTransfer").request["properties"]["data"];
        assert_eq!(data, &json!({}));
    }

    #[test]
    fn what_is_beyond_a_found_limit_is_refused() {
        let mut tried = 0;
        for version in Version::PREFERRED {
            for entry in table(version) {
                let schema = &described(version, entry.action).request;
                for (name, property) in schema["properties"].as_object().unwrap() {
                    let beyond = [
                        property["maxLength"].as_u64().map(|max| json!("x".repeat(max as usize + 1))),
                        property["minimum"].as_f64().map(|min| json!(min as i64 - 1)),
                        property["maximum"].as_f64().map(|max| json!(max as i64 + 1)),
                        property["minItems"].as_u64().filter(|min| *min > 0).map(|_| json!([])),
                        property["maxItems"]
                            .as_u64()
                            .map(|max| json!(vec![made(&property["items"], false); max as usize + 1])),
                    ];
                    for value in beyond.into_iter().flatten() {
                        let mut payload = made(schema, false);
                        payload[name.as_str()] = value;
                        let refused = (entry.request)(&payload.to_string()).unwrap_err();
                        assert_eq!(refused.field, *name, "{version} {}: {refused}", entry.action);
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 200, "{tried}");
    }
}
