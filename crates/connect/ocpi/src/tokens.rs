//! Tokens of drivers, and commands of their providers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::sessions::CdrToken;
use crate::tariffs::DisplayText;
use crate::{
    Allowed, CiText, CommandResponseType, CommandResultType, DateTime, OcpiError, Text, TokenType, Url,
    Whitelist,
};

/// What a driver shows to charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// The owner's country.
    pub country_code: CiText<2>,
    /// The owner.
    pub party_id: CiText<3>,
    /// Its id, which a station reads.
    pub uid: CiText<36>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: TokenType,
    /// The contract of the driver.
    pub contract_id: CiText<36>,
    /// What is printed on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visual_number: Option<Text<64>>,
    /// Who issued it.
    pub issuer: Text<64>,
    /// Tokens of one group work as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<CiText<36>>,
    /// Whether it may be used at all.
    pub valid: bool,
    /// When it may be accepted without asking.
    pub whitelist: Whitelist,
    /// ISO 639-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<2>>,
    /// When any of this changed.
    pub last_updated: DateTime,
}

impl Token {
    /// Its part that goes into sessions.
    #[must_use]
    pub fn for_cdr(&self) -> CdrToken {
        CdrToken {
            country_code: self.country_code.clone(),
            party_id: self.party_id.clone(),
            uid: self.uid.clone(),
            kind: self.kind.clone(),
            contract_id: self.contract_id.clone(),
        }
    }

    /// Changes the fields that `patch` names. It must hold `last_updated`; what names the token cannot change.
    ///
    /// # Errors
    /// [`OcpiError::Field`].
    pub fn patched(&self, patch: &Map<String, Json>) -> Result<Self, OcpiError> {
        if !patch.contains_key("last_updated") {
            return Err(OcpiError::field("last_updated", "is missing"));
        }
        let mut json = serde_json::to_value(self).map_err(|e| OcpiError::Body(e.to_string()))?;
        if let Some(fields) = json.as_object_mut() {
            fields.extend(patch.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let patched: Self = crate::read(json.to_string().as_bytes())?;
        let same = [
            ("country_code", patched.country_code == self.country_code),
            ("party_id", patched.party_id == self.party_id),
            ("uid", patched.uid == self.uid),
            ("type", patched.kind == self.kind),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(OcpiError::field(field, "cannot change")),
            None => Ok(patched),
        }
    }
}

/// What the owner of a token says of it at this moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationInfo {
    /// Whether the driver may charge.
    pub allowed: Allowed,
    /// The token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Where they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationReferences>,
    /// To be repeated in session and CDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiText<36>>,
    /// For the driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<DisplayText>,
}

/// A place where a driver wants to charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationReferences {
    /// The location.
    pub location_id: CiText<36>,
    /// Its EVSEs; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evse_uids: Vec<CiText<36>>,
}

/// `START_SESSION`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartSession {
    /// Where the result goes.
    pub response_url: Url,
    /// Who charges.
    pub token: Token,
    /// Where.
    pub location_id: CiText<36>,
    /// At which EVSE; any of the location when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse_uid: Option<CiText<36>>,
    /// At which connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector_id: Option<CiText<36>>,
    /// To be repeated in session and CDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiText<36>>,
}

/// `STOP_SESSION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopSession {
    /// Where the result goes.
    pub response_url: Url,
    /// Which session.
    pub session_id: CiText<36>,
}

/// `RESERVE_NOW`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReserveNow {
    /// Where the result goes.
    pub response_url: Url,
    /// For whom.
    pub token: Token,
    /// Until when.
    pub expiry_date: DateTime,
    /// What the partner calls it.
    pub reservation_id: CiText<36>,
    /// Where.
    pub location_id: CiText<36>,
    /// Which EVSE; any of the location when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse_uid: Option<CiText<36>>,
    /// To be repeated in session and CDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiText<36>>,
}

/// `CANCEL_RESERVATION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelReservation {
    /// Where the result goes.
    pub response_url: Url,
    /// What the partner calls it.
    pub reservation_id: CiText<36>,
}

/// `UNLOCK_CONNECTOR`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlockConnector {
    /// Where the result goes.
    pub response_url: Url,
    /// Where.
    pub location_id: CiText<36>,
    /// At which EVSE.
    pub evse_uid: CiText<36>,
    /// Which connector.
    pub connector_id: CiText<36>,
}

/// Whether a command was taken; its result follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResponse {
    /// Whether.
    pub result: CommandResponseType,
    /// Seconds within which the result follows.
    pub timeout: u32,
    /// Why not, for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<DisplayText>,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// What.
    pub result: CommandResultType,
    /// Why, for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<DisplayText>,
}
