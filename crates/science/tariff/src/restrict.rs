//! When an element is active, and at which instants that can change.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use rust_decimal::Decimal;

use crate::tariff::{Day, Restrictions, Tariff};
use crate::usage::Span;

/// What is known of a session at one instant.
pub(crate) struct Moment {
    date: Date,
    minute: u16,
    day: Day,
    pub(crate) energy_wh: Decimal,
    pub(crate) age_us: i64,
    pub(crate) power_w: Option<Decimal>,
    pub(crate) current_a: Option<Decimal>,
}

impl Moment {
    pub(crate) fn at(us: i64, started_us: i64, zone: &TimeZone, span: &Span, energy_wh: Decimal) -> Self {
        let local = zone.to_datetime(instant(us));
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        Self {
            date: local.date(),
            minute: u16::try_from(minute).unwrap_or(0),
            day: local.date().weekday().into(),
            energy_wh,
            age_us: us - started_us,
            power_w: span.power_w(),
            current_a: span.current_a,
        }
    }
}

impl Restrictions {
    /// Whether all that is asked for holds. What is not known, such as a current that nobody measured, does not.
    pub(crate) fn hold(&self, moment: &Moment) -> bool {
        self.reservation.is_none() && self.hold_at(moment)
    }

    /// As [`Restrictions::hold`], whether of a session or of a reservation.
    pub(crate) fn hold_at(&self, moment: &Moment) -> bool {
        self.time_holds(moment.minute)
            && self.start_date.is_none_or(|start| start <= moment.date)
            && self.end_date.is_none_or(|end| moment.date < end)
            && (self.days.is_empty() || self.days.contains(&moment.day))
            && within(Some(moment.energy_wh), self.min_energy_wh, self.max_energy_wh)
            && within(moment.power_w, self.min_power_w, self.max_power_w)
            && within(moment.current_a, self.min_current_a, self.max_current_a)
            && self.min_duration_s.is_none_or(|min| i64::from(min) * 1_000_000 <= moment.age_us)
            && self.max_duration_s.is_none_or(|max| moment.age_us < i64::from(max) * 1_000_000)
    }

    fn time_holds(&self, minute: u16) -> bool {
        let start = self.start_time.map_or(0, |time| time.minutes());
        let end = self.end_time.map_or(1440, |time| time.minutes());
        if start < end { (start..end).contains(&minute) } else { minute >= start || minute < end }
    }
}

fn within(value: Option<Decimal>, min: Option<Decimal>, max: Option<Decimal>) -> bool {
    match value {
        _ if min.is_none() && max.is_none() => true,
        None => false,
        Some(value) => min.is_none_or(|min| min <= value) && max.is_none_or(|max| value < max),
    }
}

/// The instants strictly between `from` and `to` at which a restriction by time, date, day or age may begin or end.
pub(crate) fn cuts(tariff: &Tariff, zone: &TimeZone, from: i64, to: i64) -> BTreeSet<i64> {
    let mut cuts = BTreeSet::new();
    let restrictions = || tariff.elements.iter().map(|element| &element.restrictions);
    let ages = restrictions().flat_map(|r| [r.min_duration_s, r.max_duration_s]).flatten();
    cuts.extend(ages.map(|age| from + i64::from(age) * 1_000_000));
    let dated = |r: &Restrictions| !r.days.is_empty() || r.start_date.is_some() || r.end_date.is_some();
    let mut minutes: BTreeSet<u16> = restrictions()
        .flat_map(|r| [r.start_time, r.end_time])
        .flatten()
        .map(|time| time.minutes())
        .collect();
    if restrictions().any(dated) || !minutes.is_empty() {
        minutes.insert(0);
    }
    if !minutes.is_empty() {
        local_cuts(&mut cuts, &minutes, zone, from, to);
    }
    cuts.retain(|cut| from < *cut && *cut < to);
    cuts
}

fn local_cuts(cuts: &mut BTreeSet<i64>, minutes: &BTreeSet<u16>, zone: &TimeZone, from: i64, to: i64) {
    // The offset changes: the same wall clock may come again, or some of it may never come.
    let changes = zone.following(instant(from)).map(|change| change.timestamp().as_microsecond());
    cuts.extend(changes.take_while(|change| *change < to));
    let mut date = Some(zone.to_datetime(instant(from)).date());
    let last = zone.to_datetime(instant(to)).date();
    while let Some(day) = date.filter(|day| *day <= last) {
        for minute in minutes {
            let (hour, minute) = (minute / 60, minute % 60);
            let Ok(time) = Time::new(hour as i8, minute as i8, 0, 0) else { continue };
            let local = day.to_datetime(time);
            let offsets = match zone.to_ambiguous_timestamp(local).offset() {
                AmbiguousOffset::Unambiguous { offset } => [Some(offset), None],
                AmbiguousOffset::Fold { before, after } => [Some(before), Some(after)],
                // The clock jumps over it: the jump itself is a cut already.
                AmbiguousOffset::Gap { .. } => [None, None],
            };
            let instants = offsets.into_iter().flatten().filter_map(|offset| offset.to_timestamp(local).ok());
            cuts.extend(instants.map(|at| at.as_microsecond()));
        }
        date = day.tomorrow().ok();
    }
}

pub(crate) fn instant(us: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(us).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
