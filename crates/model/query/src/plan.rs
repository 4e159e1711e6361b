//! Where a query begins and in which order it walks: from the collection with the fewest candidates, along the edges,
//! with each condition at the first moment when all that it reads is there.

use std::fmt::Write as _;

use voltwin_graph::{Graph, LinkName, Way};

use crate::ast::{Expr, Operand};
use crate::bind::{Bound, Conjunct};
use crate::models::ModelTests;
use crate::place::{Field, Place};
use crate::value::{Comparison, Literal};

/// Where a query begins. It stays the same over the pages of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) slot: usize,
    pub(crate) access: Access,
}

impl Start {
    /// Whether a query can begin so.
    pub(crate) fn fits(self, bound: &Bound) -> bool {
        let Some(slot) = bound.slots.get(self.slot) else { return false };
        match self.access {
            Access::Scan => !slot.of_links,
            Access::Ids => !slot.of_links && ids(&bound.conjuncts, self).is_some(),
            Access::Links => slot.of_links && bound.edges.is_empty(),
            Access::LinksFrom | Access::LinksTo => {
                slot.of_links && bound.edges.is_empty() && ids(&bound.conjuncts, self).is_some()
            }
        }
    }
}

/// How the candidates of the first collection are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Twins by `$dtId`.
    Ids,
    /// Twins of every model that can match, column by column.
    Scan,
    /// All relationships.
    Links,
    /// Relationships by `$sourceId`.
    LinksFrom,
    /// Relationships by `$targetId`.
    LinksTo,
}

impl Access {
    pub(crate) const ALL: [Self; 5] = [Self::Ids, Self::Scan, Self::Links, Self::LinksFrom, Self::LinksTo];
}

pub(crate) struct Plan<'r> {
    pub(crate) start: Start,
    /// The ids of [`Access::Ids`], [`Access::LinksFrom`] and [`Access::LinksTo`], each once.
    pub(crate) ids: Vec<&'r str>,
    /// The tables of [`Access::Scan`].
    pub(crate) tables: Vec<u16>,
    /// The conditions of the first collection alone.
    pub(crate) first: Vec<&'r Expr<Place>>,
    pub(crate) steps: Vec<Step<'r>>,
    pub(crate) models: ModelTests<'r>,
}

/// One edge, walked from a slot that is known to one that is not, or between two that are.
pub(crate) struct Step<'r> {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) link: Option<usize>,
    /// Whether `to` is known already.
    pub(crate) closes: bool,
    pub(crate) ways: &'static [Way],
    /// The names to follow; `None` where any is followed.
    pub(crate) names: Option<Vec<LinkName>>,
    pub(crate) hops: (usize, usize),
    pub(crate) in_pattern: bool,
    /// The conditions that can be answered after it and not before.
    pub(crate) conditions: Vec<&'r Expr<Place>>,
}

impl<'r> Plan<'r> {
    /// Plans a query over a graph; a later page begins as the first one did.
    pub(crate) fn new(bound: &'r Bound, graph: &Graph, start: Option<Start>) -> Self {
        let models = ModelTests::new(&bound.conjuncts, graph);
        let start = start.unwrap_or_else(|| cheapest(bound, graph, &models));
        let mut plan = Self {
            start,
            ids: ids(&bound.conjuncts, start).unwrap_or_default(),
            tables: tables(&bound.conjuncts, start.slot, graph, &models),
            first: Vec::new(),
            steps: Vec::new(),
            models,
        };
        let mut known = 1u64 << start.slot;
        plan.first = newly_known(&bound.conjuncts, 0, known);
        let mut edges: Vec<usize> = (0..bound.edges.len()).collect();
        while let Some(place) = next_edge(bound, &edges, known) {
            let edge = &bound.edges[edges.remove(place)];
            let before = known;
            let forward = known & 1 << edge.from != 0;
            let (from, to) = if forward { (edge.from, edge.to) } else { (edge.to, edge.from) };
            known |= 1 << to | edge.link.map_or(0, |link| 1 << link);
            let names = edge.names.iter().filter_map(|name| graph.link_name(name)).collect();
            plan.steps.push(Step {
                from,
                to,
                link: edge.link,
                closes: before & 1 << to != 0,
                ways: match (edge.both_ways, forward) {
                    (true, _) => &[Way::Out, Way::In],
                    (false, true) => &[Way::Out],
                    (false, false) => &[Way::In],
                },
                names: (!edge.names.is_empty()).then_some(names),
                hops: (edge.hops.0 as usize, edge.hops.1 as usize),
                in_pattern: edge.in_pattern,
                conditions: newly_known(&bound.conjuncts, before, known),
            });
        }
        plan
    }

    /// The plan in words, a line a step.
    pub(crate) fn explain(&self, bound: &Bound, graph: &Graph) -> String {
        let name = |slot: usize| bound.slots[slot].name.clone().unwrap_or_else(|| format!("#{slot}"));
        let mut out = match self.start.access {
            Access::Ids => format!("{} of {} ids", name(self.start.slot), self.ids.len()),
            Access::Scan => {
                let twins: usize =
                    self.tables.iter().filter_map(|table| graph.table(*table)).map(|table| table.len()).sum();
                format!("{} of {twins} twins of {} models", name(self.start.slot), self.tables.len())
            }
            Access::Links => format!("{} of {} relationships", name(self.start.slot), graph.link_count()),
            Access::LinksFrom => format!("{} from {} twins", name(self.start.slot), self.ids.len()),
            Access::LinksTo => format!("{} to {} twins", name(self.start.slot), self.ids.len()),
        };
        let _ = writeln!(out, ", {} conditions", self.first.len());
        for step in &self.steps {
            let arrow = match step.ways {
                [Way::Out] => "->",
                [Way::In] => "<-",
                _ => "--",
            };
            let (least, most) = step.hops;
            let known = if step.closes { " (known)" } else { "" };
            let conditions = step.conditions.len();
            let (from, to) = (name(step.from), name(step.to));
            let _ =
                writeln!(out, "{from} {arrow} {to}{known}, {least} to {most} hops, {conditions} conditions");
        }
        out
    }
}

/// The conditions that read known slots only, and did not before.
fn newly_known(conjuncts: &[Conjunct], before: u64, known: u64) -> Vec<&Expr<Place>> {
    let is_new =
        |conjunct: &&Conjunct| conjunct.slots & !known == 0 && (before == 0 || conjunct.slots & !before != 0);
    conjuncts.iter().filter(is_new).map(|conjunct| &conjunct.expr).collect()
}

/// An edge at a known slot: one between two known ones first, then one to a slot whose ids are given.
///
/// It must not depend on the graph: a later page walks as the first one did.
fn next_edge(bound: &Bound, edges: &[usize], known: u64) -> Option<usize> {
    let is_known = |slot: usize| known & 1 << slot != 0;
    let rank = |edge: usize| {
        let edge = &bound.edges[edge];
        match (is_known(edge.from), is_known(edge.to)) {
            (false, false) => None,
            (true, true) => Some(0),
            (from_known, _) => {
                let other = if from_known { edge.to } else { edge.from };
                let fixed = ids(&bound.conjuncts, Start { slot: other, access: Access::Ids }).is_some();
                Some(if fixed { 1 } else { 2 })
            }
        }
    };
    let ranked = edges.iter().enumerate().filter_map(|(place, edge)| Some((rank(*edge)?, place)));
    ranked.min().map(|(_, place)| place)
}

fn cheapest(bound: &Bound, graph: &Graph, models: &ModelTests<'_>) -> Start {
    let cost = |slot: usize| {
        let by = |access: Access| {
            let start = Start { slot, access };
            ids(&bound.conjuncts, start).map(|ids| (ids.len(), start))
        };
        if bound.slots[slot].of_links {
            return [by(Access::LinksFrom), by(Access::LinksTo)]
                .into_iter()
                .flatten()
                .min_by_key(|(cost, _)| *cost);
        }
        by(Access::Ids).or_else(|| {
            let tables = tables(&bound.conjuncts, slot, graph, models);
            let twins = tables.iter().filter_map(|table| graph.table(*table)).map(|table| table.len()).sum();
            Some((twins, Start { slot, access: Access::Scan }))
        })
    };
    // Relationships in JOIN and MATCH are reached from twins; alone, they are the only slot.
    let can_start = |slot: &usize| bound.edges.is_empty() || !bound.slots[*slot].of_links;
    let costs = (0..bound.slots.len()).filter(can_start).filter_map(cost);
    let best = costs.min_by_key(|(cost, start)| (*cost, start.slot));
    best.map_or(Start { slot: 0, access: Access::Links }, |(_, start)| start)
}

/// The tables whose twins `IS_OF_MODEL` lets through.
fn tables(conjuncts: &[Conjunct], slot: usize, graph: &Graph, models: &ModelTests<'_>) -> Vec<u16> {
    let may_hold = |table: &u16| {
        conjuncts.iter().all(|conjunct| match &conjunct.expr {
            Expr::OfModel { collection, model, exact } if collection.slot == slot => {
                models.holds(model, *exact, *table)
            }
            _ => true,
        })
    };
    (0..graph.table_count()).filter(may_hold).collect()
}

/// The ids that the conditions leave for a start by ids, each once; `None` where they leave any.
fn ids(conjuncts: &[Conjunct], start: Start) -> Option<Vec<&str>> {
    let field = match start.access {
        Access::Ids => Field::TwinId,
        Access::LinksFrom => Field::SourceId,
        Access::LinksTo => Field::TargetId,
        Access::Scan | Access::Links => return None,
    };
    let place = Place { slot: start.slot, field };
    let lists = conjuncts.iter().filter_map(|conjunct| ids_of(&conjunct.expr, &place));
    let mut shortest = lists.min_by_key(Vec::len)?;
    shortest.sort_unstable();
    shortest.dedup();
    Some(shortest)
}

fn ids_of<'e>(expr: &'e Expr<Place>, place: &Place) -> Option<Vec<&'e str>> {
    let is_place = |operand: &Operand<Place>| matches!(operand, Operand::Path(path) if path == place);
    let text = |literal: &'e Literal| match literal {
        Literal::Text(text) => Some(text.as_str()),
        // An id is a text: it equals nothing else.
        _ => None,
    };
    match expr {
        Expr::Compare(left, Comparison::Equal, Operand::Literal(literal)) if is_place(left) => {
            Some(text(literal).into_iter().collect())
        }
        Expr::Compare(Operand::Literal(literal), Comparison::Equal, right) if is_place(right) => {
            Some(text(literal).into_iter().collect())
        }
        Expr::In { operand, list, negated: false } if is_place(operand) => {
            Some(list.iter().filter_map(text).collect())
        }
        Expr::Or(parts) => {
            let lists = parts.iter().map(|part| ids_of(part, place)).collect::<Option<Vec<Vec<&str>>>>()?;
            Some(lists.into_iter().flatten().collect())
        }
        Expr::And(parts) => parts.iter().filter_map(|part| ids_of(part, place)).min_by_key(Vec::len),
        _ => None,
    }
}
