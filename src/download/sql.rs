//! Every statement on `derivation`, and what opening needs of `blob` and `blob_key`.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, batch, batches, params},
    error::Result,
    id::{OfficeId, VersionId},
};

/// A blob's object with the key that opens it for an office. Both in one statement: they are exchanged together.
pub(super) async fn object(db: &Db, blob: Uuid, office: OfficeId) -> Result<Option<(String, i64, Vec<u8>)>> {
    db.one(
        "SELECT b.object, k.version, k.wrapped FROM blob b JOIN blob_key k ON k.blob = b.id
         WHERE b.id = $1 AND k.office = $2 AND b.state = 'live'",
        params![blob, office],
    )
    .await
}

pub(super) async fn key(db: &Db, blob: Uuid, office: OfficeId) -> Result<Option<KeyRow>> {
    db.one("SELECT blob, office, version, wrapped FROM blob_key WHERE blob = $1 AND office = $2", params![blob, office])
        .await
}

/// The keys of these blobs, of whatever office.
pub(super) async fn keys(db: &Db, blobs: &[Uuid]) -> Result<Vec<KeyRow>> {
    let mut all = Vec::new();
    for blobs in batches(blobs) {
        all.extend(db.all::<KeyRow>(KEYS, blobs).await?);
    }
    Ok(all)
}

const KEYS: &str = concat!("SELECT blob, office, version, wrapped FROM blob_key WHERE blob IN ", batch!());

#[derive(sqlx::FromRow)]
pub(super) struct KeyRow {
    pub blob: Uuid,
    pub office: Uuid,
    pub version: i64,
    pub wrapped: Vec<u8>,
}

#[derive(Clone, Debug, sqlx::FromRow)]
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
    pub recovery: i64,
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
        "INSERT INTO derivation (version, kind, page, object, wrapped, sealed_size, media_type, made_at, recovery)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (version, kind, page) DO UPDATE SET object = excluded.object, wrapped = excluded.wrapped,
             sealed_size = excluded.sealed_size, media_type = excluded.media_type, made_at = excluded.made_at,
             recovery = excluded.recovery, mirrored_at = NULL",
        params![
            version,
            row.kind,
            row.page,
            row.object,
            row.wrapped,
            row.sealed_size,
            row.media_type,
            now,
            row.recovery
        ],
    )
    .await
    .map(drop)
}

/// A derivation whose object names a former recovery recipient, with what its key needs.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct FormerRow {
    pub version: Uuid,
    pub kind: String,
    pub page: i64,
    pub object: String,
    pub wrapped: Vec<u8>,
    pub blob: Uuid,
    pub office: Uuid,
}

pub(super) async fn of_former_recovery(
    db: &Db,
    generation: i64,
    after: &(Uuid, String, i64),
    limit: i64,
) -> Result<Vec<FormerRow>> {
    db.all(
        "SELECT x.version, x.kind, x.page, x.object, x.wrapped, v.blob, d.office
         FROM derivation x JOIN version v ON v.id = x.version JOIN document d ON d.id = v.document
         WHERE x.recovery < $1 AND (x.version, x.kind, x.page) > ($2, $3, $4)
         ORDER BY x.version, x.kind, x.page LIMIT $5",
        params![generation, after.0, &after.1, after.2, limit],
    )
    .await
}

/// False when another reading replaced it meanwhile.
pub(super) async fn exchange_derived(
    tx: &mut Tx,
    row: &FormerRow,
    sealed: &crate::seal::Sealed,
    wrapped: &[u8],
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE derivation SET object = $5, wrapped = $6, sealed_size = $7, recovery = $8, mirrored_at = NULL
             WHERE version = $1 AND kind = $2 AND page = $3 AND object = $4",
            params![
                row.version,
                &row.kind,
                row.page,
                &row.object,
                sealed.name.to_string(),
                wrapped,
                sealed.sealed_size as i64,
                sealed.recovery
            ],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn count_of_former(db: &Db, generation: i64) -> Result<i64> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT CAST((SELECT COUNT(*) FROM blob WHERE recovery < $1 AND state = 'live')
                + (SELECT COUNT(*) FROM derivation WHERE recovery < $1) AS BIGINT)",
            params![generation],
        )
        .await?;
    Ok(row.map_or(0, |(count,)| count))
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

/// Each version's blocks of text, in the order of their pages.
pub(super) async fn text_blocks(db: &Db, versions: &[VersionId]) -> Result<Vec<(Uuid, DerivedRow)>> {
    let mut all = Vec::new();
    for versions in batches(versions) {
        let rows: Vec<BlockRow> = db.all(TEXT_BLOCKS, versions).await?;
        all.extend(rows.into_iter().map(|row| (row.version, row.block)));
    }
    Ok(all)
}

const TEXT_BLOCKS: &str = concat!(
    "SELECT version, page, object, wrapped, media_type FROM derivation WHERE kind = 'text' AND version IN ",
    batch!(),
    " ORDER BY version, page"
);

#[derive(sqlx::FromRow)]
struct BlockRow {
    version: Uuid,
    #[sqlx(flatten)]
    block: DerivedRow,
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
