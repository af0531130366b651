//! Sealed bytes on their way to the store: in memory or in a spool file, replayable as often as a store asks.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::Digest;
use super::sealer::digest_of;
use super::share::Share;

/// Cheap to clone; the spool file goes when the last clone does.
#[derive(Clone, Debug)]
pub struct SealedBody {
    place: Place,
    _share: Arc<Share>,
    digest: Digest,
    size: u64,
}

/// Where the bytes are; a store reads them from there.
#[derive(Clone, Debug)]
pub enum Place {
    Memory(Bytes),
    File(Arc<SpoolFile>),
}

impl SealedBody {
    /// For sealed bytes that are small enough to be held; hashes them.
    pub fn from_bytes(sealed: Bytes) -> SealedBody {
        let (digest, size) = (digest_of(&sealed), sealed.len() as u64);
        SealedBody::new(Place::Memory(sealed), Share::default(), digest, size)
    }

    pub(super) fn new(place: Place, share: Share, digest: Digest, size: u64) -> SealedBody {
        SealedBody { place, _share: Arc::new(share), digest, size }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// SHA-256 of the sealed bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    pub fn size(&self) -> u64 {
        self.size
    }
}

/// A file of ciphertext that is removed when it is no longer needed.
pub struct SpoolFile(PathBuf);

impl SpoolFile {
    pub(super) fn new(path: PathBuf) -> SpoolFile {
        SpoolFile(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        // What cannot be removed now is ciphertext without a key, and goes at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

impl fmt::Debug for SpoolFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpoolFile({})", self.0.display())
    }
}
