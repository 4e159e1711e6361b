//! Slows down those who guess.

use std::collections::HashMap;

use voltwin_core::Timestamp;

/// Failed attempts per key after which it must wait.
const FAILURES_MAX: u32 = 10;
/// Seconds of that wait, and for which failures are remembered.
const WINDOW_S: f64 = 60.0;
/// Keys remembered at once. When more fail within the window, new ones are not counted: the ones that are full
/// stay blocked.
const KEYS_MAX: usize = 10_000;

/// Counts failed sign-ins per address and per user.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    failures: HashMap<String, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: Timestamp,
}

impl Throttle {
    /// Seconds that the key must wait, if it must.
    pub(crate) fn wait_s(&self, key: &str, now: Timestamp) -> Option<u32> {
        let failures = self.failures.get(key).filter(|failures| failures.count >= FAILURES_MAX)?;
        let left_s = WINDOW_S - now.seconds_since(failures.since);
        (left_s > 0.0).then(|| left_s.ceil() as u32)
    }

    pub(crate) fn fail(&mut self, key: String, now: Timestamp) {
        if self.failures.len() >= KEYS_MAX && !self.failures.contains_key(&key) {
            self.failures.retain(|_, failures| now.seconds_since(failures.since) < WINDOW_S);
            if self.failures.len() >= KEYS_MAX {
                return;
            }
        }
        let failures = self.failures.entry(key).or_insert(Failures { count: 0, since: now });
        if now.seconds_since(failures.since) >= WINDOW_S {
            *failures = Failures { count: 0, since: now };
        }
        failures.count += 1;
    }

    pub(crate) fn forget(&mut self, key: &str) {
        self.failures.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    #[test]
    fn ten_failures_block_for_a_minute() {
        let mut throttle = Throttle::default();
        for n in 0..10 {
            assert_eq!(throttle.wait_s("a", at(1.0)), None, "{n}");
            throttle.fail("a".to_owned(), at(1.0));
        }
        assert_eq!(throttle.wait_s("a", at(1.0)), Some(60));
        assert_eq!(throttle.wait_s("a", at(60.5)), Some(1));
        assert_eq!(throttle.wait_s("b", at(1.0)), None);
        assert_eq!(throttle.wait_s("a", at(61.0)), None);
        throttle.fail("a".to_owned(), at(61.0));
        assert_eq!(throttle.wait_s("a", at(61.0)), None);
    }

    #[test]
    fn memory_is_bounded_and_the_blocked_stay_blocked() {
        let mut throttle = Throttle::default();
        (0..10).for_each(|_| throttle.fail("guesser".to_owned(), at(0.0)));
        (0..KEYS_MAX * 2).for_each(|n| throttle.fail(n.to_string(), at(1.0)));
        assert_eq!(throttle.failures.len(), KEYS_MAX);
        assert!(throttle.wait_s("guesser", at(2.0)).is_some());
    }
}
