//! Commands of partners: taken or refused at once, their results sent when the station has answered.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode as Http;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use voltwin_core::{CommandState, TwinId};
use voltwin_csms::CommandRequest;
use voltwin_ocpi::{
    AuthMethod, CancelReservation, CiText, CommandResponse, CommandResponseType, CommandResult,
    CommandResultType, DisplayText, OcpiError, ReserveNow, StartSession, StatusCode, StopSession, Token,
    UnlockConnector, Url,
};
use voltwin_store::{Command, OcpiGrant, OcpiReservation};

use super::client::Route;
use super::envelope::{Body, Refusal, Success};
use super::find::{Place, place};
use super::partner::{Partner, Visitor, operator, roles};
use super::tokens::keep;
use crate::state::AppState;

/// How long a station may take; partners are told this as the timeout.
const WAIT: Duration = Duration::from_secs(40);
/// Attempts to hand a result over.
const ATTEMPTS: u32 = 5;

/// What to ask of which station.
struct Order {
    station: TwinId,
    request: CommandRequest,
    response_url: Url,
    /// What the partner is told when the station says yes.
    success: CommandResultType,
}

/// Why a command is not even tried.
enum No {
    Response(CommandResponseType, String),
    Refusal(Refusal),
}

impl<E: Into<Refusal>> From<E> for No {
    fn from(error: E) -> Self {
        Self::Refusal(error.into())
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, OcpiError> {
    voltwin_ocpi::read(body)
}

pub(super) async fn take(
    State(state): State<AppState>,
    Partner(partner): Partner,
    Path(command): Path<String>,
    Body(body): Body,
) -> Result<Success<CommandResponse>, Refusal> {
    let order = match command.as_str() {
        "START_SESSION" => start(&state, &partner, read(&body)?).await,
        "STOP_SESSION" => stop(&state, &partner, read(&body)?).await,
        "RESERVE_NOW" => reserve(&state, &partner, read(&body)?).await,
        "CANCEL_RESERVATION" => cancel(&state, &partner, read(&body)?).await,
        "UNLOCK_CONNECTOR" => unlock(&state, &partner, read(&body)?).await,
        other => Err(No::Response(
            CommandResponseType::NotSupported,
            format!("there is no command {:?}", other.chars().take(40).collect::<String>()),
        )),
    };
    let timeout = WAIT.as_secs() as u32;
    match order {
        Ok(order) => {
            tokio::spawn(carry_out(state, partner, order));
            Ok(Success(CommandResponse {
                result: CommandResponseType::Accepted,
                timeout,
                message: Vec::new(),
            }))
        }
        Err(No::Response(result, why)) => {
            Ok(Success(CommandResponse { result, timeout, message: vec![DisplayText::english(&why)] }))
        }
        Err(No::Refusal(refusal)) => Err(refusal),
    }
}

/// The place that a command names. OCPI has a status for one that there is not.
fn known_place(
    state: &AppState,
    partner: &Visitor,
    location: &CiText<36>,
    evse: Option<&CiText<36>>,
) -> Result<Place, No> {
    let found = place(state, &partner.tenant, location.as_str(), evse.map(CiText::as_str));
    found.ok_or_else(|| {
        let there = state
            .runtime
            .read(&partner.tenant, |graph| super::find::site(graph, location.as_str()).is_some());
        match (there, evse) {
            (true, None) => {
                No::Response(CommandResponseType::Rejected, "no EVSE of the location is free".to_owned())
            }
            (true, Some(evse)) => unknown(format!("there is no EVSE `{evse}` at the location")),
            (false, _) => unknown(format!("there is no location `{location}`")),
        }
    })
}

fn unknown(text: String) -> No {
    No::Refusal(Refusal::new(Http::OK, StatusCode::UNKNOWN_LOCATION, text))
}

/// Lets the driver in: the token is known from now on, and the session will say how it was authorised.
async fn let_in(
    state: &AppState,
    partner: &Visitor,
    token: &Token,
    reference: Option<&CiText<36>>,
) -> Result<(), Refusal> {
    keep(state, partner, token).await?;
    let grant = OcpiGrant {
        method: AuthMethod::Command.as_str().to_owned(),
        reference: reference.map(|reference| reference.as_str().to_owned()),
        at: state.runtime.now(),
    };
    Ok(partner.registry(state).put_ocpi_grant(token.uid.as_str(), &grant).await?)
}

async fn start(state: &AppState, partner: &Visitor, asked: StartSession) -> Result<Order, No> {
    let place = known_place(state, partner, &asked.location_id, asked.evse_uid.as_ref())?;
    if !asked.token.valid {
        return Err(No::Response(CommandResponseType::Rejected, "the token is not valid".to_owned()));
    }
    if !place.online {
        return Err(No::Response(CommandResponseType::Rejected, "the station is offline".to_owned()));
    }
    let_in(state, partner, &asked.token, asked.authorization_reference.as_ref()).await?;
    let id_token = asked.token.uid.as_str().to_owned();
    Ok(Order {
        station: place.station,
        request: CommandRequest::RemoteStart { evse: Some(place.evse), id_token },
        response_url: asked.response_url,
        success: CommandResultType::Accepted,
    })
}

async fn stop(state: &AppState, partner: &Visitor, asked: StopSession) -> Result<Order, No> {
    let nobody =
        || No::Response(CommandResponseType::UnknownSession, "there is no such session of yours".to_owned());
    let registry = partner.registry(state);
    let session = registry.ocpi_object("sessions", asked.session_id.as_str()).await?;
    let session = session.filter(|session| session.owner == partner.party.id).ok_or_else(nobody)?;
    let number: i64 = session.id.parse().map_err(|_| nobody())?;
    let transaction = registry.transaction(number).await?.ok_or_else(nobody)?;
    if transaction.ended_at.is_some() {
        return Err(No::Response(CommandResponseType::Rejected, "the session has ended".to_owned()));
    }
    let (transaction_id, evse) = (Some(transaction.transaction_id), None);
    Ok(Order {
        station: transaction.station.parse()?,
        request: CommandRequest::RemoteStop { transaction_id, evse },
        response_url: asked.response_url,
        success: CommandResultType::Accepted,
    })
}

async fn reserve(state: &AppState, partner: &Visitor, asked: ReserveNow) -> Result<Order, No> {
    let place = known_place(state, partner, &asked.location_id, asked.evse_uid.as_ref())?;
    if asked.expiry_date.0 <= state.runtime.now() {
        return Err(OcpiError::field("expiry_date", "must be in the future").into());
    }
    let_in(state, partner, &asked.token, asked.authorization_reference.as_ref()).await?;
    let registry = partner.registry(state);
    let id = asked.reservation_id.as_str();
    let earlier = registry.ocpi_reservation(&partner.party.id, id).await?;
    let number = match earlier.filter(|earlier| earlier.station == place.station.as_str()) {
        Some(earlier) => earlier.number,
        None => state.runtime.store().next_transaction_number().await? & 0x7fff_ffff,
    };
    let reservation =
        OcpiReservation { number, station: place.station.to_string(), expires_at: asked.expiry_date.0 };
    registry.put_ocpi_reservation(&partner.party.id, id, &reservation).await?;
    let (until, uid) = (asked.expiry_date.to_string(), asked.token.uid.as_str());
    let payload = match place.v2 {
        true => json!({"id": number, "expiryDateTime": until, "evseId": place.evse,
                       "idToken": {"idToken": uid, "type": "Central"}}),
        false => {
            json!({"connectorId": place.evse, "expiryDate": until, "idTag": uid, "reservationId": number})
        }
    };
    Ok(Order {
        station: place.station,
        request: CommandRequest::Raw { action: "ReserveNow".to_owned(), payload },
        response_url: asked.response_url,
        success: CommandResultType::Accepted,
    })
}

async fn cancel(state: &AppState, partner: &Visitor, asked: CancelReservation) -> Result<Order, No> {
    let found =
        partner.registry(state).ocpi_reservation(&partner.party.id, asked.reservation_id.as_str()).await?;
    let found = found.ok_or_else(|| {
        No::Response(CommandResponseType::Rejected, "there is no such reservation of yours".to_owned())
    })?;
    let payload = json!({"reservationId": found.number});
    Ok(Order {
        station: found.station.parse()?,
        request: CommandRequest::Raw { action: "CancelReservation".to_owned(), payload },
        response_url: asked.response_url,
        success: CommandResultType::CanceledReservation,
    })
}

async fn unlock(state: &AppState, partner: &Visitor, asked: UnlockConnector) -> Result<Order, No> {
    let place = known_place(state, partner, &asked.location_id, Some(&asked.evse_uid))?;
    let connector: u32 = asked
        .connector_id
        .as_str()
        .parse()
        .map_err(|_| unknown(format!("there is no connector `{}`", asked.connector_id)))?;
    let payload = match place.v2 {
        true => json!({"evseId": place.evse, "connectorId": connector}),
        false => json!({"connectorId": place.evse}),
    };
    Ok(Order {
        station: place.station,
        request: CommandRequest::Raw { action: "UnlockConnector".to_owned(), payload },
        response_url: asked.response_url,
        success: CommandResultType::Accepted,
    })
}

/// Asks the station and tells the partner what came of it.
async fn carry_out(state: AppState, partner: Visitor, order: Order) {
    let by = format!("ocpi:{}", partner.party.id);
    let done = state.csms.command(&partner.tenant, &order.station, order.request, &by, WAIT).await;
    let (result, why) = match &done {
        Ok(record) => judge(record, order.success),
        // what the station's version cannot say
        Err(error) => (CommandResultType::NotSupported, Some(error.to_string())),
    };
    let message = why.iter().map(|why| DisplayText::english(why)).collect();
    hand_over(&state, &partner, &order.response_url, &CommandResult { result, message }).await;
}

/// Tells a partner what came of what it asked for, some times if need be.
pub(super) async fn hand_over(
    state: &AppState,
    partner: &Visitor,
    response_url: &Url,
    result: &impl serde::Serialize,
) {
    let (Ok(us), Some(token)) = (operator(&partner.settings), &partner.party.token_out) else { return };
    let theirs = roles(&partner.party).into_iter().next();
    let to = theirs.as_ref().map(|role| (role.country_code.as_str(), role.party_id.as_str()));
    for attempt in 1..=ATTEMPTS {
        let route = to.map(|to| Route { from: &us, to });
        let url = response_url.as_str();
        match state.ocpi.client.send(Method::POST, url, token, route, Some(result)).await {
            Ok(_) => return,
            Err(failure) if attempt < ATTEMPTS && !failure.is_final() => {
                tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
            }
            Err(failure) => {
                metrics::counter!("voltwin_ocpi_results_lost_total").increment(1);
                tracing::warn!(party = partner.party.id, %failure, "a partner did not take the result of its command");
                return;
            }
        }
    }
}

fn judge(record: &Command, success: CommandResultType) -> (CommandResultType, Option<String>) {
    let said = record.answer.as_ref().and_then(|answer| answer.get("status")).and_then(Json::as_str);
    let reason = record.reason.clone();
    let result = match record.state {
        CommandState::Accepted => return (success, None),
        CommandState::Requested | CommandState::Sent => {
            return (CommandResultType::Timeout, Some("the station did not answer in time".to_owned()));
        }
        CommandState::Rejected => match said {
            Some("Occupied" | "OngoingAuthorizedTransaction") => CommandResultType::EvseOccupied,
            Some("Faulted" | "Unavailable") => CommandResultType::EvseInoperative,
            Some("NotSupported") => CommandResultType::NotSupported,
            Some("UnlockFailed") => CommandResultType::Failed,
            _ if success == CommandResultType::CanceledReservation => CommandResultType::UnknownReservation,
            _ => CommandResultType::Rejected,
        },
        CommandState::Failed => match &reason {
            Some(text) if text.contains("NotSupported") || text.contains("NotImplemented") => {
                CommandResultType::NotSupported
            }
            Some(text) if text.contains("did not answer") => CommandResultType::Timeout,
            _ => CommandResultType::Failed,
        },
    };
    (result, reason)
}
