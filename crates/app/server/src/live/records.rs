//! Which records a batch of events has changed, and how clients hear of them.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use voltwin_core::{AlarmId, CommandId, EventBody, Sequenced, TwinId};
use voltwin_store::{StoreError, TenantStore};

use super::protocol::Message;
use crate::api::{Alarm, Command, Transaction};

/// Records that events of one batch have changed, each once, in the order of their first event.
#[derive(Debug, Default)]
pub(super) struct Changed {
    alarms: Vec<AlarmId>,
    commands: Vec<CommandId>,
    transactions: Vec<(TwinId, String)>,
}

impl Changed {
    pub(super) fn of<'a>(events: impl Iterator<Item = &'a Arc<Sequenced>>) -> Self {
        let mut changed = Self::default();
        for event in events.map(|sequenced| &sequenced.event) {
            match &event.body {
                EventBody::Alarm(fact) => once(&mut changed.alarms, fact.id),
                EventBody::Command(fact) => once(&mut changed.commands, fact.id),
                EventBody::Transaction(fact) => {
                    once(&mut changed.transactions, (event.twin.clone(), fact.transaction_id.clone()));
                }
                _ => {}
            }
        }
        changed
    }

    /// The records as they are now.
    pub(super) async fn messages(self, registry: &TenantStore) -> Result<Vec<Utf8Bytes>, StoreError> {
        let mut messages = Vec::new();
        for id in self.alarms {
            if let Some(record) = registry.alarm(id).await? {
                messages.push(Message::Alarm(&Alarm::from(record)).text().into());
            }
        }
        for id in self.commands {
            if let Some(record) = registry.command(id).await? {
                messages.push(Message::Command(&Command::from(record)).text().into());
            }
        }
        for (station, id) in self.transactions {
            if let Some(record) = registry.transaction_by_id(station.as_str(), &id).await? {
                messages.push(Message::Transaction(&Transaction::from(record)).text().into());
            }
        }
        Ok(messages)
    }
}

/// A batch has at most 1 024 events, and few of these kinds.
fn once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
