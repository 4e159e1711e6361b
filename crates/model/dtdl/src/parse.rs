//! Elements, read by the tables of the metamodel.
//!
//! One pass over the nodes makes the elements and notes what they refer to. What a reference leads to is looked at
//! only when all texts are read (`resolve.rs`), and rules over several elements after that (`check.rs`).

use std::borrow::Cow;

use crate::{
    Options, Rule,
    context::{Active, Contexts},
    graph::{Element, Flags, Graph, Literal, Symbol, Words},
    identity::{check_identifier, identifier, is_versioned},
    json::Span,
    literal::{self, Site, excerpt},
    metamodel::{
        self, ClassVersion, Constraint, Form as Shape, Kind, Object, Property, Versions, supplemental_type,
    },
    node::{Form, Member, Node, Value},
    sink::{Sink, Stop},
    types::Types,
};

/// Reads texts into a graph.
#[derive(Debug)]
pub(crate) struct Parser<'a, 't> {
    pub(crate) graph: Graph<'a>,
    pub(crate) sink: Sink<'t>,
    options: &'t Options,
    text: usize,
    pub(crate) references: Vec<Reference<'a>>,
    pub(crate) demands: Vec<Demand>,
    /// How long the identifiers made for nested elements are, in bytes, and may become: a long one around many
    /// elements would make much of a short text.
    pub(crate) derived: usize,
    pub(crate) derived_max: usize,
}

/// A value that is an element: nested, or elsewhere.
#[derive(Debug)]
pub(crate) struct Reference<'a> {
    pub(crate) from: Symbol,
    pub(crate) property: &'static str,
    pub(crate) to: Symbol,
    /// The string that stood there; `None` for a nested element.
    pub(crate) written: Option<Cow<'a, str>>,
    /// The class that the place asks for, in the version of the referring element.
    pub(crate) expected: Option<(Kind, metamodel::Version)>,
    pub(crate) versions: Option<Versions>,
    pub(crate) child_of: Option<&'static str>,
    pub(crate) place: (usize, Span),
}

/// What a value must be beyond its class.
#[derive(Debug)]
pub(crate) struct Demand {
    pub(crate) from: Symbol,
    pub(crate) property: &'static str,
    pub(crate) to: Symbol,
    pub(crate) wanted: Wanted,
}

#[derive(Debug)]
pub(crate) enum Wanted {
    /// By a supplemental type of the element.
    Constraint(&'static Constraint),
    /// By the type of a supplemental property.
    Type(metamodel::TypeRef),
}

/// Where an element stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    /// What must stand there.
    pub(crate) class: Kind,
    /// The type of an element without `@type`.
    pub(crate) inferred: &'p str,
    pub(crate) parent: Option<Symbol>,
    pub(crate) property: &'static str,
    versions: Option<Versions>,
    pub(crate) id_required: bool,
    type_required: bool,
    pub(crate) segment: Option<&'static str>,
    defined_in: Option<Symbol>,
}

impl Place<'_> {
    const TOP: Self = Self {
        class: Kind::Entity,
        inferred: "",
        parent: None,
        property: "",
        versions: None,
        id_required: true,
        type_required: true,
        segment: None,
        defined_in: None,
    };

    pub(crate) fn property_name(&self) -> Option<&'static str> {
        (!self.property.is_empty()).then_some(self.property)
    }
}

/// The element whose members are being read.
#[derive(Debug)]
pub(crate) struct Owner<'o> {
    pub(crate) active: &'o Active,
    pub(crate) element: Symbol,
    pub(crate) types: &'o Types,
    pub(crate) inner: Option<Symbol>,
}

impl<'a, 't> Parser<'a, 't> {
    pub(crate) fn new(options: &'t Options, sink: Sink<'t>) -> Self {
        const DERIVED_FLOOR: usize = 16 << 20;
        let derived_max = sink.length().saturating_mul(64).saturating_add(DERIVED_FLOOR);
        Self {
            graph: Graph::default(),
            sink,
            options,
            text: 0,
            references: Vec::new(),
            demands: Vec::new(),
            derived: 0,
            derived_max,
        }
    }

    /// Records a breach by an element of the graph.
    pub(crate) fn breach(
        &mut self,
        rule: Rule,
        element: Symbol,
        property: Option<&str>,
        detail: impl Into<String>,
    ) {
        self.sink.add(rule, Some(self.graph.id(element)), property, detail);
    }

    /// Reads the elements at the top of one text.
    pub(crate) fn text(&mut self, index: usize, values: &[Value<'a>]) -> Result<(), Stop> {
        self.text = index;
        self.sink.read(Some(index));
        for value in values {
            self.sink.look(value.span);
            let Form::Node(node) = &value.form else {
                return self
                    .sink
                    .quit(Rule::NotJsonObject, "put an object, or objects in an array, at the top");
            };
            self.top(node)?;
        }
        self.sink.stop_if_any()
    }

    fn top(&mut self, node: &Node<'a>) -> Result<(), Stop> {
        let active = match node.context.as_deref() {
            None => return self.sink.quit(Rule::MissingContext, "add \"@context\": \"dtmi:dtdl:context;4\""),
            Some([]) => {
                return self.sink.quit(Rule::EmptyContext, "put \"dtmi:dtdl:context;4\" into @context");
            }
            Some(items) => Contexts::new(self.options).derive(None, items, &mut self.sink)?,
        };
        if node.graph {
            return self.sink.quit(Rule::TopLevelGraphDisallowed, "put the elements into an array instead");
        }
        let Some(id) = node.id.as_deref() else {
            return self.sink.quit(Rule::MissingTopLevelId, "add @id with a DTMI");
        };
        let root = Kind::Interface.class();
        let uri = root.version(active.version).map(|version| version.uri);
        let is_root = |name: &Option<Cow<'_, str>>| {
            name.as_deref().is_some_and(|name| name == root.name || Some(name) == uri)
        };
        if !node.types.as_ref().is_some_and(|types| types.iter().any(is_root)) {
            let detail = format!("`{}` needs @type Interface", excerpt(id));
            return self.sink.quit(Rule::TypeNotRootable, detail);
        }
        if active.restricts_keywords() {
            let keyword = unused_keywords(node).next();
            if let Some(keyword) = keyword {
                return self.sink.quit(Rule::TopLevelKeywordDisallowed, format!("remove {keyword}"));
            }
        }
        self.element(&active, node, Place::TOP)?;
        Ok(())
    }

    /// Reads one element; false where it is none that can stand there.
    fn element(&mut self, outer: &Active, node: &Node<'a>, place: Place<'_>) -> Result<bool, Stop> {
        let before = self.sink.look(node.span);
        let read = self.element_here(outer, node, place)?;
        self.sink.look_back(before);
        Ok(read)
    }

    fn element_here(&mut self, outer: &Active, node: &Node<'a>, place: Place<'_>) -> Result<bool, Stop> {
        let derived;
        let active = match node.context.as_deref() {
            None | Some([]) => outer,
            Some(_) if place.parent.is_none() => outer,
            Some(items) => {
                derived = Contexts::new(self.options).derive(Some(outer), items, &mut self.sink)?;
                &derived
            }
        };
        if node.count == 1 && node.id.is_some() {
            self.at_parent(&place, Rule::IdReference, "write the DTMI as a string");
            return Ok(false);
        }
        if node.graph {
            self.at_parent(&place, Rule::GraphDisallowed, "remove @graph");
        }
        if active.restricts_keywords() {
            for keyword in unused_keywords(node) {
                self.at_parent(&place, Rule::KeywordDisallowed, format!("remove {keyword}"));
            }
        }
        if let Some(versions) = place.versions
            && !versions.has(active.version)
        {
            let detail = format!("an element of version {} cannot stand here", active.version);
            self.at_parent(&place, Rule::DisallowedVersionDefinition, detail);
        }
        let id = self.id(active, node, &place)?;
        if self.graph.find(id).is_some() {
            self.duplicate(id, node, &place);
            return Ok(false);
        }
        if place.type_required && node.types.is_none() {
            self.bad_type(&place, id, "@type is missing");
            return Ok(false);
        }
        let Some(types) = self.types(active, node, &place, id) else { return Ok(false) };
        let element = self.members(active, node, &place, id, types)?;
        if self.graph.find(id).is_some() {
            self.breach(Rule::DuplicateDefinition, id, None, "give the element inside another identifier");
            return Ok(false);
        }
        self.graph.add(element);
        Ok(true)
    }

    pub(crate) fn at_parent(&mut self, place: &Place<'_>, rule: Rule, detail: impl Into<String>) {
        let parent = place.parent.map(|parent| self.graph.id(parent));
        self.sink.add(rule, parent, place.property_name(), detail);
    }

    fn duplicate(&mut self, id: Symbol, node: &Node<'a>, place: &Place<'_>) {
        if node.id.is_some() {
            self.breach(Rule::DuplicateDefinition, id, None, "define it once, and reference it elsewhere");
            return;
        }
        let Some(segment) = place.segment else { return };
        let detail = format!("two values have the same {segment}");
        self.at_parent(place, Rule::NonUniquePropertyValue, detail);
    }

    /// Reads the members of an element whose class is known.
    fn members(
        &mut self,
        active: &Active,
        node: &Node<'a>,
        place: &Place<'_>,
        id: Symbol,
        types: Types,
    ) -> Result<Element<'a>, Stop> {
        let kind = types.kind;
        let partition = kind.class().partition;
        let inner = if partition { Some(id) } else { place.defined_in.or(Some(id)) };
        let mut element = Element {
            id,
            kind,
            version: active.version,
            limit: active.limit,
            place: Some((self.text, node.span)),
            child_of: place.parent,
            defined_in: place.defined_in,
            types: Vec::new(),
            name: None,
            words: Vec::new(),
            literal: None,
            flags: Flags::default(),
            links: Vec::new(),
            supplements: Vec::new(),
            parents: Vec::new(),
        };
        let Some(class) = kind.class().version(active.version) else { return Ok(element) };
        let owner = Owner { active, element: id, types: &types, inner };
        let mut seen = 0_u64;
        let mut brought: Vec<&'static str> = Vec::new();
        for member in &node.members {
            let before = self.sink.look(member.span);
            if let Some(property) = class.property(&member.name) {
                self.known(&owner, class, property, member, &mut seen, &mut element)?;
            } else if !self.supplemental(&owner, member, &mut brought, &mut element)? {
                self.unknown(&owner, node, member);
            }
            self.sink.look_back(before);
        }
        for (at, property) in class.properties.iter().enumerate() {
            if property.required && seen & (1 << at) == 0 {
                let rule = match property.form {
                    Shape::Object(_) => Rule::MissingObjectProperty,
                    Shape::Identifier { .. } => Rule::MissingIdentifierProperty,
                    _ => Rule::MissingLiteralProperty,
                };
                self.breach(rule, id, Some(property.name), format!("add `{}`", property.name));
            }
        }
        self.require_supplements(&owner, &brought)?;
        if partition {
            self.check_size(active, node, id);
        }
        element.types = types.all;
        Ok(element)
    }

    /// A property of the element's class.
    fn known(
        &mut self,
        owner: &Owner<'_>,
        class: &ClassVersion,
        property: &'static Property,
        member: &Member<'a>,
        seen: &mut u64,
        element: &mut Element<'a>,
    ) -> Result<(), Stop> {
        let at = class.properties.iter().position(|known| known.name == property.name).unwrap_or_default();
        let bit = 1 << at;
        if *seen & bit != 0 {
            let detail = format!("keep one `{}`", property.name);
            self.breach(Rule::DuplicatePropertyName, owner.element, Some(property.name), detail);
            return Ok(());
        }
        *seen |= bit;
        if let Shape::Object(object) = &property.form {
            return self.objects(owner, property.name, object, member);
        }
        let limit = owner.active.limit;
        let restricts_keywords = owner.active.restricts_keywords();
        let site =
            Site { element: self.graph.id(owner.element), property: property.name, restricts_keywords };
        let sink = &mut self.sink;
        let optional = !property.required;
        match &property.form {
            Shape::LangString { language, length } => {
                literal::languages(site, member, language, length.of(limit), sink);
                let words = literal::by_language(member, language).into_iter();
                let said = |(language, text)| Words { property: property.name, language, text };
                element.words.extend(words.map(said));
            }
            Shape::Text { length, pattern } => {
                if let Some(Literal::Text(text)) = literal::one(&literal::TEXT, site, member, optional, sink)
                {
                    literal::check_text(site, &text, length.of(limit), *pattern, sink);
                    if property.name == "name" {
                        element.name = Some(text);
                    }
                }
            }
            Shape::Integer { min, max } => {
                if let Some(Literal::Integer(value)) =
                    literal::one(&literal::INTEGER, site, member, optional, sink)
                {
                    let bound = |bound: Option<i32>| bound.map(f64::from);
                    literal::check_range(site, f64::from(value), bound(*min), bound(*max), sink);
                    if property.name == "maxMultiplicity" {
                        element.flags.multiplicity_max = Some(value);
                    }
                }
            }
            Shape::Boolean => {
                if let Some(Literal::Boolean(value)) =
                    literal::one(&literal::BOOLEAN, site, member, optional, sink)
                {
                    match property.name {
                        "writable" => element.flags.writable = value,
                        "nullable" => element.flags.nullable = value,
                        _ => {}
                    }
                }
            }
            Shape::Literal => element.literal = literal::any(site, member, sink),
            Shape::Identifier { length, pattern } => {
                let target = identifier(owner.active, site, member, optional, true, sink);
                if let Some(target) = target {
                    check_identifier(site, &target, length.of(limit), *pattern, sink);
                    element.flags.target = Some(self.graph.intern(target));
                }
            }
            Shape::Object(_) => {}
        }
        Ok(())
    }

    /// Values that are elements.
    fn objects(
        &mut self,
        owner: &Owner<'_>,
        property: &'static str,
        object: &Object,
        member: &Member<'a>,
    ) -> Result<(), Stop> {
        let place = Place {
            class: object.class,
            inferred: object.class.name(),
            parent: Some(owner.element),
            property,
            versions: Some(object.versions),
            id_required: object.id_required,
            type_required: object.type_required,
            segment: object.segment,
            defined_in: owner.inner,
        };
        let mut count = 0;
        for value in &member.values {
            if !object.plural && count > 0 {
                self.breach(Rule::ObjectMultipleValues, owner.element, Some(property), "keep one value");
                return Ok(());
            }
            match &value.form {
                Form::Text(text) => {
                    let Some(to) = self.reference_to(owner, property, text) else { continue };
                    self.references.push(Reference {
                        from: owner.element,
                        property,
                        to,
                        written: Some(text.clone()),
                        expected: Some((object.class, owner.active.version)),
                        versions: place.versions,
                        child_of: None,
                        place: (self.text, value.span),
                    });
                    self.demand(owner, property, to);
                    count += 1;
                }
                Form::Node(node) => {
                    let from = self.graph.elements.len();
                    if self.element(owner.active, node, place)? {
                        self.nested(owner, property, value.span, from);
                        count += 1;
                    }
                }
                _ => self.not_object(owner, property),
            }
        }
        if count < object.min_count {
            let detail = format!("{count} values, at least {}", object.min_count);
            self.breach(Rule::ObjectCountBelowMin, owner.element, Some(property), detail);
        }
        Ok(())
    }

    #[expect(clippy::ptr_arg, reason = "what is borrowed from a text stays so")]
    pub(crate) fn reference_to(
        &mut self,
        owner: &Owner<'_>,
        property: &str,
        text: &Cow<'a, str>,
    ) -> Option<Symbol> {
        let Some(id) = owner.active.name_of(text) else {
            let detail = format!("`{}` is neither a DTMI nor a term", excerpt(text));
            self.breach(Rule::BadDtmiOrTerm, owner.element, Some(property), detail);
            return None;
        };
        Some(self.graph.intern(id))
    }

    fn not_object(&mut self, owner: &Owner<'_>, property: &str) {
        self.breach(
            Rule::RefNotStringOrObject,
            owner.element,
            Some(property),
            "give an object, a DTMI or a term",
        );
    }

    /// Notes that the element read last is a value of a property.
    fn nested(&mut self, owner: &Owner<'_>, property: &'static str, span: Span, from: usize) {
        // the nested element was added after all that is inside it
        let Some(to) = self.graph.elements.get(from..).and_then(|new| new.last()).map(|element| element.id)
        else {
            return;
        };
        self.references.push(Reference {
            from: owner.element,
            property,
            to,
            written: None,
            expected: None,
            versions: None,
            child_of: None,
            place: (self.text, span),
        });
        self.demand(owner, property, to);
    }

    /// What supplemental types ask of a value of a property.
    fn demand(&mut self, owner: &Owner<'_>, property: &'static str, to: Symbol) {
        for id in &owner.types.all {
            let mut at = Some(*id);
            while let Some(id) = at {
                let entry = supplemental_type(id);
                for constraint in
                    entry.constraints.iter().filter(|constraint| constraint.property == property)
                {
                    let wanted = Wanted::Constraint(constraint);
                    self.demands.push(Demand { from: owner.element, property, to, wanted });
                }
                at = entry.parent;
            }
        }
    }

    /// A property that neither the class nor a supplemental type knows.
    fn unknown(&mut self, owner: &Owner<'_>, node: &Node<'a>, member: &Member<'a>) {
        let (active, name) = (owner.active, &*member.name);
        let complete = !active.incomplete;
        let rule = if active.version == 2 {
            None
        } else if active.dtmi(name).is_some() {
            complete.then_some(Rule::PropertyIrrelevantDtmiOrTerm)
        } else if name.starts_with("dtmi:") {
            Some(Rule::PropertyInvalidDtmi)
        } else if name.contains(':') {
            Some(Rule::PropertyNotDtmiNorTerm)
        } else {
            complete.then_some(Rule::PropertyUndefinedTerm)
        };
        let rule = rule.or_else(|| {
            if owner.types.undefined {
                None
            } else if node.types.is_some() {
                Some(Rule::NoTypeThatAllows)
            } else {
                Some(Rule::InferredTypeDoesNotAllow)
            }
        });
        if let Some(rule) = rule {
            self.breach(rule, owner.element, Some(name), format!("correct or remove `{}`", excerpt(name)));
        }
    }

    /// The text of an interface, without the interfaces inside it, is bounded.
    fn check_size(&mut self, active: &Active, node: &Node<'a>, id: Symbol) {
        const BYTES_MAX: usize = 1 << 20;
        let length = node.span.end.saturating_sub(node.span.start);
        if active.version == 2 || length <= BYTES_MAX {
            return;
        }
        let own = length.saturating_sub(inner_interfaces(node));
        if own > BYTES_MAX {
            self.breach(Rule::PartitionTooLarge, id, None, format!("{own} bytes, at most {BYTES_MAX}"));
        }
    }

    /// A nested element that is the value of a supplemental property; false where it is none.
    pub(crate) fn supplemental_element(
        &mut self,
        owner: &Owner<'_>,
        property: &'static str,
        (class, inferred): (Kind, &'static str),
        value: &Value<'a>,
    ) -> Result<Option<Symbol>, Stop> {
        let Form::Node(node) = &value.form else { return Ok(None) };
        let place = Place {
            class,
            inferred,
            parent: Some(owner.element),
            property,
            versions: None,
            id_required: false,
            type_required: true,
            segment: None,
            defined_in: owner.inner,
        };
        let read = self.element(owner.active, node, place)?;
        Ok(if read { self.graph.elements.last().map(|element| element.id) } else { None })
    }

    pub(crate) fn text_index(&self) -> usize {
        self.text
    }
}

/// Keywords that mean nothing in an element.
fn unused_keywords<'n>(node: &'n Node<'_>) -> impl Iterator<Item = &'n str> {
    let language = node.language.is_some().then_some("@language");
    let value = node.value.is_some().then_some("@value");
    language.into_iter().chain(value).chain(node.keywords.iter().map(|keyword| &**keyword))
}

fn inner_interfaces(node: &Node<'_>) -> usize {
    let is_interface = |name: &Option<Cow<'_, str>>| {
        name.as_deref().is_some_and(|name| name == "Interface" || is_versioned(name, "Interface"))
    };
    let values = node.members.iter().flat_map(|member| &member.values);
    values
        .map(|value| match &value.form {
            Form::Node(inner) if inner.types.as_ref().is_some_and(|types| types.iter().any(is_interface)) => {
                value.span.end.saturating_sub(value.span.start)
            }
            Form::Node(inner) => inner_interfaces(inner),
            _ => 0,
        })
        .sum()
}
