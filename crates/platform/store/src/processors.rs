//! What readers of the feed remember of single twins, together with their place.

use voltwin_core::{Seq, TenantId, TwinId};

use crate::journal::signed;
use crate::row::Fields;
use crate::{Store, StoreError};

/// What a processor remembers of one twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorState {
    /// Whose.
    pub tenant: TenantId,
    /// The twin.
    pub twin: TwinId,
    /// In the processor's own terms, JSON; `None` forgets it.
    pub state: Option<String>,
}

impl Store {
    /// All that a processor remembers, as of its place in the feed.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn processor_states(&self, processor: &str) -> Result<Vec<ProcessorState>, StoreError> {
        let rows = sqlx::query("SELECT tenant, twin, state FROM processor_states WHERE processor = ?")
            .bind(processor)
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("read what a processor remembers"))?;
        let read = |row| {
            let fields = Fields(row);
            let twin = fields.text("twin")?;
            let twin =
                TwinId::new(&twin).map_err(|_| StoreError::invalid("twin", &twin, "the id of a twin"))?;
            Ok(ProcessorState { tenant: fields.tenant()?, twin, state: Some(fields.text("state")?) })
        };
        rows.iter().map(read).collect()
    }

    /// Remembers how far a processor has come and what it knows there, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn save_processor(
        &self,
        processor: &str,
        place: Seq,
        states: &[ProcessorState],
    ) -> Result<(), StoreError> {
        let fail = StoreError::database("save what a processor remembers");
        let mut tx = self.db.begin("save what a processor remembers").await?;
        let rows = |kept: bool| {
            let rows = states.iter().filter(|state| state.state.is_some() == kept);
            let row = |s: &ProcessorState| serde_json::json!([s.tenant.as_str(), s.twin.as_str(), s.state]);
            serde_json::Value::from(rows.map(row).collect::<Vec<_>>()).to_string()
        };
        let statements = [
            (
                "INSERT INTO processor_states (processor, tenant, twin, state)
                 SELECT ?, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
                 ON CONFLICT DO UPDATE SET state = excluded.state",
                rows(true),
            ),
            (
                "DELETE FROM processor_states WHERE processor = ? AND (tenant, twin) IN
                     (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
                rows(false),
            ),
        ];
        for (statement, rows) in statements {
            sqlx::query(statement).bind(processor).bind(rows).execute(tx.conn()).await.map_err(&fail)?;
        }
        sqlx::query(
            "INSERT INTO cursors (name, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
        )
        .bind(processor)
        .bind(signed(place))
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        tx.commit().await
    }
}
