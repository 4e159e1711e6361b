//! What the registry holds, with the field names of the HTTP API.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use voltwin_core::{AlarmId, CommandId, CommandState, Decimal, Severity, StationCost, TenantId, Timestamp};
use voltwin_security::{PasswordHash, Role, TokenHash};

use crate::ledger::Segment;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T> {
    /// The items, at most as many as asked for.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<String>,
}

/// What happens when an id token is presented that the tenant has not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenPolicy {
    /// It may charge.
    Accept,
    /// It may not.
    Reject,
}

/// What a tenant has decided of one id token (OCPP `AuthorizationStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenStatus {
    /// May charge.
    Accepted,
    /// Barred.
    Blocked,
    /// Was good once.
    Expired,
    /// Known not to be good.
    Invalid,
}

/// One id token of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdToken {
    /// The token, 1 to 255 characters; upper and lower case are the same.
    pub token: String,
    /// What kind of token it is, as OCPP 2.x says it (`ISO14443`, `eMAID` …); empty when nobody said.
    pub kind: String,
    /// What it may do.
    pub status: TokenStatus,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// Who belongs together: what a token of a group began, another may end.
    pub parent: Option<String>,
    /// Whose prices hold for it.
    pub group: Option<String>,
    /// The language of its holder.
    pub language: Option<String>,
    /// Whether it may charge at several places at once.
    pub concurrent_allowed: bool,
    /// The twin of the vehicle that it belongs to.
    pub vehicle: Option<String>,
    /// What a person wrote down.
    pub note: String,
    /// The twins of the stations and EVSEs where alone it is good; empty = everywhere.
    pub only_at: Vec<String>,
}

impl Default for IdToken {
    fn default() -> Self {
        Self {
            token: String::new(),
            kind: String::new(),
            status: TokenStatus::Accepted,
            expires_at: None,
            parent: None,
            group: None,
            language: None,
            concurrent_allowed: false,
            vehicle: None,
            note: String::new(),
            only_at: Vec::new(),
        }
    }
}

/// An id token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRecord {
    /// What was decided.
    #[serde(flatten)]
    pub token: IdToken,
    /// When it was changed last; the beginning of time where an earlier version did not say.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
}

/// Which id tokens to list; `None` means any.
#[derive(Debug, Clone, Default)]
pub struct TokenFilter {
    /// Whose token, vehicle or note holds this text.
    pub text: Option<String>,
    /// In this status.
    pub status: Option<TokenStatus>,
    /// Of this parent.
    pub parent: Option<String>,
}

/// What holds for the id tokens of a tenant together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenSettings {
    /// What happens with tokens that are not listed.
    pub unknown_tokens: TokenPolicy,
    /// Tokens of this parent may end any transaction and begin none.
    pub master_group: Option<String>,
    /// Grows with every change of a token.
    pub revision: i64,
}

/// A transaction that runs, as far as other uses of its token depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUse {
    /// Where.
    pub station: String,
    /// The id that station and central system share.
    pub transaction_id: String,
    /// EVSE number, from 1.
    pub evse: Option<u32>,
    /// The time of its newest event.
    pub last_at: Timestamp,
}

/// One customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantRecord {
    /// Its id.
    pub tenant: TenantId,
    /// What it does with unknown id tokens.
    pub unknown_tokens: TokenPolicy,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: String,
}

/// One API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyRecord {
    /// The part that may be shown.
    pub public_id: String,
    /// SHA-256 of the secret.
    #[serde(skip)]
    pub hash: TokenHash,
    /// What its holder may do.
    pub role: Role,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was revoked; a revoked key opens nothing.
    pub revoked_at: Option<Timestamp>,
}

/// One signed-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionRecord {
    /// Whose.
    pub tenant: TenantId,
    /// The user, or the public id of the key that was used to sign in.
    pub user: String,
    /// What the session may do.
    pub role: Role,
    /// When it ends; the caller checks.
    pub expires_at: Timestamp,
}

/// One person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserRecord {
    /// The name to sign in with.
    pub name: String,
    /// The hash of the password.
    #[serde(skip)]
    pub password_hash: PasswordHash,
    /// What the person may do.
    pub role: Role,
}

/// What a charging station proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationCredential {
    /// Its OCPP identity.
    pub station: String,
    /// The hash of its password; `None` when none is set.
    pub password_hash: Option<PasswordHash>,
    /// How it must come.
    pub security: StationSecurity,
}

/// How a station must come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationSecurity {
    /// OCPP security profile: 0 = anybody with its name, 1 = password, 2 = password over TLS, 3 = client certificate.
    pub profile: u8,
    /// The hash of the password that takes over once the station has come with it.
    pub next_password_hash: Option<PasswordHash>,
    /// Since when that password waits.
    pub next_since: Option<Timestamp>,
    /// The profile, 2 or 3, that takes over once the station has come with it.
    pub next_profile: Option<u8>,
}

impl Default for StationSecurity {
    fn default() -> Self {
        Self { profile: 1, next_password_hash: None, next_since: None, next_profile: None }
    }
}

/// A certificate that was issued for a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateRecord {
    /// SHA-256, lower-case hexadecimal.
    pub fingerprint: String,
    /// For which station.
    pub station: String,
    /// Serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// Until when it counts.
    pub not_after: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// By whom.
    pub issued_by: String,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// One known charging station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StationRecord {
    /// Its OCPP identity.
    pub station: String,
    /// What people call it.
    pub name: String,
    /// The hash of its password; `None` when none is set.
    #[serde(skip)]
    pub password_hash: Option<PasswordHash>,
    /// Whether a password is set.
    pub has_password: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: String,
}

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransactionState {
    /// Running.
    Active,
    /// Over.
    Ended,
    /// A stop whose start nobody has seen.
    Orphan,
}

/// One of the transactions to which a station gave the same id.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionUse {
    /// The id under which it is recorded.
    pub transaction_id: String,
    /// When it started, by our clock; `None` while the start is missing.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its event of the place that was asked for: the time by the station's clock, and the register.
    pub same_place: Option<(Timestamp, Option<Decimal>)>,
}

/// The record of one charging transaction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transaction {
    /// Our number, from 1 within the tenant.
    pub number: i64,
    /// The id that station and central system share.
    pub transaction_id: String,
    /// The charging station.
    pub station: String,
    /// EVSE number, from 1.
    pub evse: Option<u32>,
    /// Connector of the EVSE, from 1.
    pub connector: Option<u32>,
    /// Who charges.
    pub id_token: Option<String>,
    /// Where it stands.
    pub state: TransactionState,
    /// When it started, by the station's clock; `None` while the start is missing.
    pub started_at: Option<Timestamp>,
    /// When it ended, by the station's clock.
    pub ended_at: Option<Timestamp>,
    /// The energy register at the start, in Wh.
    pub meter_start_wh: Option<Decimal>,
    /// The energy register at the end, or the newest one known, in Wh.
    pub meter_stop_wh: Option<Decimal>,
    /// Energy delivered, in Wh, exact, never negative.
    pub energy_wh: Decimal,
    /// From the start to the end or to the newest event, in seconds, never negative; `None` while the start is
    /// missing.
    pub duration_s: Option<f64>,
    /// Why it ended.
    pub stopped_reason: Option<String>,
    /// Whether any part of it happened while the station could not reach us.
    pub offline: bool,
    /// How many different events it has.
    pub events: u64,
    /// What a person should know: `started_missing`, `sequence_gap`, `end_lost`, `stop_below_start`, `clock_skew_future`,
    /// `clock_skew_past`, and what the register did: `meter_rollover`, `meter_reset`, `meter_glitch`,
    /// `meter_regressed`, `meter_jump`, `meter_negative`, `unit_mistake`; `quarantined` when a station in quarantine told
    /// any of it, `cost_differs` when it works out another cost than we do.
    pub flags: Vec<&'static str>,
    /// The energy ledger, oldest first.
    pub segments: Vec<Segment>,
    /// What the station works out that it costs, when it said so at the end.
    pub station_cost: Option<StationCost>,
    /// Since when the EVSE had been held for whoever charges, when a reservation was taken up.
    pub reserved_from: Option<Timestamp>,
}

/// What to list of the transactions; `None` means any.
#[derive(Debug, Clone, Default)]
pub struct TransactionFilter {
    /// Of this station.
    pub station: Option<String>,
    /// At this EVSE.
    pub evse: Option<u32>,
    /// At this connector of its EVSE.
    pub connector: Option<u32>,
    /// Of this id token.
    pub id_token: Option<String>,
    /// In this state.
    pub state: Option<TransactionState>,
}

/// What one station delivered since a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StationTotal {
    /// The station.
    pub station: String,
    /// Energy delivered since then, in Wh, to the microwatt-hour; of a session that was running at that time only
    /// what its meter shows since.
    pub energy_wh: Decimal,
    /// Sessions started since then.
    pub sessions: u64,
}

/// One command to a station.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Command {
    /// Its id.
    pub id: CommandId,
    /// The station.
    pub station: String,
    /// The OCPP action.
    pub action: String,
    /// The payload as sent.
    pub payload: Json,
    /// How far it has come.
    pub state: CommandState,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// When it was answered or failed.
    pub finished_at: Option<Timestamp>,
    /// The station's own answer.
    pub answer: Option<Json>,
    /// Why it failed or was refused.
    pub reason: Option<String>,
}

/// One raising of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Its id.
    pub id: AlarmId,
    /// The twin that it is about.
    pub twin: String,
    /// The charging station that the twin is, or is part of.
    pub station: Option<String>,
    /// The stable code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When the condition went away.
    pub cleared_at: Option<Timestamp>,
    /// When a person saw it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
}

/// Which alarms to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmFilter {
    /// Those whose condition lasts.
    Open,
    /// All.
    All,
}

/// A station that knocked and is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Its number within the tenant.
    pub id: i64,
    /// The identity that it used.
    pub station: String,
    /// The network address that it came from.
    pub address: String,
    /// The OCPP subprotocol that it offered.
    pub protocol: String,
    /// When it came first.
    pub first_seen: Timestamp,
    /// When it came last.
    pub last_seen: Timestamp,
    /// How often it came.
    pub attempts: i64,
    /// Whether it brought a password.
    pub has_password: bool,
    /// The hash of that password.
    #[serde(skip)]
    pub password_hash: Option<PasswordHash>,
}

/// One accountable deed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    /// Its number within the tenant.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, such as `station.add`.
    pub action: String,
    /// To which twin, station, key …
    pub subject: String,
    /// More, without secrets.
    pub detail: String,
}

/// How much there is of what the overview counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Transactions that run.
    pub active_transactions: u64,
    /// Open alarms, critical.
    pub critical: u64,
    /// Open alarms, major.
    pub major: u64,
    /// Open alarms, minor.
    pub minor: u64,
    /// Open alarms, info.
    pub info: u64,
    /// Open alarms that nobody has acknowledged.
    pub unacknowledged: u64,
    /// Stations that knocked and are not known.
    pub claims: u64,
}

/// The newest statement under a topic and key of a twin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// The twin.
    pub twin: String,
    /// The kind of statement.
    pub topic: String,
    /// What it is about.
    pub key: String,
    /// The statement.
    pub value: Json,
    /// When its source made it.
    pub at: Timestamp,
}

/// One entry of a twin's notebook.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// Its number; later ones are greater.
    pub id: i64,
    /// The twin.
    pub twin: String,
    /// The kind of entry.
    pub topic: String,
    /// When it happened, by its source.
    pub at: Timestamp,
    /// When we heard of it.
    pub received: Timestamp,
    /// What happened.
    pub detail: Json,
}

/// Which records of a twin to list.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// Of this kind.
    pub topic: String,
    /// Whose statement has these members with these texts. Names are ours, letters and `_` only.
    pub members: Vec<(&'static str, String)>,
    /// Whose key holds this text, whatever its case.
    pub text: Option<String>,
}

/// Which notes to list.
#[derive(Debug, Clone, Default)]
pub struct NoteFilter {
    /// Of this kind.
    pub topic: String,
    /// Of this twin; of all when absent.
    pub twin: Option<String>,
}
