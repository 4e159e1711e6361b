//! Endpoints and routes of events.

use sqlx::sqlite::SqliteRow;
use voltwin_core::Timestamp;
use voltwin_security::Secret;

use crate::row::{Fields, limit_plus_one, page};
use crate::{
    EVENT_ENDPOINTS_MAX, EventEndpoint, EventLogSettings, EventRoute, Page, StoreError, TenantStore,
};

const NAME_RULE: &str = "2 to 49 letters, digits and hyphens, neither all digits nor with a hyphen at an end";
const ID_RULE: &str = "1 to 128 letters, digits and - . _ :";

pub(crate) fn event_log(row: &SqliteRow) -> Result<EventLogSettings, StoreError> {
    let fields = Fields(row);
    Ok(EventLogSettings {
        tenant: fields.tenant()?,
        keep_s: fields.get("keep_s")?,
        history: fields.get("history")?,
        changed_at: fields.time("changed_at_us")?,
    })
}

fn endpoint(row: &SqliteRow) -> Result<EventEndpoint, StoreError> {
    let fields = Fields(row);
    Ok(EventEndpoint {
        name: fields.text("name")?,
        settings: fields.json("settings")?,
        secret: fields.get::<Option<String>>("secret")?.map(Secret::new),
        enabled: fields.get("enabled")?,
        place: fields.get::<i64>("place")?.unsigned_abs(),
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
        changed_at: fields.time("changed_at_us")?,
    })
}

fn route(row: &SqliteRow) -> Result<EventRoute, StoreError> {
    let fields = Fields(row);
    Ok(EventRoute {
        id: fields.text("id")?,
        endpoint: fields.text("endpoint")?,
        filter: fields.text("filter")?,
        since: fields.get::<i64>("since")?.unsigned_abs(),
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
        changed_at: fields.time("changed_at_us")?,
    })
}

fn signed(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let fits = (2..=49).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(()) } else { Err(StoreError::invalid("name", name, NAME_RULE)) }
}

fn check_id(id: &str) -> Result<(), StoreError> {
    let fits = (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
    if fits { Ok(()) } else { Err(StoreError::invalid("id", id, ID_RULE)) }
}

impl TenantStore {
    /// Whether and how the tenant keeps an event log.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn event_log(&self) -> Result<Option<EventLogSettings>, StoreError> {
        let row = sqlx::query("SELECT * FROM event_logs WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read the settings of the event log"))?;
        row.as_ref().map(event_log).transpose()
    }

    /// Begins to keep an event log, or changes how it is kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn set_event_log(&self, settings: &EventLogSettings, by: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write the settings of the event log").await?;
        sqlx::query(
            "INSERT INTO event_logs (tenant, keep_s, history, changed_at_us) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET keep_s = excluded.keep_s, history = excluded.history,
                 changed_at_us = excluded.changed_at_us",
        )
        .bind(self.tenant.as_str())
        .bind(settings.keep_s)
        .bind(settings.history)
        .bind(settings.changed_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("write the settings of the event log"))?;
        let detail = format!("keep_s {}, history {}", settings.keep_s, settings.history);
        self.commit_as(tx, (by, settings.changed_at), ("events.log.on", "", &detail)).await
    }

    /// Ends the event log; `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while there are endpoints.
    pub async fn end_event_log(&self, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("end the event log").await?;
        let done = sqlx::query(
            "DELETE FROM event_logs WHERE tenant = ?1
             AND NOT EXISTS (SELECT 1 FROM event_endpoints WHERE tenant = ?1)",
        )
        .bind(self.tenant.as_str())
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("end the event log"))?;
        if done.rows_affected() == 0 {
            drop(tx);
            return match self.event_log().await? {
                Some(_) => Err(StoreError::Conflict { what: "event endpoint", id: "in use".to_owned() }),
                None => Ok(false),
            };
        }
        self.commit_as(tx, (by, at), ("events.log.off", "", "")).await?;
        Ok(true)
    }

    /// Endpoints by name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn event_endpoints(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<EventEndpoint>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM event_endpoints WHERE tenant = ? AND name > ? ORDER BY name LIMIT ?")
                .bind(self.tenant.as_str())
                .bind(cursor.unwrap_or_default())
                .bind(limit_plus_one(limit))
                .fetch_all(self.db.readers())
                .await
                .map_err(StoreError::database("list event endpoints"))?;
        let items = rows.iter().map(endpoint).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.name.clone()))
    }

    /// One endpoint.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn event_endpoint(&self, name: &str) -> Result<Option<EventEndpoint>, StoreError> {
        let row = sqlx::query("SELECT * FROM event_endpoints WHERE tenant = ? AND name = ?")
            .bind(self.tenant.as_str())
            .bind(name)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read an event endpoint"))?;
        row.as_ref().map(endpoint).transpose()
    }

    /// Adds or changes an endpoint and says whether it is new. One that exists keeps its place in the log, and its
    /// secret where none is given.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for its name, [`StoreError::Limit`] above [`EVENT_ENDPOINTS_MAX`],
    /// [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn put_event_endpoint(&self, endpoint: &EventEndpoint, by: &str) -> Result<bool, StoreError> {
        check_name(&endpoint.name)?;
        let fail = StoreError::database("write an event endpoint");
        let mut tx = self.db.begin("write an event endpoint").await?;
        let (others, known): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(name <> ?2), 0), coalesce(sum(name = ?2), 0) FROM event_endpoints WHERE tenant = ?1",
        )
        .bind(self.tenant.as_str())
        .bind(&endpoint.name)
        .fetch_one(tx.conn())
        .await
        .map_err(&fail)?;
        if known == 0 && others.unsigned_abs() >= EVENT_ENDPOINTS_MAX {
            return Err(StoreError::Limit { what: "event endpoints", limit: EVENT_ENDPOINTS_MAX });
        }
        sqlx::query(
            "INSERT INTO event_endpoints (tenant, name, settings, secret, enabled, place, created_at_us, created_by,
                 changed_at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET settings = excluded.settings, enabled = excluded.enabled,
                 secret = coalesce(excluded.secret, secret), changed_at_us = excluded.changed_at_us",
        )
        .bind(self.tenant.as_str())
        .bind(&endpoint.name)
        .bind(endpoint.settings.to_string())
        .bind(endpoint.secret.as_ref().map(Secret::expose))
        .bind(endpoint.enabled)
        .bind(signed(endpoint.place))
        .bind(endpoint.created_at.as_micros())
        .bind(&endpoint.created_by)
        .bind(endpoint.changed_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("write an event endpoint"))?;
        let action = if known == 0 { "events.endpoint.add" } else { "events.endpoint.change" };
        self.commit_as(tx, (by, endpoint.changed_at), (action, &endpoint.name, "")).await?;
        Ok(known == 0)
    }

    /// Removes an endpoint; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while routes lead to it.
    pub async fn remove_event_endpoint(
        &self,
        name: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("remove an event endpoint").await?;
        let done = sqlx::query("DELETE FROM event_endpoints WHERE tenant = ? AND name = ?")
            .bind(self.tenant.as_str())
            .bind(name)
            .execute(tx.conn())
            .await
            .map_err(|error| match error.as_database_error() {
                Some(db) if db.is_foreign_key_violation() => {
                    StoreError::Conflict { what: "route to the event endpoint", id: name.to_owned() }
                }
                _ => StoreError::database("remove an event endpoint")(error),
            })?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_as(tx, (by, at), ("events.endpoint.remove", name, "")).await?;
        Ok(true)
    }

    /// Remembers how far the endpoints have come; one that is gone is passed over.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn save_event_place(&self, endpoint: &str, place: u64) -> Result<(), StoreError> {
        let mut tx = self.db.begin("save the place of an event endpoint").await?;
        sqlx::query("UPDATE event_endpoints SET place = max(place, ?) WHERE tenant = ? AND name = ?")
            .bind(signed(place))
            .bind(self.tenant.as_str())
            .bind(endpoint)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("save the place of an event endpoint"))?;
        tx.commit().await
    }

    /// Routes by id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn event_routes(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<EventRoute>, StoreError> {
        let rows = sqlx::query("SELECT * FROM event_routes WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?")
            .bind(self.tenant.as_str())
            .bind(cursor.unwrap_or_default())
            .bind(limit_plus_one(limit))
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("list event routes"))?;
        let items = rows.iter().map(route).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.clone()))
    }

    /// One route.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn event_route(&self, id: &str) -> Result<Option<EventRoute>, StoreError> {
        let row = sqlx::query("SELECT * FROM event_routes WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read an event route"))?;
        row.as_ref().map(route).transpose()
    }

    /// Adds or changes a route and says whether it is new. The filter is taken as it is.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for its id, [`StoreError::NotFound`] for its endpoint, [`StoreError::Limit`] above
    /// `limit` routes.
    pub async fn put_event_route(
        &self,
        route: &EventRoute,
        limit: u64,
        by: &str,
    ) -> Result<bool, StoreError> {
        check_id(&route.id)?;
        let mut tx = self.db.begin("write an event route").await?;
        let (others, known): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(id <> ?2), 0), coalesce(sum(id = ?2), 0) FROM event_routes WHERE tenant = ?1",
        )
        .bind(self.tenant.as_str())
        .bind(&route.id)
        .fetch_one(tx.conn())
        .await
        .map_err(StoreError::database("write an event route"))?;
        if known == 0 && others.unsigned_abs() >= limit {
            return Err(StoreError::Limit { what: "event routes", limit });
        }
        sqlx::query(
            "INSERT INTO event_routes (tenant, id, endpoint, filter, since, created_at_us, created_by, changed_at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET endpoint = excluded.endpoint, filter = excluded.filter,
                 since = CASE WHEN endpoint = excluded.endpoint THEN since ELSE excluded.since END,
                 changed_at_us = excluded.changed_at_us",
        )
        .bind(self.tenant.as_str())
        .bind(&route.id)
        .bind(&route.endpoint)
        .bind(&route.filter)
        .bind(signed(route.since))
        .bind(route.created_at.as_micros())
        .bind(&route.created_by)
        .bind(route.changed_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(|error| match error.as_database_error() {
            Some(db) if db.is_foreign_key_violation() => {
                StoreError::NotFound { what: "event endpoint", id: route.endpoint.clone() }
            }
            _ => StoreError::database("write an event route")(error),
        })?;
        let action = if known == 0 { "events.route.add" } else { "events.route.change" };
        self.commit_as(tx, (by, route.changed_at), (action, &route.id, &route.endpoint)).await?;
        Ok(known == 0)
    }

    /// Removes a route; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_event_route(&self, id: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("remove an event route").await?;
        let done = sqlx::query("DELETE FROM event_routes WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("remove an event route"))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_as(tx, (by, at), ("events.route.remove", id, "")).await?;
        Ok(true)
    }
}
