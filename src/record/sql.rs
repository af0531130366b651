//! Every statement on `record_change`, `record_head` and `record_object`.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::{Error, Result},
};

/// Under what claim this process writes, and where the chain ends.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(super) struct Head {
    pub claim: i64,
    pub newest: Option<i64>,
    pub base: Option<i64>,
    pub full_due: bool,
    /// Documents that were destroyed, and those of them that no record names any more.
    pub destroyed: i64,
    pub forgotten: i64,
}

/// The next claim, unless somebody else's still holds. One beyond `far` was made by a clock that ran ahead.
pub(super) async fn claim(db: &Db, now: Time, until: Time, far: Time) -> Result<Option<Head>> {
    let mut tx = db.write().await?;
    let taken = tx
        .execute(
            "UPDATE record_head SET claim = claim + 1, claimed_to = $2 WHERE one = 1 AND (claimed_to <= $1 OR claimed_to > $3)",
            params![now, until, far],
        )
        .await?;
    if taken == 0 {
        return Ok(None);
    }
    let head = head(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(head))
}

pub(super) async fn head(tx: &mut Tx) -> Result<Head> {
    let row = tx
        .one("SELECT claim, newest, base, full_due, destroyed, forgotten FROM record_head WHERE one = 1", params![])
        .await?;
    row.ok_or_else(|| Error::internal("the head of the records is gone"))
}

pub(super) async fn keep_claim(db: &Db, claim: i64, until: Time) -> Result<bool> {
    let sql = "UPDATE record_head SET claimed_to = $2 WHERE one = 1 AND claim = $1";
    Ok(db.execute(sql, params![claim, until]).await? == 1)
}

pub(super) async fn give_up_claim(db: &Db, claim: i64) -> Result<()> {
    let sql = "UPDATE record_head SET claimed_to = 0 WHERE one = 1 AND claim = $1";
    db.execute(sql, params![claim]).await.map(drop)
}

/// The record that was written under this claim becomes the newest. False when another claim was given meanwhile.
pub(super) async fn advance(tx: &mut Tx, claim: i64, base: i64, full_due: bool, forgotten: i64) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE record_head SET newest = $1, base = $2, full_due = $3, forgotten = $4, claimed_to = 0
             WHERE one = 1 AND claim = $1",
            params![claim, base, full_due, forgotten],
        )
        .await?;
    Ok(changed == 1)
}

/// The next record is a full one, whatever changed: former records can go then.
pub async fn ask_for_full(tx: &mut Tx) -> Result<()> {
    tx.execute("UPDATE record_head SET full_due = TRUE WHERE one = 1", params![]).await.map(drop)
}

/// A document is destroyed in this transaction: records that name it must go in time.
pub async fn note_destroyed(tx: &mut Tx) -> Result<()> {
    tx.execute("UPDATE record_head SET destroyed = destroyed + 1 WHERE one = 1", params![]).await.map(drop)
}

/// When the full record that the chain begins with was made.
pub(super) async fn base_made_at(tx: &mut Tx, base: i64) -> Result<Option<Time>> {
    let row: Option<(i64,)> = tx.one("SELECT made_at FROM record_object WHERE seq = $1", params![base]).await?;
    Ok(row.map(|(at,)| Time(at)))
}

/// A chain that begins anew above every number that the bucket has seen.
pub(super) async fn begin_after(tx: &mut Tx, seq: i64) -> Result<()> {
    let sql = "UPDATE record_head SET claim = $1, claimed_to = 0, newest = NULL, base = NULL, full_due = TRUE
        WHERE one = 1";
    tx.execute(sql, params![seq]).await?;
    tx.execute("DELETE FROM record_object", params![]).await?;
    tx.execute("DELETE FROM record_change", params![]).await.map(drop)
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ObjectRow {
    pub seq: i64,
    pub object: String,
    pub digest: Vec<u8>,
    pub size: i64,
    pub lines: i64,
}

pub(super) async fn object(tx: &mut Tx, seq: i64) -> Result<Option<ObjectRow>> {
    tx.one("SELECT seq, object, digest, size, lines FROM record_object WHERE seq = $1", params![seq]).await
}

pub(super) async fn insert_object(tx: &mut Tx, row: &ObjectRow, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO record_object (seq, object, digest, size, lines, made_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![row.seq, &row.object, row.digest.clone(), row.size, row.lines, now],
    )
    .await
    .map(drop)
}

pub(super) async fn forget_objects_before(tx: &mut Tx, seq: i64) -> Result<()> {
    tx.execute("DELETE FROM record_object WHERE seq < $1", params![seq]).await.map(drop)
}

/// The vault takes it away, in the mirror too and again where a server retains it.
pub(super) async fn discard(tx: &mut Tx, object: &str, now: Time) -> Result<()> {
    tx.insert(
        "INSERT INTO discarded (object, due_at) VALUES ($1, $2) ON CONFLICT (object) DO NOTHING",
        params![object, now],
    )
    .await
}

/// Records after the last full one, their rows, and the rows of the full one.
pub(super) async fn since(tx: &mut Tx, base: i64) -> Result<(i64, i64, i64)> {
    let row: Option<(i64, i64, i64)> = tx
        .one(
            "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(lines), 0) AS BIGINT),
                    CAST(COALESCE((SELECT lines FROM record_object WHERE seq = $1), 0) AS BIGINT)
             FROM record_object WHERE seq > $1",
            params![base],
        )
        .await?;
    Ok(row.unwrap_or_default())
}

pub(super) async fn changes(tx: &mut Tx, limit: i64) -> Result<Vec<(Uuid, String)>> {
    tx.all("SELECT id, changes FROM record_change ORDER BY id LIMIT $1", params![limit]).await
}

pub(super) async fn change_ids(tx: &mut Tx) -> Result<Vec<(Uuid,)>> {
    tx.all("SELECT id FROM record_change ORDER BY id", params![]).await
}

/// How many transactions are not recorded yet, and when the first of them was.
pub(super) async fn waiting(db: &Db) -> Result<(i64, Option<i64>)> {
    let row: Option<(i64, Option<i64>)> =
        db.one("SELECT CAST(COUNT(*) AS BIGINT), MIN(at) FROM record_change", params![]).await?;
    Ok(row.unwrap_or((0, None)))
}

pub(super) async fn newest_at(db: &Db) -> Result<Option<i64>> {
    let row: Option<(Option<i64>,)> = db.one("SELECT MAX(made_at) FROM record_object", params![]).await?;
    Ok(row.and_then(|(at,)| at))
}
