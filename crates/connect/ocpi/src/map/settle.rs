//! What really changed between two views of a location.

use crate::{CiText, DateTime, Evse, EvseStatus, Location};

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// Nothing.
    None,
    /// Only the status of these EVSEs.
    Status(Vec<CiText<36>>),
    /// More than that.
    Whole,
}

/// Gives a fresh view of a location its times: what is as it was `before` keeps its `last_updated`, what differs gets
/// that of `fresh`, and whatever holds it too. EVSEs that are gone stay as `REMOVED`.
#[must_use]
pub fn settle(mut fresh: Location, before: Option<&Location>) -> (Location, Changes) {
    let Some(before) = before else { return (fresh, Changes::Whole) };
    let now = fresh.last_updated;
    let mut status = Vec::new();
    let mut whole = false;
    for evse in &mut fresh.evses {
        match before.evses.iter().find(|old| old.uid == evse.uid) {
            None => whole = true,
            Some(old) => match settle_evse(evse, old) {
                Changes::None => {}
                Changes::Status(uids) => status.extend(uids),
                Changes::Whole => whole = true,
            },
        }
    }
    for old in &before.evses {
        if !fresh.evses.iter().any(|evse| evse.uid == old.uid) {
            let (gone, news) = removed(old, now);
            whole |= news;
            fresh.evses.push(gone);
        }
    }
    let bare = |location: &Location| Location { evses: Vec::new(), last_updated: now, ..location.clone() };
    whole |= bare(&fresh) != bare(before);
    let changes = match (whole, status.is_empty()) {
        (true, _) => Changes::Whole,
        (false, false) => Changes::Status(status),
        (false, true) => Changes::None,
    };
    if changes == Changes::None {
        fresh.last_updated = before.last_updated;
    }
    (fresh, changes)
}

/// A location that is published no more: OCPI cannot take one back, so all its EVSEs become `REMOVED`.
#[must_use]
pub fn retired(before: &Location, now: DateTime) -> (Location, Changes) {
    let mut location = before.clone();
    let mut news = false;
    for evse in &mut location.evses {
        let (gone, changed) = removed(evse, now);
        *evse = gone;
        news |= changed;
    }
    if news {
        location.last_updated = now;
    }
    (location, if news { Changes::Whole } else { Changes::None })
}

fn removed(evse: &Evse, now: DateTime) -> (Evse, bool) {
    if evse.status == EvseStatus::Removed {
        return (evse.clone(), false);
    }
    (Evse { status: EvseStatus::Removed, last_updated: now, ..evse.clone() }, true)
}

fn settle_evse(evse: &mut Evse, old: &Evse) -> Changes {
    let now = evse.last_updated;
    for connector in &mut evse.connectors {
        if let Some(before) = old.connectors.iter().find(|before| before.id == connector.id) {
            connector.last_updated = before.last_updated;
            if connector != before {
                connector.last_updated = now;
            }
        }
    }
    let bare = |evse: &Evse| Evse { status: EvseStatus::Unknown, last_updated: now, ..evse.clone() };
    if bare(evse) != bare(old) {
        return Changes::Whole;
    }
    if evse.status != old.status {
        return Changes::Status(vec![evse.uid.clone()]);
    }
    evse.last_updated = old.last_updated;
    Changes::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::location::tests::World;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    fn view(world: &World, now: &str) -> Location {
        let mut location = world.location().0.unwrap();
        location.last_updated = at(now);
        for evse in &mut location.evses {
            evse.last_updated = at(now);
            evse.connectors.iter_mut().for_each(|connector| connector.last_updated = at(now));
        }
        location
    }

    const EARLY: &str = "2026-01-01T00:00:00Z";
    const LATE: &str = "2026-01-02T00:00:00Z";

    #[test]
    fn times_follow_what_changed_and_nothing_else() {
        let mut world = World::new();
        let (first, changes) = settle(view(&world, EARLY), None);
        assert_eq!(changes, Changes::Whole);
        let (same, changes) = settle(view(&world, LATE), Some(&first));
        assert_eq!((&same, changes), (&first, Changes::None));

        world.patch("ST:1:1", "status", "Charging".into());
        let (busy, changes) = settle(view(&world, LATE), Some(&first));
        assert_eq!(changes, Changes::Status(vec![CiText::new("ST:1").unwrap()]));
        assert_eq!((busy.last_updated, busy.evses[0].last_updated), (at(LATE), at(LATE)));
        assert_eq!(busy.evses[0].connectors[0].last_updated, at(EARLY));

        world.patch("ST:1:1", "max_power_w", 50_000.0.into());
        let (other, changes) = settle(view(&world, LATE), Some(&first));
        assert_eq!(changes, Changes::Whole);
        assert_eq!(other.evses[0].connectors[0].last_updated, at(LATE));

        world.patch("SITE", "name", "Port".into());
        let (named, changes) = settle(view(&world, LATE), Some(&other));
        assert_eq!((changes, named.evses[0].last_updated), (Changes::Whole, at(LATE)));
    }

    #[test]
    fn an_evse_that_is_gone_is_removed_once() {
        let (first, _) = settle(view(&World::new(), EARLY), None);
        let empty = Location { evses: Vec::new(), last_updated: at(LATE), ..first.clone() };
        let (gone, changes) = settle(empty.clone(), Some(&first));
        assert_eq!((changes, &gone.evses[0].status), (Changes::Whole, &EvseStatus::Removed));
        let (again, changes) = settle(empty, Some(&gone));
        assert_eq!((changes, &again), (Changes::None, &gone));
        let (retired_once, changes) = retired(&first, at(LATE));
        assert_eq!((changes, &retired_once.evses[0].status), (Changes::Whole, &EvseStatus::Removed));
        assert_eq!(retired(&retired_once, at(LATE)), (retired_once.clone(), Changes::None));
    }
}
