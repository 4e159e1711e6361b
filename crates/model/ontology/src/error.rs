use thiserror::Error;
use voltwin_core::CoreError;

/// Why DTDL files cannot be loaded. Each names the file, the element and the rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OntologyError {
    /// The file is not JSON.
    #[error("{file}: not json: {reason}")]
    Json {
        /// The file.
        file: String,
        /// What the JSON parser objected to.
        reason: String,
    },
    /// `@context` does not begin with a DTDL version that is read, or names an unknown extension.
    #[error("{file}: `{element}`: unknown @context `{context}`: the first must be dtmi:dtdl:context;2 or ;3")]
    Context {
        /// The file.
        file: String,
        /// The interface.
        element: String,
        /// The context.
        context: String,
    },
    /// An identifier or name breaks its rule.
    #[error("{file}: `{element}`: {source}")]
    Identifier {
        /// The file.
        file: String,
        /// The element that bears it.
        element: String,
        /// The rule.
        source: CoreError,
    },
    /// An element lacks something or holds something that DTDL does not allow there.
    #[error("{file}: `{element}`: {rule}")]
    Element {
        /// The file.
        file: String,
        /// The element, from the interface down, joined by `/`.
        element: String,
        /// The rule.
        rule: String,
    },
    /// A model stands in two files.
    #[error("{file}: model `{model}` is already defined in {first}")]
    DuplicateModel {
        /// The file.
        file: String,
        /// The model.
        model: String,
        /// Where it is defined first.
        first: String,
    },
    /// A name is used twice in a model, its bases included.
    #[error("{file}: `{model}`: name `{name}` is already used by `{first}`")]
    DuplicateName {
        /// The file.
        file: String,
        /// The model.
        model: String,
        /// The name.
        name: String,
        /// The model that uses it first.
        first: String,
    },
    /// A schema that DTDL does not have.
    #[error("{file}: `{element}`: unknown schema `{schema}`")]
    Schema {
        /// The file.
        file: String,
        /// The property or relationship.
        element: String,
        /// The schema.
        schema: String,
    },
    /// A model extends one that is not among the files.
    #[error("{file}: `{model}` extends `{base}`, which is not defined")]
    MissingBase {
        /// The file.
        file: String,
        /// The model.
        model: String,
        /// The base.
        base: String,
    },
    /// A model extends itself, perhaps by way of others.
    #[error("{file}: `{model}` extends itself")]
    Cycle {
        /// The file.
        file: String,
        /// The model.
        model: String,
    },
    /// A chain of `extends` is too long.
    #[error("{file}: `{model}` extends more than {limit} levels deep")]
    Depth {
        /// The file.
        file: String,
        /// The model.
        model: String,
        /// The limit.
        limit: usize,
    },
}
