//! The tariff as it is written down. The JSON form is that of the serde derives here: decimals are strings, times of
//! day `HH:MM`, dates `YYYY-MM-DD`, enum words in snake case.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

use crate::{Currency, TariffError};

const ELEMENTS_MAX: usize = 100;
const TEXTS_MAX: usize = 20;
const TEXT_CHARS_MAX: usize = 512;
const PRICE_MAX: i64 = 1_000_000_000;
const PRICE_PLACES_MAX: u32 = 6;
const STEP_MAX: u32 = 86_400_000;
const GRACE_S_MAX: u32 = 86_400;

/// What charging costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// In which currency all amounts are.
    pub currency: Currency,
    /// Prices and when they hold; the first that is active gives the price of a kind.
    pub elements: Vec<Element>,
    /// A session costs at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price: Option<Limit>,
    /// A session costs at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Limit>,
    /// Seconds of each stretch of idle time that are free. OCPI cannot express it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle_grace_s: u32,
    /// Where amounts are rounded.
    #[serde(default)]
    pub rounding: Rounding,
    /// More for the driver, by language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<Text>,
    /// A page that explains the tariff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// From when it holds (inclusive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// Until when it holds (exclusive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Timestamp>,
}

/// Some prices, and when they hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// One price a kind.
    pub components: Vec<Component>,
    /// When they hold; always, without any.
    #[serde(default, skip_serializing_if = "Restrictions::is_none")]
    pub restrictions: Restrictions,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Of what.
    pub kind: Kind,
    /// Without tax: per kWh, per hour, or once.
    pub price: Decimal,
    /// Tax in percent; `None` is "no tax applies", which is not 0 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_percent: Option<Decimal>,
    /// What is billed is rounded up to a multiple of this: watt-hours for energy, seconds for time.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub step: u32,
}

/// What a price is for. OCPI: `ENERGY`, `TIME`, `PARKING_TIME`, `FLAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Per kWh.
    Energy,
    /// Per hour of charging.
    Time,
    /// Per hour plugged in without charging.
    Parking,
    /// Once a session.
    Flat,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Energy, Self::Time, Self::Parking, Self::Flat];

    /// As it is written in a tariff.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Energy => "energy",
            Self::Time => "time",
            Self::Parking => "parking",
            Self::Flat => "flat",
        }
    }
}

/// When an element is active: all that are given must hold. Lower bounds are inclusive, upper ones exclusive.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Restrictions {
    /// From this time of day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<LocalTime>,
    /// To this time of day; one not after `start_time` is on the next day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<LocalTime>,
    /// From this local date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Date>,
    /// Before this local date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Date>,
    /// On these days; on all, without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// From this much energy of the session, in watt-hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_energy_wh: Option<Decimal>,
    /// Below this much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_energy_wh: Option<Decimal>,
    /// From this power, in watts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_power_w: Option<Decimal>,
    /// Below this power.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_power_w: Option<Decimal>,
    /// From this current over all phases, in amperes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_current_a: Option<Decimal>,
    /// Below this current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_current_a: Option<Decimal>,
    /// From this age of the session, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_duration_s: Option<u32>,
    /// Below this age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration_s: Option<u32>,
    /// The element prices a reservation and never a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<jiff::civil::Weekday> for Day {
    fn from(day: jiff::civil::Weekday) -> Self {
        use jiff::civil::Weekday as W;
        match day {
            W::Monday => Self::Monday,
            W::Tuesday => Self::Tuesday,
            W::Wednesday => Self::Wednesday,
            W::Thursday => Self::Thursday,
            W::Friday => Self::Friday,
            W::Saturday => Self::Saturday,
            W::Sunday => Self::Sunday,
        }
    }
}

/// What an element that prices a reservation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reservation {
    /// The reservation itself.
    Reservation,
    /// One that expires unused.
    ReservationExpires,
}

/// A least or greatest total.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Without tax.
    pub net: Decimal,
    /// With tax, where it limits too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gross: Option<Decimal>,
}

/// Where amounts are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Each line, net and tax; totals are the sums of what is printed.
    #[default]
    Line,
    /// The totals only.
    Total,
}

/// A text for the driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// ISO 639-1.
    pub language: String,
    /// At most 512 characters.
    pub text: String,
}

/// A time of day in minutes, `HH:MM`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(u16);

impl LocalTime {
    /// Minutes since midnight, 0 to 1439.
    #[must_use]
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for LocalTime {
    type Err = TariffError;
    fn from_str(text: &str) -> Result<Self, TariffError> {
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            let two = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            if !(two(hours) && two(minutes)) {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(Self(hours * 60 + minutes))
        };
        read().ok_or_else(|| TariffError::LocalTime(text.chars().take(12).collect()))
    }
}

impl TryFrom<String> for LocalTime {
    type Error = TariffError;
    fn try_from(text: String) -> Result<Self, TariffError> {
        text.parse()
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn one() -> u32 {
    1
}

fn is_one(value: &u32) -> bool {
    *value == 1
}

impl Tariff {
    /// A tariff of these elements and nothing else.
    #[must_use]
    pub fn new(currency: Currency, elements: Vec<Element>) -> Self {
        Self {
            currency,
            elements,
            min_price: None,
            max_price: None,
            idle_grace_s: 0,
            rounding: Rounding::Line,
            texts: Vec::new(),
            url: None,
            valid_from: None,
            valid_to: None,
        }
    }

    /// The rate, as a fraction, of the first component with tax.
    pub(crate) fn first_tax_rate(&self) -> Decimal {
        let mut components = self.elements.iter().flat_map(|element| &element.components);
        components.find_map(|component| component.tax_percent).unwrap_or_default() / Decimal::ONE_HUNDRED
    }

    /// Whether it holds at this time.
    #[must_use]
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`TariffError::Field`] naming the first that makes no sense.
    pub fn check(&self) -> Result<(), TariffError> {
        counted("elements", self.elements.len(), 1, ELEMENTS_MAX)?;
        counted("texts", self.texts.len(), 0, TEXTS_MAX)?;
        for (index, text) in self.texts.iter().enumerate() {
            let code = text.language.len() == 2 && text.language.bytes().all(|b| b.is_ascii_lowercase());
            rule(
                code,
                || format!("texts[{index}].language"),
                &text.language,
                "two small letters (ISO 639-1)",
            )?;
            let short = text.text.chars().count() <= TEXT_CHARS_MAX;
            rule(short, || format!("texts[{index}].text"), &"…", "at most 512 characters")?;
        }
        for (index, element) in self.elements.iter().enumerate() {
            element.check(&format!("elements[{index}]"))?;
        }
        for (name, limit) in [("min_price", &self.min_price), ("max_price", &self.max_price)] {
            let Some(limit) = limit else { continue };
            amount(&format!("{name}.net"), limit.net)?;
            if let Some(gross) = limit.gross {
                amount(&format!("{name}.gross"), gross)?;
                rule(gross >= limit.net, || format!("{name}.gross"), &gross, "not below the net amount")?;
            }
        }
        if let (Some(min), Some(max)) = (self.min_price, self.max_price) {
            rule(min.net <= max.net, || "min_price.net".to_owned(), &min.net, "not above `max_price.net`")?;
            let gross = |limit: Limit| limit.gross.unwrap_or(limit.net);
            let fits = max.gross.is_none() || gross(min) <= gross(max);
            rule(fits, || "min_price.gross".to_owned(), &gross(min), "not above `max_price.gross`")?;
        }
        let grace = self.idle_grace_s <= GRACE_S_MAX;
        rule(grace, || "idle_grace_s".to_owned(), &self.idle_grace_s, "at most 86400")?;
        if let (Some(from), Some(to)) = (self.valid_from, self.valid_to) {
            rule(from < to, || "valid_to".to_owned(), &to, "after `valid_from`")?;
        }
        let url = self.url.as_deref().unwrap_or("https://");
        let web = url.len() <= 255 && (url.starts_with("https://") || url.starts_with("http://"));
        rule(web, || "url".to_owned(), &url, "an address that begins with https:// of at most 255 bytes")
    }
}

impl Element {
    /// Components that hold always.
    #[must_use]
    pub fn of(components: Vec<Component>) -> Self {
        Self { components, restrictions: Restrictions::default() }
    }

    pub(crate) fn component(&self, kind: Kind) -> Option<&Component> {
        self.components.iter().find(|component| component.kind == kind)
    }

    fn check(&self, at: &str) -> Result<(), TariffError> {
        counted(&format!("{at}.components"), self.components.len(), 1, Kind::ALL.len())?;
        for (index, component) in self.components.iter().enumerate() {
            let at = format!("{at}.components[{index}]");
            let first = !self.components[..index].iter().any(|other| other.kind == component.kind);
            rule(first, || format!("{at}.kind"), &component.kind.name(), "there once an element")?;
            amount(&format!("{at}.price"), component.price)?;
            if let Some(tax) = component.tax_percent {
                amount(&format!("{at}.tax_percent"), tax)?;
                let rate = tax <= Decimal::ONE_HUNDRED;
                rule(rate, || format!("{at}.tax_percent"), &tax, "at most 100")?;
            }
            let step = (1..=STEP_MAX).contains(&component.step);
            rule(step, || format!("{at}.step"), &component.step, "1 to 86400000")?;
        }
        self.restrictions.check(&format!("{at}.restrictions"))
    }
}

impl Component {
    /// A price without tax and steps.
    #[must_use]
    pub fn new(kind: Kind, price: Decimal) -> Self {
        Self { kind, price, tax_percent: None, step: 1 }
    }

    /// The same with tax.
    #[must_use]
    pub fn taxed(self, percent: Decimal) -> Self {
        Self { tax_percent: Some(percent), ..self }
    }

    /// The same billed in steps.
    #[must_use]
    pub fn stepped(self, step: u32) -> Self {
        Self { step, ..self }
    }
}

impl Restrictions {
    /// Whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self, at: &str) -> Result<(), TariffError> {
        let ranges = [
            ("energy_wh", self.min_energy_wh, self.max_energy_wh),
            ("power_w", self.min_power_w, self.max_power_w),
            ("current_a", self.min_current_a, self.max_current_a),
            ("duration_s", self.min_duration_s.map(Decimal::from), self.max_duration_s.map(Decimal::from)),
        ];
        for (name, min, max) in ranges {
            for (side, value) in [("min", min), ("max", max)] {
                if let Some(value) = value {
                    amount(&format!("{at}.{side}_{name}"), value)?;
                }
            }
            if let (Some(min), Some(max)) = (min, max) {
                rule(min < max, || format!("{at}.max_{name}"), &max, "above its minimum")?;
            }
        }
        if let (Some(start), Some(end)) = (self.start_date, self.end_date) {
            rule(start < end, || format!("{at}.end_date"), &end, "after `start_date`")?;
        }
        counted(&format!("{at}.days"), self.days.len(), 0, 7)
    }
}

fn rule(
    holds: bool,
    field: impl Fn() -> String,
    value: &dyn fmt::Display,
    rule: &str,
) -> Result<(), TariffError> {
    if holds {
        return Ok(());
    }
    let value = value.to_string().chars().take(60).collect();
    Err(TariffError::Field { field: field(), value, rule: rule.to_owned() })
}

fn counted(field: &str, count: usize, min: usize, max: usize) -> Result<(), TariffError> {
    let fits = (min..=max).contains(&count);
    rule(fits, || field.to_owned(), &format_args!("{count} entries"), &format!("{min} to {max} entries"))
}

fn amount(field: &str, value: Decimal) -> Result<(), TariffError> {
    let fits = value >= Decimal::ZERO
        && value <= Decimal::from(PRICE_MAX)
        && value.normalize().scale() <= PRICE_PLACES_MAX;
    rule(fits, || field.to_owned(), &value, "0 to 1000000000 with at most 6 decimal places")
}
