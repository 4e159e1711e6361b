//! Answers of the registry that are asked for with every message of a station, or every request, and change seldom.
//!
//! A read through a reader's connection costs two changes of thread, and SQLite throws the pages of a reader away after
//! each commit of the writer. Both are more than the answer is worth when it is the same as the last thousand times: who a
//! token belongs to, whether anything has a price, that a station has no reservation.
//!
//! # Invariants
//! - What this process has written is seen by the next read: every commit ends what was remembered before it.
//! - What the command line writes beside us is seen within [`BESIDE`].
//! - Memory is bounded by [`ANSWERS_MAX`] and [`TWINS_MAX`].

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use voltwin_core::{Event, EventBody, TenantId};

use crate::{KeyRecord, OcpiToken, StoreError, TokenRecord, TokenSettings};

/// How long an answer holds that nobody in this process has changed.
const BESIDE: Duration = Duration::from_secs(3);
/// Answers of one kind that are remembered.
const ANSWERS_MAX: usize = 20_000;
/// Twins whose topics are remembered.
const TWINS_MAX: usize = 200_000;

/// What the store remembers.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    pub(crate) writes: Writes,
    pub(crate) tokens: Answers<Option<TokenRecord>>,
    pub(crate) token_settings: Answers<TokenSettings>,
    pub(crate) partner_tokens: Answers<Vec<OcpiToken>>,
    pub(crate) prices: Answers<bool>,
    /// Keys of the API by their public part.
    pub(crate) keys: Answers<Option<(TenantId, KeyRecord)>, String>,
    pub(crate) topics: Topics,
}

/// How often the registry has been written, but for what the journal's events mean for it.
#[derive(Debug, Default)]
pub(crate) struct Writes(AtomicU64);

impl Writes {
    /// To be called once a commit can be seen, and before anybody is told of it.
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn so_far(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Answers to one question, by what it is asked of: most often something of a tenant.
#[derive(Debug)]
pub(crate) struct Answers<T, K = (TenantId, String)> {
    known: Mutex<HashMap<K, Answer<T>>>,
}

#[derive(Debug, Clone)]
struct Answer<T> {
    value: T,
    writes: u64,
    at: Instant,
}

impl<T, K> Default for Answers<T, K> {
    fn default() -> Self {
        Self { known: Mutex::default() }
    }
}

impl<T: Clone, K: Eq + Hash> Answers<T, K> {
    /// The answer that is remembered and still holds, else what `read` says.
    pub(crate) async fn get(
        &self,
        writes: &Writes,
        key: K,
        read: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // before the read: a commit that happens meanwhile may be seen by it or not
        let so_far = writes.so_far();
        if let Some(answer) = self.known.lock().get(&key)
            && answer.writes == so_far
            && answer.at.elapsed() < BESIDE
        {
            return Ok(answer.value.clone());
        }
        let at = Instant::now();
        let value = read.await?;
        let mut known = self.known.lock();
        if known.len() >= ANSWERS_MAX && !known.contains_key(&key) {
            known.clear();
        }
        known.insert(key, Answer { value: value.clone(), writes: so_far, at });
        Ok(value)
    }
}

/// Which topics each twin has records of: most questions are about records that are not there. Only the journal writes
/// records, so nothing here grows old.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    of: HashMap<(TenantId, String), Vec<Arc<str>>>,
    names: HashSet<Arc<str>>,
    /// Commits that held records.
    commits: u64,
}

impl Topics {
    /// Whether a twin may have records of a topic; `None` when that has to be read.
    pub(crate) fn may_have(&self, tenant: &TenantId, twin: &str, topic: &str) -> Option<bool> {
        let known = self.known.lock();
        let topics = known.of.get(&(tenant.clone(), twin.to_owned()))?;
        Some(topics.iter().any(|known| &**known == topic))
    }

    /// To be asked before topics are read, and given back with them.
    pub(crate) fn commits(&self) -> u64 {
        self.known.lock().commits
    }

    /// Remembers what was read, unless records were committed meanwhile.
    pub(crate) fn learn(&self, tenant: &TenantId, twin: &str, topics: &[String], commits: u64) {
        let mut known = self.known.lock();
        if known.commits != commits {
            return;
        }
        if known.of.len() >= TWINS_MAX {
            known.of.clear();
        }
        let mut named = Vec::with_capacity(topics.len());
        for topic in topics {
            let name = known.names.get(topic.as_str()).cloned().unwrap_or_else(|| topic.as_str().into());
            known.names.insert(name.clone());
            named.push(name);
        }
        known.of.insert((tenant.clone(), twin.to_owned()), named);
    }

    /// Forgets the twins of which these events, which are committed, have written records.
    pub(crate) fn committed(&self, events: &[Event]) {
        let written = |event: &&Event| matches!(event.body, EventBody::Record(_));
        let mut written = events.iter().filter(written).peekable();
        if written.peek().is_none() {
            return;
        }
        let mut known = self.known.lock();
        known.commits += 1;
        for event in written {
            known.of.remove(&(event.tenant.clone(), event.twin.as_str().to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use voltwin_core::RecordFact;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_read_once_until_something_is_written() {
        let (writes, answers) = (Writes::default(), Answers::default());
        let (one, other): (TenantId, TenantId) = ("one".parse().unwrap(), "other".parse().unwrap());
        let reads = AtomicU64::new(0);
        let ask = |tenant: &TenantId| {
            answers.get(&writes, tenant.clone(), async { Ok(reads.fetch_add(1, Ordering::Relaxed)) })
        };
        assert_eq!((ask(&one).await.unwrap(), ask(&one).await.unwrap()), (0, 0));
        assert_eq!(ask(&other).await.unwrap(), 1, "a tenant has answers of its own");
        writes.count();
        assert_eq!((ask(&one).await.unwrap(), ask(&one).await.unwrap()), (2, 2));
    }

    #[tokio::test]
    async fn what_was_read_before_a_write_does_not_outlive_it() {
        let (writes, answers) = (Writes::default(), Answers::default());
        let during = async {
            writes.count();
            Ok("before")
        };
        assert_eq!(answers.get(&writes, "x", during).await.unwrap(), "before");
        assert_eq!(answers.get(&writes, "x", async { Ok("after") }).await.unwrap(), "after");
    }

    #[test]
    fn topics_are_known_until_their_twin_says_more() {
        let topics = Topics::default();
        let tenant: TenantId = "one".parse().unwrap();
        let record = |twin: &str| {
            let fact = RecordFact { topic: "reservation".to_owned(), key: "1".to_owned(), value: None };
            let at = voltwin_core::Timestamp::from_millis(0);
            Event::new(tenant.clone(), twin.parse().unwrap(), at, at, EventBody::Record(fact))
        };
        assert_eq!(topics.may_have(&tenant, "A", "clock"), None);
        topics.learn(&tenant, "A", &["clock".to_owned()], topics.commits());
        topics.learn(&tenant, "B", &[], topics.commits());
        assert_eq!(topics.may_have(&tenant, "A", "clock"), Some(true));
        assert_eq!(topics.may_have(&tenant, "A", "reservation"), Some(false));
        let earlier = topics.commits();
        topics.committed(&[record("A")]);
        assert_eq!(topics.may_have(&tenant, "A", "reservation"), None);
        assert_eq!(topics.may_have(&tenant, "B", "reservation"), Some(false), "only its own records count");
        topics.learn(&tenant, "A", &[], earlier);
        assert_eq!(
            topics.may_have(&tenant, "A", "reservation"),
            None,
            "what was read may be older than the record"
        );
    }
}
