//! Transaction events of one batch, folded into the registry.
//!
//! A batch costs a handful of statements however many events it holds: each statement takes its rows as one JSON
//! array. Statement by statement, the way through the database's thread would cost more than the work.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};
use sqlx::SqliteConnection;
use voltwin_core::{Event, EventBody, TransactionFact};

use crate::StoreError;
use crate::bill::{Bill, Recorded, place};
use crate::row::{Fields, bad, word};

/// Tenant, station, transaction id.
type Key<'a> = (&'a str, &'a str, &'a str);
/// A [`Key`] with the place of an event.
type Place = (String, String, String, i64, i64);

/// One transaction event of the batch.
pub(crate) struct Told<'a> {
    pub(crate) event: &'a Event,
    pub(crate) fact: &'a TransactionFact,
}

impl<'a> Told<'a> {
    /// The event, if it is one of a transaction.
    pub(crate) fn of(event: &'a Event) -> Option<Self> {
        match &event.body {
            EventBody::Transaction(fact) => Some(Self { event, fact }),
            _ => None,
        }
    }

    fn key(&self) -> Key<'a> {
        (self.event.tenant.as_str(), self.event.twin.as_str(), &self.fact.transaction_id)
    }

    fn start(&self) -> Option<Key<'a>> {
        Some((self.event.tenant.as_str(), self.event.twin.as_str(), self.fact.start_key.as_deref()?))
    }
}

/// Records the events, each once, and brings the bills of their transactions up to date. The answers stand in the
/// order of the events: `Some(id)` means that this one is recorded already, as part of transaction `id`.
pub(crate) async fn fold(
    conn: &mut SqliteConnection,
    told: &[Told<'_>],
) -> Result<Vec<Option<String>>, StoreError> {
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = started(&mut *conn, told).await?;
    let mut fresh = Vec::with_capacity(told.len());
    for one in told {
        // A start that comes again with another id is the start that was first, also within the batch.
        let repeated = one.start().and_then(|(tenant, station, start)| {
            let key = (tenant.to_owned(), station.to_owned(), start.to_owned());
            let first = known.entry(key).or_insert_with(|| one.fact.transaction_id.clone());
            (*first != one.fact.transaction_id).then(|| first.clone())
        });
        fresh.push((one, Recorded::of(one.event.at, one.fact), repeated));
    }
    let mut new = record(&mut *conn, &fresh).await?;
    let mut outcome = Vec::with_capacity(told.len());
    let mut taken = Vec::with_capacity(told.len());
    for (one, recorded, repeated) in fresh {
        if repeated.is_some() {
            outcome.push(repeated);
        } else if new.remove(&place_of(one)) {
            outcome.push(None);
            taken.push((one, recorded));
        } else {
            outcome.push(Some(one.fact.transaction_id.clone()));
        }
    }
    keep_signed(&mut *conn, &taken).await?;
    bill(conn, &taken).await?;
    Ok(outcome)
}

fn place_of(one: &Told<'_>) -> Place {
    let (tenant, station, id) = one.key();
    let (seq_no, phase) = place(one.fact);
    (tenant.to_owned(), station.to_owned(), id.to_owned(), seq_no, phase)
}

/// The transactions that the batch's starts have begun already.
async fn started(
    conn: &mut SqliteConnection,
    told: &[Told<'_>],
) -> Result<HashMap<(String, String, String), String>, StoreError> {
    let starts: Vec<Json> = told.iter().filter_map(Told::start).map(|key| json!(key)).collect();
    if starts.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "SELECT t.tenant, t.station, t.start_key, t.transaction_id FROM json_each(?) AS j
         CROSS JOIN transactions AS t
         ON t.tenant = j.value ->> 0 AND t.station = j.value ->> 1 AND t.start_key = j.value ->> 2",
    )
    .bind(Json::from(starts).to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::database("look for starts"))?;
    let read = |row| {
        let fields = Fields(row);
        let key = (fields.text("tenant")?, fields.text("station")?, fields.text("start_key")?);
        Ok((key, fields.text("transaction_id")?))
    };
    rows.iter().map(read).collect()
}

/// Adds the events to those of their transactions; returns which were not there.
async fn record(
    conn: &mut SqliteConnection,
    fresh: &[(&Told<'_>, Recorded, Option<String>)],
) -> Result<HashSet<Place>, StoreError> {
    let mut rows = Vec::with_capacity(fresh.len());
    for (one, recorded, repeated) in fresh {
        if repeated.is_none() {
            let (tenant, station, id) = one.key();
            let (seq_no, phase) = place(one.fact);
            let fact = serde_json::to_string(&recorded.fact).map_err(bad("fact"))?;
            rows.push(json!([tenant, station, id, seq_no, phase, recorded.at.as_micros(), fact]));
        }
    }
    let rows = sqlx::query(
        "INSERT INTO transaction_events (tenant, station, transaction_id, seq_no, phase, at_us, fact)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
         FROM json_each(?) WHERE TRUE
         ON CONFLICT DO NOTHING RETURNING tenant, station, transaction_id, seq_no, phase",
    )
    .bind(Json::from(rows).to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::database("record transaction events"))?;
    let read = |row| {
        let fields = Fields(row);
        Ok((
            fields.text("tenant")?,
            fields.text("station")?,
            fields.text("transaction_id")?,
            fields.get("seq_no")?,
            fields.get("phase")?,
        ))
    };
    rows.iter().map(read).collect()
}

/// Keeps the readings that the meters signed, byte for byte.
async fn keep_signed(conn: &mut SqliteConnection, taken: &[(&Told<'_>, Recorded)]) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for (one, _) in taken {
        let (tenant, station, id) = one.key();
        let (seq_no, phase) = place(one.fact);
        for (position, reading) in one.fact.signed.iter().enumerate() {
            let reading = serde_json::to_string(reading).map_err(bad("reading"))?;
            rows.push(json!([tenant, station, id, seq_no, phase, position, reading]));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO signed_readings (tenant, station, transaction_id, seq_no, phase, position, reading)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
         FROM json_each(?) WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(Json::from(rows).to_string())
    .execute(conn)
    .await
    .map(drop)
    .map_err(StoreError::database("keep signed readings"))
}

/// A bill while the batch works on it.
struct Open {
    /// `None`: the transaction is new.
    number: Option<i64>,
    bill: Bill,
    /// An event came before one that the bill holds: it is to be folded anew from all its events.
    anew: bool,
}

async fn bill(conn: &mut SqliteConnection, taken: &[(&Told<'_>, Recorded)]) -> Result<(), StoreError> {
    let mut keys: Vec<Key<'_>> = taken.iter().map(|(one, _)| one.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut bills = bills(&mut *conn, &keys).await?;
    for (one, recorded) in taken {
        let open =
            bills.entry(one.key()).or_insert_with(|| Open { number: None, bill: Bill::new(), anew: false });
        if open.anew || !open.bill.precedes(recorded) {
            open.anew = true;
        } else {
            open.bill.push(recorded);
        }
    }
    let mut next = HashMap::new();
    let mut rows = Vec::with_capacity(bills.len());
    let mut due = Vec::new();
    // in the order of the events, so that numbers follow it
    let mut order: Vec<Key<'_>> = Vec::with_capacity(bills.len());
    let mut seen = HashSet::new();
    order.extend(taken.iter().map(|(one, _)| one.key()).filter(|key| seen.insert(*key)));
    for key in order {
        let Some(open) = bills.get_mut(&key) else { continue };
        if open.anew {
            open.bill = Bill::of(recorded_events(&mut *conn, key).await?);
        }
        let number = match open.number {
            Some(number) => number,
            None => next_number(&mut *conn, &mut next, key.0).await?,
        };
        if open.bill.ended_at.is_some() {
            due.push(json!([key.0, number]));
        }
        rows.push(row(key, number, &open.bill)?);
    }
    write(&mut *conn, rows).await?;
    mark_due(conn, due).await
}

async fn bills<'a>(
    conn: &mut SqliteConnection,
    keys: &[Key<'a>],
) -> Result<HashMap<Key<'a>, Open>, StoreError> {
    let rows = sqlx::query(
        "SELECT j.key AS place, t.number, t.bill FROM json_each(?) AS j CROSS JOIN transactions AS t
         ON t.tenant = j.value ->> 0 AND t.station = j.value ->> 1 AND t.transaction_id = j.value ->> 2",
    )
    .bind(json!(keys).to_string())
    .fetch_all(conn)
    .await
    .map_err(StoreError::database("read transactions"))?;
    let mut open = HashMap::with_capacity(keys.len());
    for row in &rows {
        let fields = Fields(row);
        let place: i64 = fields.get("place")?;
        let key = usize::try_from(place).ok().and_then(|place| keys.get(place));
        if let Some(key) = key {
            let (number, bill) = (Some(fields.get("number")?), fields.json("bill")?);
            open.insert(*key, Open { number, bill, anew: false });
        }
    }
    Ok(open)
}

async fn recorded_events(conn: &mut SqliteConnection, key: Key<'_>) -> Result<Vec<Recorded>, StoreError> {
    let rows = sqlx::query(
        "SELECT at_us, fact FROM transaction_events WHERE tenant = ? AND station = ? AND transaction_id = ?",
    )
    .bind(key.0)
    .bind(key.1)
    .bind(key.2)
    .fetch_all(conn)
    .await
    .map_err(StoreError::database("read a transaction"))?;
    let read = |row| Ok(Recorded { at: Fields(row).time("at_us")?, fact: Fields(row).json("fact")? });
    rows.iter().map(read).collect()
}

/// Numbers count up from 1 in each tenant.
async fn next_number<'a>(
    conn: &mut SqliteConnection,
    next: &mut HashMap<&'a str, i64>,
    tenant: &'a str,
) -> Result<i64, StoreError> {
    if !next.contains_key(tenant) {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(number) FROM transactions WHERE tenant = ?")
            .bind(tenant)
            .fetch_one(conn)
            .await
            .map_err(StoreError::database("number a transaction"))?;
        next.insert(tenant, last.unwrap_or(0));
    }
    let number = next.entry(tenant).or_insert(0);
    *number += 1;
    Ok(*number)
}

fn row((tenant, station, id): Key<'_>, number: i64, bill: &Bill) -> Result<Json, StoreError> {
    Ok(json!([
        tenant,
        number,
        station,
        id,
        bill.start_key,
        bill.id_token,
        word(&bill.state()),
        bill.started_at.map(|at| at.as_micros()),
        bill.ended_at.map(|at| at.as_micros()),
        bill.last_at.as_micros(),
        bill.energy_wh().to_string(),
        bill.energy_uwh(),
        serde_json::to_string(bill).map_err(bad("bill"))?,
    ]))
}

async fn write(conn: &mut SqliteConnection, rows: Vec<Json>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO transactions (tenant, number, station, transaction_id, start_key, id_token, state,
             started_at_us, ended_at_us, last_at_us, energy_wh, energy_uwh, bill)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
             value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
         FROM json_each(?) WHERE TRUE
         ON CONFLICT (tenant, number) DO UPDATE SET
             start_key = excluded.start_key, id_token = excluded.id_token, state = excluded.state,
             started_at_us = excluded.started_at_us, ended_at_us = excluded.ended_at_us,
             last_at_us = excluded.last_at_us, energy_wh = excluded.energy_wh,
             energy_uwh = excluded.energy_uwh, bill = excluded.bill",
    )
    .bind(Json::from(rows).to_string())
    .execute(conn)
    .await
    .map(drop)
    .map_err(StoreError::database("write transactions"))
}

/// Marks ended transactions to be rated, where anything is priced at all.
async fn mark_due(conn: &mut SqliteConnection, ended: Vec<Json>) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO rating_due (tenant, number)
         SELECT value ->> 0, value ->> 1 FROM json_each(?1)
         WHERE EXISTS (SELECT 1 FROM tariff_assignments WHERE tenant = value ->> 0)
         ON CONFLICT DO NOTHING",
    )
    .bind(Json::from(ended).to_string())
    .execute(conn)
    .await
    .map(drop)
    .map_err(StoreError::database("mark transactions to be rated"))
}
