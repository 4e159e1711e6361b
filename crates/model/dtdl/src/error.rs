//! What can be wrong with a model.

use std::fmt;

use crate::Rule;

/// How many breaches of rules are listed; reading stops there, so that a hostile text cannot fill the memory with them.
pub const VIOLATIONS_MAX: usize = 1_000;

/// Why a model is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Rules are broken. Rules that can only be judged once others hold are not listed, so a mended model may break
    /// further ones.
    #[error("{}", list(.0))]
    Invalid(Vec<Violation>),
    /// The model is incomplete: it references these DTMIs, and neither the texts nor the language define them.
    #[error("nothing defines {}: add the texts that do", .0.join(", "))]
    Unresolved(Vec<String>),
}

impl Error {
    /// The broken rules, none where the model is only incomplete.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        match self {
            Self::Invalid(violations) => violations,
            Self::Unresolved(_) => &[],
        }
    }
}

fn list(violations: &[Violation]) -> String {
    let first = violations.first().map(ToString::to_string).unwrap_or_default();
    match violations.len() {
        0 | 1 => first,
        more => format!("{first} (and {} more)", more - 1),
    }
}

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The DTMI of the element that breaks it; nested elements without `@id` have the one that DTDL derives for them.
    pub element: Option<String>,
    /// The property of that element.
    pub property: Option<String>,
    /// What was found, what is allowed, and so how to mend it.
    pub detail: String,
    /// Which of the texts, counted from 0, and which line of it, counted from 1; where it is known.
    pub place: Option<(usize, usize)>,
}

impl Violation {
    /// What is wrong, without the place in the text.
    #[must_use]
    pub fn what(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|out| self.write(out))
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(element) = &self.element {
            write!(out, "{element}")?;
            if let Some(property) = &self.property {
                write!(out, " property `{property}`")?;
            }
            write!(out, ": ")?;
        }
        write!(out, "{}", self.rule.text())?;
        if !self.detail.is_empty() {
            write!(out, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out)?;
        if let Some((text, line)) = self.place {
            write!(out, " (text {text}, line {line})")?;
        }
        Ok(())
    }
}
