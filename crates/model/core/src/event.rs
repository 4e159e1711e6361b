//! Everything that happens is an [`Event`] in one journal, and the graph is the fold of that journal.

use serde::{Deserialize, Serialize};

use crate::{
    AlarmId, CommandId, CoreError, Decimal, Dtmi, ModelsFact, PropertyMap, PropertyName, RelationshipId, Seq,
    TenantId, Timestamp, TraceId, TwinId, Value, error::clip,
};

/// One thing that happened to one twin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whose twin it is.
    pub tenant: TenantId,
    /// The twin that it happened to.
    pub twin: TwinId,
    /// When the source says that it happened.
    pub at: Timestamp,
    /// When we heard of it.
    pub received: Timestamp,
    /// The trace of the frame or request that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// When the source says that single properties took their values, where that is not `at`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<(PropertyName, Timestamp)>,
    /// True of what somebody decided, and did not observe: it holds whatever the source times of earlier values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decided: bool,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

impl Event {
    /// An event without a trace.
    #[must_use]
    pub fn new(tenant: TenantId, twin: TwinId, at: Timestamp, received: Timestamp, body: EventBody) -> Self {
        Self { tenant, twin, at, received, trace: None, sources: Vec::new(), decided: false, body }
    }

    /// When the source says that a property took its value.
    #[must_use]
    pub fn source_of(&self, property: &str) -> Timestamp {
        let own = self.sources.iter().find(|(name, _)| name.as_str() == property);
        own.map_or(self.at, |(_, at)| *at)
    }

    /// The same event with its trace.
    #[must_use]
    pub fn traced(mut self, trace: TraceId) -> Self {
        self.trace = Some(trace);
        self
    }
}

/// What happened. Text form: `{"kind": "patched", "body": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum EventBody {
    /// The twin was created, or replaced when it existed: all properties are as given here. Properties of components
    /// stand under `component.property`, here and in patches.
    Created {
        /// The model that types it.
        model: Dtmi,
        /// Its properties.
        properties: PropertyMap,
    },
    /// Some properties took new values; `None` removes one.
    Patched {
        /// The new values.
        values: Vec<(PropertyName, Option<Value>)>,
    },
    /// The twin became one of another model, and some properties took new values, as in a patch; what the new model
    /// does not have is gone.
    Retyped {
        /// The model that types it now.
        model: Dtmi,
        /// The new values.
        values: Vec<(PropertyName, Option<Value>)>,
    },
    /// The twin and its outgoing relationships are gone.
    Deleted,
    /// A relationship from this twin was created or replaced.
    Linked {
        /// Its id within the source twin.
        id: RelationshipId,
        /// Its name in the model.
        name: PropertyName,
        /// Where it points.
        target: TwinId,
        /// Its own properties.
        #[serde(default, skip_serializing_if = "PropertyMap::is_empty")]
        properties: PropertyMap,
    },
    /// A relationship from this twin is gone.
    Unlinked {
        /// Its id within the source twin.
        id: RelationshipId,
    },
    /// A charging transaction moved on; the twin is the charging station.
    Transaction(Box<TransactionFact>),
    /// An alarm of this twin changed.
    Alarm(AlarmFact),
    /// A command to this station changed.
    Command(Box<CommandFact>),
    /// Somebody did something that must be accountable and is none of the above.
    Audit(AuditFact),
    /// Something too rich for a property is known of the twin, or is not true any more.
    Record(RecordFact),
    /// Something happened that is to be read again in its order, and never changes.
    Note(NoteFact),
    /// The models of the tenant changed; the twin is [`MODELS_TWIN`](crate::MODELS_TWIN).
    Models(ModelsFact),
}

impl EventBody {
    /// A patch from name and value pairs.
    ///
    /// # Panics
    /// Never in release; in debug builds when a literal name breaks the rule of [`PropertyName`].
    #[must_use]
    pub fn patch<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let named = |(name, value): (&str, Value)| {
            let name = PropertyName::new(name);
            debug_assert!(name.is_ok(), "{name:?}");
            Some((name.ok()?, Some(value)))
        };
        Self::Patched { values: values.into_iter().filter_map(named).collect() }
    }

    /// The kind as it stands in the journal.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Patched { .. } => "patched",
            Self::Retyped { .. } => "retyped",
            Self::Deleted => "deleted",
            Self::Linked { .. } => "linked",
            Self::Unlinked { .. } => "unlinked",
            Self::Transaction(_) => "transaction",
            Self::Alarm(_) => "alarm",
            Self::Command(_) => "command",
            Self::Audit(_) => "audit",
            Self::Record(_) => "record",
            Self::Note(_) => "note",
            Self::Models(_) => "models",
        }
    }
}

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sequenced {
    /// The place.
    pub seq: Seq,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// Where in its life a transaction event stands (OCPP 2.x `TransactionEventEnumType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionPhase {
    /// The first event.
    Started,
    /// Any event between.
    Updated,
    /// The last event.
    Ended,
}

/// Stands between an id and its use; no id of OCPP may hold it.
const USE_MARK: char = '#';

/// The id of the transaction to which a station gave `told`, an id that it had given before, as its `number`th use.
#[must_use]
pub fn reused_transaction_id(told: &str, number: u64) -> String {
    format!("{told}{USE_MARK}{number}")
}

/// The id by which the station knows a transaction: without the number of its use.
///
/// ```
/// use voltwin_core::{reused_transaction_id, told_transaction_id};
/// assert_eq!(told_transaction_id(&reused_transaction_id("17", 2)), "17");
/// assert_eq!(told_transaction_id("17"), "17");
/// assert_eq!(told_transaction_id("bay#four"), "bay#four");
/// ```
#[must_use]
pub fn told_transaction_id(id: &str) -> &str {
    match id.rsplit_once(USE_MARK) {
        Some((told, number)) if number.parse::<u64>().is_ok_and(|number| number > 1) => told,
        _ => id,
    }
}

/// Bits of a stand-in that tell reports of one second apart.
const DIGEST_BITS: u32 = 30;

/// Stands in for the sequence number that meter values of OCPP 1.6 do not have: the second of the report and, below it,
/// a digest of all that it says. The same report gives the same number however often it is sent, another report of the
/// same moment (of another measurand, of the clock beside the period) gives another, and later seconds give greater
/// ones. Always above the 31 bits of real sequence numbers and below [`SEQ_NO_OF_STOP`].
#[must_use]
pub fn seq_no_of_report(at: Timestamp, report: &str) -> u64 {
    // FNV-1a, 64 bits: fixed for good, for it is part of what identifies an event
    let digest = report
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let second = u64::try_from(at.as_millis() / 1_000).unwrap_or(0);
    let second = second.clamp(4, (SEQ_NO_OF_STOP >> DIGEST_BITS) - 1);
    second << DIGEST_BITS | (digest ^ digest >> DIGEST_BITS) & ((1 << DIGEST_BITS) - 1)
}

/// Whether a number stands in for one that OCPP 1.6 does not have. Real ones fit 31 bits.
#[must_use]
pub fn is_stand_in(seq_no: u64) -> bool {
    seq_no > 1 << 31
}

/// The greatest sequence number that stands for the same moment: itself where numbers are real, and the last of its
/// second where it is a stand-in.
#[must_use]
pub fn last_seq_no_of_moment(seq_no: u64) -> u64 {
    if is_stand_in(seq_no) { seq_no | ((1 << DIGEST_BITS) - 1) } else { seq_no }
}

/// The sequence number of a stop of OCPP 1.6: after every report.
pub const SEQ_NO_OF_STOP: u64 = u64::MAX >> 1;

/// What a station says of one charging transaction. Identity, for exactly-once: `(tenant, station,
/// transaction_id, phase, seq_no)`, where OCPP 1.6, which has no sequence numbers, uses 0 for start,
/// [`seq_no_of_report`] for updates and [`SEQ_NO_OF_STOP`] for stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransactionFact {
    /// The id that station and central system share; in 1.6 a decimal number given by us.
    pub transaction_id: String,
    /// Where in its life it stands.
    pub phase: TransactionPhase,
    /// The station's sequence number, or the stand-in described above.
    pub seq_no: u64,
    /// OCPP 1.6 only: what makes a repeated start the same start
    /// (`connector|timestamp|meterStart|idTag`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_key: Option<String>,
    /// EVSE number, from 1; in 1.6 the connector number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse: Option<u32>,
    /// Connector of the EVSE, from 1; in 1.6 always 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<u32>,
    /// Who charges: the 1.6 `idTag` or the 2.x `idToken.idToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The energy register (`Energy.Active.Import.Register`) at this event, in watt-hours, exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_wh: Option<Decimal>,
    /// Why this event was sent (2.x `triggerReason`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Why the transaction ended (`stoppedReason`, 1.6 `reason`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<String>,
    /// 2.x `chargingState`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charging_state: Option<String>,
    /// True when the station could not reach us at the time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// By how much the station's clock is ahead of ours, in milliseconds, when it is wrong by more than we tolerate;
    /// negative when it is behind. What happened at `at` by its clock happened that much earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<i64>,
    /// The meter values that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<MeterSample>,
    /// Signed readings that came with it, as sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed: Vec<SignedReading>,
    /// What the station itself works out that it costs (2.1), at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_cost: Option<StationCost>,
    /// Since when the EVSE was held for whoever charges; told with the start that takes a reservation up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_from: Option<Timestamp>,
    /// True when the station was in quarantine: it is recorded, and nothing else follows of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantined: bool,
}

/// What a station works out that a transaction costs (OCPP 2.1 `costDetails`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationCost {
    /// ISO 4217, as told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Without tax, exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Decimal>,
    /// With tax, exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gross: Option<Decimal>,
}

/// A reading that the meter signed, byte for byte as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReading {
    /// When it was sampled.
    pub at: Timestamp,
    /// The measurand.
    pub measurand: String,
    /// Why it was sampled, when said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The signed data (1.6: the `value` of format `SignedData`).
    pub data: String,
    /// How it is encoded, such as `OCMF` (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// How it was signed (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_method: Option<String>,
    /// The public key, when sent (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// One sampled value, already in SI units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeterSample {
    /// When it was sampled.
    pub at: Timestamp,
    /// The measurand as OCPP spells it, such as `Power.Active.Import`.
    pub measurand: String,
    /// The phase, such as `L1`, when it is of one phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Where it was measured (`Outlet`, `Inlet`, `EV`, `Body`, `Cable`), when said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Why it was sampled (`Sample.Periodic`, `Transaction.End` …), when said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The value in the unit of `unit`.
    pub value: Decimal,
    /// `W`, `Wh`, `A`, `V`, `Celsius`, `Percent`, `Hertz` … : kilo-units are already multiplied out.
    pub unit: String,
}

/// How bad an alarm is; the order is that of attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Needs a look today.
    Minor,
    /// Service is impaired.
    Major,
    /// Service is down or people are at risk.
    Critical,
}

/// One change of one alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmFact {
    /// This raising of the alarm.
    pub id: AlarmId,
    /// The change.
    #[serde(flatten)]
    pub change: AlarmChange,
}

/// What happened to an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum AlarmChange {
    /// It was raised.
    Raised {
        /// A stable code, such as `ConnectorFaulted`. One alarm per (twin, code) is open at a time.
        code: String,
        /// How bad it is.
        severity: Severity,
        /// What is wrong, for a person.
        message: String,
    },
    /// A person has seen it.
    Acknowledged {
        /// Who.
        by: String,
    },
    /// The condition is gone.
    Cleared,
}

/// How far a command has come. `requested → sent → accepted | rejected | failed`, or `failed` at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Recorded, not yet sent.
    Requested,
    /// On its way to the station.
    Sent,
    /// The station answered, and accepted.
    Accepted,
    /// The station answered, and refused.
    Rejected,
    /// No answer: station offline, timeout, or an error frame. `answer` or `reason` says which.
    Failed,
}

/// One change of one command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandFact {
    /// The command.
    pub id: CommandId,
    /// How far it has come.
    pub state: CommandState,
    /// The OCPP action as sent, such as `RequestStopTransaction`.
    pub action: String,
    /// The payload as sent; only with `requested`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<serde_json::Value>,
    /// Who asked for it.
    pub by: String,
    /// The station's own answer payload, when it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<serde_json::Value>,
    /// Why it failed or was refused, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An accountable deed that is not an event of the twin itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFact {
    /// Who did it.
    pub by: String,
    /// What was done, such as `station.credentials.rotate`.
    pub action: String,
    /// More, without secrets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The newest statement under a topic and key of one twin: a variable of a station's device model, an installed
/// charging profile, a reservation. A later one of the same topic and key takes its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordFact {
    /// A stable word for the kind of statement, such as `variable`.
    pub topic: String,
    /// What it is about within the topic.
    pub key: String,
    /// The statement; `None` when it is not true any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
}

/// One entry of a twin's notebook: a security event, a violation of the protocol, a monitoring event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteFact {
    /// A stable word for the kind of entry, such as `security_event`.
    pub topic: String,
    /// What happened.
    pub detail: serde_json::Value,
}

/// Bytes of a topic at most; it holds `a` to `z`, digits and `_`.
pub const TOPIC_BYTES_MAX: usize = 40;
/// Bytes of the key of a record at most.
pub const RECORD_KEY_BYTES_MAX: usize = 512;
/// Bytes of the JSON text of a record or note at most.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

impl RecordFact {
    /// Checks topic, key and size.
    ///
    /// # Errors
    /// [`CoreError::Record`] naming the part and its limit.
    pub fn check(&self) -> Result<(), CoreError> {
        check_topic(&self.topic)?;
        within("key", self.key.len(), RECORD_KEY_BYTES_MAX)?;
        self.value.as_ref().map_or(Ok(()), |value| within("value", json_bytes(value), RECORD_BYTES_MAX))
    }
}

impl NoteFact {
    /// Checks topic and size.
    ///
    /// # Errors
    /// [`CoreError::Record`] naming the part and its limit.
    pub fn check(&self) -> Result<(), CoreError> {
        check_topic(&self.topic)?;
        within("detail", json_bytes(&self.detail), RECORD_BYTES_MAX)
    }
}

fn check_topic(topic: &str) -> Result<(), CoreError> {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if topic.is_empty() || !topic.bytes().all(word) {
        return Err(CoreError::Identifier {
            what: "topic",
            text: clip(topic),
            rule: "it holds a to z, 0 to 9 and _ only",
        });
    }
    within("topic", topic.len(), TOPIC_BYTES_MAX)
}

fn within(part: &'static str, bytes: usize, limit: usize) -> Result<(), CoreError> {
    if bytes <= limit { Ok(()) } else { Err(CoreError::Record { part, bytes, limit }) }
}

fn json_bytes(value: &serde_json::Value) -> usize {
    value.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_follow_time_and_lie_between_real_numbers_and_the_stop() {
        let at = |ms| seq_no_of_report(Timestamp::from_millis(ms), "[]");
        // fixed for good: FNV-1a of `[]` is 0x09612b07b5ecb5a5, and this its 30 bits
        assert_eq!(at(1_795_000_000_123), 1_795_000_000 << 30 | 0x1068_19bb);
        assert_eq!(at(1_795_000_000_123), at(1_795_000_000_999));
        assert!(at(1_795_000_000_999) < at(1_795_000_001_000));
        assert!(last_seq_no_of_moment(at(1_795_000_000_123)) < at(1_795_000_001_000));
        for ms in [i64::MIN, -1, 0, 253_402_300_799_999, i64::MAX] {
            assert!(is_stand_in(at(ms)) && last_seq_no_of_moment(at(ms)) < SEQ_NO_OF_STOP, "{ms}");
        }
        assert!(!is_stand_in(0) && !is_stand_in(i32::MAX as u64) && last_seq_no_of_moment(7) == 7);
        let of_one_moment: std::collections::HashSet<u64> =
            (0..1_000).map(|n| seq_no_of_report(Timestamp::from_millis(0), &n.to_string())).collect();
        assert_eq!(of_one_moment.len(), 1_000);
    }

    #[test]
    fn records_and_notes_are_bounded() {
        let record = |topic: &str, key: &str, value| {
            RecordFact { topic: topic.into(), key: key.into(), value }.check().map_err(|e| e.to_string())
        };
        assert!(record("variable", "A/B", None).is_ok());
        assert!(record("Variable", "A/B", None).unwrap_err().contains("topic"));
        assert!(record("", "A/B", None).is_err());
        assert!(record("v", &"k".repeat(RECORD_KEY_BYTES_MAX + 1), None).unwrap_err().contains("512"));
        let long = serde_json::Value::from("x".repeat(RECORD_BYTES_MAX));
        assert!(record("v", "k", Some(long.clone())).unwrap_err().contains("65536"));
        let note = NoteFact { topic: "violation".into(), detail: long };
        assert!(note.check().unwrap_err().to_string().contains("detail"));
    }

    #[test]
    fn an_event_reads_well_in_the_journal() {
        let at: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let event = Event::new(
            "demo".parse().unwrap(),
            "ST-1:1".parse().unwrap(),
            at,
            at,
            EventBody::patch([("power_w", Value::from(7400.0))]),
        );
        let json = serde_json::to_string(&Sequenced { seq: Seq(4), event: event.clone() }).unwrap();
        assert!(json.contains(r#""kind":"patched","body":{"values":[["power_w",7400.0]]}"#), "{json}");
        assert_eq!(serde_json::from_str::<Sequenced>(&json).unwrap().event, event);
        let deleted = Event { body: EventBody::Deleted, ..event };
        let json = serde_json::to_string(&deleted).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), deleted);
    }
}
