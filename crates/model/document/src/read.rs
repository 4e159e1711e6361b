//! What somebody sends, as what the journal records.

use serde_json::{Map, Value as Json};
use voltwin_core::{Dtmi, EventBody, PropertyMap, PropertyName, RelationshipId, Timestamp, TwinId, Value};
use voltwin_graph::{Graph, GraphError, TwinRef};
use voltwin_ontology::Model;

use crate::error::form;
use crate::{DocumentError, Draft};

type Sources = Vec<(PropertyName, Timestamp)>;

/// A twin from its document: a new one, or all of one that is there.
///
/// `$metadata.$model` names its model; `$metadata.<property>.sourceTime` may say when a value came to be. `$etag` and
/// the other times are passed over, so that what was read can be sent back.
///
/// # Errors
/// [`DocumentError::Form`], [`DocumentError::Graph`].
pub fn created(graph: &Graph, id: &TwinId, document: &Json) -> Result<Draft, DocumentError> {
    let document = object(document, "")?;
    same(document, "$dtId", id.as_str())?;
    let metadata = object(document.get("$metadata").unwrap_or(&Json::Null), "/$metadata")?;
    let model = dtmi(metadata.get("$model").unwrap_or(&Json::Null), "/$metadata/$model")?;
    let known = model_of(graph, &model)?;
    let mut draft = Contents { model: known, properties: PropertyMap::new(), sources: Vec::new() };
    draft.sources(metadata, None)?;
    for (name, value) in
        document.iter().filter(|(name, _)| !matches!(name.as_str(), "$dtId" | "$etag" | "$metadata"))
    {
        draft.content(name, value)?;
    }
    let Contents { properties, mut sources, .. } = draft;
    sources.retain(|(name, _)| properties.contains_key(name));
    Ok(Draft { body: EventBody::Created { model, properties }, sources })
}

/// A relationship from its document.
///
/// # Errors
/// [`DocumentError::Form`]; [`DocumentError::LinkExists`] where there is one of that id that is not the same.
pub fn linked(source: TwinRef<'_>, id: &RelationshipId, document: &Json) -> Result<Draft, DocumentError> {
    let document = object(document, "")?;
    same(document, "$sourceId", source.id().as_str())?;
    same(document, "$relationshipId", id.as_str())?;
    let target = TwinId::new(text(document, "$targetId")?);
    let target = target.or_else(|e| form("/$targetId", e.to_string()))?;
    let name = PropertyName::new(text(document, "$relationshipName")?);
    let name = name.or_else(|e| form("/$relationshipName", e.to_string()))?;
    if let Some(known) = source.link(id.as_str())
        && (*known.name != name || *known.target != target)
    {
        return Err(DocumentError::LinkExists { twin: source.id().clone(), id: id.clone() });
    }
    let known = ["$sourceId", "$relationshipId", "$targetId", "$relationshipName", "$etag", "$metadata"];
    let mut properties = PropertyMap::new();
    for (name, value) in document.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        properties.insert(property(name, "")?, Value::from(value.clone()));
    }
    Ok(EventBody::Linked { id: id.clone(), name, target, properties }.into())
}

/// Whether a message is telemetry that a twin, or a component of it, has.
///
/// # Errors
/// [`DocumentError::UnknownComponent`], [`DocumentError::Form`] naming the telemetry.
pub fn check_telemetry(
    twin: TwinRef<'_>,
    component: Option<&str>,
    payload: &Json,
) -> Result<(), DocumentError> {
    let model = model_of(twin.graph(), twin.model())?;
    if let Some(component) = component.filter(|component| !model.components.contains_key(*component)) {
        let (twin, component) = (twin.id().clone(), component.to_owned());
        return Err(DocumentError::UnknownComponent { twin, component });
    }
    for (name, value) in object(payload, "")? {
        let full = component.map_or_else(|| name.clone(), |component| format!("{component}.{name}"));
        let Some(schema) = model.telemetry.get(full.as_str()) else {
            return form(pointer("", name), format!("`{}` has no such telemetry", model.id));
        };
        schema.check(&Value::from(value.clone())).or_else(|e| form(pointer("", name), e.to_string()))?;
    }
    Ok(())
}

/// The end of a twin, as somebody asks for it: not while relationships begin or end there.
///
/// # Errors
/// [`DocumentError::HasRelationships`].
pub fn deleted(twin: TwinRef<'_>) -> Result<Draft, DocumentError> {
    if twin.outgoing().next().is_some() || twin.incoming().next().is_some() {
        return Err(DocumentError::HasRelationships { twin: twin.id().clone() });
    }
    Ok(EventBody::Deleted.into())
}

/// The contents of a twin while its document is read.
struct Contents<'m> {
    model: &'m Model,
    properties: PropertyMap,
    sources: Sources,
}

impl Contents<'_> {
    fn content(&mut self, name: &str, value: &Json) -> Result<(), DocumentError> {
        let (Some((component, _)), Json::Object(inner)) = (self.model.components.get_key_value(name), value)
        else {
            if self.model.components.contains_key(name) {
                return form(pointer("", name), "a component must be an object");
            }
            self.properties.insert(property(name, "")?, Value::from(value.clone()));
            return Ok(());
        };
        let path = pointer("", name);
        let component = component.clone();
        let Some(metadata) = inner.get("$metadata") else {
            return form(format!("{path}/$metadata"), "a component must have it, if only as `{}`");
        };
        self.sources(object(metadata, &format!("{path}/$metadata"))?, Some(&component))?;
        for (name, value) in inner.iter().filter(|(name, _)| *name != "$metadata") {
            self.properties.insert(property(name, &path)?.within(&component), Value::from(value.clone()));
        }
        Ok(())
    }

    fn sources(
        &mut self,
        metadata: &Map<String, Json>,
        component: Option<&PropertyName>,
    ) -> Result<(), DocumentError> {
        for (name, times) in metadata.iter().filter(|(name, _)| !name.starts_with('$')) {
            let place = component.map_or_else(String::new, |component| format!("/{component}"));
            let path = format!("{}/sourceTime", pointer(&format!("{place}/$metadata"), name));
            let Some(time) = times.get("sourceTime") else { continue };
            let name = property(name, &place)?;
            let name = component.map_or_else(|| name.clone(), |component| name.within(component));
            self.sources.push((name, instant_of(time, &path)?));
        }
        Ok(())
    }
}

pub(crate) fn model_of<'g>(graph: &'g Graph, id: &Dtmi) -> Result<&'g Model, DocumentError> {
    let model = graph.ontology().model(id.as_str());
    Ok(model.ok_or_else(|| GraphError::UnknownModel { model: id.clone() })?)
}

pub(crate) fn object<'j>(json: &'j Json, path: &str) -> Result<&'j Map<String, Json>, DocumentError> {
    json.as_object().map_or_else(|| form(path, format!("expected an object, found {}", excerpt(json))), Ok)
}

pub(crate) fn dtmi(json: &Json, path: &str) -> Result<Dtmi, DocumentError> {
    let text = json.as_str().map_or_else(|| form(path, "the id of a model must stand here"), Ok)?;
    Dtmi::new(text).or_else(|e| form(path, e.to_string()))
}

pub(crate) fn instant_of(json: &Json, path: &str) -> Result<Timestamp, DocumentError> {
    let text = json.as_str().map_or_else(|| form(path, "a date and time must stand here"), Ok)?;
    text.parse().or_else(|e: voltwin_core::CoreError| form(path, e.to_string()))
}

/// A name that could be one of a property; whether there is such a property is said elsewhere.
pub(crate) fn property(name: &str, place: &str) -> Result<PropertyName, DocumentError> {
    match PropertyName::new(name) {
        Ok(name) if name.parts().0.is_none() => Ok(name),
        Ok(_) => form(pointer(place, name), "the name of a property has no dot"),
        Err(e) => form(pointer(place, name), e.to_string()),
    }
}

fn text<'j>(document: &'j Map<String, Json>, name: &str) -> Result<&'j str, DocumentError> {
    let found = document.get(name).and_then(Json::as_str);
    found.map_or_else(|| form(format!("/{name}"), "a text must stand here"), Ok)
}

/// What a document repeats of its address must be what the address says.
fn same(document: &Map<String, Json>, name: &str, wanted: &str) -> Result<(), DocumentError> {
    match document.get(name) {
        Some(found) if found.as_str() != Some(wanted) => {
            form(format!("/{name}"), format!("expected `{wanted}`, found {}", excerpt(found)))
        }
        _ => Ok(()),
    }
}

/// A JSON pointer to a member.
pub(crate) fn pointer(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}

pub(crate) fn excerpt(json: &Json) -> String {
    json.to_string().chars().take(80).collect()
}
