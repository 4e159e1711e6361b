use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use voltwin_core::{Decimal, Timestamp, TransactionFact, told_transaction_id};

use super::TenantStore;
use crate::bill::{Bill, place};
use crate::row::{Fields, bad, limit_plus_one, number_cursor, page};
use crate::{
    Page, StationTotal, StoreError, Transaction, TransactionFilter, TransactionState, TransactionUse,
};

const COLUMNS: &str =
    "SELECT number, station, transaction_id, energy_wh, cost_differs, bill FROM transactions WHERE tenant = ";

impl TenantStore {
    /// Transactions, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn transactions(
        &self,
        filter: &TransactionFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Transaction>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push_bind(self.tenant.as_str());
        query.push(" AND number < ").push_bind(number_cursor(cursor, i64::MAX)?);
        if let Some(station) = &filter.station {
            query.push(" AND station = ").push_bind(station);
        }
        if let Some(evse) = filter.evse {
            query.push(" AND bill ->> '$.evse' = ").push_bind(evse);
        }
        if let Some(connector) = filter.connector {
            query.push(" AND bill ->> '$.connector' = ").push_bind(connector);
        }
        if let Some(id_token) = &filter.id_token {
            query.push(" AND id_token = ").push_bind(id_token);
        }
        // Literals, so that the index over the active ones can serve.
        query.push(match filter.state {
            None => "",
            Some(TransactionState::Active) => " AND state = 'active'",
            Some(TransactionState::Ended) => " AND state = 'ended'",
            Some(TransactionState::Orphan) => " AND state = 'orphan'",
        });
        query.push(" ORDER BY number DESC LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list transactions"))?;
        let items = rows.iter().map(transaction).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.number.to_string()))
    }

    /// The transaction with this number of ours.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn transaction(&self, number: i64) -> Result<Option<Transaction>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push_bind(self.tenant.as_str()).push(" AND number = ").push_bind(number);
        let row = query.build().fetch_optional(self.db.readers()).await;
        row.map_err(StoreError::database("read a transaction"))?.as_ref().map(transaction).transpose()
    }

    /// The transactions that run, newest first.
    ///
    /// # Errors
    /// As [`TenantStore::transactions`].
    pub async fn active_transactions(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Transaction>, StoreError> {
        let active =
            TransactionFilter { state: Some(TransactionState::Active), ..TransactionFilter::default() };
        self.transactions(&active, cursor, limit).await
    }

    /// The transaction that a station calls by this id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn transaction_by_id(
        &self,
        station: &str,
        transaction_id: &str,
    ) -> Result<Option<Transaction>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push_bind(self.tenant.as_str());
        query.push(" AND station = ").push_bind(station);
        query.push(" AND transaction_id = ").push_bind(transaction_id);
        let row = query.build().fetch_optional(self.db.readers()).await;
        row.map_err(StoreError::database("read a transaction"))?.as_ref().map(transaction).transpose()
    }

    /// Whether this very event of a transaction is recorded already.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_transaction_event(
        &self,
        station: &str,
        fact: &TransactionFact,
    ) -> Result<bool, StoreError> {
        let (seq_no, phase) = place(fact);
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM transaction_events
             WHERE tenant = ? AND station = ? AND transaction_id = ? AND seq_no = ? AND phase = ?",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(&fact.transaction_id)
        .bind(seq_no)
        .bind(phase)
        .fetch_optional(self.db.readers())
        .await
        .map_err(StoreError::database("look for a transaction event"))?;
        Ok(found.is_some())
    }

    /// The transactions to which a station gave the id of this event, newest first, at most 16, each with its own event
    /// of the same place, if it has one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn transaction_uses(
        &self,
        station: &str,
        fact: &TransactionFact,
    ) -> Result<Vec<TransactionUse>, StoreError> {
        let (seq_no, phase) = place(fact);
        // The uses of an id stand beside it, for what follows it in them comes before all that an id may hold. The plus
        // sign lets these few be sorted: without it they would be looked for among all transactions, newest first.
        let rows = sqlx::query(
            "SELECT t.transaction_id, t.started_at_us, t.ended_at_us, e.at_us, e.fact FROM transactions t
             LEFT JOIN transaction_events e ON e.tenant = t.tenant AND e.station = t.station
                 AND e.transaction_id = t.transaction_id AND e.seq_no = ?4 AND e.phase = ?5
             WHERE t.tenant = ?1 AND t.station = ?2 AND t.transaction_id >= ?3 AND t.transaction_id < ?3 || '$'
             ORDER BY +t.number DESC LIMIT 16",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(&fact.transaction_id)
        .bind(seq_no)
        .bind(phase)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("look for the uses of an id"))?;
        let mut uses = Vec::with_capacity(rows.len());
        for row in &rows {
            let fields = Fields(row);
            let transaction_id = fields.text("transaction_id")?;
            if transaction_id != fact.transaction_id
                && told_transaction_id(&transaction_id) != fact.transaction_id
            {
                continue;
            }
            let same_place = match fields.time_opt("at_us")? {
                None => None,
                Some(at) => {
                    let fact: TransactionFact = fields.json("fact")?;
                    let ahead_us = fact.clock_ahead_ms.unwrap_or(0).saturating_mul(1_000);
                    let told = Timestamp::from_micros(at.as_micros().saturating_add(ahead_us));
                    Some((told, fact.meter_wh))
                }
            };
            let (started_at, ended_at) = (fields.time_opt("started_at_us")?, fields.time_opt("ended_at_us")?);
            uses.push(TransactionUse { transaction_id, started_at, ended_at, same_place });
        }
        Ok(uses)
    }

    /// The id of the OCPP 1.6 transaction that was started with this key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn find_start(&self, station: &str, start_key: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT transaction_id FROM transactions WHERE tenant = ? AND station = ? AND start_key = ?",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(start_key)
        .fetch_optional(self.db.readers())
        .await
        .map_err(StoreError::database("look for a start"))
    }

    /// What each station delivered since a time, such as local midnight. Of a session that was running then only
    /// what its meter shows since counts; stations that delivered nothing are absent.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn totals_since(&self, since: Timestamp) -> Result<Vec<StationTotal>, StoreError> {
        // Whole sessions are summed over the index alone; only those that span the time need their events.
        let rows = sqlx::query(
            "SELECT station, CAST(total(max(0, energy_uwh - before_uwh)) AS INTEGER) AS energy_uwh, sum(new) AS sessions FROM (
                 SELECT t.station, t.energy_uwh, coalesce(t.started_at_us, t.last_at_us) >= ?2 AS new,
                     CASE WHEN t.started_at_us >= ?2 OR t.started_at_us IS NULL THEN 0 ELSE coalesce((
                         SELECT CAST(round(1e6 * (
                             max(CAST(e.fact ->> '$.meter_wh' AS REAL)) - CAST(b.bill ->> '$.meter_start_wh' AS REAL)
                         )) AS INTEGER)
                         FROM transaction_events e, transactions b
                         WHERE e.tenant = t.tenant AND e.station = t.station
                             AND e.transaction_id = t.transaction_id AND e.at_us < ?2
                             AND b.tenant = t.tenant AND b.station = t.station
                             AND b.transaction_id = t.transaction_id
                     ), 0) END AS before_uwh
                 FROM transactions t WHERE t.tenant = ?1 AND t.last_at_us >= ?2
             ) GROUP BY station ORDER BY station",
        )
        .bind(self.tenant.as_str())
        .bind(since.as_micros())
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("sum transactions"))?;
        let read = |row: &SqliteRow| {
            let fields = Fields(row);
            Ok(StationTotal {
                station: fields.text("station")?,
                energy_wh: Decimal::new(fields.get::<i64>("energy_uwh")?.max(0), 6).normalize(),
                sessions: fields.get::<i64>("sessions")?.unsigned_abs(),
            })
        };
        rows.iter().map(read).collect()
    }
}

pub(super) fn transaction(row: &SqliteRow) -> Result<Transaction, StoreError> {
    let fields = Fields(row);
    let bill: Bill = fields.json("bill")?;
    let mut flags = bill.flags();
    flags.extend((fields.get::<i64>("cost_differs")? != 0).then_some("cost_differs"));
    Ok(Transaction {
        number: fields.get("number")?,
        transaction_id: fields.text("transaction_id")?,
        station: fields.text("station")?,
        evse: bill.evse,
        connector: bill.connector,
        state: bill.state(),
        started_at: bill.started_at,
        ended_at: bill.ended_at,
        meter_start_wh: bill.meter_start_wh,
        meter_stop_wh: bill.meter_stop_wh,
        energy_wh: fields.text("energy_wh")?.parse().map_err(bad("energy_wh"))?,
        duration_s: bill.duration_s(),
        offline: bill.offline,
        events: bill.events,
        flags,
        segments: bill.segments().to_vec(),
        reserved_from: bill.reserved_from,
        station_cost: bill.station_cost,
        id_token: bill.id_token,
        stopped_reason: bill.stopped_reason,
    })
}
