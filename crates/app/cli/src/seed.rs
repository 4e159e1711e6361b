//! What the commands that bring their own stations need in the registry. Doing it twice is harmless.

use voltwin_core::TenantId;
use voltwin_runtime::Runtime;
use voltwin_security::{ApiKey, PasswordHash, Role, Secret};
use voltwin_store::{StoreError, TokenPolicy};

use crate::error::CliError;

pub(crate) async fn ensure_tenant(runtime: &Runtime, tenant: &TenantId, by: &str) -> Result<(), CliError> {
    if !runtime.store().tenant_exists(tenant).await? {
        runtime.store().add_tenant(tenant, TokenPolicy::Accept, by, runtime.now()).await?;
    }
    Ok(())
}

/// A new key; those of the same maker and purpose end.
pub(crate) async fn add_key(
    runtime: &Runtime,
    tenant: &TenantId,
    role: Role,
    label: &str,
    by: &str,
) -> Result<Secret, CliError> {
    let (registry, now) = (runtime.store().tenant(tenant), runtime.now());
    for old in registry.keys(None, 500).await?.items {
        if old.created_by == by && old.label == label && old.revoked_at.is_none() {
            registry.revoke_key(&old.public_id, by, now).await?;
        }
    }
    let key = ApiKey::generate().map_err(CliError::failure)?;
    registry.add_key(key.public_id(), &key.hash(), role, label, by, now).await?;
    Ok(key.reveal())
}

/// Registers a station, or gives a registered one this password.
pub(crate) async fn ensure_station(
    runtime: &Runtime,
    tenant: &TenantId,
    station: &str,
    password: &Secret,
    by: &str,
) -> Result<(), CliError> {
    let (registry, now) = (runtime.store().tenant(tenant), runtime.now());
    let hash = PasswordHash::hash(password).await.map_err(CliError::failure)?;
    match registry.add_station(station, station, Some(&hash), by, now).await {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict { .. }) => {
            Ok(registry.set_station_password_hash(station, Some(&hash), by, now).await?)
        }
        Err(error) => Err(error.into()),
    }
}
