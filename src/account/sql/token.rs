//! `token`.

use uuid::Uuid;

use crate::{
    clock::Time,
    db::{Tx, params},
    error::Result,
    id::{OfficeId, PersonId, TokenId},
};

#[derive(sqlx::FromRow)]
pub(in crate::account) struct TokenRow {
    pub id: Uuid,
    pub maker: Uuid,
    pub maker_name: String,
    pub label: String,
    pub scopes: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub ended_at: Option<i64>,
    pub seen_at: Option<i64>,
}

#[expect(clippy::too_many_arguments, reason = "one for each column")]
pub(in crate::account) async fn insert_token(
    tx: &mut Tx,
    id: TokenId,
    office: OfficeId,
    maker: PersonId,
    label: &str,
    scopes: &str,
    secret_hash: [u8; 32],
    now: Time,
    expires_at: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO token (id, office, maker, label, scopes, secret_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![id, office, maker, label, scopes, secret_hash, now, expires_at],
    )
    .await
    .map(drop)
}

pub(in crate::account) async fn seen_token(tx: &mut Tx, id: TokenId, now: Time) -> Result<()> {
    tx.execute("UPDATE token SET seen_at = $2 WHERE id = $1", params![id, now]).await.map(drop)
}

/// Newest first; of one maker, or of the whole office.
pub(in crate::account) async fn tokens(
    tx: &mut Tx,
    office: OfficeId,
    maker: Option<PersonId>,
    before: Option<TokenId>,
    limit: i64,
) -> Result<Vec<TokenRow>> {
    tx.all(
        "SELECT t.id, t.maker, n.name AS maker_name, t.label, t.scopes, t.created_at, t.expires_at,
            t.ended_at, t.seen_at
         FROM token t JOIN person n ON n.id = t.maker
         WHERE t.office = $1 AND ($2 IS NULL OR t.maker = $2) AND t.id < $3 ORDER BY t.id DESC LIMIT $4",
        params![office, maker, before.map_or(Uuid::max(), |id| id.0), limit],
    )
    .await
}

pub(in crate::account) async fn token(tx: &mut Tx, office: OfficeId, id: TokenId) -> Result<Option<TokenRow>> {
    tx.one(
        "SELECT t.id, t.maker, n.name AS maker_name, t.label, t.scopes, t.created_at, t.expires_at,
            t.ended_at, t.seen_at
         FROM token t JOIN person n ON n.id = t.maker WHERE t.office = $1 AND t.id = $2",
        params![office, id],
    )
    .await
}

pub(in crate::account) async fn end_token(tx: &mut Tx, id: TokenId, now: Time) -> Result<()> {
    tx.execute("UPDATE token SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", params![id, now]).await.map(drop)
}

/// Ends the tokens that a person made: all of them, or those of one office.
pub(in crate::account) async fn end_tokens(
    tx: &mut Tx,
    maker: PersonId,
    office: Option<OfficeId>,
    now: Time,
) -> Result<u64> {
    tx.execute(
        "UPDATE token SET ended_at = $3 WHERE maker = $1 AND ($2 IS NULL OR office = $2) AND ended_at IS NULL",
        params![maker, office, now],
    )
    .await
}

pub(in crate::account) async fn adopt_token(
    tx: &mut Tx,
    id: TokenId,
    office: OfficeId,
    maker: PersonId,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE token SET maker = $3 WHERE id = $1 AND office = $2 AND ended_at IS NULL",
            params![id, office, maker],
        )
        .await?;
    Ok(changed == 1)
}
