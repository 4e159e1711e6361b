//! The durable truth: journal, registry and audit in one SQLite database.

mod error;
mod journal;
mod records;
mod store;
mod tenant;

pub use error::StoreError;
pub use journal::{Committed, Journal};
pub use records::{
    Alarm, AlarmFilter, AuditRecord, Claim, Command, Counts, KeyRecord, Page, SessionRecord,
    StationCredential, StationRecord, StationTotal, TenantRecord, TokenPolicy, TokenRecord, TokenStatus,
    Transaction, TransactionFilter, TransactionState, UserRecord,
};
pub use store::Store;
pub use tenant::TenantStore;
