//! Pages of a document: picture, and words with the question's hits.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{documents::load, readings};
use crate::{
    access::Act,
    app::App,
    document::{Document, SecurityClass},
    download::Grant,
    error::{Error, Result},
    http::Caller,
    id::DocumentId,
    read::{Page, Picture},
    search::{self, Marks},
    share::Reading,
};

/// The words of a page where they stand on its picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct Words {
    pub page: u32,
    pub words: Vec<Word>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Word {
    pub text: String,
    /// Left, top, right, bottom as fractions of the page picture.
    #[serde(rename = "box")]
    #[schema(value_type = Vec<f32>, min_items = 4, max_items = 4)]
    pub place: [f32; 4],
    /// The question hits this word.
    pub hit: bool,
}

/// Office computers are shared: only class `biasa` may stay in a browser's cache.
pub fn caching(document: &Document) -> &'static str {
    if document.class() == SecurityClass::Biasa { "private, max-age=3600" } else { "private, no-store" }
}

pub fn picture_answer(picture: Picture, caching: &'static str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(picture.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    (StatusCode::OK, headers, picture.bytes).into_response()
}

/// Marks the words that the question hits, by the same analysis as the search.
pub fn marked(page: Page, question: &str) -> Words {
    let texts: Vec<&str> = page.words.iter().map(|word| word.text.as_str()).collect();
    let hits = Marks::of(question, &search::Settings::default()).hits(&texts);
    let words = page
        .words
        .iter()
        .zip(hits)
        .map(|(word, hit)| Word { text: word.text.clone(), place: [word.x0, word.y0, word.x1, word.y1], hit })
        .collect();
    Words { page: page.number, words }
}

pub async fn read_page(app: &App, grant: &Grant, number: u32) -> Result<Page> {
    app.shelf.page(grant, number).await?.ok_or_else(Error::not_found)
}

/// Loads, grants, and notes that pages are looked at.
pub async fn open(app: &App, caller: &Caller, id: DocumentId) -> Result<(Document, Grant)> {
    let document = load(app, &caller.actor, id, Act::Read).await?;
    let grant = Grant::of_document(&document)?;
    readings::note(app, caller, &document, Reading::Pages).await?;
    Ok((document, grant))
}
