//! Keys, users, sessions and id tokens.

use sqlx::sqlite::SqliteRow;
use voltwin_core::Timestamp;
use voltwin_security::{PasswordHash, Role, TokenHash};

use super::TenantStore;
use super::stations::check_text;
use crate::row::{Fields, limit_plus_one, page};
use crate::{KeyRecord, Page, StoreError, UserRecord};

/// Sessions of one tenant; the one that ends first gives way to a new one.
const SESSIONS_MAX: i64 = 1000;

impl TenantStore {
    /// Adds an API key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the public id is taken (by any tenant), [`StoreError::NotFound`] when the
    /// tenant does not exist.
    pub async fn add_key(
        &self,
        public_id: &str,
        hash: &TokenHash,
        role: Role,
        label: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<KeyRecord, StoreError> {
        let mut tx = self.db.begin("add a key").await?;
        let done = sqlx::query(
            "INSERT INTO api_keys (tenant, public_id, hash, role, label, created_at_us, created_by)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(self.tenant.as_str())
        .bind(public_id)
        .bind(hash.as_bytes().as_slice())
        .bind(role.as_str())
        .bind(label)
        .bind(at.as_micros())
        .bind(by)
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("add a key"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "key", id: public_id.to_owned() });
        }
        self.commit_as(tx, (by, at), ("key.add", public_id, role.as_str())).await?;
        Ok(KeyRecord {
            public_id: public_id.to_owned(),
            hash: *hash,
            role,
            label: label.to_owned(),
            created_at: at,
            created_by: by.to_owned(),
            revoked_at: None,
        })
    }

    /// The keys by public id, revoked ones too.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keys(&self, cursor: Option<&str>, limit: usize) -> Result<Page<KeyRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM api_keys WHERE tenant = ? AND public_id > ? ORDER BY public_id LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(cursor.unwrap_or_default())
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list keys"))?;
        let items = rows.iter().map(key_record).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.public_id.clone()))
    }

    /// Revokes a key, and signs out whoever signed in with it; doing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_key(&self, public_id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let fail = StoreError::database("revoke a key");
        let mut tx = self.db.begin("revoke a key").await?;
        let done = sqlx::query(
            "UPDATE api_keys SET revoked_at_us = coalesce(revoked_at_us, ?) WHERE tenant = ? AND public_id = ?",
        )
        .bind(at.as_micros())
        .bind(self.tenant.as_str())
        .bind(public_id)
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "key", id: public_id.to_owned() });
        }
        sqlx::query("DELETE FROM sessions WHERE tenant = ? AND user = ?")
            .bind(self.tenant.as_str())
            .bind(public_id)
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        self.commit_as(tx, (by, at), ("key.revoke", public_id, "")).await
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is taken, [`StoreError::NotFound`] when the tenant does not exist,
    /// [`StoreError::Invalid`] for a name of none or more than 200 characters.
    pub async fn add_user(
        &self,
        name: &str,
        password: &PasswordHash,
        role: Role,
        by: &str,
        at: Timestamp,
    ) -> Result<UserRecord, StoreError> {
        check_text("user", name)?;
        let mut tx = self.db.begin("add a user").await?;
        let done = sqlx::query(
            "INSERT INTO users (tenant, name, password_hash, role) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(self.tenant.as_str())
        .bind(name)
        .bind(password.as_str())
        .bind(role.as_str())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("add a user"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "user", id: name.to_owned() });
        }
        self.commit_as(tx, (by, at), ("user.add", name, role.as_str())).await?;
        Ok(UserRecord { name: name.to_owned(), password_hash: password.clone(), role })
    }

    /// The user of this name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn find_user(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM users WHERE tenant = ? AND name = ?")
            .bind(self.tenant.as_str())
            .bind(name)
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("look for a user"))?;
        let Some(row) = row else { return Ok(None) };
        let fields = Fields(&row);
        let Some(password_hash) = fields.password_hash()? else { return Ok(None) };
        Ok(Some(UserRecord { name: fields.text("name")?, password_hash, role: fields.word("role")? }))
    }

    /// Remembers a signed-in user. A tenant has at most 1,000 sessions; the one that ends first gives way.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the token is taken, [`StoreError::NotFound`] when the tenant does not exist.
    pub async fn add_session(
        &self,
        hash: &TokenHash,
        user: &str,
        role: Role,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("add a session").await?;
        sqlx::query(
            "DELETE FROM sessions WHERE tenant = ?1 AND hash IN
                 (SELECT hash FROM sessions WHERE tenant = ?1 ORDER BY expires_at_us DESC LIMIT -1 OFFSET ?2)",
        )
        .bind(self.tenant.as_str())
        .bind(SESSIONS_MAX - 1)
        .execute(tx.conn())
        .await
        .map_err(StoreError::database("add a session"))?;
        let done = sqlx::query(
            "INSERT INTO sessions (tenant, hash, user, role, expires_at_us) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(self.tenant.as_str())
        .bind(hash.as_bytes().as_slice())
        .bind(user)
        .bind(role.as_str())
        .bind(expires_at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("add a session"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "session", id: user.to_owned() });
        }
        tx.commit().await
    }

    /// Ends a session; one that does not exist is ended already.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_session(&self, hash: &TokenHash) -> Result<(), StoreError> {
        let mut tx = self.db.begin("end a session").await?;
        sqlx::query("DELETE FROM sessions WHERE tenant = ? AND hash = ?")
            .bind(self.tenant.as_str())
            .bind(hash.as_bytes().as_slice())
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("end a session"))?;
        tx.commit().await
    }
}

pub(crate) fn key_record(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    let fields = Fields(row);
    Ok(KeyRecord {
        public_id: fields.text("public_id")?,
        hash: fields.token_hash()?,
        role: fields.word("role")?,
        label: fields.text("label")?,
        created_at: fields.time("created_at_us")?,
        created_by: fields.text("created_by")?,
        revoked_at: fields.time_opt("revoked_at_us")?,
    })
}
