#![allow(unused_imports, unused_variables, clippy::unimplemented, clippy::missing_errors_doc)]
use crate::{StoreError, records::*};
use std::path::Path;
use voltwin_core::{AlarmId, CommandId, Event, Seq, Sequenced, TenantId, Timestamp};
use voltwin_security::{PasswordHash, Role, TokenHash};
/// One tenant.
#[derive(Debug, Clone)]
pub struct TenantStore;
impl TenantStore {
    /// See the crate documentation.
    pub fn id(&self) -> &TenantId {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn stations(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<StationRecord>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn station(&self, station: &str) -> Result<Option<StationRecord>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn add_station(
        &self,
        station: &str,
        name: &str,
        password: Option<&PasswordHash>,
        by: &str,
        at: Timestamp,
    ) -> Result<StationRecord, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn set_station_password_hash(
        &self,
        station: &str,
        password: Option<&PasswordHash>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn remove_station(&self, station: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn add_key(
        &self,
        public_id: &str,
        hash: &TokenHash,
        role: Role,
        label: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<KeyRecord, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn keys(&self, cursor: Option<&str>, limit: usize) -> Result<Page<KeyRecord>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn revoke_key(&self, public_id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn add_user(
        &self,
        name: &str,
        password: &PasswordHash,
        role: Role,
        by: &str,
        at: Timestamp,
    ) -> Result<UserRecord, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn find_user(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn add_session(
        &self,
        hash: &TokenHash,
        user: &str,
        role: Role,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn drop_session(&self, hash: &TokenHash) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn transactions(
        &self,
        filter: &TransactionFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Transaction>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn transaction(&self, number: i64) -> Result<Option<Transaction>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn active_transactions(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Transaction>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn transaction_by_id(
        &self,
        station: &str,
        transaction_id: &str,
    ) -> Result<Option<Transaction>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn find_start(&self, station: &str, start_key: &str) -> Result<Option<String>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn totals_since(&self, since: Timestamp) -> Result<Vec<StationTotal>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn commands(
        &self,
        station: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Command>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn command(&self, id: CommandId) -> Result<Option<Command>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn unfinished_commands(&self, limit: usize) -> Result<Vec<Command>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn alarms(
        &self,
        filter: AlarmFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Alarm>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn alarm(&self, id: AlarmId) -> Result<Option<Alarm>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn open_alarm(&self, twin: &str, code: &str) -> Result<Option<Alarm>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn record_claim(
        &self,
        station: &str,
        address: &str,
        protocol: &str,
        password: Option<&PasswordHash>,
        at: Timestamp,
    ) -> Result<Claim, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn claims(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Claim>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn claim(&self, id: i64) -> Result<Option<Claim>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn remove_claim(&self, id: i64) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn set_token(
        &self,
        token: &str,
        status: TokenStatus,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn token(&self, token: &str) -> Result<Option<TokenStatus>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn tokens(&self, cursor: Option<&str>, limit: usize) -> Result<Page<TokenRecord>, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn token_policy(&self) -> Result<TokenPolicy, StoreError> {
        unimplemented!()
    }

    /// See the crate documentation.
    pub async fn audit(&self, cursor: Option<&str>, limit: usize) -> Result<Page<AuditRecord>, StoreError> {
        unimplemented!()
    }
}
