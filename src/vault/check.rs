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
    error::{Error, Result},
    id::{BlobId, DocumentId, OfficeId},
    seal::{Digest, ObjectKey, Opener},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// It is there and has its size.
    Names,
    /// Its bytes are the ones that its name says; needs no key.
    Scrub,
    /// An original opens, too, and what comes out has the fingerprint that was acknowledged.
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
    /// Of an original: its blob, its owner and its fingerprint.
    pub original: Option<(BlobId, OfficeId, Vec<u8>)>,
    /// Of a record, whose name does not say it: the digest of its sealed bytes.
    pub digest: Option<Digest>,
    /// Whether its copy should be in the mirror by now.
    pub mirrored: bool,
}

impl Expected {
    fn digest(&self) -> Result<Digest> {
        match (self.digest, self.object.parse()?) {
            (Some(digest), _) | (None, ObjectName::Object(digest)) => Ok(digest),
            _ => Err(Error::internal("nothing says what the bytes of this object should be")),
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
        let original = expected.original.as_ref().filter(|_| depth == Depth::Deep);
        let Some((blob, office, fingerprint)) = original else {
            return Ok(if digest(body).await? == right { Ok(expected.size) } else { Err(Fault::Digest) });
        };
        let opened = match self.opener(*blob, *office).await? {
            Some(opener) => open(body, &opener).await?,
            None => None,
        };
        if let Some((sealed, plain)) = opened {
            let whole = sealed == right;
            let fault = if whole { Fault::Content } else { Fault::Digest };
            return Ok(if whole && plain == fingerprint[..] { Ok(expected.size) } else { Err(fault) });
        }
        // It does not open: are these other bytes, or the right ones under another key?
        let again = digest(store.get(&name, None).await?).await?;
        Ok(Err(if again == right { Fault::Content } else { Fault::Digest }))
    }

    /// `None` where the key is lost or does not open.
    async fn opener(&self, blob: BlobId, office: OfficeId) -> Result<Option<Opener>> {
        let Some((version, wrapped)) = sql::key(&self.db, blob, office).await? else { return Ok(None) };
        let Ok(bytes) = self.keys.unwrap_for(office, blob, version, &wrapped).await else { return Ok(None) };
        Ok(ObjectKey::from_bytes(&bytes).ok().map(|key| Opener::new(&key)))
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
