//! The functional blocks beyond boot, status and transactions: one module each, named after what it is about.
//!
//! A block takes the messages of its own, keeps what they state as records (the newest statement under a topic and
//! key of the station's twin) and what they report as notes (in their order), and says what to answer. Topics in
//! use stand in `docs/ocpp.md`.

use serde_json::Value as Json;
use voltwin_core::{EventBody, NoteFact, RecordFact, Timestamp, TwinId};
use voltwin_ocpp::{Answer, CallOutcome};

use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

impl CentralSystem {
    /// Takes a message that no fact of its own stands for.
    pub(crate) async fn block(
        &self,
        speaker: &Speaker<'_>,
        action: &'static str,
        payload: Json,
    ) -> Result<Answer, CsmsError> {
        tracing::debug!(station = %speaker.station, action, ?payload, "no block takes this message");
        Ok(Answer::Other)
    }

    /// A command is about to be sent: what must be known before the station reports.
    pub(crate) async fn asking(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        _payload: &Json,
    ) -> Result<(), CsmsError> {
        tracing::trace!(station = %speaker.station, action, "a command is about to be sent");
        Ok(())
    }

    /// What the end of a command means beyond the command itself. `payload` is what was sent, with its secrets.
    pub(crate) async fn asked(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        _payload: &Json,
        _outcome: &CallOutcome,
    ) -> Result<(), CsmsError> {
        tracing::trace!(station = %speaker.station, action, "a command came to its end");
        Ok(())
    }
}

impl Events<'_> {
    /// Adds a statement under a topic and key; `None` takes it back.
    pub(crate) fn state(
        &mut self,
        twin: &TwinId,
        at: Timestamp,
        topic: &str,
        key: &str,
        value: Option<Json>,
    ) {
        let fact = RecordFact { topic: topic.to_owned(), key: key.to_owned(), value };
        self.add(twin, at, EventBody::Record(fact));
    }

    /// Adds a note under a topic.
    pub(crate) fn note(&mut self, twin: &TwinId, at: Timestamp, topic: &str, detail: Json) {
        self.add(twin, at, EventBody::Note(NoteFact { topic: topic.to_owned(), detail }));
    }
}
