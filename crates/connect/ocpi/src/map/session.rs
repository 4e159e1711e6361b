//! A transaction as a session, and as the CDR that bills it.

use rust_decimal::Decimal;
use voltwin_core::Timestamp;
use voltwin_tariff::{Cost, Line, LineKind};

use crate::map::Operator;
use crate::{
    AuthMethod, Cdr, CdrLocation, CdrToken, ChargingPeriod, CiText, DateTime, Dimension, DimensionType,
    Location, Number, Price, Session, SessionStatus, SignedData, Tariff, Text,
};

/// What follows the id of a CDR in that of the one which takes it back.
const CREDIT: &str = "-C";

/// What there is to say of one transaction.
#[derive(Debug, Clone)]
pub struct Charging<'a> {
    /// Its id to partners.
    pub id: CiText<36>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
    /// Energy so far, in watt-hours.
    pub energy_wh: Decimal,
    /// Who charges.
    pub token: CdrToken,
    /// How it was authorised.
    pub method: AuthMethod,
    /// What its owner calls the authorisation.
    pub reference: Option<CiText<36>>,
    /// Where.
    pub location: &'a Location,
    /// At which EVSE.
    pub evse_uid: CiText<36>,
    /// At which connector.
    pub connector_id: CiText<36>,
    /// ISO 4217, when there is no bill.
    pub currency: &'a str,
    /// Since when the EVSE had been held for the driver, when a reservation was taken up.
    pub reserved_from: Option<Timestamp>,
    /// What the meter signed.
    pub signed: Option<SignedData>,
    /// What it costs, when a tariff applies.
    pub bill: Option<Bill<'a>>,
}

impl Charging<'_> {
    /// Since when it was reserved, where that was before it began.
    fn reserved(&self) -> Option<Timestamp> {
        self.reserved_from.filter(|from| *from < self.started)
    }
}

/// What a transaction costs.
#[derive(Debug, Clone)]
pub struct Bill<'a> {
    /// Line by line.
    pub cost: &'a Cost,
    /// The tariffs of the session in their order, each in the version that priced it; empty where they cannot be told.
    pub tariffs: Vec<Tariff>,
}

/// The session of a transaction, as of `now`.
#[must_use]
pub fn session(operator: &Operator, charging: &Charging<'_>, now: DateTime) -> Session {
    let currency = charging.bill.as_ref().map(|bill| bill.cost.currency.to_string());
    Session {
        country_code: operator.country_code.clone(),
        party_id: operator.party_id.clone(),
        id: charging.id.clone(),
        start_date_time: DateTime::of(charging.started),
        end_date_time: charging.ended.map(DateTime::of),
        kwh: kwh(charging.energy_wh),
        cdr_token: charging.token.clone(),
        auth_method: charging.method.clone(),
        authorization_reference: charging.reference.clone(),
        location_id: charging.location.id.clone(),
        evse_uid: charging.evse_uid.clone(),
        connector_id: charging.connector_id.clone(),
        currency: Text::fitted(currency.as_deref().unwrap_or(charging.currency)),
        charging_periods: periods(charging, now.0),
        total_cost: charging.bill.as_ref().map(|bill| price(bill.cost.net, bill.cost.gross)),
        status: if charging.ended.is_some() { SessionStatus::Completed } else { SessionStatus::Active },
        last_updated: now,
    }
}

/// The CDR of an ended transaction, its first or a later `version` (from 1) that follows a credit; `None` while it runs,
/// or where the location does not know its connector any more.
#[must_use]
pub fn cdr(operator: &Operator, charging: &Charging<'_>, version: u32, now: DateTime) -> Option<Cdr> {
    let ended = charging.ended?;
    let evse = charging.location.evses.iter().find(|evse| evse.uid == charging.evse_uid)?;
    let connector = evse.connectors.iter().find(|connector| connector.id == charging.connector_id)?;
    let session = session(operator, charging, now);
    let location = charging.location;
    let bill = charging.bill.as_ref();
    let part = |kinds: &[LineKind]| {
        let lines = bill?.cost.lines.iter().filter(|line| kinds.contains(&line.kind));
        let sums = lines.map(|line| (line.net, line.net + line.tax));
        sums.reduce(|a, b| (a.0 + b.0, a.1 + b.1)).map(|(net, gross)| price(net, gross))
    };
    let hours = |kind: DimensionType| -> Decimal {
        let all = session.charging_periods.iter().flat_map(|period| &period.dimensions);
        all.filter(|dimension| dimension.kind == kind).map(|dimension| dimension.volume.get()).sum()
    };
    let parking = hours(DimensionType::ParkingTime);
    Some(Cdr {
        country_code: operator.country_code.clone(),
        party_id: operator.party_id.clone(),
        id: cdr_id(charging.id.as_str(), version)?,
        // with a reservation, that is where what is billed begins
        start_date_time: charging.reserved().map_or(session.start_date_time, DateTime::of),
        end_date_time: DateTime::of(ended),
        session_id: Some(charging.id.clone()),
        cdr_token: charging.token.clone(),
        auth_method: charging.method.clone(),
        authorization_reference: charging.reference.clone(),
        cdr_location: CdrLocation {
            id: location.id.clone(),
            name: location.name.clone(),
            address: location.address.clone(),
            city: location.city.clone(),
            postal_code: location.postal_code.clone(),
            country: location.country.clone(),
            coordinates: location.coordinates.clone(),
            evse_uid: evse.uid.clone(),
            evse_id: evse.evse_id.clone().unwrap_or_else(CiText::fallback),
            connector_id: connector.id.clone(),
            connector_standard: connector.standard.clone(),
            connector_format: connector.format.clone(),
            connector_power_type: connector.power_type.clone(),
        },
        currency: session.currency.clone(),
        tariffs: bill.map(|bill| bill.tariffs.clone()).unwrap_or_default(),
        signed_data: charging.signed.clone(),
        total_cost: bill.map_or_else(
            || price(Decimal::ZERO, Decimal::ZERO),
            |bill| price(bill.cost.net, bill.cost.gross),
        ),
        total_fixed_cost: part(&[LineKind::Flat]),
        total_energy: session.kwh,
        total_energy_cost: part(&[LineKind::Energy]),
        total_time: Number::of(hours(DimensionType::Time) + parking),
        total_time_cost: part(&[LineKind::Time]),
        total_parking_time: (!parking.is_zero()).then(|| Number::of(parking)),
        total_parking_cost: part(&[LineKind::Parking]),
        total_reservation_cost: part(&[LineKind::ReservationTime, LineKind::ReservationFlat]),
        remark: remark(bill),
        credit: None,
        credit_reference_id: None,
        charging_periods: session.charging_periods,
        last_updated: now,
    })
}

/// The id of the CDR of a session in its first version, or in a later one; `None` if it were too long.
#[must_use]
pub fn cdr_id(session: &str, version: u32) -> Option<CiText<39>> {
    let id = match version {
        0 | 1 => session.to_owned(),
        later => format!("{session}-{later}"),
    };
    // what is appended to it to take it back must fit
    (id.chars().count() + CREDIT.len() <= 39).then(|| CiText::new(&id).ok())?
}

/// The CDR that takes this one back: all that it says, and its total cost negative. `None` for one that takes back itself.
#[must_use]
pub fn credit(cdr: &Cdr, now: DateTime) -> Option<Cdr> {
    if cdr.credit == Some(true) {
        return None;
    }
    let minus = |number: Number| Number::of(-number.get());
    let Price { excl_vat, incl_vat } = &cdr.total_cost;
    Some(Cdr {
        id: CiText::new(&format!("{}{CREDIT}", cdr.id)).ok()?,
        total_cost: Price { excl_vat: minus(*excl_vat), incl_vat: incl_vat.map(minus) },
        credit: Some(true),
        credit_reference_id: Some(cdr.id.clone()),
        last_updated: now,
        ..cdr.clone()
    })
}

impl Cdr {
    /// Whether both bill the same: who, when, what, and for how much. Their ids, times and words about the location may
    /// differ, and what the meter signed proves a bill and is none.
    #[must_use]
    pub fn bills_like(&self, other: &Self) -> bool {
        let told = |cdr: &Self| Self {
            id: self.id.clone(),
            cdr_location: self.cdr_location.clone(),
            last_updated: self.last_updated,
            signed_data: None,
            tariffs: cdr
                .tariffs
                .iter()
                .map(|tariff| Tariff { last_updated: self.last_updated, ..tariff.clone() })
                .collect(),
            ..cdr.clone()
        };
        told(self) == told(other)
    }
}

/// What the parts of a CDR do not say.
fn remark(bill: Option<&Bill<'_>>) -> Option<Text<255>> {
    let Some(bill) = bill else { return Some(Text::fitted("No tariff applies to this session.")) };
    let limit = |line: &Line| {
        let bound = match line.kind {
            LineKind::Minimum => "least",
            LineKind::Maximum => "greatest",
            _ => return None,
        };
        let (by, gross) = (Number::of(line.net), Number::of(line.net + line.tax));
        Some(format!(
            "The total is the {bound} price of the tariff, {by} more than its parts ({gross} with VAT)."
        ))
    };
    bill.cost.lines.iter().find_map(limit).map(|text| Text::fitted(&text))
}

fn kwh(wh: Decimal) -> Number {
    Number::of(wh / Decimal::from(1_000))
}

fn price(net: Decimal, gross: Decimal) -> Price {
    Price { excl_vat: Number::of(net), incl_vat: Some(Number::of(gross)) }
}

/// Rounds a growing total, and gives what each step adds to it: the steps sum to the rounded total.
#[derive(Default)]
struct Steps {
    exact: Decimal,
    told: Decimal,
}

impl Steps {
    fn add(&mut self, more: Decimal) -> Number {
        self.exact += more;
        let told = Number::of(self.exact).get();
        let step = Number::of(told - self.told);
        self.told = told;
        step
    }
}

fn periods(charging: &Charging<'_>, now: Timestamp) -> Vec<ChargingPeriod> {
    let (mut energy, mut time, mut parking) = (Steps::default(), Steps::default(), Steps::default());
    let mut period = |from: Timestamp, to: Timestamp, wh: Decimal, charges: bool, tariff_id| {
        let hours =
            Decimal::from((to.as_micros() - from.as_micros()).max(0)) / Decimal::from(3_600_000_000_i64);
        let (kind, hours) = match charges {
            true => (DimensionType::Time, time.add(hours)),
            false => (DimensionType::ParkingTime, parking.add(hours)),
        };
        let mut dimensions = vec![Dimension { kind, volume: hours }];
        if charges || !wh.is_zero() {
            let volume = energy.add(wh / Decimal::from(1_000));
            dimensions.insert(0, Dimension { kind: DimensionType::Energy, volume });
        }
        ChargingPeriod { start_date_time: DateTime::of(from), dimensions, tariff_id }
    };
    let id = |tariff: usize| charging.bill.as_ref()?.tariffs.get(tariff).map(|tariff| tariff.id.clone());
    let mut all: Vec<ChargingPeriod> =
        charging.reserved().map(|from| reserved(from, charging.started, id(0))).into_iter().collect();
    all.extend(match &charging.bill {
        Some(bill) if !bill.cost.periods.is_empty() => {
            let periods = bill.cost.periods.iter();
            periods.map(|p| period(p.from, p.to, p.energy_wh, p.charging, id(p.tariff))).collect()
        }
        _ => {
            let to = charging.ended.unwrap_or(now);
            vec![period(charging.started, to, charging.energy_wh, true, None)]
        }
    });
    all
}

/// The time for which it was held, which is no part of the session's own.
fn reserved(from: Timestamp, to: Timestamp, tariff_id: Option<CiText<36>>) -> ChargingPeriod {
    let hours = Decimal::from(to.as_micros() - from.as_micros()) / Decimal::from(3_600_000_000_i64);
    let held = Dimension { kind: DimensionType::ReservationTime, volume: Number::of(hours) };
    ChargingPeriod { start_date_time: DateTime::of(from), dimensions: vec![held], tariff_id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenType;
    use crate::map::location::tests::{World, operator};
    use proptest::prelude::*;
    use voltwin_tariff::{Component, Element, Kind, Span, cost};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn token() -> CdrToken {
        CdrToken {
            country_code: CiText::new("NL").unwrap(),
            party_id: CiText::new("TNM").unwrap(),
            uid: CiText::new("RFID-1").unwrap(),
            kind: TokenType::Rfid,
            contract_id: CiText::new("NL-TNM-C1").unwrap(),
        }
    }

    fn charging<'a>(location: &'a Location, energy_wh: Decimal, bill: Option<Bill<'a>>) -> Charging<'a> {
        Charging {
            id: CiText::new("17").unwrap(),
            started: at("2026-11-21T08:00:00Z"),
            ended: Some(at("2026-11-21T09:30:00Z")),
            energy_wh,
            token: token(),
            method: AuthMethod::Whitelist,
            reference: None,
            location,
            evse_uid: CiText::new("ST:1").unwrap(),
            connector_id: CiText::new("1").unwrap(),
            currency: "EUR",
            reserved_from: None,
            signed: None,
            bill,
        }
    }

    #[test]
    fn a_session_without_a_tariff_has_its_energy_and_time() {
        let location = World::new().location().0.unwrap();
        let ended = charging(&location, Decimal::new(123_456_789, 4), None);
        let now = DateTime::of(at("2026-11-21T10:00:00Z"));
        let cdr = cdr(&operator(), &ended, 1, now).unwrap();
        assert_eq!(
            (cdr.total_energy.to_string(), cdr.total_time.to_string()),
            ("12.3457".into(), "1.5".into())
        );
        assert!(cdr.remark.is_some() && cdr.total_cost.excl_vat.get().is_zero());
        let running = Charging { ended: None, ..ended };
        assert!(super::cdr(&operator(), &running, 1, now).is_none());
        let session = session(&operator(), &running, now);
        assert_eq!((session.status.clone(), session.end_date_time), (SessionStatus::Active, None));
        assert_eq!(session.charging_periods[0].dimensions[1].volume.to_string(), "2");
        let json = serde_json::to_string(&session).unwrap();
        assert_eq!(crate::read::<Session>(json.as_bytes()).unwrap(), session);
    }

    #[test]
    fn a_bill_is_told_part_by_part() {
        let location = World::new().location().0.unwrap();
        let parts = vec![
            Component::new(Kind::Flat, Decimal::ONE).taxed(Decimal::from(20)),
            Component::new(Kind::Energy, Decimal::new(30, 2)).taxed(Decimal::from(20)),
            Component::new(Kind::Parking, Decimal::from(6)).taxed(Decimal::from(20)),
        ];
        let tariff = voltwin_tariff::Tariff::new("EUR".parse().unwrap(), vec![Element::of(parts)]);
        let middle = at("2026-11-21T09:00:00Z");
        let spans = [
            Span::charging(at("2026-11-21T08:00:00Z"), middle, Decimal::from(20_000)),
            Span::idle(middle, at("2026-11-21T09:30:00Z")),
        ];
        let cost = cost(&tariff, &jiff_utc(), &spans).unwrap();
        let id = CiText::new("T1").unwrap();
        let told = crate::tariff(&operator(), &id, &tariff, DateTime::default());
        let bill = Bill { cost: &cost, tariffs: vec![told] };
        let cdr =
            cdr(&operator(), &charging(&location, Decimal::from(20_000), Some(bill)), 1, DateTime::default())
                .unwrap();
        let shown =
            |price: Option<Price>| price.map(|p| (p.excl_vat.to_string(), p.incl_vat.unwrap().to_string()));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        // 1 + 20 kWh * 0.30 + 0.5 h * 6 = 10 without, 12 with 20 % tax
        assert_eq!(shown(Some(cdr.total_cost)), pair("10", "12"));
        assert_eq!(shown(cdr.total_fixed_cost), pair("1", "1.2"));
        assert_eq!(shown(cdr.total_energy_cost), pair("6", "7.2"));
        assert_eq!(shown(cdr.total_parking_cost), pair("3", "3.6"));
        assert_eq!(cdr.total_parking_time.unwrap().to_string(), "0.5");
        assert_eq!(cdr.total_time.to_string(), "1.5");
        assert_eq!(cdr.charging_periods.len(), 2);
        assert!(cdr.charging_periods[0].tariff_id == Some(id));
        assert_eq!(crate::read::<Cdr>(serde_json::to_string(&cdr).unwrap().as_bytes()).unwrap(), cdr);
    }

    #[test]
    fn a_cdr_is_taken_back_by_another_one() {
        let location = World::new().location().0.unwrap();
        let mut tariff = voltwin_tariff::Tariff::new(
            "EUR".parse().unwrap(),
            vec![Element::of(vec![
                Component::new(Kind::Energy, Decimal::new(30, 2)).taxed(Decimal::from(20)),
            ])],
        );
        tariff.min_price = Some(voltwin_tariff::Limit { net: Decimal::from(10), gross: None });
        let priced = |wh: i64| {
            let span =
                Span::charging(at("2026-11-21T08:00:00Z"), at("2026-11-21T09:30:00Z"), Decimal::from(wh));
            cost(&tariff, &jiff_utc(), &[span]).unwrap()
        };
        let made = |wh: i64, version: u32, time: &str| {
            let cost = priced(wh);
            let bill = Bill { cost: &cost, tariffs: Vec::new() };
            let charging = charging(&location, Decimal::from(wh), Some(bill));
            cdr(&operator(), &charging, version, DateTime::of(at(time))).unwrap()
        };
        let first = made(20_000, 1, "2026-11-21T10:00:00Z");
        assert_eq!((first.id.as_str(), first.credit), ("17", None));
        // 20 kWh * 0.30 = 6, lifted to 10 and the tax with it
        assert_eq!(first.total_cost.excl_vat.to_string(), "10");
        assert_eq!(
            first.remark.as_ref().unwrap().as_str(),
            "The total is the least price of the tariff, 4 more than its parts (4.8 with VAT)."
        );
        let again = made(20_000, 2, "2026-11-22T10:00:00Z");
        assert!(again.bills_like(&first) && again.id.as_str() == "17-2");
        let other = made(50_000, 2, "2026-11-22T10:00:00Z");
        assert!(!other.bills_like(&first) && other.remark.is_none());

        let back = credit(&first, DateTime::of(at("2026-11-22T10:00:00Z"))).unwrap();
        assert_eq!((back.id.as_str(), back.credit), ("17-C", Some(true)));
        assert_eq!(back.credit_reference_id.as_ref().unwrap().as_str(), "17");
        let sums = (back.total_cost.excl_vat.to_string(), back.total_cost.incl_vat.unwrap().to_string());
        assert_eq!(sums, ("-10".into(), "-12".into()));
        assert_eq!(
            (back.total_energy_cost, back.charging_periods.len()),
            (first.total_energy_cost, first.charging_periods.len())
        );
        assert_eq!(credit(&back, DateTime::default()), None);
        assert_eq!(crate::read::<Cdr>(serde_json::to_string(&back).unwrap().as_bytes()).unwrap(), back);
        assert!(cdr_id(&"9".repeat(37), 1).is_some() && cdr_id(&"9".repeat(37), 2).is_none());
    }

    #[test]
    fn a_reservation_and_a_change_of_tariff_are_told_by_what_they_cost() {
        let location = World::new().location().0.unwrap();
        let held = r#"{"components": [{"kind": "time", "price": "6", "tax_percent": "20"}],
                       "restrictions": {"reservation": "reservation"}}"#;
        let priced = |id: &str, price: &str| {
            let energy = format!(
                r#"{{"components": [{{"kind": "energy", "price": "{price}", "tax_percent": "20"}}]}}"#
            );
            let ours = format!(r#"{{"currency": "EUR", "elements": [{held}, {energy}]}}"#);
            let ours: voltwin_tariff::Tariff = serde_json::from_str(&ours).unwrap();
            let told = crate::tariff(&operator(), &CiText::new(id).unwrap(), &ours, DateTime::default());
            (ours, told)
        };
        let ((day, told_day), (night, told_night)) = (priced("day", "0.40"), priced("night", "0.20"));
        let (begin, end) = (at("2026-11-21T08:00:00Z"), at("2026-11-21T09:30:00Z"));
        let held_from = at("2026-11-21T07:45:00Z");
        let spans = [Span::charging(begin, end, Decimal::from(30_000))];
        let session = voltwin_tariff::Session {
            tariff: &day,
            changes: &[(at("2026-11-21T08:30:00Z"), &night)],
            reserved_from: Some(held_from),
            spans: &spans,
        };
        let cost = voltwin_tariff::cost_of(&session, &jiff_utc()).unwrap();
        let bill = Bill { cost: &cost, tariffs: vec![told_day, told_night] };
        let charging = Charging {
            reserved_from: Some(held_from),
            ..charging(&location, Decimal::from(30_000), Some(bill))
        };
        let told = cdr(&operator(), &charging, 1, DateTime::default()).unwrap();
        // a quarter of an hour at 6; 10 kWh at 0.40 and 20 kWh at 0.20
        assert_eq!(told.total_reservation_cost.as_ref().unwrap().excl_vat.to_string(), "1.5");
        assert_eq!(told.total_energy_cost.as_ref().unwrap().excl_vat.to_string(), "8");
        assert_eq!(
            (told.total_cost.excl_vat.to_string(), told.total_time.to_string()),
            ("9.5".into(), "1.5".into())
        );
        assert_eq!(told.start_date_time, DateTime::of(held_from));
        let seen: Vec<_> = told
            .charging_periods
            .iter()
            .map(|period| (period.dimensions[0].kind.clone(), period.tariff_id.as_ref().unwrap().as_str()))
            .collect();
        use DimensionType::{Energy, ReservationTime};
        assert_eq!(seen, [(ReservationTime, "day"), (Energy, "day"), (Energy, "night")]);
        assert_eq!(told.charging_periods[0].dimensions[0].volume.to_string(), "0.25");
        assert_eq!(crate::read::<Cdr>(serde_json::to_string(&told).unwrap().as_bytes()).unwrap(), told);
        let session = super::session(&operator(), &charging, DateTime::default());
        assert_eq!(session.start_date_time, DateTime::of(begin), "the session itself began later");
    }

    fn jiff_utc() -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }

    proptest! {
        #[test]
        fn steps_sum_to_the_rounded_total(parts in proptest::collection::vec(0i64..10_000_000, 1..50)) {
            let mut steps = Steps::default();
            let exact: Decimal = parts.iter().map(|part| Decimal::new(*part, 7)).sum();
            let told: Decimal = parts.iter().map(|part| steps.add(Decimal::new(*part, 7)).get()).sum();
            prop_assert_eq!(told, Number::of(exact).get());
        }
    }
}
