//! Whether certificates still count: what their OCSP responders and revocation lists say.
//!
//! A station or a vehicle names the address to ask, so the addresses are a stranger's word: who carries the question
//! ([`Responders`]) decides which of them are asked at all. Answers are remembered until they say that more is known,
//! for an hour at most; a failure for half a minute, so that a responder that is down is not run over.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use voltwin_core::Timestamp;
use voltwin_pki::crl::RevocationList;
use voltwin_pki::ocsp::{self, CertificateId, Statement, Status};
use voltwin_pki::{Certificate, PkiError};

use crate::CentralSystem;

/// Answers remembered at once.
const KNOWN_MAX: usize = 10_000;
/// Questions under way at once; more wait.
const AT_ONCE: usize = 16;
/// How long an answer is believed at most, in seconds, and how long when it does not say.
const BELIEVED_S: f64 = 3_600.0;
const BELIEVED_UNSAID_S: f64 = 300.0;
/// How long a failure is believed, in seconds.
const FAILED_S: f64 = 30.0;
/// How far the clocks of a responder and ours may be apart, in seconds.
const SKEW_S: i64 = 300;

/// What was brought from an address, or why nothing was.
pub type ResponderAnswer<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// Whoever carries questions about certificates to the addresses that they name.
pub trait Responders: Send + Sync {
    /// Hands an OCSP request to `url` and brings the response; both DER.
    fn ocsp<'a>(&'a self, url: &'a str, request: Vec<u8>) -> ResponderAnswer<'a>;
    /// Brings the revocation list that lies at `url`; DER.
    fn list<'a>(&'a self, url: &'a str) -> ResponderAnswer<'a>;
}

/// A response as it came, and what it states.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) response: Arc<Vec<u8>>,
    pub(crate) statement: Statement,
}

type Outcome = Result<Heard, String>;

/// What is known, and who asks for the rest.
pub(crate) struct Revocations {
    responders: OnceLock<Arc<dyn Responders>>,
    known: Mutex<HashMap<(CertificateId, String), (Outcome, Timestamp)>>,
    turn: Semaphore,
}

impl Default for Revocations {
    fn default() -> Self {
        Self { responders: OnceLock::new(), known: Mutex::default(), turn: Semaphore::new(AT_ONCE) }
    }
}

impl CentralSystem {
    /// From now on `responders` carries questions about certificates. The first one stays.
    pub fn ask_responders(&self, responders: Arc<dyn Responders>) {
        if self.inner.revocations.responders.set(responders).is_err() {
            tracing::debug!("there is somebody who asks responders already");
        }
    }

    fn responders(&self) -> Result<&Arc<dyn Responders>, String> {
        self.inner.revocations.responders.get().ok_or_else(|| "nobody here asks responders".to_owned())
    }

    /// What the responder at `url` says of a certificate; fresh, and not checked for who signed it.
    pub(crate) async fn ocsp(&self, id: &CertificateId, url: &str) -> Outcome {
        let revocations = &self.inner.revocations;
        let key = (id.clone(), url.to_owned());
        let fresh = |now: Timestamp| {
            let known = revocations.known.lock();
            known.get(&key).filter(|(_, until)| now < *until).map(|(outcome, _)| outcome.clone())
        };
        if let Some(outcome) = fresh(self.inner.runtime.now()) {
            return outcome;
        }
        let _turn = revocations.turn.acquire().await.map_err(|_| "stopping".to_owned())?;
        // whoever waited for the same answer finds it
        if let Some(outcome) = fresh(self.inner.runtime.now()) {
            return outcome;
        }
        let outcome = self.ask_ocsp(id, url).await;
        let now = self.inner.runtime.now();
        let result = if outcome.is_ok() { "answered" } else { "failed" };
        metrics::counter!("voltwin_ocsp_requests_total", "result" => result).increment(1);
        let until = match &outcome {
            Ok(heard) => {
                let said = heard.statement.next_update_s.map_or(BELIEVED_UNSAID_S, |next_s| {
                    Timestamp::from_micros(next_s.saturating_mul(1_000_000)).seconds_since(now)
                });
                now.plus_seconds(said.clamp(0.0, BELIEVED_S))
            }
            Err(_) => now.plus_seconds(FAILED_S),
        };
        let mut known = revocations.known.lock();
        if known.len() >= KNOWN_MAX {
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() < KNOWN_MAX {
            known.insert(key, (outcome.clone(), until));
        }
        drop(known);
        outcome
    }

    async fn ask_ocsp(&self, id: &CertificateId, url: &str) -> Outcome {
        let request = ocsp::request(id).map_err(|error| error.to_string())?;
        let response = self.responders()?.ocsp(url, request).await?;
        let statement = ocsp::read(&response, &id.serial_number).map_err(|error| error.to_string())?;
        current(statement.this_update_s, statement.next_update_s, self.now_s())?;
        Ok(Heard { response: Arc::new(response), statement })
    }

    /// As [`CentralSystem::ocsp`], and signed by who issued the certificate: one of `issuers`, of the authorities of the
    /// vehicle side, or of those that the responder sends along.
    pub(crate) async fn ocsp_proven(
        &self,
        id: &CertificateId,
        url: &str,
        issuers: &[Certificate],
    ) -> Result<Statement, String> {
        let heard = self.ocsp(id, url).await?;
        let along = ocsp::sent_along(&heard.response).map_err(|error| error.to_string())?;
        let issuer = self.issuer_by_id(id, issuers.iter().chain(&along))?;
        ocsp::verify(&heard.response, &issuer, self.now_s()).map_err(|error| error.to_string())?;
        Ok(heard.statement)
    }

    /// What the revocation list at `url` says of a certificate, and until when.
    pub(crate) async fn on_list(&self, id: &CertificateId, url: &str) -> Result<Statement, String> {
        let issuer = self.issuer_by_id(id, std::iter::empty())?;
        let _turn = self.inner.revocations.turn.acquire().await.map_err(|_| "stopping".to_owned())?;
        let der = self.responders()?.list(url).await?;
        let list = RevocationList::read(&der, &issuer).map_err(|error: PkiError| error.to_string())?;
        current(list.this_update_s, list.next_update_s, self.now_s())?;
        let status = if list.names(&id.serial_number) { Status::Revoked } else { Status::Good };
        Ok(Statement { status, this_update_s: list.this_update_s, next_update_s: list.next_update_s })
    }

    fn issuer_by_id<'a>(
        &'a self,
        id: &CertificateId,
        more: impl Iterator<Item = &'a Certificate>,
    ) -> Result<Certificate, String> {
        let known = self.inner.config.vehicle_authorities.as_ref();
        let known = known.map_or(&[][..], |authorities| authorities.all());
        let issuer = known.iter().chain(more).find(|issuer| id.is_issued_by(issuer));
        issuer.cloned().ok_or_else(|| "the issuer of the certificate is not known here".to_owned())
    }

    /// Our clock in whole seconds since 1970.
    pub(crate) fn now_s(&self) -> i64 {
        self.inner.runtime.now().as_micros() / 1_000_000
    }
}

/// Whether something that holds from a time to another holds now.
fn current(this_update_s: i64, next_update_s: Option<i64>, now_s: i64) -> Result<(), String> {
    if this_update_s > now_s + SKEW_S {
        return Err("the answer is of the future".to_owned());
    }
    if next_update_s.is_some_and(|next_s| next_s < now_s - SKEW_S) {
        return Err("the answer is out of date".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_in_its_time() {
        assert!(current(1_000, Some(2_000), 1_500).is_ok() && current(1_000, None, 9_999).is_ok());
        assert!(current(1_000, Some(2_000), 2_300).is_ok(), "clocks may be apart");
        assert!(current(1_000, Some(2_000), 2_301).unwrap_err().contains("out of date"));
        assert!(current(1_301, None, 1_000).unwrap_err().contains("future"));
    }
}
