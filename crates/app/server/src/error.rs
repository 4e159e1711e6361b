use thiserror::Error;

/// Why the server cannot serve.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The listener has no address.
    #[error("the listener is not usable: {0}")]
    Listener(#[source] std::io::Error),
}
