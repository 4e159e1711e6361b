//! An import while it runs: reads the file in batches, has each judged and recorded while it reads the next, and writes
//! down where it stands.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncSeekExt as _, BufReader};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use voltwin_core::{Seq, TenantId};
use voltwin_runtime::{Entry, Origin, RuntimeError};

use super::imports::Spec;
use super::ndjson::{Broken, LINE_BYTES_MAX, Line, Section};
use super::report::Report;
use super::{Outcome, Running, uploads};
use crate::error::{AdtError, Code};
use crate::state::Plane;

/// Entries and bytes of one batch.
const BATCH: usize = 5_000;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Models of one file at most, and their bytes: they are put in order first.
const MODELS_MAX: usize = 20_000;
const MODELS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Models that are judged together.
const MODELS_AT_ONCE: usize = 250;
/// How often its place is written down.
const CHECKPOINT: Duration = Duration::from_secs(1);
/// How long to wait where nothing can be recorded.
const RETRY: Duration = Duration::from_secs(2);

/// Where an import stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Progress {
    /// The file is here.
    fetched: bool,
    /// Bytes and lines of it that are done.
    offset: u64,
    line: u64,
    /// The section that the next line stands in.
    section: Section,
    /// Bytes of the log that belong to it.
    logged: u64,
    models: Count,
    twins: Count,
    relationships: Count,
}

/// Entries of one section.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
struct Count {
    taken: u64,
    refused: u64,
}

impl Progress {
    fn of(&mut self, section: Section) -> &mut Count {
        match section {
            Section::Models => &mut self.models,
            Section::Relationships => &mut self.relationships,
            _ => &mut self.twins,
        }
    }

    fn refused(&self) -> u64 {
        self.models.refused + self.twins.refused + self.relationships.refused
    }

    fn taken(&self) -> u64 {
        self.models.taken + self.twins.taken + self.relationships.taken
    }
}

/// The folder of a tenant's files.
pub(crate) fn folder(running: &Running) -> PathBuf {
    uploads::folder(&running.adt, &running.tenant)
}

/// Where a job's own copy of its file, and its log, are.
pub(crate) fn input_file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("job-{id}.ndjson"))
}

pub(crate) fn log_file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("job-{id}.log"))
}

pub(crate) async fn run(running: &mut Running) -> Outcome {
    match import(running).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed(error.document()),
    }
}

async fn import(running: &mut Running) -> Result<Outcome, AdtError> {
    let spec: Spec = serde_json::from_value(running.job.spec.clone()).map_err(|error| lost(&error))?;
    let mut progress: Progress = serde_json::from_value(running.job.progress.clone()).unwrap_or_default();
    let folder = folder(running);
    tokio::fs::create_dir_all(&folder).await.map_err(|error| lost(&error))?;
    let copy = input_file(&folder, &running.job.id);
    let input = match uploads::named(&spec.input) {
        Some(name) => uploads::file(&folder, name),
        None => {
            if !progress.fetched {
                let limit = running.adt.config.import_bytes_max;
                let adt = running.adt.clone();
                let fetched = tokio::select! {
                    fetched = adt.blobs.fetch(&spec.input, &copy, limit) => fetched,
                    outcome = running.stopped() => return Ok(outcome),
                };
                fetched.map_err(|why| failed(format!("inputBlobUri: {why}")))?;
                progress.fetched = true;
            }
            copy.clone()
        }
    };
    let log = log_file(&folder, &running.job.id);
    let mut report =
        Report::open(&log, &running.job.id, progress.logged).await.map_err(|error| lost(&error))?;
    if progress.offset == 0 {
        note(running, &mut report, json!({ "status": "Started" })).await?;
    }
    let outcome = match Walk::new(running, &mut report, &mut progress, &input).await {
        Ok(mut walk) => walk.finish_file().await,
        Err(error) => Err(error),
    };
    // what could not be recorded because the server stops is read again when it is back
    let outcome = outcome.or_else(|error| running.ended().map(Some).ok_or(error));
    let outcome = match outcome {
        Ok(None) if progress.refused() == 0 => Outcome::Succeeded,
        Ok(None) => {
            let (refused, all) = (progress.refused(), progress.refused() + progress.taken());
            Outcome::Failed(
                failed(format!("{refused} of {all} entries were not taken; the log says which")).document(),
            )
        }
        Ok(Some(Outcome::Interrupted)) => return Ok(Outcome::Interrupted),
        Ok(Some(outcome)) => outcome,
        Err(error) => Outcome::Failed(error.document()),
    };
    let status = match &outcome {
        Outcome::Succeeded => json!({ "status": "Succeeded" }),
        Outcome::Failed(error) => json!({ "status": "Failed", "error": error }),
        Outcome::Cancelled | Outcome::Interrupted => json!({ "status": "Cancelled" }),
    };
    note(running, &mut report, status).await?;
    progress.logged = report.sync().await.map_err(|error| lost(&error))?;
    running.checkpoint(json!(progress)).await?;
    // our own copy, if there is one
    let _ = tokio::fs::remove_file(&copy).await;
    if let Some(address) = spec.output {
        let stored = running.adt.blobs.store(&address, &log).await;
        stored.map_err(|why| failed(format!("outputBlobUri: {why}")))?;
    }
    Ok(outcome)
}

fn failed(message: String) -> AdtError {
    AdtError::new(Code::ValidationFailed, message)
}

fn lost(error: &dyn std::error::Error) -> AdtError {
    AdtError::new(Code::InternalServerError, format!("the files of the job cannot be used: {error}"))
}

async fn note(running: &Running, report: &mut Report, details: Json) -> Result<(), AdtError> {
    report.info(running.adt.now(), details).await.map_err(|error| lost(&error))
}

/// A line that was not taken: its number, and why.
type Odd = (u64, &'static str, String);

/// A batch that is being recorded while the next one is read.
struct Flight {
    section: Section,
    lines: Vec<u64>,
    odd: Vec<Odd>,
    results: JoinHandle<Result<Vec<Result<Seq, RuntimeError>>, AdtError>>,
    /// Where the file stands once it is recorded.
    reached: Reached,
}

/// A place in the file: what comes next.
#[derive(Clone, Copy)]
struct Reached {
    offset: u64,
    line: u64,
    section: Section,
}

/// The walk through the file.
struct Walk<'a> {
    running: &'a mut Running,
    report: &'a mut Report,
    progress: &'a mut Progress,
    reader: BufReader<File>,
    /// The section that the next line stands in, and what of it is not recorded yet.
    section: Section,
    batch: Vec<(u64, Box<RawValue>)>,
    batch_bytes: usize,
    /// Lines among the batch that are none of its entries.
    odd: Vec<Odd>,
    flight: Option<Flight>,
    offset: u64,
    line: u64,
    saved: Instant,
}

impl<'a> Walk<'a> {
    async fn new(
        running: &'a mut Running,
        report: &'a mut Report,
        progress: &'a mut Progress,
        input: &Path,
    ) -> Result<Self, AdtError> {
        let file = File::open(input).await;
        let mut file = file.map_err(|_| failed("inputBlobUri: there is no such upload".to_owned()))?;
        file.seek(std::io::SeekFrom::Start(progress.offset)).await.map_err(|error| lost(&error))?;
        let (section, offset, line) = (progress.section, progress.offset, progress.line);
        let reader = BufReader::with_capacity(1024 * 1024, file);
        let (batch, batch_bytes, saved) = (Vec::new(), 0, Instant::now());
        let (odd, flight) = (Vec::new(), None);
        Ok(Self {
            running,
            report,
            progress,
            reader,
            section,
            batch,
            batch_bytes,
            odd,
            flight,
            offset,
            line,
            saved,
        })
    }

    /// Why it ended early, if it did.
    async fn finish_file(&mut self) -> Result<Option<Outcome>, AdtError> {
        let mut bytes = Vec::new();
        loop {
            let read = next_line(&mut self.reader, &mut bytes).await.map_err(|error| lost(&error))?;
            let Some(length) = read else { break };
            self.line += 1;
            self.offset += length;
            let before = self.section;
            let line = if length as usize > LINE_BYTES_MAX {
                Ok(Err(format!("the line has more than {LINE_BYTES_MAX} bytes")))
            } else {
                self.section.read(&bytes)
            };
            match line.map_err(|Broken(why)| failed(format!("line {}: {why}", self.line)))? {
                Ok(Line::Nothing) => {}
                Ok(Line::Section(section)) => {
                    self.flush(before).await?;
                    self.land().await?;
                    note(
                        self.running,
                        self.report,
                        json!({ "section": section.name(), "status": "Started" }),
                    )
                    .await?;
                }
                Ok(Line::Entry(entry)) => {
                    self.batch_bytes += entry.get().len();
                    self.batch.push((self.line, entry));
                    self.flush_if_full().await?;
                }
                Err(why) => {
                    self.odd.push((self.line, "InvalidArgument", why));
                    self.flush_if_full().await?;
                }
            }
            if let Some(outcome) = self.running.ended() {
                self.land().await?;
                return Ok(Some(outcome));
            }
        }
        self.flush(self.section).await?;
        self.land().await?;
        Ok(None)
    }

    async fn flush_if_full(&mut self) -> Result<(), AdtError> {
        if self.section == Section::Models {
            if self.batch.len() + self.odd.len() > MODELS_MAX || self.batch_bytes > MODELS_BYTES_MAX {
                let limits = format!("{MODELS_MAX} models or {MODELS_BYTES_MAX} bytes of them");
                return Err(AdtError::new(Code::LimitExceeded, format!("the file has more than {limits}")));
            }
            return Ok(());
        }
        if self.batch.len() + self.odd.len() >= BATCH || self.batch_bytes >= BATCH_BYTES {
            self.flush(self.section).await?;
        }
        Ok(())
    }

    /// Begins to record the batch, all of it entries of one section, when the one before is recorded.
    async fn flush(&mut self, section: Section) -> Result<(), AdtError> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if section != Section::Models {
            return self.entries(section, batch).await;
        }
        let odd = std::mem::take(&mut self.odd);
        self.refuse(section, odd).await?;
        self.models(batch).await?;
        self.reach(self.here()).await
    }

    fn here(&self) -> Reached {
        Reached { offset: self.offset, line: self.line, section: self.section }
    }

    /// Everything before this place of the file is done.
    async fn reach(&mut self, reached: Reached) -> Result<(), AdtError> {
        (self.progress.offset, self.progress.line) = (reached.offset, reached.line);
        self.progress.section = reached.section;
        if self.saved.elapsed() >= CHECKPOINT {
            self.progress.logged = self.report.sync().await.map_err(|error| lost(&error))?;
            self.running.checkpoint(json!(self.progress)).await?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// Models are judged many at a time: they name each other. One that is there already, word for word, is passed over.
    async fn models(&mut self, batch: Vec<(u64, Box<RawValue>)>) -> Result<(), AdtError> {
        let mut new = Vec::new();
        for (line, text) in batch {
            let document: Json = serde_json::from_str(text.get()).unwrap_or_default();
            let known = document["@id"]
                .as_str()
                .and_then(|id| self.running.adt.runtime.model(&self.running.tenant, id));
            match known {
                None => new.push(text.get().to_owned()),
                Some(known)
                    if serde_json::from_str::<Json>(&known.document).is_ok_and(|known| known == document) =>
                {
                    self.progress.models.taken += 1;
                }
                Some(known) => {
                    let why = format!("there is another model `{}`", known.id);
                    let odd = vec![(line, Code::ModelAlreadyExists.text(), why)];
                    self.refuse(Section::Models, odd).await?;
                }
            }
        }
        for part in dependencies_first(new).chunks(MODELS_AT_ONCE) {
            let (runtime, tenant) = (&self.running.adt.runtime, &self.running.tenant);
            let added = runtime.add_models(tenant, part.to_vec(), Origin::default()).await;
            added.map_err(AdtError::of_models)?;
            self.progress.models.taken += part.len() as u64;
        }
        Ok(())
    }

    async fn entries(&mut self, section: Section, batch: Vec<(u64, Box<RawValue>)>) -> Result<(), AdtError> {
        let mut lines = Vec::with_capacity(batch.len());
        let mut entries = Vec::with_capacity(batch.len());
        for (line, text) in batch {
            // it was JSON when it was read
            let document = Arc::new(serde_json::from_str(text.get()).unwrap_or_default());
            lines.push(line);
            entries.push(match section {
                Section::Relationships => Entry::Relationship(document),
                _ => Entry::Twin(document),
            });
        }
        self.land().await?;
        let (adt, tenant, stop) = self.running.handles();
        let results = tokio::spawn(record(adt, tenant, self.running.job.id.clone(), stop, entries));
        let odd = std::mem::take(&mut self.odd);
        self.flight = Some(Flight { section, lines, odd, results, reached: self.here() });
        Ok(())
    }

    /// Waits for the batch that is being recorded, and writes down what became of it.
    async fn land(&mut self) -> Result<(), AdtError> {
        let Some(Flight { section, lines, mut odd, results, reached }) = self.flight.take() else {
            return Ok(());
        };
        let results = results.await.map_err(|error| lost(&error))??;
        for (line, result) in lines.into_iter().zip(results) {
            match result {
                Ok(_) => self.progress.of(section).taken += 1,
                Err(error) => {
                    let error = AdtError::from(error);
                    odd.push((line, error.code.text(), error.to_string()));
                }
            }
        }
        odd.sort_by_key(|(line, ..)| *line);
        self.refuse(section, odd).await?;
        self.reach(reached).await
    }

    async fn refuse(&mut self, section: Section, odd: Vec<Odd>) -> Result<(), AdtError> {
        for (line, code, why) in odd {
            self.progress.of(section).refused += 1;
            let error = json!({ "code": code, "message": why });
            let details = json!({ "section": section.name(), "line": line, "error": error });
            let told = self.report.refused(self.running.adt.now(), details).await;
            told.map_err(|error| lost(&error))?;
        }
        Ok(())
    }
}

/// Has entries recorded; waits while nothing can be recorded at all.
async fn record(
    adt: Plane,
    tenant: TenantId,
    job: String,
    stop: CancellationToken,
    entries: Vec<Entry>,
) -> Result<Vec<Result<Seq, RuntimeError>>, AdtError> {
    let runtime = &adt.runtime;
    loop {
        let results = runtime.import(&tenant, entries.clone(), Origin::default()).await;
        let broken = results.iter().find_map(|result| match result {
            Err(error @ (RuntimeError::Store(_) | RuntimeError::Stopped)) => Some(error.clone()),
            _ => None,
        });
        match broken {
            None => return Ok(results),
            Some(RuntimeError::Stopped) => return Err(RuntimeError::Stopped.into()),
            Some(error) => {
                tracing::warn!(job, %error, "an import waits: nothing can be recorded");
                tokio::time::sleep(RETRY).await;
                if stop.is_cancelled() || runtime.stopping().is_cancelled() {
                    return Err(error.into());
                }
            }
        }
    }
}

/// Models in an order in which each comes after those that it extends or has as components.
fn dependencies_first(texts: Vec<String>) -> Vec<String> {
    let documents: Vec<Json> =
        texts.iter().map(|text| serde_json::from_str(text).unwrap_or_default()).collect();
    let by_id: HashMap<&str, usize> = documents
        .iter()
        .enumerate()
        .filter_map(|(at, document)| Some((document["@id"].as_str()?, at)))
        .collect();
    let (mut order, mut seen) = (Vec::with_capacity(texts.len()), vec![false; texts.len()]);
    for first in 0..texts.len() {
        // a stack of our own: a chain of models may be as long as the file
        let mut stack = vec![(first, false)];
        while let Some((at, done)) = stack.pop() {
            if done {
                order.push(at);
            } else if !std::mem::replace(&mut seen[at], true) {
                stack.push((at, true));
                stack.extend(named(&documents[at]).filter_map(|id| Some((*by_id.get(id)?, false))));
            }
        }
    }
    let mut texts: Vec<Option<String>> = texts.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| texts[at].take()).collect()
}

/// What a model extends, and the schemas of its contents.
fn named(model: &Json) -> impl Iterator<Item = &str> {
    fn all(value: &Json) -> &[Json] {
        match value {
            Json::Array(values) => values,
            one => std::slice::from_ref(one),
        }
    }
    let schemas = all(&model["contents"]).iter().map(|content| &content["schema"]);
    all(&model["extends"]).iter().chain(schemas).filter_map(Json::as_str)
}

/// Reads a line without its end, of which no more than [`LINE_BYTES_MAX`] is kept, and tells how many bytes it had.
async fn next_line<R: AsyncRead + Unpin>(
    reader: &mut BufReader<R>,
    line: &mut Vec<u8>,
) -> std::io::Result<Option<u64>> {
    line.clear();
    let mut length = 0;
    loop {
        let buffer = reader.fill_buf().await?;
        if buffer.is_empty() {
            return Ok((length > 0).then_some(length));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = end.map_or(buffer, |end| &buffer[..end]);
        let room = (LINE_BYTES_MAX + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        length += used as u64;
        if end.is_some() {
            return Ok(Some(length));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_come_after_what_they_need() {
        let model = |id: &str, extends: Json, schema: Json| {
            json!({ "@id": id, "extends": extends, "contents": [{ "@type": "Component", "schema": schema }] })
                .to_string()
        };
        let texts = vec![
            model("a", json!(["b", "outside"]), json!("c")),
            model("b", json!("d"), json!({ "@type": "Object" })),
            model("c", json!(null), json!("double")),
            model("d", json!([]), json!("c")),
            model("x", json!("y"), json!(null)),
            model("y", json!("x"), json!(null)),
        ];
        let order = dependencies_first(texts.clone());
        let place =
            |id: &str| order.iter().position(|text| text.contains(&format!("\"@id\":\"{id}\""))).unwrap();
        assert!(place("c") < place("d") && place("d") < place("b") && place("b") < place("a"));
        assert_eq!(order.len(), texts.len(), "circles are left to whoever judges them");
    }

    #[tokio::test]
    async fn lines_are_read_with_their_places_and_never_whole_when_too_long() {
        let long = "x".repeat(LINE_BYTES_MAX + 10);
        let text = format!("a\r\n\n{long}\nlast");
        let mut reader = BufReader::with_capacity(7, text.as_bytes());
        let (mut line, mut found) = (Vec::new(), Vec::new());
        while let Some(length) = next_line(&mut reader, &mut line).await.unwrap() {
            found.push((length, line.len()));
        }
        let long = long.len() as u64;
        assert_eq!(found, [(3, 2), (1, 0), (long + 1, LINE_BYTES_MAX + 1), (4, 4)]);
    }
}
