//! The roles that are given, by the ids that all of Azure knows them by.
//!
//! Source: "Azure built-in roles", Microsoft Learn.

use crate::template::{Key, Resource, Text, Value, map};

/// A built-in role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    DigitalTwinsOwner,
    DigitalTwinsReader,
    EventHubsOwner,
    EventHubsSender,
    ServiceBusSender,
    BlobContributor,
    VaultSecretsUser,
    Contributor,
}

impl Role {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::DigitalTwinsOwner => "bcd981a7-7f74-457b-83e1-cceb9e632ffe",
            Self::DigitalTwinsReader => "d57506d4-4c8d-48b1-8587-93c323f6a5a3",
            Self::EventHubsOwner => "f526a384-b230-433a-b45c-95f59c4a2dec",
            Self::EventHubsSender => "2b629674-e913-4c01-ae53-ef4638d8f975",
            Self::ServiceBusSender => "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
            Self::BlobContributor => "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
            Self::VaultSecretsUser => "4633458b-17de-408a-b874-0445c86b69e6",
            Self::Contributor => "b24988ac-6180-42a0-ab88-20f7382dd24c",
        }
    }
}

/// Who gets a role: a resource, and where it says the id of its identity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Principal {
    pub(crate) of: Key,
    pub(crate) id: &'static str,
}

/// The identity of Voltwin.
pub(crate) const VOLTWIN: Principal = Principal { of: "voltwin", id: "properties.principalId" };

/// The identity of the instance of Azure Digital Twins.
pub(crate) const TWINS: Principal = Principal { of: "twins", id: "identity.principalId" };

pub(crate) const ASSIGNMENT: &str = "Microsoft.Authorization/roleAssignments";

/// The assignment of a role, as narrow as one resource.
pub(crate) fn assign(key: Key, role: Role, scope: Key, to: Principal) -> Resource {
    Resource {
        scope: Some(scope),
        properties: map([
            ("roleDefinitionId", Value::Text(Text::Role(role))),
            ("principalId", Value::Text(Text::Read(to.of, to.id))),
            // so that Azure does not look for a principal that its directory does not show everywhere yet
            ("principalType", "ServicePrincipal".into()),
        ]),
        ..Resource::new(key, ASSIGNMENT, "2022-04-01", Text::Assignment { scope, of: to.of, role })
    }
}
