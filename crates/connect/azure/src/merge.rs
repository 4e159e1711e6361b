//! Two ends and what they last agreed on, made one: the three-way merge, value by value.
//!
//! An end has **changed** a value where it differs from the base and from everything that was sent to that end since.
//! The second half is what makes a crash harmless: a write that was done, but of which nobody wrote down that it was
//! done, must not look like somebody's edit.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::content::{Content, Nature, Seen, same_as};

/// One of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The instance of Azure Digital Twins.
    Azure,
    /// The tenant of Voltwin.
    Voltwin,
}

impl Side {
    /// Both, in the order of everything that is kept by side.
    pub const BOTH: [Self; 2] = [Self::Azure, Self::Voltwin];

    /// The one across.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Azure => Self::Voltwin,
            Self::Voltwin => Self::Azure,
        }
    }

    /// `azure` or `voltwin`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Voltwin => "voltwin",
        }
    }
}

/// Whose change holds where both ends changed one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// That of one end.
    Side(Side),
    /// The later one by `lastUpdateTime`. What has no time (relationships, removals) is decided by a rule: an edit
    /// holds against a deletion, and Azure otherwise.
    Newest,
}

/// What was sent to an end and may have been done there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Sent {
    Create(Content),
    /// The values that were written, and the nature where that was.
    Patch {
        values: BTreeMap<String, Option<Json>>,
        nature: Option<Nature>,
    },
    Delete,
}

impl Sent {
    /// What makes `want` of what is there; `None` where there is nothing to do.
    pub(crate) fn between(there: Option<&Content>, want: Option<&Content>) -> Option<Self> {
        match (there, want) {
            (None, None) => None,
            (None, Some(want)) => Some(Self::Create(want.clone())),
            (Some(_), None) => Some(Self::Delete),
            (Some(there), Some(want)) if there.same(want) => None,
            (Some(there), Some(want)) => {
                let places: BTreeSet<&String> = there.values.keys().chain(want.values.keys()).collect();
                let differing = |place: &&String| !same_as(there.values.get(*place), want.values.get(*place));
                let values = places.into_iter().filter(differing);
                let values = values.map(|place| (place.clone(), want.values.get(place).cloned())).collect();
                let nature = (there.nature != want.nature).then(|| want.nature.clone());
                Some(Self::Patch { values, nature })
            }
        }
    }

    fn wrote(&self, place: &str, value: Option<&Json>) -> bool {
        match self {
            Self::Create(content) => same_as(content.values.get(place), value),
            Self::Patch { values, .. } => values.get(place).is_some_and(|sent| same_as(sent.as_ref(), value)),
            Self::Delete => false,
        }
    }

    fn wrote_nature(&self, nature: &Nature) -> bool {
        match self {
            Self::Create(content) => content.nature == *nature,
            Self::Patch { nature: Some(sent), .. } => sent == nature,
            Self::Patch { .. } | Self::Delete => false,
        }
    }
}

/// One end, with what was sent there since the base.
#[derive(Clone, Copy)]
pub(crate) struct End<'a> {
    pub(crate) seen: Option<&'a Seen>,
    pub(crate) sent: &'a [Sent],
}

impl<'a> End<'a> {
    fn value(&self, place: &str) -> Option<&'a Json> {
        self.seen.and_then(|seen| seen.content.values.get(place))
    }

    /// Whether the value is one that we brought.
    fn is_ours(&self, place: &str) -> bool {
        self.sent.iter().any(|sent| sent.wrote(place, self.value(place)))
    }

    fn changed(&self, base: Option<&Content>, place: &str) -> bool {
        let held = base.and_then(|base| base.values.get(place));
        !same_as(self.value(place), held) && !self.is_ours(place)
    }

    fn changed_nature(&self, base: Option<&Content>) -> bool {
        let Some(seen) = self.seen else { return false };
        let nature = &seen.content.nature;
        base.is_none_or(|base| base.nature != *nature)
            && !self.sent.iter().any(|sent| sent.wrote_nature(nature))
    }

    /// Whether anything was changed there.
    fn edited(&self, base: Option<&Content>) -> bool {
        let Some(seen) = self.seen else { return false };
        let held = base.into_iter().flat_map(|base| base.values.keys());
        self.changed_nature(base)
            || seen.content.values.keys().chain(held).any(|place| self.changed(base, place))
    }

    /// Whether somebody took it away there: it was there, and we did not.
    fn removed(&self, base: Option<&Content>) -> bool {
        self.seen.is_none() && base.is_some() && !self.sent.contains(&Sent::Delete)
    }
}

/// Something that both ends changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conflict {
    /// The pointer of the value; empty for the whole.
    pub(crate) place: String,
    /// What Azure and Voltwin say; `None` where it is gone.
    pub(crate) values: [Option<Json>; 2],
    pub(crate) winner: Side,
}

/// What both ends are to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Merged {
    pub(crate) want: Option<Content>,
    pub(crate) conflicts: Vec<Conflict>,
}

impl Merged {
    fn just(want: Option<Content>) -> Self {
        Self { want, conflicts: Vec::new() }
    }
}

/// Merges. `ends` are Azure's and Voltwin's.
pub(crate) fn merge(base: Option<&Content>, ends: [End<'_>; 2], policy: Policy) -> Merged {
    let base = base.or_else(|| ends.iter().find_map(created_by_us));
    match (ends[0].seen, ends[1].seen) {
        (None, None) => Merged::just(None),
        (Some(_), None) => one_left(base, ends, Side::Azure, policy),
        (None, Some(_)) => one_left(base, ends, Side::Voltwin, policy),
        (Some(azure), Some(voltwin)) if azure.content.nature == voltwin.content.nature => {
            by_value(base, ends, [azure, voltwin], policy)
        }
        (Some(azure), Some(voltwin)) => by_nature(base, ends, [azure, voltwin], policy),
    }
}

/// What we sent to be made, where it plainly was: then it is what the ends agreed on, though nobody wrote that down.
fn created_by_us<'a>(end: &End<'a>) -> Option<&'a Content> {
    let seen = end.seen?;
    end.sent.iter().rev().find_map(|sent| match sent {
        Sent::Create(content)
            if content.nature == seen.content.nature
                && content.values.keys().all(|place| seen.content.values.contains_key(place)) =>
        {
            Some(content)
        }
        _ => None,
    })
}

/// It is at `there` and not at the other end.
fn one_left(base: Option<&Content>, ends: [End<'_>; 2], there: Side, policy: Policy) -> Merged {
    let (here, away) = (ends[there as usize], ends[there.other() as usize]);
    let content = here.seen.map(|seen| seen.content.clone());
    if !away.removed(base) {
        return Merged::just(content);
    }
    if !here.edited(base) {
        return Merged::just(None);
    }
    let winner = match policy {
        Policy::Side(side) => side,
        Policy::Newest => there,
    };
    let mut values = [None, None];
    values[there as usize] = content.as_ref().map(Content::document);
    let conflict = Conflict { place: String::new(), values, winner };
    Merged { want: content.filter(|_| winner == there), conflicts: vec![conflict] }
}

/// Both have it as different things: one of them holds as a whole.
fn by_nature(base: Option<&Content>, ends: [End<'_>; 2], seen: [&Seen; 2], policy: Policy) -> Merged {
    let changed = ends.map(|end| end.changed_nature(base));
    let winner = match changed {
        [true, false] => Side::Azure,
        [false, true] => Side::Voltwin,
        // neither is somebody's change: one is the base, and the other we brought; the base came back
        [false, false] if base.is_some_and(|base| base.nature == seen[1].content.nature) => Side::Voltwin,
        [false, false] => Side::Azure,
        [true, true] => match policy {
            Policy::Side(side) => side,
            Policy::Newest => later(latest(seen[0]), latest(seen[1])),
        },
    };
    let loser = ends[winner.other() as usize];
    let conflicting = changed != [false, false] && loser.edited(base);
    let documents = seen.map(|seen| Some(seen.content.document()));
    let conflict = Conflict { place: String::new(), values: documents, winner };
    Merged {
        want: Some(seen[winner as usize].content.clone()),
        conflicts: if conflicting { vec![conflict] } else { Vec::new() },
    }
}

fn by_value(base: Option<&Content>, ends: [End<'_>; 2], seen: [&Seen; 2], policy: Policy) -> Merged {
    let mut want = seen[0].content.clone();
    want.parts.extend(seen[1].content.parts.iter().cloned());
    let mut conflicts = Vec::new();
    let places: BTreeSet<&String> = seen.iter().flat_map(|seen| seen.content.values.keys()).collect();
    for place in places {
        let values = ends.map(|end| end.value(place));
        if same_as(values[0], values[1]) {
            continue;
        }
        let winner = match ends.map(|end| end.changed(base, place)) {
            [true, false] => Side::Azure,
            [false, true] => Side::Voltwin,
            // one is the base, the other we brought: the base came back
            [false, false] if same_as(values[1], base.and_then(|base| base.values.get(place))) => {
                Side::Voltwin
            }
            [false, false] => Side::Azure,
            [true, true] => {
                let winner = decide(policy, values, seen, place);
                let values = values.map(|value| value.cloned());
                conflicts.push(Conflict { place: place.clone(), values, winner });
                winner
            }
        };
        match values[winner as usize] {
            Some(value) => want.values.insert(place.clone(), value.clone()),
            None => want.values.remove(place),
        };
    }
    Merged { want: Some(want), conflicts }
}

fn decide(policy: Policy, values: [Option<&Json>; 2], seen: [&Seen; 2], place: &str) -> Side {
    match (policy, values) {
        (Policy::Side(side), _) => side,
        (Policy::Newest, [Some(_), None]) => Side::Azure,
        (Policy::Newest, [None, Some(_)]) => Side::Voltwin,
        (Policy::Newest, _) => later(seen[0].times.get(place).copied(), seen[1].times.get(place).copied()),
    }
}

fn latest(seen: &Seen) -> Option<voltwin_core::Timestamp> {
    seen.times.values().max().copied()
}

/// Azure holds at the same moment, and where one of the two has no time.
fn later(azure: Option<voltwin_core::Timestamp>, voltwin: Option<voltwin_core::Timestamp>) -> Side {
    match (azure, voltwin) {
        (Some(azure), Some(voltwin)) if voltwin > azure => Side::Voltwin,
        _ => Side::Azure,
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
