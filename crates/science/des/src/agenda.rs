//! The calendar of events: a heap over exact keys.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeSet, BinaryHeap},
};

/// The place of an event in the order of all: its instant, then its rank, then the order in which it was scheduled.
///
/// A non-negative number and its bits, read as an integer, have the same order, so that a comparison is one of integers
/// and ties are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    time_bits: u64,
    rank_and_order: u64,
}

const ORDER_BITS: u32 = 56;

/// Names one scheduled event, to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(Key);

#[derive(Debug, Clone, Copy)]
struct Entry<E> {
    key: Reverse<Key>,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// What is going to happen, and when.
///
/// Events of one instant come in the order of their ranks (lower first), those of one rank as they were scheduled. An
/// instant in the past counts as now, so that rounding never turns time back.
///
/// ```
/// use voltwin_des::Agenda;
///
/// let mut agenda = Agenda::new();
/// agenda.schedule(5.0, 1, "second");
/// agenda.schedule(5.0, 0, "first");
/// let ticket = agenda.schedule(6.0, 0, "never");
/// assert!(agenda.cancel(ticket));
/// assert_eq!(agenda.pop(), Some((5.0, "first")));
/// assert_eq!(agenda.pop(), Some((5.0, "second")));
/// assert_eq!(agenda.pop(), None);
/// ```
#[derive(Debug, Clone)]
pub struct Agenda<E> {
    heap: BinaryHeap<Entry<E>>,
    cancelled: BTreeSet<Key>,
    scheduled: u64,
    last: Option<Key>,
    now: f64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Agenda<E> {
    /// An empty calendar at time 0.
    #[must_use]
    pub const fn new() -> Self {
        Self { heap: BinaryHeap::new(), cancelled: BTreeSet::new(), scheduled: 0, last: None, now: 0.0 }
    }

    /// The instant of the event that came last.
    #[must_use]
    pub const fn now(&self) -> f64 {
        self.now
    }

    /// Adds an event at `at` (the unit of time is the caller's).
    pub fn schedule(&mut self, at: f64, rank: u8, event: E) -> Ticket {
        debug_assert!(!at.is_nan(), "an instant is a number");
        let at = if at > self.now { at } else { self.now };
        let rank_and_order = (u64::from(rank) << ORDER_BITS) | self.scheduled;
        self.scheduled += 1;
        // adding zero makes a negative zero positive, whose bits would come last
        let key = Key { time_bits: (at + 0.0).to_bits(), rank_and_order };
        self.heap.push(Entry { key: Reverse(key), event });
        Ticket(key)
    }

    /// Takes an event back; whether it was still to come.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        // Keys come out in their order, so what is not above the last one has been. An event may be scheduled below
        // it at the same instant by a lower rank; it is then found in the heap, which is rare and therefore searched.
        let passed = self.last.is_some_and(|last| ticket.0 <= last);
        if passed && !self.heap.iter().any(|entry| entry.key.0 == ticket.0) {
            return false;
        }
        self.cancelled.insert(ticket.0)
    }

    /// The instant of the next event.
    #[must_use]
    pub fn peek_time(&mut self) -> Option<f64> {
        self.skip_cancelled();
        self.heap.peek().map(|entry| f64::from_bits(entry.key.0.time_bits))
    }

    /// The next event, which happens now.
    pub fn pop(&mut self) -> Option<(f64, E)> {
        self.skip_cancelled();
        let entry = self.heap.pop()?;
        let key = entry.key.0;
        self.now = f64::from_bits(key.time_bits);
        self.last = Some(self.last.map_or(key, |last| last.max(key)));
        Some((self.now, entry.event))
    }

    /// How many events are to come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len() - self.cancelled.len()
    }

    /// Whether nothing is to come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn skip_cancelled(&mut self) {
        while !self.cancelled.is_empty() {
            match self.heap.peek() {
                Some(entry) if self.cancelled.remove(&entry.key.0) => {
                    self.heap.pop();
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Agenda;

    #[test]
    fn what_was_cannot_be_cancelled() {
        let mut agenda = Agenda::new();
        let first = agenda.schedule(1.0, 0, 'a');
        assert_eq!(agenda.pop(), Some((1.0, 'a')));
        assert!(!agenda.cancel(first));
        let late = agenda.schedule(0.5, 0, 'b');
        assert_eq!(agenda.peek_time(), Some(1.0), "the past counts as now");
        assert!(agenda.cancel(late));
        assert!(!agenda.cancel(late));
        assert!(agenda.is_empty());
    }

    #[test]
    fn a_lower_rank_of_the_same_instant_can_be_cancelled() {
        let mut agenda = Agenda::new();
        agenda.schedule(1.0, 5, 'a');
        assert_eq!(agenda.pop(), Some((1.0, 'a')));
        let ticket = agenda.schedule(1.0, 0, 'b');
        assert!(agenda.cancel(ticket));
        assert_eq!(agenda.pop(), None);
    }

    proptest! {
        /// Against a list that is sorted anew for each event.
        #[test]
        fn order_is_that_of_a_sorted_list(
            plan in prop::collection::vec((0_u8..6, 0_u8..3, any::<bool>()), 1..60)
        ) {
            let mut agenda = Agenda::new();
            let mut list = Vec::new();
            for (number, (at, rank, cancel)) in plan.iter().enumerate() {
                let ticket = agenda.schedule(f64::from(*at), *rank, number);
                if *cancel {
                    prop_assert!(agenda.cancel(ticket));
                } else {
                    list.push((*at, *rank, number));
                }
            }
            prop_assert_eq!(agenda.len(), list.len());
            list.sort_unstable();
            for (at, _, number) in list {
                prop_assert_eq!(agenda.pop(), Some((f64::from(at), number)));
            }
            prop_assert_eq!(agenda.pop(), None);
        }
    }
}
