//! What a document's page changes: details, versions, the trash, another reading.

use axum::{
    extract::{FromRequest, Multipart, Request, State, multipart::MultipartError},
    response::Response,
};

use super::{
    details,
    document::{Place, show},
    form::{Fields, Mistakes},
    frame::Signed,
    page::go,
};
use crate::{
    access::Act,
    app::App,
    desk::{
        changes,
        documents::{accepted, load},
        receiving,
    },
    document::{self, Limits, clean_file_name},
    error::{Error, Kind, Result, say},
    http::Path,
    id::DocumentId,
    ingest::{self, Source},
};

pub async fn save(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<DocumentId>,
    fields: Fields,
) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    let done = if fields.text("revision").parse() == Ok(document.revision) {
        match details::changes(&fields).apply(document.details.clone(), Limits::from(&app.config)) {
            Ok(details) => changes::edit(&app, &signed.caller, &document, &details).await.map(drop),
            Err(error) => Err(error),
        }
    } else {
        Err(stale())
    };
    match done {
        Ok(()) => Ok(go(&format!("/dokumen/{id}?ubah=1"))),
        Err(error) => {
            let mistakes = Mistakes::of(error, &signed.frame, details::NAMES)?;
            show(&app, signed, id, &Place::default(), Some((fields, mistakes))).await
        }
    }
}

fn stale() -> Error {
    Error::new(
        Kind::PreconditionFailed,
        "stale",
        say(
            "Sudah diubah orang lain sejak halaman ini dibuka. Periksa isian di bawah, lalu simpan lagi.",
            "Somebody else changed it since this page was opened. Check the fields below and save again.",
        ),
    )
}

/// The plain form: a note, then the file.
pub async fn add_version(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<DocumentId>,
    request: Request,
) -> Result<Response> {
    let caller = &signed.caller;
    let document = load(&app, &caller.actor, id, Act::Upload).await?;
    document.must_be_own()?;
    let broken = |cause: MultipartError| receiving::cut_off().because(cause);
    let mut parts = Multipart::from_request(request, &()).await.map_err(|cause| receiving::cut_off().because(cause))?;
    let mut note = String::new();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        if part.name() == Some("note") {
            note = part.text().await.map_err(broken)?.chars().filter(|c| !c.is_control()).take(500).collect();
            continue;
        }
        let file_name = clean_file_name(part.file_name().unwrap_or(""), app.config.upload.max_file_name);
        let source = Source { office: document.office, file_name, max_bytes: app.config.upload.max_bytes };
        let received = app.ingest.receive(source, receiving::bytes(part)).await?;
        let mut tx = app.db.write().await?;
        ingest::record_version(&mut tx, app.recording(), &document, received, note, &accepted(caller)).await?;
        tx.commit().await?;
        app.nudge();
        return Ok(go(&format!("/dokumen/{id}?ubah=1")));
    }
    Err(Error::invalid("/file", say("Pilih berkas dahulu.", "Choose a file first.")))
}

pub async fn trash(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    changes::trash(&app, &signed.caller, &document).await?;
    Ok(go("/dokumen?keadaan=trashed"))
}

pub async fn restore(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let actor = &signed.caller.actor;
    let sight = actor.sight().or_else(|| actor.sight_for(Act::Edit));
    let mut tx = app.db.read().await?;
    let document = document::load_trashed(&mut tx, &app.keys, sight, id).await?;
    drop(tx);
    actor.must(Act::Edit)?;
    changes::restore(&app, &signed.caller, &document).await?;
    Ok(go(&format!("/dokumen/{id}")))
}

pub async fn read_again(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    changes::read_again(&app, &signed.caller, &document).await?;
    Ok(go(&format!("/dokumen/{id}")))
}
