//! A document that a link shares with this office and that nobody here has opened yet: what it is, and the button.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    form::{Fields, Mistakes},
    frame::{Frame, Signed},
    page::{go, show_as},
    stranger,
};
use crate::{
    access::Act,
    app::App,
    desk::documents::load,
    document::Document,
    error::{Error, Result},
    http::Path,
    id::DocumentId,
    share::{self, Need, Rights, Shown, Visitor},
};

#[derive(Template)]
#[template(path = "listed.html")]
struct ListedPage {
    f: Frame,
    mistakes: Mistakes,
    id: DocumentId,
    title: String,
    office: String,
    asks_password: bool,
}

pub async fn show(app: &App, signed: Signed, document: Document, mistakes: Mistakes) -> Result<Response> {
    let office = signed.caller.actor.office();
    let way = share::way_in(&mut app.db.read().await?, document.id, office, app.clock.now())
        .await?
        .ok_or_else(Error::not_found)?;
    let status = if mistakes.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = ListedPage {
        f: signed.frame,
        mistakes,
        id: document.id,
        title: document.details.title,
        office: document.owner.name,
        asks_password: way.needs.iter().any(|need| need == Need::Password.as_str()),
    };
    show_as(status, &page)
}

/// Opens the link as a member of a named office, who needs no secret.
pub async fn open(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<DocumentId>,
    fields: Fields,
) -> Result<Response> {
    let actor = &signed.caller.actor;
    let document = load(&app, actor, id, Act::Read).await?;
    if !document.is_listed_only() {
        return Ok(go(&format!("/dokumen/{id}")));
    }
    let way = share::way_in(&mut app.db.read().await?, id, actor.office(), app.clock.now())
        .await?
        .ok_or_else(Error::not_found)?;
    let password = fields.given("password");
    let shown = Shown { secret: None, password: password.as_deref(), code: None };
    let visitor = Visitor { actor: Some(actor), origin: &signed.caller.origin };
    let opened = match app.sharing.open(&way.public, shown, visitor).await {
        Ok(opened) => opened,
        Err(error) => {
            let mistakes = Mistakes::of(error, &signed.frame, &[("link-password", "password")])?;
            return show(&app, signed, document, mistakes).await;
        }
    };
    app.nudge();
    // What may be downloaded is from now on an ordinary document of ours, as long as the opening lasts; what may only be
    // looked at is shown by the link's own page, with its watermark.
    let to = match opened.rights {
        Rights::Download => format!("/dokumen/{id}"),
        Rights::View => format!("/s/{}/lihat", way.public),
    };
    let mut response = go(&to);
    let cookie = stranger::cookie(&app, &way.public, &opened.ticket, opened.lives);
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Error::internal)?);
    Ok(response)
}
