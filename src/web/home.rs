//! Beranda: what waits for me.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    frame::{Frame, Signed},
    page::show,
    rows::{self, Row},
};
use crate::{
    access::Act,
    app::App,
    document::{self, Filter},
    error::Result,
    id::LinkId,
    share::LinkState,
};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    f: Frame,
    office: String,
    may_read: bool,
    may_upload: bool,
    reading: Vec<Row>,
    unreadable: Vec<Row>,
    latest: Vec<Row>,
    with_us: Vec<Row>,
    ending: Vec<Ending>,
}

#[derive(Debug)]
struct Ending {
    id: LinkId,
    title: String,
    until: String,
}

const SOON: Duration = Duration::from_secs(3 * 24 * 3600);

pub async fn page(State(app): State<App>, signed: Signed) -> Result<Response> {
    let Signed { frame: f, caller } = signed;
    let actor = &caller.actor;
    let state = |name: &str| Filter { state: Some(name.to_owned()), ..Filter::default() };
    let mut reading = rows::list(&app, actor, &f, &state("reading"), 20).await?;
    reading.extend(rows::list(&app, actor, &f, &state("received"), 20).await?);
    let unreadable = rows::list(&app, actor, &f, &state("unreadable"), 5).await?;
    let latest = rows::list(&app, actor, &f, &Filter::default(), 8).await?;
    let with_us = rows::list(&app, actor, &f, &Filter { with_us: true, ..Filter::default() }, 5).await?;
    let ending = ending(&app, &f, &caller).await?;
    let office = f.card.as_ref().map(|card| card.office.name.clone()).unwrap_or_default();
    let (may_read, may_upload) = (actor.may(Act::Read), actor.may(Act::Upload));
    show(&HomePage { f, office, may_read, may_upload, reading, unreadable, latest, with_us, ending })
}

async fn ending(app: &App, f: &Frame, caller: &crate::http::Caller) -> Result<Vec<Ending>> {
    if !caller.actor.may(Act::Share) {
        return Ok(Vec::new());
    }
    let limit = app.clock.now().plus(SOON);
    let mut tx = app.db.read().await?;
    let mut ending = Vec::new();
    for link in app.sharing.links(&mut tx, caller.actor.office(), None, None, 200).await? {
        if link.state != LinkState::Open || link.expires_at > limit {
            continue;
        }
        let document = document::load(&mut tx, &app.keys, caller.actor.sight(), link.document, app.clock.now()).await;
        let Ok(document) = document else { continue };
        ending.push(Ending { id: link.id, title: document.details.title, until: f.moment(&link.expires_at) });
    }
    Ok(ending)
}
