//! Data transfer: what the standard leaves to vendors, both ways.
//!
//! Every transfer is a note `data_transfer`. One that comes is answered by the table of [`VENDORS`]: a vendor that
//! does not stand there is `UnknownVendorId`, a message that its vendor does not have is `UnknownMessageId`. Plug and
//! charge of OCPP 1.6, which travels so, is for [`super::contracts`].

use serde_json::{Value as Json, json};
use voltwin_ocpp::{Answer, CallOutcome};

use super::payload::{clip, text};
use crate::decide::Speaker;
use crate::log::recordable;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const NOTES: &str = "data_transfer";
/// Bytes of data that a note keeps.
const DATA_MAX: usize = 16 * 1024;

/// What we say to a message of a vendor: the status, and data.
type Handler = fn(&Json) -> (&'static str, Option<Json>);

/// The vendors that are understood, each with its messages.
const VENDORS: &[(&str, &[(&str, Handler)])] = &[
    // prices at the station in OCPP 1.6, as agreed for California; the notes are what is kept of them
    ("org.openchargealliance.costmsg", &[("ConnectorUnplugged", connector_unplugged)]),
    // ours: whether data comes through, for whoever puts a station into service
    ("org.voltwin", &[("Echo", echo)]),
];

/// Plug and charge in OCPP 1.6, as agreed by the Open Charge Alliance.
pub(super) const CONTRACTS: &str = "org.openchargealliance.iso15118pnc";

/// The data of a message, which 1.6 carries as text.
fn unpacked(data: &Json) -> Json {
    match data {
        Json::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    }
}

fn connector_unplugged(data: &Json) -> (&'static str, Option<Json>) {
    let told = unpacked(data);
    let complete = told.get("transactionId").is_some() && text(&told, "timestamp").is_some();
    (if complete { "Accepted" } else { "Rejected" }, None)
}

fn echo(data: &Json) -> (&'static str, Option<Json>) {
    ("Accepted", (!data.is_null()).then(|| data.clone()))
}

fn reply(vendor: &str, message: Option<&str>, data: &Json) -> (&'static str, Option<Json>) {
    let Some((_, messages)) = VENDORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(vendor)) else {
        return ("UnknownVendorId", None);
    };
    match messages.iter().find(|(known, _)| Some(*known) == message) {
        Some((_, handler)) => handler(data),
        None => ("UnknownMessageId", None),
    }
}

impl CentralSystem {
    /// A transfer from a station.
    pub(super) async fn data_transfer(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let data = payload.get("data").cloned().unwrap_or_default();
        let message = text(payload, "messageId");
        let vendor = text(payload, "vendorId").unwrap_or_default();
        let (status, answer) = if vendor.eq_ignore_ascii_case(CONTRACTS) {
            let answer =
                self.contract_transfer(speaker, message.unwrap_or_default(), &unpacked(&data)).await?;
            match answer {
                // as text, as the message came
                Some(answer) => ("Accepted", Some(Json::from(answer.to_string()))),
                None => ("UnknownMessageId", None),
            }
        } else {
            reply(vendor, message, &data)
        };
        self.note_transfer(speaker, "in", payload, status, answer.as_ref()).await?;
        let mut reply = json!({"status": status});
        if let Some(data) = answer {
            reply["data"] = data;
        }
        Ok(Answer::Payload(reply))
    }

    /// A transfer to a station, with its answer.
    pub(super) async fn data_transferred(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        outcome: &CallOutcome,
    ) -> Result<(), CsmsError> {
        match outcome {
            CallOutcome::Answer(answer) => {
                let status = text(answer, "status").unwrap_or_default();
                self.note_transfer(speaker, "out", payload, status, answer.get("data")).await
            }
            CallOutcome::Error { code, .. } => self.note_transfer(speaker, "out", payload, code, None).await,
            CallOutcome::Timeout | CallOutcome::Disconnected => {
                self.note_transfer(speaker, "out", payload, "NoAnswer", None).await
            }
        }
    }

    async fn note_transfer(
        &self,
        speaker: &Speaker<'_>,
        direction: &str,
        payload: &Json,
        status: &str,
        answer: Option<&Json>,
    ) -> Result<(), CsmsError> {
        let detail = json!({
            "direction": direction,
            "vendor_id": clip(text(payload, "vendorId").unwrap_or_default(), 255),
            "message_id": text(payload, "messageId").map(|id| clip(id, 50)),
            "data": payload.get("data").map(kept),
            "status": clip(status, 40),
            "answer": answer.map(kept),
        });
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, self.inner.runtime.now(), NOTES, detail);
        self.record(events).await
    }
}

/// Data as a note may hold it: without secrets, and only its beginning when it is long.
fn kept(data: &Json) -> Json {
    // 1.6 carries JSON as text
    let inner = data.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    let data = recordable(
        inner.filter(|inner| inner.is_object() || inner.is_array()).unwrap_or_else(|| data.clone()),
    );
    let written = data.to_string();
    if written.len() <= DATA_MAX {
        return data;
    }
    json!({"cut": clip(&written, DATA_MAX / 4), "bytes": written.len()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_what_is_unknown() {
        let unplugged = json!(r#"{"transactionId": 7, "timestamp": "2026-11-21T08:00:00Z"}"#);
        for (vendor, message, data, status) in [
            ("com.example", Some("X"), Json::Null, "UnknownVendorId"),
            ("org.voltwin", Some("X"), Json::Null, "UnknownMessageId"),
            ("org.voltwin", None, Json::Null, "UnknownMessageId"),
            ("ORG.voltwin", Some("Echo"), json!("a"), "Accepted"),
            ("org.openchargealliance.costmsg", Some("ConnectorUnplugged"), unplugged, "Accepted"),
            ("org.openchargealliance.costmsg", Some("ConnectorUnplugged"), json!("{"), "Rejected"),
        ] {
            assert_eq!(reply(vendor, message, &data).0, status, "{vendor} {message:?}");
        }
    }

    #[test]
    fn what_is_kept_is_short_and_holds_no_secret() {
        let secret = kept(&json!(r#"{"key": "AuthorizationKey", "value": "0123456789"}"#));
        assert!(!secret.to_string().contains("0123456789"), "{secret}");
        let long = kept(&json!("€".repeat(40_000)));
        assert!(long.to_string().len() < DATA_MAX + 200, "{}", long.to_string().len());
        assert_eq!(kept(&json!("plain")), json!("plain"));
    }
}
