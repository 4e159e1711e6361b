//! What has just been written, handed to those who wait for one subject of it.
//!
//! Without it each of a thousand readers of one twin would look through every event: an event costs one look-up here, and
//! wakes those that it concerns. A reader that does not keep up is told the first event that found no room, and goes back
//! to the log from there.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::log::Entry;

/// Events that wait for one reader at most.
const WAITING: usize = 256;

type BySubject = HashMap<String, Vec<Arc<Tail>>>;

/// The readers that wait, by their subjects.
#[derive(Debug, Default)]
pub(crate) struct Tails {
    all: Arc<Mutex<BySubject>>,
}

impl Tails {
    pub(crate) fn follow(&self, subject: &str) -> Following {
        let tail = Arc::new(Tail::default());
        self.all.lock().entry(subject.to_owned()).or_default().push(tail.clone());
        Following { all: self.all.clone(), subject: subject.to_owned(), tail }
    }

    pub(crate) fn push(&self, entries: &[Arc<Entry>]) {
        let all = self.all.lock();
        if all.is_empty() {
            return;
        }
        for entry in entries {
            let subject = entry.event.subject.as_deref().unwrap_or_default();
            all.get(subject).into_iter().flatten().for_each(|tail| tail.push(entry));
        }
    }
}

#[derive(Debug, Default)]
struct Tail {
    state: Mutex<State>,
    woken: Notify,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Arc<Entry>>,
    /// The number of the first that found no room; none is taken after it.
    missed: Option<u64>,
}

impl Tail {
    fn push(&self, entry: &Arc<Entry>) {
        let mut state = self.state.lock();
        if state.missed.is_some() {
            return;
        }
        if state.entries.len() < WAITING {
            state.entries.push_back(entry.clone());
        } else {
            state.missed = Some(entry.event.sequence);
        }
        drop(state);
        self.woken.notify_one();
    }
}

/// What a reader finds.
pub(crate) enum Taken {
    Entries(Vec<Arc<Entry>>),
    Nothing,
    /// From this number on it must read the log.
    Missed(u64),
}

/// One reader's end; it is forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Following {
    all: Arc<Mutex<BySubject>>,
    subject: String,
    tail: Arc<Tail>,
}

impl Following {
    /// The next events, `limit` at most.
    pub(crate) fn take(&self, limit: usize) -> Taken {
        let mut state = self.tail.state.lock();
        if state.entries.is_empty() {
            return state.missed.map_or(Taken::Nothing, Taken::Missed);
        }
        let count = state.entries.len().min(limit);
        Taken::Entries(state.entries.drain(..count).collect())
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.tail.state.lock();
        state.entries.is_empty() && state.missed.is_none()
    }

    /// Waits for something to take. May be dropped while it waits.
    pub(crate) async fn woken(&self) {
        self.tail.woken.notified().await;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(tails) = all.get_mut(&self.subject) {
            tails.retain(|tail| !Arc::ptr_eq(tail, &self.tail));
            if tails.is_empty() {
                all.remove(&self.subject);
            }
        }
    }
}
