//! From spans to lines to a total.

use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

use crate::limit::limit;
use crate::meter::Meter;
use crate::session::{Session, reservation};
use crate::tariff::{Component, Rounding, Tariff};
use crate::usage::{Span, check};
use crate::{Currency, TariffError};

/// Decimal places of a line that is not rounded to the minor unit.
const EXACT_PLACES: u32 = 6;

/// What a session costs, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// In which currency.
    pub currency: Currency,
    /// How it comes about.
    pub lines: Vec<Line>,
    /// Without tax.
    pub net: Decimal,
    /// The tax.
    pub tax: Decimal,
    /// With tax.
    pub gross: Decimal,
    /// The session, cut where its prices change.
    pub periods: Vec<Period>,
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// For what.
    pub kind: LineKind,
    /// Which of the session's tariffs, from 0: the one that it began with, then those that took its place.
    #[serde(default, skip_serializing_if = "is_first")]
    pub tariff: usize,
    /// Which element of the tariff, from 0; `None` for the adjustment to the minimum or maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<usize>,
    /// When it first applied.
    pub from: Timestamp,
    /// What was used: watt-hours, seconds, or 1.
    pub used: Decimal,
    /// What is billed of it, with the step.
    pub billed: Decimal,
    /// Price per kWh, per hour, or once.
    pub price: Decimal,
    /// Without tax.
    pub net: Decimal,
    /// The rate of tax in percent, if tax applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_percent: Option<Decimal>,
    /// The tax.
    pub tax: Decimal,
}

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Energy, in watt-hours.
    Energy,
    /// Charging time, in seconds.
    Time,
    /// Idle time, in seconds.
    Parking,
    /// The flat fee.
    Flat,
    /// The time for which it was reserved, in seconds.
    ReservationTime,
    /// The flat fee of the reservation.
    ReservationFlat,
    /// What is missing to the minimum.
    Minimum,
    /// What is taken off to the maximum; not positive without tax.
    Maximum,
}

/// A part of the session in which no price changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// Its begin; it ends where the next begins, or with the session.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Which of the session's tariffs prices it, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub tariff: usize,
    /// Whether the vehicle charged.
    pub charging: bool,
    /// Energy delivered in it, in watt-hours.
    pub energy_wh: Decimal,
    /// The element that prices the energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_element: Option<usize>,
    /// The element that prices the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_element: Option<usize>,
}

fn is_first(tariff: &usize) -> bool {
    *tariff == 0
}

/// Prices a session by one tariff. Spans follow each other; between two of them nothing is billed. No spans cost nothing,
/// not even the minimum.
///
/// # Errors
/// [`TariffError::Span`] for spans out of order or bounds, [`TariffError::Overflow`].
pub fn cost(tariff: &Tariff, zone: &TimeZone, spans: &[Span]) -> Result<Cost, TariffError> {
    cost_of(&Session::of(tariff, spans), zone)
}

/// Prices a session whose tariff may have changed while it ran, and that may have been reserved. Each tariff prices what
/// happened while it held; rounding and the limits of the total are those of the last. A flat fee is billed once.
///
/// # Errors
/// Those of [`cost`], [`TariffError::Changes`] for changes out of order or to another currency.
pub fn cost_of(session: &Session<'_>, zone: &TimeZone) -> Result<Cost, TariffError> {
    check(session.spans)?;
    session.check()?;
    let mut meter = Meter::default();
    meter.run(session, zone)?;
    let mut lines = meter.lines(session)?;
    lines.extend(reservation(session, zone)?);
    let last = session.last();
    let (rounding, currency) = (last.rounding, last.currency);
    for line in &mut lines {
        line.round(currency, rounding);
    }
    if let (Some(begin), Some(end)) = (session.spans.first(), session.spans.last()) {
        limit(last, &mut lines, begin.from, end.to)?;
    }
    let (mut net, mut tax) = totals(&lines)?;
    if rounding == Rounding::Total {
        let gross = currency.round(add(net, tax)?);
        net = currency.round(net);
        tax = gross - net;
    }
    let gross = add(net, tax)?;
    Ok(Cost { currency, lines, net, tax, gross, periods: meter.periods })
}

impl Line {
    fn round(&mut self, currency: Currency, rounding: Rounding) {
        let round = |amount: Decimal| match rounding {
            Rounding::Line => currency.round(amount),
            Rounding::Total => {
                amount.round_dp_with_strategy(EXACT_PLACES, RoundingStrategy::MidpointAwayFromZero)
            }
        };
        self.net = round(self.net);
        let rate = self.tax_percent.unwrap_or(Decimal::ZERO);
        self.tax = round(self.net.saturating_mul(rate) / Decimal::ONE_HUNDRED);
    }
}

pub(crate) fn add(a: Decimal, b: Decimal) -> Result<Decimal, TariffError> {
    a.checked_add(b).ok_or(TariffError::Overflow)
}

pub(crate) fn totals(lines: &[Line]) -> Result<(Decimal, Decimal), TariffError> {
    let sum = |of: fn(&Line) -> Decimal| lines.iter().map(of).try_fold(Decimal::ZERO, add);
    Ok((sum(|line| line.net)?, sum(|line| line.tax)?))
}

/// A line that is not rounded yet and has no tax yet. `unit` is what one price is for: watt-hours, seconds, or 1.
pub(crate) fn line(
    kind: LineKind,
    (tariff, element): (usize, usize),
    component: &Component,
    from: Timestamp,
    (used, billed): (Decimal, Decimal),
    unit: Decimal,
) -> Result<Line, TariffError> {
    let amount = billed.checked_mul(component.price).and_then(|product| product.checked_div(unit));
    Ok(Line {
        kind,
        tariff,
        element: Some(element),
        from,
        used: used.normalize(),
        billed: billed.normalize(),
        price: component.price,
        net: amount.ok_or(TariffError::Overflow)?,
        tax_percent: component.tax_percent,
        tax: Decimal::ZERO,
    })
}

/// The smallest multiple of `step` that is not below `amount`.
pub(crate) fn stepped(amount: Decimal, step: u32) -> Result<Decimal, TariffError> {
    let step = Decimal::from(step.max(1));
    let whole = amount.checked_div(step).ok_or(TariffError::Overflow)?.ceil();
    let stepped = whole.checked_mul(step).ok_or(TariffError::Overflow)?;
    // the quotient of the smallest amounts is rounded down to a whole number of steps, such as none
    if stepped < amount { stepped.checked_add(step).ok_or(TariffError::Overflow) } else { Ok(stepped) }
}
