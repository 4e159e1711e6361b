//! How much may be asked of an end in a second, so that it need not refuse.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
pub(crate) use voltwin_document::azure::Rate;

use crate::SyncError;

/// Twins whose writes are counted at once; beyond it, those that may be written at once again are forgotten.
const TWINS_MAX: usize = 65_536;
/// How many seconds' worth may be spent at once. Less than the second that Azure allows, as its clock is not ours.
const BURST_S: f64 = 0.25;

/// What is asked of an end; event routes are not.
const RATES: [Rate; 7] = [
    Rate::Models,
    Rate::Reads,
    Rate::Patches,
    Rate::Lives,
    Rate::Queries,
    Rate::QueryUnits,
    Rate::TwinWrites,
];
/// The most that a rate may be.
const RATE_MAX: f64 = 1_000_000.0;

/// Requests a second, of each kind; for queries their units too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates([f64; RATES.len()]);

impl Default for Rates {
    /// Those that Azure Digital Twins documents: models 100, reads 1,000, patches 1,000, twins and relationships made and
    /// removed (`lives`) 50, queries 500 and 4,000 units, writes of one twin 10.
    fn default() -> Self {
        Self(RATES.map(Rate::per_second))
    }
}

impl Rates {
    /// As good as none, for an end that says itself when it is too much.
    pub const UNBOUNDED: Self = Self([RATE_MAX; RATES.len()]);
}

impl std::str::FromStr for Rates {
    type Err = SyncError;

    /// `NAME=N[,NAME=N…]`; what is not named stays as it is by default.
    fn from_str(text: &str) -> Result<Self, SyncError> {
        let mut rates = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, number) = pair.split_once('=').unwrap_or((pair, ""));
            let place = RATES.iter().position(|known| known.name() == name.trim());
            let place = place.ok_or_else(|| {
                let known = RATES.map(Rate::name).join(", ");
                SyncError::Setting(format!("the rate `{name}` is not one of {known}"))
            })?;
            let rate = number.trim().parse().ok().filter(|rate| (0.1..=RATE_MAX).contains(rate));
            rates.0[place] = rate.ok_or_else(|| {
                SyncError::Setting(format!(
                    "the rate {name} must be 0.1 to {RATE_MAX} a second, not `{number}`"
                ))
            })?;
        }
        Ok(rates)
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: f64) -> Self {
        Self { left: burst(rate), at: Instant::now() }
    }

    /// Takes, also what is not there yet: then it says how long to wait for it.
    fn take(&mut self, rate: f64, count: f64) -> Duration {
        let now = Instant::now();
        let passed_s = now.duration_since(self.at).as_secs_f64();
        (self.left, self.at) = ((self.left + passed_s * rate).min(burst(rate)), now);
        self.left -= count;
        Duration::from_secs_f64((-self.left / rate).max(0.0))
    }
}

fn burst(rate: f64) -> f64 {
    (rate * BURST_S).max(1.0)
}

/// The budgets of one end. Whoever wants to ask waits for its turn.
#[derive(Debug)]
pub(crate) struct Budgets {
    rates: Rates,
    buckets: Mutex<[Bucket; RATES.len()]>,
    twins: Mutex<HashMap<String, Bucket>>,
}

impl Budgets {
    pub(crate) fn new(rates: Rates) -> Self {
        Self { rates, buckets: Mutex::new(rates.0.map(Bucket::full)), twins: Mutex::default() }
    }

    /// Waits for one of a kind.
    pub(crate) async fn take(&self, rate: Rate) {
        self.spend(rate, 1.0).await;
    }

    /// Waits until nothing is owed, for what is only counted afterwards.
    pub(crate) async fn settle(&self, rate: Rate) {
        self.spend(rate, 0.0).await;
    }

    async fn spend(&self, rate: Rate, count: f64) {
        let place = rate as usize;
        let wait = self.buckets.lock()[place].take(self.rates.0[place], count);
        tokio::time::sleep(wait).await;
    }

    /// Counts what something cost; the bucket may owe.
    pub(crate) fn charge(&self, rate: Rate, cost: f64) {
        let (place, cost) = (rate as usize, if cost.is_finite() { cost.clamp(0.0, RATE_MAX) } else { 0.0 });
        let _ = self.buckets.lock()[place].take(self.rates.0[place], cost);
    }

    /// Waits until a twin may be written.
    pub(crate) async fn write(&self, twin: &str) {
        let rate = self.rates.0[Rate::TwinWrites as usize];
        let wait = {
            let mut twins = self.twins.lock();
            if twins.len() >= TWINS_MAX {
                let now = Instant::now();
                twins.retain(|_, bucket| {
                    bucket.left + now.duration_since(bucket.at).as_secs_f64() * rate < burst(rate)
                });
            }
            twins.entry(twin.to_owned()).or_insert_with(|| Bucket::full(rate)).take(rate, 1.0)
        };
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_budget_gives_its_rate_and_no_more() {
        let budgets = Budgets::new("lives=20".parse().unwrap());
        let begun = Instant::now();
        for _ in 0..105 {
            budgets.take(Rate::Lives).await;
        }
        // five at once, the other hundred as they flow in
        let passed_s = begun.elapsed().as_secs_f64();
        assert!((4.99..5.2).contains(&passed_s), "{passed_s}");
        let begun = Instant::now();
        for _ in 0..100 {
            budgets.take(Rate::Patches).await;
        }
        assert!(begun.elapsed() < Duration::from_millis(1), "others have their own");
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_wait_are_spread_and_not_let_in_together() {
        let budgets = std::sync::Arc::new(Budgets::new("queries=10".parse().unwrap()));
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..22 {
            let budgets = budgets.clone();
            tasks.spawn(async move {
                budgets.take(Rate::Queries).await;
                begun.elapsed().as_millis() as u64
            });
        }
        let mut turns = tasks.join_all().await;
        turns.sort_unstable();
        for (at, turn) in turns.iter().enumerate() {
            let due = (at as f64 - 1.5).max(0.0) * 100.0;
            assert!((*turn as f64 - due).abs() < 60.0, "number {at} had its turn at {turn} ms, due at {due}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn query_units_are_owed_and_paid_back() {
        let budgets = Budgets::new(Rates::default());
        budgets.settle(Rate::QueryUnits).await;
        budgets.charge(Rate::QueryUnits, 9_000.0);
        let begun = Instant::now();
        budgets.settle(Rate::QueryUnits).await;
        let waited_s = begun.elapsed().as_secs_f64();
        assert!((1.99..2.1).contains(&waited_s), "{waited_s}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_twin_waits_for_itself_alone_and_memory_is_bounded() {
        let budgets = Budgets::new(Rates::default());
        let begun = Instant::now();
        for _ in 0..12 {
            budgets.write("busy").await;
        }
        let waited_s = begun.elapsed().as_secs_f64();
        assert!((0.9..1.1).contains(&waited_s), "{waited_s}");
        for n in 0..TWINS_MAX * 2 {
            budgets.write(&n.to_string()).await;
            if n % 16_384 == 0 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        assert!(budgets.twins.lock().len() <= TWINS_MAX);
    }

    #[test]
    fn every_rate_stands_at_its_place() {
        assert!(RATES.iter().enumerate().all(|(place, rate)| *rate as usize == place));
    }

    #[test]
    fn rates_are_read_and_wrong_ones_named() {
        let rates: Rates = "reads=10, lives = 2.5".parse().unwrap();
        assert_eq!((rates.0[1], rates.0[3], rates.0[0]), (10.0, 2.5, 100.0));
        for (bad, says) in
            [("speed=1", "not one of"), ("reads", "0.1 to"), ("reads=0", "0.1 to"), ("reads=nan", "0.1 to")]
        {
            let error = bad.parse::<Rates>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
