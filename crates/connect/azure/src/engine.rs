//! What brings the ends into agreement: where to look, and in which order what is found there is settled.
//!
//! Models come first, in the order of what they need; then twins; then relationships; then what is deleted, relationships
//! before their twins; then models that are decommissioned or deleted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use parking_lot::Mutex;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::SyncError;
use crate::client::{Client, EndSettings};
use crate::content::{Content, Key, Nature, Seen};
use crate::merge::{End, Policy, Sent, Side, merge};
use crate::plane::{Listed, Written};
use crate::progress::Progress;
use crate::report::Report;
use crate::state::{self, Row, SENT_MAX, Standing, State};

/// How often something is read and merged anew because it changed meanwhile, before others have their turn.
const ATTEMPTS: u32 = 6;
/// How often what waits for something else is looked at again.
const PASSES: u32 = 5;
/// Planned changes that are listed; all are counted.
pub(crate) const PLANNED_MAX: usize = 10_000;

/// Which ends are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    Both,
    /// One: what the other end changes is carried there, and what it changes itself stays there alone.
    To(Side),
}

impl Direction {
    pub(crate) fn writes_to(self, side: Side) -> bool {
        matches!(self, Self::Both) || self == Self::To(side)
    }
}

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: what would be is written down.
    Plan,
    /// What must be.
    Apply,
}

/// All that a synchronisation is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The instance of Azure Digital Twins.
    pub azure: EndSettings,
    /// The tenant of Voltwin.
    pub voltwin: EndSettings,
    /// The file of what was agreed on.
    pub state: PathBuf,
    /// The file of conflicts and problems.
    pub report: Option<PathBuf>,
    /// Which ends are written to.
    pub direction: Direction,
    /// Whose change holds.
    pub policy: Policy,
    /// Whether a model that is deleted at one end is deleted at the other.
    pub delete_models: bool,
    /// Twins and relationships of one end that may be deleted in one round.
    pub deletes_max: usize,
    /// Twins whose ids begin so; all where there are none.
    pub twins: Vec<String>,
    /// Twins whose models begin so; all where there are none.
    pub models: Vec<String>,
    /// Things that are settled at once.
    pub concurrency: usize,
    /// How often Azure is asked what was written.
    pub poll: Duration,
    /// How often everything is compared.
    pub sweep: Duration,
    /// How far queries of Azure may lag behind its writes.
    pub lag: Duration,
}

/// A change that there would be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Planned {
    /// `azure` or `voltwin`.
    pub end: &'static str,
    /// `create`, `update` or `delete`; of models also `decommission` and `recommission`.
    pub deed: &'static str,
    /// `model`, `twin` or `relationship`.
    pub kind: &'static str,
    /// Which.
    pub id: String,
}

/// What a round came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Changes that there would be, of a plan, up to 10,000 of them.
    pub planned: Vec<Planned>,
    /// What an end does not take.
    pub problems: usize,
}

/// A synchronisation of two ends.
#[derive(Debug)]
pub struct Synchronisation {
    pub(crate) ends: [Client; 2],
    pub(crate) settings: Settings,
    pub(crate) mode: Mode,
    pub(crate) state: State,
    pub(crate) report: Report,
    pub(crate) progress: Progress,
    pub(crate) cancel: CancellationToken,
    /// The models that are known to be at each end.
    pub(crate) models: [Mutex<HashSet<String>>; 2],
    /// Held while models are uploaded for a twin.
    pub(crate) uploading: tokio::sync::Mutex<()>,
    planned: Mutex<Vec<Planned>>,
    /// Twins that a plan would make.
    planned_twins: Mutex<HashSet<String>>,
}

/// What became of one thing.
enum Settled {
    Done,
    /// It is to be deleted at an end, and not yet.
    ToDelete,
    /// A relationship whose twins are not all there; its target.
    Waits(String),
    /// A twin that is to be deleted at an end, and that relationships hold there.
    Held(Side),
    /// It changes faster than it is settled.
    Busy,
    /// An end does not take it.
    Left,
}

/// Where to look, and which end says so, if one does: what stands there as it was agreed on is our own write.
pub(crate) type Keys = BTreeMap<Key, Option<Side>>;

impl Synchronisation {
    /// Opens the state and prepares both ends; nothing is asked of them yet.
    ///
    /// # Errors
    /// [`SyncError::Setting`], [`SyncError::State`].
    pub async fn open(
        settings: Settings,
        mode: Mode,
        progress: Progress,
        cancel: CancellationToken,
    ) -> Result<Self, SyncError> {
        let end = |side, end: &EndSettings| Client::new(side, end.clone(), progress.clone(), cancel.clone());
        let ends = [end(Side::Azure, &settings.azure)?, end(Side::Voltwin, &settings.voltwin)?];
        let names = format!("{} and {}", ends[0].name(), ends[1].name());
        let state = match mode {
            Mode::Apply => State::open(&settings.state, &names).await?,
            Mode::Plan => State::look_at(&settings.state, &names).await?,
        };
        let report = Report::new(settings.report.as_deref().filter(|_| mode == Mode::Apply))?;
        Ok(Self {
            ends,
            settings,
            mode,
            state,
            report,
            progress,
            cancel,
            models: Default::default(),
            uploading: Default::default(),
            planned: Mutex::default(),
            planned_twins: Mutex::default(),
        })
    }

    /// Compares everything once and settles it.
    ///
    /// # Errors
    /// Any [`SyncError`]; what was settled until then stays so.
    pub async fn once(&self) -> Result<Outcome, SyncError> {
        self.sweep().await?;
        let mut planned = std::mem::take(&mut *self.planned.lock());
        planned.sort();
        Ok(Outcome { planned, problems: self.report.problems() })
    }

    /// The policy; with one direction its source holds.
    pub(crate) fn policy(&self) -> Policy {
        match self.settings.direction {
            Direction::Both => self.settings.policy,
            Direction::To(side) => Policy::Side(side.other()),
        }
    }

    /// Looks everywhere.
    pub(crate) async fn sweep(&self) -> Result<(), SyncError> {
        let after = self.settle_models().await?;
        self.progress.begin("comparing twins", 0);
        let condition = self.condition();
        let [azure, voltwin] = &self.ends;
        let condition = condition.as_deref();
        let lists = tokio::try_join!(azure.twins(condition), voltwin.twins(condition))?;
        let standing = self.state.standing(state::TWIN).await?;
        let twins = differing([lists.0, lists.1], &standing);
        let twins: Keys =
            twins.into_iter().filter(|key| self.is_named(key.twin())).map(|key| (key, None)).collect();
        // relationships are listed when the twins are settled: those of twins that came meanwhile find them there
        let deletes = self.settle_twins(twins).await?;
        self.progress.begin("comparing relationships", 0);
        let lists = tokio::try_join!(azure.relationships(), voltwin.relationships())?;
        let standing = self.state.standing(state::RELATIONSHIP).await?;
        let mut links = differing([lists.0, lists.1], &standing);
        if self.is_filtered() {
            let known = self.state.standing(state::TWIN).await?;
            let planned = self.planned_twins.lock();
            links.retain(|key| {
                standing.contains_key(key)
                    || known.contains_key(&Key::Twin(key.twin().to_owned()))
                    || planned.contains(key.twin())
            });
        }
        let keys = links.into_iter().chain(deletes).map(|key| (key, None)).collect();
        self.settle(keys).await?;
        self.finish_models(after).await
    }

    /// Settles what is somewhere: twins, relationships, deletions. What waits for something else has its turn again.
    pub(crate) async fn settle(&self, keys: Keys) -> Result<(), SyncError> {
        let mut keys = keys;
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
    async fn settle_twins(&self, twins: Keys) -> Result<Vec<Key>, SyncError> {
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
        self.check_deletes(twins.len() + links.len())?;
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

    /// A mistake, such as an instance that was emptied, must not empty the other end too.
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
            let conflict = crate::merge::Conflict { place: String::new(), values, winner };
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

    async fn reconcile(&self, key: &Key, hint: Option<Side>, deletes: bool) -> Result<Settled, SyncError> {
        let mut row = self.state.row(key).await?;
        if let Some(side) = hint
            && !row.is_pending()
        {
            let seen = self.ends[side as usize].seen(key).await?;
            if seen.map(|seen| seen.etag) == row.etags[side as usize] {
                return Ok(Settled::Done);
            }
        }
        for _ in 0..ATTEMPTS {
            let [azure, voltwin] = &self.ends;
            let (azure, voltwin) = tokio::try_join!(azure.seen(key), voltwin.seen(key))?;
            let seen = [azure, voltwin];
            if !self.is_in_scope(key, &seen).await? {
                return Ok(Settled::Done);
            }
            if let Some(settled) = self.attempt(key, &mut row, &seen, deletes).await? {
                if matches!(settled, Settled::Done) {
                    self.report.solved(key.kind(), &key.to_string());
                }
                return Ok(settled);
            }
        }
        Ok(Settled::Busy)
    }

    /// Merges what was read and writes it; `None` where something else was there already.
    async fn attempt(
        &self,
        key: &Key,
        row: &mut Row,
        seen: &[Option<Seen>; 2],
        deletes: bool,
    ) -> Result<Option<Settled>, SyncError> {
        let end = |side: Side| End { seen: seen[side as usize].as_ref(), sent: &row.sent[side as usize] };
        let merged = merge(row.base.as_ref(), [end(Side::Azure), end(Side::Voltwin)], self.policy());
        let want = merged.want.as_ref();
        let mut agreed = want;
        let mut writes = Vec::new();
        for side in Side::BOTH {
            let there = seen[side as usize].as_ref().map(|seen| &seen.content);
            match Sent::between(there, want) {
                Some(sent) if self.settings.direction.writes_to(side) => writes.push((side, sent)),
                // the source stays as it is, and what the other end did to itself is no agreement
                Some(_) => agreed = there,
                None => {}
            }
        }
        if !deletes && writes.iter().any(|(_, sent)| *sent == Sent::Delete) {
            return Ok(Some(Settled::ToDelete));
        }
        let mut etags = [0, 1].map(|side| seen[side].as_ref().map(|seen| seen.etag.clone()));
        if self.mode == Mode::Plan {
            self.plan(key, &writes);
            self.progress.conflicts(if writes.is_empty() { 0 } else { merged.conflicts.len() });
            return Ok(Some(Settled::Done));
        }
        if writes.is_empty() {
            if row.is_pending() || row.base.as_ref() != agreed || (agreed.is_some() && row.etags != etags) {
                self.state.agree(key, agreed, etags).await?;
            }
            return Ok(Some(Settled::Done));
        }
        for (side, sent) in &writes {
            if let Some(Nature::Model(model)) = sent.new_nature()
                && !self.has_model(*side, model).await?
            {
                self.left(*side, key, &format!("its model {model} is not there and cannot be brought"));
                return Ok(Some(Settled::Left));
            }
        }
        for (side, sent) in &writes {
            let list = &mut row.sent[*side as usize];
            if sent.replaces(key) {
                list.push(Sent::Delete);
            }
            list.push(sent.clone());
            let over = list.len().saturating_sub(SENT_MAX);
            list.drain(..over);
        }
        self.state.intend(key, &row.sent).await?;
        for (side, sent) in &writes {
            match self.write(*side, key, sent, want, seen[*side as usize].as_ref()).await? {
                Written::Done(etag) => {
                    etags[*side as usize] = etag;
                    self.progress.wrote(*side, sent.deed(), key.kind());
                }
                Written::Overtaken => return Ok(None),
                refused => {
                    // what was refused was not done
                    row.sent[*side as usize].pop();
                    self.retract(key, row).await?;
                    return Ok(Some(self.refused(*side, key, want, refused)));
                }
            }
        }
        self.progress.conflicts(merged.conflicts.len());
        self.report.conflicts(key, &merged.conflicts);
        self.state.agree(key, agreed, etags).await?;
        Ok(Some(Settled::Done))
    }

    async fn write(
        &self,
        side: Side,
        key: &Key,
        sent: &Sent,
        want: Option<&Content>,
        seen: Option<&Seen>,
    ) -> Result<Written, SyncError> {
        let end = &self.ends[side as usize];
        if !sent.replaces(key) {
            return end.write(key, want, seen).await;
        }
        // a relationship that points elsewhere is another one
        match end.write(key, None, seen).await? {
            Written::Done(_) => end.write(key, want, None).await,
            other => Ok(other),
        }
    }

    fn refused(&self, side: Side, key: &Key, want: Option<&Content>, written: Written) -> Settled {
        match (written, want.map(|want| &want.nature)) {
            (Written::TwinMissing, Some(Nature::Link(_, target))) => Settled::Waits(target.clone()),
            (Written::Held, _) => Settled::Held(side),
            (Written::Refused(refusal), _) => {
                self.left(side, key, &refusal.to_string());
                Settled::Left
            }
            _ => Settled::Busy,
        }
    }

    /// Takes back what was written down to be sent.
    async fn retract(&self, key: &Key, row: &Row) -> Result<(), SyncError> {
        if row.is_pending() {
            return self.state.intend(key, &row.sent).await;
        }
        self.state.agree(key, row.base.as_ref(), row.etags.clone()).await
    }

    pub(crate) fn left(&self, side: Side, key: &Key, reason: &str) {
        self.progress.problem();
        self.report.problem(side, key.kind(), &key.to_string(), reason);
    }

    fn plan(&self, key: &Key, writes: &[(Side, Sent)]) {
        for (side, sent) in writes {
            if let (Key::Twin(id), Sent::Create(_)) = (key, sent) {
                self.planned_twins.lock().insert(id.clone());
            }
            self.note_planned(*side, sent.deed(), key.kind(), &key.to_string());
        }
    }

    pub(crate) fn note_planned(&self, side: Side, deed: &'static str, kind: &'static str, id: &str) {
        self.progress.wrote(side, deed, kind);
        let mut planned = self.planned.lock();
        if planned.len() < PLANNED_MAX {
            planned.push(Planned { end: side.name(), deed, kind, id: id.to_owned() });
        }
    }

    fn is_filtered(&self) -> bool {
        !self.settings.twins.is_empty() || !self.settings.models.is_empty()
    }

    fn is_named(&self, twin: &str) -> bool {
        let prefixes = &self.settings.twins;
        prefixes.is_empty() || prefixes.iter().any(|prefix| twin.starts_with(prefix))
    }

    /// The condition of the twins that are carried over, in the query language.
    pub(crate) fn condition(&self) -> Option<String> {
        let any = |path: &str, prefixes: &[String]| {
            let one = |prefix: &String| format!("STARTSWITH({path}, '{}')", prefix.replace('\'', "''"));
            let all: Vec<String> = prefixes.iter().map(one).collect();
            (!all.is_empty()).then(|| format!("({})", all.join(" OR ")))
        };
        let parts = [any("T.$dtId", &self.settings.twins), any("T.$metadata.$model", &self.settings.models)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" AND "))
    }

    /// Whether it is carried over: a twin by its id and model, a relationship by its twins.
    async fn is_in_scope(&self, key: &Key, seen: &[Option<Seen>; 2]) -> Result<bool, SyncError> {
        if !self.is_filtered() {
            return Ok(true);
        }
        let natures: Vec<&Nature> = seen.iter().flatten().map(|seen| &seen.content.nature).collect();
        match key {
            Key::Twin(id) => {
                let prefixes = &self.settings.models;
                let fits = |nature: &&Nature| match nature {
                    Nature::Model(model) => prefixes.iter().any(|prefix| model.starts_with(prefix)),
                    Nature::Link(..) => false,
                };
                Ok(self.is_named(id)
                    && (prefixes.is_empty() || natures.is_empty() || natures.iter().any(fits)))
            }
            Key::Relationship(source, _) => {
                let mut twins: BTreeSet<&str> = [source.as_str()].into();
                for nature in natures {
                    if let Nature::Link(_, target) = nature {
                        twins.insert(target);
                    }
                }
                for twin in twins {
                    let key = Key::Twin(twin.to_owned());
                    let known = self.planned_twins.lock().contains(twin);
                    if !known && self.state.row(&key).await?.base.is_none() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}

/// What does not stand as it was agreed on.
fn differing(lists: [Vec<Listed>; 2], standing: &HashMap<Key, Standing>) -> BTreeSet<Key> {
    let lists =
        lists.map(|list| list.into_iter().map(|listed| (listed.key, listed.etag)).collect::<HashMap<_, _>>());
    let listed = lists.iter().flat_map(HashMap::keys);
    let keys: HashSet<&Key> = listed.chain(standing.keys()).collect();
    let differs = |key: &&&Key| {
        let Some(standing) = standing.get(**key) else { return true };
        let found = |side: usize| lists[side].get(**key).cloned().flatten();
        standing.pending || [found(0), found(1)] != standing.etags
    };
    keys.iter().filter(differs).map(|key| (*key).clone()).collect()
}

impl Sent {
    /// The model or the ends that it gives.
    fn new_nature(&self) -> Option<&Nature> {
        match self {
            Self::Create(content) => Some(&content.nature),
            Self::Patch { nature, .. } => nature.as_ref(),
            Self::Delete => None,
        }
    }

    /// Whether it can only be done by deleting and making anew.
    fn replaces(&self, key: &Key) -> bool {
        matches!((self, key), (Self::Patch { nature: Some(_), .. }, Key::Relationship(..)))
    }

    fn deed(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Patch { .. } => "update",
            Self::Delete => "delete",
        }
    }
}
