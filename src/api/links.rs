//! Share links as their office holds them: made, listed, changed, released, revoked, and who opened them.

use axum::{
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    documents::{commit, created},
    paging, receiving,
};
use crate::{
    access::{Act, Actor},
    app::App,
    clock::Time,
    crash::{Point, point},
    db::Tx,
    desk::{
        documents::load,
        personal,
        shared::{may_look, may_see, subject},
    },
    document::Warning,
    error::{Error, Result},
    http::{Caller, IfMatch, Json, Lang, Path, Problem, Query, etag, parse_json},
    id::{DocumentId, LinkId, PersonId, VersionId},
    idempotency::{self, Claim},
    office::{self, Brief},
    share::{Asked, Audience, By, Change, Link, LinkState, Outcome, Rights, Seen},
};

/// A link as its office sees it. The secret is in `url`, once, in the answer that makes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub struct ShownLink {
    pub id: LinkId,
    /// `https://host/s/<public id>#<secret>`; only in the answer that makes the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The part of the address before `#`.
    pub public_id: String,
    pub document: DocumentId,
    /// The version that the link shows, also when there is a newer one.
    pub version: VersionId,
    pub audience: ShownAudience,
    pub rights: Rights,
    pub has_password: bool,
    pub label: String,
    pub notify: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opens_from: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    pub max_opens: Option<i64>,
    /// Openings counted so far.
    pub opens: i64,
    pub paused: bool,
    /// Whether it would open now, or why not.
    pub state: LinkState,
    pub made_by: Option<PersonId>,
    pub released_by: Option<PersonId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Time>,
    /// What the office should look at again while anyone may open the link.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// Who may open a link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[schema(as = ShownLinkAudience)]
pub enum ShownAudience {
    Anyone,
    Offices { offices: Vec<Brief> },
    Email { emails: Vec<String> },
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LinkPage {
    #[schema(inline)]
    pub items: Vec<ShownLink>,
    pub next_cursor: Option<String>,
}

/// One line of a link's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkOpen {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub result: Outcome,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who it was, as far as the link's audience proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// The address, shortened to its network.
    pub network: String,
    /// The family of the program.
    pub agent: String,
    /// The same in a plain sentence.
    pub sentence: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LinkOpenPage {
    pub items: Vec<LinkOpen>,
    pub next_cursor: Option<String>,
}

/// What may be changed. Absent fields stay; `max_opens: null` takes the limit away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkChanges {
    paused: Option<bool>,
    /// At most `links.max_label` characters.
    label: Option<String>,
    notify: Option<bool>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// At most `links.max_opens`.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1)]
    max_opens: Option<Option<i64>>,
}

fn nullable<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LinksQuery {
    /// Only the links of this document.
    document: Option<DocumentId>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OpensQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Makes a link on a document of the own office. What the class allows is refused with 403 and the rule's slug.
///
/// A link for anyone on pages that hold NIK or KK numbers is made, and its answers carry a warning.
#[utoipa::path(
    post, path = "/api/v1/documents/{id}/links", tag = "links", request_body = Asked,
    params(("id" = DocumentId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = ShownLink), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Path(id): Path<DocumentId>,
    request: Request,
) -> Result<Response> {
    let document = load(&app, &caller.actor, id, Act::Share).await?;
    document.must_be_own()?;
    let name = receiving::repeat_name(&app, request.headers(), document.office, "links")?;
    let Json(body) = Json::<serde_json::Value>::from_request(request, &app).await?;
    let body = serde_json::to_vec(&body).map_err(Error::internal)?;
    let terms = app.sharing.terms(parse_json::<Asked>(&body)?).await?;
    let digest = idempotency::digest(&[id.to_string().as_bytes(), &body]);
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    if let Claim::Done(done) = claim {
        return Ok(created(done.answer(&digest)?));
    }
    let mut tx = app.db.write().await?;
    let made = app.sharing.grant(&mut tx, &caller.actor, &caller.origin, subject(&document), &terms).await?;
    let url = made.url(app.public_url());
    let shown = ShownLink { url: Some(url), ..show(&mut tx, made.link, lang).await? };
    let answer = serde_json::to_vec(&shown).map_err(Error::internal)?;
    point(Point::LinkWritten);
    commit(tx, &mut claim, &digest, &answer).await?;
    point(Point::LinkCommitted);
    app.nudge();
    Ok(created(answer))
}

/// The office's links, newest first.
#[utoipa::path(
    get, path = "/api/v1/links", tag = "links", params(LinksQuery),
    responses((status = 200, body = LinkPage), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Query(query): Query<LinksQuery>,
) -> Result<axum::Json<LinkPage>> {
    may_look(&caller.actor)?;
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<LinkId> = paging::place(query.cursor.as_deref())?;
    let mut tx = app.db.read().await?;
    let mut links = app.sharing.links(&mut tx, caller.actor.office(), query.document, before, limit + 1).await?;
    let more = links.len() as i64 > limit;
    links.truncate(limit as usize);
    let next_cursor = match links.last() {
        Some(last) if more => Some(paging::cursor(&last.id)?),
        _ => None,
    };
    let mut items = Vec::with_capacity(links.len());
    for link in links {
        items.push(show(&mut tx, link, lang).await?);
    }
    Ok(axum::Json(LinkPage { items, next_cursor }))
}

/// One link of the office.
#[utoipa::path(
    get, path = "/api/v1/links/{id}", tag = "links", params(("id" = LinkId, Path)),
    responses((status = 200, body = ShownLink), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(State(app): State<App>, caller: Caller, lang: Lang, Path(id): Path<LinkId>) -> Result<Response> {
    may_see(&caller.actor)?;
    let mut tx = app.db.read().await?;
    let link = app.sharing.link(&mut tx, caller.actor.office(), id).await?;
    tagged(&mut tx, link, lang).await
}

/// Who opened it, when, from where, with what result; newest first.
#[utoipa::path(
    get, path = "/api/v1/links/{id}/opens", tag = "links", params(("id" = LinkId, Path), OpensQuery),
    responses((status = 200, body = LinkOpenPage), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn opens(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Path(id): Path<LinkId>,
    Query(query): Query<OpensQuery>,
) -> Result<axum::Json<LinkOpenPage>> {
    may_see(&caller.actor)?;
    let mut tx = app.db.read().await?;
    let link = app.sharing.link(&mut tx, caller.actor.office(), id).await?;
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<Uuid> = paging::place::<String>(query.cursor.as_deref())?.and_then(|text| text.parse().ok());
    let mut seen = app.sharing.opens(&mut tx, link.id, before, limit + 1).await?;
    let more = seen.len() as i64 > limit;
    seen.truncate(limit as usize);
    let next_cursor = match seen.last() {
        Some(last) if more => Some(paging::cursor(&last.id.to_string())?),
        _ => None,
    };
    let items = seen.into_iter().map(|seen| opened(seen, lang)).collect();
    Ok(axum::Json(LinkOpenPage { items, next_cursor }))
}

/// Changes a link; a later `expires_at` only within the class's longest life, counted from creation.
#[utoipa::path(
    patch, path = "/api/v1/links/{id}", tag = "links", request_body = LinkChanges,
    params(("id" = LinkId, Path), ("If-Match" = String, Header, description = "The link's ETag")),
    responses((status = 200, body = ShownLink), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Path(id): Path<LinkId>,
    if_match: IfMatch,
    request: Request,
) -> Result<Response> {
    let link = own(&app, &caller.actor, id, Act::Share).await?;
    if_match.required(link.revision)?;
    let Json(changes) = Json::<LinkChanges>::from_request(request, &app).await?;
    let LinkChanges { paused, label, notify, expires_at, max_opens } = changes;
    let change = Change { paused, label, notify, expires_at, max_opens };
    let mut tx = app.db.write().await?;
    let link = app.sharing.change(&mut tx, &caller.actor, &caller.origin, &link, change).await?;
    let answer = tagged(&mut tx, link, lang).await?;
    tx.commit().await?;
    app.nudge();
    Ok(answer)
}

/// Revokes a link and ends at once whatever was opened by it.
#[utoipa::path(
    delete, path = "/api/v1/links/{id}", tag = "links", params(("id" = LinkId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<LinkId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let link = own(&app, &caller.actor, id, Act::Share).await?;
    if_match.accepted(link.revision)?;
    let mut tx = app.db.write().await?;
    app.sharing.revoke(&mut tx, &caller.actor, &caller.origin, &link).await?;
    point(Point::RevokeWritten);
    tx.commit().await?;
    point(Point::RevokeCommitted);
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

/// The head lets a clerk's link on a document of class `rahasia` open.
#[utoipa::path(
    post, path = "/api/v1/links/{id}/release", tag = "links", params(("id" = LinkId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = ShownLink), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn release(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Path(id): Path<LinkId>,
    if_match: IfMatch,
) -> Result<Response> {
    let link = own(&app, &caller.actor, id, Act::Decide).await?;
    if_match.accepted(link.revision)?;
    let mut tx = app.db.write().await?;
    let link = app.sharing.release(&mut tx, &caller.actor, &caller.origin, &link).await?;
    let answer = tagged(&mut tx, link, lang).await?;
    tx.commit().await?;
    app.nudge();
    Ok(answer)
}

/// A link of the actor's office, for an act that changes it: 404 if it is not to be seen, 403 if only the act is refused.
async fn own(app: &App, actor: &Actor, id: LinkId, act: Act) -> Result<Link> {
    if !actor.may(act) {
        may_see(actor)?;
    }
    let link = app.sharing.link(&mut app.db.read().await?, actor.office(), id).await?;
    actor.must(act)?;
    Ok(link)
}

async fn tagged(tx: &mut Tx, link: Link, lang: Lang) -> Result<Response> {
    let tag = etag(link.revision);
    let shown = show(tx, link, lang).await?;
    Ok(([(header::ETAG, tag)], axum::Json(shown)).into_response())
}

async fn show(tx: &mut Tx, link: Link, lang: Lang) -> Result<ShownLink> {
    let warnings = personal::warnings(personal::of_link(&link), lang);
    let audience = match link.audience {
        Audience::Anyone {} => ShownAudience::Anyone,
        Audience::Offices { offices } => ShownAudience::Offices { offices: office::briefs(tx, &offices).await? },
        Audience::Email { emails } => ShownAudience::Email { emails },
    };
    Ok(ShownLink {
        id: link.id,
        url: None,
        public_id: link.public,
        document: link.document,
        version: link.version,
        audience,
        rights: link.rights,
        has_password: link.has_password,
        label: link.label,
        notify: link.notify,
        opens_from: link.opens_from,
        expires_at: link.expires_at,
        max_opens: link.max_opens,
        opens: link.opens,
        paused: link.paused,
        state: link.state,
        made_by: link.made_by,
        released_by: link.released_by,
        created_at: link.created_at,
        ended_at: link.ended_at,
        warnings,
    })
}

fn opened(seen: Seen, lang: Lang) -> LinkOpen {
    let sentence = lang.of(&seen.sentence()).to_owned();
    let Seen { at, result, reason, by, network, agent, .. } = seen;
    LinkOpen { at, result, reason, by, network, agent, sentence }
}
