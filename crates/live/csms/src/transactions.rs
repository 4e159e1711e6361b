//! A charging transaction, from the station's word to the registry and the twins.

use serde_json::Value as Json;
use voltwin_core::{
    Decimal, EventBody, PropertyMap, PropertyName, RelationshipId, TransactionFact, TransactionPhase, TwinId,
    Value,
};
use voltwin_ocpp::{Answer, ConnectorStatus, TokenInfo, TransactionReport, Version};

use crate::blocks::told_cost;
use crate::clock::put_right;
use crate::decide::{Speaker, created};
use crate::meter::Reading;
use crate::stations::{Events, patch, station_status};
use crate::uses::{Standing, orphan_id};
use crate::{CentralSystem, CsmsError};

const TRANSACTION: &str = "dtmi:voltwin:ChargingTransaction;1";
const VEHICLE: &str = "dtmi:voltwin:Vehicle;1";

impl CentralSystem {
    /// Records one transaction event exactly once. A repetition is answered as the first was and changes nothing.
    pub(crate) async fn transaction(
        &self,
        speaker: &Speaker<'_>,
        report: TransactionReport,
    ) -> Result<Answer, CsmsError> {
        // held until the event is durable: of two that begin on one token, the second finds the first
        let turn = self.turn_to_begin(speaker, &report).await?;
        let token = self.token_of(speaker, &report).await?;
        // An event of a transaction reads the registry several times. Thousands at once would wait anew for each of these
        // reads, until all of them are late; one after the other the first are done when the last begin. Whoever waits for
        // a partner's word about the token takes no place.
        let _place = self.inner.transactions.acquire().await.ok();
        let (told, reservation) = (report.at, report.reservation_id);
        let details = report.cost_details.clone();
        let (mut fact, standing) = self.identify(speaker, report).await?;
        if standing == Standing::Again {
            metrics::counter!("voltwin_transaction_events_repeated_total").increment(1);
            let cost = self.cost_to_tell(speaker, &fact).await?;
            return Ok(answer(&fact, token, cost));
        }
        self.place(speaker, &mut fact).await?;
        self.complete(speaker, &mut fact, reservation, details.as_ref()).await?;
        let connector = match (fact.evse, fact.connector) {
            (Some(evse), connector) if !speaker.quarantined => {
                let connector = connector.unwrap_or(1);
                Some(self.ensure_connector(speaker.tenant, speaker.station, evse, connector).await?)
            }
            _ => None,
        };
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let mut clock = Events::new(self, speaker.tenant, speaker.trace);
        fact.clock_ahead_ms = self.clock_ahead_ms(speaker, told, &mut clock).await?;
        // The journal keeps the time as told; the twins live by our clock.
        events.add(speaker.station, told, EventBody::Transaction(fact.clone()));
        events.list.append(&mut clock.list);
        let at = put_right(told, fact.clock_ahead_ms);
        if let Some(connector) = &connector {
            self.follow(&mut events, speaker, &fact, connector, at);
        }
        let mut results = self.inner.runtime.submit_all(events.list).await.into_iter();
        let Some(first) = results.next() else { return Ok(answer(&fact, token, None)) };
        drop(turn);
        let receipt = first?;
        if !receipt.duplicate {
            self.inner.running.recorded(speaker.tenant, speaker.station, &fact, standing);
        }
        if let Some(transaction_id) = receipt.transaction_id {
            fact.transaction_id = transaction_id;
        }
        for error in results.filter_map(Result::err) {
            tracing::warn!(station = %speaker.station, trace = %speaker.trace, %error, "a twin did not follow");
        }
        self.follow_up(speaker, &fact, reservation, details.as_ref()).await;
        let cost = self.cost_to_tell(speaker, &fact).await.unwrap_or_else(|error| {
            // What was said is recorded; the receipt will tell.
            tracing::warn!(station = %speaker.station, %error, "a cost could not be told");
            None
        });
        Ok(answer(&fact, token, cost))
    }

    /// Adds what its record is to hold beside the station's words.
    async fn complete(
        &self,
        speaker: &Speaker<'_>,
        fact: &mut TransactionFact,
        reservation: Option<i64>,
        details: Option<&Json>,
    ) -> Result<(), CsmsError> {
        fact.quarantined = speaker.quarantined;
        match fact.phase {
            TransactionPhase::Started => {
                let held = self.reservation_for(speaker, fact, reservation).await?;
                fact.reserved_from = held.and_then(|held| held.reserved_at);
            }
            TransactionPhase::Ended => fact.station_cost = details.map(told_cost),
            TransactionPhase::Updated => {}
        }
        Ok(())
    }

    /// What follows of an event that is durable; none of it may make the station send the event again.
    async fn follow_up(
        &self,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
        reservation: Option<i64>,
        details: Option<&Json>,
    ) {
        let followed = match fact.phase {
            TransactionPhase::Started => self.energy_begun(speaker, fact, reservation).await,
            TransactionPhase::Ended => self.energy_over(speaker, fact).await,
            TransactionPhase::Updated => Ok(()),
        };
        if let Err(error) = followed {
            tracing::warn!(station = %speaker.station, trace = %speaker.trace, %error, "a statement did not follow");
        }
        if fact.phase == TransactionPhase::Ended
            && let Some(details) = details
            && let Err(error) = self.station_cost(speaker, fact, details).await
        {
            tracing::warn!(station = %speaker.station, %error, "the station's own cost was not kept");
        }
    }

    /// Gives a 1.6 start its number and a 2.x event its transaction, and tells whether this very event is recorded
    /// already.
    async fn identify(
        &self,
        speaker: &Speaker<'_>,
        report: TransactionReport,
    ) -> Result<(TransactionFact, Standing), CsmsError> {
        let store = self.inner.runtime.store();
        let tenant = store.tenant(speaker.tenant);
        let mut told_before = false;
        let transaction_id = match (&report.transaction_id, &report.start_key) {
            // a 1.6 station that never got an id stops -1 or 0; each such stop is an orphan of its own
            (Some(id), _) if matches!(id.as_str(), "-1" | "0") && speaker.version == Version::V16 => {
                orphan_id(id, report.at, report.meter_wh)
            }
            (Some(id), _) => id.clone(),
            (None, key) => {
                let earlier = match key {
                    Some(key) => tenant.find_start(speaker.station.as_str(), key).await?,
                    None => None,
                };
                told_before = earlier.is_some();
                match earlier {
                    Some(id) => id,
                    None => store.next_transaction_number().await?.to_string(),
                }
            }
        };
        let told = report.at;
        let mut fact = report.into_fact(transaction_id);
        let again = |known: bool| if known { Standing::Again } else { Standing::More };
        let standing = match (speaker.version, fact.phase) {
            _ if told_before => Standing::Again,
            (Version::V16, TransactionPhase::Started) => Standing::First,
            _ if self.inner.running.is_new(speaker.tenant, speaker.station, &fact) => Standing::More,
            (Version::V16, TransactionPhase::Ended) => {
                again(self.put_stop_to_its_start(speaker, told, &mut fact).await?)
            }
            (Version::V16, TransactionPhase::Updated) => {
                again(tenant.has_transaction_event(speaker.station.as_str(), &fact).await?)
            }
            _ => self.put_to_its_use(speaker, told, &mut fact).await?,
        };
        Ok((fact, standing))
    }

    /// Finds the connector of an event that does not name it, as a 1.6 stop never does; a 1.6 stop of a
    /// transaction that nobody started is an orphan.
    async fn place(&self, speaker: &Speaker<'_>, fact: &mut TransactionFact) -> Result<(), CsmsError> {
        if fact.evse.is_some() || fact.phase == TransactionPhase::Started {
            return Ok(());
        }
        if let Some((Some(evse), connector)) =
            self.inner.running.outlet(speaker.tenant, speaker.station, &fact.transaction_id)
        {
            (fact.evse, fact.connector) = (Some(evse), connector);
            return Ok(());
        }
        let tenant = self.inner.runtime.store().tenant(speaker.tenant);
        match tenant.transaction_by_id(speaker.station.as_str(), &fact.transaction_id).await? {
            Some(record) => {
                fact.evse = record.evse;
                fact.connector = record.connector;
            }
            None if speaker.version == Version::V16 && fact.phase == TransactionPhase::Ended => {
                fact.trigger = Some("Orphan".to_owned());
            }
            None => {}
        }
        Ok(())
    }

    /// The connector, the transaction's twin and the vehicle follow the event.
    fn follow(
        &self,
        events: &mut Events<'_>,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
        connector: &TwinId,
        at: voltwin_core::Timestamp,
    ) {
        let mut reading = Reading::of(&fact.samples);
        reading.at = Some(at);
        if reading.energy_wh.is_none() {
            reading.energy_wh = fact.meter_wh.and_then(|wh| rust_decimal::prelude::ToPrimitive::to_f64(&wh));
        }
        let ended = fact.phase == TransactionPhase::Ended;
        let mut more: Vec<(&'static str, Value)> = Vec::new();
        let mut remove = Vec::new();
        if ended {
            more.extend([("power_w", Value::from(0.0)), ("current_a", Value::from(0.0))]);
            remove.extend(["transaction_id", "id_token", "soc"]);
        } else {
            more.push(("transaction_id", fact.transaction_id.as_str().into()));
            more.extend(fact.id_token.as_deref().map(|token| ("id_token", token.into())));
        }
        let status = self.status_from(speaker, fact, connector);
        more.extend(status.map(|status| ("status", status.as_str().into())));
        self.add_reading(events, speaker, connector, &mut reading, more, remove);
        if let Some(status) = status {
            let whole = self.inner.runtime.read(speaker.tenant, |graph| {
                station_status(graph, speaker.station, Some((connector, status)))
            });
            events.add(speaker.station, at, patch([("status", whole.into())], []));
        }
        self.follow_transaction(events, speaker, fact, connector, &reading, at);
        if let Some(id_token) = &fact.id_token {
            self.follow_vehicle(events, speaker, fact.phase, id_token, connector, at);
        }
    }

    /// OCPP 2.x tells through the transaction what 1.6 tells by status: whether energy flows.
    fn status_from(
        &self,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
        connector: &TwinId,
    ) -> Option<ConnectorStatus> {
        if speaker.version == Version::V16 {
            return None;
        }
        if fact.phase == TransactionPhase::Ended {
            let now: Option<ConnectorStatus> = self.inner.runtime.read(speaker.tenant, |graph| {
                graph.twin(connector.as_str())?.get("status")?.as_str()?.parse().ok()
            });
            use ConnectorStatus as S;
            let was_busy =
                matches!(now, Some(S::Charging | S::Preparing | S::SuspendedEV | S::SuspendedEVSE));
            return was_busy.then_some(S::Finishing);
        }
        Some(match fact.charging_state.as_deref()? {
            "Charging" => ConnectorStatus::Charging,
            "EVConnected" => ConnectorStatus::Preparing,
            "SuspendedEV" => ConnectorStatus::SuspendedEV,
            "SuspendedEVSE" => ConnectorStatus::SuspendedEVSE,
            _ => return None,
        })
    }

    fn follow_transaction(
        &self,
        events: &mut Events<'_>,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
        connector: &TwinId,
        reading: &Reading,
        at: voltwin_core::Timestamp,
    ) {
        let Ok(twin) = TwinId::new(&format!("{}:tx:{}", speaker.station, fact.transaction_id)) else {
            return;
        };
        let exists = self.inner.runtime.read(speaker.tenant, |graph| graph.twin(twin.as_str()).is_some());
        match (fact.phase, exists) {
            (TransactionPhase::Started, false) => {
                let mut values: Vec<(&'static str, Value)> = vec![
                    ("transaction_id", fact.transaction_id.as_str().into()),
                    ("started_at", at.to_string().into()),
                ];
                values.extend(fact.id_token.as_deref().map(|token| ("id_token", token.into())));
                values.extend(fact.charging_state.as_deref().map(|state| ("charging_state", state.into())));
                if let Some(body) = created(TRANSACTION, values) {
                    events.add(&twin, at, body);
                }
                if let Some(body) = link("atConnector", connector) {
                    events.add(&twin, at, body);
                }
            }
            (TransactionPhase::Ended, true) => events.add(&twin, at, EventBody::Deleted),
            (TransactionPhase::Updated, true) => {
                let mut values = reading.values();
                values.retain(|(name, _)| matches!(*name, "power_w" | "energy_wh" | "soc"));
                values.extend(fact.charging_state.as_deref().map(|state| ("charging_state", state.into())));
                if !values.is_empty() {
                    events.add(&twin, at, patch(values, []));
                }
            }
            _ => {}
        }
    }

    fn follow_vehicle(
        &self,
        events: &mut Events<'_>,
        speaker: &Speaker<'_>,
        phase: TransactionPhase,
        id_token: &str,
        connector: &TwinId,
        at: voltwin_core::Timestamp,
    ) {
        let plugged: Option<Vec<RelationshipId>> = self.inner.runtime.read(speaker.tenant, |graph| {
            let twin =
                graph.twin(id_token).filter(|twin| graph.ontology().is_a(twin.model().as_str(), VEHICLE))?;
            Some(twin.outgoing().filter(|l| l.name.as_str() == "pluggedInto").map(|l| l.id.clone()).collect())
        });
        let (Some(plugged), Ok(vehicle)) = (plugged, TwinId::new(id_token)) else { return };
        let ended = phase == TransactionPhase::Ended;
        if ended || (phase == TransactionPhase::Started && !plugged.is_empty()) {
            plugged.into_iter().for_each(|id| events.add(&vehicle, at, EventBody::Unlinked { id }));
        }
        match phase {
            TransactionPhase::Started => {
                events.add(&vehicle, at, patch([("connector", connector.as_str().into())], []));
                if let Some(body) = link("pluggedInto", connector) {
                    events.add(&vehicle, at, body);
                }
            }
            TransactionPhase::Ended => events.add(&vehicle, at, patch([], ["connector"])),
            TransactionPhase::Updated => {}
        }
    }
}

fn link(name: &str, target: &TwinId) -> Option<EventBody> {
    Some(EventBody::Linked {
        id: RelationshipId::new(name).ok()?,
        name: PropertyName::new(name).ok()?,
        target: target.clone(),
        properties: PropertyMap::new(),
    })
}

fn answer(fact: &TransactionFact, token: Option<TokenInfo>, total_cost: Option<Decimal>) -> Answer {
    Answer::Transaction { transaction_id: fact.transaction_id.parse().ok(), token, total_cost }
}
