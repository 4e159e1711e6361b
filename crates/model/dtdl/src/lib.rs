//! A parser and validator of the [Digital Twins Definition Language](https://azure.github.io/opendigitaltwins-dtdl/),
//! versions 2, 3 and 4 with their extensions.
//!
//! ```
//! use voltwin_dtdl::{Options, parse};
//!
//! let text = r#"{
//!     "@context": "dtmi:dtdl:context;3",
//!     "@id": "dtmi:example:Charger;1",
//!     "@type": "Interface",
//!     "contents": [{ "@type": "Property", "name": "power_w", "schema": "double" }]
//! }"#;
//! let model = parse(&[text], &Options::default())?;
//! let charger = model.get("dtmi:example:Charger;1").unwrap();
//! assert_eq!(charger.content("power_w").unwrap().schema().unwrap().kind().name(), "Double");
//!
//! let twin = serde_json::json!({ "power_w": "much" });
//! let wrong = model.check_twin("dtmi:example:Charger;1", &twin).unwrap_err();
//! assert_eq!(wrong, ["power_w must be a number, not \"much\""]);
//!
//! let error = parse(&[&text.replace("power_w", "power w")], &Options::default()).unwrap_err();
//! assert_eq!(error.violations()[0].rule.id(), "dtmi:dtdl:parsingError:stringInvalid");
//! # Ok::<(), voltwin_dtdl::Error>(())
//! ```
//!
//! # How a model is read
//!
//! All that differs from version to version stands in tables, generated from the metamodel that the authors of DTDL
//! publish; the code is one for all versions. Five stages follow each other, and each begins only if the one before
//! found nothing wrong, because its rules presume those of the earlier ones:
//!
//! 1. Each text becomes nodes of JSON-LD, and these become elements by the tables.
//! 2. References find their elements. A model that references what nothing defines is incomplete: [`Error::Unresolved`].
//! 3. References are linked where class, version and partition allow it.
//! 4. Interfaces inherit contents.
//! 5. Rules over several elements: depth, counts, types of siblings and parents, values that must differ.
//!
//! # What it does not do
//!
//! It reads no files and fetches nothing: all texts of a model come in at once. It never panics on any text, and its
//! memory and time are bounded by the length of the texts: nesting ends at 64, circles are found and not followed, at
//! most [`VIOLATIONS_MAX`] breaches are listed.

mod check;
mod context;
mod descend;
mod error;
mod graph;
mod identity;
mod instance;
mod json;
mod literal;
mod metamodel;
mod model;
mod node;
mod parse;
mod pattern;
mod resolve;
mod rule;
mod sink;
pub mod stream;
mod supplement;
mod types;

pub use error::{Error, VIOLATIONS_MAX, Violation};
pub use instance::wanted;
pub use metamodel::Kind;
pub use model::{Element, Model};
pub use rule::Rule;

use crate::{parse::Parser, resolve::Unresolved, sink::Sink};

/// Choices that DTDL leaves to those who read models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What to do with contexts of extensions that are not known.
    pub undefined_extensions: UndefinedExtensions,
    /// The newest version of DTDL that is accepted, from 2 to 4.
    pub version_max: u8,
    /// The contexts of limits that are accepted (`dtmi:dtdl:limits:aio;1`; without a version, any); `None` for all
    /// that are known.
    pub limit_contexts: Option<Vec<String>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            undefined_extensions: UndefinedExtensions::default(),
            version_max: metamodel::VERSION_NEWEST,
            limit_contexts: None,
        }
    }
}

/// What to do with contexts of extensions that are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UndefinedExtensions {
    /// As the versions of DTDL recommend: version 2 accepts them, later ones do not.
    #[default]
    ByVersion,
    /// Accept them. What such an extension might define is then not called wrong.
    Allow,
    /// Refuse them.
    Deny,
}

/// Reads a model: any number of JSON texts, each an interface or an array of interfaces.
///
/// # Errors
///
/// [`Error::Invalid`] with the rules that are broken, or [`Error::Unresolved`] with the references that lead nowhere.
pub fn parse(texts: &[&str], options: &Options) -> Result<Model, Error> {
    let mut parser = Parser::new(options, Sink::new(texts));
    let outcome = run(&mut parser, texts);
    match outcome {
        Ok(()) => Ok(Model::new(parser.graph)),
        Err(Unresolved::Invalid) => Err(parser.sink.into_error()),
        Err(Unresolved::Missing(error)) => Err(error),
    }
}

fn run<'a>(parser: &mut Parser<'a, '_>, texts: &[&'a str]) -> Result<(), Unresolved> {
    for (index, text) in texts.iter().enumerate() {
        parser.sink.read(Some(index));
        match node::read(text) {
            Ok(values) => parser.text(index, &values)?,
            Err(unreadable) => {
                parser.sink.look(json::Span { start: unreadable.at, end: unreadable.at });
                parser.sink.quit::<()>(unreadable.rule, unreadable.detail)?;
            }
        }
    }
    parser.resolve()?;
    parser.check(texts);
    Ok(parser.sink.stop_if_any()?)
}
