//! One pass over the bytes: fingerprint, seal, digest, spool if large; then a pending row with its keys, then the store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Ingest, sql};
use crate::{
    crash::{Point, point},
    error::{Error, Result, say},
    id::{BlobId, OfficeId},
    read, seal,
};

/// Enough of the beginning to tell the type by content.
const HEAD: usize = 8 << 10;

/// Sealed bytes that are in the store, durably, and that nobody can see yet. Only [`Ingest::receive`] makes one.
#[derive(Clone, Debug)]
pub struct Received {
    pub(super) blob: BlobId,
    pub(super) office: OfficeId,
    pub(super) fingerprint: [u8; 32],
    pub(super) dedupe: [u8; 32],
    pub(super) size: u64,
    pub(super) media_type: &'static str,
    pub(super) file_name: String,
}

impl Received {
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    pub fn file_name(&self) -> &str {
        &self.file_name
    }
}

/// Where bytes come from: their office, a cleaned name, and the most that is taken.
#[derive(Clone, Debug)]
pub struct Source {
    pub office: OfficeId,
    pub file_name: String,
    pub max_bytes: u64,
    /// What the office may keep of its own rule, where whoever calls knows; else it is asked for.
    pub quota: Option<Option<u64>>,
}

impl Source {
    pub fn new(office: OfficeId, file_name: String, max_bytes: u64) -> Source {
        Source { office, file_name, max_bytes, quota: None }
    }
}

impl Ingest {
    pub async fn receive<S>(&self, source: Source, bytes: S) -> Result<Received>
    where
        S: Stream<Item = Result<Bytes>> + Send + Unpin,
    {
        // An office that is full already is told before it sends everything.
        let quota = self.must_have_room(source.office, source.quota, 1).await?;
        let head = Arc::new(Mutex::new(Vec::with_capacity(HEAD)));
        let bytes = limited(bytes, source.max_bytes, head.clone());
        let (sealed, body) = self.seal(bytes).await?;
        point(Point::Sealed);
        if sealed.plain_size == 0 {
            return Err(Error::invalid(
                "/file",
                say("Berkas kosong. Pilih berkas yang berisi.", "The file is empty. Choose one with content."),
            ));
        }
        if quota.is_some() {
            self.must_have_room(source.office, source.quota, sealed.plain_size).await?;
        }
        let blob = BlobId::fresh(&self.clock);
        let dedupe = self.dedupe(source.office, &sealed.fingerprint).await?;
        self.announce(blob, source.office, &sealed, &dedupe).await?;
        point(Point::Announced);
        self.store.put(&sealed.name, &body).await?;
        point(Point::Stored);
        let head = head.lock().map(|head| head.clone()).unwrap_or_default();
        Ok(Received {
            blob,
            office: source.office,
            fingerprint: sealed.fingerprint,
            dedupe,
            size: sealed.plain_size,
            media_type: read::sniff(&head, &source.file_name),
            file_name: source.file_name,
        })
    }

    /// Equal files of one office have the same value here; without the office's key nobody can compute it.
    async fn dedupe(&self, office: OfficeId, fingerprint: &[u8; 32]) -> Result<[u8; 32]> {
        let key = self.keys.dedupe_key(office).await?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(Error::internal)?;
        mac.update(fingerprint);
        Ok(mac.finalize().into_bytes().into())
    }

    /// The pending row and the wrapped key come before the object: no object of ours is ever without its key.
    async fn announce(&self, blob: BlobId, office: OfficeId, sealed: &seal::Sealed, dedupe: &[u8; 32]) -> Result<()> {
        let (version, wrapped) = self.keys.wrap_for(office, blob, &sealed.key.to_bytes()).await?;
        let now = self.clock.now();
        let lease = now.plus(Duration::from_secs(120 + sealed.sealed_size / 1_000_000));
        let mut tx = self.db.write().await?;
        sql::insert_pending(&mut tx, blob, office, sealed, dedupe, now, lease).await?;
        sql::insert_key(&mut tx, blob, office, version, &wrapped).await?;
        tx.commit().await
    }
}

/// Refuses what is too large while it streams, and keeps the beginning for telling the type.
fn limited<S>(bytes: S, max: u64, head: Arc<Mutex<Vec<u8>>>) -> impl Stream<Item = Result<Bytes>> + Send + Unpin
where
    S: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    let mut seen = 0_u64;
    bytes.map(move |piece| {
        let piece = piece?;
        seen += piece.len() as u64;
        if seen > max {
            return Err(too_large(max));
        }
        if let Ok(mut head) = head.lock() {
            let room = HEAD - head.len();
            head.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(piece)
    })
}

pub fn too_large(max: u64) -> Error {
    Error::too_large(say(
        format!("Berkas melebihi batas {max} bita (upload.max_bytes). Pecah berkasnya, atau hubungi operator."),
        format!("The file is larger than {max} bytes (upload.max_bytes). Split it, or ask the operator."),
    ))
}
