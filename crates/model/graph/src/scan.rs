//! Reading across twins: the table of a model, and one property of it as a column of its own type.
//!
//! This is what a query needs that a [`TwinRef`](crate::TwinRef) does not give: all twins of a model in a row, and
//! their values without a look-up by name for each.

use std::sync::Arc;

use serde_json::Value as Json;
use voltwin_core::Dtmi;

use crate::Graph;
use crate::column::{Cell, CellsOf, Column};
use crate::table::{NOBODY, Table};

/// Where the properties of a twin are: stays the same while the twin lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The number of its model's table; see [`Graph::table`].
    pub table: u16,
    /// Its line in that table.
    pub line: u32,
}

/// All twins of one model, the models that extend it excluded.
#[derive(Debug, Clone, Copy)]
pub struct TableRef<'g> {
    number: u16,
    table: &'g Table,
}

/// One property of all twins of a model. A line that no twin has holds no value.
#[derive(Debug, Clone, Copy)]
pub struct ColumnRef<'g> {
    pub(crate) column: &'g Column,
}

/// The values of a column, in the type that the schema of the property calls for.
#[derive(Debug, Clone, Copy)]
pub enum Cells<'g> {
    /// DTDL `boolean`.
    Bool(Lines<'g, bool>),
    /// DTDL `integer`, `long` and enumerations of integers.
    Int(Lines<'g, i64>),
    /// DTDL `double` and `float`.
    Double(Lines<'g, f64>),
    /// Texts, moments and enumerations of texts. A value that is there is `Some`.
    Text(Lines<'g, Option<Arc<str>>>),
    /// Arrays, objects, maps and geometries. A value that is there is `Some`.
    Json(Lines<'g, Option<Arc<Json>>>),
}

/// A value, read in place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'g> {
    /// DTDL `boolean`.
    Bool(bool),
    /// DTDL `integer`, `long` and enumerations of integers.
    Int(i64),
    /// DTDL `double` and `float`.
    Double(f64),
    /// Texts, moments and enumerations of texts.
    Text(&'g str),
    /// Arrays, objects, maps and geometries.
    Json(&'g Json),
}

/// Values by line.
#[derive(Debug)]
pub struct Lines<'g, T> {
    cells: &'g [Cell<T>],
}

// Deriving them would ask as much of the values.
impl<T> Clone for Lines<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Lines<'_, T> {}

impl<'g, T> Lines<'g, T> {
    /// The value in a line, where there is one.
    #[must_use]
    pub fn get(self, line: u32) -> Option<&'g T> {
        self.cells.get(line as usize).and_then(Cell::present)
    }

    /// The values from line `from` on, `count` of them at most; fewer where the rest holds none.
    pub fn from(self, from: u32, count: usize) -> impl Iterator<Item = Option<&'g T>> + use<'g, T> {
        let from = (from as usize).min(self.cells.len());
        let to = from.saturating_add(count).min(self.cells.len());
        self.cells[from..to].iter().map(Cell::present)
    }
}

impl Graph {
    /// Number of tables; they are numbered from 0, and a table keeps its number.
    #[must_use]
    pub fn table_count(&self) -> u16 {
        // `settle` numbers them in this type.
        self.tables.len() as u16
    }

    /// A table by its number.
    #[must_use]
    pub fn table(&self, number: u16) -> Option<TableRef<'_>> {
        self.tables.get(usize::from(number)).map(|table| TableRef { number, table })
    }

    /// Every table, in the order of numbers.
    pub fn tables(&self) -> impl Iterator<Item = TableRef<'_>> {
        (0..self.table_count()).filter_map(|number| self.table(number))
    }
}

impl<'g> TableRef<'g> {
    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.number
    }

    /// The model of its twins.
    #[must_use]
    pub fn model(self) -> &'g Dtmi {
        &self.table.model
    }

    /// Number of twins.
    #[must_use]
    pub fn len(self) -> usize {
        self.table.len()
    }

    /// Whether there is no twin.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Number of lines, those that no twin has included.
    #[must_use]
    pub fn lines(self) -> u32 {
        // A line is claimed by a row, and rows are numbered in this type.
        self.table.owners().len() as u32
    }

    /// The row of the twin in a line; [`Graph::at`] reads it.
    #[must_use]
    pub fn row(self, line: u32) -> Option<u32> {
        self.table.owners().get(line as usize).copied().filter(|row| *row != NOBODY)
    }

    /// Whether lines have twins, from line `from` on, `count` of them at most; fewer where the table ends.
    pub fn taken(self, from: u32, count: usize) -> impl Iterator<Item = bool> + use<'g> {
        let owners = self.table.owners();
        let from = (from as usize).min(owners.len());
        let to = from.saturating_add(count).min(owners.len());
        owners[from..to].iter().map(|row| *row != NOBODY)
    }

    /// A property of its twins; `None` where the model has no such property.
    #[must_use]
    pub fn column(self, name: &str) -> Option<ColumnRef<'g>> {
        self.table.property(name).map(|property| ColumnRef { column: &property.column })
    }
}

impl<'g> ColumnRef<'g> {
    /// The values.
    #[must_use]
    pub fn cells(self) -> Cells<'g> {
        match self.column.cells() {
            CellsOf::Bool(cells) => Cells::Bool(Lines { cells }),
            CellsOf::Int(cells) => Cells::Int(Lines { cells }),
            CellsOf::Double(cells) => Cells::Double(Lines { cells }),
            CellsOf::Text(cells) => Cells::Text(Lines { cells }),
            CellsOf::Json(cells) => Cells::Json(Lines { cells }),
        }
    }

    /// The value in a line.
    #[must_use]
    pub fn get(self, line: u32) -> Option<ValueRef<'g>> {
        match self.cells() {
            Cells::Bool(lines) => lines.get(line).map(|b| ValueRef::Bool(*b)),
            Cells::Int(lines) => lines.get(line).map(|n| ValueRef::Int(*n)),
            Cells::Double(lines) => lines.get(line).map(|x| ValueRef::Double(*x)),
            Cells::Text(lines) => lines.get(line)?.as_deref().map(ValueRef::Text),
            Cells::Json(lines) => lines.get(line)?.as_deref().map(ValueRef::Json),
        }
    }
}
