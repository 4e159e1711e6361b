use std::fmt;

use thiserror::Error;
use voltwin_core::{CoreError, Dtmi};

/// Why models cannot be taken, changed or deleted. Each names the model, the element or the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OntologyError {
    /// The texts are no valid DTDL, or reference what nothing defines.
    #[error("{0}")]
    Dtdl(Dtdl),
    /// A text defines no interface, or several.
    #[error("{text}: {count} interfaces; a text must define one")]
    NotOne {
        /// The text.
        text: String,
        /// How many it defines.
        count: usize,
    },
    /// An identifier or name of the model is longer than, or of another form than, twins can have.
    #[error("`{element}`: {source}")]
    Identifier {
        /// The element that bears it.
        element: String,
        /// The rule.
        source: CoreError,
    },
    /// The model is valid DTDL that the twin graph has no place for.
    #[error("`{element}`: {rule}")]
    Unsupported {
        /// The element.
        element: String,
        /// What the graph has no place for.
        rule: String,
    },
    /// There is a model of this id.
    #[error("there is a model `{model}` already")]
    Exists {
        /// The model.
        model: Dtmi,
    },
    /// Models of this name are ours to define.
    #[error("`{model}`: models below `{prefix}` are built in, and others cannot have such names")]
    Reserved {
        /// The model.
        model: Dtmi,
        /// How our names begin.
        prefix: &'static str,
    },
    /// There is no such model.
    #[error("there is no model `{model}`")]
    Unknown {
        /// The model.
        model: Dtmi,
    },
    /// The model is part of the program: it cannot be changed.
    #[error("model `{model}` is built in: it can be neither decommissioned nor deleted")]
    BuiltIn {
        /// The model.
        model: Dtmi,
    },
    /// Another model extends it or has it as a component.
    #[error("model `{model}` cannot be deleted: `{by}` refers to it")]
    Referenced {
        /// The model.
        model: Dtmi,
        /// One of those that refer to it.
        by: Dtmi,
    },
    /// A model that is in use extends it or has it as a component.
    #[error("model `{model}` cannot be decommissioned: `{by}` refers to it and is not decommissioned")]
    ReferencedInUse {
        /// The model.
        model: Dtmi,
        /// One of those that refer to it.
        by: Dtmi,
    },
}

/// What the parser of DTDL says, with the names of the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtdl {
    /// The breaches.
    pub error: voltwin_dtdl::Error,
    /// The names of the texts, in the order in which breaches count them.
    pub texts: Vec<String>,
}

impl fmt::Display for Dtdl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.error.violations().first() else { return self.error.fmt(f) };
        if let Some((text, line)) = first.place
            && let Some(name) = self.texts.get(text)
        {
            write!(f, "{name}, line {line}: ")?;
        }
        first.what().fmt(f)?;
        match self.error.violations().len() - 1 {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}
