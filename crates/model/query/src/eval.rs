//! A condition of one row, in three outcomes: true, false, and unknown where a value is missing.

use serde_json::Value as Json;

use crate::ast::{Expr, Is, Operand};
use crate::models::ModelTests;
use crate::place::{Place, Thing};
use crate::value::{Comparison, Val};

/// A row while it is made: what stands in each slot so far.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a, 'r> {
    pub(crate) things: &'a [Option<Thing<'r>>],
    pub(crate) models: &'a ModelTests<'r>,
}

impl<'r> Row<'_, 'r> {
    pub(crate) fn read(&self, place: &'r Place) -> Val<'r> {
        let thing = self.things.get(place.slot).copied().flatten();
        thing.map_or(Val::Missing, |thing| place.field.read(thing))
    }

    /// Whether a condition is true.
    pub(crate) fn holds(&self, expr: &'r Expr<Place>) -> bool {
        self.outcome(expr) == Some(true)
    }

    fn outcome(&self, expr: &'r Expr<Place>) -> Option<bool> {
        match expr {
            Expr::And(parts) => self.all(parts, true),
            Expr::Or(parts) => self.all(parts, false),
            Expr::Not(part) => self.outcome(part).map(|holds| !holds),
            Expr::OfModel { collection, model, exact } => match self.things.get(collection.slot) {
                Some(Some(Thing::Twin(twin))) => Some(self.models.holds(model, *exact, twin.place().table)),
                _ => None,
            },
            leaf => self::leaf(leaf, |place| self.read(place)),
        }
    }

    /// The outcome of parts of which each must be `wanted` for the whole to be.
    fn all(&self, parts: &'r [Expr<Place>], wanted: bool) -> Option<bool> {
        let mut outcome = Some(wanted);
        for part in parts {
            match self.outcome(part) {
                Some(holds) if holds != wanted => return Some(!wanted),
                Some(_) => {}
                None => outcome = None,
            }
        }
        outcome
    }
}

/// The outcome of a condition without `AND`, `OR`, `NOT` and `IS_OF_MODEL` in it.
pub(crate) fn leaf<'r>(expr: &'r Expr<Place>, read: impl Fn(&'r Place) -> Val<'r>) -> Option<bool> {
    let operand = |operand: &'r Operand<Place>| match operand {
        Operand::Path(place) => read(place),
        Operand::Literal(literal) => Val::of_literal(literal),
    };
    match expr {
        Expr::Compare(left, comparison, right) => comparison.of(&operand(left), &operand(right)),
        Expr::In { operand: one, list, negated } => {
            let value = operand(one);
            if value == Val::Missing {
                return None;
            }
            let equal = |literal| Comparison::Equal.of(&value, &Val::of_literal(literal)) == Some(true);
            Some(list.iter().any(equal) != *negated)
        }
        Expr::Is(is, place) => Some(is.holds(&read(place))),
        Expr::Text(test, subject, part) => match (operand(subject), operand(part)) {
            (Val::Text(subject), Val::Text(part)) => Some(test.holds(&subject, &part)),
            _ => None,
        },
        Expr::ArrayContains(place, item) => array_contains(&read(place), &operand(item)),
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::OfModel { .. } => None,
    }
}

/// Looks at the top level of the array, and at values that are neither arrays nor objects.
fn array_contains(array: &Val<'_>, item: &Val<'_>) -> Option<bool> {
    match (array, item) {
        (_, Val::Missing | Val::Json(_)) => None,
        (Val::Json(json), item) => match json.as_ref() {
            Json::Array(elements) => {
                let is_item = |element| Comparison::Equal.of(&Val::of_json(element), item) == Some(true);
                Some(elements.iter().any(is_item))
            }
            _ => None,
        },
        _ => None,
    }
}

impl Is {
    fn holds(self, value: &Val<'_>) -> bool {
        match self {
            Self::Bool => matches!(value, Val::Bool(_)),
            Self::Defined => !matches!(value, Val::Missing),
            Self::Null => matches!(value, Val::Null),
            Self::Number => matches!(value, Val::Number(_)),
            Self::Object => matches!(value, Val::Json(json) if json.is_object()),
            Self::Primitive => !matches!(value, Val::Missing | Val::Json(_)),
            Self::String => matches!(value, Val::Text(_)),
        }
    }
}
