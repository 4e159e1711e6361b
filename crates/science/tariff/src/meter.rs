//! What a session uses of which price.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use voltwin_core::Timestamp;

use crate::TariffError;
use crate::cost::{Line, LineKind, Period, add, line, stepped};
use crate::restrict::{Moment, cuts};
use crate::session::Session;
use crate::tariff::{Kind, Tariff};
use crate::usage::Span;

/// Decimal places of an energy in watt-hours that is shared between two prices.
pub(crate) const ENERGY_PLACES: u32 = 6;

/// Which of the tariffs of a session, and which element of it.
type Place = (usize, usize);

/// Adds up what is used by kind, tariff and element.
#[derive(Default)]
pub(crate) struct Meter {
    used: BTreeMap<(Kind, Place), Used>,
    /// The element of each kind that was used last.
    last: BTreeMap<Kind, Place>,
    flat: Option<(Place, Timestamp)>,
    pub(crate) periods: Vec<Period>,
    energy_wh: Decimal,
    idle_us: i64,
}

#[derive(Clone, Copy)]
struct Used {
    from: Timestamp,
    /// Watt-hours or seconds.
    amount: Decimal,
}

/// A tariff while it holds.
struct Ruling<'a> {
    index: usize,
    tariff: &'a Tariff,
    zone: &'a TimeZone,
    /// When the session started.
    started_us: i64,
    grace_us: i64,
    /// Where a restriction by time may change.
    cuts: BTreeSet<i64>,
}

impl Meter {
    pub(crate) fn run(&mut self, session: &Session<'_>, zone: &TimeZone) -> Result<(), TariffError> {
        let (Some(first), Some(last)) = (session.spans.first(), session.spans.last()) else { return Ok(()) };
        let started_us = first.from.as_micros();
        let ruling = |index: usize| {
            let tariff = session.tariff(index)?;
            let cuts = cuts(tariff, zone, started_us, last.to.as_micros());
            let grace_us = i64::from(tariff.idle_grace_s) * 1_000_000;
            Some(Ruling { index, tariff, zone, started_us, grace_us, cuts })
        };
        let mut now: Option<Ruling<'_>> = None;
        for span in session.cut() {
            let index = session.at(span.from);
            if now.as_ref().is_none_or(|ruling| ruling.index != index) {
                now = ruling(index);
            }
            if let Some(ruling) = &now {
                self.span(ruling, &span)?;
            }
        }
        Ok(())
    }

    fn span(&mut self, ruling: &Ruling<'_>, span: &Span) -> Result<(), TariffError> {
        if span.charging {
            self.idle_us = 0;
        }
        let mut points = shares(span, self.energy_wh, ruling.tariff, &ruling.cuts);
        if !span.charging {
            let grace_ends = span.from.as_micros() + (ruling.grace_us - self.idle_us).max(0);
            if span.from.as_micros() < grace_ends && grace_ends < span.to.as_micros() {
                points.entry(grace_ends).or_insert_with(|| linear(span, self.energy_wh, grace_ends));
            }
        }
        let ends: Vec<(i64, Decimal)> = points.into_iter().collect();
        let pieces = ends.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        for ((from, _), (to, energy_wh)) in pieces {
            let energy_wh = energy_wh.max(self.energy_wh);
            self.piece(ruling, span, (from, to), energy_wh)?;
        }
        if span.micros() == 0 {
            let total = self.energy_wh.saturating_add(span.energy_wh);
            let at = span.from.as_micros();
            self.piece(ruling, span, (at, at), total)?;
        }
        Ok(())
    }

    /// A piece of a span in which no restriction changes. `energy_wh` is that of the session at its end.
    fn piece(
        &mut self,
        ruling: &Ruling<'_>,
        span: &Span,
        (from, to): (i64, i64),
        energy_wh: Decimal,
    ) -> Result<(), TariffError> {
        let Ruling { index, tariff, zone, started_us, grace_us, .. } = *ruling;
        let moment = Moment::at(from, started_us, zone, span, self.energy_wh);
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
        self.flat = self.flat.or(of(Kind::Flat).map(|element| ((index, element), at)));
        let energy_element = of(Kind::Energy);
        if !energy.is_zero() {
            self.add(Kind::Energy, index, energy_element, at, energy)?;
        }
        let free = !span.charging && self.idle_us < grace_us;
        let kind = if span.charging { Kind::Time } else { Kind::Parking };
        let time_element = of(kind).filter(|_| !free);
        if to > from {
            self.add(kind, index, time_element, at, Decimal::new(to - from, 6))?;
        }
        if !span.charging {
            self.idle_us += to - from;
        }
        self.keep(Period {
            from: at,
            to: Timestamp::from_micros(to),
            tariff: index,
            charging: span.charging,
            energy_wh: energy.normalize(),
            energy_element,
            time_element,
        });
        Ok(())
    }

    fn add(
        &mut self,
        kind: Kind,
        tariff: usize,
        element: Option<usize>,
        from: Timestamp,
        amount: Decimal,
    ) -> Result<(), TariffError> {
        let Some(element) = element else { return Ok(()) };
        let place = (tariff, element);
        let used = self.used.entry((kind, place)).or_insert(Used { from, amount: Decimal::ZERO });
        used.amount = add(used.amount, amount)?;
        self.last.insert(kind, place);
        Ok(())
    }

    fn keep(&mut self, period: Period) {
        let key = |of: &Period| (of.tariff, of.charging, of.energy_element, of.time_element);
        let same = |last: &&mut Period| last.to == period.from && key(last) == key(&period);
        match self.periods.last_mut().filter(same) {
            Some(last) => {
                last.to = period.to;
                last.energy_wh = last.energy_wh.saturating_add(period.energy_wh);
            }
            None => self.periods.push(period),
        }
    }

    /// One line for each kind, tariff and element that was used, in order of kind and time.
    pub(crate) fn lines(&self, session: &Session<'_>) -> Result<Vec<Line>, TariffError> {
        let component =
            |kind, (tariff, element): Place| session.tariff(tariff)?.elements.get(element)?.component(kind);
        let mut lines = Vec::new();
        if let Some((place, from)) = self.flat
            && let Some(flat) = component(Kind::Flat, place)
        {
            let once = (Decimal::ONE, Decimal::ONE);
            lines.push(line(LineKind::Flat, place, flat, from, once, Decimal::ONE)?);
        }
        for (&(kind, place), used) in &self.used {
            let Some(price) = component(kind, place) else { continue };
            let mut billed = used.amount;
            if self.last.get(&kind) == Some(&place) {
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
            lines.push(line(kind, place, price, used.from, (used.amount, billed), unit)?);
        }
        lines.sort_by_key(|line| (line.kind != LineKind::Flat, line.kind, line.from));
        Ok(lines)
    }
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
fn shares(span: &Span, before: Decimal, tariff: &Tariff, cuts: &BTreeSet<i64>) -> BTreeMap<i64, Decimal> {
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
