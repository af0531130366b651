//! Resumable uploads of a sender with an upload-only link: the protocol of the office's own uploads, begun by
//! `POST /api/v1/drops/{public id}/files`. Every request shows the secret, so that a link that ends stops what is on its way,
//! and what the sender gets is a receipt.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::{
    drops::{DropNote, DropReceipt, Shown, details},
    receiving,
    upload_parts::brought,
    uploads::{self, Asked},
};
use crate::{
    app::App,
    desk::shared::visitor,
    document::{Limits, clean_file_name, fingerprint},
    error::{Error, Kind, Result, say},
    http::{Path, Problem, Who, parse_json},
    id::UploadId,
    ingest::{
        Accepted,
        uploads::{Begin, Finished, ForDrop, Upload},
    },
    share::drops::Admitted,
};

/// What the server can do, for clients that ask first.
#[utoipa::path(
    options, path = "/api/v1/drops/{id}/files", tag = "drops", security(()),
    params(("id" = String, Path, description = "The public id")), responses((status = 204))
)]
pub async fn options(State(app): State<App>) -> Response {
    uploads::abilities(&app)
}

/// Begins an upload of a sender who was let in.
pub(super) async fn create(
    app: &App,
    who: &Who,
    public: &str,
    admitted: &Admitted,
    request: Request,
) -> Result<Response> {
    let (head, body) = request.into_parts();
    uploads::speaks_tus(&head.headers)?;
    let begin = begin(app, admitted, &head.headers)?;
    let named = match uploads::asked(app, &head.headers, &begin, "drop-uploads").await? {
        Asked::Before(id) => return again(app, who, public, admitted, id).await,
        Asked::Now(named) => named,
    };
    let bytes = match uploads::carries_bytes(&head.headers) {
        true => Some(brought(app, &head.headers, while_open(app, admitted, body)).await?),
        false => None,
    };
    let mut upload = app.ingest.begin_upload(begin, named).await?;
    if let Some(bytes) = bytes {
        // Cut short or not, the upload exists: the client learns its address and goes on from its offset.
        bytes.keep(app, &mut upload).await?;
    }
    let finished = finish(app, who, admitted, &upload).await?;
    Ok(placed(app, public, upload.id, progress(StatusCode::CREATED, &upload, finished)))
}

/// The same upload once more, and how far it is by now.
async fn again(app: &App, who: &Who, public: &str, admitted: &Admitted, id: UploadId) -> Result<Response> {
    let response = match own(app, admitted, id).await {
        Ok(upload) => match finish(app, who, admitted, &upload).await {
            Err(cause) if cause.kind() == Kind::Gone => uploads::ended(),
            finished => progress(StatusCode::CREATED, &upload, finished?),
        },
        Err(cause) if cause.kind() == Kind::NotFound => uploads::ended(),
        Err(cause) => return Err(cause),
    };
    Ok(placed(app, public, id, response))
}

fn placed(app: &App, public: &str, id: UploadId, mut response: Response) -> Response {
    let location = format!("{}/api/v1/drops/{public}/files/{id}", app.public_url());
    response.headers_mut().insert(header::LOCATION, uploads::text(&location));
    response
}

/// The receipt of a file that was brought whole; 404 before.
#[utoipa::path(
    get, path = "/api/v1/drops/{id}/files/{upload}", tag = "drops", security(()),
    params(("id" = String, Path, description = "The public id"), ("upload" = UploadId, Path),
           ("Lumbung-Secret" = String, Header), ("Lumbung-Password" = Option<String>, Header)),
    responses((status = 200, body = DropReceipt), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(
    State(app): State<App>,
    who: Who,
    Path((id, upload)): Path<(String, UploadId)>,
    headers: HeaderMap,
) -> Result<axum::Json<DropReceipt>> {
    let (_, upload) = load(&app, &who, &id, upload, &headers).await?;
    let Finished { file_name, size, fingerprint: print, at } =
        app.ingest.finished(upload.id).await?.ok_or_else(Error::not_found)?;
    Ok(axum::Json(DropReceipt { file_name, size, fingerprint: fingerprint(&print), received_at: at }))
}

/// How far an upload is.
#[utoipa::path(
    head, path = "/api/v1/drops/{id}/files/{upload}", tag = "drops", security(()),
    params(("id" = String, Path, description = "The public id"), ("upload" = UploadId, Path),
           ("Lumbung-Secret" = String, Header), ("Lumbung-Password" = Option<String>, Header), ("Tus-Resumable" = String, Header)),
    responses((status = 200), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn head(
    State(app): State<App>,
    who: Who,
    Path((id, upload)): Path<(String, UploadId)>,
    headers: HeaderMap,
) -> Result<Response> {
    let (admitted, upload) = load(&app, &who, &id, upload, &headers).await?;
    uploads::speaks_tus(&headers)?;
    let finished = finish(&app, &who, &admitted, &upload).await?;
    let mut response = progress(StatusCode::OK, &upload, finished);
    uploads::tell_length(&mut response, &upload);
    Ok(response)
}

/// Goes on from `Upload-Offset`. The answer that completes the file carries its `Lumbung-Fingerprint`.
#[utoipa::path(
    patch, path = "/api/v1/drops/{id}/files/{upload}", tag = "drops", security(()),
    params(("id" = String, Path, description = "The public id"), ("upload" = UploadId, Path),
           ("Lumbung-Secret" = String, Header), ("Lumbung-Password" = Option<String>, Header), ("Tus-Resumable" = String, Header),
           ("Upload-Offset" = u64, Header), ("Upload-Checksum" = Option<String>, Header),
           ("Content-Digest" = Option<String>, Header)),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn patch(
    State(app): State<App>,
    who: Who,
    Path((id, upload)): Path<(String, UploadId)>,
    request: Request,
) -> Result<Response> {
    let (head, body) = request.into_parts();
    let (admitted, mut upload) = load(&app, &who, &id, upload, &head.headers).await?;
    uploads::speaks_tus(&head.headers)?;
    uploads::goes_on_from(&upload, &head.headers)?;
    let bytes = brought(&app, &head.headers, while_open(&app, &admitted, body)).await?;
    if let Some(cause) = bytes.keep(&app, &mut upload).await? {
        return Err(cause);
    }
    let finished = finish(&app, &who, &admitted, &upload).await?;
    Ok(progress(StatusCode::NO_CONTENT, &upload, finished))
}

/// Ends an upload and drops what arrived of it. A file that was brought whole stays with the office.
#[utoipa::path(
    delete, path = "/api/v1/drops/{id}/files/{upload}", tag = "drops", security(()),
    params(("id" = String, Path, description = "The public id"), ("upload" = UploadId, Path),
           ("Lumbung-Secret" = String, Header), ("Lumbung-Password" = Option<String>, Header), ("Tus-Resumable" = String, Header)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(
    State(app): State<App>,
    who: Who,
    Path((id, upload)): Path<(String, UploadId)>,
    headers: HeaderMap,
) -> Result<Response> {
    let (_, upload) = load(&app, &who, &id, upload, &headers).await?;
    uploads::speaks_tus(&headers)?;
    app.ingest.drop_upload(upload.id).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert("tus-resumable", uploads::VERSION);
    Ok(response)
}

/// An upload that was begun by this link, for whoever shows its secret; else 404.
async fn load(app: &App, who: &Who, public: &str, upload: UploadId, headers: &HeaderMap) -> Result<(Admitted, Upload)> {
    let shown = Shown::of(headers);
    let admitted = app.sharing.admit_again(public, shown.secret(), shown.password(), visitor(who)).await?;
    let upload = own(app, &admitted, upload).await?;
    Ok((admitted, upload))
}

async fn own(app: &App, admitted: &Admitted, upload: UploadId) -> Result<Upload> {
    app.ingest.upload(upload, |upload| upload.drop == Some(admitted.id())).await
}

fn begin(app: &App, admitted: &Admitted, headers: &HeaderMap) -> Result<Begin> {
    let length = uploads::length(headers)?;
    if length > admitted.room() {
        return Err(Error::too_large(say(
            format!(
                "Tautan ini masih menerima {} bita. Kirim berkas yang lebih kecil, atau hubungi kantor penerima.",
                admitted.room()
            ),
            format!(
                "This link takes {} bytes more. Send a smaller file, or ask the receiving office.",
                admitted.room()
            ),
        )));
    }
    let pairs = uploads::metadata_pairs(headers)?;
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice());
    if value("hold").is_some() {
        return Err(Error::invalid(
            "/hold",
            say("Hanya untuk unggahan kantor sendiri.", "Only for an office's own uploads."),
        ));
    }
    let file_name = String::from_utf8_lossy(value("filename").unwrap_or(b"")).into_owned();
    let file_name = clean_file_name(&file_name, app.config.upload.max_file_name);
    let note = match value("metadata") {
        Some(json) => parse_json::<DropNote>(json)?,
        None => DropNote::default(),
    };
    let metadata = serde_json::to_string(&note).map_err(Error::internal)?;
    // Mistakes in the note are told now, not after hours of uploading.
    details(note, &file_name, Limits::from(&app.config))?;
    let drop = ForDrop { id: admitted.id(), max_bytes: admitted.max_bytes() };
    Ok(Begin { office: admitted.office(), person: None, drop: Some(drop), length, file_name, metadata, held: false })
}

/// A request's bytes for as long as the link takes any: one that is revoked stops a long file in its midst.
fn while_open<'a>(
    app: &'a App,
    admitted: &'a Admitted,
    body: Body,
) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + 'a {
    let mut bytes = receiving::raw(body);
    let step = app.config.upload.part_bytes;
    Box::pin(async_stream::try_stream! {
        let mut passed = 0;
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            passed += piece.len();
            if passed >= step {
                app.sharing.takes_on(admitted).await?;
                passed = 0;
            }
            yield piece;
        }
    })
}

/// Makes a document of a file whose last byte arrived, if the link has a place for it. Asked again it tells the receipt.
async fn finish(app: &App, who: &Who, admitted: &Admitted, upload: &Upload) -> Result<Option<Finished>> {
    if !upload.is_complete() {
        return Ok(None);
    }
    if upload.document.is_none()
        && let Err(refusal) = record(app, who, admitted, upload).await
    {
        // Another request for the same file may have been first, and have taken the last place.
        let now = app.ingest.upload(upload.id, |_| true).await?;
        if now.document.is_none() {
            if is_final(&refusal) {
                app.ingest.drop_upload(upload.id).await?;
            }
            return Err(refusal);
        }
    }
    app.ingest.finished(upload.id).await
}

async fn record(app: &App, who: &Who, admitted: &Admitted, upload: &Upload) -> Result<()> {
    let note: DropNote = parse_json(upload.metadata.as_bytes())?;
    let details = details(note, &upload.file_name, Limits::from(&app.config))?;
    uploads::complete(app, upload, &details, &Accepted::through(admitted.id(), &who.origin), Some(admitted))
        .await
        .map(drop)
}

/// What the link never takes: a file of another type, or one more than its limits.
fn is_final(refusal: &Error) -> bool {
    matches!(refusal.kind(), Kind::UnsupportedMedia | Kind::TooLarge | Kind::Invalid)
}

fn progress(status: StatusCode, upload: &Upload, finished: Option<Finished>) -> Response {
    let mut response = uploads::progress(status, upload, None);
    if let Some(finished) = finished {
        let print = uploads::text(&fingerprint(&finished.fingerprint));
        response.headers_mut().insert("lumbung-fingerprint", print);
    }
    response
}
