//! `Content-Digest` (RFC 9530): what a client says of its body as it sends it. What differs was damaged on the way.

use axum::{
    body::{Body, BodyDataStream},
    http::HeaderMap,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256, Sha512};

use crate::error::{Error, Result, say};

pub const CONTENT_DIGEST: &str = "content-digest";

/// The digest that a client sent, beside the one of what has come so far.
pub enum Claimed {
    Sha256(Sha256, Vec<u8>),
    Sha512(Sha512, Vec<u8>),
}

impl Claimed {
    pub fn see(&mut self, piece: &[u8]) {
        match self {
            Claimed::Sha256(hash, _) => hash.update(piece),
            Claimed::Sha512(hash, _) => hash.update(piece),
        }
    }

    /// Whether what was seen is the whole of what was claimed.
    pub fn judge(self) -> Result<(), Damaged> {
        let fits = match self {
            Claimed::Sha256(hash, claimed) => hash.finalize()[..] == claimed[..],
            Claimed::Sha512(hash, claimed) => hash.finalize()[..] == claimed[..],
        };
        if fits { Ok(()) } else { Err(Damaged) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the body differs from its Content-Digest")]
pub struct Damaged;

/// `Content-Digest: sha-256=:…:`; other algorithms are passed over, as the RFC asks.
pub fn content_digest(headers: &HeaderMap) -> Result<Option<Claimed>> {
    let Some(value) = headers.get(CONTENT_DIGEST) else { return Ok(None) };
    let text = value.to_str().map_err(|_| unreadable())?;
    for member in text.split(',') {
        let (name, value) = member.trim().split_once('=').ok_or_else(unreadable)?;
        let inner = value.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(unreadable)?;
        let digest = STANDARD.decode(inner).map_err(|_| unreadable())?;
        match (name, digest.len()) {
            ("sha-256", 32) => return Ok(Some(Claimed::Sha256(Sha256::new(), digest))),
            ("sha-512", 64) => return Ok(Some(Claimed::Sha512(Sha512::new(), digest))),
            ("sha-256" | "sha-512", _) => return Err(unreadable()),
            _ => {}
        }
    }
    Ok(None)
}

/// The body as it is, ending in an error if it is not what its digest says. Whoever reads it has to read on to its end.
pub fn verified(headers: &HeaderMap, body: Body) -> Result<Body> {
    Ok(match content_digest(headers)? {
        Some(claimed) => Body::from_stream(judged(body.into_data_stream(), claimed)),
        None => body,
    })
}

fn judged(
    mut body: BodyDataStream,
    mut claimed: Claimed,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static {
    async_stream::try_stream! {
        while let Some(piece) = body.next().await {
            let piece = piece?;
            claimed.see(&piece);
            yield piece;
        }
        claimed.judge().map_err(axum::Error::new)?;
    }
}

fn unreadable() -> Error {
    Error::bad_request(
        "content-digest",
        say(
            "Content-Digest tidak dapat dibaca; contoh: sha-256=:BASE64:",
            "Content-Digest cannot be read; example: sha-256=:BASE64:",
        ),
    )
}

pub(super) fn damaged() -> Error {
    Error::bad_request(
        "digest-mismatch",
        say(
            "Isi yang sampai berbeda dari Content-Digest: rusak di jalan. Kirim ulang.",
            "What arrived differs from Content-Digest: it was damaged on the way. Send it again.",
        ),
    )
}
