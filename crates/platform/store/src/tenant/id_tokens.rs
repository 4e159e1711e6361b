//! The id tokens of a tenant: who may charge, and on what terms.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use voltwin_core::Timestamp;

use super::TenantStore;
use super::stations::check_text;
use crate::audit::Deed;
use crate::row::{Fields, bad, limit_plus_one, page, word};
use crate::{
    IdToken, Page, StoreError, TokenFilter, TokenPolicy, TokenRecord, TokenSettings, TokenStatus, TokenUse,
};

const COLUMNS: &str = "SELECT t.*, g.token_group FROM tokens AS t
     LEFT JOIN token_groups AS g ON g.tenant = t.tenant AND g.token = t.token WHERE t.tenant = ";
/// The longest token that any version of OCPP has room for, in characters.
const TOKEN_CHARS_MAX: usize = 255;
/// Running transactions of one token that are looked at.
const USES_MAX: i64 = 50;

impl TenantStore {
    /// Decides whether an id token may charge; what else is known of it stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist, [`StoreError::Invalid`] for a token of none or more
    /// than 200 characters.
    pub async fn set_token(
        &self,
        token: &str,
        status: TokenStatus,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        check_text("token", token)?;
        let mut tx = self.db.begin("set a token").await?;
        sqlx::query(
            "INSERT INTO tokens (tenant, token, status, concurrent_allowed, changed_at_us, changed_by)
             VALUES (?, ?, ?, 0, ?, ?)
             ON CONFLICT DO UPDATE SET status = excluded.status, changed_at_us = excluded.changed_at_us,
                 changed_by = excluded.changed_by",
        )
        .bind(self.tenant.as_str())
        .bind(token)
        .bind(word(&status))
        .bind(at.as_micros())
        .bind(by)
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("set a token"))?;
        self.tokens_changed(tx.conn()).await?;
        self.commit_as(tx, (by, at), ("token.set", token, &word(&status))).await
    }

    /// Adds an id token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is there, [`StoreError::NotFound`] when the tenant does not exist,
    /// [`StoreError::Invalid`] for a token of none or more than 255 characters.
    pub async fn add_id_token(&self, token: &IdToken, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("add a token").await?;
        if !self.put_token(tx.conn(), token, (by, at)).await? {
            return Err(StoreError::Conflict { what: "id token", id: token.token.clone() });
        }
        self.tokens_changed(tx.conn()).await?;
        self.commit_as(tx, (by, at), ("token.add", &token.token, &detail(token))).await
    }

    /// Puts an id token in place of what was known of it; whether it is new.
    ///
    /// # Errors
    /// As [`TenantStore::add_id_token`], but for the conflict.
    pub async fn set_id_token(&self, token: &IdToken, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("change a token").await?;
        let new = self.put_token(tx.conn(), token, (by, at)).await?;
        self.tokens_changed(tx.conn()).await?;
        let action = if new { "token.add" } else { "token.change" };
        self.commit_as(tx, (by, at), (action, &token.token, &detail(token))).await?;
        Ok(new)
    }

    /// Puts many id tokens, all or none; how many are new.
    ///
    /// # Errors
    /// As [`TenantStore::set_id_token`].
    pub async fn import_id_tokens(
        &self,
        tokens: &[IdToken],
        by: &str,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut tx = self.db.begin("import tokens").await?;
        let mut added = 0;
        for token in tokens {
            let new = self.put_token(tx.conn(), token, (by, at)).await?;
            added += usize::from(new);
            let action = if new { "token.add" } else { "token.change" };
            let detail = detail(token);
            let deed = Deed { tenant: &self.tenant, at, by, action, subject: &token.token, detail: &detail };
            deed.write(tx.conn()).await?;
        }
        self.tokens_changed(tx.conn()).await?;
        let sum = format!("{added} added, {} changed", tokens.len() - added);
        self.commit_as(tx, (by, at), ("token.import", "", &sum)).await?;
        Ok(added)
    }

    /// Forgets an id token; whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete_id_token(&self, token: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("delete a token").await?;
        let mut gone = 0;
        for table in [
            "DELETE FROM tokens WHERE tenant = ? AND token = ?",
            "DELETE FROM token_groups WHERE tenant = ? AND token = ?",
        ] {
            let done = sqlx::query(table)
                .bind(self.tenant.as_str())
                .bind(token)
                .execute(tx.conn())
                .await
                .map_err(StoreError::database("delete a token"))?;
            if table.starts_with("DELETE FROM tokens") {
                gone = done.rows_affected();
                if gone == 0 {
                    return Ok(false);
                }
            }
        }
        self.tokens_changed(tx.conn()).await?;
        self.commit_as(tx, (by, at), ("token.delete", token, "")).await?;
        Ok(gone > 0)
    }

    /// Writes a token; whether it is new.
    async fn put_token(
        &self,
        conn: &mut SqliteConnection,
        token: &IdToken,
        (by, at): (&str, Timestamp),
    ) -> Result<bool, StoreError> {
        if !(1..=TOKEN_CHARS_MAX).contains(&token.token.chars().count()) {
            return Err(StoreError::invalid("token", &token.token, "1 to 255 characters"));
        }
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM tokens WHERE tenant = ? AND token = ?")
            .bind(self.tenant.as_str())
            .bind(&token.token)
            .fetch_optional(&mut *conn)
            .await
            .map_err(StoreError::database("look for a token"))?;
        let only_at = serde_json::to_string(&token.only_at).map_err(bad("only_at"))?;
        sqlx::query(
            "INSERT INTO tokens (tenant, token, status, kind, expires_at_us, parent, language,
                 concurrent_allowed, vehicle, note, only_at, changed_at_us, changed_by)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET status = excluded.status, kind = excluded.kind,
                 expires_at_us = excluded.expires_at_us, parent = excluded.parent,
                 language = excluded.language, concurrent_allowed = excluded.concurrent_allowed,
                 vehicle = excluded.vehicle, note = excluded.note, only_at = excluded.only_at,
                 changed_at_us = excluded.changed_at_us, changed_by = excluded.changed_by",
        )
        .bind(self.tenant.as_str())
        .bind(&token.token)
        .bind(word(&token.status))
        .bind(&token.kind)
        .bind(token.expires_at.map(Timestamp::as_micros))
        .bind(&token.parent)
        .bind(&token.language)
        .bind(token.concurrent_allowed)
        .bind(&token.vehicle)
        .bind(&token.note)
        .bind(only_at)
        .bind(at.as_micros())
        .bind(by)
        .execute(&mut *conn)
        .await
        .map_err(self.unknown_tenant("write a token"))?;
        let grouped = match &token.group {
            Some(group) => sqlx::query(
                "INSERT INTO token_groups (tenant, token, token_group) VALUES (?, ?, ?)
                 ON CONFLICT (tenant, token) DO UPDATE SET token_group = excluded.token_group",
            )
            .bind(self.tenant.as_str())
            .bind(&token.token)
            .bind(group),
            None => sqlx::query("DELETE FROM token_groups WHERE tenant = ? AND token = ?")
                .bind(self.tenant.as_str())
                .bind(&token.token),
        };
        grouped.execute(conn).await.map_err(StoreError::database("group a token"))?;
        Ok(known.is_none())
    }

    async fn tokens_changed(&self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("UPDATE tenants SET tokens_revision = tokens_revision + 1 WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .execute(conn)
            .await
            .map(drop)
            .map_err(StoreError::database("count a change of tokens"))
    }

    /// An id token; upper and lower case are the same.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn token(&self, token: &str) -> Result<Option<TokenRecord>, StoreError> {
        let recall = &self.db.recall;
        let of = (self.tenant.clone(), token.to_ascii_lowercase());
        recall.tokens.get(&recall.writes, of, self.read_token(token)).await
    }

    async fn read_token(&self, token: &str) -> Result<Option<TokenRecord>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push_bind(self.tenant.as_str()).push(" AND t.token = ").push_bind(token);
        let row = query.build().fetch_optional(self.db.readers()).await;
        row.map_err(StoreError::database("look for a token"))?.as_ref().map(record).transpose()
    }

    /// Id tokens, by token.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn tokens(
        &self,
        filter: &TokenFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<TokenRecord>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push_bind(self.tenant.as_str());
        query.push(" AND t.token > ").push_bind(cursor.unwrap_or_default());
        if let Some(text) = &filter.text {
            query.push(" AND (instr(lower(t.token), ").push_bind(text.to_lowercase());
            query.push(") OR instr(lower(t.note), ").push_bind(text.to_lowercase());
            query.push(") OR instr(lower(coalesce(t.vehicle, '')), ").push_bind(text.to_lowercase());
            query.push("))");
        }
        if let Some(status) = &filter.status {
            query.push(" AND t.status = ").push_bind(word(status));
        }
        if let Some(parent) = &filter.parent {
            query.push(" AND t.parent = ").push_bind(parent);
        }
        query.push(" ORDER BY t.token LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list tokens"))?;
        let items = rows.iter().map(record).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(page(items, limit, |item| item.token.token.clone()))
    }

    /// The transactions that run on a token, oldest first, at most 50.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn token_uses(&self, token: &str) -> Result<Vec<TokenUse>, StoreError> {
        // the planner would rather walk all transactions of the tenant than this small index
        let rows = sqlx::query(
            "SELECT station, transaction_id, last_at_us, bill ->> '$.evse' AS evse
             FROM transactions INDEXED BY transactions_active_by_token
             WHERE tenant = ? AND state = 'active' AND id_token = ? COLLATE NOCASE ORDER BY +number LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(token)
        .bind(USES_MAX)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("look for uses of a token"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(TokenUse {
                station: fields.text("station")?,
                transaction_id: fields.text("transaction_id")?,
                evse: fields.get("evse")?,
                last_at: fields.time("last_at_us")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// What happens to id tokens that nothing was decided of.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn token_policy(&self) -> Result<TokenPolicy, StoreError> {
        Ok(self.token_settings().await?.unknown_tokens)
    }

    /// What holds for all id tokens.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn token_settings(&self) -> Result<TokenSettings, StoreError> {
        let recall = &self.db.recall;
        let of = (self.tenant.clone(), String::new());
        recall.token_settings.get(&recall.writes, of, self.read_token_settings()).await
    }

    async fn read_token_settings(&self) -> Result<TokenSettings, StoreError> {
        let row =
            sqlx::query("SELECT unknown_tokens, master_group, tokens_revision FROM tenants WHERE tenant = ?")
                .bind(self.tenant.as_str())
                .fetch_optional(self.db.readers())
                .await
                .map_err(StoreError::database("read a tenant"))?;
        let missing = || StoreError::NotFound { what: "tenant", id: self.tenant.to_string() };
        let row = row.ok_or_else(missing)?;
        let fields = Fields(&row);
        Ok(TokenSettings {
            unknown_tokens: fields.word("unknown_tokens")?,
            master_group: fields.get("master_group")?,
            revision: fields.get("tokens_revision")?,
        })
    }

    /// Decides what holds for all id tokens.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn set_token_settings(
        &self,
        unknown_tokens: TokenPolicy,
        master_group: Option<&str>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("set what holds for tokens").await?;
        let done = sqlx::query("UPDATE tenants SET unknown_tokens = ?, master_group = ? WHERE tenant = ?")
            .bind(word(&unknown_tokens))
            .bind(master_group)
            .bind(self.tenant.as_str())
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("set what holds for tokens"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "tenant", id: self.tenant.to_string() });
        }
        let master = master_group.map_or_else(String::new, |group| format!(", master group {group}"));
        let detail = format!("unknown tokens: {}{master}", word(&unknown_tokens));
        self.commit_as(tx, (by, at), ("token.settings", "", &detail)).await
    }
}

/// What the audit trail says of a token: all but the token itself, which is the subject.
fn detail(token: &IdToken) -> String {
    let mut json = serde_json::to_value(token).unwrap_or_default();
    if let Some(object) = json.as_object_mut() {
        object.remove("token");
        object.retain(|_, value| {
            !value.is_null()
                && value.as_str() != Some("")
                && value.as_array().is_none_or(|list| !list.is_empty())
        });
    }
    json.to_string()
}

fn record(row: &SqliteRow) -> Result<TokenRecord, StoreError> {
    let fields = Fields(row);
    Ok(TokenRecord {
        token: IdToken {
            token: fields.text("token")?,
            kind: fields.text("kind")?,
            status: fields.word("status")?,
            expires_at: fields.time_opt("expires_at_us")?,
            parent: fields.get("parent")?,
            group: fields.get("token_group")?,
            language: fields.get("language")?,
            concurrent_allowed: fields.get("concurrent_allowed")?,
            vehicle: fields.get("vehicle")?,
            note: fields.text("note")?,
            only_at: fields.json("only_at")?,
        },
        changed_at: fields.time("changed_at_us")?,
        changed_by: fields.text("changed_by")?,
    })
}
