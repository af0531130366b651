//! Photographs of several pages, uploaded one by one and held, become one PDF.

use axum::{
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use std::io::Write;
use utoipa::ToSchema;

use super::{documents, receiving, uploads};
use crate::{
    access::Act,
    app::App,
    desk::documents::{record, source},
    document::{Changes, Limits, Shown},
    error::{Error, Kind, Result, say},
    http::{Caller, Json, Problem},
    id::UploadId,
    idempotency,
    ingest::uploads::Upload,
    read::Plaintext,
};

#[derive(Debug, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FromUploads {
    #[serde(default)]
    pub metadata: Changes,
    /// The pictures in the order of the pages.
    pub uploads: Vec<HeldPicture>,
}

#[derive(Debug, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldPicture {
    /// An upload that was begun with `hold` and is complete.
    pub id: UploadId,
    /// Degrees clockwise: 0, 90, 180 or 270.
    #[serde(default)]
    pub turn: u16,
}

/// Binds held pictures to one PDF; JPEGs go in unchanged.
#[utoipa::path(
    post, path = "/api/v1/documents/from-uploads", tag = "documents", request_body = FromUploads,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Shown), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(State(app): State<App>, caller: Caller, request: Request) -> Result<Response> {
    caller.actor.must(Act::Upload)?;
    let office = caller.actor.office();
    let name = receiving::repeat_name(&app, request.headers(), office, "from-uploads")?;
    let Json(body) = <Json<FromUploads> as axum::extract::FromRequest<App>>::from_request(request, &app).await?;
    let digest = idempotency::digest(&[&serde_json::to_vec(&body).map_err(Error::internal)?]);
    let mut claim = idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await?;
    if let idempotency::Claim::Done(done) = claim {
        return Ok(documents::created(done.answer(&digest)?));
    }
    check(&body, app.config.upload.max_pictures)?;
    let ids: Vec<UploadId> = body.uploads.iter().map(|picture| picture.id).collect();
    let pdf = bind(&app, &caller, &body.uploads).await?;
    let file_name = "foto.pdf".to_owned();
    let details = body.metadata.into_details(&file_name, Limits::from(&app.config))?;
    let received = app.ingest.receive(source(&app, &caller, file_name), stream::iter([Ok(pdf.into())])).await?;
    let (answer, tx) = record(&app, &caller, received, &details).await?;
    let answer = serde_json::to_vec(&answer).map_err(Error::internal)?;
    documents::commit(tx, &mut claim, &digest, &answer).await?;
    app.nudge();
    for id in ids {
        if let Err(cause) = app.ingest.drop_upload(id).await {
            tracing::warn!(cause = %cause.chain(), "a held picture stays until it expires");
        }
    }
    Ok(documents::created(answer))
}

fn check(body: &FromUploads, max: usize) -> Result<()> {
    if body.uploads.is_empty() || body.uploads.len() > max {
        return Err(Error::invalid(
            "/uploads",
            say(
                format!("Sertakan 1 sampai {max} gambar (upload.max_pictures)."),
                format!("Give 1 to {max} pictures (upload.max_pictures)."),
            ),
        ));
    }
    match body.uploads.iter().position(|picture| ![0, 90, 180, 270].contains(&picture.turn)) {
        Some(n) => Err(Error::invalid(
            format!("/uploads/{n}/turn"),
            say("Isi 0, 90, 180 atau 270.", "Give 0, 90, 180 or 270."),
        )),
        None => Ok(()),
    }
}

async fn bind(app: &App, caller: &Caller, held: &[HeldPicture]) -> Result<Vec<u8>> {
    let mut uploads = Vec::with_capacity(held.len());
    for (n, picture) in held.iter().enumerate() {
        let upload = uploads::load(app, caller, picture.id).await?;
        if !upload.held || !upload.is_complete() {
            return Err(Error::invalid(
                format!("/uploads/{n}/id"),
                say(
                    "Unggahan ini belum lengkap, atau tidak dimulai dengan hold.",
                    "This upload is not complete, or was not begun with hold.",
                ),
            ));
        }
        uploads.push((upload, picture.turn));
    }
    // Before anything is opened: a picture that is named a hundred times would fill the memory.
    let all: u64 = uploads.iter().map(|(upload, _)| upload.length).sum();
    let most = app.config.reading.max_input_bytes;
    if all > most {
        return Err(Error::invalid(
            "/uploads",
            say(
                format!("Semua gambar bersama paling banyak {most} bita (reading.max_input_bytes); ini {all}."),
                format!("All pictures together may have {most} bytes (reading.max_input_bytes); these have {all}."),
            ),
        ));
    }
    let mut pictures = Vec::with_capacity(uploads.len());
    for (n, (upload, turn)) in uploads.into_iter().enumerate() {
        let mut plaintext = Plaintext::new("picture")?;
        for piece in held_bytes(app, &upload, n).await? {
            plaintext.write_all(&piece)?;
        }
        pictures.push((plaintext, turn));
    }
    app.reader.pictures_to_pdf(pictures).await.map_err(|reason| {
        let said = reason.say();
        Error::new(
            Kind::Invalid,
            "not-pictures",
            say(
                format!("Gambar tidak dapat disatukan: {}", said.id),
                format!("The pictures cannot be bound: {}", said.en),
            ),
        )
    })
}

/// A picture that is damaged or gone is named by its place, so that it alone is uploaded again.
async fn held_bytes(app: &App, upload: &Upload, n: usize) -> Result<Vec<Bytes>> {
    match app.ingest.held_bytes(upload).await {
        Err(cause) if cause.kind() == Kind::Gone => {
            app.ingest.give_up(upload, &cause).await?;
            Err(Error::invalid(format!("/uploads/{n}/id"), cause.detail().clone()))
        }
        bytes => bytes,
    }
}
