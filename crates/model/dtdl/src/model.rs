//! A model that keeps all rules, to ask for what it says.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{
    Kind,
    graph::{At, Graph, Literal, Supplement, SupplementValue, Words},
    instance,
    metamodel::supplemental_type,
    resolve::KEYED,
};

/// A valid model: its elements, and those of the language that it uses.
#[derive(Debug)]
pub struct Model {
    graph: Graph<'static>,
}

impl Model {
    pub(crate) fn new(graph: Graph<'_>) -> Self {
        Self { graph: owned(graph) }
    }

    /// The element of this DTMI. Nested elements without `@id` have one that DTDL derives from that of the element
    /// around them: `dtmi:example:Charger:_contents:__power_w;1`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Element<'_>> {
        let at = self.graph.symbol(id).and_then(|symbol| self.graph.find(symbol))?;
        Some(Element { graph: &self.graph, at })
    }

    /// All elements that the texts define; those inside an element stand before it.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        let all = 0..At::try_from(self.graph.elements.len()).unwrap_or(At::MAX);
        let of_texts = all.filter(|at| self.graph.get(*at).place.is_some());
        of_texts.map(|at| Element { graph: &self.graph, at })
    }

    /// All interfaces that the texts define.
    pub fn interfaces(&self) -> impl Iterator<Item = Element<'_>> {
        self.elements().filter(|element| element.kind() == Kind::Interface)
    }

    /// Whether a JSON value is one that a schema describes.
    ///
    /// # Errors
    ///
    /// What is wrong, in one line each, with the path of the value; also if the model has no schema of this DTMI.
    pub fn check_value(&self, schema: &str, value: &Value) -> Result<(), Vec<String>> {
        let element = self.get(schema).filter(|element| element.kind().is_a(Kind::Schema));
        let Some(element) = element else {
            return Err(vec![format!("`{schema}` is no schema of the model")]);
        };
        some(instance::check(&self.graph, element.at, value))
    }

    /// Whether the properties of a twin are those of an interface: names that it has, values that fit their schemas,
    /// components by their own interfaces. Names that begin with `$` belong to the twin itself and are passed over;
    /// DTDL requires no property to be there.
    ///
    /// # Errors
    ///
    /// What is wrong, in one line each, with the path of the value; also if the model has no interface of this DTMI.
    pub fn check_twin(&self, interface: &str, twin: &Value) -> Result<(), Vec<String>> {
        let element = self.get(interface).filter(|element| element.kind() == Kind::Interface);
        let Some(element) = element else {
            return Err(vec![format!("`{interface}` is no interface of the model")]);
        };
        let Value::Object(members) = twin else { return Err(vec!["a twin is an object".to_owned()]) };
        let mut found = Vec::new();
        check_members(element, members, "", &mut found);
        some(found)
    }
}

fn some(found: Vec<String>) -> Result<(), Vec<String>> {
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn check_members(interface: Element<'_>, members: &Map<String, Value>, path: &str, found: &mut Vec<String>) {
    for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('$')) {
        let place = format!("{path}{name}");
        let content = interface.content(name);
        match (content.map(|content| (content, content.kind())), value) {
            (Some((property, Kind::Property)), _) => {
                let Some(schema) = property.schema() else { continue };
                let wrong = instance::check(interface.graph, schema.at, value);
                found.extend(wrong.into_iter().map(|line| match line.strip_prefix("the value") {
                    Some(rest) => format!("{place}{rest}"),
                    None => format!("{place}{line}"),
                }));
            }
            // components hold no components, so this goes one step deep
            (Some((component, Kind::Component)), Value::Object(inner)) => {
                if let Some(of) = component.schema() {
                    check_members(of, inner, &format!("{place}."), found);
                }
            }
            (Some((_, Kind::Component)), _) => {
                found.push(format!("{place} is a component and must be an object"));
            }
            _ => found.push(format!("{place} is no property of {}", interface.id())),
        }
    }
}

/// An element of a model.
#[derive(Clone, Copy, Debug)]
pub struct Element<'m> {
    graph: &'m Graph<'static>,
    at: At,
}

impl<'m> Element<'m> {
    fn element(self) -> &'m crate::graph::Element<'static> {
        self.graph.get(self.at)
    }

    /// Its DTMI.
    #[must_use]
    pub fn id(self) -> &'m str {
        self.graph.id_of(self.at)
    }

    /// Its class.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.element().kind
    }

    /// The version of DTDL that it is written in.
    #[must_use]
    pub fn version(self) -> u8 {
        self.element().version
    }

    /// The value of `name`, which contents, fields, entries of enumerations and payloads have.
    #[must_use]
    pub fn name(self) -> Option<&'m str> {
        self.element().name.as_deref()
    }

    /// Its name for people, by language.
    pub fn display_name(self) -> impl Iterator<Item = (&'m str, &'m str)> + use<'m> {
        self.words("displayName")
    }

    /// What it is, for people, by language.
    pub fn description(self) -> impl Iterator<Item = (&'m str, &'m str)> + use<'m> {
        self.words("description")
    }

    fn words(self, property: &'static str) -> impl Iterator<Item = (&'m str, &'m str)> + use<'m> {
        let words = self.element().words.iter().filter(move |words| words.property == property);
        words.map(|words| (&*words.language, &*words.text))
    }

    /// The value that an entry of an enumeration stands for.
    #[must_use]
    pub fn literal(self) -> Option<Value> {
        Some(match self.element().literal.as_ref()? {
            Literal::Text(text) => Value::from(&**text),
            Literal::Integer(number) => Value::from(*number),
            Literal::Decimal(number) => Value::from(*number),
            Literal::Boolean(truth) => Value::from(*truth),
        })
    }

    /// The DTMIs of the supplemental types that stand beside its class.
    pub fn types(self) -> impl Iterator<Item = &'static str> + use<'m> {
        self.element().types.iter().map(|id| supplemental_type(*id).id)
    }

    /// The elements that a property leads to; contents include those that the interface inherits.
    pub fn values(self, property: &str) -> impl Iterator<Item = Self> + use<'m> {
        let links = self.element().links.iter();
        let property = property.to_owned();
        links
            .filter(move |link| link.property == property)
            .map(move |link| Self { graph: self.graph, at: link.to })
    }

    /// The content of this name, its own or inherited.
    #[must_use]
    pub fn content(self, name: &str) -> Option<Self> {
        self.values(KEYED).find(|content| content.name() == Some(name))
    }

    /// Its schema: of a property, telemetry, field or payload a schema, of a component an interface.
    #[must_use]
    pub fn schema(self) -> Option<Self> {
        self.values("schema").next()
    }

    /// The unit of a property, telemetry or field that has a quantitative type: an entry of an enumeration.
    #[must_use]
    pub fn unit(self) -> Option<Self> {
        let is_unit = |property: &str| {
            property.split_once(';').map_or(property, |(id, _)| id).ends_with(":property:unit")
        };
        let link = self.element().links.iter().find(|link| is_unit(link.property))?;
        Some(Self { graph: self.graph, at: link.to })
    }

    /// Which of the texts defines it, counted from 0; none where the language does.
    #[must_use]
    pub fn text(self) -> Option<usize> {
        self.element().place.map(|(text, _)| text)
    }

    /// Whether a property may be written.
    #[must_use]
    pub fn writable(self) -> bool {
        self.element().flags.writable
    }

    /// Whether the payload of a command may be null.
    #[must_use]
    pub fn nullable(self) -> bool {
        self.element().flags.nullable
    }

    /// How many targets a relationship may have from one twin, where it says so.
    #[must_use]
    pub fn multiplicity_max(self) -> Option<u32> {
        self.element().flags.multiplicity_max.and_then(|max| u32::try_from(max).ok())
    }

    /// The DTMI of the interface that a relationship leads to, where it says so. The model need not define it.
    #[must_use]
    pub fn target(self) -> Option<&'m str> {
        self.element().flags.target.map(|target| self.graph.id(target))
    }

    /// The literal that a supplemental property of this DTMI holds, where it holds a string.
    #[must_use]
    pub fn supplement(self, property: &str) -> Option<&'m str> {
        match self.element().supplement(property)? {
            SupplementValue::Literal(Literal::Text(text)) | SupplementValue::Identifier(text) => Some(text),
            SupplementValue::Literal(_) => None,
        }
    }
}

/// The graph without the texts that it was read from.
fn owned(graph: Graph<'_>) -> Graph<'static> {
    let text = |text: Cow<'_, str>| Cow::<'static, str>::Owned(text.into_owned());
    let literal = |literal: Literal<'_>| match literal {
        Literal::Text(value) => Literal::Text(text(value)),
        Literal::Integer(value) => Literal::Integer(value),
        Literal::Decimal(value) => Literal::Decimal(value),
        Literal::Boolean(value) => Literal::Boolean(value),
    };
    let supplement = |supplement: Supplement<'_>| Supplement {
        property: supplement.property,
        span: supplement.span,
        value: match supplement.value {
            SupplementValue::Literal(value) => SupplementValue::Literal(literal(value)),
            SupplementValue::Identifier(value) => SupplementValue::Identifier(text(value)),
        },
    };
    let words = |words: Words<'_>| Words {
        property: words.property,
        language: text(words.language),
        text: text(words.text),
    };
    graph.map(|element| crate::graph::Element {
        id: element.id,
        kind: element.kind,
        version: element.version,
        limit: element.limit,
        place: element.place,
        child_of: element.child_of,
        defined_in: element.defined_in,
        types: element.types,
        name: element.name.map(text),
        words: element.words.into_iter().map(words).collect(),
        literal: element.literal.map(literal),
        flags: element.flags,
        links: element.links,
        supplements: element.supplements.into_iter().map(supplement).collect(),
        parents: element.parents,
    })
}
