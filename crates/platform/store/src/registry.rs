//! What events mean for the registry: the fold that runs inside the journal's transaction.

use sqlx::SqliteConnection;
use voltwin_core::{
    AlarmChange, AlarmFact, CommandFact, CommandState, Event, EventBody, NoteFact, RecordFact,
};

use crate::StoreError;
use crate::audit::Deed;
use crate::row::word;

/// Notes of one topic and twin that are kept; the journal keeps them all.
const NOTES_KEPT: i64 = 2_000;
/// How many notes pass between two looks at what is too old to keep.
const NOTES_SWEEP: i64 = 64;
/// The topic of notes that are counted by what the station is.
const VIOLATION_TOPIC: &str = "violation";
/// Rows of counts that a tenant has at most: vendor and firmware are what stations say they are.
const VIOLATION_ROWS_MAX: i64 = 10_000;

/// Whether events of this kind mean something for the registry, those of transactions aside.
pub(crate) fn is_meant(body: &EventBody) -> bool {
    use EventBody::{Alarm, Audit, Command, Note, Record};
    matches!(body, Command(_) | Alarm(_) | Audit(_) | Record(_) | Note(_))
}

/// Applies one event that is none of a transaction; those are folded together, by [`crate::fold`].
pub(crate) async fn apply(conn: &mut SqliteConnection, event: &Event) -> Result<(), StoreError> {
    match &event.body {
        EventBody::Command(fact) => command(conn, event, fact).await?,
        EventBody::Alarm(fact) => alarm(conn, event, fact).await?,
        EventBody::Audit(fact) => {
            deed(event, &fact.by, &fact.action, event.twin.as_str(), &fact.detail).write(conn).await?;
        }
        EventBody::Record(fact) => record_fact(conn, event, fact).await?,
        EventBody::Note(fact) => {
            note(&mut *conn, event, fact).await?;
            if fact.topic == VIOLATION_TOPIC {
                count_violation(conn, event, fact).await?;
            }
        }
        _ => {}
    }
    Ok(())
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

/// Counts a violation by vendor, model, firmware, code and action; a `count` in the note stands for so many.
async fn count_violation(
    conn: &mut SqliteConnection,
    event: &Event,
    fact: &NoteFact,
) -> Result<(), StoreError> {
    let text = |name: &str| fact.detail.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let count = fact.detail.get("count").and_then(serde_json::Value::as_i64).unwrap_or(1);
    sqlx::query(
        "INSERT INTO violation_counts
             (tenant, vendor, model, firmware, code, action, count, first_us, last_us, last_twin)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9
         WHERE (SELECT count(*) FROM violation_counts WHERE tenant = ?1) < ?10
             OR EXISTS (SELECT 1 FROM violation_counts WHERE tenant = ?1 AND vendor = ?2 AND model = ?3
                 AND firmware = ?4 AND code = ?5 AND action = ?6)
         ON CONFLICT DO UPDATE SET count = count + excluded.count, last_us = excluded.last_us,
             last_twin = excluded.last_twin",
    )
    .bind(event.tenant.as_str())
    .bind(text("vendor"))
    .bind(text("model"))
    .bind(text("firmware"))
    .bind(text("code"))
    .bind(text("action"))
    .bind(count)
    .bind(event.received.as_micros())
    .bind(event.twin.as_str())
    .bind(VIOLATION_ROWS_MAX)
    .execute(conn)
    .await
    .map(drop)
    .map_err(StoreError::database("count a violation"))
}

fn deed<'a>(event: &'a Event, by: &'a str, action: &'a str, subject: &'a str, detail: &'a str) -> Deed<'a> {
    Deed { tenant: &event.tenant, at: event.received, by, action, subject, detail }
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
