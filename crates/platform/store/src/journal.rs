#![allow(unused_imports, unused_variables, clippy::unimplemented, clippy::missing_errors_doc)]
use crate::{StoreError, records::*};
use std::path::Path;
use voltwin_core::{AlarmId, CommandId, Event, Seq, Sequenced, TenantId, Timestamp};
use voltwin_security::{PasswordHash, Role, TokenHash};
/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It has this place.
    New(Seq),
    /// A transaction event that was recorded before; it is not appended again.
    Duplicate {
        /// The transaction that it belongs to.
        transaction_id: Option<String>,
    },
}
/// The journal.
#[derive(Debug, Clone)]
pub struct Journal;
impl Journal {
    /// See the crate documentation.
    pub async fn commit(&self, events: &[Event]) -> Result<Vec<Committed>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn read_after(&self, after: Seq, limit: usize) -> Result<Vec<Sequenced>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn head(&self) -> Result<Seq, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn prune_before(&self, seq: Seq) -> Result<u64, StoreError> {
        unimplemented!()
    }
}
