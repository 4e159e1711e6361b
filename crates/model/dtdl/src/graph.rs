//! The elements of a model and how they lead to each other, as they are while a model is read.

use std::{borrow::Cow, collections::hash_map::Entry};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    json::Span,
    metamodel::{self, Kind, Limit, STANDARDS, SupplementalId, TypeRef, Version, descends},
};

/// An index of an element.
pub(crate) type At = u32;

/// An interned DTMI.
pub(crate) type Symbol = u32;

/// An element.
#[derive(Clone, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) id: Symbol,
    pub(crate) kind: Kind,
    pub(crate) version: Version,
    pub(crate) limit: Limit,
    /// Where it stands, if some text defines it: the text and its bytes.
    pub(crate) place: Option<(usize, Span)>,
    /// The DTMI of the element that it is nested in.
    pub(crate) child_of: Option<Symbol>,
    /// The interface that it belongs to; `None` for what stands at the top and for what the language defines.
    pub(crate) defined_in: Option<Symbol>,
    pub(crate) types: Vec<SupplementalId>,
    pub(crate) name: Option<Cow<'a, str>>,
    /// What it says to people.
    pub(crate) words: Vec<Words<'a>>,
    /// The value of an enumeration's entry.
    pub(crate) literal: Option<Literal<'a>>,
    /// Literals of the class that other tools ask for.
    pub(crate) flags: Flags,
    pub(crate) links: Vec<Link>,
    pub(crate) supplements: Vec<Supplement<'a>>,
    /// Elements that this one is a value of, with the property.
    pub(crate) parents: Vec<(At, &'static str)>,
}

/// A text for people, in one language.
#[derive(Clone, Debug)]
pub(crate) struct Words<'a> {
    pub(crate) property: &'static str,
    pub(crate) language: Cow<'a, str>,
    pub(crate) text: Cow<'a, str>,
}

/// Literals of elements that the twin graph needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) writable: bool,
    pub(crate) nullable: bool,
    pub(crate) multiplicity_max: Option<i32>,
    pub(crate) target: Option<Symbol>,
}

/// A value of a property that is an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) property: &'static str,
    pub(crate) to: At,
    /// Lent by an interface that this one extends.
    pub(crate) imported: bool,
}

/// A literal of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal<'a> {
    Text(Cow<'a, str>),
    Integer(i32),
    Decimal(f64),
    Boolean(bool),
}

/// A property that a supplemental type brought, with its value.
#[derive(Clone, Debug)]
pub(crate) struct Supplement<'a> {
    pub(crate) property: &'static str,
    pub(crate) value: SupplementValue<'a>,
    /// The bytes of the value.
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SupplementValue<'a> {
    Literal(Literal<'a>),
    /// A DTMI or an IRI that need not lead anywhere.
    Identifier(Cow<'a, str>),
}

impl<'a> Element<'a> {
    /// The elements that a property leads to.
    pub(crate) fn values(&self, property: &str) -> impl Iterator<Item = At> {
        self.links.iter().filter(move |link| link.property == property).map(|link| link.to)
    }

    /// The element that a property with one value leads to.
    pub(crate) fn value(&self, property: &str) -> Option<At> {
        self.values(property).next()
    }

    /// Whether the element has a type, by its class, by one of its supplemental types or by what these descend from.
    pub(crate) fn has_type(&self, wanted: TypeRef) -> bool {
        match wanted {
            TypeRef::Class(kind) => self.kind.is_a(kind),
            TypeRef::Supplemental(id) => self.types.iter().any(|own| descends(*own, id)),
        }
    }

    pub(crate) fn supplement(&self, property: &str) -> Option<&SupplementValue<'a>> {
        self.supplements.iter().find(|known| known.property == property).map(|known| &known.value)
    }
}

/// All elements.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    pub(crate) elements: Vec<Element<'a>>,
    symbols: FxHashMap<Cow<'a, str>, Symbol>,
    names: Vec<Cow<'a, str>>,
    defined: Vec<Option<At>>,
}

impl<'a> Graph<'a> {
    pub(crate) fn intern(&mut self, id: Cow<'a, str>) -> Symbol {
        match self.symbols.entry(id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let symbol = Symbol::try_from(self.names.len()).unwrap_or(Symbol::MAX);
                self.names.push(new.key().clone());
                self.defined.push(None);
                *new.insert(symbol)
            }
        }
    }

    pub(crate) fn symbol(&self, id: &str) -> Option<Symbol> {
        self.symbols.get(id).copied()
    }

    pub(crate) fn id(&self, symbol: Symbol) -> &str {
        self.names.get(symbol as usize).map(|name| &**name).unwrap_or_default()
    }

    pub(crate) fn find(&self, symbol: Symbol) -> Option<At> {
        self.defined.get(symbol as usize).copied().flatten()
    }

    pub(crate) fn get(&self, at: At) -> &Element<'a> {
        &self.elements[at as usize]
    }

    pub(crate) fn get_mut(&mut self, at: At) -> &mut Element<'a> {
        &mut self.elements[at as usize]
    }

    /// The DTMI of an element.
    pub(crate) fn id_of(&self, at: At) -> &str {
        self.id(self.get(at).id)
    }

    pub(crate) fn add(&mut self, element: Element<'a>) -> At {
        let at = At::try_from(self.elements.len()).unwrap_or(At::MAX);
        if let Some(defined) = self.defined.get_mut(element.id as usize) {
            *defined = Some(at);
        }
        self.elements.push(element);
        at
    }

    /// The element of a DTMI: of the model, or one that the language defines, which then becomes a part of the model.
    pub(crate) fn resolve(&mut self, symbol: Symbol) -> Option<At> {
        if let Some(at) = self.find(symbol) {
            return Some(at);
        }
        let standard = metamodel::standard(self.id(symbol))?;
        let at = self.take_standard(standard);
        // an alias stands for the element itself
        if let Some(defined) = self.defined.get_mut(symbol as usize) {
            *defined = Some(at);
        }
        Some(at)
    }

    fn take_standard(&mut self, index: u16) -> At {
        let standard = &STANDARDS[usize::from(index)];
        let id = self.intern(Cow::Borrowed(standard.id));
        if let Some(at) = self.find(id) {
            return at;
        }
        let child_of = standard.parent.map(|parent| STANDARDS[usize::from(parent)].id);
        let child_of = child_of.map(|parent| self.intern(Cow::Borrowed(parent)));
        let at = self.add(Element {
            id,
            kind: standard.kind,
            version: standard.version,
            limit: Limit::Core,
            place: None,
            child_of,
            defined_in: None,
            types: standard.types.to_vec(),
            name: standard.name.map(Cow::Borrowed),
            words: Vec::new(),
            literal: standard.literal.map(|text| Literal::Text(Cow::Borrowed(text))),
            flags: Flags::default(),
            links: Vec::new(),
            supplements: Vec::new(),
            parents: Vec::new(),
        });
        for (property, to) in standard.links {
            let to = self.take_standard(*to);
            self.get_mut(at).links.push(Link { property, to, imported: false });
        }
        at
    }
}

impl Graph<'_> {
    /// Leaves one of the parents that an element has more than once by the same property.
    pub(crate) fn keep_parents_once(&mut self) {
        for element in self.elements.iter_mut().filter(|element| element.parents.len() > 1) {
            let mut seen = FxHashSet::default();
            element.parents.retain(|parent| seen.insert(*parent));
        }
    }

    /// The same graph, without what it borrows.
    pub(crate) fn map(self, own: impl Fn(Element<'_>) -> Element<'static>) -> Graph<'static> {
        let names: Vec<Cow<'static, str>> =
            self.names.into_iter().map(|name| Cow::Owned(name.into_owned())).collect();
        let symbols = names.iter().zip(0..).map(|(name, symbol)| (name.clone(), symbol)).collect();
        Graph {
            elements: self.elements.into_iter().map(own).collect(),
            symbols,
            names,
            defined: self.defined,
        }
    }
}
