//! Whether a token may charge: the tenant's own list first, then its partners, then what holds for unknown tokens.
//!
//! Who asks in order to end a transaction must not be told that the token is busy: it is busy with this very
//! transaction. So a token is held to one transaction at a time only where one begins, as OCPP has it. What happened
//! while the station could not reach us is taken as it is: a token is judged by the time at which it was shown, and
//! is busy with nothing.

use voltwin_core::{Timestamp, TransactionPhase};
use voltwin_ocpp::{Answer, ContractProof, ContractStatus, TokenInfo, TokenStatus, TransactionReport};
use voltwin_store::{IdToken, TokenPolicy, TokenSettings, TokenStatus as Stored};

use crate::decide::Speaker;
use crate::{CentralSystem, CsmsError};

/// A start that reaches us later than this, in seconds, was kept by the station while it could not.
const LATE_S: f64 = 300.0;
/// A transaction that has said nothing for this long, in seconds, has been forgotten by its station and holds its
/// token no longer.
const SILENT_S: f64 = 86_400.0;
/// The type of a token of 2.x where nobody has to show one.
const NO_AUTHORIZATION: &str = "NoAuthorization";

/// What a token is shown for.
#[derive(Debug, Clone, Copy)]
struct Shown<'a> {
    token: &'a str,
    kind: Option<&'a str>,
    evse: Option<u32>,
    at: Timestamp,
    /// It begins a transaction, which the station calls so (1.6: not yet).
    begins: Option<Option<&'a str>>,
}

impl CentralSystem {
    pub(crate) async fn authorize(
        &self,
        speaker: &Speaker<'_>,
        token: &str,
        kind: Option<&str>,
        contract: Option<&ContractProof>,
    ) -> Result<Answer, CsmsError> {
        let at = self.inner.runtime.now();
        let shown = Shown { token, kind, evse: None, at, begins: None };
        let mut info = self.judge_token(speaker, shown).await?;
        let certificate = match contract {
            Some(contract) => Some(self.judge_contract(speaker, token, contract).await?),
            None => None,
        };
        match certificate {
            // who cannot prove the contract does not charge on it, whoever it is
            Some(ContractStatus::CertificateExpired) if info.status == TokenStatus::Accepted => {
                info = TokenStatus::Expired.into();
            }
            Some(status) if status != ContractStatus::Accepted && info.status == TokenStatus::Accepted => {
                info = TokenStatus::Invalid.into();
            }
            _ => {}
        }
        if info.status == TokenStatus::Accepted {
            self.tell_price(speaker, token);
        }
        Ok(Answer::Authorize { token: info, certificate, tariff: None })
    }

    /// What to tell the station of the token of a transaction event, if it names one.
    pub(crate) async fn token_of(
        &self,
        speaker: &Speaker<'_>,
        report: &TransactionReport,
    ) -> Result<Option<TokenInfo>, CsmsError> {
        let Some(token) = report.id_token.as_deref() else { return Ok(None) };
        let now = self.inner.runtime.now();
        let at = self.by_our_clock(speaker, report.at).await?;
        let late = report.offline || now.seconds_since(at) > LATE_S;
        let authorized =
            || report.phase == TransactionPhase::Updated && report.trigger.as_deref() == Some("Authorized");
        let begins = !late && (report.phase == TransactionPhase::Started || authorized());
        let shown = Shown {
            token,
            kind: report.token_type.as_deref(),
            evse: report.evse,
            // a clock that is ahead does not let a token expire early
            at: at.min(now),
            begins: begins.then_some(report.transaction_id.as_deref()),
        };
        self.judge_token(speaker, shown).await.map(Some)
    }

    async fn judge_token(&self, speaker: &Speaker<'_>, shown: Shown<'_>) -> Result<TokenInfo, CsmsError> {
        if shown.kind == Some(NO_AUTHORIZATION) {
            return Ok(TokenStatus::Accepted.into());
        }
        let tenant = self.inner.runtime.store().tenant(speaker.tenant);
        if let Some(record) = tenant.token(shown.token).await? {
            return self.judge_known(speaker, shown, record.token).await;
        }
        if let Some(status) = self.partners_say(speaker, shown.token).await {
            return Ok(status.into());
        }
        Ok(match tenant.token_policy().await? {
            TokenPolicy::Accept => TokenStatus::Accepted.into(),
            TokenPolicy::Reject => TokenStatus::Invalid.into(),
        })
    }

    async fn judge_known(
        &self,
        speaker: &Speaker<'_>,
        shown: Shown<'_>,
        token: IdToken,
    ) -> Result<TokenInfo, CsmsError> {
        let places = Places::of(speaker.station.as_str(), &token.only_at);
        let mut status = standing(&token, shown.at);
        let tenant = self.inner.runtime.store().tenant(speaker.tenant);
        if status == TokenStatus::Accepted
            && let Some(parent) = token.parent.as_deref().filter(|parent| !same(parent, &token.token))
            && let Some(parent) = tenant.token(parent).await?
        {
            // who bars a group bars all of it
            status = standing(&parent.token, shown.at);
        }
        if status == TokenStatus::Accepted && !places.allow(shown.evse) {
            status = TokenStatus::NotAtThisLocation;
        }
        if status == TokenStatus::Accepted
            && let Some(transaction) = shown.begins
        {
            status = self.may_begin(speaker, shown, transaction, &token).await?;
        }
        Ok(TokenInfo {
            status,
            expires_at: token.expires_at,
            parent: token.parent,
            language: token.language,
            evses: places.evses,
        })
    }

    async fn may_begin(
        &self,
        speaker: &Speaker<'_>,
        shown: Shown<'_>,
        transaction: Option<&str>,
        token: &IdToken,
    ) -> Result<TokenStatus, CsmsError> {
        let tenant = self.inner.runtime.store().tenant(speaker.tenant);
        if token.parent.is_some() && ends_only(&tenant.token_settings().await?, token) {
            return Ok(TokenStatus::Invalid);
        }
        if token.concurrent_allowed {
            return Ok(TokenStatus::Accepted);
        }
        let now = self.inner.runtime.now();
        let busy = tenant.token_uses(&token.token).await?.into_iter().any(|used| {
            let here = used.station == speaker.station.as_str();
            let itself = here && transaction == Some(used.transaction_id.as_str());
            // where another begins, the one before is over, whatever its station forgot to say
            let replaced = here && shown.evse.is_some() && used.evse == shown.evse;
            !itself && !replaced && now.seconds_since(used.last_at) < SILENT_S
        });
        Ok(if busy { TokenStatus::ConcurrentTx } else { TokenStatus::Accepted })
    }

    /// Who belongs together with a token of the tenant's list.
    pub(crate) async fn parent_of(
        &self,
        speaker: &Speaker<'_>,
        token: &str,
    ) -> Result<Option<String>, CsmsError> {
        let found = self.inner.runtime.store().tenant(speaker.tenant).token(token).await?;
        Ok(found.and_then(|record| record.token.parent))
    }
}

/// Upper and lower case are the same in tokens.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// What a token may do at a time, wherever it is shown.
pub(crate) fn standing(token: &IdToken, at: Timestamp) -> TokenStatus {
    match token.status {
        Stored::Accepted if token.expires_at.is_some_and(|end| end <= at) => TokenStatus::Expired,
        Stored::Accepted => TokenStatus::Accepted,
        Stored::Blocked => TokenStatus::Blocked,
        Stored::Expired => TokenStatus::Expired,
        Stored::Invalid => TokenStatus::Invalid,
    }
}

/// Whether it is a token of those who look after stations: it ends transactions and begins none.
pub(crate) fn ends_only(settings: &TokenSettings, token: &IdToken) -> bool {
    let (Some(master), Some(parent)) = (&settings.master_group, &token.parent) else { return false };
    same(master, parent)
}

/// Where at one station a token is good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Places {
    anywhere: bool,
    /// The only EVSEs; empty when the whole station is meant, or none of it.
    pub(crate) evses: Vec<u32>,
}

impl Places {
    /// `only_at` names stations and EVSEs by their twins; nothing = everywhere.
    pub(crate) fn of(station: &str, only_at: &[String]) -> Self {
        if only_at.is_empty() || only_at.iter().any(|place| place == station) {
            return Self { anywhere: true, evses: Vec::new() };
        }
        let evse = |place: &String| place.strip_prefix(station)?.strip_prefix(':')?.parse().ok();
        let mut evses: Vec<u32> = only_at.iter().filter_map(evse).collect();
        evses.sort_unstable();
        evses.dedup();
        Self { anywhere: false, evses }
    }

    /// Whether it is good at an EVSE, or where none is named at one of them at least.
    pub(crate) fn allow(&self, evse: Option<u32>) -> bool {
        self.anywhere || evse.map_or(!self.evses.is_empty(), |evse| self.evses.contains(&evse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_station_or_one_of_its_evses() {
        let places = |only_at: &[&str]| {
            Places::of("ST-1", &only_at.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>())
        };
        assert!(places(&[]).allow(Some(7)) && places(&["ST-1"]).allow(None));
        let two = places(&["ST-1:2", "ST-10:3", "ST-1:x", "ST-1:2"]);
        assert_eq!(two.evses, [2]);
        assert!(two.allow(Some(2)) && two.allow(None) && !two.allow(Some(3)));
        assert!(!places(&["ST-10"]).allow(None), "another station's name begins the same");
    }

    #[test]
    fn a_token_expires_at_its_time_and_not_before() {
        let at = Timestamp::from_millis;
        let token = IdToken { expires_at: Some(at(1_000)), ..IdToken::default() };
        assert_eq!(standing(&token, at(999)), TokenStatus::Accepted);
        assert_eq!(standing(&token, at(1_000)), TokenStatus::Expired);
        let barred = IdToken { status: Stored::Blocked, ..token };
        assert_eq!(standing(&barred, at(2_000)), TokenStatus::Blocked, "who is barred is told so");
    }
}
