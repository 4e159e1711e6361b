//! Stations that come into the registry and leave it while we run, also by the command line beside us.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use voltwin_core::{EventBody, TenantId, TwinId};
use voltwin_graph::TwinRef;
use voltwin_store::STATION_DEEDS_MAX;

use crate::stations::STATION;
use crate::{CentralSystem, CsmsError, Inner};

/// How often the registry is asked what has changed.
const LOOK: Duration = Duration::from_secs(3);

impl CentralSystem {
    /// Ends a station that is not registered any more: its connection, and its twins with those of its EVSEs and
    /// connectors. What it did stays: transactions, alarms, messages, history.
    ///
    /// # Errors
    /// When the removal of a twin cannot be recorded.
    pub async fn retire_station(&self, tenant: &TenantId, station: &TwinId) -> Result<(), CsmsError> {
        if let Some(entry) = self.inner.directory.get(tenant, station) {
            entry.replaced.cancel();
            self.inner.directory.leave(tenant, station, entry.generation);
        }
        let twins: Vec<TwinId> = self.inner.runtime.read(tenant, |graph| {
            let is_station = |twin: &TwinRef<'_>| graph.ontology().is_a(twin.model().as_str(), STATION);
            let Some(twin) = graph.twin(station.as_str()).filter(is_station) else { return Vec::new() };
            let evses: Vec<TwinRef<'_>> = twin.related("hasEvse").collect();
            let connectors = evses.iter().flat_map(|evse| evse.related("hasConnector").collect::<Vec<_>>());
            let mut twins: Vec<TwinId> = connectors.map(|connector| connector.id().clone()).collect();
            twins.extend(evses.iter().map(|evse| evse.id().clone()));
            twins.push(station.clone());
            twins
        });
        for twin in &twins {
            self.inner.runtime.submit(self.event(tenant, twin, EventBody::Deleted)).await?;
        }
        Ok(())
    }

    /// Follows the registry from the deeds in `seen` on, until the central system is dropped.
    pub(crate) fn follow_registry(&self, mut seen: HashMap<TenantId, i64>) {
        let inner: Weak<Inner> = Arc::downgrade(&self.inner);
        let stopping = self.inner.runtime.stopping();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                let Some(inner) = inner.upgrade() else { return };
                let csms = Self { inner };
                if let Err(error) = csms.follow_once(&mut seen).await {
                    tracing::debug!(%error, "the registry could not be followed");
                }
            }
        });
    }

    async fn follow_once(&self, seen: &mut HashMap<TenantId, i64>) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store();
        for tenant in store.tenants().await? {
            if self.inner.runtime.readable(&tenant.tenant).is_err() {
                continue;
            }
            let seen = seen.entry(tenant.tenant.clone()).or_insert(0);
            let registry = store.tenant(&tenant.tenant);
            let newest = registry.newest_deed().await?;
            if newest == *seen {
                continue;
            }
            let deeds = registry.station_deeds(*seen, newest).await?;
            let all = deeds.len() < STATION_DEEDS_MAX;
            for deed in deeds {
                let station: TwinId = deed.station.parse()?;
                // what holds now counts: it may have been added again since
                match registry.station(&deed.station).await? {
                    Some(record) => {
                        let name = if record.name.is_empty() { &deed.station } else { &record.name };
                        self.ensure_named_station(&tenant.tenant, &station, name).await?;
                    }
                    None if !deed.added => self.retire_station(&tenant.tenant, &station).await?,
                    None => {}
                }
                *seen = deed.id;
            }
            if all {
                // deeds of other kinds are not looked at again
                *seen = newest;
            }
        }
        Ok(())
    }
}
