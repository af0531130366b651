//! Whether one object is in a store, whole and right. Each is read once, whatever is asked.

use std::sync::{Arc, Mutex, PoisonError};

use async_stream::stream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Place, Vault, sql};
use crate::{
    blob::{self, BlobStore, Body, ObjectName},
    download,
    error::{Error, Result},
    id::{BlobId, DocumentId, OfficeId, VersionId},
    seal::{Digest, ObjectKey, Opener},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// It is there and has its size.
    Names,
    /// Its bytes are the ones that its name says; needs no key.
    Scrub,
    /// It opens, too. What comes out of an original has the fingerprint that was acknowledged. A record has no key of its own that
    /// the database keeps wrapped: it opens by its header, with the master key or the recovery identity, as `restore` does.
    Deep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Missing,
    Size,
    Digest,
    Content,
    Unknown,
}

impl Fault {
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Size => "size",
            Fault::Digest => "digest",
            Fault::Content => "content",
            Fault::Unknown => "unknown",
        }
    }
}

/// An object that the database names: an original, a derivation or a record.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub object: String,
    pub size: u64,
    pub document: Option<DocumentId>,
    pub what: What,
    /// Whether its copy should be in the mirror by now.
    pub mirrored: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// Of this blob and owner, with this fingerprint.
    Original(BlobId, OfficeId, Vec<u8>),
    /// A text or a picture made of an original. Nobody remembers a fingerprint of it: that it opens proves it.
    Derived,
    /// The digest of its sealed bytes, which its name does not say.
    Record(Digest),
}

impl Expected {
    fn digest(&self) -> Result<Digest> {
        match (&self.what, self.object.parse()?) {
            (What::Record(digest), _) => Ok(*digest),
            (_, ObjectName::Object(digest)) => Ok(digest),
            _ => Err(Error::internal("nothing says what the bytes of this object should be")),
        }
    }

    /// Whether it can be made again from an original.
    pub fn is_derived(&self) -> bool {
        matches!(self.what, What::Derived)
    }

    fn is_what_was_sealed(&self, fingerprint: &[u8; 32]) -> bool {
        match &self.what {
            What::Original(_, _, right) => fingerprint[..] == right[..],
            What::Derived | What::Record(_) => true,
        }
    }
}

impl Vault {
    pub(super) fn at(&self, place: Place) -> Option<&BlobStore> {
        match place {
            Place::Store => Some(&self.store),
            Place::Mirror => self.mirror.as_ref(),
        }
    }

    /// What is wrong with an object, or how many of its bytes were looked at. `listed` is its size where it was just seen.
    /// An error is a store that does not answer, which tells nothing about the object.
    pub(super) async fn fault(
        &self,
        place: Place,
        depth: Depth,
        expected: &Expected,
        listed: Option<u64>,
    ) -> Result<Result<u64, Fault>> {
        let store = self.at(place).ok_or_else(|| Error::internal("there is no mirror"))?;
        let looked = match self.look(store, depth, expected, listed).await {
            Ok(looked) => looked,
            Err(cause) if blob::is_away(&cause) => return Err(cause),
            Err(cause) => {
                tracing::warn!(object = expected.object, cause = %cause.chain(), "an object cannot be read");
                Err(Fault::Digest)
            }
        };
        // It may have been replaced or destroyed while it was looked at.
        if looked.is_err() && !sql::is_expected(&self.db, &expected.object).await? {
            return Ok(Ok(0));
        }
        Ok(looked)
    }

    async fn look(
        &self,
        store: &BlobStore,
        depth: Depth,
        expected: &Expected,
        listed: Option<u64>,
    ) -> Result<Result<u64, Fault>> {
        let name: ObjectName = expected.object.parse()?;
        if depth == Depth::Names {
            let size = match listed {
                Some(size) => Some(size),
                None => store.head(&name).await?,
            };
            return Ok(match size {
                None => Err(Fault::Missing),
                Some(size) if size != expected.size => Err(Fault::Size),
                Some(_) => Ok(0),
            });
        }
        let body = match store.get(&name, None).await {
            Ok(body) if body.object_size != expected.size => return Ok(Err(Fault::Size)),
            Ok(body) => body,
            Err(cause) if blob::is_missing(&cause) => return Ok(Err(Fault::Missing)),
            Err(cause) => return Err(cause),
        };
        let right = expected.digest()?;
        let key = match &expected.what {
            What::Original(blob, office, _) if depth == Depth::Deep => self.key(*blob, *office).await?,
            What::Derived if depth == Depth::Deep => self.derived_key(&expected.object).await?,
            _ => return Ok(if digest(body).await? == right { Ok(expected.size) } else { Err(Fault::Digest) }),
        };
        let opened = match key {
            Some(key) => open(body, &Opener::new(&key)).await?,
            None => None,
        };
        if let Some((sealed, plain)) = opened {
            let whole = sealed == right;
            let fault = if whole { Fault::Content } else { Fault::Digest };
            return Ok(if whole && expected.is_what_was_sealed(&plain) { Ok(expected.size) } else { Err(fault) });
        }
        // It does not open: are these other bytes, or the right ones under another key?
        let again = digest(store.get(&name, None).await?).await?;
        Ok(Err(if again == right { Fault::Content } else { Fault::Digest }))
    }

    /// `None` where the key is lost or does not open.
    async fn key(&self, blob: BlobId, office: OfficeId) -> Result<Option<ObjectKey>> {
        let Some((version, wrapped)) = sql::key(&self.db, blob, office).await? else { return Ok(None) };
        self.unwrapped(office, blob, version, &wrapped).await
    }

    async fn unwrapped(
        &self,
        office: OfficeId,
        blob: BlobId,
        version: i64,
        wrapped: &[u8],
    ) -> Result<Option<ObjectKey>> {
        match self.keys.unwrap_for(office, blob, version, wrapped).await {
            Ok(bytes) => Ok(ObjectKey::from_bytes(&bytes).ok()),
            // A database that is away tells nothing about a key.
            Err(cause) if blob::is_away(&cause) => Err(cause),
            Err(_) => Ok(None),
        }
    }

    /// The same of what is derived: its key is wrapped by that of the version from which it was made.
    async fn derived_key(&self, object: &str) -> Result<Option<ObjectKey>> {
        let Some(row) = sql::derived(&self.db, object).await? else { return Ok(None) };
        let (office, blob) = (OfficeId(row.office), BlobId(row.blob));
        let Some(key) = self.unwrapped(office, blob, row.key_version, &row.key_wrapped).await? else { return Ok(None) };
        Ok(download::derived_key(&key, VersionId(row.version), &row.kind, row.page, &row.wrapped).ok())
    }
}

async fn digest(mut body: Body) -> Result<Digest> {
    let mut hash = Sha256::new();
    while let Some(piece) = body.stream.next().await {
        hash.update(&piece?);
    }
    Ok(hash.finalize().into())
}

/// One pass: the digest of the sealed bytes and the fingerprint of what they open to; `None` where they do not open.
async fn open(body: Body, opener: &Opener) -> Result<Option<(Digest, [u8; 32])>> {
    let sealed = Arc::new(Mutex::new(Sha256::new()));
    let lost = Arc::new(Mutex::new(None));
    let plan = opener.plan_whole();
    let payload = payload_of(body, plan.sealed().start, sealed.clone(), lost.clone());
    let mut plain = std::pin::pin!(opener.open_stream(plan, payload));
    let mut fingerprint = Sha256::new();
    while let Some(piece) = plain.next().await {
        let Ok(piece) = piece else {
            let lost = lost.lock().unwrap_or_else(PoisonError::into_inner).take();
            return lost.map_or(Ok(None), Err);
        };
        fingerprint.update(&piece);
    }
    let sealed = sealed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Some((sealed.finalize().into(), fingerprint.finalize().into())))
}

/// Hashes everything and passes on what comes after the header. A store that breaks off is remembered in `lost`: it is
/// not the object's fault.
fn payload_of(
    mut body: Body,
    start: u64,
    hash: Arc<Mutex<Sha256>>,
    lost: Arc<Mutex<Option<Error>>>,
) -> impl Stream<Item = Result<Bytes>> + Send {
    stream! {
        let mut at = 0;
        while let Some(piece) = body.stream.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(cause) => {
                    *lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
                    yield Err(Error::internal("the store broke off"));
                    return;
                }
            };
            hash.lock().unwrap_or_else(PoisonError::into_inner).update(&piece);
            let skip = usize::try_from(start.saturating_sub(at)).unwrap_or(usize::MAX).min(piece.len());
            at += piece.len() as u64;
            if skip < piece.len() {
                yield Ok(piece.slice(skip..));
            }
        }
    }
}
