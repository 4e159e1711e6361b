//! Going on for good: Voltwin tells its changes by number, Azure is asked for its own, and at times everything is compared.
//!
//! Azure tells nobody that something was deleted, and relationships have no time of their last change there. Unless its
//! events are delivered somewhere, only a comparison of everything shows that.

use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;
use voltwin_core::Timestamp;

use crate::SyncError;
use crate::client::now;
use crate::content::Key;
use crate::engine::{Keys, Synchronisation};
use crate::merge::Side;

/// Pages of a thousand events that are settled together at most.
const PAGES_MAX: usize = 10;
/// The longest that Voltwin holds a request for events.
const WAIT_MAX_S: u64 = 25;
/// The pause after a round that failed; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Where the following is.
struct Place {
    /// The number of Voltwin's last event that is settled.
    events: u64,
    /// From when on Azure is asked what was written.
    written_since: Timestamp,
    poll_at: Instant,
    /// `None`: at once.
    sweep_at: Option<Instant>,
}

/// What Voltwin's events say.
#[derive(Default)]
struct Told {
    keys: Keys,
    models: bool,
}

impl Synchronisation {
    /// Synchronises until it is cancelled.
    ///
    /// # Errors
    /// What does not pass by waiting: [`SyncError::Refused`], [`SyncError::Token`], [`SyncError::State`],
    /// [`SyncError::Deletes`].
    pub async fn follow(&self) -> Result<(), SyncError> {
        let mut place = Place { events: 0, written_since: now(), poll_at: Instant::now(), sweep_at: None };
        let mut failures: u32 = 0;
        loop {
            match self.turn(&mut place).await {
                Ok(()) => failures = 0,
                Err(SyncError::Stopped) => return Ok(()),
                Err(error) if error.is_passing() => {
                    let pause = PAUSE.saturating_mul(1 << failures.min(10)).min(PAUSE_MAX);
                    tracing::warn!(%error, ?pause, "a round failed");
                    failures = failures.saturating_add(1);
                    // what was told in this round is not looked at again but by a comparison of everything
                    place.sweep_at = None;
                    tokio::select! {
                        () = self.cancel.cancelled() => return Ok(()),
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                Err(error) => return Err(error),
            }
            if self.cancel.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Compares everything if it is time to, else settles what was told or asked.
    async fn turn(&self, place: &mut Place) -> Result<(), SyncError> {
        if place.sweep_at.is_none_or(|at| at <= Instant::now()) {
            return self.whole(place).await;
        }
        let until = place.sweep_at.map_or(place.poll_at, |at| at.min(place.poll_at));
        let wait = until.saturating_duration_since(Instant::now());
        let wait = Duration::from_secs(wait.as_secs_f64().ceil().clamp(1.0, WAIT_MAX_S as f64) as u64);
        self.progress.begin("following", 0);
        let told = tokio::select! {
            () = self.cancel.cancelled() => return Err(SyncError::Stopped),
            told = self.told(place, wait) => told?,
        };
        let Some((told, next)) = told else {
            place.sweep_at = None;
            return Ok(());
        };
        let mut keys = told.keys;
        let asked = Instant::now() >= place.poll_at;
        let since = now().plus_seconds(-self.settings.lag.as_secs_f64());
        if asked {
            self.written(place.written_since, &mut keys).await?;
        }
        if told.models {
            let after = self.settle_models().await?;
            self.settle(keys).await?;
            self.finish_models(after).await?;
        } else {
            self.settle(keys).await?;
        }
        if asked {
            (place.written_since, place.poll_at) = (since, Instant::now() + self.settings.poll);
        }
        place.events = next;
        Ok(())
    }

    /// Compares everything. What Voltwin tells until then is settled by it.
    async fn whole(&self, place: &mut Place) -> Result<(), SyncError> {
        let events = self.ends[Side::Voltwin as usize].events(None, Duration::ZERO).await?;
        let written_since = now().plus_seconds(-self.settings.lag.as_secs_f64());
        self.sweep().await?;
        place.written_since = written_since;
        place.poll_at = Instant::now() + self.settings.poll;
        place.sweep_at = Some(Instant::now() + self.settings.sweep);
        // a restart begins here too: so the number need not outlive the process
        place.events = events.map_or(0, |(_, next)| next);
        Ok(())
    }

    /// What Voltwin tells after the place, and the number to go on from. `None` where something is missing between.
    async fn told(&self, place: &Place, wait: Duration) -> Result<Option<(Told, u64)>, SyncError> {
        let (mut told, mut next, mut wait) = (Told::default(), place.events, wait);
        for _ in 0..PAGES_MAX {
            let Some((events, after)) = self.ends[Side::Voltwin as usize].events(Some(next), wait).await?
            else {
                return Ok(None);
            };
            let first = events.first().map(|event| event.get("sequence").and_then(number));
            if first.is_some_and(|first| first != Some(next + 1)) {
                return Ok(None);
            }
            events.iter().for_each(|event| told.hear(event));
            let more = after != next;
            (next, wait) = (after, Duration::ZERO);
            if !more || told.keys.is_empty() {
                break;
            }
        }
        Ok(Some((told, next)))
    }

    /// What was written at Azure since a moment, but for what stands there as it was agreed on.
    async fn written(&self, since: Timestamp, keys: &mut Keys) -> Result<(), SyncError> {
        let azure = &self.ends[Side::Azure as usize];
        let mut condition = crate::client::Client::since(since);
        if let Some(scope) = self.condition() {
            condition = format!("{condition} AND {scope}");
        }
        for listed in azure.twins(Some(&condition)).await? {
            let row = self.state.row(&listed.key).await?;
            if row.is_pending() || listed.etag.is_none() || row.etags[Side::Azure as usize] != listed.etag {
                keys.insert(listed.key, None);
            }
        }
        Ok(())
    }
}

fn number(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

impl Told {
    fn hear(&mut self, event: &Json) {
        let text = |name: &str| event.get(name).and_then(Json::as_str).unwrap_or_default();
        let (kind, subject) = (text("type"), text("subject"));
        let hint = Some(Side::Voltwin);
        if kind.starts_with("Microsoft.DigitalTwins.Twin.") {
            self.keys.insert(Key::Twin(subject.to_owned()), hint);
        } else if kind.starts_with("Microsoft.DigitalTwins.Relationship.") {
            if let Some((source, id)) = subject.split_once("/relationships/") {
                self.keys.insert(Key::Relationship(source.to_owned(), id.to_owned()), hint);
            }
        } else if kind.starts_with("Voltwin.DigitalTwins.Model.") {
            self.models = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_say_where_to_look() {
        let mut told = Told::default();
        for (kind, subject) in [
            ("Microsoft.DigitalTwins.Twin.Update", "pump"),
            ("Microsoft.DigitalTwins.Twin.Update", "pump"),
            ("Microsoft.DigitalTwins.Relationship.Delete", "pump/relationships/a b"),
            ("microsoft.iot.telemetry", "motor"),
        ] {
            told.hear(&json!({"type": kind, "subject": subject, "sequence": "4"}));
        }
        let keys: Vec<Key> = told.keys.into_keys().collect();
        assert_eq!(keys, [Key::Twin("pump".into()), Key::Relationship("pump".into(), "a b".into())]);
        assert!(!told.models);
        assert_eq!(
            (number(&json!("42")), number(&json!(7)), number(&json!(null))),
            (Some(42), Some(7), None)
        );
    }
}
