#![allow(unused_imports, unused_variables, clippy::unimplemented, clippy::missing_errors_doc)]
use crate::{Journal, TenantStore};
use crate::{StoreError, records::*};
use std::path::Path;
use voltwin_core::{AlarmId, CommandId, Event, Seq, Sequenced, TenantId, Timestamp};
use voltwin_security::{PasswordHash, Role, TokenHash};
/// The store.
#[derive(Debug, Clone)]
pub struct Store;
impl Store {
    /// See the crate documentation.
    pub async fn open(dir: &Path) -> Result<Store, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn close(&self) {
        unimplemented!()
    }

    /// See the crate documentation.
    pub fn tenant(&self, tenant: &TenantId) -> TenantStore {
        unimplemented!()
    }

    /// See the crate documentation.
    pub fn journal(&self) -> Journal {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn add_tenant(
        &self,
        tenant: &TenantId,
        unknown_tokens: TokenPolicy,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn tenants(&self) -> Result<Vec<TenantRecord>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn tenant_exists(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn find_key(&self, public_id: &str) -> Result<Option<(TenantId, KeyRecord)>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn find_session(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn stations_named(
        &self,
        station: &str,
    ) -> Result<Vec<(TenantId, StationCredential)>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn save_cursor(&self, name: &str, seq: Seq) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn cursor(&self, name: &str) -> Result<Option<Seq>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn save_snapshot(&self, seq: Seq, bytes: Vec<u8>) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn load_snapshot(&self) -> Result<Option<(Seq, Vec<u8>)>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn next_transaction_number(&self) -> Result<i64, StoreError> {
        unimplemented!()
    }
}
