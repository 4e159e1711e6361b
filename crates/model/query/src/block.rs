//! A condition of many twins of one table at once, as two bit masks: where it is true, and where it is false. Where
//! neither is set it is unknown. Columns are read in their own type, one after the other.

use std::sync::Arc;

use voltwin_graph::{Cells, Graph, Lines, TableRef};

use crate::ast::{Expr, Operand};
use crate::eval;
use crate::models::ModelTests;
use crate::place::{Field, Meaning, Name, Place, Thing};
use crate::value::{Comparison, Literal, Number, Val};

/// Lines of a table that are looked at together.
pub(crate) const BLOCK: usize = 1_024;
const WORDS: usize = BLOCK / 64;

/// A bit a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mask([u64; WORDS]);

impl Mask {
    pub(crate) const NONE: Self = Self([0; WORDS]);

    fn zip(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|word| join(self.0[word], other.0[word])))
    }

    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    fn is_none(self) -> bool {
        self == Self::NONE
    }

    fn set(&mut self, line: usize, value: bool) {
        self.0[line / 64] |= u64::from(value) << (line % 64);
    }

    /// Two masks of bits that come in pairs, a pair a line. Words are put together outside of the mask: bit by bit, a
    /// column would cost several times as much as its memory does.
    fn pairs(mut pairs: impl Iterator<Item = (bool, bool)>) -> (Self, Self) {
        let (mut one, mut other) = (Self::NONE, Self::NONE);
        for (one, other) in one.0.iter_mut().zip(&mut other.0) {
            let (mut a, mut b) = (0, 0);
            for (bit, pair) in pairs.by_ref().take(64).enumerate() {
                a |= u64::from(pair.0) << bit;
                b |= u64::from(pair.1) << bit;
            }
            (*one, *other) = (a, b);
        }
        (one, other)
    }

    /// Number of lines.
    pub(crate) fn count(self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Takes the first line out.
    pub(crate) fn take_first(&mut self) -> Option<u32> {
        let word = self.0.iter().position(|word| *word != 0)?;
        let bit = self.0[word].trailing_zeros();
        self.0[word] &= self.0[word] - 1;
        Some(word as u32 * 64 + bit)
    }
}

#[derive(Debug, Clone, Copy)]
struct Outcome {
    yes: Mask,
    no: Mask,
}

impl Outcome {
    const UNKNOWN: Self = Self { yes: Mask::NONE, no: Mask::NONE };
}

/// [`BLOCK`] lines of a table.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a, 'r> {
    pub(crate) graph: &'r Graph,
    pub(crate) table: TableRef<'r>,
    pub(crate) from: u32,
    pub(crate) models: &'a ModelTests<'r>,
}

impl<'r> Block<'_, 'r> {
    /// The lines that have a twin for which every condition is true.
    pub(crate) fn matching(&self, conditions: impl Iterator<Item = &'r Expr<Place>>) -> Mask {
        let (mut mask, _) = Mask::pairs(self.table.taken(self.from, BLOCK).map(|taken| (taken, false)));
        for condition in conditions {
            if mask.is_none() {
                break;
            }
            mask = mask.and(self.outcome(condition, mask).yes);
        }
        mask
    }

    /// Right on the lines of `wanted`, anything on others.
    fn outcome(&self, expr: &'r Expr<Place>, wanted: Mask) -> Outcome {
        match expr {
            Expr::And(parts) => self.all(parts, wanted, false),
            Expr::Or(parts) => self.all(parts, wanted, true),
            Expr::Not(part) => flip(self.outcome(part, wanted)),
            Expr::OfModel { model, exact, .. } => {
                let of = self.models.holds(model, *exact, self.table.number());
                let (yes, no) = if of { (wanted, Mask::NONE) } else { (Mask::NONE, wanted) };
                Outcome { yes, no }
            }
            leaf => self.typed(leaf).unwrap_or_else(|| self.each(leaf, wanted)),
        }
    }

    /// `AND`; or, with everything turned round, `OR`.
    fn all(&self, parts: &'r [Expr<Place>], wanted: Mask, turned: bool) -> Outcome {
        let turn = |outcome| if turned { flip(outcome) } else { outcome };
        let mut all = Outcome { yes: wanted, no: Mask::NONE };
        for part in parts {
            let open = wanted.without(all.no);
            if open.is_none() {
                break;
            }
            let part = turn(self.outcome(part, open));
            all = Outcome { yes: all.yes.and(part.yes), no: all.no.or(part.no.and(open)) };
        }
        turn(all)
    }

    /// A property against a value, where their types let the column be read as it is.
    fn typed(&self, expr: &'r Expr<Place>) -> Option<Outcome> {
        let Expr::Compare(left, comparison, right) = expr else { return None };
        let (place, comparison, literal) = match (left, right) {
            (Operand::Path(place), Operand::Literal(literal)) => (place, *comparison, literal),
            (Operand::Literal(literal), Operand::Path(place)) => (place, comparison.turned(), literal),
            _ => return None,
        };
        let Field::Property(name) = &place.field else { return None };
        let (column, inner) = match name.meaning(self.graph, self.table) {
            Meaning::Property(column, inner) => (column, inner),
            Meaning::Component => return None,
            Meaning::Nothing => return Some(Outcome::UNKNOWN),
        };
        match (column.cells(), literal) {
            _ if !inner.is_empty() => None,
            (Cells::Double(lines), Literal::Number(number)) => Some(self.doubles(lines, comparison, *number)),
            (Cells::Int(lines), Literal::Number(number)) => {
                Some(self.test(lines, |n| comparison.holds(Number::Int(*n).order(*number))))
            }
            (Cells::Bool(lines), Literal::Bool(b)) => Some(self.test(lines, |a| comparison.holds(a.cmp(b)))),
            (Cells::Text(lines), Literal::Text(text)) => Some(self.texts(lines, comparison, text)),
            _ => None,
        }
    }

    fn doubles(&self, lines: Lines<'r, f64>, comparison: Comparison, number: Number) -> Outcome {
        let against = number.as_f64();
        if number.order(Number::Double(against)).is_ne() {
            return self.test(lines, |x| comparison.holds(Number::Double(*x).order(number)));
        }
        match comparison {
            Comparison::Equal => self.test(lines, |x| *x == against),
            Comparison::NotEqual => self.test(lines, |x| *x != against),
            Comparison::Less => self.test(lines, |x| *x < against),
            Comparison::LessOrEqual => self.test(lines, |x| *x <= against),
            Comparison::Greater => self.test(lines, |x| *x > against),
            Comparison::GreaterOrEqual => self.test(lines, |x| *x >= against),
        }
    }

    /// Equality looks at the lengths first, which stand in the column itself.
    fn texts(&self, lines: Lines<'r, Option<Arc<str>>>, comparison: Comparison, text: &str) -> Outcome {
        match comparison {
            Comparison::Equal => self.test(lines, |held| held.as_deref() == Some(text)),
            Comparison::NotEqual => self.test(lines, |held| held.as_deref() != Some(text)),
            _ => self.test(lines, |held| comparison.holds(held.as_deref().unwrap_or_default().cmp(text))),
        }
    }

    fn test<T>(&self, lines: Lines<'r, T>, holds: impl Fn(&T) -> bool) -> Outcome {
        let judged = |value: Option<&T>| value.map_or((false, false), |value| (holds(value), !holds(value)));
        let (yes, no) = Mask::pairs(lines.from(self.from, BLOCK).map(judged));
        Outcome { yes, no }
    }

    /// Line by line, with the columns found once.
    fn each(&self, expr: &'r Expr<Place>, wanted: Mask) -> Outcome {
        let mut meanings: Vec<(&'r Name, Meaning<'r>)> = Vec::new();
        expr.each_path(&mut |place| {
            if let Field::Property(name) = &place.field {
                meanings.push((name, name.meaning(self.graph, self.table)));
            }
        });
        let mut outcome = Outcome::UNKNOWN;
        let mut left = wanted;
        while let Some(offset) = left.take_first() {
            let line = self.from + offset;
            let twin = || self.table.row(line).and_then(|row| self.graph.at(row));
            let read = |place: &'r Place| {
                let known = |name: &&Name| meanings.iter().find(|(other, _)| std::ptr::eq(*other, *name));
                let name = if let Field::Property(name) = &place.field { Some(name) } else { None };
                match name.and_then(|name| known(&name)) {
                    Some((_, Meaning::Property(column, inner))) => {
                        column.get(line).map_or(Val::Missing, Val::of_ref).inner(inner)
                    }
                    Some((_, Meaning::Nothing)) => Val::Missing,
                    _ => twin().map_or(Val::Missing, |twin| place.field.read(Thing::Twin(twin))),
                }
            };
            if let Some(holds) = eval::leaf(expr, read) {
                outcome.yes.set(offset as usize, holds);
                outcome.no.set(offset as usize, !holds);
            }
        }
        outcome
    }
}

fn flip(outcome: Outcome) -> Outcome {
    Outcome { yes: outcome.no, no: outcome.yes }
}
