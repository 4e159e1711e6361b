//! Inheritance: every model with all that it inherits.

use std::collections::BTreeMap;

use voltwin_core::{Dtmi, PropertyName};

use crate::parse::{Content, Interface};
use crate::{Model, OntologyError};

/// Chains of `extends` are at most this long (DTDL versions 2 and 3).
const EXTENDS_DEPTH_MAX: usize = 10;

pub(crate) fn flatten(interfaces: Vec<Interface>) -> Result<BTreeMap<Dtmi, Model>, OntologyError> {
    let mut by_id: BTreeMap<Dtmi, Interface> = BTreeMap::new();
    for interface in interfaces {
        if let Some(first) = by_id.get(&interface.id) {
            return Err(OntologyError::DuplicateModel {
                file: interface.file,
                model: interface.id.to_string(),
                first: first.file.clone(),
            });
        }
        by_id.insert(interface.id.clone(), interface);
    }
    by_id.values().map(|interface| Ok((interface.id.clone(), model(interface, &by_id)?))).collect()
}

fn model(interface: &Interface, by_id: &BTreeMap<Dtmi, Interface>) -> Result<Model, OntologyError> {
    let bases = bases(interface, by_id)?;
    let mut names: BTreeMap<&PropertyName, &Dtmi> = BTreeMap::new();
    let mut model = Model {
        id: interface.id.clone(),
        display_name: interface.display_name.clone(),
        description: interface.description.clone(),
        bases: bases.iter().map(|base| base.id.clone()).collect(),
        properties: BTreeMap::new(),
        relationships: BTreeMap::new(),
    };
    for part in bases.into_iter().chain([interface]) {
        for (name, content) in &part.contents {
            if let Some(first) = names.insert(name, &part.id) {
                return Err(OntologyError::DuplicateName {
                    file: interface.file.clone(),
                    model: interface.id.to_string(),
                    name: name.to_string(),
                    first: first.to_string(),
                });
            }
            match content {
                Content::Property(spec) => drop(model.properties.insert(name.clone(), spec.clone())),
                Content::Relationship(spec) => drop(model.relationships.insert(name.clone(), spec.clone())),
                Content::Other => {}
            }
        }
    }
    Ok(model)
}

/// Everything that `interface` extends, breadth first, each once.
///
/// The longest chain is what the depth limits, so levels are walked one by one with repeats kept apart only by
/// level: a cycle shows as the interface among its own bases.
fn bases<'a>(
    interface: &'a Interface,
    by_id: &'a BTreeMap<Dtmi, Interface>,
) -> Result<Vec<&'a Interface>, OntologyError> {
    let mut bases: Vec<&Interface> = Vec::new();
    let mut level = vec![interface];
    for depth in 0.. {
        let mut next: Vec<&Interface> = Vec::new();
        for extending in level {
            for base in &extending.extends {
                let base = base_of(extending, base, by_id)?;
                if base.id == interface.id {
                    let (file, model) = (interface.file.clone(), interface.id.to_string());
                    return Err(OntologyError::Cycle { file, model });
                }
                if !next.iter().any(|other| other.id == base.id) {
                    next.push(base);
                }
                if !bases.iter().any(|other| other.id == base.id) {
                    bases.push(base);
                }
            }
        }
        if next.is_empty() {
            break;
        }
        if depth == EXTENDS_DEPTH_MAX {
            let (file, model) = (interface.file.clone(), interface.id.to_string());
            return Err(OntologyError::Depth { file, model, limit: EXTENDS_DEPTH_MAX });
        }
        level = next;
    }
    Ok(bases)
}

fn base_of<'a>(
    extending: &Interface,
    base: &Dtmi,
    by_id: &'a BTreeMap<Dtmi, Interface>,
) -> Result<&'a Interface, OntologyError> {
    let (file, model) = (extending.file.clone(), extending.id.to_string());
    let Some(found) = by_id.get(base) else {
        return Err(OntologyError::MissingBase { file, model, base: base.to_string() });
    };
    if found.version > extending.version {
        let (low, high) = (extending.version, found.version);
        let rule = format!("a model of DTDL version {low} cannot extend `{base}` of version {high}");
        return Err(OntologyError::Element { file, element: model, rule });
    }
    Ok(found)
}
