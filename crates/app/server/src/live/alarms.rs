//! The open alarms of a tenant, by the station or vehicle that they light up.

use std::collections::HashMap;

use voltwin_core::{AlarmChange, AlarmFact, AlarmId, Severity, TwinId};
use voltwin_graph::{Graph, TwinRef};
use voltwin_wire::AlarmLevel;

use crate::network::{CONNECTOR, EVSE, PACK, STATION, VEHICLE, is_a, parent, station_of_connector};

#[derive(Debug, Clone)]
struct Open {
    owner: TwinId,
    severity: Severity,
    acknowledged: bool,
}

#[derive(Debug, Default)]
pub(super) struct AlarmBook {
    open: HashMap<AlarmId, Open>,
    by_owner: HashMap<TwinId, Vec<AlarmId>>,
}

impl AlarmBook {
    /// Notes an alarm that is open.
    pub(super) fn insert(&mut self, id: AlarmId, owner: TwinId, severity: Severity, acknowledged: bool) {
        let known = self.open.insert(id, Open { owner: owner.clone(), severity, acknowledged });
        if known.is_none() {
            self.by_owner.entry(owner).or_default().push(id);
        }
    }

    /// Follows a change and answers whose row it changes. `owner` is that of the alarm's twin.
    pub(super) fn apply(&mut self, fact: &AlarmFact, owner: Option<TwinId>) -> Option<TwinId> {
        match &fact.change {
            AlarmChange::Raised { severity, .. } => {
                let owner = owner?;
                self.insert(fact.id, owner.clone(), *severity, false);
                Some(owner)
            }
            AlarmChange::Acknowledged { .. } => {
                let open = self.open.get_mut(&fact.id)?;
                open.acknowledged = true;
                Some(open.owner.clone())
            }
            AlarmChange::Cleared => {
                let open = self.open.remove(&fact.id)?;
                if let Some(ids) = self.by_owner.get_mut(&open.owner) {
                    ids.retain(|id| *id != fact.id);
                    if ids.is_empty() {
                        self.by_owner.remove(&open.owner);
                    }
                }
                Some(open.owner)
            }
        }
    }

    /// The worst open alarm of a station or vehicle, and whether one is not acknowledged.
    pub(super) fn level(&self, owner: &str) -> (AlarmLevel, bool) {
        let ids = self.by_owner.get(owner).map(Vec::as_slice).unwrap_or_default();
        let open = || ids.iter().filter_map(|id| self.open.get(id));
        let level = match open().map(|alarm| alarm.severity).max() {
            None => AlarmLevel::None,
            Some(Severity::Info) => AlarmLevel::Info,
            Some(Severity::Minor) => AlarmLevel::Minor,
            Some(Severity::Major) => AlarmLevel::Major,
            Some(Severity::Critical) => AlarmLevel::Critical,
        };
        (level, open().any(|alarm| !alarm.acknowledged))
    }
}

/// The station or vehicle that a twin is, or is part of.
pub(super) fn owner(graph: &Graph, twin: &str) -> Option<TwinId> {
    let twin = graph.twin(twin)?;
    let found: Option<TwinRef<'_>> = if is_a(graph, &twin, STATION) || is_a(graph, &twin, VEHICLE) {
        Some(twin)
    } else if is_a(graph, &twin, EVSE) {
        parent(graph, &twin, "hasEvse", STATION)
    } else if is_a(graph, &twin, CONNECTOR) {
        station_of_connector(graph, &twin)
    } else if is_a(graph, &twin, PACK) {
        parent(graph, &twin, "hasPack", VEHICLE)
    } else {
        None
    };
    found.map(|twin| twin.id().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: u128, change: AlarmChange) -> AlarmFact {
        AlarmFact { id: AlarmId(uuid::Uuid::from_u128(id)), change }
    }

    fn raised(severity: Severity) -> AlarmChange {
        AlarmChange::Raised { code: "C".into(), severity, message: "m".into() }
    }

    #[test]
    fn the_worst_open_alarm_counts_until_it_is_cleared() {
        let mut book = AlarmBook::default();
        let station: TwinId = "S".parse().unwrap();
        let owner = || Some(station.clone());
        book.apply(&fact(1, raised(Severity::Minor)), owner());
        book.apply(&fact(2, raised(Severity::Critical)), owner());
        // a reader that starts over sees what it has seen
        book.apply(&fact(2, raised(Severity::Critical)), owner());
        assert_eq!(book.level("S"), (AlarmLevel::Critical, true));
        assert_eq!(book.apply(&fact(2, AlarmChange::Cleared), None), owner());
        assert_eq!(book.level("S"), (AlarmLevel::Minor, true));
        book.apply(&fact(1, AlarmChange::Acknowledged { by: "x".into() }), None);
        assert_eq!(book.level("S"), (AlarmLevel::Minor, false));
        book.apply(&fact(1, AlarmChange::Cleared), None);
        assert_eq!(book.level("S"), (AlarmLevel::None, false));
        assert!(book.by_owner.is_empty() && book.open.is_empty());
    }
}
