//! From a bearer token or a cookie to an [`Actor`]: session or token, person and post are looked up by index on each
//! request, so that ending any of them is immediate.

use std::time::Duration;

use super::{Accounts, session, sql, token};
use crate::{
    access::{Actor, Role, Via},
    clock::Time,
    error::{Error, Result, say},
    id::{OfficeId, PersonId, PostId, SessionId, TokenId},
    office::Brief,
    seal::token::hash,
};

#[derive(Clone, Copy, Debug)]
pub enum Credentials<'a> {
    /// A JWT or an API token.
    Bearer(&'a str),
    /// The secret of a web session.
    Cookie(&'a str),
}

/// An active post.
#[derive(Clone, Debug)]
pub struct Posting {
    pub post: PostId,
    pub role: Role,
    pub since: Time,
    pub office: Brief,
    /// The office's number in the index.
    pub office_number: i64,
    /// What the office may keep, where that is its own and not the configuration's.
    pub office_quota: Option<u64>,
}

/// Between two notes of when a session or token was last seen.
const SEEN_EVERY: Duration = Duration::from_secs(300);

impl Accounts {
    /// None when the credentials do not hold. An error when they do, but not for the office that is to act.
    pub async fn authenticate(&self, credentials: Credentials<'_>, acting: Option<OfficeId>) -> Result<Option<Actor>> {
        match credentials {
            Credentials::Bearer(text) if text.starts_with(token::PREFIX) => self.by_token(text, acting).await,
            Credentials::Bearer(text) => self.by_jwt(text, acting).await,
            Credentials::Cookie(secret) => self.by_cookie(secret, acting).await,
        }
    }

    /// Whether session or token and one of the posts by which somebody acts still hold: for an answer that goes on for long.
    pub async fn still_holds(&self, actor: &Actor) -> Result<bool> {
        let held = sql::held_still(&self.db, actor.via(), self.clock.now()).await?;
        Ok(held.is_some_and(|held| held.posts.iter().any(|posting| actor.posts().contains(&posting.post))))
    }

    async fn by_jwt(&self, text: &str, acting: Option<OfficeId>) -> Result<Option<Actor>> {
        let now = self.clock.now();
        let Ok(claims) = self.signer.verify::<session::Claims>(session::ACCESS, now, text) else { return Ok(None) };
        match sql::held_session(&self.db, claims.sid, now).await? {
            Some(held) if held.person == claims.sub.0 => self.in_session(held, acting, Via::Session).await,
            _ => Ok(None),
        }
    }

    async fn by_cookie(&self, secret: &str, acting: Option<OfficeId>) -> Result<Option<Actor>> {
        match sql::held_web_session(&self.db, hash(secret), self.clock.now()).await? {
            Some(held) => self.in_session(held, acting, Via::Web).await,
            None => Ok(None),
        }
    }

    async fn in_session(
        &self,
        held: sql::Held,
        acting: Option<OfficeId>,
        via: fn(SessionId) -> Via,
    ) -> Result<Option<Actor>> {
        let now = self.clock.now();
        let sql::Held { posts, .. } = held;
        let session = SessionId(held.id);
        let holds_in = |office: OfficeId| posts.iter().any(|post| post.office.id == office);
        let office = match acting {
            Some(office) if holds_in(office) => Some(office),
            Some(_) if posts.is_empty() => None,
            Some(_) => return Err(not_your_office()),
            None => held
                .office
                .map(OfficeId)
                .filter(|office| holds_in(*office))
                .or(posts.first().map(|post| post.office.id)),
        };
        let Some(office) = office else { return Ok(None) };
        if now.since(Time(held.seen_at)) >= SEEN_EVERY {
            let mut tx = self.db.write().await?;
            sql::seen_session(&mut tx, session, now).await?;
            tx.commit().await?;
        }
        Ok(actor(PersonId(held.person), office, &posts, via(session)))
    }

    async fn by_token(&self, text: &str, acting: Option<OfficeId>) -> Result<Option<Actor>> {
        let now = self.clock.now();
        let Some(held) = sql::held_token(&self.db, hash(text), now).await? else { return Ok(None) };
        let office = held.office.map(OfficeId).ok_or_else(|| Error::internal("a token of no office"))?;
        let (maker, id) = (PersonId(held.person), TokenId(held.id));
        if acting.is_some_and(|acting| acting != office) {
            return Err(not_your_office());
        }
        if now.since(Time(held.seen_at)) >= SEEN_EVERY {
            let mut tx = self.db.write().await?;
            sql::seen_token(&mut tx, id, now).await?;
            tx.commit().await?;
        }
        let scopes = token::parse_scopes(&held.scopes);
        Ok(actor(maker, office, &held.posts, Via::Token { id, scopes }))
    }
}

/// The roles of one office are united; those of other offices do not count while this one acts.
fn actor(person: PersonId, office: OfficeId, posts: &[Posting], via: Via) -> Option<Actor> {
    let here: Vec<&Posting> = posts.iter().filter(|post| post.office.id == office).collect();
    let Posting { office, office_number, office_quota, .. } = here.first()?;
    let mut roles: Vec<Role> = Vec::new();
    for post in &here {
        if !roles.contains(&post.role) {
            roles.push(post.role);
        }
    }
    let posts = here.iter().map(|post| post.post).collect();
    Some(Actor::new(person, office.clone(), *office_number, *office_quota, roles, posts, via))
}

fn not_your_office() -> Error {
    Error::forbidden(
        "not-your-office",
        say(
            "Anda tidak menjabat di kantor yang disebut Lumbung-Office.",
            "You hold no post in the office that Lumbung-Office names.",
        ),
    )
}
