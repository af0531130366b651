//! The original bytes, by range, as an attachment that no browser will run.

use axum::{
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    access::Act,
    app::App,
    desk::{
        content::{is_unchanged, send, tag},
        documents::load,
        readings,
    },
    download::Grant,
    error::Result,
    http::{Caller, Path, Problem},
    id::DocumentId,
    share::Reading,
};

/// The original bytes of the newest version. Ranges are served; `Repr-Digest` is the fingerprint.
#[utoipa::path(
    get, path = "/api/v1/documents/{id}/content", tag = "documents",
    params(("id" = DocumentId, Path), ("Range" = Option<String>, Header, description = "`bytes=0-4095`")),
    responses(
        (status = 200, description = "The whole original", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "A part of it", content_type = "*/*", body = Vec<u8>),
        (status = 304, description = "If-None-Match fits"),
        (status = "4XX", body = Problem), (status = "5XX", body = Problem)
    )
)]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DocumentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let document = load(&app, &caller.actor, id, Act::Read).await?;
    let grant = Grant::of_document(&document)?;
    if is_unchanged(&headers, &document.version) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag(&document.version))]).into_response());
    }
    // HEAD reads nothing, and its entry would stand for that of a reading soon after.
    if method != Method::HEAD {
        readings::note(&app, &caller, &document, Reading::Original).await?;
    }
    send(&app, &grant, &method, &headers).await
}
