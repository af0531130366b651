//! Statements on what is in the store and what leaves it: `stray`, `discarded`, and the states of `blob`.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::Result,
    id::{DocumentId, UploadId},
};

#[derive(sqlx::FromRow)]
pub(in crate::vault) struct Known {
    pub object: String,
    /// Deleted already: it should not be there.
    pub gone: bool,
}

/// Objects of one part of the store that the database names, whatever for. `part` is such as `o/a7/`.
pub(in crate::vault) async fn known(db: &Db, part: &str) -> Result<Vec<Known>> {
    db.all(
        "SELECT object, CASE WHEN state = 'gone' THEN TRUE ELSE FALSE END AS gone FROM blob WHERE substr(object, 1, 5) = $1
         UNION ALL SELECT object, FALSE AS gone FROM derivation WHERE substr(object, 1, 5) = $1
         UNION ALL SELECT object, FALSE AS gone FROM discarded WHERE substr(object, 1, 5) = $1",
        params![part],
    )
    .await
}

pub(in crate::vault) async fn is_named(db: &Db, object: &str) -> Result<bool> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT count(*) FROM (SELECT object FROM blob WHERE object = $1
               UNION ALL SELECT object FROM derivation WHERE object = $1
               UNION ALL SELECT object FROM discarded WHERE object = $1) AS named",
            params![object],
        )
        .await?;
    Ok(row.is_some_and(|(count,)| count > 0))
}

pub(in crate::vault) async fn known_parts(db: &Db, upload: UploadId) -> Result<HashSet<u64>> {
    let rows: Vec<(i64,)> = db.all("SELECT part FROM upload_part WHERE upload = $1", params![upload]).await?;
    Ok(rows.into_iter().map(|(part,)| part as u64).collect())
}

pub(in crate::vault) async fn strays(db: &Db) -> Result<HashMap<String, Time>> {
    let rows: Vec<(String, i64)> = db.all("SELECT object, seen_at FROM stray", params![]).await?;
    Ok(rows.into_iter().map(|(object, at)| (object, Time(at))).collect())
}

pub(in crate::vault) async fn note_stray(tx: &mut Tx, object: &str, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO stray (object, seen_at) VALUES ($1, $2) ON CONFLICT (object) DO NOTHING",
        params![object, now],
    )
    .await
    .map(drop)
}

pub(in crate::vault) async fn forget_stray(tx: &mut Tx, object: &str) -> Result<()> {
    tx.execute("DELETE FROM stray WHERE object = $1", params![object]).await.map(drop)
}

/// pending → deleting: the upload's lease ended and nothing was recorded of it.
pub(in crate::vault) async fn expire_pending(tx: &mut Tx, now: Time) -> Result<u64> {
    tx.execute(
        "UPDATE blob SET state = 'deleting', lease_to = 0 WHERE state = 'pending' AND lease_to <= $1
           AND NOT EXISTS (SELECT 1 FROM version v WHERE v.blob = blob.id)",
        params![now],
    )
    .await
}

/// gone → deleting: the object is there again.
pub(in crate::vault) async fn delete_again(tx: &mut Tx, object: &str) -> Result<()> {
    tx.execute(
        "UPDATE blob SET state = 'deleting', lease_to = 0 WHERE object = $1 AND state = 'gone'
           AND NOT EXISTS (SELECT 1 FROM version v WHERE v.blob = blob.id)",
        params![object],
    )
    .await
    .map(drop)
}

pub(in crate::vault) async fn unreferenced(db: &Db) -> Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT b.id FROM blob b WHERE b.state = 'live' AND NOT EXISTS (SELECT 1 FROM version v WHERE v.blob = b.id) ORDER BY b.id",
            params![],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// live → condemned. The row is locked by a statement of its own: on PostgreSQL the next one then sees every version that was
/// attached before, and whoever attaches later finds the blob no longer live.
pub(in crate::vault) async fn condemn(tx: &mut Tx, blob: Uuid) -> Result<bool> {
    tx.execute("UPDATE blob SET lease_to = lease_to WHERE id = $1 AND state = 'live'", params![blob]).await?;
    let condemned = tx
        .execute(
            "UPDATE blob SET state = 'condemned', lease_to = 0 WHERE id = $1 AND state = 'live'
               AND NOT EXISTS (SELECT 1 FROM version v WHERE v.blob = blob.id)",
            params![blob],
        )
        .await?;
    if condemned == 1 {
        tx.execute("DELETE FROM blob_key WHERE blob = $1", params![blob]).await?;
    }
    Ok(condemned == 1)
}

/// A look that costs no write: most of the time nothing leaves.
pub(in crate::vault) async fn has_leaving(db: &Db) -> Result<bool> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT CAST((SELECT count(*) FROM (SELECT id FROM blob WHERE state IN ('condemned', 'deleting') LIMIT 1) AS blobs)
                + (SELECT count(*) FROM (SELECT object FROM discarded LIMIT 1) AS objects) AS BIGINT)",
            params![],
        )
        .await?;
    Ok(row.is_some_and(|(count,)| count > 0))
}

/// condemned → deleting.
pub(in crate::vault) async fn doom_condemned(tx: &mut Tx) -> Result<u64> {
    tx.execute(
        "UPDATE blob SET state = 'deleting', lease_to = 0 WHERE state = 'condemned'
           AND NOT EXISTS (SELECT 1 FROM version v WHERE v.blob = blob.id)",
        params![],
    )
    .await
}

/// Keys of what is being deleted; also of uploads that were never recorded.
pub(in crate::vault) async fn drop_keys(tx: &mut Tx) -> Result<u64> {
    tx.execute("DELETE FROM blob_key WHERE blob IN (SELECT id FROM blob WHERE state = 'deleting')", params![]).await
}

pub(in crate::vault) async fn doomed(db: &Db, now: Time, limit: i64) -> Result<Vec<(Uuid, String)>> {
    db.all(
        "SELECT id, object FROM blob WHERE state = 'deleting' AND lease_to <= $1 ORDER BY lease_to, id LIMIT $2",
        params![now, limit],
    )
    .await
}

/// deleting → gone. The row stays for a while, so that a late put of the object is known.
pub(in crate::vault) async fn set_gone(tx: &mut Tx, blob: Uuid, forget_at: Time) -> Result<()> {
    tx.execute(
        "UPDATE blob SET state = 'gone', lease_to = $2, mirrored_at = NULL WHERE id = $1 AND state = 'deleting'
           AND NOT EXISTS (SELECT 1 FROM version v WHERE v.blob = blob.id)",
        params![blob, forget_at],
    )
    .await
    .map(drop)
}

pub(in crate::vault) async fn retry_at(tx: &mut Tx, blob: Uuid, at: Time) -> Result<()> {
    tx.execute("UPDATE blob SET lease_to = $2 WHERE id = $1 AND state = 'deleting'", params![blob, at]).await.map(drop)
}

pub(in crate::vault) async fn forget_gone(tx: &mut Tx, now: Time) -> Result<u64> {
    tx.execute(
        "DELETE FROM blob WHERE state = 'gone' AND lease_to <= $1
           AND NOT EXISTS (SELECT 1 FROM version v WHERE v.blob = blob.id)
           AND NOT EXISTS (SELECT 1 FROM blob_key k WHERE k.blob = blob.id)",
        params![now],
    )
    .await
}

/// An object that nothing needs any more from then on, in the transaction that ceases to name it.
pub async fn discard(tx: &mut Tx, object: &str, due: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO discarded (object, due_at) VALUES ($1, $2) ON CONFLICT (object) DO NOTHING",
        params![object, due],
    )
    .await
    .map(drop)
}

/// The opposite, for an object that was discarded beforehand until a row names it. False when it is leaving already.
pub(in crate::vault) async fn keep(tx: &mut Tx, object: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM discarded WHERE object = $1", params![object]).await? == 1)
}

pub(in crate::vault) async fn discarded(db: &Db, now: Time, limit: i64) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT d.object FROM discarded d WHERE d.due_at <= $1
               AND NOT EXISTS (SELECT 1 FROM derivation x WHERE x.object = d.object)
               AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.object = d.object AND b.state <> 'gone') ORDER BY d.due_at, d.object LIMIT $2",
            params![now, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(object,)| object).collect())
}

pub(in crate::vault) async fn discarded_of(db: &Db, document: DocumentId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> =
        db.all("SELECT object FROM discarded WHERE document = $1 ORDER BY object", params![document]).await?;
    Ok(rows.into_iter().map(|(object,)| object).collect())
}

pub(in crate::vault) async fn forget_discarded(tx: &mut Tx, object: &str) -> Result<()> {
    tx.execute("DELETE FROM discarded WHERE object = $1", params![object]).await.map(drop)
}

pub(in crate::vault) async fn discard_at(tx: &mut Tx, object: &str, at: Time) -> Result<()> {
    tx.execute("UPDATE discarded SET due_at = $2 WHERE object = $1", params![object, at]).await.map(drop)
}
