//! Runs of battery-swap networks: a few threads of their own simulate them, block by block, tenants in turn.
//!
//! Every block is kept to the bit before the next one begins, so a run goes on after a restart, or after the process was
//! killed, and its figures are those of a run that was never interrupted.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use voltwin_core::TenantId;
use voltwin_store::{StoreError, SwapBlock};
use voltwin_swap::{Block, Control, Key, Model, RunRow, Scenario, SwapError};

use crate::state::AppState;

/// How long a block should take: short enough to take turns and to lose little, long enough to be worth keeping.
const BLOCK: Duration = Duration::from_secs(1);
/// Replications of a block at most.
const BLOCK_MAX: u64 = 500;
/// How long to wait where the registry cannot be read or written.
const RETRY: Duration = Duration::from_secs(2);

/// States of a run.
pub(crate) mod state {
    pub(crate) const QUEUED: &str = "queued";
    pub(crate) const CANCELLED: &str = "cancelled";
    pub(crate) const CANCELLING: &str = "cancelling";
    pub(crate) const DONE: &str = "done";
    pub(crate) const FAILED: &str = "failed";
}

/// A scenario of a run, as it is run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Design {
    pub(crate) name: String,
    pub(crate) scenario: Scenario,
}

/// What a run simulates.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) designs: Vec<Design>,
    pub(crate) replications: u64,
}

/// The runs in line, by tenant, and how to stop each.
#[derive(Default)]
pub(crate) struct Studies {
    line: Mutex<VecDeque<(TenantId, VecDeque<Study>)>>,
    stops: Mutex<HashMap<(TenantId, String), CancellationToken>>,
    wake: Notify,
}

impl Studies {
    /// Puts a run in line.
    pub(crate) fn start(&self, tenant: &TenantId, id: &str, cancelled: bool) {
        let stop = CancellationToken::new();
        if cancelled {
            stop.cancel();
        }
        self.stops.lock().insert((tenant.clone(), id.to_owned()), stop.clone());
        self.put_back(Study { tenant: tenant.clone(), id: id.to_owned(), stop, work: None });
    }

    /// Stops a run at its next chance.
    pub(crate) fn stop(&self, tenant: &TenantId, id: &str) {
        if let Some(stop) = self.stops.lock().get(&(tenant.clone(), id.to_owned())) {
            stop.cancel();
        }
    }

    /// The next one: of the tenant that waits longest.
    fn next(&self) -> Option<Study> {
        let mut line = self.line.lock();
        let (tenant, mut studies) = line.pop_front()?;
        let study = studies.pop_front();
        if !studies.is_empty() {
            line.push_back((tenant, studies));
        }
        study
    }

    fn put_back(&self, study: Study) {
        let mut line = self.line.lock();
        match line.iter_mut().find(|(tenant, _)| *tenant == study.tenant) {
            Some((_, studies)) => studies.push_back(study),
            None => line.push_back((study.tenant.clone(), VecDeque::from([study]))),
        }
        drop(line);
        self.wake.notify_one();
    }
}

/// A run in line.
struct Study {
    tenant: TenantId,
    id: String,
    stop: CancellationToken,
    /// Made ready when its turn comes.
    work: Option<Work>,
}

struct Work {
    models: Vec<(Arc<Model>, Key)>,
    done: Vec<u64>,
    wanted: u64,
    /// Replications of the next block.
    size: u64,
}

impl Work {
    /// The scenario that is furthest behind, and its next replications: so what can be compared grows evenly.
    fn next(&self) -> Option<(usize, Range<u64>)> {
        let (design, done) = self.done.iter().copied().enumerate().min_by_key(|(_, done)| *done)?;
        (done < self.wanted).then(|| (design, done..(done + self.size).min(self.wanted)))
    }

    /// Blocks grow or shrink to the time that they should take.
    fn learn(&mut self, took: Duration) {
        if took < BLOCK / 2 {
            self.size = (self.size * 2).min(BLOCK_MAX);
        } else if took > BLOCK * 2 {
            self.size = (self.size / 2).max(1);
        }
    }
}

enum Turn {
    /// More is to do.
    More,
    Done,
    Cancelled,
    Failed(String),
    /// The server stops.
    Interrupted,
    /// The run is no longer there.
    Gone,
}

/// Simulates what is in line until the server stops.
pub(crate) async fn run(app: AppState) {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
    let named = |n| format!("swap-{n}");
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(named).build() {
        Ok(pool) => Arc::new(pool),
        Err(error) => return tracing::error!(%error, "no threads for simulations; swap runs stay in line"),
    };
    match app.runtime.store().unfinished_swap_runs().await {
        Ok(runs) => {
            for (tenant, run) in runs {
                app.studies.start(&tenant, &run.id, run.state == state::CANCELLING);
            }
        }
        Err(error) => tracing::error!(%error, "the swap runs that a restart interrupted cannot be read"),
    }
    let stopping = app.runtime.stopping();
    while !stopping.is_cancelled() {
        let Some(mut study) = app.studies.next() else {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = app.studies.wake.notified() => continue,
            }
        };
        let turn = match turn(&app, &pool, &mut study).await {
            Ok(turn) => turn,
            Err(error) => {
                tracing::warn!(run = study.id, %error, "a swap run cannot be kept; trying again");
                // what is in memory may be ahead of what is kept
                study.work = None;
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(RETRY) => Turn::More,
                }
            }
        };
        let (word, cause) = match turn {
            Turn::More => {
                app.studies.put_back(study);
                continue;
            }
            Turn::Interrupted => return,
            Turn::Gone => (None, None),
            Turn::Done => (Some(state::DONE), None),
            Turn::Cancelled => (Some(state::CANCELLED), None),
            Turn::Failed(cause) => (Some(state::FAILED), Some(cause)),
        };
        if let Some(word) = word {
            let registry = app.registry(&study.tenant);
            let ended = registry.end_swap_run(&study.id, (word, cause.as_deref()), app.runtime.now());
            if let Err(error) = ended.await {
                tracing::warn!(run = study.id, %error, "the end of a swap run cannot be written; trying again");
                tokio::time::sleep(RETRY).await;
                app.studies.put_back(study);
                continue;
            }
            tracing::info!(run = study.id, state = word, "a swap run has ended");
        }
        app.studies.stops.lock().remove(&(study.tenant, study.id));
    }
}

async fn turn(app: &AppState, pool: &Arc<rayon::ThreadPool>, study: &mut Study) -> Result<Turn, StoreError> {
    if study.stop.is_cancelled() {
        return Ok(Turn::Cancelled);
    }
    let registry = app.registry(&study.tenant);
    if study.work.is_none() {
        let Some(spec) = registry.swap_run_spec(&study.id).await? else { return Ok(Turn::Gone) };
        let blocks = registry.swap_blocks(&study.id).await?;
        let threads = pool.current_num_threads() as u64;
        match tokio::task::spawn_blocking(move || make_ready(&spec, &blocks, threads)).await {
            Ok(Ok(work)) => study.work = Some(work),
            Ok(Err(error)) => return Ok(Turn::Failed(format!("its scenarios cannot be read: {error}"))),
            Err(error) => return Ok(Turn::Failed(format!("it could not be made ready: {error}"))),
        }
    }
    let Some(work) = &mut study.work else { return Ok(Turn::More) };
    let Some((design, range)) = work.next() else { return Ok(Turn::Done) };
    let (model, key) = work.models[design].clone();
    let (stop, stopping, pool) = (study.stop.clone(), app.runtime.stopping(), pool.clone());
    let (begun, wanted) = (Instant::now(), range.clone());
    let simulated = tokio::task::spawn_blocking(move || {
        let stop = || stop.is_cancelled() || stopping.is_cancelled();
        let control = Control { stop: &stop, progress: &|_, _| {} };
        pool.install(|| model.block(wanted, &control)).map(|block| block.to_bytes(&key))
    });
    let bytes = match simulated.await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(SwapError::Cancelled)) if study.stop.is_cancelled() => return Ok(Turn::Cancelled),
        Ok(Err(SwapError::Cancelled)) => return Ok(Turn::Interrupted),
        Ok(Err(error)) => return Ok(Turn::Failed(error.to_string())),
        Err(error) => {
            tracing::error!(run = study.id, %error, "a simulation failed");
            return Ok(Turn::Failed("the simulation failed; the cause is in the server's log".to_owned()));
        }
    };
    work.learn(begun.elapsed());
    work.done[design] = range.end;
    let block = SwapBlock { design: design as i64, first: range.start as i64, bytes };
    let done = work.done.iter().sum::<u64>() as i64;
    let kept = registry.keep_swap_block(&study.id, &block, done, app.runtime.now()).await?;
    Ok(if !kept {
        Turn::Gone
    } else if work.next().is_none() {
        Turn::Done
    } else {
        Turn::More
    })
}

fn make_ready(spec: &str, blocks: &[SwapBlock], threads: u64) -> Result<Work, serde_json::Error> {
    let spec: Spec = serde_json::from_str(spec)?;
    let done = replications(&spec, blocks).iter().map(|rows| rows.len() as u64).collect();
    let ready = |design: &Design| (Arc::new(Model::new(&design.scenario)), Key::of(&design.scenario));
    let models = spec.designs.iter().map(ready).collect();
    Ok(Work { models, done, wanted: spec.replications, size: threads })
}

/// The replications of each scenario that are kept, from the first on without a gap. What is torn counts as not kept.
pub(crate) fn replications(spec: &Spec, blocks: &[SwapBlock]) -> Vec<Vec<RunRow>> {
    let of = |(number, design): (usize, &Design)| {
        let key = Key::of(&design.scenario);
        let mut rows: Vec<RunRow> = Vec::new();
        for kept in blocks.iter().filter(|block| block.design == number as i64) {
            match Block::from_bytes(&kept.bytes, &key) {
                Ok(block) if block.first() == rows.len() as u64 => rows.extend_from_slice(block.rows()),
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "replications that were kept are simulated anew");
                    break;
                }
            }
        }
        rows.truncate(spec.replications as usize);
        rows
    };
    spec.designs.iter().enumerate().map(of).collect()
}
