//! Reservations: a person asks, the station holds an EVSE, a transaction uses it or it ends.
//!
//! Topic `reservation` (key = id). What is past its expiry by our clock is expired, whether the station says so or not.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use voltwin_core::{TenantId, Timestamp, TransactionFact, TwinId};
use voltwin_graph::TwinRef;
use voltwin_ocpp::Version;
use voltwin_store::{Command as CommandRecord, Page};

use super::fields::{is, place, text, time, whole};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::tokens::same;
use crate::{CentralSystem, CommandRequest, CsmsError};

pub(super) const RESERVATION: &str = "reservation";

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// The station holds it.
    Active,
    /// The station did not take it.
    Refused,
    /// A transaction took it up.
    Used,
    /// Somebody gave it up.
    Cancelled,
    /// Nobody came in time.
    Expired,
    /// The station gave it up, because of a fault for instance.
    Removed,
}

/// One reservation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its number, unique within the installation.
    pub id: i64,
    /// The station.
    pub station: String,
    /// The EVSE (1.6: connector); absent = any of the station.
    pub evse: Option<u32>,
    /// Who may charge.
    pub id_token: String,
    /// Whoever is of this group may charge too.
    pub group: Option<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: ReservationState,
    /// The transaction that took it up.
    pub transaction_id: Option<String>,
    /// The station's word on it.
    pub answer: Option<String>,
    /// When the station took it; absent of those from before this was recorded.
    #[serde(default)]
    pub reserved_at: Option<Timestamp>,
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ReservationRequest {
    /// The EVSE (1.6: connector); absent = any.
    pub evse: Option<u32>,
    /// Who may charge.
    pub id_token: String,
    /// Whoever is of this group may charge too.
    pub group: Option<String>,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Reservation {
    fn of(station: &str, value: &Json, now: Timestamp) -> Option<Self> {
        let mut value = value.clone();
        value["station"] = station.into();
        let mut reservation: Self = serde_json::from_value(value).ok()?;
        if reservation.state == ReservationState::Active && reservation.expires_at <= now {
            reservation.state = ReservationState::Expired;
        }
        Some(reservation)
    }

    fn value(&self) -> Json {
        serde_json::to_value(self).unwrap_or(Json::Null)
    }
}

impl CentralSystem {
    /// Asks a station to hold an EVSE. A conflict with what is known is refused before the station is asked.
    ///
    /// # Errors
    /// [`CsmsError::Conflict`] when the EVSE is reserved or in use, [`CsmsError::Missing`] for an expiry in the past,
    /// and those of [`CentralSystem::command`].
    pub async fn reserve(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        mut request: ReservationRequest,
        by: &str,
        wait: Duration,
    ) -> Result<(Option<Reservation>, CommandRecord), CsmsError> {
        let version = self.version_of(tenant, station, self.inner.directory.get(tenant, station).as_ref())?;
        let speaker = Speaker { tenant, station, version, trace: Self::trace(), quarantined: false };
        self.check_conflicts(&speaker, &request).await?;
        if request.group.is_none() {
            request.group = self.parent_of(&speaker, &request.id_token).await?;
        }
        let id = self.inner.runtime.store().next_transaction_number().await? & 0x7fff_ffff;
        let payload = reserve_payload(version, id, &request);
        let wish = CommandRequest::Raw { action: "ReserveNow".to_owned(), payload };
        let command = self.command(tenant, station, wish, by, wait).await?;
        let value = self.statement(&speaker, RESERVATION, &id.to_string()).await?;
        let now = self.inner.runtime.now();
        Ok((value.and_then(|value| Reservation::of(station.as_str(), &value, now)), command))
    }

    async fn check_conflicts(
        &self,
        speaker: &Speaker<'_>,
        request: &ReservationRequest,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        if request.expires_at <= now {
            let detail = format!("it is {}; it must be in the future", request.expires_at);
            return Err(CsmsError::Missing { field: "expires_at", detail });
        }
        let active = self.active_reservations(speaker).await?;
        let Some(evse) = request.evse.filter(|evse| *evse > 0) else {
            let evses: Vec<u32> = self.inner.runtime.read(speaker.tenant, |graph| {
                let Some(station) = graph.twin(speaker.station.as_str()) else { return Vec::new() };
                let number = |evse: TwinRef<'_>| u32::try_from(evse.i64("evse_id")?).ok();
                station.related("hasEvse").filter_map(number).collect()
            });
            // one that is held at an EVSE which nobody knows takes none of the others
            let takes = |held: &&Reservation| held.evse.is_none_or(|evse| evses.contains(&evse));
            if !evses.is_empty() && active.iter().filter(takes).count() >= evses.len() {
                let count = evses.len();
                return Err(CsmsError::Conflict(format!("all {count} EVSEs of the station are reserved")));
            }
            return Ok(());
        };
        if let Some(taken) = active.iter().find(|reservation| reservation.evse == Some(evse)) {
            let (id, until) = (taken.id, taken.expires_at);
            return Err(CsmsError::Conflict(format!(
                "EVSE {evse} is reserved until {until} (reservation {id})"
            )));
        }
        if let Some(transaction) = self.active_at(speaker, evse).await? {
            return Err(CsmsError::Conflict(format!("EVSE {evse} is in use by transaction {transaction}")));
        }
        Ok(())
    }

    async fn active_at(&self, speaker: &Speaker<'_>, evse: u32) -> Result<Option<String>, CsmsError> {
        Ok(self.charging_at(speaker, evse).await?.transaction_id)
    }

    async fn active_reservations(&self, speaker: &Speaker<'_>) -> Result<Vec<Reservation>, CsmsError> {
        let now = self.inner.runtime.now();
        let records = self.statements(speaker, RESERVATION).await?;
        let all = records.iter().filter_map(|record| Reservation::of(&record.twin, &record.value, now));
        Ok(all.filter(|reservation| reservation.state == ReservationState::Active).collect())
    }

    /// All reservations of a tenant, by station and number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn reservations(
        &self,
        tenant: &TenantId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Reservation>, CsmsError> {
        let now = self.inner.runtime.now();
        let page =
            self.inner.runtime.store().tenant(tenant).records_of_topic(RESERVATION, cursor, limit).await?;
        let items = page
            .items
            .iter()
            .filter_map(|record| Reservation::of(&record.twin, &record.value, now))
            .collect();
        Ok(Page { items, next: page.next })
    }

    /// The reservations of a station, by number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn reservations_of(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Reservation>, CsmsError> {
        let now = self.inner.runtime.now();
        let store = self.inner.runtime.store().tenant(tenant);
        let page = store.records(station.as_str(), RESERVATION, cursor, limit).await?;
        let read = |record: &voltwin_store::Record| Reservation::of(&record.twin, &record.value, now);
        Ok(Page { items: page.items.iter().filter_map(read).collect(), next: page.next })
    }

    /// Asks the station of a reservation to give it up.
    ///
    /// # Errors
    /// [`CsmsError::Conflict`] when it is not active any more, and those of [`CentralSystem::command`].
    pub async fn cancel_reservation(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        id: i64,
        by: &str,
        wait: Duration,
    ) -> Result<Option<(Reservation, CommandRecord)>, CsmsError> {
        let version = self.version_of(tenant, station, self.inner.directory.get(tenant, station).as_ref())?;
        let speaker = Speaker { tenant, station, version, trace: Self::trace(), quarantined: false };
        let now = self.inner.runtime.now();
        let read = |value: Json| Reservation::of(station.as_str(), &value, now);
        let Some(known) = self.statement(&speaker, RESERVATION, &id.to_string()).await?.and_then(read) else {
            return Ok(None);
        };
        if known.state != ReservationState::Active {
            return Err(CsmsError::Conflict(format!("reservation {id} is not active any more")));
        }
        let payload = json!({"reservationId": id});
        let wish = CommandRequest::Raw { action: "CancelReservation".to_owned(), payload };
        let command = self.command(tenant, station, wish, by, wait).await?;
        let newest = self.statement(&speaker, RESERVATION, &id.to_string()).await?.and_then(read);
        Ok(Some((newest.unwrap_or(known), command)))
    }

    /// The station's word on a reservation, however it was asked for.
    pub(super) async fn reserve_answered(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let Some(mut reservation) = asked_for(speaker, payload) else { return Ok(()) };
        match is(answer, "Accepted") {
            true => reservation.reserved_at = Some(self.inner.runtime.now()),
            false => reservation.state = ReservationState::Refused,
        }
        reservation.answer = text(answer, "status").map(str::to_owned);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, RESERVATION, &reservation.id.to_string(), Some(reservation.value()));
        self.record(events).await
    }

    /// It is given up; a station that does not know it holds nothing either.
    pub(super) async fn cancel_answered(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let word = text(answer, "status").map(str::to_owned);
        self.reservation_is(speaker, whole(payload, "reservationId"), ReservationState::Cancelled, word).await
    }

    /// The station says that a reservation ended (2.x).
    pub(super) async fn reservation_update(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<(), CsmsError> {
        let word = text(payload, "reservationUpdateStatus");
        let state = match word {
            // a driver who came and did not charge has had it
            Some("Expired" | "NoTransaction") => ReservationState::Expired,
            _ => ReservationState::Removed,
        };
        let word = word.map(str::to_owned);
        self.reservation_is(speaker, whole(payload, "reservationId"), state, word).await
    }

    async fn reservation_is(
        &self,
        speaker: &Speaker<'_>,
        id: Option<i64>,
        state: ReservationState,
        word: Option<String>,
    ) -> Result<(), CsmsError> {
        let Some(id) = id else { return Ok(()) };
        let key = id.to_string();
        let Some(mut value) = self.statement(speaker, RESERVATION, &key).await? else { return Ok(()) };
        value["state"] = serde_json::to_value(state).unwrap_or(Json::Null);
        value["answer"] = word.into();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, RESERVATION, &key, Some(value));
        self.record(events).await
    }

    /// The reservation that a transaction takes up: the one that it names (1.6, 2.x), or that is for its token at its EVSE.
    pub(crate) async fn reservation_for(
        &self,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
        named: Option<i64>,
    ) -> Result<Option<Reservation>, CsmsError> {
        let active = self.active_reservations(speaker).await?;
        let parent = match fact.id_token.as_deref() {
            Some(token) if active.iter().any(|held| held.group.is_some()) => {
                self.parent_of(speaker, token).await?
            }
            _ => None,
        };
        let ours = |reservation: &&Reservation| {
            let here = reservation.evse.is_none_or(|evse| evse == 0 || Some(evse) == fact.evse);
            let token = fact.id_token.as_deref().is_some_and(|token| {
                let of_group = |group: &str| {
                    same(group, token) || parent.as_deref().is_some_and(|parent| same(group, parent))
                };
                same(&reservation.id_token, token) || reservation.group.as_deref().is_some_and(of_group)
            });
            here && token
        };
        let by_name = |reservation: &&Reservation| named == Some(reservation.id);
        Ok(active.iter().find(by_name).or_else(|| active.iter().find(ours)).cloned())
    }

    /// The reservation that a transaction takes up is used.
    pub(super) async fn use_reservation(
        &self,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
        named: Option<i64>,
    ) -> Result<(), CsmsError> {
        let Some(mut used) = self.reservation_for(speaker, fact, named).await? else { return Ok(()) };
        used.state = ReservationState::Used;
        used.transaction_id = Some(fact.transaction_id.clone());
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, RESERVATION, &used.id.to_string(), Some(used.value()));
        self.record(events).await
    }
}

fn reserve_payload(version: Version, id: i64, request: &ReservationRequest) -> Json {
    let token = |token: &str| json!({"idToken": token, "type": "ISO14443"});
    // our clock has microseconds, small parsers expect at most milliseconds
    let until = Timestamp::from_millis(request.expires_at.as_millis()).to_string();
    let mut payload = match version {
        Version::V16 => json!({
            "connectorId": request.evse.unwrap_or(0),
            "expiryDate": until,
            "idTag": request.id_token,
            "reservationId": id,
        }),
        Version::V201 | Version::V21 => {
            json!({"id": id, "expiryDateTime": until, "idToken": token(&request.id_token)})
        }
    };
    match (version, &request.group) {
        (_, None) => {}
        (Version::V16, Some(group)) => payload["parentIdTag"] = group.as_str().into(),
        // as it is called wherever a station is told of a group
        (_, Some(group)) => payload["groupIdToken"] = json!({"idToken": group, "type": "Central"}),
    }
    if let (true, Some(evse)) = (version.is_v2(), request.evse) {
        payload["evseId"] = evse.into();
    }
    payload
}

/// The reservation that a `ReserveNow` of any version asks for.
fn asked_for(speaker: &Speaker<'_>, payload: &Json) -> Option<Reservation> {
    let token = |field: &str| payload.pointer(&format!("/{field}/idToken")).and_then(Json::as_str);
    let (id, evse, id_token, group, expires_at) = match speaker.version {
        Version::V16 => (
            whole(payload, "reservationId")?,
            place(payload, "connectorId").filter(|connector| *connector > 0),
            text(payload, "idTag")?,
            text(payload, "parentIdTag"),
            time(payload, "expiryDate")?,
        ),
        Version::V201 | Version::V21 => (
            whole(payload, "id")?,
            place(payload, "evseId"),
            token("idToken")?,
            token("groupIdToken"),
            time(payload, "expiryDateTime")?,
        ),
    };
    Some(Reservation {
        id,
        station: speaker.station.to_string(),
        evse,
        id_token: id_token.to_owned(),
        group: group.map(str::to_owned),
        expires_at,
        state: ReservationState::Active,
        transaction_id: None,
        answer: None,
        reserved_at: None,
    })
}
