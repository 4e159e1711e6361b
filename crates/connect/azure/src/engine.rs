//! What brings the ends into agreement: where to look, and in which order what is found there is settled.
//!
//! Models come first, in the order of what they need; then twins; then relationships; then what is deleted, relationships
//! before their twins; then models that are decommissioned or deleted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::SyncError;
use crate::client::{Client, EndSettings};
use crate::content::Key;
use crate::merge::{Policy, Sent, Side};
use crate::plane::Listed;
use crate::progress::Progress;
use crate::report::Report;
use crate::state::{self, Standing, State};

/// Planned changes that are listed; all are counted.
const PLANNED_MAX: usize = 10_000;

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
    /// Twins and relationships that may be deleted in one run, or of [`Synchronisation::follow`] in one round: a
    /// comparison of everything, or what came with one question or event.
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
    pub(crate) planned_twins: Mutex<HashSet<String>>,
}

/// Where to look, and which end says so, if one does: what stands there as it was agreed on is our own write.
pub(crate) type Keys = BTreeMap<Key, Option<Side>>;

impl Synchronisation {
    /// Opens the state and prepares both ends; nothing is asked of them yet.
    ///
    /// # Errors
    /// [`SyncError::Setting`], also where both ends are one; [`SyncError::State`].
    pub async fn open(
        settings: Settings,
        mode: Mode,
        progress: Progress,
        cancel: CancellationToken,
    ) -> Result<Self, SyncError> {
        let end = |side, end: &EndSettings| Client::new(side, end.clone(), progress.clone(), cancel.clone());
        let ends = [end(Side::Azure, &settings.azure)?, end(Side::Voltwin, &settings.voltwin)?];
        if ends[0].name() == ends[1].name() {
            let both = ends[0].name();
            let reason = format!("both ends are {both}: there is nothing to agree on with oneself");
            return Err(SyncError::Setting(reason));
        }
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

    pub(crate) fn left(&self, side: Side, key: &Key, reason: &str) {
        self.progress.problem();
        self.report.problem(side, key.kind(), &key.to_string(), reason);
    }

    pub(crate) fn plan(&self, key: &Key, writes: &[(Side, Sent)]) {
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
