//! What events mean for the registry: the fold that runs inside the journal's transaction.

use sqlx::SqliteConnection;
use voltwin_core::{
    AlarmChange, AlarmFact, CommandFact, CommandState, Event, EventBody, NoteFact, RecordFact,
    TransactionFact,
};

use crate::StoreError;
use crate::audit::Deed;
use crate::bill::{Bill, Recorded, place};
use crate::row::{Fields, bad, word};

/// Notes of one topic and twin that are kept; the journal keeps them all.
const NOTES_KEPT: i64 = 2_000;
/// How many notes pass between two looks at what is too old to keep.
const NOTES_SWEEP: i64 = 64;

/// Applies one event. `Some(id)` means: a transaction event of transaction `id` that is recorded already.
pub(crate) async fn fold(conn: &mut SqliteConnection, event: &Event) -> Result<Option<String>, StoreError> {
    match &event.body {
        EventBody::Transaction(fact) => return transaction(conn, event, fact).await,
        EventBody::Command(fact) => command(conn, event, fact).await?,
        EventBody::Alarm(fact) => alarm(conn, event, fact).await?,
        EventBody::Audit(fact) => {
            deed(event, &fact.by, &fact.action, event.twin.as_str(), &fact.detail).write(conn).await?;
        }
        EventBody::Record(fact) => record_fact(conn, event, fact).await?,
        EventBody::Note(fact) => note(conn, event, fact).await?,
        _ => {}
    }
    Ok(None)
}

/// The statement of the latest source time stands; of two of the same time the later in the journal.
async fn record_fact(
    conn: &mut SqliteConnection,
    event: &Event,
    fact: &RecordFact,
) -> Result<(), StoreError> {
    let query = match &fact.value {
        Some(value) => sqlx::query(
            "INSERT INTO records (tenant, topic, twin, key, at_us, value) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, topic, twin, key) DO UPDATE SET value = excluded.value, at_us = excluded.at_us
             WHERE records.at_us <= excluded.at_us",
        )
        .bind(event.tenant.as_str())
        .bind(&fact.topic)
        .bind(event.twin.as_str())
        .bind(&fact.key)
        .bind(event.at.as_micros())
        .bind(value.to_string()),
        None => sqlx::query(
            "DELETE FROM records WHERE tenant = ? AND topic = ? AND twin = ? AND key = ? AND at_us <= ?",
        )
        .bind(event.tenant.as_str())
        .bind(&fact.topic)
        .bind(event.twin.as_str())
        .bind(&fact.key)
        .bind(event.at.as_micros()),
    };
    query.execute(conn).await.map(drop).map_err(StoreError::database("write a record"))
}

async fn note(conn: &mut SqliteConnection, event: &Event, fact: &NoteFact) -> Result<(), StoreError> {
    let done = sqlx::query(
        "INSERT INTO notes (tenant, topic, twin, at_us, received_us, detail) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(event.tenant.as_str())
    .bind(&fact.topic)
    .bind(event.twin.as_str())
    .bind(event.at.as_micros())
    .bind(event.received.as_micros())
    .bind(fact.detail.to_string())
    .execute(&mut *conn)
    .await
    .map_err(StoreError::database("write a note"))?;
    if done.last_insert_rowid() % NOTES_SWEEP == 0 {
        sqlx::query(
            "DELETE FROM notes WHERE tenant = ?1 AND twin = ?2 AND topic = ?3 AND id <=
               (SELECT id FROM notes WHERE tenant = ?1 AND twin = ?2 AND topic = ?3
                ORDER BY id DESC LIMIT 1 OFFSET ?4)",
        )
        .bind(event.tenant.as_str())
        .bind(event.twin.as_str())
        .bind(&fact.topic)
        .bind(NOTES_KEPT)
        .execute(conn)
        .await
        .map_err(StoreError::database("sweep notes"))?;
    }
    Ok(())
}

fn deed<'a>(event: &'a Event, by: &'a str, action: &'a str, subject: &'a str, detail: &'a str) -> Deed<'a> {
    Deed { tenant: &event.tenant, at: event.received, by, action, subject, detail }
}

async fn transaction(
    conn: &mut SqliteConnection,
    event: &Event,
    fact: &TransactionFact,
) -> Result<Option<String>, StoreError> {
    if let Some(start_key) = &fact.start_key
        && let Some(known) = by_start_key(conn, event, start_key).await?
    {
        return Ok(Some(known));
    }
    let recorded = Recorded::of(event.at, fact);
    if !record(conn, event, &recorded).await? {
        return Ok(Some(fact.transaction_id.clone()));
    }
    signed(conn, event, fact).await?;
    let known = bill(conn, event, &fact.transaction_id).await?;
    let bill = match &known {
        // In order, the usual case: one step. Out of order: all again, the result is that of the sorted events.
        Some(bill) if !bill.precedes(fact) => Bill::of(recorded_events(conn, event, fact).await?),
        _ => {
            let mut bill = known.clone().unwrap_or_else(Bill::new);
            bill.push(&recorded);
            bill
        }
    };
    write_bill(conn, event, &fact.transaction_id, &bill, known.is_some()).await?;
    if bill.ended_at.is_some() {
        due(conn, event, &fact.transaction_id).await?;
    }
    Ok(None)
}

async fn by_start_key(
    conn: &mut SqliteConnection,
    event: &Event,
    start_key: &str,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(
        "SELECT transaction_id FROM transactions WHERE tenant = ? AND station = ? AND start_key = ?",
    )
    .bind(event.tenant.as_str())
    .bind(event.twin.as_str())
    .bind(start_key)
    .fetch_optional(conn)
    .await
    .map_err(StoreError::database("look for a start"))
}

/// Adds the event to those of its transaction; false when it is there already.
async fn record(conn: &mut SqliteConnection, event: &Event, recorded: &Recorded) -> Result<bool, StoreError> {
    let (seq_no, phase) = place(&recorded.fact);
    let done = sqlx::query(
        "INSERT INTO transaction_events (tenant, station, transaction_id, seq_no, phase, at_us, fact)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(event.tenant.as_str())
    .bind(event.twin.as_str())
    .bind(&recorded.fact.transaction_id)
    .bind(seq_no)
    .bind(phase)
    .bind(recorded.at.as_micros())
    .bind(serde_json::to_string(&recorded.fact).map_err(bad("fact"))?)
    .execute(conn)
    .await
    .map_err(StoreError::database("record a transaction event"))?;
    Ok(done.rows_affected() == 1)
}

/// Marks an ended transaction to be rated, where anything is priced at all.
async fn due(conn: &mut SqliteConnection, event: &Event, transaction_id: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO rating_due (tenant, number)
         SELECT tenant, number FROM transactions WHERE tenant = ?1 AND station = ?2 AND transaction_id = ?3
             AND EXISTS (SELECT 1 FROM tariff_assignments WHERE tenant = ?1)
         ON CONFLICT DO NOTHING",
    )
    .bind(event.tenant.as_str())
    .bind(event.twin.as_str())
    .bind(transaction_id)
    .execute(conn)
    .await
    .map(drop)
    .map_err(StoreError::database("mark a transaction to be rated"))
}

/// Keeps the readings that the meter signed, byte for byte.
async fn signed(
    conn: &mut SqliteConnection,
    event: &Event,
    fact: &TransactionFact,
) -> Result<(), StoreError> {
    let (seq_no, phase) = place(fact);
    for (index, reading) in (0_i64..).zip(&fact.signed) {
        sqlx::query(
            "INSERT INTO signed_readings (tenant, station, transaction_id, seq_no, phase, position, reading)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(event.tenant.as_str())
        .bind(event.twin.as_str())
        .bind(&fact.transaction_id)
        .bind(seq_no)
        .bind(phase)
        .bind(index)
        .bind(serde_json::to_string(reading).map_err(bad("reading"))?)
        .execute(&mut *conn)
        .await
        .map_err(StoreError::database("keep a signed reading"))?;
    }
    Ok(())
}

async fn bill(conn: &mut SqliteConnection, event: &Event, id: &str) -> Result<Option<Bill>, StoreError> {
    let row =
        sqlx::query("SELECT bill FROM transactions WHERE tenant = ? AND station = ? AND transaction_id = ?")
            .bind(event.tenant.as_str())
            .bind(event.twin.as_str())
            .bind(id)
            .fetch_optional(conn)
            .await
            .map_err(StoreError::database("read a transaction"))?;
    row.as_ref().map(|row| Fields(row).json("bill")).transpose()
}

async fn recorded_events(
    conn: &mut SqliteConnection,
    event: &Event,
    fact: &TransactionFact,
) -> Result<Vec<Recorded>, StoreError> {
    let rows = sqlx::query(
        "SELECT at_us, fact FROM transaction_events WHERE tenant = ? AND station = ? AND transaction_id = ?",
    )
    .bind(event.tenant.as_str())
    .bind(event.twin.as_str())
    .bind(&fact.transaction_id)
    .fetch_all(conn)
    .await
    .map_err(StoreError::database("read a transaction"))?;
    let read = |row| Ok(Recorded { at: Fields(row).time("at_us")?, fact: Fields(row).json("fact")? });
    rows.iter().map(read).collect()
}

const INSERT_BILL: &str = "
    INSERT INTO transactions (start_key, id_token, state, started_at_us, ended_at_us, last_at_us, energy_wh,
        energy_uwh, bill, tenant, station, transaction_id, number)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
        1 + coalesce((SELECT max(number) FROM transactions WHERE tenant = ?10), 0))";
const UPDATE_BILL: &str = "
    UPDATE transactions SET start_key = ?1, id_token = ?2, state = ?3, started_at_us = ?4, ended_at_us = ?5,
        last_at_us = ?6, energy_wh = ?7, energy_uwh = ?8, bill = ?9
    WHERE tenant = ?10 AND station = ?11 AND transaction_id = ?12";

async fn write_bill(
    conn: &mut SqliteConnection,
    event: &Event,
    transaction_id: &str,
    bill: &Bill,
    known: bool,
) -> Result<(), StoreError> {
    sqlx::query(if known { UPDATE_BILL } else { INSERT_BILL })
        .bind(&bill.start_key)
        .bind(&bill.id_token)
        .bind(word(&bill.state()))
        .bind(bill.started_at.map(|at| at.as_micros()))
        .bind(bill.ended_at.map(|at| at.as_micros()))
        .bind(bill.last_at.as_micros())
        .bind(bill.energy_wh().to_string())
        .bind(bill.energy_uwh())
        .bind(serde_json::to_string(bill).map_err(bad("bill"))?)
        .bind(event.tenant.as_str())
        .bind(event.twin.as_str())
        .bind(transaction_id)
        .execute(conn)
        .await
        .map_err(StoreError::database("write a transaction"))?;
    Ok(())
}

async fn command(conn: &mut SqliteConnection, event: &Event, fact: &CommandFact) -> Result<(), StoreError> {
    let finished = !matches!(fact.state, CommandState::Requested | CommandState::Sent);
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
    // A later state takes over, an earlier or equal one changes nothing: requested < sent < the three ends.
    sqlx::query(
        "INSERT INTO commands (tenant, id, station, action, payload, state, requested_by, requested_at_us,
             finished_at_us, answer, reason)
         VALUES (?1, ?2, ?3, ?4, coalesce(?5, '{}'), ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (tenant, id) DO UPDATE SET
             state = excluded.state, finished_at_us = excluded.finished_at_us,
             answer = excluded.answer, reason = excluded.reason
         WHERE commands.finished_at_us IS NULL AND excluded.state <> 'requested' AND station = excluded.station
             AND (commands.state = 'requested' OR excluded.state <> 'sent')",
    )
    .bind(event.tenant.as_str())
    .bind(fact.id.to_string())
    .bind(event.twin.as_str())
    .bind(&fact.action)
    .bind(json(&fact.payload))
    .bind(word(&fact.state))
    .bind(&fact.by)
    .bind(event.at.as_micros())
    .bind(finished.then(|| event.at.as_micros()))
    .bind(json(&fact.answer))
    .bind(&fact.reason)
    .execute(&mut *conn)
    .await
    .map_err(StoreError::database("write a command"))?;
    if fact.state == CommandState::Requested {
        let action = format!("command.{}", fact.action);
        deed(event, &fact.by, &action, event.twin.as_str(), &fact.id.to_string()).write(conn).await?;
    }
    Ok(())
}

async fn alarm(conn: &mut SqliteConnection, event: &Event, fact: &AlarmFact) -> Result<(), StoreError> {
    let id = fact.id.to_string();
    match &fact.change {
        AlarmChange::Raised { code, severity, message } => {
            let station = station_of(conn, event).await?;
            // One alarm per twin and code is open at a time: another raising of it changes nothing.
            sqlx::query(
                "INSERT INTO alarms (tenant, id, twin, station, code, severity, message, raised_at_us)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(event.tenant.as_str())
            .bind(id)
            .bind(event.twin.as_str())
            .bind(station)
            .bind(code)
            .bind(word(severity))
            .bind(message)
            .bind(event.at.as_micros())
            .execute(conn)
            .await
        }
        AlarmChange::Acknowledged { by } => {
            deed(event, by, "alarm.acknowledge", event.twin.as_str(), &id).write(&mut *conn).await?;
            sqlx::query(
                "UPDATE alarms SET acknowledged_at_us = ?, acknowledged_by = ?
                 WHERE tenant = ? AND id = ? AND acknowledged_at_us IS NULL",
            )
            .bind(event.at.as_micros())
            .bind(by)
            .bind(event.tenant.as_str())
            .bind(id)
            .execute(conn)
            .await
        }
        AlarmChange::Cleared => {
            sqlx::query(
                "UPDATE alarms SET cleared_at_us = ? WHERE tenant = ? AND id = ? AND cleared_at_us IS NULL",
            )
            .bind(event.at.as_micros())
            .bind(event.tenant.as_str())
            .bind(id)
            .execute(conn)
            .await
        }
    }
    .map(drop)
    .map_err(StoreError::database("write an alarm"))
}

/// The known station that the twin is, or whose EVSE or connector it is (`{station}:{evse}:{connector}`).
async fn station_of(conn: &mut SqliteConnection, event: &Event) -> Result<Option<String>, StoreError> {
    let twin = event.twin.as_str();
    let parent = |id: &str| id.rsplit_once(':').map(|(head, _)| head.to_owned());
    let evse = parent(twin);
    let station = evse.as_deref().and_then(parent);
    sqlx::query_scalar(
        "SELECT station FROM stations WHERE tenant = ? AND station IN (?, ?, ?) ORDER BY length(station) DESC",
    )
    .bind(event.tenant.as_str())
    .bind(twin)
    .bind(evse)
    .bind(station)
    .fetch_optional(conn)
    .await
    .map_err(StoreError::database("look for a station"))
}
