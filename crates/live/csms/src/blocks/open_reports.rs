//! Reports that have begun and are not whole: which they are, and their end when nothing more comes.
//!
//! What is open stands in memory, read from the records at start: a report that an earlier run left open ends in its time
//! like any other.

use std::collections::HashMap;
use std::sync::Weak;
use std::time::Duration;

use parking_lot::Mutex;
use voltwin_core::{TenantId, Timestamp, TwinId};

use super::reports::{Progress, State, TOPIC, WITHIN_S};
use crate::stations::Events;
use crate::{CentralSystem, CsmsError, Inner};

/// Reports that are watched at once; one beyond it keeps its last word.
const OPEN_MAX: usize = 100_000;
/// How often it is looked whether one has ended.
const LOOK: Duration = Duration::from_secs(15);
/// Records read at once.
const PAGE: usize = 500;

type Key = (TenantId, TwinId, String);

/// When something was last heard of each report that is open.
#[derive(Default)]
pub(crate) struct OpenReports(Mutex<HashMap<Key, Timestamp>>);

impl OpenReports {
    pub(super) fn note(&self, tenant: &TenantId, station: &TwinId, key: &str, progress: &Progress) {
        let key = (tenant.clone(), station.clone(), key.to_owned());
        let mut open = self.0.lock();
        match progress.state {
            State::Asked | State::Receiving if open.len() < OPEN_MAX || open.contains_key(&key) => {
                open.insert(key, progress.updated_at);
            }
            State::Asked | State::Receiving => {}
            State::Complete | State::Incomplete | State::Refused => {
                open.remove(&key);
            }
        }
    }

    fn silent(&self, now: Timestamp) -> Vec<Key> {
        let open = self.0.lock();
        let silent = open.iter().filter(|(_, heard)| now.seconds_since(**heard) > WITHIN_S);
        silent.map(|(key, _)| key.clone()).collect()
    }

    fn forget(&self, key: &Key) {
        self.0.lock().remove(key);
    }
}

impl CentralSystem {
    /// Finds the reports of a tenant that an earlier run left open.
    pub(crate) async fn load_reports(&self, tenant: &TenantId) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let mut cursor: Option<String> = None;
        loop {
            let page = store.records_of_topic(TOPIC, cursor.as_deref(), PAGE).await?;
            for record in page.items {
                let Ok(progress) = serde_json::from_value::<Progress>(record.value) else { continue };
                self.inner.reports.note(tenant, &record.twin.parse()?, &record.key, &progress);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Ends the reports of which nothing was heard for too long; what they stated stays. Returns how many.
    ///
    /// # Errors
    /// When a record cannot be read or written.
    pub async fn end_silent_reports(&self) -> Result<usize, CsmsError> {
        let now = self.inner.runtime.now();
        let mut ended = 0;
        for key in self.inner.reports.silent(now) {
            let (tenant, station, name) = &key;
            let record =
                self.inner.runtime.store().tenant(tenant).record(station.as_str(), TOPIC, name).await?;
            let known = record.and_then(|record| serde_json::from_value::<Progress>(record.value).ok());
            // a part may have come since it was found silent
            let silent = known.filter(|progress| {
                let open = matches!(progress.state, State::Asked | State::Receiving);
                open && now.seconds_since(progress.updated_at) > WITHIN_S
            });
            if let Some(progress) = silent {
                let over = Progress { state: State::Incomplete, ..progress };
                let mut events = Events::new(self, tenant, Self::trace());
                let value = serde_json::to_value(&over).unwrap_or_default();
                events.state(station, now, TOPIC, name, Some(value));
                self.record(events).await?;
                ended += 1;
            }
            self.inner.reports.forget(&key);
        }
        Ok(ended)
    }

    /// Looks for silent reports now and then until the central system is dropped.
    pub(crate) fn watch_reports(&self) {
        let inner: Weak<Inner> = std::sync::Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(inner) = inner.upgrade() else { return };
                let csms = Self { inner };
                let ended = async {
                    csms.end_silent_reports().await?;
                    csms.lose_customer_information().await
                };
                if let Err(error) = ended.await {
                    tracing::debug!(%error, "a report could not be ended");
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_open_from_the_question_to_its_end_and_silent_in_between() {
        let open = OpenReports::default();
        let (tenant, station) = ("t".parse().unwrap(), "S".parse().unwrap());
        let at = |s: f64| Timestamp::from_micros(0).plus_seconds(s);
        let note =
            |state, s: f64| open.note(&tenant, &station, "inventory/1", &Progress::new(state, true, at(s)));
        note(State::Asked, 0.0);
        assert!(open.silent(at(WITHIN_S)).is_empty());
        assert_eq!(open.silent(at(WITHIN_S + 1.0)).len(), 1);
        note(State::Receiving, WITHIN_S);
        assert!(open.silent(at(WITHIN_S + 1.0)).is_empty(), "a part has come");
        for over in [State::Complete, State::Incomplete, State::Refused] {
            note(State::Receiving, 0.0);
            note(over, 1.0);
            assert!(open.silent(at(10.0 * WITHIN_S)).is_empty());
        }
    }
}
