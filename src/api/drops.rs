//! Upload-only links. The office makes and ends them; a sender brings files with the secret in `Lumbung-Secret` and is
//! told nothing of what the office has.

use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    documents::{commit, created},
    drop_uploads, paging,
    receiving::{self, Either},
};
use crate::{
    access::Act,
    app::App,
    clock::Time,
    desk::shared::{may_look, may_see, visitor},
    document::{Changes, Details, Limits, clean_file_name, fingerprint},
    error::{Error, Result, say},
    http::{Caller, Json, Path, Problem, Query, Who, parse_json},
    id::{DropId, PersonId},
    idempotency::{self, Claim},
    ingest::{self, Accepted, Source},
    share::drops::{DropAsked, DropBox},
};

/// An upload-only link as its office sees it. The secret is in `url`, once, in the answer that makes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DropBox)]
pub struct ShownDrop {
    pub id: DropId,
    /// `https://host/d/<public id>#<secret>`; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub public_id: String,
    pub label: String,
    pub has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    pub max_files: i64,
    pub max_bytes: i64,
    /// Accepted media types; empty: every type.
    pub types: Vec<String>,
    /// Received so far.
    pub files: i64,
    pub bytes: i64,
    pub made_by: Option<PersonId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DropPage {
    pub items: Vec<ShownDrop>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DropsQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The parts of what a sender brings.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub struct DropUpload {
    metadata: Option<DropNote>,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// What a sender may say of a file.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DropNote {
    /// Who sends it; not proven. At most `limits.field_chars` characters.
    sender: Option<String>,
    /// At most `limits.summary_chars` characters.
    note: Option<String>,
}

/// The receipt: the sender's own file, nothing of the office.
#[derive(Debug, Serialize, ToSchema)]
pub struct DropReceipt {
    pub file_name: String,
    pub size: u64,
    pub fingerprint: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Time,
}

/// Makes an upload-only link.
#[utoipa::path(
    post, path = "/api/v1/drops", tag = "drops", request_body = DropAsked, params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = ShownDrop), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(State(app): State<App>, caller: Caller, request: Request) -> Result<Response> {
    caller.actor.must(Act::Share)?;
    let name = receiving::repeat_name(&app, request.headers(), caller.actor.office(), "drops")?;
    let Json(body) = Json::<serde_json::Value>::from_request(request, &app).await?;
    let body = serde_json::to_vec(&body).map_err(Error::internal)?;
    let terms = app.sharing.drop_terms(parse_json::<DropAsked>(&body)?).await?;
    let digest = idempotency::digest(&[&body]);
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    if let Claim::Done(done) = claim {
        return Ok(created(done.answer(&digest)?));
    }
    let mut tx = app.db.write().await?;
    let made = app.sharing.make_drop(&mut tx, &caller.actor, &caller.origin, &terms).await?;
    let url = made.url(app.public_url());
    let answer = ShownDrop { url: Some(url), ..show(made.drop_box) };
    let answer = serde_json::to_vec(&answer).map_err(Error::internal)?;
    commit(tx, &mut claim, &digest, &answer).await?;
    Ok(created(answer))
}

/// The office's upload-only links, newest first.
#[utoipa::path(
    get, path = "/api/v1/drops", tag = "drops", params(DropsQuery),
    responses((status = 200, body = DropPage), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<DropsQuery>,
) -> Result<axum::Json<DropPage>> {
    may_look(&caller.actor)?;
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<DropId> = paging::place(query.cursor.as_deref())?;
    let mut tx = app.db.read().await?;
    let mut drops = app.sharing.drop_boxes(&mut tx, caller.actor.office(), before, limit + 1).await?;
    let more = drops.len() as i64 > limit;
    drops.truncate(limit as usize);
    let next_cursor = match drops.last() {
        Some(last) if more => Some(paging::cursor(&last.id)?),
        _ => None,
    };
    Ok(axum::Json(DropPage { items: drops.into_iter().map(show).collect(), next_cursor }))
}

/// One upload-only link of the office.
#[utoipa::path(
    get, path = "/api/v1/drops/{id}", tag = "drops", params(("id" = DropId, Path)),
    responses((status = 200, body = ShownDrop), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(State(app): State<App>, caller: Caller, Path(id): Path<DropId>) -> Result<axum::Json<ShownDrop>> {
    may_see(&caller.actor)?;
    let mut tx = app.db.read().await?;
    Ok(axum::Json(show(app.sharing.drop_box(&mut tx, caller.actor.office(), id).await?)))
}

/// Ends it; what it brought stays.
#[utoipa::path(
    delete, path = "/api/v1/drops/{id}", tag = "drops", params(("id" = DropId, Path)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<DropId>) -> Result<StatusCode> {
    may_see(&caller.actor)?;
    let mut tx = app.db.write().await?;
    let drop_box = app.sharing.drop_box(&mut tx, caller.actor.office(), id).await?;
    app.sharing.end_drop(&mut tx, &caller.actor, &caller.origin, &drop_box).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings one file. It waits unchecked in the receiving office; nothing is told of what the office has. With `Tus-Resumable`
/// it begins a resumable upload instead (creation, or creation-with-upload): `Upload-Metadata` carries `filename` and perhaps
/// `metadata`, and the answer's `Location` is where it goes on.
#[utoipa::path(
    post, path = "/api/v1/drops/{id}/files", tag = "drops", security(()),
    params(
        ("id" = String, Path, description = "The public id"),
        ("Lumbung-Secret" = String, Header, description = "The part of the address after `#`"),
        ("Lumbung-Password" = Option<String>, Header, description = "If the link has one"),
        ("Idempotency-Key" = Option<String>, Header), ("Content-Digest" = Option<String>, Header),
        ("Tus-Resumable" = Option<String>, Header, description = "1.0.0 begins a resumable upload"),
        ("Upload-Length" = Option<u64>, Header, description = "Of a resumable upload"),
        ("Upload-Metadata" = Option<String>, Header, description = "Of a resumable upload")
    ),
    request_body(content = DropUpload, content_type = "multipart/form-data"),
    responses((status = 201, body = DropReceipt), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn receive(State(app): State<App>, who: Who, Path(id): Path<String>, request: Request) -> Result<Response> {
    let headers = request.headers();
    let shown = Shown::of(headers);
    let admitted = app.sharing.admit(&id, shown.secret(), shown.password(), visitor(&who)).await?;
    if headers.contains_key("tus-resumable") {
        return drop_uploads::create(&app, &who, &id, &admitted, request).await;
    }
    let name = receiving::repeat_name(&app, headers, admitted.office(), "drop-files")?;
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    let mut parts = receiving::Parts::of(&app, request).await?;
    let mut note = DropNote::default();
    let mut first = parts.either().await?;
    if let Either::Metadata(bytes) = first {
        note = parse_json(&bytes)?;
        first = parts.either().await?;
    }
    let Either::File(field) = first else {
        return Err(Error::invalid("/file", say("Bagian file tidak ada.", "The part file is missing.")));
    };
    let file_name = clean_file_name(field.file_name().unwrap_or(""), app.config.upload.max_file_name);
    let details = details(note, &file_name, Limits::from(&app.config))?;
    let max_bytes = app.config.upload.max_bytes.min(admitted.room());
    let source = Source::new(admitted.office(), file_name.clone(), max_bytes);
    let received = app.ingest.receive(source, receiving::bytes(field)).await?;
    parts.end().await?;
    let digest = idempotency::digest(&[id.as_bytes(), file_name.as_bytes(), received.fingerprint()]);
    if let Claim::Done(done) = claim {
        return Ok(created(done.answer(&digest)?));
    }
    let receipt = DropReceipt {
        file_name,
        size: received.size(),
        fingerprint: fingerprint(received.fingerprint()),
        received_at: app.clock.now(),
    };
    let accepted = Accepted::through(admitted.id(), &who.origin);
    let mut tx = app.db.write().await?;
    app.sharing.settle(&mut tx, &admitted, received.size(), received.media_type()).await?;
    ingest::record(&mut tx, app.recording(), received, &details, &accepted).await?;
    let answer = serde_json::to_vec(&receipt).map_err(Error::internal)?;
    commit(tx, &mut claim, &digest, &answer).await?;
    app.nudge();
    Ok(created(answer))
}

/// What a sender shows with each request.
pub(super) struct Shown {
    secret: Option<String>,
    password: Option<String>,
}

impl Shown {
    pub(super) fn of(headers: &HeaderMap) -> Shown {
        Shown { secret: header(headers, "lumbung-secret"), password: header(headers, "lumbung-password") }
    }

    pub(super) fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }
}

pub(super) fn details(note: DropNote, file_name: &str, limits: Limits) -> Result<Details> {
    Changes { sender: Some(note.sender), summary: Some(note.note), ..Changes::default() }
        .into_details(file_name, limits)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn show(drop_box: DropBox) -> ShownDrop {
    ShownDrop {
        id: drop_box.id,
        url: None,
        public_id: drop_box.public,
        label: drop_box.label,
        has_password: drop_box.has_password,
        expires_at: drop_box.expires_at,
        max_files: drop_box.max_files,
        max_bytes: drop_box.max_bytes,
        types: drop_box.types,
        files: drop_box.files,
        bytes: drop_box.bytes,
        made_by: drop_box.made_by,
        created_at: drop_box.created_at,
        ended_at: drop_box.ended_at,
    }
}
