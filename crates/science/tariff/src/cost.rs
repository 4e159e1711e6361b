//! From spans to lines to a total.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

use crate::restrict::{Moment, cuts};
use crate::tariff::{Component, Kind, Rounding, Tariff};
use crate::usage::{Span, check};
use crate::{Currency, TariffError};

/// Decimal places of a line that is not rounded to the minor unit.
const EXACT_PLACES: u32 = 6;
/// Decimal places of an energy in watt-hours that is shared between two prices.
const ENERGY_PLACES: u32 = 6;

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
    /// What is missing to the minimum.
    Minimum,
    /// What is taken off to the maximum; not positive.
    Maximum,
}

/// A part of the session in which no price changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// Its begin; it ends where the next begins, or with the session.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
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

/// Prices a session. Spans follow each other; between two of them nothing is billed. No spans cost nothing, not even
/// the minimum.
///
/// # Errors
/// [`TariffError::Span`] for spans out of order or bounds, [`TariffError::Overflow`].
pub fn cost(tariff: &Tariff, zone: &TimeZone, spans: &[Span]) -> Result<Cost, TariffError> {
    check(spans)?;
    let mut meter = Meter::default();
    meter.run(tariff, zone, spans)?;
    let mut lines = meter.lines(tariff)?;
    let rounding = tariff.rounding;
    let currency = tariff.currency;
    for line in &mut lines {
        line.round(currency, rounding);
    }
    if let (Some(first), Some(last)) = (spans.first(), spans.last()) {
        limit(tariff, &mut lines, first.from, last.to)?;
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

impl Tariff {
    /// The rate, as a fraction, of the first component with tax.
    fn first_tax_rate(&self) -> Decimal {
        let mut components = self.elements.iter().flat_map(|element| &element.components);
        components.find_map(|component| component.tax_percent).unwrap_or_default() / Decimal::ONE_HUNDRED
    }
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

fn add(a: Decimal, b: Decimal) -> Result<Decimal, TariffError> {
    a.checked_add(b).ok_or(TariffError::Overflow)
}

fn totals(lines: &[Line]) -> Result<(Decimal, Decimal), TariffError> {
    let sum = |of: fn(&Line) -> Decimal| lines.iter().map(of).try_fold(Decimal::ZERO, add);
    Ok((sum(|line| line.net)?, sum(|line| line.tax)?))
}

/// Adds the line that lifts the total to the minimum, or that cuts it to the maximum. A limit without tax moves the
/// tax in proportion; one with tax holds for the total with tax by itself.
fn limit(tariff: &Tariff, lines: &mut Vec<Line>, from: Timestamp, to: Timestamp) -> Result<(), TariffError> {
    let currency = tariff.currency;
    let (net, tax) = totals(lines)?;
    let gross = add(net, tax)?;
    let in_proportion = |wanted_net: Decimal| {
        let rate =
            if net.is_zero() { tariff.first_tax_rate() } else { tax.checked_div(net).unwrap_or_default() };
        currency.round(wanted_net.saturating_add(wanted_net.saturating_mul(rate)))
    };
    let mut adjust = |kind, at, wanted_net: Decimal, wanted_gross: Decimal| {
        let by = wanted_net - net;
        let tax = wanted_gross - gross - by;
        if by.is_zero() && tax.is_zero() {
            return false;
        }
        let one = Decimal::ONE;
        let (used, billed, price) = (one, one, by);
        lines.push(Line {
            kind,
            element: None,
            from: at,
            used,
            billed,
            price,
            net: by,
            tax_percent: None,
            tax,
        });
        true
    };
    if let Some(min) = tariff.min_price {
        let wanted_net = net.max(currency.round(min.net));
        let wanted_gross = match min.gross {
            Some(limit) => gross.max(currency.round(limit)).max(wanted_net),
            None if wanted_net > net => in_proportion(wanted_net),
            None => gross,
        };
        if adjust(LineKind::Minimum, from, wanted_net, wanted_gross) {
            return Ok(());
        }
    }
    if let Some(max) = tariff.max_price {
        let wanted_net = net.min(currency.round(max.net));
        let scaled = if wanted_net < net { in_proportion(wanted_net) } else { gross };
        let wanted_gross = max.gross.map_or(scaled, |limit| scaled.min(currency.round(limit)));
        adjust(LineKind::Maximum, to, wanted_net, wanted_gross.max(wanted_net));
    }
    Ok(())
}

/// Adds up what is used by kind and element.
#[derive(Default)]
struct Meter {
    used: BTreeMap<(Kind, usize), Used>,
    /// The element of each kind that was used last.
    last: BTreeMap<Kind, usize>,
    flat: Option<(usize, Timestamp)>,
    periods: Vec<Period>,
    energy_wh: Decimal,
    idle_us: i64,
}

#[derive(Clone, Copy)]
struct Used {
    from: Timestamp,
    /// Watt-hours or seconds.
    amount: Decimal,
}

impl Meter {
    fn run(&mut self, tariff: &Tariff, zone: &TimeZone, spans: &[Span]) -> Result<(), TariffError> {
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(()) };
        let started = first.from.as_micros();
        let grace_us = i64::from(tariff.idle_grace_s) * 1_000_000;
        let cuts = cuts(tariff, zone, started, last.to.as_micros());
        for span in spans {
            if span.charging {
                self.idle_us = 0;
            }
            let mut points = shares(span, self.energy_wh, tariff, &cuts);
            if !span.charging {
                let grace_ends = span.from.as_micros() + (grace_us - self.idle_us).max(0);
                if span.from.as_micros() < grace_ends && grace_ends < span.to.as_micros() {
                    points.entry(grace_ends).or_insert_with(|| linear(span, self.energy_wh, grace_ends));
                }
            }
            let ends: Vec<(i64, Decimal)> = points.into_iter().collect();
            let pieces = ends.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
            for ((from, _), (to, energy_wh)) in pieces {
                let energy_wh = energy_wh.max(self.energy_wh);
                self.piece(tariff, zone, span, (from, to), (energy_wh, started, grace_us))?;
            }
            if span.micros() == 0 {
                let total = self.energy_wh.saturating_add(span.energy_wh);
                let at = span.from.as_micros();
                self.piece(tariff, zone, span, (at, at), (total, started, grace_us))?;
            }
        }
        Ok(())
    }

    /// A piece of a span in which no restriction changes. `energy_wh` is that of the session at its end.
    fn piece(
        &mut self,
        tariff: &Tariff,
        zone: &TimeZone,
        span: &Span,
        (from, to): (i64, i64),
        (energy_wh, started, grace_us): (Decimal, i64, i64),
    ) -> Result<(), TariffError> {
        let moment = Moment::at(from, started, zone, span, self.energy_wh);
        let active: Vec<usize> = tariff
            .elements
            .iter()
            .enumerate()
            .filter(|(_, element)| element.restrictions.hold(&moment))
            .map(|(index, _)| index)
            .collect();
        let of = |kind| {
            let has =
                |index: &&usize| tariff.elements.get(**index).is_some_and(|e| e.component(kind).is_some());
            active.iter().find(has).copied()
        };
        let at = Timestamp::from_micros(from);
        let energy = energy_wh - self.energy_wh;
        self.energy_wh = energy_wh;
        self.flat = self.flat.or(of(Kind::Flat).map(|element| (element, at)));
        let energy_element = of(Kind::Energy);
        if !energy.is_zero() {
            self.add(Kind::Energy, energy_element, at, energy)?;
        }
        let free = !span.charging && self.idle_us < grace_us;
        let kind = if span.charging { Kind::Time } else { Kind::Parking };
        let time_element = of(kind).filter(|_| !free);
        if to > from {
            self.add(kind, time_element, at, Decimal::new(to - from, 6))?;
        }
        if !span.charging {
            self.idle_us += to - from;
        }
        let period = Period {
            from: at,
            to: Timestamp::from_micros(to),
            charging: span.charging,
            energy_wh: energy.normalize(),
            energy_element,
            time_element,
        };
        self.keep(period);
        Ok(())
    }

    fn add(
        &mut self,
        kind: Kind,
        element: Option<usize>,
        from: Timestamp,
        amount: Decimal,
    ) -> Result<(), TariffError> {
        let Some(element) = element else { return Ok(()) };
        let used = self.used.entry((kind, element)).or_insert(Used { from, amount: Decimal::ZERO });
        used.amount = add(used.amount, amount)?;
        self.last.insert(kind, element);
        Ok(())
    }

    fn keep(&mut self, period: Period) {
        let same = |last: &&mut Period| {
            last.to == period.from
                && (last.charging, last.energy_element, last.time_element)
                    == (period.charging, period.energy_element, period.time_element)
        };
        match self.periods.last_mut().filter(same) {
            Some(last) => {
                last.to = period.to;
                last.energy_wh = last.energy_wh.saturating_add(period.energy_wh);
            }
            None => self.periods.push(period),
        }
    }

    /// One line for each kind and element that was used, in order of kind and time.
    fn lines(&self, tariff: &Tariff) -> Result<Vec<Line>, TariffError> {
        let component = |kind, element: usize| tariff.elements.get(element)?.component(kind);
        let mut lines = Vec::new();
        if let Some((element, from)) = self.flat
            && let Some(flat) = component(Kind::Flat, element)
        {
            lines.push(line(
                LineKind::Flat,
                element,
                flat,
                from,
                (Decimal::ONE, Decimal::ONE),
                Decimal::ONE,
            )?);
        }
        for (&(kind, element), used) in &self.used {
            let Some(price) = component(kind, element) else { continue };
            let mut billed = used.amount;
            if self.last.get(&kind) == Some(&element) {
                let total = self.used.iter().filter(|((of, _), _)| *of == kind);
                let total = total.map(|(_, used)| used.amount).try_fold(Decimal::ZERO, add)?;
                billed = add(billed, stepped(total, price.step)? - total)?;
            }
            let (kind, unit) = match kind {
                Kind::Energy => (LineKind::Energy, Decimal::ONE_THOUSAND),
                Kind::Time => (LineKind::Time, Decimal::from(3_600)),
                Kind::Parking => (LineKind::Parking, Decimal::from(3_600)),
                Kind::Flat => continue,
            };
            lines.push(line(kind, element, price, used.from, (used.amount, billed), unit)?);
        }
        lines.sort_by_key(|line| (line.kind != LineKind::Flat, line.kind, line.from));
        Ok(lines)
    }
}

fn line(
    kind: LineKind,
    element: usize,
    component: &Component,
    from: Timestamp,
    (used, billed): (Decimal, Decimal),
    unit: Decimal,
) -> Result<Line, TariffError> {
    let amount = billed.checked_mul(component.price).and_then(|product| product.checked_div(unit));
    Ok(Line {
        kind,
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
fn stepped(amount: Decimal, step: u32) -> Result<Decimal, TariffError> {
    let step = Decimal::from(step.max(1));
    let whole = amount.checked_div(step).ok_or(TariffError::Overflow)?.ceil();
    whole.checked_mul(step).ok_or(TariffError::Overflow)
}

/// The energy of the session at an instant of the span, its power taken as even.
fn linear(span: &Span, before: Decimal, us: i64) -> Decimal {
    let length = Decimal::from(span.micros().max(1));
    let share = Decimal::from(us - span.from.as_micros());
    let energy = span.energy_wh.saturating_mul(share).checked_div(length).unwrap_or(span.energy_wh);
    before.saturating_add(energy.round_dp(ENERGY_PLACES))
}

/// Where the span is cut, with the energy of the session there: at its ends, where a restriction by time may change,
/// and where the energy passes a bound.
fn shares(
    span: &Span,
    before: Decimal,
    tariff: &Tariff,
    cuts: &std::collections::BTreeSet<i64>,
) -> BTreeMap<i64, Decimal> {
    let (from, to) = (span.from.as_micros(), span.to.as_micros());
    if from == to {
        return BTreeMap::new();
    }
    let after = before.saturating_add(span.energy_wh);
    let mut points = BTreeMap::from([(from, before), (to, after)]);
    points.extend(cuts.range(from + 1..to).map(|cut| (*cut, linear(span, before, *cut))));
    let bounds = tariff.elements.iter().flat_map(|element| {
        [element.restrictions.min_energy_wh, element.restrictions.max_energy_wh].into_iter().flatten()
    });
    for bound in bounds.filter(|bound| before < *bound && *bound < after) {
        let share = (bound - before).saturating_mul(Decimal::from(to - from)) / span.energy_wh;
        let us = from + i64::try_from(share.round()).unwrap_or(0).clamp(1, (to - from - 1).max(1));
        if us < to {
            points.insert(us, bound);
        }
    }
    points
}
