//! One-time links by which a person sets a password. The secret travels in the fragment of an address; only its hash is
//! kept, it works once, and a newer link of the same person voids it.

use std::time::Duration;

use super::{Accounts, password, sql};
use crate::{
    access::Role,
    audit::{self, Entry, Origin, Who},
    clock::{Clock, Time},
    config,
    db::{self, Tx},
    error::{Error, Kind, Result, say},
    id::{self, OfficeId, PersonId, PostId},
    seal,
};

/// A person who gets an account, a post and an activation link.
#[derive(Clone, Debug)]
pub struct Invitation<'a> {
    pub login: &'a str,
    pub name: &'a str,
    pub email: &'a str,
    /// Office and role of the post. Without one the post comes later.
    pub post: Option<(OfficeId, Role)>,
    pub made_by: Option<PersonId>,
    /// What logins and names may be, and how long the link works.
    pub session: &'a config::Session,
}

/// What is handed to the invited person, once.
#[derive(Debug)]
pub struct Invited {
    pub person: PersonId,
    pub post: Option<PostId>,
    pub secret: String,
    pub expires_at: Time,
}

/// Makes the account. Who may invite whom is decided by the caller; this only keeps logins unique and well formed.
pub async fn invite(tx: &mut Tx, clock: &Clock, invitation: &Invitation<'_>) -> Result<Invited> {
    let Invitation { login, name, email, session, .. } = *invitation;
    let person = create_person(tx, clock, login, name, email, session).await?;
    let post = match invitation.post {
        Some((office, role)) => {
            let post = PostId::fresh(clock);
            sql::insert_post(tx, post, person, office, role, clock.now()).await?;
            Some(post)
        }
        None => None,
    };
    let (secret, expires_at) = reissue(tx, clock, person, invitation.made_by, session.activation_days).await?;
    Ok(Invited { person, post, secret, expires_at })
}

pub(super) async fn create_person(
    tx: &mut Tx,
    clock: &Clock,
    login: &str,
    name: &str,
    email: &str,
    session: &config::Session,
) -> Result<PersonId> {
    let login = password::checked_login(login, session)?;
    let name = password::checked_name(name, session)?;
    let email = password::checked_email(email)?;
    if sql::person_by_login(tx, &login).await?.is_some() {
        return Err(login_taken());
    }
    let person = PersonId::fresh(clock);
    let inserted = sql::insert_person(tx, person, &login, &name, &email, clock.now()).await;
    inserted.map_err(|error| if db::is_duplicate(&error) { login_taken() } else { error })?;
    Ok(person)
}

fn login_taken() -> Error {
    Error::conflict(
        "login-taken",
        say("Nama masuk ini sudah dipakai; pilih yang lain.", "This login is taken; choose another."),
    )
}

/// A fresh link; older ones of the person stop working.
pub async fn reissue(
    tx: &mut Tx,
    clock: &Clock,
    person: PersonId,
    made_by: Option<PersonId>,
    days: u64,
) -> Result<(String, Time)> {
    let now = clock.now();
    let expires_at = now.plus(Duration::from_secs(days * 24 * 3600));
    let secret = id::secret();
    sql::void_activations(tx, person, now).await?;
    sql::insert_activation(tx, seal::token::hash(&secret), person, made_by, now, expires_at).await?;
    Ok((secret, expires_at))
}

/// The address that is handed to a person. The secret stands in the fragment, so that no server's log ever sees it.
pub fn activation_url(base: &str, secret: &str) -> String {
    format!("{base}/aktivasi#{secret}")
}

impl Accounts {
    /// Sets the password by a link's secret, once.
    pub async fn activate(&self, secret: &str, password: &str, origin: &Origin) -> Result<PersonId> {
        let hash = seal::token::hash(secret.trim());
        let now = self.clock.now();
        let row = sql::activation(&mut self.db.read().await?, hash, now).await?.ok_or_else(unusable)?;
        password::check_password("/password", password, &row.login, &self.session)?;
        let password = self.passwords.hash(password).await?;
        let person = PersonId(row.id);
        let mut tx = self.db.write().await?;
        if !sql::use_activation(&mut tx, hash, &origin.network, now).await? {
            return Err(unusable());
        }
        sql::set_password(&mut tx, person, &password, now).await?;
        let office = sql::postings(&mut tx, person, now).await?.first().map(|post| post.office.id);
        let entry = Entry {
            who: Who::Person(person),
            office,
            action: "account.activate",
            object: Some(person.to_string()),
            result: "ok",
            origin,
            detail: serde_json::Value::Null,
        };
        audit::record(&mut tx, &self.clock, entry).await?;
        tx.commit().await?;
        Ok(person)
    }

    /// The login and name that a link's holder is about to activate, so that the page can greet them; none when it is void.
    pub async fn activation_for(&self, secret: &str) -> Result<Option<(String, String)>> {
        let hash = seal::token::hash(secret.trim());
        let row = sql::activation(&mut self.db.read().await?, hash, self.clock.now()).await?;
        Ok(row.map(|row| (row.login, row.name)))
    }
}

/// Unknown, used, void and expired links answer alike.
fn unusable() -> Error {
    Error::new(
        Kind::NotFound,
        "activation-unusable",
        say(
            "Tautan aktivasi ini tidak berlaku: sudah dipakai, kedaluwarsa, diganti yang baru, atau tidak lengkap. Minta tautan baru kepada admin kantor.",
            "This activation link does not work: used, expired, replaced by a newer one, or incomplete. Ask your office's admin for a new one.",
        ),
    )
}
