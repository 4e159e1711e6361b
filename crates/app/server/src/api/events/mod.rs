//! Events for programs outside: the log and its stream, endpoints, and routes to them.

mod endpoints;
mod log;
mod routes;
mod stream;

use utoipa_axum::router::OpenApiRouter;
use voltwin_delivery::EventsError;

use crate::http::Problem;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(log::routes())
        .merge(stream::routes())
        .merge(endpoints::routes())
        .merge(routes::routes())
}

impl From<EventsError> for Problem {
    fn from(error: EventsError) -> Self {
        let text = error.to_string();
        match error {
            EventsError::Invalid { field, .. } => Self::field(field, text),
            EventsError::Filter(_) => Self::field("filter", text),
            EventsError::NotFound { .. } => Self::not_found(text),
            EventsError::Handshake(_) | EventsError::Endpoint(_) => Self::conflict(text),
            EventsError::Store(inner) => inner.into(),
            EventsError::History(_) => Self::internal(&error),
            EventsError::Stopped => Self::unavailable(text),
            EventsError::File { ref source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::disk_full(text),
                _ => Self::internal(&error),
            },
        }
    }
}
