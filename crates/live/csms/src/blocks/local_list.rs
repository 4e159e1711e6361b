//! The local authorisation list: which tokens a station is to hold, which it does, and how the second becomes the first.
//!
//! Topic `local_list`: `wanted` says which tokens the station is to hold, `station` what became of it. What the station
//! has confirmed is kept entry by entry, so that a change of one token sends one entry. A station is asked for the
//! version of its list before anything is sent: when that is not the one that we know, it gets the whole list anew.
//! Versions only ever grow. A message holds as many entries as the station says that it takes, and never so many that
//! its frame would be too large.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use voltwin_core::{CommandState, TenantId, Timestamp, TwinId};
use voltwin_ocpp::{CallOutcome, TokenInfo, TokenStatus, Version};
use voltwin_store::{IdToken, TokenFilter};

use super::fields::{text, whole};
use super::list_entries::{Part, changes, entry, sent, split};
use super::variable::VariableName;
use crate::decide::Speaker;
use crate::stations::Events;
use crate::tokens::{Places, same, standing};
use crate::{CentralSystem, CommandRequest, CsmsError};

const TOPIC: &str = "local_list";
const WANTED: &str = "wanted";
const STATION: &str = "station";
/// Who asks, in the list of commands.
const BY: &str = "voltwin";
/// Tokens and parents that one station's choice may name.
pub const LOCAL_LIST_CHOSEN_MAX: usize = 1_000;
/// Entries of one message where the station does not tell its limit.
const ITEMS_DEFAULT: usize = 50;
/// Entries of a list where the station does not tell its limit.
const ENTRIES_DEFAULT: usize = 10_000;
/// The most that entries of one message may take, in bytes: a frame of 64 KiB with room to spare.
const MESSAGE_BYTES_MAX: usize = 56 * 1024;
/// How often a list that a station refused is tried from the start within one attempt.
const TRIES: usize = 3;
/// How long one command of an attempt may take, queue included.
const STEP_WITHIN: Duration = Duration::from_secs(90);
/// How long changes of tokens are gathered before stations are told.
const GATHER: Duration = Duration::from_secs(2);
/// Stations that are told of a change at the same time.
const AT_ONCE: usize = 8;
/// Which tokens a station is to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalListMode {
    /// None: its list is its own affair, or emptied once when it was ours.
    #[default]
    Off,
    /// All tokens of the tenant that are good there.
    All,
    /// Those that are named, and those of the parents that are named.
    Chosen,
}

/// What a person wants a station to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalListWish {
    /// Which tokens.
    pub mode: LocalListMode,
    /// With `Chosen`: these tokens.
    pub tokens: Vec<String>,
    /// With `Chosen`: the tokens of these parents.
    pub parents: Vec<String>,
}

/// How far a station's list has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalListState {
    /// Nothing was sent yet.
    #[default]
    Unknown,
    /// It holds what it is to hold.
    Current,
    /// It holds as much of it as it has room for.
    Partial,
    /// It does not hold what it is to hold.
    Stale,
    /// It refused.
    Failed,
    /// It has no such list.
    NotSupported,
}

/// What is known of a station's list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalListStatus {
    /// How far it has come.
    pub state: LocalListState,
    /// The version that it confirmed last.
    pub version: i64,
    /// Entries that it has confirmed.
    pub entries: usize,
    /// Tokens that it should hold and that do not fit it or its version of the protocol.
    pub left_out: usize,
    /// Why it is not current, for a person.
    pub reason: Option<String>,
    /// The state of the tenant's tokens that it holds.
    pub revision: i64,
    /// When this was so.
    pub at: Option<Timestamp>,
}

/// A station's list: what it is to hold, and what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalList {
    /// What a person wants.
    pub wanted: LocalListWish,
    /// What is known of the station's.
    pub station: LocalListStatus,
    /// Entries that are to be sent or taken back.
    pub pending: usize,
    /// Whether it is being told right now.
    pub under_way: bool,
}

/// Who is being told, and whose tokens have changed.
#[derive(Default)]
pub(crate) struct LocalLists {
    /// Whether to begin again when the attempt is over, since something has changed meanwhile.
    under_way: Mutex<HashMap<(TenantId, TwinId), bool>>,
    changed: Mutex<HashSet<TenantId>>,
}

/// What a station is to hold, in the words of its version.
struct Desired {
    entries: BTreeMap<String, Json>,
    left_out: usize,
    revision: i64,
}

/// What came of one attempt.
enum Came {
    Through,
    /// The station is at another version than we think.
    Mismatch,
    /// It says no, or nothing; the record says why.
    Not,
}

impl CentralSystem {
    /// What a station's list is to hold and does.
    ///
    /// # Errors
    /// When the station is not known or nothing can be read.
    pub async fn local_list(&self, tenant: &TenantId, station: &TwinId) -> Result<LocalList, CsmsError> {
        let version = self.version_of(tenant, station, self.inner.directory.get(tenant, station).as_ref())?;
        let speaker = Speaker { tenant, station, version, trace: Self::trace(), quarantined: false };
        let (wanted, status) = (self.list_wanted(&speaker).await?, self.list_status(&speaker).await?);
        let held = self.inner.runtime.store().tenant(tenant).local_list(station.as_str()).await?;
        let desired = self.list_desired(&speaker, &wanted).await?;
        let pending = if wanted.mode == LocalListMode::Off && status.version == 0 {
            0
        } else {
            changes(&held, &desired.entries).len()
        };
        let key = (tenant.clone(), station.clone());
        let under_way = self.inner.local_lists.under_way.lock().contains_key(&key);
        Ok(LocalList { wanted, station: status, pending, under_way })
    }

    /// Decides what a station's list is to hold, and begins to tell it when it is connected.
    ///
    /// # Errors
    /// When the station is not known or nothing can be recorded.
    pub async fn set_local_list(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        wish: &LocalListWish,
        by: &str,
    ) -> Result<(), CsmsError> {
        let version = self.version_of(tenant, station, self.inner.directory.get(tenant, station).as_ref())?;
        let speaker = Speaker { tenant, station, version, trace: Self::trace(), quarantined: false };
        let mut value = serde_json::to_value(wish).unwrap_or(Json::Null);
        value["by"] = by.into();
        let mut events = Events::new(self, tenant, speaker.trace);
        events.say(&speaker, TOPIC, WANTED, Some(value));
        self.record(events).await?;
        if self.inner.directory.get(tenant, station).is_some() {
            let (csms, tenant, station) = (self.clone(), tenant.clone(), station.clone());
            tokio::spawn(async move { csms.tell_local_list(&tenant, &station, BY).await });
        }
        Ok(())
    }

    /// Brings a station's list up to date and waits up to `wait` for it; it goes on by itself after that.
    ///
    /// # Errors
    /// As [`CentralSystem::local_list`].
    pub async fn sync_local_list(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        by: &str,
        wait: Duration,
    ) -> Result<LocalList, CsmsError> {
        let (csms, of, at, by) = (self.clone(), tenant.clone(), station.clone(), by.to_owned());
        let key = (tenant.clone(), station.clone());
        let telling = async move {
            csms.tell_local_list(&of, &at, &by).await;
            // another attempt may be under way, which begins again for this one
            while csms.inner.local_lists.under_way.lock().contains_key(&key) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(wait, tokio::spawn(telling)).await;
        self.local_list(tenant, station).await
    }

    /// Tokens have changed: stations whose lists hold them are told soon, a few at a time.
    pub fn tokens_changed(&self, tenant: &TenantId) {
        let mut changed = self.inner.local_lists.changed.lock();
        if !changed.insert(tenant.clone()) {
            return;
        }
        drop(changed);
        let (csms, tenant) = (self.clone(), tenant.clone());
        tokio::spawn(async move {
            let stopping = csms.inner.runtime.stopping();
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = stopping.cancelled() => return,
            }
            // from here on a further change is one that may have been missed
            csms.inner.local_lists.changed.lock().remove(&tenant);
            if let Err(error) = csms.tell_all(&tenant).await {
                tracing::warn!(%tenant, %error, "stations could not be told of changed tokens");
            }
        });
    }

    async fn tell_all(&self, tenant: &TenantId) -> Result<(), CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let mut cursor = None;
        let mut telling = tokio::task::JoinSet::new();
        loop {
            let page = store.records_of_topic(TOPIC, cursor.as_deref(), 500).await?;
            for record in page.items.into_iter().filter(|record| record.key == WANTED) {
                let Ok(station) = record.twin.parse::<TwinId>() else { continue };
                if self.inner.directory.get(tenant, &station).is_none() {
                    continue;
                }
                while telling.len() >= AT_ONCE {
                    telling.join_next().await;
                }
                let (csms, tenant) = (self.clone(), tenant.clone());
                telling.spawn(async move { csms.tell_local_list(&tenant, &station, BY).await });
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        while telling.join_next().await.is_some() {}
        Ok(())
    }

    /// Looks whether a station that has come back holds what it is to hold.
    pub(crate) async fn check_local_list(&self, speaker: &Speaker<'_>) -> Result<(), CsmsError> {
        if self.statement(speaker, TOPIC, WANTED).await?.is_some() {
            self.tell_local_list(speaker.tenant, speaker.station, BY).await;
        }
        Ok(())
    }

    /// One attempt; one that is under way begins again when it is over.
    async fn tell_local_list(&self, tenant: &TenantId, station: &TwinId, by: &str) {
        let key = (tenant.clone(), station.clone());
        {
            let mut under_way = self.inner.local_lists.under_way.lock();
            if let Some(again) = under_way.get_mut(&key) {
                *again = true;
                return;
            }
            under_way.insert(key.clone(), false);
        }
        let over = Over { csms: self, key };
        loop {
            if let Err(error) = self.tell_list(tenant, station, by).await {
                tracing::warn!(%station, %error, "a local list could not be brought up to date");
            }
            if !over.again() {
                return;
            }
        }
    }

    async fn tell_list(&self, tenant: &TenantId, station: &TwinId, by: &str) -> Result<(), CsmsError> {
        let Some(entry) = self.inner.directory.get(tenant, station) else { return Ok(()) };
        let trace = Self::trace();
        let speaker = Speaker { tenant, station, version: entry.version, trace, quarantined: false };
        let mut mismatch = false;
        for _ in 0..TRIES {
            let wanted = self.list_wanted(&speaker).await?;
            let before = self.list_status(&speaker).await?;
            let emptied = before.state == LocalListState::Current && before.entries == 0;
            if wanted.mode == LocalListMode::Off && (before.version == 0 || emptied) {
                return Ok(());
            }
            let Some(theirs) = self.ask_list_version(&speaker, by).await? else { return Ok(()) };
            let desired = self.list_desired(&speaker, &wanted).await?;
            let held = self.inner.runtime.store().tenant(tenant).local_list(station.as_str()).await?;
            // a list that we never sent may hold what nobody knows
            let unknown = before.version == 0 || theirs != before.version;
            let anew = mismatch || unknown || before.state == LocalListState::Failed;
            let parts = self.parts(&speaker, &held, &desired.entries, anew).await?;
            match self.send_parts(&speaker, parts, theirs.max(before.version), by).await? {
                Came::Through => return self.list_told(&speaker, &desired).await,
                Came::Mismatch => mismatch = true,
                Came::Not => return Ok(()),
            }
        }
        Ok(())
    }

    async fn list_wanted(&self, speaker: &Speaker<'_>) -> Result<LocalListWish, CsmsError> {
        let value = self.statement(speaker, TOPIC, WANTED).await?;
        Ok(value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    async fn list_status(&self, speaker: &Speaker<'_>) -> Result<LocalListStatus, CsmsError> {
        let value = self.statement(speaker, TOPIC, STATION).await?;
        Ok(value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    async fn list_is(&self, speaker: &Speaker<'_>, mut status: LocalListStatus) -> Result<(), CsmsError> {
        status.at = Some(self.inner.runtime.now());
        let value = serde_json::to_value(&status).unwrap_or(Json::Null);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.say(speaker, TOPIC, STATION, Some(value));
        self.record(events).await
    }

    /// The version of the station's list; `None` when it did not say, and then the record says why.
    async fn ask_list_version(&self, speaker: &Speaker<'_>, by: &str) -> Result<Option<i64>, CsmsError> {
        let ask = CommandRequest::Raw { action: "GetLocalListVersion".to_owned(), payload: json!({}) };
        let record = self.command(speaker.tenant, speaker.station, ask, by, STEP_WITHIN).await?;
        let field = if speaker.version == Version::V16 { "listVersion" } else { "versionNumber" };
        let told = record.answer.as_ref().and_then(|answer| whole(answer, field));
        if let Some(version) = told.filter(|version| *version >= 0) {
            return Ok(Some(version));
        }
        let mut status = self.list_status(speaker).await?;
        if status.state != LocalListState::NotSupported {
            let unsupported = told.is_some();
            status.state = if unsupported { LocalListState::NotSupported } else { LocalListState::Stale };
            status.reason = Some(match record.reason {
                Some(reason) => reason,
                None if unsupported => "the station says that it has no local list".to_owned(),
                None => "the station did not tell the version of its list".to_owned(),
            });
            self.list_is(speaker, status).await?;
        }
        Ok(None)
    }

    async fn list_desired(
        &self,
        speaker: &Speaker<'_>,
        wanted: &LocalListWish,
    ) -> Result<Desired, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let revision = store.token_settings().await?.revision;
        let mut desired = Desired { entries: BTreeMap::new(), left_out: 0, revision };
        if wanted.mode == LocalListMode::Off {
            return Ok(desired);
        }
        let mut tokens = Vec::new();
        let mut cursor = None;
        loop {
            let page = store.tokens(&TokenFilter::default(), cursor.as_deref(), 500).await?;
            tokens.extend(page.items.into_iter().map(|record| record.token));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let now = self.inner.runtime.now();
        let room = self.entries_max(speaker).await?;
        let parents: BTreeMap<String, TokenStatus> =
            tokens.iter().map(|token| (token.token.to_ascii_lowercase(), standing(token, now))).collect();
        for token in tokens.iter().filter(|token| wanted.holds(token)) {
            let places = Places::of(speaker.station.as_str(), &token.only_at);
            if !places.allow(None) {
                continue;
            }
            let mut status = standing(token, now);
            let parent = token.parent.as_ref().and_then(|name| parents.get(&name.to_ascii_lowercase()));
            if let (TokenStatus::Accepted, Some(parent)) = (status, parent) {
                status = *parent;
            }
            let info = TokenInfo {
                status,
                expires_at: token.expires_at,
                parent: token.parent.clone(),
                language: token.language.clone(),
                evses: places.evses,
            };
            match entry(speaker.version, token, &info).filter(|_| desired.entries.len() < room) {
                Some(entry) => drop(desired.entries.insert(token.token.clone(), entry)),
                None => desired.left_out += 1,
            }
        }
        Ok(desired)
    }

    /// How many entries the station's list has room for.
    async fn entries_max(&self, speaker: &Speaker<'_>) -> Result<usize, CsmsError> {
        let (name, member) = match speaker.version {
            Version::V16 => (VariableName::configuration("LocalAuthListMaxLength"), "value"),
            Version::V201 | Version::V21 => (of_controller("Entries"), "max"),
        };
        let told = self.number_of(speaker.tenant, speaker.station, &name, member).await?;
        Ok(told.unwrap_or(ENTRIES_DEFAULT))
    }

    /// What to send so that the station comes to hold what it is to hold.
    async fn parts(
        &self,
        speaker: &Speaker<'_>,
        held: &BTreeMap<String, Json>,
        desired: &BTreeMap<String, Json>,
        anew: bool,
    ) -> Result<Vec<Part>, CsmsError> {
        let name = match speaker.version {
            Version::V16 => VariableName::configuration("SendLocalListMaxLength"),
            Version::V201 | Version::V21 => of_controller("ItemsPerMessage"),
        };
        let items = self.number_of(speaker.tenant, speaker.station, &name, "value").await?;
        let bytes = match speaker.version {
            Version::V16 => None,
            Version::V201 | Version::V21 => {
                let name = of_controller("BytesPerMessage");
                self.number_of(speaker.tenant, speaker.station, &name, "value").await?
            }
        };
        // what frames and names take of a station's own limit
        let bytes = bytes.map_or(MESSAGE_BYTES_MAX, |bytes| bytes.saturating_sub(200).min(MESSAGE_BYTES_MAX));
        let entries = if anew { desired.values().cloned().collect() } else { changes(held, desired) };
        Ok(split(entries, anew, items.unwrap_or(ITEMS_DEFAULT), bytes))
    }

    async fn send_parts(
        &self,
        speaker: &Speaker<'_>,
        parts: Vec<Part>,
        mut version: i64,
        by: &str,
    ) -> Result<Came, CsmsError> {
        for part in parts {
            version += 1;
            let full = part.full;
            let payload = part.payload(speaker.version, version);
            let send = CommandRequest::Raw { action: "SendLocalList".to_owned(), payload };
            let record = self.command(speaker.tenant, speaker.station, send, by, STEP_WITHIN).await?;
            if record.state == CommandState::Accepted {
                continue;
            }
            let word = record.answer.as_ref().and_then(|answer| text(answer, "status"));
            return Ok(match word {
                Some("VersionMismatch") => Came::Mismatch,
                // it may have lost what the entries change
                Some("Failed") if !full => Came::Mismatch,
                _ => Came::Not,
            });
        }
        Ok(Came::Through)
    }

    async fn list_told(&self, speaker: &Speaker<'_>, desired: &Desired) -> Result<(), CsmsError> {
        let mut status = self.list_status(speaker).await?;
        status.state = if desired.left_out > 0 { LocalListState::Partial } else { LocalListState::Current };
        status.reason = (desired.left_out > 0).then(|| {
            format!("{} tokens do not fit the station or its version of the protocol", desired.left_out)
        });
        status.entries = desired.entries.len();
        status.left_out = desired.left_out;
        status.revision = desired.revision;
        self.list_is(speaker, status).await
    }

    /// A station that does not know the question has no list.
    pub(super) async fn list_version_asked(
        &self,
        speaker: &Speaker<'_>,
        outcome: &CallOutcome,
    ) -> Result<(), CsmsError> {
        let CallOutcome::Error { code, .. } = outcome else { return Ok(()) };
        if !matches!(code.as_str(), "NotSupported" | "NotImplemented") {
            return Ok(());
        }
        let mut status = self.list_status(speaker).await?;
        status.state = LocalListState::NotSupported;
        status.reason = Some(format!("the station answered with the error {code}"));
        self.list_is(speaker, status).await
    }

    /// The station's word on a list that was sent, whoever sent it.
    pub(super) async fn local_list_asked(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        outcome: &CallOutcome,
    ) -> Result<(), CsmsError> {
        let mut status = self.list_status(speaker).await?;
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        match outcome {
            CallOutcome::Answer(answer) if text(answer, "status") == Some("Accepted") => {
                let full = text(payload, "updateType") == Some("Full");
                let entries = sent(speaker.version, payload);
                store.local_list_taken(speaker.station.as_str(), &entries, full).await?;
                let field = if speaker.version == Version::V16 { "listVersion" } else { "versionNumber" };
                status.version = whole(payload, field).unwrap_or(status.version);
                status.entries = store.local_list(speaker.station.as_str()).await?.len();
                // until the last part is through
                status.state = LocalListState::Stale;
                status.reason = None;
            }
            CallOutcome::Answer(answer) => {
                let word = text(answer, "status").unwrap_or("nothing");
                status.state = match word {
                    "NotSupported" => LocalListState::NotSupported,
                    "VersionMismatch" => LocalListState::Stale,
                    _ => LocalListState::Failed,
                };
                status.reason = Some(format!("the station answered {word}"));
            }
            CallOutcome::Error { code, description } => {
                let none = matches!(code.as_str(), "NotSupported" | "NotImplemented");
                status.state = if none { LocalListState::NotSupported } else { LocalListState::Failed };
                status.reason = Some(format!("the station answered with the error {code} {description}"));
            }
            // what it has taken will show in its version
            CallOutcome::Timeout | CallOutcome::Disconnected => {
                status.state = LocalListState::Stale;
                status.reason = Some("the station did not answer".to_owned());
            }
        }
        self.list_is(speaker, status).await
    }
}

/// An attempt that is over however it ends.
struct Over<'a> {
    csms: &'a CentralSystem,
    key: (TenantId, TwinId),
}

impl Over<'_> {
    /// Whether something has changed since the attempt began; if not, it is over with this.
    fn again(&self) -> bool {
        let mut under_way = self.csms.inner.local_lists.under_way.lock();
        match under_way.get_mut(&self.key) {
            Some(again) if *again => {
                *again = false;
                true
            }
            _ => {
                under_way.remove(&self.key);
                false
            }
        }
    }
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.csms.inner.local_lists.under_way.lock().remove(&self.key);
    }
}

impl LocalListWish {
    fn holds(&self, token: &IdToken) -> bool {
        let named = |list: &[String], name: &str| list.iter().any(|one| same(one, name));
        match self.mode {
            LocalListMode::Off => false,
            LocalListMode::All => true,
            LocalListMode::Chosen => {
                let parent = token.parent.as_deref();
                named(&self.tokens, &token.token) || parent.is_some_and(|p| named(&self.parents, p))
            }
        }
    }
}

fn of_controller(variable: &str) -> VariableName {
    VariableName {
        component: "LocalAuthListCtrlr".to_owned(),
        variable: variable.to_owned(),
        ..VariableName::default()
    }
}
