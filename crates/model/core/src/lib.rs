//! What things are: identifiers, time, values, events, and the sign and unit conventions.
//!
//! Every crate speaks in these terms. Nothing here does I/O, reads a clock or draws a random number:
//! time and identifiers come in from the caller.
//!
//! # Conventions, said once
//! - **SI inside**, and the unit is the suffix of the name: `power_w`, `energy_wh`, `temp_c`, `duration_s`.
//! - **Charging is positive**: power and current into the battery are positive, discharge to the grid is
//!   negative.
//! - `soc` and `soh` are fractions in `0..=1`.
//! - Times are UTC instants in microseconds ([`Timestamp`]); local time exists only at tariff and
//!   presentation edges.
//! - Money and billed energy are exact decimals ([`Decimal`]), never floating point.
//!
//! # Example
//! ```
//! use voltwin_core::{Event, EventBody, TenantId, Timestamp, TwinId, Value};
//!
//! let tenant: TenantId = "demo".parse()?;
//! let twin: TwinId = "ST-01:1".parse()?;
//! let at: Timestamp = "2026-11-21T08:00:00Z".parse()?;
//! let event = Event::new(tenant, twin, at, at, EventBody::patch([("power_w", Value::from(7_400.0))]));
//! assert_eq!(event.body.kind(), "patched");
//! # Ok::<(), voltwin_core::CoreError>(())
//! ```

mod error;
mod event;
mod ids;
mod models;
mod text;
mod time;
mod value;

pub use error::CoreError;
pub use event::{
    AlarmChange, AlarmFact, AuditFact, CommandFact, CommandState, Event, EventBody, MeterSample, NoteFact,
    RECORD_BYTES_MAX, RECORD_KEY_BYTES_MAX, RecordFact, SEQ_NO_OF_STOP, Sequenced, Severity, SignedReading,
    StationCost, TOPIC_BYTES_MAX, TransactionFact, TransactionPhase, is_stand_in, last_seq_no_of_moment,
    reused_transaction_id, seq_no_of_report, told_transaction_id,
};
pub use ids::{AlarmId, CommandId, Dtmi, PropertyName, RelationshipId, Seq, TenantId, TraceId, TwinId};
pub use models::{MODELS_TWIN, ModelDocument, ModelsFact};
pub use rust_decimal::Decimal;
pub use time::Timestamp;
pub use value::{PropertyMap, Value};
