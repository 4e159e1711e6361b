//! What an event must hold to before it goes into the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use voltwin_core::{
    Dtmi, Event, EventBody, MODELS_TWIN, PropertyMap, PropertyName, RelationshipId, TwinId, Value,
};
use voltwin_ontology::{Model, PropertySpec, RelationshipSpec, Schema};

use crate::links::Way;
use crate::{Graph, GraphError, Limits, TwinRef, ValueRef};

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
        self.few_enough(event.sources.len())?;
        let body = match &event.body {
            EventBody::Created { model, properties } => self.check_created(event, model, properties)?,
            EventBody::Patched { values } => self.check_patched(self.existing(&event.twin)?, values)?,
            EventBody::Retyped { model, values } => {
                self.check_retyped(self.existing(&event.twin)?, model, values)?
            }
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
            EventBody::Models(fact) => EventBody::Models(self.check_models(fact, event.received)?),
            EventBody::Transaction(_) | EventBody::Alarm(_) | EventBody::Command(_) | EventBody::Audit(_) => {
                event.body.clone()
            }
        };
        let Event { tenant, twin, sources, at, received, trace, decided, .. } = event;
        let (tenant, twin, sources) = (tenant.clone(), twin.clone(), sources.clone());
        Ok(Event {
            tenant,
            twin,
            at: *at,
            received: *received,
            trace: *trace,
            sources,
            decided: *decided,
            body,
        })
    }

    fn existing(&self, twin: &TwinId) -> Result<TwinRef<'_>, GraphError> {
        self.twin(twin.as_str()).ok_or_else(|| GraphError::UnknownTwin { twin: twin.clone() })
    }

    fn check_created(
        &self,
        event: &Event,
        given: &Dtmi,
        properties: &PropertyMap,
    ) -> Result<EventBody, GraphError> {
        let twin = &event.twin;
        if twin.as_str() == MODELS_TWIN {
            return Err(GraphError::Reserved { twin: twin.clone() });
        }
        match self.twin(twin.as_str()).map(TwinRef::model) {
            Some(is) if is == given => {}
            Some(is) if !event.decided => {
                let (twin, is, given) = (twin.clone(), is.clone(), given.clone());
                return Err(GraphError::OtherModel { twin, is, given });
            }
            None if self.len() >= self.limits.twins => {
                return Err(GraphError::TooManyTwins { limit: self.limits.twins });
            }
            _ => self.in_use(given)?,
        }
        let model = self.present(given)?;
        let properties = self.normalise(properties, &model.properties, || given.to_string())?;
        let bytes = properties.iter().map(|(name, value)| bytes_of(name, value)).sum();
        self.bounded(twin, bytes)?;
        Ok(EventBody::Created { model: model.id.clone(), properties })
    }

    /// A model that types new values.
    fn present(&self, id: &Dtmi) -> Result<&Arc<Model>, GraphError> {
        let model = self.ontology.model(id.as_str()).filter(|model| !model.deleted);
        model.ok_or_else(|| GraphError::UnknownModel { model: id.clone() })
    }

    /// A twin may become one of the model.
    fn in_use(&self, id: &Dtmi) -> Result<(), GraphError> {
        match self.present(id)?.decommissioned {
            true => Err(GraphError::Decommissioned { model: id.clone() }),
            false => Ok(()),
        }
    }

    fn check_patched(
        &self,
        twin: TwinRef<'_>,
        values: &[(PropertyName, Option<Value>)],
    ) -> Result<EventBody, GraphError> {
        self.few_enough(values.len())?;
        let table = twin.table();
        self.present(&table.model)?;
        let mut checked = Vec::with_capacity(values.len());
        let mut may_grow = false;
        for (name, value) in values {
            let Some(property) = table.property(name.as_str()) else {
                let (model, property) = (table.model.to_string(), name.clone());
                return Err(GraphError::UnknownProperty { model, property });
            };
            let value = value.as_ref().map(|value| self.fit(name, property.schema(), value)).transpose()?;
            // Only texts and structures can make a twin outgrow what its model bounds by itself.
            may_grow |= matches!(value, Some(Value::Text(_) | Value::Json(_)));
            checked.push((property.name.clone(), value));
        }
        if may_grow || table.properties.len() > self.limits.twin_bytes / 256 {
            self.bounded(twin.id(), bytes_patched(twin, &checked))?;
        }
        Ok(EventBody::Patched { values: checked })
    }

    /// What the twin holds, and the patch, must fit the new model; so must the relationships that begin at it.
    fn check_retyped(
        &self,
        twin: TwinRef<'_>,
        given: &Dtmi,
        values: &[(PropertyName, Option<Value>)],
    ) -> Result<EventBody, GraphError> {
        self.few_enough(values.len())?;
        if twin.model() != given {
            self.in_use(given)?;
        }
        let model = self.present(given)?;
        let unknown = |name: &PropertyName| GraphError::UnknownProperty {
            model: given.to_string(),
            property: name.clone(),
        };
        let mut checked = Vec::with_capacity(values.len());
        for (name, value) in values {
            match (model.properties.get_key_value(name), value) {
                (Some((name, spec)), Some(value)) => {
                    checked.push((name.clone(), Some(self.fit(name, &spec.schema, value)?)));
                }
                (Some((name, _)), None) => checked.push((name.clone(), None)),
                (None, None) if twin.value(name.as_str()).is_some() => checked.push((name.clone(), None)),
                (None, _) => return Err(unknown(name)),
            }
        }
        let mut held = Vec::new();
        for property in twin.properties().filter(|held| !checked.iter().any(|(name, _)| name == held.name)) {
            let spec = model.properties.get(property.name).ok_or_else(|| unknown(property.name))?;
            held.push((property.name.clone(), self.fit(property.name, &spec.schema, &property.value)?));
        }
        self.bounded(twin.id(), bytes_after(held, &checked))?;
        if let Some(link) = twin.outgoing().find(|link| !model.relationships.contains_key(link.name)) {
            return Err(GraphError::UnknownRelationship { model: given.clone(), name: link.name.clone() });
        }
        Ok(EventBody::Retyped { model: model.id.clone(), values: checked })
    }

    fn check_linked(
        &self,
        twin: TwinRef<'_>,
        id: &RelationshipId,
        name: &PropertyName,
        target: &TwinId,
        properties: &PropertyMap,
    ) -> Result<EventBody, GraphError> {
        let model = self.present(twin.model())?;
        let Some((name, spec)) = model.relationships.get_key_value(name) else {
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
        self.has_room(twin, end, id)?;
        self.has_room_of_name(twin, id, name, spec)?;
        let properties =
            self.normalise(properties, &spec.properties, || format!("{}/{name}", twin.model()))?;
        let bytes = properties.iter().map(|(name, value)| bytes_of(name, value)).sum();
        self.bounded(twin.id(), bytes)?;
        Ok(EventBody::Linked { id: id.clone(), name: name.clone(), target: end.id().clone(), properties })
    }

    /// Room at both ends for a relationship, unless it takes the place of one.
    fn has_room(
        &self,
        source: TwinRef<'_>,
        target: TwinRef<'_>,
        id: &RelationshipId,
    ) -> Result<(), GraphError> {
        let former = self.links.find(source.row(), id);
        let ends = [
            (source, Way::Out, "source", self.limits.outgoing, former.is_some()),
            (
                target,
                Way::In,
                "target",
                self.limits.incoming,
                former.is_some_and(|f| f.target == target.row()),
            ),
        ];
        for (twin, way, end, limit, replaces) in ends {
            if !replaces && self.links.hops(twin.row(), way).len() >= limit {
                return Err(GraphError::TooManyRelationships { twin: twin.id().clone(), end, limit });
            }
        }
        Ok(())
    }

    /// How many more relationships of a name may begin at a twin.
    #[must_use]
    pub fn room_for_links(&self, source: &str, name: &str) -> usize {
        let Some(twin) = self.twin(source) else { return 0 };
        let room = self.limits.outgoing.saturating_sub(self.links.hops(twin.row(), Way::Out).len());
        let max = twin.kind().and_then(|model| model.relationships.get(name)?.max);
        let of_name = || self.links.outgoing(twin.row()).filter(|link| link.name.as_str() == name).count();
        max.map_or(room, |max| room.min((max as usize).saturating_sub(of_name())))
    }

    fn has_room_of_name(
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

    fn normalise(
        &self,
        properties: &PropertyMap,
        specs: &BTreeMap<PropertyName, Arc<PropertySpec>>,
        model: impl Fn() -> String,
    ) -> Result<PropertyMap, GraphError> {
        self.few_enough(properties.len())?;
        let one = |(name, value): (&PropertyName, &Value)| match specs.get_key_value(name) {
            Some((known, spec)) => Ok((known.clone(), self.fit(name, &spec.schema, value)?)),
            None => Err(GraphError::UnknownProperty { model: model(), property: name.clone() }),
        };
        properties.iter().map(one).collect()
    }

    fn few_enough(&self, count: usize) -> Result<(), GraphError> {
        let Limits { properties: limit, .. } = self.limits;
        if count > limit { Err(GraphError::TooManyProperties { count, limit }) } else { Ok(()) }
    }

    fn bounded(&self, twin: &TwinId, bytes: usize) -> Result<(), GraphError> {
        let Limits { twin_bytes: limit, .. } = self.limits;
        if bytes > limit {
            return Err(GraphError::TwinTooLarge { twin: twin.clone(), bytes, limit });
        }
        Ok(())
    }

    fn fit(&self, name: &PropertyName, schema: &Schema, value: &Value) -> Result<Value, GraphError> {
        let longest = match value {
            Value::Text(text) => text.len(),
            Value::Json(json) => longest_text(json),
            _ => 0,
        };
        let Limits { text_bytes: limit, .. } = self.limits;
        if longest > limit {
            return Err(GraphError::TextTooLong { property: name.clone(), bytes: longest, limit });
        }
        let mismatch = |reason: voltwin_ontology::Mismatch| GraphError::Value {
            property: name.clone(),
            reason: reason.to_string(),
        };
        schema.check(value).map_err(mismatch)
    }
}

/// Bytes of what a twin holds after a patch of what its model has.
fn bytes_patched(twin: TwinRef<'_>, patch: &[(PropertyName, Option<Value>)]) -> usize {
    let size = |name: &PropertyName| twin.value(name.as_str()).map_or(0, |value| bytes_of_ref(name, value));
    let held: usize = twin.table().properties.iter().map(|property| size(&property.name)).sum();
    // Of values of one name, the last one stays.
    let last = |index: usize, name: &PropertyName| patch[index + 1..].iter().all(|(other, _)| other != name);
    let lasting = patch.iter().enumerate().filter(|(index, (name, _))| last(*index, name));
    let change = |sum: usize, (_, (name, value)): (usize, &(PropertyName, Option<Value>))| {
        sum - size(name) + value.as_ref().map_or(0, |value| bytes_of(name, value))
    };
    lasting.fold(held, change)
}

/// Bytes of what a twin of another model holds after a patch.
fn bytes_after(
    held: impl IntoIterator<Item = (PropertyName, Value)>,
    patch: &[(PropertyName, Option<Value>)],
) -> usize {
    let mut after: BTreeMap<PropertyName, usize> =
        held.into_iter().map(|(name, value)| (name.clone(), bytes_of(&name, &value))).collect();
    for (name, value) in patch {
        after.insert(name.clone(), value.as_ref().map_or(0, |value| bytes_of(name, value)));
    }
    after.values().sum()
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
        Value::Text(text) => ValueRef::Text(text),
        Value::Json(json) => ValueRef::Json(json),
        Value::Bool(b) => ValueRef::Bool(*b),
        Value::Int(n) => ValueRef::Int(*n),
        Value::Double(x) => ValueRef::Double(*x),
    };
    bytes_of_ref(name, value)
}

fn bytes_of_ref(name: &PropertyName, value: ValueRef<'_>) -> usize {
    let value = match value {
        ValueRef::Text(text) => text.len() + 2,
        ValueRef::Json(json) => json_bytes(json),
        ValueRef::Bool(_) => 5,
        ValueRef::Int(_) | ValueRef::Double(_) => NUMBER_BYTES,
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
