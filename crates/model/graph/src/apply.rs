//! The fold: one event onto the graph.

use voltwin_core::{Dtmi, Event, EventBody, PropertyMap, PropertyName, RelationshipId, Seq, TwinId, Value};

use crate::Graph;
use crate::column::{Put, When};
use crate::graph::Standing;
use crate::links::LinkRecord;

/// The values of a patch; `None` removes one.
type Values = [(PropertyName, Option<Value>)];

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The graph changed.
    Changed,
    /// The event was folded in before.
    Known,
    /// There was nothing to change: the event is of a kind that the graph does not hold, or brings only values
    /// that are older than those held.
    Unchanged,
    /// The event does not fit and changed nothing; the reason.
    Inapplicable(&'static str),
}

impl Graph {
    /// Folds one event in. Events come in the order of their sequence, which may have gaps; one at or before
    /// [`Graph::seq`] changes nothing.
    ///
    /// It never fails: an event that passed [`Graph::check`] applies unless another came between, and one that does
    /// not apply changes nothing and says so.
    ///
    /// - A patch does not overwrite a property whose value has a later source time, nor bring one back that was
    ///   removed at a later source time. What a `created` event set is open to any patch: the times of the two need
    ///   not come from the same clock. What somebody decided (`Event::decided`) overwrites in any case.
    /// - What somebody decided may make a twin one of another model; other events that call it by another do not apply.
    /// - A relationship whose target is gone, or goes later, stays and dangles; it holds again when a twin of that
    ///   id is created.
    pub fn apply(&mut self, event: &Event, seq: Seq) -> Applied {
        if seq <= self.seq {
            return Applied::Known;
        }
        self.seq = seq;
        match &event.body {
            EventBody::Created { model, properties } => self.create(event, model, properties),
            EventBody::Patched { values } => self.patch(event, values),
            EventBody::Retyped { model, values } => self.retype(event, model, values),
            EventBody::Deleted => self.delete(&event.twin),
            EventBody::Linked { id, name, target, properties } => {
                self.connect(event, id, name, target, properties)
            }
            EventBody::Unlinked { id } => self.disconnect(&event.twin, id),
            EventBody::Models(fact) => self.change_models(fact, event.received),
            EventBody::Transaction(_)
            | EventBody::Alarm(_)
            | EventBody::Command(_)
            | EventBody::Audit(_)
            | EventBody::Record(_)
            | EventBody::Note(_) => Applied::Unchanged,
        }
    }

    fn create(&mut self, event: &Event, model: &Dtmi, properties: &PropertyMap) -> Applied {
        let ontology = self.ontology.clone();
        let Some(model) = ontology.model(model.as_str()) else {
            return Applied::Inapplicable("unknown model");
        };
        let row = self.intern(&event.twin);
        let standing = match self.rows[row as usize].standing {
            Some(standing) if self.tables[usize::from(standing.table)].model == model.id => {
                self.touch(row, event);
                standing
            }
            Some(_) if !event.decided => return Applied::Inapplicable("the twin is of another model"),
            _ => {
                self.unsettle(row);
                self.settle(row, model, self.seq, event.received)
            }
        };
        let table = &mut self.tables[usize::from(standing.table)];
        table.clear(standing.line);
        for (name, value) in properties {
            if let Some(property) = table.property_mut(name.as_str()) {
                let when = When::new(event.source_of(name.as_str()), event.received, false, true);
                property.column.put(standing.line, Some(value), when);
            }
        }
        Applied::Changed
    }

    fn patch(&mut self, event: &Event, values: &Values) -> Applied {
        let row = self.row_of(event.twin.as_str());
        let standing = row.and_then(|row| Some((row, self.rows[row as usize].standing?)));
        let Some((row, standing)) = standing else { return Applied::Inapplicable("unknown twin") };
        let outcome = self.put(event, standing, values);
        if outcome == Applied::Changed {
            self.touch(row, event);
        }
        outcome
    }

    fn retype(&mut self, event: &Event, model: &Dtmi, values: &Values) -> Applied {
        let ontology = self.ontology.clone();
        let Some(model) = ontology.model(model.as_str()) else {
            return Applied::Inapplicable("unknown model");
        };
        let row = self.row_of(event.twin.as_str());
        let standing = row.and_then(|row| Some((row, self.rows[row as usize].standing?)));
        let Some((row, mut standing)) = standing else { return Applied::Inapplicable("unknown twin") };
        let former = &self.tables[usize::from(standing.table)];
        if former.model != model.id {
            let held = former.held(standing.line);
            self.unsettle(row);
            standing = self.settle(row, model, self.seq, event.received);
            let table = &mut self.tables[usize::from(standing.table)];
            for (name, value, when) in held {
                if let Some(property) = table.property_mut(name.as_str()) {
                    property.take_over(standing.line, value, when);
                }
            }
        }
        self.put(event, standing, values);
        self.touch(row, event);
        Applied::Changed
    }

    fn put(&mut self, event: &Event, standing: Standing, values: &Values) -> Applied {
        let table = &mut self.tables[usize::from(standing.table)];
        let mut outcome = Applied::Unchanged;
        for (name, value) in values {
            let put = match table.property_mut(name.as_str()) {
                Some(property) => {
                    if event.decided {
                        property.column.open(standing.line);
                    }
                    let source = event.source_of(name.as_str());
                    let when = When::new(source, event.received, value.is_none(), false);
                    property.column.put(standing.line, value.as_ref(), when)
                }
                // A removal of what the model does not have finds nothing to do.
                None if value.is_none() && event.decided => Put::Written,
                None => Put::Unfit,
            };
            outcome = match (put, outcome) {
                (Put::Written, _) | (_, Applied::Changed) => Applied::Changed,
                (Put::Late, other) => other,
                (Put::Unfit, _) => Applied::Inapplicable("unknown property or wrong type"),
            };
        }
        outcome
    }

    fn touch(&mut self, row: u32, event: &Event) {
        let seq = self.seq;
        if let Some(Some(standing)) = self.rows.get_mut(row as usize).map(|row| row.standing.as_mut()) {
            (standing.changed, standing.updated) = (seq, event.received);
        }
    }

    fn delete(&mut self, twin: &TwinId) -> Applied {
        let Some(row) = self.twin(twin.as_str()).map(crate::TwinRef::row) else {
            return Applied::Inapplicable("unknown twin");
        };
        let targets = self.links.remove_outgoing(row);
        self.unsettle(row);
        for row in targets.into_iter().chain([row]) {
            self.release(row);
        }
        Applied::Changed
    }

    fn connect(
        &mut self,
        event: &Event,
        id: &RelationshipId,
        name: &PropertyName,
        target: &TwinId,
        properties: &PropertyMap,
    ) -> Applied {
        let Some(source) = self.twin(event.twin.as_str()) else {
            return Applied::Inapplicable("unknown twin");
        };
        let source_row = source.row();
        let model = self.ontology.model(source.model().as_str());
        let Some((name, _)) = model.and_then(|model| model.relationships.get_key_value(name.as_str())) else {
            return Applied::Inapplicable("unknown relationship");
        };
        let name = name.clone();
        let replaced = self.links.remove(source_row, id);
        let target = self.intern(target);
        self.links.add(LinkRecord {
            id: id.clone(),
            name,
            source: source_row,
            target,
            properties: properties.clone(),
            changed: self.seq,
            updated: event.received,
        });
        if let Some(replaced) = replaced {
            self.release(replaced.target);
        }
        Applied::Changed
    }

    fn disconnect(&mut self, twin: &TwinId, id: &RelationshipId) -> Applied {
        let row = self.row_of(twin.as_str());
        let Some(removed) = row.and_then(|row| self.links.remove(row, id)) else {
            return Applied::Inapplicable("unknown relationship");
        };
        self.release(removed.target);
        Applied::Changed
    }
}
