//! Versions and credentials: how two parties find and trust each other.

use serde::{Deserialize, Serialize};

use crate::{CiText, ConnectionStatus, DateTime, InterfaceRole, Module, OcpiError, Role, Text, Url};

/// Roles that one partner may have.
const ROLES_MAX: usize = 100;

/// A version that a party speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Such as `2.2.1`.
    pub version: Text<16>,
    /// Where its endpoints are listed.
    pub url: Url,
}

/// The endpoints of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDetails {
    /// Such as `2.2.1`.
    pub version: Text<16>,
    /// Where its modules are.
    pub endpoints: Vec<Endpoint>,
}

/// Where a module is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The module.
    pub identifier: Module,
    /// Whether the party sends or receives its data.
    pub role: InterfaceRole,
    /// The address.
    pub url: Url,
}

/// How a party can be reached, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// What the other side shall present.
    pub token: Text<64>,
    /// Where the versions are listed.
    pub url: Url,
    /// As whom.
    pub roles: Vec<CredentialsRole>,
}

impl Credentials {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// [`OcpiError::Field`].
    pub fn check(&self) -> Result<(), OcpiError> {
        if !(16..=64).contains(&self.token.as_str().len()) || !self.token.as_str().is_ascii() {
            return Err(OcpiError::field("token", "must be 16 to 64 ASCII characters"));
        }
        if !(1..=ROLES_MAX).contains(&self.roles.len()) {
            return Err(OcpiError::field("roles", format!("must be 1 to {ROLES_MAX} roles")));
        }
        Ok(())
    }
}

/// One role of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialsRole {
    /// The role.
    pub role: Role,
    /// Who it is.
    pub business_details: BusinessDetails,
    /// The party within its country.
    pub party_id: CiText<3>,
    /// ISO 3166-1 alpha-2.
    pub country_code: CiText<2>,
}

/// Who a party is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessDetails {
    /// Its name.
    pub name: Text<100>,
    /// Its website.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<Url>,
}

/// A party that is connected to a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The party within its country.
    pub party_id: CiText<3>,
    /// ISO 3166-1 alpha-2.
    pub country_code: CiText<2>,
    /// What it is.
    pub role: Role,
    /// Whether it can be reached through the hub.
    pub status: ConnectionStatus,
    /// When that changed.
    pub last_updated: DateTime,
}
