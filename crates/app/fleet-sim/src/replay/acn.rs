//! Sessions as the ACN-Data interface gives them.

use std::fmt;
use std::io::Read;

use jiff::{fmt::rfc2822, tz::TimeZone};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use voltwin_core::Timestamp;

use super::{MAX_ROWS, RecordedSession, ReplayError, bad, check_session, check_station, energy_wh, guard};

#[derive(serde::Deserialize)]
struct AcnFile {
    #[serde(rename = "_items")]
    items: Items,
}

/// The fields that we use, as text, so that a wrong one can be named and numbers stay exact.
#[derive(serde::Deserialize)]
struct Item {
    #[serde(rename = "connectionTime", default)]
    connection_time: Option<Box<RawValue>>,
    #[serde(rename = "disconnectTime", default)]
    disconnect_time: Option<Box<RawValue>>,
    #[serde(rename = "doneChargingTime", default)]
    done_charging_time: Option<Box<RawValue>>,
    #[serde(rename = "kWhDelivered", default)]
    kwh_delivered: Option<Box<RawValue>>,
    #[serde(rename = "sessionID", default)]
    session_id: Option<Box<RawValue>>,
    #[serde(rename = "stationID", default)]
    station_id: Option<Box<RawValue>>,
    #[serde(default)]
    timezone: Option<Box<RawValue>>,
}

struct Items(Vec<Item>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;
        impl<'de> Visitor<'de> for Bounded {
            type Value = Items;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of sessions")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() >= MAX_ROWS {
                        let detail = format!("the file has more than {MAX_ROWS} sessions");
                        return Err(serde::de::Error::custom(detail));
                    }
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Bounded)
    }
}

pub(super) fn parse(input: impl Read) -> Result<Vec<RecordedSession>, ReplayError> {
    let file: AcnFile = serde_json::from_reader(input).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column());
        if error.is_io() {
            guard::explain(error.into())
        } else {
            ReplayError::Line { line, detail: format!("column {column}: {error}") }
        }
    })?;
    file.items.0.into_iter().zip(1..).map(|(item, number)| session(&item, number)).collect()
}

fn session(item: &Item, number: u64) -> Result<RecordedSession, ReplayError> {
    let text = |column: &'static str, raw: &Option<Box<RawValue>>| -> Result<String, ReplayError> {
        let raw = raw.as_deref().map_or("null", RawValue::get);
        serde_json::from_str(raw).map_err(|_| bad("item", number, column, raw, "is not a text"))
    };
    let time = |column: &'static str, raw: &Option<Box<RawValue>>| -> Result<Timestamp, ReplayError> {
        let text = text(column, raw)?;
        let parsed = rfc2822::parse(&text).ok().map(|zoned| zoned.timestamp().as_microsecond());
        parsed
            .filter(|us| *us >= 0)
            .map(Timestamp::from_micros)
            .or_else(|| text.parse().ok())
            .ok_or_else(|| bad("item", number, column, &text, "is not a date and time"))
    };
    let arrival = time("connectionTime", &item.connection_time)?;
    let departure = time("disconnectTime", &item.disconnect_time)?;
    if departure <= arrival {
        let detail = format!("is not after the arrival at {arrival}");
        return Err(bad("item", number, "disconnectTime", &departure.to_string(), detail));
    }
    let is_null = |raw: &Option<Box<RawValue>>| raw.as_deref().is_none_or(|raw| raw.get() == "null");
    // The meter of the source may report the end of the current a little outside of the stay.
    let done_charging = match is_null(&item.done_charging_time) {
        true => None,
        false => Some(time("doneChargingTime", &item.done_charging_time)?),
    };
    let session_id = text("sessionID", &item.session_id)?;
    check_session(&session_id).map_err(|detail| bad("item", number, "sessionID", &session_id, detail))?;
    let station_id = text("stationID", &item.station_id)?;
    check_station(&station_id).map_err(|detail| bad("item", number, "stationID", &station_id, detail))?;
    let energy = item.kwh_delivered.as_deref().map_or("null", RawValue::get);
    let energy_wh =
        energy_wh(energy).map_err(|detail| bad("item", number, "kWhDelivered", energy, detail))?;
    let zone = match is_null(&item.timezone) {
        true => TimeZone::UTC,
        false => {
            let name = text("timezone", &item.timezone)?;
            TimeZone::get(&name)
                .map_err(|_| bad("item", number, "timezone", &name, "is not an IANA time zone"))?
        }
    };
    let instant = jiff::Timestamp::from_microsecond(arrival.as_micros())
        .map_err(|_| bad("item", number, "connectionTime", &arrival.to_string(), "is out of range"))?;
    Ok(RecordedSession {
        session_id,
        station_id,
        arrival,
        departure,
        done_charging: done_charging.filter(|at| *at > arrival && *at < departure),
        energy_wh,
        day: instant.to_zoned(zone).date(),
        line: number,
    })
}
