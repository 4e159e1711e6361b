//! References: what they lead to, and whether they may.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    Error, Rule,
    graph::{At, Link, Symbol},
    literal::excerpt,
    metamodel::{self, TypeRef},
    parse::{Demand, Parser, Reference, Wanted},
    sink::Stop,
};

/// Why resolving ended early.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// Something is wrong, and stands in the sink.
    Invalid,
    /// These DTMIs are not defined.
    Missing(Error),
}

impl From<Stop> for Unresolved {
    fn from(_: Stop) -> Self {
        Self::Invalid
    }
}

impl Parser<'_, '_> {
    /// Finds what every reference leads to and links the elements.
    pub(crate) fn resolve(&mut self) -> Result<(), Unresolved> {
        let references = std::mem::take(&mut self.references);
        self.find_all(&references)?;
        self.link_all(&references);
        self.graph.keep_parents_once();
        self.sink.read(None);
        self.sink.stop_if_any()?;
        let demands = std::mem::take(&mut self.demands);
        for demand in &demands {
            self.check_demand(demand);
        }
        self.demands = demands;
        Ok(())
    }

    fn find_all(&mut self, references: &[Reference<'_>]) -> Result<(), Unresolved> {
        let (mut missing, mut seen) = (Vec::new(), FxHashSet::default());
        for reference in references {
            if self.graph.resolve(reference.to).is_some() {
                continue;
            }
            self.sink.read(Some(reference.place.0));
            self.sink.look(reference.place.1);
            let written = reference.written.as_deref().unwrap_or_default();
            let property = Some(term(reference.property));
            if !written.starts_with("dtmi:") {
                let wanted = reference.expected.map_or("another type", |(kind, _)| kind.name());
                let detail = format!("`{}` is a term, but of no element of type {wanted}", excerpt(written));
                self.breach(Rule::BadType, reference.from, property, detail);
            } else if metamodel::is_reserved(self.graph.id(reference.to)) {
                let detail = format!("`{}` does not exist", excerpt(written));
                self.breach(Rule::UndefinedReservedId, reference.from, property, detail);
            } else if seen.insert(reference.to) {
                missing.push(reference.to);
            }
        }
        self.sink.stop_if_any()?;
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.into_iter().map(|symbol| self.graph.id(symbol).to_owned()).collect();
        Err(Unresolved::Missing(Error::Unresolved(missing)))
    }

    fn link_all(&mut self, references: &[Reference<'_>]) {
        let mut keys: FxHashMap<(At, Symbol), At> = FxHashMap::default();
        for reference in references {
            let (Some(from), Some(to)) = (self.graph.find(reference.from), self.graph.find(reference.to))
            else {
                continue;
            };
            self.sink.read(Some(reference.place.0));
            self.sink.look(reference.place.1);
            self.check_partition(reference, from, to);
            if self.check_reference(reference, to) {
                self.link(reference, from, to, &mut keys);
            }
        }
    }

    /// Elements of another interface cannot be referenced, only interfaces as a whole.
    fn check_partition(&mut self, reference: &Reference<'_>, from: At, to: At) {
        let target = self.graph.get(to);
        if target.kind.class().partition {
            return;
        }
        let Some(partition) = target.defined_in else { return };
        let source = self.graph.get(from);
        let own = if source.kind.class().partition { None } else { source.defined_in };
        if own.unwrap_or(source.id) != partition {
            let detail = format!("`{}` belongs to `{}`", self.graph.id_of(to), self.graph.id(partition));
            self.breach(
                Rule::CrossPartitionReference,
                reference.from,
                Some(term(reference.property)),
                detail,
            );
        }
    }

    /// Class, version and parent of what is referenced; false where it cannot be linked.
    fn check_reference(&mut self, reference: &Reference<'_>, to: At) -> bool {
        let property = Some(term(reference.property));
        let target = self.graph.get(to);
        let (kind, version, child_of) = (target.kind, target.version, target.child_of);
        if let Some((wanted, of)) = reference.expected
            && !wanted.class().version(of).is_some_and(|class| class.concrete.has(kind))
        {
            let detail =
                format!("`{}` is of type {}, not {}", self.graph.id_of(to), kind.name(), wanted.name());
            self.breach(Rule::BadType, reference.from, property, detail);
            return false;
        }
        if let Some(versions) = reference.versions
            && !versions.has(version)
        {
            let detail = format!("`{}` is of version {version}", self.graph.id_of(to));
            self.breach(Rule::DisallowedVersionReference, reference.from, property, detail);
        }
        if let Some(wanted) = reference.child_of
            && child_of.map(|parent| self.graph.id(parent)) != Some(wanted)
        {
            let detail = format!("`{}` is none of `{wanted}`", self.graph.id_of(to));
            self.breach(Rule::WrongParent, reference.from, property, detail);
        }
        true
    }

    fn link(&mut self, reference: &Reference<'_>, from: At, to: At, keys: &mut FxHashMap<(At, Symbol), At>) {
        let property = reference.property;
        if property == KEYED
            && let Some(name) = self.graph.get(to).name.clone()
        {
            let name = self.graph.intern(name);
            if let Some(known) = keys.insert((from, name), to) {
                if known == to {
                    return;
                }
                let detail = format!("two values have the name `{}`", self.graph.id(name));
                self.breach(Rule::NonUniquePropertyValue, reference.from, Some(property), detail);
                return;
            }
        }
        self.graph.get_mut(from).links.push(Link { property, to, imported: false });
        let target = self.graph.get_mut(to);
        if target.place.is_none() {
            return; // half a model leads to the schema `double`
        }
        target.parents.push((from, property));
    }

    fn check_demand(&mut self, demand: &Demand) {
        let Some(to) = self.graph.resolve(demand.to) else { return };
        let target = self.graph.get(to);
        let property = Some(term(demand.property));
        match demand.wanted {
            Wanted::Type(wanted) => {
                if !target.has_type(wanted) {
                    let detail = format!("`{}` is no {}", self.graph.id_of(to), type_name(wanted));
                    self.breach(Rule::NotRequiredType, demand.from, property, detail);
                }
            }
            Wanted::Constraint(constraint) => {
                if !constraint.types.is_empty()
                    && !constraint.types.iter().any(|wanted| target.has_type(*wanted))
                {
                    let detail = format!("`{}` must be of type {}", self.graph.id_of(to), constraint.wanted);
                    self.breach(Rule::NotRequiredType, demand.from, property, detail);
                }
                if !constraint.values.is_empty() && !constraint.values.contains(&self.graph.id_of(to)) {
                    let detail = format!("`{}` must be {}", self.graph.id_of(to), constraint.wanted);
                    self.breach(Rule::NotRequiredValue, demand.from, property, detail);
                }
            }
        }
    }
}

/// The property whose values are kept apart by their names, and inherited.
pub(crate) const KEYED: &str = "contents";

/// The name of a property in models: supplemental ones are kept by their DTMI.
pub(crate) fn term(property: &'static str) -> &'static str {
    if !property.starts_with("dtmi:") {
        return property;
    }
    let types = metamodel::SUPPLEMENTALS.iter().flat_map(|of| of.properties);
    types.into_iter().find(|known| known.id == property).map_or(property, |known| known.term)
}

/// The name of a type in models.
pub(crate) fn type_name(of: TypeRef) -> &'static str {
    match of {
        TypeRef::Class(kind) => kind.name(),
        TypeRef::Supplemental(id) => metamodel::supplemental_type(id).term,
    }
}
