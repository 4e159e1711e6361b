//! The graph as bytes: the models that are not built in; per model the ids, then column by column; then the
//! relationships. Version 1 had no models of its own.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use voltwin_core::{Dtmi, PropertyMap, PropertyName, RelationshipId, Seq, Timestamp, TwinId};
use voltwin_ontology::{Ontology, Schema, Stored};

use crate::codec::{self, Reader, wrong};
use crate::column::{Column, Put, When};
use crate::links::LinkRecord;
use crate::table::{PropertyColumn, Table};
use crate::{Graph, GraphError};

const MAGIC: &[u8; 4] = b"VTGS";
const VERSION: u8 = 2;
/// The first version that has models.
const VERSION_WITH_MODELS: u8 = 2;

/// Bits of the byte that begins a cell; 0 where nothing was ever written.
const WRITTEN: u8 = 1;
const HAS_VALUE: u8 = 1 << 1;
const IS_OPEN: u8 = 1 << 2;

/// Bits of the byte that ends a model.
const IS_DECOMMISSIONED: u8 = 1;
const IS_DELETED: u8 = 1 << 1;

impl Graph {
    /// The graph as bytes for [`Graph::from_snapshot`]. Row numbers are not part of it.
    #[must_use]
    pub fn snapshot_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.len() * 128);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        codec::unsigned(self.seq.0, &mut out);
        write_models(self.ontology.stored().collect(), &mut out);
        let mut order = Vec::with_capacity(self.len());
        let used: Vec<&Table> = self.tables.iter().filter(|table| table.len() > 0).collect();
        codec::unsigned(used.len() as u64, &mut out);
        for table in used {
            let rows: Vec<u32> = table.rows().collect();
            codec::text(table.model.as_str(), &mut out);
            self.write_twins(&rows, &mut out);
            let lines: Vec<u32> = rows.iter().filter_map(|row| Some(self.at(*row)?.line())).collect();
            write_columns(&table.properties, &lines, &mut out);
            order.extend(rows);
        }
        self.write_links(&order, &mut out);
        out
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`GraphError::Snapshot`] when the bytes are not whole, of another version, or do not fit `ontology`: then
    /// the graph must be folded from the journal anew.
    pub fn from_snapshot(ontology: Arc<Ontology>, bytes: &[u8]) -> Result<Self, GraphError> {
        let mut reader = Reader::new(bytes);
        if reader.bytes(4)? != MAGIC {
            return Err(wrong("it does not begin like one"));
        }
        let version = reader.byte()?;
        if !(1..=VERSION).contains(&version) {
            return Err(wrong(format!("its version is {version}, not 1 to {VERSION}")));
        }
        let mut graph = Self::new(ontology);
        graph.seq = Seq(reader.unsigned()?);
        if version >= VERSION_WITH_MODELS {
            let models = read_models(&mut reader)?;
            let restored = graph.ontology.restore(models);
            graph.ontology = Arc::new(restored.map_err(|e| wrong(format!("its models: {e}")))?);
        }
        let mut order = Vec::new();
        for _ in 0..reader.count()? {
            graph.read_table(&mut reader, &mut order)?;
        }
        graph.read_links(&mut reader, &order)?;
        if reader.is_at_end() { Ok(graph) } else { Err(wrong("bytes are left over")) }
    }

    fn write_twins(&self, rows: &[u32], out: &mut Vec<u8>) {
        codec::unsigned(rows.len() as u64, out);
        for twin in rows.iter().filter_map(|row| self.at(*row)) {
            codec::text(twin.id().as_str(), out);
            codec::unsigned(twin.changed_seq().0, out);
            codec::signed(twin.updated().as_micros(), out);
        }
    }

    /// `order` lists the rows of all twins as they were written; ends of relationships are places in it, and ids
    /// that only relationships name come after them.
    fn write_links(&self, order: &[u32], out: &mut Vec<u8>) {
        let mut place: FxHashMap<u32, u64> = (0..).zip(order).map(|(place, row)| (*row, place)).collect();
        let records: Vec<&LinkRecord> = order.iter().flat_map(|row| self.links.outgoing(*row)).collect();
        let mut dangling = Vec::new();
        for record in &records {
            place.entry(record.target).or_insert_with(|| {
                dangling.push(record.target);
                (order.len() + dangling.len() - 1) as u64
            });
        }
        codec::unsigned(dangling.len() as u64, out);
        for id in dangling.into_iter().filter_map(|row| self.id_at(row)) {
            codec::text(id.as_str(), out);
        }
        codec::unsigned(records.len() as u64, out);
        for record in records {
            codec::unsigned(place.get(&record.source).copied().unwrap_or_default(), out);
            codec::unsigned(place.get(&record.target).copied().unwrap_or_default(), out);
            codec::text(record.id.as_str(), out);
            codec::text(record.name.as_str(), out);
            codec::unsigned(record.properties.len() as u64, out);
            for (name, value) in &record.properties {
                codec::text(name.as_str(), out);
                codec::value(value, out);
            }
            codec::unsigned(record.changed.0, out);
            codec::signed(record.updated.as_micros(), out);
        }
    }

    fn read_table(&mut self, reader: &mut Reader<'_>, order: &mut Vec<u32>) -> Result<(), GraphError> {
        let model = reader.id(Dtmi::new)?;
        let ontology = self.ontology.clone();
        let model = ontology
            .model(model.as_str())
            .ok_or_else(|| wrong(format!("the ontology has no model `{model}` any more")))?;
        let mut table = None;
        let count = reader.count()?;
        self.reserve(count);
        let mut lines = Vec::with_capacity(count);
        for _ in 0..count {
            let id = reader.id(TwinId::new)?;
            let (changed, updated) = (Seq(reader.unsigned()?), reader.time()?);
            let row = self.intern(&id);
            if self.at(row).is_some() {
                return Err(wrong(format!("twin `{id}` is there twice")));
            }
            let standing = self.settle(row, model, changed, updated);
            table = Some(standing.table);
            lines.push(standing.line);
            order.push(row);
        }
        for _ in 0..reader.count()? {
            let name = reader.id(PropertyName::new)?;
            let table = table.and_then(|table| self.tables.get_mut(usize::from(table)));
            let property = table.and_then(|table| table.property_mut(name.as_str()));
            let property =
                property.ok_or_else(|| wrong(format!("`{}` has no property `{name}` any more", model.id)))?;
            read_column(reader, property, &lines)?;
        }
        Ok(())
    }

    fn read_links(&mut self, reader: &mut Reader<'_>, order: &[u32]) -> Result<(), GraphError> {
        let mut rows = order.to_vec();
        for _ in 0..reader.count()? {
            let id = reader.id(TwinId::new)?;
            rows.push(self.intern(&id));
        }
        // a few names for all of them
        let mut names: FxHashMap<&str, PropertyName> = FxHashMap::default();
        let count = reader.count()?;
        self.links.reserve(count);
        for _ in 0..count {
            let row = |place: u64| {
                let row = usize::try_from(place).ok().and_then(|place| rows.get(place)).copied();
                row.ok_or_else(|| wrong("a relationship ends nowhere"))
            };
            let (source, target) = (row(reader.unsigned()?)?, row(reader.unsigned()?)?);
            let (id, name) = (reader.id(RelationshipId::new)?, reader.text()?);
            let name = match names.get(name) {
                Some(name) => name.clone(),
                None => {
                    let known = PropertyName::new(name).map_err(|e| wrong(e.to_string()))?;
                    names.insert(name, known.clone());
                    known
                }
            };
            let mut properties = PropertyMap::new();
            for _ in 0..reader.count()? {
                properties.insert(reader.id(PropertyName::new)?, reader.value()?);
            }
            let (changed, updated) = (Seq(reader.unsigned()?), reader.time()?);
            if self.at(source).is_none() {
                return Err(wrong(format!("relationship `{id}` begins nowhere")));
            }
            if self.links.find(source, &id).is_some() {
                return Err(wrong(format!("relationship `{id}` is there twice")));
            }
            self.links.add(LinkRecord { id, name, source, target, properties, changed, updated });
        }
        rows.into_iter().skip(order.len()).for_each(|row| self.release(row));
        Ok(())
    }
}

fn write_models(models: Vec<Stored>, out: &mut Vec<u8>) {
    codec::unsigned(models.len() as u64, out);
    for model in models {
        codec::text(&model.document, out);
        codec::signed(model.uploaded.as_micros(), out);
        let decommissioned = if model.decommissioned { IS_DECOMMISSIONED } else { 0 };
        let deleted = if model.deleted.is_some() { IS_DELETED } else { 0 };
        out.push(decommissioned | deleted);
        if let Some(kept) = model.deleted {
            codec::unsigned(kept.len() as u64, out);
            kept.iter().for_each(|text| codec::text(text, out));
        }
    }
}

fn read_models(reader: &mut Reader<'_>) -> Result<Vec<Stored>, GraphError> {
    let mut models = Vec::new();
    for _ in 0..reader.count()? {
        let (document, uploaded, flags) = (reader.text()?.into(), reader.time()?, reader.byte()?);
        if flags > (IS_DECOMMISSIONED | IS_DELETED) {
            return Err(wrong(format!("a model has flags {flags}")));
        }
        let mut kept = Vec::new();
        if flags & IS_DELETED != 0 {
            for _ in 0..reader.count()? {
                kept.push(reader.text()?.into());
            }
        }
        let deleted = (flags & IS_DELETED != 0).then_some(kept);
        models.push(Stored { document, uploaded, decommissioned: flags & IS_DECOMMISSIONED != 0, deleted });
    }
    Ok(models)
}

fn write_columns(properties: &[PropertyColumn], lines: &[u32], out: &mut Vec<u8>) {
    let written = |column: &Column, line: &u32| column.when(*line).is_written();
    let used: Vec<&PropertyColumn> =
        properties.iter().filter(|p| lines.iter().any(|line| written(&p.column, line))).collect();
    codec::unsigned(used.len() as u64, out);
    for property in used {
        codec::text(property.name.as_str(), out);
        let mut last = 0;
        for line in lines {
            let column = &property.column;
            if !written(column, line) {
                out.push(0);
                continue;
            }
            let (when, value) = (column.when(*line), column.get(*line));
            let flags = WRITTEN
                | if value.is_some() { HAS_VALUE } else { 0 }
                | if when.is_open() { IS_OPEN } else { 0 };
            out.push(flags);
            // Neighbours tend to be of the same moment: differences are short.
            let source = when.source().as_micros();
            codec::signed(source - last, out);
            codec::signed(when.received().as_micros() - source, out);
            last = source;
            if let Some(value) = &value {
                codec::value(value, out);
            }
        }
    }
}

fn read_column(
    reader: &mut Reader<'_>,
    property: &mut PropertyColumn,
    lines: &[u32],
) -> Result<(), GraphError> {
    let name = &property.name;
    let mut last = 0i64;
    for line in lines {
        let flags = reader.byte()?;
        if flags == 0 {
            continue;
        }
        if flags & WRITTEN == 0 || flags > (WRITTEN | HAS_VALUE | IS_OPEN) {
            return Err(wrong(format!("a cell of `{name}` has flags {flags}")));
        }
        let source = moment(last, reader.signed()?)?;
        let received = moment(source.as_micros(), reader.signed()?)?;
        last = source.as_micros();
        let value = match flags & HAS_VALUE {
            0 => None,
            // Texts of enumerations share the memory of the schema.
            _ if matches!(property.schema(), Schema::Enum(_)) => {
                let value = reader.value()?;
                Some(property.schema().check(&value).unwrap_or(value))
            }
            _ => Some(reader.value()?),
        };
        let when = When::new(source, received, value.is_none(), flags & IS_OPEN != 0);
        if property.column.put(*line, value.as_ref(), when) != Put::Written {
            return Err(wrong(format!("`{name}` is of another type now")));
        }
    }
    Ok(())
}

fn moment(base: i64, difference: i64) -> Result<Timestamp, GraphError> {
    let us = base.checked_add(difference).filter(|us| Timestamp::from_micros(*us).as_micros() == *us);
    us.map(Timestamp::from_micros).ok_or_else(|| wrong("a time is outside the years 1970 to 9999"))
}
