//! Every statement on `drop_box`.

use uuid::Uuid;

use super::{DropBox, DropTerms};
use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::{Error, Result},
    id::{DropId, OfficeId, PersonId},
};

macro_rules! columns {
    () => {
        "id, public, secret_hash, office, made_by, label, password, protection, expires_at, max_files, max_bytes, types,
         files, bytes, created_at, revoked_at"
    };
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub id: Uuid,
    pub public: String,
    pub secret_hash: Vec<u8>,
    pub office: Uuid,
    pub made_by: Option<Uuid>,
    pub label: String,
    pub password: Option<String>,
    pub protection: String,
    pub expires_at: i64,
    pub max_files: i64,
    pub max_bytes: i64,
    pub types: String,
    pub files: i64,
    pub bytes: i64,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

impl Row {
    pub(super) fn into_drop(self) -> Result<DropBox> {
        Ok(DropBox {
            id: DropId(self.id),
            public: self.public,
            office: OfficeId(self.office),
            made_by: self.made_by.map(PersonId),
            label: self.label,
            has_password: self.password.is_some(),
            expires_at: Time(self.expires_at),
            max_files: self.max_files,
            max_bytes: self.max_bytes,
            types: serde_json::from_str(&self.types).map_err(Error::internal)?,
            files: self.files,
            bytes: self.bytes,
            created_at: Time(self.created_at),
            ended_at: self.revoked_at.map(Time),
        })
    }
}

/// What a new upload-only link adds to its terms.
pub(super) struct New<'a> {
    pub id: DropId,
    pub public: &'a str,
    pub secret_hash: [u8; 32],
    pub office: OfficeId,
    pub made_by: PersonId,
    pub password: Option<&'a str>,
    pub protection: String,
    pub now: Time,
}

pub(super) async fn insert(tx: &mut Tx, new: &New<'_>, terms: &DropTerms) -> Result<()> {
    let types = serde_json::to_string(terms.types()).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO drop_box (id, public, secret_hash, office, made_by, label, password, protection, expires_at,
             max_files, max_bytes, types, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        params![
            new.id,
            new.public,
            new.secret_hash,
            new.office,
            new.made_by,
            terms.label(),
            new.password,
            new.protection.as_str(),
            terms.expires_at(),
            terms.max_files(),
            terms.max_bytes(),
            types,
            new.now
        ],
    )
    .await
    .map(drop)
}

pub(super) async fn by_public(db: &Db, public: &str) -> Result<Option<Row>> {
    db.one(concat!("SELECT ", columns!(), " FROM drop_box WHERE public = $1"), params![public]).await
}

pub(super) async fn by_id(tx: &mut Tx, office: OfficeId, id: DropId) -> Result<Option<Row>> {
    tx.one(concat!("SELECT ", columns!(), " FROM drop_box WHERE id = $1 AND office = $2"), params![id, office]).await
}

pub(super) async fn list(tx: &mut Tx, office: OfficeId, before: Option<DropId>, limit: i64) -> Result<Vec<Row>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    tx.all(
        concat!("SELECT ", columns!(), " FROM drop_box WHERE office = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
        params![office, before, limit],
    )
    .await
}

pub(super) async fn end(tx: &mut Tx, id: DropId, now: Time) -> Result<bool> {
    let rows = tx
        .execute("UPDATE drop_box SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", params![id, now])
        .await?;
    Ok(rows == 1)
}

pub(super) async fn is_open(db: &Db, id: DropId, now: Time) -> Result<bool> {
    let row: Option<(i64,)> = db
        .one("SELECT files FROM drop_box WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2", params![id, now])
        .await?;
    Ok(row.is_some())
}

/// The place of one file; false when the limits leave none.
pub(super) async fn take(tx: &mut Tx, id: DropId, bytes: i64, now: Time) -> Result<bool> {
    let rows = tx
        .execute(
            "UPDATE drop_box SET files = files + 1, bytes = bytes + $2
             WHERE id = $1 AND revoked_at IS NULL AND expires_at > $3 AND files < max_files AND $2 <= max_bytes - bytes",
            params![id, bytes, now],
        )
        .await?;
    Ok(rows == 1)
}
