//! Sessions whose tariff changes, reservations, and totals between two limits.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rust_decimal::Decimal;
use voltwin_core::Timestamp;

use crate::*;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn minute(n: i64) -> Timestamp {
    Timestamp::from_micros(1_795_248_000_000_000 + n * 60_000_000)
}

fn tariff(json: &str) -> Tariff {
    let tariff: Tariff =
        serde_json::from_str(&format!(r#"{{"currency": "EUR", "elements": [{json}]}}"#)).unwrap();
    tariff.check().unwrap();
    tariff
}

fn energy(price: &str) -> Tariff {
    tariff(&format!(
        r#"{{"components": [{{"kind": "energy", "price": "{price}", "tax_percent": "20"}},
                            {{"kind": "flat", "price": "1", "tax_percent": "20"}}]}}"#
    ))
}

fn priced(session: &Session<'_>) -> Cost {
    cost_of(session, &TimeZone::UTC).unwrap()
}

#[test]
fn each_tariff_prices_what_happened_while_it_held() {
    let (before, after) = (energy("0.30"), energy("0.60"));
    // 20 kWh in an hour, and half an hour of nothing
    let spans = [Span::charging(minute(0), minute(60), d("20000")), Span::idle(minute(60), minute(90))];
    let changes = [(minute(15), &after)];
    let cost = priced(&Session { changes: &changes, ..Session::of(&before, &spans) });
    // the fee once, 5 kWh at 0.30, 15 kWh at 0.60
    assert_eq!((cost.net, cost.gross), (d("11.50"), d("13.80")));
    let lines: Vec<_> = cost.lines.iter().map(|line| (line.kind, line.tariff, line.used)).collect();
    let energy = LineKind::Energy;
    assert_eq!(lines, [(LineKind::Flat, 0, d("1")), (energy, 0, d("5000")), (energy, 1, d("15000"))]);
    let periods: Vec<_> = cost.periods.iter().map(|p| (p.from, p.tariff, p.energy_wh)).collect();
    assert_eq!(periods, [(minute(0), 0, d("5000")), (minute(15), 1, d("15000")), (minute(60), 1, d("0"))]);
    // what is written without changes is as it always was
    let alone = serde_json::to_string(&priced(&Session::of(&before, &spans))).unwrap();
    assert!(!alone.contains("tariff"), "{alone}");
}

#[test]
fn energy_and_duration_count_from_the_begin_and_the_last_tariff_limits_the_total() {
    let before = energy("0.30");
    let mut after = tariff(
        r#"{"components": [{"kind": "energy", "price": "1"}], "restrictions": {"min_energy_wh": "15000"}},
           {"components": [{"kind": "energy", "price": "0.50"}]}"#,
    );
    let spans = [Span::charging(minute(0), minute(60), d("20000"))];
    let changes = [(minute(30), &after)];
    let cost = priced(&Session { changes: &changes, ..Session::of(&before, &spans) });
    // 1 + 10 kWh at 0.30, then 5 kWh at 0.50 up to 15 kWh of the session, then 5 kWh at 1
    assert_eq!(cost.net, d("11.50"));
    after.max_price = Some(Limit { net: d("10"), gross: None });
    let changes = [(minute(30), &after)];
    assert_eq!(priced(&Session { changes: &changes, ..Session::of(&before, &spans) }).net, d("10.00"));
}

#[test]
fn a_change_to_another_currency_or_back_in_time_is_refused() {
    let (euro, spans) = (energy("0.30"), [Span::charging(minute(0), minute(60), d("1"))]);
    let mut krona = euro.clone();
    krona.currency = "SEK".parse().unwrap();
    let refused = |changes: &[(Timestamp, &Tariff)]| {
        cost_of(&Session { changes, ..Session::of(&euro, &spans) }, &TimeZone::UTC).unwrap_err()
    };
    assert!(matches!(refused(&[(minute(1), &krona)]), TariffError::Changes { index: 0, .. }));
    let back = [(minute(9), &euro), (minute(1), &euro)];
    assert!(matches!(refused(&back), TariffError::Changes { index: 1, .. }));
    let many = vec![(minute(1), &euro); CHANGES_MAX + 1];
    assert!(matches!(refused(&many), TariffError::Changes { .. }));
}

#[test]
fn a_reservation_is_priced_by_its_own_elements() {
    let tariff = tariff(
        r#"{"components": [{"kind": "time", "price": "6", "tax_percent": "20", "step": 600},
                           {"kind": "flat", "price": "0.50"}], "restrictions": {"reservation": "reservation"}},
           {"components": [{"kind": "time", "price": "9"}], "restrictions": {"reservation": "reservation_expires"}},
           {"components": [{"kind": "energy", "price": "0.30", "tax_percent": "20"}]}"#,
    );
    let spans = [Span::charging(minute(0), minute(60), d("10000"))];
    let reserved = |from| priced(&Session { reserved_from: Some(from), ..Session::of(&tariff, &spans) });
    let cost = reserved(minute(-25));
    // 25 minutes are 3 steps of 10: half an hour at 6
    let lines: Vec<_> = cost.lines.iter().map(|line| (line.kind, line.billed, line.net, line.tax)).collect();
    assert_eq!(
        lines,
        [
            (LineKind::Energy, d("10000"), d("3.00"), d("0.60")),
            (LineKind::ReservationFlat, d("1"), d("0.50"), d("0.00")),
            (LineKind::ReservationTime, d("1800"), d("3.00"), d("0.60")),
        ]
    );
    assert_eq!((cost.net, cost.gross), (d("6.50"), d("7.70")));
    assert_eq!(reserved(minute(5)).net, d("3.00"), "a reservation that begins after the session is none");
    let ages = cost_of(
        &Session { reserved_from: Some(Timestamp::from_micros(0)), ..Session::of(&tariff, &spans) },
        &TimeZone::UTC,
    );
    assert!(matches!(ages, Err(TariffError::Span { .. })));
}

#[test]
fn the_least_total_with_tax_may_be_above_the_greatest_one_without() {
    let mut tariff = tariff(r#"{"components": [{"kind": "energy", "price": "1", "tax_percent": "19"}]}"#);
    tariff.min_price = Some(Limit { net: d("8"), gross: Some(d("12")) });
    tariff.max_price = Some(Limit { net: d("10"), gross: Some(d("15")) });
    tariff.check().unwrap();
    let total = |wh: &str| {
        let cost = priced(&Session::of(&tariff, &[Span::charging(minute(0), minute(60), d(wh))]));
        assert_eq!(cost.net + cost.tax, cost.gross);
        let adjusted = cost.lines.iter().find(|line| line.element.is_none()).map(|line| line.kind);
        (cost.net.to_string(), cost.gross.to_string(), adjusted)
    };
    let is = |net: &str, gross: &str, kind| (net.to_owned(), gross.to_owned(), Some(kind));
    assert_eq!(total("1000"), is("8.00", "12.00", LineKind::Minimum));
    assert_eq!(total("9000"), is("9.00", "12.00", LineKind::Minimum), "only the tax is below");
    // 10 with the tax in proportion would be 11.90, which is below the least total
    assert_eq!(total("11000"), is("10.00", "12.00", LineKind::Maximum));
    // a cut to 10 takes the tax with it
    assert_eq!(total("30000"), is("10.00", "12.00", LineKind::Maximum));
}

fn cents() -> impl Strategy<Value = Decimal> {
    (0i64..3_000).prop_map(|cents| Decimal::new(cents, 2))
}

proptest! {
    #[test]
    fn the_total_lies_between_its_limits(
        net in (cents(), cents()), tax in (cents(), cents()), wh in 0i64..60_000, rate in 0i64..26,
        grossed in (any::<bool>(), any::<bool>())
    ) {
        let mut tariff = energy("1");
        for component in &mut tariff.elements[0].components {
            component.tax_percent = Some(Decimal::from(rate));
        }
        let limit = |net, tax, gross: bool| Limit { net, gross: gross.then_some(net + tax) };
        tariff.min_price = Some(limit(net.0, tax.0, grossed.0));
        tariff.max_price = Some(limit(net.1, tax.1, grossed.1));
        prop_assume!(tariff.check().is_ok());
        let cost = priced(&Session::of(&tariff, &[Span::charging(minute(0), minute(60), Decimal::from(wh))]));
        let (min, max) = (tariff.min_price.unwrap(), tariff.max_price.unwrap());
        prop_assert!(cost.net >= min.net && cost.net <= max.net && cost.gross >= cost.net, "{cost:?}");
        prop_assert!(min.gross.is_none_or(|least| cost.gross >= least), "{cost:?}");
        prop_assert!(max.gross.is_none_or(|most| cost.gross <= most), "{cost:?}");
        let sums = cost.lines.iter().fold((Decimal::ZERO, Decimal::ZERO), |(net, tax), line| (net + line.net, tax + line.tax));
        prop_assert_eq!(sums, (cost.net, cost.tax));
    }

    /// Another tariff that asks for the same changes nothing but where lines are cut.
    #[test]
    fn a_change_to_the_same_prices_costs_the_same(
        price in 1i64..200, parking in 0i64..900, step in 1u32..4_000, grace in 0u32..3_600, wh in 0i64..60_000,
        cuts in proptest::collection::vec(-10i64..140, 0..6)
    ) {
        let mut tariff = energy("1");
        tariff.rounding = Rounding::Total;
        tariff.idle_grace_s = grace;
        tariff.elements[0].components[0] = Component::new(Kind::Energy, Decimal::new(price, 2)).stepped(step);
        tariff.elements[0].components.push(Component::new(Kind::Parking, Decimal::new(parking, 2)).stepped(step));
        let spans = [
            Span::charging(minute(0), minute(70), Decimal::from(wh)), Span::idle(minute(70), minute(130)),
        ];
        let mut cuts = cuts;
        cuts.sort_unstable();
        let changes: Vec<_> = cuts.iter().map(|cut| (minute(*cut), &tariff)).collect();
        let alone = priced(&Session::of(&tariff, &spans));
        let cut = priced(&Session { changes: &changes, ..Session::of(&tariff, &spans) });
        prop_assert!((alone.net - cut.net).abs() <= Decimal::new(1, 2), "{} {}", alone.net, cut.net);
        let energy = |cost: &Cost| cost.periods.iter().map(|period| period.energy_wh).sum::<Decimal>();
        prop_assert_eq!(energy(&cut), Decimal::from(wh));
    }
}
