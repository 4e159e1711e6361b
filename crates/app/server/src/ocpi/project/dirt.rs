//! Which sites and sessions are to be looked at again, and when.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use voltwin_core::{Event, EventBody, TenantId, TransactionPhase, TwinId};
use voltwin_graph::Graph;

use crate::network::{CONNECTOR, EVSE, HUB, SITE, STATION, is_a};
use crate::ocpi::find::site_of;

/// What happens to a site within this time is told at once.
const SITE_PAUSE: Duration = Duration::from_millis(500);
/// A session is told at this pace while it runs.
const SESSION_PAUSE: Duration = Duration::from_secs(5);
/// Its begin and end are told after this time, so that what belongs together is.
const SESSION_EDGE: Duration = Duration::from_millis(300);

/// Properties that a location shows.
const SHOWN: &[&str] = &[
    "address",
    "boot_status",
    "city",
    "connector_id",
    "country",
    "evse_id",
    "lat_deg",
    "lon_deg",
    "max_current_a",
    "max_power_w",
    "max_voltage_v",
    "name",
    "online",
    "postal_code",
    "status",
    "time_zone",
    "type",
];

type SessionKey = (TenantId, String, String);

/// What is to be looked at.
#[derive(Debug, Default)]
pub(super) struct Dirt {
    everywhere: HashSet<TenantId>,
    sites: HashMap<(TenantId, TwinId), Instant>,
    sessions: HashMap<SessionKey, Instant>,
}

impl Dirt {
    /// Takes an event to where it matters. `graph` is that of the tenant, at or after the event.
    pub(super) fn hear(&mut self, event: &Event, graph: &Graph) {
        match &event.body {
            EventBody::Patched { values }
                if values.iter().any(|(name, _)| SHOWN.binary_search(&name.as_str()).is_ok()) =>
            {
                self.twin(event, graph);
            }
            EventBody::Created { model, .. }
                if [SITE, HUB, STATION, EVSE, CONNECTOR].contains(&model.as_str()) =>
            {
                self.twin(event, graph);
            }
            // what it was may have been a part of a site too
            EventBody::Retyped { .. } => self.all_sites(&event.tenant),
            EventBody::Linked { name, .. } => {
                if matches!(name.as_str(), "contains" | "hasEvse" | "hasConnector") {
                    self.twin(event, graph);
                }
            }
            EventBody::Unlinked { .. } => {
                let twin = graph.twin(event.twin.as_str());
                if twin.is_some_and(|twin| [SITE, HUB, STATION, EVSE].iter().any(|m| is_a(graph, &twin, m))) {
                    self.all_sites(&event.tenant);
                }
            }
            // transactions come and go as twins of their own
            EventBody::Deleted if !event.twin.as_str().contains(":tx:") => self.all_sites(&event.tenant),
            EventBody::Transaction(fact) => {
                let pause = match fact.phase {
                    TransactionPhase::Updated => SESSION_PAUSE,
                    TransactionPhase::Started | TransactionPhase::Ended => SESSION_EDGE,
                };
                let key = (event.tenant.clone(), event.twin.to_string(), fact.transaction_id.clone());
                let due = Instant::now() + pause;
                let at = self.sessions.entry(key).or_insert(due);
                *at = due.min(*at);
            }
            _ => {}
        }
    }

    fn twin(&mut self, event: &Event, graph: &Graph) {
        let site = graph.twin(event.twin.as_str()).and_then(|twin| site_of(graph, twin));
        if let Some(site) = site {
            self.site(&event.tenant, site.id().clone());
        }
    }

    pub(super) fn all_sites(&mut self, tenant: &TenantId) {
        self.everywhere.insert(tenant.clone());
    }

    pub(super) fn site(&mut self, tenant: &TenantId, site: TwinId) {
        self.sites.entry((tenant.clone(), site)).or_insert_with(|| Instant::now() + SITE_PAUSE);
    }

    pub(super) fn session(&mut self, tenant: &TenantId, station: &str, transaction_id: &str) {
        let key = (tenant.clone(), station.to_owned(), transaction_id.to_owned());
        self.sessions.entry(key).or_insert_with(Instant::now);
    }

    /// Tenants of whom every site is to be looked at; they are named sites from then on.
    pub(super) fn sites_everywhere(&mut self) -> Vec<TenantId> {
        self.everywhere.drain().collect()
    }

    pub(super) fn sites_due(&self) -> Vec<(TenantId, TwinId)> {
        due(&self.sites)
    }

    pub(super) fn site_done(&mut self, tenant: &TenantId, site: &TwinId) {
        self.sites.remove(&(tenant.clone(), site.clone()));
    }

    pub(super) fn sessions_due(&self) -> Vec<SessionKey> {
        due(&self.sessions)
    }

    pub(super) fn session_done(&mut self, tenant: &TenantId, station: &str, transaction_id: &str) {
        self.sessions.remove(&(tenant.clone(), station.to_owned(), transaction_id.to_owned()));
    }

    pub(super) fn is_clean(&self) -> bool {
        self.everywhere.is_empty() && self.sites.is_empty() && self.sessions.is_empty()
    }
}

fn due<K: Clone>(all: &HashMap<K, Instant>) -> Vec<K> {
    let now = Instant::now();
    all.iter().filter(|(_, at)| **at <= now).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::SHOWN;

    #[test]
    fn the_properties_are_sorted_to_be_searched() {
        assert!(SHOWN.is_sorted());
    }
}
