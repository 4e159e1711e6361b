//! Ways to hand an event over.

mod file;
mod webhook;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use voltwin_routes::CloudEvent;
use voltwin_security::Secret;

use crate::endpoint::{Settings, Target};
use crate::outside::Outside;

pub(crate) use webhook::validate;

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SendError {
    /// What happened.
    pub(crate) text: String,
    /// Whether it would happen again in the same way.
    pub(crate) is_final: bool,
    /// When the endpoint wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
}

impl SendError {
    pub(crate) fn again(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_final: false, retry_after: None }
    }
}

pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

/// One way. An event is handed over when the answer is a yes; until then it may have arrived or not.
pub(crate) trait Sink: Send + Sync {
    fn send<'a>(&'a self, event: &'a CloudEvent) -> Sending<'a>;
}

/// What sinks are made with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) outside: Outside,
    /// Authorities that are believed beside those of the machine.
    pub(crate) authorities: Arc<Vec<CertificateDer<'static>>>,
}

/// The sink of an endpoint. `folder` is where an endpoint of files writes.
pub(crate) fn sink(
    settings: &Settings,
    secret: Option<&Secret>,
    means: &Means,
    folder: &Path,
) -> Arc<dyn Sink> {
    match &settings.target {
        Target::Webhook(webhook) => {
            Arc::new(webhook::WebhookSink::new(webhook.clone(), secret.cloned(), means.clone()))
        }
        Target::File {} => Arc::new(file::FileSink::new(folder.to_owned())),
    }
}
