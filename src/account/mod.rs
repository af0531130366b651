//! People and how they prove who they are: activation links, passwords, one-time codes, sessions, tokens, and the posts
//! that give them power in an office. [`Accounts::authenticate`] is the only maker of an [`Actor`](crate::access::Actor).

mod activation;
mod authenticate;
mod consent;
mod independent;
mod login;
mod member;
mod password;
mod session;
mod sql;
pub mod throttle;
mod token;
mod totp;

pub use activation::{Invitation, Invited, activation_url, invite, reissue};
pub use authenticate::{Credentials, Posting};
pub use consent::{Consent, ConsentKind, Decided, Decision};
pub use login::{LoggedIn, Login};
pub use member::{Admission, Link, Member, NewMember, Outcome, may_change_members};
pub use session::{Opened, Session};
pub use token::{NewToken, Token, may_handle_tokens};
pub use totp::{Enrolment, open_totp, rewrap_totp, wrap_totp};

use std::sync::Arc;

use crate::{
    clock::{Clock, Time},
    config,
    db::{Db, Tx},
    error::Result,
    id::{OfficeId, PersonId},
    seal::{MasterKey, password::Passwords, token::Signer},
};

/// What the functions of this room need, held together because nearly all of them need all of it.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    clock: Clock,
    session: config::Session,
    throttle: config::Throttle,
    master: Arc<MasterKey>,
    passwords: Passwords,
    signer: Signer,
}

impl Accounts {
    pub fn new(
        db: Db,
        clock: Clock,
        session: config::Session,
        throttle: config::Throttle,
        master: Arc<MasterKey>,
    ) -> Accounts {
        // A hash takes a core and 46 MiB for a while: as many at once as there are cores.
        let at_once = std::thread::available_parallelism().map_or(2, usize::from);
        let signer = Signer::new(&master, "lumbung");
        Accounts { db, clock, session, throttle, master, passwords: Passwords::new(at_once), signer }
    }

    /// Hashing of passwords, bounded for the whole program; passwords of links go through it too.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// What accounts and sessions are like here.
    pub fn settings(&self) -> &config::Session {
        &self.session
    }

    /// Drops what nobody can use any more: refresh tokens and throttle counters long past. For the housekeeping job.
    pub async fn sweep(&self) -> Result<()> {
        let mut tx = self.db.write().await?;
        let now = self.clock.now();
        sql::sweep(&mut tx, now, now.minus(std::time::Duration::from_secs(self.throttle.forget_seconds))).await?;
        tx.commit().await
    }
}

/// A person's account as its owner sees it.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: PersonId,
    pub login: String,
    pub name: String,
    pub email: String,
    pub activated_at: Option<Time>,
    pub has_totp: bool,
}

pub async fn person(tx: &mut Tx, id: PersonId) -> Result<Option<Person>> {
    Ok(sql::person(tx, id).await?.map(sql::PersonRow::into_person))
}

pub async fn person_by_login(tx: &mut Tx, login: &str) -> Result<Option<Person>> {
    Ok(sql::person_by_login(tx, &password::normal_login(login)).await?.map(sql::PersonRow::into_person))
}

/// Where a person acts now: each active post with its office.
pub async fn postings(tx: &mut Tx, clock: &Clock, person: PersonId) -> Result<Vec<Posting>> {
    sql::postings(tx, person, clock.now()).await
}

/// Addresses of an office's active heads and of a member, for notices.
pub async fn email_of(tx: &mut Tx, person: PersonId) -> Result<Option<String>> {
    Ok(sql::person(tx, person).await?.map(|row| row.email).filter(|email| !email.is_empty()))
}

/// Whether the person holds an active post in the office.
pub async fn is_member(tx: &mut Tx, clock: &Clock, person: PersonId, office: OfficeId) -> Result<bool> {
    Ok(sql::postings(tx, person, clock.now()).await?.iter().any(|post| post.office.id == office))
}

#[cfg(test)]
mod tests;
