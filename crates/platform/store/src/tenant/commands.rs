use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use voltwin_core::CommandId;

use super::TenantStore;
use crate::row::{Fields, bad, limit_plus_one, page, time_cursor};
use crate::{Command, Page, StoreError};

impl TenantStore {
    /// Commands, newest first, of one station or all.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn commands(
        &self,
        station: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Command>, StoreError> {
        let (before_us, before_id) = time_cursor(cursor)?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM commands WHERE tenant = ");
        query.push_bind(self.tenant.as_str());
        if let Some(station) = station {
            query.push(" AND station = ").push_bind(station);
        }
        query.push(" AND (requested_at_us, id) < (").push_bind(before_us);
        query.push(", ").push_bind(before_id);
        query.push(") ORDER BY requested_at_us DESC, id DESC LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list commands"))?;
        let items = rows.iter().map(command).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| format!("{}.{}", item.requested_at.as_micros(), item.id)))
    }

    /// One command.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn command(&self, id: CommandId) -> Result<Option<Command>, StoreError> {
        let row = sqlx::query("SELECT * FROM commands WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id.to_string())
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a command"))?;
        row.as_ref().map(command).transpose()
    }

    /// The oldest commands that are neither answered nor failed, for the start after a crash.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn unfinished_commands(&self, limit: usize) -> Result<Vec<Command>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM commands WHERE tenant = ? AND finished_at_us IS NULL ORDER BY requested_at_us LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(limit_plus_one(limit) - 1)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list commands"))?;
        rows.iter().map(command).collect()
    }
}

fn command(row: &SqliteRow) -> Result<Command, StoreError> {
    let fields = Fields(row);
    Ok(Command {
        id: fields.text("id")?.parse().map_err(bad("id"))?,
        station: fields.text("station")?,
        action: fields.text("action")?,
        payload: fields.json("payload")?,
        state: fields.word("state")?,
        requested_by: fields.text("requested_by")?,
        requested_at: fields.time("requested_at_us")?,
        finished_at: fields.time_opt("finished_at_us")?,
        answer: fields.json_opt("answer")?,
        reason: fields.get("reason")?,
    })
}
