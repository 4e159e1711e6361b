//! Values against schemas: whether a JSON value is one that a schema of the model describes.

use serde_json::{Number, Value};

use crate::{
    graph::{At, Element, Graph, Literal},
    metamodel::Kind,
    pattern::is_duration,
};

/// How deeply a value may nest.
const DEPTH_MAX: u32 = 128;

/// What is wrong with a value, in one line each; nothing where it fits.
pub(crate) fn check(graph: &Graph<'_>, schema: At, value: &Value) -> Vec<String> {
    let mut check = Check { graph, found: Vec::new(), path: String::new(), depth: 0 };
    check.value(schema, value);
    check.found
}

struct Check<'g, 'a> {
    graph: &'g Graph<'a>,
    found: Vec<String>,
    path: String,
    depth: u32,
}

impl<'a> Check<'_, 'a> {
    fn fail(&mut self, what: impl AsRef<str>) {
        let place = if self.path.is_empty() { "the value" } else { &self.path };
        self.found.push(format!("{place} {}", what.as_ref()));
    }

    fn inside(&mut self, part: &str, check: impl FnOnce(&mut Self)) {
        if self.depth >= DEPTH_MAX {
            return self.fail("nests too deeply");
        }
        let length = self.path.len();
        self.path.push_str(part);
        self.depth += 1;
        check(self);
        self.depth -= 1;
        self.path.truncate(length);
    }

    fn value(&mut self, schema: At, value: &Value) {
        let element = self.graph.get(schema);
        match element.kind {
            Kind::Array => self.array(element, value),
            Kind::Object => self.object(element, value),
            Kind::Map => self.map(element, value),
            Kind::Enum => self.enumeration(element, value),
            kind => {
                if let Some(wanted) = wanted(kind, value) {
                    self.fail(format!("must be {wanted}, not {}", excerpt(value)));
                }
            }
        }
    }

    fn array(&mut self, element: &Element<'a>, value: &Value) {
        let Value::Array(items) = value else {
            return self.fail(format!("must be an array, not {}", excerpt(value)));
        };
        let Some(schema) = element.value("elementSchema") else { return };
        for (at, item) in items.iter().enumerate() {
            self.inside(&format!("[{at}]"), |check| check.value(schema, item));
        }
    }

    fn object(&mut self, element: &Element<'a>, value: &Value) {
        let Value::Object(members) = value else {
            return self.fail(format!("must be an object, not {}", excerpt(value)));
        };
        for (name, member) in members {
            let fields = element.values("fields");
            let field =
                fields.map(|field| self.graph.get(field)).find(|field| field.name.as_deref() == Some(name));
            match field.map(|field| field.value("schema")) {
                None => self.inside(&format!(".{name}"), |check| check.fail("is no field of the object")),
                Some(Some(schema)) => self.inside(&format!(".{name}"), |check| check.value(schema, member)),
                Some(None) => {}
            }
        }
    }

    fn map(&mut self, element: &Element<'a>, value: &Value) {
        let Value::Object(members) = value else {
            return self.fail(format!("must be an object, not {}", excerpt(value)));
        };
        let schema = element.value("mapValue").and_then(|entry| self.graph.get(entry).value("schema"));
        let Some(schema) = schema else { return };
        for (name, member) in members {
            self.inside(&format!(".{name}"), |check| check.value(schema, member));
        }
    }

    fn enumeration(&mut self, element: &Element<'a>, value: &Value) {
        if let Some(schema) = element.value("valueSchema") {
            let before = self.found.len();
            self.value(schema, value);
            if self.found.len() > before {
                return;
            }
        }
        let mut values = element.values("enumValues").map(|entry| self.graph.get(entry));
        let known = values.any(|entry| match (&entry.literal, value) {
            (Some(Literal::Text(text)), Value::String(given)) => text == given,
            (Some(Literal::Integer(number)), Value::Number(given)) => {
                given.as_i64() == Some(i64::from(*number))
            }
            (Some(Literal::Boolean(truth)), Value::Bool(given)) => truth == given,
            _ => false,
        });
        if !known {
            self.fail(format!("is {}, which is no value of the enumeration", excerpt(value)));
        }
    }
}

/// What a primitive schema asks for, where the value is not that.
///
/// ```
/// use voltwin_dtdl::{Kind, wanted};
/// assert_eq!(wanted(Kind::Date, &"2024-02-29".into()), None);
/// assert_eq!(wanted(Kind::Date, &"2023-02-29".into()), Some("a date such as 2024-02-29"));
/// ```
#[must_use]
pub fn wanted(kind: Kind, value: &Value) -> Option<&'static str> {
    let text = |test: fn(&str) -> bool| value.as_str().is_some_and(test);
    let number = |test: fn(&Number) -> bool| matches!(value, Value::Number(number) if test(number));
    let (fits, wanted) = match kind {
        Kind::Boolean => (value.is_boolean(), "true or false"),
        Kind::Byte => (number(in_range::<i8>), "an integer of 8 bits"),
        Kind::Short => (number(in_range::<i16>), "an integer of 16 bits"),
        Kind::Integer => (number(in_range::<i32>), "an integer of 32 bits"),
        Kind::Long => (number(in_range::<i64>), "an integer of 64 bits"),
        Kind::UnsignedByte => (number(in_range::<u8>), "an integer from 0 to 255"),
        Kind::UnsignedShort => (number(in_range::<u16>), "an integer from 0 to 65535"),
        Kind::UnsignedInteger => (number(in_range::<u32>), "an integer from 0 to 4294967295"),
        Kind::UnsignedLong => (number(in_range::<u64>), "an integer from 0 to 18446744073709551615"),
        Kind::Float => (number(is_float), "a number of 32 bits"),
        Kind::Double => (value.is_number(), "a number"),
        Kind::Decimal => (text(is_decimal), "a decimal number in a string"),
        Kind::String => (value.is_string(), "a string"),
        Kind::Date => (text(is_date), "a date such as 2024-02-29"),
        Kind::Time => (text(is_time), "a time such as 12:30:00Z"),
        Kind::DateTime => (text(is_date_time), "a date and time such as 2024-02-29T12:30:00Z"),
        Kind::Duration => (text(is_duration), "a duration such as PT15M"),
        Kind::Uuid => (text(is_uuid), "a UUID"),
        Kind::Bytes => (text(is_base64), "base64"),
        _ => (false, "a value of a schema"),
    };
    (!fits).then_some(wanted)
}

fn in_range<T: TryFrom<i64> + TryFrom<u64>>(number: &Number) -> bool {
    let signed = number.as_i64().is_some_and(|value| T::try_from(value).is_ok());
    let unsigned = number.as_u64().is_some_and(|value| T::try_from(value).is_ok());
    // `-0` is an integer, but a JSON value does not tell it from `-0.0`
    signed || unsigned || number.as_f64().is_some_and(|value| value == 0.0 && value.is_sign_negative())
}

fn is_float(number: &Number) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "the overflow to infinity is what is looked for")]
    number.as_f64().is_some_and(|value| (value as f32).is_finite())
}

/// `^(?:\+|-)?(?:[1-9][0-9]*|0)(?:\.[0-9]*)?$`
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole)
        && all_digits(decimals)
        && !whole.is_empty()
        && (whole == "0" || !whole.starts_with('0'))
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Numbers of fixed width with fixed text between them.
fn fixed(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(found, wanted)| match wanted {
            b'0' => found.is_ascii_digit(),
            other => found == other,
        })
}

fn part(text: &str, from: usize, to: usize) -> u32 {
    text.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}

fn is_date(text: &str) -> bool {
    if !fixed(text, "0000-00-00") {
        return false;
    }
    let (year, month, day) = (part(text, 0, 4), part(text, 5, 7), part(text, 8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

/// Seconds may have decimals, and a zone must follow.
fn is_time(text: &str) -> bool {
    let Some(clock) = text.get(..8).filter(|clock| fixed(clock, "00:00:00")) else { return false };
    if part(clock, 0, 2) > 23 || part(clock, 3, 5) > 59 || part(clock, 6, 8) > 59 {
        return false;
    }
    let mut rest = text.get(8..).unwrap_or_default();
    if let Some(decimals) = rest.strip_prefix('.') {
        let zone = decimals.trim_start_matches(|digit: char| digit.is_ascii_digit());
        if zone.len() == decimals.len() {
            return false;
        }
        rest = zone;
    }
    let offset = rest.strip_prefix(['+', '-']).filter(|offset| fixed(offset, "00:00"));
    rest == "Z" || offset.is_some_and(|offset| part(offset, 0, 2) <= 14 && part(offset, 3, 5) <= 59)
}

fn is_date_time(text: &str) -> bool {
    text.split_once('T').is_some_and(|(date, time)| is_date(date) && is_time(time))
}

fn excerpt(value: &Value) -> String {
    crate::literal::excerpt(&value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        for good in ["2024-02-29", "1999-12-31"] {
            assert!(is_date(good), "{good}");
        }
        for bad in
            ["2023-02-29", "2024-13-01", "2024-00-10", "0000-01-01", "24-01-01", "2024-1-1", "2024-04-31"]
        {
            assert!(!is_date(bad), "{bad}");
        }
        for good in ["00:00:00Z", "23:59:59.123+01:00", "12:00:00-14:00"] {
            assert!(is_time(good), "{good}");
        }
        for bad in
            ["24:00:00Z", "12:00Z", "12:00:00", "12:00:00.Z", "12:60:00Z", "12:00:00+1:00", "é2:00:00Z"]
        {
            assert!(!is_time(bad), "{bad}");
        }
        assert!(is_date_time("2024-02-29T12:30:00Z") && !is_date_time("2024-02-29 12:30:00Z"));
    }

    #[test]
    fn numbers_fit_their_width() {
        let fits = |kind, text: &str| wanted(kind, &serde_json::from_str(text).unwrap()).is_none();
        assert!(fits(Kind::Byte, "-128") && !fits(Kind::Byte, "128") && !fits(Kind::UnsignedByte, "-1"));
        assert!(fits(Kind::UnsignedLong, "18446744073709551615") && !fits(Kind::Long, "9223372036854775808"));
        assert!(!fits(Kind::Integer, "1.0") && !fits(Kind::Integer, "\"1\""));
        assert!(fits(Kind::Float, "3.4e38") && !fits(Kind::Float, "3.5e38") && fits(Kind::Double, "1e300"));
        assert!(
            fits(Kind::Decimal, "\"-3.14\"")
                && fits(Kind::Decimal, "\"0.\"")
                && !fits(Kind::Decimal, "\"01\"")
        );
        assert!(
            fits(Kind::Uuid, "\"123e4567-e89b-12d3-a456-426614174000\"") && !fits(Kind::Uuid, "\"123e4567\"")
        );
        assert!(fits(Kind::Bytes, "\"AAE=\"") && !fits(Kind::Bytes, "\"AAE\"") && fits(Kind::Bytes, "\"\""));
    }
}
