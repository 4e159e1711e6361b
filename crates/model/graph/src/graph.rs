use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use voltwin_core::{Dtmi, Seq, Timestamp, TwinId};
use voltwin_ontology::{Model, Ontology};

use crate::links::{Hop, LinkName, Links, Way};
use crate::table::Table;
use crate::{Limits, Link, TwinRef};

/// The live graph of one tenant.
///
/// A row stands for an id that is a twin or that a relationship points to; it is given back when it is neither.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) ontology: Arc<Ontology>,
    pub(crate) limits: Limits,
    pub(crate) seq: Seq,
    pub(crate) rows: Vec<Row>,
    free: Vec<u32>,
    by_id: FxHashMap<TwinId, u32>,
    live: usize,
    pub(crate) tables: Vec<Table>,
    /// Tables are never taken away while a model has twins; one of a model that is gone serves the next new model.
    pub(crate) table_of: FxHashMap<Dtmi, u16>,
    pub(crate) links: Links,
}

/// One interned id.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: TwinId,
    /// `None` where the id is only pointed to.
    pub(crate) standing: Option<Standing>,
}

/// Where the properties of a twin are, and when they changed last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) table: u16,
    pub(crate) line: u32,
    pub(crate) changed: Seq,
    pub(crate) updated: Timestamp,
}

impl Graph {
    /// An empty graph before the first event.
    #[must_use]
    pub fn new(ontology: Arc<Ontology>) -> Self {
        Self {
            ontology,
            limits: Limits::default(),
            seq: Seq(0),
            rows: Vec::new(),
            free: Vec::new(),
            by_id: FxHashMap::default(),
            live: 0,
            tables: Vec::new(),
            table_of: FxHashMap::default(),
            links: Links::default(),
        }
    }

    /// The same graph, to be held to other limits from now on.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.hold(limits);
        self
    }

    /// Holds it to other limits from now on. What is there already stays.
    pub fn hold(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// What it is held to.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The models that type its twins.
    #[must_use]
    pub fn ontology(&self) -> &Arc<Ontology> {
        &self.ontology
    }

    /// The journal sequence up to which events are folded in.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Number of twins.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is no twin.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Number of relationships, those to twins that are gone included.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.links.len()
    }

    /// Every number that a relationship has or had; [`Graph::link_at`] reads it.
    #[must_use]
    pub fn link_numbers(&self) -> Range<u32> {
        self.links.numbers()
    }

    /// The relationship of a number.
    #[must_use]
    pub fn link_at(&self, number: u32) -> Option<Link<'_>> {
        self.link(self.links.get(number)?)
    }

    /// The number of a relationship's name; `None` where no twin has or had a relationship of that name.
    #[must_use]
    pub fn link_name(&self, name: &str) -> Option<LinkName> {
        self.links.name(name)
    }

    /// The relationships at one end of the twin in a row, in no particular order.
    #[must_use]
    pub fn hops(&self, row: u32, way: Way) -> &[Hop] {
        self.links.hops(row, way)
    }

    /// The row of an id that is a twin or that a relationship points to.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<u32> {
        self.row_of(id)
    }

    /// One twin.
    #[must_use]
    pub fn twin(&self, id: &str) -> Option<TwinRef<'_>> {
        self.at(*self.by_id.get(id)?)
    }

    /// The twin in a row.
    #[must_use]
    pub fn at(&self, row: u32) -> Option<TwinRef<'_>> {
        let Row { id, standing } = self.rows.get(row as usize)?;
        standing.as_ref().map(|standing| TwinRef { graph: self, row, id, standing })
    }

    /// Every twin, in the order of rows.
    pub fn twins(&self) -> impl Iterator<Item = TwinRef<'_>> {
        (0..self.rows.len() as u32).filter_map(|row| self.at(row))
    }

    /// Every twin whose model is `dtmi` or extends it, model by model.
    pub fn twins_of<'g>(&'g self, dtmi: &str) -> impl Iterator<Item = TwinRef<'g>> + use<'g> {
        let tables: Vec<&Table> = self.tables_of(dtmi).collect();
        tables.into_iter().flat_map(Table::rows).filter_map(|row| self.at(row))
    }

    /// Number of twins whose model is `dtmi` or extends it.
    #[must_use]
    pub fn count_of(&self, dtmi: &str) -> usize {
        self.tables_of(dtmi).map(Table::len).sum()
    }

    fn tables_of(&self, dtmi: &str) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |table| self.ontology.is_a(table.model.as_str(), dtmi))
    }

    pub(crate) fn row_of(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn id_at(&self, row: u32) -> Option<&TwinId> {
        self.rows.get(row as usize).map(|row| &row.id)
    }

    /// The row of an id, made where there is none.
    pub(crate) fn intern(&mut self, id: &TwinId) -> u32 {
        if let Some(row) = self.by_id.get(id) {
            return *row;
        }
        let fresh = Row { id: id.clone(), standing: None };
        let row = match self.free.pop() {
            Some(row) => {
                self.rows[row as usize] = fresh;
                row
            }
            None => {
                self.rows.push(fresh);
                (self.rows.len() - 1) as u32
            }
        };
        self.by_id.insert(id.clone(), row);
        row
    }

    /// Makes room for so many more ids at once.
    pub(crate) fn reserve(&mut self, ids: usize) {
        self.rows.reserve(ids);
        self.by_id.reserve(ids);
    }

    /// Gives a row back when it is neither a twin nor pointed to.
    pub(crate) fn release(&mut self, row: u32) {
        let Some(Row { id, standing: None }) = self.rows.get(row as usize) else { return };
        if !self.links.has_incoming(row) && self.by_id.get(id) == Some(&row) {
            self.by_id.remove(id);
            self.free.push(row);
        }
    }

    /// Makes the id of a row a twin of `model`, without properties.
    pub(crate) fn settle(&mut self, row: u32, model: &Model, changed: Seq, updated: Timestamp) -> Standing {
        let table = match self.table_of.get(&model.id) {
            Some(table) => *table,
            None => {
                let table = self.vacant_table(model);
                self.table_of.insert(model.id.clone(), table);
                table
            }
        };
        let line = self.tables[usize::from(table)].claim(row);
        let standing = Standing { table, line, changed, updated };
        self.rows[row as usize].standing = Some(standing);
        self.live += 1;
        standing
    }

    fn vacant_table(&mut self, model: &Model) -> u16 {
        let fresh = Table::new(model);
        let vacant =
            |(_, table): &(u16, &Table)| table.len() == 0 && !self.table_of.contains_key(&table.model);
        let found = (0..).zip(&self.tables).find(vacant).map(|(number, _)| number);
        match found.and_then(|number| self.tables.get_mut(usize::from(number))) {
            Some(table) => *table = fresh,
            None => self.tables.push(fresh),
        }
        // `Limits` allow far fewer models than 65,536.
        found.unwrap_or((self.tables.len() - 1) as u16)
    }

    /// Takes a twin out of its row; relationships are the caller's.
    pub(crate) fn unsettle(&mut self, row: u32) {
        if let Some(standing) = self.rows.get_mut(row as usize).and_then(|row| row.standing.take()) {
            let table = &mut self.tables[usize::from(standing.table)];
            table.release(standing.line);
            self.live -= 1;
            if table.len() == 0 {
                let model = table.model.clone();
                self.forget_if_unused(&model);
            }
        }
    }
}
