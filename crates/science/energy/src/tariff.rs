//! Prices for planning: by time of use in local time, with a charge on the highest power of a month.
//!
//! Bills in exact decimals are made elsewhere; a plan needs prices of slots, in floats.

use jiff::civil::Weekday;
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use crate::error::EnergyError;

/// Days of the week on which a season holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Days {
    /// Every day.
    All,
    /// Monday to Friday.
    Weekdays,
    /// Saturday and Sunday.
    Weekends,
}

/// Prices by hour of the day that hold for some days of some part of the year.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Season {
    /// First day, `MM-DD`.
    pub effective_start: String,
    /// Last day, `MM-DD`; before the first one where the season spans the new year.
    pub effective_end: String,
    /// Days of the week.
    #[serde(rename = "dow_mask")]
    pub days: Days,
    /// Hours of the local day from which each price holds, the first at 0.
    pub times: Vec<f64>,
    /// Price from each of these hours on, money/kWh.
    pub tariffs: Vec<f64>,
    /// Charge on the highest power of a month, money/kW.
    #[serde(default)]
    pub demand_charge: f64,
}

/// A time-of-use tariff.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TimeOfUse {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Seasons; the first that holds on a day gives its prices.
    #[serde(rename = "schedule")]
    pub seasons: Vec<Season>,
}

impl TimeOfUse {
    /// Price of each slot, money/kWh, as it is at the slot's begin in local time.
    ///
    /// Slots are equal parts of real time: on the day on which clocks go forward there are four quarter hours less, on the
    /// other one four more, and each has the price of its hour.
    ///
    /// # Errors
    /// Where no season holds at a slot, or a season's lists do not fit together.
    pub fn prices(
        &self,
        zone: &TimeZone,
        from: Timestamp,
        slot_s: i64,
        slots: usize,
    ) -> Result<Vec<f64>, EnergyError> {
        (0..slots)
            .map(|slot| {
                let at = from.as_second() + slot_s * slot as i64;
                let at =
                    Timestamp::from_second(at).map_err(|error| wrong("schedule", at, &error.to_string()))?;
                let local = at.to_zoned(zone.clone()).datetime();
                let season = self.season(local.date())?;
                let hour = f64::from(local.hour()) + f64::from(local.minute()) / 60.0;
                let place = season.times.iter().rposition(|time| *time <= hour);
                place
                    .and_then(|place| season.tariffs.get(place).copied())
                    .filter(|price| price.is_finite())
                    .ok_or_else(|| wrong("schedule.tariffs", hour, "covered by a price from hour 0 on"))
            })
            .collect()
    }

    /// Charge on the highest power of the month in which a moment lies, money/kW.
    ///
    /// # Errors
    /// Where no season holds then.
    pub fn demand_charge(&self, zone: &TimeZone, at: Timestamp) -> Result<f64, EnergyError> {
        Ok(self.season(at.to_zoned(zone.clone()).date())?.demand_charge)
    }

    fn season(&self, date: jiff::civil::Date) -> Result<&Season, EnergyError> {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let today = (date.month(), date.day());
        for season in &self.seasons {
            let (from, to) = (month_day(&season.effective_start)?, month_day(&season.effective_end)?);
            let inside = if from <= to { from <= today && today <= to } else { today >= from || today <= to };
            let on_day = match season.days {
                Days::All => true,
                Days::Weekdays => !weekend,
                Days::Weekends => weekend,
            };
            if inside && on_day {
                return Ok(season);
            }
        }
        Err(wrong("schedule", date, "a day of one of the seasons"))
    }
}

fn month_day(text: &str) -> Result<(i8, i8), EnergyError> {
    let parse = || {
        let (month, day) = text.split_once('-')?;
        Some((month.parse().ok()?, day.parse().ok()?))
    };
    parse().ok_or_else(|| wrong("schedule.effective_start", text, "MM-DD"))
}

#[allow(clippy::needless_pass_by_value, reason = "numbers are given as they are, to be shown")]
fn wrong(field: &str, value: impl ToString, expected: &str) -> EnergyError {
    EnergyError::Value { field: field.to_owned(), value: value.to_string(), expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_on_which_clocks_change_have_92_and_100_quarter_hours() {
        let season = Season {
            effective_start: "01-01".to_owned(),
            effective_end: "12-31".to_owned(),
            days: Days::All,
            times: vec![0.0, 2.0, 3.0],
            tariffs: vec![0.1, 0.2, 0.3],
            demand_charge: 0.0,
        };
        let tariff = TimeOfUse { name: String::new(), seasons: vec![season] };
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let spring: Timestamp = "2023-03-25T23:00:00Z".parse().unwrap();
        let prices = tariff.prices(&zone, spring, 900, 92).unwrap();
        assert_eq!(prices.iter().filter(|price| **price == 0.2).count(), 0, "there is no 2 o'clock");
        assert_eq!(prices.iter().filter(|price| **price == 0.1).count(), 8);
        let autumn: Timestamp = "2023-10-28T22:00:00Z".parse().unwrap();
        let prices = tariff.prices(&zone, autumn, 900, 100).unwrap();
        assert_eq!(prices.iter().filter(|price| **price == 0.2).count(), 8, "2 o'clock comes twice");
    }
}
