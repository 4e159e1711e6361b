//! What is kept of events for programs outside.

use serde_json::Value as Json;
use voltwin_core::{TenantId, Timestamp};
use voltwin_security::Secret;

/// Endpoints of one tenant at most.
pub const EVENT_ENDPOINTS_MAX: u64 = 64;
/// Routes of one tenant at most.
pub const EVENT_ROUTES_MAX: u64 = 64;

/// That a tenant keeps an event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLogSettings {
    /// Whose.
    pub tenant: TenantId,
    /// Seconds that an event stays in the log.
    pub keep_s: u32,
    /// Whether the tables of data history are written.
    pub history: bool,
    /// When this was last changed.
    pub changed_at: Timestamp,
}

/// Where events go.
#[derive(Debug, Clone)]
pub struct EventEndpoint {
    /// Its name: 2 to 49 letters, digits and hyphens, neither all digits nor with a hyphen at an end.
    pub name: String,
    /// What it is and how it is reached, without secrets.
    pub settings: Json,
    /// What we present to it.
    pub secret: Option<Secret>,
    /// Whether events are sent to it.
    pub enabled: bool,
    /// Every event of the log up to here was delivered or given up.
    pub place: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

/// Which events go to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRoute {
    /// Its id: 1 to 128 letters, digits and `-._:`.
    pub id: String,
    /// The endpoint.
    pub endpoint: String,
    /// Which events, in the language of route filters.
    pub filter: String,
    /// The place in the log after which it takes events.
    pub since: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub changed_at: Timestamp,
}
