//! What was asked of a station's availability, and what a station knows of a transaction.
//!
//! Topics: `availability` (key = EVSE and connector, `0` = the station), `transaction_status` (key = transaction).

use std::pin::Pin;

use serde_json::{Value as Json, json};
use voltwin_ocpp::Version;

use super::fields::{place, text, yes};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

impl CentralSystem {
    /// A change of availability that the station took, at once or when the transaction is over.
    pub(super) async fn availability_answered(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let Some(status @ ("Accepted" | "Scheduled")) = text(answer, "status") else { return Ok(()) };
        let (key, wanted) = match speaker.version {
            Version::V16 => (place(payload, "connectorId").unwrap_or(0).to_string(), text(payload, "type")),
            Version::V201 | Version::V21 => {
                let evse = payload.get("evse").unwrap_or(&Json::Null);
                let id = place(evse, "id").unwrap_or(0);
                let key = place(evse, "connectorId")
                    .map_or(id.to_string(), |connector| format!("{id}:{connector}"));
                (key, text(payload, "operationalStatus"))
            }
        };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let value = json!({"wanted": wanted, "status": status});
        events.say(speaker, "availability", &key, Some(value));
        self.record(events).await
    }

    /// What the station knows of a transaction (2.x). One that is over there and has no message left was lost.
    ///
    /// Its type says no more than that it can be sent: an end may lead to a command, and a command leads here.
    pub(super) fn transaction_status<'a>(
        &'a self,
        speaker: &'a Speaker<'_>,
        payload: &'a Json,
        answer: &'a Json,
    ) -> Pin<Box<dyn Future<Output = Result<(), CsmsError>> + Send + 'a>> {
        Box::pin(async move {
            let Some(transaction) = text(payload, "transactionId") else { return Ok(()) };
            let queued = yes(answer, "messagesInQueue");
            let ongoing = answer.get("ongoingIndicator").and_then(Json::as_bool);
            let lost = ongoing == Some(false) && !queued;
            let value = json!({"ongoing": ongoing, "messages_queued": queued, "end_lost": lost});
            let mut events = Events::new(self, speaker.tenant, speaker.trace);
            if lost {
                let detail = json!({"transaction_id": transaction, "end_lost": true});
                events.note(speaker.station, self.inner.runtime.now(), "transaction_status", detail);
            }
            events.say(speaker, "transaction_status", transaction, Some(value));
            self.record(events).await?;
            if !lost {
                return Ok(());
            }
            self.end_lost(speaker, transaction).await
        })
    }
}
