//! What is priced: a session, the tariffs that it had one after the other, and the reservation before it.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use voltwin_core::Timestamp;

use crate::TariffError;
use crate::cost::{Line, LineKind, line, stepped};
use crate::restrict::Moment;
use crate::tariff::{Component, Kind, Reservation, Tariff};
use crate::usage::{SESSION_DAYS_MAX, Span};

/// Tariffs that a session may have beside the one that it began with.
pub const CHANGES_MAX: usize = 100;

/// A session to be priced.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// The tariff that it began with.
    pub tariff: &'a Tariff,
    /// Those that took its place while it ran, each from a time on, in their order; at most [`CHANGES_MAX`].
    pub changes: &'a [(Timestamp, &'a Tariff)],
    /// Since when it was reserved for whoever charges, until the session began.
    pub reserved_from: Option<Timestamp>,
    /// What happened in it.
    pub spans: &'a [Span],
}

impl<'a> Session<'a> {
    /// One with a single tariff and without a reservation.
    #[must_use]
    pub fn of(tariff: &'a Tariff, spans: &'a [Span]) -> Self {
        Self { tariff, changes: &[], reserved_from: None, spans }
    }

    /// The tariff that it has last.
    pub(crate) fn last(&self) -> &'a Tariff {
        self.changes.last().map_or(self.tariff, |(_, tariff)| *tariff)
    }

    /// One of its tariffs, from 0.
    pub(crate) fn tariff(&self, index: usize) -> Option<&'a Tariff> {
        match index.checked_sub(1) {
            None => Some(self.tariff),
            Some(change) => self.changes.get(change).map(|(_, tariff)| *tariff),
        }
    }

    /// Which tariff holds at a time.
    pub(crate) fn at(&self, at: Timestamp) -> usize {
        self.changes.partition_point(|(from, _)| *from <= at)
    }

    pub(crate) fn check(&self) -> Result<(), TariffError> {
        let refuse = |index, rule: &str| Err(TariffError::Changes { index, rule: rule.to_owned() });
        if self.changes.len() > CHANGES_MAX {
            return refuse(CHANGES_MAX, &format!("a session has at most {CHANGES_MAX} changes of tariff"));
        }
        if let Some(index) = self.changes.windows(2).position(|pair| pair[1].0 < pair[0].0) {
            return refuse(index + 1, "changes of tariff follow each other in time");
        }
        if let Some(index) = self.changes.iter().position(|(_, to)| to.currency != self.tariff.currency) {
            return refuse(index, "a session is billed in one currency");
        }
        Ok(())
    }

    /// The spans, cut where the tariff changes; energy is shared by time.
    pub(crate) fn cut(&self) -> Vec<Span> {
        let mut cut = Vec::with_capacity(self.spans.len() + self.changes.len());
        for span in self.spans {
            let mut rest = span.clone();
            for (at, _) in self.changes {
                if *at <= rest.from || *at >= rest.to {
                    continue;
                }
                let part = Decimal::from(at.as_micros() - rest.from.as_micros());
                let share =
                    rest.energy_wh.checked_mul(part).unwrap_or_default() / Decimal::from(rest.micros());
                let energy_wh = share.round_dp(crate::meter::ENERGY_PLACES).min(rest.energy_wh);
                cut.push(Span { to: *at, energy_wh, ..rest.clone() });
                rest = Span { from: *at, energy_wh: rest.energy_wh - energy_wh, ..rest };
            }
            cut.push(rest);
        }
        cut
    }
}

/// What the reservation costs: by the first element for reservations that holds when it begins and has a component of the
/// kind. Time is billed in its own steps.
pub(crate) fn reservation(session: &Session<'_>, zone: &TimeZone) -> Result<Vec<Line>, TariffError> {
    let (Some(from), Some(first)) = (session.reserved_from, session.spans.first()) else {
        return Ok(Vec::new());
    };
    let us = first.from.as_micros().saturating_sub(from.as_micros());
    if us <= 0 {
        return Ok(Vec::new());
    }
    if us > SESSION_DAYS_MAX * 86_400_000_000 {
        let rule = format!("a reservation lasts at most {SESSION_DAYS_MAX} days");
        return Err(TariffError::Span { index: 0, rule });
    }
    let nothing = Span::idle(from, from);
    let moment = Moment::at(from.as_micros(), from.as_micros(), zone, &nothing, Decimal::ZERO);
    let of = |kind: Kind| -> Option<(usize, &Component)> {
        let elements = session.tariff.elements.iter().enumerate();
        let meant = elements.filter(|(_, element)| {
            element.restrictions.reservation == Some(Reservation::Reservation)
                && element.restrictions.hold_at(&moment)
        });
        meant.filter_map(|(index, element)| Some((index, element.component(kind)?))).next()
    };
    let mut lines = Vec::new();
    if let Some((element, price)) = of(Kind::Flat) {
        let once = (Decimal::ONE, Decimal::ONE);
        lines.push(line(LineKind::ReservationFlat, (0, element), price, from, once, Decimal::ONE)?);
    }
    if let Some((element, price)) = of(Kind::Time) {
        let seconds = Decimal::new(us, 6);
        let used = (seconds, stepped(seconds, price.step)?);
        let hour = Decimal::from(3_600);
        lines.push(line(LineKind::ReservationTime, (0, element), price, from, used, hour)?);
    }
    Ok(lines)
}
