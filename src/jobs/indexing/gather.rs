//! What the index has to hold of documents: their details from the database, their text from the store.

use futures_util::{StreamExt, stream};

use crate::{
    app::App,
    blob, db,
    document::{self, Document, Reach, State, Told},
    download::Text,
    error::{Error, Result, say},
    id::DocumentId,
    read::Page,
    search::{Change, Details, IndexedDocument},
};

/// Documents that are fetched at the same time: most of a rebuild is waiting for the store.
const FETCHED: usize = 8;
/// Texts of one batch that may be lost. Where more are, something is wrong with the store and not with these documents.
const MOST_LOST: usize = 10;

/// What the index has to take in of some documents, as they were when they were asked for.
#[derive(Default)]
pub(super) struct Gathered {
    pub changes: Vec<Change>,
    /// Those whose text comes in with it.
    pub findable: Vec<Document>,
    pub is_destroyed: bool,
}

impl Gathered {
    pub fn without(mut self, documents: &[DocumentId]) -> Gathered {
        self.changes.retain(|change| !documents.contains(&DocumentId(change.document())));
        self.findable.retain(|document| !documents.contains(&document.id));
        self
    }
}

pub(super) async fn gather(app: &App, documents: &[DocumentId]) -> Result<Gathered> {
    let mut told = document::told(&app.db, &app.keys, documents, app.clock.now()).await?;
    let is_read = |document: &Document| document.trashed_at.is_none() && document.version.state == State::Ready;
    let opened = told.values().filter_map(|told| told.as_ref().ok());
    let read = opened.map(|told| &told.document).filter(|document| is_read(document));
    let read: Vec<_> = read.map(|document| (&document.version, document.office)).collect();
    let mut texts = app.shelf.texts(&read).await?;
    let rows: Vec<_> = documents
        .iter()
        .map(|id| {
            let told = told.remove(id);
            let version = told.as_ref().and_then(|told| told.as_ref().ok()).map(|told| told.document.version.id);
            let text = version.and_then(|version| texts.remove(&version));
            (*id, told, text)
        })
        .collect();
    let mut fetched =
        stream::iter(rows).map(|(id, told, text)| db::beside(change_of(app, id, told, text))).buffered(FETCHED);
    let (mut gathered, mut lost) = (Gathered::default(), 0);
    while let Some(looked) = fetched.next().await {
        let Looked { change, document, is_lost, is_destroyed } = looked?;
        lost += usize::from(is_lost);
        gathered.is_destroyed |= is_destroyed;
        let is_findable = |document: &Document| !is_lost && is_read(document) && document.state == State::Reading;
        gathered.findable.extend(document.filter(is_findable));
        gathered.changes.push(change);
    }
    if lost > MOST_LOST { Err(too_many_lost()) } else { Ok(gathered) }
}

/// What the index has to hold of a document.
struct Looked {
    change: Change,
    document: Option<Document>,
    is_destroyed: bool,
    /// Its text is damaged or gone: it is found by its details alone.
    is_lost: bool,
}

async fn change_of(
    app: &App,
    id: DocumentId,
    told: Option<Result<Told>>,
    text: Option<Result<Text>>,
) -> Result<Looked> {
    let removed = |document| Looked { change: Change::Remove(id.0), document, is_destroyed: false, is_lost: false };
    let told = match told {
        None => return Ok(Looked { is_destroyed: true, ..removed(None) }),
        Some(Ok(told)) if told.document.trashed_at.is_some() => return Ok(removed(Some(told.document))),
        Some(Ok(told)) => told,
        Some(Err(cause)) => {
            tracing::error!(document = %id, cause = %cause.chain(),
                "the details of a document do not open; it is not found until its row is back as it was and `lumbung reindex` has run");
            return Ok(removed(None));
        }
    };
    let opened = match text {
        Some(Ok(text)) => match app.shelf.open_text(&told.document.version, &text).await {
            // One wrong answer on its way is no lost text.
            Err(cause) if !blob::is_away(&cause) => app.shelf.open_text(&told.document.version, &text).await,
            opened => opened,
        },
        Some(Err(cause)) => Err(cause),
        None => Ok(Vec::new()),
    };
    let (pages, is_lost) = match opened {
        Ok(pages) => (pages, false),
        // A store that is away will give it later, and so will a database.
        Err(cause) if blob::is_away(&cause) => return Err(cause),
        Err(cause) => {
            tracing::error!(document = %id, cause = %cause.chain(),
                "a text cannot be opened; the document is found by its details alone until `lumbung verify --scrub --repair` mends it, or until `lumbung reindex`");
            (Vec::new(), true)
        }
    };
    let change = Change::Replace(indexed(app, &told, pages)?);
    Ok(Looked { change, document: Some(told.document), is_destroyed: false, is_lost })
}

fn too_many_lost() -> Error {
    Error::unavailable(
        "texts-lost",
        say(
            "Terlalu banyak teks tidak ada di simpanan. Periksa apakah simpanan dan basis data ini sepasang.",
            "Too many texts are not in the store. See whether this store and this database belong together.",
        ),
    )
}

fn indexed(app: &App, told: &Told, pages: Vec<Page>) -> Result<IndexedDocument> {
    let document = &told.document;
    let details = &document.details;
    let (day, _) = document.list_place(&app.zone);
    let day: jiff::civil::Date = day.parse().map_err(Error::internal)?;
    let numbers = |numbers: &[i64]| numbers.iter().map(|number| *number as u64).collect();
    Ok(IndexedDocument {
        document: document.id.0,
        version: document.version.id.0,
        office: document.office_number as u64,
        class: details.security_class.level() as u8,
        reach_all: details.reach == Reach::Kabupaten,
        granted: numbers(&told.granted),
        linked: numbers(&told.linked),
        kind: details.kind.clone(),
        classification: details.classification.clone(),
        date: days(day),
        year: i32::from(day.year()),
        received_ms: document.received_at.0,
        details: Details {
            title: details.title.clone(),
            number: details.number.clone(),
            sender: details.sender.clone(),
            recipient: details.recipient.clone(),
            summary: details.summary.clone(),
            labels: details.labels.clone(),
            file_name: Some(document.version.file_name.clone()),
        },
        pages: pages.into_iter().map(|page| (page.number, page.text)).collect(),
    })
}

/// Days since 1970-01-01.
pub fn days(day: jiff::civil::Date) -> i64 {
    i64::from(day.since(jiff::civil::date(1970, 1, 1)).map_or(0, |span| span.get_days()))
}
