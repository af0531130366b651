//! What happened to a document and its links, newest first: from the audit, for its own office.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::Act,
    app::App,
    audit,
    desk::{documents::load, history, paging},
    error::Result,
    http::{Caller, Path, Problem, Query},
    id::{AuditId, DocumentId},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    pub items: Vec<audit::Line>,
    pub next_cursor: Option<String>,
}

/// Uploads, versions, edits, readings and shares of a document. Only its own office sees them.
#[utoipa::path(
    get, path = "/api/v1/documents/{id}/history", tag = "documents",
    params(("id" = DocumentId, Path), HistoryQuery),
    responses((status = 200, body = History), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DocumentId>,
    Query(query): Query<HistoryQuery>,
) -> Result<axum::Json<History>> {
    let document = load(&app, &caller.actor, id, Act::Read).await?;
    document.must_be_own()?;
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<AuditId> = paging::place(query.cursor.as_deref())?;
    let mut items = history::of(&mut app.db.read().await?, &document, before, limit + 1).await?;
    let more = items.len() as i64 > limit;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|last| paging::cursor(&last.id)).transpose()?;
    Ok(axum::Json(History { items, next_cursor }))
}
