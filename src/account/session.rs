//! Sessions are rows: ending one is immediate, whatever token still names it. Refresh tokens rotate, and one that is used
//! twice ends its session.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Accounts, sql, totp};
use crate::{
    access::{Actor, Via},
    audit::{self, Entry, Origin, Who},
    clock::Time,
    db::Tx,
    error::{Error, Result},
    id::{self, OfficeId, PersonId, SessionId},
    seal::token::{Use, hash},
};

/// What a JWT says: its person and its session. Everything else is asked of the database on each request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub sub: PersonId,
    pub sid: SessionId,
}

pub(super) const ACCESS: Use = Use { typ: "at+jwt", audience: "lumbung-api" };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    Api,
    Web,
}

/// What a new or refreshed session hands to its holder, once.
#[derive(Debug)]
pub enum Opened {
    Api { session: SessionId, access_token: String, expires_in: u64, refresh_token: String },
    Web { session: SessionId, cookie: String, lives: Duration },
}

impl Opened {
    pub fn session(&self) -> SessionId {
        match self {
            Opened::Api { session, .. } | Opened::Web { session, .. } => *session,
        }
    }
}

/// A session as its person sees it.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    /// `api` or `web`.
    pub kind: String,
    pub created_at: Time,
    pub seen_at: Time,
    pub expires_at: Time,
    pub network: String,
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Accounts {
    pub(super) async fn open_session(
        &self,
        tx: &mut Tx,
        kind: SessionKind,
        person: PersonId,
        origin: &Origin,
    ) -> Result<Opened> {
        let session = SessionId::fresh(&self.clock);
        let now = self.clock.now();
        let cookie = id::secret();
        let (name, lives) = match kind {
            SessionKind::Api => ("api", days(self.session.refresh_days)),
            SessionKind::Web => ("web", Duration::from_secs(self.session.web_hours * 3600)),
        };
        let new = sql::NewSession {
            id: session,
            person,
            kind: name,
            cookie: (kind == SessionKind::Web).then(|| hash(&cookie)),
            now,
            expires_at: now.plus(lives),
            network: &origin.network,
            agent: &origin.agent,
        };
        sql::insert_session(tx, &new).await?;
        match kind {
            SessionKind::Api => self.hand_out(tx, person, session).await,
            SessionKind::Web => Ok(Opened::Web { session, cookie, lives }),
        }
    }

    async fn hand_out(&self, tx: &mut Tx, person: PersonId, session: SessionId) -> Result<Opened> {
        let now = self.clock.now();
        let refresh_token = id::secret();
        let until = now.plus(days(self.session.refresh_days));
        sql::insert_refresh(tx, hash(&refresh_token), session, until).await?;
        let expires_in = self.session.access_seconds;
        let claims = Claims { sub: person, sid: session };
        let access_token = self.signer.issue(ACCESS, now, Duration::from_secs(expires_in), &claims)?;
        Ok(Opened::Api { session, access_token, expires_in, refresh_token })
    }

    /// Exchanges a refresh token for a new pair. The second use of one ends the session: one of the two holders is a thief.
    pub async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<Opened> {
        let secret_hash = hash(refresh_token.trim());
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let is_first = sql::use_refresh(&mut tx, secret_hash, now).await?;
        let row = sql::refresh(&mut tx, secret_hash).await?.ok_or_else(Error::unauthorized)?;
        let (session, person) = (SessionId(row.session), PersonId(row.person));
        if !is_first {
            if row.used_at.is_some() && sql::end_session(&mut tx, person, session, now).await? {
                self.note_end(&mut tx, Who::Nobody, None, session, "session.reuse", origin).await?;
                tx.commit().await?;
            }
            return Err(Error::unauthorized());
        }
        if !sql::is_live_session(&mut tx, session, now).await? || sql::postings(&mut tx, person, now).await?.is_empty()
        {
            return Err(Error::unauthorized());
        }
        let opened = self.hand_out(&mut tx, person, session).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// The caller's own sessions that still hold, newest first.
    pub async fn sessions(&self, actor: &Actor, before: Option<SessionId>, limit: i64) -> Result<Vec<Session>> {
        let current = totp::own_session(actor)?;
        let mut tx = self.db.read().await?;
        let rows = sql::sessions(&mut tx, actor.person(), self.clock.now(), before, limit).await?;
        let shown = |row: sql::SessionRow| Session {
            id: SessionId(row.id),
            kind: row.kind,
            created_at: Time(row.created_at),
            seen_at: Time(row.seen_at),
            expires_at: Time(row.expires_at),
            network: row.network,
            agent: row.agent,
            current: row.id == current.0,
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    /// Ends one of the caller's own sessions; others do not exist for them.
    pub async fn end_session(&self, actor: &Actor, session: SessionId, origin: &Origin) -> Result<()> {
        totp::own_session(actor)?;
        let mut tx = self.db.write().await?;
        if !sql::end_session(&mut tx, actor.person(), session, self.clock.now()).await? {
            return Err(Error::not_found());
        }
        self.note_end(&mut tx, actor.into(), Some(actor.office()), session, "session.end", origin).await?;
        tx.commit().await
    }

    /// Logs out.
    pub async fn end_current(&self, actor: &Actor, origin: &Origin) -> Result<()> {
        let session = totp::own_session(actor)?;
        self.end_session(actor, session, origin).await
    }

    /// The office in which a web session acts from now on, for people with posts in several.
    pub async fn act_in(&self, actor: &Actor, office: OfficeId) -> Result<()> {
        let Via::Web(session) = actor.via() else { return Err(Error::not_found()) };
        let mut tx = self.db.write().await?;
        let posts = sql::postings(&mut tx, actor.person(), self.clock.now()).await?;
        if !posts.iter().any(|post| post.office.id == office) {
            return Err(Error::not_found());
        }
        sql::set_session_office(&mut tx, *session, office).await?;
        tx.commit().await
    }

    async fn note_end(
        &self,
        tx: &mut Tx,
        who: Who,
        office: Option<OfficeId>,
        session: SessionId,
        action: &'static str,
        origin: &Origin,
    ) -> Result<()> {
        let entry = Entry {
            who,
            office,
            action,
            object: Some(session.to_string()),
            result: "ok",
            origin,
            detail: serde_json::Value::Null,
        };
        audit::record(tx, &self.clock, entry).await
    }
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3600)
}
