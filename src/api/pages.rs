//! Pages of a document: picture, text, and words with the question's hits. Pages count from 1.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    app::App,
    desk::pages::{Words, caching, marked, open, picture_answer, read_page},
    error::{Error, Result, say},
    http::{Caller, Path, Problem, Query},
    id::DocumentId,
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ImageQuery {
    /// Pixels; the next larger of 240, 720, 1200 and 1800 is sent.
    width: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WordsQuery {
    /// The question whose hits are marked.
    q: Option<String>,
}

/// The picture of a page, upright.
#[utoipa::path(
    get, path = "/api/v1/documents/{id}/pages/{page}/image", tag = "documents",
    params(("id" = DocumentId, Path), ("page" = u32, Path), ImageQuery),
    responses(
        (status = 200, description = "JPEG or PNG", content_type = "image/*", body = Vec<u8>),
        (status = "4XX", body = Problem), (status = "5XX", body = Problem)
    )
)]
pub async fn image(
    State(app): State<App>,
    caller: Caller,
    Path((id, page)): Path<(DocumentId, u32)>,
    Query(query): Query<ImageQuery>,
) -> Result<Response> {
    let (document, grant) = open(&app, &caller, id).await?;
    let width = query.width.unwrap_or(app.config.reading.picture_width);
    // Nobody is given less by it: pictures are made of four widths, the largest of which is 1800.
    if !(1..=5000).contains(&width) {
        return Err(Error::invalid(
            "/query/width",
            say("Isi width antara 1 dan 5000.", "Give a width from 1 to 5000."),
        ));
    }
    let picture = app.shelf.picture(&grant, page, width).await?;
    Ok(picture_answer(picture, caching(&document)))
}

/// The text of a page.
#[utoipa::path(
    get, path = "/api/v1/documents/{id}/pages/{page}/text", tag = "documents",
    params(("id" = DocumentId, Path), ("page" = u32, Path)),
    responses(
        (status = 200, content_type = "text/plain", body = String),
        (status = "4XX", body = Problem), (status = "5XX", body = Problem)
    )
)]
pub async fn text(
    State(app): State<App>,
    caller: Caller,
    Path((id, page)): Path<(DocumentId, u32)>,
) -> Result<Response> {
    let (document, grant) = open(&app, &caller, id).await?;
    let page = read_page(&app, &grant, page).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching(&document))),
    ];
    Ok((headers, page.text).into_response())
}

/// The words of a page with their places, and which of them a question hits.
#[utoipa::path(
    get, path = "/api/v1/documents/{id}/pages/{page}/words", tag = "documents",
    params(("id" = DocumentId, Path), ("page" = u32, Path), WordsQuery),
    responses((status = 200, body = Words), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn words(
    State(app): State<App>,
    caller: Caller,
    Path((id, page)): Path<(DocumentId, u32)>,
    Query(query): Query<WordsQuery>,
) -> Result<Response> {
    let (document, grant) = open(&app, &caller, id).await?;
    let page = read_page(&app, &grant, page).await?;
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static(caching(&document)))];
    Ok((headers, axum::Json(marked(page, query.q.as_deref().unwrap_or("")))).into_response())
}
