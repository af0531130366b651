//! The bytes that one request of a resumable upload brings. Of those whose digest was promised all are kept or none; of others,
//! whatever came before a cut.

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::{
    app::App,
    error::{Error, Kind, Result, say},
    http::{broken_off, content_digest},
    ingest::uploads::Upload,
};

pub(super) enum Brought<S> {
    /// Read to its end and compared with what was promised.
    Whole(Bytes),
    /// Nothing was promised: it is kept as it comes.
    Coming(S),
}

/// Refuses what differs from its `Upload-Checksum` or its `Content-Digest`, before anything of it is kept.
pub(super) async fn brought<S>(app: &App, headers: &HeaderMap, bytes: S) -> Result<Brought<S>>
where
    S: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    let (checksum, digest) = (checksum(headers)?, content_digest(headers)?);
    if checksum.is_none() && digest.is_none() {
        return Ok(Brought::Coming(bytes));
    }
    let whole = within(bytes, app.config.upload.part_bytes * 4).await?;
    if let Some(mut digest) = digest {
        digest.see(&whole);
        digest.judge().map_err(broken_off)?;
    }
    match checksum {
        Some((algorithm, expected)) if summed(algorithm, &whole) != expected => Err(damaged()),
        _ => Ok(Brought::Whole(whole)),
    }
}

impl<S> Brought<S>
where
    S: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    /// Adds to the upload; answers what cut it short.
    pub(super) async fn keep(self, app: &App, upload: &mut Upload) -> Result<Option<Error>> {
        match self {
            Brought::Coming(bytes) => {
                let appended = app.ingest.append(upload, bytes).await?;
                upload.received = appended.received;
                Ok(appended.cut)
            }
            Brought::Whole(whole) => {
                upload.received = app.ingest.append_whole(upload, whole).await?;
                Ok(None)
            }
        }
    }
}

/// `Upload-Checksum`: an algorithm and a base64 value.
pub fn checksum(headers: &HeaderMap) -> Result<Option<(&'static str, Vec<u8>)>> {
    let Some(value) = headers.get("upload-checksum") else { return Ok(None) };
    let unreadable = || {
        Error::bad_request(
            "upload-checksum",
            say(
                "Upload-Checksum: sha1, sha256 atau sha512, spasi, nilai base64.",
                "Upload-Checksum: sha1, sha256 or sha512, space, base64 value.",
            ),
        )
    };
    let (name, value) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
    let algorithm = ["sha1", "sha256", "sha512"].into_iter().find(|known| *known == name).ok_or_else(unreadable)?;
    Ok(Some((algorithm, STANDARD.decode(value.trim()).map_err(|_| unreadable())?)))
}

fn summed(algorithm: &str, whole: &[u8]) -> Vec<u8> {
    match algorithm {
        "sha512" => Sha512::digest(whole).to_vec(),
        // The protocol demands it, and it guards against a weak link only: what somebody else could forge is not at stake.
        "sha1" => Sha1::digest(whole).to_vec(),
        _ => Sha256::digest(whole).to_vec(),
    }
}

/// Bytes of which something was promised are kept only when it holds, so they wait in memory: at most four parts' worth.
async fn within(mut bytes: impl Stream<Item = Result<Bytes>> + Unpin, limit: usize) -> Result<Bytes> {
    let mut whole = Vec::new();
    while let Some(piece) = bytes.next().await {
        whole.extend_from_slice(&piece?);
        if whole.len() > limit {
            return Err(Error::too_large(say(
                format!(
                    "Bagian dengan Upload-Checksum atau Content-Digest paling besar {limit} bita; kirim dalam bagian yang lebih kecil."
                ),
                format!("A part with Upload-Checksum or Content-Digest has at most {limit} bytes; send smaller parts."),
            )));
        }
    }
    Ok(whole.into())
}

fn damaged() -> Error {
    Error::new(
        Kind::ChecksumMismatch,
        "checksum-mismatch",
        say(
            "Bagian ini rusak di jalan. Kirim ulang bagian yang sama.",
            "This part was damaged on the way. Send the same part again.",
        ),
    )
}
