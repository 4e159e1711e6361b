//! JSON Patch (RFC 6902) on twins, components and relationships: `add`, `replace` and `remove`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use voltwin_core::{Dtmi, EventBody, PropertyName, Timestamp, Value};
use voltwin_graph::{Link, TwinRef};
use voltwin_ontology::Model;

use crate::read::{dtmi, excerpt, instant_of, model_of};
use crate::{DocumentError, Draft};

/// Operations of one patch at most.
const OPERATIONS_MAX: usize = 1_000;

/// A patch of a twin, the model and source times in `$metadata` included. `None` where it asks for nothing.
///
/// # Errors
/// [`DocumentError::Patch`] naming the operation; [`DocumentError::Graph`] where it names a model that is not there.
pub fn patched(twin: TwinRef<'_>, patch: &Json) -> Result<Option<Draft>, DocumentError> {
    twin_patched(twin, &operations(patch)?)
}

/// A patch of one component, with paths that begin in it.
///
/// # Errors
/// [`DocumentError::UnknownComponent`], and those of [`patched`].
pub fn component_patched(
    twin: TwinRef<'_>,
    component: &str,
    patch: &Json,
) -> Result<Option<Draft>, DocumentError> {
    if !twin.kind().is_some_and(|model| model.components.contains_key(component)) {
        let (twin, component) = (twin.id().clone(), component.to_owned());
        return Err(DocumentError::UnknownComponent { twin, component });
    }
    let mut operations = operations(patch)?;
    for operation in &mut operations {
        operation.path.insert(0, component.to_owned());
    }
    twin_patched(twin, &operations)
}

/// A patch of the properties of a relationship. `None` where it asks for nothing.
///
/// # Errors
/// [`DocumentError::Patch`] naming the operation.
pub fn link_patched(link: &Link<'_>, patch: &Json) -> Result<Option<Draft>, DocumentError> {
    let operations = operations(patch)?;
    if operations.is_empty() {
        return Ok(None);
    }
    let mut edit = Edit::default();
    for operation in &operations {
        let (first, rest) = operation.first()?;
        let name = operation.property(first)?;
        let held = || link.properties.get(&name).map(Value::to_json);
        edit.change(operation, name.clone(), rest, held)?;
    }
    let mut properties = link.properties.clone();
    for (name, value) in edit.values() {
        match value {
            Some(value) => drop(properties.insert(name, value)),
            None => drop(properties.remove(&name)),
        }
    }
    let (id, name, target) = (link.id.clone(), link.name.clone(), link.target.clone());
    Ok(Some(EventBody::Linked { id, name, target, properties }.into()))
}

fn twin_patched(twin: TwinRef<'_>, operations: &[Operation<'_>]) -> Result<Option<Draft>, DocumentError> {
    if operations.is_empty() {
        return Ok(None);
    }
    // What names mean is said by the model that the twin will have.
    let retyped = operations.iter().rev().find(|operation| operation.path == ["$metadata", "$model"]);
    let retyped = retyped.map(Operation::model).transpose()?;
    let model = model_of(twin.graph(), retyped.as_ref().unwrap_or(twin.model()))?;
    let mut edit = TwinEdit { twin, model, edit: Edit::default(), sources: BTreeMap::new() };
    for operation in operations {
        edit.operation(operation)?;
    }
    let sources = edit.sources()?;
    let values = edit.edit.values().collect();
    let body = match retyped {
        Some(model) => EventBody::Retyped { model, values },
        None => EventBody::Patched { values },
    };
    Ok(Some(Draft { body, sources }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// One operation with its path in parts.
#[derive(Debug)]
struct Operation<'j> {
    index: usize,
    verb: Verb,
    path: Vec<String>,
    /// `null` where it is a removal.
    value: &'j Json,
}

fn operations(patch: &Json) -> Result<Vec<Operation<'_>>, DocumentError> {
    let error =
        |index, path: &str, reason: String| DocumentError::Patch { index, path: path.to_owned(), reason };
    let Json::Array(items) = patch else {
        return Err(error(0, "", format!("a JSON Patch is an array of operations, not {}", excerpt(patch))));
    };
    if items.len() > OPERATIONS_MAX {
        return Err(error(
            OPERATIONS_MAX,
            "",
            format!("{} operations are more than {OPERATIONS_MAX}", items.len()),
        ));
    }
    items.iter().enumerate().map(|(index, item)| operation(index, item)).collect()
}

fn operation(index: usize, item: &Json) -> Result<Operation<'_>, DocumentError> {
    let path = item.get("path").and_then(Json::as_str);
    let error = |reason: &str| {
        let path = path.unwrap_or_default().to_owned();
        Err(DocumentError::Patch { index, path, reason: reason.to_owned() })
    };
    let verb = match item.get("op").and_then(Json::as_str) {
        Some("add") => Verb::Add,
        Some("replace") => Verb::Replace,
        Some("remove") => Verb::Remove,
        _ => return error("`op` must be add, replace or remove"),
    };
    let Some(pointer) = path.and_then(|path| path.strip_prefix('/')) else {
        return error("`path` must be a JSON pointer such as `/name`");
    };
    let path = pointer.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    match (verb, item.get("value")) {
        (Verb::Remove, _) => Ok(Operation { index, verb, path, value: &Json::Null }),
        (_, Some(value)) => Ok(Operation { index, verb, path, value }),
        (_, None) => error("`value` is missing"),
    }
}

impl Operation<'_> {
    fn pointer(&self) -> String {
        self.path.iter().map(|part| crate::read::pointer("", part)).collect()
    }

    fn error<T>(&self, reason: impl Into<String>) -> Result<T, DocumentError> {
        Err(DocumentError::Patch { index: self.index, path: self.pointer(), reason: reason.into() })
    }

    fn first(&self) -> Result<(&str, &[String]), DocumentError> {
        match self.path.split_first() {
            Some((first, _)) if first.starts_with('$') => self.error(format!("`{first}` cannot be changed")),
            Some((first, rest)) => Ok((first, rest)),
            None => self.error("the path is empty"),
        }
    }

    fn property(&self, name: &str) -> Result<PropertyName, DocumentError> {
        crate::read::property(name, "").or_else(|e| match e {
            DocumentError::Form { reason, .. } => self.error(reason),
            other => Err(other),
        })
    }

    fn model(&self) -> Result<Dtmi, DocumentError> {
        match self.verb {
            Verb::Remove => self.error("a twin must have a model"),
            Verb::Add | Verb::Replace => dtmi(self.value, "").or_else(|e| self.error(e.reason())),
        }
    }
}

impl DocumentError {
    fn reason(&self) -> String {
        match self {
            Self::Form { reason, .. } | Self::Patch { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}

/// Properties that changed so far, each as it will be.
#[derive(Debug, Default)]
struct Edit {
    changed: BTreeMap<PropertyName, Option<Json>>,
}

impl Edit {
    /// Carries an operation out on a property, or on a part of it. `held` is what it held before the patch.
    fn change(
        &mut self,
        operation: &Operation<'_>,
        name: PropertyName,
        rest: &[String],
        held: impl FnOnce() -> Option<Json>,
    ) -> Result<(), DocumentError> {
        let entry = self.changed.entry(name).or_insert_with(held);
        let Some((last, between)) = rest.split_last() else {
            if operation.verb != Verb::Add && entry.is_none() {
                return operation.error("there is nothing to replace or remove; add it");
            }
            *entry = (operation.verb != Verb::Remove).then(|| operation.value.clone());
            return Ok(());
        };
        let parent = between.iter().try_fold(entry.as_mut(), |parent, part| match parent {
            Some(Json::Object(fields)) => Some(fields.get_mut(part)),
            Some(Json::Array(items)) => Some(position(part).and_then(|at| items.get_mut(at))),
            _ => None,
        });
        match parent.flatten() {
            Some(Json::Object(fields)) => in_object(operation, fields, last),
            Some(Json::Array(items)) => in_array(operation, items, last),
            _ => operation.error("there is no object or array for it to be in"),
        }
    }

    fn values(self) -> impl Iterator<Item = (PropertyName, Option<Value>)> {
        self.changed.into_iter().map(|(name, value)| (name, value.map(Value::from)))
    }
}

fn in_object(
    operation: &Operation<'_>,
    fields: &mut Map<String, Json>,
    name: &str,
) -> Result<(), DocumentError> {
    if operation.verb != Verb::Add && !fields.contains_key(name) {
        return operation.error("there is nothing to replace or remove; add it");
    }
    match operation.verb {
        Verb::Remove => drop(fields.remove(name)),
        Verb::Add | Verb::Replace => drop(fields.insert(name.to_owned(), operation.value.clone())),
    }
    Ok(())
}

fn in_array(operation: &Operation<'_>, items: &mut Vec<Json>, place: &str) -> Result<(), DocumentError> {
    let at = if place == "-" { Some(items.len()) } else { position(place) };
    let end = items.len() + usize::from(operation.verb == Verb::Add);
    let Some(at) = at.filter(|at| *at < end) else {
        return operation.error(format!("the array has {} elements", items.len()));
    };
    match operation.verb {
        Verb::Add => items.insert(at, operation.value.clone()),
        Verb::Replace => items[at] = operation.value.clone(),
        Verb::Remove => drop(items.remove(at)),
    }
    Ok(())
}

/// An index of RFC 6901: digits without a zero before them.
fn position(text: &str) -> Option<usize> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    text.parse().ok().filter(|_| canonical)
}

struct TwinEdit<'g> {
    twin: TwinRef<'g>,
    /// The model that the twin will have.
    model: &'g Model,
    edit: Edit,
    /// Source times that the patch gives, with the operation that gave each.
    sources: BTreeMap<PropertyName, (usize, Timestamp)>,
}

impl TwinEdit<'_> {
    fn operation(&mut self, operation: &Operation<'_>) -> Result<(), DocumentError> {
        if let Some((first, rest)) = operation.path.split_first()
            && first == "$metadata"
        {
            return if rest == ["$model"] { Ok(()) } else { self.time(operation, None, rest) };
        }
        let (first, rest) = operation.first()?;
        let name = operation.property(first)?;
        let is_component = self.model.components.contains_key(&name);
        let was_component = self.twin.kind().is_some_and(|model| model.components.contains_key(&name));
        if !is_component && !was_component {
            return self.property(operation, name, rest);
        }
        match rest.split_first() {
            None => self.component(operation, &name, is_component),
            Some((inner, rest)) if inner == "$metadata" => self.time(operation, Some(&name), rest),
            Some((inner, rest)) => {
                let inner = operation.property(inner)?.within(&name);
                self.property(operation, inner, rest)
            }
        }
    }

    fn property(
        &mut self,
        operation: &Operation<'_>,
        name: PropertyName,
        rest: &[String],
    ) -> Result<(), DocumentError> {
        let twin = self.twin;
        let held = name.clone();
        self.edit.change(operation, name, rest, || twin.get(held.as_str()).map(|value| value.to_json()))
    }

    /// A whole component: what it does not name is removed.
    fn component(
        &mut self,
        operation: &Operation<'_>,
        name: &PropertyName,
        stays: bool,
    ) -> Result<(), DocumentError> {
        let held = self.twin.properties().map(|property| property.name);
        let held: Vec<PropertyName> =
            held.filter(|held| held.parts().0 == Some(name.as_str())).cloned().collect();
        let within = |changed: &&PropertyName| changed.parts().0 == Some(name.as_str());
        let before: Vec<PropertyName> = self.edit.changed.keys().filter(within).cloned().collect();
        for property in held.into_iter().chain(before) {
            self.edit.changed.insert(property, None);
        }
        match (operation.verb, operation.value) {
            (Verb::Remove, _) if stays => operation.error("a component cannot be removed"),
            (Verb::Remove, _) => Ok(()),
            (_, Json::Object(fields)) => {
                if !fields.contains_key("$metadata") {
                    return operation.error("a component must have `$metadata`, if only as `{}`");
                }
                for (inner, value) in fields {
                    if inner == "$metadata" {
                        self.times(operation, Some(name), value)?;
                    } else {
                        let inner = operation.property(inner)?.within(name);
                        self.edit.changed.insert(inner, Some(value.clone()));
                    }
                }
                Ok(())
            }
            _ => operation.error("a component must be an object"),
        }
    }

    /// Times of several properties, as `$metadata` of a component has them.
    fn times(
        &mut self,
        operation: &Operation<'_>,
        component: Option<&PropertyName>,
        metadata: &Json,
    ) -> Result<(), DocumentError> {
        let Json::Object(metadata) = metadata else {
            return operation.error("`$metadata` must be an object");
        };
        for (name, times) in metadata.iter().filter(|(name, _)| !name.starts_with('$')) {
            if let Some(time) = times.get("sourceTime") {
                self.source(operation, component, name, time)?;
            }
        }
        Ok(())
    }

    /// `$metadata/<property>/sourceTime`, or `$metadata/<property>` with it inside.
    fn time(
        &mut self,
        operation: &Operation<'_>,
        component: Option<&PropertyName>,
        rest: &[String],
    ) -> Result<(), DocumentError> {
        let value = operation.value;
        match (rest, value.get("sourceTime")) {
            ([name, last], _) if last == "sourceTime" && !name.starts_with('$') => match operation.verb {
                Verb::Remove => Ok(()),
                Verb::Add | Verb::Replace => self.source(operation, component, name, value),
            },
            ([name], Some(time)) if !name.starts_with('$') => self.source(operation, component, name, time),
            ([], _) if component.is_some() && value.is_object() => self.times(operation, component, value),
            _ => {
                operation.error("of `$metadata`, only `$model` and `sourceTime` of properties can be changed")
            }
        }
    }

    fn source(
        &mut self,
        operation: &Operation<'_>,
        component: Option<&PropertyName>,
        name: &str,
        time: &Json,
    ) -> Result<(), DocumentError> {
        let name = operation.property(name)?;
        let name = component.map_or_else(|| name.clone(), |component| name.within(component));
        let time = instant_of(time, "").or_else(|e| operation.error(e.reason()))?;
        self.sources.insert(name, (operation.index, time));
        Ok(())
    }

    /// A source time is that of a value: where the patch does not give the value, it is the one that is there.
    fn sources(&mut self) -> Result<Vec<(PropertyName, Timestamp)>, DocumentError> {
        let mut sources = Vec::with_capacity(self.sources.len());
        for (name, (index, time)) in std::mem::take(&mut self.sources) {
            if !self.edit.changed.contains_key(&name) {
                let Some(held) = self.twin.get(name.as_str()) else {
                    let reason = "the twin has no such value, and the patch gives none".to_owned();
                    return Err(DocumentError::Patch { index, path: format!("/$metadata/{name}"), reason });
                };
                self.edit.changed.insert(name.clone(), Some(held.to_json()));
            }
            sources.push((name, time));
        }
        Ok(sources)
    }
}
