//! What a recording of a station begins with.

use voltwin_core::{Timestamp, TransactionFact};

use super::TenantStore;
use crate::row::Fields;
use crate::{Record, StoreError};

impl TenantStore {
    /// What is known of one twin under all topics, by topic and key, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn records_of_twin(&self, twin: &str, limit: u32) -> Result<Vec<Record>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM records WHERE tenant = ? AND twin = ? ORDER BY topic, key LIMIT ?")
                .bind(self.tenant.as_str())
                .bind(twin)
                .bind(limit)
                .fetch_all(self.db.readers())
                .await
                .map_err(StoreError::database("list records"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(Record {
                twin: fields.text("twin")?,
                topic: fields.text("topic")?,
                key: fields.text("key")?,
                value: fields.json("value")?,
                at: fields.time("at_us")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The recorded events of one transaction with their times, in order; without their samples, which the journal
    /// keeps.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn transaction_facts(
        &self,
        station: &str,
        transaction_id: &str,
    ) -> Result<Vec<(Timestamp, TransactionFact)>, StoreError> {
        let rows = sqlx::query(
            "SELECT at_us, fact FROM transaction_events
             WHERE tenant = ? AND station = ? AND transaction_id = ? ORDER BY seq_no, phase",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(transaction_id)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read the events of a transaction"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok((fields.time("at_us")?, fields.json("fact")?))
        };
        rows.iter().map(read).collect()
    }
}
