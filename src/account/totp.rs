//! One-time codes of an authenticator app (RFC 6238). The secret is sealed in the database; a code works once.

use totp_rs::{Algorithm, TOTP};
use zeroize::Zeroizing;

use super::{Accounts, sql};
use crate::{
    access::{Actor, Via},
    audit::{self, Entry, Origin},
    db::Tx,
    error::{Error, Result, say},
    id::{self, PersonId, SessionId},
    seal::{self, MasterKey, Secret32},
};

/// As every authenticator app counts (RFC 6238).
const STEP_SECONDS: u64 = 30;
const DIGITS: usize = 6;
/// A phone's clock may be one step off, before or after.
const SKEW: u64 = 1;

/// What an authenticator app needs, shown once.
#[derive(Debug)]
pub struct Enrolment {
    /// In base32, to be typed.
    pub secret: String,
    /// `otpauth://…`, to be shown as a QR code.
    pub url: String,
}

impl Accounts {
    /// Begins enrolling, by the password: whoever has a session that was left open must not lock its owner out. Nothing
    /// changes for the next login until a code confirms it.
    pub async fn enrol_totp(&self, actor: &Actor, password: &str, origin: &Origin) -> Result<Enrolment> {
        own_session(actor)?;
        let secret: Zeroizing<[u8; 20]> = Zeroizing::new(id::random());
        let person = actor.person();
        let (row, admitted) = self.confirm_password(actor, password, origin).await?;
        let mut tx = self.db.write().await?;
        admitted.forgive(&mut tx).await?;
        if row.totp.is_some() {
            return Err(Error::conflict(
                "totp-enrolled",
                say(
                    "Kode sekali pakai sudah aktif. Matikan dahulu bila hendak mengganti ponsel.",
                    "One-time codes are on already. Turn them off first to change the phone.",
                ),
            ));
        }
        let totp = totp(secret.to_vec(), &row.login)?;
        sql::set_pending_totp(&mut tx, person, wrap_totp(&self.master, person, secret.as_ref())).await?;
        self.note(&mut tx, actor, origin, "totp.enrol").await?;
        tx.commit().await?;
        Ok(Enrolment { secret: totp.get_secret_base32(), url: totp.get_url() })
    }

    /// Turns codes on when the app's first code is right.
    pub async fn confirm_totp(&self, actor: &Actor, code: &str, origin: &Origin) -> Result<()> {
        own_session(actor)?;
        let person = actor.person();
        let mut tx = self.db.write().await?;
        let row = sql::person(&mut tx, person).await?.ok_or_else(Error::unauthorized)?;
        let pending = row.totp_pending.ok_or_else(|| {
            Error::conflict("totp-not-begun", say("Mulai pendaftaran kode dahulu.", "Begin enrolling first."))
        })?;
        let step = self.step_of(person, &pending, code)?.ok_or_else(wrong_code)?;
        sql::confirm_totp(&mut tx, person, step).await?;
        self.note(&mut tx, actor, origin, "totp.confirm").await?;
        tx.commit().await
    }

    /// Turns codes off, by the password and a code: a session that was left open is not enough.
    pub async fn disable_totp(&self, actor: &Actor, password: &str, code: &str, origin: &Origin) -> Result<()> {
        own_session(actor)?;
        let person = actor.person();
        let (row, admitted) = self.confirm_password(actor, password, origin).await?;
        let mut tx = self.db.write().await?;
        if let Some(sealed) = row.totp {
            self.use_code(&mut tx, person, &sealed, code).await?;
        }
        // Only now: a wrong code counts like a wrong password, or whoever has the password could try them all.
        admitted.forgive(&mut tx).await?;
        sql::remove_totp(&mut tx, person).await?;
        self.note(&mut tx, actor, origin, "totp.disable").await?;
        tx.commit().await
    }

    /// Accepts a code once; a second use of the same or an older one is refused.
    pub(super) async fn use_code(&self, tx: &mut Tx, person: PersonId, sealed: &[u8], code: &str) -> Result<()> {
        match self.step_of(person, sealed, code)? {
            Some(step) if sql::use_totp_step(tx, person, step).await? => Ok(()),
            _ => Err(wrong_code()),
        }
    }

    /// The time step to which a code belongs now, if it is right.
    fn step_of(&self, person: PersonId, sealed: &[u8], code: &str) -> Result<Option<i64>> {
        let secret = open_totp(&self.master, person, sealed)?;
        let totp = totp(secret.to_vec(), "")?;
        let now = self.clock.now().0.max(0) as u64 / 1000;
        let code = code.replace(' ', "");
        let steps = (now / STEP_SECONDS).saturating_sub(SKEW)..=now / STEP_SECONDS + SKEW;
        let is_right = |step: &u64| {
            let expected = totp.generate(step * STEP_SECONDS);
            bool::from(subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), code.as_bytes()))
        };
        Ok(steps.into_iter().find(is_right).map(|step| step as i64))
    }

    /// An entry about the actor's own account.
    pub(super) async fn note(&self, tx: &mut Tx, actor: &Actor, origin: &Origin, action: &'static str) -> Result<()> {
        let entry = Entry {
            who: actor.into(),
            office: Some(actor.office()),
            action,
            object: Some(actor.person().to_string()),
            result: "ok",
            origin,
            detail: serde_json::Value::Null,
        };
        audit::record(tx, &self.clock, entry).await
    }
}

/// What concerns a person's own account is done by the person, not by a token that the person made.
pub(super) fn own_session(actor: &Actor) -> Result<SessionId> {
    match actor.via() {
        Via::Session(id) | Via::Web(id) => Ok(*id),
        Via::Token { .. } => Err(Error::forbidden(
            "session-needed",
            say(
                "Ini hanya dapat dilakukan setelah masuk sendiri, tidak dengan token.",
                "This can be done only after logging in yourself, not with a token.",
            ),
        )),
    }
}

pub(super) fn wrong_code() -> Error {
    Error::invalid(
        "/code",
        say(
            "Kode belum benar atau sudah dipakai. Tunggu kode berikutnya di ponsel, lalu coba lagi.",
            "The code is not right or was used already. Wait for the next one on your phone and try again.",
        ),
    )
}

fn totp(secret: Vec<u8>, login: &str) -> Result<TOTP> {
    TOTP::new(Algorithm::SHA1, DIGITS, SKEW as u8, STEP_SECONDS, secret, Some("Lumbung".into()), login.into())
        .map_err(|cause| Error::internal(cause.to_string()))
}

const PURPOSE: &str = "totp secrets";

/// The secret of an authenticator app as `person.totp` holds it.
pub fn wrap_totp(master: &MasterKey, person: PersonId, secret: &[u8]) -> Vec<u8> {
    seal::wrap(&Secret32::from(master.derive(PURPOSE)), &context(person), secret)
}

pub fn open_totp(master: &MasterKey, person: PersonId, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    seal::unwrap_any(&master.derive_any(PURPOSE), &context(person), wrapped)
}

/// Wraps everybody's secrets under the master key in force, whichever of its keys they open with.
pub async fn rewrap_totp(tx: &mut Tx, master: &MasterKey) -> Result<u64> {
    let rows = sql::totp_secrets(tx).await?;
    for row in &rows {
        let person = PersonId(row.id);
        let anew = |wrapped: &Option<Vec<u8>>| -> Result<Option<Vec<u8>>> {
            let Some(wrapped) = wrapped else { return Ok(None) };
            Ok(Some(wrap_totp(master, person, &open_totp(master, person, wrapped)?)))
        };
        sql::set_totp_secrets(tx, person, anew(&row.totp)?, anew(&row.totp_pending)?).await?;
    }
    Ok(rows.len() as u64)
}

fn context(person: PersonId) -> Vec<u8> {
    format!("totp {person}").into_bytes()
}
