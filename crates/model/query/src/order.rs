//! `ORDER BY`: the first rows of an order, without holding the rest.

use std::cmp::Ordering;

use crate::eval::Row;
use crate::place::{Place, Thing};
use crate::value::Key;

/// The first `keep` rows in order; of those that are alike, the ones that came first.
pub(crate) struct First<'r> {
    order: &'r [(Place, bool)],
    keep: usize,
    held: Vec<Held<'r>>,
    /// The keys of the last row that was kept when they were sorted last: what does not come before it is not kept.
    last: Option<Vec<Key>>,
    came: u64,
}

struct Held<'r> {
    keys: Vec<Key>,
    came: u64,
    things: Vec<Option<Thing<'r>>>,
}

impl<'r> First<'r> {
    pub(crate) fn new(order: &'r [(Place, bool)], keep: usize) -> Self {
        Self { order, keep, held: Vec::new(), last: None, came: 0 }
    }

    pub(crate) fn add(&mut self, row: Row<'_, 'r>) {
        let keys: Vec<Key> = self.order.iter().map(|(place, _)| Key::of(&row.read(place))).collect();
        self.came += 1;
        if self.last.as_ref().is_some_and(|last| compare(self.order, &keys, last).is_ge()) {
            return;
        }
        self.held.push(Held { keys, came: self.came, things: row.things.to_vec() });
        // Twice as many are held as are kept, so that sorting costs little for each.
        if self.held.len() >= self.keep.saturating_mul(2).max(64) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let order = self.order;
        self.held.sort_unstable_by(|a, b| compare(order, &a.keys, &b.keys).then(a.came.cmp(&b.came)));
        self.held.truncate(self.keep);
        self.last = self.held.get(self.keep.wrapping_sub(1)).map(|last| last.keys.clone());
    }

    /// What stands in the slots of each row, in order.
    pub(crate) fn rows(mut self) -> Vec<Vec<Option<Thing<'r>>>> {
        self.settle();
        self.held.into_iter().map(|held| held.things).collect()
    }
}

fn compare(order: &[(Place, bool)], a: &[Key], b: &[Key]) -> Ordering {
    let keys = a.iter().zip(b).zip(order);
    let one = |((a, b), (_, descending)): ((&Key, &Key), &(Place, bool))| {
        if *descending { b.cmp(a) } else { a.cmp(b) }
    };
    keys.map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
