//! Sealed bytes are held in memory while they are few and go to a file once they are many.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::mem;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::body::{Place, SealedBody, SpoolFile};
use super::sealer::{Digest, Sealed};
use super::share::Share;
use crate::blob::ObjectName;
use crate::error::{Error, Result};
use crate::id;

const SUFFIX: &str = "spool";

/// Collects the output of one [`super::Sealer`]. Only ciphertext ever comes here.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    memory_limit: usize,
    held: Vec<u8>,
    /// None where the bytes are in memory anyway and have no folder to go to.
    share: Option<Share>,
    spilled: Option<(File, SpoolFile)>,
    size: u64,
}

impl Spool {
    pub fn new(folder: impl Into<PathBuf>, memory_limit: usize) -> Spool {
        Spool {
            folder: folder.into(),
            memory_limit,
            held: Vec::new(),
            share: Some(Share::default()),
            spilled: None,
            size: 0,
        }
    }

    /// For the little that never goes to a disk.
    pub(super) fn in_memory() -> Spool {
        Spool { share: None, ..Spool::new(PathBuf::new(), usize::MAX) }
    }

    /// Blocks on the disk once the limit is passed.
    pub fn write(&mut self, sealed: &[u8]) -> Result<()> {
        self.size += sealed.len() as u64;
        if let Some((file, _)) = &mut self.spilled {
            return Ok(file.write_all(sealed)?);
        }
        let fits = self.held.len() + sealed.len() <= self.memory_limit;
        if fits && self.share.as_mut().is_none_or(|share| share.grow(sealed.len())) {
            self.held.extend_from_slice(sealed);
            return Ok(());
        }
        let mut spilled = self.create()?;
        spilled.0.write_all(&mem::take(&mut self.held))?;
        self.share = None;
        spilled.0.write_all(sealed)?;
        self.spilled = Some(spilled);
        Ok(())
    }

    /// True while the next `more` bytes would stay in memory, as far as this one spool goes.
    pub fn has_room(&self, more: usize) -> bool {
        self.spilled.is_none() && self.held.len() + more <= self.memory_limit
    }

    pub fn finish(self, sealed: &Sealed) -> Result<SealedBody> {
        if self.size != sealed.sealed_size {
            return Err(Error::internal("the spool holds another number of bytes than were sealed"));
        }
        let ObjectName::Object(digest) = sealed.name else {
            return Err(Error::internal("a sealed file is named by its digest"));
        };
        Ok(self.finish_copy(digest))
    }

    /// For sealed bytes that came out of a store, whose digest the caller has computed.
    pub fn finish_copy(self, digest: Digest) -> SealedBody {
        let size = self.size;
        let place = match self.spilled {
            Some((_, file)) => Place::File(Arc::new(file)),
            None => Place::Memory(Bytes::from(self.held)),
        };
        SealedBody::new(place, self.share.unwrap_or_default(), digest, size)
    }

    fn create(&self) -> Result<(File, SpoolFile)> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(format!("{}.{SUFFIX}", id::secret()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok((file, SpoolFile::new(path)))
    }
}

/// Removes what a crash left behind; to be called at start, before anything is received.
pub fn clear_spool(folder: &Path) -> Result<u64> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(absent) if absent.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(cause) => return Err(cause.into()),
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == SUFFIX) {
            fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Sealer;

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).map(Iterator::count).unwrap_or(0)
    }

    fn spool(folder: &Path, memory_limit: usize, plain: &[u8]) -> SealedBody {
        let mut sealer = Sealer::new(None).expect("fresh key");
        let mut spool = Spool::new(folder, memory_limit);
        spool.write(&sealer.push(plain).expect("seals")).expect("room");
        let (tail, sealed) = sealer.finish().expect("seals");
        spool.write(&tail).expect("room");
        spool.finish(&sealed).expect("complete")
    }

    #[test]
    fn a_small_file_never_touches_the_disk() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let body = spool(folder.path(), 1 << 20, &[1; 1000]);
        assert!(matches!(body.place(), Place::Memory(_)));
        assert_eq!(files(folder.path()), 0);
    }

    #[test]
    fn a_large_file_is_spooled_as_ciphertext_and_removed_with_its_last_holder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let body = spool(folder.path(), 1000, &b"canary-word ".repeat(20_000));
        let Place::File(file) = body.place() else { panic!("expected a spool file") };
        let written = fs::read(file.path()).expect("spool file");
        assert_eq!(written.len() as u64, body.size());
        assert_eq!(&super::super::digest_of(&written), body.digest());
        assert!(!written.windows(11).any(|window| window == b"canary-word"));
        let held = body.clone();
        drop(body);
        assert_eq!(files(folder.path()), 1);
        drop(held);
        assert_eq!(files(folder.path()), 0);
    }

    #[test]
    fn what_a_crash_left_in_the_spool_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join("left.spool"), b"x").expect("own folder");
        fs::write(folder.path().join("other.txt"), b"x").expect("own folder");
        assert_eq!(clear_spool(folder.path()).expect("readable"), 1);
        assert!(folder.path().join("other.txt").exists());
        assert_eq!(clear_spool(&folder.path().join("absent")).expect("nothing to do"), 0);
    }
}
