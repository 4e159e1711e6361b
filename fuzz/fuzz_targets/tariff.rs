//! Any tariff and any session: refused or priced, never a panic, and what is priced adds up.
#![no_main]

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use rust_decimal::Decimal;
use voltwin_core::Timestamp;
use voltwin_tariff::{
    Component, Cost, Currency, Day, Element, Kind, Limit, LineKind, Reservation, Restrictions, Rounding, Session, Span,
    Tariff, cost, cost_of,
};

const WEEK: [Day; 7] =
    [Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday, Day::Saturday, Day::Sunday];
/// The end of summer time in Europe, so that sessions meet the hour that comes twice.
const NEAR_US: i64 = 1_792_872_000_000_000;

/// Reads small things from the fuzzer's bytes; zeros when they are used up.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// Mostly small, with up to six places; now and then at or beyond what is allowed.
    fn amount(&mut self) -> Decimal {
        match self.byte() {
            0 => Decimal::MAX,
            1 => Decimal::MIN,
            2 => Decimal::from(1_000_000_000_i64),
            3 => Decimal::new(1, 28),
            scale => Decimal::new(i64::from(self.word()), u32::from(scale % 7)),
        }
    }

    fn maybe<T>(&mut self, read: impl Fn(&mut Self) -> T) -> Option<T> {
        (self.byte() % 4 == 1).then(|| read(self))
    }

    fn currency(&mut self) -> Currency {
        let codes = ["EUR", "JPY", "KWD", "CLF"];
        codes[usize::from(self.byte()) % codes.len()].parse().expect("a currency")
    }

    fn component(&mut self) -> Component {
        Component {
            kind: Kind::ALL[usize::from(self.byte()) % Kind::ALL.len()],
            price: self.amount(),
            tax_percent: self.maybe(Self::amount),
            step: match self.byte() {
                0 => self.word(),
                small => u32::from(small),
            },
        }
    }

    fn restrictions(&mut self) -> Restrictions {
        let time = |bytes: &mut Self| {
            let minutes = bytes.word() % 1_440;
            format!("{:02}:{:02}", minutes / 60, minutes % 60).parse().expect("a time of day")
        };
        let date = |bytes: &mut Self| jiff::civil::date(2026, 10, 1 + (bytes.byte() % 31) as i8);
        let age = |bytes: &mut Self| bytes.word() % 200_000;
        let days = self.byte();
        Restrictions {
            start_time: self.maybe(time),
            end_time: self.maybe(time),
            start_date: self.maybe(date),
            end_date: self.maybe(date),
            days: if days < 128 { Vec::new() } else { vec![WEEK[usize::from(days % 7)]] },
            min_energy_wh: self.maybe(Self::amount),
            max_energy_wh: self.maybe(Self::amount),
            min_power_w: self.maybe(Self::amount),
            max_power_w: self.maybe(Self::amount),
            min_current_a: self.maybe(Self::amount),
            max_current_a: self.maybe(Self::amount),
            min_duration_s: self.maybe(age),
            max_duration_s: self.maybe(age),
            reservation: self.maybe(|_| Reservation::Reservation),
        }
    }

    fn limit(&mut self) -> Limit {
        Limit { net: self.amount(), gross: self.maybe(Self::amount) }
    }

    fn tariff(&mut self) -> Tariff {
        let currency = self.currency();
        let count = self.byte() % 5;
        let elements = (0..count).map(|_| {
            let count = self.byte() % 5;
            let components = (0..count).map(|_| self.component()).collect();
            Element { components, restrictions: self.restrictions() }
        });
        let mut tariff = Tariff::new(currency, elements.collect());
        tariff.min_price = self.maybe(Self::limit);
        tariff.max_price = self.maybe(Self::limit);
        tariff.idle_grace_s = self.maybe(|bytes| bytes.word() % 100_000).unwrap_or(0);
        tariff.rounding = if self.byte() % 2 == 0 { Rounding::Line } else { Rounding::Total };
        tariff
    }

    fn spans(&mut self) -> Vec<Span> {
        let mut now = NEAR_US + i64::from(self.word());
        let count = self.byte() % 12;
        let mut spans = Vec::new();
        for _ in 0..count {
            let from = now + i64::from(self.byte() % 3) * i64::from(self.word());
            // a few microseconds to more than a day; now and then backwards
            let long = match self.byte() {
                0 => -i64::from(self.word()),
                1 => i64::from(self.word() % 10),
                by => i64::from(self.word()) * i64::from(by % 32),
            };
            let to = from + long;
            let charging = self.byte() % 3 != 0;
            spans.push(Span {
                from: Timestamp::from_micros(from),
                to: Timestamp::from_micros(to),
                energy_wh: if charging || self.byte() == 0 { self.amount() } else { Decimal::ZERO },
                charging,
                current_a: self.maybe(Self::amount),
            });
            now = to;
        }
        spans
    }
}

/// What must hold of every price, whatever the tariff.
fn judge(tariff: &Tariff, spans: &[Span], priced: &Cost) {
    assert_eq!(priced.net + priced.tax, priced.gross);
    assert!(priced.net >= Decimal::ZERO && priced.gross >= priced.net, "{priced:?}");
    assert_eq!(priced.gross, priced.currency.round(priced.gross), "whole minor units");
    if tariff.rounding == Rounding::Line {
        assert_eq!(priced.lines.iter().map(|line| line.net).sum::<Decimal>(), priced.net);
        assert_eq!(priced.lines.iter().map(|line| line.tax).sum::<Decimal>(), priced.tax);
    }
    // rounding a limit to whole minor units may put the one without tax above the one with it
    let round = |amount| priced.currency.round(amount);
    if let Some(min) = tariff.min_price.filter(|_| !spans.is_empty()) {
        assert!(priced.net >= round(min.net), "{priced:?}");
        assert!(min.gross.is_none_or(|least| priced.gross >= round(least)), "{priced:?}");
    }
    if let Some(max) = tariff.max_price {
        assert!(priced.net <= round(max.net), "{priced:?}");
        assert!(max.gross.is_none_or(|most| priced.gross <= round(most).max(priced.net)), "{priced:?}");
    }
    assert!(priced.lines.iter().all(|line| line.used <= line.billed), "{priced:?}");
    assert!(priced.lines.iter().filter(|line| line.kind == LineKind::Flat).count() <= 1);
    let given: Decimal = spans.iter().map(|span| span.energy_wh).sum();
    let told: Decimal = priced.periods.iter().map(|period| period.energy_wh).sum();
    if spans.iter().all(|span| span.energy_wh.scale() <= 6) {
        assert_eq!(given.normalize(), told.normalize(), "no energy is lost between periods");
    }
    assert!(priced.periods.windows(2).all(|pair| pair[0].from <= pair[0].to && pair[0].to <= pair[1].from));
}

fuzz_target!(|data: &[u8]| {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a time zone");
    // a tariff as somebody would send it
    if let Ok(tariff) = serde_json::from_slice::<Tariff>(data)
        && tariff.check().is_ok()
    {
        let at = |minutes: i64| Timestamp::from_micros(NEAR_US + minutes * 60_000_000);
        let spans = [Span::charging(at(0), at(90), Decimal::from(20_000)), Span::idle(at(90), at(2_000))];
        if let Ok(priced) = cost(&tariff, &zone, &spans) {
            judge(&tariff, &spans, &priced);
        }
        return;
    }
    let mut bytes = Bytes(data);
    let tariff = bytes.tariff();
    let spans = bytes.spans();
    if tariff.check().is_err() {
        return;
    }
    let Ok(priced) = cost(&tariff, &zone, &spans) else { return };
    judge(&tariff, &spans, &priced);
    // another tariff takes its place while it runs, and it was reserved
    let other = bytes.tariff();
    if other.check().is_ok() && other.currency == tariff.currency {
        let begin = spans.first().map_or(NEAR_US, |span| span.from.as_micros());
        let change = Timestamp::from_micros(begin.saturating_add(i64::from(bytes.word())));
        let reserved_from = bytes.maybe(|bytes| Timestamp::from_micros(begin - i64::from(bytes.word())));
        let session = Session { tariff: &tariff, changes: &[(change, &other)], reserved_from, spans: &spans };
        if let Ok(priced) = cost_of(&session, &zone) {
            judge(&other, &spans, &priced);
        }
    }
    let text = serde_json::to_string(&tariff).expect("a tariff can be written");
    let read: Tariff = serde_json::from_str(&text).expect("what is written can be read");
    assert_eq!(read, tariff);
    assert_eq!(cost(&read, &zone, &spans), Ok(priced));
});
