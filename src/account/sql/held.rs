//! Who calls, in one question for each request: a session or a token that holds, with each post of its person.

use uuid::Uuid;

use super::{super::Posting, PostingRow};
use crate::{
    access::Via,
    clock::Time,
    db::{Db, Value, params},
    error::Result,
    id::SessionId,
};

/// A session or token that holds, of a person who is enabled.
pub(in crate::account) struct Held {
    pub id: Uuid,
    pub person: Uuid,
    /// A token's own office, or the one in which a session last acted.
    pub office: Option<Uuid>,
    pub seen_at: i64,
    /// Of a token.
    pub scopes: String,
    pub posts: Vec<Posting>,
}

#[derive(sqlx::FromRow)]
struct HeldRow {
    held: Uuid,
    person: Uuid,
    of_office: Option<Uuid>,
    seen_at: i64,
    scopes: String,
    post: Option<Uuid>,
    role: Option<String>,
    since: Option<i64>,
    office: Option<Uuid>,
    number: Option<i64>,
    code: Option<String>,
    name: Option<String>,
    quota: Option<i64>,
}

/// $1 is what is shown, $2 the present time.
macro_rules! held {
    ($columns:literal, $table:literal, $person:literal, $which:literal) => {
        concat!(
            "SELECT h.id AS held, h.",
            $person,
            " AS person, h.office AS of_office, ",
            $columns,
            ", p.id AS post, p.role, p.since, o.id AS office, o.number, o.code, o.name, o.quota FROM ",
            $table,
            " h JOIN person n ON n.id = h.",
            $person,
            " LEFT JOIN post p ON p.person = h.",
            $person,
            " AND p.since <= $2 AND (p.until IS NULL OR p.until > $2) LEFT JOIN office o ON o.id = p.office WHERE ",
            $which,
            " AND h.ended_at IS NULL AND h.expires_at > $2 AND n.disabled_at IS NULL ORDER BY p.since, p.id"
        )
    };
}

pub(in crate::account) async fn held_session(db: &Db, id: SessionId, now: Time) -> Result<Option<Held>> {
    const ASKED: &str = held!("h.seen_at, '' AS scopes", "session", "person", "h.id = $1 AND h.kind = 'api'");
    held(db, ASKED, params![id, now]).await
}

pub(in crate::account) async fn held_web_session(db: &Db, cookie: [u8; 32], now: Time) -> Result<Option<Held>> {
    const ASKED: &str = held!("h.seen_at, '' AS scopes", "session", "person", "h.cookie = $1 AND h.kind = 'web'");
    held(db, ASKED, params![cookie, now]).await
}

pub(in crate::account) async fn held_token(db: &Db, secret_hash: [u8; 32], now: Time) -> Result<Option<Held>> {
    const ASKED: &str = held!("COALESCE(h.seen_at, 0) AS seen_at, h.scopes", "token", "maker", "h.secret_hash = $1");
    held(db, ASKED, params![secret_hash, now]).await
}

/// What somebody came with when a long answer began.
pub(in crate::account) async fn held_still(db: &Db, via: &Via, now: Time) -> Result<Option<Held>> {
    const SESSION: &str = held!("h.seen_at, '' AS scopes", "session", "person", "h.id = $1");
    const TOKEN: &str = held!("COALESCE(h.seen_at, 0) AS seen_at, h.scopes", "token", "maker", "h.id = $1");
    match via {
        Via::Session(id) | Via::Web(id) => held(db, SESSION, params![*id, now]).await,
        Via::Token { id, .. } => held(db, TOKEN, params![*id, now]).await,
    }
}

async fn held(db: &Db, asked: &'static str, values: Vec<Value>) -> Result<Option<Held>> {
    let rows: Vec<HeldRow> = db.all(asked, values).await?;
    let mut held: Option<Held> = None;
    for row in rows {
        let posting = row.posting()?;
        let held = held.get_or_insert(Held {
            id: row.held,
            person: row.person,
            office: row.of_office,
            seen_at: row.seen_at,
            scopes: row.scopes,
            posts: Vec::new(),
        });
        held.posts.extend(posting);
    }
    Ok(held)
}

impl HeldRow {
    /// Nothing where the person has no post.
    fn posting(&self) -> Result<Option<Posting>> {
        let HeldRow { post: Some(post), office: Some(office), number: Some(number), since: Some(since), .. } = *self
        else {
            return Ok(None);
        };
        let text = |column: &Option<String>| column.clone().unwrap_or_default();
        let (role, code, name) = (text(&self.role), text(&self.code), text(&self.name));
        let quota = self.quota;
        PostingRow { post, role, since, office, number, code, name, quota }.opened().map(Some)
    }
}
