//! Values while a query runs, and how two of them compare.
//!
//! A comparison has three outcomes, `Some(true)`, `Some(false)` and `None`: the last where an operand is missing,
//! or where two values of different types are asked for their order.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde_json::Value as Json;
use voltwin_core::Value;
use voltwin_graph::ValueRef;

/// A finite number. Comparisons are exact: no integer is rounded to a double for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            Self::Double(x) => x.fmt(f),
        }
    }
}

impl Number {
    pub(crate) fn of_json(number: &serde_json::Number) -> Self {
        match number.as_i64() {
            Some(int) => Self::Int(int),
            None => Self::Double(number.as_f64().unwrap_or_default()),
        }
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Int(n) => n.checked_neg().map_or(Self::Double(-(n as f64)), Self::Int),
            Self::Double(x) => Self::Double(-x),
        }
    }

    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Double(x) => x,
        }
    }

    pub(crate) fn to_json(self) -> Json {
        match self {
            Self::Int(n) => n.into(),
            Self::Double(x) => x.into(),
        }
    }

    pub(crate) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            // Both are finite.
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Int(a), Self::Double(b)) => int_against_double(a, b),
            (Self::Double(a), Self::Int(b)) => int_against_double(b, a).reverse(),
        }
    }
}

fn int_against_double(int: i64, double: f64) -> Ordering {
    /// 2⁶³, one more than the largest `i64`.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if double >= BEYOND {
        return Ordering::Less;
    }
    if double < -BEYOND {
        return Ordering::Greater;
    }
    let whole = double.trunc();
    int.cmp(&(whole as i64)).then_with(|| 0.0.partial_cmp(&(double - whole)).unwrap_or(Ordering::Equal))
}

/// A value in the text of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val<'g> {
    /// There is none.
    Missing,
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'g, str>),
    /// An array or an object.
    Json(Cow<'g, Json>),
}

impl<'g> Val<'g> {
    pub(crate) fn text(text: &'g str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(crate) fn of_literal(literal: &'g Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(b) => Self::Bool(*b),
            Literal::Number(number) => Self::Number(*number),
            Literal::Text(text) => Self::text(text),
        }
    }

    pub(crate) fn of_json(json: &'g Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(number) => Self::Number(Number::of_json(number)),
            Json::String(text) => Self::text(text),
            Json::Array(_) | Json::Object(_) => Self::Json(Cow::Borrowed(json)),
        }
    }

    pub(crate) fn of_value(value: &'g Value) -> Self {
        match value {
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(n) => Self::Number(Number::Int(*n)),
            Value::Double(x) => Self::Number(Number::Double(*x)),
            Value::Text(text) => Self::text(text),
            Value::Json(json) => Self::of_json(json),
        }
    }

    pub(crate) fn of_ref(value: ValueRef<'g>) -> Self {
        match value {
            ValueRef::Bool(b) => Self::Bool(b),
            ValueRef::Int(n) => Self::Number(Number::Int(n)),
            ValueRef::Double(x) => Self::Number(Number::Double(x)),
            ValueRef::Text(text) => Self::text(text),
            ValueRef::Json(json) => Self::of_json(json),
        }
    }

    /// The field of an object, or of an object in it.
    pub(crate) fn inner(self, names: &[String]) -> Self {
        if names.is_empty() {
            return self;
        }
        match self {
            Self::Json(Cow::Borrowed(json)) => {
                let found = names.iter().try_fold(json, |json, name| json.as_object()?.get(name));
                found.map_or(Self::Missing, Self::of_json)
            }
            Self::Json(Cow::Owned(mut json)) => {
                for name in names {
                    match json.as_object_mut().and_then(|fields| fields.remove(name)) {
                        Some(field) => json = field,
                        None => return Self::Missing,
                    }
                }
                Self::of_owned(json)
            }
            _ => Self::Missing,
        }
    }

    fn of_owned(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(b),
            Json::Number(number) => Self::Number(Number::of_json(&number)),
            Json::String(text) => Self::Text(Cow::Owned(text)),
            other => Self::Json(Cow::Owned(other)),
        }
    }

    /// As JSON; `None` where it is missing.
    pub(crate) fn into_json(self) -> Option<Json> {
        match self {
            Self::Missing => None,
            Self::Null => Some(Json::Null),
            Self::Bool(b) => Some(b.into()),
            Self::Number(number) => Some(number.to_json()),
            Self::Text(text) => Some(text.into()),
            Self::Json(json) => Some(json.into_owned()),
        }
    }
}

/// The comparisons of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The sign, as a query spells it.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(crate) const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Less, Self::LessOrEqual, Self::Greater, Self::GreaterOrEqual];

    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// The comparison that holds of the operands in the other order.
    pub(crate) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    pub(crate) fn of(self, left: &Val<'_>, right: &Val<'_>) -> Option<bool> {
        match (left, right) {
            (Val::Missing, _) | (_, Val::Missing) => None,
            (Val::Bool(a), Val::Bool(b)) => Some(self.holds(a.cmp(b))),
            (Val::Number(a), Val::Number(b)) => Some(self.holds(a.order(*b))),
            (Val::Text(a), Val::Text(b)) => Some(self.holds(a.as_ref().cmp(b.as_ref()))),
            _ => {
                let equal = match (left, right) {
                    (Val::Null, Val::Null) => true,
                    (Val::Json(a), Val::Json(b)) => same_json(a, b),
                    _ => false,
                };
                match self {
                    Self::Equal => Some(equal),
                    Self::NotEqual => Some(!equal),
                    _ => None,
                }
            }
        }
    }
}

/// Equality of JSON where 1 is 1.0.
fn same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => Number::of_json(a).order(Number::of_json(b)).is_eq(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same_json(a, b)))
        }
        _ => a == b,
    }
}

/// What a row is put in order by, or grouped by. Missing, null, false, true, numbers, texts, then arrays and objects
/// by their JSON text.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Missing,
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Json(String),
}

impl Key {
    pub(crate) fn of(value: &Val<'_>) -> Self {
        match value {
            Val::Missing => Self::Missing,
            Val::Null => Self::Null,
            Val::Bool(b) => Self::Bool(*b),
            Val::Number(number) => Self::Number(*number),
            Val::Text(text) => Self::Text(text.clone().into_owned()),
            Val::Json(json) => Self::Json(json.to_string()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Null => 1,
            Self::Bool(_) => 2,
            Self::Number(_) => 3,
            Self::Text(_) => 4,
            Self::Json(_) => 5,
        }
    }

    /// As JSON; `None` where it is missing.
    pub(crate) fn into_json(self) -> Option<Json> {
        match self {
            Self::Missing => None,
            Self::Null => Some(Json::Null),
            Self::Bool(b) => Some(b.into()),
            Self::Number(number) => Some(number.to_json()),
            Self::Text(text) => Some(text.into()),
            Self::Json(text) => serde_json::from_str(&text).ok(),
        }
    }
}

impl PartialEq for Key {
    /// 1 is 1.0 here as it is everywhere in the language.
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.order(*b),
            (Self::Text(a), Self::Text(b)) | (Self::Json(a), Self::Json(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_doubles_compare_exactly() {
        let (int, double) = (Number::Int, Number::Double);
        let past = (1i64 << 53) + 1;
        assert_eq!(int(past).order(double((1u64 << 53) as f64)), Ordering::Greater);
        assert_eq!(int(past).order(int(past)), Ordering::Equal);
        assert_eq!(int(1).order(double(1.0)), Ordering::Equal);
        assert_eq!(int(-1).order(double(-1.5)), Ordering::Greater);
        assert_eq!(int(-2).order(double(-1.5)), Ordering::Less);
        assert_eq!(double(0.5).order(int(0)), Ordering::Greater);
        assert_eq!(int(i64::MAX).order(double(9_223_372_036_854_775_808.0)), Ordering::Less);
        assert_eq!(int(i64::MIN).order(double(-9_223_372_036_854_775_808.0)), Ordering::Equal);
        assert_eq!(int(i64::MIN).order(double(-1e300)), Ordering::Greater);
    }
}
