//! Our tariffs in the words of OCPI, one to one but for the grace of idle time, which becomes a text.

use rust_decimal::Decimal;
use voltwin_tariff as ours;

use crate::map::Operator;
use crate::{
    CiText, DateTime, DayOfWeek, DisplayText, Number, Price, PriceComponent, ReservationRestriction, Tariff,
    TariffDimensionType, TariffElement, TariffRestrictions, Text, Url,
};

/// The tariff as OCPI writes it.
#[must_use]
pub fn tariff(operator: &Operator, id: &CiText<36>, tariff: &ours::Tariff, last_updated: DateTime) -> Tariff {
    let mut texts: Vec<DisplayText> = tariff
        .texts
        .iter()
        .map(|text| DisplayText { language: Text::fitted(&text.language), text: Text::fitted(&text.text) })
        .collect();
    if tariff.idle_grace_s > 0 {
        let minutes = Decimal::from(tariff.idle_grace_s) / Decimal::from(60);
        let text =
            format!("The first {} minutes without charging are free.", minutes.round_dp(2).normalize());
        texts.push(DisplayText::english(&text));
    }
    Tariff {
        country_code: operator.country_code.clone(),
        party_id: operator.party_id.clone(),
        id: id.clone(),
        currency: Text::fitted(&tariff.currency.to_string()),
        kind: None,
        tariff_alt_text: texts,
        tariff_alt_url: tariff.url.as_deref().and_then(|url| Url::new(url).ok()),
        min_price: tariff.min_price.map(limit),
        max_price: tariff.max_price.map(limit),
        elements: tariff.elements.iter().map(element).collect(),
        start_date_time: tariff.valid_from.map(DateTime::of),
        end_date_time: tariff.valid_to.map(DateTime::of),
        last_updated,
    }
}

fn limit(limit: ours::Limit) -> Price {
    Price { excl_vat: Number::of(limit.net), incl_vat: limit.gross.map(Number::of) }
}

fn element(element: &ours::Element) -> TariffElement {
    let component = |component: &ours::Component| PriceComponent {
        kind: match component.kind {
            ours::Kind::Energy => TariffDimensionType::Energy,
            ours::Kind::Time => TariffDimensionType::Time,
            ours::Kind::Parking => TariffDimensionType::ParkingTime,
            ours::Kind::Flat => TariffDimensionType::Flat,
        },
        price: Number::of(component.price),
        vat: component.tax_percent.map(Number::of),
        step_size: component.step,
    };
    let restrictions = restrictions(&element.restrictions);
    TariffElement {
        price_components: element.components.iter().map(component).collect(),
        restrictions: (restrictions != TariffRestrictions::default()).then_some(restrictions),
    }
}

fn restrictions(of: &ours::Restrictions) -> TariffRestrictions {
    let kilo = |value: Option<Decimal>| value.map(|value| Number::of(value / Decimal::from(1_000)));
    TariffRestrictions {
        start_time: of.start_time.map(|time| Text::fitted(&time.to_string())),
        end_time: of.end_time.map(|time| Text::fitted(&time.to_string())),
        start_date: of.start_date.map(|date| Text::fitted(&date.to_string())),
        end_date: of.end_date.map(|date| Text::fitted(&date.to_string())),
        min_kwh: kilo(of.min_energy_wh),
        max_kwh: kilo(of.max_energy_wh),
        min_current: of.min_current_a.map(Number::of),
        max_current: of.max_current_a.map(Number::of),
        min_power: kilo(of.min_power_w),
        max_power: kilo(of.max_power_w),
        min_duration: of.min_duration_s,
        max_duration: of.max_duration_s,
        day_of_week: of.days.iter().map(|day| self::day(*day)).collect(),
        reservation: of.reservation.map(|kind| match kind {
            ours::Reservation::Reservation => ReservationRestriction::Reservation,
            ours::Reservation::ReservationExpires => ReservationRestriction::ReservationExpires,
        }),
    }
}

fn day(day: ours::Day) -> DayOfWeek {
    use ours::Day as D;
    match day {
        D::Monday => DayOfWeek::Monday,
        D::Tuesday => DayOfWeek::Tuesday,
        D::Wednesday => DayOfWeek::Wednesday,
        D::Thursday => DayOfWeek::Thursday,
        D::Friday => DayOfWeek::Friday,
        D::Saturday => DayOfWeek::Saturday,
        D::Sunday => DayOfWeek::Sunday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::location::tests::operator;

    #[test]
    fn every_part_of_a_tariff_has_its_place() {
        let json = r#"{"currency": "EUR", "idle_grace_s": 600, "min_price": {"net": "0.50", "gross": "0.60"},
            "texts": [{"language": "de", "text": "Nachtstrom"}], "url": "https://a.example/t",
            "valid_from": "2026-01-01T00:00:00Z",
            "elements": [
              {"components": [{"kind": "energy", "price": "0.25", "tax_percent": "19", "step": 100},
                              {"kind": "parking", "price": "6"}],
               "restrictions": {"start_time": "22:00", "end_time": "06:00", "days": ["sunday"],
                                "min_energy_wh": "1500", "max_power_w": "22000", "min_duration_s": 60,
                                "start_date": "2026-02-01"}},
              {"components": [{"kind": "flat", "price": "1"}]}]}"#;
        let given: ours::Tariff = serde_json::from_str(json).unwrap();
        given.check().unwrap();
        let tariff = tariff(&operator(), &CiText::new("night").unwrap(), &given, DateTime::default());
        let wire = serde_json::to_value(&tariff).unwrap();
        let first = &wire["elements"][0];
        assert_eq!(
            first["price_components"],
            serde_json::json!([{"type": "ENERGY", "price": 0.25, "vat": 19, "step_size": 100},
                               {"type": "PARKING_TIME", "price": 6, "step_size": 1}])
        );
        assert_eq!(
            first["restrictions"],
            serde_json::json!({"start_time": "22:00", "end_time": "06:00", "day_of_week": ["SUNDAY"], "min_kwh": 1.5,
                               "max_power": 22, "min_duration": 60, "start_date": "2026-02-01"})
        );
        assert!(wire["elements"][1].get("restrictions").is_none());
        assert_eq!(wire["min_price"], serde_json::json!({"excl_vat": 0.5, "incl_vat": 0.6}));
        assert_eq!(wire["tariff_alt_text"][1]["text"], "The first 10 minutes without charging are free.");
        assert_eq!(crate::read::<Tariff>(wire.to_string().as_bytes()).unwrap(), tariff);
    }
}
