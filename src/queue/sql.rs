//! Every statement on `job`.

use std::time::Duration;

use uuid::Uuid;

use super::{Failed, Passed, Seen};
use crate::{
    clock::Time,
    db::{Db, Sql, Tx, params},
    error::Result,
    id::{JobId, OfficeId},
};

#[derive(sqlx::FromRow)]
pub(super) struct ClaimRow {
    pub id: Uuid,
    pub kind: String,
    pub office: Option<Uuid>,
    pub attempts: i64,
    pub payload: String,
}

/// Each waiting job of an office moves its next one back by `step`, so that a single letter of another office comes before
/// them. Counted up to 1,000: beyond that an office is far behind everybody else anyway.
#[expect(clippy::too_many_arguments, reason = "one for each column")]
pub(super) async fn insert(
    tx: &mut Tx,
    id: JobId,
    kind: &str,
    payload: &str,
    office: Option<OfficeId>,
    step: Duration,
    run_at: Time,
    now: Time,
) -> Result<()> {
    tx.insert(
        "INSERT INTO job (id, kind, payload, office, turn, run_at, created_at)
         SELECT $1, $2, $3, $4, $6 + $5 * (SELECT count(*) FROM
             (SELECT 1 FROM job WHERE office = $4 AND kind = $2 LIMIT 1000) AS waiting), $6, $7",
        params![id, kind, payload, office, step.as_millis() as i64, run_at, now],
    )
    .await
}

/// SQLite has one writer and needs no row lock; PostgreSQL passes over rows that another node is claiming.
const CLAIM: Sql = Sql {
    sqlite: "UPDATE job SET lease = $2, leased_until = $3, attempts = attempts + 1
        WHERE id = (SELECT id FROM job WHERE state = 'waiting' AND run_at <= $1 AND leased_until <= $1
            AND (office IS NULL OR office NOT IN ($4, $5)) ORDER BY turn, id LIMIT 1)
        RETURNING id, kind, office, attempts, payload",
    postgres: "UPDATE job SET lease = $2, leased_until = $3, attempts = attempts + 1
        WHERE id = (SELECT id FROM job WHERE state = 'waiting' AND run_at <= $1 AND leased_until <= $1
            AND (office IS NULL OR office NOT IN ($4, $5)) ORDER BY turn, id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, kind, office, attempts, payload",
};

pub(super) async fn claim(
    tx: &mut Tx,
    now: Time,
    lease: Uuid,
    until: Time,
    passed: Passed,
) -> Result<Option<ClaimRow>> {
    tx.one(CLAIM, params![now, lease, until, passed[0], passed[1]]).await
}

pub(super) async fn runnable(db: &Db, now: Time, passed: Passed) -> Result<bool> {
    let row: Option<(i64,)> = db
        .one(
            "SELECT count(*) FROM (SELECT id FROM job WHERE state = 'waiting' AND run_at <= $1 AND leased_until <= $1
                AND (office IS NULL OR office NOT IN ($2, $3)) LIMIT 1) AS any_job",
            params![now, passed[0], passed[1]],
        )
        .await?;
    Ok(row.is_some_and(|(found,)| found > 0))
}

pub(super) async fn renew(db: &Db, id: JobId, lease: Uuid, until: Time) -> Result<bool> {
    let changed =
        db.execute("UPDATE job SET leased_until = $3 WHERE id = $1 AND lease = $2", params![id, lease, until]).await?;
    Ok(changed == 1)
}

pub(super) async fn delete(tx: &mut Tx, id: JobId, lease: Uuid) -> Result<bool> {
    Ok(tx.execute("DELETE FROM job WHERE id = $1 AND lease = $2", params![id, lease]).await? == 1)
}

pub(super) async fn fail(db: &Db, id: JobId, lease: Uuid, error: &str, outcome: Failed) -> Result<()> {
    let (state, run_at) = match outcome {
        Failed::RetryAt(at) => ("waiting", at),
        Failed::Dead => ("dead", Time(0)),
    };
    db.execute(
        "UPDATE job SET state = $3, run_at = $4, last_error = $5, leased_until = 0, lease = NULL
         WHERE id = $1 AND lease = $2",
        params![id, lease, state, run_at, error],
    )
    .await
    .map(drop)
}

/// The attempt does not count. Where it is said, the job waits until then and says why.
pub(super) async fn hand_back(db: &Db, id: JobId, lease: Uuid, wait: Option<(Time, &str)>) -> Result<()> {
    let (run_at, error) = wait.unzip();
    db.execute(
        "UPDATE job SET leased_until = 0, lease = NULL, attempts = attempts - 1, run_at = COALESCE($3, run_at),
             last_error = COALESCE($4, last_error) WHERE id = $1 AND lease = $2",
        params![id, lease, run_at, error],
    )
    .await
    .map(drop)
}

pub(super) async fn free_all(db: &Db) -> Result<()> {
    db.execute("UPDATE job SET lease = NULL, leased_until = 0 WHERE lease IS NOT NULL", params![]).await.map(drop)
}

/// A job that was put off on purpose, such as until a link expires, has not failed yet and was to run long after it was made.
pub(super) async fn call_back(db: &Db, now: Time, leased_beyond: Time, wait: Duration) -> Result<()> {
    db.execute(
        "UPDATE job SET lease = NULL, leased_until = 0, run_at = $1, turn = $1
         WHERE state = 'waiting' AND (leased_until > $2
            OR (run_at > $3 AND (last_error IS NOT NULL OR run_at <= created_at + $4)))",
        params![now, leased_beyond, now.plus(wait), wait.as_millis() as i64],
    )
    .await
    .map(drop)
}

pub(super) async fn list(db: &Db, dead: bool, before: Option<JobId>, limit: i64) -> Result<Vec<Seen>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    db.all(
        "SELECT id, kind, office, state, attempts, run_at, last_error, created_at FROM job
         WHERE id < $1 AND (NOT $2 OR state = 'dead') ORDER BY id DESC LIMIT $3",
        params![before, dead, limit],
    )
    .await
}

pub(super) async fn revive(tx: &mut Tx, id: JobId, now: Time) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE job SET state = 'waiting', attempts = 0, run_at = $2, turn = $2 WHERE id = $1 AND state = 'dead'",
            params![id, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn depth(db: &Db) -> Result<(i64, i64)> {
    let row: Option<(i64, i64)> = db
        .one(
            "SELECT CAST(COALESCE(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), 0) AS BIGINT),
                    CAST(COALESCE(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM job",
            params![],
        )
        .await?;
    Ok(row.unwrap_or((0, 0)))
}

/// Since when the oldest job waits that could run and that nobody has.
pub(super) async fn runnable_since(db: &Db, now: Time) -> Result<Option<i64>> {
    let row: Option<(Option<i64>,)> = db
        .one(
            "SELECT min(run_at) FROM job WHERE state = 'waiting' AND run_at <= $1 AND leased_until <= $1",
            params![now],
        )
        .await?;
    Ok(row.and_then(|(since,)| since))
}
