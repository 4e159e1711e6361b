use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

use crate::TariffError;

/// Days that a session may last; one that lasts longer has a wrong clock.
pub const SESSION_DAYS_MAX: i64 = 400;
/// Spans of one session.
pub const SPANS_MAX: usize = 100_000;
/// 1 TWh.
const ENERGY_WH_MAX: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

/// A part of a session in which power is taken as even.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Its begin.
    pub from: Timestamp,
    /// Its end; not before its begin.
    pub to: Timestamp,
    /// Energy delivered in it, in watt-hours.
    pub energy_wh: Decimal,
    /// Whether the vehicle charges; else it idles.
    pub charging: bool,
    /// The current over all phases in amperes, when known, for restrictions by current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_a: Option<Decimal>,
}

impl Span {
    /// A span of charging.
    #[must_use]
    pub fn charging(from: Timestamp, to: Timestamp, energy_wh: Decimal) -> Self {
        Self { from, to, energy_wh, charging: true, current_a: None }
    }

    /// A span without charging.
    #[must_use]
    pub fn idle(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, energy_wh: Decimal::ZERO, charging: false, current_a: None }
    }

    pub(crate) fn micros(&self) -> i64 {
        self.to.as_micros() - self.from.as_micros()
    }

    /// Mean power in watts; `None` for a span without length.
    pub(crate) fn power_w(&self) -> Option<Decimal> {
        let seconds = Decimal::new(self.micros(), 6);
        self.energy_wh.checked_mul(Decimal::from(3_600))?.checked_div(seconds)
    }
}

/// In order, without overlap, of bounded length and energy.
pub(crate) fn check(spans: &[Span]) -> Result<(), TariffError> {
    let refuse = |index, rule: String| Err(TariffError::Span { index, rule });
    if spans.len() > SPANS_MAX {
        return refuse(SPANS_MAX, format!("a session has at most {SPANS_MAX} spans"));
    }
    let Some(first) = spans.first() else { return Ok(()) };
    let mut before = first.from;
    let mut total = Decimal::ZERO;
    for (index, span) in spans.iter().enumerate() {
        if span.from < before || span.to < span.from {
            return refuse(index, "spans must follow each other in time".to_owned());
        }
        if span.energy_wh.is_sign_negative() && !span.energy_wh.is_zero() {
            return refuse(index, "energy must not be negative".to_owned());
        }
        total = total.saturating_add(span.energy_wh);
        if total > ENERGY_WH_MAX {
            return refuse(index, format!("the energy is above {ENERGY_WH_MAX} Wh"));
        }
        before = span.to;
    }
    if before.as_micros() - first.from.as_micros() > SESSION_DAYS_MAX * 86_400_000_000 {
        return refuse(spans.len() - 1, format!("a session lasts at most {SESSION_DAYS_MAX} days"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terawatt_hour_is_the_limit() {
        assert_eq!(ENERGY_WH_MAX, Decimal::from(1_000_000_000_000_i64));
    }
}
