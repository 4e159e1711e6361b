//! Identifiers: those of elements, and those that a property holds.

use std::borrow::Cow;

use crate::{
    Rule,
    context::Active,
    graph::{Literal, Symbol},
    literal::{self, Site, excerpt},
    metamodel::{self, Limit},
    node::{Form, Member, Node},
    parse::{Parser, Place},
    sink::{Sink, Stop},
};

impl<'a> Parser<'a, '_> {
    /// The identifier of an element: its own, or one made of that of the element around it.
    pub(crate) fn id(&mut self, active: &Active, node: &Node<'a>, place: &Place<'_>) -> Result<Symbol, Stop> {
        let Some(id) = &node.id else { return self.derived_id(node, place) };
        if id.is_empty() {
            return self.sink.quit(Rule::IdNotString, "give a DTMI in a string");
        }
        let limit = id_length(active.limit);
        if let Some(found) = literal::too_long(id, limit) {
            return self.sink.quit(Rule::IdTooLong, format!("{found} characters, at most {limit}"));
        }
        if !crate::pattern::is_dtmi(id, active.version == 2) {
            let detail = format!("`{}` is no DTMI of version {}", excerpt(id), active.version);
            return self.sink.quit(Rule::InvalidId, detail);
        }
        if let Some(prefix) = active.reserved(id) {
            return self.sink.quit(Rule::ReservedId, format!("`{}` begins with {prefix}", excerpt(id)));
        }
        Ok(self.graph.intern(id.clone()))
    }

    fn derived_id(&mut self, node: &Node<'a>, place: &Place<'_>) -> Result<Symbol, Stop> {
        let Some(parent) = place.parent else {
            return self.sink.quit(Rule::MissingTopLevelId, "add @id with a DTMI");
        };
        let quit = |parser: &mut Self, rule, detail: String| {
            parser.at_parent(place, rule, detail);
            Err(Stop)
        };
        if place.id_required {
            return quit(self, Rule::MissingRequiredId, "add @id with a DTMI".to_owned());
        }
        let mut own = String::new();
        if let Some(segment) = place.segment {
            let named = |member: &&Member<'_>| member.name == segment || is_versioned(&member.name, segment);
            let Some(member) = node.members.iter().find(named) else {
                return quit(self, Rule::MissingDtmiSegPropertyValue, format!("add `{segment}`"));
            };
            own = match literal::quiet(member) {
                Some(Literal::Text(text)) => format!(":__{text}"),
                Some(Literal::Integer(number)) => format!(":__{number}"),
                Some(Literal::Decimal(number)) => format!(":__{number}").replace('.', "_"),
                _ => {
                    let detail = format!("make `{segment}` a string");
                    return quit(self, Rule::DtmiSegPropertyNotStringOrNumber, detail);
                }
            };
        }
        let property = place.property.split(';').next().unwrap_or_default();
        let above = self.graph.id(parent);
        let (path, version) = above.find(';').map_or((above, ""), |at| above.split_at(at));
        let id = format!("{path}:_{property}{own}{version}");
        self.derived += id.len();
        if self.derived > self.derived_max {
            return quit(self, Rule::IdTooLong, "give nested elements an @id of their own".to_owned());
        }
        Ok(self.graph.intern(Cow::Owned(id)))
    }
}

/// Whether a name is the DTMI of a term in some version: `dtmi:dtdl:property:name;3`.
pub(crate) fn is_versioned(name: &str, term: &str) -> bool {
    let tail = name.strip_prefix("dtmi:dtdl:property:").or_else(|| name.strip_prefix("dtmi:dtdl:class:"));
    tail.and_then(|tail| tail.strip_prefix(term)).is_some_and(|tail| tail.starts_with(';'))
}

/// The longest `@id`.
fn id_length(limit: Limit) -> u32 {
    match limit {
        Limit::Core => 2048,
        Limit::Aio | Limit::Onvif => 512,
    }
}

/// A DTMI, or any IRI, that need not lead anywhere.
pub(crate) fn identifier<'a>(
    active: &Active,
    site: Site<'_>,
    member: &Member<'a>,
    optional: bool,
    dtmi: bool,
    sink: &mut Sink<'_>,
) -> Option<Cow<'a, str>> {
    let value = match &member.values[..] {
        [] => {
            if !optional {
                site.add(sink, Rule::IdentifierCountBelowMin, "give an identifier");
            }
            return None;
        }
        [value] => value,
        more => {
            site.add(sink, Rule::IdentifierMultipleValues, format!("keep one of the {} values", more.len()));
            return None;
        }
    };
    let Form::Text(text) = &value.form else {
        site.add(sink, Rule::IdentifierNotString, "give a string");
        return None;
    };
    if let Some(found) = active.name_of(text) {
        return Some(found);
    }
    if !dtmi && !text.starts_with("dtmi:") && is_iri(text) {
        return Some(text.clone());
    }
    let rule = if dtmi { Rule::IdentifierNotDtmi } else { Rule::IdentifierNotUri };
    site.add(sink, rule, format!("`{}` is none", excerpt(text)));
    None
}

/// A scheme, a colon and something after it.
fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let rest_ok = !rest.is_empty();
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && rest_ok
}

pub(crate) fn check_identifier(
    site: Site<'_>,
    id: &str,
    length: u32,
    pattern: Option<metamodel::Pattern>,
    sink: &mut Sink<'_>,
) {
    if let Some(found) = literal::too_long(id, length) {
        site.add(sink, Rule::IdentifierTooLong, format!("{found} characters, at most {length}"));
    }
    if let Some(pattern) = pattern
        && !pattern.matches(id)
    {
        site.add(sink, Rule::IdentifierInvalid, format!("`{}` must be {}", excerpt(id), pattern.words()));
    }
}
