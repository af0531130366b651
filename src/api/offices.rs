//! Offices of the regency: found by name, alias, present and former code; corrected by the platform's admin.

use axum::{
    extract::{FromRequest, Request, State},
    http::HeaderValue,
    response::{AppendHeaders, IntoResponse},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::paging;
use crate::{
    access::Act,
    app::App,
    audit::{self, Entry, Who},
    db::Tx,
    error::{Error, Result},
    http::{Caller, IfMatch, Json, Path, Problem, Query, etag},
    id::OfficeId,
    ingest::Room,
    office::{self, Brief, Code, Correction, Office, OfficeKind},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OfficesQuery {
    /// Only those directly below this office.
    parent: Option<OfficeId>,
    /// Looked for in names, aliases, present and former codes.
    q: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Offices {
    pub items: Vec<OfficeListed>,
    pub next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct OfficeListed {
    pub id: OfficeId,
    pub code: String,
    pub name: String,
    pub kind: OfficeKind,
    pub parent: Option<OfficeId>,
}

/// Offices in the order of their codes.
#[utoipa::path(
    get, path = "/api/v1/offices", tag = "people", params(OfficesQuery),
    responses((status = 200, body = Offices), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<OfficesQuery>,
) -> Result<axum::Json<Offices>> {
    let limit = paging::limit(&app, query.limit)?;
    let after: Option<OfficeId> = paging::place(query.cursor.as_deref())?;
    let mut tx = app.db.read().await?;
    let found = office::list(&mut tx, query.parent, query.q.as_deref(), after, limit + 1).await?;
    let (found, next_cursor) = paging::cut(found, limit, |office| office.id)?;
    let items = found
        .into_iter()
        .map(|Office { id, code, name, kind, parent, .. }| OfficeListed { id, code, name, kind, parent })
        .collect();
    Ok(axum::Json(Offices { items, next_cursor }))
}

#[derive(Serialize, ToSchema)]
pub struct OfficeShown {
    pub id: OfficeId,
    pub code: String,
    pub name: String,
    pub kind: OfficeKind,
    pub parent: Option<Brief>,
    pub aliases: Vec<String>,
    pub address: String,
    /// The present code first, then those that the office bore earlier.
    pub codes: Vec<Code>,
    /// For the office's own people and the platform's admin: what it keeps and may keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<Room>,
}

/// One office, with the codes that it once bore.
#[utoipa::path(
    get, path = "/api/v1/offices/{office}", tag = "people", params(("office" = OfficeId, Path)),
    responses((status = 200, body = OfficeShown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(State(app): State<App>, caller: Caller, Path(id): Path<OfficeId>) -> Result<impl IntoResponse> {
    let is_told = caller.actor.office() == id || caller.actor.may(Act::Platform);
    let room = if is_told { Some(app.ingest.room(id).await?) } else { None };
    let mut tx = app.db.read().await?;
    let office = office::find(&mut tx, id).await?.ok_or_else(Error::not_found)?;
    shown(&mut tx, office, room).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficeChanges {
    /// At most `limits.office_name_chars` characters, as each alias.
    name: Option<String>,
    aliases: Option<Vec<String>>,
    /// At most `limits.office_address_chars` characters.
    address: Option<String>,
    /// How many bytes of originals the office may keep; 0: as `limits.office_bytes` says.
    quota_bytes: Option<u64>,
}

/// Corrects what the data file had wrong. For the platform's admin.
#[utoipa::path(
    patch, path = "/api/v1/offices/{office}", tag = "people", request_body = OfficeChanges,
    params(("office" = OfficeId, Path), ("If-Match" = String, Header, description = "the office's ETag")),
    responses((status = 200, body = OfficeShown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<OfficeId>,
    if_match: IfMatch,
    request: Request,
) -> Result<impl IntoResponse> {
    let office = office::find(&mut app.db.read().await?, id).await?.ok_or_else(Error::not_found)?;
    caller.actor.must(Act::Platform)?;
    if_match.required(office.revision)?;
    let Json(body) = <Json<OfficeChanges> as FromRequest<App>>::from_request(request, &app).await?;
    let mut tx = app.db.write().await?;
    let correction =
        Correction { name: body.name, aliases: body.aliases, address: body.address, quota: body.quota_bytes };
    if !office::correct(&mut tx, &office, correction, &app.config.limits).await? {
        if_match.required(office.revision + 1)?;
    }
    let entry = Entry {
        who: Who::from(&caller.actor),
        office: Some(id),
        action: "office.correct",
        object: Some(id.to_string()),
        result: "ok",
        origin: &caller.origin,
        detail: json!({}),
    };
    audit::record(&mut tx, &app.clock, entry).await?;
    let office = office::find(&mut tx, id).await?.ok_or_else(Error::not_found)?;
    let (tag, mut answer) = shown(&mut tx, office, None).await?;
    tx.commit().await?;
    answer.room = Some(app.ingest.room(id).await?);
    Ok((tag, answer))
}

async fn shown(
    tx: &mut Tx,
    office: Office,
    room: Option<Room>,
) -> Result<(AppendHeaders<[(axum::http::HeaderName, HeaderValue); 1]>, axum::Json<OfficeShown>)> {
    let parent = match office.parent {
        Some(parent) => office::find(tx, parent).await?.map(|parent| parent.brief()),
        None => None,
    };
    let codes = office::codes(tx, office.id).await?;
    let tag = etag(office.revision);
    let Office { id, kind, code, name, aliases, address, .. } = office;
    let answer = OfficeShown { id, code, name, kind, parent, aliases, address, codes, room };
    Ok((AppendHeaders([(axum::http::header::ETAG, tag)]), axum::Json(answer)))
}
