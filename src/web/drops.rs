//! The page of an upload-only link: a stranger brings files and is told nothing of what the office has.

use askama::Template;
use axum::{
    extract::{FromRequest, Multipart, Request, State},
    http::StatusCode,
    response::Response,
};

use super::{
    form::{Fields, Mistakes},
    frame::{Frame, Visit},
    page::{show, show_as},
    sentences,
    stranger::{LandingPage, secret},
};
use crate::{
    app::App,
    desk::{receiving, shared::visitor},
    document::{Changes, Limits, clean_file_name, fingerprint},
    error::{Error, Result, say},
    http::{Path, broken_off},
    ingest::{self, Accepted, Source},
    office,
    share::{Need, drops::DropBox},
};

#[derive(Template)]
#[template(path = "drop.html")]
struct DropPage {
    f: Frame,
    mistakes: Mistakes,
    path: String,
    secret: String,
    office: String,
    /// What the office asks for, and within which bounds.
    label: String,
    facts: Vec<(&'static str, String)>,
    asks_password: bool,
    limits: Limits,
    /// Name and fingerprint of what was received a moment ago.
    received: Vec<(String, String)>,
}

pub async fn land(visit: Visit, Path(public): Path<String>) -> Result<Response> {
    // Public ids are short and plain; anything else names no link.
    let is_plain = public.len() <= 64 && public.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_plain {
        return Err(Error::not_found());
    }
    show(&LandingPage { f: visit.frame, action: format!("/d/{public}"), is_drop: true })
}

pub async fn go_on(
    State(app): State<App>,
    visit: Visit,
    Path(public): Path<String>,
    fields: Fields,
) -> Result<Response> {
    ask(&app, visit, &public, &fields, Mistakes::default(), Vec::new()).await
}

async fn ask(
    app: &App,
    visit: Visit,
    public: &str,
    fields: &Fields,
    mistakes: Mistakes,
    received: Vec<(String, String)>,
) -> Result<Response> {
    let secret = secret(fields);
    let sender = visitor(&visit.who);
    // Who brought the last file sees its receipt, although the link takes no more.
    let (asked, needs) = if received.is_empty() {
        app.sharing.peek_drop(public, secret.as_deref(), sender).await?
    } else {
        app.sharing.peek_drop_again(public, secret.as_deref(), sender).await?
    };
    let mut tx = app.db.read().await?;
    let office = office::find(&mut tx, asked.office).await?.ok_or_else(Error::not_found)?;
    let status = if mistakes.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let path = format!("/d/{public}");
    let mut frame = visit.frame;
    frame.here.clone_from(&path);
    let page = DropPage {
        facts: facts(&frame, &asked),
        label: asked.label,
        f: frame,
        mistakes,
        path,
        secret: secret.unwrap_or_default(),
        office: office.name,
        asks_password: needs.contains(&Need::Password),
        limits: Limits::from(&app.config),
        received,
    };
    show_as(status, &page)
}

fn facts(f: &Frame, asked: &DropBox) -> Vec<(&'static str, String)> {
    let room = format!(
        "{} {}, {}",
        asked.max_files - asked.files,
        f.t("berkas lagi, bersama-sama", "more files, together"),
        f.size(&(asked.max_bytes - asked.bytes))
    );
    let mut facts =
        vec![(f.t("Sampai", "Until"), f.moment(&asked.expires_at)), (f.t("Paling banyak", "At most"), room)];
    if !asked.types.is_empty() {
        let mut types: Vec<&str> = asked.types.iter().map(|kind| sentences::media_type(f, kind)).collect();
        types.dedup();
        facts.push((f.t("Jenis", "Kinds"), types.join(", ")));
    }
    facts
}

/// Fields first, then files; each file takes its place when it is whole.
pub async fn receive(
    State(app): State<App>,
    visit: Visit,
    Path(public): Path<String>,
    request: Request,
) -> Result<Response> {
    let mut fields = Fields::default();
    let mut received = Vec::new();
    let mistakes = match take(&app, &visit, &public, request, &mut fields, &mut received).await {
        Ok(()) => Mistakes::default(),
        Err(error) => {
            let names = [
                ("link-password", "password"),
                ("too-large", "file"),
                ("type-not-accepted", "file"),
                ("/file", "file"),
            ];
            Mistakes::of(error, &visit.frame, &names)?
        }
    };
    app.nudge();
    ask(&app, visit, &public, &fields, mistakes, received).await
}

async fn take(
    app: &App,
    visit: &Visit,
    public: &str,
    request: Request,
    fields: &mut Fields,
    received: &mut Vec<(String, String)>,
) -> Result<()> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(broken_off)?;
    let mut texts = receiving::Texts::of(app);
    while let Some(part) = parts.next_field().await.map_err(broken_off)? {
        if part.name() == Some("file") {
            // Browsers send a nameless empty part for a file that was not chosen.
            if part.file_name().is_some_and(|given| !given.is_empty()) {
                received.push(one(app, visit, public, part, fields).await?);
            }
            continue;
        }
        let (name, value) = texts.read(part).await?;
        fields.add(name, value);
    }
    if received.is_empty() {
        return Err(Error::invalid("/file", say("Pilih berkas dahulu.", "Choose a file first.")));
    }
    Ok(())
}

async fn one(
    app: &App,
    visit: &Visit,
    public: &str,
    part: axum::extract::multipart::Field<'_>,
    fields: &Fields,
) -> Result<(String, String)> {
    let (secret, password) = (secret(fields), fields.given("password"));
    let admitted = app.sharing.admit(public, secret.as_deref(), password.as_deref(), visitor(&visit.who)).await?;
    let file_name = clean_file_name(part.file_name().unwrap_or(""), app.config.upload.max_file_name);
    let said =
        Changes { sender: Some(fields.given("sender")), summary: Some(fields.given("note")), ..Changes::default() };
    let details = said.into_details(&file_name, Limits::from(&app.config))?;
    let max_bytes = app.config.upload.max_bytes.min(admitted.room());
    let source = Source::new(admitted.office(), file_name.clone(), max_bytes);
    let received = app.ingest.receive(source, receiving::bytes(part)).await?;
    let receipt = (file_name, fingerprint(received.fingerprint()));
    let accepted = Accepted::through(admitted.id(), &visit.who.origin);
    let mut tx = app.db.write().await?;
    app.sharing.settle(&mut tx, &admitted, received.size(), received.media_type()).await?;
    ingest::record(&mut tx, app.recording(), received, &details, &accepted).await?;
    tx.commit().await?;
    Ok(receipt)
}
