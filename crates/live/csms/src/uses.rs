//! Which transaction an event of OCPP 2.x belongs to, where a station gives an id that it gave before.
//!
//! Ids of 2.x come from the station and should be unique for ever; a station that counts from 1 after each restart gives
//! them again. What it tells then must neither be lost as a repetition nor be added to a bill that is closed. So the
//! second transaction of an id is recorded under the id and the number of its use, and flagged. A repetition is known by
//! its time: a station sends again what it keeps.

use voltwin_core::{
    Decimal, Timestamp, TransactionFact, TransactionPhase, reused_transaction_id, told_transaction_id,
};
use voltwin_store::TransactionUse;

use crate::clock::put_right;
use crate::decide::Speaker;
use crate::{CentralSystem, CsmsError};

/// What an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// One that is recorded already, of this transaction.
    Known(String),
    /// A new one of this transaction, which may be new itself.
    New(String),
}

/// How an event stands to what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is recorded under its id.
    First,
    /// Its transaction is known, or one whose id it has, and the event is not.
    More,
    /// This very event is recorded.
    Again,
}

impl CentralSystem {
    /// Puts the event to the transaction that it belongs to.
    pub(crate) async fn put_to_its_use(
        &self,
        speaker: &Speaker<'_>,
        told: Timestamp,
        fact: &mut TransactionFact,
    ) -> Result<Standing, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let uses = store.transaction_uses(speaker.station.as_str(), fact).await?;
        if uses.is_empty() {
            return Ok(Standing::First);
        }
        let right = put_right(told, self.believed_ahead_ms(speaker).await?);
        let (standing, id) = match place(&uses, fact, told, right) {
            Place::Known(id) => (Standing::Again, id),
            Place::New(id) => (Standing::More, id),
        };
        if id != fact.transaction_id {
            // Before it is recorded, and so before anybody is told that it is: what follows must be looked up, for more
            // than one transaction has the id.
            self.inner.running.forget(speaker.tenant, speaker.station, &fact.transaction_id);
        }
        fact.transaction_id = id;
        Ok(standing)
    }

    /// Says whether a stop of OCPP 1.6 is recorded already. One that only shares its id with another stop that has no
    /// start either gets an id of its own.
    pub(crate) async fn put_stop_to_its_start(
        &self,
        speaker: &Speaker<'_>,
        told: Timestamp,
        fact: &mut TransactionFact,
    ) -> Result<bool, CsmsError> {
        let store = self.inner.runtime.store().tenant(speaker.tenant);
        let uses = store.transaction_uses(speaker.station.as_str(), fact).await?;
        if let Some(id) = orphan(&uses, fact, told) {
            fact.transaction_id = id;
            return Ok(store.has_transaction_event(speaker.station.as_str(), fact).await?);
        }
        Ok(uses.iter().any(|of| of.same_place.is_some()))
    }
}

/// `uses` stand newest first; `right` is the time of the event by our clock.
fn place(uses: &[TransactionUse], fact: &TransactionFact, told: Timestamp, right: Timestamp) -> Place {
    let same = |of: &&TransactionUse| of.same_place.as_ref().is_some_and(|(at, _)| *at == told);
    if let Some(same) = uses.iter().find(same) {
        return Place::Known(same.transaction_id.clone());
    }
    let Some(newest) = uses.first() else { return Place::New(fact.transaction_id.clone()) };
    let after_its_end = newest.ended_at.is_some_and(|ended_at| right > ended_at);
    if fact.phase == TransactionPhase::Started {
        let another = match &newest.same_place {
            Some((_, meter_wh)) => newest.ended_at.is_some() || other_reading(*meter_wh, fact.meter_wh),
            None if newest.started_at.is_some() => newest.ended_at.is_some(),
            None => after_its_end,
        };
        return match &newest.same_place {
            _ if another => Place::New(next(newest, fact)),
            Some(_) => Place::Known(newest.transaction_id.clone()),
            None => Place::New(newest.transaction_id.clone()),
        };
    }
    // the one that had begun by then
    let begun = |of: &&TransactionUse| of.started_at.is_none_or(|started_at| started_at <= right);
    let number = uses.iter().position(|of| begun(&of)).unwrap_or(uses.len() - 1);
    let of = &uses[number];
    if of.same_place.is_none() {
        return Place::New(of.transaction_id.clone());
    }
    // its place is taken by an event of another time. Times may be wrong, and nothing may be lost for that
    match uses[..number].iter().rev().find(|newer| newer.same_place.is_none()) {
        Some(newer) => Place::New(newer.transaction_id.clone()),
        // over, and it says something else: the start of another is still to come. What says the same is a repetition,
        // also with a new time
        None if after_its_end
            && of.same_place.as_ref().is_some_and(|(_, wh)| other_reading(*wh, fact.meter_wh)) =>
        {
            Place::New(next(newest, fact))
        }
        None => Place::Known(of.transaction_id.clone()),
    }
}

/// The id for a stop of OCPP 1.6 that has no start: the one that the station says, unless another such stop had it.
/// One that never got an id says -1 or 0, or counts for itself.
pub(crate) fn orphan(uses: &[TransactionUse], fact: &TransactionFact, told: Timestamp) -> Option<String> {
    let [only] = uses else { return None };
    let (at, meter_wh) = only.same_place.as_ref()?;
    let another = only.started_at.is_none() && *at != told && other_reading(*meter_wh, fact.meter_wh);
    another.then(|| orphan_id(&fact.transaction_id, told, fact.meter_wh))
}

/// An id that no other stop has.
pub(crate) fn orphan_id(id: &str, told: Timestamp, meter_wh: Option<Decimal>) -> String {
    format!("{id}@{told}/{}", meter_wh.unwrap_or_default().normalize())
}

fn other_reading(one: Option<Decimal>, other: Option<Decimal>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// The id of the use after this one.
fn next(newest: &TransactionUse, fact: &TransactionFact) -> String {
    let told = told_transaction_id(&newest.transaction_id);
    let number = newest.transaction_id[told.len()..].trim_start_matches('#').parse::<u64>().unwrap_or(1);
    reused_transaction_id(&fact.transaction_id, number + 1)
}

#[cfg(test)]
mod tests {
    use TransactionPhase::{Ended, Started, Updated};

    use super::*;

    fn fact(phase: TransactionPhase, meter_wh: i64) -> TransactionFact {
        TransactionFact {
            transaction_id: "17".to_owned(),
            phase,
            seq_no: 0,
            start_key: None,
            evse: None,
            connector: None,
            id_token: None,
            meter_wh: Some(meter_wh.into()),
            trigger: None,
            stopped_reason: None,
            charging_state: None,
            offline: false,
            clock_ahead_ms: None,
            samples: Vec::new(),
            signed: Vec::new(),
            station_cost: None,
            reserved_from: None,
            quarantined: false,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn used(id: &str, from: i64, to: Option<i64>, same_place: Option<(i64, i64)>) -> TransactionUse {
        TransactionUse {
            transaction_id: id.to_owned(),
            started_at: Some(at(from)),
            ended_at: to.map(at),
            same_place: same_place.map(|(seconds, wh)| (at(seconds), Some(wh.into()))),
        }
    }

    fn placed(uses: &[TransactionUse], phase: TransactionPhase, seconds: i64, wh: i64) -> Place {
        place(uses, &fact(phase, wh), at(seconds), at(seconds))
    }

    #[test]
    fn a_start_of_a_transaction_that_is_over_begins_another() {
        let over = [used("17", 100, Some(900), Some((100, 5)))];
        assert_eq!(placed(&over, Started, 100, 5), Place::Known("17".into()));
        assert_eq!(placed(&over, Started, 2_000, 5), Place::New("17#2".into()));
        // also by a clock that fell back when the station was restarted
        assert_eq!(placed(&over, Started, 3, 5), Place::New("17#2".into()));
        let twice = [used("17#2", 2_000, Some(2_500), Some((2_000, 9))), over[0].clone()];
        assert_eq!(placed(&twice, Started, 100, 5), Place::Known("17".into()));
        assert_eq!(placed(&twice, Started, 2_000, 9), Place::Known("17#2".into()));
        assert_eq!(placed(&twice, Started, 3_000, 11), Place::New("17#3".into()));
    }

    #[test]
    fn a_start_whose_end_was_lost_is_told_apart_by_its_reading() {
        let running = [used("17", 100, None, Some((100, 5)))];
        assert_eq!(
            placed(&running, Started, 130, 5),
            Place::Known("17".into()),
            "sent again with a new time"
        );
        assert_eq!(placed(&running, Started, 130, 6), Place::New("17#2".into()));
    }

    #[test]
    fn what_follows_goes_to_the_transaction_that_had_begun_by_then() {
        let twice = [used("17#2", 2_000, None, None), used("17", 100, Some(900), None)];
        assert_eq!(placed(&twice, Updated, 2_100, 9), Place::New("17#2".into()));
        assert_eq!(placed(&twice, Updated, 500, 9), Place::New("17".into()));
        assert_eq!(placed(&twice, Updated, 50, 9), Place::New("17".into()));
        let repeated =
            [used("17#2", 2_000, None, Some((2_100, 1))), used("17", 100, Some(900), Some((500, 1)))];
        assert_eq!(placed(&repeated, Updated, 500, 1), Place::Known("17".into()));
        assert_eq!(placed(&repeated, Updated, 2_101, 1), Place::Known("17#2".into()));
        // a clock that was put right wrongly
        let free = [used("17#2", 9_000, None, None), used("17", 100, Some(900), Some((500, 1)))];
        assert_eq!(placed(&free, Updated, 2_101, 1), Place::New("17#2".into()));
    }

    #[test]
    fn two_stops_without_a_start_are_two() {
        let stop = fact(Ended, 900);
        let before = |wh| TransactionUse { started_at: None, ..used("17", 0, Some(100), Some((100, wh))) };
        assert_eq!(orphan(&[before(700)], &stop, at(100)), None, "sent again");
        assert_eq!(orphan(&[before(900)], &stop, at(130)), None, "sent again with a new time");
        assert_eq!(
            orphan(&[used("17", 0, Some(100), Some((100, 700)))], &stop, at(130)),
            None,
            "it had a start"
        );
        let other = orphan(&[before(700)], &stop, at(130)).unwrap();
        assert!(other.starts_with("17@1970-01-01T00:02:10") && other.ends_with("/900"), "{other}");
    }

    #[test]
    fn an_event_that_comes_before_the_start_of_its_use_waits_for_it() {
        let over = [used("17", 100, Some(900), Some((500, 1)))];
        assert_eq!(placed(&over, Updated, 2_100, 7), Place::New("17#2".into()));
        assert_eq!(placed(&over, Ended, 700, 7), Place::Known("17".into()));
        assert_eq!(placed(&over, Ended, 2_100, 1), Place::Known("17".into()), "sent again with a new time");
        // beyond its end where its place is free: late, and of this one
        assert_eq!(placed(&[used("17", 100, Some(900), None)], Updated, 901, 7), Place::New("17".into()));
        let waiting = TransactionUse { started_at: None, ..used("17#2", 0, None, None) };
        let uses = [waiting, over[0].clone()];
        assert_eq!(placed(&uses, Started, 2_000, 3), Place::New("17#2".into()), "its start");
    }
}
