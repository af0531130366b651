//! Every statement on `office`, `office_code` and `office_key`.

use uuid::Uuid;

use super::{Code, New, Office, OfficeKind};
use crate::{
    clock::Time,
    db::{Tx, params},
    error::{Error, Result},
    id::OfficeId,
};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    number: i64,
    parent: Option<Uuid>,
    kind: String,
    code: String,
    name: String,
    aliases: String,
    address: String,
    quota: Option<i64>,
    revision: i64,
}

impl Row {
    pub(super) fn into_office(self) -> Result<Office> {
        Ok(Office {
            id: OfficeId(self.id),
            number: self.number,
            parent: self.parent.map(OfficeId),
            kind: OfficeKind::parse(&self.kind).ok_or_else(|| Error::internal("an office of unknown kind"))?,
            code: self.code,
            name: self.name,
            aliases: serde_json::from_str(&self.aliases).map_err(Error::internal)?,
            address: self.address,
            quota: self.quota.and_then(|quota| u64::try_from(quota).ok()),
            revision: self.revision,
        })
    }
}

pub(super) async fn find(tx: &mut Tx, id: OfficeId) -> Result<Option<Row>> {
    tx.one(
        "SELECT id, number, parent, kind, code, name, aliases, address, quota, revision FROM office WHERE id = $1",
        params![id],
    )
    .await
}

pub(super) async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Row>> {
    tx.one(
        "SELECT o.id, o.number, o.parent, o.kind, o.code, o.name, o.aliases, o.address, o.quota, o.revision
         FROM office_code c JOIN office o ON o.id = c.office WHERE c.code = $1
         ORDER BY CASE WHEN o.code = c.code THEN 0 ELSE 1 END, o.number LIMIT 1",
        params![code],
    )
    .await
}

pub(super) async fn root(tx: &mut Tx) -> Result<Option<Row>> {
    tx.one(
        "SELECT id, number, parent, kind, code, name, aliases, address, quota, revision FROM office
         WHERE parent IS NULL ORDER BY number LIMIT 1",
        params![],
    )
    .await
}

pub(super) async fn codes(tx: &mut Tx, id: OfficeId) -> Result<Vec<Code>> {
    tx.all(
        "SELECT c.code, c.since, c.until FROM office_code c JOIN office o ON o.id = c.office WHERE c.office = $1
         ORDER BY CASE WHEN c.code = o.code THEN 0 ELSE 1 END, c.code",
        params![id],
    )
    .await
}

pub(super) async fn list(
    tx: &mut Tx,
    parent: Option<OfficeId>,
    pattern: Option<&str>,
    after: Option<OfficeId>,
    limit: i64,
) -> Result<Vec<Row>> {
    tx.all(
        r"SELECT o.id, o.number, o.parent, o.kind, o.code, o.name, o.aliases, o.address, o.quota, o.revision FROM office o
          WHERE ($1 IS NULL OR o.parent = $1)
            AND ($2 IS NULL OR LOWER(o.name) LIKE $2 ESCAPE '\' OR LOWER(o.aliases) LIKE $2 ESCAPE '\'
                OR EXISTS (SELECT 1 FROM office_code c WHERE c.office = o.id AND LOWER(c.code) LIKE $2 ESCAPE '\'))
            AND ($3 IS NULL OR (o.code, o.number) > (SELECT a.code, a.number FROM office a WHERE a.id = $3))
          ORDER BY o.code, o.number LIMIT $4",
        params![parent, pattern, after, limit],
    )
    .await
}

pub(super) async fn insert(tx: &mut Tx, id: OfficeId, new: &New<'_>, now: Time) -> Result<()> {
    let aliases = serde_json::to_string(new.aliases).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO office (id, number, parent, kind, code, name, aliases, created_at)
         VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM office), $2, $3, $4, $5, $6, $7)",
        params![id, new.parent, new.kind.as_str(), new.code, new.name, aliases, now],
    )
    .await
    .map(drop)
}

/// The code and kind that an office bears from now on.
pub(super) async fn succeed(tx: &mut Tx, id: OfficeId, code: &str, kind: OfficeKind) -> Result<()> {
    tx.execute(
        "UPDATE office SET code = $2, kind = $3, revision = revision + 1 WHERE id = $1",
        params![id, code, kind.as_str()],
    )
    .await
    .map(drop)
}

/// Says nothing new about a code that is known already, except when it ended.
pub(super) async fn insert_code(
    tx: &mut Tx,
    office: OfficeId,
    code: &str,
    since: Option<&str>,
    until: Option<&str>,
) -> Result<()> {
    tx.execute(
        "INSERT INTO office_code (office, code, since, until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (office, code) DO UPDATE SET since = COALESCE(office_code.since, excluded.since),
            until = COALESCE(office_code.until, excluded.until)",
        params![office, code, since, until],
    )
    .await
    .map(drop)
}

pub(super) async fn correct(
    tx: &mut Tx,
    id: OfficeId,
    revision: i64,
    name: &str,
    aliases: &[String],
    address: &str,
    quota: Option<u64>,
) -> Result<bool> {
    let aliases = serde_json::to_string(aliases).map_err(Error::internal)?;
    let changed = tx
        .execute(
            "UPDATE office SET name = $3, aliases = $4, address = $5, quota = $6, revision = revision + 1
             WHERE id = $1 AND revision = $2",
            params![id, revision, name, aliases, address, quota.map(|quota| quota as i64)],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn insert_keys(
    tx: &mut Tx,
    office: OfficeId,
    version: i64,
    kek: Vec<u8>,
    dedupe: Vec<u8>,
    now: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO office_key (office, version, kek, dedupe, created_at) VALUES ($1, $2, $3, $4, $5)",
        params![office, version, kek, dedupe, now],
    )
    .await
    .map(drop)
}

#[derive(sqlx::FromRow)]
pub(super) struct KeyRow {
    pub version: i64,
    pub kek: Vec<u8>,
    pub dedupe: Vec<u8>,
}

/// The newest version, or the one that is asked for.
pub(super) async fn keys(tx: &mut Tx, office: OfficeId, version: Option<i64>) -> Result<Option<KeyRow>> {
    tx.one(
        "SELECT version, kek, dedupe FROM office_key WHERE office = $1 AND ($2 IS NULL OR version = $2)
         ORDER BY version DESC LIMIT 1",
        params![office, version],
    )
    .await
}

#[derive(sqlx::FromRow)]
pub(super) struct AnyKeyRow {
    pub office: Uuid,
    pub version: i64,
    pub kek: Vec<u8>,
    pub dedupe: Vec<u8>,
}

pub(super) async fn all_keys(tx: &mut Tx) -> Result<Vec<AnyKeyRow>> {
    tx.all("SELECT office, version, kek, dedupe FROM office_key ORDER BY office, version", params![]).await
}

pub(super) async fn set_keys(tx: &mut Tx, office: OfficeId, version: i64, kek: Vec<u8>, dedupe: Vec<u8>) -> Result<()> {
    tx.execute(
        "UPDATE office_key SET kek = $3, dedupe = $4 WHERE office = $1 AND version = $2",
        params![office, version, kek, dedupe],
    )
    .await
    .map(drop)
}

pub(super) async fn numbers(tx: &mut Tx) -> Result<Vec<(i64, OfficeId, String)>> {
    let rows: Vec<(i64, Uuid, String)> = tx.all("SELECT number, id, name FROM office", params![]).await?;
    Ok(rows.into_iter().map(|(number, id, name)| (number, OfficeId(id), name)).collect())
}
