//! A statement with the meaning of its names: collections become slots, relationships become edges between them.

mod columns;
mod strict;

use voltwin_core::Timestamp;

use crate::QueryError;
use crate::ast::{Aggregate, Arrow, Expr, Join, Name, Node, Path, PatternEdge, Source, Statement};
use crate::dialect::Dialect;
use crate::error::Position;
use crate::place::{Field, Place};

/// A query that can be planned.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) slots: Vec<Slot>,
    pub(crate) edges: Vec<Edge>,
    /// `WHERE` is true where each of these is.
    pub(crate) conjuncts: Vec<Conjunct>,
    pub(crate) output: Output,
    pub(crate) top: Option<u64>,
    pub(crate) as_of: Option<Timestamp>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slot {
    /// `None` where the query gives it no name.
    pub(crate) name: Option<String>,
    pub(crate) of_links: bool,
}

/// Twins of one slot that are related to twins of another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The slot of the relationship itself; only where it is one hop.
    pub(crate) link: Option<usize>,
    /// Whether relationships of either direction are meant.
    pub(crate) both_ways: bool,
    /// Any name where empty.
    pub(crate) names: Vec<String>,
    /// The fewest and the most hops, both included.
    pub(crate) hops: (u32, u32),
    /// Whether it belongs to the `MATCH` pattern, in which no relationship is walked twice.
    pub(crate) in_pattern: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conjunct {
    pub(crate) expr: Expr<Place>,
    /// A bit for each slot that it reads.
    pub(crate) slots: u64,
}

/// What rows are made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// The number of rows.
    Count,
    /// What stands in a slot, as the row itself.
    Document {
        slot: usize,
        order: Vec<(Place, bool)>,
    },
    Columns {
        columns: Vec<(String, Place)>,
        order: Vec<(Place, bool)>,
    },
    Groups(Groups),
}

/// `GROUP BY` and aggregates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Groups {
    pub(crate) keys: Vec<Place>,
    pub(crate) aggregates: Vec<(Aggregate, Option<Place>)>,
    pub(crate) columns: Vec<(String, Cell)>,
    pub(crate) order: Vec<(Cell, bool)>,
}

/// Where a column of a group comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Key(usize),
    Aggregate(usize),
}

/// Gives names their meaning.
pub(crate) fn bind(text: &str, statement: &Statement, dialect: Dialect) -> Result<Bound, QueryError> {
    let mut binder = Binder { text, dialect, slots: Vec::new(), edges: Vec::new() };
    binder.collections(statement)?;
    let conjuncts = match statement.filter.clone() {
        Some(filter) => binder.conjuncts(filter)?,
        None => Vec::new(),
    };
    binder.check_strict(statement, &conjuncts)?;
    let output = binder.output(statement)?;
    let (top, as_of) = (statement.top, statement.as_of);
    Ok(Bound { slots: binder.slots, edges: binder.edges, conjuncts, output, top, as_of })
}

struct Binder<'t> {
    text: &'t str,
    dialect: Dialect,
    slots: Vec<Slot>,
    edges: Vec<Edge>,
}

impl Binder<'_> {
    fn collections(&mut self, statement: &Statement) -> Result<(), QueryError> {
        let of_links = statement.source == Source::Relationships;
        let first_join = statement.joins.first().map(|join| join.target.at);
        let related = first_join.or(statement.pattern.as_ref().map(|pattern| pattern.at));
        if let Some(at) = related.filter(|_| of_links) {
            return Err(self.error(at, "RELATIONSHIPS cannot be combined with JOIN or MATCH"));
        }
        // With MATCH, the twins are those of the pattern.
        if statement.alias.is_some() || statement.pattern.is_none() {
            let name = statement.alias.as_ref().map(|alias| alias.text.clone());
            self.slots.push(Slot { name, of_links });
        }
        for join in &statement.joins {
            self.join(join)?;
        }
        if let Some(pattern) = &statement.pattern {
            let mut from = self.node(&pattern.first)?;
            for (edge, node) in &pattern.edges {
                let to = self.node(node)?;
                self.edge(edge, from, to)?;
                from = to;
            }
            self.is_connected(pattern.at)?;
        }
        Ok(())
    }

    fn join(&mut self, join: &Join) -> Result<(), QueryError> {
        let from = self.slot_of(&join.from.text).ok_or_else(|| self.unknown(&join.from))?;
        if self.slots[from].of_links {
            return Err(self.error(join.from.at, "relationships have no relationships of their own"));
        }
        let to = self.fresh(&join.target, false)?;
        let link = join.link.as_ref().map(|link| self.fresh(link, true)).transpose()?;
        self.edges.push(Edge {
            from,
            to,
            link,
            both_ways: false,
            names: vec![join.name.text.clone()],
            hops: (1, 1),
            in_pattern: false,
        });
        Ok(())
    }

    /// A node with a name that is known is that collection again.
    fn node(&mut self, node: &Node) -> Result<usize, QueryError> {
        let Some(alias) = &node.alias else {
            self.slots.push(Slot { name: None, of_links: false });
            return Ok(self.slots.len() - 1);
        };
        match self.slot_of(&alias.text) {
            Some(slot) if self.slots[slot].of_links => {
                Err(self.error(alias.at, format!("`{}` is a relationship", alias.text)))
            }
            Some(slot) => Ok(slot),
            None => self.fresh(alias, false),
        }
    }

    fn edge(&mut self, edge: &PatternEdge, left: usize, right: usize) -> Result<(), QueryError> {
        let link = edge.link.as_ref().map(|link| self.fresh(link, true)).transpose()?;
        let (from, to) = if edge.arrow == Arrow::Left { (right, left) } else { (left, right) };
        self.edges.push(Edge {
            from,
            to,
            link,
            both_ways: edge.arrow == Arrow::Both,
            names: edge.names.iter().map(|name| name.text.clone()).collect(),
            hops: edge.hops,
            in_pattern: true,
        });
        Ok(())
    }

    /// Every collection must be reached from every other: there is no product of unrelated twins.
    fn is_connected(&self, at: usize) -> Result<(), QueryError> {
        let mut reached = 1u64;
        for _ in &self.edges {
            for edge in &self.edges {
                if reached & (1 << edge.from | 1 << edge.to) != 0 {
                    reached |= 1 << edge.from | 1 << edge.to | edge.link.map_or(0, |link| 1 << link);
                }
            }
        }
        let apart = self.slots.iter().enumerate().find(|(slot, _)| reached & 1 << slot == 0);
        let Some((_, slot)) = apart else { return Ok(()) };
        let name = slot.name.as_deref().unwrap_or("()");
        Err(self.error(at, format!("the pattern does not relate `{name}` to the collections before it")))
    }

    fn fresh(&mut self, name: &Name, of_links: bool) -> Result<usize, QueryError> {
        if self.slot_of(&name.text).is_some() {
            return Err(self.error(name.at, format!("`{}` names two collections", name.text)));
        }
        self.slots.push(Slot { name: Some(name.text.clone()), of_links });
        Ok(self.slots.len() - 1)
    }

    fn slot_of(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|slot| slot.name.as_deref() == Some(name))
    }

    /// A path begins with a collection; where there is only one, its name may be left out.
    fn place(&self, path: &Path) -> Result<Place, QueryError> {
        let texts: Vec<&str> = path.names.iter().map(|name| name.text.as_str()).collect();
        let named = path.names.first().and_then(|first| self.slot_of(&first.text));
        let (slot, names) = match (named, path.names.first()) {
            (Some(slot), _) => (slot, &texts[1..]),
            (None, Some(first)) if self.slots.len() > 1 => return Err(self.unknown(first)),
            (None, None) if self.slots.len() > 1 => {
                return Err(self.error(path.at, "name the collection: there are several"));
            }
            (None, _) => (0, texts.as_slice()),
        };
        Ok(Place { slot, field: Field::new(names, self.slots[slot].of_links) })
    }

    /// A path that means a value and not a whole collection.
    fn value(&self, path: &Path) -> Result<Place, QueryError> {
        let place = self.place(path)?;
        if place.field == Field::Whole {
            let reason = format!("`{}` is a collection: name a property of it", path.names[0].text);
            return Err(self.error(path.at, reason));
        }
        Ok(place)
    }

    fn conjuncts(&self, filter: Expr<Path>) -> Result<Vec<Conjunct>, QueryError> {
        let parts = match filter {
            Expr::And(parts) => parts,
            other => vec![other],
        };
        let conjunct = |part: Expr<Path>| {
            let expr = self.condition(part)?;
            let mut slots = 0;
            expr.each_path(&mut |place| slots |= 1 << place.slot);
            Ok(Conjunct { expr, slots })
        };
        parts.into_iter().map(conjunct).collect()
    }

    fn condition(&self, filter: Expr<Path>) -> Result<Expr<Place>, QueryError> {
        self.check_collections(&filter)?;
        filter.map(&mut |path| self.place(&path))
    }

    /// Whole collections stand in `IS_OF_MODEL` alone.
    fn check_collections(&self, filter: &Expr<Path>) -> Result<(), QueryError> {
        match filter {
            Expr::And(parts) | Expr::Or(parts) => {
                parts.iter().try_for_each(|part| self.check_collections(part))
            }
            Expr::Not(part) => self.check_collections(part),
            Expr::OfModel { collection, .. } => {
                let place = self.place(collection)?;
                if place.field != Field::Whole || self.slots[place.slot].of_links {
                    return Err(self.error(collection.at, "IS_OF_MODEL asks for a collection of twins"));
                }
                Ok(())
            }
            other => {
                let mut outcome = Ok(());
                other.each_path(&mut |path| {
                    if outcome.is_ok() {
                        outcome = self.value(path).map(drop);
                    }
                });
                outcome
            }
        }
    }

    fn unknown(&self, name: &Name) -> QueryError {
        let known: Vec<&str> = self.slots.iter().filter_map(|slot| slot.name.as_deref()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        self.error(name.at, format!("there is no collection `{:.60}`; there are: {known}", name.text))
    }

    fn error(&self, at: usize, reason: impl Into<String>) -> QueryError {
        QueryError::Meaning { at: Position::of(self.text, at), reason: reason.into() }
    }
}
