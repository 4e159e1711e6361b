//! Figures of batteries with their bounds.

use serde::Serialize;
use utoipa::ToSchema;
use voltwin_estimation::live::Bounded;
use voltwin_prognosis::Interval;

/// A value and its interval: 95 % of a present state, 90 % of a forecast.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Bounds {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl From<Bounded> for Bounds {
    fn from(Bounded { value, low, high }: Bounded) -> Self {
        Self { value, low, high }
    }
}

impl From<Interval> for Bounds {
    fn from(interval: Interval) -> Self {
        Self { value: interval.mean, low: interval.low, high: interval.high }
    }
}

/// A time span with bounds; null is beyond 20 years.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Span {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl From<Interval> for Span {
    fn from(interval: Interval) -> Self {
        let finite = |x: f64| x.is_finite().then_some(x);
        Self { value: finite(interval.mean), low: finite(interval.low), high: finite(interval.high) }
    }
}

/// Health at a time ahead.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Ahead {
    /// Days from now.
    days: f64,
    soh: Bounds,
}

impl From<(f64, Bounded)> for Ahead {
    fn from((days, soh): (f64, Bounded)) -> Self {
        Self { days, soh: soh.into() }
    }
}

pub(super) fn ahead(points: Vec<(f64, Bounded)>) -> Vec<Ahead> {
    points.into_iter().map(Ahead::from).collect()
}
