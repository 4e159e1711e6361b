//! Uptime of one charging port.

use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

/// From one moment to another, without the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl Span {
    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// What a port says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Port {
    /// In service.
    Up,
    /// Broken.
    Faulted,
    /// Out of service.
    Unavailable,
    /// Not there any more; from here on it is not watched.
    Gone,
}

/// Why a port was out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The station had no connection to its central system.
    Offline,
    /// The port was broken.
    Faulted,
    /// The port was out of service.
    Unavailable,
}

/// What is known of one port, each list in the order of time.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The time to look at.
    pub window: Span,
    /// When the station came (`true`) and went (`false`). Before the first entry it counts as there.
    pub station: &'a [(Timestamp, bool)],
    /// What the port said. It is watched from its first entry on.
    pub port: &'a [(Timestamp, Port)],
    /// Outages that do not count, each with the number under which a person said so.
    pub exclusions: &'a [(Span, i64)],
    /// Times in which nobody watched.
    pub unobserved: &'a [Span],
}

/// A time during which a port was out for one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// From when to when.
    #[serde(flatten)]
    pub span: Span,
    /// Why.
    pub cause: Cause,
    /// The exclusion that takes it out of the outage.
    pub excluded_by: Option<i64>,
    /// Nobody watched, so it is no outage.
    pub unobserved: bool,
}

/// The figures of one port.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Uptime {
    /// Since when it is watched within the window; `None` when it was not at all.
    pub since: Option<Timestamp>,
    /// How long it was watched, in seconds.
    pub period_s: f64,
    /// How long it was out, in seconds, excluded outages among it.
    pub outage_s: f64,
    /// How much of that does not count.
    pub excluded_s: f64,
    /// How long it may have been out while nobody watched; in no other figure but the period.
    pub unobserved_s: f64,
    /// The times that it was out, in order.
    pub intervals: Vec<Interval>,
}

impl Uptime {
    /// The uptime in percent; `None` for a port that was not watched.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let counted_s = self.outage_s - self.excluded_s;
        (self.period_s > 0.0).then(|| (self.period_s - counted_s) / self.period_s * 100.0)
    }
}

/// The uptime of one port; see the [crate](crate) for the formula.
#[must_use]
pub fn uptime(watched: &Watched<'_>) -> Uptime {
    let Span { from, to } = watched.window;
    let mut figures = Uptime::default();
    let mut edges = vec![from, to];
    let within = |at: &Timestamp| from < *at && *at < to;
    edges.extend(watched.station.iter().map(|(at, _)| *at).filter(within));
    edges.extend(watched.port.iter().map(|(at, _)| *at).filter(within));
    let spans = watched.exclusions.iter().map(|(span, _)| span).chain(watched.unobserved);
    edges.extend(spans.flat_map(|span| [span.from, span.to]).filter(within));
    edges.sort_unstable();
    edges.dedup();
    for pair in edges.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let port = match newest(watched.port, start) {
            None | Some(Port::Gone) => continue,
            Some(port) => port,
        };
        figures.since = figures.since.or(Some(start));
        let length_s = end.seconds_since(start);
        figures.period_s += length_s;
        let cause = match port {
            _ if newest(watched.station, start) == Some(false) => Cause::Offline,
            Port::Faulted => Cause::Faulted,
            Port::Unavailable => Cause::Unavailable,
            Port::Up | Port::Gone => continue,
        };
        let unobserved = watched.unobserved.iter().any(|span| span.holds(start));
        let excluded_by = watched.exclusions.iter().find(|(span, _)| span.holds(start)).map(|(_, id)| *id);
        if unobserved {
            figures.unobserved_s += length_s;
        } else {
            figures.outage_s += length_s;
            if excluded_by.is_some() {
                figures.excluded_s += length_s;
            }
        }
        let excluded_by = excluded_by.filter(|_| !unobserved);
        append(
            &mut figures.intervals,
            Interval { span: Span { from: start, to: end }, cause, excluded_by, unobserved },
        );
    }
    figures
}

/// The last entry at or before `at`.
fn newest<T: Copy>(entries: &[(Timestamp, T)], at: Timestamp) -> Option<T> {
    let after = entries.partition_point(|(when, _)| *when <= at);
    after.checked_sub(1).map(|place| entries[place].1)
}

/// Adds a piece, to the one before where it goes on.
fn append(intervals: &mut Vec<Interval>, piece: Interval) {
    if let Some(last) = intervals.last_mut()
        && last.span.to == piece.span.from
        && (last.cause, last.excluded_by, last.unobserved)
            == (piece.cause, piece.excluded_by, piece.unobserved)
    {
        last.span.to = piece.span.to;
        return;
    }
    intervals.push(piece);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + s * 1_000)
    }

    #[test]
    fn the_rule_by_its_own_figures() {
        // 3 % of a year's 525,600 minutes may count; one minute more is too much
        let year_s = 525_600 * 60;
        for (outage_min, excluded_min, wanted) in
            [(0, 0, 100.0), (15_768, 0, 97.0), (20_000, 4_232, 97.0), (15_769, 0, 97.0 - 100.0 / 525_600.0)]
        {
            let port = [(at(0), Port::Up), (at(600), Port::Faulted), (at(600 + outage_min * 60), Port::Up)];
            let exclusion = (Span { from: at(600), to: at(600 + excluded_min * 60) }, 1);
            let watched = Watched {
                window: Span { from: at(0), to: at(year_s) },
                station: &[],
                port: &port,
                exclusions: &[exclusion],
                unobserved: &[],
            };
            let percent = uptime(&watched).percent().unwrap();
            assert!((percent - wanted).abs() < 1e-9, "{outage_min} {excluded_min}: {percent}");
        }
    }

    #[test]
    fn a_port_is_measured_over_the_time_that_it_is_watched() {
        let window = Span { from: at(0), to: at(1_000) };
        let port = [(at(500), Port::Unavailable), (at(600), Port::Up), (at(900), Port::Gone)];
        let watched = Watched { window, station: &[], port: &port, exclusions: &[], unobserved: &[] };
        let figures = uptime(&watched);
        assert_eq!((figures.since, figures.period_s, figures.outage_s), (Some(at(500)), 400.0, 100.0));
        assert_eq!(uptime(&Watched { port: &[], ..watched }).percent(), None);
    }

    proptest! {
        #[test]
        fn it_is_what_a_look_at_every_second_finds(
            station in prop::collection::btree_map(-20..220i64, any::<bool>(), 0..8),
            port in prop::collection::btree_map(-20..220i64, 0..4usize, 0..10),
            exclusions in prop::collection::vec((-20..220i64, 1..60i64), 0..4),
            unobserved in prop::collection::vec((-20..220i64, 1..60i64), 0..3),
        ) {
            let words = [Port::Up, Port::Faulted, Port::Unavailable, Port::Gone];
            let station: Vec<_> = station.into_iter().map(|(s, there)| (at(s), there)).collect();
            let port: Vec<_> = port.into_iter().map(|(s, word)| (at(s), words[word])).collect();
            let span = |(from, length): (i64, i64)| Span { from: at(from), to: at(from + length) };
            let exclusions: Vec<_> = exclusions.into_iter().map(span).zip(1..).collect();
            let unobserved: Vec<_> = unobserved.into_iter().map(span).collect();
            let watched = Watched {
                window: Span { from: at(0), to: at(200) },
                station: &station,
                port: &port,
                exclusions: &exclusions,
                unobserved: &unobserved,
            };
            let figures = uptime(&watched);
            let (mut period, mut outage, mut excluded, mut blind) = (0.0, 0.0, 0.0, 0.0);
            for second in (0..200).map(at) {
                let last_port = port.iter().rev().find(|(when, _)| *when <= second).map(|(_, word)| *word);
                if matches!(last_port, None | Some(Port::Gone)) {
                    continue;
                }
                period += 1.0;
                let there = station.iter().rev().find(|(when, _)| *when <= second).is_none_or(|(_, there)| *there);
                if there && last_port == Some(Port::Up) {
                    continue;
                }
                if unobserved.iter().any(|span| span.from <= second && second < span.to) {
                    blind += 1.0;
                    continue;
                }
                outage += 1.0;
                if exclusions.iter().any(|(span, _)| span.from <= second && second < span.to) {
                    excluded += 1.0;
                }
            }
            prop_assert_eq!(
                (figures.period_s, figures.outage_s, figures.excluded_s, figures.unobserved_s),
                (period, outage, excluded, blind)
            );
            let shown: f64 = figures.intervals.iter().map(|i| i.span.to.seconds_since(i.span.from)).sum();
            prop_assert_eq!(shown, outage + blind);
        }
    }
}
