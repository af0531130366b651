//! What happened: all of it for an auditor, what is about itself for an office.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::paging;
use crate::{
    app::App,
    audit::{self, Filter, Line, Scope},
    clock::Time,
    error::Result,
    http::{Caller, Problem, Query},
    id::{AuditId, OfficeId, PersonId},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// For an auditor: only what is about this office.
    office: Option<OfficeId>,
    person: Option<PersonId>,
    /// Such as `document.read`.
    action: Option<String>,
    /// The id of a document, link, person …
    object: Option<String>,
    /// From this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Time>,
    /// Before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Time>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    pub items: Vec<Line>,
    pub next_cursor: Option<String>,
}

/// The audit, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "people", params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<axum::Json<AuditPage>> {
    let scope = Scope::of(&caller.actor)?;
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<AuditId> = paging::place(query.cursor.as_deref())?;
    let filter = Filter {
        office: query.office,
        person: query.person,
        action: query.action,
        object: query.object,
        from: query.from,
        to: query.to,
    };
    let mut tx = app.db.read().await?;
    let found = audit::list(&mut tx, scope, &filter, before, limit + 1).await?;
    let (items, next_cursor) = paging::cut(found, limit, |line| line.id)?;
    Ok(axum::Json(AuditPage { items, next_cursor }))
}
