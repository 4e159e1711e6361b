//! What the check of a type lets pass and the protocol does not: properties that it does not know, `null` for a
//! property that is to be left out, `customData` without its vendor, and limits that the types lack.

use std::fmt;
use std::sync::OnceLock;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::shape::{Field, Shape, VENDOR_ID_MAX};
use super::{errata, table};
use crate::{ErrorCode, Version, Violation};

/// Findings of one message that are told; of more, the first ones.
const FINDINGS_MAX: usize = 16;

/// The shapes of one action.
struct Known {
    action: &'static str,
    request: Shape,
    answer: Shape,
}

fn known(version: Version, action: &str) -> Option<&'static Known> {
    static KNOWN: [OnceLock<Vec<Known>>; 3] = [const { OnceLock::new() }; 3];
    let place = match version {
        Version::V16 => 0,
        Version::V201 => 1,
        Version::V21 => 2,
    };
    let all = KNOWN[place].get_or_init(|| {
        let shapes = table(version).iter().map(|entry| {
            let (mut request, mut answer) = ((entry.request_shape)(), (entry.answer_shape)());
            errata::amend(version, entry.action, &mut request, &mut answer);
            Known { action: entry.action, request, answer }
        });
        shapes.collect()
    });
    // in the order of the table, which begins with what is said most often
    all.iter().find(|known| known.action == action)
}

/// What is strange in the payload of a call; nothing when it cannot be read.
pub(crate) fn strange_in_request(version: Version, action: &str, payload: &str) -> Vec<Violation> {
    known(version, action).map(|known| strange(&known.request, payload)).unwrap_or_default()
}

/// What is strange in the payload of an answer.
pub(crate) fn strange_in_answer(version: Version, action: &str, payload: &str) -> Vec<Violation> {
    known(version, action).map(|known| strange(&known.answer, payload)).unwrap_or_default()
}

/// What is strange in the payload of the one SEND of OCPP 2.1.
pub(crate) fn strange_in_send(payload: &str) -> Vec<Violation> {
    static SEND: OnceLock<Shape> = OnceLock::new();
    strange(SEND.get_or_init(Shape::of::<ocpp_types::v21::NotifyPeriodicEventStream>), payload)
}

fn strange(shape: &Shape, payload: &str) -> Vec<Violation> {
    let mut notes = Notes { path: String::new(), found: Vec::new() };
    let mut reader = serde_json::Deserializer::from_str(payload);
    // text that is not JSON is the business of the check before this one
    let _ = Look { shape, notes: &mut notes }.deserialize(&mut reader);
    notes.found
}

struct Notes {
    path: String,
    found: Vec<Violation>,
}

impl Notes {
    fn add(&mut self, code: ErrorCode, detail: impl Into<String>) {
        if self.found.len() < FINDINGS_MAX {
            self.found.push(Violation::new(code, self.path.clone(), detail));
        }
    }

    /// Goes one property deeper for the time of `look`.
    fn at<T>(&mut self, name: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        super::path::join(&mut self.path, name);
        let result = look(self);
        self.path.truncate(length);
        result
    }
}

/// Looks at one value.
struct Look<'s, 'n> {
    shape: &'s Shape,
    notes: &'n mut Notes,
}

impl<'de> DeserializeSeed<'de> for Look<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.shape {
            Shape::Any => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Look<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        // a text is never longer in characters than in bytes, which are quickly told
        if let Shape::Text { max: Some(max), .. } = self.shape
            && text.len() > *max
        {
            let length = text.chars().count();
            if length > *max {
                let detail = format!("expected at most {max} characters, got {length}");
                self.notes.add(ErrorCode::PropertyConstraintViolation, detail);
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.notes.add(ErrorCode::TypeConstraintViolation, "a property without a value is to be left out");
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Shape::List { item, min, .. } = self.shape else {
            // the types read an object also from a list of its values, without their names
            if matches!(self.shape, Shape::Object { .. } | Shape::Custom) {
                self.notes.add(ErrorCode::TypeConstraintViolation, "expected an object");
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let length = self.notes.path.len();
        for index in 0.. {
            self.notes.path.push_str(&format!("[{index}]"));
            let next = list.next_element_seed(Look { shape: item, notes: self.notes });
            self.notes.path.truncate(length);
            if next?.is_none() {
                if let Some(min) = min.filter(|min| index < *min) {
                    let detail = format!("expected at least {min} items, got {index}");
                    self.notes.add(ErrorCode::OccurrenceConstraintViolation, detail);
                }
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.shape {
            Shape::Object { fields, .. } => known_only(fields, self.notes, map),
            Shape::Custom => custom_data(self.notes, map),
            _ => ignore(map),
        }
    }
}

/// Reads the name of a property and finds it among those that are known, without a copy.
struct Key<'f>(&'f [Field]);

impl<'de, 'f> DeserializeSeed<'de> for Key<'f> {
    type Value = Result<&'f Field, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'f> Visitor<'_> for Key<'f> {
    type Value = Result<&'f Field, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|field| field.name == name).ok_or_else(|| name.to_owned()))
    }
}

fn known_only<'de, A: MapAccess<'de>>(
    fields: &[Field],
    notes: &mut Notes,
    mut map: A,
) -> Result<(), A::Error> {
    while let Some(key) = map.next_key_seed(Key(fields))? {
        match key {
            Ok(field) => {
                notes.at(field.name, |notes| map.next_value_seed(Look { shape: &field.shape, notes }))?;
            }
            Err(name) => {
                notes.at(&name, |notes| {
                    notes.add(ErrorCode::FormatViolation, "the protocol has no such property");
                });
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(())
}

/// `customData` may hold anything beside the name of its vendor, which must be there.
fn custom_data<'de, A: MapAccess<'de>>(notes: &mut Notes, mut map: A) -> Result<(), A::Error> {
    let mut named = false;
    while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
        if name != "vendorId" {
            map.next_value::<IgnoredAny>()?;
            continue;
        }
        named = true;
        let vendor: serde_json::Value = map.next_value()?;
        notes.at("vendorId", |notes| match vendor.as_str().map(|vendor| vendor.chars().count()) {
            None => notes.add(ErrorCode::TypeConstraintViolation, "expected a string"),
            Some(length) if length > VENDOR_ID_MAX => notes.add(
                ErrorCode::PropertyConstraintViolation,
                format!("expected at most {VENDOR_ID_MAX} characters, got {length}"),
            ),
            Some(_) => {}
        });
    }
    if !named {
        notes.at("vendorId", |notes| {
            notes.add(ErrorCode::OccurrenceConstraintViolation, "the field is missing");
        });
    }
    Ok(())
}

fn ignore<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(version: Version, action: &str, payload: &str) -> Vec<String> {
        strange_in_request(version, action, payload).into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn what_the_protocol_does_not_know_is_found_at_any_depth() {
        let good = r#"{"connectorId":1,"meterValue":[{"timestamp":"2026-11-21T08:00:00Z",
            "sampledValue":[{"value":"1"}]}]}"#;
        assert!(fields(Version::V16, "MeterValues", good).is_empty());
        let bad = good.replace(r#""value":"1""#, r#""value":"1","wert":{"a":[1,null]},"unit":null"#);
        let found = fields(Version::V16, "MeterValues", &bad);
        let sample = "meterValue[0].sampledValue[0]";
        assert_eq!(found, [format!("{sample}.wert"), format!("{sample}.unit")]);
    }

    #[test]
    fn custom_data_is_free_but_names_its_vendor() {
        let heartbeat = |custom: &str| format!(r#"{{"customData":{custom}}}"#);
        for (custom, expected) in [
            (r#"{"vendorId":"com.acme","anything":{"goes":[null]}}"#, None),
            (r#"{"anything":1}"#, Some("customData.vendorId")),
            (r#"{"vendorId":7}"#, Some("customData.vendorId")),
            ("null", Some("customData")),
        ] {
            let found = fields(Version::V201, "Heartbeat", &heartbeat(custom));
            assert_eq!(found.first().map(String::as_str), expected, "{custom}");
        }
        assert_eq!(fields(Version::V16, "Heartbeat", &heartbeat("{}")), ["customData"]);
    }

    #[test]
    fn values_without_their_names_are_no_object() {
        assert_eq!(fields(Version::V16, "Authorize", r#"["TAG"]"#), [""]);
        assert_eq!(fields(Version::V16, "Heartbeat", "[]"), [""]);
        let event = r#"{"certificate":null,"idToken":["A","Central"]}"#;
        assert_eq!(fields(Version::V201, "Authorize", event), ["certificate", "idToken"]);
    }

    #[test]
    fn data_of_a_transfer_is_free() {
        let payload = r#"{"vendorId":"v","data":{"x":null}}"#;
        assert!(fields(Version::V21, "DataTransfer", payload).is_empty());
        assert!(
            super::super::check_request(Version::V21, "DataTransfer", payload, &[super::super::Origin::Both])
                .is_ok()
        );
    }
}
