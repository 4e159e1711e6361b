//! Where breaches of rules are gathered while a model is read.

use crate::{Error, Rule, Violation, error::VIOLATIONS_MAX, json::Span};

/// Reading cannot go on; what is wrong stands in the sink.
#[derive(Debug)]
pub(crate) struct Stop;

/// Gathers breaches, with the place that is being read.
#[derive(Debug)]
pub(crate) struct Sink<'t> {
    texts: &'t [&'t str],
    text: Option<usize>,
    span: Option<Span>,
    violations: Vec<Violation>,
}

impl<'t> Sink<'t> {
    pub(crate) fn new(texts: &'t [&'t str]) -> Self {
        Self { texts, text: None, span: None, violations: Vec::new() }
    }

    /// How long all texts are together, in bytes.
    pub(crate) fn length(&self) -> usize {
        self.texts.iter().map(|text| text.len()).sum()
    }

    /// From now on, this text is read (`None` after the last one).
    pub(crate) fn read(&mut self, text: Option<usize>) {
        self.text = text;
        self.span = None;
    }

    /// What is looked at now; returns what was looked at before.
    pub(crate) fn look(&mut self, span: Span) -> Option<Span> {
        self.span.replace(span)
    }

    /// Looks again at what was looked at before.
    pub(crate) fn look_back(&mut self, span: Option<Span>) {
        self.span = span;
    }

    /// Records a breach.
    pub(crate) fn add(
        &mut self,
        rule: Rule,
        element: Option<&str>,
        property: Option<&str>,
        detail: impl Into<String>,
    ) {
        if self.violations.len() >= VIOLATIONS_MAX {
            return;
        }
        let line = |text: usize| self.span.and_then(|span| self.texts.get(text).map(|read| span.line(read)));
        let place = self.text.and_then(|text| line(text).map(|line| (text, line)));
        self.violations.push(Violation {
            rule,
            element: element.map(ToOwned::to_owned),
            property: property.map(ToOwned::to_owned),
            detail: detail.into(),
            place,
        });
    }

    /// Records a breach after which nothing can be read.
    pub(crate) fn quit<T>(&mut self, rule: Rule, detail: impl Into<String>) -> Result<T, Stop> {
        self.add(rule, None, None, detail);
        Err(Stop)
    }

    /// Stops where something is wrong: later rules presume earlier ones.
    pub(crate) fn stop_if_any(&self) -> Result<(), Stop> {
        if self.violations.is_empty() { Ok(()) } else { Err(Stop) }
    }

    pub(crate) fn into_error(self) -> Error {
        Error::Invalid(self.violations)
    }
}
