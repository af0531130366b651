//! Resumable uploads by tus 1.0.0: core, creation, creation-with-upload, expiration, checksum, termination. What HEAD
//! told survives a kill of the server. Of an upload that cannot go on, because a part of it is damaged or gone, the client learns
//! by 410 that it begins another one.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{receiving, upload_parts::brought};
use crate::{
    access::Act,
    app::App,
    audit::Who,
    crash::{Point, point},
    document::{Changes, Details, Limits, clean_file_name},
    error::{Error, Kind, Result, say},
    http::{Caller, Path, Problem, parse_json},
    id::{DocumentId, UploadId},
    idempotency::{self, Claim, First},
    ingest::{
        self, Accepted,
        uploads::{Begin, Upload},
    },
    share::drops::Admitted,
};

pub(super) const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const OFFSET_TYPE: &str = "application/offset+octet-stream";

/// What the server can do, for clients that ask first.
#[utoipa::path(options, path = "/api/v1/uploads", tag = "uploads", security(()), responses((status = 204)))]
pub async fn options(State(app): State<App>) -> Response {
    abilities(&app)
}

pub(super) fn abilities(app: &App) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert("tus-resumable", VERSION);
    headers.insert("tus-version", VERSION);
    headers.insert(
        "tus-extension",
        HeaderValue::from_static("creation,creation-with-upload,expiration,checksum,termination"),
    );
    headers.insert("tus-checksum-algorithm", HeaderValue::from_static("sha1,sha256,sha512"));
    headers.insert("tus-max-size", HeaderValue::from(app.config.upload.max_bytes));
    response
}

/// Begins an upload. `Upload-Metadata` carries `filename`, `metadata` (the JSON of a document's details) and `hold`. What is
/// begun again with the same `Idempotency-Key` is the same upload: the answer tells how far it is, and bytes that the repeat
/// brings are not taken.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "uploads",
    params(
        ("Tus-Resumable" = String, Header), ("Upload-Length" = u64, Header), ("Upload-Metadata" = Option<String>, Header),
        ("Idempotency-Key" = Option<String>, Header), ("Upload-Checksum" = Option<String>, Header),
        ("Content-Digest" = Option<String>, Header)
    ),
    responses((status = 201, description = "Location names the upload"), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(State(app): State<App>, caller: Caller, request: Request) -> Result<Response> {
    caller.actor.must(Act::Upload)?;
    let (head, body) = request.into_parts();
    speaks_tus(&head.headers)?;
    let begin = begin(&app, &caller, &head.headers)?;
    let named = match asked(&app, &head.headers, &begin, "uploads").await? {
        Asked::Before(id) => return again(&app, &caller, id).await,
        Asked::Now(named) => named,
    };
    // Before the upload is begun: of what is damaged nothing stays, not even an upload whose address nobody was told.
    let bytes = match carries_bytes(&head.headers) {
        true => Some(brought(&app, &head.headers, receiving::raw(body)).await?),
        false => None,
    };
    let mut upload = app.ingest.begin_upload(begin, named).await?;
    if let Some(bytes) = bytes {
        // Cut short or not, the upload exists: the client learns its address and goes on from its offset.
        bytes.keep(&app, &mut upload).await?;
    }
    let document = finish(&app, &caller, &upload).await?;
    Ok(placed(&app, upload.id, progress(StatusCode::CREATED, &upload, document)))
}

/// The same upload once more, and how far it is by now.
async fn again(app: &App, caller: &Caller, id: UploadId) -> Result<Response> {
    let response = match load(app, caller, id).await {
        Ok(upload) => match finish(app, caller, &upload).await {
            Err(cause) if cause.kind() == Kind::Gone => ended(),
            document => progress(StatusCode::CREATED, &upload, document?),
        },
        Err(cause) if cause.kind() == Kind::NotFound => ended(),
        Err(cause) => return Err(cause),
    };
    Ok(placed(app, id, response))
}

fn placed(app: &App, id: UploadId, mut response: Response) -> Response {
    let location = format!("{}/api/v1/uploads/{id}", app.public_url());
    response.headers_mut().insert(header::LOCATION, text(&location));
    response
}

/// Whether an upload is begun now, or was begun by the same request before.
pub(super) enum Asked {
    /// With the claim on the name of the request, if it has one.
    Now(Option<First>),
    Before(UploadId),
}

pub(super) async fn asked(app: &App, headers: &HeaderMap, begin: &Begin, route: &'static str) -> Result<Asked> {
    let name = receiving::repeat_name(app, headers, begin.office, route)?;
    Ok(match idempotency::claim(&app.db, &app.clock, app.repeat_key(), name).await? {
        Claim::Unnamed => Asked::Now(None),
        Claim::First(first) => Asked::Now(Some(first)),
        Claim::Done(done) => Asked::Before(ingest::uploads::begun_before(&done.answer(&begin.digest())?)?),
    })
}

/// The first answer again, of an upload that was ended, has expired or was damaged since: whoever goes on is told so.
pub(super) fn ended() -> Response {
    let mut response = StatusCode::CREATED.into_response();
    response.headers_mut().insert("tus-resumable", VERSION);
    response
}

/// How far an upload is.
#[utoipa::path(
    head, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = UploadId, Path), ("Tus-Resumable" = String, Header)),
    responses((status = 200), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn head(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UploadId>,
    headers: HeaderMap,
) -> Result<Response> {
    speaks_tus(&headers)?;
    let upload = load(&app, &caller, id).await?;
    // A server that died between the last byte and the document finishes here: the client asks before it goes on.
    let document = finish(&app, &caller, &upload).await?;
    let mut response = progress(StatusCode::OK, &upload, document);
    tell_length(&mut response, &upload);
    let out = response.headers_mut();
    if let Some(why) = upload.failed.as_deref().filter(|_| document.is_none()) {
        out.insert("lumbung-failed", text(why));
    }
    Ok(response)
}

/// Goes on from `Upload-Offset`. The answer that completes the upload names the document in `Lumbung-Document`.
#[utoipa::path(
    patch, path = "/api/v1/uploads/{id}", tag = "uploads",
    params(
        ("id" = UploadId, Path), ("Tus-Resumable" = String, Header), ("Upload-Offset" = u64, Header),
        ("Upload-Checksum" = Option<String>, Header), ("Content-Digest" = Option<String>, Header)
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UploadId>,
    request: Request,
) -> Result<Response> {
    let (head, body) = request.into_parts();
    speaks_tus(&head.headers)?;
    let mut upload = load(&app, &caller, id).await?;
    goes_on_from(&upload, &head.headers)?;
    let bytes = brought(&app, &head.headers, receiving::raw(body)).await?;
    if let Some(cause) = bytes.keep(&app, &mut upload).await? {
        return Err(cause);
    }
    let document = finish(&app, &caller, &upload).await?;
    Ok(progress(StatusCode::NO_CONTENT, &upload, document))
}

/// Ends an upload and drops what arrived of it. A document that it became stays.
#[utoipa::path(
    delete, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = UploadId, Path), ("Tus-Resumable" = String, Header)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UploadId>,
    headers: HeaderMap,
) -> Result<Response> {
    speaks_tus(&headers)?;
    let upload = load(&app, &caller, id).await?;
    app.ingest.drop_upload(upload.id).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert("tus-resumable", VERSION);
    Ok(response)
}

/// An upload of the caller's office that the same person began; else 404.
pub async fn load(app: &App, caller: &Caller, id: UploadId) -> Result<Upload> {
    let (office, person) = (caller.actor.office(), Some(caller.actor.person()));
    let may = caller.actor.may(Act::Upload);
    app.ingest
        .upload(id, |upload| may && upload.office == office && upload.person == person && upload.drop.is_none())
        .await
}

fn begin(app: &App, caller: &Caller, headers: &HeaderMap) -> Result<Begin> {
    let length = length(headers)?;
    let pairs = metadata_pairs(headers)?;
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice());
    let file_name = String::from_utf8_lossy(value("filename").unwrap_or(b"")).into_owned();
    let file_name = clean_file_name(&file_name, app.config.upload.max_file_name);
    let held = value("hold").is_some();
    let metadata = match value("metadata") {
        Some(json) => json.to_vec(),
        None if held => b"{}".to_vec(),
        None => {
            return Err(Error::invalid(
                "/metadata",
                say(
                    "Upload-Metadata harus memuat metadata ({} sudah cukup).",
                    "Upload-Metadata must carry metadata ({} is enough).",
                ),
            ));
        }
    };
    // Mistakes in the details are told now, not after hours of uploading.
    parse_json::<Changes>(&metadata)?.into_details(&file_name, Limits::from(&app.config))?;
    Ok(Begin {
        office: caller.actor.office(),
        person: Some(caller.actor.person()),
        drop: None,
        length,
        file_name,
        metadata: String::from_utf8(metadata).map_err(Error::internal)?,
        held,
    })
}

/// Makes a document of an upload whose last byte arrived. Asked again it answers the same document.
async fn finish(app: &App, caller: &Caller, upload: &Upload) -> Result<Option<DocumentId>> {
    if upload.held && upload.is_complete() && upload.failed.is_some() {
        return Err(ingest::uploads::damaged());
    }
    if !upload.is_complete() || upload.held || upload.document.is_some() {
        return Ok(upload.document);
    }
    let accepted = Accepted {
        who: Who::from(&caller.actor),
        person: Some(caller.actor.person()),
        origin: caller.origin.clone(),
        drop: None,
    };
    let changes: Changes = parse_json(upload.metadata.as_bytes())?;
    let details = changes.into_details(&upload.file_name, Limits::from(&app.config))?;
    complete(app, upload, &details, &accepted, None).await.map(Some)
}

/// The parts become one document, within the limits of the link by which it comes; two completions at once make one.
pub(super) async fn complete(
    app: &App,
    upload: &Upload,
    details: &Details,
    accepted: &Accepted,
    admitted: Option<&Admitted>,
) -> Result<DocumentId> {
    let received = match app.ingest.receive_upload(upload).await {
        Err(cause) if cause.kind() == Kind::Gone => {
            return app.ingest.give_up(upload, &cause).await?.ok_or(cause);
        }
        received => received?,
    };
    let mut tx = app.db.write().await?;
    if let Some(admitted) = admitted {
        app.sharing.settle(&mut tx, admitted, received.size(), received.media_type()).await?;
    }
    let kept = ingest::record(&mut tx, app.recording(), received, details, accepted).await?;
    let recorded = kept.created.recorded;
    if !app.ingest.finish_upload(&mut tx, upload.id, recorded.document).await? {
        drop(tx);
        let now = app.ingest.upload(upload.id, |_| true).await?;
        return now.document.ok_or_else(Error::not_found);
    }
    point(Point::UploadTied);
    tx.commit().await?;
    point(Point::UploadCommitted);
    app.nudge();
    if let Err(cause) = app.ingest.drop_parts(upload.id).await {
        tracing::warn!(cause = %cause.chain(), "parts of a finished upload stay until it expires");
    }
    Ok(recorded.document)
}

/// How long the whole will be; nobody may keep an answer that is old in a moment.
pub(super) fn tell_length(response: &mut Response, upload: &Upload) {
    let headers = response.headers_mut();
    headers.insert("upload-length", HeaderValue::from(upload.length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

pub fn progress(status: StatusCode, upload: &Upload, document: Option<DocumentId>) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert("tus-resumable", VERSION);
    headers.insert("upload-offset", HeaderValue::from(upload.received));
    let expires = upload.expires_at.timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    headers.insert("upload-expires", text(&expires));
    if let Some(document) = document {
        headers.insert("lumbung-document", text(&document.to_string()));
    }
    response
}

pub(super) fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("-"))
}

pub fn speaks_tus(headers: &HeaderMap) -> Result<()> {
    if headers.get("tus-resumable") == Some(&VERSION) {
        return Ok(());
    }
    Err(Error::new(
        Kind::PreconditionFailed,
        "tus-version",
        say("Sertakan Tus-Resumable: 1.0.0.", "Send Tus-Resumable: 1.0.0."),
    ))
}

pub fn number(headers: &HeaderMap, name: &'static str) -> Result<u64> {
    let value = headers.get(HeaderName::from_static(name)).and_then(|value| value.to_str().ok());
    value.and_then(|text| text.parse().ok()).ok_or_else(|| {
        Error::bad_request(
            name,
            say(format!("Kepala {name} harus berupa bilangan."), format!("The header {name} must be a number.")),
        )
    })
}

/// The length of the whole, which a client says when it begins.
pub(super) fn length(headers: &HeaderMap) -> Result<u64> {
    if headers.contains_key("upload-defer-length") {
        return Err(Error::bad_request(
            "upload-length",
            say(
                "Sebutkan Upload-Length di awal; panjang yang ditunda tidak didukung.",
                "Give Upload-Length at the start; a deferred length is not supported.",
            ),
        ));
    }
    number(headers, "upload-length")
}

/// Whether a request that begins an upload brings bytes too.
pub(super) fn carries_bytes(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == OFFSET_TYPE)
}

/// A PATCH brings bytes, from where the upload is now.
pub(super) fn goes_on_from(upload: &Upload, headers: &HeaderMap) -> Result<()> {
    if !carries_bytes(headers) {
        return Err(Error::new(
            Kind::UnsupportedMedia,
            "offset-octet-stream-expected",
            say(
                "Kirim dengan Content-Type: application/offset+octet-stream.",
                "Send with Content-Type: application/offset+octet-stream.",
            ),
        ));
    }
    if number(headers, "upload-offset")? == upload.received { Ok(()) } else { Err(ingest::uploads::wrong_offset()) }
}

/// `Upload-Metadata`: pairs of a name and a base64 value, separated by commas.
pub fn metadata_pairs(headers: &HeaderMap) -> Result<Vec<(String, Vec<u8>)>> {
    let Some(value) = headers.get("upload-metadata") else { return Ok(Vec::new()) };
    let unreadable = || {
        Error::bad_request(
            "upload-metadata",
            say(
                "Upload-Metadata tidak dapat dibaca: nama, spasi, nilai base64; dipisah koma.",
                "Upload-Metadata cannot be read: name, space, base64 value; separated by commas.",
            ),
        )
    };
    let text = value.to_str().map_err(|_| unreadable())?;
    let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| unreadable())?;
        let is_known = ["filename", "metadata", "hold", "filetype"].contains(&name);
        if !is_known || pairs.iter().any(|(known, _)| known == name) {
            return Err(unreadable());
        }
        pairs.push((name.to_owned(), value));
    }
    Ok(pairs)
}
