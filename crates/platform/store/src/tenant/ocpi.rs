//! Partners by OCPI.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use voltwin_core::Timestamp;
use voltwin_security::{Secret, TokenHash};

use super::TenantStore;
use crate::ocpi::{
    OcpiGrant, OcpiObject, OcpiParty, OcpiPush, OcpiRange, OcpiReservation, OcpiSettings, OcpiToken,
};
use crate::row::{Fields, bad, limit_plus_one, page, word};
use crate::{Page, StoreError};

/// Reservations of one partner; the one that ends first gives way.
const RESERVATIONS_MAX: i64 = 1_000;

impl TenantStore {
    /// Who the tenant is to its partners; `None` while it has none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_settings(&self) -> Result<Option<OcpiSettings>, StoreError> {
        let row = sqlx::query("SELECT * FROM ocpi_settings WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read the OCPI settings"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(OcpiSettings {
                country_code: fields.text("country_code")?,
                party_id: fields.text("party_id")?,
                name: fields.text("name")?,
                website: fields.get("website")?,
                url: fields.text("url")?,
                currency: fields.text("currency")?,
                changed_at: fields.time("changed_at_us")?,
            })
        };
        row.as_ref().map(read).transpose()
    }

    /// Says who the tenant is to its partners.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn set_ocpi_settings(&self, settings: &OcpiSettings, by: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write the OCPI settings").await?;
        sqlx::query(
            "INSERT INTO ocpi_settings (tenant, country_code, party_id, name, website, url, currency, changed_at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET country_code = excluded.country_code, party_id = excluded.party_id,
                 name = excluded.name, website = excluded.website, url = excluded.url,
                 currency = excluded.currency, changed_at_us = excluded.changed_at_us",
        )
        .bind(self.tenant.as_str())
        .bind(&settings.country_code)
        .bind(&settings.party_id)
        .bind(&settings.name)
        .bind(&settings.website)
        .bind(&settings.url)
        .bind(&settings.currency)
        .bind(settings.changed_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("write the OCPI settings"))?;
        let party = format!("{}*{}", settings.country_code, settings.party_id);
        self.commit_as(tx, (by, settings.changed_at), ("ocpi.settings", &party, &settings.url)).await
    }

    /// Partners by id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_parties(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<OcpiParty>, StoreError> {
        let rows = sqlx::query("SELECT * FROM ocpi_parties WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?")
            .bind(self.tenant.as_str())
            .bind(cursor.unwrap_or_default())
            .bind(limit_plus_one(limit))
            .fetch_all(self.db.readers())
            .await
            .map_err(StoreError::database("list partners"))?;
        let items = rows.iter().map(party).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.clone()))
    }

    /// One partner.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_party(&self, id: &str) -> Result<Option<OcpiParty>, StoreError> {
        let row = sqlx::query("SELECT * FROM ocpi_parties WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read a partner"))?;
        row.as_ref().map(party).transpose()
    }

    /// Adds or changes a partner; `by` and `action` go to the audit trail.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist, [`StoreError::Conflict`] for a token that another
    /// partner has.
    pub async fn put_ocpi_party(
        &self,
        party: &OcpiParty,
        (by, action): (&str, &str),
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write a partner").await?;
        sqlx::query(
            "INSERT INTO ocpi_parties (tenant, id, name, state, token_in, token_out, url, roles, endpoints,
                 created_at_us, created_by, changed_at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, state = excluded.state,
                 token_in = excluded.token_in, token_out = excluded.token_out, url = excluded.url,
                 roles = excluded.roles, endpoints = excluded.endpoints, changed_at_us = excluded.changed_at_us",
        )
        .bind(self.tenant.as_str())
        .bind(&party.id)
        .bind(&party.name)
        .bind(word(&party.state))
        .bind(party.token_in.as_ref().map(|hash| hash.as_bytes().as_slice()))
        .bind(party.token_out.as_ref().map(Secret::expose))
        .bind(&party.url)
        .bind(party.roles.to_string())
        .bind(party.endpoints.to_string())
        .bind(party.created_at.as_micros())
        .bind(&party.created_by)
        .bind(party.changed_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(|error| match error.as_database_error() {
            Some(db) if db.is_unique_violation() => {
                StoreError::Conflict { what: "token of a partner", id: party.id.clone() }
            }
            _ => self.unknown_tenant("write a partner")(error),
        })?;
        self.commit_as(tx, (by, party.changed_at), (action, &party.id, &party.name)).await
    }

    /// Writes down that a partner cannot be reached and why, or that it can be again. Since when it cannot stays what it
    /// was while only the reason changes.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn set_ocpi_trouble(
        &self,
        party: &str,
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write the trouble with a partner").await?;
        sqlx::query(
            "UPDATE ocpi_parties SET trouble = ?3,
                 trouble_since_us = CASE WHEN ?3 IS NULL THEN NULL ELSE coalesce(trouble_since_us, ?4) END
             WHERE tenant = ?1 AND id = ?2",
        )
        .bind(self.tenant.as_str())
        .bind(party)
        .bind(why)
        .bind(now.as_micros())
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("write the trouble with a partner"))?;
        tx.commit().await
    }

    /// One object, whoever may read it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_object(&self, module: &str, id: &str) -> Result<Option<OcpiObject>, StoreError> {
        let row = sqlx::query("SELECT * FROM ocpi_objects WHERE tenant = ? AND module = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(module)
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read an OCPI object"))?;
        row.as_ref().map(object).transpose()
    }

    /// The objects of a module that a partner may read, in the order in which they came to be, and how many there are
    /// in the whole range.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_objects(
        &self,
        module: &str,
        reader: &str,
        range: OcpiRange,
    ) -> Result<(Vec<OcpiObject>, u64), StoreError> {
        const WHERE: &str = "FROM ocpi_objects WHERE tenant = ? AND module = ? AND owner IN ('', ?)
            AND last_updated_us >= ? AND last_updated_us < ?";
        let (from, to) =
            (range.from.unwrap_or_default().as_micros(), range.to.map_or(i64::MAX, Timestamp::as_micros));
        let fail = StoreError::database("list OCPI objects");
        let total: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) {WHERE}")))
            .bind(self.tenant.as_str())
            .bind(module)
            .bind(reader)
            .bind(from)
            .bind(to)
            .fetch_one(self.db.readers())
            .await
            .map_err(&fail)?;
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * {WHERE} ORDER BY place LIMIT ? OFFSET ?")))
                .bind(self.tenant.as_str())
                .bind(module)
                .bind(reader)
                .bind(from)
                .bind(to)
                .bind(range.limit)
                .bind(range.offset)
                .fetch_all(self.db.readers())
                .await
                .map_err(&fail)?;
        let items = rows.iter().map(object).collect::<Result<Vec<_>, _>>()?;
        Ok((items, total.unsigned_abs()))
    }

    /// Writes objects, and what is to be sent of them, whole or not at all. A push joins the one of the same object
    /// that waits; one that was given up begins anew.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn write_ocpi(&self, objects: &[OcpiObject], pushes: &[OcpiPush]) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write OCPI objects").await?;
        for object in objects {
            self.write_object(tx.conn(), object).await?;
        }
        for push in pushes {
            self.write_push(tx.conn(), push).await?;
        }
        tx.commit().await
    }

    async fn write_object(&self, conn: &mut SqliteConnection, object: &OcpiObject) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO ocpi_objects (tenant, module, id, place, owner, last_updated_us, body)
             VALUES (?1, ?2, ?3,
                 1 + coalesce((SELECT max(place) FROM ocpi_objects WHERE tenant = ?1 AND module = ?2), 0), ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET owner = excluded.owner, last_updated_us = excluded.last_updated_us,
                 body = excluded.body",
        )
        .bind(self.tenant.as_str())
        .bind(&object.module)
        .bind(&object.id)
        .bind(&object.owner)
        .bind(object.last_updated.as_micros())
        .bind(object.body.to_string())
        .execute(conn)
        .await
        .map_err(StoreError::database("write an OCPI object"))?;
        Ok(())
    }

    async fn write_push(&self, conn: &mut SqliteConnection, push: &OcpiPush) -> Result<(), StoreError> {
        let fail = StoreError::database("write what is to be sent");
        let waiting: Option<Option<String>> = sqlx::query_scalar(
            "SELECT parts FROM ocpi_outbox WHERE tenant = ? AND party = ? AND module = ? AND object = ? AND dead = 0",
        )
        .bind(self.tenant.as_str())
        .bind(&push.party)
        .bind(&push.module)
        .bind(&push.object)
        .fetch_optional(&mut *conn)
        .await
        .map_err(&fail)?;
        let parts = match (waiting, &push.parts) {
            (Some(None), _) | (_, None) => None,
            (Some(Some(earlier)), Some(parts)) => {
                let mut all: Vec<String> = serde_json::from_str(&earlier).map_err(bad("parts"))?;
                all.extend(parts.iter().filter(|part| !earlier.contains(part.as_str())).cloned());
                Some(all)
            }
            (None, Some(parts)) => Some(parts.clone()),
        };
        let parts = parts.map(|parts| serde_json::to_string(&parts)).transpose().map_err(bad("parts"))?;
        sqlx::query(
            "INSERT INTO ocpi_outbox (tenant, party, module, object, parts, body, revision, attempts, next_us, dead,
                 error, created_us)
             VALUES (?, ?, ?, ?, ?, ?, 1, 0, ?, 0, NULL, ?)
             ON CONFLICT DO UPDATE SET body = excluded.body, revision = revision + 1,
                 parts = CASE dead WHEN 0 THEN excluded.parts END,
                 next_us = CASE dead WHEN 0 THEN next_us ELSE excluded.next_us END,
                 attempts = CASE dead WHEN 0 THEN attempts ELSE 0 END, dead = 0",
        )
        .bind(self.tenant.as_str())
        .bind(&push.party)
        .bind(&push.module)
        .bind(&push.object)
        .bind(parts)
        .bind(push.body.to_string())
        .bind(push.next_at.as_micros())
        .bind(push.created_at.as_micros())
        .execute(conn)
        .await
        .map_err(&fail)?;
        Ok(())
    }

    /// What is to be sent at this time, the longest waiting first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_due(&self, now: Timestamp, limit: usize) -> Result<Vec<OcpiPush>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM ocpi_outbox WHERE tenant = ? AND dead = 0 AND next_us <= ? ORDER BY next_us LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(now.as_micros())
        .bind(limit_plus_one(limit) - 1)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list what is to be sent"))?;
        rows.iter().map(push).collect()
    }

    /// What waits to be sent, or was given up, by partner, module and object.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_outbox(
        &self,
        dead: bool,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<OcpiPush>, StoreError> {
        let mut parts = cursor.unwrap_or_default().splitn(3, '\n');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let rows = sqlx::query(
            "SELECT * FROM ocpi_outbox WHERE tenant = ? AND dead = ? AND (party, module, object) > (?, ?, ?)
             ORDER BY party, module, object LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(dead)
        .bind(next())
        .bind(next())
        .bind(next())
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list what is to be sent"))?;
        let items = rows.iter().map(push).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| format!("{}\n{}\n{}", item.party, item.module, item.object)))
    }

    /// Writes down how a delivery went: `None` is success, which removes it unless there is a newer state.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn ocpi_sent(
        &self,
        push: &OcpiPush,
        failure: Option<(&str, Timestamp, bool)>,
    ) -> Result<(), StoreError> {
        const KEY: &str = "WHERE tenant = ? AND party = ? AND module = ? AND object = ?";
        let mut tx = self.db.begin("record a delivery").await?;
        let query = match failure {
            None => sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM ocpi_outbox {KEY} AND revision = ?"))),
            Some((error, next_at, dead)) => sqlx::query(sqlx::AssertSqlSafe(format!(
                "UPDATE ocpi_outbox SET attempts = attempts + 1, error = ?, next_us = ?, dead = ? {KEY} AND revision = ?"
            )))
            .bind(error)
            .bind(next_at.as_micros())
            .bind(dead),
        };
        query
            .bind(self.tenant.as_str())
            .bind(&push.party)
            .bind(&push.module)
            .bind(&push.object)
            .bind(push.revision)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("record a delivery"))?;
        tx.commit().await
    }

    /// Tries everything again that was given up for a partner, and forgets it for one that is gone.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn ocpi_retry(&self, party: &str, forget: bool, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.db.begin("send again").await?;
        let query = match forget {
            true => sqlx::query("DELETE FROM ocpi_outbox WHERE tenant = ? AND party = ?"),
            false => sqlx::query(
                "UPDATE ocpi_outbox SET dead = 0, attempts = 0, parts = NULL, next_us = ?3
                 WHERE tenant = ?1 AND party = ?2 AND dead = 1",
            ),
        };
        let query = query.bind(self.tenant.as_str()).bind(party);
        let query = if forget { query } else { query.bind(now.as_micros()) };
        let done = query.execute(tx.conn()).await.map_err(StoreError::database("send again"))?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// Keeps a token that a partner told us.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn put_ocpi_token(&self, token: &OcpiToken) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write a token").await?;
        sqlx::query(
            "INSERT INTO ocpi_tokens (tenant, party, kind, uid, last_updated_us, body) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET last_updated_us = excluded.last_updated_us, body = excluded.body",
        )
        .bind(self.tenant.as_str())
        .bind(&token.party)
        .bind(&token.kind)
        .bind(&token.uid)
        .bind(token.last_updated.as_micros())
        .bind(token.body.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("write a token"))?;
        tx.commit().await
    }

    /// The tokens of this uid, of all partners and kinds, newest first, at most 16.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_tokens(&self, uid: &str) -> Result<Vec<OcpiToken>, StoreError> {
        let recall = &self.db.recall;
        let of = (self.tenant.clone(), uid.to_owned());
        recall.partner_tokens.get(&recall.writes, of, self.read_ocpi_tokens(uid)).await
    }

    async fn read_ocpi_tokens(&self, uid: &str) -> Result<Vec<OcpiToken>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM ocpi_tokens WHERE tenant = ? AND uid = ? ORDER BY last_updated_us DESC LIMIT 16",
        )
        .bind(self.tenant.as_str())
        .bind(uid)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("look for a token"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(OcpiToken {
                party: fields.text("party")?,
                kind: fields.text("kind")?,
                uid: fields.text("uid")?,
                last_updated: fields.time("last_updated_us")?,
                body: fields.json("body")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Remembers how a token was let in.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn put_ocpi_grant(&self, uid: &str, grant: &OcpiGrant) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write a grant").await?;
        sqlx::query(
            "INSERT INTO ocpi_grants (tenant, uid, method, reference, at_us) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET method = excluded.method, reference = excluded.reference, at_us = excluded.at_us",
        )
        .bind(self.tenant.as_str())
        .bind(uid)
        .bind(&grant.method)
        .bind(&grant.reference)
        .bind(grant.at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("write a grant"))?;
        tx.commit().await
    }

    /// How a token was last let in.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_grant(&self, uid: &str) -> Result<Option<OcpiGrant>, StoreError> {
        let row = sqlx::query("SELECT * FROM ocpi_grants WHERE tenant = ? AND uid = ?")
            .bind(self.tenant.as_str())
            .bind(uid)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a grant"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(OcpiGrant {
                method: fields.text("method")?,
                reference: fields.get("reference")?,
                at: fields.time("at_us")?,
            })
        };
        row.as_ref().map(read).transpose()
    }

    /// Remembers a reservation of a partner.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn put_ocpi_reservation(
        &self,
        party: &str,
        id: &str,
        reservation: &OcpiReservation,
    ) -> Result<(), StoreError> {
        let fail = StoreError::database("write a reservation");
        let mut tx = self.db.begin("write a reservation").await?;
        sqlx::query(
            "INSERT INTO ocpi_reservations (tenant, party, id, number, station, expires_us) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET number = excluded.number, station = excluded.station,
                 expires_us = excluded.expires_us",
        )
        .bind(self.tenant.as_str())
        .bind(party)
        .bind(id)
        .bind(reservation.number)
        .bind(&reservation.station)
        .bind(reservation.expires_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        sqlx::query(
            "DELETE FROM ocpi_reservations WHERE tenant = ?1 AND party = ?2 AND id IN (SELECT id FROM ocpi_reservations
                 WHERE tenant = ?1 AND party = ?2 ORDER BY expires_us DESC LIMIT -1 OFFSET ?3)",
        )
        .bind(self.tenant.as_str())
        .bind(party)
        .bind(RESERVATIONS_MAX)
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        tx.commit().await
    }

    /// A reservation of a partner.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ocpi_reservation(
        &self,
        party: &str,
        id: &str,
    ) -> Result<Option<OcpiReservation>, StoreError> {
        let row = sqlx::query("SELECT * FROM ocpi_reservations WHERE tenant = ? AND party = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(party)
            .bind(id)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a reservation"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(OcpiReservation {
                number: fields.get("number")?,
                station: fields.text("station")?,
                expires_at: fields.time("expires_us")?,
            })
        };
        row.as_ref().map(read).transpose()
    }
}

pub(crate) fn party(row: &SqliteRow) -> Result<OcpiParty, StoreError> {
    let fields = Fields(row);
    let token_in: Option<Vec<u8>> = fields.get("token_in")?;
    let token_in = token_in
        .map(|bytes| TokenHash::from_slice(&bytes).ok_or_else(|| bad("token_in")("not 32 bytes")))
        .transpose()?;
    Ok(OcpiParty {
        id: fields.text("id")?,
        name: fields.text("name")?,
        state: fields.word("state")?,
        token_in,
        token_out: fields.get::<Option<String>>("token_out")?.map(Secret::new),
        url: fields.get("url")?,
        roles: fields.json("roles")?,
        endpoints: fields.json("endpoints")?,
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
        changed_at: fields.time("changed_at_us")?,
        trouble: match (fields.get("trouble")?, fields.time_opt("trouble_since_us")?) {
            (Some(why), Some(since)) => Some((why, since)),
            _ => None,
        },
    })
}

fn object(row: &SqliteRow) -> Result<OcpiObject, StoreError> {
    let fields = Fields(row);
    Ok(OcpiObject {
        module: fields.text("module")?,
        id: fields.text("id")?,
        owner: fields.text("owner")?,
        last_updated: fields.time("last_updated_us")?,
        body: fields.json("body")?,
    })
}

fn push(row: &SqliteRow) -> Result<OcpiPush, StoreError> {
    let fields = Fields(row);
    Ok(OcpiPush {
        party: fields.text("party")?,
        module: fields.text("module")?,
        object: fields.text("object")?,
        parts: fields.json_opt("parts")?,
        body: fields.json("body")?,
        revision: fields.get("revision")?,
        attempts: fields.get("attempts")?,
        next_at: fields.time("next_us")?,
        dead: fields.get("dead")?,
        error: fields.get("error")?,
        created_at: fields.time("created_us")?,
    })
}
