//! The one sequenced change feed. The newest events are in memory; a reader whose place is older reads the journal.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;
use voltwin_core::{Seq, Sequenced};
use voltwin_store::Journal;

use crate::RuntimeError;
use crate::watch::Watched;

/// Events handed out by one call of [`FeedReader::next`] at most.
const BATCH: usize = 1_024;
/// Events that a reader which is behind memory reads from the journal at once: it unpacks thousands at a time anyway.
const AHEAD: usize = 8 * BATCH;

/// The writing end; readers come from [`crate::Runtime::feed`].
#[derive(Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

struct Shared {
    journal: Journal,
    ring: RwLock<Ring>,
    head: watch::Sender<Seq>,
    capacity: usize,
}

struct Ring {
    events: VecDeque<Watched>,
    /// Everything after this place is in `events`.
    floor: Seq,
}

impl Feed {
    /// A feed that has everything after `floor` up to `head` in `events` already.
    pub(crate) fn new(
        journal: Journal,
        (floor, head): (Seq, Seq),
        events: VecDeque<Watched>,
        capacity: usize,
    ) -> Self {
        let ring = RwLock::new(Ring { events, floor });
        Self { shared: Arc::new(Shared { journal, ring, head: watch::Sender::new(head), capacity }) }
    }

    pub(crate) fn push(&self, events: Vec<Watched>) {
        let Some(last) = events.last().map(|event| event.sequenced.seq) else { return };
        let mut ring = self.shared.ring.write();
        ring.events.extend(events);
        while ring.events.len() > self.shared.capacity {
            if let Some(oldest) = ring.events.pop_front() {
                ring.floor = oldest.sequenced.seq;
            }
        }
        drop(ring);
        self.shared.head.send_replace(last);
    }

    pub(crate) fn head(&self) -> Seq {
        *self.shared.head.borrow()
    }

    pub(crate) fn reader(&self, after: Seq) -> FeedReader {
        let (shared, head) = (self.shared.clone(), self.shared.head.subscribe());
        FeedReader { shared, head, place: after, ahead: VecDeque::new() }
    }
}

/// One reader with its own place.
pub struct FeedReader {
    shared: Arc<Shared>,
    head: watch::Receiver<Seq>,
    place: Seq,
    /// What was read from the journal and not handed out.
    ahead: VecDeque<Watched>,
}

impl FeedReader {
    /// The next events in journal order, 1 to 1 024 of them; waits while there are none. Telemetry that has been
    /// pruned from the journal is left out for a reader that comes later than that.
    ///
    /// # Errors
    /// [`RuntimeError::Store`] when the journal cannot be read, [`RuntimeError::Stopped`] when the runtime is gone.
    pub async fn next(&mut self) -> Result<Vec<Arc<Sequenced>>, RuntimeError> {
        self.next_as(|event| event.sequenced.clone(), |sequenced| sequenced.seq).await
    }

    /// As [`FeedReader::next`], with what the events of watched tenants found.
    ///
    /// # Errors
    /// Those of [`FeedReader::next`].
    pub async fn next_watched(&mut self) -> Result<Vec<Watched>, RuntimeError> {
        self.next_as(Watched::clone, |event| event.sequenced.seq).await
    }

    async fn next_as<T>(
        &mut self,
        pick: impl Fn(&Watched) -> T + Copy,
        seq: impl Fn(&T) -> Seq,
    ) -> Result<Vec<T>, RuntimeError> {
        loop {
            let head = *self.head.borrow_and_update();
            if self.place < head {
                let batch = match self.read_memory(pick) {
                    Some(batch) => {
                        self.ahead.clear();
                        batch
                    }
                    None => self.read_journal().await?.iter().map(pick).collect(),
                };
                match batch.last() {
                    Some(last) => {
                        self.place = seq(last);
                        return Ok(batch);
                    }
                    // all of it was pruned
                    None => self.place = head,
                }
            } else {
                self.head.changed().await.map_err(|_| RuntimeError::Stopped)?;
            }
        }
    }

    /// The place of the last event handed out.
    #[must_use]
    pub fn place(&self) -> Seq {
        self.place
    }

    /// How many journal places lie between this reader and the newest event.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.head.borrow().0.saturating_sub(self.place.0)
    }

    fn read_memory<T>(&self, pick: impl Fn(&Watched) -> T) -> Option<Vec<T>> {
        let ring = self.shared.ring.read();
        if self.place < ring.floor {
            return None;
        }
        let start = ring.events.partition_point(|event| event.sequenced.seq <= self.place);
        Some(ring.events.range(start..).take(BATCH).map(pick).collect())
    }

    async fn read_journal(&mut self) -> Result<Vec<Watched>, RuntimeError> {
        if self.ahead.is_empty() {
            let events = self.shared.journal.read_after(self.place, AHEAD).await?;
            self.ahead.extend(events.into_iter().map(Watched::unseen));
        }
        let count = self.ahead.len().min(BATCH);
        Ok(self.ahead.drain(..count).collect())
    }
}
