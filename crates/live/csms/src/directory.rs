//! Who is connected, and how to reach them.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use voltwin_core::{CommandId, TenantId, TwinId};
use voltwin_ocpp::{CallOutcome, Command, Version};

/// Commands that may wait at one station's link; more are refused as busy.
pub(crate) const LINK_QUEUE: usize = 32;

/// A command on its way to a link.
pub(crate) struct Dispatch {
    pub(crate) id: CommandId,
    pub(crate) command: Command,
    pub(crate) outcome: oneshot::Sender<CallOutcome>,
}

/// The connection of one station.
#[derive(Clone)]
pub(crate) struct Entry {
    /// Grows with every connection, so that an old one cannot speak for a new one.
    pub(crate) generation: u64,
    pub(crate) version: Version,
    /// Boxed: a channel has room for 32 of them from the beginning, and most stations are told nothing for hours.
    pub(crate) commands: mpsc::Sender<Box<Dispatch>>,
    /// Cancelled when a newer connection takes over.
    pub(crate) replaced: CancellationToken,
}

#[derive(Default)]
pub(crate) struct Directory {
    entries: Mutex<HashMap<(TenantId, TwinId), Entry>>,
}

impl Directory {
    /// The new connection takes over; the old one, if any, is told so.
    pub(crate) fn enter(&self, tenant: &TenantId, station: &TwinId, entry: Entry) {
        let mut entries = self.entries.lock();
        let old = entries.insert((tenant.clone(), station.clone()), entry);
        metrics::gauge!("voltwin_stations_connected").set(entries.len() as f64);
        drop(entries);
        if let Some(old) = old {
            metrics::counter!("voltwin_station_takeovers_total").increment(1);
            old.replaced.cancel();
        }
    }

    /// Removes the connection if it is still the station's own; tells whether it was.
    pub(crate) fn leave(&self, tenant: &TenantId, station: &TwinId, generation: u64) -> bool {
        let mut entries = self.entries.lock();
        let key = (tenant.clone(), station.clone());
        let own = entries.get(&key).is_some_and(|entry| entry.generation == generation);
        if own {
            entries.remove(&key);
            metrics::gauge!("voltwin_stations_connected").set(entries.len() as f64);
        }
        own
    }

    pub(crate) fn get(&self, tenant: &TenantId, station: &TwinId) -> Option<Entry> {
        self.entries.lock().get(&(tenant.clone(), station.clone())).cloned()
    }

    /// All that speak this version.
    pub(crate) fn stations(&self, version: Version) -> Vec<(TenantId, TwinId)> {
        let entries = self.entries.lock();
        entries.iter().filter(|(_, entry)| entry.version == version).map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.lock().len()
    }
}
