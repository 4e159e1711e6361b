//! What OCPP 1.6 stations are told of prices and costs: the data transfers of the vendor
//! `org.openchargealliance.costmsg`, as agreed for California.
//!
//! All amounts are with tax: it is the driver who reads them.

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};
use voltwin_core::{Decimal, Timestamp};
use voltwin_ocpp::json_number;
use voltwin_tariff::{Component, Cost, LineKind, Prices, Situation, Tariff};

/// The vendor of the messages.
pub(super) const VENDOR: &str = "org.openchargealliance.costmsg";
/// A change of price within this time is told beforehand.
const AHEAD_S: f64 = 86_400.0;

/// A message to a station.
pub(super) fn transfer(message: &str, data: &Json) -> Json {
    // in 1.6 the data is a text
    json!({"vendorId": VENDOR, "messageId": message, "data": data.to_string()})
}

/// What charging will cost whoever was just let in.
pub(super) fn user_price(tariff: &Tariff, zone: &TimeZone, id_token: &str, now: Timestamp) -> Json {
    json!({"idToken": id_token, "priceText": price_text(tariff, zone, now)})
}

/// How far a transaction is.
pub(super) struct Progress<'a> {
    pub(super) transaction_id: i64,
    pub(super) meter_wh: Decimal,
    pub(super) situation: Situation,
    pub(super) cost: &'a Cost,
}

/// What a transaction costs so far, and what goes on costing.
pub(super) fn running_cost(tariff: &Tariff, zone: &TimeZone, progress: &Progress<'_>) -> Json {
    let charging = progress.cost.periods.last().is_none_or(|period| period.charging);
    let prices = tariff.prices(zone, progress.situation);
    let mut data = json!({
        "transactionId": progress.transaction_id,
        "timestamp": progress.situation.at.to_string(),
        "meterValue": whole(progress.meter_wh),
        "cost": json_number(progress.cost.gross),
        "state": if charging { "Charging" } else { "Idle" },
        "chargingPrice": charging_price(&prices),
        "idlePrice": idle_price(tariff, &prices),
        // the vehicle stops or goes on: the cost takes another way from there
        "triggerMeterValue": {"atCPStatus": ["Charging", "SuspendedEV", "SuspendedEVSE"]},
    });
    let until = progress.situation.at.plus_seconds(AHEAD_S);
    if let Some(then) = tariff.next_change(zone, progress.situation, until) {
        let prices = tariff.prices(zone, then);
        data["nextPeriod"] = json!({
            "atTime": then.at.to_string(),
            "chargingPrice": charging_price(&prices),
            "idlePrice": idle_price(tariff, &prices),
        });
    }
    data
}

/// What a transaction came to.
pub(super) fn final_cost(transaction_id: i64, cost: &Cost) -> Json {
    json!({
        "transactionId": transaction_id,
        "cost": json_number(cost.gross),
        "priceText": bill_text(cost),
    })
}

fn charging_price(prices: &Prices<'_>) -> Json {
    let mut data = json!({});
    let parts = [("kWhPrice", prices.energy), ("hourPrice", prices.time), ("flatFee", prices.flat)];
    for (name, price) in parts {
        if let Some(price) = price.and_then(|price| json_number(price.gross())) {
            data[name] = price.into();
        }
    }
    data
}

fn idle_price(tariff: &Tariff, prices: &Prices<'_>) -> Json {
    json!({
        "graceMinutes": tariff.idle_grace_s / 60,
        "hourPrice": json_number(prices.parking.map(Component::gross).unwrap_or_default()),
    })
}

fn whole(wh: Decimal) -> i64 {
    i64::try_from(wh.round()).unwrap_or_default()
}

/// The tariff in the words of whoever made it, else in ours.
fn price_text(tariff: &Tariff, zone: &TimeZone, now: Timestamp) -> String {
    let english = tariff.texts.iter().find(|text| text.language == "en");
    if let Some(text) = english.or(tariff.texts.first()) {
        return text.text.clone();
    }
    let currency = tariff.currency;
    let prices = tariff.prices(zone, Situation::start(now));
    let mut words: Vec<String> = Vec::new();
    let mut say = |price: Option<&Component>, per: &str| {
        let Some(price) = price.map(Component::gross).filter(|price| !price.is_zero()) else { return };
        words.push(format!("{price} {currency}{per}"));
    };
    say(prices.energy, "/kWh");
    say(prices.time, "/h");
    match tariff.idle_grace_s / 60 {
        0 => say(prices.parking, "/h without charging"),
        minutes => say(prices.parking, &format!("/h without charging after {minutes} min")),
    }
    say(prices.flat, " once");
    if words.is_empty() { "free of charge".to_owned() } else { words.join(", ") }
}

fn bill_text(cost: &Cost) -> String {
    let currency = cost.currency;
    let mut words: Vec<String> = Vec::new();
    for line in &cost.lines {
        let gross = currency.round(line.net + line.tax);
        let what = match line.kind {
            LineKind::Energy => {
                format!("{} kWh", (line.used / Decimal::ONE_THOUSAND).round_dp(3).normalize())
            }
            LineKind::Time => format!("{} min", minutes(line.billed)),
            LineKind::Parking => format!("{} min without charging", minutes(line.billed)),
            LineKind::Flat => "fee".to_owned(),
            LineKind::ReservationTime => format!("{} min reserved", minutes(line.billed)),
            LineKind::ReservationFlat => "reservation".to_owned(),
            LineKind::Minimum => "to the minimum".to_owned(),
            LineKind::Maximum => "to the maximum".to_owned(),
        };
        words.push(format!("{what}: {gross} {currency}"));
    }
    words.push(format!("total: {} {currency}", cost.gross));
    words.join(", ")
}

fn minutes(seconds: Decimal) -> Decimal {
    (seconds / Decimal::from(60)).round_dp(1).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use voltwin_tariff::{Element, Kind, Span, cost};

    fn tariff() -> Tariff {
        let tax = Decimal::from(20);
        let mut tariff = Tariff::new(
            "USD".parse().unwrap(),
            vec![
                serde_json::from_value(json!({
                    "components": [{"kind": "energy", "price": "0.20", "tax_percent": "20"}],
                    "restrictions": {"start_time": "22:00", "end_time": "06:00"}}))
                .unwrap(),
                Element::of(vec![
                    Component::new(Kind::Energy, Decimal::new(45, 2)).taxed(tax),
                    Component::new(Kind::Parking, Decimal::from(6)).taxed(tax),
                    Component::new(Kind::Flat, Decimal::ONE),
                ]),
            ],
        );
        tariff.idle_grace_s = 600;
        tariff
    }

    #[test]
    fn a_driver_reads_prices_with_tax_and_what_comes_next() {
        let (tariff, zone) = (tariff(), TimeZone::UTC);
        let at: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        let price = user_price(&tariff, &zone, "TAG", at);
        assert_eq!(price["priceText"], "0.54 USD/kWh, 7.2 USD/h without charging after 10 min, 1 USD once");
        let hour: Timestamp = "2026-11-21T21:00:00Z".parse().unwrap();
        let cost = cost(&tariff, &zone, &[Span::charging(at, hour, Decimal::from(10_000))]).unwrap();
        let situation = Situation { at: hour, started: at, energy_wh: Decimal::from(10_000) };
        let progress =
            Progress { transaction_id: 7, meter_wh: Decimal::from(12_000), situation, cost: &cost };
        let told = running_cost(&tariff, &zone, &progress);
        // 10 kWh * 0.45 + 1, and 20 % on the energy
        assert_eq!(
            (&told["cost"], &told["meterValue"], &told["state"]),
            (&json!(6.4), &json!(12000), &json!("Charging"))
        );
        assert_eq!(told["chargingPrice"], json!({"kWhPrice": 0.54, "flatFee": 1}));
        assert_eq!(told["idlePrice"], json!({"graceMinutes": 10, "hourPrice": 7.2}));
        assert_eq!(told["nextPeriod"]["atTime"], "2026-11-21T22:00:00Z");
        assert_eq!(told["nextPeriod"]["chargingPrice"]["kWhPrice"], json!(0.24));
        let last = final_cost(7, &cost);
        assert_eq!(last["priceText"], "fee: 1.00 USD, 10 kWh: 5.40 USD, total: 6.40 USD");
        let whole = transfer("FinalCost", &last);
        assert_eq!(whole["data"].as_str().map(serde_json::from_str::<Json>).unwrap().unwrap(), last);
    }

    #[test]
    fn the_words_of_whoever_made_the_tariff_go_first() {
        let mut tariff = tariff();
        tariff.texts = serde_json::from_value(json!([{"language": "de", "text": "Nachts billiger"},
                                                      {"language": "en", "text": "Cheaper at night"}]))
        .unwrap();
        let at: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        assert_eq!(price_text(&tariff, &TimeZone::UTC, at), "Cheaper at night");
        let free = Tariff::new(
            "EUR".parse().unwrap(),
            vec![Element::of(vec![Component::new(Kind::Energy, Decimal::ZERO)])],
        );
        assert_eq!(price_text(&free, &TimeZone::UTC, at), "free of charge");
    }
}
