//! `@type`: the class of an element, and the supplemental types beside it.

use std::borrow::Cow;

use crate::{
    Rule,
    context::Active,
    graph::Symbol,
    literal::excerpt,
    metamodel::{self, CLASSES, Extension, KINDS, Kind, SupplementalId, is_material, supplemental_type},
    node::Node,
    parse::{Parser, Place},
};

/// What `@type` said.
#[derive(Debug)]
pub(crate) struct Types {
    pub(crate) kind: Kind,
    /// The types that the element has, an extension's class among them.
    pub(crate) all: Vec<SupplementalId>,
    /// The types that stand beside the class, even those that must not.
    pub(crate) beside: Vec<SupplementalId>,
    /// Some type is of an extension that is not known.
    pub(crate) undefined: bool,
}

/// The types found so far.
#[derive(Debug, Default)]
struct Found {
    kinds: Vec<Kind>,
    first: Option<Kind>,
    implied: Vec<SupplementalId>,
    beside: Vec<SupplementalId>,
    undefined: bool,
}

impl<'a> Parser<'a, '_> {
    /// Reads the types of an element; `None` where they do not make one.
    pub(crate) fn types(
        &mut self,
        active: &Active,
        node: &Node<'a>,
        place: &Place<'_>,
        id: Symbol,
    ) -> Option<Types> {
        let inferred = [Some(Cow::Borrowed(place.inferred))];
        let types = node.types.as_deref().unwrap_or(&inferred);
        let mut found = Found::default();
        let mut failed = false;
        for name in types {
            failed |= !self.type_name(active, name.as_deref(), place, id, &mut found);
        }
        if failed {
            return None;
        }
        let Some(kind) = found.first else {
            self.bad_type(place, id, "no class is among the types");
            return None;
        };
        if found.kinds.iter().any(|other| *other != kind) {
            let names: Vec<&str> = found.kinds.iter().map(|kind| kind.name()).collect();
            self.breach(Rule::MultipleMaterialTypes, id, None, format!("keep one of {}", names.join(", ")));
            return None;
        }
        let mut all = found.implied;
        self.check_beside(active, kind, &found.beside, &mut all, id);
        Some(Types { kind, all, beside: found.beside, undefined: found.undefined })
    }

    pub(crate) fn bad_type(&mut self, place: &Place<'_>, id: Symbol, what: &str) {
        let wanted = place.class.name();
        let found = self.graph.id(id).to_owned();
        let parent = place.parent.unwrap_or(id);
        let detail = format!("`{found}` must be of type {wanted}: {what}");
        self.breach(Rule::BadType, parent, place.property_name(), detail);
    }

    /// One of the types; false where the element cannot be read.
    fn type_name(
        &mut self,
        active: &Active,
        name: Option<&str>,
        place: &Place<'_>,
        id: Symbol,
        found: &mut Found,
    ) -> bool {
        let Some(name) = name else {
            self.bad_type(place, id, "types are strings");
            return false;
        };
        let Some(version) = place.class.class().version(active.version) else {
            self.bad_type(place, id, "this version of DTDL has no such class");
            return false;
        };
        let allowed = if place.parent.is_none() { version.concrete } else { version.specializable };
        if let Some(kind) = kind_of(name, active.version).filter(|kind| allowed.has(*kind)) {
            self.check_id_length(active, kind, id);
            found.first.get_or_insert(kind);
            found.kinds.push(kind);
            return true;
        }
        if is_material(name) {
            self.bad_type(place, id, &format!("`{name}` is another class"));
            return false;
        }
        let Some(dtmi) = active.dtmi(name) else {
            return self.undefined_type(active, name, id, found);
        };
        let Some(supplemental) = metamodel::supplemental(&dtmi) else {
            if !active.incomplete {
                self.breach(Rule::TypeIrrelevantDtmiOrTerm, id, None, format!("remove `{}`", excerpt(name)));
                return false;
            }
            found.undefined = true;
            return true;
        };
        let entry = supplemental_type(supplemental);
        if entry.is_abstract {
            self.breach(
                Rule::AbstractSupplementalType,
                id,
                None,
                format!("take a type that descends from `{name}`"),
            );
            return false;
        }
        match entry.extension {
            Extension::Class(kind) if extensible(active.version).contains(&kind) => {
                if !version.extensible.has(kind) {
                    self.bad_type(place, id, &format!("`{name}` is another class"));
                    return false;
                }
                found.first.get_or_insert(kind);
                found.kinds.push(kind);
                found.implied.push(supplemental);
            }
            _ if !found.beside.contains(&supplemental) => found.beside.push(supplemental),
            _ => {}
        }
        true
    }

    /// A type that is neither of the language nor of a known extension.
    fn undefined_type(&mut self, active: &Active, name: &str, id: Symbol, found: &mut Found) -> bool {
        let lenient = active.version == 2;
        let rule = if name.starts_with("dtmi:") {
            Some(Rule::TypeInvalidDtmi)
        } else if lenient {
            None
        } else if name.contains(':') {
            Some(Rule::TypeNotDtmiNorTerm)
        } else if active.incomplete {
            None
        } else {
            Some(Rule::TypeUndefinedTerm)
        };
        match rule {
            Some(rule) => {
                self.breach(rule, id, None, format!("correct or remove `{}`", excerpt(name)));
                false
            }
            None => {
                found.undefined = true;
                true
            }
        }
    }

    fn check_id_length(&mut self, active: &Active, kind: Kind, id: Symbol) {
        let Some(version) = kind.class().version(active.version) else { return };
        let limit = version.id_length.of(active.limit);
        let length = self.graph.id(id).len();
        if length > limit as usize {
            let detail = format!("{length} characters, at most {limit} for {}", kind.name());
            self.breach(Rule::IdTooLongForType, id, None, detail);
        }
    }

    /// Which types may stand beside the class and beside each other.
    fn check_beside(
        &mut self,
        active: &Active,
        kind: Kind,
        beside: &[SupplementalId],
        all: &mut Vec<SupplementalId>,
        id: Symbol,
    ) {
        for supplemental in beside {
            let entry = supplemental_type(*supplemental);
            let instead = entry.alternatives.iter().any(|other| beside.contains(other));
            if !entry.cotypes.has(kind) && !instead {
                self.breach(
                    Rule::InvalidCotype,
                    id,
                    None,
                    format!("remove `{}` from {}", entry.term, kind.name()),
                );
                continue;
            }
            if !entry.versions.has(active.version) {
                let detail = format!("remove `{}` from an element of version {}", entry.term, active.version);
                self.breach(Rule::InvalidCotypeVersion, id, None, detail);
                continue;
            }
            for other in all.iter() {
                let shared = supplemental_type(*other)
                    .properties
                    .iter()
                    .find(|property| entry.properties.iter().any(|own| own.id == property.id));
                if let Some(property) = shared {
                    let detail = format!("keep `{}` or `{}`", supplemental_type(*other).term, entry.term);
                    self.breach(Rule::ConflictingSupplementalTypes, id, Some(property.term), detail);
                    break;
                }
            }
            all.push(*supplemental);
            for wanted in entry.required.iter().filter(|wanted| !beside.contains(wanted)) {
                let detail = format!("add `{}` beside `{}`", supplemental_type(*wanted).term, entry.term);
                self.breach(Rule::MissingCocotype, id, None, detail);
            }
        }
    }
}

/// The class of this name or DTMI.
fn kind_of(name: &str, version: metamodel::Version) -> Option<Kind> {
    let uri = name.strip_prefix("dtmi:dtdl:class:").and_then(|rest| rest.split(';').next());
    let at = CLASSES.binary_search_by(|class| class.name.cmp(uri.unwrap_or(name))).ok()?;
    let class = CLASSES.get(at)?;
    (uri.is_none() || class.version(version)?.uri == name).then(|| KINDS.get(at).copied()).flatten()
}

/// Classes that an extension's types can stand for.
fn extensible(version: metamodel::Version) -> &'static [Kind] {
    const OLD: &[Kind] = &[Kind::Unit, Kind::UnitAttribute];
    const NEW: &[Kind] = &[Kind::LatentType, Kind::NamedLatentType, Kind::Unit, Kind::UnitAttribute];
    if version == 2 { OLD } else { NEW }
}
