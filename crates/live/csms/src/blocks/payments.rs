//! Payment at the station (OCPP 2.1): notes `web_payment` and `settlement`.

use serde_json::{Value as Json, json};
use voltwin_ocpp::Answer;

use super::payload::{number, text, time, without};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

impl CentralSystem {
    /// The station has been told that somebody opened the payment page of an EVSE.
    pub(super) async fn web_payment_started(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let detail = json!({"evse": number(payload, "evseId"), "timeout_s": number(payload, "timeout")});
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, self.inner.runtime.now(), "web_payment", detail);
        self.record(events).await
    }

    /// The payment terminal has settled a payment, or could not.
    pub(super) async fn settlement(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let at = time(payload, "settlementTime").unwrap_or_else(|| self.inner.runtime.now());
        let mut detail = without(payload, &["customData"]);
        if let Some(transaction) = text(payload, "transactionId") {
            let settled = payload.get("settlementAmount").and_then(Json::as_number);
            let settled = settled.and_then(|amount| amount.to_string().parse().ok());
            detail["ours"] = self.settled_against(speaker, transaction, settled).await?;
        }
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, at, "settlement", detail);
        self.record(events).await?;
        Ok(Answer::Payload(json!({})))
    }

    /// A VAT number can only be confirmed by the tax office's service, which is asked nowhere here: saying yes would
    /// put an unchecked number on an invoice.
    pub(super) fn vat_number(payload: &Json) -> Answer {
        let mut answer = json!({
            "status": "Rejected",
            "vatNumber": text(payload, "vatNumber").unwrap_or_default(),
            "statusInfo": {"reasonCode": "NoValidator"},
        });
        if let Some(evse) = number(payload, "evseId") {
            answer["evseId"] = evse.into();
        }
        Answer::Payload(answer)
    }
}
