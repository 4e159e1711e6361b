//! How many stations may come in and boot at once.
//!
//! Who has begun is finished first: a station is let in when there is room for its first message, and waits for that in
//! its handshake. All of a region are back as soon either way, but those who are in are answered at once instead of
//! waiting behind the handshakes of all others.
//!
//! When a region comes back from an outage, all its stations boot within a second. A boot is one durable event, and a
//! commit carries hundreds of them, so the quickest way through is to let them wait for their turn, in the order in
//! which they came: answering `Pending` at once would cost each of them a second boot and at least a whole second.
//! Only one that waited for ten seconds, a third of what stations wait for an answer, is sent away with an interval
//! drawn at random, so that those who come again do not come together.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::CentralSystem;

/// Stations that are on their way in at the same time.
const ARRIVING: usize = 256;
/// How long one may keep others waiting without a word, and how long it waits at most.
const SILENT: Duration = Duration::from_secs(2);
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// Boots that are recorded at the same time; they share commits.
const AT_ONCE: usize = 512;
/// How long a boot may wait for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(10);
/// The interval of one that is sent away, in seconds: from the first to less than the sum.
const AGAIN_S: (u32, u32) = (5, 20);

pub(crate) struct Boots {
    arriving: Arc<Semaphore>,
    places: Semaphore,
    turn_within: Duration,
}

impl Default for Boots {
    fn default() -> Self {
        let arriving = Arc::new(Semaphore::new(ARRIVING));
        Self { arriving, places: Semaphore::new(AT_ONCE), turn_within: TURN_WITHIN }
    }
}

/// A station that is on its way in: until its first message is answered, or it has been silent for two seconds.
#[derive(Debug, Default)]
pub struct Arrival(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Arrival {
    /// It is in.
    pub fn done(&self) {
        drop(self.0.lock().take());
    }
}

impl CentralSystem {
    /// Waits until there is room for another station on its way in, ten seconds at most: nobody is kept out by others
    /// for longer.
    pub async fn arrive(&self) -> Arrival {
        let room = self.inner.boots.arriving.clone().acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout(ARRIVES_WITHIN, room).await else {
            return Arrival::default();
        };
        let arrival = Arrival(Arc::new(Mutex::new(Some(place))));
        let held = Arc::downgrade(&arrival.0);
        tokio::spawn(async move {
            tokio::time::sleep(SILENT).await;
            if let Some(held) = held.upgrade() {
                drop(held.lock().take());
            }
        });
        arrival
    }
}

impl Boots {
    /// Waits for a turn.
    ///
    /// # Errors
    /// The seconds after which to come again.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, u32> {
        // the semaphore is never closed
        match tokio::time::timeout(self.turn_within, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("voltwin_boots_postponed_total").increment(1);
                // the low bits of such an id are random
                let drawn = (uuid::Uuid::now_v7().as_u128() & 0xffff) as u32;
                Err(AGAIN_S.0 + drawn % AGAIN_S.1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_too_long_comes_again_at_a_time_of_its_own() {
        let boots =
            Boots { places: Semaphore::new(1), turn_within: Duration::from_millis(1), ..Boots::default() };
        let place = boots.turn().await.unwrap();
        let mut drawn = Vec::new();
        for _ in 0..40 {
            drawn.push(boots.turn().await.unwrap_err());
        }
        assert!(drawn.iter().all(|s| (5..25).contains(s)), "{drawn:?}");
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() > 8, "{drawn:?}");
        drop(place);
        assert!(boots.turn().await.is_ok());
    }
}
