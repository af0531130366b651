//! `session` and `refresh`.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Db, Tx, params},
    error::Result,
    id::{OfficeId, PersonId, SessionId},
};

pub(in crate::account) struct NewSession<'a> {
    pub id: SessionId,
    pub person: PersonId,
    pub kind: &'static str,
    pub cookie: Option<[u8; 32]>,
    pub now: Time,
    pub expires_at: Time,
    pub network: &'a str,
    pub agent: &'a str,
}

pub(in crate::account) async fn insert_session(tx: &mut Tx, new: &NewSession<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO session (id, person, kind, cookie, created_at, seen_at, expires_at, network, agent)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        params![new.id, new.person, new.kind, new.cookie, new.now, new.expires_at, new.network, new.agent],
    )
    .await
    .map(drop)
}

/// Whether the session holds and its person is enabled.
pub(in crate::account) async fn is_live_session(tx: &mut Tx, id: SessionId, now: Time) -> Result<bool> {
    let row: Option<(Uuid,)> = tx
        .one(
            "SELECT s.id FROM session s JOIN person n ON n.id = s.person
             WHERE s.id = $1 AND s.kind = 'api' AND s.ended_at IS NULL AND s.expires_at > $2 AND n.disabled_at IS NULL",
            params![id, now],
        )
        .await?;
    Ok(row.is_some())
}

/// Whether the person of this login, if there is one, logged in from this network since then.
pub(in crate::account) async fn is_known_network(db: &Db, login: &str, network: &str, since: Time) -> Result<bool> {
    let row: Option<(Uuid,)> = db
        .one(
            "SELECT s.id FROM session s JOIN person p ON p.id = s.person
             WHERE p.login = $1 AND s.network = $2 AND s.created_at > $3 LIMIT 1",
            params![login, network, since],
        )
        .await?;
    Ok(row.is_some())
}

pub(in crate::account) async fn seen_session(tx: &mut Tx, id: SessionId, now: Time) -> Result<()> {
    tx.execute("UPDATE session SET seen_at = $2 WHERE id = $1", params![id, now]).await.map(drop)
}

pub(in crate::account) async fn set_session_office(tx: &mut Tx, id: SessionId, office: OfficeId) -> Result<()> {
    tx.execute("UPDATE session SET office = $2 WHERE id = $1", params![id, office]).await.map(drop)
}

#[derive(sqlx::FromRow)]
pub(in crate::account) struct SessionRow {
    pub id: Uuid,
    pub kind: String,
    pub created_at: i64,
    pub seen_at: i64,
    pub expires_at: i64,
    pub network: String,
    pub agent: String,
}

pub(in crate::account) async fn sessions(
    tx: &mut Tx,
    person: PersonId,
    now: Time,
    before: Option<SessionId>,
    limit: i64,
) -> Result<Vec<SessionRow>> {
    tx.all(
        "SELECT id, kind, created_at, seen_at, expires_at, network, agent FROM session
         WHERE person = $1 AND ended_at IS NULL AND expires_at > $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        params![person, now, before.map_or(Uuid::max(), |id| id.0), limit],
    )
    .await
}

/// False when the person has no such session that still holds.
pub(in crate::account) async fn end_session(tx: &mut Tx, person: PersonId, id: SessionId, now: Time) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE session SET ended_at = $3 WHERE id = $2 AND person = $1 AND ended_at IS NULL",
            params![person, id, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Ends every session of a person, except perhaps the one that asks.
pub(in crate::account) async fn end_sessions(
    tx: &mut Tx,
    person: PersonId,
    except: Option<SessionId>,
    now: Time,
) -> Result<u64> {
    tx.execute(
        "UPDATE session SET ended_at = $3 WHERE person = $1 AND ended_at IS NULL AND ($2 IS NULL OR id <> $2)",
        params![person, except, now],
    )
    .await
}

pub(in crate::account) async fn insert_refresh(
    tx: &mut Tx,
    secret_hash: [u8; 32],
    session: SessionId,
    expires_at: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO refresh (secret_hash, session, expires_at) VALUES ($1, $2, $3)",
        params![secret_hash, session, expires_at],
    )
    .await?;
    tx.execute("UPDATE session SET expires_at = $2 WHERE id = $1", params![session, expires_at]).await.map(drop)
}

/// True for one caller only: the second use of a refresh token is a theft, or looks like one.
pub(in crate::account) async fn use_refresh(tx: &mut Tx, secret_hash: [u8; 32], now: Time) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE refresh SET used_at = $2 WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2",
            params![secret_hash, now],
        )
        .await?;
    Ok(changed == 1)
}

#[derive(sqlx::FromRow)]
pub(in crate::account) struct RefreshRow {
    pub session: Uuid,
    pub person: Uuid,
    pub used_at: Option<i64>,
}

pub(in crate::account) async fn refresh(tx: &mut Tx, secret_hash: [u8; 32]) -> Result<Option<RefreshRow>> {
    tx.one(
        "SELECT r.session, s.person, r.used_at FROM refresh r JOIN session s ON s.id = r.session
         WHERE r.secret_hash = $1",
        params![secret_hash],
    )
    .await
}
