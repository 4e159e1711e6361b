//! The engine against a brute-force oracle that walks second by second, and laws that hold for every tariff.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rust_decimal::Decimal;
use voltwin_core::Timestamp;

use crate::*;

const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];

fn restrictions() -> impl Strategy<Value = Restrictions> {
    let time = || proptest::option::weighted(0.4, (0u16..24, 0u16..60));
    let days = proptest::collection::vec(0usize..7, 0..3);
    let age = || proptest::option::weighted(0.2, 60u32..7_200);
    let energy = || proptest::option::weighted(0.2, 1i64..40);
    let power = || proptest::option::weighted(0.2, 1i64..20);
    (time(), time(), days, (age(), age()), (energy(), energy()), (power(), power())).prop_map(
        |(start, end, days, age, energy, power)| {
            let time = |t: Option<(u16, u16)>| t.map(|(h, m)| format!("{h:02}:{m:02}").parse().unwrap());
            let week = [
                Day::Monday,
                Day::Tuesday,
                Day::Wednesday,
                Day::Thursday,
                Day::Friday,
                Day::Saturday,
                Day::Sunday,
            ];
            Restrictions {
                start_time: time(start),
                end_time: time(end),
                days: days.into_iter().map(|day| week[day]).collect(),
                min_duration_s: age.0,
                max_duration_s: age.1,
                min_energy_wh: energy.0.map(|kwh| Decimal::from(kwh * 1_000)),
                max_energy_wh: energy.1.map(|kwh| Decimal::from(kwh * 1_000)),
                min_power_w: power.0.map(|kw| Decimal::from(kw * 1_000)),
                max_power_w: power.1.map(|kw| Decimal::from(kw * 1_000)),
                ..Restrictions::default()
            }
        },
    )
}

fn components() -> impl Strategy<Value = Vec<Component>> {
    let one = (0usize..4, 0i64..500, proptest::option::of(0i64..25), 1u32..2_000);
    proptest::collection::vec(one, 1..4).prop_map(|parts| {
        let mut components: Vec<Component> = Vec::new();
        for (kind, cents, tax, step) in parts {
            let kind = Kind::ALL[kind];
            if components.iter().all(|component| component.kind != kind) {
                let component = Component::new(kind, Decimal::new(cents, 2)).stepped(step);
                components.push(Component { tax_percent: tax.map(Decimal::from), ..component });
            }
        }
        components
    })
}

fn tariffs() -> impl Strategy<Value = Tariff> {
    let element = (components(), restrictions())
        .prop_map(|(components, restrictions)| Element { components, restrictions });
    (proptest::collection::vec(element, 1..5), 0u32..1_800).prop_map(|(elements, grace)| {
        let mut tariff = Tariff::new("EUR".parse().unwrap(), elements);
        tariff.idle_grace_s = grace;
        tariff
    })
}

/// Sessions on whole seconds whose power is a whole number of watt-hours a second or a fraction of it, around the days
/// on which clocks change.
fn sessions() -> impl Strategy<Value = Vec<Span>> {
    let starts = [1_774_735_200_i64, 1_792_872_000, 1_793_500_000, 1_772_950_000, 1_780_000_000];
    let part = (1i64..7_200, 0i64..6, proptest::bool::weighted(0.7));
    (0usize..starts.len(), 0i64..40_000, proptest::collection::vec(part, 1..5)).prop_map(
        move |(start, later, parts)| {
            let mut now = starts[start] + later;
            let mut spans = Vec::new();
            for (seconds, wh_s, charging) in parts {
                let at = |s: i64| Timestamp::from_micros(s * 1_000_000);
                let energy = if charging { Decimal::from(seconds * wh_s) } else { Decimal::ZERO };
                let (from, to) = (at(now), at(now + seconds));
                spans.push(Span { from, to, energy_wh: energy, charging, current_a: None });
                now += seconds;
            }
            spans
        },
    )
}

/// Second by second: what of each kind falls to which element. Shares no code with the engine.
fn walk(tariff: &Tariff, zone: &TimeZone, spans: &[Span]) -> BTreeMap<(Kind, usize), Decimal> {
    let mut used: BTreeMap<(Kind, usize), Decimal> = BTreeMap::new();
    let started = spans[0].from.as_micros() / 1_000_000;
    let mut wh = 0_i64;
    let mut idle = 0_i64;
    let mut flat = false;
    for span in spans {
        let (from, to) = (span.from.as_micros() / 1_000_000, span.to.as_micros() / 1_000_000);
        let per_second = i64::try_from(span.energy_wh / Decimal::from(to - from)).unwrap();
        let watts = Decimal::from(per_second * 3_600);
        for second in from..to {
            let local = jiff::Timestamp::from_second(second).unwrap().to_zoned(zone.clone());
            let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
            let holds = |r: &Restrictions| {
                let start = r.start_time.map_or(0, |t| i64::from(t.minutes()));
                let end = r.end_time.map_or(1_440, |t| i64::from(t.minutes()));
                let in_time = if start < end {
                    minute >= start && minute < end
                } else {
                    minute >= start || minute < end
                };
                let age = second - started;
                in_time
                    && (r.days.is_empty() || r.days.contains(&Day::from(local.weekday())))
                    && r.min_duration_s.is_none_or(|s| age >= i64::from(s))
                    && r.max_duration_s.is_none_or(|s| age < i64::from(s))
                    && r.min_energy_wh.is_none_or(|e| Decimal::from(wh) >= e)
                    && r.max_energy_wh.is_none_or(|e| Decimal::from(wh) < e)
                    && r.min_power_w.is_none_or(|p| watts >= p)
                    && r.max_power_w.is_none_or(|p| watts < p)
            };
            let first = |kind: Kind| {
                let fits =
                    |e: &Element| holds(&e.restrictions) && e.components.iter().any(|c| c.kind == kind);
                tariff.elements.iter().position(fits)
            };
            if !flat && let Some(element) = first(Kind::Flat) {
                used.insert((Kind::Flat, element), Decimal::ONE);
                flat = true;
            }
            if per_second > 0
                && let Some(element) = first(Kind::Energy)
            {
                *used.entry((Kind::Energy, element)).or_default() += Decimal::from(per_second);
            }
            idle = if span.charging { 0 } else { idle + 1 };
            let free = !span.charging && idle <= i64::from(tariff.idle_grace_s);
            let kind = if span.charging { Kind::Time } else { Kind::Parking };
            if !free && let Some(element) = first(kind) {
                *used.entry((kind, element)).or_default() += Decimal::ONE;
            }
            wh += per_second;
        }
    }
    used
}

/// Bounds of energy that are passed on a whole second.
fn on_seconds(tariff: &mut Tariff, spans: &[Span]) {
    let mut marks = Vec::new();
    let mut wh = Decimal::ZERO;
    for span in spans {
        let seconds = Decimal::from((span.to.as_micros() - span.from.as_micros()) / 1_000_000);
        let per_second = span.energy_wh / seconds;
        marks.push(wh + per_second * (seconds / Decimal::TWO).floor());
        wh += span.energy_wh;
    }
    for (index, element) in tariff.elements.iter_mut().enumerate() {
        let mark = marks[index % marks.len()];
        let restrictions = &mut element.restrictions;
        for bound in [&mut restrictions.min_energy_wh, &mut restrictions.max_energy_wh] {
            *bound = bound.map(|_| mark);
        }
        if restrictions.min_energy_wh.is_some() && index % 2 == 0 {
            restrictions.max_energy_wh = None;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_walk_by_seconds(
        mut tariff in tariffs(), spans in sessions(), zone in 0usize..ZONES.len()
    ) {
        on_seconds(&mut tariff, &spans);
        let zone = TimeZone::get(ZONES[zone]).unwrap();
        let cost = cost(&tariff, &zone, &spans).unwrap();
        let mut used = BTreeMap::new();
        for line in &cost.lines {
            let kind = match line.kind {
                LineKind::Energy => Kind::Energy,
                LineKind::Time => Kind::Time,
                LineKind::Parking => Kind::Parking,
                LineKind::Flat => Kind::Flat,
                _ => continue,
            };
            used.insert((kind, line.element.unwrap()), line.used);
        }
        let walked: BTreeMap<_, _> =
            walk(&tariff, &zone, &spans).into_iter().map(|(key, value)| (key, value.normalize())).collect();
        prop_assert_eq!(used, walked);
    }

    #[test]
    fn lines_add_up_and_periods_tile(tariff in tariffs(), spans in sessions()) {
        let cost = cost(&tariff, &TimeZone::get("Europe/Berlin").unwrap(), &spans).unwrap();
        prop_assert_eq!(cost.lines.iter().map(|line| line.net).sum::<Decimal>(), cost.net);
        prop_assert_eq!(cost.lines.iter().map(|line| line.tax).sum::<Decimal>(), cost.tax);
        prop_assert_eq!(cost.net + cost.tax, cost.gross);
        let energy: Decimal = spans.iter().map(|span| span.energy_wh).sum();
        prop_assert_eq!(cost.periods.iter().map(|period| period.energy_wh).sum::<Decimal>(), energy);
        prop_assert!(cost.periods.windows(2).all(|pair| pair[0].to == pair[1].from));
        prop_assert!(cost.lines.iter().all(|line| line.billed >= line.used && line.net >= Decimal::ZERO));
    }

    #[test]
    fn more_energy_never_costs_less(
        cents in 0i64..200, more in 0i64..200, step in 1u32..2_000, wh in 0i64..100_000, extra in 0i64..100_000,
        bounds in (0i64..5_000, 5_000i64..20_000)
    ) {
        let priced = |cents: i64| vec![Component::new(Kind::Energy, Decimal::new(cents, 2)).stepped(step)];
        let first = Restrictions { max_energy_wh: Some(Decimal::from(20_000)), ..Restrictions::default() };
        let mut tariff = Tariff::new(
            "EUR".parse().unwrap(),
            vec![Element { components: priced(cents), restrictions: first }, Element::of(priced(more))],
        );
        tariff.min_price = Some(Limit { net: Decimal::new(bounds.0, 2), gross: None });
        tariff.max_price = Some(Limit { net: Decimal::new(bounds.1, 2), gross: None });
        let (from, to) = (Timestamp::from_micros(0), Timestamp::from_micros(3_600_000_000));
        let net = |wh: i64| {
            cost(&tariff, &TimeZone::UTC, &[Span::charging(from, to, Decimal::from(wh))]).unwrap().net
        };
        prop_assert!(net(wh) <= net(wh + extra));
        prop_assert!(net(wh) >= Decimal::new(bounds.0, 2) && net(wh) <= Decimal::new(bounds.1, 2));
    }

    #[test]
    fn nothing_that_is_checked_panics(tariff in tariffs(), energies in proptest::collection::vec("[0-9]{1,11}(\\.[0-9]{1,9})?", 1..6), us in proptest::collection::vec(0i64..9_000_000_000, 6)) {
        let mut now = 1_774_735_200_000_000;
        let mut spans = Vec::new();
        for (energy, us) in energies.iter().zip(us) {
            let (from, to) = (Timestamp::from_micros(now), Timestamp::from_micros(now + us));
            spans.push(Span::charging(from, to, energy.parse().unwrap()));
            now += us;
        }
        let _ = cost(&tariff, &TimeZone::get("Europe/Berlin").unwrap(), &spans);
    }
}
