//! The page of somebody who was sent a link. The landing page is the same for every id and consumes nothing; one button
//! opens; what was opened is shown below the link's own path, where its cookie is valid and nowhere else.

use std::time::Duration;

use askama::Template;
use axum::{
    Extension,
    extract::{FromRequestParts, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use serde::Deserialize;

use super::{
    form::{Fields, Mistakes},
    frame::{Frame, Visit},
    page::{go, show, show_as},
    sentences,
};
use crate::{
    app::App,
    audit::Origin,
    desk::{
        content::send,
        shared::{grant, picture, shared, visitor},
    },
    error::{Error, Result},
    http::{self, Path},
    office,
    share::{Need, Peeked, Reading, Shown},
};

#[derive(Template)]
#[template(path = "landing.html")]
pub struct LandingPage {
    pub f: Frame,
    pub action: String,
    /// Whether it is for bringing files rather than for opening one.
    pub is_drop: bool,
}

#[derive(Template)]
#[template(path = "peeked.html")]
struct PeekedPage {
    f: Frame,
    mistakes: Mistakes,
    path: String,
    secret: String,
    email: String,
    office: String,
    rights: &'static str,
    until: String,
    asks_login: bool,
    asks_code: bool,
    asks_password: bool,
    is_sent: bool,
}

#[derive(Template)]
#[template(path = "shared.html")]
struct SharedPage {
    f: Frame,
    base: String,
    title: String,
    office: String,
    version: i64,
    size: i64,
    pages: i64,
    number: i64,
    may_download: bool,
    fingerprint: String,
}

const COOKIE: &str = "lumbung_buka";

/// The ticket of an opening, from its cookie; empty when there is none.
pub struct Ticket(String);

impl FromRequestParts<App> for Ticket {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Ticket> {
        Ok(Ticket(http::cookie(parts, COOKIE).unwrap_or_default()))
    }
}

/// Valid below the link's own path only; no script can read it, no other site can send it.
pub fn cookie(app: &App, public: &str, ticket: &str, lives: Duration) -> String {
    let secure = if app.cookies_are_secure() { "; Secure" } else { "" };
    format!("{COOKIE}={ticket}; Path=/s/{public}; HttpOnly; SameSite=Strict; Max-Age={}{secure}", lives.as_secs())
}

pub async fn land(visit: Visit, Path(public): Path<String>) -> Result<Response> {
    show(&LandingPage { f: visit.frame, action: format!("/s/{}", plain(&public)?), is_drop: false })
}

/// Public ids are short and plain; anything else names no link.
fn plain(public: &str) -> Result<&str> {
    let is_plain = public.len() <= 64 && public.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_plain { Ok(public) } else { Err(Error::not_found()) }
}

/// The secret alone looks; the button Buka opens.
pub async fn go_on(
    State(app): State<App>,
    visit: Visit,
    Path(public): Path<String>,
    fields: Fields,
) -> Result<Response> {
    let public = plain(&public)?.to_owned();
    let secret = secret(&fields);
    match fields.text("langkah") {
        "buka" => open(&app, visit, &public, secret, &fields).await,
        "kode" => {
            let email = fields.text("surel");
            app.sharing.ask_code(&public, secret.as_deref(), email, visitor(&visit.who)).await?;
            app.nudge();
            ask(&app, visit, &public, &fields, Mistakes::default(), true).await
        }
        _ => ask(&app, visit, &public, &fields, Mistakes::default(), false).await,
    }
}

/// People paste the whole link as readily as its last part.
pub fn secret(fields: &Fields) -> Option<String> {
    fields.given("secret").map(|text| text.rsplit('#').next().unwrap_or_default().to_owned())
}

async fn ask(
    app: &App,
    visit: Visit,
    public: &str,
    fields: &Fields,
    mistakes: Mistakes,
    is_sent: bool,
) -> Result<Response> {
    let secret = secret(fields);
    let peeked = app.sharing.peek(public, secret.as_deref(), visitor(&visit.who)).await?;
    let Peeked { office, rights, expires_at, needs } = peeked;
    let mut tx = app.db.read().await?;
    let office = office::find(&mut tx, office).await?.ok_or_else(Error::not_found)?;
    let f = visit.frame;
    let status = if mistakes.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = PeekedPage {
        path: format!("/s/{public}"),
        secret: secret.unwrap_or_default(),
        email: fields.text("surel").to_owned(),
        office: office.name,
        rights: sentences::rights(&f, rights),
        until: f.moment(&expires_at),
        asks_login: needs.contains(&Need::Login),
        asks_code: needs.contains(&Need::Code),
        asks_password: needs.contains(&Need::Password),
        is_sent,
        mistakes,
        f,
    };
    show_as(status, &page)
}

async fn open(app: &App, visit: Visit, public: &str, secret: Option<String>, fields: &Fields) -> Result<Response> {
    let (password, code) = (fields.given("password"), fields.given("code"));
    let shown = Shown { secret: secret.as_deref(), password: password.as_deref(), code: code.as_deref() };
    match app.sharing.open(public, shown, visitor(&visit.who)).await {
        Ok(opened) => {
            app.nudge();
            with_cookie(go(&format!("/s/{public}/lihat")), &cookie(app, public, &opened.ticket, opened.lives))
        }
        Err(error) => {
            let mistakes = Mistakes::of(error, &visit.frame, &[("link-password", "password"), ("link-code", "code")])?;
            ask(app, visit, public, fields, mistakes, false).await
        }
    }
}

fn with_cookie(mut response: Response, cookie: &str) -> Result<Response> {
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(cookie).map_err(Error::internal)?);
    Ok(response)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    hal: String,
}

/// Half an hour before an opening ends, looking at a page goes on with it.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 60);

pub async fn look(
    State(app): State<App>,
    visit: Visit,
    Path(public): Path<String>,
    Query(place): Query<Place>,
    Ticket(ticket): Ticket,
) -> Result<Response> {
    let public = plain(&public)?;
    let granted = app.sharing.use_ticket(public, &ticket).await?;
    let document = shared(&app, granted.document(), granted.version()).await?;
    let mut tx = app.db.read().await?;
    let office = office::find(&mut tx, granted.office()).await?.ok_or_else(Error::not_found)?;
    drop(tx);
    let grant = grant(&app, &granted).await?;
    let pages = if grant.version().pictures { document.pages.unwrap_or(0) } else { 0 };
    let page = SharedPage {
        base: format!("/s/{public}"),
        title: document.title,
        office: office.name,
        version: document.version_number,
        size: document.size,
        pages,
        number: place.hal.parse().unwrap_or(1).clamp(1, pages.max(1)),
        may_download: granted.may_download(),
        fingerprint: document.fingerprint,
        f: visit.frame,
    };
    let response = show(&page)?;
    if granted.ends_at().since(app.clock.now()) > RENEWED_BEFORE {
        return Ok(response);
    }
    match app.sharing.renew(&granted).await {
        Ok((ticket, lives)) => with_cookie(response, &cookie(&app, public, &ticket, lives)),
        Err(_) => Ok(response),
    }
}

pub async fn page_picture(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Path((public, number)): Path<(String, u32)>,
    Ticket(ticket): Ticket,
) -> Result<Response> {
    let granted = app.sharing.use_ticket(plain(&public)?, &ticket).await?;
    picture(&app, &granted, number, app.config.reading.picture_width, &origin).await
}

pub async fn download(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Path(public): Path<String>,
    Ticket(ticket): Ticket,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let granted = app.sharing.use_ticket(plain(&public)?, &ticket).await?;
    let grant = grant(&app, &granted).await?;
    if granted.may_download() && method != Method::HEAD {
        app.sharing.note_reading(&granted, Reading::Original, &origin).await?;
    }
    let mut response = send(&app, &grant, &method, &headers).await?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
