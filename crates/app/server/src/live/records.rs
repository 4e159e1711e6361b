//! Which records a batch of events has changed, and how clients hear of them.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use voltwin_core::{AlarmId, CommandId, EventBody, Sequenced, TraceId, TwinId};
use voltwin_store::{StoreError, TenantStore};

use super::protocol::{Message, Traced};
use crate::api::{Alarm, Command, Transaction};

/// Records that events of one batch have changed, each once, in the order of their first event, with the trace of the
/// last.
#[derive(Debug, Default)]
pub(super) struct Changed {
    alarms: Vec<(AlarmId, Option<TraceId>)>,
    commands: Vec<(CommandId, Option<TraceId>)>,
    transactions: Vec<((TwinId, String), Option<TraceId>)>,
}

impl Changed {
    pub(super) fn of<'a>(events: impl Iterator<Item = &'a Arc<Sequenced>>) -> Self {
        let mut changed = Self::default();
        for event in events.map(|sequenced| &sequenced.event) {
            match &event.body {
                EventBody::Alarm(fact) => once(&mut changed.alarms, fact.id, event.trace),
                EventBody::Command(fact) => once(&mut changed.commands, fact.id, event.trace),
                EventBody::Transaction(fact) => {
                    let key = (event.twin.clone(), fact.transaction_id.clone());
                    once(&mut changed.transactions, key, event.trace);
                }
                _ => {}
            }
        }
        changed
    }

    /// The records as they are now.
    pub(super) async fn messages(self, registry: &TenantStore) -> Result<Vec<Utf8Bytes>, StoreError> {
        let mut messages = Vec::new();
        for (id, trace) in self.alarms {
            if let Some(record) = registry.alarm(id).await? {
                let record = &Alarm::from(record);
                messages.push(Message::Alarm(Traced { record, trace }).text().into());
            }
        }
        for (id, trace) in self.commands {
            if let Some(record) = registry.command(id).await? {
                let record = &Command::from(record);
                messages.push(Message::Command(Traced { record, trace }).text().into());
            }
        }
        for ((station, id), trace) in self.transactions {
            if let Some(record) = registry.transaction_by_id(station.as_str(), &id).await? {
                let record = &Transaction::from(record);
                messages.push(Message::Transaction(Traced { record, trace }).text().into());
            }
        }
        Ok(messages)
    }
}

/// A batch has at most 1 024 events, and few of these kinds.
fn once<T: PartialEq>(list: &mut Vec<(T, Option<TraceId>)>, item: T, trace: Option<TraceId>) {
    match list.iter_mut().find(|(known, _)| *known == item) {
        Some((_, last)) => *last = trace,
        None => list.push((item, trace)),
    }
}
