//! Original bytes: one row, one ranged GET, and only the chunks that the range touches are decrypted.

use std::io::Write;
use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};

use super::{Grant, Shelf, sql};
use crate::{
    blob::{Body, ObjectName},
    document::Version,
    error::{Error, Kind, Result, say},
    id::{BlobId, OfficeId},
    read::Plaintext,
    seal::{ObjectKey, Opener},
};

/// A part of the original, from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

/// Bytes on their way, and which part of how much they are.
pub struct Content {
    pub stream: BoxStream<'static, Result<Bytes>>,
    pub span: Span,
    pub size: u64,
}

impl Shelf {
    /// The original, or a part of it. `None` is everything.
    pub async fn content(&self, grant: &Grant, span: Option<Span>) -> Result<Content> {
        grant.must_allow_original()?;
        must_be_harmless(&grant.version)?;
        let (opener, name) = self.opener(&grant.version, grant.owner).await?;
        let size = opener.plain_size();
        let span = span.unwrap_or(Span { start: 0, end: size });
        if span.start > span.end || span.end > size {
            return Err(no_such_range(size));
        }
        let plan = opener.plan(span.start..span.end)?;
        let sealed = self.fetch(&name, plan.sealed()).await?;
        let stream = opener.open_stream(plan, sealed.stream).boxed();
        Ok(Content { stream, span, size })
    }

    /// Everything into memory that has no name on any disk, for the reader's jail.
    pub async fn plaintext(&self, version: &Version, owner: OfficeId) -> Result<Plaintext> {
        let mut pieces = self.unread(version, owner).await?;
        let mut plaintext = Plaintext::new("document")?;
        while let Some(piece) = pieces.next().await {
            plaintext.write_all(&piece?)?;
        }
        Ok(plaintext)
    }

    /// The bytes on their way to a machine that looks at them, never to a person.
    pub async fn unread(&self, version: &Version, owner: OfficeId) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (opener, name) = self.opener(version, owner).await?;
        let plan = opener.plan_whole();
        let sealed = self.fetch(&name, plan.sealed()).await?;
        Ok(opener.open_stream(plan, sealed.stream).boxed())
    }

    /// A part of a sealed object that must be there.
    pub(super) async fn fetch(&self, name: &ObjectName, range: Range<u64>) -> Result<Body> {
        self.store.get(name, Some(range)).await
    }

    pub(super) async fn opener(&self, version: &Version, owner: OfficeId) -> Result<(Opener, ObjectName)> {
        let (object, key_version, wrapped) = sql::object(&self.db, version.blob, owner).await?.ok_or_else(lost)?;
        let bytes = self.keys.unwrap_for(owner, BlobId(version.blob), key_version, &wrapped).await?;
        Ok((Opener::new(&ObjectKey::from_bytes(&bytes)?), named(&object)?))
    }

    /// The key of a version's blob, unwrapped with its owner's key.
    pub async fn object_key(&self, version: &Version, owner: OfficeId) -> Result<ObjectKey> {
        self.key_of(version.blob, owner).await
    }

    pub(super) async fn key_of(&self, blob: uuid::Uuid, owner: OfficeId) -> Result<ObjectKey> {
        let row = sql::key(&self.db, blob, owner).await?.ok_or_else(lost)?;
        self.unwrapped(&row).await
    }

    pub(super) async fn unwrapped(&self, row: &sql::KeyRow) -> Result<ObjectKey> {
        let bytes = self.keys.unwrap_for(OfficeId(row.office), BlobId(row.blob), row.version, &row.wrapped).await?;
        ObjectKey::from_bytes(&bytes)
    }
}

/// Pictures of its pages are made in a jail and still shown; the file itself could harm whoever opens it.
fn must_be_harmless(version: &Version) -> Result<()> {
    let Some(found) = version.scan.found() else { return Ok(()) };
    Err(Error::forbidden(
        "infected",
        say(
            format!(
                "Antivirus menemukan {found} di berkas ini; berkas aslinya tidak diberikan. Minta pengirim mengirim berkas yang bersih, atau tanyakan operator."
            ),
            format!(
                "The antivirus found {found} in this file; the original is not given out. Ask the sender for a clean one, or ask the operator."
            ),
        ),
    ))
}

pub fn no_such_range(size: u64) -> Error {
    Error::new(
        Kind::RangeNotSatisfiable,
        "range",
        say(
            format!("Bagian itu tidak ada; berkas ini {size} bita."),
            format!("There is no such range; the file has {size} bytes."),
        ),
    )
}

/// The name of an object as the database keeps it.
pub(super) fn named(text: &str) -> Result<ObjectName> {
    ObjectName::parse(text).ok_or_else(|| Error::internal("the database names an object that no store can have"))
}

pub(super) fn lost() -> Error {
    Error::internal("the database has no key or object for a version")
}

/// Collects a short stream; for derivations, whose size is bounded.
pub(super) async fn collect(mut pieces: impl Stream<Item = Result<Bytes>> + Unpin) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}
