//! What follows from a fact, and what to answer.

use voltwin_core::{EventBody, SignedReading, TenantId, Timestamp, TraceId, TwinId, Value};
use voltwin_ocpp::{Answer, BootStatus, ConnectorStatus, ErrorCode, Fact, TokenStatus, Version};
use voltwin_runtime::RuntimeError;
use voltwin_store::StoreError;

use crate::clock::put_right;
use crate::meter::Reading;
use crate::stations::{Events, patch, station_status};
use crate::{CentralSystem, CsmsError};

/// Who speaks, and on which frame.
pub(crate) struct Speaker<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) station: &'a TwinId,
    pub(crate) version: Version,
    pub(crate) trace: TraceId,
    /// Its word is kept where money depends on it, and changes no twin.
    pub(crate) quarantined: bool,
}

/// Events of transactions that are worked on at once; more wait in their order.
pub(crate) const TRANSACTIONS_AT_ONCE: usize = 256;

impl CentralSystem {
    /// Records what the fact means and says what to answer; a fact that cannot be recorded is refused, so that the
    /// station keeps it and sends it again.
    pub(crate) async fn decide(&self, speaker: &Speaker<'_>, fact: Fact) -> Answer {
        let decided = match fact {
            Fact::Boot { vendor, model, serial_number, firmware_version, .. } => {
                self.boot(speaker, [Some(vendor), Some(model), serial_number, firmware_version]).await
            }
            Fact::Heartbeat => self.heartbeat(speaker).await,
            Fact::Status { evse, connector, status, error_code, at, .. } => {
                let at = at.unwrap_or_else(|| self.inner.runtime.now());
                self.status(speaker, (evse, connector), status, error_code, at).await
            }
            Fact::Authorize { id_token, token_type, contract } => {
                let answer =
                    self.authorize(speaker, &id_token, token_type.as_deref(), contract.as_deref()).await;
                self.with_driver_tariff(speaker, &id_token, answer).await
            }
            Fact::Transaction(report) => self.transaction(speaker, *report).await,
            Fact::MeterValues { evse, connector, samples, signed } => {
                self.meter_values(speaker, (evse, connector), Reading::of(&samples), &signed).await
            }
            Fact::Other { action, payload } => self.block(speaker, action, payload).await,
        };
        decided.unwrap_or_else(|error| {
            tracing::warn!(station = %speaker.station, trace = %speaker.trace, %error, "a station message was refused");
            metrics::counter!("voltwin_station_messages_refused_total").increment(1);
            refuse(&error)
        })
    }

    /// Adds the tariff of whoever is let in at a station that works out costs (2.1), where it is not the one that it holds.
    async fn with_driver_tariff(
        &self,
        speaker: &Speaker<'_>,
        id_token: &str,
        answer: Result<Answer, CsmsError>,
    ) -> Result<Answer, CsmsError> {
        let mut answer = answer?;
        if let Answer::Authorize { token, tariff, .. } = &mut answer
            && token.status == TokenStatus::Accepted
            && speaker.version == Version::V21
        {
            match self.driver_tariff(speaker.tenant, speaker.station, id_token).await {
                Ok(theirs) => *tariff = theirs.map(Box::new),
                // who may charge is let in also without a price on the display
                Err(error) => tracing::warn!(station = %speaker.station, %error, "a tariff was not told"),
            }
        }
        Ok(answer)
    }

    async fn boot(&self, speaker: &Speaker<'_>, about: [Option<String>; 4]) -> Result<Answer, CsmsError> {
        let _place = match self.inner.boots.turn().await {
            Ok(place) => place,
            Err(interval_s) => {
                let now = self.inner.runtime.now();
                return Ok(Answer::Boot { status: BootStatus::Pending, interval_s, now });
            }
        };
        self.ensure_station(speaker.tenant, speaker.station).await?;
        let now = self.inner.runtime.now();
        let [vendor, model, serial_number, firmware_version] = about;
        let before = self.firmware_version(speaker.tenant, speaker.station);
        let firmware = firmware_version.clone();
        let named = [
            ("vendor", vendor),
            ("model", model),
            ("serial_number", serial_number),
            ("firmware_version", firmware_version),
        ];
        let mut values: Vec<(&'static str, Value)> =
            named.into_iter().filter_map(|(name, value)| Some((name, value?.into()))).collect();
        values.push(("boot_status", "Accepted".into()));
        values.push(("ocpp_version", speaker.version.to_string().into()));
        values.push(("online", true.into()));
        values.push(("last_seen", now.to_string().into()));
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.add(speaker.station, now, patch(values, []));
        self.record(events).await?;
        self.firmware_booted(speaker, before.as_deref(), firmware.as_deref()).await?;
        self.plan_inventory(speaker);
        self.tell_again(speaker.tenant, speaker.station);
        if speaker.version == Version::V21 {
            self.look_at_tariffs(speaker.tenant, speaker.station);
        }
        Ok(Answer::Boot { status: BootStatus::Accepted, interval_s: self.inner.config.heartbeat_s, now })
    }

    /// A heartbeat is answered also when it cannot be recorded: it only asks for the time.
    async fn heartbeat(&self, speaker: &Speaker<'_>) -> Result<Answer, CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.add(speaker.station, now, patch([("last_seen", now.to_string().into())], []));
        if let Err(error) = self.record(events).await {
            tracing::debug!(station = %speaker.station, %error, "a heartbeat was not recorded");
        }
        Ok(Answer::Heartbeat { now })
    }

    pub(crate) async fn status(
        &self,
        speaker: &Speaker<'_>,
        (evse, connector): (u32, u32),
        status: ConnectorStatus,
        error_code: Option<String>,
        at: Timestamp,
    ) -> Result<Answer, CsmsError> {
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let ahead_ms = self.clock_ahead_ms(speaker, at, &mut events).await?;
        let at = put_right(at, ahead_ms);
        if evse == 0 {
            let whole = match status {
                ConnectorStatus::Faulted => "Faulted",
                ConnectorStatus::Unavailable => "Unavailable",
                _ => self
                    .inner
                    .runtime
                    .read(speaker.tenant, |graph| station_status(graph, speaker.station, None)),
            };
            events.add(speaker.station, at, patch([("status", whole.into())], []));
            self.record(events).await?;
            return Ok(Answer::Status);
        }
        let twin = self.ensure_connector(speaker.tenant, speaker.station, evse, connector).await?;
        let (status, whole, rests) = self.inner.runtime.read(speaker.tenant, |graph| {
            let known = graph.twin(twin.as_str());
            let status = refine(status, known.as_ref().and_then(in_use));
            let rests = status == ConnectorStatus::Available && known.is_some_and(|twin| seems_busy(&twin));
            (status, station_status(graph, speaker.station, Some((&twin, status))), rests)
        });
        let error_code = error_code.unwrap_or_else(|| "NoError".to_owned());
        let mut values: Vec<(&'static str, Value)> =
            vec![("status", status.as_str().into()), ("error_code", error_code.into())];
        if rests {
            // a connector that is free gives nothing, whatever was told before the station restarted
            values.extend([("power_w", Value::from(0.0)), ("current_a", Value::from(0.0))]);
            let mut reading = Reading::of(&[]);
            reading.at = Some(at);
            let gone = vec!["transaction_id", "id_token", "soc"];
            self.add_reading(&mut events, speaker, &twin, &mut reading, values, gone);
        } else {
            events.add(&twin, at, patch(values, []));
        }
        if let Ok(evse_twin) = crate::stations::evse_id(speaker.station, evse) {
            events.add(&evse_twin, at, patch([("status", status.as_str().into())], []));
        }
        events.add(speaker.station, at, patch([("status", whole.into())], []));
        self.record(events).await?;
        Ok(Answer::Status)
    }

    async fn meter_values(
        &self,
        speaker: &Speaker<'_>,
        (evse, connector): (u32, u32),
        mut reading: Reading,
        signed: &[SignedReading],
    ) -> Result<Answer, CsmsError> {
        if !signed.is_empty() {
            let mut events = Events::new(self, speaker.tenant, speaker.trace);
            for reading in signed {
                let detail = serde_json::json!({"evse": evse, "connector": connector, "reading": reading});
                events.note(speaker.station, reading.at, "signed_reading", detail);
            }
            self.record(events).await?;
        }
        // number 0 is the station's own mains meter, which is no connector's power; 2.x does not say the connector
        if evse > 0 && reading.at.is_some() {
            let connector = connector.max(1);
            let twin = self.ensure_connector(speaker.tenant, speaker.station, evse, connector).await?;
            let mut events = Events::new(self, speaker.tenant, speaker.trace);
            if let Some(told) = reading.at {
                let ahead_ms = self.clock_ahead_ms(speaker, told, &mut events).await?;
                reading.at = Some(put_right(told, ahead_ms));
            }
            self.add_reading(&mut events, speaker, &twin, &mut reading, Vec::new(), Vec::new());
            self.record(events).await?;
        }
        Ok(Answer::MeterValues)
    }

    /// Adds what a reading changes: the connector with `more` values and without those in `remove`, and the power
    /// of its EVSE and station.
    pub(crate) fn add_reading(
        &self,
        events: &mut Events<'_>,
        speaker: &Speaker<'_>,
        twin: &TwinId,
        reading: &mut Reading,
        more: Vec<(&'static str, Value)>,
        remove: Vec<&'static str>,
    ) {
        let at = reading.at.unwrap_or_else(|| self.inner.runtime.now());
        reading.derive_power(self.inner.runtime.read(speaker.tenant, |graph| {
            let twin = graph.twin(twin.as_str())?;
            Some((twin.times("energy_wh")?.0, twin.get("energy_wh")?.as_f64()?))
        }));
        let mut values = reading.values();
        values.retain(|(name, _)| !more.iter().any(|(other, _)| other == name) && !remove.contains(name));
        values.extend(more);
        let power_w =
            values.iter().find(|(name, _)| *name == "power_w").and_then(|(_, power_w)| power_w.as_f64());
        if !values.is_empty() || !remove.is_empty() {
            events.add(twin, at, patch(values, remove));
        }
        if let Some(power_w) = power_w {
            let total_w = self.station_power(speaker.tenant, speaker.station, twin, power_w);
            if let Some(evse) = twin.as_str().rsplit_once(':').and_then(|(evse, _)| TwinId::new(evse).ok()) {
                events.add(&evse, at, patch([("power_w", power_w.into())], []));
            }
            events.add(speaker.station, at, patch([("power_w", total_w.into())], []));
        }
    }

    /// Records all events; the first that fails decides.
    pub(crate) async fn record(&self, events: Events<'_>) -> Result<(), CsmsError> {
        for result in self.inner.runtime.submit_all(events.list).await {
            result?;
        }
        Ok(())
    }
}

/// The status that a connector with a transaction has told us through it.
fn in_use(twin: &voltwin_graph::TwinRef<'_>) -> Option<ConnectorStatus> {
    twin.get("transaction_id")?;
    twin.get("status")?.as_str()?.parse().ok()
}

/// Whether the twin of a connector shows a transaction or power.
fn seems_busy(twin: &voltwin_graph::TwinRef<'_>) -> bool {
    let power_w = twin.get("power_w").and_then(|power_w| power_w.as_f64()).unwrap_or(0.0);
    power_w != 0.0 || twin.get("transaction_id").is_some()
}

/// OCPP 2.x says only `Occupied` where 1.6 says what is going on; the transaction's own word is kept.
fn refine(status: ConnectorStatus, in_use: Option<ConnectorStatus>) -> ConnectorStatus {
    match (status, in_use) {
        (ConnectorStatus::Occupied, Some(known)) if known != ConnectorStatus::Available => known,
        _ => status,
    }
}

fn refuse(error: &CsmsError) -> Answer {
    let store = |error: &StoreError| match error {
        StoreError::DiskFull => "the central system cannot store data now; send again later",
        _ => "the central system could not record the message; send it again",
    };
    let detail = match error {
        CsmsError::Store(error) => store(error).to_owned(),
        CsmsError::Runtime(RuntimeError::Store(error)) => store(error).to_owned(),
        CsmsError::Runtime(RuntimeError::Stopped) => {
            "the central system is restarting; send again".to_owned()
        }
        other => other.to_string(),
    };
    Answer::Refused { code: ErrorCode::InternalError, detail }
}

/// The body that makes a twin, for callers in this crate.
pub(crate) fn created(model: &str, values: Vec<(&'static str, Value)>) -> Option<EventBody> {
    let properties = crate::stations::properties(values);
    Some(EventBody::Created { model: voltwin_core::Dtmi::new(model).ok()?, properties })
}
