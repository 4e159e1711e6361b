//! Relationships: a slab of records, found by source and id, and listed at both ends by the rows.

use std::ops::Range;

use rustc_hash::FxHashMap;
use voltwin_core::{PropertyMap, PropertyName, RelationshipId, Seq, Timestamp};

#[derive(Debug, Clone)]
pub(crate) struct LinkRecord {
    pub(crate) id: RelationshipId,
    pub(crate) name: PropertyName,
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) properties: PropertyMap,
    pub(crate) changed: Seq,
    pub(crate) updated: Timestamp,
}

/// The name of a relationship as a number, the same in the whole graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkName(u32);

/// Which end of its relationships a twin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// They begin at the twin.
    Out,
    /// They point to the twin.
    In,
}

/// A relationship as a twin's list has it: enough to walk on without reading the relationship itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The number of the relationship: stays the same while it lives, and goes to another one afterwards.
    pub link: u32,
    /// The row of the twin at its other end. The twin may be gone where that end is the target.
    pub to: u32,
    /// Its name.
    pub name: LinkName,
}

/// Where a record stands in the lists of its two ends.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    outgoing: u32,
    incoming: u32,
}

/// Every relationship of the graph. The lists of the ends are here too, so that adding and removing one keeps
/// records, index and lists together; all of it is O(1), also for a twin with a hundred thousand relationships.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    records: Vec<Option<(LinkRecord, Places)>>,
    free: Vec<u32>,
    by_id: FxHashMap<(u32, RelationshipId), u32>,
    outgoing: Vec<Vec<Hop>>,
    incoming: Vec<Vec<Hop>>,
    /// Names are those of the ontology, and stay when the last relationship of that name goes.
    names: FxHashMap<PropertyName, LinkName>,
}

impl Links {
    pub(crate) fn find(&self, source: u32, id: &RelationshipId) -> Option<&LinkRecord> {
        self.get(*self.by_id.get(&(source, id.clone()))?)
    }

    /// Makes room for so many more relationships at once.
    pub(crate) fn reserve(&mut self, links: usize) {
        self.records.reserve(links);
        self.by_id.reserve(links);
    }

    pub(crate) fn get(&self, number: u32) -> Option<&LinkRecord> {
        self.records.get(number as usize)?.as_ref().map(|(record, _)| record)
    }

    /// Every number that a record has or had.
    pub(crate) fn numbers(&self) -> Range<u32> {
        0..self.records.len() as u32
    }

    pub(crate) fn name(&self, name: &str) -> Option<LinkName> {
        self.names.get(name).copied()
    }

    pub(crate) fn hops(&self, row: u32, way: Way) -> &[Hop] {
        let lists = match way {
            Way::Out => &self.outgoing,
            Way::In => &self.incoming,
        };
        lists.get(row as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn outgoing(&self, row: u32) -> impl Iterator<Item = &LinkRecord> {
        self.hops(row, Way::Out).iter().filter_map(|hop| self.get(hop.link))
    }

    pub(crate) fn incoming(&self, row: u32) -> impl Iterator<Item = &LinkRecord> {
        self.hops(row, Way::In).iter().filter_map(|hop| self.get(hop.link))
    }

    pub(crate) fn has_incoming(&self, row: u32) -> bool {
        !self.hops(row, Way::In).is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Adds a relationship; one of the same source and id must have been removed before.
    pub(crate) fn add(&mut self, mut record: LinkRecord) {
        let number = self.free.pop().unwrap_or(self.records.len() as u32);
        let name = self.intern(&mut record.name);
        let hop = |to| Hop { link: number, to, name };
        let places = Places {
            outgoing: append(&mut self.outgoing, record.source, hop(record.target)),
            incoming: append(&mut self.incoming, record.target, hop(record.source)),
        };
        self.by_id.insert((record.source, record.id.clone()), number);
        let entry = Some((record, places));
        match self.records.get_mut(number as usize) {
            Some(free) => *free = entry,
            None => self.records.push(entry),
        }
    }

    /// The number of a name; all records of a name share its text.
    fn intern(&mut self, name: &mut PropertyName) -> LinkName {
        if let Some((known, number)) = self.names.get_key_value(name) {
            *name = known.clone();
            return *number;
        }
        let number = LinkName(self.names.len() as u32);
        self.names.insert(name.clone(), number);
        number
    }

    pub(crate) fn remove(&mut self, source: u32, id: &RelationshipId) -> Option<LinkRecord> {
        let number = self.by_id.remove(&(source, id.clone()))?;
        let (record, places) = self.records.get_mut(number as usize)?.take()?;
        self.free.push(number);
        // The last entry of each list takes the place that falls vacant.
        if let Some(moved) = swap_remove(&mut self.outgoing, record.source, places.outgoing)
            && let Some(Some((_, at))) = self.records.get_mut(moved as usize)
        {
            at.outgoing = places.outgoing;
        }
        if let Some(moved) = swap_remove(&mut self.incoming, record.target, places.incoming)
            && let Some(Some((_, at))) = self.records.get_mut(moved as usize)
        {
            at.incoming = places.incoming;
        }
        Some(record)
    }

    /// Removes every relationship that begins at `row` and answers the rows that they pointed to.
    pub(crate) fn remove_outgoing(&mut self, row: u32) -> Vec<u32> {
        let ids: Vec<RelationshipId> = self.outgoing(row).map(|record| record.id.clone()).collect();
        ids.iter().filter_map(|id| self.remove(row, id)).map(|record| record.target).collect()
    }
}

fn append(lists: &mut Vec<Vec<Hop>>, row: u32, hop: Hop) -> u32 {
    if row as usize >= lists.len() {
        lists.resize(row as usize + 1, Vec::new());
    }
    let list = &mut lists[row as usize];
    list.push(hop);
    (list.len() - 1) as u32
}

/// Removes the entry at `place` and answers the number of the record that stands there now.
fn swap_remove(lists: &mut [Vec<Hop>], row: u32, place: u32) -> Option<u32> {
    let list = lists.get_mut(row as usize)?;
    list.swap_remove(place as usize);
    list.get(place as usize).map(|hop| hop.link)
}
