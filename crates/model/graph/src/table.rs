//! All twins of one model: a column a property.

use rustc_hash::FxHashMap;
use voltwin_core::{Dtmi, PropertyName};
use voltwin_ontology::{Model, Schema};

use crate::column::Column;

/// Marks a line of a table that no twin has.
pub(crate) const NOBODY: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) model: Dtmi,
    pub(crate) properties: Vec<PropertyColumn>,
    by_name: FxHashMap<PropertyName, u16>,
    /// The row of the graph that each line belongs to.
    owners: Vec<u32>,
    free: Vec<u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct PropertyColumn {
    pub(crate) name: PropertyName,
    pub(crate) schema: Schema,
    pub(crate) column: Column,
}

impl Table {
    pub(crate) fn new(model: &Model) -> Self {
        let column = |(name, spec): (&PropertyName, &voltwin_ontology::PropertySpec)| PropertyColumn {
            name: name.clone(),
            schema: spec.schema.clone(),
            column: Column::new(&spec.schema),
        };
        let properties: Vec<PropertyColumn> =
            model.properties.iter().take(usize::from(u16::MAX)).map(column).collect();
        let by_name =
            (0..).zip(&properties).map(|(index, property)| (property.name.clone(), index)).collect();
        Self { model: model.id.clone(), properties, by_name, owners: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn property(&self, name: &str) -> Option<&PropertyColumn> {
        self.properties.get(usize::from(*self.by_name.get(name)?))
    }

    pub(crate) fn property_mut(&mut self, name: &str) -> Option<&mut PropertyColumn> {
        self.properties.get_mut(usize::from(*self.by_name.get(name)?))
    }

    /// A line for the twin in `row` of the graph.
    pub(crate) fn claim(&mut self, row: u32) -> u32 {
        if let Some(line) = self.free.pop() {
            self.owners[line as usize] = row;
            return line;
        }
        self.owners.push(row);
        (self.owners.len() - 1) as u32
    }

    /// Gives a line back, emptied.
    pub(crate) fn release(&mut self, line: u32) {
        self.clear(line);
        self.owners[line as usize] = NOBODY;
        self.free.push(line);
    }

    /// Empties every property of a line.
    pub(crate) fn clear(&mut self, line: u32) {
        for property in &mut self.properties {
            property.column.clear(line);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.owners.len() - self.free.len()
    }

    /// The row of each line, [`NOBODY`] where no twin has it.
    pub(crate) fn owners(&self) -> &[u32] {
        &self.owners
    }

    /// The rows of the graph that hold a twin of this model.
    pub(crate) fn rows(&self) -> impl Iterator<Item = u32> {
        self.owners.iter().copied().filter(|row| *row != NOBODY)
    }
}
