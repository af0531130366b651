//! Akun saya: where I am signed in, my password, and the one-time codes that a login asks for besides it.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    form::{Fields, Mistakes},
    frame::{Frame, Signed},
    page::{go, show, show_as},
    qr::{self, Qr},
};
use crate::{
    account,
    app::App,
    error::{Error, Kind, Result},
    http::Path,
    id::SessionId,
};

#[derive(Template)]
#[template(path = "mine.html")]
struct MinePage {
    f: Frame,
    mistakes: Mistakes,
    done: &'static str,
    login: String,
    min_password: usize,
    max_password: usize,
    has_code: bool,
    /// The form for turning codes off stands open, because something in it was wrong.
    is_ending_code: bool,
    sittings: Vec<Sitting>,
}

/// One place where the person is signed in.
struct Sitting {
    id: SessionId,
    place: String,
    seen: String,
    is_this: bool,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    f: Frame,
    mistakes: Mistakes,
    secret: String,
    url: String,
    qr: Option<Qr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Done {
    beres: String,
}

const SITTINGS: i64 = 50;

pub async fn page(State(app): State<App>, signed: Signed, Query(done): Query<Done>) -> Result<Response> {
    show(&mine(&app, signed, Mistakes::default(), &done.beres).await?)
}

async fn mine(app: &App, signed: Signed, mistakes: Mistakes, done: &str) -> Result<MinePage> {
    let Signed { frame: f, caller } = signed;
    let found = app.accounts.sessions(&caller.actor, None, SITTINGS).await?;
    let mut tx = app.db.read().await?;
    let person = account::person(&mut tx, caller.actor.person()).await?.ok_or_else(Error::unauthorized)?;
    let sittings = found
        .into_iter()
        .map(|session| Sitting {
            id: session.id,
            place: match session.kind.as_str() {
                "web" => format!("{} · {}", session.agent, session.network),
                _ => format!("{} · {} · {}", f.t("Program", "A program"), session.agent, session.network),
            },
            seen: f.moment(&session.seen_at),
            is_this: session.current,
        })
        .collect();
    let done = match done {
        "sandi" => f.t(
            "Kata sandi diganti. Sesi lain sudah diakhiri.",
            "The password is changed. Your other sessions have ended.",
        ),
        "sesi" => f.t("Sesi itu sudah diakhiri.", "That session has ended."),
        "kode" => f.t(
            "Kode sekali pakai aktif. Mulai sekarang kode diminta setiap kali masuk.",
            "One-time codes are on. From now on a code is asked for at each login.",
        ),
        "tanpa-kode" => f.t("Kode sekali pakai dimatikan.", "One-time codes are off."),
        _ => "",
    };
    Ok(MinePage {
        is_ending_code: mistakes.at("mati-sandi").or(mistakes.at("mati-kode")).is_some(),
        mistakes,
        done,
        login: person.login,
        min_password: app.config.session.min_password,
        max_password: app.config.session.max_password,
        has_code: person.has_totp,
        sittings,
        f,
    })
}

async fn again(app: &App, signed: Signed, error: Error, names: &[(&str, &str)]) -> Result<Response> {
    let mistakes = Mistakes::of(error, &signed.frame, names)?;
    show_as(StatusCode::UNPROCESSABLE_ENTITY, &mine(app, signed, mistakes, "").await?)
}

pub async fn change_password(State(app): State<App>, signed: Signed, form: Fields) -> Result<Response> {
    let (old, new) = (form.text("sekarang"), form.text("password"));
    if new != form.text("again") {
        let text = signed.frame.t("Kedua kata sandi belum sama.", "The two passwords differ.");
        let page = mine(&app, signed, Mistakes::one("again", text), "").await?;
        return show_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    match app.accounts.change_password(&signed.caller.actor, old, new, &signed.caller.origin).await {
        Ok(()) => Ok(go("/akun?beres=sandi")),
        Err(error) => again(&app, signed, error, &[("/new_password", "password"), ("/password", "sekarang")]).await,
    }
}

pub async fn end_session(State(app): State<App>, signed: Signed, Path(id): Path<SessionId>) -> Result<Response> {
    app.accounts.end_session(&signed.caller.actor, id, &signed.caller.origin).await?;
    Ok(go("/akun?beres=sesi"))
}

pub async fn begin_code(State(app): State<App>, signed: Signed, form: Fields) -> Result<Response> {
    match app.accounts.enrol_totp(&signed.caller.actor, form.text("password"), &signed.caller.origin).await {
        Ok(enrolment) => {
            let qr = qr::of(&enrolment.url);
            let (secret, url) = (enrolment.secret, enrolment.url);
            show(&CodePage { f: signed.frame, mistakes: Mistakes::default(), secret, url, qr })
        }
        Err(error) => again(&app, signed, error, &[("/password", "mulai-sandi")]).await,
    }
}

/// The secret is in the form and comes back with a wrong code, because nothing here shows it a second time.
pub async fn confirm_code(State(app): State<App>, signed: Signed, form: Fields) -> Result<Response> {
    match app.accounts.confirm_totp(&signed.caller.actor, form.text("code"), &signed.caller.origin).await {
        Ok(()) => Ok(go("/akun?beres=kode")),
        Err(error) if error.kind() == Kind::Forbidden => Err(error),
        Err(error) => {
            let mistakes = Mistakes::of(error, &signed.frame, &[("/code", "code")])?;
            let (secret, url) = (form.text("secret").to_owned(), form.text("url").to_owned());
            let qr = qr::of(&url);
            let page = CodePage { f: signed.frame, mistakes, secret, url, qr };
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

pub async fn end_code(State(app): State<App>, signed: Signed, form: Fields) -> Result<Response> {
    let (password, code) = (form.text("password"), form.text("code"));
    match app.accounts.disable_totp(&signed.caller.actor, password, code, &signed.caller.origin).await {
        Ok(()) => Ok(go("/akun?beres=tanpa-kode")),
        Err(error) => again(&app, signed, error, &[("/password", "mati-sandi"), ("/code", "mati-kode")]).await,
    }
}
