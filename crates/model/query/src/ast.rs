//! A query as it was written, before its names mean anything.

use voltwin_core::Timestamp;

use crate::value::{Comparison, Literal};

/// A name and the byte that it begins at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) at: usize,
}

/// Names with dots between. Empty where `IS_OF_MODEL` names no collection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub(crate) names: Vec<Name>,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) top: Option<u64>,
    pub(crate) select: Select,
    pub(crate) source: Source,
    pub(crate) alias: Option<Name>,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) joins: Vec<Join>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) filter: Option<Expr<Path>>,
    pub(crate) group: Vec<Path>,
    pub(crate) order: Vec<Order>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Select {
    /// `*`, or nothing after `TOP`; the byte that it stands at.
    All(usize),
    Items(Vec<Item>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) what: Projected,
    pub(crate) alias: Option<Name>,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Projected {
    Path(Path),
    Aggregate(Aggregate, Option<Path>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

impl Aggregate {
    pub(crate) const ALL: [Self; 5] = [Self::Count, Self::Sum, Self::Avg, Self::Min, Self::Max];

    /// As a query spells it, and what its column is called without an alias.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Twins,
    Relationships,
}

/// `JOIN target RELATED from.name link`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Join {
    pub(crate) target: Name,
    pub(crate) from: Name,
    pub(crate) name: Name,
    pub(crate) link: Option<Name>,
}

/// `MATCH (first)-[edge]-(node)…`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    pub(crate) first: Node,
    pub(crate) edges: Vec<(PatternEdge, Node)>,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) alias: Option<Name>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PatternEdge {
    pub(crate) arrow: Arrow,
    pub(crate) link: Option<Name>,
    /// Any name where empty.
    pub(crate) names: Vec<Name>,
    /// The fewest and the most hops, both included.
    pub(crate) hops: (u32, u32),
    pub(crate) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrow {
    Right,
    Left,
    Both,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) path: Path,
    pub(crate) descending: bool,
}

/// A condition over paths of type `P`: as written, or with their meaning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr<P> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(Operand<P>, Comparison, Operand<P>),
    /// `IN`, or `NIN` where negated.
    In {
        operand: Operand<P>,
        list: Vec<Literal>,
        negated: bool,
    },
    OfModel {
        collection: P,
        model: String,
        exact: bool,
    },
    Is(Is, P),
    Text(TextTest, Operand<P>, Operand<P>),
    ArrayContains(P, Operand<P>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand<P> {
    Path(P),
    Literal(Literal),
}

/// The functions that ask for a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    Bool,
    Defined,
    Null,
    Number,
    Object,
    Primitive,
    String,
}

impl Is {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("IS_BOOL", Self::Bool),
        ("IS_DEFINED", Self::Defined),
        ("IS_NULL", Self::Null),
        ("IS_NUMBER", Self::Number),
        ("IS_OBJECT", Self::Object),
        ("IS_PRIMITIVE", Self::Primitive),
        ("IS_STRING", Self::String),
    ];
}

/// The functions of two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

impl TextTest {
    /// The spellings with an underscore are those of older documents.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("STARTSWITH", Self::StartsWith),
        ("ENDSWITH", Self::EndsWith),
        ("CONTAINS", Self::Contains),
        ("STARTS_WITH", Self::StartsWith),
        ("ENDS_WITH", Self::EndsWith),
    ];

    pub(crate) fn holds(self, subject: &str, part: &str) -> bool {
        match self {
            Self::StartsWith => subject.starts_with(part),
            Self::EndsWith => subject.ends_with(part),
            Self::Contains => subject.contains(part),
        }
    }
}

impl<P> Operand<P> {
    fn map<Q, E>(self, meaning: &mut impl FnMut(P) -> Result<Q, E>) -> Result<Operand<Q>, E> {
        Ok(match self {
            Self::Path(path) => Operand::Path(meaning(path)?),
            Self::Literal(literal) => Operand::Literal(literal),
        })
    }
}

impl<P> Expr<P> {
    /// The same condition with other paths.
    pub(crate) fn map<Q, E>(self, meaning: &mut impl FnMut(P) -> Result<Q, E>) -> Result<Expr<Q>, E> {
        let mut all = |parts: Vec<Self>| -> Result<Vec<Expr<Q>>, E> {
            parts.into_iter().map(|part| part.map(meaning)).collect()
        };
        Ok(match self {
            Self::And(parts) => Expr::And(all(parts)?),
            Self::Or(parts) => Expr::Or(all(parts)?),
            Self::Not(part) => Expr::Not(Box::new(part.map(meaning)?)),
            Self::Compare(left, comparison, right) => {
                Expr::Compare(left.map(meaning)?, comparison, right.map(meaning)?)
            }
            Self::In { operand, list, negated } => Expr::In { operand: operand.map(meaning)?, list, negated },
            Self::OfModel { collection, model, exact } => {
                Expr::OfModel { collection: meaning(collection)?, model, exact }
            }
            Self::Is(is, path) => Expr::Is(is, meaning(path)?),
            Self::Text(test, subject, part) => Expr::Text(test, subject.map(meaning)?, part.map(meaning)?),
            Self::ArrayContains(path, item) => Expr::ArrayContains(meaning(path)?, item.map(meaning)?),
        })
    }

    /// Every path in it.
    pub(crate) fn each_path<'e>(&'e self, seen: &mut impl FnMut(&'e P)) {
        let mut operand = |operand: &'e Operand<P>| {
            if let Operand::Path(path) = operand {
                seen(path);
            }
        };
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_path(seen)),
            Self::Not(part) => part.each_path(seen),
            Self::Compare(left, _, right) | Self::Text(_, left, right) => {
                operand(left);
                operand(right);
            }
            Self::In { operand: one, .. } => operand(one),
            Self::OfModel { collection: path, .. } | Self::Is(_, path) => seen(path),
            Self::ArrayContains(path, item) => {
                operand(item);
                seen(path);
            }
        }
    }
}
