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
    http::Caller,
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
    unchecked: Vec<Row>,
    /// Links that wait for this head's release.
    pending: Vec<Shared>,
    ending: Vec<Shared>,
}

#[derive(Debug)]
struct Shared {
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
    let unchecked = rows::list(&app, actor, &f, &Filter { unchecked: true, ..Filter::default() }, 5).await?;
    let (pending, ending) = shared(&app, &f, &caller).await?;
    let office = f.card.as_ref().map(|card| card.office.name.clone()).unwrap_or_default();
    let (may_read, may_upload) = (actor.may(Act::Read), actor.may(Act::Upload));
    show(&HomePage {
        f,
        office,
        may_read,
        may_upload,
        reading,
        unreadable,
        latest,
        with_us,
        unchecked,
        pending,
        ending,
    })
}

/// Links that wait for this person's release, and links that end soon.
async fn shared(app: &App, f: &Frame, caller: &Caller) -> Result<(Vec<Shared>, Vec<Shared>)> {
    let (mut pending, mut ending) = (Vec::new(), Vec::new());
    if !caller.actor.may(Act::Share) {
        return Ok((pending, ending));
    }
    let soon = app.clock.now().plus(SOON);
    let mut tx = app.db.read().await?;
    for link in app.sharing.links(&mut tx, caller.actor.office(), None, None, 200).await? {
        let list = match link.state {
            LinkState::Pending if caller.actor.is_head() => &mut pending,
            LinkState::Open if link.expires_at <= soon => &mut ending,
            _ => continue,
        };
        let (sight, now) = (caller.actor.sight(), app.clock.now());
        let document = document::load_among(&mut tx, &app.keys, sight, link.document, now).await;
        let Ok(document) = document else { continue };
        list.push(Shared { id: link.id, title: rows::title(f, &document), until: f.moment(&link.expires_at) });
    }
    Ok((pending, ending))
}
