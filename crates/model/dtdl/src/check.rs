//! Rules over several elements, judged when all references lead somewhere.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    Rule, VIOLATIONS_MAX,
    descend::{Descent, Follow},
    graph::{At, Link, Literal, SupplementValue},
    instance,
    metamodel::{
        CONTROLS, Control, ControlRule, Form, Kind, Object, ParentConstraint, SiblingConstraint,
        SupplementalId, supplemental_type,
    },
    parse::{Demand, Parser, Wanted},
    resolve::{KEYED, term, type_name},
    supplement::property_of,
};

/// How many contents all interfaces of a model may inherit, so that many that extend the same ones do not fill the memory.
const LENT_MAX: usize = 2_000_000;

/// Descents that several elements ask for.
#[derive(Debug, Default)]
struct Descents {
    known: Vec<(Follow, Descent)>,
}

impl Descents {
    fn of(&mut self, parser: &Parser<'_, '_>, follow: Follow) -> &Descent {
        let same = |(known, _): &(Follow, Descent)| {
            known.narrow == follow.narrow && known.properties == follow.properties
        };
        let at = self.known.iter().position(same).unwrap_or_else(|| {
            self.known.push((follow, Descent::new(&parser.graph, follow)));
            self.known.len() - 1
        });
        &self.known[at].1
    }
}

/// References to siblings that must be the only ones: parent, property, sibling, what is referenced.
type Referenced = FxHashSet<(At, &'static str, String, String)>;

impl Parser<'_, '_> {
    /// Judges the whole model. Interfaces get the contents that they inherit.
    pub(crate) fn check(&mut self, texts: &[&str]) {
        self.import();
        let mut descents = Descents::default();
        let mut referenced = Referenced::default();
        for at in 0..self.graph.elements.len() {
            let at = At::try_from(at).unwrap_or_default();
            let Some((text, span)) = self.graph.get(at).place else { continue };
            self.sink.read(Some(text));
            self.sink.look(span);
            self.check_properties(at);
            self.check_descent(at, &mut descents);
            if !self.graph.get(at).types.is_empty() {
                self.check_types(at, &mut referenced);
                self.check_instances(at, texts);
            }
        }
        self.check_unique_supplements();
        self.sink.read(None);
        let demands = std::mem::take(&mut self.demands);
        demands.iter().for_each(|demand| self.check_overridden(demand));
    }

    fn report(&mut self, rule: Rule, at: At, property: Option<&str>, detail: impl Into<String>) {
        self.breach(rule, self.graph.get(at).id, property, detail);
    }

    /// Lends the contents of interfaces to those that extend them.
    fn import(&mut self) {
        let is_interface = |at: &At| self.graph.get(*at).kind == Kind::Interface;
        let all = 0..At::try_from(self.graph.elements.len()).unwrap_or(At::MAX);
        let interfaces: Vec<At> = all.filter(is_interface).collect();
        let extends = Follow { properties: &["extends"], narrow: true };
        if !interfaces.iter().any(|at| self.graph.get(*at).value("extends").is_some()) {
            return;
        }
        let descent = Descent::new(&self.graph, extends);
        let mut lent: Vec<(At, Vec<At>)> = Vec::new();
        let mut count = 0;
        for at in interfaces {
            if count > LENT_MAX {
                let detail = format!("the interfaces inherit more than {LENT_MAX} contents in all");
                self.report(Rule::ExcessiveCount, at, Some(KEYED), detail);
                return;
            }
            if self.check_import(at, &descent) && self.graph.get(at).value("extends").is_some() {
                let contents = self.lent_contents(at);
                count += contents.len();
                lent.push((at, contents));
            }
        }
        for (at, contents) in lent {
            for to in contents {
                self.graph.get_mut(at).links.push(Link { property: KEYED, to, imported: true });
                self.graph.get_mut(to).parents.push((at, KEYED));
            }
        }
    }

    /// Whether what an interface extends may be followed to its end.
    fn check_import(&mut self, at: At, descent: &Descent) -> bool {
        let Some((text, span)) = self.graph.get(at).place else { return true };
        self.sink.read(Some(text));
        self.sink.look(span);
        let (version, limit) = (self.graph.get(at).version, self.graph.get(at).limit);
        if let Some(circle) = descent.circle(at) {
            let detail = format!("`{}` extends itself", self.graph.id_of(circle));
            self.report(Rule::RecursiveStructureNarrow, at, Some("extends"), detail);
            return false;
        }
        let depth = CONTROLS.iter().find_map(|control| match &control.rule {
            ControlRule::Import(limits) if control.version == version => Some(limits.of(limit)),
            _ => None,
        });
        let longest = descent.longest(at);
        if depth.is_some_and(|depth| longest > depth) {
            let detail = format!("{longest} interfaces in a row, at most {}", depth.unwrap_or_default());
            self.report(Rule::ExcessiveDepthNarrow, at, Some("extends"), detail);
            return false;
        }
        true
    }

    /// The contents of all interfaces that one extends, its own names respected.
    fn lent_contents(&mut self, at: At) -> Vec<At> {
        let mut seen: FxHashSet<At> = FxHashSet::default();
        let mut above: Vec<At> = Vec::new();
        let mut left: Vec<At> = self.graph.get(at).values("extends").collect();
        while let Some(next) = left.pop() {
            if seen.insert(next) {
                above.push(next);
                left.extend(self.graph.get(next).values("extends"));
            }
        }
        let mut names: FxHashMap<&str, At> = FxHashMap::default();
        for to in self.graph.get(at).values(KEYED) {
            names.extend(self.graph.get(to).name.as_deref().map(|name| (name, to)));
        }
        let (mut lent, mut clashes) = (Vec::new(), Vec::new());
        for from in above {
            for to in self.graph.get(from).values(KEYED) {
                let Some(name) = self.graph.get(to).name.as_deref() else { continue };
                match names.entry(name) {
                    Entry::Vacant(new) => {
                        new.insert(to);
                        lent.push(to);
                    }
                    Entry::Occupied(known) if *known.get() == to => {}
                    Entry::Occupied(_) if clashes.len() >= VIOLATIONS_MAX => {}
                    Entry::Occupied(known) => {
                        let other = self.graph.id_of(from);
                        clashes.push(format!(
                            "`{}` stands here and in `{other}`, which it extends",
                            known.key()
                        ));
                    }
                }
            }
        }
        for detail in clashes {
            self.report(Rule::NonUniqueImportedPropertyValue, at, Some(KEYED), detail);
        }
        lent
    }

    /// How many values properties have, which ones, and that they differ.
    fn check_properties(&mut self, at: At) {
        let element = self.graph.get(at);
        let Some(class) = element.kind.class().version(element.version) else { return };
        for property in class.properties {
            let Form::Object(object) = &property.form else { continue };
            if object.max_count.is_none() && object.values.is_empty() && object.unique.is_empty() {
                continue;
            }
            let values: Vec<At> = self.graph.get(at).values(property.name).collect();
            self.check_values(at, property.name, object, &values);
        }
        if self.graph.get(at).kind == Kind::Enum {
            self.check_enum(at);
        }
    }

    fn check_values(&mut self, at: At, property: &'static str, object: &Object, values: &[At]) {
        if let Some(max) = object.max_count {
            let distinct: FxHashSet<&At> = values.iter().collect();
            if distinct.len() > max as usize {
                let detail = format!("{} values, at most {max}", distinct.len());
                self.report(Rule::ObjectCountAboveMax, at, Some(property), detail);
            }
        }
        if !object.values.is_empty() {
            for value in values {
                let id = self.graph.id_of(*value);
                if !object.values.contains(&id) {
                    let names: Vec<&str> = object.values.iter().map(|value| short(value)).collect();
                    let detail = format!("`{id}` must be {}", names.join(" or "));
                    self.report(Rule::IncorrectPropertyValue, at, Some(property), detail);
                }
            }
        }
        for unique in object.unique {
            let mut seen: FxHashSet<String> = FxHashSet::default();
            let mut twice = Vec::new();
            for value in values {
                let element = self.graph.get(*value);
                let key = match *unique {
                    "name" => element.name.as_deref().map(ToOwned::to_owned),
                    _ => element.literal.as_ref().map(|literal| format!("{literal:?}")),
                };
                twice.extend(key.filter(|key| !seen.insert(key.clone())));
            }
            for key in twice {
                let detail = format!("two values have the {unique} {key}");
                self.report(Rule::NonUniquePropertyValue, at, Some(property), detail);
            }
        }
    }

    /// The values of an enumeration have the type that it names.
    fn check_enum(&mut self, at: At) {
        let enumeration = self.graph.get(at);
        let Some(schema) = enumeration.value("valueSchema").map(|schema| self.graph.get(schema).kind) else {
            return;
        };
        let values: Vec<At> = enumeration.values("enumValues").collect();
        for value in values {
            let fits = match (&self.graph.get(value).literal, schema) {
                (None, _) => true,
                (Some(literal), Kind::Integer) => matches!(literal, Literal::Integer(_)),
                (Some(literal), Kind::String) => matches!(literal, Literal::Text(_)),
                (Some(literal), Kind::Boolean) => matches!(literal, Literal::Boolean(_)),
                _ => true,
            };
            if !fits {
                let detail = format!("make it a value of {}", schema.name());
                self.report(Rule::NonConformantDatatype, value, Some("enumValue"), detail);
            }
        }
    }

    /// How deep and wide everything below an element is.
    fn check_descent(&mut self, at: At, descents: &mut Descents) {
        let (kind, version) = (self.graph.get(at).kind, self.graph.get(at).version);
        for control in CONTROLS.iter().filter(|control| control.root == kind && control.version == version) {
            let follow = Follow { properties: control.properties, narrow: control.narrow };
            let limit = self.graph.get(at).limit;
            let names = || control.properties.join(" or ");
            match &control.rule {
                ControlRule::Depth(limits) => {
                    let descent = descents.of(self, follow);
                    self.check_depth(at, control, descent, limits.of(limit));
                }
                ControlRule::Count(limits) => {
                    let descent = descents.of(self, follow);
                    let (count, circle, max) = (descent.count(at), descent.circle(at), limits.of(limit));
                    if let Some(circle) =
                        circle.filter(|_| !control.allow_self && !control.properties.contains(&"extends"))
                    {
                        let detail =
                            format!("`{}` leads back to itself by {}", self.graph.id_of(circle), names());
                        self.report(Rule::RecursiveStructureNarrow, at, None, detail);
                    } else if count > u64::from(max) {
                        let detail = format!("{count} values of {}, at most {max}", names());
                        self.report(Rule::ExcessiveCount, at, None, detail);
                    }
                }
                ControlRule::Exclude(excluded) => {
                    if descents.of(self, follow).holds(at, *excluded) {
                        let detail = format!("a {} descends from it by {}", excluded.name(), names());
                        self.report(Rule::ExcludedType, at, None, detail);
                    }
                }
                ControlRule::Import(_) => {} // looked at when contents are lent
            }
        }
    }

    fn check_depth(&mut self, at: At, control: &Control, descent: &Descent, max: u32) {
        let names = || control.properties.join(" or ");
        let circle = descent.circle(at).filter(|_| !control.allow_self);
        if let Some(circle) = circle {
            let detail = format!("`{}` leads back to itself by {}", self.graph.id_of(circle), names());
            let rule =
                if control.narrow { Rule::RecursiveStructureNarrow } else { Rule::RecursiveStructureWide };
            self.report(rule, at, None, detail);
        } else if descent.exceeds(&self.graph, at, max) {
            let detail = format!("more than {max} of {} on one path", names());
            let rule = if control.narrow { Rule::ExcessiveDepthNarrow } else { Rule::ExcessiveDepthWide };
            self.report(rule, at, None, detail);
        }
    }

    /// What supplemental types ask of each other, of the parent and of siblings.
    fn check_types(&mut self, at: At, referenced: &mut Referenced) {
        let types = self.graph.get(at).types.clone();
        for id in &types {
            let entry = supplemental_type(*id);
            for other in entry.disallowed.iter().filter(|other| types.contains(other)) {
                let detail = format!("keep `{}` or `{}`", entry.term, supplemental_type(*other).term);
                self.report(Rule::DisallowedCocotype, at, None, detail);
            }
            let parents = self.graph.get(at).parents.clone();
            for constraint in entry.parents {
                for (parent, property) in
                    parents.iter().filter(|(_, property)| *property == constraint.property)
                {
                    self.check_parent(at, *id, constraint, *parent, property);
                }
            }
            for constraint in entry.siblings {
                for (parent, property) in &parents {
                    self.check_sibling(at, constraint, *parent, property, referenced);
                }
            }
        }
    }

    fn check_parent(
        &mut self,
        at: At,
        own: SupplementalId,
        constraint: &ParentConstraint,
        parent: At,
        property: &'static str,
    ) {
        let above = self.graph.get(parent);
        let fits =
            constraint.types.is_empty() || constraint.types.iter().any(|wanted| above.has_type(*wanted));
        let own = supplemental_type(own).term;
        let other_has = |id: &SupplementalId| {
            let mut others = self.graph.get(parent).values(property).filter(|other| *other != at);
            others.any(|other| self.graph.get(other).types.contains(id))
        };
        let duplicate = constraint.none_other.as_ref().is_some_and(other_has);
        let missing = constraint.some_other.filter(|id| !other_has(id));
        if !fits {
            let detail = format!("`{own}` may stand in {property} of {} only", constraint.wanted);
            return self.report(Rule::ParentMissingCotype, at, None, detail);
        }
        if duplicate {
            let detail = format!("only one of the {property} may have type `{own}`");
            self.report(Rule::SiblingDuplicatesCotype, at, None, detail);
        }
        if let Some(id) = missing {
            let detail = format!("one of the {property} needs type `{}`", supplemental_type(id).term);
            self.report(Rule::SiblingMissingCotype, at, None, detail);
        }
    }

    fn check_sibling(
        &mut self,
        at: At,
        constraint: &SiblingConstraint,
        parent: At,
        property: &'static str,
        referenced: &mut Referenced,
    ) {
        let Some(name) = self.sibling_name(at, constraint.keyref) else { return };
        let Some(sibling) = self.sibling(parent, property, &name) else { return };
        let keyref = Some(term(constraint.keyref));
        let path = |id: &'static str| match self.graph.get(at).supplement(id) {
            Some(SupplementValue::Identifier(path)) => Some(path.to_string()),
            _ => None,
        };
        let (unique, supplemental) =
            (constraint.unique.and_then(path), constraint.supplemental.and_then(path));
        if let Some(path) = unique
            && !referenced.insert((parent, property, name.clone(), path.clone()))
        {
            let detail = format!("`{}` of `{name}` is overridden twice", short(&path));
            self.report(Rule::MultipleReference, parent, Some(property), detail);
        }
        let target = self.graph.get(sibling);
        if !constraint.types.is_empty() && !constraint.types.iter().any(|wanted| target.has_type(*wanted)) {
            let detail = format!("`{name}` must be of type {}", constraint.wanted);
            self.report(Rule::NotSiblingRequiredType, at, keyref, detail);
        }
        if let Some(disallowed) = constraint.disallowed
            && self.graph.get(sibling).has_type(disallowed)
        {
            let detail = format!("`{name}` must not be of type {}", type_name(disallowed));
            self.report(Rule::DisallowedType, at, keyref, detail);
        }
        if let Some(path) = supplemental {
            self.check_override(at, sibling, &path, keyref);
        }
    }

    /// Only what a supplemental type brings can be overridden.
    fn check_override(&mut self, at: At, sibling: At, path: &str, keyref: Option<&str>) {
        let target = self.graph.get(sibling);
        if target.types.iter().any(|of| property_of(*of, path).is_some()) {
            return;
        }
        let own = |version| target.kind.class().version(version);
        let known = (2..=4).filter_map(own).any(|class| class.property(path).is_some());
        let rule =
            if known { Rule::MatchingPropertyNotSupplemental } else { Rule::NoMatchingSupplementalProperty };
        let detail = format!(
            "`{}` has no property `{}` that can be overridden",
            self.graph.id_of(sibling),
            short(path)
        );
        self.report(rule, at, keyref, detail);
    }

    fn sibling_name(&self, at: At, keyref: &str) -> Option<String> {
        match self.graph.get(at).supplement(keyref) {
            Some(SupplementValue::Literal(Literal::Text(name))) => Some(name.to_string()),
            _ => None,
        }
    }

    /// The value of a property that has this name. Only contents can be found by their names.
    fn sibling(&self, parent: At, property: &str, name: &str) -> Option<At> {
        let mut values = self.graph.get(parent).values(property).filter(|_| property == KEYED);
        values.find(|value| self.graph.get(*value).name.as_deref() == Some(name))
    }

    /// The schema of an override is the enumeration whose values the overridden property takes.
    fn check_overridden(&mut self, demand: &Demand) {
        let Wanted::Constraint(constraint) = demand.wanted else { return };
        let Some(sibling) = &constraint.sibling else { return };
        let Some(at) = self.graph.find(demand.from) else { return };
        let Some(name) = self.sibling_name(at, sibling.keyref) else { return };
        let Some(SupplementValue::Identifier(path)) = self.graph.get(at).supplement(sibling.parent_of) else {
            return;
        };
        let path = path.to_string();
        let schema = self.graph.id(demand.to).to_owned();
        let mut wrong = Vec::new();
        for (parent, property) in &self.graph.get(at).parents {
            let Some(target) = self.sibling(*parent, property, &name) else { continue };
            let types = self.graph.get(target).types.iter().map(|id| supplemental_type(*id));
            let own = types.flat_map(|of| of.properties).filter(|known| known.id == path);
            wrong.extend(own.filter_map(|known| known.child_of).filter(|wanted| *wanted != schema));
        }
        for wanted in wrong {
            let detail = format!("`{}` must be `{}`", short(&schema), short(wanted));
            self.report(Rule::SiblingPropertyMismatch, at, Some(constraint.property), detail);
        }
    }

    /// Values of supplemental properties that must fit the element's schema.
    fn check_instances(&mut self, at: At, texts: &[&str]) {
        let element = self.graph.get(at);
        let Some((text, _)) = element.place else { return };
        let mut wrong = Vec::new();
        for supplement in &element.supplements {
            let property = element.types.iter().find_map(|of| property_of(*of, supplement.property));
            let Some(schema) = property.and_then(|property| property.instance) else { continue };
            let Some(schema) = element.value(schema) else { continue };
            let span = supplement.span.start..supplement.span.end;
            let raw = texts.get(text).and_then(|text| text.get(span)).unwrap_or_default();
            let violations = match serde_json::from_str(raw) {
                Ok(value) => instance::check(&self.graph, schema, &value),
                Err(error) => vec![error.to_string()],
            };
            wrong.extend(violations.into_iter().next().map(|first| (supplement.property, first)));
        }
        for (property, detail) in wrong {
            self.report(Rule::NonConformantPropertyValue, at, Some(term(property)), detail);
        }
    }

    /// Values that must differ from those of siblings.
    fn check_unique_supplements(&mut self) {
        let mut seen: FxHashSet<(At, &'static str, &'static str, String)> = FxHashSet::default();
        let mut twice: Vec<(At, &'static str, &'static str, String)> = Vec::new();
        for element in &self.graph.elements {
            for supplement in &element.supplements {
                let property = element.types.iter().find_map(|of| property_of(*of, supplement.property));
                let Some(property) = property.filter(|property| property.unique) else { continue };
                for (parent, by) in &element.parents {
                    let key = (*parent, *by, property.term, format!("{:?}", supplement.value));
                    if !seen.insert(key.clone()) {
                        twice.push(key);
                    }
                }
            }
        }
        for (parent, by, property, _) in twice {
            let detail = format!("two values have the same `{property}`");
            self.report(Rule::NonUniquePropertyValue, parent, Some(by), detail);
        }
    }
}

/// The last part of a DTMI, for messages.
fn short(id: &str) -> &str {
    let path = id.split(';').next().unwrap_or(id);
    path.rsplit(':').next().unwrap_or(path)
}
