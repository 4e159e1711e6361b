//! Jobs across a restart.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use serde_json::json;
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_csms::{Admission, CentralSystem, CommandRequest, CsmsConfig};
use voltwin_ocpp::Version;
use voltwin_operations::{BULK, BulkRequest, Operations};
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_store::{Store, TokenPolicy};

async fn start(folder: &std::path::Path) -> (Runtime, CentralSystem) {
    let store = Store::open(folder).await.unwrap();
    let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
    let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
    (runtime, csms)
}

#[tokio::test]
async fn after_a_restart_nothing_more_is_sent_and_the_job_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let tenant = TenantId::new("t").unwrap();
    let stations: Vec<TwinId> = ["ST-1", "ST-2", "ST-3"].map(|id| id.parse().unwrap()).into();
    {
        let (runtime, csms) = start(folder.path()).await;
        let store = runtime.store().clone();
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        let who = Admission { tenant: tenant.clone(), station: stations[0].clone() };
        let mut link = csms.link(who, Version::V16).await.unwrap();
        link.on_text(r#"[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#).await;
        let operations = Operations::start(runtime.clone(), csms.clone());
        let reset = CommandRequest::Reset { immediate: true, evse: None };
        let spec = json!({"command": "reset"});
        let request = BulkRequest { command: reset, stations: stations.clone(), concurrency: 1, spec };
        let job = operations.bulk(&tenant, request, "tester").await.unwrap();
        let registry = store.tenant(&tenant);
        // the first station has it and never answers
        while link.next().await.is_empty() {}
        assert_eq!(registry.job(BULK, &job.id).await.unwrap().unwrap().state, "running");
        runtime.stop().await;
        operations.finish().await;
        csms.finish().await;
        store.close().await;
    }
    let (runtime, csms) = start(folder.path()).await;
    let operations = Operations::start(runtime.clone(), csms);
    let registry = runtime.store().tenant(&tenant);
    let job = loop {
        let job = registry.jobs(BULK, None, 10).await.unwrap().items.remove(0);
        if job.finished_at.is_some() {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(job.state, "interrupted");
    let rows = registry.job_stations(&job.id, None, None, 10).await.unwrap().items;
    let states: Vec<&str> = rows.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(states, ["failed", "not_sent", "not_sent"]);
    runtime.stop().await;
    operations.finish().await;
}
