//! Berbagi: every link of the office by state, who opened it and when, and the buttons that end it.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    form::Fields,
    frame::{Frame, Signed},
    page::{go, own_path, quoted, show},
    rows, sentences,
};
use crate::{
    access::{Act, Actor},
    app::App,
    db::Tx,
    desk::{
        personal,
        shared::{may_look, may_see},
    },
    document,
    error::{Error, Result},
    http::{Caller, Path},
    id::{DocumentId, LinkId},
    office,
    share::{Audience, Change, Link, LinkState},
};

/// A link as a line of a list.
#[derive(Clone, Debug)]
pub struct Brief {
    pub id: LinkId,
    pub document: DocumentId,
    pub title: String,
    pub label: String,
    pub to: String,
    pub about: String,
    pub state: &'static str,
    pub tone: &'static str,
    pub paused: bool,
    pub is_pending: bool,
    pub is_over: bool,
    /// What the office should look at again.
    pub warning: Option<String>,
}

#[derive(Template)]
#[template(path = "links.html")]
struct LinksPage {
    f: Frame,
    tabs: Vec<(&'static str, String, bool)>,
    links: Vec<Brief>,
    is_filtered: bool,
    may_share: bool,
    is_head: bool,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    f: Frame,
    link: Brief,
    facts: Vec<(&'static str, String)>,
    /// Sentence, moment, and where from.
    seen: Vec<(String, String, String)>,
    may_share: bool,
    is_head: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    keadaan: String,
    lanjut: String,
}

const ON_A_PAGE: usize = 50;
/// So many links are looked through for one page of a state; "older ones" goes on after them.
const LOOKED_THROUGH: usize = 2000;

pub async fn list(State(app): State<App>, signed: Signed, Query(asked): Query<Asked>) -> Result<Response> {
    let Signed { frame: f, caller } = signed;
    may_look(&caller.actor)?;
    let mut tx = app.db.read().await?;
    let (found, next) = of_state(&app, &mut tx, &caller.actor, &asked).await?;
    let mut links = Vec::with_capacity(found.len());
    for link in &found {
        links.push(brief(&app, &mut tx, &f, &caller, link).await?);
    }
    let tab = |label: &'static str, state: &str| {
        let href = if state.is_empty() { "/tautan".to_owned() } else { format!("/tautan?keadaan={state}") };
        (label, href, asked.keadaan == state)
    };
    let tabs = vec![
        tab(f.t("Semua", "All"), ""),
        tab(f.t("Aktif", "Active"), "aktif"),
        tab(f.t("Menunggu pimpinan", "Waits for the head"), "menunggu"),
        tab(f.t("Terjadwal", "Scheduled"), "terjadwal"),
        tab(f.t("Dijeda", "Paused"), "dijeda"),
        tab(f.t("Habis", "Used up"), "habis"),
        tab(f.t("Dicabut", "Revoked"), "dicabut"),
    ];
    let is_filtered = !asked.keadaan.is_empty();
    let next = next.map(|last| format!("/tautan?keadaan={}&lanjut={last}", quoted(&asked.keadaan)));
    let (may_share, is_head) = (caller.actor.may(Act::Share), caller.actor.is_head());
    show(&LinksPage { tabs, links, is_filtered, may_share, is_head, next, f })
}

/// A page of the links in a state, and the last one that was looked at when there are more.
async fn of_state(app: &App, tx: &mut Tx, actor: &Actor, asked: &Asked) -> Result<(Vec<Link>, Option<LinkId>)> {
    let mut before: Option<LinkId> = asked.lanjut.parse().ok();
    let mut found = Vec::new();
    for _ in 0..LOOKED_THROUGH / ON_A_PAGE {
        let some = app.sharing.links(tx, actor.office(), None, before, ON_A_PAGE as i64).await?;
        let is_last = some.len() < ON_A_PAGE;
        before = some.last().map(|link| link.id);
        found.extend(some.into_iter().filter(|link| asked.keadaan.is_empty() || group(link.state) == asked.keadaan));
        if found.len() > ON_A_PAGE {
            found.truncate(ON_A_PAGE);
            let last = found.last().map(|link| link.id);
            return Ok((found, last));
        }
        if is_last {
            return Ok((found, None));
        }
    }
    Ok((found, before))
}

fn group(state: LinkState) -> &'static str {
    match state {
        LinkState::Open => "aktif",
        LinkState::Pending => "menunggu",
        LinkState::NotYetOpen => "terjadwal",
        LinkState::Paused => "dijeda",
        LinkState::Expired | LinkState::Exhausted => "habis",
        LinkState::Revoked | LinkState::ClassRaised | LinkState::Trashed | LinkState::Damaged => "dicabut",
    }
}

/// The links of one document, newest first.
pub async fn of_document(
    app: &App,
    tx: &mut Tx,
    f: &Frame,
    caller: &Caller,
    document: DocumentId,
) -> Result<Vec<Brief>> {
    let mut links = Vec::new();
    for link in app.sharing.links(tx, caller.actor.office(), Some(document), None, 20).await? {
        links.push(brief(app, tx, f, caller, &link).await?);
    }
    Ok(links)
}

async fn brief(app: &App, tx: &mut Tx, f: &Frame, caller: &Caller, link: &Link) -> Result<Brief> {
    let document = document::load_among(tx, &app.keys, caller.actor.sight(), link.document, app.clock.now()).await;
    // A link on what lies in the trash, or on what only the head may see, is still the office's link.
    let title = document.map_or_else(
        |_| f.t("(dokumen tidak terbuka bagi Anda)", "(a document that is not open to you)").to_owned(),
        |document| rows::title(f, &document),
    );
    let names = match &link.audience {
        Audience::Offices { offices } => {
            office::briefs(tx, offices).await?.into_iter().map(|office| office.name).collect()
        }
        _ => Vec::new(),
    };
    let opens = match link.max_opens {
        Some(most) => format!("{} {} {}", link.opens, f.t("dari", "of"), times(f, most)),
        None => times(f, link.opens),
    };
    let (state, tone) = sentences::link_state(f, link.state);
    let about =
        format!("{} {} · {} {opens}", f.t("sampai", "until"), f.moment(&link.expires_at), f.t("dibuka", "opened"),);
    Ok(Brief {
        id: link.id,
        document: link.document,
        title,
        label: link.label.clone(),
        to: sentences::audience(f, link, &names),
        about,
        state,
        tone,
        paused: link.paused,
        is_pending: link.state == LinkState::Pending,
        is_over: link.ended_at.is_some() || link.state == LinkState::ClassRaised,
        warning: personal::of_link(link).map(|said| f.say(&said)),
    })
}

fn times(f: &Frame, count: i64) -> String {
    format!("{count} {}", f.t("kali", if count == 1 { "time" } else { "times" }))
}

pub async fn one(State(app): State<App>, signed: Signed, Path(id): Path<LinkId>) -> Result<Response> {
    let Signed { frame: f, caller } = signed;
    may_see(&caller.actor)?;
    let mut tx = app.db.read().await?;
    let link = app.sharing.link(&mut tx, caller.actor.office(), id).await?;
    let seen = app.sharing.opens(&mut tx, id, None, 100).await?;
    let seen = seen.iter().map(|line| {
        let place = format!("{} {}", line.network, line.agent);
        (f.say(&line.sentence()), f.moment(&line.at), place)
    });
    let seen = seen.collect();
    let shown = brief(&app, &mut tx, &f, &caller, &link).await?;
    let (may_share, is_head) = (caller.actor.may(Act::Share), caller.actor.is_head());
    show(&LinkPage { facts: facts(&f, &link), link: shown, seen, may_share, is_head, f })
}

fn facts(f: &Frame, link: &Link) -> Vec<(&'static str, String)> {
    let yes_no = |is: bool| if is { f.t("Ya", "Yes") } else { f.t("Tidak", "No") }.to_owned();
    let mut facts = vec![(f.t("Boleh", "May"), sentences::rights(f, link.rights).to_owned())];
    facts.extend(link.opens_from.map(|from| (f.t("Mulai", "From"), f.moment(&from))));
    facts.push((f.t("Sampai", "Until"), f.moment(&link.expires_at)));
    facts.push((f.t("Dibuka", "Opened"), times(f, link.opens)));
    facts.extend(link.max_opens.map(|most| (f.t("Paling banyak", "At most"), times(f, most))));
    facts.push((f.t("Berkata sandi", "Has a password"), yes_no(link.has_password)));
    facts.push((f.t("Kabari lewat surel", "Told by mail"), yes_no(link.notify)));
    facts.push((f.t("Dibuat", "Made"), f.moment(&link.created_at)));
    facts
}

/// Pause, go on, release, revoke: one tap each.
pub async fn act(State(app): State<App>, signed: Signed, Path(id): Path<LinkId>, fields: Fields) -> Result<Response> {
    let Caller { actor, origin } = &signed.caller;
    may_see(actor)?;
    let mut tx = app.db.write().await?;
    let link = app.sharing.link(&mut tx, actor.office(), id).await?;
    let paused = |paused| Change { paused: Some(paused), ..Change::default() };
    match fields.text("aksi") {
        "jeda" => drop(app.sharing.change(&mut tx, actor, origin, &link, paused(true)).await?),
        "lanjut" => drop(app.sharing.change(&mut tx, actor, origin, &link, paused(false)).await?),
        "lepas" => drop(app.sharing.release(&mut tx, actor, origin, &link).await?),
        "cabut" => app.sharing.revoke(&mut tx, actor, origin, &link).await?,
        _ => return Err(Error::not_found()),
    }
    tx.commit().await?;
    app.nudge();
    let back = own_path(fields.text("kembali"));
    Ok(go(if back == "/" { format!("/tautan/{id}") } else { back.to_owned() }.as_str()))
}
