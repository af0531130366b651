//! Every statement on `chore`.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::Result,
};

pub(in crate::vault) async fn is_due(db: &Db, name: &str, now: Time) -> Result<bool> {
    let row: Option<(i64, i64)> = db.one("SELECT due_at, leased_to FROM chore WHERE name = $1", params![name]).await?;
    Ok(row.is_none_or(|(due, leased)| due <= now.0 && leased <= now.0))
}

pub(in crate::vault) async fn know_chore(tx: &mut Tx, name: &str) -> Result<()> {
    tx.execute("INSERT INTO chore (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", params![name]).await.map(drop)
}

/// What was remembered, if nobody has the turn and it is due by `due`.
pub(in crate::vault) async fn take_turn(
    tx: &mut Tx,
    name: &str,
    lease: Uuid,
    now: Time,
    until: Time,
    due: Time,
) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .one(
            "UPDATE chore SET lease = $2, leased_to = $4 WHERE name = $1 AND leased_to <= $3 AND due_at <= $5 RETURNING memory",
            params![name, lease, now, until, due],
        )
        .await?;
    Ok(row.map(|(memory,)| memory))
}

pub(in crate::vault) async fn keep_turn(db: &Db, name: &str, lease: Uuid, until: Time) -> Result<bool> {
    let kept = "UPDATE chore SET leased_to = $3 WHERE name = $1 AND lease = $2";
    Ok(db.execute(kept, params![name, lease, until]).await? == 1)
}

pub(in crate::vault) async fn end_turn(db: &Db, name: &str, lease: Uuid, memory: &str, due: Time) -> Result<bool> {
    let ended = "UPDATE chore SET lease = NULL, leased_to = 0, memory = $3, due_at = $4 WHERE name = $1 AND lease = $2";
    Ok(db.execute(ended, params![name, lease, memory, due]).await? == 1)
}

pub(in crate::vault) async fn memory(db: &Db, name: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = db.one("SELECT memory FROM chore WHERE name = $1", params![name]).await?;
    Ok(row.map(|(memory,)| memory))
}
