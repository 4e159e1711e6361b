//! What an event must hold to before it goes into the journal.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use voltwin_core::{Dtmi, Event, EventBody, PropertyMap, PropertyName, RelationshipId, TwinId, Value};
use voltwin_ontology::{PropertySpec, RelationshipSpec, Schema};

use crate::error::{PROPERTIES_MAX, TEXT_BYTES_MAX, TWIN_BYTES_MAX};
use crate::{Graph, GraphError, TwinRef};

/// Bytes that a number counts for, and what a property costs beside name and value (quotes, colon, comma).
const NUMBER_BYTES: usize = 12;
const PROPERTY_BYTES: usize = 4;

impl Graph {
    /// Checks an event against the models and against the graph as it is, and answers it with each value in the
    /// variant of its schema. Kinds that the graph does not hold pass as they are.
    ///
    /// # Errors
    /// [`GraphError`] naming the field and, where one is exceeded, the limit.
    pub fn check(&self, event: &Event) -> Result<Event, GraphError> {
        let body = match &event.body {
            EventBody::Created { model, properties } => self.check_created(&event.twin, model, properties)?,
            EventBody::Patched { values } => self.check_patched(self.existing(&event.twin)?, values)?,
            EventBody::Deleted => {
                self.existing(&event.twin)?;
                EventBody::Deleted
            }
            EventBody::Linked { id, name, target, properties } => {
                self.check_linked(self.existing(&event.twin)?, id, name, target, properties)?
            }
            EventBody::Unlinked { id } => {
                let twin = self.existing(&event.twin)?;
                if self.links.find(twin.row(), id).is_none() {
                    return Err(GraphError::UnknownLink { twin: event.twin.clone(), id: id.clone() });
                }
                event.body.clone()
            }
            EventBody::Record(fact) => fact.check().map(|()| event.body.clone())?,
            EventBody::Note(fact) => fact.check().map(|()| event.body.clone())?,
            EventBody::Transaction(_) | EventBody::Alarm(_) | EventBody::Command(_) | EventBody::Audit(_) => {
                event.body.clone()
            }
        };
        Ok(Event { body, ..event.clone() })
    }

    fn existing(&self, twin: &TwinId) -> Result<TwinRef<'_>, GraphError> {
        self.twin(twin.as_str()).ok_or_else(|| GraphError::UnknownTwin { twin: twin.clone() })
    }

    fn check_created(
        &self,
        twin: &TwinId,
        given: &Dtmi,
        properties: &PropertyMap,
    ) -> Result<EventBody, GraphError> {
        let model = self.ontology.model(given.as_str());
        let model = model.ok_or_else(|| GraphError::UnknownModel { model: given.clone() })?;
        if let Some(is) = self.twin(twin.as_str()).map(TwinRef::model)
            && *is != model.id
        {
            let (twin, is, given) = (twin.clone(), is.clone(), given.clone());
            return Err(GraphError::OtherModel { twin, is, given });
        }
        let properties = normalise(properties, &model.properties, || given.to_string())?;
        let bytes = properties.iter().map(|(name, value)| bytes_of(name, value)).sum();
        bounded(twin, bytes)?;
        Ok(EventBody::Created { model: model.id.clone(), properties })
    }

    fn check_patched(
        &self,
        twin: TwinRef<'_>,
        values: &[(PropertyName, Option<Value>)],
    ) -> Result<EventBody, GraphError> {
        few_enough(values.len())?;
        let table = twin.table();
        let mut checked = Vec::with_capacity(values.len());
        let mut may_grow = false;
        for (name, value) in values {
            let Some(property) = table.property(name.as_str()) else {
                let (model, property) = (table.model.to_string(), name.clone());
                return Err(GraphError::UnknownProperty { model, property });
            };
            let value = value.as_ref().map(|value| fit(name, &property.schema, value)).transpose()?;
            // Only texts and structures can make a twin outgrow what its model bounds by itself.
            may_grow |= matches!(value, Some(Value::Text(_) | Value::Json(_)));
            checked.push((property.name.clone(), value));
        }
        if may_grow || table.properties.len() > TWIN_BYTES_MAX / 256 {
            let mut after: BTreeMap<&str, usize> =
                twin.properties().map(|p| (p.name.as_str(), bytes_of(p.name, &p.value))).collect();
            for (name, value) in &checked {
                after.insert(name.as_str(), value.as_ref().map_or(0, |value| bytes_of(name, value)));
            }
            bounded(twin.id(), after.values().sum())?;
        }
        Ok(EventBody::Patched { values: checked })
    }

    fn check_linked(
        &self,
        twin: TwinRef<'_>,
        id: &RelationshipId,
        name: &PropertyName,
        target: &TwinId,
        properties: &PropertyMap,
    ) -> Result<EventBody, GraphError> {
        let model = self.ontology.model(twin.model().as_str());
        let found = model.and_then(|model| model.relationships.get_key_value(name));
        let Some((name, spec)) = found else {
            return Err(GraphError::UnknownRelationship { model: twin.model().clone(), name: name.clone() });
        };
        if target == twin.id() {
            return Err(GraphError::SelfLink { twin: target.clone() });
        }
        let end = self.twin(target.as_str());
        let end = end.ok_or_else(|| GraphError::MissingTarget { target: target.clone() })?;
        if let Some(wanted) = &spec.target
            && !end.is_a(wanted.as_str())
        {
            return Err(GraphError::WrongTarget {
                name: name.clone(),
                target: target.clone(),
                is: end.model().clone(),
                wanted: wanted.clone(),
            });
        }
        self.has_room(twin, id, name, spec)?;
        let properties = normalise(properties, &spec.properties, || format!("{}/{name}", twin.model()))?;
        let bytes = properties.iter().map(|(name, value)| bytes_of(name, value)).sum();
        bounded(twin.id(), bytes)?;
        Ok(EventBody::Linked { id: id.clone(), name: name.clone(), target: end.id().clone(), properties })
    }

    fn has_room(
        &self,
        twin: TwinRef<'_>,
        id: &RelationshipId,
        name: &PropertyName,
        spec: &RelationshipSpec,
    ) -> Result<(), GraphError> {
        let Some(limit) = spec.max else { return Ok(()) };
        let others = self.links.outgoing(twin.row()).filter(|link| link.name == *name && link.id != *id);
        if others.count() < limit as usize {
            return Ok(());
        }
        Err(GraphError::TooManyLinks { twin: twin.id().clone(), name: name.clone(), limit })
    }
}

fn normalise(
    properties: &PropertyMap,
    specs: &BTreeMap<PropertyName, PropertySpec>,
    model: impl Fn() -> String,
) -> Result<PropertyMap, GraphError> {
    few_enough(properties.len())?;
    let one = |(name, value): (&PropertyName, &Value)| match specs.get_key_value(name) {
        Some((known, spec)) => Ok((known.clone(), fit(name, &spec.schema, value)?)),
        None => Err(GraphError::UnknownProperty { model: model(), property: name.clone() }),
    };
    properties.iter().map(one).collect()
}

fn few_enough(count: usize) -> Result<(), GraphError> {
    if count > PROPERTIES_MAX { Err(GraphError::TooManyProperties { count }) } else { Ok(()) }
}

fn bounded(twin: &TwinId, bytes: usize) -> Result<(), GraphError> {
    if bytes > TWIN_BYTES_MAX {
        return Err(GraphError::TwinTooLarge { twin: twin.clone(), bytes });
    }
    Ok(())
}

fn fit(name: &PropertyName, schema: &Schema, value: &Value) -> Result<Value, GraphError> {
    let longest = match value {
        Value::Text(text) => text.len(),
        Value::Json(json) => longest_text(json),
        _ => 0,
    };
    if longest > TEXT_BYTES_MAX {
        return Err(GraphError::TextTooLong { property: name.clone(), bytes: longest });
    }
    let mismatch = |reason: voltwin_ontology::Mismatch| GraphError::Value {
        property: name.clone(),
        reason: reason.to_string(),
    };
    schema.check(value).map_err(mismatch)
}

fn longest_text(json: &Json) -> usize {
    match json {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(longest_text).max().unwrap_or(0),
        Json::Object(items) => {
            items.iter().map(|(key, item)| key.len().max(longest_text(item))).max().unwrap_or(0)
        }
        _ => 0,
    }
}

fn bytes_of(name: &PropertyName, value: &Value) -> usize {
    let value = match value {
        Value::Text(text) => text.len() + 2,
        Value::Json(json) => json_bytes(json),
        Value::Bool(_) => 5,
        Value::Int(_) | Value::Double(_) => NUMBER_BYTES,
    };
    name.as_str().len() + PROPERTY_BYTES + value
}

fn json_bytes(json: &Json) -> usize {
    match json {
        Json::Null => 4,
        Json::Bool(_) => 5,
        Json::Number(_) => NUMBER_BYTES,
        Json::String(text) => text.len() + 2,
        Json::Array(items) => 2 + items.iter().map(|item| json_bytes(item) + 1).sum::<usize>(),
        Json::Object(items) => {
            2 + items.iter().map(|(key, item)| key.len() + PROPERTY_BYTES + json_bytes(item)).sum::<usize>()
        }
    }
}
