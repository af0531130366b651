//! The versions of a document: the list on its page, a new one, and the bytes of an earlier one.

use axum::{
    extract::{FromRequest, Multipart, Request, State},
    http::{HeaderMap, Method},
    response::Response,
};

use super::{
    document::{Place, show},
    form::Mistakes,
    frame::{Frame, Signed},
    page::go,
};
use crate::{
    access::Act,
    app::App,
    audit,
    db::Tx,
    desk::{
        content::{reader, send},
        documents::{accepted, entry, load},
        receiving,
    },
    document::{self, Document, Limits, clean_file_name, fingerprint},
    download::Grant,
    error::{Error, Result, say},
    http::{Caller, Path, broken_off},
    id::DocumentId,
    ingest::{self, Source},
};

/// A version as a line of the list.
#[derive(Clone, Debug)]
pub struct Line {
    pub number: i64,
    pub name: String,
    pub about: String,
    pub note: String,
    pub fingerprint: String,
}

/// None for a document that has only one.
pub async fn lines(tx: &mut Tx, f: &Frame, document: &Document) -> Result<Vec<Line>> {
    if document.versions < 2 {
        return Ok(Vec::new());
    }
    let line = |kept: document::Kept| Line {
        number: kept.version.number,
        about: format!("{} · {}", f.moment(&kept.made_at), f.size(&kept.version.size)),
        fingerprint: fingerprint(&kept.version.fingerprint),
        name: kept.version.file_name,
        note: kept.note,
    };
    Ok(document::versions(tx, document).await?.into_iter().map(line).collect())
}

/// The plain form: a note, then the file.
pub async fn add(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<DocumentId>,
    request: Request,
) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Upload).await?;
    document.must_be_own()?;
    match take(&app, &signed.caller, &document, request).await {
        Ok(()) => Ok(go(&format!("/dokumen/{id}?ubah=1"))),
        // Who may only bring files has no page of the document to show the mistake on.
        Err(error) if !signed.caller.actor.may(Act::Read) => Err(error),
        Err(error) => {
            let names = [("/file", "file"), ("too-large", "file"), ("/note", "note")];
            let mistakes = Mistakes::of(error, &signed.frame, &names)?;
            let fields = super::details::fields(&document.details);
            show(&app, signed, id, &Place::default(), Some((fields, mistakes))).await
        }
    }
}

async fn take(app: &App, caller: &Caller, document: &Document, request: Request) -> Result<()> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(broken_off)?;
    let (mut note, mut texts) = (String::new(), receiving::Texts::of(app));
    while let Some(part) = parts.next_field().await.map_err(broken_off)? {
        if part.name() == Some("note") {
            let (_, text) = texts.read(part).await?;
            note = text.chars().filter(|c| !c.is_control()).collect();
            Limits::from(&app.config).check_note("/note", &note)?;
            continue;
        }
        let given = part.file_name().unwrap_or("").to_owned();
        // Browsers send a nameless empty part for a file that was not chosen.
        if part.name() != Some("file") || given.is_empty() {
            continue;
        }
        let file_name = clean_file_name(&given, app.config.upload.max_file_name);
        let source = Source::new(document.office, file_name, app.config.upload.max_bytes);
        let received = app.ingest.receive(source, receiving::bytes(part)).await?;
        let mut tx = app.db.write().await?;
        ingest::record_version(&mut tx, app.recording(), document, received, note, &accepted(caller)).await?;
        tx.commit().await?;
        app.nudge();
        return Ok(());
    }
    Err(Error::invalid("/file", say("Pilih berkas dahulu.", "Choose a file first.")))
}

/// The original of one version, for the document's own office.
pub async fn download(
    State(app): State<App>,
    signed: Signed,
    Path((id, number)): Path<(DocumentId, i64)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let caller = &signed.caller;
    let document = load(&app, &caller.actor, id, Act::Read).await?;
    document.must_be_own()?;
    let mut tx = app.db.write().await?;
    let document = document.at_version(&mut tx, number).await?;
    let grant = Grant::of_document(&document)?;
    let entry = entry(caller, &document, "document.read");
    audit::read_once(&mut tx, &app.clock, &reader(caller), document.version.id, "content", entry).await?;
    tx.commit().await?;
    send(&app, &grant, &method, &headers).await
}
