//! Searching, newest first.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};
use voltwin_core::{TenantId, Timestamp};

use crate::{MessageLog, MessageLogError};

/// Frames that one search looks at; a page may come back with fewer hits than asked for and still have a `next`.
pub const SCAN_MAX: i64 = 50_000;
/// The most items of one page.
const PAGE_MAX: usize = 500;
/// Seconds by which frames may be filed out of the order of their times.
const DISORDER_S: f64 = 10.0;

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was wrong with it.
    Ok,
    /// Something was.
    Wrong,
    /// This very word, such as `TypeConstraintViolation` or `late`.
    Is(String),
}

/// Which frames to list; `None` means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this station.
    pub station: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// `in` or `out`.
    pub direction: Option<String>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// That hold this text; upper and lower case of ASCII letters are the same.
    pub text: Option<String>,
    /// With this message id.
    pub id: Option<String>,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// One frame of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its number; later ones are greater.
    pub number: i64,
    /// The station.
    pub station: String,
    /// When it passed.
    pub at: Timestamp,
    /// `in` from the station, `out` to it.
    pub direction: String,
    /// `call`, `result`, `error`, `send` or `malformed`.
    pub kind: String,
    /// The action, of the call that it answers if it is an answer.
    pub action: Option<String>,
    /// The message id.
    pub id: Option<String>,
    /// The frame as text.
    pub payload: String,
    /// What became of it, if anything but `ok`.
    pub outcome: Option<String>,
    /// The trace that its events carry, as 32 hexadecimal digits.
    pub trace: Option<String>,
}

/// One page of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The frames, newest first.
    pub items: Vec<Logged>,
    /// Where to go on; `None` when everything was looked at.
    pub next: Option<String>,
}

impl MessageLog {
    /// Frames of a tenant, newest first. Looks at [`SCAN_MAX`] of them at most, so a page may hold fewer than `limit`
    /// (1 to 500) and still say where to go on.
    ///
    /// # Errors
    /// [`MessageLogError::Invalid`] for a cursor that is not ours, [`MessageLogError::Database`].
    pub async fn search(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, MessageLogError> {
        self.flush().await;
        let limit = limit.clamp(1, PAGE_MAX);
        let fail = MessageLogError::database("search");
        let mut before = match cursor {
            Some(text) => text
                .parse()
                .map_err(|_| MessageLogError::invalid("cursor", text, "the `next` of the page before"))?,
            None => i64::MAX,
        };
        let mut db = self.readers.acquire().await.map_err(&fail)?;
        if let Some(to) = filter.to {
            before = before.min(place_at(&mut db, to.plus_seconds(DISORDER_S)).await?);
        }
        let after = match filter.from {
            Some(from) => place_at(&mut db, from.plus_seconds(-DISORDER_S)).await?,
            None => 0,
        };
        // the last one that a search from here would look at
        let mut end = window(tenant, filter, before, after, "id");
        end.push(" ORDER BY id DESC LIMIT 1 OFFSET ").push_bind(SCAN_MAX - 1);
        let end: Option<i64> = end.build_query_scalar().fetch_optional(&mut *db).await.map_err(&fail)?;
        let mut query = window(tenant, filter, before, end.unwrap_or(after), "*");
        narrow(&mut query, filter);
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::try_from(limit).unwrap_or(1) + 1);
        let rows = query.build().fetch_all(&mut *db).await.map_err(&fail)?;
        let mut items = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(&fail)?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(|item| item.number) } else { end };
        Ok(Page { items, next: next.map(|number| number.to_string()) })
    }
}

/// The frames of the tenant, and of the station if one is named, in a span of numbers.
fn window<'a>(
    tenant: &'a TenantId,
    filter: &'a Filter,
    before: i64,
    from: i64,
    what: &'static str,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query.push(what).push(" FROM messages WHERE tenant = ").push_bind(tenant.as_str().to_owned());
    if let Some(station) = &filter.station {
        query.push(" AND station = ").push_bind(station.clone());
    }
    query.push(" AND id < ").push_bind(before).push(" AND id >= ").push_bind(from);
    query
}

fn narrow(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    let equals = [
        (" AND action = ", &filter.action),
        (" AND kind = ", &filter.kind),
        (" AND direction = ", &filter.direction),
        (" AND message_id = ", &filter.id),
    ];
    for (condition, value) in equals {
        if let Some(value) = value {
            query.push(condition).push_bind(value.clone());
        }
    }
    match &filter.outcome {
        None => {}
        Some(Outcome::Ok) => drop(query.push(" AND outcome IS NULL")),
        Some(Outcome::Wrong) => drop(query.push(" AND outcome IS NOT NULL")),
        Some(Outcome::Is(word)) => drop(query.push(" AND outcome = ").push_bind(word.clone())),
    }
    if let Some(text) = &filter.text {
        query.push(" AND payload LIKE ").push_bind(pattern(text)).push(" ESCAPE '\\'");
    }
    if let Some(from) = filter.from {
        query.push(" AND at_us >= ").push_bind(from.as_micros());
    }
    if let Some(to) = filter.to {
        query.push(" AND at_us < ").push_bind(to.as_micros());
    }
}

/// A LIKE pattern for a text within another.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// The number of the first frame at or after a time, by halving: times grow with numbers, but for moments.
pub(crate) async fn place_at(db: &mut SqliteConnection, at: Timestamp) -> Result<i64, MessageLogError> {
    let fail = MessageLogError::database("search");
    let (low, high): (Option<i64>, Option<i64>) =
        sqlx::query_as("SELECT (SELECT min(id) FROM messages), (SELECT max(id) FROM messages)")
            .fetch_one(&mut *db)
            .await
            .map_err(&fail)?;
    let (Some(mut low), Some(high)) = (low, high) else { return Ok(0) };
    let mut high = high + 1;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<i64> =
            sqlx::query_scalar("SELECT at_us FROM messages WHERE id >= ? ORDER BY id LIMIT 1")
                .bind(middle)
                .fetch_optional(&mut *db)
                .await
                .map_err(&fail)?;
        match found {
            Some(at_us) if at_us < at.as_micros() => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn read(row: &SqliteRow) -> Result<Logged, sqlx::Error> {
    Ok(Logged {
        number: row.try_get("id")?,
        station: row.try_get("station")?,
        at: Timestamp::from_micros(row.try_get("at_us")?),
        direction: row.try_get("direction")?,
        kind: row.try_get("kind")?,
        action: row.try_get("action")?,
        id: row.try_get("message_id")?,
        payload: row.try_get("payload")?,
        outcome: row.try_get("outcome")?,
        trace: row.try_get("trace")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_sought_as_it_stands() {
        assert_eq!(pattern("50%_\\"), "%50\\%\\_\\\\%");
    }
}
