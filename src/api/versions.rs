//! New versions of a document. The former ones stay as they were.

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    documents::{commit, created},
    receiving::{self, Either},
};
use crate::{
    access::Act,
    app::App,
    desk::documents::{accepted, load},
    document::{self, Limits, Shown, clean_file_name, show},
    error::{Error, Result, say},
    http::{Caller, Path, Problem, parse_json},
    id::DocumentId,
    idempotency::{self, Claim},
    ingest::{self, Source},
};

/// The parts of a new version.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub struct VersionUpload {
    metadata: Option<VersionNote>,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionNote {
    /// Why there is a new version, at most `limits.note_chars` characters.
    #[serde(default)]
    pub note: String,
}

/// Adds a version; it becomes the one that is shown and found.
#[utoipa::path(
    post, path = "/api/v1/documents/{id}/versions", tag = "documents",
    params(("id" = DocumentId, Path), ("Idempotency-Key" = Option<String>, Header), ("Content-Digest" = Option<String>, Header)),
    request_body(content = VersionUpload, content_type = "multipart/form-data"),
    responses((status = 201, body = Shown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DocumentId>,
    request: Request,
) -> Result<Response> {
    let document = load(&app, &caller.actor, id, Act::Upload).await?;
    document.must_be_own()?;
    let name = receiving::repeat_name(&app, request.headers(), document.office, "versions")?;
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    let mut parts = receiving::Parts::of(&app, request).await?;
    let mut note = VersionNote::default();
    let mut first = parts.either().await?;
    if let Either::Metadata(bytes) = first {
        note = parse_json(&bytes)?;
        Limits::from(&app.config).check_note("/metadata/note", &note.note)?;
        first = parts.either().await?;
    }
    let Either::File(field) = first else {
        return Err(Error::invalid("/file", say("Bagian file tidak ada.", "The part file is missing.")));
    };
    let file_name = clean_file_name(field.file_name().unwrap_or(""), app.config.upload.max_file_name);
    let source = Source::new(document.office, file_name.clone(), app.config.upload.max_bytes);
    let received = app.ingest.receive(source, receiving::bytes(field)).await?;
    parts.end().await?;
    let digest = idempotency::digest(&[id.to_string().as_bytes(), note.note.as_bytes(), received.fingerprint()]);
    if let Claim::Done(done) = claim {
        return Ok(created(done.answer(&digest)?));
    }
    let mut tx = app.db.write().await?;
    let accepted = accepted(&caller);
    ingest::record_version(&mut tx, app.recording(), &document, received, note.note, &accepted).await?;
    let document = document::load_any(&mut tx, &app.keys, id).await?;
    let answer = serde_json::to_vec(&show(&document)).map_err(Error::internal)?;
    commit(tx, &mut claim, &digest, &answer).await?;
    app.nudge();
    Ok(created(answer))
}
