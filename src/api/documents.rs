//! Documents: bringing one in, listing, showing, editing, the trash.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::receiving;
use crate::{
    access::Act,
    app::App,
    db::Tx,
    desk::{
        self, changes,
        documents::{Item, item, item_alone, keep, load, record, source},
        paging, personal,
    },
    document::{self, Changes, Filter, Limits, SecurityClass, Shown, State as Stage, show},
    error::{Error, Result, say},
    http::{Caller, IfMatch, Json, Lang, Path, Problem, Query, etag, parse_json},
    id::{DocumentId, OfficeId},
    idempotency::{self, Claim},
};

/// The parts of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub struct Upload {
    /// Details of the document; `{}` is enough. Comes first.
    metadata: Changes,
    /// The file itself, up to `upload.max_bytes`.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Brings a document in. It is acknowledged when its bytes are in the store and its record in the database, both durable.
#[utoipa::path(
    post, path = "/api/v1/documents", tag = "documents",
    params(("Idempotency-Key" = Option<String>, Header), ("Content-Digest" = Option<String>, Header)),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = Shown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(State(app): State<App>, caller: Caller, request: Request) -> Result<Response> {
    caller.actor.must(Act::Upload)?;
    let office = caller.actor.office();
    let name = receiving::repeat_name(&app, request.headers(), office, "documents")?;
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    let mut parts = receiving::Parts::of(&app, request).await?;
    let metadata = parts.metadata().await?;
    let changes: Changes = parse_json(&metadata)?;
    let (file_name, field) = parts.file(app.config.upload.max_file_name).await?;
    let details = changes.into_details(&file_name, Limits::from(&app.config))?;
    let source = source(&app, &caller, file_name.clone());
    let received = app.ingest.receive(source, receiving::bytes(field)).await?;
    parts.end().await?;
    let digest = idempotency::digest(&[&metadata, file_name.as_bytes(), received.fingerprint()]);
    if let Claim::Done(done) = claim {
        return Ok(created(done.answer(&digest)?));
    }
    let answer = if matches!(claim, Claim::Unnamed) {
        answered(&keep(&app, &caller, received, &details).await?)?
    } else {
        let (shown, tx) = record(&app, &caller, received, &details).await?;
        let answer = answered(&shown)?;
        commit(tx, &mut claim, &digest, &answer).await?;
        answer
    };
    app.nudge();
    Ok(created(answer))
}

fn answered(shown: &Shown) -> Result<Vec<u8>> {
    serde_json::to_vec(shown).map_err(Error::internal)
}

/// Ends a transaction that creates something: with its answer kept for a repeat, if the client named the request.
pub async fn commit(mut tx: Tx, claim: &mut Claim, digest: &[u8; 32], answer: &[u8]) -> Result<()> {
    if let Claim::First(first) = std::mem::replace(claim, Claim::Unnamed) {
        first.settle(&mut tx, digest, answer).await?;
    }
    desk::documents::commit(tx).await
}

pub fn created(json: Vec<u8>) -> Response {
    let mut response = (StatusCode::CREATED, json).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What a list of documents is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// The owner's id; absent: the caller's own office.
    office: Option<OfficeId>,
    kind: Option<String>,
    security_class: Option<SecurityClass>,
    /// A classification code or the beginning of one.
    classification: Option<String>,
    /// From this day on, `YYYY-MM-DD`.
    from: Option<String>,
    /// Up to and including this day.
    to: Option<String>,
    /// A state, or `trashed`.
    state: Option<String>,
    label: Option<String>,
    /// `with-us`: what others shared with this office.
    shared: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    pub items: Vec<Item>,
    pub next_cursor: Option<String>,
}

/// Documents, newest first. Without filters: those of the caller's office.
#[utoipa::path(
    get, path = "/api/v1/documents", tag = "documents", params(ListQuery),
    responses((status = 200, body = Page), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page>> {
    caller.actor.must(Act::Read)?;
    let sight = caller.actor.sight().ok_or_else(Error::not_found)?;
    let limit = paging::limit(&app, query.limit)?;
    let after: Option<(String, DocumentId)> = paging::place(query.cursor.as_deref())?;
    let filter = filter(&query)?;
    let mut found =
        document::list(&app.db, &app.keys, sight, &filter, after.as_ref(), limit + 1, app.clock.now()).await?;
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let next_cursor = match found.last() {
        Some(last) if more => Some(paging::cursor(&last.list_place(&app.zone))?),
        _ => None,
    };
    let mut items = Vec::with_capacity(found.len());
    let mut tx = app.db.read().await?;
    for document in found {
        items.push(item(&mut tx, &app, &caller.actor, lang, document).await?);
    }
    Ok(axum::Json(Page { items, next_cursor }))
}

fn filter(query: &ListQuery) -> Result<Filter> {
    let wrong = |pointer: &str, id: &'static str, en: &'static str| Err(Error::invalid(pointer, say(id, en)));
    for (pointer, day) in [("/query/from", &query.from), ("/query/to", &query.to)] {
        if day.as_ref().is_some_and(|day| day.len() != 10 || day.parse::<jiff::civil::Date>().is_err()) {
            return wrong(pointer, "Tulis tanggal sebagai TTTT-BB-HH.", "Write the day as YYYY-MM-DD.");
        }
    }
    let trashed = query.state.as_deref() == Some("trashed");
    if !trashed && query.state.as_deref().is_some_and(|state| Stage::parse(state).is_none()) {
        return wrong(
            "/query/state",
            "Keadaan: received, reading, ready, unreadable, stored atau trashed.",
            "States: received, reading, ready, unreadable, stored or trashed.",
        );
    }
    if query.shared.as_deref().is_some_and(|shared| shared != "with-us") {
        return wrong("/query/shared", "Satu-satunya nilai: with-us.", "The only value is with-us.");
    }
    Ok(Filter {
        office: query.office,
        kind: query.kind.clone(),
        security_class: query.security_class.map(SecurityClass::level),
        classification: query.classification.clone(),
        from: query.from.clone(),
        to: query.to.clone(),
        state: query.state.clone().filter(|_| !trashed),
        label: query.label.clone(),
        with_us: query.shared.is_some(),
        trashed,
        unchecked: false,
    })
}

/// One document. By a link for named offices that was not opened yet: title, owner and how to open it.
#[utoipa::path(
    get, path = "/api/v1/documents/{id}", tag = "documents", params(("id" = DocumentId, Path)),
    responses((status = 200, body = Item), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(State(app): State<App>, caller: Caller, lang: Lang, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &caller.actor, id, Act::Read).await?;
    let tag = etag(document.revision);
    let item = item_alone(&mut app.db.read().await?, &app, &caller.actor, lang, document).await?;
    Ok(([(header::ETAG, tag)], axum::Json(item)).into_response())
}

/// Changes details. `null` empties a field, an absent field stays.
///
/// Where pages hold NIK or KK numbers and the reach is `kabupaten`, the answer carries a warning.
#[utoipa::path(
    patch, path = "/api/v1/documents/{id}", tag = "documents", request_body = Changes,
    params(("id" = DocumentId, Path), ("If-Match" = String, Header, description = "The document's ETag")),
    responses((status = 200, body = Shown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Path(id): Path<DocumentId>,
    if_match: IfMatch,
    request: Request,
) -> Result<Response> {
    let document = load(&app, &caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    if_match.required(document.revision)?;
    let Json(asked) = <Json<Changes> as axum::extract::FromRequest<App>>::from_request(request, &app).await?;
    let details = asked.apply(document.details.clone(), Limits::from(&app.config))?;
    let document = changes::edit(&app, &caller, &document, &details).await?;
    let warnings = personal::warnings(personal::of_reach(&document), lang);
    let shown = Shown { warnings, ..show(&document) };
    Ok(([(header::ETAG, etag(document.revision))], axum::Json(shown)).into_response())
}

/// Moves to the trash: nothing of it opens or is found, its links refuse. `restore` brings it back.
#[utoipa::path(
    delete, path = "/api/v1/documents/{id}", tag = "documents",
    params(("id" = DocumentId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DocumentId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let document = load(&app, &caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    if_match.accepted(document.revision)?;
    changes::trash(&app, &caller, &document).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings a document back from the trash.
#[utoipa::path(
    post, path = "/api/v1/documents/{id}/restore", tag = "documents",
    params(("id" = DocumentId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Shown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn restore(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DocumentId>,
    if_match: IfMatch,
) -> Result<Response> {
    let sight = caller.actor.sight().or_else(|| caller.actor.sight_for(Act::Edit));
    let mut tx = app.db.read().await?;
    let document = document::load_trashed(&mut tx, &app.keys, sight, id).await?;
    caller.actor.must(Act::Edit)?;
    if_match.accepted(document.revision)?;
    drop(tx);
    let document = changes::restore(&app, &caller, &document).await?;
    Ok(([(header::ETAG, etag(document.revision))], axum::Json(show(&document))).into_response())
}

/// Reads an unreadable document once more.
#[utoipa::path(
    post, path = "/api/v1/documents/{id}/read", tag = "documents", params(("id" = DocumentId, Path)),
    responses((status = 202, body = Shown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn read_again(State(app): State<App>, caller: Caller, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    let document = changes::read_again(&app, &caller, &document).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(show(&document))).into_response())
}
