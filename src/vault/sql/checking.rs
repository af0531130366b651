//! Statements on what must be there, on its copies and its damage: `finding`, and how far the mirror is.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, params},
    error::{Error, Result},
    id::{BlobId, DocumentId, OfficeId},
    vault::{
        Place,
        check::{Expected, What},
    },
};

#[derive(sqlx::FromRow)]
struct OriginalRow {
    id: Uuid,
    office: Uuid,
    object: String,
    sealed_size: i64,
    fingerprint: Vec<u8>,
    document: Option<Uuid>,
    mirrored: bool,
}

#[derive(sqlx::FromRow)]
struct DerivedRow {
    object: String,
    sealed_size: i64,
    document: Uuid,
    mirrored: bool,
}

/// Everything of one part of the store that must be there, by name.
pub(in crate::vault) async fn expected(db: &Db, part: &str) -> Result<Vec<Expected>> {
    let originals: Vec<OriginalRow> = db
        .all(
            "SELECT b.id, b.office, b.object, b.sealed_size, b.fingerprint,
                    (SELECT v.document FROM version v WHERE v.blob = b.id ORDER BY v.id LIMIT 1) AS document,
                    CASE WHEN b.mirrored_at IS NULL THEN FALSE ELSE TRUE END AS mirrored
             FROM blob b WHERE b.state = 'live' AND substr(b.object, 1, 5) = $1",
            params![part],
        )
        .await?;
    let derived: Vec<DerivedRow> = db
        .all(
            "SELECT x.object, x.sealed_size, v.document, CASE WHEN x.mirrored_at IS NULL THEN FALSE ELSE TRUE END AS mirrored
             FROM derivation x JOIN version v ON v.id = x.version WHERE substr(x.object, 1, 5) = $1",
            params![part],
        )
        .await?;
    let originals = originals.into_iter().map(|row| Expected {
        object: row.object,
        size: row.sealed_size as u64,
        document: row.document.map(DocumentId),
        what: What::Original(BlobId(row.id), OfficeId(row.office), row.fingerprint),
        mirrored: row.mirrored,
    });
    let derived = derived.into_iter().map(|row| Expected {
        object: row.object,
        size: row.sealed_size as u64,
        document: Some(DocumentId(row.document)),
        what: What::Derived,
        mirrored: row.mirrored,
    });
    let mut all: Vec<Expected> = originals.chain(derived).collect();
    all.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(all)
}

/// The records of the chain, by name.
pub(in crate::vault) async fn expected_records(db: &Db) -> Result<Vec<Expected>> {
    let rows: Vec<(String, i64, Vec<u8>, Option<i64>)> =
        db.all("SELECT object, size, digest, mirrored_at FROM record_object ORDER BY seq", params![]).await?;
    let record = |(object, size, digest, mirrored): (String, i64, Vec<u8>, Option<i64>)| {
        let digest = digest.try_into().map_err(|_| Error::internal("a record's digest is of no known form"))?;
        let what = What::Record(digest);
        Ok(Expected { object, size: size as u64, document: None, what, mirrored: mirrored.is_some() })
    };
    let mut all: Vec<Expected> = rows.into_iter().map(record).collect::<Result<_>>()?;
    all.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(all)
}

/// What a record's bytes should be, which its name does not say.
pub(in crate::vault) async fn record_digest(db: &Db, object: &str) -> Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = db.one("SELECT digest FROM record_object WHERE object = $1", params![object]).await?;
    Ok(row.map(|(digest,)| digest))
}

/// Whether an object must still be there; it may have been replaced or destroyed since it was asked for.
pub(in crate::vault) async fn is_expected(db: &Db, object: &str) -> Result<bool> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT count(*) FROM (SELECT object FROM blob WHERE object = $1 AND state = 'live'
               UNION ALL SELECT object FROM derivation WHERE object = $1
               UNION ALL SELECT object FROM record_object WHERE object = $1) AS named",
            params![object],
        )
        .await?;
    Ok(row.is_some_and(|(count,)| count > 0))
}

pub(in crate::vault) async fn total_bytes(db: &Db) -> Result<u64> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT CAST(COALESCE((SELECT SUM(sealed_size) FROM blob WHERE state = 'live'), 0)
                + COALESCE((SELECT SUM(sealed_size) FROM derivation), 0)
                + COALESCE((SELECT SUM(size) FROM record_object), 0) AS BIGINT)",
            params![],
        )
        .await?;
    Ok(row.map_or(0, |(bytes,)| bytes as u64))
}

pub(in crate::vault) async fn key(db: &Db, blob: BlobId, office: OfficeId) -> Result<Option<(i64, Vec<u8>)>> {
    db.one("SELECT version, wrapped FROM blob_key WHERE blob = $1 AND office = $2", params![blob, office]).await
}

/// What opens a derivation: its own key, and that of its version's blob for the owner, by which it is wrapped.
#[derive(sqlx::FromRow)]
pub(in crate::vault) struct DerivedKeyRow {
    pub version: Uuid,
    pub kind: String,
    pub page: i64,
    pub wrapped: Vec<u8>,
    pub blob: Uuid,
    pub office: Uuid,
    pub key_version: i64,
    pub key_wrapped: Vec<u8>,
}

/// `None` where either key is lost.
pub(in crate::vault) async fn derived(db: &Db, object: &str) -> Result<Option<DerivedKeyRow>> {
    db.one(
        "SELECT x.version, x.kind, x.page, x.wrapped, v.blob, d.office, k.version AS key_version, k.wrapped AS key_wrapped
         FROM derivation x JOIN version v ON v.id = x.version JOIN document d ON d.id = v.document
              JOIN blob_key k ON k.blob = v.blob AND k.office = d.office
         WHERE x.object = $1",
        params![object],
    )
    .await
}

/// Originals first: what is derived can be made again.
pub(in crate::vault) async fn unmirrored_blobs(db: &Db, after: Uuid, limit: i64) -> Result<Vec<(Uuid, String)>> {
    db.all(
        "SELECT id, object FROM blob WHERE mirrored_at IS NULL AND state = 'live' AND id > $1 ORDER BY id LIMIT $2",
        params![after, limit],
    )
    .await
}

pub(in crate::vault) async fn unmirrored_derivations(db: &Db, after: &str, limit: i64) -> Result<Vec<(String,)>> {
    db.all(
        "SELECT object FROM derivation WHERE mirrored_at IS NULL AND object > $1 ORDER BY object LIMIT $2",
        params![after, limit],
    )
    .await
}

/// In their order, so that the mirror never holds a record whose forerunners are still to come.
pub(in crate::vault) async fn unmirrored_records(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, String)>> {
    db.all(
        "SELECT seq, object FROM record_object WHERE mirrored_at IS NULL AND seq > $1 ORDER BY seq LIMIT $2",
        params![after, limit],
    )
    .await
}

/// False where the object left meanwhile: its copy must leave too.
pub(in crate::vault) async fn set_mirrored(db: &Db, object: &str, now: Time) -> Result<bool> {
    let mut tx = db.write().await?;
    let blob = "UPDATE blob SET mirrored_at = $2 WHERE object = $1 AND state = 'live'";
    let derived = "UPDATE derivation SET mirrored_at = $2 WHERE object = $1";
    let mut changed = tx.execute(blob, params![object, now]).await?;
    changed += tx.execute(derived, params![object, now]).await?;
    let record = "UPDATE record_object SET mirrored_at = $2 WHERE object = $1";
    changed += tx.execute(record, params![object, now]).await?;
    tx.commit().await?;
    Ok(changed > 0)
}

/// How many objects wait, and since when the oldest original does.
pub(in crate::vault) async fn mirror_lag(db: &Db) -> Result<(i64, Option<i64>)> {
    let row: Option<(i64, Option<i64>)> = db
        .one(
            "SELECT CAST((SELECT count(*) FROM blob WHERE mirrored_at IS NULL AND state = 'live')
                + (SELECT count(*) FROM derivation WHERE mirrored_at IS NULL)
                + (SELECT count(*) FROM record_object WHERE mirrored_at IS NULL) AS BIGINT),
                (SELECT MIN(since) FROM (
                    SELECT MIN(created_at) AS since FROM blob WHERE mirrored_at IS NULL AND state = 'live'
                    UNION ALL SELECT MIN(made_at) AS since FROM derivation WHERE mirrored_at IS NULL
                    UNION ALL SELECT MIN(made_at) AS since FROM record_object WHERE mirrored_at IS NULL) AS oldest)",
            params![],
        )
        .await?;
    Ok(row.unwrap_or_default())
}

/// True where this damage was not known before.
pub(in crate::vault) async fn note_finding(
    db: &Db,
    object: &str,
    place: Place,
    kind: &str,
    document: Option<DocumentId>,
    now: Time,
) -> Result<bool> {
    let changed = db
        .execute(
            "INSERT INTO finding (object, place, kind, document, found_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (object, place) DO UPDATE SET kind = excluded.kind, found_at = excluded.found_at
               WHERE finding.kind <> excluded.kind",
            params![object, place.as_str(), kind, document, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(in crate::vault) async fn has_finding(db: &Db, object: &str, place: Place) -> Result<bool> {
    let row: Option<(i64,)> = db
        .one("SELECT found_at FROM finding WHERE object = $1 AND place = $2", params![object, place.as_str()])
        .await?;
    Ok(row.is_some())
}

pub(in crate::vault) async fn drop_finding(db: &Db, object: &str, place: Place) -> Result<()> {
    db.execute("DELETE FROM finding WHERE object = $1 AND place = $2", params![object, place.as_str()]).await.map(drop)
}

/// Findings about objects that nothing names any more.
pub(in crate::vault) async fn drop_idle_findings(db: &Db) -> Result<()> {
    db.execute(
        "DELETE FROM finding WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.object = finding.object AND b.state = 'live')
           AND NOT EXISTS (SELECT 1 FROM derivation x WHERE x.object = finding.object)
           AND NOT EXISTS (SELECT 1 FROM record_object r WHERE r.object = finding.object)",
        params![],
    )
    .await
    .map(drop)
}

pub(in crate::vault) async fn findings(db: &Db) -> Result<i64> {
    let row: Option<(i64,)> = db.one("SELECT count(*) FROM finding", params![]).await?;
    Ok(row.map_or(0, |(count,)| count))
}
