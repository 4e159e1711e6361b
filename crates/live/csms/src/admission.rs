//! May this station connect?

use std::collections::HashMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};
use thiserror::Error;
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_security::{PasswordHash, Secret};

use crate::CentralSystem;

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

/// Why a station may not connect.
#[derive(Debug, Error)]
pub enum Refusal {
    /// Unknown station or wrong password; the two are not told apart.
    #[error("the station or its password is not known here")]
    Unauthorized,
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

    fn fail(&mut self, key: String, now: Timestamp) {
        if self.failures.len() >= THROTTLED_MAX {
            self.failures.retain(|_, (_, since)| now.seconds_since(*since) < FAILURES_WINDOW_S);
        }
        if self.failures.len() >= THROTTLED_MAX && !self.failures.contains_key(&key) {
            return;
        }
        let entry = self.failures.entry(key).or_insert((0, now));
        if now.seconds_since(entry.1) >= FAILURES_WINDOW_S {
            *entry = (0, now);
        }
        entry.0 += 1;
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
    /// Judges a station that knocks with Basic authentication. Without a tenant in the path, its identity must
    /// belong to a tenant whose stored password matches. An unknown station goes to the claim queue of the tenant
    /// in the path, or of the only tenant there is.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with.
    pub async fn admit(
        &self,
        tenant: Option<&TenantId>,
        station: &TwinId,
        password: Option<&Secret>,
        address: IpAddr,
        protocol: &str,
    ) -> Result<Admission, Refusal> {
        let now = self.inner.runtime.now();
        let keys = [format!("a:{address}"), format!("s:{address} {station}")];
        let (crowded, guessed) = {
            let throttle = self.inner.throttle.lock();
            let crowded = throttle.blocked(&keys[0], ADDRESS_FAILURES_MAX, now);
            (crowded, throttle.blocked(&keys[1], FAILURES_MAX, now))
        };
        if guessed {
            return Err(throttled());
        }
        let known = self.candidates(tenant, station).await?;
        if crowded {
            return match self.remembered(&known, station, password) {
                Some(admission) => Ok(admission),
                None => {
                    let [_, identity] = keys;
                    self.inner.throttle.lock().fail(identity, now);
                    Err(throttled())
                }
            };
        }
        if let Some(password) = password {
            for (owner, hash) in known.iter().filter_map(|(owner, hash)| Some((owner, hash.as_ref()?))) {
                let who = (owner.clone(), station.clone());
                if self.matches(&who, hash, password).await {
                    let mut throttle = self.inner.throttle.lock();
                    keys.iter().for_each(|key| throttle.forget(key));
                    return Ok(Admission { tenant: who.0, station: who.1 });
                }
            }
        }
        if known.is_empty() {
            self.claim(tenant, station, password, address, protocol, now).await;
        }
        let mut throttle = self.inner.throttle.lock();
        for key in keys {
            throttle.fail(key, now);
        }
        metrics::counter!("voltwin_station_refused_total", "reason" => "unauthorized").increment(1);
        Err(Refusal::Unauthorized)
    }

    /// The admission of a station whose password was right before, at no cost.
    fn remembered(
        &self,
        known: &[(TenantId, Option<PasswordHash>)],
        station: &TwinId,
        password: Option<&Secret>,
    ) -> Option<Admission> {
        let (password, verified) = (password?, self.inner.verified.lock());
        let right = |(owner, hash): &(TenantId, Option<PasswordHash>)| {
            let who = (owner.clone(), station.clone());
            let known = verified.knows(&who, hash.as_ref()?.as_str(), password);
            known.then_some(Admission { tenant: who.0, station: who.1 })
        };
        known.iter().find_map(right)
    }

    async fn candidates(
        &self,
        tenant: Option<&TenantId>,
        station: &TwinId,
    ) -> Result<Vec<(TenantId, Option<PasswordHash>)>, Refusal> {
        let unavailable = |error: voltwin_store::StoreError| {
            tracing::error!(%error, "could not look a station up");
            Refusal::Unavailable
        };
        let found = self.inner.runtime.store().stations_named(station.as_str()).await.map_err(unavailable)?;
        let ours = |(owner, _): &(TenantId, _)| tenant.is_none_or(|tenant| tenant == owner);
        Ok(found.into_iter().filter(ours).map(|(owner, station)| (owner, station.password_hash)).collect())
    }

    async fn matches(&self, who: &(TenantId, TwinId), hash: &PasswordHash, password: &Secret) -> bool {
        if self.inner.verified.lock().knows(who, hash.as_str(), password) {
            return true;
        }
        let matched = hash.verify(password).await.unwrap_or_else(|error| {
            tracing::warn!(station = %who.1, %error, "a password could not be verified");
            false
        });
        if matched {
            self.inner.verified.lock().remember(who.clone(), hash.as_str(), password);
        }
        matched
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
