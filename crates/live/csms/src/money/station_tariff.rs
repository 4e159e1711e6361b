//! Our tariff in the words of OCPP 2.1, for stations that work out the cost by themselves.
//!
//! What the station could not work out as we do is refused with the reason: a driver who is shown one price and billed
//! another has been misled. Two things are left to whoever compares both results later: OCPP does not say where amounts
//! are rounded, and prices of time are per minute, which is told with ten decimal places.

use serde_json::{Map, Value as Json, json};
use voltwin_core::Decimal;
use voltwin_ocpp::json_number;
use voltwin_tariff::{Component, Day, Element, Kind, Limit, Reservation, Restrictions, Tariff};

/// Characters of a text that a station must be able to show.
const TEXT_MAX: usize = 512;
/// Texts of a tariff.
const TEXTS_MAX: usize = 10;
/// Decimal places of a price per minute.
const MINUTE_PLACES: u32 = 10;
/// The kind of tax, where there is one: OCPP wants a word for the receipt.
const TAX: &str = "VAT";

/// The id under which a station knows a version of a tariff.
#[must_use]
pub fn station_tariff_id(id: &str, version: i64) -> String {
    format!("{id}:{version}")
}

/// A tariff as `TariffType` of OCPP 2.1.
///
/// # Errors
/// What a station could not work out as we do, in words.
pub fn station_tariff(id: &str, tariff: &Tariff) -> Result<Json, String> {
    if tariff.valid_to.is_some() {
        return Err("`valid_to`: a station keeps a tariff until it is given another".to_owned());
    }
    let mut told = Map::new();
    told.insert("tariffId".to_owned(), id.into());
    told.insert("currency".to_owned(), tariff.currency.code().into());
    let texts = texts(tariff);
    if !texts.is_empty() {
        told.insert("description".to_owned(), texts.into());
    }
    if let Some(from) = tariff.valid_from {
        told.insert("validFrom".to_owned(), from.to_string().into());
    }
    for group in GROUPS {
        if let Some(prices) = group.told(tariff)? {
            told.insert(group.name.to_owned(), prices);
        }
    }
    for (name, limit) in [("minCost", tariff.min_price), ("maxCost", tariff.max_price)] {
        if let Some(limit) = limit {
            told.insert(name.to_owned(), price(limit)?);
        }
    }
    Ok(Json::Object(told))
}

/// A field of `TariffType`, and which of our components go there.
struct Group {
    name: &'static str,
    kind: Kind,
    reservation: bool,
    price: &'static str,
}

const GROUPS: [Group; 6] = [
    Group { name: "energy", kind: Kind::Energy, reservation: false, price: "priceKwh" },
    Group { name: "chargingTime", kind: Kind::Time, reservation: false, price: "priceMinute" },
    Group { name: "idleTime", kind: Kind::Parking, reservation: false, price: "priceMinute" },
    Group { name: "fixedFee", kind: Kind::Flat, reservation: false, price: "priceFixed" },
    Group { name: "reservationTime", kind: Kind::Time, reservation: true, price: "priceMinute" },
    Group { name: "reservationFixed", kind: Kind::Flat, reservation: true, price: "priceFixed" },
];

impl Group {
    fn told(&self, tariff: &Tariff) -> Result<Option<Json>, String> {
        let mut prices = Vec::new();
        let mut taxes: Vec<Option<Decimal>> = Vec::new();
        for (index, element) in tariff.elements.iter().enumerate() {
            let at = |what: &str| format!("`elements[{index}]`: {what}");
            let restrictions = &element.restrictions;
            if restrictions.reservation == Some(Reservation::ReservationExpires) {
                return Err(at("a station knows no price of a reservation that expires"));
            }
            if restrictions.reservation.is_some() != self.reservation {
                continue;
            }
            if self.reservation {
                only_time_and_flat(element).map_err(at)?;
            }
            let Some(component) = element.components.iter().find(|c| c.kind == self.kind) else { continue };
            if component.step > 1 {
                return Err(at("a station bills no steps (`step` must be 1)"));
            }
            taxes.push(component.tax_percent);
            let mut told = json!({self.price: self.amount(component)?});
            let conditions = self.conditions(restrictions, tariff.idle_grace_s).map_err(at)?;
            if !conditions.is_empty() {
                told["conditions"] = Json::Object(conditions);
            }
            prices.push(told);
        }
        let Some(first) = taxes.first().copied() else { return Ok(None) };
        if taxes.iter().any(|tax| *tax != first) {
            return Err(format!(
                "`{}` has prices with different tax, and a station knows one for all",
                self.name
            ));
        }
        let mut told = json!({"prices": prices});
        if let Some(tax) = first {
            told["taxRates"] = json!([{"type": TAX, "tax": number(tax)?}]);
        }
        Ok(Some(told))
    }

    fn amount(&self, component: &Component) -> Result<Json, String> {
        match self.kind {
            Kind::Time | Kind::Parking => {
                number((component.price / Decimal::from(60)).round_dp(MINUTE_PLACES))
            }
            Kind::Energy | Kind::Flat => number(component.price),
        }
    }

    fn conditions(&self, of: &Restrictions, grace_s: u32) -> Result<Map<String, Json>, &'static str> {
        let mut told = Map::new();
        let mut say = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                told.insert(name.to_owned(), value);
            }
        };
        say("startTimeOfDay", of.start_time.map(|time| time.to_string().into()));
        say("endTimeOfDay", of.end_time.map(|time| time.to_string().into()));
        let days: Vec<&str> = of.days.iter().map(|day| self::day(*day)).collect();
        say("dayOfWeek", (!days.is_empty()).then(|| days.into()));
        say("validFromDate", of.start_date.map(|date| date.to_string().into()));
        say("validToDate", of.end_date.map(|date| date.to_string().into()));
        let energies = [("minEnergy", of.min_energy_wh), ("maxEnergy", of.max_energy_wh)];
        let powers = [("minPower", of.min_power_w), ("maxPower", of.max_power_w)];
        let currents = [("minCurrent", of.min_current_a), ("maxCurrent", of.max_current_a)];
        let ages = [("minTime", of.min_duration_s), ("maxTime", of.max_duration_s)];
        let measured = energies.into_iter().chain(powers).chain(currents);
        let mut depends = ages.iter().any(|(_, age)| age.is_some());
        for (name, value) in measured {
            depends |= value.is_some();
            say(name, value.and_then(json_number).map(Json::from));
        }
        if depends && self.kind == Kind::Flat {
            return Err("a station knows no fee that depends on energy, power, current or duration");
        }
        for (name, age) in ages {
            say(name, age.map(Json::from));
        }
        // the first seconds of each stretch without charging have no price, which is what makes them free
        let grace = (self.kind == Kind::Parking && grace_s > 0).then(|| grace_s.into());
        say("minIdleTime", grace);
        Ok(told)
    }
}

fn only_time_and_flat(element: &Element) -> Result<(), &'static str> {
    let fits = |component: &Component| matches!(component.kind, Kind::Time | Kind::Flat);
    match element.components.iter().all(fits) {
        true => Ok(()),
        false => Err("a station prices a reservation by its time and by a fee only"),
    }
}

fn number(amount: Decimal) -> Result<Json, String> {
    json_number(amount).map(Json::from).ok_or_else(|| format!("{amount} cannot be written as a number"))
}

fn price(limit: Limit) -> Result<Json, String> {
    let mut told = json!({"exclTax": number(limit.net)?});
    if let Some(gross) = limit.gross {
        told["inclTax"] = number(gross)?;
    }
    Ok(told)
}

fn texts(tariff: &Tariff) -> Vec<Json> {
    let texts = tariff.texts.iter().map(|text| {
        let content: String = text.text.chars().take(TEXT_MAX).collect();
        json!({"format": "UTF8", "language": text.language, "content": content})
    });
    let url = tariff.url.iter().map(|url| json!({"format": "URI", "content": url}));
    url.chain(texts).take(TEXTS_MAX).collect()
}

fn day(day: Day) -> &'static str {
    match day {
        Day::Monday => "Monday",
        Day::Tuesday => "Tuesday",
        Day::Wednesday => "Wednesday",
        Day::Thursday => "Thursday",
        Day::Friday => "Friday",
        Day::Saturday => "Saturday",
        Day::Sunday => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voltwin_ocpp::{Command, Version};

    fn tariff(elements: impl Into<Json>) -> Tariff {
        let elements: Json = elements.into();
        let tariff: Tariff =
            serde_json::from_value(json!({"currency": "EUR", "elements": elements})).unwrap();
        tariff.check().unwrap();
        tariff
    }

    fn refused(tariff: &Tariff) -> String {
        station_tariff("t:1", tariff).unwrap_err()
    }

    #[test]
    fn every_part_has_its_place_and_fits_the_schema() {
        let mut given = tariff(json!([
            {"components": [{"kind": "energy", "price": "0.25", "tax_percent": "19"},
                            {"kind": "parking", "price": "6", "tax_percent": "19"}],
             "restrictions": {"start_time": "22:00", "end_time": "06:00", "days": ["sunday"], "min_energy_wh": "1500",
                              "max_power_w": "22000", "min_duration_s": 60, "start_date": "2026-02-01"}},
            {"components": [{"kind": "energy", "price": "0.45", "tax_percent": "19"},
                            {"kind": "time", "price": "1"}, {"kind": "flat", "price": "1"}]},
            {"components": [{"kind": "time", "price": "3"}], "restrictions": {"reservation": "reservation"}},
        ]));
        given.idle_grace_s = 600;
        given.min_price = Some(Limit { net: Decimal::new(50, 2), gross: Some(Decimal::new(60, 2)) });
        given.url = Some("https://a.example/t".to_owned());
        given.valid_from = Some("2026-01-01T00:00:00Z".parse().unwrap());
        let told = station_tariff(&station_tariff_id("night", 3), &given).unwrap();
        let conditions = json!({"startTimeOfDay": "22:00", "endTimeOfDay": "06:00", "dayOfWeek": ["Sunday"],
            "validFromDate": "2026-02-01", "minEnergy": 1500, "maxPower": 22000, "minTime": 60});
        assert_eq!(told["tariffId"], "night:3");
        assert_eq!(
            told["energy"],
            json!({"prices": [{"priceKwh": 0.25, "conditions": conditions}, {"priceKwh": 0.45}],
                   "taxRates": [{"type": "VAT", "tax": 19}]})
        );
        let mut idle = conditions;
        idle["minIdleTime"] = json!(600);
        assert_eq!(told["idleTime"]["prices"], json!([{"priceMinute": 0.1, "conditions": idle}]));
        assert_eq!(told["chargingTime"], json!({"prices": [{"priceMinute": 0.0166666667}]}));
        assert_eq!(told["fixedFee"], json!({"prices": [{"priceFixed": 1}]}));
        assert_eq!(told["reservationTime"], json!({"prices": [{"priceMinute": 0.05}]}));
        assert_eq!(told["minCost"], json!({"exclTax": 0.5, "inclTax": 0.6}));
        assert_eq!(told["description"], json!([{"format": "URI", "content": "https://a.example/t"}]));
        let command = Command::Raw {
            action: "SetDefaultTariff".to_owned(),
            payload: json!({"evseId": 0, "tariff": told}),
        };
        command.to_call(Version::V21).unwrap();
    }

    #[test]
    fn what_a_station_cannot_work_out_is_refused_with_the_reason() {
        let energy = json!({"kind": "energy", "price": "0.25"});
        let cases = [
            (json!([{"components": [{"kind": "energy", "price": "0.25", "step": 100}]}]), "steps"),
            (
                json!([{"components": [energy], "restrictions": {"min_energy_wh": "1"}},
                       {"components": [{"kind": "energy", "price": "1", "tax_percent": "0"}]}]),
                "different tax",
            ),
            (
                json!([{"components": [{"kind": "flat", "price": "1"}], "restrictions": {"min_energy_wh": "1"}}]),
                "no fee that depends",
            ),
            (
                json!([{"components": [{"kind": "flat", "price": "1"}],
                        "restrictions": {"reservation": "reservation_expires"}}]),
                "expires",
            ),
            (
                json!([{"components": [energy], "restrictions": {"reservation": "reservation"}}]),
                "by its time",
            ),
        ];
        for (elements, reason) in cases {
            let why = refused(&tariff(elements));
            assert!(why.contains(reason), "{why}");
        }
        let mut ends = tariff(json!([{"components": [energy]}]));
        ends.valid_to = Some("2027-01-01T00:00:00Z".parse().unwrap());
        assert!(refused(&ends).contains("valid_to"));
    }
}
