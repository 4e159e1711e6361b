//! The contract of the store, checked from outside.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

#[path = "it/contract.rs"]
mod contract;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/files.rs"]
mod files;
#[path = "it/instances.rs"]
mod instances;
#[path = "it/journal.rs"]
mod journal;
#[path = "it/money.rs"]
mod money;
#[path = "it/transactions.rs"]
mod transactions;

use voltwin_core::{Event, EventBody, TenantId, Timestamp, TransactionFact, TransactionPhase, TwinId, Value};
use voltwin_store::{Store, TokenPolicy};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + seconds * 1000)
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn event(tenant_name: &str, twin: &str, seconds: i64, body: EventBody) -> Event {
    let twin: TwinId = twin.parse().unwrap();
    Event::new(tenant(tenant_name), twin, at(seconds), at(seconds), body)
}

fn power(twin: &str, seconds: i64) -> Event {
    event("a", twin, seconds, EventBody::patch([("power_w", Value::from(seconds as f64))]))
}

fn fact(id: &str, phase: TransactionPhase, seq_no: u64, meter_wh: Option<i64>) -> TransactionFact {
    TransactionFact {
        transaction_id: id.into(),
        phase,
        seq_no,
        start_key: None,
        evse: Some(1),
        connector: Some(1),
        id_token: Some("TAG".into()),
        meter_wh: meter_wh.map(Into::into),
        trigger: None,
        stopped_reason: None,
        charging_state: None,
        offline: false,
        clock_ahead_ms: None,
        samples: Vec::new(),
        signed: Vec::new(),
        station_cost: None,
        reserved_from: None,
        quarantined: false,
    }
}

async fn fresh(dir: &tempfile::TempDir) -> Store {
    let store = Store::open(dir.path()).await.unwrap();
    for name in ["a", "b"] {
        store.add_tenant(&tenant(name), TokenPolicy::Accept, "setup", at(0)).await.unwrap();
    }
    store
}
