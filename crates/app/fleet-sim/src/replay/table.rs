//! Sessions as CSV.

use std::io::Read;

use csv::StringRecord;
use jiff::civil::Date;
use voltwin_core::Timestamp;

use super::{MAX_ROWS, RecordedSession, ReplayError, bad, check_session, check_station, energy_wh, guard};

const ARRIVAL: &str = "arrival";
const DEPARTURE: &str = "departure";
const STATION: &str = "station_id";
const SESSION: &str = "session_id";
const ENERGY: &str = "delivered_energy (kWh)";
const COLUMNS: [&str; 5] = [ARRIVAL, DEPARTURE, STATION, SESSION, ENERGY];

pub(super) fn parse(input: impl Read) -> Result<Vec<RecordedSession>, ReplayError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let columns = header(reader.headers().map_err(explain)?)?;
    let mut sessions = Vec::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(explain)? {
        let line = record.position().map_or(0, csv::Position::line);
        if sessions.len() >= MAX_ROWS {
            let detail = format!("the file has more than {MAX_ROWS} sessions");
            return Err(ReplayError::Line { line, detail });
        }
        sessions.push(session(&record, &columns, line)?);
    }
    Ok(sessions)
}

/// Where the columns stand.
fn header(record: &StringRecord) -> Result<[usize; 5], ReplayError> {
    let mut places = [0; 5];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let mut found = record.iter().enumerate().filter(|(_, name)| *name == column);
        let fail = |detail| ReplayError::Header { column: column.to_owned(), detail };
        *place = found.next().ok_or_else(|| fail("there is no such column"))?.0;
        if found.next().is_some() {
            return Err(fail("the column stands there twice"));
        }
    }
    Ok(places)
}

fn session(record: &StringRecord, columns: &[usize; 5], line: u64) -> Result<RecordedSession, ReplayError> {
    let [arrival_text, departure_text, station_id, session_id, energy] =
        columns.map(|place| record.get(place).unwrap_or_default());
    let time = |column, text: &str| -> Result<Timestamp, ReplayError> {
        text.parse().map_err(|_| bad("line", line, column, text, "is not a date and time with an offset"))
    };
    let arrival = time(ARRIVAL, arrival_text)?;
    let departure = time(DEPARTURE, departure_text)?;
    if departure <= arrival {
        let detail = format!("is not after the arrival at {arrival_text}");
        return Err(bad("line", line, DEPARTURE, departure_text, detail));
    }
    check_station(station_id).map_err(|detail| bad("line", line, STATION, station_id, detail))?;
    check_session(session_id).map_err(|detail| bad("line", line, SESSION, session_id, detail))?;
    let energy_wh = energy_wh(energy).map_err(|detail| bad("line", line, ENERGY, energy, detail))?;
    let day: Date = arrival_text
        .get(..10)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| bad("line", line, ARRIVAL, arrival_text, "does not begin with a date"))?;
    Ok(RecordedSession {
        session_id: session_id.to_owned(),
        station_id: station_id.to_owned(),
        arrival,
        departure,
        done_charging: None,
        energy_wh,
        day,
        line,
    })
}

fn explain(error: csv::Error) -> ReplayError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => guard::explain(source),
        csv::ErrorKind::Utf8 { err, .. } => {
            let detail = format!("column {}: it is not UTF-8", err.field() + 1);
            ReplayError::Line { line, detail }
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let detail =
                format!("column {}: {len} columns instead of {expected_len}", len.min(expected_len) + 1);
            ReplayError::Line { line, detail }
        }
        other => ReplayError::Line { line, detail: format!("{other:?}") },
    }
}
