//! Logging in by password and, where enrolled, a one-time code. A wrong login, a wrong password and a login that does not
//! exist answer alike, cost the same hash and wait alike.

use std::time::Duration;

use super::{
    Accounts, Person, Posting, password,
    session::{Opened, SessionKind},
    sql,
    throttle::{self, Admitted, Counter},
    totp,
};
use crate::{
    access::Actor,
    audit::{self, Entry, Origin, Who},
    db::Tx,
    error::{Error, Kind, Result, say},
    id::{OfficeId, PersonId},
};

#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    pub login: &'a str,
    pub password: &'a str,
    pub code: Option<&'a str>,
}

#[derive(Debug)]
pub struct LoggedIn {
    pub person: Person,
    pub posts: Vec<Posting>,
    pub opened: Opened,
}

/// For so long after a login its network is one of that person's own.
const AT_HOME: Duration = Duration::from_secs(90 * 24 * 3600);

impl Accounts {
    /// For clients of the API: an access token and a refresh token.
    pub async fn login(&self, login: Login<'_>, origin: &Origin) -> Result<LoggedIn> {
        self.login_as(SessionKind::Api, login, origin).await
    }

    /// For the web page: a cookie.
    pub async fn login_web(&self, login: Login<'_>, origin: &Origin) -> Result<LoggedIn> {
        self.login_as(SessionKind::Web, login, origin).await
    }

    async fn login_as(&self, kind: SessionKind, login: Login<'_>, origin: &Origin) -> Result<LoggedIn> {
        let name = password::normal_login(login.login);
        let admitted = self.admit(&name, origin).await?;
        let row = sql::person_by_login(&mut self.db.read().await?, &name).await?;
        let known = row.as_ref().map(|row| PersonId(row.id));
        let hash = row.as_ref().and_then(|row| row.password.clone());
        let is_right = match &hash {
            Some(hash) => self.passwords.verify(login.password, hash).await?,
            None => self.passwords.verify_nobody(login.password).await?,
        };
        let Some(row) = row.filter(|row| is_right && row.disabled_at.is_none()) else {
            self.note_refusal(known, origin).await?;
            return Err(refused());
        };
        let mut tx = self.db.write().await?;
        let person = PersonId(row.id);
        if let Some(sealed) = &row.totp {
            let Some(code) = login.code.map(str::trim).filter(|code| !code.is_empty()) else {
                admitted.uncount(&mut tx).await?;
                tx.commit().await?;
                return Err(code_needed());
            };
            if self.use_code(&mut tx, person, sealed, code).await.is_err() {
                drop(tx);
                self.note_refusal(known, origin).await?;
                return Err(code_needed());
            }
        }
        let posts = sql::postings(&mut tx, person, self.clock.now()).await?;
        let Some(first) = posts.first() else { return Err(no_post()) };
        let office = first.office.id;
        let opened = self.begin(&mut tx, admitted, kind, person, office, origin).await?;
        tx.commit().await?;
        Ok(LoggedIn { person: row.into_person(), posts, opened })
    }

    async fn begin(
        &self,
        tx: &mut Tx,
        admitted: Admitted,
        kind: SessionKind,
        person: PersonId,
        office: OfficeId,
        origin: &Origin,
    ) -> Result<Opened> {
        admitted.forgive(tx).await?;
        let opened = self.open_session(tx, kind, person, origin).await?;
        let entry = Entry {
            who: Who::Person(person),
            office: Some(office),
            action: "session.begin",
            object: Some(opened.session().to_string()),
            result: "ok",
            origin,
            detail: serde_json::Value::Null,
        };
        audit::record(tx, &self.clock, entry).await?;
        Ok(opened)
    }

    /// Who guesses one login from many networks meets one counter in all of them. Where its person is at home that one does not
    /// count, so that no guessing elsewhere keeps anybody out of their own office's network.
    async fn admit(&self, login: &str, origin: &Origin) -> Result<Admitted> {
        let mut counters = vec![
            Counter::new("login", &[login, &origin.network], self.throttle.login_free),
            Counter::new("network", &[&origin.network], self.throttle.network_free),
        ];
        let since = self.clock.now().minus(AT_HOME);
        if !sql::is_known_network(&self.db, login, &origin.network, since).await? {
            counters.push(Counter::new("account", &[login], self.throttle.account_free));
        }
        throttle::admit(&self.db, &self.clock, &self.throttle, counters).await
    }

    /// One row whether or not the login exists, so that neither the answer nor its time tells.
    async fn note_refusal(&self, known: Option<PersonId>, origin: &Origin) -> Result<()> {
        let mut tx = self.db.write().await?;
        let entry = Entry {
            who: Who::Nobody,
            office: None,
            action: "session.begin",
            object: known.map(|id| id.to_string()),
            result: "refused",
            origin,
            detail: serde_json::Value::Null,
        };
        audit::record(&mut tx, &self.clock, entry).await?;
        tx.commit().await
    }

    /// Asks somebody who is logged in for the password again, before something that a session left open must not do. The
    /// attempt counts as wrong until it is forgiven with what the password was asked for.
    pub(super) async fn confirm_password(
        &self,
        actor: &Actor,
        password: &str,
        origin: &Origin,
    ) -> Result<(sql::PersonRow, Admitted)> {
        totp::own_session(actor)?;
        let person = actor.person();
        let row = sql::person(&mut self.db.read().await?, person).await?.ok_or_else(Error::unauthorized)?;
        let admitted = self.admit(&row.login, origin).await?;
        let hash = row.password.clone().ok_or_else(Error::unauthorized)?;
        if !self.passwords.verify(password, &hash).await? {
            self.note_refusal(Some(person), origin).await?;
            return Err(Error::invalid("/password", say("Kata sandi belum benar.", "The password is not right.")));
        }
        Ok((row, admitted))
    }

    /// A new password ends every other session of the person; API tokens go on.
    pub async fn change_password(&self, actor: &Actor, old: &str, new: &str, origin: &Origin) -> Result<()> {
        let session = totp::own_session(actor)?;
        let (row, admitted) = self.confirm_password(actor, old, origin).await?;
        password::check_password("/new_password", new, &row.login, &self.session)?;
        let hash = self.passwords.hash(new).await?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        admitted.forgive(&mut tx).await?;
        sql::set_password(&mut tx, actor.person(), &hash, now).await?;
        sql::end_sessions(&mut tx, actor.person(), Some(session), now).await?;
        self.note(&mut tx, actor, origin, "password.change").await?;
        tx.commit().await
    }
}

fn refused() -> Error {
    Error::new(
        Kind::Unauthorized,
        "login-refused",
        say(
            "Nama masuk atau kata sandi belum benar. Bila lupa, minta admin kantor mengatur ulang.",
            "Login or password is not right. If you forgot it, ask your office's admin for a reset.",
        ),
    )
}

fn code_needed() -> Error {
    Error::new(
        Kind::Unauthorized,
        "login-code",
        say(
            "Masukkan kode enam angka terbaru dari aplikasi di ponsel Anda; setiap kode hanya berlaku sekali.",
            "Enter the latest six-digit code of the app on your phone; each code works once.",
        ),
    )
}

fn no_post() -> Error {
    Error::forbidden(
        "no-post",
        say(
            "Jabatan Anda sudah berakhir. Hubungi admin kantor bila ini keliru.",
            "Your post has ended. Ask your office's admin if this is a mistake.",
        ),
    )
}
