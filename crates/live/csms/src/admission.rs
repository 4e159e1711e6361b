//! May this station connect?

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_pki::Certificate;
use voltwin_security::{PasswordHash, Secret};
use voltwin_store::{CertificateRecord, StationSecurity};

use crate::CentralSystem;
use crate::blocks::security_alarm;
use crate::stations::Events;

/// Wrong attempts on an identity from one address after which it must wait. They are counted per address, so that
/// nobody elsewhere can keep a station out.
const FAILURES_MAX: u32 = 10;
/// Wrong attempts from an address after which only passwords that were right before are taken from it. A site, or all
/// that stands behind a reverse proxy, shares one address.
const ADDRESS_FAILURES_MAX: u32 = 100;
/// Seconds of that wait, and for which failures are remembered.
const FAILURES_WINDOW_S: f64 = 60.0;
/// Addresses and identities remembered at once.
const THROTTLED_MAX: usize = 10_000;
/// Successful verifications remembered, so that a storm of reconnections costs no password hashing.
const VERIFIED_MAX: usize = 200_000;

/// A station that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its identity, which is its twin id.
    pub station: TwinId,
}

/// Where a station knocks from, and what it brings besides a password.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Its client certificate, whose chain the handshake has checked.
    pub certificate: Option<Arc<Certificate>>,
}

impl Peer {
    /// One that speaks plain text.
    #[must_use]
    pub fn plain(address: IpAddr) -> Self {
        Self { address, tls: false, certificate: None }
    }
}

/// One that may be meant.
struct Known {
    tenant: TenantId,
    password: Option<PasswordHash>,
    security: StationSecurity,
}

impl Known {
    fn is_quick(&self) -> bool {
        self.password.as_ref().is_some_and(PasswordHash::is_quick)
    }
}

/// What a peer proves.
enum Proof {
    /// It is this tenant's station.
    Right(TenantId),
    /// It knows the password of this tenant's station, which its security profile does not content itself with.
    TooLittle(TenantId, u8),
    Wrong,
}

/// Why a station may not connect.
#[derive(Debug, Error)]
pub enum Refusal {
    /// Unknown station or wrong password; the two are not told apart.
    #[error("the station or its password is not known here")]
    Unauthorized,
    /// It proved who it is, but came with less than its security profile asks for.
    #[error("security profile {profile} is set for this station: {}", match profile {
        2 => "it must connect with TLS",
        _ => "it must connect with TLS and a valid client certificate of its own",
    })]
    Profile {
        /// The profile.
        profile: u8,
    },
    /// Too many wrong attempts; try again after this many seconds.
    #[error("too many failed attempts; wait {retry_after_s} s")]
    Throttled {
        /// Seconds to wait.
        retry_after_s: u32,
    },
    /// The registry could not be asked.
    #[error("the registry cannot be read now")]
    Unavailable,
}

/// Counts failed attempts per address and per identity.
#[derive(Default)]
pub(crate) struct Throttle {
    failures: HashMap<String, (u32, Timestamp)>,
}

impl Throttle {
    fn blocked(&self, key: &str, limit: u32, now: Timestamp) -> bool {
        self.failures
            .get(key)
            .is_some_and(|(count, since)| *count >= limit && now.seconds_since(*since) < FAILURES_WINDOW_S)
    }

    /// Counts a failure; says how many there are in the present minute.
    fn fail(&mut self, key: String, now: Timestamp) -> u32 {
        if self.failures.len() >= THROTTLED_MAX {
            self.failures.retain(|_, (_, since)| now.seconds_since(*since) < FAILURES_WINDOW_S);
        }
        if self.failures.len() >= THROTTLED_MAX && !self.failures.contains_key(&key) {
            return 0;
        }
        let entry = self.failures.entry(key).or_insert((0, now));
        if now.seconds_since(entry.1) >= FAILURES_WINDOW_S {
            *entry = (0, now);
        }
        entry.0 += 1;
        entry.0
    }

    fn forget(&mut self, key: &str) {
        self.failures.remove(key);
    }
}

/// Remembers, under a key drawn at start, which password matched which stored hash.
pub(crate) struct Verified {
    key: String,
    matches: HashMap<(TenantId, TwinId), [u8; 32]>,
}

impl Verified {
    /// With a key drawn at random, so that the tags are worth nothing to another process.
    pub(crate) fn new(key: String) -> Self {
        Self { key, matches: HashMap::new() }
    }

    fn tag(&self, hash: &str, password: &Secret) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(&self.key);
        digest.update((hash.len() as u64).to_le_bytes());
        digest.update(hash.as_bytes());
        digest.update(password.expose().as_bytes());
        digest.update(&self.key);
        digest.finalize().into()
    }

    fn knows(&self, who: &(TenantId, TwinId), hash: &str, password: &Secret) -> bool {
        self.matches.get(who).is_some_and(|tag| *tag == self.tag(hash, password))
    }

    fn remember(&mut self, who: (TenantId, TwinId), hash: &str, password: &Secret) {
        if self.matches.len() < VERIFIED_MAX || self.matches.contains_key(&who) {
            let tag = self.tag(hash, password);
            self.matches.insert(who, tag);
        }
    }
}

impl CentralSystem {
    /// Judges a station that knocks, before it may say anything. Without a tenant in the path, its identity must
    /// belong to a tenant whose stored proof it gives. An unknown station goes to the claim queue of the tenant
    /// in the path, or of the only tenant there is.
    ///
    /// A station must come as its security profile says, never with less: 1 with its password, 2 with its password
    /// over TLS, 3 with a certificate of its own over TLS, which its password does not replace.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with.
    pub async fn admit(
        &self,
        tenant: Option<&TenantId>,
        station: &TwinId,
        password: Option<&Secret>,
        peer: &Peer,
        protocol: &str,
    ) -> Result<Admission, Refusal> {
        let now = self.inner.runtime.now();
        let keys = [format!("a:{}", peer.address), format!("s:{} {station}", peer.address)];
        let (crowded, guessed) = {
            let throttle = self.inner.throttle.lock();
            let crowded = throttle.blocked(&keys[0], ADDRESS_FAILURES_MAX, now);
            (crowded, throttle.blocked(&keys[1], FAILURES_MAX, now))
        };
        if guessed {
            return Err(throttled());
        }
        let known = self.candidates(tenant, station).await?;
        let proof = self.prove(&known, station, password, peer, crowded).await?;
        if let Proof::Right(tenant) = proof {
            // it comes again, with all that it has kept, until there is somebody to take it
            self.inner.runtime.readable(&tenant).map_err(|_| Refusal::Unavailable)?;
            let mut throttle = self.inner.throttle.lock();
            // a crowded address stays so: what one of its stations proves says nothing of the others
            keys.iter().skip(usize::from(crowded)).for_each(|key| throttle.forget(key));
            return Ok(Admission { tenant, station: station.clone() });
        }
        if crowded {
            let [_, identity] = keys;
            self.inner.throttle.lock().fail(identity, now);
            return Err(throttled());
        }
        if let Proof::TooLittle(tenant, profile) = proof {
            let said = format!("it came with less than security profile {profile} asks for");
            self.note_refusal(&tenant, station, "ConnectionBelowSecurityProfile", &said, peer).await;
            metrics::counter!("voltwin_station_refused_total", "reason" => "profile").increment(1);
            return Err(Refusal::Profile { profile });
        }
        match known.as_slice() {
            [] => self.claim(tenant, station, password, peer.address, protocol, now).await,
            // a wrong password for a quick hash is answered as late as one for a slow one, or for an unknown station
            [first, ..] if password.is_some() && first.is_quick() => {
                let _ = PasswordHash::verify_unknown().await;
            }
            _ => {}
        }
        let failed = {
            let mut throttle = self.inner.throttle.lock();
            keys.map(|key| throttle.fail(key, now))
        };
        // told once, when the door closes to it
        if let ([_, FAILURES_MAX], [known]) = (failed, known.as_slice()) {
            let said = format!("{FAILURES_MAX} wrong attempts within a minute from {}", peer.address);
            self.note_refusal(&known.tenant, station, "RepeatedWrongPasswords", &said, peer).await;
        }
        metrics::counter!("voltwin_station_refused_total", "reason" => "unauthorized").increment(1);
        Err(Refusal::Unauthorized)
    }

    /// What the peer proves. With `cheaply`, no slow hash is worked out: only what was right before, or costs
    /// nothing to check, counts.
    async fn prove(
        &self,
        known: &[Known],
        station: &TwinId,
        password: Option<&Secret>,
        peer: &Peer,
        cheaply: bool,
    ) -> Result<Proof, Refusal> {
        let mut too_little = None;
        for known in known {
            let needed = known.security.profile;
            let open = needed == 0 || (self.inner.config.allow_unauthenticated && known.password.is_none());
            if open && needed < 2 {
                return Ok(Proof::Right(known.tenant.clone()));
            }
            let next = known.security.next_profile;
            if (needed == 3 || next == Some(3)) && self.certified(known, station, peer).await? {
                self.has_come_with(known, station, 3).await;
                return Ok(Proof::Right(known.tenant.clone()));
            }
            let Some(password) = password else { continue };
            if !self.password_of(known, station, password, cheaply).await? {
                continue;
            }
            if needed == 3 || (needed == 2 && !peer.tls) {
                too_little.get_or_insert_with(|| Proof::TooLittle(known.tenant.clone(), needed));
                continue;
            }
            if peer.tls {
                self.has_come_with(known, station, 2).await;
            }
            return Ok(Proof::Right(known.tenant.clone()));
        }
        Ok(too_little.unwrap_or(Proof::Wrong))
    }

    /// The station has come as a higher profile, which waits for that, asks for: it is held to it from now on.
    async fn has_come_with(&self, known: &Known, station: &TwinId, profile: u8) {
        if known.security.next_profile != Some(profile) {
            return;
        }
        let store = self.inner.runtime.store().tenant(&known.tenant);
        let taken = store.take_next_profile(station.as_str(), profile, self.inner.runtime.now()).await;
        if let Err(error) = taken {
            tracing::warn!(%station, %error, "could not record that a station came with its new security profile");
        }
    }

    /// Whether the peer's certificate, whose chain the TLS handshake has checked, is this station's and still counts.
    async fn certified(&self, known: &Known, station: &TwinId, peer: &Peer) -> Result<bool, Refusal> {
        let Some(certificate) = peer.certificate.as_ref().filter(|_| peer.tls) else { return Ok(false) };
        let tenant = &known.tenant;
        let store = self.inner.runtime.store();
        let issued = store
            .tenant(tenant)
            .certificate(&certificate.fingerprint)
            .await
            .map_err(|error| unavailable(&error))?;
        let wrong = if !certificate.names(station.as_str()) {
            "its client certificate is for another station"
        } else if issued.as_ref().is_some_and(|issued| issued.revoked_at.is_some()) {
            "its client certificate was revoked"
        } else if issued.is_none()
            && certificate.organisation.as_deref() != Some(tenant.as_str())
            && store.tenants().await.map_err(|error| unavailable(&error))?.len() > 1
        {
            "its client certificate is of another organisation"
        } else {
            if issued.is_none() {
                self.remember_certificate(tenant, station, certificate).await;
            }
            return Ok(true);
        };
        self.note_refusal(tenant, station, "InvalidChargingStationCertificate", wrong, peer).await;
        Ok(false)
    }

    /// One of an outside authority is remembered when it first comes, so that its end is watched and it can be taken
    /// back.
    async fn remember_certificate(&self, tenant: &TenantId, station: &TwinId, certificate: &Certificate) {
        let at = |s: i64| Timestamp::from_micros(s.saturating_mul(1_000_000));
        let record = CertificateRecord {
            fingerprint: certificate.fingerprint.clone(),
            station: station.to_string(),
            serial: certificate.serial.clone(),
            not_after: at(certificate.not_after_s),
            issued_at: at(certificate.not_before_s),
            issued_by: certificate.issuer.chars().take(200).collect(),
            revoked_at: None,
        };
        let store = self.inner.runtime.store().tenant(tenant);
        if let Err(error) = store.add_certificate(&record, self.inner.runtime.now()).await {
            tracing::warn!(%station, %error, "could not remember a certificate");
        }
    }

    /// Whether this is the station's password, or the one that takes over when it comes with it.
    async fn password_of(
        &self,
        known: &Known,
        station: &TwinId,
        password: &Secret,
        cheaply: bool,
    ) -> Result<bool, Refusal> {
        let who = (known.tenant.clone(), station.clone());
        if let Some(next) = &known.security.next_password_hash
            && self.matches(&who, next, password, cheaply).await?
        {
            let store = self.inner.runtime.store().tenant(&known.tenant);
            let taken = store.take_next_password(station.as_str(), next, self.inner.runtime.now()).await;
            if let Err(error) = taken {
                tracing::warn!(%station, %error, "could not record that a station came with its new password");
            }
            return Ok(true);
        }
        match &known.password {
            Some(hash) => self.matches(&who, hash, password, cheaply).await,
            None => Ok(false),
        }
    }

    async fn candidates(&self, tenant: Option<&TenantId>, station: &TwinId) -> Result<Vec<Known>, Refusal> {
        let found = self
            .inner
            .runtime
            .store()
            .stations_named(station.as_str())
            .await
            .map_err(|error| unavailable(&error))?;
        let ours = |(owner, _): &(TenantId, _)| tenant.is_none_or(|tenant| tenant == owner);
        let known = |(tenant, credential): (TenantId, voltwin_store::StationCredential)| Known {
            tenant,
            password: credential.password_hash,
            security: credential.security,
        };
        Ok(found.into_iter().filter(ours).map(known).collect())
    }

    async fn matches(
        &self,
        who: &(TenantId, TwinId),
        hash: &PasswordHash,
        password: &Secret,
        cheaply: bool,
    ) -> Result<bool, Refusal> {
        if !hash.is_quick() && self.inner.verified.lock().knows(who, hash.as_str(), password) {
            return Ok(true);
        }
        if cheaply && !hash.is_quick() {
            return Ok(false);
        }
        let matched = match hash.verify(password).await {
            Ok(matched) => matched,
            // no verdict is no wrong password: the station tries again
            Err(error) => {
                tracing::warn!(station = %who.1, %error, "a password could not be verified");
                return Err(Refusal::Unavailable);
            }
        };
        if matched && !hash.is_quick() {
            self.inner.verified.lock().remember(who.clone(), hash.as_str(), password);
        }
        Ok(matched)
    }

    /// Files what happened at the door in the station's notebook.
    async fn note_refusal(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        kind: &'static str,
        said: &str,
        peer: &Peer,
    ) {
        tracing::warn!(%tenant, %station, address = %peer.address, kind, said, "a station was refused");
        let detail = serde_json::json!({
            "type": kind, "tech_info": said, "address": peer.address, "source": "central system",
        });
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, tenant, Self::trace());
        events.note(station, now, "security_event", detail);
        if let Some(alarm) = security_alarm(kind, Some(said)) {
            events.add(station, now, alarm);
        }
        if let Err(error) = self.record(events).await {
            tracing::warn!(%station, %error, "could not record a security event");
        }
    }

    /// Files an unknown station, with the hash of the password that it presented, so that accepting the claim is
    /// one step.
    async fn claim(
        &self,
        tenant: Option<&TenantId>,
        station: &TwinId,
        password: Option<&Secret>,
        address: IpAddr,
        protocol: &str,
        now: Timestamp,
    ) {
        let store = self.inner.runtime.store();
        let Ok(tenants) = store.tenants().await else { return };
        let owner = match tenant {
            Some(tenant) => tenants.iter().find(|known| known.tenant == *tenant),
            None if tenants.len() == 1 => tenants.first(),
            None => None,
        };
        let Some(owner) = owner else { return };
        let hash = match password {
            Some(password) => PasswordHash::hash(password).await.ok(),
            None => None,
        };
        let address = address.to_string();
        let filed = store
            .tenant(&owner.tenant)
            .record_claim(station.as_str(), &address, protocol, hash.as_ref(), now)
            .await;
        if let Err(error) = filed {
            tracing::warn!(%station, %error, "could not file a claim");
        }
    }
}

fn unavailable(error: &voltwin_store::StoreError) -> Refusal {
    tracing::error!(%error, "could not look a station up");
    Refusal::Unavailable
}

fn throttled() -> Refusal {
    metrics::counter!("voltwin_station_refused_total", "reason" => "throttled").increment(1);
    Refusal::Throttled { retry_after_s: FAILURES_WINDOW_S as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenth_failure_closes_the_door_for_a_minute() {
        let mut throttle = Throttle::default();
        let at = |s: f64| Timestamp::from_micros(0).plus_seconds(s);
        for _ in 0..FAILURES_MAX {
            assert!(!throttle.blocked("s:A", FAILURES_MAX, at(1.0)));
            throttle.fail("s:A".into(), at(1.0));
        }
        assert!(throttle.blocked("s:A", FAILURES_MAX, at(30.0)));
        assert!(!throttle.blocked("s:B", FAILURES_MAX, at(30.0)));
        assert!(!throttle.blocked("s:A", FAILURES_MAX, at(62.0)));
        throttle.forget("s:A");
        assert!(!throttle.blocked("s:A", FAILURES_MAX, at(2.0)));
    }

    #[test]
    fn the_throttle_is_bounded() {
        let mut throttle = Throttle::default();
        for n in 0..THROTTLED_MAX + 50 {
            throttle.fail(format!("s:{n}"), Timestamp::from_micros(0));
        }
        assert_eq!(throttle.failures.len(), THROTTLED_MAX);
    }
}
