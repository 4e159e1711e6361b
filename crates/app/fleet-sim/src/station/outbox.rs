//! What waits to be said, in the order in which it happened.

use std::collections::VecDeque;

use voltwin_core::TransactionPhase;
use voltwin_ocpp::station::{StationMessage, StationTransaction};

use super::SessionId;

/// Error frames after which a transaction message is given up (OCPP `TransactionMessageAttempts`).
pub(super) const ATTEMPTS: u32 = 3;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    /// Kept until answered.
    Transaction { session: SessionId, message: StationTransaction },
    /// Dropped with the connection, and after an error frame.
    Passing(StationMessage),
}

impl Entry {
    fn is_update(&self) -> bool {
        matches!(self, Self::Transaction { message, .. } if message.phase == TransactionPhase::Updated)
    }
}

#[derive(Debug)]
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
    limit: usize,
    pub(super) dropped: u64,
    /// Error frames that the first entry has met.
    pub(super) attempts: u32,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), limit, dropped: 0, attempts: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Room for a start, which is refused rather than dropped; a few places are kept for ends.
    pub(super) fn has_room(&self) -> bool {
        self.entries.len() + 2 < self.limit || self.entries.iter().skip(1).any(Entry::is_update)
    }

    /// Adds an entry. When full, the oldest update that is not under way makes room, else an update or passing message
    /// is dropped itself. Starts are held back by [`Outbox::has_room`] and each start brings at most one end, so the
    /// queue never grows beyond its limit by more than the transactions that run.
    pub(super) fn push(&mut self, entry: Entry) {
        if self.entries.len() >= self.limit {
            if let Some(oldest) = (1..self.entries.len()).find(|&i| self.entries[i].is_update()) {
                self.entries.remove(oldest);
                self.dropped += 1;
            } else if entry.is_update() || matches!(entry, Entry::Passing(_)) {
                self.dropped += 1;
                return;
            }
        }
        self.entries.push_back(entry);
    }

    pub(super) fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.attempts = 0;
        self.entries.pop_front()
    }

    /// Forgets what is not kept over an outage.
    pub(super) fn drop_passing(&mut self) {
        self.attempts = 0;
        self.entries.retain(|entry| matches!(entry, Entry::Transaction { .. }));
    }

    /// Marks what now waits as told late.
    pub(super) fn mark_offline(&mut self) {
        for entry in &mut self.entries {
            if let Entry::Transaction { message, .. } = entry {
                message.offline = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voltwin_core::{Decimal, Timestamp};

    fn entry(phase: TransactionPhase, seq_no: u64) -> Entry {
        let message = StationTransaction {
            phase,
            transaction_id: "1".into(),
            seq_no,
            evse: 1,
            connector: 1,
            id_token: None,
            token_type: None,
            at: Timestamp::default(),
            meter_wh: Decimal::ZERO,
            trigger: None,
            stopped_reason: None,
            charging_state: None,
            offline: false,
            remote_start_id: None,
            samples: Vec::new(),
        };
        Entry::Transaction { session: SessionId(1), message }
    }

    #[test]
    fn a_full_queue_gives_up_old_updates_and_never_an_end() {
        let mut outbox = Outbox::new(4);
        outbox.push(entry(TransactionPhase::Started, 0));
        for seq_no in 1..10 {
            outbox.push(entry(TransactionPhase::Updated, seq_no));
        }
        outbox.push(entry(TransactionPhase::Ended, 10));
        outbox.push(Entry::Passing(StationMessage::Heartbeat));
        let numbers: Vec<u64> = std::iter::from_fn(|| outbox.pop())
            .filter_map(
                |e| if let Entry::Transaction { message, .. } = e { Some(message.seq_no) } else { None },
            )
            .collect();
        assert_eq!(numbers, [0, 9, 10]);
        assert_eq!(outbox.dropped, 8);
    }
}
