use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::TenantStore;
use crate::row::{Fields, limit_plus_one, number_cursor, page};
use crate::{Note, NoteFilter, Page, Record, RecordFilter, StoreError};

impl TenantStore {
    /// What is known of one twin under a topic, by key, of the keys after `cursor`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn records(
        &self,
        twin: &str,
        topic: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Record>, StoreError> {
        if self.has_none(twin, topic).await? {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let rows = sqlx::query(
            "SELECT * FROM records WHERE tenant = ? AND topic = ? AND twin = ? AND key > ? ORDER BY key LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(topic)
        .bind(twin)
        .bind(cursor.unwrap_or_default())
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list records"))?;
        let items = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.key.clone()))
    }

    /// What is known of one twin and fits a filter, by key, of the keys after `cursor`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn records_like(
        &self,
        twin: &str,
        filter: &RecordFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Record>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM records WHERE tenant = ");
        query.push_bind(self.tenant.as_str());
        query.push(" AND topic = ").push_bind(&filter.topic);
        query.push(" AND twin = ").push_bind(twin);
        query.push(" AND key > ").push_bind(cursor.unwrap_or_default());
        for (name, text) in &filter.members {
            query.push(" AND value ->> ").push_bind(format!("$.{name}"));
            query.push(" = ").push_bind(text);
        }
        if let Some(text) = &filter.text {
            query.push(" AND instr(lower(key), lower(").push_bind(text).push(")) > 0");
        }
        query.push(" ORDER BY key LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list records"))?;
        let items = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.key.clone()))
    }

    /// What is known under a topic and key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn record(&self, twin: &str, topic: &str, key: &str) -> Result<Option<Record>, StoreError> {
        if self.has_none(twin, topic).await? {
            return Ok(None);
        }
        let row =
            sqlx::query("SELECT * FROM records WHERE tenant = ? AND topic = ? AND twin = ? AND key = ?")
                .bind(self.tenant.as_str())
                .bind(topic)
                .bind(twin)
                .bind(key)
                .fetch_optional(self.db.readers())
                .await
                .map_err(StoreError::database("read a record"))?;
        row.as_ref().map(record).transpose()
    }

    /// Whether it is known, mostly without a read, that a twin has no records of a topic.
    async fn has_none(&self, twin: &str, topic: &str) -> Result<bool, StoreError> {
        let known = &self.db.recall.topics;
        if let Some(may) = known.may_have(&self.tenant, twin, topic) {
            return Ok(!may);
        }
        let commits = known.commits();
        let topics: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT topic FROM records WHERE tenant = ? AND twin = ?")
                .bind(self.tenant.as_str())
                .bind(twin)
                .fetch_all(self.db.readers())
                .await
                .map_err(StoreError::database("list topics"))?;
        known.learn(&self.tenant, twin, &topics, commits);
        Ok(!topics.iter().any(|known| known == topic))
    }

    /// How many keys of one twin a topic has.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_records(&self, twin: &str, topic: &str) -> Result<u64, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM records WHERE tenant = ? AND topic = ? AND twin = ?")
                .bind(self.tenant.as_str())
                .bind(topic)
                .bind(twin)
                .fetch_one(self.db.readers())
                .await
                .map_err(StoreError::database("count records"))?;
        Ok(count.unsigned_abs())
    }

    /// What is known under a topic of all twins, by twin and key. The cursor is `twin` and `key` with a line break
    /// between, which neither holds.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn records_of_topic(
        &self,
        topic: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Record>, StoreError> {
        let (twin, key) = cursor.and_then(|cursor| cursor.split_once('\n')).unwrap_or_default();
        let rows = sqlx::query(
            "SELECT * FROM records WHERE tenant = ? AND topic = ? AND (twin, key) > (?, ?)
             ORDER BY twin, key LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(topic)
        .bind(twin)
        .bind(key)
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list records"))?;
        let items = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| format!("{}\n{}", item.twin, item.key)))
    }

    /// Notes, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn notes(
        &self,
        filter: &NoteFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Note>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM notes WHERE tenant = ");
        query.push_bind(self.tenant.as_str());
        query.push(" AND topic = ").push_bind(&filter.topic);
        if let Some(twin) = &filter.twin {
            query.push(" AND twin = ").push_bind(twin);
        }
        query.push(" AND id < ").push_bind(number_cursor(cursor, i64::MAX)?);
        query.push(" ORDER BY id DESC LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list notes"))?;
        let items = rows.iter().map(note).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.to_string()))
    }
}

fn record(row: &SqliteRow) -> Result<Record, StoreError> {
    let fields = Fields(row);
    Ok(Record {
        twin: fields.text("twin")?,
        topic: fields.text("topic")?,
        key: fields.text("key")?,
        value: fields.json("value")?,
        at: fields.time("at_us")?,
    })
}

fn note(row: &SqliteRow) -> Result<Note, StoreError> {
    let fields = Fields(row);
    Ok(Note {
        id: fields.get("id")?,
        twin: fields.text("twin")?,
        topic: fields.text("topic")?,
        at: fields.time("at_us")?,
        received: fields.time("received_us")?,
        detail: fields.json("detail")?,
    })
}
