//! Tariffs at the station (OCPP 2.1): which ones it holds, those that it should, and the costs that it works out.
//!
//! A station that can work out costs by itself is given the tariff that applies at it, whenever either changes: after its
//! device model was told, when tariffs or their assignments change, and on a look round now and then. Record `tariff`, key =
//! EVSE (`0` = all), says what it holds.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_ocpp::Version;
use voltwin_store::Command as CommandRecord;

use super::fields::{list, place, text};
use super::payload::clip;
use crate::decide::Speaker;
use crate::money::{Charged, station_tariff, station_tariff_id};
use crate::stations::Events;
use crate::{CentralSystem, CommandRequest, CsmsError, Inner, VariableName};

const TOPIC: &str = "tariff";
/// Who gives tariffs, in the list of commands.
const BY: &str = "tariff";
/// How long a station may take to answer.
const WAIT: Duration = Duration::from_secs(30);
/// Every station is looked at this often also when nothing was heard: tariffs begin and end by the clock.
const LOOK: Duration = Duration::from_secs(600);
/// The pause between two stations that are looked at, so that a thousand of them are not asked at once.
const PAUSE: Duration = Duration::from_millis(20);
/// Characters of a station's words that are kept.
const WORDS_MAX: usize = 500;

/// What a station should hold for one EVSE, or for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedTariff {
    /// The tariff's id here.
    pub tariff: String,
    /// Its version.
    pub version: i64,
    /// The id that the station knows it by.
    pub tariff_id: String,
    /// What a station could not work out as we do; it is not given the tariff then.
    pub problem: Option<String>,
}

/// What a station holds and what it should, EVSE by EVSE; `0` is all of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StationTariff {
    /// The EVSE.
    pub evse: u32,
    /// What it should hold.
    pub wanted: Option<WantedTariff>,
    /// The record of what it holds, or refused.
    pub held: Option<Json>,
}

/// The tariffs of one station.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StationTariffs {
    /// Whether it works out costs by itself; null while its device model does not say.
    pub supported: Option<bool>,
    /// One a station, or one an EVSE where they differ.
    pub items: Vec<StationTariff>,
}

/// A tariff for a station, written as it must be told.
struct Given {
    wanted: WantedTariff,
    told: Option<Json>,
}

impl CentralSystem {
    /// What a station holds and what it should.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn station_tariffs(
        &self,
        tenant: &TenantId,
        station: &TwinId,
    ) -> Result<StationTariffs, CsmsError> {
        let supported = self.works_out_costs(tenant, station).await?;
        let mut wanted = self.wanted_tariffs(tenant, station, None).await?;
        let mut held = self.held_tariffs(tenant, station).await?;
        let evses: std::collections::BTreeSet<u32> = wanted.keys().chain(held.keys()).copied().collect();
        let item = |evse| StationTariff {
            evse,
            wanted: wanted.remove(&evse).flatten().map(|given| given.wanted),
            held: held.remove(&evse),
        };
        Ok(StationTariffs { supported, items: evses.into_iter().map(item).collect() })
    }

    /// Gives a station the tariffs that it should hold and takes away those that it should not, where it holds others;
    /// with `again` also what it refused before. Returns what it was sent.
    ///
    /// # Errors
    /// When the station is not known, or nothing can be read or recorded.
    pub async fn give_tariffs(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        again: bool,
        by: &str,
    ) -> Result<Vec<CommandRecord>, CsmsError> {
        let wanted = self.wanted_tariffs(tenant, station, None).await?;
        let held = self.held_tariffs(tenant, station).await?;
        let mut sent = Vec::new();
        for (evse, record) in &held {
            // one that cannot be told must not leave an older one behind
            let told = |given: &Option<Given>| given.as_ref().is_some_and(|given| given.told.is_some());
            let keeps = wanted.get(evse).is_some_and(told);
            let (false, Some("set"), Some(id)) = (keeps, text(record, "state"), text(record, "tariff_id"))
            else {
                continue;
            };
            let mut payload = json!({"tariffIds": [id]});
            if *evse > 0 {
                payload["evseId"] = (*evse).into();
            }
            sent.push(self.give(tenant, station, "ClearTariffs", payload, by).await?);
        }
        for (evse, given) in wanted {
            let Some(Given { wanted, told: Some(told) }) = given else { continue };
            let before =
                held.get(&evse).filter(|record| text(record, "tariff_id") == Some(wanted.tariff_id.as_str()));
            let settled = before.is_some_and(|record| text(record, "state") == Some("set") || !again);
            if !settled {
                let payload = json!({"evseId": evse, "tariff": told});
                sent.push(self.give(tenant, station, "SetDefaultTariff", payload, by).await?);
            }
        }
        Ok(sent)
    }

    async fn give(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        action: &str,
        payload: Json,
        by: &str,
    ) -> Result<CommandRecord, CsmsError> {
        let request = CommandRequest::Raw { action: action.to_owned(), payload };
        self.command(tenant, station, request, by, WAIT).await
    }

    /// The tariff of the station for whoever shows this token, or of each EVSE where they differ.
    async fn wanted_tariffs(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        id_token: Option<&str>,
    ) -> Result<BTreeMap<u32, Option<Given>>, CsmsError> {
        let evses: Vec<u32> = self.inner.runtime.read(tenant, |graph| {
            let Some(twin) = graph.twin(station.as_str()) else { return Vec::new() };
            twin.related("hasEvse").filter_map(|evse| u32::try_from(evse.i64("evse_id")?).ok()).collect()
        });
        let mut wanted = BTreeMap::new();
        for evse in evses {
            wanted.insert(evse, self.given(tenant, station, Some(evse), id_token).await?);
        }
        let id = |given: &Option<Given>| given.as_ref().map(|given| given.wanted.tariff_id.clone());
        let mut ids = wanted.values().map(id);
        let first = ids.next();
        if ids.all(|id| Some(id) == first) {
            let whole = match wanted.pop_first() {
                Some((_, given)) => given,
                None => self.given(tenant, station, None, id_token).await?,
            };
            wanted = BTreeMap::from([(0, whole)]);
        }
        Ok(wanted)
    }

    async fn given(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        evse: Option<u32>,
        id_token: Option<&str>,
    ) -> Result<Option<Given>, CsmsError> {
        let (site, _) = self.surroundings(tenant, station.as_str());
        let charged = Charged { station: station.as_str(), evse, transaction: None, id_token };
        let now = self.inner.runtime.now();
        let Some((record, tariff)) = self.tariff_of(tenant, &charged, site, now).await? else {
            return Ok(None);
        };
        let tariff_id = station_tariff_id(&record.id, record.version);
        let (told, problem) = match station_tariff(&tariff_id, &tariff) {
            Ok(told) => (Some(told), None),
            Err(problem) => (None, Some(problem)),
        };
        let wanted = WantedTariff { tariff: record.id, version: record.version, tariff_id, problem };
        Ok(Some(Given { wanted, told }))
    }

    async fn held_tariffs(
        &self,
        tenant: &TenantId,
        station: &TwinId,
    ) -> Result<BTreeMap<u32, Json>, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let records = store.records(station.as_str(), TOPIC, None, 500).await?.items;
        Ok(records.into_iter().filter_map(|record| Some((record.key.parse().ok()?, record.value))).collect())
    }

    /// The tariff that whoever shows this token is to be billed by at the station, in the station's words, where it is another
    /// than the station holds. A question for a token names no EVSE: what differs among them cannot be told with the answer.
    pub(crate) async fn driver_tariff(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        id_token: &str,
    ) -> Result<Option<Json>, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        if !store.prices_anything().await? || self.works_out_costs(tenant, station).await? != Some(true) {
            return Ok(None);
        }
        let mut theirs = self.wanted_tariffs(tenant, station, Some(id_token)).await?;
        let Some(Given { wanted, told }) = theirs.remove(&0).flatten() else { return Ok(None) };
        let usual = self.wanted_tariffs(tenant, station, None).await?;
        let same = usual
            .values()
            .all(|given| given.as_ref().is_some_and(|given| given.wanted.tariff_id == wanted.tariff_id));
        Ok(told.filter(|_| !same))
    }

    /// Whether a station of 2.1 works out costs by itself.
    pub(crate) async fn works_out_costs(
        &self,
        tenant: &TenantId,
        station: &TwinId,
    ) -> Result<Option<bool>, CsmsError> {
        let entry = self.inner.directory.get(tenant, station);
        if self.version_of(tenant, station, entry.as_ref())? != Version::V21 {
            return Ok(Some(false));
        }
        let name = |variable: &str| VariableName {
            component: "TariffCostCtrlr".to_owned(),
            variable: variable.to_owned(),
            variable_instance: Some("Tariff".to_owned()),
            ..VariableName::default()
        };
        match self.says(tenant, station, &name("Enabled")).await? {
            Some(enabled) => Ok(Some(enabled)),
            None => self.says(tenant, station, &name("Available")).await,
        }
    }

    /// A station may hold another tariff than it should. Those that work out no costs are left alone.
    pub(crate) fn look_at_tariffs(&self, tenant: &TenantId, station: &TwinId) {
        let (csms, tenant, station) = (self.clone(), tenant.clone(), station.clone());
        tokio::spawn(async move { csms.settle_tariffs(&tenant, &station).await });
    }

    async fn settle_tariffs(&self, tenant: &TenantId, station: &TwinId) {
        let settled = async {
            if self.works_out_costs(tenant, station).await? == Some(true) {
                self.give_tariffs(tenant, station, false, BY).await?;
            }
            Ok::<_, CsmsError>(())
        };
        if let Err(error) = settled.await {
            tracing::debug!(%station, %error, "a station was not given its tariff");
        }
    }

    /// Tariffs of a tenant, or what they are assigned to, have changed.
    pub fn tariffs_changed(&self, tenant: &TenantId) {
        let (csms, tenant) = (self.clone(), tenant.clone());
        tokio::spawn(async move { csms.look_round(|of| *of == tenant).await });
    }

    async fn look_round(&self, of: impl Fn(&TenantId) -> bool) {
        for (tenant, station) in self.inner.directory.stations(Version::V21) {
            if of(&tenant) {
                self.settle_tariffs(&tenant, &station).await;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Looks round now and then until the central system is dropped.
    pub(crate) fn start_tariffs(&self) {
        let inner: Weak<Inner> = std::sync::Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(inner) = inner.upgrade() else { return };
                (Self { inner }).look_round(|_| true).await;
            }
        });
    }

    /// The station has answered what it was sent of tariffs, by whom.
    pub(super) async fn tariffs_answered(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        answer: &Json,
        by: &str,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        match action {
            "SetDefaultTariff" => {
                let evse = place(payload, "evseId").unwrap_or(0);
                events.state(speaker.station, now, TOPIC, &evse.to_string(), Some(set(payload, answer)));
                if evse == 0 && text(answer, "status") == Some("Accepted") {
                    // one for all takes the place of those of single EVSEs
                    for evse in self.held_tariffs(speaker.tenant, speaker.station).await?.into_keys() {
                        if evse != 0 {
                            events.state(speaker.station, now, TOPIC, &evse.to_string(), None);
                        }
                    }
                }
            }
            "ClearTariffs" => self.cleared(speaker, &mut events, payload, answer, now).await?,
            "GetTariffs" => self.told_tariffs(speaker, &mut events, payload, answer, now).await?,
            "ChangeTransactionTariff" => {
                let transaction = text(payload, "transactionId").unwrap_or_default();
                let key = format!("tx/{}", clip(transaction, 36));
                events.state(speaker.station, now, TOPIC, &key, Some(set(payload, answer)));
                if text(answer, "status") == Some("Accepted") {
                    self.transaction_tariff_taken(speaker, payload, by).await?;
                }
            }
            _ => {}
        }
        self.record(events).await
    }

    async fn cleared(
        &self,
        speaker: &Speaker<'_>,
        events: &mut Events<'_>,
        payload: &Json,
        answer: &Json,
        now: Timestamp,
    ) -> Result<(), CsmsError> {
        let asked_evse = place(payload, "evseId");
        let gone = |id: &str| {
            list(answer, "clearTariffsResult").iter().any(|result| {
                let named = text(result, "tariffId").is_none_or(|named| named == id);
                named && matches!(text(result, "status"), Some("Accepted" | "NoTariff"))
            })
        };
        let asked: Vec<&str> = list(payload, "tariffIds").iter().filter_map(Json::as_str).collect();
        for (evse, record) in self.held_tariffs(speaker.tenant, speaker.station).await? {
            let id = text(&record, "tariff_id").unwrap_or_default();
            let meant = (asked.is_empty() || asked.contains(&id))
                && asked_evse.is_none_or(|asked| asked == 0 || asked == evse);
            if meant && gone(id) {
                events.state(speaker.station, now, TOPIC, &evse.to_string(), None);
            }
        }
        Ok(())
    }

    /// The station has said which tariffs it holds: those of drivers belong to their transactions and are left out.
    async fn told_tariffs(
        &self,
        speaker: &Speaker<'_>,
        events: &mut Events<'_>,
        payload: &Json,
        answer: &Json,
        now: Timestamp,
    ) -> Result<(), CsmsError> {
        let status = text(answer, "status");
        if !matches!(status, Some("Accepted" | "NoTariff")) {
            return Ok(());
        }
        let mut told = BTreeMap::new();
        let all = list(answer, "tariffAssignments").iter();
        for one in all.filter(|one| text(one, "tariffKind") == Some("DefaultTariff")) {
            let Some(id) = text(one, "tariffId") else { continue };
            let evses: Vec<u32> =
                list(one, "evseIds").iter().filter_map(|evse| u32::try_from(evse.as_u64()?).ok()).collect();
            let value =
                json!({"state": "set", "tariff_id": clip(id, 60), "valid_from": text(one, "validFrom")});
            for evse in if evses.is_empty() { vec![0] } else { evses } {
                told.insert(evse, value.clone());
            }
        }
        let asked = place(payload, "evseId").unwrap_or(0);
        let held = self.held_tariffs(speaker.tenant, speaker.station).await?;
        // a station may name every EVSE where it was given one tariff for all
        let whole = held.get(&0).and_then(|record| text(record, "tariff_id"));
        let one_for_all = !told.is_empty()
            && told.values().all(|value| whole.is_some() && text(value, "tariff_id") == whole);
        if one_for_all {
            return Ok(());
        }
        for evse in held.keys().filter(|evse| !told.contains_key(evse) && (asked == 0 || asked == **evse)) {
            events.state(speaker.station, now, TOPIC, &evse.to_string(), None);
        }
        for (evse, value) in told {
            events.state(speaker.station, now, TOPIC, &evse.to_string(), Some(value));
        }
        Ok(())
    }
}

fn set(payload: &Json, answer: &Json) -> Json {
    let tariff = payload.get("tariff").unwrap_or(&Json::Null);
    let status = text(answer, "status").unwrap_or_default();
    let state = if status == "Accepted" { "set" } else { "refused" };
    let mut value = json!({
        "state": state,
        "tariff_id": clip(text(tariff, "tariffId").unwrap_or_default(), 60),
        "valid_from": text(tariff, "validFrom"),
    });
    if state == "refused" {
        value["status"] = clip(status, 40).into();
        let info = answer.get("statusInfo").unwrap_or(&Json::Null);
        let why = text(info, "additionalInfo").or_else(|| text(info, "reasonCode"));
        value["reason"] = why.map(|why| clip(why, WORDS_MAX)).into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_reason() {
        let payload = json!({"evseId": 1, "tariff": {"tariffId": "t:1"}});
        let answer = json!({"status": "TooManyElements", "statusInfo": {"reasonCode": "Max", "additionalInfo": "at most 4"}});
        let value = set(&payload, &answer);
        assert_eq!(
            (&value["state"], &value["status"], &value["reason"]),
            (&json!("refused"), &json!("TooManyElements"), &json!("at most 4"))
        );
        assert_eq!(set(&payload, &json!({"status": "Accepted"}))["state"], "set");
    }
}
