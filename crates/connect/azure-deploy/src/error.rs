use thiserror::Error;

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// It is no TOML, or has a field that is not known, or of another type.
    #[error("{0}")]
    Text(String),
    /// Fields break rules; all of them, one sentence each.
    #[error("{}", .0.join("; "))]
    Fields(Vec<String>),
}
