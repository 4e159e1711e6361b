use thiserror::Error;

/// Why the server cannot serve.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The listener has no address.
    #[error("the listener is not usable: {0}")]
    Listener(#[source] std::io::Error),
    /// Certificates or keys cannot be used.
    #[error("cannot use {path} for TLS: {source}")]
    Tls {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
}
