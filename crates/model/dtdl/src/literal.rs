//! Literals: bare, or as value objects with `@value` and `@type`; and strings in several languages.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::{
    Rule,
    graph::Literal,
    metamodel::Pattern,
    node::{Form, Member, Node, Value},
    pattern::{is_duration, is_language},
    sink::Sink,
};

/// Whose property is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'s> {
    pub(crate) element: &'s str,
    pub(crate) property: &'s str,
    /// Keywords that DTDL does not use are refused.
    pub(crate) restricts_keywords: bool,
}

impl Site<'_> {
    pub(crate) fn add(&self, sink: &mut Sink<'_>, rule: Rule, detail: impl Into<String>) {
        sink.add(rule, Some(self.element), Some(self.property), detail);
    }
}

/// A type of literals, and what its rules are called.
#[derive(Debug)]
pub(crate) struct Scalar {
    word: &'static str,
    xsd: [&'static str; 2],
    count: Rule,
    multiple: Rule,
    no_value: Rule,
    wrong_type: Rule,
    wrong_value: Rule,
    wrong: Rule,
    take: for<'v, 'a> fn(&'v Value<'a>) -> Option<Literal<'a>>,
}

pub(crate) static TEXT: Scalar = Scalar {
    word: "a string",
    xsd: ["xsd:string", "http://www.w3.org/2001/XMLSchema#string"],
    count: Rule::StringCountBelowMin,
    multiple: Rule::StringMultipleValues,
    no_value: Rule::StringObjectNoValue,
    wrong_type: Rule::StringTypeNotString,
    wrong_value: Rule::StringValueNotString,
    wrong: Rule::StringNotString,
    take: take_text,
};

pub(crate) static DURATION: Scalar = Scalar {
    word: "a duration",
    xsd: ["xsd:duration", "http://www.w3.org/2001/XMLSchema#duration"],
    count: Rule::DurationCountBelowMin,
    multiple: Rule::DurationMultipleValues,
    no_value: Rule::DurationObjectNoValue,
    wrong_type: Rule::DurationTypeNotDuration,
    wrong_value: Rule::DurationValueNotString,
    wrong: Rule::DurationNotString,
    take: take_text,
};

pub(crate) static INTEGER: Scalar = Scalar {
    word: "an integer of 32 bits",
    xsd: ["xsd:integer", "http://www.w3.org/2001/XMLSchema#integer"],
    count: Rule::IntegerCountBelowMin,
    multiple: Rule::IntegerMultipleValues,
    no_value: Rule::IntegerObjectNoValue,
    wrong_type: Rule::IntegerTypeNotInteger,
    wrong_value: Rule::IntegerValueNotInteger,
    wrong: Rule::IntegerNotInteger,
    take: take_integer,
};

pub(crate) static DECIMAL: Scalar = Scalar {
    word: "a number",
    xsd: ["xsd:decimal", "http://www.w3.org/2001/XMLSchema#decimal"],
    count: Rule::NumericCountBelowMin,
    multiple: Rule::NumericMultipleValues,
    no_value: Rule::NumericObjectNoValue,
    wrong_type: Rule::NumericTypeNotNumeric,
    wrong_value: Rule::NumericValueNotNumeric,
    wrong: Rule::NumericNotNumeric,
    take: take_decimal,
};

pub(crate) static BOOLEAN: Scalar = Scalar {
    word: "true or false",
    xsd: ["xsd:boolean", "http://www.w3.org/2001/XMLSchema#boolean"],
    count: Rule::BooleanCountBelowMin,
    multiple: Rule::BooleanMultipleValues,
    no_value: Rule::BooleanObjectNoValue,
    wrong_type: Rule::BooleanTypeNotBoolean,
    wrong_value: Rule::BooleanValueNotBoolean,
    wrong: Rule::BooleanNotBoolean,
    take: take_boolean,
};

fn take_text<'a>(value: &Value<'a>) -> Option<Literal<'a>> {
    if let Form::Text(text) = &value.form { Some(Literal::Text(text.clone())) } else { None }
}

fn take_integer<'a>(value: &Value<'a>) -> Option<Literal<'a>> {
    let Form::Number(number) = value.form else { return None };
    let whole = number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    whole.then_some(Literal::Integer(number as i32))
}

fn take_decimal<'a>(value: &Value<'a>) -> Option<Literal<'a>> {
    if let Form::Number(number) = value.form { Some(Literal::Decimal(number)) } else { None }
}

fn take_boolean<'a>(value: &Value<'a>) -> Option<Literal<'a>> {
    if let Form::Bool(truth) = value.form { Some(Literal::Boolean(truth)) } else { None }
}

/// The one value of a property whose literals have a known type.
pub(crate) fn one<'a>(
    scalar: &Scalar,
    site: Site<'_>,
    member: &Member<'a>,
    optional: bool,
    sink: &mut Sink<'_>,
) -> Option<Literal<'a>> {
    match &member.values[..] {
        [] => {
            if !optional {
                site.add(sink, scalar.count, format!("give {}", scalar.word));
            }
            None
        }
        [value] => bare_or_object(scalar, site, value, sink),
        more => {
            site.add(sink, scalar.multiple, format!("keep one of the {} values", more.len()));
            None
        }
    }
}

fn bare_or_object<'a>(
    scalar: &Scalar,
    site: Site<'_>,
    value: &Value<'a>,
    sink: &mut Sink<'_>,
) -> Option<Literal<'a>> {
    let Form::Node(node) = &value.form else {
        let taken = (scalar.take)(value);
        if taken.is_none() {
            site.add(sink, scalar.wrong, format!("give {}", scalar.word));
        }
        return taken;
    };
    check_value_object(site, node, sink);
    let Some(inner) = &node.value else {
        site.add(sink, scalar.no_value, format!("give {} in @value", scalar.word));
        return None;
    };
    if !declared(scalar, site, node, sink)? {
        site.add(sink, scalar.wrong_type, format!("make @type `{}`, or leave it out", scalar.xsd[0]));
        return None;
    }
    let taken = (scalar.take)(inner);
    if taken.is_none() {
        site.add(sink, scalar.wrong_value, format!("give {} in @value", scalar.word));
    }
    taken
}

/// Whether the `@type` of a value object, if any, is that of the scalar; `None` where it has several.
fn declared(scalar: &Scalar, site: Site<'_>, node: &Node<'_>, sink: &mut Sink<'_>) -> Option<bool> {
    match node.types.as_deref() {
        None => Some(true),
        Some([only]) => Some(only.as_deref().is_some_and(|name| scalar.xsd.contains(&name))),
        Some(_) => {
            site.add(sink, Rule::LiteralTypeNotSingular, "keep one @type");
            None
        }
    }
}

/// The one value of a property that takes strings, integers, decimals and booleans.
pub(crate) fn any<'a>(site: Site<'_>, member: &Member<'a>, sink: &mut Sink<'_>) -> Option<Literal<'a>> {
    let value = match &member.values[..] {
        [] => {
            site.add(sink, Rule::LiteralCountBelowMin, "give a string or a number");
            return None;
        }
        [value] => value,
        more => {
            site.add(sink, Rule::LiteralMultipleValues, format!("keep one of the {} values", more.len()));
            return None;
        }
    };
    let scalars = [&TEXT, &INTEGER, &DECIMAL, &BOOLEAN];
    let taken = if let Form::Node(node) = &value.form {
        check_value_object(site, node, sink);
        any_object(scalars, site, node, sink)
    } else {
        scalars.iter().find_map(|scalar| (scalar.take)(value))
    };
    if taken.is_none() {
        site.add(sink, Rule::LiteralNotValid, "give a string, a number or a boolean");
    }
    taken
}

fn any_object<'a>(
    scalars: [&Scalar; 4],
    site: Site<'_>,
    node: &Node<'a>,
    sink: &mut Sink<'_>,
) -> Option<Literal<'a>> {
    let Some(inner) = &node.value else {
        site.add(sink, Rule::LiteralObjectNoValue, "give a string or a number in @value");
        return None;
    };
    for scalar in scalars {
        if !declared(scalar, site, node, sink)? {
            continue;
        }
        let taken = (scalar.take)(inner);
        if taken.is_some() {
            return taken;
        }
        if node.types.is_some() {
            site.add(sink, scalar.wrong_value, format!("give {} in @value", scalar.word));
        }
    }
    None
}

/// A literal without any report, to derive an identifier from it; others report what is wrong with it.
pub(crate) fn quiet<'a>(member: &Member<'a>) -> Option<Literal<'a>> {
    let [value] = &member.values[..] else { return None };
    let scalars = [&TEXT, &INTEGER, &DECIMAL, &BOOLEAN];
    let Form::Node(node) = &value.form else {
        return scalars.iter().find_map(|scalar| (scalar.take)(value));
    };
    let inner = node.value.as_deref()?;
    let of_type = |scalar: &&&Scalar| match node.types.as_deref() {
        None => true,
        Some([only]) => only.as_deref().is_some_and(|name| scalar.xsd.contains(&name)),
        Some(_) => false,
    };
    scalars.iter().filter(of_type).find_map(|scalar| (scalar.take)(inner))
}

fn check_value_object(site: Site<'_>, node: &Node<'_>, sink: &mut Sink<'_>) {
    let mut refuse = |found: bool, rule: Rule, what: &str| {
        if found {
            site.add(sink, rule, format!("remove {what}"));
        }
    };
    refuse(node.context.is_some(), Rule::ValueObjectContext, "@context");
    refuse(node.id.is_some(), Rule::ValueObjectId, "@id");
    refuse(node.graph, Rule::ValueObjectGraph, "@graph");
    if site.restricts_keywords {
        refuse(node.language.is_some(), Rule::ValueObjectLanguage, "@language");
        for keyword in &node.keywords {
            refuse(true, Rule::ValueObjectKeyword, keyword);
        }
    }
    for member in &node.members {
        refuse(true, Rule::ValueObjectInvalidProp, &member.name);
    }
}

/// Length and form of a string.
pub(crate) fn check_text(
    site: Site<'_>,
    text: &str,
    length: u32,
    pattern: Option<Pattern>,
    sink: &mut Sink<'_>,
) {
    if let Some(found) = too_long(text, length) {
        site.add(sink, Rule::StringTooLong, format!("{found} characters, at most {length}"));
    }
    if let Some(pattern) = pattern
        && !pattern.matches(text)
    {
        site.add(sink, Rule::StringInvalid, format!("`{}` must be {}", excerpt(text), pattern.words()));
    }
}

/// The length of a string in units of UTF-16, as the specification's tools count, where it is above the limit.
pub(crate) fn too_long(text: &str, limit: u32) -> Option<usize> {
    let limit = limit as usize;
    if text.len() <= limit {
        return None;
    }
    Some(text.encode_utf16().count()).filter(|length| *length > limit)
}

/// The beginning of a string, for messages.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(CHARS_MAX).collect();
    if chars.next().is_some() { head + "…" } else { head }
}

/// The bounds of an integer.
pub(crate) fn check_range(
    site: Site<'_>,
    value: f64,
    min: Option<f64>,
    max: Option<f64>,
    sink: &mut Sink<'_>,
) {
    let (rule, wanted) = match (min, max) {
        (Some(min), Some(max)) if min == max && value != min => {
            (Rule::ValueNotExact, format!("must be {min}"))
        }
        (Some(min), Some(max)) if value < min => {
            (Rule::ValueBelowRange, format!("must lie from {min} to {max}"))
        }
        (Some(min), None) if value < min => (Rule::ValueBelowMin, format!("must be {min} at least")),
        (Some(min), Some(max)) if value > max => {
            (Rule::ValueAboveRange, format!("must lie from {min} to {max}"))
        }
        (None, Some(max)) if value > max => (Rule::ValueAboveMax, format!("must be {max} at most")),
        _ => return,
    };
    site.add(sink, rule, format!("{value} {wanted}"));
}

/// A duration's form.
pub(crate) fn check_duration(site: Site<'_>, text: &str, sink: &mut Sink<'_>) {
    if !is_duration(text) {
        site.add(sink, Rule::DurationInvalid, format!("`{}` is none such as PT15M", excerpt(text)));
    }
}

/// A string in several languages: a string, an array of strings with their languages, or a map of languages.
pub(crate) fn languages(
    site: Site<'_>,
    member: &Member<'_>,
    default: &str,
    length: u32,
    sink: &mut Sink<'_>,
) {
    if !member.plural
        && let [Value { form: Form::Node(node), .. }] = &member.values[..]
    {
        return language_map(site, node, length, sink);
    }
    let mut seen = FxHashSet::default();
    for value in &member.values {
        let (code, text) = match &value.form {
            Form::Text(text) => (default, Some(text)),
            Form::Node(node) => match tagged(site, node, default, sink) {
                Some(found) => found,
                None => continue,
            },
            _ => {
                site.add(sink, Rule::LangStringElementNotStringOrObject, "give a string");
                continue;
            }
        };
        check_length(site, text, length, sink);
        if !seen.insert(code) {
            site.add(sink, Rule::LangStringElementCodeNotUnique, format!("`{code}` stands twice"));
        }
    }
}

/// The texts of a string that has languages, each with its language; what is wrong with them is for others to report.
pub(crate) fn by_language<'a>(
    member: &Member<'a>,
    default: &'static str,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let text = |value: &Value<'a>| match &value.form {
        Form::Text(text) => Some(text.clone()),
        _ => None,
    };
    let one = |value: &Value<'a>| match &value.form {
        Form::Node(node) => {
            let language = node.language.clone().unwrap_or(Cow::Borrowed(default));
            Some((language, text(node.value.as_deref()?)?))
        }
        _ => Some((Cow::Borrowed(default), text(value)?)),
    };
    match &member.values[..] {
        [Value { form: Form::Node(map), .. }] if !member.plural => {
            let each = |entry: &Member<'a>| Some((entry.name.clone(), text(entry.values.first()?)?));
            map.members.iter().filter_map(each).collect()
        }
        values => values.iter().filter_map(one).collect(),
    }
}

fn check_length(site: Site<'_>, text: Option<&Cow<'_, str>>, length: u32, sink: &mut Sink<'_>) {
    if let Some(found) = text.and_then(|text| too_long(text, length)) {
        site.add(sink, Rule::LangStringValueTooLong, format!("{found} characters, at most {length}"));
    }
}

/// `{"@value": …, "@language": …}`
fn tagged<'n, 'a>(
    site: Site<'_>,
    node: &'n Node<'a>,
    default: &'n str,
    sink: &mut Sink<'_>,
) -> Option<(&'n str, Option<&'n Cow<'a, str>>)> {
    let code = match node.language.as_deref() {
        None => default,
        Some("") => {
            site.add(sink, Rule::LangStringElementCodeNotString, "give the code of a language such as en");
            return None;
        }
        Some(code) => {
            if !is_language(code) {
                site.add(
                    sink,
                    Rule::LangStringElementInvalidCode,
                    format!("`{}` is none such as en-US", excerpt(code)),
                );
            }
            code
        }
    };
    let text = match node.value.as_ref().map(|value| &value.form) {
        None => {
            site.add(sink, Rule::LangStringElementNoValue, "give a string in @value");
            None
        }
        Some(Form::Text(text)) => Some(text),
        Some(_) => {
            site.add(sink, Rule::LangStringElementValueNotString, "give a string in @value");
            return None;
        }
    };
    let mut refuse = |found: bool, rule: Rule, what: &str| {
        if found {
            site.add(sink, rule, format!("remove {what}"));
        }
    };
    refuse(node.context.is_some(), Rule::LangStringElementContext, "@context");
    refuse(node.id.is_some(), Rule::LangStringElementId, "@id");
    refuse(node.graph, Rule::LangStringElementGraph, "@graph");
    if site.restricts_keywords {
        refuse(node.types.is_some(), Rule::LangStringElementType, "@type");
        node.keywords.iter().for_each(|keyword| refuse(true, Rule::LangStringElementKeyword, keyword));
    }
    node.members.iter().for_each(|member| refuse(true, Rule::LangStringElementInvalidProp, &member.name));
    Some((code, text))
}

/// `{"en": …, "de": …}`
fn language_map(site: Site<'_>, node: &Node<'_>, length: u32, sink: &mut Sink<'_>) {
    let text = node.value.as_ref().is_some_and(|value| matches!(value.form, Form::Text(_)));
    if node.count == 2 && text && node.language.is_some() {
        site.add(sink, Rule::LangTagValueInLangMap, "put the object into an array");
    } else {
        let keywords = [(node.language.is_some(), "@language"), (node.value.is_some(), "@value")];
        refuse_keywords(site, &keywords, sink);
    }
    let keywords = [
        (node.context.is_some(), "@context"),
        (node.id.is_some(), "@id"),
        (node.types.is_some(), "@type"),
        (node.graph, "@graph"),
    ];
    refuse_keywords(site, &keywords, sink);
    for keyword in &node.keywords {
        refuse_keywords(site, &[(true, keyword)], sink);
    }
    let mut seen = FxHashSet::default();
    for member in &node.members {
        if !is_language(&member.name) {
            let detail = format!("`{}` is none such as en-US", excerpt(&member.name));
            site.add(sink, Rule::LangStringInvalidCode, detail);
        }
        match &member.values[..] {
            [Value { form: Form::Text(text), .. }] if !member.plural => {
                check_length(site, Some(text), length, sink);
            }
            _ => {
                site.add(
                    sink,
                    Rule::LangStringValueNotString,
                    format!("give a string for `{}`", member.name),
                );
            }
        }
        if !seen.insert(&*member.name) {
            site.add(sink, Rule::LangStringCodeNotUnique, format!("`{}` stands twice", member.name));
        }
    }
}

fn refuse_keywords(site: Site<'_>, keywords: &[(bool, &str)], sink: &mut Sink<'_>) {
    for (found, keyword) in keywords {
        if *found {
            site.add(sink, Rule::LangMapObjKeyword, format!("remove {keyword}"));
        }
    }
}
