//! The language of route filters.
//!
//! ```text
//! filter     = and { OR and }            and = term { AND term }
//! term       = NOT term | "(" filter ")" | true | false | function | operand comparison operand
//! function   = (STARTS_WITH | ENDS_WITH | CONTAINS) "(" operand "," operand ")"
//! operand    = type | source | subject | dataschema | datacontenttype | specversion
//!            | $body { "." name | "." "[[" text "]]" } | text | number | true | false | null
//! comparison = "=" | "!=" | "<" | "<=" | ">" | ">="
//! ```
//! `NOT` is more than Azure Digital Twins has. Keywords are read in any case.

mod lexer;
mod parser;

use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::{CloudEvent, FilterError};

/// Bytes of a filter at most.
pub const FILTER_BYTES_MAX: usize = 4_096;
/// Parentheses and `NOT`s inside each other at most.
pub const FILTER_DEPTH_MAX: usize = 64;

/// Which events a route takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Expression);

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Constant(bool),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Compare(Operand, Comparison, Operand),
    Text(TextTest, Operand, Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Attribute(Attribute),
    /// The names from the body downwards.
    Body(Vec<String>),
    Literal(Json),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Type,
    Source,
    Subject,
    DataSchema,
    DataContentType,
    SpecVersion,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first character that does not fit, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parser::parse(text).map(Self)
    }

    /// The filter that takes everything.
    #[must_use]
    pub fn everything() -> Self {
        Self(Expression::Constant(true))
    }

    /// The one subject that an event must have to be taken, where the filter asks for one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject()
    }

    /// Whether the route takes the event.
    #[must_use]
    pub fn matches(&self, event: &CloudEvent) -> bool {
        self.0.holds(event)
    }
}

impl Expression {
    fn subject(&self) -> Option<&str> {
        match self {
            Self::All(terms) => terms.iter().find_map(Self::subject),
            Self::Compare(one, Comparison::Equal, other) => match (one, other) {
                (Operand::Attribute(Attribute::Subject), Operand::Literal(Json::String(text)))
                | (Operand::Literal(Json::String(text)), Operand::Attribute(Attribute::Subject)) => {
                    Some(text)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn holds(&self, event: &CloudEvent) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Not(inner) => !inner.holds(event),
            Self::All(terms) => terms.iter().all(|term| term.holds(event)),
            Self::Any(terms) => terms.iter().any(|term| term.holds(event)),
            Self::Compare(left, comparison, right) => {
                comparison.holds(&left.value(event), &right.value(event))
            }
            Self::Text(test, text, part) => match (&text.value(event), &part.value(event)) {
                (Seen::Text(text), Seen::Text(part)) => match test {
                    TextTest::StartsWith => text.starts_with(part),
                    TextTest::EndsWith => text.ends_with(part),
                    TextTest::Contains => text.contains(part),
                },
                _ => false,
            },
        }
    }
}

/// A value as comparisons see it.
#[derive(Debug, Clone, Copy)]
enum Seen<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
    /// Objects and arrays: neither null nor equal to anything.
    Other,
}

impl<'a> Seen<'a> {
    fn of(json: Option<&'a Json>) -> Self {
        match json {
            None | Some(Json::Null) => Self::Null,
            Some(Json::Bool(value)) => Self::Bool(*value),
            Some(Json::Number(number)) => match number.as_i64() {
                Some(value) => Self::Int(value),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Some(Json::String(text)) => Self::Text(text),
            Some(Json::Array(_) | Json::Object(_)) => Self::Other,
        }
    }

    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl Operand {
    fn value<'a>(&'a self, event: &'a CloudEvent) -> Seen<'a> {
        match self {
            Self::Literal(value) => Seen::of(Some(value)),
            Self::Attribute(attribute) => match attribute {
                Attribute::Type => Seen::Text(&event.kind),
                Attribute::Source => Seen::Text(&event.source),
                Attribute::Subject => Seen::text(event.subject.as_deref()),
                Attribute::DataSchema => Seen::text(event.dataschema.as_deref()),
                Attribute::DataContentType => Seen::Text(CloudEvent::CONTENT_TYPE),
                Attribute::SpecVersion => Seen::Text(CloudEvent::SPEC_VERSION),
            },
            Self::Body(path) => {
                let step = |json: Option<&'a Json>, name: &String| json?.as_object()?.get(name);
                Seen::of(path.iter().fold(Some(&event.data), step))
            }
        }
    }
}

impl Comparison {
    fn holds(self, left: &Seen<'_>, right: &Seen<'_>) -> bool {
        let order = order(left, right);
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            _ if !has_order(left) => false,
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::More => order == Some(Ordering::Greater),
            Self::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

/// Null and truth values are equal or not, and neither comes before the other.
fn has_order(value: &Seen<'_>) -> bool {
    matches!(value, Seen::Int(_) | Seen::Double(_) | Seen::Text(_))
}

/// How two values of one type stand to each other; `None` between types.
fn order(left: &Seen<'_>, right: &Seen<'_>) -> Option<Ordering> {
    match (*left, *right) {
        (Seen::Null, Seen::Null) => Some(Ordering::Equal),
        (Seen::Bool(a), Seen::Bool(b)) => Some(a.cmp(&b)),
        (Seen::Int(a), Seen::Int(b)) => Some(a.cmp(&b)),
        (Seen::Int(a), Seen::Double(b)) => (a as f64).partial_cmp(&b),
        (Seen::Double(a), Seen::Int(b)) => a.partial_cmp(&(b as f64)),
        (Seen::Double(a), Seen::Double(b)) => a.partial_cmp(&b),
        (Seen::Text(a), Seen::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
