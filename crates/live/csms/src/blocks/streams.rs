//! Periodic event streams (2.1): values that a station sends without waiting for an answer.
//!
//! Topic `event_stream` (key = id); notes `stream_values`. Values of a stream that nobody opened are counted and
//! left alone.

use serde_json::{Value as Json, json};
use voltwin_ocpp::Answer;

use super::fields::{list, text, time, whole};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const STREAM: &str = "event_stream";
/// Streams of one station at once.
const STREAMS_MAX: usize = 100;
/// Values of one message that are kept; a station that has more sends more messages.
const VALUES_MAX: usize = 500;

impl CentralSystem {
    /// The station wants to stream the values of a monitor.
    pub(super) async fn open_stream(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let rejected = |info: &str| {
            let info = json!({"reasonCode": "InvalidStream", "additionalInfo": info});
            Ok(Answer::Payload(json!({"status": "Rejected", "statusInfo": info})))
        };
        let Some((data, id)) =
            payload.get("constantStreamData").and_then(|data| Some((data, whole(data, "id")?)))
        else {
            return rejected("the stream has no id");
        };
        let open = self.statements(speaker, STREAM).await?;
        let known = open.iter().any(|stream| stream.key == id.to_string());
        if !known && open.len() >= STREAMS_MAX {
            return rejected("100 streams are open already");
        }
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, STREAM, &id.to_string(), Some(self.stream(speaker, data).await?));
        self.record(events).await?;
        Ok(Answer::Payload(json!({"status": "Accepted"})))
    }

    /// A stream with the name of the variable that it is about, where the monitor is known.
    async fn stream(&self, speaker: &Speaker<'_>, data: &Json) -> Result<Json, CsmsError> {
        let monitor = whole(data, "variableMonitoringId").unwrap_or_default();
        let known = self.statement(speaker, "monitor", &monitor.to_string()).await?;
        let part = |field: &str| known.as_ref().and_then(|known| known.get(field).cloned());
        Ok(json!({
            "monitor": monitor,
            "params": data.get("params"),
            "component": part("component"),
            "variable": part("variable"),
        }))
    }

    /// The station closes a stream.
    pub(super) async fn close_stream(&self, speaker: &Speaker<'_>, payload: &Json) -> Result<(), CsmsError> {
        let Some(id) = whole(payload, "id") else { return Ok(()) };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, STREAM, &id.to_string(), None);
        self.record(events).await
    }

    /// The station took other parameters for a stream.
    pub(super) async fn stream_adjusted(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let Some(id) = whole(payload, "id") else { return Ok(()) };
        let Some(mut known) = self.statement(speaker, STREAM, &id.to_string()).await? else { return Ok(()) };
        known["params"] = payload.get("params").cloned().unwrap_or(Json::Null);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, STREAM, &id.to_string(), Some(known));
        self.record(events).await
    }

    /// All streams that the station has open: what it says replaces what was believed.
    pub(super) async fn streams_listed(&self, speaker: &Speaker<'_>, answer: &Json) -> Result<(), CsmsError> {
        let streams = list(answer, "constantStreamData");
        let named: Vec<(String, &Json)> =
            streams.iter().filter_map(|data| Some((whole(data, "id")?.to_string(), data))).collect();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for old in self.statements(speaker, STREAM).await? {
            if !named.iter().any(|(id, _)| *id == old.key) {
                events.say(speaker, STREAM, &old.key, None);
            }
        }
        for (id, data) in named.into_iter().take(STREAMS_MAX) {
            events.say(speaker, STREAM, &id, Some(self.stream(speaker, data).await?));
        }
        self.record(events).await
    }

    /// Values of a stream. Their times are seconds after a common one.
    pub(super) async fn stream_values(&self, speaker: &Speaker<'_>, payload: &Json) -> Result<(), CsmsError> {
        let id = whole(payload, "id").unwrap_or_default();
        let Some(stream) = self.statement(speaker, STREAM, &id.to_string()).await? else {
            metrics::counter!("voltwin_stream_values_unopened_total").increment(1);
            tracing::info!(station = %speaker.station, stream = id, "values of a stream that nobody opened");
            return Ok(());
        };
        let now = self.inner.runtime.now();
        let base = time(payload, "basetime").unwrap_or(now);
        let values = list(payload, "data");
        let read = |value: &Json| {
            let after_s = value.get("t").and_then(Json::as_f64).unwrap_or(0.0);
            json!({"at": base.plus_seconds(after_s), "value": text(value, "v")})
        };
        let mut detail = stream;
        detail["stream"] = id.into();
        detail["pending"] = payload.get("pending").cloned().unwrap_or(Json::Null);
        detail["values"] = values.iter().take(VALUES_MAX).map(read).collect();
        detail["left_out"] = values.len().saturating_sub(VALUES_MAX).into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, base, "stream_values", detail);
        self.record(events).await
    }
}
