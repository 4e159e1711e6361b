//! The durable truth: journal, registry and audit in one SQLite database.
//!
//! A [`Store`] is one data folder, held by one process. Its [`Journal`] takes batches of events; what they mean for
//! the registry (transactions, commands, alarms, audit) is folded in the same transaction, so that the two can never
//! disagree. Everything of a tenant is reached through its [`TenantStore`] only. Snapshots of the graph and the
//! cursors of the journal's readers live here too.
//!
//! # Invariants
//! - What [`Journal::commit`] has returned is on the disk (WAL, `synchronous=FULL`); what it has refused left no
//!   trace, and the store goes on working when space returns.
//! - A transaction event is recorded once, however often and in whatever order it comes. The record of a
//!   transaction is a function of the set of its events; after its end only events from before its end change it.
//! - There is one writer; readers never wait for it.
//! - Every list is cut to 500 items; places in the journal and numbers of transactions are never used again.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use voltwin_core::{Event, EventBody, Seq, Timestamp, Value};
//! use voltwin_store::{Committed, Store, TokenPolicy};
//!
//! let dir = tempfile::tempdir()?;
//! let store = Store::open(dir.path()).await?;
//! let (tenant, at) = ("demo".parse()?, Timestamp::from_millis(1_795_000_000_000));
//! store.add_tenant(&tenant, TokenPolicy::Accept, "setup", at).await?;
//!
//! let body = EventBody::patch([("power_w", Value::from(7_400.0))]);
//! let event = Event::new(tenant.clone(), "ST-01:1".parse()?, at, at, body);
//! let committed = store.journal().commit(&[event]).await?;
//! assert_eq!(committed, [Committed::New(Seq(1))]);
//! assert_eq!(store.tenant(&tenant).audit(None, 10).await?.items[0].action, "tenant.add");
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod audit;
mod bill;
mod db;
mod error;
mod events;
mod files;
mod fold;
mod journal;
mod ledger;
mod money;
mod ocpi;
mod processors;
mod recall;
mod records;
mod registry;
mod row;
mod snapshot;
mod store;
mod telemetry;
mod tenant;
mod watch;

pub use error::StoreError;
pub use events::{EVENT_ENDPOINTS_MAX, EVENT_ROUTES_MAX, EventEndpoint, EventLogSettings, EventRoute};
pub use files::{FileFilter, FileGrant, FileKind, FilePurpose, FileRecord, FileState, FileWriter, NewFile};
pub use journal::{Committed, Journal};
pub use ledger::{Segment, SegmentKind};
pub use money::{
    Cdr, NewTariffAssignment, Rated, ReceiptRecord, SignedRecord, TariffAssignment, TariffRecord,
    TariffScope, TokenGroup, Usage, UsageStep,
};
pub use ocpi::{
    OcpiGrant, OcpiObject, OcpiParty, OcpiPartyState, OcpiPush, OcpiRange, OcpiReservation, OcpiSettings,
    OcpiToken,
};
pub use processors::ProcessorState;
pub use records::{
    Alarm, AlarmFilter, AuditRecord, CertificateRecord, Claim, Command, Counts, IdToken, KeyRecord, Note,
    NoteFilter, Page, Record, RecordFilter, SessionRecord, StationCredential, StationRecord, StationSecurity,
    StationTotal, TenantRecord, TokenFilter, TokenPolicy, TokenRecord, TokenSettings, TokenStatus, TokenUse,
    Transaction, TransactionFilter, TransactionState, TransactionUse, UserRecord,
};
pub use snapshot::SnapshotInfo;
pub use store::{Store, StoreOptions};
pub use tenant::{
    ConnectorUse, Exclusion, GraphJob, InstanceRole, Job, JobStation, JobStep, STATION_DEEDS_MAX,
    StationDeed, StatusChange, SwapBlock, SwapRun, SwapScenario, TenantStore, ValidationRule,
    ValidationScope, ViolationCount,
};
