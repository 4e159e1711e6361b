//! A person's command, from the request to the station's own answer, recorded at every step.

use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::oneshot;
use uuid::Uuid;
use voltwin_core::{
    CommandFact, CommandId, CommandState, Event, EventBody, TenantId, TwinId, told_transaction_id,
};
use voltwin_ocpp::{CallOutcome, Command, ResetKind, Version, accepted};
use voltwin_runtime::RuntimeError;
use voltwin_store::{Command as CommandRecord, TransactionFilter, TransactionState};

use crate::decide::Speaker;
use crate::directory::{Dispatch, Entry};
use crate::log::recordable;
use crate::stations::STATION;
use crate::{CentralSystem, CsmsError};

/// Commands of an earlier run that are read at once.
const PAGE: usize = 500;

/// What a person can ask of a station.
#[derive(Debug, Clone, PartialEq)]
pub enum CommandRequest {
    /// Any OCPP action of the station's version with its payload.
    Raw {
        /// The action, such as `GetConfiguration`.
        action: String,
        /// The payload, validated against the schema of the station's version.
        payload: Json,
    },
    /// Start a transaction.
    RemoteStart {
        /// The EVSE (1.6: connector); any free one when absent.
        evse: Option<u32>,
        /// Who charges.
        id_token: String,
    },
    /// End a transaction: by its id, or the one at an EVSE, or the only one of the station.
    RemoteStop {
        /// The id that station and central system share.
        transaction_id: Option<String>,
        /// The EVSE whose transaction to end.
        evse: Option<u32>,
    },
    /// Restart the station or one EVSE (2.x).
    Reset {
        /// At once (`true`), or when it is idle.
        immediate: bool,
        /// Only this EVSE (2.x).
        evse: Option<u32>,
    },
    /// Take into service or out of it.
    ChangeAvailability {
        /// Into service.
        operative: bool,
        /// Only this EVSE (1.6: connector).
        evse: Option<u32>,
        /// Only this connector of the EVSE (2.x).
        connector: Option<u32>,
    },
    /// Let go of the plug.
    Unlock {
        /// The EVSE (1.6: connector).
        evse: u32,
        /// Its connector (2.x).
        connector: Option<u32>,
    },
    /// Forget the tokens that were authorised before.
    ClearCache,
    /// Ask the station to send a message.
    Trigger {
        /// `BootNotification`, `StatusNotification`, `Heartbeat`, `MeterValues`, …
        message: String,
        /// For this EVSE only.
        evse: Option<u32>,
    },
}

/// One command on its way, and what is recorded of it.
struct Journey {
    tenant: TenantId,
    station: TwinId,
    record: CommandRecord,
}

impl CentralSystem {
    /// Gives a command to a station and waits up to `wait` for the outcome. The record tells how far it came;
    /// it goes on by itself when the wait ends before the station answers.
    ///
    /// # Errors
    /// When the station is not known, the request does not fit the station's version, or nothing can be recorded.
    /// A station that is offline, silent or unwilling is no error: the record says so.
    pub async fn command(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        request: CommandRequest,
        by: &str,
        wait: Duration,
    ) -> Result<CommandRecord, CsmsError> {
        self.command_as(CommandId(Uuid::now_v7()), (tenant, station), request, by, wait).await
    }

    /// As [`CentralSystem::command`], under an id that is given: a replay gives a command again under its own.
    pub(crate) async fn command_as(
        &self,
        id: CommandId,
        (tenant, station): (&TenantId, &TwinId),
        request: CommandRequest,
        by: &str,
        wait: Duration,
    ) -> Result<CommandRecord, CsmsError> {
        let entry = self.inner.directory.get(tenant, station);
        let version = self.version_of(tenant, station, entry.as_ref())?;
        let command = self.translate(tenant, station, request).await?;
        let (action, payload) = command.to_call(version)?;
        let record = CommandRecord {
            id,
            station: station.to_string(),
            action,
            payload: recordable(payload.clone()),
            state: CommandState::Requested,
            requested_by: by.to_owned(),
            requested_at: self.inner.runtime.now(),
            finished_at: None,
            answer: None,
            reason: None,
        };
        let mut journey = Journey { tenant: tenant.clone(), station: station.clone(), record };
        // goes on also when whoever asked goes away meanwhile: what is requested must end
        let csms = self.clone();
        let requested = tokio::spawn(async move {
            // What becomes of it at once is known already. One commit for both: a person waits for it.
            let first = vec![csms.told(&journey)];
            let Some(entry) = entry else {
                let reason = Some("the station is offline".to_owned());
                csms.reach(&mut journey, first, CommandState::Failed, None, reason).await?;
                return Ok((journey.record, None));
            };
            csms.reach(&mut journey, first, CommandState::Sent, None, None).await?;
            let sent = journey.record.clone();
            let delivery = async move { csms.deliver(journey, version, entry, (command, payload)).await };
            Ok::<_, CsmsError>((sent, Some(tokio::spawn(delivery))))
        });
        let (sent, delivery) = requested.await.map_err(|_| RuntimeError::Stopped)??;
        let Some(delivery) = delivery else { return Ok(sent) };
        Ok(match tokio::time::timeout(wait, delivery).await {
            Ok(done) => done.map_err(|_| RuntimeError::Stopped)?,
            Err(_) => sent,
        })
    }

    /// Brings a command to its end, and answers what is recorded of it then.
    async fn deliver(
        &self,
        mut journey: Journey,
        version: Version,
        entry: Entry,
        (command, payload): (Command, Json),
    ) -> CommandRecord {
        let (outcome, answer) = oneshot::channel();
        let (tenant, station, record) = (&journey.tenant, &journey.station, &journey.record);
        let (id, action) = (record.id, record.action.as_str());
        let speaker = Speaker { tenant, station, version, trace: Self::trace(), quarantined: false };
        // what the station will report of it may come before its answer has been looked at
        let failed = match self.asking(&speaker, action, &payload).await {
            Err(error) => {
                tracing::error!(command = %id, %error, "could not record what a command asks for");
                Some(error.to_string())
            }
            Ok(()) => {
                use tokio::sync::mpsc::error::TrySendError::{Closed, Full};
                match entry.commands.try_send(Box::new(Dispatch { id, command, outcome })) {
                    Ok(()) => None,
                    Err(Full(_)) => Some("the station has too many commands waiting".to_owned()),
                    Err(Closed(_)) => Some("the station disconnected".to_owned()),
                }
            }
        };
        let (state, answer, reason) = match failed {
            Some(reason) => (CommandState::Failed, None, Some(reason)),
            None => {
                let outcome = answer.await.unwrap_or(CallOutcome::Disconnected);
                // first what it means, then that it is done: whoever waits for the command finds it recorded
                let meant = self.asked(&speaker, action, &payload, &outcome, &record.requested_by).await;
                if let Err(error) = meant {
                    tracing::error!(command = %id, %error, "could not record what an answer means");
                }
                judge(version, action, outcome, self.inner.config.call_timeout_s)
            }
        };
        let answer = answer.map(recordable);
        if let Err(error) = self.reach(&mut journey, Vec::new(), state, answer, reason).await {
            tracing::error!(command = %id, %error, "could not record the outcome of a command");
        }
        journey.record
    }

    /// Records that a command has come as far as `state`, after `before` and together with it.
    async fn reach(
        &self,
        journey: &mut Journey,
        mut before: Vec<Event>,
        state: CommandState,
        answer: Option<Json>,
        reason: Option<String>,
    ) -> Result<(), CsmsError> {
        let earlier = journey.record.clone();
        let record = &mut journey.record;
        (record.state, record.answer, record.reason) = (state, answer, reason);
        if !matches!(state, CommandState::Requested | CommandState::Sent) {
            metrics::counter!("voltwin_commands_total", "state" => name(state)).increment(1);
            record.finished_at = Some(self.inner.runtime.now());
        }
        before.push(self.told(journey));
        for result in self.inner.runtime.submit_all(before).await {
            if let Err(error) = result {
                // what could not be recorded is not so
                journey.record = earlier;
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// The event that tells how far a command has come.
    fn told(&self, journey: &Journey) -> Event {
        let record = &journey.record;
        let requested = record.state == CommandState::Requested;
        let fact = CommandFact {
            id: record.id,
            state: record.state,
            action: record.action.clone(),
            payload: requested.then(|| record.payload.clone()),
            by: record.requested_by.clone(),
            answer: record.answer.clone(),
            reason: record.reason.clone(),
        };
        let event = self.event(&journey.tenant, &journey.station, EventBody::Command(Box::new(fact)));
        let at = if requested { record.requested_at } else { record.finished_at.unwrap_or(event.at) };
        Event { at, ..event }
    }

    pub(crate) fn version_of(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        entry: Option<&Entry>,
    ) -> Result<Version, CsmsError> {
        if let Some(entry) = entry {
            return Ok(entry.version);
        }
        self.inner
            .runtime
            .read(tenant, |graph| {
                let twin = graph.twin(station.as_str())?;
                graph.ontology().is_a(twin.model().as_str(), STATION).then_some(())?;
                let text = twin.get("ocpp_version");
                Some(text.as_ref().and_then(|text| text.as_str()?.parse().ok()).unwrap_or(Version::V16))
            })
            .ok_or_else(|| CsmsError::NoStation(station.to_string()))
    }

    async fn translate(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        request: CommandRequest,
    ) -> Result<Command, CsmsError> {
        Ok(match request {
            CommandRequest::Raw { action, payload } => Command::Raw { action, payload },
            CommandRequest::RemoteStart { evse, id_token } => Command::RemoteStart {
                evse,
                connector: None,
                id_token,
                // 2.x wants a number that the station repeats in the transaction's first event
                remote_start_id: self.inner.runtime.store().next_transaction_number().await? & 0x7fff_ffff,
            },
            CommandRequest::RemoteStop { transaction_id, evse } => Command::RemoteStop {
                transaction_id: match transaction_id {
                    Some(id) => told_transaction_id(&id).to_owned(),
                    None => {
                        told_transaction_id(&self.only_transaction(tenant, station, evse).await?).to_owned()
                    }
                },
            },
            CommandRequest::Reset { immediate, evse } => {
                Command::Reset { kind: if immediate { ResetKind::Hard } else { ResetKind::Soft }, evse }
            }
            CommandRequest::ChangeAvailability { operative, evse, connector } => {
                Command::ChangeAvailability { operative, evse, connector }
            }
            CommandRequest::Unlock { evse, connector } => Command::Unlock { evse, connector },
            CommandRequest::ClearCache => Command::ClearCache,
            CommandRequest::Trigger { message, evse } => Command::Trigger { message, evse },
        })
    }

    async fn only_transaction(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        evse: Option<u32>,
    ) -> Result<String, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let filter = TransactionFilter {
            station: Some(station.to_string()),
            state: Some(TransactionState::Active),
            ..Default::default()
        };
        let mut active = store.transactions(&filter, None, 500).await?.items;
        active.retain(|transaction| evse.is_none() || transaction.evse == evse);
        let missing = |detail: String| CsmsError::Missing { field: "transaction_id", detail };
        match active.as_slice() {
            [only] => Ok(only.transaction_id.clone()),
            [] => Err(missing("the station has no active transaction there".to_owned())),
            many => Err(missing(format!("the station has {} active transactions; name one", many.len()))),
        }
    }

    /// Commands that an earlier run left without an outcome have failed; the station's answer is lost.
    pub(crate) async fn fail_unfinished_commands(&self, tenant: &TenantId) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let mut last = None;
        loop {
            let unfinished = store.unfinished_commands(PAGE).await?;
            // the same ones again would be there for ever
            let first = unfinished.first().map(|command| command.id);
            if first.is_none() || first == last {
                return Ok(());
            }
            last = first;
            for command in unfinished {
                let station = command.station.parse()?;
                let mut journey = Journey { tenant: tenant.clone(), station, record: command };
                let reason = "the server was restarted before the station answered".to_owned();
                self.reach(&mut journey, Vec::new(), CommandState::Failed, None, Some(reason)).await?;
            }
        }
    }
}

fn judge(
    version: Version,
    action: &str,
    outcome: CallOutcome,
    timeout_s: u32,
) -> (CommandState, Option<Json>, Option<String>) {
    match outcome {
        CallOutcome::Answer(answer) => match accepted(version, action, &answer) {
            Some(false) => {
                let status = answer.get("status").and_then(Json::as_str).unwrap_or("refused").to_owned();
                (CommandState::Rejected, Some(answer), Some(format!("the station answered {status}")))
            }
            _ => (CommandState::Accepted, Some(answer), None),
        },
        CallOutcome::Error { code, description } => {
            let reason = match description.as_str() {
                "" => format!("the station answered with the error {code}"),
                text => format!("the station answered with the error {code}: {text}"),
            };
            (CommandState::Failed, None, Some(reason))
        }
        CallOutcome::Timeout => {
            (CommandState::Failed, None, Some(format!("the station did not answer within {timeout_s} s")))
        }
        CallOutcome::Disconnected => {
            (CommandState::Failed, None, Some("the station disconnected".to_owned()))
        }
    }
}

fn name(state: CommandState) -> &'static str {
    match state {
        CommandState::Requested => "requested",
        CommandState::Sent => "sent",
        CommandState::Accepted => "accepted",
        CommandState::Rejected => "rejected",
        CommandState::Failed => "failed",
    }
}
