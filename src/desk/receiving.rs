//! The body of an upload: `multipart/form-data` with the part `metadata` and then the part `file`, streamed.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::{
    app::App,
    document::clean_file_name,
    error::{Error, Kind, Result, say},
    http::{CONTENT_DIGEST, broken_off, verified},
    idempotency,
    ingest::too_large,
};

/// Text fields of a posted form. All of them together are bounded by `server.json_bytes`, however many there are: nobody has
/// been asked who they are before the fields are read.
pub struct Texts {
    left: usize,
    most: usize,
}

impl Texts {
    pub fn of(app: &App) -> Texts {
        Texts { left: app.config.server.json_bytes, most: app.config.server.json_bytes }
    }

    /// Reads one field whole.
    pub async fn read(&mut self, mut part: Field<'_>) -> Result<(String, String)> {
        let name = part.name().unwrap_or("").to_owned();
        // A field costs its name and its place, also when nothing is in it.
        self.spend(name.len() + 64)?;
        let mut value = Vec::new();
        while let Some(piece) = part.chunk().await.map_err(broken_off)? {
            self.spend(piece.len())?;
            value.extend_from_slice(&piece);
        }
        Ok((name, String::from_utf8_lossy(&value).into_owned()))
    }

    fn spend(&mut self, bytes: usize) -> Result<()> {
        let most = self.most;
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            Error::too_large(say(
                format!("Isian formulir ini terlalu panjang: semuanya paling banyak {most} bita (server.json_bytes)."),
                format!("This form's fields are too long: {most} bytes at most together (server.json_bytes)."),
            ))
        })?;
        Ok(())
    }
}

/// A multipart body on its way.
pub struct Parts {
    form: Multipart,
    /// Of a body with a digest: what the parser leaves unread.
    rest: Option<Shared>,
    json_bytes: usize,
}

impl Parts {
    pub async fn of(app: &App, request: Request) -> Result<Parts> {
        let (head, body) = request.into_parts();
        let body = Shared::of(verified(&head.headers, body)?);
        refuse_at_once(app, &head.headers)?;
        let rest = head.headers.contains_key(CONTENT_DIGEST).then(|| body.clone());
        let request = Request::from_parts(head, Body::from_stream(body));
        let form = Multipart::from_request(request, &()).await.map_err(|cause| {
            Error::new(
                Kind::UnsupportedMedia,
                "multipart-expected",
                say(
                    "Kirim sebagai multipart/form-data dengan bagian metadata lalu file.",
                    "Send multipart/form-data with the parts metadata and then file.",
                ),
            )
            .because(cause)
        })?;
        Ok(Parts { form, rest, json_bytes: app.config.server.json_bytes })
    }

    /// The part `metadata`, which comes first; `None` if the first part is the file and metadata is optional.
    pub async fn metadata(&mut self) -> Result<Bytes> {
        let limit = self.json_bytes;
        let field = self.next().await?.ok_or_else(|| missing("metadata"))?;
        if field.name() != Some("metadata") {
            return Err(out_of_order());
        }
        small(field, limit).await
    }

    /// The part `file`: its cleaned name and its bytes.
    pub async fn file(&mut self, max_name: usize) -> Result<(String, Field<'_>)> {
        let field = self.next().await?.ok_or_else(|| missing("file"))?;
        if field.name() != Some("file") {
            return Err(out_of_order());
        }
        let name = clean_file_name(field.file_name().unwrap_or(""), max_name);
        Ok((name, field))
    }

    /// Either part, for requests in which metadata may be absent.
    pub async fn either(&mut self) -> Result<Either<'_>> {
        let limit = self.json_bytes;
        let field = self.next().await?.ok_or_else(|| missing("file"))?;
        match field.name() {
            Some("metadata") => Ok(Either::Metadata(small(field, limit).await?)),
            Some("file") => Ok(Either::File(field)),
            _ => Err(out_of_order()),
        }
    }

    /// Nothing may follow the file, and the whole body must be what its digest says.
    pub async fn end(mut self) -> Result<()> {
        if self.next().await?.is_some() {
            return Err(too_much());
        }
        match self.rest.take() {
            Some(rest) => rest.read_out().await,
            None => Ok(()),
        }
    }

    async fn next(&mut self) -> Result<Option<Field<'_>>> {
        self.form.next_field().await.map_err(broken_off)
    }
}

/// A body that the parser reads and that can be read to its end where the parser stops: the end says whether the digest fits.
#[derive(Clone)]
struct Shared(Arc<Mutex<BodyDataStream>>);

impl Shared {
    fn of(body: Body) -> Shared {
        Shared(Arc::new(Mutex::new(body.into_data_stream())))
    }

    async fn read_out(mut self) -> Result<()> {
        let mut left = ENVELOPE;
        while let Some(piece) = self.next().await {
            let length = piece.map_err(broken_off)?.len() as u64;
            left = left.checked_sub(length).ok_or_else(too_much)?;
        }
        Ok(())
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.lock() {
            Ok(mut body) => body.poll_next_unpin(context),
            Err(_) => Poll::Ready(Some(Err(axum::Error::new("reading the body panicked")))),
        }
    }
}

/// The next part, where `metadata` is optional.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum Either<'a> {
    Metadata(Bytes),
    File(Field<'a>),
}

/// The bytes of a part.
pub fn bytes(field: Field<'_>) -> impl Stream<Item = Result<Bytes>> + Send + Unpin {
    field.map(|piece| piece.map_err(broken_off))
}

/// A request's raw body, for tus.
pub fn raw(body: Body) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + use<> {
    body.into_data_stream().map(|piece| piece.map_err(broken_off))
}

/// What stands around the parts takes no more than this.
const ENVELOPE: u64 = 64 << 10;

/// A client that says how much it is about to send need not send it to learn that it is too much.
fn refuse_at_once(app: &App, headers: &HeaderMap) -> Result<()> {
    let (max, metadata) = (app.config.upload.max_bytes, app.config.server.json_bytes as u64);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > max.saturating_add(metadata + ENVELOPE) => Err(too_large(max)),
        _ => Ok(()),
    }
}

async fn small(mut field: Field<'_>, limit: usize) -> Result<Bytes> {
    let mut all = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken_off)? {
        if all.len() + piece.len() > limit {
            return Err(Error::too_large(say(
                format!("Bagian metadata melebihi {limit} bita (server.json_bytes)."),
                format!("The part metadata is larger than {limit} bytes (server.json_bytes)."),
            )));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.into())
}

/// The name under which a repeated request is known, if the client gave one.
pub fn repeat_name(
    app: &App,
    headers: &HeaderMap,
    office: crate::id::OfficeId,
    route: &'static str,
) -> Result<Option<idempotency::Name>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = idempotency::checked(value.to_str().unwrap_or(""), app.config.limits.idempotency_key_bytes)?;
    Ok(Some(idempotency::Name { office, route, key }))
}

fn too_much() -> Error {
    Error::invalid(
        "/",
        say("Hanya bagian metadata dan file yang diterima.", "Only the parts metadata and file are taken."),
    )
}

fn missing(part: &str) -> Error {
    Error::invalid(
        format!("/{part}"),
        say(
            format!("Bagian {part} tidak ada. Kirim metadata ({{}} sudah cukup), lalu file."),
            format!("The part {part} is missing. Send metadata ({{}} is enough), then file."),
        ),
    )
}

fn out_of_order() -> Error {
    Error::invalid(
        "/",
        say(
            "Kirim dua bagian, berurutan: metadata (JSON; {} pun cukup), lalu file; tidak ada yang lain.",
            "Send two parts in this order: metadata (JSON; {} is enough), then file; nothing else.",
        ),
    )
}
