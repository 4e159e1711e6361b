//! Messages on the display of a station. Topic `display_message`, by the message's number.

use serde_json::{Value as Json, json};
use voltwin_ocpp::Answer;

use super::payload::{list, number, text, without};
use super::reports::Kind;
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const TOPIC: &str = "display_message";

impl CentralSystem {
    /// A part of the list of messages.
    pub(super) async fn notify_display_messages(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let mut part = self.part(speaker, Kind::Display, payload).await?;
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for message in list(payload, "messageInfo") {
            let Some(key) = number(message, "id").map(|id| id.to_string()) else {
                part.skip();
                continue;
            };
            if self.fits(speaker, &mut part, &key).await? {
                let value = without(message, &["customData"]);
                events.state(speaker.station, part.now, TOPIC, &key, Some(value));
            }
        }
        self.part_done(speaker, &part, events).await?;
        Ok(Answer::Payload(json!({})))
    }

    /// The station shows a message from now on.
    pub(super) async fn display_message_set(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(message) = payload.get("message") else { return Ok(()) };
        let Some(id) = number(message, "id") else { return Ok(()) };
        let value = without(message, &["customData"]);
        self.display_message_is(speaker, id, Some(value)).await
    }

    /// The station does not show a message any more, or never did.
    pub(super) async fn display_message_cleared(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        match (text(answer, "status"), number(payload, "id")) {
            (Some("Accepted" | "Unknown"), Some(id)) => self.display_message_is(speaker, id, None).await,
            _ => Ok(()),
        }
    }

    async fn display_message_is(
        &self,
        speaker: &Speaker<'_>,
        id: i64,
        value: Option<Json>,
    ) -> Result<(), CsmsError> {
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.state(speaker.station, self.inner.runtime.now(), TOPIC, &id.to_string(), value);
        self.record(events).await
    }

    /// The station has no message of the kind that was asked for.
    pub(super) async fn display_messages_none(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        self.report_refused(speaker, Kind::Display, payload).await?;
        if asks_for_all(payload) {
            self.take_back(speaker, TOPIC, self.inner.runtime.now()).await?;
        }
        Ok(())
    }
}

/// Whether a `GetDisplayMessages` names no message, priority or state.
pub(super) fn asks_for_all(payload: &Json) -> bool {
    ["id", "priority", "state"].iter().all(|filter| payload.get(*filter).is_none())
}
