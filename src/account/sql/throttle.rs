//! `throttle`: counters of attempts.

use crate::{
    clock::Time,
    db::{Tx, params},
    error::Result,
};

/// Counts one attempt and gives how many there are now; none while the name has to wait. Nobody waits longer than the longest
/// wait: what says so was written by a clock that ran ahead.
pub(in crate::account) async fn count_attempt(
    tx: &mut Tx,
    name: &str,
    now: Time,
    forgotten: Time,
    longest: Time,
) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .one(
            "INSERT INTO throttle (name, failures, first_at, blocked_to) VALUES ($1, 1, $2, 0)
             ON CONFLICT (name) DO UPDATE SET
                failures = CASE WHEN throttle.first_at < $3 THEN 1 ELSE throttle.failures + 1 END,
                first_at = CASE WHEN throttle.first_at < $3 THEN excluded.first_at ELSE throttle.first_at END
             WHERE throttle.blocked_to <= $2 OR throttle.blocked_to > $4
             RETURNING failures",
            params![name, now, forgotten, longest],
        )
        .await?;
    Ok(row.map(|(failures,)| failures))
}

pub(in crate::account) async fn blocked_to(tx: &mut Tx, name: &str) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx.one("SELECT blocked_to FROM throttle WHERE name = $1", params![name]).await?;
    Ok(row.map(|(until,)| until))
}

pub(in crate::account) async fn block(tx: &mut Tx, name: &str, until: Time) -> Result<()> {
    tx.execute("UPDATE throttle SET blocked_to = $2 WHERE name = $1", params![name, until]).await.map(drop)
}

/// Takes one attempt back, and the wait that this very attempt began.
pub(in crate::account) async fn uncount(tx: &mut Tx, name: &str, began_wait: Option<Time>) -> Result<()> {
    tx.execute(
        "UPDATE throttle SET failures = failures - 1,
            blocked_to = CASE WHEN blocked_to = $2 THEN 0 ELSE blocked_to END
         WHERE name = $1 AND failures > 0",
        params![name, began_wait.unwrap_or(Time(-1))],
    )
    .await
    .map(drop)
}

pub(in crate::account) async fn forget_attempts(tx: &mut Tx, name: &str) -> Result<()> {
    tx.execute("DELETE FROM throttle WHERE name = $1", params![name]).await.map(drop)
}
