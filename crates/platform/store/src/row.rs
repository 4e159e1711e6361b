//! Reading typed fields out of a database row.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row as _, Sqlite, sqlite::SqliteRow};
use voltwin_core::{TenantId, Timestamp};
use voltwin_security::{PasswordHash, TokenHash};

use crate::StoreError;

/// The most items of one page.
pub(crate) const PAGE_MAX: usize = 500;

/// A row, read by column name.
pub(crate) struct Fields<'a>(pub(crate) &'a SqliteRow);

impl Fields<'_> {
    pub(crate) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    {
        self.0.try_get(column).map_err(StoreError::database("read a row"))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_micros(self.get(column)?))
    }

    pub(crate) fn time_opt(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_micros))
    }

    /// A value that was stored by [`word`].
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text = self.text(column)?;
        serde_json::from_value(text.into()).map_err(bad(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(bad(column))
    }

    pub(crate) fn json_opt<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        match self.get::<Option<String>>(column)? {
            Some(text) => serde_json::from_str(&text).map(Some).map_err(bad(column)),
            None => Ok(None),
        }
    }

    pub(crate) fn tenant(&self) -> Result<TenantId, StoreError> {
        self.text("tenant")?.parse().map_err(bad("tenant"))
    }

    pub(crate) fn token_hash(&self) -> Result<TokenHash, StoreError> {
        let bytes: Vec<u8> = self.get("hash")?;
        TokenHash::from_slice(&bytes).ok_or_else(|| bad("hash")("not 32 bytes"))
    }

    pub(crate) fn password_hash(&self) -> Result<Option<PasswordHash>, StoreError> {
        let text: Option<String> = self.get("password_hash")?;
        text.map(|text| PasswordHash::from_phc(&text)).transpose().map_err(bad("password_hash"))
    }
}

/// A stored field that cannot be read back.
pub(crate) fn bad<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    column: &'static str,
) -> impl Fn(E) -> StoreError {
    move |error| StoreError::Database {
        operation: "read a row",
        source: sqlx::Error::ColumnDecode { index: column.into(), source: error.into() },
    }
}

/// How a unit variant is stored: its serde name, without quotes.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// A page size as SQL wants it, one more than asked for, to know whether there is a next page.
pub(crate) fn limit_plus_one(limit: usize) -> i64 {
    i64::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(1) + 1
}

/// Cuts a list fetched with [`limit_plus_one`] to a page; `cursor` names the place after an item.
pub(crate) fn page<T>(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> crate::Page<T> {
    let more = items.len() > limit.clamp(1, PAGE_MAX);
    items.truncate(limit.clamp(1, PAGE_MAX));
    let next = items.last().filter(|_| more).map(cursor);
    crate::Page { items, next }
}

/// A cursor that is a number; absent means `first`.
pub(crate) fn number_cursor(cursor: Option<&str>, first: i64) -> Result<i64, StoreError> {
    let read = |text: &str| {
        text.parse().map_err(|_| StoreError::invalid("cursor", text, "the `next` of the page before"))
    };
    cursor.map_or(Ok(first), read)
}

/// A cursor into a list by time, newest first: microseconds, `.`, id. Absent means the newest.
pub(crate) fn time_cursor(cursor: Option<&str>) -> Result<(i64, &str), StoreError> {
    let Some(text) = cursor else { return Ok((i64::MAX, "")) };
    let read = text.split_once('.').and_then(|(us, id)| Some((us.parse().ok()?, id)));
    read.ok_or_else(|| StoreError::invalid("cursor", text, "the `next` of the page before"))
}
