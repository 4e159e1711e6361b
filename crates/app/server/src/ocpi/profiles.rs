//! Charging profiles of partners: set, asked for and cleared at the station of a session of theirs. Whether a wish was
//! taken is answered at once, what came of it is sent to the address that the partner gave.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use voltwin_core::{CommandState, TwinId};
use voltwin_csms::{CommandRequest, CompositeRequest};
use voltwin_ocpi::{
    ActiveChargingProfile, ActiveChargingProfileResult, ChargingProfile, ChargingProfileResponse,
    ChargingProfileResponseType as Taken, ChargingProfileResult, ChargingProfileResultType as Came, DateTime,
    OcpiError, SetChargingProfile, Url,
};
use voltwin_profiles::{Supply, Unit};
use voltwin_store::Command;

use super::commands::hand_over;
use super::envelope::{Body, Refusal, Success};
use super::partner::{Partner, Visitor};
use crate::state::AppState;

/// How long a station may take; partners are told this as the timeout.
const WAIT: Duration = Duration::from_secs(40);
/// Seconds that are told of when the partner does not say.
const DURATION_S: u32 = 900;
/// The longest stretch that may be asked for.
const DURATION_S_MAX: u32 = 7 * 86_400;
/// Profiles of partners stand above those that hold by default.
const STACK_LEVEL: u32 = 1;

/// A session of the partner that runs.
struct Running {
    number: i64,
    station: TwinId,
    transaction_id: String,
    evse: u32,
    v2: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    duration: Option<u32>,
    response_url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cleared {
    response_url: String,
}

type Answer = Result<Success<ChargingProfileResponse>, Refusal>;

fn answer(result: Taken) -> Success<ChargingProfileResponse> {
    Success(ChargingProfileResponse { result, timeout: WAIT.as_secs() as u32 })
}

/// The session, or why nothing can be done for it.
async fn running(
    state: &AppState,
    partner: &Visitor,
    session: &str,
) -> Result<Result<Running, Taken>, Refusal> {
    let registry = partner.registry(state);
    let object = registry.ocpi_object("sessions", session).await?;
    let object = object.filter(|object| object.owner == partner.party.id);
    let Some(number) = object.and_then(|object| object.id.parse().ok()) else {
        return Ok(Err(Taken::UnknownSession));
    };
    let Some(transaction) = registry.transaction(number).await? else {
        return Ok(Err(Taken::UnknownSession));
    };
    let (None, Some(evse)) = (transaction.ended_at, transaction.evse) else {
        return Ok(Err(Taken::Rejected));
    };
    let (online, v2) = state.runtime.read(&partner.tenant, |graph| {
        let station = graph.twin(&transaction.station);
        let version = station.and_then(|station| station.text("ocpp_version").map(str::to_owned));
        let online = station.is_some_and(|station| station.bool("online") == Some(true));
        (online, version.is_some_and(|version| version.starts_with('2')))
    });
    if !online {
        return Ok(Err(Taken::Rejected));
    }
    let station = transaction.station.parse()?;
    Ok(Ok(Running { number, station, transaction_id: transaction.transaction_id, evse, v2 }))
}

/// A partner wishes how fast a session charges.
pub(super) async fn put(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path(session): Path<String>,
    Body(body): Body,
) -> Answer {
    let wish: SetChargingProfile = voltwin_ocpi::read(&body)?;
    wish.charging_profile.check()?;
    let running = match running(&state, &partner, &session).await? {
        Ok(running) => running,
        Err(no) => return Ok(answer(no)),
    };
    let Some(payload) = payload(&running, &wish.charging_profile, DateTime::of(state.runtime.now())) else {
        return Ok(answer(Taken::NotSupported));
    };
    let action = "SetChargingProfile".to_owned();
    let request = CommandRequest::Raw { action, payload };
    tokio::spawn(carry_out(state, partner, running, request, wish.response_url));
    Ok(answer(Taken::Accepted))
}

/// A partner takes its wish back.
pub(super) async fn delete(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path(session): Path<String>,
    Query(query): Query<Cleared>,
) -> Answer {
    let response_url = url(&query.response_url)?;
    let running = match running(&state, &partner, &session).await? {
        Ok(running) => running,
        Err(no) => return Ok(answer(no)),
    };
    let id = profile_id(&running);
    let payload = match running.v2 {
        true => json!({"chargingProfileId": id}),
        false => json!({"id": id}),
    };
    let request = CommandRequest::Raw { action: "ClearChargingProfile".to_owned(), payload };
    tokio::spawn(carry_out(state, partner, running, request, response_url));
    Ok(answer(Taken::Accepted))
}

/// A partner asks how fast a session may charge.
pub(super) async fn get(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path(session): Path<String>,
    Query(query): Query<Asked>,
) -> Answer {
    let response_url = url(&query.response_url)?;
    let duration_s = query.duration.unwrap_or(DURATION_S);
    if !(1..=DURATION_S_MAX).contains(&duration_s) {
        return Err(OcpiError::field("duration", format!("must be 1 to {DURATION_S_MAX} seconds")).into());
    }
    let running = match running(&state, &partner, &session).await? {
        Ok(running) => running,
        Err(no) => return Ok(answer(no)),
    };
    tokio::spawn(async move {
        let told = active(&state, &partner, &running, duration_s).await;
        hand_over(&state, &partner, &response_url, &told).await;
    });
    Ok(answer(Taken::Accepted))
}

fn url(text: &str) -> Result<Url, OcpiError> {
    Url::new(text).map_err(|error| OcpiError::field("response_url", error.to_string()))
}

/// One profile a session: a later wish takes the place of the one before.
fn profile_id(running: &Running) -> i64 {
    running.number & 0x7fff_ffff
}

/// The profile as the station's version says it; `None` where it cannot.
fn payload(running: &Running, profile: &ChargingProfile, now: DateTime) -> Option<Json> {
    let periods: Option<Vec<Json>> = profile
        .charging_profile_period
        .iter()
        .map(|period| Some(json!({"startPeriod": period.start_period, "limit": number(period.limit)?})))
        .collect();
    let mut schedule = json!({
        "startSchedule": profile.start_date_time.unwrap_or(now).to_string(),
        "chargingRateUnit": profile.charging_rate_unit.as_str(),
        "chargingSchedulePeriod": periods?,
    });
    if let Some(duration) = profile.duration {
        schedule["duration"] = duration.into();
    }
    if let Some(least) = profile.min_charging_rate {
        schedule["minChargingRate"] = number(least)?;
    }
    let id = profile_id(running);
    let mut told = json!({
        "stackLevel": STACK_LEVEL,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
    });
    if running.v2 {
        schedule["id"] = id.into();
        told["id"] = id.into();
        told["transactionId"] = running.transaction_id.as_str().into();
        told["chargingSchedule"] = json!([schedule]);
        return Some(json!({"evseId": running.evse, "chargingProfile": told}));
    }
    told["chargingProfileId"] = id.into();
    told["transactionId"] = running.transaction_id.parse::<i64>().ok()?.into();
    told["chargingSchedule"] = schedule;
    Some(json!({"connectorId": running.evse, "csChargingProfiles": told}))
}

/// With one decimal place, all that stations of 1.6 know.
fn number(limit: voltwin_ocpi::Number) -> Option<Json> {
    let rounded = limit.get().round_dp(1).normalize();
    rounded.to_string().parse::<serde_json::Number>().ok().map(Json::from)
}

/// Asks the station and tells the partner what came of it.
async fn carry_out(
    state: AppState,
    partner: Visitor,
    running: Running,
    request: CommandRequest,
    response_url: Url,
) {
    let by = format!("ocpi:{}", partner.party.id);
    let done = state.csms.command(&partner.tenant, &running.station, request, &by, WAIT).await;
    let result = match done {
        Ok(record) => judge(&record),
        Err(error) => {
            tracing::info!(station = %running.station, %error, "a partner's profile cannot be told");
            Came::Rejected
        }
    };
    hand_over(&state, &partner, &response_url, &ChargingProfileResult { result }).await;
}

fn judge(record: &Command) -> Came {
    let said = record.answer.as_ref().and_then(|answer| answer.get("status")).and_then(Json::as_str);
    match record.state {
        CommandState::Accepted => Came::Accepted,
        // a profile that is not there cannot be cleared
        CommandState::Rejected if said == Some("Unknown") => Came::Unknown,
        CommandState::Rejected | CommandState::Failed => Came::Rejected,
        CommandState::Requested | CommandState::Sent => Came::Unknown,
    }
}

/// The station's own word on how fast it charges, else what all its profiles add up to here.
async fn active(
    state: &AppState,
    partner: &Visitor,
    running: &Running,
    duration_s: u32,
) -> ActiveChargingProfileResult {
    let request = CompositeRequest {
        evse: running.evse,
        duration_s,
        unit: Unit::Watt,
        supply: Supply { voltage_v: 230.0, phases: 3 },
        ask_station: true,
    };
    let by = format!("ocpi:{}", partner.party.id);
    let asked = state.csms.composite_schedule(&partner.tenant, &running.station, &request, &by, WAIT).await;
    let profile = match &asked {
        Ok(composite) => {
            let slots = composite.station.as_ref().map_or(&composite.ours, |station| &station.slots);
            ChargingProfile::of(slots, composite.unit, composite.start, composite.duration_s).map(|profile| {
                ActiveChargingProfile {
                    start_date_time: DateTime::of(composite.start),
                    charging_profile: profile,
                }
            })
        }
        Err(error) => {
            tracing::info!(station = %running.station, %error, "how fast a session charges is not known");
            None
        }
    };
    let result = if profile.is_some() { Came::Accepted } else { Came::Unknown };
    ActiveChargingProfileResult { result, profile }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(v2: bool) -> Running {
        let station = "ST".parse().unwrap();
        Running { number: 7, station, transaction_id: "41".to_owned(), evse: 2, v2 }
    }

    #[test]
    fn a_profile_is_said_in_the_words_of_the_version() {
        let body = br#"{"charging_rate_unit": "A", "duration": 600, "min_charging_rate": 6,
            "charging_profile_period": [{"start_period": 0, "limit": 16.04}]}"#;
        let profile: ChargingProfile = voltwin_ocpi::read(body).unwrap();
        let now: DateTime = "2026-11-21T08:00:00Z".parse().unwrap();
        let old = payload(&running(false), &profile, now).unwrap();
        assert_eq!(old["connectorId"], 2);
        let told = &old["csChargingProfiles"];
        assert_eq!((&told["transactionId"], &told["chargingProfileId"]), (&json!(41), &json!(7)));
        let schedule = json!({"startSchedule": "2026-11-21T08:00:00Z", "chargingRateUnit": "A", "duration": 600,
            "minChargingRate": 6, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]});
        assert_eq!(told["chargingSchedule"], schedule);
        let new = payload(&running(true), &profile, now).unwrap();
        assert_eq!((&new["evseId"], &new["chargingProfile"]["transactionId"]), (&json!(2), &json!("41")));
        assert_eq!(new["chargingProfile"]["chargingSchedule"][0]["id"], 7);
        let odd = Running { transaction_id: "not a number".to_owned(), ..running(false) };
        assert_eq!(payload(&odd, &profile, now), None);
    }
}
