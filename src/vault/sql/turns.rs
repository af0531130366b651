//! Every statement on `chore`.

use std::time::Duration;

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::Result,
};

/// The present, how long a turn is held without a sign of life, and beyond what nothing can be due.
pub(in crate::vault) struct Span {
    pub now: Time,
    pub lease: Duration,
    pub far: Duration,
}

pub(in crate::vault) async fn is_due(db: &Db, name: &str, span: &Span) -> Result<bool> {
    let row: Option<(i64, i64)> = db.one("SELECT due_at, leased_to FROM chore WHERE name = $1", params![name]).await?;
    let passed = |at: i64, far: Duration| at <= span.now.0 || at > span.now.plus(far).0;
    Ok(row.is_none_or(|(due, leased)| passed(due, span.far) && passed(leased, span.lease * 2)))
}

pub(in crate::vault) async fn know_chore(tx: &mut Tx, name: &str) -> Result<()> {
    tx.execute("INSERT INTO chore (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", params![name]).await.map(drop)
}

/// What was remembered, if nobody has the turn and it is due, or asked for early.
pub(in crate::vault) async fn take_turn(
    tx: &mut Tx,
    name: &str,
    lease: Uuid,
    span: &Span,
    early: bool,
) -> Result<Option<String>> {
    let (until, beyond) = (span.now.plus(span.lease), span.now.plus(span.lease * 2));
    let row: Option<(String,)> = tx
        .one(
            "UPDATE chore SET lease = $2, leased_to = $4
             WHERE name = $1 AND (leased_to <= $3 OR leased_to > $5) AND ($7 OR due_at <= $3 OR due_at > $6)
             RETURNING memory",
            params![name, lease, span.now, until, beyond, span.now.plus(span.far), early],
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
