//! What charging costs.

use serde::{Deserialize, Serialize};

use crate::{CiText, DateTime, DayOfWeek, Number, ReservationRestriction, TariffDimensionType, Text, Url};

/// A tariff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tariff {
    /// The operator's country.
    pub country_code: CiText<2>,
    /// The operator.
    pub party_id: CiText<3>,
    /// Its id.
    pub id: CiText<36>,
    /// ISO 4217.
    pub currency: Text<3>,
    /// What it is for; for everything when absent.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it says to drivers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tariff_alt_text: Vec<DisplayText>,
    /// A page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff_alt_url: Option<Url>,
    /// A session costs at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price: Option<Price>,
    /// A session costs at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Price>,
    /// Prices and when they hold.
    pub elements: Vec<TariffElement>,
    /// From when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date_time: Option<DateTime>,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date_time: Option<DateTime>,
    /// When any of this changed.
    pub last_updated: DateTime,
}

/// Prices, and when they hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TariffElement {
    /// One price a dimension.
    pub price_components: Vec<PriceComponent>,
    /// When they hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<TariffRestrictions>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceComponent {
    /// Of what.
    #[serde(rename = "type")]
    pub kind: TariffDimensionType,
    /// Without tax: per kWh, per hour, or once.
    pub price: Number,
    /// Tax in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat: Option<Number>,
    /// Multiples of this are billed: Wh or seconds.
    pub step_size: u32,
}

/// When an element holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TariffRestrictions {
    /// From this time of day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Text<5>>,
    /// To this time of day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Text<5>>,
    /// From this date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Text<10>>,
    /// Before this date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Text<10>>,
    /// From this energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_kwh: Option<Number>,
    /// Below this energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_kwh: Option<Number>,
    /// From this current, in amperes over all phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_current: Option<Number>,
    /// Below this current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_current: Option<Number>,
    /// From this power, in kW.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_power: Option<Number>,
    /// Below this power.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_power: Option<Number>,
    /// From this age of the session, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_duration: Option<u32>,
    /// Below this age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<u32>,
    /// On these days.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub day_of_week: Vec<DayOfWeek>,
    /// Prices a reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationRestriction>,
}

/// An amount, without and with tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Without tax.
    pub excl_vat: Number,
    /// With tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incl_vat: Option<Number>,
}

/// A text for people in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisplayText {
    /// ISO 639-1.
    pub language: Text<2>,
    /// The text.
    pub text: Text<512>,
}

impl DisplayText {
    /// An English text.
    #[must_use]
    pub fn english(text: &str) -> Self {
        Self { language: Text::fitted("en"), text: Text::fitted(text) }
    }
}
