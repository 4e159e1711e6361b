//! Worked examples: those of the OCPI 2.2.1 tariffs module, and cases computed by hand.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use voltwin_core::Timestamp;

use crate::*;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn price(kind: Kind, price: &str, tax: &str, step: u32) -> Component {
    Component::new(kind, d(price)).taxed(d(tax)).stepped(step)
}

fn tariff(components: Vec<Component>) -> Tariff {
    let tariff = Tariff::new("EUR".parse().unwrap(), vec![Element::of(components)]);
    tariff.check().unwrap();
    tariff
}

fn restricted(component: Component, restrictions: &str) -> Element {
    Element { components: vec![component], restrictions: serde_json::from_str(restrictions).unwrap() }
}

fn of(elements: Vec<Element>) -> Tariff {
    let tariff = Tariff::new("EUR".parse().unwrap(), elements);
    tariff.check().unwrap();
    tariff
}

/// Charges from `start`, then idles.
fn session(start: &str, charge_min: i64, wh: &str, idle_min: i64) -> Vec<Span> {
    let start = at(start);
    let minute = |n: i64| Timestamp::from_micros(start.as_micros() + n * 60_000_000);
    let mut spans = vec![Span::charging(start, minute(charge_min), d(wh))];
    if idle_min > 0 {
        spans.push(Span::idle(minute(charge_min), minute(charge_min + idle_min)));
    }
    spans
}

fn total(tariff: &Tariff, spans: &[Span]) -> (String, String) {
    let cost = cost(tariff, &zone("Europe/Amsterdam"), spans).unwrap();
    (cost.net.to_string(), cost.gross.to_string())
}

fn is(net: &str, gross: &str) -> (String, String) {
    (net.to_owned(), gross.to_owned())
}

const NOON: &str = "2019-03-04T11:00:00Z";

#[test]
fn ocpi_energy_and_start_fee() {
    let energy = price(Kind::Energy, "0.25", "10", 1);
    let flat = price(Kind::Flat, "0.50", "20", 1);
    assert_eq!(total(&tariff(vec![energy.clone()]), &session(NOON, 60, "20000", 0)), is("5.00", "5.50"));
    assert_eq!(total(&tariff(vec![flat, energy]), &session(NOON, 60, "20000", 0)), is("5.50", "6.10"));
}

#[test]
fn ocpi_minimum_price() {
    let mut tariff = tariff(vec![price(Kind::Energy, "0.25", "10", 1)]);
    tariff.min_price = Some(Limit { net: d("0.50"), gross: Some(d("0.55")) });
    assert_eq!(total(&tariff, &session(NOON, 60, "20000", 0)), is("5.00", "5.50"));
    for wh in ["0", "1", "1000", "1999"] {
        assert_eq!(total(&tariff, &session(NOON, 60, wh, 0)), is("0.50", "0.55"), "{wh} Wh");
    }
    assert_eq!(total(&tariff, &[]), is("0", "0"));
}

#[test]
fn ocpi_maximum_price() {
    let mut tariff = tariff(vec![price(Kind::Flat, "0.50", "20", 1), price(Kind::Energy, "0.25", "10", 1)]);
    tariff.max_price = Some(Limit { net: d("10"), gross: Some(d("11")) });
    assert_eq!(total(&tariff, &session(NOON, 60, "50000", 0)), is("10.00", "11.00"));
    assert_eq!(total(&tariff, &session(NOON, 60, "30000", 0)), is("8.00", "8.85"));
}

#[test]
fn ocpi_parking_after_charging_in_steps() {
    let parking = |price_h, tax, step| price(Kind::Parking, price_h, tax, step);
    let with_start = tariff(vec![
        price(Kind::Flat, "0.50", "20", 1),
        price(Kind::Energy, "0.25", "10", 1),
        parking("2.00", "20", 900),
    ]);
    assert_eq!(total(&with_start, &session(NOON, 60, "20000", 40)), is("7.00", "7.90"));
    let hourly = tariff(vec![price(Kind::Time, "3.00", "10", 60), parking("5.00", "20", 300)]);
    assert_eq!(total(&hourly, &session(NOON, 150, "9000", 42)), is("11.25", "12.75"));
}

#[test]
fn ocpi_time_and_stepped_energy() {
    let spans = session(NOON, 150, "9000", 0);
    assert_eq!(total(&tariff(vec![price(Kind::Time, "2.00", "10", 60)]), &spans), is("5.00", "5.50"));
    assert_eq!(total(&tariff(vec![price(Kind::Time, "1.90", "5.2", 300)]), &spans), is("4.75", "5.00"));
    let energy = tariff(vec![price(Kind::Energy, "0.22", "10", 100)]);
    assert_eq!(total(&energy, &session(NOON, 90, "20450", 0)), is("4.51", "4.96"));
}

fn complex() -> Tariff {
    let weekdays = r#""monday","tuesday","wednesday","thursday","friday""#;
    let mut tariff = of(vec![
        Element::of(vec![price(Kind::Flat, "2.50", "15", 1)]),
        restricted(price(Kind::Time, "1.00", "20", 900), r#"{"max_current_a":"32"}"#),
        restricted(
            price(Kind::Time, "2.00", "20", 600),
            &format!(r#"{{"min_current_a":"32","days":[{weekdays}]}}"#),
        ),
        restricted(
            price(Kind::Time, "1.25", "20", 600),
            r#"{"min_current_a":"32","days":["saturday","sunday"]}"#,
        ),
        restricted(
            price(Kind::Parking, "5.00", "10", 300),
            &format!(r#"{{"start_time":"09:00","end_time":"18:00","days":[{weekdays}]}}"#),
        ),
        restricted(
            price(Kind::Parking, "6.00", "10", 300),
            r#"{"start_time":"10:00","end_time":"17:00","days":["saturday"]}"#,
        ),
    ]);
    tariff.rounding = Rounding::Total;
    tariff
}

#[test]
fn ocpi_complex_tariff() {
    let amperes = |mut spans: Vec<Span>, a: &str| {
        spans[0].current_a = Some(d(a));
        spans
    };
    // Monday 09:30 local, 147 minutes at 16 A and 42 minutes idle.
    let monday = amperes(session("2019-03-04T08:30:00Z", 147, "9000", 42), "16");
    assert_eq!(total(&complex(), &monday), is("8.75", "10.00"));
    // Saturday 13:30 local, 114 minutes at 43 A and 71 minutes idle.
    let saturday = amperes(session("2019-03-09T12:30:00Z", 114, "20000", 71), "43");
    assert_eq!(total(&complex(), &saturday), is("12.50", "14.13"));
}

#[test]
fn rounding_by_line_taxes_each_line() {
    let mut tariff = complex();
    tariff.rounding = Rounding::Line;
    let mut monday = session("2019-03-04T08:30:00Z", 147, "9000", 42);
    monday[0].current_a = Some(d("16"));
    // 0.375 + 0.50 + 0.375 of tax, of which two lines round up to 0.38
    assert_eq!(total(&tariff, &monday), is("8.75", "10.01"));
}

fn stepping() -> Tariff {
    of(vec![
        restricted(Component::new(Kind::Time, d("1.20")).stepped(1800), r#"{"end_time":"17:00"}"#),
        restricted(Component::new(Kind::Time, d("2.40")).stepped(900), r#"{"start_time":"17:00"}"#),
        restricted(Component::new(Kind::Parking, d("1.00")).stepped(900), r#"{"end_time":"20:00"}"#),
    ])
}

#[test]
fn ocpi_step_of_the_last_element_only() {
    // 16:35 local, 35 minutes: 25 minutes at 1.20, then 10 that become 20 at 2.40
    assert_eq!(total(&stepping(), &session("2019-03-04T15:35:00Z", 35, "3000", 0)), is("1.30", "1.30"));
    // 19:55 local, 10 minutes, then 2 idle ones that are free: 15 minutes at 2.40
    assert_eq!(total(&stepping(), &session("2019-03-04T18:55:00Z", 10, "900", 2)), is("0.60", "0.60"));
}

#[test]
fn ocpi_price_by_power() {
    let step = |price_kwh, restrictions| restricted(Component::new(Kind::Energy, d(price_kwh)), restrictions);
    let tariff = of(vec![
        step("0.20", r#"{"max_power_w":"16000"}"#),
        step("0.35", r#"{"max_power_w":"32000"}"#),
        step("0.50", "{}"),
    ]);
    let minute = |n: i64| Timestamp::from_micros(at(NOON).as_micros() + n * 60_000_000);
    let spans = [
        Span::charging(minute(0), minute(10), d("1000")),
        Span::charging(minute(10), minute(60), d("40000")),
        Span::charging(minute(60), Timestamp::from_micros(minute(60).as_micros() + 450_000_000), d("500")),
    ];
    assert_eq!(total(&tariff, &spans), is("20.30", "20.30"));
}

#[test]
fn the_first_kilowatt_hour_is_free() {
    let priced = restricted(Component::new(Kind::Energy, d("0.20")), r#"{"min_energy_wh":"1000"}"#);
    assert_eq!(total(&of(vec![priced]), &session(NOON, 97, "20000", 0)), is("3.80", "3.80"));
}

#[test]
fn grace_is_free_in_each_stretch_of_idling() {
    let mut tariff = tariff(vec![Component::new(Kind::Parking, d("6.00")).stepped(60)]);
    tariff.idle_grace_s = 600;
    assert_eq!(total(&tariff, &session(NOON, 30, "5000", 10)), is("0", "0"));
    assert_eq!(total(&tariff, &session(NOON, 30, "5000", 25)), is("1.50", "1.50"));
    let mut spans = session(NOON, 30, "5000", 25);
    spans.extend(session("2019-03-04T11:55:00Z", 5, "500", 15));
    assert_eq!(total(&tariff, &spans), is("2.00", "2.00"));
}

fn night() -> Tariff {
    let hourly = |price| Component::new(Kind::Time, d(price));
    of(vec![
        restricted(hourly("1.00"), r#"{"start_time":"22:00","end_time":"06:00"}"#),
        Element::of(vec![hourly("3.00")]),
    ])
}

#[test]
fn a_night_has_an_hour_less_in_spring_and_one_more_in_autumn() {
    let hours = |from: &str, to: &str| {
        let spans = [Span::charging(at(from), at(to), d("1000"))];
        cost(&night(), &zone("Europe/Berlin"), &spans).unwrap().net.to_string()
    };
    // 22:00 to 06:00 local: 8 hours in a usual night, 7 and 9 where the clock changes
    assert_eq!(hours("2026-03-27T21:00:00Z", "2026-03-28T05:00:00Z"), "8.00");
    assert_eq!(hours("2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"), "7.00");
    assert_eq!(hours("2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"), "9.00");
    // and an hour of the day after it
    assert_eq!(hours("2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"), "10.00");
    assert_eq!(hours("2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"), "12.00");
}

#[test]
fn a_time_of_day_that_comes_twice_counts_twice() {
    let component = Component::new(Kind::Time, d("6.00"));
    let tariff = of(vec![restricted(component, r#"{"start_time":"02:30","end_time":"02:40"}"#)]);
    let price = |from: &str, to: &str| {
        let spans = [Span::charging(at(from), at(to), d("1000"))];
        cost(&tariff, &zone("Europe/Berlin"), &spans).unwrap().net.to_string()
    };
    assert_eq!(price("2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"), "2.00");
    assert_eq!(price("2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z"), "0");
}

#[test]
fn periods_are_cut_where_prices_change() {
    let cost = cost(&stepping(), &zone("Europe/Amsterdam"), &session("2019-03-04T15:35:00Z", 35, "3500", 5))
        .unwrap();
    let seen: Vec<_> =
        cost.periods.iter().map(|p| (p.from.to_string(), p.energy_wh.to_string(), p.time_element)).collect();
    let expected = [
        ("2019-03-04T15:35:00Z", "2500", Some(0)),
        ("2019-03-04T16:00:00Z", "1000", Some(1)),
        ("2019-03-04T16:10:00Z", "0", Some(2)),
    ];
    assert_eq!(seen, expected.map(|(from, wh, element)| (from.to_owned(), wh.to_owned(), element)));
}

#[test]
fn the_json_form_is_stable() {
    let text = r#"{"currency":"EUR","elements":[{"components":[{"kind":"energy","price":"0.45","tax_percent":"19"},{"kind":"parking","price":"6.00","step":60}],"restrictions":{"start_time":"08:00","end_time":"20:00","start_date":"2026-01-01","days":["monday","friday"],"min_power_w":"11000","max_duration_s":3600}}],"min_price":{"net":"0.50","gross":"0.60"},"idle_grace_s":600,"rounding":"line","valid_from":"2026-01-01T00:00:00Z"}"#;
    let tariff: Tariff = serde_json::from_str(text).unwrap();
    tariff.check().unwrap();
    assert_eq!(serde_json::to_string(&tariff).unwrap(), text);
}

#[test]
fn bad_tariffs_name_the_field() {
    let refused = |change: fn(&mut Tariff)| {
        let mut tariff = tariff(vec![price(Kind::Energy, "0.25", "10", 1)]);
        change(&mut tariff);
        tariff.check().unwrap_err().to_string()
    };
    let component = |t: &mut Tariff, c: Component| t.elements[0].components[0] = c;
    let text = refused(|t| t.elements.clear());
    assert!(text.starts_with("`elements` is `0 entries`"), "{text}");
    let text = refused(|t| t.elements[0].components[0].price = d("-0.01"));
    assert!(text.contains("elements[0].components[0].price") && text.contains("-0.01"), "{text}");
    let text = refused(|t| t.elements[0].components[0].tax_percent = Some(d("101")));
    assert!(text.contains("tax_percent"), "{text}");
    let text = refused(|t| t.elements[0].components[0].step = 0);
    assert!(text.contains("step"), "{text}");
    let text = refused(|t| {
        let first = t.elements[0].components[0].clone();
        t.elements[0].components.push(first);
    });
    assert!(text.contains("components[1].kind"), "{text}");
    let text = refused(|t| t.min_price = Some(Limit { net: d("2"), gross: Some(d("1")) }));
    assert!(text.contains("min_price.gross"), "{text}");
    let mut good = tariff(vec![price(Kind::Energy, "0.25", "10", 1)]);
    component(&mut good, Component::new(Kind::Energy, d("0.1234567")));
    assert!(good.check().is_err());
}

#[test]
fn spans_out_of_order_are_refused() {
    let tariff = tariff(vec![price(Kind::Energy, "0.25", "10", 1)]);
    let mut spans = session(NOON, 10, "100", 5);
    spans.reverse();
    assert!(matches!(cost(&tariff, &TimeZone::UTC, &spans), Err(TariffError::Span { index: 1, .. })));
    let long = [Span::charging(at("2019-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z"), d("1"))];
    assert!(cost(&tariff, &TimeZone::UTC, &long).unwrap_err().to_string().contains("400 days"));
}

#[test]
fn the_smallest_amount_fills_a_step() {
    let least = Decimal::new(1, 28);
    assert_eq!(crate::cost::stepped(least, 1_000).unwrap(), d("1000"));
    assert_eq!(crate::cost::stepped(Decimal::ZERO, 1_000).unwrap(), Decimal::ZERO);
    assert_eq!(crate::cost::stepped(d("2000"), 1_000).unwrap(), d("2000"));
}
