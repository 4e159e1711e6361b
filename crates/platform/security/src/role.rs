use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::SecurityError;

/// What a person or a program is to us; the order is that of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also runs the network: commands, alarms, telemetry.
    Operator,
    /// Also says what there is, and who may do what.
    Admin,
}

/// One thing that can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See the tenant's twins, transactions, alarms and commands.
    Read,
    /// Acknowledge alarms.
    AcknowledgeAlarms,
    /// Command charging stations.
    CommandStations,
    /// Create, change and delete twins.
    WriteTwins,
    /// Send telemetry.
    IngestTelemetry,
    /// Add and remove stations, and see or change their credentials.
    ManageStations,
    /// Make, change and assign tariffs.
    ManageTariffs,
    /// Manage keys and users.
    ManageAccess,
    /// Read the audit trail.
    ReadAudit,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::AcknowledgeAlarms,
        Self::CommandStations,
        Self::WriteTwins,
        Self::IngestTelemetry,
        Self::ManageStations,
        Self::ManageTariffs,
        Self::ManageAccess,
        Self::ReadAudit,
    ];

    fn least_role(self) -> Role {
        match self {
            Self::Read => Role::Viewer,
            Self::AcknowledgeAlarms | Self::CommandStations | Self::IngestTelemetry => Role::Operator,
            Self::WriteTwins
            | Self::ManageStations
            | Self::ManageTariffs
            | Self::ManageAccess
            | Self::ReadAudit => Role::Admin,
        }
    }
}

impl Role {
    /// All of them, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Whether this role has the permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self >= permission.least_role()
    }

    /// The role as it is written: `viewer`, `operator`, `admin`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = SecurityError;
    fn from_str(text: &str) -> Result<Self, SecurityError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| SecurityError::Role { text: text.chars().take(40).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_matrix() {
        let rows = Permission::ALL.map(|permission| {
            let marks: String = Role::ALL.iter().map(|r| if r.may(permission) { 'x' } else { '.' }).collect();
            format!("{permission:?} {marks}")
        });
        assert_eq!(
            rows,
            [
                "Read xxx",
                "AcknowledgeAlarms .xx",
                "CommandStations .xx",
                "WriteTwins ..x",
                "IngestTelemetry .xx",
                "ManageStations ..x",
                "ManageTariffs ..x",
                "ManageAccess ..x",
                "ReadAudit ..x",
            ]
        );
    }

    #[test]
    fn text_and_json_agree() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        assert!("Admin".parse::<Role>().unwrap_err().to_string().contains("viewer, operator, admin"));
    }
}
