//! Every statement on `derivation`, and what opening needs of `blob` and `blob_key`.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::Result,
    id::{OfficeId, VersionId},
};

pub(super) async fn blob(db: &Db, blob: Uuid) -> Result<Option<String>> {
    let row: Option<(String,)> =
        db.one("SELECT object FROM blob WHERE id = $1 AND state = 'live'", params![blob]).await?;
    Ok(row.map(|(object,)| object))
}

pub(super) async fn key(db: &Db, blob: Uuid, office: OfficeId) -> Result<Option<(OfficeId, i64, Vec<u8>)>> {
    let row: Option<(Uuid, i64, Vec<u8>)> = db
        .one("SELECT office, version, wrapped FROM blob_key WHERE blob = $1 AND office = $2", params![blob, office])
        .await?;
    Ok(row.map(|(office, version, wrapped)| (OfficeId(office), version, wrapped)))
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct DerivedRow {
    pub page: i64,
    pub object: String,
    pub wrapped: Vec<u8>,
    pub media_type: String,
}

/// A derivation as it is recorded.
pub(super) struct KeepRow<'a> {
    pub kind: &'a str,
    pub page: i64,
    pub object: &'a str,
    pub wrapped: &'a [u8],
    pub sealed_size: i64,
    pub media_type: &'a str,
}

pub(super) async fn derivation(tx: &mut Tx, version: VersionId, kind: &str, page: u32) -> Result<Option<DerivedRow>> {
    tx.one(
        "SELECT page, object, wrapped, media_type FROM derivation WHERE version = $1 AND kind = $2 AND page = $3",
        params![version, kind, page],
    )
    .await
}

pub(super) async fn keep(tx: &mut Tx, version: VersionId, row: KeepRow<'_>, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO derivation (version, kind, page, object, wrapped, sealed_size, media_type, made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (version, kind, page) DO UPDATE SET object = excluded.object, wrapped = excluded.wrapped,
             sealed_size = excluded.sealed_size, media_type = excluded.media_type, made_at = excluded.made_at,
             mirrored_at = NULL",
        params![version, row.kind, row.page, row.object, row.wrapped, row.sealed_size, row.media_type, now],
    )
    .await
    .map(drop)
}

/// The block that holds a page: the last one that begins at or before it.
pub(super) async fn text_block(db: &Db, version: VersionId, page: u32) -> Result<Option<DerivedRow>> {
    db.one(
        "SELECT page, object, wrapped, media_type FROM derivation
         WHERE version = $1 AND kind = 'text' AND page <= $2 ORDER BY page DESC LIMIT 1",
        params![version, page],
    )
    .await
}

pub(super) async fn text_blocks(db: &Db, version: VersionId) -> Result<Vec<DerivedRow>> {
    db.all(
        "SELECT page, object, wrapped, media_type FROM derivation WHERE version = $1 AND kind = 'text' ORDER BY page",
        params![version],
    )
    .await
}

pub(super) async fn picture(db: &Db, version: VersionId, kind: &str, page: u32) -> Result<Option<DerivedRow>> {
    db.one(
        "SELECT page, object, wrapped, media_type FROM derivation WHERE version = $1 AND kind = $2 AND page = $3",
        params![version, kind, page],
    )
    .await
}

pub(super) async fn picture_bytes(db: &Db) -> Result<i64> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT CAST(COALESCE(SUM(sealed_size), 0) AS BIGINT) FROM derivation WHERE kind LIKE 'picture-%'",
            params![],
        )
        .await?;
    Ok(row.map_or(0, |(bytes,)| bytes))
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct OldRow {
    pub object: String,
    pub sealed_size: i64,
}

pub(super) async fn oldest_pictures(db: &Db, limit: i64) -> Result<Vec<OldRow>> {
    db.all(
        "SELECT object, sealed_size FROM derivation WHERE kind LIKE 'picture-%' ORDER BY made_at LIMIT $1",
        params![limit],
    )
    .await
}

pub(super) async fn forget(tx: &mut Tx, object: &str) -> Result<()> {
    tx.execute("DELETE FROM derivation WHERE object = $1", params![object]).await.map(drop)
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct AnyRow {
    pub kind: String,
    pub page: i64,
    pub object: String,
    pub wrapped: Vec<u8>,
}

pub(super) async fn derived(db: &Db, version: VersionId) -> Result<Vec<AnyRow>> {
    db.all(
        "SELECT kind, page, object, wrapped FROM derivation WHERE version = $1 ORDER BY kind, page",
        params![version],
    )
    .await
}
