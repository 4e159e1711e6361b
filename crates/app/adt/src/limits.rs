//! Azure's rates, for tenants that hold to them: token buckets that fill by the second.

use std::collections::HashMap;

use voltwin_core::{TenantId, Timestamp};

use crate::error::{AdtError, Code};

pub(crate) use voltwin_document::azure::Rate;

/// Writes to one twin in a second.
const WRITES_OF_A_TWIN: f64 = Rate::TwinWrites.per_second();
/// Twins whose writes are counted at once; beyond it, those that may write at once again are forgotten.
const TWINS_MAX: usize = 65_536;
const SWEEP_EVERY_S: f64 = 0.25;

fn code(rate: Rate) -> Code {
    match rate {
        Rate::Queries | Rate::QueryUnits => Code::QuotaReachedError,
        _ => Code::TooManyRequests,
    }
}

/// Holds a second's worth at most.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Bucket {
    fn full(rate: f64, at: Timestamp) -> Self {
        Self { left: rate, at }
    }

    fn fill(&mut self, rate: f64, now: Timestamp) {
        let passed_s = now.seconds_since(self.at).max(0.0);
        (self.left, self.at) = ((self.left + passed_s * rate).min(rate), now.max(self.at));
    }
}

/// The buckets of all strict tenants.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    tenants: HashMap<(TenantId, Rate), Bucket>,
    twins: HashMap<(TenantId, String), Bucket>,
    /// When those were last looked through for what may be forgotten.
    swept: Timestamp,
}

impl Buckets {
    /// Takes one from a bucket.
    pub(crate) fn take(&mut self, tenant: &TenantId, rate: Rate, now: Timestamp) -> Result<(), AdtError> {
        let per_second = rate.per_second();
        let bucket = self.bucket(tenant, rate, now);
        if bucket.left < 1.0 {
            return Err(refusal(
                code(rate),
                format!("more than {per_second} requests of this kind a second"),
            ));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// Whether anything is left, for what is only counted afterwards.
    pub(crate) fn has_left(&mut self, tenant: &TenantId, rate: Rate, now: Timestamp) -> Result<(), AdtError> {
        if self.bucket(tenant, rate, now).left > 0.0 {
            return Ok(());
        }
        let per_second = rate.per_second();
        Err(refusal(code(rate), format!("queries took more than {per_second} units a second")))
    }

    /// Counts what something cost; the bucket may owe.
    pub(crate) fn charge(&mut self, tenant: &TenantId, rate: Rate, cost: f64, now: Timestamp) {
        self.bucket(tenant, rate, now).left -= cost;
    }

    /// Counts a write to one twin.
    pub(crate) fn write(&mut self, tenant: &TenantId, twin: &str, now: Timestamp) -> Result<(), AdtError> {
        let key = (tenant.clone(), twin.to_owned());
        if self.twins.len() >= TWINS_MAX && !self.twins.contains_key(&key) {
            if now.seconds_since(self.swept) >= SWEEP_EVERY_S {
                self.swept = now;
                self.twins.retain(|_, bucket| now.seconds_since(bucket.at) < 1.0);
            }
            if self.twins.len() >= TWINS_MAX {
                return Err(refusal(Code::TooManyRequests, "too many twins are written at once".to_owned()));
            }
        }
        let bucket = self.twins.entry(key).or_insert_with(|| Bucket::full(WRITES_OF_A_TWIN, now));
        bucket.fill(WRITES_OF_A_TWIN, now);
        if bucket.left < 1.0 {
            let message = format!("more than {WRITES_OF_A_TWIN} writes of one twin a second");
            return Err(refusal(Code::TooManyRequests, message));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    fn bucket(&mut self, tenant: &TenantId, rate: Rate, now: Timestamp) -> &mut Bucket {
        let per_second = rate.per_second();
        let key = (tenant.clone(), rate);
        let bucket = self.tenants.entry(key).or_insert_with(|| Bucket::full(per_second, now));
        bucket.fill(per_second, now);
        bucket
    }
}

fn refusal(code: Code, message: String) -> AdtError {
    AdtError::new(code, message).retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    #[test]
    fn a_bucket_gives_its_rate_and_no_more() {
        let (a, b): (TenantId, TenantId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let mut buckets = Buckets::default();
        let mut given = 0;
        for step in 0..4_000 {
            let now = at(f64::from(step) / 1_000.0);
            given += usize::from(buckets.take(&a, Rate::Lives, now).is_ok());
        }
        // a second's worth at once, and then what flows in during 3.999 s
        assert!((249..=250).contains(&given), "{given}");
        assert!(buckets.take(&b, Rate::Lives, at(4.0)).is_ok(), "others have their own");
        let refused = buckets.take(&a, Rate::Lives, at(3.999)).unwrap_err();
        assert_eq!(refused.code, Code::TooManyRequests);
    }

    #[test]
    fn query_units_are_owed_and_paid_back() {
        let tenant: TenantId = "a".parse().unwrap();
        let mut buckets = Buckets::default();
        assert!(buckets.has_left(&tenant, Rate::QueryUnits, at(0.0)).is_ok());
        buckets.charge(&tenant, Rate::QueryUnits, 8_000.0, at(0.0));
        let refused = buckets.has_left(&tenant, Rate::QueryUnits, at(0.9)).unwrap_err();
        assert_eq!(refused.code, Code::QuotaReachedError);
        assert!(buckets.has_left(&tenant, Rate::QueryUnits, at(1.1)).is_ok());
    }

    #[test]
    fn one_twin_is_written_ten_times_a_second_and_memory_is_bounded() {
        let tenant: TenantId = "a".parse().unwrap();
        let mut buckets = Buckets::default();
        let taken = (0..20).filter(|_| buckets.write(&tenant, "t", at(0.0)).is_ok()).count();
        assert_eq!(taken, 10);
        assert!(buckets.write(&tenant, "u", at(0.0)).is_ok());
        for n in 0..TWINS_MAX * 2 {
            let _ = buckets.write(&tenant, &format!("n{n}"), at(0.5));
        }
        assert!(buckets.twins.len() <= TWINS_MAX);
        assert!(buckets.write(&tenant, "new", at(2.0)).is_ok());
    }
}
