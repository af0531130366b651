//! Unggah: a plain form that needs no script, and the rows that show how each file comes along.

use askama::Template;
use axum::{
    extract::{FromRequest, Multipart, Request, State},
    http::{StatusCode, Uri},
    response::Response,
};

use super::{
    details::{self, DetailsForm},
    form::{Fields, Mistakes},
    frame::{Frame, Signed},
    page::{go, show, show_as},
    rows::{self, Row},
};
use crate::{
    access::Act,
    app::App,
    desk::{
        documents::{keep, source},
        receiving,
    },
    document::{Limits, clean_file_name},
    error::{Error, Result, say},
    http::{Caller, broken_off},
    id::DocumentId,
};

#[derive(Template)]
#[template(path = "upload.html")]
struct UploadPage {
    f: Frame,
    mistakes: Mistakes,
    d: DetailsForm,
    office: String,
    max_bytes: i64,
    used: i64,
    quota: Option<i64>,
    is_nearly_full: bool,
    rows: Vec<Row>,
    is_pending: bool,
}

/// Rows alone, for the script that keeps them fresh.
#[derive(Template)]
#[template(path = "rows.html")]
struct RowsPart {
    f: Frame,
    rows: Vec<Row>,
}

pub async fn show_form(State(app): State<App>, signed: Signed, uri: Uri) -> Result<Response> {
    signed.caller.actor.must(Act::Upload)?;
    let rows = rows::of_ids(&app, &signed.caller.actor, &signed.frame, &asked(&uri)).await?;
    show(&form(&app, signed, rows, &Fields::default(), Mistakes::default()).await?)
}

pub async fn show_rows(State(app): State<App>, signed: Signed, uri: Uri) -> Result<Response> {
    let rows = rows::of_ids(&app, &signed.caller.actor, &signed.frame, &asked(&uri)).await?;
    show(&RowsPart { f: signed.frame, rows })
}

async fn form(app: &App, signed: Signed, rows: Vec<Row>, fields: &Fields, mistakes: Mistakes) -> Result<UploadPage> {
    let room = app.ingest.room(signed.caller.actor.office()).await?;
    Ok(UploadPage {
        used: room.used_bytes as i64,
        quota: room.quota_bytes.map(|quota| quota as i64),
        is_nearly_full: room.is_nearly_full(),
        d: DetailsForm::of(&signed.frame, fields, Limits::from(&app.config), true),
        office: signed.caller.actor.office().to_string(),
        max_bytes: app.config.upload.max_bytes as i64,
        is_pending: rows.iter().any(Row::is_pending),
        f: signed.frame,
        mistakes,
        rows,
    })
}

/// The documents that an address names, at most as many as anybody follows at once.
fn asked(uri: &Uri) -> Vec<DocumentId> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(uri.query().unwrap_or("")).unwrap_or_default();
    let ids = pairs.into_iter().filter(|(name, _)| name == "dok").filter_map(|(_, id)| id.parse().ok());
    ids.take(100).collect()
}

/// The form without a script: fields first, then files one after the other, each recorded when it is whole.
pub async fn receive(State(app): State<App>, signed: Signed, request: Request) -> Result<Response> {
    signed.caller.actor.must(Act::Upload)?;
    let mut fields = Fields::default();
    let mut taken = Vec::new();
    match take(&app, &signed.caller, request, &mut fields, &mut taken).await {
        Ok(()) => {
            app.nudge();
            let rows: Vec<String> = taken.iter().map(|id: &DocumentId| format!("dok={id}")).collect();
            Ok(go(&format!("/unggah?{}", rows.join("&"))))
        }
        Err(error) => {
            let names: Vec<(&str, &str)> = details::NAMES
                .iter()
                .copied()
                .chain([("/file", "file"), ("too-large", "file"), ("office-full", "file")])
                .collect();
            let mistakes = Mistakes::of(error, &signed.frame, &names)?;
            let rows = rows::of_ids(&app, &signed.caller.actor, &signed.frame, &taken).await?;
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &form(&app, signed, rows, &fields, mistakes).await?)
        }
    }
}

async fn take(
    app: &App,
    caller: &Caller,
    request: Request,
    fields: &mut Fields,
    taken: &mut Vec<DocumentId>,
) -> Result<()> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(broken_off)?;
    let mut texts = receiving::Texts::of(app);
    while let Some(part) = parts.next_field().await.map_err(broken_off)? {
        if part.name() == Some("file") {
            let given = part.file_name().unwrap_or("").to_owned();
            // Browsers send a nameless empty part for a file that was not chosen.
            if !given.is_empty() {
                taken.push(one(app, caller, &given, part, fields).await?);
            }
            continue;
        }
        let (name, value) = texts.read(part).await?;
        fields.add(name, value);
    }
    if taken.is_empty() {
        return Err(Error::invalid("/file", say("Pilih berkas dahulu.", "Choose a file first.")));
    }
    Ok(())
}

async fn one(
    app: &App,
    caller: &Caller,
    given: &str,
    part: axum::extract::multipart::Field<'_>,
    fields: &Fields,
) -> Result<DocumentId> {
    let file_name = clean_file_name(given, app.config.upload.max_file_name);
    let details = details::changes(fields).into_details(&file_name, Limits::from(&app.config))?;
    let received = app.ingest.receive(source(app, caller, file_name), receiving::bytes(part)).await?;
    Ok(keep(app, caller, received, &details).await?.id)
}
