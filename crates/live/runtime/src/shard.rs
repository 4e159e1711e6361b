//! A single writer: events of one twin pass through one shard, in order, checked one by one.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use voltwin_core::{Event, TenantId, TwinId};
use voltwin_store::Committed;

use crate::{Inner, Precondition, Receipt, RuntimeError, committer::Commit};

pub(crate) struct Job {
    pub(crate) events: Vec<Event>,
    pub(crate) precondition: Precondition,
    pub(crate) reply: oneshot::Sender<Vec<Result<Receipt, RuntimeError>>>,
}

type Answers = Vec<Option<Result<Receipt, RuntimeError>>>;

pub(crate) async fn run(
    inner: Arc<Inner>,
    mut queue: mpsc::Receiver<Job>,
    commits: mpsc::Sender<Commit>,
    batch: usize,
    cancel: CancellationToken,
) {
    loop {
        let first = tokio::select! {
            biased;
            job = queue.recv() => job,
            () = cancel.cancelled() => {
                // what was submitted before the stop is still recorded
                queue.close();
                queue.recv().await
            }
        };
        let Some(first) = first else { return };
        let mut size = first.events.len();
        let mut jobs = vec![first];
        while size < batch {
            let Ok(job) = queue.try_recv() else { break };
            size += job.events.len();
            jobs.push(job);
        }
        Batch::new(&inner, &commits).run(jobs).await;
    }
}

/// Events that were checked and wait for their commit, with the place of each answer.
struct Batch<'a> {
    inner: &'a Arc<Inner>,
    commits: &'a mpsc::Sender<Commit>,
    pending: Vec<Event>,
    places: Vec<(usize, usize)>,
    touched: HashSet<(TenantId, TwinId)>,
}

impl<'a> Batch<'a> {
    fn new(inner: &'a Arc<Inner>, commits: &'a mpsc::Sender<Commit>) -> Self {
        Self { inner, commits, pending: Vec::new(), places: Vec::new(), touched: HashSet::new() }
    }

    async fn run(mut self, jobs: Vec<Job>) {
        let mut answers: Vec<Answers> = Vec::with_capacity(jobs.len());
        let mut replies = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.into_iter().enumerate() {
            answers.push(vec![None; job.events.len()]);
            replies.push(job.reply);
            for (position, event) in job.events.into_iter().enumerate() {
                let result = self.admit(event, &job.precondition, (index, position), &mut answers).await;
                if let Err(error) = result {
                    answers[index][position] = Some(Err(error));
                }
            }
        }
        self.flush(&mut answers).await;
        for (reply, answers) in replies.into_iter().zip(answers) {
            let answers = answers.into_iter().map(|answer| answer.unwrap_or(Err(RuntimeError::Stopped)));
            // a submitter that no longer waits has its event recorded all the same
            let _ = reply.send(answers.collect());
        }
    }

    /// Checks one event and puts it into the batch. An event that depends on one of the same twin still waiting
    /// sends the batch off first, so that it is judged by what is really there.
    async fn admit(
        &mut self,
        event: Event,
        precondition: &Precondition,
        place: (usize, usize),
        answers: &mut [Answers],
    ) -> Result<(), RuntimeError> {
        let key = (event.tenant.clone(), event.twin.clone());
        let graph = self.inner.graph(&event.tenant);
        if *precondition != Precondition::Any {
            if self.touched.contains(&key) {
                self.flush(answers).await;
            }
            let etag = graph.read().twin(event.twin.as_str()).map(|twin| twin.etag());
            check(precondition, etag.as_deref(), event.twin.as_str())?;
        }
        let mut checked = graph.read().check(&event);
        if checked.is_err() && self.touched.contains(&key) {
            self.flush(answers).await;
            checked = graph.read().check(&event);
        }
        self.pending.push(checked?);
        self.places.push(place);
        self.touched.insert(key);
        Ok(())
    }

    async fn flush(&mut self, answers: &mut [Answers]) {
        if self.pending.is_empty() {
            return;
        }
        self.touched.clear();
        let (reply, answer) = oneshot::channel();
        let commit = Commit { events: std::mem::take(&mut self.pending), reply };
        let outcome = match self.commits.send(commit).await {
            Ok(()) => answer.await.unwrap_or(Err(RuntimeError::Stopped)),
            Err(_) => Err(RuntimeError::Stopped),
        };
        let places = std::mem::take(&mut self.places);
        match outcome {
            Ok(committed) => {
                for ((job, position), committed) in places.into_iter().zip(committed) {
                    answers[job][position] = Some(Ok(receipt(committed)));
                }
            }
            Err(error) => {
                for (job, position) in places {
                    answers[job][position] = Some(Err(error.clone()));
                }
            }
        }
    }
}

fn receipt(committed: Committed) -> Receipt {
    match committed {
        Committed::New(seq) => Receipt { seq, duplicate: false, transaction_id: None },
        Committed::Duplicate { transaction_id } => {
            Receipt { seq: voltwin_core::Seq(0), duplicate: true, transaction_id }
        }
    }
}

fn check(precondition: &Precondition, etag: Option<&str>, twin: &str) -> Result<(), RuntimeError> {
    let failed = |expected: &str| RuntimeError::PreconditionFailed {
        twin: twin.to_owned(),
        expected: expected.to_owned(),
        found: etag.unwrap_or("no twin").to_owned(),
    };
    match precondition {
        Precondition::Any => Ok(()),
        Precondition::NoneExists if etag.is_none() => Ok(()),
        Precondition::NoneExists => Err(failed("no twin")),
        Precondition::Match(expected) if etag == Some(expected) => Ok(()),
        Precondition::Match(expected) => Err(failed(expected)),
    }
}
