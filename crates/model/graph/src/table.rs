//! All twins of one model: a column a property.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use voltwin_core::{Dtmi, PropertyName, Value};
use voltwin_ontology::{Model, PropertySpec, Schema};

use crate::column::{Column, When};

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
    spec: Arc<PropertySpec>,
    pub(crate) column: Column,
}

impl PropertyColumn {
    pub(crate) fn schema(&self) -> &Schema {
        &self.spec.schema
    }
}

impl PropertyColumn {
    /// Takes what a cell of another column held, where the schema has room for it.
    pub(crate) fn take_over(&mut self, line: u32, value: Option<Value>, when: When) {
        match value.map(|value| self.schema().check(&value)) {
            Some(Ok(value)) => drop(self.column.put(line, Some(&value), when)),
            Some(Err(_)) => {}
            None => drop(self.column.put(line, None, when)),
        }
    }
}

impl Table {
    pub(crate) fn new(model: &Model) -> Self {
        let column = |(name, spec): (&PropertyName, &Arc<PropertySpec>)| PropertyColumn {
            name: name.clone(),
            spec: spec.clone(),
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

    /// The same lines with the properties of another definition of the model. A value stays where a property of its
    /// name still takes it.
    pub(crate) fn redefine(&mut self, model: &Model) {
        let former = std::mem::replace(self, Self::new(model));
        self.owners.clone_from(&former.owners);
        self.free.clone_from(&former.free);
        for line in (0..former.owners.len() as u32).filter(|line| former.owners[*line as usize] != NOBODY) {
            for (name, value, when) in former.held(line) {
                if let Some(property) = self.property_mut(name.as_str()) {
                    property.take_over(line, value, when);
                }
            }
        }
    }

    /// Everything that a line holds: values with their times, and the times of what was removed.
    pub(crate) fn held(&self, line: u32) -> Vec<(PropertyName, Option<Value>, When)> {
        let held = |property: &PropertyColumn| {
            let when = property.column.when(line);
            when.is_written().then(|| (property.name.clone(), property.column.get(line), when))
        };
        self.properties.iter().filter_map(held).collect()
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
