//! Every statement on `blob`, `blob_key`, `upload` and `upload_part` that receiving needs.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Sql, Tx, params},
    error::Result,
    id::{BlobId, DocumentId, DropId, OfficeId, UploadId},
    seal::Sealed,
};

pub(super) async fn insert_pending(
    tx: &mut Tx,
    blob: BlobId,
    office: OfficeId,
    sealed: &Sealed,
    dedupe: &[u8; 32],
    now: Time,
    lease: Time,
) -> Result<()> {
    tx.insert(
        "INSERT INTO blob (id, office, object, state, plain_size, sealed_size, fingerprint, dedupe, created_at, lease_to,
            recovery)
         VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10)",
        params![
            blob,
            office,
            sealed.name.to_string(),
            sealed.plain_size as i64,
            sealed.sealed_size as i64,
            sealed.fingerprint,
            *dedupe,
            now,
            lease,
            sealed.recovery
        ],
    )
    .await
}

pub(super) async fn insert_key(
    tx: &mut Tx,
    blob: BlobId,
    office: OfficeId,
    version: i64,
    wrapped: &[u8],
) -> Result<()> {
    tx.insert(
        "INSERT INTO blob_key (blob, office, version, wrapped) VALUES ($1, $2, $3, $4)",
        params![blob, office, version, wrapped],
    )
    .await
}

#[derive(sqlx::FromRow)]
pub(super) struct KeyRow {
    pub blob: Uuid,
    pub office: Uuid,
    pub version: i64,
    pub wrapped: Vec<u8>,
}

/// A row that is exchanged meanwhile must not be set back to its former key: SQLite has one writer, PostgreSQL locks.
const KEYS_AFTER: Sql = Sql {
    sqlite: "SELECT blob, office, version, wrapped FROM blob_key WHERE (blob, office) > ($1, $2)
        ORDER BY blob, office LIMIT $3",
    postgres: "SELECT blob, office, version, wrapped FROM blob_key WHERE (blob, office) > ($1, $2)
        ORDER BY blob, office LIMIT $3 FOR UPDATE",
};

pub(super) async fn keys_after(tx: &mut Tx, after: (Uuid, Uuid), limit: i64) -> Result<Vec<KeyRow>> {
    tx.all(KEYS_AFTER, params![after.0, after.1, limit]).await
}

pub(super) async fn keys_of(tx: &mut Tx, blob: BlobId) -> Result<Vec<KeyRow>> {
    tx.all("SELECT blob, office, version, wrapped FROM blob_key WHERE blob = $1 ORDER BY office", params![blob]).await
}

pub(super) async fn set_key(tx: &mut Tx, blob: BlobId, office: OfficeId, version: i64, wrapped: &[u8]) -> Result<()> {
    tx.execute(
        "UPDATE blob_key SET version = $3, wrapped = $4 WHERE blob = $1 AND office = $2",
        params![blob, office, version, wrapped],
    )
    .await
    .map(drop)
}

pub(super) async fn blobs_of_former_recovery(
    db: &Db,
    generation: i64,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, String)>> {
    db.all(
        "SELECT id, object FROM blob WHERE recovery < $1 AND state = 'live' AND id > $2 ORDER BY id LIMIT $3",
        params![generation, after, limit],
    )
    .await
}

/// False when the blob was destroyed or copied by somebody else meanwhile.
pub(super) async fn exchange_object(tx: &mut Tx, blob: BlobId, former: &str, sealed: &Sealed) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE blob SET object = $3, sealed_size = $4, recovery = $5, mirrored_at = NULL
             WHERE id = $1 AND object = $2 AND state = 'live'",
            params![blob, former, sealed.name.to_string(), sealed.sealed_size as i64, sealed.recovery],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn delete_keys(tx: &mut Tx, blob: BlobId) -> Result<u64> {
    tx.execute("DELETE FROM blob_key WHERE blob = $1", params![blob]).await
}

/// The UPDATE holds the row until the new version is committed: whoever would condemn the blob waits and then sees the
/// version.
pub(super) async fn take_live_twin(tx: &mut Tx, office: OfficeId, dedupe: &[u8; 32]) -> Result<Option<Uuid>> {
    let row: Option<(Uuid,)> = tx
        .one(
            "SELECT id FROM blob WHERE dedupe = $1 AND state = 'live' AND office = $2 ORDER BY id LIMIT 1",
            params![*dedupe, office],
        )
        .await?;
    let Some((twin,)) = row else { return Ok(None) };
    let held = tx
        .execute("UPDATE blob SET lease_to = lease_to WHERE id = $1 AND state = 'live'", params![BlobId(twin)])
        .await?;
    Ok((held == 1).then_some(twin))
}

pub(super) async fn make_live(tx: &mut Tx, blob: BlobId) -> Result<bool> {
    Ok(tx.execute("UPDATE blob SET state = 'live' WHERE id = $1 AND state = 'pending'", params![blob]).await? == 1)
}

/// Makes a blob live unless the office has its twin, as it has for hardly any file.
const LIVE_ALONE: &str = "UPDATE blob SET state = 'live' WHERE id = $1 AND state = 'pending' AND NOT EXISTS
    (SELECT 1 FROM blob twin WHERE twin.dedupe = $2 AND twin.state = 'live' AND twin.office = $3)";

pub(super) async fn make_live_alone(tx: &mut Tx, blob: BlobId, office: OfficeId, dedupe: &[u8; 32]) -> Result<bool> {
    Ok(tx.execute(LIVE_ALONE, params![blob, *dedupe, office]).await? == 1)
}

/// Or the transaction fails.
pub(super) async fn must_live_alone(tx: &mut Tx, blob: BlobId, office: OfficeId, dedupe: &[u8; 32]) -> Result<()> {
    tx.change_one(LIVE_ALONE, params![blob, *dedupe, office]).await
}

/// The office's own quota, where it has one.
pub(super) async fn quota(db: &Db, office: OfficeId) -> Result<Option<u64>> {
    let row: Option<(Option<i64>,)> = db.one("SELECT quota FROM office WHERE id = $1", params![office]).await?;
    Ok(row.and_then(|(quota,)| quota).and_then(|quota| u64::try_from(quota).ok()))
}

/// What an office keeps, its trash too.
pub(super) async fn used(db: &Db, office: OfficeId) -> Result<u64> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT CAST(COALESCE(SUM(plain_size), 0) AS BIGINT) FROM blob WHERE office = $1 AND state = 'live'",
            params![office],
        )
        .await?;
    Ok(row.map_or(0, |(used,)| used.unsigned_abs()))
}

/// Offices with a quota of their own or, given a common one, all: code, name, what each keeps, its own quota.
pub(super) async fn used_by_offices(db: &Db, is_common: bool) -> Result<Vec<(String, String, i64, Option<i64>)>> {
    db.all(
        "SELECT o.code, o.name, CAST(SUM(b.plain_size) AS BIGINT), o.quota FROM blob b JOIN office o ON o.id = b.office
         WHERE b.state = 'live' AND (o.quota IS NOT NULL OR $1) GROUP BY o.id, o.code, o.name, o.quota ORDER BY o.code",
        params![is_common],
    )
    .await
}

pub(super) async fn duplicate_of(tx: &mut Tx, document: DocumentId, is_head: bool) -> Result<Option<DocumentId>> {
    let row: Option<(Uuid,)> = tx
        .one(
            "SELECT e.id FROM document d JOIN version v ON v.id = d.version
               JOIN version w ON w.blob = v.blob JOIN document e ON e.id = w.document
             WHERE d.id = $1 AND e.id <> d.id AND e.office = d.office AND e.trashed_at IS NULL AND e.destroyed_at IS NULL
               AND (e.security_class < 3 OR $2)
             ORDER BY e.id LIMIT 1",
            params![document, is_head],
        )
        .await?;
    Ok(row.map(|(id,)| DocumentId(id)))
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct UploadRow {
    pub id: Uuid,
    pub office: Uuid,
    pub person: Option<Uuid>,
    pub drop_id: Option<Uuid>,
    pub length: i64,
    pub received: i64,
    pub file_name: String,
    pub metadata: String,
    pub held: bool,
    pub document: Option<Uuid>,
    pub expires_at: i64,
    pub failed: Option<String>,
}

pub(super) async fn insert_upload(tx: &mut Tx, row: &UploadRow, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO upload (id, office, person, drop_id, length, file_name, metadata, held, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            row.id,
            row.office,
            row.person,
            row.drop_id,
            row.length,
            &row.file_name,
            &row.metadata,
            row.held,
            now,
            row.expires_at
        ],
    )
    .await
    .map(drop)
}

pub(super) async fn open_uploads(tx: &mut Tx, office: OfficeId, now: Time) -> Result<i64> {
    let row: Option<(i64,)> = tx
        .one(
            "SELECT count(*) FROM upload WHERE office = $1 AND drop_id IS NULL AND document IS NULL AND expires_at > $2",
            params![office, now],
        )
        .await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// How many uploads of an upload-only link are not finished, and their bytes together.
pub(super) async fn open_in_drop(tx: &mut Tx, drop: DropId, now: Time) -> Result<(i64, i64)> {
    let row: Option<(i64, i64)> = tx
        .one(
            "SELECT count(*), CAST(COALESCE(SUM(length), 0) AS BIGINT) FROM upload
             WHERE drop_id = $1 AND document IS NULL AND expires_at > $2",
            params![drop, now],
        )
        .await?;
    Ok(row.unwrap_or_default())
}

/// File name, size, fingerprint and time of what an upload became.
pub(super) async fn finished(db: &Db, id: UploadId) -> Result<Option<(String, i64, Vec<u8>, i64)>> {
    db.one(
        "SELECT v.file_name, v.size, v.fingerprint, v.made_at FROM upload u
           JOIN version v ON v.document = u.document AND v.number = 1
         WHERE u.id = $1",
        params![id],
    )
    .await
}

pub(super) async fn upload(db: &Db, id: UploadId) -> Result<Option<UploadRow>> {
    db.one(
        "SELECT id, office, person, drop_id, length, received, file_name, metadata, held, document, expires_at, failed
         FROM upload WHERE id = $1",
        params![id],
    )
    .await
}

/// A part counts only if nobody else has moved the offset meanwhile.
pub(super) async fn advance(tx: &mut Tx, id: UploadId, from: i64, by: i64) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE upload SET received = received + $3 WHERE id = $1 AND received = $2 AND document IS NULL",
            params![id, from, by],
        )
        .await?;
    Ok(changed == 1)
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct PartRow {
    pub start: i64,
    pub part: i64,
    pub size: i64,
    pub wrapped: Vec<u8>,
}

pub(super) async fn insert_part(tx: &mut Tx, id: UploadId, part: &PartRow) -> Result<()> {
    tx.execute(
        "INSERT INTO upload_part (upload, start, part, size, wrapped) VALUES ($1, $2, $3, $4, $5)",
        params![id, part.start, part.part, part.size, part.wrapped.clone()],
    )
    .await
    .map(drop)
}

pub(super) async fn parts(db: &Db, id: UploadId) -> Result<Vec<PartRow>> {
    db.all("SELECT start, part, size, wrapped FROM upload_part WHERE upload = $1 ORDER BY start", params![id]).await
}

/// The document of an upload is set once. False when another completion was first.
pub(super) async fn complete(tx: &mut Tx, id: UploadId, document: DocumentId) -> Result<bool> {
    let completed = "UPDATE upload SET document = $2, failed = NULL WHERE id = $1 AND document IS NULL";
    Ok(tx.execute(completed, params![id, document]).await? == 1)
}

pub(super) async fn delete_parts(tx: &mut Tx, id: UploadId) -> Result<()> {
    tx.execute("DELETE FROM upload_part WHERE upload = $1", params![id]).await.map(drop)
}

pub(super) async fn delete_upload(tx: &mut Tx, id: UploadId) -> Result<()> {
    tx.execute("DELETE FROM upload WHERE id = $1", params![id]).await.map(drop)
}

pub(super) async fn set_failed(tx: &mut Tx, id: UploadId, why: &str) -> Result<bool> {
    let failed = "UPDATE upload SET failed = $2 WHERE id = $1 AND document IS NULL AND failed IS NULL";
    Ok(tx.execute(failed, params![id, why]).await? == 1)
}

pub(super) async fn expired(db: &Db, now: Time, limit: i64) -> Result<Vec<(Uuid,)>> {
    db.all("SELECT id FROM upload WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2", params![now, limit]).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fresh;

    /// A database that has not counted its rows yet took the index of all that an office keeps.
    #[tokio::test]
    async fn a_twin_is_looked_for_by_an_index_of_its_own() {
        let (db, _, _dir) = fresh().await;
        let looked = "SELECT 1 FROM blob twin WHERE twin.dedupe = $1 AND twin.state = 'live' AND twin.office = $2";
        assert!(
            LIVE_ALONE.contains(
                "(SELECT 1 FROM blob twin WHERE twin.dedupe = $2 AND twin.state = 'live' AND twin.office = $3)"
            )
        );
        let values = params![vec![7_u8; 32], Uuid::nil()];
        let plan: Vec<String> = if db.is_postgres() {
            let explained: &'static str = format!("EXPLAIN {looked}").leak();
            let rows: Vec<(String,)> = db.all(explained, values).await.unwrap();
            rows.into_iter().map(|(line,)| line).collect()
        } else {
            let explained: &'static str = format!("EXPLAIN QUERY PLAN {looked}").leak();
            let rows: Vec<(i64, i64, i64, String)> = db.all(explained, values).await.unwrap();
            rows.into_iter().map(|(_, _, _, line)| line).collect()
        };
        assert!(plan.iter().any(|line| line.contains("blob_by_twin")), "{plan:#?}");
    }
}
