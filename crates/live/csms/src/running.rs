//! How far each running transaction has come and where it is, so that its next event need not be looked for in the
//! registry.
//!
//! Only a transaction whose start this process recorded before anything else of it is known here: from then on every event of it passes through
//! this process, and one that lies beyond all of them cannot have been recorded. Any doubt is settled by the registry.

use std::collections::HashMap;

use parking_lot::Mutex;
use voltwin_core::{TenantId, TransactionFact, TransactionPhase, TwinId, last_seq_no_of_moment};

use crate::uses::Standing;

/// Transactions remembered at once; beyond it new ones are looked up, which costs time and nothing else.
const RUNNING_MAX: usize = 200_000;

type Key = (TenantId, TwinId, String);
/// Sequence number and phase, which order the events of a transaction.
type Place = (u64, u8);
/// EVSE and connector.
type Outlet = (Option<u32>, Option<u32>);

#[derive(Debug, Clone, Copy)]
struct Known {
    /// The last place of the moment that it has come to: reports of OCPP 1.6 of one moment are in no order.
    farthest: Place,
    outlet: Outlet,
}

#[derive(Default)]
pub(crate) struct Running {
    known: Mutex<HashMap<Key, Known>>,
}

impl Running {
    /// Whether the event lies beyond everything that its transaction has recorded. A second start never does: it may be
    /// that of another transaction, with a number that goes on.
    pub(crate) fn is_new(&self, tenant: &TenantId, station: &TwinId, fact: &TransactionFact) -> bool {
        if fact.phase == TransactionPhase::Started {
            return false;
        }
        let key = (tenant.clone(), station.clone(), fact.transaction_id.clone());
        self.known.lock().get(&key).is_some_and(|known| known.farthest < place(fact))
    }

    /// Where a transaction is, as far as it has been told.
    pub(crate) fn outlet(&self, tenant: &TenantId, station: &TwinId, transaction_id: &str) -> Option<Outlet> {
        let key = (tenant.clone(), station.clone(), transaction_id.to_owned());
        self.known.lock().get(&key).map(|known| known.outlet)
    }

    /// From here on the transaction is looked up.
    pub(crate) fn forget(&self, tenant: &TenantId, station: &TwinId, transaction_id: &str) {
        self.known.lock().remove(&(tenant.clone(), station.clone(), transaction_id.to_owned()));
    }

    /// Takes note of an event that has been recorded for the first time. A start that was not the first that was told of
    /// its transaction begins nothing here: it may have ended already, or share its id with another.
    pub(crate) fn recorded(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        fact: &TransactionFact,
        standing: Standing,
    ) {
        let key = (tenant.clone(), station.clone(), fact.transaction_id.clone());
        let mut running = self.known.lock();
        match fact.phase {
            TransactionPhase::Ended => {
                running.remove(&key);
            }
            TransactionPhase::Started => {
                if standing == Standing::First && running.len() < RUNNING_MAX {
                    running.insert(key, Known { farthest: place(fact), outlet: (fact.evse, fact.connector) });
                }
            }
            TransactionPhase::Updated => {
                if let Some(known) = running.get_mut(&key) {
                    let (seq_no, phase) = place(fact);
                    known.farthest = known.farthest.max((last_seq_no_of_moment(seq_no), phase));
                    let (evse, connector) = known.outlet;
                    known.outlet = (evse.or(fact.evse), connector.or(fact.connector));
                }
            }
        }
    }
}

fn place(fact: &TransactionFact) -> Place {
    let phase = match fact.phase {
        TransactionPhase::Started => 0,
        TransactionPhase::Updated => 1,
        TransactionPhase::Ended => 2,
    };
    (fact.seq_no, phase)
}

#[cfg(test)]
mod tests {
    use voltwin_core::{SEQ_NO_OF_STOP, Timestamp, seq_no_of_report};

    use super::*;

    fn fact(phase: TransactionPhase, seq_no: u64) -> TransactionFact {
        TransactionFact {
            transaction_id: "t".to_owned(),
            phase,
            seq_no,
            start_key: None,
            evse: None,
            connector: None,
            id_token: None,
            meter_wh: None,
            trigger: None,
            stopped_reason: None,
            charging_state: None,
            offline: false,
            clock_ahead_ms: None,
            samples: Vec::new(),
            signed: Vec::new(),
            station_cost: None,
            reserved_from: None,
            quarantined: false,
        }
    }

    #[test]
    fn only_what_lies_beyond_a_recorded_start_is_new_for_sure() {
        use TransactionPhase::{Ended, Started, Updated};
        let running = Running::default();
        let (tenant, station) = ("demo".parse().unwrap(), "ST-1".parse().unwrap());
        let is_new = |phase, seq_no| running.is_new(&tenant, &station, &fact(phase, seq_no));
        let record = |phase, seq_no, standing| {
            running.recorded(&tenant, &station, &fact(phase, seq_no), standing);
        };
        assert!(!is_new(Updated, 1), "nothing is known of it");
        record(Updated, 1, Standing::First);
        assert!(!is_new(Updated, 2), "its start may have been recorded by an earlier run, and more with it");
        record(Started, 0, Standing::More);
        assert!(!is_new(Updated, 2), "its end may have been told before its start");
        record(Started, 0, Standing::First);
        assert!(is_new(Updated, 1) && !is_new(Started, 0));
        assert!(!is_new(Started, 7), "it may begin another transaction");
        record(Updated, 5, Standing::More);
        assert!(!is_new(Updated, 4) && !is_new(Updated, 5) && is_new(Updated, 6));
        running.forget(&tenant, &station, "t");
        assert!(!is_new(Updated, 6), "its id was given again");
        record(Started, 0, Standing::First);
        record(Ended, 6, Standing::More);
        assert!(!is_new(Updated, 7), "a transaction that has ended is looked up");
    }

    #[test]
    fn a_second_report_of_one_moment_is_looked_up() {
        use TransactionPhase::{Ended, Started, Updated};
        let running = Running::default();
        let (tenant, station) = ("demo".parse().unwrap(), "ST-1".parse().unwrap());
        let report = |ms| seq_no_of_report(Timestamp::from_millis(ms), "a");
        running.recorded(&tenant, &station, &fact(Started, 0), Standing::First);
        running.recorded(&tenant, &station, &fact(Updated, report(1_795_000_000_500)), Standing::More);
        let is_new = |phase, seq_no| running.is_new(&tenant, &station, &fact(phase, seq_no));
        let other = seq_no_of_report(Timestamp::from_millis(1_795_000_000_500), "b");
        assert!(!is_new(Updated, other) && !is_new(Updated, report(1_795_000_000_900)));
        assert!(is_new(Updated, report(1_795_000_001_000)) && is_new(Ended, SEQ_NO_OF_STOP));
    }

    #[test]
    fn a_connector_that_is_told_later_is_known_from_then_on() {
        use TransactionPhase::{Started, Updated};
        let running = Running::default();
        let (tenant, station) = ("demo".parse().unwrap(), "ST-1".parse().unwrap());
        let at = |phase, seq_no, evse, connector| {
            let fact = TransactionFact { evse, connector, ..fact(phase, seq_no) };
            running.recorded(&tenant, &station, &fact, Standing::First);
            running.outlet(&tenant, &station, "t")
        };
        assert_eq!(at(Started, 0, Some(1), None), Some((Some(1), None)));
        assert_eq!(at(Updated, 1, Some(1), Some(2)), Some((Some(1), Some(2))));
        assert_eq!(at(Updated, 2, None, None), Some((Some(1), Some(2))));
    }
}
