//! JSON text as the nodes of JSON-LD: keywords apart from members, every member with its list of values.
//!
//! Only what JSON-LD itself forbids is refused here (a keyword twice, a context that is no string); what the values
//! mean is not known yet.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::{
    Rule,
    json::{Kind, Malformed, Reader, Span},
};

/// JSON-LD has about twenty keywords; what has many more is refused before they are compared with each other.
const KEYWORDS_MAX: usize = 256;

/// A JSON object.
#[derive(Debug, Default)]
pub(crate) struct Node<'a> {
    pub(crate) span: Span,
    /// How many members it has, keywords among them.
    pub(crate) count: usize,
    pub(crate) context: Option<Vec<ContextItem<'a>>>,
    /// Empty where it is no string.
    pub(crate) id: Option<Cow<'a, str>>,
    /// `None` for what is no string.
    pub(crate) types: Option<Vec<Option<Cow<'a, str>>>>,
    pub(crate) value: Option<Box<Value<'a>>>,
    /// Empty where it is no string.
    pub(crate) language: Option<Cow<'a, str>>,
    pub(crate) graph: bool,
    /// Other keywords.
    pub(crate) keywords: Vec<Cow<'a, str>>,
    pub(crate) members: Vec<Member<'a>>,
}

/// One entry of `@context`.
#[derive(Debug)]
pub(crate) enum ContextItem<'a> {
    Remote(Cow<'a, str>),
    /// Definitions of terms.
    Local,
}

/// A member that is no keyword.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) values: Vec<Value<'a>>,
    /// The values stood in an array.
    pub(crate) plural: bool,
    /// All of the values.
    pub(crate) span: Span,
}

/// A value of a member.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub(crate) span: Span,
    pub(crate) form: Form<'a>,
}

#[derive(Debug)]
pub(crate) enum Form<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    Node(Box<Node<'a>>),
}

/// Why a text cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) rule: Rule,
    pub(crate) detail: String,
    pub(crate) at: usize,
}

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Self {
        Self { rule: Rule::InvalidJson, detail: malformed.what.to_owned(), at: malformed.at }
    }
}

type Read<T> = Result<T, Unreadable>;

/// The values at the top of a text: one, or those of an array.
pub(crate) fn read(text: &str) -> Read<Vec<Value<'_>>> {
    let mut reader = Reader::new(text);
    let (values, _) = values(&mut reader)?;
    reader.finish()?;
    Ok(values)
}

/// The values of a member: one, or those of an array. As in JSON-LD, arrays inside an array count as its values.
fn values<'a>(reader: &mut Reader<'a>) -> Read<(Vec<Value<'a>>, bool)> {
    if reader.kind()? != Kind::Array {
        return Ok((vec![value(reader)?], false));
    }
    let mut values = Vec::new();
    array(reader, &mut values)?;
    Ok((values, true))
}

fn array<'a>(reader: &mut Reader<'a>, values: &mut Vec<Value<'a>>) -> Read<()> {
    reader.enter()?;
    let mut first = true;
    while reader.more(first, b']')? {
        first = false;
        if reader.kind()? == Kind::Array {
            array(reader, values)?;
        } else {
            values.push(value(reader)?);
        }
    }
    Ok(())
}

fn value<'a>(reader: &mut Reader<'a>) -> Read<Value<'a>> {
    let start = reader.position();
    let form = match reader.kind()? {
        Kind::Null => {
            reader.null()?;
            Form::Null
        }
        Kind::Bool => Form::Bool(reader.bool()?),
        Kind::Number => Form::Number(reader.number()?),
        Kind::Text => Form::Text(reader.string()?),
        Kind::Object => Form::Node(Box::new(node(reader)?)),
        Kind::Array => {
            reader.skip()?; // only `@value` leads here, and no literal is an array
            Form::Null
        }
    };
    Ok(Value { span: Span { start, end: reader.end() }, form })
}

fn node<'a>(reader: &mut Reader<'a>) -> Read<Node<'a>> {
    let mut node = Node { span: Span { start: reader.position(), end: 0 }, ..Node::default() };
    reader.enter()?;
    while reader.more(node.count == 0, b'}')? {
        node.count += 1;
        let at = reader.position();
        let name = reader.name()?;
        if name.starts_with('@') {
            keyword(reader, &mut node, name, at)?;
        } else {
            let start = reader.position();
            let (values, plural) = values(reader)?;
            node.members.push(Member { name, values, plural, span: Span { start, end: reader.end() } });
        }
    }
    node.span.end = reader.end();
    Ok(node)
}

fn keyword<'a>(reader: &mut Reader<'a>, node: &mut Node<'a>, name: Cow<'a, str>, at: usize) -> Read<()> {
    let repeated = |known: bool, rule: Rule| {
        let detail = format!("remove all {name} but one");
        if known { Err(Unreadable { rule, detail, at }) } else { Ok(()) }
    };
    match &*name {
        "@graph" => {
            repeated(node.graph, Rule::RepeatedGraph)?;
            node.graph = true;
            graph(reader, at)?;
        }
        "@context" => {
            repeated(node.context.is_some(), Rule::RepeatedContext)?;
            node.context = Some(context(reader, at)?);
        }
        "@id" => {
            repeated(node.id.is_some(), Rule::RepeatedId)?;
            node.id = Some(text_or_empty(reader)?);
        }
        "@type" => {
            repeated(node.types.is_some(), Rule::RepeatedType)?;
            node.types = Some(types(reader)?);
        }
        "@value" => {
            repeated(node.value.is_some(), Rule::RepeatedValue)?;
            node.value = Some(Box::new(value(reader)?));
        }
        "@language" => {
            repeated(node.language.is_some(), Rule::RepeatedLanguage)?;
            node.language = Some(text_or_empty(reader)?);
        }
        _ => {
            if node.keywords.len() >= KEYWORDS_MAX {
                let detail = format!("an object has more than {KEYWORDS_MAX} keywords");
                return Err(Unreadable { rule: Rule::InvalidJson, detail, at });
            }
            repeated(node.keywords.contains(&name), Rule::RepeatedKeyword)?;
            reader.skip()?;
            node.keywords.push(name);
        }
    }
    Ok(())
}

/// Objects, which are read and then left alone: what stands in `@graph` is no part of a model.
fn graph(reader: &mut Reader<'_>, at: usize) -> Read<()> {
    let many = reader.kind()? == Kind::Array;
    if many {
        reader.enter()?;
    }
    let mut first = true;
    while !many && first || many && reader.more(first, b']')? {
        first = false;
        if reader.kind()? != Kind::Object {
            let detail = "put objects into @graph".to_owned();
            return Err(Unreadable { rule: Rule::InvalidGraph, detail, at });
        }
        node(reader)?;
    }
    Ok(())
}

fn text_or_empty<'a>(reader: &mut Reader<'a>) -> Read<Cow<'a, str>> {
    if reader.kind()? == Kind::Text {
        return Ok(reader.string()?);
    }
    reader.skip()?;
    Ok(Cow::Borrowed(""))
}

fn types<'a>(reader: &mut Reader<'a>) -> Read<Vec<Option<Cow<'a, str>>>> {
    if reader.kind()? != Kind::Array {
        // a lone value that is no string says nothing
        return Ok(type_name(reader)?.map_or_else(Vec::new, |name| vec![Some(name)]));
    }
    let mut types = Vec::new();
    reader.enter()?;
    while reader.more(types.is_empty(), b']')? {
        types.push(type_name(reader)?);
    }
    Ok(types)
}

fn type_name<'a>(reader: &mut Reader<'a>) -> Read<Option<Cow<'a, str>>> {
    if reader.kind()? == Kind::Text {
        return Ok(Some(reader.string()?));
    }
    reader.skip()?;
    Ok(None)
}

fn context<'a>(reader: &mut Reader<'a>, at: usize) -> Read<Vec<ContextItem<'a>>> {
    let mut items = Vec::new();
    if reader.kind()? != Kind::Array {
        items.push(context_item(reader, at)?);
        return Ok(items);
    }
    reader.enter()?;
    while reader.more(items.is_empty(), b']')? {
        items.push(context_item(reader, at)?);
    }
    Ok(items)
}

fn context_item<'a>(reader: &mut Reader<'a>, at: usize) -> Read<ContextItem<'a>> {
    match reader.kind()? {
        Kind::Text => Ok(ContextItem::Remote(reader.string()?)),
        Kind::Object => {
            definitions(reader, at)?;
            Ok(ContextItem::Local)
        }
        _ => {
            let detail = "put DTMIs of contexts into @context".to_owned();
            Err(Unreadable { rule: Rule::InvalidContext, detail, at })
        }
    }
}

/// Definitions of terms: a string, or an object with `@id`.
fn definitions(reader: &mut Reader<'_>, at: usize) -> Read<()> {
    reader.enter()?;
    let mut terms = FxHashSet::default();
    while reader.more(terms.is_empty(), b'}')? {
        let term = reader.name()?;
        if !terms.insert(term.clone()) {
            let detail = format!("define `{term}` once");
            return Err(Unreadable { rule: Rule::DuplicateTermInContext, detail, at });
        }
        let rule = match reader.kind()? {
            Kind::Text | Kind::Null => {
                reader.skip()?;
                continue;
            }
            Kind::Object => match definition(reader)? {
                None => Rule::TermDefinitionMissingId,
                Some(Kind::Text) => continue,
                Some(_) => Rule::TermDefinitionIdNotString,
            },
            _ => Rule::TermDefinitionNotStringOrObject,
        };
        return Err(Unreadable { rule, detail: format!("define `{term}` by a string"), at });
    }
    Ok(())
}

/// What the `@id` of a definition is. It is no element: nothing else in it has a meaning, and of two the last one counts.
fn definition(reader: &mut Reader<'_>) -> Read<Option<Kind>> {
    reader.enter()?;
    let (mut first, mut id) = (true, None);
    while reader.more(first, b'}')? {
        first = false;
        if reader.name()? == "@id" {
            id = Some(reader.kind()?);
        }
        reader.skip()?;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_stand_apart_from_members() {
        let values =
            read(r#"{"@id": "x", "@type": ["A", 1], "@set": 0, "a": [1, [2], {"b": null}], "c": "d"}"#)
                .unwrap();
        let [Value { form: Form::Node(node), .. }] = &values[..] else { panic!() };
        assert_eq!((node.id.as_deref(), node.count), (Some("x"), 5));
        assert_eq!(node.types.as_ref().unwrap()[1], None);
        assert_eq!(node.keywords, ["@set"]);
        let [many, one] = &node.members[..] else { panic!() };
        assert!(many.plural && many.values.len() == 3);
        assert!(!one.plural && one.name == "c");
    }

    #[test]
    fn a_keyword_stands_once() {
        for (text, rule) in [
            (r#"{"@id": "x", "@id": "y"}"#, Rule::RepeatedId),
            (r#"{"@set": 1, "@set": 1}"#, Rule::RepeatedKeyword),
            (r#"{"@context": [1]}"#, Rule::InvalidContext),
            (r#"{"@graph": [1]}"#, Rule::InvalidGraph),
            (r#"{"@context": {"a": {"@context": true}}}"#, Rule::TermDefinitionMissingId),
            (r#"{"@context": {"a": {"@graph": 1, "@type": 1, "@type": 1}}}"#, Rule::TermDefinitionMissingId),
            (r#"{"@context": {"a": {"x": {"@context": [1]}, "@id": 3}}}"#, Rule::TermDefinitionIdNotString),
            (r#"{"a": }"#, Rule::InvalidJson),
        ] {
            assert_eq!(read(text).unwrap_err().rule, rule, "{text}");
        }
    }
}
