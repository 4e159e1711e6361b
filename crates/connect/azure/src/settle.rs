//! Many things at once, in the order in which they can be done.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};

use crate::SyncError;
use crate::content::Key;
use crate::engine::{Keys, Mode, Synchronisation};
use crate::merge::{Conflict, Policy, Side};
use crate::one::Settled;
use crate::plane::Written;

/// How often what waits for something else is looked at again.
const PASSES: u32 = 5;

impl Synchronisation {
    /// Settles what is somewhere: twins, relationships, deletions. What waits for something else has its turn again.
    pub(crate) async fn settle(&self, keys: Keys) -> Result<(), SyncError> {
        let mut keys = keys;
        let mut doomed = BTreeSet::new();
        for pass in 0..PASSES {
            if keys.is_empty() {
                return Ok(());
            }
            let last = pass + 1 == PASSES;
            let (twins, links): (Keys, Keys) =
                keys.into_iter().partition(|(key, _)| matches!(key, Key::Twin(_)));
            keys = Keys::new();
            let twins_to_delete = self.settle_twins(twins).await?;
            let mut links_to_delete = Vec::new();
            for (key, outcome) in self.each("relationships", links, false).await? {
                match outcome {
                    Settled::ToDelete => links_to_delete.push(key),
                    Settled::Waits(target) if last => self.waits(&key, &target),
                    Settled::Waits(target) => {
                        // its twins are looked at first, as they may be missing for a reason
                        keys.insert(Key::Twin(key.twin().to_owned()), None);
                        keys.insert(Key::Twin(target), None);
                        keys.insert(key, None);
                    }
                    Settled::Busy => drop(keys.insert(key, None)),
                    Settled::Done | Settled::Held(_) | Settled::Left => {}
                }
            }
            doomed.extend(twins_to_delete.iter().chain(&links_to_delete).cloned());
            self.check_deletes(doomed.len())?;
            keys.extend(self.delete(twins_to_delete, links_to_delete, last).await?);
        }
        for key in keys.keys() {
            self.left(Side::Azure, key, "it changes faster than it is settled");
        }
        Ok(())
    }

    fn waits(&self, key: &Key, target: &str) {
        let reason = format!("one of its twins, {} or {target}, is not there", key.twin());
        self.left(Side::Azure, key, &reason);
    }

    /// Twins that come or change; those that are to be deleted are given back.
    pub(crate) async fn settle_twins(&self, twins: Keys) -> Result<Vec<Key>, SyncError> {
        let mut later = Vec::new();
        let mut busy = twins;
        for _ in 0..PASSES {
            let outcomes = self.each("twins", std::mem::take(&mut busy), false).await?;
            for (key, outcome) in outcomes {
                match outcome {
                    Settled::ToDelete => later.push(key),
                    Settled::Busy => drop(busy.insert(key, None)),
                    _ => {}
                }
            }
            if busy.is_empty() {
                break;
            }
        }
        Ok(later)
    }

    /// Deletes relationships and then twins. Answers what is to be looked at again.
    async fn delete(&self, twins: Vec<Key>, links: Vec<Key>, last: bool) -> Result<Keys, SyncError> {
        let mut again = Keys::new();
        let links = links.into_iter().map(|key| (key, None)).collect();
        for (key, outcome) in self.each("deletions of relationships", links, true).await? {
            if matches!(outcome, Settled::Busy | Settled::Waits(_)) {
                again.insert(key, None);
            }
        }
        let twins = twins.into_iter().map(|key| (key, None)).collect();
        for (key, outcome) in self.each("deletions of twins", twins, true).await? {
            match outcome {
                Settled::Held(side) if last => {
                    self.left(side, &key, "it is deleted at the other end, and relationships hold it here");
                }
                Settled::Held(side) => again.extend(self.let_go(&key, side).await?),
                Settled::Busy => drop(again.insert(key, None)),
                _ => {}
            }
        }
        Ok(again)
    }

    /// A mistake, such as an instance that was emptied, must not empty the other end too. `count` is of all passes.
    fn check_deletes(&self, count: usize) -> Result<(), SyncError> {
        let most = self.settings.deletes_max;
        if self.mode == Mode::Plan || count <= most {
            Ok(())
        } else {
            Err(SyncError::Deletes { count, most })
        }
    }

    /// A twin is deleted at one end and cannot be at `side`, as relationships hold it there. Those that both ends knew go
    /// with it. One that is new at `side` is an edit of the twin against its deletion: where the edit holds, the twin is
    /// brought back; where it does not, the relationship goes.
    async fn let_go(&self, twin: &Key, side: Side) -> Result<Keys, SyncError> {
        let links = self.ends[side as usize].relationships_of(twin.twin()).await?;
        let mut keys: Keys = links.iter().map(|key| (key.clone(), None)).collect();
        let mut new = Vec::new();
        for key in &links {
            if self.state.row(key).await?.base.is_none() {
                new.push(key);
            }
        }
        if !new.is_empty() {
            let holds = match self.policy() {
                Policy::Side(winner) => winner == side,
                Policy::Newest => true,
            };
            self.progress.conflicts(1);
            let winner = if holds { side } else { side.other() };
            let seen = self.ends[side as usize].seen(twin).await?;
            let mut values = [None, None];
            values[side as usize] = seen.map(|seen| seen.content.document());
            let conflict = Conflict { place: String::new(), values, winner };
            self.report.conflicts(twin, &[conflict]);
            if holds {
                // nothing was agreed on any more: what is there is new
                self.state.agree(twin, None, [None, None]).await?;
            } else {
                for key in new {
                    let end = &self.ends[side as usize];
                    let seen = end.seen(key).await?;
                    let written = end.write(key, None, seen.as_ref()).await?;
                    if matches!(written, Written::Done(_)) && seen.is_some() {
                        self.progress.wrote(side, "delete", key.kind());
                    }
                }
            }
        }
        keys.insert(twin.clone(), None);
        Ok(keys)
    }

    /// Settles many at once.
    async fn each(&self, doing: &str, keys: Keys, deletes: bool) -> Result<Vec<(Key, Settled)>, SyncError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.progress.begin(doing, keys.len());
        let one = |(key, hint): (Key, Option<Side>)| async move {
            let outcome = self.reconcile(&key, hint, deletes).await;
            self.progress.looked();
            outcome.map(|outcome| (key, outcome))
        };
        let keys = stream::iter(keys).take_until(self.cancel.cancelled());
        let mut outcomes = std::pin::pin!(keys.map(one).buffer_unordered(self.settings.concurrency.max(1)));
        let mut found = Vec::new();
        while let Some(outcome) = outcomes.next().await {
            found.push(outcome?);
        }
        if self.cancel.is_cancelled() { Err(SyncError::Stopped) } else { Ok(found) }
    }
}
