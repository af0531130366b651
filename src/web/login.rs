//! Masuk and Keluar.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Deserialize;

use super::{
    demo::{self, DemoAccount},
    form::{Fields, Mistakes},
    frame::{Frame, Signed, Visit},
    page::{go, own_path, show, show_as},
};
use crate::{
    account::{Login, Opened},
    app::App,
    error::{Error, Result},
    http::COOKIE,
    id::OfficeId,
};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    f: Frame,
    mistakes: Mistakes,
    /// Where to go afterwards.
    to: String,
    login: String,
    asks_code: bool,
    activated: bool,
    demo: Vec<DemoAccount>,
}

#[derive(Debug, Deserialize)]
pub struct Way {
    #[serde(default)]
    ke: String,
    #[serde(default)]
    aktif: String,
}

pub async fn show_form(State(app): State<App>, visit: Visit, Query(way): Query<Way>) -> Result<Response> {
    if visit.frame.card.is_some() {
        return Ok(go(own_path(&way.ke)));
    }
    show(&LoginPage {
        f: visit.frame,
        mistakes: Mistakes::default(),
        to: own_path(&way.ke).to_owned(),
        login: String::new(),
        asks_code: false,
        activated: !way.aktif.is_empty(),
        demo: demo::accounts(&app),
    })
}

pub async fn enter(State(app): State<App>, visit: Visit, form: Fields) -> Result<Response> {
    let code = form.given("code");
    let login = Login { login: form.text("login"), password: form.text("password"), code: code.as_deref() };
    let error = match app.accounts.login_web(login, &visit.who.origin).await {
        Ok(entered) => return began(&app, &entered.opened, own_path(form.text("ke"))),
        Err(error) => error,
    };
    let asks_code = error.slug() == "login-code";
    let is_first_asking = asks_code && code.is_none();
    let mistakes = if is_first_asking {
        Mistakes::one("code", visit.frame.say(error.detail()))
    } else {
        let field = if asks_code { "code" } else { "login" };
        Mistakes::of(error, &visit.frame, &[("login-refused", field), ("login-code", "code")])?
    };
    let page = LoginPage {
        f: visit.frame,
        mistakes,
        to: own_path(form.text("ke")).to_owned(),
        login: form.text("login").to_owned(),
        asks_code,
        activated: false,
        demo: demo::accounts(&app),
    };
    show_as(StatusCode::UNAUTHORIZED, &page)
}

/// The cookie names the session; it ends with it. Nothing that runs in a page can read it.
fn began(app: &App, opened: &Opened, to: &str) -> Result<Response> {
    let Opened::Web { cookie, lives, .. } = opened else { return Err(Error::internal("a page needs a web session")) };
    let secure = if app.cookies_are_secure() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", lives.as_secs());
    let mut response = go(to);
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Error::internal)?);
    Ok(response)
}

pub async fn leave(State(app): State<App>, signed: Signed) -> Result<Response> {
    app.accounts.end_current(&signed.caller.actor, &signed.caller.origin).await?;
    let mut response = go("/masuk");
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&gone).map_err(Error::internal)?);
    // What the upload page remembers of unfinished files is nothing for the next person at this machine.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"storage\""));
    Ok(response)
}

/// For people with posts in several offices.
pub async fn act_for(State(app): State<App>, signed: Signed, form: Fields) -> Result<Response> {
    let office: OfficeId = form.text("kantor").parse().map_err(|_| Error::not_found())?;
    app.accounts.act_in(&signed.caller.actor, office).await?;
    Ok(go("/"))
}

/// The language switch at the foot of every page.
pub async fn speak(form: Fields) -> Result<Response> {
    let lang = if form.text("lang") == "en" { "en" } else { "id" };
    let mut response = go(own_path(form.text("kembali")));
    let cookie = format!("lang={lang}; Path=/; SameSite=Lax; Max-Age=31536000");
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Error::internal)?);
    Ok(response)
}
