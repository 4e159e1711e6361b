//! What a tariff asks for at one moment, to be shown before it is billed.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use voltwin_core::Timestamp;

use crate::restrict::{Moment, cuts};
use crate::tariff::{Component, Kind, Tariff};
use crate::usage::Span;

/// The price of each kind at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prices<'a> {
    /// Per kWh.
    pub energy: Option<&'a Component>,
    /// Per hour of charging.
    pub time: Option<&'a Component>,
    /// Per hour without charging.
    pub parking: Option<&'a Component>,
    /// Once.
    pub flat: Option<&'a Component>,
}

/// Of what a session is at that moment the price depends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Situation {
    /// The moment.
    pub at: Timestamp,
    /// When the session started, not after it.
    pub started: Timestamp,
    /// Energy so far, in watt-hours.
    pub energy_wh: Decimal,
}

impl Situation {
    /// That of a session which starts then.
    #[must_use]
    pub fn start(at: Timestamp) -> Self {
        Self { at, started: at, energy_wh: Decimal::ZERO }
    }
}

impl Component {
    /// The price with tax.
    #[must_use]
    pub fn gross(&self) -> Decimal {
        let rate = self.tax_percent.unwrap_or_default();
        self.price.saturating_add(self.price.saturating_mul(rate) / Decimal::ONE_HUNDRED).normalize()
    }
}

impl Tariff {
    /// What it asks for in a situation. Elements that depend on power or current do not hold: neither is known of what
    /// has not been metered yet.
    #[must_use]
    pub fn prices(&self, zone: &TimeZone, situation: Situation) -> Prices<'_> {
        let Situation { at, started, energy_wh } = situation;
        let span = Span::charging(at, at, Decimal::ZERO);
        let moment = Moment::at(at.as_micros(), started.as_micros(), zone, &span, energy_wh);
        let of = |kind| {
            let active = self.elements.iter().filter(|element| element.restrictions.hold(&moment));
            active.filter_map(|element| element.component(kind)).next()
        };
        Prices {
            energy: of(Kind::Energy),
            time: of(Kind::Time),
            parking: of(Kind::Parking),
            flat: of(Kind::Flat),
        }
    }

    /// When its prices next change by time alone, before `until`.
    #[must_use]
    pub fn next_change(&self, zone: &TimeZone, situation: Situation, until: Timestamp) -> Option<Situation> {
        let now = self.prices(zone, situation);
        let from = situation.started.as_micros();
        let later = cuts(self, zone, from, until.as_micros()).into_iter().map(Timestamp::from_micros);
        let mut later = later.filter(|at| *at > situation.at).map(|at| Situation { at, ..situation });
        later.find(|then| self.prices(zone, *then) != now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Element, Restrictions};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_element_that_holds_gives_the_price_and_the_clock_the_next_one() {
        let price = |cents: i64| Component::new(Kind::Energy, Decimal::new(cents, 2));
        let night = Restrictions {
            start_time: Some("22:00".parse().unwrap()),
            end_time: Some("06:00".parse().unwrap()),
            ..Restrictions::default()
        };
        let long = Restrictions { min_duration_s: Some(7_200), ..Restrictions::default() };
        let tariff = Tariff::new(
            "EUR".parse().unwrap(),
            vec![
                Element { components: vec![price(20)], restrictions: night },
                Element {
                    components: vec![Component::new(Kind::Parking, Decimal::from(6))],
                    restrictions: long,
                },
                Element::of(vec![
                    price(50).taxed(Decimal::from(19)),
                    Component::new(Kind::Flat, Decimal::ONE),
                ]),
            ],
        );
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let noon = Situation::start(at("2026-11-21T20:30:00Z"));
        let prices = tariff.prices(&zone, noon);
        assert_eq!(prices.energy.map(Component::gross), Some(Decimal::new(595, 3)));
        assert_eq!((prices.parking, prices.flat.map(|flat| flat.price)), (None, Some(Decimal::ONE)));
        let tomorrow = at("2026-11-22T20:30:00Z");
        let night = tariff.next_change(&zone, noon, tomorrow).unwrap();
        assert_eq!(night.at, at("2026-11-21T21:00:00Z"));
        assert_eq!(tariff.prices(&zone, night).energy.unwrap().price, Decimal::new(20, 2));
        // the flat fee of the day is there at night too: its element has no restriction
        assert!(tariff.prices(&zone, night).flat.is_some());
        let idle = tariff.next_change(&zone, night, tomorrow).unwrap();
        assert_eq!(idle.at, at("2026-11-21T22:30:00Z"), "two hours after the start");
        assert_eq!(tariff.next_change(&zone, idle, at("2026-11-22T04:00:00Z")), None);
    }
}
