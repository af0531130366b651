//! What strangers call with a link: peek, open, ask for a code, and read what they opened. Only `open` counts. None of
//! these answers may stay in a cache, and none tells more than the link's secret earns.

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    audit::Origin,
    clock::Time,
    desk::{
        content::send,
        shared::{SharedDocument, grant, picture, shared, visitor},
    },
    error::{Error, Result, say},
    http::{Json, Path, Problem, Query, Who},
    office::{self, Brief},
    share::{Need, Opened, Reading, Rights, Shown},
};

/// The part of the address after `#`. A signed-in member of a named office may leave it out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    secret: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenLink {
    /// The part of the address after `#`. A signed-in member of a named office may leave it out.
    secret: Option<String>,
    password: Option<String>,
    /// The one-time code that was mailed.
    code: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskCode {
    secret: Option<String>,
    email: String,
}

/// What a link says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkPeek {
    pub office: Brief,
    pub rights: Rights,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    pub needs: Vec<Need>,
}

/// One counted opening.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkOpened {
    /// For `Authorization: Bearer` on content and pages.
    pub grant: String,
    /// Seconds.
    pub expires_in: u64,
    pub document: SharedDocument,
    pub rights: Rights,
}

/// A renewed opening.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkRenewed {
    pub grant: String,
    /// Seconds.
    pub expires_in: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SharedImageQuery {
    /// Pixels; at most 1200 where the link only shows pages.
    width: Option<u32>,
}

/// What the link needs. Counts nothing.
#[utoipa::path(
    post, path = "/api/v1/shared/{id}/peek", tag = "shared", params(("id" = String, Path, description = "The public id")),
    request_body = Secret, security((), ("bearer" = [])),
    responses((status = 200, body = LinkPeek), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn peek(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Json(asked): Json<Secret>,
) -> Result<axum::Json<LinkPeek>> {
    let peeked = app.sharing.peek(&id, asked.secret.as_deref(), visitor(&who)).await?;
    let mut tx = app.db.read().await?;
    let office = office::find(&mut tx, peeked.office).await?.ok_or_else(Error::not_found)?;
    Ok(axum::Json(LinkPeek {
        office: office.brief(),
        rights: peeked.rights,
        expires_at: peeked.expires_at,
        needs: peeked.needs,
    }))
}

/// Opens: this is what counts as one opening.
#[utoipa::path(
    post, path = "/api/v1/shared/{id}/open", tag = "shared", params(("id" = String, Path, description = "The public id")),
    request_body = OpenLink, security((), ("bearer" = [])),
    responses((status = 200, body = LinkOpened), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn open(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Json(asked): Json<OpenLink>,
) -> Result<axum::Json<LinkOpened>> {
    let shown =
        Shown { secret: asked.secret.as_deref(), password: asked.password.as_deref(), code: asked.code.as_deref() };
    let opened = app.sharing.open(&id, shown, visitor(&who)).await?;
    app.nudge();
    let document = shared(&app, opened.document, opened.version).await?;
    let Opened { ticket, lives, rights, .. } = opened;
    Ok(axum::Json(LinkOpened { grant: ticket, expires_in: lives.as_secs(), document, rights }))
}

/// Asks for a one-time code. The answer is the same for every address; mail goes only to one that the link lists.
#[utoipa::path(
    post, path = "/api/v1/shared/{id}/code", tag = "shared", params(("id" = String, Path, description = "The public id")),
    request_body = AskCode, security((), ("bearer" = [])),
    responses((status = 202), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn code(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    Json(asked): Json<AskCode>,
) -> Result<StatusCode> {
    app.sharing.ask_code(&id, asked.secret.as_deref(), &asked.email, visitor(&who)).await?;
    app.nudge();
    Ok(StatusCode::ACCEPTED)
}

/// Goes on with an opening, up to 12 hours after it; not a further opening.
#[utoipa::path(
    post, path = "/api/v1/shared/{id}/renew", tag = "shared", security(("grant" = [])), params(("id" = String, Path, description = "The public id")),
    responses((status = 200, body = LinkRenewed), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn renew(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<axum::Json<LinkRenewed>> {
    let granted = app.sharing.use_ticket(&id, ticket(&headers)).await?;
    let (grant, lives) = app.sharing.renew(&granted).await?;
    Ok(axum::Json(LinkRenewed { grant, expires_in: lives.as_secs() }))
}

/// The original bytes of the pinned version, by range.
#[utoipa::path(
    get, path = "/api/v1/shared/{id}/content", tag = "shared", security(("grant" = [])),
    params(
        ("id" = String, Path, description = "The public id"),
        ("Range" = Option<String>, Header, description = "`bytes=0-4095`")
    ),
    responses(
        (status = 200, description = "The whole original", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "A part of it", content_type = "*/*", body = Vec<u8>),
        (status = "4XX", body = Problem), (status = "5XX", body = Problem)
    )
)]
pub async fn content(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let granted = app.sharing.use_ticket(&id, ticket(&headers)).await?;
    let grant = grant(&app, &granted).await?;
    if granted.may_download() && method != Method::HEAD {
        app.sharing.note_reading(&granted, Reading::Original, &origin).await?;
    }
    let mut response = send(&app, &grant, &method, &headers).await?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The picture of a page, with a watermark where the link only shows pages.
#[utoipa::path(
    get, path = "/api/v1/shared/{id}/pages/{page}/image", tag = "shared", security(("grant" = [])),
    params(("id" = String, Path, description = "The public id"), ("page" = u32, Path), SharedImageQuery),
    responses(
        (status = 200, description = "JPEG or PNG", content_type = "image/*", body = Vec<u8>),
        (status = "4XX", body = Problem), (status = "5XX", body = Problem)
    )
)]
pub async fn image(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Path((id, page)): Path<(String, u32)>,
    Query(query): Query<SharedImageQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let granted = app.sharing.use_ticket(&id, ticket(&headers)).await?;
    let width = query.width.unwrap_or(app.config.reading.picture_width);
    // Nobody is given less by it: pictures are made of four widths, the largest of which is 1800.
    if !(1..=5000).contains(&width) {
        return Err(Error::invalid(
            "/query/width",
            say("Isi width antara 1 dan 5000.", "Give a width from 1 to 5000."),
        ));
    }
    picture(&app, &granted, page, width, &origin).await
}

/// The grant in `Authorization: Bearer`; an absent one is as good as a wrong one.
fn ticket(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => "",
    }
}
