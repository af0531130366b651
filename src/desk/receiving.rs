//! The body of an upload: `multipart/form-data` with the part `metadata` and then the part `file`, streamed.

use std::sync::{Arc, Mutex};

use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::{HeaderMap, HeaderName, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256, Sha512};

use crate::{
    app::App,
    document::clean_file_name,
    error::{Error, Kind, Result, say},
    http::broken_off,
    idempotency,
    ingest::too_large,
};

pub use crate::http::cut_off;

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
        while let Some(piece) = part.chunk().await.map_err(|cause| cut_off().because(cause))? {
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
    claimed: Option<Claimed>,
    seen: Arc<Mutex<Hashes>>,
    json_bytes: usize,
}

/// The digest that the client sent in `Content-Digest` (RFC 9530).
pub enum Claimed {
    Sha256(Vec<u8>),
    Sha512(Vec<u8>),
}

#[derive(Default)]
struct Hashes {
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl Parts {
    pub async fn of(app: &App, request: Request) -> Result<Parts> {
        let claimed = content_digest(request.headers())?;
        refuse_at_once(app, request.headers())?;
        let seen = Arc::new(Mutex::new(match claimed {
            Some(Claimed::Sha256(_)) => Hashes { sha256: Some(Sha256::new()), sha512: None },
            Some(Claimed::Sha512(_)) => Hashes { sha256: None, sha512: Some(Sha512::new()) },
            None => Hashes::default(),
        }));
        let (head, body) = request.into_parts();
        let watched = watched(body.into_data_stream(), seen.clone());
        let request = Request::from_parts(head, Body::from_stream(watched));
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
        Ok(Parts { form, claimed, seen, json_bytes: app.config.server.json_bytes })
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
            return Err(Error::invalid(
                "/",
                say("Hanya bagian metadata dan file yang diterima.", "Only the parts metadata and file are taken."),
            ));
        }
        let seen = std::mem::take(&mut *self.seen.lock().map_err(|_| Error::internal("hashing panicked"))?);
        let fits = match self.claimed {
            None => true,
            Some(Claimed::Sha256(claimed)) => seen.sha256.is_some_and(|hash| hash.finalize()[..] == claimed[..]),
            Some(Claimed::Sha512(claimed)) => seen.sha512.is_some_and(|hash| hash.finalize()[..] == claimed[..]),
        };
        if fits { Ok(()) } else { Err(damaged()) }
    }

    async fn next(&mut self) -> Result<Option<Field<'_>>> {
        self.form.next_field().await.map_err(broken_off)
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
    watched(body.into_data_stream(), Arc::default()).map(|piece| piece.map_err(broken_off))
}

/// What the parts around the file take at most, besides the metadata.
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

/// Hashes what passes.
fn watched(
    body: BodyDataStream,
    seen: Arc<Mutex<Hashes>>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + Unpin + use<> {
    Box::pin(body.map(move |piece| {
        let piece = piece?;
        if let Ok(mut seen) = seen.lock() {
            if let Some(hash) = &mut seen.sha256 {
                hash.update(&piece);
            }
            if let Some(hash) = &mut seen.sha512 {
                hash.update(&piece);
            }
        }
        Ok(piece)
    }))
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

/// `Content-Digest: sha-256=:…:`; other algorithms are passed over, as the RFC asks.
pub fn content_digest(headers: &HeaderMap) -> Result<Option<Claimed>> {
    let Some(value) = headers.get(HeaderName::from_static("content-digest")) else { return Ok(None) };
    let text = value.to_str().map_err(|_| unreadable_digest())?;
    for member in text.split(',') {
        let (name, value) = member.trim().split_once('=').ok_or_else(unreadable_digest)?;
        let inner = value.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(unreadable_digest)?;
        let digest = STANDARD.decode(inner).map_err(|_| unreadable_digest())?;
        match (name, digest.len()) {
            ("sha-256", 32) => return Ok(Some(Claimed::Sha256(digest))),
            ("sha-512", 64) => return Ok(Some(Claimed::Sha512(digest))),
            ("sha-256" | "sha-512", _) => return Err(unreadable_digest()),
            _ => {}
        }
    }
    Ok(None)
}

/// The name under which a repeated request is known, if the client gave one.
pub fn repeat_name(
    headers: &HeaderMap,
    office: crate::id::OfficeId,
    route: &'static str,
) -> Result<Option<idempotency::Name>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = idempotency::checked(value.to_str().unwrap_or(""))?;
    Ok(Some(idempotency::Name { office, route, key }))
}

fn unreadable_digest() -> Error {
    Error::bad_request(
        "content-digest",
        say(
            "Content-Digest tidak dapat dibaca; contoh: sha-256=:BASE64:",
            "Content-Digest cannot be read; example: sha-256=:BASE64:",
        ),
    )
}

fn damaged() -> Error {
    Error::bad_request(
        "digest-mismatch",
        say(
            "Isi yang sampai berbeda dari Content-Digest: rusak di jalan. Kirim ulang.",
            "What arrived differs from Content-Digest: it was damaged on the way. Send it again.",
        ),
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
