//! Many variables read or set by one request: as many commands as the station's own limits ask for.

use std::time::Duration;

use serde_json::{Value as Json, json};
use voltwin_core::{TenantId, TwinId};
use voltwin_ocpp::Version;
use voltwin_store::Command;

use super::variable::{ACTUAL, CONFIGURATION, VariableName};
use crate::{CentralSystem, CommandRequest, CsmsError};

/// Variables that one request may name.
pub const VARIABLES_MAX: usize = 500;
/// Entries of one message where the station does not tell its limit: what fits a frame of 64 KiB with room to spare.
const ITEMS_DEFAULT: usize = 50;

/// A variable to read, or to set to `value`.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableWish {
    /// Which one; a key of OCPP 1.6 under the component `Configuration`.
    pub name: VariableName,
    /// Which of its attributes (2.x); `Actual` when not said.
    pub kind: Option<String>,
    /// The new value; `None` reads.
    pub value: Option<String>,
}

impl CentralSystem {
    /// Reads or sets variables with one command for as many of them as the station takes at once, one after the
    /// other. Each command is recorded as any other; what it brings flows into the records of the station.
    ///
    /// # Errors
    /// As [`CentralSystem::command`], and [`CsmsError::Missing`] for a name that the station's version cannot say or
    /// for a mixture of reading and setting.
    pub async fn variables(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        wishes: &[VariableWish],
        by: &str,
        wait: Duration,
    ) -> Result<Vec<Command>, CsmsError> {
        let sets = wishes.iter().filter(|wish| wish.value.is_some()).count();
        let mixed = || CsmsError::Missing {
            field: "value",
            detail: "give a value to every variable, to set them, or to none, to read them".to_owned(),
        };
        if wishes.is_empty() || (sets > 0 && sets < wishes.len()) || wishes.len() > VARIABLES_MAX {
            return Err(mixed());
        }
        let entry = self.inner.directory.get(tenant, station);
        let version = self.version_of(tenant, station, entry.as_ref())?;
        let requests = match (version, sets > 0) {
            (Version::V16, set) => self.in_keys(tenant, station, wishes, set).await?,
            (_, set) => self.in_batches(tenant, station, wishes, set).await?,
        };
        let mut commands = Vec::with_capacity(requests.len());
        for (action, payload) in requests {
            let request = CommandRequest::Raw { action: action.to_owned(), payload };
            commands.push(self.command(tenant, station, request, by, wait).await?);
        }
        Ok(commands)
    }

    async fn in_batches(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        wishes: &[VariableWish],
        set: bool,
    ) -> Result<Vec<(&'static str, Json)>, CsmsError> {
        let (action, data) =
            if set { ("SetVariables", "setVariableData") } else { ("GetVariables", "getVariableData") };
        let limit = VariableName {
            component: "DeviceDataCtrlr".to_owned(),
            variable: "ItemsPerMessage".to_owned(),
            variable_instance: Some(action.to_owned()),
            ..VariableName::default()
        };
        let items = self.limit_of(tenant, station, &limit).await?;
        let entry = |wish: &VariableWish| {
            let mut entry = wish.name.write();
            if let Some(kind) = &wish.kind {
                entry["attributeType"] = kind.as_str().into();
            }
            if let Some(value) = &wish.value {
                entry["attributeValue"] = value.as_str().into();
            }
            entry
        };
        let batch =
            |wishes: &[VariableWish]| (action, json!({data: wishes.iter().map(entry).collect::<Vec<_>>()}));
        Ok(wishes.chunks(items).map(batch).collect())
    }

    async fn in_keys(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        wishes: &[VariableWish],
        set: bool,
    ) -> Result<Vec<(&'static str, Json)>, CsmsError> {
        if let Some(foreign) = wishes.iter().find(|wish| wish.name.component != CONFIGURATION) {
            return Err(CsmsError::Missing {
                field: "component",
                detail: format!(
                    "OCPP 1.6 has no component `{}`; its keys stand under `{CONFIGURATION}`",
                    foreign.name.component
                ),
            });
        }
        if set {
            let change = |wish: &VariableWish| {
                ("ChangeConfiguration", json!({"key": wish.name.variable, "value": wish.value}))
            };
            return Ok(wishes.iter().map(change).collect());
        }
        let limit = VariableName::configuration("GetConfigurationMaxKeys");
        let items = self.limit_of(tenant, station, &limit).await?;
        let keys = |wishes: &[VariableWish]| {
            let keys: Vec<&str> = wishes.iter().map(|wish| wish.name.variable.as_str()).collect();
            ("GetConfiguration", json!({"key": keys}))
        };
        Ok(wishes.chunks(items).map(keys).collect())
    }

    /// How many entries the station says that it takes in one message.
    async fn limit_of(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        limit: &VariableName,
    ) -> Result<usize, CsmsError> {
        let told = self.number_of(tenant, station, limit, "value").await?;
        Ok(told.unwrap_or(ITEMS_DEFAULT).min(VARIABLES_MAX))
    }

    /// A number above 0 that the station told of itself: the `value` of a variable, or its greatest one (`max`).
    pub(super) async fn number_of(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        name: &VariableName,
        member: &str,
    ) -> Result<Option<usize>, CsmsError> {
        let Some(key) = name.key(ACTUAL) else { return Ok(None) };
        let store = self.inner.runtime.store().tenant(tenant);
        let known = store.record(station.as_str(), "variable", &key).await?;
        let told = known.and_then(|known| match &known.value[member] {
            Json::String(text) => text.parse::<f64>().ok(),
            other => other.as_f64(),
        });
        // as a count, whatever its form
        Ok(told.filter(|number| (1.0..1e9).contains(number)).map(|number| number as usize))
    }
}
