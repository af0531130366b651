//! `person`, `post` and `activation`.

use uuid::Uuid;

use super::super::{Person, Posting};
use crate::{
    access::Role,
    clock::Time,
    db::{Tx, params},
    error::{Error, Result},
    id::{OfficeId, PersonId, PostId},
    office::Brief,
};

#[derive(sqlx::FromRow)]
pub(in crate::account) struct PersonRow {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub email: String,
    pub password: Option<String>,
    pub totp: Option<Vec<u8>>,
    pub totp_pending: Option<Vec<u8>>,
    pub activated_at: Option<i64>,
    pub disabled_at: Option<i64>,
}

impl PersonRow {
    pub fn into_person(self) -> Person {
        Person {
            id: PersonId(self.id),
            login: self.login,
            name: self.name,
            email: self.email,
            activated_at: self.activated_at.map(Time),
            has_totp: self.totp.is_some(),
        }
    }
}

pub(in crate::account) async fn person(tx: &mut Tx, id: PersonId) -> Result<Option<PersonRow>> {
    tx.one(
        "SELECT id, login, name, email, password, totp, totp_pending, activated_at, disabled_at FROM person
         WHERE id = $1",
        params![id],
    )
    .await
}

pub(in crate::account) async fn person_by_login(tx: &mut Tx, login: &str) -> Result<Option<PersonRow>> {
    tx.one(
        "SELECT id, login, name, email, password, totp, totp_pending, activated_at, disabled_at FROM person
         WHERE login = $1",
        params![login],
    )
    .await
}

pub(in crate::account) async fn insert_person(
    tx: &mut Tx,
    id: PersonId,
    login: &str,
    name: &str,
    email: &str,
    now: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO person (id, login, name, email, created_at) VALUES ($1, $2, $3, $4, $5)",
        params![id, login, name, email, now],
    )
    .await
    .map(drop)
}

pub(in crate::account) async fn set_password(tx: &mut Tx, id: PersonId, hash: &str, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE person SET password = $2, activated_at = COALESCE(activated_at, $3) WHERE id = $1",
        params![id, hash, now],
    )
    .await
    .map(drop)
}

/// After a reset nothing of the old credentials opens anything.
pub(in crate::account) async fn clear_credentials(tx: &mut Tx, id: PersonId) -> Result<()> {
    tx.execute(
        "UPDATE person SET password = NULL, totp = NULL, totp_pending = NULL, activated_at = NULL WHERE id = $1",
        params![id],
    )
    .await
    .map(drop)
}

#[derive(sqlx::FromRow)]
pub(in crate::account) struct TotpRow {
    pub id: Uuid,
    pub totp: Option<Vec<u8>>,
    pub totp_pending: Option<Vec<u8>>,
}

pub(in crate::account) async fn totp_secrets(tx: &mut Tx) -> Result<Vec<TotpRow>> {
    tx.all(
        "SELECT id, totp, totp_pending FROM person WHERE totp IS NOT NULL OR totp_pending IS NOT NULL ORDER BY id",
        params![],
    )
    .await
}

pub(in crate::account) async fn set_totp_secrets(
    tx: &mut Tx,
    id: PersonId,
    totp: Option<Vec<u8>>,
    pending: Option<Vec<u8>>,
) -> Result<()> {
    tx.execute("UPDATE person SET totp = $2, totp_pending = $3 WHERE id = $1", params![id, totp, pending])
        .await
        .map(drop)
}

pub(in crate::account) async fn set_pending_totp(tx: &mut Tx, id: PersonId, sealed: Vec<u8>) -> Result<()> {
    tx.execute("UPDATE person SET totp_pending = $2 WHERE id = $1", params![id, sealed]).await.map(drop)
}

pub(in crate::account) async fn confirm_totp(tx: &mut Tx, id: PersonId, step: i64) -> Result<()> {
    tx.execute(
        "UPDATE person SET totp = totp_pending, totp_pending = NULL, totp_step = $2 WHERE id = $1",
        params![id, step],
    )
    .await
    .map(drop)
}

pub(in crate::account) async fn remove_totp(tx: &mut Tx, id: PersonId) -> Result<()> {
    tx.execute("UPDATE person SET totp = NULL, totp_pending = NULL WHERE id = $1", params![id]).await.map(drop)
}

/// False when this step or a later one was used before: a code opens once, whoever looked over the shoulder.
pub(in crate::account) async fn use_totp_step(tx: &mut Tx, id: PersonId, step: i64) -> Result<bool> {
    let changed =
        tx.execute("UPDATE person SET totp_step = $2 WHERE id = $1 AND totp_step < $2", params![id, step]).await?;
    Ok(changed == 1)
}

pub(in crate::account) async fn insert_post(
    tx: &mut Tx,
    id: PostId,
    person: PersonId,
    office: OfficeId,
    role: Role,
    now: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO post (id, person, office, role, since) VALUES ($1, $2, $3, $4, $5)",
        params![id, person, office, role.as_str(), now],
    )
    .await
    .map(drop)
}

#[derive(sqlx::FromRow)]
pub(super) struct PostingRow {
    pub post: Uuid,
    pub role: String,
    pub since: i64,
    pub office: Uuid,
    pub number: i64,
    pub code: String,
    pub name: String,
    pub quota: Option<i64>,
}

impl PostingRow {
    pub(super) fn opened(self) -> Result<Posting> {
        Ok(Posting {
            post: PostId(self.post),
            role: role(&self.role)?,
            since: Time(self.since),
            office: Brief { id: OfficeId(self.office), code: self.code, name: self.name },
            office_number: self.number,
            office_quota: self.quota.and_then(|quota| u64::try_from(quota).ok()),
        })
    }
}

pub(in crate::account) async fn postings(tx: &mut Tx, person: PersonId, now: Time) -> Result<Vec<Posting>> {
    let rows: Vec<PostingRow> = tx
        .all(
            "SELECT p.id AS post, p.role, p.since, o.id AS office, o.number, o.code, o.name, o.quota
             FROM post p JOIN office o ON o.id = p.office
             WHERE p.person = $1 AND p.since <= $2 AND (p.until IS NULL OR p.until > $2) ORDER BY p.since, p.id",
            params![person, now],
        )
        .await?;
    rows.into_iter().map(PostingRow::opened).collect()
}

pub(in crate::account) fn role(text: &str) -> Result<Role> {
    Role::parse(text).ok_or_else(|| Error::internal("a post with an unknown role"))
}

pub(in crate::account) async fn end_post(tx: &mut Tx, id: PostId, now: Time) -> Result<bool> {
    let changed = tx
        .execute("UPDATE post SET until = $2 WHERE id = $1 AND (until IS NULL OR until > $2)", params![id, now])
        .await?;
    Ok(changed == 1)
}

#[derive(sqlx::FromRow)]
pub(in crate::account) struct MemberRow {
    pub post: Uuid,
    pub person: Uuid,
    pub login: String,
    pub name: String,
    pub email: String,
    pub role: String,
    pub since: i64,
    pub until: Option<i64>,
    pub activated_at: Option<i64>,
    pub activated_from: Option<String>,
    pub link_until: Option<i64>,
}

/// Active posts of an office; with `former` those that ended too.
pub(in crate::account) async fn members(
    tx: &mut Tx,
    office: OfficeId,
    now: Time,
    former: bool,
    after: Option<PostId>,
    limit: i64,
) -> Result<Vec<MemberRow>> {
    tx.all(
        "SELECT p.id AS post, n.id AS person, n.login, n.name, n.email, p.role, p.since, p.until, n.activated_at,
            (SELECT a.network FROM activation a WHERE a.person = n.id AND a.used_at IS NOT NULL
                ORDER BY a.used_at DESC LIMIT 1) AS activated_from,
            (SELECT MAX(a.expires_at) FROM activation a WHERE a.person = n.id AND a.used_at IS NULL
                AND a.void_at IS NULL AND a.expires_at > $2) AS link_until
         FROM post p JOIN person n ON n.id = p.person
         WHERE p.office = $1 AND ($3 OR p.until IS NULL OR p.until > $2) AND p.id > $4
         ORDER BY p.id LIMIT $5",
        params![office, now, former, after.map_or(Uuid::nil(), |id| id.0), limit],
    )
    .await
}

#[derive(sqlx::FromRow)]
pub(in crate::account) struct PostRow {
    pub person: Uuid,
    pub office: Uuid,
    pub role: String,
    pub until: Option<i64>,
}

pub(in crate::account) async fn post(tx: &mut Tx, id: PostId) -> Result<Option<PostRow>> {
    tx.one("SELECT person, office, role, until FROM post WHERE id = $1", params![id]).await
}

/// Activated people with one of the office roles in the office now: the office's own business begins with the first.
pub(in crate::account) async fn activated_members(tx: &mut Tx, office: OfficeId, now: Time) -> Result<i64> {
    let row: Option<(i64,)> = tx
        .one(
            "SELECT count(*) FROM post p JOIN person n ON n.id = p.person
             WHERE p.office = $1 AND (p.until IS NULL OR p.until > $2) AND n.activated_at IS NOT NULL
                AND p.role IN ('clerk', 'head', 'archivist', 'office_admin')",
            params![office, now],
        )
        .await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Activated heads and admins of the office other than one person: those who may decide about that person.
pub(in crate::account) async fn deciders(
    tx: &mut Tx,
    office: OfficeId,
    about: PersonId,
    now: Time,
) -> Result<Vec<PersonId>> {
    let rows: Vec<(Uuid,)> = tx
        .all(
            "SELECT DISTINCT p.person FROM post p JOIN person n ON n.id = p.person
             WHERE p.office = $1 AND p.person <> $2 AND (p.until IS NULL OR p.until > $3)
                AND n.activated_at IS NOT NULL AND n.disabled_at IS NULL AND p.role IN ('head', 'office_admin')",
            params![office, about, now],
        )
        .await?;
    Ok(rows.into_iter().map(|(person,)| PersonId(person)).collect())
}

/// Of those who are or were head or admin here: whose account was last activated by a link of another one of them.
pub(in crate::account) async fn activated_by(tx: &mut Tx, office: OfficeId) -> Result<Vec<(PersonId, PersonId)>> {
    let rows: Vec<(Uuid, Uuid)> = tx
        .all(
            "SELECT DISTINCT a.person, a.made_by FROM activation a
             JOIN post p ON p.person = a.person AND p.office = $1 AND p.role IN ('head', 'office_admin')
             JOIN post m ON m.person = a.made_by AND m.office = $1 AND m.role IN ('head', 'office_admin')
             WHERE a.used_at IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM activation l WHERE l.person = a.person AND l.used_at > a.used_at)",
            params![office],
        )
        .await?;
    Ok(rows.into_iter().map(|(person, maker)| (PersonId(person), PersonId(maker))).collect())
}

pub(in crate::account) async fn insert_activation(
    tx: &mut Tx,
    secret_hash: [u8; 32],
    person: PersonId,
    made_by: Option<PersonId>,
    now: Time,
    expires_at: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO activation (secret_hash, person, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        params![secret_hash, person, made_by, now, expires_at],
    )
    .await
    .map(drop)
}

pub(in crate::account) async fn void_activations(tx: &mut Tx, person: PersonId, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE activation SET void_at = $2 WHERE person = $1 AND used_at IS NULL AND void_at IS NULL",
        params![person, now],
    )
    .await
    .map(drop)
}

/// The person whom a link would activate now.
pub(in crate::account) async fn activation(tx: &mut Tx, secret_hash: [u8; 32], now: Time) -> Result<Option<PersonRow>> {
    tx.one(
        "SELECT n.id, n.login, n.name, n.email, n.password, n.totp, n.totp_pending, n.activated_at, n.disabled_at
         FROM activation a JOIN person n ON n.id = a.person
         WHERE a.secret_hash = $1 AND a.used_at IS NULL AND a.void_at IS NULL AND a.expires_at > $2
            AND n.disabled_at IS NULL",
        params![secret_hash, now],
    )
    .await
}

/// True for one caller only.
pub(in crate::account) async fn use_activation(
    tx: &mut Tx,
    secret_hash: [u8; 32],
    network: &str,
    now: Time,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE activation SET used_at = $2, network = $3
             WHERE secret_hash = $1 AND used_at IS NULL AND void_at IS NULL AND expires_at > $2",
            params![secret_hash, now, network],
        )
        .await?;
    Ok(changed == 1)
}
