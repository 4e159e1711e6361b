//! What a station was when its recording began.

use voltwin_core::{TenantId, TwinId};
use voltwin_graph::TwinRef;
use voltwin_store::{TransactionFilter, TransactionState};

use super::format::{FORMAT, Header, RecordedTwin};
use crate::{CentralSystem, CsmsError};

/// Records of one twin that are taken along.
const RECORDS_MAX: u32 = 2_000;
/// Bytes of their values together.
const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

impl CentralSystem {
    pub(super) async fn recording_header(
        &self,
        tenant: &TenantId,
        station: &TwinId,
    ) -> Result<Header, CsmsError> {
        let twins = self.inner.runtime.read(tenant, |graph| {
            let mut twins = Vec::new();
            let Some(root) = graph.twin(station.as_str()) else { return twins };
            twins.push(recorded(root));
            for evse in root.related("hasEvse") {
                twins.push(recorded(evse));
                for connector in evse.related("hasConnector") {
                    twins.push(recorded(connector));
                    twins.extend(connector.related_from("atConnector").map(recorded));
                }
            }
            twins
        });
        let registry = self.inner.runtime.store().tenant(tenant);
        let mut records = Vec::new();
        let mut bytes = 0;
        for twin in &twins {
            for record in registry.records_of_twin(twin.id.as_str(), RECORDS_MAX).await? {
                bytes += record.value.to_string().len();
                if bytes > RECORD_BYTES_MAX {
                    break;
                }
                let value = crate::log::recordable(record.value);
                records.push((twin.id.clone(), record.topic, record.key, value));
            }
        }
        let filter = TransactionFilter {
            station: Some(station.to_string()),
            state: Some(TransactionState::Active),
            ..TransactionFilter::default()
        };
        let mut transactions = Vec::new();
        for active in registry.transactions(&filter, None, 100).await?.items {
            transactions.extend(registry.transaction_facts(station.as_str(), &active.transaction_id).await?);
        }
        let entry = self.inner.directory.get(tenant, station);
        let config = &self.inner.config;
        Ok(Header {
            voltwin_recording: FORMAT,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            at: self.inner.runtime.now(),
            station: station.clone(),
            version: entry.map(|entry| entry.version.to_string()),
            validation: config.validation,
            heartbeat_s: config.heartbeat_s,
            call_timeout_s: config.call_timeout_s,
            max_frame_bytes: config.max_frame_bytes,
            max_report_bytes: config.max_report_bytes,
            unknown_tokens: registry.token_policy().await?,
            twins,
            records,
            transactions,
        })
    }
}

fn recorded(twin: TwinRef<'_>) -> RecordedTwin {
    RecordedTwin {
        id: twin.id().clone(),
        model: twin.model().to_string(),
        properties: twin
            .properties()
            .map(|property| (property.name.clone(), property.value.to_json(), property.source))
            .collect(),
        links: twin
            .outgoing()
            .map(|link| (link.id.clone(), link.name.clone(), link.target.clone()))
            .collect(),
    }
}
