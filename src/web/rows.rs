//! Documents as rows of a list, each with how far it has come.

use crate::{
    access::Actor,
    app::App,
    document::{self, Document, Filter, State},
    error::Result,
    id::DocumentId,
    ingest,
    read::Reason,
};

use super::frame::Frame;

#[derive(Clone, Debug)]
pub struct Row {
    pub id: DocumentId,
    pub title: String,
    pub office: String,
    pub is_ours: bool,
    pub about: String,
    pub state: State,
    pub reason: String,
    pub pages: i64,
    pub pages_read: i64,
    pub may_retry: bool,
    /// Came from outside, and nobody of the office has looked at it yet.
    pub is_unchecked: bool,
    pub sender: String,
    /// An earlier document of the office with the same bytes.
    pub twin: Option<(DocumentId, String)>,
}

impl Row {
    pub fn of(frame: &Frame, document: &Document) -> Row {
        let details = &document.details;
        let day = match &details.date {
            Some(day) => frame.written(day),
            None => format!("{} {}", frame.t("diterima", "received"), frame.day(&document.received_at)),
        };
        let mut about = vec![day];
        about.extend(details.number.clone());
        if details.security_class != document::SecurityClass::Biasa {
            about.push(super::sentences::class(frame, details.security_class).to_owned());
        }
        let card = frame.card.as_ref();
        Row {
            id: document.id,
            title: title(frame, document),
            office: document.owner.name.clone(),
            is_ours: card.is_some_and(|card| card.office.id == document.office),
            about: about.join(" · "),
            state: document.state,
            reason: reason(frame, document.reason.as_deref()),
            pages: document.version.pages.unwrap_or(0),
            pages_read: document.version.pages_read,
            may_retry: card.is_some_and(|card| card.may_edit && card.office.id == document.office),
            is_unchecked: document.is_unchecked() && card.is_some_and(|card| card.office.id == document.office),
            sender: details.sender.clone().unwrap_or_default(),
            twin: None,
        }
    }

    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Received | State::Reading)
    }

    pub fn is_reading(&self) -> bool {
        self.state == State::Reading
    }

    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    pub fn is_unreadable(&self) -> bool {
        self.state == State::Unreadable
    }

    pub fn is_stored(&self) -> bool {
        self.state == State::Stored
    }
}

/// What a document is called on a page, also where its details do not open.
pub fn title(frame: &Frame, document: &Document) -> String {
    document.placeholder().map_or_else(|| document.details.title.clone(), |said| frame.say(&said))
}

/// Why a document could not be read, in plain words.
pub fn reason(frame: &Frame, slug: Option<&str>) -> String {
    let Some(slug) = slug else { return String::new() };
    Reason::from_slug(slug).map_or_else(|| slug.to_owned(), |reason| frame.say(&reason.say()))
}

/// The first rows of a list.
pub async fn list(app: &App, actor: &Actor, frame: &Frame, filter: &Filter, limit: i64) -> Result<Vec<Row>> {
    let Some(sight) = actor.sight() else { return Ok(Vec::new()) };
    let found = document::list(&app.db, &app.keys, sight, filter, None, limit, app.clock.now()).await?;
    Ok(found.iter().map(|document| Row::of(frame, document)).collect())
}

/// The rows of documents that were just brought in, with their twins. What may not be seen is passed over.
pub async fn of_ids(app: &App, actor: &Actor, frame: &Frame, ids: &[DocumentId]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut tx = app.db.read().await?;
    for id in ids {
        let Ok(document) = document::load_among(&mut tx, &app.keys, actor.sight(), *id, app.clock.now()).await else {
            continue;
        };
        let mut row = Row::of(frame, &document);
        if row.is_ours {
            let recorded = document::Recorded { document: *id, version: document.version.id };
            if let Some(twin) = ingest::duplicate_of(&mut tx, recorded, actor.is_head()).await? {
                let twin = document::load_among(&mut tx, &app.keys, actor.sight(), twin, app.clock.now()).await;
                row.twin = twin.ok().map(|twin| (twin.id, title(frame, &twin)));
            }
        }
        rows.push(row);
    }
    Ok(rows)
}
