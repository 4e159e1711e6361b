//! One start of a token after the other.
//!
//! Whether a token is busy is read from what is recorded, and a start is recorded only after it was judged: two that come
//! in the same instant would both find it free. So whoever begins on a token of the list waits here until the one before is
//! durable. A token belongs to one of a fixed number of turns, so that memory does not depend on how many there are.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};
use voltwin_core::{TenantId, TransactionPhase};
use voltwin_ocpp::TransactionReport;

use crate::decide::Speaker;
use crate::{CentralSystem, CsmsError};

/// Tokens that share a turn wait for each other's commit, which takes milliseconds.
const TURNS: usize = 1_024;

pub(crate) struct Turns(Vec<Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..TURNS).map(|_| Arc::default()).collect())
    }
}

impl Turns {
    fn of(&self, tenant: &TenantId, token: &str) -> Option<&Arc<Mutex<()>>> {
        let mut hasher = DefaultHasher::new();
        tenant.hash(&mut hasher);
        // upper and lower case are the same in tokens
        token.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        self.0.get(usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default())
    }
}

impl CentralSystem {
    /// Waits until nobody else begins a transaction on the token of this one; the turn ends when the guard is dropped. Of a
    /// token that may charge at several places, or that is not on the tenant's list, nothing is decided by what it does
    /// elsewhere.
    pub(crate) async fn turn_to_begin(
        &self,
        speaker: &Speaker<'_>,
        report: &TransactionReport,
    ) -> Result<Option<OwnedMutexGuard<()>>, CsmsError> {
        if report.phase == TransactionPhase::Ended {
            return Ok(None);
        }
        let begins =
            report.phase == TransactionPhase::Started || report.trigger.as_deref() == Some("Authorized");
        let Some(token) = report.id_token.as_deref().filter(|_| begins) else { return Ok(None) };
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let listed = store.token(token).await?;
        if listed.is_none_or(|record| record.token.concurrent_allowed) {
            return Ok(None);
        }
        match self.inner.turns.of(speaker.tenant, token) {
            Some(turn) => Ok(Some(turn.clone().lock_owned().await)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_turn_however_it_is_written() {
        let turns = Turns::default();
        let (one, other) = ("one".parse().unwrap(), "other".parse().unwrap());
        let same = |a: (&TenantId, &str), b: (&TenantId, &str)| {
            Arc::ptr_eq(turns.of(a.0, a.1).unwrap(), turns.of(b.0, b.1).unwrap())
        };
        assert!(same((&one, "Tag-7"), (&one, "tAG-7")));
        // with 1,024 turns, a hundred tokens and two tenants hardly all meet
        assert!((0..100).any(|n| !same((&one, "TAG"), (&one, &format!("TAG-{n}")))));
        assert!((0..100).any(|n| !same((&one, &format!("TAG-{n}")), (&other, &format!("TAG-{n}")))));
    }
}
