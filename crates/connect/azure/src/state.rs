//! What the two ends last agreed on, in one SQLite file, so that a crash at any moment neither loses nor doubles anything.
//!
//! Before a write goes out, what is sent is written down ([`State::intend`]); after it is done, the agreement is
//! ([`State::agree`]), which forgets what was sent. Whatever comes between the two, the merge knows its own writes again.
//! Both wait for the disk; all that wait at one moment share a commit.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::SyncError;
use crate::content::{Content, Key};
use crate::merge::Sent;

const SCHEMA: &str = include_str!("state.sql");
const VERSION: i64 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Changes that wait for one commit at most.
const BATCH: usize = 256;
/// Writes of one thing that are remembered while nothing is agreed on.
pub(crate) const SENT_MAX: usize = 8;

/// What is known of one twin or relationship.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Row {
    /// What both ends had.
    pub(crate) base: Option<Content>,
    /// The ETags that it had at them.
    pub(crate) etags: [Option<String>; 2],
    /// What was sent to them since.
    pub(crate) sent: [Vec<Sent>; 2],
}

impl Row {
    pub(crate) fn is_pending(&self) -> bool {
        self.sent.iter().any(|sent| !sent.is_empty())
    }
}

/// What a list is compared with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) etags: [Option<String>; 2],
    pub(crate) pending: bool,
}

enum Change {
    Intend(Key, String),
    Agree(Key, Option<(String, [Option<String>; 2])>),
    Model(String, Option<bool>),
    Note(&'static str, String),
}

type Job = (Change, oneshot::Sender<Result<(), String>>);

/// The file.
#[derive(Debug)]
pub(crate) struct State {
    path: PathBuf,
    readers: SqlitePool,
    writer: Option<mpsc::Sender<Job>>,
    /// Held while the file is written by us.
    _lock: Option<File>,
}

impl State {
    /// Opens the file to write to it, or makes it. `ends` names what it is the state of.
    pub(crate) async fn open(path: &Path, ends: &str) -> Result<Self, SyncError> {
        let failed = |reason: String| SyncError::State { path: path.display().to_string(), reason };
        let lock = lock(path).map_err(failed)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(|error| failed(error.to_string()))?;
        check_version(&mut connection).await.map_err(failed)?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await.map_err(|error| failed(error.to_string()))?;
        let (writer, jobs) = mpsc::channel(BATCH);
        tokio::spawn(write(connection, jobs));
        let readers =
            pool(options.create_if_missing(false).pragma("query_only", "on")).await.map_err(failed)?;
        let state = Self { path: path.to_owned(), readers, writer: Some(writer), _lock: Some(lock) };
        match state.note("ends").await? {
            Some(known) if known == ends => {}
            // nothing came of the first ones, such as a mistyped address
            None => state.set_note("ends", ends.to_owned()).await?,
            Some(_) if state.is_empty().await? => state.set_note("ends", ends.to_owned()).await?,
            Some(known) => state.check_ends(&known, ends)?,
        }
        Ok(state)
    }

    /// Opens the file to read it; where there is none, nothing was agreed on.
    pub(crate) async fn look_at(path: &Path, ends: &str) -> Result<Self, SyncError> {
        let failed = |reason: String| SyncError::State { path: path.display().to_string(), reason };
        let there = path.is_file();
        let options = if there {
            SqliteConnectOptions::new().filename(path).read_only(true)
        } else {
            SqliteConnectOptions::new().in_memory(true)
        };
        let options = options.busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
        let readers = if there {
            written(path, options).await.map_err(failed)?
        } else {
            let readers = pool(options).await.map_err(failed)?;
            sqlx::raw_sql(SCHEMA).execute(&readers).await.map_err(|error| failed(error.to_string()))?;
            readers
        };
        let state = Self { path: path.to_owned(), readers, writer: None, _lock: None };
        if let Some(known) = state.note("ends").await?
            && !state.is_empty().await?
        {
            state.check_ends(&known, ends)?;
        }
        Ok(state)
    }

    async fn is_empty(&self) -> Result<bool, SyncError> {
        let any: Result<bool, _> =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM entities)").fetch_one(&self.readers).await;
        Ok(!any.map_err(|error| self.failed(error.to_string()))?)
    }

    fn check_ends(&self, known: &str, ends: &str) -> Result<(), SyncError> {
        if known == ends {
            return Ok(());
        }
        Err(self.failed(format!("it is the state of {known}, not of {ends}: --state must name another file")))
    }

    fn failed(&self, reason: impl Into<String>) -> SyncError {
        SyncError::State { path: self.path.display().to_string(), reason: reason.into() }
    }

    fn read<T: DeserializeOwned + Default>(&self, text: Option<&str>) -> Result<T, SyncError> {
        text.map_or_else(
            || Ok(T::default()),
            |text| serde_json::from_str(text).map_err(|e| self.failed(e.to_string())),
        )
    }

    /// What is known under a key.
    pub(crate) async fn row(&self, key: &Key) -> Result<Row, SyncError> {
        let (kind, source, id) = place(key);
        let found = sqlx::query(
            "SELECT base, azure, voltwin, sent FROM entities WHERE kind = ? AND source = ? AND id = ?",
        )
        .bind(kind)
        .bind(source)
        .bind(id)
        .fetch_optional(&self.readers)
        .await
        .map_err(|error| self.failed(error.to_string()))?;
        let Some(found) = found else { return Ok(Row::default()) };
        let text = |column| {
            found.try_get::<Option<String>, _>(column).map_err(|error| self.failed(error.to_string()))
        };
        Ok(Row {
            base: self.read(text("base")?.as_deref())?,
            etags: [text("azure")?, text("voltwin")?],
            sent: self.read(text("sent")?.as_deref())?,
        })
    }

    /// All twins, or all relationships, as lists are compared with them.
    pub(crate) async fn standing(&self, kind: i64) -> Result<HashMap<Key, Standing>, SyncError> {
        let rows = sqlx::query(
            "SELECT source, id, azure, voltwin, sent IS NOT NULL AS pending FROM entities WHERE kind = ?",
        )
        .bind(kind)
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.failed(error.to_string()))?;
        let read = |row: &SqliteRow| -> Result<(Key, Standing), sqlx::Error> {
            let (source, id): (String, String) = (row.try_get("source")?, row.try_get("id")?);
            let key = if kind == TWIN { Key::Twin(id) } else { Key::Relationship(source, id) };
            let etags = [row.try_get("azure")?, row.try_get("voltwin")?];
            Ok((key, Standing { etags, pending: row.try_get::<i64, _>("pending")? != 0 }))
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error.to_string()))
    }

    /// The models that both ends had, and whether they were decommissioned.
    pub(crate) async fn models(&self) -> Result<HashMap<String, bool>, SyncError> {
        let rows = sqlx::query("SELECT id, base FROM entities WHERE kind = ?")
            .bind(MODEL)
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error.to_string()))?;
        let read = |row: &SqliteRow| -> Result<(String, bool), sqlx::Error> {
            Ok((row.try_get("id")?, row.try_get::<Option<String>, _>("base")?.as_deref() == Some("true")))
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error.to_string()))
    }

    /// Writes down what is about to be sent.
    pub(crate) async fn intend(&self, key: &Key, sent: &[Vec<Sent>; 2]) -> Result<(), SyncError> {
        let sent = self.text(sent)?;
        self.change(Change::Intend(key.clone(), sent)).await
    }

    /// Writes down what both ends have now, and forgets what was sent.
    pub(crate) async fn agree(
        &self,
        key: &Key,
        content: Option<&Content>,
        etags: [Option<String>; 2],
    ) -> Result<(), SyncError> {
        let agreed = content.map(|content| Ok((self.text(content)?, etags))).transpose()?;
        self.change(Change::Agree(key.clone(), agreed)).await
    }

    /// Writes down that both ends have a model, or that none has.
    pub(crate) async fn agree_model(&self, id: &str, decommissioned: Option<bool>) -> Result<(), SyncError> {
        self.change(Change::Model(id.to_owned(), decommissioned)).await
    }

    pub(crate) async fn note(&self, name: &str) -> Result<Option<String>, SyncError> {
        let found = sqlx::query_scalar("SELECT value FROM notes WHERE name = ?").bind(name);
        found.fetch_optional(&self.readers).await.map_err(|error| self.failed(error.to_string()))
    }

    pub(crate) async fn set_note(&self, name: &'static str, value: String) -> Result<(), SyncError> {
        self.change(Change::Note(name, value)).await
    }

    fn text(&self, value: &impl Serialize) -> Result<String, SyncError> {
        serde_json::to_string(value).map_err(|error| self.failed(error.to_string()))
    }

    async fn change(&self, change: Change) -> Result<(), SyncError> {
        let ended = || self.failed("its writer has ended");
        let writer = self.writer.as_ref().ok_or_else(|| self.failed("it is open to be read only"))?;
        let (done, outcome) = oneshot::channel();
        writer.send((change, done)).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?.map_err(|reason| self.failed(reason))
    }
}

pub(crate) const MODEL: i64 = 0;
pub(crate) const TWIN: i64 = 1;
pub(crate) const RELATIONSHIP: i64 = 2;

fn place(key: &Key) -> (i64, &str, &str) {
    match key {
        Key::Twin(id) => (TWIN, "", id),
        Key::Relationship(source, id) => (RELATIONSHIP, source, id),
    }
}

/// One process at a time: two would each take the other's writes for somebody's edits.
fn lock(path: &Path) -> Result<File, String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options().write(true).create(true).truncate(false).open(&name);
    let file = file.map_err(|error| format!("its lock cannot be opened: {error}"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err("another synchronisation is using it".to_owned()),
        Err(TryLockError::Error(error)) => Err(format!("its lock cannot be taken: {error}")),
    }
}

/// A file that is there, to be read. SQLite makes an index beside it, which it cannot where the folder is not ours to write
/// to. Then the file is read as it lies there, if it has everything.
async fn written(path: &Path, options: SqliteConnectOptions) -> Result<SqlitePool, String> {
    let why = match checked(options.clone()).await {
        Ok(readers) => return Ok(readers),
        Err(why) => why,
    };
    let mut changes = path.as_os_str().to_owned();
    changes.push("-wal");
    let changes = Path::new(&changes);
    if changes.metadata().is_ok_and(|found| found.len() > 0) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return Err(format!(
            "its newest changes are in {}, and to read them takes the right to write to the folder {}: run as its owner, or \
             copy both files and look at the copy ({why})",
            changes.display(),
            folder.unwrap_or(Path::new(".")).display(),
        ));
    }
    // what cannot be read so either is no matter of rights
    checked(options.immutable(true)).await.map_err(|_| why)
}

async fn checked(options: SqliteConnectOptions) -> Result<SqlitePool, String> {
    let readers = pool(options).await?;
    let mut connection = readers.acquire().await.map_err(|error| error.to_string())?;
    check_version(&mut connection).await?;
    drop(connection);
    Ok(readers)
}

async fn pool(options: SqliteConnectOptions) -> Result<SqlitePool, String> {
    // one connection, which stays: a state in memory lives in it
    let pool =
        SqlitePoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    pool.connect_with(options).await.map_err(|error| error.to_string())
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), String> {
    let found: Result<i64, _> = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await;
    let tables: Result<i64, _> =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await;
    match (found, tables) {
        (Ok(VERSION), Ok(_)) | (Ok(0), Ok(0)) => Ok(()),
        (Ok(0), Ok(_)) => Err("it is a database of something else".to_owned()),
        (Ok(found), Ok(_)) => Err(format!("it has version {found}, and this program knows {VERSION}")),
        (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
    }
}

/// Takes what waits, commits it together, and tells all of them.
async fn write(mut connection: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let outcome = commit(&mut connection, &batch).await.map_err(|error| error.to_string());
        for (_, done) in batch.drain(..) {
            let _ = done.send(outcome.clone());
        }
    }
    let _ = connection.close().await;
}

async fn commit(connection: &mut SqliteConnection, batch: &[Job]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for (change, _) in batch {
        let query = match change {
            Change::Intend(key, sent) => {
                let (kind, source, id) = place(key);
                sqlx::query(
                    "INSERT INTO entities (kind, source, id, sent) VALUES (?, ?, ?, ?)
                     ON CONFLICT DO UPDATE SET sent = excluded.sent",
                )
                .bind(kind)
                .bind(source)
                .bind(id)
                .bind(sent)
            }
            Change::Agree(key, Some((base, [azure, voltwin]))) => {
                let (kind, source, id) = place(key);
                sqlx::query("INSERT OR REPLACE INTO entities (kind, source, id, base, azure, voltwin) VALUES (?, ?, ?, ?, ?, ?)")
                    .bind(kind)
                    .bind(source)
                    .bind(id)
                    .bind(base)
                    .bind(azure)
                    .bind(voltwin)
            }
            Change::Agree(key, None) => {
                let (kind, source, id) = place(key);
                sqlx::query("DELETE FROM entities WHERE kind = ? AND source = ? AND id = ?")
                    .bind(kind)
                    .bind(source)
                    .bind(id)
            }
            Change::Model(id, Some(decommissioned)) => {
                sqlx::query("INSERT OR REPLACE INTO entities (kind, source, id, base) VALUES (?, '', ?, ?)")
                    .bind(MODEL)
                    .bind(id)
                    .bind(decommissioned.to_string())
            }
            Change::Model(id, None) => {
                sqlx::query("DELETE FROM entities WHERE kind = ? AND source = '' AND id = ?")
                    .bind(MODEL)
                    .bind(id)
            }
            Change::Note(name, value) => {
                sqlx::query("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)")
                    .bind(*name)
                    .bind(value)
            }
        };
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::content::Nature;

    fn content(value: i64) -> Content {
        let values = BTreeMap::from([("/x".to_owned(), json!(value))]);
        Content { nature: Nature::Model("m".into()), parts: ["p".to_owned()].into(), values }
    }

    #[tokio::test]
    async fn what_was_sent_is_kept_until_something_is_agreed_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let keys = [Key::Twin("a/b".into()), Key::Relationship("a/b".into(), "r".into())];
        let sent = [vec![Sent::Create(content(1)), Sent::Delete], vec![]];
        {
            let state = State::open(&path, "A and B").await.unwrap();
            assert_eq!(state.row(&keys[0]).await.unwrap(), Row::default());
            state.agree(&keys[0], Some(&content(1)), [Some("e".into()), None]).await.unwrap();
            state.intend(&keys[0], &sent).await.unwrap();
            state.intend(&keys[1], &sent).await.unwrap();
            state.agree_model("dtmi:a;1", Some(true)).await.unwrap();
            state.set_note("position", "7".into()).await.unwrap();
        }
        let state = State::open(&path, "A and B").await.unwrap();
        let row = state.row(&keys[0]).await.unwrap();
        assert_eq!((row.base, row.etags[0].as_deref(), &row.sent), (Some(content(1)), Some("e"), &sent));
        let row = state.row(&keys[1]).await.unwrap();
        assert!(row.base.is_none() && row.is_pending());
        assert!(state.standing(TWIN).await.unwrap()[&keys[0]].pending);
        state.agree(&keys[0], Some(&content(2)), [None, None]).await.unwrap();
        assert!(!state.row(&keys[0]).await.unwrap().is_pending());
        state.agree(&keys[1], None, [None, None]).await.unwrap();
        assert!(state.standing(RELATIONSHIP).await.unwrap().is_empty());
        assert_eq!(state.models().await.unwrap(), HashMap::from([("dtmi:a;1".to_owned(), true)]));
        assert_eq!(state.note("position").await.unwrap().as_deref(), Some("7"));
    }

    #[tokio::test]
    async fn one_process_for_one_pair_of_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let state = State::open(&path, "A and B").await.unwrap();
        let error = State::open(&path, "A and B").await.unwrap_err().to_string();
        assert!(error.contains("another synchronisation"), "{error}");
        // a plan may look all the same
        let look = State::look_at(&path, "A and B").await.unwrap();
        assert!(look.set_note("position", "1".into()).await.is_err());
        state.agree_model("dtmi:a;1", Some(false)).await.unwrap();
        drop(state);
        for mode in ["open", "look"] {
            let error = match mode {
                "open" => State::open(&path, "A and C").await.unwrap_err(),
                _ => State::look_at(&path, "A and C").await.unwrap_err(),
            };
            assert!(error.to_string().contains("--state"), "{error}");
        }
        // a mistyped address of which nothing came takes no file away
        let path = folder.path().join("mistyped.db");
        drop(State::open(&path, "A and X").await.unwrap());
        assert!(State::look_at(&path, "A and B").await.is_ok());
        let state = State::open(&path, "A and B").await.unwrap();
        assert_eq!(state.note("ends").await.unwrap().as_deref(), Some("A and B"));
        let none = State::look_at(&folder.path().join("none.db"), "A and B").await.unwrap();
        assert!(none.standing(TWIN).await.unwrap().is_empty());
        std::fs::write(folder.path().join("text"), "no database at all, but long enough to be looked at")
            .unwrap();
        assert!(State::open(&folder.path().join("text"), "A and B").await.is_err());
    }
}
