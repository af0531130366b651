//! Statements of destroying a document, and `tombstone`.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::Result,
    id::{DocumentId, OfficeId, PersonId},
};

/// Documents that were trashed before `before` and that no letter holds.
pub(in crate::vault) async fn expired(db: &Db, before: Time, now: Time, after: Uuid, limit: i64) -> Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT d.id FROM document d WHERE d.trashed_at <= $1 AND d.destroyed_at IS NULL AND d.id > $3
               AND NOT EXISTS (SELECT 1 FROM document_grant g WHERE g.document = d.id AND g.source = 'letter'
                   AND (g.until IS NULL OR g.until > $2))
             ORDER BY d.id LIMIT $4",
            params![before, now, after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The document ends here: only if it lies in the trash since before `before`, and no letter holds it.
pub(in crate::vault) async fn set_destroyed(
    tx: &mut Tx,
    document: DocumentId,
    before: Time,
    now: Time,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE document SET destroyed_at = $3, updated_at = $3, revision = revision + 1, title = NULL, number = NULL,
                 sender = NULL, recipient = NULL, summary = NULL, sealed = NULL, kind = NULL, classification = NULL,
                 date = NULL, sort_day = '', labels = '[]', reason = NULL, reach = 'kantor'
             WHERE id = $1 AND destroyed_at IS NULL AND trashed_at <= $2
               AND NOT EXISTS (SELECT 1 FROM document_grant g WHERE g.document = document.id AND g.source = 'letter'
                   AND (g.until IS NULL OR g.until > $3))",
            params![document, before, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(in crate::vault) async fn versions(tx: &mut Tx, document: DocumentId) -> Result<Vec<(i64, Uuid, Vec<u8>)>> {
    tx.all("SELECT number, blob, fingerprint FROM version WHERE document = $1 ORDER BY number", params![document]).await
}

pub(in crate::vault) async fn discard_derivations(tx: &mut Tx, document: DocumentId, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO discarded (object, document, due_at)
         SELECT x.object, v.document, CAST($2 AS BIGINT) FROM derivation x JOIN version v ON v.id = x.version WHERE v.document = $1
         ON CONFLICT (object) DO NOTHING",
        params![document, now],
    )
    .await?;
    let derived = "DELETE FROM derivation WHERE version IN (SELECT id FROM version WHERE document = $1)";
    tx.execute(derived, params![document]).await.map(drop)
}

/// Versions, grants, and what the way in remembers of the document.
pub(in crate::vault) async fn drop_rows(tx: &mut Tx, document: DocumentId) -> Result<()> {
    tx.execute("DELETE FROM version WHERE document = $1", params![document]).await?;
    tx.execute("DELETE FROM document_grant WHERE document = $1", params![document]).await?;
    tx.execute("UPDATE upload SET metadata = '{}', file_name = '' WHERE document = $1", params![document])
        .await
        .map(drop)
}

pub(in crate::vault) struct Tombstone<'a> {
    pub document: DocumentId,
    pub office: OfficeId,
    pub fingerprint: &'a [u8; 32],
    pub title_hash: &'a [u8; 32],
    pub versions: String,
    pub person: Option<PersonId>,
    pub reason: &'a str,
    pub at: Time,
}

pub(in crate::vault) async fn insert_tombstone(tx: &mut Tx, stone: &Tombstone<'_>) -> Result<()> {
    let who = if stone.person.is_some() { "person" } else { "machine" };
    tx.execute(
        "INSERT INTO tombstone (document, office, fingerprint, title_hash, versions, who, person, reason, destroyed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            stone.document,
            stone.office,
            *stone.fingerprint,
            *stone.title_hash,
            &stone.versions,
            who,
            stone.person,
            stone.reason,
            stone.at
        ],
    )
    .await
    .map(drop)
}

pub(in crate::vault) async fn set_remains(db: &Db, document: DocumentId, remains: &str) -> Result<()> {
    db.execute("UPDATE tombstone SET remains = $2 WHERE document = $1", params![document, remains]).await.map(drop)
}

pub(in crate::vault) async fn object_of(db: &Db, blob: Uuid) -> Result<Option<(String, String)>> {
    db.one("SELECT object, state FROM blob WHERE id = $1", params![blob]).await
}
