//! What somebody reads who opened a link: the pinned version, its pages, its bytes.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Act, Actor},
    app::App,
    audit::Origin,
    document::{self, Document, State as Stage, fingerprint},
    download::Grant,
    error::{Error, Result},
    http::Who,
    id::{DocumentId, VersionId},
    share::{Granted, Reading, Subject, Visitor},
};

/// A page of 210 mm at 150 dpi: enough to read, too little to print as an original.
const VIEW_WIDTH: u32 = 1200;

/// What was shared: the version that the link pins.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedDocument {
    pub title: String,
    pub media_type: String,
    pub size: i64,
    pub pages: Option<i64>,
    pub version: VersionId,
    /// 1 for the first.
    pub version_number: i64,
    pub fingerprint: String,
}

/// What the opening shows, without bytes.
pub async fn shared(app: &App, document: DocumentId, version: VersionId) -> Result<SharedDocument> {
    let document = document::load_for_work(&app.db, &app.keys, document).await?.ok_or_else(Error::not_found)?;
    let (_, _, version) = document::version_for_work(&app.db, version).await?.ok_or_else(Error::not_found)?;
    Ok(SharedDocument {
        title: document.details.title,
        media_type: version.media_type,
        size: version.size,
        pages: version.pages,
        version: version.id,
        version_number: version.number,
        fingerprint: fingerprint(&version.fingerprint),
    })
}

/// One page, drawn for this opening.
pub async fn picture(app: &App, granted: &Granted, page: u32, width: u32, origin: &Origin) -> Result<Response> {
    app.sharing.keep_pace(granted)?;
    let grant = grant(app, granted).await?;
    let width = if granted.may_download() { width } else { width.min(VIEW_WIDTH) };
    app.sharing.note_reading(granted, Reading::Pages, origin).await?;
    let picture = app.shelf.picture(&grant, page, width).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(picture.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, picture.bytes).into_response())
}

pub async fn grant(app: &App, granted: &Granted) -> Result<Grant> {
    let (_, _, version) = document::version_for_work(&app.db, granted.version()).await?.ok_or_else(Error::not_found)?;
    Grant::of_link(granted, version)
}

pub fn visitor(who: &Who) -> Visitor<'_> {
    Visitor { actor: who.actor.as_ref(), origin: &who.origin }
}

/// What sharing must know of a document that was loaded for the caller.
pub fn subject(document: &Document) -> Subject {
    let version = &document.version;
    // Pages that are not read yet will have pictures when their type has any.
    let is_waiting = matches!(version.state, Stage::Received | Stage::Reading);
    Subject {
        document: document.id,
        version: version.id,
        office: document.office,
        class: document.class(),
        trashed: document.trashed_at.is_some(),
        has_pictures: version.pictures || is_waiting,
    }
}

/// Everybody who works in the office's archive sees its links, of both directions; a token that may share sees them too.
pub fn may_look(actor: &Actor) -> Result<()> {
    if actor.may(Act::Read) { Ok(()) } else { actor.must(Act::Share) }
}

/// The same for one link: to whoever may not look at any, each is as if it did not exist.
pub fn may_see(actor: &Actor) -> Result<()> {
    may_look(actor).map_err(|_| Error::not_found())
}
