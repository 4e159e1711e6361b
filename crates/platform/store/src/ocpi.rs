//! What is kept of partners by OCPI. Bodies are JSON in the form of `voltwin-ocpi`.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use voltwin_core::Timestamp;
use voltwin_security::{Secret, TokenHash};

/// Who a tenant is to its partners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcpiSettings {
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
    /// The party id, three characters.
    pub party_id: String,
    /// The operator's name.
    pub name: String,
    /// Its website.
    pub website: Option<String>,
    /// Where partners reach this server, without a path.
    pub url: String,
    /// ISO 4217, for sessions that no tariff prices.
    pub currency: String,
    /// When this was last changed.
    pub changed_at: Timestamp,
}

/// Where a partner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OcpiPartyState {
    /// Has a token to register with, and has not yet.
    Invited,
    /// We are registering with it.
    Registering,
    /// Both sides have their tokens.
    Registered,
    /// No token of it is accepted any more.
    Revoked,
}

/// A partner.
#[derive(Debug, Clone)]
pub struct OcpiParty {
    /// Our id of it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub state: OcpiPartyState,
    /// The hash of what it presents.
    pub token_in: Option<TokenHash>,
    /// What we present.
    pub token_out: Option<Secret>,
    /// Where it lists its versions.
    pub url: Option<String>,
    /// Its roles.
    pub roles: Json,
    /// Its endpoints.
    pub endpoints: Json,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Why it cannot be reached, and since when.
    pub trouble: Option<(String, Timestamp)>,
}

/// Something that partners may read.
#[derive(Debug, Clone, PartialEq)]
pub struct OcpiObject {
    /// The module, such as `locations`.
    pub module: String,
    /// Its id; upper and lower case are the same.
    pub id: String,
    /// The one partner that may read it; empty for all.
    pub owner: String,
    /// When it last changed.
    pub last_updated: Timestamp,
    /// The object.
    pub body: Json,
}

/// Something that a partner does not have in its newest state.
#[derive(Debug, Clone, PartialEq)]
pub struct OcpiPush {
    /// The partner.
    pub party: String,
    /// The module.
    pub module: String,
    /// The id of the object.
    pub object: String,
    /// Only these parts changed; `None` is the whole.
    pub parts: Option<Vec<String>>,
    /// The object.
    pub body: Json,
    /// Grows with every newer state.
    pub revision: i64,
    /// Failed deliveries since the last success.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// Given up.
    pub dead: bool,
    /// Why the last delivery failed.
    pub error: Option<String>,
    /// Since when it waits.
    pub created_at: Timestamp,
}

/// A token that a partner told us.
#[derive(Debug, Clone, PartialEq)]
pub struct OcpiToken {
    /// The partner.
    pub party: String,
    /// Its kind.
    pub kind: String,
    /// Its id; upper and lower case are the same.
    pub uid: String,
    /// When the partner changed it.
    pub last_updated: Timestamp,
    /// The token.
    pub body: Json,
}

/// How a token was last let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcpiGrant {
    /// The word of OCPI for how.
    pub method: String,
    /// What its owner calls the authorisation.
    pub reference: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A reservation that a partner asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcpiReservation {
    /// What the station calls it.
    pub number: i64,
    /// The station.
    pub station: String,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// Which objects of a module a partner asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OcpiRange {
    /// Changed at or after this.
    pub from: Option<Timestamp>,
    /// Changed before this.
    pub to: Option<Timestamp>,
    /// How many to skip.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}
